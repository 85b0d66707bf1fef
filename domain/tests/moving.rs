//! Merging, moving and handing over: what each does to a case, who may do it, and what two who do it at once leave behind.

use domain::{
    change::ElementEdit,
    laws::{MORNING, Pen, Village, visit},
    office::{Arrival, Known, Rights},
    *,
};

/// One case, and who sees the others that are there.
struct History {
    village: Village,
    parts: Parts,
    others: Vec<(CaseId, Reach)>,
}

struct Shelf<'a>(ChangeId, &'a [(CaseId, Reach)]);
impl Known for Shelf<'_> {
    fn has(&self, change: ChangeId, _: Subject, _: Option<WorkerId>) -> bool {
        change != self.0
    }
    fn photo(&self, _: PhotoId) -> Option<office::Announced> {
        None
    }
    fn has_code(&self, _: &CaseCode) -> bool {
        false
    }
    fn reach(&self, case: CaseId) -> Option<Reach> {
        self.1.iter().find(|(id, _)| *id == case).map(|(_, reach)| reach.clone())
    }
}

impl History {
    fn of(case: &Change) -> Self {
        let mut told = Self { village: Village::new(), parts: Parts::default(), others: vec![] };
        told.tell(case).expect("opened");
        told
    }
    /// The same with another case beside it.
    fn beside(mut self, other: &Change) -> Self {
        let parts = Self::of(other).parts;
        let header = parts.header().expect("a header");
        self.others.push((header.case, Reach::of(&parts).expect("a case")));
        self
    }
    fn judge(&self, change: &Change) -> Received {
        let grants = &self.village.rules.staff[&change.author];
        let rights = Rights { worker: change.author, now: grants, last_contact: grants };
        let arrival = Arrival { at: MORNING, ahead_ms: None };
        let known = Shelf(change.id, &self.others);
        office::receive(&self.parts, change.clone(), rights, &self.village.rules, arrival, &known)
    }
    fn tell(&mut self, change: &Change) -> Result<(), Refusal> {
        match self.judge(change) {
            Received::Accepted(entry) => {
                apply(&mut self.parts, &entry);
                Ok(())
            }
            Received::Refused(why) => Err(why),
            other => panic!("{other:?}"),
        }
    }
    fn header(&self) -> &Header {
        self.parts.header().expect("a header")
    }
    fn sees(&self, worker: WorkerId) -> bool {
        let reach = Reach::of(&self.parts).expect("a case");
        reach.is_seen_by(worker, &self.village.rules.staff[&worker], &self.village.rules.places)
    }
}

fn case(change: &Change) -> CaseId {
    change.subject.case().expect("a case")
}

fn link(pen: &Pen, on: &Change, saw: Vec<ChangeId>, other: &Change, front: Option<&Change>) -> Change {
    let body = Body::CaseLinked { saw, other: case(other), front: front.map(case) };
    pen.write(on.subject, &on.log.to_string(), body)
}

fn transfer(pen: &Pen, on: &Change, saw: &[&Change], to: &str) -> Change {
    let saw = saw.iter().map(|c| c.id).collect();
    let to = to.parse().expect("a place");
    pen.write(on.subject, "place:a", Body::CaseTransferred { saw, to, reason: "Về ở với con gái.".to_owned() })
}

fn hand_over(pen: &Pen, on: &Change, from: WorkerId, to: WorkerId, leaves: bool, tasks: Vec<ChangeId>) -> Change {
    let body = Body::HandedOver { saw: vec![], from, to, leaves, tasks, note: "Nghỉ thai sản.".to_owned() };
    pen.write(on.subject, "place:a", body)
}

const RESTRICTED: Fact = Fact::Confidentiality(Confidentiality::Restricted);

