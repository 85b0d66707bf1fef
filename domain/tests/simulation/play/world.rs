//! Who is there, what time it is, and what happens next.

use std::cell::{Cell, RefCell};

use domain::{
    laws::{Pen, Village},
    *,
};
use futures::FutureExt;

use super::{
    Broken, Fault, Invariant,
    chance::Chance,
    deeds::do_something,
    judge::judge,
    network::{Answer, Letter},
    office::Office,
    phone::Phone,
    task::{Owner, Task},
};

const STEPS: usize = 360;
const YEAR_MS: i64 = 365 * 86_400_000;

/// Kinds of change that an older office may not know.
const UNHEARD: [&[&str]; 3] =
    [&["visit_recorded"], &["task_written", "task_done"], &["referral_asked", "group_edited", "activity_recorded"]];

/// What a seed went through.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub saved: usize,
    pub accepted: usize,
    pub held: usize,
    pub set_aside: usize,
    pub cuts: usize,
    pub kills: usize,
    pub lost_writes: usize,
    pub fail_overs: usize,
    pub rights: usize,
    pub updates: usize,
    pub conflicts: usize,
    pub moves: usize,
    pub links: usize,
    pub transfers: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.saved += other.saved;
        self.accepted += other.accepted;
        self.held += other.held;
        self.set_aside += other.set_aside;
        self.cuts += other.cuts;
        self.kills += other.kills;
        self.lost_writes += other.lost_writes;
        self.fail_overs += other.fail_overs;
        self.rights += other.rights;
        self.updates += other.updates;
        self.conflicts += other.conflicts;
        self.moves += other.moves;
        self.links += other.links;
        self.transfers += other.transfers;
    }
}

#[derive(Debug)]
pub struct World {
    pub fault: Fault,
    pub chance: Chance,
    pub village: Village,
    /// Outreach team of commune `b`.
    pub sua: WorkerId,
    /// Supervisor at the department, officer for restricted cases of the province.
    pub so: WorkerId,
    pub office: Office,
    pub phones: Vec<Phone>,
    pub late: RefCell<Vec<(Session, PushBatch)>>,
    arrived: RefCell<Vec<Letter>>,
    minutes: Cell<i64>,
    marks: Cell<u64>,
    /// Nothing goes wrong any more.
    pub calm: Cell<bool>,
    /// Whether the office may be put back to an earlier state. Then pulls take one page and no phone runs two at once: a
    /// phone that is between two pages, or between two answers, at that very moment is a known limit kept apart.
    falls_back: bool,
    /// The office was put back to an earlier state.
    pub restored: Cell<bool>,
    counts: Cell<Counts>,
    broken: RefCell<Option<(Invariant, String)>>,
}

impl World {
    fn new(seed: u64, fault: Fault) -> Self {
        let mut village = Village::new();
        let at = |role, area: &str| Grant::area(role, area.parse().expect("a place code"));
        let person = |n: u128, name: &str, grants| Worker {
            id: WorkerId(uuid::Uuid::from_u128(n)),
            name: PersonName::parse(name).expect("a name"),
            address: Address::Unsaid,
            phone: None,
            grants,
        };
        let sua = person(0x501a, "Giàng Thị Súa", vec![at(Role::Outreach, "b")]);
        let so = person(0x50, "Đỗ Văn Sở", vec![at(Role::Supervisor, "p")]);
        let (sua_id, so_id) = (sua.id, so.id);
        // A nurse of the facility who is also the collaborator of her village.
        for worker in village.workers.iter_mut().filter(|worker| worker.id == village.pao) {
            worker.grants.push(Grant::facility(village.facility));
        }
        village.workers.extend([sua, so]);
        village.rules.officers.insert("p".parse().expect("a place code"), vec![so_id]);
        let registry = village.memory();
        let phones = vec![
            Phone::new(village.lan, 1),
            Phone::new(village.pao, 2),
            Phone::new(village.hanh, 3),
            Phone::new(village.thanh, 4),
            Phone::new(village.toan, 5),
            Phone::new(sua_id, 6),
            Phone::new(so_id, 7),
            // A second phone of the same person.
            Phone::new(village.hanh, 8),
        ];
        let chance = Chance::new(seed);
        if chance.percent(30) {
            // An office that is older than the phones around it.
            registry.set_unheard(chance.pick(&UNHEARD).copied().unwrap_or_default());
        }
        for phone in &phones {
            phone.is_old.set(chance.percent(10));
        }
        let falls_back = chance.percent(60);
        if !falls_back {
            registry.set_page(*chance.pick(&[2, 5]).expect("a size"));
        }
        let world = Self {
            fault,
            chance,
            village,
            sua: sua_id,
            so: so_id,
            office: Office::new(registry),
            phones,
            late: RefCell::default(),
            arrived: RefCell::default(),
            minutes: Cell::new(0),
            marks: Cell::new(0),
            calm: Cell::new(false),
            falls_back,
            restored: Cell::new(false),
            counts: Cell::default(),
            broken: RefCell::default(),
        };
        world.open_the_facility();
        world
    }

