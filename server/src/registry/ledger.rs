//! What a transaction puts down once the counters of its logs are its own. They are taken last and in one order, so that
//! the order of commit is the order of positions, without gaps, and logs hardly wait for each other. It knows rows and
//! seals, not rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use domain::office::Replaced;
use domain::{CaseId, ChangeId, DeviceId, Entry, LogId, Part, PartKey, Subject, Timestamp, WorkerId};
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

use super::foreseen::list;
use super::write::{about_change, about_part, link};
use crate::audit;
use crate::database::{Connection, is_shared};
use crate::seal::Seal;

#[derive(Default)]
pub(crate) struct Ledger {
    /// In the order in which they happened; each gets the next position of its log.
    events: Vec<Event>,
    /// Where among these each change is.
    ids: BTreeMap<ChangeId, usize>,
    replaced: Replaced,
    /// As they are after the event that touched them last.
    parts: BTreeMap<(LogId, Subject, PartKey), (usize, Option<Part>)>,
    subjects: BTreeMap<Subject, Row>,
    sights: Vec<(usize, Subject, LogId, Shown)>,
    /// Cases that name others.
    links: BTreeSet<(LogId, Subject, CaseId)>,
    /// Everybody who wrote something in a log.
    authors: BTreeSet<(LogId, WorkerId)>,
    contacts: BTreeMap<(WorkerId, DeviceId), Contact>,
    audit: Vec<(LogId, audit::Line<'static>)>,
}

/// What a worker's log says about a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    NoLonger,
    /// Seen from here on, and not before.
    Now,
    /// Seen before and still: it is to be loaded anew.
    Still,
}

impl Shown {
    /// In the column `shown`.
    pub(super) fn code(self) -> i64 {
        match self {
            Self::NoLonger => 0,
            Self::Now => 1,
            Self::Still => 2,
        }
    }
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

/// A device that was heard of.
struct Contact {
    first_at: Timestamp,
    last_at: Timestamp,
    /// The rights that it knows of, as JSON.
    grants: String,
    /// They are what it was told just now.
    told: bool,
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
        self.ids.insert(entry.change.id, self.events.len());
        self.replaced.note(&entry.change);
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

    pub(super) fn sight(&mut self, at: usize, subject: Subject, log: &LogId, shown: Shown) {
        self.sights.push((at, subject, log.clone(), shown));
    }

    pub(super) fn link(&mut self, log: &LogId, subject: Subject, other: CaseId) {
        self.links.insert((log.clone(), subject, other));
    }

    /// The cases that name this one and are not in their table yet.
    pub(super) fn naming(&self, case: CaseId) -> BTreeSet<(LogId, Subject)> {
        let naming = self.links.iter().filter(|(_, _, other)| *other == case);
        naming.map(|(log, subject, _)| (log.clone(), *subject)).collect()
    }

    pub(super) fn author(&mut self, log: &LogId, author: WorkerId) {
        self.authors.insert((log.clone(), author));
    }

    pub(super) fn contact(&mut self, worker: WorkerId, device: DeviceId, grants: String, told: bool, at: Timestamp) {
        let contact = self.contacts.entry((worker, device)).or_insert_with(|| Contact {
            first_at: at,
            last_at: at,
            grants: String::new(),
            told: false,
        });
        contact.last_at = contact.last_at.max(at);
        contact.grants = grants;
        contact.told |= told;
    }

    /// The rights that a device knows of, if this transaction has heard of it.
    pub(super) fn grants(&self, worker: WorkerId, device: DeviceId) -> Option<&str> {
        self.contacts.get(&(worker, device)).map(|contact| contact.grants.as_str())
    }

    pub(crate) fn audit(&mut self, log: &LogId, line: audit::Line<'static>) {
        self.audit.push((log.clone(), line));
    }

    /// What is known of a change that is not in its table yet.
    pub(super) fn find(&self, id: ChangeId) -> Option<(Timestamp, &[u8])> {
        match self.ids.get(&id).and_then(|at| self.events.get(*at))? {
            Event::Change { entry, digest } => Some((entry.received_at().unwrap_or_default(), digest)),
            Event::Mark { .. } => None,
        }
    }

    /// As [`domain::office::Known::has`], of those not in their table yet.
    pub(super) fn has(&self, id: ChangeId, subject: Subject, by: Option<WorkerId>) -> bool {
        self.ids.contains_key(&id) || self.replaced.has(id, subject, by)
    }

