//! `cargo xtask run`: from the sources to a served demo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{machine, site};

pub const SERVER: &str = "target/debug/server";
const DEMO: &str = "target/demo";

#[derive(Args, Debug)]
pub struct Run {
    /// Forget the demo's data and fill it anew
    #[arg(long)]
    fresh: bool,
    /// The port on 127.0.0.1
    #[arg(long, default_value_t = 3000)]
    port: u16,
}

pub fn run(run: &Run) -> Result<()> {
    machine::for_wasm()?;
    site::build()?.describe();
    build_server()?;
    if run.fresh && Path::new(DEMO).exists() {
        fs::remove_dir_all(DEMO).with_context(|| format!("cannot remove {DEMO}"))?;
    }
    fs::create_dir_all(DEMO).with_context(|| format!("cannot create {DEMO}"))?;
    let mut server = Command::new(SERVER);
    server
        .arg("serve")
        .args(["--listen", &format!("127.0.0.1:{}", run.port)])
        .arg("--db")
        .arg(PathBuf::from(DEMO).join("cau-noi.db"))
        .args(["--site", site::SITE, "--demo"]);
    become_program(server)
}

/// The development build: the demo and the tests share one compile.
pub fn build_server() -> Result<()> {
    let status = Command::new("cargo")
        .args(["build", "--workspace", "--bin", "server"])
        .status()
        .context("cannot run `cargo`")?;
    if !status.success() {
        bail!("the server does not compile");
    }
    Ok(())
}

/// Takes this process's place, so that Ctrl-C and a kill reach the server itself.
#[cfg(unix)]
fn become_program(mut program: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(program.exec()).context("cannot start the server")
}

#[cfg(not(unix))]
fn become_program(mut program: Command) -> Result<()> {
    let status = program.status().context("cannot start the server")?;
    if !status.success() {
        bail!("the server stopped with {status}");
    }
    Ok(())
}
