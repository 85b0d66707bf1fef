//! The database: knows how SQLite and PostgreSQL are opened, brought up to date, and how they differ; not what is in the
//! tables. All SQL elsewhere is written once, in what both of them speak: columns are text, bigint or bytea, placeholders
//! are `$1`, and `on conflict` names the table of a column it reads.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Any, ConnectOptions, Transaction};

pub type Pool = sqlx::AnyPool;
pub type Connection = sqlx::AnyConnection;

pub static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");
pub static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// SQLite: readers do not wait for the writer (WAL); one writer at a time waits for the other this long. What the office
/// has acknowledged survives a power cut. A commit of many pushes stays in memory until it is written, at most once; what
/// lies in the log goes to its place every 16 MB, so that a page that many commits touch goes there once.
const SQLITE_SETTINGS: &str = "pragma busy_timeout = 10000; pragma journal_mode = wal; pragma synchronous = full;
     pragma foreign_keys = on; pragma cache_size = -8000; pragma cache_spill = off; pragma temp_store = memory;
     pragma wal_autocheckpoint = 4000";
/// PostgreSQL: what a server that vanished had locked is free again after a minute.
const POSTGRES_SETTINGS: &str = "set synchronous_commit = on; set lock_timeout = '10s';
     set idle_in_transaction_session_timeout = '60s'";
const CONNECTIONS: u32 = 8;

/// Where the office's tables are.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database: `postgres://…`.
    Url(String),
}

/// A URL may hold a password.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(_) => f.write_str("the PostgreSQL database"),
        }
    }
}

pub async fn open(place: &Place) -> Result<Pool> {
    sqlx::any::install_default_drivers();
    let (url, settings, migrations) = match place {
        Place::File(path) => (file_url(path)?, SQLITE_SETTINGS, &SQLITE_MIGRATIONS),
        Place::Url(url) if is_postgres_url(url) => (url.clone(), POSTGRES_SETTINGS, &POSTGRES_MIGRATIONS),
        Place::Url(_) => bail!("DATABASE_URL is postgres://…; a SQLite file is named by --db or CAU_NOI_DB"),
    };
    let pool = AnyPoolOptions::new()
        .max_connections(CONNECTIONS)
        // A file does not hang up.
        .test_before_acquire(matches!(place, Place::Url(_)))
        .after_connect(move |connection, _| {
            Box::pin(async move { sqlx::raw_sql(settings).execute(connection).await.map(|_| ()) })
        })
        .connect(&url)
        .await
        .with_context(|| format!("cannot open {place}"))?;
    migrations.run(&pool).await.with_context(|| format!("cannot bring {place} up to date"))?;
    Ok(pool)
}

fn file_url(path: &Path) -> Result<String> {
    let path = std::path::absolute(path)?;
    Ok(SqliteConnectOptions::new().filename(path).create_if_missing(true).to_url_lossy().into())
}

fn is_postgres_url(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

pub fn is_postgres(pool: &Pool) -> bool {
    is_postgres_url(pool.connect_options().database_url.as_str())
}

/// Begins to write. SQLite has one writer at a time; on PostgreSQL any number of processes write, and each statement sees
/// what was committed before it: whoever reads in order to write takes a turn first.
pub async fn begin(pool: &Pool) -> Result<Transaction<'static, Any>> {
    let statement = if is_postgres(pool) { "begin isolation level read committed" } else { "begin immediate" };
    Ok(pool.begin_with(statement).await?)
}

/// Begins to read: all of it as it was at one moment.
pub async fn begin_to_read(pool: &Pool) -> Result<Transaction<'static, Any>> {
    let statement = if is_postgres(pool) { "begin isolation level repeatable read, read only" } else { "begin" };
    Ok(pool.begin_with(statement).await?)
}

/// Whether other processes may write at the same time as this transaction.
pub fn is_shared(connection: &Connection) -> bool {
    connection.backend_name() == "PostgreSQL"
}

/// Waits until no other transaction has the turn for any of these names, and takes it. A name need not be in any table
/// yet: that is what a lock on rows cannot give. All are taken in one order, so that two transactions seldom wait for each
/// other; if they do, one gives way.
pub async fn take_turns(connection: &mut Connection, names: &BTreeSet<String>) -> Result<()> {
    if names.is_empty() || !is_shared(connection) {
        return Ok(());
    }
    sqlx::query(
        "insert into turn (name)
         select name from json_array_elements_text($1::json) as wanted (name) order by name collate \"C\"
         on conflict (name) do update set name = excluded.name",
    )
    .bind(serde_json::to_string(names)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// To be called at the end of the transaction: turns leave no row behind.
pub async fn end_turns(connection: &mut Connection, names: &BTreeSet<String>) -> Result<()> {
    if names.is_empty() || !is_shared(connection) {
        return Ok(());
    }
    sqlx::query("delete from turn where name in (select json_array_elements_text($1::json))")
        .bind(serde_json::to_string(names)?)
        .execute(connection)
        .await?;
    Ok(())
}

/// Milliseconds since 1970 by the office's clock.
pub fn now_ms() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_1970.map_or(0, |duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// Counts how often a transaction was begun anew because another process was in its way.
#[derive(Debug, Default)]
pub struct Tries(u32);

impl Tries {
    const MOST: u32 = 12;

    /// Whether the same transaction may succeed now, after a short while: PostgreSQL chose it to give way (serialization
    /// failure, deadlock, a lock not given), or somebody else wrote the same key first.
    pub async fn again(&mut self, error: &anyhow::Error) -> bool {
        let code = error.chain().find_map(|cause| cause.downcast_ref::<sqlx::Error>()).and_then(|error| match error {
            sqlx::Error::Database(said) => said.code(),
            _ => None,
        });
        let gives_way = matches!(code.as_deref(), Some("40001" | "40P01" | "55P03" | "23505"));
        if !gives_way || self.0 == Self::MOST {
            return false;
        }
        self.0 += 1;
        let mut random = [0];
        getrandom::fill(&mut random).ok();
        tokio::time::sleep(Duration::from_millis(u64::from(self.0) * (2 + u64::from(random[0]) / 16))).await;
        true
    }
}
