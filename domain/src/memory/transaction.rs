//! A push as a transaction in steps: read, judge, allocate, commit. It takes no lock; whoever runs several beside each other
//! does.

use std::collections::{BTreeMap, BTreeSet};

use super::registry::{Aside, By, Held, Kept, MemoryRegistry, OfficeState, Waiting};
use crate::{
    access::Reach,
    apply::apply,
    change::{BadBody, Body, Change, Dropped, Entry, Envelope, is_all_of},
    check::Refusal,
    id::{CaseCode, CaseId, ChangeId, DeviceId, FacilityId, LogId, PhotoId, Subject, WorkerId},
    json,
    letter::Carried,
    limits,
    map::Set,
    office::{self, Announced, Arrival, Known, Received, Replaced, Rights, Sight},
    part::{PartKey, Parts, Sheet},
    registry::Session,
    time::Timestamp,
    wire::{ApiError, PushBatch, Verdict},
};

/// A push under way: what it has read and what it will write. Nobody else sees any of it before the commit.
#[derive(Debug)]
pub struct Transaction {
    by: By,
    now: Timestamp,
    changes: Vec<Came>,
    /// Somebody else may have brought them: nobody waits for a refusal.
    carried: bool,
    /// Cases that name one of those it changes: who sees them must not change meanwhile either.
    beside: BTreeSet<Subject>,
    read: BTreeMap<Subject, Parts>,
    accepted: Vec<Accepted>,
    replaced: Replaced,
    waits: Vec<Waiting>,
    released: BTreeSet<ChangeId>,
    set_aside: Vec<Aside>,
    /// Photos that it is the first to speak of.
    announced: BTreeMap<PhotoId, Announced>,
    verdicts: Vec<Verdict>,
    taken: BTreeMap<LogId, u64>,
}

/// A change as it came.
#[derive(Debug, Clone)]
struct Came {
    raw: String,
    /// How far the office's clock was ahead of the phone's.
    ahead_ms: Option<i64>,
}

/// An accepted change with all that follows from it.
#[derive(Debug)]
struct Accepted {
    raw: String,
    entry: Entry,
    touched: Set<PartKey>,
    sights: Vec<(Subject, Sight)>,
    sheets: Vec<(FacilityId, ChangeId, Option<Sheet>)>,
    /// The position in the log of the change, then those of the sights, then those of the sheets.
    seqs: Vec<u64>,
}

impl Accepted {
    fn logs(&self) -> impl Iterator<Item = LogId> {
        let sights = self.sights.iter().map(|(_, sight)| LogId::Worker(sight.worker));
        let sheets = self.sheets.iter().map(|(facility, ..)| LogId::Facility(*facility));
        std::iter::once(self.entry.change.log.clone()).chain(sights).chain(sheets)
    }
}

impl Transaction {
    fn new(by: By, changes: Vec<Came>, carried: bool, now: Timestamp) -> Self {
        Self {
            by,
            now,
            changes,
            carried,
            beside: BTreeSet::new(),
            read: BTreeMap::new(),
            accepted: vec![],
            replaced: Replaced::default(),
            waits: vec![],
            released: BTreeSet::new(),
            set_aside: vec![],
            announced: BTreeMap::new(),
            verdicts: vec![],
            taken: BTreeMap::new(),
        }
    }
    fn look_beside(&mut self, state: &OfficeState) {
        let cases: BTreeSet<CaseId> = self.subjects().into_iter().filter_map(Subject::case).collect();
        let names = |parts: &Parts| parts.header().is_some_and(|h| h.links.keys().any(|other| cases.contains(other)));
        let beside = state.subjects.iter().filter(|(_, held)| names(&held.parts)).map(|(subject, _)| *subject);
        self.beside = beside.collect();
    }
    /// The subjects it will change: what a database locks before it reads them.
    #[must_use]
    pub fn subjects(&self) -> BTreeSet<Subject> {
        let envelope = |came: &Came| serde_json::from_str::<Envelope>(&came.raw).ok();
        let named = |e: Envelope| {
            let subject = e.subject;
            let other = e.open().ok().and_then(|change| change.body.names_case()).map(Subject::Case);
            std::iter::once(subject).chain(other)
        };
        self.changes.iter().filter_map(envelope).flat_map(named).chain(self.beside.iter().copied()).collect()
    }
    /// The logs whose counters it takes from, known once it was judged.
    #[must_use]
    pub fn logs(&self) -> BTreeSet<LogId> {
        self.accepted.iter().flat_map(Accepted::logs).collect()
    }
    /// The positions it was given, in the order of its changes.
    #[must_use]
    pub fn positions(&self) -> Vec<(LogId, u64)> {
        self.accepted.iter().flat_map(|a| a.logs().zip(a.seqs.iter().copied())).collect()
    }
    /// A subject as it will be.
    pub fn parts_mut(&mut self, subject: Subject) -> Option<&mut Parts> {
        self.read.get_mut(&subject)
    }
}

