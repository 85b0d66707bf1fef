//! The command line and the environment: knows every setting, its default and what it is for.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The office of Cầu Nối: signs people in, receives what phones recorded, sends back what they may see.
#[derive(Debug, Parser)]
#[command(name = "server", version)]
pub struct Cli {
    /// How log lines are written; none holds personal data
    #[arg(long, env = "CAU_NOI_LOG", value_enum, default_value_t = LogForm::Text, global = true)]
    pub log: LogForm,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Serve the field app, the office's pages and the sync
    Serve(Serve),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogForm {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// Address and port to listen on; HTTPS is the work of the proxy in front
    #[arg(long, env = "CAU_NOI_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// The SQLite file; it is made when it is not there
    #[arg(long, env = "CAU_NOI_DB", default_value = "cau-noi.db")]
    pub db: PathBuf,
    /// The folder that `cargo xtask site` built
    #[arg(long, env = "CAU_NOI_SITE", default_value = "target/site")]
    pub site: PathBuf,
    /// Take a person's address from `X-Forwarded-For` (its last entry): only behind a proxy that sets it
    #[arg(long, env = "CAU_NOI_BEHIND_PROXY")]
    pub behind_proxy: bool,
    /// Fill an empty database with fictional places and people whose password is public; this machine only
    #[arg(long, env = "CAU_NOI_DEMO")]
    pub demo: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
