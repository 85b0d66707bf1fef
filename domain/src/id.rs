//! Names of things: opaque ids, place codes, logs and subjects; it knows how they are written, not what they stand for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Text that is not the name of anything: not a UUID, not a place code, not a log or subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a name this program knows")]
pub struct BadName;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}({})", stringify!($name), self.0) }
        }
        impl FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> { Uuid::parse_str(text).map(Self).map_err(|_| BadName) }
        }
    )*};
}

uuid_id! {
    /// A change; UUIDv7 made on the device that wrote it. Never used for order.
    ChangeId;
    /// A case: one person who is helped, and everything written about them.
    CaseId;
    /// A facility or service that receives people.
    FacilityId;
    /// A village activity: an anonymous contact, a group session.
    ActivityId;
    /// Somebody who works with the app.
    WorkerId;
    /// One installation of the app for one person.
    DeviceId;
    /// A photo: 128 random bits. Whoever knows them may send or ask for nothing but its sealed bytes.
    PhotoId;
}

impl ChangeId {
    /// No change: what stands in JSON for a change that is named elsewhere.
    pub(crate) const NONE: Self = Self(Uuid::nil());

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::NONE
    }
    /// A UUIDv7 (RFC 9562 §5.7) from milliseconds since 1970 and ten random bytes of the caller.
    #[must_use]
    pub fn at(unix_ms: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
    }
}

macro_rules! text_serde {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(<D::Error as serde::de::Error>::custom)
            }
        }
    };
}
pub(crate) use text_serde;

/// Code of a place, as the national list writes it (`05977`) or the demo does (`ban-may`): 1 to 24 of `A-Z a-z 0-9 -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceId(Box<str>);

impl PlaceId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlaceId {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let lawful = (1..=24).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if lawful { Ok(Self(text.into())) } else { Err(BadName) }
    }
}
impl fmt::Display for PlaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for PlaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlaceId({})", self.0)
    }
}
text_serde!(PlaceId);

/// A sequence of changes with one gap-free counter. Subjects live in place logs; a worker's log says what they now see or
/// no longer see; a facility's log holds the sheets addressed to it.
///
/// ```
/// # use domain::LogId;
/// let log: LogId = "place:05977".parse().unwrap();
/// assert_eq!(log.to_string(), "place:05977");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogId {
    /// A commune's cases and village activities, or the province's facilities.
    Place(PlaceId),
    Worker(WorkerId),
    Facility(FacilityId),
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(id) => write!(f, "place:{id}"),
            Self::Worker(id) => write!(f, "worker:{id}"),
            Self::Facility(id) => write!(f, "facility:{id}"),
        }
    }
}
impl FromStr for LogId {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        match text.split_once(':') {
            Some(("place", id)) => Ok(Self::Place(id.parse()?)),
            Some(("worker", id)) => Ok(Self::Worker(id.parse()?)),
            Some(("facility", id)) => Ok(Self::Facility(id.parse()?)),
            _ => Err(BadName),
        }
    }
}
text_serde!(LogId);

/// What a change is about. Each subject lives for ever in the log where it was born.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Case(CaseId),
    Facility(FacilityId),
    Activity(ActivityId),
}

impl Subject {
    #[must_use]
    pub fn case(self) -> Option<CaseId> {
        if let Self::Case(id) = self { Some(id) } else { None }
    }
}
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Case(id) => write!(f, "case:{id}"),
            Self::Facility(id) => write!(f, "facility:{id}"),
            Self::Activity(id) => write!(f, "activity:{id}"),
        }
    }
}
impl FromStr for Subject {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        match text.split_once(':') {
            Some(("case", id)) => Ok(Self::Case(id.parse()?)),
            Some(("facility", id)) => Ok(Self::Facility(id.parse()?)),
            Some(("activity", id)) => Ok(Self::Activity(id.parse()?)),
            _ => Err(BadName),
        }
    }
}
text_serde!(Subject);

/// The six characters by which a case is written on paper and said on the phone; letters that look or sound alike are
/// left out. Made on the phone; when two phones made the same one the office gives the later case another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseCode(Box<str>);

impl CaseCode {
    /// The characters a code is made of.
    pub const ALPHABET: &[u8; 22] = b"ACDEFGHKMNPRTVWXY34679";

    /// A code from six random bytes. The slight bias of the remainder does not matter: a code is a name, not a secret.
    #[must_use]
    pub fn from_random(random: [u8; 6]) -> Self {
        Self(random.iter().map(|b| char::from(Self::ALPHABET[usize::from(*b) % Self::ALPHABET.len()])).collect())
    }
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl FromStr for CaseCode {
    type Err = BadName;
    /// Spaces are dropped and small letters read as capitals, as people type what they hear.
    fn from_str(text: &str) -> Result<Self, BadName> {
        let code: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        let lawful = code.len() == 6 && code.bytes().all(|b| Self::ALPHABET.contains(&b));
        if lawful { Ok(Self(code.into())) } else { Err(BadName) }
    }
}
impl fmt::Display for CaseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for CaseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseCode({})", self.0)
    }
}
text_serde!(CaseCode);
