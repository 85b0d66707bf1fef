//! The phone's notebook in IndexedDB: one database a person, everything sealed. It knows rows and transactions, no network
//! and no rule.
//!
//! | store | key | row |
//! | --- | --- | --- |
//! | `outbox` | `n`, counted by the store | `{ n, id, subject, state, at, body, why? }`, `body` and `why` sealed |
//! | `kept` | `[received_at, n, subject]` | `[id, body]`: acknowledged changes, for [`limits::KEPT_DAYS`] |
//! | `subject` | subject | sealed [`Stored`] and the log it lives in |
//! | `block` | number | sealed list rows ([`Card`], [`Facility`]), at most [`BLOCK_ROWS`] |
//! | `meta` | name | `device`, `contact`, `version` in the clear; `cursors`, `briefing` sealed |
//! | `draft` | name | sealed [`Draft`] |
//!
//! Nothing is sealed, opened or sent inside a transaction. `meta.version` rises with every page; whoever finds another
//! number than it remembers reads the list rows anew, so that two tabs never overwrite each other's blocks.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fmt,
    rc::Rc,
    sync::Arc,
};

use domain::{
    Briefing, Card, Change, ChangeId, Cursor, DeviceId, Facility, LogId, Notebook, OutboxItem, OutboxState, Page,
    Refusal, StoreError, Subject, Timestamp, Verdict, limits,
    notebook::{Draft, Stored},
};
use futures::future::{join_all, try_join_all};
use js_sys::{Array, Object, Uint8Array};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};

use super::{
    browser,
    idb::{self, Database, Mode, Upgrade},
    vault::Vault,
};

/// The form of the database. An older app leaves a newer one untouched.
pub const SCHEMA: u32 = 1;
/// Raised whenever a [`Card`] comes to mean something else: list rows of another number are made anew from the parts.
const CARDS: u32 = 1;
/// Large enough that sealing costs little, small enough that a page rewrites little.
pub const BLOCK_ROWS: usize = 256;

const OUTBOX: &str = "outbox";
const KEPT: &str = "kept";
const SUBJECT: &str = "subject";
const BLOCK: &str = "block";
const META: &str = "meta";
const DRAFT: &str = "draft";
/// What changes are sealed for, in the outbox and after: they move without being opened.
const CHANGE: &str = "change";

const QUEUED: u8 = 0;
const RECEIVED: u8 = 1;
const HELD: u8 = 2;

const DAY_MS: i64 = 86_400_000;

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
}

/// A list row: what is known of a subject without opening it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The log it lives in.
    pub log: LogId,
    pub card: Option<Arc<Card>>,
    pub facility: Option<Arc<Facility>>,
    block: u32,
}

#[derive(Debug, Default)]
struct Rows {
    version: u64,
    by_subject: BTreeMap<Subject, Row>,
    blocks: BTreeMap<u32, BTreeSet<Subject>>,
    cursors: BTreeMap<LogId, Cursor>,
}

#[derive(Serialize)]
struct BlockOut<'a> {
    v: u32,
    rows: Vec<RowOut<'a>>,
}
#[derive(Serialize)]
struct RowOut<'a> {
    subject: Subject,
    log: &'a LogId,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<&'a Card>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facility: Option<&'a Facility>,
}
#[derive(Deserialize)]
struct BlockIn {
    v: u32,
    rows: Vec<RowIn>,
}
#[derive(Deserialize)]
struct RowIn {
    subject: Subject,
    log: LogId,
    #[serde(default)]
    card: Option<Card>,
    #[serde(default)]
    facility: Option<Facility>,
}

/// A subject's parts with the log they live in.
#[derive(Serialize, Deserialize)]
struct Lived {
    log: LogId,
    stored: Stored,
}

type Watcher = Rc<dyn Fn(News)>;

