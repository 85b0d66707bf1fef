//! Khác: facilities, numbers to call, the people and the settings of this phone, how to use it. All of it reads offline.

use std::sync::Arc;

use domain::{
    Facility, Role,
    search::{Query, fold},
};
use leptos::prelude::*;

use super::{
    Language, THEME, app_state,
    banners::{Banners, SyncLine, unknown_yet},
    duty::RingSwitch,
    emergency::{CommuneNumbers, ShortNumbers},
    lang, naming,
    referral::places_line,
    route::Route,
    ui::{CallLink, Chips, CollectAny, EmptyState, FactList, If, LongList, MenuRow, Screen, Tab, Top, fresh_id},
    words,
};
use crate::{
    device::browser,
    icon::{Icon, sized},
    text::{Lang, capital, phone},
};

#[component]
pub fn More() -> AnyView {
    let state = app_state();
    let words = words();
    let waiting = Signal::derive(move || {
        if let Some(said) = unknown_yet(state, words) {
            return said.to_owned();
        }
        let (queued, held) = state.unsent();
        let mut said = if queued > 0 { vec![(words.frame.waiting)(queued)] } else { vec![] };
        if held > 0 {
            said.push((words.frame.held)(held));
        }
        if said.is_empty() { words.frame.all_sent.to_owned() } else { said.join(" · ") }
    });
    let me = Signal::derive(move || state.worker.with(|w| w.as_ref().map(|w| w.name.to_string()).unwrap_or_default()));
    let office = move || [Role::Supervisor, Role::Viewer, Role::Admin].into_iter().any(|role| state.has(role));
    let said = |line: &'static str| Signal::stored(line.to_owned());
    view! {
        <Screen
            top=Top::Title(words.frame.more.to_owned())
            title=words.frame.more
            tab=Tab::More
            under_bar=|| view! { <Banners /> }
            dock=|| view! { <SyncLine /> }
        >
            <ul class="rows menu">
                <MenuRow
                    href=Route::Numbers.path()
                    icon=Icon::Call
                    title=words.more.emergency_numbers
                    text=said("113, 115, 111")
                />
                <MenuRow
                    href=Route::Facilities.path()
                    icon=Icon::House
                    title=words.more.facilities
                    text=said(words.more.facilities_text)
                />
                <MenuRow href=Route::Sync.path() icon=Icon::Outbox title=words.more.sync text=waiting />
                <MenuRow href=Route::Person.path() icon=Icon::People title=words.more.people text=me />
                <If when=move || state.records()>
                    <MenuRow
                        href=Route::HandOver(None).path()
                        icon=Icon::Transfer
                        title=words.moving.hand_over
                        text=Signal::stored(words.moving.hand_over_hint.to_owned())
                    />
                </If>
                <MenuRow href=Route::Help.path() icon=Icon::Book title=words.more.help />
                <If when=office>
                    <MenuRow href="/office" icon=Icon::Chart title=words.more.office />
                </If>
            </ul>
            <RingSwitch />
            <Settings />
            <p class="soft">{(words.more.version)(env!("CARGO_PKG_VERSION"))}</p>
        </Screen>
    }
    .into_any()
}

/// Language and light: of this device, whoever uses it.
#[component]
fn Settings() -> AnyView {
    let words = words();
    let language = expect_context::<Language>();
    let languages = Lang::ALL.map(|l| l.name().to_owned()).to_vec();
    let chosen = RwSignal::new(Lang::ALL.iter().position(|l| *l == lang()));
    Effect::new(move |before: Option<Option<usize>>| {
        let now = chosen.get();
        if let Some(lang) = now.and_then(|n| Lang::ALL.get(n)).filter(|_| before.is_some_and(|b| b != now)) {
            language.choose(*lang);
        }
        now
    });
    let theme = RwSignal::new(Some(theme()));
    Effect::new(move |before: Option<Option<usize>>| {
        let now = theme.get();
        if let Some(n) = now.filter(|_| before.is_some_and(|b| b != now)) {
            choose_theme(n);
        }
        now
    });
    view! {
        <section class="stack" data-gap="l">
            <Chips label=words.more.language options=Signal::stored(languages) chosen />
            <Chips
                label=words.more.theme
                options=Signal::stored(words.more.themes.map(str::to_owned).to_vec())
                chosen=theme
            />
        </section>
    }
    .into_any()
}

/// As the phone, light, dark: the values kept for the second and the third.
const THEMES: [&str; 2] = ["light", "dark"];

fn theme() -> usize {
    let kept: Option<String> = browser::setting(THEME);
    kept.and_then(|kept| THEMES.iter().position(|t| *t == kept)).map_or(0, |n| n + 1)
}

fn choose_theme(n: usize) {
    let Some(root) = document().document_element() else { return };
    // Where nothing can be kept, the choice holds until the next start.
    match n.checked_sub(1).and_then(|n| THEMES.get(n)) {
        Some(theme) => {
            browser::set_setting(THEME, theme);
            let _ = root.set_attribute("data-theme", theme);
        }
        None => {
            browser::forget_setting(THEME);
            let _ = root.remove_attribute("data-theme");
        }
    }
}

