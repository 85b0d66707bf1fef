//! Letters: single changes, sealed to the office and signed by their device, that anybody may carry; and slips, the office's
//! signed word of what it has. It knows what is sealed and signed, byte by byte; sealing and signing are for others.

use serde::{Deserialize, Serialize};

use crate::{
    bytes::Bytes,
    change::Envelope,
    id::{ChangeId, DeviceId, WorkerId},
    json::Raw,
    limits,
    time::Timestamp,
};

/// The public halves of an office's keys. The same on every server of an office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeKey {
    /// Names both.
    pub id: String,
    /// To which letters are sealed: a point of P-256, uncompressed, 65 bytes.
    pub letters: Bytes,
    /// By which slips are verified: Ed25519, 32 bytes.
    pub receipts: Bytes,
}

/// One change of one person on one device, for the office's eyes only.
///
/// Sealed by HPKE (RFC 9180) in base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, with [`Letter::INFO`] as
/// info and [`Letter::about`] as additional data. Signed by ECDSA, P-256, SHA-256, over [`Letter::signed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    pub v: u16,
    /// Of the change inside.
    pub id: ChangeId,
    /// Of the office's key that it is sealed to.
    pub key: String,
    /// Whose key signed it.
    pub device: DeviceId,
    /// The encapsulated key: a point of P-256, uncompressed, 65 bytes.
    pub enc: Bytes,
    /// [`Inside`] as JSON, sealed.
    pub ct: Bytes,
    /// 64 bytes: `r` and `s`.
    pub sig: Bytes,
}

/// What a letter holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Inside {
    pub worker: WorkerId,
    /// How far the office's clock was ahead of the phone's when they last met, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead_ms: Option<i64>,
    /// The change in the bytes in which it is pushed.
    pub change: Raw,
}

/// A change as it came in a letter of its writer.
#[derive(Debug, Clone)]
pub struct Carried {
    /// In the bytes in which it would have been pushed.
    pub text: String,
    pub envelope: Envelope,
    /// As [`Inside::ahead_ms`].
    pub ahead_ms: Option<i64>,
}

impl Letter {
    /// The form of letters.
    pub const V: u16 = 1;
    /// What every letter is sealed for.
    pub const INFO: &'static [u8] = b"cau noi letter 1";
    /// Of an uncompressed point.
    pub const POINT_BYTES: usize = 65;
    /// Of a signature.
    pub const SIGNATURE_BYTES: usize = 64;
    /// The length inside is a multiple of this, filled up with blanks: a courier must not tell a long note from a short one.
    pub const STEP: usize = 512;

    /// What is written on the envelope: nobody puts the content of one letter under the name of another.
    #[must_use]
    pub fn about(v: u16, id: ChangeId, key: &str, device: DeviceId) -> String {
        format!("cau noi letter {v} {id} {key} {device}")
    }
    /// What the device signs.
    #[must_use]
    pub fn signed(&self) -> Vec<u8> {
        let about = Self::about(self.v, self.id, &self.key, self.device);
        [about.as_bytes(), &[0], &self.enc.0, &self.ct.0].concat()
    }
    /// `inside` as JSON, filled up.
    ///
    /// # Errors
    /// [`crate::json::Unwritable`].
    pub fn fill(inside: &Inside) -> Result<Vec<u8>, crate::json::Unwritable> {
        let mut text = crate::json::write(inside)?;
        text.resize(text.len().next_multiple_of(Self::STEP), b' ');
        Ok(text)
    }
    /// Whether its pieces have the sizes that they must have.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.v == Self::V
            && self.key.len() <= limits::LABEL_CHARS
            && self.enc.0.len() == Self::POINT_BYTES
            && self.sig.0.len() == Self::SIGNATURE_BYTES
            && self.ct.0.len() <= limits::LETTER_BYTES
    }
    /// What is in a letter that `worker` has proved to have signed, by what was sealed in it: `None` if that speaks of
    /// anybody else, of another device or of another change than the envelope. What the change says is not judged.
    #[must_use]
    pub fn read(&self, worker: WorkerId, plain: &[u8]) -> Option<Carried> {
        let inside: Inside = serde_json::from_slice(plain).ok()?;
        let envelope: Envelope = serde_json::from_str(inside.change.get()).ok()?;
        let is_theirs = inside.worker == worker
            && envelope.author == worker
            && envelope.device == self.device
            && envelope.id == self.id;
        is_theirs.then(|| Carried { text: inside.change.get().to_owned(), envelope, ahead_ms: inside.ahead_ms })
    }
}

/// Letters for the office, of anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    pub letters: Vec<Letter>,
}

/// The office's answer to a post. A courier learns no more than what arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostAnswer {
    /// For each letter, in order: whether the office has its change, now or since before.
    pub kept: Vec<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slip: Option<Slip>,
}

