//! Asking somebody else to act: what help, of whom, why, and what the person lets them know.

use domain::{
    Body, CaseId, Consent, ConsentAnswer, ConsentException, Day, Giver, GroupCode, Header, Invalid, LogId, PlaceId,
    Receiver, ReferralAsk, ReferralKind, ReferralStatus, Refusal, ServiceCode, Sex, ShareItem, Sharing, Spot, Subject,
    Tile, catalogue::SERVICES, members,
};
use leptos::prelude::*;

use super::{
    Stage, check_here,
    receivers::{Need, Offers, as_options, offers},
    stage,
    steps::{items_line, path},
    with_parts,
};
use crate::{
    field::{
        app_state,
        case_page::Missing,
        draft::{DraftLine, form, keep_draft},
        held, lang, naming, navigator,
        route::Route,
        saving::{SaveButton, SaveFailure, Saving},
        state::{AppState, Loaded},
        ui::{
            Answers, Chips, CollectAny, Field, If, ManyChips, Note, Notice, RadioList, RadioOption, ReadAloud, Screen,
            Section, SkeletonRows, Tiles, Top, Typing, focus_first_error,
        },
        words,
    },
    icon::{Icon, sized},
    text::{Words, refusal},
};

/// The draft of a referral of `case`.
#[must_use]
pub fn draft_name(case: CaseId) -> String {
    format!("referral:{case}")
}

// The answers in the order they stand in. The law's duty to report is asked only where the case itself was recorded so.
const AGREED: usize = 0;
const REFUSED: usize = 1;
const NOT_ASKED: usize = 2;
const LEGAL_DUTY: usize = 3;

form! {
    /// What is being asked, as typed.
    AskFields as AskDraft {
        group: Option<usize>,
        service: String,
        receiver: String,
        household: String,
        reason: String,
        items: Vec<usize>,
        them: Option<usize>,
        answer: Option<usize>,
        given_by: Option<usize>,
        relation: String,
    }
}

impl AskDraft {
    /// A referral that the office could not take, as it was written.
    fn written(ask: &ReferralAsk) -> Self {
        Self {
            answer: answer_of(&ask.sharing),
            given_by: ask.sharing.given_by.map(|by| usize::from(by == Giver::Representative)),
            relation: ask.sharing.relation.clone(),
            ..Self::again(ask, &ask.receiver)
        }
    }
    /// The same help asked of somebody else, after a refusal. What may be shared is asked anew.
    #[must_use]
    pub fn again(ask: &ReferralAsk, instead: &Receiver) -> Self {
        let service = ask.service.clone().or_else(|| service_of(ask.kind));
        let household = if let Receiver::Household(name) = instead { name.clone() } else { String::new() };
        Self {
            group: Some(group_of(ask.kind)),
            service: service.map(|s| s.to_string()).unwrap_or_default(),
            receiver: super::receivers::key(instead),
            household,
            reason: ask.reason.clone(),
            items: ask.sharing.items.iter().filter_map(item_at).collect(),
            ..Self::default()
        }
    }
}

fn item_at(item: &ShareItem) -> Option<usize> {
    ShareItem::ALL.iter().position(|i| i == item)
}

fn service_of(kind: ReferralKind) -> Option<ServiceCode> {
    SERVICES.iter().find(|row| row.referral_kind == kind.code()).map(|row| ServiceCode::from(row.code))
}

fn answer_of(sharing: &Sharing) -> Option<usize> {
    Some(match sharing.answer {
        ConsentAnswer::Agreed => AGREED,
        ConsentAnswer::Refused => REFUSED,
        ConsentAnswer::NotAsked | ConsentAnswer::NotRequired(ConsentException::Emergency) => NOT_ASKED,
        ConsentAnswer::NotRequired(ConsentException::LegalDuty) => LEGAL_DUTY,
    })
}

