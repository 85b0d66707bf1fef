//! Formatting, lints of every feature set and the quick tests: knows the selections, not the rules.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::machine;

pub fn check() -> Result<()> {
    machine::for_wasm()?;
    format()?;
    office()?;
    phone()?;
    cargo(&["test", "--quiet", "--workspace", "--lib", "--bins"]).context("unit tests")
}

pub fn format() -> Result<()> {
    cargo(&["fmt", "--all", "--check"]).context("the code is not formatted: run `cargo fmt --all`")
}

/// domain, app with `ssr`, server and xtask, with their tests.
pub fn office() -> Result<()> {
    cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"])
        .context("lints of the workspace")
}

/// app with `csr`, as it runs on the phone, with its browser tests.
pub fn phone() -> Result<()> {
    cargo(&[
        "clippy",
        "--quiet",
        "--package",
        "app",
        "--features",
        "csr",
        "--lib",
        "--tests",
        "--target",
        machine::WASM_TARGET,
        "--target-dir",
        "target/wasm",
        "--",
        "--deny",
        "warnings",
    ])
    .context("lints of the field app")
}

fn cargo(args: &[&str]) -> Result<()> {
    let status = Command::new("cargo").args(args).status().context("cannot run `cargo`")?;
    if !status.success() {
        bail!("`cargo {}` failed", args.join(" "));
    }
    Ok(())
}
