//! The rules of referrals, clocks, sight and bad input, with answers written by hand.

use domain::{
    laws::{MORNING, Pen, Village, act, agreed, ask, opening, visit},
    *,
};

const DESK: Side = Side::Supervisor(Level::Commune);
const SEAT: Side = Side::Supervisor(Level::Province);

/// Writes a referral of `kind` and hands back a way to act on it.
struct Desk {
    progress: Progress,
    n: u64,
}

impl Desk {
    fn new(kind: ReferralKind) -> Self {
        let mut progress = Progress::new(Some(referral::chain(kind, MORNING.day())));
        progress.dues = progress.clocks(MORNING, MORNING);
        Self { progress, n: 0 }
    }
    fn act(&mut self, side: Side, act: Act, at: Timestamp) -> Result<Option<ReferralStatus>, DecideError> {
        let next = self.progress.next(&act, side)?;
        self.n += 1;
        let record = ActRecord {
            change: ChangeId::at(self.n, [0; 10]),
            by: Village::new().hanh,
            recorded_at: at,
            received_at: Some(at),
            act,
            moved_to: None,
            seen: None,
        };
        let mut tried = self.progress.clone();
        tried.record(record.clone(), side, None);
        let dues = tried.clocks(MORNING, at);
        self.progress.record(record, side, Some(dues));
        Ok(next)
    }
    fn status(&self) -> ReferralStatus {
        self.progress.status
    }
    fn dues(&self) -> Vec<(Action, String, (u32, u32))> {
        let last_minute = |at: Timestamp| at.plus_ms(-60_000);
        self.progress
            .dues
            .iter()
            .map(|d| (d.action, last_minute(d.at).day().to_string(), last_minute(d.at).hour_minute()))
            .collect()
    }
}

fn approve() -> Act {
    Act::Approve { document: None }
}
fn receive() -> Act {
    Act::Receive { note: String::new(), follow_up: None }
}

#[test]
fn a_case_opened_with_two_answers_to_one_question_is_refused() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let mut case = lan.open("a1", None, vec![Fact::Confidentiality(Confidentiality::Restricted)]);
    if let Body::CaseOpened { facts, .. } = &mut case.body {
        facts.push(Fact::Confidentiality(Confidentiality::Normal));
    }
    let grants = &village.rules.staff[&village.lan];
    let actor = Actor { worker: village.lan, grants };
    assert_eq!(check(&Parts::default(), &case, actor, &village.rules, MORNING), Err(Refusal::Twice));
}

#[test]
fn a_special_admission_passes_commune_province_and_facility() {
    let mut desk = Desk::new(ReferralKind::AdmissionSpecial);
    assert_eq!(desk.status(), ReferralStatus::Submitted);
    // Ten working days from Monday 09/03/2026 end with Monday 23/03.
    assert_eq!(desk.dues(), vec![(Action::Approve, "2026-03-23".to_owned(), (23, 59))]);
    assert_eq!(desk.act(Side::Receiver, Act::Accept, MORNING), Err(DecideError::NotNow(ReferralStatus::Submitted)));
    assert_eq!(desk.act(SEAT, approve(), MORNING), Err(DecideError::NotYourStep));
    desk.act(DESK, approve(), MORNING).expect("approved");
    assert_eq!(desk.status(), ReferralStatus::Approved);
    // Nine working days for the department.
    assert_eq!(desk.dues(), vec![(Action::Forward, "2026-03-20".to_owned(), (23, 59))]);
    desk.act(SEAT, Act::Forward, MORNING).expect("forwarded");
    assert_eq!(desk.status(), ReferralStatus::Forwarded);
    desk.act(Side::Receiver, Act::Waitlist { note: String::new() }, MORNING).expect("waitlisted");
    desk.act(Side::Receiver, Act::Accept, MORNING).expect("accepted");
    desk.act(Side::Receiver, receive(), MORNING).expect("received");
    assert_eq!((desk.status(), desk.progress.papers), (ReferralStatus::InService, None));
    let back_on = MORNING.day().plus_days(9);
    desk.act(Side::Receiver, Act::Leave { to: "bà ngoại".to_owned(), back_on }, MORNING).expect("on leave");
    desk.act(Side::Receiver, Act::ComeBack, MORNING).expect("back");
    desk.act(Side::Receiver, Act::Complete { outcome: "đoàn tụ".to_owned() }, MORNING).expect("completed");
    assert!(desk.status().is_final() && desk.dues().is_empty());
}

#[test]
fn an_emergency_is_received_at_once_and_its_papers_follow_in_ten_working_days() {
    let mut desk = Desk::new(ReferralKind::AdmissionEmergency);
    assert_eq!(desk.status(), ReferralStatus::Submitted);
    assert_eq!(desk.dues(), vec![(Action::Look, "2026-03-09".to_owned(), (9, 59))]);
    desk.act(DESK, Act::Look, MORNING).expect("looked");
    assert_eq!((desk.status(), desk.dues()), (ReferralStatus::Submitted, vec![]));
    desk.act(Side::Receiver, receive(), MORNING).expect("received before any approval");
    assert_eq!((desk.status(), desk.progress.papers), (ReferralStatus::InService, Some(Papers::Due)));
    assert_eq!(desk.dues(), vec![(Action::Approve, "2026-03-23".to_owned(), (23, 59))]);
    assert_eq!(desk.act(DESK, approve(), MORNING), Ok(None), "an approval after reception moves only the papers");
    assert_eq!((desk.status(), desk.progress.papers), (ReferralStatus::InService, Some(Papers::Approved)));
    assert_eq!(desk.dues(), vec![]);
}

#[test]
fn an_emergency_may_be_returned_answered_approved_and_then_received() {
    let mut desk = Desk::new(ReferralKind::AdmissionEmergency);
    desk.act(DESK, Act::Return { question: "Bác có đau ở đâu?".to_owned() }, MORNING).expect("returned");
    assert_eq!(desk.progress.question(), Some("Bác có đau ở đâu?"));
    assert_eq!(desk.act(DESK, approve(), MORNING), Err(DecideError::NotNow(ReferralStatus::Returned)));
    assert_eq!(desk.progress.version, 1);
    desk.act(Side::Writer, Act::Answer { text: "Đau chân phải.".to_owned() }, MORNING).expect("answered");
    assert_eq!((desk.status(), desk.progress.version), (ReferralStatus::Submitted, 2));
    desk.act(DESK, approve(), MORNING).expect("approved");
    assert_eq!(desk.status(), ReferralStatus::Forwarded, "nobody stands before the receiver any more");
    desk.act(Side::Receiver, receive(), MORNING).expect("received");
    assert_eq!(desk.progress.papers, Some(Papers::Approved));
}

#[test]
fn a_question_of_the_department_comes_back_to_the_department() {
    let mut desk = Desk::new(ReferralKind::AdmissionSpecial);
    desk.act(DESK, approve(), MORNING).expect("approved");
    desk.act(SEAT, Act::Return { question: "Giấy ra viện đâu?".to_owned() }, MORNING).expect("returned");
    assert_eq!(desk.dues(), vec![], "the clock stands while the village answers");
    desk.act(Side::Writer, Act::Answer { text: "Gửi kèm.".to_owned() }, MORNING).expect("answered");
    assert_eq!(desk.status(), ReferralStatus::Approved);
    desk.act(SEAT, Act::Forward, MORNING).expect("forwarded");
    assert_eq!(desk.status(), ReferralStatus::Forwarded);
}

#[test]
fn a_kind_without_steps_goes_straight_to_its_receiver() {
    for kind in [ReferralKind::Advice, ReferralKind::InKind] {
        assert_eq!(Desk::new(kind).status(), ReferralStatus::Forwarded, "{kind:?}");
    }
    let voluntary = Desk::new(ReferralKind::AdmissionVoluntary);
    assert_eq!(voluntary.status(), ReferralStatus::Forwarded);
    // Six working days for the facility.
    assert_eq!(voluntary.dues(), vec![(Action::Accept, "2026-03-17".to_owned(), (23, 59))]);
}

#[test]
fn a_childs_twelve_hours_run_from_the_earlier_phone_report_and_never_stand() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 2));
    let case = lan.open("a1", None, vec![]);
    let desk = Receiver::Desk("a".parse().expect("a place"));
    let referral = lan.write(case.subject, "place:a", ask(ReferralKind::ChildProtection, desk, Sharing::emergency()));
    let report = |hours: i64| {
        let phone = Phone::parse_service("111").expect("a hotline");
        let at = MORNING.plus_ms(hours * 3_600_000);
        lan.write(
            case.subject,
            "place:a",
            Body::Told(Told { whom: "Tổng đài 111".to_owned(), phone, at, office_at: None }),
        )
    };
    let clocks = |told: &History| -> Vec<(Action, (u32, u32))> {
        let progress = &told.parts.referral(referral.id).expect("the referral").progress;
        progress.dues.iter().map(|d| (d.action, d.at.hour_minute())).collect()
    };
    let mut told = History::new(&[&case, &referral]);
    assert_eq!(clocks(&told), vec![(Action::Look, (9, 0)), (Action::Approve, (20, 0))]);
    told.tell(&report(-40)).expect("a call about something else");
    assert_eq!(clocks(&told), vec![(Action::Look, (9, 0)), (Action::Approve, (20, 0))]);
    // Told at 05:00: look by 06:00, decide by 17:00, though the report arrives after the referral.
    told.tell(&report(-3)).expect("told");
    let expected = vec![(Action::Look, (6, 0)), (Action::Approve, (17, 0))];
    assert_eq!(clocks(&told), expected);
    let question = Act::Return { question: "Cháu đang ở với ai?".to_owned() };
    told.tell(&hanh.write(case.subject, "place:a", act(referral.id, 1, DESK, question))).expect("returned");
    assert_eq!(clocks(&told), expected, "a question does not stop the child's clock");
    let answer = Act::Answer { text: "Với bà.".to_owned() };
    told.tell(&lan.write(case.subject, "place:a", act(referral.id, 1, Side::Writer, answer))).expect("answered");
    assert_eq!(clocks(&told), expected, "nor does the answer start it anew");
}

