//! One case: where it stands and what comes next, what was recorded, its visits, referrals and history.

use std::sync::Arc;

use domain::{
    Body, CaseId, ChangeId, Confidentiality, Delivery, Fact, Facts, FieldEdit, Header, KinPlace, LogId, OutboxItem,
    OutboxState, Parts, PhotoPart, PlaceId, Role, Subject, TaskFor, Timestamp, TrailEntry, TrailWhat, Urgency,
    VisitPart, catalogue::ETHNIC_GROUPS, members,
};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

use super::{
    app_state,
    cases::card_delivery,
    clock,
    conflict::{Choice, ChooseDialog, conflicts, device_said},
    duty, lang,
    moving::{self, KinContent, LinkAsked, LinkDialog},
    naming,
    photos::{self, PhotoDialog},
    route::Route,
    saving::save_at_once,
    state::{AppState, Loaded},
    task::TaskDoneDialog,
    ui::{
        ClockMark, CollectAny, ConfirmDialog, DeliveryMark, DockActions, EmptyState, FactList, If, Notice,
        ReferralMark, RestrictedMark, Row, Screen, Section, SkeletonRows, StatusMark, Top, UrgencyMark, moment,
        unopened,
    },
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{Lang, Words, birth_said, consent_said, date, date_time, day_month, phone},
};

/// The four sides of a case page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Overview,
    Visits,
    Referrals,
    History,
}

/// What stands to be confirmed. The questions stand beside the content: that is drawn anew with every minute and whatever
/// arrives, and must leave alone what is being read or typed.
#[derive(Debug, Clone, Copy)]
struct Asked {
    done: RwSignal<Option<(LogId, ChangeId)>>,
    withdrawn: RwSignal<Option<(LogId, FieldEdit)>>,
    chosen: RwSignal<Option<Choice>>,
    photo: RwSignal<Option<PhotoPart>>,
    linked: RwSignal<Option<LinkAsked>>,
}

#[component]
pub fn CasePage(case: CaseId, side: Side) -> AnyView {
    let state = app_state();
    let words = words();
    let subject = Subject::Case(case);
    let parts = state.parts(subject);
    look(state, subject, parts);
    let asked = Asked {
        done: RwSignal::new(None),
        withdrawn: RwSignal::new(None),
        chosen: RwSignal::new(None),
        photo: RwSignal::new(None),
        linked: RwSignal::new(None),
    };
    // What is said on another case of the person changes nothing of this one's own parts.
    let kin = Memo::new(move |_| moving::kin_of(state, case));
    let front = Memo::new(move |_| match kin.get()?.place {
        KinPlace::Behind(front) => Some(front),
        _ => None,
    });
    let title = Signal::derive(move || match parts.get() {
        Loaded::Here(parts) => {
            parts.header().map_or(String::new(), |h| naming::header_title(h, state.now.get().day(), words))
        }
        _ => words.frame.cases.to_owned(),
    });
    let code = move || match parts.get() {
        Loaded::Here(parts) => parts.header().map(|h| h.code.to_string()),
        _ => None,
    };
    view! {
        <Screen
            top=Top::Back { to: Route::Cases, label: words.frame.cases.to_owned() }
            title
            corner=move || view! { {move || code().map(|code| view! { <ShareCode code /> })} }
            dock=move || {
                view! {
                    <If when=move || matches!(parts.get(), Loaded::Here(_)) && state.records()>
                        {move || match front.get() {
                            // What is still to be written is written in the case in front.
                            Some(front) => {
                                let label = (words.moving.open)(&naming::case_code(front, state, words));
                                view! {
                                    <DockActions>
                                        <a class="button" data-kind="main" href=Route::Case(front).path()>{label}</a>
                                    </DockActions>
                                }
                                    .into_any()
                            }
                            None => {
                                view! {
                                    <DockActions>
                                        <a class="button" data-kind="main" href=Route::Visit(case).path()>
                                            {words.case_page.record_visit}
                                        </a>
                                        <a class="button" href=Route::AskReferral(case).path()>{words.case_page.refer}</a>
                                    </DockActions>
                                }
                                    .into_any()
                            }
                        }}
                    </If>
                }
            }
        >
            {move || match parts.get() {
                Loaded::Opening => view! { <SkeletonRows /> }.into_any(),
                Loaded::Missing => view! { <Missing /> }.into_any(),
                Loaded::Failed(error) => unopened(&error),
                Loaded::Here(parts) => {
                    kin.track();
                    view! { <Content case side parts asked /> }.into_any()
                }
            }}
            <KinContent case side />
            <TaskDoneDialog case asked=asked.done />
            <LinkDialog case asked=asked.linked />
            <WithdrawDialog case asked=asked.withdrawn />
            <ChooseDialog subject asked=asked.chosen />
            <PhotoDialog case parts asked=asked.photo />
        </Screen>
    }
    .into_any()
}

