//! Several things at once in one thread: each step of each task is taken when the world says so, and a killed task is
//! dropped between two steps.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// Gives way once: here a task may wait for ever or be killed.
pub async fn step() {
    let mut gave_way = false;
    std::future::poll_fn(move |_| if std::mem::replace(&mut gave_way, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

/// Whose task it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The sync run of a phone, by its place in the world.
    Phone(usize),
    /// A round of letters of a phone.
    Post(usize),
    Office,
}

pub struct Task<'w> {
    pub owner: Owner,
    future: Pin<Box<dyn Future<Output = ()> + 'w>>,
}

impl<'w> Task<'w> {
    pub fn new(owner: Owner, future: impl Future<Output = ()> + 'w) -> Self {
        Self { owner, future: Box::pin(future) }
    }
    /// Takes one step; true when the task has ended.
    pub fn poll(&mut self) -> bool {
        self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }
}
