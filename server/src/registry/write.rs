//! One transaction of the registry: what is loaded, what was judged since, and what is to be put down at its end. It knows
//! rows and seals, not rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use domain::office::{Announced, changed_sheets, opening_of, sights, sights_of, unveiled};
use domain::{
    Activity, Body, CaseCode, CaseId, Change, ChangeId, DeviceId, Entry, Envelope, Grant, LogId, Part, PartKey, Parts,
    PhotoId, PutAway, Reach, Subject, Timestamp, WorkerId, apply,
};

use super::foreseen::Foreseen;
use super::ledger::{Ledger, Shown, Told};
use super::photos;
use super::pull::ActivityReach;
use crate::audit;
use crate::database::{self, Connection};
use crate::seal::Seal;
use crate::staff::Roster;

pub(super) struct Writing<'t> {
    pub(super) connection: &'t mut Connection,
    pub(super) seal: &'t Seal,
    pub(super) roster: Arc<Roster>,
    /// What is put down last.
    ledger: Ledger,
    /// Subjects and changes that no other transaction reads or writes before this one ends.
    turns: BTreeSet<String>,
    /// Subjects that this transaction has touched, as they are now.
    held: BTreeMap<Subject, Held>,
    pub(super) foreseen: Foreseen,
}

/// A subject as it stands: nothing of it may be there yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub(super) log: Option<LogId>,
    pub(super) parts: Parts,
}

/// What the office already has under an id.
#[derive(Clone)]
pub(super) enum Found {
    Accepted { at: Timestamp, digest: Vec<u8> },
    Waiting { at: Timestamp, on: ChangeId, digest: Vec<u8> },
    SetAside { at: Timestamp, digest: Vec<u8>, put_away: Option<PutAway> },
}

