//! Merging, moving and handing over at the office: who sees what afterwards, and what becomes of work that was under way.

use domain::change::ElementEdit;
use domain::laws::{Pen, visit};
use domain::{
    Body, CaseId, Change, ChangeId, Confidentiality, Fact, FieldEdit, Grant, Header, LogId, Part, PullAnswer, Refusal,
    Role, Timestamp, TrailWhat, Verdict, Worker, WorkerId,
};
use server::registry::employ;

use crate::support::{Caller, Office, cursors, pages_of};

async fn sent(caller: &Caller, pen: &Pen, changes: &[&Change]) {
    let verdicts = caller.push(pen, changes).await;
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{verdicts:?}");
}

fn case(change: &Change) -> CaseId {
    change.subject.case().unwrap()
}

fn link(pen: &Pen, on: &Change, saw: &[&Change], other: &Change, front: Option<&Change>) -> Change {
    let saw = saw.iter().map(|c| c.id).collect();
    let body = Body::CaseLinked { saw, other: case(other), front: front.map(case) };
    pen.write(on.subject, &on.log.to_string(), body)
}

fn transfer(pen: &Pen, on: &Change, to: &str) -> Change {
    let body = Body::CaseTransferred { saw: vec![on.id], to: to.parse().unwrap(), reason: "Về quê.".to_owned() };
    pen.write(on.subject, &on.log.to_string(), body)
}

fn name(pen: &Pen, on: &Change, worker: WorkerId) -> Change {
    let edit = ElementEdit { saw: vec![], element: worker, now: true };
    pen.write(on.subject, &on.log.to_string(), Body::AssigneeEdited(edit))
}

fn restrict(pen: &Pen, on: &Change) -> Change {
    let fact = Fact::Confidentiality(Confidentiality::Restricted);
    let edits = vec![FieldEdit { saw: vec![on.id], fact, cleared: false }];
    pen.write(on.subject, &on.log.to_string(), Body::FactsEdited { edits })
}

/// The last header of a case that an answer brings.
fn header(answer: &PullAnswer, of: &Change) -> Option<Header> {
    let pages = pages_of(answer, of.subject);
    let rows = pages.iter().flat_map(|(_, page)| &page.parts);
    let mut headers =
        rows.filter_map(|row| if let Part::Header(header) = &row.part { Some((**header).clone()) } else { None });
    headers.next_back()
}

fn links(answer: &PullAnswer, of: &Change) -> Vec<CaseId> {
    header(answer, of).expect("the case is in the answer").links.keys().copied().collect()
}

async fn give(office: &Office, id: WorkerId, role: Role, areas: &[&str]) {
    let worker = office.village.workers.iter().find(|w| w.id == id).unwrap();
    let grants = areas.iter().map(|area| Grant::area(role, area.parse().unwrap())).collect();
    employ(&office.staff, &Worker { grants, ..worker.clone() }, Timestamp(2)).await.unwrap();
}

#[tokio::test]
async fn merging_with_a_restricted_case_tells_nobody_of_it_who_does_not_see_it() {
    let office = Office::open().await;
    let (lan, pao, hanh) = (office.sign_in("lan").await, office.sign_in("pao").await, office.sign_in("hanh").await);
    let (pen, own, desk) =
        (Pen::new(office.village.lan, 1), Pen::new(office.village.pao, 2), Pen::new(office.village.hanh, 3));
    let secret = pen.open("a1", Some("Bàn Thị Dương"), vec![Fact::Confidentiality(Confidentiality::Restricted)]);
    let plain = own.open("a1", None, vec![]);
    sent(&lan, &pen, &[&secret]).await;
    sent(&pao, &own, &[&plain]).await;
    let before = pao.pull(&own).await;
    // The plain case names the restricted one: the worst that a phone could write.
    let merged = link(&desk, &plain, &[], &secret, Some(&secret));
    sent(&hanh, &desk, &[&merged]).await;
    let after = pao.pull_from(&own, &cursors(&before)).await;
    assert!(!serde_json::to_string(&after).unwrap().contains(&case(&secret).to_string()), "not even its id");
    assert_eq!(links(&after, &plain), [], "the header came, without the link");
    let anew = pao.pull(&Pen::new(office.village.pao, 9)).await;
    assert!(!serde_json::to_string(&anew).unwrap().contains(&case(&secret).to_string()));
    assert_eq!(links(&hanh.pull(&desk).await, &plain), [case(&secret)], "who sees both knows");
    // Merging gave nobody sight of anything.
    assert!(header(&anew, &secret).is_none());

    // Once he is named on the restricted case, the plain one is shown to him anew.
    let named = name(&desk, &secret, office.village.pao);
    sent(&hanh, &desk, &[&named]).await;
    let third = pao.pull_from(&own, &cursors(&after)).await;
    assert!(header(&third, &secret).is_some());
    assert_eq!(links(&third, &plain), [case(&secret)]);
    // And when he is named no longer, the link goes with the case.
    let edit = ElementEdit { saw: vec![named.id], element: office.village.pao, now: false };
    sent(&hanh, &desk, &[&desk.write(secret.subject, "place:a", Body::AssigneeEdited(edit))]).await;
    let fourth = pao.pull_from(&own, &cursors(&third)).await;
    let (log, page) = pages_of(&fourth, secret.subject).remove(0);
    assert!(log == LogId::Worker(office.village.pao) && page.whole && page.parts.is_empty());
    assert_eq!(links(&fourth, &plain), []);
    office.assert_sound().await;
}

