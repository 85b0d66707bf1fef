//! Sealed photos: what a change has announced, the bytes that came of it, and who may have them back. It knows sizes and
//! hashes; no key, so no picture.
//!
//! They lie in the database and not in files beside it: one commit covers an announcement, a piece and what follows from
//! the last piece, so that a killed process leaves nothing half done; several servers need no disk in common; and a backup
//! holds them without being told to.

use anyhow::{Context, Result};
use domain::office::Announced;
use domain::{
    ApiError, Body, Change, ChangeId, LogId, Parts, Photo, PhotoId, PhotoStanding, Reach, Subject, Timestamp, WorkerId,
    limits,
};
use sha2::{Digest, Sha256};

use super::aside::Reads;
use crate::database::{self, Connection, Tries};
use crate::staff::Staff;

const DAY_MS: i64 = 86_400_000;

/// Makes room for the photo of a change that the office keeps: accepted, waiting or set aside. What is not lawful by
/// itself gets none.
pub(super) async fn announce(connection: &mut Connection, change: &Change, now: Timestamp) -> Result<()> {
    let Body::PhotoAdded(photo) = &change.body else { return Ok(()) };
    if photo.check().is_err() {
        return Ok(());
    }
    // Whoever announces the same name again, with whatever else, changes nothing about the first.
    sqlx::query(
        "insert into photo (photo, log, subject, change_id, author, bytes, sha256, announced_at, received, spoiled)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0) on conflict do nothing",
    )
    .bind(photo.photo.to_string())
    .bind(change.log.to_string())
    .bind(change.subject.to_string())
    .bind(change.origin().to_string())
    .bind(change.author.to_string())
    .bind(i64::from(photo.bytes))
    .bind(&photo.sha256.0[..])
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Where a photo was announced: what nobody else may announce again.
pub(super) async fn announced(connection: &mut Connection, photo: PhotoId) -> Result<Option<Announced>> {
    let row = sqlx::query_as::<_, (String, String, String, String)>(
        "select log, subject, change_id, author from photo where photo = $1",
    )
    .bind(photo.to_string())
    .fetch_optional(connection)
    .await?;
    let Some((log, subject, origin, author)) = row else { return Ok(None) };
    let (log, subject, origin, author) = (log.parse()?, subject.parse()?, origin.parse()?, author.parse()?);
    Ok(Some(Announced { log, subject, origin, author }))
}

/// Empties what `change` takes away: the photo that `announced` spoke of; `before`: the parts of its case as they stood.
/// Where a name stands for a photo of something else, nothing is touched.
pub(super) async fn remove(
    connection: &mut Connection,
    before: &Parts,
    change: &Change,
    announced: ChangeId,
    now: Timestamp,
) -> Result<()> {
    let Some(part) = before.photos().find(|part| part.written.id == announced) else { return Ok(()) };
    let name = part.photo.photo.to_string();
    let removed = sqlx::query(
        "update photo set removed_at = $2, received = 0, complete_at = null
         where photo = $1 and removed_at is null and log = $3 and subject = $4 and change_id = $5",
    )
    .bind(&name)
    .bind(now.0)
    .bind(change.log.to_string())
    .bind(change.subject.to_string())
    .bind(announced.to_string())
    .execute(&mut *connection)
    .await?;
    if removed.rows_affected() == 1 {
        sqlx::query("delete from photo_chunk where photo = $1").bind(&name).execute(connection).await?;
    }
    Ok(())
}

/// A photo as its row tells of it.
struct Row {
    bytes: u32,
    sha256: Vec<u8>,
    received: u32,
    author: String,
    standing: PhotoStanding,
}

async fn find(connection: &mut Connection, photo: PhotoId) -> Result<Option<Row>> {
    type Columns = (i64, Vec<u8>, i64, String, Option<i64>, Option<i64>);
    let row = sqlx::query_as::<_, Columns>(
        "select bytes, sha256, received, author, complete_at, removed_at from photo where photo = $1",
    )
    .bind(photo.to_string())
    .fetch_optional(connection)
    .await?;
    let Some((bytes, sha256, received, author, complete_at, removed_at)) = row else { return Ok(None) };
    let (bytes, received) = (u32::try_from(bytes)?, u32::try_from(received)?);
    let standing = match (removed_at, complete_at) {
        (Some(_), _) => PhotoStanding::Removed,
        (None, Some(_)) => PhotoStanding::Complete,
        (None, None) => PhotoStanding::Has { bytes: received },
    };
    Ok(Some(Row { bytes, sha256, received, author, standing }))
}

/// Takes the bytes of a photo from `start` on; without any it only says how much there is. The same piece again, or one
/// from elsewhere in the photo, changes nothing: the answer says where to go on.
///
/// # Errors
/// [`ApiError::BadRequest`] for more than was announced, [`ApiError::TooMany`] for somebody whose photos have filled their
/// day, [`ApiError::Unavailable`].
pub(super) async fn put(
    staff: &Staff,
    photo: PhotoId,
    start: u32,
    piece: &[u8],
    now: Timestamp,
) -> Result<PhotoStanding, ApiError> {
    let mut tries = Tries::default();
    loop {
        match put_once(staff, photo, start, piece, now).await {
            Ok(said) => return said,
            Err(error) if tries.again(&error).await => {}
            Err(error) => {
                tracing::error!("a piece of a photo could not be kept: {error:#}");
                return Err(ApiError::Unavailable);
            }
        }
    }
}

async fn put_once(
    staff: &Staff,
    photo: PhotoId,
    start: u32,
    piece: &[u8],
    now: Timestamp,
) -> Result<Result<PhotoStanding, ApiError>> {
    // Most calls that change nothing are told so without any lock.
    let mut reading = staff.pool.acquire().await?;
    let Some(row) = find(&mut reading, photo).await? else { return Ok(Ok(PhotoStanding::Unknown)) };
    if piece.is_empty() || row.standing != (PhotoStanding::Has { bytes: start }) {
        return Ok(Ok(row.standing));
    }
    let Some(end) = u32::try_from(piece.len()).ok().and_then(|length| start.checked_add(length)) else {
        return Ok(Err(ApiError::BadRequest));
    };
    if end > row.bytes {
        return Ok(Err(ApiError::BadRequest));
    }
    // Asked once a photo, not once a piece.
    if start == 0 {
        let begun = bytes_of_day(&mut reading, photo, &row.author, now).await?;
        if begun + i64::from(row.bytes) > limits::PHOTO_DAY_BYTES {
            return Ok(Err(ApiError::TooMany { seconds: 3_600 }));
        }
    }
    drop(reading);
    let mut transaction = database::begin(&staff.pool).await?;
    // Whoever else sends the same piece waits here, and finds that it is there.
    let moved = sqlx::query(
        "update photo set received = $3, begun_at = coalesce(begun_at, $4)
         where photo = $1 and received = $2 and complete_at is null and removed_at is null",
    )
    .bind(photo.to_string())
    .bind(i64::from(start))
    .bind(i64::from(end))
    .bind(now.0)
    .execute(&mut *transaction)
    .await?;
    if moved.rows_affected() == 0 {
        let row = find(&mut transaction, photo).await?.context("a photo does not vanish")?;
        transaction.rollback().await?;
        return Ok(Ok(row.standing));
    }
    sqlx::query("insert into photo_chunk (photo, start, body) values ($1, $2, $3)")
        .bind(photo.to_string())
        .bind(i64::from(start))
        .bind(piece)
        .execute(&mut *transaction)
        .await?;
    let standing = if end == row.bytes {
        let whole = bytes(&mut transaction, photo).await?;
        finish(&mut transaction, photo, Sha256::digest(&whole)[..] == row.sha256[..], now).await?
    } else {
        PhotoStanding::Has { bytes: end }
    };
    transaction.commit().await?;
    Ok(Ok(standing))
}

/// All bytes are there: they are what was announced, or are thrown away so that somebody may begin anew.
async fn finish(connection: &mut Connection, photo: PhotoId, right: bool, now: Timestamp) -> Result<PhotoStanding> {
    if right {
        sqlx::query("update photo set complete_at = $2 where photo = $1")
            .bind(photo.to_string())
            .bind(now.0)
            .execute(connection)
            .await?;
        return Ok(PhotoStanding::Complete);
    }
    sqlx::query("delete from photo_chunk where photo = $1").bind(photo.to_string()).execute(&mut *connection).await?;
    sqlx::query("update photo set received = 0, spoiled = spoiled + 1 where photo = $1")
        .bind(photo.to_string())
        .execute(connection)
        .await?;
    Ok(PhotoStanding::Has { bytes: 0 })
}

/// What the other photos of a person whose bytes began to come within a day take, or will.
async fn bytes_of_day(connection: &mut Connection, but: PhotoId, author: &str, now: Timestamp) -> Result<i64> {
    let sum = sqlx::query_scalar::<_, i64>(
        "select cast(coalesce(sum(bytes), 0) as bigint) from photo
         where author = $1 and begun_at > $2 and photo <> $3",
    )
    .bind(author)
    .bind(now.0 - DAY_MS)
    .bind(but.to_string())
    .fetch_one(connection)
    .await?;
    Ok(sum)
}

/// The sealed bytes that are there, from the beginning.
pub(crate) async fn bytes(connection: &mut Connection, photo: PhotoId) -> Result<Vec<u8>> {
    let pieces = sqlx::query_scalar::<_, Vec<u8>>("select body from photo_chunk where photo = $1 order by start")
        .bind(photo.to_string())
        .fetch_all(connection)
        .await?;
    Ok(pieces.concat())
}

/// A photo as somebody asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhotoRead {
    /// Sealed; the key is in the part of its case.
    Whole(Vec<u8>),
    /// Announced; whoever took it has not sent all of it yet.
    Awaited,
    /// There is none, or not for this person.
    No,
}

