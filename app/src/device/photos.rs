//! Sealed photos on this phone and on their way to the office. It knows names, sizes and states; a photo's key is in the
//! sealed change that announces it, or in the sealed draft it was taken for.
//!
//! Two stores: `photo` holds `{ id, state, at, bytes, has, change?, lost? }` and no more than these ids and numbers,
//! `photo_body` the bytes as one `ArrayBuffer`. What is sent needs no key: [`unsent`], [`body`] and [`send`] work on a phone that is
//! locked, and for whoever carries it for somebody else.

use domain::{
    ApiError, Body, Change, ChangeId, Photo, PhotoId, PhotoStanding, StoreError, Subject, Timestamp, limits,
    map::{Map, Set},
    notebook::Draft,
    photo::{Bytes32, FORM, SEALING_BYTES, next_chunk},
};
use gloo_timers::future::TimeoutFuture;
use js_sys::{ArrayBuffer, Object, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use super::{
    browser,
    idb::{self, Database, Mode, Transaction},
    notebook::{IndexedDbNotebook, database},
    picture::Shrunk,
    vault::{self, Vault},
};

pub(super) const PHOTO: &str = "photo";
pub(super) const PHOTO_BODY: &str = "photo_body";
/// What a photo is sealed for, as [`Photo::form`] says.
const SEALED_FOR: &str = "photo";

const DRAFT: u8 = 0;
const QUEUED: u8 = 1;
const SENT: u8 = 2;
/// Its change was given up; it stays, for its writer may take it up again.
const GIVEN_UP: u8 = 3;

const DAY_MS: i64 = 86_400_000;
/// Room for photos that the office has: they are here to be looked at without network, and for an office that was
/// restored from a backup.
const SENT_BYTES: u64 = 40 * 1024 * 1024;
/// Between two looks whether the text has gone first.
const AFTER_TEXT_MS: u32 = 300;
/// Tries of one piece within a run, each with half of the last.
const TRIES: u32 = 3;

/// A photo as it lies here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub id: PhotoId,
    state: u8,
    pub at: Timestamp,
    /// Of all of it.
    pub bytes: u32,
    /// What the office was last known to have.
    pub has: u32,
    /// The change that announces it, once it is saved.
    pub change: Option<ChangeId>,
    /// At the last try its bytes could not be read on this phone.
    pub lost: bool,
}

impl Kept {
    pub(super) fn read(row: &JsValue) -> Option<Self> {
        let small = |field| idb::number(&idb::get(row, field)).and_then(|n| u32::try_from(n).ok());
        Some(Self {
            id: idb::get(row, "id").as_string()?.parse().ok()?,
            state: u8::try_from(small("state")?).ok()?,
            at: Timestamp(idb::get(row, "at").as_f64()? as i64),
            bytes: small("bytes")?,
            has: small("has")?,
            change: idb::get(row, "change").as_string().and_then(|id| id.parse().ok()),
            lost: idb::get(row, "lost").is_truthy(),
        })
    }
    fn row(&self) -> Object {
        let row = Object::new();
        idb::set(&row, "id", &self.id.to_string().into());
        idb::set(&row, "state", &self.state.into());
        idb::set(&row, "at", &(self.at.0 as f64).into());
        idb::set(&row, "bytes", &self.bytes.into());
        idb::set(&row, "has", &self.has.into());
        if let Some(change) = self.change {
            idb::set(&row, "change", &change.to_string().into());
        }
        if self.lost {
            idb::set(&row, "lost", &JsValue::TRUE);
        }
        row
    }
    /// Saved, and not all of it is at the office.
    #[must_use]
    pub fn is_queued(&self) -> bool {
        self.state == QUEUED
    }
    /// The office has said that it has all of it.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.state == SENT
    }
}

fn key(photo: PhotoId) -> JsValue {
    photo.to_string().into()
}

async fn rows(tx: &Transaction) -> Result<Vec<Kept>, StoreError> {
    Ok(tx.store(PHOTO)?.get_all().await?.iter().filter_map(|row| Kept::read(&row)).collect())
}

