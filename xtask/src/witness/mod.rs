//! `cargo xtask witness`: many phones speak HTTP to a real office that is cut off, killed and restored, and a judge of its
//! own compares what each was promised with what all can read. It shares no code with the office and knows none of its
//! rules but those written down here a second time.

mod chance;
mod fault;
mod judge;
mod ledger;
mod line;
mod office;
mod phone;
mod plan;
mod village;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::postgres;
use crate::tally::Tally;
use chance::Chance;
use fault::{Fault, Liar};
use judge::{Before, View};
use ledger::{Law, Ledger};
use line::{Line, Wire};
use office::{Database, Office};
use phone::{How, Phone, World};
use plan::Deed;
use village::PEOPLE;

/// Deeds of one phone in a round.
const DEEDS: usize = 16;
/// Deeds of each phone after the backup that the office comes back from.
const LATE_DEEDS: usize = 4;
/// Rounds of `cargo xtask test`: the second ends with a restored backup, the third begins with it.
const ROUNDS: u64 = 3;
/// Plans within which each deliberate fault must be found.
const PLANS: u64 = 4;

#[derive(Args, Debug)]
pub struct Witness {
    /// Rounds on each database; after every second one the office comes back from a backup
    #[arg(long, default_value_t = ROUNDS)]
    rounds: u64,
    /// Plays the plan of an earlier run (the plan, not its timing)
    #[arg(long)]
    seed: Option<u64>,
    #[arg(long, value_enum, default_value_t = On::Both)]
    on: On,
    /// Runs the deliberate faults instead, and says by what each is found
    #[arg(long)]
    faults: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum On {
    Sqlite,
    Postgres,
    Both,
}

pub fn witness(witness: &Witness) -> Result<()> {
    crate::run::build_server()?;
    let seed = witness.seed.unwrap_or_else(any_seed);
    let tally = if witness.faults { faults(seed)? } else { honest(witness.on, seed, witness.rounds)? };
    if tally.failed > 0 { bail!("the witness found something: `--seed {seed}` plays the plan again") } else { Ok(()) }
}

/// What `cargo xtask test` runs.
pub fn test() -> Result<Tally> {
    let seed = any_seed();
    Ok(honest(On::Both, seed, ROUNDS)?.plus(faults(seed)?))
}

fn any_seed() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.as_micros() as u64 % 1_000_000_007)
}

fn honest(on: On, seed: u64, rounds: u64) -> Result<Tally> {
    println!("witness: seed {seed}");
    let mut tally = Tally::default();
    if on != On::Postgres {
        tally = tally.plus(play("SQLite", Office::start(Database::Sqlite)?, seed, rounds)?);
    }
    if on != On::Sqlite {
        let server = postgres::Server::for_tests()?;
        tally = tally.plus(play("PostgreSQL", Office::start(Database::postgres(&server))?, seed, rounds)?);
    }
    Ok(tally)
}

/// One office from its beginning through all rounds.
fn play(name: &str, mut office: Office, seed: u64, rounds: u64) -> Result<Tally> {
    let since = Instant::now();
    let ledger = Mutex::new(Ledger::default());
    let mut cast: Vec<usize> = Vec::new();
    for (person, who) in PEOPLE.iter().enumerate() {
        cast.extend(std::iter::repeat_n(person, who.phones));
    }
    let mut stage = Stage::open(&office, &Wire, &ledger, &cast, seed)?;
    for round in 1..=rounds {
        let restores = round.is_multiple_of(2);
        stage.act(&office, &Wire, seed, round, DEEDS, Some(restores))?;
        if restores {
            // However slowly the backup was made, something is younger than it.
            stage.act(&office, &Wire, seed, rounds + round, LATE_DEEDS, None)?;
        }
        stage.judge(&office, &Wire)?;
        if restores {
            stage.restore(&mut office, &Wire, round)?;
        }
        let ledger = lock(&ledger);
        let said: Vec<String> = ledger.counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        println!("witness on {name}, round {round}, {:.0} s: {}", since.elapsed().as_secs_f32(), said.join(", "));
        if !ledger.findings.is_empty() {
            break;
        }
    }
    let mut ledger = lock(&ledger);
    if rounds >= ROUNDS && ledger.findings.is_empty() {
        for what in [
            "accepted",
            "known already",
            "told to wait",
            "set aside",
            "refused",
            "other bodies",
            "calls lost",
            "kills",
            "logs taken anew",
            "cases to forget",
            "restored backups",
        ] {
            if !ledger.counts.contains_key(what) {
                ledger.found(Law::Tried, format!("no {what}: the plan did not try what it says"));
            }
        }
    }
    Ok(report(&format!("what the office on {name} promises, it keeps"), &ledger))
}

