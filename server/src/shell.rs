//! The field app's one document: knows how it looks before the app is there, and nothing about anybody.
//!
//! Every field route answers it, the service worker keeps it, and its log-in form works without script.

use std::net::IpAddr;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Form};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::AppState;
use crate::assets::{Site, is_known};
use crate::database::now_ms;
use crate::login::LoginError;
use crate::session::{self, Face};

const DOCUMENT: &str = include_str!("shell.html");
const USER_NAME_HINT: &str = "Xã đã ghi trên giấy giao máy.";

/// First segments of the field app's routes; the service worker has the same list.
pub const FIELD_ROUTES: [&str; 9] = ["", "login", "today", "cases", "referrals", "emergency", "sync", "more", "person"];

/// The document without an answer in it, made once.
#[derive(Debug)]
pub struct Shell {
    html: String,
    etag: HeaderValue,
}

impl Shell {
    pub fn new(site: &Site) -> Self {
        let html = write(site, &Said::default());
        let hash = Sha256::digest(&html).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let etag = HeaderValue::from_str(&format!("\"{hash}\"")).expect("hex is a header value");
        Self { html, etag }
    }
}

pub async fn document(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let answer = [
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (ETAG, state.shell.etag.clone()),
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
    ];
    if is_known(&headers, &state.shell.etag) {
        return (StatusCode::NOT_MODIFIED, answer).into_response();
    }
    (answer, state.shell.html.clone()).into_response()
}

#[derive(Debug, Deserialize)]
pub struct LoginForm {
    #[serde(default)]
    pub user_name: String,
    #[serde(default)]
    pub password: String,
}

/// The log-in that works before the app has arrived.
pub async fn log_in(
    State(state): State<AppState>,
    Extension(address): Extension<IpAddr>,
    Form(form): Form<LoginForm>,
) -> Response {
    let now_ms = now_ms();
    let cookie = match state.login.log_in(&form.user_name, &form.password, address, now_ms).await {
        Ok(worker) => session::open(&state.pool, worker.id, Face::Field, now_ms).await.map_err(LoginError::Store),
        Err(error) => Err(error),
    };
    match cookie {
        Ok(cookie) => {
            (StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static("/")), (SET_COOKIE, cookie)]).into_response()
        }
        Err(error) => {
            let (status, said) = Said::about(&error, form.user_name);
            let mut response = (status, Html(write(&state.site, &said))).into_response();
            if let LoginError::TooMany { wait_ms } = error {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds(wait_ms)));
            }
            response
        }
    }
}

/// What the form says back: what was typed, and a sentence beside the field it is about.
#[derive(Debug, Default)]
pub struct Said {
    pub user_name: String,
    pub about_user_name: Option<String>,
    pub about_password: Option<String>,
}

impl Said {
    pub fn about(error: &LoginError, user_name: String) -> (StatusCode, Self) {
        let (status, about_user_name, about_password) = match error {
            LoginError::NoName => (StatusCode::UNPROCESSABLE_ENTITY, Some(sentence(error)), None),
            LoginError::NoPassword => (StatusCode::UNPROCESSABLE_ENTITY, None, Some(sentence(error))),
            LoginError::Wrong => (StatusCode::UNAUTHORIZED, None, Some(sentence(error))),
            LoginError::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, None, Some(sentence(error))),
            LoginError::Store(cause) => {
                tracing::error!("log-in failed: {cause:#}");
                (StatusCode::INTERNAL_SERVER_ERROR, None, Some(sentence(error)))
            }
        };
        (status, Self { user_name, about_user_name, about_password })
    }
}

/// What happened and what to do next.
pub fn sentence(error: &LoginError) -> String {
    match error {
        LoginError::NoName => "Xin ghi tên đăng nhập.".to_owned(),
        LoginError::NoPassword => "Xin ghi mật khẩu.".to_owned(),
        LoginError::Wrong => {
            "Tên đăng nhập hoặc mật khẩu chưa đúng. Xin ghi lại; mật khẩu phân biệt chữ hoa và chữ thường.".to_owned()
        }
        LoginError::TooMany { wait_ms } => {
            let wait = match seconds(*wait_ms) {
                seconds @ 0..=90 => format!("{seconds}\u{a0}giây"),
                seconds => format!("{}\u{a0}phút", seconds.div_ceil(60)),
            };
            format!("Đã ghi sai nhiều lần. Xin chờ {wait} rồi ghi lại. Hồ sơ trên máy không mất.")
        }
        LoginError::Store(_) => "Văn phòng đang có trục trặc, chưa đăng nhập được. Xin thử lại sau ít phút.".to_owned(),
    }
}

fn seconds(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or_default().div_ceil(1000)
}

fn write(site: &Site, said: &Said) -> String {
    let said_of = |id: &str, sentence: &Option<String>, hint: &str| match sentence {
        Some(sentence) => format!("<p class=\"error\" id=\"{id}-said\" role=\"alert\">{}</p>", escape(sentence)),
        None if hint.is_empty() => String::new(),
        None => format!("<small id=\"{id}-said\">{hint}</small>"),
    };
    let invalid = |sentence: &Option<String>| if sentence.is_some() { " data-invalid" } else { "" };
    let answered = said.about_user_name.is_some() || said.about_password.is_some();
    let described = if said.about_password.is_some() {
        " aria-invalid=\"true\" aria-describedby=\"password-said\" autofocus"
    } else {
        ""
    };
    let holes = [
        ("{{build}}", site.build.as_str()),
        ("{{boot}}", &site.boot),
        ("{{style}}", &site.style),
        ("{{app.js}}", &site.app_js),
        ("{{app.wasm}}", &site.app_wasm),
        ("{{answered}}", if answered { " data-answered" } else { "" }),
        ("{{user_name.invalid}}", invalid(&said.about_user_name)),
        ("{{user_name.said}}", &said_of("user-name", &said.about_user_name, USER_NAME_HINT)),
        ("{{password.invalid}}", invalid(&said.about_password)),
        ("{{password.described}}", described),
        ("{{password.said}}", &said_of("password", &said.about_password, "")),
        // What was typed comes last: it may look like one of the holes.
        ("{{user_name}}", &escape(&said.user_name)),
    ];
    holes.into_iter().fold(DOCUMENT.to_owned(), |html, (hole, value)| html.replace(hole, value))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_cannot_become_markup() {
        assert_eq!(escape("\"><script>&"), "&quot;&gt;&lt;script&gt;&amp;");
    }

    #[test]
    fn the_service_worker_knows_the_same_routes() {
        let worker = include_str!("../../public/sw.template.js");
        let list = FIELD_ROUTES.map(|route| format!("'{route}'")).join(", ");
        assert!(worker.contains(&format!("const FIELD_ROUTES = [{list}];")));
    }

    #[test]
    fn a_wait_is_said_in_seconds_or_minutes() {
        let said = sentence(&LoginError::TooMany { wait_ms: 15_400 });
        assert!(said.contains("16\u{a0}giây"), "{said}");
        let said = sentence(&LoginError::TooMany { wait_ms: 15 * 60_000 });
        assert!(said.contains("15\u{a0}phút"), "{said}");
    }
}
