//! What was set aside is read by whoever may, settled once, and never thrown away.

use domain::laws::{Pen, visit};
use domain::{Body, Change, Confidentiality, ElementEdit, Fact, Verdict};

use crate::support::{Desk, Office, pages_of};

const SEEN: &str = "Cửa đóng từ hôm qua, gọi không ai thưa";

async fn set_aside(office: &Office, name: &str, pen: &Pen, change: &Change) {
    let verdicts = office.sign_in(name).await.push(pen, &[change]).await;
    assert!(matches!(verdicts[0], Verdict::Quarantined { .. }), "{verdicts:?}");
}

/// Páo's case in a2, and a visit that Lan, of a1, wrote on it without a right to.
async fn strange_visit(office: &Office) -> (Change, Change) {
    let pao = Pen::new(office.village.pao, 2);
    let case = pao.open("a2", Some("Hoàng Thị Mỷ"), vec![]);
    office.sign_in("pao").await.push(&pao, &[&case]).await;
    let lan = Pen::new(office.village.lan, 1);
    let strange = lan.write(case.subject, "place:a", visit(SEEN));
    set_aside(office, "lan", &lan, &strange).await;
    (case, strange)
}

async fn page(desk: &Desk) -> String {
    let answer = desk.open("/office/set-aside").await;
    assert_eq!(answer.status, 200);
    answer.body
}

fn form(id: &impl ToString, act: &str, reason: &str) -> String {
    format!("id={}&act={act}&reason={reason}", id.to_string())
}

#[tokio::test]
async fn a_supervisor_of_the_area_reads_it_and_takes_it_into_the_case_in_its_writers_name() {
    let office = Office::open().await;
    let (case, strange) = strange_visit(&office).await;
    let (hanh, toan) = (office.desk_of("hanh").await, office.desk_of("toan").await);
    let shown = page(&hanh).await;
    assert!(shown.contains(SEEN) && shown.contains("Nông Thị Lan"), "{shown}");
    assert!(hanh.open("/office").await.body.contains("1 điều xã đã nhận còn để riêng"));
    assert!(!page(&toan).await.contains(SEEN), "of another commune");
    let theirs = toan.submit("/office/set-aside", &form(&strange.id, "take", "")).await;
    assert!(theirs.body.contains("không còn chờ ở đây"), "{}", theirs.body);
    assert_eq!(office.count("quarantine where settled_at is null").await, 1);

    let taken = hanh.submit("/office/set-aside", &form(&strange.id, "take", "")).await;
    assert_eq!(taken.status, 303, "{}", taken.body);
    assert!(hanh.open("/office/set-aside?done=taken").await.body.contains("Đã đưa vào hồ sơ."));
    assert!(!page(&hanh).await.contains(SEEN));
    let pao = Pen::new(office.village.pao, 2);
    let (_, of_case) = pages_of(&office.sign_in("pao").await.pull(&pao).await, case.subject).remove(0);
    let visits: Vec<_> = of_case
        .parts
        .iter()
        .filter_map(|r| if let domain::Part::Visit(v) = &r.part { Some(v) } else { None })
        .collect();
    assert_eq!(visits.len(), 1);
    assert_eq!((visits[0].written.by, visits[0].visit.seen.as_str()), (office.village.lan, SEEN));
    // Her phone offers it again: it is known. Nobody settles it twice.
    let lan = Pen::new(office.village.lan, 1);
    let again = office.sign_in("lan").await.push(&lan, &[&strange]).await;
    assert!(matches!(again[0], Verdict::AlreadyKnown { .. }), "{again:?}");
    let twice = hanh.submit("/office/set-aside", &form(&strange.id, "take", "")).await;
    assert!(twice.body.contains("không còn chờ ở đây"));
    assert_eq!(office.count("quarantine where taken = 1").await, 1, "the row stays");
    assert_eq!(office.count("audit where what = 'quarantine_taken'").await, 1);
    office.assert_sound().await;
}

