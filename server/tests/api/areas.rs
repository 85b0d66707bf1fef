//! When places change, and who is responsible for what: cases follow, logs stay, and nobody sees what is not theirs.

use domain::laws::{Pen, act, agreed, ask, visit};
use domain::{
    Act, Activity, ActivityId, Body, Change, Confidentiality, ElementEdit, Fact, Grant, Level, LogId, Part, PlaceId,
    Receiver, ReferralKind, Role, Side, Subject, Timestamp, Verdict, Worker, WorkerId,
};
use server::registry::{Deed, Told, change_rights, employ};

use crate::support::{Caller, Office, cursors, pages_of};

const HEAD: &str = "code,name,type,parent_code,latitude,longitude,valid_from,valid_to,successor_code\n";
/// After the day on which the communes of these tests merge.
const LATER: Timestamp = Timestamp(1_774_400_000_000);

async fn sent(caller: &Caller, pen: &Pen, changes: &[&Change]) {
    let verdicts = caller.push(pen, changes).await;
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{verdicts:?}");
}

/// Commune a went into ward b, with both of its villages.
async fn merge(office: &Office) {
    let lines =
        "a,a,commune,p,,,2025-07-01,2026-03-15,b\na1,a1,village,b,,,2025-07-01,,\na2,a2,village,b,,,2025-07-01,,\n";
    assert_eq!(server::import::import(&office.staff, &format!("{HEAD}{lines}"), LATER).await.unwrap(), 3);
}

async fn officers(office: &Office, place: &str, officers: &[WorkerId]) -> Told {
    let place: PlaceId = place.parse().unwrap();
    change_rights(&office.staff, Deed::Officers { place: &place, officers }, LATER).await.unwrap()
}

fn restricted(pen: &Pen, village: &str) -> Change {
    let mut case = pen.open(village, Some("Hoàng Thị Mỷ"), vec![]);
    if let Body::CaseOpened { facts, .. } = &mut case.body {
        facts.retain(|f| !matches!(f, Fact::Confidentiality(_)));
        facts.push(Fact::Confidentiality(Confidentiality::Restricted));
    }
    case
}

#[tokio::test]
async fn cases_of_a_commune_that_merged_are_seen_in_its_successor_and_stay_in_their_log() {
    let office = Office::open().await;
    let (lan, hanh, toan) = (office.sign_in("lan").await, office.sign_in("hanh").await, office.sign_in("toan").await);
    let (pen, old_desk, new_desk) =
        (Pen::new(office.village.lan, 1), Pen::new(office.village.hanh, 2), Pen::new(office.village.toan, 3));
    let (case, secret) = (pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]), restricted(&pen, "a1"));
    let receiver = Receiver::Facility(office.village.facility);
    let referral = pen.write(case.subject, "place:a", ask(ReferralKind::Health, receiver, agreed()));
    sent(&lan, &pen, &[&case, &secret, &referral]).await;
    let (first, old_first) = (toan.pull(&new_desk).await, hanh.pull(&old_desk).await);
    assert!(pages_of(&first, case.subject).is_empty());
    merge(&office).await;

    let second = toan.pull_from(&new_desk, &cursors(&first)).await;
    let own = LogId::Worker(office.village.toan);
    let (_, page) = pages_of(&second, case.subject).into_iter().find(|(log, _)| *log == own).unwrap();
    assert!(page.whole && page.parts.iter().any(|row| matches!(&row.part, Part::Header(h) if h.log == case.log)));
    assert!(pages_of(&second, secret.subject).is_empty(), "a restricted case goes to no new desk by itself");
    // The desk of the successor decides, and the officer of the old one keeps what they had.
    let approve = act(referral.id, 1, Side::Supervisor(Level::Commune), Act::Approve { document: None });
    let seen = new_desk.write(case.subject, "place:a", visit("Xã mới đến thăm"));
    sent(&toan, &new_desk, &[&new_desk.write(case.subject, "place:a", approve), &seen]).await;
    let old_second = hanh.pull_from(&old_desk, &cursors(&old_first)).await;
    for subject in [case.subject, secret.subject] {
        assert!(pages_of(&old_second, subject).iter().all(|(_, page)| !page.parts.is_empty()), "nothing is forgotten");
    }
    // A phone that has not heard of it yet names the place and the log as they were; both desks get the case.
    let late = pen.open("a1", Some("Giàng A Sử"), vec![]);
    assert_eq!(late.log, LogId::Place("a".parse().unwrap()));
    sent(&lan, &pen, &[&late]).await;
    assert_eq!(pages_of(&toan.pull_from(&new_desk, &cursors(&second)).await, late.subject).remove(0).1.parts.len(), 2);
    // One that has heard of it names the new log; another commune's log is still no place for it.
    let mut new = pen.open("a1", Some("Lò Văn Páo"), vec![]);
    new.log = LogId::Place("b".parse().unwrap());
    sent(&lan, &pen, &[&new]).await;
    // A new phone of the collaborator, who now follows the other log, has all of them.
    let fresh = lan.pull(&Pen::new(office.village.lan, 9)).await;
    for subject in [case.subject, secret.subject, late.subject, new.subject] {
        assert!(!pages_of(&fresh, subject).is_empty());
    }
    let briefing = second.briefing.unwrap();
    let ended = briefing.places.iter().find(|p| p.id.as_str() == "a").unwrap();
    assert_eq!(ended.successor, Some("b".parse().unwrap()));
    office.assert_sound().await;
}

