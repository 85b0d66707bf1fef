//! KHẨN CẤP: one flow that records what must be known at once, asks for protection and shows whom to call. It knows what
//! is told to whom, not how it travels.

use domain::{
    Actor, Body, CaseCode, CaseId, CaseStatus, Confidentiality, Consent, ConsentAnswer, ConsentException, Delivery,
    Entry, Facility, Fact, FactName, Found, Header, Invalid, LogId, Parts, PersonName, Phone, Photo, PhotoConsent,
    PlaceId, Receiver, ReferralAsk, ReferralKind, Refusal, Role, ServiceCode, ShareItem, Sharing, Source, Spot,
    Subject, Tile, Timestamp, Told, Urgency, apply,
};
use leptos::{prelude::*, task::spawn_local};

use super::{
    app_state,
    case_form::{SEXES, village_options},
    case_page::Missing,
    cases::card_delivery,
    clock,
    draft::{DraftLine, form, keep_draft},
    lang, naming, navigator,
    photos::{PhotoField, announce},
    referral::{Need, Offer, key, offers},
    route::Route,
    saving::{SaveButton, SaveFailure, Saving},
    state::{AppState, Loaded, Opening, SyncState},
    trouble::{Troubles, check_body, check_facts, unsaved},
    ui::{
        Answers, Chips, CollectAny, DeliveryMark, DockActions, FactList, Field, If, Note, Screen, Section, Select,
        SkeletonRows, Tiles, Toggle, Top, Typing, WholeError, fresh_id, moment, unopened,
    },
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{Words, date, phone, time},
};

/// The name of the one draft of this form.
pub const DRAFT: &str = "emergency";
/// Children are protected as such until sixteen (Law on Children 102/2016/QH13, Article 1).
const CHILD_YEARS: u16 = 16;
const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Two taps on one number within this time are one report.
const ONE_TAP_MS: i64 = 30_000;
/// After two days the time since somebody was found is counted in days.
const COUNT_DAYS_FROM_MS: i64 = 2 * DAY_MS;

/// Answers to "what is asked".
const ADMISSION: usize = 0;
const CHILD: usize = 1;

/// The numbers of the whole country: police, ambulance, children.
const NATIONAL: [&str; 3] = ["113", "115", "111"];

#[component]
pub fn Emergency() -> AnyView {
    let state = app_state();
    let words = words();
    // What may be recorded, and so whether the form stands, changes once as the notebook opens.
    let stage = Memo::new(move |_| match state.opening.get() {
        Opening::Busy | Opening::Known => Stage::Opening,
        Opening::Nobody => Stage::Nobody,
        _ if !records(state) => Stage::NumbersOnly,
        _ if state.own_villages().is_empty() && state.own_communes().is_empty() => Stage::NoPlaces,
        _ => Stage::Form,
    });
    (move || match stage.get() {
        Stage::Form => view! { <Form /> }.into_any(),
        stage => {
            let top = Top::Alarm { to: Route::Today, title: words.emergency.title.to_owned() };
            view! {
                <Screen top title=words.emergency.title>
                    <ShortNumbers />
                    {(stage == Stage::Opening).then(|| view! { <SkeletonRows /> })}
                    {(stage == Stage::NoPlaces)
                        .then(|| {
                            let said = words.emergency.no_places.to_owned();
                            view! { <Note icon=Icon::Warning said=Signal::stored(said) tone="wait" /> }
                        })}
                    {if stage == Stage::Nobody {
                        view! {
                            <Note icon=Icon::Lock said=Signal::stored(words.emergency.log_in_first.to_owned()) />
                            <a class="button" href=Route::Login.path()>{words.login.button}</a>
                        }
                            .into_any()
                    } else {
                        view! { <CommuneNumbers /> }.into_any()
                    }}
                </Screen>
            }
            .into_any()
        }
    })
    .into_any()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    /// Nobody has logged in here: only the numbers everybody knows.
    Nobody,
    /// A facility's officer or the province's leadership records no cases.
    NumbersOnly,
    NoPlaces,
    Form,
}

fn records(state: AppState) -> bool {
    [Role::Collaborator, Role::Outreach, Role::Supervisor].into_iter().any(|role| state.has(role))
}

form! {
    /// What is typed, with a suggestion wherever there is one.
    Fields as Typed {
        unknown: bool,
        name: String,
        sex: Option<usize>,
        age: String,
        marks: String,
        village: String,
        place: String,
        hour: String,
        minute: String,
        opened_at: Timestamp,
        tile: Option<usize>,
        restricted: bool,
        what: String,
        ask: Option<usize>,
        receiver: String,
        photos: Vec<Photo>,
    }
}