/// Icons of the groups of help, in the order of their words.
const GROUP_ICONS: [Icon; 7] =
    [Icon::ShieldAlarm, Icon::Bed, Icon::People, Icon::Cross, Icon::Book, Icon::Page, Icon::Heart];

/// Which group of help a kind stands in.
fn group_of(kind: ReferralKind) -> usize {
    use ReferralKind as K;
    match kind {
        K::AdmissionEmergency | K::TemporaryPlacement | K::ChildProtection => 0,
        K::AdmissionSpecial | K::AdmissionVoluntary | K::DayCare | K::HomeCare | K::CommunityCare => 1,
        K::OutreachVisit | K::Advice | K::Link => 2,
        K::Health | K::Rehabilitation | K::DrugRehab => 3,
        K::Training | K::Job => 4,
        K::Policy | K::Legal | K::InKind => 5,
        K::Tracing | K::Reintegration => 6,
    }
}

/// What a receiver usually needs to begin; the writer takes away or adds before reading it aloud. On a restricted case the
/// name is never chosen beforehand.
fn usual_items(kind: ReferralKind, restricted: bool) -> Vec<usize> {
    use ReferralKind as K;
    let health = matches!(
        kind,
        K::AdmissionSpecial
            | K::AdmissionEmergency
            | K::AdmissionVoluntary
            | K::DayCare
            | K::HomeCare
            | K::Health
            | K::Rehabilitation
            | K::DrugRehab
    );
    ShareItem::ALL
        .iter()
        .enumerate()
        .filter(|(_, item)| match item {
            ShareItem::Identity => !restricted,
            ShareItem::AgeSex | ShareItem::WhatHappened => true,
            ShareItem::Health => health,
            ShareItem::Contact | ShareItem::Household => false,
        })
        .map(|(n, _)| n)
        .collect()
}

/// What of the case the form needs.
#[derive(Debug, Clone, PartialEq)]
struct About {
    log: LogId,
    title: String,
    code: String,
    tile: Option<Tile>,
    groups: Vec<GroupCode>,
    commune: Option<PlaceId>,
    consent: Option<Consent>,
    restricted: bool,
    them: usize,
    what_happened: String,
    under_way: Vec<(ReferralKind, ReferralStatus)>,
}

impl About {
    fn of(
        state: AppState,
        header: &Header,
        under_way: Vec<(ReferralKind, ReferralStatus)>,
        today: Day,
        words: &Words,
    ) -> Self {
        let rules = state.rules();
        Self {
            log: header.log.clone(),
            title: naming::header_title(header, today, words),
            code: header.code.to_string(),
            tile: header.facts.tile.shown().copied(),
            groups: members(&header.groups, true).cloned().collect(),
            commune: header.handled_in().and_then(|p| rules.places.commune_of(p)).map(|c| c.id.clone()),
            consent: header.facts.consent.safest().cloned(),
            restricted: header.is_restricted(),
            them: spoken_to(header.age(today), header.facts.sex.shown().copied()),
            what_happened: header.facts.what_happened.shown().cloned().unwrap_or_default(),
            under_way,
        }
    }
}

/// How somebody of this age is spoken to: a number of the words for it.
fn spoken_to(age: Option<u16>, sex: Option<Sex>) -> usize {
    match (age, sex) {
        (Some(..16), _) => 3,
        (Some(16..45), Some(Sex::Male)) => 1,
        (Some(16..45), Some(Sex::Female)) => 2,
        _ => 0,
    }
}

#[component]
pub fn AskReferral(case: CaseId) -> AnyView {
    let state = app_state();
    let words = words();
    let parts = state.parts_of_form(Subject::Case(case));
    let stage = stage(parts);
    view! {
        <Screen
            top=Top::BackTitle { to: Route::Case(case), title: words.referral.title.to_owned() }
            title=words.referral.title
        >
            {move || match stage.get() {
                Stage::Opening => view! { <SkeletonRows /> }.into_any(),
                Stage::Missing => view! { <Missing /> }.into_any(),
                Stage::Failed(error) => {
                    let said = (words.errors.store)(&error).to_owned();
                    view! { <Note icon=Icon::Warning said=Signal::stored(said) tone="wait" /> }.into_any()
                }
                Stage::Here => view! { <AskForm case parts /> }.into_any(),
            }}
        </Screen>
    }
    .into_any()
}

