//! When all of somebody's rights end: what their phone forgets, what it may still hand over, and what becomes of that.

use std::sync::Arc;

use domain::laws::{Pen, act, agreed, ask, visit};
use domain::{
    Act, Change, Grant, Level, LogId, Receiver, ReferralKind, Refusal, Role, Side, Timestamp, Verdict, WorkerId,
};
use serde_json::json;
use server::registry::{Deed, Told, change_rights};

use crate::support::{Caller, Office, PASSWORD, cursors, pages_of};

const SEEN: &str = "Ông cụ ho ra máu từ hôm kia";

async fn revoke(office: &Office, worker: WorkerId) -> Told {
    change_rights(&office.staff, Deed::Revoke(worker), Timestamp(2)).await.unwrap()
}

fn is_set_aside(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Quarantined { .. })
}

#[tokio::test]
async fn whoever_is_revoked_is_told_to_forget_and_may_still_hand_over_what_they_hold() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let desk = office.desk_of("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let (one, two) = (pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]), pen.open("a1", Some("Lò Văn Páo"), vec![]));
    lan.push(&pen, &[&one, &two]).await;
    let first = lan.pull(&pen).await;
    assert_eq!(pages_of(&first, one.subject).len(), 1);
    assert_eq!(revoke(&office, office.village.lan).await, Told { shown: 0, forgotten: 2 });

    // What she wrote in the valley, by rights that her phone believed in.
    let unsent = pen.write(one.subject, "place:a", visit(SEEN));
    let opened = pen.open("a1", Some("Giàng A Sử"), vec![]);
    let said = lan.push(&pen, &[&unsent, &opened]).await;
    assert!(said.iter().all(is_set_aside), "{said:?}");
    let told = lan.pull_from(&pen, &cursors(&first)).await;
    for case in [&one, &two] {
        let pages = pages_of(&told, case.subject);
        assert_eq!(pages.len(), 1, "{pages:?}");
        let (log, gone) = &pages[0];
        assert!(
            *log == LogId::Worker(office.village.lan) && gone.whole && gone.parts.is_empty() && gone.gone.is_empty()
        );
    }
    let briefing = told.briefing.unwrap();
    assert_eq!((briefing.worker.grants.len(), briefing.colleagues.len()), (0, 0));
    // Whatever she asks for now, there is nothing; and another phone of hers gets nothing at all.
    let anew = lan.pull(&Pen::new(office.village.lan, 9)).await;
    assert!(anew.pages.iter().all(|page| page.subjects.is_empty()), "{:?}", anew.pages);

    assert_eq!(desk.open("/office").await.status, 303, "the office's pages are closed");
    let again = lan.call("/api/log_in", &json!({ "user_name": "lan", "password": PASSWORD })).await;
    assert_eq!(again.error(), (401, "wrong_password".to_owned()));
    assert_eq!(office.count("audit where what = 'rights_revoked'").await, 1);
    assert_eq!(office.count("quarantine where settled_at is null").await, 2);
    let twice = change_rights(&office.staff, Deed::Revoke(office.village.lan), Timestamp(3)).await;
    assert!(twice.unwrap_err().to_string().contains("already"));
    assert_eq!(office.count("office where name = 'roster_wanted'").await, 0, "nobody waits for what came to nothing");
    office.assert_sound().await;
}

#[tokio::test]
async fn what_a_revoked_person_sends_is_read_by_the_supervisor_and_taken_in_their_name() {
    let office = Office::open().await;
    let (lan, pen) = (office.sign_in("lan").await, Pen::new(office.village.lan, 1));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    lan.push(&pen, &[&case]).await;
    revoke(&office, office.village.lan).await;
    let note = pen.write(case.subject, "place:a", visit(SEEN));
    let opened = pen.open("a1", Some("Giàng A Sử"), vec![]);
    let built_on_it = pen.write(opened.subject, "place:a", visit("Cần đưa đi khám"));
    let said = lan.push(&pen, &[&note, &opened, &built_on_it]).await;
    assert!(is_set_aside(&said[0]) && is_set_aside(&said[1]), "{said:?}");
    assert!(matches!(said[2], Verdict::Waiting { .. }), "{said:?}");
    let (hanh, toan) = (office.desk_of("hanh").await, office.desk_of("toan").await);
    assert!(!toan.open("/office/set-aside").await.body.contains(SEEN), "of another commune");
    let page = hanh.open("/office/set-aside").await.body;
    assert!(page.contains(SEEN) && page.contains("Giàng A Sử") && page.contains("Nông Thị Lan"), "{page}");
    for id in [note.id, opened.id] {
        let taken = hanh.submit("/office/set-aside", &format!("id={id}&act=take")).await;
        assert_eq!(taken.status, 303, "{}", taken.body);
    }
    // What was built on it is there to be decided too, once it can be.
    assert!(hanh.open("/office/set-aside").await.body.contains("Cần đưa đi khám"));
    let pao = Pen::new(office.village.pao, 2);
    let shown = office.sign_in("pao").await.pull(&pao).await;
    let visits = |change: &Change| {
        let (_, page) = pages_of(&shown, change.subject).remove(0);
        let by = |row: &domain::PartRow| match &row.part {
            domain::Part::Visit(v) => Some((v.written.by, v.visit.seen.clone())),
            _ => None,
        };
        page.parts.iter().filter_map(by).collect::<Vec<_>>()
    };
    assert_eq!(visits(&case), [(office.village.lan, SEEN.to_owned())]);
    assert_eq!(visits(&opened), []);
    office.assert_sound().await;
}