/// One change that the office has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub id: ChangeId,
    /// SHA-256 of the change's JSON as it was pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<Bytes>,
    /// The office's own keyed hash of it: whoever carries a letter must not be able to guess at what is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Bytes>,
}

/// The office's signed word that it has something: whatever happens to it afterwards, it can be held to this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slip {
    /// Of the office's key that signed it.
    pub key: String,
    /// Whose push it answers; nobody's when it answers a post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// By the office's clock.
    pub at: Timestamp,
    pub kept: Vec<Kept>,
    /// Ed25519 over [`Slip::signed`], 64 bytes.
    pub sig: Bytes,
}

/// A slip without what whoever asked knows already: it travels beside the verdicts of a push, in the head
/// [`Stamp::HEADER`], so that every phone ever released reads the answer itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub key: String,
    pub at: Timestamp,
    pub sig: Bytes,
}

impl Stamp {
    /// Where a stamp stands, as JSON.
    pub const HEADER: &'static str = "cn-stamp";

    /// The slip that this stamps.
    #[must_use]
    pub fn on(self, worker: WorkerId, device: DeviceId, kept: Vec<Kept>) -> Slip {
        let Self { key, at, sig } = self;
        Slip { key, worker: Some(worker), device: Some(device), at, kept, sig }
    }
}

impl Slip {
    /// What the office signs: one line for each thing, each in one form only.
    #[must_use]
    pub fn signed(&self) -> Vec<u8> {
        use std::fmt::Write as _;
        let mut text = String::from("cau noi slip 1\n");
        let or_nobody = |id: Option<String>| id.unwrap_or_else(|| "-".to_owned());
        let bytes = |bytes: &Option<Bytes>| or_nobody(bytes.as_ref().map(Bytes::to_string));
        let (worker, device) = (self.worker.map(|id| id.to_string()), self.device.map(|id| id.to_string()));
        let (worker, device) = (or_nobody(worker), or_nobody(device));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {worker} {device} {}", self.key, self.at.0);
        for Kept { id, sum, mark } in &self.kept {
            let _ = writeln!(text, "{id} {} {}", bytes(sum), bytes(mark));
        }
        text.into_bytes()
    }
}

/// The slips of a phone, as a file: what `server check --receipts` reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlipFile {
    pub v: u16,
    pub slips: Vec<Slip>,
}

/// Letters on their way by hand, as a file. Nothing in it can be read by whoever carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescueFile {
    pub v: u16,
    pub letters: Vec<Letter>,
    /// Sealed things that letters speak of, such as photos: they go after them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<Blob>,
}

/// Something sealed that a change speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// What it is, such as `photo`.
    pub kind: String,
    /// Its name there.
    pub id: String,
    pub bytes: Bytes,
}

impl RescueFile {
    pub const V: u16 = 1;
}
impl SlipFile {
    pub const V: u16 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{json, laws::MORNING};

    fn id<T: std::str::FromStr>(n: u8) -> T {
        format!("00000000-0000-7000-8000-0000000000{n:02}").parse().unwrap_or_else(|_| panic!("an id"))
    }

    fn letter() -> Letter {
        Letter {
            v: 1,
            id: id(1),
            key: "9831a6f56e115025".to_owned(),
            device: id(2),
            enc: Bytes(vec![4; 65]),
            ct: Bytes(b"sealed".to_vec()),
            sig: Bytes(vec![9; 64]),
        }
    }