/// A change kept as it came.
#[derive(Clone, Copy)]
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
    pub(super) fn new(connection: &'t mut Connection, seal: &'t Seal, roster: Arc<Roster>) -> Self {
        Self {
            connection,
            seal,
            roster,
            ledger: Ledger::default(),
            turns: BTreeSet::new(),
            held: BTreeMap::new(),
            foreseen: Foreseen::default(),
        }
    }

    /// Takes the turn for names that are to be judged, and waits for others who have it: they may be about to write what
    /// is judged here, or to look for what will wait here.
    pub(super) async fn take_turns(&mut self, names: BTreeSet<String>) -> Result<()> {
        let new = names.difference(&self.turns).cloned().collect();
        database::take_turns(self.connection, &new).await?;
        self.turns.extend(new);
        Ok(())
    }

    /// Puts everything down: the last thing before the commit.
    pub(super) async fn finish(self) -> Result<()> {
        self.ledger.put_down(self.connection, self.seal).await?;
        database::end_turns(self.connection, &self.turns).await
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

    /// Lends a held subject to whoever asks this transaction more while they read it; [`Self::give_back`].
    pub(super) fn lend(&mut self, subject: Subject) -> Held {
        self.held.remove(&subject).unwrap_or_default()
    }

    pub(super) fn give_back(&mut self, subject: Subject, held: Held) {
        self.held.insert(subject, held);
    }

    async fn load(&mut self, subject: Subject) -> Result<Result<Held, crate::seal::Damaged>> {
        if let Some(foreseen) = self.foreseen.take_subject(subject) {
            return match foreseen {
                Some((log, rows)) => self.open(subject, log, rows),
                None => Ok(Ok(Held::default())),
            };
        }
        let log = sqlx::query_scalar::<_, String>("select log from subject where subject = $1")
            .bind(subject.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        let Some(log) = log else { return Ok(Ok(Held::default())) };
        let rows = sqlx::query_as::<_, (String, Vec<u8>)>(
            "select key, body from part where log = $1 and subject = $2 and gone = 0",
        )
        .bind(&log)
        .bind(subject.to_string())
        .fetch_all(&mut *self.connection)
        .await?;
        self.open(subject, log, rows)
    }

    fn open(
        &self,
        subject: Subject,
        log: String,
        rows: Vec<(String, Vec<u8>)>,
    ) -> Result<Result<Held, crate::seal::Damaged>> {
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
        if let Some((at, digest)) = self.ledger.find(id) {
            return Ok(Some(Found::Accepted { at, digest: digest.to_vec() }));
        }
        if let Some(foreseen) = self.foreseen.find(id) {
            return Ok(foreseen);
        }
        let text = id.to_string();
        let row = sqlx::query_as::<_, (i64, Vec<u8>)>("select received_at, digest from change where id = $1")
            .bind(&text)
            .fetch_optional(&mut *self.connection)
            .await?;
        if let Some((at, digest)) = row {
            return Ok(Some(Found::Accepted { at: Timestamp(at), digest }));
        }
        let row = sqlx::query_as::<_, (i64, String, Vec<u8>)>(
            "select received_at, on_change, digest from waiting where id = $1",
        )
        .bind(&text)
        .fetch_optional(&mut *self.connection)
        .await?;
        if let Some((at, on, digest)) = row {
            return Ok(Some(Found::Waiting { at: Timestamp(at), on: on.parse()?, digest }));
        }
        // What its own writer gave up is no news to them.
        let row = sqlx::query_as::<_, (i64, Vec<u8>, Option<i64>, Option<i64>, Option<Vec<u8>>)>(
            "select received_at, digest, case when settled_by = author then null else settled_at end, taken, reason
             from quarantine where id = $1",
        )
        .bind(&text)
        .fetch_optional(&mut *self.connection)
        .await?;
        let Some((at, digest, settled_at, taken, reason)) = row else { return Ok(None) };
        let put_away = match (settled_at, taken) {
            (Some(at), Some(0)) => Some(put_away(self.seal, id, at, reason)?),
            _ => None,
        };
        Ok(Some(Found::SetAside { at: Timestamp(at), digest, put_away }))
    }

    /// Whether what waits for `on` would wait for ever: it was put away, or set aside because of that.
    pub(super) async fn is_put_away(&mut self, on: ChangeId) -> Result<bool> {
        let found = sqlx::query_scalar::<_, i64>(
            "select count(*) from quarantine where (id = $1 or opens = $1)
             and ((settled_at is not null and taken = 0) or (settled_at is null and on_change is not null))",
        )
        .bind(on.to_string())
        .fetch_one(&mut *self.connection)
        .await?;
        Ok(found > 0)
    }

    /// What of this writer has waited or was set aside since then and still lies there, in bytes.
    pub(super) async fn left_by(&mut self, worker: WorkerId, since: Timestamp) -> Result<i64> {
        let mut bytes = 0;
        for query in [
            "select cast(coalesce(sum(length(raw)), 0) as bigint) from quarantine where author = $1 and received_at > $2",
            "select cast(coalesce(sum(length(raw)), 0) as bigint) from waiting where author = $1 and received_at > $2",
        ] {
            bytes += sqlx::query_scalar::<_, i64>(query)
                .bind(worker.to_string())
                .bind(since.0)
                .fetch_one(&mut *self.connection)
                .await?;
        }
        Ok(bytes)
    }

    /// As [`Self::has`]; `None` when the database must be asked.
    pub(super) fn is_known_to_have(&self, id: ChangeId, subject: Subject, by: Option<WorkerId>) -> Option<bool> {
        if self.ledger.has(id, subject, by) { Some(true) } else { self.foreseen.has(id, subject, by) }
    }

    /// As [`domain::office::Known::has`].
    pub(super) async fn has(&mut self, id: ChangeId, subject: Subject, by: Option<WorkerId>) -> Result<bool> {
        if let Some(known) = self.is_known_to_have(id, subject, by) {
            return Ok(known);
        }
        let found = sqlx::query_scalar::<_, i64>(
            "select 1 from change where id = $1
             union all select 1 from change where replaces = $1 and subject = $2 and coalesce($3, author) = author
             limit 1",
        )
        .bind(id.to_string())
        .bind(subject.to_string())
        .bind(by.map(|by| by.to_string()))
        .fetch_optional(&mut *self.connection)
        .await?;
        Ok(found.is_some())
    }

    /// Where a photo was announced.
    pub(super) async fn photo(&mut self, photo: PhotoId) -> Result<Option<Announced>> {
        photos::announced(self.connection, photo).await
    }

    /// Whether another case has this code; `None` when the database must be asked.
    pub(super) fn is_known_to_have_code(&self, code: &CaseCode) -> Option<bool> {
        let code = hash_code(self.seal, code);
        if self.ledger.has_code(&code) { Some(true) } else { self.foreseen.has_code(&code) }
    }

    pub(super) async fn has_code(&mut self, code: &CaseCode) -> Result<bool> {
        if let Some(known) = self.is_known_to_have_code(code) {
            return Ok(known);
        }
        let code = hash_code(self.seal, code);
        let found = sqlx::query_scalar::<_, i64>("select 1 from subject where code = $1 limit 1")
            .bind(code)
            .fetch_optional(&mut *self.connection)
            .await?;
        Ok(found.is_some())
    }

    /// Who sees a case, as it stands; `None` when it is not there.
    pub(super) async fn reach(&mut self, case: CaseId) -> Result<Option<Reach>> {
        let subject = Subject::Case(case);
        if let Some(held) = self.held.get(&subject) {
            return Ok(Reach::of(&held.parts));
        }
        let reach = sqlx::query_scalar::<_, Option<String>>("select reach from subject where subject = $1")
            .bind(subject.to_string())
            .fetch_optional(&mut *self.connection)
            .await?
            .flatten();
        Ok(reach.map(|reach| serde_json::from_str(&reach)).transpose()?)
    }

    /// The cases that name this one, where they live, and who sees them.
    pub(super) async fn naming(&mut self, case: CaseId) -> Result<Vec<(Subject, LogId, Reach)>> {
        let other = Subject::Case(case);
        let rows = sqlx::query_as::<_, (String, String)>(
            "select log, subject from case_link where other = $1 order by log, subject",
        )
        .bind(other.to_string())
        .fetch_all(&mut *self.connection)
        .await?;
        let mut all = self.ledger.naming(case);
        for (log, subject) in rows {
            all.insert((log.parse()?, subject.parse()?));
        }
        let mut naming = Vec::with_capacity(all.len());
        for (log, subject) in all {
            let Subject::Case(id) = subject else { continue };
            // Who sees that one does not change either before this is written.
            self.take_turns([opening_of(subject).to_string()].into()).await?;
            naming.extend(self.reach(id).await?.map(|reach| (subject, log, reach)));
        }
        Ok(naming)
    }

    /// Rights at this device's last contact, as JSON.
    pub(super) async fn grants_at_last_contact(&mut self, worker: WorkerId, device: DeviceId) -> Result<String> {
        let grants = self.known_grants(worker, device).await?;
        Ok(grants.unwrap_or_else(|| "[]".to_owned()))
    }

    /// The same; `None` when it was never heard of.
    async fn known_grants(&mut self, worker: WorkerId, device: DeviceId) -> Result<Option<String>> {
        if let Some(grants) = self.ledger.grants(worker, device) {
            return Ok(Some(grants.to_owned()));
        }
        if let Some(foreseen) = self.foreseen.grants(worker, device) {
            return Ok(foreseen);
        }
        let grants = sqlx::query_scalar::<_, String>("select grants from device where worker_id = $1 and device = $2")
            .bind(worker.to_string())
            .bind(device.to_string())
            .fetch_optional(&mut *self.connection)
            .await?;
        Ok(grants)
    }

    /// Notes that the device was heard of; `told` with the rights that it now knows of.
    pub(super) async fn contact(
        &mut self,
        worker: WorkerId,
        device: DeviceId,
        told: Option<&[Grant]>,
        now: Timestamp,
    ) -> Result<()> {
        let known = match told {
            Some(_) => None,
            None => self.known_grants(worker, device).await?,
        };
        // A phone that has only pushed does not know its new rights yet: the rest of what it wrote by the old ones is
        // judged as the first of it was.
        let grants = match known {
            Some(known) => known,
            None => serde_json::to_string(told.unwrap_or_else(|| self.roster.grants(worker)))?,
        };
        self.ledger.contact(worker, device, grants, told.is_some(), now);
        Ok(())
    }

    /// Takes an accepted change down with everything that follows from it.
    pub(super) async fn accept(&mut self, entry: &Entry, digest: &[u8]) -> Result<()> {
        let change = &entry.change;
        let subject = change.subject;
        let Held { log, parts: before } = self.lend(subject);
        let is_born = log.is_none();
        let mut after = before.clone();
        let touched = apply(&mut after, entry);
        let (old_reach, reach) = (Reach::of(&before), Reach::of(&after));

        if let Body::PhotoRemoved { photo } = &change.body {
            let now = entry.received_at().unwrap_or_default();
            photos::remove(self.connection, &before, change, *photo, now).await?;
        }
        let told = match after.activity() {
            Some(_) => sights_of(&before, &after, &change.log, &self.roster.rules),
            None => sights(old_reach.as_ref(), reach.as_ref(), &change.log, &self.roster.rules),
        };
        for sight in told {
            let shown = if sight.shown { Shown::Now } else { Shown::NoLonger };
            self.show(sight.worker, shown, subject, &change.log, change.id);
        }
        if let Subject::Case(case) = subject
            && old_reach != reach
        {
            for (naming, log, naming_reach) in self.naming(case).await? {
                for sight in unveiled(old_reach.as_ref(), reach.as_ref(), &naming_reach, &self.roster.rules) {
                    self.show(sight.worker, Shown::Still, naming, &log, change.id);
                }
            }
        }
        for (facility, referral, sheet) in changed_sheets(&before, &after) {
            let log = LogId::Facility(facility);
            let at = self.ledger.mark(log.clone(), change.id);
            let by = [Some(change.author), sheet.as_ref().map(|s| s.author)];
            for author in by.into_iter().flatten() {
                self.ledger.author(&log, author);
            }
            let sheet = sheet.map(|sheet| Part::Sheet(Box::new(sheet)));
            self.ledger.part(&log, subject, PartKey::Sheet(referral), at, sheet);
        }
        let at = self.ledger.change(entry, digest);
        for key in touched {
            let part = after.0.get(&key).cloned();
            self.ledger.part(&change.log, subject, key, at, part);
        }
        if let Some(other) = change.body.names_case() {
            self.ledger.link(&change.log, subject, other);
        }
        if is_born {
            self.ledger.born(&change.log, subject, at, self.told(&after, reach.as_ref())?);
        } else if reach.is_none() || old_reach != reach || code_of(&before) != code_of(&after) {
            self.ledger.subject(&change.log, subject, self.told(&after, reach.as_ref())?);
        }
        self.put_emergency(&change.log, subject, &before, &after).await?;
        if entry.receipt.as_ref().is_some_and(|r| r.late) {
            let line = audit::Line {
                at: entry.received_at().unwrap_or_default(),
                worker: change.author.to_string(),
                device: change.device.to_string(),
                what: audit::LATE,
                about: change.id.to_string(),
            };
            self.audit(&change.log, line);
        }
        self.held.insert(subject, Held { log: Some(change.log.clone()), parts: after });
        Ok(())
    }

    pub(super) fn audit(&mut self, log: &LogId, line: audit::Line<'static>) {
        self.ledger.audit(log, line);
    }

    fn told(&self, after: &Parts, reach: Option<&Reach>) -> Result<Told> {
        let code = code_of(after).map(|code| hash_code(self.seal, code));
        let reach = match (reach, after.0.get(&PartKey::Activity)) {
            (Some(reach), _) => Some(serde_json::to_string(reach)?),
            (None, Some(Part::Activity(part))) => {
                let (Activity::AnonymousContact { place } | Activity::GroupSession { place, .. }) = &part.activity;
                Some(serde_json::to_string(&ActivityReach { place: place.clone(), author: part.written.by })?)
            }
            (None, _) => None,
        };
        Ok(Told { code, reach })
    }

    /// Tells a worker's phones that they see a subject now, still, or no longer.
    pub(super) fn show(&mut self, worker: WorkerId, shown: Shown, subject: Subject, log: &LogId, id: ChangeId) {
        let at = self.ledger.mark(LogId::Worker(worker), id);
        self.ledger.sight(at, subject, log, shown);
    }

    pub(super) async fn put_waiting(&mut self, raw: &Raw<'_>, on: ChangeId) -> Result<()> {
        self.foreseen.forget(raw.id);
        self.foreseen.waits_for(on);
        sqlx::query(
            "insert into waiting (log, id, on_change, author, device, received_at, digest, grants, raw, ahead_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             on conflict (log, id) do update set on_change = $3",
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
        self.set_aside_with(raw, why, None).await
    }

    /// `on`: what it builds on, when that was put away.
    pub(super) async fn set_aside_with(&mut self, raw: &Raw<'_>, why: &str, on: Option<ChangeId>) -> Result<()> {
        let change = Envelope::read(raw.text);
        let opens = change.filter(|change| change.body.opens()).map(|change| opening_of(change.subject).to_string());
        self.put_into_quarantine(raw, why, opens, on, None).await?;
        self.note(raw, audit::SET_ASIDE);
        Ok(())
    }

    /// Keeps a change that its own writer wants in no case: set aside and settled in one.
    pub(super) async fn put_away(&mut self, raw: &Raw<'_>, why: &str, reason: &str) -> Result<()> {
        self.put_into_quarantine(raw, why, None, None, Some(reason)).await?;
        self.note(raw, audit::DROPPED);
        Ok(())
    }

    /// With a reason it is settled, by its own writer.
    async fn put_into_quarantine(
        &mut self,
        raw: &Raw<'_>,
        why: &str,
        opens: Option<String>,
        on: Option<ChangeId>,
        reason: Option<&str>,
    ) -> Result<()> {
        self.foreseen.forget(raw.id);
        let sealed = reason.map(|reason| self.seal.seal(&about_reason(raw.id), reason.as_bytes())).transpose()?;
        sqlx::query(
            "insert into quarantine (log, id, author, device, received_at, why, digest, grants, raw, opens, on_change,
                 settled_at, settled_by, taken, reason)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
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
        .bind(opens)
        .bind(on.map(|on| on.to_string()))
        .bind(reason.map(|_| raw.received_at.0))
        .bind(reason.map(|_| raw.author.to_string()))
        .bind(reason.map(|_| 0_i64))
        .bind(sealed)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    fn note(&mut self, raw: &Raw<'_>, what: &'static str) {
        let line = audit::Line {
            at: raw.received_at,
            worker: raw.author.to_string(),
            device: raw.device.to_string(),
            what,
            about: raw.id.to_string(),
        };
        self.audit(raw.log, line);
    }
}

fn code_of(parts: &Parts) -> Option<&CaseCode> {
    parts.header().map(|header| &header.code)
}

/// The chain of changes: each hash covers the one before it.
pub(crate) fn link(seal: &Seal, before: &[u8], log: &str, seq: i64, id: &str, digest: &[u8]) -> Vec<u8> {
    seal.hash(&[b"change", before, log.as_bytes(), &seq.to_be_bytes(), id.as_bytes(), digest])
}

pub(crate) fn hash_code(seal: &Seal, code: &CaseCode) -> Vec<u8> {
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

pub(super) fn about_device(worker: WorkerId, device: DeviceId) -> String {
    format!("device:{worker}:{device}")
}

pub(crate) fn about_waiting(id: ChangeId) -> String {
    format!("waiting:{id}")
}

/// Why something that was set aside stays out of its case.
/// Why and when a change was put away, from its row.
pub(super) fn put_away(seal: &Seal, id: ChangeId, at: i64, reason: Option<Vec<u8>>) -> Result<PutAway> {
    let reason = reason.map(|reason| seal.open(&about_reason(id), &reason)).transpose()?;
    Ok(PutAway { at: Timestamp(at), reason: String::from_utf8(reason.unwrap_or_default())? })
}

pub(super) fn about_reason(id: ChangeId) -> String {
    format!("put away:{id}")
}

pub(crate) fn about_quarantine(id: ChangeId) -> String {
    format!("quarantine:{id}")
}
