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
        posted,
        carried,
        forged,
        merged,
        ..
    } = all;
    assert!(all.links > 500 && all.transfers > 200, "{all:?}");
    assert!(accepted > 10_000 && cuts > 5_000 && kills > 2_000, "{all:?}");
    assert!(held > 500 && set_aside > 100 && lost_writes > 40 && fail_overs > 100, "{all:?}");
    assert!(posted > 500 && carried > 500 && forged > 200 && merged > 500, "{all:?}");
    assert!(all.drowned > 50 && all.given_up > 20 && all.photos > 200, "{all:?}");
    assert!(rights > 500 && updates > 200 && conflicts > 50 && moves > 200, "{all:?}");
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

#[test]
fn an_office_that_takes_a_letter_twice_doubles_a_change() {
    is_found(Fault::LetterTwice);
}

#[test]
fn a_courier_taken_for_the_writer_of_a_letter_signs_what_others_saved() {
    is_found(Fault::CourierIsAuthor);
}

#[test]
fn a_letter_that_nobody_proved_brings_what_nobody_wrote() {
    is_found(Fault::LetterUnproved);
}

#[test]
fn a_letter_believed_by_what_it_says_of_itself_brings_what_nobody_wrote() {
    is_found(Fault::WriterBelieved);
}

#[test]
fn a_letter_refused_in_silence_is_lost() {
    is_found(Fault::RefusedInSilence);
}

#[test]
fn a_letter_acknowledged_before_its_commit_is_lost() {
    is_found(Fault::KeptTooSoon);
}

#[test]
fn a_phone_that_ends_what_it_handed_to_a_courier_loses_it() {
    is_found(Fault::GoneWithTheFile);
}

#[test]
fn a_merged_area_whose_successor_is_forgotten_hides_its_cases() {
    is_found(Fault::SuccessorForgotten);
}

#[test]
fn a_merger_that_nobody_is_told_of_leaves_phones_without_its_cases() {
    is_found(Fault::MergerUntold);
}
