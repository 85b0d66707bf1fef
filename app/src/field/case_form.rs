//! The questions about a person and their case: what is typed, what is wrong with it, and the facts it makes.

use domain::{
    CaseCode, CaseId, ChangeId, Confidentiality, Consent, ConsentAnswer, ConsentException, ConsentForm, Day,
    DocumentKind, Fact, FactName, FieldEdit, Found, Giver, Header, Home, IdWarning, IdentityDocument, Invalid,
    PartialDate, PersonName, Phone, Photo, PhotoConsent, PlaceId, Sex, Source, Tile, Timestamp, Urgency,
    catalogue::ETHNIC_GROUPS,
};
use leptos::prelude::*;

use super::{
    app_state,
    draft::{DraftState, form},
    lang, naming,
    state::AppState,
    ui::{Answers, Chips, DateField, DateParts, Field, If, Note, ReadAloud, Select, Tiles, Toggle, Typing},
    words,
};
use crate::{
    icon::{Icon, sized},
    text::Words,
};

form! {
    /// Everything that is asked about a case, as it is typed.
    CaseForm as CaseWritten {
        step: usize,
        name: String,
        name_unknown: bool,
        other_names: String,
        sex: Option<usize>,
        age: String,
        birth_known: bool,
        birth_day: String,
        birth_month: String,
        birth_year: String,
        birth_estimated: bool,
        marks: String,
        document_kind: String,
        document_number: String,
        phone: String,
        ethnic_group: String,
        language: String,
        village: String,
        found_place: String,
        found_at: Option<Timestamp>,
        home: String,
        tile: Option<usize>,
        what: String,
        source: Option<usize>,
        health: String,
        household: String,
        urgency: Option<usize>,
        restricted: bool,
        restricted_chosen: bool,
        alias: String,
        them: Option<usize>,
        consent: Option<usize>,
        exception: Option<usize>,
        giver: Option<usize>,
        relation: String,
        consent_form: Option<usize>,
        photos_agreed: bool,
        // When the answer was given, where a held opening is put right.
        consent_on: Option<Day>,
        photos: Vec<Photo>,
        case: Option<CaseId>,
        code: Option<CaseCode>,
        replaces: Option<ChangeId>,
        // What stood in the case when the form was opened, with what was thereby seen.
        began: Vec<FieldEdit>,
    }
}

pub const SEXES: [Sex; 3] = [Sex::Male, Sex::Female, Sex::Other];
pub const URGENCIES: [Urgency; 3] = [Urgency::Normal, Urgency::Urgent, Urgency::Emergency];
pub const SOURCES: [Source; 8] = [
    Source::Collaborator,
    Source::Oneself,
    Source::Family,
    Source::VillageHead,
    Source::Police,
    Source::BorderHandover,
    Source::Hospital,
    Source::Hotline111,
];
pub const DOCUMENTS: [(&str, DocumentKind); 5] = [
    ("personal_id", DocumentKind::PersonalId),
    ("old_card", DocumentKind::OldCard),
    ("passport", DocumentKind::Passport),
    ("birth_certificate", DocumentKind::BirthCertificate),
    ("none", DocumentKind::None),
];
pub const EXCEPTIONS: [ConsentException; 2] = [ConsentException::Emergency, ConsentException::LegalDuty];
pub const GIVERS: [Giver; 2] = [Giver::Myself, Giver::Representative];
pub const FORMS: [ConsentForm; 3] = [ConsentForm::Spoken, ConsentForm::Signed, ConsentForm::Thumb];
/// The numbers of the four answers about consent.
pub const AGREED: usize = 0;
pub const REFUSED: usize = 1;
pub const NOT_ASKED: usize = 2;
pub const NOT_REQUIRED: usize = 3;

fn position<T: PartialEq>(all: &[T], one: &T) -> Option<usize> {
    all.iter().position(|x| x == one)
}