/// Which photo a change announces.
pub(super) fn announced(change: &Change) -> Option<(PhotoId, ChangeId)> {
    match &change.body {
        Body::PhotoAdded(photo) => Some((photo.photo, change.id)),
        _ => None,
    }
}

/// Puts photos among what is to be sent, in the transaction that saves their changes.
///
/// # Errors
/// [`StoreError::Damaged`] when one is not here: then nothing of the transaction is kept.
pub(super) async fn queue(tx: &Transaction, photos: &[(PhotoId, ChangeId)]) -> Result<(), StoreError> {
    for (photo, change) in photos {
        let (store, bodies) = (tx.store(PHOTO)?, tx.store(PHOTO_BODY)?);
        let known = Kept::read(&store.get(&key(*photo)).await?).ok_or(StoreError::Damaged)?;
        if !bodies.has(&key(*photo)).await? {
            return Err(StoreError::Damaged);
        }
        let state = if matches!(known.state, DRAFT | GIVEN_UP) { QUEUED } else { known.state };
        store.put(&key(*photo), &Kept { state, change: Some(*change), ..known }.row())?;
    }
    Ok(())
}

/// Puts a photo of somebody else's rescue file among what is to be sent; one that lies here already stays as it is.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn carry(tx: &Transaction, photo: PhotoId, sealed: &[u8], now: Timestamp) -> Result<(), StoreError> {
    let (store, bodies) = (tx.store(PHOTO)?, tx.store(PHOTO_BODY)?);
    if !store.get(&key(photo)).await?.is_undefined() {
        return Ok(());
    }
    let bytes = u32::try_from(sealed.len()).map_err(|_| StoreError::Damaged)?;
    let kept = Kept { id: photo, state: QUEUED, at: now, bytes, has: 0, change: None, lost: false };
    store.put(&key(photo), &kept.row())?;
    bodies.put(&key(photo), &Uint8Array::from(sealed).buffer())
}

/// Takes photos out of what is to be sent, in the transaction that gives up the changes that announce them.
pub(super) async fn give_up(tx: &Transaction, changes: &Set<ChangeId>) -> Result<(), StoreError> {
    let is_theirs = |kept: &Kept| kept.is_queued() && kept.change.is_some_and(|change| changes.contains(&change));
    for kept in rows(tx).await?.into_iter().filter(is_theirs) {
        tx.store(PHOTO)?.put(&key(kept.id), &Kept { state: GIVEN_UP, ..kept }.row())?;
    }
    Ok(())
}

/// Destroys photos with the changes that announce them, as far as the office has not all of them.
pub(super) async fn destroy(tx: &Transaction, changes: &Map<ChangeId, Subject>) -> Result<(), StoreError> {
    let is_theirs = |kept: &Kept| !kept.is_sent() && kept.change.is_some_and(|change| changes.contains_key(&change));
    for kept in rows(tx).await?.into_iter().filter(is_theirs) {
        tx.store(PHOTO)?.delete(&key(kept.id))?;
        tx.store(PHOTO_BODY)?.delete(&key(kept.id))?;
    }
    Ok(())
}

/// Asks the office once more about everything that it has confirmed.
pub(super) async fn ask_again(tx: &Transaction) -> Result<(), StoreError> {
    for kept in rows(tx).await?.into_iter().filter(Kept::is_sent) {
        tx.store(PHOTO)?.put(&key(kept.id), &Kept { state: QUEUED, has: 0, ..kept }.row())?;
    }
    Ok(())
}

/// Makes a photo out of a small picture: a name and a key of its own, and the sealed bytes.
///
/// # Errors
/// [`StoreError::Failed`] where the browser gives no WebCrypto.
pub async fn seal(shrunk: &Shrunk, taken_at: Option<Timestamp>) -> Result<(Photo, Uint8Array), StoreError> {
    let photo = PhotoId(uuid::Uuid::from_bytes(browser::random()));
    let key = browser::random::<32>();
    let sealed = Vault::of(&key).await?.seal(SEALED_FOR, &photo.to_string(), &shrunk.bytes).await?;
    let photo = Photo {
        photo,
        key: Bytes32(key),
        form: FORM,
        sha256: Bytes32(vault::sha256(&sealed).await?),
        bytes: sealed.length(),
        mime: shrunk.kind,
        width: shrunk.width,
        height: shrunk.height,
        thumbnail: shrunk.thumbnail.clone(),
        caption: String::new(),
        taken_at,
        visit: None,
    };
    debug_assert_eq!(photo.bytes, shrunk.bytes.len() as u32 + SEALING_BYTES);
    Ok((photo, sealed))
}

