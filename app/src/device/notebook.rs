//! The phone's notebook in IndexedDB: one database a person, everything sealed. It knows rows and transactions, no network
//! and no rule.
//!
//! | store | key | row |
//! | --- | --- | --- |
//! | `outbox` | `n`, counted by the store | `{ n, id, subject, state, at, body, why? }`, `body` and `why` sealed |
//! | `kept` | `[received_at, n, subject]` | `[id, body]`: acknowledged changes, for [`limits::KEPT_DAYS`] |
//! | `bundle` | number | packed and sealed parts of at most [`BUNDLE_SUBJECTS`] subjects |
//! | `block` | number | packed and sealed list rows of [`BLOCK_BUNDLES`] bundles |
//! | `letter` | id of the change | see [`super::post`]: sealed to the office, gone when the office has acknowledged the change |
//! | `slip` | `[at, chance]` | a sealed [`Slip`], for [`limits::KEPT_DAYS`] |
//! | `meta` | name | `device`, `contact`, `version`, `ahead`, `office` in the clear; `signer` a key pair; `cursors`, `briefing` sealed |
//! | `draft` | name | sealed [`Draft`] |
//! | `photo` | photo | `{ id, state, at, bytes, has, change? }`, see [`super::photos`] |
//! | `photo_body` | photo | `ArrayBuffer`, sealed under the photo's own key |
//! | `dropped` | `n` | `{ id, at, body, said }`, `body` and `said` sealed: what its writer gave up |
//!
//! Nothing is sealed, opened or sent inside a transaction. `meta.version` rises with every page; whoever finds another
//! number than it remembers reads the list rows anew, so that two tabs never overwrite each other's.
//!
//! [`BLOCK_BUNDLES`]: super::shelf::BLOCK_BUNDLES

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::Poll,
};

use domain::{
    Body, Briefing, Change, ChangeId, Cursor, DeviceId, DroppedItem, Letter, LogId, Notebook, OfficeKey, OutboxItem,
    OutboxState, Page, PhotoId, Refusal, Slip, StoreError, Subject, Timestamp, Verdict, json, limits,
    map::{Map, Set},
    notebook::{Draft, Stored},
};
use futures::{
    FutureExt,
    future::{LocalBoxFuture, MaybeDone, maybe_done},
    lock::Mutex,
};
use js_sys::{Array, Object, Uint8Array};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};

use super::{
    browser,
    idb::{self, Database, Mode, Upgrade},
    letters::{self, Signer},
    pack,
    photos::{self, PHOTO, PHOTO_BODY},
    post::{self, Bag, LETTER},
    shelf::{self, BUNDLE_SUBJECTS, Bundle, Lived, Row, Shelf, block_of},
    vault::Vault,
};
use crate::field::Standing;

/// The form of the database. An older app leaves a newer one untouched. 3: cases lie in their short form.
pub const SCHEMA: u32 = 3;
const OUTBOX: &str = "outbox";
const KEPT: &str = "kept";
const BUNDLE: &str = "bundle";
const BLOCK: &str = "block";
const META: &str = "meta";
const DRAFT: &str = "draft";
const DROPPED: &str = "dropped";
const SLIP: &str = "slip";
/// What changes are sealed for, in the outbox and after: they move without being opened.
const CHANGE: &str = "change";

const QUEUED: u8 = 0;
const RECEIVED: u8 = 1;
const HELD: u8 = 2;

const DAY_MS: i64 = 86_400_000;
/// So many bundles that lie close together are read at once, with the few between them.
const MANY_BUNDLES: usize = 16;

/// What has just been committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Changes of these subjects came, went, or were answered.
    Outbox(Vec<Subject>),
    /// A page was stored; these subjects, or their overlay, changed.
    Rows(Vec<Subject>),
    /// Another tab had stored pages; all rows were read anew.
    Reloaded,
    Briefing,
    /// Photos came, went, or were carried further.
    Photos,
    /// Something that came from the office cannot be opened; the next run asks for it anew.
    Damaged,
}

type Watcher = Rc<dyn Fn(News)>;

/// The notebook of one person on this phone.
pub struct IndexedDbNotebook {
    name: String,
    vault: Vault,
    device: DeviceId,
    signer: Signer,
    /// To whom letters are sealed, once this phone has heard of it.
    office: RefCell<Option<OfficeKey>>,
    /// How far the office's clock was ahead of this phone's when they last met.
    ahead_ms: Cell<Option<i64>>,
    /// The same as its last answer came, which may be stored later.
    heard_ahead_ms: Cell<Option<i64>>,
    is_new: bool,
    db: RefCell<Option<Rc<Database>>>,
    /// Its person has left the phone: nothing more is read from it.
    closed: Cell<bool>,
    shelf: RefCell<Shelf>,
    /// The bundle that new subjects go to, as of a version of the shelf: page after page adds to it.
    filling: RefCell<Option<(u64, u32, Bundle)>>,
    /// Changes of the outbox by `n`; they never change, so each is opened once.
    written: RefCell<Map<u64, Change>>,
    known_briefing: RefCell<Option<Briefing>>,
    watcher: RefCell<Option<Watcher>>,
    /// A bundle could not be read: before the next pull it is thrown away, and every log is taken anew.
    damaged: Cell<bool>,
    /// Rows of the outbox that could not be read at the last look.
    unreadable: Cell<usize>,
    draft_ends: DraftEnds,
}

/// Drafts and what ends them take turns: a draft that was on its way when its form was saved must not come back, or
/// somebody saves the same twice.
#[derive(Default)]
struct DraftEnds {
    turn: Mutex<()>,
    /// How often the draft of a name ended.
    counts: RefCell<Map<String, u32>>,
}

impl DraftEnds {
    fn count(&self, name: &str) -> u32 {
        self.counts.borrow().get(&name.to_owned()).copied().unwrap_or_default()
    }
    fn add(&self, name: &str) {
        let ends = self.count(name) + 1;
        self.counts.borrow_mut().insert(name.to_owned(), ends);
    }
}

impl fmt::Debug for IndexedDbNotebook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexedDbNotebook").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A row of the outbox as it lies there.
struct Lying {
    n: u64,
    id: ChangeId,
    subject: Subject,
    row: Object,
}

impl Lying {
    fn read(row: &JsValue) -> Option<Self> {
        Some(Self {
            n: idb::number(&idb::get(row, "n"))?,
            id: idb::get(row, "id").as_string()?.parse().ok()?,
            subject: idb::get(row, "subject").as_string()?.parse().ok()?,
            row: row.dyn_ref::<Object>()?.clone(),
        })
    }
    fn state(&self) -> u8 {
        idb::number(&idb::get(&self.row, "state")).and_then(|s| u8::try_from(s).ok()).unwrap_or(QUEUED)
    }
    fn at(&self) -> Timestamp {
        Timestamp(idb::get(&self.row, "at").as_f64().unwrap_or(0.0) as i64)
    }
    fn body(&self) -> Result<Uint8Array, StoreError> {
        idb::get(&self.row, "body").dyn_into().map_err(|_| StoreError::Damaged)
    }
    fn becomes(&self, state: u8, at: Timestamp) {
        idb::set(&self.row, "state", &state.into());
        idb::set(&self.row, "at", &(at.0 as f64).into());
    }
}

fn lie(change: &Change, body: &Uint8Array) -> Object {
    let row = Object::new();
    idb::set(&row, "id", &change.id.to_string().into());
    idb::set(&row, "subject", &change.subject.to_string().into());
    idb::set(&row, "state", &QUEUED.into());
    idb::set(&row, "at", &(change.recorded_at.0 as f64).into());
    idb::set(&row, "body", body);
    row
}

impl IndexedDbNotebook {
    /// The database of a person.
    #[must_use]
    pub fn name_of(worker: domain::WorkerId) -> String {
        format!("caunoi-{}", worker.0.simple())
    }

