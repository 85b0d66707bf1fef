//! Hôm nay: the two large buttons, what needs this person, answers that arrived, visits due, what is still on the phone.

use std::sync::Arc;

use domain::{
    Card, CaseStatus, Delivery, OutboxItem, OutboxState, Phone, Places, Receiver, ReferralStatus, Role, Subject,
    TaskFor, Timestamp, Urgency, card::CardReferral,
};
use leptos::prelude::*;

use super::{
    app_state,
    banners::{Banners, StillFilling, SyncLine},
    clock, drafts, emergency, naming, referral,
    route::Route,
    state::{AppState, Opening},
    ui::{
        CallLink, ClockMark, CollectAny, DeliveryMark, EmptyState, If, LongList, ReferralMark, Row, Screen, Section,
        SkeletonRows, Tab, Top, UrgencyMark, moment,
    },
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{Words, change_title, phone, weekday_date},
};

/// An answer stands on Today for a week.
const ANSWER_DAYS: i64 = 7;
/// Visits are shown a week ahead.
const VISIT_DAYS: i64 = 7;
/// Rows that a section draws at a time: the first tap of a full day waits for no more.
const ROWS: usize = 8;

#[component]
pub fn Today() -> AnyView {
    let state = app_state();
    let words = words();
    let greeting = move || state.worker.with(|w| w.as_ref().map(|w| (words.today.greeting)(w.address, w.name.given())));
    let line = move || {
        let day = weekday_date(state.now.get().day(), &words.time.weekdays);
        let mut areas: Vec<String> = state.own_villages().into_iter().map(|(_, name)| name).collect();
        if areas.len() > 3 || areas.is_empty() {
            areas = state.own_communes().into_iter().map(|(_, name)| name).collect();
        }
        if areas.is_empty() { day } else { format!("{day} · {}", areas.join(", ")) }
    };
    view! {
        <Screen top=Top::Brand title=words.frame.today tab=Tab::Today under_bar=|| view! { <Banners /> } dock=|| view! { <SyncLine /> }>
            <div>
                <h1>{greeting}</h1>
                <p class="soft">{line}</p>
            </div>
            <If when=move || state.records()>
                <div class="pair">
                    <a class="big-button" href=Route::NewCase.path()>
                        {sized(Icon::Plus, Some("l"))} {words.today.new_case}
                    </a>
                    <a class="big-button" data-kind="emergency" href=Route::Emergency.path()>
                        {sized(Icon::Alarm, Some("l"))} {words.today.emergency}
                    </a>
                </div>
            </If>
            {move || match state.opening.get() {
                Opening::Busy | Opening::Known => view! { <SkeletonRows /> }.into_any(),
                _ => view! { <Sections /> }.into_any(),
            }}
        </Screen>
    }
    .into_any()
}

#[component]
fn Sections() -> AnyView {
    let state = app_state();
    let words = words();
    let to_do = Memo::new(move |_| to_do(state, words));
    let answers = Memo::new(move |_| answers(state));
    let visits = Memo::new(move |_| visits(state));
    let nothing = move || {
        to_do.with(Vec::is_empty)
            && answers.with(Vec::is_empty)
            && visits.with(Vec::is_empty)
            && state.outbox.with(Vec::is_empty)
            && referral::waiting_for_me(state).is_empty()
            && referral::inbox(state).is_empty()
    };
    let you = move || (words.speech.you)(state.worker.with(|w| w.as_ref().map(|w| w.address).unwrap_or_default()));
    view! {
        <If when=move || !to_do.with(Vec::is_empty)>
            <Section title=(words.today.to_do)(you())>
                <LongList items=to_do row=to_do_row window=ROWS />
            </Section>
        </If>
        {move || desk(state, words)}
        <If when=move || !answers.with(Vec::is_empty)>
            <Section title=words.today.answers>
                <LongList items=answers row=answer_row window=ROWS />
            </Section>
        </If>
        <If when=move || !visits.with(Vec::is_empty)>
            <Section
                title=words.today.visits
                remark=Signal::derive(move || (words.today.visits_count)(visits.with(Vec::len)))
            >
                <LongList items=visits row=visit_row window=ROWS />
            </Section>
        </If>
        <If when=move || !state.outbox.with(Vec::is_empty)>
            <Outbox />
        </If>
        <If when=nothing>
            <If
                when=move || !state.is_filling()
                fallback=|| view! { <StillFilling /> }
            >
                <EmptyState icon=Icon::Calendar title=words.today.nothing text=words.today.nothing_long />
            </If>
        </If>
    }
    .into_any()
}

