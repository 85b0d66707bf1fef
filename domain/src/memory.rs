//! Phone and office in memory: the simplest adapters that keep every promise of the ports, for laws and simulations.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    StoreError,
    access::Reach,
    apply::apply,
    change::{BadBody, Change, Entry, Envelope, Receipt},
    check::{Refusal, Rules},
    id::{CaseCode, ChangeId, DeviceId, FacilityId, LogId, Subject, WorkerId},
    limits,
    map::Map,
    notebook::{Draft, Notebook, OutboxItem, OutboxState, Stored},
    office::{self, Arrival, Known, Received, Rights},
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

#[derive(Debug, Default, Clone)]
struct OfficeState {
    rules: Rules,
    workers: BTreeMap<WorkerId, Worker>,
    numbers: Vec<EmergencyNumber>,
    /// The last `seq` of each log and, at every `seq`, the change that took it.
    heads: BTreeMap<LogId, u64>,
    marks: BTreeMap<(LogId, u64), ChangeId>,
    changes: BTreeMap<ChangeId, Kept>,
    subjects: BTreeMap<Subject, Held>,
    sheets: BTreeMap<(FacilityId, Subject, ChangeId), (u64, Option<Sheet>)>,
    sights: BTreeMap<(WorkerId, u64), Subject>,
    waiting: Vec<(ChangeId, String, WorkerId, Option<i64>)>,
    quarantine: Vec<(ChangeId, String)>,
    contacts: BTreeMap<(WorkerId, DeviceId), Vec<Grant>>,
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

impl Known for OfficeState {
    fn has(&self, change: ChangeId) -> bool {
        self.changes.contains_key(&change) || self.changes.values().any(|k| k.entry.change.replaces == Some(change))
    }
    fn has_code(&self, code: &CaseCode) -> bool {
        self.subjects.values().any(|s| s.parts.header().is_some_and(|h| h.code == *code))
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

    /// Every accepted entry of a subject in the order of its log.
    #[must_use]
    pub fn entries(&self, subject: Subject) -> Vec<Entry> {
        let state = self.state();
        let mut kept: Vec<&Kept> = state.changes.values().filter(|k| k.entry.change.subject == subject).collect();
        kept.sort_by_key(|k| k.seq);
        kept.into_iter().map(|k| k.entry.clone()).collect()
    }
    #[must_use]
    pub fn subjects(&self) -> Vec<(Subject, Parts)> {
        self.state().subjects.iter().map(|(s, held)| (*s, held.parts.clone())).collect()
    }
    /// Whether the office holds the change in any way: accepted, waiting or set aside.
    #[must_use]
    pub fn holds(&self, change: ChangeId) -> bool {
        let state = self.state();
        state.changes.contains_key(&change)
            || state.quarantine.iter().any(|(id, _)| *id == change)
            || state.waiting.iter().any(|(_, raw, ..)| raw.contains(&change.to_string()))
    }
    #[must_use]
    pub fn accepted(&self, change: ChangeId) -> bool {
        self.state().changes.contains_key(&change)
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
        let state = self.state();
        state.heads.iter().all(|(log, head)| (1..=*head).all(|seq| state.marks.contains_key(&(log.clone(), seq))))
            && state.marks.len() as u64 == state.heads.values().sum::<u64>()
    }
    /// Puts the office back to an earlier copy of itself, as a restored backup does.
    pub fn restore(&self, backup: &Self) {
        let copy = backup.state().clone();
        *self.state() = copy;
    }
    /// A copy of all that is stored.
    #[must_use]
    pub fn backup(&self) -> Self {
        Self { state: Mutex::new(self.state().clone()) }
    }
    /// Gives a worker other rights; their phone learns of it with its next briefing.
    pub fn set_grants(&self, worker: WorkerId, grants: Vec<Grant>) {
        let mut state = self.state();
        state.rules.staff.insert(worker, grants.clone());
        if let Some(worker) = state.workers.get_mut(&worker) {
            worker.grants = grants;
        }
    }
}

impl OfficeState {
    fn take_seq(&mut self, log: &LogId, change: ChangeId) -> u64 {
        let head = self.heads.entry(log.clone()).or_default();
        *head += 1;
        self.marks.insert((log.clone(), *head), change);
        *head
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

    fn take(&mut self, raw: &str, worker: WorkerId, device: DeviceId, arrival: Arrival) -> Verdict {
        let now = arrival.at;
        let Ok(envelope) = serde_json::from_str::<Envelope>(raw) else {
            return Verdict::Refused { why: Refusal::Broken };
        };
        if raw.len() > limits::CHANGE_BYTES {
            return Verdict::Refused { why: Refusal::TooLarge };
        }
        let id = envelope.id;
        if let Some(kept) = self.changes.get(&id) {
            if kept.raw != raw {
                return Verdict::Refused { why: Refusal::OtherBody };
            }
            return Verdict::AlreadyKnown { at: kept.entry.received_at().unwrap_or(now) };
        }
        if let Some((_, known)) = self.quarantine.iter().find(|(q, _)| *q == id) {
            let same = known == raw;
            return if same { Verdict::Quarantined { at: now } } else { Verdict::Refused { why: Refusal::OtherBody } };
        }
        let change = match envelope.open() {
            Ok(change) => change,
            Err(BadBody::Broken) => return Verdict::Refused { why: Refusal::Broken },
            Err(BadBody::Unknown) => {
                self.quarantine.push((id, raw.to_owned()));
                return Verdict::Quarantined { at: now };
            }
        };
        let grants = self.workers.get(&worker).map(|w| w.grants.clone()).unwrap_or_default();
        let then = self.contacts.get(&(worker, device)).cloned().unwrap_or_default();
        let before = self.subjects.get(&change.subject).map(|h| h.parts.clone()).unwrap_or_default();
        let rights = Rights { worker, now: &grants, last_contact: &then };
        match office::receive(&before, change, rights, &self.rules, arrival, self) {
            Received::Accepted(entry) => {
                self.keep(raw, &before, *entry, now);
                Verdict::Accepted { at: now }
            }
            Received::Waiting { on } => {
                if self.waiting.iter().all(|(_, known, ..)| known != raw) {
                    self.waiting.push((on, raw.to_owned(), worker, arrival.ahead_ms));
                }
                Verdict::Waiting { at: now, on }
            }
            Received::Refused(why) => Verdict::Refused { why },
            Received::Quarantined => {
                self.quarantine.push((id, raw.to_owned()));
                Verdict::Quarantined { at: now }
            }
        }
    }

    fn keep(&mut self, raw: &str, before: &Parts, entry: Entry, now: Timestamp) {
        let change: &Change = &entry.change;
        let (subject, log, id) = (change.subject, change.log.clone(), change.id);
        let releases = office::releases(change);
        let mut after = before.clone();
        let touched = apply(&mut after, &entry);
        let old_reach = Reach::of(before);
        let reach = Reach::of(&after);
        let seq = self.take_seq(&log, id);
        for sight in office::sights(old_reach.as_ref(), reach.as_ref(), &log, &self.rules) {
            let seq = self.take_seq(&LogId::Worker(sight.worker), id);
            self.sights.insert((sight.worker, seq), subject);
        }
        for (facility, referral, sheet) in office::changed_sheets(before, &after) {
            let seq = self.take_seq(&LogId::Facility(facility), id);
            self.sheets.insert((facility, subject, referral), (seq, sheet));
        }
        let held = self.subjects.entry(subject).or_insert_with(|| Held {
            log: log.clone(),
            parts: Parts::default(),
            seqs: BTreeMap::new(),
            reach: None,
        });
        held.parts = after;
        held.reach = reach;
        for key in touched {
            held.seqs.insert(key, seq);
        }
        self.changes.insert(id, Kept { raw: raw.to_owned(), log, seq, entry });
        // What waited for this is tried again, each by the rights of whoever wrote it.
        let (ready, rest) = std::mem::take(&mut self.waiting).into_iter().partition(|(on, ..)| releases.contains(on));
        self.waiting = rest;
        let ready: Vec<(ChangeId, String, WorkerId, Option<i64>)> = ready;
        for (on, raw, worker, ahead_ms) in ready {
            let device = serde_json::from_str::<Envelope>(&raw).map(|e| e.device);
            if let Ok(device) = device
                && let Verdict::Refused { .. } = self.take(&raw, worker, device, Arrival { at: now, ahead_ms })
            {
                // Nobody can be answered any more: set aside for a supervisor to read.
                if let Ok(envelope) = serde_json::from_str::<Envelope>(&raw) {
                    self.quarantine.push((envelope.id, raw));
                }
            }
            let _ = on;
        }
    }

    /// Every row of a log that the worker may see, with its position.
    fn rows(&self, worker: &Worker, log: &LogId) -> Vec<(u64, Subject, Row<'_>)> {
        let mut rows = Vec::new();
        match log {
            LogId::Place(_) => {
                for (subject, held) in self.subjects.iter().filter(|(_, h)| h.log == *log) {
                    if self.sees(worker, *subject, held) {
                        let parts = held.seqs.iter();
                        rows.extend(parts.map(|(key, seq)| (*seq, *subject, Row::Part(*key, &held.parts.0[key]))));
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
        let known = cursor.is_none_or(|c| self.marks.get(&(log.clone(), c.seq)) == Some(&c.mark));
        let from = cursor.filter(|_| known).map_or(0, |c| c.seq);
        let mut page =
            Page { log: log.clone(), reset: !known, subjects: vec![], settled: vec![], next: None, more: false };
        let mut last = self.heads.get(log).copied().unwrap_or(0);
        let rows: Vec<_> = self.rows(worker, log).into_iter().filter(|(seq, _, _)| *seq > from).collect();
        let mut on_page = BTreeSet::new();
        for (seq, subject, _) in &rows {
            if !on_page.contains(subject) && on_page.len() == limits::PAGE_SUBJECTS {
                (last, page.more) = (*seq - 1, true);
                break;
            }
            on_page.insert(*subject);
        }
        let own = self.marks.range((log.clone(), from + 1)..(log.clone(), last.max(from) + 1));
        for kept in own.filter_map(|(_, id)| self.changes.get(id)) {
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
        page.next = self.marks.get(&(log.clone(), last)).map(|mark| Cursor { seq: last, mark: *mark });
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
        let mut state = self.state();
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
        let arrival = Arrival { at: now, ahead_ms: batch.sent_at.map(|sent| now.0.saturating_sub(sent.0)) };
        Ok(batch.changes.iter().map(|raw| state.take(raw.get(), session.worker, batch.device, arrival)).collect())
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
        // The own log last: what is forgotten there may just have come from another.
        let (own, others): (Vec<_>, Vec<_>) = logs.into_iter().partition(|log| matches!(log, LogId::Worker(_)));
        let page = |log: LogId| {
            let cursor = request.cursors.get(&log).copied().flatten();
            state.page(&worker, request.device, &log, cursor)
        };
        let pages = others.into_iter().chain(own).map(page).collect();
        let briefing = Some(state.briefing(&worker)).filter(|b| b.tag != request.briefing);
        state.contacts.insert((worker.id, request.device), worker.grants);
        Ok(PullAnswer { now, pages, briefing })
    }
}

/// A phone in memory.
#[derive(Debug, Default)]
pub struct MemoryNotebook {
    state: RefCell<PhoneState>,
    /// While true every write fails as on a full disk.
    full: Cell<bool>,
}

#[derive(Debug, Default, Clone)]
struct PhoneState {
    n: u64,
    outbox: BTreeMap<u64, OutboxItem>,
    kept: Vec<(Change, Receipt)>,
    cursors: Map<LogId, Cursor>,
    subjects: BTreeMap<Subject, (LogId, Stored)>,
    briefing: Option<Briefing>,
    drafts: BTreeMap<String, Draft>,
}

impl MemoryNotebook {
    /// Lets every write fail with [`StoreError::Full`], or no longer.
    pub fn set_full(&self, full: bool) {
        self.full.set(full);
    }
    fn write(&self) -> Result<std::cell::RefMut<'_, PhoneState>, StoreError> {
        if self.full.get() { Err(StoreError::Full) } else { Ok(self.state.borrow_mut()) }
    }
}

impl Notebook for MemoryNotebook {
    async fn save(&self, change: &Change, draft: Option<&str>) -> Result<u64, StoreError> {
        let mut state = self.write()?;
        state.n += 1;
        let n = state.n;
        let change = Change { n, ..change.clone() };
        state.outbox.insert(n, OutboxItem { change, state: OutboxState::Queued });
        if let Some(draft) = draft {
            state.drafts.remove(draft);
        }
        Ok(n)
    }

    async fn outbox(&self) -> Result<Vec<OutboxItem>, StoreError> {
        Ok(self.state.borrow().outbox.values().cloned().collect())
    }

    async fn settle(&self, verdicts: &[(ChangeId, Verdict)], now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.write()?;
        for (id, verdict) in verdicts {
            let Some(item) = state.outbox.values_mut().find(|item| item.change.id == *id) else { continue };
            item.state = match verdict {
                Verdict::Refused { why } => OutboxState::Held { why: why.clone(), at: now },
                Verdict::Accepted { at }
                | Verdict::AlreadyKnown { at }
                | Verdict::Waiting { at, .. }
                | Verdict::Quarantined { at } => OutboxState::Received { at: *at },
            };
        }
        Ok(())
    }

    async fn release(&self, held: ChangeId, by: Option<ChangeId>) -> Result<(), StoreError> {
        let mut state = self.write()?;
        let n = state.outbox.iter().find(|(_, item)| item.change.id == held).map(|(n, _)| *n);
        let Some(n) = n else { return Ok(()) };
        match by {
            Some(_) => {
                state.outbox.remove(&n);
            }
            None => {
                if let Some(item) = state.outbox.get_mut(&n) {
                    item.state = OutboxState::Queued;
                }
            }
        }
        Ok(())
    }

    async fn store(&self, page: &Page, now: Timestamp) -> Result<(), StoreError> {
        let mut guard = self.write()?;
        let state = &mut *guard;
        if page.reset {
            state.subjects.retain(|_, (log, _)| *log != page.log);
            let offered: Vec<Change> = state
                .kept
                .iter()
                .filter(|(change, receipt)| {
                    let days = receipt.received_at.day().days_until(now.day());
                    change.log == page.log && days <= limits::KEPT_DAYS
                })
                .map(|(change, _)| change.clone())
                .collect();
            state.kept.retain(|(change, _)| change.log != page.log);
            for change in offered {
                state.outbox.insert(change.n, OutboxItem { change, state: OutboxState::Queued });
            }
            for item in state.outbox.values_mut().filter(|item| item.change.log == page.log) {
                if matches!(item.state, OutboxState::Received { .. }) {
                    item.state = OutboxState::Queued;
                }
            }
        }
        for on_page in &page.subjects {
            let known = state.subjects.entry(on_page.subject);
            let (log, stored) = known.or_insert_with(|| (page.log.clone(), Stored::default()));
            if !stored.merge(on_page) {
                state.subjects.remove(&on_page.subject);
            } else if let Some(header) = stored.parts.header() {
                // A case shown by the own log still belongs to the log it was born in.
                *log = header.log.clone();
            }
        }
        for (id, receipt) in &page.settled {
            let n = state.outbox.iter().find(|(_, item)| item.change.id == *id).map(|(n, _)| *n);
            if let Some(item) = n.and_then(|n| state.outbox.remove(&n)) {
                state.kept.push((item.change, receipt.clone()));
            }
        }
        match page.next {
            Some(next) => state.cursors.insert(page.log.clone(), next),
            None => state.cursors.remove(&page.log),
        };
        Ok(())
    }

    async fn cursors(&self) -> Result<Map<LogId, Cursor>, StoreError> {
        Ok(self.state.borrow().cursors.clone())
    }
    async fn find(&self, subject: Subject) -> Result<Option<Stored>, StoreError> {
        Ok(self.state.borrow().subjects.get(&subject).map(|(_, stored)| stored.clone()))
    }
    async fn subjects(&self) -> Result<Vec<Subject>, StoreError> {
        Ok(self.state.borrow().subjects.keys().copied().collect())
    }
    async fn put_briefing(&self, briefing: &Briefing) -> Result<(), StoreError> {
        self.write()?.briefing = Some(briefing.clone());
        Ok(())
    }
    async fn briefing(&self) -> Result<Option<Briefing>, StoreError> {
        Ok(self.state.borrow().briefing.clone())
    }
    async fn put_draft(&self, draft: &Draft) -> Result<(), StoreError> {
        self.write()?.drafts.insert(draft.name.clone(), draft.clone());
        Ok(())
    }
    async fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        Ok(self.state.borrow().drafts.values().cloned().collect())
    }
    async fn delete_draft(&self, name: &str) -> Result<(), StoreError> {
        self.write()?.drafts.remove(name);
        Ok(())
    }
}