    pub(super) fn has_code(&self, code: &[u8]) -> bool {
        self.subjects.values().any(|row| row.told.as_ref().is_some_and(|told| told.code.as_deref() == Some(code)))
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
        let mut heads = Head::take_all(connection, logs).await?;
        let mut positions = Vec::with_capacity(self.events.len());
        let (mut changes, mut marks) = (Vec::new(), Vec::new());
        for (event, body) in self.events.iter().zip(bodies) {
            let log = event.log();
            let head = heads.get_mut(log).expect("the counter of every log was taken");
            head.seq += 1;
            positions.push(head.seq);
            let (log, id) = (log.to_string(), event.id().to_string());
            match event {
                Event::Change { entry, digest } => {
                    head.chain = link(seal, &head.chain, &log, head.seq, &id, digest);
                    changes.push((
                        log,
                        head.seq,
                        id,
                        &entry.change,
                        entry.received_at(),
                        digest,
                        head.chain.clone(),
                        body,
                    ));
                }
                Event::Mark { .. } => {
                    head.chain = link(seal, &head.chain, &log, head.seq, &id, &[]);
                    marks.push((log, head.seq, id, head.chain.clone()));
                }
            }
        }
        let rows = Rows {
            into: "insert into change (log, seq, id, subject, author, device, n, recorded_at, received_at, replaces,
                 digest, chain, body)",
            columns: 13,
            rest: "",
        };
        rows.put(connection, changes, |query, (log, seq, id, change, received_at, digest, chain, body)| {
            query
                .bind(log)
                .bind(seq)
                .bind(id)
                .bind(change.subject.to_string())
                .bind(change.author.to_string())
                .bind(change.device.to_string())
                .bind(i64::try_from(change.n).unwrap_or(i64::MAX))
                .bind(change.recorded_at.0)
                .bind(received_at.unwrap_or_default().0)
                .bind(change.replaces.map(|r| r.to_string()))
                .bind(digest.clone())
                .bind(chain)
                .bind(body)
        })
        .await?;
        let rows = Rows { into: "insert into mark (log, seq, id, chain)", columns: 4, rest: "" };
        rows.put(connection, marks, |query, (log, seq, id, chain)| query.bind(log).bind(seq).bind(id).bind(chain))
            .await?;
        let rows = Rows {
            into: "insert into part (log, subject, key, seq, gone, body, born)",
            columns: 7,
            rest: "on conflict (log, subject, key) do update set seq = excluded.seq, gone = excluded.gone,
                 body = excluded.body",
        };
        rows.put(connection, parts, |query, (log, subject, key, at, gone, body)| {
            let seq = positions[at];
            query.bind(log).bind(subject.to_string()).bind(key).bind(seq).bind(i64::from(gone)).bind(body).bind(seq)
        })
        .await?;
        let (born, known): (Vec<_>, Vec<_>) = self.subjects.into_iter().partition(|(_, row)| row.born.is_some());
        let rows = Rows { into: "insert into subject (log, subject, code, reach, born)", columns: 5, rest: "" };
        rows.put(connection, born, |query, (subject, row)| {
            let Told { code, reach } = row.told.unwrap_or_default();
            let born = row.born.map(|at| positions[at]);
            query.bind(row.log.to_string()).bind(subject.to_string()).bind(code).bind(reach).bind(born)
        })
        .await?;
        for (subject, row) in known {
            let Some(Told { code, reach }) = row.told else { continue };
            sqlx::query("update subject set code = $3, reach = $4 where log = $1 and subject = $2")
                .bind(row.log.to_string())
                .bind(subject.to_string())
                .bind(code)
                .bind(reach)
                .execute(&mut *connection)
                .await?;
        }
        let rows = Rows { into: "insert into sight (log, seq, subject, subject_log, shown)", columns: 5, rest: "" };
        let events = &self.events;
        rows.put(connection, self.sights, |query, (at, subject, log, shown)| {
            let own = events[at].log().to_string();
            query.bind(own).bind(positions[at]).bind(subject.to_string()).bind(log.to_string()).bind(shown.code())
        })
        .await?;
        let into = "insert into case_link (log, subject, other)";
        let rows = Rows { into, columns: 3, rest: "on conflict do nothing" };
        rows.put(connection, self.links.into_iter().collect(), |query, (log, subject, other)| {
            query.bind(log.to_string()).bind(subject.to_string()).bind(Subject::Case(other).to_string())
        })
        .await?;
        let rows = Rows { into: "insert into author (log, worker_id)", columns: 2, rest: "on conflict do nothing" };
        rows.put(connection, self.authors.into_iter().collect(), |query, (log, author)| {
            query.bind(log.to_string()).bind(author.to_string())
        })
        .await?;
        let (told, heard): (Vec<_>, Vec<_>) = self.contacts.into_iter().partition(|(_, contact)| contact.told);
        let into = "insert into device (worker_id, device, first_at, contact_at, grants)";
        let rest = "on conflict (worker_id, device) do update set contact_at =
             case when device.contact_at < excluded.contact_at then excluded.contact_at else device.contact_at end";
        let and_grants = format!("{rest}, grants = excluded.grants");
        for (contacts, rest) in [(heard, rest), (told, &*and_grants)] {
            let rows = Rows { into, columns: 5, rest };
            rows.put(connection, contacts, |query, ((worker, device), contact)| {
                let query = query.bind(worker.to_string()).bind(device.to_string());
                query.bind(contact.first_at.0).bind(contact.last_at.0).bind(contact.grants)
            })
            .await?;
        }
        for (log, line) in &self.audit {
            audit::append(connection, seal, log, line).await?;
        }
        let rows = Rows {
            into: "insert into log (log, seq, chain)",
            columns: 3,
            rest: "on conflict (log) do update set seq = excluded.seq, chain = excluded.chain",
        };
        rows.put(connection, heads.into_iter().collect(), |query, (log, head)| {
            query.bind(log.to_string()).bind(head.seq).bind(head.chain)
        })
        .await
    }
}

