//! Deliberately wrong adapters and rules, and the invariant that each of them must break.

use super::Invariant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The office takes a change that comes again for a new one.
    NoIdempotency,
    /// The phone moves its cursor before, and not with, the rows of the page.
    CursorFirst,
    /// Positions come from a sequence that nobody locks: a later one may be visible first.
    GlobalSequence,
    /// The office reads a subject before it holds its lock: of two pushes one overwrites the other.
    ReadBeforeLock,
    /// The office answers a batch with one verdict for all of it.
    OneVerdict,
    /// The phone throws away what the office cannot accept.
    HeldDropped,
    /// The last edit of a field is all that is kept of it.
    LastWriteWins,
    /// Everybody of a commune is told to forget a case, also those who must not know of it.
    ForgetToStranger,
    /// A restricted case is sent to everybody of its commune.
    ShownToStranger,
    /// The phone ends the overlay when the office has answered, and not with the page that shows it.
    OverlayEndsAtVerdict,
    /// The office takes a letter that comes again for a new one.
    LetterTwice,
    /// The office takes whoever brings a letter for its writer.
    CourierIsAuthor,
    /// The office does not ask whose key signed a letter.
    LetterUnproved,
    /// The office believes a letter which says whose it is, and not the key that signed it.
    WriterBelieved,
    /// Of a letter that a push would refuse the office says that it has it, and forgets it.
    RefusedInSilence,
    /// The office says that it has a letter before that is committed.
    KeptTooSoon,
    /// A phone ends what it has handed to a courier.
    GoneWithTheFile,
    /// Where a place went is not written down when it ends.
    SuccessorForgotten,
    /// Nobody's phone is told what they see since areas were merged.
    MergerUntold,
}

impl Fault {
    /// The invariant that is there for it, and those that may stumble over the same thing first.
    pub fn breaks(self) -> &'static [Invariant] {
        match self {
            Self::None => &[],
            Self::NoIdempotency => &[Invariant::Once, Invariant::StaysOnScreen],
            Self::CursorFirst => &[Invariant::SameParts, Invariant::StaysOnScreen, Invariant::ComesToRest],
            Self::GlobalSequence => &[Invariant::OrderOfCommit],
            Self::ReadBeforeLock => &[Invariant::FollowsFromChanges],
            Self::OneVerdict => &[Invariant::NothingLost],
            Self::HeldDropped => &[Invariant::NothingLost, Invariant::StaysOnScreen],
            Self::LastWriteWins => &[Invariant::ConflictKept],
            Self::ForgetToStranger => &[Invariant::NeverMentioned],
            Self::ShownToStranger => &[Invariant::SeenByRight],
            Self::OverlayEndsAtVerdict => &[Invariant::StaysOnScreen],
            Self::LetterTwice => &[Invariant::Once],
            Self::CourierIsAuthor => &[Invariant::AsWritten],
            Self::LetterUnproved | Self::WriterBelieved => &[Invariant::Once],
            Self::RefusedInSilence | Self::KeptTooSoon => &[Invariant::NothingLost],
            Self::GoneWithTheFile => &[Invariant::NothingLost, Invariant::StaysOnScreen],
            Self::SuccessorForgotten => &[Invariant::SeenInSuccessor],
            // What was kept from the phone counts as sent, so that its end is told too.
            Self::MergerUntold => &[Invariant::SameParts, Invariant::StaysOnScreen, Invariant::NeverMentioned],
        }
    }
}
