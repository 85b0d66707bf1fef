//! Gộp hồ sơ trùng: finding the other case of the same person and saying which of the two is kept in front.

use std::sync::Arc;

use domain::{Body, Card, CaseId, Field, LogId, Refusal, Subject, search::Query};
use leptos::prelude::*;

use super::{case_frame, header_now, recorded};
use crate::{
    field::{
        app_state, lang, naming, navigator,
        route::Route,
        saving::{SaveFailure, Saving},
        state::{AppState, Loaded},
        trouble::check_body,
        ui::{Answers, CollectAny, ConfirmDialog, If, Note, Notice, RestrictedMark, WholeError},
        words,
    },
    icon::{Icon, sized},
    text::{Words, refusal},
};

/// Cases offered at once: more are found by typing.
const OFFERED: usize = 8;
/// Two cases recorded within these days by different people may be of one person found twice.
const NEAR_DAYS: i64 = 3;

#[component]
pub fn MergePage(case: CaseId) -> AnyView {
    let saving = Saving::new();
    let asks = RwSignal::new(false);
    let chosen = RwSignal::new(None::<CaseId>);
    let words = words();
    case_frame(
        case,
        words.moving.merge,
        move || {
            view! {
                <If when=move || chosen.get().is_some()>
                    <button
                        class="button"
                        data-kind="main"
                        data-size="l"
                        type="button"
                        disabled=move || saving.busy.get()
                        on:click=move |_| asks.set(true)
                    >
                        {words.moving.merge}
                    </button>
                </If>
            }
            .into_any()
        },
        move |parts| view! { <Form case parts saving asks chosen /> }.into_any(),
    )
}

#[component]
fn Form(
    case: CaseId,
    parts: RwSignal<Loaded>,
    saving: Saving,
    asks: RwSignal<bool>,
    chosen: RwSignal<Option<CaseId>>,
) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let typed = RwSignal::new(String::new());
    // Of the two, by position: this one, the other.
    let front = RwSignal::new(None::<usize>);
    let this = Memo::new(move |_| card(state, case));
    let offered = Memo::new(move |_| this.get().map(|this| likely(state, &this, &typed.get())).unwrap_or_default());
    let other = Memo::new(move |_| chosen.get().and_then(|other| card(state, other)));
    // The one that was there first is kept, unless somebody says otherwise.
    Effect::new(move |_| {
        let (Some(this), Some(other)) = (this.get(), other.get()) else { return };
        let first = |card: &Card| (card.received_at.map_or(i64::MAX, |at| at.0), card.recorded_at);
        front.set(Some(usize::from(first(&other) < first(&this))));
    });
    let id = crate::field::ui::fresh_id();
    let label_for = id.clone();
    let list = move || {
        let now = state.now.get();
        let found = offered.get();
        if found.is_empty() {
            return view! { <p class="soft">{words.moving.merge_none}</p> }.into_any();
        }
        let rows = found
            .into_iter()
            .map(|found| {
                let title = naming::card_title_aged(&found, now.day(), words);
                let line = line(&found, state, words);
                let code = found.code.to_string();
                let restricted = found.restricted.then(|| view! { <span class="marks"><RestrictedMark /></span> });
                let of = found.subject.case();
                view! {
                    <li>
                        <button class="row" type="button" on:click=move |_| chosen.set(of)>
                            {Icon::Folder}
                            <div>
                                <span class="row-title">{title}</span>
                                <span class="row-text"><span>{line}</span> <span class="code">{code}</span></span>
                                {restricted}
                            </div>
                            {sized(Icon::Plus, Some("s"))}
                        </button>
                    </li>
                }
            })
            .collect_any();
        view! { <ul class="rows menu">{rows}</ul> }.into_any()
    };
    let both = move || {
        let (Some(this), Some(other)) = (this.get(), other.get()) else { return ().into_any() };
        let today = state.now.get_untracked().day();
        let option = |card: &Card| {
            let title = naming::card_title_aged(card, today, words);
            ((words.moving.merge_keep)(card.code.as_str(), &title), line(card, state, words))
        };
        let options = vec![option(&this), option(&other)];
        let secret = this.restricted || other.restricted;
        view! {
            <div class="stack" data-gap="l">
                <Answers legend=words.moving.merge_front options chosen=front />
                {secret
                    .then(|| {
                        let said = Signal::stored(words.moving.merge_restricted.to_owned());
                        view! { <Note icon=Icon::Lock said /> }
                    })}
                <button class="button" data-kind="quiet" type="button" on:click=move |_| chosen.set(None)>
                    {words.moving.merge_other}
                </button>
            </div>
        }
        .into_any()
    };
    let merge = move || -> Option<(LogId, CaseId, CaseId, Body)> {
        let (other, at) = (chosen.get()?, front.get()?);
        let (behind, front) = if at == 0 { (other, case) } else { (case, other) };
        let (log, saw) = header_now(parts, |header| {
            (header.log.clone(), header.links.get(&other).map(Field::seen).unwrap_or_default())
        })?;
        Some((log, behind, front, Body::CaseLinked { saw, other, front: Some(front) }))
    };
    let wrong = Signal::derive(move || {
        let (log, _, _, body) = merge()?;
        let Loaded::Here(parts) = parts.get() else { return None };
        let rules = check_body(state, &parts, &log, Subject::Case(case), &body, state.now.get_untracked());
        let other = other.get()?;
        let theirs = state.has(domain::Role::Supervisor) || Some(other.author) == state.me();
        let wrong = rules.err().or((!theirs).then_some(Refusal::NotAllowed))?;
        Some(refusal(&wrong, None, words))
    });
    let text = Signal::derive(move || {
        merge()
            .map(|(_, behind, front, _)| {
                let code = |case| naming::case_code(case, state, words);
                (words.moving.merge_sure_text)(&code(behind), &code(front))
            })
            .unwrap_or_default()
    });
    let act = move |()| {
        let Some((log, _, front, body)) = untrack(merge) else { return };
        if wrong.get_untracked().is_some() {
            return;
        }
        saving.save(log, Subject::Case(case), vec![body], None, None, move |_| {
            notice.say(words.frame.saved);
            navigator.replace(Route::Case(front));
        });
    };
    view! {
        <div class="stack" data-gap="l">
            <Note icon=Icon::People said=Signal::stored(words.moving.merge_what.to_owned()) />
            <If when=move || chosen.get().is_none()>
                <div class="stack">
                    <label class="soft" for=label_for.clone()>{words.moving.merge_find}</label>
                    <div class="search">
                        {Icon::Search}
                        <input
                            id=id.clone()
                            type="search"
                            autocomplete="off"
                            autocapitalize="none"
                            enterkeyhint="search"
                            prop:value=move || typed.get()
                            on:input:target=move |event| typed.set(event.target().value())
                        />
                    </div>
                    <h2 class="soft">{words.moving.merge_like}</h2>
                    {list}
                </div>
            </If>
            {both}
            <WholeError error=wrong />
            <SaveFailure saving />
        </div>
        <ConfirmDialog
            open=asks
            title=words.moving.merge_sure
            text
            act_label=words.moving.merge
            act=Callback::new(act)
        />
    }
    .into_any()
}

