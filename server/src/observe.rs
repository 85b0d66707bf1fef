//! How calls go, in numbers and lines: knows routes, statuses and times; refuses to know people, addresses and ids.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tracing_subscriber::EnvFilter;

use crate::AppState;
use crate::config::LogForm;

#[derive(Debug, Default)]
pub struct Counts {
    /// By the first digit of the status, 1 to 5.
    answers: [AtomicU64; 5],
    answered_us: AtomicU64,
    pub log_ins: AtomicU64,
    pub failed_log_ins: AtomicU64,
    pub throttled_log_ins: AtomicU64,
    /// Steps by which somebody on duty was told of an emergency, and those that reached nobody.
    pub duty_reached: AtomicU64,
    pub duty_failed: AtomicU64,
}

impl Counts {
    pub fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn answered(&self, status: u16, started: Instant) {
        if let Some(class) = self.answers.get(usize::from(status / 100).saturating_sub(1)) {
            Self::add(class);
        }
        let us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.answered_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Lines of Prometheus' text format.
    pub fn write(&self, text: &mut String) {
        use std::fmt::Write as _;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut line = |args: std::fmt::Arguments<'_>| {
            text.write_fmt(args).expect("writing to a string cannot fail");
            text.push('\n');
        };
        line(format_args!("# TYPE cau_noi_answers_total counter"));
        for (class, count) in self.answers.iter().enumerate() {
            line(format_args!("cau_noi_answers_total{{class=\"{}xx\"}} {}", class + 1, read(count)));
        }
        line(format_args!("# TYPE cau_noi_answer_seconds summary"));
        #[expect(clippy::cast_precision_loss, reason = "a sum for a graph")]
        let seconds = read(&self.answered_us) as f64 / 1e6;
        line(format_args!("cau_noi_answer_seconds_sum {seconds}"));
        line(format_args!("cau_noi_answer_seconds_count {}", self.answers.iter().map(read).sum::<u64>()));
        line(format_args!("# TYPE cau_noi_log_ins_total counter"));
        for (how, count) in
            [("accepted", &self.log_ins), ("refused", &self.failed_log_ins), ("throttled", &self.throttled_log_ins)]
        {
            line(format_args!("cau_noi_log_ins_total{{answer=\"{how}\"}} {}", read(count)));
        }
        line(format_args!("# TYPE cau_noi_duty_total counter"));
        for (how, count) in [("reached", &self.duty_reached), ("failed", &self.duty_failed)] {
            line(format_args!("cau_noi_duty_total{{outcome=\"{how}\"}} {}", read(count)));
        }
    }
}

pub fn start_log(form: LogForm) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match form {
        LogForm::Text => log.with_target(false).init(),
        LogForm::Json => log.json().init(),
    }
}

/// One line and one count for each answer. The route is the pattern, never the address: addresses hold ids of cases.
pub async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    state.counts.answered(status, started);
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let ms = started.elapsed().as_millis();
    if status >= 500 {
        tracing::error!(%method, route, status, ms, "answered");
    } else {
        tracing::debug!(%method, route, status, ms, "answered");
    }
    response
}
