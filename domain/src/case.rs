//! A case: the facts about one person and what surrounds them. It knows the shape of each fact, not who may read it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    catalogue::{GroupCode, ServiceCode, Tile},
    consent::Consent,
    field::{Candidate, Field, Protective},
    id::{CaseCode, CaseId, ChangeId, LogId, PlaceId, WorkerId},
    map::Map,
    person::{IdentityDocument, PersonName, Phone, Sex},
    time::{Day, PartialDate, Timestamp},
};

/// Where a case stands (Circular 02/2020/TT-BLĐTBXH, forms 01 to 06).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    New,
    Screening,
    Assessed,
    Planned,
    Active,
    Monitoring,
    Closed,
    NotEligible,
    Transferred,
    Merged,
}

impl CaseStatus {
    /// 1 to 7 on the way from first note to closure; `None` for the states aside.
    #[must_use]
    pub fn step(self) -> Option<u8> {
        let step = self as u8 + 1;
        (step <= 7).then_some(step)
    }
}
impl Protective for CaseStatus {
    /// While people disagree, a case that somebody still works on is not closed.
    fn protection(&self) -> u8 {
        u8::from(self.step().is_some() && *self != Self::Closed)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    Normal,
    Urgent,
    Emergency,
}
impl Protective for Urgency {
    fn protection(&self) -> u8 {
        *self as u8
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidentiality {
    Normal,
    Restricted,
}
impl Protective for Confidentiality {
    fn protection(&self) -> u8 {
        *self as u8
    }
}

/// Who brought the case to light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Collaborator,
    Oneself,
    Family,
    VillageHead,
    Police,
    BorderHandover,
    Hospital,
    #[serde(rename = "hotline_111")]
    Hotline111,
}

/// Where and when somebody without a name was found. The time is what the finder says, in words or by the phone's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Found {
    pub place: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// Where the person says they live. Decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Home {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceId>,
}

/// A position, WGS 84: millionths of a degree, and the accuracy in metres that the phone claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    pub latitude_e6: i32,
    pub longitude_e6: i32,
    pub accuracy_m: u32,
}