/// What a transaction knows: what is committed, and what it will write itself.
struct View<'a>(&'a OfficeState, &'a Transaction);

impl Known for View<'_> {
    fn has(&self, change: ChangeId, subject: Subject, by: Option<WorkerId>) -> bool {
        self.0.changes.contains_key(&change)
            || self.0.replaced.has(change, subject, by)
            || self.1.accepted.iter().any(|accepted| accepted.entry.change.id == change)
            || self.1.replaced.has(change, subject, by)
    }
    fn photo(&self, photo: PhotoId) -> Option<Announced> {
        self.1.announced.get(&photo).or_else(|| self.0.photos.get(&photo)).cloned()
    }
    fn has_code(&self, code: &CaseCode) -> bool {
        let is = |parts: &Parts| parts.header().is_some_and(|h| h.code == *code);
        self.0.subjects.values().any(|s| is(&s.parts)) || self.1.read.values().any(is)
    }
    fn reach(&self, case: CaseId) -> Option<Reach> {
        let subject = Subject::Case(case);
        let stored = || self.0.subjects.get(&subject).map(|held| &held.parts);
        Reach::of(self.1.read.get(&subject).or_else(stored)?)
    }
}

/// The steps of a push, in their order.
impl MemoryRegistry {
    /// # Errors
    /// As [`crate::Registry::push`].
    pub fn begin(&self, session: &Session, batch: &PushBatch, now: Timestamp) -> Result<Transaction, ApiError> {
        let state = self.state();
        if batch.worker != session.worker || !state.workers.contains_key(&session.worker) {
            return Err(ApiError::SignedOut);
        }
        if batch.changes.len() > limits::PUSH_CHANGES {
            return Err(ApiError::TooLarge);
        }
        let foreign = batch.changes.iter().any(|raw| {
            serde_json::from_str::<Envelope>(raw.get())
                .is_ok_and(|e| e.author != session.worker || e.device != batch.device)
        });
        if foreign {
            return Err(ApiError::SignedOut);
        }
        let then = state.contacts.get(&(session.worker, batch.device)).cloned().unwrap_or_default();
        let ahead_ms = batch.sent_at.map(|sent| now.0.saturating_sub(sent.0));
        let by = By { worker: session.worker, then, ahead_ms };
        let came = batch.changes.iter().map(|raw| Came { raw: raw.get().to_owned(), ahead_ms });
        let mut transaction = Transaction::new(by, came.collect(), false, now);
        transaction.look_beside(&state);
        Ok(transaction)
    }
    /// As [`Self::begin`] for letters of one writer on one device, whoever brought them: what a push would refuse is set
    /// aside, since nobody may be there to be told. That they are theirs was proved before.
    #[must_use]
    pub fn begin_letters(
        &self,
        worker: WorkerId,
        device: DeviceId,
        letters: Vec<Carried>,
        now: Timestamp,
    ) -> Transaction {
        let state = self.state();
        let then = state.contacts.get(&(worker, device)).cloned().unwrap_or_default();
        let by = By { worker, then, ahead_ms: None };
        let came = letters.into_iter().map(|letter| Came { raw: letter.text, ahead_ms: letter.ahead_ms });
        let mut transaction = Transaction::new(by, came.collect(), true, now);
        transaction.look_beside(&state);
        transaction
    }
    /// Tries again what was set aside because its kind was not known, as far as it is known now; what the rules refuse stays
    /// set aside, for nobody can be answered any more. No other transaction is under way.
    pub fn retry_unknown(&self, now: Timestamp) {
        let unknown = {
            let mut state = self.state();
            let (unknown, rest) = std::mem::take(&mut state.quarantine).into_iter().partition(|aside| aside.unknown);
            state.quarantine = rest;
            let unknown: Vec<Aside> = unknown;
            unknown
        };
        for aside in unknown {
            let came = Came { raw: aside.raw.clone(), ahead_ms: aside.by.ahead_ms };
            let mut transaction = Transaction::new(aside.by.clone(), vec![came], false, now);
            self.read(&mut transaction);
            self.judge(&mut transaction);
            self.allocate(&mut transaction);
            let verdicts = self.commit(transaction);
            if let [Verdict::Refused { .. }] = verdicts[..] {
                self.state().quarantine.push(Aside { unknown: false, ..aside });
            }
        }
    }
    /// Reads the subjects. Whoever wants to be sure that nobody changes them before the commit holds their locks.
    pub fn read(&self, transaction: &mut Transaction) {
        let state = self.state();
        for subject in transaction.subjects() {
            let parts = state.subjects.get(&subject).map(|h| h.parts.clone()).unwrap_or_default();
            transaction.read.insert(subject, parts);
        }
    }
    /// Judges each change by itself, on what was read and what the changes before it in the batch made of that.
    pub fn judge(&self, transaction: &mut Transaction) {
        let state = self.state();
        for Came { raw, ahead_ms } in transaction.changes.clone() {
            let by = By { ahead_ms, ..transaction.by.clone() };
            let verdict = state.take(transaction, &raw, &by);
            transaction.verdicts.push(verdict);
        }
    }
    /// Takes the positions from the logs' counters: the last thing before the commit.
    pub fn allocate(&self, transaction: &mut Transaction) {
        let mut state = self.state();
        for accepted in &mut transaction.accepted {
            for log in accepted.logs().collect::<Vec<_>>() {
                accepted.seqs.push(state.next(&log));
                *transaction.taken.entry(log).or_default() += 1;
            }
        }
    }
    /// Gives the positions back, as a counter row does that was updated in a transaction which ends without a commit.
    pub fn roll_back(&self, transaction: Transaction) {
        let mut state = self.state();
        for (log, taken) in transaction.taken {
            *state.heads.entry(log).or_default() -= taken;
        }
    }
    pub fn commit(&self, transaction: Transaction) -> Vec<Verdict> {
        let mut guard = self.state();
        let state = &mut *guard;
        let Transaction { mut read, accepted, waits, released, set_aside, announced, verdicts, .. } = transaction;
        for (photo, first) in announced {
            state.photos.entry(photo).or_insert(first);
        }
        for accepted in accepted {
            state.put(accepted, &mut read);
        }
        state.waiting.retain(|w| !released.contains(&w.id));
        state.waiting.extend(waits);
        state.quarantine.extend(set_aside);
        verdicts
    }
}