    /// Opens the notebook, or makes an empty one.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a newer app wrote it: nothing is touched. [`StoreError::Damaged`] when it was sealed
    /// under another key.
    pub async fn open(name: &str, vault: Vault) -> Result<Self, StoreError> {
        let db = database(name).await?;
        let tx = db.transaction(&[META], Mode::Read)?;
        let meta = tx.store(META)?;
        let [stored, pair, office, ahead] = ["device", "signer", "office", "ahead"].map(|name| meta.ask(&name.into()));
        let (stored, pair, office, ahead) =
            (stored?.row().await?, pair?.row().await?, office?.row().await?, ahead?.row().await?);
        let (known, signer) = (device(&stored), Signer::stored(&pair).await);
        let (device, signer, is_new) = match (known, signer) {
            (Some(device), Some(signer)) => (device, signer, false),
            (known, signer) => {
                let new = DeviceId(uuid::Builder::from_random_bytes(browser::random()).into_uuid());
                let signer = match signer {
                    Some(signer) => signer,
                    None => Signer::new().await?,
                };
                let tx = db.transaction(&[META], Mode::Strict)?;
                let meta = tx.store(META)?;
                // Another tab may have been faster.
                let (stored, pair) = (meta.get(&"device".into()).await?, meta.get(&"signer".into()).await?);
                if stored.is_undefined() {
                    meta.put(&"device".into(), &new.to_string().into())?;
                }
                if pair.is_undefined() {
                    meta.put(&"signer".into(), signer.pair())?;
                }
                tx.done().await?;
                let signer = Signer::stored(&pair).await.unwrap_or(signer);
                (self::device(&stored).unwrap_or(new), signer, known.is_none())
            }
        };
        let office = office.as_string().and_then(|text| json::read(text.as_bytes()).ok());
        let notebook = Self {
            name: name.to_owned(),
            vault,
            device,
            signer,
            office: RefCell::new(office),
            ahead_ms: Cell::new(ahead.as_f64().map(|ms| ms as i64)),
            heard_ahead_ms: Cell::new(None),
            is_new,
            db: RefCell::new(Some(Rc::new(db))),
            closed: Cell::default(),
            shelf: RefCell::default(),
            filling: RefCell::default(),
            written: RefCell::default(),
            known_briefing: RefCell::default(),
            watcher: RefCell::default(),
            damaged: Cell::default(),
            unreadable: Cell::default(),
            draft_ends: DraftEnds::default(),
        };
        notebook.reload().await?;
        Ok(notebook)
    }

