//! A change the office could not take, on the Sync page: what is wrong, and the ways on: put right, sent again, read, copied,
//! given up. It knows the words of a change, not the forms.

use domain::{
    Body, Change, ChangeId, Entry, Header, OutboxState, Parts, Refusal, Spot, Subject, apply, sync::rests_on,
};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

use super::{
    app_state,
    held::way_on,
    lang, naming,
    state::AppState,
    ui::{CollectAny, ConfirmDialog, FactList, Field, If, Notice, Typing},
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{self, Lang, Names, Pair, Words, as_text, change_title, date, refusal},
};

/// A value longer than this is not repeated in the sentence about it.
const QUOTED_CHARS: usize = 40;

/// Whom or what a change is about, as a list would name it.
pub fn subject_title(state: AppState, change: &Change, words: &Words) -> String {
    let today = state.now.get().day();
    let card = state.cards.with(|cards| cards.iter().find(|c| c.subject == change.subject).cloned());
    if let Some(card) = card {
        return naming::card_title(&card, today, words);
    }
    if let Subject::Facility(id) = change.subject {
        return state
            .facilities
            .with(|all| all.iter().find(|f| f.id == id).map(|f| f.facts.name.clone()).unwrap_or_default());
    }
    opened_header(change).map(|h| naming::header_title(&h, today, words)).unwrap_or_default()
}

fn opened_header(change: &Change) -> Option<Header> {
    let mut parts = Parts::default();
    apply(&mut parts, &Entry::waiting(change.clone()));
    parts.header().cloned()
}

/// What a change is and whom it is about.
pub fn whole_title(state: AppState, change: &Change, words: &Words) -> String {
    let (what, whom) = (change_title(change, words), subject_title(state, change, words));
    if whom.is_empty() { what } else { (words.sync.what)(&what, &whom) }
}

/// What a change says, with the names that this phone knows.
pub fn reading(state: AppState, change: &Change, words: &'static Words, language: Lang) -> Vec<Pair> {
    let rules = state.rules();
    let colleagues = state.colleagues();
    let person = |id| naming::colleague_full(id, &colleagues, words);
    let facility = |id| state.facilities.with(|all| all.iter().find(|f| f.id == id).map(|f| f.facts.name.clone()));
    let names = Names { places: &rules.places, person: &person, facility: &facility };
    text::reading(change, names, words, language)
}

/// Copies a change with its heading, or says that the phone does not let it.
pub fn copy(text: String, words: &'static Words, notice: Notice) {
    let done = window().navigator().clipboard().write_text(&text);
    spawn_local(async move {
        match JsFuture::from(done).await {
            Ok(_) => notice.say(words.sync.copied),
            Err(_) => notice.warn(words.sync.copy_failed),
        }
    });
}

/// One thing the office could not take: what is wrong, what to do, and what was written.
#[component]
pub fn HeldItem(
    id: ChangeId,
    why: Refusal,
    /// A page has one filled button.
    first: Signal<bool>,
) -> AnyView {
    let state = app_state();
    let words = words();
    let language = lang();
    let notice = expect_context::<Notice>();
    let Some(change) =
        state.outbox.with_untracked(|all| all.iter().find(|i| i.change.id == id).map(|i| i.change.clone()))
    else {
        return ().into_any();
    };
    let pairs = untrack(|| reading(state, &change, words, language));
    let written = if let Refusal::Field { spot, .. } = &why { written_at(*spot, &change, &pairs, words) } else { None };
    let said = refusal(&why, written.as_deref(), words);
    let title = {
        let change = change.clone();
        Signal::derive(move || whole_title(state, &change, words))
    };
    let fix = way_on(&change, words).map(|(href, icon, label)| {
        view! { <a class="button" data-kind=move || first.get().then_some("main") href=href>{sized(icon, Some("s"))} {label}</a> }
    });
    let again = move |_| {
        let sending = state.keeper().send_again(id);
        spawn_local(async move {
            if let Err(error) = sending.await {
                notice.warn((words.errors.store)(&error));
            }
        });
    };
    let pairs = StoredValue::new(pairs);
    let copied = move |_| copy(as_text(&title.get_untracked(), &pairs.get_value()), words, notice);
    let shown = RwSignal::new(false);
    let dropping = RwSignal::new(false);
    view! {
        <article class="panel" data-tone="wait">
            <div>
                <h3>{title}</h3>
                <p>{said}</p>
                <p class="soft">{words.sync.nothing_lost}</p>
            </div>
            <div class="pair">
                {fix}
                <button class="button" type="button" on:click=again>
                    {sized(Icon::Retry, Some("s"))} {words.sync.send_again}
                </button>
            </div>
            <button
                class="button"
                data-kind="quiet"
                type="button"
                aria-expanded=move || if shown.get() { "true" } else { "false" }
                on:click=move |_| shown.update(|s| *s = !*s)
            >
                {sized(Icon::Eye, Some("s"))} {move || if shown.get() { words.sync.hide } else { words.sync.show }}
            </button>
            <If when=move || shown.get()>
                <FactList pairs=pairs.get_value() />
            </If>
            <div class="pair">
                <button class="button" data-kind="quiet" type="button" on:click=copied>
                    {sized(Icon::Page, Some("s"))} {words.sync.copy}
                </button>
                <button class="button" data-kind="quiet" type="button" on:click=move |_| dropping.set(true)>
                    {sized(Icon::Close, Some("s"))} {words.sync.drop}
                </button>
            </div>
            <DropDialog id open=dropping title />
        </article>
    }
    .into_any()
}

