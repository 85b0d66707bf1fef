//! The office's pages: signs people in and out, loads what a page shows and hands it to `app::office`.

use std::net::IpAddr;

use anyhow::Result;
use app::office::{AsidePage, AsideRow, Assets, GivenUpRow, Home, LogIn, REASON_CHARS, Said as SaidAside, reading};
use axum::extract::{Query, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use domain::person::text;
use domain::{ApiError, ChangeId, PlaceId, Role, Timestamp, Worker, WorkerId};
use serde::Deserialize;

use crate::AppState;
use crate::database::now_ms;
use crate::login::LoginError;
use crate::registry::{GivenUp, SetAside, Settled, Settling, Which, Why};
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

/// Rows of one page of what was set aside.
const ASIDE_ROWS: usize = 50;

/// What was done just before: it stands in the address, so that opening the page again does nothing again.
#[derive(Debug, Deserialize)]
pub struct AsideQuery {
    #[serde(default)]
    done: String,
    /// `away`: what was put away instead of what waits.
    #[serde(default)]
    shown: String,
}

impl AsideQuery {
    fn which(&self) -> Which {
        if self.shown == "away" { Which::PutAway } else { Which::Open }
    }
}

pub async fn aside(State(state): State<AppState>, headers: HeaderMap, Query(query): Query<AsideQuery>) -> Response {
    let sentence = match query.done.as_str() {
        "taken" => Some("Đã đưa vào hồ sơ."),
        "put_away" => Some("Đã cất đi. Nội dung vẫn còn nguyên, và máy người ghi sẽ báo lý do."),
        "put_back" => Some("Đã lấy lại. Mục này lại chờ quyết định."),
        _ => None,
    };
    let said = sentence.map(|sentence| SaidAside { sentence: sentence.to_owned(), about: None });
    match supervisor(&state, &headers).await {
        Ok(worker) => show_aside(&state, worker, query.which(), said).await,
        Err(answer) => answer,
    }
}

/// What the page of what was set aside sends.
#[derive(Debug, Deserialize)]
pub struct SettleForm {
    id: String,
    act: String,
    #[serde(default)]
    reason: String,
}

pub async fn settle(State(state): State<AppState>, headers: HeaderMap, Form(form): Form<SettleForm>) -> Response {
    let worker = match supervisor(&state, &headers).await {
        Ok(worker) => worker,
        Err(answer) => return answer,
    };
    let Ok(id) = form.id.parse::<ChangeId>() else { return StatusCode::BAD_REQUEST.into_response() };
    let settling = match (form.act.as_str(), text(&form.reason, REASON_CHARS)) {
        ("take", _) => Settling::Take,
        ("put_back", _) => Settling::PutBack,
        ("put_away", Ok(reason)) if !reason.is_empty() => Settling::PutAway { reason },
        ("put_away", wrong) => {
            let why = wrong.err().unwrap_or(domain::Invalid::Empty);
            let sentence = (app::text::Lang::Vi.words().errors.invalid)(why).to_owned();
            let said = SaidAside { sentence, about: Some((id, form.reason)) };
            return show_aside(&state, worker, Which::Open, Some(said)).await;
        }
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    let (done, which) = match &settling {
        Settling::Take => ("/office/set-aside?done=taken", Which::Open),
        Settling::PutAway { .. } => ("/office/set-aside?done=put_away", Which::Open),
        Settling::PutBack => ("/office/set-aside?done=put_back", Which::PutAway),
    };
    let sentence = match state.registry.settle(id, worker.id, settling, Timestamp(now_ms())).await {
        Ok(Settled::Done) => return Redirect::to(done).into_response(),
        Ok(Settled::NotFound) => "Mục này không còn chờ ở đây. Có thể người khác vừa quyết định.".to_owned(),
        Ok(Settled::Refused(why)) => {
            let why = app::text::refusal(&why, None, app::text::Lang::Vi.words());
            format!("Chưa đưa vào hồ sơ được. {why}")
        }
        Err(error) => return unavailable(&error),
    };
    show_aside(&state, worker, which, Some(SaidAside { sentence, about: None })).await
}

/// Whoever is signed in and may settle things; others are sent where they belong.
async fn supervisor(state: &AppState, headers: &HeaderMap) -> Result<Worker, Response> {
    match session::find_office(&state.staff, headers, now_ms()).await {
        Ok(Some(worker)) if worker.has(Role::Supervisor) => Ok(worker),
        Ok(Some(_)) => Err(Redirect::to("/office").into_response()),
        Ok(None) => Err(Redirect::to("/office/login").into_response()),
        Err(error) => Err(trouble(&error)),
    }
}

async fn show_aside(state: &AppState, worker: Worker, which: Which, said: Option<SaidAside>) -> Response {
    let found = state.registry.set_aside(worker.id, which, ASIDE_ROWS + 1, Timestamp(now_ms())).await;
    let mut found = match found {
        Ok(found) => found,
        Err(error) => return unavailable(&error),
    };
    let more = found.len() > ASIDE_ROWS;
    found.truncate(ASIDE_ROWS);
    let roster = async { state.staff.roster(&mut *state.pool.acquire().await?).await };
    let roster = match roster.await {
        Ok(roster) => roster,
        Err(error) => return trouble(&error),
    };
    let name_of = |id: WorkerId| {
        roster.people.get(&id).map_or_else(|| "một người không còn làm ở đây".to_owned(), |w| w.name.to_string())
    };
    let row = |set_aside: SetAside| AsideRow {
        id: set_aside.id,
        author: name_of(set_aside.author),
        received_at: set_aside.received_at,
        why: because(&set_aside.why),
        restricted: set_aside.restricted,
        code: set_aside.code.as_ref().map(ToString::to_string),
        may_take: set_aside.may_take,
        content: set_aside.change.as_ref().map(|change| reading(change, &roster.rules.places, &name_of)),
        put_away: set_aside.put_away.map(|(by, away)| (name_of(by), away.at, away.reason)),
    };
    let rows = found.into_iter().map(row).collect();
    let given_up = match state.registry.given_up(worker.id, ASIDE_ROWS, Timestamp(now_ms())).await {
        Ok(given_up) => given_up,
        Err(error) => return unavailable(&error),
    };
    let given_up_row = |given_up: GivenUp| GivenUpRow {
        author: name_of(given_up.author),
        received_at: given_up.received_at,
        reason: given_up.reason,
        restricted: given_up.restricted,
        code: given_up.code.as_ref().map(ToString::to_string),
        content: given_up.change.as_ref().map(|change| reading(change, &roster.rules.places, &name_of)),
    };
    let is_away = which == Which::PutAway;
    let given_up = given_up.into_iter().filter(|_| !is_away).map(given_up_row).collect();
    Html(app::office::aside(&assets(state), AsidePage { worker, rows, more, given_up, said, is_away })).into_response()
}

fn because(why: &Why) -> String {
    match why {
        Why::Rights => "Khi xã nhận, người này không có quyền ở hồ sơ này.".to_owned(),
        Why::Unknown => "Máy người ghi dùng bản mới hơn. Xã cập nhật xong, mục này tự vào hồ sơ.".to_owned(),
        Why::Damaged => "Xã không đọc được một phần đã lưu của hồ sơ này. Xin báo người quản trị.".to_owned(),
        Why::BuiltOn => "Mục này dựa trên một điều đã cất đi. Lấy lại điều ấy thì mục này tự chờ tiếp.".to_owned(),
        Why::Letter(why) => {
            let why = app::text::refusal(why, None, app::text::Lang::Vi.words());
            format!("Mục này đến bằng thư, người ghi chưa kịp sửa. {why}")
        }
        Why::Refused(why) => {
            let why = app::text::refusal(why, None, app::text::Lang::Vi.words());
            format!("Mục này đã chờ một điều đến trước; khi điều ấy đến thì: {why}")
        }
    }
}

fn unavailable(error: &ApiError) -> Response {
    trouble(&anyhow::anyhow!("the registry: {error}"))
}

async fn load_home(state: &AppState, headers: &HeaderMap) -> Result<Option<Home>> {
    let now_ms = now_ms();
    let Some(worker) = session::find_office(&state.staff, headers, now_ms).await? else { return Ok(None) };
    let (people, sessions) = sqlx::query_as::<_, (i64, i64)>(
        "select (select count(*) from worker_login where disabled_at is null),
                (select count(*) from session where expires_at > $1)",
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
    let set_aside = match worker.has(Role::Supervisor) {
        true => Some(state.registry.count_aside(worker.id, ASIDE_ROWS, Timestamp(now_ms)).await?),
        false => None,
    };
    Ok(Some(Home {
        worker,
        set_aside,
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
