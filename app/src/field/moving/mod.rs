//! Merging, moving, assigning and handing over: the four acts that change where a case stands among people and places, and
//! how a merged case is shown. It knows no storage and decides nothing.
//!
//! # Layout
//! - `kin`: cases of one person, on the pages of each of them
//! - `merge`, `transfer`, `assign`, `hand_over`: a page for each act

mod assign;
mod hand_over;
mod kin;
mod merge;
mod transfer;

use domain::{Card, CaseId, CaseStatus, Header, Kin, KinPlace, Subject, Timestamp, WorkerId, worker};
use leptos::prelude::*;

use super::{
    case_page::Missing,
    naming,
    route::Route,
    state::{AppState, Loaded, Opening},
    ui::{DockActions, If, MenuRow, Note, Screen, Section, SkeletonRows, Top, moment, unopened},
    words,
};
use crate::{icon::Icon, text::Words};

pub use assign::AssignPage;
pub use hand_over::HandOverPage;
pub use kin::{KinContent, LinkAsked, LinkDialog, kin_section};
pub use merge::MergePage;
pub use transfer::TransferPage;

/// Days for which a case that came from elsewhere says so on its page; after them the history does.
const NEWS_DAYS: u64 = 30;

/// Where a case stands among those of its person; `None` for the one case of somebody.
#[must_use]
pub fn kin_of(state: AppState, case: CaseId) -> Option<Kin> {
    state.kin.with(|kin| kin.get(&case).cloned())
}

/// The status that a list shows: a case that is behind another is merged, one that went where this person has no part is
/// moved, whatever its own status is.
#[must_use]
pub fn shown_status(card: &Card, state: AppState) -> CaseStatus {
    let kin = card.subject.case().and_then(|case| kin_of(state, case));
    if matches!(kin.map(|k| k.place), Some(KinPlace::Behind(_))) {
        return CaseStatus::Merged;
    }
    let is_here = |card: &Card| card.places.iter().any(|place| is_own(state, place));
    let went = card.was_transferred && !card.places.is_empty() && !is_here(card);
    if went { CaseStatus::Transferred } else { card.status }
}

/// Whether this person works in the place, or answers for it.
fn is_own(state: AppState, place: &domain::PlaceId) -> bool {
    let rules = state.rules();
    state.worker.with(|w| {
        let grants = w.as_ref().map(|w| w.grants.as_slice()).unwrap_or_default();
        let areas = grants.iter().filter(|g| worker::is_field_worker(std::slice::from_ref(*g)));
        areas.filter_map(|g| g.area.as_ref()).any(|area| rules.places.covers(area, place))
    })
}

/// The four acts on a case page.
pub fn acts(state: AppState, case: CaseId) -> AnyView {
    if !state.records() {
        return ().into_any();
    }
    let words = words();
    let row = |route: Route, icon: Icon, title: &'static str, hint: &'static str| {
        view! { <MenuRow href=route.path() icon title text=Signal::stored(hint.to_owned()) /> }
    };
    view! {
        <Section title=words.moving.acts>
            <ul class="rows menu">
                {row(Route::Merge(case), Icon::Folder, words.moving.merge, words.moving.merge_hint)}
                {row(Route::MoveCase(case), Icon::Place, words.moving.transfer, words.moving.transfer_hint)}
                {row(Route::Assign(case), Icon::People, words.moving.assign, words.moving.assign_hint)}
                {row(Route::HandOver(Some(case)), Icon::Transfer, words.moving.hand_over, words.moving.hand_over_hint)}
            </ul>
        </Section>
    }
    .into_any()
}

