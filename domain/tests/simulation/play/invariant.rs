//! What must hold, by name. Those that hold at every moment are looked at on the way, the others after quiet.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invariant {
    /// What somebody saved is acknowledged and at the office, or still in the outbox of their phone.
    NothingLost,
    /// The office has a change in one place, and nothing that nobody wrote.
    Once,
    /// What the office has in somebody's name is what they saved, whoever brought it.
    AsWritten,
    /// After quiet nothing waits to be sent, and no run of a sync fails.
    ComesToRest,
    /// Each log counts 1, 2, 3 …, in the order of the commits.
    OrderOfCommit,
    /// A subject's changes, applied again, give its parts.
    FollowsFromChanges,
    /// A corrected change never comes back over its correction.
    StaysCorrected,
    /// Every phone holds what its person may see, as the office has it, and nothing else.
    SameParts,
    /// A referral makes lawful moves only, and nobody approves their own.
    LawfulMoves,
    /// What one writer did not see of another is kept beside it until somebody chooses.
    ConflictKept,
    /// Somebody with the right sees each conflict.
    ConflictSeen,
    /// Nothing leaves the office for somebody who may not see it then.
    SeenByRight,
    /// Who works in an area sees what is handled there, in the places that lie in it now and in those that went into it.
    SeenInSuccessor,
    /// What somebody never had is never mentioned to them.
    NeverMentioned,
    /// What somebody saved stays on their screen, before and after the verdict and the page.
    StaysOnScreen,
}

/// A broken invariant with the seed that shows it.
#[derive(Debug, Clone)]
pub struct Broken {
    pub seed: u64,
    pub invariant: Invariant,
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {:?}: {}", self.seed, self.invariant, self.what)
    }
}
