//! The office's pages: signs people in and out, loads what a page shows and hands it to `app::office`.

use std::net::IpAddr;

use anyhow::Result;
use app::office::{Assets, Home, LogIn};
use axum::extract::State;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use domain::PlaceId;

use crate::AppState;
use crate::database::now_ms;
use crate::login::LoginError;
use crate::session::{self, Face};
use crate::shell::{LoginForm, Said};

pub async fn home(State(state): State<AppState>, headers: HeaderMap) -> Response {
    match load_home(&state, &headers).await {
        Ok(Some(home)) => Html(app::office::home(&assets(&state), home)).into_response(),
        Ok(None) => Redirect::to("/office/login").into_response(),
        Err(error) => trouble(&error),
    }
}

pub async fn login(State(state): State<AppState>) -> Response {
    Html(app::office::log_in(&assets(&state), LogIn::default())).into_response()
}

pub async fn log_in(
    State(state): State<AppState>,
    Extension(address): Extension<IpAddr>,
    Form(form): Form<LoginForm>,
) -> Response {
    let now_ms = now_ms();
    let cookie = match state.login.log_in(&form.user_name, &form.password, address, now_ms).await {
        Ok(worker) => session::open(&state.pool, worker.id, Face::Office, now_ms).await.map_err(LoginError::Store),
        Err(error) => Err(error),
    };
    match cookie {
        Ok(cookie) => to("/office", cookie),
        Err(error) => {
            let (status, said) = Said::about(&error, form.user_name);
            let said = LogIn {
                user_name: said.user_name,
                about_user_name: said.about_user_name,
                about_password: said.about_password,
            };
            (status, Html(app::office::log_in(&assets(&state), said))).into_response()
        }
    }
}

pub async fn log_out(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let closed = async {
        match session::find_office(&state.staff, &headers, now_ms()).await? {
            Some(worker) => session::close(&state.pool, &headers, worker.id, Face::Office).await.map(Some),
            None => Ok(None),
        }
    };
    match closed.await {
        Ok(Some(cookie)) => to("/office/login", cookie),
        Ok(None) => Redirect::to("/office/login").into_response(),
        Err(error) => trouble(&error),
    }
}

async fn load_home(state: &AppState, headers: &HeaderMap) -> Result<Option<Home>> {
    let now_ms = now_ms();
    let Some(worker) = session::find_office(&state.staff, headers, now_ms).await? else { return Ok(None) };
    let (people, sessions) = sqlx::query_as::<_, (i64, i64)>(
        "select (select count(*) from worker_login where disabled_at is null),
                (select count(*) from session where expires_at > ?)",
    )
    .bind(now_ms)
    .fetch_one(&state.pool)
    .await?;
    let mut connection = state.pool.acquire().await?;
    let places = &state.staff.roster(&mut connection).await?.rules.places;
    let name_of = |area: &PlaceId| {
        let names: Vec<_> = places.ancestors(area).map(|place| place.name.as_str()).collect();
        names.join(", ")
    };
    let rights = worker.grants.iter().map(|grant| (grant.role, grant.area.as_ref().map(name_of))).collect();
    Ok(Some(Home {
        worker,
        rights,
        people: u64::try_from(people)?,
        sessions: u64::try_from(sessions)?,
        build: state.site.build.clone(),
    }))
}

fn assets(state: &AppState) -> Assets {
    Assets { style: state.site.style.clone() }
}

fn to(path: &'static str, cookie: HeaderValue) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static(path)), (SET_COOKIE, cookie)]).into_response()
}

fn trouble(error: &anyhow::Error) -> Response {
    tracing::error!("{error:#}");
    (StatusCode::INTERNAL_SERVER_ERROR, "Văn phòng đang có trục trặc. Xin thử lại sau ít phút.").into_response()
}
