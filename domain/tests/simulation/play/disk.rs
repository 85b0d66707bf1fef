//! A phone's disk: what is committed strictly stays, what is committed relaxed may be gone when the battery dies.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use domain::{
    memory::MemoryNotebook,
    notebook::{Draft, Stored},
    *,
};
use futures::FutureExt;

use super::{
    Fault,
    chance::Chance,
    post::{self, Bag, Lying},
    task::step,
};

#[derive(Debug, Default)]
pub struct Disk {
    pub notebook: MemoryNotebook,
    /// Letters of what waits here.
    pub own: RefCell<Bag>,
    /// Letters that somebody else gave this phone to bring.
    pub carried: RefCell<Bag>,
    /// How far the office's clock was ahead when they last met.
    pub ahead_ms: Cell<Option<i64>>,
    /// Earlier states that a dead battery may leave behind; the oldest first.
    unsure: RefCell<Vec<Earlier>>,
    /// Subjects that a page took off this phone.
    pub forgotten: RefCell<BTreeSet<Subject>>,
    /// A log was emptied to be taken anew, and no run has come to its end since.
    pub taken_anew: Cell<bool>,
    /// Written to since somebody last looked at the screen.
    pub touched: Cell<bool>,
}

#[derive(Debug)]
struct Earlier {
    notebook: MemoryNotebook,
    own: Bag,
    carried: Bag,
    /// What was forgotten then.
    forgotten: BTreeSet<Subject>,
}

impl Disk {
    pub fn relaxed(&self) {
        self.unsure.borrow_mut().push(Earlier {
            notebook: self.notebook.copy(),
            own: self.own.borrow().clone(),
            carried: self.carried.borrow().clone(),
            forgotten: self.forgotten.borrow().clone(),
        });
        self.touched.set(true);
    }
    /// What was written before a strict commit is on the disk with it.
    pub fn strict(&self) {
        self.unsure.borrow_mut().clear();
        self.touched.set(true);
    }
    /// The battery dies: of what was written last a part may be gone, never something earlier than what stays.
    pub fn lose(&self, chance: &Chance) -> bool {
        let unsure = self.unsure.take();
        let lost = chance.pick(&unsure).filter(|_| chance.percent(70));
        if let Some(earlier) = lost {
            self.notebook.put_back(&earlier.notebook);
            self.own.replace(earlier.own.clone());
            self.carried.replace(earlier.carried.clone());
            self.forgotten.replace(earlier.forgotten.clone());
            self.touched.set(true);
        }
        lost.is_some()
    }
    /// Puts letters that came by hand beside what lies here. Those that lie here already are not put here twice.
    pub fn take_over(&self, letters: Vec<Letter>) {
        for (n, letter) in (0..).zip(letters) {
            if letter.fits() {
                let (id, letter) = (letter.id, letter.into());
                self.carried.borrow_mut().entry(id).or_insert(Lying { n, letter, kept: false });
            }
        }
        self.strict();
    }
    /// Seals a change, once this phone has heard to whom.
    fn write(&self, change: &Change) {
        let knows_office = self.notebook.briefing().now_or_never().is_some_and(|b| matches!(b, Ok(Some(_))));
        if knows_office {
            let letter = post::write(change, self.ahead_ms.get()).into();
            self.own.borrow_mut().insert(change.id, Lying { n: change.n, letter, kept: false });
        }
    }
    /// Seals what waits without a letter: it was saved before the office's key was known here, or is offered again.
    pub fn write_letters(&self) {
        let outbox = self.notebook.outbox().now_or_never().and_then(Result::ok).unwrap_or_default();
        for item in outbox.iter().filter(|item| !matches!(item.state, OutboxState::Received { .. })) {
            if !self.own.borrow().contains_key(&item.change.id) {
                self.write(&item.change);
            }
        }
        self.strict();
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
        self.disk.write(&Change { n, ..change.clone() });
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
            if !matches!(verdict, Verdict::Refused { .. } | Verdict::Quarantined { put_away: Some(_), .. }) {
                self.disk.own.borrow_mut().remove(id);
            }
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
        if by.is_some() {
            self.disk.own.borrow_mut().remove(&held);
        }
        self.disk.strict();
        Ok(())
    }
    async fn give_up(&self, notes: &[Change]) -> Result<(), StoreError> {
        self.disk.notebook.give_up(notes).await?;
        for note in notes {
            if let Body::Dropped(dropped) = &note.body {
                self.disk.own.borrow_mut().remove(&dropped.change);
            }
        }
        self.disk.write_letters();
        Ok(())
    }
    async fn dropped(&self) -> Result<Vec<DroppedItem>, StoreError> {
        self.disk.notebook.dropped().await
    }
    async fn take_up(&self, anew: &[Change]) -> Result<(), StoreError> {
        self.disk.notebook.take_up(anew).await?;
        self.disk.write_letters();
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
        if page.reset {
            self.disk.taken_anew.set(true);
        }
        for (id, _) in &page.settled {
            self.disk.own.borrow_mut().remove(id);
        }
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
