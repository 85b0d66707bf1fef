//! The way between a phone and the office: it loses, doubles, delays, reorders and cuts.

use std::{cell::RefCell, rc::Rc};

use domain::{sync, *};

use super::{task::step, world::World};

/// Where the answer to one request is put.
pub type Slot<T> = Rc<RefCell<Option<Result<T, ApiError>>>>;

/// What has arrived at the office.
#[derive(Debug)]
pub struct Letter {
    pub session: Session,
    pub batch: PushBatch,
    pub answer: Answer,
}

/// The office's end of a request: if the office dies before it has answered, the phone hears nothing.
#[derive(Debug, Default)]
pub struct Answer(Slot<Vec<Verdict>>);

impl Answer {
    pub fn give(&self, verdicts: Result<Vec<Verdict>, ApiError>) {
        *self.0.borrow_mut() = Some(verdicts);
    }
}
impl Drop for Answer {
    fn drop(&mut self) {
        self.0.borrow_mut().get_or_insert(Err(ApiError::NoConnection));
    }
}

pub struct Way<'w> {
    pub world: &'w World,
    pub phone: usize,
}

impl Way<'_> {
    fn cut(&self, chance: u64) -> Result<(), ApiError> {
        let world = self.world;
        if world.calm.get() {
            return Ok(());
        }
        if world.phones[self.phone].cut_off.get() || world.chance.percent(chance) {
            world.count(|c| c.cuts += 1);
            return Err(ApiError::NoConnection);
        }
        // Something on the way answers in the office's place.
        if world.chance.percent(2) {
            let answers = [ApiError::Unavailable, ApiError::SignedOut, ApiError::TooMany { seconds: 30 }];
            return Err(world.chance.pick(&answers).cloned().unwrap_or(ApiError::Unavailable));
        }
        Ok(())
    }
    fn session(&self) -> Session {
        self.world.phones[self.phone].pen.session()
    }
}

impl sync::Office for Way<'_> {
    async fn push(&self, batch: PushBatch) -> Result<Vec<Verdict>, ApiError> {
        step().await;
        self.cut(8)?;
        let (world, session) = (self.world, self.session());
        if !world.calm.get() && batch.changes.len() > 1 && world.chance.percent(3) {
            return Err(ApiError::TooLarge);
        }
        if !world.calm.get() && world.chance.percent(12) {
            // A copy that some mast delivers later, out of order.
            world.late.borrow_mut().push((session, batch.clone()));
        }
        if !world.calm.get() && world.chance.percent(12) {
            world.post(session, batch.clone(), Answer::default());
        }
        let answer = Slot::default();
        world.post(session, batch, Answer(Rc::clone(&answer)));
        let verdicts = loop {
            step().await;
            if let Some(verdicts) = answer.borrow_mut().take() {
                break verdicts;
            }
        };
        self.cut(10)?;
        verdicts
    }
    async fn pull(&self, request: PullRequest) -> Result<PullAnswer, ApiError> {
        step().await;
        self.cut(6)?;
        let phone = &self.world.phones[self.phone];
        let request = PullRequest { v: if phone.is_old.get() { 0 } else { request.v }, ..request };
        let answer = self.world.office.pull(self.world, self.session(), request);
        phone.note_what_is_taken(self.world);
        step().await;
        self.cut(8)?;
        answer
    }
}