/// Nothing under this address on this phone.
#[component]
pub fn Missing() -> AnyView {
    let words = words();
    view! {
        <EmptyState icon=Icon::Search title=words.frame.not_found text=words.frame.not_found_long>
            <a class="button" href=Route::Today.path()>{words.frame.to_today}</a>
        </EmptyState>
    }
    .into_any()
}

/// When the office received the newest that people wrote of what is here of a case.
pub fn newest_received(parts: &Parts) -> Option<Timestamp> {
    let newest = parts.trail().and_then(|t| t.by_people().filter_map(|e| e.written.received_at).max());
    newest.or(parts.header().and_then(|header| header.received_at))
}

/// A supervisor of the area, or somebody named, who opens a case has seen what is new in it; its writer learns of it.
pub fn look(state: AppState, subject: Subject, parts: RwSignal<Loaded>) {
    let told = StoredValue::new(None::<Timestamp>);
    Effect::new(move |_| {
        let Loaded::Here(parts) = parts.get() else { return };
        let (Some(header), Some(worker)) = (parts.header(), state.worker.get_untracked()) else { return };
        // The duty to look is a supervisor's: who sees the case and has that role makes it seen.
        if header.author == worker.id || !worker.has(Role::Supervisor) {
            return;
        }
        let newest = newest_received(&parts);
        let seen = header.looked.as_ref().map(domain::Looked::until);
        // Once for everything the office has received; what waits on this phone is one's own.
        let Some(until) = newest.filter(|_| seen < newest && told.get_value() != newest) else { return };
        told.set_value(newest);
        // The page says no more than what it shows: without network an emergency may have come that is not on it.
        let saving = state.keeper().save(header.log.clone(), subject, vec![Body::Seen { until }], None, None);
        spawn_local(async move {
            // A look that could not be noted is noted the next time the case is opened.
            let _ = saving.await;
        });
    });
}

/// The code instead of a name: through the phone's own sharing where it has one, else copied.
#[component]
fn ShareCode(code: String) -> AnyView {
    let words = words();
    let notice = expect_context::<Notice>();
    let share = move |_| {
        let code = code.clone();
        spawn_local(async move {
            let navigator = window().navigator();
            let has_share = js_sys::Reflect::has(&navigator, &"share".into()).unwrap_or(false);
            if has_share {
                let data = web_sys::ShareData::new();
                data.set_text(&code);
                // Whoever closes the phone's own sheet has changed their mind.
                let _ = JsFuture::from(navigator.share_with_data(&data)).await;
            } else if JsFuture::from(navigator.clipboard().write_text(&code)).await.is_ok() {
                notice.say(words.case_page.shared);
            }
        });
    };
    view! {
        <button class="icon-link" data-edge="end" type="button" on:click=share>{Icon::Share} {words.case_page.share}</button>
    }
    .into_any()
}