#[test]
fn a_merge_is_a_link_that_is_taken_back_by_an_edit_that_saw_it() {
    let village = Village::new();
    let (lan, pao, hanh) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2), Pen::new(village.hanh, 3));
    let (one, two) = (lan.open("a1", None, vec![]), pao.open("a1", None, vec![]));
    let mut told = History::of(&one).beside(&two);
    let merged = link(&hanh, &one, vec![], &two, Some(&two));
    told.tell(&merged).expect("merged");
    let links = kin::links_of(told.header());
    assert_eq!(links, [kin::Link { other: case(&two), front: Some(case(&two)) }]);
    assert!(!told.header().is_disputed());
    let what = &told.parts.trail().expect("a history").entries.last().expect("a step").what;
    assert_eq!(*what, TrailWhat::Linked { other: case(&two), front: Some(case(&two)) });
    told.tell(&link(&hanh, &one, vec![merged.id], &two, None)).expect("taken apart");
    assert_eq!(kin::links_of(told.header()), []);
    assert_eq!(told.parts.trail().expect("a history").entries.len(), 3, "both steps stay in the history");
}

#[test]
fn two_who_merge_the_same_two_differently_are_both_kept_and_neither_case_goes_behind() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 3));
    let (one, two) = (lan.open("a1", None, vec![]), lan.open("a1", None, vec![]));
    let by_hanh = link(&hanh, &one, vec![], &two, Some(&two));
    let by_lan = link(&lan, &one, vec![], &two, Some(&one));
    let left = |order: [&Change; 2]| {
        let mut told = History::of(&one).beside(&two);
        order.iter().for_each(|change| told.tell(change).expect("both stand"));
        assert!(told.header().is_disputed());
        kin::links_of(told.header())
    };
    let both = left([&by_hanh, &by_lan]);
    assert_eq!(both, left([&by_lan, &by_hanh]), "in whatever order they come");
    assert_eq!(both, [kin::Link { other: case(&two), front: None }]);
    let mut told = History::of(&one).beside(&two);
    told.tell(&by_hanh).expect("stands");
    told.tell(&by_lan).expect("stands");
    told.tell(&link(&hanh, &one, vec![by_hanh.id, by_lan.id], &two, Some(&one))).expect("chosen");
    assert_eq!(kin::links_of(told.header()), [kin::Link { other: case(&two), front: Some(case(&one)) }]);
    assert!(!told.header().is_disputed());
}

#[test]
fn only_who_answers_for_both_cases_or_recorded_both_says_that_they_are_one_person() {
    let village = Village::new();
    let (lan, pao, hanh) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2), Pen::new(village.hanh, 3));
    let (one, two) = (lan.open("a1", None, vec![]), pao.open("a1", None, vec![]));
    let told = || History::of(&one).beside(&two);
    assert_eq!(told().tell(&link(&pao, &one, vec![], &two, Some(&two))), Err(Refusal::NotAllowed));
    assert_eq!(told().tell(&link(&lan, &one, vec![], &two, Some(&two))), Err(Refusal::NotAllowed));
    told().tell(&link(&hanh, &one, vec![], &two, Some(&two))).expect("the supervisor");
    let again = lan.open("a1", None, vec![]);
    History::of(&one).beside(&again).tell(&link(&lan, &one, vec![], &again, Some(&one))).expect("wrote both");
    // A case of another commune, and one that she is not named on.
    let far = Pen::new(village.toan, 4).open("b1", None, vec![]);
    let to_far = History::of(&one).beside(&far).tell(&link(&hanh, &one, vec![], &far, Some(&far)));
    assert_eq!(to_far, Err(Refusal::NotAllowed));
    // With itself, and with a third in front.
    assert_eq!(told().tell(&link(&hanh, &one, vec![], &one, Some(&one))), Err(Refusal::Broken));
    assert_eq!(told().tell(&link(&hanh, &one, vec![], &two, Some(&far))), Err(Refusal::Broken));
}

