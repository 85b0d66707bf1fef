//! When a sync run is due: it knows what wakes it and how long to wait, not what a run does.

use domain::{ApiError, StoreError, sync};
use futures::{
    StreamExt,
    channel::mpsc,
    future::{Either, select},
};
use gloo_timers::future::TimeoutFuture;

use super::browser;

/// Between runs while somebody looks at the screen: an answer of the commune is seen within minutes.
const VISIBLE_MS: u32 = 180_000;
/// Between runs in the background.
const HIDDEN_MS: u32 = 900_000;
/// Until another tab's run is surely over, or its turn is taken over.
const BUSY_MS: u32 = 4_000;
/// After an error that only a person or an update ends.
const STUCK_MS: u32 = 600_000;

/// Why a run is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Somebody asked, logged in, came back, or the network did: at once, whatever failed before.
    Now,
    /// Something was written: at once, unless the last run failed; then when its wait is over.
    Written,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Another tab is at it.
    Busy,
    Failed(sync::SyncError),
}

/// The schedule of one person's runs; it ends when dropped.
#[derive(Debug)]
pub struct Rounds(mpsc::UnboundedSender<Wake>);

impl Rounds {
    /// Starts with a run at once.
    pub fn start(run: impl AsyncFn() -> Outcome + 'static) -> Self {
        let (sender, mut wakes) = mpsc::unbounded::<Wake>();
        wasm_bindgen_futures::spawn_local(async move {
            let mut failures = 0;
            loop {
                // What was wished until now, this run does; what is wished meanwhile wants another.
                let mut wait_ms = match run().await {
                    Outcome::Done => {
                        failures = 0;
                        let idle = if browser::is_visible() { VISIBLE_MS } else { HIDDEN_MS };
                        spread(idle)
                    }
                    Outcome::Busy => spread(BUSY_MS),
                    Outcome::Failed(error) => {
                        failures += 1;
                        wait_after(&error, failures, browser::chance())
                    }
                };
                loop {
                    let started = browser::now().0;
                    match select(wakes.next(), TimeoutFuture::new(wait_ms)).await {
                        Either::Left((None, _)) => return,
                        Either::Left((Some(Wake::Written), _)) if failures > 0 => {
                            let waited = u32::try_from(browser::now().0 - started).unwrap_or(0);
                            wait_ms = wait_ms.saturating_sub(waited);
                        }
                        Either::Left((Some(Wake::Now), _)) => {
                            failures = 0;
                            break;
                        }
                        Either::Left(_) | Either::Right(_) => break,
                    }
                }
                while wakes.try_recv().is_ok() {}
            }
        });
        Self(sender)
    }

    pub fn wake(&self, why: Wake) {
        // Nobody listens only when the page is ending.
        self.0.unbounded_send(why).ok();
    }
}

/// How long to wait after a run that failed.
#[must_use]
pub fn wait_after(error: &sync::SyncError, failures: u32, chance: f64) -> u32 {
    let backoff = sync::backoff_ms(failures, chance);
    match error {
        sync::SyncError::Office(ApiError::TooMany { seconds }) => backoff.max(seconds.saturating_mul(1_000)),
        sync::SyncError::Office(error) if error.is_retryable() => backoff,
        // What is damaged is mended by the next run.
        sync::SyncError::Store(StoreError::Closed | StoreError::Failed | StoreError::Damaged) => backoff,
        _ => backoff.max(STUCK_MS),
    }
}

/// So that phones that woke together do not stay together.
fn spread(ms: u32) -> u32 {
    (f64::from(ms) * (0.75 + browser::chance() / 2.0)) as u32
}