#[component]
fn Content(case: CaseId, side: Side, parts: Arc<Parts>, asked: Asked) -> AnyView {
    let state = app_state();
    let words = words();
    let Some(header) = parts.header() else { return view! { <Missing /> }.into_any() };
    let now = state.now.get();
    let today = now.day();
    let rules = state.rules();
    let place = header.handled_in().map(|place| {
        let village = naming::place_name(place, &rules.places);
        match rules.places.commune_of(place).filter(|c| c.id != *place) {
            Some(commune) => format!("{village}, {}", commune.name),
            None => village,
        }
    });
    let sex = header.facts.sex.shown().map(|s| (words.speech.sex)(*s).to_owned());
    let age = header.age(today).map(|a| (words.speech.age)(a));
    let who = [sex, age].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let line = [Some(who).filter(|w| !w.is_empty()), place].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let subject = Subject::Case(case);
    let card = move || state.cards.with(|cards| cards.iter().find(|c| c.subject == subject).cloned());
    // A change that the office turns down stays in the parts as it was.
    let delivery = Memo::new(move |_| card().and_then(|card| state.outbox.with(|outbox| card_delivery(&card, outbox))));
    let status = card().map_or_else(
        || header.status(),
        |card| match moving::shown_status(&card, state) {
            // A restricted case has no place on its card.
            status if status == card.status => header.status(),
            aside => aside,
        },
    );
    let steps = status.step().map(|n| {
        let step = |at: u8| {
            let key = match at.cmp(&n) {
                std::cmp::Ordering::Less => Some("done"),
                std::cmp::Ordering::Equal => Some("now"),
                std::cmp::Ordering::Greater => None,
            };
            view! { <i data-step=key></i> }
        };
        view! {
            <div class="stack">
                <div class="steps" role="img" aria-label=(words.case_page.step)(n, (words.marks.case_status)(status))>
                    {(1..=7).map(step).collect_any()}
                </div>
                <p>
                    <strong>{(words.marks.case_status)(status)}</strong>
                    <span class="soft">
                        " · " {(words.case_page.step_short)(n)} ". " {(words.case_page.next_step)(status)}
                    </span>
                </p>
            </div>
        }
    });
    let tab = |of: Side, route: Route, name: &'static str| {
        let current = (of == side).then_some("page");
        view! { <a href=route.path() aria-current=current>{name}</a> }
    };
    let content = match side {
        Side::Overview => overview(state, case, &parts, header, asked),
        Side::Visits => visits(state, &parts, now, asked.photo),
        Side::Referrals => referrals(state, case, &parts),
        Side::History => history(state, &parts, None),
    };
    view! {
        <section class="stack">
            <div>
                <h1>{naming::header_title(header, today, words)}</h1>
                <p class="soft">{line}</p>
            </div>
            <div class="cluster">
                <span>{words.frame.code} " " <strong class="code">{header.code.to_string()}</strong></span>
                <UrgencyMark urgency=header.urgency() />
                {header.is_restricted().then(|| view! { <RestrictedMark /> })}
                {move || delivery.get().map(|delivery| view! { <DeliveryMark delivery now /> })}
            </div>
            {duty::told(state, &parts, header)}
            {match steps {
                Some(steps) => steps.into_any(),
                None => view! { <p><StatusMark status /></p> }.into_any(),
            }}
        </section>
        <nav class="tabs" aria-label=words.case_page.parts>
            {tab(Side::Overview, Route::Case(case), words.case_page.overview)}
            {tab(Side::Visits, Route::CaseVisits(case), words.case_page.visits)}
            {tab(Side::Referrals, Route::CaseReferrals(case), words.case_page.referrals)}
            {tab(Side::History, Route::CaseHistory(case), words.case_page.history)}
        </nav>
        {content}
    }
    .into_any()
}

fn overview(state: AppState, case: CaseId, parts: &Arc<Parts>, header: &Header, asked: Asked) -> AnyView {
    let words = words();
    let emergency = (header.urgency() == Urgency::Emergency).then(|| {
        view! {
            <a class="button" href=Route::EmergencyCase(case).path()>
                {sized(Icon::Call, Some("s"))} {words.emergency.numbers_title}
            </a>
        }
    });
    let (next, referrals) = (next(state, case, parts, header, asked), referral_section(state, case, parts));
    let (pairs, consent, lately) =
        (facts(state, header, words, lang()), consent(case, header, asked), history(state, parts, Some(3)));
    let conflicts = conflicts(state, parts, asked.chosen);
    let (kin, travels) = (moving::kin_section(state, case, asked.linked), moving::travels(state, header));
    let acts = moving::acts(state, case);
    view! {
        {conflicts}
        {travels}
        {kin}
        {next}
        {referrals}
        <Section title=words.case_page.facts>
            <FactList pairs />
            <div class="pair">
                {state
                    .records()
                    .then(|| {
                        view! {
                            <a class="button" href=Route::EditCase(case).path()>
                                {sized(Icon::Pencil, Some("s"))} {words.case_page.edit}
                            </a>
                            <a class="button" href=Route::Task(case).path()>
                                {sized(Icon::Page, Some("s"))} {words.case_page.give_task}
                            </a>
                        }
                    })}
                {emergency}
            </div>
        </Section>
        {photos::section(state, case, parts, asked.photo)}
        {consent}
        <Section title=words.case_page.lately>{lately}</Section>
        {acts}
    }
    .into_any()
}