#[tokio::test]
async fn putting_it_away_needs_a_reason_and_keeps_every_word() {
    let office = Office::open().await;
    let (_, strange) = strange_visit(&office).await;
    let hanh = office.desk_of("hanh").await;
    let without = hanh.submit("/office/set-aside", &form(&strange.id, "put_away", "++")).await;
    assert!(without.body.contains("role=\"alert\""), "{}", without.body);
    assert!(without.body.contains(SEEN));
    let markup = form(&strange.id, "put_away", "%3C%2Ftextarea%3E%3Cb%3E%07");
    let echoed = hanh.submit("/office/set-aside", &markup).await.body;
    assert!(echoed.contains("&lt;/textarea>&lt;b>") && !echoed.contains("</textarea><b>"), "{echoed}");
    assert_eq!(office.count("quarantine where settled_at is null").await, 1);
    let away = hanh.submit("/office/set-aside", &form(&strange.id, "put_away", "Nh%E1%BA%A7m+nh%C3%A0")).await;
    assert_eq!(away.status, 303, "{}", away.body);
    assert!(!page(&hanh).await.contains(SEEN));
    assert_eq!(office.count("quarantine where taken = 0 and reason is not null").await, 1);
    assert_eq!(office.count("audit where what = 'quarantine_put_away'").await, 1);
    let lan = Pen::new(office.village.lan, 1);
    let again = office.sign_in("lan").await.push(&lan, &[&strange]).await;
    assert!(matches!(again[0], Verdict::Quarantined { .. }), "still there: {again:?}");
    office.assert_sound().await;
}

#[tokio::test]
async fn the_writers_phone_is_told_why_something_was_put_away_and_a_supervisor_takes_it_back() {
    let office = Office::open().await;
    let (case, strange) = strange_visit(&office).await;
    let (hanh, toan) = (office.desk_of("hanh").await, office.desk_of("toan").await);
    let (lan, pen) = (office.sign_in("lan").await, Pen::new(office.village.lan, 1));
    hanh.submit("/office/set-aside", &form(&strange.id, "put_away", "Nh%E1%BA%A7m+nh%C3%A0")).await;
    // Her phone offers with each run what no page has shown: that is how the verdict comes.
    let told = lan.push(&pen, &[&strange]).await;
    let Verdict::Quarantined { put_away: Some(away), .. } = &told[0] else { panic!("{told:?}") };
    assert_eq!(away.reason, "Nhầm nhà");
    let away = hanh.open("/office/set-aside?shown=away").await.body;
    assert!(away.contains(SEEN) && away.contains("Vi Thị Hạnh") && away.contains("Nhầm nhà"), "{away}");
    assert!(!toan.open("/office/set-aside?shown=away").await.body.contains(SEEN), "of another commune");
    let theirs = toan.submit("/office/set-aside", &form(&strange.id, "put_back", "")).await;
    assert!(theirs.body.contains("không còn chờ ở đây"), "{}", theirs.body);
    let back = hanh.submit("/office/set-aside", &form(&strange.id, "put_back", "")).await;
    assert_eq!(back.status, 303, "{}", back.body);
    assert!(page(&hanh).await.contains(SEEN) && !hanh.open("/office/set-aside?shown=away").await.body.contains(SEEN));
    assert!(matches!(lan.push(&pen, &[&strange]).await[0], Verdict::Quarantined { put_away: None, .. }));
    let twice = hanh.submit("/office/set-aside", &form(&strange.id, "put_back", "")).await;
    assert!(twice.body.contains("không còn chờ ở đây"));
    assert_eq!(hanh.submit("/office/set-aside", &form(&strange.id, "take", "")).await.status, 303);
    let pao = Pen::new(office.village.pao, 2);
    let shown = pages_of(&office.sign_in("pao").await.pull(&pao).await, case.subject).remove(0).1;
    assert_eq!(shown.parts.iter().filter(|row| matches!(row.part, domain::Part::Visit(_))).count(), 1);
    for what in ["quarantine_put_away", "quarantine_put_back", "quarantine_taken"] {
        assert_eq!(office.count(&format!("audit where what = '{what}'")).await, 1);
    }
    office.assert_sound().await;
}

