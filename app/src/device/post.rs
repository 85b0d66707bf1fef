//! Letters under way: those of the notebooks on this phone, and those that it carries for others. It opens none and needs
//! nobody's key: a letter goes out while its writer is signed out, away, or no longer one of us.
//!
//! | database | store | key | row |
//! | --- | --- | --- | --- |
//! | of a notebook | `letter` | id of the change | `{ n, text, kept?, slip?, tries?, later? }`: the letter as JSON; when the office had it, and its word; how often it did not take it, and when it is offered again |
//! | [`COURIER`] | `letter` | id of the change | the same |
//!
//! Photos go after the letters that announce them; in both databases they lie as [`super::photos`] says.
//!
//! The service worker (`public/sw.template.js`) reads and writes the same rows.

use std::cell::RefCell;

use domain::{
    ApiError, Blob, Bytes, Letter, PostAnswer, RescueFile, Slip, StoreError, Timestamp, json, limits, map::Map,
    sync::SyncError,
};
use js_sys::Object;
use wasm_bindgen::{JsCast, JsValue};

use super::{
    browser,
    idb::{self, Database, Mode},
    line::Line,
    notebook,
    photos::{self, PHOTO, PHOTO_BODY},
};
use crate::field::Standing;

pub const LETTER: &str = "letter";
/// What this phone carries for others: a notebook that nobody writes in.
pub const COURIER: &str = "caunoi-courier";
/// What a rescue file calls photos.
const PHOTO_KIND: &str = "photo";
/// Room that what stands around letters takes in a call.
const AROUND_BYTES: usize = 1_024;
/// How long a letter rests that the office did not take, once and then each time: the line is prepaid. `sw.template.js` has
/// the same.
const RESTS_MS: [i64; 2] = [3_600_000, 86_400_000];

thread_local! {
    /// What the office has and this phone could not write down, with the office's word: it is not sent again.
    static UNNOTED: RefCell<Map<String, Option<String>>> = RefCell::default();
}

/// A letter as it lies.
struct Lying {
    id: String,
    n: u64,
    text: String,
    kept: bool,
    /// It is not offered again before.
    later: i64,
    row: Object,
}

/// Where letters lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bag<'a> {
    /// The notebook of this name.
    Own(&'a str),
    /// What this phone carries for others.
    Courier,
}

impl Bag<'_> {
    async fn open(self) -> Result<Database, StoreError> {
        let name = match self {
            Self::Own(name) => name,
            Self::Courier => COURIER,
        };
        notebook::database(name).await
    }

    /// Those not at the office yet, in the order in which they were written.
    async fn waiting(self) -> Result<Vec<Lying>, StoreError> {
        let db = self.open().await?;
        let tx = db.transaction(&[LETTER], Mode::Read)?;
        let store = tx.store(LETTER)?;
        let (keys, rows) = (store.get_all_keys().await?, store.get_all().await?);
        let mut lying: Vec<Lying> = keys.iter().zip(rows.iter()).filter_map(|(key, row)| lying(&key, row)).collect();
        lying.retain(|letter| !letter.kept);
        domain::order::sort_by_key(&mut lying, |letter| letter.n);
        Ok(lying)
    }

    /// Writes down what arrived, each with the office's word. What could not be written down is remembered.
    async fn note(self, arrived: &[(Lying, Option<String>)]) -> Result<(), StoreError> {
        for (letter, slip) in arrived {
            idb::set(&letter.row, "kept", &(browser::now().0 as f64).into());
            idb::set(&letter.row, "slip", &slip.as_deref().into());
        }
        let noted = self.put(arrived.iter().map(|(letter, _)| letter)).await;
        UNNOTED.with_borrow_mut(|unnoted| {
            for (letter, slip) in arrived {
                match &noted {
                    Ok(()) => drop(unnoted.remove(&letter.id)),
                    Err(_) => drop(unnoted.insert(letter.id.clone(), slip.clone())),
                }
            }
        });
        noted
    }

    /// Lets letters rest that the office did not take: they stay, and are offered ever more seldom.
    async fn rest(self, turned_away: &[Lying]) -> Result<(), StoreError> {
        for letter in turned_away {
            let tries = idb::number(&idb::get(&letter.row, "tries")).unwrap_or(0);
            let rests_ms = RESTS_MS[usize::from(tries > 0)];
            idb::set(&letter.row, "tries", &((tries + 1) as f64).into());
            idb::set(&letter.row, "later", &((browser::now().0 + rests_ms) as f64).into());
        }
        self.put(turned_away.iter()).await
    }

    /// Writes the rows of letters; what its notebook has let go meanwhile is not written again.
    async fn put(self, letters: impl Iterator<Item = &Lying>) -> Result<(), StoreError> {
        let db = self.open().await?;
        let tx = db.transaction(&[LETTER], Mode::Relaxed)?;
        let store = tx.store(LETTER)?;
        for letter in letters {
            let key = JsValue::from(&letter.id);
            // One that was sealed anew meanwhile is another letter.
            let there = idb::get(&store.get(&key).await?, "text").as_string();
            if there.as_deref() == Some(&*letter.text) {
                store.put(&key, &letter.row)?;
            }
        }
        tx.done().await
    }
}