#[tokio::test]
async fn a_merged_case_that_becomes_restricted_disappears_from_the_other_one_too() {
    let office = Office::open().await;
    let (lan, pao, hanh) = (office.sign_in("lan").await, office.sign_in("pao").await, office.sign_in("hanh").await);
    let (pen, own, desk) =
        (Pen::new(office.village.lan, 1), Pen::new(office.village.pao, 2), Pen::new(office.village.hanh, 3));
    let (one, two) = (pen.open("a1", None, vec![]), own.open("a1", None, vec![]));
    sent(&lan, &pen, &[&one]).await;
    sent(&pao, &own, &[&two]).await;
    // All in one batch: the link and what hides its other end.
    let merged = link(&desk, &two, &[], &one, Some(&one));
    sent(&hanh, &desk, &[&merged]).await;
    let before = pao.pull(&own).await;
    assert_eq!(links(&before, &two), [case(&one)]);
    sent(&lan, &pen, &[&restrict(&pen, &one)]).await;
    let after = pao.pull_from(&own, &cursors(&before)).await;
    assert_eq!(links(&after, &two), []);
    let trail =
        pages_of(&after, two.subject).into_iter().flat_map(|(_, page)| page.parts).find_map(|row| match row.part {
            Part::Trail(trail) => Some(trail),
            _ => None,
        });
    assert!(trail.unwrap().entries.iter().all(|e| !matches!(e.what, TrailWhat::Linked { .. })));
    assert_eq!(links(&hanh.pull(&desk).await, &two), [case(&one)], "the officer was named and still knows");
    office.assert_sound().await;
}

#[tokio::test]
async fn a_link_and_what_hides_its_other_end_may_come_in_one_batch() {
    let office = Office::open().await;
    let (pao, hanh) = (office.sign_in("pao").await, office.sign_in("hanh").await);
    let (own, desk) = (Pen::new(office.village.pao, 2), Pen::new(office.village.hanh, 3));
    let (one, two) = (desk.open("a1", None, vec![]), own.open("a1", None, vec![]));
    sent(&pao, &own, &[&two]).await;
    let before = pao.pull(&own).await;
    let (merged, hidden) = (link(&desk, &two, &[], &one, Some(&one)), restrict(&desk, &one));
    sent(&hanh, &desk, &[&one, &merged, &hidden]).await;
    let after = pao.pull_from(&own, &cursors(&before)).await;
    assert!(!serde_json::to_string(&after).unwrap().contains(&case(&one).to_string()));
    office.assert_sound().await;
}

