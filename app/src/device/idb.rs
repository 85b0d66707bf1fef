//! IndexedDB as this app uses it: databases, transactions, keys and rows. It knows nothing of what the rows mean.
//!
//! A put is not waited for: its failure aborts the transaction, and only the end of the transaction says what was kept.

use std::{cell::RefCell, rc::Rc};

use domain::StoreError;
use futures::future::LocalBoxFuture;
use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomException, Event, IdbDatabase, IdbKeyRange, IdbObjectStore, IdbObjectStoreParameters, IdbOpenDbRequest,
    IdbRequest, IdbTransaction, IdbVersionChangeEvent,
};

/// How sure the disk must be before a transaction counts as complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Read,
    /// Complete once the operating system has it: a page that is lost comes again.
    Relaxed,
    /// Complete once the disk has it: what a person wrote.
    Strict,
}

/// An open database. It closes itself when a newer app wants to change it, and when dropped.
#[derive(Debug)]
pub struct Database {
    db: IdbDatabase,
    _close: Closure<dyn FnMut(IdbVersionChangeEvent)>,
}

type Hook = Rc<dyn Fn() -> LocalBoxFuture<'static, ()>>;
thread_local! {
    static BEFORE_CLOSE: RefCell<Option<Hook>> = RefCell::default();
}

/// What is done before a database closes for a newer app in another tab; until it is done, that one waits.
pub fn before_close(hook: impl Fn() -> LocalBoxFuture<'static, ()> + 'static) {
    BEFORE_CLOSE.set(Some(Rc::new(hook)));
}

impl Database {
    /// Opens a database, first making or changing its stores by `upgrade` if it is older than `version`.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a newer app wrote it; it is left as it is.
    pub async fn open(name: &str, version: u32, upgrade: fn(&Upgrade, u32)) -> Result<Self, StoreError> {
        let window = web_sys::window().ok_or(StoreError::Failed)?;
        let factory = window.indexed_db().map_err(refused)?.ok_or(StoreError::Failed)?;
        let request = factory.open_with_u32(name, version).map_err(refused)?;
        let change = Closure::once(move |event: IdbVersionChangeEvent| {
            let request = event.target().and_then(|t| t.dyn_into::<IdbOpenDbRequest>().ok());
            let db = request.and_then(|r| r.result().ok()).and_then(|r| r.dyn_into::<IdbDatabase>().ok());
            if let Some(db) = db {
                upgrade(&Upgrade(db), event.old_version() as u32);
            }
        });
        request.set_onupgradeneeded(Some(change.as_ref().unchecked_ref()));
        let db: IdbDatabase = answer(&request).await?.dyn_into().map_err(|_| StoreError::Failed)?;
        let handle = db.clone();
        let close = Closure::new(move |event: IdbVersionChangeEvent| {
            // A database that is thrown away takes nothing more in.
            let hook = BEFORE_CLOSE.with_borrow(Clone::clone).filter(|_| event.new_version().is_some());
            let handle = handle.clone();
            match hook {
                Some(hook) => wasm_bindgen_futures::spawn_local(async move {
                    hook().await;
                    handle.close();
                }),
                None => handle.close(),
            }
        });
        db.set_onversionchange(Some(close.as_ref().unchecked_ref()));
        Ok(Self { db, _close: close })
    }

    /// Opens a transaction on `stores`. It ends by itself when nothing is asked of it any more.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the handle is dead.
    pub fn transaction(&self, stores: &[&str], mode: Mode) -> Result<Transaction, StoreError> {
        let names = stores.iter().map(|name| JsValue::from_str(name)).collect::<Array>();
        let (access, durability) = match mode {
            Mode::Read => ("readonly", "default"),
            Mode::Relaxed => ("readwrite", "relaxed"),
            Mode::Strict => ("readwrite", "strict"),
        };
        let options = Object::new();
        set(&options, "durability", &durability.into());
        let open: Function = get(&self.db, "transaction").unchecked_into();
        let tx: IdbTransaction =
            open.call3(&self.db, &names, &access.into(), &options).map_err(refused)?.unchecked_into();
        let done = (mode != Mode::Read).then(|| {
            Promise::new(&mut |kept, lost| {
                tx.set_oncomplete(Some(kept.unchecked_ref()));
                tx.set_onabort(Some(lost.unchecked_ref()));
            })
        });
        Ok(Transaction { tx, done })
    }

    pub fn close(&self) {
        self.db.close();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.db.set_onversionchange(None);
        self.db.close();
    }
}

/// A database whose stores are being made or changed.
#[derive(Debug)]
pub struct Upgrade(IdbDatabase);

