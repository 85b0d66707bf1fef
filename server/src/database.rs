//! The SQLite file: knows how it is opened and brought up to date, not what is in its tables.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Readers do not wait for the writer (WAL); one writer at a time waits for the other this long.
const BUSY: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 8;

pub async fn open(path: &Path) -> Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What the office has acknowledged survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY);
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect_with(options)
        .await
        .with_context(|| format!("cannot open the database {}", path.display()))?;
    MIGRATIONS.run(&pool).await.with_context(|| format!("cannot bring {} up to date", path.display()))?;
    Ok(pool)
}

/// Milliseconds since 1970 by the office's clock.
pub fn now_ms() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_1970.map_or(0, |duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}
