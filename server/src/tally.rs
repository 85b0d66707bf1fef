//! How often each line calls within a minute, at doors that need no session. It knows lines and moments, not what is counted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::login::network_of;

pub const MINUTE: Duration = Duration::from_secs(60);
/// Lines remembered at a time: a flood from more than these is for the proxy in front.
const LINES: usize = 10_000;

/// Counts of each line within its minute. Whoever has an IPv6 line has many addresses and is one.
#[derive(Debug)]
pub struct Tally<T>(Mutex<HashMap<String, (Instant, T)>>);

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> Tally<T> {
    /// Works on the counts of a line; with them the seconds until they begin anew.
    pub fn with<R>(&self, address: IpAddr, now: Instant, work: impl FnOnce(&mut T, u32) -> R) -> R {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = network_of(address);
        let is_old = |since: &Instant| now.duration_since(*since) >= MINUTE;
        if all.len() >= LINES && !all.contains_key(&line) {
            all.retain(|_, (since, _)| !is_old(since));
            // The others keep their counts: a flood forgives nobody.
            if all.len() >= LINES
                && let Some(oldest) = all.iter().min_by_key(|(_, (since, _))| *since).map(|(line, _)| line.clone())
            {
                all.remove(&oldest);
            }
        }
        let (since, counts) = all.entry(line).or_insert_with(|| (now, T::default()));
        if is_old(since) {
            (*since, *counts) = (now, T::default());
        }
        let wait = MINUTE.saturating_sub(now.duration_since(*since)).as_secs() + 1;
        work(counts, u32::try_from(wait).unwrap_or(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_whatever_its_address_and_a_flood_forgives_nobody() {
        let (tally, start) = (Tally::<u32>::default(), Instant::now());
        let count = |address: &str, at: Instant| {
            tally.with(address.parse().unwrap(), at, |n, _| {
                *n += 1;
                *n
            })
        };
        assert_eq!((count("2001:db8:1:2::1", start), count("2001:db8:1:2:ffff::9", start)), (1, 2));
        let later = start + Duration::from_secs(1);
        assert_eq!(count("203.0.113.7", later), 1);
        for n in 0..20_000_u32 {
            let [_, a, b, c] = n.to_be_bytes();
            count(&format!("10.{a}.{b}.{c}"), start);
        }
        assert_eq!(count("203.0.113.7", later), 2, "the newest of the lines is remembered");
        assert_eq!(count("203.0.113.7", later + MINUTE), 1);
    }
}
