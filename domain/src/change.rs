//! A change: the one unit of truth. It knows how a change is written down and read back, not whether it is lawful.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    case::{Fact, Task, Told, Visit},
    catalogue::GroupCode,
    check::Refusal,
    id::{CaseCode, CaseId, ChangeId, DeviceId, LogId, PlaceId, Subject, WorkerId},
    json, limits,
    part::{Activity, FacilityFacts, FreePlaces},
    photo::Photo,
    referral::{Act, ChainStep, Due, ReferralAsk, Side},
    time::Timestamp,
};

/// An immutable act of writing by one person on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Protocol version of the app that wrote it.
    pub v: u16,
    pub id: ChangeId,
    pub log: LogId,
    pub subject: Subject,
    pub author: WorkerId,
    pub device: DeviceId,
    /// A counter of the device: the order of its outbox.
    pub n: u64,
    /// The phone's clock. Shown, never ordered by, never a reason to refuse.
    pub recorded_at: Timestamp,
    /// The first of the held changes that this one corrects: what others build on keeps its name through corrections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ChangeId>,
    pub body: Body,
}

impl Change {
    /// The name under which parts and candidates know what this change says.
    #[must_use]
    pub fn origin(&self) -> ChangeId {
        self.replaces.unwrap_or(self.id)
    }
}

/// The envelope of a change whose body has not been read: a body this office does not know delays only its dependants.
#[derive(Debug, Clone, Deserialize)]
pub struct Envelope {
    pub v: u16,
    pub id: ChangeId,
    pub log: LogId,
    pub subject: Subject,
    pub author: WorkerId,
    pub device: DeviceId,
    pub n: u64,
    pub recorded_at: Timestamp,
    #[serde(default)]
    pub replaces: Option<ChangeId>,
    pub body: Box<RawValue>,
}

impl Envelope {
    /// The change that a text holds, `None` when this version cannot read it.
    #[must_use]
    pub fn read(text: &str) -> Option<Change> {
        serde_json::from_str::<Self>(text).ok()?.open().ok()
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`BadBody`] with whether the kind is one this version has never heard of.
    pub fn open(self) -> Result<Change, BadBody> {
        let text = self.body.get().as_bytes();
        let body = json::read::<Body>(text).map_err(|_| match json::variant(text) {
            Some(kind) if !BODY_KINDS.contains(&&*kind) => BadBody::Unknown,
            _ => BadBody::Broken,
        })?;
        // A kind that has grown a content is not what this version means by it.
        if matches!(body, Body::Looked) && !text.trim_ascii_start().starts_with(b"\"") {
            return Err(BadBody::Unknown);
        }
        // No device makes such an id, and in the parts it stands for another, see [`crate::Header::shorten`].
        if self.id.is_none() || self.replaces.is_some_and(|replaced| replaced.is_none()) {
            return Err(BadBody::Broken);
        }
        // Numbers are kept as `i64` everywhere behind this door.
        if i64::try_from(self.n).is_err() {
            return Err(BadBody::Broken);
        }
        let Self { v, id, log, subject, author, device, n, recorded_at, replaces, .. } = self;
        Ok(Change { v, id, log, subject, author, device, n, recorded_at, replaces, body })
    }
}

/// A body that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    #[error("a kind this version does not know")]
    Unknown,
    #[error("not what its kind promises")]
    Broken,
}

/// One edited field: what the writer saw and what it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldEdit {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saw: Vec<ChangeId>,
    pub fact: Fact,
    /// What was seen is taken out and nothing stands in its place; `fact` is what stood there. For values of which none
    /// says "nothing", such as a phone number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cleared: bool,
}

/// One element put into or taken out of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElementEdit<T> {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saw: Vec<ChangeId>,
    pub element: T,
    pub now: bool,
}

/// What somebody drops of their own, never having been able to send it as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    pub change: ChangeId,
    /// Why the office had not taken it.
    pub why: Refusal,
    /// Why its writer gives it up.
    pub reason: String,
    /// The change itself as JSON, so that what it says is not only on a phone; empty when it is too large to be sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content: String,
}

