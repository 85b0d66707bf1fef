//! An office in memory. A push is a transaction in steps: read, judge, allocate, commit; a simulation takes the steps of
//! several of them in turn.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    access::Reach,
    apply::apply,
    change::{BadBody, Change, Entry, Envelope},
    check::{Refusal, Rules},
    id::{CaseCode, ChangeId, DeviceId, FacilityId, LogId, Subject, WorkerId},
    limits,
    office::{self, Arrival, Known, Received, Rights, Sight},
    part::{Activity, Part, PartKey, Parts, Sheet},
    registry::{Registry, Session},
    time::Timestamp,
    wire::{
        ApiError, Briefing, Cursor, EmergencyNumber, Page, PartRow, PullAnswer, PullRequest, PushBatch, SubjectPage,
        Verdict,
    },
    worker::{Colleague, Grant, Worker, covers, is_field_worker},
};

/// An office in memory.
#[derive(Debug, Default)]
pub struct MemoryRegistry {
    state: Mutex<OfficeState>,
}

#[derive(Debug, Clone)]
struct OfficeState {
    rules: Rules,
    workers: BTreeMap<WorkerId, Worker>,
    numbers: Vec<EmergencyNumber>,
    /// The counter of each log, and at each position of it the change that took it and the mark of cursors there.
    heads: BTreeMap<LogId, u64>,
    marks: BTreeMap<LogId, BTreeMap<u64, (ChangeId, ChangeId)>>,
    changes: BTreeMap<ChangeId, Kept>,
    /// Changes that were replaced by an accepted one.
    replaced: BTreeSet<ChangeId>,
    subjects: BTreeMap<Subject, Held>,
    sheets: BTreeMap<(FacilityId, Subject, ChangeId), (u64, Option<Sheet>)>,
    sights: BTreeMap<(WorkerId, u64), Subject>,
    waiting: Vec<Waiting>,
    quarantine: Vec<(ChangeId, String)>,
    contacts: BTreeMap<(WorkerId, DeviceId), Vec<Grant>>,
    /// What was ever sent to a device: nothing else is mentioned to it. `None` once a backup was restored: what was sent
    /// since is not known.
    sent: Option<BTreeSet<(WorkerId, DeviceId, Subject)>>,
    /// Subjects on one page.
    page: usize,
}

impl Default for OfficeState {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            workers: BTreeMap::new(),
            numbers: vec![],
            heads: BTreeMap::new(),
            marks: BTreeMap::new(),
            changes: BTreeMap::new(),
            replaced: BTreeSet::new(),
            subjects: BTreeMap::new(),
            sheets: BTreeMap::new(),
            sights: BTreeMap::new(),
            waiting: vec![],
            quarantine: vec![],
            contacts: BTreeMap::new(),
            sent: Some(BTreeSet::new()),
            page: limits::PAGE_SUBJECTS,
        }
    }
}

#[derive(Debug, Clone)]
struct Kept {
    raw: String,
    log: LogId,
    seq: u64,
    entry: Entry,
}

#[derive(Debug, Clone)]
struct Held {
    log: LogId,
    parts: Parts,
    seqs: BTreeMap<PartKey, u64>,
    reach: Option<Reach>,
}

/// A change that waits for another, judged by the rights its writer had when it came.
#[derive(Debug, Clone)]
struct Waiting {
    id: ChangeId,
    on: ChangeId,
    raw: String,
    by: By,
}

/// Whose change it is, and the rights they had when their device was last told of them.
#[derive(Debug, Clone)]
struct By {
    worker: WorkerId,
    then: Vec<Grant>,
    ahead_ms: Option<i64>,
}

/// A push under way: what it has read and what it will write. Nobody else sees any of it before the commit.
#[derive(Debug)]
pub struct Transaction {
    by: By,
    now: Timestamp,
    changes: Vec<String>,
    read: BTreeMap<Subject, Parts>,
    accepted: Vec<Accepted>,
    waits: Vec<Waiting>,
    released: BTreeSet<ChangeId>,
    set_aside: Vec<(ChangeId, String)>,
    verdicts: Vec<Verdict>,
    taken: BTreeMap<LogId, u64>,
}

