//! What a receiver is asked and answers, and a facility's places. A facility reads a sheet: what the consent covers and no
//! more. The same answers serve a desk, a team or a household of the commune.

use std::sync::Arc;

use domain::{
    Act, Body, ChangeId, Day, DecideError, Facility, FreePlaces, Invalid, LogId, Parts, Phone, PlaceId, Receiver,
    ReferralStatus, Refusal, Sheet, Side, Spot, Subject, Urgency, WorkerId,
};
use leptos::prelude::*;

use super::{
    Standpoint, blank_leave, blank_refusal,
    decide::{ActPage, MovedNote, need_of},
    receivers::{Need, Offer, alternatives, as_options, key},
    steps::{asked, papers_word, sheet_line},
    turn::{self, Waiting, sheets},
    with_parts,
};
use crate::{
    field::{
        app_state,
        banners::{Banners, SyncLine},
        clock,
        draft::{DraftLine, form, keep_draft},
        naming, navigator,
        route::Route,
        saving::{SaveButton, SaveFailure, Saving},
        state::{AppState, Loaded},
        ui::{
            CallLink, Chips, ClockMark, CollectAny, DateField, DateParts, DeliveryMark, EmptyState, Field, FieldError,
            If, Note, Notice, RadioList, RadioOption, ReferralMark, RestrictedMark, Screen, Tab, Top, Typing,
            UrgencyMark, WholeError, focus_first_error, fresh_id, moment, standing_dialog,
        },
        words,
    },
    icon::{Icon, sized},
    text::{Words, grouped, phone, refusal, time, weekday_date},
};

/// The answers open to a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiverDoors {
    pub receive: bool,
    accept: bool,
    waitlist: bool,
    refuse: bool,
    leave: bool,
    come_back: bool,
    complete: bool,
}

impl ReceiverDoors {
    /// `None` when this person is not the receiver, or nothing is open.
    pub fn of(standpoint: Standpoint<'_>, today: Day) -> Option<Self> {
        let may = |act: &Act| standpoint.may(Side::Receiver, act);
        let doors = Self {
            receive: may(&Act::Receive { note: String::new(), follow_up: None }),
            accept: may(&Act::Accept),
            waitlist: may(&Act::Waitlist { note: String::new() }),
            refuse: may(&blank_refusal()),
            leave: may(&blank_leave(today)),
            come_back: may(&Act::ComeBack),
            complete: may(&Act::Complete { outcome: String::new() }),
        };
        let none = Self {
            receive: false,
            accept: false,
            waitlist: false,
            refuse: false,
            leave: false,
            come_back: false,
            complete: false,
        };
        (doors != none).then_some(doors)
    }
}

form! {
    /// A receiver's answer, as typed.
    ReplyFields as ReplyDraft {
        choice: String,
        note: String,
        visit: Option<usize>,
        visit_day: String,
        visit_month: String,
        visit_year: String,
        reason: String,
        instead: String,
        whom: String,
        back_day: String,
        back_month: String,
        back_year: String,
        outcome: String,
    }
}

const RECEIVE: &str = "receive";
const ACCEPT: &str = "accept";
const WAITLIST: &str = "waitlist";
const REFUSE: &str = "refuse";
const LEAVE: &str = "leave";
const COME_BACK: &str = "come_back";
const COMPLETE: &str = "complete";
const NOBODY: &str = "nobody";

/// Days until a follow-up visit that a chip offers.
const VISIT_DAYS: [u64; 3] = [7, 14, 30];
/// The chips after those: no visit, another day.
const NO_VISIT: usize = VISIT_DAYS.len();
const OTHER_DAY: usize = NO_VISIT + 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Choice,
    Note,
    Visit,
    Reason,
    Instead,
    Whom,
    BackOn,
    Outcome,
    Whole,
}

#[derive(Clone, Copy)]
struct Reply {
    page: ActPage,
    fields: ReplyFields,
    visit: DateParts,
    back: DateParts,
    offers: Memo<Vec<Offer>>,
    emergency: bool,
    words: &'static Words,
}