fn lying(key: &JsValue, row: JsValue) -> Option<Lying> {
    Some(Lying {
        id: key.as_string()?,
        n: idb::number(&idb::get(&row, "n")).unwrap_or(0),
        text: idb::get(&row, "text").as_string()?,
        kept: !idb::get(&row, "kept").is_undefined(),
        later: idb::get(&row, "later").as_f64().unwrap_or(0.0) as i64,
        row: row.dyn_into().ok()?,
    })
}

/// The row of a letter.
#[must_use]
pub fn row(n: u64, text: &str) -> Object {
    let row = Object::new();
    idb::set(&row, "n", &(n as f64).into());
    idb::set(&row, "text", &text.into());
    row
}

/// To which key of the office the letter of a row is sealed; `None` for what is no letter.
pub(super) fn key_of(row: &JsValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Sealed {
        key: String,
    }
    let text = idb::get(row, "text").as_string()?;
    json::read::<Sealed>(text.as_bytes()).ok().map(|sealed| sealed.key)
}

/// Brings the letters of a bag to the office, as many at a time as it takes. `only`: by the ids of their changes; what the
/// office has turned down once is for its writer to put right, not to be brought behind their back. Gives how many arrived.
///
/// # Errors
/// Of the line; what arrived until then is noted. Of this phone, once the rest was brought all the same.
pub async fn bring(bag: Bag<'_>, line: Line, only: Option<&[String]>) -> Result<usize, SyncError> {
    let mut waiting = bag.waiting().await?;
    if let Some(only) = only {
        waiting.retain(|letter| only.contains(&letter.id));
    }
    let known: Map<String, Option<String>> = UNNOTED.with_borrow(Clone::clone);
    let (there, mut waiting): (Vec<Lying>, Vec<Lying>) = waiting.into_iter().partition(|l| known.contains_key(&l.id));
    let with_slip = |letter: Lying| {
        let slip = known.get(&letter.id).cloned().flatten();
        (letter, slip)
    };
    let there: Vec<_> = there.into_iter().map(with_slip).collect();
    let mut failed = if there.is_empty() { None } else { bag.note(&there).await.err() };
    let now = browser::now().0;
    // One that rests longer than any does was told so by a clock that was wrong.
    waiting.retain(|letter| letter.later <= now || letter.later > now + RESTS_MS[1]);
    let (mut arrived, mut most, mut doubtful, mut said) = (0, usize::MAX, vec![], None);
    while !waiting.is_empty() {
        let rest = waiting.split_off(fitting(&waiting).min(most));
        match line.letters(waiting.iter().map(|letter| &*letter.text)).await {
            Ok(PostAnswer { kept, slip }) => {
                let slip = slip.and_then(|slip| json::write_text(&slip).ok());
                let (mut have, mut turned_away) = (vec![], vec![]);
                for (letter, kept) in waiting.into_iter().zip(kept) {
                    if kept { have.push((letter, slip.clone())) } else { turned_away.push(letter) }
                }
                arrived += have.len();
                failed = bag.note(&have).await.err().or(failed);
                // The office takes others: those it did not read are at fault themselves.
                if arrived > 0 && !doubtful.is_empty() {
                    failed = bag.rest(&std::mem::take(&mut doubtful)).await.err().or(failed);
                }
                if !turned_away.is_empty() {
                    failed = bag.rest(&turned_away).await.err().or(failed);
                }
            }
            // One of them is not as it should be, and takes no other with it.
            Err(ApiError::BadRequest | ApiError::TooLarge) if waiting.len() > 1 => {
                most = 1;
                waiting.extend(rest);
                continue;
            }
            Err(ApiError::BadRequest | ApiError::TooLarge) if arrived > 0 => {
                failed = bag.rest(&waiting).await.err().or(failed);
            }
            Err(error @ (ApiError::BadRequest | ApiError::TooLarge)) => {
                doubtful.extend(waiting);
                said = Some(error);
            }
            Err(error) => return Err(error.into()),
        }
        waiting = rest;
    }
    // Some proxy on the way is speaking.
    if let Some(error) = said.filter(|_| arrived == 0) {
        return Err(error.into());
    }
    failed.map_or(Ok(arrived), |error| Err(error.into()))
}

/// How many of them one call takes, at least one.
fn fitting(waiting: &[Lying]) -> usize {
    let mut bytes = AROUND_BYTES;
    let fit = waiting.iter().take(limits::POST_LETTERS).take_while(|letter| {
        bytes += letter.text.len() + 1;
        bytes <= limits::POST_BYTES
    });
    fit.count().max(1)
}

/// The letters of a bag that are not at the office yet.
///
/// # Errors
/// [`StoreError`].
pub async fn unsent(bag: Bag<'_>) -> Result<Vec<Letter>, StoreError> {
    let waiting = bag.waiting().await?;
    Ok(waiting.iter().filter_map(|letter| json::read(letter.text.as_bytes()).ok()).collect())
}

