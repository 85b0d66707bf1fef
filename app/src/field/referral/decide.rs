//! One referral: what is asked, how far it has come, and what this person may do now: decide, answer, withdraw, receive.

use domain::{
    Act, Action, Body, CaseId, ChangeId, DecideError, DecisionDocument, Delivery, Invalid, Level, Parts, Phone,
    Receiver, Referral, ReferralStatus, Refusal, Role, Side, Spot, Subject, Timestamp, Urgency, access::Reach,
    worker::covers,
};
use leptos::{prelude::*, task::spawn_local};

use super::{
    Stage, Standpoint,
    ask::AskDraft,
    blank_refusal, check_here, draft_name,
    inbox::{ReceiverAnswers, ReceiverDoors, sheet_head},
    receivers::{Need, alternatives, as_options, key},
    stage,
    steps::{Begun, ask_facts, papers_word, receiver_name, steps},
    turn, with_parts,
};
use crate::{
    field::{
        app_state,
        case_page::{Missing, look, newest_received},
        clock,
        draft::{DraftLine, form, keep_draft},
        naming, navigator,
        route::Route,
        saving::{SaveButton, SaveFailure, Saving},
        state::{AppState, Loaded},
        ui::{
            CallLink, ClockMark, ConfirmDialog, DateField, DateParts, DeliveryMark, EmptyState, Field, FieldError, If,
            Note, Notice, RadioList, RadioOption, ReferralMark, RestrictedMark, Screen, SkeletonRows, Top, Typing,
            UrgencyMark, WholeError, focus_first_error, fresh_id,
        },
        words,
    },
    icon::{Icon, sized},
    text::{Words, capital, day_month, phone, refusal},
};

/// What this person may do with the referral now. It moves when the referral does, and only then are forms drawn anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Doors {
    decide: Option<Decisions>,
    receive: Option<ReceiverDoors>,
    answer: bool,
    withdraw: bool,
    /// They wrote it themselves and sit at the desk that decides.
    own: bool,
    /// It was refused and may be asked of somebody else.
    ask_instead: bool,
    /// They decide elsewhere, but the open step is somebody else's.
    watch: bool,
}

/// The decisions open to a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decisions {
    level: Level,
    approve: bool,
    forward: bool,
    give_back: bool,
    refuse: bool,
    /// The person was received already: only the papers are decided.
    papers: bool,
}

impl Doors {
    fn of(state: AppState, parts: &Parts, referral: ChangeId) -> Option<Self> {
        let worker = state.worker.get()?;
        let rules = state.rules();
        let progress = parts.progress(referral)?;
        let standpoint = Standpoint { parts, referral, worker: &worker, rules: &rules };
        let author = parts.referral(referral).map(|r| r.author);
        let decide = standpoint.desk().map(|level| {
            let may = |act: &Act| standpoint.may(Side::Supervisor(level), act);
            Decisions {
                level,
                approve: may(&Act::Approve { document: None }),
                forward: may(&Act::Forward),
                give_back: may(&Act::Return { question: String::new() }),
                refuse: may(&blank_refusal()),
                papers: progress.papers.is_some(),
            }
        });
        let is_mine = author == Some(worker.id);
        let reach = Reach::of(parts);
        let own_desk = || {
            let place = reach.as_ref().map(|r| &r.handled_in);
            place.is_some_and(|place| covers(&worker.grants, Role::Supervisor, place, &rules.places))
        };
        let own = is_mine && progress.status == ReferralStatus::Submitted && own_desk();
        let receive = ReceiverDoors::of(standpoint, state.now.get().day());
        let idle = decide.is_none() && receive.is_none() && !is_mine && !progress.status.is_final();
        Some(Self {
            decide,
            receive,
            answer: standpoint.may(Side::Writer, &Act::Answer { text: String::new() }),
            withdraw: standpoint.may(Side::Writer, &Act::Cancel { reason: String::new() }),
            own,
            ask_instead: progress.status == ReferralStatus::Refused && parts.referral(referral).is_some(),
            watch: idle && worker.has(Role::Supervisor),
        })
    }
}

