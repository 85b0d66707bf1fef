//! A seeded world: three phones, a facility's desk and one office, joined by a network that loses, doubles, delays and
//! cuts, and by notebooks that die in the middle of a write. It judges by invariants only and prints its seed.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
};

use domain::{
    laws::{Pen, Village, act, agreed, ask, raw, visit},
    memory::{MemoryNotebook, MemoryRegistry},
    notebook::{Draft, Stored},
    sync::{self, Office, Phone},
    *,
};
use futures::executor::block_on;

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, good enough to choose what happens next.
#[derive(Debug)]
struct Dice(Cell<u64>);

impl Dice {
    fn roll(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&self, n: usize) -> usize {
        usize::try_from(self.roll() % n as u64).expect("below a usize")
    }
    fn percent(&self, chance: u64) -> bool {
        self.roll() % 100 < chance
    }
    fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())) }
    }
}

/// A deliberately wrong adapter, to show that the invariants find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The office takes a change that comes again for a new one.
    NoIdempotency,
    /// The phone moves its cursor before, and not with, the rows of the page.
    CursorFirst,
}

/// What a seed went through.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub saved: usize,
    pub accepted: usize,
    pub held: usize,
    pub set_aside: usize,
    pub cuts: usize,
}

/// A broken invariant, with the seed that shows it.
#[derive(Debug, Clone)]
pub struct Broken {
    pub seed: u64,
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.what)
    }
}

/// An office that has forgotten to ask whether it knows a change.
struct Forgetful<'a>(&'a MemoryRegistry, RefCell<BTreeMap<ChangeId, u32>>);

impl Forgetful<'_> {
    fn renamed(&self, batch: PushBatch) -> PushBatch {
        let changes = batch
            .changes
            .iter()
            .map(|text| {
                let Ok(mut change) = serde_json::from_str::<Change>(text.get()) else { return text.clone() };
                let mut times = self.1.borrow_mut();
                let times = times.entry(change.id).or_default();
                *times += 1;
                if *times > 1 && !change.body.opens() {
                    change.id = ChangeId(uuid::Uuid::from_u128(change.id.0.as_u128() ^ u128::from(*times)));
                }
                raw(&change)
            })
            .collect();
        PushBatch { changes, ..batch }
    }
}

/// The way between one phone and the office in one run.
struct Network<'a> {
    world: &'a World,
    session: Session,
    calm: bool,
}

impl Network<'_> {
    fn cut(&self, chance: u64) -> Result<(), ApiError> {
        if !self.calm && self.world.dice.percent(chance) {
            self.world.cuts.set(self.world.cuts.get() + 1);
            return Err(ApiError::NoConnection);
        }
        Ok(())
    }
}

impl Office for Network<'_> {
    async fn push(&self, batch: PushBatch) -> Result<Vec<Verdict>, ApiError> {
        self.cut(20)?;
        let world = self.world;
        if !self.calm && world.dice.percent(15) {
            // A copy that some mast delivers later, out of order.
            world.late.borrow_mut().push((self.session, batch.clone()));
        }
        if !self.calm && world.dice.percent(15) {
            world.deliver(self.session, batch.clone()).await?;
        }
        let verdicts = world.deliver(self.session, batch).await?;
        self.cut(20)?;
        Ok(verdicts)
    }
    async fn pull(&self, request: PullRequest) -> Result<PullAnswer, ApiError> {
        self.cut(15)?;
        let answer = self.world.office.pull(&self.session, request, self.world.now()).await?;
        self.cut(15)?;
        Ok(answer)
    }
}

/// A notebook whose tab may die before or after any write.
struct Shaky<'a> {
    inner: &'a MemoryNotebook,
    world: &'a World,
    calm: bool,
}

impl Shaky<'_> {
    fn die(&self) -> Result<(), StoreError> {
        if !self.calm && self.world.dice.percent(7) {
            self.world.cuts.set(self.world.cuts.get() + 1);
            return Err(StoreError::Closed);
        }
        Ok(())
    }
}

