//! When somebody's roles change: what their phones show, forget, and may still send.

use domain::laws::{Pen, act, agreed, ask, visit};
use domain::{
    Act, Activity, ActivityId, Body, Change, Grant, Level, LogId, Receiver, ReferralKind, Role, Side, Subject,
    Timestamp, Verdict, Worker, WorkerId,
};
use server::registry::employ;

use crate::support::{Caller, Office, cursors, pages_of};

async fn give(office: &Office, id: WorkerId, grants: Vec<Grant>) {
    let worker = office.village.workers.iter().find(|w| w.id == id).unwrap();
    employ(&office.staff, &Worker { grants, ..worker.clone() }, Timestamp(2)).await.unwrap();
}

fn collaborator(villages: &[&str]) -> Vec<Grant> {
    villages.iter().map(|v| Grant::area(Role::Collaborator, v.parse().unwrap())).collect()
}

async fn sent(caller: &Caller, pen: &Pen, changes: &[&Change]) {
    let verdicts = caller.push(pen, changes).await;
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{verdicts:?}");
}

#[tokio::test]
async fn a_village_gained_is_shown_and_a_village_lost_is_forgotten() {
    let office = Office::open().await;
    let (lan, pao) = (office.sign_in("lan").await, office.sign_in("pao").await);
    let (pen, own) = (Pen::new(office.village.lan, 1), Pen::new(office.village.pao, 2));
    let (one, two) = (own.open("a1", Some("Một"), vec![]), own.open("a2", Some("Hai"), vec![]));
    sent(&pao, &own, &[&one, &two]).await;
    let first = lan.pull(&pen).await;
    assert_eq!((pages_of(&first, one.subject).len(), pages_of(&first, two.subject).len()), (1, 0));
    give(&office, office.village.lan, collaborator(&["a2"])).await;
    let second = lan.pull_from(&pen, &cursors(&first)).await;
    let (log, gone) = pages_of(&second, one.subject).remove(0);
    assert!(log == LogId::Worker(office.village.lan) && gone.whole && gone.parts.is_empty());
    let (_, shown) = pages_of(&second, two.subject).remove(0);
    assert!(shown.whole && shown.parts.len() == 2);
    assert_eq!(second.briefing.unwrap().worker.grants, collaborator(&["a2"]));
    office.assert_sound().await;
}

#[tokio::test]
async fn what_happened_in_a_village_comes_and_goes_with_it_and_stays_with_nobody_who_left() {
    let office = Office::open().await;
    let (lan, pao) = (office.sign_in("lan").await, office.sign_in("pao").await);
    let (pen, own) = (Pen::new(office.village.lan, 1), Pen::new(office.village.pao, 2));
    let session = |pen: &Pen, village: &str| {
        let activity = Activity::AnonymousContact { place: village.parse().unwrap() };
        let mut change = pen.open(village, Some("Một"), vec![]);
        change.body = Body::ActivityRecorded(activity);
        change.subject = Subject::Activity(ActivityId(change.id.0));
        change
    };
    let (one, two, lans) = (session(&own, "a1"), session(&own, "a2"), session(&pen, "a1"));
    sent(&pao, &own, &[&one, &two]).await;
    sent(&lan, &pen, &[&lans]).await;
    let first = lan.pull(&pen).await;
    assert_eq!((pages_of(&first, one.subject).len(), pages_of(&first, two.subject).len()), (1, 0));
    give(&office, office.village.lan, collaborator(&["a2"])).await;
    let second = lan.pull_from(&pen, &cursors(&first)).await;
    let (_, gone) = pages_of(&second, one.subject).remove(0);
    assert!(gone.whole && gone.parts.is_empty());
    assert_eq!(pages_of(&second, two.subject).remove(0).1.parts.len(), 1);
    assert!(pages_of(&second, lans.subject).is_empty(), "whoever wrote it keeps it while they work in the field");
    give(&office, office.village.lan, vec![Grant::area(Role::Viewer, "p".parse().unwrap())]).await;
    let third = lan.pull_from(&pen, &cursors(&second)).await;
    for subject in [two.subject, lans.subject] {
        let (_, gone) = pages_of(&third, subject).remove(0);
        assert!(gone.whole && gone.parts.is_empty());
    }
    office.assert_sound().await;
}

