//! Runs many seeds of the simulation: `--seeds N` (default 1000) from `--from S` (default 0). `--faults`: says of each
//! deliberately wrong adapter at which of the seeds it is found, and by what.

#![allow(clippy::print_stdout, reason = "a command line")]

#[path = "../tests/simulation/play/mod.rs"]
mod play;

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use play::{Counts, Fault, find, run};

const FAULTS: [Fault; 19] = [
    Fault::NoIdempotency,
    Fault::CursorFirst,
    Fault::GlobalSequence,
    Fault::ReadBeforeLock,
    Fault::OneVerdict,
    Fault::HeldDropped,
    Fault::LastWriteWins,
    Fault::ForgetToStranger,
    Fault::ShownToStranger,
    Fault::OverlayEndsAtVerdict,
    Fault::LetterTwice,
    Fault::CourierIsAuthor,
    Fault::LetterUnproved,
    Fault::WriterBelieved,
    Fault::RefusedInSilence,
    Fault::KeptTooSoon,
    Fault::GoneWithTheFile,
    Fault::SuccessorForgotten,
    Fault::MergerUntold,
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: u64| {
        let at = args.iter().position(|a| a == name);
        at.and_then(|at| args.get(at + 1)).map_or(Some(default), |text| text.parse().ok())
    };
    let (Some(seeds), Some(from)) = (number("--seeds", 1_000), number("--from", 0)) else {
        println!("--seeds N and --from S take whole numbers");
        return ExitCode::from(2);
    };
    if args.iter().any(|a| a == "--faults") {
        let mut missed = 0;
        for fault in FAULTS {
            match find(fault, from..from.saturating_add(seeds)) {
                Ok(found) => println!("{fault:?}: {found}"),
                Err(why) => {
                    println!("{why}");
                    missed += 1;
                }
            }
        }
        return if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let started = Instant::now();
    let (all, broken) = run_all(from, from.saturating_add(seeds));
    let seconds = started.elapsed().as_secs_f64();
    println!("{seeds} seeds from {from}: {all:?}");
    println!("figure simulate.seeds {seeds}");
    println!("figure simulate.broken {broken}");
    println!("figure simulate.seeds_per_s {:.0}", seeds as f64 / seconds.max(1e-9));
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the seeds on every core; a broken one is printed when it is found.
fn run_all(from: u64, to: u64) -> (Counts, u64) {
    let next = AtomicU64::new(from);
    let work = || {
        let (mut all, mut broken) = (Counts::default(), 0_u64);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= to {
                return (all, broken);
            }
            match run(seed, Fault::None) {
                Ok(counts) => all += counts,
                Err(found) => {
                    println!("{found}");
                    broken += 1;
                }
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let (mut all, mut broken) = (Counts::default(), 0);
        for thread in threads {
            let (counts, found) = thread.join().expect("a seed that panics is a defect of the simulation");
            all += counts;
            broken += found;
        }
        (all, broken)
    })
}