impl Dropped {
    /// Of a held change. Its content goes along if what drops it still keeps to [`limits::CHANGE_BYTES`].
    #[must_use]
    pub fn of(change: &Change, why: Refusal, reason: String) -> Self {
        let content = json::write_text(change).unwrap_or_default();
        let dropped = Self { change: change.id, why, reason, content };
        // As text within text it grows; the envelope takes less than the rest.
        let bytes = json::write(&dropped).map_or(usize::MAX, |text| text.len());
        if bytes + 1_024 > limits::CHANGE_BYTES { Self { content: String::new(), ..dropped } } else { dropped }
    }
    /// What was dropped; `None` when it was too large to be sent, or is of a kind this version cannot read.
    #[must_use]
    pub fn read(&self) -> Option<Change> {
        json::read::<Change>(self.content.as_bytes()).ok().filter(|change| change.id == self.change)
    }
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $variant:ident $({ $($(#[$fdoc:meta])* $field:ident : $ty:ty,)* })? $(($inner:ty))? = $kind:literal,)*) => {
        /// What a change says.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Body {
            $($(#[$doc])* #[serde(rename = $kind)] $variant $({ $($(#[$fdoc])* $field: $ty,)* })? $(($inner))?,)*
        }
        const BODY_KINDS: &[&str] = &[$($kind,)*];
    };
}

bodies! {
    /// Opens a case with what is known.
    CaseOpened { code: CaseCode, facts: Vec<Fact>, } = "case_opened",
    FactsEdited { edits: Vec<FieldEdit>, } = "facts_edited",
    GroupEdited(ElementEdit<GroupCode>) = "group_edited",
    /// Names a worker on the case, or no longer.
    AssigneeEdited(ElementEdit<WorkerId>) = "assignee_edited",
    ExcludedEdited(ElementEdit<WorkerId>) = "excluded_edited",
    VisitRecorded(Visit) = "visit_recorded",
    TaskWritten(Task) = "task_written",
    TaskDone {
        task: ChangeId,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    } = "task_done",
    ReferralAsked(ReferralAsk) = "referral_asked",
    ReferralActed {
        referral: ChangeId,
        /// The version of the referral that the person read.
        saw: u32,
        side: Side,
        act: Act,
        /// Until when the office had received what its writer had of the case on the screen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Timestamp>,
    } = "referral_acted",
    Told(Told) = "told",
    /// As [`Body::Seen`], from before it said what was there to be seen.
    Looked = "looked",
    /// Somebody opened the case and so has seen what the office had received until then.
    Seen { until: Timestamp, } = "seen",
    /// Written by the office: somebody on duty was told of an emergency that nobody had seen, or could not be reached.
    DutyAlerted { whom: WorkerId, reached: bool, } = "duty_alerted",
    FacilityOpened(FacilityFacts) = "facility_opened",
    PlacesCounted {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        saw: Vec<ChangeId>,
        free: FreePlaces,
    } = "places_counted",
    ActivityRecorded(Activity) = "activity_recorded",
    /// Announces a photo; its sealed bytes follow by themselves.
    PhotoAdded(Box<Photo>) = "photo_added",
    /// Takes a photo away: from the case, and its bytes from the office. That it was there stays in the history.
    PhotoRemoved { photo: ChangeId, } = "photo_removed",
    /// The writer drops a change of theirs that the office could not take. It enters no case; the office puts it away.
    Dropped(Dropped) = "dropped",
    /// Says that this case and another are of one person; nothing of either moves.
    CaseLinked {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        saw: Vec<ChangeId>,
        other: CaseId,
        /// The one of the two that is kept in front; `None`: they are not of one person, or no longer said to be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        front: Option<CaseId>,
    } = "case_linked",
    /// Gives the case to another village or commune. Its log stays.
    CaseTransferred {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        saw: Vec<ChangeId>,
        to: PlaceId,
        reason: String,
    } = "case_transferred",
    /// Gives what one worker had of the case to a colleague: the name on it and the tasks told.
    HandedOver {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        saw: Vec<ChangeId>,
        from: WorkerId,
        to: WorkerId,
        /// The one who hands over is no longer named on the case.
        leaves: bool,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tasks: Vec<ChangeId>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    } = "handed_over",
}

impl Body {
    /// Whether this change may be the first of its subject.
    #[must_use]
    pub fn opens(&self) -> bool {
        matches!(self, Self::CaseOpened { .. } | Self::FacilityOpened(_) | Self::ActivityRecorded(_))
    }
    /// The earlier changes that this one is about; until they are there it waits.
    #[must_use]
    pub fn builds_on(&self) -> Vec<ChangeId> {
        match self {
            Self::FactsEdited { edits } => edits.iter().flat_map(|e| e.saw.iter().copied()).collect(),
            Self::GroupEdited(edit) => edit.saw.clone(),
            Self::AssigneeEdited(edit) | Self::ExcludedEdited(edit) => edit.saw.clone(),
            Self::TaskDone { task, .. } => vec![*task],
            Self::ReferralActed { referral, .. } => vec![*referral],
            Self::PlacesCounted { saw, .. } | Self::CaseLinked { saw, .. } | Self::CaseTransferred { saw, .. } => {
                saw.clone()
            }
            Self::HandedOver { saw, tasks, .. } => saw.iter().chain(tasks).copied().collect(),
            Self::PhotoRemoved { photo } => vec![*photo],
            _ => vec![],
        }
    }
    /// Whether it is about a photo: those go last on the wire, for the small picture in one weighs as much as ten notes.
    #[must_use]
    pub fn is_photo(&self) -> bool {
        matches!(self, Self::PhotoAdded(_) | Self::PhotoRemoved { .. })
    }
    /// Another case that this change names: nobody may change who sees that one while this is judged.
    #[must_use]
    pub fn names_case(&self) -> Option<CaseId> {
        if let Self::CaseLinked { other, .. } = self { Some(*other) } else { None }
    }
    /// Whether an emergency is told or asked for: such cases go first on the wire.
    #[must_use]
    pub fn is_emergency(&self) -> bool {
        match self {
            Self::CaseOpened { facts, .. } => {
                facts.iter().any(|f| matches!(f, Fact::Urgency(crate::case::Urgency::Emergency)))
            }
            Self::FactsEdited { edits } => {
                edits.iter().any(|e| matches!(e.fact, Fact::Urgency(crate::case::Urgency::Emergency)))
            }
            Self::ReferralAsked(ask) => ask.kind.is_emergency(),
            _ => false,
        }
    }
}

/// Written once by the office when it accepts a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub received_at: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    #[serde(default)]
    pub fixed: Fixed,
}

/// What the rules of that day decided, so that applying history needs no rules.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fixed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Vec<ChainStep>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dues: Option<Vec<Due>>,
    /// Officers for restricted cases, named automatically.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub officers: Vec<WorkerId>,
    /// When a logged phone report was made, by the office's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// When a referral was written, by the office's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// Another code, because the phone's was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CaseCode>,
    /// What its writer had before their eyes of what the office received: until then, by the office's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
}

/// A change and, once the office has accepted it, its receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub change: Change,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

impl Entry {
    #[must_use]
    pub fn waiting(change: Change) -> Self {
        Self { change, receipt: None }
    }
    #[must_use]
    pub fn received_at(&self) -> Option<Timestamp> {
        self.receipt.as_ref().map(|r| r.received_at)
    }
}

/// Whether what was read of a change is all that its text says about the subject. A member that a newer app has written is
/// passed over by the reader; whoever keeps the change must not acknowledge it and keep less. What is empty says nothing,
/// and what is new around the body concerns the way, not what was told.
#[must_use]
pub fn is_all_of(change: &Change, text: &str) -> bool {
    // Almost always: phones write the very bytes that this version writes.
    let Ok(again) = json::write_text(change) else { return false };
    if again == text {
        return true;
    }
    let read = |text: &str| serde_json::from_str::<Value>(text);
    match (read(text), read(&again)) {
        (Ok(said), Ok(kept)) => keeps(&said["body"], &kept["body"]),
        _ => false,
    }
}

fn keeps(said: &Value, kept: &Value) -> bool {
    match (said, kept) {
        (Value::Object(said), Value::Object(kept)) => {
            said.iter().all(|(name, said)| kept.get(name).map_or_else(|| says_nothing(said), |kept| keeps(said, kept)))
        }
        (Value::Object(said), _) => said.values().all(says_nothing),
        (Value::Array(said), Value::Array(kept)) if said.len() == kept.len() => {
            said.iter().zip(kept).all(|(said, kept)| keeps(said, kept))
        }
        _ => true,
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Whether a change as JSON keeps to the limit of size.
#[must_use]
pub fn fits(json: &str) -> bool {
    json.len() <= limits::CHANGE_BYTES
}