#[test]
fn a_childs_clock_is_put_right_when_the_phones_clock_is_wrong() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let clocks_of = |told_before: bool, off_ms: i64, told_off_ms: i64| {
        let village = Village::new();
        let lan = Pen::new(village.lan, 1);
        // All that a phone says about time is wrong by as much.
        let off = |mut change: Change, off_ms: i64| {
            change.recorded_at = change.recorded_at.plus_ms(off_ms);
            (change, off_ms)
        };
        let case = off(lan.open("a1", None, vec![]), off_ms);
        let phone = Phone::parse_service("111").expect("a hotline");
        let an_hour_ago = MORNING.plus_ms(told_off_ms - 3_600_000);
        let told = Told { whom: "Tổng đài 111".to_owned(), phone, at: an_hour_ago, office_at: Some(Timestamp(0)) };
        let told = off(lan.write(case.0.subject, "place:a", Body::Told(told)), told_off_ms);
        let desk = Receiver::Desk("a".parse().expect("a place"));
        let asked = ask(ReferralKind::ChildProtection, desk, Sharing::emergency());
        let referral = off(lan.write(case.0.subject, "place:a", asked), off_ms);
        let order = if told_before { [&case, &told, &referral] } else { [&case, &referral, &told] };
        let mut history = History::new(&[]);
        for (change, off_ms) in order {
            history.tell_from(change, Some(MORNING.plus_ms(*off_ms))).expect("lawful");
        }
        let progress = &history.parts.referral(referral.0.id).expect("the referral").progress;
        progress.dues.iter().map(|d| (d.action, d.at)).collect::<Vec<_>>()
    };
    // Told an hour before it arrived: look within the same hour, decide in eleven.
    let expected = vec![(Action::Look, MORNING), (Action::Approve, MORNING.plus_ms(11 * 3_600_000))];
    for off_ms in [0, -DAY_MS, 3 * DAY_MS, -20_000 * DAY_MS] {
        for told_off_ms in [off_ms, 0, -3 * DAY_MS] {
            for told_before in [true, false] {
                let clocks = clocks_of(told_before, off_ms, told_off_ms);
                assert_eq!(clocks, expected, "{off_ms} and {told_off_ms} ms, told before: {told_before}");
            }
        }
    }
}

#[test]
fn papers_stay_due_after_the_stay_has_ended() {
    let mut desk = Desk::new(ReferralKind::AdmissionEmergency);
    desk.act(Side::Receiver, receive(), MORNING).expect("received");
    desk.act(Side::Receiver, Act::Complete { outcome: "về nhà".to_owned() }, MORNING).expect("completed");
    assert_eq!(desk.progress.papers, Some(Papers::Due));
    assert_eq!(desk.dues(), vec![(Action::Approve, "2026-03-23".to_owned(), (23, 59))]);
    desk.act(DESK, approve(), MORNING).expect("papers approved");
    assert_eq!((desk.progress.papers, desk.dues()), (Some(Papers::Approved), vec![]));
}

#[test]
fn a_full_facility_may_refuse_an_emergency_that_was_returned() {
    let mut desk = Desk::new(ReferralKind::AdmissionEmergency);
    desk.act(DESK, Act::Return { question: "Ai đưa đến?".to_owned() }, MORNING).expect("returned");
    let refuse = Act::Refuse { reason: "Hết chỗ.".to_owned(), alternative: None };
    desk.act(Side::Receiver, refuse, MORNING).expect("refused");
    assert_eq!(desk.status(), ReferralStatus::Refused);
}

/// A case of the village with what follows, applied in order and received by the office.
struct History {
    village: Village,
    parts: Parts,
}

impl History {
    fn new(changes: &[&Change]) -> Self {
        let mut told = Self { village: Village::new(), parts: Parts::default() };
        for change in changes {
            told.tell(change).expect("lawful");
        }
        told
    }
    fn tell(&mut self, change: &Change) -> Result<(), Refusal> {
        self.tell_from(change, None)
    }
    /// As `tell`, sent by a phone whose clock said `by_phone`.
    fn tell_from(&mut self, change: &Change, by_phone: Option<Timestamp>) -> Result<(), Refusal> {
        /// But what is told now, and what it stands for, which never came to be.
        struct Everything(ChangeId, Option<ChangeId>);
        impl office::Known for Everything {
            fn has(&self, change: ChangeId, _: Subject, _: Option<WorkerId>) -> bool {
                change != self.0 && Some(change) != self.1
            }
            fn photo(&self, _: PhotoId) -> Option<office::Announced> {
                None
            }
            fn has_code(&self, _: &CaseCode) -> bool {
                false
            }
            fn reach(&self, _: CaseId) -> Option<Reach> {
                None
            }
        }
        let grants = &self.village.rules.staff[&change.author];
        let rights = office::Rights { worker: change.author, now: grants, last_contact: grants };
        let arrival = office::Arrival { at: MORNING, ahead_ms: by_phone.map(|at| MORNING.0 - at.0) };
        match office::receive(
            &self.parts,
            change.clone(),
            rights,
            &self.village.rules,
            arrival,
            &Everything(change.id, change.replaces),
        ) {
            Received::Accepted(entry) => {
                apply(&mut self.parts, &entry);
                Ok(())
            }
            Received::Refused(why) => Err(why),
            other => panic!("{other:?}"),
        }
    }
}

fn field(spot: Spot, why: Invalid) -> Result<(), Refusal> {
    Err(Refusal::Field { spot, why })
}

#[test]
fn bad_input_is_named_at_its_field() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let open = |more| History::new(&[]).tell(&lan.open("a1", Some("Hoàng Thị Mỷ"), more));
    let here = |name, why| field(Spot::Fact(name), why);
    let mut unknown = lan.open("a1", None, vec![Fact::HandledIn("zz".parse().expect("a code"))]);
    unknown.log = "place:a".parse().expect("a log");
    assert_eq!(History::new(&[]).tell(&unknown), here(FactName::HandledIn, Invalid::UnknownPlace));
    let province = vec![Fact::HandledIn("p".parse().expect("a code"))];
    let mut at_province = lan.open("a1", None, province);
    at_province.log = "place:p".parse().expect("a log");
    assert_eq!(History::new(&[]).tell(&at_province), here(FactName::HandledIn, Invalid::UnknownPlace));
    let unborn = PartialDate::parse(Some(2027), None, None, false).expect("a year");
    assert_eq!(open(vec![Fact::Birth(unborn)]), here(FactName::Birth, Invalid::InFuture));
    assert_eq!(open(vec![Fact::ApproximateAge(130)]), here(FactName::ApproximateAge, Invalid::OutOfRange));
    assert_eq!(open(vec![Fact::WhatHappened("  ".to_owned())]), here(FactName::WhatHappened, Invalid::Empty));
    assert_eq!(open(vec![Fact::WhatHappened("a".repeat(4_001))]), here(FactName::WhatHappened, Invalid::TooLong));
    assert_eq!(open(vec![Fact::Consent(Consent::new(ConsentAnswer::Refused))]), Err(Refusal::NoConsent));
    let mut nameless = lan.open("a1", None, vec![]);
    let mut facts = opening("a1", None);
    facts.retain(|f| f.name() != FactName::FullName);
    let Body::CaseOpened { code, .. } = nameless.body else { panic!("an opening") };
    nameless.body = Body::CaseOpened { code, facts };
    let not_answered = here(FactName::FullName, Invalid::Missing);
    assert_eq!(History::new(&[]).tell(&nameless), not_answered, "a name, or that it is not known");
    assert_eq!(open(vec![Fact::FullName(None)]), Ok(()), "not known is an answer");
    assert!(serde_json::from_str::<Fact>(r#"{"document":{"kind":"personal_id","number":"0991"}}"#).is_err());
}

#[test]
fn a_typed_date_in_the_future_is_refused_and_a_wrong_phone_clock_is_not() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let dated = |on: Day, next: Option<Day>, recorded_at: Timestamp| {
        let Body::VisitRecorded(plain) = visit("Vẫn ổn.") else { panic!("a visit") };
        let mut change = lan.write(case.subject, "place:a", Body::VisitRecorded(Visit { on, next, ..plain }));
        change.recorded_at = recorded_at;
        History::new(&[&case]).tell(&change)
    };
    let today = MORNING.day();
    let tomorrow = today.plus_days(1);
    assert_eq!(dated(tomorrow, None, MORNING), field(Spot::VisitDay, Invalid::InFuture));
    let a_day_ahead = MORNING.plus_ms(86_400_000);
    assert_eq!(dated(tomorrow, None, a_day_ahead), Ok(()), "the phone believed it was tomorrow");
    let years_behind = Timestamp(0);
    assert_eq!(dated(today, None, years_behind), Ok(()), "a clock that fell back to 1970");
    let last_year = Day::of(2025, 3, 14);
    assert_eq!(dated(today, last_year, MORNING), field(Spot::NextVisit, Invalid::TooEarly));
}

#[test]
fn nothing_is_referred_without_consent() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let to = Receiver::Facility(village.facility);
    let tell = |answer, kind, sharing| {
        let case = lan.open("a1", None, vec![Fact::Consent(Consent::new(answer))]);
        let referral = lan.write(case.subject, "place:a", ask(kind, to.clone(), sharing));
        History::new(&[&case]).tell(&referral)
    };
    let not_asked = ConsentAnswer::NotAsked;
    let none = Sharing { items: vec![], ..agreed() };
    assert_eq!(tell(ConsentAnswer::Agreed, ReferralKind::Health, agreed()), Ok(()));
    assert_eq!(tell(ConsentAnswer::Agreed, ReferralKind::Health, none), Err(Refusal::NoConsent));
    assert_eq!(tell(not_asked, ReferralKind::Health, Sharing::emergency()), Err(Refusal::NoConsent));
    assert_eq!(tell(not_asked, ReferralKind::AdmissionEmergency, Sharing::emergency()), Ok(()));
}

