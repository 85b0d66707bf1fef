//! What a subject is made of after its changes were applied: the parts that are stored, sent and shown.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    case::{FactName, Header, Task, TaskFor, Visit},
    catalogue::{GroupCode, ServiceCode},
    consent::{ConsentAnswer, ShareItem},
    field::Field,
    id::{BadName, CaseCode, CaseId, ChangeId, DeviceId, FacilityId, LogId, PlaceId, WorkerId, text_serde},
    map::Map,
    person::{PersonName, Phone, Sex},
    photo::PhotoPart,
    referral::{Progress, Referral, ReferralKind},
    time::{PartialDate, Timestamp},
};

/// The name of a part within its subject, written `header`, `visit:<id of the change that made it>`, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartKey {
    Header,
    Visit(ChangeId),
    Task(ChangeId),
    Referral(ChangeId),
    Sheet(ChangeId),
    Photo(ChangeId),
    Facility,
    Activity,
    Trail,
}

impl PartKey {
    /// The protocol version that brought parts of this kind: an older phone cannot read a page that names one.
    #[must_use]
    pub fn since(&self) -> u16 {
        match self {
            Self::Photo(_) => 2,
            _ => 1,
        }
    }
}

impl fmt::Display for PartKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("header"),
            Self::Visit(id) => write!(f, "visit:{id}"),
            Self::Task(id) => write!(f, "task:{id}"),
            Self::Referral(id) => write!(f, "referral:{id}"),
            Self::Sheet(id) => write!(f, "sheet:{id}"),
            Self::Photo(id) => write!(f, "photo:{id}"),
            Self::Facility => f.write_str("facility"),
            Self::Activity => f.write_str("activity"),
            Self::Trail => f.write_str("trail"),
        }
    }
}
impl FromStr for PartKey {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        match text.split_once(':') {
            None => match text {
                "header" => Ok(Self::Header),
                "facility" => Ok(Self::Facility),
                "activity" => Ok(Self::Activity),
                "trail" => Ok(Self::Trail),
                _ => Err(BadName),
            },
            Some(("visit", id)) => Ok(Self::Visit(id.parse()?)),
            Some(("task", id)) => Ok(Self::Task(id.parse()?)),
            Some(("referral", id)) => Ok(Self::Referral(id.parse()?)),
            Some(("sheet", id)) => Ok(Self::Sheet(id.parse()?)),
            Some(("photo", id)) => Ok(Self::Photo(id.parse()?)),
            _ => Err(BadName),
        }
    }
}
text_serde!(PartKey);