macro_rules! facts {
    ($($(#[$doc:meta])* $field:ident : $variant:ident($value:ty),)*) => {
        /// The value of one field of a case.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Fact { $($(#[$doc])* $variant($value),)* }

        /// The name of a field of a case.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FactName { $($variant,)* }

        impl FactName {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }

        /// Every field of a case with its candidates.
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
        pub struct Facts {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Field::is_empty")] pub $field: Field<$value>,)*
        }

        impl Fact {
            #[must_use]
            pub fn name(&self) -> FactName {
                match self { $(Self::$variant(_) => FactName::$variant,)* }
            }
        }

        impl Facts {
            /// Writes one fact; see [`Field::edit`].
            pub fn edit(&mut self, change: ChangeId, received_at: Option<Timestamp>, saw: &[ChangeId], fact: &Fact) {
                match fact { $(Fact::$variant(now) => self.$field.edit(change, received_at, saw, now),)* }
            }
            /// Takes one fact out; see [`Field::clear`].
            pub fn clear(&mut self, name: FactName, saw: &[ChangeId]) {
                match name { $(FactName::$variant => self.$field.clear(saw),)* }
            }
            /// What an edit of `name` made now has seen.
            #[must_use]
            pub fn seen(&self, name: FactName) -> Vec<ChangeId> {
                match name { $(FactName::$variant => self.$field.seen(),)* }
            }
            /// What stands for `name`, as facts, the shown one first: more than one while nobody has decided.
            #[must_use]
            pub fn candidates(&self, name: FactName) -> Vec<Candidate<Fact>> {
                match name {
                    $(FactName::$variant => {
                        let candidates = self.$field.candidates().iter();
                        candidates.map(|c| c.clone().map(Fact::$variant)).collect()
                    })*
                }
            }
            /// Shows `with` the change and the time of every candidate of every field.
            fn stamps(&mut self, with: &mut dyn FnMut(&mut ChangeId, &mut Option<Timestamp>)) {
                $(self.$field.stamps(with);)*
            }
            /// The fields on which people disagree.
            #[must_use]
            pub fn conflicts(&self) -> Vec<FactName> {
                let mut names = Vec::new();
                $(if self.$field.is_conflict() { names.push(FactName::$variant); })*
                names
            }
        }
    };
}

impl Fact {
    /// How much this answer protects the person; 0 where no answer protects more than another.
    #[must_use]
    pub fn protection(&self) -> u8 {
        match self {
            Self::Urgency(urgency) => urgency.protection(),
            Self::Consent(consent) => consent.protection(),
            Self::Confidentiality(confidentiality) => confidentiality.protection(),
            Self::Status(status) => status.protection(),
            _ => 0,
        }
    }
}

impl Facts {
    /// The value that screens show: the shown one, or while people disagree the one that protects most.
    #[must_use]
    pub fn standing(&self, name: FactName) -> Option<Fact> {
        // `max_by_key` gives the last of equals, hence the reversal.
        self.candidates(name).into_iter().rev().map(|c| c.value).max_by_key(Fact::protection)
    }
    /// What an edit has seen that was written over the standing value alone. Values that differ from it stay, for somebody
    /// to choose among: a form with one line for a field decides no disagreement in silence.
    #[must_use]
    pub fn seen_standing(&self, name: FactName) -> Vec<ChangeId> {
        let standing = self.standing(name);
        let same = self.candidates(name).into_iter().filter(|c| Some(&c.value) == standing.as_ref());
        same.map(|c| c.change).collect()
    }
}

impl FactName {
    /// Whether a case can be without it, once it was written.
    #[must_use]
    pub fn may_be_cleared(self) -> bool {
        !matches!(
            self,
            Self::FullName
                | Self::HandledIn
                | Self::Tile
                | Self::WhatHappened
                | Self::Urgency
                | Self::Consent
                | Self::Confidentiality
                | Self::Status
        )
    }
}

facts! {
    /// `None`: not known, a normal answer.
    full_name: FullName(Option<PersonName>),
    other_names: OtherNames(String),
    /// Shown instead of the name while the case is restricted, such as `H-07`.
    alias: Alias(String),
    sex: Sex(Sex),
    birth: Birth(PartialDate),
    /// Years, as estimated by whoever met the person.
    approximate_age: ApproximateAge(u8),
    found: Found(Found),
    /// What a person without papers can be recognised by.
    marks: Marks(String),
    nationality: Nationality(String),
    /// A number of `data/ethnic_groups.csv`.
    ethnic_group: EthnicGroup(u8),
    language: Language(String),
    needs_interpreter: NeedsInterpreter(bool),
    document: Document(IdentityDocument),
    phone: Phone(Phone),
    insurance: Insurance(String),
    /// A village, or its commune while the village is not known. Decides who sees the case.
    handled_in: HandledIn(PlaceId),
    home: Home(Home),
    point: Point(Point),
    tile: Tile(Tile),
    what_happened: WhatHappened(String),
    health: Health(String),
    household: Household(String),
    has_carer: HasCarer(bool),
    source: Source(Source),
    urgency: Urgency(Urgency),
    consent: Consent(Consent),
    confidentiality: Confidentiality(Confidentiality),
    status: Status(CaseStatus),
}

/// A set of which each element is decided by itself, so that two people adding two elements never disagree.
pub type ElementSet<T> = Map<T, Field<bool>>;

/// Somebody was told by phone: who, which number, when by the phone's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub whom: String,
    pub phone: Phone,
    pub at: Timestamp,
    /// The same moment by the office's clock. Written by the office; what a change says here counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office_at: Option<Timestamp>,
}

impl Told {
    /// When it was, as far as clocks are concerned.
    #[must_use]
    pub fn counts_from(&self) -> Timestamp {
        self.office_at.unwrap_or(self.at)
    }
}

/// Somebody with the duty to look has opened the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    pub by: WorkerId,
    pub at: Timestamp,
    /// Until when the office had received what was there to be seen: somebody without network sees what they had. `None` in
    /// what was stored before this was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
}

impl Looked {
    /// What was received until then was seen.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.seen.unwrap_or(self.at)
    }
}

