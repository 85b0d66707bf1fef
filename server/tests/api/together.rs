//! Several processes of one office on one database: none of them loses, doubles or hides what another does.

use std::net::IpAddr;
use std::sync::Arc;

use domain::laws::{Pen, visit};
use domain::{Body, Change, Fact, FieldEdit, Part, Verdict};
use server::login::{Login, LoginError};
use server::observe::Counts;

use crate::support::{Caller, Office, PASSWORD, pages_of};

async fn both() -> (Office, Office) {
    let one = Office::open().await;
    let two = one.second().await;
    (one, two)
}

/// Sends each list by the caller beside it, all at once; what was answered, list by list.
async fn send_at_once(pen: &Pen, letters: Vec<(Caller, Vec<Change>)>) -> Vec<Vec<Verdict>> {
    let mut senders = Vec::new();
    for (caller, changes) in letters {
        let batches: Vec<_> = changes.iter().map(|change| pen.batch(&[change])).collect();
        senders.push(tokio::spawn(async move {
            let mut verdicts = Vec::new();
            for batch in batches {
                let answer = caller.push_raw(&batch).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                verdicts.extend(serde_json::from_str::<Vec<Verdict>>(&answer.body).unwrap());
            }
            verdicts
        }));
    }
    let mut said = Vec::new();
    for sender in senders {
        said.push(sender.await.unwrap());
    }
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_about_one_case_by_two_servers_at_once_is_all_there() {
    let (one, two) = both().await;
    let lan = one.sign_in("lan").await;
    let pen = Pen::new(one.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    lan.push(&pen, &[&case]).await;
    let visits =
        |text: &str| (0..25).map(|n| pen.write(case.subject, "place:a", visit(&format!("{text} {n}")))).collect();
    let letters = vec![
        (lan.clone(), visits("một")),
        (two.caller(&lan), visits("hai")),
        (lan.clone(), visits("ba")),
        (two.caller(&lan), visits("bốn")),
    ];
    let said = send_at_once(&pen, letters).await.concat();
    assert!(said.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{said:?}");
    assert_eq!(one.count("change").await, 101);
    let (_, page) = pages_of(&two.caller(&lan).pull(&pen).await, case.subject).remove(0);
    assert_eq!(page.parts.iter().filter(|row| matches!(row.part, Part::Visit(_))).count(), 100);
    // Positions without gaps, an unbroken chain, and parts that are what the changes make.
    two.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_edits_of_one_answer_by_two_servers_at_once_are_both_kept_for_somebody_to_choose() {
    let (one, two) = both().await;
    let lan = one.sign_in("lan").await;
    let pen = Pen::new(one.village.lan, 1);
    let cases: Vec<Change> = (0..20).map(|_| pen.open("a1", Some("Hoàng Thị Mỷ"), vec![])).collect();
    lan.push(&pen, &cases.iter().collect::<Vec<_>>()).await;
    let edits = |text: &str| {
        let edit =
            |case: &Change| FieldEdit { saw: vec![case.id], fact: Fact::WhatHappened(text.to_owned()), cleared: false };
        let write = |case: &Change| pen.write(case.subject, "place:a", Body::FactsEdited { edits: vec![edit(case)] });
        cases.iter().map(write).collect::<Vec<_>>()
    };
    let letters = vec![(lan.clone(), edits("Ngã hai lần.")), (two.caller(&lan), edits("Ngã ba lần."))];
    let said = send_at_once(&pen, letters).await.concat();
    assert!(said.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{said:?}");
    let shown = two.caller(&lan).pull(&pen).await;
    for case in &cases {
        let (_, page) = pages_of(&shown, case.subject).remove(0);
        let header = page.parts.iter().find_map(|row| if let Part::Header(h) = &row.part { Some(h) } else { None });
        let mut texts: Vec<_> =
            header.unwrap().facts.what_happened.candidates().iter().map(|c| c.value.as_str()).collect();
        texts.sort_unstable();
        assert_eq!(texts, ["Ngã ba lần.", "Ngã hai lần."]);
    }
    two.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_one_server_is_found_by_another_that_takes_what_it_waits_for() {
    let (one, two) = both().await;
    let lan = one.sign_in("lan").await;
    let pen = Pen::new(one.village.lan, 1);
    let cases: Vec<Change> = (0..25).map(|_| pen.open("a1", Some("Hoàng Thị Mỷ"), vec![])).collect();
    let visits = cases.iter().map(|case| pen.write(case.subject, "place:a", visit("Đỡ đau chân."))).collect();
    let letters = vec![(lan.clone(), cases.clone()), (two.caller(&lan), visits)];
    let said = send_at_once(&pen, letters).await;
    assert!(said[0].iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{said:?}");
    assert!(said[1].iter().all(|v| matches!(v, Verdict::Accepted { .. } | Verdict::Waiting { .. })), "{said:?}");
    assert_eq!((one.count("change").await, one.count("waiting").await), (50, 0));
    one.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_sent_to_two_servers_at_once_is_kept_once() {
    let (one, two) = both().await;
    let lan = one.sign_in("lan").await;
    let pen = Pen::new(one.village.lan, 1);
    let cases: Vec<Change> = (0..25).map(|_| pen.open("a1", Some("Hoàng Thị Mỷ"), vec![])).collect();
    let letters = vec![(lan.clone(), cases.clone()), (two.caller(&lan), cases.clone())];
    let said = send_at_once(&pen, letters).await;
    for (first, second) in said[0].iter().zip(&said[1]) {
        let accepted = [first, second].iter().filter(|v| matches!(v, Verdict::Accepted { .. })).count();
        let known = [first, second].iter().filter(|v| matches!(v, Verdict::AlreadyKnown { .. })).count();
        assert_eq!((accepted, known), (1, 1), "{first:?} {second:?}");
    }
    assert_eq!(two.count("change").await, 25);
    one.assert_sound().await;
}

#[tokio::test]
async fn a_session_opened_at_one_server_stands_at_all_and_its_end_too() {
    let (one, two) = both().await;
    let lan = one.sign_in("lan").await;
    let there = two.caller(&lan);
    let pen = Pen::new(one.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    assert!(matches!(there.push(&pen, &[&case]).await[0], Verdict::Accepted { .. }));
    let worker = serde_json::json!({ "worker": lan.worker });
    assert_eq!(lan.call("/api/log_out", &worker).await.status, 200);
    assert_eq!(there.push_raw(&pen.batch(&[&case])).await.error(), (401, "signed_out".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_by_way_of_several_servers_is_no_faster() {
    let (one, two) = both().await;
    let here = IpAddr::from([203, 0, 113, 7]);
    let mut guesses = tokio::task::JoinSet::new();
    for n in 0..12 {
        let staff = if n % 2 == 0 { one.staff.clone() } else { two.staff.clone() };
        guesses.spawn(async move {
            let login = Login::new(staff, Arc::new(Counts::default())).unwrap();
            login.log_in("lan", "sai-mat-khau", here, 1_000_000).await
        });
    }
    let said = guesses.join_all().await;
    let looked_at = said.iter().filter(|said| matches!(said, Err(LoginError::Wrong))).count();
    let closed = said.iter().filter(|said| matches!(said, Err(LoginError::TooMany { .. }))).count();
    assert_eq!((looked_at, closed), (5, 7), "{said:?}");
    let login = Login::new(two.staff.clone(), Arc::new(Counts::default())).unwrap();
    assert_eq!(login.log_in("lan", PASSWORD, here, 2_000_000).await.unwrap().id, one.village.lan);
}