#[tokio::test]
async fn what_was_built_on_something_put_away_is_read_too_and_follows_it_back() {
    let office = Office::open().await;
    let admin = Pen::new(office.village.admin, 6);
    // Somebody without any right in the field opens a case, and writes on it.
    let case = admin.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let (first, second) = (visit(SEEN), visit("Hôm sau lại đến"));
    let first = admin.write(case.subject, "place:a", first);
    let second = admin.write(case.subject, "place:a", second);
    let caller = office.sign_in("admin").await;
    let said = caller.push(&admin, &[&case, &first]).await;
    assert!(matches!(said[..], [Verdict::Quarantined { .. }, Verdict::Waiting { .. }]), "{said:?}");
    let hanh = office.desk_of("hanh").await;
    assert!(!page(&hanh).await.contains(SEEN), "it waits for the case");
    hanh.submit("/office/set-aside", &form(&case.id, "put_away", "Nh%E1%BA%A7m")).await;
    assert_eq!(office.count("waiting").await, 0);
    let shown = page(&hanh).await;
    assert!(shown.contains(SEEN) && shown.contains("dựa trên một điều đã cất đi"), "{shown}");
    assert!(!shown.contains("value=\"take\""), "it has no case to go into");
    // What comes later does not wait for ever either.
    let said = caller.push(&admin, &[&second]).await;
    assert!(matches!(said[0], Verdict::Quarantined { put_away: None, .. }), "{said:?}");
    assert_eq!(office.count("quarantine where settled_at is null").await, 2);
    hanh.submit("/office/set-aside", &form(&case.id, "put_back", "")).await;
    assert_eq!((office.count("waiting").await, office.count("quarantine").await), (2, 1));
    hanh.submit("/office/set-aside", &form(&case.id, "take", "")).await;
    assert_eq!(office.count("waiting").await, 0);
    let shown = page(&hanh).await;
    assert!(shown.contains(SEEN) && shown.contains("Hôm sau lại đến") && shown.contains("value=\"take\""), "{shown}");
    for id in [first.id, second.id] {
        assert_eq!(hanh.submit("/office/set-aside", &form(&id, "take", "")).await.status, 303);
    }
    assert_eq!((office.count("change").await, office.count("quarantine where settled_at is null").await), (3, 0));
    office.assert_sound().await;
}

#[tokio::test]
async fn about_a_restricted_case_only_those_named_read_it_and_reading_is_written_down() {
    let office = Office::open().await;
    let pao = Pen::new(office.village.pao, 2);
    let restricted = vec![Fact::Confidentiality(Confidentiality::Restricted)];
    let mut case = pao.open("a2", Some("Hoàng Thị Mỷ"), vec![]);
    if let Body::CaseOpened { facts, .. } = &mut case.body {
        facts.retain(|f| !matches!(f, Fact::Confidentiality(_)));
        facts.extend(restricted);
    }
    let hanh_out = ElementEdit { saw: vec![], element: office.village.hanh, now: true };
    let out = pao.write(case.subject, "place:a", Body::ExcludedEdited(hanh_out));
    let verdicts = office.sign_in("pao").await.push(&pao, &[&case]).await;
    assert!(matches!(verdicts[0], Verdict::Accepted { .. }), "{verdicts:?}");
    let lan = Pen::new(office.village.lan, 1);
    let strange = lan.write(case.subject, "place:a", visit(SEEN));
    set_aside(&office, "lan", &lan, &strange).await;

    let hanh = office.desk_of("hanh").await;
    assert_eq!(office.count("audit where what = 'restricted_read'").await, 0);
    assert!(page(&hanh).await.contains(SEEN), "the officer of the commune is named on it");
    assert_eq!(office.count("audit where what = 'restricted_read'").await, 1);
    office.sign_in("pao").await.push(&pao, &[&out]).await;
    assert!(!page(&hanh).await.contains(SEEN), "who must never see the case does not read what is written about it");
    let theirs = hanh.submit("/office/set-aside", &form(&strange.id, "take", "")).await;
    assert!(theirs.body.contains("không còn chờ ở đây"));
}

#[tokio::test]
async fn nobody_settles_their_own_or_gives_somebody_a_right_by_a_tap() {
    let office = Office::open().await;
    let (case, _) = strange_visit(&office).await;
    let (lan, toan) = (Pen::new(office.village.lan, 5), Pen::new(office.village.toan, 4));
    // A supervisor of elsewhere wrote on the case; nobody settles what they wrote themselves.
    let own = toan.write(case.subject, "place:a", visit("Từ xã bên"));
    set_aside(&office, "toan", &toan, &own).await;
    let theirs = office.desk_of("toan").await.submit("/office/set-aside", &form(&own.id, "take", "")).await;
    assert!(theirs.body.contains("không còn chờ ở đây"), "{}", theirs.body);
    // Lan names herself on a case that she may not see.
    let herself = ElementEdit { saw: vec![], element: office.village.lan, now: true };
    let named = lan.write(case.subject, "place:a", Body::AssigneeEdited(herself));
    set_aside(&office, "lan", &lan, &named).await;
    let hanh = office.desk_of("hanh").await;
    let taken = hanh.submit("/office/set-aside", &form(&named.id, "take", "")).await;
    assert!(taken.body.contains("Chưa đưa vào hồ sơ được."), "{}", taken.body);
    assert!(taken.body.contains("Nông Thị Lan: Có"), "it says what it would do: {}", taken.body);
    let Body::CaseOpened { code, .. } = &case.body else { panic!("it opens a case") };
    assert!(taken.body.contains(code.as_str()), "and on whose case");
    assert!(pages_of(&office.sign_in("lan").await.pull(&lan).await, case.subject).is_empty());
    assert_eq!(office.count("quarantine where settled_at is null").await, 3);
    office.assert_sound().await;
}

