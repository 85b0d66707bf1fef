//! One transaction of the registry: what is loaded, what is put down, and the counter that is taken last. It knows rows
//! and seals, not rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use domain::office::{Sight, changed_sheets, sights};
use domain::{
    Activity, Body, Change, ChangeId, DeviceId, Entry, Grant, LogId, Part, PartKey, Parts, Reach, Subject, Timestamp,
    WorkerId, apply,
};
use sqlx::SqliteConnection;

use super::pull::ActivityReach;
use crate::audit;
use crate::seal::Seal;
use crate::staff::Roster;

pub(super) struct Writing<'t> {
    pub(super) connection: &'t mut SqliteConnection,
    pub(super) seal: &'t Seal,
    pub(super) roster: Arc<Roster>,
    heads: BTreeMap<LogId, Head>,
    /// Subjects that this transaction has touched, as they are now.
    held: BTreeMap<Subject, Held>,
}

/// The last position of a log, and the chain of the change there.
struct Head {
    seq: i64,
    chain: Vec<u8>,
}

/// A subject as it stands: nothing of it may be there yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub(super) log: Option<LogId>,
    pub(super) parts: Parts,
}

/// What the office already has under an id.
pub(super) enum Found {
    Accepted { at: Timestamp, digest: Vec<u8> },
    Waiting { at: Timestamp, on: ChangeId, digest: Vec<u8> },
    SetAside { at: Timestamp, digest: Vec<u8> },
}

/// A change kept as it came.
pub(super) struct Raw<'a> {
    pub(super) log: &'a LogId,
    pub(super) id: ChangeId,
    pub(super) author: WorkerId,
    pub(super) device: DeviceId,
    pub(super) received_at: Timestamp,
    pub(super) ahead_ms: Option<i64>,
    pub(super) digest: &'a [u8],
    pub(super) grants: &'a str,
    pub(super) text: &'a str,
}

impl<'t> Writing<'t> {
    pub(super) fn new(connection: &'t mut SqliteConnection, seal: &'t Seal, roster: Arc<Roster>) -> Self {
        Self { connection, seal, roster, heads: BTreeMap::new(), held: BTreeMap::new() }
    }

    /// Writes down how far each log has come: the last thing before the commit.
    pub(super) async fn finish(self) -> Result<()> {
        for (log, head) in self.heads {
            sqlx::query(
                "insert into log (log, seq, chain) values (?1, ?2, ?3)
                 on conflict (log) do update set seq = ?2, chain = ?3",
            )
            .bind(log.to_string())
            .bind(head.seq)
            .bind(head.chain)
            .execute(&mut *self.connection)
            .await?;
        }
        Ok(())
    }

    async fn head(&mut self, log: &LogId) -> Result<&mut Head> {
        if !self.heads.contains_key(log) {
            let row = sqlx::query_as::<_, (i64, Vec<u8>)>("select seq, chain from log where log = ?")
                .bind(log.to_string())
                .fetch_optional(&mut *self.connection)
                .await?;
            let (seq, chain) = row.unwrap_or_default();
            self.heads.insert(log.clone(), Head { seq, chain });
        }
        Ok(self.heads.get_mut(log).expect("it was just put there"))
    }

    /// The next position of a worker's or a facility's log.
    async fn mark(&mut self, log: &LogId, id: ChangeId) -> Result<i64> {
        let head = self.head(log).await?;
        head.seq += 1;
        let seq = head.seq;
        sqlx::query("insert into mark (log, seq, id) values (?1, ?2, ?3)")
            .bind(log.to_string())
            .bind(seq)
            .bind(id.to_string())
            .execute(&mut *self.connection)
            .await?;
        Ok(seq)
    }

    /// The subject as it stands; `Err` inside when what is stored of it cannot be opened.
    pub(super) async fn hold(&mut self, subject: Subject) -> Result<Result<&Held, crate::seal::Damaged>> {
        if !self.held.contains_key(&subject) {
            match self.load(subject).await? {
                Ok(held) => self.held.insert(subject, held),
                Err(damaged) => return Ok(Err(damaged)),
            };
        }
        Ok(Ok(&self.held[&subject]))
    }

