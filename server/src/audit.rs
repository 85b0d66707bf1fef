//! Who read or changed what must be answered for: an append-only chain per log. It knows no content.

use anyhow::Result;
use domain::{LogId, Timestamp};

use crate::database::Connection;
use crate::seal::Seal;

/// One line of the audit.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    pub at: Timestamp,
    /// Whoever did it; empty when it was done at the office's own machine.
    pub worker: String,
    pub device: String,
    pub what: &'a str,
    /// Ids only.
    pub about: String,
}

/// Reads of a restricted case.
pub const READ: &str = "restricted_read";
/// A change accepted by rights that had ended.
pub const LATE: &str = "late_accepted";
/// A change set aside.
pub const SET_ASIDE: &str = "quarantined";
/// What was set aside was taken into its case, or put away for a reason.
pub const TAKEN: &str = "quarantine_taken";
pub const PUT_AWAY: &str = "quarantine_put_away";
/// Given up by its own writer.
pub const DROPPED: &str = "dropped";
/// What was put away waits for a decision again.
pub const PUT_BACK: &str = "quarantine_put_back";
/// Somebody's roles and areas.
pub const RIGHTS: &str = "rights_changed";
/// All of somebody's roles taken away with their log-in, and given back.
pub const REVOKED: &str = "rights_revoked";
pub const RESTORED: &str = "rights_restored";
pub const OFFICERS: &str = "officers_changed";
/// A list of people on duty.
pub const DUTY: &str = "duty_changed";
/// Somebody on duty was told of an emergency that nobody had seen, or could not be reached.
pub const DUTY_TOLD: &str = "duty_told";
pub const DUTY_NOT_REACHED: &str = "duty_not_reached";
pub const IMPORTED: &str = "places_imported";

pub async fn append(connection: &mut Connection, seal: &Seal, log: &LogId, line: &Line<'_>) -> Result<()> {
    let log = log.to_string();
    let last = sqlx::query_as::<_, (i64, Vec<u8>)>("select n, chain from audit where log = $1 order by n desc limit 1")
        .bind(&log)
        .fetch_optional(&mut *connection)
        .await?;
    let (n, before) = last.map_or((1, vec![]), |(n, chain)| (n + 1, chain));
    let chain = link(seal, &before, &log, n, line);
    sqlx::query(
        "insert into audit (log, n, at, worker_id, device, what, about, chain) values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&log)
    .bind(n)
    .bind(line.at.0)
    .bind(&line.worker)
    .bind(&line.device)
    .bind(line.what)
    .bind(&line.about)
    .bind(chain)
    .execute(connection)
    .await?;
    Ok(())
}

fn link(seal: &Seal, before: &[u8], log: &str, n: i64, line: &Line<'_>) -> Vec<u8> {
    seal.hash(&[
        b"audit",
        before,
        log.as_bytes(),
        &n.to_be_bytes(),
        &line.at.0.to_be_bytes(),
        line.worker.as_bytes(),
        line.device.as_bytes(),
        line.what.as_bytes(),
        line.about.as_bytes(),
    ])
}

/// Lines whose hash does not follow from the ones before, as `log n`; and how many lines there are.
pub async fn verify(connection: &mut Connection, seal: &Seal) -> Result<(u64, Vec<String>)> {
    type Row = (String, i64, i64, String, String, String, String, Vec<u8>);
    let rows =
        sqlx::query_as::<_, Row>("select log, n, at, worker_id, device, what, about, chain from audit order by log, n")
            .fetch_all(connection)
            .await?;
    let mut broken = Vec::new();
    let (mut of, mut last, mut before) = (String::new(), 0, Vec::new());
    let count = rows.len() as u64;
    for (log, n, at, worker, device, what, about, chain) in rows {
        if log != of {
            (of, last, before) = (log.clone(), 0, Vec::new());
        }
        let line = Line { at: Timestamp(at), worker, device, what: &what, about };
        if n != last + 1 || chain != link(seal, &before, &log, n, &line) {
            broken.push(format!("{log} {n}"));
        }
        (last, before) = (n, chain);
    }
    Ok((count, broken))
}