/// The next visit and the open tasks, each with its day and a button that ends it.
fn next(state: AppState, case: CaseId, parts: &Arc<Parts>, header: &Header, asked: Asked) -> AnyView {
    let words = words();
    let rules = state.rules();
    let today = state.now.get().day();
    let next_visit = parts.visits().max_by_key(|v| (v.visit.on, v.written.recorded_at)).and_then(|v| {
        let day = v.visit.next?;
        let what = if v.visit.next_what.is_empty() { words.visit.next.to_owned() } else { v.visit.next_what.clone() };
        Some(view! {
            <li>
                <Row href=Route::Visit(case).path() icon=Icon::Calendar title=what>
                    <ClockMark clock=clock::of_day(day, today, words) />
                </Row>
            </li>
        })
    });
    let follow_ups = parts.referrals().filter_map(|r| {
        let day = r.progress.acts.iter().rev().find_map(|a| match &a.act {
            domain::Act::Receive { follow_up, .. } => *follow_up,
            _ => None,
        })?;
        let visited = parts.visits().any(|v| v.visit.on >= day);
        (!visited).then(|| {
            view! {
                <li>
                    <Row
                        href=Route::Visit(case).path()
                        icon=Icon::House
                        title=(words.referral.follow_up)(&date(day))
                    >
                        <ClockMark clock=clock::of_day(day, today, words) />
                    </Row>
                </li>
            }
        })
    });
    let tasks = parts.tasks().filter(|t| t.done.is_empty()).map(|t| {
        let said = |whom: &TaskFor| match whom {
            TaskFor::Village(place) => (words.visit.task_village)(&naming::place_name(place, &rules.places)),
            TaskFor::Worker(worker) => naming::colleague_full(*worker, &state.colleagues(), words),
        };
        let whom = t.whose().iter().map(said).collect::<Vec<_>>().join(", ");
        let (log, task) = (header.log.clone(), t.written.id);
        view! {
            <li>
                <div class="row">
                    {Icon::Page}
                    <div>
                        <span class="row-title">{t.task.what.clone()}</span>
                        <span class="row-text">{whom}</span>
                        {t.task
                            .due
                            .map(|day| {
                                view! { <span class="marks"><ClockMark clock=clock::of_day(day, today, words) /></span> }
                            })}
                    </div>
                </div>
                <div class="row-foot">
                    <button class="button" type="button" on:click=move |_| asked.done.set(Some((log.clone(), task)))>
                        {sized(Icon::Tick, Some("s"))} {words.case_page.done}
                    </button>
                </div>
            </li>
        }
    });
    let rows: Vec<AnyView> = next_visit
        .map(IntoAny::into_any)
        .into_iter()
        .chain(follow_ups.map(IntoAny::into_any))
        .chain(tasks.map(IntoAny::into_any))
        .collect();
    if rows.is_empty() {
        return ().into_any();
    }
    view! { <Section title=words.case_page.to_do><ul class="rows">{rows}</ul></Section> }.into_any()
}

fn referral_section(state: AppState, case: CaseId, parts: &Arc<Parts>) -> AnyView {
    if parts.referrals().next().is_none() {
        return ().into_any();
    }
    let rows = referrals(state, case, parts);
    view! { <Section title=words().case_page.referrals>{rows}</Section> }.into_any()
}

pub(super) fn referrals(state: AppState, case: CaseId, parts: &Arc<Parts>) -> AnyView {
    let words = words();
    let now = state.now.get();
    let rules = state.rules();
    let mut all: Vec<_> = parts.referrals().collect();
    if all.is_empty() {
        return view! {
            <EmptyState icon=Icon::Transfer title=words.case_page.no_referrals text=words.case_page.no_referrals_long />
        }
        .into_any();
    }
    domain::order::sort_by_key(&mut all, |r| (r.progress.status.is_final(), std::cmp::Reverse(r.recorded_at)));
    let rows = all
        .into_iter()
        .map(|r| {
            let to = state.facilities.with(|f| naming::receiver(&r.ask.receiver, f, &rules.places, words));
            let kind = (words.referral.kind)(r.ask.kind);
            let sent = (words.referral.sent_on)(&day_month(r.recorded_at.day()));
            let due = r.progress.dues.iter().min_by_key(|d| d.at).map(|due| clock::of_due(due, now, words));
            let question = r.progress.question().map(str::to_owned);
            let delivery = match r.received_at {
                None => Some(Delivery::Queued),
                Some(_) => None,
            };
            view! {
                <li>
                    <a class="row" data-plain href=Route::Referral(case, r.id).path()>
                        <div>
                            <span class="row-title">{to}</span>
                            <span class="row-text">{format!("{kind}. {sent}")}</span>
                            {question.map(|q| view! { <span class="quote">{q}</span> })}
                            <span class="marks">
                                <ReferralMark status=r.progress.status />
                                {due.map(|clock| view! { <ClockMark clock /> })}
                                {delivery.map(|delivery| view! { <DeliveryMark delivery now /> })}
                            </span>
                        </div>
                    </a>
                </li>
            }
        })
        .collect_any();
    view! { <ul class="rows">{rows}</ul> }.into_any()
}

