//! Behind the doors of `app::api`: gives server functions what they need and their errors an HTTP status.

use std::sync::Arc;
use std::time::Instant;

use app::api::ssr::{Call, Office};
use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::{
    ApiError, OfficeKey, Post, PostAnswer, PushBatch, Registry, Session, Timestamp, Verdict, Worker, WorkerId,
};
use leptos::prelude::provide_context;

use crate::AppState;
use crate::database::now_ms;
use crate::duty::subscription;
use crate::letters;
use crate::login::LoginError;
use crate::session::{self, Face};

/// An error's body is a short JSON object; anything longer was not written by us.
const LONGEST_ERROR: usize = 64 * 1024;

/// Answers every server function.
pub async fn answer(State(state): State<AppState>, request: Request) -> Response {
    let office: Arc<dyn Office> = Arc::new(state);
    leptos_axum::handle_server_fns_with_context(move || provide_context(office.clone()), request).await.into_response()
}

/// Turns every failed answer into an [`ApiError`] with its status: the phone reads nothing else.
pub async fn speak(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if response.status().is_success() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, LONGEST_ERROR).await.unwrap_or_default();
    let error = serde_json::from_slice(&body).unwrap_or(match parts.status {
        StatusCode::UNAUTHORIZED => ApiError::SignedOut,
        StatusCode::FORBIDDEN => ApiError::Forbidden,
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
        status if status.is_client_error() => ApiError::BadRequest,
        _ => ApiError::Unavailable,
    });
    parts.status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let ApiError::TooMany { seconds } = error {
        parts.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = serde_json::to_vec(&error).unwrap_or_default();
    Response::from_parts(parts, Body::from(body))
}

#[async_trait]
impl Office for AppState {
    async fn log_in(&self, call: &Call, name: &str, password: &str) -> Result<(Worker, HeaderValue), ApiError> {
        let now_ms = now_ms();
        let worker = self.login.log_in(name, password, call.address, now_ms).await.map_err(refusal)?;
        let cookie = session::open(&self.pool, worker.id, Face::Field, now_ms).await.map_err(unavailable)?;
        Ok((worker, cookie))
    }

    async fn log_out(&self, call: &Call, worker: WorkerId) -> Result<HeaderValue, ApiError> {
        session::close(&self.pool, &call.headers, worker, Face::Field).await.map_err(unavailable)
    }

    async fn whoami(&self, call: &Call) -> Result<Vec<Worker>, ApiError> {
        session::list_field(&self.staff, &call.headers, now_ms()).await.map_err(unavailable)
    }

    async fn notify_key(&self, call: &Call, worker: WorkerId) -> Result<String, ApiError> {
        self.session_of(call, worker).await?;
        Ok(self.staff.vapid.public().to_owned())
    }

    async fn notify_on(&self, call: &Call, worker: WorkerId, endpoint: &str) -> Result<(), ApiError> {
        let session = self.session_of(call, worker).await?;
        if !domain::duty::is_endpoint(endpoint, self.outgoing.is_anywhere()) {
            return Err(ApiError::BadRequest);
        }
        let seal = &self.staff.seal;
        let put = subscription::put(&self.pool, seal, &call.headers, session.worker, endpoint, self.now()).await;
        if put.map_err(unavailable)? { Ok(()) } else { Err(ApiError::SignedOut) }
    }

    async fn notify_off(&self, call: &Call, worker: WorkerId) -> Result<(), ApiError> {
        let session = self.session_of(call, worker).await?;
        subscription::remove(&self.pool, &call.headers, session.worker).await.map_err(unavailable)
    }

    async fn session_of(&self, call: &Call, worker: WorkerId) -> Result<Session, ApiError> {
        let found = session::find_field(&self.staff, &call.headers, worker, now_ms()).await.map_err(unavailable)?;
        found.map(|worker| Session { worker: worker.id }).ok_or(ApiError::SignedOut)
    }

    async fn push(&self, session: &Session, batch: PushBatch) -> Result<(Vec<Verdict>, Option<HeaderValue>), ApiError> {
        let (worker, device, now) = (batch.worker, batch.device, Office::now(self));
        let sent: Vec<_> = batch.changes.iter().map(|raw| letters::sum(raw.get())).collect();
        let verdicts = self.registry.push(session, batch, now).await?;
        let kept = sent.into_iter().zip(&verdicts);
        let kept = kept.filter(|(_, verdict)| !matches!(verdict, Verdict::Refused { .. })).filter_map(|(kept, _)| kept);
        let stamp = letters::stamp(&self.staff.keys, worker, device, kept.collect(), now);
        Ok((verdicts, stamp))
    }

    async fn take_post(&self, call: &Call, post: Post) -> Result<PostAnswer, ApiError> {
        self.post.pass(call.address, post.letters.len(), Instant::now())?;
        let answer = self.registry.take_post(&post, Office::now(self)).await?;
        let unproved = answer.kept.iter().filter(|kept| !**kept).count();
        self.post.note_unproved(call.address, unproved, Instant::now());
        Ok(answer)
    }

    fn key(&self) -> OfficeKey {
        self.staff.keys.public()
    }

    fn registry(&self) -> &dyn Registry {
        &*self.registry
    }

    fn now(&self) -> Timestamp {
        Timestamp(now_ms())
    }
}

fn refusal(error: LoginError) -> ApiError {
    match error {
        LoginError::NoName | LoginError::NoPassword => ApiError::BadRequest,
        LoginError::Wrong => ApiError::WrongPassword,
        LoginError::TooMany { wait_ms } => {
            ApiError::TooMany { seconds: u32::try_from((wait_ms + 999) / 1000).unwrap_or(u32::MAX) }
        }
        LoginError::Store(error) => unavailable(error),
    }
}

fn unavailable(error: anyhow::Error) -> ApiError {
    tracing::error!("{error:#}");
    ApiError::Unavailable
}