impl Reply {
    fn future_day(self, parts: DateParts, at: At) -> Result<Option<Day>, (At, String)> {
        let day = parts.whole().map_err(|why| (at, (self.words.errors.invalid)(why).to_owned()))?;
        match day {
            Some(day) if day < self.page.state.now.get().day() => Err((at, self.words.inbox.day_gone.to_owned())),
            day => Ok(day),
        }
    }
    fn act(self) -> Result<Act, (At, String)> {
        let text = |field: RwSignal<String>| field.get().trim().to_owned();
        let empty = || (self.words.errors.invalid)(Invalid::Empty).to_owned();
        match self.fields.choice.get().as_str() {
            RECEIVE => {
                let today = self.page.state.now.get().day();
                let follow_up = match self.fields.visit.get() {
                    Some(OTHER_DAY) => match self.future_day(self.visit, At::Visit)? {
                        Some(day) => Some(day),
                        None => return Err((At::Visit, empty())),
                    },
                    Some(n) => VISIT_DAYS.get(n).map(|days| today.plus_days(*days)),
                    None => None,
                };
                Ok(Act::Receive { note: text(self.fields.note), follow_up })
            }
            ACCEPT => Ok(Act::Accept),
            WAITLIST => Ok(Act::Waitlist { note: text(self.fields.note) }),
            REFUSE => {
                let chosen = self.fields.instead.get();
                let found = |offers: &Vec<Offer>| {
                    offers.iter().find(|o| key(&o.receiver) == chosen).map(|o| o.receiver.clone())
                };
                Ok(Act::Refuse { reason: text(self.fields.reason), alternative: self.offers.with(found) })
            }
            LEAVE => {
                let to = text(self.fields.whom);
                if to.is_empty() {
                    return Err((At::Whom, empty()));
                }
                match self.future_day(self.back, At::BackOn)? {
                    Some(back_on) => Ok(Act::Leave { to, back_on }),
                    None => Err((At::BackOn, empty())),
                }
            }
            COME_BACK => Ok(Act::ComeBack),
            COMPLETE => Ok(Act::Complete { outcome: text(self.fields.outcome) }),
            _ => Err((At::Choice, self.words.errors.choose.to_owned())),
        }
    }
    /// A refusal lacks a reason and, where the law asks for one, another place: both are said at once.
    fn lacks(self, at: At) -> Option<String> {
        let refuses = self.fields.choice.with(|c| c == REFUSE);
        let named = || self.fields.instead.with(|i| self.offers.with(|o| o.iter().any(|x| key(&x.receiver) == *i)));
        let why = match at {
            At::Reason if self.fields.reason.with(|r| r.trim().is_empty()) => DecideError::ReasonMissing,
            At::Instead if self.emergency && !named() => DecideError::AlternativeMissing,
            _ => return None,
        };
        refuses.then(|| (self.words.errors.decide)(why))
    }
    fn body(self) -> Result<(LogId, Subject, Body), (At, String)> {
        let words = self.words;
        let act = self.act()?;
        self.page.body(Side::Receiver, act).map_err(|why| {
            let at = match &why {
                Refusal::Decide(DecideError::ReasonMissing) => At::Reason,
                Refusal::Decide(DecideError::AlternativeMissing) => At::Instead,
                Refusal::Field { spot: Spot::Reason, .. } => At::Reason,
                Refusal::Field { spot: Spot::Outcome, .. } => At::Outcome,
                Refusal::Field { spot: Spot::Note, .. } => At::Note,
                _ => At::Whole,
            };
            let said = match &why {
                Refusal::Field { why, .. } => (words.errors.invalid)(*why).to_owned(),
                why => refusal(why, None, words),
            };
            (at, said)
        })
    }
}