pub(super) fn visits(
    state: AppState,
    parts: &Arc<Parts>,
    now: Timestamp,
    photo: RwSignal<Option<PhotoPart>>,
) -> AnyView {
    let words = words();
    let mut all: Vec<&VisitPart> = parts.visits().collect();
    if all.is_empty() {
        return view! {
            <EmptyState icon=Icon::Calendar title=words.case_page.no_visits text=words.case_page.no_visits_long />
        }
        .into_any();
    }
    domain::order::sort_by_key(&mut all, |v| std::cmp::Reverse((v.visit.on, v.written.recorded_at)));
    let colleagues = state.colleagues();
    let language = lang();
    let header = parts.header();
    all.into_iter()
        .map(|v| {
            let visit = &v.visit;
            let services: Vec<&str> =
                visit.services.iter().filter_map(|s| s.row()).map(|row| language.of(row.name)).collect();
            let next = visit.next.map(|day| match visit.next_what.as_str() {
                "" => date(day),
                what => format!("{}. {what}", date(day)),
            });
            let delivery = match v.written.received_at {
                Some(at) => Delivery::of_received(at, header),
                None => Delivery::Queued,
            };
            let pairs = vec![
                (words.visit.place, visit.place.clone()),
                (words.visit.met, visit.met.clone()),
                (words.visit.services, services.join(", ")),
                (words.visit.next, next.unwrap_or_default()),
            ];
            let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            let list = pairs.into_iter().map(|(k, value)| view! { <dt>{k}</dt><dd>{value}</dd> }).collect_any();
            view! {
                <article class="panel">
                    <div class="section-head">
                        <h3>{date(visit.on)}</h3>
                        <span>{naming::colleague_full(v.written.by, &colleagues, words)}</span>
                    </div>
                    <p class="lines">{visit.seen.clone()}</p>
                    <dl class="facts">{list}</dl>
                    {photos::of_visit(state, parts, v.written.id, photo)}
                    <DeliveryMark delivery now />
                </article>
            }
        })
        .collect_any()
        .into_any()
}