#[component]
pub fn Facilities() -> AnyView {
    let state = app_state();
    let words = words();
    let language = lang();
    let typed = RwSignal::new(String::new());
    let found = Memo::new_with_compare(
        move |_| {
            let query = Query::new(&typed.get());
            let mut all: Vec<Arc<Facility>> = state.facilities.with(|all| {
                all.iter().filter(|f| query.is_empty() || matches(&query, f, language)).cloned().map(Arc::new).collect()
            });
            domain::order::sort_by(&mut all, |a, b| a.facts.code.cmp(&b.facts.code));
            all
        },
        |_, _| true,
    );
    let none_known = Memo::new(move |_| state.facilities.with(Vec::is_empty));
    let id = fresh_id();
    let label_for = id.clone();
    view! {
        <Screen
            top=Top::BackTitle { to: Route::More, title: words.more.facilities.to_owned() }
            title=words.more.facilities
            tab=Tab::More
        >
            <If
                when=move || !none_known.get()
                fallback=move || {
                    view! {
                        <EmptyState icon=Icon::House title=words.more.facilities text=words.more.no_facilities />
                    }
                }
            >
                <form class="stack" role="search" on:submit=move |event| event.prevent_default()>
                    <label class="soft" for=label_for.clone()>{words.more.find_facility}</label>
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
                </form>
                <If
                    when=move || !found.with(Vec::is_empty)
                    fallback=move || view! { <p class="soft" role="status">{words.more.no_such_facility}</p> }
                >
                    <LongList items=found row=facility_row />
                </If>
            </If>
        </Screen>
    }
    .into_any()
}

fn matches(query: &Query, facility: &Facility, language: Lang) -> bool {
    let mut text = format!("{} {} {}", facility.facts.name, facility.facts.code, facility.facts.address);
    for row in facility.facts.services.iter().filter_map(|s| s.row()) {
        text.push(' ');
        text.push_str(language.of(row.name));
    }
    query.rank(&fold(&text), &text).is_some()
}

/// A facility: name and free places; opened, what it does, for whom, where, and whom to call.
fn facility_row(facility: Arc<Facility>) -> AnyView {
    let state = app_state();
    let words = words();
    let language = lang();
    let facts = &facility.facts;
    let rules = state.rules();
    let services: Vec<&str> = facts.services.iter().filter_map(|s| s.row()).map(|r| language.of(r.name)).collect();
    let groups: Vec<&str> = facts.groups.iter().filter_map(|g| g.row()).map(|r| language.of(r.name)).collect();
    let commune = facts.commune.as_ref().map(|c| naming::place_name(c, &rules.places)).unwrap_or_default();
    let groups = if facts.groups.is_empty() { words.more.any_group.to_owned() } else { groups.join(", ") };
    let pairs = vec![
        (words.more.services, services.join(", ")),
        (words.more.groups, groups),
        (words.more.address, facts.address.clone()),
        (words.more.department, facts.department.clone()),
        (words.more.access, if facts.meets_access_criteria { words.more.access_yes.to_owned() } else { String::new() }),
    ];
    let calls: Vec<_> = [(facts.duty_phone.clone(), true), (facts.phone.clone(), false)]
        .into_iter()
        .filter_map(|(number, duty)| number.map(|n| (n, duty)))
        .map(|(number, duty)| {
            let shown = phone(&number);
            let label = if duty { format!("{} {shown}", words.more.duty) } else { (words.frame.call)(&shown) };
            view! { <CallLink phone=number label /> }
        })
        .collect();
    let (name, full) = (facts.name.clone(), facility.is_full().then_some("full"));
    let line = move || capital(&places_line(&facility, state.now.get(), words));
    view! {
        <li>
            <details class="fold">
                <summary class="row" data-plain>
                    <div>
                        <span class="row-title">{name}</span>
                        <span class="row-text" data-places=full>{line}</span>
                        {(!commune.is_empty()).then(|| view! { <span class="row-text">{commune}</span> })}
                    </div>
                    {sized(Icon::Down, Some("s"))}
                </summary>
                <div class="fold-body stack">
                    <FactList pairs />
                    <div class="pair">{calls}</div>
                </div>
            </details>
        </li>
    }
    .into_any()
}

/// Every number at hand.
#[component]
pub fn Numbers() -> AnyView {
    let state = app_state();
    let words = words();
    let none = Memo::new(move |_| state.briefing.with(Option::is_none));
    view! {
        <Screen
            top=Top::BackTitle { to: Route::More, title: words.emergency.numbers_title.to_owned() }
            title=words.emergency.numbers_title
            tab=Tab::More
        >
            <ShortNumbers />
            <If when=move || !none.get() fallback=move || view! { <p class="soft">{words.more.no_numbers}</p> }>
                <CommuneNumbers />
            </If>
        </Screen>
    }
    .into_any()
}

#[component]
pub fn Help() -> AnyView {
    let words = words();
    let lines = words.more.help_lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_any();
    view! {
        <Screen
            top=Top::BackTitle { to: Route::More, title: words.more.help.to_owned() }
            title=words.more.help
            tab=Tab::More
        >
            <ol class="history">{lines}</ol>
        </Screen>
    }
    .into_any()
}