/// The receiver's answers; each opens its own fields.
#[component]
pub fn ReceiverAnswers(referral: ChangeId, parts: RwSignal<Loaded>, open: ReceiverDoors) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let page = ActPage::new(referral, parts);
    let fields = ReplyFields::new(ReplyDraft::default());
    let visit = DateParts { day: fields.visit_day, month: fields.visit_month, year: fields.visit_year };
    let back = DateParts { day: fields.back_day, month: fields.back_month, year: fields.back_year };
    let emergency = untrack(|| with_parts(parts, |p| kind_is_emergency(p, referral))).unwrap_or(false);
    let offers = Memo::new(move |_| {
        let found = with_parts(parts, |p| need_and_receiver(state, p, referral)).flatten();
        found.map(|(need, receiver)| alternatives(state, &need, &receiver, words)).unwrap_or_default()
    });
    // A desk or a team takes on work, a facility or a household takes in a person.
    let is_work = untrack(|| {
        let found = with_parts(parts, |p| p.referral(referral).map(|r| r.ask.receiver.clone())).flatten();
        matches!(found, Some(Receiver::Desk(_) | Receiver::Team(_)))
    });
    let reply = Reply { page, fields, visit, back, offers, emergency, words };
    let draft_name = format!("reply:{referral}");
    let draft = keep_draft(draft_name.clone(), move || fields.read(), move |kept| fields.write(kept));
    let tried = RwSignal::new(false);
    let error = move |at: At| {
        Signal::derive(move || {
            if !tried.get() {
                return None;
            }
            reply.lacks(at).or_else(|| reply.body().err().filter(|(place, _)| *place == at).map(|(_, said)| said))
        })
    };
    let saving = Saving::new();
    let send = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        if untrack(|| page.moved()) {
            return;
        }
        let Ok((log, subject, body)) = untrack(|| reply.body()) else { return focus_first_error() };
        let received = !is_work && matches!(&body, Body::ReferralActed { act: Act::Receive { .. }, .. });
        saving.save(log, subject, vec![body], Some(draft_name.clone()), None, move |_| {
            draft.end();
            notice.say(if received { words.inbox.received } else { words.inbox.answered });
            navigator.back(Route::Referrals);
        });
    };
    let group = fresh_id();
    let choice = move |value: &'static str, label: &'static str, more: AnyView| {
        view! {
            <div class="choice">
                <label class="answer">
                    <input
                        type="radio"
                        name=group.clone()
                        value=value
                        aria-invalid=move || error(At::Choice).get().is_some().then_some("true")
                        prop:checked=move || fields.choice.with(|c| c == value)
                        on:change=move |_| fields.choice.set(value.to_owned())
                    />
                    <strong>{label}</strong>
                </label>
                <div class="more">{more}</div>
            </div>
        }
        .into_any()
    };
    let soft = |said: &'static str| view! { <p class="soft">{said}</p> }.into_any();
    let mut choices: Vec<AnyView> = Vec::new();
    if open.receive {
        let (label, text) = if is_work {
            (words.inbox.start, words.inbox.start_text)
        } else {
            (words.inbox.receive, words.inbox.receive_text)
        };
        let more = view! {
            <p class="soft">{text}</p>
            <ReceiveFields fields visit is_work note_error=error(At::Note) visit_error=error(At::Visit) />
        };
        choices.push(choice(RECEIVE, label, more.into_any()));
    }
    if open.accept {
        let (label, text) = if is_work {
            (words.inbox.take_on, words.inbox.take_on_text)
        } else {
            (words.inbox.accept, words.inbox.accept_text)
        };
        choices.push(choice(ACCEPT, label, soft(text)));
    }
    if open.waitlist && !is_work {
        let more = view! {
            <Field label=words.inbox.waitlist_note value=fields.note typing=Typing::Long error=error(At::Note) />
        };
        choices.push(choice(WAITLIST, words.inbox.waitlist, more.into_any()));
    }
    if open.refuse {
        let legend = if emergency { words.queue.instead } else { words.queue.instead_optional };
        let options = Signal::derive(move || {
            let mut all = offers.with(|o| as_options(o));
            if !emergency {
                all.push(RadioOption {
                    key: NOBODY.to_owned(),
                    label: words.queue.instead_none.to_owned(),
                    hint: String::new(),
                });
            }
            all
        });
        let more = view! {
            <Field label=words.queue.reason value=fields.reason typing=Typing::Long error=error(At::Reason) />
            <RadioList legend options chosen=fields.instead error=error(At::Instead) />
        };
        choices.push(choice(REFUSE, words.inbox.refuse, more.into_any()));
    }
    if open.come_back && !is_work {
        choices.push(choice(COME_BACK, words.inbox.come_back, soft(words.inbox.come_back_text)));
    }
    if open.leave && !is_work {
        let more = view! {
            <Field label=words.inbox.leave_to value=fields.whom error=error(At::Whom) />
            <DateField legend=words.inbox.back_on parts=back error=error(At::BackOn) />
        };
        choices.push(choice(LEAVE, words.inbox.leave, more.into_any()));
    }
    if open.complete {
        let more = view! {
            <Field label=words.inbox.outcome value=fields.outcome typing=Typing::Long error=error(At::Outcome) />
        };
        choices.push(choice(COMPLETE, words.inbox.complete, more.into_any()));
    }
    let heading = fresh_id();
    let labelled = heading.clone();
    let choice_error = error(At::Choice);
    view! {
        <form class="sheet" novalidate aria-labelledby=labelled on:submit=send>
            <h2 id=heading>{words.inbox.your_answer}</h2>
            <MovedNote page />
            {choices}
            <div class="field" hidden=move || choice_error.with(Option::is_none)>
                <FieldError id=fresh_id() error=choice_error />
            </div>
            <WholeError error=error(At::Whole) />
            <SaveFailure saving />
            <SaveButton saving label=words.referral.answer_send />
            <p class="soft">{words.queue.final_note}</p>
            <DraftLine draft />
        </form>
    }
    .into_any()
}

