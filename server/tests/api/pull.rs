//! Fetching: who sees what, what is forgotten, and what is never mentioned.

use domain::change::ElementEdit;
use domain::laws::{Pen, visit};
use domain::{Activity, Body, CaseId, Change, Confidentiality, Fact, FieldEdit, LogId, Subject, Verdict};

use crate::support::{Caller, Office, cursors, pages_of};

fn confidentiality(pen: &Pen, case: &Change, saw: &Change, now: Confidentiality) -> Change {
    let edit = FieldEdit { saw: vec![saw.id], fact: Fact::Confidentiality(now), cleared: false };
    pen.write(case.subject, "place:a", Body::FactsEdited { edits: vec![edit] })
}

async fn sent(caller: &Caller, pen: &Pen, changes: &[&Change]) {
    let verdicts = caller.push(pen, changes).await;
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{verdicts:?}");
}

#[tokio::test]
async fn a_restricted_case_reaches_nobody_who_is_not_named() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Bàn Thị Thùy Dương"), vec![Fact::Confidentiality(Confidentiality::Restricted)]);
    sent(&lan, &pen, &[&case]).await;
    for (name, device) in [("pao", 2), ("toan", 3), ("thanh", 4), ("admin", 5)] {
        let caller = office.sign_in(name).await;
        let own = Pen::new(caller.worker, device);
        let place_a: LogId = "place:a".parse().unwrap();
        let of_lan = LogId::Worker(office.village.lan);
        // Even when they ask for logs that are not theirs.
        let request = serde_json::json!({ "request": {
            "v": 1, "worker": own.worker, "device": own.device, "cursors": { place_a.to_string(): null, of_lan.to_string(): null },
        } });
        let answer = caller.call("/api/pull", &request).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.body.contains(&case.subject.to_string()), "{name} is told of it");
        assert!(!answer.body.contains("Thùy Dương"), "{name} reads the name");
    }
    let hanh = office.sign_in("hanh").await;
    let answer = hanh.pull(&Pen::new(office.village.hanh, 6)).await;
    assert!(!pages_of(&answer, case.subject).is_empty(), "the officer was named by itself");
    let reads: Vec<(String, String)> =
        sqlx::query_as("select worker_id, about from audit where what = 'restricted_read'")
            .fetch_all(&office.staff.pool)
            .await
            .unwrap();
    assert_eq!(reads, [(office.village.hanh.to_string(), case.subject.to_string())], "each read is written down");
}

#[tokio::test]
async fn a_case_is_forgotten_when_it_becomes_restricted_and_shown_when_one_is_named() {
    let office = Office::open().await;
    let (lan, pao) = (office.sign_in("lan").await, office.sign_in("pao").await);
    let (pen, own) = (Pen::new(office.village.lan, 1), Pen::new(office.village.pao, 2));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    sent(&lan, &pen, &[&case]).await;
    let first = pao.pull(&own).await;
    assert_eq!(pages_of(&first, case.subject).len(), 1);
    let restricted = confidentiality(&pen, &case, &case, Confidentiality::Restricted);
    sent(&lan, &pen, &[&restricted]).await;
    let second = pao.pull_from(&own, &cursors(&first)).await;
    let told = pages_of(&second, case.subject);
    assert_eq!(told.len(), 1);
    let (log, page) = &told[0];
    assert_eq!(*log, LogId::Worker(office.village.pao));
    assert!(page.whole && page.parts.is_empty(), "forget: whole, with nothing");
    let seen = pen.write(case.subject, "place:a", visit("Chỉ người được nêu tên mới đọc."));
    let named = ElementEdit { saw: vec![], element: office.village.pao, now: true };
    let name = pen.write(case.subject, "place:a", Body::AssigneeEdited(named));
    sent(&lan, &pen, &[&seen, &name]).await;
    let third = pao.pull_from(&own, &cursors(&second)).await;
    let shown = pages_of(&third, case.subject);
    let (_, page) = shown.iter().find(|(log, _)| matches!(log, LogId::Worker(_))).unwrap();
    let keys: Vec<String> = page.parts.iter().map(|row| row.key.to_string()).collect();
    assert!(page.whole);
    assert_eq!(keys, ["header", "trail", &format!("visit:{}", seen.id)], "the whole case as it is now");
}

