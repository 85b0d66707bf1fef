//! The office's machine: pushes are transactions whose steps run beside each other under locks; it may be killed between
//! any two of them. What leaves it is looked at.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use domain::{
    laws::raw,
    memory::{MemoryRegistry, Transaction},
    *,
};
use futures::FutureExt;

use super::{Fault, Invariant, areas::Areas, chance::Chance, network::Request, post, task::step, world::World};

#[derive(Debug)]
pub struct Office {
    pub registry: MemoryRegistry,
    /// Copies of it that are kept elsewhere, the oldest first.
    backups: RefCell<Vec<(MemoryRegistry, Areas)>>,
    locks: RefCell<BTreeSet<Lock>>,
    /// What ever left the office for a device.
    sent: RefCell<BTreeSet<(DeviceId, Subject)>>,
    /// How often each change came, for an office that forgets to ask.
    times: RefCell<BTreeMap<ChangeId, u32>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Lock {
    Subject(Subject),
    Counter(LogId),
}

/// The locks of one transaction, and what it gives back if it ends without a commit.
struct Hold<'a> {
    world: &'a World,
    locks: BTreeSet<Lock>,
    transaction: Option<Transaction>,
}

impl Hold<'_> {
    async fn lock(&mut self, lock: Lock) {
        while !self.world.office.locks.borrow_mut().insert(lock.clone()) {
            step().await;
        }
        self.locks.insert(lock);
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let office = &self.world.office;
        // A sequence gives nothing back.
        if let Some(transaction) = self.transaction.take()
            && self.world.fault != Fault::GlobalSequence
        {
            office.registry.roll_back(transaction);
        }
        office.locks.borrow_mut().retain(|lock| !self.locks.contains(lock));
    }
}

impl Office {
    pub fn new(registry: MemoryRegistry) -> Self {
        Self {
            registry,
            backups: RefCell::default(),
            locks: RefCell::default(),
            sent: RefCell::default(),
            times: RefCell::default(),
        }
    }

    /// One request from its arrival to its answer.
    pub async fn serve(world: &World, request: Request) {
        match request {
            Request::Push { session, batch, answer } => {
                let verdicts = Self::push(world, &session, &batch).await;
                // Committed, and not yet answered.
                step().await;
                answer.give(verdicts);
            }
            Request::Post { bringer, post, answer } => {
                if world.fault == Fault::KeptTooSoon {
                    let kept = post.letters.iter().map(|letter| Self::open(world, letter).is_some()).collect();
                    answer.give(Ok(PostAnswer { kept, slip: None }));
                    if world.chance.percent(20) {
                        // Killed at just that moment.
                        return;
                    }
                }
                let kept = Self::take(world, bringer, &post).await;
                step().await;
                answer.give(kept.map(|kept| PostAnswer { kept, slip: None }));
            }
        }
    }

    async fn push(world: &World, session: &Session, batch: &PushBatch) -> Result<Vec<Verdict>, ApiError> {
        let (office, registry) = (&world.office, &world.office.registry);
        let forgotten = (world.fault == Fault::NoIdempotency).then(|| office.renamed(batch));
        let batch = forgotten.as_ref().unwrap_or(batch);
        Self::run(world, registry.begin(session, batch, world.now())?).await
    }

    /// Takes letters, each in the name of its writer; those of one writer on one device together.
    async fn take(world: &World, bringer: WorkerId, post: &Post) -> Result<Vec<bool>, ApiError> {
        let (office, registry) = (&world.office, &world.office.registry);
        let mut by_writer: BTreeMap<(WorkerId, DeviceId), Vec<(usize, Carried)>> = BTreeMap::new();
        for (at, letter) in post.letters.iter().enumerate() {
            if let Some((worker, carried)) = Self::open(world, letter) {
                by_writer.entry((worker, letter.device)).or_default().push((at, carried));
            }
        }
        let mut kept = vec![false; post.letters.len()];
        for ((worker, device), carried) in by_writer {
            let (places, mut carried): (Vec<usize>, Vec<Carried>) = carried.into_iter().unzip();
            match world.fault {
                Fault::LetterTwice => carried.iter_mut().for_each(|letter| office.rename(&mut letter.text)),
                Fault::CourierIsAuthor => carried.iter_mut().for_each(|letter| sign_as(bringer, &mut letter.text)),
                _ => {}
            }
            let verdicts = if world.fault == Fault::RefusedInSilence {
                let changes = carried.into_iter().filter_map(|letter| serde_json::from_str(&letter.text).ok());
                let batch = PushBatch { v: 1, worker, device, sent_at: None, changes: changes.collect() };
                let pushed = Self::run(world, registry.begin(&Session { worker }, &batch, world.now())?).await?;
                vec![Verdict::AlreadyKnown { at: world.now() }; pushed.len()]
            } else {
                Self::run(world, registry.begin_letters(worker, device, carried, world.now())).await?
            };
            for (place, verdict) in places.into_iter().zip(verdicts) {
                kept[place] = !matches!(verdict, Verdict::Refused { .. });
            }
        }
        Ok(kept)
    }

