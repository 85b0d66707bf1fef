//! Chance that plays again: the same seed gives the same plan and the same ids.

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another one, of `name` only: what one phone draws does not move what the next one draws.
    pub fn of(seed: u64, name: &[u64]) -> Self {
        let mut chance = Self(seed);
        for part in name {
            chance = Self(chance.next() ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        chance
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` - 1; 0 when there is nothing to choose from.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() % n as u64) as usize }
    }

    /// One of the things by their weights.
    pub fn weighted<T: Copy>(&mut self, things: &[(u32, T)]) -> Option<T> {
        let all: u32 = things.iter().map(|(weight, _)| weight).sum();
        let mut at = (self.next() % u64::from(all.max(1))) as u32;
        for (weight, thing) in things {
            if at < *weight {
                return Some(*thing);
            }
            at -= weight;
        }
        None
    }

    /// A UUIDv7 (RFC 9562 §5.7).
    pub fn uuid7(&mut self, ms: i64) -> String {
        let (high, low) = (self.next(), self.next());
        let time = (ms as u64) & 0xffff_ffff_ffff;
        let (a, b) = (high & 0xfff, (low >> 48) & 0x3fff | 0x8000);
        format!("{:08x}-{:04x}-7{a:03x}-{b:04x}-{:012x}", time >> 16, time & 0xffff, low & 0xffff_ffff_ffff)
    }

    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for at in (1..things.len()).rev() {
            things.swap(at, self.below(at + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_another_does_not() {
        let draw = |seed| {
            let mut chance = Chance::of(seed, &[3, 4]);
            (chance.next(), chance.uuid7(1_700_000_000_000), chance.below(10))
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn ids_are_of_the_form_that_phones_make() {
        let id = Chance::new(1).uuid7(0x0190_a000_0000);
        assert_eq!(id.len(), 36);
        assert!(id.starts_with("0190a000-0000-7"), "{id}");
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
    }
}