#[tokio::test]
async fn a_decision_by_whoever_was_revoked_is_refused_and_they_are_told() {
    let office = Office::open().await;
    let (lan, hanh) = (office.sign_in("lan").await, office.sign_in("hanh").await);
    let (pen, desk) = (Pen::new(office.village.lan, 1), Pen::new(office.village.hanh, 2));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let receiver = Receiver::Facility(office.village.facility);
    let referral = pen.write(case.subject, "place:a", ask(ReferralKind::Health, receiver, agreed()));
    lan.push(&pen, &[&case, &referral]).await;
    hanh.pull(&desk).await;
    let page = office.desk_of("hanh").await;
    revoke(&office, office.village.hanh).await;
    let approve = act(referral.id, 1, Side::Supervisor(Level::Commune), Act::Approve { document: None });
    let said = hanh.push(&desk, &[&desk.write(case.subject, "place:a", approve)]).await;
    assert!(matches!(&said[0], Verdict::Refused { why: Refusal::Decide(_) }), "{said:?}");
    for path in ["/office", "/office/set-aside"] {
        assert_eq!(page.open(path).await.status, 303);
    }
}

#[tokio::test]
async fn whoever_comes_back_has_what_they_had_and_their_phone_shows_it_again() {
    let office = Office::open().await;
    let (lan, pen) = (office.sign_in("lan").await, Pen::new(office.village.lan, 1));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    lan.push(&pen, &[&case]).await;
    let first = lan.pull(&pen).await;
    revoke(&office, office.village.lan).await;
    let worker = office.village.workers.iter().find(|w| w.id == office.village.lan).unwrap();
    let around = server::registry::employ(&office.staff, worker, Timestamp(3)).await;
    assert!(around.unwrap_err().to_string().contains("restore"), "no way around");
    let forgot = lan.pull_from(&pen, &cursors(&first)).await;
    let back = Deed::Restore { worker: office.village.lan, grants: None };
    assert_eq!(change_rights(&office.staff, back, Timestamp(4)).await.unwrap(), Told { shown: 1, forgotten: 0 });
    let shown = lan.pull_from(&pen, &cursors(&forgot)).await;
    let (_, page) = pages_of(&shown, case.subject).remove(0);
    assert!(page.whole && page.parts.len() == 2, "{page:?}");
    assert_eq!(shown.briefing.unwrap().worker.grants, [Grant::area(Role::Collaborator, "a1".parse().unwrap())]);
    let note = pen.write(case.subject, "place:a", visit(SEEN));
    assert!(matches!(lan.push(&pen, &[&note]).await[0], Verdict::Accepted { .. }));
    office.sign_in("lan").await;
    assert_eq!(office.count("audit where what = 'rights_restored'").await, 1);
    assert!(change_rights(&office.staff, back, Timestamp(5)).await.is_err(), "nothing is left to give back");
    office.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_amid_pushes_to_several_servers_counts_for_each_and_loses_nothing() {
    let one = Office::open().await;
    let two = one.second().await;
    let lan = one.sign_in("lan").await;
    let first = Pen::new(one.village.lan, 1);
    let case = first.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    lan.push(&first, &[&case]).await;
    // Each device goes on until three of its batches in a row were set aside.
    let sent = |device: u8, caller: Caller| {
        let subject = case.subject;
        tokio::spawn(async move {
            let pen = Pen::new(caller.worker, device);
            let mut answered: Vec<(Change, Verdict)> = Vec::new();
            let mut aside = 0;
            while aside < 3 {
                let pair = [pen.write(subject, "place:a", visit(SEEN)), pen.open("a1", Some("Một"), vec![])];
                let batch = pen.batch(&[&pair[0], &pair[1]]);
                let answer = caller.push_raw(&batch).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                let said: Vec<Verdict> = serde_json::from_str(&answer.body).unwrap();
                let both = said.iter().filter(|v| is_set_aside(v)).count();
                assert!(both == 0 || both == 2, "a batch is judged by one set of rights: {said:?}");
                assert!(aside == 0 || both == 2, "nothing is accepted after something was set aside: {said:?}");
                aside += both / 2;
                answered.extend(pair.into_iter().zip(said));
                assert!(answered.len() < 4_000, "the revocation is never noticed");
            }
            answered
        })
    };
    let senders: Vec<_> =
        (10..14).map(|device| sent(device, if device % 2 == 0 { lan.clone() } else { two.caller(&lan) })).collect();
    // By a third process, once something of each was accepted.
    while one.count("change").await < 20 {
        tokio::task::yield_now().await;
    }
    let other = Arc::new(one.second().await);
    revoke(&other, one.village.lan).await;
    let (mut accepted, mut aside) = (0, 0);
    for sender in senders {
        for (change, verdict) in sender.await.unwrap() {
            let kept = match verdict {
                Verdict::Accepted { .. } => {
                    accepted += 1;
                    "change"
                }
                Verdict::Quarantined { .. } => {
                    aside += 1;
                    "quarantine"
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(one.count(&format!("{kept} where id = '{}'", change.id)).await, 1, "{kept}");
        }
    }
    assert!(accepted >= 8 && aside >= 24, "{accepted} {aside}");
    assert_eq!((one.count("change").await, one.count("quarantine").await), (accepted + 1, aside));
    two.assert_sound().await;
}

#[tokio::test]
async fn a_pull_under_way_does_not_undo_that_somebody_was_revoked() {
    let office = Office::open().await;
    let (lan, pen) = (office.sign_in("lan").await, Pen::new(office.village.lan, 1));
    // The pull has read her rights of before; what is to be written down about it waits for this transaction.
    let mut transaction = server::database::begin(&office.staff.pool).await.unwrap();
    server::staff::touch(&mut transaction).await.unwrap();
    let revoked = async {
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        for what in ["update device set grants = '[]'", "delete from grant_row"] {
            sqlx::query(sqlx::AssertSqlSafe(format!("{what} where worker_id = $1")))
                .bind(office.village.lan.to_string())
                .execute(&mut *transaction)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
    };
    let (brought, ()) = tokio::join!(lan.pull(&pen), revoked);
    assert_eq!(brought.briefing.unwrap().worker.grants.len(), 1, "what it brought was of before");
    let known: Vec<String> =
        sqlx::query_scalar("select grants from device").fetch_all(&office.staff.pool).await.unwrap();
    assert_eq!(known, ["[]"]);
    let said = lan.push(&pen, &[&pen.open("a1", Some("Giàng A Sử"), vec![])]).await;
    assert!(is_set_aside(&said[0]), "{said:?}");
}

#[tokio::test]
async fn whoever_has_no_right_leaves_no_more_than_a_days_worth_to_read() {
    let office = Office::open().await;
    let (lan, pen) = (office.sign_in("lan").await, Pen::new(office.village.lan, 1));
    revoke(&office, office.village.lan).await;
    let note = pen.open("a1", Some("Giàng A Sử"), vec![]);
    assert!(is_set_aside(&lan.push(&pen, &[&note]).await[0]));
    sqlx::query("update quarantine set raw = $1")
        .bind(vec![0_u8; 16 * 1024 * 1024 + 1])
        .execute(&office.staff.pool)
        .await
        .unwrap();
    let more = pen.open("a1", None, vec![]);
    let said = lan.push_raw(&pen.batch(&[&more])).await;
    assert_eq!(said.error(), (429, "too_many".to_owned()), "her phone keeps it and comes again");
    assert_eq!(office.count("quarantine").await, 1);
    let (pao, own) = (office.sign_in("pao").await, Pen::new(office.village.pao, 2));
    let said = pao.push(&own, &[&own.open("a1", None, vec![])]).await;
    assert!(matches!(said[0], Verdict::Accepted { .. }), "{said:?}");
    sqlx::query("update quarantine set received_at = 1").execute(&office.staff.pool).await.unwrap();
    assert!(is_set_aside(&lan.push(&pen, &[&more]).await[0]), "the next day");
}
