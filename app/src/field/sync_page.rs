//! Đồng bộ: what still waits, what the office could not take and why, when it last answered, and the room on this phone.
//! It reads the outbox and says it in words; sending itself is the keeper's.

use domain::{Body, Card, Change, Delivery, OutboxItem, OutboxState, Refusal, Subject, Urgency, sync::wire_order};
use leptos::{prelude::*, task::spawn_local};

use super::{
    app_state,
    banners::{Banners, unknown_yet},
    cases::card_delivery,
    drafts::DraftItems,
    dropped::DroppedItems,
    held_item::{HeldItem, subject_title, whole_title},
    rescue::Rescue,
    route::Route,
    state::{AppState, Room, SyncState},
    ui::{
        CollectAny, DeliveryMark, IconWord, If, LongList, Note, Notice, Row, Screen, Section, SkeletonRows, Tab, Top,
        UrgencyMark, moment,
    },
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{Words, bytes, change_title},
};

/// By the office's own clock a page that shows a change comes in the same run; the phone's may be a little behind.
const ASIDE_MS: i64 = 120_000;
/// After this long a try that has not begun has found no network.
const TRIED_MS: u64 = 1_500;

#[component]
pub fn SyncPage() -> AnyView {
    let state = app_state();
    let words = words();
    let counts = Memo::new(move |_| state.unsent());
    let held = Memo::new(move |_| {
        state.outbox.with(|all| all.iter().filter_map(|i| held_of(i).map(|why| (i.change.id, why))).collect::<Vec<_>>())
    });
    view! {
        <Screen
            top=Top::BackTitle { to: Route::More, title: words.sync.title.to_owned() }
            title=words.sync.title
            tab=Tab::More
            under_bar=|| view! { <Banners /> }
        >
            <If when=move || unknown_yet(state, words).is_none() fallback=|| view! { <SkeletonRows /> }>
                <Standing counts />
                <If when=move || !held.with(Vec::is_empty)>
                    <Section title=words.sync.held_title>
                        <For each=move || held.get() key=|(id, why)| (*id, format!("{why:?}")) let((id, why))>
                            <HeldItem id why first=Signal::derive(move || held.with(|all| all.first().is_some_and(|(at, _)| *at == id))) />
                        </For>
                    </Section>
                </If>
                <If when=move || { state.unreadable.get() > 0 }>
                    <Section title=words.sync.unreadable_title>
                        <Note
                            icon=Icon::Warning
                            said=Signal::derive(move || (words.sync.unreadable)(state.unreadable.get()))
                            tone="wait"
                        />
                    </Section>
                </If>
                <WaitingItems />
                <If when=move || { state.waiting_photos() > 0 }>
                    <Note
                        icon=Icon::Camera
                        said=Signal::derive(move || (words.photos.sync)(state.waiting_photos()))
                    />
                </If>
                <AsideItems />
                <DraftItems />
                <DroppedItems />
                <Rescue />
                <Space />
            </If>
        </Screen>
    }
    .into_any()
}

fn held_of(item: &OutboxItem) -> Option<Refusal> {
    if let OutboxState::Held { why, .. } = &item.state { Some(why.clone()) } else { None }
}