/// What was recorded, as label and value; what nobody has written is left out.
pub fn facts(state: AppState, header: &Header, words: &'static Words, lang: Lang) -> Vec<(&'static str, String)> {
    use domain::FactName as N;
    let rules = state.rules();
    let f: &Facts = &header.facts;
    let label = words.errors.fact;
    let place = |id: &PlaceId| naming::place_name(id, &rules.places);
    let text = |t: Option<&String>| t.cloned().unwrap_or_default();
    let yes_no = |b: bool| if b { words.speech.yes } else { words.speech.no }.to_owned();
    let mut birth = f.birth.shown().map(|b| birth_said(b, words));
    if birth.is_none() {
        birth = f.approximate_age.shown().map(|a| (words.speech.age)(u16::from(*a)));
    }
    let found = f.found.shown().map(|found| match found.at {
        Some(at) if found.place.is_empty() => date_time(at),
        Some(at) => format!("{}\n{}", found.place, date_time(at)),
        None => found.place.clone(),
    });
    let groups: Vec<&str> =
        members(&header.groups, true).filter_map(|g| g.row()).map(|row| lang.of(row.name)).collect();
    let ethnic = f.ethnic_group.shown().and_then(|code| ETHNIC_GROUPS.iter().find(|(c, _)| c == code));
    let document = f
        .document
        .shown()
        .map(|d| format!("{} {}", (words.case_page.document_kind)(d.kind), d.number).trim().to_owned());
    let who_may_see = f.confidentiality.safest().map(|c| match c {
        Confidentiality::Normal => words.case_page.everyone_in_area,
        Confidentiality::Restricted => words.case_page.named_only,
    });
    vec![
        (label(N::WhatHappened), text(f.what_happened.shown())),
        (label(N::Tile), f.tile.shown().map(|t| naming::tile_name(*t, lang).to_owned()).unwrap_or_default()),
        (words.case_page.groups, groups.join(", ")),
        (label(N::HandledIn), header.handled_in().map(place).unwrap_or_default()),
        (label(N::Found), found.unwrap_or_default()),
        (label(N::Home), f.home.shown().map(|h| h.text.clone()).unwrap_or_default()),
        (label(N::Birth), birth.unwrap_or_default()),
        (label(N::OtherNames), text(f.other_names.shown())),
        (label(N::Alias), text(f.alias.shown())),
        (label(N::Marks), text(f.marks.shown())),
        (label(N::Phone), f.phone.shown().map(phone).unwrap_or_default()),
        (label(N::Document), document.unwrap_or_default()),
        (label(N::Insurance), text(f.insurance.shown())),
        (label(N::EthnicGroup), ethnic.map(|(_, name)| lang.of(*name).to_owned()).unwrap_or_default()),
        (label(N::Nationality), text(f.nationality.shown())),
        (label(N::Language), text(f.language.shown())),
        (label(N::NeedsInterpreter), f.needs_interpreter.shown().copied().map(yes_no).unwrap_or_default()),
        (label(N::Health), text(f.health.shown())),
        (label(N::Household), text(f.household.shown())),
        (label(N::HasCarer), f.has_carer.shown().copied().map(yes_no).unwrap_or_default()),
        (label(N::Source), f.source.shown().map(|s| (words.case_page.source_of)(*s).to_owned()).unwrap_or_default()),
        (label(N::Urgency), (words.marks.urgency)(header.urgency()).to_owned()),
        (label(N::Confidentiality), who_may_see.unwrap_or_default().to_owned()),
    ]
}

fn consent(case: CaseId, header: &Header, asked: Asked) -> AnyView {
    let words = words();
    let Some(consent) = header.facts.consent.safest().cloned() else { return ().into_any() };
    let (answer, giver) = consent_said(&consent, words);
    let photos = match domain::PhotoConsent::of(header) {
        domain::PhotoConsent::Agreed => words.photos.consent_yes,
        domain::PhotoConsent::NotAsked => words.photos.consent_unasked,
        domain::PhotoConsent::Refused => words.photos.consent_no,
    };
    let pairs = vec![
        (words.consent.recording, answer),
        (words.consent.who_answered, giver),
        (words.photos.title, photos.to_owned()),
    ];
    let ask = (consent.answer == domain::ConsentAnswer::NotAsked).then(|| {
        view! {
            <a class="button" data-kind="main" href=Route::AskConsent(case).path()>{words.consent.ask_now}</a>
        }
    });
    let may_withdraw = consent.answer == domain::ConsentAnswer::Agreed && consent.withdrawn.is_none();
    let (log, seen) = (header.log.clone(), header.facts.consent.seen());
    let withdraw = move |_| {
        let mut now = consent.clone();
        now.withdrawn = Some(app_state().keeper().now().day());
        asked
            .withdrawn
            .set(Some((log.clone(), FieldEdit { saw: seen.clone(), fact: Fact::Consent(now), cleared: false })));
    };
    view! {
        <Section title=words.case_page.consent>
            <FactList pairs />
            {ask}
            {may_withdraw
                .then(|| {
                    view! {
                        <button class="button" data-kind="quiet" type="button" on:click=withdraw>
                            {words.consent.take_back}
                        </button>
                    }
                })}
        </Section>
    }
    .into_any()
}

/// Whether the consent is really taken back.
#[component]
fn WithdrawDialog(case: CaseId, asked: RwSignal<Option<(LogId, FieldEdit)>>) -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let open = RwSignal::new(false);
    Effect::new(move || open.set(asked.with(Option::is_some)));
    let withdraw = move |()| {
        let Some((log, edit)) = asked.get_untracked() else { return };
        let body = Body::FactsEdited { edits: vec![edit] };
        save_at_once(state, words, notice, log, Subject::Case(case), body);
    };
    view! {
        <ConfirmDialog
            open
            title=words.consent.take_back_title
            text=Signal::stored(words.consent.take_back_text.to_owned())
            act_label=words.consent.take_back
            act=Callback::new(withdraw)
        />
    }
    .into_any()
}