#[tokio::test]
async fn what_somebody_never_had_is_never_mentioned_to_them() {
    let office = Office::open().await;
    let (lan, pao) = (office.sign_in("lan").await, office.sign_in("pao").await);
    let (pen, own) = (Pen::new(office.village.lan, 1), Pen::new(office.village.pao, 2));
    let other = pen.open("a1", Some("Nông Văn Sliểng"), vec![]);
    sent(&lan, &pen, &[&other]).await;
    let first = pao.pull(&own).await;
    // Born and hidden between two contacts of Pao's phone.
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let restricted = confidentiality(&pen, &case, &case, Confidentiality::Restricted);
    sent(&lan, &pen, &[&case, &restricted]).await;
    let second = pao.pull_from(&own, &cursors(&first)).await;
    assert_eq!(pages_of(&second, case.subject), vec![]);
    let fresh = pao.pull(&Pen::new(office.village.pao, 3)).await;
    assert_eq!(pages_of(&fresh, case.subject), vec![]);
    assert_eq!(pages_of(&fresh, other.subject).len(), 1);
}

#[tokio::test]
async fn an_excluded_worker_forgets_the_case_though_they_wrote_it() {
    let office = Office::open().await;
    let (lan, hanh) = (office.sign_in("lan").await, office.sign_in("hanh").await);
    let (pen, desk) = (Pen::new(office.village.lan, 1), Pen::new(office.village.hanh, 2));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    sent(&lan, &pen, &[&case]).await;
    let first = lan.pull(&pen).await;
    let out = ElementEdit { saw: vec![], element: office.village.lan, now: true };
    sent(&hanh, &desk, &[&desk.write(case.subject, "place:a", Body::ExcludedEdited(out))]).await;
    let second = lan.pull_from(&pen, &cursors(&first)).await;
    let told = pages_of(&second, case.subject);
    assert!(told.len() == 1 && told[0].1.whole && told[0].1.parts.is_empty());
}

#[tokio::test]
async fn a_mark_that_is_not_there_takes_the_log_anew() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    sent(&lan, &pen, &[&case]).await;
    let known = cursors(&lan.pull(&pen).await);
    let mut at = known.clone();
    for (log, cursor) in &mut at {
        if log.to_string() == "place:a" {
            cursor.as_mut().unwrap().mark = domain::ChangeId(pen.device.0);
        }
    }
    let answer = lan.pull_from(&pen, &at).await;
    let page = answer.pages.iter().find(|p| p.log.to_string() == "place:a").unwrap();
    assert!(page.reset && page.subjects.len() == 1);
    assert!(known.contains(&(page.log.clone(), page.next)), "the phone stands where it would have stood");
    let others = answer.pages.iter().filter(|p| p.log.to_string() != "place:a");
    assert!(others.into_iter().all(|p| !p.reset), "the other logs go on");
}

#[tokio::test]
async fn one_answer_stays_small_and_the_next_goes_on() {
    let office = Office::open().await;
    let pao = office.sign_in("pao").await;
    let pen = Pen::new(office.village.pao, 1);
    let long = "ạ".repeat(3_900);
    let cases: Vec<Change> =
        (0..60).map(|_| pen.open("a1", Some("Hoàng Thị Mỷ"), vec![Fact::WhatHappened(long.clone())])).collect();
    for chunk in cases.chunks(15) {
        sent(&pao, &pen, &chunk.iter().collect::<Vec<_>>()).await;
    }
    let own = Pen::new(office.village.pao, 2);
    let mut at = vec![];
    let mut got = 0;
    for round in 1.. {
        assert!(round < 10, "it comes to an end");
        let answer = pao.pull_from(&own, &at).await;
        let bytes = serde_json::to_string(&answer.pages).unwrap().len();
        assert!(bytes < domain::limits::PULL_BYTES + 64 * 1024, "{bytes}");
        got += answer.pages.iter().map(|p| p.subjects.len()).sum::<usize>();
        at = cursors(&answer);
        if answer.pages.iter().all(|p| !p.more) {
            break;
        }
    }
    assert_eq!(got, 60, "each once");
}

