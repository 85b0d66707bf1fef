//! The line to the office: one JSON request, one answer or one [`ApiError`]. It knows how a request fails, not what it is
//! about.
//!
//! The server functions of [`crate::api`] are called by `fetch` itself: a slow line needs a limit on silence, not on the
//! whole, and an answer read in pieces is never copied into a string of the browser.

use domain::{
    ApiError, LoggedIn, PhotoId, PhotoStanding, PostAnswer, PullAnswer, PullRequest, PushBatch, Stamp, Verdict,
    WorkerId, json, sync::Office,
};
use futures::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Object, Promise, Uint8Array};
use leptos::server_fn::ServerFn;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, ReadableStreamDefaultReader, RequestInit, Response};

use super::{idb, photos::Carrier};
use crate::api::{Letters, LogIn, LogOut, NotifyKey, NotifyOff, NotifyOn, Pull, Push, Whoami};

/// Silence after which an answer no longer comes: longer than a mast needs to hand a phone over.
pub const SILENCE_MS: u32 = 30_000;
/// What even a bad line carries upwards; a large batch is given the time this takes.
const BYTES_A_SECOND: u32 = 2_000;

const JSON: &str = "application/json";
/// Whose cookies go along: of everybody who is signed in on this device, or nobody's.
const SAME_ORIGIN: &str = "same-origin";
const NOBODY: &str = "omit";

/// Calls of the office, as the app's own origin.
#[derive(Debug, Clone, Copy, Default)]
pub struct Line;

impl Line {
    /// # Errors
    /// [`ApiError`].
    pub async fn log_in(&self, user_name: String, password: String) -> Result<LoggedIn, ApiError> {
        call(&LogIn { user_name, password }).await
    }
    /// # Errors
    /// [`ApiError`].
    pub async fn log_out(&self, worker: WorkerId) -> Result<(), ApiError> {
        call(&LogOut { worker }).await
    }
    /// The sealed bytes of a photo; `None` while whoever took it has not sent all of it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn photo(&self, worker: WorkerId, photo: PhotoId) -> Result<Option<Vec<u8>>, ApiError> {
        let (response, bytes) = ask(&format!("/api/photo/{photo}?worker={worker}"), None, SAME_ORIGIN).await?;
        Ok((response.status() != 204).then_some(bytes))
    }
    /// Everybody with a session on this device, the latest first.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn whoami(&self) -> Result<Vec<LoggedIn>, ApiError> {
        call(&Whoami {}).await
    }
    /// # Errors
    /// [`ApiError`].
    pub async fn notify_key(&self, worker: WorkerId) -> Result<String, ApiError> {
        call(&NotifyKey { worker }).await
    }
    /// # Errors
    /// [`ApiError`].
    pub async fn notify_on(&self, worker: WorkerId, endpoint: String) -> Result<(), ApiError> {
        call(&NotifyOn { worker, endpoint }).await
    }
    /// # Errors
    /// [`ApiError`].
    pub async fn notify_off(&self, worker: WorkerId) -> Result<(), ApiError> {
        call(&NotifyOff { worker }).await
    }
    /// Letters as their JSON; no session is needed, and none is shown.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn letters<'a>(&self, letters: impl Iterator<Item = &'a str>) -> Result<PostAnswer, ApiError> {
        let texts: Vec<&str> = letters.collect();
        let body = format!(r#"{{"letters":[{}]}}"#, texts.join(","));
        let (_, text) = ask(Letters::PATH, Some((JSON, &Uint8Array::from(body.as_bytes()))), NOBODY).await?;
        json::read(&text).map_err(|_| ApiError::NoConnection)
    }
    /// A push, and the office's stamp on its answer.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn push_stamped(&self, batch: PushBatch) -> Result<(Vec<Verdict>, Option<Stamp>), ApiError> {
        let body = json::write(&Push { batch }).map_err(|_| ApiError::BadRequest)?;
        let (response, text) = ask(Push::PATH, Some((JSON, &Uint8Array::from(&*body))), SAME_ORIGIN).await?;
        let stamp = response.headers().get(Stamp::HEADER).ok().flatten();
        let stamp = stamp.and_then(|stamp| json::read(stamp.as_bytes()).ok());
        Ok((json::read(&text).map_err(|_| ApiError::NoConnection)?, stamp))
    }
}

impl Office for Line {
    async fn push(&self, batch: PushBatch) -> Result<Vec<Verdict>, ApiError> {
        Ok(self.push_stamped(batch).await?.0)
    }
    async fn pull(&self, request: PullRequest) -> Result<PullAnswer, ApiError> {
        call(&Pull { request: PullRequest { short: true, ..request } }).await
    }
}