    /// This installation of the app for this person.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.device
    }
    /// By what the office knows the letters of this notebook: a point of P-256.
    #[must_use]
    pub fn signer(&self) -> [u8; Letter::POINT_BYTES] {
        self.signer.public()
    }
    /// Whether nothing was there when it was opened: a first log-in here, or the browser had thrown it away.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }
    /// Is told of everything committed through this object.
    pub fn watch(&self, watcher: impl Fn(News) + 'static) {
        *self.watcher.borrow_mut() = Some(Rc::new(watcher));
    }
    pub(super) fn tell(&self, news: News) {
        let watcher = self.watcher.borrow().clone();
        if let Some(watcher) = watcher {
            watcher(news);
        }
    }
    /// Closes the notebook for good: nothing more is read through this object. A draft or a change that was on its way
    /// when its person left is still written.
    pub fn close(&self) {
        self.closed.set(true);
        *self.watcher.borrow_mut() = None;
        self.db.borrow_mut().take();
    }

    /// The list row of a subject as the office last sent it.
    #[must_use]
    pub fn row(&self, subject: Subject) -> Option<Row> {
        self.shelf.borrow().rows.get(&subject).cloned()
    }
    /// How many subjects are known here.
    #[must_use]
    pub fn known(&self) -> usize {
        self.shelf.borrow().rows.len()
    }
    /// How many unsent rows of the outbox could not be read at the last look. They stay where they are.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.unreadable.get()
    }
    /// Every list row.
    #[must_use]
    pub fn rows(&self) -> Vec<(Subject, Row)> {
        self.shelf.borrow().rows.iter().map(|(subject, row)| (*subject, row.clone())).collect()
    }

    async fn db(&self) -> Result<Rc<Database>, StoreError> {
        if let Some(db) = self.db.borrow().clone() {
            return Ok(db);
        }
        let db = database(&self.name).await?;
        let stored = db.transaction(&[META], Mode::Read)?.store(META)?.get(&"device".into()).await?;
        if device(&stored) != Some(self.device) {
            // Thrown away meanwhile: what is remembered here has no ground any more.
            return Err(StoreError::Closed);
        }
        let db = Rc::new(db);
        *self.db.borrow_mut() = Some(db.clone());
        Ok(db)
    }

    /// Does `work` on an open database; a dead handle is replaced once, never retried as it is.
    pub(super) async fn with<T>(
        &self,
        work: impl AsyncFn(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.closed.get() {
            return Err(StoreError::Closed);
        }
        let done = self.with_late(work).await;
        // What was read while its person left is nobody's any more.
        if self.closed.get() { Err(StoreError::Closed) } else { done }
    }

    /// As [`Self::with`], also after [`Self::close`]: for what somebody wrote and must not lose.
    async fn with_late<T>(&self, work: impl AsyncFn(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let done = self.with_handle(work).await;
        if self.closed.get() {
            self.db.borrow_mut().take();
        }
        done
    }

    async fn with_handle<T>(&self, work: impl AsyncFn(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut is_first = true;
        loop {
            match work(&*self.db().await?).await {
                Err(StoreError::Closed) if is_first => drop(self.db.borrow_mut().take()),
                done => return done,
            }
            is_first = false;
        }
    }

    async fn seal(&self, store: &str, id: &str, content: &impl Serialize) -> Result<Uint8Array, StoreError> {
        let plain = json::write(content).map_err(|_| StoreError::Failed)?;
        self.vault.seal(store, id, &plain).await
    }
    async fn unseal<T: DeserializeOwned>(&self, store: &str, id: &str, sealed: &JsValue) -> Result<T, StoreError> {
        let sealed = idb::bytes(sealed).ok_or(StoreError::Damaged)?;
        let plain = self.vault.open(store, id, sealed).await?;
        json::read(&plain).map_err(|_| StoreError::Damaged)
    }

    /// Reads the list rows and cursors anew.
    async fn reload(&self) -> Result<(), StoreError> {
        let (version, cursors, keys, blocks) = self
            .with(async |db| {
                let tx = db.transaction(&[META, BLOCK], Mode::Read)?;
                let (meta, store) = (tx.store(META)?, tx.store(BLOCK)?);
                let (version, cursors) = (meta.ask(&"version".into())?, meta.ask(&"cursors".into())?);
                let (keys, blocks) = (store.get_all_keys().await?, store.get_all().await?);
                Ok((version.row().await?, cursors.row().await?, keys, blocks))
            })
            .await?;
        let mut shelf = Shelf { version: idb::number(&version).unwrap_or(0), ..Shelf::default() };
        let opened = all(keys.iter().zip(blocks.iter()).map(|(key, block)| self.opened(BLOCK, key, block))).await;
        if !cursors.is_undefined() {
            shelf.cursors = match self.unseal(META, "cursors", &cursors).await {
                Ok(cursors) => cursors,
                Err(error) => {
                    // Nothing at all opens: it was sealed under another key, and is left as it is.
                    if opened.iter().all(Result::is_err) && self.briefing().await?.is_none() {
                        return Err(error);
                    }
                    self.damaged.set(true);
                    Map::new()
                }
            };
        }
        let readable = opened.iter().all(|block| block.as_ref().is_ok_and(|(_, bytes)| shelf.read_block(bytes)));
        if !readable {
            shelf = self.rebuilt(shelf).await?;
        }
        *self.shelf.borrow_mut() = shelf;
        Ok(())
    }

    /// The keys and rows of a store.
    async fn all_of(&self, store: &str) -> Result<(Array, Array), StoreError> {
        self.with(async |db| {
            let tx = db.transaction(&[store], Mode::Read)?;
            let rows = tx.store(store)?;
            Ok((rows.get_all_keys().await?, rows.get_all().await?))
        })
        .await
    }

    /// Makes the list rows from the parts: after an update that reads more from them, or when a block cannot be read.
    async fn rebuilt(&self, old: Shelf) -> Result<Shelf, StoreError> {
        let (keys, bundles) = self.all_of(BUNDLE).await?;
        let mut shelf = Shelf { version: old.version, cursors: old.cursors, ..Shelf::default() };
        let mut is_whole = true;
        for (key, bundle) in keys.iter().zip(bundles.iter()) {
            // One that is damaged takes nothing else with it.
            let Some((number, lives)) = self.lives(key, bundle).await else {
                is_whole = false;
                continue;
            };
            for (subject, lived) in lives {
                shelf.put(subject, Row::of(subject, &lived, number));
            }
        }
        if !is_whole {
            // Written down, these rows would look whole at the next start.
            self.damaged.set(true);
            return Ok(shelf);
        }
        let numbers: Set<u32> = shelf.bundles.keys().map(|bundle| block_of(*bundle)).collect();
        let none = Map::new();
        let blocks = try_all(numbers.iter().map(|number| {
            let plain = shelf.block(*number, &none).unwrap_or_default();
            self.sealed(BLOCK, *number, plain)
        }))
        .await?;
        let written = self
            .with(async |db| {
                let tx = db.transaction(&[META, BLOCK], Mode::Relaxed)?;
                let (meta, store) = (tx.store(META)?, tx.store(BLOCK)?);
                if idb::number(&meta.get(&"version".into()).await?).unwrap_or(0) != old.version {
                    return Ok(false);
                }
                store.delete_up_to(&f64::from(u32::MAX).into())?;
                for (number, block) in &blocks {
                    store.put(&(*number).into(), block)?;
                }
                meta.put(&"version".into(), &((old.version + 1) as f64).into())?;
                tx.done().await.map(|()| true)
            })
            .await?;
        // Otherwise another tab did the same or stored a page; its blocks are read at the next look.
        shelf.version += u64::from(written);
        Ok(shelf)
    }

    /// What lies in a bundle; `None` if any of it cannot be read.
    async fn lives(&self, key: JsValue, bundle: JsValue) -> Option<(u32, Vec<(Subject, Lived)>)> {
        let (number, bytes) = self.opened(BUNDLE, key, bundle).await.ok()?;
        let read = |(subject, content): (Subject, Vec<u8>)| Some((subject, json::read(&content).ok()?));
        Some((number, shelf::unpack(&bytes)?.into_iter().map(read).collect::<Option<_>>()?))
    }

    /// Throws away what cannot be read and spoils the cursors, so that the office tells every log from its beginning, with
    /// what is no longer to be seen. List rows stay, so that nobody seems to have vanished before the network is back. Only
    /// a run may do this: a page asked for from the old cursors must not come in between.
    async fn mend(&self) -> Result<(), StoreError> {
        let (keys, bundles) = self.all_of(BUNDLE).await?;
        let mut lost = vec![];
        for (key, bundle) in keys.iter().zip(bundles.iter()) {
            if self.lives(key.clone(), bundle).await.is_none() {
                lost.push(key);
            }
        }
        let version = self.shelf.borrow().version;
        let cursors = self.spoiled().await?;
        let sealed_cursors = self.seal(META, "cursors", &cursors).await?;
        let mended = self
            .with(async |db| {
                let tx = db.transaction(&[BUNDLE, META], Mode::Relaxed)?;
                let (meta, store) = (tx.store(META)?, tx.store(BUNDLE)?);
                if idb::number(&meta.get(&"version".into()).await?).unwrap_or(0) != version {
                    return Ok(false);
                }
                for key in &lost {
                    store.delete(key)?;
                }
                meta.put(&"cursors".into(), &sealed_cursors)?;
                meta.put(&"version".into(), &((version + 1) as f64).into())?;
                tx.done().await.map(|()| true)
            })
            .await?;
        // Otherwise another tab wrote; the next run tries again.
        if mended {
            let mut shelf = self.shelf.borrow_mut();
            shelf.version = version + 1;
            shelf.cursors = cursors;
            self.damaged.set(false);
        }
        Ok(())
    }

    /// For every log that anything may have come from, a cursor that no office finds: it answers as to a phone from before
    /// a restored backup.
    async fn spoiled(&self) -> Result<Map<LogId, Cursor>, StoreError> {
        let briefing = self.briefing().await?;
        let own = briefing.map(|b| {
            let places = domain::Places::new(b.places);
            domain::Worker::logs_of(b.worker.id, &b.worker.grants, &places)
        });
        let shelf = self.shelf.borrow();
        let mut logs: Set<LogId> = shelf.cursors.keys().cloned().collect();
        logs.extend(shelf.rows.values().map(|row| row.log.clone()));
        logs.extend(own.into_iter().flatten());
        let nowhere = Cursor { seq: i64::MAX as u64, mark: ChangeId(uuid::Uuid::nil()) };
        Ok(logs.into_iter().map(|log| (log, nowhere)).collect())
    }

    /// Remembers that something must be taken anew, and says so once.
    fn note_damage(&self) -> StoreError {
        if !self.damaged.replace(true) {
            self.tell(News::Damaged);
        }
        StoreError::Damaged
    }

    async fn sealed(&self, store: &str, number: u32, plain: Vec<u8>) -> Result<(u32, Uint8Array), StoreError> {
        Ok((number, self.vault.seal(store, &number.to_string(), &pack::pack(&plain)).await?))
    }
    async fn opened(&self, store: &str, key: JsValue, sealed: JsValue) -> Result<(u32, Vec<u8>), StoreError> {
        let number = idb::number(&key).and_then(|n| u32::try_from(n).ok()).ok_or(StoreError::Damaged)?;
        let sealed = idb::bytes(&sealed).ok_or(StoreError::Damaged)?;
        let packed = self.vault.open(store, &number.to_string(), sealed).await?;
        Ok((number, pack::open(packed).ok_or(StoreError::Damaged)?))
    }

    /// Reads the list rows anew if another tab has stored something.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn look(&self) -> Result<(), StoreError> {
        let version = self
            .with(async |db| db.transaction(&[META], Mode::Read)?.store(META)?.get(&"version".into()).await)
            .await?;
        if idb::number(&version).unwrap_or(0) != self.shelf.borrow().version {
            self.reload().await?;
            self.tell(News::Reloaded);
        }
        Ok(())
    }
    /// An answer of the office has come which says that it is `now` there.
    pub fn note_time(&self, now: Timestamp) {
        self.heard_ahead_ms.set(Some(now.0.saturating_sub(browser::now().0)));
    }
    /// Forgets what was remembered of the briefing: another tab has stored a newer one.
    pub fn forget_briefing(&self) {
        self.known_briefing.borrow_mut().take();
    }

    /// The rows of the outbox that say at least what they are, and how many do not.
    async fn lying(&self) -> Result<(Vec<Lying>, usize), StoreError> {
        let rows = self.with(async |db| db.transaction(&[OUTBOX], Mode::Read)?.store(OUTBOX)?.get_all().await).await?;
        let lying: Vec<Lying> = rows.iter().filter_map(|row| Lying::read(&row)).collect();
        let mute = (rows.length() as usize).saturating_sub(lying.len());
        Ok((lying, mute))
    }

    /// Opens a change as it lies; `None` if it cannot be read, which then delays nothing else.
    async fn open_change(&self, n: u64, id: ChangeId, body: &JsValue) -> Option<Change> {
        let change: Change = self.unseal(CHANGE, &id.to_string(), body).await.ok()?;
        Some(Change { n, ..change })
    }

    /// Numbers for so many changes, which nobody else gets: the store counts on whether or not they are used.
    async fn reserve(&self, most: usize) -> Result<Vec<u64>, StoreError> {
        self.with_late(async |db| {
            let tx = db.transaction(&[OUTBOX], Mode::Relaxed)?;
            let outbox = tx.store(OUTBOX)?;
            let mut numbers = vec![];
            for _ in 0..most {
                let n = outbox.add(&Object::new()).await?;
                outbox.delete(&(n as f64).into())?;
                numbers.push(n);
            }
            tx.done().await?;
            Ok(numbers)
        })
        .await
    }

    /// The row of the letter of a change; `None` while the office's key is not known, or where the browser cannot.
    async fn letter(&self, change: &Change) -> Option<Object> {
        let office = self.office.borrow().clone()?;
        let written = letters::write(&office, &self.signer, change.author, self.ahead_ms.get(), change).await.ok()?;
        Some(post::row(change.n, &json::write_text(&written).ok()?))
    }

    /// Writes the letters of what waits without one that the office can open: it was saved before the office's key was known
    /// here, before that key was another, by an older app, or is offered again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn write_letters(&self) -> Result<(), StoreError> {
        let Some(key) = self.office.borrow().as_ref().map(|office| office.id.clone()) else { return Ok(()) };
        let (keys, rows) = self.all_of(LETTER).await?;
        let stands = |row: &JsValue| !idb::get(row, "kept").is_undefined() || post::key_of(row) == Some(key.clone());
        let there = ids_where(&keys, &rows, stands);
        let mut rows = vec![];
        for item in self.outbox().await? {
            let received = matches!(item.state, OutboxState::Received { .. });
            if !received
                && !there.contains(&item.change.id)
                && let Some(row) = self.letter(&item.change).await
            {
                rows.push((item.change.n, item.change.id, row));
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.with(async |db| {
            let tx = db.transaction(&[OUTBOX, LETTER], Mode::Strict)?;
            let (outbox, letters) = (tx.store(OUTBOX)?, tx.store(LETTER)?);
            for (n, id, row) in &rows {
                let lying = Lying::read(&outbox.get(&(*n as f64).into()).await?);
                if lying.is_some_and(|lying| lying.id == *id && lying.state() != RECEIVED) {
                    letters.put(&id.to_string().into(), row)?;
                }
            }
            tx.done().await
        })
        .await
    }

    /// Remembers to whom letters are sealed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_office(&self, office: &OfficeKey) -> Result<(), StoreError> {
        if self.office.borrow().as_ref() == Some(office) {
            return Ok(());
        }
        let text = json::write_text(office).map_err(|_| StoreError::Failed)?;
        self.with(async |db| {
            let tx = db.transaction(&[META], Mode::Relaxed)?;
            tx.store(META)?.put(&"office".into(), &text.as_str().into())?;
            tx.done().await
        })
        .await?;
        *self.office.borrow_mut() = Some(office.clone());
        Ok(())
    }

    /// Keeps the office's word for what it has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_slip(&self, slip: &Slip) -> Result<(), StoreError> {
        let at = slip.at.0 as f64;
        let chance = u64::from_be_bytes(browser::random()) >> 11;
        let sealed = self.seal(SLIP, &format!("{at}/{chance}"), slip).await?;
        let oldest = slip.at.0 - limits::KEPT_DAYS * DAY_MS;
        self.with(async |db| {
            let tx = db.transaction(&[SLIP], Mode::Relaxed)?;
            let slips = tx.store(SLIP)?;
            slips.put(&Array::of2(&at.into(), &(chance as f64).into()), &sealed)?;
            slips.delete_up_to(&Array::of1(&(oldest as f64).into()))?;
            tx.done().await
        })
        .await
    }

    /// The office's word for what it has, as far as it can be read: of pushes, and of letters that still lie here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn slips(&self) -> Result<Vec<Slip>, StoreError> {
        let (keys, rows) = self.all_of(SLIP).await?;
        let opened = all(keys.iter().zip(rows.iter()).map(|(key, row)| async move {
            let key = key.dyn_into::<Array>().ok()?;
            let (at, chance) = (key.get(0).as_f64()?, idb::number(&key.get(1))?);
            self.unseal::<Slip>(SLIP, &format!("{at}/{chance}"), &row).await.ok()
        }))
        .await;
        let mut slips: Vec<Slip> = opened.into_iter().flatten().collect();
        slips.extend(post::slips(Bag::Own(&self.name)).await?);
        Ok(slips)
    }

    /// Saves several changes, takes the held ones they replace out of the outbox and ends their draft: all or none,
    /// durably.
    ///
    /// # Errors
    /// [`StoreError::Full`] and others; then nothing was written.
    pub async fn save_all(&self, changes: &[Change], draft: Option<&str>) -> Result<Vec<u64>, StoreError> {
        self.save_and_destroy(changes, draft, &Map::new()).await
    }

    /// As [`Self::save_all`], and in the same transaction destroys unsent changes, each named with its subject, with their
    /// letters and photos, and every draft about a case that one of them opened.
    ///
    /// # Errors
    /// As [`Self::save_all`].
    pub async fn save_and_destroy(
        &self,
        changes: &[Change],
        draft: Option<&str>,
        destroyed: &Map<ChangeId, Subject>,
    ) -> Result<Vec<u64>, StoreError> {
        let photos: Vec<(PhotoId, ChangeId)> = changes.iter().filter_map(photos::announced).collect();
        let replaced = self.standing_for(changes).await?;
        let numbers = self.reserve(changes.len()).await?;
        // A letter holds the change as it will be pushed, its number too.
        let changes: Vec<Change> = changes.iter().zip(&numbers).map(|(c, n)| Change { n: *n, ..c.clone() }).collect();
        let written = try_all(changes.iter().map(|c| async move {
            let body = self.seal(CHANGE, &c.id.to_string(), c).await?;
            let row = lie(c, &body);
            idb::set(&row, "n", &(c.n as f64).into());
            // Nothing is lost without a letter: it is written when the next run has told to whom.
            Ok((c, row, self.letter(c).await))
        }))
        .await?;
        let _turn = match draft {
            Some(_) => Some(self.draft_ends.turn.lock().await),
            None => None,
        };
        let again = Cell::new(false);
        let numbers = self
            .with_late(async |db| {
                let tx = db.transaction(&[OUTBOX, DRAFT, LETTER, PHOTO, PHOTO_BODY], Mode::Strict)?;
                photos::queue(&tx, &photos).await?;
                let (outbox, letters) = (tx.store(OUTBOX)?, tx.store(LETTER)?);
                // A handle may die between the disk and the word of it: then all is there already.
                let there: Map<ChangeId, u64> = if again.replace(true) {
                    outbox.get_all().await?.iter().filter_map(|r| Lying::read(&r)).map(|l| (l.id, l.n)).collect()
                } else {
                    Map::new()
                };
                for (change, row, letter) in &written {
                    if there.contains_key(&change.id) {
                        continue;
                    }
                    outbox.put_keyed(row)?;
                    if let Some(letter) = letter {
                        letters.put(&change.id.to_string().into(), letter)?;
                    }
                }
                if !replaced.is_empty() {
                    for lying in outbox.get_all().await?.iter().filter_map(|row| Lying::read(&row)) {
                        if replaced.contains(&lying.id) {
                            outbox.delete(&(lying.n as f64).into())?;
                            letters.delete(&lying.id.to_string().into())?;
                        }
                    }
                }
                let drafts = tx.store(DRAFT)?;
                if !destroyed.is_empty() {
                    for lying in outbox.get_all().await?.iter().filter_map(|row| Lying::read(&row)) {
                        if destroyed.contains_key(&lying.id) && lying.state() != RECEIVED {
                            outbox.delete(&(lying.n as f64).into())?;
                            letters.delete(&lying.id.to_string().into())?;
                        }
                    }
                    photos::destroy(&tx, destroyed).await?;
                    let cases: Vec<String> = destroyed.keys().map(ToString::to_string).collect();
                    for name in drafts.get_all_keys().await?.iter().filter_map(|key| key.as_string()) {
                        // Forms about a case are named after it, and a case after the change that opened it.
                        if cases.iter().any(|case| name.contains(case)) {
                            drafts.delete(&name.into())?;
                        }
                    }
                }
                if let Some(draft) = draft {
                    drafts.delete(&draft.into())?;
                }
                tx.done().await?;
                Ok(changes.iter().map(|c| c.n).collect())
            })
            .await?;
        if let Some(draft) = draft {
            self.draft_ends.add(draft);
        }
        self.written.borrow_mut().extend(changes.iter().map(|change| (change.n, change.clone())));
        self.tell(News::Outbox(subjects_of(changes.iter().map(|c| c.subject).chain(destroyed.values().copied()))));
        if !photos.is_empty() || !destroyed.is_empty() {
            self.tell(News::Photos);
        }
        Ok(numbers)
    }

    /// Writes a draft down, and whether it stands: not when, since this was asked for, its form was saved or thrown away.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_standing_draft(&self, draft: &Draft) -> Result<bool, StoreError> {
        let ends = self.draft_ends.count(&draft.name);
        let _turn = self.draft_ends.turn.lock().await;
        if self.draft_ends.count(&draft.name) != ends {
            return Ok(false);
        }
        let sealed = self.seal(DRAFT, &draft.name, draft).await?;
        self.with_late(async |db| {
            let tx = db.transaction(&[DRAFT], Mode::Relaxed)?;
            tx.store(DRAFT)?.put(&draft.name.as_str().into(), &sealed)?;
            tx.done().await
        })
        .await?;
        Ok(true)
    }

    /// What lies in the outbox for the same as these changes, because an earlier try of it is corrected by them.
    async fn standing_for(&self, changes: &[Change]) -> Result<Set<ChangeId>, StoreError> {
        let replaced: Set<ChangeId> = changes.iter().filter_map(|change| change.replaces).collect();
        if replaced.is_empty() {
            return Ok(replaced);
        }
        let earlier = |item: &OutboxItem| {
            let has_it = matches!(item.state, OutboxState::Received { .. });
            !has_it && replaced.contains(&item.change.origin()) && changes.iter().all(|c| c.id != item.change.id)
        };
        Ok(self.outbox().await?.iter().filter(|item| earlier(item)).map(|item| item.change.id).collect())
    }

    /// What the office has acknowledged and shown: about which subject, received when. The last [`limits::KEPT_DAYS`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn kept(&self) -> Result<Vec<(Subject, Timestamp)>, StoreError> {
        let keys = self.with(async |db| db.transaction(&[KEPT], Mode::Read)?.store(KEPT)?.get_all_keys().await).await?;
        let read = |key: JsValue| {
            let key = key.dyn_into::<Array>().ok()?;
            Some((key.get(2).as_string()?.parse().ok()?, Timestamp(key.get(0).as_f64()? as i64)))
        };
        Ok(keys.iter().filter_map(read).collect())
    }

    /// When the office last answered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_contact(&self) -> Result<Option<Timestamp>, StoreError> {
        let at = self
            .with(async |db| db.transaction(&[META], Mode::Read)?.store(META)?.get(&"contact".into()).await)
            .await?;
        Ok(at.as_f64().map(|at| Timestamp(at as i64)))
    }
    /// # Errors
    /// [`StoreError`].
    pub async fn note_contact(&self, at: Timestamp) -> Result<(), StoreError> {
        self.with(async |db| {
            let tx = db.transaction(&[META], Mode::Relaxed)?;
            tx.store(META)?.put(&"contact".into(), &(at.0 as f64).into())?;
            tx.done().await
        })
        .await
    }

    /// Kept changes of a log, to be offered again, with the keys they are kept under.
    async fn kept_of(&self, log: &LogId) -> Result<Vec<Offered>, StoreError> {
        let (keys, rows) = self.all_of(KEPT).await?;
        let opened = all(keys.iter().zip(rows.iter()).map(|(key, row)| async move {
            let (place, row) = (key.dyn_ref::<Array>()?, row.dyn_ref::<Array>()?);
            let (n, id) = (idb::number(&place.get(1))?, row.get(0).as_string()?.parse().ok()?);
            let change = self.open_change(n, id, &row.get(1)).await?;
            let lying = lie(&change, idb::bytes(&row.get(1))?);
            idb::set(&lying, "n", &(n as f64).into());
            Some((key, change, lying))
        }))
        .await;
        Ok(opened.into_iter().flatten().filter(|(_, change, _)| change.log == *log).collect())
    }

    /// Stores a page; false when another tab stored something meanwhile and nothing was written.
    async fn try_store(&self, page: &Page, now: Timestamp) -> Result<bool, StoreError> {
        let Plan { version, mut bundles, changed, cursors, lying, offered } = self.plan(page).await?;
        let sealed_cursors = self.seal(META, "cursors", &cursors).await?;
        let numbers: Set<u32> = bundles.keys().map(|bundle| block_of(*bundle)).collect();
        let blocks: Vec<(u32, Option<Vec<u8>>)> = {
            let shelf = self.shelf.borrow();
            numbers.into_iter().map(|number| (number, shelf.block(number, &changed))).collect()
        };
        let sealed_blocks = self.seal_all(BLOCK, blocks).await?;
        let written = bundles.iter().map(|(number, bundle)| {
            let plain = (!bundle.is_empty()).then(|| shelf::pack(bundle));
            (*number, plain)
        });
        let sealed_bundles = self.seal_all(BUNDLE, written).await?;
        let oldest = now.0 - limits::KEPT_DAYS * DAY_MS;
        let ahead_ms = self.heard_ahead_ms.get().unwrap_or_else(|| now.0.saturating_sub(browser::now().0));
        self.ahead_ms.set(Some(ahead_ms));
        let stored = self
            .with(async |db| {
                let tx = db.transaction(&[BUNDLE, BLOCK, OUTBOX, KEPT, LETTER, META, PHOTO], Mode::Relaxed)?;
                let (meta, letters) = (tx.store(META)?, tx.store(LETTER)?);
                if idb::number(&meta.get(&"version".into()).await?).unwrap_or(0) != version {
                    return Ok(false);
                }
                for (store, sealed) in [(BUNDLE, &sealed_bundles), (BLOCK, &sealed_blocks)] {
                    let store = tx.store(store)?;
                    for (number, sealed) in sealed {
                        match sealed {
                            Some(sealed) => store.put(&(*number).into(), sealed)?,
                            None => store.delete(&(*number).into())?,
                        }
                    }
                }
                let (outbox, kept) = (tx.store(OUTBOX)?, tx.store(KEPT)?);
                for (key, _, lying) in &offered {
                    kept.delete(key)?;
                    outbox.put_keyed(lying)?;
                }
                let mut shown = Set::new();
                for (lying, received_at) in &lying {
                    match received_at {
                        Some(received_at) => {
                            let key = Array::of3(
                                &(received_at.0 as f64).into(),
                                &(lying.n as f64).into(),
                                &lying.subject.to_string().into(),
                            );
                            kept.put(&key, &Array::of2(&lying.id.to_string().into(), &lying.body()?.into()))?;
                            shown.insert(lying.n);
                            // The letter of one that was acknowledged went with that.
                            if lying.state() != RECEIVED {
                                letters.delete(&lying.id.to_string().into())?;
                            }
                        }
                        None => {
                            lying.becomes(QUEUED, lying.at());
                            outbox.put_keyed(&lying.row)?;
                        }
                    }
                }
                if !shown.is_empty() {
                    outbox.delete_where(|n| idb::number(n).is_some_and(|n| shown.contains(&n))).await?;
                }
                if page.reset {
                    // The office has lost its place here, and perhaps photos too: each is asked about once more.
                    photos::ask_again(&tx).await?;
                }
                if !page.more {
                    kept.delete_up_to(&Array::of1(&(oldest as f64).into()))?;
                }
                meta.put(&"cursors".into(), &sealed_cursors)?;
                meta.put(&"ahead".into(), &(ahead_ms as f64).into())?;
                meta.put(&"version".into(), &((version + 1) as f64).into())?;
                tx.done().await.map(|()| true)
            })
            .await?;
        if !stored {
            return Ok(false);
        }
        let mut touched: Set<Subject> = changed.keys().copied().collect();
        touched.extend(lying.iter().map(|(lying, _)| lying.subject));
        touched.extend(offered.iter().map(|(_, change, _)| change.subject));
        let mut shelf = self.shelf.borrow_mut();
        shelf.version = version + 1;
        shelf.cursors = cursors;
        for (subject, row) in changed {
            match row {
                Some(row) => shelf.put(subject, row),
                None => shelf.remove(subject),
            }
        }
        if let Some(last) = shelf.last()
            && let Some(bundle) = bundles.remove(&last)
        {
            *self.filling.borrow_mut() = Some((shelf.version, last, bundle));
        }
        drop(shelf);
        self.tell(News::Rows(touched.into_iter().collect()));
        Ok(true)
    }

    async fn seal_all(
        &self,
        store: &str,
        rows: impl IntoIterator<Item = (u32, Option<Vec<u8>>)>,
    ) -> Result<Vec<(u32, Option<Uint8Array>)>, StoreError> {
        try_all(rows.into_iter().map(async |(number, plain)| match plain {
            Some(plain) => self.sealed(store, number, plain).await.map(|(number, sealed)| (number, Some(sealed))),
            None => Ok((number, None)),
        }))
        .await
    }

    /// Works out what a page changes, without writing anything.
    async fn plan(&self, page: &Page) -> Result<Plan, StoreError> {
        let (version, mut cursors, dropped, dirty, mut next) = {
            let shelf = self.shelf.borrow();
            let dropped: Set<Subject> = if page.reset {
                shelf.rows.iter().filter(|(_, row)| row.log == page.log).map(|(subject, _)| *subject).collect()
            } else {
                Set::new()
            };
            let bundle_of = |subject: &Subject| shelf.rows.get(subject).map(|row| row.bundle);
            let mut dirty: Set<u32> = page.subjects.iter().filter_map(|s| bundle_of(&s.subject)).collect();
            dirty.extend(dropped.iter().filter_map(bundle_of));
            // New subjects fill the last bundle before they begin another.
            if page.subjects.iter().any(|s| !shelf.rows.contains_key(&s.subject)) {
                dirty.extend(shelf.last());
            }
            (shelf.version, shelf.cursors.clone(), dropped, dirty, shelf.last().unwrap_or(0))
        };
        match page.next {
            Some(next) => cursors.insert(page.log.clone(), next),
            None => cursors.remove(&page.log),
        };
        let mut bundles = match self.filled(&dirty) {
            Some(bundles) => bundles,
            None => self.read_bundles(&dirty).await?,
        };
        let mut places: Map<Subject, u32> =
            bundles.iter().flat_map(|(number, bundle)| bundle.keys().map(|subject| (*subject, *number))).collect();
        let mut changed = Map::new();
        for subject in dropped {
            if let Some(bundle) = places.remove(&subject).and_then(|number| bundles.get_mut(&number)) {
                bundle.remove(&subject);
            }
            changed.insert(subject, None);
        }
        for on_page in &page.subjects {
            let subject = on_page.subject;
            let known = places.get(&subject).and_then(|number| bundles.get(number)).and_then(|b| b.get(&subject));
            let mut lived = match known {
                Some(content) => json::read(content).map_err(|_| self.note_damage())?,
                None => Lived { log: page.log.clone(), stored: Stored::default() },
            };
            if !lived.stored.merge(on_page) {
                if let Some(bundle) = places.remove(&subject).and_then(|number| bundles.get_mut(&number)) {
                    bundle.remove(&subject);
                }
                // Its row goes too when its parts were lost before.
                changed.insert(subject, None);
                continue;
            }
            if let Some(header) = lived.stored.parts.header() {
                // A case shown by the own log still lives in the log it was born in.
                lived.log = header.log.clone();
            }
            let number = *places.get_or_insert_with(subject, || {
                next += u32::from(bundles.get(&next).is_some_and(|bundle| bundle.len() >= BUNDLE_SUBJECTS));
                next
            });
            changed.insert(subject, Some(Row::of(subject, &lived, number)));
            lived.stored.parts.shorten();
            let content = json::write(&lived).map_err(|_| StoreError::Failed)?;
            bundles.get_or_insert_with(number, Bundle::new).insert(subject, content);
        }
        let (lying, offered) = self.moves(page).await?;
        Ok(Plan { version, bundles, changed, cursors, lying, offered })
    }

    /// What a page moves out of the outbox, and back into it.
    async fn moves(&self, page: &Page) -> Result<(Vec<Moved>, Vec<Offered>), StoreError> {
        if !page.reset && page.settled.is_empty() {
            return Ok((vec![], vec![]));
        }
        let settled: Map<ChangeId, Timestamp> =
            page.settled.iter().map(|(id, receipt)| (*id, receipt.received_at)).collect();
        let (mut requeued, mut offered) = (Set::new(), vec![]);
        if page.reset {
            offered = self.kept_of(&page.log).await?;
            // What the office still has stays kept.
            offered.retain(|(_, change, _)| !settled.contains_key(&change.id));
            let outbox = self.outbox().await?;
            let of_log = outbox.into_iter().filter(|item| item.change.log == page.log);
            let received = of_log.filter(|item| matches!(item.state, OutboxState::Received { .. }));
            requeued.extend(received.map(|item| item.change.id));
        }
        let mut lying = vec![];
        for item in self.lying().await?.0 {
            if let Some(received_at) = settled.get(&item.id) {
                lying.push((item, Some(*received_at)));
            } else if requeued.contains(&item.id) {
                lying.push((item, None));
            }
        }
        Ok((lying, offered))
    }

    /// The bundle that was filled last, if it alone is wanted and nobody has written since: while pages stream in, none is
    /// read.
    fn filled(&self, numbers: &Set<u32>) -> Option<Map<u32, Bundle>> {
        let filling = self.filling.borrow();
        let (version, number, bundle) = filling.as_ref()?;
        let is_it = *version == self.shelf.borrow().version && numbers.len() == 1 && numbers.contains(number);
        is_it.then(|| [(*number, bundle.clone())].into())
    }

    /// The bundles of these numbers; one that is not there is empty.
    async fn read_bundles(&self, numbers: &Set<u32>) -> Result<Map<u32, Bundle>, StoreError> {
        if numbers.is_empty() {
            return Ok(Map::new());
        }
        let rows: Vec<(JsValue, JsValue)> = self
            .with(async |db| {
                let tx = db.transaction(&[BUNDLE], Mode::Read)?;
                let store = tx.store(BUNDLE)?;
                let (first, last) = (numbers.iter().next().copied(), numbers.iter().next_back().copied());
                let span = first.zip(last).map_or(0, |(first, last)| (last - first) as usize + 1);
                if numbers.len() >= MANY_BUNDLES && span <= numbers.len() * 2 {
                    let (keys, rows) = store.get_between(&first.into(), &last.into()).await?;
                    let number = |key: &JsValue| idb::number(key).and_then(|n| u32::try_from(n).ok());
                    let wanted = |key: &JsValue| number(key).is_some_and(|number| numbers.contains(&number));
                    return Ok(keys.iter().zip(rows.iter()).filter(|(key, _)| wanted(key)).collect());
                }
                let asked: Result<Vec<_>, StoreError> = numbers.iter().map(|n| store.ask(&(*n).into())).collect();
                let rows = try_all(asked?.into_iter().map(idb::Asked::row)).await?;
                let there = numbers.iter().zip(rows).filter(|(_, row)| !row.is_undefined());
                Ok(there.map(|(number, row)| ((*number).into(), row)).collect())
            })
            .await?;
        let opened = all(rows.into_iter().map(|(number, row)| self.opened(BUNDLE, number, row))).await;
        let mut bundles: Map<u32, Bundle> = numbers.iter().map(|number| (*number, Bundle::new())).collect();
        for bundle in opened {
            let (number, bytes) = bundle.map_err(|_| self.note_damage())?;
            bundles.insert(number, shelf::unpack(&bytes).ok_or_else(|| self.note_damage())?);
        }
        Ok(bundles)
    }
}