    #[test]
    fn the_wire_keeps_its_words() {
        let text = json::write_text(&letter()).expect("JSON");
        let enc = "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ";
        let sig = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQ";
        assert_eq!(
            text,
            format!(
                concat!(
                    r#"{{"v":1,"id":"00000000-0000-7000-8000-000000000001","key":"9831a6f56e115025","#,
                    r#""device":"00000000-0000-7000-8000-000000000002","enc":"{}","ct":"c2VhbGVk","sig":"{}"}}"#
                ),
                enc, sig
            )
        );
        assert_eq!(json::read::<Letter>(text.as_bytes()), Ok(letter()));
        let inside = Inside { worker: id(3), ahead_ms: Some(-5), change: Raw::of(&7).expect("JSON") };
        let text = Letter::fill(&inside).expect("JSON");
        assert_eq!(text.len(), 512);
        assert_eq!(
            String::from_utf8(text).expect("text").trim_end(),
            r#"{"worker":"00000000-0000-7000-8000-000000000003","ahead_ms":-5,"change":7}"#
        );
        let answer = PostAnswer { kept: vec![true, false], slip: None };
        assert_eq!(json::write_text(&answer).as_deref(), Ok(r#"{"kept":[true,false]}"#));
        let stamp = Stamp { key: "k".to_owned(), at: MORNING, sig: Bytes(vec![1, 2, 3]) };
        assert_eq!(json::write_text(&stamp).as_deref(), Ok(r#"{"key":"k","at":1773018000000,"sig":"AQID"}"#));
        let blob = Blob { kind: "photo".to_owned(), id: "x".to_owned(), bytes: Bytes(vec![255]) };
        let file = RescueFile { v: 1, letters: vec![], blobs: vec![blob] };
        assert_eq!(
            json::write_text(&file).as_deref(),
            Ok(r#"{"v":1,"letters":[],"blobs":[{"kind":"photo","id":"x","bytes":"_w"}]}"#)
        );
        assert_eq!(json::read(br#"{"v":1,"letters":[]}"#), Ok(RescueFile { v: 1, letters: vec![], blobs: vec![] }));
    }

    /// These bytes are signed: an office or a phone of tomorrow must find the same ones.
    #[test]
    fn what_is_signed_never_changes() {
        let signed = letter().signed();
        let head = "cau noi letter 1 00000000-0000-7000-8000-000000000001 9831a6f56e115025 \
                    00000000-0000-7000-8000-000000000002\0";
        assert_eq!(&signed[..head.len()], head.as_bytes());
        assert_eq!(&signed[head.len()..], [&[4; 65][..], b"sealed"].concat());
        let kept = vec![
            Kept { id: id(1), sum: Some(Bytes(vec![1])), mark: None },
            Kept { id: id(4), sum: None, mark: Some(Bytes(vec![2])) },
        ];
        let stamp = Stamp { key: "k".to_owned(), at: MORNING, sig: Bytes(vec![]) };
        let slip = stamp.on(id(3), id(2), kept);
        assert_eq!(
            String::from_utf8(slip.signed()).expect("text"),
            "cau noi slip 1\nk 00000000-0000-7000-8000-000000000003 00000000-0000-7000-8000-000000000002 1773018000000\n\
             00000000-0000-7000-8000-000000000001 AQ -\n00000000-0000-7000-8000-000000000004 - Ag\n"
        );
        let of_a_post = Slip { worker: None, device: None, kept: vec![], ..slip };
        assert_eq!(String::from_utf8(of_a_post.signed()).expect("text"), "cau noi slip 1\nk - - 1773018000000\n");
    }

    #[test]
    fn a_letter_of_wrong_sizes_does_not_fit() {
        assert!(letter().fits());
        let wrong = [
            Letter { v: 2, ..letter() },
            Letter { enc: Bytes(vec![4; 33]), ..letter() },
            Letter { sig: Bytes(vec![9; 70]), ..letter() },
            Letter { ct: Bytes(vec![0; limits::LETTER_BYTES + 1]), ..letter() },
            Letter { key: "k".repeat(201), ..letter() },
        ];
        assert!(wrong.iter().all(|letter| !letter.fits()));
    }

    #[test]
    fn a_letter_speaks_of_its_writer_its_device_and_its_change_alone() {
        let pen = crate::laws::Pen::new(id(3), 2);
        let change = pen.open("a1", None, vec![]);
        let text = json::write_text(&change).expect("JSON");
        let plain = |worker, text: &str| {
            let change = serde_json::from_str(text).expect("JSON");
            Letter::fill(&Inside { worker, ahead_ms: Some(-5), change }).expect("JSON")
        };
        let envelope = Letter { id: change.id, device: pen.device, ..letter() };
        let read = envelope.read(pen.worker, &plain(pen.worker, &text)).expect("it is theirs");
        assert_eq!((read.text.as_str(), read.ahead_ms), (text.as_str(), Some(-5)));
        assert_eq!(read.envelope.open(), Ok(change.clone()));

        let (own, other): (Vec<u8>, WorkerId) = (plain(pen.worker, &text), id(4));
        let is_read = |letter: &Letter, worker, plain: &[u8]| letter.read(worker, plain).is_some();
        assert!(!is_read(&envelope, other, &own), "signed by somebody else, who did not write it");
        assert!(!is_read(&envelope, other, &plain(other, &text)), "somebody else's name around it");
        assert!(!is_read(&envelope, pen.worker, &plain(other, &text)), "and the other way round");
        assert!(!is_read(&Letter { id: id(9), ..envelope.clone() }, pen.worker, &own), "another change's envelope");
        assert!(!is_read(&Letter { device: id(9), ..envelope.clone() }, pen.worker, &own), "another device's");
        assert!(!is_read(&envelope, pen.worker, b"{}") && !is_read(&envelope, pen.worker, b""));
    }

    #[test]
    fn the_largest_change_fits_into_a_letter_and_a_letter_into_a_post() {
        let most = limits::CHANGE_BYTES + 2 * Letter::STEP + 16;
        assert!(most <= limits::LETTER_BYTES);
        const { assert!(limits::LETTER_BYTES * 4 / 3 + 1_024 <= limits::POST_BYTES) };
    }
}