fn report(title: &str, ledger: &Ledger) -> Tally {
    for finding in ledger.findings.iter().take(40) {
        println!("  {finding}");
    }
    if ledger.findings.is_empty() {
        println!("ok      {title}");
        Tally::PASSED
    } else {
        println!("FAILED  {title}: {} findings", ledger.findings.len());
        Tally::FAILED
    }
}

/// Each fault between the phones and an honest office: all of them must be found, and without one nothing.
fn faults(seed: u64) -> Result<Tally> {
    println!("witness: faults, seed {seed}");
    let office = Office::start(Database::Sqlite)?;
    // A few of each work are enough to tell.
    let cast: Vec<usize> = ["lan", "lan", "diep", "quan", "hanh", "thanh"]
        .iter()
        .filter_map(|name| PEOPLE.iter().position(|person| person.user_name == *name))
        .collect();
    let mut tally = Tally::default();
    let laws_of = |fault: Option<Fault>, seed: u64| -> Result<Ledger> {
        let liar = fault.map(Liar::new);
        let line: &dyn Line = liar.as_ref().map_or(&Wire, |liar| liar);
        let ledger = Mutex::new(Ledger::default());
        let mut stage = Stage::open(&office, line, &ledger, &cast, seed)?;
        // Two must write into one field at the same time, which is rare among so few.
        let deeds = if fault == Some(Fault::LastWriterWins) { 4 * DEEDS } else { DEEDS };
        stage.act(&office, line, seed, 1, deeds, None)?;
        stage.judge(&office, line)?;
        drop(stage);
        Ok(ledger.into_inner().unwrap_or_else(PoisonError::into_inner))
    };
    tally = tally.plus(report("an honest line is not accused", &laws_of(None, seed)?));
    for fault in Fault::ALL {
        let mut found = None;
        // Not every plan gives every fault an occasion.
        for plan in 1..=PLANS {
            let ledger = laws_of(Some(fault), seed.wrapping_add(plan))?;
            let mut laws: BTreeMap<Law, usize> = BTreeMap::new();
            for finding in &ledger.findings {
                *laws.entry(finding.law).or_default() += 1;
            }
            if laws.contains_key(&fault.breaks()) {
                found = Some((plan, laws));
                break;
            }
        }
        tally = tally.plus(if found.is_some() { Tally::PASSED } else { Tally::FAILED });
        match found {
            Some((plan, laws)) => println!("ok      {} (plan {plan}): {laws:?}", fault.title()),
            None => println!("FAILED  {} in {PLANS} plans", fault.title()),
        }
    }
    Ok(tally)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The phones of a play and what they stand on.
struct Stage<'l> {
    phones: Vec<Phone>,
    ledger: &'l Mutex<Ledger>,
    before: Before,
    /// When the backup of this round was begun.
    backup: Option<Instant>,
}

