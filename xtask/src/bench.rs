//! `cargo xtask bench NAME`: runs one measurement of `end2end/bench`.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use crate::{browser, machine, run, site};

#[derive(Args, Debug)]
pub struct Bench {
    /// A file of end2end/bench without its ending, such as `weight`
    name: String,
}

pub fn bench(bench: &Bench) -> Result<()> {
    let file = format!("{}/bench/{}.bench.ts", browser::FOLDER, bench.name);
    if !Path::new(&file).is_file() {
        bail!("no bench is called `{}`: {file} does not exist", bench.name);
    }
    machine::for_wasm()?;
    machine::for_browser()?;
    browser::install()?;
    site::build()?.describe();
    run::build_server()?;
    browser::playwright(&["--config", "bench.config.ts", &format!("{}.bench.ts", bench.name)])
}