/// A row of the outbox that leaves it with the moment it was received, or is queued again.
type Moved = (Lying, Option<Timestamp>);
/// A kept change that goes back into the outbox: its key there, itself, its row here.
type Offered = (JsValue, Change, Object);

/// What a page changes, worked out before anything is written.
struct Plan {
    /// The shelf it was worked out from.
    version: u64,
    /// Bundles to be written, as they will be.
    bundles: Map<u32, Bundle>,
    changed: Map<Subject, Option<Row>>,
    cursors: Map<LogId, Cursor>,
    lying: Vec<Moved>,
    offered: Vec<Offered>,
}

impl Notebook for IndexedDbNotebook {
    async fn save(&self, change: &Change, draft: Option<&str>) -> Result<u64, StoreError> {
        let numbers = self.save_all(std::slice::from_ref(change), draft).await?;
        numbers.first().copied().ok_or(StoreError::Failed)
    }

    async fn outbox(&self) -> Result<Vec<OutboxItem>, StoreError> {
        let (lying, mut unreadable) = self.lying().await?;
        let unread: Vec<&Lying> = {
            let mut written = self.written.borrow_mut();
            let there: Set<u64> = lying.iter().map(|l| l.n).collect();
            written.retain(|n, _| there.contains(n));
            lying.iter().filter(|l| written.get(&l.n).is_none_or(|c| c.id != l.id)).collect()
        };
        let read = all(unread
            .iter()
            .map(|l| async { Some((l.n, self.open_change(l.n, l.id, &l.body().ok()?.into()).await?)) }))
        .await;
        self.written.borrow_mut().extend(read.into_iter().flatten());
        let mut items = vec![];
        for l in &lying {
            let change = self.written.borrow().get(&l.n).cloned();
            let Some(change) = change else {
                // What the office has received is not lost with this row.
                unreadable += usize::from(l.state() != RECEIVED);
                continue;
            };
            let state = match l.state() {
                RECEIVED => OutboxState::Received { at: l.at() },
                HELD => {
                    let why = self.unseal(CHANGE, &l.id.to_string(), &idb::get(&l.row, "why")).await;
                    OutboxState::Held { why: why.unwrap_or(Refusal::Broken), at: l.at() }
                }
                _ => OutboxState::Queued,
            };
            items.push(OutboxItem { change, state });
        }
        self.unreadable.set(unreadable);
        domain::order::sort_by_key(&mut items, |item| item.change.n);
        Ok(items)
    }