#[tokio::test]
async fn whoever_gains_or_loses_an_area_is_shown_its_links_anew() {
    let office = Office::open().await;
    let (lan, pao) = (office.sign_in("lan").await, office.sign_in("pao").await);
    let (pen, own) = (Pen::new(office.village.lan, 1), Pen::new(office.village.pao, 2));
    let (one, two) = (own.open("a1", None, vec![]), own.open("a2", None, vec![]));
    let merged = link(&own, &one, &[], &two, Some(&one));
    sent(&pao, &own, &[&one, &two, &merged]).await;
    let first = lan.pull(&pen).await;
    assert_eq!(links(&first, &one), [], "she sees the first village only");
    give(&office, office.village.lan, Role::Collaborator, &["a1", "a2"]).await;
    let second = lan.pull_from(&pen, &cursors(&first)).await;
    assert_eq!((links(&second, &one), header(&second, &two).is_some()), (vec![case(&two)], true));
    give(&office, office.village.lan, Role::Collaborator, &["a1"]).await;
    let third = lan.pull_from(&pen, &cursors(&second)).await;
    assert_eq!(links(&third, &one), []);
    office.assert_sound().await;
}

#[tokio::test]
async fn two_merges_at_once_are_both_kept() {
    let office = Office::open().await;
    let (pao, hanh) = (office.sign_in("pao").await, office.sign_in("hanh").await);
    let (own, desk) = (Pen::new(office.village.pao, 2), Pen::new(office.village.hanh, 3));
    let (a, b, c) = (own.open("a1", None, vec![]), own.open("a2", None, vec![]), own.open("a1", None, vec![]));
    sent(&pao, &own, &[&a, &b, &c]).await;
    // Into two others, and the first two each behind the other.
    let (into_b, into_c, back) =
        (link(&own, &a, &[], &b, Some(&b)), link(&desk, &a, &[], &c, Some(&c)), link(&desk, &b, &[], &a, Some(&a)));
    sent(&pao, &own, &[&into_b]).await;
    sent(&hanh, &desk, &[&into_c, &back]).await;
    let all = hanh.pull(&desk).await;
    assert_eq!(links(&all, &a).len(), 2);
    assert_eq!(links(&all, &b), [case(&a)]);
    sent(&hanh, &desk, &[&link(&desk, &b, &[&back], &a, None), &link(&desk, &a, &[&into_c], &c, None)]).await;
    office.assert_sound().await;
}

#[tokio::test]
async fn a_case_that_is_not_seen_is_not_named_in_a_link() {
    let office = Office::open().await;
    let (lan, toan) = (office.sign_in("lan").await, office.sign_in("toan").await);
    let (pen, far) = (Pen::new(office.village.lan, 1), Pen::new(office.village.toan, 4));
    let (one, two) = (pen.open("a1", None, vec![]), far.open("b1", None, vec![]));
    sent(&lan, &pen, &[&one]).await;
    sent(&toan, &far, &[&two]).await;
    let verdicts = toan.push(&far, &[&link(&far, &two, &[], &one, Some(&two))]).await;
    assert_eq!(verdicts, [Verdict::Refused { why: Refusal::NotAllowed }]);
    office.assert_sound().await;
}

#[tokio::test]
async fn a_transfer_shows_the_case_there_and_takes_it_from_here_and_unsent_work_is_kept() {
    let office = Office::open().await;
    let (lan, pao, hanh, toan) = (
        office.sign_in("lan").await,
        office.sign_in("pao").await,
        office.sign_in("hanh").await,
        office.sign_in("toan").await,
    );
    let (pen, own, desk, far) = (
        Pen::new(office.village.lan, 1),
        Pen::new(office.village.pao, 2),
        Pen::new(office.village.hanh, 3),
        Pen::new(office.village.toan, 4),
    );
    let one = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    sent(&lan, &pen, &[&one]).await;
    let (of_pao, of_hanh, of_toan) = (pao.pull(&own).await, hanh.pull(&desk).await, toan.pull(&far).await);
    assert!(header(&of_pao, &one).is_some() && header(&of_toan, &one).is_none());
    // Written by both before either knew.
    let by_writer = pen.write(one.subject, "place:a", visit("Người ghi thăm."));
    let by_other = own.write(one.subject, "place:a", visit("Người thôn bên thăm."));
    sent(&hanh, &desk, &[&transfer(&desk, &one, "b1")]).await;
    sent(&lan, &pen, &[&by_writer]).await;
    let verdicts = pao.push(&own, &[&by_other]).await;
    assert!(matches!(verdicts[0], Verdict::Quarantined { .. }), "kept for those who have the case now: {verdicts:?}");
    let there = toan.pull_from(&far, &cursors(&of_toan)).await;
    let (_, page) = pages_of(&there, one.subject).into_iter().find(|(_, page)| page.whole).expect("shown");
    assert!(page.parts.iter().any(|row| matches!(row.part, Part::Visit(_))), "with all that is in it");
    for (answer, who) in [
        (pao.pull_from(&own, &cursors(&of_pao)).await, "the neighbour"),
        (hanh.pull_from(&desk, &cursors(&of_hanh)).await, "the desk"),
    ] {
        let (_, gone) = pages_of(&answer, one.subject).remove(0);
        assert!(gone.whole && gone.parts.is_empty(), "{who} forgets it");
    }
    assert!(header(&lan.pull(&pen).await, &one).is_some(), "the writer keeps it");
    // The desk there takes the set-aside visit into the case; the one here is not asked.
    let here = office.desk_of("hanh").await.open("/office/set-aside").await;
    assert!(!here.body.contains("Người thôn bên thăm."));
    let page = office.desk_of("toan").await.open("/office/set-aside").await;
    assert!(page.body.contains("Người thôn bên thăm."), "{}", page.body);
    office.assert_sound().await;
}