    fn open_the_facility(&self) {
        let facts = laws::centre();
        let admin = Pen::new(self.village.admin, 9);
        let opened = admin.write(Subject::Facility(self.village.facility), "place:p", Body::FacilityOpened(facts));
        let session = admin.session();
        let push = self.office.registry.push(&session, admin.batch(&[&opened]), self.now());
        push.now_or_never().expect("memory never waits").expect("the office answers");
        self.office.take_backup();
    }

    /// The office's clock. Phones have their own, which nothing may rely on.
    pub fn now(&self) -> Timestamp {
        laws::MORNING.plus_ms(self.minutes.get() * 60_000)
    }
    /// People who are named on cases, or excluded from them.
    pub fn named(&self) -> [WorkerId; 4] {
        [self.village.lan, self.village.pao, self.village.hanh, self.sua]
    }
    pub fn count(&self, what: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        what(&mut counts);
        self.counts.set(counts);
    }
    pub fn fail(&self, invariant: Invariant, what: String) {
        self.broken.borrow_mut().get_or_insert((invariant, what));
    }
    pub fn post(&self, session: Session, batch: PushBatch, answer: Answer) {
        self.arrived.borrow_mut().push(Letter { session, batch, answer });
    }

    /// What has arrived is served, each push beside the others.
    fn serve<'w>(&'w self, tasks: &mut Vec<Task<'w>>) {
        for letter in self.arrived.take() {
            tasks.push(Task::new(Owner::Office, Office::serve(self, letter)));
        }
    }

    fn happen<'w>(&'w self, tasks: &mut Vec<Task<'w>>) {
        let chance = &self.chance;
        let at = chance.below(self.phones.len());
        match chance.below(100) {
            0..=61 => self.go_on(tasks),
            62..=79 => do_something(self, &self.phones[at]),
            80..=91 => {
                // Web Locks let one tab sync at a time. Two at once do no harm either, unless the office is put back between
                // the answers they hold.
                let runs = tasks.iter().filter(|task| task.owner == Owner::Phone(at)).count();
                if runs == 0 || (runs == 1 && !self.falls_back && chance.percent(10)) {
                    tasks.push(Task::new(Owner::Phone(at), async move {
                        // Most runs fail somewhere; what they had done by then stays.
                        let _ = Phone::sync(self, at).await;
                    }));
                }
            }
            _ => self.go_wrong(tasks, at),
        }
    }

    /// Some task takes some steps.
    fn go_on(&self, tasks: &mut Vec<Task<'_>>) {
        if tasks.is_empty() {
            return;
        }
        let at = self.chance.below(tasks.len());
        for _ in 0..=self.chance.below(12) {
            if tasks[at].poll() {
                tasks.remove(at);
                return;
            }
        }
    }

    fn go_wrong(&self, tasks: &mut Vec<Task<'_>>, at: usize) {
        let chance = &self.chance;
        let phone = &self.phones[at];
        match chance.below(20) {
            0..=3 => self.kill(tasks, Owner::Phone(at)),
            4..=6 => {
                self.kill(tasks, Owner::Phone(at));
                if phone.disk.lose(chance) {
                    self.count(|c| c.lost_writes += 1);
                }
            }
            7..=9 => self.kill(tasks, Owner::Office),
            10..=12 => {
                let mut late = self.late.borrow_mut();
                if !late.is_empty() {
                    let (session, batch) = {
                        let which = chance.below(late.len());
                        late.remove(which)
                    };
                    self.post(session, batch, Answer::default());
                }
            }
            13 => phone.cut_off.set(!phone.cut_off.get()),
            14 => phone.disk.notebook.set_full(chance.percent(50)),
            15 => phone.skew_ms.set((i64::try_from(chance.below(21)).unwrap_or(0) - 10) * YEAR_MS),
            16 => self.employ(),
            17 if chance.percent(10) => self.update_the_office(),
            19 if phone.is_old.get() && chance.percent(50) => {
                self.kill(tasks, Owner::Phone(at));
                phone.is_old.set(false);
                self.count(|c| c.updates += 1);
            }
            17 if chance.percent(50) => self.office.take_backup(),
            18 if self.falls_back && chance.percent(60) => {
                self.kill(tasks, Owner::Office);
                self.arrived.take();
                if self.office.fail_over() {
                    self.restored.set(true);
                    self.count(|c| c.fail_overs += 1);
                }
            }
            _ => self.minutes.set(self.minutes.get() + i64::try_from(chance.below(900)).unwrap_or(0)),
        }
    }

    fn kill(&self, tasks: &mut Vec<Task<'_>>, owner: Owner) {
        let before = tasks.len();
        tasks.retain(|task| task.owner != owner);
        self.count(|c| c.kills += before - tasks.len());
    }

    /// Somebody's rights are taken, changed or given back.
    fn employ(&self) {
        if self.office.is_busy() {
            return;
        }
        let at = |role, area: &str| Grant::area(role, area.parse().expect("a place code"));
        let people = [self.village.lan, self.village.pao, self.village.toan, self.sua, self.village.thanh];
        let Some(worker) = self.chance.pick(&people).copied() else { return };
        let grants = match self.chance.below(4) {
            0 => vec![],
            1 if worker != self.village.thanh => {
                let area = self.chance.pick(&["a1", "a2", "b1"]).copied().unwrap_or("a1");
                vec![at(Role::Collaborator, area)]
            }
            _ => {
                let worker = self.village.workers.iter().find(|w| w.id == worker);
                worker.map(|w| w.grants.clone()).unwrap_or_default()
            }
        };
        self.marks.set(self.marks.get() + 1);
        let mut random = [0xee; 10];
        random[..8].copy_from_slice(&self.marks.get().to_be_bytes());
        let mark = ChangeId::at(self.now().0.unsigned_abs(), random);
        self.office.registry.employ(worker, grants, mark, self.now());
        self.count(|c| c.rights += 1);
    }

    /// A newer version of the office's program takes over.
    fn update_the_office(&self) {
        if !self.office.is_busy() {
            self.office.registry.set_unheard(&[]);
            self.office.registry.retry_unknown(self.now());
            self.count(|c| c.updates += 1);
        }
    }

    /// Everything that is under way arrives, and every phone syncs undisturbed until nothing moves.
    fn come_to_rest<'w>(&'w self, tasks: &mut Vec<Task<'w>>) {
        self.calm.set(true);
        for phone in &self.phones {
            phone.disk.notebook.set_full(false);
            phone.is_old.set(false);
        }
        for (session, batch) in self.late.take() {
            self.post(session, batch, Answer::default());
        }
        self.finish(tasks);
        self.update_the_office();
        for _ in 0..4 {
            for at in 0..self.phones.len() {
                self.minutes.set(self.minutes.get() + 1);
                tasks.push(Task::new(Owner::Phone(at), async move {
                    if let Err(error) = Phone::sync(self, at).await {
                        self.fail(Invariant::ComesToRest, format!("a calm run failed: {error}"));
                    }
                }));
                self.finish(tasks);
                self.phones[at].look(self);
            }
        }
    }

    fn finish<'w>(&'w self, tasks: &mut Vec<Task<'w>>) {
        for _ in 0..10_000 {
            self.serve(tasks);
            tasks.retain_mut(|task| !task.poll());
            if tasks.is_empty() && self.arrived.borrow().is_empty() {
                return;
            }
        }
        self.fail(Invariant::ComesToRest, "something waits for ever".to_owned());
    }

    fn play(&self) -> Result<(), (Invariant, String)> {
        let mut tasks = Vec::new();
        for _ in 0..STEPS {
            self.minutes.set(self.minutes.get() + 1);
            self.serve(&mut tasks);
            self.happen(&mut tasks);
            if let Some(phone) = self.chance.pick(&self.phones) {
                phone.look(self);
            }
            if let Some(broken) = self.broken.take() {
                return Err(broken);
            }
        }
        self.come_to_rest(&mut tasks);
        match self.broken.take() {
            Some(broken) => Err(broken),
            None => judge(self),
        }
    }
}

/// Runs one seed.
///
/// # Errors
/// The first invariant that does not hold.
pub fn run(seed: u64, fault: Fault) -> Result<Counts, Broken> {
    let world = World::new(seed, fault);
    match world.play() {
        Ok(()) => Ok(world.counts.get()),
        Err((invariant, what)) => Err(Broken { seed, invariant, what }),
    }
}

/// The first seed in which the invariant that is there for a fault finds it.
///
/// # Errors
/// It is not found, or something else breaks that has nothing to do with it.
pub fn find(fault: Fault, seeds: std::ops::Range<u64>) -> Result<Broken, String> {
    let expected = fault.breaks();
    for broken in seeds.filter_map(|seed| run(seed, fault).err()) {
        if !expected.contains(&broken.invariant) {
            return Err(format!("{fault:?} is found for a wrong reason: {broken}"));
        }
        if Some(&broken.invariant) == expected.first() {
            return Ok(broken);
        }
    }
    Err(format!("{:?} does not find {fault:?}", expected.first()))
}