/// That the case came from elsewhere, or went, with the reason in the words of whoever moved it.
pub fn travels(state: AppState, header: &Header) -> AnyView {
    let words = words();
    let now = state.now.get();
    let rules = state.rules();
    let Some(last) = header.transfers.last() else { return ().into_any() };
    if header.facts.handled_in.is_conflict() {
        let said = words.moving.two_places.to_owned();
        return view! { <Note icon=Icon::Place said=Signal::stored(said) tone="wait" /> }.into_any();
    }
    let at = last.received_at.unwrap_or(last.recorded_at);
    let when = moment(at, now);
    let place = |id: &domain::PlaceId| naming::place_said(id, &rules.places, words);
    let is_here = header.handled_in().is_some_and(|place| is_own(state, place));
    let said = match &last.from {
        Some(from) if is_here => {
            if at.day().days_until(now.day()) > i64::try_from(NEWS_DAYS).unwrap_or(0) {
                return ().into_any();
            }
            (words.moving.came_from)(&place(from), &when, &last.reason)
        }
        _ => (words.moving.went_to)(&place(&last.to), &when, &last.reason),
    };
    view! { <Note icon=Icon::Place said=Signal::stored(said) /> }.into_any()
}

/// A page about one case: its frame, and `content` once the case stands in memory.
fn case_frame(
    case: CaseId,
    title: &'static str,
    dock: impl Fn() -> AnyView + Send + Sync + 'static,
    content: impl Fn(RwSignal<Loaded>) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let state = super::app_state();
    let words = words();
    let parts = state.parts_of_form(Subject::Case(case));
    let opening = Memo::new(move |_| {
        matches!(state.opening.get(), Opening::Busy | Opening::Known) || matches!(parts.get(), Loaded::Opening)
    });
    let missing = Memo::new(move |_| !matches!(parts.get(), Loaded::Opening | Loaded::Here(_)));
    let failed = Memo::new(move |_| if let Loaded::Failed(error) = parts.get() { Some(error) } else { None });
    let whose = move || match parts.get() {
        Loaded::Here(parts) => parts.header().map(|h| {
            let title = naming::header_title(h, state.now.get().day(), words);
            format!("{title} · {}", h.code)
        }),
        _ => None,
    };
    let dock = StoredValue::new(dock);
    view! {
        <Screen
            top=Top::BackTitle { to: Route::Case(case), title: title.to_owned() }
            title
            dock=move || {
                view! {
                    <If when=move || !opening.get() && !missing.get()>
                        <DockActions>{dock.with_value(|dock| dock())}</DockActions>
                    </If>
                }
            }
        >
            <p class="soft">{whose}</p>
            {move || match (opening.get(), missing.get()) {
                (true, _) => view! { <SkeletonRows /> }.into_any(),
                (_, true) => failed.get().map_or_else(|| view! { <Missing /> }.into_any(), |error| unopened(&error)),
                _ => content(parts),
            }}
        </Screen>
    }
    .into_any()
}

/// The header of a case as it stands now.
fn header_now<T>(parts: RwSignal<Loaded>, read: impl FnOnce(&Header) -> T) -> Option<T> {
    parts.with(|loaded| if let Loaded::Here(parts) = loaded { parts.header().map(read) } else { None })
}

/// Colleagues who record about people and do not hold this phone, by id and by name with their role.
fn field_colleagues(state: AppState, words: &Words) -> Vec<(WorkerId, String)> {
    let me = state.me();
    let all = state.colleagues();
    let field = all.iter().filter(|c| worker::is_field_worker(&c.grants) && Some(c.id) != me);
    let mut named: Vec<(WorkerId, String)> = field
        .map(|c| {
            let role = c.grants.first().map(|g| (words.speech.role_short)(g.role));
            (c.id, role.map_or_else(|| c.name.to_string(), |role| format!("{}, {role}", c.name)))
        })
        .collect();
    domain::order::sort_by(&mut named, |a, b| domain::search::fold(&a.1).cmp(&domain::search::fold(&b.1)));
    named
}

/// Options of a list, the first of them "choose".
fn to_choose(first: &str, rest: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    std::iter::once((String::new(), first.to_owned())).chain(rest).collect()
}

/// Who recorded a case, and when.
fn recorded(card: &Card, state: AppState, now: Timestamp, words: &Words) -> String {
    let who = naming::colleague_full(card.author, &state.colleagues(), words);
    (words.moving.recorded)(&who, &moment(card.recorded_at, now))
}
