//! One field and everything written into it that nobody has yet decided between. It knows no clock that decides.

use serde::{Deserialize, Serialize};

use crate::{id::ChangeId, limits, time::Timestamp};

/// A value of a field that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate<T> {
    /// Left out, with the time, in the short form of a case, see [`crate::Header::shorten`].
    #[serde(default = "no_change", skip_serializing_if = "ChangeId::is_none")]
    pub change: ChangeId,
    /// `None` while the change waits on the phone that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    pub value: T,
}

fn no_change() -> ChangeId {
    ChangeId::NONE
}

impl<T> Candidate<T> {
    /// The same candidate with its value as something else.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Candidate<U> {
        Candidate { change: self.change, received_at: self.received_at, value: to(self.value) }
    }
}

/// The candidates of one field, normally one. Two that differ are a conflict: both are kept and shown, and choosing is an
/// edit that saw both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Field<T> {
    candidates: Vec<Candidate<T>>,
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self { candidates: Vec::new() }
    }
}

impl<T> Field<T> {
    /// Shows `with` the change and the time of every candidate.
    pub(crate) fn stamps(&mut self, with: &mut dyn FnMut(&mut ChangeId, &mut Option<Timestamp>)) {
        self.candidates.iter_mut().for_each(|c| with(&mut c.change, &mut c.received_at));
    }
}

impl<T: PartialEq + Clone> Field<T> {
    /// Writes `now`: removes the candidates that the writer saw and adds the new one. Writing the same change again only
    /// renews when it was received.
    pub fn edit(&mut self, change: ChangeId, received_at: Option<Timestamp>, saw: &[ChangeId], now: &T) {
        self.candidates.retain(|c| c.change != change && !saw.contains(&c.change));
        if self.candidates.len() < limits::CANDIDATES {
            // One order on every device, whatever order things arrived in: the shown value first.
            let order = |at: Option<Timestamp>, change| (std::cmp::Reverse(at.map_or(i64::MAX, |t| t.0)), change);
            let comes = order(received_at, change);
            let behind = self.candidates.iter().take_while(|c| order(c.received_at, c.change) < comes).count();
            self.candidates.insert(behind, Candidate { change, received_at, value: now.clone() });
        }
    }
    /// Removes the candidates that the writer saw, with nothing in their place. What they did not see stays.
    pub fn clear(&mut self, saw: &[ChangeId]) {
        self.candidates.retain(|c| !saw.contains(&c.change));
    }
    /// The value to show: the later received; one that still waits on this phone is the latest.
    #[must_use]
    pub fn shown(&self) -> Option<&T> {
        self.candidates.first().map(|c| &c.value)
    }
    #[must_use]
    pub fn candidates(&self) -> &[Candidate<T>] {
        &self.candidates
    }
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.candidates.iter().skip(1).any(|c| c.value != self.candidates[0].value)
    }
    /// What an edit made now has seen.
    #[must_use]
    pub fn seen(&self) -> Vec<ChangeId> {
        self.candidates.iter().map(|c| c.change).collect()
    }
}

/// A value of which one answer protects the person better than another.
pub trait Protective {
    /// Higher protects more.
    fn protection(&self) -> u8;
}

impl<T: Protective> Field<T> {
    /// The most protective candidate: what is shown, and what access rules use, while people disagree.
    #[must_use]
    pub fn safest(&self) -> Option<&T> {
        // `max_by_key` gives the last of equals, hence the reversal: among equals the shown one.
        self.candidates.iter().rev().max_by_key(|c| c.value.protection()).map(|c| &c.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> ChangeId {
        ChangeId::at(u64::from(n), [n; 10])
    }
    const T1: Option<Timestamp> = Some(Timestamp(1));
    const T2: Option<Timestamp> = Some(Timestamp(2));

    #[test]
    fn two_who_did_not_see_each_other_are_both_kept_whatever_the_order() {
        let base = {
            let mut f = Field::default();
            f.edit(id(1), T1, &[], &"41");
            f
        };
        let (mut a, mut b) = (base.clone(), base);
        a.edit(id(2), T1, &[id(1)], &"42");
        a.edit(id(3), T2, &[id(1)], &"47");
        b.edit(id(3), T2, &[id(1)], &"47");
        b.edit(id(2), T1, &[id(1)], &"42");
        assert_eq!(a, b);
        assert!(a.is_conflict());
        assert_eq!(a.shown(), Some(&"47"));
        a.edit(id(4), T2, &a.seen(), &"42");
        assert!(!a.is_conflict());
        assert_eq!(a.candidates().len(), 1);
    }

    #[test]
    fn the_same_value_twice_is_no_conflict_and_the_same_change_twice_is_one_candidate() {
        let mut f = Field::default();
        f.edit(id(1), None, &[], &"x");
        f.edit(id(1), T1, &[], &"x");
        assert_eq!(f.candidates().len(), 1);
        f.edit(id(2), T2, &[], &"x");
        assert!(!f.is_conflict());
    }
}