#[tokio::test]
async fn an_activity_written_after_a_merger_by_a_phone_that_has_not_heard_is_seen_in_the_successor() {
    let office = Office::open().await;
    let (lan, toan) = (office.sign_in("lan").await, office.sign_in("toan").await);
    let (pen, desk) = (Pen::new(office.village.lan, 1), Pen::new(office.village.toan, 3));
    merge(&office).await;
    let first = toan.pull(&desk).await;
    let contact = Body::ActivityRecorded(Activity::AnonymousContact { place: "a1".parse().unwrap() });
    let subject = Subject::Activity(ActivityId(uuid::Uuid::from_u128(7)));
    let mut late = pen.write(subject, "place:a", contact);
    late.id = domain::ChangeId(uuid::Uuid::from_u128(7));
    sent(&lan, &pen, &[&late]).await;
    let second = toan.pull_from(&desk, &cursors(&first)).await;
    assert!(!pages_of(&second, subject).is_empty(), "its desk follows another log");
    office.assert_sound().await;
}

#[tokio::test]
async fn a_village_that_goes_to_another_commune_is_forgotten_in_the_old_one_and_unsent_work_arrives() {
    let office = Office::open().await;
    let (pao, hanh, toan) = (office.sign_in("pao").await, office.sign_in("hanh").await, office.sign_in("toan").await);
    let (pen, old_desk, new_desk) =
        (Pen::new(office.village.pao, 1), Pen::new(office.village.hanh, 2), Pen::new(office.village.toan, 3));
    let (stays, goes) = (pen.open("a1", Some("Một"), vec![]), pen.open("a2", Some("Hai"), vec![]));
    sent(&pao, &pen, &[&stays, &goes]).await;
    let (first, new_first) = (hanh.pull(&old_desk).await, toan.pull(&new_desk).await);
    let lines = "a2,Bản Mới,village,b,,,2025-07-01,,\n";
    server::import::import(&office.staff, &format!("{HEAD}{lines}"), LATER).await.unwrap();
    // Written while nobody could tell her: it is hers no longer to put into the case, and it is not lost.
    let unsent = old_desk.write(goes.subject, "place:a", visit("Viết lúc chưa biết"));
    let said = hanh.push(&old_desk, &[&unsent]).await;
    assert!(matches!(said[0], Verdict::Quarantined { .. }), "{said:?}");
    let told = hanh.pull_from(&old_desk, &cursors(&first)).await;
    let (_, gone) = pages_of(&told, goes.subject).remove(0);
    assert!(gone.whole && gone.parts.is_empty(), "a commune that still stands has lost the village");
    assert!(pages_of(&told, stays.subject).is_empty(), "nothing changed");
    let taken = office.desk_of("toan").await.submit("/office/set-aside", &format!("id={}&act=take", unsent.id)).await;
    assert_eq!(taken.status, 303, "{}", taken.body);
    let settled = hanh.pull_from(&old_desk, &cursors(&told)).await;
    let settled: Vec<_> = settled.pages.iter().flat_map(|p| &p.settled).map(|(id, _)| *id).collect();
    assert_eq!(settled, [unsent.id], "what was taken leaves the phone's overlay though the case is not seen there");
    let shown = toan.pull_from(&new_desk, &cursors(&new_first)).await;
    let (_, page) = pages_of(&shown, goes.subject).remove(0);
    assert_eq!(page.parts.iter().filter(|row| matches!(row.part, Part::Visit(_))).count(), 1);
    let place = shown.briefing.unwrap().places.into_iter().find(|p| p.id.as_str() == "a2").unwrap();
    assert_eq!(
        (place.name.as_str(), place.old_names, place.former_parents),
        ("Bản Mới", vec!["a2".to_owned()], vec!["a".parse().unwrap()])
    );
    office.assert_sound().await;
}

