//! The rules of Cầu Nối: pure, without clock, randomness or I/O.
//!
//! # Glossary
//! - [`Change`]: the one unit of truth, immutable. Everything anybody writes is a change.
//! - [`Parts`]: what a subject (a case, a facility, a village activity) is made of after its changes were applied.
//! - [`Entry`]: a change and, once the office has accepted it, its [`Receipt`].
//! - [`check`] may refuse a change; [`apply`] never does. Phone and office run the same two functions.
//! - [`Field`]: the candidates for one value, normally one. Two that differ are a conflict; nothing decides in silence.
//! - [`LogId`], [`Cursor`]: where changes are counted, and how far a phone has read.
//! - [`Verdict`]: the office's answer to one change. [`Delivery`]: where a change travels, as the person sees it.
//! - [`Notebook`], [`Registry`]: the storage of the phone and of the office, as ports.
//! - [`Reach`], [`Sheet`]: who sees a case, and what a receiving facility may read of it.
//! - [`Referral`], [`Progress`], [`Act`]: what is asked of whom, where it stands, what somebody did to it.
//! - [`Kin`]: cases said to be of one person, and which of them stands in front.
//! - [`Photo`]: what a case knows of a picture; the picture itself travels apart, sealed, after every text.
//! - [`Letter`]: a change sealed to the office, for anybody to carry. [`Slip`]: the office's signed word of what it has.
//! - [`Card`]: one row of a list. [`Briefing`]: what a phone must know besides cases.

pub mod access;
pub mod apply;
pub mod bytes;
pub mod card;
pub mod case;
pub mod catalogue;
pub mod change;
pub mod check;
pub mod consent;
pub mod delivery;
pub mod duty;
pub mod field;
pub mod id;
pub mod json;
pub mod kin;
pub mod laws;
pub mod letter;
pub mod limits;
pub mod map;
pub mod memory;
pub mod notebook;
pub mod office;
pub mod order;
pub mod part;
pub mod person;
pub mod photo;
pub mod place;
pub mod referral;
pub mod registry;
pub mod search;
pub mod sync;
pub mod time;
pub mod wire;
pub mod worker;

pub use access::{Reach, sheet, sheets};
pub use apply::apply;
pub use bytes::Bytes;
pub use card::Card;
pub use case::{
    CaseStatus, Confidentiality, ElementSet, Fact, FactName, Facts, Found, Header, Home, Links, Looked, Point, Source,
    Task, TaskFor, Told, Transfer, Urgency, Visit, members,
};
pub use catalogue::{ClosureReason, GroupCode, ServiceCode, Tile};
pub use change::{BadBody, Body, Change, Dropped, ElementEdit, Entry, Envelope, FieldEdit, Fixed, Receipt};
pub use check::{Actor, Refusal, Rules, Spot, check};
pub use consent::{Consent, ConsentAnswer, ConsentException, ConsentForm, Giver, ShareItem, Sharing};
pub use delivery::Delivery;
pub use field::{Candidate, Field, Protective};
pub use id::{
    ActivityId, BadName, CaseCode, CaseId, ChangeId, DeviceId, FacilityId, LogId, PhotoId, PlaceId, Subject, WorkerId,
};
pub use kin::{Kin, Place as KinPlace};
pub use letter::{Blob, Carried, Inside, Kept, Letter, OfficeKey, Post, PostAnswer, RescueFile, Slip, SlipFile, Stamp};
pub use notebook::{DroppedItem, Notebook, OutboxItem, OutboxState};
pub use office::{Received, receive};
pub use part::{
    Activity, ActivityPart, Facility, FacilityFacts, FreePlaces, Part, PartKey, Parts, Sheet, TaskPart, Trail,
    TrailEntry, TrailWhat, VisitPart, Written,
};
pub use person::{DocumentKind, IdWarning, IdentityDocument, Invalid, PersonName, Phone, Sex};
pub use photo::{Photo, PhotoConsent, PhotoPart, PhotoStanding, Picture};
pub use place::{Place, PlaceKind, Places};
pub use referral::{
    Act, ActRecord, Action, ChainStep, DecideError, DecisionDocument, Due, Level, Papers, Progress, Receiver, Referral,
    ReferralAsk, ReferralKind, ReferralStatus, Side,
};
pub use registry::{Registry, Session};
pub use time::{Day, PartialDate, TimeLimit, Timestamp, working_days_between};
pub use wire::{
    ApiError, Briefing, Cursor, EmergencyNumber, LoggedIn, Page, PartRow, PullAnswer, PullRequest, PushBatch, PutAway,
    SubjectPage, Verdict,
};
pub use worker::{Address, Colleague, Grant, Role, Worker};

/// A store could not do what it must: the disk is full, the handle is dead, the content is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("no space is left")]
    Full,
    #[error("the store is closed and must be opened again")]
    Closed,
    #[error("written by a newer version of the app")]
    Newer,
    #[error("what is stored cannot be read")]
    Damaged,
    #[error("the store failed")]
    Failed,
}

impl StoreError {
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Closed | Self::Failed => true,
            Self::Full | Self::Newer | Self::Damaged => false,
        }
    }
}