impl CaseForm {
    pub fn birth_parts(self) -> DateParts {
        DateParts { day: self.birth_day, month: self.birth_month, year: self.birth_year }
    }
    /// # Errors
    /// What is wrong with the name; none for somebody whose name is not known.
    pub fn parse_name(self) -> Result<Option<PersonName>, Invalid> {
        if self.name_unknown.get() {
            return Ok(None);
        }
        self.name.with(|typed| PersonName::parse(typed)).map(Some)
    }
    /// # Errors
    /// [`Invalid::NotANumber`], [`Invalid::OutOfRange`].
    pub fn parse_age(self) -> Result<Option<u8>, Invalid> {
        self.age.with(|typed| match typed.trim() {
            "" => Ok(None),
            typed => match typed.parse::<u16>() {
                Ok(age @ 0..=120) => Ok(u8::try_from(age).ok()),
                Ok(_) => Err(Invalid::OutOfRange),
                Err(_) => Err(Invalid::NotANumber),
            },
        })
    }
    /// # Errors
    /// What is wrong with the birth date.
    pub fn parse_birth(self, now: Timestamp) -> Result<Option<PartialDate>, Invalid> {
        if !self.birth_known.get() {
            return Ok(None);
        }
        let (day, month, year) = self.birth_parts().numbers()?;
        if (day, month, year) == (None, None, None) {
            return Ok(None);
        }
        let birth = PartialDate::parse(year, month, day, self.birth_estimated.get()).map_err(|_| Invalid::NotADay)?;
        if birth.earliest().is_some_and(|day| day > now.day()) { Err(Invalid::InFuture) } else { Ok(Some(birth)) }
    }
    /// # Errors
    /// What is wrong with the document.
    pub fn parse_document(self) -> Result<Option<IdentityDocument>, Invalid> {
        let chosen = self.document_kind.get();
        let Some((_, kind)) = DOCUMENTS.iter().find(|(key, _)| *key == chosen) else { return Ok(None) };
        self.document_number.with(|typed| IdentityDocument::parse(*kind, typed)).map(Some)
    }
    /// # Errors
    /// What is wrong with the phone number.
    pub fn parse_phone(self) -> Result<Option<Phone>, Invalid> {
        self.phone.with(|typed| if typed.trim().is_empty() { Ok(None) } else { Phone::parse(typed).map(Some) })
    }
    /// # Errors
    /// [`Invalid::Missing`] when no village was chosen.
    pub fn parse_village(self) -> Result<PlaceId, Invalid> {
        self.village.with(|id| id.parse()).map_err(|_| Invalid::Missing)
    }
    /// # Errors
    /// [`Invalid::Empty`], [`Invalid::TooLong`], [`Invalid::BadCharacter`].
    pub fn parse_what(self) -> Result<String, Invalid> {
        let text = self.what.with(|typed| domain::person::text(typed, domain::limits::TEXT_CHARS))?;
        if text.is_empty() { Err(Invalid::Empty) } else { Ok(text) }
    }
    pub fn tile(self) -> Option<Tile> {
        self.tile.get().and_then(|n| Tile::ALL.get(n).copied())
    }
    pub fn urgency(self) -> Option<Urgency> {
        self.urgency.get().and_then(|n| URGENCIES.get(n).copied())
    }
    /// What was chosen, or what the tile does by default.
    pub fn is_restricted(self) -> bool {
        if self.restricted_chosen.get() {
            return self.restricted.get();
        }
        self.tile().is_some_and(|t| t.row().restricted)
    }
    pub fn sex(self) -> Option<Sex> {
        self.sex.get().and_then(|n| SEXES.get(n).copied())
    }
    pub fn warnings(self, now: Timestamp) -> Vec<IdWarning> {
        let (Ok(Some(document)), Ok(birth)) = (self.parse_document(), self.parse_birth(now)) else { return vec![] };
        document.warnings(self.sex(), birth, None)
    }
    /// # Errors
    /// What is missing in the answer about consent.
    pub fn parse_consent(self, now: Timestamp) -> Result<Consent, Invalid> {
        let answer = match self.consent.get() {
            Some(AGREED) => ConsentAnswer::Agreed,
            Some(REFUSED) => ConsentAnswer::Refused,
            Some(NOT_ASKED) => ConsentAnswer::NotAsked,
            Some(NOT_REQUIRED) => {
                let exception = self.exception.get().and_then(|n| EXCEPTIONS.get(n).copied());
                ConsentAnswer::NotRequired(exception.ok_or(Invalid::Missing)?)
            }
            _ => return Err(Invalid::Missing),
        };
        let mut consent = Consent::new(answer);
        if answer == ConsentAnswer::Agreed {
            consent.photos = self.photos_agreed.get();
            consent.on = Some(self.consent_on.get().unwrap_or(now.day()));
            consent.given_by = self.giver.get().and_then(|n| GIVERS.get(n).copied()).or(Some(Giver::Myself));
            consent.form = self.consent_form.get().and_then(|n| FORMS.get(n).copied()).or(Some(ConsentForm::Spoken));
            if consent.given_by == Some(Giver::Representative) {
                consent.relation = self.parse_relation()?;
            }
        }
        Ok(consent)
    }
    /// What the answers given so far mean for photos.
    pub fn photo_consent(self) -> PhotoConsent {
        match self.consent.get() {
            Some(AGREED) if self.photos_agreed.get() => PhotoConsent::Agreed,
            Some(REFUSED) => PhotoConsent::Refused,
            _ => PhotoConsent::NotAsked,
        }
    }
    /// # Errors
    /// [`Invalid::Empty`] when a representative answered and nobody says who.
    pub fn parse_relation(self) -> Result<String, Invalid> {
        if self.giver.get() != Some(1) {
            return Ok(String::new());
        }
        let relation = self.relation.with(|typed| domain::person::text(typed, domain::limits::LABEL_CHARS))?;
        if relation.is_empty() { Err(Invalid::Empty) } else { Ok(relation) }
    }

