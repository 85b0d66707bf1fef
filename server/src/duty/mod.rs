//! Duty: tells whoever is on duty of an emergency that nobody has seen, one after the other, until somebody looks. It knows
//! when and by which way; who and in which order is `domain::duty`'s to say, and what is said holds nothing of the case.
//!
//! All of it is in the database, so that it survives any end of the process: an emergency has its row until it is seen, each
//! step one under its number (nobody makes the same twice), each way of a step one that is claimed before it is tried. What
//! was claimed and not answered is tried again: a call is made at least once, and carries a name by which the other side can
//! tell it from a new one. One server at a time does this, by a lease; that only spares work, rows decide.
//!
//! # Layout
//! - [`vapid`]: the office's name towards push services; `ways`: calls to phones and to the SMS gateway
//! - [`subscription`]: where phones are called; [`list`]: who is on duty, and the verbs of the command line

pub mod list;
pub mod subscription;
pub mod vapid;
mod ways;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use domain::duty::{self, Next, OFFICE, Outcome, Step};
use domain::{ChangeId, LogId, Reach, Subject, Timestamp, WorkerId, limits};

use crate::database::{self, Pool, Tries};
use crate::observe::Counts;
use crate::outgoing::Outgoing;
use crate::registry::{Alert, list_what_stands, note_alert};
use crate::staff::{Roster, Staff};

/// How long a server that vanished keeps the others from taking over.
const LEASE_MS: i64 = 20_000;
/// Emergencies looked at in one round; a province has a few at a time, the oldest come first.
const AT_A_TIME: i64 = 500;
/// Phones of one person that are called: more are forgotten ones.
const MOST_PHONES: usize = 10;

/// What the operator decided.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long somebody has to look before the next is told.
    pub wait_ms: i64,
    /// Whom push services may write to: `mailto:` or `https:`.
    pub contact: Option<String>,
    pub sms: Option<Sms>,
}

/// The SMS gateway.
#[derive(Clone)]
pub struct Sms {
    pub url: String,
    /// Signs what is sent, so that the gateway knows its office.
    pub secret: Option<String>,
}

impl std::fmt::Debug for Sms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sms(…)")
    }
}

#[derive(Debug)]
pub struct Duty {
    staff: Staff,
    counts: Arc<Counts>,
    outgoing: Outgoing,
    settings: Settings,
    /// Names this process in the lease.
    holder: String,
    /// What stood before the office could call is on the list.
    listed: AtomicBool,
}

/// The key of an emergency and of everything done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Emergency {
    log: String,
    subject: String,
    change: String,
}

/// A step that is under way.
#[derive(Clone, Debug)]
struct Told {
    of: Emergency,
    step: i64,
    worker: WorkerId,
    at: Timestamp,
    change: ChangeId,
}