/// Which answer an error stands beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Group,
    Service,
    Receiver,
    Household,
    Reason,
    Items,
    Answer,
    Relation,
    Whole,
}

/// Everything the parts of the form share.
#[derive(Clone, Copy)]
struct Ask {
    state: AppState,
    words: &'static Words,
    fields: AskFields,
    about: Memo<Option<About>>,
    offers: Memo<Offers>,
    parts: RwSignal<Loaded>,
    tried: RwSignal<bool>,
}

impl Ask {
    fn kind(self) -> Option<ReferralKind> {
        self.fields.service.with(|code| ReferralKind::parse(ServiceCode::from(code.as_str()).row()?.referral_kind))
    }
    fn need(self) -> Option<Need> {
        let kind = self.kind()?;
        self.about.with(|about| {
            let about = about.as_ref()?;
            Some(Need {
                kind,
                service: Some(ServiceCode::from(self.fields.service.get().as_str())),
                tile: about.tile,
                groups: about.groups.clone(),
                restricted: about.restricted,
                commune: about.commune.clone(),
            })
        })
    }
    fn receiver(self) -> Option<Receiver> {
        let chosen = self.fields.receiver.get();
        let offer = self.offers.with(|offers| offers.find(&chosen).map(|o| o.receiver.clone()))?;
        Some(match offer {
            Receiver::Household(_) => Receiver::Household(self.fields.household.get().trim().to_owned()),
            offer => offer,
        })
    }
    /// Whether this kind protects somebody at once and nobody could be asked.
    fn is_unasked_emergency(self) -> bool {
        self.fields.answer.get() == Some(NOT_ASKED) && self.kind().is_some_and(ReferralKind::is_emergency)
    }
    fn items(self) -> Vec<ShareItem> {
        if self.is_unasked_emergency() || self.fields.answer.get() == Some(LEGAL_DUTY) {
            return ShareItem::EMERGENCY.to_vec();
        }
        let mut chosen = self.fields.items.get();
        domain::order::sort_by_key(&mut chosen, |n| *n);
        chosen.into_iter().filter_map(|n| ShareItem::ALL.get(n).copied()).collect()
    }