#[tokio::test]
async fn a_new_officer_sees_the_restricted_cases_that_are_there_and_loses_them_with_the_office() {
    let office = Office::open().await;
    let (pao, hanh, toan) = (office.sign_in("pao").await, office.sign_in("hanh").await, office.sign_in("toan").await);
    let (pen, desk, deputy) =
        (Pen::new(office.village.pao, 1), Pen::new(office.village.hanh, 2), Pen::new(office.village.toan, 3));
    let (case, barred) = (restricted(&pen, "a1"), restricted(&pen, "a2"));
    let out = ElementEdit { saw: vec![], element: office.village.toan, now: true };
    sent(&pao, &pen, &[&case, &barred, &pen.write(barred.subject, "place:a", Body::ExcludedEdited(out))]).await;
    let first = toan.pull(&deputy).await;
    assert!(pages_of(&first, case.subject).is_empty());
    assert_eq!(
        officers(&office, "a", &[office.village.hanh, office.village.toan]).await,
        Told { shown: 1, forgotten: 0 }
    );
    let second = toan.pull_from(&deputy, &cursors(&first)).await;
    assert_eq!(pages_of(&second, case.subject).remove(0).1.parts.len(), 2);
    assert!(pages_of(&second, barred.subject).is_empty(), "whoever is excluded stays out, officer or not");
    assert_eq!(office.count("audit where what = 'restricted_read'").await, 1);
    sent(&toan, &deputy, &[&deputy.write(case.subject, "place:a", visit("Phó phụ trách đến"))]).await;
    // Whoever is officer no longer keeps what they are named on, and nothing else.
    hanh.pull(&desk).await;
    assert_eq!(officers(&office, "a", &[]).await, Told { shown: 0, forgotten: 1 });
    let third = toan.pull_from(&deputy, &cursors(&second)).await;
    let (_, gone) = pages_of(&third, case.subject).remove(0);
    assert!(gone.whole && gone.parts.is_empty());
    assert!(!pages_of(&hanh.pull(&desk).await, case.subject).is_empty(), "named on it when it came");
    let village: PlaceId = "a1".parse().unwrap();
    for (place, officer) in [(&village, office.village.hanh), (&"a".parse().unwrap(), office.village.admin)] {
        let wrong = Deed::Officers { place, officers: &[officer] };
        assert!(change_rights(&office.staff, wrong, LATER).await.is_err());
    }
    office.assert_sound().await;
}

#[tokio::test]
async fn a_restricted_case_whose_only_officer_was_revoked_is_not_left_to_nobody() {
    let office = Office::open().await;
    let (pao, pen) = (office.sign_in("pao").await, Pen::new(office.village.pao, 1));
    let case = restricted(&pen, "a1");
    sent(&pao, &pen, &[&case]).await;
    officers(&office, "p", &[office.village.toan]).await;
    let (toan, deputy) = (office.sign_in("toan").await, Pen::new(office.village.toan, 3));
    assert!(pages_of(&toan.pull(&deputy).await, case.subject).is_empty(), "the commune has its own");
    change_rights(&office.staff, Deed::Revoke(office.village.hanh), LATER).await.unwrap();
    assert!(!pages_of(&toan.pull(&deputy).await, case.subject).is_empty(), "the province's officer steps in");
    office.assert_sound().await;
}

#[tokio::test]
async fn a_restricted_case_is_not_mentioned_to_somebody_named_and_unnamed_between_two_pulls() {
    let office = Office::open().await;
    let (pao, lan, hanh) = (office.sign_in("pao").await, office.sign_in("lan").await, office.sign_in("hanh").await);
    let (pen, own, desk) =
        (Pen::new(office.village.pao, 1), Pen::new(office.village.lan, 2), Pen::new(office.village.hanh, 3));
    let (case, after) = (restricted(&pen, "a1"), pen.open("a1", Some("Sau đó"), vec![]));
    sent(&pao, &pen, &[&case, &after]).await;
    let first = lan.pull(&own).await;
    let name = async |now: bool, saw: Vec<domain::ChangeId>| {
        let edit = ElementEdit { saw, element: office.village.lan, now };
        let change = desk.write(case.subject, "place:a", Body::AssigneeEdited(edit));
        sent(&hanh, &desk, &[&change]).await;
        change.id
    };
    let named = name(true, vec![]).await;
    let unnamed = name(false, vec![named]).await;
    let second = lan.pull_from(&own, &cursors(&first)).await;
    assert_eq!(pages_of(&second, case.subject), [], "her phone has read past its birth, and never had it");
    // Whoever really had it is told.
    let again = name(true, vec![unnamed]).await;
    let third = lan.pull_from(&own, &cursors(&second)).await;
    assert!(!pages_of(&third, case.subject).is_empty());
    name(false, vec![again]).await;
    let (_, gone) = pages_of(&lan.pull_from(&own, &cursors(&third)).await, case.subject).remove(0);
    assert!(gone.whole && gone.parts.is_empty());
}