impl Notebook for Shaky<'_> {
    async fn save(&self, change: &Change, draft: Option<&str>) -> Result<u64, StoreError> {
        self.inner.save(change, draft).await
    }
    async fn outbox(&self) -> Result<Vec<OutboxItem>, StoreError> {
        self.inner.outbox().await
    }
    async fn settle(&self, verdicts: &[(ChangeId, Verdict)], now: Timestamp) -> Result<(), StoreError> {
        self.die()?;
        self.inner.settle(verdicts, now).await?;
        self.die()
    }
    async fn release(&self, held: ChangeId, by: Option<ChangeId>) -> Result<(), StoreError> {
        self.inner.release(held, by).await
    }
    async fn store(&self, page: &Page, now: Timestamp) -> Result<(), StoreError> {
        self.die()?;
        if self.world.fault == Fault::CursorFirst {
            let cursor_only = Page { subjects: vec![], settled: vec![], ..page.clone() };
            self.inner.store(&cursor_only, now).await?;
            self.die()?;
        }
        self.inner.store(page, now).await?;
        self.die()
    }
    async fn cursors(&self) -> Result<BTreeMap<LogId, Cursor>, StoreError> {
        self.inner.cursors().await
    }
    async fn find(&self, subject: Subject) -> Result<Option<Stored>, StoreError> {
        self.inner.find(subject).await
    }
    async fn subjects(&self) -> Result<Vec<Subject>, StoreError> {
        self.inner.subjects().await
    }
    async fn put_briefing(&self, briefing: &Briefing) -> Result<(), StoreError> {
        self.inner.put_briefing(briefing).await
    }
    async fn briefing(&self) -> Result<Option<Briefing>, StoreError> {
        self.inner.briefing().await
    }
    async fn put_draft(&self, draft: &Draft) -> Result<(), StoreError> {
        self.inner.put_draft(draft).await
    }
    async fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        self.inner.drafts().await
    }
    async fn delete_draft(&self, name: &str) -> Result<(), StoreError> {
        self.inner.delete_draft(name).await
    }
}

/// One person with one phone.
struct Carrier {
    pen: Pen,
    notebook: MemoryNotebook,
    saved: RefCell<Vec<Change>>,
}

impl Carrier {
    fn new(worker: WorkerId, device: u8) -> Self {
        Self { pen: Pen::new(worker, device), notebook: MemoryNotebook::default(), saved: RefCell::default() }
    }
    async fn write(&self, subject: Subject, body: Body) {
        let change = self.pen.write(subject, "place:a", body);
        self.save(change).await;
    }
    async fn save(&self, change: Change) {
        let n = self.notebook.save(&change, None).await.expect("a store in memory");
        self.saved.borrow_mut().push(Change { n, ..change });
    }
    /// What the screen of this phone shows of everything it holds.
    async fn view(&self) -> Vec<(Subject, Parts)> {
        let outbox = self.notebook.outbox().await.expect("outbox");
        let mut subjects = self.notebook.subjects().await.expect("subjects");
        subjects.extend(outbox.iter().map(|i| i.change.subject));
        subjects.sort();
        subjects.dedup();
        let mut all = Vec::new();
        for subject in subjects {
            let stored = self.notebook.find(subject).await.expect("found").unwrap_or_default();
            all.push((subject, sync::overlay(stored.parts, &outbox, subject)));
        }
        all
    }
}

struct World {
    fault: Fault,
    dice: Dice,
    village: Village,
    office: MemoryRegistry,
    forgotten: RefCell<BTreeMap<ChangeId, u32>>,
    carriers: Vec<Carrier>,
    late: RefCell<Vec<(Session, PushBatch)>>,
    minutes: Cell<i64>,
    cuts: Cell<usize>,
}