    /// The facts of the whole form, without consent and status.
    ///
    /// # Errors
    /// The first thing that cannot be kept as it is.
    pub fn facts(self, now: Timestamp) -> Result<Vec<Fact>, Invalid> {
        let text = |typed: RwSignal<String>, most| typed.with(|t| domain::person::text(t, most));
        let label = |typed| text(typed, domain::limits::LABEL_CHARS);
        let long = |typed| text(typed, domain::limits::TEXT_CHARS);
        let mut facts = vec![Fact::FullName(self.parse_name()?), Fact::HandledIn(self.parse_village()?)];
        facts.extend(self.sex().map(Fact::Sex));
        match self.parse_birth(now)? {
            Some(birth) => facts.push(Fact::Birth(birth)),
            None => facts.extend(self.parse_age()?.map(Fact::ApproximateAge)),
        }
        facts.extend(self.parse_document()?.map(Fact::Document));
        facts.extend(self.parse_phone()?.map(Fact::Phone));
        let ethnic = self.ethnic_group.with(|code| code.parse::<u8>().ok());
        facts.extend(ethnic.map(Fact::EthnicGroup));
        let found = label(self.found_place)?;
        // The moment of finding is asked in an emergency only; here it is kept.
        let found_at = self.found_at.get();
        if !found.is_empty() || found_at.is_some() {
            facts.push(Fact::Found(Found { place: found, at: found_at.or(Some(now)) }));
        }
        let mut keep = |fact: Fact, typed: &str| {
            if !typed.is_empty() {
                facts.push(fact);
            }
        };
        let other_names = label(self.other_names)?;
        keep(Fact::OtherNames(other_names.clone()), &other_names);
        let language = label(self.language)?;
        keep(Fact::Language(language.clone()), &language);
        let marks = long(self.marks)?;
        keep(Fact::Marks(marks.clone()), &marks);
        let health = long(self.health)?;
        keep(Fact::Health(health.clone()), &health);
        let household = long(self.household)?;
        keep(Fact::Household(household.clone()), &household);
        let home = label(self.home)?;
        keep(Fact::Home(Home { text: home.clone(), place: None }), &home);
        let alias = label(self.alias)?;
        keep(Fact::Alias(alias.clone()), &alias);
        facts.extend(self.tile().map(Fact::Tile));
        facts.push(Fact::WhatHappened(self.parse_what()?));
        facts.extend(self.source.get().and_then(|n| SOURCES.get(n).copied()).map(Fact::Source));
        facts.extend(self.urgency().map(Fact::Urgency));
        let confidentiality = if self.is_restricted() { Confidentiality::Restricted } else { Confidentiality::Normal };
        facts.push(Fact::Confidentiality(confidentiality));
        Ok(facts)
    }

