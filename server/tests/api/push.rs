//! Sending: what the office takes, refuses, keeps aside, and what it never writes.

use domain::laws::{Pen, act, agreed, ask, visit};
use domain::{
    Act, Body, Consent, ConsentAnswer, Day, DecideError, Fact, FactName, Invalid, Level, Receiver, ReferralKind,
    ReferralStatus, Refusal, Side, Spot, Timestamp, Verdict,
};
use serde_json::{Value, json};
use server::database::now_ms;

use crate::support::{Answer, Office, cursors, pages_of};

fn refused(why: Refusal) -> Vec<Verdict> {
    vec![Verdict::Refused { why }]
}

fn is_accepted(verdicts: &[Verdict]) -> bool {
    verdicts.iter().all(|v| matches!(v, Verdict::Accepted { .. }))
}

/// The name of each verdict of an answer.
fn verdicts(answer: &Answer) -> Vec<String> {
    let answer = answer.json();
    let name = |verdict: &Value| verdict.as_object().unwrap().keys().next().unwrap().clone();
    answer.as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn what_was_sent_comes_back_once_and_is_settled() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = pen.write(case.subject, "place:a", visit("Đỡ đau chân."));
    assert!(is_accepted(&lan.push(&pen, &[&case, &seen]).await));
    let answer = lan.pull(&pen).await;
    let pages = pages_of(&answer, case.subject);
    assert_eq!(pages.len(), 1, "one page speaks of the case");
    let keys: Vec<String> = pages[0].1.parts.iter().map(|row| format!("{} {}", row.key, row.seq)).collect();
    assert_eq!(keys, ["header 1".to_owned(), "trail 2".to_owned(), format!("visit:{} 2", seen.id)]);
    let page = answer.pages.iter().find(|p| p.log.to_string() == "place:a").unwrap();
    let settled: Vec<_> = page.settled.iter().map(|(id, _)| *id).collect();
    assert_eq!(settled, [case.id, seen.id]);
    assert_eq!(page.next.map(|next| next.seq), Some(2));
    let again = lan.pull_from(&pen, &cursors(&answer)).await;
    assert!(again.pages.iter().all(|p| p.subjects.is_empty() && p.settled.is_empty() && !p.more));
    office.assert_sound().await;
}

#[tokio::test]
async fn a_change_sent_twice_is_known_the_second_time() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let first = lan.push(&pen, &[&case]).await;
    let Verdict::Accepted { at } = first[0] else { panic!("{first:?}") };
    assert_eq!(lan.push(&pen, &[&case, &case]).await, vec![Verdict::AlreadyKnown { at }; 2]);
    assert_eq!(office.count("change").await, 1);
}

#[tokio::test]
async fn the_order_of_names_in_the_json_makes_no_other_body() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    lan.push(&pen, &[&case]).await;
    // A value sorts its names, the first text had them in the order of the struct.
    let sorted = serde_json::to_value(&case).unwrap();
    let batch = json!({ "v": 1, "worker": pen.worker, "device": pen.device, "changes": [sorted] });
    let answer = lan.call("/api/push", &json!({ "batch": batch })).await;
    assert_eq!(verdicts(&answer), ["already_known"]);
}

#[tokio::test]
async fn the_same_id_with_another_body_is_refused() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    lan.push(&pen, &[&case]).await;
    let mut other = case.clone();
    other.recorded_at = Timestamp(5);
    assert_eq!(lan.push(&pen, &[&other]).await, refused(Refusal::OtherBody));
    assert_eq!(office.count("change").await, 1);
}