/// The network in words, the last contact, the four counts, and the button that tries now.
#[component]
fn Standing(counts: Memo<(usize, usize)>) -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let icon = move || match state.sync.get() {
        SyncState::Offline => Icon::Offline,
        SyncState::Idle => Icon::Online,
        SyncState::Running => Icon::Outbox,
        SyncState::SignedOut => Icon::Lock,
        SyncState::UpdateNeeded | SyncState::Unavailable | SyncState::Phone(_) => Icon::Warning,
    };
    let said = move || match state.sync.get() {
        SyncState::Offline => words.frame.offline,
        SyncState::Idle => words.sync.online,
        SyncState::Running if state.unsent().0 == 0 => words.sync.asking,
        SyncState::Running => words.frame.sending,
        SyncState::SignedOut => words.sync.signed_out,
        SyncState::UpdateNeeded => words.sync.old_app,
        SyncState::Unavailable => words.sync.busy_office,
        // The strip above says why.
        SyncState::Phone(_) => words.sync.phone_stuck,
    };
    let contact = move || match state.contact.get() {
        // Only a person lets the phone send by itself again.
        Some(at) if matches!(state.sync.get(), SyncState::SignedOut | SyncState::Phone(_)) => {
            (words.frame.last_received)(&moment(at, state.now.get()))
        }
        Some(at) => (words.sync.last)(&moment(at, state.now.get())),
        None => words.sync.never.to_owned(),
    };
    // Received and seen are said of cases: a change is not kept apart once its effect has come back.
    let cases = Memo::new(move |_| {
        let (mut received, mut seen) = (0_usize, 0_usize);
        state.cards.with(|cards| {
            state.outbox.with(|outbox| {
                for card in cards {
                    match card_delivery(card, outbox) {
                        Some(Delivery::Received { .. }) => received += 1,
                        Some(Delivery::Seen { .. }) => seen += 1,
                        _ => {}
                    }
                }
            });
        });
        (received, seen)
    });
    let running = move || state.sync.get() == SyncState::Running;
    let try_now = move |_| {
        state.keeper().wake();
        set_timeout(
            move || {
                let after = state.sync.get_untracked();
                let said = match after {
                    SyncState::Offline => words.frame.offline_long,
                    SyncState::SignedOut => words.frame.log_in_again,
                    SyncState::UpdateNeeded => words.frame.old_version,
                    SyncState::Unavailable => words.login.unavailable,
                    SyncState::Phone(error) => (words.sync.phone)(&error),
                    SyncState::Idle | SyncState::Running => return,
                };
                notice.warn(said);
            },
            std::time::Duration::from_millis(TRIED_MS),
        );
    };
    let id = super::ui::fresh_id();
    let label_id = id.clone();
    let count = move |n: Signal<usize>, key: &'static str, icon: Icon, word: &'static str| {
        // Nothing waiting is nothing to worry about.
        let key = move || (n.get() > 0).then_some(key);
        view! {
            <li>
                <strong>{move || n.get()}</strong>
                <span class="delivery" data-delivery=key>{icon}<span>{word}</span></span>
            </li>
        }
    };
    view! {
        <section class="stack" aria-labelledby=label_id>
            <div>
                <h2 class="elapsed" id=id>{move || sized(icon(), None)} <span role="status">{said}</span></h2>
                <p class="soft">{contact}</p>
            </div>
            <ul class="counts">
                {count(Signal::derive(move || counts.get().0), "waiting", Icon::Outbox, words.marks.queued)}
                {count(Signal::derive(move || cases.get().0), "received", Icon::Tick, words.marks.received_plain)}
                {count(Signal::derive(move || cases.get().1), "seen", Icon::Eye, words.marks.seen)}
                {count(Signal::derive(move || counts.get().1), "held", Icon::Warning, words.marks.held)}
            </ul>
            <p class="soft">{words.sync.counts_note}</p>
            <button class="button" type="button" aria-disabled=move || running().then_some("true") on:click=try_now>
                {sized(Icon::Retry, Some("s"))}
                {move || if running() { words.sync.trying } else { words.sync.try_now }}
            </button>
        </section>
    }
    .into_any()
}

/// What waits about one subject.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    href: String,
    title: String,
    text: String,
    emergency: bool,
}

fn waiting(state: AppState, words: &'static Words) -> Vec<Group> {
    let outbox = state.outbox.get();
    let mut groups: Vec<(Subject, Vec<&Change>)> = Vec::new();
    for item in wire_order(&outbox) {
        match groups.iter_mut().find(|(subject, _)| *subject == item.change.subject) {
            Some((_, changes)) => changes.push(&item.change),
            None => groups.push((item.change.subject, vec![&item.change])),
        }
    }
    let card_of = |subject: Subject| -> Option<std::sync::Arc<Card>> {
        state.cards.with(|cards| cards.iter().find(|c| c.subject == subject).cloned())
    };
    groups
        .into_iter()
        .map(|(subject, changes)| {
            let card = card_of(subject);
            let emergency = changes.iter().any(|c| c.body.is_emergency())
                || card.as_ref().is_some_and(|c| c.urgency == Urgency::Emergency);
            let href = match (subject, emergency) {
                (Subject::Case(case), true) => Route::EmergencyCase(case).path(),
                (Subject::Case(case), false) => Route::Case(case).path(),
                _ => Route::Sync.path(),
            };
            let whom = subject_title(state, changes[0], words);
            let mut items: Vec<String> = changes.iter().map(|c| change_title(c, words)).collect();
            let title = if whom.is_empty() { items.remove(0) } else { whom };
            let mut counted: Vec<(String, usize)> = Vec::new();
            for item in items {
                match counted.iter_mut().find(|(have, _)| *have == item) {
                    Some((_, n)) => *n += 1,
                    None => counted.push((item, 1)),
                }
            }
            let text = counted.into_iter().map(|(item, n)| if n > 1 { format!("{item} ({n})") } else { item });
            Group { href, title, text: text.collect::<Vec<_>>().join(", "), emergency }
        })
        .collect()
}

