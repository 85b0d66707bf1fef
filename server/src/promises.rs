//! `server check --receipts FILE`: holds the office to its signed word. It knows slips and where changes are kept, and
//! changes nothing.

use std::path::Path;

use anyhow::{Context, Result, bail};
use domain::{ChangeId, Entry, Kept, Slip, SlipFile, json};
use sha2::{Digest, Sha256};

use crate::config::Store;
use crate::database::{self, Connection};
use crate::keys::OfficeKeys;
use crate::registry::stored::{about_change, about_quarantine, about_waiting, digest_of_unknown};
use crate::seal::Seal;

/// What came of a look at slips.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Proof {
    pub slips: usize,
    /// Changes that were promised and are there, each as it was promised; one that two slips name counts twice.
    pub proved: usize,
    pub wrong: Vec<String>,
}

#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
pub async fn check(store: &Store, file: &Path) -> Result<()> {
    let staff = store.open(false).await?;
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let said = || format!("{} is no file of receipts", file.display());
    let slips: SlipFile = json::read(&bytes).ok().with_context(said)?;
    if slips.v > SlipFile::V {
        bail!("{} was written by a newer version: update this program first", file.display());
    }
    let mut snapshot = database::begin_to_read(&staff.pool).await?;
    let proof = prove(&mut snapshot, &staff.seal, &staff.keys, &slips.slips).await?;
    println!("{} receipts, {} changes that were promised are there as they were promised", proof.slips, proof.proved);
    for wrong in &proof.wrong {
        println!("WRONG {wrong}");
    }
    if proof.wrong.is_empty() { Ok(()) } else { bail!("{} promises are not kept or not ours", proof.wrong.len()) }
}

/// # Errors
/// Only when the database cannot be read; what is wrong is in the proof.
pub async fn prove(connection: &mut Connection, seal: &Seal, keys: &OfficeKeys, slips: &[Slip]) -> Result<Proof> {
    let mut proof = Proof { slips: slips.len(), ..Proof::default() };
    for (n, slip) in (1..).zip(slips) {
        if slip.key != keys.id() {
            proof.wrong.push(format!("receipt {n}: another office signed it, or one with another key ({})", slip.key));
            continue;
        }
        if !keys.has_signed(&slip.signed(), &slip.sig.0) {
            proof.wrong.push(format!("receipt {n}: this office has not signed it"));
            continue;
        }
        for kept in &slip.kept {
            let at = slip.at.0;
            match find(connection, seal, kept).await? {
                Some(true) => proof.proved += 1,
                Some(false) => {
                    proof.wrong.push(format!("receipt {n}: {} is there, but not as it was promised at {at}", kept.id))
                }
                None => proof.wrong.push(format!("receipt {n}: {} was promised at {at} and is not there", kept.id)),
            }
        }
    }
    Ok(proof)
}

/// Whether what is kept is what was promised; `None` if nothing is.
async fn find(connection: &mut Connection, seal: &Seal, kept: &Kept) -> Result<Option<bool>> {
    let id = kept.id.to_string();
    for table in TABLES {
        let row =
            sqlx::query_as::<_, (Vec<u8>, Vec<u8>)>(table.find).bind(&id).fetch_optional(&mut *connection).await?;
        let Some((digest, sealed)) = row else { continue };
        let text = || (table.text)(seal, kept.id, &sealed);
        // What was promised when its kind was not known yet was marked by its text.
        let by_text = |mark: &[u8]| text().is_some_and(|text| digest_of_unknown(seal, &text) == mark);
        let mark_is_right = kept.mark.as_ref().is_none_or(|mark| mark.0 == digest || by_text(&mark.0));
        let sum_is_right =
            kept.sum.as_ref().is_none_or(|sum| text().is_some_and(|text| sum.0 == Sha256::digest(text)[..]));
        return Ok(Some(mark_is_right && sum_is_right && (kept.mark.is_some() || kept.sum.is_some())));
    }
    Ok(None)
}

/// Where a change may be, and how its JSON is got back from there.
struct Table {
    find: &'static str,
    text: fn(&Seal, ChangeId, &[u8]) -> Option<Vec<u8>>,
}

const TABLES: [Table; 3] = [
    Table {
        find: "select digest, body from change where id = $1",
        text: |seal, id, sealed| {
            let entry: Entry = seal.open_json(&about_change(&id.to_string()), sealed).ok()?;
            serde_json::to_vec(&entry.change).ok()
        },
    },
    Table {
        find: "select digest, raw from waiting where id = $1",
        text: |seal, id, sealed| seal.open(&about_waiting(id), sealed).ok(),
    },
    Table {
        find: "select digest, raw from quarantine where id = $1",
        text: |seal, id, sealed| seal.open(&about_quarantine(id), sealed).ok(),
    },
];