#[test]
fn refusing_emergency_protection_needs_a_reason_and_another_provider() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 2));
    let case = lan.open("a1", None, vec![]);
    let to = Receiver::Facility(village.facility);
    let referral =
        lan.write(case.subject, "place:a", ask(ReferralKind::AdmissionEmergency, to.clone(), Sharing::emergency()));
    let refuse = |reason: &str, alternative| {
        let what = Act::Refuse { reason: reason.to_owned(), alternative };
        let change = hanh.write(case.subject, "place:a", act(referral.id, 1, DESK, what));
        History::new(&[&case, &referral]).tell(&change)
    };
    let decide = |decide| Err(Refusal::Decide(decide));
    assert_eq!(refuse(" ", Some(to.clone())), decide(DecideError::ReasonMissing));
    assert_eq!(refuse("Hết chỗ.", None), decide(DecideError::AlternativeMissing));
    assert_eq!(refuse("Hết chỗ.", Some(to.clone())), Ok(()));
}

#[test]
fn a_decision_on_content_that_moved_must_look_again_and_a_second_decision_stays_as_a_note() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 2));
    let case = lan.open("a1", None, vec![]);
    let referral =
        lan.write(case.subject, "place:a", ask(ReferralKind::Health, Receiver::Facility(village.facility), agreed()));
    let at_desk = |saw, what| hanh.write(case.subject, "place:a", act(referral.id, saw, DESK, what));
    let question = || Act::Return { question: "Ai đang ở cùng?".to_owned() };
    let back = at_desk(1, question());
    let answer = lan.write(
        case.subject,
        "place:a",
        act(referral.id, 1, Side::Writer, Act::Answer { text: "Con gái.".to_owned() }),
    );
    let mut told = History::new(&[&case, &referral, &back, &answer]);
    let stale = at_desk(1, approve());
    assert_eq!(told.tell(&stale), Err(Refusal::Decide(DecideError::LookAgain)));
    told.tell(&at_desk(2, approve())).expect("approved");
    let again = told.tell(&at_desk(2, question()));
    let not_now = DecideError::NotNow(ReferralStatus::Forwarded);
    assert_eq!(again, Err(Refusal::Decide(not_now)), "she knows her own decision");
    let deputy = Pen::new(village.pao, 3);
    told.village.rules.staff.insert(village.pao, vec![Grant::area(Role::Supervisor, "a".parse().expect("a place"))]);
    let second = deputy.write(case.subject, "place:a", act(referral.id, 2, DESK, question()));
    told.tell(&second).expect("kept as a note");
    let progress = &told.parts.referral(referral.id).expect("the referral").progress;
    assert_eq!(progress.status, ReferralStatus::Forwarded, "the first decision stands");
    assert_eq!(progress.acts.len(), 4);
    assert_eq!(progress.acts[3].moved_to, None, "the second moved nothing");
}

#[test]
fn a_supervisor_above_decides_only_where_nobody_else_may() {
    let village = Village::new();
    let hanh = Pen::new(village.hanh, 2);
    let case = hanh.open("a1", None, vec![]);
    let referral =
        hanh.write(case.subject, "place:a", ask(ReferralKind::Health, Receiver::Facility(village.facility), agreed()));
    let mut told = History::new(&[&case, &referral]);
    let department = Pen::new(village.admin, 7);
    let seat = vec![Grant::area(Role::Supervisor, "p".parse().expect("a place"))];
    told.village.rules.staff.insert(village.admin, seat);
    let decide = department.write(case.subject, "place:a", act(referral.id, 1, DESK, approve()));
    let mut other = History { village: told.village.clone(), parts: told.parts.clone() };
    assert_eq!(told.tell(&decide), Ok(()), "the only supervisor of the commune wrote it herself");
    other.village.rules.staff.insert(village.pao, vec![Grant::area(Role::Supervisor, "a".parse().expect("a place"))]);
    let refused = Err(Refusal::Decide(DecideError::NotYourStep));
    assert_eq!(other.tell(&decide), refused, "a deputy of the commune could");
}

#[test]
fn a_restricted_case_that_must_pass_the_department_names_somebody_there() {
    let village = Village::new();
    let (lan, hanh, so) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 2), Pen::new(village.admin, 3));
    let case = lan.open("a1", None, vec![Fact::Confidentiality(Confidentiality::Restricted)]);
    let receiver = Receiver::Facility(village.facility);
    let referral = lan.write(case.subject, "place:a", ask(ReferralKind::AdmissionSpecial, receiver, agreed()));
    let mut told = History::new(&[]);
    let seat = vec![Grant::area(Role::Supervisor, "p".parse().expect("a place"))];
    told.village.rules.staff.insert(village.admin, seat);
    let forward = so.write(case.subject, "place:a", act(referral.id, 1, SEAT, Act::Forward));
    told.tell(&case).expect("opened");
    told.tell(&referral).expect("asked");
    assert_eq!(told.tell(&forward), Err(Refusal::Decide(DecideError::NotYourStep)));
    told.tell(&hanh.write(case.subject, "place:a", act(referral.id, 1, DESK, approve()))).expect("approved");
    told.tell(&forward).expect("the department can read and forward it");
    let team = lan.write(
        case.subject,
        "place:a",
        ask(ReferralKind::OutreachVisit, Receiver::Team("a".parse().expect("a place")), agreed()),
    );
    assert_eq!(told.tell(&team), Err(Refusal::RestrictedReceiver));
}

#[test]
fn an_officer_is_named_again_when_a_case_is_restricted_again() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 2));
    let case = lan.open("a1", None, vec![Fact::Confidentiality(Confidentiality::Restricted)]);
    let mut told = History::new(&[&case]);
    let confidentiality = |told: &History, pen: &Pen, now| {
        let saw = told.parts.header().expect("a header").facts.confidentiality.seen();
        let edit = FieldEdit { saw, fact: Fact::Confidentiality(now), cleared: false };
        pen.write(case.subject, "place:a", Body::FactsEdited { edits: vec![edit] })
    };
    let open = confidentiality(&told, &lan, Confidentiality::Normal);
    assert_eq!(told.tell(&open), Err(Refusal::NotAllowed), "the writer may restrict, not open up");
    let open = confidentiality(&told, &hanh, Confidentiality::Normal);
    told.tell(&open).expect("the officer may");
    let saw = told.parts.header().expect("a header").assignees[&village.hanh].seen();
    let leave = ElementEdit { saw, element: village.hanh, now: false };
    told.tell(&hanh.write(case.subject, "place:a", Body::AssigneeEdited(leave))).expect("she leaves");
    let close = confidentiality(&told, &lan, Confidentiality::Restricted);
    told.tell(&close).expect("restricted again");
    let reach = Reach::of(&told.parts).expect("a case");
    assert!(reach.named.contains(&village.hanh), "{reach:?}");
}

#[test]
fn only_people_of_the_field_can_be_named_on_a_case() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", None, vec![]);
    let name = ElementEdit { saw: vec![], element: village.thanh, now: true };
    let change = lan.write(case.subject, "place:a", Body::AssigneeEdited(name));
    assert_eq!(History::new(&[&case]).tell(&change), field(Spot::Worker, Invalid::UnknownCode));
}

#[test]
fn two_who_did_the_same_task_are_both_kept_and_a_corrected_task_keeps_its_name() {
    let village = Village::new();
    let (lan, pao) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2));
    let case = lan.open("a1", None, vec![]);
    let task = |what: &str| {
        let for_whom = TaskFor::Village("a1".parse().expect("a place"));
        lan.write(case.subject, "place:a", Body::TaskWritten(Task { what: what.to_owned(), due: None, for_whom }))
    };
    let held = task(" ");
    let mut corrected = task("Đưa giấy hẹn khám");
    corrected.replaces = Some(held.id);
    let done = |pen: &Pen, note: &str| {
        pen.write(case.subject, "place:a", Body::TaskDone { task: held.id, note: note.to_owned() })
    };
    let mut told = History::new(&[&case]);
    assert_eq!(told.tell(&held), field(Spot::TaskText, Invalid::Empty));
    assert_eq!(told.tell(&done(&lan, "sớm quá")), field(Spot::TaskText, Invalid::UnknownCode));
    told.tell(&corrected).expect("corrected");
    told.tell(&done(&lan, "Đã đưa tận tay.")).expect("done");
    told.tell(&done(&pao, "Bà đã đi khám.")).expect("done too");
    let mut notes: Vec<String> = told.parts.tasks().flat_map(|t| t.done.iter().map(|d| d.note.clone())).collect();
    notes.sort();
    assert_eq!(notes, vec!["Bà đã đi khám.".to_owned(), "Đã đưa tận tay.".to_owned()]);
}

#[test]
fn a_facility_stays_in_its_log_and_an_activity_is_written_once() {
    let village = Village::new();
    let (lan, thanh) = (Pen::new(village.lan, 1), Pen::new(village.thanh, 2));
    let contact = Body::ActivityRecorded(Activity::AnonymousContact { place: "a1".parse().expect("a place") });
    let subject = Subject::Activity(ActivityId(lan.open("a1", None, vec![]).id.0));
    let first = lan.write(subject, "place:a", contact.clone());
    let mut told = History::new(&[&first]);
    assert_eq!(told.tell(&lan.write(subject, "place:a", contact)), Err(Refusal::Twice));
    let admin = Pen::new(village.admin, 3);
    let facility = laws::centre();
    let subject = Subject::Facility(village.facility);
    let opened = admin.write(subject, "place:p", Body::FacilityOpened(facility));
    let mut told = History::new(&[&opened]);
    let count = |log: &str, free| {
        let free = FreePlaces { free, as_of: MORNING };
        thanh.write(subject, log, Body::PlacesCounted { saw: vec![], free })
    };
    assert_eq!(told.tell(&count("place:a", 1)), Err(Refusal::Broken));
    assert_eq!(told.tell(&count("place:p", 11)), field(Spot::FreePlaces, Invalid::OutOfRange));
    told.tell(&count("place:p", 3)).expect("counted");
}

