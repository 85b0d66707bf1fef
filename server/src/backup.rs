//! `server backup` and `server restore`: a consistent copy of the database, sealed as it is. It knows files, not content.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::config::Store;
use crate::database::Place;

/// Copies the database as it is at one moment; the office may go on meanwhile.
pub async fn backup(store: &Store, file: &Path) -> Result<()> {
    let db = file_of(store, "pg_dump --format=custom --file=FILE \"$DATABASE_URL\"")?;
    if !db.exists() {
        bail!("there is no database {}", db.display());
    }
    if file.exists() {
        bail!("{} is there already: a backup never overwrites", file.display());
    }
    let staff = store.open(false).await?;
    sqlx::query("vacuum into $1")
        .bind(text(file)?)
        .execute(&staff.pool)
        .await
        .context("the copy could not be written")?;
    std::fs::File::open(file)?.sync_all()?;
    tracing::info!("{} holds a copy; the key is not in it", file.display());
    Ok(())
}

/// Puts a copy in the database's place. Phones notice, and offer again what they sent since.
pub async fn restore(store: &Store, file: &Path) -> Result<()> {
    let db = &file_of(store, "pg_restore --clean --if-exists --dbname=\"$DATABASE_URL\" FILE")?;
    let taken = with_ending(db, ".restoring");
    std::fs::copy(file, &taken).with_context(|| format!("cannot read {}", file.display()))?;
    let checked = check_copy(store, &taken).await;
    if checked.is_err() {
        remove(&taken);
    }
    checked.with_context(|| format!("{} was not restored", file.display()))?;
    if db.exists() {
        stand_alone(db).await.context("stop the office first: its database is in use")?;
        let kept = (1..)
            .map(|n| with_ending(db, &format!(".before-restore-{n}")))
            .find(|path| !path.exists())
            .context("no name is free for what was there")?;
        std::fs::rename(db, &kept)?;
        tracing::info!("what was there is kept as {}", kept.display());
    }
    for ending in ["-wal", "-shm"] {
        remove(&with_ending(db, ending));
        remove(&with_ending(&taken, ending));
    }
    std::fs::File::open(&taken)?.sync_all()?;
    std::fs::rename(&taken, db)?;
    tracing::info!("{} is the database now", file.display());
    Ok(())
}

/// PostgreSQL copies itself better than we could, at one moment and while servers go on: `instead` says how.
fn file_of(store: &Store, instead: &str) -> Result<PathBuf> {
    match store.place() {
        Place::File(file) => Ok(file),
        Place::Url(_) => bail!(
            "this is for SQLite files; PostgreSQL has its own program:\n    {instead}\nBodies in such a copy are sealed; \
             the key is not in it: keep both, apart from each other"
        ),
    }
}

/// A whole SQLite file of this program, sealed with the key at hand.
async fn check_copy(store: &Store, copy: &Path) -> Result<()> {
    let store = Store { db: Some(copy.to_owned()), ..store.clone() };
    let staff = store.open(false).await?;
    let said = sqlx::query_scalar::<_, String>("pragma integrity_check").fetch_one(&staff.pool).await?;
    // What the copy's own journal holds must be in the file before it is moved.
    sqlx::query("pragma wal_checkpoint(truncate)").execute(&staff.pool).await?;
    staff.pool.close().await;
    if said == "ok" { Ok(()) } else { bail!("the copy is damaged: {said}") }
}

/// Fails while another process has the database open; leaves nothing of it in a journal.
async fn stand_alone(db: &Path) -> Result<()> {
    let mut connection: SqliteConnection = SqliteConnectOptions::new()
        .filename(db)
        .locking_mode(SqliteLockingMode::Exclusive)
        .busy_timeout(std::time::Duration::from_millis(500))
        .connect()
        .await?;
    sqlx::query("begin exclusive").execute(&mut connection).await?;
    sqlx::query("rollback").execute(&mut connection).await?;
    let (busy, _, _) =
        sqlx::query_as::<_, (i64, i64, i64)>("pragma wal_checkpoint(truncate)").fetch_one(&mut connection).await?;
    sqlx::Connection::close(connection).await?;
    if busy == 0 { Ok(()) } else { bail!("the database is in use") }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What is not there need not be removed.
fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!("cannot remove {}: {error}", path.display());
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not a path in UTF-8", path.display()))
}