impl<'l> Stage<'l> {
    /// Signs everybody in and reads what is there before anybody writes.
    fn open(office: &Office, line: &dyn Line, ledger: &'l Mutex<Ledger>, cast: &[usize], seed: u64) -> Result<Self> {
        let world = World { line, ports: &office.ports, ledger };
        let mut phones = Vec::with_capacity(cast.len());
        for pair in cast.chunks(2) {
            // The office hashes two passwords at a time.
            let first = phones.len();
            let signed_in: Vec<Result<Phone>> = std::thread::scope(|scope| {
                let one = |(at, person): (usize, &usize)| {
                    let (world, person) = (&world, *person);
                    let name = [2, (first + at) as u64, now_ns()];
                    scope.spawn(move || Phone::sign_in(world, first + at, person, Chance::of(seed, &name)))
                };
                let threads: Vec<_> = pair.iter().enumerate().map(one).collect();
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a log-in panicked"))).collect()
            });
            for phone in signed_in {
                phones.push(phone?);
            }
        }
        let mut stage = Self { phones, ledger, before: Before::default(), backup: None };
        stage.quiet(&world)?;
        let mut heads = BTreeMap::new();
        for phone in &stage.phones {
            for log in phone.reader.cursors.keys() {
                heads.insert(log.clone(), judge::head(&phone.reader, log));
            }
        }
        stage.before = Before { heads, counted: office.check()? };
        Ok(stage)
    }

    /// Everybody does what the plan says, at once. `chaos`: servers are killed meanwhile; with `true` a backup is made.
    fn act(
        &mut self,
        office: &Office,
        line: &dyn Line,
        seed: u64,
        round: u64,
        most: usize,
        chaos: Option<bool>,
    ) -> Result<()> {
        let world = World { line, ports: &office.ports, ledger: self.ledger };
        let over = AtomicBool::new(false);
        let chance = Chance::of(seed, &[3, round]);
        std::thread::scope(|scope| -> Result<()> {
            let (world, over) = (&world, &over);
            let trouble = chaos.map(|backup| {
                scope.spawn(move || make_trouble(office, world, chance, over, backup.then(|| copy_of(round))))
            });
            let threads: Vec<_> = self
                .phones
                .iter_mut()
                .map(|phone| {
                    scope.spawn(move || {
                        for (deed, pick) in plan::deeds(phone.who(), phone.at, seed, round, most) {
                            perform(phone, world, deed, pick);
                        }
                    })
                })
                .collect();
            let panicked = threads.into_iter().any(|thread| thread.join().is_err());
            over.store(true, Ordering::Relaxed);
            if let Some(trouble) = trouble {
                self.backup = trouble.join().map_err(|_| anyhow::anyhow!("the trouble-maker panicked"))??;
            }
            if panicked { bail!("a phone panicked") } else { Ok(()) }
        })
    }

    /// Everybody syncs until nothing moves any more.
    fn quiet(&mut self, world: &World) -> Result<()> {
        // What waits for somebody else's change is taken with that; its writer hears of it at the next run, and what that
        // changed is read by all with the one after.
        for _ in 0..3 {
            self.all(world, |phone, world| (0..100).any(|_| sync(phone, world, How::Plain)))?;
        }
        Ok(())
    }

    fn all(&mut self, world: &World, what: impl Fn(&mut Phone, &World) -> bool + Sync) -> Result<()> {
        let what = &what;
        let well = std::thread::scope(|scope| {
            let threads: Vec<_> = self.phones.iter_mut().map(|phone| scope.spawn(move || what(phone, world))).collect();
            threads.into_iter().all(|thread| thread.join().unwrap_or(false))
        });
        if well { Ok(()) } else { bail!("a phone does not get through to the office though all is quiet") }
    }

