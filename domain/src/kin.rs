//! Cases said to be of one person: which stands in front, and what is shown when what people said does not fit together.
//! It reads only links that the reader may know of, moves nothing, and hides nothing while anything is in doubt.

use serde::{Deserialize, Serialize};

use crate::{
    case::Header,
    id::CaseId,
    map::{Map, Set},
};

/// One link as it stands on a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub other: CaseId,
    /// The one of the two in front; `None` while people disagree which, or whether they are of one person at all.
    pub front: Option<CaseId>,
}

/// The links that hold on a case: those that everybody has taken back are left out.
#[must_use]
pub fn links_of(header: &Header) -> Vec<Link> {
    let held = header.links.iter().filter(|(_, field)| field.candidates().iter().any(|c| c.value.is_some()));
    held.map(|(other, field)| Link {
        other: *other,
        front: field.shown().copied().flatten().filter(|_| !field.is_conflict()),
    })
    .collect()
}

/// Where a case stands among those of its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Front,
    /// Everything leads to this one.
    Behind(CaseId),
    /// What people said leads to more than one, in a circle, or is not decided: nothing is set behind.
    Disputed,
}

/// A case of a person of whom there are several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kin {
    pub place: Place,
    /// The other cases of the person, near and far, in the order of their ids.
    pub others: Vec<CaseId>,
}

/// Every case of `cases` that is linked with another of them. A link to a case that is not among them leads nowhere: its
/// reader does not have that one.
#[must_use]
pub fn families<'a>(cases: impl Iterator<Item = (CaseId, &'a [Link])>) -> Map<CaseId, Kin> {
    let all: Vec<(CaseId, &[Link])> = cases.collect();
    // Ids first: most cases have no link, and a list of ten thousand is gone through at each change.
    if all.iter().all(|(_, links)| links.is_empty()) {
        return Map::new();
    }
    let there: Set<CaseId> = all.iter().map(|(case, _)| *case).collect();
    let mut near: Map<CaseId, Vec<CaseId>> = Map::new();
    let mut leads: Map<CaseId, Vec<CaseId>> = Map::new();
    let mut doubtful: Set<CaseId> = Set::new();
    for (case, link) in all.iter().flat_map(|(case, links)| links.iter().map(|link| (*case, *link))) {
        if case == link.other || !there.contains(&link.other) {
            continue;
        }
        near.get_or_insert_with(case, Vec::new).push(link.other);
        near.get_or_insert_with(link.other, Vec::new).push(case);
        match link.front {
            Some(front) => {
                let behind = if front == case { link.other } else { case };
                leads.get_or_insert_with(behind, Vec::new).push(front);
            }
            None => {
                doubtful.insert(case);
                doubtful.insert(link.other);
            }
        }
    }
    let kin = |case: CaseId| {
        let family = reached(case, &near);
        let ways = reached(case, &leads);
        let mut ends = ways.iter().filter(|case| !leads.contains_key(case));
        let place = match (ends.next(), ends.next()) {
            _ if doubtful.contains(&case) => Place::Disputed,
            (Some(end), None) if *end == case => Place::Front,
            (Some(end), None) => Place::Behind(*end),
            _ => Place::Disputed,
        };
        Kin { place, others: family.iter().filter(|other| **other != case).copied().collect() }
    };
    near.keys().map(|case| (*case, kin(*case))).collect()
}

/// Everything that is reached from a case, itself included; a circle is gone through once.
fn reached(from: CaseId, ways: &Map<CaseId, Vec<CaseId>>) -> Set<CaseId> {
    let mut found: Set<CaseId> = Set::new();
    let mut open = vec![from];
    while let Some(case) = open.pop() {
        if found.insert(case) {
            open.extend(ways.get(&case).into_iter().flatten().copied());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> CaseId {
        CaseId(uuid::Uuid::from_u128(n))
    }
    fn to(other: u128, front: u128) -> Link {
        Link { other: id(other), front: Some(id(front)) }
    }
    fn places(links: &[(u128, &[Link])]) -> Vec<(u128, Place)> {
        let found = families(links.iter().map(|(case, links)| (id(*case), *links)));
        found.iter().map(|(case, kin)| (case.0.as_u128(), kin.place)).collect()
    }

    #[test]
    fn a_case_set_behind_leads_to_the_one_in_front_on_whichever_of_the_two_that_was_said() {
        let expected = vec![(1, Place::Behind(id(2))), (2, Place::Front)];
        assert_eq!(places(&[(1, &[to(2, 2)]), (2, &[]), (3, &[])]), expected);
        assert_eq!(places(&[(1, &[]), (2, &[to(1, 2)]), (3, &[])]), expected);
    }

    #[test]
    fn a_chain_leads_to_its_end_and_everybody_in_it_knows_the_others() {
        let found = families([(id(1), &[to(2, 2)][..]), (id(2), &[to(3, 3)]), (id(3), &[])].into_iter());
        assert_eq!(found.get(&id(1)), Some(&Kin { place: Place::Behind(id(3)), others: vec![id(2), id(3)] }));
        assert_eq!(found.get(&id(3)), Some(&Kin { place: Place::Front, others: vec![id(1), id(2)] }));
    }

    #[test]
    fn two_merges_at_once_hide_neither_case_and_do_not_run_in_a_circle() {
        use Place::{Disputed, Front};
        // The same two, each set behind the other.
        assert_eq!(places(&[(1, &[to(2, 2)]), (2, &[to(1, 1)])]), [(1, Disputed), (2, Disputed)]);
        // One into two others, of which nobody says that they are one person.
        let both = places(&[(1, &[to(2, 2), to(3, 3)]), (2, &[]), (3, &[])]);
        assert_eq!(both, [(1, Disputed), (2, Front), (3, Front)]);
        // Once somebody does, everything leads to one.
        let settled = places(&[(1, &[to(2, 2), to(3, 3)]), (2, &[to(3, 3)]), (3, &[])]);
        assert_eq!(settled, [(1, Place::Behind(id(3))), (2, Place::Behind(id(3))), (3, Front)]);
        // Not decided which of the two is in front.
        let open = Link { other: id(2), front: None };
        assert_eq!(places(&[(1, &[open]), (2, &[])]), [(1, Disputed), (2, Disputed)]);
    }

    #[test]
    fn a_link_to_a_case_that_the_reader_does_not_have_leads_nowhere() {
        assert_eq!(places(&[(1, &[to(9, 9)]), (2, &[])]), []);
    }
}