    /// The change to save.
    ///
    /// # Errors
    /// Each answer that is missing or wrong, with its sentence.
    fn body(self) -> Result<Body, Vec<(At, String)>> {
        let words = self.words;
        let fields = self.fields;
        let mut wrong: Vec<(At, String)> = Vec::new();
        let empty = || (words.errors.invalid)(Invalid::Empty).to_owned();
        let choose = || words.errors.choose.to_owned();
        let kind = self.kind();
        if kind.is_none() {
            wrong.push((if fields.group.get().is_none() { At::Group } else { At::Service }, choose()));
        }
        let receiver = self.receiver();
        match &receiver {
            None if kind.is_some() => wrong.push((At::Receiver, choose())),
            Some(Receiver::Household(name)) if name.is_empty() => wrong.push((At::Household, empty())),
            _ => {}
        }
        if fields.reason.with(|r| r.trim().is_empty()) {
            wrong.push((At::Reason, empty()));
        }
        if self.items().is_empty() {
            wrong.push((At::Items, choose()));
        }
        let given_by = match fields.given_by.get() {
            Some(1) => Some(Giver::Representative),
            Some(_) => Some(Giver::Myself),
            None => None,
        };
        let answer = match fields.answer.get() {
            Some(AGREED) => Some(ConsentAnswer::Agreed),
            Some(LEGAL_DUTY) => Some(ConsentAnswer::NotRequired(ConsentException::LegalDuty)),
            Some(NOT_ASKED) if kind.is_some_and(ReferralKind::is_emergency) => {
                Some(ConsentAnswer::NotRequired(ConsentException::Emergency))
            }
            Some(NOT_ASKED) => {
                wrong.push((At::Answer, words.referral.not_asked_stops.to_owned()));
                None
            }
            Some(REFUSED) => {
                wrong.push((At::Answer, words.referral.refused_stops.to_owned()));
                None
            }
            _ => {
                wrong.push((At::Answer, choose()));
                None
            }
        };
        let agreed = answer == Some(ConsentAnswer::Agreed);
        if agreed && given_by == Some(Giver::Representative) && fields.relation.with(|r| r.trim().is_empty()) {
            wrong.push((At::Relation, empty()));
        }
        let (Some(kind), Some(receiver), Some(answer), true) = (kind, receiver, answer, wrong.is_empty()) else {
            return Err(wrong);
        };
        let sharing = match answer {
            ConsentAnswer::NotRequired(ConsentException::Emergency) => Sharing::emergency(),
            answer => Sharing {
                answer,
                items: self.items(),
                given_by: given_by.filter(|_| agreed).or(agreed.then_some(Giver::Myself)),
                relation: if agreed { fields.relation.get().trim().to_owned() } else { String::new() },
            },
        };
        let body = Body::ReferralAsked(ReferralAsk {
            kind,
            service: Some(ServiceCode::from(fields.service.get().as_str())),
            receiver,
            reason: fields.reason.get().trim().to_owned(),
            sharing,
        });
        let log = self.about.with(|a| a.as_ref().map(|a| a.log.clone()));
        let subject = with_parts(self.parts, |p| p.header().map(|h| Subject::Case(h.case))).flatten();
        let (Some(log), Some(subject)) = (log, subject) else { return Err(vec![]) };
        match with_parts(self.parts, |parts| check_here(self.state, parts, log, subject, body.clone())) {
            Some(Err(why)) => Err(vec![self.beside(&why)]),
            _ => Ok(body),
        }
    }

    fn beside(self, why: &Refusal) -> (At, String) {
        let words = self.words;
        let (at, short) = match why {
            Refusal::Field { spot: Spot::Reason, why } => (At::Reason, Some(*why)),
            Refusal::Field { spot: Spot::Service, why } => (At::Service, Some(*why)),
            Refusal::Field { spot: Spot::Receiver, why } if self.fields.receiver.with(|r| r == "household") => {
                (At::Household, Some(*why))
            }
            Refusal::Field { spot: Spot::Receiver, why } => (At::Receiver, Some(*why)),
            Refusal::NoConsent => (At::Answer, None),
            _ => (At::Whole, None),
        };
        let said = short.map_or_else(|| refusal(why, None, words), |why| (words.errors.invalid)(why).to_owned());
        (at, said)
    }

    fn error(self, at: At) -> Signal<Option<String>> {
        Signal::derive(move || {
            if !self.tried.get() {
                return None;
            }
            self.body().err()?.into_iter().find(|(place, _)| *place == at).map(|(_, said)| said)
        })
    }
}