impl OfficeState {
    fn take(&self, transaction: &mut Transaction, raw: &str, by: &By) -> Verdict {
        let now = transaction.now;
        let Ok(envelope) = serde_json::from_str::<Envelope>(raw) else {
            return Verdict::Refused { why: Refusal::Broken };
        };
        if raw.len() > limits::CHANGE_BYTES {
            return Verdict::Refused { why: Refusal::TooLarge };
        }
        let id = envelope.id;
        if let Some((known, verdict)) = self.find(transaction, id) {
            return if known == raw { verdict } else { Verdict::Refused { why: Refusal::OtherBody } };
        }
        let change = match self.open(envelope) {
            Ok(change) if change.v > limits::PROTOCOL_VERSION || !is_all_of(&change, raw) => {
                transaction.set_aside.push(Aside { id, raw: raw.to_owned(), unknown: true, by: by.clone() });
                return Verdict::Quarantined { at: now, put_away: None };
            }
            Ok(change) => change,
            Err(BadBody::Broken) if transaction.carried => return Self::put_aside(transaction, id, raw, by),
            Err(BadBody::Broken) => return Verdict::Refused { why: Refusal::Broken },
            Err(BadBody::Unknown) => {
                transaction.set_aside.push(Aside { id, raw: raw.to_owned(), unknown: true, by: by.clone() });
                return Verdict::Quarantined { at: now, put_away: None };
            }
        };
        let judged = self.judge(transaction, change.clone(), by);
        if let Body::PhotoAdded(photo) = &change.body
            && (transaction.carried || !matches!(judged, Received::Refused(_)))
            && !self.photos.contains_key(&photo.photo)
        {
            transaction.announced.entry(photo.photo).or_insert_with(|| Announced::by(&change));
        }
        match judged {
            Received::Accepted(entry) => {
                self.accept(transaction, raw, *entry);
                Verdict::Accepted { at: now }
            }
            Received::Waiting { on } => {
                transaction.waits.push(Waiting { id, on, raw: raw.to_owned(), by: by.clone() });
                Verdict::Waiting { at: now, on }
            }
            Received::Refused(why) if !transaction.carried => Verdict::Refused { why },
            Received::Refused(_) | Received::Quarantined => Self::put_aside(transaction, id, raw, by),
            Received::Dropped(dropped) => {
                self.put_away(transaction, &dropped, by);
                Self::put_aside(transaction, id, raw, by)
            }
        }
    }

