//! Who is there, what time it is, and what happens next.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use domain::{
    laws::{Pen, Village},
    *,
};
use futures::FutureExt;

use super::{
    Broken, Fault, Invariant,
    areas::{self, Areas},
    chance::Chance,
    deeds::do_something,
    judge::judge,
    network::Request,
    office::Office,
    phone::{Phone, Standing},
    post,
    task::{Owner, Task},
};

const STEPS: usize = 480;
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
    /// Letters of whoever was signed out, and those that others brought, each as often as a phone heard of it.
    pub posted: usize,
    pub carried: usize,
    pub forged: usize,
    pub drowned: usize,
    pub merged: usize,
    pub given_up: usize,
    pub photos: usize,
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
        self.posted += other.posted;
        self.carried += other.carried;
        self.forged += other.forged;
        self.drowned += other.drowned;
        self.merged += other.merged;
        self.given_up += other.given_up;
        self.photos += other.photos;
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
    pub areas: Areas,
    /// What some mast still holds.
    pub late: RefCell<Vec<Request>>,
    arrived: RefCell<Vec<Request>>,
    /// What the office has said it has, as phones heard it.
    pub promised: RefCell<BTreeSet<ChangeId>>,
    minutes: Cell<i64>,
    marks: Cell<u64>,
    /// Nothing goes wrong any more.
    pub calm: Cell<bool>,
    /// Whether the office may be put back to an earlier state. Then pulls take one page and no phone runs two at once: a
    /// phone that is between two pages, or between two answers, at that very moment is a known limit kept apart.
    falls_back: bool,
    pub years_passed: Cell<bool>,
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
            // What people buy when theirs is gone.
            Phone::spare(village.lan, 12),
            Phone::spare(village.pao, 13),
            Phone::spare(sua_id, 14),
        ];
        let chance = Chance::new(seed);
        if chance.percent(30) {
            // An office that is older than the phones around it.
            registry.set_unheard(chance.pick(&UNHEARD).copied().unwrap_or_default());
        }
        for phone in &phones {
            if chance.percent(15) {
                phone.version.set(if chance.percent(60) { 0 } else { 1 });
            }
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
            areas: Areas::default(),
            late: RefCell::default(),
            arrived: RefCell::default(),
            promised: RefCell::default(),
            minutes: Cell::new(0),
            marks: Cell::new(0),
            calm: Cell::new(false),
            falls_back,
            years_passed: Cell::new(false),
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
        self.office.take_backup(&self.areas);
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
    pub fn arrive(&self, request: Request) {
        self.arrived.borrow_mut().push(request);
    }
    /// A phone heard that the office has it.
    pub fn promise(&self, id: ChangeId) {
        self.promised.borrow_mut().insert(id);
    }
    /// Of a change that no phone wrote.
    pub fn mark(&self) -> ChangeId {
        self.marks.set(self.marks.get() + 1);
        let mut random = [0xee; 10];
        random[..8].copy_from_slice(&self.marks.get().to_be_bytes());
        ChangeId::at(self.now().0.unsigned_abs(), random)
    }

    /// What has arrived is served, each push beside the others.
    fn serve<'w>(&'w self, tasks: &mut Vec<Task<'w>>) {
        for request in self.arrived.take() {
            tasks.push(Task::new(Owner::Office, Office::serve(self, request)));
        }
    }

    fn happen<'w>(&'w self, tasks: &mut Vec<Task<'w>>) {
        let chance = &self.chance;
        let at = chance.below(self.phones.len());
        let phone = &self.phones[at];
        match chance.below(100) {
            0..=57 => self.go_on(tasks),
            58..=77 if phone.is_here() => do_something(self, phone),
            78..=89 if phone.is_here() => {
                // Web Locks let one tab sync at a time. Two at once lose nothing either, unless the office is put back between
                // the answers they hold; but the older answer, stored last, may bring back what the newer one took away.
                let runs = tasks.iter().filter(|task| task.owner == Owner::Phone(at)).count();
                if runs == 0 || (runs == 1 && !self.falls_back && chance.percent(10)) {
                    phone.raced.set(phone.raced.get() || runs > 0);
                    tasks.push(Task::new(Owner::Phone(at), async move {
                        // Most runs fail somewhere; what they had done by then stays.
                        let _ = Phone::sync(self, at).await;
                    }));
                }
                self.bring_letters(tasks, at, 20);
            }
            58..=89 if phone.is_away() => self.bring_letters(tasks, at, 50),
            90..=99 if phone.standing.get() != Standing::Spare => self.go_wrong(tasks, at),
            _ => {}
        }
    }

    /// A round of letters begins, perhaps, if none is under way.
    fn bring_letters<'w>(&'w self, tasks: &mut Vec<Task<'w>>, at: usize, percent: u64) {
        let busy = tasks.iter().any(|task| task.owner == Owner::Post(at));
        if !busy && self.chance.percent(percent) {
            tasks.push(Task::new(Owner::Post(at), async move {
                let _ = post::round(self, at).await;
            }));
        }
    }

    /// Everything on this phone that is not at the office goes into a file, and the file to somebody: once, twice, or never.
    fn save_rescue(&self, from: usize) {
        let chance = &self.chance;
        let disk = &self.phones[from].disk;
        if !self.phones[from].is_alive() {
            return;
        }
        if self.phones[from].is_here() {
            disk.write_letters();
        }
        let (own, carried) = (disk.own.borrow().clone(), disk.carried.borrow().clone());
        let unsent = own.values().chain(carried.values()).filter(|lying| !lying.kept);
        let mut file: Vec<Letter> = unsent.map(|lying| (*lying.letter).clone()).collect();
        if file.is_empty() {
            return;
        }
        if self.fault == Fault::GoneWithTheFile {
            for id in own.keys() {
                let gone = self.phones[from].tab(self).release(*id, Some(*id)).now_or_never();
                gone.expect("a store in memory").expect("a store in memory");
            }
        }
        for _ in 0..chance.below(3) {
            let to = chance.below(self.phones.len());
            if chance.percent(25) {
                let at = chance.below(file.len());
                file[at] = post::tamper(self, &self.phones[to], &file[at]);
                self.count(|c| c.forged += 1);
            }
            if chance.percent(20) {
                for letters in file.chunks(limits::POST_LETTERS) {
                    self.arrive(Request::post(self.phones[to].pen.worker, letters.to_vec()));
                }
            } else if self.phones[to].is_alive() && to != from {
                self.phones[to].disk.take_over(file.clone());
            }
            if chance.percent(30) {
                file.reverse();
            }
        }
    }

    /// A phone is gone with all that is on it. Its person buys another.
    fn drown(&self, tasks: &mut Vec<Task<'_>>, at: usize) {
        let phone = &self.phones[at];
        let spare = |other: &&Phone| other.pen.worker == phone.pen.worker && other.standing.get() == Standing::Spare;
        if let Some(spare) = self.phones.iter().find(spare).filter(|_| phone.is_alive()) {
            self.kill(tasks, Owner::Phone(at));
            self.kill(tasks, Owner::Post(at));
            phone.standing.set(Standing::Drowned);
            spare.standing.set(Standing::Here);
            self.count(|c| c.drowned += 1);
        }
    }

    /// Its person logs out, or in again if they still may.
    fn log_out_or_in(&self, tasks: &mut Vec<Task<'_>>, at: usize) {
        let phone = &self.phones[at];
        match phone.standing.get() {
            Standing::Here => {
                self.kill(tasks, Owner::Phone(at));
                phone.standing.set(Standing::Away);
            }
            Standing::Away if self.may_log_in(phone) => {
                phone.standing.set(Standing::Here);
                phone.disk.touched.set(true);
            }
            _ => {}
        }
    }
    fn may_log_in(&self, phone: &Phone) -> bool {
        !self.office.registry.grants(phone.pen.worker).is_empty()
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
        match chance.below(32) {
            0..=3 => {
                self.kill(tasks, Owner::Phone(at));
                self.kill(tasks, Owner::Post(at));
            }
            4..=6 => {
                self.kill(tasks, Owner::Phone(at));
                self.kill(tasks, Owner::Post(at));
                if phone.disk.lose(chance) {
                    self.count(|c| c.lost_writes += 1);
                }
            }
            7..=9 => self.kill(tasks, Owner::Office),
            10..=12 => {
                let mut late = self.late.borrow_mut();
                if !late.is_empty() {
                    let which = chance.below(late.len());
                    self.arrive(late.remove(which));
                }
            }
            13 => phone.cut_off.set(!phone.cut_off.get()),
            14 => phone.disk.notebook.set_full(chance.percent(50)),
            15 => phone.skew_ms.set((i64::try_from(chance.below(21)).unwrap_or(0) - 10) * YEAR_MS),
            16 => self.employ(),
            17 if chance.percent(10) => self.update_the_office(),
            19 if phone.version.get() < limits::PROTOCOL_VERSION && chance.percent(50) => {
                self.kill(tasks, Owner::Phone(at));
                phone.version.set(limits::PROTOCOL_VERSION);
                self.count(|c| c.updates += 1);
            }
            20 | 21 => self.log_out_or_in(tasks, at),
            22..=25 => self.save_rescue(at),
            // What is drowned and was in nobody else's hands cannot be offered to an office that has lost it.
            26 if !self.falls_back => self.drown(tasks, at),
            27 | 28 if !self.office.is_busy() => areas::merge(self),
            29 if !self.office.is_busy() => self.name_officers(),
            // What a restored office has lost is offered again by phones within 90 days, and not after years.
            30 if chance.percent(30) && !self.restored.get() => {
                // Years pass. Whoever keeps backups has newer ones than those, and no transaction lasts so long.
                self.kill(tasks, Owner::Office);
                self.minutes.set(self.minutes.get() + (1 + i64::try_from(chance.below(3)).unwrap_or(0)) * 525_600);
                self.years_passed.set(true);
                self.office.forget_backups();
                self.office.take_backup(&self.areas);
            }
            17 if chance.percent(50) => self.office.take_backup(&self.areas),
            18 if self.falls_back && chance.percent(60) => {
                self.kill(tasks, Owner::Office);
                self.arrived.take();
                if self.office.fail_over(chance, &self.areas) {
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
        let village = &self.village;
        let people = [village.lan, village.pao, village.toan, self.sua, village.thanh, village.hanh];
        let Some(worker) = self.chance.pick(&people).copied() else { return };
        self.count(|c| c.rights += 1);
        let registry = &self.office.registry;
        let grants = match self.chance.below(6) {
            0 => return registry.revoke(worker, self.mark(), self.now()),
            1 => vec![],
            2 if worker != village.thanh => {
                let area = self.chance.pick(&["a1", "a2", "b1"]).copied().unwrap_or("a1");
                vec![at(Role::Collaborator, area)]
            }
            3 if worker == village.toan || worker == village.hanh || worker == self.sua => {
                let role = if worker == self.sua { Role::Outreach } else { Role::Supervisor };
                let places = registry.places();
                let communes: Vec<&Place> = places.iter().filter(|place| place.kind.is_commune_level()).collect();
                self.chance.pick(&communes).map(|place| Grant::area(role, place.id.clone())).into_iter().collect()
            }
            _ => {
                let worker = village.workers.iter().find(|w| w.id == worker);
                worker.map(|w| w.grants.clone()).unwrap_or_default()
            }
        };
        registry.employ(worker, grants, self.mark(), self.now());
    }

    /// Others answer for the restricted cases of a commune.
    fn name_officers(&self) {
        let place = self.chance.pick(&["a", "b", "x"]).copied().unwrap_or("a");
        let officers = [vec![], vec![self.village.hanh], vec![self.village.toan], vec![self.village.hanh, self.sua]];
        let officers = self.chance.pick(&officers).cloned().unwrap_or_default();
        self.office.registry.put_officers(place.parse().expect("a place code"), officers, self.mark(), self.now());
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
            phone.version.set(limits::PROTOCOL_VERSION);
            // Some never come back to their phone, and others may not.
            if phone.is_away() && self.may_log_in(phone) && self.chance.percent(50) {
                phone.standing.set(Standing::Here);
            }
        }
        self.late.take().into_iter().for_each(|request| self.arrive(request));
        self.finish(tasks);
        self.update_the_office();
        for _ in 0..4 {
            for at in 0..self.phones.len() {
                self.minutes.set(self.minutes.get() + 1);
                let (here, alive) = (self.phones[at].is_here(), self.phones[at].is_alive());
                tasks.push(Task::new(Owner::Phone(at), async move {
                    if let Err(error) = if alive { post::round(self, at).await } else { Ok(()) } {
                        self.fail(Invariant::ComesToRest, format!("a calm round of letters failed: {error}"));
                    }
                    if !here {
                        return;
                    }
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