fn card(state: AppState, case: CaseId) -> Option<Arc<Card>> {
    let subject = Subject::Case(case);
    state.cards.with(|cards| cards.iter().find(|c| c.subject == subject).cloned())
}

/// Who recorded it when, what the trouble is, and where.
fn line(card: &Card, state: AppState, words: &Words) -> String {
    let rules = state.rules();
    let now = state.now.get_untracked();
    let place = naming::card_line(card, &rules.places, now.day(), words);
    let tile = card.tile.map(|tile| naming::tile_name(tile, lang()).to_owned());
    let all = [tile, Some(place), Some(recorded(card, state, now, words))];
    all.into_iter().flatten().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The cases most like this one, best first; with words typed, those that the words find.
fn likely(state: AppState, this: &Card, typed: &str) -> Vec<Arc<Card>> {
    let query = Query::new(typed);
    let linked = |card: &Card| {
        let case = card.subject.case();
        let known = this.subject.case().and_then(|case| super::kin_of(state, case));
        known.is_some_and(|kin| kin.others.iter().any(|other| Some(*other) == case))
    };
    let score = |card: &Card| -> Option<i64> {
        if !query.is_empty() {
            let name = card.name.as_ref().map_or("", |n| n.as_str());
            return query.rank(&card.folded, name).map(i64::from);
        }
        let same_name = match (&this.name, &card.name) {
            (Some(a), Some(b)) => domain::search::fold(a.as_str()) == domain::search::fold(b.as_str()),
            _ => false,
        };
        let both_nameless = this.name.is_none() && card.name.is_none();
        let days = this.recorded_at.day().days_until(card.recorded_at.day()).abs();
        let near = days <= NEAR_DAYS;
        let differ = this.sex.is_some() && card.sex.is_some() && this.sex != card.sex;
        let years = |card: &Card| card.age(card.recorded_at.day()).map(i64::from);
        let far_in_age = matches!((years(this), years(card)), (Some(a), Some(b)) if (a - b).abs() > 15);
        if differ || (far_in_age && !same_name) {
            return None;
        }
        let mut score = 0;
        score += if same_name { 6 } else { 0 };
        score += if both_nameless && near { 4 } else { 0 };
        score += if near && this.tile == card.tile { 2 } else { 0 };
        score += if this.tile.is_some() && this.tile == card.tile && same_name { 1 } else { 0 };
        (score >= 4).then_some(score)
    };
    let mut found: Vec<(i64, Arc<Card>)> = state.cards.with(|cards| {
        let others = cards.iter().filter(|c| !c.is_sheet && c.subject != this.subject && !linked(c));
        others.filter_map(|card| Some((score(card)?, Arc::clone(card)))).collect()
    });
    domain::order::sort_by_key(&mut found, |(score, card)| std::cmp::Reverse((*score, card.changed_at)));
    found.into_iter().take(OFFERED).map(|(_, card)| card).collect()
}
