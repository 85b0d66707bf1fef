//! What the registry has to do with duty: which emergency nobody has seen follows from each change, and that somebody was
//! told of it is written into the case by the office itself. It knows no way to reach anybody.

use anyhow::Result;
use domain::duty::{OFFICE_DEVICE, Unseen, unseen};
use domain::office::opening_of;
use domain::{Body, Change, ChangeId, Entry, Fixed, LogId, Parts, Receipt, Subject, Timestamp, WorkerId, limits};

use super::write::{Writing, digest};
use crate::audit;
use crate::database::{self, Tries};
use crate::staff::Staff;

/// Somebody was told of an emergency, or could not be reached.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    pub(crate) log: LogId,
    pub(crate) subject: Subject,
    /// The change that told of the emergency.
    pub(crate) emergency: ChangeId,
    pub(crate) step: i64,
    /// Under which the case's history says so.
    pub(crate) id: ChangeId,
    pub(crate) at: Timestamp,
    pub(crate) by: WorkerId,
    pub(crate) whom: WorkerId,
    pub(crate) reached: bool,
    pub(crate) in_history: bool,
}

impl Writing<'_> {
    /// Keeps the list of emergencies that nobody has seen true to the parts.
    pub(super) async fn put_emergency(
        &mut self,
        log: &LogId,
        subject: Subject,
        before: &Parts,
        after: &Parts,
    ) -> Result<()> {
        match unseen(after, &self.roster.rules) {
            // Also where nothing of it has changed: what stood before there was this list has no row yet.
            Some(is) => self.raise(log, subject, is).await,
            None if unseen(before, &self.roster.rules).is_some() => {
                sqlx::query("delete from emergency where log = $1 and subject = $2")
                    .bind(log.to_string())
                    .bind(subject.to_string())
                    .execute(&mut *self.connection)
                    .await?;
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn raise(&mut self, log: &LogId, subject: Subject, unseen: Unseen) -> Result<()> {
        sqlx::query(
            "insert into emergency (log, subject, change_id, since, by_worker) values ($1, $2, $3, $4, $5)
             on conflict (log, subject) do update set change_id = $3, since = $4, by_worker = $5",
        )
        .bind(log.to_string())
        .bind(subject.to_string())
        .bind(unseen.change.to_string())
        .bind(unseen.since.0)
        .bind(unseen.by.to_string())
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }
}

/// Cases looked through in one transaction: pushes wait for no more.
const CASES: usize = 100;

/// Puts emergencies onto the list that were received before there was one, once for a database: of those that are still
/// called about. Returns how many there are.
///
/// # Errors
/// The database. What was not done is done the next time.
pub(crate) async fn list_what_stands(staff: &Staff, now: Timestamp) -> Result<u64> {
    const DONE: &str = "select count(*) from office where name = 'emergencies_listed'";
    if sqlx::query_scalar::<_, i64>(DONE).fetch_one(&staff.pool).await? > 0 {
        return Ok(0);
    }
    let subjects = sqlx::query_scalar::<_, String>(
        "select distinct subject from change where received_at >= $1 and subject like 'case:%' order by subject",
    )
    .bind(now.0 - limits::DUTY_DAYS * 24 * 3_600_000)
    .fetch_all(&staff.pool)
    .await?;
    let mut found = 0;
    for some in subjects.chunks(CASES) {
        let mut tries = Tries::default();
        found += loop {
            match list_once(staff, some).await {
                Err(error) if tries.again(&error).await => {}
                done => break done?,
            }
        };
    }
    sqlx::query("insert into office (name, value) values ('emergencies_listed', $1) on conflict (name) do nothing")
        .bind(now.0.to_string())
        .execute(&staff.pool)
        .await?;
    Ok(found)
}

async fn list_once(staff: &Staff, subjects: &[String]) -> Result<u64> {
    let mut transaction = database::begin(&staff.pool).await?;
    let roster = staff.hold_roster(&mut transaction).await?;
    let mut writing = Writing::new(&mut transaction, &staff.seal, roster);
    let subjects = subjects.iter().map(|subject| Ok(subject.parse()?)).collect::<Result<Vec<Subject>>>()?;
    writing.take_turns(subjects.iter().map(|subject| opening_of(*subject).to_string()).collect()).await?;
    let mut found = 0;
    for subject in subjects {
        // One that cannot be opened must not keep the others from help.
        let Ok(held) = writing.hold(subject).await?.cloned() else { continue };
        if let (Some(log), Some(is)) = (&held.log, unseen(&held.parts, &writing.roster.rules)) {
            writing.raise(log, subject, is).await?;
            found += 1;
        }
    }
    writing.finish().await?;
    transaction.commit().await?;
    Ok(found)
}

/// Notes what came of a step, once: in its row, in the audit and, if it is to be read there, in the case's history.
///
/// # Errors
/// The database; then nothing was written.
pub(crate) async fn note_alert(staff: &Staff, alert: &Alert, now: Timestamp) -> Result<()> {
    let mut tries = Tries::default();
    loop {
        match note_once(staff, alert, now).await {
            Err(error) if tries.again(&error).await => {}
            done => return done,
        }
    }
}

async fn note_once(staff: &Staff, alert: &Alert, now: Timestamp) -> Result<()> {
    let mut transaction = database::begin(&staff.pool).await?;
    let roster = staff.hold_roster(&mut transaction).await?;
    let mut writing = Writing::new(&mut transaction, &staff.seal, roster);
    writing.take_turns([opening_of(alert.subject).to_string(), alert.id.to_string()].into()).await?;
    let outcome = if alert.reached { "reached" } else { "failed" };
    let noted = sqlx::query(
        "update duty_step set outcome = $5, settled_at = $6
         where log = $1 and subject = $2 and emergency = $3 and step = $4 and outcome = 'trying'",
    )
    .bind(alert.log.to_string())
    .bind(alert.subject.to_string())
    .bind(alert.emergency.to_string())
    .bind(alert.step)
    .bind(outcome)
    .bind(now.0)
    .execute(&mut *writing.connection)
    .await?;
    if noted.rows_affected() == 0 {
        // Another server noted it.
        return Ok(());
    }
    // What is stored of the case cannot be opened: the audit holds what happened all the same.
    if alert.in_history && writing.hold(alert.subject).await?.is_ok() {
        let change = Change {
            v: limits::PROTOCOL_VERSION,
            id: alert.id,
            log: alert.log.clone(),
            subject: alert.subject,
            author: alert.by,
            device: OFFICE_DEVICE,
            n: alert.step.unsigned_abs(),
            recorded_at: alert.at,
            replaces: None,
            body: Body::DutyAlerted { whom: alert.whom, reached: alert.reached },
        };
        let digest = digest(&staff.seal, &change)?;
        let receipt = Receipt { received_at: now, late: false, fixed: Fixed::default() };
        writing.accept(&Entry { change, receipt: Some(receipt) }, &digest).await?;
    }
    let line = audit::Line {
        at: now,
        worker: String::new(),
        device: String::new(),
        what: if alert.reached { audit::DUTY_TOLD } else { audit::DUTY_NOT_REACHED },
        about: format!("{} step {} {}", alert.subject, alert.step + 1, alert.whom),
    };
    writing.audit(&alert.log, line);
    writing.finish().await?;
    transaction.commit().await?;
    Ok(())
}