/// The picture again.
///
/// # Errors
/// [`StoreError::Damaged`] when the bytes are not those that were announced, [`StoreError::Newer`] for a form that this
/// version does not know.
pub async fn open(photo: &Photo, sealed: &Uint8Array) -> Result<Vec<u8>, StoreError> {
    if photo.form != FORM {
        return Err(StoreError::Newer);
    }
    Vault::of(&photo.key.0).await?.open(SEALED_FOR, &photo.photo.to_string(), sealed).await
}

impl IndexedDbNotebook {
    /// Keeps a photo for a draft, durably. When there is no room, what the office has gives way.
    ///
    /// # Errors
    /// [`StoreError::Full`] and others; then nothing was kept.
    pub async fn put_photo(&self, photo: &Photo, sealed: &Uint8Array, now: Timestamp) -> Result<(), StoreError> {
        let kept =
            Kept { id: photo.photo, state: DRAFT, at: now, bytes: photo.bytes, has: 0, change: None, lost: false };
        let put = async || {
            self.with(async |db| {
                let tx = db.transaction(&[PHOTO, PHOTO_BODY], Mode::Strict)?;
                tx.store(PHOTO)?.put(&key(kept.id), &kept.row())?;
                tx.store(PHOTO_BODY)?.put(&key(kept.id), &sealed.buffer())?;
                tx.done().await
            })
            .await
        };
        match put().await {
            Err(StoreError::Full) if self.drop_sent(0, now).await? > 0 => put().await,
            done => done,
        }
    }

    /// Whether the bytes of a photo lie here, without reading them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_photo(&self, photo: PhotoId) -> Result<bool, StoreError> {
        self.with(async |db| db.transaction(&[PHOTO_BODY], Mode::Read)?.store(PHOTO_BODY)?.has(&key(photo)).await).await
    }

    /// Drops a photo that was taken for a draft and is not wanted. One that was saved stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_photo(&self, photo: PhotoId) -> Result<(), StoreError> {
        self.with(async |db| {
            let tx = db.transaction(&[PHOTO, PHOTO_BODY], Mode::Relaxed)?;
            let known = Kept::read(&tx.store(PHOTO)?.get(&key(photo)).await?);
            if known.is_some_and(|kept| kept.state == DRAFT) {
                tx.store(PHOTO)?.delete(&key(photo))?;
                tx.store(PHOTO_BODY)?.delete(&key(photo))?;
            }
            tx.done().await
        })
        .await
    }

    /// Every photo that lies here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn photos(&self) -> Result<Vec<Kept>, StoreError> {
        self.with(async |db| rows(&db.transaction(&[PHOTO], Mode::Read)?).await).await
    }

    /// The sealed bytes, if they are on this phone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn photo_body(&self, photo: PhotoId) -> Result<Option<Uint8Array>, StoreError> {
        self.with(async |db| body(db, photo).await).await
    }

    /// Drops photos that nothing needs any more: of no draft since a day, or at the office and old, or more than there is
    /// room for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tidy_photos(&self, drafts: &[Draft], now: Timestamp) -> Result<(), StoreError> {
        for kept in self.photos().await?.iter().filter(|kept| kept.state == DRAFT) {
            let name = kept.id.to_string();
            if now.0 - kept.at.0 > DAY_MS && !drafts.iter().any(|draft| draft.content.contains(&name)) {
                self.drop_photo(kept.id).await?;
            }
        }
        self.drop_sent(SENT_BYTES, now).await.map(drop)
    }

    /// Drops what the office has beyond `most` bytes, the oldest first, and what is older than a restored office could
    /// ask for. Returns how many went.
    async fn drop_sent(&self, most: u64, now: Timestamp) -> Result<usize, StoreError> {
        self.with(async |db| {
            let tx = db.transaction(&[PHOTO, PHOTO_BODY], Mode::Relaxed)?;
            let mut sent: Vec<Kept> = rows(&tx).await?.into_iter().filter(Kept::is_sent).collect();
            domain::order::sort_by_key(&mut sent, |kept| std::cmp::Reverse(kept.at));
            let (mut room, mut gone) = (most, 0);
            for kept in sent {
                let is_old = now.0 - kept.at.0 > limits::KEPT_DAYS * DAY_MS;
                match room.checked_sub(u64::from(kept.bytes)).filter(|_| !is_old) {
                    Some(left) => room = left,
                    None => {
                        tx.store(PHOTO)?.delete(&key(kept.id))?;
                        tx.store(PHOTO_BODY)?.delete(&key(kept.id))?;
                        gone += 1;
                    }
                }
            }
            tx.done().await.map(|()| gone)
        })
        .await
    }
}

