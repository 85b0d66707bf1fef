//! A receiving facility: its sheet and nothing else, its answers, and what it loses.

use domain::consent::Sharing;
use domain::laws::{Pen, act, agreed, ask, visit};
use domain::{
    Act, Body, Change, Consent, ConsentAnswer, Fact, FieldEdit, Level, LogId, Papers, Part, Receiver, ReferralKind,
    ReferralStatus, ShareItem, Sheet, Side, Subject, Verdict,
};

use crate::support::{Caller, Office, cursors, pages_of};

async fn sent(caller: &Caller, pen: &Pen, changes: &[&Change]) {
    let verdicts = caller.push(pen, changes).await;
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{verdicts:?}");
}

fn sheet(answer: &domain::PullAnswer, subject: Subject) -> Option<Sheet> {
    let (log, page) = pages_of(answer, subject).pop()?;
    assert!(matches!(log, LogId::Facility(_)), "{log}");
    assert_eq!(page.parts.len(), 1, "one part only");
    page.parts.into_iter().find_map(|row| if let Part::Sheet(sheet) = row.part { Some(*sheet) } else { None })
}

#[tokio::test]
async fn a_facility_reads_the_sheet_answers_and_the_village_sees_it() {
    let office = Office::open().await;
    let (lan, hanh, thanh) = (office.sign_in("lan").await, office.sign_in("hanh").await, office.sign_in("thanh").await);
    let (pen, desk, intake) =
        (Pen::new(office.village.lan, 1), Pen::new(office.village.hanh, 2), Pen::new(office.village.thanh, 3));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![Fact::Health("Đau khớp gối".to_owned())]);
    let seen = pen.write(case.subject, "place:a", visit("Lời kể riêng trong nhà"));
    let receiver = Receiver::Facility(office.village.facility);
    let referral = pen.write(case.subject, "place:a", ask(ReferralKind::Health, receiver, agreed()));
    sent(&lan, &pen, &[&case, &seen, &referral]).await;
    assert_eq!(sheet(&thanh.pull(&intake).await, case.subject), None, "not before it is approved");
    let own = Side::Supervisor(Level::Commune);
    sent(
        &hanh,
        &desk,
        &[&desk.write(case.subject, "place:a", act(referral.id, 1, own, Act::Approve { document: None }))],
    )
    .await;

    let request = serde_json::json!({ "request": {
        "v": 1, "worker": intake.worker, "device": intake.device, "cursors": { "place:a": null },
    } });
    let raw = thanh.call("/api/pull", &request).await.body;
    for hidden in ["Hoàng Thị Mỷ", "Đau khớp gối", "Lời kể riêng", "handled_in", "\"header\""] {
        assert!(!raw.contains(hidden), "the facility reads {hidden}");
    }
    let first = thanh.pull(&intake).await;
    let got = sheet(&first, case.subject).unwrap();
    assert_eq!(got.progress.status, ReferralStatus::Forwarded);
    assert_eq!(got.items, [ShareItem::AgeSex, ShareItem::WhatHappened]);
    assert_eq!(got.what_happened.as_deref(), Some("Sống một mình, ngã hai lần."));
    assert_eq!((got.name, got.health, got.phone), (None, None, None));

    let accept = intake.write(case.subject, "place:a", act(referral.id, 1, Side::Receiver, Act::Accept));
    sent(&thanh, &intake, &[&accept]).await;
    let second = thanh.pull_from(&intake, &cursors(&first)).await;
    let settled_with_the_sheet = second.pages.iter().find(|p| !p.subjects.is_empty()).unwrap();
    assert!(settled_with_the_sheet.settled.iter().any(|(id, _)| *id == accept.id), "no flicker: both in one page");
    assert_eq!(sheet(&second, case.subject).unwrap().progress.status, ReferralStatus::Accepted);
    let (_, page) = pages_of(&lan.pull(&pen).await, case.subject).remove(0);
    let status = page.parts.iter().find_map(|row| match &row.part {
        Part::Referral(r) => Some(r.progress.status),
        _ => None,
    });
    assert_eq!(status, Some(ReferralStatus::Accepted), "the village sees the answer");

    // A facility's person writes nothing into the case itself.
    let meddling = intake.write(case.subject, "place:a", visit("Không phải việc của tôi"));
    assert!(matches!(thanh.push(&intake, &[&meddling]).await[0], Verdict::Quarantined { .. }));

    let withdrawn = Consent { withdrawn: Some(domain::laws::MORNING.day()), ..Consent::new(ConsentAnswer::Agreed) };
    let edit = FieldEdit { saw: vec![case.id], fact: Fact::Consent(withdrawn), cleared: false };
    let edit = pen.write(case.subject, "place:a", Body::FactsEdited { edits: vec![edit] });
    sent(&lan, &pen, &[&edit]).await;
    let third = thanh.pull_from(&intake, &cursors(&second)).await;
    let got = sheet(&third, case.subject).unwrap();
    assert!(got.withdrawn && got.what_happened.is_none() && got.items.is_empty());
    office.assert_sound().await;
}

#[tokio::test]
async fn an_emergency_is_received_before_any_approval_and_papers_follow() {
    let office = Office::open().await;
    let (lan, thanh) = (office.sign_in("lan").await, office.sign_in("thanh").await);
    let (pen, intake) = (Pen::new(office.village.lan, 1), Pen::new(office.village.thanh, 2));
    let case = pen.open("a1", None, vec![Fact::ApproximateAge(60)]);
    let receiver = Receiver::Facility(office.village.facility);
    let emergency = ask(ReferralKind::AdmissionEmergency, receiver, Sharing::emergency());
    let referral = pen.write(case.subject, "place:a", emergency);
    sent(&lan, &pen, &[&case, &referral]).await;
    let got = sheet(&thanh.pull(&intake).await, case.subject).unwrap();
    assert_eq!((got.progress.status, got.approximate_age), (ReferralStatus::Submitted, Some(60)));
    let receive = Act::Receive { note: String::new(), follow_up: None };
    sent(&thanh, &intake, &[&intake.write(case.subject, "place:a", act(referral.id, 1, Side::Receiver, receive))])
        .await;
    let got = sheet(&thanh.pull(&intake).await, case.subject).unwrap();
    assert_eq!((got.progress.status, got.progress.papers), (ReferralStatus::InService, Some(Papers::Due)));
    // Refusing emergency protection needs a reason and another provider.
    let again = pen.write(
        case.subject,
        "place:a",
        ask(ReferralKind::AdmissionEmergency, Receiver::Facility(office.village.facility), Sharing::emergency()),
    );
    sent(&lan, &pen, &[&again]).await;
    let refuse = |reason: &str| {
        let refuse = Act::Refuse { reason: reason.to_owned(), alternative: None };
        intake.write(case.subject, "place:a", act(again.id, 1, Side::Receiver, refuse))
    };
    for (reason, why) in [("", "reason_missing"), ("Hết chỗ", "alternative_missing")] {
        let verdicts = thanh.push(&intake, &[&refuse(reason)]).await;
        let said = serde_json::to_value(&verdicts).unwrap();
        assert_eq!(said[0]["refused"]["why"]["decide"], why, "{said}");
    }
}