impl Fields {
    fn begin(now: Timestamp, village: String) -> Self {
        let (hour, minute) = now.hour_minute();
        Self::new(Typed {
            unknown: true,
            hour: format!("{hour:02}"),
            minute: format!("{minute:02}"),
            opened_at: now,
            village,
            tile: Tile::ALL.iter().position(|t| *t == Tile::Wanderer),
            ask: Some(ADMISSION),
            ..Typed::default()
        })
    }
    fn tile(self) -> Option<Tile> {
        self.tile.get().and_then(|n| Tile::ALL.get(n).copied())
    }
    fn age(self) -> Result<Option<u8>, Invalid> {
        self.age.with(|typed| match typed.trim() {
            "" => Ok(None),
            typed => typed.parse().map(Some).map_err(|_| Invalid::NotANumber),
        })
    }
    fn is_child(self) -> bool {
        match self.age() {
            Ok(Some(age)) => u16::from(age) < CHILD_YEARS,
            _ => self.tile() == Some(Tile::Child),
        }
    }
    /// The moment of finding: the latest such time of day that is not in the future, seen from the day the form was
    /// opened on.
    fn found_at(self, now: Timestamp) -> Result<Timestamp, Invalid> {
        fn read(part: RwSignal<String>, most: i64) -> Result<i64, Invalid> {
            let n = part.with(|typed| typed.trim().parse::<i64>().map_err(|_| Invalid::NotANumber))?;
            if (0..=most).contains(&n) { Ok(n) } else { Err(Invalid::OutOfRange) }
        }
        let opened_at = self.opened_at.get();
        if self.hour.with(|h| h.trim().is_empty()) && self.minute.with(|m| m.trim().is_empty()) {
            return Ok(opened_at);
        }
        let of_day = read(self.hour, 23)? * HOUR_MS + read(self.minute, 59)? * MINUTE_MS;
        // The clock of the page moves in steps and may lie behind the moment the form was opened.
        Ok(latest_before(opened_at, of_day, now.max(opened_at)))
    }
}

/// A time of day on the day of `seen_from`, or the day before when that would lie after `now`.
fn latest_before(seen_from: Timestamp, of_day_ms: i64, now: Timestamp) -> Timestamp {
    let at = seen_from.day().end().plus_ms(of_day_ms - DAY_MS);
    if at > now { at.plus_ms(-DAY_MS) } else { at }
}

/// Lets an answer follow what else is answered until somebody chooses otherwise.
fn follow<T: Clone + PartialEq + Send + Sync + 'static>(answer: RwSignal<T>, suggestion: Memo<T>) {
    Effect::new(move |before: Option<T>| {
        let now = suggestion.get();
        if before.is_some_and(|before| answer.with_untracked(|standing| *standing == before)) {
            answer.set(now.clone());
        }
        now
    });
}

/// Fields whose errors stand beside them.
const BESIDE: &[Spot] = &[
    Spot::Fact(FactName::FullName),
    Spot::Fact(FactName::ApproximateAge),
    Spot::Fact(FactName::Marks),
    Spot::Fact(FactName::HandledIn),
    Spot::Fact(FactName::Found),
    Spot::Fact(FactName::Tile),
    Spot::Fact(FactName::WhatHappened),
];