#[test]
fn nobody_is_shared_beyond_what_saves_them_without_being_asked() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let more = vec![Fact::Household("Có hai con.".to_owned()), Fact::Health("Đau chân.".to_owned())];
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), more);
    let everything = Sharing { items: ShareItem::ALL.to_vec(), ..Sharing::emergency() };
    let receiver = Receiver::Facility(village.facility);
    let referral = lan.write(case.subject, "place:a", ask(ReferralKind::AdmissionEmergency, receiver, everything));
    let told = History::new(&[&case, &referral]);
    let sheets = sheets(&told.parts);
    let sheet = sheets[0].2.as_ref().expect("an emergency reaches the facility at once");
    assert_eq!((sheet.household.as_deref(), sheet.health.as_deref()), (None, Some("Đau chân.")));
    assert_eq!(sheet.items, ShareItem::EMERGENCY.to_vec());
}

#[test]
fn who_sees_a_case_follows_place_name_and_exclusion() {
    let village = Village::new();
    let sees = |reach: &Reach, worker| reach.is_seen_by(worker, &village.rules.staff[&worker], &village.rules.places);
    let plain = reach_in(&village, "a1");
    let all = [village.lan, village.pao, village.hanh, village.toan, village.thanh, village.admin];
    let who = |reach: &Reach| {
        // Who asks of many people at once is told what who asks of one is.
        let many = village.rules.who_sees(reach);
        for (worker, grants) in &village.rules.staff {
            assert_eq!(many(*worker, grants), village.rules.sees(*worker, grants, reach));
        }
        all.map(|w| sees(reach, w))
    };
    assert_eq!(who(&plain), [true, true, true, false, false, false]);
    let restricted = Reach { restricted: true, named: [village.hanh].into(), ..plain.clone() };
    assert_eq!(who(&restricted), [true, false, true, false, false, false]);
    let excluded = Reach { excluded: [village.lan, village.hanh].into(), ..restricted.clone() };
    assert_eq!(who(&excluded), [false, false, false, false, false, false]);
    let moved = Reach { handled_in: "b1".parse().expect("a place"), ..plain.clone() };
    assert_eq!(who(&moved), [true, false, false, true, false, false], "the writer keeps it");
    let desk = Reach { desks: ["b".parse().expect("a place")].into(), ..plain.clone() };
    assert_eq!(who(&desk), [true, true, true, true, false, false], "whoever was asked to act");
    let disputed = Reach { or_handled_in: ["b1".parse().expect("a place")].into(), ..plain };
    assert_eq!(who(&disputed), [true, true, true, true, false, false], "nobody of the two sides loses it");
    let unnamed = Reach { named: [].into(), ..restricted };
    assert_eq!(who(&unnamed), [true, false, false, false, false, false], "by the case itself");
    let by_office = all.map(|w| village.rules.who_sees(&unnamed)(w, &village.rules.staff[&w]));
    assert_eq!(by_office, [true, false, true, false, false, false], "and as an officer of its place");
}

#[test]
fn only_who_has_the_duty_to_look_makes_a_case_seen() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 2));
    let case = lan.open("a1", None, vec![]);
    let mut told = History::new(&[&case]);
    assert_eq!(told.tell(&lan.write(case.subject, "place:a", Body::Looked)), Err(Refusal::NotAllowed));
    told.tell(&hanh.write(case.subject, "place:a", Body::Looked)).expect("looked");
    let header = told.parts.header().expect("a header");
    assert_eq!(Delivery::of_received(MORNING, Some(header)), Delivery::Seen { at: MORNING });
    assert_eq!(
        Delivery::of_received(MORNING.plus_ms(1), Some(header)),
        Delivery::Received { at: MORNING.plus_ms(1) },
        "what came after the look is not seen"
    );
}

#[test]
fn a_field_never_drops_a_candidate_in_silence() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", None, vec![]);
    let mut told = History::new(&[&case]);
    let note = |saw: Vec<ChangeId>, n: usize| {
        let fact = Fact::WhatHappened(format!("Lời thứ {n}"));
        lan.write(case.subject, "place:a", Body::FactsEdited { edits: vec![FieldEdit { saw, fact, cleared: false }] })
    };
    for n in 1..16 {
        told.tell(&note(vec![], n)).expect("kept beside the others");
    }
    assert_eq!(told.tell(&note(vec![], 16)), Err(Refusal::TooLarge));
    let all = told.parts.header().expect("a header").facts.what_happened.seen();
    assert_eq!(all.len(), 16);
    told.tell(&note(all, 17)).expect("a choice between all of them");
    assert_eq!(told.parts.header().expect("a header").facts.what_happened.candidates().len(), 1);
}

#[test]
fn a_taken_code_is_replaced_by_the_office() {
    struct Taken;
    impl office::Known for Taken {
        fn reach(&self, _: CaseId) -> Option<Reach> {
            None
        }
        fn has(&self, _: ChangeId, _: Subject, _: Option<WorkerId>) -> bool {
            false
        }
        fn photo(&self, _: PhotoId) -> Option<office::Announced> {
            None
        }
        fn has_code(&self, code: &CaseCode) -> bool {
            code.as_str() == "K7M4PX"
        }
    }
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let mut case = lan.open("a1", None, vec![]);
    if let Body::CaseOpened { code, .. } = &mut case.body {
        *code = "k7m 4px".parse().expect("as people type it");
    }
    let grants = &village.rules.staff[&village.lan];
    let rights = office::Rights { worker: village.lan, now: grants, last_contact: grants };
    let arrival = office::Arrival { at: MORNING, ahead_ms: None };
    let Received::Accepted(entry) = office::receive(&Parts::default(), case, rights, &village.rules, arrival, &Taken)
    else {
        panic!("accepted")
    };
    let mut parts = Parts::default();
    apply(&mut parts, &entry);
    let code = parts.header().expect("a header").code.clone();
    assert!(code.as_str() != "K7M4PX" && code.as_str().len() == 6, "{code}");
}

#[test]
fn the_wire_keeps_its_words() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let text = serde_json::to_string(&lan.write(case.subject, "place:a", visit("Vẫn ổn."))).expect("JSON");
    assert_eq!(
        text,
        concat!(
            r#"{"v":2,"id":"019cd01b-b250-7000-8000-000000020101","log":"place:a","#,
            r#""subject":"case:019cd01b-ae68-7000-8000-000000010101","#,
            r#""author":"01000000-0000-7000-8000-000000000001","device":"02000000-0000-7000-8000-000000000001","#,
            r#""n":2,"recorded_at":1773018002000,"#,
            r#""body":{"visit_recorded":{"on":"2026-03-09","seen":"Vẫn ổn."}}}"#
        )
    );
    let decided = act(case.id, 1, DESK, Act::Return { question: "Ai?".to_owned() });
    assert_eq!(
        serde_json::to_string(&decided).expect("JSON"),
        concat!(
            r#"{"referral_acted":{"referral":"019cd01b-ae68-7000-8000-000000010101","saw":1,"#,
            r#""side":{"supervisor":"commune"},"act":{"return":{"question":"Ai?"}}}}"#
        )
    );
    let back: Body = serde_json::from_str(&serde_json::to_string(&decided).expect("JSON")).expect("read back");
    assert_eq!(back, decided);
    let verdict =
        Verdict::Refused { why: Refusal::Field { spot: Spot::Fact(FactName::HandledIn), why: Invalid::UnknownPlace } };
    assert_eq!(
        serde_json::to_string(&verdict).expect("JSON"),
        r#"{"refused":{"why":{"field":{"spot":{"fact":"handled_in"},"why":"unknown_place"}}}}"#
    );
    let newer = br#"{"refused":{"why":{"too_quiet":{"by":3}}}}"#;
    let read = json::read::<Verdict>(newer).expect("a reason of a newer office");
    assert_eq!(read, Verdict::Refused { why: Refusal::Newer });
    let seconds = ApiError::TooMany { seconds: 30 };
    assert_eq!(serde_json::to_string(&seconds).expect("JSON"), r#"{"too_many":{"seconds":30}}"#);
    assert_eq!(json::read::<ApiError>(br#""signed_out""#), Ok(ApiError::SignedOut));
    let decide = Verdict::Refused { why: Refusal::Decide(DecideError::NotNow(ReferralStatus::Returned)) };
    let text = serde_json::to_string(&decide).expect("JSON");
    assert_eq!(serde_json::from_str::<Verdict>(&text).expect("read back"), decide, "{text}");
}

#[test]
fn a_case_in_its_short_form_is_read_whole() {
    let village = Village::new();
    let (lan, pao) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2));
    let opened = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![Fact::Marks("Sẹo ở tay".to_owned())]);
    let mut parts = Parts::default();
    let receive = |parts: &mut Parts, change: &Change, minute: Option<i64>| {
        let received = |minute: i64| MORNING.plus_ms(minute * 60_000);
        let receipt = minute.map(|m| Receipt { received_at: received(m), late: false, fixed: Fixed::default() });
        apply(parts, &Entry { change: change.clone(), receipt });
    };
    let reads_back = |parts: &Parts| {
        let mut short = parts.clone();
        short.shorten();
        let text = json::write(&short).expect("JSON");
        for read in [json::read::<Parts>(&text).ok(), serde_json::from_slice(&text).ok()] {
            assert_eq!(read.as_ref(), Some(parts), "{}", String::from_utf8_lossy(&text));
        }
        (text.len(), json::write(parts).expect("JSON").len())
    };
    // As it waits on the phone that wrote it, and as the office has it.
    receive(&mut parts, &opened, None);
    reads_back(&parts);
    receive(&mut parts, &opened, Some(0));
    let (short, whole) = reads_back(&parts);
    assert!(short * 4 < whole * 3, "{short} of {whole} bytes");
    let edit = |pen: &Pen, fact: Fact| {
        let edits = vec![FieldEdit { saw: vec![opened.id], fact, cleared: false }];
        pen.write(opened.subject, "place:a", Body::FactsEdited { edits })
    };
    // A disagreement, an edit that waits, a field that is only in the edit, and the opening received a second time.
    for (pen, minute, fact) in [
        (&lan, Some(1), Fact::Marks("Hình xăm".to_owned())),
        (&pao, Some(2), Fact::Marks("Đi khập khiễng".to_owned())),
        (&lan, None, Fact::Urgency(Urgency::Emergency)),
        (&pao, Some(3), Fact::Language("Tày".to_owned())),
    ] {
        receive(&mut parts, &edit(pen, fact), minute);
        reads_back(&parts);
    }
    receive(&mut parts, &opened, Some(9));
    reads_back(&parts);
}