#[test]
fn a_link_is_taken_out_for_whoever_does_not_see_the_other_case() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 3));
    let (plain, secret) = (lan.open("a1", None, vec![]), lan.open("a1", None, vec![RESTRICTED]));
    let mut told = History::of(&plain).beside(&secret);
    told.others[0].1.named.insert(village.hanh);
    told.tell(&link(&hanh, &plain, vec![], &secret, Some(&secret))).expect("she is named on it");
    let mut stranger = told.parts.clone();
    stranger.0.iter_mut().for_each(|(_, part)| access::veil(part, &mut |_| false));
    assert!(!format!("{stranger:?}").contains(&case(&secret).to_string()), "nothing names it");
    let mut before = History::of(&plain).parts;
    before.0.iter_mut().for_each(|(_, part)| access::veil(part, &mut |_| false));
    assert_eq!(stranger, before, "nor does anything say that something is left out");
    let mut friend = told.parts.clone();
    friend.0.iter_mut().for_each(|(_, part)| access::veil(part, &mut |_| true));
    assert_eq!(friend, told.parts);
}

#[test]
fn a_case_that_is_moved_is_seen_there_and_no_longer_here_but_by_its_writer() {
    let village = Village::new();
    let (lan, pao) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2));
    let one = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let mut told = History::of(&one);
    let everybody = [village.lan, village.pao, village.hanh, village.toan];
    assert_eq!(everybody.map(|w| told.sees(w)), [true, true, true, false]);
    told.tell(&transfer(&pao, &one, &[&one], "b1")).expect("moved");
    assert_eq!(everybody.map(|w| told.sees(w)), [true, false, false, true]);
    let moved = &told.header().transfers[0];
    let (from, to) = (moved.from.as_ref().map(PlaceId::as_str), moved.to.as_str());
    assert_eq!((from, to, moved.by, &*moved.reason), (Some("a1"), "b1", village.pao, "Về ở với con gái."));
    assert_eq!(told.header().log.to_string(), "place:a", "it lives where it was born");
    assert!(!told.header().is_disputed());
    // Who lost sight of it and did not know: the note is kept for those who have it now.
    let late = pao.write(one.subject, "place:a", visit("Chưa biết đã chuyển."));
    assert_eq!(told.judge(&late), Received::Quarantined);
    let parts = told.parts.clone();
    let settles = |who| office::may_settle(who, village.pao, &late.log, Some((&late, &parts)), &told.village.rules);
    assert_eq!((settles(village.toan), settles(village.hanh)), (true, false));
}

#[test]
fn two_transfers_at_once_are_a_conflict_and_both_places_keep_the_case_until_somebody_chooses() {
    let village = Village::new();
    let (lan, toan) = (Pen::new(village.lan, 1), Pen::new(village.toan, 4));
    let one = lan.open("a1", None, vec![]);
    let (here, there) = (transfer(&lan, &one, &[&one], "a2"), transfer(&lan, &one, &[&one], "b1"));
    for order in [[&here, &there], [&there, &here]] {
        let mut told = History::of(&one);
        order.iter().for_each(|change| told.tell(change).expect("both stand"));
        assert_eq!(told.header().facts.conflicts(), [FactName::HandledIn]);
        let people = [village.lan, village.pao, village.hanh, village.toan];
        assert_eq!(people.map(|w| told.sees(w)), [true; 4], "nobody of the two sides loses it");
        assert_eq!(told.header().transfers.len(), 2);
        let fact = Fact::HandledIn("b1".parse().expect("a place"));
        let edits = vec![FieldEdit { saw: vec![here.id, there.id], fact, cleared: false }];
        told.tell(&toan.write(one.subject, "place:a", Body::FactsEdited { edits })).expect("chosen");
        assert_eq!(people.map(|w| told.sees(w)), [true, false, false, true]);
    }
}