/// The sealed bytes for somebody who sees the case, by the rule that says what a pull brings; and what must be written down
/// before they leave the office.
pub(super) async fn read(
    staff: &Staff,
    worker: WorkerId,
    photo: PhotoId,
    now: Timestamp,
) -> Result<(PhotoRead, Option<Reads>)> {
    let mut snapshot = database::begin_to_read(&staff.pool).await?;
    let roster = staff.roster(&mut snapshot).await?;
    let row = sqlx::query_as::<_, (String, String, Option<String>, Option<i64>)>(
        "select subject.log, subject.subject, subject.reach, photo.complete_at
         from photo join subject on subject.log = photo.log and subject.subject = photo.subject
         where photo.photo = $1 and photo.removed_at is null",
    )
    .bind(photo.to_string())
    .fetch_optional(&mut *snapshot)
    .await?;
    let Some((log, subject, Some(reach), complete_at)) = row else { return Ok((PhotoRead::No, None)) };
    let (log, subject, reach): (LogId, Subject, Reach) =
        (log.parse()?, subject.parse()?, serde_json::from_str(&reach)?);
    if !roster.rules.sees(worker, roster.grants(worker), &reach) {
        return Ok((PhotoRead::No, None));
    }
    if complete_at.is_none() {
        return Ok((PhotoRead::Awaited, None));
    }
    let whole = bytes(&mut snapshot, photo).await?;
    snapshot.rollback().await?;
    let reads = reach.restricted.then(|| Reads::of(worker, log, subject, now));
    Ok((PhotoRead::Whole(whole), reads))
}

