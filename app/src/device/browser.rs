//! What the browser gives besides storage and network: the clock, chance, locks between tabs, settings of the device.

use domain::{Timestamp, json};
use futures::channel::oneshot;
use gloo_storage::{LocalStorage, Storage as _};
use js_sys::{Date, Function, Math, Object, Promise};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Navigator, StorageManager, VisibilityState};

use super::idb;

#[must_use]
pub fn now() -> Timestamp {
    Timestamp(Date::now() as i64)
}

/// Bytes nobody can guess.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let crypto = web_sys::window().and_then(|w| w.crypto().ok());
    crypto
        .and_then(|c| c.get_random_values_with_u8_array(&mut bytes).ok())
        .expect("every browser that runs wasm gives random bytes of this length");
    bytes
}

/// Chance for spreading calls in time, 0..1.
#[must_use]
pub fn chance() -> f64 {
    Math::random()
}

fn navigator() -> Option<Navigator> {
    Some(web_sys::window()?.navigator())
}

/// Whether the phone believes to have a network; only its "no" can be relied on.
#[must_use]
pub fn is_online() -> bool {
    navigator().is_none_or(|n| n.on_line())
}

#[must_use]
pub fn is_visible() -> bool {
    let document = web_sys::window().and_then(|w| w.document());
    document.is_none_or(|d| d.visibility_state() == VisibilityState::Visible)
}

/// A setting of this device; `None` when it was never written or cannot be read.
#[must_use]
pub fn setting<T: DeserializeOwned>(name: &str) -> Option<T> {
    let text = settings()?.get_item(name).ok()??;
    json::read(text.as_bytes()).ok()
}
/// Remembers a setting of this device; where the browser keeps none, it is simply not remembered.
pub fn set_setting<T: Serialize>(name: &str, value: T) {
    if let (Some(settings), Ok(text)) = (settings(), json::write_text(&value)) {
        settings.set_item(name, &text).ok();
    }
}
pub fn forget_setting(name: &str) {
    if let Some(settings) = settings() {
        settings.remove_item(name).ok();
    }
}
/// Something left for the next page of this tab, which reads it once.
pub fn tell_next<T: Serialize>(name: &str, value: T) {
    if let (Some(notes), Ok(text)) = (notes(), json::write_text(&value)) {
        notes.set_item(name, &text).ok();
    }
}
/// What the page before left, or `/boot.js`; gone once it was read.
#[must_use]
pub fn told<T: DeserializeOwned>(name: &str) -> Option<T> {
    let notes = notes()?;
    let text = notes.get_item(name).ok()??;
    notes.remove_item(name).ok();
    json::read(text.as_bytes()).ok()
}
fn notes() -> Option<web_sys::Storage> {
    web_sys::window()?.session_storage().ok()?
}

/// `None` where the browser keeps nothing. `gloo` finds the store; its own reading of JSON would bring a second parser.
fn settings() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()??;
    Some(LocalStorage::raw())
}

/// What the browser says of the room for this app's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    pub kept: bool,
    pub used_bytes: u64,
    pub free_bytes: u64,
}

fn storage() -> Option<StorageManager> {
    let storage = navigator()?.storage();
    (!storage.is_undefined()).then_some(storage)
}

pub async fn estimate() -> Estimate {
    let Some(storage) = storage() else { return Estimate::default() };
    let kept = match storage.persisted() {
        Ok(asked) => JsFuture::from(asked).await.is_ok_and(|kept| kept.is_truthy()),
        Err(_) => false,
    };
    let sizes = match storage.estimate() {
        Ok(asked) => JsFuture::from(asked).await.unwrap_or(JsValue::UNDEFINED),
        Err(_) => JsValue::UNDEFINED,
    };
    let size = |name| idb::number(&idb::get(&sizes, name)).unwrap_or(0);
    let (used, quota) = (size("usage"), size("quota"));
    Estimate { kept, used_bytes: used, free_bytes: quota.saturating_sub(used) }
}

/// Asks the browser never to throw this app's data away by itself.
pub async fn ask_to_keep() -> bool {
    let Some(asked) = storage().and_then(|s| s.persist().ok()) else { return false };
    JsFuture::from(asked).await.is_ok_and(|kept| kept.is_truthy())
}