/// What arrived from the courier's bag and what still lies in it.
///
/// # Errors
/// [`StoreError`].
pub async fn carried() -> Result<Standing, StoreError> {
    let db = Bag::Courier.open().await?;
    let tx = db.transaction(&[LETTER, PHOTO], Mode::Read)?;
    let (letters, photos) = (tx.store(LETTER)?, tx.store(PHOTO)?);
    let (rows, photos) = (letters.get_all().await?, photos.get_all().await?);
    let has_arrived = |row: &JsValue| !idb::get(row, "kept").is_undefined();
    let is_sent = |row: &JsValue| photos::Kept::read(row).is_some_and(|kept| kept.is_sent());
    let turned_away = rows.iter().filter(is_resting).count();
    let arrived = rows.iter().filter(has_arrived).count() + photos.iter().filter(is_sent).count();
    Ok(Standing { waiting: (rows.length() + photos.length()) as usize - arrived, arrived, turned_away })
}

/// Whether the row is of a letter that the office was brought and did not take.
pub(super) fn is_resting(row: &JsValue) -> bool {
    idb::get(row, "kept").is_undefined() && !idb::get(row, "later").is_undefined()
}

/// The sealed bytes of photos that are not at the office yet, of these databases, as far as a file has room, and how many
/// are left out: for want of room, or because this phone cannot read them. A database that cannot be read takes nothing
/// else with it.
pub async fn unsent_photos(names: &[String]) -> (Vec<Blob>, usize) {
    let (mut blobs, mut left_out) = (vec![], 0);
    // As text they are a third larger, and letters want room too.
    let mut room = limits::RESCUE_BYTES / 2;
    for name in names {
        let (Ok(db), Ok(unsent)) = (notebook::database(name).await, photos::unsent(name).await) else {
            continue;
        };
        for kept in unsent {
            // By what is written of it: one for which there is no room is not read at all.
            let fits = (kept.bytes as usize <= room).then_some(kept.id);
            let body = match fits {
                Some(photo) => photos::body(&db, photo).await.ok().flatten(),
                None => None,
            };
            let Some(body) = body.filter(|body| body.length() as usize <= room) else {
                left_out += 1;
                continue;
            };
            room -= body.length() as usize;
            blobs.push(Blob { kind: PHOTO_KIND.to_owned(), id: kept.id.to_string(), bytes: Bytes(body.to_vec()) });
        }
    }
    (blobs, left_out)
}

/// Puts the letters and photos of a rescue file into the courier's bag. Gives how many it holds; those that lie there already are not
/// put there twice.
///
/// # Errors
/// [`StoreError::Damaged`] for what is no rescue file, [`StoreError::Newer`] for one of a newer app, [`StoreError::Full`].
pub async fn take_over(file: &[u8], now: Timestamp) -> Result<usize, StoreError> {
    let rescue: RescueFile = json::read(file).map_err(|_| StoreError::Damaged)?;
    if rescue.v > RescueFile::V {
        return Err(StoreError::Newer);
    }
    let mut texts = vec![];
    for letter in rescue.letters.iter().filter(|letter| letter.fits()) {
        texts.push((letter.id.to_string(), json::write_text(letter).map_err(|_| StoreError::Failed)?));
    }
    let db = Bag::Courier.open().await?;
    let tx = db.transaction(&[LETTER, PHOTO, PHOTO_BODY], Mode::Strict)?;
    let store = tx.store(LETTER)?;
    let mut taken = texts.len();
    for blob in rescue.blobs.iter().filter(|blob| blob.kind == PHOTO_KIND) {
        if let Ok(photo) = blob.id.parse() {
            photos::carry(&tx, photo, &blob.bytes.0, now).await?;
            taken += 1;
        }
    }
    // What arrived long ago needs no place any more.
    let oldest = now.0 - limits::KEPT_DAYS * 86_400_000;
    let (keys, rows) = (store.get_all_keys().await?, store.get_all().await?);
    for (key, row) in keys.iter().zip(rows.iter()) {
        if idb::get(&row, "kept").as_f64().is_some_and(|kept| (kept as i64) < oldest) {
            store.delete(&key)?;
        }
    }
    let there: Vec<String> = keys.iter().filter_map(|key| key.as_string()).collect();
    for (n, (id, text)) in (0..).zip(&texts) {
        if !there.contains(id) {
            store.put(&id.into(), &row(n, text))?;
        }
    }
    tx.done().await?;
    Ok(taken)
}

/// The slips that answered letters of a bag.
///
/// # Errors
/// [`StoreError`].
pub async fn slips(bag: Bag<'_>) -> Result<Vec<Slip>, StoreError> {
    let db = bag.open().await?;
    let rows = db.transaction(&[LETTER], Mode::Read)?.store(LETTER)?.get_all().await?;
    let mut texts: Vec<String> = rows.iter().filter_map(|row| idb::get(&row, "slip").as_string()).collect();
    // One answer is for many letters.
    domain::order::sort_by(&mut texts, String::cmp);
    texts.dedup();
    Ok(texts.iter().filter_map(|text| json::read(text.as_bytes()).ok()).collect())
}