/// The note of a reception and the visit that the village is asked for.
#[component]
fn ReceiveFields(
    fields: ReplyFields,
    visit: DateParts,
    #[prop(optional)] is_work: bool,
    note_error: Signal<Option<String>>,
    visit_error: Signal<Option<String>>,
) -> AnyView {
    let words = words();
    let options = Signal::stored({
        let mut all: Vec<String> = VISIT_DAYS.iter().map(|days| (words.visit.in_days)(*days)).collect();
        all.extend([words.visit.no_next.to_owned(), words.visit.other_day.to_owned()]);
        all
    });
    view! {
        <Field label=if is_work { words.inbox.start_note } else { words.inbox.receive_note } value=fields.note typing=Typing::Long error=note_error />
        <Chips label=words.inbox.follow_up options chosen=fields.visit may_clear=true />
        <If when=move || fields.visit.get() == Some(OTHER_DAY)>
            <DateField legend=words.visit.other_day parts=visit error=visit_error />
        </If>
    }
    .into_any()
}

fn kind_is_emergency(parts: &Parts, referral: ChangeId) -> bool {
    let kind = parts.referral(referral).map(|r| r.ask.kind).or_else(|| parts.sheet(referral).map(|s| s.kind));
    kind.is_some_and(domain::ReferralKind::is_emergency)
}

/// What decides who else can be asked; a facility knows neither tile nor group of the person.
fn need_and_receiver(state: AppState, parts: &Parts, referral: ChangeId) -> Option<(Need, Receiver)> {
    if let Some(of) = parts.referral(referral) {
        return Some((need_of(state, parts, of)?, of.ask.receiver.clone()));
    }
    let sheet = parts.sheet(referral)?;
    let need = Need {
        kind: sheet.kind,
        service: sheet.service.clone(),
        tile: None,
        groups: vec![],
        restricted: sheet.restricted,
        commune: sheet.commune.clone(),
    };
    Some((need, Receiver::Facility(sheet.facility)))
}

/// What a sheet says, each item only where the consent covers it.
fn sheet_facts(sheet: &Sheet, words: &'static Words) -> Vec<(&'static str, String)> {
    use domain::FactName as N;
    let label = words.errors.fact;
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    vec![
        (label(N::FullName), sheet.name.as_ref().map(ToString::to_string).unwrap_or_default()),
        (label(N::Sex), sheet.sex.map(|s| (words.speech.sex)(s).to_owned()).unwrap_or_default()),
        (label(N::WhatHappened), text(&sheet.what_happened)),
        (words.referral.why, text(&sheet.reason)),
        (label(N::Health), text(&sheet.health)),
        (words.inbox.household, text(&sheet.household)),
        (label(N::Phone), sheet.phone.as_ref().map(phone).unwrap_or_default()),
    ]
}

