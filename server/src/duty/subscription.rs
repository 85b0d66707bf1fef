//! Where phones are called: one address for each session that asked for it, gone with the session. It knows no way to call.

use anyhow::Result;
use axum::http::HeaderMap;
use domain::{Timestamp, WorkerId};

use crate::database::{Connection, Pool};
use crate::seal::{Seal, hex};
use crate::session;

fn hash(seal: &Seal, endpoint: &str) -> String {
    let mut hash = hex(&seal.hash(&[b"push endpoint", endpoint.as_bytes()]));
    hash.truncate(32);
    hash
}

fn about(hash: &str) -> String {
    format!("push:{hash}")
}

/// Calls the browser of this session from now on, at `endpoint`; `false` when it has no session.
///
/// # Errors
/// The database.
pub async fn put(
    pool: &Pool,
    seal: &Seal,
    headers: &HeaderMap,
    worker: WorkerId,
    endpoint: &str,
    now: Timestamp,
) -> Result<bool> {
    let Some(token) = session::field_token(headers, worker) else { return Ok(false) };
    let hash = hash(seal, endpoint);
    // From the session's own row: one that is closed at this moment takes no address.
    let put = sqlx::query(
        "insert into push_subscription (token_hash, worker_id, endpoint, body, since)
         select token_hash, worker_id, $3, $4, $5 from session where token_hash = $1 and worker_id = $2
         on conflict (token_hash) do update set endpoint = $3, body = $4, since = $5",
    )
    .bind(token)
    .bind(worker.to_string())
    .bind(&hash)
    .bind(seal.seal(&about(&hash), endpoint.as_bytes())?)
    .bind(now.0)
    .execute(pool)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// Calls the browser of this session no longer.
///
/// # Errors
/// The database.
pub async fn remove(pool: &Pool, headers: &HeaderMap, worker: WorkerId) -> Result<()> {
    let Some(token) = session::field_token(headers, worker) else { return Ok(()) };
    sqlx::query("delete from push_subscription where token_hash = $1").bind(token).execute(pool).await?;
    Ok(())
}

/// Keyed hashes of the addresses of somebody's phones, the latest first; each once, though several sessions have it.
pub(super) async fn of_worker(
    connection: &mut Connection,
    worker: WorkerId,
    most: usize,
    now: Timestamp,
) -> Result<Vec<String>> {
    let rows = sqlx::query_scalar::<_, String>(
        "select push_subscription.endpoint
         from push_subscription join session on session.token_hash = push_subscription.token_hash
              join worker_login on worker_login.worker_id = session.worker_id
         where push_subscription.worker_id = $1 and session.expires_at > $2 and worker_login.disabled_at is null
         order by push_subscription.since desc, push_subscription.endpoint",
    )
    .bind(worker.to_string())
    .bind(now.0)
    .fetch_all(connection)
    .await?;
    let mut found: Vec<String> = Vec::new();
    for endpoint in rows {
        if found.len() < most && !found.contains(&endpoint) {
            found.push(endpoint);
        }
    }
    Ok(found)
}

/// The address with this hash, if one of this person's sessions still has it.
pub(super) async fn find(pool: &Pool, seal: &Seal, hash: &str, worker: WorkerId) -> Result<Option<String>> {
    let body = sqlx::query_scalar::<_, Vec<u8>>(
        "select body from push_subscription where endpoint = $1 and worker_id = $2 limit 1",
    )
    .bind(hash)
    .bind(worker.to_string())
    .fetch_optional(pool)
    .await?;
    let Some(body) = body else { return Ok(None) };
    Ok(Some(String::from_utf8(seal.open(&about(hash), &body)?)?))
}

pub(super) async fn forget_endpoint(pool: &Pool, hash: &str) -> Result<()> {
    sqlx::query("delete from push_subscription where endpoint = $1").bind(hash).execute(pool).await?;
    Ok(())
}