/// Whether this is really given up, and why. Says what goes with it.
#[component]
fn DropDialog(id: ChangeId, open: RwSignal<bool>, title: Signal<String>) -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let reason = RwSignal::new(String::new());
    let tried = RwSignal::new(false);
    let typed = move || reason.with(|r| r.trim().chars().take(domain::limits::TEXT_CHARS).collect::<String>());
    let error =
        Signal::derive(move || (tried.get() && typed().is_empty()).then(|| words.sync.drop_reason_missing.to_owned()));
    // What goes with it, and what the office has of it already.
    let resting = Memo::new(move |_| {
        open.track();
        state.outbox.with(|outbox| {
            let (mut waiting, mut there) = (vec![], 0_usize);
            for item in rests_on(outbox, id) {
                match item.state {
                    OutboxState::Received { .. } => there += 1,
                    OutboxState::Queued | OutboxState::Held { .. } => waiting.push(change_title(&item.change, words)),
                }
            }
            (waiting, there)
        })
    });
    let ready = Callback::new(move |()| {
        tried.set(true);
        !untrack(typed).is_empty()
    });
    let act = Callback::new(move |()| {
        let dropping = state.keeper().give_up(id, untrack(typed));
        spawn_local(async move {
            match dropping.await {
                Ok(()) => notice.say(words.sync.given_up),
                Err(error) => notice.warn((words.errors.store)(&error)),
            }
        });
    });
    let with_it = move || {
        let (waiting, there) = resting.get();
        let rows = waiting.iter().map(|title| view! { <li>{title.clone()}</li> }).collect_any();
        view! {
            {(!waiting.is_empty()).then(|| view! { <p>{(words.sync.drop_with)(waiting.len())}</p> <ul>{rows}</ul> })}
            {(there > 0).then(|| view! { <p>{(words.sync.drop_there)(there)}</p> })}
        }
    };
    view! {
        <ConfirmDialog
            open
            title=words.sync.drop_title
            text=Signal::derive(move || format!("{}. {}", title.get(), words.sync.drop_text))
            act_label=words.sync.drop
            ready
            act
        >
            {with_it}
            <Field label=words.sync.drop_reason value=reason error typing=Typing::Long />
        </ConfirmDialog>
    }
    .into_any()
}

/// What stands at the place a refusal names, if it is short enough to be said again.
fn written_at(spot: Spot, change: &Change, pairs: &[(&'static str, String)], words: &Words) -> Option<String> {
    let written = match (spot, &change.body) {
        (Spot::VisitDay, Body::VisitRecorded(visit)) => date(visit.on),
        (Spot::NextVisit, Body::VisitRecorded(visit)) => date(visit.next?),
        (Spot::FreePlaces, Body::PlacesCounted { free, .. }) => free.free.to_string(),
        (Spot::Fact(name), _) => {
            let label = (words.errors.fact)(name);
            pairs.iter().find(|(l, _)| *l == label)?.1.clone()
        }
        _ => return None,
    };
    (!written.is_empty() && written.chars().count() <= QUOTED_CHARS).then_some(written)
}
