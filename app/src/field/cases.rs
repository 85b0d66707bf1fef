//! Hồ sơ: every case of this phone, found by name or code without tone marks, narrowed by four filters.

use std::sync::Arc;

use domain::{Card, CaseId, CaseStatus, Delivery, KinPlace, OutboxItem, Subject, Tile, Urgency, search::Query};
use leptos::prelude::*;

use super::{
    app_state,
    banners::{Banners, StillFilling, SyncLine},
    lang, moving, naming,
    route::Route,
    state::{AppState, Opening},
    ui::{
        BarLink, ConflictMark, DeliveryMark, EmptyState, If, LongList, RestrictedMark, Row, Screen, Select,
        SkeletonRows, StatusMark, Tab, Top, UrgencyMark,
    },
    words,
};
use crate::icon::{Icon, sized};

/// What is searched for; kept while a case is open, so that the way back leads to the same list.
#[derive(Debug, Clone, Copy)]
pub struct Finder {
    typed: RwSignal<String>,
    village: RwSignal<String>,
    tile: RwSignal<String>,
    status: RwSignal<String>,
    emergency: RwSignal<bool>,
    /// Rows drawn so far, so that the way back finds the row it left.
    shown: RwSignal<usize>,
}

impl Finder {
    #[must_use]
    pub fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        Self {
            typed: empty(),
            village: empty(),
            tile: empty(),
            status: empty(),
            emergency: RwSignal::new(false),
            shown: RwSignal::new(0),
        }
    }
    fn clear(self) {
        for part in [self.typed, self.village, self.tile, self.status] {
            part.set(String::new());
        }
        self.emergency.set(false);
    }
    /// What one person looked for is not shown to the next.
    pub fn forget(self) {
        self.clear();
        self.shown.set(0);
    }
    fn is_empty(self) -> bool {
        [self.typed, self.village, self.tile, self.status].iter().all(|p| p.with(String::is_empty))
            && !self.emergency.get()
    }
    /// Newest first; with words typed, the best match first.
    /// A case that is merged into another leads to that one: by itself it stands here only when it is asked for.
    fn find(self, state: AppState, cards: &[Arc<Card>]) -> Vec<Arc<Card>> {
        let query = Query::new(&self.typed.get());
        let code_of = |case: CaseId| {
            let card = cards.iter().find(|c| c.subject == Subject::Case(case));
            card.map(|card| domain::search::lower(card.code.as_str()))
        };
        // The case in front is found by the codes of those behind it too.
        let by_other_code = |card: &Card| {
            let kin = moving::kin_of(state, card.subject.case()?)?;
            let codes = kin.others.into_iter().filter_map(code_of).collect::<Vec<_>>().join(" ");
            query.rank(&codes, "")
        };
        let (village, tile, status) = (self.village.get(), self.tile.get(), self.status.get());
        let emergency = self.emergency.get();
        let shown = |card: &Card| moving::shown_status(card, state);
        let mut found: Vec<(u8, Arc<Card>)> = cards
            .iter()
            .filter(|c| !c.is_sheet && (!query.is_empty() || shown(c) != CaseStatus::Merged))
            .filter(|c| village.is_empty() || c.place.as_ref().is_some_and(|p| p.as_str() == village))
            .filter(|c| tile.is_empty() || c.tile.is_some_and(|t| t.row().code == tile))
            .filter(|c| status.is_empty() || status_key(shown(c)) == status)
            .filter(|c| !emergency || c.urgency == Urgency::Emergency)
            .filter_map(|c| {
                let name = c.name.as_ref().map_or("", |n| n.as_str());
                let found = || query.rank(&c.folded, name).or_else(|| by_other_code(c));
                let rank = if query.is_empty() { 0 } else { found()? };
                let is_merged = shown(c) == CaseStatus::Merged;
                Some((if is_merged { 0 } else { rank }, Arc::clone(c)))
            })
            .collect();
        domain::order::sort_by_key(&mut found, |(rank, card)| std::cmp::Reverse((*rank, card.changed_at)));
        found.into_iter().map(|(_, card)| card).collect()
    }
}

impl Default for Finder {
    fn default() -> Self {
        Self::new()
    }
}

const STATUSES: [CaseStatus; 9] = [
    CaseStatus::New,
    CaseStatus::Screening,
    CaseStatus::Assessed,
    CaseStatus::Planned,
    CaseStatus::Active,
    CaseStatus::Monitoring,
    CaseStatus::Closed,
    CaseStatus::NotEligible,
    CaseStatus::Transferred,
];

fn status_key(status: CaseStatus) -> String {
    (status as u8).to_string()
}

