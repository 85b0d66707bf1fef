//! The command line and the environment: knows every setting, its default and what it is for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::database::{self, Place};
use crate::seal::{Seal, load_key, parse_key};
use crate::staff::Staff;

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
    /// People who may sign in
    #[command(subcommand)]
    User(User),
    /// Who is told of an emergency that nobody has looked at, in which order
    #[command(subcommand)]
    Duty(Duty),
    /// Tables from files
    #[command(subcommand)]
    Import(Import),
    /// Write a copy of the SQLite file, sealed as it is, while the office goes on; keep the key elsewhere. PostgreSQL
    /// copies itself: `pg_dump`
    Backup {
        #[command(flatten)]
        store: Store,
        /// The file to write; it must not be there yet
        file: PathBuf,
    },
    /// Put a copy back in the SQLite file's place; the office must be stopped, what was there is kept beside it. On
    /// PostgreSQL: `pg_restore`
    Restore {
        #[command(flatten)]
        store: Store,
        /// A file that `backup` wrote
        file: PathBuf,
    },
    /// Apply every change again and compare with what is stored; verify counters and chains
    Check {
        #[command(flatten)]
        store: Store,
        /// Instead: verify the receipts that a phone saved, and that every change they promise is there
        #[arg(long, value_name = "FILE")]
        receipts: Option<PathBuf>,
    },
    /// Take the letters of a rescue file that somebody saved on a phone: their writers and their content stay as they are
    Accept {
        #[command(flatten)]
        store: Store,
        /// A file that "Lưu tệp cứu hộ" wrote
        file: PathBuf,
    },
    /// Print the description of the interface (OpenAPI 3.1, JSON)
    Openapi,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogForm {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Where the office keeps what it knows.
#[derive(Args, Clone, Debug)]
pub struct Store {
    /// The SQLite file, `cau-noi.db` unless told otherwise; it is made when it is not there
    #[arg(long, env = "CAU_NOI_DB")]
    pub db: Option<PathBuf>,
    /// A PostgreSQL database instead: `postgres://USER:PASSWORD@HOST/NAME`, shared by as many servers as there are.
    /// Whoever names a file gets the file: other programs use this variable too
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// The file with the key under which bodies are sealed, made with a new database; or the key itself in `CAU_NOI_KEY`
    /// (64 hexadecimal digits). Without it nothing can be read: keep a copy, and not beside the database
    #[arg(long, env = "CAU_NOI_KEY_FILE")]
    pub key_file: Option<PathBuf>,
}

impl Store {
    /// Opens the database with its key. `demo`: the key may lie beside it.
    pub async fn open(&self, demo: bool) -> Result<Staff> {
        let place = self.place();
        let (pool, key) = match &place {
            // Without its key a file is not even made.
            Place::File(file) => {
                let key = self.key(demo, !file.exists())?;
                (database::open(&place).await?, key)
            }
            Place::Url(_) => {
                let pool = database::open(&place).await?;
                let key = self.key(demo, !Seal::has_sealed(&pool).await?)?;
                (pool, key)
            }
        };
        Staff::open(pool, Arc::new(Seal::new(key))).await
    }

    fn key(&self, demo: bool, is_new: bool) -> Result<[u8; 32]> {
        match (std::env::var("CAU_NOI_KEY"), &self.key_file) {
            (Ok(key), _) => parse_key(&key).context("CAU_NOI_KEY"),
            (Err(_), Some(file)) => load_key(file, demo || is_new),
            (Err(_), None) if demo || self.demo_key().exists() => load_key(&self.demo_key(), true),
            (Err(_), None) => bail!("no key: give --key-file FILE (it is made with a new database) or CAU_NOI_KEY"),
        }
    }

    /// A file that is named comes first; then the URL; then the file that everybody has.
    #[must_use]
    pub fn place(&self) -> Place {
        match (&self.db, &self.database_url) {
            (Some(file), _) => Place::File(file.clone()),
            (None, Some(url)) => Place::Url(url.clone()),
            (None, None) => Place::File("cau-noi.db".into()),
        }
    }

    /// The demo's key lies beside its file, or here.
    fn demo_key(&self) -> PathBuf {
        let mut name = match self.place() {
            Place::File(file) => file.into_os_string(),
            Place::Url(_) => "cau-noi".into(),
        };
        name.push(".demo-key");
        name.into()
    }
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Add somebody, or give somebody other roles; the password is read from the first line of standard input
    Add(AddUser),
    /// Everybody: name, id, whether they may sign in, roles, when a phone of theirs was last heard of
    List {
        #[command(flatten)]
        store: Store,
    },
    /// Give somebody further roles; their phones are told what they see now
    Grant(UserRoles),
    /// Take roles from somebody; their phones are told what to forget, what they have not sent stays on them
    Ungrant(UserRoles),
    /// Take everything from somebody at once: log-in, roles, the office's pages. Their phones are told to forget every case;
    /// what they have not sent stays on them, and what comes is set aside for a supervisor
    Revoke {
        #[command(flatten)]
        store: Store,
        /// What they sign in with, or the id that `list` shows
        user_name: String,
    },
    /// Name the officer and deputies for restricted cases of a commune or province, the officer first; the list replaces the
    /// one before. They see the restricted cases that are there already
    Officers {
        #[command(flatten)]
        store: Store,
        /// Code of the commune or province
        place: domain::PlaceId,
        /// What they sign in with, or the ids that `list` shows; nobody: the province's officers
        user_names: Vec<String>,
    },
    /// Let somebody come back who was revoked; the password is as it was
    Restore {
        #[command(flatten)]
        store: Store,
        /// What they sign in with, or the id that `list` shows
        user_name: String,
        /// Roles as for `add`; without any they have what they had
        #[arg(long = "role")]
        roles: Vec<String>,
    },
}

#[derive(Args, Clone, Debug)]
pub struct UserRoles {
    #[command(flatten)]
    pub store: Store,
    /// What they sign in with, or the id that `list` shows
    pub user_name: String,
    /// `ROLE@PLACE`, or `facility@ID` of a facility
    #[arg(required = true)]
    pub roles: Vec<String>,
}

#[derive(Args, Clone, Debug)]
pub struct AddUser {
    #[command(flatten)]
    pub store: Store,
    /// What they sign in with
    pub user_name: String,
    /// Full name as people write it
    #[arg(long)]
    pub name: String,
    /// `ROLE@PLACE`, or `facility@ID` of a facility; may be repeated. Roles: collaborator, outreach, supervisor, facility,
    /// viewer, admin
    #[arg(long = "role", required = true)]
    pub roles: Vec<String>,
    /// `anh` or `chi`
    #[arg(long)]
    pub address: Option<String>,
    #[arg(long)]
    pub phone: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Duty {
    /// Set the list of a commune or of the department (the province's code); without people it is left to their supervisors.
    /// After the last of a commune come those of the department
    Set(DutySet),
    /// Show who is told, in their order
    List(DutyList),
}

#[derive(Args, Clone, Debug)]
pub struct DutySet {
    #[command(flatten)]
    pub store: Store,
    /// Code of the place
    pub place: String,
    /// What they sign in with, in the order in which they are told
    pub users: Vec<String>,
}

#[derive(Args, Clone, Debug)]
pub struct DutyList {
    #[command(flatten)]
    pub store: Store,
    /// Code of the place; all of them without it
    pub place: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Import {
    /// Places from a CSV with the columns code, name, type, parent_code, latitude, longitude, valid_from, and for places that
    /// have ended valid_to, successor_code. What was handled there is seen by who works in the successor from now on; a place
    /// whose parent_code is new moves there with its cases
    Places {
        #[command(flatten)]
        store: Store,
        file: PathBuf,
    },
}

#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// Address and port to listen on; HTTPS is the work of the proxy in front
    #[arg(long, env = "CAU_NOI_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub store: Store,
    /// The folder that `cargo xtask site` built
    #[arg(long, env = "CAU_NOI_SITE", default_value = "target/site")]
    pub site: PathBuf,
    /// Take a person's address from `X-Forwarded-For` (its last entry): only behind a proxy that sets it
    #[arg(long, env = "CAU_NOI_BEHIND_PROXY")]
    pub behind_proxy: bool,
    #[command(flatten)]
    pub alarm: Alarm,
    /// Fill an empty database with fictional places and people whose password is public; this machine only
    #[arg(long, env = "CAU_NOI_DEMO")]
    pub demo: bool,
}

/// How whoever is on duty learns of an emergency that nobody has looked at.
#[derive(Args, Clone, Debug)]
pub struct Alarm {
    /// Minutes that somebody has to look at an emergency before the first, and then the next, on duty is told
    #[arg(long, env = "CAU_NOI_DUTY_MINUTES", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=720))]
    pub duty_minutes: u32,
    /// Whom push services may write to when something is wrong: `mailto:NAME@HOST` or an `https:` address. Apple's wants one
    #[arg(long, env = "CAU_NOI_PUSH_CONTACT", value_parser = contact)]
    pub push_contact: Option<String>,
    /// An SMS gateway's address. It gets `POST {"id", "to": ["+84…"], "text"}` with a fixed text that names nobody, again and
    /// again until it answers 2xx; a call that it has seen before has the same `id`, and `Idempotency-Key`. Plain http only
    /// within the own network
    #[arg(long, env = "CAU_NOI_SMS_WEBHOOK", hide_env_values = true)]
    pub sms_webhook: Option<String>,
    /// Signs what the gateway gets: `X-Cau-Noi-Signature: t=SECONDS,v1=HEX`, HMAC-SHA-256 over `SECONDS.BODY`
    #[arg(long, env = "CAU_NOI_SMS_WEBHOOK_SECRET", hide_env_values = true, requires = "sms_webhook")]
    pub sms_webhook_secret: Option<String>,
    /// Let phones name push services on this machine and in its network, without TLS: for tests only
    #[arg(long, env = "CAU_NOI_PUSH_ANYWHERE")]
    pub push_anywhere: bool,
}

impl Alarm {
    #[must_use]
    pub fn settings(&self) -> crate::duty::Settings {
        let secret = self.sms_webhook_secret.clone();
        crate::duty::Settings {
            wait_ms: i64::from(self.duty_minutes) * 60_000,
            contact: self.push_contact.clone(),
            sms: self.sms_webhook.clone().map(|url| crate::duty::Sms { url, secret }),
        }
    }
}

fn contact(text: &str) -> Result<String, String> {
    let lawful = (text.starts_with("mailto:") && text.contains('@')) || text.starts_with("https://");
    if lawful { Ok(text.to_owned()) } else { Err("write mailto:NAME@HOST or https://…".to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_file_that_is_named_comes_before_a_url_that_may_be_another_programs() {
        let store = |db: Option<&str>, url: Option<&str>| Store {
            db: db.map(PathBuf::from),
            database_url: url.map(str::to_owned),
            key_file: None,
        };
        let url = "postgres://office:secret@db.example/cau_noi";
        assert_eq!(store(None, None).place(), Place::File("cau-noi.db".into()));
        assert_eq!(store(Some("a.db"), Some(url)).place(), Place::File("a.db".into()));
        assert_eq!(store(None, Some(url)).place(), Place::Url(url.to_owned()));
        assert!(!format!("{:?} {}", store(None, Some(url)).place(), store(None, Some(url)).place()).contains("secret"));
    }
}