#[test]
fn a_change_without_an_id_of_its_own_is_broken() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let change = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let read = |change: &Change| {
        let text = serde_json::to_string(change).expect("JSON");
        serde_json::from_str::<Envelope>(&text).expect("an envelope").open()
    };
    assert_eq!(read(&change), Ok(change.clone()));
    let nil = ChangeId(Default::default());
    assert_eq!(read(&Change { id: nil, ..change.clone() }), Err(BadBody::Broken));
    assert_eq!(read(&Change { replaces: Some(nil), ..change }), Err(BadBody::Broken));
}

#[test]
fn a_form_with_one_line_for_a_field_decides_no_disagreement() {
    let village = Village::new();
    let (lan, pao) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2));
    let opened = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![Fact::Marks("Sẹo ở tay".to_owned())]);
    let mut parts = Parts::default();
    let receive = |parts: &mut Parts, change: &Change, minute: i64| {
        let received_at = MORNING.plus_ms(minute * 60_000);
        let receipt = Receipt { received_at, late: false, fixed: Fixed::default() };
        apply(parts, &Entry { change: change.clone(), receipt: Some(receipt) });
    };
    receive(&mut parts, &opened, 0);
    let edit = |pen: &Pen, saw: Vec<ChangeId>, fact: Fact| {
        pen.write(opened.subject, "place:a", Body::FactsEdited { edits: vec![FieldEdit { saw, fact, cleared: false }] })
    };
    let marks = |text: &str| Fact::Marks(text.to_owned());
    let header = |parts: &Parts| parts.header().expect("a case").clone();
    // Both saw the opening and neither the other; a third saw nothing either.
    let (tattoo, limp) =
        (edit(&lan, vec![opened.id], marks("Hình xăm")), edit(&pao, vec![opened.id], marks("Đi khập khiễng")));
    let calm = edit(&lan, vec![opened.id], Fact::Urgency(Urgency::Emergency));
    let urgent = edit(&pao, vec![opened.id], Fact::Urgency(Urgency::Normal));
    for (minute, change) in (1..).zip([&tattoo, &limp, &calm, &urgent]) {
        receive(&mut parts, change, minute);
    }
    let disputed = header(&parts);
    assert_eq!(disputed.facts.conflicts(), vec![FactName::Marks, FactName::Urgency]);
    let said: Vec<Fact> = disputed.facts.candidates(FactName::Marks).into_iter().map(|c| c.value).collect();
    assert_eq!(said, vec![marks("Đi khập khiễng"), marks("Hình xăm")], "the later received first");
    assert_eq!(disputed.facts.standing(FactName::Marks), Some(marks("Đi khập khiễng")));
    assert_eq!(disputed.facts.standing(FactName::Urgency), Some(Fact::Urgency(Urgency::Emergency)), "the safer");
    assert_eq!(disputed.urgency(), Urgency::Emergency);
    // Whoever edits in a form saw one of them.
    let saw = disputed.facts.seen_standing(FactName::Marks);
    assert_eq!(saw, vec![limp.id]);
    receive(&mut parts, &edit(&pao, saw, marks("Khập khiễng chân trái")), 5);
    let said: Vec<Fact> = header(&parts).facts.candidates(FactName::Marks).into_iter().map(|c| c.value).collect();
    assert_eq!(said, vec![marks("Khập khiễng chân trái"), marks("Hình xăm")], "what they did not see stays");
    // Choosing saw all of them, and settles it.
    let saw = header(&parts).facts.seen(FactName::Marks);
    receive(&mut parts, &edit(&lan, saw, marks("Hình xăm")), 6);
    assert_eq!(header(&parts).facts.conflicts(), vec![FactName::Urgency]);
    assert!(header(&parts).is_disputed());
    let saw = header(&parts).facts.seen(FactName::Urgency);
    receive(&mut parts, &edit(&lan, saw, Fact::Urgency(Urgency::Normal)), 7);
    assert!(!header(&parts).is_disputed());
    assert_eq!(header(&parts).urgency(), Urgency::Normal, "once chosen, it is what was chosen");
}

#[test]
fn what_is_taken_out_of_a_case_is_gone_and_what_somebody_else_wrote_meanwhile_stays() {
    let village = Village::new();
    let (lan, pao) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2));
    let number = |text: &str| Fact::Phone(Phone::parse(text).expect("a number"));
    let of_abuser = number("0900000123");
    let birth = Fact::Birth(PartialDate::parse(Some(1930), None, None, false).expect("a year"));
    let opened = lan.open("a1", None, vec![of_abuser.clone(), birth.clone(), Fact::ApproximateAge(35)]);
    let mut told = History::new(&[&opened]);
    let write =
        |pen: &Pen, edit: FieldEdit| pen.write(opened.subject, "place:a", Body::FactsEdited { edits: vec![edit] });
    let out = |fact: &Fact| FieldEdit { saw: vec![opened.id], fact: fact.clone(), cleared: true };
    let header = |told: &History| told.parts.header().expect("a case").clone();
    assert_eq!(header(&told).age(Day::of(2026, 3, 9).expect("a day")), Some(96));
    told.tell(&write(&lan, out(&birth))).expect("taken out");
    assert_eq!(header(&told).age(Day::of(2026, 3, 9).expect("a day")), Some(35), "no birth date stands before it");
    // Pao has typed another number, not knowing that Lan takes the first one out: hers stays.
    let of_mother = FieldEdit { saw: vec![opened.id], fact: number("0911111234"), cleared: false };
    let (gone, new) = (write(&lan, out(&of_abuser)), write(&pao, of_mother));
    for order in [[&gone, &new], [&new, &gone]] {
        let mut told = History::new(&[&opened]);
        for change in order {
            told.tell(change).expect("taken");
        }
        assert_eq!(header(&told).facts.phone.shown(), Phone::parse("0911111234").ok().as_ref());
        assert!(header(&told).facts.conflicts().is_empty());
    }
    told.tell(&gone).expect("taken out");
    assert!(header(&told).facts.phone.is_empty());
    // What it was fits no rule of today: it can be taken out all the same.
    told.tell(&write(&lan, FieldEdit { saw: vec![], fact: Fact::EthnicGroup(200), cleared: true })).expect("taken");
    let village = Fact::HandledIn("a1".parse().expect("a place"));
    let refused = field(Spot::Fact(FactName::HandledIn), Invalid::Missing).expect_err("a refusal");
    assert_eq!(told.tell(&write(&lan, out(&village))), Err(refused), "a case is always somewhere");
    // The wire: only what is taken out says so, so that what was written before reads as it was.
    let text = serde_json::to_string(&out(&of_abuser)).expect("JSON");
    assert!(text.ends_with(r#""fact":{"phone":"+84900000123"},"cleared":true}"#), "{text}");
    let before: FieldEdit = serde_json::from_str(r#"{"fact":{"approximate_age":35}}"#).expect("read");
    assert_eq!(before, FieldEdit { saw: vec![], fact: Fact::ApproximateAge(35), cleared: false });
}

#[test]
fn a_correction_does_not_wait_for_what_it_stands_for() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let opened = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let mut parts = Parts::default();
    apply(&mut parts, &Entry::waiting(opened.clone()));
    let refused = lan.write(opened.subject, "place:a", visit("")).id;
    let edit = FieldEdit { saw: vec![refused], fact: Fact::Health("Ho ra máu".to_owned()), cleared: false };
    let mut change = lan.write(opened.subject, "place:a", Body::FactsEdited { edits: vec![edit] });
    let arrival = office::Arrival { at: MORNING, ahead_ms: None };
    let grants = &village.rules.staff[&village.lan];
    let rights = office::Rights { worker: village.lan, now: grants, last_contact: grants };
    let receive = |change: &Change| office::receive(&parts, change.clone(), rights, &village.rules, arrival, &Nothing);
    assert_eq!(receive(&change), office::Received::Waiting { on: refused }, "of another's change it waits");
    change.replaces = Some(refused);
    assert!(matches!(receive(&change), office::Received::Accepted(_)), "the office never had what it stands for");
}

/// An office that knows the opening of every case and nothing else.
struct Nothing;

impl office::Known for Nothing {
    fn reach(&self, _: CaseId) -> Option<Reach> {
        None
    }
    fn has(&self, _: ChangeId, _: Subject, _: Option<WorkerId>) -> bool {
        false
    }
    fn photo(&self, _: PhotoId) -> Option<office::Announced> {
        None
    }
    fn has_code(&self, _: &CaseCode) -> bool {
        false
    }
}

#[test]
fn a_facility_that_had_a_sheet_from_the_beginning_is_told_of_its_withdrawal() {
    let village = Village::new();
    let (lan, thanh) = (Pen::new(village.lan, 1), Pen::new(village.thanh, 2));
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let receiver = Receiver::Facility(village.facility);
    let referral = lan.write(case.subject, "place:a", ask(ReferralKind::AdmissionVoluntary, receiver, agreed()));
    let waits = Act::Waitlist { note: "Hết chỗ.".to_owned() };
    let waits = thanh.write(case.subject, "place:a", act(referral.id, 1, Side::Receiver, waits));
    let cancel = Act::Cancel { reason: "Gia đình đã nhận về.".to_owned() };
    let cancel = lan.write(case.subject, "place:a", act(referral.id, 1, Side::Writer, cancel));
    let told = History::new(&[&case, &referral, &waits, &cancel]);
    let sheets = sheets(&told.parts);
    let sheet = sheets[0].2.as_ref().expect("the facility keeps what it has answered");
    assert_eq!(sheet.progress.status, ReferralStatus::Cancelled);
    assert!(sheet.withdrawn && sheet.what_happened.is_none());
}

#[test]
fn a_late_copy_of_what_was_corrected_does_not_undo_the_correction() {
    struct Corrected(ChangeId);
    impl office::Known for Corrected {
        fn reach(&self, _: CaseId) -> Option<Reach> {
            None
        }
        fn has(&self, change: ChangeId, _: Subject, _: Option<WorkerId>) -> bool {
            change == self.0
        }
        fn photo(&self, _: PhotoId) -> Option<office::Announced> {
            None
        }
        fn has_code(&self, _: &CaseCode) -> bool {
            false
        }
    }
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", None, vec![]);
    let told = History::new(&[&case]);
    let old = lan.write(case.subject, "place:a", visit("Hẹn nhầm."));
    let grants = &village.rules.staff[&village.lan];
    let rights = office::Rights { worker: village.lan, now: grants, last_contact: grants };
    let arrival = office::Arrival { at: MORNING, ahead_ms: None };
    let known = Corrected(old.id);
    let received = office::receive(&told.parts, old, rights, &village.rules, arrival, &known);
    assert_eq!(received, Received::Refused(Refusal::Twice));
}

#[test]
fn what_was_built_on_a_corrected_change_stays_on_the_screen() {
    let village = Village::new();
    let (lan, so) = (Pen::new(village.lan, 1), Pen::new(village.admin, 3));
    let case = lan.open("a1", None, vec![]);
    let held = ChangeId(so.open("a1", None, vec![]).id.0);
    let done = lan.write(case.subject, "place:a", Body::TaskDone { task: held, note: "Đã đưa tận tay.".to_owned() });
    let for_whom = TaskFor::Village("a1".parse().expect("a place"));
    let task = Task { what: "Đưa giấy hẹn khám".to_owned(), due: None, for_whom };
    let corrected = Change { replaces: Some(held), ..lan.write(case.subject, "place:a", Body::TaskWritten(task)) };
    let queued = |change: &Change| OutboxItem { change: change.clone(), state: OutboxState::Queued };
    let outbox = [&case, &done, &corrected].map(queued);
    let parts = sync::overlay(Parts::default(), &outbox, case.subject);
    let notes: Vec<&str> = parts.tasks().flat_map(|t| t.done.iter().map(|d| &*d.note)).collect();
    assert_eq!(notes, ["Đã đưa tận tay."]);
}

#[test]
fn a_mark_stands_for_all_that_lies_before_it() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let (a, b) = (lan.open("a1", None, vec![]).id, lan.open("a1", None, vec![]).id);
    let mark = office::mark(Some(office::mark(None, a, MORNING)), b, MORNING);
    assert_eq!(mark, office::mark(Some(office::mark(None, a, MORNING)), b, MORNING));
    assert_ne!(mark, office::mark(Some(office::mark(None, b, MORNING)), b, MORNING), "another before it");
    assert_ne!(mark, office::mark(Some(office::mark(None, a, MORNING)), b, MORNING.plus_ms(1)), "received again");
    assert_ne!(mark, office::mark(None, b, MORNING), "nothing before it");
}