#[tokio::test]
async fn a_push_under_another_persons_session_writes_nothing() {
    let office = Office::open().await;
    let (lan, pao) = (office.sign_in("lan").await, office.sign_in("pao").await);
    let (pen, own) = (Pen::new(office.village.lan, 1), Pen::new(office.village.pao, 2));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let signed_out = (401, "signed_out".to_owned());
    // Pao's cookie, Lan's batch.
    assert_eq!(pao.push_raw(&pen.batch(&[&case])).await.error(), signed_out);
    // Pao's cookie and batch, a change in Lan's name beside one of Pao's own.
    let mine = own.open("a1", Some("Nông Văn Sliểng"), vec![]);
    let mut batch = own.batch(&[&mine, &case]);
    assert_eq!(pao.push_raw(&batch).await.error(), signed_out);
    // Nobody's cookie.
    let mut nobody = lan.clone();
    nobody.cookie = String::new();
    batch.changes.truncate(1);
    assert_eq!(nobody.push_raw(&pen.batch(&[&case])).await.error(), signed_out);
    assert_eq!(office.count("change").await + office.count("waiting").await + office.count("quarantine").await, 0);
    assert!(is_accepted(&lan.push(&pen, &[&case]).await), "whoever wrote it still can");
}

#[tokio::test]
async fn an_expired_session_is_told_and_the_same_push_is_taken_after_the_next_log_in() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    sqlx::query("update session set expires_at = 1").execute(&office.staff.pool).await.unwrap();
    assert_eq!(lan.push_raw(&pen.batch(&[&case])).await.error(), (401, "signed_out".to_owned()));
    assert_eq!(office.count("change").await, 0);
    let lan = office.sign_in("lan").await;
    assert!(is_accepted(&lan.push(&pen, &[&case]).await));
}

#[tokio::test]
async fn an_unknown_place_is_named() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let mut case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let Body::CaseOpened { facts, .. } = &mut case.body else { unreachable!() };
    facts.retain(|f| f.name() != FactName::HandledIn);
    facts.push(Fact::HandledIn("na-khong-co".parse().unwrap()));
    let spot = Spot::Fact(FactName::HandledIn);
    assert_eq!(lan.push(&pen, &[&case]).await, refused(Refusal::Field { spot, why: Invalid::UnknownPlace }));
}

#[tokio::test]
async fn a_typed_date_in_the_future_is_refused_and_a_wrong_clock_is_not() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let now = Timestamp(now_ms());
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    assert!(is_accepted(&lan.push(&pen, &[&case]).await));
    let at = |on: Day, recorded_at: Timestamp| {
        let Body::VisitRecorded(mut visit) = visit("Đỡ đau chân.") else { unreachable!() };
        visit.on = on;
        let mut change = pen.write(case.subject, "place:a", Body::VisitRecorded(visit));
        change.recorded_at = recorded_at;
        change
    };
    let typed = at(now.day().plus_days(2), now);
    let spot = Spot::VisitDay;
    assert_eq!(lan.push(&pen, &[&typed]).await, refused(Refusal::Field { spot, why: Invalid::InFuture }));
    let year_ms = 365 * 86_400_000;
    let ahead = at(now.plus_ms(year_ms).day(), now.plus_ms(year_ms));
    let behind = at(now.plus_ms(-3 * year_ms).day(), now.plus_ms(-3 * year_ms));
    assert!(is_accepted(&lan.push(&pen, &[&ahead, &behind]).await));
}

#[tokio::test]
async fn a_personal_id_of_wrong_length_cannot_be_read() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    lan.push(&pen, &[&case]).await;
    let number = |number: &str| {
        let mut change = serde_json::to_value(pen.write(case.subject, "place:a", Body::Looked)).unwrap();
        let document = json!({ "kind": "personal_id", "number": number });
        change["body"] = json!({ "facts_edited": { "edits": [{ "fact": { "document": document } }] } });
        json!({ "batch": { "v": 1, "worker": pen.worker, "device": pen.device, "changes": [change] } })
    };
    let short = lan.call("/api/push", &number("09914800012")).await;
    assert_eq!(short.body, r#"[{"refused":{"why":"broken"}}]"#);
    let right = lan.call("/api/push", &number("099148000123")).await;
    assert_eq!(verdicts(&right), ["accepted"]);
}