type Insert<'q> = Query<'q, Any, AnyArguments>;

/// Rows of one table, put down many at a time: a statement costs more than a row.
struct Rows<'s> {
    into: &'s str,
    columns: usize,
    rest: &'s str,
}

impl Rows<'_> {
    /// Of these numbers of rows every number is made up, by few statements that the database knows already. To PostgreSQL
    /// each is a journey; SQLite looks through all names of a statement's values for each of them.
    fn at_a_time(&self, connection: &Connection) -> [usize; 4] {
        match self.columns {
            8.. if !is_shared(connection) => [16, 8, 4, 1],
            6.. if !is_shared(connection) => [32, 8, 4, 1],
            _ => [64, 16, 4, 1],
        }
    }

    async fn put<R>(
        &self,
        connection: &mut Connection,
        rows: Vec<R>,
        bind: impl for<'q> Fn(Insert<'q>, R) -> Insert<'q>,
    ) -> Result<()> {
        let mut rows = rows.into_iter();
        for many in self.at_a_time(connection) {
            let statement: Arc<str> = if rows.len() >= many { self.statement(many).into() } else { continue };
            while rows.len() >= many {
                let mut query = sqlx::query(AssertSqlSafe(Arc::clone(&statement)));
                for row in rows.by_ref().take(many) {
                    query = bind(query, row);
                }
                query.execute(&mut *connection).await?;
            }
        }
        Ok(())
    }

    fn statement(&self, rows: usize) -> String {
        let row = |n: usize| {
            let places: Vec<String> =
                (1..=self.columns).map(|column| format!("${}", n * self.columns + column)).collect();
            format!("({})", places.join(", "))
        };
        let rows: Vec<String> = (0..rows).map(row).collect();
        format!("{} values {} {}", self.into, rows.join(", "), self.rest)
    }
}

impl Head {
    /// The counters of these logs, which are this transaction's until it ends. Every transaction takes them in one order.
    async fn take_all(connection: &mut Connection, logs: BTreeSet<LogId>) -> Result<BTreeMap<LogId, Self>> {
        let mut heads = BTreeMap::new();
        if logs.len() > 1 {
            let mut names: Vec<String> = logs.iter().map(ToString::to_string).collect();
            names.sort();
            let rest = if is_shared(connection) { "order by log collate \"C\" for update" } else { "" };
            let query = "select log, seq, chain from log where log";
            for (log, seq, chain) in list::<(String, i64, Vec<u8>), _>(connection, query, rest, &names).await? {
                heads.insert(log.parse()?, Self { seq, chain });
            }
        }
        for log in logs.into_iter().filter(|log| !heads.contains_key(log)).collect::<Vec<_>>() {
            let head = Self::take(connection, &log).await?;
            heads.insert(log, head);
        }
        Ok(heads)
    }

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

    fn id(&self) -> ChangeId {
        match self {
            Self::Change { entry, .. } => entry.change.id,
            Self::Mark { id, .. } => *id,
        }
    }
}