/// The notebook of one person on this phone.
pub struct IndexedDbNotebook {
    name: String,
    vault: Vault,
    device: DeviceId,
    is_new: bool,
    db: RefCell<Option<Rc<Database>>>,
    rows: RefCell<Rows>,
    /// Changes of the outbox by `n`; they never change, so each is opened once.
    written: RefCell<BTreeMap<u64, Change>>,
    known_briefing: RefCell<Option<Briefing>>,
    watcher: RefCell<Option<Watcher>>,
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
        let stored = db.transaction(&[META], Mode::Read)?.store(META)?.get(&"device".into()).await?;
        let (device, is_new) = match device(&stored) {
            Some(device) => (device, false),
            None => {
                let new = DeviceId(uuid::Builder::from_random_bytes(browser::random()).into_uuid());
                let tx = db.transaction(&[META], Mode::Strict)?;
                let meta = tx.store(META)?;
                // Another tab may have been faster.
                let stored = meta.get(&"device".into()).await?;
                if stored.is_undefined() {
                    meta.put(&"device".into(), &new.to_string().into())?;
                }
                tx.done().await?;
                (self::device(&stored).unwrap_or(new), true)
            }
        };
        let notebook = Self {
            name: name.to_owned(),
            vault,
            device,
            is_new,
            db: RefCell::new(Some(Rc::new(db))),
            rows: RefCell::default(),
            written: RefCell::default(),
            known_briefing: RefCell::default(),
            watcher: RefCell::default(),
        };
        notebook.reload().await?;
        Ok(notebook)
    }

    /// This installation of the app for this person.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.device
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
    fn tell(&self, news: News) {
        let watcher = self.watcher.borrow().clone();
        if let Some(watcher) = watcher {
            watcher(news);
        }
    }
    /// Closes the handle; nothing more is written through this object unless something is asked of it.
    pub fn close(&self) {
        *self.watcher.borrow_mut() = None;
        self.db.borrow_mut().take();
    }

    /// The list row of a subject as the office last sent it.
    #[must_use]
    pub fn row(&self, subject: Subject) -> Option<Row> {
        self.rows.borrow().by_subject.get(&subject).cloned()
    }
    /// Every list row.
    #[must_use]
    pub fn rows(&self) -> Vec<(Subject, Row)> {
        self.rows.borrow().by_subject.iter().map(|(subject, row)| (*subject, row.clone())).collect()
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
    async fn with<T>(&self, work: impl AsyncFn(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let db = self.db().await?;
        match work(&db).await {
            Err(StoreError::Closed) => {
                drop(db);
                self.db.borrow_mut().take();
                let db = self.db().await?;
                work(&db).await
            }
            done => done,
        }
    }

    async fn seal(&self, store: &str, id: &str, content: &impl Serialize) -> Result<Uint8Array, StoreError> {
        let plain = serde_json::to_vec(content).map_err(|_| StoreError::Failed)?;
        self.vault.seal(store, id, &plain).await
    }
    async fn unseal<T: DeserializeOwned>(&self, store: &str, id: &str, sealed: &JsValue) -> Result<T, StoreError> {
        let sealed = idb::bytes(sealed).ok_or(StoreError::Damaged)?;
        let plain = self.vault.open(store, id, sealed).await?;
        serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged)
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
        let version = idb::number(&version).unwrap_or(0);
        let cursors =
            if cursors.is_undefined() { BTreeMap::new() } else { self.unseal(META, "cursors", &cursors).await? };
        let opened = join_all(keys.iter().zip(blocks.iter()).map(|(key, block)| async move {
            let number = idb::number(&key).and_then(|n| u32::try_from(n).ok())?;
            let block: BlockIn = self.unseal(BLOCK, &number.to_string(), &block).await.ok()?;
            (block.v == CARDS).then_some((number, block.rows))
        }))
        .await;
        let Some(opened) = opened.into_iter().collect::<Option<Vec<_>>>() else {
            return self.rebuild(version, cursors).await;
        };
        let mut rows = Rows { version, cursors, ..Rows::default() };
        for (block, members) in opened {
            for row in members {
                rows.blocks.entry(block).or_default().insert(row.subject);
                let RowIn { subject, log, card, facility } = row;
                let row = Row { log, card: card.map(Arc::new), facility: facility.map(Arc::new), block };
                rows.by_subject.insert(subject, row);
            }
        }
        *self.rows.borrow_mut() = rows;
        Ok(())
    }

    /// Makes the list rows from the parts: after an update that reads more from them, or when a block cannot be read.
    async fn rebuild(&self, version: u64, cursors: BTreeMap<LogId, Cursor>) -> Result<(), StoreError> {
        let (keys, sealed) = self
            .with(async |db| {
                let tx = db.transaction(&[SUBJECT], Mode::Read)?;
                let store = tx.store(SUBJECT)?;
                Ok((store.get_all_keys().await?, store.get_all().await?))
            })
            .await?;
        let mut rows = Rows { version: version + 1, cursors, ..Rows::default() };
        for (key, sealed) in keys.iter().zip(sealed.iter()) {
            let Some(key) = key.as_string() else { continue };
            let Ok(subject) = key.parse::<Subject>() else { continue };
            let Ok(Lived { log, stored }) = self.unseal(SUBJECT, &key, &sealed).await else { continue };
            let block = (rows.by_subject.len() / BLOCK_ROWS) as u32;
            rows.blocks.entry(block).or_default().insert(subject);
            rows.by_subject.insert(subject, row_of(subject, &stored, log, block));
        }
        let blocks = try_join_all(rows.blocks.iter().map(|(number, members)| {
            let plain = block_json(members, |subject| rows.by_subject.get(&subject));
            self.sealed_block(*number, plain)
        }))
        .await?;
        let (old, new) = (version, rows.version);
        let stored = self
            .with(async |db| {
                let tx = db.transaction(&[META, BLOCK], Mode::Relaxed)?;
                let (meta, store) = (tx.store(META)?, tx.store(BLOCK)?);
                if idb::number(&meta.get(&"version".into()).await?).unwrap_or(0) != old {
                    return Ok(false);
                }
                store.delete_up_to(&f64::from(u32::MAX).into())?;
                for (number, block) in &blocks {
                    store.put(&(*number).into(), block)?;
                }
                meta.put(&"version".into(), &(new as f64).into())?;
                tx.done().await.map(|()| true)
            })
            .await?;
        if !stored {
            // Another tab did the same or stored a page; its blocks are read at the next look.
            rows.version = old;
        }
        *self.rows.borrow_mut() = rows;
        Ok(())
    }

    async fn sealed_block(&self, number: u32, plain: Vec<u8>) -> Result<(u32, Uint8Array), StoreError> {
        Ok((number, self.vault.seal(BLOCK, &number.to_string(), &plain).await?))
    }

    /// Reads the list rows anew if another tab has stored something.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn look(&self) -> Result<(), StoreError> {
        let version = self
            .with(async |db| db.transaction(&[META], Mode::Read)?.store(META)?.get(&"version".into()).await)
            .await?;
        if idb::number(&version).unwrap_or(0) != self.rows.borrow().version {
            self.reload().await?;
            self.tell(News::Reloaded);
        }
        Ok(())
    }
    /// Forgets what was remembered of the briefing: another tab has stored a newer one.
    pub fn forget_briefing(&self) {
        self.known_briefing.borrow_mut().take();
    }

    async fn lying(&self) -> Result<Vec<Lying>, StoreError> {
        let rows = self.with(async |db| db.transaction(&[OUTBOX], Mode::Read)?.store(OUTBOX)?.get_all().await).await?;
        Ok(rows.iter().filter_map(|row| Lying::read(&row)).collect())
    }

    /// Opens a change as it lies; `None` if it cannot be read, which then delays nothing else.
    async fn open_change(&self, n: u64, id: ChangeId, body: &JsValue) -> Option<Change> {
        let change: Change = self.unseal(CHANGE, &id.to_string(), body).await.ok()?;
        Some(Change { n, ..change })
    }

    /// Saves several changes, takes the held ones they replace out of the outbox and ends their draft: all or none,
    /// durably.
    ///
    /// # Errors
    /// [`StoreError::Full`] and others; then nothing was written.
    pub async fn save_all(&self, changes: &[Change], draft: Option<&str>) -> Result<Vec<u64>, StoreError> {
        let sealed = try_join_all(changes.iter().map(|c| async move { self.seal(CHANGE, &c.id.to_string(), c).await }));
        let rows: Vec<Object> = changes.iter().zip(sealed.await?).map(|(c, body)| lie(c, &body)).collect();
        let replaced: BTreeSet<ChangeId> = changes.iter().filter_map(|change| change.replaces).collect();
        let again = Cell::new(false);
        let numbers = self
            .with(async |db| {
                let tx = db.transaction(&[OUTBOX, DRAFT], Mode::Strict)?;
                let outbox = tx.store(OUTBOX)?;
                // A handle may die between the disk and the word of it: then all is there already.
                let there: BTreeMap<ChangeId, u64> = if again.replace(true) {
                    outbox.get_all().await?.iter().filter_map(|r| Lying::read(&r)).map(|l| (l.id, l.n)).collect()
                } else {
                    BTreeMap::new()
                };
                let mut numbers = vec![];
                for (change, row) in changes.iter().zip(&rows) {
                    numbers.push(match there.get(&change.id) {
                        Some(n) => *n,
                        None => outbox.add(row).await?,
                    });
                }
                if !replaced.is_empty() {
                    for lying in outbox.get_all().await?.iter().filter_map(|row| Lying::read(&row)) {
                        if replaced.contains(&lying.id) {
                            outbox.delete(&(lying.n as f64).into())?;
                        }
                    }
                }
                if let Some(draft) = draft {
                    tx.store(DRAFT)?.delete(&draft.into())?;
                }
                tx.done().await?;
                Ok(numbers)
            })
            .await?;
        let mut written = self.written.borrow_mut();
        for (change, n) in changes.iter().zip(&numbers) {
            written.insert(*n, Change { n: *n, ..change.clone() });
        }
        drop(written);
        self.tell(News::Outbox(subjects_of(changes.iter().map(|c| c.subject))));
        Ok(numbers)
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
    async fn kept_of(&self, log: &LogId) -> Result<Vec<(JsValue, Change, Object)>, StoreError> {
        let (keys, rows) = self
            .with(async |db| {
                let tx = db.transaction(&[KEPT], Mode::Read)?;
                let store = tx.store(KEPT)?;
                Ok((store.get_all_keys().await?, store.get_all().await?))
            })
            .await?;
        let opened = join_all(keys.iter().zip(rows.iter()).map(|(key, row)| async move {
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
        let plan = self.plan(page).await?;
        let Plan { version, subjects, blocks, cursors, lying, offered, changed } = plan;
        let sealed_cursors = self.seal(META, "cursors", &cursors).await?;
        let sealed_subjects = try_join_all(subjects.iter().map(|(subject, stored)| async move {
            let key = subject.to_string();
            let sealed = match stored {
                Some(stored) => Some(self.seal(SUBJECT, &key, stored).await?),
                None => None,
            };
            Ok::<_, StoreError>((key, sealed))
        }))
        .await?;
        let sealed_blocks = try_join_all(blocks.iter().map(|(number, members)| async {
            if members.is_empty() {
                return Ok((*number, None));
            }
            let plain = {
                let rows = self.rows.borrow();
                block_json(members, |subject| match changed.get(&subject) {
                    Some(row) => row.as_ref(),
                    None => rows.by_subject.get(&subject),
                })
            };
            self.sealed_block(*number, plain).await.map(|(number, block)| (number, Some(block)))
        }))
        .await?;
        let next = version + 1;
        let oldest = now.0 - limits::KEPT_DAYS * DAY_MS;
        let stored = self
            .with(async |db| {
                let tx = db.transaction(&[SUBJECT, BLOCK, OUTBOX, KEPT, META], Mode::Relaxed)?;
                let meta = tx.store(META)?;
                if idb::number(&meta.get(&"version".into()).await?).unwrap_or(0) != version {
                    return Ok(false);
                }
                let (store, outbox, kept) = (tx.store(SUBJECT)?, tx.store(OUTBOX)?, tx.store(KEPT)?);
                for (key, sealed) in &sealed_subjects {
                    match sealed {
                        Some(sealed) => store.put(&key.into(), sealed)?,
                        None => store.delete(&key.into())?,
                    }
                }
                let store = tx.store(BLOCK)?;
                for (number, sealed) in &sealed_blocks {
                    match sealed {
                        Some(sealed) => store.put(&(*number).into(), sealed)?,
                        None => store.delete(&(*number).into())?,
                    }
                }
                for (key, _, lying) in &offered {
                    kept.delete(key)?;
                    outbox.put_keyed(lying)?;
                }
                for (lying, receipt) in &lying {
                    match receipt {
                        Some(received_at) => {
                            let key = Array::of3(
                                &(received_at.0 as f64).into(),
                                &(lying.n as f64).into(),
                                &lying.subject.to_string().into(),
                            );
                            kept.put(&key, &Array::of2(&lying.id.to_string().into(), &lying.body()?.into()))?;
                            outbox.delete(&(lying.n as f64).into())?;
                        }
                        None => {
                            lying.becomes(QUEUED, lying.at());
                            outbox.put_keyed(&lying.row)?;
                        }
                    }
                }
                kept.delete_up_to(&Array::of1(&(oldest as f64).into()))?;
                meta.put(&"cursors".into(), &sealed_cursors)?;
                meta.put(&"version".into(), &(next as f64).into())?;
                tx.done().await.map(|()| true)
            })
            .await?;
        if !stored {
            return Ok(false);
        }
        let mut rows = self.rows.borrow_mut();
        rows.version = next;
        rows.cursors = cursors;
        for (number, members) in blocks {
            if members.is_empty() {
                rows.blocks.remove(&number);
            } else {
                rows.blocks.insert(number, members);
            }
        }
        let mut touched: BTreeSet<Subject> = changed.keys().copied().collect();
        for (subject, row) in changed {
            match row {
                Some(row) => rows.by_subject.insert(subject, row),
                None => rows.by_subject.remove(&subject),
            };
        }
        drop(rows);
        touched.extend(lying.iter().map(|(lying, _)| lying.subject));
        touched.extend(offered.iter().map(|(_, change, _)| change.subject));
        self.tell(News::Rows(touched.into_iter().collect()));
        Ok(true)
    }

    /// Works out what a page changes, without writing anything.
    async fn plan(&self, page: &Page) -> Result<Plan, StoreError> {
        let (version, mut cursors, dropped, known) = {
            let rows = self.rows.borrow();
            let dropped: BTreeSet<Subject> = if page.reset {
                rows.by_subject.iter().filter(|(_, row)| row.log == page.log).map(|(subject, _)| *subject).collect()
            } else {
                BTreeSet::new()
            };
            let known: Vec<Subject> = page
                .subjects
                .iter()
                .map(|s| s.subject)
                .filter(|s| rows.by_subject.contains_key(s) && !dropped.contains(s))
                .collect();
            (rows.version, rows.cursors.clone(), dropped, known)
        };
        match page.next {
            Some(next) => cursors.insert(page.log.clone(), next),
            None => cursors.remove(&page.log),
        };
        let mut before = self.find_all(&known).await?;
        let mut subjects: BTreeMap<Subject, Option<Lived>> = dropped.into_iter().map(|s| (s, None)).collect();
        for on_page in &page.subjects {
            let known = subjects.remove(&on_page.subject).flatten().or_else(|| before.remove(&on_page.subject));
            let mut lived = known.unwrap_or_else(|| Lived { log: page.log.clone(), stored: Stored::default() });
            let stays = lived.stored.merge(on_page);
            if let Some(header) = lived.stored.parts.header() {
                // A case shown by the own log still lives in the log it was born in.
                lived.log = header.log.clone();
            }
            subjects.insert(on_page.subject, stays.then_some(lived));
        }
        let mut lying = vec![];
        let mut offered = vec![];
        if page.reset || !page.settled.is_empty() {
            let settled: BTreeMap<ChangeId, Timestamp> =
                page.settled.iter().map(|(id, receipt)| (*id, receipt.received_at)).collect();
            let requeued: BTreeSet<ChangeId> = if page.reset {
                offered = self.kept_of(&page.log).await?;
                let of_log = |item: &OutboxItem| {
                    item.change.log == page.log && matches!(item.state, OutboxState::Received { .. })
                };
                self.outbox().await?.into_iter().filter(of_log).map(|item| item.change.id).collect()
            } else {
                BTreeSet::new()
            };
            for item in self.lying().await? {
                if let Some(received_at) = settled.get(&item.id) {
                    lying.push((item, Some(*received_at)));
                } else if requeued.contains(&item.id) {
                    lying.push((item, None));
                }
            }
        }
        let rows = self.rows.borrow();
        let mut blocks: BTreeMap<u32, BTreeSet<Subject>> = BTreeMap::new();
        let mut last = rows.blocks.keys().next_back().copied().unwrap_or(0);
        let mut changed = BTreeMap::new();
        for (subject, stored) in &subjects {
            let old = rows.by_subject.get(subject);
            let number = match (old, stored) {
                (None, None) => continue,
                (Some(old), _) => old.block,
                (None, Some(_)) => {
                    let fill = blocks.get(&last).or_else(|| rows.blocks.get(&last)).map_or(0, BTreeSet::len);
                    last += u32::from(fill >= BLOCK_ROWS);
                    last
                }
            };
            let members = blocks.entry(number).or_insert_with(|| rows.blocks.get(&number).cloned().unwrap_or_default());
            let row = stored.as_ref().map(|Lived { log, stored }| row_of(*subject, stored, log.clone(), number));
            if row.is_some() {
                members.insert(*subject);
            } else {
                members.remove(subject);
            }
            changed.insert(*subject, row);
        }
        Ok(Plan { version: rows.version.min(version), subjects, blocks, cursors, lying, offered, changed })
    }

    /// Those of `subjects` that are stored.
    async fn find_all(&self, subjects: &[Subject]) -> Result<BTreeMap<Subject, Lived>, StoreError> {
        if subjects.is_empty() {
            return Ok(BTreeMap::new());
        }
        let sealed = self
            .with(async |db| {
                let tx = db.transaction(&[SUBJECT], Mode::Read)?;
                let store = tx.store(SUBJECT)?;
                let asked: Result<Vec<_>, StoreError> =
                    subjects.iter().map(|s| store.ask(&s.to_string().into())).collect();
                try_join_all(asked?.into_iter().map(idb::Asked::row)).await
            })
            .await?;
        let opened = try_join_all(subjects.iter().zip(&sealed).filter(|(_, row)| !row.is_undefined()).map(
            |(subject, row)| async move {
                let lived: Lived = self.unseal(SUBJECT, &subject.to_string(), row).await?;
                Ok::<_, StoreError>((*subject, lived))
            },
        ));
        Ok(opened.await?.into_iter().collect())
    }
}

/// What a page changes, worked out before anything is written.
struct Plan {
    /// The rows it was worked out from.
    version: u64,
    subjects: BTreeMap<Subject, Option<Lived>>,
    /// Blocks to be written, with their new members.
    blocks: BTreeMap<u32, BTreeSet<Subject>>,
    cursors: BTreeMap<LogId, Cursor>,
    /// Rows of the outbox that leave it with the moment they were received, or are queued again.
    lying: Vec<(Lying, Option<Timestamp>)>,
    /// Kept changes that go back into the outbox.
    offered: Vec<(JsValue, Change, Object)>,
    changed: BTreeMap<Subject, Option<Row>>,
}

impl Notebook for IndexedDbNotebook {
    async fn save(&self, change: &Change, draft: Option<&str>) -> Result<u64, StoreError> {
        let numbers = self.save_all(std::slice::from_ref(change), draft).await?;
        numbers.first().copied().ok_or(StoreError::Failed)
    }

    async fn outbox(&self) -> Result<Vec<OutboxItem>, StoreError> {
        let lying = self.lying().await?;
        let unread: Vec<&Lying> = {
            let mut written = self.written.borrow_mut();
            let there: BTreeSet<u64> = lying.iter().map(|l| l.n).collect();
            written.retain(|n, _| there.contains(n));
            lying.iter().filter(|l| written.get(&l.n).is_none_or(|c| c.id != l.id)).collect()
        };
        let read = join_all(
            unread.iter().map(|l| async { Some((l.n, self.open_change(l.n, l.id, &l.body().ok()?.into()).await?)) }),
        )
        .await;
        self.written.borrow_mut().extend(read.into_iter().flatten());
        let mut items = vec![];
        for l in &lying {
            let change = self.written.borrow().get(&l.n).cloned();
            let Some(change) = change else { continue };
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
        items.sort_by_key(|item| item.change.n);
        Ok(items)
    }

    async fn settle(&self, verdicts: &[(ChangeId, Verdict)], now: Timestamp) -> Result<(), StoreError> {
        let mut outcome = BTreeMap::new();
        for (id, verdict) in verdicts {
            outcome.insert(
                *id,
                match verdict {
                    Verdict::Refused { why } => (HELD, now, Some(self.seal(CHANGE, &id.to_string(), why).await?)),
                    Verdict::Accepted { at }
                    | Verdict::AlreadyKnown { at }
                    | Verdict::Waiting { at, .. }
                    | Verdict::Quarantined { at } => (RECEIVED, *at, None),
                },
            );
        }
        let subjects = self
            .with(async |db| {
                let tx = db.transaction(&[OUTBOX], Mode::Relaxed)?;
                let outbox = tx.store(OUTBOX)?;
                let mut subjects = vec![];
                for lying in outbox.get_all().await?.iter().filter_map(|row| Lying::read(&row)) {
                    let Some((state, at, why)) = outcome.get(&lying.id) else { continue };
                    lying.becomes(*state, *at);
                    idb::set(&lying.row, "why", &why.clone().map_or(JsValue::UNDEFINED, JsValue::from));
                    outbox.put_keyed(&lying.row)?;
                    subjects.push(lying.subject);
                }
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
                let tx = db.transaction(&[OUTBOX], Mode::Strict)?;
                let outbox = tx.store(OUTBOX)?;
                let rows = outbox.get_all().await?;
                let found = rows.iter().filter_map(|row| Lying::read(&row)).find(|l| l.id == held);
                if let Some(lying) = &found {
                    if by.is_some() {
                        outbox.delete(&(lying.n as f64).into())?;
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

    async fn cursors(&self) -> Result<BTreeMap<LogId, Cursor>, StoreError> {
        self.look().await?;
        Ok(self.rows.borrow().cursors.clone())
    }

    async fn find(&self, subject: Subject) -> Result<Option<Stored>, StoreError> {
        Ok(self.find_all(&[subject]).await?.remove(&subject).map(|lived| lived.stored))
    }

    async fn subjects(&self) -> Result<Vec<Subject>, StoreError> {
        self.look().await?;
        Ok(self.rows.borrow().by_subject.keys().copied().collect())
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
        let sealed = self.seal(DRAFT, &draft.name, draft).await?;
        self.with(async |db| {
            let tx = db.transaction(&[DRAFT], Mode::Relaxed)?;
            tx.store(DRAFT)?.put(&draft.name.as_str().into(), &sealed)?;
            tx.done().await
        })
        .await
    }

    async fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        let (keys, rows) = self
            .with(async |db| {
                let tx = db.transaction(&[DRAFT], Mode::Read)?;
                let store = tx.store(DRAFT)?;
                Ok((store.get_all_keys().await?, store.get_all().await?))
            })
            .await?;
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
        self.with(async |db| {
            let tx = db.transaction(&[DRAFT], Mode::Relaxed)?;
            tx.store(DRAFT)?.delete(&name.into())?;
            tx.done().await
        })
        .await
    }
}

/// How many changes wait in somebody's outbox, without opening any.
///
/// # Errors
/// [`StoreError`].
pub async fn unsent(name: &str) -> Result<usize, StoreError> {
    let db = database(name).await?;
    let rows = db.transaction(&[OUTBOX], Mode::Read)?.store(OUTBOX)?.get_all().await?;
    Ok(rows.iter().filter_map(|row| Lying::read(&row)).filter(|l| l.state() != RECEIVED).count())
}

async fn database(name: &str) -> Result<Database, StoreError> {
    Database::open(name, SCHEMA, |db: &Upgrade, _| {
        db.create_numbered(OUTBOX, "n");
        for store in [KEPT, SUBJECT, BLOCK, META, DRAFT] {
            db.create(store);
        }
    })
    .await
}

fn device(stored: &JsValue) -> Option<DeviceId> {
    stored.as_string()?.parse().ok()
}

fn row_of(subject: Subject, stored: &Stored, log: LogId, block: u32) -> Row {
    Row {
        log,
        card: Card::of(subject, &stored.parts).map(Arc::new),
        facility: stored.parts.facility().cloned().map(Arc::new),
        block,
    }
}

fn block_json<'a>(members: &BTreeSet<Subject>, find: impl Fn(Subject) -> Option<&'a Row>) -> Vec<u8> {
    let rows = members
        .iter()
        .filter_map(|subject| {
            let row = find(*subject)?;
            Some(RowOut {
                subject: *subject,
                log: &row.log,
                card: row.card.as_deref(),
                facility: row.facility.as_deref(),
            })
        })
        .collect();
    serde_json::to_vec(&BlockOut { v: CARDS, rows }).unwrap_or_default()
}

fn subjects_of(subjects: impl IntoIterator<Item = Subject>) -> Vec<Subject> {
    subjects.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