#[component]
fn AskForm(case: CaseId, parts: RwSignal<Loaded>) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let subject = Subject::Case(case);
    let about = Memo::new(move |_| {
        with_parts(parts, |parts| {
            let under_way = parts
                .referrals()
                .filter(|r| !r.progress.status.is_final())
                .map(|r| (r.ask.kind, r.progress.status))
                .collect();
            parts.header().map(|h| About::of(state, h, under_way, state.now.get().day(), words))
        })
        .flatten()
    });
    let held = held::opened(state).and_then(|change| match change.body {
        Body::ReferralAsked(ask) if change.subject == subject => Some((change.id, ask)),
        _ => None,
    });
    let fields = AskFields::new(AskDraft {
        them: about.with_untracked(|a| a.as_ref().map(|a| a.them)),
        ..held.as_ref().map(|(_, ask)| AskDraft::written(ask)).unwrap_or_default()
    });
    let replaces = held.map(|(id, _)| id);
    let draft_name = replaces.map_or_else(|| draft_name(case), |held| format!("held:{held}"));
    // The memo is read by the form's own questions, so it is made in two steps.
    let ask = {
        let unoffered = Ask {
            state,
            words,
            fields,
            about,
            offers: Memo::new(|_| Offers::default()),
            parts,
            tried: RwSignal::new(false),
        };
        let found = Memo::new(move |_| unoffered.need().map(|need| offers(state, &need, words)).unwrap_or_default());
        Ask { offers: found, ..unoffered }
    };
    let draft = keep_draft(draft_name.clone(), move || fields.read(), move |kept| fields.write(kept));
    let saving = Saving::new();
    let send = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        ask.tried.set(true);
        let Ok(body) = untrack(|| ask.body()) else { return focus_first_error() };
        let Some(log) = about.with_untracked(|a| a.as_ref().map(|a| a.log.clone())) else { return };
        saving.save(log, subject, vec![body], Some(draft_name.clone()), replaces, move |_| {
            draft.end();
            notice.say(words.referral.sent);
            navigator.back(Route::Case(case));
        });
    };
    let blocked = move || {
        let today = state.now.get().day();
        about.with(|a| {
            let consent = a.as_ref().and_then(|a| a.consent.as_ref());
            consent.is_some_and(|c| !c.allows_sharing() || c.expires.is_some_and(|day| day < today))
        })
    };
    view! {
        <div>
            <h2>{move || about.with(|a| a.as_ref().map(|a| a.title.clone()))}</h2>
            <p class="soft">
                {words.frame.code} " "
                <span class="code">{move || about.with(|a| a.as_ref().map(|a| a.code.clone()))}</span>
            </p>
        </div>
        <If
            when=move || !blocked()
            fallback=move || {
                view! {
                    <Note
                        icon=Icon::Lock
                        said=Signal::stored(words.referral.withdrawn_stops.to_owned())
                        tone="wait"
                    />
                    <a class="button" href=Route::Case(case).path()>{words.queue.open_case}</a>
                }
            }
        >
            <form class="stack" data-gap="xl" novalidate on:submit=send.clone()>
                <Help ask />
                <If when=move || ask.kind().is_some()>
                    <Whom ask />
                </If>
                <Why ask />
                <If when=move || ask.kind().is_some()>
                    <Consents ask case />
                </If>
                <div role="alert">
                    {move || {
                        ask.error(At::Whole)
                            .get()
                            .map(|said| view! { <Note icon=Icon::Warning said=Signal::stored(said) tone="wait" /> })
                    }}
                </div>
                <SaveFailure saving />
                <SaveButton saving label=words.referral.send />
                <DraftLine draft />
            </form>
        </If>
    }
    .into_any()
}