    /// Keeps it for somebody with the right to read it.
    fn put_aside(transaction: &mut Transaction, id: ChangeId, raw: &str, by: &By) -> Verdict {
        transaction.set_aside.push(Aside { id, raw: raw.to_owned(), unknown: false, by: by.clone() });
        Verdict::Quarantined { at: transaction.now, put_away: None }
    }

    fn open(&self, envelope: Envelope) -> Result<Change, BadBody> {
        let kind = json::variant(envelope.body.get().as_bytes());
        if kind.is_some_and(|kind| self.unheard.contains(&*kind)) {
            return Err(BadBody::Unknown);
        }
        envelope.open()
    }

    /// Keeps what its writer gave up, unless it is here already, and sets aside what waited for it.
    fn put_away(&self, transaction: &mut Transaction, dropped: &Dropped, by: &By) {
        let Some(change) = dropped.read().filter(|change| change.author == by.worker) else { return };
        if self.find(transaction, change.id).is_some() {
            return;
        }
        transaction.set_aside.push(Aside {
            id: change.id,
            raw: dropped.content.clone(),
            unknown: false,
            by: by.clone(),
        });
        let releases = office::releases(&change);
        let (own, rest) = std::mem::take(&mut transaction.waits).into_iter().partition(|w| releases.contains(&w.on));
        transaction.waits = rest;
        let mut orphans: Vec<Waiting> = own;
        let stored = self.waiting.iter().filter(|w| releases.contains(&w.on) && !transaction.released.contains(&w.id));
        orphans.extend(stored.cloned());
        transaction.released.extend(orphans.iter().map(|w| w.id));
        let aside = |w: Waiting| Aside { id: w.id, raw: w.raw, unknown: false, by: w.by };
        transaction.set_aside.extend(orphans.into_iter().map(aside));
    }

