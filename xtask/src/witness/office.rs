//! Real servers on a real database: started, killed, restored. It knows the program by its command line and its port.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::chance::Chance;
use crate::{machine, postgres, run};

/// Below the ports that systems take for connections going out: one that is closed for a while stays ours.
const PORTS: std::ops::Range<usize> = 12_000..30_000;
const LONGEST_START: Duration = Duration::from_secs(90);
/// Servers that share a PostgreSQL database.
const TOGETHER: usize = 3;

/// Where an office keeps what it knows.
pub enum Database {
    Sqlite,
    Postgres { server: String, programs: Option<PathBuf> },
}

impl Database {
    pub fn postgres(server: &postgres::Server) -> Self {
        Self::Postgres { server: server.url(), programs: machine::for_postgres().ok() }
    }
}

pub struct Office {
    pub ports: Vec<u16>,
    servers: Vec<Mutex<Option<Child>>>,
    folder: PathBuf,
    database: Database,
    /// Of the databases on PostgreSQL that were made for this office, the one that it uses last.
    made: Vec<String>,
}

/// What `server check` counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub changes: u64,
    pub waiting: u64,
    pub set_aside: u64,
}

impl Office {
    pub fn start(database: Database) -> Result<Self> {
        let stamp = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let folder = std::env::temp_dir().join(format!("cau-noi-witness-{}-{}", std::process::id(), stamp.as_nanos()));
        fs::create_dir_all(folder.join("site"))?;
        // Nobody opens a page here: a site of no files is enough for the program.
        let build = json!({ "build": "t", "boot": "/b", "style": "/s", "app_js": "/j", "app_wasm": "/w", "files": [] });
        fs::write(folder.join("site/build.json"), build.to_string())?;
        let count = if matches!(database, Database::Sqlite) { 1 } else { TOGETHER };
        let mut chance = Chance::new(stamp.as_nanos() as u64);
        let ports = (0..count).map(|_| free_port(&mut chance)).collect();
        let servers = (0..count).map(|_| Mutex::new(None)).collect();
        let mut office = Self { ports, servers, folder, database, made: vec![] };
        office.make_database()?;
        for at in 0..count {
            office.begin(at)?;
        }
        Ok(office)
    }

    pub fn servers(&self) -> usize {
        self.servers.len()
    }

