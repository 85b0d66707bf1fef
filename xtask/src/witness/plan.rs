//! What each phone does in a round: drawn from the seed alone, so that a seed plays the same deeds again. When they meet
//! is the machine's affair.

use super::chance::Chance;
use super::phone::How;
use super::village::{Person, Work};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Open { restricted: bool },
    Edit,
    Visit,
    Stray,
    Task,
    Done,
    Refer,
    Decide,
    Move,
    Restrict,
    Forge,
    Sync(How),
}

const SYNC: (u32, Deed) = (26, Deed::Sync(How::Plain));

/// The deeds of one phone, each with the number that chooses what it is about.
pub fn deeds(person: &Person, phone: usize, seed: u64, round: u64, most: usize) -> Vec<(Deed, u64)> {
    let mut chance = Chance::of(seed, &[1, round, phone as u64]);
    let weights: &[(u32, Deed)] = match person.work {
        Work::Collaborator => &[
            (12, Deed::Open { restricted: false }),
            (3, Deed::Open { restricted: true }),
            (20, Deed::Edit),
            (12, Deed::Visit),
            (5, Deed::Task),
            (5, Deed::Done),
            (7, Deed::Refer),
            (6, Deed::Move),
            (4, Deed::Restrict),
            (5, Deed::Forge),
            (4, Deed::Stray),
            SYNC,
        ],
        Work::Outreach => &[
            (4, Deed::Open { restricted: false }),
            (26, Deed::Edit),
            (18, Deed::Visit),
            (6, Deed::Done),
            (5, Deed::Forge),
            (4, Deed::Stray),
            SYNC,
        ],
        Work::Supervisor => &[
            (20, Deed::Edit),
            (8, Deed::Visit),
            (8, Deed::Task),
            (24, Deed::Decide),
            (5, Deed::Forge),
            (5, Deed::Stray),
            SYNC,
        ],
        Work::Intake => &[(30, Deed::Decide), (6, Deed::Stray), SYNC],
        Work::Viewer => &[(10, Deed::Stray), SYNC],
    };
    let mut deeds = Vec::with_capacity(most + 1);
    // Everybody who opens cases begins with one.
    if person.work == Work::Collaborator {
        deeds.push((Deed::Open { restricted: false }, chance.next()));
    }
    while deeds.len() < most {
        let Some(deed) = chance.weighted(weights) else { break };
        let deed = if let Deed::Sync(_) = deed { Deed::Sync(how(&mut chance)) } else { deed };
        deeds.push((deed, chance.next()));
    }
    deeds.push((Deed::Sync(How::Plain), 0));
    deeds.push((Deed::Forge, chance.next()));
    deeds
}

fn how(chance: &mut Chance) -> How {
    let hows = [
        (40, How::Plain),
        (16, How::Shuffled),
        (14, How::Twice),
        (10, How::CutSending(0)),
        (12, How::CutAnswer(0)),
        (8, How::CutPull(0)),
    ];
    match chance.weighted(&hows) {
        Some(How::CutSending(_)) => How::CutSending(chance.below(1000) as u32),
        Some(How::CutAnswer(_)) => How::CutAnswer(chance.below(2) * chance.below(900)),
        Some(How::CutPull(_)) => How::CutPull(chance.below(9000)),
        how => how.unwrap_or(How::Plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::witness::village::PEOPLE;

    #[test]
    fn a_seed_plays_the_same_deeds_again() {
        let plan = |seed| (0..5).map(|phone| deeds(&PEOPLE[0], phone, seed, 2, 20)).collect::<Vec<_>>();
        assert_eq!(plan(11), plan(11));
        assert_ne!(plan(11), plan(12));
    }
}
