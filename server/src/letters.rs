//! Letters and slips at the office's doors: how many somebody may bring, what comes in a file, and the office's signed word
//! for what it has. It knows callers, files and hashes; what is in a letter is the registry's.

use std::net::IpAddr;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use axum::http::HeaderValue;
use domain::{
    ApiError, Bytes, ChangeId, DeviceId, Kept, PhotoId, PhotoStanding, Post, RescueFile, Slip, Stamp, Timestamp,
    WorkerId, json, limits,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::config::Store;
use crate::database::now_ms;
use crate::keys::OfficeKeys;
use crate::registry::SqlRegistry;
use crate::tally::Tally;

/// Letters of one line within a minute: a courier with a village's week behind them is through in one; each costs the
/// office two operations on a curve.
const LETTERS: usize = 400;
/// Those of them that nobody's key has proved: of an honest phone there are few, and beside it somebody else may sit.
const UNPROVED: usize = 200;
/// Calls of the same without any letter.
const EMPTY: usize = 60;

/// How much each line brought within the minute.
#[derive(Debug, Default)]
pub struct Gate(Tally<Brought>);

#[derive(Debug, Default)]
struct Brought {
    empty: usize,
    letters: usize,
    unproved: usize,
}

impl Gate {
    /// # Errors
    /// [`ApiError::TooMany`] with the seconds to wait; nothing of the call is looked at.
    pub fn pass(&self, address: IpAddr, letters: usize, now: Instant) -> Result<(), ApiError> {
        self.0.with(address, now, |brought, seconds| {
            brought.letters += letters;
            brought.empty += usize::from(letters == 0);
            let is_open = match letters {
                // What brings nothing keeps nobody out who brings something.
                0 => brought.empty <= EMPTY,
                _ => brought.letters <= LETTERS && brought.unproved <= UNPROVED,
            };
            if is_open { Ok(()) } else { Err(ApiError::TooMany { seconds }) }
        })
    }

    pub fn note_unproved(&self, address: IpAddr, letters: usize, now: Instant) {
        self.0.with(address, now, |brought, _| brought.unproved += letters);
    }
}

/// What a slip says of a change as it was pushed; `None` if it does not even say its name.
#[must_use]
pub fn sum(text: &str) -> Option<Kept> {
    #[derive(Deserialize)]
    struct Named {
        id: ChangeId,
    }
    let Named { id } = serde_json::from_str(text).ok()?;
    Some(Kept { id, sum: Some(Bytes(Sha256::digest(text).to_vec())), mark: None })
}

/// The head of an answer to a push, unless nothing of it was kept.
#[must_use]
pub fn stamp(
    keys: &OfficeKeys,
    worker: WorkerId,
    device: DeviceId,
    kept: Vec<Kept>,
    now: Timestamp,
) -> Option<HeaderValue> {
    if kept.is_empty() {
        return None;
    }
    let Slip { key, at, sig, .. } = keys.slip(Some((worker, device)), kept, now);
    HeaderValue::from_str(&json::write_text(&Stamp { key, at, sig }).ok()?).ok()
}

/// `server accept FILE`: takes the letters of a rescue file.
#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
pub async fn accept(store: &Store, file: &Path) -> Result<()> {
    let staff = store.open(false).await?;
    let said = || format!("{} is no rescue file", file.display());
    let size = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    if size > limits::RESCUE_BYTES as u64 {
        bail!("{}: larger than any phone writes one", said());
    }
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let rescue: RescueFile = json::read(&bytes).ok().with_context(said)?;
    if rescue.v > RescueFile::V {
        bail!("{} was written by a newer version: update this program first", file.display());
    }
    let registry = SqlRegistry::start(staff);
    let (all, mut kept) = (rescue.letters.len(), 0);
    for letters in rescue.letters.chunks(limits::POST_LETTERS) {
        let post = Post { letters: letters.to_vec() };
        let answer =
            registry.take_post(&post, Timestamp(now_ms())).await.context("the letters could not be written")?;
        kept += answer.kept.iter().filter(|kept| **kept).count();
    }
    println!("{kept} of {all} letters arrived; what arrived before counts too.");
    let (photos, whole) = put_photos(&registry, &rescue).await?;
    if photos > 0 {
        println!("{whole} of {photos} photos arrived.");
    }
    if whole < photos {
        bail!("{} photos are of no change that arrived, or were altered: keep the file", photos - whole);
    }
    if kept < all {
        bail!("{} letters are not of a device of this office, or were altered: keep the file", all - kept);
    }
    Ok(())
}

/// Takes the photos of a rescue file: how many it holds, and how many are here whole.
async fn put_photos(registry: &SqlRegistry, rescue: &RescueFile) -> Result<(usize, usize)> {
    let (mut photos, mut whole) = (0, 0);
    for blob in rescue.blobs.iter().filter(|blob| blob.kind == "photo") {
        photos += 1;
        let Ok(photo) = blob.id.parse::<PhotoId>() else { continue };
        let bytes = u32::try_from(blob.bytes.0.len()).unwrap_or(u32::MAX);
        let mut standing = registry.put_photo(photo, 0, &[], Timestamp(now_ms())).await?;
        let mut pieces = 0..=bytes / limits::PHOTO_CHUNK_BYTES;
        while let (PhotoStanding::Has { bytes: has }, Some(_)) = (standing, pieces.next()) {
            let (start, end) = domain::photo::next_chunk(bytes, has, limits::PHOTO_CHUNK_BYTES);
            let piece = &blob.bytes.0[start as usize..end as usize];
            standing = registry.put_photo(photo, start, piece, Timestamp(now_ms())).await?;
        }
        whole += usize::from(matches!(standing, PhotoStanding::Complete | PhotoStanding::Removed));
    }
    Ok((photos, whole))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tally::MINUTE;

    #[test]
    fn an_address_that_brings_too_much_waits_and_others_do_not() {
        let (gate, start) = (Gate::default(), Instant::now());
        let (courier, other) = (IpAddr::from([203, 0, 113, 7]), IpAddr::from([203, 0, 113, 8]));
        for _ in 0..20 {
            assert_eq!(gate.pass(courier, 20, start), Ok(()));
        }
        let soon = start + Duration::from_secs(50);
        assert_eq!(gate.pass(courier, 1, soon), Err(ApiError::TooMany { seconds: 11 }));
        assert_eq!(gate.pass(other, 20, soon), Ok(()));
        assert_eq!(gate.pass(courier, 20, start + MINUTE), Ok(()), "the next minute");
        for _ in 0..60 {
            assert_eq!(gate.pass(courier, 0, start + MINUTE), Ok(()));
        }
        assert!(gate.pass(courier, 0, start + MINUTE).is_err(), "empty calls count too");
        assert_eq!(gate.pass(courier, 20, start + MINUTE), Ok(()), "and keep no letter out");
        gate.note_unproved(courier, 201, start + MINUTE);
        assert!(gate.pass(courier, 1, start + MINUTE).is_err(), "nobody tries keys for ever");
    }
}