/// What the office has of a case at 08:00, and who would be told of it.
fn emergency(more: &[Change]) -> Option<duty::Unseen> {
    let mut told = History::new(&[]);
    for change in more {
        told.tell(change).expect("lawful");
    }
    duty::unseen(&told.parts, &told.village.rules)
}

fn urgent() -> Vec<Fact> {
    vec![Fact::Urgency(Urgency::Emergency)]
}

#[test]
fn an_emergency_is_unseen_until_somebody_with_the_duty_looks() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 2));
    let plain = lan.open("a1", None, vec![]);
    assert_eq!(emergency(std::slice::from_ref(&plain)), None);
    let case = lan.open("a1", None, urgent());
    let found = emergency(std::slice::from_ref(&case)).expect("unseen");
    assert_eq!(found, duty::Unseen { change: case.id, since: MORNING, by: village.lan });
    let look = hanh.write(case.subject, "place:a", Body::Looked);
    assert_eq!(emergency(&[case.clone(), look]), None);
    let mine = hanh.open("a1", None, urgent());
    assert_eq!(emergency(&[mine]), None, "whoever looks after the village has seen what they wrote");
    let closed = Body::FactsEdited {
        edits: vec![FieldEdit { saw: vec![case.id], fact: Fact::Status(CaseStatus::NotEligible), cleared: false }],
    };
    assert_eq!(emergency(&[case.clone(), hanh.write(case.subject, "place:a", closed)]), None, "it is over");
}

#[test]
fn a_request_that_protects_at_once_is_an_emergency_until_a_desk_or_its_receiver_acts() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 2));
    let case = lan.open("a1", None, vec![]);
    let to = Receiver::Facility(village.facility);
    let plain = lan.write(case.subject, "place:a", ask(ReferralKind::Advice, to.clone(), agreed()));
    assert_eq!(emergency(&[case.clone(), plain]), None);
    let asked = lan.write(case.subject, "place:a", ask(ReferralKind::AdmissionEmergency, to, agreed()));
    let found = emergency(&[case.clone(), asked.clone()]).expect("unseen");
    assert_eq!((found.change, found.by), (asked.id, village.lan));
    let write = |pen: &Pen, side, done: Act| pen.write(case.subject, "place:a", act(asked.id, 1, side, done));
    let look = write(&hanh, DESK, Act::Look);
    assert_eq!(emergency(&[case.clone(), asked.clone(), look]), None);
    let taken_back = write(&lan, Side::Writer, Act::Cancel { reason: "Nhầm người.".to_owned() });
    assert_eq!(emergency(&[case.clone(), asked.clone(), taken_back]), None);
    let received = write(&Pen::new(village.thanh, 5), Side::Receiver, receive());
    assert_eq!(emergency(&[case.clone(), asked.clone(), received]), None);
}

#[test]
fn what_became_an_emergency_after_the_look_is_unseen_again() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 2));
    let case = lan.open("a1", None, vec![]);
    let worse = Body::FactsEdited {
        edits: vec![FieldEdit { saw: vec![case.id], fact: Fact::Urgency(Urgency::Emergency), cleared: false }],
    };
    let (look, worse) = (hanh.write(case.subject, "place:a", Body::Looked), lan.write(case.subject, "place:a", worse));
    let at = |change: &Change, minutes: i64| Entry {
        change: change.clone(),
        receipt: Some(Receipt {
            received_at: MORNING.plus_ms(minutes * 60_000),
            late: false,
            fixed: change::Fixed::default(),
        }),
    };
    let parts = office::replay(&[at(&case, 0), at(&look, 5), at(&worse, 7)]);
    let found = duty::unseen(&parts, &village.rules).expect("unseen");
    assert_eq!((found.change, found.since), (worse.id, MORNING.plus_ms(7 * 60_000)));
    let again = hanh.write(case.subject, "place:a", Body::Looked);
    let parts = office::replay(&[at(&case, 0), at(&look, 5), at(&worse, 7), at(&again, 9)]);
    assert_eq!(duty::unseen(&parts, &village.rules), None);
}

#[test]
fn the_offices_own_word_about_duty_is_history_and_nobodys_to_write() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 2));
    let case = lan.open("a1", None, urgent());
    let body = Body::DutyAlerted { whom: village.hanh, reached: true };
    let mut told = History::new(&[&case]);
    let forged = hanh.write(case.subject, "place:a", body.clone());
    assert_eq!(told.tell(&forged), Err(Refusal::NotAllowed));
    assert!(!office::may_take(&forged, village.toan));
    let before = Card::of(case.subject, &told.parts).expect("a card");
    let change = Change { author: duty::OFFICE, device: duty::OFFICE_DEVICE, ..forged };
    let at = MORNING.plus_ms(600_000);
    let receipt = Receipt { received_at: at, late: false, fixed: change::Fixed::default() };
    apply(&mut told.parts, &Entry { change, receipt: Some(receipt) });
    assert_eq!(told.parts.trail().and_then(Trail::last_alert), Some((village.hanh, at, true)));
    assert!(duty::unseen(&told.parts, &told.village.rules).is_some(), "told is not looked");
    let after = Card::of(case.subject, &told.parts).expect("a card");
    assert_eq!((after.newest_at, after.changed_at), (before.newest_at, before.changed_at), "nothing new to look at");
}

/// The village of the laws with a deputy in commune `a`, and two at the department.
fn on_duty() -> (Rules, [WorkerId; 3], Village) {
    let village = Village::new();
    let mut rules = village.rules.clone();
    let id = |n: u8| WorkerId(uuid::Uuid::from_u128(0x0700_0000_0000_7000_8000_0000_0000_0000 | u128::from(n)));
    let more = [id(1), id(2), id(3)];
    for (worker, area) in more.iter().zip(["a", "p", "p"]) {
        let grant = Grant::area(Role::Supervisor, area.parse().expect("a place"));
        rules.staff.insert(*worker, vec![grant]);
    }
    (rules, more, village)
}

