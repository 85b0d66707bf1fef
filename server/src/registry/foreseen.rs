//! What the pushes of one transaction are going to ask, looked up for all of them at once: a question to the database costs
//! more than its answer. It knows tables, not what comes of the answers; whoever asks for something else asks the database.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use domain::office::{Replaced, opening_of, releases};
use domain::{Body, Change, ChangeId, DeviceId, Subject, Timestamp, WorkerId};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Encode, FromRow, Type};

use super::write::{Found, hash_code};
use crate::database::{Connection, is_shared};
use crate::seal::Seal;

/// How many values one statement looks for: what is left of a chunk is filled with its last value, so that there are no
/// more statements than these. To PostgreSQL each is a journey; SQLite looks through all names of a statement's values for
/// each of them.
fn chunks(connection: &Connection) -> &'static [usize] {
    if is_shared(connection) { &[8, 64, 256, 1024] } else { &[8, 64, 256] }
}

#[derive(Default)]
pub(super) struct Foreseen {
    found: BTreeMap<ChangeId, Option<Found>>,
    /// Which of the changes asked for were accepted, and what stands in the place of others.
    accepted: BTreeMap<ChangeId, bool>,
    replaced: Replaced,
    codes: BTreeMap<Vec<u8>, bool>,
    waited_for: BTreeMap<ChangeId, bool>,
    /// With the log of each and its parts as they are sealed.
    subjects: BTreeMap<Subject, Option<(String, SealedParts)>>,
    /// Rights at the last contact, as JSON.
    grants: BTreeMap<(WorkerId, DeviceId), Option<String>>,
}

pub(super) type SealedParts = Vec<(String, Vec<u8>)>;

impl Foreseen {
    /// Looks up what judging `changes` asks, which came from these devices; `sent` are the ids of all that came, readable or
    /// not. What this transaction reads must be its own by then.
    pub(super) async fn look(
        connection: &mut Connection,
        seal: &Seal,
        devices: &BTreeSet<(WorkerId, DeviceId)>,
        sent: &BTreeSet<ChangeId>,
        changes: &[&Change],
    ) -> Result<Self> {
        let mut known: BTreeSet<ChangeId> = sent.clone();
        let (mut codes, mut waited_for, mut subjects) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for change in changes {
            known.extend(change.body.builds_on());
            known.extend(change.replaces);
            waited_for.extend(releases(change));
            subjects.insert(change.subject);
            if let Body::CaseOpened { code, .. } = &change.body {
                codes.insert(hash_code(seal, code));
            }
        }
        known.extend(subjects.iter().map(|subject| opening_of(*subject)));
        let mut foreseen = Self {
            found: sent.iter().map(|id| (*id, None)).collect(),
            accepted: known.iter().map(|id| (*id, false)).collect(),
            replaced: Replaced::default(),
            codes: codes.iter().map(|code| (code.clone(), false)).collect(),
            waited_for: waited_for.iter().map(|id| (*id, false)).collect(),
            subjects: subjects.iter().map(|subject| (*subject, None)).collect(),
            grants: devices.iter().map(|device| (*device, None)).collect(),
        };
        foreseen.look_for_changes(connection, &known, sent).await?;
        let codes: Vec<Vec<u8>> = codes.into_iter().collect();
        for (code,) in list::<(Vec<u8>,), _>(connection, "select code from subject where code", "", &codes).await? {
            foreseen.codes.insert(code, true);
        }
        if is_there(connection, "select 1 from waiting limit 1").await? {
            let query = "select distinct on_change from waiting where on_change";
            for (on,) in list::<(String,), _>(connection, query, "", &names(&waited_for)).await? {
                foreseen.waited_for.insert(on.parse()?, true);
            }
        }
        foreseen.look_for_subjects(connection, &names(&subjects)).await?;
        foreseen.look_for_grants(connection).await?;
        Ok(foreseen)
    }

    async fn look_for_grants(&mut self, connection: &mut Connection) -> Result<()> {
        let workers = self.grants.keys().map(|(worker, _)| *worker).collect();
        let query = "select worker_id, device, grants from device where worker_id";
        type Row = (String, String, String);
        for (worker, device, grants) in list::<Row, _>(connection, query, "", &names(&workers)).await? {
            if let Some(known) = self.grants.get_mut(&(worker.parse()?, device.parse()?)) {
                *known = Some(grants);
            }
        }
        Ok(())
    }

