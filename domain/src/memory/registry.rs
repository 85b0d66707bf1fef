//! An office in memory: what it keeps, who sees what of it, and the pages it answers a pull with.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    access::{self, Reach, activity_is_seen_by},
    change::Entry,
    check::Rules,
    id::{ChangeId, DeviceId, FacilityId, LogId, PhotoId, PlaceId, Subject, WorkerId},
    limits,
    office::{self, Announced, Replaced},
    part::{Activity, Part, PartKey, Parts, Sheet},
    place::{Place, Places},
    registry::{Registry, Session},
    time::Timestamp,
    wire::{
        ApiError, Briefing, Cursor, EmergencyNumber, Page, PartRow, PullAnswer, PullRequest, PushBatch, SubjectPage,
        Verdict,
    },
    worker::{Colleague, Grant, Worker},
};

/// An office in memory.
#[derive(Debug, Default)]
pub struct MemoryRegistry {
    state: Mutex<OfficeState>,
}

#[derive(Debug, Clone)]
pub(super) struct OfficeState {
    pub(super) rules: Rules,
    pub(super) workers: BTreeMap<WorkerId, Worker>,
    pub(super) numbers: Vec<EmergencyNumber>,
    /// The counter of each log, and at each position of it the change that took it and the mark of cursors there.
    pub(super) heads: BTreeMap<LogId, u64>,
    pub(super) marks: BTreeMap<LogId, BTreeMap<u64, (ChangeId, ChangeId)>>,
    pub(super) changes: BTreeMap<ChangeId, Kept>,
    pub(super) replaced: Replaced,
    /// Where each photo was announced.
    pub(super) photos: BTreeMap<PhotoId, Announced>,
    pub(super) subjects: BTreeMap<Subject, Held>,
    pub(super) sheets: BTreeMap<(FacilityId, Subject, ChangeId), (u64, Option<Sheet>)>,
    pub(super) sights: BTreeMap<(WorkerId, u64), Subject>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) quarantine: Vec<Aside>,
    /// Kinds of change that this office is too old to know.
    pub(super) unheard: BTreeSet<String>,
    pub(super) contacts: BTreeMap<(WorkerId, DeviceId), Vec<Grant>>,
    /// When rights or places were changed last: phones read of both in the briefing.
    edition: Option<ChangeId>,
    /// What was ever sent to a device: nothing else is mentioned to it. `None` once a backup was restored: what was sent
    /// since is not known.
    pub(super) sent: Option<BTreeSet<(WorkerId, DeviceId, Subject)>>,
    /// Subjects on one page.
    pub(super) page: usize,
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
            replaced: Replaced::default(),
            photos: BTreeMap::new(),
            subjects: BTreeMap::new(),
            sheets: BTreeMap::new(),
            sights: BTreeMap::new(),
            waiting: vec![],
            quarantine: vec![],
            unheard: BTreeSet::new(),
            contacts: BTreeMap::new(),
            edition: None,
            sent: Some(BTreeSet::new()),
            page: limits::PAGE_SUBJECTS,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) raw: String,
    pub(super) log: LogId,
    pub(super) seq: u64,
    pub(super) entry: Entry,
}

#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) log: LogId,
    pub(super) parts: Parts,
    pub(super) seqs: BTreeMap<PartKey, u64>,
    pub(super) reach: Option<Reach>,
}

/// A change that waits for another, judged by the rights its writer had when it came.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) id: ChangeId,
    pub(super) on: ChangeId,
    pub(super) raw: String,
    pub(super) by: By,
}

/// A change that somebody with the right to read it must look at, or that a newer office will know.
#[derive(Debug, Clone)]
pub(super) struct Aside {
    pub(super) id: ChangeId,
    pub(super) raw: String,
    /// Its kind was not known.
    pub(super) unknown: bool,
    pub(super) by: By,
}

/// Whose change it is, and the rights they had when their device was last told of them.
#[derive(Debug, Clone)]
pub(super) struct By {
    pub(super) worker: WorkerId,
    pub(super) then: Vec<Grant>,
    pub(super) ahead_ms: Option<i64>,
}