#[tokio::test]
async fn facilities_go_to_everybody_and_activities_to_the_field() {
    let office = Office::open().await;
    let (lan, admin) = (office.sign_in("lan").await, office.sign_in("admin").await);
    let (pen, own) = (Pen::new(office.village.lan, 1), Pen::new(office.village.admin, 2));
    let facts: domain::FacilityFacts = serde_json::from_value(serde_json::json!({
        "code": "DF99", "name": "Nơi thử", "kind": "elderly", "ownership": "public", "services": ["day_care"],
        "groups": [], "places": 10, "yearly_quota": 0, "meets_access_criteria": true
    }))
    .unwrap();
    let facility = Subject::Facility(office.village.facility);
    let opened = own.write(facility, "place:p", Body::FacilityOpened(facts));
    sent(&admin, &own, &[&opened]).await;
    let activity = pen.write(
        Subject::Activity(domain::ActivityId(pen.device.0)),
        "place:a",
        Body::ActivityRecorded(Activity::AnonymousContact { place: "a1".parse().unwrap() }),
    );
    sent(&lan, &pen, &[&activity]).await;
    for (name, sees_activity) in
        [("lan", true), ("pao", true), ("hanh", true), ("toan", false), ("thanh", false), ("admin", false)]
    {
        let caller = office.sign_in(name).await;
        let answer = caller.pull_from(&Pen::new(caller.worker, 9), &[("place:a".parse().unwrap(), None)]).await;
        assert_eq!(pages_of(&answer, facility).len(), 1, "{name} knows the facility");
        assert_eq!(!pages_of(&answer, activity.subject).is_empty(), sees_activity, "{name} and the activity");
    }
    // Only an admin opens a facility.
    let another =
        pen.write(Subject::Facility(domain::FacilityId(CaseId(pen.device.0).0)), "place:p", opened.body.clone());
    assert!(matches!(lan.push(&pen, &[&another]).await[0], Verdict::Quarantined { .. }));
    office.assert_sound().await;
}

#[tokio::test]
async fn a_briefing_holds_what_is_around_its_person_and_comes_when_it_changed() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let briefing = lan.pull(&pen).await.briefing.unwrap();
    assert_eq!(briefing.worker.id, office.village.lan);
    assert_eq!(briefing.places.len(), 6);
    let mut known: Vec<&str> = briefing.colleagues.iter().map(|c| c.name.as_str()).collect();
    known.sort_unstable();
    assert_eq!(known, ["Lý Văn Páo", "Lương Văn Thành", "Vi Thị Hạnh"], "nobody of the other commune, not the admin");
    let officers: Vec<_> = briefing.officers.iter().map(|(p, o)| (p.as_str(), o.clone())).collect();
    assert_eq!(officers, [("a", vec![office.village.hanh])]);
    let request = |tag: &str| {
        serde_json::json!({ "request": {
            "v": 1, "worker": pen.worker, "device": pen.device, "cursors": {}, "briefing": tag
        } })
    };
    let same = lan.call("/api/pull", &request(&briefing.tag)).await;
    assert_eq!(same.json()["briefing"], serde_json::Value::Null);
    let old = lan.call("/api/pull", &request("old")).await;
    assert_eq!(old.json()["briefing"]["tag"], *briefing.tag);
}