    async fn settle(&self, verdicts: &[(ChangeId, Verdict)], now: Timestamp) -> Result<(), StoreError> {
        let mut outcome = Map::new();
        for (id, verdict) in verdicts {
            outcome.insert(
                *id,
                match verdict {
                    Verdict::Refused { why } => (HELD, now, Some(self.seal(CHANGE, &id.to_string(), why).await?)),
                    Verdict::Quarantined { put_away: Some(away), .. } => {
                        let why = Refusal::PutAway { reason: away.reason.clone() };
                        (HELD, away.at, Some(self.seal(CHANGE, &id.to_string(), &why).await?))
                    }
                    Verdict::Accepted { at }
                    | Verdict::AlreadyKnown { at }
                    | Verdict::Waiting { at, .. }
                    | Verdict::Quarantined { at, put_away: None } => (RECEIVED, *at, None),
                },
            );
        }
        let subjects = self
            .with(async |db| {
                let tx = db.transaction(&[OUTBOX, LETTER], Mode::Relaxed)?;
                let (outbox, letters) = (tx.store(OUTBOX)?, tx.store(LETTER)?);
                let (mut subjects, mut arrived) = (vec![], Set::new());
                for lying in outbox.get_all().await?.iter().filter_map(|row| Lying::read(&row)) {
                    let Some((state, at, why)) = outcome.get(&lying.id) else { continue };
                    lying.becomes(*state, *at);
                    idb::set(&lying.row, "why", &why.clone().map_or(JsValue::UNDEFINED, JsValue::from));
                    outbox.put_keyed(&lying.row)?;
                    if *state == RECEIVED {
                        arrived.insert(lying.id.to_string());
                    }
                    subjects.push(lying.subject);
                }
                letters.delete_where(|key| key.as_string().is_some_and(|id| arrived.contains(&id))).await?;
                tx.done().await?;
                Ok(subjects)
            })
            .await?;
        self.tell(News::Outbox(subjects_of(subjects)));
        Ok(())
    }