/// What help is needed: a group, then the help by its plain name. The kind follows from it.
#[component]
fn Help(ask: Ask) -> AnyView {
    let words = ask.words;
    let fields = ask.fields;
    let language = lang();
    let chosen = move || {
        let row = fields.service.with(|code| ServiceCode::from(code.as_str()).row())?;
        Some((language.of(row.name), ReferralKind::parse(row.referral_kind)?))
    };
    let services = Signal::derive(move || {
        let Some(group) = fields.group.get() else { return vec![] };
        let of_group = |kind: &str| ReferralKind::parse(kind).is_some_and(|kind| group_of(kind) == group);
        SERVICES
            .iter()
            .filter(|row| of_group(row.referral_kind))
            .map(|row| RadioOption {
                key: row.code.to_owned(),
                label: language.of(row.name).to_owned(),
                hint: ReferralKind::parse(row.referral_kind).map_or("", words.referral.kind_note).to_owned(),
            })
            .collect::<Vec<_>>()
    });
    let pick = RwSignal::new(String::new());
    // Choosing other help chooses what belongs to it; a draft that comes back has its own answers.
    Effect::new(move |_| {
        let code = pick.get();
        if code.is_empty() || fields.service.with_untracked(|s| *s == code) {
            return;
        }
        fields.service.set(code);
        let only =
            untrack(|| ask.offers.with(|o| if o.fitting.len() == 1 { o.fitting.first().cloned() } else { None }));
        fields.receiver.set(only.map(|o| super::receivers::key(&o.receiver)).unwrap_or_default());
        if let Some(kind) = untrack(|| ask.kind()) {
            let restricted = ask.about.with_untracked(|a| a.as_ref().is_some_and(|a| a.restricted));
            fields.items.set(usual_items(kind, restricted));
        }
        ask.tried.set(false);
    });
    let again = move |_| {
        pick.set(String::new());
        fields.service.set(String::new());
        fields.receiver.set(String::new());
    };
    let under_way = move || {
        let (_, kind) = chosen()?;
        let status =
            ask.about.with(|a| a.as_ref()?.under_way.iter().find(|(of, _)| *of == kind).map(|(_, status)| *status))?;
        Some((words.referral.same_already)((words.referral.kind)(kind), (words.marks.referral_status)(status)))
    };
    let tiles = GROUP_ICONS
        .into_iter()
        .zip(words.referral.help_groups)
        .map(|(icon, name)| (icon, name.to_owned()))
        .collect::<Vec<_>>();
    let tiles = StoredValue::new(tiles);
    view! {
        <Section title=words.referral.what>
            <If
                when=move || chosen().is_some()
                fallback=move || {
                    view! {
                        <p class="soft">{words.referral.what_hint}</p>
                        <Tiles
                            legend=words.referral.what
                            options=tiles.get_value()
                            chosen=fields.group
                            error=ask.error(At::Group)
                        />
                        <If when=move || fields.group.get().is_some()>
                            <RadioList
                                legend=words.referral.which
                                options=services
                                chosen=pick
                                error=ask.error(At::Service)
                            />
                        </If>
                    }
                }
            >
                <div class="panel">
                    <div>
                        <strong class="row-title">{move || chosen().map(|(name, _)| name)}</strong>
                        <p class="soft">
                            {move || {
                                let (name, kind) = chosen()?;
                                Some((words.referral.kind)(kind)).filter(|kind| *kind != name)
                            }}
                        </p>
                        {move || {
                            chosen()
                                .map(|(_, kind)| (words.referral.kind_note)(kind))
                                .filter(|note| !note.is_empty())
                                .map(|note| view! { <p>{note}</p> })
                        }}
                    </div>
                    <div>
                        <p class="soft">{words.referral.path}</p>
                        {move || {
                            let kind = chosen().map(|(_, kind)| kind)?;
                            let steps = path(kind, ask.state.now.get().day(), words);
                            Some(
                                if steps.is_empty() {
                                    view! { <p>{words.referral.no_step}</p> }.into_any()
                                } else {
                                    let steps = steps.into_iter().map(|step| view! { <li>{step}</li> }).collect_any();
                                    view! { <ol class="path">{steps}</ol> }.into_any()
                                },
                            )
                        }}
                    </div>
                    <button class="button" type="button" on:click=again>
                        {sized(Icon::Retry, Some("s"))} {words.referral.choose_again}
                    </button>
                </div>
                {move || {
                    under_way()
                        .map(|said| view! { <Note icon=Icon::Transfer said=Signal::stored(said) tone="wait" /> })
                }}
            </If>
        </Section>
    }
    .into_any()
}

