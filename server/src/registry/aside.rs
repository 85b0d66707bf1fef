//! What was set aside: who may read it, and what becomes of it. Nothing here is ever removed.

use anyhow::Result;
use domain::office::{Received, may_settle, may_take, replay};
use domain::{CaseCode, Change, ChangeId, DeviceId, Entry, Envelope, LogId, Refusal, Subject, Timestamp, WorkerId};

use super::push::{By, Judged, judge, release_after, take_turns_for};
use super::write::{Writing, about_quarantine, about_reason, digest};
use crate::audit;
use crate::database::{self, Connection};
use crate::seal::Seal;
use crate::staff::Staff;

/// A change that was set aside, as whoever may settle it reads it.
#[derive(Debug, Clone)]
pub struct SetAside {
    pub id: ChangeId,
    pub author: WorkerId,
    pub device: DeviceId,
    pub received_at: Timestamp,
    pub why: Why,
    /// Whether it is about a restricted case.
    pub restricted: bool,
    /// Of the case that it is about, once that is opened.
    pub code: Option<CaseCode>,
    /// Whether it may be put into its case by this person.
    pub may_take: bool,
    /// `None` when this version cannot read it.
    pub change: Option<Change>,
}

/// Why a change was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Its writer had no right to write it, neither now nor when their phone last heard of the office.
    Rights,
    /// Of a kind that this version does not know; it finds its place by itself after an update.
    Unknown,
    /// What is stored of its subject, or the change itself, cannot be read.
    Damaged,
    /// It waited for something, and when that came it could not stand.
    Refused(Refusal),
}

/// In the place of why: the note by which its own writer gave something up.
pub(super) const DROPPED: &str = "dropped";

impl Why {
    fn parse(text: &str) -> Self {
        match text {
            "rights" => Self::Rights,
            "unknown" => Self::Unknown,
            "damaged" => Self::Damaged,
            refusal => serde_json::from_str(refusal).map_or(Self::Damaged, Self::Refused),
        }
    }
}

/// What a supervisor decides about a change that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settling {
    /// It stands in its case, in the name of whoever wrote it.
    Take,
    /// It stays out of the case, for a reason.
    PutAway { reason: String },
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    Done,
    /// Nothing of this id waits for this person: it is not theirs to settle, or somebody was faster.
    NotFound,
    /// The rules do not let it stand as it is.
    Refused(Refusal),
}

/// Rows that one look goes through: more are seen once these are settled.
const ROWS: i64 = 1_000;

type Row = (String, String, String, String, i64, String, Vec<u8>);

/// What waits for a decision by this worker, the oldest first, at most `most`. What is read about restricted cases must be
/// written down before it is shown: see [`Reads`].
pub(super) async fn list(
    staff: &Staff,
    worker: WorkerId,
    most: usize,
    now: Timestamp,
) -> Result<(Vec<SetAside>, Reads)> {
    // One transaction: every row is judged by the same moment.
    let mut snapshot = database::begin_to_read(&staff.pool).await?;
    let roster = staff.roster(&mut snapshot).await?;
    let rows = sqlx::query_as::<_, Row>(
        "select log, id, author, device, received_at, why, raw from quarantine
         where settled_at is null order by received_at, id limit $1",
    )
    .bind(ROWS)
    .fetch_all(&mut *snapshot)
    .await?;
    let mut writing = Writing::new(&mut snapshot, &staff.seal, roster);
    let mut found = vec![];
    let mut reads = vec![];
    for row in rows {
        if found.len() == most {
            break;
        }
        let log: LogId = row.0.parse()?;
        let Some(set_aside) = read(&mut writing, row, worker).await? else { continue };
        if let Some(change) = set_aside.change.as_ref().filter(|_| set_aside.restricted) {
            reads.push((log, change.subject));
        }
        found.push(set_aside);
    }
    snapshot.rollback().await?;
    Ok((found, Reads { worker, reads, now }))
}

/// Restricted cases about which somebody read at the office's desk.
pub(super) struct Reads {
    worker: WorkerId,
    reads: Vec<(LogId, Subject)>,
    now: Timestamp,
}

impl Reads {
    /// One case, read somewhere else than at the desk.
    pub(super) fn of(worker: WorkerId, log: LogId, subject: Subject, now: Timestamp) -> Self {
        Self { worker, reads: vec![(log, subject)], now }
    }
    pub(super) fn is_empty(&self) -> bool {
        self.reads.is_empty()
    }
    pub(super) async fn write(&self, writing: &mut Writing<'_>) -> Result<()> {
        for (log, subject) in &self.reads {
            let line = audit::Line {
                at: self.now,
                worker: self.worker.to_string(),
                device: String::new(),
                what: audit::READ,
                about: subject.to_string(),
            };
            writing.audit(log, line);
        }
        Ok(())
    }
}