/// The photos in somebody's notebook that the office does not have, as far as their changes were saved, in the order in
/// which they were taken. Needs no key.
///
/// # Errors
/// [`StoreError`].
pub async fn unsent(name: &str) -> Result<Vec<Kept>, StoreError> {
    unsent_in(&database(name).await?).await
}

async fn unsent_in(db: &Database) -> Result<Vec<Kept>, StoreError> {
    let mut kept = rows(&db.transaction(&[PHOTO], Mode::Read)?).await?;
    kept.retain(Kept::is_queued);
    domain::order::sort_by_key(&mut kept, |kept| (kept.at, kept.id));
    Ok(kept)
}

/// The sealed bytes of a photo, if they lie here. Needs no key.
///
/// # Errors
/// [`StoreError`].
pub async fn body(db: &Database, photo: PhotoId) -> Result<Option<Uint8Array>, StoreError> {
    let found = db.transaction(&[PHOTO_BODY], Mode::Read)?.store(PHOTO_BODY)?.get(&key(photo)).await?;
    Ok(found.dyn_ref::<ArrayBuffer>().map(|buffer| Uint8Array::new(buffer)))
}

/// Writes down how much of a photo the office has. Only the office's word that it has all of it, or wants none of it any
/// more, ever takes a photo out of what is to be sent.
///
/// # Errors
/// [`StoreError`].
async fn note(db: &Database, photo: PhotoId, standing: PhotoStanding) -> Result<(), StoreError> {
    let tx = db.transaction(&[PHOTO, PHOTO_BODY], Mode::Relaxed)?;
    let store = tx.store(PHOTO)?;
    if let Some(kept) = Kept::read(&store.get(&key(photo)).await?) {
        match standing {
            PhotoStanding::Unknown => {}
            PhotoStanding::Has { bytes } => store.put(&key(photo), &Kept { has: bytes, ..kept }.row())?,
            PhotoStanding::Complete => {
                store.put(&key(photo), &Kept { has: kept.bytes, state: SENT, lost: false, ..kept }.row())?;
            }
            PhotoStanding::Removed => {
                store.delete(&key(photo))?;
                tx.store(PHOTO_BODY)?.delete(&key(photo))?;
            }
        }
    }
    tx.done().await
}

/// Remembers whether the bytes of a photo could be read: somebody may have to take it anew.
async fn note_lost(db: &Database, photo: PhotoId, lost: bool) -> Result<(), StoreError> {
    let tx = db.transaction(&[PHOTO], Mode::Relaxed)?;
    let store = tx.store(PHOTO)?;
    if let Some(kept) = Kept::read(&store.get(&key(photo)).await?).filter(|kept| kept.lost != lost) {
        store.put(&key(photo), &Kept { lost, ..kept }.row())?;
    }
    tx.done().await
}

/// The way of photos to the office: without any session.
#[expect(async_fn_in_trait, reason = "implementations live in one thread; no caller needs Send")]
pub trait Carrier {
    /// Sends a piece from `start` on; an empty one only asks.
    ///
    /// # Errors
    /// [`ApiError`].
    async fn put_photo(&self, photo: PhotoId, start: u32, piece: &Uint8Array) -> Result<PhotoStanding, ApiError>;
}

/// What a run of sending came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    pub sent: usize,
    /// Still to be sent: the line broke, the office was busy, the text that announces it is not there, or this phone could
    /// not read it.
    pub left: usize,
    /// How long the office asked to be left alone, in seconds.
    pub wait: u32,
}

