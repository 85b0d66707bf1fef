//! The way between a phone and the office: it loses, doubles, delays, reorders and cuts.

use std::{cell::RefCell, rc::Rc};

use domain::{sync, *};

use super::{task::step, world::World};

/// Where the answer to one request is put.
pub type Slot<T> = Rc<RefCell<Option<Result<T, ApiError>>>>;

/// What has arrived at the office.
#[derive(Debug)]
pub enum Request {
    Push {
        session: Session,
        batch: PushBatch,
        answer: Answer<Vec<Verdict>>,
    },
    /// Letters, by whom they were brought.
    Post {
        bringer: WorkerId,
        post: Post,
        answer: Answer<PostAnswer>,
    },
}

impl Request {
    /// Letters that somebody hands in and whose answer nobody reads.
    pub fn post(bringer: WorkerId, letters: Vec<Letter>) -> Self {
        Self::Post { bringer, post: Post { letters }, answer: Answer::default() }
    }
}

/// The office's end of a request: if the office dies before it has answered, the phone hears nothing.
#[derive(Debug)]
pub struct Answer<T>(Slot<T>);

impl<T> Default for Answer<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}
impl<T> Answer<T> {
    pub fn give(&self, said: Result<T, ApiError>) {
        self.0.borrow_mut().get_or_insert(said);
    }
}
impl<T> Drop for Answer<T> {
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

    /// Sends a request and waits for its answer; on its way it may be doubled, and once more be late.
    async fn send<T>(&self, request: impl Fn(Answer<T>) -> Request) -> Result<T, ApiError> {
        let world = self.world;
        if !world.calm.get() && world.chance.percent(12) {
            // A copy that some mast delivers later, out of order.
            world.late.borrow_mut().push(request(Answer::default()));
        }
        if !world.calm.get() && world.chance.percent(12) {
            world.arrive(request(Answer::default()));
        }
        let answer = Slot::default();
        world.arrive(request(Answer(Rc::clone(&answer))));
        let said = loop {
            step().await;
            if let Some(said) = answer.borrow_mut().take() {
                break said;
            }
        };
        self.cut(10)?;
        said
    }

    /// Brings letters, whosever they are.
    pub async fn letters(&self, letters: Vec<Letter>) -> Result<PostAnswer, ApiError> {
        step().await;
        self.cut(8)?;
        let bringer = self.session().worker;
        let ids: Vec<ChangeId> = letters.iter().map(|letter| letter.id).collect();
        let post = |answer| Request::Post { bringer, post: Post { letters: letters.clone() }, answer };
        let answer: PostAnswer = self.send(post).await?;
        for (id, kept) in ids.into_iter().zip(&answer.kept) {
            if *kept {
                self.world.promise(id);
            }
        }
        Ok(answer)
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
        let push = |answer| Request::Push { session, batch: batch.clone(), answer };
        let verdicts: Vec<Verdict> = self.send(push).await?;
        for (raw, verdict) in batch.changes.iter().zip(&verdicts) {
            if !matches!(verdict, Verdict::Refused { .. })
                && let Ok(envelope) = serde_json::from_str::<Envelope>(raw.get())
            {
                world.promise(envelope.id);
            }
        }
        Ok(verdicts)
    }
    async fn pull(&self, request: PullRequest) -> Result<PullAnswer, ApiError> {
        step().await;
        self.cut(6)?;
        let phone = &self.world.phones[self.phone];
        let request = PullRequest { v: phone.version.get(), ..request };
        let answer = self.world.office.pull(self.world, self.session(), request);
        phone.note_what_is_taken(self.world);
        step().await;
        self.cut(8)?;
        if answer.is_ok() {
            phone.disk.ahead_ms.set(Some(-phone.skew_ms.get()));
        }
        answer
    }
}
