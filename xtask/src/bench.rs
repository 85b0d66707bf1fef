//! `cargo xtask bench NAME`: runs one measurement of `end2end/bench`, or the office's own of `server/benches`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{browser, machine, postgres, run, site};

/// The other systems that `sync` measures: packages that nothing else needs.
const RIVALS: &str = "end2end/bench/rivals";

#[derive(Args, Debug)]
pub struct Bench {
    /// `server`, or a file of end2end/bench without its ending, such as `weight`
    name: String,
}

pub fn bench(bench: &Bench) -> Result<()> {
    if bench.name == "server" {
        return server();
    }
    let file = format!("{}/bench/{}.bench.ts", browser::FOLDER, bench.name);
    if !Path::new(&file).is_file() {
        bail!("no bench is called `{}`: {file} does not exist", bench.name);
    }
    machine::for_wasm()?;
    machine::for_browser()?;
    browser::install()?;
    if bench.name == "sync" {
        browser::install_in(RIVALS)?;
        site::build_bare_phone()?;
    }
    site::build()?.describe();
    run::build_server()?;
    browser::playwright(&["--config", "bench.config.ts", &format!("{}.bench.ts", bench.name)])
}

/// A release build of the office under load, on SQLite and on a PostgreSQL whose commits are as sure as at work.
fn server() -> Result<()> {
    let database = postgres::Server::durable()?;
    let status = Command::new("cargo")
        .args(["bench", "--package", "server", "--bench", "load"])
        .env("CAU_NOI_BENCH_POSTGRES", database.url())
        .status()
        .context("cannot run `cargo`")?;
    if !status.success() {
        bail!("the office's bench failed");
    }
    Ok(())
}
