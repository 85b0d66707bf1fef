//! A change the office could not take, opened again in the form that wrote it. It knows which form that is, not its fields.

use domain::{Body, Change, ChangeId, OutboxState};
use leptos::prelude::*;

use super::{
    route::Route,
    state::{AppState, Opening},
};
use crate::{icon::Icon, text::Words};

const KEY: &str = "held=";

/// The change named in the address, `?held=<id>`, while it lies on this phone as held.
#[must_use]
pub fn opened(state: AppState) -> Option<Change> {
    let id = named()?;
    state.outbox.with_untracked(|outbox| {
        let held = outbox.iter().find(|i| i.change.id == id && matches!(i.state, OutboxState::Held { .. }));
        held.map(|i| i.change.clone())
    })
}

/// Whether the page was opened at a held change before the outbox stands in memory.
#[must_use]
pub fn is_on_its_way(state: AppState) -> bool {
    named().is_some() && matches!(state.opening.get(), Opening::Busy | Opening::Known)
}

fn named() -> Option<ChangeId> {
    let search = window().location().search().ok()?;
    search.trim_start_matches('?').split('&').find_map(|pair| pair.strip_prefix(KEY)?.parse().ok())
}

/// Where a held change is put right: in the form that wrote it, filled as it was, or on the page where the same can be
/// done anew.
#[must_use]
pub fn way_on(change: &Change, words: &Words) -> Option<(String, Icon, &'static str)> {
    let Some(case) = change.subject.case() else {
        // Places are counted where their facility works; a meeting without a name has no page of its own.
        let counts = matches!(change.body, Body::PlacesCounted { .. });
        return counts.then(|| (Route::Referrals.path(), Icon::House, words.sync.to_inbox));
    };
    let form = |route: Route| (format!("{}?{KEY}{}", route.path(), change.id), Icon::Pencil, words.frame.fix);
    Some(match change.body {
        Body::CaseOpened { .. } => form(Route::NewCase),
        Body::FactsEdited { .. } => form(Route::EditCase(case)),
        Body::VisitRecorded(_) => form(Route::Visit(case)),
        Body::TaskWritten(_) => form(Route::Task(case)),
        Body::CaseTransferred { .. } => form(Route::MoveCase(case)),
        Body::ReferralAsked(_) => form(Route::AskReferral(case)),
        Body::ReferralActed { referral, .. } => {
            (Route::Referral(case, referral).path(), Icon::Transfer, words.sync.to_referral)
        }
        _ => (Route::Case(case).path(), Icon::Folder, words.sync.to_case),
    })
}