/// Something that only this person can move on.
#[derive(Clone, PartialEq)]
struct ToDo {
    href: String,
    icon: Icon,
    title: String,
    text: String,
    quote: Option<String>,
    returned: bool,
}

fn to_do(state: AppState, words: &'static Words) -> Vec<ToDo> {
    let Some(me) = state.me() else { return vec![] };
    let now = state.now.get();
    let colleagues = state.colleagues();
    let writes = state.records();
    let mut all = Vec::new();
    for drafts::Listed { draft, title, href } in drafts::listed(state, words) {
        let when = moment(draft.at, now);
        all.push(ToDo {
            text: if href.is_some() { (words.today.draft_text)(&when) } else { (words.sync.draft_at)(&when) },
            // What no form opens is read where everything of this phone is.
            href: href.unwrap_or_else(|| Route::Sync.path()),
            icon: if draft.name == emergency::DRAFT { Icon::Alarm } else { Icon::Pencil },
            title,
            quote: None,
            returned: false,
        });
    }
    state.cards.with(|cards| {
        for card in cards.iter().filter(|c| !c.is_sheet) {
            let Subject::Case(case) = card.subject else { continue };
            let title = naming::card_title(card, now.day(), words);
            for referral in card.referrals.iter().filter(|r| r.status == ReferralStatus::Returned && r.author == me) {
                let who = referral.asked_by.map(|by| naming::colleague(by, &colleagues, words)).unwrap_or_default();
                all.push(ToDo {
                    href: Route::Referral(case, referral.id).path(),
                    icon: Icon::Question,
                    title: title.clone(),
                    text: (words.today.asks)(&crate::text::capital(&who)),
                    quote: referral.question.clone(),
                    returned: true,
                });
            }
            if card.conflict && writes {
                all.push(ToDo {
                    href: Route::Case(case).path(),
                    icon: Icon::People,
                    title: title.clone(),
                    text: words.conflict.to_do.to_owned(),
                    quote: None,
                    returned: false,
                });
            }
            if card.not_asked && card.author == me && card.status != CaseStatus::Closed {
                all.push(ToDo {
                    href: Route::AskConsent(case).path(),
                    icon: Icon::Warning,
                    title,
                    text: words.today.consent_open.to_owned(),
                    quote: None,
                    returned: false,
                });
            }
        }
    });
    all
}

fn to_do_row(to_do: ToDo) -> AnyView {
    view! {
        <li>
            <a class="row" href=to_do.href>
                {to_do.icon}
                <div>
                    <span class="row-title">{to_do.title}</span>
                    <span class="row-text">{to_do.text}</span>
                    {to_do.quote.map(|quote| view! { <span class="quote">{quote}</span> })}
                    {to_do
                        .returned
                        .then(|| {
                            view! { <span class="marks"><ReferralMark status=ReferralStatus::Returned /></span> }
                        })}
                </div>
            </a>
        </li>
    }
    .into_any()
}

/// What waits at a desk: a supervisor's queue, a facility's inbox.
fn desk(state: AppState, words: &'static Words) -> AnyView {
    let waiting = referral::waiting_for_me(state);
    let inbox = referral::inbox(state);
    let you = (words.speech.you)(state.worker.with(|w| w.as_ref().map(|w| w.address).unwrap_or_default()));
    let section = move |title: String, mut all: Vec<referral::Waiting>| {
        let remark = (words.today.queue_count)(all.len());
        all.truncate(5);
        view! {
            <Section title remark=Signal::stored(remark)>
                <ul class="rows">{all.into_iter().map(|w| referral::queue_row(state, w)).collect_any()}</ul>
            </Section>
        }
        .into_any()
    };
    view! {
        {(!waiting.is_empty()).then(|| section((words.today.queue)(you), waiting))}
        {(!inbox.is_empty()).then(|| section(words.today.inbox.to_owned(), inbox))}
    }
    .into_any()
}