#[component]
pub fn ReferralPage(case: CaseId, referral: ChangeId) -> AnyView {
    let state = app_state();
    let words = words();
    let subject = Subject::Case(case);
    let parts = state.parts_of_form(subject);
    let stage = stage(parts);
    look(state, subject, parts);
    look_at_emergency(state, subject, referral, parts);
    let title = Signal::derive(move || {
        let today = state.now.get().day();
        with_parts(parts, |p| match (p.header(), p.sheet(referral)) {
            (Some(header), _) => Some(naming::header_title(header, today, words)),
            (None, Some(sheet)) => Some(naming::sheet_title(sheet, today, words)),
            (None, None) => None,
        })
        .flatten()
        .unwrap_or_else(|| words.frame.referrals.to_owned())
    });
    let label = if state.has(Role::Facility) {
        words.inbox.title
    } else if state.has(Role::Supervisor) {
        words.queue.short
    } else {
        words.frame.referrals
    };
    let running = move || {
        let now = state.now.get();
        with_parts(parts, |p| {
            let progress = p.progress(referral)?;
            let looked = progress.acts.iter().any(|a| matches!(a.act, Act::Look));
            // The desk's clock is not a facility's.
            let mine = |d: &&domain::Due| {
                p.sheet(referral).is_none() || d.level == Level::Receiver || progress.papers.is_some()
            };
            let open = |d: &&domain::Due| !(looked && d.action == Action::Look);
            let due = progress.dues.iter().filter(open).filter(mine).min_by_key(|d| d.at)?;
            let mut clock = clock::of_due(due, now, words);
            if progress.papers == Some(domain::Papers::Due) {
                clock.said = (words.time.papers)(&clock.said);
            }
            Some(clock)
        })
        .flatten()
    };
    view! {
        <Screen
            top=Top::Back { to: Route::Referrals, label: label.to_owned() }
            title
            corner=move || view! { {move || running().map(|clock| view! { <ClockMark clock /> })} }
        >
            {move || match stage.get() {
                Stage::Opening => view! { <SkeletonRows /> }.into_any(),
                Stage::Missing => view! { <Missing /> }.into_any(),
                Stage::Failed(error) => {
                    let said = (words.errors.store)(&error).to_owned();
                    view! { <Note icon=Icon::Warning said=Signal::stored(said) tone="wait" /> }.into_any()
                }
                Stage::Here => view! { <Content case referral parts /> }.into_any(),
            }}
        </Screen>
    }
    .into_any()
}

/// A supervisor who opens an emergency has looked at it: that step of the chain is done, once, without another tap.
fn look_at_emergency(state: AppState, subject: Subject, referral: ChangeId, parts: RwSignal<Loaded>) {
    let noted = StoredValue::new(false);
    Effect::new(move |_| {
        let Loaded::Here(parts) = parts.get() else { return };
        let (Some(of), Some(header), Some(worker)) =
            (parts.referral(referral), parts.header(), state.worker.get_untracked())
        else {
            return;
        };
        let open = |step: &&domain::ChainStep| step.action == Action::Look && step.done.is_none();
        let waits = of.progress.chain.iter().flatten().any(|step| open(&step));
        if noted.get_value() || !waits || of.progress.status.is_final() || of.author == worker.id {
            return;
        }
        let rules = untrack(|| state.rules());
        let standpoint = Standpoint { parts: &parts, referral, worker: &worker, rules: &rules };
        let level = [Level::Commune, Level::Province]
            .into_iter()
            .find(|level| standpoint.may(Side::Supervisor(*level), &Act::Look));
        let Some(level) = level else { return };
        noted.set_value(true);
        let (saw, side, seen) = (of.progress.version, Side::Supervisor(level), newest_received(&parts));
        let body = Body::ReferralActed { referral, saw, side, act: Act::Look, seen };
        let saving = state.keeper().save(header.log.clone(), subject, vec![body], None, None);
        spawn_local(async move {
            // A look that could not be noted is noted the next time the referral is opened.
            let _ = saving.await;
        });
    });
}