#[tokio::test]
async fn a_name_is_written_or_said_to_be_unknown() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let mut without = pen.open("a1", None, vec![]);
    let Body::CaseOpened { facts, .. } = &mut without.body else { unreachable!() };
    facts.retain(|f| f.name() != FactName::FullName);
    let spot = Spot::Fact(FactName::FullName);
    assert_eq!(lan.push(&pen, &[&without]).await, refused(Refusal::Field { spot, why: Invalid::Missing }));
    let mut empty = serde_json::to_value(pen.open("a1", None, vec![])).unwrap();
    for fact in empty["body"]["case_opened"]["facts"].as_array_mut().unwrap() {
        if fact.get("full_name").is_some() {
            *fact = json!({ "full_name": "  " });
        }
    }
    let batch = json!({ "v": 1, "worker": pen.worker, "device": pen.device, "changes": [empty] });
    let answer = lan.call("/api/push", &json!({ "batch": batch })).await;
    assert_eq!(answer.body, r#"[{"refused":{"why":"broken"}}]"#);
    let unknown = pen.open("a1", None, vec![]);
    assert!(is_accepted(&lan.push(&pen, &[&unknown]).await), "\"not known\" is an answer");
}

#[tokio::test]
async fn nothing_is_referred_without_consent() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let not_asked = Fact::Consent(Consent::new(ConsentAnswer::NotAsked));
    let receiver = || Receiver::Facility(office.village.facility);
    let (asked, unasked) = (pen.open("a1", Some("A Sính"), vec![]), pen.open("a1", Some("Mỷ"), vec![not_asked]));
    let mut nothing = agreed();
    nothing.items.clear();
    let none = pen.write(asked.subject, "place:a", ask(ReferralKind::Health, receiver(), nothing));
    let mut unsaid = agreed();
    unsaid.answer = ConsentAnswer::NotAsked;
    let unsaid = pen.write(unasked.subject, "place:a", ask(ReferralKind::Health, receiver(), unsaid));
    let verdicts = lan.push(&pen, &[&asked, &unasked, &none, &unsaid]).await;
    assert_eq!(
        verdicts[2..],
        [Verdict::Refused { why: Refusal::NoConsent }, Verdict::Refused { why: Refusal::NoConsent }]
    );
    let refused_consent = Fact::Consent(Consent::new(ConsentAnswer::Refused));
    let case = pen.open("a1", Some("Không Muốn"), vec![refused_consent]);
    assert_eq!(lan.push(&pen, &[&case]).await, refused(Refusal::NoConsent), "who refused is not recorded");
}

#[tokio::test]
async fn only_another_supervisor_of_the_area_decides() {
    let office = Office::open().await;
    let (hanh, toan) = (office.sign_in("hanh").await, office.sign_in("toan").await);
    let (lan, pen) = (office.sign_in("lan").await, Pen::new(office.village.hanh, 1));
    let (theirs, hers) = (Pen::new(office.village.toan, 2), Pen::new(office.village.lan, 3));
    let case = hers.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let receiver = Receiver::Facility(office.village.facility);
    let by_lan = hers.write(case.subject, "place:a", ask(ReferralKind::Health, receiver.clone(), agreed()));
    assert!(is_accepted(&lan.push(&hers, &[&case, &by_lan]).await));
    let by_hanh = pen.write(case.subject, "place:a", ask(ReferralKind::Health, receiver, agreed()));
    assert!(is_accepted(&hanh.push(&pen, &[&by_hanh]).await));
    let approve = |pen: &Pen, referral| {
        let desk = Side::Supervisor(Level::Commune);
        pen.write(case.subject, "place:a", act(referral, 1, desk, Act::Approve { document: None }))
    };
    let decide = |decide| refused(Refusal::Decide(decide));
    assert_eq!(hanh.push(&pen, &[&approve(&pen, by_hanh.id)]).await, decide(DecideError::OwnReferral));
    assert_eq!(toan.push(&theirs, &[&approve(&theirs, by_lan.id)]).await, decide(DecideError::NotYourStep));
    assert_eq!(lan.push(&hers, &[&approve(&hers, by_lan.id)]).await, decide(DecideError::OwnReferral));
    assert_eq!(lan.push(&hers, &[&approve(&hers, by_hanh.id)]).await, decide(DecideError::NotYourStep));
    assert!(is_accepted(&hanh.push(&pen, &[&approve(&pen, by_lan.id)]).await));
    let answer = lan.pull(&hers).await;
    let (_, page) = pages_of(&answer, case.subject).remove(0);
    let status = page.parts.iter().find_map(|row| match &row.part {
        domain::Part::Referral(r) if r.id == by_lan.id => Some(r.progress.status),
        _ => None,
    });
    assert_eq!(status, Some(ReferralStatus::Forwarded), "after the last desk the system forwards");
}