#[tokio::test]
async fn the_same_change_at_the_same_place_of_another_log_is_another_place() {
    // As after a restored backup: what the phones send again first takes the position of what was lost.
    let (lost, restored) = (Office::open().await, Office::open().await);
    let pen = Pen::new(lost.village.lan, 1);
    let (first, other) = (pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]), pen.open("a1", Some("Lý A Páo"), vec![]));
    let last = pen.open("a1", Some("Nông Văn Tư"), vec![]);
    let lan = lost.sign_in("lan").await;
    lan.push(&pen, &[&first, &last]).await;
    let there = cursors(&lan.pull(&pen).await);
    let lan = restored.sign_in("lan").await;
    lan.push(&pen, &[&other, &last]).await;
    let answer = lan.pull_from(&pen, &there).await;
    let page = answer.pages.iter().find(|page| page.log == first.log).unwrap();
    assert!(page.reset, "the phone's place is not found");
    assert_eq!(pages_of(&answer, other.subject).len(), 1, "and nothing is skipped");
    restored.assert_sound().await;
}

#[tokio::test]
async fn what_was_received_again_later_is_not_the_same_log_though_its_changes_are() {
    let office = Office::open().await;
    let (lan, pen) = (office.sign_in("lan").await, Pen::new(office.village.lan, 1));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = pen.write(case.subject, "place:a", domain::laws::visit("Đỡ đau chân."));
    lan.push(&pen, &[&case, &seen]).await;
    let first = cursors(&lan.pull(&pen).await);
    let is_reset = async |from: &[(domain::LogId, Option<domain::Cursor>)]| {
        let answer = lan.pull_from(&pen, from).await;
        answer.pages.iter().find(|p| p.log.to_string() == "place:a").unwrap().reset
    };
    assert!(!is_reset(&first).await);
    // As phones have it that called last before the mark said when.
    let chain: Vec<u8> = sqlx::query_scalar("select chain from change where log = 'place:a' and seq = 2")
        .fetch_one(&office.staff.pool)
        .await
        .unwrap();
    let of_chain = domain::ChangeId(uuid::Uuid::from_bytes(*chain.first_chunk::<16>().unwrap()));
    let mut before = first.clone();
    for (log, cursor) in &mut before {
        if log.to_string() == "place:a" {
            *cursor = Some(domain::Cursor { seq: 2, mark: of_chain });
        }
    }
    assert!(!is_reset(&before).await, "nobody takes everything anew because of an update");
    // A change is never rewritten, so the guard of one of both databases goes first.
    for unguarded in ["drop trigger change_is_not_rewritten", "alter table change disable trigger user"] {
        sqlx::query(unguarded).execute(&office.staff.pool).await.ok();
    }
    sqlx::query("update change set received_at = received_at + 1 where seq = 2")
        .execute(&office.staff.pool)
        .await
        .unwrap();
    assert!(is_reset(&first).await, "an office restored from a backup took it again, a moment later");
}

#[tokio::test]
async fn a_phone_that_reads_the_short_form_is_told_the_same_in_fewer_words() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let edit = FieldEdit { saw: vec![case.id], fact: Fact::Health("Đau chân phải".to_owned()), cleared: false };
    let edited = pen.write(case.subject, "place:a", Body::FactsEdited { edits: vec![edit] });
    sent(&lan, &pen, &[&case, &edited]).await;
    let request = |short: bool| {
        serde_json::json!({ "request": {
            "v": 2, "worker": pen.worker, "device": pen.device, "cursors": {}, "briefing": "", "short": short
        } })
    };
    let (whole, short) = (lan.call("/api/pull", &request(false)).await, lan.call("/api/pull", &request(true)).await);
    let times = |body: &str, change: &Change| body.matches(&change.id.to_string()).count();
    assert!(times(&whole.body, &case) > times(&short.body, &case) + 5, "{}", short.body);
    assert_eq!(times(&whole.body, &edited), times(&short.body, &edited), "what was edited says by what");
    let read = |body: &str| serde_json::from_str::<domain::PullAnswer>(body).unwrap().pages;
    assert_eq!(read(&whole.body), read(&short.body));
}