#[component]
fn Form() -> AnyView {
    let state = app_state();
    let words = words();
    let language = lang();
    let keeper = state.keeper();
    let fields = Fields::begin(keeper.now(), untrack(|| last_village(state)));
    let suggested_restriction = Memo::new(move |_| fields.tile().is_some_and(|t| t.row().restricted));
    follow(fields.ask, Memo::new(move |_| Some(if fields.is_child() { CHILD } else { ADMISSION })));
    follow(fields.restricted, suggested_restriction);
    let draft = keep_draft(DRAFT.to_owned(), move || fields.read(), move |typed| fields.write(typed));
    let saving = Saving::new();
    let villages = village_options(state, words, fields.village);
    let receivers = Memo::new(move |_| receivers(state, fields, words));
    let receiver_options = Signal::derive(move || {
        receivers.with(|all| all.iter().map(|o| (key(&o.receiver), o.name.clone())).collect::<Vec<_>>())
    });
    let chosen = Memo::new(move |_| {
        let wanted = fields.receiver.get();
        receivers.with(|all| all.iter().find(|o| key(&o.receiver) == wanted).or(all.first()).cloned())
    });
    let written = move || {
        let receiver = chosen.get().map(|offer| offer.receiver);
        write(state, fields, receiver, state.keeper().now())
    };
    let troubles = Troubles::of(move || written().err().unwrap_or_default());
    let at = move |name| troubles.at(Spot::Fact(name));
    let sexes = SEXES.map(|s| (words.speech.sex)(s).to_owned()).to_vec();
    let tiles = Tile::ALL
        .iter()
        .map(|t| (naming::tile_icon(*t), naming::tile_name(*t, language).to_owned()))
        .collect::<Vec<_>>();
    let found_line =
        move || fields.found_at(state.now.get()).ok().map(|at| format!("{}, {}", time(at), date(at.day())));
    let found_error = at(FactName::Found);
    let time_wrong = move || fields.found_at(state.now.get()).is_err();
    let time_error = Signal::derive(move || found_error.get().filter(|_| time_wrong()));
    let place_error = Signal::derive(move || found_error.get().filter(|_| !time_wrong()));
    let restrict_hint = Signal::derive(move || {
        if suggested_restriction.get() { words.new_case.restrict_default } else { words.new_case.restrict_hint }
            .to_owned()
    });
    let elsewhere = troubles.elsewhere(BESIDE);
    let navigator = navigator();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (true, Ok(Written { log, facts, ask })) = (troubles.are_none(), untrack(written)) else { return };
        let case = state.keeper().new_case_id();
        let subject = Subject::Case(case);
        let opening = Body::CaseOpened { code: state.keeper().new_code(), facts };
        // Who is recorded and what is asked for them go onto the disk together: a battery that dies parts them never.
        let photos = announce(fields.photos);
        let bodies = std::iter::once(opening).chain(ask.map(Body::ReferralAsked)).chain(photos).collect();
        saving.save(log, subject, bodies, Some(DRAFT.to_owned()), None, move |_| {
            draft.end();
            navigator.replace(Route::EmergencyCase(case));
        });
    };
    let top = Top::Alarm { to: Route::Today, title: words.emergency.title.to_owned() };
    view! {
        <Screen
            top
            title=words.emergency.title
            dock=move || {
                view! {
                    <DockActions>
                        <SaveButton saving label=words.emergency.save form="emergency" emergency=true />
                    </DockActions>
                }
            }
        >
            <section class="stack">
                <p>{words.emergency.call_first}</p>
                <ShortNumbers />
            </section>
            <form class="stack" data-gap="l" id="emergency" novalidate on:submit=submit>
                <Section title=words.emergency.who>
                    <Toggle
                        label=words.new_case.name_unknown
                        hint=Signal::stored(words.new_case.name_unknown_hint.to_owned())
                        on=fields.unknown
                    />
                    <If when=move || !fields.unknown.get()>
                        <Field
                            label=words.new_case.full_name
                            value=fields.name
                            error=at(FactName::FullName)
                            typing=Typing::Name
                        />
                    </If>
                    <Chips
                        label=(words.errors.fact)(FactName::Sex)
                        options=Signal::stored(sexes)
                        chosen=fields.sex
                        may_clear=true
                    />
                    <Field
                        label=words.new_case.age
                        value=fields.age
                        error=at(FactName::ApproximateAge)
                        typing=Typing::Digits
                    />
                    <If when=move || fields.unknown.get()>
                        <Field
                            label=(words.errors.fact)(FactName::Marks)
                            hint=words.new_case.marks_hint
                            value=fields.marks
                            error=at(FactName::Marks)
                        />
                    </If>
                </Section>
                <Section title=words.emergency.where_title>
                    <Select
                        label=(words.errors.fact)(FactName::HandledIn)
                        options=villages
                        value=fields.village
                        error=at(FactName::HandledIn)
                    />
                    <Field
                        label=words.emergency.found_place
                        hint=words.new_case.found_place_hint
                        value=fields.place
                        error=place_error
                    />
                    <TimeOfDay legend=words.emergency.when hour=fields.hour minute=fields.minute error=time_error />
                    <p class="soft">{found_line}</p>
                </Section>
                <Section title=words.new_case.tile_title>
                    <Tiles legend=words.new_case.tile_title options=tiles chosen=fields.tile error=at(FactName::Tile) />
                    <Toggle label=words.new_case.restrict hint=restrict_hint on=fields.restricted />
                </Section>
                <Field
                    label=words.emergency.what
                    hint=words.emergency.what_hint
                    value=fields.what
                    error=at(FactName::WhatHappened)
                    typing=Typing::Long
                />
                <PhotoField photos=fields.photos consent=Signal::stored(PhotoConsent::NotAsked) />
                <Section title=words.emergency.ask>
                    <Answers
                        legend=words.emergency.ask
                        heard_only=true
                        options=[words.emergency.ask_admission, words.emergency.ask_child, words.emergency.ask_none]
                            .map(|label| (label.to_owned(), String::new()))
                            .to_vec()
                        chosen=fields.ask
                    />
                    <If when=move || fields.ask.get() == Some(ADMISSION)>
                        <Select label=words.emergency.receiver options=receiver_options value=fields.receiver />
                        {move || chosen.get().map(|offer| view! { <ReceiverLine offer /> })}
                    </If>
                    <Note
                        icon=Icon::ShieldTick
                        said=Signal::derive(move || consent_line(fields, words))
                    />
                </Section>
                <WholeError error=elsewhere />
                <SaveFailure saving />
                <DraftLine draft />
            </form>
        </Screen>
    }
    .into_any()
}

/// That nobody needs to be asked, why, and what is sent to whom.
fn consent_line(fields: Fields, words: &Words) -> String {
    let mut said = words.emergency.no_consent.to_owned();
    if fields.ask.get().is_some_and(|n| n <= CHILD) {
        let items: Vec<_> = ShareItem::EMERGENCY.iter().map(|i| (words.consent.item)(*i)).collect();
        said.push(' ');
        said.push_str(&(words.referral.shared_only)(&items.join(", ")));
    }
    said
}

/// The village this person last wrote about, where the next emergency most likely is.
fn last_village(state: AppState) -> String {
    let me = state.me();
    let own = state.own_villages();
    let last = state.cards.with(|cards| {
        let written = cards.iter().filter(|c| Some(c.author) == me);
        written.filter_map(|c| c.place.clone()).find(|place| own.iter().any(|(id, _)| id == place))
    });
    last.map(|place| place.to_string()).unwrap_or_default()
}