/// Of whom: those who fit with their free places, then others to be asked first.
#[component]
fn Whom(ask: Ask) -> AnyView {
    let words = ask.words;
    let fields = ask.fields;
    let fitting = Signal::derive(move || ask.offers.with(|o| as_options(&o.fitting)));
    let others = Signal::derive(move || ask.offers.with(|o| as_options(&o.others)));
    let chosen_elsewhere = move || {
        fields
            .receiver
            .with(|chosen| ask.offers.with(|o| o.others.iter().any(|x| super::receivers::key(&x.receiver) == *chosen)))
    };
    let full = move || {
        let chosen = fields.receiver.get();
        ask.offers.with(|o| {
            o.find(&chosen).filter(|offer| offer.is_full)?;
            let room = o.with_room();
            Some(if room.is_empty() {
                words.referral.full_everywhere.to_owned()
            } else {
                (words.referral.full)(&room.join("; "))
            })
        })
    };
    let nobody =
        move || ask.offers.with(|o| o.fitting.iter().all(|x| super::is_local(&x.receiver)) && facility_kind(ask));
    view! {
        <Section title=words.referral.receiver>
            <If when=nobody>
                <p class="soft">{words.referral.nobody_fits}</p>
            </If>
            <RadioList
                legend=words.referral.receiver
                heard_only=true
                options=fitting
                chosen=fields.receiver
                error=ask.error(At::Receiver)
            />
            <If when=move || fields.receiver.with(|r| r == "household")>
                <Field
                    label=words.referral.household_name
                    hint=words.referral.household_hint
                    value=fields.household
                    error=ask.error(At::Household)
                />
            </If>
            <If when=move || !others.with(Vec::is_empty)>
                <details class="extra" open=chosen_elsewhere()>
                    <summary>{sized(Icon::Down, Some("s"))} {words.referral.places_elsewhere}</summary>
                    <RadioList
                        legend=words.referral.places_elsewhere
                        heard_only=true
                        options=others
                        chosen=fields.receiver
                    />
                </details>
            </If>
            {move || full().map(|said| view! { <Note icon=Icon::Bed said=Signal::stored(said) tone="wait" /> })}
        </Section>
    }
    .into_any()
}

/// Whether facilities give this kind of help at all.
fn facility_kind(ask: Ask) -> bool {
    use ReferralKind as K;
    ask.kind().is_some_and(|kind| {
        !matches!(
            kind,
            K::OutreachVisit
                | K::Policy
                | K::Legal
                | K::InKind
                | K::ChildProtection
                | K::TemporaryPlacement
                | K::CommunityCare
        )
    })
}

#[component]
fn Why(ask: Ask) -> AnyView {
    let words = ask.words;
    let fields = ask.fields;
    let known = move || ask.about.with(|a| a.as_ref().map(|a| a.what_happened.clone())).unwrap_or_default();
    view! {
        <div class="stack">
            <Field
                label=words.referral.reason
                hint=words.referral.reason_hint
                value=fields.reason
                typing=Typing::Long
                error=ask.error(At::Reason)
            />
            <If when=move || fields.reason.with(|r| r.trim().is_empty()) && !known().is_empty()>
                <button class="button" type="button" on:click=move |_| fields.reason.set(untrack(known))>
                    {sized(Icon::Page, Some("s"))} {words.referral.copy_reason}
                </button>
            </If>
        </div>
    }
    .into_any()
}