    /// The form as an existing case fills it.
    #[must_use]
    pub fn of_header(header: &Header) -> Self {
        let f = &header.facts;
        let text = |t: Option<&String>| t.cloned().unwrap_or_default();
        let number = |n: Option<String>| n.unwrap_or_default();
        let birth = f.birth.shown().copied();
        let document = f.document.shown();
        Self::new(CaseWritten {
            name: header.name().map(ToString::to_string).unwrap_or_default(),
            name_unknown: header.name().is_none(),
            other_names: text(f.other_names.shown()),
            sex: f.sex.shown().and_then(|s| position(&SEXES, s)),
            age: number(f.approximate_age.shown().map(ToString::to_string)),
            birth_known: birth.is_some(),
            birth_day: number(birth.and_then(|b| b.day).map(|d| d.to_string())),
            birth_month: number(birth.and_then(|b| b.month).map(|m| m.to_string())),
            birth_year: number(birth.and_then(|b| b.year).map(|y| y.to_string())),
            birth_estimated: birth.is_some_and(|b| b.estimated),
            marks: text(f.marks.shown()),
            document_kind: document
                .and_then(|d| DOCUMENTS.iter().find(|(_, kind)| *kind == d.kind))
                .map(|(key, _)| (*key).to_owned())
                .unwrap_or_default(),
            document_number: document.map(|d| d.number.clone()).unwrap_or_default(),
            phone: f.phone.shown().map(Phone::national).unwrap_or_default(),
            ethnic_group: number(f.ethnic_group.shown().map(ToString::to_string)),
            language: text(f.language.shown()),
            village: header.handled_in().map(ToString::to_string).unwrap_or_default(),
            found_place: f.found.shown().map(|found| found.place.clone()).unwrap_or_default(),
            found_at: f.found.shown().and_then(|found| found.at),
            home: f.home.shown().map(|h| h.text.clone()).unwrap_or_default(),
            tile: f.tile.shown().and_then(|t| position(&Tile::ALL, t)),
            what: text(f.what_happened.shown()),
            source: f.source.shown().and_then(|s| position(&SOURCES, s)),
            health: text(f.health.shown()),
            household: text(f.household.shown()),
            urgency: position(&URGENCIES, &header.urgency()),
            restricted: header.is_restricted(),
            restricted_chosen: true,
            alias: text(f.alias.shown()),
            consent: f.consent.shown().map(|c| match c.answer {
                ConsentAnswer::Agreed => AGREED,
                ConsentAnswer::Refused => REFUSED,
                ConsentAnswer::NotAsked => NOT_ASKED,
                ConsentAnswer::NotRequired(_) => NOT_REQUIRED,
            }),
            exception: f.consent.shown().and_then(|c| match c.answer {
                ConsentAnswer::NotRequired(exception) => position(&EXCEPTIONS, &exception),
                _ => None,
            }),
            giver: f.consent.shown().and_then(|c| c.given_by).and_then(|g| position(&GIVERS, &g)),
            relation: f.consent.shown().map(|c| c.relation.clone()).unwrap_or_default(),
            consent_form: f.consent.shown().and_then(|c| c.form).and_then(|how| position(&FORMS, &how)),
            began: FactName::ALL
                .iter()
                .filter_map(|name| {
                    Some(FieldEdit { saw: f.seen_standing(*name), fact: f.standing(*name)?, cleared: false })
                })
                .collect(),
            ..CaseWritten::default()
        })
    }
}

