//! The doors for sealed photos: bytes in, piece by piece, from whoever brings them; bytes out, for who sees the case. It
//! knows callers and limits, not what is in a photo.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use domain::{ApiError, PhotoId, PhotoStanding, Timestamp, WorkerId};
use serde::Deserialize;

use crate::AppState;
use crate::database::now_ms;
use crate::registry::PhotoRead;
use crate::session;

const MINUTE: Duration = Duration::from_secs(60);
/// Pieces from one address within a minute: a commune's office behind one address sends forty photos.
const PIECES: u32 = 600;
/// Names nobody knows, from one address within a minute: photos whose text has not arrived yet are few, guesses are many.
const UNKNOWN: u32 = 60;
/// Addresses remembered: a flood from more than these is for the proxy in front.
const ADDRESSES: usize = 10_000;

/// How often each address was here within the minute.
#[derive(Debug, Default)]
pub struct Gate(Mutex<HashMap<IpAddr, Seen>>);

#[derive(Debug)]
struct Seen {
    since: Instant,
    pieces: u32,
    unknown: u32,
}

impl Gate {
    /// Counts a call; the seconds to wait when there were too many.
    fn pass(&self, address: IpAddr, now: Instant) -> Result<(), ApiError> {
        self.with(address, now, |seen| {
            seen.pieces += 1;
            let wait = MINUTE.saturating_sub(now.duration_since(seen.since)).as_secs() + 1;
            let is_open = seen.pieces <= PIECES && seen.unknown <= UNKNOWN;
            if is_open { Ok(()) } else { Err(ApiError::TooMany { seconds: u32::try_from(wait).unwrap_or(60) }) }
        })
    }

    fn note_unknown(&self, address: IpAddr, now: Instant) {
        self.with(address, now, |seen| seen.unknown += 1);
    }

    fn with<T>(&self, address: IpAddr, now: Instant, work: impl FnOnce(&mut Seen) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if all.len() >= ADDRESSES {
            all.retain(|_, seen| now.duration_since(seen.since) < MINUTE);
        }
        if all.len() >= ADDRESSES {
            all.clear();
        }
        let seen = all.entry(address).or_insert(Seen { since: now, pieces: 0, unknown: 0 });
        if now.duration_since(seen.since) >= MINUTE {
            *seen = Seen { since: now, pieces: 0, unknown: 0 };
        }
        work(seen)
    }
}

/// Needs no session: a locked phone, a service worker, a colleague bring what only its case can open, and nothing is taken
/// that no kept change has announced.
pub async fn put(
    State(state): State<AppState>,
    Extension(address): Extension<IpAddr>,
    Path((photo, start)): Path<(String, u32)>,
    piece: Bytes,
) -> Response {
    let standing = async {
        state.photos.pass(address, Instant::now())?;
        let photo: PhotoId = photo.parse().map_err(|_| ApiError::BadRequest)?;
        state.registry.put_photo(photo, start, &piece, Timestamp(now_ms())).await
    };
    match standing.await {
        Ok(standing) => {
            if standing == PhotoStanding::Unknown {
                state.photos.note_unknown(address, Instant::now());
            }
            Json(standing).into_response()
        }
        Err(error) => refusal(&error),
    }
}

#[derive(Debug, Deserialize)]
pub struct Reader {
    worker: WorkerId,
}

pub async fn read(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(photo): Path<String>,
    Query(Reader { worker }): Query<Reader>,
) -> Response {
    let read = async {
        let found = session::find_field(&state.staff, &headers, worker, now_ms()).await.map_err(|error| {
            tracing::error!("{error:#}");
            ApiError::Unavailable
        })?;
        let worker = found.ok_or(ApiError::SignedOut)?.id;
        let photo: PhotoId = photo.parse().map_err(|_| ApiError::BadRequest)?;
        state.registry.read_photo(worker, photo, Timestamp(now_ms())).await
    };
    match read.await {
        Ok(PhotoRead::Whole(bytes)) => ([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response(),
        Ok(PhotoRead::Awaited) => StatusCode::NO_CONTENT.into_response(),
        Ok(PhotoRead::No) => refusal(&ApiError::Forbidden),
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &ApiError) -> Response {
    (StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(error)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_guesses_names_is_stopped_and_one_that_sends_photos_is_not() {
        let (gate, start) = (Gate::default(), Instant::now());
        let (phone, guesser) = (IpAddr::from([203, 0, 113, 7]), IpAddr::from([203, 0, 113, 8]));
        for _ in 0..60 {
            gate.pass(guesser, start).unwrap();
            gate.note_unknown(guesser, start);
        }
        assert_eq!(gate.pass(guesser, start), Ok(()));
        gate.note_unknown(guesser, start);
        assert_eq!(gate.pass(guesser, start), Err(ApiError::TooMany { seconds: 61 }));
        for _ in 0..600 {
            gate.pass(phone, start).unwrap();
        }
        assert_eq!(gate.pass(phone, start + Duration::from_secs(50)), Err(ApiError::TooMany { seconds: 11 }));
        assert_eq!(gate.pass(phone, start + MINUTE), Ok(()), "the next minute");
    }
}