/// What may be shared: chosen, read aloud, answered.
#[component]
fn Consents(ask: Ask, case: CaseId) -> AnyView {
    let words = ask.words;
    let state = ask.state;
    let fields = ask.fields;
    let you = (words.speech.you)(state.worker.with_untracked(|w| w.as_ref().map(|w| w.address).unwrap_or_default()));
    let them = move || words.consent.them[fields.them.get().unwrap_or(0).min(3)];
    let emergency = move || ask.kind().is_some_and(ReferralKind::is_emergency);
    // Whoever was not asked agreed to nothing: only what saves them is sent.
    let unasked = move || ask.is_unasked_emergency() || fields.answer.get() == Some(LEGAL_DUTY);
    let not_recorded = move || {
        let asked = ask.about.with(|a| a.as_ref().and_then(|a| a.consent.as_ref().map(|c| c.answer)));
        asked == Some(ConsentAnswer::NotAsked)
    };
    let by_law = ask.about.with_untracked(|a| {
        let answer = a.as_ref().and_then(|a| a.consent.as_ref().map(|c| c.answer));
        answer == Some(ConsentAnswer::NotRequired(ConsentException::LegalDuty))
    });
    let lines = Signal::derive(move || {
        let receiver = spoken(ask)?;
        let items = ask.items();
        (!items.is_empty()).then(|| (words.consent.share)(&receiver, &items_line(&items, words), them()).to_vec())
    });
    let items: Vec<String> =
        ShareItem::ALL.iter().map(|item| crate::text::capital((words.consent.item)(*item))).collect();
    let items = StoredValue::new(items);
    let spoken_to = Signal::stored(words.consent.them.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
    let givers =
        Signal::stored([Giver::Myself, Giver::Representative].map(|g| (words.consent.giver)(g).to_owned()).to_vec());
    let answers = move || {
        let unasked = if emergency() { words.referral.share_emergency } else { words.referral.not_asked_hint };
        let mut all = vec![
            (words.consent.agreed.to_owned(), words.referral.share_agreed.to_owned()),
            (words.consent.refused.to_owned(), words.referral.share_refused.to_owned()),
            (words.consent.not_asked.to_owned(), unasked.to_owned()),
        ];
        if by_law {
            all.push((
                words.consent.not_required.to_owned(),
                (words.consent.exception)(ConsentException::LegalDuty).to_owned(),
            ));
        }
        all
    };
    let answers = Memo::new(move |_| answers());
    view! {
        <Section title=words.case_page.consent>
            <If when=move || not_recorded() && !emergency()>
                <Note
                    icon=Icon::Warning
                    said=Signal::stored((words.referral.no_consent_yet)(you))
                    tone="wait"
                />
                <a class="button" href=Route::AskConsent(case).path()>{words.consent.ask_now}</a>
            </If>
            <If when=move || !unasked()>
                <div class="field" data-invalid=move || ask.error(At::Items).get().is_some().then_some("")>
                    <ManyChips label=words.consent.items_title options=items.get_value() chosen=fields.items />
                    <small>{words.consent.items_hint}</small>
                    <crate::field::ui::FieldError id="items-error" error=ask.error(At::Items) />
                </div>
                <If when=move || words.consent.them.iter().any(|them| *them != words.consent.them[0])>
                    <Chips label=words.new_case.call_them options=spoken_to chosen=fields.them />
                </If>
                <If
                    when=move || lines.with(Option::is_some)
                    fallback=move || view! { <p class="soft">{words.referral.read_first}</p> }
                >
                    <h3>{(words.referral.share_title)(you)}</h3>
                    <ReadAloud lines=Signal::derive(move || lines.get().unwrap_or_default()) />
                    <p class="soft">{words.consent.child_note}</p>
                </If>
            </If>
            {move || {
                let legend = (words.consent.answer_title)(them());
                view! { <Answers legend options=answers.get() chosen=fields.answer error=ask.error(At::Answer) /> }
            }}
            <If when=move || fields.answer.get() == Some(AGREED)>
                <Chips label=words.consent.who_answered options=givers chosen=fields.given_by />
                <If when=move || fields.given_by.get() == Some(1)>
                    <Field
                        label=words.consent.relation
                        hint=words.consent.relation_hint
                        value=fields.relation
                        error=ask.error(At::Relation)
                    />
                </If>
            </If>
        </Section>
    }
    .into_any()
}

/// The receiver as it is said within a sentence.
fn spoken(ask: Ask) -> Option<String> {
    let words = ask.words;
    let rules = ask.state.rules();
    let receiver = ask.receiver()?;
    Some(match &receiver {
        Receiver::Desk(place) => naming::place_said(place, &rules.places, words),
        Receiver::Household(name) if name.is_empty() => return None,
        Receiver::Team(_) => words.referral.receiver_team.to_owned(),
        other => ask.state.facilities.with(|f| naming::receiver(other, f, &rules.places, words)),
    })
}
