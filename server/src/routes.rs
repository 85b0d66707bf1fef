//! The one table of routes: knows every address, what it takes and who answers; the router and the description of the
//! interface are both made from it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::{AppState, api, assets, headers, health, observe, office, photo, shell};

/// A phone on the last bar of a valley still finishes; a stuck call does not live for ever.
const LONGEST_CALL: Duration = Duration::from_secs(60);
/// What a form or a small call may send.
const SMALL: usize = 64 * 1024;

/// A full batch and what stands around it; a larger one is halved by whoever sends it.
const PUSH: usize = domain::limits::PUSH_BYTES + 4 * 1024;
/// Letters and what stands around them.
const POST: usize = domain::limits::POST_BYTES + 4 * 1024;
/// A cursor for each commune of a province.
const PULL: usize = 128 * 1024;

/// What the body of a call is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Takes {
    Nothing,
    Form,
    Json,
    /// Bytes that only those who wrote them can read.
    Bytes,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    Get,
    Post,
}

#[derive(Debug)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    /// One line for the description of the interface.
    pub summary: &'static str,
    pub takes: Takes,
    pub limit_bytes: usize,
    answer: MethodRouter<AppState>,
}

/// Every route of the office.
pub fn routes() -> Vec<Route> {
    let mut routes = vec![
        page("/office", "Tổng quan của văn phòng", get(office::home)),
        page("/office/set-aside", "What was set aside for a supervisor", get(office::aside)),
        form("/office/set-aside", "Decide about what was set aside", post(office::settle)),
        page("/office/login", "Form of the office's log-in", get(office::login)),
        form("/office/login", "Sign in to the office", post(office::log_in)),
        form("/office/logout", "Sign out of the office", post(office::log_out)),
        form("/login", "Sign in to the field app without script", post(shell::log_in)),
        call("/api/log_in", "Sign in to the field app", SMALL),
        call("/api/log_out", "End one person's session on this device", SMALL),
        call("/api/whoami", "Who is signed in on this device", SMALL),
        call("/api/notify_key", "What a browser listens to for this office's calls", SMALL),
        call("/api/notify_on", "Be called on this device when an emergency waits", SMALL),
        call("/api/notify_off", "Be called no longer", SMALL),
        call("/api/push", "Send what was recorded; one verdict a change", PUSH),
        call("/api/letters", "Bring sealed letters of anybody; needs no session", POST),
        call("/api/pull", "Get what changed, as far as the person may see it", PULL),
        Route {
            method: Method::Post,
            path: "/api/photo/{photo}/{start}",
            summary: "Send the sealed bytes of an announced photo from a position on; without a body, ask how much is there",
            takes: Takes::Bytes,
            limit_bytes: domain::limits::PHOTO_CHUNK_BYTES as usize,
            answer: post(photo::put),
        },
        page("/api/photo/{photo}", "The sealed bytes of a photo, for somebody who sees its case", get(photo::read)),
        page("/healthz", "The process lives", get(health::healthz)),
        page("/readyz", "The database answers", get(health::readyz)),
        page("/metrics", "Counts in Prometheus' format", get(health::metrics)),
        page("/sw.js", "The service worker of this build", get(assets::asset)),
        page("/manifest.webmanifest", "The installable app", get(assets::asset)),
        page("/logo.svg", "The sign", get(assets::asset)),
        page("/icons/{*name}", "Icons of the installed app", get(assets::asset)),
        page("/screens/{*name}", "Pictures that stores and browsers show before installing", get(assets::asset)),
        page("/pkg/{*name}", "Files of this build, named by their hash", get(assets::asset)),
    ];
    for path in FIELD_PATHS {
        routes.push(page(path, "The field app's document", get(shell::document)));
    }
    routes
}

const FIELD_PATHS: [&str; 16] = [
    "/",
    "/login",
    "/today",
    "/today/{*rest}",
    "/cases",
    "/cases/{*rest}",
    "/referrals",
    "/referrals/{*rest}",
    "/emergency",
    "/emergency/{*rest}",
    "/sync",
    "/sync/{*rest}",
    "/more",
    "/more/{*rest}",
    "/person",
    "/person/{*rest}",
];

fn page(path: &'static str, summary: &'static str, answer: MethodRouter<AppState>) -> Route {
    Route { method: Method::Get, path, summary, takes: Takes::Nothing, limit_bytes: 0, answer }
}

fn form(path: &'static str, summary: &'static str, answer: MethodRouter<AppState>) -> Route {
    Route { method: Method::Post, path, summary, takes: Takes::Form, limit_bytes: SMALL, answer }
}

/// A server function of `app/src/api.rs`.
fn call(path: &'static str, summary: &'static str, limit_bytes: usize) -> Route {
    Route { method: Method::Post, path, summary, takes: Takes::Json, limit_bytes, answer: post(api::answer) }
}

pub fn router(state: AppState) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let answer = match route.takes {
            Takes::Nothing => route.answer,
            Takes::Form => route.answer.layer(middleware::from_fn(headers::form_only)),
            Takes::Json => route.answer.layer(middleware::from_fn(headers::json_only)),
            Takes::Bytes => route.answer.layer(middleware::from_fn(headers::bytes_only)),
        };
        let answer = answer.layer(RequestBodyLimitLayer::new(route.limit_bytes));
        let answer = match route.takes {
            Takes::Json | Takes::Bytes => answer.layer(middleware::from_fn(api::speak)),
            Takes::Nothing | Takes::Form => answer,
        };
        router = router.route(route.path, answer);
    }
    router
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(middleware::from_fn(headers::same_origin))
        // The site's files are compressed already; this is for the document, pages and what phones pull.
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(state.clone(), address))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST_CALL))
        .layer(middleware::from_fn(headers::secure))
        .layer(middleware::from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
}

/// Puts the caller's address where log-in finds it.
async fn address(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let said = if state.behind_proxy { forwarded_for(request.headers()) } else { None };
    let address = said.or(peer).unwrap_or(IpAddr::from([0, 0, 0, 0]));
    request.extensions_mut().insert(address);
    next.run(request).await
}

/// The entry that our own proxy wrote; the ones before it are what the caller claims.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_proxys_own_entry_is_believed() {
        let headers = HeaderMap::from_iter([(
            axum::http::HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_static("10.0.0.1, 203.0.113.7"),
        )]);
        assert_eq!(forwarded_for(&headers), Some(IpAddr::from([203, 0, 113, 7])));
        assert_eq!(forwarded_for(&HeaderMap::new()), None);
    }

    #[test]
    fn every_first_segment_of_the_field_app_has_its_document() {
        let first = |path: &'static str| path.split('/').nth(1).unwrap_or_default();
        let routed: BTreeSet<_> = FIELD_PATHS.into_iter().map(first).collect();
        assert_eq!(routed, BTreeSet::from(shell::FIELD_ROUTES));
    }

    #[test]
    fn every_server_function_has_a_route_and_every_route_a_function() {
        let functions: BTreeSet<_> =
            leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect();
        let routed: BTreeSet<_> = routes()
            .into_iter()
            .filter(|route| route.takes == Takes::Json)
            .map(|route| route.path.to_owned())
            .collect();
        assert_eq!(routed, functions);
    }
}
