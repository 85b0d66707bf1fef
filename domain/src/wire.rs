//! What phone and office say to each other. Types here grow by optional fields only; each has a snapshot test.

use serde::{Deserialize, Serialize};

use crate::{
    bytes::Bytes,
    change::Receipt,
    check::Refusal,
    id::{ChangeId, DeviceId, LogId, PlaceId, Subject, WorkerId},
    json::Raw,
    letter::OfficeKey,
    map::Map,
    part::{Part, PartKey},
    person::{PersonName, Phone},
    place::Place,
    time::Timestamp,
    worker::{Address, Colleague, Grant, Worker},
};

/// Changes of one person on one device. The order of the list is the order of the outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushBatch {
    pub v: u16,
    pub worker: WorkerId,
    pub device: DeviceId,
    /// What the phone's clock said when it sent this: by the difference to the office's own clock a time that counts, such
    /// as that of a phone report, is put right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// Each read by itself: one that cannot be read delays only what builds on it.
    pub changes: Vec<Raw>,
}

/// The office's answer to one change, in the order of the batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Accepted {
        at: Timestamp,
    },
    AlreadyKnown {
        at: Timestamp,
    },
    /// Kept; what it builds on is not there yet. Retried by itself.
    Waiting {
        at: Timestamp,
        on: ChangeId,
    },
    Refused {
        why: Refusal,
    },
    /// Kept; somebody with the right to must read it.
    Quarantined {
        at: Timestamp,
        /// Somebody has read it and left it out of its case; every word is still there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        put_away: Option<PutAway>,
    },
}

/// What was decided about a change that was set aside: told to its writer's phone when that offers the change again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutAway {
    pub at: Timestamp,
    pub reason: String,
}

/// Where a phone stands in a log. The mark names the log up to `seq`, see [`crate::office::mark`]: if the office does not
/// find it there, it was restored from a backup and the log is pulled anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub seq: u64,
    pub mark: ChangeId,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PullRequest {
    pub v: u16,
    pub worker: WorkerId,
    pub device: DeviceId,
    /// Logs the phone knows of with its place in each; the office adds those it does not know of.
    pub cursors: Map<LogId, Option<Cursor>>,
    /// Tag of the briefing the phone has.
    #[serde(default)]
    pub briefing: String,
    /// The public half of the key by which this device signs its letters: a point of P-256, uncompressed, 65 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Bytes>,
    /// The phone reads cases in their short form too, see [`PullAnswer::shorten`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub short: bool,
}

/// Somebody who has just logged in, and what their phone needs before it first saves anything. Read as a [`Worker`] by
/// phones that know no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedIn {
    pub id: WorkerId,
    pub name: PersonName,
    #[serde(default)]
    pub address: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    #[serde(default)]
    pub grants: Vec<Grant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<OfficeKey>,
}

impl LoggedIn {
    #[must_use]
    pub fn new(worker: Worker, office: Option<OfficeKey>) -> Self {
        let Worker { id, name, address, phone, grants } = worker;
        Self { id, name, address, phone, grants, office }
    }
    #[must_use]
    pub fn split(self) -> (Worker, Option<OfficeKey>) {
        let Self { id, name, address, phone, grants, office } = self;
        (Worker { id, name, address, phone, grants }, office)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PullAnswer {
    pub now: Timestamp,
    pub pages: Vec<Page>,
    /// About how many subjects more have changed behind these pages; for a progress bar, nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<u64>,
    /// Present when the phone's is old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub briefing: Option<Briefing>,
}

impl PullAnswer {
    /// To be called just before it is written as JSON: cases take their short form, see [`crate::Header::shorten`].
    pub fn shorten(&mut self) {
        for row in self.pages.iter_mut().flat_map(|page| &mut page.subjects).flat_map(|on_page| &mut on_page.parts) {
            if let Part::Header(header) = &mut row.part {
                header.shorten();
            }
        }
    }
    /// Whether a phone that speaks version `v` can read all of it; otherwise it must be updated first.
    #[must_use]
    pub fn is_readable_by(&self, v: u16) -> bool {
        let subjects = self.pages.iter().flat_map(|page| &page.subjects);
        subjects.flat_map(|s| s.parts.iter().map(|row| &row.key).chain(&s.gone)).all(|key| key.since() <= v)
    }
}

/// Parts of one log that changed after the cursor, as far as the worker may see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub log: LogId,
    /// The phone's mark was not found: forget what came from this log and take it anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<SubjectPage>,
    /// Changes of this device that lie within the page: their effect is in the parts now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<(ChangeId, Receipt)>,
    /// `None` while the log is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
    /// There is more behind `next`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// What changed of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectPage {
    pub subject: Subject,
    /// All that was known of the subject before is replaced; with no parts: the phone forgets it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// Position of each part in its own log: an older one never replaces a newer one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartRow>,
    /// Parts that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<PartKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRow {
    pub key: PartKey,
    pub seq: u64,
    pub part: Part,
}

/// What a phone must know besides cases: who its person is, the places and colleagues around them, numbers to call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Briefing {
    /// Names this content; unchanged content has the same tag.
    pub tag: String,
    pub worker: Worker,
    pub places: Vec<Place>,
    pub colleagues: Vec<Colleague>,
    /// Officers for restricted cases by place.
    #[serde(default)]
    pub officers: Map<PlaceId, Vec<WorkerId>>,
    pub numbers: Vec<EmergencyNumber>,
    /// To which letters are sealed; old offices have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<OfficeKey>,
}

/// A number to call in an emergency; without a commune it holds everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyNumber {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commune: Option<PlaceId>,
    pub kind: String,
    pub name: String,
    pub phone: Phone,
}

/// Why the office did not answer as asked. The status of the HTTP answer follows from it. As JSON `"signed_out"` or
/// `{"too_many":{"seconds":30}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ApiError {
    /// 401: no session of the person named, or it has ended. Nothing was written.
    #[error("log in again")]
    SignedOut,
    /// 401: name and password do not belong together.
    #[error("wrong name or password")]
    WrongPassword,
    /// 403.
    #[error("not allowed")]
    Forbidden,
    /// 400: not what this door takes.
    #[error("bad request")]
    BadRequest,
    /// 413: halve the batch.
    #[error("too large")]
    TooLarge,
    /// 429, with the seconds to wait.
    #[error("too many attempts, wait {seconds} s")]
    TooMany { seconds: u32 },
    /// 426: this app is too old to read what the office has. Pushing still works.
    #[error("the app must be updated")]
    UpdateNeeded,
    /// 503: try again later; nothing was written.
    #[error("unavailable")]
    Unavailable,
    /// No answer: no network, cut, timed out. Made on the phone, never sent.
    #[error("no connection")]
    NoConnection,
}

impl ApiError {
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::SignedOut | Self::WrongPassword => 401,
            Self::Forbidden => 403,
            Self::BadRequest => 400,
            Self::TooLarge => 413,
            Self::TooMany { .. } => 429,
            Self::UpdateNeeded => 426,
            Self::Unavailable | Self::NoConnection => 503,
        }
    }
    /// Whether the same request may succeed later without anybody doing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TooMany { .. } | Self::Unavailable | Self::NoConnection => true,
            Self::SignedOut
            | Self::WrongPassword
            | Self::Forbidden
            | Self::BadRequest
            | Self::TooLarge
            | Self::UpdateNeeded => false,
        }
    }
}