#[test]
fn a_transfer_says_why_and_a_restricted_case_is_moved_by_a_supervisor_who_names_the_officers_there() {
    let mut village = Village::new();
    village.rules.officers.insert("b".parse().expect("a place"), vec![village.toan]);
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 3));
    let one = lan.open("a1", None, vec![RESTRICTED]);
    let mut told = History::of(&one);
    told.village = village.clone();
    let silent =
        Body::CaseTransferred { saw: vec![one.id], to: "b1".parse().expect("a place"), reason: " ".to_owned() };
    let silent = hanh.write(one.subject, "place:a", silent);
    assert_eq!(told.tell(&silent), Err(Refusal::Field { spot: Spot::Reason, why: Invalid::Empty }));
    let nowhere = transfer(&hanh, &one, &[&one], "p");
    let unknown = Refusal::Field { spot: Spot::Fact(FactName::HandledIn), why: Invalid::UnknownPlace };
    assert_eq!(told.tell(&nowhere), Err(unknown));
    assert_eq!(told.tell(&transfer(&lan, &one, &[&one], "b1")), Err(Refusal::NotAllowed));
    told.tell(&transfer(&hanh, &one, &[&one], "b1")).expect("moved");
    let people = [village.lan, village.pao, village.hanh, village.toan];
    assert_eq!(people.map(|w| told.sees(w)), [true, false, true, true], "who was named before stays named");
}

#[test]
fn a_hand_over_names_the_colleague_gives_the_tasks_and_takes_the_other_name_off() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 3));
    let one = lan.open("a1", None, vec![RESTRICTED]);
    let task = |for_whom| {
        let task = Task { what: "Đưa giấy hẹn khám".to_owned(), due: None, for_whom };
        hanh.write(one.subject, "place:a", Body::TaskWritten(task))
    };
    let (hers, other) = (task(TaskFor::Worker(village.lan)), task(TaskFor::Worker(village.hanh)));
    let mut told = History::of(&one);
    told.tell(&hers).expect("a task");
    told.tell(&other).expect("a task");
    let names_lan = ElementEdit { saw: vec![], element: village.lan, now: true };
    let names_lan = hanh.write(one.subject, "place:a", Body::AssigneeEdited(names_lan));
    told.tell(&names_lan).expect("named");
    assert!(!told.sees(village.pao));
    let mut over = hand_over(&lan, &one, village.lan, village.pao, true, vec![hers.id]);
    if let Body::HandedOver { saw, .. } = &mut over.body {
        saw.push(names_lan.id);
    }
    told.tell(&over).expect("handed over");
    assert!(told.sees(village.pao));
    let named: Vec<WorkerId> = members(&told.header().assignees, false).copied().collect();
    assert_eq!(named, [village.pao, village.hanh]);
    let whose: Vec<_> = told.parts.tasks().map(|t| (t.written.id, t.whose())).collect();
    assert_eq!(whose, [(hers.id, vec![TaskFor::Worker(village.pao)]), (other.id, vec![TaskFor::Worker(village.hanh)])]);
    let what = &told.parts.trail().expect("a history").entries.last().expect("a step").what;
    assert_eq!(*what, TrailWhat::HandedOver(village.pao));
}

#[test]
fn two_hand_overs_at_once_leave_the_task_with_both_until_somebody_chooses() {
    let village = Village::new();
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 3));
    let one = lan.open("a1", None, vec![]);
    let task = Task { what: "Đưa giấy".to_owned(), due: None, for_whom: TaskFor::Worker(village.lan) };
    let task = lan.write(one.subject, "place:a", Body::TaskWritten(task));
    let to_pao = hand_over(&lan, &one, village.lan, village.pao, false, vec![task.id]);
    let to_toan = hand_over(&hanh, &one, village.lan, village.toan, false, vec![task.id]);
    for order in [[&to_pao, &to_toan], [&to_toan, &to_pao]] {
        let mut told = History::of(&one);
        told.tell(&task).expect("a task");
        order.iter().for_each(|change| told.tell(change).expect("both stand"));
        let part = told.parts.tasks().next().expect("the task");
        let mut whose = part.whose();
        whose.sort_by_key(|w| format!("{w:?}"));
        assert_eq!(whose, [TaskFor::Worker(village.pao), TaskFor::Worker(village.toan)]);
        assert!(part.given.is_conflict());
        assert!(Card::of(one.subject, &told.parts).expect("a card").conflict, "the list says so");
        let mut chosen = hand_over(&hanh, &one, village.lan, village.toan, false, vec![task.id]);
        if let Body::HandedOver { saw, .. } = &mut chosen.body {
            saw.extend([to_pao.id, to_toan.id]);
        }
        told.tell(&chosen).expect("chosen");
        let part = told.parts.tasks().next().expect("the task");
        assert_eq!(part.whose(), [TaskFor::Worker(village.toan)]);
    }
}