#[tokio::test]
async fn whoever_is_excluded_at_a_facility_loses_the_sheet_and_gets_it_back_with_the_right() {
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
    let exclude = async |now: bool, saw: Vec<domain::ChangeId>| {
        let edit = ElementEdit { saw, element: office.village.thanh, now };
        let change = desk.write(case.subject, "place:a", Body::ExcludedEdited(edit));
        sent(&hanh, &desk, &[&change]).await;
        change.id
    };
    let out = exclude(true, vec![]).await;
    let second = thanh.pull_from(&intake, &cursors(&first)).await;
    let (_, page) = pages_of(&second, case.subject).remove(0);
    assert!(page.parts.is_empty() && page.gone == [domain::PartKey::Sheet(referral.id)], "{page:?}");
    let fresh = thanh.pull(&Pen::new(office.village.thanh, 9)).await;
    assert_eq!(pages_of(&fresh, case.subject), [], "a phone that never had it hears nothing");
    let accept = intake.write(case.subject, "place:a", act(referral.id, 1, Side::Receiver, Act::Accept));
    assert!(matches!(thanh.push(&intake, &[&accept]).await[0], Verdict::Refused { .. }));
    exclude(false, vec![out]).await;
    let third = thanh.pull_from(&intake, &cursors(&second)).await;
    let sheets = pages_of(&third, case.subject).into_iter().flat_map(|(_, page)| page.parts);
    assert!(sheets.into_iter().any(|row| matches!(row.part, Part::Sheet(_))));
    office.assert_sound().await;
}

#[tokio::test]
async fn the_only_one_at_the_department_passes_on_what_they_wrote_and_others_approved() {
    let office = Office::open().await;
    let province: PlaceId = "p".parse().unwrap();
    let department =
        |worker: &Worker| Worker { grants: vec![Grant::area(Role::Supervisor, province.clone())], ..worker.clone() };
    let worker = |id| office.village.workers.iter().find(|w| w.id == id).unwrap();
    employ(&office.staff, &department(worker(office.village.toan)), LATER).await.unwrap();
    let (toan, hanh) = (office.sign_in("toan").await, office.sign_in("hanh").await);
    let (pen, desk) = (Pen::new(office.village.toan, 1), Pen::new(office.village.hanh, 2));
    let receiver = Receiver::Facility(office.village.facility);
    let cases: Vec<Change> = (0..2).map(|_| pen.open("a1", Some("Hoàng Thị Mỷ"), vec![])).collect();
    let mut forwards = vec![];
    for case in &cases {
        let kind = ReferralKind::AdmissionSpecial;
        let referral = pen.write(case.subject, "place:a", ask(kind, receiver.clone(), agreed()));
        sent(&toan, &pen, &[case, &referral]).await;
        let own = act(referral.id, 1, Side::Supervisor(Level::Commune), Act::Approve { document: None });
        let said = toan.push(&pen, &[&pen.write(case.subject, "place:a", own)]).await;
        assert!(matches!(said[0], Verdict::Refused { .. }), "whoever wrote it never approves: {said:?}");
        let approve = act(referral.id, 1, Side::Supervisor(Level::Commune), Act::Approve { document: None });
        sent(&hanh, &desk, &[&desk.write(case.subject, "place:a", approve)]).await;
        let forward = act(referral.id, 2, Side::Supervisor(Level::Province), Act::Forward);
        forwards.push(pen.write(case.subject, "place:a", forward));
    }
    sent(&toan, &pen, &[&forwards[0]]).await;
    employ(&office.staff, &department(worker(office.village.pao)), LATER).await.unwrap();
    let said = toan.push(&pen, &[&forwards[1]]).await;
    assert!(matches!(said[0], Verdict::Refused { .. }), "now somebody else can: {said:?}");
    office.assert_sound().await;
}