/// Sends what is to be sent from the notebook `name`, one photo after the other; one that fails, on the way or on this
/// phone, is left for the next run and delays no other. `ready` says, just before each, whether it may go; the others are
/// left alone. `busy` says that text is on its way, which goes first; `told` hears of every piece.
///
/// # Errors
/// [`StoreError`] when this phone cannot say what is to be sent.
pub async fn send<C: Carrier>(
    name: &str,
    carrier: &C,
    ready: &dyn Fn(&Kept) -> bool,
    busy: &dyn Fn() -> bool,
    told: &dyn Fn(),
) -> Result<Sent, StoreError> {
    let db = database(name).await?;
    let mut run = Sent::default();
    let mut silent = 0;
    let mut all = unsent_in(&db).await?;
    all.retain(ready);
    for (n, kept) in all.iter().enumerate() {
        // Something may have changed since the last one went.
        if !ready(kept) {
            continue;
        }
        let sent = match send_one(&db, carrier, kept, busy, told).await {
            Ok(sent) => sent,
            Err(_) => {
                run.left += 1;
                continue;
            }
        };
        match sent {
            Ok(PhotoStanding::Complete | PhotoStanding::Removed) => {
                run.sent += 1;
                silent = 0;
            }
            Ok(_) => run.left += 1,
            Err(ApiError::TooMany { seconds }) => {
                run.wait = seconds;
                run.left += all.len() - n;
                break;
            }
            // One photo on which the line breaks says nothing of the next; two in a row say that there is no line.
            Err(ApiError::NoConnection) if silent > 0 => {
                run.left += all.len() - n;
                break;
            }
            Err(error) => {
                silent = u32::from(error == ApiError::NoConnection);
                run.left += 1;
            }
        }
    }
    Ok(run)
}

/// Sends one photo from where the office stands.
async fn send_one<C: Carrier>(
    db: &Database,
    carrier: &C,
    kept: &Kept,
    busy: &dyn Fn() -> bool,
    told: &dyn Fn(),
) -> Result<Result<PhotoStanding, ApiError>, StoreError> {
    let nothing = Uint8Array::new_with_length(0);
    let mut standing = match carrier.put_photo(kept.id, 0, &nothing).await {
        Ok(standing) => standing,
        Err(error) => return Ok(Err(error)),
    };
    note(db, kept.id, standing).await?;
    told();
    let PhotoStanding::Has { .. } = standing else { return Ok(Ok(standing)) };
    let bytes = match body(db, kept.id).await.and_then(|bytes| bytes.ok_or(StoreError::Damaged)) {
        Ok(bytes) => bytes,
        Err(error) => {
            note_lost(db, kept.id, true).await.ok();
            told();
            return Err(error);
        }
    };
    if kept.lost {
        note_lost(db, kept.id, false).await.ok();
    }
    let (mut most, mut failures, mut began_anew) = (limits::PHOTO_CHUNK_BYTES, 0, false);
    while let PhotoStanding::Has { bytes: has } = standing {
        while busy() {
            TimeoutFuture::new(AFTER_TEXT_MS).await;
        }
        let (start, end) = next_chunk(bytes.length(), has, most);
        if start == end {
            // It has more than there is: that is not this photo.
            return Ok(Err(ApiError::BadRequest));
        }
        let piece = bytes.slice(start, end);
        match carrier.put_photo(kept.id, start, &piece).await {
            Ok(PhotoStanding::Has { bytes: now }) if now <= has => {
                // All of it arrived and was not what was announced; or somebody else sends it too, and fails.
                if began_anew {
                    return Ok(Err(ApiError::Unavailable));
                }
                began_anew = true;
                standing = PhotoStanding::Has { bytes: now };
            }
            Ok(now) => {
                standing = now;
                failures = 0;
            }
            Err(ApiError::NoConnection | ApiError::TooLarge) if failures < TRIES => {
                failures += 1;
                most /= 2;
                continue;
            }
            Err(error) => return Ok(Err(error)),
        }
        note(db, kept.id, standing).await?;
        told();
    }
    Ok(Ok(standing))
}
