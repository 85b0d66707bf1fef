//! Start, serve, stop: knows what the office is made of and in which order it comes and goes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use domain::Timestamp;
use tokio::net::TcpListener;

use crate::assets::Site;
use crate::config::Serve;
use crate::database::Pool;
use crate::defect::caught;
use crate::duty::Duty;
use crate::login::Login;
use crate::observe::Counts;
use crate::outgoing::Outgoing;
use crate::registry::SqlRegistry;
use crate::shell::Shell;
use crate::staff::Staff;
use crate::{database, demo, letters, login, photo, routes, session};

const TIDY_EVERY: Duration = Duration::from_secs(3600);
/// An emergency waits for minutes; a look every few seconds costs one small statement.
const DUTY_EVERY: Duration = Duration::from_secs(5);
/// Calls under way may finish; whoever holds a connection open longer is cut off, and repeats.
const LONGEST_GOODBYE: Duration = Duration::from_secs(10);

/// What every handler can reach.
#[derive(Clone, Debug)]
pub struct AppState {
    pub pool: Pool,
    pub staff: Staff,
    pub registry: Arc<SqlRegistry>,
    pub site: Arc<Site>,
    pub shell: Arc<Shell>,
    pub login: Arc<Login>,
    pub counts: Arc<Counts>,
    pub photos: Arc<photo::Gate>,
    pub post: Arc<letters::Gate>,
    pub behind_proxy: bool,
    pub outgoing: Outgoing,
}

/// Opens everything an office needs, without listening.
pub async fn open(config: &Serve) -> Result<AppState> {
    if config.demo && !config.listen.ip().is_loopback() {
        bail!("--demo has public passwords and listens on this machine only: use --listen 127.0.0.1:PORT");
    }
    let site = Arc::new(Site::load(&config.site)?);
    let staff = config.store.open(config.demo).await?;
    let registry = SqlRegistry::start(staff.clone());
    let counts = Arc::new(Counts::default());
    let state = AppState {
        shell: Arc::new(Shell::new(&site)),
        site,
        login: Arc::new(Login::new(staff.clone(), counts.clone())?),
        counts,
        post: Arc::default(),
        pool: staff.pool.clone(),
        staff,
        registry,
        photos: Arc::default(),
        behind_proxy: config.behind_proxy,
        outgoing: Outgoing::new(config.alarm.push_anywhere),
    };
    if config.demo {
        demo::fill(&state.registry, Timestamp(database::now_ms())).await.context("the demo could not be filled")?;
    }
    if let Ok(found @ 1..) = state.registry.retry_unknown(Timestamp(database::now_ms())).await {
        tracing::info!("{found} changes that an older version did not know found their place");
    }
    Ok(state)
}

pub async fn serve(config: Serve) -> Result<()> {
    let state = open(&config).await?;
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    tracing::info!("serving build {} on http://{address}", state.site.build);
    if config.demo {
        demo::say(address);
    }
    let tidying = tokio::spawn(tidy(state.pool.clone()));
    let pool = state.pool.clone();
    let (staff, counts) = (state.staff.clone(), state.counts.clone());
    let duty = Arc::new(Duty::new(staff, counts, state.outgoing.clone(), config.alarm.settings())?);
    let watching = tokio::spawn(watch(Arc::clone(&duty)));
    run(listener, routes::router(state)).await?;
    tidying.abort();
    // A call that is cut off here is made again by whoever comes next.
    watching.abort();
    if let Err(error) = duty.stop().await {
        tracing::warn!("duty was not handed over: {error:#}");
    }
    pool.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn run(listener: TcpListener, router: Router) -> Result<()> {
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let serving = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            told_to_stop().await;
            stopping.send(true).ok();
        });
    let goodbye = async move {
        // A closed channel means that serving has ended by itself.
        if stopped.wait_for(|told| *told).await.is_ok() {
            tracing::info!("stopping");
            tokio::time::sleep(LONGEST_GOODBYE).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        ended = serving.into_future() => ended.context("serving failed"),
        () = goodbye => Ok(()),
    }
}

async fn told_to_stop() {
    let interrupted = async {
        tokio::signal::ctrl_c().await.expect("a signal handler can be installed once");
    };
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).expect("a signal handler can be installed once").recv().await;
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

async fn watch(duty: Arc<Duty>) {
    let mut moment = tokio::time::interval(DUTY_EVERY);
    moment.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        moment.tick().await;
        if let Err(error) = caught(duty.tick(Timestamp(database::now_ms()))).await {
            tracing::warn!("duty could not be looked after: {error:#}");
        }
    }
}

async fn tidy(pool: Pool) {
    let mut hour = tokio::time::interval(TIDY_EVERY);
    loop {
        hour.tick().await;
        let now_ms = database::now_ms();
        for tidied in [caught(session::tidy(&pool, now_ms)).await, caught(login::tidy(&pool, now_ms)).await] {
            if let Err(error) = tidied {
                tracing::warn!("tidying failed: {error:#}");
            }
        }
    }
}