/// Asks the browser to wake the service worker with this word once there is a network, where it can.
pub fn ask_for_sync(word: &'static str) {
    let Some(navigator) = navigator() else { return };
    let Ok(ready) = navigator.service_worker().ready() else { return };
    wasm_bindgen_futures::spawn_local(async move {
        let Ok(registration) = JsFuture::from(ready).await else { return };
        let sync = idb::get(&registration, "sync");
        if let Ok(register) = idb::get(&sync, "register").dyn_into::<Function>()
            && let Ok(asked) = register.call1(&sync, &word.into())
        {
            JsFuture::from(asked.unchecked_into::<Promise>()).await.ok();
        }
    });
}

/// How a file left the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// To another app, which somebody chose.
    Shared,
    /// Into the folder of downloads.
    Saved,
    /// Nobody chose anything.
    No,
}

/// Hands a text over as a file: to the share sheet where there is one, into the downloads otherwise.
pub async fn hand_over(name: &str, text: &str) -> Left {
    let mut left = Left::No;
    let kind = web_sys::FilePropertyBag::new();
    kind.set_type("text/plain");
    let parts = js_sys::Array::of1(&text.into());
    let Ok(file) = web_sys::File::new_with_str_sequence_and_options(&parts, name, &kind) else { return left };
    let Some(navigator) = navigator() else { return left };
    let data = Object::new();
    idb::set(&data, "files", &js_sys::Array::of1(&file));
    let can: Option<Function> = idb::get(&navigator, "canShare").dyn_into().ok();
    let share: Option<Function> = idb::get(&navigator, "share").dyn_into().ok();
    if let (Some(can), Some(share)) = (can, share)
        && can.call1(&navigator, &data).is_ok_and(|can| can.is_truthy())
        && let Ok(asked) = share.call1(&navigator, &data)
    {
        match JsFuture::from(asked.unchecked_into::<Promise>()).await {
            Ok(_) => return Left::Shared,
            // Whoever closes the sheet wants nothing else instead.
            Err(why) if idb::get(&why, "name").as_string().as_deref() == Some("AbortError") => return left,
            Err(_) => {}
        }
    }
    let document = web_sys::window().and_then(|w| w.document());
    let link = document.and_then(|d| d.create_element("a").ok());
    if let (Some(link), Ok(url)) = (link, web_sys::Url::create_object_url_with_blob(&file)) {
        let link: web_sys::HtmlElement = link.unchecked_into();
        link.set_attribute("href", &url).ok();
        link.set_attribute("download", name).ok();
        link.click();
        left = Left::Saved;
        // The browser has taken hold of it by the end of this turn.
        wasm_bindgen_futures::spawn_local(async move {
            gloo_timers::future::TimeoutFuture::new(10_000).await;
            web_sys::Url::revoke_object_url(&url).ok();
        });
    }
    left
}

/// A lock that one tab at a time holds; given back when dropped, or when the tab ends in any way.
#[derive(Debug)]
pub struct Lock {
    _release: Option<oneshot::Sender<()>>,
}

impl Lock {
    /// `None` while another tab holds it. A browser without such locks always gives it.
    pub async fn try_take(name: &str) -> Option<Self> {
        let locks = navigator().map(|n| idb::get(&n, "locks")).filter(JsValue::is_object);
        let Some(locks) = locks else { return Some(Self { _release: None }) };
        let (release, released) = oneshot::channel::<()>();
        let (answer, answered) = oneshot::channel::<bool>();
        let call = Closure::once_into_js(move |lock: JsValue| -> Promise {
            let got = lock.is_truthy();
            answer.send(got).ok();
            wasm_bindgen_futures::future_to_promise(async move {
                if got {
                    // Ends when the sender is dropped.
                    released.await.ok();
                }
                Ok(JsValue::UNDEFINED)
            })
        });
        let options = Object::new();
        idb::set(&options, "ifAvailable", &JsValue::TRUE);
        let request: Function = idb::get(&locks, "request").dyn_into().ok()?;
        let asked = request.call3(&locks, &name.into(), &options, &call);
        if asked.is_err() {
            return Some(Self { _release: None });
        }
        answered.await.unwrap_or(true).then_some(Self { _release: Some(release) })
    }
}