/// Own referrals that moved at the receiver within the last days.
fn answers(state: AppState) -> Vec<(Arc<Card>, CardReferral)> {
    let Some(me) = state.me() else { return vec![] };
    let today = state.now.get().day();
    let mut all: Vec<(Arc<Card>, CardReferral)> = state.cards.with(|cards| {
        let answered = |r: &&CardReferral| {
            use ReferralStatus as S;
            r.author == me
                && matches!(
                    r.status,
                    S::InService | S::Accepted | S::Waitlisted | S::Refused | S::Completed | S::TemporaryLeave
                )
                && r.moved_at.day().days_until(today) <= ANSWER_DAYS
        };
        cards
            .iter()
            .filter(|c| !c.is_sheet)
            .flat_map(|card| card.referrals.iter().filter(answered).map(|r| (Arc::clone(card), r.clone())))
            .collect()
    });
    domain::order::sort_by_key(&mut all, |(_, r)| std::cmp::Reverse(r.moved_at));
    all
}

fn answer_row((card, referral): (Arc<Card>, CardReferral)) -> AnyView {
    let state = app_state();
    let words = words();
    let now = state.now.get();
    let rules = state.rules();
    let (name, number) = receiver_of(state, &referral, &rules.places, words);
    let Subject::Case(case) = card.subject else { return ().into_any() };
    let status = referral.status;
    view! {
        <li>
            <Row
                href=Route::Referral(case, referral.id).path()
                icon=Icon::House
                title=naming::card_title(&card, now.day(), words)
                text=format!("{name}, {}", moment(referral.moved_at, now))
            >
                <ReferralMark status />
            </Row>
            {number
                .map(|number| {
                    let label = (words.frame.call)(&phone(&number));
                    view! { <div class="row-foot"><CallLink phone=number label /></div> }
                })}
        </li>
    }
    .into_any()
}

fn receiver_of(state: AppState, referral: &CardReferral, places: &Places, words: &Words) -> (String, Option<Phone>) {
    let Some(receiver) = &referral.receiver else { return (String::new(), None) };
    state.facilities.with(|facilities| {
        let number = match receiver {
            Receiver::Facility(id) => facilities
                .iter()
                .find(|f| f.id == *id)
                .and_then(|f| f.facts.duty_phone.clone().or_else(|| f.facts.phone.clone())),
            _ => None,
        };
        (naming::receiver(receiver, facilities, places, words), number)
    })
}

/// A visit or task with its day.
#[derive(Clone, PartialEq)]
struct Due {
    card: Arc<Card>,
    what: String,
    on: Option<domain::Day>,
    is_task: bool,
}

fn visits(state: AppState) -> Vec<Due> {
    let goes_out = state.has(Role::Collaborator) || state.has(Role::Outreach);
    let Some(me) = state.me().filter(|_| goes_out) else { return vec![] };
    let today = state.now.get().day();
    let rules = state.rules();
    let grants = state.worker.with(|w| w.as_ref().map(|w| w.grants.clone()).unwrap_or_default());
    let near = |day: domain::Day| today.days_until(day) <= VISIT_DAYS;
    let mut all = Vec::new();
    state.cards.with(|cards| {
        for card in cards.iter().filter(|c| !c.is_sheet && !matches!(c.status, CaseStatus::Closed | CaseStatus::Merged))
        {
            if let Some((day, what)) = &card.next_visit
                && near(*day)
            {
                all.push(Due { card: Arc::clone(card), what: what.clone(), on: Some(*day), is_task: false });
            }
            for task in &card.tasks {
                // While people disagree whose it is, it is everybody's of them.
                let mine = |whom: &TaskFor| match whom {
                    TaskFor::Worker(worker) => *worker == me,
                    TaskFor::Village(place) => {
                        domain::worker::covers(&grants, Role::Collaborator, place, &rules.places)
                    }
                };
                if task.whose().any(mine) && task.due.is_none_or(near) {
                    all.push(Due { card: Arc::clone(card), what: task.what.clone(), on: task.due, is_task: true });
                }
            }
        }
    });
    domain::order::sort_by_key(&mut all, |d| (d.on.is_none(), d.on));
    all
}