impl MemoryRegistry {
    /// An office with these people and rules; `rules.staff` is taken from the workers.
    #[must_use]
    pub fn new(mut rules: Rules, workers: Vec<Worker>, numbers: Vec<EmergencyNumber>) -> Self {
        rules.staff = workers.iter().map(|w| (w.id, w.grants.clone())).collect();
        let workers = workers.into_iter().map(|w| (w.id, w)).collect();
        Self { state: Mutex::new(OfficeState { rules, workers, numbers, ..OfficeState::default() }) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, OfficeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a page carry so many subjects only.
    pub fn set_page(&self, subjects: usize) {
        self.state().page = subjects.max(1);
    }
    /// Makes this office too old to know some kinds of change, or none.
    pub fn set_unheard(&self, kinds: &[&str]) {
        self.state().unheard = kinds.iter().map(|kind| (*kind).to_owned()).collect();
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
            + state.quarantine.iter().filter(|aside| aside.id == change).count()
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
            Subject::Case(_) => {
                Reach::of(&held.parts).is_some_and(|reach| state.rules.sees(worker, &person.grants, &reach))
            }
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
                let mut parts = held.parts.clone();
                for (_, part) in parts.0.iter_mut() {
                    state.veil(person, part);
                }
                all.insert(*subject, parts);
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
    /// Whether this person's device ever asked for anything: since then the office knows by which key it signs.
    #[must_use]
    pub fn has_met(&self, worker: WorkerId, device: DeviceId) -> bool {
        self.state().contacts.contains_key(&(worker, device))
    }
    /// Gives a worker other rights. Each case they now see, or no longer see, is told to their phones.
    pub fn employ(&self, worker: WorkerId, grants: Vec<Grant>, mark: ChangeId, now: Timestamp) {
        let mut state = self.state();
        if state.workers.contains_key(&worker) {
            state.tell(mark, now, |state| state.employ(worker, grants));
        }
    }
    /// Ends all rights of a worker, also those by which what comes late would have been judged.
    pub fn revoke(&self, worker: WorkerId, mark: ChangeId, now: Timestamp) {
        let mut state = self.state();
        state.contacts.iter_mut().filter(|((of, _), _)| *of == worker).for_each(|(_, then)| then.clear());
        state.tell(mark, now, |state| state.employ(worker, vec![]));
    }
    /// Puts places, new or changed, into the tree: sight follows, the logs stay.
    pub fn put_places(&self, places: Vec<Place>, mark: ChangeId, now: Timestamp) {
        self.state().tell(mark, now, |state| {
            let mut all: BTreeMap<PlaceId, Place> =
                state.rules.places.iter().map(|place| (place.id.clone(), place.clone())).collect();
            all.extend(places.into_iter().map(|place| (place.id.clone(), place)));
            state.rules.places = Places::new(all.into_values());
        });
    }
    /// Names the officers for restricted cases of a place.
    pub fn put_officers(&self, place: PlaceId, officers: Vec<WorkerId>, mark: ChangeId, now: Timestamp) {
        self.state().tell(mark, now, |state| {
            state.rules.officers.insert(place, officers);
        });
    }
    /// Where everything lies now.
    #[must_use]
    pub fn places(&self) -> Places {
        self.state().rules.places.clone()
    }
}

impl OfficeState {
    fn employ(&mut self, worker: WorkerId, grants: Vec<Grant>) {
        self.rules.staff.insert(worker, grants.clone());
        if let Some(person) = self.workers.get_mut(&worker) {
            person.grants = grants;
        }
    }

    /// What everybody sees, and the logs they follow.
    fn sight(&self) -> BTreeMap<WorkerId, (BTreeSet<Subject>, BTreeSet<LogId>)> {
        let of = |person: &Worker| {
            let seen = self.subjects.iter().filter(|(subject, held)| self.sees(person, **subject, held));
            let logs = person.logs(&self.rules.places).into_iter().collect();
            (person.id, (seen.map(|(subject, _)| *subject).collect(), logs))
        };
        self.workers.values().map(of).collect()
    }

    /// Does something about people or places, and tells everybody's phones what is seen since, or no longer.
    fn tell(&mut self, mark: ChangeId, now: Timestamp, deed: impl FnOnce(&mut Self)) {
        let before = self.sight();
        deed(self);
        self.edition = Some(mark);
        for (worker, (sees, follows)) in self.sight() {
            let Some((saw, followed)) = before.get(&worker) else { continue };
            let moved: BTreeSet<Subject> = saw.symmetric_difference(&sees).copied().collect();
            // What names a case that is seen since, or no longer, is read anew.
            let names_moved = |held: &Held| {
                let links = held.parts.header().map(|h| &h.links);
                links.is_some_and(|links| links.keys().any(|other| moved.contains(&Subject::Case(*other))))
            };
            // A new phone of theirs would not ask for a log that they no longer follow.
            let from_afar = |held: &Held| followed.contains(&held.log) && !follows.contains(&held.log);
            let stays = saw.intersection(&sees).copied().filter(|subject| {
                let held = &self.subjects[subject];
                matches!(subject, Subject::Case(_) | Subject::Activity(_)) && (names_moved(held) || from_afar(held))
            });
            let told: Vec<Subject> = moved.iter().copied().chain(stays).collect();
            for subject in told {
                let seq = self.next(&LogId::Worker(worker));
                self.put_mark(LogId::Worker(worker), seq, mark, now);
                self.sights.insert((worker, seq), subject);
            }
        }
    }

    pub(super) fn next(&mut self, log: &LogId) -> u64 {
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

    pub(super) fn put_mark(&mut self, log: LogId, seq: u64, change: ChangeId, at: Timestamp) {
        let before = self.mark(&log, seq.saturating_sub(1));
        self.marks.entry(log).or_default().insert(seq, (change, office::mark(before, change, at)));
    }

    fn sees(&self, worker: &Worker, subject: Subject, held: &Held) -> bool {
        match subject {
            Subject::Case(_) => held.reach.as_ref().is_some_and(|r| self.rules.sees(worker.id, &worker.grants, r)),
            Subject::Facility(_) => true,
            Subject::Activity(_) => {
                let Some(activity) = held.parts.activity() else { return false };
                let (Activity::AnonymousContact { place } | Activity::GroupSession { place, .. }) = &activity.activity;
                let (author, places) = (activity.written.by, &self.rules.places);
                activity_is_seen_by(author, place, worker.id, &worker.grants, places)
            }
        }
    }

    /// Takes out what names a case that the worker does not see.
    fn veil(&self, worker: &Worker, part: &mut Part) {
        access::veil(part, &mut |other| {
            let subject = Subject::Case(other);
            self.subjects.get(&subject).is_some_and(|held| self.sees(worker, subject, held))
        });
    }

    /// Whether a worker of this facility may read its sheets of a subject.
    fn holds_sheets(&self, worker: &Worker, facility: FacilityId, subject: Subject) -> bool {
        let reach = self.subjects.get(&subject).and_then(|h| h.reach.as_ref());
        let excluded = reach.is_some_and(|r| r.excluded.contains(&worker.id));
        !excluded && worker.grants.iter().any(|g| g.facility == Some(facility))
    }

    /// Every row of a log that the worker may see, with its position.
    fn rows(&self, worker: &Worker, log: &LogId) -> Vec<(u64, Subject, Row<'_>)> {
        let mut rows = Vec::new();
        match log {
            LogId::Place(_) => {
                for (subject, held) in self.subjects.iter().filter(|(_, h)| h.log == *log) {
                    if self.sees(worker, *subject, held) {
                        let parts = held.seqs.iter().map(|(key, seq)| (key, seq, held.parts.0.get(key)));
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
            Row::Part(key, None) => page.gone.push(*key),
            Row::Part(key, Some(part)) => {
                let mut part = (*part).clone();
                self.veil(worker, &mut part);
                page.parts.push(PartRow { key: *key, seq, part });
            }
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
                    held.parts.0.iter().map(|(key, part)| {
                        let mut part = part.clone();
                        self.veil(worker, &mut part);
                        PartRow { key: *key, seq: held.seqs.get(key).copied().unwrap_or(0), part }
                    })
                }));
            }
        }
    }

    fn briefing(&self, worker: &Worker) -> Briefing {
        Briefing {
            tag: format!("{:?} {:?}", worker.grants, self.edition),
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
            office: None,
        }
    }
}

enum Row<'a> {
    /// `None`: it was taken away.
    Part(PartKey, Option<&'a Part>),
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
        let pages: Vec<Page> = logs.into_iter().map(page).collect();
        // What a phone cannot read is not sent to it.
        let answer = PullAnswer { now, pages, ahead: None, briefing: None };
        if !answer.is_readable_by(request.v) {
            return Err(ApiError::UpdateNeeded);
        }
        let mut pages = answer.pages;
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
        let behind = |page: &Page| {
            let from = page.next.map_or(0, |next| next.seq);
            let rows = state.rows(&worker, &page.log);
            let subjects: BTreeSet<Subject> =
                rows.into_iter().filter(|(seq, ..)| *seq > from).map(|(_, subject, _)| subject).collect();
            subjects.len() as u64
        };
        let ahead = pages.iter().any(|page| page.more).then(|| pages.iter().filter(|p| p.more).map(behind).sum());
        state.contacts.insert((worker.id, request.device), worker.grants);
        Ok(PullAnswer { now, pages, ahead, briefing })
    }
}
