//! The built site: knows names, hashes and compressed forms of its files; refuses to know what is in them.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::AppState;

/// Read whole at start: a build that is replaced meanwhile is never served by halves.
#[derive(Debug)]
pub struct Site {
    pub build: String,
    pub boot: String,
    pub style: String,
    pub app_js: String,
    pub app_wasm: String,
    files: HashMap<String, File>,
}

#[derive(Debug)]
struct File {
    kind: &'static str,
    etag: HeaderValue,
    cache: &'static str,
    plain: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
}

/// `build.json` of the site.
#[derive(Deserialize)]
struct Build {
    build: String,
    boot: String,
    style: String,
    app_js: String,
    app_wasm: String,
    files: Vec<BuiltFile>,
}

#[derive(Deserialize)]
struct BuiltFile {
    path: String,
    sha256: String,
    immutable: bool,
}

impl Site {
    pub fn load(folder: &Path) -> Result<Self> {
        let json = folder.join("build.json");
        let json = std::fs::read(&json)
            .with_context(|| format!("{} is missing: `cargo xtask site` makes it", json.display()))?;
        let build: Build = serde_json::from_slice(&json).context("build.json")?;
        let mut files = HashMap::new();
        for built in build.files {
            let path = folder.join(built.path.trim_start_matches('/'));
            let read = |ending: &str| {
                let mut name = path.clone().into_os_string();
                name.push(ending);
                std::fs::read(name).map(Bytes::from)
            };
            let file = File {
                kind: kind(&built.path),
                etag: HeaderValue::from_str(&format!("\"{}\"", &built.sha256)).context("build.json: sha256")?,
                cache: cache(&built),
                plain: read("").with_context(|| format!("cannot read {}", path.display()))?,
                brotli: read(".br").ok(),
                gzip: read(".gz").ok(),
            };
            files.insert(built.path, file);
        }
        Ok(Self {
            build: build.build,
            boot: build.boot,
            style: build.style,
            app_js: build.app_js,
            app_wasm: build.app_wasm,
            files,
        })
    }
}

fn cache(file: &BuiltFile) -> &'static str {
    match file.path.as_str() {
        _ if file.immutable => "public, max-age=31536000, immutable",
        "/sw.js" => "no-cache",
        _ => "public, max-age=86400",
    }
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        Some("webmanifest") => "application/manifest+json",
        Some("webp") => "image/webp",
        _ => "application/octet-stream",
    }
}

pub async fn asset(State(state): State<AppState>, uri: OriginalUri, headers: HeaderMap) -> Response {
    let Some(file) = state.site.files.get(uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut answer = HeaderMap::new();
    answer.insert(ETAG, file.etag.clone());
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(file.cache));
    answer.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if is_known(&headers, &file.etag) {
        return (StatusCode::NOT_MODIFIED, answer).into_response();
    }
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(file.kind));
    let body = match (&file.brotli, &file.gzip) {
        (Some(brotli), _) if accepts(&headers, "br") => {
            answer.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
            brotli
        }
        (_, Some(gzip)) if accepts(&headers, "gzip") => {
            answer.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            gzip
        }
        _ => &file.plain,
    };
    (answer, body.clone()).into_response()
}

/// Whether the browser already has what `etag` names.
pub fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let Ok(etag) = etag.to_str() else { return false };
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == etag)
}

fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            parts.next() == Some(coding) && !parts.any(|weight| weight == "q=0" || weight == "q=0.0")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: axum::http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_coding_that_is_refused_is_not_accepted() {
        let headers = header(ACCEPT_ENCODING, "gzip, br;q=0, zstd");
        assert!(accepts(&headers, "gzip"));
        assert!(!accepts(&headers, "br"));
        assert!(!accepts(&HeaderMap::new(), "gzip"));
    }

    #[test]
    fn a_weak_validator_from_a_proxy_is_recognised() {
        let etag = HeaderValue::from_static("\"abc\"");
        assert!(is_known(&header(IF_NONE_MATCH, "\"x\", W/\"abc\""), &etag));
        assert!(!is_known(&header(IF_NONE_MATCH, "\"x\""), &etag));
    }
}