#[test]
fn nobody_hands_over_what_is_anothers_nor_to_whom_the_case_excludes_or_who_is_not_of_the_field() {
    let village = Village::new();
    let (lan, pao, hanh) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2), Pen::new(village.hanh, 3));
    let one = lan.open("a1", None, vec![]);
    let mut told = History::of(&one);
    let of_lan = hand_over(&pao, &one, village.lan, village.pao, false, vec![]);
    assert_eq!(told.tell(&of_lan), Err(Refusal::NotAllowed));
    let wrong = Err(Refusal::Field { spot: Spot::Worker, why: Invalid::UnknownCode });
    assert_eq!(told.tell(&hand_over(&lan, &one, village.lan, village.thanh, false, vec![])), wrong);
    assert_eq!(told.tell(&hand_over(&lan, &one, village.lan, village.lan, false, vec![])), wrong);
    let out = ElementEdit { saw: vec![], element: village.pao, now: true };
    told.tell(&hanh.write(one.subject, "place:a", Body::ExcludedEdited(out))).expect("excluded");
    assert_eq!(told.tell(&hand_over(&lan, &one, village.lan, village.pao, false, vec![])), wrong);
    told.tell(&hand_over(&hanh, &one, village.lan, village.toan, false, vec![])).expect("the supervisor hands on");
    assert!(told.sees(village.toan));
}

#[test]
fn what_was_set_aside_about_a_hand_over_is_not_taken_by_who_would_gain_from_it() {
    let village = Village::new();
    let (lan, pao) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2));
    let one = lan.open("a1", None, vec![]);
    let to_self = hand_over(&pao, &one, village.lan, village.pao, false, vec![]);
    assert!(!office::may_take(&to_self, village.hanh));
    let to_toan = hand_over(&pao, &one, village.pao, village.toan, false, vec![]);
    assert!(office::may_take(&to_toan, village.hanh) && !office::may_take(&to_toan, village.toan));
}

#[test]
fn the_new_kinds_of_change_are_written_as_every_later_version_will_read_them() {
    let id = |n: u128| CaseId(uuid::Uuid::from_u128(n));
    let change = ChangeId(uuid::Uuid::from_u128(9));
    let worker = |n: u128| WorkerId(uuid::Uuid::from_u128(n));
    let said = |body: &Body| {
        let text = json::write_text(body).expect("JSON");
        assert_eq!(json::read::<Body>(text.as_bytes()).as_ref(), Ok(body));
        text
    };
    let zero = "00000000-0000-0000-0000-00000000000";
    let linked = Body::CaseLinked { saw: vec![change], other: id(2), front: Some(id(1)) };
    assert_eq!(
        said(&linked),
        format!(r#"{{"case_linked":{{"saw":["{zero}9"],"other":"{zero}2","front":"{zero}1"}}}}"#)
    );
    let apart = Body::CaseLinked { saw: vec![], other: id(2), front: None };
    assert_eq!(said(&apart), format!(r#"{{"case_linked":{{"other":"{zero}2"}}}}"#));
    let moved =
        Body::CaseTransferred { saw: vec![], to: "b1".parse().expect("a place"), reason: "Về quê".to_owned() };
    assert_eq!(said(&moved), r#"{"case_transferred":{"to":"b1","reason":"Về quê"}}"#);
    let over = Body::HandedOver {
        saw: vec![],
        from: worker(1),
        to: worker(2),
        leaves: true,
        tasks: vec![change],
        note: String::new(),
    };
    assert_eq!(
        said(&over),
        format!(r#"{{"handed_over":{{"from":"{zero}1","to":"{zero}2","leaves":true,"tasks":["{zero}9"]}}}}"#)
    );
}