    /// Starts a server and waits until it answers.
    pub fn begin(&self, at: usize) -> Result<()> {
        let mut command = self.command(&["serve", "--demo", "--site", "site"])?;
        command.args(["--listen", &format!("127.0.0.1:{}", self.ports[at])]);
        let log = fs::File::create(self.folder.join(format!("server-{at}.log")))?;
        let child = command.stdout(Stdio::null()).stderr(log).spawn().context("cannot start the server")?;
        *self.servers[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        let since = Instant::now();
        while !is_ready(self.ports[at]) {
            if since.elapsed() > LONGEST_START {
                let said = fs::read_to_string(self.folder.join(format!("server-{at}.log"))).unwrap_or_default();
                bail!("the server is not ready: {said}");
            }
            std::thread::sleep(Duration::from_millis(15));
        }
        Ok(())
    }

    /// `kill -9`: nothing is said to anybody.
    pub fn kill(&self, at: usize) {
        if let Some(mut child) = self.servers[at].lock().unwrap_or_else(PoisonError::into_inner).take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// A copy of what the office knows, taken while it works.
    pub fn back_up(&self, copy: &str) -> Result<()> {
        let file = self.folder.join(copy);
        match &self.database {
            Database::Sqlite => said(self.command(&["backup"])?.arg(file)).map(drop),
            Database::Postgres { .. } => {
                let mut dump = self.program("pg_dump");
                said(dump.arg("--format=custom").arg(format!("--file={}", file.display())).arg(self.url()?)).map(drop)
            }
        }
    }

    /// All servers end, and the copy stands in the place of what they knew.
    pub fn restore(&mut self, copy: &str) -> Result<()> {
        for at in 0..self.servers() {
            self.kill(at);
        }
        let file = self.folder.join(copy);
        match &self.database {
            Database::Sqlite => said(self.command(&["restore"])?.arg(file)).map(drop)?,
            Database::Postgres { .. } => {
                self.make_database()?;
                let mut restore = self.program("pg_restore");
                said(restore.arg("--no-owner").arg(format!("--dbname={}", self.url()?)).arg(file))?;
            }
        }
        (0..self.servers()).try_for_each(|at| self.begin(at))
    }

    /// `server check`; an error is what it found wrong.
    pub fn check(&self) -> Result<Counted> {
        let text = said(&mut self.command(&["check"])?)?;
        let number = |behind: &str| -> Option<u64> {
            let before = &text[..text.find(behind)?];
            before.split(|c: char| !c.is_ascii_digit()).rfind(|word| !word.is_empty())?.parse().ok()
        };
        let counted = (number(" changes, "), number(" changes wait"), number(" are set aside"));
        let (Some(changes), Some(waiting), Some(set_aside)) = counted else { bail!("cannot read: {text}") };
        Ok(Counted { changes, waiting, set_aside })
    }

    fn command(&self, verb: &[&str]) -> Result<Command> {
        let mut command = Command::new(fs::canonicalize(run::SERVER).context("the server is not built")?);
        command.args(verb).args(["--key-file", "key"]).current_dir(&self.folder).stdin(Stdio::null());
        for setting in ["CAU_NOI_KEY", "CAU_NOI_KEY_FILE", "CAU_NOI_DB", "DATABASE_URL"] {
            command.env_remove(setting);
        }
        match &self.database {
            Database::Sqlite => command.args(["--db", "office.db"]),
            Database::Postgres { .. } => command.args(["--database-url", &self.url()?]),
        };
        Ok(command)
    }

    fn url(&self) -> Result<String> {
        self.made.last().cloned().context("no database was made")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = match &self.database {
            Database::Postgres { programs: Some(folder), .. } => Command::new(folder.join(name)),
            _ => Command::new(name),
        };
        command.stdin(Stdio::null());
        command
    }

    /// An empty database of our own on the server; its name is one that the next run of tests sweeps away.
    fn make_database(&mut self) -> Result<()> {
        let Database::Postgres { server, .. } = &self.database else { return Ok(()) };
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let name = format!("cau_noi_test_{}_{}_w{}", since.as_secs(), std::process::id(), since.subsec_nanos());
        let sql = format!("create database {name} template template0 encoding 'UTF8'");
        said(self.program("psql").args(["--no-psqlrc", "--quiet", "--command", &sql]).arg(server))?;
        let url = of_database(server, &name)?;
        self.made.push(url);
        Ok(())
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        for at in 0..self.servers() {
            self.kill(at);
        }
        if let Database::Postgres { server, .. } = &self.database {
            for url in &self.made {
                let name = url.split(['/', '?']).nth(3).unwrap_or_default();
                let sql = format!("drop database if exists {name} with (force)");
                said(self.program("psql").args(["--no-psqlrc", "--quiet", "--command", &sql]).arg(server)).ok();
            }
        }
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// The same server with another database: `postgres://USER@HOST/NAME?…`.
fn of_database(server: &str, name: &str) -> Result<String> {
    let (address, settings) = server.split_once('?').unwrap_or((server, ""));
    let (scheme, rest) = address.split_once("://").context("not a URL of PostgreSQL")?;
    let host = rest.split('/').next().unwrap_or_default();
    let mark = if settings.is_empty() { "" } else { "?" };
    Ok(format!("{scheme}://{host}/{name}{mark}{settings}"))
}

fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    if output.status.success() { Ok(text) } else { bail!("{:?}: {}", command.get_program(), text.trim()) }
}

fn free_port(chance: &mut Chance) -> u16 {
    loop {
        let port = (PORTS.start + chance.below(PORTS.len())) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

pub fn is_ready(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "GET /readyz HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_of_the_same_server_is_named() {
        let named = |url| of_database(url, "x").unwrap();
        assert_eq!(named("postgres://u@localhost/postgres?host=/tmp/a"), "postgres://u@localhost/x?host=/tmp/a");
        assert_eq!(named("postgres://u:p@db.example:5433/postgres"), "postgres://u:p@db.example:5433/x");
        assert_eq!(named("postgres://u@db"), "postgres://u@db/x");
    }
}
