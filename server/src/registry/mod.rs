//! The office's registry: pushes that wait are committed together, by one writer on SQLite, by several on PostgreSQL, where
//! other processes write too; any number of readers. It knows how things are stored and sealed; what may be stored, and who
//! sees it, is for `domain` to say.
//!
//! # Layout
//! - `push`: what comes of a batch; `writer`: the tasks that write; `write`: one transaction, `foreseen`: what it will
//!   ask, `ledger`: its end
//! - `pull`: what a worker may see behind their cursors; `briefing`: what a phone must know besides
//! - `photos`: sealed photos, piece by piece, and who may have them back
//! - `letters`: what comes sealed, from whoever brings it
//! - `rights`: changing what somebody may see; `aside`: what was set aside, and what becomes of it; `dropped`: what its
//!   writer gave up
//! - `duty`: emergencies that nobody has seen

mod aside;
mod briefing;
mod dropped;
mod duty;
mod foreseen;
mod ledger;
mod letters;
pub(crate) mod photos;
mod pull;
mod push;
mod rights;
mod write;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    ApiError, ChangeId, PhotoId, PhotoStanding, Post, PostAnswer, PullAnswer, PullRequest, PushBatch, Registry,
    Session, Timestamp, Verdict, WorkerId,
};
use tokio::sync::{Mutex, mpsc};

pub use aside::{SetAside, Settled, Settling, Which, Why};
pub use dropped::GivenUp;
pub(crate) use duty::{Alert, list_what_stands, note_alert};
pub use photos::PhotoRead;
pub use rights::{Deed, Told, change_rights, employ};

/// How rows are sealed and hashed, for whoever checks them.
pub(crate) mod stored {
    pub(crate) use super::push::digest_of_unknown;
    pub(crate) use super::write::{about_change, about_part, about_quarantine, about_waiting, digest, hash_code, link};
}

use crate::database::is_postgres;
use crate::staff::Staff;

/// Pushes that wait for the writer, as many as a district has phones that call in the same moment; beyond this a phone is
/// told to come again.
const QUEUE: usize = 1_024;
/// SQLite has one writer. On PostgreSQL pushes about different subjects go on side by side until their counters; half of
/// the connections remain for readers.
const WRITERS: usize = 4;

#[derive(Clone, Debug)]
pub struct SqlRegistry {
    staff: Staff,
    jobs: mpsc::Sender<writer::Job>,
}

impl SqlRegistry {
    /// Starts the writers; they end when the last copy of the registry is dropped.
    #[must_use]
    pub fn start(staff: Staff) -> Arc<Self> {
        let writers = if is_postgres(&staff.pool) { WRITERS } else { 1 };
        Self::with_writers(staff, writers)
    }

    /// A registry that writes in the order in which it is asked, whatever the database.
    #[must_use]
    pub fn in_order(staff: Staff) -> Arc<Self> {
        Self::with_writers(staff, 1)
    }

    fn with_writers(staff: Staff, writers: usize) -> Arc<Self> {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..writers {
            tokio::spawn(writer::run(staff.clone(), Arc::clone(&waiting)));
        }
        Arc::new(Self { staff, jobs })
    }

    #[must_use]
    pub fn staff(&self) -> &Staff {
        &self.staff
    }

