//! The office's storage as a port: what every implementation promises is written down in the laws that test them all.

use async_trait::async_trait;

use crate::{
    id::WorkerId,
    time::Timestamp,
    wire::{ApiError, PullAnswer, PullRequest, PushBatch, Verdict},
};

/// Somebody who has logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    pub worker: WorkerId,
}

/// The office's storage.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Takes changes, each by itself, in one durable transaction; the answer has one verdict a change, in order.
    ///
    /// # Errors
    /// [`ApiError::SignedOut`] when the batch names somebody else than the session, [`ApiError::TooLarge`],
    /// [`ApiError::Unavailable`]; then nothing was written.
    async fn push(&self, session: &Session, batch: PushBatch, now: Timestamp) -> Result<Vec<Verdict>, ApiError>;

    /// Gives what changed behind the cursors, as far as the worker may see it.
    ///
    /// # Errors
    /// [`ApiError::SignedOut`], [`ApiError::UpdateNeeded`], [`ApiError::Unavailable`].
    async fn pull(&self, session: &Session, request: PullRequest, now: Timestamp) -> Result<PullAnswer, ApiError>;
}
