//! A phone's disk: what is committed strictly stays, what is committed relaxed may be gone when the battery dies.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use domain::{
    memory::MemoryNotebook,
    notebook::{Draft, Stored},
    *,
};

use super::{Fault, chance::Chance, task::step};

#[derive(Debug, Default)]
pub struct Disk {
    pub notebook: MemoryNotebook,
    /// Earlier states that a dead battery may leave behind, each with what was forgotten then; the oldest first.
    unsure: RefCell<Vec<(MemoryNotebook, BTreeSet<Subject>)>>,
    /// Subjects that a page took off this phone.
    pub forgotten: RefCell<BTreeSet<Subject>>,
    /// Written to since somebody last looked at the screen.
    pub touched: Cell<bool>,
}

impl Disk {
    fn relaxed(&self) {
        self.unsure.borrow_mut().push((self.notebook.copy(), self.forgotten.borrow().clone()));
        self.touched.set(true);
    }
    /// What was written before a strict commit is on the disk with it.
    fn strict(&self) {
        self.unsure.borrow_mut().clear();
        self.touched.set(true);
    }
    /// The battery dies: of what was written last a part may be gone, never something earlier than what stays.
    pub fn lose(&self, chance: &Chance) -> bool {
        let unsure = self.unsure.take();
        let lost = chance.pick(&unsure).filter(|_| chance.percent(70));
        if let Some((earlier, forgotten)) = lost {
            self.notebook.put_back(earlier);
            self.forgotten.replace(forgotten.clone());
            self.touched.set(true);
        }
        lost.is_some()
    }
}

/// One open tab on the disk. It may be killed between any two steps.
#[derive(Debug)]
pub struct Tab<'a> {
    pub disk: &'a Disk,
    pub fault: Fault,
}

impl Notebook for Tab<'_> {
    async fn save(&self, change: &Change, draft: Option<&str>) -> Result<u64, StoreError> {
        let n = self.disk.notebook.save(change, draft).await?;
        self.disk.strict();
        Ok(n)
    }
    async fn outbox(&self) -> Result<Vec<OutboxItem>, StoreError> {
        step().await;
        self.disk.notebook.outbox().await
    }
    async fn settle(&self, verdicts: &[(ChangeId, Verdict)], now: Timestamp) -> Result<(), StoreError> {
        step().await;
        self.disk.relaxed();
        let notebook = &self.disk.notebook;
        notebook.settle(verdicts, now).await?;
        for (id, verdict) in verdicts {
            let dropped = match self.fault {
                Fault::HeldDropped => matches!(verdict, Verdict::Refused { .. }),
                Fault::OverlayEndsAtVerdict => {
                    matches!(verdict, Verdict::Accepted { .. } | Verdict::AlreadyKnown { .. })
                }
                _ => false,
            };
            if dropped {
                notebook.release(*id, Some(*id)).await?;
            }
        }
        Ok(())
    }
    async fn release(&self, held: ChangeId, by: Option<ChangeId>) -> Result<(), StoreError> {
        self.disk.notebook.release(held, by).await?;
        self.disk.strict();
        Ok(())
    }
    async fn give_up(&self, notes: &[Change]) -> Result<(), StoreError> {
        self.disk.notebook.give_up(notes).await?;
        self.disk.strict();
        Ok(())
    }
    async fn dropped(&self) -> Result<Vec<DroppedItem>, StoreError> {
        self.disk.notebook.dropped().await
    }
    async fn take_up(&self, anew: &[Change]) -> Result<(), StoreError> {
        self.disk.notebook.take_up(anew).await?;
        self.disk.strict();
        Ok(())
    }
    async fn store(&self, page: &Page, now: Timestamp) -> Result<(), StoreError> {
        step().await;
        if self.fault == Fault::CursorFirst {
            let cursor_only = Page { subjects: vec![], settled: vec![], ..page.clone() };
            self.disk.relaxed();
            self.disk.notebook.store(&cursor_only, now).await?;
            step().await;
        }
        self.disk.relaxed();
        self.disk.notebook.store(page, now).await?;
        let mut forgotten = self.disk.forgotten.borrow_mut();
        for on_page in &page.subjects {
            // A case that comes back does so with its header, by the own log; single parts may come before.
            let is_back = on_page
                .parts
                .iter()
                .any(|row| !matches!(row.part, Part::Trail(_) | Part::Referral(_) | Part::Visit(_) | Part::Task(_)));
            if on_page.parts.is_empty() {
                forgotten.insert(on_page.subject);
            } else if is_back {
                forgotten.remove(&on_page.subject);
            }
        }
        Ok(())
    }
    async fn cursors(&self) -> Result<domain::map::Map<LogId, Cursor>, StoreError> {
        step().await;
        self.disk.notebook.cursors().await
    }
    async fn find(&self, subject: Subject) -> Result<Option<Stored>, StoreError> {
        self.disk.notebook.find(subject).await
    }
    async fn subjects(&self) -> Result<Vec<Subject>, StoreError> {
        self.disk.notebook.subjects().await
    }
    async fn put_briefing(&self, briefing: &Briefing) -> Result<(), StoreError> {
        step().await;
        self.disk.relaxed();
        self.disk.notebook.put_briefing(briefing).await
    }
    async fn briefing(&self) -> Result<Option<Briefing>, StoreError> {
        self.disk.notebook.briefing().await
    }
    async fn put_draft(&self, draft: &Draft) -> Result<(), StoreError> {
        self.disk.notebook.put_draft(draft).await
    }
    async fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        self.disk.notebook.drafts().await
    }
    async fn delete_draft(&self, name: &str) -> Result<(), StoreError> {
        self.disk.notebook.delete_draft(name).await
    }
}
