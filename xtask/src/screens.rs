//! `cargo xtask screens`: takes the pictures that people look at.

use anyhow::Result;
use clap::Args;

use crate::{browser, machine, run, site};

#[derive(Args, Debug)]
pub struct Screens {
    /// Only the screens whose title contains this
    #[arg(long)]
    only: Option<String>,
}

pub fn screens(screens: &Screens) -> Result<()> {
    machine::for_wasm()?;
    machine::for_browser()?;
    browser::install()?;
    site::build()?.describe();
    run::build_server()?;
    let mut args = vec!["--config", "screens.config.ts"];
    if let Some(only) = &screens.only {
        args.extend(["--grep", only]);
    }
    browser::playwright(&args)?;
    println!("the pictures are in target/screens");
    Ok(())
}
