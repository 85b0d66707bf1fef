//! Signing in: knows user names, password hashes and how long a guesser waits; refuses to know what people may do.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use domain::{Grant, Worker, WorkerId};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::database::{self, Connection, Pool};
use crate::observe::Counts;
use crate::seal::{Seal, hex};
use crate::staff::Staff;

/// One hash takes 19 MB and some 20 ms; more at a time only slow each other down.
const HASHES_AT_A_TIME: usize = 2;
/// Failures before waiting begins. An address may be a whole commune's.
const FREE_FAILURES_OF_NAME: u32 = 5;
const FREE_FAILURES_OF_ADDRESS: u32 = 30;
const FIRST_WAIT_MS: i64 = 2_000;
const LONGEST_WAIT_MS: i64 = 15 * 60_000;
/// Failures older than this are forgotten.
const FORGET_MS: i64 = 24 * 3_600_000;

pub const SHORTEST_PASSWORD: usize = 8;
/// Longer ones only cost time to hash.
const LONGEST_PASSWORD_BYTES: usize = 1024;
const LONGEST_USER_NAME_BYTES: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("no user name was written")]
    NoName,
    #[error("no password was written")]
    NoPassword,
    /// Says nothing about which of the two is wrong.
    #[error("the user name or the password is wrong")]
    Wrong,
    #[error("too many failures; open again in {wait_ms} ms")]
    TooMany { wait_ms: i64 },
    #[error(transparent)]
    Store(#[from] anyhow::Error),
}

impl From<sqlx::Error> for LoginError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

#[derive(Debug)]
pub struct Login {
    staff: Staff,
    counts: Arc<Counts>,
    turns: Semaphore,
    /// What an unknown name is checked against, so that it takes as long as a known one.
    nobody: String,
}

impl Login {
    pub fn new(staff: Staff, counts: Arc<Counts>) -> Result<Self> {
        let mut password = [0; 32];
        getrandom::fill(&mut password).context("the system gives no randomness")?;
        Ok(Self { staff, counts, turns: Semaphore::new(HASHES_AT_A_TIME), nobody: hash_password(&password)? })
    }