/// What `server check` finds wrong about photos, and how many there are and are awaited.
#[derive(Debug, Default)]
pub(crate) struct Photos {
    pub(crate) whole: u64,
    pub(crate) awaited: u64,
    pub(crate) removed: u64,
    pub(crate) wrong: Vec<String>,
}

/// Every photo's bytes are what its row says; every whole one is what was announced.
pub(crate) async fn check(connection: &mut Connection) -> Result<Photos> {
    let mut found = Photos::default();
    let names =
        sqlx::query_scalar::<_, String>("select photo from photo order by photo").fetch_all(&mut *connection).await?;
    for name in names {
        let photo: PhotoId = name.parse()?;
        let row = find(connection, photo).await?.context("a photo does not vanish")?;
        let there = bytes(connection, photo).await?;
        if there.len() != row.received as usize {
            found.wrong.push(format!("photo {name}: {} bytes are there, {} should be", there.len(), row.received));
        }
        match row.standing {
            PhotoStanding::Complete => {
                found.whole += 1;
                if Sha256::digest(&there)[..] != row.sha256[..] {
                    found.wrong.push(format!("photo {name}: is not what was announced"));
                }
            }
            PhotoStanding::Removed => found.removed += 1,
            PhotoStanding::Has { .. } | PhotoStanding::Unknown => found.awaited += 1,
        }
    }
    Ok(found)
}

/// What is wrong about the row of a photo that stands in a case: `None` when it was announced as its part says.
pub(crate) async fn check_part(connection: &mut Connection, photo: &Photo) -> Result<Option<&'static str>> {
    let Some(row) = find(connection, photo.photo).await? else { return Ok(Some("was never announced")) };
    let same = row.bytes == photo.bytes && row.sha256[..] == photo.sha256.0[..];
    Ok(match row.standing {
        PhotoStanding::Removed => Some("was taken away and stands in its case"),
        _ if !same => Some("is not announced as its case says"),
        _ => None,
    })
}