fn visit_row(due: Due) -> AnyView {
    let state = app_state();
    let words = words();
    let today = state.now.get().day();
    let rules = state.rules();
    let Subject::Case(case) = due.card.subject else { return ().into_any() };
    let place = due.card.place.as_ref().map(|p| naming::place_name(p, &rules.places));
    let text = [place, Some(due.what).filter(|w| !w.is_empty())].into_iter().flatten().collect::<Vec<_>>().join(". ");
    let icon = if due.is_task { Icon::Page } else { Icon::Calendar };
    view! {
        <li>
            <Row
                href=Route::Case(case).path()
                icon=icon
                title=naming::card_title_aged(&due.card, today, words)
                text
            >
                {due.on.map(|day| view! { <ClockMark clock=clock::of_day(day, today, words) /> })}
            </Row>
        </li>
    }
    .into_any()
}

/// What is still on this phone, a row for each case, emergencies first.
#[component]
fn Outbox() -> AnyView {
    let state = app_state();
    let words = words();
    let remark = Signal::derive(move || {
        let (queued, held) = state.unsent();
        (words.today.outbox_count)(queued, held)
    });
    let rows = move || {
        let now = state.now.get();
        let outbox = state.outbox.get();
        let mut subjects: Vec<(Subject, Vec<OutboxItem>)> = Vec::new();
        for item in outbox.into_iter().filter(|i| !matches!(i.state, OutboxState::Received { .. })) {
            match subjects.iter_mut().find(|(s, _)| *s == item.change.subject) {
                Some((_, items)) => items.push(item),
                None => subjects.push((item.change.subject, vec![item])),
            }
        }
        let cards = state.cards.get();
        let card_of = |subject: Subject| cards.iter().find(|c| c.subject == subject).cloned();
        let is_emergency = |s: Subject, items: &[OutboxItem]| {
            card_of(s).is_some_and(|c| c.urgency == Urgency::Emergency)
                || items.iter().any(|i| i.change.body.is_emergency())
        };
        domain::order::sort_by_key(&mut subjects, |(s, items)| !is_emergency(*s, items));
        let more = subjects.len() > 5;
        let rows = subjects
            .into_iter()
            .take(5)
            .map(|(subject, items)| {
                let card = card_of(subject);
                let emergency = is_emergency(subject, &items);
                outbox_row(card.as_deref(), subject, &items, emergency, now, words)
            })
            .collect_any();
        view! {
            {rows}
            {more
                .then(|| {
                    view! { <li><Row href=Route::Sync.path() icon=Icon::Outbox title=words.today.all_items /></li> }
                })}
        }
    };
    view! {
        <Section title=words.today.outbox remark>
            <ul class="rows">{rows}</ul>
        </Section>
    }
    .into_any()
}

fn outbox_row(
    card: Option<&Card>,
    subject: Subject,
    items: &[OutboxItem],
    emergency: bool,
    now: Timestamp,
    words: &'static Words,
) -> AnyView {
    let delivery = items.iter().map(Delivery::of_item).reduce(Delivery::least).unwrap_or(Delivery::Queued);
    let held = matches!(delivery, Delivery::Held { .. });
    let title = match card {
        Some(card) => naming::card_title(card, now.day(), words),
        None => items.first().map(|i| change_title(&i.change, words)).unwrap_or_default(),
    };
    let text = match (emergency, items) {
        (true, _) => words.today.goes_first.to_owned(),
        (false, [one]) => change_title(&one.change, words),
        (false, many) => (words.today.items)(many.len()),
    };
    let href = match (subject, held, emergency) {
        (Subject::Case(case), false, true) => Route::EmergencyCase(case).path(),
        (Subject::Case(case), false, false) => Route::Case(case).path(),
        _ => Route::Sync.path(),
    };
    let icon = if held { Icon::Warning } else { Icon::Outbox };
    view! {
        <li data-urgency=emergency.then_some("emergency")>
            <Row href icon=icon title text>
                {emergency.then(|| view! { <UrgencyMark urgency=Urgency::Emergency /> })} <DeliveryMark delivery now />
            </Row>
        </li>
    }
    .into_any()
}