/// Who wrote what, when, on which device; newest first.
pub(super) fn history(state: AppState, parts: &Arc<Parts>, most: Option<usize>) -> AnyView {
    let words = words();
    let now = state.now.get();
    let colleagues = state.colleagues();
    let entries = parts.trail().map(|t| t.entries.clone()).unwrap_or_default();
    let full = entries.len() >= domain::limits::TRAIL_ENTRIES;
    let is_held = |id: ChangeId| {
        let held = |item: &OutboxItem| item.change.id == id && matches!(item.state, OutboxState::Held { .. });
        state.outbox.with(|outbox| outbox.iter().any(held))
    };
    let steps = entries
        .iter()
        .rev()
        .take(most.unwrap_or(usize::MAX))
        .map(|entry| {
            let by_office = entry.written.by == domain::duty::OFFICE;
            let who = match by_office {
                true => words.duty.office.to_owned(),
                false => naming::colleague_full(entry.written.by, &colleagues, words),
            };
            let travelled = match entry.written.received_at {
                Some(at) => (words.case_page.wrote)(&moment(at, now)),
                None if is_held(entry.written.id) => words.case_page.held_here.to_owned(),
                None => words.case_page.on_this_phone.to_owned(),
            };
            let travelled = match by_office {
                true => travelled,
                false => format!("{travelled}, {}", device_said(entry.device, words)),
            };
            let travelled = if entry.late { format!("{travelled}. {}", words.trail.late) } else { travelled };
            view! {
                <li>
                    <time>{date_time(entry.written.recorded_at)}</time>
                    {format!("{who} {}.", step(entry, state, words))}
                    <br />
                    <span class="soft">{travelled}</span>
                </li>
            }
        })
        .collect_any();
    view! {
        <ol class="history">{steps}</ol>
        {(full && most.is_none()).then(|| view! { <p class="soft">{words.case_page.more_history}</p> })}
    }
    .into_any()
}

fn step(entry: &TrailEntry, state: AppState, words: &Words) -> String {
    let colleagues = || state.colleagues();
    match &entry.what {
        TrailWhat::Opened => words.trail.opened.to_owned(),
        TrailWhat::Edited(names) => (words.trail.edited)(names),
        TrailWhat::Grouped => words.trail.grouped.to_owned(),
        TrailWhat::Named(worker) => (words.trail.named)(&naming::colleague_full(*worker, &colleagues(), words)),
        TrailWhat::Excluded(worker) => (words.trail.excluded)(&naming::colleague_full(*worker, &colleagues(), words)),
        TrailWhat::Visited => words.trail.visited.to_owned(),
        TrailWhat::Tasked => words.trail.tasked.to_owned(),
        TrailWhat::TaskDone => words.trail.task_done.to_owned(),
        TrailWhat::Asked(kind) => (words.trail.asked)(&domain::search::lower((words.referral.kind)(*kind))),
        TrailWhat::Acted(kind, act) => {
            (words.trail.acted)(&domain::search::lower((words.referral.kind)(*kind)), (words.trail.act)(act))
        }
        TrailWhat::Told(whom) => (words.trail.told)(whom),
        TrailWhat::PhotoAdded => words.trail.photo_added.to_owned(),
        TrailWhat::PhotoRemoved => words.trail.photo_removed.to_owned(),
        TrailWhat::Alerted { whom, reached } => {
            let who = naming::colleague_full(*whom, &colleagues(), words);
            if *reached { (words.duty.step_told)(&who) } else { (words.duty.step_not_reached)(&who) }
        }
        TrailWhat::Counted => words.trail.counted.to_owned(),
        TrailWhat::Linked { other, front } => {
            let said = if front.is_some() { words.moving.trail_linked } else { words.moving.trail_apart };
            said(&naming::case_code(*other, state, words))
        }
        TrailWhat::Transferred(place) => {
            (words.moving.trail_transferred)(&naming::place_said(place, &state.rules().places, words))
        }
        TrailWhat::HandedOver(worker) => {
            (words.moving.trail_handed_over)(&naming::colleague_full(*worker, &colleagues(), words))
        }
        TrailWhat::Newer => words.trail.newer.to_owned(),
    }
}