impl World {
    fn new(seed: u64, fault: Fault) -> Self {
        let village = Village::new();
        let office = village.memory();
        let carriers = vec![
            Carrier::new(village.lan, 1),
            Carrier::new(village.pao, 2),
            Carrier::new(village.hanh, 3),
            Carrier::new(village.thanh, 4),
        ];
        let dice = Dice(Cell::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1)));
        Self {
            fault,
            dice,
            village,
            office,
            forgotten: RefCell::default(),
            carriers,
            late: RefCell::default(),
            minutes: Cell::new(0),
            cuts: Cell::new(0),
        }
    }

    /// The office's clock. Phones have their own, which nothing compares with it.
    fn now(&self) -> Timestamp {
        laws::MORNING.plus_ms(self.minutes.get() * 60_000)
    }

    async fn deliver(&self, session: Session, batch: PushBatch) -> Result<Vec<Verdict>, ApiError> {
        let batch = if self.fault == Fault::NoIdempotency {
            let forgetful = Forgetful(&self.office, RefCell::new(self.forgotten.take()));
            let renamed = forgetful.renamed(batch);
            self.forgotten.replace(forgetful.1.into_inner());
            return forgetful.0.push(&session, renamed, self.now()).await;
        } else {
            batch
        };
        self.office.push(&session, batch, self.now()).await
    }

    async fn sync(&self, carrier: &Carrier, calm: bool) -> Result<(), sync::SyncError> {
        let notebook = Shaky { inner: &carrier.notebook, world: self, calm };
        let network = Network { world: self, session: carrier.pen.session(), calm };
        let phone = Phone { worker: carrier.pen.worker, device: carrier.pen.device };
        sync::run(&notebook, &network, phone, &|| self.now(), &|_| ()).await.map(drop)
    }

    /// One thing that somebody does.
    async fn step(&self) {
        self.minutes.set(self.minutes.get() + 1);
        let carrier = &self.carriers[self.dice.below(self.carriers.len())];
        if self.dice.percent(35) {
            // Most runs fail somewhere; what they had done by then stays.
            let _ = self.sync(carrier, false).await;
            return;
        }
        if self.dice.percent(10) && !self.late.borrow().is_empty() {
            let at = self.dice.below(self.late.borrow().len());
            let (session, batch) = self.late.borrow_mut().remove(at);
            let _ = self.deliver(session, batch).await;
            return;
        }
        if carrier.pen.worker == self.village.thanh {
            self.act_at_the_facility(carrier).await;
        } else {
            self.act_in_the_field(carrier).await;
        }
    }

    async fn act_in_the_field(&self, carrier: &Carrier) {
        let view = carrier.view().await;
        let known: Vec<&(Subject, Parts)> = view.iter().filter(|(_, p)| p.header().is_some()).collect();
        let Some((subject, parts)) = self.dice.pick(&known).copied() else {
            return self.open(carrier).await;
        };
        let Some(header) = parts.header() else { return };
        let edit = |name: FactName, fact: Fact| Body::FactsEdited {
            edits: vec![FieldEdit { saw: header.facts.seen(name), fact }],
        };
        let body = match self.dice.below(11) {
            0 | 1 => return self.open(carrier).await,
            2 | 3 => visit("Đã gặp, vẫn ổn."),
            4 => edit(FactName::WhatHappened, Fact::WhatHappened(format!("Ghi lần {}", self.dice.below(1_000)))),
            5 => {
                let to = if self.dice.percent(50) { "a1" } else { "a2" };
                edit(FactName::HandledIn, Fact::HandledIn(to.parse().expect("a place")))
            }
            6 => {
                let now = if self.dice.percent(60) { Confidentiality::Restricted } else { Confidentiality::Normal };
                edit(FactName::Confidentiality, Fact::Confidentiality(now))
            }
            7 => {
                let other = self.carriers[self.dice.below(3)].pen.worker;
                let now = self.dice.percent(60);
                if self.dice.percent(60) {
                    let saw = header.assignees.get(&other).map(Field::seen).unwrap_or_default();
                    Body::AssigneeEdited(ElementEdit { saw, element: other, now })
                } else {
                    let saw = header.excluded_workers.get(&other).map(Field::seen).unwrap_or_default();
                    Body::ExcludedEdited(ElementEdit { saw, element: other, now })
                }
            }
            8 => {
                let receiver = Receiver::Facility(self.village.facility);
                if self.dice.percent(50) {
                    ask(ReferralKind::AdmissionEmergency, receiver, Sharing::emergency())
                } else {
                    ask(ReferralKind::Health, receiver, agreed())
                }
            }
            _ => match self.decision(carrier, parts) {
                Some(body) => body,
                None if carrier.pen.worker == self.village.hanh => Body::Looked,
                None => visit("Không có ai ở nhà."),
            },
        };
        carrier.write(*subject, body).await;
    }

    fn decision(&self, carrier: &Carrier, parts: &Parts) -> Option<Body> {
        let referrals: Vec<&Referral> = parts.referrals().collect();
        let referral = self.dice.pick(&referrals)?;
        let text = "Xin cho biết thêm.".to_owned();
        let desk = carrier.pen.worker == self.village.hanh;
        let (side, what) = match (desk, self.dice.below(5)) {
            (true, 0) => (Side::Supervisor(Level::Commune), Act::Look),
            (true, 1) => (Side::Supervisor(Level::Commune), Act::Return { question: text }),
            (true, 2) => (Side::Supervisor(Level::Commune), Act::Refuse { reason: text, alternative: None }),
            (true, _) => (Side::Supervisor(Level::Commune), Act::Approve { document: None }),
            (false, 0) => (Side::Writer, Act::Cancel { reason: text }),
            (false, _) => (Side::Writer, Act::Answer { text }),
        };
        Some(act(referral.id, referral.progress.version, side, what))
    }

    async fn act_at_the_facility(&self, carrier: &Carrier) {
        let view = carrier.view().await;
        let sheets: Vec<&Sheet> = view.iter().flat_map(|(_, p)| p.sheets()).collect();
        let Some(sheet) = self.dice.pick(&sheets) else { return };
        let text = "Hết chỗ.".to_owned();
        let what = match self.dice.below(5) {
            0 => Act::Waitlist { note: text },
            1 => Act::Accept,
            2 => Act::Refuse { reason: text, alternative: None },
            3 => Act::Complete { outcome: text },
            _ => Act::Receive { note: String::new(), follow_up: None },
        };
        let body = act(sheet.referral, sheet.progress.version, Side::Receiver, what);
        carrier.write(Subject::Case(sheet.case), body).await;
    }

    async fn open(&self, carrier: &Carrier) {
        let village = if self.dice.percent(50) { "a1" } else { "a2" };
        let mut facts = vec![];
        if self.dice.percent(20) {
            facts.push(Fact::Confidentiality(Confidentiality::Restricted));
        }
        if self.dice.percent(20) {
            facts.push(Fact::Urgency(Urgency::Emergency));
        }
        let case = carrier.pen.open(village, Some("Hoàng Thị Mỷ"), facts);
        carrier.save(case).await;
    }

    /// Everything that is under way arrives and every phone syncs undisturbed until nothing moves.
    async fn settle_down(&self) -> Result<(), String> {
        for (session, batch) in self.late.take() {
            let _ = self.deliver(session, batch).await;
        }
        for _ in 0..3 {
            for carrier in &self.carriers {
                self.minutes.set(self.minutes.get() + 1);
                self.sync(carrier, true).await.map_err(|e| format!("a calm run failed: {e}"))?;
            }
        }
        Ok(())
    }

    async fn judge(&self) -> Result<Counts, String> {
        let mut counts = Counts { cuts: self.cuts.get(), ..Counts::default() };
        let mut ours = std::collections::BTreeSet::new();
        for carrier in &self.carriers {
            let outbox = carrier.notebook.outbox().await.expect("outbox");
            if let Some(item) = outbox.iter().find(|i| i.state == OutboxState::Queued) {
                return Err(format!("{} still waits after a calm run", item.change.id));
            }
            for change in carrier.saved.borrow().iter() {
                counts.saved += 1;
                ours.insert(change.id);
                let held =
                    outbox.iter().any(|i| i.change.id == change.id && matches!(i.state, OutboxState::Held { .. }));
                let accepted = self.office.accepted(change.id);
                counts.accepted += usize::from(accepted);
                counts.held += usize::from(held);
                counts.set_aside += usize::from(!accepted && (self.office.copies(change.id) == 1));
                if !held && !(self.office.copies(change.id) == 1) {
                    return Err(format!("lost: {} is neither in the office nor held on its phone", change.id));
                }
                if accepted && outbox.iter().any(|i| i.change.id == change.id) {
                    return Err(format!("{} was accepted and no page ended its overlay", change.id));
                }
            }
        }
        for (subject, parts) in self.office.subjects() {
            let entries = self.office.entries(subject);
            if let Some(entry) = entries.iter().find(|e| !ours.contains(&e.change.id)) {
                return Err(format!("doubled: nobody wrote {} on {subject}", entry.change.id));
            }
            if office::replay(&entries) != parts {
                return Err(format!("{subject} does not follow from its changes"));
            }
        }
        if !self.office.is_gap_free() {
            return Err("a log has a gap".to_owned());
        }
        for carrier in &self.carriers {
            let mut may = self.office.visible_to(carrier.pen.worker);
            for subject in carrier.notebook.subjects().await.expect("subjects") {
                let stored = carrier.notebook.find(subject).await.expect("found").unwrap_or_default();
                match may.remove(&subject) {
                    None => return Err(format!("{:?} holds {subject} and may not see it", carrier.pen.worker)),
                    Some(parts) if parts != stored.parts => {
                        return Err(format!("{:?} shows another {subject} than the office", carrier.pen.worker));
                    }
                    Some(_) => {}
                }
            }
            if let Some(subject) = may.keys().next() {
                return Err(format!("{:?} never got {subject}", carrier.pen.worker));
            }
        }
        Ok(counts)
    }
}

/// Runs one seed.
///
/// # Errors
/// The first invariant that does not hold.
pub fn run(seed: u64, fault: Fault) -> Result<Counts, Broken> {
    let world = World::new(seed, fault);
    let broken = |what| Broken { seed, what };
    block_on(async {
        for _ in 0..80 {
            world.step().await;
        }
        world.settle_down().await.map_err(broken)?;
        world.judge().await.map_err(broken)
    })
}
