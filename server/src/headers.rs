//! What every answer carries and what every call must show: knows browsers' rules, not who is asking.

use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::ApiError;

/// No inline script or style, nothing from anywhere else; `wasm-unsafe-eval` compiles the app and nothing more.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' blob: data:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const EVERYWHERE: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    // A place may be recorded and a photo taken; everything else the device could tell is refused.
    (
        "permissions-policy",
        "geolocation=(self), camera=(self), microphone=(), payment=(), usb=(), serial=(), \
         display-capture=(), browsing-topics=()",
    ),
];

pub async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    for (name, value) in EVERYWHERE {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // Whatever does not say otherwise may hold personal data.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses a state-changing call that another site made in a person's browser.
pub async fn same_origin(request: Request, next: Next) -> Response {
    if is_safe(request.method()) || comes_from_here(request.headers()) {
        return next.run(request).await;
    }
    refusal(StatusCode::FORBIDDEN, &ApiError::Forbidden)
}

/// A JSON body with its proper name: a plain form of another site cannot send one.
pub async fn json_only(request: Request, next: Next) -> Response {
    of_kind("application/json", request, next).await
}

pub async fn form_only(request: Request, next: Next) -> Response {
    of_kind("application/x-www-form-urlencoded", request, next).await
}

/// Bytes with their proper name, for the same reason.
pub async fn bytes_only(request: Request, next: Next) -> Response {
    of_kind("application/octet-stream", request, next).await
}

async fn of_kind(kind: &str, request: Request, next: Next) -> Response {
    let said = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default().trim();
    if is_safe(request.method()) || essence.eq_ignore_ascii_case(kind) {
        return next.run(request).await;
    }
    refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, &ApiError::BadRequest)
}

fn refusal(status: StatusCode, error: &ApiError) -> Response {
    (status, axum::Json(error)).into_response()
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Browsers always send one of the two headers with a POST. A caller that sends neither is no browser, and carries
/// nobody's cookies by itself.
fn comes_from_here(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    match (text(ORIGIN), text(HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, authority)| authority == host),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_call_from_another_site_is_recognised() {
        assert!(!comes_from_here(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(!comes_from_here(&headers(&[("sec-fetch-site", "same-site")])));
        assert!(!comes_from_here(&headers(&[("origin", "https://elsewhere.example"), ("host", "caunoi.example")])));
        assert!(!comes_from_here(&headers(&[("origin", "null"), ("host", "caunoi.example")])));
    }

    #[test]
    fn our_own_pages_and_programs_may_call() {
        assert!(comes_from_here(&headers(&[("sec-fetch-site", "same-origin"), ("origin", "null")])));
        assert!(comes_from_here(&headers(&[("origin", "https://caunoi.example"), ("host", "caunoi.example")])));
        assert!(comes_from_here(&headers(&[("host", "caunoi.example")])));
    }
}