    async fn release(&self, held: ChangeId, by: Option<ChangeId>) -> Result<(), StoreError> {
        let subjects = self
            .with(async |db| {
                let tx = db.transaction(&[OUTBOX, LETTER], Mode::Strict)?;
                let outbox = tx.store(OUTBOX)?;
                let rows = outbox.get_all().await?;
                let found = rows.iter().filter_map(|row| Lying::read(&row)).find(|l| l.id == held);
                if let Some(lying) = &found {
                    if by.is_some() {
                        outbox.delete(&(lying.n as f64).into())?;
                        tx.store(LETTER)?.delete(&lying.id.to_string().into())?;
                    } else {
                        lying.becomes(QUEUED, lying.at());
                        idb::set(&lying.row, "why", &JsValue::UNDEFINED);
                        outbox.put_keyed(&lying.row)?;
                    }
                }
                tx.done().await?;
                Ok(found.map(|l| l.subject))
            })
            .await?;
        self.tell(News::Outbox(subjects.into_iter().collect()));
        Ok(())
    }

    async fn give_up(&self, notes: &[Change]) -> Result<(), StoreError> {
        let sealed = try_all(notes.iter().map(|note| async move {
            let Body::Dropped(dropped) = &note.body else { return Err(StoreError::Failed) };
            let said = (&dropped.why, &dropped.reason);
            let said = self.seal(CHANGE, &dropped.change.to_string(), &said).await?;
            Ok((dropped.change, said, lie(note, &self.seal(CHANGE, &note.id.to_string(), note).await?)))
        }));
        let sealed = sealed.await?;
        let subjects = self
            .with(async |db| {
                let tx = db.transaction(&[OUTBOX, DROPPED, LETTER, PHOTO], Mode::Strict)?;
                let (outbox, dropped) = (tx.store(OUTBOX)?, tx.store(DROPPED)?);
                let rows = outbox.get_all().await?;
                let lying: Vec<Lying> = rows.iter().filter_map(|row| Lying::read(&row)).collect();
                let (mut subjects, mut gone) = (vec![], Set::new());
                for ((id, said, row), note) in sealed.iter().zip(notes) {
                    // After a handle died between the disk and the word of it, nothing is found and nothing done twice.
                    let Some(given_up) = lying.iter().find(|l| l.id == *id && l.state() != RECEIVED) else { continue };
                    let kept = Object::new();
                    idb::set(&kept, "id", &id.to_string().into());
                    idb::set(&kept, "at", &(note.recorded_at.0 as f64).into());
                    idb::set(&kept, "body", &JsValue::from(given_up.body()?));
                    idb::set(&kept, "said", said);
                    let n = (given_up.n as f64).into();
                    dropped.put(&n, &kept)?;
                    outbox.delete(&n)?;
                    // The note holds the content; it gets a letter of its own.
                    tx.store(LETTER)?.delete(&id.to_string().into())?;
                    outbox.add(row).await?;
                    subjects.push(given_up.subject);
                    gone.insert(*id);
                }
                photos::give_up(&tx, &gone).await?;
                tx.done().await?;
                Ok(subjects)
            })
            .await?;
        self.write_letters().await.ok();
        self.tell(News::Outbox(subjects_of(subjects)));
        self.tell(News::Photos);
        Ok(())
    }

