//! The office's program: reads the command line and calls one function for each verb.

use std::process::ExitCode;

use clap::Parser;
use server::config::{Cli, Verb};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    server::observe::start_log(cli.log);
    let done = match cli.verb {
        Verb::Serve(serve) => server::serve::serve(serve).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