#[tokio::test]
async fn a_corrupt_or_oversized_push_is_refused_whole() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let whole = json!({ "batch": pen.batch(&[&case]) }).to_string();
    for corrupt in ["", "{", "[]", "{\"batch\":7}", "\u{0}\u{1}", &whole[..whole.len() / 2]] {
        let answer = lan.post("/api/push", corrupt).await;
        assert_eq!(answer.error(), (400, "bad_request".to_owned()), "{corrupt}");
    }
    let many: Vec<_> = (0..101).map(|_| pen.write(case.subject, "place:a", Body::Looked)).collect();
    let answer = lan.push_raw(&pen.batch(&many.iter().collect::<Vec<_>>())).await;
    assert_eq!(answer.error(), (413, "too_large".to_owned()), "101 changes");
    let long = "ạ".repeat(3_999);
    let heavy: Vec<_> = (0..30).map(|_| pen.write(case.subject, "place:a", visit(&long))).collect();
    let answer = lan.push_raw(&pen.batch(&heavy.iter().collect::<Vec<_>>())).await;
    assert_eq!(answer.error(), (413, "too_large".to_owned()), "more than 256 KB");
    let one = pen.write(case.subject, "place:a", visit(&"ạ".repeat(30_000)));
    assert_eq!(lan.push(&pen, &[&one]).await, refused(Refusal::TooLarge), "one change of 90 KB by itself");
    assert_eq!(office.count("change").await + office.count("waiting").await + office.count("quarantine").await, 0);
    assert!(is_accepted(&lan.push(&pen, &[&case]).await));
}

#[tokio::test]
async fn one_unknown_change_delays_only_what_builds_on_it() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let strange = pen.write(case.subject, "place:a", visit("?"));
    let on_it = pen.write(case.subject, "place:a", Body::TaskDone { task: strange.id, note: String::new() });
    let seen = pen.write(case.subject, "place:a", visit("Đỡ đau chân."));
    let batch = json!({ "batch": pen.batch(&[&case, &strange, &on_it, &seen]) }).to_string();
    let dreamed = {
        let at = batch.find("visit_recorded").unwrap();
        format!("{}dream_recorded{}", &batch[..at], &batch[at + "visit_recorded".len()..])
    };
    let answer = lan.post("/api/push", &dreamed).await;
    assert_eq!(verdicts(&answer), ["accepted", "quarantined", "waiting", "accepted"]);
    let again = lan.post("/api/push", &dreamed).await;
    let same = ["already_known", "quarantined", "waiting", "already_known"];
    assert_eq!(verdicts(&again), same, "kept once, answered the same");
    assert_eq!((office.count("quarantine").await, office.count("waiting").await), (1, 1));
    office.assert_sound().await;
}

#[tokio::test]
async fn a_change_that_waits_takes_effect_when_what_it_builds_on_arrives() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let task = domain::Task {
        what: "Xin giấy ra viện".to_owned(),
        due: None,
        for_whom: domain::TaskFor::Village("a1".parse().unwrap()),
    };
    let task = pen.write(case.subject, "place:a", Body::TaskWritten(task));
    let done = pen.write(case.subject, "place:a", Body::TaskDone { task: task.id, note: "Có rồi.".to_owned() });
    // Backwards: each waits for the one before it.
    assert!(matches!(lan.push(&pen, &[&done]).await[0], Verdict::Waiting { on, .. } if on == task.id));
    assert!(matches!(lan.push(&pen, &[&task]).await[0], Verdict::Waiting { on, .. } if on == case.id));
    assert!(is_accepted(&lan.push(&pen, &[&case]).await));
    assert_eq!((office.count("change").await, office.count("waiting").await), (3, 0));
    let (_, page) = pages_of(&lan.pull(&pen).await, case.subject).remove(0);
    let note = page.parts.iter().find_map(|row| match &row.part {
        domain::Part::Task(task) => task.done.first().map(|d| d.note.clone()),
        _ => None,
    });
    assert_eq!(note.as_deref(), Some("Có rồi."));
    office.assert_sound().await;
}