/// The sentence of an error, once somebody has tried to go on.
pub fn error_of<T: 'static>(
    tried: RwSignal<bool>,
    words: &'static Words,
    parse: impl Fn() -> Result<T, Invalid> + Send + Sync + 'static,
) -> Signal<Option<String>> {
    Signal::derive(move || tried.get().then(|| parse().err().map(|e| (words.errors.invalid)(e).to_owned())).flatten())
}

/// The village chosen before anybody chooses: the one written about last, else the first of one's own.
pub fn prefill_village(state: AppState, village: RwSignal<String>, draft: DraftState) {
    Effect::new(move |_| {
        if !draft.loaded.get() || !village.with(String::is_empty) {
            return;
        }
        let own = state.own_villages();
        let me = state.me();
        // Newest first: the village this person wrote about last.
        let last = state.cards.with_untracked(|cards| {
            let mine = cards.iter().filter(|c| !c.is_sheet && Some(c.author) == me);
            mine.filter_map(|c| c.place.clone()).find(|place| own.iter().any(|(id, _)| id == place))
        });
        let first = || own.iter().chain(&state.own_communes()).next().map(|(id, _)| id.clone());
        if let Some(id) = last.or_else(first) {
            draft.by_default(|| village.set(id.to_string()));
        }
    });
}

/// Own villages, then each commune for a village that is not known; and what stands in the form, wherever it is: a list that
/// shows another place than the one that is saved would move somebody in silence.
pub fn village_options(
    state: AppState,
    words: &'static Words,
    chosen: RwSignal<String>,
) -> Signal<Vec<(String, String)>> {
    // One that was chosen before stays in the list when another is chosen.
    let standing = Memo::new(move |before: Option<&Vec<String>>| {
        let mut all = before.cloned().unwrap_or_default();
        chosen.with(|id| {
            if !id.is_empty() && !all.contains(id) {
                all.push(id.clone());
            }
        });
        all
    });
    Signal::derive(move || {
        let villages = state.own_villages().into_iter().map(|(id, name)| (id.to_string(), name));
        let communes = state
            .own_communes()
            .into_iter()
            .map(|(id, name)| (id.to_string(), (words.new_case.village_unknown)(&name)));
        let mut options: Vec<(String, String)> = villages.chain(communes).collect();
        let rules = state.rules();
        standing.with(|standing| {
            for id in standing.iter().rev() {
                let Ok(place) = id.parse::<PlaceId>() else { continue };
                if options.iter().all(|(known, _)| known != id) {
                    options.insert(0, (id.clone(), naming::place_name(&place, &rules.places)));
                }
            }
        });
        options
    })
}

/// Who: a name or "not known", sex and age, and, folded away, papers and phone.
#[component]
pub fn WhoFields(form: CaseForm, tried: RwSignal<bool>) -> AnyView {
    let state = app_state();
    let words = words();
    let sexes = Signal::stored(SEXES.iter().map(|s| (words.speech.sex)(*s).to_owned()).collect::<Vec<_>>());
    let label = words.errors.fact;
    let name_error = error_of(tried, words, move || form.parse_name());
    let age_error = error_of(tried, words, move || form.parse_age());
    let birth_error = error_of(tried, words, move || form.parse_birth(state.now.get()));
    view! {
        <Toggle label=words.new_case.name_unknown hint=Signal::stored(words.new_case.name_unknown_hint.to_owned()) on=form.name_unknown />
        <If when=move || !form.name_unknown.get()>
            <Field
                label=words.new_case.full_name
                value=form.name
                hint=words.new_case.full_name_hint
                typing=Typing::Name
                error=name_error
            />
        </If>
        <Chips label=label(domain::FactName::Sex) options=sexes chosen=form.sex may_clear=true />
        <If when=move || !form.birth_known.get()>
            <Field label=words.new_case.age value=form.age typing=Typing::Digits error=age_error />
        </If>
        <Toggle label=words.new_case.birth_known on=form.birth_known />
        <If when=move || form.birth_known.get()>
            <DateField
                legend=label(domain::FactName::Birth)
                parts=form.birth_parts()
                hint=words.new_case.birth_hint
                error=birth_error
            />
            <Toggle label=words.new_case.birth_estimated on=form.birth_estimated />
        </If>
        <If when=move || form.name_unknown.get()>
            <Field label=label(domain::FactName::Marks) value=form.marks hint=words.new_case.marks_hint typing=Typing::Long />
        </If>
        <PaperFields form tried />
    }
    .into_any()
}

