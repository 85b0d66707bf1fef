//! What a transaction puts down once the counters of its logs are its own. They are taken last and in one order, so that
//! the order of commit is the order of positions, without gaps, and logs hardly wait for each other. It knows rows and
//! seals, not rules.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use domain::{ChangeId, Entry, LogId, Part, PartKey, Subject, Timestamp, WorkerId};

use super::write::{about_change, about_part, link};
use crate::audit;
use crate::database::{Connection, is_shared};
use crate::seal::Seal;

#[derive(Default)]
pub(crate) struct Ledger {
    /// In the order in which they happened; each gets the next position of its log.
    events: Vec<Event>,
    /// As they are after the event that touched them last.
    parts: BTreeMap<(LogId, Subject, PartKey), (usize, Option<Part>)>,
    subjects: BTreeMap<Subject, Row>,
    sights: Vec<(usize, Subject, LogId, bool)>,
    /// Everybody who wrote something in a log.
    authors: BTreeSet<(LogId, WorkerId)>,
    audit: Vec<(LogId, audit::Line<'static>)>,
}

enum Event {
    Change {
        entry: Box<Entry>,
        digest: Vec<u8>,
    },
    /// Of a worker's or a facility's log.
    Mark {
        log: LogId,
        id: ChangeId,
    },
}

/// What decides who sees a subject.
#[derive(Default)]
pub(super) struct Told {
    pub(super) code: Option<Vec<u8>>,
    pub(super) reach: Option<String>,
}

struct Row {
    log: LogId,
    /// The event that opened it, if this transaction holds that.
    born: Option<usize>,
    told: Option<Told>,
}

/// The last position of a log, and the chain of the change there.
struct Head {
    seq: i64,
    chain: Vec<u8>,
}

impl Ledger {
    pub(super) fn change(&mut self, entry: &Entry, digest: &[u8]) -> usize {
        self.authors.insert((entry.change.log.clone(), entry.change.author));
        self.event(Event::Change { entry: Box::new(entry.clone()), digest: digest.to_vec() })
    }

    pub(super) fn mark(&mut self, log: LogId, id: ChangeId) -> usize {
        self.event(Event::Mark { log, id })
    }

    fn event(&mut self, event: Event) -> usize {
        self.events.push(event);
        self.events.len() - 1
    }

    pub(super) fn part(&mut self, log: &LogId, subject: Subject, key: PartKey, at: usize, part: Option<Part>) {
        self.parts.insert((log.clone(), subject, key), (at, part));
    }

    pub(super) fn born(&mut self, log: &LogId, subject: Subject, at: usize, told: Told) {
        self.subjects.insert(subject, Row { log: log.clone(), born: Some(at), told: Some(told) });
    }

    pub(super) fn subject(&mut self, log: &LogId, subject: Subject, told: Told) {
        let row = self.subjects.entry(subject).or_insert_with(|| Row { log: log.clone(), born: None, told: None });
        row.told = Some(told);
    }

    pub(super) fn sight(&mut self, at: usize, subject: Subject, log: &LogId, shown: bool) {
        self.sights.push((at, subject, log.clone(), shown));
    }

    pub(super) fn author(&mut self, log: &LogId, author: WorkerId) {
        self.authors.insert((log.clone(), author));
    }

    pub(crate) fn audit(&mut self, log: &LogId, line: audit::Line<'static>) {
        self.audit.push((log.clone(), line));
    }

    /// What is known of a change that is not in its table yet.
    pub(super) fn find(&self, id: ChangeId) -> Option<(Timestamp, &[u8])> {
        self.changes()
            .find(|(entry, _)| entry.change.id == id)
            .map(|(entry, digest)| (entry.received_at().unwrap_or_default(), digest))
    }

    /// Whether this change, or one that replaces it, is among those not in their table yet.
    pub(super) fn has(&self, id: ChangeId) -> bool {
        self.changes().any(|(entry, _)| entry.change.id == id || entry.change.replaces == Some(id))
    }

    pub(super) fn has_code(&self, code: &[u8]) -> bool {
        self.subjects.values().any(|row| row.told.as_ref().is_some_and(|told| told.code.as_deref() == Some(code)))
    }

    fn changes(&self) -> impl Iterator<Item = (&Entry, &[u8])> {
        self.events.iter().filter_map(|event| match event {
            Event::Change { entry, digest } => Some((&**entry, &digest[..])),
            Event::Mark { .. } => None,
        })
    }