    /// Whose letter it is and what it holds; `None` for what nobody proves.
    fn open(world: &World, letter: &Letter) -> Option<(WorkerId, Carried)> {
        let phone = world.phones.iter().find(|phone| phone.pen.device == letter.device)?;
        let worker = phone.pen.worker;
        let is_known = letter.fits() && world.office.registry.has_met(worker, letter.device);
        if !is_known || (!post::is_signed(letter) && world.fault != Fault::LetterUnproved) {
            return None;
        }
        let plain = post::open(letter)?;
        if world.fault == Fault::WriterBelieved {
            let Inside { worker, ahead_ms, change } = serde_json::from_slice(plain).ok()?;
            let envelope = serde_json::from_str(change.get()).ok()?;
            return Some((worker, Carried { text: change.get().to_owned(), envelope, ahead_ms }));
        }
        Some((worker, letter.read(worker, plain)?))
    }

    async fn run(world: &World, mut transaction: Transaction) -> Result<Vec<Verdict>, ApiError> {
        let (office, registry) = (&world.office, &world.office.registry);
        let mut hold = Hold { world, locks: BTreeSet::new(), transaction: None };
        if world.fault == Fault::ReadBeforeLock {
            registry.read(&mut transaction);
        }
        for subject in transaction.subjects() {
            hold.lock(Lock::Subject(subject)).await;
        }
        if world.fault != Fault::ReadBeforeLock {
            registry.read(&mut transaction);
        }
        step().await;
        registry.judge(&mut transaction);
        if world.fault == Fault::LastWriteWins {
            overwrite(&mut transaction);
        }
        step().await;
        if world.fault != Fault::GlobalSequence {
            for log in transaction.logs() {
                hold.lock(Lock::Counter(log)).await;
            }
        }
        registry.allocate(&mut transaction);
        hold.transaction = Some(transaction);
        step().await;
        let Some(transaction) = hold.transaction.take() else { return Err(ApiError::Unavailable) };
        for (log, seq) in transaction.positions() {
            let place = transaction.positions().iter().filter(|(l, s)| *l == log && *s <= seq).count() as u64;
            if seq != registry.head(&log) + place {
                world.fail(Invariant::OrderOfCommit, format!("{log} commits {seq} after {}", registry.head(&log)));
            }
        }
        let subjects = transaction.subjects();
        let mut verdicts = registry.commit(transaction);
        for subject in subjects {
            office.follows_from_changes(world, subject);
        }
        if world.fault == Fault::OneVerdict
            && let Some(first) = verdicts.first().cloned()
        {
            verdicts.fill(first);
        }
        Ok(verdicts)
    }

    /// What `server check` looks for.
    fn follows_from_changes(&self, world: &World, subject: Subject) {
        let parts = self.registry.parts(subject);
        if world.fault != Fault::LastWriteWins && domain::office::replay(&self.registry.entries(subject)) != parts {
            world.fail(Invariant::FollowsFromChanges, format!("{subject} does not follow from its changes"));
        }
    }

    pub fn pull(&self, world: &World, session: Session, request: PullRequest) -> Result<PullAnswer, ApiError> {
        let (worker, device) = (session.worker, request.device);
        let asked: BTreeSet<LogId> = request.cursors.keys().cloned().collect();
        let answer = self.registry.pull(&session, request, world.now()).now_or_never();
        let mut answer = answer.unwrap_or(Err(ApiError::Unavailable))?;
        self.betray(world, worker, &mut answer);
        if world.fault == Fault::MergerUntold {
            self.keep_silent(worker, &asked, &mut answer);
        }
        for page in &answer.pages {
            self.witness(world, worker, device, page);
        }
        Ok(answer)
    }

    /// As if nobody had been told of what lies in logs of communes that have ended.
    fn keep_silent(&self, worker: WorkerId, asked: &BTreeSet<LogId>, answer: &mut PullAnswer) {
        let places = self.registry.places();
        let followed = Worker::logs_of(worker, &self.registry.grants(worker), &places);
        let is_far = |log: &LogId| {
            let ended = matches!(log, LogId::Place(id) if places.find(id).is_some_and(|p| p.successor.is_some()));
            ended && !asked.contains(log) && !followed.contains(log)
        };
        answer.pages.retain(|page| !is_far(&page.log));
        for page in &mut answer.pages {
            page.subjects.retain(|on_page| {
                let mut headers = on_page.parts.iter().filter_map(|row| match &row.part {
                    Part::Header(header) => Some(header),
                    _ => None,
                });
                !on_page.whole || !headers.any(|header| is_far(&header.log))
            });
        }
    }

