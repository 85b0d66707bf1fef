//! Letters as they lie and travel. What seals and signs here is not secret, but it binds what the real one binds: who has
//! not the device's key cannot sign for it, and what is in one letter cannot be put under the name of another. What is
//! sealed, signed and read is `domain::letter`'s own.

use std::{collections::BTreeMap, rc::Rc};

use domain::{
    laws::{raw, visit},
    *,
};

use super::{network::Way, phone::Phone, world::World};

/// The name of the office's key.
const KEY: &str = "office";

/// A letter on a phone.
#[derive(Debug, Clone)]
pub struct Lying {
    pub n: u64,
    pub letter: Rc<Letter>,
    /// The office has said that it has it.
    pub kept: bool,
}

/// Letters by the ids of their changes.
pub type Bag = BTreeMap<ChangeId, Lying>;

/// FNV-1a over a key and what is sealed or signed.
fn tag(key: &[u8], bytes: &[u8]) -> [u8; 8] {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    key.iter().chain(bytes).fold(0xcbf2_9ce4_8422_2325, step).to_be_bytes()
}

fn sign(device: DeviceId, signed: &[u8]) -> Bytes {
    Bytes(tag(device.0.as_bytes(), signed).repeat(8))
}

fn seal(mut letter: Letter, signer: DeviceId, worker: WorkerId, ahead_ms: Option<i64>, change: &Change) -> Letter {
    let inside = Inside { worker, ahead_ms, change: raw(change) };
    let mut plain = Letter::fill(&inside).expect("a change is lawful JSON");
    let about = Letter::about(letter.v, letter.id, &letter.key, letter.device);
    plain.extend(tag(about.as_bytes(), &plain));
    letter.ct = Bytes(plain);
    letter.sig = sign(signer, &letter.signed());
    letter
}

fn blank(id: ChangeId, device: DeviceId) -> Letter {
    let enc = Bytes(vec![4; Letter::POINT_BYTES]);
    Letter { v: Letter::V, id, key: KEY.to_owned(), device, enc, ct: Bytes::default(), sig: Bytes::default() }
}

/// The letter of a change, as its writer's phone makes it.
pub fn write(change: &Change, ahead_ms: Option<i64>) -> Letter {
    seal(blank(change.id, change.device), change.device, change.author, ahead_ms, change)
}

/// Whether the device whose letter it is signed it.
pub fn is_signed(letter: &Letter) -> bool {
    letter.key == KEY && letter.sig == sign(letter.device, &letter.signed())
}

/// What was sealed, if it was sealed for this envelope.
pub fn open(letter: &Letter) -> Option<&[u8]> {
    let (plain, seal) = letter.ct.0.split_last_chunk::<8>()?;
    let about = Letter::about(letter.v, letter.id, &letter.key, letter.device);
    (tag(about.as_bytes(), plain) == *seal).then_some(plain)
}

/// What somebody who carries a letter may do to it. They have their own device's key, and the office's public one.
pub fn tamper(world: &World, forger: &Phone, letter: &Letter) -> Letter {
    let chance = &world.chance;
    let own = forger.pen.device;
    let subjects: Vec<(Subject, LogId)> = world.office.registry.subjects().into_iter().filter_map(logged).collect();
    let forged = chance.pick(&subjects).zip(world.phones.iter().find(|phone| phone.pen.device == letter.device));
    let forge = |device: DeviceId| {
        let ((subject, log), victim) = forged?;
        let change = forger.pen.write(*subject, &log.to_string(), visit("Giả mạo."));
        let change = Change { author: victim.pen.worker, device, ..change };
        Some(seal(blank(change.id, device), own, victim.pen.worker, None, &change))
    };
    let again = |mut letter: Letter, signer| {
        letter.sig = sign(signer, &letter.signed());
        letter
    };
    // Their own is theirs to write, on whichever of their phones.
    let is_own = forged.is_some_and(|(_, victim)| victim.pen.worker == forger.pen.worker);
    let other = match chance.below(5) {
        0..=2 if is_own => None,
        // Another's words, in a letter that looks like theirs, or in their own.
        0 => forge(letter.device),
        1 => forge(own),
        2 => Some(again(Letter { device: own, ..letter.clone() }, own)),
        3 => Some(Letter { id: ChangeId(uuid::Uuid::from_u128(letter.id.0.as_u128() ^ 1)), ..letter.clone() }),
        _ => {
            let mut ct = letter.ct.clone();
            let at = chance.below(ct.0.len());
            ct.0[at] ^= 0x20;
            Some(again(Letter { ct, ..letter.clone() }, own))
        }
    };
    other.unwrap_or_else(|| letter.clone())
}

fn logged((subject, parts): (Subject, Parts)) -> Option<(Subject, LogId)> {
    Some((subject, parts.header()?.log.clone()))
}

/// One round of letters: those of whoever is signed out, as far as they were never turned down, then those of others.
///
/// # Errors
/// Of the line; what arrived until then is noted.
pub async fn round(world: &World, at: usize) -> Result<(), ApiError> {
    let (phone, way) = (&world.phones[at], Way { world, phone: at });
    if phone.is_away() {
        let outbox = phone.outbox();
        let queued =
            |id: &ChangeId| outbox.iter().any(|item| item.change.id == *id && item.state == OutboxState::Queued);
        let waiting = phone.disk.own.borrow().iter().filter(|(id, l)| !l.kept && queued(id)).map(lies).collect();
        bring(&way, waiting, true).await?;
    }
    let waiting = phone.disk.carried.borrow().iter().filter(|(_, l)| !l.kept).map(lies).collect();
    bring(&way, waiting, false).await
}

fn lies((_, lying): (&ChangeId, &Lying)) -> Lying {
    lying.clone()
}

async fn bring(way: &Way<'_>, mut waiting: Vec<Lying>, own: bool) -> Result<(), ApiError> {
    waiting.sort_by_key(|lying| lying.n);
    let (world, disk) = (way.world, &way.world.phones[way.phone].disk);
    for some in waiting.chunks(limits::POST_LETTERS) {
        let answer = way.letters(some.iter().map(|lying| (*lying.letter).clone()).collect()).await?;
        let bag = if own { &disk.own } else { &disk.carried };
        disk.relaxed();
        for (lying, _) in some.iter().zip(answer.kept).filter(|(_, kept)| *kept) {
            if let Some(lying) = bag.borrow_mut().get_mut(&lying.letter.id) {
                lying.kept = true;
            }
            world.count(|c| c.carried += usize::from(!own));
            world.count(|c| c.posted += usize::from(own));
        }
    }
    Ok(())
}