#[component]
fn PaperFields(form: CaseForm, tried: RwSignal<bool>) -> AnyView {
    let state = app_state();
    let words = words();
    let label = words.errors.fact;
    let kinds = Signal::stored(
        std::iter::once((String::new(), words.speech.not_said.to_owned()))
            .chain(
                DOCUMENTS
                    .iter()
                    .map(|(key, kind)| ((*key).to_owned(), (words.case_page.document_kind)(*kind).to_owned())),
            )
            .collect::<Vec<_>>(),
    );
    let language = lang();
    let ethnic = Signal::stored(
        std::iter::once((String::new(), words.speech.not_said.to_owned()))
            .chain(ETHNIC_GROUPS.iter().map(|(code, name)| (code.to_string(), language.of(*name).to_owned())))
            .collect::<Vec<_>>(),
    );
    let has_number = move || form.document_kind.with(|k| !k.is_empty() && k != "none");
    let document_error = Signal::derive(move || {
        let error = tried.get().then(|| form.parse_document().err()).flatten()?;
        let kind = form.document_kind.get();
        Some(match (error, kind.as_str()) {
            (Invalid::WrongLength, "personal_id") => words.errors.personal_id.to_owned(),
            (Invalid::WrongLength, "old_card") => words.errors.old_card.to_owned(),
            (error, _) => (words.errors.invalid)(error).to_owned(),
        })
    });
    let warning = Signal::derive(move || {
        form.warnings(state.now.get()).first().map(|w| (words.errors.id_warning)(*w).to_owned())
    });
    let phone_error = error_of(tried, words, move || form.parse_phone());
    // An error in a folded field would not be seen.
    let open = Memo::new(move |_| tried.get() && (form.parse_document().is_err() || form.parse_phone().is_err()));
    view! {
        <details class="extra" open=move || open.get()>
            <summary>{sized(Icon::Page, Some("s"))} {words.new_case.more_person}</summary>
            <div class="stack">
                <Select label=label(domain::FactName::Document) options=kinds value=form.document_kind />
                <If when=has_number>
                    <Field
                        label=words.new_case.document_number
                        value=form.document_number
                        typing=Typing::Code
                        error=document_error
                        warning
                    />
                </If>
                <Field
                    label=label(domain::FactName::Phone)
                    value=form.phone
                    hint=words.new_case.phone_hint
                    typing=Typing::Phone
                    error=phone_error
                />
                <Select label=label(domain::FactName::EthnicGroup) options=ethnic value=form.ethnic_group />
                <Field label=label(domain::FactName::Language) value=form.language />
                <Field label=label(domain::FactName::OtherNames) value=form.other_names typing=Typing::Name />
            </div>
        </details>
    }
    .into_any()
}