#[tokio::test]
async fn what_an_older_office_did_not_know_is_tried_again_by_a_newer_one() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let task = domain::Task {
        what: "Xin giấy ra viện".to_owned(),
        due: None,
        for_whom: domain::TaskFor::Village("a1".parse().unwrap()),
    };
    let task = pen.write(case.subject, "place:a", Body::TaskWritten(task));
    let done = pen.write(case.subject, "place:a", Body::TaskDone { task: task.id, note: String::new() });
    let known = serde_json::to_string(&task).unwrap();
    let strange = known.replace("task_written", "task_dreamt");
    let changes = [serde_json::to_string(&case).unwrap(), strange, serde_json::to_string(&done).unwrap()].join(",");
    let (worker, device) = (pen.worker, pen.device);
    let body = format!(r#"{{"batch":{{"v":1,"worker":"{worker}","device":"{device}","changes":[{changes}]}}}}"#);
    assert_eq!(lan.post("/api/push", &body).await.status, 200);
    assert_eq!((office.count("quarantine").await, office.count("waiting").await), (1, 1));
    let registry = office.registry();
    assert_eq!(registry.retry_unknown(Timestamp(now_ms())).await, Ok(0), "this version does not know it either");
    // As if that kind had become known since.
    let seal = &office.staff.seal;
    let sealed = seal.seal(&format!("quarantine:{}", task.id), known.as_bytes()).unwrap();
    let digest = seal.hash(&[b"unknown change", known.as_bytes()]);
    let update = sqlx::query("update quarantine set raw = $1, digest = $2").bind(sealed).bind(digest);
    update.execute(&office.staff.pool).await.unwrap();
    // A newer server beside the older one is offered it again before it has looked at what was set aside.
    let body = format!(r#"{{"batch":{{"v":1,"worker":"{worker}","device":"{device}","changes":[{known}]}}}}"#);
    let again = lan.post("/api/push", &body).await;
    assert!(again.body.contains("quarantined"), "{}", again.body);
    assert_eq!(registry.retry_unknown(Timestamp(now_ms())).await, Ok(1));
    assert_eq!((office.count("quarantine").await, office.count("waiting").await), (0, 0));
    assert_eq!(office.count("change").await, 3, "and what waited for it was taken too");
    office.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_push_at_once_are_all_answered_and_every_log_is_without_gaps() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    assert!(is_accepted(&lan.push(&pen, &[&case]).await));
    let mut phones = tokio::task::JoinSet::new();
    for device in 10..26 {
        let (lan, case) = (lan.clone(), case.clone());
        phones.spawn(async move {
            let pen = Pen::new(lan.worker, device);
            for _ in 0..5 {
                let seen = pen.write(case.subject, "place:a", visit("Đỡ đau chân."));
                let other = pen.open("a1", Some("Nông Văn Sliểng"), vec![]);
                let batch = pen.batch(&[&seen, &other]);
                let answer = lan.push_raw(&batch).await;
                assert!(is_accepted(&serde_json::from_str::<Vec<Verdict>>(&answer.body).unwrap()));
            }
        });
    }
    phones.join_all().await;
    assert_eq!(office.count("change").await, 1 + 16 * 5 * 2);
    office.assert_sound().await;
}

#[tokio::test]
async fn of_two_cases_with_one_code_the_later_gets_another() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let first = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let mut second = pen.open("a1", Some("Nông Văn Sliểng"), vec![]);
    let Body::CaseOpened { code, .. } = &first.body else { unreachable!() };
    let taken = code.clone();
    if let Body::CaseOpened { code, .. } = &mut second.body {
        *code = taken.clone();
    }
    assert!(is_accepted(&lan.push(&pen, &[&first, &second]).await));
    let answer = lan.pull(&pen).await;
    let code_of = |subject| {
        let (_, page) = pages_of(&answer, subject).remove(0);
        page.parts.iter().find_map(|r| if let domain::Part::Header(h) = &r.part { Some(h.code.clone()) } else { None })
    };
    assert_eq!(code_of(first.subject), Some(taken.clone()));
    assert!(code_of(second.subject).is_some_and(|code| code != taken));
    office.assert_sound().await;
}

