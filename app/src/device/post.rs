//! Letters under way: those of the notebooks on this phone, and those that it carries for others. It opens none and needs
//! nobody's key: a letter goes out while its writer is signed out, away, or no longer one of us.
//!
//! | database | store | key | row |
//! | --- | --- | --- | --- |
//! | of a notebook | `letter` | id of the change | `{ n, text, kept?, slip? }`: the letter as JSON; when the office had it, and its word |
//! | [`COURIER`] | `letter` | id of the change | the same |
//!
//! Photos go after the letters that announce them; in both databases they lie as [`super::photos`] says.
//!
//! The service worker (`public/sw.template.js`) reads and writes the same rows.

use domain::{ApiError, Blob, Bytes, Letter, PostAnswer, RescueFile, Slip, StoreError, Timestamp, json, limits};
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

/// A letter as it lies.
struct Lying {
    id: String,
    n: u64,
    text: String,
    kept: bool,
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

    /// Writes down what arrived. What its notebook has let go meanwhile is not written again.
    async fn note(self, arrived: &[Lying], slip: Option<&Slip>) -> Result<(), StoreError> {
        let slip = slip.and_then(|slip| json::write_text(slip).ok());
        let db = self.open().await?;
        let tx = db.transaction(&[LETTER], Mode::Relaxed)?;
        let store = tx.store(LETTER)?;
        for letter in arrived {
            let key = JsValue::from(&letter.id);
            if store.get(&key).await?.is_undefined() {
                continue;
            }
            idb::set(&letter.row, "kept", &(browser::now().0 as f64).into());
            idb::set(&letter.row, "slip", &slip.as_deref().into());
            store.put(&key, &letter.row)?;
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

/// Brings the letters of a bag to the office, as many at a time as it takes. `only`: by the ids of their changes; what the
/// office has turned down once is for its writer to put right, not to be brought behind their back. Gives how many arrived.
///
/// # Errors
/// Of the line; what arrived until then is noted.
pub async fn bring(bag: Bag<'_>, line: Line, only: Option<&[String]>) -> Result<usize, ApiError> {
    let mut waiting = bag.waiting().await.map_err(|_| ApiError::Unavailable)?;
    if let Some(only) = only {
        waiting.retain(|letter| only.contains(&letter.id));
    }
    let mut arrived = 0;
    while !waiting.is_empty() {
        let rest = waiting.split_off(fitting(&waiting));
        let PostAnswer { kept, slip } = line.letters(waiting.iter().map(|letter| &*letter.text)).await?;
        let mut kept = kept.into_iter();
        waiting.retain(|_| kept.next().unwrap_or(false));
        arrived += waiting.len();
        bag.note(&waiting, slip.as_ref()).await.map_err(|_| ApiError::Unavailable)?;
        waiting = rest;
    }
    Ok(arrived)
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
    let arrived = rows.iter().filter(has_arrived).count() + photos.iter().filter(is_sent).count();
    Ok(Standing { waiting: (rows.length() + photos.length()) as usize - arrived, arrived })
}

/// The sealed bytes of photos that are not at the office yet, of these databases, as far as a file has room, and how many
/// are left out: for want of room, or because this phone cannot read them. A database that cannot be read takes nothing
/// else with it and counts as one.
pub async fn unsent_photos(names: &[String]) -> (Vec<Blob>, usize) {
    let (mut blobs, mut left_out) = (vec![], 0);
    // As text they are a third larger, and letters want room too.
    let mut room = limits::RESCUE_BYTES / 2;
    for name in names {
        let (Ok(db), Ok(unsent)) = (notebook::database(name).await, photos::unsent(name).await) else {
            left_out += 1;
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
