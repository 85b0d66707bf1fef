//! What collaborators gave up because it could not be taken: who may read it. Nobody has to settle it, and nothing removes it.

use anyhow::Result;
use domain::office::{may_settle, replay};
use domain::{Body, CaseCode, Change, ChangeId, Entry, Header, LogId, Timestamp, WorkerId, limits};

use super::aside::{DROPPED, READS, ROWS, Reads, find_opening, open};
use super::write::Writing;
use crate::database;
use crate::staff::Staff;

/// Something that its writer gave up, as whoever may read it reads it.
#[derive(Debug, Clone)]
pub struct GivenUp {
    pub author: WorkerId,
    pub received_at: Timestamp,
    /// `None` when nobody can judge who may read it.
    pub reason: Option<String>,
    pub restricted: bool,
    /// Of the case that it is about, once that is opened.
    pub code: Option<CaseCode>,
    /// What it said; `None` when it was too large to be sent, or nobody can judge who may read it.
    pub change: Option<Change>,
}

const DAY_MS: i64 = 86_400_000;

/// What was given up within [`limits::KEPT_DAYS`] and may be read by this worker, the latest first, at most `most`.
pub(super) async fn list(
    staff: &Staff,
    worker: WorkerId,
    most: usize,
    now: Timestamp,
) -> Result<(Vec<GivenUp>, Reads)> {
    let mut snapshot = database::begin_to_read(&staff.pool).await?;
    let roster = staff.roster(&mut snapshot).await?;
    let mut writing = Writing::new(&mut snapshot, &staff.seal, roster);
    let (mut found, mut reads) = (vec![], vec![]);
    let mut after = (i64::MAX, String::new());
    'rows: for _ in 0..READS {
        let rows = sqlx::query_as::<_, (String, String, String, i64, Vec<u8>)>(
            "select log, id, author, received_at, raw from quarantine
             where why = $1 and received_at > $2 and (received_at < $3 or (received_at = $3 and id > $4))
             order by received_at desc, id limit $5",
        )
        .bind(DROPPED)
        .bind(now.0 - limits::KEPT_DAYS * DAY_MS)
        .bind(after.0)
        .bind(&after.1)
        .bind(i64::try_from(ROWS)?)
        .fetch_all(&mut *writing.connection)
        .await?;
        let is_last = rows.len() < ROWS;
        for (log, id, author, received_at, sealed) in rows {
            if found.len() == most {
                break 'rows;
            }
            after = (received_at, id.clone());
            let (log, id, author): (LogId, ChangeId, WorkerId) = (log.parse()?, id.parse()?, author.parse()?);
            let Ok(Some(note)) = open(writing.seal, id, &sealed) else { continue };
            let Body::Dropped(dropped) = &note.body else { continue };
            let Ok(mut parts) = writing.hold(note.subject).await?.map(|held| held.parts.clone()) else { continue };
            // Judged by what was given up: the note itself is about nobody.
            let change = dropped.read().filter(|change| change.author == author && change.subject == note.subject);
            let about = change.as_ref().unwrap_or(&note);
            // On a case that was given up itself: by what would have opened it.
            if parts.is_empty()
                && !about.body.opens()
                && let Some(opening) = find_opening(&mut writing, note.subject).await?
            {
                parts = replay([&Entry::waiting(opening)]);
            }
            if !may_settle(worker, author, &log, Some((about, &parts)), &writing.roster.rules) {
                continue;
            }
            // Of what cannot be judged not even the reason is shown: that may name a person too.
            let is_judged = !parts.is_empty() || about.body.opens();
            let change = change.filter(|_| is_judged);
            let opened = change.as_ref().map(|change| replay([&Entry::waiting(change.clone())])).unwrap_or_default();
            let restricted = [&parts, &opened].into_iter().filter_map(|p| p.header()).any(Header::is_restricted);
            if restricted && is_judged {
                reads.push((log, note.subject));
            }
            found.push(GivenUp {
                author,
                received_at: Timestamp(received_at),
                reason: is_judged.then(|| dropped.reason.clone()),
                restricted,
                code: parts.header().map(|header| header.code.clone()),
                change,
            });
        }
        if is_last {
            break;
        }
    }
    snapshot.rollback().await?;
    Ok((found, Reads::new(worker, reads, now)))
}