    /// What was set aside and is for this worker to settle.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`].
    pub async fn set_aside(
        &self,
        worker: WorkerId,
        which: Which,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<SetAside>, ApiError> {
        let (found, reads) = aside::list(&self.staff, worker, which, most, now).await.map_err(|error| {
            tracing::error!("what was set aside could not be read: {error:#}");
            ApiError::Unavailable
        })?;
        if !reads.is_empty() {
            writer::ask(&self.jobs, |answer| writer::Job::NoteReads { reads, answer }).await?;
        }
        Ok(found)
    }

    /// What collaborators gave up lately, as far as this worker may read it, the latest first.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`].
    pub async fn given_up(&self, worker: WorkerId, most: usize, now: Timestamp) -> Result<Vec<GivenUp>, ApiError> {
        let (found, reads) = dropped::list(&self.staff, worker, most, now).await.map_err(|error| {
            tracing::error!("what was given up could not be read: {error:#}");
            ApiError::Unavailable
        })?;
        if !reads.is_empty() {
            writer::ask(&self.jobs, |answer| writer::Job::NoteReads { reads, answer }).await?;
        }
        Ok(found)
    }

    /// How much of it there is, up to `most`, without anything of it being shown.
    ///
    /// # Errors
    /// The database.
    pub async fn count_aside(&self, worker: WorkerId, most: usize, now: Timestamp) -> anyhow::Result<usize> {
        Ok(aside::list(&self.staff, worker, Which::Open, most, now).await?.0.len())
    }

    /// Decides about what was set aside.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`].
    pub async fn settle(
        &self,
        id: ChangeId,
        by: WorkerId,
        settling: Settling,
        now: Timestamp,
    ) -> Result<Settled, ApiError> {
        writer::ask(&self.jobs, |answer| writer::Job::Settle { id, by, settling, now, answer }).await
    }

    /// Takes letters from whoever brings them; see [`domain::Letter`].
    ///
    /// # Errors
    /// [`ApiError::TooLarge`], [`ApiError::Unavailable`].
    pub async fn take_post(&self, post: &Post, now: Timestamp) -> Result<PostAnswer, ApiError> {
        letters::take(self, post, now).await
    }

    /// Takes a piece of a photo that was announced, from whoever brings it; without bytes it only says how much there is.
    ///
    /// # Errors
    /// [`ApiError::BadRequest`], [`ApiError::TooMany`], [`ApiError::Unavailable`].
    pub async fn put_photo(
        &self,
        photo: PhotoId,
        start: u32,
        piece: &[u8],
        now: Timestamp,
    ) -> Result<PhotoStanding, ApiError> {
        photos::put(&self.staff, photo, start, piece, now).await
    }

    /// The sealed bytes of a photo for somebody who sees its case. A read of a restricted case is written down before.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`].
    pub async fn read_photo(&self, worker: WorkerId, photo: PhotoId, now: Timestamp) -> Result<PhotoRead, ApiError> {
        let (read, reads) = photos::read(&self.staff, worker, photo, now).await.map_err(|error| {
            tracing::error!("a photo could not be read: {error:#}");
            ApiError::Unavailable
        })?;
        if let Some(reads) = reads {
            writer::ask(&self.jobs, |answer| writer::Job::NoteReads { reads, answer }).await?;
        }
        Ok(read)
    }

    /// Tries again what an older version of this program did not understand. Returns how many changes found their place.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`].
    pub async fn retry_unknown(&self, now: Timestamp) -> Result<u64, ApiError> {
        writer::ask(&self.jobs, |answer| writer::Job::RetryUnknown { now, answer }).await
    }
}

#[async_trait]
impl Registry for SqlRegistry {
    async fn push(&self, session: &Session, batch: PushBatch, now: Timestamp) -> Result<Vec<Verdict>, ApiError> {
        let asked = !batch.changes.is_empty();
        let push = push::read(session, batch, &self.staff.seal, now)?;
        let verdicts = writer::ask(&self.jobs, |answer| writer::Job::Push { push, answer }).await?;
        if asked && verdicts.is_empty() { Err(ApiError::TooMany { seconds: 3_600 }) } else { Ok(verdicts) }
    }

    async fn pull(&self, session: &Session, request: PullRequest, now: Timestamp) -> Result<PullAnswer, ApiError> {
        if request.worker != session.worker {
            return Err(ApiError::SignedOut);
        }
        if request.v < domain::limits::OLDEST_READER {
            return Err(ApiError::UpdateNeeded);
        }
        if let Some(signer) = &request.signer {
            // Without it nothing but letters fails, and the next pull brings it again.
            if let Err(error) = letters::register(&self.staff, request.worker, request.device, signer, now).await {
                tracing::warn!("the key of a device was not taken: {error:#}");
            }
        }
        let (answer, witnessed) = pull::answer(&self.staff, &request, now).await.map_err(|error| {
            tracing::error!("a pull failed: {error:#}");
            ApiError::Unavailable
        })?;
        let Some(answer) = answer else { return Err(ApiError::SignedOut) };
        if !answer.is_readable_by(request.v) {
            return Err(ApiError::UpdateNeeded);
        }
        // What was read is written down before it leaves the office.
        if let Some(witnessed) = witnessed {
            writer::ask(&self.jobs, |answer| writer::Job::Witness { witnessed, answer }).await?;
        }
        Ok(answer)
    }
}
