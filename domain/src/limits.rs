//! Limits of everything that comes from outside, each with its reason.

/// A note of a visit or a fact: two printed pages.
pub const TEXT_CHARS: usize = 4_000;
/// The longest name the population database accepts is under 100 characters.
pub const NAME_CHARS: usize = 120;
/// Short labels: a place as somebody says it, an alias, a document number.
pub const LABEL_CHARS: usize = 200;
/// One change as JSON: the longest texts of one form fit four times over.
pub const CHANGE_BYTES: usize = 64 * 1024;
/// Changes of one push: what one commit of the office carries without making others wait.
pub const PUSH_CHANGES: usize = 100;
/// A push as JSON: a village's line of 30 kbit/s carries it in about a minute.
pub const PUSH_BYTES: usize = 256 * 1024;
/// Subjects of one page of a pull: one relaxed transaction on a cheap phone.
pub const PAGE_SUBJECTS: usize = 400;
/// Content of one answer to a pull before it is compressed: on a line of 30 kbit/s a cut answer repeats a minute or two.
pub const PULL_BYTES: usize = 512 * 1024;
/// Steps of history a case carries for reading offline.
pub const TRAIL_ENTRIES: usize = 50;
/// Candidates of one field; more than this many people do not disagree, a broken phone does.
pub const CANDIDATES: usize = 16;
/// Other cases said to be of the same person: more are not one person recorded often, but a mistake.
pub const LINKS: usize = 16;
/// Times a case was given away that it carries; older ones stand in the office's history.
pub const TRANSFERS: usize = 16;
/// Telephone reports noted on one case: somebody who calls every hour for two days.
pub const TOLD: usize = 50;
/// Times that a task is said to be done: everybody of a village, and their supervisors.
pub const DONE: usize = 30;
/// Looks noted on one request: a phone notes one for each desk, several people may sit there.
pub const LOOKS: usize = 30;
/// Edits in one change: every field of a case at once.
pub const EDITS: usize = 64;
/// Longest side of a photo in pixels: a face in a group and a line of a letter can be made out, and no more is kept.
pub const PHOTO_SIDE: u16 = 1_600;
/// A photo before it is sealed: four minutes on a village's line of 30 kbit/s.
pub const PHOTO_BYTES: u32 = 500 * 1024;
/// The small picture that travels with the change, and stays readable without network: two seconds of the same line.
pub const THUMBNAIL_BYTES: usize = 8 * 1024;
/// Photos of one case: its small pictures are loaded with it.
pub const CASE_PHOTOS: usize = 30;
/// The largest piece of a photo in one call: even 2 kB a second carry it before the call is given up after a minute.
pub const PHOTO_CHUNK_BYTES: u32 = 64 * 1024;
/// The smallest that a failing line is tried with: below this the headers weigh more than the piece.
pub const PHOTO_CHUNK_LEAST: u32 = 4 * 1024;
/// What one person's photos may take of the office's disk in a day: four hundred of the largest.
pub const PHOTO_DAY_BYTES: i64 = 200 * 1024 * 1024;
/// How often one person is told of the same emergency: who has not looked after three calls does not have the phone at hand.
pub const DUTY_ROUNDS: usize = 3;
/// Days after which an emergency that nobody looked at is for the office's list and no longer for a ringing phone.
pub const DUTY_DAYS: i64 = 3;
/// While nobody can be reached: tried again at least this often.
pub const DUTY_LONGEST_WAIT_MS: i64 = 3_600_000;
/// The address of a push service; the longest in use are under 800.
pub const ENDPOINT_BYTES: usize = 2_048;
/// A sealed letter: the largest change, what stands around it, and what it is filled up with.
pub const LETTER_BYTES: usize = CHANGE_BYTES + 2 * 1024;
/// Letters of one call without a session: each costs the office two operations on a curve before it knows its writer.
pub const POST_LETTERS: usize = 20;
/// The same as JSON: what a push may be.
pub const POST_BYTES: usize = 256 * 1024;
/// What somebody without any right may leave for others to read within a day: some ten thousand notes, more than a phone
/// gathers in a season without network. The rest stays on the phone and comes on the next day.
pub const ASIDE_DAY_BYTES: i64 = 16 * 1024 * 1024;
/// A file of letters and photos that somebody carries: what a cheap phone can still read at once.
pub const RESCUE_BYTES: usize = 32 * 1024 * 1024;
/// Days for which a phone keeps what the office acknowledged, to offer it again to a restored office.
pub const KEPT_DAYS: i64 = 90;
/// Oldest and newest protocol versions: pushes are taken from every version ever released.
pub const PROTOCOL_VERSION: u16 = 2;
/// The oldest version that can read what the office sends; older ones may push for ever and are asked to update to pull.
pub const OLDEST_READER: u16 = 1;
