//! Whether the office lives, is ready, and how it is doing: for machines, without anything about people.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::AppState;

/// The process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers too, so that a proxy may send people here.
pub async fn readyz(State(state): State<AppState>) -> Response {
    match sqlx::query_scalar::<_, i64>("select 1").fetch_one(&state.pool).await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => {
            tracing::error!("the database does not answer: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// Prometheus' text format.
pub async fn metrics(State(state): State<AppState>) -> Response {
    let mut text = String::new();
    state.counts.write(&mut text);
    let sessions = sqlx::query_scalar::<_, i64>("select count(*) from session").fetch_one(&state.pool).await;
    if let Ok(sessions) = sessions {
        text.push_str("# TYPE cau_noi_sessions gauge\ncau_noi_sessions ");
        text.push_str(&sessions.to_string());
        text.push('\n');
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
