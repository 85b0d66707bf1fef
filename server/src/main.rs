//! The office's program: reads the command line and calls one function for each verb.

use std::process::ExitCode;

use clap::Parser;
use server::config::{Cli, Duty, Import, Verb};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    server::observe::start_log(cli.log);
    let done = match cli.verb {
        Verb::Serve(serve) => server::serve::serve(serve).await,
        Verb::User(user) => server::user::run(user).await,
        Verb::Duty(Duty::Set(set)) => server::duty::list::set(set).await,
        Verb::Duty(Duty::List(list)) => server::duty::list::list(list).await,
        Verb::Import(Import::Places { store, file }) => server::import::places(&store, &file).await,
        Verb::Backup { store, file } => server::backup::backup(&store, &file).await,
        Verb::Restore { store, file } => server::backup::restore(&store, &file).await,
        Verb::Check { store, receipts: None } => server::check::check(&store).await,
        Verb::Check { store, receipts: Some(file) } => server::promises::check(&store, &file).await,
        Verb::Accept { store, file } => server::letters::accept(&store, &file).await,
        Verb::Openapi => server::openapi::print(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
