//! One person with one phone: what they saved, what their screen shows, how a sync run of theirs goes.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use domain::{laws::Pen, sync, *};
use futures::FutureExt;

use super::{
    Invariant,
    disk::{Disk, Tab},
    network::Way,
    world::World,
};

/// Where a phone stands in the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not bought yet.
    Spare,
    /// Its person is logged in.
    Here,
    /// Its person is logged out: nobody reads or writes on it, and it carries letters.
    Away,
    /// At the bottom of a river.
    Drowned,
}

#[derive(Debug)]
pub struct Phone {
    pub pen: Pen,
    pub standing: Cell<Standing>,
    pub disk: Disk,
    /// What the person was told is saved.
    pub saved: RefCell<Vec<Change>>,
    /// Held changes that the person has corrected.
    pub corrected: RefCell<BTreeSet<ChangeId>>,
    /// Held changes that the person has given up.
    pub given_up: RefCell<BTreeSet<ChangeId>>,
    /// How far the phone's clock is from the office's.
    pub skew_ms: Cell<i64>,
    pub cut_off: Cell<bool>,
    /// Two runs were under way at once.
    pub raced: Cell<bool>,
    /// The protocol that its app speaks. An old one cannot read what the office sends, and sends what was recorded.
    pub version: Cell<u16>,
}

/// The notebook in memory never waits.
pub fn now<T>(future: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    future.now_or_never().unwrap_or(Err(StoreError::Failed))
}

impl Phone {
    pub fn new(worker: WorkerId, device: u8) -> Self {
        Self {
            pen: Pen::new(worker, device),
            standing: Cell::new(Standing::Here),
            disk: Disk::default(),
            saved: RefCell::default(),
            corrected: RefCell::default(),
            given_up: RefCell::default(),
            skew_ms: Cell::new(0),
            cut_off: Cell::new(false),
            raced: Cell::new(false),
            version: Cell::new(limits::PROTOCOL_VERSION),
        }
    }

    pub fn spare(worker: WorkerId, device: u8) -> Self {
        Self { standing: Cell::new(Standing::Spare), ..Self::new(worker, device) }
    }
    pub fn is_here(&self) -> bool {
        self.standing.get() == Standing::Here
    }
    pub fn is_away(&self) -> bool {
        self.standing.get() == Standing::Away
    }
    /// Everything that lies there can still be brought to the office.
    pub fn is_alive(&self) -> bool {
        self.is_here() || self.is_away()
    }
    /// Where places lie, as far as this phone has heard.
    pub fn places(&self, world: &World) -> Places {
        match now(self.disk.notebook.briefing()) {
            Ok(Some(briefing)) => Places::new(briefing.places),
            _ => world.village.rules.places.clone(),
        }
    }

