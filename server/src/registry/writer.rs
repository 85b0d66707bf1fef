//! A task that writes: takes what waits, commits it together, answers each. It knows nothing of what is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use domain::{ApiError, ChangeId, Timestamp, Verdict, WorkerId};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::aside::{self, Reads, Settled, Settling};
use super::push::{self, Push};
use super::write::Writing;
use crate::database::{self, Tries, is_shared};
use crate::defect::caught;
use crate::staff::Staff;

/// Pushes of one commit: a full disk queue is shared by this many phones, and none waits longer than a moment.
const GROUP: usize = 32;

type Answer<T> = oneshot::Sender<Result<T, ApiError>>;

pub(super) enum Job {
    Push { push: Push, answer: Answer<Vec<Verdict>> },
    Witness { witnessed: super::pull::Witnessed, answer: Answer<()> },
    RetryUnknown { now: Timestamp, answer: Answer<u64> },
    NoteReads { reads: Reads, answer: Answer<()> },
    Settle { id: ChangeId, by: WorkerId, settling: Settling, now: Timestamp, answer: Answer<Settled> },
}

/// What a job has to say once everything is on the disk.
enum Said {
    Push(Answer<Vec<Verdict>>, Vec<Verdict>),
    Witness(Answer<()>),
    Retried(Answer<u64>, u64),
    Settled(Answer<Settled>, Settled),
}

impl Job {
    fn fail(self) {
        let gone = ApiError::Unavailable;
        match self {
            Self::Push { answer, .. } => answer.send(Err(gone)).is_ok(),
            Self::Witness { answer, .. } => answer.send(Err(gone)).is_ok(),
            Self::RetryUnknown { answer, .. } => answer.send(Err(gone)).is_ok(),
            Self::NoteReads { answer, .. } => answer.send(Err(gone)).is_ok(),
            Self::Settle { answer, .. } => answer.send(Err(gone)).is_ok(),
        };
    }
}

impl Said {
    /// A caller who has gone away asks again and gets the same answer.
    fn say(self) {
        match self {
            Self::Push(answer, verdicts) => answer.send(Ok(verdicts)).is_ok(),
            Self::Witness(answer) => answer.send(Ok(())).is_ok(),
            Self::Retried(answer, n) => answer.send(Ok(n)).is_ok(),
            Self::Settled(answer, settled) => answer.send(Ok(settled)).is_ok(),
        };
    }
}

/// Puts a job before the writer and waits for its answer.
pub(super) async fn ask<T>(jobs: &mpsc::Sender<Job>, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, ApiError> {
    let (answer, answered) = oneshot::channel();
    jobs.try_send(job(answer)).map_err(|_| ApiError::Unavailable)?;
    answered.await.unwrap_or(Err(ApiError::Unavailable))
}

pub(super) async fn run(staff: Staff, jobs: Arc<Mutex<mpsc::Receiver<Job>>>) {
    let mut group = Vec::with_capacity(GROUP);
    loop {
        if jobs.lock().await.recv_many(&mut group, GROUP).await == 0 {
            break;
        }
        match commit(&staff, &group).await {
            Ok(outcomes) => {
                for (job, outcome) in group.drain(..).zip(outcomes) {
                    outcome.of(job).say();
                }
            }
            Err(error) if group.len() == 1 => {
                tracing::error!("the registry could not write: {error:#}");
                group.drain(..).for_each(Job::fail);
            }
            // One of them is at fault; the others must not wait for it.
            Err(_) => {
                for job in group.drain(..) {
                    match commit(&staff, std::slice::from_ref(&job)).await {
                        Ok(mut outcomes) => {
                            if let Some(outcome) = outcomes.pop() {
                                outcome.of(job).say();
                            }
                        }
                        Err(error) => {
                            tracing::error!("the registry could not write: {error:#}");
                            job.fail();
                        }
                    }
                }
            }
        }
    }
}

enum Outcome {
    Verdicts(Vec<Verdict>),
    Written,
    Retried(u64),
    Settled(Settled),
}

impl Outcome {
    fn of(self, job: Job) -> Said {
        match (job, self) {
            (Job::Push { answer, .. }, Self::Verdicts(verdicts)) => Said::Push(answer, verdicts),
            (Job::Push { answer, .. }, _) => Said::Push(answer, vec![]),
            (Job::Witness { answer, .. }, _) => Said::Witness(answer),
            (Job::RetryUnknown { answer, .. }, Self::Retried(n)) => Said::Retried(answer, n),
            (Job::RetryUnknown { answer, .. }, _) => Said::Retried(answer, 0),
            (Job::NoteReads { answer, .. }, _) => Said::Witness(answer),
            (Job::Settle { answer, .. }, Self::Settled(settled)) => Said::Settled(answer, settled),
            (Job::Settle { answer, .. }, _) => Said::Settled(answer, Settled::NotFound),
        }
    }
}

/// All of the group or nothing of it.
async fn commit(staff: &Staff, group: &[Job]) -> Result<Vec<Outcome>> {
    let mut tries = Tries::default();
    loop {
        match caught(commit_once(staff, group)).await {
            Err(error) if tries.again(&error).await => {}
            done => return done,
        }
    }
}

async fn commit_once(staff: &Staff, group: &[Job]) -> Result<Vec<Outcome>> {
    let mut transaction = database::begin(&staff.pool).await?;
    let roster = staff.hold_roster(&mut transaction).await?;
    let mut writing = Writing::new(&mut transaction, &staff.seal, roster);
    let mut names = BTreeSet::new();
    for job in group.iter().filter(|_| is_shared(writing.connection)) {
        match job {
            Job::Push { push, .. } => push.name(&mut names),
            Job::Witness { witnessed, .. } => witnessed.name(&mut names),
            Job::Settle { id, .. } => {
                names.insert(id.to_string());
            }
            Job::RetryUnknown { .. } | Job::NoteReads { .. } => {}
        }
    }
    writing.take_turns(names).await?;
    let pushes: Vec<&Push> =
        group.iter().filter_map(|j| if let Job::Push { push, .. } = j { Some(push) } else { None }).collect();
    push::foresee(&mut writing, &pushes).await?;
    let mut outcomes = Vec::with_capacity(group.len());
    for job in group {
        outcomes.push(match job {
            Job::Push { push, .. } => Outcome::Verdicts(push::take(&mut writing, push).await?),
            Job::Witness { witnessed, .. } => {
                witnessed.write(&mut writing).await?;
                Outcome::Written
            }
            Job::RetryUnknown { now, .. } => Outcome::Retried(push::retry_unknown(&mut writing, *now).await?),
            Job::NoteReads { reads, .. } => {
                reads.write(&mut writing).await?;
                Outcome::Written
            }
            Job::Settle { id, by, settling, now, .. } => {
                Outcome::Settled(aside::settle(&mut writing, *id, *by, settling, *now).await?)
            }
        });
    }
    writing.finish().await?;
    transaction.commit().await?;
    Ok(outcomes)
}