impl Upgrade {
    /// A store whose rows are found by a key that stands outside of them.
    pub fn create(&self, store: &str) {
        // Fails only if the store is already there, which is what is wanted.
        self.0.create_object_store(store).ok();
    }
    /// A store that numbers its rows in `field`: rising, and no number is ever given twice.
    pub fn create_numbered(&self, store: &str, field: &str) {
        let options = IdbObjectStoreParameters::new();
        options.set_auto_increment(true);
        options.set_key_path(&field.into());
        self.0.create_object_store_with_optional_parameters(store, &options).ok();
    }
}

#[derive(Debug)]
pub struct Transaction {
    tx: IdbTransaction,
    done: Option<Promise>,
}

impl Transaction {
    pub fn store(&self, name: &str) -> Result<Store, StoreError> {
        self.tx.object_store(name).map(Store).map_err(refused)
    }
    /// Waits until everything written is kept.
    ///
    /// # Errors
    /// [`StoreError::Full`] and others; then nothing of this transaction was written.
    pub async fn done(mut self) -> Result<(), StoreError> {
        let Some(done) = self.done.take() else { return Ok(()) };
        match JsFuture::from(done).await {
            Ok(_) => Ok(()),
            Err(_) => Err(self.tx.error().map_or(StoreError::Failed, |error| meaning(&error))),
        }
    }
}

impl Drop for Transaction {
    /// What was not waited for is taken back: an error half-way leaves nothing behind.
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            self.tx.abort().ok();
            // Somebody listens, or the console reports an error nobody made.
            drop(JsFuture::from(done));
        }
    }
}

#[derive(Debug)]
pub struct Store(IdbObjectStore);

impl Store {
    /// Writes a row; whether it was kept is said by [`Transaction::done`].
    pub fn put(&self, key: &JsValue, row: &JsValue) -> Result<(), StoreError> {
        self.0.put_with_key(row, key).map(drop).map_err(refused)
    }
    /// Writes a row that holds its key itself.
    pub fn put_keyed(&self, row: &JsValue) -> Result<(), StoreError> {
        self.0.put(row).map(drop).map_err(refused)
    }
    /// Adds a row to a numbered store and returns its number.
    pub async fn add(&self, row: &JsValue) -> Result<u64, StoreError> {
        let key = answer(&self.0.add(row).map_err(refused)?).await?;
        number(&key).ok_or(StoreError::Damaged)
    }
    pub fn delete(&self, key: &JsValue) -> Result<(), StoreError> {
        self.0.delete(key).map(drop).map_err(refused)
    }
    /// Deletes every row whose key is at most `key`.
    pub fn delete_up_to(&self, key: &JsValue) -> Result<(), StoreError> {
        let range = IdbKeyRange::upper_bound(key).map_err(refused)?;
        self.delete(&range)
    }
    /// Deletes the rows whose keys are `doomed`: of rows that lie side by side, all at once.
    pub async fn delete_where(&self, doomed: impl Fn(&JsValue) -> bool) -> Result<(), StoreError> {
        let mut run: Option<(JsValue, JsValue)> = None;
        // The keys come in order, and none can come between them before this transaction has ended.
        for key in self.get_all_keys().await?.iter() {
            if doomed(&key) {
                let first = run.take().map_or_else(|| key.clone(), |(first, _)| first);
                run = Some((first, key));
            } else if let Some((first, last)) = run.take() {
                self.delete_between(&first, &last)?;
            }
        }
        run.map_or(Ok(()), |(first, last)| self.delete_between(&first, &last))
    }
    fn delete_between(&self, first: &JsValue, last: &JsValue) -> Result<(), StoreError> {
        let range = between(first, last)?;
        self.delete(&range)
    }
    /// `undefined` when there is none.
    pub async fn get(&self, key: &JsValue) -> Result<JsValue, StoreError> {
        answer(&self.0.get(key).map_err(refused)?).await
    }
    /// Whether there is a row, without reading it.
    pub async fn has(&self, key: &JsValue) -> Result<bool, StoreError> {
        let found = answer(&self.0.count_with_key(key).map_err(refused)?).await?;
        Ok(number(&found).ok_or(StoreError::Damaged)? > 0)
    }
    /// Asks for a row now and waits for it later, so that many are asked for at once.
    pub fn ask(&self, key: &JsValue) -> Result<Asked, StoreError> {
        self.0.get(key).map(Asked::new).map_err(refused)
    }
    pub async fn get_all(&self) -> Result<Array, StoreError> {
        answer(&self.0.get_all().map_err(refused)?).await.map(JsCast::unchecked_into)
    }
    /// In the order of [`Store::get_all`].
    pub async fn get_all_keys(&self) -> Result<Array, StoreError> {
        answer(&self.0.get_all_keys().map_err(refused)?).await.map(JsCast::unchecked_into)
    }
    /// The keys and rows from `first` to `last`, both included.
    pub async fn get_between(&self, first: &JsValue, last: &JsValue) -> Result<(Array, Array), StoreError> {
        let range = between(first, last)?;
        let keys = Asked::new(self.0.get_all_keys_with_key(&range).map_err(refused)?);
        let rows = Asked::new(self.0.get_all_with_key(&range).map_err(refused)?);
        Ok((keys.row().await?.unchecked_into(), rows.row().await?.unchecked_into()))
    }
    pub async fn count(&self) -> Result<u64, StoreError> {
        number(&answer(&self.0.count().map_err(refused)?).await?).ok_or(StoreError::Damaged)
    }
}