    async fn load(&mut self, subject: Subject) -> Result<Result<Held, crate::seal::Damaged>> {
        let log = sqlx::query_scalar::<_, String>("select log from subject where subject = ?")
            .bind(subject.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        let Some(log) = log else { return Ok(Ok(Held::default())) };
        let rows = sqlx::query_as::<_, (String, Vec<u8>)>(
            "select key, body from part where log = ? and subject = ? and gone = 0",
        )
        .bind(&log)
        .bind(subject.to_string())
        .fetch_all(&mut *self.connection)
        .await?;
        let mut parts = Parts::default();
        for (key, body) in rows {
            match self.seal.open_json::<Part>(&about_part(&log, subject, &key), &body) {
                Ok(part) => parts.0.insert(key.parse()?, part),
                Err(damaged) => return Ok(Err(damaged)),
            };
        }
        Ok(Ok(Held { log: Some(log.parse()?), parts }))
    }

    pub(super) async fn find(&mut self, id: ChangeId) -> Result<Option<Found>> {
        let text = id.to_string();
        let row = sqlx::query_as::<_, (i64, Vec<u8>)>("select received_at, digest from change where id = ?")
            .bind(&text)
            .fetch_optional(&mut *self.connection)
            .await?;
        if let Some((at, digest)) = row {
            return Ok(Some(Found::Accepted { at: Timestamp(at), digest }));
        }
        let row = sqlx::query_as::<_, (i64, String, Vec<u8>)>(
            "select received_at, on_change, digest from waiting where id = ?",
        )
        .bind(&text)
        .fetch_optional(&mut *self.connection)
        .await?;
        if let Some((at, on, digest)) = row {
            return Ok(Some(Found::Waiting { at: Timestamp(at), on: on.parse()?, digest }));
        }
        let row = sqlx::query_as::<_, (i64, Vec<u8>)>("select received_at, digest from quarantine where id = ?")
            .bind(&text)
            .fetch_optional(&mut *self.connection)
            .await?;
        Ok(row.map(|(at, digest)| Found::SetAside { at: Timestamp(at), digest }))
    }

    /// Whether this change, or one that replaces it, was accepted.
    pub(super) async fn has(&mut self, id: ChangeId) -> Result<bool> {
        let found = sqlx::query_scalar::<_, i64>(
            "select 1 from change where id = ?1 union all select 1 from change where replaces = ?1 limit 1",
        )
        .bind(id.to_string())
        .fetch_optional(&mut *self.connection)
        .await?;
        Ok(found.is_some())
    }

    pub(super) async fn has_code(&mut self, code: &domain::CaseCode) -> Result<bool> {
        let found = sqlx::query_scalar::<_, i64>("select 1 from subject where code = ? limit 1")
            .bind(hash_code(self.seal, code))
            .fetch_optional(&mut *self.connection)
            .await?;
        Ok(found.is_some())
    }

    /// Rights at this device's last contact, as JSON.
    pub(super) async fn grants_at_last_contact(&mut self, worker: WorkerId, device: DeviceId) -> Result<String> {
        let grants = sqlx::query_scalar::<_, String>("select grants from device where worker_id = ? and device = ?")
            .bind(worker.to_string())
            .bind(device.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        Ok(grants.unwrap_or_else(|| "[]".to_owned()))
    }

    /// Notes that the device was heard of; `told` with the rights that it now knows of.
    pub(super) async fn contact(
        &mut self,
        worker: WorkerId,
        device: DeviceId,
        told: Option<&[Grant]>,
        now: Timestamp,
    ) -> Result<()> {
        let grants = told.map(serde_json::to_string).transpose()?;
        // A phone that has only pushed does not know its new rights yet: the rest of what it wrote by the old ones is
        // judged as the first of it was.
        let known = match &grants {
            Some(grants) => grants.clone(),
            None => serde_json::to_string(self.roster.grants(worker))?,
        };
        sqlx::query(
            "insert into device (worker_id, device, first_at, contact_at, grants) values (?1, ?2, ?3, ?3, ?4)
             on conflict (worker_id, device) do update set contact_at = max(contact_at, ?3),
                 grants = coalesce(?5, grants)",
        )
        .bind(worker.to_string())
        .bind(device.to_string())
        .bind(now.0)
        .bind(known)
        .bind(grants)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Puts an accepted change down with everything that follows from it.
    pub(super) async fn accept(&mut self, entry: &Entry, digest: &[u8]) -> Result<()> {
        let change = &entry.change;
        let subject = change.subject;
        let before = self.held.get(&subject).map(|h| h.parts.clone()).unwrap_or_default();
        let is_born = self.held.get(&subject).is_none_or(|h| h.log.is_none());
        let mut after = before.clone();
        let touched = apply(&mut after, entry);
        let (old_reach, reach) = (Reach::of(&before), Reach::of(&after));

        for sight in sights(old_reach.as_ref(), reach.as_ref(), &change.log, &self.roster.rules) {
            self.put_sight(&sight, subject, &change.log, change.id).await?;
        }
        for (facility, referral, sheet) in changed_sheets(&before, &after) {
            let log = LogId::Facility(facility);
            let seq = self.mark(&log, change.id).await?;
            let by = [Some(change.author), sheet.as_ref().map(|s| s.author)];
            for author in by.into_iter().flatten() {
                self.put_author(&log, author).await?;
            }
            let sheet = sheet.map(|sheet| Part::Sheet(Box::new(sheet)));
            self.put_part(&log, subject, PartKey::Sheet(referral), seq, sheet.as_ref()).await?;
        }
        let seq = self.put_change(entry, digest).await?;
        for key in touched {
            self.put_part(&change.log, subject, key, seq, after.0.get(&key)).await?;
        }
        self.put_subject(change, seq, is_born, &after, reach.as_ref()).await?;
        self.put_author(&change.log, change.author).await?;
        if entry.receipt.as_ref().is_some_and(|r| r.late) {
            self.audit(&change.log, change.author, change.device, audit::LATE, change.id.to_string(), entry).await?;
        }
        self.held.insert(subject, Held { log: Some(change.log.clone()), parts: after });
        Ok(())
    }

    async fn put_author(&mut self, log: &LogId, author: WorkerId) -> Result<()> {
        sqlx::query("insert into author (log, worker_id) values (?1, ?2) on conflict do nothing")
            .bind(log.to_string())
            .bind(author.to_string())
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    async fn audit(
        &mut self,
        log: &LogId,
        worker: WorkerId,
        device: DeviceId,
        what: &str,
        about: String,
        entry: &Entry,
    ) -> Result<()> {
        let at = entry.received_at().unwrap_or_default();
        let line = audit::Line { at, worker: worker.to_string(), device: device.to_string(), what, about };
        audit::append(self.connection, self.seal, log, &line).await
    }

    async fn put_change(&mut self, entry: &Entry, digest: &[u8]) -> Result<i64> {
        let change = &entry.change;
        let log = change.log.to_string();
        let id = change.id.to_string();
        let body = self.seal.seal_json(&about_change(&id), entry)?;
        let received_at = entry.received_at().unwrap_or_default().0;
        let seal = self.seal;
        let head = self.head(&change.log).await?;
        head.seq += 1;
        head.chain = link(seal, &head.chain, &log, head.seq, &id, digest);
        let (seq, chain) = (head.seq, head.chain.clone());
        sqlx::query(
            "insert into change (log, seq, id, subject, author, device, n, recorded_at, received_at, replaces, digest,
                 chain, body)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )
        .bind(&log)
        .bind(seq)
        .bind(&id)
        .bind(change.subject.to_string())
        .bind(change.author.to_string())
        .bind(change.device.to_string())
        .bind(i64::try_from(change.n).unwrap_or(i64::MAX))
        .bind(change.recorded_at.0)
        .bind(received_at)
        .bind(change.replaces.map(|r| r.to_string()))
        .bind(digest)
        .bind(chain)
        .bind(body)
        .execute(&mut *self.connection)
        .await?;
        Ok(seq)
    }

    async fn put_part(
        &mut self,
        log: &LogId,
        subject: Subject,
        key: PartKey,
        seq: i64,
        part: Option<&Part>,
    ) -> Result<()> {
        let (log, key) = (log.to_string(), key.to_string());
        let body = match part {
            Some(part) => self.seal.seal_json(&about_part(&log, subject, &key), part)?,
            None => vec![],
        };
        sqlx::query(
            "insert into part (log, subject, key, seq, gone, body) values (?1, ?2, ?3, ?4, ?5, ?6)
             on conflict (log, subject, key) do update set seq = ?4, gone = ?5, body = ?6",
        )
        .bind(log)
        .bind(subject.to_string())
        .bind(key)
        .bind(seq)
        .bind(i64::from(part.is_none()))
        .bind(body)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    async fn put_subject(
        &mut self,
        change: &Change,
        seq: i64,
        is_born: bool,
        after: &Parts,
        reach: Option<&Reach>,
    ) -> Result<()> {
        let code = after.header().map(|h| hash_code(self.seal, &h.code));
        let reach = match (reach, after.0.get(&PartKey::Activity)) {
            (Some(reach), _) => Some(serde_json::to_string(reach)?),
            (None, Some(Part::Activity(part))) => {
                let (Activity::AnonymousContact { place } | Activity::GroupSession { place, .. }) = &part.activity;
                Some(serde_json::to_string(&ActivityReach { place: place.clone(), author: part.written.by })?)
            }
            (None, _) => None,
        };
        if is_born {
            sqlx::query("insert into subject (log, subject, born, code, reach) values (?1, ?2, ?3, ?4, ?5)")
                .bind(change.log.to_string())
                .bind(change.subject.to_string())
                .bind(seq)
                .bind(code)
                .bind(reach)
                .execute(&mut *self.connection)
                .await?;
        } else if !matches!(change.body, Body::Looked) {
            sqlx::query("update subject set reach = ?3, code = ?4 where log = ?1 and subject = ?2")
                .bind(change.log.to_string())
                .bind(change.subject.to_string())
                .bind(reach)
                .bind(code)
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(())
    }

    /// Tells a worker's phones that they see a subject now, or no longer.
    pub(super) async fn put_sight(&mut self, sight: &Sight, subject: Subject, log: &LogId, id: ChangeId) -> Result<()> {
        let own = LogId::Worker(sight.worker);
        let seq = self.mark(&own, id).await?;
        sqlx::query("insert into sight (log, seq, subject, subject_log, shown) values (?1, ?2, ?3, ?4, ?5)")
            .bind(own.to_string())
            .bind(seq)
            .bind(subject.to_string())
            .bind(log.to_string())
            .bind(i64::from(sight.shown))
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    pub(super) async fn put_waiting(&mut self, raw: &Raw<'_>, on: ChangeId) -> Result<()> {
        sqlx::query(
            "insert into waiting (log, id, on_change, author, device, received_at, digest, grants, raw, ahead_ms)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             on conflict (log, id) do update set on_change = ?3",
        )
        .bind(raw.log.to_string())
        .bind(raw.id.to_string())
        .bind(on.to_string())
        .bind(raw.author.to_string())
        .bind(raw.device.to_string())
        .bind(raw.received_at.0)
        .bind(raw.digest)
        .bind(raw.grants)
        .bind(self.seal.seal(&about_waiting(raw.id), raw.text.as_bytes())?)
        .bind(raw.ahead_ms)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    pub(super) async fn set_aside(&mut self, raw: &Raw<'_>, why: &str) -> Result<()> {
        sqlx::query(
            "insert into quarantine (log, id, author, device, received_at, why, digest, grants, raw)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .bind(raw.log.to_string())
        .bind(raw.id.to_string())
        .bind(raw.author.to_string())
        .bind(raw.device.to_string())
        .bind(raw.received_at.0)
        .bind(why)
        .bind(raw.digest)
        .bind(raw.grants)
        .bind(self.seal.seal(&about_quarantine(raw.id), raw.text.as_bytes())?)
        .execute(&mut *self.connection)
        .await?;
        let line = audit::Line {
            at: raw.received_at,
            worker: raw.author.to_string(),
            device: raw.device.to_string(),
            what: audit::SET_ASIDE,
            about: raw.id.to_string(),
        };
        audit::append(self.connection, self.seal, raw.log, &line).await
    }
}

/// The chain of changes: each hash covers the one before it.
pub(crate) fn link(seal: &Seal, before: &[u8], log: &str, seq: i64, id: &str, digest: &[u8]) -> Vec<u8> {
    seal.hash(&[b"change", before, log.as_bytes(), &seq.to_be_bytes(), id.as_bytes(), digest])
}

pub(crate) fn hash_code(seal: &Seal, code: &domain::CaseCode) -> Vec<u8> {
    seal.hash(&[b"case code", code.as_str().as_bytes()])
}

/// The digest under which a change is known: of what it says, not of how its JSON was written.
pub(crate) fn digest(seal: &Seal, change: &Change) -> Result<Vec<u8>> {
    Ok(seal.hash(&[b"change body", &serde_json::to_vec(change)?]))
}

pub(crate) fn about_part(log: &str, subject: Subject, key: &str) -> String {
    format!("part:{log}:{subject}:{key}")
}

pub(crate) fn about_change(id: &str) -> String {
    format!("change:{id}")
}

pub(super) fn about_waiting(id: ChangeId) -> String {
    format!("waiting:{id}")
}

/// Why something that was set aside stays out of its case.
pub(super) fn about_reason(id: ChangeId) -> String {
    format!("put away:{id}")
}

pub(super) fn about_quarantine(id: ChangeId) -> String {
    format!("quarantine:{id}")
}
