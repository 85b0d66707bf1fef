//! The doors for sealed photos: bytes in, piece by piece, from whoever brings them; bytes out, for who sees the case. It
//! knows callers and limits, not what is in a photo.

use std::net::IpAddr;
use std::time::Instant;

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
use crate::tally::Tally;

/// Pieces from one address within a minute: a commune's office behind one address sends forty photos.
const PIECES: u32 = 600;
/// Names nobody knows, from one address within a minute: photos whose text has not arrived yet are few, guesses are many.
const UNKNOWN: u32 = 60;

/// How often each line was here within the minute.
#[derive(Debug, Default)]
pub struct Gate(Tally<Seen>);

#[derive(Debug, Default)]
struct Seen {
    pieces: u32,
    unknown: u32,
}

impl Gate {
    /// Counts a call; the seconds to wait when there were too many.
    fn pass(&self, address: IpAddr, now: Instant) -> Result<(), ApiError> {
        self.0.with(address, now, |seen, seconds| {
            seen.pieces += 1;
            let is_open = seen.pieces <= PIECES && seen.unknown <= UNKNOWN;
            if is_open { Ok(()) } else { Err(ApiError::TooMany { seconds }) }
        })
    }

    fn note_unknown(&self, address: IpAddr, now: Instant) {
        self.0.with(address, now, |seen, _| seen.unknown += 1);
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
    use std::time::Duration;

    use super::*;
    use crate::tally::MINUTE;

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