fn between(first: &JsValue, last: &JsValue) -> Result<IdbKeyRange, StoreError> {
    IdbKeyRange::bound(first, last).map_err(refused)
}

/// A row that was asked for.
#[derive(Debug)]
pub struct Asked {
    request: IdbRequest,
    answered: Promise,
}

impl Asked {
    fn new(request: IdbRequest) -> Self {
        let answered = Promise::new(&mut |ok, failed| {
            request.set_onsuccess(Some(ok.unchecked_ref()));
            request.set_onerror(Some(failed.unchecked_ref()));
        });
        Self { request, answered }
    }
    pub async fn row(self) -> Result<JsValue, StoreError> {
        match JsFuture::from(self.answered).await {
            Ok(_) => self.request.result().map_err(refused),
            Err(_) => Err(self.request.error().ok().flatten().map_or(StoreError::Failed, |error| meaning(&error))),
        }
    }
}

async fn answer(request: &IdbRequest) -> Result<JsValue, StoreError> {
    Asked::new(request.clone()).row().await
}

fn refused(thrown: impl Into<JsValue>) -> StoreError {
    thrown.into().dyn_ref::<DomException>().map_or(StoreError::Failed, meaning)
}

fn meaning(error: &DomException) -> StoreError {
    match error.name().as_str() {
        "QuotaExceededError" => StoreError::Full,
        "VersionError" => StoreError::Newer,
        // A connection the browser or a newer app closed; `UnknownError` is what a lost connection to the storage
        // process looks like.
        "InvalidStateError" | "UnknownError" | "AbortError" => StoreError::Closed,
        "DataCloneError" | "DataError" | "NotFoundError" | "NotReadableError" => StoreError::Damaged,
        _ => StoreError::Failed,
    }
}

/// A field of a row, `undefined` when it has none.
#[must_use]
pub fn get(object: &JsValue, field: &str) -> JsValue {
    Reflect::get(object, &field.into()).unwrap_or(JsValue::UNDEFINED)
}

pub fn set(object: &Object, field: &str, value: &JsValue) {
    // Fails only on frozen objects; these were just made.
    Reflect::set(object, &field.into(), value).ok();
}

#[must_use]
pub fn number(value: &JsValue) -> Option<u64> {
    value.as_f64().filter(|n| (0.0..9e15).contains(n)).map(|n| n as u64)
}

#[must_use]
pub fn bytes(value: &JsValue) -> Option<&Uint8Array> {
    value.dyn_ref()
}

/// Removes a whole database; for tests and for a person whose data leaves this phone.
///
/// # Errors
/// [`StoreError::Failed`].
pub async fn delete_database(name: &str) -> Result<(), StoreError> {
    let window = web_sys::window().ok_or(StoreError::Failed)?;
    let factory = window.indexed_db().map_err(refused)?.ok_or(StoreError::Failed)?;
    answer(&factory.delete_database(name).map_err(refused)?.into()).await.map(drop)
}

/// A listener that is taken off when dropped.
#[derive(Debug)]
pub struct Listener {
    target: web_sys::EventTarget,
    event: &'static str,
    call: Closure<dyn FnMut(Event)>,
}

impl Listener {
    pub fn new(target: &web_sys::EventTarget, event: &'static str, call: impl FnMut(Event) + 'static) -> Self {
        let call = Closure::new(call);
        target.add_event_listener_with_callback(event, call.as_ref().unchecked_ref()).ok();
        Self { target: target.clone(), event, call }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.target.remove_event_listener_with_callback(self.event, self.call.as_ref().unchecked_ref()).ok();
    }
}