    /// What leaves the office for a device, by the rights of this moment.
    fn witness(&self, world: &World, worker: WorkerId, device: DeviceId, page: &Page) {
        for on_page in &page.subjects {
            let subject = on_page.subject;
            let sees = self.registry.may_see(worker, subject);
            for row in &on_page.parts {
                let lawful = match &row.part {
                    Part::Sheet(sheet) => {
                        self.registry.sheet(worker, subject, sheet.referral).as_ref() == Some(&**sheet)
                    }
                    // A link tells of the other case.
                    part => {
                        let named = access::cases_named(part);
                        sees && named.iter().all(|case| self.registry.may_see(worker, Subject::Case(*case)))
                    }
                };
                if !lawful {
                    world.fail(Invariant::SeenByRight, format!("{worker} was sent {} of {subject}", row.key));
                }
            }
            let known = (device, subject);
            if on_page.parts.is_empty() {
                // A restored office does not know what it has sent since, and says too much rather than too little.
                if !page.reset && !world.restored.get() && !self.sent.borrow().contains(&known) {
                    world.fail(Invariant::NeverMentioned, format!("{worker} was told of {subject}"));
                }
                if on_page.whole && sees {
                    world.fail(Invariant::SeenByRight, format!("{worker} was told to forget {subject}"));
                }
            } else {
                self.sent.borrow_mut().insert(known);
            }
        }
    }

    /// Two ways of telling somebody what they must not know.
    fn betray(&self, world: &World, worker: WorkerId, answer: &mut PullAnswer) {
        let shown = world.fault == Fault::ShownToStranger;
        if !shown && world.fault != Fault::ForgetToStranger {
            return;
        }
        let Some(page) = answer.pages.iter_mut().find(|p| matches!(p.log, LogId::Place(_)) && !p.reset) else { return };
        for (subject, parts) in self.registry.subjects() {
            if parts.header().is_some_and(Header::is_restricted) && !self.registry.may_see(worker, subject) {
                let row = |(key, part): (PartKey, Part)| PartRow { key, seq: 0, part };
                let rows = parts.0.into_iter().map(row).filter(|_| shown).collect();
                page.subjects.push(SubjectPage { subject, whole: true, parts: rows, gone: vec![] });
            }
        }
    }

    /// Changes that have come before get another id.
    fn renamed(&self, batch: &PushBatch) -> PushBatch {
        let rename = |text: &domain::json::Raw| {
            let mut text = text.get().to_owned();
            self.rename(&mut text);
            serde_json::from_str(&text).expect("it was read before")
        };
        PushBatch { changes: batch.changes.iter().map(rename).collect(), ..batch.clone() }
    }
    fn rename(&self, text: &mut String) {
        let Ok(mut change) = serde_json::from_str::<Change>(text) else { return };
        let mut times = self.times.borrow_mut();
        let times = times.entry(change.id).or_default();
        *times += 1;
        if *times > 1 && !change.body.opens() {
            change.id = ChangeId(uuid::Uuid::from_u128(change.id.0.as_u128() ^ u128::from(*times)));
        }
        raw(&change).get().clone_into(text);
    }

    /// The office's machine has a few older copies, as a province has that keeps one of each night.
    pub fn take_backup(&self, areas: &Areas) {
        let mut backups = self.backups.borrow_mut();
        backups.push((self.registry.backup(), areas.copy()));
        if backups.len() > 3 {
            backups.remove(0);
        }
    }
    /// Those from before are not used any more.
    pub fn forget_backups(&self) {
        self.backups.take();
    }
    /// The machine is lost and an older copy takes its place; it may be used more than once. False when there is none.
    pub fn fail_over(&self, chance: &Chance, areas: &Areas) -> bool {
        let backups = self.backups.borrow();
        let backup = if chance.percent(60) { backups.last() } else { chance.pick(&backups) };
        if let Some((backup, then)) = backup {
            self.registry.restore(backup);
            areas.put_back(then);
        }
        backup.is_some()
    }
    /// Whether a transaction is under way: a change of rights waits for its end.
    pub fn is_busy(&self) -> bool {
        !self.locks.borrow().is_empty()
    }
}

/// In somebody else's name.
fn sign_as(worker: WorkerId, text: &mut String) {
    if let Ok(change) = serde_json::from_str::<Change>(text) {
        raw(&Change { author: worker, ..change }).get().clone_into(text);
    }
}

/// Of each fact only what came last is left.
fn overwrite(transaction: &mut Transaction) {
    for subject in transaction.subjects() {
        let Some(parts) = transaction.parts_mut(subject) else { continue };
        let Some(Part::Header(header)) = parts.0.get_mut(&PartKey::Header) else { continue };
        let field = &mut header.facts.what_happened;
        if let Some(last) = field.candidates().first().cloned() {
            let others = field.seen();
            field.edit(last.change, last.received_at, &others, &last.value);
        }
    }
}