/// Who wrote a part and when: the phone's time is shown, the office's time counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    pub id: ChangeId,
    pub by: WorkerId,
    pub recorded_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitPart {
    pub written: Written,
    pub visit: Visit,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPart {
    pub written: Written,
    pub task: Task,
    /// Empty while the task is open; more than one when several people did it without knowing of each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<TaskDone>,
    /// Who it was handed to since; two at once keep it both until somebody chooses.
    #[serde(default, skip_serializing_if = "Field::is_empty")]
    pub given: Field<WorkerId>,
}

impl TaskPart {
    /// Whose the task is now: more than one while people disagree.
    #[must_use]
    pub fn whose(&self) -> Vec<TaskFor> {
        let mut all: Vec<TaskFor> = vec![];
        for given in self.given.candidates().iter().map(|c| TaskFor::Worker(c.value)) {
            if !all.contains(&given) {
                all.push(given);
            }
        }
        if all.is_empty() { vec![self.task.for_whom.clone()] } else { all }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDone {
    pub written: Written,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A facility or service that receives people, `data/demo_facilities.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacilityFacts {
    pub code: String,
    pub name: String,
    pub kind: String,
    pub ownership: String,
    pub services: Vec<ServiceCode>,
    /// Empty: every group.
    pub groups: Vec<GroupCode>,
    /// 0: not counted, never full.
    pub places: u32,
    /// 0: none.
    pub yearly_quota: u32,
    pub meets_access_criteria: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty_phone: Option<Phone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commune: Option<PlaceId>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub department: String,
}

/// Free places as counted at a moment; the moment is always shown with the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreePlaces {
    pub free: u32,
    pub as_of: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facility {
    pub id: FacilityId,
    pub log: LogId,
    pub facts: FacilityFacts,
    #[serde(default)]
    pub free: Field<FreePlaces>,
}

impl Facility {
    /// Whether it is known to be full; a facility without counted places never is.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.facts.places > 0 && self.free.shown().is_some_and(|f| f.free == 0)
    }
    /// Whether it gives `service` to one of `groups`; while a case has no group, to a group of its tile.
    #[must_use]
    pub fn fits(&self, kind: ReferralKind, tile: Option<crate::Tile>, groups: &[&GroupCode]) -> bool {
        let gives = self.facts.services.iter().any(|s| s.row().is_some_and(|row| row.referral_kind == kind.code()));
        let takes = self.facts.groups.is_empty()
            || if groups.is_empty() {
                tile.is_none_or(|t| {
                    self.facts.groups.iter().any(|g| g.row().is_some_and(|row| row.tile == t.row().code))
                })
            } else {
                groups.iter().any(|g| self.facts.groups.contains(g))
            };
        gives && takes
    }
}

/// A village activity. An anonymous contact counts somebody who did not agree to be recorded, and holds nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    AnonymousContact { place: PlaceId },
    GroupSession { place: PlaceId, on: crate::Day, people: u32, topic: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityPart {
    pub written: Written,
    pub log: LogId,
    pub activity: Activity,
}

/// What happened, in a word; texts stay in the parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrailWhat {
    Opened,
    Edited(Vec<FactName>),
    Grouped,
    Named(WorkerId),
    Excluded(WorkerId),
    Visited,
    Tasked,
    TaskDone,
    Asked(ReferralKind),
    Acted(ReferralKind, String),
    Told(String),
    /// Somebody on duty was told of an emergency, or could not be reached.
    Alerted {
        whom: WorkerId,
        reached: bool,
    },
    Counted,
    PhotoAdded,
    PhotoRemoved,
    /// Said to be of the same person as another case, with the one in front, or no longer.
    Linked {
        other: CaseId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        front: Option<CaseId>,
    },
    Transferred(PlaceId),
    HandedOver(WorkerId),
    /// Written by a newer version of the app.
    #[serde(other)]
    Newer,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailEntry {
    pub written: Written,
    pub device: DeviceId,
    /// Authorised by rights that had ended when it arrived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    pub what: TrailWhat,
}

/// The last steps of a subject's history, newest last, so that history reads offline.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trail {
    pub entries: Vec<TrailEntry>,
}

impl Trail {
    /// What people wrote: a call to whoever is on duty is nothing new to look at.
    pub fn by_people(&self) -> impl DoubleEndedIterator<Item = &TrailEntry> {
        self.entries.iter().filter(|e| !matches!(e.what, TrailWhat::Alerted { .. }))
    }
    /// The last call to whoever is on duty: who, when by the office's clock, and whether it reached them.
    #[must_use]
    pub fn last_alert(&self) -> Option<(WorkerId, Timestamp, bool)> {
        self.entries.iter().rev().find_map(|entry| match entry.what {
            TrailWhat::Alerted { whom, reached } => Some((whom, entry.written.received_at?, reached)),
            _ => None,
        })
    }
}

/// All that a receiving facility may see of a case: what the consent covers, no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    pub facility: FacilityId,
    pub case: CaseId,
    pub log: LogId,
    pub referral: ChangeId,
    pub code: CaseCode,
    pub kind: ReferralKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceCode>,
    pub emergency: bool,
    pub restricted: bool,
    /// The commune that sends, unless the case is restricted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commune: Option<PlaceId>,
    pub author: WorkerId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// The person took back their consent: nothing below is given any more.
    pub withdrawn: bool,
    /// Whether the person agreed to `items` being sent, or why they need not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ConsentAnswer>,
    pub items: Vec<ShareItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<Sex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth: Option<PartialDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approximate_age: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what_happened: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub progress: Progress,
}

/// One part of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Header(Box<Header>),
    Visit(Box<VisitPart>),
    Task(Box<TaskPart>),
    Referral(Box<Referral>),
    Sheet(Box<Sheet>),
    Photo(Box<PhotoPart>),
    Facility(Box<Facility>),
    Activity(ActivityPart),
    Trail(Trail),
}

/// All parts of one subject that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parts(pub Map<PartKey, Part>);

macro_rules! list_parts {
    ($($(#[$doc:meta])* $name:ident: $variant:ident => $of:ty,)*) => {$(
        $(#[$doc])*
        pub fn $name(&self) -> impl Iterator<Item = &$of> {
            self.0.values().filter_map(|part| if let Part::$variant(it) = part { Some(&**it) } else { None })
        }
    )*};
}

impl Parts {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        if let Some(Part::Header(header)) = self.0.get(&PartKey::Header) { Some(header) } else { None }
    }
    /// To be called just before they are written as JSON, see [`Header::shorten`].
    pub fn shorten(&mut self) {
        if let Some(header) = self.header_mut() {
            header.shorten();
        }
    }
    pub(crate) fn header_mut(&mut self) -> Option<&mut Header> {
        if let Some(Part::Header(header)) = self.0.get_mut(&PartKey::Header) { Some(header) } else { None }
    }
    #[must_use]
    pub fn facility(&self) -> Option<&Facility> {
        if let Some(Part::Facility(facility)) = self.0.get(&PartKey::Facility) { Some(facility) } else { None }
    }
    #[must_use]
    pub fn activity(&self) -> Option<&ActivityPart> {
        if let Some(Part::Activity(activity)) = self.0.get(&PartKey::Activity) { Some(activity) } else { None }
    }
    #[must_use]
    pub fn trail(&self) -> Option<&Trail> {
        if let Some(Part::Trail(trail)) = self.0.get(&PartKey::Trail) { Some(trail) } else { None }
    }
    #[must_use]
    pub fn referral(&self, id: ChangeId) -> Option<&Referral> {
        if let Some(Part::Referral(referral)) = self.0.get(&PartKey::Referral(id)) { Some(referral) } else { None }
    }
    #[must_use]
    pub fn sheet(&self, referral: ChangeId) -> Option<&Sheet> {
        if let Some(Part::Sheet(sheet)) = self.0.get(&PartKey::Sheet(referral)) { Some(sheet) } else { None }
    }
    /// Where a referral stands, on the case or on the receiver's sheet of it.
    #[must_use]
    pub fn progress(&self, referral: ChangeId) -> Option<&Progress> {
        self.referral(referral).map(|r| &r.progress).or_else(|| self.sheet(referral).map(|s| &s.progress))
    }
    list_parts! {
        /// Visits in the order their changes were made.
        visits: Visit => VisitPart,
        tasks: Task => TaskPart,
        referrals: Referral => Referral,
        sheets: Sheet => Sheet,
        photos: Photo => PhotoPart,
    }
}
