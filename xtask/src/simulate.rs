//! `cargo xtask simulate`: knows where the simulation of `domain` is, not what it tries.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

#[derive(Args, Debug)]
pub struct Simulate {
    /// How many seeds to run
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Run the deliberately wrong adapters instead, and say by what each is found
    #[arg(long)]
    faults: bool,
}

pub fn simulate(simulate: &Simulate) -> Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--package", "domain", "--example", "simulate", "--"])
        .args(["--seeds", &simulate.seeds.to_string()])
        .args(["--from", &simulate.from.to_string()])
        .args(simulate.faults.then_some("--faults"))
        .status()
        .context("cannot run `cargo`")?;
    if !status.success() {
        bail!("the simulation found a failure (its seed is printed above; `--from SEED --seeds 1` plays it again)");
    }
    Ok(())
}