/// Facilities that fit, best first, then those to ask first, then the commune's own desk.
fn receivers(state: AppState, fields: Fields, words: &Words) -> Vec<Offer> {
    let rules = state.rules();
    let place = chosen_place(state, fields);
    let commune = place.and_then(|place| rules.places.commune_of(&place).map(|c| c.id.clone()));
    let kind = ReferralKind::AdmissionEmergency;
    let offers = offers(
        state,
        &Need { kind, service: None, tile: fields.tile(), groups: vec![], restricted: false, commune },
        words,
    );
    let is_desk = |o: &Offer| matches!(o.receiver, Receiver::Desk(_));
    let (desk, fitting): (Vec<Offer>, Vec<Offer>) = offers.fitting.into_iter().partition(is_desk);
    fitting.into_iter().chain(offers.others).chain(desk).collect()
}

/// The village chosen, or the first of the list as the phone shows it.
fn chosen_place(state: AppState, fields: Fields) -> Option<PlaceId> {
    let chosen = fields.village.get();
    let (villages, communes) = (state.own_villages(), state.own_communes());
    let mut all = villages.into_iter().chain(communes).map(|(id, _)| id);
    let first = all.next()?;
    Some(if first.as_str() == chosen { first } else { all.find(|id| id.as_str() == chosen).unwrap_or(first) })
}

/// What the receiver offers, and who is on duty there.
#[component]
fn ReceiverLine(offer: Offer) -> AnyView {
    let state = app_state();
    let words = words();
    let duty = untrack(|| facility(state, &offer.receiver)).and_then(|f| duty_phone(&f));
    let duty = duty.map(|number| format!("{} {}", words.more.duty, phone(&number)));
    view! { <p class="soft">{offer.hint} {duty.map(|duty| view! { <br /> {duty} })}</p> }.into_any()
}

fn facility(state: AppState, receiver: &Receiver) -> Option<Facility> {
    let Receiver::Facility(id) = receiver else { return None };
    state.facilities.with(|all| all.iter().find(|f| f.id == *id).cloned())
}

/// The number that answers at night, or else the one by day.
fn duty_phone(facility: &Facility) -> Option<Phone> {
    facility.facts.duty_phone.clone().or_else(|| facility.facts.phone.clone())
}

/// What is saved.
struct Written {
    log: LogId,
    facts: Vec<Fact>,
    ask: Option<ReferralAsk>,
}

/// # Errors
/// Everything that stands against saving it.
fn write(state: AppState, fields: Fields, receiver: Option<Receiver>, now: Timestamp) -> Result<Written, Vec<Refusal>> {
    let rules = state.rules();
    let mut found = Vec::new();
    let mut wrong = |name, why| found.push(Refusal::Field { spot: Spot::Fact(name), why });
    let mut facts = Vec::new();
    let unknown = fields.unknown.get();
    let name = fields.name.with(|typed| PersonName::parse(typed));
    facts.push(Fact::FullName(match name {
        Ok(name) if !unknown => Some(name),
        Err(why) if !unknown && why != Invalid::Empty => {
            wrong(FactName::FullName, why);
            None
        }
        // A name left empty is a name not known.
        _ => None,
    }));
    if let Some(sex) = fields.sex.get().and_then(|n| SEXES.get(n)) {
        facts.push(Fact::Sex(*sex));
    }
    match fields.age() {
        Ok(Some(age)) => facts.push(Fact::ApproximateAge(age)),
        Ok(None) => {}
        Err(why) => wrong(FactName::ApproximateAge, why),
    }
    let text = |typed: RwSignal<String>| typed.with(|t| t.trim().to_owned());
    if unknown && !text(fields.marks).is_empty() {
        facts.push(Fact::Marks(text(fields.marks)));
    }
    match fields.found_at(now) {
        Ok(at) => facts.push(Fact::Found(Found { place: text(fields.place), at: Some(at) })),
        Err(why) => wrong(FactName::Found, why),
    }
    let place = chosen_place(state, fields);
    match &place {
        Some(place) => facts.push(Fact::HandledIn(place.clone())),
        None => wrong(FactName::HandledIn, Invalid::UnknownPlace),
    }
    if let Some(tile) = fields.tile() {
        facts.push(Fact::Tile(tile));
    }
    let what = text(fields.what);
    let restricted = fields.restricted.get();
    facts.extend([
        Fact::WhatHappened(what.clone()),
        Fact::Source(Source::Collaborator),
        Fact::Urgency(Urgency::Emergency),
        Fact::Consent(Consent {
            on: Some(now.day()),
            ..Consent::new(ConsentAnswer::NotRequired(ConsentException::Emergency))
        }),
        Fact::Confidentiality(if restricted { Confidentiality::Restricted } else { Confidentiality::Normal }),
        Fact::Status(CaseStatus::New),
    ]);
    for why in check_facts(&facts, &rules, now) {
        let known = found.iter().any(|have| match (have, &why) {
            (Refusal::Field { spot: a, .. }, Refusal::Field { spot: b, .. }) => a == b,
            _ => false,
        });
        if !known {
            found.push(why);
        }
    }
    let Some(log) = place.as_ref().and_then(|place| rules.places.log_of(place)) else { return Err(found) };
    let ask = match (fields.ask.get(), place, receiver) {
        (Some(ADMISSION), _, Some(receiver)) => Some(admission(state, receiver, what)),
        (Some(CHILD), Some(place), _) => rules.places.commune_of(&place).map(|commune| ReferralAsk {
            kind: ReferralKind::ChildProtection,
            service: Some("child_protection".into()),
            receiver: Receiver::Desk(commune.id.clone()),
            reason: what,
            sharing: Sharing::emergency(),
        }),
        _ => None,
    };
    if found.is_empty()
        && let Some(worker) = state.worker.get()
    {
        // As the office will see it: the case first, then what is asked for it.
        let subject = Subject::Case(CaseId(uuid::Uuid::nil()));
        let opening = Body::CaseOpened { code: CaseCode::from_random([0; 6]), facts: facts.clone() };
        let mut parts = Parts::default();
        found.extend(check_body(state, &parts, &log, subject, &opening, now).err());
        let actor = Actor { worker: worker.id, grants: &worker.grants };
        apply(&mut parts, &Entry::waiting(unsaved(&log, subject, actor, opening, now)));
        let asking = ask.clone().map(Body::ReferralAsked);
        found.extend(asking.and_then(|body| check_body(state, &parts, &log, subject, &body, now).err()));
    }
    if found.is_empty() { Ok(Written { log, facts, ask }) } else { Err(found) }
}

