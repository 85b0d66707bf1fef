//! A photo as its case knows it: name, key, size, hash and a small picture. It knows no pixel of the photo itself, which
//! travels apart, sealed, after every text.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    case::{Header, Urgency},
    consent::ConsentAnswer,
    id::{BadName, ChangeId, PhotoId, text_serde},
    limits,
    part::Written,
    person::{Invalid, text},
    time::Timestamp,
};

/// What a photo is after it was shrunk. Nothing else is ever shown, so that no other kind of file is taken for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Picture {
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/webp")]
    Webp,
}

impl Picture {
    /// The media type (RFC 2046, RFC 9649).
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
}

/// Thirty-two bytes, written as 64 small hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bytes32(pub [u8; 32]);

impl fmt::Display for Bytes32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
impl fmt::Debug for Bytes32 {
    /// It may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bytes32(…)")
    }
}
impl FromStr for Bytes32 {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let digits = text.as_bytes();
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return Err(BadName);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let digit = |digit: u8| match digit {
                b'0'..=b'9' => Ok(digit - b'0'),
                b'a'..=b'f' => Ok(digit - b'a' + 10),
                _ => Err(BadName),
            };
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}
text_serde!(Bytes32);

/// What a change says of a photo: enough to open it, to know it again, and to show that it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    pub photo: PhotoId,
    /// Of AES-256-GCM, for this photo only. It is nowhere but in the change and in what is made of it.
    pub key: Bytes32,
    /// How it is sealed. 1: the form as one byte, a nonce of 12 bytes, cipher text, tag of 16 bytes; additional data is
    /// `photo/`, the id, `/` and the form's byte.
    pub form: u8,
    /// SHA-256 of everything that is sent: form, nonce, cipher text and tag.
    pub sha256: Bytes32,
    /// Length of the same.
    pub bytes: u32,
    pub mime: Picture,
    pub width: u16,
    pub height: u16,
    /// A picture of the same kind in Base64 (RFC 4648 §4), at most [`limits::THUMBNAIL_BYTES`] before.
    pub thumbnail: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caption: String,
    /// By the phone's clock; `None` for a picture that was chosen from a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// The visit at which it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<ChangeId>,
}

/// The one form in which photos are sealed today.
pub const FORM: u8 = 1;
/// What sealing adds: form, nonce, tag.
pub const SEALING_BYTES: u32 = 1 + 12 + 16;

impl Photo {
    /// Whether its sizes are lawful, whatever case it belongs to: what the office makes room for.
    ///
    /// # Errors
    /// [`Invalid::OutOfRange`] for sizes, [`Invalid::UnknownCode`] for a form nobody knows, [`Invalid::TooLong`] or
    /// [`Invalid::BadCharacter`] for thumbnail and caption.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.form != FORM {
            return Err(Invalid::UnknownCode);
        }
        let sides = [self.width, self.height];
        let most = limits::PHOTO_BYTES + SEALING_BYTES;
        if !(SEALING_BYTES + 1..=most).contains(&self.bytes)
            || sides.iter().any(|side| !(1..=limits::PHOTO_SIDE).contains(side))
        {
            return Err(Invalid::OutOfRange);
        }
        let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        if self.thumbnail.is_empty() || !self.thumbnail.bytes().all(is_base64) {
            return Err(Invalid::BadCharacter);
        }
        if self.thumbnail.len() > limits::THUMBNAIL_BYTES.div_ceil(3) * 4 {
            return Err(Invalid::TooLong);
        }
        text(&self.caption, limits::LABEL_CHARS).map(drop)
    }
    /// The thumbnail as an address that a page can show.
    #[must_use]
    pub fn thumbnail_url(&self) -> String {
        format!("data:{};base64,{}", self.mime.mime(), self.thumbnail)
    }
}

/// A photo of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoPart {
    pub written: Written,
    pub photo: Photo,
}

/// Whether a photo may be added to a case, by what its person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoConsent {
    Agreed,
    /// Nobody asked, or nobody could: it is kept, and marked until somebody has asked.
    NotAsked,
    /// The person refused to be recorded or took their consent back.
    Refused,
}

impl PhotoConsent {
    /// While people disagree about the consent, the more protective answer counts. Whoever cannot say who they are, in an
    /// emergency, is photographed so that somebody may recognise them, whatever they answered about being recorded; not
    /// after their consent was taken back.
    #[must_use]
    pub fn of(header: &Header) -> Self {
        let Some(consent) = header.facts.consent.safest() else { return Self::NotAsked };
        let must_be_found = header.urgency() == Urgency::Emergency && header.name().is_none();
        if consent.withdrawn.is_some() || (consent.answer == ConsentAnswer::Refused && !must_be_found) {
            Self::Refused
        } else if consent.photos && consent.answer == ConsentAnswer::Agreed {
            Self::Agreed
        } else {
            Self::NotAsked
        }
    }
}

/// How much of a photo the office has. Whoever knows a photo's name may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotoStanding {
    /// No change that the office keeps speaks of it; perhaps it comes.
    Unknown,
    /// So many bytes from its beginning; 0 again after a whole photo that was not what had been announced.
    Has { bytes: u32 },
    /// All of it, and it is what was announced.
    Complete,
    /// It was taken away from its case: nothing of it is kept.
    Removed,
}

/// The next piece to send of a photo of `bytes` bytes of which the office has `has`, on a line on which pieces of at most
/// `most` bytes arrive: from where to where.
#[must_use]
pub fn next_chunk(bytes: u32, has: u32, most: u32) -> (u32, u32) {
    let most = most.clamp(limits::PHOTO_CHUNK_LEAST, limits::PHOTO_CHUNK_BYTES);
    (has.min(bytes), has.saturating_add(most).min(bytes))
}