fn reach_in(village: &Village, place: &str) -> Reach {
    Reach {
        handled_in: place.parse().expect("a place"),
        restricted: false,
        author: village.lan,
        named: [].into(),
        excluded: [].into(),
        teams: [].into(),
        desks: [].into(),
        or_handled_in: [].into(),
    }
}

#[test]
fn without_a_list_the_communes_supervisors_are_told_and_then_the_department() {
    let (rules, [kien, so, nguyet], village) = on_duty();
    let none = duty::Lists::new();
    let (a1, b1) = (reach_in(&village, "a1"), reach_in(&village, "b1"));
    assert_eq!(duty::line(&a1, village.lan, &none, &rules), vec![village.hanh, kien, so, nguyet]);
    assert_eq!(duty::line(&b1, village.lan, &none, &rules), vec![village.toan, so, nguyet]);
    assert_eq!(duty::line(&a1, village.hanh, &none, &rules), vec![kien, so, nguyet], "never who wrote it");
}

#[test]
fn a_list_is_kept_to_in_its_order_and_the_department_stands_at_its_end() {
    let (rules, [kien, so, nguyet], village) = on_duty();
    let at = |place: &str| place.parse::<PlaceId>().expect("a place");
    let reach = reach_in(&village, "a1");
    let lists: duty::Lists = [(at("a"), vec![kien, village.hanh, kien])].into();
    assert_eq!(duty::line(&reach, village.lan, &lists, &rules), vec![kien, village.hanh, so, nguyet]);
    let lists: duty::Lists = [(at("a"), vec![kien]), (at("p"), vec![nguyet])].into();
    assert_eq!(duty::line(&reach, village.lan, &lists, &rules), vec![kien, nguyet]);
    let lists: duty::Lists = [(at("a"), vec![village.toan, village.admin, village.thanh])].into();
    assert_eq!(duty::line(&reach, village.lan, &lists, &rules), vec![so, nguyet], "only who may see the case");
    let lists: duty::Lists = [(at("a"), vec![])].into();
    assert_eq!(
        duty::line(&reach, village.lan, &lists, &rules),
        vec![village.hanh, kien, so, nguyet],
        "an empty list is none"
    );
}

#[test]
fn of_a_restricted_emergency_only_those_named_are_told_and_never_the_excluded() {
    let (rules, [kien, so, nguyet], village) = on_duty();
    let at = |place: &str| place.parse::<PlaceId>().expect("a place");
    let mut reach = Reach { restricted: true, named: [village.hanh].into(), ..reach_in(&village, "a1") };
    let none = duty::Lists::new();
    assert_eq!(duty::line(&reach, village.lan, &none, &rules), vec![village.hanh]);
    let lists: duty::Lists = [(at("a"), vec![kien]), (at("p"), vec![so, nguyet])].into();
    assert_eq!(duty::line(&reach, village.lan, &lists, &rules), vec![village.hanh], "the list gives no right to know");
    reach.named = [village.hanh, so].into();
    assert_eq!(duty::line(&reach, village.lan, &lists, &rules), vec![village.hanh, so]);
    reach.excluded = [village.hanh].into();
    assert_eq!(duty::line(&reach, village.lan, &lists, &rules), vec![so]);
    reach.restricted = false;
    assert_eq!(
        duty::line(&reach, village.lan, &none, &rules),
        vec![kien, so, nguyet],
        "excluded from a plain case too"
    );
}

#[test]
fn the_next_on_duty_is_told_when_nobody_has_looked_in_time() {
    use duty::{Next, Outcome, Step, next};
    let (_, [kien, so, _], village) = on_duty();
    let hanh = village.hanh;
    let line = [hanh, kien, so];
    let minute = |n: i64| MORNING.plus_ms(n * 60_000);
    let at = |steps: &[Step], n: i64| next(&line, steps, MORNING, 600_000, minute(n));
    let step = |worker, n, outcome| Step { worker, at: minute(n), outcome };
    assert_eq!(at(&[], 9), Next::Wait(minute(10)));
    assert_eq!(at(&[], 10), Next::Tell(hanh));
    let one = [step(hanh, 10, Outcome::Reached)];
    assert_eq!(at(&one, 19), Next::Wait(minute(20)));
    assert_eq!(at(&one, 20), Next::Tell(kien));
    let on_its_way = [step(hanh, 10, Outcome::Trying)];
    assert_eq!(at(&on_its_way, 19), Next::Wait(minute(20)));
    let not_reached = [step(hanh, 10, Outcome::Failed)];
    assert_eq!(at(&not_reached, 10), Next::Tell(kien), "whoever cannot be reached is passed over at once");
    let round = [step(hanh, 10, Outcome::Reached), step(kien, 20, Outcome::Reached), step(so, 30, Outcome::Reached)];
    assert_eq!(at(&round, 40), Next::Tell(hanh), "and again from the first");
    let three: Vec<Step> = (0..9).map(|n| step(line[n as usize % 3], 10 + 10 * n, Outcome::Reached)).collect();
    assert_eq!(at(&three, 200), Next::Nobody, "three times is enough");
    assert_eq!(at(&three[..8], 200), Next::Tell(so));
    assert_eq!(next(&[], &[], MORNING, 600_000, minute(60)), Next::Nobody);
    assert_eq!(at(&[], 3 * 24 * 60), Next::Tell(hanh));
    assert_eq!(at(&[], 3 * 24 * 60 + 1), Next::Nobody, "three days later it is for the list");
}

#[test]
fn rounds_in_which_nobody_can_be_reached_come_ever_more_seldom_and_do_not_end() {
    use duty::{Next, Outcome, Step, next};
    let (_, [kien, ..], village) = on_duty();
    let line = [village.hanh, kien];
    let minute = |n: i64| MORNING.plus_ms(n * 60_000);
    let mut steps = Vec::new();
    let mut told_at = Vec::new();
    for n in 0..300 {
        while let Next::Tell(worker) = next(&line, &steps, MORNING, 600_000, minute(n)) {
            steps.push(Step { worker, at: minute(n), outcome: Outcome::Failed });
            told_at.push((worker == kien, n));
        }
    }
    let expected = [
        (false, 10),
        (true, 10),
        (false, 20),
        (true, 30),
        (false, 50),
        (true, 70),
        (false, 110),
        (true, 150),
        (false, 210),
        (true, 270),
    ];
    assert_eq!(told_at, expected);
    steps.push(Step { worker: village.hanh, at: minute(300), outcome: Outcome::Reached });
    assert_eq!(next(&line, &steps, MORNING, 600_000, minute(310)), Next::Tell(kien));
    // One of two can be reached: that one is told in each round, as if the other were not there.
    let step = |worker, n, outcome| Step { worker, at: minute(n), outcome };
    let steps = [
        step(village.hanh, 10, Outcome::Failed),
        step(kien, 10, Outcome::Reached),
        step(village.hanh, 20, Outcome::Failed),
    ];
    assert_eq!(next(&line, &steps, MORNING, 600_000, minute(20)), Next::Tell(kien));
    let sooner = [steps[0], step(kien, 15, Outcome::Reached), steps[2]];
    assert_eq!(next(&line, &sooner, MORNING, 600_000, minute(20)), Next::Wait(minute(25)));
}

#[test]
fn an_address_of_a_push_service_is_https_and_short() {
    let long = format!("https://push.example/{}", "a".repeat(2_028));
    for (text, http_too, lawful) in [
        ("https://fcm.googleapis.com/fcm/send/abc:DEF-1", false, true),
        ("http://127.0.0.1:8080/push/1", false, false),
        ("http://127.0.0.1:8080/push/1", true, true),
        ("ftp://push.example/1", true, false),
        ("https://push.example", false, false),
        ("https:///path", false, false),
        ("https://user:pass@push.example/1", false, false),
        ("https://push.example/a b", false, false),
        ("https://push.example/\u{e1}", false, false),
        (&long[..2_048], false, true),
        (&long[..], false, false),
    ] {
        assert_eq!(duty::is_endpoint(text, http_too), lawful, "{text}");
    }
}

#[test]
fn who_became_officer_later_and_the_desk_of_a_merged_commune_stand_in_the_line() {
    let (mut rules, [kien, so, nguyet], village) = on_duty();
    let at = |place: &str| place.parse::<PlaceId>().expect("a place");
    let none = duty::Lists::new();
    // Kiên became officer when Hạnh, who is named, had long been.
    rules.officers.insert(at("a"), vec![kien]);
    let restricted = Reach { restricted: true, named: [village.hanh].into(), ..reach_in(&village, "a1") };
    assert_eq!(duty::line(&restricted, village.lan, &none, &rules), vec![village.hanh, kien]);
    // Commune a goes into x; whoever decides for it now sits there.
    let ended = Place { successor: Some(at("x")), ..laws::place("a", PlaceKind::Commune, Some("p")) };
    let others = rules.places.iter().filter(|place| place.id != at("a")).cloned();
    rules.places = Places::new(others.chain([ended, laws::place("x", PlaceKind::Commune, Some("p"))]));
    rules.staff.insert(kien, vec![Grant::area(Role::Supervisor, at("x"))]);
    let plain = reach_in(&village, "a1");
    assert_eq!(duty::line(&plain, village.lan, &none, &rules), vec![village.hanh, kien, so, nguyet]);
    let lists: duty::Lists = [(at("x"), vec![kien])].into();
    assert_eq!(duty::line(&plain, village.lan, &lists, &rules), vec![kien, so, nguyet]);
    // While people disagree about where the case is handled, both desks are told before the department.
    let disputed = Reach { or_handled_in: [at("b1")].into(), ..plain };
    assert_eq!(duty::line(&disputed, village.lan, &lists, &rules), vec![kien, village.toan, so, nguyet]);
    // What a supervisor wrote who sees the case as an officer is seen by its writer.
    rules.officers.insert(at("x"), vec![village.toan]);
    let toan = Pen::new(village.toan, 4);
    let mut told = History::new(&[]);
    let case = Pen::new(village.lan, 1).open("a1", None, vec![Fact::Confidentiality(Confidentiality::Restricted)]);
    told.tell(&case).expect("opened");
    let worse = Body::FactsEdited {
        edits: vec![FieldEdit { saw: vec![case.id], fact: Fact::Urgency(Urgency::Emergency), cleared: false }],
    };
    let receipt = Receipt { received_at: MORNING, late: false, fixed: change::Fixed::default() };
    let worse = toan.write(case.subject, "place:a", worse);
    apply(&mut told.parts, &Entry { change: worse, receipt: Some(receipt) });
    assert_eq!(duty::unseen(&told.parts, &rules), None);
}