/// The change that was set aside, `None` when this version cannot read it.
fn open(seal: &Seal, id: ChangeId, sealed: &[u8]) -> Result<Option<Change>> {
    let text = String::from_utf8(seal.open(&about_quarantine(id), sealed)?)?;
    Ok(serde_json::from_str::<Envelope>(&text).ok().and_then(|envelope| envelope.open().ok()))
}

/// Opens a row if this worker may settle it.
async fn read(writing: &mut Writing<'_>, row: Row, worker: WorkerId) -> Result<Option<SetAside>> {
    let (log, id, author, device, received_at, why, sealed) = row;
    let (log, id, author): (LogId, ChangeId, WorkerId) = (log.parse()?, id.parse()?, author.parse()?);
    let Ok(change) = open(writing.seal, id, &sealed) else { return Ok(None) };
    let parts = match &change {
        Some(change) => writing.hold(change.subject).await?.map(|held| held.parts.clone()).ok(),
        None => None,
    };
    let about = change.as_ref().zip(parts.as_ref());
    if !may_settle(worker, author, &log, about, &writing.roster.rules) {
        return Ok(None);
    }
    // Of what cannot be judged nothing is shown either.
    let judged = about.filter(|(change, parts)| !parts.is_empty() || change.body.opens());
    let restricted = judged.is_some_and(|(change, parts)| {
        let opened = replay([&Entry::waiting(change.clone())]);
        [parts, &opened].into_iter().filter_map(|p| p.header()).any(domain::Header::is_restricted)
    });
    let is_judged = judged.is_some();
    Ok(Some(SetAside {
        id,
        author,
        device: device.parse()?,
        received_at: Timestamp(received_at),
        why: Why::parse(&why),
        restricted,
        code: judged.and_then(|(_, parts)| parts.header()).map(|header| header.code.clone()),
        may_take: judged.is_some_and(|(change, _)| may_take(change, worker)),
        change: change.filter(|_| is_judged),
    }))
}

/// Settles what was set aside, in the name of `by`.
pub(super) async fn settle(
    writing: &mut Writing<'_>,
    id: ChangeId,
    by: WorkerId,
    settling: &Settling,
    now: Timestamp,
) -> Result<Settled> {
    // Whoever comes second finds it settled.
    writing.take_turns([id.to_string()].into()).await?;
    let row = sqlx::query_as::<_, Row>(
        "select log, id, author, device, received_at, why, raw from quarantine where id = $1 and settled_at is null",
    )
    .bind(id.to_string())
    .fetch_optional(&mut *writing.connection)
    .await?;
    let Some(row) = row else { return Ok(Settled::NotFound) };
    let log: LogId = row.0.parse()?;
    if let Ok(Some(change)) = open(writing.seal, id, &row.6) {
        take_turns_for(writing, &change).await?;
    }
    let Some(set_aside) = read(writing, row, by).await? else { return Ok(Settled::NotFound) };
    // Nobody decides about what nobody can read.
    let Some(change) = &set_aside.change else { return Ok(Settled::Refused(Refusal::Newer)) };
    let (taken, reason) = match settling {
        Settling::PutAway { reason } => (false, Some(reason)),
        Settling::Take if !set_aside.may_take => return Ok(Settled::Refused(Refusal::NotAllowed)),
        Settling::Take => {
            // The right is the supervisor's; the words stay their writer's.
            let hand = By { worker: by, device: set_aside.device, then: "[]", ahead_ms: None };
            match judge(writing, change, hand, now).await? {
                Judged::Received(Received::Accepted(mut entry)) => {
                    if let Some(receipt) = &mut entry.receipt {
                        receipt.late = true;
                    }
                    let digest = digest(writing.seal, change)?;
                    writing.accept(&entry, &digest).await?;
                    release_after(writing, change, now).await?;
                    (true, None)
                }
                Judged::Received(Received::Refused(why)) => return Ok(Settled::Refused(why)),
                Judged::Received(Received::Waiting { .. } | Received::Quarantined | Received::Dropped(_))
                | Judged::Damaged => {
                    return Ok(Settled::Refused(Refusal::NotAllowed));
                }
            }
        }
    };
    note(writing.connection, writing.seal, id, by, taken, reason.map(String::as_str), now).await?;
    let what = if taken { audit::TAKEN } else { audit::PUT_AWAY };
    let line = audit::Line { at: now, worker: by.to_string(), device: String::new(), what, about: id.to_string() };
    writing.audit(&log, line);
    Ok(Settled::Done)
}

async fn note(
    connection: &mut Connection,
    seal: &Seal,
    id: ChangeId,
    by: WorkerId,
    taken: bool,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let reason = reason.map(|reason| seal.seal(&about_reason(id), reason.as_bytes())).transpose()?;
    sqlx::query("update quarantine set settled_at = $2, settled_by = $3, taken = $4, reason = $5 where id = $1")
        .bind(id.to_string())
        .bind(now.0)
        .bind(by.to_string())
        .bind(i64::from(taken))
        .bind(reason)
        .execute(connection)
        .await?;
    Ok(())
}
