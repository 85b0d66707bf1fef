//! Changing what somebody may do: written together with what their phones must now show or forget.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use domain::office::{Sight, follows};
use domain::{ChangeId, LogId, Reach, Subject, Timestamp, Worker};

use super::write::Writing;
use crate::audit;
use crate::database::{self, Tries};
use crate::staff::{self, Roster, Staff};

/// Writes a person with their roles and areas, new or changed. Each case they now see, or no longer see, is told to
/// their phones.
///
/// # Errors
/// The database; then nothing was written.
pub async fn employ(staff: &Staff, worker: &Worker, now: Timestamp) -> Result<()> {
    let mut tries = Tries::default();
    loop {
        match employ_once(staff, worker, now).await {
            Err(error) if tries.again(&error).await => {}
            done => return done,
        }
    }
}

async fn employ_once(staff: &Staff, worker: &Worker, now: Timestamp) -> Result<()> {
    let mut transaction = database::begin(&staff.pool).await?;
    // From here on no push is judged by the old rights.
    staff::touch(&mut transaction).await?;
    let before = Roster::load(&mut transaction, &staff.seal).await?;
    staff::put_worker(&mut transaction, &staff.seal, worker, now.0).await?;
    let after = Arc::new(Roster::load(&mut transaction, &staff.seal).await?);
    let mut writing = Writing::new(&mut transaction, &staff.seal, Arc::clone(&after));
    if before.grants(worker.id) != after.grants(worker.id) {
        tell(&mut writing, &before, &after, worker, now).await?;
        let line = audit::Line {
            at: now,
            worker: String::new(),
            device: String::new(),
            what: audit::RIGHTS,
            about: worker.id.to_string(),
        };
        writing.audit(&LogId::Worker(worker.id), line);
    }
    writing.finish().await?;
    transaction.commit().await?;
    Ok(())
}

async fn tell(
    writing: &mut Writing<'_>,
    before: &Roster,
    after: &Roster,
    worker: &Worker,
    now: Timestamp,
) -> Result<()> {
    let is_new = !before.people.contains_key(&worker.id);
    let (old, new) = (before.grants(worker.id).to_vec(), after.grants(worker.id).to_vec());
    let facilities = |grants: &[domain::Grant]| -> BTreeSet<_> { grants.iter().filter_map(|g| g.facility).collect() };
    let mut moved = BTreeSet::new();
    for facility in facilities(&old).symmetric_difference(&facilities(&new)) {
        let rows = sqlx::query_scalar::<_, String>("select distinct subject from part where log = $1")
            .bind(LogId::Facility(*facility).to_string())
            .fetch_all(&mut *writing.connection)
            .await?;
        moved.extend(rows);
    }
    let rows = sqlx::query_as::<_, (String, String, String)>(
        "select log, subject, reach from subject where reach is not null order by log, subject",
    )
    .fetch_all(&mut *writing.connection)
    .await?;
    // Their phones have never asked for anything: followed logs bring what is there.
    let mark = ChangeId::at(now.0.unsigned_abs(), random()?);
    for (log, subject, reach) in rows {
        let Ok(Subject::Case(case)) = subject.parse() else { continue };
        let reach: Reach = serde_json::from_str(&reach)?;
        let log: LogId = log.parse()?;
        let saw = reach.is_seen_by(worker.id, &old, &before.rules.places);
        let sees = reach.is_seen_by(worker.id, &new, &after.rules.places);
        let comes_by_itself = is_new && follows(worker.id, &new, &log, &after.rules.places);
        if (saw != sees && !(sees && comes_by_itself)) || (!is_new && moved.contains(&subject)) {
            let sight = Sight { worker: worker.id, shown: sees };
            writing.put_sight(&sight, Subject::Case(case), &log, mark);
        }
    }
    Ok(())
}

fn random() -> Result<[u8; 10]> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