fn admission(state: AppState, receiver: Receiver, reason: String) -> ReferralAsk {
    let kind = ReferralKind::AdmissionEmergency;
    let of_kind = |s: &&ServiceCode| s.row().is_some_and(|row| row.referral_kind == kind.code());
    let service = facility(state, &receiver).and_then(|f| f.facts.services.iter().find(of_kind).cloned());
    ReferralAsk { kind, service, receiver, reason, sharing: Sharing::emergency() }
}

/// Hour and minute, as people say the time.
#[component]
fn TimeOfDay(
    legend: &'static str,
    hour: RwSignal<String>,
    minute: RwSignal<String>,
    error: Signal<Option<String>>,
) -> AnyView {
    let words = words();
    let part = move |label: &'static str, value: RwSignal<String>| {
        let id = fresh_id();
        let label_for = id.clone();
        view! {
            <div>
                <label for=label_for>{label}</label>
                <input
                    id=id
                    inputmode="numeric"
                    maxlength="2"
                    autocomplete="off"
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    prop:value=move || value.get()
                    on:input:target=move |event| value.set(event.target().value())
                />
            </div>
        }
    };
    let error_id = fresh_id();
    let described = error_id.clone();
    view! {
        <fieldset class="field" data-invalid=move || error.with(Option::is_some).then_some("") aria-describedby=described>
            <legend>{legend}</legend>
            <div class="date-parts">{part(words.time.hour, hour)} {part(words.time.minute, minute)}</div>
            <super::ui::FieldError id=error_id error />
        </fieldset>
    }
    .into_any()
}

/// 113, 115 and 111: they work without anybody's log-in.
#[component]
pub fn ShortNumbers() -> AnyView {
    let words = words();
    let numbers = NATIONAL
        .into_iter()
        .zip(words.emergency.national)
        .map(|(number, name)| view! { <li><a href=format!("tel:{number}")><strong>{number}</strong>{name}</a></li> })
        .collect_any();
    view! { <ul class="short-numbers">{numbers}</ul> }.into_any()
}

/// A number of the commune.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    pub name: String,
    pub phone: Phone,
    /// Reads text messages.
    is_supervisor: bool,
}

/// The numbers that hold in a commune, in the order the office gave them; then the receiver on duty and colleagues who
/// decide there, if they are not among them.
fn numbers_in(state: AppState, commune: Option<&PlaceId>, receiver: Option<&Receiver>, words: &Words) -> Vec<Number> {
    let mut all: Vec<Number> = state.briefing.with(|briefing| {
        let numbers = briefing.iter().flat_map(|b| &b.numbers);
        let here = numbers.filter(|n| n.commune.is_none() || n.commune.as_ref() == commune);
        here.filter(|n| !NATIONAL.contains(&n.phone.e164()))
            .map(|n| Number { name: n.name.clone(), phone: n.phone.clone(), is_supervisor: n.kind == "supervisor" })
            .collect()
    });
    let mut add = |number: Number| {
        if all.iter().all(|n| n.phone != number.phone) {
            all.push(number);
        }
    };
    if let Some(on_duty) = receiver.and_then(|r| facility(state, r))
        && let Some(phone) = duty_phone(&on_duty)
    {
        add(Number { name: format!("{}: {}", words.more.duty, on_duty.facts.name), phone, is_supervisor: false });
    }
    if let Some(commune) = commune {
        let me = state.me();
        for colleague in state.colleagues() {
            let decides =
                colleague.grants.iter().any(|g| g.role == Role::Supervisor && g.area.as_ref() == Some(commune));
            if let (true, Some(phone)) = (decides && Some(colleague.id) != me, &colleague.phone) {
                let name =
                    format!("{}, {}", colleague.name, domain::search::lower((words.speech.role)(Role::Supervisor)));
                add(Number { name, phone: phone.clone(), is_supervisor: true });
            }
        }
    }
    all
}