/// An accepted change with all that follows from it.
#[derive(Debug)]
struct Accepted {
    raw: String,
    entry: Entry,
    touched: BTreeSet<PartKey>,
    sights: Vec<Sight>,
    sheets: Vec<(FacilityId, ChangeId, Option<Sheet>)>,
    /// The position in the log of the change, then those of the sights, then those of the sheets.
    seqs: Vec<u64>,
}

impl Accepted {
    fn logs(&self) -> impl Iterator<Item = LogId> {
        let sights = self.sights.iter().map(|sight| LogId::Worker(sight.worker));
        let sheets = self.sheets.iter().map(|(facility, ..)| LogId::Facility(*facility));
        std::iter::once(self.entry.change.log.clone()).chain(sights).chain(sheets)
    }
}

impl Transaction {
    /// The subjects it will change: what a database locks before it reads them.
    #[must_use]
    pub fn subjects(&self) -> BTreeSet<Subject> {
        let envelope = |raw: &String| serde_json::from_str::<Envelope>(raw).ok();
        self.changes.iter().filter_map(envelope).map(|e| e.subject).collect()
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
    fn has(&self, change: ChangeId) -> bool {
        let is = |c: &Change| c.id == change || c.replaces == Some(change);
        self.0.changes.contains_key(&change)
            || self.0.replaced.contains(&change)
            || self.1.accepted.iter().any(|a| is(&a.entry.change))
    }
    fn has_code(&self, code: &CaseCode) -> bool {
        let is = |parts: &Parts| parts.header().is_some_and(|h| h.code == *code);
        self.0.subjects.values().any(|s| is(&s.parts)) || self.1.read.values().any(is)
    }
}

impl MemoryRegistry {
    /// An office with these people and rules; `rules.staff` is taken from the workers.
    #[must_use]
    pub fn new(mut rules: Rules, workers: Vec<Worker>, numbers: Vec<EmergencyNumber>) -> Self {
        rules.staff = workers.iter().map(|w| (w.id, w.grants.clone())).collect();
        let workers = workers.into_iter().map(|w| (w.id, w)).collect();
        Self { state: Mutex::new(OfficeState { rules, workers, numbers, ..OfficeState::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, OfficeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a page carry so many subjects only.
    pub fn set_page(&self, subjects: usize) {
        self.state().page = subjects.max(1);
    }
    /// Every accepted entry of a subject in the order of its log.
    #[must_use]
    pub fn entries(&self, subject: Subject) -> Vec<Entry> {
        let state = self.state();
        let mut kept: Vec<&Kept> = state.changes.values().filter(|k| k.entry.change.subject == subject).collect();
        kept.sort_by_key(|k| k.seq);
        kept.into_iter().map(|k| k.entry.clone()).collect()
    }
    #[must_use]
    pub fn parts(&self, subject: Subject) -> Parts {
        self.state().subjects.get(&subject).map(|h| h.parts.clone()).unwrap_or_default()
    }
    #[must_use]
    pub fn subjects(&self) -> Vec<(Subject, Parts)> {
        self.state().subjects.iter().map(|(s, held)| (*s, held.parts.clone())).collect()
    }
    /// In how many places the office holds the change: accepted, waiting or set aside.
    #[must_use]
    pub fn copies(&self, change: ChangeId) -> usize {
        let state = self.state();
        usize::from(state.changes.contains_key(&change))
            + state.quarantine.iter().filter(|(id, _)| *id == change).count()
            + state.waiting.iter().filter(|w| w.id == change).count()
    }
    #[must_use]
    pub fn accepted(&self, change: ChangeId) -> bool {
        self.state().changes.contains_key(&change)
    }
    /// Whether `worker` may see the subject now, computed from its parts and not from any log.
    #[must_use]
    pub fn may_see(&self, worker: WorkerId, subject: Subject) -> bool {
        let state = self.state();
        let held = state.subjects.get(&subject);
        let person = state.workers.get(&worker);
        held.zip(person).is_some_and(|(held, person)| match subject {
            Subject::Case(_) => Reach::of(&held.parts)
                .is_some_and(|reach| reach.is_seen_by(worker, &person.grants, &state.rules.places)),
            _ => state.sees(person, subject, held),
        })
    }
    /// The sheet that a facility may have of a referral now.
    #[must_use]
    pub fn sheet(&self, worker: WorkerId, subject: Subject, referral: ChangeId) -> Option<Sheet> {
        let state = self.state();
        let parts = &state.subjects.get(&subject)?.parts;
        let sheet = crate::access::sheet(parts.header()?, parts.referral(referral)?)?;
        let person = state.workers.get(&worker)?;
        state.holds_sheets(person, sheet.facility, subject).then_some(sheet)
    }
    /// What `worker` may see now, computed from the stored cases and not from any log.
    #[must_use]
    pub fn visible_to(&self, worker: WorkerId) -> BTreeMap<Subject, Parts> {
        let state = self.state();
        let Some(person) = state.workers.get(&worker) else { return BTreeMap::new() };
        let mut all: BTreeMap<Subject, Parts> = BTreeMap::new();
        for (subject, held) in &state.subjects {
            if state.sees(person, *subject, held) {
                all.insert(*subject, held.parts.clone());
            }
        }
        for ((facility, subject, referral), (_, sheet)) in &state.sheets {
            if let Some(sheet) = sheet
                && state.holds_sheets(person, *facility, *subject)
            {
                let parts = all.entry(*subject).or_default();
                parts.0.insert(PartKey::Sheet(*referral), Part::Sheet(Box::new(sheet.clone())));
            }
        }
        all
    }
    /// Whether every log counts 1, 2, 3 … without a gap.
    #[must_use]
    pub fn is_gap_free(&self) -> bool {
        self.state().marks.values().all(|marks| (1..).zip(marks.keys()).all(|(at, seq)| at == *seq))
    }
    /// The last position of a log.
    #[must_use]
    pub fn head(&self, log: &LogId) -> u64 {
        self.state().head(log)
    }
    #[must_use]
    pub fn grants(&self, worker: WorkerId) -> Vec<Grant> {
        self.state().workers.get(&worker).map(|w| w.grants.clone()).unwrap_or_default()
    }
    /// Puts the office back to an earlier copy of itself, as a restored backup does.
    pub fn restore(&self, backup: &Self) {
        let copy = backup.state().clone();
        *self.state() = OfficeState { sent: None, ..copy };
    }
    /// A copy of all that is stored.
    #[must_use]
    pub fn backup(&self) -> Self {
        let mut state = self.state().clone();
        // Positions that nobody has committed are in no copy.
        state.heads = state.marks.keys().map(|log| (log.clone(), state.head(log))).collect();
        Self { state: Mutex::new(state) }
    }
    /// Gives a worker other rights. Each case they now see, or no longer see, is told to their phones.
    pub fn employ(&self, worker: WorkerId, grants: Vec<Grant>, mark: ChangeId, now: Timestamp) {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(before) = state.workers.get(&worker).cloned() else { return };
        let after = Worker { grants, ..before.clone() };
        let seen = |person: &Worker| -> BTreeSet<Subject> {
            state.subjects.iter().filter(|(s, held)| state.sees(person, **s, held)).map(|(s, _)| *s).collect()
        };
        let moved: Vec<Subject> = seen(&before).symmetric_difference(&seen(&after)).copied().collect();
        for subject in moved {
            let seq = state.next(&LogId::Worker(worker));
            state.put_mark(LogId::Worker(worker), seq, mark, now);
            state.sights.insert((worker, seq), subject);
        }
        state.rules.staff.insert(worker, after.grants.clone());
        state.workers.insert(worker, after);
    }
}

/// The steps of a push, in their order.
impl MemoryRegistry {
    /// # Errors
    /// As [`Registry::push`].
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
        Ok(Transaction {
            by: By { worker: session.worker, then, ahead_ms },
            now,
            changes: batch.changes.iter().map(|raw| raw.get().to_owned()).collect(),
            read: BTreeMap::new(),
            accepted: vec![],
            waits: vec![],
            released: BTreeSet::new(),
            set_aside: vec![],
            verdicts: vec![],
            taken: BTreeMap::new(),
        })
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
        for raw in transaction.changes.clone() {
            let by = transaction.by.clone();
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
        let Transaction { mut read, accepted, waits, released, set_aside, verdicts, .. } = transaction;
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
    fn next(&mut self, log: &LogId) -> u64 {
        let head = self.heads.entry(log.clone()).or_default();
        *head += 1;
        *head
    }

    fn head(&self, log: &LogId) -> u64 {
        self.marks.get(log).and_then(|marks| marks.keys().next_back().copied()).unwrap_or(0)
    }

    fn mark(&self, log: &LogId, seq: u64) -> Option<ChangeId> {
        self.marks.get(log)?.get(&seq).map(|(_, mark)| *mark)
    }

    fn put_mark(&mut self, log: LogId, seq: u64, change: ChangeId, at: Timestamp) {
        let before = self.mark(&log, seq.saturating_sub(1));
        self.marks.entry(log).or_default().insert(seq, (change, office::mark(before, change, at)));
    }

    fn sees(&self, worker: &Worker, subject: Subject, held: &Held) -> bool {
        match subject {
            Subject::Case(_) => {
                held.reach.as_ref().is_some_and(|r| r.is_seen_by(worker.id, &worker.grants, &self.rules.places))
            }
            Subject::Facility(_) => true,
            Subject::Activity(_) => {
                let Some(activity) = held.parts.activity() else { return false };
                let (Activity::AnonymousContact { place } | Activity::GroupSession { place, .. }) = &activity.activity;
                let works_there = |grant: &Grant| {
                    let alone = std::slice::from_ref(grant);
                    is_field_worker(alone) && covers(alone, grant.role, place, &self.rules.places)
                };
                activity.written.by == worker.id || worker.grants.iter().any(works_there)
            }
        }
    }

    /// Whether a worker of this facility may read its sheets of a subject.
    fn holds_sheets(&self, worker: &Worker, facility: FacilityId, subject: Subject) -> bool {
        let reach = self.subjects.get(&subject).and_then(|h| h.reach.as_ref());
        let excluded = reach.is_some_and(|r| r.excluded.contains(&worker.id));
        !excluded && worker.grants.iter().any(|g| g.facility == Some(facility))
    }

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
        let change = match envelope.open() {
            Ok(change) => change,
            Err(BadBody::Broken) => return Verdict::Refused { why: Refusal::Broken },
            Err(BadBody::Unknown) => {
                transaction.set_aside.push((id, raw.to_owned()));
                return Verdict::Quarantined { at: now };
            }
        };
        match self.judge(transaction, change, by) {
            Received::Accepted(entry) => {
                self.accept(transaction, raw, *entry);
                Verdict::Accepted { at: now }
            }
            Received::Waiting { on } => {
                transaction.waits.push(Waiting { id, on, raw: raw.to_owned(), by: by.clone() });
                Verdict::Waiting { at: now, on }
            }
            Received::Refused(why) => Verdict::Refused { why },
            Received::Quarantined => {
                transaction.set_aside.push((id, raw.to_owned()));
                Verdict::Quarantined { at: now }
            }
        }
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
            let found = self.quarantine.iter().chain(&transaction.set_aside).find(|(aside, _)| *aside == id);
            found.map(|(_, raw)| (&**raw, Verdict::Quarantined { at: now }))
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
        let sights = office::sights(old.as_ref(), new.as_ref(), &change.log, &self.rules);
        let sheets = office::changed_sheets(&before, after);
        let raw = raw.to_owned();
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
            let Some(change) = serde_json::from_str::<Envelope>(&raw).ok().and_then(|e| e.open().ok()) else {
                transaction.set_aside.push((id, raw));
                continue;
            };
            match self.judge(transaction, change, &by) {
                Received::Accepted(entry) => self.accept(transaction, &raw, *entry),
                Received::Waiting { on } => transaction.waits.push(Waiting { id, on, raw, by }),
                // Nobody can be answered any more: set aside for a supervisor to read.
                Received::Refused(_) | Received::Quarantined => transaction.set_aside.push((id, raw)),
            }
        }
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
        for (sight, seq) in sights.iter().zip(seqs.by_ref()) {
            self.sights.insert((sight.worker, seq), subject);
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
        self.replaced.extend(entry.change.replaces);
        self.changes.insert(id, Kept { raw, log, seq, entry });
    }

    /// Every row of a log that the worker may see, with its position.
    fn rows(&self, worker: &Worker, log: &LogId) -> Vec<(u64, Subject, Row<'_>)> {
        let mut rows = Vec::new();
        match log {
            LogId::Place(_) => {
                for (subject, held) in self.subjects.iter().filter(|(_, h)| h.log == *log) {
                    if self.sees(worker, *subject, held) {
                        let parts = held.seqs.iter().filter_map(|(key, seq)| Some((key, seq, held.parts.0.get(key)?)));
                        rows.extend(parts.map(|(key, seq, part)| (*seq, *subject, Row::Part(*key, part))));
                    }
                }
            }
            LogId::Worker(id) if *id == worker.id => {
                let own = self.sights.range((*id, 0)..=(*id, u64::MAX));
                rows.extend(own.map(|((_, seq), subject)| (*seq, *subject, Row::Sight)));
            }
            LogId::Facility(id) => {
                for ((facility, subject, referral), (seq, sheet)) in &self.sheets {
                    if facility == id && self.holds_sheets(worker, *id, *subject) {
                        rows.push((*seq, *subject, Row::Sheet(*referral, sheet.as_ref())));
                    }
                }
            }
            LogId::Worker(_) => {}
        }
        rows.sort_by_key(|(seq, subject, _)| (*seq, *subject));
        rows
    }

    fn page(&self, worker: &Worker, device: DeviceId, log: &LogId, cursor: Option<Cursor>) -> Page {
        let known = cursor.is_none_or(|c| self.mark(log, c.seq) == Some(c.mark));
        let from = cursor.filter(|_| known).map_or(0, |c| c.seq);
        let mut page =
            Page { log: log.clone(), reset: !known, subjects: vec![], settled: vec![], next: None, more: false };
        let is_own = match log {
            LogId::Place(_) => true,
            LogId::Worker(id) => *id == worker.id,
            LogId::Facility(id) => worker.grants.iter().any(|g| g.facility == Some(*id)),
        };
        if !is_own {
            // Somebody else's, or no longer one's own: what came from it is forgotten.
            page.reset = cursor.is_some();
            return page;
        }
        let mut last = self.head(log);
        let rows: Vec<_> = self.rows(worker, log).into_iter().filter(|(seq, _, _)| *seq > from).collect();
        let mut on_page = BTreeSet::new();
        for (seq, subject, _) in &rows {
            if !on_page.contains(subject) && on_page.len() == self.page {
                (last, page.more) = (*seq - 1, true);
                break;
            }
            on_page.insert(*subject);
        }
        let own = self.marks.get(log).into_iter().flat_map(|m| m.range(from + 1..last.max(from) + 1));
        for kept in own.filter_map(|(_, (id, _))| self.changes.get(id)) {
            let change = &kept.entry.change;
            if kept.log == *log && change.device == device && change.author == worker.id {
                page.settled.extend(kept.entry.receipt.clone().map(|receipt| (change.id, receipt)));
                // A change leaves the overlay only with a page that shows it, though its parts moved on since.
                on_page.insert(change.subject);
            }
        }
        for subject in on_page {
            let mut found = SubjectPage { subject, whole: false, parts: vec![], gone: vec![] };
            for (seq, _, row) in rows.iter().filter(|(_, s, _)| *s == subject) {
                self.put_row(worker, &mut found, *seq, row);
            }
            if found.whole || !found.parts.is_empty() || !found.gone.is_empty() {
                page.subjects.push(found);
            }
        }
        page.next = self.mark(log, last).map(|mark| Cursor { seq: last, mark });
        page
    }

    fn put_row(&self, worker: &Worker, page: &mut SubjectPage, seq: u64, row: &Row<'_>) {
        match row {
            Row::Part(key, part) => page.parts.push(PartRow { key: *key, seq, part: (*part).clone() }),
            Row::Sheet(referral, Some(sheet)) => {
                let (key, part) = (PartKey::Sheet(*referral), Part::Sheet(Box::new((*sheet).clone())));
                page.parts.push(PartRow { key, seq, part });
            }
            Row::Sheet(referral, None) => page.gone.push(PartKey::Sheet(*referral)),
            Row::Sight => {
                page.whole = true;
                page.parts.clear();
                let held = self.subjects.get(&page.subject).filter(|h| self.sees(worker, page.subject, h));
                page.parts.extend(held.into_iter().flat_map(|held| {
                    held.parts.0.iter().map(|(key, part)| PartRow {
                        key: *key,
                        seq: held.seqs.get(key).copied().unwrap_or(0),
                        part: part.clone(),
                    })
                }));
            }
        }
    }

    fn briefing(&self, worker: &Worker) -> Briefing {
        Briefing {
            tag: format!("{:?}", worker.grants),
            worker: worker.clone(),
            places: self.rules.places.iter().cloned().collect(),
            colleagues: self
                .workers
                .values()
                .map(|w| Colleague {
                    id: w.id,
                    name: w.name.clone(),
                    address: w.address,
                    phone: w.phone.clone(),
                    grants: w.grants.clone(),
                })
                .collect(),
            officers: self.rules.officers.clone(),
            numbers: self.numbers.clone(),
        }
    }
}

enum Row<'a> {
    Part(PartKey, &'a Part),
    Sheet(ChangeId, Option<&'a Sheet>),
    Sight,
}

#[async_trait]
impl Registry for MemoryRegistry {
    async fn push(&self, session: &Session, batch: PushBatch, now: Timestamp) -> Result<Vec<Verdict>, ApiError> {
        let mut transaction = self.begin(session, &batch, now)?;
        self.read(&mut transaction);
        self.judge(&mut transaction);
        self.allocate(&mut transaction);
        Ok(self.commit(transaction))
    }

    async fn pull(&self, session: &Session, request: PullRequest, now: Timestamp) -> Result<PullAnswer, ApiError> {
        let mut state = self.state();
        let worker = state.workers.get(&session.worker).cloned().ok_or(ApiError::SignedOut)?;
        if request.worker != session.worker {
            return Err(ApiError::SignedOut);
        }
        if request.v < limits::OLDEST_READER {
            return Err(ApiError::UpdateNeeded);
        }
        let mut logs: BTreeSet<LogId> = worker.logs(&state.rules.places).into_iter().collect();
        logs.extend(request.cursors.keys().cloned());
        // A case shown by name lives on in a log this worker would not follow otherwise.
        let shown = state.sights.range((worker.id, 0)..=(worker.id, u64::MAX));
        logs.extend(shown.filter_map(|(_, subject)| state.subjects.get(subject)).map(|held| held.log.clone()));
        // Facilities' logs first, so that a decision is shown before it is settled. The own log last: what is forgotten
        // there may just have come from another.
        let mut logs: Vec<LogId> = logs.into_iter().collect();
        logs.sort_by_key(|log| match log {
            LogId::Facility(_) => 0,
            LogId::Place(_) => 1,
            LogId::Worker(_) => 2,
        });
        let page = |log: LogId| {
            let cursor = request.cursors.get(&log).copied().flatten();
            state.page(&worker, request.device, &log, cursor)
        };
        let mut pages: Vec<Page> = logs.into_iter().map(page).collect();
        for page in &mut pages {
            let reset = page.reset;
            page.subjects.retain(|on_page| {
                let known = (worker.id, request.device, on_page.subject);
                let Some(sent) = &mut state.sent else { return true };
                // What somebody never had is never mentioned to them.
                if !on_page.parts.is_empty() {
                    sent.insert(known);
                }
                reset || sent.contains(&known)
            });
        }
        let briefing = Some(state.briefing(&worker)).filter(|b| b.tag != request.briefing);
        state.contacts.insert((worker.id, request.device), worker.grants);
        Ok(PullAnswer { now, pages, briefing })
    }
}