/// Where: the village that decides who sees the case, where somebody was found, where they live. `stays`: the case is moved
/// by somebody else, and nothing is asked that would be refused.
#[component]
pub fn WhereFields(form: CaseForm, tried: RwSignal<bool>, #[prop(optional)] stays: bool) -> AnyView {
    let state = app_state();
    let words = words();
    let error = error_of(tried, words, move || form.parse_village());
    view! {
        <If when=move || stays>
            <Note icon=Icon::Lock said=Signal::stored(words.moving.transfer_restricted.to_owned()) />
        </If>
        <If when=move || !stays>
            <Select
                label=(words.errors.fact)(domain::FactName::HandledIn)
                options=village_options(state, words, form.village)
                value=form.village
                hint=words.new_case.where_hint
                error
            />
        </If>
        <If when=move || form.name_unknown.get()>
            <Field label=words.new_case.found_place value=form.found_place hint=words.new_case.found_place_hint />
        </If>
        <Field label=words.new_case.home value=form.home hint=words.new_case.home_hint />
    }
    .into_any()
}

/// The eight kinds of trouble.
#[component]
pub fn TileField(form: CaseForm, tried: RwSignal<bool>) -> AnyView {
    let words = words();
    let lang = lang();
    let options =
        Tile::ALL.into_iter().map(|t| (naming::tile_icon(t), naming::tile_name(t, lang).to_owned())).collect();
    let error =
        Signal::derive(move || (tried.get() && form.tile.get().is_none()).then(|| words.errors.choose.to_owned()));
    view! { <Tiles legend=words.new_case.tile_title options chosen=form.tile error /> }.into_any()
}

/// What happened, and who said so.
#[component]
pub fn WhatFields(form: CaseForm, tried: RwSignal<bool>) -> AnyView {
    let words = words();
    let error = error_of(tried, words, move || form.parse_what());
    let sources =
        Signal::stored(SOURCES.iter().map(|s| (words.case_page.source_of)(*s).to_owned()).collect::<Vec<_>>());
    view! {
        <Field label=words.new_case.what_title heard_only=true value=form.what hint=words.new_case.what_hint typing=Typing::Long error />
        <div class="field">
            <Chips label=words.new_case.source options=sources chosen=form.source may_clear=true />
        </div>
    }
    .into_any()
}

/// How urgent, and who may see it.
#[component]
pub fn UrgencyFields(form: CaseForm, tried: RwSignal<bool>) -> AnyView {
    let words = words();
    let hints = [words.new_case.normal_hint, words.new_case.urgent_hint, words.new_case.emergency_hint];
    let options: Vec<(String, String)> =
        URGENCIES.iter().zip(hints).map(|(u, hint)| ((words.marks.urgency)(*u).to_owned(), hint.to_owned())).collect();
    let error =
        Signal::derive(move || (tried.get() && form.urgency.get().is_none()).then(|| words.errors.choose.to_owned()));
    let on = RwSignal::new(form.is_restricted());
    // The tile's default holds until somebody decides otherwise.
    Effect::new(move |before: Option<bool>| {
        let now = on.get();
        if before.is_some_and(|before| before != now) {
            form.restricted.set(now);
            form.restricted_chosen.set(true);
        }
        now
    });
    let hint = Signal::derive(move || {
        let by_tile = !form.restricted_chosen.get() && form.tile().is_some_and(|t| t.row().restricted);
        if by_tile { words.new_case.restrict_default.to_owned() } else { words.new_case.restrict_hint.to_owned() }
    });
    view! {
        <Answers legend=words.new_case.urgency_title heard_only=true options chosen=form.urgency error />
        <Toggle label=words.new_case.restrict hint on />
        <If when=move || on.get()>
            <Field label=words.new_case.alias value=form.alias hint=words.new_case.alias_hint typing=Typing::Code />
        </If>
    }
    .into_any()
}