#[tokio::test]
async fn a_change_in_a_log_that_is_not_its_subjects_is_broken() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    assert!(is_accepted(&lan.push(&pen, &[&case]).await));
    for log in ["place:b", &format!("worker:{}", pen.worker), &format!("facility:{}", office.village.facility)] {
        let astray = pen.write(case.subject, log, visit("Đỡ đau chân."));
        assert_eq!(lan.push(&pen, &[&astray]).await, refused(Refusal::Broken), "{log}");
    }
    let mut born = pen.open("a1", Some("Nông Văn Sliểng"), vec![]);
    born.log = "place:b".parse().unwrap();
    assert_eq!(lan.push(&pen, &[&born]).await, refused(Refusal::Broken));
}

#[tokio::test]
async fn the_stored_database_names_nobody() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ Không Trùng"), vec![Fact::Health("Bệnh Kín Đáo".to_owned())]);
    let early = pen.write(domain::Subject::Case(domain::CaseId(pen.device.0)), "place:a", visit("Lời Thăm Kín"));
    lan.push(&pen, &[&case, &early]).await;
    let stored = office.stored().await;
    let holds = |text: &str| stored.windows(text.len()).any(|w| w == text.as_bytes());
    let Body::CaseOpened { code, .. } = &case.body else { unreachable!() };
    for text in ["Mỷ Không Trùng", "Bệnh Kín Đáo", "Lời Thăm Kín", "Nông Thị Lan", code.as_str(), "Đỡ đau"]
    {
        assert!(!holds(text), "{text}");
    }
    assert!(holds(&case.id.to_string()), "ids stand in the clear, so the search was in the right file");
}

#[tokio::test]
async fn an_envelope_that_a_newer_app_has_grown_waits_and_is_released_as_any_other() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = pen.write(case.subject, "place:a", visit("Đỡ đau chân."));
    // What our own reader has no form for, where an envelope may hold anything.
    let grown = serde_json::to_string(&seen).unwrap().replacen('{', r#"{"weight":0.5,"far":18446744073709551615,"#, 1);
    let opened = serde_json::to_string(&case).unwrap();
    let batch = |changes: &str| {
        let (worker, device) = (pen.worker, pen.device);
        format!(r#"{{"batch":{{"v":1,"worker":"{worker}","device":"{device}","changes":[{changes}]}}}}"#)
    };
    assert_eq!(verdicts(&lan.post("/api/push", &batch(&grown)).await), ["waiting"]);
    assert_eq!(verdicts(&lan.post("/api/push", &batch(&opened)).await), ["accepted"]);
    assert_eq!((office.count("waiting").await, office.count("quarantine").await), (0, 0));
    assert_eq!(verdicts(&lan.post("/api/push", &batch(&grown)).await), ["already_known"]);
    office.assert_sound().await;
}

#[tokio::test]
async fn a_number_that_nobody_could_read_back_is_refused() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let mut far = serde_json::to_value(&case).unwrap();
    far["n"] = json!(u64::MAX);
    let batch = json!({ "v": 1, "worker": pen.worker, "device": pen.device, "changes": [far] });
    let answer = lan.call("/api/push", &json!({ "batch": batch })).await;
    assert_eq!(answer.body, r#"[{"refused":{"why":"broken"}}]"#);
    assert!(is_accepted(&lan.push(&pen, &[&case]).await));
    office.assert_sound().await;
}