impl Duty {
    /// # Errors
    /// Only when the system gives no randomness.
    pub fn new(staff: Staff, counts: Arc<Counts>, outgoing: Outgoing, settings: Settings) -> Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        Ok(Self {
            staff,
            counts,
            outgoing,
            settings,
            holder: crate::seal::hex(&random),
            listed: AtomicBool::new(false),
        })
    }

    /// Does what is due at `now`: tells whoever is next, calls, notes what came of it. Nothing when another server does it.
    ///
    /// # Errors
    /// The database. What was not done is due the next time.
    pub async fn tick(&self, now: Timestamp) -> Result<()> {
        if !self.take_lease(now).await? {
            return Ok(());
        }
        if !self.listed.load(Ordering::Relaxed) {
            match list_what_stands(&self.staff, now).await {
                Ok(found) => {
                    self.listed.store(true, Ordering::Relaxed);
                    if found > 0 {
                        tracing::info!("{found} emergencies from before are called about");
                    }
                }
                // Those that are on the list are called about all the same.
                Err(error) => tracing::error!("emergencies from before were not listed: {error:#}"),
            }
        }
        self.tell_the_next(now).await?;
        self.call(now).await?;
        self.settle(now).await
    }

    /// Lets another server take over at once.
    ///
    /// # Errors
    /// The database; then it takes over when the lease ends.
    pub async fn stop(&self) -> Result<()> {
        sqlx::query("delete from lease where name = 'duty' and holder = $1")
            .bind(&self.holder)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    fn pool(&self) -> &Pool {
        &self.staff.pool
    }

    async fn take_lease(&self, now: Timestamp) -> Result<bool> {
        let taken = sqlx::query(
            "insert into lease (name, holder, held_until) values ('duty', $1, $2)
             on conflict (name) do update set holder = $1, held_until = $2
             where lease.holder = $1 or lease.held_until <= $3",
        )
        .bind(&self.holder)
        .bind(now.0 + LEASE_MS)
        .bind(now.0)
        .execute(self.pool())
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    async fn roster(&self) -> Result<Arc<Roster>> {
        let mut connection = self.pool().acquire().await?;
        self.staff.roster(&mut connection).await
    }

    async fn tell_the_next(&self, now: Timestamp) -> Result<()> {
        let roster = self.roster().await?;
        let rows = sqlx::query_as::<_, (String, String, String, i64, String, Option<String>)>(
            "select emergency.log, emergency.subject, emergency.change_id, emergency.since, emergency.by_worker,
                    subject.reach
             from emergency join subject on subject.log = emergency.log and subject.subject = emergency.subject
             where emergency.since <= $1 and emergency.since >= $2 order by emergency.since, emergency.subject limit $3",
        )
        .bind(now.0 - self.settings.wait_ms)
        .bind(now.0 - limits::DUTY_DAYS * 24 * 3_600_000)
        .bind(AT_A_TIME)
        .fetch_all(self.pool())
        .await?;
        for (log, subject, change, since, by, reach) in rows {
            let of = Emergency { log, subject, change };
            let told = async {
                let Some(reach) = reach.as_deref().and_then(|reach| serde_json::from_str::<Reach>(reach).ok()) else {
                    return Ok(());
                };
                let line = duty::line(&reach, by.parse()?, &roster.duty, &roster.rules);
                self.tell_of(&of, Timestamp(since), &line, &roster, now).await
            };
            // One that cannot be read must not keep the others from help.
            if let Err(error) = told.await {
                tracing::error!("an emergency could not be passed on: {error:#}");
            }
        }
        Ok(())
    }

    async fn tell_of(
        &self,
        of: &Emergency,
        since: Timestamp,
        line: &[WorkerId],
        roster: &Roster,
        now: Timestamp,
    ) -> Result<()> {
        let mut steps = self.steps(of).await?;
        // Whoever cannot be reached is passed over at once, so that this may be several.
        for _ in 0..=line.len() {
            let Next::Tell(worker) = duty::next(line, &steps, since, self.settings.wait_ms, now) else { break };
            let has_phone = roster.people.get(&worker).is_some_and(|w| w.phone.is_some());
            let told = Told {
                of: of.clone(),
                step: i64::try_from(steps.len())?,
                worker,
                at: now,
                change: ChangeId::at(now.0.unsigned_abs(), random()?),
            };
            let Some(ways) = self.begin_step(&told, has_phone, now).await? else { break };
            if ways > 0 {
                break;
            }
            self.note(&told, Outcome::Failed, &steps, now).await?;
            steps.push(Step { worker, at: now, outcome: Outcome::Failed });
        }
        Ok(())
    }

    async fn steps(&self, of: &Emergency) -> Result<Vec<Step>> {
        let rows = sqlx::query_as::<_, (String, i64, String)>(
            "select worker_id, at, outcome from duty_step
             where log = $1 and subject = $2 and emergency = $3 order by step",
        )
        .bind(&of.log)
        .bind(&of.subject)
        .bind(&of.change)
        .fetch_all(self.pool())
        .await?;
        let step = |(worker, at, outcome): (String, i64, String)| {
            let outcome = match outcome.as_str() {
                "trying" => Outcome::Trying,
                "reached" => Outcome::Reached,
                _ => Outcome::Failed,
            };
            Ok(Step { worker: worker.parse()?, at: Timestamp(at), outcome })
        };
        rows.into_iter().map(step).collect()
    }

    /// Writes a step with its ways, if the emergency is still unseen and no other server was faster. Returns how many ways
    /// there are.
    async fn begin_step(&self, told: &Told, has_phone: bool, now: Timestamp) -> Result<Option<usize>> {
        let mut tries = Tries::default();
        loop {
            match self.begin_step_once(told, has_phone, now).await {
                Err(error) if tries.again(&error).await => {}
                done => return done,
            }
        }
    }

    async fn begin_step_once(&self, told: &Told, has_phone: bool, now: Timestamp) -> Result<Option<usize>> {
        let mut transaction = database::begin(self.pool()).await?;
        let of = &told.of;
        let unseen =
            sqlx::query_scalar::<_, i64>("select 1 from emergency where log = $1 and subject = $2 and change_id = $3")
                .bind(&of.log)
                .bind(&of.subject)
                .bind(&of.change)
                .fetch_optional(&mut *transaction)
                .await?;
        if unseen.is_none() {
            return Ok(None);
        }
        let made = sqlx::query(
            "insert into duty_step (log, subject, emergency, step, worker_id, at, change_id, outcome)
             values ($1, $2, $3, $4, $5, $6, $7, 'trying') on conflict do nothing",
        )
        .bind(&of.log)
        .bind(&of.subject)
        .bind(&of.change)
        .bind(told.step)
        .bind(told.worker.to_string())
        .bind(now.0)
        .bind(told.change.to_string())
        .execute(&mut *transaction)
        .await?;
        if made.rows_affected() == 0 {
            return Ok(None);
        }
        let phones = subscription::of_worker(&mut transaction, told.worker, MOST_PHONES, now).await?;
        let mut ways: Vec<String> = phones.iter().map(|endpoint| format!("push:{endpoint}")).collect();
        if has_phone && self.settings.sms.is_some() {
            ways.push("sms".to_owned());
        }
        for way in &ways {
            sqlx::query(
                "insert into duty_send (log, subject, emergency, step, way, tries, next_at, outcome, status)
                 values ($1, $2, $3, $4, $5, 0, $6, 'trying', 0)",
            )
            .bind(&of.log)
            .bind(&of.subject)
            .bind(&of.change)
            .bind(told.step)
            .bind(way.as_str())
            .bind(now.0)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(Some(ways.len()))
    }

    /// Notes what came of steps: reached as soon as one way took it, failed when none is left.
    async fn settle(&self, now: Timestamp) -> Result<()> {
        type Row = (String, String, String, i64, String, i64, String, Option<String>);
        let rows = sqlx::query_as::<_, Row>(
            "select duty_step.log, duty_step.subject, duty_step.emergency, duty_step.step, duty_step.worker_id,
                    duty_step.at, duty_step.change_id, duty_send.outcome
             from duty_step left join duty_send
                  on duty_send.log = duty_step.log and duty_send.subject = duty_step.subject
                  and duty_send.emergency = duty_step.emergency and duty_send.step = duty_step.step
             where duty_step.outcome = 'trying'
             order by duty_step.at, duty_step.log, duty_step.subject, duty_step.emergency, duty_step.step",
        )
        .fetch_all(self.pool())
        .await?;
        let mut open: Vec<(Told, Vec<String>)> = Vec::new();
        for (log, subject, change, step, worker, at, change_id, outcome) in rows {
            let of = Emergency { log, subject, change };
            match open.last_mut() {
                Some((told, ways)) if told.of == of && told.step == step => ways.extend(outcome),
                _ => {
                    let (worker, change) = (worker.parse()?, change_id.parse()?);
                    open.push((Told { of, step, worker, at: Timestamp(at), change }, outcome.into_iter().collect()));
                }
            }
        }
        for (told, ways) in open {
            let has = |outcome: &str| ways.iter().any(|way| way == outcome);
            let settled = async {
                if has("sent") {
                    self.note(&told, Outcome::Reached, &[], now).await
                } else if has("trying") {
                    Ok(())
                } else if has("dropped") {
                    self.drop_step(&told, now).await
                } else {
                    let steps = self.steps(&told.of).await?;
                    let before = usize::try_from(told.step)?.min(steps.len());
                    self.note(&told, Outcome::Failed, &steps[..before], now).await
                }
            };
            if let Err(error) = settled.await {
                tracing::error!("what came of a call to duty could not be noted: {error:#}");
            }
        }
        Ok(())
    }

    /// Somebody looked before anybody was reached: nothing to tell of.
    async fn drop_step(&self, told: &Told, now: Timestamp) -> Result<()> {
        sqlx::query(
            "update duty_step set outcome = 'dropped', settled_at = $5
             where log = $1 and subject = $2 and emergency = $3 and step = $4 and outcome = 'trying'",
        )
        .bind(&told.of.log)
        .bind(&told.of.subject)
        .bind(&told.of.change)
        .bind(told.step)
        .bind(now.0)
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Notes what came of a step, in the case's history too: whoever sent the emergency reads there that somebody was told.
    /// That the same person could not be reached stands there once.
    async fn note(&self, told: &Told, outcome: Outcome, before: &[Step], now: Timestamp) -> Result<()> {
        let reached = outcome == Outcome::Reached;
        let known = |s: &Step| s.worker == told.worker && s.outcome == Outcome::Failed;
        let alert = Alert {
            log: told.of.log.parse::<LogId>()?,
            subject: told.of.subject.parse::<Subject>()?,
            emergency: told.of.change.parse()?,
            step: told.step,
            id: told.change,
            at: told.at,
            by: OFFICE,
            whom: told.worker,
            reached,
            in_history: reached || !before.iter().any(known),
        };
        note_alert(&self.staff, &alert, now).await?;
        Counts::add(if reached { &self.counts.duty_reached } else { &self.counts.duty_failed });
        Ok(())
    }
}

fn random() -> Result<[u8; 10]> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