impl Carrier for Line {
    async fn put_photo(&self, photo: PhotoId, start: u32, piece: &Uint8Array) -> Result<PhotoStanding, ApiError> {
        let sent = Some(("application/octet-stream", piece));
        let (_, text) = ask(&format!("/api/photo/{photo}/{start}"), sent, NOBODY).await?;
        json::read(&text).map_err(|_| ApiError::NoConnection)
    }
}

/// Ends the request when dropped, answered or not.
struct Abort(AbortController);
impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Calls a server function by its own name and shape.
async fn call<F>(arguments: &F) -> Result<F::Output, ApiError>
where
    F: ServerFn + Serialize,
    F::Output: DeserializeOwned,
{
    let body = json::write(arguments).map_err(|_| ApiError::BadRequest)?;
    let (_, text) = ask(F::PATH, Some((JSON, &Uint8Array::from(&*body))), SAME_ORIGIN).await?;
    // Something that is no answer of the office was said in its place, or was cut.
    json::read(&text).map_err(|_| ApiError::NoConnection)
}

/// One request, with what is sent and its kind, and the head and bytes of an answer that is no error.
async fn ask(
    path: &str,
    body: Option<(&str, &Uint8Array)>,
    credentials: &str,
) -> Result<(Response, Vec<u8>), ApiError> {
    let upwards_ms = body.map_or(0, |(_, bytes)| (bytes.length() / BYTES_A_SECOND).saturating_mul(1_000));
    let abort = Abort(AbortController::new().map_err(lost)?);
    let request = request(body, &abort.0, credentials).map_err(lost)?;
    let window = web_sys::window().ok_or(ApiError::NoConnection)?;
    let asked = window.fetch_with_str_and_init(path, &request);
    let response: Response = patiently(asked.unchecked_into(), SILENCE_MS + upwards_ms).await?.unchecked_into();
    let bytes = read(&response).await?;
    if response.ok() {
        Ok((response, bytes))
    } else {
        Err(json::read(&bytes).unwrap_or_else(|_| by_status(response.status(), &response)))
    }
}

fn request(
    body: Option<(&str, &Uint8Array)>,
    abort: &AbortController,
    credentials: &str,
) -> Result<RequestInit, JsValue> {
    let headers = Headers::new()?;
    headers.set("accept", "application/json")?;
    let request = RequestInit::new();
    if let Some((kind, bytes)) = body {
        headers.set("content-type", kind)?;
        request.set_method("POST");
        request.set_body(bytes);
    }
    request.set_headers(&headers);
    request.set_signal(Some(&abort.signal()));
    let plain: &Object = request.unchecked_ref();
    idb::set(plain, "credentials", &credentials.into());
    idb::set(plain, "cache", &"no-store".into());
    // The office never sends a call elsewhere; a gate of a hotel or a mast does.
    idb::set(plain, "redirect", &"error".into());
    Ok(request)
}

/// Waits for a promise of the network, but not for ever.
async fn patiently(promise: Promise, limit_ms: u32) -> Result<JsValue, ApiError> {
    match select(JsFuture::from(promise), TimeoutFuture::new(limit_ms)).await {
        Either::Left((answer, _)) => answer.map_err(lost),
        Either::Right(_) => Err(ApiError::NoConnection),
    }
}

async fn read(response: &Response) -> Result<Vec<u8>, ApiError> {
    let Some(body) = response.body() else { return Ok(vec![]) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut text = vec![];
    loop {
        let piece = patiently(reader.read().unchecked_into(), SILENCE_MS).await?;
        if idb::get(&piece, "done").is_truthy() {
            return Ok(text);
        }
        if let Some(bytes) = idb::bytes(&idb::get(&piece, "value")) {
            let start = text.len();
            text.resize(start + bytes.length() as usize, 0);
            bytes.copy_to(&mut text[start..]);
        }
    }
}

/// What an answer means that the office's program did not write: a proxy, a gate, a wrong address. Nothing but its size
/// may be held against a change because of it.
fn by_status(status: u16, response: &Response) -> ApiError {
    match status {
        401 => ApiError::SignedOut,
        413 => ApiError::TooLarge,
        426 => ApiError::UpdateNeeded,
        429 => {
            let wait = response.headers().get("retry-after").ok().flatten().and_then(|s| s.parse().ok());
            ApiError::TooMany { seconds: wait.unwrap_or(60) }
        }
        _ => ApiError::Unavailable,
    }
}

fn lost(_: JsValue) -> ApiError {
    ApiError::NoConnection
}
