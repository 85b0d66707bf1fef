//! The server functions: each is a door that says who is asking and then makes one call; it knows no rule and no storage.
//!
//! Errors cross the wire as `domain::ApiError`; the office's program gives each its HTTP status.

#[cfg(feature = "ssr")]
use domain::Post;
use domain::{ApiError, Letter, LoggedIn, PostAnswer, PullAnswer, PullRequest, PushBatch, Verdict, WorkerId};
use leptos::prelude::*;
use leptos::server_fn::codec::{Json, JsonEncoding};
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// An [`ApiError`] as the server functions return it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(transparent)]
#[error(transparent)]
pub struct CallError(pub ApiError);

impl From<ApiError> for CallError {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl FromServerFnError for CallError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr::{
            Args, Deserialization, MiddlewareError, MissingArg, Registration, Request, Response, Serialization,
            ServerError, UnsupportedRequestMethod,
        };
        Self(match error {
            Request(_) => ApiError::NoConnection,
            Args(_) | MissingArg(_) => ApiError::BadRequest,
            // At the office: arguments that cannot be read. On the phone: an answer that was cut, or that somebody else
            // gave in the office's place.
            Deserialization(_) if cfg!(feature = "ssr") => ApiError::BadRequest,
            Deserialization(_) | Response(_) => ApiError::NoConnection,
            Registration(_) | UnsupportedRequestMethod(_) | ServerError(_) | MiddlewareError(_) | Serialization(_) => {
                ApiError::Unavailable
            }
        })
    }
}

/// Signs in on this device and sets the person's cookie.
///
/// # Errors
/// [`ApiError::BadRequest`] without a name or a password, [`ApiError::WrongPassword`], [`ApiError::TooMany`].
#[server(prefix = "/api", endpoint = "log_in", input = Json, output = Json)]
pub async fn log_in(user_name: String, password: String) -> Result<LoggedIn, CallError> {
    let office = ssr::office()?;
    let (worker, cookie) = office.log_in(&ssr::call()?, &user_name, &password).await?;
    ssr::set_cookie(cookie);
    Ok(LoggedIn::new(worker, Some(office.key())))
}

/// Ends the session of one person on this device and removes their cookie.
#[server(prefix = "/api", endpoint = "log_out", input = Json, output = Json)]
pub async fn log_out(worker: WorkerId) -> Result<(), CallError> {
    let cookie = ssr::office()?.log_out(&ssr::call()?, worker).await?;
    ssr::set_cookie(cookie);
    Ok(())
}

/// Everybody who is signed in on this device, the latest first; empty when nobody is.
#[server(prefix = "/api", endpoint = "whoami", input = Json, output = Json)]
pub async fn whoami() -> Result<Vec<LoggedIn>, CallError> {
    let office = ssr::office()?;
    let here = office.whoami(&ssr::call()?).await?;
    Ok(here.into_iter().map(|worker| LoggedIn::new(worker, Some(office.key()))).collect())
}

/// Takes changes of one person on one device; the answer has one verdict for each, in their order. The head
/// [`domain::Stamp::HEADER`] holds the office's signature under those it has.
///
/// # Errors
/// [`ApiError::SignedOut`] unless the session is of the person the batch names, [`ApiError::TooLarge`],
/// [`ApiError::Unavailable`]; then nothing was written.
#[server(prefix = "/api", endpoint = "push", input = Json, output = Json)]
pub async fn push(batch: PushBatch) -> Result<Vec<Verdict>, CallError> {
    let session = ssr::session_of(batch.worker).await?;
    let office = ssr::office()?;
    let (verdicts, stamp) = office.push(&session, batch).await?;
    ssr::set_stamp(stamp);
    Ok(verdicts)
}

/// Takes letters from whoever brings them, without any session. The answer says which of them the office has, and no more.
///
/// # Errors
/// [`ApiError::BadRequest`], [`ApiError::TooLarge`], [`ApiError::TooMany`]; then nothing was written.
/// [`ApiError::Unavailable`]: some of it may be kept, and is known when it comes again.
#[server(prefix = "/api", endpoint = "letters", input = Json, output = Json)]
pub async fn letters(letters: Vec<Letter>) -> Result<PostAnswer, CallError> {
    Ok(ssr::office()?.take_post(&ssr::call()?, Post { letters }).await?)
}

/// Gives what changed behind the cursors, as far as the person may see it.
///
/// # Errors
/// [`ApiError::SignedOut`], [`ApiError::UpdateNeeded`], [`ApiError::Unavailable`].
#[server(prefix = "/api", endpoint = "pull", input = Json, output = Json)]
pub async fn pull(request: PullRequest) -> Result<PullAnswer, CallError> {
    let session = ssr::session_of(request.worker).await?;
    let office = ssr::office()?;
    let short = request.short;
    let mut answer = office.registry().pull(&session, request, office.now()).await?;
    if short {
        answer.shorten();
    }
    Ok(answer)
}