#[component]
fn Content(case: CaseId, referral: ChangeId, parts: RwSignal<Loaded>) -> AnyView {
    let state = app_state();
    let words = words();
    let doors = Memo::new(move |_| with_parts(parts, |p| Doors::of(state, p, referral)).flatten());
    let head = move || {
        let Loaded::Here(parts) = parts.get() else { return ().into_any() };
        match (parts.referral(referral), parts.sheet(referral)) {
            (Some(of), _) => head(state, case, &parts, of, words),
            (None, Some(sheet)) => sheet_head(state, sheet),
            (None, None) => {
                view! { <EmptyState icon=Icon::Search title=words.referral.not_here text=words.frame.not_found_long /> }
                    .into_any()
            }
        }
    };
    let history = move || {
        let Loaded::Here(parts) = parts.get() else { return ().into_any() };
        let rules = state.rules();
        let begun = parts
            .referral(referral)
            .map(|r| Begun { by: r.author, at: r.recorded_at, received_at: r.received_at })
            .or_else(|| {
                let sheet = parts.sheet(referral)?;
                sheet.received_at.map(|at| Begun { by: sheet.author, at, received_at: Some(at) })
            });
        let kind = parts.referral(referral).map(|r| r.ask.kind).or_else(|| parts.sheet(referral).map(|s| s.kind));
        match kind.zip(parts.progress(referral)) {
            Some((kind, progress)) => steps(state, begun, kind, progress, &rules.places),
            None => ().into_any(),
        }
    };
    let actions = move || {
        let Some(doors) = doors.get() else { return ().into_any() };
        view! {
            {doors.own.then(|| view! { <OwnReferral parts /> })}
            {doors.watch.then(|| view! { <Note icon=Icon::Eye said=Signal::stored(words.queue.not_yours.to_owned()) /> })}
            {doors.answer.then(|| view! { <AnswerForm referral parts /> })}
            {doors.ask_instead.then(|| view! { <AskInstead case referral parts /> })}
            {doors.withdraw.then(|| view! { <Withdraw referral parts /> })}
            {doors.decide.map(|open| view! { <DecisionForm referral parts open /> })}
            {doors.receive.map(|open| view! { <ReceiverAnswers referral parts open /> })}
        }
        .into_any()
    };
    view! { {head} {history} {actions} }.into_any()
}

/// Who it is about, what is asked of whom, why, and what may be shared.
fn head(state: AppState, case: CaseId, parts: &Parts, of: &Referral, words: &'static Words) -> AnyView {
    let Some(header) = parts.header() else { return ().into_any() };
    let now = state.now.get();
    let rules = state.rules();
    let age = header.age(now.day()).filter(|_| header.name().is_some()).map(|a| (words.speech.age)(a));
    let title = [Some(naming::header_title(header, now.day(), words)), age].into_iter().flatten().collect::<Vec<_>>();
    let place = header.handled_in().map(|p| naming::place_name(p, &rules.places));
    let colleagues = state.colleagues();
    let who = capital(&naming::colleague(of.author, &colleagues, words));
    let written = (words.referral.written_by)(&who, &day_month(of.recorded_at.day()));
    let progress = &of.progress;
    let delivery = of_referral(state, of, parts, now);
    let emergency = header.urgency() == Urgency::Emergency || of.ask.kind.is_emergency();
    let unreceived = matches!(
        progress.status,
        ReferralStatus::Submitted | ReferralStatus::Returned | ReferralStatus::Approved | ReferralStatus::Forwarded
    );
    let writer_phone =
        colleagues.iter().find(|c| c.id == of.author && Some(c.id) != state.me()).and_then(|c| c.phone.clone());
    let call_writer = writer_phone.map(|number| {
        let label = (words.queue.call_writer)(&naming::colleague(of.author, &colleagues, words), &phone(&number));
        view! { <CallLink phone=number label /> }
    });
    let call_receiver =
        receiver_phone(state, &of.ask.receiver).filter(|_| Some(of.author) == state.me()).map(|number| {
            let label = (words.frame.call)(&phone(&number));
            view! { <CallLink phone=number label /> }
        });
    let early = progress.chain.is_none().then(|| {
        let mine = Some(of.author) == state.me();
        let said = if mine { words.time.clock_starts_on_receipt } else { words.queue.early_office };
        view! { <Note icon=Icon::Clock said=Signal::stored(said.to_owned()) /> }
    });
    view! {
        <section class="stack">
            <div>
                <h1>{title.join(", ")}</h1>
                <p class="soft">
                    {place.map(|place| format!("{place}, "))} {domain::search::lower(words.frame.code)} " "
                    <span class="code">{header.code.to_string()}</span> ". " {written}
                </p>
            </div>
            <div class="cluster">
                {(emergency && unreceived).then(|| view! { <UrgencyMark urgency=Urgency::Emergency /> })}
                {header.is_restricted().then(|| view! { <RestrictedMark /> })}
                <ReferralMark status=progress.status />
                {progress.papers.map(|papers| view! { <span class="soft">{papers_word(papers, words)}</span> })}
                {delivery.map(|delivery| view! { <DeliveryMark delivery now /> })}
            </div>
            {ask_facts(state, &of.ask, of.recorded_at.day(), words)}
            {early}
            <div class="pair">
                <a class="button" href=Route::Case(case).path()>{sized(Icon::Folder, Some("s"))} {words.queue.open_case}</a>
                {call_writer}
                {call_receiver}
            </div>
        </section>
    }
    .into_any()
}