/// One sheet on its own page.
pub fn sheet_head(state: AppState, sheet: &Sheet) -> AnyView {
    let words = words();
    let now = state.now.get();
    let rules = state.rules();
    let from = sheet.commune.as_ref().map(|p| crate::text::capital(&naming::place_said(p, &rules.places, words)));
    let received = sheet.received_at.map(|at| (words.queue.received_at)(&moment(at, now)));
    let line = [from, received].into_iter().flatten().collect::<Vec<_>>().join(". ");
    let progress = &sheet.progress;
    let delivery = state.outbox.with(|outbox| turn::delivery(sheet.referral, outbox));
    let waits = sheet.emergency
        && matches!(
            progress.status,
            ReferralStatus::Submitted | ReferralStatus::Approved | ReferralStatus::Forwarded | ReferralStatus::Returned
        );
    let pairs = sheet_facts(sheet, words)
        .into_iter()
        .filter(|(_, said)| !said.is_empty())
        .map(|(label, said)| view! { <dt>{label}</dt><dd class="lines">{said}</dd> })
        .collect_any();
    let covered = if sheet.withdrawn {
        view! {
            <Note icon=Icon::Lock said=Signal::stored(words.inbox.withdrawn.to_owned()) tone="wait" />
        }
        .into_any()
    } else {
        view! { <p class="soft">{sheet_line(sheet, words)}</p> }.into_any()
    };
    view! {
        <section class="stack">
            <div>
                <h1>{naming::sheet_title(sheet, now.day(), words)}</h1>
                <p class="soft">
                    {line} ", " {domain::search::lower(words.frame.code)} " " <span class="code">{sheet.code.to_string()}</span>
                </p>
            </div>
            <div class="cluster">
                {waits.then(|| view! { <UrgencyMark urgency=Urgency::Emergency /> })}
                {sheet.restricted.then(|| view! { <RestrictedMark /> })}
                <ReferralMark status=progress.status />
                {progress.papers.map(|papers| view! { <span class="soft">{papers_word(papers, words)}</span> })}
                {delivery.map(|delivery| view! { <DeliveryMark delivery now /> })}
            </div>
            <dl class="facts panel">
                <dt>{words.referral.asked}</dt>
                <dd><strong>{asked(sheet.kind, sheet.service.as_ref(), words)}</strong></dd>
                {pairs}
            </dl>
            {covered}
            <div class="pair">
                {sender(state, sheet.author, sheet.commune.as_ref())
                    .into_iter()
                    .map(|(number, label)| view! { <CallLink phone=number label /> })
                    .collect_any()}
            </div>
        </section>
    }
    .into_any()
}

/// Whom a facility may call about a sheet: its commune's desk, and whoever wrote it.
fn sender(state: AppState, author: WorkerId, commune: Option<&PlaceId>) -> Vec<(Phone, String)> {
    let words = words();
    let desk = commune.and_then(|commune| {
        state.briefing.with(|b| {
            let numbers = &b.as_ref()?.numbers;
            let of_desk = |n: &&domain::EmergencyNumber| n.kind == "supervisor" && n.commune.as_ref() == Some(commune);
            numbers.iter().find(of_desk).map(|n| (n.phone.clone(), words.inbox.call_commune.to_owned()))
        })
    });
    let writer = state.colleagues().into_iter().find(|c| c.id == author).and_then(|c| {
        let number = c.phone?;
        Some((number, words.inbox.call_sender.to_owned()))
    });
    desk.into_iter().chain(writer).collect()
}

/// What is asked of a facility, beside its places; wide on a laptop, one column on a phone.
#[component]
pub fn Inbox() -> AnyView {
    let state = app_state();
    let words = words();
    let tab = RwSignal::new(Some(0));
    let receiving = RwSignal::new(None::<Waiting>);
    let lists = Memo::new(move |_| {
        use ReferralStatus as S;
        [
            turn::inbox(state),
            sheets(state, |s, _| s == S::Accepted),
            sheets(state, |s, _| matches!(s, S::InService | S::TemporaryLeave)),
            sheets(state, |s, _| s.is_final()),
        ]
    });
    let options = Signal::derive(move || {
        lists.with(|[asked, held, inside, _]| {
            vec![
                (words.inbox.to_answer)(asked.len()),
                (words.inbox.holding)(held.len()),
                (words.inbox.inside)(inside.len()),
                words.inbox.finished.to_owned(),
            ]
        })
    });
    let rows = move || lists.with(|lists| lists[tab.get().unwrap_or(0).min(3)].clone());
    let own = Signal::derive(move || {
        state.worker.with(|w| w.as_ref().and_then(|w| w.grants.iter().find_map(|g| g.facility)))
    });
    // The clock must not draw the board anew while somebody types a figure.
    let facility = Memo::new(move |_| {
        state.facilities.with(|all| own.get().and_then(|id| all.iter().find(|f| f.id == id).cloned()))
    });
    let line = move || {
        let name = facility.with(|f| f.as_ref().map(|f| f.facts.name.clone())).unwrap_or_default();
        let now = state.now.get();
        format!("{name} · {}, {}", weekday_date(now.day(), &words.time.weekdays), time(now))
    };
    let heading = move || match tab.get() {
        Some(n @ 0..=2) => options.with(|o| o[n].clone()),
        _ => words.inbox.finished.to_owned(),
    };
    view! {
        <Screen
            top=Top::Brand
            title=words.inbox.title
            tab=Tab::Referrals
            wide=true
            under_bar=|| view! { <Banners /> }
            dock=|| view! { <SyncLine /> }
        >
            <header class="wide-head">
                <div>
                    <h1>{words.inbox.title}</h1>
                    <p class="soft">{line}</p>
                </div>
                <Chips label=words.inbox.title heard_only=true options chosen=tab />
            </header>
            <div class="split">
                <section class="stack">
                    <h2 class="hidden-label">{heading}</h2>
                    <If
                        when=move || !rows().is_empty()
                        fallback=move || {
                            view! { <EmptyState icon=Icon::Page title=words.inbox.none text=words.inbox.none_long /> }
                        }
                    >
                        <ul class="rows">
                            <For each=rows key=row_key let:waiting>
                                <InboxRow waiting receiving />
                            </For>
                        </ul>
                    </If>
                </section>
                {move || facility.get().map(|facility| view! { <PlacesBoard facility /> })}
            </div>
            {move || receiving.get().map(|waiting| view! { <Receiving waiting receiving /> })}
        </Screen>
    }
    .into_any()
}

