//! `cargo xtask test`: every part in turn, and one honest number at the end.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::tally::{self, Filtered, Tally};
use crate::{browser, lints, machine, postgres, run, site, witness};

#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Test {
    /// Run all end-to-end tests on PostgreSQL too, not only those marked `@office`
    #[arg(long)]
    all: bool,
}

type Part = (&'static str, fn(Test) -> Result<Tally>);

/// In the order in which each can reuse what the one before compiled.
const PARTS: [Part; 10] = [
    ("format", |_| lints::format().map(|()| Tally::PASSED)),
    ("tests of the workspace", |_| workspace()),
    ("tests of the office on PostgreSQL", |_| office_on_postgres()),
    ("lints of the workspace", |_| lints::office().map(|()| Tally::PASSED)),
    ("lints of the field app", |_| {
        machine::for_wasm()?;
        lints::phone().map(|()| Tally::PASSED)
    }),
    ("browser tests of the field app", |_| field_app()),
    ("build", |_| build()),
    ("the office, watched from outside", |_| witness::test()),
    ("end to end", |_| end_to_end(None, None)),
    ("end to end on PostgreSQL", |test| {
        let server = postgres::Server::for_tests()?;
        end_to_end(Some(&server), (!test.all).then_some(OFFICE))
    }),
];

/// The mark of end-to-end tests in which the office's storage has a part.
const OFFICE: &str = "@office";

pub fn test(test: Test) -> ExitCode {
    let started = Instant::now();
    let mut total = Tally::default();
    let mut lines = Vec::new();
    for (name, part) in PARTS {
        println!("== {name}");
        let started = Instant::now();
        let tally = part(test).unwrap_or_else(|error| {
            println!("error: {error:#}");
            Tally::FAILED
        });
        total = total.plus(tally);
        lines.push(format!(
            "{:>6.1} s  {:>5} passed {:>4} failed  {name}",
            started.elapsed().as_secs_f32(),
            tally.passed,
            tally.failed,
        ));
    }
    println!();
    for line in lines {
        println!("{line}");
    }
    println!("{:>6.1} s  in all", started.elapsed().as_secs_f32());
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 && total.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn workspace() -> Result<Tally> {
    let mut command = Command::new("cargo");
    command.args(["test", "--workspace", "--no-fail-fast"]).env_remove(postgres::URL);
    // Without a server these have nothing to say: the next part runs them, and all others once more.
    command.args(["--", "--skip", "postgres::"]);
    harness(command, Filtered::Elsewhere)
}

/// The same tests that ran on SQLite, and those of what only PostgreSQL does.
fn office_on_postgres() -> Result<Tally> {
    let server = postgres::Server::for_tests()?;
    let mut command = Command::new("cargo");
    command.args(["test", "--workspace", "--no-fail-fast", "--test", "api"]).env(postgres::URL, server.url());
    harness(command, Filtered::Failed)
}

fn field_app() -> Result<Tally> {
    machine::for_wasm()?;
    machine::for_browser()?;
    harness(browser::wasm_test_command()?, Filtered::Failed)
}

fn build() -> Result<Tally> {
    machine::for_wasm()?;
    site::build()?.describe();
    run::build_server()?;
    Ok(Tally::PASSED)
}

fn end_to_end(server: Option<&postgres::Server>, grep: Option<&str>) -> Result<Tally> {
    machine::for_browser()?;
    browser::install()?;
    browser::check_types()?;
    let (report, well) = browser::end_to_end(server, grep)?;
    let tally = tally::of_playwright(&report);
    if tally == Tally::default() {
        println!("error: no end-to-end test ran");
        return Ok(Tally::FAILED);
    }
    Ok(tally.plus(Tally::PASSED).ended(well))
}

/// Runs a cargo test command; shows what it prints except the lines of cases that passed.
fn harness(mut command: Command, filtered: Filtered) -> Result<Tally> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot run `cargo`")?;
    let stdout = child.stdout.take().context("cargo has no stdout")?;
    let mut tally = Tally::default();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        match tally::of_harness_line(&line, filtered) {
            Some(counted) => tally = tally.plus(counted),
            None if is_quiet(&line) => {}
            None => println!("{line}"),
        }
    }
    let status = child.wait()?;
    Ok(tally.ended(status.success()))
}

fn is_quiet(line: &str) -> bool {
    let line = line.trim();
    line.is_empty()
        || (line.starts_with("test ") && line.ends_with("... ok"))
        || (line.starts_with("running ") && line.contains(" test"))
}