#[test]
fn a_restricted_case_is_not_moved_by_an_edit_of_where_it_is_handled() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 3));
    let moved = |pen: &Pen, case: &Change, to: &str| {
        let fact = Fact::HandledIn(to.parse().expect("a place"));
        let edits = vec![FieldEdit { saw: vec![case.id], fact, cleared: false }];
        pen.write(case.subject, "place:a", Body::FactsEdited { edits })
    };
    let plain = lan.open("a1", None, vec![]);
    History::new(&[&plain]).tell(&moved(&lan, &plain, "b1")).expect("a plain case is moved by who sees it");
    let case = lan.open("a1", None, vec![Fact::Confidentiality(Confidentiality::Restricted)]);
    assert_eq!(History::new(&[&case]).tell(&moved(&lan, &case, "b1")), Err(Refusal::NotAllowed));
    History::new(&[&case]).tell(&moved(&lan, &case, "a1")).expect("the same place again moves nothing");
    History::new(&[&case]).tell(&moved(&hanh, &case, "b1")).expect("a supervisor's to decide");
    // One change that lifts the restriction and moves the case is both.
    let lift = FieldEdit { saw: vec![case.id], fact: Fact::Confidentiality(Confidentiality::Normal), cleared: false };
    let mut both = moved(&lan, &case, "b1");
    if let Body::FactsEdited { edits } = &mut both.body {
        edits.insert(0, lift);
    }
    assert_eq!(History::new(&[&case]).tell(&both), Err(Refusal::NotAllowed));
}

#[test]
fn whoever_has_no_rights_any_more_decides_nothing_by_those_of_before_and_nobody_looks_by_them() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 3));
    let case = lan.open("a1", None, urgent());
    let asked = ask(ReferralKind::Health, Receiver::Facility(village.facility), agreed());
    let asked = lan.write(case.subject, "place:a", asked);
    let told = History::new(&[&case, &asked]);
    let then = &village.rules.staff[&village.hanh];
    let elsewhere = vec![Grant::area(Role::Supervisor, "b".parse().expect("a place"))];
    let judge = |change: &Change, now: &[Grant]| {
        let rights = office::Rights { worker: village.hanh, now, last_contact: then };
        let arrival = office::Arrival { at: MORNING, ahead_ms: None };
        office::receive(&told.parts, change.clone(), rights, &village.rules, arrival, &Everybodys(change.id))
    };
    let approve = hanh.write(case.subject, "place:a", act(asked.id, 1, DESK, Act::Approve { document: None }));
    let refused = Received::Refused(DecideError::NotYourStep.into());
    assert_eq!(judge(&approve, &[]), refused);
    assert!(matches!(judge(&approve, &elsewhere), Received::Accepted(_)), "moved: what was decided before stands");
    let look = hanh.write(case.subject, "place:a", act(asked.id, 1, DESK, Act::Look));
    assert_eq!((judge(&look, &[]), judge(&look, &elsewhere)), (refused.clone(), refused));
    let look = hanh.write(case.subject, "place:a", Body::Looked);
    assert_eq!((judge(&look, &[]), judge(&look, &elsewhere)), (Received::Quarantined, Received::Quarantined));
    let note = hanh.write(case.subject, "place:a", visit("Đã gặp."));
    assert!(matches!(judge(&note, &[]), Received::Accepted(_)), "a note is not lost with a right");
}

/// An office that has every change but one.
struct Everybodys(ChangeId);

impl office::Known for Everybodys {
    fn reach(&self, _: CaseId) -> Option<Reach> {
        None
    }
    fn has(&self, change: ChangeId, _: Subject, _: Option<WorkerId>) -> bool {
        change != self.0
    }
    fn photo(&self, _: PhotoId) -> Option<office::Announced> {
        None
    }
    fn has_code(&self, _: &CaseCode) -> bool {
        false
    }
}

#[test]
fn a_look_hides_no_emergency_that_was_not_on_its_page() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 3));
    let minute = |n: i64| MORNING.plus_ms(n * 60_000);
    let case = lan.open("a1", None, vec![]);
    let worse = Body::FactsEdited {
        edits: vec![FieldEdit { saw: vec![case.id], fact: Fact::Urgency(Urgency::Emergency), cleared: false }],
    };
    let worse = lan.write(case.subject, "place:a", worse);
    let asked = ask(ReferralKind::Health, Receiver::Facility(village.facility), agreed());
    let asked = lan.write(case.subject, "place:a", asked);
    let tell = |parts: &mut Parts, change: &Change, at: i64| {
        let grants = &village.rules.staff[&change.author];
        let rights = office::Rights { worker: change.author, now: grants, last_contact: grants };
        let arrival = office::Arrival { at: minute(at), ahead_ms: None };
        let known = Everybodys(change.id);
        match office::receive(parts, change.clone(), rights, &village.rules, arrival, &known) {
            Received::Accepted(entry) => drop(apply(parts, &entry)),
            other => panic!("{other:?}"),
        }
    };
    // Received at 8:00 the case, at 8:30 that it is an emergency; the look comes at 9:00.
    let after = |looks: &[(Change, i64)]| {
        let mut parts = Parts::default();
        for (change, at) in
            [(&case, 0), (&asked, 1), (&worse, 30)].into_iter().chain(looks.iter().map(|(c, at)| (c, *at)))
        {
            tell(&mut parts, change, at);
        }
        let delivery = Delivery::of_received(minute(30), parts.header());
        let card = Card::of(case.subject, &parts).expect("a card");
        (duty::unseen(&parts, &village.rules).map(|unseen| unseen.change), delivery, card.looked_at)
    };
    let look =
        |body: Body, written: i64| Change { recorded_at: minute(written), ..hanh.write(case.subject, "place:a", body) };
    let seen = |until: i64| Body::Seen { until: minute(until) };
    let acts =
        |seen: Option<Timestamp>| Body::ReferralActed { referral: asked.id, saw: 1, side: DESK, act: Act::Look, seen };
    let hidden = (Some(worse.id), Delivery::Received { at: minute(30) }, None);
    assert_eq!(after(&[(look(seen(1), 20), 60)]), hidden, "the page was of 8:01");
    assert_eq!(after(&[(look(seen(30), 40), 60)]), (None, Delivery::Seen { at: minute(60) }, Some(minute(60))));
    assert_eq!(after(&[(look(Body::Looked, 20), 60)]), hidden, "an old phone's, that looked at 8:20");
    assert_eq!(after(&[(look(Body::Looked, 40), 60)]).0, None);
    assert_eq!(after(&[(look(acts(Some(minute(1))), 20), 60)]).0, Some(worse.id));
    assert_eq!(after(&[(look(acts(Some(minute(30))), 40), 60)]).0, None);
    assert_eq!(after(&[(look(acts(None), 20), 60)]).0, Some(worse.id));
    // A look that was longer on its way takes nothing back.
    assert_eq!(after(&[(look(seen(30), 40), 60), (look(seen(1), 20), 70)]).0, None);
    // Nobody has seen what is still to come.
    let years = look(seen(10_000_000), 10_000_000);
    let again = Change { replaces: None, ..lan.write(case.subject, "place:a", worse.body.clone()) };
    assert_eq!(after(&[(years, 60), (again.clone(), 90)]).0, Some(again.id));
}

#[test]
fn what_is_noted_again_and_again_has_an_end() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 3));
    let case = lan.open("a1", None, vec![]);
    let for_whom = TaskFor::Village("a1".parse().expect("a place"));
    let task = Task { what: "Đưa giấy hẹn khám".to_owned(), due: None, for_whom };
    let task = lan.write(case.subject, "place:a", Body::TaskWritten(task));
    let asked = ask(ReferralKind::Health, Receiver::Facility(village.facility), agreed());
    let asked = lan.write(case.subject, "place:a", asked);
    let told = Body::Told(Told {
        whom: "Công an xã".to_owned(),
        phone: Phone::parse("0912345678").expect("a number"),
        at: MORNING,
        office_at: None,
    });
    let done = Body::TaskDone { task: task.id, note: String::new() };
    let look = act(asked.id, 1, DESK, Act::Look);
    for (pen, body, most) in [(&lan, told, 50), (&lan, done, 30), (&hanh, look, 30)] {
        let mut history = History::new(&[&case, &task, &asked]);
        for _ in 0..most {
            history.tell(&pen.write(case.subject, "place:a", body.clone())).expect("noted");
        }
        let once_more = pen.write(case.subject, "place:a", body.clone());
        assert_eq!(history.tell(&once_more), Err(Refusal::TooLarge), "{body:?}");
    }
}

#[test]
fn a_point_at_the_end_of_all_numbers_is_out_of_range() {
    let lan = Pen::new(Village::new().lan, 1);
    for (latitude_e6, longitude_e6) in [(i32::MIN, 0), (0, i32::MIN), (90_000_001, 0)] {
        let point = Fact::Point(Point { latitude_e6, longitude_e6, accuracy_m: 10 });
        let spot = Spot::Fact(point.name());
        let case = lan.open("a1", None, vec![point]);
        assert_eq!(History::new(&[]).tell(&case), field(spot, Invalid::OutOfRange));
    }
}
