//! Runs many seeds of the simulation: `--seeds N` (default 1000) from `--from S` (default 0).

#![allow(clippy::print_stdout, reason = "a command line")]

#[path = "../tests/simulation/world.rs"]
mod world;

use std::{process::ExitCode, time::Instant};

use world::{Fault, run};

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
    let started = Instant::now();
    let (mut saved, mut accepted, mut held, mut aside, mut cuts, mut broken) = (0, 0, 0, 0, 0, 0_u64);
    for seed in from..from.saturating_add(seeds) {
        match run(seed, Fault::None) {
            Ok(counts) => {
                saved += counts.saved;
                accepted += counts.accepted;
                held += counts.held;
                aside += counts.set_aside;
                cuts += counts.cuts;
            }
            Err(found) => {
                println!("{found}");
                broken += 1;
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{seeds} seeds from {from}: {saved} changes saved, {accepted} accepted, {held} held, {aside} set aside, {cuts} cuts"
    );
    println!("figure simulate.seeds {seeds}");
    println!("figure simulate.broken {broken}");
    println!("figure simulate.seeds_per_s {:.0}", seeds as f64 / seconds.max(1e-9));
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
