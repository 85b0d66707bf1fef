//! Đồng bộ: what still waits, what the office could not take and why, when it last answered, and the room on this phone.
//! It reads the outbox and says it in words; sending itself is the keeper's.

use domain::{
    Act, Activity, Actor, Body, Card, Change, ChangeId, Delivery, Entry, Fact, FactName, Header, OutboxItem,
    OutboxState, Parts, Refusal, Spot, Subject, TaskFor, Urgency, apply, sync::wire_order,
};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

use super::{
    app_state,
    banners::{Banners, unknown_yet},
    case_page::fact_said,
    cases::card_delivery,
    held::way_on,
    lang, naming,
    referral::sharing_line,
    route::Route,
    state::{AppState, Room, SyncState},
    trouble::unsaved,
    ui::{
        DeliveryMark, FactList, IconWord, If, LongList, Note, Notice, Row, Screen, Section, SkeletonRows, Tab, Top,
        UrgencyMark, moment,
    },
    visit, words,
};
use crate::{
    icon::{Icon, sized},
    text::{Lang, Words, bytes, change_title, date, date_time, phone, refusal},
};

/// A value longer than this is not repeated in the sentence about it.
const QUOTED_CHARS: usize = 40;
/// After this long a try that has not begun has found no network.
const TRIED_MS: u64 = 1_500;

