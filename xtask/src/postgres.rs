//! A PostgreSQL of our own for the tests: made in an empty folder, reached by a socket in it, and gone afterwards. It never
//! touches a server or a cluster that is there already.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::machine;

/// Where a server for the tests is named; without it one is made.
pub const URL: &str = "TEST_DATABASE_URL";
const USER: &str = "cau_noi";
/// Far more than a two-core machine takes.
const LONGEST_START: Duration = Duration::from_secs(60);

/// Nothing of it survives the tests, so nothing needs to be on the disk.
const IN_MEMORY: [&str; 4] = ["-c", "fsync=off", "-c", "full_page_writes=off"];

/// The server that the tests use.
pub enum Server {
    Given(String),
    Own(Cluster),
}

/// A cluster that ends with this value.
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    process: Child,
}

impl Server {
    pub fn for_tests() -> Result<Self> {
        match std::env::var(URL) {
            Ok(url) => Ok(Self::Given(url)),
            Err(_) => Ok(Self::Own(Cluster::start(&machine::for_postgres()?, &IN_MEMORY)?)),
        }
    }

    /// One that a measurement uses: what it commits is on the disk.
    pub fn durable() -> Result<Self> {
        match std::env::var(URL) {
            Ok(url) => Ok(Self::Given(url)),
            Err(_) => Ok(Self::Own(Cluster::start(&machine::for_postgres()?, &[])?)),
        }
    }

    pub fn url(&self) -> String {
        match self {
            Self::Given(url) => url.clone(),
            Self::Own(cluster) => format!("postgres://{USER}@localhost/postgres?host={}", cluster.folder.display()),
        }
    }
}

impl Cluster {
    fn start(programs: &Path, settings: &[&str]) -> Result<Self> {
        let folder = own_folder()?;
        let data = folder.join("data");
        let made = quiet(
            as_owner(programs.join("initdb"))
                .args(["--auth=trust", "--encoding=UTF8", "--no-sync", "--username", USER, "--pgdata"])
                .arg(&data),
        );
        if made.is_err() {
            std::fs::remove_dir_all(&folder).ok();
        }
        made?;
        let process = as_owner(programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&folder)
            .args(["-c", "listen_addresses=", "-c", "max_connections=200", "-c", "log_min_messages=fatal"])
            .args(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run `postgres`")?;
        let cluster = Self { folder, programs: programs.to_owned(), process };
        let mut waited = Duration::ZERO;
        while quiet(Command::new(programs.join("pg_isready")).arg("-q").arg("-h").arg(&cluster.folder)).is_err() {
            if waited > LONGEST_START {
                bail!("PostgreSQL does not start in {}", cluster.folder.display());
            }
            let pause = Duration::from_millis(100);
            std::thread::sleep(pause);
            waited += pause;
        }
        Ok(cluster)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = as_owner(self.programs.join("pg_ctl"));
        stop.args(["stop", "--mode=immediate", "--silent", "--pgdata"]).arg(self.folder.join("data"));
        if quiet(&mut stop).is_err() {
            self.process.kill().ok();
        }
        self.process.wait().ok();
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            println!("{} could not be removed: {error}", self.folder.display());
        }
    }
}

/// A folder of the server's user. A socket's path may have 100 bytes: not below `target`; and where temporary files go may
/// be closed to that user.
fn own_folder() -> Result<PathBuf> {
    let name = format!("cau-noi-postgres-{}", std::process::id());
    let mut tried = String::new();
    for parent in [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()] {
        let folder = parent.join(&name);
        match quiet(as_owner("mkdir").arg("-m").arg("700").arg(&folder)) {
            Ok(()) => return Ok(folder),
            Err(error) => tried = format!("{}: {error}", folder.display()),
        }
    }
    bail!("cannot make {tried}")
}

/// PostgreSQL refuses to run as root: then it runs as the user that Debian's package made for it.
fn as_owner(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command;
    if machine::is_root() {
        command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
    } else {
        command = Command::new(program);
    }
    // Its user may not enter the folder of this project.
    command.current_dir("/");
    command
}

fn quiet(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