    /// What the office already has under an id, as it came, and what it says of it.
    fn find<'a>(&'a self, transaction: &'a Transaction, id: ChangeId) -> Option<(&'a str, Verdict)> {
        let now = transaction.now;
        let known = |entry: &Entry| Verdict::AlreadyKnown { at: entry.received_at().unwrap_or(now) };
        let kept = self.changes.get(&id).map(|k| (&*k.raw, known(&k.entry)));
        let accepted = || {
            let own = transaction.accepted.iter().find(|a| a.entry.change.id == id);
            own.map(|a| (&*a.raw, known(&a.entry)))
        };
        let aside = || {
            let found = self.quarantine.iter().chain(&transaction.set_aside).find(|aside| aside.id == id);
            found.map(|aside| (&*aside.raw, Verdict::Quarantined { at: now, put_away: None }))
        };
        let waits = || {
            let waits = self.waiting.iter().filter(|w| !transaction.released.contains(&w.id));
            let found = waits.chain(&transaction.waits).find(|w| w.id == id);
            found.map(|w| (&*w.raw, Verdict::Waiting { at: now, on: w.on }))
        };
        kept.or_else(accepted).or_else(aside).or_else(waits)
    }

    fn judge(&self, transaction: &Transaction, change: Change, by: &By) -> Received {
        let none = Parts::default();
        let before = transaction.read.get(&change.subject).unwrap_or(&none);
        let grants = self.workers.get(&by.worker).map(|w| &*w.grants).unwrap_or_default();
        let rights = Rights { worker: by.worker, now: grants, last_contact: &by.then };
        let arrival = Arrival { at: transaction.now, ahead_ms: by.ahead_ms };
        office::receive(before, change, rights, &self.rules, arrival, &View(self, transaction))
    }

    fn accept(&self, transaction: &mut Transaction, raw: &str, entry: Entry) {
        let change = entry.change.clone();
        let after = transaction.read.entry(change.subject).or_default();
        let before = after.clone();
        let touched = apply(after, &entry);
        let (old, new) = (Reach::of(&before), Reach::of(after));
        let seen = office::sights_of(&before, after, &change.log, &self.rules);
        let mut sights: Vec<(Subject, Sight)> = seen.into_iter().map(|sight| (change.subject, sight)).collect();
        if let Some(case) = change.subject.case().filter(|_| old != new) {
            for (naming, reach) in self.naming(transaction, case) {
                let seen = office::unveiled(old.as_ref(), new.as_ref(), &reach, &self.rules);
                sights.extend(seen.into_iter().map(|sight| (naming, sight)));
            }
        }
        let after = &transaction.read[&change.subject];
        let sheets = office::changed_sheets(&before, after);
        let raw = raw.to_owned();
        transaction.replaced.note(&change);
        transaction.accepted.push(Accepted { raw, entry, touched, sights, sheets, seqs: vec![] });
        // What waited for this is tried again, each by the rights of whoever wrote it.
        let releases = office::releases(&change);
        let own = std::mem::take(&mut transaction.waits);
        let (mut ready, rest): (Vec<_>, Vec<_>) = own.into_iter().partition(|w| releases.contains(&w.on));
        transaction.waits = rest;
        let stored = self.waiting.iter().filter(|w| releases.contains(&w.on) && !transaction.released.contains(&w.id));
        ready.extend(stored.cloned());
        transaction.released.extend(ready.iter().map(|w| w.id));
        for Waiting { id, raw, by, .. } in ready {
            let Some(change) = Envelope::read(&raw) else {
                transaction.set_aside.push(Aside { id, raw, unknown: false, by });
                continue;
            };
            match self.judge(transaction, change, &by) {
                Received::Accepted(entry) => self.accept(transaction, &raw, *entry),
                Received::Waiting { on } => transaction.waits.push(Waiting { id, on, raw, by }),
                // Nobody can be answered any more: set aside for a supervisor to read.
                Received::Refused(_) | Received::Quarantined | Received::Dropped(_) => {
                    transaction.set_aside.push(Aside { id, raw, unknown: false, by });
                }
            }
        }
    }

    /// The cases that name this one, and who sees them.
    fn naming(&self, transaction: &Transaction, case: CaseId) -> Vec<(Subject, Reach)> {
        let mut all: BTreeMap<Subject, &Parts> = self.subjects.iter().map(|(s, held)| (*s, &held.parts)).collect();
        all.extend(transaction.read.iter().map(|(s, parts)| (*s, parts)));
        let names = |parts: &Parts| parts.header().is_some_and(|h| h.links.contains_key(&case));
        let naming = all.into_iter().filter(|(_, parts)| names(parts));
        naming.filter_map(|(subject, parts)| Some((subject, Reach::of(parts)?))).collect()
    }

    fn put(&mut self, accepted: Accepted, after: &mut BTreeMap<Subject, Parts>) {
        let logs: Vec<LogId> = accepted.logs().collect();
        let Accepted { raw, entry, touched, sights, sheets, seqs, .. } = accepted;
        let (subject, log, id) = (entry.change.subject, entry.change.log.clone(), entry.change.id);
        for (log, seq) in logs.into_iter().zip(&seqs) {
            self.put_mark(log, *seq, id, entry.received_at().unwrap_or_default());
        }
        let mut seqs = seqs.into_iter();
        let seq = seqs.next().unwrap_or_default();
        for ((shown, sight), seq) in sights.iter().zip(seqs.by_ref()) {
            self.sights.insert((sight.worker, seq), *shown);
        }
        for ((facility, referral, sheet), seq) in sheets.into_iter().zip(seqs) {
            self.sheets.insert((facility, subject, referral), (seq, sheet));
        }
        let held = self.subjects.entry(subject).or_insert_with(|| Held {
            log: log.clone(),
            parts: Parts::default(),
            seqs: BTreeMap::new(),
            reach: None,
        });
        if let Some(parts) = after.get(&subject) {
            held.parts = parts.clone();
            held.reach = Reach::of(parts);
        }
        for key in touched {
            held.seqs.insert(key, seq);
        }
        self.replaced.note(&entry.change);
        self.changes.insert(id, Kept { raw, log, seq, entry });
    }
}