/// What a browser listens to for calls of this office: a point of P-256, uncompressed, as base64url (RFC 8292).
///
/// # Errors
/// [`ApiError::SignedOut`].
#[server(prefix = "/api", endpoint = "notify_key", input = Json, output = Json)]
pub async fn notify_key(worker: WorkerId) -> Result<String, CallError> {
    Ok(ssr::office()?.notify_key(&ssr::call()?, worker).await?)
}

/// Calls this person on this device from now on when an emergency waits that nobody has seen; `endpoint` is the address that
/// the browser's push service gave. Ends with the session.
///
/// # Errors
/// [`ApiError::SignedOut`], [`ApiError::BadRequest`] for an address that no push service has, [`ApiError::Unavailable`].
#[server(prefix = "/api", endpoint = "notify_on", input = Json, output = Json)]
pub async fn notify_on(worker: WorkerId, endpoint: String) -> Result<(), CallError> {
    Ok(ssr::office()?.notify_on(&ssr::call()?, worker, &endpoint).await?)
}

/// Calls this person on this device no longer.
///
/// # Errors
/// [`ApiError::SignedOut`], [`ApiError::Unavailable`].
#[server(prefix = "/api", endpoint = "notify_off", input = Json, output = Json)]
pub async fn notify_off(worker: WorkerId) -> Result<(), CallError> {
    Ok(ssr::office()?.notify_off(&ssr::call()?, worker).await?)
}

/// What the doors need of the program behind them.
#[cfg(feature = "ssr")]
pub mod ssr {
    use std::net::IpAddr;
    use std::sync::Arc;

    use async_trait::async_trait;
    use axum::http::header::SET_COOKIE;
    use axum::http::request::Parts;
    use axum::http::{HeaderMap, HeaderName, HeaderValue};
    use domain::{
        ApiError, OfficeKey, Post, PostAnswer, PushBatch, Registry, Session, Stamp, Timestamp, Verdict, Worker,
        WorkerId,
    };
    use leptos::prelude::use_context;
    use leptos_axum::ResponseOptions;

    /// The office as a server function sees it; the server's program provides it as context.
    #[async_trait]
    pub trait Office: Send + Sync {
        /// The worker of this name and password, and the cookie to set.
        async fn log_in(&self, call: &Call, name: &str, password: &str) -> Result<(Worker, HeaderValue), ApiError>;
        /// The cookie that removes the person's cookie.
        async fn log_out(&self, call: &Call, worker: WorkerId) -> Result<HeaderValue, ApiError>;
        async fn whoami(&self, call: &Call) -> Result<Vec<Worker>, ApiError>;
        /// All three for the session of the call, which must be this person's.
        async fn notify_key(&self, call: &Call, worker: WorkerId) -> Result<String, ApiError>;
        async fn notify_on(&self, call: &Call, worker: WorkerId, endpoint: &str) -> Result<(), ApiError>;
        async fn notify_off(&self, call: &Call, worker: WorkerId) -> Result<(), ApiError>;
        /// [`ApiError::SignedOut`] unless the call carries a standing session of just this person.
        async fn session_of(&self, call: &Call, worker: WorkerId) -> Result<Session, ApiError>;
        /// Takes a push; with the verdicts comes the stamp for its head.
        async fn push(
            &self,
            session: &Session,
            batch: PushBatch,
        ) -> Result<(Vec<Verdict>, Option<HeaderValue>), ApiError>;
        async fn take_post(&self, call: &Call, post: Post) -> Result<PostAnswer, ApiError>;
        /// The public halves of the office's keys.
        fn key(&self) -> OfficeKey;
        fn registry(&self) -> &dyn Registry;
        /// The office's clock.
        fn now(&self) -> Timestamp;
    }

    /// Where a call came from and which cookies it carried.
    #[derive(Debug, Clone)]
    pub struct Call {
        pub address: IpAddr,
        pub headers: HeaderMap,
    }

    pub fn office() -> Result<Arc<dyn Office>, ApiError> {
        use_context().ok_or(ApiError::Unavailable)
    }

    pub fn call() -> Result<Call, ApiError> {
        let parts: Parts = use_context().ok_or(ApiError::Unavailable)?;
        let address = parts.extensions.get::<IpAddr>().copied().ok_or(ApiError::Unavailable)?;
        Ok(Call { address, headers: parts.headers })
    }

    pub fn set_cookie(cookie: HeaderValue) {
        if let Some(response) = use_context::<ResponseOptions>() {
            response.append_header(SET_COOKIE, cookie);
        }
    }

    pub fn set_stamp(stamp: Option<HeaderValue>) {
        if let (Some(stamp), Some(response)) = (stamp, use_context::<ResponseOptions>()) {
            response.insert_header(HeaderName::from_static(Stamp::HEADER), stamp);
        }
    }

    /// The session of the person a request names.
    pub async fn session_of(worker: WorkerId) -> Result<Session, ApiError> {
        office()?.session_of(&call()?, worker).await
    }
}