    /// The worker who has this name and this password.
    pub async fn log_in(
        &self,
        user_name: &str,
        password: &str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Worker, LoginError> {
        let user_name = fold(user_name);
        if user_name.is_empty() {
            return Err(LoginError::NoName);
        }
        if password.is_empty() {
            return Err(LoginError::NoPassword);
        }
        if user_name.len() > LONGEST_USER_NAME_BYTES || password.len() > LONGEST_PASSWORD_BYTES {
            return Err(LoginError::Wrong);
        }
        let keys = [
            (key("name", &user_name), FREE_FAILURES_OF_NAME),
            (key("address", &network_of(address)), FREE_FAILURES_OF_ADDRESS),
        ];
        if let Err(error) = self.count_as_failed(&keys, now_ms).await {
            if matches!(error, LoginError::TooMany { .. }) {
                Counts::add(&self.counts.throttled_log_ins);
            }
            return Err(error);
        }
        let row = sqlx::query_as::<_, (String, String)>(
            "select password_hash, worker_id from worker_login where user_name_hash = $1 and disabled_at is null",
        )
        .bind(hash_user_name(&self.staff.seal, &user_name))
        .fetch_optional(&self.staff.pool)
        .await?;
        let (hash, worker) = match row {
            Some((hash, worker)) => (hash, Some(worker)),
            None => (self.nobody.clone(), None),
        };
        let right = self.verify(password.to_owned(), hash).await?;
        let (true, Some(worker)) = (right, worker) else {
            Counts::add(&self.counts.failed_log_ins);
            return Err(LoginError::Wrong);
        };
        let Some(worker) = self.staff.find(worker.parse().context("a log-in of nobody")?).await? else {
            return Err(LoginError::Wrong);
        };
        self.count_as_right(&keys).await?;
        Counts::add(&self.counts.log_ins);
        Ok(worker)
    }

    /// Every attempt counts as failed until it turns out right: guesses made side by side find the door closed.
    async fn count_as_failed(&self, keys: &[(Vec<u8>, u32)], now_ms: i64) -> Result<(), LoginError> {
        let mut transaction = database::begin(&self.staff.pool).await?;
        let mut counted = Vec::with_capacity(keys.len());
        for (key, free) in keys {
            // Counted before it is looked at: guesses by way of several servers wait for each other here.
            let (failures, open_at) = one_more(&mut transaction, key, now_ms).await?;
            counted.push((key, wait_ms(failures, *free), open_at));
        }
        if let Some(open_at) = counted.iter().map(|(_, _, open_at)| *open_at).find(|open_at| *open_at > now_ms) {
            return Err(LoginError::TooMany { wait_ms: open_at - now_ms });
        }
        // Without a wait nothing is closed: whoever asked a moment before, and waited for this transaction, may go on.
        for (key, wait_ms, _) in counted.into_iter().filter(|(_, wait_ms, _)| *wait_ms > 0) {
            sqlx::query("update login_wait set open_at = $2 where key = $1")
                .bind(&key[..])
                .bind(now_ms + wait_ms)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn count_as_right(&self, keys: &[(Vec<u8>, u32); 2]) -> Result<(), LoginError> {
        let [(name, _), (address, _)] = keys;
        let mut transaction = database::begin(&self.staff.pool).await?;
        sqlx::query("delete from login_wait where key = $1").bind(name).execute(&mut *transaction).await?;
        // The address keeps its other failures: one known password must not open it for guessing.
        sqlx::query("update login_wait set failures = failures - 1, open_at = 0 where key = $1 and failures > 0")
            .bind(address)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn verify(&self, password: String, hash: String) -> Result<bool> {
        let _turn = self.turns.acquire().await.context("log-in has stopped")?;
        tokio::task::spawn_blocking(move || {
            let hash = PasswordHash::new(&hash).map_err(|error| anyhow::anyhow!("a stored password hash: {error}"))?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        })
        .await
        .context("hashing a password failed")?
    }
}

/// Who signs in under this name.
pub async fn find(staff: &Staff, user_name: &str) -> Result<Option<WorkerId>> {
    let worker = sqlx::query_scalar::<_, String>("select worker_id from worker_login where user_name_hash = $1")
        .bind(hash_user_name(&staff.seal, &fold(user_name)))
        .fetch_optional(&staff.pool)
        .await?;
    Ok(worker.map(|id| id.parse()).transpose()?)
}

/// Closes the log-in of somebody whose rights end, with the roles they had; their office sessions end. False if that was
/// done before, or if they could never sign in.
pub(crate) async fn revoke(connection: &mut Connection, worker: &Worker, now_ms: i64) -> Result<bool> {
    let closed = sqlx::query(
        "update worker_login set disabled_at = $2, revoked_grants = $3 where worker_id = $1 and disabled_at is null",
    )
    .bind(worker.id.to_string())
    .bind(now_ms)
    .bind(serde_json::to_string(&worker.grants)?)
    .execute(&mut *connection)
    .await?;
    sqlx::query("delete from session where worker_id = $1 and face = 'office'")
        .bind(worker.id.to_string())
        .execute(connection)
        .await?;
    Ok(closed.rows_affected() == 1)
}

/// Opens a log-in again; the roles that were taken away, `None` if it is open.
pub(crate) async fn restore(connection: &mut Connection, worker: WorkerId) -> Result<Option<Vec<Grant>>> {
    let had = sqlx::query_scalar::<_, Option<String>>(
        "select revoked_grants from worker_login where worker_id = $1 and disabled_at is not null",
    )
    .bind(worker.to_string())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(had) = had else { return Ok(None) };
    sqlx::query("update worker_login set disabled_at = null, revoked_grants = null where worker_id = $1")
        .bind(worker.to_string())
        .execute(connection)
        .await?;
    Ok(Some(had.map(|had| serde_json::from_str(&had)).transpose()?.unwrap_or_default()))
}

pub(crate) async fn is_revoked(connection: &mut Connection, worker: WorkerId) -> Result<bool> {
    let closed = sqlx::query_scalar::<_, i64>(
        "select count(*) from worker_login where worker_id = $1 and disabled_at is not null",
    )
    .bind(worker.to_string())
    .fetch_one(connection)
    .await?;
    Ok(closed > 0)
}

/// Lets a worker sign in. Nothing happens when the user name is taken; `false` says so.
pub async fn add(staff: &Staff, worker: WorkerId, user_name: &str, password: &str, now_ms: i64) -> Result<bool> {
    let hash = hash(password).await?;
    add_hashed(staff, worker, user_name, &hash, now_ms).await
}

/// The Argon2id hash of a password in PHC form.
pub async fn hash(password: &str) -> Result<String> {
    let password = password.to_owned();
    tokio::task::spawn_blocking(move || hash_password(password.as_bytes())).await?
}

/// [`add`] with a password that was hashed before.
pub async fn add_hashed(staff: &Staff, worker: WorkerId, user_name: &str, hash: &str, now_ms: i64) -> Result<bool> {
    let added = sqlx::query(
        "insert into worker_login (worker_id, user_name_hash, password_hash, created_at)
         values ($1, $2, $3, $4) on conflict do nothing",
    )
    .bind(worker.to_string())
    .bind(hash_user_name(&staff.seal, &fold(user_name)))
    .bind(hash)
    .bind(now_ms)
    .execute(&staff.pool)
    .await?;
    Ok(added.rows_affected() == 1)
}

pub async fn tidy(pool: &Pool, now_ms: i64) -> Result<()> {
    sqlx::query("delete from login_wait where failed_at < $1").bind(now_ms - FORGET_MS).execute(pool).await?;
    Ok(())
}

/// How many failures there are now, and until when the door is closed by those before.
async fn one_more(connection: &mut Connection, key: &[u8], now_ms: i64) -> Result<(u32, i64), LoginError> {
    let (failures, open_at) = sqlx::query_as::<_, (i64, i64)>(
        "insert into login_wait (key, failures, failed_at, open_at) values ($1, 1, $2, 0)
         on conflict (key) do update set
             failures = case when login_wait.failed_at < $3 then 1 else login_wait.failures + 1 end,
             failed_at = $2
         returning failures, open_at",
    )
    .bind(key)
    .bind(now_ms)
    .bind(now_ms - FORGET_MS)
    .fetch_one(connection)
    .await?;
    Ok((u32::try_from(failures).unwrap_or(u32::MAX), open_at))
}

/// Doubles with each failure beyond the free ones.
fn wait_ms(failures: u32, free: u32) -> i64 {
    let Some(beyond) = failures.checked_sub(free) else { return 0 };
    FIRST_WAIT_MS.checked_shl(beyond.min(20)).unwrap_or(LONGEST_WAIT_MS).min(LONGEST_WAIT_MS)
}

fn hash_password(password: &[u8]) -> Result<String> {
    let hash = Argon2::default()
        .hash_password(password)
        .map_err(|error| anyhow::anyhow!("hashing a password failed: {error}"))?;
    Ok(hash.to_string())
}

/// User names are short Latin words; a phone's keyboard likes to begin them with a capital.
fn fold(user_name: &str) -> String {
    user_name.trim().to_lowercase()
}

/// User names are often given names: the database knows them only as keyed hashes.
fn hash_user_name(seal: &Seal, folded: &str) -> String {
    hex(&seal.hash(&[b"user name", folded.as_bytes()]))
}

fn key(kind: &str, text: &str) -> Vec<u8> {
    Sha256::digest(format!("{kind}:{text}")).to_vec()
}

/// Whoever has an IPv6 line has a whole /64.
pub(crate) fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_begins_after_the_free_failures_and_grows() {
        assert_eq!(wait_ms(4, 5), 0);
        assert_eq!(wait_ms(5, 5), 2_000);
        assert_eq!(wait_ms(6, 5), 4_000);
        assert_eq!(wait_ms(8, 5), 16_000);
        assert_eq!(wait_ms(5_000, 5), LONGEST_WAIT_MS);
    }

    #[test]
    fn one_ipv6_line_is_one_address() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:10.0.0.1"), "10.0.0.1");
    }
}