    pub fn tab(&self, world: &World) -> Tab<'_> {
        Tab { disk: &self.disk, fault: world.fault }
    }

    /// Saves a change; on a full disk the person is told that it is not.
    pub fn save(&self, world: &World, change: Change) -> bool {
        let v = self.version.get().max(1);
        let change = Change { v, recorded_at: world.now().plus_ms(self.skew_ms.get()), ..change };
        let Ok(n) = now(self.tab(world).save(&change, None)) else { return false };
        self.saved.borrow_mut().push(Change { n, ..change });
        world.count(|c| c.saved += 1);
        true
    }

    pub fn outbox(&self) -> Vec<OutboxItem> {
        now(self.disk.notebook.outbox()).expect("a store in memory")
    }

    pub fn stored(&self) -> Vec<(Subject, Parts)> {
        let subjects = now(self.disk.notebook.subjects()).expect("a store in memory");
        let find = |subject| now(self.disk.notebook.find(subject)).expect("a store in memory").unwrap_or_default();
        subjects.into_iter().map(|subject| (subject, find(subject).parts)).collect()
    }

    /// What the screen shows of everything the phone holds.
    pub fn view(&self) -> Vec<(Subject, Parts)> {
        let outbox = self.outbox();
        let mut all = self.stored();
        for item in &outbox {
            if all.iter().all(|(subject, _)| *subject != item.change.subject) {
                all.push((item.change.subject, Parts::default()));
            }
        }
        all.into_iter().map(|(subject, parts)| (subject, sync::overlay(parts, &outbox, subject))).collect()
    }

    /// One sync run in one tab.
    pub async fn sync(world: &World, at: usize) -> Result<sync::Run, sync::SyncError> {
        let phone = &world.phones[at];
        let id = sync::Phone { worker: phone.pen.worker, device: phone.pen.device };
        let clock = || world.now().plus_ms(phone.skew_ms.get());
        let run = sync::run(&phone.tab(world), &Way { world, phone: at }, id, &clock, &|_| ()).await;
        phone.disk.write_letters();
        if run.is_ok() {
            phone.disk.taken_anew.set(false);
        }
        run
    }

    /// What the person may not see when the office answers leaves the screen, until a page brings it again.
    pub fn note_what_is_taken(&self, world: &World) {
        for change in self.saved.borrow().iter() {
            if !world.office.registry.may_see(self.pen.worker, change.subject) {
                self.disk.forgotten.borrow_mut().insert(change.subject);
            }
        }
    }

    /// Looks whether all that was saved is on the screen. What a page took away for want of a right may be gone.
    pub fn look(&self, world: &World) {
        if !self.is_here() || !self.disk.touched.take() {
            return;
        }
        let (outbox, view) = (self.outbox(), self.view());
        let none = Parts::default();
        let (corrected, given_up) = (self.corrected.borrow(), self.given_up.borrow());
        let stands = |id: &ChangeId| !corrected.contains(id) && !given_up.contains(id);
        for change in self.saved.borrow().iter().filter(|change| stands(&change.id)) {
            let waits = outbox.iter().any(|item| item.change.id == change.id);
            let parts = view.iter().find(|(s, _)| *s == change.subject).map_or(&none, |(_, parts)| parts);
            if shows(parts, change) {
                continue;
            }
            // What it is about may not be there: it stands in the list of what waits.
            if waits && !is_about(parts, change) {
                continue;
            }
            let registry = &world.office.registry;
            let as_receiver = matches!(change.body, Body::ReferralActed { side: Side::Receiver, .. });
            let works_there = registry.grants(self.pen.worker).iter().all(|grant| grant.facility.is_some());
            let may_see = if as_receiver && works_there {
                // A sheet stays with the facility that had it, unless the office has lost the referral.
                !world.restored.get()
            } else {
                registry.may_see(self.pen.worker, change.subject)
            };
            let is_gone = parts.header().is_none() && (!as_receiver || parts.sheets().next().is_none());
            // A battery that died between two pages of one answer brings back what the second took away, and then the office
            // falls back: until the next run an earlier state is shown.
            let is_gone = is_gone || world.restored.get();
            // Known limit: a log that is taken anew is empty until its pages are stored. What was acknowledged within 90 days
            // is on the screen all the same, for it is offered again; what is older is not.
            let is_emptied = is_gone && world.years_passed.get() && self.disk.taken_anew.get();
            let forgotten = |subject: &Subject| self.disk.forgotten.borrow().contains(subject);
            // A link is hidden from whoever does not see the other case, or did not for a while; so it is while the office has
            // lost the other case, and until the next answer after that.
            let is_veiled = change.body.names_case().map(Subject::Case).is_some_and(|other| {
                let is_here = view.iter().any(|(subject, _)| *subject == other);
                !is_here || forgotten(&other) || world.restored.get() || !registry.may_see(self.pen.worker, other)
            });
            // Whoever asked while they might not see the case got an answer without it, and a right given back is told of by
            // the next one.
            let taken = !may_see || is_veiled || is_emptied || forgotten(&change.subject);
            if !taken {
                world.fail(
                    Invariant::StaysOnScreen,
                    format!("{} of {} vanished: {:?}", change.id, self.pen.worker, change.body),
                );
            }
        }
    }
}

/// Whether what the change is about is on the phone at all.
fn is_about(parts: &Parts, change: &Change) -> bool {
    match &change.body {
        Body::ReferralActed { referral, .. } => parts.progress(*referral).is_some(),
        Body::TaskDone { task, .. } => parts.0.contains_key(&PartKey::Task(*task)),
        Body::VisitRecorded(_) | Body::TaskWritten(_) | Body::ReferralAsked(_) | Body::PhotoAdded(_) => true,
        body if body.opens() => true,
        _ => parts.header().is_some() || parts.facility().is_some(),
    }
}

/// Whether the parts show what the change says.
fn shows(parts: &Parts, change: &Change) -> bool {
    let origin = change.origin();
    match &change.body {
        Body::CaseOpened { .. } => parts.header().is_some_and(|h| h.opened == origin),
        Body::VisitRecorded(_) => parts.0.contains_key(&PartKey::Visit(origin)),
        Body::TaskWritten(_) => parts.0.contains_key(&PartKey::Task(origin)),
        Body::ReferralAsked(_) => parts.0.contains_key(&PartKey::Referral(origin)),
        Body::ReferralActed { referral, .. } => {
            parts.progress(*referral).is_some_and(|p| p.acts.iter().any(|a| a.change == change.id))
        }
        Body::ActivityRecorded(_) => parts.activity().is_some(),
        // Somebody else may have taken it away before.
        Body::PhotoRemoved { photo } => !parts.0.contains_key(&PartKey::Photo(*photo)),
        Body::Looked | Body::Dropped(_) => true,
        _ => parts.trail().is_some_and(|trail| {
            trail.entries.len() == limits::TRAIL_ENTRIES || trail.entries.iter().any(|e| e.written.id == origin)
        }),
    }
}