#[component]
fn WaitingItems() -> AnyView {
    let state = app_state();
    let words = words();
    let groups = Memo::new(move |_| waiting(state, words));
    view! {
        <Section title=words.sync.waiting_title>
            <If
                when=move || !groups.with(Vec::is_empty)
                fallback=move || {
                    // Beside something that this phone cannot even read, it would not be true.
                    let unknown = state.unreadable.get() > 0;
                    let (icon, said) = match unknown {
                        true => (Icon::Outbox, words.sync.nothing_readable_waits),
                        false => (Icon::Tick, words.sync.nothing_waits),
                    };
                    view! { <IconWord icon said /> }
                }
            >
                <LongList items=groups row=group_row />
            </If>
        </Section>
    }
    .into_any()
}

/// What the office keeps beside its cases, until what it builds on has come or somebody there has decided.
#[component]
fn AsideItems() -> AnyView {
    let state = app_state();
    let words = words();
    let rows = Memo::new(move |_| {
        let contact = state.contact.get();
        state.outbox.with(|outbox| {
            let aside = |item: &&OutboxItem| match item.state {
                // What has just been received is shown by the next page.
                OutboxState::Received { at } => contact.is_some_and(|contact| contact.0 > at.0 + ASIDE_MS),
                OutboxState::Queued | OutboxState::Held { .. } => false,
            };
            // Nobody writes a look by hand.
            let told = outbox.iter().filter(aside);
            let told = told.filter(|i| !matches!(i.change.body, Body::Dropped(_) | Body::Looked | Body::Seen { .. }));
            told.map(|item| {
                let at = if let OutboxState::Received { at } = item.state { at } else { item.change.recorded_at };
                (whole_title(state, &item.change, words), (words.sync.aside_at)(&moment(at, state.now.get())))
            })
            .collect::<Vec<_>>()
        })
    });
    let row = |(title, said): (String, String)| {
        view! {
            <li>
                <div class="row" data-plain>
                    <div>
                        <span class="row-title">{title}</span>
                        <span class="row-text">{said}</span>
                    </div>
                </div>
            </li>
        }
    };
    view! {
        <If when=move || !rows.with(Vec::is_empty)>
            <Section title=words.sync.aside_title>
                <p class="soft">{words.sync.aside_text}</p>
                <ul class="rows">{move || rows.get().into_iter().map(row).collect_any()}</ul>
            </Section>
        </If>
    }
    .into_any()
}

fn group_row(group: Group) -> AnyView {
    let words = words();
    let now = app_state().now.get_untracked();
    view! {
        <li data-urgency=group.emergency.then_some("emergency")>
            <Row href=group.href title=group.title text=group.text>
                {group.emergency.then(|| view! { <UrgencyMark urgency=Urgency::Emergency /> })}
                <DeliveryMark delivery=Delivery::Queued now />
                {group.emergency.then(|| view! { <span class="soft">{words.sync.first}</span> })}
            </Row>
        </li>
    }
    .into_any()
}

/// Whether the phone keeps the data, and how much room is left.
#[component]
fn Space() -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let room = RwSignal::new(None::<Room>);
    let measure = move || {
        let asked = state.keeper().room();
        spawn_local(async move {
            if let Ok(found) = asked.await {
                let _ = room.try_set(Some(found));
            }
        });
    };
    measure();
    let ask = move |_| {
        let asked = state.keeper().ask_to_keep();
        spawn_local(async move {
            if !asked.await.unwrap_or(false) {
                notice.warn(words.sync.keep_refused);
            }
            measure();
        });
    };
    let panel = move || {
        let room = room.get()?;
        if room.evicted {
            state.evicted.set(false);
            state.keeper().eviction_read();
        }
        let (used, free) = (room.used_bytes, room.free_bytes);
        let part = used.saturating_mul(100).checked_div(used.saturating_add(free)).unwrap_or(0).max(1);
        let line = (words.sync.used)(&bytes(used, words.sync.decimal), &bytes(free, words.sync.decimal));
        let kept = if room.kept {
            view! {
                <p class="delivery" data-delivery="seen">{Icon::ShieldTick}<span>{words.sync.kept}</span></p>
            }
            .into_any()
        } else {
            view! {
                <p class="delivery" data-delivery="waiting">{Icon::Warning}<span>{words.sync.not_kept}</span></p>
                <button class="button" type="button" on:click=ask>{words.sync.ask_keep}</button>
            }
            .into_any()
        };
        Some(view! {
            {room
                .evicted
                .then(|| {
                    view! { <Note icon=Icon::Warning said=Signal::stored(words.sync.evicted.to_owned()) tone="wait" /> }
                })}
            <div class="panel">
                {kept}
                <div>
                    <p>{line}</p>
                    <span class="bar" aria-hidden="true"><i style:--part=format!("{part}%")></i></span>
                </div>
            </div>
        })
    };
    view! { <Section title=words.sync.space>{panel}</Section> }.into_any()
}