/// The words read aloud, and the answer.
#[component]
pub fn ConsentFields(form: CaseForm, tried: RwSignal<bool>) -> AnyView {
    let state = app_state();
    let words = words();
    let them = move || words.consent.them[form.them.get().unwrap_or(0)];
    let options = Signal::stored(words.consent.them.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
    if form.them.get_untracked().is_none() {
        form.them.set(Some(0));
    }
    let lines = Signal::derive(move || {
        let name = state.worker.with(|w| w.as_ref().map(|w| w.name.to_string()).unwrap_or_default());
        (words.consent.record)(&name, &commune_said(state, form, words), them()).to_vec()
    });
    let you = (words.speech.you)(state.worker.with_untracked(|w| w.as_ref().map(|w| w.address).unwrap_or_default()));
    let answers = vec![
        (words.consent.agreed.to_owned(), words.consent.agreed_hint.to_owned()),
        (words.consent.refused.to_owned(), words.consent.refused_hint.to_owned()),
        (words.consent.not_asked.to_owned(), (words.consent.not_asked_hint)(you)),
        (words.consent.not_required.to_owned(), words.consent.not_required_hint.to_owned()),
    ];
    let error =
        Signal::derive(move || (tried.get() && form.consent.get().is_none()).then(|| words.errors.choose.to_owned()));
    view! {
        <If when=move || words.consent.them.iter().any(|them| *them != words.consent.them[0])>
            <Chips label=words.new_case.call_them options chosen=form.them />
        </If>
        <ReadAloud lines />
        {move || {
            let legend = (words.consent.answer_title)(them());
            view! { <Answers legend options=answers.clone() chosen=form.consent error /> }
        }}
        <If when=move || form.consent.get() == Some(NOT_REQUIRED)>
            <ExceptionField form tried />
        </If>
        <If when=move || form.consent.get() == Some(AGREED)>
            <GiverFields form tried />
            <Toggle
                label=words.photos.agree
                hint=Signal::stored(words.photos.agree_hint.to_owned())
                on=form.photos_agreed
            />
        </If>
        <p class="soft">{words.consent.child_note}</p>
    }
    .into_any()
}

#[component]
fn ExceptionField(form: CaseForm, tried: RwSignal<bool>) -> AnyView {
    let words = words();
    let options: Vec<(String, String)> =
        EXCEPTIONS.iter().map(|e| ((words.consent.exception)(*e).to_owned(), String::new())).collect();
    let error =
        Signal::derive(move || (tried.get() && form.exception.get().is_none()).then(|| words.errors.choose.to_owned()));
    view! { <Answers legend=words.consent.reason options chosen=form.exception error /> }.into_any()
}

/// Who answered and how.
#[component]
pub fn GiverFields(form: CaseForm, tried: RwSignal<bool>) -> AnyView {
    let words = words();
    let givers = Signal::stored(GIVERS.iter().map(|g| (words.consent.giver)(*g).to_owned()).collect::<Vec<_>>());
    let forms = Signal::stored(FORMS.iter().map(|f| (words.consent.form)(*f).to_owned()).collect::<Vec<_>>());
    if form.giver.get_untracked().is_none() {
        form.giver.set(Some(0));
    }
    if form.consent_form.get_untracked().is_none() {
        form.consent_form.set(Some(0));
    }
    let error = error_of(tried, words, move || form.parse_relation());
    view! {
        <Chips label=words.consent.who_answered options=givers chosen=form.giver />
        <If when=move || form.giver.get() == Some(1)>
            <Field label=words.consent.relation value=form.relation hint=words.consent.relation_hint error />
        </If>
        <Chips label=words.consent.form_title options=forms chosen=form.consent_form />
    }
    .into_any()
}

/// The commune as it is said aloud: `xã Bản Mây`.
pub fn commune_said(state: AppState, form: CaseForm, words: &Words) -> String {
    let rules = state.rules();
    let village = form.parse_village().ok();
    let commune =
        village.as_ref().and_then(|v| rules.places.commune_of(v)).map(|c| (c.kind, c.name.clone())).or_else(|| {
            state.own_communes().first().and_then(|(id, _)| rules.places.find(id)).map(|c| (c.kind, c.name.clone()))
        });
    commune.map(|(kind, name)| (words.speech.place)(kind, &name)).unwrap_or_default()
}
