//! Phones and an office under every accident: nothing is lost, nothing doubled, all see the same.

mod world;

use world::{Fault, run};

const SEEDS: u64 = 300;

#[test]
fn nothing_is_lost_or_doubled_whatever_the_network_does() {
    let mut accepted = 0;
    let mut cuts = 0;
    for seed in 0..SEEDS {
        match run(seed, Fault::None) {
            Ok(counts) => {
                accepted += counts.accepted;
                cuts += counts.cuts;
            }
            Err(broken) => panic!("{broken}"),
        }
    }
    // A world in which nothing happens proves nothing.
    assert!(accepted > 5_000 && cuts > 5_000, "{accepted} accepted, {cuts} cuts");
}

fn is_found(fault: Fault, word: &str) {
    let found = (0..SEEDS).find_map(|seed| run(seed, fault).err());
    let found = found.unwrap_or_else(|| panic!("{fault:?} was not found in {SEEDS} seeds"));
    assert!(found.what.contains(word), "{found}");
}

#[test]
fn an_office_without_idempotency_is_found() {
    is_found(Fault::NoIdempotency, "doubled");
}

#[test]
fn a_cursor_moved_outside_its_transaction_is_found() {
    is_found(Fault::CursorFirst, "");
}