/// The case was given to another village or commune.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    pub id: ChangeId,
    pub by: WorkerId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PlaceId>,
    pub to: PlaceId,
    pub reason: String,
    pub recorded_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
}

/// What is said about a case and others of the same person: by the other case, which of the two is in front.
pub type Links = Map<CaseId, Field<Option<CaseId>>>;

/// The first part of every case: identity, place, trouble, consent, and who is named on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Header {
    pub case: CaseId,
    pub log: LogId,
    pub code: CaseCode,
    pub opened: ChangeId,
    pub author: WorkerId,
    pub recorded_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    pub facts: Facts,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub groups: ElementSet<GroupCode>,
    /// Workers named on the case.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub assignees: ElementSet<WorkerId>,
    /// Workers who must never see it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub excluded_workers: ElementSet<WorkerId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<(ChangeId, Told)>,
    /// The last time a supervisor of the area or a named officer opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Looked>,
    /// Other cases of the same person, as said on this one. Whoever does not see such a case is not told of it here
    /// either, see [`crate::access::veil`].
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub links: Links,
    /// The last times the case was given away, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<Transfer>,
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}
/// From its whole or its short form.
impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut header = Self::deserialize(deserializer)?;
        let (opened, received_at) = (header.opened, header.received_at);
        header.facts.stamps(&mut |change, at| {
            if change.is_none() {
                (*change, *at) = (opened, received_at);
            }
        });
        Ok(header)
    }
}

impl Header {
    /// To be called just before it is written as JSON, and for nothing else: what the case was opened with no longer repeats
    /// that change and when it was received, which is more than half of a new case. Reading puts both back.
    pub fn shorten(&mut self) {
        let (opened, received_at) = (self.opened, self.received_at);
        self.facts.stamps(&mut |change, at| {
            if (*change, *at) == (opened, received_at) {
                (*change, *at) = (ChangeId::NONE, None);
            }
        });
    }
    #[must_use]
    pub fn status(&self) -> CaseStatus {
        self.facts.status.safest().copied().unwrap_or(CaseStatus::New)
    }
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        self.facts.urgency.safest().copied().unwrap_or(Urgency::Normal)
    }
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.facts.confidentiality.safest() == Some(&Confidentiality::Restricted)
    }
    /// Whether people disagree about anything of it.
    #[must_use]
    pub fn is_disputed(&self) -> bool {
        !self.facts.conflicts().is_empty()
            || self.groups.values().any(Field::is_conflict)
            || self.assignees.values().chain(self.excluded_workers.values()).any(Field::is_conflict)
            || self.links.values().any(Field::is_conflict)
    }
    #[must_use]
    pub fn handled_in(&self) -> Option<&PlaceId> {
        self.facts.handled_in.shown()
    }
    /// All places that are said to handle the case: more than one while people disagree.
    pub fn handled_places(&self) -> impl Iterator<Item = &PlaceId> {
        self.facts.handled_in.candidates().iter().map(|c| &c.value)
    }
    #[must_use]
    pub fn name(&self) -> Option<&PersonName> {
        self.facts.full_name.shown().and_then(Option::as_ref)
    }
    /// Years on `today`, from the birth date or as estimated.
    #[must_use]
    pub fn age(&self, today: Day) -> Option<u16> {
        let birth = self.facts.birth.shown().and_then(|b| b.age(today));
        birth.or_else(|| self.facts.approximate_age.shown().map(|a| u16::from(*a)))
    }
}

/// The elements of a set; while people disagree about one, `doubtful` decides.
pub fn members<T: Ord>(set: &ElementSet<T>, doubtful: bool) -> impl Iterator<Item = &T> {
    set.iter().filter_map(move |(element, field)| {
        let is_in = if field.is_conflict() { doubtful } else { field.shown().copied().unwrap_or(false) };
        is_in.then_some(element)
    })
}

/// A visit to the person or about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    pub on: Day,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Who was met.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub met: String,
    /// What was seen and heard.
    pub seen: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Day>,
    /// What for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next_what: String,
}

/// Whose a task is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskFor {
    /// Whoever is the collaborator of this village.
    Village(PlaceId),
    Worker(WorkerId),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Day>,
    #[serde(rename = "for")]
    pub for_whom: TaskFor,
}