/// A row stays while nothing about it moves, so that the clock does not draw it anew under a finger.
fn row_key(waiting: &Waiting) -> (ChangeId, ReferralStatus, Option<u8>) {
    (waiting.referral.id, waiting.referral.status, waiting.referral.papers.map(|papers| papers as u8))
}

/// One sheet of the inbox: what the consent covers, the clock, and the two answers most often given.
#[component]
fn InboxRow(waiting: Waiting, receiving: RwSignal<Option<Waiting>>) -> AnyView {
    use ReferralStatus as S;
    let state = app_state();
    let words = words();
    let Waiting { card, referral, due } = waiting.clone();
    let emergency = waiting.is_emergency();
    let Subject::Case(case) = card.subject else { return ().into_any() };
    let parts = state.parts(card.subject);
    let id = referral.id;
    let title = {
        let card = Arc::clone(&card);
        move || naming::card_title_aged(&card, state.now.get().day(), words)
    };
    let from = {
        let card = Arc::clone(&card);
        move || {
            let rules = state.rules();
            let place = card.place.as_ref().map(|p| naming::place_said(p, &rules.places, words));
            let service = with_parts(parts, |p| p.sheet(id).and_then(|s| s.service.clone())).flatten();
            [Some(asked(referral.kind, service.as_ref(), words)), place]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" · ")
        }
    };
    let told = move || {
        with_parts(parts, |p| {
            let sheet = p.sheet(id)?;
            if sheet.withdrawn {
                return Some(
                    view! { <Note icon=Icon::Lock said=Signal::stored(words.inbox.withdrawn.to_owned()) tone="wait" /> }
                        .into_any(),
                );
            }
            let said = sheet.what_happened.clone().or_else(|| sheet.reason.clone());
            let items = sheet_line(sheet, words);
            Some(
                view! {
                    {said.map(|said| view! { <p class="lines clamp">{said}</p> })}
                    <p class="soft">{items}</p>
                }
                .into_any(),
            )
        })
        .flatten()
    };
    let clock = move || {
        let now = state.now.get();
        match &due {
            Some(due) => {
                let mut clock = clock::of_due(due, now, words);
                if referral.papers == Some(domain::Papers::Due) {
                    clock.said = (words.time.papers)(&clock.said);
                }
                // The desk's clock is not the receiver's.
                (due.level == domain::Level::Receiver || referral.papers.is_some()).then_some(clock)
            }
            None => None,
        }
    };
    let at_once =
        referral.receives_at_once && matches!(referral.status, S::Submitted | S::Approved | S::Returned | S::Forwarded);
    let may_receive = at_once || matches!(referral.status, S::Forwarded | S::Accepted | S::Waitlisted);
    let delivery = move || state.outbox.with(|outbox| turn::delivery(id, outbox));
    let open_label =
        if referral.status.is_final() || referral.status == S::InService { words.inbox.open } else { words.inbox.look };
    let calls = {
        let card = Arc::clone(&card);
        move || {
            sender(state, card.author, card.place.as_ref())
                .into_iter()
                .take(1)
                .map(|(number, label)| view! { <CallLink phone=number label /> })
                .collect_any()
        }
    };
    let papers = referral.papers.map(|papers| papers_word(papers, words).to_owned());
    let papers = papers.or_else(|| at_once.then(|| words.inbox.papers_later.to_owned()));
    view! {
        <li data-urgency=emergency.then_some("emergency")>
            <article class="inbox-row">
                <div class="stack">
                    <div>
                        <h3 class="row-title">{title.clone()}</h3>
                        <p class="row-text"><span>{from}</span> <span class="code">{card.code.to_string()}</span></p>
                    </div>
                    {told}
                    <div class="cluster">
                        {emergency.then(|| view! { <UrgencyMark urgency=Urgency::Emergency /> })}
                        {card.restricted.then(|| view! { <RestrictedMark /> })}
                        <ReferralMark status=referral.status />
                        {papers.map(|papers| view! { <span class="soft">{papers}</span> })}
                        {move || delivery().map(|delivery| view! { <DeliveryMark delivery now=state.now.get() /> })}
                    </div>
                </div>
                <div class="side-cell">
                    {at_once
                        .then(|| {
                            let said = words.inbox.at_once.to_owned();
                            view! { <span class="clock" data-clock="emergency">{Icon::Clock}<span>{said}</span></span> }
                        })}
                    {move || clock().map(|clock| view! { <ClockMark clock /> })}
                    {may_receive
                        .then(|| {
                            view! {
                                <button
                                    class="button"
                                    data-kind=at_once.then_some("main")
                                    type="button"
                                    on:click=move |_| receiving.set(Some(waiting.clone()))
                                >
                                    {words.inbox.receive}
                                </button>
                            }
                        })}
                    <a class="button" href=Route::Referral(case, id).path()>{open_label}</a>
                    {calls}
                </div>
            </article>
        </li>
    }
    .into_any()
}

