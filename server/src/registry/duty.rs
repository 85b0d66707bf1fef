//! What the registry has to do with duty: which emergency nobody has seen follows from each change, and that somebody was
//! told of it is written into the case by the office itself. It knows no way to reach anybody.

use anyhow::Result;
use domain::duty::{OFFICE_DEVICE, unseen};
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
        let (was, is) = (unseen(before, &self.roster.rules), unseen(after, &self.roster.rules));
        if was == is {
            return Ok(());
        }
        let query = match is {
            None => sqlx::query("delete from emergency where log = $1 and subject = $2"),
            Some(_) => sqlx::query(
                "insert into emergency (log, subject, change_id, since, by_worker) values ($1, $2, $3, $4, $5)
                 on conflict (log, subject) do update set change_id = $3, since = $4, by_worker = $5",
            ),
        };
        let mut query = query.bind(log.to_string()).bind(subject.to_string());
        if let Some(unseen) = is {
            query = query.bind(unseen.change.to_string()).bind(unseen.since.0).bind(unseen.by.to_string());
        }
        query.execute(&mut *self.connection).await?;
        Ok(())
    }
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
