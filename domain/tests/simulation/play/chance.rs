//! What happens next: the same seed, the same world.

use std::cell::Cell;

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, good enough to choose what happens next.
#[derive(Debug)]
pub struct Chance(Cell<u64>);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(Cell::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1)))
    }
    fn roll(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&self, n: usize) -> usize {
        usize::try_from(self.roll() % n as u64).expect("below a usize")
    }
    pub fn percent(&self, chance: u64) -> bool {
        self.roll() % 100 < chance
    }
    pub fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())) }
    }
}