/// Receiving somebody straight from the list. It stands beside the rows: a decision that arrives meanwhile draws the row
/// anew and leaves what is being typed alone.
#[component]
fn Receiving(waiting: Waiting, receiving: RwSignal<Option<Waiting>>) -> AnyView {
    let state = app_state();
    let words = words();
    let Waiting { card, referral, .. } = waiting;
    let referral = referral.id;
    let parts = state.parts(card.subject);
    let title = Signal::derive(move || naming::card_title_aged(&card, state.now.get().day(), words));
    let here = Memo::new(move |before| before == Some(&true) || matches!(parts.get(), Loaded::Here(_)));
    (move || here.get().then(|| view! { <ReceiveDialog referral parts receiving title /> })).into_any()
}

#[component]
fn ReceiveDialog(
    referral: ChangeId,
    parts: RwSignal<Loaded>,
    receiving: RwSignal<Option<Waiting>>,
    title: Signal<String>,
) -> AnyView {
    let words = words();
    let notice = expect_context::<Notice>();
    let page = ActPage::new(referral, parts);
    let fields = ReplyFields::new(ReplyDraft { choice: RECEIVE.to_owned(), ..ReplyDraft::default() });
    let visit = DateParts { day: fields.visit_day, month: fields.visit_month, year: fields.visit_year };
    let reply = Reply {
        page,
        fields,
        visit,
        back: DateParts::new(None),
        offers: Memo::new(|_| vec![]),
        emergency: false,
        words,
    };
    let tried = RwSignal::new(false);
    let error = move |at: At| {
        Signal::derive(move || {
            if !tried.get() {
                return None;
            }
            reply.lacks(at).or_else(|| reply.body().err().filter(|(place, _)| *place == at).map(|(_, said)| said))
        })
    };
    let saving = Saving::new();
    let send = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        let Ok((log, subject, body)) = untrack(|| reply.body()) else { return };
        saving.save(log, subject, vec![body], None, None, move |_| {
            notice.say(words.inbox.received);
            let _ = receiving.try_set(None);
        });
    };
    let dialog = standing_dialog();
    let heading = fresh_id();
    let labelled = heading.clone();
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby=labelled on:close=move |_| receiving.set(None)>
            <form novalidate on:submit=send>
                <div>
                    <h2 id=heading>{words.inbox.receive}</h2>
                    <p>{title}</p>
                </div>
                <ReceiveFields fields visit note_error=error(At::Note) visit_error=error(At::Visit) />
                <MovedNote page />
                <WholeError error=error(At::Whole) />
                <SaveFailure saving />
                <div class="pair">
                    <button class="button" type="button" on:click=move |_| receiving.set(None)>{words.frame.cancel}</button>
                    <button class="button" data-kind="main" disabled=move || saving.busy.get()>{words.inbox.receive}</button>
                </div>
            </form>
        </dialog>
    }
    .into_any()
}