/// Whom or what a change is about, as a list would name it.
fn subject_title(state: AppState, change: &Change, words: &Words) -> String {
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

/// One thing the office could not take: what is wrong, what to do, and what was written.
#[component]
fn HeldItem(
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
        move || {
            let (what, whom) = (change_title(&change, words), subject_title(state, &change, words));
            if whom.is_empty() { what } else { (words.sync.what)(&what, &whom) }
        }
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
    let text = pairs.iter().map(|(label, value)| format!("{label}: {value}")).collect::<Vec<_>>().join("\n");
    let text = StoredValue::new(text);
    let pairs = StoredValue::new(pairs);
    let copy = move |_| {
        spawn_local(async move {
            let Some(text) = text.try_get_value() else { return };
            if JsFuture::from(window().navigator().clipboard().write_text(&text)).await.is_ok() {
                notice.say(words.sync.copied);
            }
        });
    };
    let shown = RwSignal::new(false);
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
                <button class="button" type="button" on:click=copy>{sized(Icon::Page, Some("s"))} {words.sync.copy}</button>
            </If>
        </article>
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

/// What a change says, as label and value, so that it can be read, told on the phone or copied.
fn reading(state: AppState, change: &Change, words: &'static Words, language: Lang) -> Vec<(&'static str, String)> {
    let rules = state.rules();
    let colleagues = state.colleagues();
    let person = |id| naming::colleague_full(id, &colleagues, words);
    let yes_no = |b: bool| if b { words.speech.yes } else { words.speech.no }.to_owned();
    let receiver = |r: &domain::Receiver| state.facilities.with(|f| naming::receiver(r, f, &rules.places, words));
    let mut pairs = vec![(words.sync.recorded_at, date_time(change.recorded_at))];
    match &change.body {
        Body::CaseOpened { code, facts } => {
            pairs.push((words.frame.code, code.to_string()));
            pairs.extend(fact_pairs(state, change, facts, words, language));
        }
        Body::FactsEdited { edits } => {
            let facts: Vec<Fact> = edits.iter().map(|e| e.fact.clone()).collect();
            pairs.extend(fact_pairs(state, change, &facts, words, language));
        }
        Body::GroupEdited(edit) => {
            let name =
                edit.element.row().map_or_else(|| edit.element.to_string(), |row| language.of(row.name).to_owned());
            pairs.push((words.case_page.groups, format!("{name}: {}", yes_no(edit.now))));
        }
        Body::AssigneeEdited(edit) => {
            pairs.push(((words.errors.spot)(Spot::Worker), format!("{}: {}", person(edit.element), yes_no(edit.now))));
        }
        Body::ExcludedEdited(edit) => {
            let label = (words.errors.fact)(FactName::Confidentiality);
            pairs.push((label, format!("{}: {}", person(edit.element), yes_no(!edit.now))));
        }
        Body::VisitRecorded(visit) => pairs.extend(visit::pairs(visit, words, language)),
        Body::TaskWritten(task) => {
            let whom = match &task.for_whom {
                TaskFor::Village(place) => (words.visit.task_village)(&naming::place_name(place, &rules.places)),
                TaskFor::Worker(worker) => person(*worker),
            };
            pairs.push((words.visit.task_what, task.what.clone()));
            pairs.push((words.visit.task_due, task.due.map(date).unwrap_or_default()));
            pairs.push((words.visit.task_for, whom));
        }
        Body::TaskDone { note, .. } => pairs.push((words.visit.done_note, note.clone())),
        Body::ReferralAsked(ask) => {
            let service = ask.service.as_ref().and_then(|s| s.row()).map(|row| language.of(row.name).to_owned());
            pairs.push((words.referral.asked, (words.referral.kind)(ask.kind).to_owned()));
            pairs.push((words.referral.what, service.unwrap_or_default()));
            pairs.push((words.referral.to, receiver(&ask.receiver)));
            pairs.push((words.referral.why, ask.reason.clone()));
            let day = change.recorded_at.day();
            pairs.push((words.case_page.consent, sharing_line(&ask.sharing, day, words)));
        }
        Body::ReferralActed { act, .. } => {
            pairs.push((words.sync.acted, (words.referral.act)(act).to_owned()));
            pairs.extend(act_pairs(act, words, receiver));
        }
        Body::Told(told) => {
            pairs.push((words.sync.told, told.whom.clone()));
            pairs.push(((words.errors.fact)(FactName::Phone), phone(&told.phone)));
            pairs.push((words.emergency.at, date_time(told.at)));
        }
        Body::PlacesCounted { free, .. } => pairs.push((words.inbox.free_now, free.free.to_string())),
        Body::ActivityRecorded(activity) => {
            let (place, topic) = match activity {
                Activity::AnonymousContact { place } => (place, String::new()),
                Activity::GroupSession { place, on, people, topic } => {
                    (place, format!("{}, {people}: {topic}", date(*on)))
                }
            };
            pairs.push((words.cases.village, naming::place_name(place, &rules.places)));
            pairs.push((words.sync.activity, topic));
        }
        Body::FacilityOpened(facts) => pairs.push((words.referral.to, facts.name.clone())),
        Body::PhotoAdded(photo) => pairs.push((words.visit.done_note, photo.caption.clone())),
        Body::PhotoRemoved { .. } | Body::Looked => {}
    }
    pairs.retain(|(_, value)| !value.is_empty());
    pairs
}

/// The facts of a change as the case page would show them.
fn fact_pairs(
    state: AppState,
    change: &Change,
    written: &[Fact],
    words: &'static Words,
    language: Lang,
) -> Vec<(&'static str, String)> {
    let actor = Actor { worker: change.author, grants: &[] };
    let code = match &change.body {
        Body::CaseOpened { code, .. } => code.clone(),
        _ => domain::CaseCode::from_random([0; 6]),
    };
    let body = Body::CaseOpened { code, facts: vec![] };
    let opening = unsaved(&change.log, change.subject, actor, body, change.recorded_at);
    let Some(header) = opened_header(&opening) else { return vec![] };
    let label = words.errors.fact;
    written.iter().map(|fact| (label(fact.name()), fact_said(state, &header, fact, words, language))).collect()
}

fn act_pairs(
    act: &Act,
    words: &'static Words,
    receiver: impl Fn(&domain::Receiver) -> String,
) -> Vec<(&'static str, String)> {
    match act {
        Act::Look | Act::Forward | Act::Accept | Act::ComeBack => vec![],
        Act::Approve { document } => document
            .iter()
            .flat_map(|d| {
                let on = d.on.map(date).unwrap_or_default();
                [
                    (words.queue.number, d.number.clone()),
                    (words.queue.signed_on, on),
                    (words.queue.signer, d.signer.clone()),
                ]
            })
            .collect(),
        Act::Return { question } => vec![(words.referral.question, question.clone())],
        Act::Answer { text } => vec![(words.referral.answer, text.clone())],
        Act::Refuse { reason, alternative } => vec![
            (words.referral.refused_because, reason.clone()),
            (words.referral.instead, alternative.as_ref().map(receiver).unwrap_or_default()),
        ],
        Act::Waitlist { note } => vec![(words.inbox.waitlist_note, note.clone())],
        Act::Receive { note, follow_up } => vec![
            (words.inbox.receive_note, note.clone()),
            (words.inbox.follow_up, follow_up.map(date).unwrap_or_default()),
        ],
        Act::Leave { to, back_on } => vec![(words.inbox.leave_to, to.clone()), (words.inbox.back_on, date(*back_on))],
        Act::Complete { outcome } => vec![(words.inbox.outcome, outcome.clone())],
        Act::Cancel { reason } => vec![(words.referral.take_back_reason, reason.clone())],
    }
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
                fallback=move || view! { <IconWord icon=Icon::Tick said=words.sync.nothing_waits /> }
            >
                <LongList items=groups row=group_row />
            </If>
        </Section>
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
