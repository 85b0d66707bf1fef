//! Đang ghi dở: every form that somebody began and did not save, also those of which the case has left this phone. Each can
//! be gone on with where its form still opens, read, copied, and dropped. It knows the names of drafts and how their fields
//! are called, not the forms.

use domain::{CaseId, FactName, Photo, Subject, json, notebook::Draft};
use js_sys::{Array, JSON, Object};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;

use super::{
    app_state,
    draft::DropDraft,
    emergency,
    held_item::{copy, subject_title},
    naming, new_case,
    photos::drop_all,
    route::Route,
    state::AppState,
    ui::{FactList, If, Notice, Section, moment},
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{Pair, Words, as_text},
};

/// A draft as lists name it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    pub draft: Draft,
    pub title: String,
    /// Where it is gone on with; `None` where no form for it opens on this phone any more.
    pub href: Option<String>,
}

/// Every draft of this person, the latest first.
pub fn listed(state: AppState, words: &'static Words) -> Vec<Listed> {
    let mut all: Vec<Listed> = state.drafts.get().into_iter().map(|draft| named(state, draft, words)).collect();
    domain::order::sort_by_key(&mut all, |one| std::cmp::Reverse(one.draft.at));
    all
}

fn named(state: AppState, draft: Draft, words: &'static Words) -> Listed {
    let (kind, of) = draft.name.split_once(':').unwrap_or((&draft.name, ""));
    let (what, route): (&'static str, fn(CaseId) -> Route) = match kind {
        "visit" => (words.visit.title, Route::Visit),
        "task" => (words.visit.task_title, Route::Task),
        "edit" => (words.case_page.edit, Route::EditCase),
        "photos" => (words.photos.add, Route::Photos),
        "transfer" => (words.moving.transfer, Route::MoveCase),
        "referral" => (words.referral.title, Route::AskReferral),
        "decision" | "answer" | "reply" => {
            return of_referral(state, draft.clone(), of, words);
        }
        "fix" | "held" => return of_held(state, draft.clone(), of, words),
        new_case::DRAFT if of.is_empty() => {
            return Listed { title: words.today.draft.to_owned(), href: Some(Route::NewCase.path()), draft };
        }
        emergency::DRAFT if of.is_empty() => {
            return Listed { title: words.emergency.draft.to_owned(), href: Some(Route::Emergency.path()), draft };
        }
        // What an earlier version wrote, kept beside its successor.
        _ => return Listed { title: words.today.draft.to_owned(), href: None, draft },
    };
    let case = of.parse::<CaseId>().ok();
    let card = case.and_then(|case| {
        state.cards.with(|cards| cards.iter().find(|c| c.subject == Subject::Case(case) && !c.is_sheet).cloned())
    });
    let whom = card.as_ref().map(|card| naming::card_title(card, state.now.get().day(), words));
    let href = case.filter(|_| card.is_some()).map(|case| route(case).path());
    Listed { title: titled(what, whom, words), href, draft }
}

fn titled(what: &str, whom: Option<String>, words: &Words) -> String {
    match whom {
        Some(whom) if !whom.is_empty() => (words.sync.what)(what, &whom),
        _ => what.to_owned(),
    }
}

/// A decision, answer or reply about a referral, which a case or a sheet on this phone shows.
fn of_referral(state: AppState, draft: Draft, of: &str, words: &'static Words) -> Listed {
    let found = state.cards.with(|cards| {
        let shows = |card: &&std::sync::Arc<domain::Card>| card.referrals.iter().any(|r| r.id.to_string() == of);
        cards.iter().find(shows).cloned()
    });
    let whom = found.as_ref().map(|card| naming::card_title(card, state.now.get().day(), words));
    let href = found.and_then(|card| Some(Route::Referral(card.subject.case()?, of.parse().ok()?).path()));
    Listed { title: titled(words.frame.referrals, whom, words), href, draft }
}

/// What was begun to put a held change right: the way there is beside that change, on Đồng bộ.
fn of_held(state: AppState, draft: Draft, of: &str, words: &'static Words) -> Listed {
    let held = state.outbox.with(|all| all.iter().find(|i| i.change.id.to_string() == of).map(|i| i.change.clone()));
    let whom = held.as_ref().map(|change| subject_title(state, change, words));
    let href = held.and_then(|change| super::held::way_on(&change, words)).map(|(href, ..)| href);
    Listed { title: titled(words.frame.fix, whom, words), href, draft }
}

