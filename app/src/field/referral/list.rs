//! The page behind Chuyển tuyến: the inbox for a facility, the queue for whoever decides, one's own for everybody else.

use std::sync::Arc;

use domain::{Card, Role, Subject, notebook::Draft};
use leptos::prelude::*;

use super::{
    inbox::Inbox,
    turn::{self, Desk, Waiting, desk, queue_row, written_by_me},
};
use crate::{
    field::{
        app_state,
        banners::{Banners, StillFilling, SyncLine},
        naming,
        route::Route,
        state::{AppState, Opening},
        ui::{Chips, CollectAny, EmptyState, Note, Row, Screen, Section, SkeletonRows, Tab, Top, moment},
        words,
    },
    icon::Icon,
    text::time,
};

#[component]
pub fn Referrals() -> AnyView {
    let state = app_state();
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Face {
        Opening,
        Inbox,
        Queue,
        Mine,
    }
    let face = Memo::new(move |_| match state.opening.get() {
        Opening::Busy | Opening::Known => Face::Opening,
        _ if state.has(Role::Facility) => Face::Inbox,
        _ if state.has(Role::Supervisor) || state.has(Role::Outreach) => Face::Queue,
        _ => Face::Mine,
    });
    (move || match face.get() {
        Face::Inbox => view! { <Inbox /> }.into_any(),
        Face::Queue => view! { <Queue /> }.into_any(),
        Face::Mine => view! { <Own /> }.into_any(),
        Face::Opening => view! {
            <Screen
                top=Top::Title(words().frame.referrals.to_owned())
                title=words().frame.referrals
                tab=Tab::Referrals
                dock=|| view! { <SyncLine /> }
            >
                <SkeletonRows />
            </Screen>
        }
        .into_any(),
    })
    .into_any()
}

/// What this person asked of others.
#[component]
fn Own() -> AnyView {
    let state = app_state();
    let words = words();
    view! {
        <Screen
            top=Top::Title(words.frame.referrals.to_owned())
            title=words.frame.referrals
            tab=Tab::Referrals
            under_bar=|| view! { <Banners /> }
            dock=|| view! { <SyncLine /> }
        >
            {move || own(state)}
        </Screen>
    }
    .into_any()
}

/// Drafts, then those that came back with a question, then those on their way, then those that ended.
fn own(state: AppState) -> AnyView {
    let words = words();
    let all = written_by_me(state);
    let drafts = drafts(state);
    if all.is_empty() && drafts.is_empty() && state.is_filling() {
        return view! { <StillFilling /> }.into_any();
    }
    if all.is_empty() && drafts.is_empty() {
        return view! {
            <EmptyState icon=Icon::Transfer title=words.referral.none text=words.referral.none_long>
                <a class="button" href=Route::Cases.path()>{words.frame.cases}</a>
            </EmptyState>
        }
        .into_any();
    }
    let (ended, open): (Vec<_>, Vec<_>) = all.into_iter().partition(|w| w.referral.status.is_final());
    let (returned, moving): (Vec<_>, Vec<_>) = open.into_iter().partition(|w| w.referral.question.is_some());
    let section = |title: &'static str, rows: Vec<Waiting>| {
        (!rows.is_empty()).then(|| {
            view! {
                <Section title remark=Signal::stored(rows.len().to_string())>
                    <ul class="rows">{rows.into_iter().map(|w| queue_row(state, w)).collect_any()}</ul>
                </Section>
            }
        })
    };
    let drafts = (!drafts.is_empty()).then(|| {
        view! { <Section title=words.referral.drafts><ul class="rows">{drafts}</ul></Section> }
    });
    view! {
        {section(words.referral.returned, returned)}
        {drafts}
        {section(words.referral.moving, moving)}
        {section(words.referral.ended, ended)}
    }
    .into_any()
}

/// Referrals begun and not yet sent.
fn drafts(state: AppState) -> Vec<AnyView> {
    let words = words();
    let now = state.now.get();
    let case_of = |draft: &Draft| draft.name.strip_prefix("referral:").and_then(|id| id.parse().ok());
    let rows = |drafts: &Vec<Draft>| {
        drafts
            .iter()
            .filter_map(|draft| {
                let case = case_of(draft)?;
                let card =
                    state.cards.with(|cards| cards.iter().find(|c| c.subject == Subject::Case(case)).cloned())?;
                let title = naming::card_title_aged(&card, now.day(), words);
                let text = (words.today.draft_text)(&moment(draft.at, now));
                let row = view! {
                    <li>
                        <Row
                            href=Route::AskReferral(case).path()
                            icon=Icon::Pencil
                            title
                            text
                            code=card.code.to_string()
                        />
                    </li>
                };
                Some(row.into_any())
            })
            .collect()
    };
    let drafts = state.drafts.get();
    rows(&drafts)
}