/// The numbers of this person's communes, to call only.
#[component]
pub fn CommuneNumbers() -> AnyView {
    let state = app_state();
    let words = words();
    let lists = move || {
        let communes = state.own_communes();
        let named = communes.len() > 1;
        let lists = communes.into_iter().map(|(id, name)| {
            let numbers = numbers_in(state, Some(&id), None, words);
            let rows = numbers.into_iter().map(|n| view! { <li><CallRow number=n /></li> }).collect_any();
            view! {
                <section class="stack">
                    {named.then(|| view! { <h2>{name}</h2> })}
                    <ul class="calls">{rows}</ul>
                </section>
            }
        });
        lists.collect_any()
    };
    lists.into_any()
}

#[component]
fn CallRow(number: Number) -> AnyView {
    view! {
        <a class="call" href=format!("tel:{}", number.phone.national())>
            {Icon::Call} <strong>{phone(&number.phone)}</strong> <span>{number.name}</span>
        </a>
    }
    .into_any()
}

/// What is left to do once the facts are saved: call, and note who was told.
#[component]
pub fn EmergencyCase(case: CaseId) -> AnyView {
    let state = app_state();
    let words = words();
    let parts = state.parts(Subject::Case(case));
    let header = Memo::new(move |_| match parts.get() {
        Loaded::Here(parts) => parts.header().cloned().map(Box::new),
        _ => None,
    });
    let asked = Memo::new(move |_| match parts.get() {
        Loaded::Here(parts) => {
            let newest = parts.referrals().filter(|r| !r.progress.status.is_final()).max_by_key(|r| r.recorded_at);
            newest.map(|r| (r.ask.kind, r.ask.receiver.clone()))
        }
        _ => None,
    });
    let stands = Memo::new(move |_| header.with(Option::is_some));
    let elapsed = move || header.with(|h| h.as_deref().map(|h| since(h, state.now.get(), words)));
    let top = Top::Alarm { to: Route::Today, title: words.emergency.title.to_owned() };
    view! {
        <Screen
            top
            title=words.emergency.title
            corner=move || {
                view! {
                    <If when=move || stands.get()>
                        <span class="elapsed">
                            {sized(Icon::Clock, Some("s"))} <span class="hidden-label">{words.emergency.since}</span>
                            <span>{elapsed}</span>
                        </span>
                    </If>
                }
            }
            dock=move || {
                view! {
                    <If when=move || stands.get()>
                        <DockActions>
                            <a class="button" href=Route::Case(case).path()>
                                {sized(Icon::Pencil, Some("s"))} {words.emergency.add_more}
                            </a>
                        </DockActions>
                    </If>
                }
            }
        >
            {move || {
                if stands.get() {
                    return view! { <Calls case header asked /> }.into_any();
                }
                let rest = match parts.get() {
                    Loaded::Missing => view! { <Missing /> }.into_any(),
                    // Whoever cannot read the case can still call.
                    Loaded::Failed(error) => view! { <CommuneNumbers /> {unopened(&error)} }.into_any(),
                    Loaded::Opening | Loaded::Here(_) => view! { <SkeletonRows /> }.into_any(),
                };
                view! { <ShortNumbers /> {rest} }.into_any()
            }}
        </Screen>
    }
    .into_any()
}

/// How long ago somebody was found, or first written about.
fn since(header: &Header, now: Timestamp, words: &Words) -> String {
    let found = header.facts.found.shown().and_then(|f| f.at).unwrap_or(header.recorded_at);
    let gone = (now.0 - found.0).max(0);
    if gone >= COUNT_DAYS_FROM_MS { (words.time.days)(gone / DAY_MS) } else { clock::hours(gone, words) }
}

type OpenCase = Memo<Option<Box<Header>>>;
type Asked = Memo<Option<(ReferralKind, Receiver)>>;

