//! The phone's storage as a port: what every implementation promises is written down in the laws that test them all.

use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    change::Change,
    check::Refusal,
    id::{ChangeId, LogId, Subject},
    map::Map,
    part::{PartKey, Parts},
    time::Timestamp,
    wire::{Briefing, Cursor, Page, Verdict},
};

/// A change that the office's parts do not show yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxItem {
    pub change: Change,
    pub state: OutboxState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// Waits on this phone.
    Queued,
    /// The office has it; the page that shows its effect has not come yet.
    Received { at: Timestamp },
    /// The office cannot accept it as it is; the person must look.
    Held { why: Refusal, at: Timestamp },
}

/// A change that its writer gave up after the office could not take it. It stays on the phone for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedItem {
    pub change: Change,
    /// Why the office had not taken it.
    pub why: Refusal,
    /// Why its writer gave it up, and when.
    pub reason: String,
    pub at: Timestamp,
}

/// Something begun and not yet saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// What it is a draft of, such as `new-case` or `visit:<case>`.
    pub name: String,
    pub at: Timestamp,
    /// What the form held, as JSON of the form's own.
    pub content: String,
}

/// The parts of a subject as the office last sent them, with the position of each in its log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stored {
    pub parts: Parts,
    pub seqs: Map<PartKey, u64>,
}

impl Stored {
    /// Takes over what a page brings; an older part never replaces a newer one. True if anything is left.
    pub fn merge(&mut self, page: &crate::SubjectPage) -> bool {
        if page.whole {
            // Sheets belong to a facility's log, of which this page knows nothing.
            let keep: Vec<PartKey> = page.parts.iter().map(|row| row.key).collect();
            let keeps = |key: &PartKey| matches!(key, PartKey::Sheet(_)) || keep.contains(key);
            self.parts.0.retain(|key, _| keeps(key));
            self.seqs.retain(|key, _| keeps(key));
        }
        for row in &page.parts {
            if self.seqs.get(&row.key).is_none_or(|seq| *seq <= row.seq) {
                self.parts.0.insert(row.key, row.part.clone());
                self.seqs.insert(row.key, row.seq);
            }
        }
        for key in &page.gone {
            self.parts.0.remove(key);
            self.seqs.remove(key);
        }
        !self.parts.is_empty()
    }
}

/// The phone's storage of one person. Not `Send`: it lives in one thread of one tab.
#[expect(async_fn_in_trait, reason = "implementations live in one thread; no caller needs Send")]
pub trait Notebook {
    /// Saves a change and ends the draft it came from, durably and together: after this returns, a dead battery loses
    /// neither. The notebook gives the change its number `n` and returns it.
    async fn save(&self, change: &Change, draft: Option<&str>) -> Result<u64, StoreError>;
    /// Every change the office's parts do not show yet, in the order of `n`.
    async fn outbox(&self) -> Result<Vec<OutboxItem>, StoreError>;
    /// Writes down the office's verdicts. None of them removes a change.
    async fn settle(&self, verdicts: &[(ChangeId, Verdict)], now: Timestamp) -> Result<(), StoreError>;
    /// Takes a held change out of the outbox because `by` was saved in its place, or sends it again when `by` is `None`.
    async fn release(&self, held: ChangeId, by: Option<ChangeId>) -> Result<(), StoreError>;
    /// Saves `notes`, each a [`crate::Body::Dropped`], and moves what they name from the outbox to what was dropped:
    /// durably, all or none. What is not in the outbox, or was received by the office, stays where it is.
    async fn give_up(&self, notes: &[Change]) -> Result<(), StoreError>;
    /// What was dropped on this phone, in the order of `n`.
    async fn dropped(&self) -> Result<Vec<DroppedItem>, StoreError>;
    /// Saves `anew` and takes the dropped changes that these replace away from what was dropped: durably, all or none. One
    /// that replaces nothing that was dropped is not saved.
    async fn take_up(&self, anew: &[Change]) -> Result<(), StoreError>;
    /// Stores a page, its cursor, and the end of the overlay of the changes it names, in one transaction.
    async fn store(&self, page: &Page, now: Timestamp) -> Result<(), StoreError>;
    async fn cursors(&self) -> Result<Map<LogId, Cursor>, StoreError>;
    /// The office's parts of a subject, without what waits in the outbox.
    async fn find(&self, subject: Subject) -> Result<Option<Stored>, StoreError>;
    async fn subjects(&self) -> Result<Vec<Subject>, StoreError>;
    async fn put_briefing(&self, briefing: &Briefing) -> Result<(), StoreError>;
    async fn briefing(&self) -> Result<Option<Briefing>, StoreError>;
    async fn put_draft(&self, draft: &Draft) -> Result<(), StoreError>;
    async fn drafts(&self) -> Result<Vec<Draft>, StoreError>;
    async fn delete_draft(&self, name: &str) -> Result<(), StoreError>;
}