    fn judge(&mut self, office: &Office, line: &dyn Line) -> Result<()> {
        let world = World { line, ports: &office.ports, ledger: self.ledger };
        self.quiet(&world)?;
        let accepted = |ledger: &Ledger| ledger.counts.get("accepted").copied().unwrap_or(0);
        let before = world.ledger(|ledger| accepted(ledger));
        self.all(&world, |phone, world| phone.send_all_again(world))?;
        self.all(&world, |phone, world| sync(phone, world, How::Plain))?;
        let after = world.ledger(|ledger| accepted(ledger));
        if after != before {
            world.ledger(|ledger| ledger.found(Law::Once, format!("{} changes were new once more", after - before)));
        }
        let views: Vec<Option<View>> = std::thread::scope(|scope| {
            let world = &world;
            let view = |phone: &'_ mut Phone| {
                let from_scratch = phone.read_anew(world)?;
                let (person, little_by_little) = (phone.person, phone.reader.clone());
                Some(View { person, phone: phone.at, little_by_little, from_scratch })
            };
            let threads: Vec<_> = self.phones.iter_mut().map(|phone| scope.spawn(move || view(phone))).collect();
            threads.into_iter().map(|thread| thread.join().ok().flatten()).collect()
        });
        let views: Vec<View> = views.into_iter().collect::<Option<_>>().context("the office does not answer")?;
        let counted = match office.check() {
            Ok(counted) => counted,
            Err(error) => {
                world.ledger(|ledger| ledger.found(Law::Check, format!("{error:#}")));
                return Ok(());
            }
        };
        world.ledger(|ledger| judge::judge(ledger, &views, &self.before, counted));
        Ok(())
    }

    fn restore(&mut self, office: &mut Office, line: &dyn Line, round: u64) -> Result<()> {
        let Some(backup) = self.backup.take() else { bail!("no backup was made") };
        office.restore(&copy_of(round))?;
        let world = World { line, ports: &office.ports, ledger: self.ledger };
        world.ledger(|ledger| {
            ledger.restored(backup);
            ledger.count("restored backups");
        });
        Ok(())
    }
}

/// Ids must differ from run to run even if the seed does not: a device is new each time.
fn now_ns() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

fn copy_of(round: u64) -> String {
    format!("copy-{round}")
}

fn perform(phone: &mut Phone, world: &World, deed: Deed, pick: u64) {
    match deed {
        Deed::Open { restricted } => phone.open(world, pick, restricted),
        Deed::Edit => phone.edit(world, pick),
        Deed::Visit => phone.visit(world, pick),
        Deed::Stray => phone.stray(world, pick),
        Deed::Task => phone.task(world, pick),
        Deed::Done => phone.done(world, pick),
        Deed::Refer => phone.refer(world, pick),
        Deed::Decide => phone.decide(world, pick),
        Deed::Move => phone.turn(world, pick, false),
        Deed::Restrict => phone.turn(world, pick, true),
        Deed::Forge => phone.forge(world, pick),
        Deed::Sync(how) => {
            sync(phone, world, how);
        }
    }
}

/// One run; when the line broke, the next comes a moment later and not before somebody answers again.
fn sync(phone: &mut Phone, world: &World, how: How) -> bool {
    let well = phone.sync(world, how);
    if !well {
        let since = Instant::now();
        while !world.ports.iter().any(|port| office::is_ready(*port)) && since.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    well
}

/// Kills servers in the midst of everything and starts them again; makes the backup. Each after so many calls: what the
/// machine is slow at is not over before it begins.
fn make_trouble(
    office: &Office,
    world: &World,
    mut chance: Chance,
    over: &AtomicBool,
    backup: Option<String>,
) -> Result<Option<Instant>> {
    let calls = || world.ledger(|ledger| ledger.counts.get("calls").copied().unwrap_or(0));
    let mut begun = None;
    let mut kills = 0;
    loop {
        let next = calls() + 10 + chance.below(40) as u64;
        while calls() < next {
            if over.load(Ordering::Relaxed) {
                return Ok(begun);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        if let Some(copy) = backup.as_ref().filter(|_| begun.is_none()) {
            begun = Some(Instant::now());
            office.back_up(copy)?;
            continue;
        }
        kills += 1;
        let at = chance.below(office.servers());
        office.kill(at);
        world.ledger(|ledger| ledger.count("kills"));
        std::thread::sleep(Duration::from_millis(chance.below(120) as u64));
        office.begin(at).with_context(|| format!("after kill {kills}"))?;
    }
}
