//! Who is signed in: knows tokens, cookies and the `session` table; refuses to know passwords.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use domain::{Worker, WorkerId};
use sha2::{Digest, Sha256};

use crate::database::Pool;
use crate::staff::Staff;

const HOUR_MS: i64 = 3_600_000;
/// A phone may be a season away from the network; each use starts the time anew.
const FIELD_MS: i64 = 90 * 24 * HOUR_MS;
/// A shared office computer forgets a person over night.
const OFFICE_MS: i64 = 12 * HOUR_MS;

const PREFIX: &str = "__Host-cn-";
const OFFICE_COOKIE: &str = "__Host-cn-office";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Face {
    /// The app: one cookie for each person on the device.
    Field,
    /// The office's pages: one person at a time.
    Office,
}

impl Face {
    fn as_str(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Office => "office",
        }
    }

    fn lasts_ms(self) -> i64 {
        match self {
            Self::Field => FIELD_MS,
            Self::Office => OFFICE_MS,
        }
    }

    fn cookie_name(self, worker: WorkerId) -> String {
        match self {
            Self::Field => format!("{PREFIX}{}", worker.0.simple()),
            Self::Office => OFFICE_COOKIE.to_owned(),
        }
    }
}

/// Opens a session and returns the cookie that proves it.
pub async fn open(pool: &Pool, worker: WorkerId, face: Face, now_ms: i64) -> Result<HeaderValue> {
    let mut token = [0; 32];
    getrandom::fill(&mut token).context("the system gives no randomness")?;
    let token = hex(&token);
    sqlx::query(
        "insert into session (token_hash, worker_id, face, created_at, last_used_at, expires_at)
         values ($1, $2, $3, $4, $4, $5)",
    )
    .bind(hash(&token))
    .bind(worker.to_string())
    .bind(face.as_str())
    .bind(now_ms)
    .bind(now_ms + face.lasts_ms())
    .execute(pool)
    .await?;
    cookie(&face.cookie_name(worker), &token, face.lasts_ms() / 1000)
}

/// The person of a request, if their session stands: `worker` must be who they say they are.
pub async fn find_field(staff: &Staff, headers: &HeaderMap, worker: WorkerId, now_ms: i64) -> Result<Option<Worker>> {
    let Some(token) = cookie_value(headers, &Face::Field.cookie_name(worker)) else { return Ok(None) };
    let found = find(staff, token, Face::Field, now_ms).await?;
    Ok(found.filter(|found| found.id == worker))
}

/// Under which the session of this person on the device that asks is known; it may have ended.
#[must_use]
pub fn field_token(headers: &HeaderMap, worker: WorkerId) -> Option<Vec<u8>> {
    cookie_value(headers, &Face::Field.cookie_name(worker)).map(hash)
}

pub async fn find_office(staff: &Staff, headers: &HeaderMap, now_ms: i64) -> Result<Option<Worker>> {
    match cookie_value(headers, OFFICE_COOKIE) {
        Some(token) => find(staff, token, Face::Office, now_ms).await,
        None => Ok(None),
    }
}

/// Everybody who is signed in on the device that asks, the latest first.
pub async fn list_field(staff: &Staff, headers: &HeaderMap, now_ms: i64) -> Result<Vec<Worker>> {
    let mut found = Vec::new();
    for (name, token) in cookies(headers).filter(|(name, _)| name.starts_with(PREFIX) && *name != OFFICE_COOKIE) {
        if let Some((worker, since)) = find_since(staff, token, Face::Field, now_ms).await?
            && Face::Field.cookie_name(worker.id) == name
        {
            found.push((since, worker));
        }
    }
    found.sort_by_key(|(since, _)| std::cmp::Reverse(*since));
    Ok(found.into_iter().map(|(_, worker)| worker).collect())
}

/// Ends the session of the request and returns the cookie that removes its cookie.
pub async fn close(pool: &Pool, headers: &HeaderMap, worker: WorkerId, face: Face) -> Result<HeaderValue> {
    let name = face.cookie_name(worker);
    if let Some(token) = cookie_value(headers, &name) {
        sqlx::query("delete from session where token_hash = $1").bind(hash(token)).execute(pool).await?;
    }
    cookie(&name, "", 0)
}

/// Removes what nobody can use any more.
pub async fn tidy(pool: &Pool, now_ms: i64) -> Result<()> {
    sqlx::query("delete from session where expires_at <= $1").bind(now_ms).execute(pool).await?;
    Ok(())
}

async fn find(staff: &Staff, token: &str, face: Face, now_ms: i64) -> Result<Option<Worker>> {
    Ok(find_since(staff, token, face, now_ms).await?.map(|(worker, _)| worker))
}

async fn find_since(staff: &Staff, token: &str, face: Face, now_ms: i64) -> Result<Option<(Worker, i64)>> {
    let mut connection = staff.pool.acquire().await?;
    // Of somebody whose rights were taken away a session of the app still says who they are: it opens nothing, but their
    // phone must be told what to forget, and may hand over what it holds.
    let row = sqlx::query_as::<_, (String, i64, i64, Option<i64>)>(
        "select session.worker_id, session.created_at, session.last_used_at, worker_login.disabled_at
         from session join worker_login using (worker_id)
         where session.token_hash = $1 and session.face = $2 and session.expires_at > $3
           and (worker_login.disabled_at is null or session.face = 'field')",
    )
    .bind(hash(token))
    .bind(face.as_str())
    .bind(now_ms)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((worker, created_at, last_used_at, disabled_at)) = row else { return Ok(None) };
    // Once an hour is enough to keep it alive, and spares a write for each read. One that opens nothing is not kept alive.
    if now_ms - last_used_at > HOUR_MS && disabled_at.is_none() {
        sqlx::query("update session set last_used_at = $2, expires_at = $3 where token_hash = $1")
            .bind(hash(token))
            .bind(now_ms)
            .bind(now_ms + face.lasts_ms())
            .execute(&mut *connection)
            .await?;
    }
    let roster = staff.roster(&mut connection).await?;
    let worker = roster.people.get(&worker.parse().context("a session of nobody")?).cloned();
    Ok(worker.map(|worker| (worker, created_at)))
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

fn cookie(name: &str, value: &str, max_age_s: i64) -> Result<HeaderValue> {
    let text = format!("{name}={value}; Path=/; Max-Age={max_age_s}; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::from_str(&text).context("a cookie is made of printable letters")
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

fn cookie_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    cookies(headers).find(|(found, _)| *found == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers =
            HeaderMap::from_iter([(COOKIE, HeaderValue::from_static("a=1; __Host-cn-office=xyz;__Host-cn-b=2"))]);
        assert_eq!(cookie_value(&headers, OFFICE_COOKIE), Some("xyz"));
        assert_eq!(cookie_value(&headers, "__Host-cn-b"), Some("2"));
        assert_eq!(cookie_value(&headers, "b"), None);
    }

    #[test]
    fn a_cookie_is_for_this_host_only_and_out_of_reach_of_scripts() {
        let cookie = cookie("__Host-cn-office", "t", 60).unwrap();
        assert_eq!(
            cookie.to_str().unwrap(),
            "__Host-cn-office=t; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict"
        );
    }
}
