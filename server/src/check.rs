//! `server check`: applies every change again and compares with what is stored; verifies counters, chains and seals. It
//! knows what must follow from the changes and changes nothing itself.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use domain::office::replay;
use domain::{Entry, LogId, Part, PartKey, Reach, Subject, access};

use crate::audit;
use crate::config::Store;
use crate::database::{self, Connection};
use crate::registry::photos;
use crate::registry::stored::{about_change, about_part, digest, hash_code, link};
use crate::seal::Seal;

/// What a check counted and what it found wrong.
#[derive(Debug, Default)]
pub struct Findings {
    pub subjects: u64,
    pub changes: u64,
    pub parts: u64,
    pub audit_lines: u64,
    pub waiting: u64,
    pub quarantined: u64,
    /// Photos of which all is there, and those of which something is still on a phone.
    pub photos: u64,
    pub awaited_photos: u64,
    pub wrong: Vec<String>,
}

#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
pub async fn check(store: &Store) -> Result<()> {
    let staff = store.open(false).await?;
    // All of it from one moment: the office may go on.
    let mut snapshot = database::begin_to_read(&staff.pool).await?;
    let found = find(&mut snapshot, &staff.seal).await?;
    println!(
        "{} subjects, {} changes, {} parts, {} lines of audit; {} changes wait, {} are set aside; {} photos, {} awaited",
        found.subjects,
        found.changes,
        found.parts,
        found.audit_lines,
        found.waiting,
        found.quarantined,
        found.photos,
        found.awaited_photos
    );
    for wrong in &found.wrong {
        println!("WRONG {wrong}");
    }
    if found.wrong.is_empty() { Ok(()) } else { bail!("{} things are wrong", found.wrong.len()) }
}

/// # Errors
/// Only when the database cannot be read; what is wrong in it is in the findings.
pub async fn find(connection: &mut Connection, seal: &Seal) -> Result<Findings> {
    let mut found = Findings::default();
    count(connection, &mut found).await?;
    logs(connection, seal, &mut found).await?;
    let subjects = sqlx::query_as::<_, (String, String, i64, Option<Vec<u8>>, Option<String>)>(
        "select log, subject, born, code, reach from subject order by log, subject",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (log, subject, born, code, reach) in subjects {
        found.subjects += 1;
        let row = Row { log, subject, born, code, reach };
        row.check(connection, seal, &mut found).await?;
    }
    let orphans = sqlx::query_scalar::<_, i64>(
        "select (select count(*) from change where not exists
                    (select 1 from subject where subject.log = change.log and subject.subject = change.subject))
              + (select count(*) from part where not exists
                    (select 1 from subject where subject.subject = part.subject))",
    )
    .fetch_one(&mut *connection)
    .await?;
    if orphans != 0 {
        found.wrong.push(format!("{orphans} rows belong to no subject"));
    }
    let photos = photos::check(connection).await?;
    (found.photos, found.awaited_photos) = (photos.whole, photos.awaited);
    found.wrong.extend(photos.wrong);
    let (lines, broken) = audit::verify(connection, seal).await?;
    found.audit_lines = lines;
    found.wrong.extend(broken.into_iter().map(|at| format!("audit {at}: does not follow from the line before")));
    Ok(found)
}

async fn count(connection: &mut Connection, found: &mut Findings) -> Result<()> {
    let (waiting, quarantined) = sqlx::query_as::<_, (i64, i64)>(
        "select (select count(*) from waiting), (select count(*) from quarantine where settled_at is null)",
    )
    .fetch_one(connection)
    .await?;
    (found.waiting, found.quarantined) = (u64::try_from(waiting)?, u64::try_from(quarantined)?);
    Ok(())
}