#[tokio::test]
async fn two_transfers_at_once_leave_the_case_with_both_until_somebody_chooses() {
    let office = Office::open().await;
    let (lan, pao, hanh, toan) = (
        office.sign_in("lan").await,
        office.sign_in("pao").await,
        office.sign_in("hanh").await,
        office.sign_in("toan").await,
    );
    let (pen, own, desk, far) = (
        Pen::new(office.village.lan, 1),
        Pen::new(office.village.pao, 2),
        Pen::new(office.village.hanh, 3),
        Pen::new(office.village.toan, 4),
    );
    let one = pen.open("a1", None, vec![]);
    sent(&lan, &pen, &[&one]).await;
    let (over_there, next_door) = (transfer(&desk, &one, "b1"), transfer(&pen, &one, "a2"));
    sent(&hanh, &desk, &[&over_there]).await;
    assert!(header(&pao.pull(&own).await, &one).is_none());
    sent(&lan, &pen, &[&next_door]).await;
    let first = pao.pull(&own).await;
    assert!(header(&first, &one).unwrap().is_disputed());
    let there = toan.pull(&far).await;
    assert!(header(&there, &one).unwrap().is_disputed(), "neither side loses it meanwhile");
    let saw: Vec<ChangeId> = vec![over_there.id, next_door.id];
    let edits = vec![FieldEdit { saw, fact: Fact::HandledIn("a2".parse().unwrap()), cleared: false }];
    sent(&toan, &far, &[&far.write(one.subject, "place:a", Body::FactsEdited { edits })]).await;
    let (_, gone) = pages_of(&toan.pull_from(&far, &cursors(&there)).await, one.subject).remove(0);
    assert!(gone.whole && gone.parts.is_empty());
    assert!(!header(&pao.pull_from(&own, &cursors(&first)).await, &one).unwrap().is_disputed());
    office.assert_sound().await;
}

#[tokio::test]
async fn a_hand_over_brings_a_restricted_case_to_the_colleague() {
    let office = Office::open().await;
    let (lan, pao) = (office.sign_in("lan").await, office.sign_in("pao").await);
    let (pen, own) = (Pen::new(office.village.lan, 1), Pen::new(office.village.pao, 2));
    let one = pen.open("a1", None, vec![Fact::Confidentiality(Confidentiality::Restricted)]);
    sent(&lan, &pen, &[&one]).await;
    let before = pao.pull(&own).await;
    assert!(header(&before, &one).is_none());
    let over = Body::HandedOver {
        saw: vec![],
        from: office.village.lan,
        to: office.village.pao,
        leaves: true,
        tasks: vec![],
        note: "Nghỉ thai sản.".to_owned(),
    };
    sent(&lan, &pen, &[&pen.write(one.subject, "place:a", over)]).await;
    assert!(header(&pao.pull_from(&own, &cursors(&before)).await, &one).is_some());
    let reads = office.count("audit where what = 'restricted_read'").await;
    assert_eq!(reads, 1, "his reading is written down");
    office.assert_sound().await;
}
