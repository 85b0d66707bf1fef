//! A phone in memory. It can be copied and put back, as a disk is that loses its last writes.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use crate::{
    StoreError,
    change::{Body, Change, Receipt},
    check::Refusal,
    id::{ChangeId, LogId, Subject},
    limits,
    map::Map,
    notebook::{Draft, DroppedItem, Notebook, OutboxItem, OutboxState, Stored},
    time::Timestamp,
    wire::{Briefing, Cursor, Page, Verdict},
};

/// A phone in memory.
#[derive(Debug, Default)]
pub struct MemoryNotebook {
    state: RefCell<PhoneState>,
    /// While true every write fails as on a full disk.
    full: Cell<bool>,
}

#[derive(Debug, Default, Clone)]
struct PhoneState {
    n: u64,
    outbox: BTreeMap<u64, OutboxItem>,
    kept: Vec<(Change, Receipt)>,
    cursors: Map<LogId, Cursor>,
    subjects: BTreeMap<Subject, (LogId, Stored)>,
    briefing: Option<Briefing>,
    drafts: BTreeMap<String, Draft>,
    dropped: Vec<DroppedItem>,
}

impl PhoneState {
    fn put(&mut self, change: Change) -> u64 {
        self.n += 1;
        let n = self.n;
        self.outbox.insert(n, OutboxItem { change: Change { n, ..change }, state: OutboxState::Queued });
        n
    }
}

impl MemoryNotebook {
    /// Lets every write fail with [`StoreError::Full`], or no longer.
    pub fn set_full(&self, full: bool) {
        self.full.set(full);
    }
    /// A copy of all that is stored.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { state: RefCell::new(self.state.borrow().clone()), full: Cell::new(false) }
    }
    /// Puts the phone back to an earlier copy of itself, as a dead battery does with what was written last.
    pub fn put_back(&self, copy: &Self) {
        let copy = copy.state.borrow().clone();
        *self.state.borrow_mut() = copy;
    }
    /// What the office acknowledged and a page has shown.
    #[must_use]
    pub fn kept(&self) -> Vec<ChangeId> {
        self.state.borrow().kept.iter().map(|(change, _)| change.id).collect()
    }
    fn write(&self) -> Result<std::cell::RefMut<'_, PhoneState>, StoreError> {
        if self.full.get() { Err(StoreError::Full) } else { Ok(self.state.borrow_mut()) }
    }
}

impl Notebook for MemoryNotebook {
    async fn save(&self, change: &Change, draft: Option<&str>) -> Result<u64, StoreError> {
        let mut state = self.write()?;
        let n = state.put(change.clone());
        if let Some(draft) = draft {
            state.drafts.remove(draft);
        }
        Ok(n)
    }

    async fn outbox(&self) -> Result<Vec<OutboxItem>, StoreError> {
        Ok(self.state.borrow().outbox.values().cloned().collect())
    }

    async fn settle(&self, verdicts: &[(ChangeId, Verdict)], now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.write()?;
        for (id, verdict) in verdicts {
            let Some(item) = state.outbox.values_mut().find(|item| item.change.id == *id) else { continue };
            item.state = match verdict {
                Verdict::Refused { why } => OutboxState::Held { why: why.clone(), at: now },
                Verdict::Quarantined { put_away: Some(away), .. } => {
                    OutboxState::Held { why: Refusal::PutAway { reason: away.reason.clone() }, at: away.at }
                }
                Verdict::Accepted { at }
                | Verdict::AlreadyKnown { at }
                | Verdict::Waiting { at, .. }
                | Verdict::Quarantined { at, put_away: None } => OutboxState::Received { at: *at },
            };
        }
        Ok(())
    }

    async fn release(&self, held: ChangeId, by: Option<ChangeId>) -> Result<(), StoreError> {
        let mut state = self.write()?;
        let n = state.outbox.iter().find(|(_, item)| item.change.id == held).map(|(n, _)| *n);
        let Some(n) = n else { return Ok(()) };
        match by {
            Some(_) => {
                state.outbox.remove(&n);
            }
            None => {
                if let Some(item) = state.outbox.get_mut(&n) {
                    item.state = OutboxState::Queued;
                }
            }
        }
        Ok(())
    }