#[tokio::test]
async fn a_look_of_somebody_without_the_right_is_kept_and_asks_nobody_for_a_decision() {
    let office = Office::open().await;
    let pao = Pen::new(office.village.pao, 2);
    let case = pao.open("a2", Some("Hoàng Thị Mỷ"), vec![]);
    office.sign_in("pao").await.push(&pao, &[&case]).await;
    // As after a transfer: the supervisor of another commune looked at what is no longer theirs.
    let toan = Pen::new(office.village.toan, 4);
    set_aside(&office, "toan", &toan, &toan.write(case.subject, "place:a", Body::Looked)).await;
    let hanh = office.desk_of("hanh").await;
    assert!(page(&hanh).await.contains("Không có gì để riêng"));
    assert!(!hanh.open("/office").await.body.contains("còn để riêng"));
    assert_eq!(office.count("quarantine where settled_at is null").await, 1, "the row stays");
    office.assert_sound().await;
}

#[tokio::test]
async fn what_nobody_can_read_is_not_put_away() {
    let office = Office::open().await;
    let pao = Pen::new(office.village.pao, 2);
    let case = pao.open("a2", Some("Hoàng Thị Mỷ"), vec![]);
    office.sign_in("pao").await.push(&pao, &[&case]).await;
    let mut batch = pao.batch(&[&pao.write(case.subject, "place:a", visit(SEEN))]);
    let text = batch.changes[0].get().replace("visit_recorded", "dream_recorded");
    batch.changes = vec![serde_json::from_str(&text).unwrap()];
    let answer = office.sign_in("pao").await.push_raw(&batch).await;
    assert!(answer.body.contains("quarantined"), "{}", answer.body);
    let id = serde_json::from_str::<serde_json::Value>(&text).unwrap()["id"].as_str().unwrap().to_owned();
    let hanh = office.desk_of("hanh").await;
    let shown = page(&hanh).await;
    assert!(shown.contains("Chưa đọc được") && !shown.contains("put_away"), "{shown}");
    hanh.submit("/office/set-aside", &form(&id, "put_away", "b%E1%BB%8F")).await;
    assert_eq!(office.count("quarantine where settled_at is null").await, 1, "an update of the office brings it in");
}

#[tokio::test]
async fn only_a_supervisor_opens_the_page_and_nobody_without_a_session() {
    let office = Office::open().await;
    let (_, strange) = strange_visit(&office).await;
    for name in ["lan", "admin", "thanh"] {
        let desk = office.desk_of(name).await;
        for answer in [
            desk.open("/office/set-aside").await,
            desk.submit("/office/set-aside", &form(&strange.id, "take", "")).await,
        ] {
            assert_eq!(answer.status, 303, "{name}");
            assert!(!answer.body.contains(SEEN));
        }
    }
    assert_eq!(office.count("quarantine where settled_at is null").await, 1);
}

#[tokio::test]
async fn a_correction_of_what_a_supervisor_took_into_the_case_is_not_acknowledged_without_effect() {
    let office = Office::open().await;
    let (case, strange) = strange_visit(&office).await;
    let hanh = office.desk_of("hanh").await;
    assert_eq!(hanh.submit("/office/set-aside", &form(&strange.id, "take", "")).await.status, 303);
    let lan = Pen::new(office.village.lan, 1);
    let better = Change { replaces: Some(strange.id), ..lan.write(case.subject, "place:a", visit("Đã gặp cụ")) };
    let said = office.sign_in("lan").await.push(&lan, &[&better]).await;
    assert_eq!(said, [Verdict::Refused { why: domain::Refusal::OtherBody }], "her phone holds it and says what to do");
    office.assert_sound().await;
}

