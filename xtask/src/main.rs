//! The project's commands: knows how to build, serve, test and measure Cầu Nối, and nothing of
//! what it does for people.

#![expect(clippy::print_stdout, reason = "a command line tool speaks through stdout")]

mod bench;
mod browser;
mod lints;
mod machine;
mod postgres;
mod run;
mod screens;
mod simulate;
mod site;
mod tally;
mod test;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Build, serve, test and measure Cầu Nối")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Build everything and serve a demo from this machine, for this machine only
    Run(run::Run),
    /// Build `target/site`: the field app, its service worker and its files, compressed
    Site,
    /// Run every test; the last line is `N passed, N failed`
    Test(test::Test),
    /// Formatting, lints and unit tests: the quick look before a commit
    Check,
    /// Run seeded phones against an office that loses, repeats and reorders
    Simulate(simulate::Simulate),
    /// Watch a real office from outside, through kills, cut lines and a restored backup
    Witness(witness::Witness),
    /// Measure; ends with lines `figure NAME VALUE`
    Bench(bench::Bench),
    /// Take a picture of every screen into target/screens
    Screens(screens::Screens),
    /// Run one compiled browser test (cargo calls this by itself)
    #[command(hide = true)]
    BrowserTest {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = std::env::set_current_dir(project()) {
        eprintln!("error: cannot enter {}: {error}", project().display());
        return ExitCode::FAILURE;
    }
    let done = match cli.verb {
        Verb::Run(run) => run::run(&run),
        Verb::Site => machine::for_wasm().and_then(|()| site::build()).map(|site| site.describe()),
        Verb::Test(test) => return test::test(test),
        Verb::Check => lints::check(),
        Verb::Simulate(simulate) => simulate::simulate(&simulate),
        Verb::Witness(witness) => witness::witness(&witness),
        Verb::Bench(bench) => bench::bench(&bench),
        Verb::Screens(screens) => screens::screens(&screens),
        Verb::BrowserTest { args } => browser::run_wasm_test(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace, wherever the command was typed.
fn project() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().map_or_else(|| xtask.clone(), |workspace| workspace.to_path_buf())
}
