//! The demo: filled through the one door, sound, and rich enough for every screen.

use domain::laws::MORNING;
use domain::{Card, Day, PullAnswer, ReferralStatus, Registry, Subject, Timestamp};
use serde_json::json;
use server::demo;
use server::registry::SqlRegistry;
use std::collections::BTreeMap;

use crate::support::{folder, store};

async fn filled(now: Timestamp) -> (std::sync::Arc<SqlRegistry>, server::staff::Staff) {
    let folder = folder();
    let staff = store(&folder).open(true).await.unwrap();
    let registry = SqlRegistry::start(staff.clone());
    demo::fill(&registry, now).await.unwrap();
    (registry, staff)
}

/// Everything somebody sees, as cards, however many pages it takes.
async fn cards(registry: &SqlRegistry, staff: &server::staff::Staff, name: &str, now: Timestamp) -> Vec<Card> {
    let worker = server::login::find(staff, name).await.unwrap().unwrap();
    let mut cursors = json!({});
    let mut stored: BTreeMap<Subject, domain::notebook::Stored> = BTreeMap::new();
    loop {
        let request = json!({ "v": 1, "worker": worker, "device": worker, "cursors": cursors });
        let session = domain::Session { worker };
        let answer: PullAnswer = registry.pull(&session, serde_json::from_value(request).unwrap(), now).await.unwrap();
        for page in &answer.pages {
            cursors[page.log.to_string()] = serde_json::to_value(page.next).unwrap();
            for on_page in &page.subjects {
                if !stored.entry(on_page.subject).or_default().merge(on_page) {
                    stored.remove(&on_page.subject);
                }
            }
        }
        if answer.pages.iter().all(|p| !p.more) {
            break;
        }
    }
    stored.iter().filter_map(|(subject, held)| Card::of(*subject, &held.parts)).collect()
}

#[tokio::test]
async fn the_demo_is_sound_and_shows_every_state() {
    let now = Timestamp(server::database::now_ms());
    let (registry, staff) = filled(now).await;
    let mut connection = staff.pool.acquire().await.unwrap();
    let found = server::check::find(&mut connection, &staff.seal).await.unwrap();
    assert_eq!(found.wrong, Vec::<String>::new());
    assert_eq!((found.waiting, found.quarantined), (0, 0));
    drop(connection);
    // 40 plain cases, 14 of the longer stories, 11 facilities, 2 activities.
    assert_eq!(found.subjects, 67);
    let lan = cards(&registry, &staff, "lan", now).await;
    let asked: Vec<_> =
        lan.iter().flat_map(|c| &c.referrals).filter(|r| r.status == ReferralStatus::Returned).collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].question.as_deref(),
        Some("Gia đình còn giấy ra viện lần gần nhất không? Ai đang ở cùng chị ấy?")
    );
    let overdue = |c: &&Card| c.next_visit.as_ref().is_some_and(|(day, _)| *day < now.day());
    assert!(lan.iter().filter(overdue).count() >= 3);
    assert!(lan.iter().any(|c| c.not_asked), "somebody was not asked yet");
    assert!(
        lan.iter().all(|c| c.alias.as_deref() != Some("H-07")),
        "the home village sees nothing of a returned victim"
    );
    let diep = cards(&registry, &staff, "diep", now).await;
    assert!(diep.iter().any(|c| c.alias.as_deref() == Some("T-02")), "whoever wrote a restricted case keeps it");
    let hanh = cards(&registry, &staff, "hanh", now).await;
    let waiting: Vec<_> =
        hanh.iter().flat_map(|c| &c.referrals).filter(|r| r.status == ReferralStatus::Submitted).collect();
    assert!(waiting.len() >= 6, "{}", waiting.len());
    let left = |r: &&&domain::card::CardReferral| r.dues.iter().map(|d| d.at.0 - now.0).min();
    let hour = 3_600_000;
    assert!(waiting.iter().any(|r| left(&r).is_some_and(|ms| ms < 0)), "something is late");
    assert!(waiting.iter().any(|r| left(&r).is_some_and(|ms| (0..24 * hour).contains(&ms))), "something is due soon");
    assert!(waiting.iter().any(|r| left(&r).is_some_and(|ms| ms > 5 * 24 * hour)), "something has time");
    let kien = cards(&registry, &staff, "kien", now).await;
    assert!(kien.iter().any(|c| c.alias.as_deref() == Some("H-07")), "the deputy was named by itself");
    let thanh = cards(&registry, &staff, "thanh", now).await;
    let mut states: Vec<_> = thanh.iter().flat_map(|c| &c.referrals).map(|r| r.status).collect();
    states.sort();
    states.dedup();
    use ReferralStatus::{Accepted, Completed, Forwarded, InService};
    assert_eq!(states, [Forwarded, Accepted, InService, Completed]);
    for viewer in ["ha", "admin"] {
        assert_eq!(cards(&registry, &staff, viewer, now).await, vec![], "{viewer} sees no case");
    }
    // Filled again: nothing happens.
    demo::fill(&registry, now).await.unwrap();
    let mut connection = staff.pool.acquire().await.unwrap();
    assert_eq!(server::check::find(&mut connection, &staff.seal).await.unwrap().subjects, 67);
}

#[tokio::test]
async fn the_demo_can_be_filled_on_any_day() {
    let days = [
        MORNING,
        // Just after midnight in Tết, and late on the last day of a leap February.
        Day::of(2026, 2, 17).unwrap().end().plus_ms(60_000),
        Day::of(2028, 2, 29).unwrap().end().plus_ms(-60_000),
    ];
    for now in days {
        filled(now).await;
    }
}