    async fn look_for_changes(
        &mut self,
        connection: &mut Connection,
        known: &BTreeSet<ChangeId>,
        sent: &BTreeSet<ChangeId>,
    ) -> Result<()> {
        let ids = names(known);
        type Accepted = (String, i64, Vec<u8>);
        let query = "select id, received_at, digest from change where id";
        for (id, at, digest) in list::<Accepted, _>(connection, query, "", &ids).await? {
            let id = id.parse()?;
            self.accepted.insert(id, true);
            if sent.contains(&id) {
                self.found.insert(id, Some(Found::Accepted { at: Timestamp(at), digest }));
            }
        }
        let query = "select replaces, subject, author from change where replaces";
        for (id, subject, author) in list::<(String, String, String), _>(connection, query, "", &ids).await? {
            self.replaced.insert(id.parse()?, subject.parse()?, author.parse()?);
        }
        let ids = names(sent);
        // Mostly nothing waits, and nothing was ever set aside.
        if is_there(connection, "select 1 from waiting limit 1").await? {
            type Waiting = (String, i64, String, Vec<u8>);
            let query = "select id, received_at, on_change, digest from waiting where id";
            for (id, at, on, digest) in list::<Waiting, _>(connection, query, "", &ids).await? {
                let found = Found::Waiting { at: Timestamp(at), on: on.parse()?, digest };
                self.found.insert(id.parse()?, Some(found));
            }
        }
        if !is_there(connection, "select 1 from quarantine limit 1").await? {
            return Ok(());
        }
        // What became of something set aside is asked for by itself: it is rare.
        for (id,) in list::<(String,), _>(connection, "select id from quarantine where id", "", &ids).await? {
            let id = id.parse()?;
            if let Some(None) = self.found.get(&id) {
                self.found.remove(&id);
            }
        }
        Ok(())
    }

    async fn look_for_subjects(&mut self, connection: &mut Connection, subjects: &[String]) -> Result<()> {
        let query = "select subject, log from subject where subject";
        let there = list::<(String, String), _>(connection, query, "", subjects).await?;
        let there: Vec<String> = there
            .into_iter()
            .map(|(subject, log)| {
                self.subjects.insert(subject.parse()?, Some((log, vec![])));
                Ok(subject)
            })
            .collect::<Result<_>>()?;
        let query = "select part.subject, part.key, part.body
             from subject join part on part.log = subject.log and part.subject = subject.subject
             where subject.subject";
        type Sealed = (String, String, Vec<u8>);
        for (subject, key, body) in list::<Sealed, _>(connection, query, "and part.gone = 0", &there).await? {
            if let Some(Some((_, parts))) = self.subjects.get_mut(&subject.parse()?) {
                parts.push((key, body));
            }
        }
        Ok(())
    }

    /// What the office has under an id; `None` when that was not looked up.
    pub(super) fn find(&self, id: ChangeId) -> Option<Option<Found>> {
        self.found.get(&id).cloned()
    }
    /// As [`domain::office::Known::has`], before this transaction.
    pub(super) fn has(&self, id: ChangeId, subject: Subject, by: Option<WorkerId>) -> Option<bool> {
        let accepted = *self.accepted.get(&id)?;
        Some(accepted || self.replaced.has(id, subject, by))
    }
    pub(super) fn has_code(&self, code: &[u8]) -> Option<bool> {
        self.codes.get(code).copied()
    }
    /// Whether anything waits for this change.
    pub(super) fn is_waited_for(&self, id: ChangeId) -> Option<bool> {
        self.waited_for.get(&id).copied()
    }
    /// The rights that a device knew of before this transaction; the inner `None` when it was never heard of.
    pub(super) fn grants(&self, worker: WorkerId, device: DeviceId) -> Option<Option<String>> {
        self.grants.get(&(worker, device)).cloned()
    }
    /// The log of a subject with its sealed parts, given away: from then on it is held.
    pub(super) fn take_subject(&mut self, subject: Subject) -> Option<Option<(String, SealedParts)>> {
        self.subjects.remove(&subject)
    }

    /// This transaction has moved a change to or from those that wait or were set aside.
    pub(super) fn forget(&mut self, id: ChangeId) {
        self.found.remove(&id);
    }
    /// Something of this transaction waits for a change.
    pub(super) fn waits_for(&mut self, on: ChangeId) {
        self.waited_for.insert(on, true);
    }
}

fn names<T: ToString>(ids: &BTreeSet<T>) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

async fn is_there(connection: &mut Connection, query: &'static str) -> Result<bool> {
    Ok(sqlx::query(query).fetch_optional(connection).await?.is_some())
}

/// The rows of `query in (values) rest`.
pub(super) async fn list<R, V>(connection: &mut Connection, query: &str, rest: &str, values: &[V]) -> Result<Vec<R>>
where
    R: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
    V: for<'q> Encode<'q, Any> + Type<Any> + Clone + Send + 'static,
{
    let mut rows = Vec::new();
    let chunks = chunks(connection);
    for some in values.chunks(chunks.last().copied().unwrap_or(1)) {
        let Some(last) = some.last() else { continue };
        let wanted = chunks.iter().copied().find(|chunk| *chunk >= some.len()).unwrap_or(some.len());
        let places: Vec<String> = (1..=wanted).map(|place| format!("${place}")).collect();
        let sql = format!("{query} in ({}) {rest}", places.join(", "));
        let mut asked = sqlx::query_as::<_, R>(AssertSqlSafe(sql));
        for value in some.iter().chain(std::iter::repeat_n(last, wanted - some.len())) {
            asked = asked.bind(value.clone());
        }
        rows.extend(asked.fetch_all(&mut *connection).await?);
    }
    Ok(rows)
}