/// What somebody typed, as far as it is words: each under the name of its question, or of notes in general.
fn typed(draft: &Draft, words: &'static Words) -> Vec<Pair> {
    let fact = words.errors.fact;
    let Some(form) = JSON::parse(&draft.content).ok().and_then(|form| form.dyn_into::<Object>().ok()) else {
        // Not a form at all: better raw than not.
        return vec![(words.sync.draft_note, draft.content.clone())];
    };
    let mut pairs: Vec<Pair> = vec![];
    for field in Object::entries(&form).iter() {
        let field: Array = field.unchecked_into();
        let (Some(name), Some(text)) = (field.get(0).as_string(), field.get(1).as_string()) else { continue };
        let label = match name.as_str() {
            "name" => fact(FactName::FullName),
            "other_names" => fact(FactName::OtherNames),
            "age" => fact(FactName::ApproximateAge),
            "marks" => fact(FactName::Marks),
            "document_number" => fact(FactName::Document),
            "phone" => fact(FactName::Phone),
            "language" => fact(FactName::Language),
            "found_place" => fact(FactName::Found),
            "home" => fact(FactName::Home),
            "what" => fact(FactName::WhatHappened),
            "health" => fact(FactName::Health),
            "household" => fact(FactName::Household),
            "alias" => fact(FactName::Alias),
            "place" => words.visit.place,
            "met" => words.visit.met,
            "seen" => words.visit.seen,
            "next_what" => words.visit.next_what,
            "reason" => words.moving.reason,
            // Chosen from lists, or numbers of a day: nothing of it was written.
            "village" | "commune" | "document_kind" | "ethnic_group" | "service" | "receiver" | "choice"
            | "instead" => {
                continue;
            }
            _ if text.chars().all(|c| c.is_ascii_digit()) => continue,
            _ => words.sync.draft_note,
        };
        pairs.push((label, text));
    }
    pairs.retain(|(_, text)| !text.trim().is_empty());
    pairs
}

/// The photos that a draft holds.
fn photos(draft: &Draft) -> Vec<Photo> {
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Holds {
        photos: Vec<Photo>,
    }
    json::read::<Holds>(draft.content.as_bytes()).unwrap_or_default().photos
}

/// The section of Đồng bộ; nothing while no form was left half-way.
#[component]
pub fn DraftItems() -> AnyView {
    let state = app_state();
    let words = words();
    let all = Memo::new(move |_| listed(state, words));
    view! {
        <If when=move || !all.with(Vec::is_empty)>
            <Section title=words.sync.drafts_title>
                <p class="soft">{words.sync.drafts_text}</p>
                <ul class="rows">
                    <For each=move || all.get() key=|one| (one.draft.name.clone(), one.draft.at) let(one)>
                        <DraftRow one />
                    </For>
                </ul>
            </Section>
        </If>
    }
    .into_any()
}

#[component]
fn DraftRow(one: Listed) -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let Listed { draft, title, href } = one;
    let pairs = typed(&draft, words);
    let held = photos(&draft);
    let count = held.len();
    let text = StoredValue::new(as_text(&title, &pairs));
    let (held, name) = (RwSignal::new(held), StoredValue::new(draft.name.clone()));
    let dropping = RwSignal::new(false);
    let forget = move |()| {
        drop_all(state, held);
        let gone = state.keeper().delete_draft(name.get_value());
        spawn_local(async move {
            if let Err(error) = gone.await {
                notice.warn((words.errors.store)(&error));
            }
        });
    };
    let is_gone = href.is_none();
    view! {
        <li>
            <details class="fold">
                <summary class="row" data-plain>
                    <div>
                        <span class="row-title">{title}</span>
                        <span class="row-text">{(words.sync.draft_at)(&moment(draft.at, state.now.get_untracked()))}</span>
                    </div>
                    {sized(Icon::Down, Some("s"))}
                </summary>
                <div class="fold-body stack">
                    {is_gone.then(|| view! { <p class="soft">{words.sync.draft_gone}</p> })}
                    {(!pairs.is_empty()).then(|| view! { <FactList pairs /> })}
                    {(count > 0).then(|| view! { <p>{(words.sync.draft_photos)(count)}</p> })}
                    <div class="pair">
                        {href.map(|href| view! { <a class="button" href=href>{sized(Icon::Pencil, Some("s"))} {words.sync.draft_open}</a> })}
                        <button class="button" type="button" on:click=move |_| copy(text.get_value(), words, notice)>
                            {sized(Icon::Page, Some("s"))} {words.sync.copy}
                        </button>
                        <button class="button" data-kind="quiet" type="button" on:click=move |_| dropping.set(true)>
                            {words.new_case.drop_yes}
                        </button>
                    </div>
                    <DropDraft open=dropping act=Callback::new(forget) />
                </div>
            </details>
        </li>
    }
    .into_any()
}
