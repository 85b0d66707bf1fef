//! Being called: whether this browser shows a notice when an emergency waits, for whom, and where it is called. It knows no
//! emergency; a call brings nothing but itself.

use domain::{ApiError, WorkerId};
use futures::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Notification, NotificationPermission, PushManager, PushSubscription, PushSubscriptionOptionsInit,
    ServiceWorkerRegistration,
};

use super::{browser, idb, line::Line};
use crate::field::Ringing;

/// For whom it is turned on here: the browser has one address, whoever uses it.
const ASKED: &str = "cn.ring";
/// A browser whose push service cannot be reached may never say so.
const LONGEST_MS: u32 = 20_000;

/// How it stands for this person on this device.
pub async fn ringing(worker: WorkerId) -> Ringing {
    if !is_able() {
        return Ringing::Unsupported;
    }
    match Notification::permission() {
        NotificationPermission::Denied => Ringing::Denied,
        NotificationPermission::Granted if asked().contains(&worker) && subscription().await.is_some() => Ringing::On,
        _ => Ringing::Off,
    }
}

/// Turns it on: asks the person, then the browser's push service, then tells the office.
///
/// # Errors
/// [`ApiError`] of the office; [`ApiError::NoConnection`] also when the push service gives no address.
pub async fn turn_on(line: Line, worker: WorkerId) -> Result<Ringing, ApiError> {
    if !is_able() {
        return Ok(Ringing::Unsupported);
    }
    let answer = Notification::request_permission().map_err(lost)?;
    JsFuture::from(answer).await.map_err(lost)?;
    match Notification::permission() {
        NotificationPermission::Granted => {}
        NotificationPermission::Denied => return Ok(Ringing::Denied),
        _ => return Ok(Ringing::Off),
    }
    let key = line.notify_key(worker).await?;
    let endpoint = subscribe(&key).await?;
    line.notify_on(worker, endpoint).await?;
    let mut all = asked();
    if !all.contains(&worker) {
        all.push(worker);
    }
    browser::set_setting(ASKED, all);
    Ok(Ringing::On)
}

/// Turns it off at the office and, once nobody here wants it, in the browser.
///
/// # Errors
/// [`ApiError`] of the office; then it is still on.
pub async fn turn_off(line: Line, worker: WorkerId) -> Result<Ringing, ApiError> {
    match line.notify_off(worker).await {
        // Without a session nobody is called.
        Ok(()) | Err(ApiError::SignedOut) => {}
        Err(error) => return Err(error),
    }
    forget(worker).await;
    Ok(Ringing::Off)
}

/// The person has left this device: the office calls them here no longer, and neither does the browser if it was the last.
pub async fn forget(worker: WorkerId) {
    let mut all = asked();
    if !all.contains(&worker) {
        return;
    }
    all.retain(|id| *id != worker);
    if all.is_empty() {
        browser::forget_setting(ASKED);
        // Somebody may have turned it on while the browser was slow to answer.
        if let Some(subscription) = subscription().await
            && asked().is_empty()
            && let Ok(gone) = subscription.unsubscribe()
        {
            patiently(gone).await.ok();
        }
    } else {
        browser::set_setting(ASKED, all);
    }
}

/// Tells the office again where to call: the browser may have changed its address, or the office have lost it.
pub async fn renew(line: Line, worker: WorkerId) {
    if !is_able() || Notification::permission() != NotificationPermission::Granted || !asked().contains(&worker) {
        return;
    }
    let endpoint = match subscription().await {
        Some(subscription) => subscription.endpoint(),
        None => {
            let Ok(key) = line.notify_key(worker).await else { return };
            let Ok(endpoint) = subscribe(&key).await else { return };
            endpoint
        }
    };
    // Without network it is done at the next start.
    line.notify_on(worker, endpoint).await.ok();
}

fn asked() -> Vec<WorkerId> {
    browser::setting(ASKED).unwrap_or_default()
}

/// Whether the browser has all that it takes; on an iPhone only once the app stands on the home screen.
fn is_able() -> bool {
    let Some(window) = web_sys::window() else { return false };
    let has = |of: &JsValue, name: &str| !idb::get(of, name).is_undefined();
    has(&window, "PushManager") && has(&window, "Notification") && has(&window.navigator(), "serviceWorker")
}

async fn manager() -> Option<PushManager> {
    let workers = web_sys::window()?.navigator().service_worker();
    let registration: ServiceWorkerRegistration = patiently(workers.ready().ok()?).await.ok()?.unchecked_into();
    registration.push_manager().ok()
}

async fn subscription() -> Option<PushSubscription> {
    let found = patiently(manager().await?.get_subscription().ok()?).await.ok()?;
    found.dyn_into().ok()
}

/// The address at which this browser is called by whoever has `key`.
async fn subscribe(key: &str) -> Result<String, ApiError> {
    let manager = manager().await.ok_or(ApiError::NoConnection)?;
    let options = PushSubscriptionOptionsInit::new();
    options.set_user_visible_only(true);
    options.set_application_server_key_opt_str(Some(key));
    let ask = || async {
        let asked = manager.subscribe_with_options(&options).map_err(lost)?;
        let got: PushSubscription = patiently(asked).await.map_err(lost)?.unchecked_into();
        Ok(got.endpoint())
    };
    match ask().await {
        Ok(endpoint) => Ok(endpoint),
        // It listens to another key: of an office that stood here before.
        Err(error) => {
            let standing = manager.get_subscription().map_err(lost)?;
            let standing = patiently(standing).await.map_err(lost)?.dyn_into::<PushSubscription>();
            let Ok(standing) = standing else { return Err(error) };
            patiently(standing.unsubscribe().map_err(lost)?).await.map_err(lost)?;
            ask().await
        }
    }
}

async fn patiently(promise: Promise) -> Result<JsValue, JsValue> {
    match select(JsFuture::from(promise), TimeoutFuture::new(LONGEST_MS)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(JsValue::UNDEFINED),
    }
}

fn lost(_: JsValue) -> ApiError {
    ApiError::NoConnection
}