#[component]
fn Calls(case: CaseId, header: OpenCase, asked: Asked) -> AnyView {
    let state = app_state();
    let words = words();
    let subject = Subject::Case(case);
    let title = move || header.with(|h| h.as_deref().map(|h| naming::header_title(h, state.now.get().day(), words)));
    let code = Memo::new(move |_| header.with(|h| h.as_deref().map(|h| h.code.to_string()).unwrap_or_default()));
    let delivery = Memo::new(move |_| {
        let card = state.cards.with(|cards| cards.iter().find(|c| c.subject == subject).cloned());
        card.and_then(|card| state.outbox.with(|outbox| card_delivery(&card, outbox))).unwrap_or(Delivery::Queued)
    });
    let calm = move || matches!(delivery.get(), Delivery::Received { .. } | Delivery::Seen { .. });
    let advice = Signal::derive(move || advice(state, &delivery.get(), words));
    let commune = Memo::new(move |_| {
        let rules = state.rules();
        let place = header.with(|h| h.as_deref().and_then(|h| h.handled_in().cloned()));
        place.and_then(|place| rules.places.commune_of(&place).map(|c| c.id.clone()))
    });
    let numbers = Memo::new(move |_| {
        let receiver = asked.get().map(|(_, receiver)| receiver);
        numbers_in(state, commune.get().as_ref(), receiver.as_ref(), words)
    });
    let urgent = move || header.with(|h| h.as_deref().is_some_and(|h| h.urgency() == Urgency::Emergency));
    let teller = Teller { state, subject, header, busy: RwSignal::new(false), failed: RwSignal::new(None) };
    let national = NATIONAL
        .into_iter()
        .zip(words.emergency.national)
        .filter_map(|(number, name)| Some((Phone::parse_service(number).ok()?, name)))
        .map(|(number, name)| {
            let short = number.national();
            view! {
                <li>
                    <a href=format!("tel:{short}")><strong>{short.clone()}</strong>{name}</a>
                    <TellButton teller number=Number { name: name.to_owned(), phone: number, is_supervisor: false } />
                </li>
            }
        })
        .collect_any();
    let sms = move || {
        numbers.with(|all| {
            let to = all.iter().find(|n| n.is_supervisor).or(all.first())?;
            let body = (words.emergency.sms_body)(&code.get());
            let body = String::from(js_sys::encode_uri_component(&body));
            Some(format!("sms:{}?body={body}", to.phone.national()))
        })
    };
    let told = move || {
        header
            .with(|h| h.as_deref().map(|h| h.told.iter().map(|(_, told)| told.clone()).collect::<Vec<_>>()))
            .unwrap_or_default()
    };
    let facts = move || header.with(|h| h.as_deref().map(|h| recorded(state, h, asked, words))).unwrap_or_default();
    view! {
        <section class="stack">
            <div>
                <h2>{title}</h2>
                <div class="marks">
                    <span>{words.frame.code} " " <strong class="code">{code}</strong></span>
                    {move || view! { <DeliveryMark delivery=delivery.get() now=state.now.get() /> }}
                </div>
            </div>
            {move || {
                let (icon, tone) = match (calm(), state.sync.get()) {
                    (true, _) => (Icon::Tick, ""),
                    (false, SyncState::Offline) => (Icon::Offline, "wait"),
                    (false, _) => (Icon::Warning, "wait"),
                };
                view! { <Note icon said=advice tone /> }
            }}
            <If when=move || !urgent()>
                <p class="soft">{words.emergency.not_emergency}</p>
            </If>
        </section>
        <section class="stack" aria-label=words.emergency.call_now>
            <ul class="short-numbers">{national}</ul>
            <If
                when=move || !numbers.with(Vec::is_empty)
                fallback=move || view! { <p class="soft">{words.emergency.no_numbers}</p> }
            >
                <ul class="calls">
                    <For each=move || numbers.get() key=|n| n.phone.clone() let:number>
                        <li>
                            <CallRow number=number.clone() />
                            <TellButton teller number />
                        </li>
                    </For>
                </ul>
            </If>
            <p class="soft">{words.emergency.told_hint}</p>
            <WholeError error=teller.failed />
            {move || {
                sms()
                    .map(|href| {
                        view! {
                            <a class="button" href=href>
                                {sized(Icon::Sms, Some("s"))} {(words.emergency.sms)(&code.get())}
                            </a>
                        }
                    })
            }}
        </section>
        <Section title=words.emergency.told_title>
            {move || {
                let told = told();
                if told.is_empty() {
                    return view! { <p class="soft">{words.emergency.told_none}</p> }.into_any();
                }
                let now = state.now.get();
                let rows = told
                    .into_iter()
                    .map(|told| {
                        view! {
                            <li>
                                <time>{moment(told.at, now)}</time>
                                {told.whom}
                                ", "
                                <span class="nowrap">{phone(&told.phone)}</span>
                            </li>
                        }
                    })
                    .collect_any();
                view! { <ol class="history">{rows}</ol> }.into_any()
            }}
            <p class="soft">{words.emergency.clock_note}</p>
        </Section>
        <Section title=words.emergency.recorded>
            {move || view! { <FactList pairs=facts() /> }}
            <If when=move || asked.with(Option::is_none) && records(state)>
                <a class="button" href=Route::AskReferral(case).path()>
                    {sized(Icon::Transfer, Some("s"))} {words.emergency.ask_now}
                </a>
            </If>
        </Section>
    }
    .into_any()
}

/// What the person should do now, by where the record travels.
fn advice(state: AppState, delivery: &Delivery, words: &Words) -> String {
    let you = (words.speech.you)(state.worker.with(|w| w.as_ref().map(|w| w.address).unwrap_or_default()));
    let now = state.now.get();
    match (delivery, state.sync.get()) {
        (Delivery::Received { at } | Delivery::Seen { at }, _) => (words.emergency.commune_has_it)(&moment(*at, now)),
        (Delivery::Queued, SyncState::Offline) => (words.emergency.not_known_yet)(you),
        (Delivery::Queued, SyncState::Idle | SyncState::Running) => (words.emergency.sending_now)(you),
        (Delivery::Queued | Delivery::Held { .. }, _) => (words.emergency.not_sent)(you),
    }
}