/// What waits for this person, what others must move, and what they wrote themselves.
#[component]
fn Queue() -> AnyView {
    let state = app_state();
    let words = words();
    let tab = RwSignal::new(Some(0));
    let desk: Memo<Desk> = Memo::new(move |_| desk(state));
    let options = Signal::derive(move || {
        desk.with(|desk| {
            vec![
                (words.queue.to_decide)(desk.mine.len()),
                (words.queue.elsewhere)(desk.others.len()),
                words.referral.mine.to_owned(),
            ]
        })
    });
    let you = (words.speech.you)(state.worker.with_untracked(|w| w.as_ref().map(|w| w.address).unwrap_or_default()));
    let area = move || {
        let rules = state.rules();
        let communes = state.own_communes();
        communes
            .iter()
            .map(|(id, _)| crate::text::capital(&naming::place_said(id, &rules.places, words)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let own_note = move || {
        desk.with(|desk| (desk.own > 0).then(|| (words.queue.own)(desk.own, you, &turn::names(&desk.own_with, words))))
    };
    view! {
        <Screen
            top=Top::Title((words.queue.title)(you))
            title=(words.queue.title)(you)
            tab=Tab::Referrals
            corner=move || view! { <span class="soft">{area}</span> }
            under_bar=|| view! { <Banners /> }
            dock=|| view! { <SyncLine /> }
        >
            <Chips label=words.queue.short heard_only=true options chosen=tab />
            {move || match tab.get() {
                Some(1) => list(state, desk.with(|d| d.others.clone())),
                Some(2) => own(state),
                _ => {
                    view! {
                        {list(state, desk.with(|d| d.mine.clone()))}
                        {disputed(state)}
                        {own_note().map(|said| view! { <Note icon=Icon::People said=Signal::stored(said) /> })}
                    }
                        .into_any()
                }
            }}
        </Screen>
    }
    .into_any()
}

/// Cases of the area about which people wrote different things.
fn disputed(state: AppState) -> AnyView {
    let words = words();
    let now = state.now.get();
    let rules = state.rules();
    let row = |card: &Arc<Card>| {
        let Subject::Case(case) = card.subject else { return None };
        Some(view! {
            <li>
                <Row
                    href=Route::Case(case).path()
                    icon=Icon::People
                    title=naming::card_title(card, now.day(), words)
                    text=naming::card_line(card, &rules.places, now.day(), words)
                    code=card.code.to_string()
                />
            </li>
        })
    };
    let rows = state
        .cards
        .with(|cards| cards.iter().filter(|card| card.conflict && !card.is_sheet).filter_map(row).collect_any());
    if rows.is_empty() {
        return ().into_any();
    }
    view! { <Section title=words.conflict.title><ul class="rows">{rows}</ul></Section> }.into_any()
}

/// Emergencies first, then by the clock that runs out next.
fn list(state: AppState, rows: Vec<Waiting>) -> AnyView {
    let words = words();
    if rows.is_empty() && state.is_filling() {
        return view! { <StillFilling /> }.into_any();
    }
    if rows.is_empty() {
        return view! { <EmptyState icon=Icon::Tick title=words.queue.none text=words.queue.none_long /> }.into_any();
    }
    let now = state.now.get();
    let (emergencies, rest): (Vec<_>, Vec<_>) = rows.into_iter().partition(Waiting::is_emergency);
    let (desk, work): (Vec<_>, Vec<_>) = rest.into_iter().partition(|w| w.due.is_some());
    let rows = move |rows: Vec<Waiting>| {
        view! { <ul class="rows">{rows.into_iter().map(|w| queue_row(state, w)).collect_any()}</ul> }
    };
    let emergencies = (!emergencies.is_empty()).then(|| {
        view! {
            <Section title=words.queue.emergencies remark=Signal::stored((words.queue.now)(&time(now)))>
                {rows(emergencies)}
            </Section>
        }
    });
    let desk = (!desk.is_empty()).then(|| view! { <Section title=words.queue.by_due>{rows(desk)}</Section> });
    let work = (!work.is_empty()).then(|| view! { <Section title=words.queue.no_clock>{rows(work)}</Section> });
    view! { {emergencies} {desk} {work} }.into_any()
}