/// Every log counts 1, 2, 3 … to its counter, and the chain of its changes holds.
async fn logs(connection: &mut Connection, seal: &Seal, found: &mut Findings) -> Result<()> {
    let heads: BTreeMap<String, (i64, Vec<u8>)> =
        sqlx::query_as::<_, (String, i64, Vec<u8>)>("select log, seq, chain from log")
            .fetch_all(&mut *connection)
            .await?
            .into_iter()
            .map(|(log, seq, chain)| (log, (seq, chain)))
            .collect();
    let mut reached: BTreeMap<String, (i64, Vec<u8>)> = BTreeMap::new();
    let changes = sqlx::query_as::<_, (String, i64, String, Vec<u8>, Vec<u8>)>(
        "select log, seq, id, digest, chain from change order by log, seq",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (log, seq, id, digest, chain) in changes {
        found.changes += 1;
        let (last, before) = reached.remove(&log).unwrap_or_default();
        if seq != last + 1 {
            found.wrong.push(format!("{log}: {seq} stands after {last}"));
        }
        if chain != link(seal, &before, &log, seq, &id, &digest) {
            found.wrong.push(format!("{log} {seq}: does not follow from the change before"));
        }
        reached.insert(log, (seq, chain));
    }
    let marks = sqlx::query_as::<_, (String, i64, String, Option<Vec<u8>>)>(
        "select log, seq, id, chain from mark order by log, seq",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (log, seq, id, chain) in marks {
        let (last, before) = reached.remove(&log).unwrap_or_default();
        if seq != last + 1 {
            found.wrong.push(format!("{log}: {seq} stands after {last}"));
        }
        // Rows from before the chain have none, and the chain begins behind them.
        if chain.as_ref().is_some_and(|chain| *chain != link(seal, &before, &log, seq, &id, &[])) {
            found.wrong.push(format!("{log} {seq}: does not follow from what stands before"));
        }
        reached.insert(log, (seq, chain.unwrap_or_default()));
    }
    let none = (0, vec![]);
    for log in heads.keys().chain(reached.keys()) {
        // A log of which only the audit knows has a counter at 0.
        let (counter, there) = (heads.get(log).unwrap_or(&none), reached.get(log).unwrap_or(&none));
        if counter != there {
            let said = format!("{log}: its counter says {}, it holds {}", counter.0, there.0);
            if found.wrong.last() != Some(&said) {
                found.wrong.push(said);
            }
        }
    }
    Ok(())
}

struct Row {
    log: String,
    subject: String,
    born: i64,
    code: Option<Vec<u8>>,
    reach: Option<String>,
}

impl Row {
    async fn check(&self, connection: &mut Connection, seal: &Seal, found: &mut Findings) -> Result<()> {
        let Self { log, subject: name, .. } = self;
        let subject: Subject = name.parse()?;
        let rows = sqlx::query_as::<_, (i64, String, Vec<u8>, Vec<u8>)>(
            "select seq, id, digest, body from change where log = $1 and subject = $2 order by seq",
        )
        .bind(log)
        .bind(name)
        .fetch_all(&mut *connection)
        .await?;
        if rows.first().map(|(seq, ..)| *seq) != Some(self.born) {
            found.wrong.push(format!("{name}: not born at {}", self.born));
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(rows.len());
        for (seq, id, stored, body) in rows {
            let Ok(entry) = seal.open_json::<Entry>(&about_change(&id), &body) else {
                found.wrong.push(format!("{log} {seq}: cannot be opened"));
                return Ok(());
            };
            if digest(seal, &entry.change)? != stored {
                found.wrong.push(format!("{log} {seq}: is not what was received"));
            }
            entries.push(entry);
        }
        let parts = replay(&entries);
        for part in parts.photos() {
            if let Some(said) = photos::check_part(connection, &part.photo).await? {
                found.wrong.push(format!("{name} photo {}: {said}", part.photo.photo));
            }
        }
        let mut expected: BTreeMap<(String, String), Part> =
            parts.0.iter().map(|(key, part)| ((log.clone(), key.to_string()), part.clone())).collect();
        for (facility, referral, sheet) in access::sheets(&parts) {
            if let Some(sheet) = sheet {
                let at = (LogId::Facility(facility).to_string(), PartKey::Sheet(referral).to_string());
                expected.insert(at, Part::Sheet(Box::new(sheet)));
            }
        }
        let rows = sqlx::query_as::<_, (String, String, Vec<u8>)>(
            "select log, key, body from part where subject = $1 and gone = 0",
        )
        .bind(name)
        .fetch_all(&mut *connection)
        .await?;
        for (of, key, body) in rows {
            found.parts += 1;
            match seal.open_json::<Part>(&about_part(&of, subject, &key), &body) {
                Err(_) => found.wrong.push(format!("{name} {key} in {of}: cannot be opened")),
                Ok(part) => match expected.remove(&(of.clone(), key.clone())) {
                    Some(right) if right == part => {}
                    Some(_) => found.wrong.push(format!("{name} {key} in {of}: is not what its changes make")),
                    None => found.wrong.push(format!("{name} {key} in {of}: should not be there")),
                },
            }
        }
        found.wrong.extend(expected.into_keys().map(|(of, key)| format!("{name} {key} in {of}: is missing")));
        let code = parts.header().map(|h| hash_code(seal, &h.code));
        let reach = Reach::of(&parts);
        let stored = match subject {
            Subject::Case(_) => self.reach.as_deref().and_then(|r| serde_json::from_str::<Reach>(r).ok()),
            _ => None,
        };
        if self.code != code || stored != reach {
            found.wrong.push(format!("{name}: its code or who sees it is not what its changes make"));
        }
        Ok(())
    }
}
