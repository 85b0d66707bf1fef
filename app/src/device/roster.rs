//! Who uses this phone: each person's wrapped data key and sealed name. It knows nothing of what they wrote.

use domain::{StoreError, Timestamp, Worker, WorkerId};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use super::{
    idb::{self, Database, Mode, Upgrade},
    vault::Vault,
};

const NAME: &str = "caunoi-device";
const VERSION: u32 = 1;
const KEY: &str = "key";
const PERSON: &str = "person";
/// In the store of the key: whose notebook opens by itself.
const LAST: &str = "last";
/// Where in a row the sealed user name stands.
const NAME_AT: u32 = 5;

/// Somebody who has logged in on this phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub worker: Worker,
    pub used_at: Timestamp,
    /// Must log in before anything of theirs is shown again.
    pub signed_out: bool,
    /// The office has not been told of the log-out yet.
    pub untold: bool,
    /// What they log in as, once they have done so in the app.
    pub user_name: Option<String>,
}

/// The people of this phone.
#[derive(Debug)]
pub struct Roster {
    name: String,
    vault: Vault,
}

impl Roster {
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::Failed`].
    pub async fn open() -> Result<Self, StoreError> {
        Self::open_as(NAME).await
    }

    /// The roster of another name, so that tests do not meet each other.
    ///
    /// # Errors
    /// As [`Roster::open`].
    pub async fn open_as(name: &str) -> Result<Self, StoreError> {
        let db = database(name).await?;
        let stored = db.transaction(&[KEY], Mode::Read)?.store(KEY)?.get(&KEY.into()).await?;
        let vault = match Vault::stored(&stored) {
            Some(vault) => vault,
            None => {
                let new = Vault::new().await?;
                let tx = db.transaction(&[KEY], Mode::Strict)?;
                let store = tx.store(KEY)?;
                // Another tab may have been faster; there is one key of the device.
                let stored = store.get(&KEY.into()).await?;
                let vault = match Vault::stored(&stored) {
                    Some(first) => first,
                    None => {
                        store.put(&KEY.into(), new.key())?;
                        new
                    }
                };
                tx.done().await?;
                vault
            }
        };
        Ok(Self { name: name.to_owned(), vault })
    }

    /// Everybody known here, whoever used it last first. Somebody whose name cannot be opened is left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn people(&self) -> Result<Vec<Known>, StoreError> {
        let db = database(&self.name).await?;
        let tx = db.transaction(&[PERSON], Mode::Read)?;
        let store = tx.store(PERSON)?;
        let ids = store.get_all_keys().await?;
        let rows = store.get_all().await?;
        let mut people = vec![];
        for (id, row) in ids.iter().zip(rows.iter()) {
            if let Some(known) = self.read(&id, &row).await {
                people.push(known);
            }
        }
        domain::order::sort_by_key(&mut people, |known| std::cmp::Reverse(known.used_at));
        Ok(people)
    }

    /// Whose notebook opens by itself: the last who logged in or took the phone, and has not logged out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last(&self) -> Result<Option<WorkerId>, StoreError> {
        let db = database(&self.name).await?;
        let last = db.transaction(&[KEY], Mode::Read)?.store(KEY)?.get(&LAST.into()).await?;
        Ok(last.as_string().and_then(|id| id.parse().ok()))
    }
    /// Lets no notebook open by itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_last(&self) -> Result<(), StoreError> {
        let db = database(&self.name).await?;
        let tx = db.transaction(&[KEY], Mode::Strict)?;
        tx.store(KEY)?.delete(&LAST.into())?;
        tx.done().await
    }

    /// The vault of a person, who may just have become known here. Whoever logs in is no longer signed out, and their
    /// notebook is the one that opens by itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep(&self, worker: &Worker, now: Timestamp) -> Result<Vault, StoreError> {
        self.keep_as(worker, None, now).await
    }

    /// As [`Roster::keep`], with what they logged in as, if that is known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_as(&self, worker: &Worker, user_name: Option<&str>, now: Timestamp) -> Result<Vault, StoreError> {
        let id = worker.id.to_string();
        let row = self.row(worker.id).await?;
        let wrapped = match wrapped(&row) {
            Some(wrapped) => wrapped,
            None => self.vault.wrap_new(&id).await?,
        };
        let profile = domain::json::write(worker).map_err(|_| StoreError::Failed)?;
        let profile = self.vault.seal(PERSON, &id, &profile).await?;
        let user_name = match user_name {
            Some(name) => Some(self.vault.seal(PERSON, &id, name.as_bytes()).await?),
            None => None,
        };
        let db = database(&self.name).await?;
        let tx = db.transaction(&[PERSON, KEY], Mode::Strict)?;
        tx.store(KEY)?.put(&LAST.into(), &id.as_str().into())?;
        let store = tx.store(PERSON)?;
        let standing = store.get(&id.as_str().into()).await?;
        // Another tab may have been faster; a person has one data key.
        let first = self::wrapped(&standing).unwrap_or(wrapped);
        let row = write(&first, &profile, now, false, false);
        let known = standing.dyn_ref::<Array>().map(|row| row.get(NAME_AT));
        row.set(NAME_AT, user_name.map(JsValue::from).or(known).unwrap_or_default());
        store.put(&id.as_str().into(), &row)?;
        tx.done().await?;
        self.vault.unwrap(&id, &first).await
    }

    /// The vault and profile of somebody known here; `None` for a stranger and for whoever must log in first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unlock(&self, worker: WorkerId) -> Result<Option<(Worker, Vault)>, StoreError> {
        let id = worker.to_string();
        let row = self.row(worker).await?;
        let Some(wrapped) = wrapped(&row) else { return Ok(None) };
        let Some(known) = self.read(&id.as_str().into(), &row).await else { return Ok(None) };
        if known.signed_out {
            return Ok(None);
        }
        let vault = self.vault.unwrap(&id, &wrapped).await?;
        Ok(Some((known.worker, vault)))
    }

    /// Takes over a person's new name or roles; nothing else about them changes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rename(&self, worker: &Worker) -> Result<(), StoreError> {
        let id = worker.id.to_string();
        let profile = domain::json::write(worker).map_err(|_| StoreError::Failed)?;
        let profile = self.vault.seal(PERSON, &id, &profile).await?;
        let db = database(&self.name).await?;
        let tx = db.transaction(&[PERSON], Mode::Relaxed)?;
        let store = tx.store(PERSON)?;
        if let Some(row) = store.get(&id.as_str().into()).await?.dyn_ref::<Array>() {
            row.set(1, profile.into());
            store.put(&id.into(), row)?;
        }
        tx.done().await
    }

    /// Notes that somebody must log in again, and whether the office still has to be told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sign_out(&self, worker: WorkerId, untold: bool) -> Result<(), StoreError> {
        let id = JsValue::from(worker.to_string());
        let db = database(&self.name).await?;
        let tx = db.transaction(&[PERSON, KEY], Mode::Strict)?;
        let (store, key) = (tx.store(PERSON)?, tx.store(KEY)?);
        if key.get(&LAST.into()).await?.as_string() == id.as_string() {
            key.delete(&LAST.into())?;
        }
        let row = store.get(&id).await?;
        if let Some(row) = row.dyn_ref::<Array>() {
            row.set(3, JsValue::TRUE);
            row.set(4, untold.into());
            store.put(&id, row)?;
        }
        tx.done().await
    }

    /// Notes that the office knows of somebody's log-out; whoever has logged in again meanwhile stays logged in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn told(&self, worker: WorkerId) -> Result<(), StoreError> {
        let id = JsValue::from(worker.to_string());
        let db = database(&self.name).await?;
        let tx = db.transaction(&[PERSON], Mode::Strict)?;
        let store = tx.store(PERSON)?;
        let row = store.get(&id).await?;
        if let Some(row) = row.dyn_ref::<Array>().filter(|row| row.get(3).is_truthy()) {
            row.set(4, JsValue::FALSE);
            store.put(&id, row)?;
        }
        tx.done().await
    }

    async fn row(&self, worker: WorkerId) -> Result<JsValue, StoreError> {
        let db = database(&self.name).await?;
        db.transaction(&[PERSON], Mode::Read)?.store(PERSON)?.get(&worker.to_string().into()).await
    }

    async fn read(&self, id: &JsValue, row: &JsValue) -> Option<Known> {
        let row = row.dyn_ref::<Array>()?;
        let profile = self.vault.open(PERSON, &id.as_string()?, idb::bytes(&row.get(1))?).await.ok()?;
        let id = id.as_string()?;
        let user_name = match idb::bytes(&row.get(NAME_AT)) {
            Some(sealed) => self.vault.open(PERSON, &id, sealed).await.ok(),
            None => None,
        };
        Some(Known {
            user_name: user_name.and_then(|name| String::from_utf8(name).ok()),
            worker: domain::json::read(&profile).ok()?,
            used_at: Timestamp(row.get(2).as_f64()? as i64),
            signed_out: row.get(3).is_truthy(),
            untold: row.get(4).is_truthy(),
        })
    }
}

async fn database(name: &str) -> Result<Database, StoreError> {
    Database::open(name, VERSION, |db: &Upgrade, _| {
        db.create(KEY);
        db.create(PERSON);
    })
    .await
}

fn wrapped(row: &JsValue) -> Option<Uint8Array> {
    row.dyn_ref::<Array>()?.get(0).dyn_into().ok()
}

fn write(wrapped: &Uint8Array, profile: &Uint8Array, now: Timestamp, signed_out: bool, untold: bool) -> Array {
    let row = Array::new();
    row.push(wrapped);
    row.push(profile);
    row.push(&(now.0 as f64).into());
    row.push(&signed_out.into());
    row.push(&untold.into());
    row
}