/// Notes who was told, and when by this phone.
#[derive(Clone, Copy)]
struct Teller {
    state: AppState,
    subject: Subject,
    header: OpenCase,
    busy: RwSignal<bool>,
    failed: RwSignal<Option<String>>,
}

impl Teller {
    fn told_at(self, phone: &Phone) -> Option<Timestamp> {
        self.header.with(|h| h.as_deref()?.told.iter().filter(|(_, t)| t.phone == *phone).map(|(_, t)| t.at).max())
    }
    fn tell(self, number: &Number, words: &'static Words) {
        let now = self.state.keeper().now();
        let again = untrack(|| self.told_at(&number.phone)).is_some_and(|at| now.0 - at.0 < ONE_TAP_MS);
        let Some(log) = self.header.with_untracked(|h| h.as_deref().map(|h| h.log.clone())) else { return };
        if again || self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failed.set(None);
        let whom = number.name.chars().take(domain::limits::LABEL_CHARS).collect();
        let body = Body::Told(Told { whom, phone: number.phone.clone(), at: now, office_at: None });
        let saving = self.state.keeper().save(log, self.subject, vec![body], None, None);
        spawn_local(async move {
            let done = saving.await;
            let _ = self.busy.try_set(false);
            if let Err(error) = done {
                let _ = self.failed.try_set(Some((words.errors.store)(&error).to_owned()));
            }
        });
    }
}

/// One tap notes the time.
#[component]
fn TellButton(teller: Teller, number: Number) -> AnyView {
    let words = words();
    let state = app_state();
    let phone = number.phone.clone();
    let at = Memo::new(move |_| teller.told_at(&phone));
    let label = (words.emergency.told_label)(&number.name);
    let said = move || match at.get() {
        Some(at) => (words.emergency.told_at)(&moment(at, state.now.get())),
        None => words.emergency.told.to_owned(),
    };
    view! {
        <button
            class="told"
            type="button"
            aria-pressed=move || if at.get().is_some() { "true" } else { "false" }
            on:click=move |_| teller.tell(&number, words)
        >
            {move || sized(if at.get().is_some() { Icon::BoxTicked } else { Icon::BoxEmpty }, Some("s"))}
            <span aria-hidden="true">{said}</span>
            <span class="hidden-label">{label}</span>
        </button>
    }
    .into_any()
}

/// What was recorded, in the words somebody on the phone is asked for.
fn recorded(state: AppState, header: &Header, asked: Asked, words: &'static Words) -> Vec<(&'static str, String)> {
    let rules = state.rules();
    let found = header.facts.found.shown();
    let village = header.handled_in().map(|place| {
        let name = naming::place_name(place, &rules.places);
        match rules.places.commune_of(place).filter(|c| c.id != *place) {
            Some(commune) => format!("{name}, {}", commune.name),
            None => name,
        }
    });
    let place = found.map(|f| f.place.clone()).filter(|p| !p.is_empty());
    let at = found.and_then(|f| f.at).unwrap_or(header.recorded_at);
    let receiver = asked.get().map(|(kind, receiver)| {
        let name = state.facilities.with(|f| naming::receiver(&receiver, f, &rules.places, words));
        format!("{}: {name}", (words.referral.kind)(kind))
    });
    let consent = header.facts.consent.safest().map(|c| (words.consent.answer)(c.answer).to_owned());
    let text = |t: Option<&String>| t.cloned().unwrap_or_default();
    vec![
        (
            words.emergency.where_title.trim_end_matches('?'),
            [place, village].into_iter().flatten().collect::<Vec<_>>().join(", "),
        ),
        (words.emergency.at, format!("{}, {}", time(at), date(at.day()))),
        ((words.errors.fact)(FactName::WhatHappened), text(header.facts.what_happened.shown())),
        ((words.errors.fact)(FactName::Marks), text(header.facts.marks.shown())),
        (words.emergency.asked, receiver.unwrap_or_else(|| words.emergency.nothing_asked.to_owned())),
        ((words.errors.fact)(FactName::Consent), consent.unwrap_or_default()),
    ]
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn a_time_typed_after_midnight_belongs_to_the_day_before() {
        let midnight = domain::Day::of(2026, 3, 9).expect("a day").end();
        let at = |ms| latest_before(midnight.plus_ms(10 * MINUTE_MS), ms, midnight.plus_ms(12 * MINUTE_MS));
        assert_eq!(at(23 * HOUR_MS + 50 * MINUTE_MS), midnight.plus_ms(-10 * MINUTE_MS));
        assert_eq!(at(11 * MINUTE_MS), midnight.plus_ms(11 * MINUTE_MS));
    }

    #[wasm_bindgen_test]
    fn a_draft_of_yesterday_keeps_its_day() {
        let evening = domain::Day::of(2026, 3, 9).expect("a day").end().plus_ms(-2 * HOUR_MS);
        let at = latest_before(evening, 21 * HOUR_MS + 40 * MINUTE_MS, evening.plus_ms(25 * HOUR_MS));
        assert_eq!(at, evening.plus_ms(-20 * MINUTE_MS));
    }
}
