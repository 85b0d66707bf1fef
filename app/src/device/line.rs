//! The line to the office: one JSON request, one answer or one [`ApiError`]. It knows how a request fails, not what it is
//! about.
//!
//! The server functions of [`crate::api`] are called by `fetch` itself: a slow line needs a limit on silence, not on the
//! whole, and an answer read in pieces is never copied into a string of the browser.

use domain::{
    ApiError, PhotoId, PhotoStanding, PullAnswer, PullRequest, PushBatch, Verdict, Worker, WorkerId, json, sync::Office,
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
use crate::api::{LogIn, LogOut, NotifyKey, NotifyOff, NotifyOn, Pull, Push, Whoami};

/// Silence after which an answer no longer comes: longer than a mast needs to hand a phone over.
pub const SILENCE_MS: u32 = 30_000;
/// What even a bad line carries upwards; a large batch is given the time this takes.
const BYTES_A_SECOND: u32 = 2_000;

/// Calls of the office, as the app's own origin.
#[derive(Debug, Clone, Copy, Default)]
pub struct Line;

impl Line {
    /// # Errors
    /// [`ApiError`].
    pub async fn log_in(&self, user_name: String, password: String) -> Result<Worker, ApiError> {
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
        let (status, bytes) = ask(&format!("/api/photo/{photo}?worker={worker}"), None).await?;
        Ok((status != 204).then_some(bytes))
    }
    /// Everybody with a session on this device, the latest first.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn whoami(&self) -> Result<Vec<Worker>, ApiError> {
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
}

impl Office for Line {
    async fn push(&self, batch: PushBatch) -> Result<Vec<Verdict>, ApiError> {
        call(&Push { batch }).await
    }
    async fn pull(&self, request: PullRequest) -> Result<PullAnswer, ApiError> {
        call(&Pull { request }).await
    }
}

impl Carrier for Line {
    async fn put_photo(&self, photo: PhotoId, start: u32, piece: &Uint8Array) -> Result<PhotoStanding, ApiError> {
        let sent = Some(("application/octet-stream", piece));
        let (_, text) = ask(&format!("/api/photo/{photo}/{start}"), sent).await?;
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
    let (_, text) = ask(F::PATH, Some(("application/json", &Uint8Array::from(&*body)))).await?;
    // Something that is no answer of the office was said in its place, or was cut.
    json::read(&text).map_err(|_| ApiError::NoConnection)
}

/// One request, with what is sent and its kind, and the status and bytes of an answer that is no error.
async fn ask(path: &str, body: Option<(&str, &Uint8Array)>) -> Result<(u16, Vec<u8>), ApiError> {
    let upwards_ms = body.map_or(0, |(_, bytes)| (bytes.length() / BYTES_A_SECOND).saturating_mul(1_000));
    let abort = Abort(AbortController::new().map_err(lost)?);
    let request = request(body, &abort.0).map_err(lost)?;
    let window = web_sys::window().ok_or(ApiError::NoConnection)?;
    let asked = window.fetch_with_str_and_init(path, &request);
    let response: Response = patiently(asked.unchecked_into(), SILENCE_MS + upwards_ms).await?.unchecked_into();
    let bytes = read(&response).await?;
    if response.ok() {
        Ok((response.status(), bytes))
    } else {
        Err(json::read(&bytes).unwrap_or_else(|_| by_status(response.status(), &response)))
    }
}

fn request(body: Option<(&str, &Uint8Array)>, abort: &AbortController) -> Result<RequestInit, JsValue> {
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
    idb::set(plain, "credentials", &"same-origin".into());
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