    async fn give_up(&self, notes: &[Change]) -> Result<(), StoreError> {
        let mut state = self.write()?;
        for note in notes {
            let Body::Dropped(dropped) = &note.body else { return Err(StoreError::Failed) };
            let lies = |item: &OutboxItem| {
                item.change.id == dropped.change && !matches!(item.state, OutboxState::Received { .. })
            };
            let Some(n) = state.outbox.iter().find(|(_, item)| lies(item)).map(|(n, _)| *n) else { continue };
            let Some(item) = state.outbox.remove(&n) else { continue };
            let (why, reason) = (dropped.why.clone(), dropped.reason.clone());
            state.dropped.push(DroppedItem { change: item.change, why, reason, at: note.recorded_at });
            state.put(note.clone());
        }
        Ok(())
    }

    async fn dropped(&self) -> Result<Vec<DroppedItem>, StoreError> {
        let mut dropped = self.state.borrow().dropped.clone();
        crate::order::sort_by_key(&mut dropped, |item| item.change.n);
        Ok(dropped)
    }

    async fn take_up(&self, anew: &[Change]) -> Result<(), StoreError> {
        let mut state = self.write()?;
        for change in anew {
            let before = state.dropped.len();
            state.dropped.retain(|item| change.replaces != Some(item.change.origin()));
            // Another tab may have taken it up.
            if state.dropped.len() < before {
                state.put(change.clone());
            }
        }
        Ok(())
    }

    async fn store(&self, page: &Page, now: Timestamp) -> Result<(), StoreError> {
        let mut guard = self.write()?;
        let state = &mut *guard;
        if page.reset {
            state.subjects.retain(|_, (log, _)| *log != page.log);
            let offered: Vec<Change> = state
                .kept
                .iter()
                .filter(|(change, receipt)| {
                    let days = receipt.received_at.day().days_until(now.day());
                    change.log == page.log && days <= limits::KEPT_DAYS
                })
                .map(|(change, _)| change.clone())
                .collect();
            state.kept.retain(|(change, _)| change.log != page.log);
            for change in offered {
                state.outbox.insert(change.n, OutboxItem { change, state: OutboxState::Queued });
            }
            for item in state.outbox.values_mut().filter(|item| item.change.log == page.log) {
                if matches!(item.state, OutboxState::Received { .. }) {
                    item.state = OutboxState::Queued;
                }
            }
        }
        for on_page in &page.subjects {
            let known = state.subjects.entry(on_page.subject);
            let (log, stored) = known.or_insert_with(|| (page.log.clone(), Stored::default()));
            if !stored.merge(on_page) {
                state.subjects.remove(&on_page.subject);
            } else if let Some(header) = stored.parts.header() {
                // A case shown by the own log still belongs to the log it was born in.
                *log = header.log.clone();
            }
        }
        for (id, receipt) in &page.settled {
            let n = state.outbox.iter().find(|(_, item)| item.change.id == *id).map(|(n, _)| *n);
            if let Some(item) = n.and_then(|n| state.outbox.remove(&n)) {
                state.kept.push((item.change, receipt.clone()));
            }
        }
        match page.next {
            Some(next) => state.cursors.insert(page.log.clone(), next),
            None => state.cursors.remove(&page.log),
        };
        Ok(())
    }

    async fn cursors(&self) -> Result<Map<LogId, Cursor>, StoreError> {
        Ok(self.state.borrow().cursors.clone())
    }
    async fn find(&self, subject: Subject) -> Result<Option<Stored>, StoreError> {
        Ok(self.state.borrow().subjects.get(&subject).map(|(_, stored)| stored.clone()))
    }
    async fn subjects(&self) -> Result<Vec<Subject>, StoreError> {
        Ok(self.state.borrow().subjects.keys().copied().collect())
    }
    async fn put_briefing(&self, briefing: &Briefing) -> Result<(), StoreError> {
        self.write()?.briefing = Some(briefing.clone());
        Ok(())
    }
    async fn briefing(&self) -> Result<Option<Briefing>, StoreError> {
        Ok(self.state.borrow().briefing.clone())
    }
    async fn put_draft(&self, draft: &Draft) -> Result<(), StoreError> {
        self.write()?.drafts.insert(draft.name.clone(), draft.clone());
        Ok(())
    }
    async fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        Ok(self.state.borrow().drafts.values().cloned().collect())
    }
    async fn delete_draft(&self, name: &str) -> Result<(), StoreError> {
        self.write()?.drafts.remove(name);
        Ok(())
    }
}