#[tokio::test]
async fn what_waits_in_another_commune_hides_nothing_however_much_it_is() {
    let office = Office::open().await;
    let toan = Pen::new(office.village.toan, 4);
    let theirs = toan.open("b1", Some("Nông Văn Sliểng"), vec![]);
    office.sign_in("toan").await.push(&toan, &[&theirs]).await;
    // Pens of their own: `strange_visit` numbers from the beginning too.
    let lan = Pen::new(office.village.lan, 7);
    let caller = office.sign_in("lan").await;
    for _ in 0..11 {
        let notes: Vec<Change> = (0..100).map(|_| lan.write(theirs.subject, "place:b", visit("Nhầm xã"))).collect();
        let said = caller.push(&lan, &notes.iter().collect::<Vec<_>>()).await;
        assert!(said.iter().all(|v| matches!(v, Verdict::Quarantined { .. })));
    }
    strange_visit(&office).await;
    let hanh = office.desk_of("hanh").await;
    assert!(page(&hanh).await.contains(SEEN));
    assert!(hanh.open("/office").await.body.contains("1 điều xã đã nhận còn để riêng"));
    // What was given up is looked through in the same way, the latest first.
    let pao = Pen::new(office.village.pao, 8);
    let of = |pen: &Pen, case: &Change, log: &str, words: &str| {
        let held = pen.write(case.subject, log, visit(words));
        let note = domain::Dropped::of(&held, domain::Refusal::NotAllowed, "Ghi nhầm".to_owned());
        pen.write(case.subject, log, Body::Dropped(note))
    };
    let case = pao.open("a2", Some("Hoàng Thị Mỷ"), vec![]);
    office.sign_in("pao").await.push(&pao, &[&case, &of(&pao, &case, "place:a", "Bà ho ra máu")]).await;
    for _ in 0..11 {
        let notes: Vec<Change> = (0..100).map(|_| of(&lan, &theirs, "place:b", "Nhầm xã")).collect();
        caller.push(&lan, &notes.iter().collect::<Vec<_>>()).await;
    }
    let shown = page(&hanh).await;
    assert!(shown.contains("Bà ho ra máu"), "{shown}");
}

#[tokio::test]
async fn why_something_about_a_restricted_case_was_given_up_is_read_by_its_officers_only() {
    let office = Office::open().await;
    let lan = Pen::new(office.village.lan, 1);
    let gives_up = |what: &Change, reason: &str| {
        let note = domain::Dropped::of(what, domain::Refusal::NotAllowed, reason.to_owned());
        lan.write(what.subject, "place:a", Body::Dropped(note))
    };
    let restricted = vec![Fact::Confidentiality(Confidentiality::Restricted)];
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), restricted);
    let seen = lan.write(case.subject, "place:a", visit(SEEN));
    let of_nothing = lan.open("a1", None, vec![]);
    let unknown = lan.write(of_nothing.subject, "place:a", visit("Không rõ"));
    let notes = [gives_up(&case, "Chồng chị Mỷ biết"), gives_up(&seen, "Bà Sáo kể"), gives_up(&unknown, "Ông Lử kể")];
    office.sign_in("lan").await.push(&lan, &notes.iter().collect::<Vec<_>>()).await;
    // A supervisor of the commune who is no officer for restricted cases.
    let kien = domain::Worker {
        id: domain::WorkerId(uuid::Uuid::from_u128(0x0700_0000_0000_7000_8000_0000_0000_0001)),
        grants: vec![domain::Grant::area(domain::Role::Supervisor, "a".parse().unwrap())],
        ..office.village.workers[3].clone()
    };
    server::registry::employ(&office.staff, &kien, domain::Timestamp(1)).await.unwrap();
    assert!(server::login::add(&office.staff, kien.id, "kien", crate::support::PASSWORD, 1).await.unwrap());
    let (kien, hanh) = (page(&office.desk_of("kien").await).await, page(&office.desk_of("hanh").await).await);
    for words in ["Chồng chị Mỷ biết", "Bà Sáo kể", SEEN] {
        assert!(!kien.contains(words), "{kien}");
        assert!(hanh.contains(words), "{hanh}");
    }
    for page in [&kien, &hanh] {
        assert!(
            page.contains("Không gửi kèm nội dung") && !page.contains("Ông Lử kể"),
            "of what nobody can judge: {page}"
        );
    }
}