/// Where the newest that this phone wrote about it travels; for the writer also what the commune has.
fn of_referral(state: AppState, of: &Referral, parts: &Parts, _now: Timestamp) -> Option<Delivery> {
    let waiting = state.outbox.with(|outbox| turn::delivery(of.id, outbox));
    let own = Some(of.author) == state.me();
    waiting.or_else(|| of.received_at.filter(|_| own).map(|at| Delivery::of_received(at, parts.header())))
}

fn receiver_phone(state: AppState, receiver: &Receiver) -> Option<Phone> {
    let Receiver::Facility(id) = receiver else { return None };
    state.facilities.with(|all| {
        let facility = all.iter().find(|f| f.id == *id)?;
        facility.facts.duty_phone.clone().or_else(|| facility.facts.phone.clone())
    })
}

/// Whoever wrote a referral never approves it: who does instead.
#[component]
fn OwnReferral(parts: RwSignal<Loaded>) -> AnyView {
    let state = app_state();
    let words = words();
    let said = Signal::derive(move || {
        let place = with_parts(parts, |p| p.header().and_then(|h| h.handled_in().cloned())).flatten();
        let people = place.zip(state.me()).map(|(place, me)| turn::deciders(state, &place, me)).unwrap_or_default();
        let who = turn::names(&people, words);
        if who.is_empty() {
            words.queue.own_referral.to_owned()
        } else {
            format!("{} {}", words.queue.own_referral, (words.queue.decided_by)(&who))
        }
    });
    view! { <Note icon=Icon::People said /> }.into_any()
}

/// What an act needs of the page it stands on.
#[derive(Debug, Clone, Copy)]
pub struct ActPage {
    pub state: AppState,
    pub referral: ChangeId,
    pub parts: RwSignal<Loaded>,
    /// The version this person has read.
    read: RwSignal<u32>,
}

impl ActPage {
    #[must_use]
    pub fn new(referral: ChangeId, parts: RwSignal<Loaded>) -> Self {
        let this = Self { state: app_state(), referral, parts, read: RwSignal::new(0) };
        this.read.set(this.version());
        this
    }
    fn version(self) -> u32 {
        self.parts.with_untracked(|parts| match parts {
            Loaded::Here(parts) => parts.progress(self.referral).map_or(0, |p| p.version),
            _ => 0,
        })
    }
    /// Whether what is asked moved while the page stood open.
    #[must_use]
    pub fn moved(self) -> bool {
        let now = with_parts(self.parts, |p| p.progress(self.referral).map_or(0, |p| p.version)).unwrap_or(0);
        self.read.get() < now
    }
    pub fn read_again(self) {
        self.read.set(self.version());
    }
    /// Where the act is written and what it says.
    ///
    /// # Errors
    /// The [`Refusal`] that the office would answer.
    pub fn body(self, side: Side, act: Act) -> Result<(domain::LogId, Subject, Body), Refusal> {
        let (referral, saw) = (self.referral, self.read.get());
        let seen = with_parts(self.parts, newest_received).flatten();
        let body = Body::ReferralActed { referral, saw, side, act, seen };
        let found = with_parts(self.parts, |parts| {
            let (log, subject) = super::address(parts, self.referral).ok_or(Refusal::NotAllowed)?;
            check_here(self.state, parts, log.clone(), subject, body.clone())?;
            Ok((log, subject))
        });
        let (log, subject) = found.unwrap_or(Err(Refusal::NotAllowed))?;
        Ok((log, subject, body))
    }
}