#[component]
pub fn Cases() -> AnyView {
    let state = app_state();
    let words = words();
    let lang = lang();
    let finder = expect_context::<Finder>();
    let found = Memo::new_with_compare(move |_| state.cards.with(|cards| finder.find(state, cards)), |_, _| true);
    let count = move || found.with(Vec::len);
    let any_case = Memo::new(move |_| state.cards.with(|cards| cards.iter().any(|c| !c.is_sheet)));
    let first = |word: &'static str| (String::new(), word.to_owned());
    let villages = Signal::derive(move || {
        let own = state.own_villages().into_iter().map(|(id, name)| (id.to_string(), name));
        std::iter::once(first(words.cases.any_village)).chain(own).collect()
    });
    let tiles = Signal::derive(move || {
        let all = Tile::ALL.into_iter().map(|t| (t.row().code.to_owned(), naming::tile_name(t, lang).to_owned()));
        std::iter::once(first(words.cases.any_tile)).chain(all).collect()
    });
    let statuses = Signal::derive(move || {
        let all = STATUSES.into_iter().map(|s| (status_key(s), (words.marks.case_status)(s).to_owned()));
        std::iter::once(first(words.cases.any_status)).chain(all).collect()
    });
    let id = super::ui::fresh_id();
    let label_for = id.clone();
    view! {
        <Screen
            top=Top::Title(words.frame.cases.to_owned())
            title=words.frame.cases
            tab=Tab::Cases
            corner=move || view! { <BarLink href=Route::NewCase.path() icon=Icon::Plus label=words.cases.new /> }
            under_bar=|| view! { <Banners /> }
            dock=|| view! { <SyncLine /> }
        >
            <form class="stack" role="search" on:submit=move |event| event.prevent_default()>
                <label class="soft" for=label_for>{words.cases.find}</label>
                <div class="search">
                    {Icon::Search}
                    <input
                        id=id
                        type="search"
                        placeholder=words.cases.placeholder
                        autocomplete="off"
                        autocapitalize="none"
                        enterkeyhint="search"
                        prop:value=move || finder.typed.get()
                        on:input:target=move |event| finder.typed.set(event.target().value())
                    />
                </div>
                <div class="filters" role="group" aria-label=words.cases.filter>
                    <Select label=words.cases.village heard_only=true options=villages value=finder.village />
                    <Select label=words.cases.tile heard_only=true options=tiles value=finder.tile />
                    <Select label=words.cases.status heard_only=true options=statuses value=finder.status />
                    <button
                        class="chip"
                        type="button"
                        aria-pressed=move || if finder.emergency.get() { "true" } else { "false" }
                        on:click=move |_| finder.emergency.update(|on| *on = !*on)
                    >
                        {sized(Icon::Alarm, Some("s"))} {(words.marks.urgency)(Urgency::Emergency)}
                    </button>
                </div>
            </form>
            {move || match state.opening.get() {
                Opening::Busy | Opening::Known => view! { <SkeletonRows /> }.into_any(),
                _ if !any_case.get() && state.is_filling() => view! { <StillFilling /> }.into_any(),
                _ if !any_case.get() => {
                    view! {
                        <EmptyState icon=Icon::Folder title=words.cases.none_yet text=words.cases.none_yet_long>
                            <a class="button" data-kind="main" href=Route::NewCase.path()>{words.today.new_case}</a>
                        </EmptyState>
                    }
                        .into_any()
                }
                _ => view! { <Found found count=Signal::derive(count) finder /> }.into_any(),
            }}
        </Screen>
    }
    .into_any()
}

#[component]
fn Found(found: Memo<Vec<Arc<Card>>>, count: Signal<usize>, finder: Finder) -> AnyView {
    let words = words();
    let order = move || {
        if finder.typed.with(|t| t.trim().is_empty()) { words.cases.order } else { words.cases.best_first }
    };
    let id = super::ui::fresh_id();
    let label_id = id.clone();
    view! {
        <section class="stack" aria-labelledby=label_id>
            <div class="section-head">
                <h2 id=id aria-live="polite">{move || (words.cases.count)(count.get())}</h2>
                <span>{order}</span>
            </div>
            <If
                when=move || { count.get() > 0 }
                fallback=move || {
                    view! {
                        <EmptyState icon=Icon::Search title=words.cases.none_found text=words.cases.none_found_long>
                            <button class="button" type="button" on:click=move |_| finder.clear()>{words.cases.clear}</button>
                        </EmptyState>
                    }
                }
            >
                <LongList items=found row=case_row shown=finder.shown />
            </If>
            <If when=move || { count.get() > 0 && !finder.is_empty() }>
                <button class="button" data-kind="quiet" type="button" on:click=move |_| finder.clear()>
                    {words.cases.clear}
                </button>
            </If>
        </section>
    }
    .into_any()
}

/// Where the newest of a case stands on its way; `None` for what a facility is only shown.
pub fn card_delivery(card: &Card, outbox: &[OutboxItem]) -> Option<Delivery> {
    if card.is_sheet {
        return None;
    }
    let office = card.newest_at.or(card.received_at).map(|at| match card.looked_at {
        Some(looked) if card.seen_until.unwrap_or(looked) >= at => Delivery::Seen { at: looked },
        _ => Delivery::Received { at },
    });
    let waiting = outbox.iter().filter(|i| i.change.subject == card.subject).map(Delivery::of_item);
    office.into_iter().chain(waiting).reduce(Delivery::least)
}

fn case_row(card: Arc<Card>) -> AnyView {
    let state = app_state();
    let words = words();
    let rules = state.rules();
    let now = state.now.get_untracked();
    let Subject::Case(case) = card.subject else { return ().into_any() };
    let travelling = Arc::clone(&card);
    let delivery = move || {
        let delivery = state.outbox.with(|outbox| card_delivery(&travelling, outbox));
        delivery.map(|delivery| view! { <DeliveryMark delivery now /> })
    };
    let disputed = matches!(moving::kin_of(state, case).map(|kin| kin.place), Some(KinPlace::Disputed));
    let (urgency, restricted, conflict) = (card.urgency, card.restricted, card.conflict || disputed);
    let status = moving::shown_status(&card, state);
    view! {
        <li data-urgency=(urgency == Urgency::Emergency).then_some("emergency")>
            <Row
                href=Route::Case(case).path()
                title=naming::card_title(&card, now.day(), words)
                text=naming::card_line(&card, &rules.places, now.day(), words)
                code=card.code.to_string()
            >
                <UrgencyMark urgency />
                {restricted.then(|| view! { <RestrictedMark /> })}
                <StatusMark status />
                {conflict.then(|| view! { <ConflictMark /> })}
                {delivery}
            </Row>
        </li>
    }
    .into_any()
}