    async fn dropped(&self) -> Result<Vec<DroppedItem>, StoreError> {
        let (keys, rows) = self.all_of(DROPPED).await?;
        let opened = all(keys.iter().zip(rows.iter()).map(|(key, row)| async move {
            let id: ChangeId = idb::get(&row, "id").as_string()?.parse().ok()?;
            let change = self.open_change(idb::number(&key)?, id, &idb::get(&row, "body")).await?;
            let said = self.unseal(CHANGE, &id.to_string(), &idb::get(&row, "said")).await;
            let (why, reason) = said.unwrap_or((Refusal::Broken, String::new()));
            Some(DroppedItem { change, why, reason, at: Timestamp(idb::get(&row, "at").as_f64()? as i64) })
        }))
        .await;
        Ok(opened.into_iter().flatten().collect())
    }

    async fn take_up(&self, anew: &[Change]) -> Result<(), StoreError> {
        let dropped = self.dropped().await?;
        let rows =
            try_all(anew.iter().map(|change| async move {
                Ok(lie(change, &self.seal(CHANGE, &change.id.to_string(), change).await?))
            }));
        let rows = rows.await?;
        let number_of = |change: &Change| {
            dropped
                .iter()
                .find(|d| Some(d.change.origin()) == change.replaces)
                .map(|d| JsValue::from(d.change.n as f64))
        };
        self.with(async |db| {
            let tx = db.transaction(&[OUTBOX, DROPPED, PHOTO, PHOTO_BODY], Mode::Strict)?;
            photos::queue(&tx, &anew.iter().filter_map(photos::announced).collect::<Vec<_>>()).await?;
            let (outbox, dropped) = (tx.store(OUTBOX)?, tx.store(DROPPED)?);
            for (change, row) in anew.iter().zip(&rows) {
                let Some(n) = number_of(change) else { continue };
                // Another tab may have taken it up.
                if dropped.get(&n).await?.is_undefined() {
                    continue;
                }
                dropped.delete(&n)?;
                outbox.add(row).await?;
            }
            tx.done().await
        })
        .await?;
        self.write_letters().await.ok();
        self.tell(News::Outbox(subjects_of(anew.iter().map(|change| change.subject))));
        self.tell(News::Photos);
        Ok(())
    }

    async fn store(&self, page: &Page, now: Timestamp) -> Result<(), StoreError> {
        // Another tab can only be faster while it syncs at the same time, which the lock between tabs forbids; three
        // times in a row means that something is wrong.
        for _ in 0..3 {
            if self.try_store(page, now).await? {
                return Ok(());
            }
            self.look().await?;
        }
        Err(StoreError::Failed)
    }

