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

use super::{Fault, Invariant, network::Letter, task::step, world::World};

#[derive(Debug)]
pub struct Office {
    pub registry: MemoryRegistry,
    backup: RefCell<Option<MemoryRegistry>>,
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
            backup: RefCell::default(),
            locks: RefCell::default(),
            sent: RefCell::default(),
            times: RefCell::default(),
        }
    }

    /// One push from its arrival to its answer.
    pub async fn serve(world: &World, letter: Letter) {
        let verdicts = Self::push(world, &letter).await;
        // Committed, and not yet answered.
        step().await;
        letter.answer.give(verdicts);
    }

    async fn push(world: &World, letter: &Letter) -> Result<Vec<Verdict>, ApiError> {
        let (office, registry) = (&world.office, &world.office.registry);
        let forgotten = (world.fault == Fault::NoIdempotency).then(|| office.renamed(&letter.batch));
        let batch = forgotten.as_ref().unwrap_or(&letter.batch);
        let mut transaction = registry.begin(&letter.session, batch, world.now())?;
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
        let answer = self.registry.pull(&session, request, world.now()).now_or_never();
        let mut answer = answer.unwrap_or(Err(ApiError::Unavailable))?;
        self.betray(world, worker, &mut answer);
        for page in &answer.pages {
            self.witness(world, worker, device, page);
        }
        Ok(answer)
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
            let Ok(mut change) = serde_json::from_str::<Change>(text.get()) else { return text.to_owned() };
            let mut times = self.times.borrow_mut();
            let times = times.entry(change.id).or_default();
            *times += 1;
            if *times > 1 && !change.body.opens() {
                change.id = ChangeId(uuid::Uuid::from_u128(change.id.0.as_u128() ^ u128::from(*times)));
            }
            raw(&change)
        };
        PushBatch { changes: batch.changes.iter().map(rename).collect(), ..batch.clone() }
    }

    pub fn take_backup(&self) {
        *self.backup.borrow_mut() = Some(self.registry.backup());
    }
    /// The machine is lost and an older copy takes its place. False when there is none.
    pub fn fail_over(&self) -> bool {
        let backup = self.backup.take();
        if let Some(backup) = &backup {
            self.registry.restore(backup);
        }
        backup.is_some()
    }
    /// Whether a transaction is under way: a change of rights waits for its end.
    pub fn is_busy(&self) -> bool {
        !self.locks.borrow().is_empty()
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