/// Free, held and taken places, as of when they were counted.
#[component]
fn PlacesBoard(facility: Facility) -> AnyView {
    /// More squares than this say less than the figure.
    const SQUARES: u32 = 160;
    let state = app_state();
    let words = words();
    let places = facility.facts.places;
    if places == 0 {
        return ().into_any();
    }
    let counted = facility.free.shown().copied();
    let free = counted.map_or(0, |c| c.free.min(places));
    let figures = Memo::new(move |_| {
        let held = u32::try_from(sheets(state, |s, _| s == ReferralStatus::Accepted).len()).unwrap_or(0);
        let held = held.min(places - free);
        (places - free - held, held)
    });
    let editing = RwSignal::new(false);
    let as_of = move || counted.map(|c| (words.referral.as_of)(&moment(c.as_of, state.now.get())));
    let squares = move || {
        let (taken, held) = figures.get();
        let square = |kind: &'static str, n: u32| (0..n).map(|_| view! { <i data-place=kind></i> }).collect_any();
        (places <= SQUARES).then(|| {
            view! {
                <div class="places">
                    <div class="grid" aria-hidden="true">
                        {square("taken", taken)} {square("held", held)} {square("free", free)}
                    </div>
                </div>
            }
        })
    };
    let key = |kind: &'static str, word: &'static str, n: Signal<u32>| {
        view! { <span><i data-place=kind></i>{word} " " {move || grouped(n.get().into())}</span> }
    };
    let heading = fresh_id();
    let labelled = heading.clone();
    let quota = facility.facts.yearly_quota;
    let facility = StoredValue::new(facility);
    view! {
        <aside class="panel" aria-labelledby=labelled>
            <div class="section-head">
                <h2 id=heading>{words.inbox.places}</h2>
                <span>{as_of}</span>
            </div>
            <p><strong class="figure">{grouped(free.into())}</strong> " " {(words.inbox.places_free)(places)}</p>
            <div class="place-key soft">
                {key("taken", words.inbox.places_key[0], Signal::derive(move || figures.get().0))}
                {key("held", words.inbox.places_key[1], Signal::derive(move || figures.get().1))}
                {key("free", words.inbox.places_key[2], Signal::stored(free))}
            </div>
            {squares}
            <If
                when=move || editing.get()
                fallback=move || {
                    view! {
                        <button class="button" type="button" on:click=move |_| editing.set(true)>
                            {sized(Icon::Pencil, Some("s"))} {words.inbox.update_places}
                        </button>
                    }
                }
            >
                <CountForm facility=facility.get_value() free editing />
            </If>
            {(quota > 0).then(|| view! { <p class="soft">{(words.inbox.quota)(quota)}</p> })}
        </aside>
    }
    .into_any()
}

/// Counting the free places anew.
#[component]
fn CountForm(facility: Facility, free: u32, editing: RwSignal<bool>) -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let places = facility.facts.places;
    let typed = RwSignal::new(free.to_string());
    let tried = RwSignal::new(false);
    let parsed = move || match typed.with(|t| t.trim().parse::<u32>()) {
        Ok(n) if n <= places => Ok(n),
        Ok(_) => Err(Invalid::OutOfRange),
        Err(_) if typed.with(|t| t.trim().is_empty()) => Err(Invalid::Empty),
        Err(_) => Err(Invalid::NotANumber),
    };
    let error = Signal::derive(move || {
        tried.get().then(|| parsed().err().map(|e| (words.errors.invalid)(e).to_owned())).flatten()
    });
    let seen = facility.free.seen();
    let (id, log) = (facility.id, facility.log);
    let saving = Saving::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        let Ok(n) = untrack(parsed) else { return focus_first_error() };
        let body = Body::PlacesCounted { saw: seen.clone(), free: FreePlaces { free: n, as_of: state.keeper().now() } };
        saving.save(log.clone(), Subject::Facility(id), vec![body], None, None, move |_| {
            notice.say(words.inbox.places_saved);
            let _ = editing.try_set(false);
        });
    };
    view! {
        <form class="stack" novalidate on:submit=save>
            <Field label=words.inbox.free_now value=typed typing=Typing::Digits error />
            <SaveFailure saving />
            <div class="pair">
                <button class="button" type="button" on:click=move |_| editing.set(false)>{words.frame.cancel}</button>
                <button class="button" disabled=move || saving.busy.get()>{words.frame.save}</button>
            </div>
        </form>
    }
    .into_any()
}