    async fn cursors(&self) -> Result<Map<LogId, Cursor>, StoreError> {
        self.look().await?;
        if self.damaged.get() {
            self.mend().await?;
        }
        Ok(self.shelf.borrow().cursors.clone())
    }

    async fn find(&self, subject: Subject) -> Result<Option<Stored>, StoreError> {
        self.look().await?;
        let Some(row) = self.row(subject) else { return Ok(None) };
        let mut bundles = self.read_bundles(&[row.bundle].into()).await?;
        let content = bundles.get_mut(&row.bundle).and_then(|bundle| bundle.remove(&subject));
        // It has a list row, so it is one that comes anew, not one that nobody knows.
        let content = content.ok_or(StoreError::Damaged)?;
        let lived: Lived = json::read(&content).map_err(|_| self.note_damage())?;
        Ok(Some(lived.stored))
    }

    async fn subjects(&self) -> Result<Vec<Subject>, StoreError> {
        self.look().await?;
        Ok(self.shelf.borrow().rows.keys().copied().collect())
    }

    async fn put_briefing(&self, briefing: &Briefing) -> Result<(), StoreError> {
        let sealed = self.seal(META, "briefing", briefing).await?;
        self.with(async |db| {
            let tx = db.transaction(&[META], Mode::Relaxed)?;
            tx.store(META)?.put(&"briefing".into(), &sealed)?;
            tx.done().await
        })
        .await?;
        *self.known_briefing.borrow_mut() = Some(briefing.clone());
        if let Some(office) = &briefing.office {
            self.put_office(office).await?;
        }
        self.tell(News::Briefing);
        Ok(())
    }

    async fn briefing(&self) -> Result<Option<Briefing>, StoreError> {
        if let Some(known) = self.known_briefing.borrow().clone() {
            return Ok(Some(known));
        }
        let sealed = self
            .with(async |db| db.transaction(&[META], Mode::Read)?.store(META)?.get(&"briefing".into()).await)
            .await?;
        if sealed.is_undefined() {
            return Ok(None);
        }
        // One that cannot be read any more is asked for again with the next pull.
        let briefing: Option<Briefing> = self.unseal(META, "briefing", &sealed).await.ok();
        self.known_briefing.borrow_mut().clone_from(&briefing);
        Ok(briefing)
    }

    async fn put_draft(&self, draft: &Draft) -> Result<(), StoreError> {
        self.put_standing_draft(draft).await.map(drop)
    }

    async fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        let (keys, rows) = self.all_of(DRAFT).await?;
        let mut drafts = vec![];
        for (key, row) in keys.iter().zip(rows.iter()) {
            let Some(name) = key.as_string() else { continue };
            // A draft of a form that an update has changed is of no use to it.
            if let Ok(draft) = self.unseal::<Draft>(DRAFT, &name, &row).await {
                drafts.push(draft);
            }
        }
        Ok(drafts)
    }

    async fn delete_draft(&self, name: &str) -> Result<(), StoreError> {
        let _turn = self.draft_ends.turn.lock().await;
        self.with(async |db| {
            let tx = db.transaction(&[DRAFT], Mode::Relaxed)?;
            tx.store(DRAFT)?.delete(&name.into())?;
            tx.done().await
        })
        .await?;
        self.draft_ends.add(name);
        Ok(())
    }
}

/// The changes whose letters, under `keys`, are in rows of which this holds.
fn ids_where(keys: &Array, rows: &Array, holds: impl Fn(&JsValue) -> bool) -> Set<ChangeId> {
    let those = keys.iter().zip(rows.iter()).filter(|(_, row)| holds(row));
    those.filter_map(|(key, _)| key.as_string()?.parse().ok()).collect()
}

/// How what is in somebody's outbox stands, without opening any of it.
///
/// # Errors
/// [`StoreError`].
pub async fn standing(name: &str) -> Result<Standing, StoreError> {
    let db = database(name).await?;
    let tx = db.transaction(&[OUTBOX, LETTER, PHOTO], Mode::Read)?;
    let (outbox, letters, photos) = (tx.store(OUTBOX)?, tx.store(LETTER)?, tx.store(PHOTO)?);
    let (rows, keys, texts) = (outbox.get_all().await?, letters.get_all_keys().await?, letters.get_all().await?);
    let photos = photos.get_all().await?;
    let kept = ids_where(&keys, &texts, |row| !idb::get(row, "kept").is_undefined());
    let resting = |row: &JsValue| post::is_resting(row);
    let mut standing = Standing { turned_away: texts.iter().filter(resting).count(), ..Standing::default() };
    let mut known = Set::new();
    for row in rows.iter() {
        match Lying::read(&row) {
            Some(lying) if lying.state() == RECEIVED => {}
            Some(lying) if kept.contains(&lying.id) => standing.arrived += 1,
            lying => {
                standing.waiting += 1;
                known.extend(lying.map(|lying| lying.id));
            }
        }
    }
    // A photo whose change waits too is one thing, not two.
    let photos = photos.iter().filter_map(|row| photos::Kept::read(&row));
    let photos = photos.filter(|p| p.is_queued() && p.change.is_none_or(|change| !known.contains(&change)));
    standing.waiting += photos.count();
    Ok(standing)
}

/// How many changes wait in somebody's outbox without a letter that could be carried.
///
/// # Errors
/// [`StoreError`].
pub async fn without_letter(name: &str) -> Result<usize, StoreError> {
    let db = database(name).await?;
    let tx = db.transaction(&[OUTBOX, LETTER], Mode::Read)?;
    let (outbox, letters) = (tx.store(OUTBOX)?, tx.store(LETTER)?);
    let (rows, keys, texts) = (outbox.get_all().await?, letters.get_all_keys().await?, letters.get_all().await?);
    let there = ids_where(&keys, &texts, |row| post::key_of(row).is_some());
    let is_without = |row: &JsValue| match Lying::read(row) {
        Some(lying) => lying.state() != RECEIVED && !there.contains(&lying.id),
        None => true,
    };
    Ok(rows.iter().filter(is_without).count())
}

/// The changes of somebody's outbox that nobody has answered yet. What the office has turned down is for its writer.
///
/// # Errors
/// [`StoreError`].
pub async fn queued(name: &str) -> Result<Vec<String>, StoreError> {
    let db = database(name).await?;
    let rows = db.transaction(&[OUTBOX], Mode::Read)?.store(OUTBOX)?.get_all().await?;
    let queued = rows.iter().filter_map(|row| Lying::read(&row)).filter(|lying| lying.state() == QUEUED);
    Ok(queued.map(|lying| lying.id.to_string()).collect())
}

pub(super) async fn database(name: &str) -> Result<Database, StoreError> {
    Database::open(name, SCHEMA, |db: &Upgrade, _| {
        db.create_numbered(OUTBOX, "n");
        // Whatever version it comes from: what is missing is made, what is there is left as it is.
        for store in [KEPT, BUNDLE, BLOCK, META, DRAFT, PHOTO, PHOTO_BODY, DROPPED, LETTER, SLIP] {
            db.create(store);
        }
    })
    .await
}

fn device(stored: &JsValue) -> Option<DeviceId> {
    stored.as_string()?.parse().ok()
}

fn subjects_of(subjects: impl IntoIterator<Item = Subject>) -> Vec<Subject> {
    subjects.into_iter().collect::<Set<_>>().into_iter().collect()
}

/// Does all at the same time and gives what came of each, in order.
async fn all<'a, T>(work: impl IntoIterator<Item = impl Future<Output = T> + 'a>) -> Vec<T> {
    together(work.into_iter().map(FutureExt::boxed_local).collect()).await
}

/// As [`all`]; the first error when there is one.
async fn try_all<'a, T>(
    work: impl IntoIterator<Item = impl Future<Output = Result<T, StoreError>> + 'a>,
) -> Result<Vec<T>, StoreError> {
    all(work).await.into_iter().collect()
}

/// The library's own way is made for thousands and compiled for each kind of work; these are dozens.
async fn together<T>(work: Vec<LocalBoxFuture<'_, T>>) -> Vec<T> {
    let mut work: Vec<MaybeDone<_>> = work.into_iter().map(maybe_done).collect();
    poll_fn(|cx| {
        let waiting = work.iter_mut().map(|one| one.poll_unpin(cx)).filter(Poll::is_pending).count();
        if waiting == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    work.iter_mut().filter_map(|one| Pin::new(one).take_output()).collect()
}
