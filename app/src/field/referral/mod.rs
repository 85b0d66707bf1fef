//! Chuyển tuyến: asking somebody else to act, deciding, receiving, and following it. This file knows what one person may
//! do with a referral now and how an act is checked; the pages are below.

mod ask;
mod decide;
mod inbox;
mod list;
mod receivers;
mod steps;
mod turn;

use domain::{
    Act, Actor, Body, Change, ChangeId, Day, DeviceId, Level, LogId, Parts, Receiver, Refusal, Rules, Side, StoreError,
    Subject, Worker, check, limits::PROTOCOL_VERSION,
};
use leptos::prelude::*;

use super::state::{AppState, Loaded};

pub use ask::{AskReferral, draft_name};
pub use decide::ReferralPage;
pub use list::Referrals;
pub use receivers::{Need, Offer, key, offers};
pub use steps::places_line;
pub use turn::{Waiting, inbox, queue_row, waiting_for_me};

/// What is known of the subject of a page; it changes only when the page must be drawn anew, so that a form stays as it
/// is while parts arrive.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Opening,
    Missing,
    Failed(StoreError),
    Here,
}

fn stage(parts: RwSignal<Loaded>) -> Memo<Stage> {
    Memo::new(move |_| {
        parts.with(|parts| match parts {
            Loaded::Opening => Stage::Opening,
            Loaded::Missing => Stage::Missing,
            Loaded::Failed(error) => Stage::Failed(*error),
            Loaded::Here(_) => Stage::Here,
        })
    })
}

/// Reads the parts once they are there, tracked.
fn with_parts<T>(parts: RwSignal<Loaded>, read: impl FnOnce(&Parts) -> T) -> Option<T> {
    parts.with(|parts| if let Loaded::Here(parts) = parts { Some(read(parts)) } else { None })
}

/// The log and subject that a change about a case goes to: the case's own, or a sheet's.
fn address(parts: &Parts, referral: ChangeId) -> Option<(LogId, Subject)> {
    match (parts.header(), parts.sheet(referral)) {
        (Some(header), _) => Some((header.log.clone(), Subject::Case(header.case))),
        (None, Some(sheet)) => Some((sheet.log.clone(), Subject::Case(sheet.case))),
        (None, None) => None,
    }
}

/// Whether the office will take `body`, by the same rules and with what this phone knows.
///
/// # Errors
/// The [`Refusal`] the office would answer.
fn check_here(state: AppState, parts: &Parts, log: LogId, subject: Subject, body: Body) -> Result<(), Refusal> {
    let Some(worker) = state.worker.get_untracked() else { return Err(Refusal::NotAllowed) };
    let rules = untrack(|| state.rules());
    let now = state.keeper().now();
    let change = Change {
        v: PROTOCOL_VERSION,
        id: ChangeId::at(0, [0; 10]),
        log,
        subject,
        author: worker.id,
        device: DeviceId(uuid::Uuid::nil()),
        n: 0,
        recorded_at: now,
        replaces: None,
        body,
    };
    let actor = Actor { worker: worker.id, grants: &worker.grants };
    if !check::may_write(parts, &change, actor, &rules) {
        return Err(Refusal::NotAllowed);
    }
    domain::check(parts, &change, actor, &rules, now)
}

/// Somebody's side of one referral: the acts that the rules would let them do now.
#[derive(Debug, Clone, Copy)]
struct Standpoint<'a> {
    parts: &'a Parts,
    referral: ChangeId,
    worker: &'a Worker,
    rules: &'a Rules,
}

impl Standpoint<'_> {
    fn may(self, side: Side, act: &Act) -> bool {
        let actor = Actor { worker: self.worker.id, grants: &self.worker.grants };
        check::check_side(self.parts, self.referral, side, act, actor, self.rules).is_ok()
            && self.parts.progress(self.referral).is_some_and(|p| p.next(act, side).is_ok())
    }
    /// The desk at which this person may approve or forward now, if any; a desk of two levels decides at the lower one.
    fn desk(self) -> Option<Level> {
        [Level::Commune, Level::Province].into_iter().find(|level| {
            let side = Side::Supervisor(*level);
            self.may(side, &Act::Approve { document: None }) || self.may(side, &Act::Forward)
        })
    }
}

/// Acts as questions to the rules: their texts are not looked at.
fn blank_refusal() -> Act {
    Act::Refuse { reason: String::new(), alternative: None }
}
fn blank_leave(today: Day) -> Act {
    Act::Leave { to: String::new(), back_on: today }
}

/// Whether a receiver is somebody of the commune itself, who needs no sheet and holds no places.
fn is_local(receiver: &Receiver) -> bool {
    !matches!(receiver, Receiver::Facility(_))
}