/// That the referral moved while it was read.
#[component]
pub fn MovedNote(page: ActPage) -> AnyView {
    let words = words();
    view! {
        <div role="status">
            <If when=move || page.moved()>
                <div class="panel" data-tone="wait">
                    <p>{words.referral.moved}</p>
                    <button class="button" type="button" on:click=move |_| page.read_again()>
                        {words.referral.read_again}
                    </button>
                </div>
            </If>
        </div>
    }
    .into_any()
}

form! {
    /// The decision, as typed.
    DecisionFields as DecisionDraft {
        choice: String,
        question: String,
        reason: String,
        instead: String,
        number: String,
        signed_day: String,
        signed_month: String,
        signed_year: String,
        signer: String,
    }
}

const APPROVE: &str = "approve";
const FORWARD: &str = "forward";
const RETURN: &str = "return";
const REFUSE: &str = "refuse";
/// No other place is known; only where the law does not ask for one.
const NOBODY: &str = "nobody";

/// Which field an error of a decision stands beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Choice,
    Question,
    Reason,
    Instead,
    Number,
    Signed,
    Whole,
}

#[derive(Clone, Copy)]
struct Deciding {
    page: ActPage,
    fields: DecisionFields,
    signed: DateParts,
    level: Level,
    offers: Memo<Vec<super::receivers::Offer>>,
    emergency: bool,
    words: &'static Words,
}