    /// Writes everything; nothing may be read or judged in this transaction afterwards.
    pub(crate) async fn put_down(self, connection: &mut Connection, seal: &Seal) -> Result<()> {
        // Sealed before any counter is held: others wait for those.
        let mut bodies = Vec::with_capacity(self.events.len());
        for event in &self.events {
            bodies.push(match event {
                Event::Change { entry, .. } => seal.seal_json(&about_change(&entry.change.id.to_string()), entry)?,
                Event::Mark { .. } => vec![],
            });
        }
        let mut parts = Vec::with_capacity(self.parts.len());
        for ((log, subject, key), (at, part)) in self.parts {
            let (log, key) = (log.to_string(), key.to_string());
            let body = match &part {
                Some(part) => seal.seal_json(&about_part(&log, subject, &key), part)?,
                None => vec![],
            };
            parts.push((log, subject, key, at, part.is_none(), body));
        }
        let logs = self.events.iter().map(Event::log).chain(self.audit.iter().map(|(log, _)| log));
        let logs: BTreeSet<LogId> = logs.cloned().collect();
        let mut heads = BTreeMap::new();
        for log in logs {
            let head = Head::take(connection, &log).await?;
            heads.insert(log, head);
        }
        let mut positions = Vec::with_capacity(self.events.len());
        for (event, body) in self.events.iter().zip(bodies) {
            let head = heads.get_mut(event.log()).expect("the counter of every log was taken");
            positions.push(event.put(connection, seal, head, body).await?);
        }
        for (log, subject, key, at, gone, body) in parts {
            sqlx::query(
                "insert into part (log, subject, key, seq, gone, body) values ($1, $2, $3, $4, $5, $6)
                 on conflict (log, subject, key) do update set seq = $4, gone = $5, body = $6",
            )
            .bind(log)
            .bind(subject.to_string())
            .bind(key)
            .bind(positions[at])
            .bind(i64::from(gone))
            .bind(body)
            .execute(&mut *connection)
            .await?;
        }
        for (subject, row) in self.subjects {
            row.put(connection, subject, &positions).await?;
        }
        for (at, subject, log, shown) in self.sights {
            sqlx::query("insert into sight (log, seq, subject, subject_log, shown) values ($1, $2, $3, $4, $5)")
                .bind(self.events[at].log().to_string())
                .bind(positions[at])
                .bind(subject.to_string())
                .bind(log.to_string())
                .bind(i64::from(shown))
                .execute(&mut *connection)
                .await?;
        }
        for (log, author) in self.authors {
            sqlx::query("insert into author (log, worker_id) values ($1, $2) on conflict do nothing")
                .bind(log.to_string())
                .bind(author.to_string())
                .execute(&mut *connection)
                .await?;
        }
        for (log, line) in &self.audit {
            audit::append(connection, seal, log, line).await?;
        }
        for (log, head) in heads {
            sqlx::query("update log set seq = $2, chain = $3 where log = $1")
                .bind(log.to_string())
                .bind(head.seq)
                .bind(head.chain)
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}

impl Head {
    /// The counter of a log, which is this transaction's until it ends.
    async fn take(connection: &mut Connection, log: &LogId) -> Result<Self> {
        let query = if is_shared(connection) {
            "select seq, chain from log where log = $1 for update"
        } else {
            "select seq, chain from log where log = $1"
        };
        let log = log.to_string();
        let mut row = sqlx::query_as::<_, (i64, Vec<u8>)>(query).bind(&log).fetch_optional(&mut *connection).await?;
        if row.is_none() {
            // Whoever comes second waits here, and gets what the first has left.
            let made = sqlx::query_as::<_, (i64, Vec<u8>)>(
                "insert into log (log, seq, chain) values ($1, 0, $2)
                 on conflict (log) do update set seq = log.seq returning seq, chain",
            );
            row = Some(made.bind(&log).bind(Vec::new()).fetch_one(connection).await?);
        }
        let (seq, chain) = row.unwrap_or_default();
        Ok(Self { seq, chain })
    }
}

impl Event {
    fn log(&self) -> &LogId {
        match self {
            Self::Change { entry, .. } => &entry.change.log,
            Self::Mark { log, .. } => log,
        }
    }

    async fn put(&self, connection: &mut Connection, seal: &Seal, head: &mut Head, body: Vec<u8>) -> Result<i64> {
        head.seq += 1;
        let log = self.log().to_string();
        match self {
            Self::Mark { id, .. } => {
                let id = id.to_string();
                head.chain = link(seal, &head.chain, &log, head.seq, &id, &[]);
                sqlx::query("insert into mark (log, seq, id, chain) values ($1, $2, $3, $4)")
                    .bind(log)
                    .bind(head.seq)
                    .bind(id)
                    .bind(&head.chain[..])
                    .execute(connection)
                    .await?;
            }
            Self::Change { entry, digest } => {
                let change = &entry.change;
                let id = change.id.to_string();
                head.chain = link(seal, &head.chain, &log, head.seq, &id, digest);
                sqlx::query(
                    "insert into change (log, seq, id, subject, author, device, n, recorded_at, received_at, replaces,
                         digest, chain, body)
                     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                )
                .bind(log)
                .bind(head.seq)
                .bind(id)
                .bind(change.subject.to_string())
                .bind(change.author.to_string())
                .bind(change.device.to_string())
                .bind(i64::try_from(change.n).unwrap_or(i64::MAX))
                .bind(change.recorded_at.0)
                .bind(entry.received_at().unwrap_or_default().0)
                .bind(change.replaces.map(|r| r.to_string()))
                .bind(&digest[..])
                .bind(&head.chain[..])
                .bind(body)
                .execute(connection)
                .await?;
            }
        }
        Ok(head.seq)
    }
}

impl Row {
    async fn put(self, connection: &mut Connection, subject: Subject, positions: &[i64]) -> Result<()> {
        let Self { log, born, told: Some(Told { code, reach }) } = self else { return Ok(()) };
        let query = match born {
            Some(_) => "insert into subject (log, subject, code, reach, born) values ($1, $2, $3, $4, $5)",
            None => "update subject set code = $3, reach = $4 where log = $1 and subject = $2",
        };
        let mut query = sqlx::query(query).bind(log.to_string()).bind(subject.to_string()).bind(code).bind(reach);
        if let Some(at) = born {
            query = query.bind(positions[at]);
        }
        query.execute(connection).await?;
        Ok(())
    }
}
