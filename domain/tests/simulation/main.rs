//! Phones and an office under every accident: nothing is lost, nothing doubled, all see the same. Each deliberately wrong
//! adapter is found, and by the invariant that is there for it.

mod play;

use play::{Counts, Fault, find, run};

const SEEDS: u64 = 1_000;

#[test]
fn nothing_is_lost_or_doubled_whatever_happens() {
    let mut all = Counts::default();
    for seed in 0..SEEDS {
        match run(seed, Fault::None) {
            Ok(counts) => all += counts,
            Err(broken) => panic!("{broken}"),
        }
    }
    // A world in which nothing happens proves nothing.
    let Counts {
        accepted,
        held,
        set_aside,
        cuts,
        kills,
        lost_writes,
        fail_overs,
        rights,
        conflicts,
        moves,
        updates,
        ..
    } = all;
    assert!(all.links > 500 && all.transfers > 200, "{all:?}");
    assert!(accepted > 10_000 && cuts > 5_000 && kills > 2_000, "{all:?}");
    assert!(held > 500 && set_aside > 100 && lost_writes > 100 && fail_overs > 100, "{all:?}");
    assert!(rights > 500 && updates > 200 && conflicts > 100 && moves > 200, "{all:?}");
}

fn is_found(fault: Fault) {
    if let Err(why) = find(fault, 0..SEEDS) {
        panic!("{why}");
    }
}

#[test]
fn an_office_without_idempotency_doubles_a_change() {
    is_found(Fault::NoIdempotency);
}

#[test]
fn a_cursor_moved_outside_its_transaction_skips_parts() {
    is_found(Fault::CursorFirst);
}

#[test]
fn a_sequence_instead_of_a_locked_counter_breaks_the_order_of_commit() {
    is_found(Fault::GlobalSequence);
}

#[test]
fn parts_read_before_the_lock_no_longer_follow_from_their_changes() {
    is_found(Fault::ReadBeforeLock);
}

#[test]
fn one_verdict_for_a_whole_batch_loses_a_change() {
    is_found(Fault::OneVerdict);
}

#[test]
fn a_phone_that_drops_what_is_held_loses_it() {
    is_found(Fault::HeldDropped);
}

#[test]
fn an_office_where_the_last_write_wins_decides_a_conflict_in_silence() {
    is_found(Fault::LastWriteWins);
}

#[test]
fn a_stranger_told_to_forget_hears_of_the_case() {
    is_found(Fault::ForgetToStranger);
}

#[test]
fn a_stranger_who_is_sent_the_case_sees_it_without_right() {
    is_found(Fault::ShownToStranger);
}

#[test]
fn an_overlay_that_ends_at_the_verdict_takes_work_off_the_screen() {
    is_found(Fault::OverlayEndsAtVerdict);
}