impl Deciding {
    fn act(self) -> Result<Act, (At, String)> {
        let words = self.words;
        let text = |field: RwSignal<String>| field.get().trim().to_owned();
        match self.fields.choice.get().as_str() {
            APPROVE => {
                let (number, signer) = (text(self.fields.number), text(self.fields.signer));
                let on = self.signed.whole().map_err(|why| (At::Signed, (words.errors.invalid)(why).to_owned()))?;
                if on.is_some_and(|day| day > self.page.state.now.get().day()) {
                    return Err((At::Signed, (words.errors.invalid)(Invalid::InFuture).to_owned()));
                }
                if number.is_empty() && (on.is_some() || !signer.is_empty()) {
                    return Err((At::Number, words.queue.document_number_first.to_owned()));
                }
                let document = (!number.is_empty()).then_some(DecisionDocument { number, on, signer });
                Ok(Act::Approve { document })
            }
            FORWARD => Ok(Act::Forward),
            RETURN => Ok(Act::Return { question: text(self.fields.question) }),
            REFUSE => {
                let chosen = self.fields.instead.get();
                let alternative = self
                    .offers
                    .with(|offers| offers.iter().find(|o| key(&o.receiver) == chosen).map(|o| o.receiver.clone()));
                Ok(Act::Refuse { reason: text(self.fields.reason), alternative })
            }
            _ => Err((At::Choice, words.queue.choose.to_owned())),
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
    fn body(self) -> Result<(domain::LogId, Subject, Body), (At, String)> {
        let words = self.words;
        let act = self.act()?;
        self.page.body(Side::Supervisor(self.level), act).map_err(|why| {
            let at = match &why {
                Refusal::Decide(DecideError::QuestionMissing) => At::Question,
                Refusal::Decide(DecideError::ReasonMissing) => At::Reason,
                Refusal::Decide(DecideError::AlternativeMissing) => At::Instead,
                Refusal::Field { spot: Spot::Question, .. } => At::Question,
                Refusal::Field { spot: Spot::Reason, .. } => At::Reason,
                Refusal::Field { spot: Spot::Note, .. } => At::Number,
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

/// The decision of a desk; each answer opens its own fields.
#[component]
fn DecisionForm(referral: ChangeId, parts: RwSignal<Loaded>, open: Decisions) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let page = ActPage::new(referral, parts);
    let draft_name = format!("decision:{referral}");
    let fields = DecisionFields::new(DecisionDraft::default());
    let signed = DateParts { day: fields.signed_day, month: fields.signed_month, year: fields.signed_year };
    let of = move || with_parts(parts, |p| p.referral(referral).cloned()).flatten();
    let ask = untrack(of).map(|r| r.ask);
    let emergency = ask.as_ref().is_some_and(|a| a.kind.is_emergency());
    let offers = Memo::new(move |_| {
        let Some(of) = of() else { return vec![] };
        let Some(need) = with_parts(parts, |p| need_of(state, p, &of)).flatten() else { return vec![] };
        alternatives(state, &need, &of.ask.receiver, words)
    });
    let tried = RwSignal::new(false);
    let deciding = Deciding { page, fields, signed, level: open.level, offers, emergency, words };
    let draft = keep_draft(draft_name.clone(), move || fields.read(), move |kept| fields.write(kept));
    let error = move |at: At| {
        Signal::derive(move || {
            if !tried.get() {
                return None;
            }
            deciding.lacks(at).or_else(|| deciding.body().err().filter(|(place, _)| *place == at).map(|(_, said)| said))
        })
    };
    let saving = Saving::new();
    let send = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        if untrack(|| page.moved()) {
            return;
        }
        let Ok((log, subject, body)) = untrack(|| deciding.body()) else { return focus_first_error() };
        saving.save(log, subject, vec![body], Some(draft_name.clone()), None, move |_| {
            draft.end();
            notice.say(words.queue.decided);
            navigator.back(Route::Referrals);
        });
    };
    let you = (words.speech.you)(state.worker.with_untracked(|w| w.as_ref().map(|w| w.address).unwrap_or_default()));
    let writer =
        untrack(of).map(|r| naming::colleague(r.author, &untrack(|| state.colleagues()), words)).unwrap_or_default();
    let after = untrack(of).map(|r| after_approval(state, &r, open, words)).unwrap_or_default();
    let forwarded = ask
        .as_ref()
        .map(|a| (words.queue.forward_text)(&untrack(|| receiver_name(state, &a.receiver, words))))
        .unwrap_or_default();
    let alternatives = Signal::derive(move || {
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
    let group = fresh_id();
    let heading = fresh_id();
    let labelled = heading.clone();
    let choice = move |group: String, value: &'static str, label: &'static str, more: AnyView| {
        view! {
            <div class="choice">
                <label class="answer">
                    <input
                        type="radio"
                        name=group
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
    };
    let approve = open.approve.then(|| {
        let more = view! {
            <p class="soft">{after}</p>
            <details class="extra" open=untrack(move || !fields.number.get().is_empty())>
                <summary>{sized(Icon::Page, Some("s"))} {words.queue.papers}</summary>
                <div class="stack">
                    <Field
                        label=words.queue.number
                        hint=words.queue.document_hint
                        value=fields.number
                        error=error(At::Number)
                    />
                    <DateField legend=words.queue.signed_on parts=signed error=error(At::Signed) />
                    <Field label=words.queue.signer value=fields.signer typing=Typing::Name />
                </div>
            </details>
        };
        choice(group.clone(), APPROVE, words.queue.approve, more.into_any())
    });
    let forward = open.forward.then(|| {
        let more = view! { <p class="soft">{forwarded}</p> };
        choice(group.clone(), FORWARD, words.queue.forward, more.into_any())
    });
    let give_back = open.give_back.then(|| {
        let more = view! {
            <Field
                label=(words.queue.ask)(you)
                hint=(words.queue.ask_hint)(&writer)
                value=fields.question
                typing=Typing::Long
                error=error(At::Question)
            />
        };
        choice(group.clone(), RETURN, words.queue.give_back, more.into_any())
    });
    let refuse = open.refuse.then(|| {
        let legend = if emergency { words.queue.instead } else { words.queue.instead_optional };
        let more = view! {
            <Field label=words.queue.reason value=fields.reason typing=Typing::Long error=error(At::Reason) />
            {(!open.papers || emergency)
                .then(|| view! { <RadioList legend options=alternatives chosen=fields.instead error=error(At::Instead) /> })}
        };
        choice(group.clone(), REFUSE, words.queue.refuse, more.into_any())
    });
    let choice_error = error(At::Choice);
    view! {
        <form class="sheet" novalidate aria-labelledby=labelled on:submit=send>
            <h2 id=heading>{(words.queue.your_decision)(you)}</h2>
            <MovedNote page />
            {approve} {forward} {give_back} {refuse}
            <div class="field" hidden=move || choice_error.with(Option::is_none)>
                <FieldError id=fresh_id() error=choice_error />
            </div>
            <WholeError error=error(At::Whole) />
            <SaveFailure saving />
            <SaveButton saving label=words.queue.send />
            <p class="soft">{words.queue.final_note}</p>
            <DraftLine draft />
        </form>
    }
    .into_any()
}

/// What of the case decides who else can be asked.
pub fn need_of(state: AppState, parts: &Parts, of: &Referral) -> Option<Need> {
    let header = parts.header()?;
    let rules = state.rules();
    Some(Need {
        kind: of.ask.kind,
        service: of.ask.service.clone(),
        tile: header.facts.tile.shown().copied(),
        groups: domain::members(&header.groups, true).cloned().collect(),
        restricted: header.is_restricted(),
        commune: header.handled_in().and_then(|p| rules.places.commune_of(p)).map(|c| c.id.clone()),
    })
}

/// Where it goes when this desk approves.
fn after_approval(state: AppState, of: &Referral, open: Decisions, words: &Words) -> String {
    if open.papers {
        return words.queue.approve_papers.to_owned();
    }
    let chain = of.progress.chain.as_deref().unwrap_or_default();
    let above = chain.iter().find(|s| {
        s.done.is_none() && s.level == Level::Province && matches!(s.action, Action::Approve | Action::Forward)
    });
    let receiver = untrack(|| receiver_name(state, &of.ask.receiver, words));
    match above {
        Some(step) if open.level == Level::Commune => {
            (words.queue.approve_province)(&step.limit.map(|l| (words.time.limit)(l)).unwrap_or_default())
        }
        _ if super::is_local(&of.ask.receiver) => (words.queue.approve_desk)(&receiver),
        _ => (words.queue.approve_next)(&receiver),
    }
}

form! {
    /// The answer to a question, as typed.
    AnswerFields as AnswerDraft {
        text: String,
    }
}

/// The writer's answer to the question the referral came back with.
#[component]
fn AnswerForm(referral: ChangeId, parts: RwSignal<Loaded>) -> AnyView {
    let words = words();
    let state = app_state();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let page = ActPage::new(referral, parts);
    let fields = AnswerFields::new(AnswerDraft::default());
    let draft_name = format!("answer:{referral}");
    let draft = keep_draft(draft_name.clone(), move || fields.read(), move |kept| fields.write(kept));
    let tried = RwSignal::new(false);
    let body = move || page.body(Side::Writer, Act::Answer { text: fields.text.get().trim().to_owned() });
    let error_of = move || {
        let why = tried.get().then(|| body().err()).flatten()?;
        Some(match &why {
            Refusal::Field { spot: Spot::Question, why } => (true, (words.errors.invalid)(*why).to_owned()),
            why => (false, refusal(why, None, words)),
        })
    };
    let beside =
        move |field: bool| Signal::derive(move || error_of().filter(|(at, _)| *at == field).map(|(_, said)| said));
    let asked = move || {
        let colleagues = state.colleagues();
        with_parts(parts, |p| {
            let progress = p.progress(referral)?;
            let by = progress.acts.iter().rev().find(|a| matches!(a.act, Act::Return { .. }))?.by;
            let who = capital(&naming::colleague(by, &colleagues, words));
            Some(((words.today.asks)(&who), progress.question()?.to_owned()))
        })
        .flatten()
    };
    let saving = Saving::new();
    let send = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        let Ok((log, subject, body)) = untrack(body) else { return focus_first_error() };
        saving.save(log, subject, vec![body], Some(draft_name.clone()), None, move |_| {
            draft.end();
            notice.say(words.frame.saved);
            navigator.back(Route::Referrals);
        });
    };
    view! {
        <form class="panel" data-tone="wait" novalidate on:submit=send>
            {move || {
                asked()
                    .map(|(who, question)| {
                        view! {
                            <div class="stack">
                                <h2>{who}</h2>
                                <blockquote class="quote lines">{question}</blockquote>
                            </div>
                        }
                    })
            }}
            <Field
                label=words.referral.answer
                hint=words.referral.answer_hint
                value=fields.text
                typing=Typing::Long
                error=beside(true)
            />
            <WholeError error=beside(false) />
            <SaveFailure saving />
            <SaveButton saving label=words.referral.answer_send />
            <DraftLine draft />
        </form>
    }
    .into_any()
}

/// A refused referral with another place named in the refusal: one tap begins the new one.
#[component]
fn AskInstead(case: CaseId, referral: ChangeId, parts: RwSignal<Loaded>) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let refused = untrack(|| {
        with_parts(parts, |p| {
            let of = p.referral(referral)?;
            let record = of.progress.acts.iter().rev().find(|a| a.moved_to == Some(ReferralStatus::Refused))?;
            let Act::Refuse { reason, alternative } = &record.act else { return None };
            Some((of.ask.clone(), reason.clone(), alternative.clone()))
        })
        .flatten()
    });
    let Some((ask, reason, alternative)) = refused else { return ().into_any() };
    let named = alternative.map(|instead| {
        let name = untrack(|| receiver_name(state, &instead, words));
        let content = domain::json::write_text(&AskDraft::again(&ask, &instead)).unwrap_or_default();
        let go = move |_| {
            let keeper = state.keeper();
            let has_draft = state.drafts.with_untracked(|d| d.iter().any(|d| d.name == draft_name(case)));
            if has_draft {
                // What somebody has begun for this person is not written over.
                return navigator.go(Route::AskReferral(case));
            }
            let draft = domain::notebook::Draft { name: draft_name(case), at: keeper.now(), content: content.clone() };
            let saving = keeper.put_draft(draft);
            spawn_local(async move {
                match saving.await {
                    Ok(()) => navigator.go(Route::AskReferral(case)),
                    Err(error) => notice.warn((words.errors.store)(&error)),
                }
            });
        };
        view! {
            <dt>{words.referral.instead}</dt>
            <dd><strong>{name}</strong></dd>
            <dd data-wide="">
                <button class="button" type="button" on:click=go>{sized(Icon::Transfer, Some("s"))} {words.referral.ask_instead}</button>
            </dd>
        }
    });
    view! {
        <dl class="facts panel">
            <dt>{words.referral.refused_because}</dt>
            <dd class="lines">{reason}</dd>
            {named}
        </dl>
    }
    .into_any()
}

/// Taking a referral back, with the reason and a second question.
#[component]
fn Withdraw(referral: ChangeId, parts: RwSignal<Loaded>) -> AnyView {
    let words = words();
    let notice = expect_context::<Notice>();
    let page = ActPage::new(referral, parts);
    let reason = RwSignal::new(String::new());
    let tried = RwSignal::new(false);
    let open = RwSignal::new(false);
    let body = move || page.body(Side::Writer, Act::Cancel { reason: reason.get().trim().to_owned() });
    let error = Signal::derive(move || {
        let why = tried.get().then(|| body().err()).flatten()?;
        Some(match &why {
            Refusal::Field { why, .. } => (words.errors.invalid)(*why).to_owned(),
            Refusal::Decide(DecideError::ReasonMissing) => (words.errors.invalid)(Invalid::Empty).to_owned(),
            why => refusal(why, None, words),
        })
    });
    let saving = Saving::new();
    let check = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        match untrack(body) {
            Ok(_) => open.set(true),
            Err(_) => focus_first_error(),
        }
    };
    let act = move |()| {
        let Ok((log, subject, body)) = untrack(body) else { return };
        saving.save(log, subject, vec![body], None, None, move |_| notice.say(words.frame.saved));
    };
    view! {
        <details class="extra">
            <summary>{sized(Icon::Leave, Some("s"))} {words.referral.take_back}</summary>
            <form class="stack" novalidate on:submit=check>
                <Field label=words.referral.take_back_reason value=reason typing=Typing::Long error />
                <SaveFailure saving />
                <button class="button" disabled=move || saving.busy.get()>{words.referral.take_back}</button>
            </form>
        </details>
        <ConfirmDialog
            open
            title=words.referral.take_back_title
            text=Signal::stored(words.referral.withdraw_text.to_owned())
            act_label=words.referral.take_back
            act=Callback::new(act)
        />
    }
    .into_any()
}
