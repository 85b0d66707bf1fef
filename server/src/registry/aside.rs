//! What was set aside: who may read it, and what becomes of it. Nothing here is ever removed.

use anyhow::Result;
use domain::office::{Received, may_settle, may_take, opening_of, releases, replay};
use domain::{
    Body, CaseCode, Change, ChangeId, DeviceId, Entry, Envelope, LogId, PutAway, Refusal, Subject, Timestamp, WorkerId,
};

use super::push::{
    BUILT_ON, BY_LETTER, By, Judged, judge, let_dependants_wait, release_after, set_dependants_aside, take_turns_for,
};
use super::write::{Writing, about_quarantine, about_reason, digest, put_away};
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
    /// Who put it away, when and why; `None` while it waits for a decision.
    pub put_away: Option<(WorkerId, PutAway)>,
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
    /// What it builds on was put away.
    BuiltOn,
    /// It waited for something, and when that came it could not stand.
    Refused(Refusal),
    /// It came in a letter, and as it is it cannot stand.
    Letter(Refusal),
}

/// In the place of why: the note by which its own writer gave something up.
pub(super) const DROPPED: &str = "dropped";

impl Why {
    fn parse(text: &str) -> Self {
        match text {
            "rights" => Self::Rights,
            "unknown" => Self::Unknown,
            "damaged" => Self::Damaged,
            BUILT_ON => Self::BuiltOn,
            refusal => match refusal.strip_prefix(BY_LETTER) {
                Some(refusal) => serde_json::from_str(refusal).map_or(Self::Damaged, Self::Letter),
                None => serde_json::from_str(refusal).map_or(Self::Damaged, Self::Refused),
            },
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
    /// What was put away waits for a decision again.
    PutBack,
}

/// Which of what was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What waits for a decision, the oldest first.
    Open,
    /// What was put away, the latest first.
    PutAway,
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

/// Rows that are read at once.
pub(super) const ROWS: usize = 1_000;
/// How often, at most: what others have to settle hides nothing of one's own, unless it is more than a whole province leaves
/// lying.
pub(super) const READS: usize = 50;

#[derive(sqlx::FromRow)]
struct Row {
    log: String,
    id: String,
    author: String,
    device: String,
    received_at: i64,
    why: String,
    raw: Vec<u8>,
    settled_at: Option<i64>,
    settled_by: Option<String>,
    reason: Option<Vec<u8>>,
}

/// The query of some [`Row`]s.
macro_rules! rows {
    ($which:literal) => {
        concat!(
            "select log, id, author, device, received_at, why, raw, settled_at, settled_by, reason from quarantine ",
            $which
        )
    };
}

/// What was set aside and is for this worker to settle, at most `most`. What is read about restricted cases must be
/// written down before it is shown: see [`Reads`].
pub(super) async fn list(
    staff: &Staff,
    worker: WorkerId,
    which: Which,
    most: usize,
    now: Timestamp,
) -> Result<(Vec<SetAside>, Reads)> {
    // One transaction: every row is judged by the same moment.
    let mut snapshot = database::begin_to_read(&staff.pool).await?;
    let roster = staff.roster(&mut snapshot).await?;
    let query = match which {
        Which::Open => {
            rows!(
                "where settled_at is null and (received_at > $1 or (received_at = $1 and id > $2))
                 order by received_at, id limit $3"
            )
        }
        Which::PutAway => {
            rows!(
                "where settled_at is not null and taken = 0 and settled_by <> author
                 and (settled_at < $1 or (settled_at = $1 and id > $2))
                 order by settled_at desc, id limit $3"
            )
        }
    };
    let mut writing = Writing::new(&mut snapshot, &staff.seal, roster);
    let mut found = vec![];
    let mut reads = vec![];
    let mut after = match which {
        Which::Open => (i64::MIN, String::new()),
        Which::PutAway => (i64::MAX, String::new()),
    };
    'rows: for _ in 0..READS {
        let rows = sqlx::query_as::<_, Row>(query)
            .bind(after.0)
            .bind(&after.1)
            .bind(i64::try_from(ROWS)?)
            .fetch_all(&mut *writing.connection)
            .await?;
        let is_last = rows.len() < ROWS;
        for row in rows {
            if found.len() == most {
                break 'rows;
            }
            let at = if which == Which::Open { row.received_at } else { row.settled_at.unwrap_or_default() };
            after = (at, row.id.clone());
            let log: LogId = row.log.parse()?;
            let Some(set_aside) = read(&mut writing, row, worker).await? else { continue };
            // Who looked at a case says nothing about its person: nobody has to decide about it.
            if matches!(set_aside.change, Some(Change { body: Body::Looked | Body::Seen { .. }, .. })) {
                continue;
            }
            if let Some(change) = set_aside.change.as_ref().filter(|_| set_aside.restricted) {
                reads.push((log, change.subject));
            }
            found.push(set_aside);
        }
        if is_last {
            break;
        }
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
    pub(super) fn new(worker: WorkerId, reads: Vec<(LogId, Subject)>, now: Timestamp) -> Self {
        Self { worker, reads, now }
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
pub(super) fn open(seal: &Seal, id: ChangeId, sealed: &[u8]) -> Result<Option<Change>> {
    let text = String::from_utf8(seal.open(&about_quarantine(id), sealed)?)?;
    Ok(Envelope::read(&text))
}

/// What would open a subject, if it was set aside, or its writer gave it up.
pub(super) async fn find_opening(writing: &mut Writing<'_>, subject: Subject) -> Result<Option<Change>> {
    let query = "select id, raw from quarantine where opens = $1 or id = $1 order by id";
    let rows = sqlx::query_as::<_, (String, Vec<u8>)>(query)
        .bind(opening_of(subject).to_string())
        .fetch_all(&mut *writing.connection)
        .await?;
    for (id, sealed) in rows {
        if let Ok(Some(change)) = open(writing.seal, id.parse()?, &sealed)
            && change.subject == subject
            && change.body.opens()
        {
            return Ok(Some(change));
        }
    }
    Ok(None)
}

/// Opens a row if this worker may settle it.
async fn read(writing: &mut Writing<'_>, row: Row, worker: WorkerId) -> Result<Option<SetAside>> {
    let (log, id, author): (LogId, ChangeId, WorkerId) = (row.log.parse()?, row.id.parse()?, row.author.parse()?);
    let Ok(change) = open(writing.seal, id, &row.raw) else { return Ok(None) };
    let mut parts = match &change {
        Some(change) => writing.hold(change.subject).await?.map(|held| held.parts.clone()).ok(),
        None => None,
    };
    // What somebody wrote on a case that was set aside itself is judged by what would open that.
    if let (Some(change), Some(parts)) = (&change, &mut parts)
        && parts.is_empty()
        && !change.body.opens()
        && let Some(opening) = find_opening(writing, change.subject).await?
    {
        *parts = replay([&Entry::waiting(opening)]);
    }
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
    let why = Why::parse(&row.why);
    let put_away = match (row.settled_at, row.settled_by) {
        (Some(at), Some(by)) => Some((by.parse()?, put_away(writing.seal, id, at, row.reason)?)),
        _ => None,
    };
    Ok(Some(SetAside {
        id,
        author,
        device: row.device.parse()?,
        received_at: Timestamp(row.received_at),
        restricted,
        code: judged.and_then(|(_, parts)| parts.header()).map(|header| header.code.clone()),
        // What it builds on comes first.
        may_take: why != Why::BuiltOn && judged.is_some_and(|(change, _)| may_take(change, worker)),
        why,
        change: change.filter(|_| is_judged),
        put_away,
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
    let query = match settling {
        Settling::Take | Settling::PutAway { .. } => {
            rows!("where id = $1 and settled_at is null")
        }
        Settling::PutBack => {
            rows!("where id = $1 and settled_at is not null and taken = 0 and settled_by <> author")
        }
    };
    let row = sqlx::query_as::<_, Row>(query).bind(id.to_string()).fetch_optional(&mut *writing.connection).await?;
    let Some(row) = row else { return Ok(Settled::NotFound) };
    let log: LogId = row.log.parse()?;
    if let Ok(Some(change)) = open(writing.seal, id, &row.raw) {
        take_turns_for(writing, &change).await?;
    }
    let Some(set_aside) = read(writing, row, by).await? else { return Ok(Settled::NotFound) };
    // Nobody decides about what nobody can read.
    let Some(change) = &set_aside.change else { return Ok(Settled::Refused(Refusal::Newer)) };
    let (taken, reason) = match settling {
        Settling::PutAway { reason } => {
            // Of what waited for it nobody would hear again.
            set_dependants_aside(writing, releases(change)).await?;
            (false, Some(reason))
        }
        Settling::PutBack => {
            sqlx::query(
                "update quarantine set settled_at = null, settled_by = null, taken = null, reason = null where id = $1",
            )
            .bind(id.to_string())
            .execute(&mut *writing.connection)
            .await?;
            let_dependants_wait(writing, releases(change)).await?;
            write_down(writing, &log, audit::PUT_BACK, id, by, now);
            return Ok(Settled::Done);
        }
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
    write_down(writing, &log, if taken { audit::TAKEN } else { audit::PUT_AWAY }, id, by, now);
    Ok(Settled::Done)
}

fn write_down(writing: &mut Writing<'_>, log: &LogId, what: &'static str, id: ChangeId, by: WorkerId, now: Timestamp) {
    let line = audit::Line { at: now, worker: by.to_string(), device: String::new(), what, about: id.to_string() };
    writing.audit(log, line);
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