#[tokio::test]
async fn what_was_written_by_lost_rights_is_taken_and_flagged_until_the_phone_was_told() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let (pen, other) = (Pen::new(office.village.lan, 1), Pen::new(office.village.lan, 2));
    let case = office.sign_in("pao").await;
    let own = Pen::new(office.village.pao, 3);
    let opened = own.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    sent(&case, &own, &[&opened]).await;
    lan.pull(&pen).await;
    give(&office, office.village.lan, collaborator(&["b1"])).await;
    // Written in the valley before anybody could tell her; sent in two batches.
    let (first, second) = (visit("Lần một"), visit("Lần hai"));
    let first = pen.write(opened.subject, "place:a", first);
    let second = pen.write(opened.subject, "place:a", second);
    sent(&lan, &pen, &[&first]).await;
    sent(&lan, &pen, &[&second]).await;
    let (_, page) = pages_of(&case.pull(&own).await, opened.subject).remove(0);
    let late: Vec<bool> = page
        .parts
        .iter()
        .find_map(|row| if let domain::Part::Trail(t) = &row.part { Some(t) } else { None })
        .unwrap()
        .entries
        .iter()
        .map(|e| e.late)
        .collect();
    assert_eq!(late, [false, true, true]);
    assert_eq!(office.count("audit where what = 'late_accepted'").await, 2);
    // A device that never knew the old rights, and this one once it was told.
    let strange = other.write(opened.subject, "place:a", visit("Máy khác"));
    assert!(matches!(lan.push(&other, &[&strange]).await[0], Verdict::Quarantined { .. }));
    lan.pull(&pen).await;
    let after = pen.write(opened.subject, "place:a", visit("Sau khi đã biết"));
    assert!(matches!(lan.push(&pen, &[&after]).await[0], Verdict::Quarantined { .. }));
    assert_eq!(office.count("quarantine").await, 2, "kept for a supervisor to read");
    office.assert_sound().await;
}

#[tokio::test]
async fn whoever_leaves_a_facility_loses_its_sheets() {
    let office = Office::open().await;
    let (lan, hanh, thanh) = (office.sign_in("lan").await, office.sign_in("hanh").await, office.sign_in("thanh").await);
    let (pen, desk, intake) =
        (Pen::new(office.village.lan, 1), Pen::new(office.village.hanh, 2), Pen::new(office.village.thanh, 3));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let receiver = Receiver::Facility(office.village.facility);
    let referral = pen.write(case.subject, "place:a", ask(ReferralKind::Health, receiver, agreed()));
    sent(&lan, &pen, &[&case, &referral]).await;
    let approve = act(referral.id, 1, Side::Supervisor(Level::Commune), Act::Approve { document: None });
    sent(&hanh, &desk, &[&desk.write(case.subject, "place:a", approve)]).await;
    let first = thanh.pull(&intake).await;
    assert_eq!(pages_of(&first, case.subject).len(), 1);
    give(&office, office.village.thanh, vec![Grant::area(Role::Viewer, "p".parse().unwrap())]).await;
    let second = thanh.pull_from(&intake, &cursors(&first)).await;
    let page = second.pages.iter().find(|p| matches!(p.log, LogId::Facility(_))).unwrap();
    assert!(page.reset && page.subjects.is_empty() && page.next.is_none(), "all of that log is forgotten");
    let accept = intake.write(case.subject, "place:a", act(referral.id, 1, Side::Receiver, Act::Accept));
    let verdicts = thanh.push(&intake, &[&accept]).await;
    assert!(matches!(verdicts[0], Verdict::Refused { .. }), "{verdicts:?}");
}

#[tokio::test]
async fn a_change_that_was_taken_back_does_not_hide_the_next() {
    let office = Office::open().await;
    let staff = &office.staff;
    let wrong = "code,name,type,parent_code,latitude,longitude,valid_from\nx,Xã Lạc,commune,nowhere,,,2025-07-01\n";
    assert!(server::import::import(staff, wrong, Timestamp(2)).await.is_err());
    let mut connection = staff.pool.acquire().await.unwrap();
    let place = "b".parse().unwrap();
    server::staff::put_officers(&mut connection, &place, &[office.village.toan]).await.unwrap();
    let roster = staff.roster(&mut connection).await.unwrap();
    assert_eq!(roster.rules.officers.get(&place), Some(&vec![office.village.toan]));
}

#[tokio::test]
async fn somebody_new_gets_what_is_there() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    sent(&lan, &pen, &[&case]).await;
    let id = WorkerId(pen.device.0);
    let template = &office.village.workers[0];
    let new = Worker { id, grants: collaborator(&["a1"]), ..template.clone() };
    employ(&office.staff, &new, Timestamp(3)).await.unwrap();
    let registry = office.registry();
    let request = serde_json::from_value(serde_json::json!({
        "v": 1, "worker": id, "device": pen.device, "cursors": {}
    }))
    .unwrap();
    let session = domain::Session { worker: id };
    let answer = domain::Registry::pull(&*registry, &session, request, Timestamp(4)).await.unwrap();
    assert_eq!(pages_of(&answer, case.subject).len(), 1, "once, by the log of the commune");
}
