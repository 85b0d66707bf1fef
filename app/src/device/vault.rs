//! Sealing what rests on this phone: AES-256-GCM by WebCrypto. It knows keys and bytes, not what is sealed or where it lies.

use domain::StoreError;
use js_sys::{Array, ArrayBuffer, Object, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};

use super::{browser, idb};

/// Under which form content is sealed. It stands before every sealed row and in its additional data, so that a later
/// form can still open this one.
const SCHEMA: u8 = 1;
const IV_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// Seals and opens under one key. The key cannot be taken out of the browser.
#[derive(Debug, Clone)]
pub struct Vault {
    subtle: SubtleCrypto,
    key: CryptoKey,
}

impl Vault {
    /// A vault with the key that `stored` is, as a device database keeps it.
    #[must_use]
    pub fn stored(stored: &JsValue) -> Option<Self> {
        Some(Self { subtle: subtle().ok()?, key: stored.dyn_ref::<CryptoKey>()?.clone() })
    }
    /// A vault with a new key of this device.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where the browser gives no WebCrypto, as outside https.
    pub async fn new() -> Result<Self, StoreError> {
        let subtle = subtle()?;
        let kind = Object::new();
        idb::set(&kind, "name", &"AES-GCM".into());
        idb::set(&kind, "length", &256.into());
        let made = subtle.generate_key_with_object(&kind, false, &uses()).map_err(failed)?;
        let key = JsFuture::from(made).await.map_err(failed)?;
        Ok(Self { subtle, key: key.unchecked_into() })
    }
    /// A vault with a key that stands elsewhere, sealed, such as that of one photo.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub async fn of(key: &[u8; 32]) -> Result<Self, StoreError> {
        let subtle = subtle()?;
        let plain = Uint8Array::from(&key[..]);
        let imported = match subtle.import_key_with_str("raw", &plain, "AES-GCM", false, &uses()) {
            Ok(key) => JsFuture::from(key).await.map_err(failed),
            Err(thrown) => Err(failed(thrown)),
        };
        plain.fill(0, 0, 32);
        Ok(Self { subtle, key: imported?.unchecked_into() })
    }
    /// The key as a database may keep it: a reference, never its bytes.
    #[must_use]
    pub fn key(&self) -> &CryptoKey {
        &self.key
    }

    /// Makes a new data key and returns it wrapped by this vault's key, bound to `id`.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub async fn wrap_new(&self, id: &str) -> Result<Uint8Array, StoreError> {
        let mut key = browser::random::<32>();
        let wrapped = self.seal("key", id, &key).await;
        key.fill(0);
        wrapped
    }
    /// The vault of a data key that this vault wrapped.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it was wrapped by another key or for another id.
    pub async fn unwrap(&self, id: &str, wrapped: &Uint8Array) -> Result<Self, StoreError> {
        let mut bytes = self.open("key", id, wrapped).await?;
        let vault = match <&[u8; 32]>::try_from(&*bytes) {
            Ok(key) => Self::of(key).await,
            Err(_) => Err(StoreError::Damaged),
        };
        bytes.fill(0);
        vault
    }

    /// Seals `plain` for the row `id` of `store`: form, nonce, cipher text and tag in one.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub async fn seal(&self, store: &str, id: &str, plain: &[u8]) -> Result<Uint8Array, StoreError> {
        let iv = browser::random::<IV_BYTES>();
        let how = algorithm(&iv, SCHEMA, store, id);
        let made = self.subtle.encrypt_with_object_and_u8_array(&how, &self.key, plain).map_err(failed)?;
        let text: ArrayBuffer = JsFuture::from(made).await.map_err(failed)?.unchecked_into();
        let text = Uint8Array::new(&text);
        let sealed = Uint8Array::new_with_length(1 + IV_BYTES as u32 + text.length());
        sealed.set_index(0, SCHEMA);
        sealed.set(&Uint8Array::from(&iv[..]), 1);
        sealed.set(&text, 1 + IV_BYTES as u32);
        Ok(sealed)
    }
    /// Opens what was sealed for the row `id` of `store`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it was sealed under another key or for another row, or was altered;
    /// [`StoreError::Newer`] when a newer app sealed it.
    pub async fn open(&self, store: &str, id: &str, sealed: &Uint8Array) -> Result<Vec<u8>, StoreError> {
        if (sealed.length() as usize) < 1 + IV_BYTES + TAG_BYTES {
            return Err(StoreError::Damaged);
        }
        let form = sealed.get_index(0);
        if form > SCHEMA {
            return Err(StoreError::Newer);
        }
        let mut iv = [0; IV_BYTES];
        sealed.subarray(1, 1 + IV_BYTES as u32).copy_to(&mut iv);
        let how = algorithm(&iv, form, store, id);
        let text = sealed.subarray(1 + IV_BYTES as u32, sealed.length());
        let opened = self.subtle.decrypt_with_object_and_buffer_source(&how, &self.key, &text).map_err(failed)?;
        let plain: ArrayBuffer = JsFuture::from(opened).await.map_err(|_| StoreError::Damaged)?.unchecked_into();
        Ok(Uint8Array::new(&plain).to_vec())
    }
}

/// SHA-256 (FIPS 180-4).
///
/// # Errors
/// [`StoreError::Failed`].
pub async fn sha256(bytes: &Uint8Array) -> Result<[u8; 32], StoreError> {
    let asked = subtle()?.digest_with_str_and_buffer_source("SHA-256", bytes).map_err(failed)?;
    let digest: ArrayBuffer = JsFuture::from(asked).await.map_err(failed)?.unchecked_into();
    let mut hash = [0; 32];
    Uint8Array::new(&digest).copy_to(&mut hash);
    Ok(hash)
}

pub(super) fn subtle() -> Result<SubtleCrypto, StoreError> {
    let crypto = web_sys::window().and_then(|w| w.crypto().ok()).ok_or(StoreError::Failed)?;
    let subtle = crypto.subtle();
    if subtle.is_undefined() { Err(StoreError::Failed) } else { Ok(subtle) }
}

fn uses() -> Array {
    Array::of2(&"encrypt".into(), &"decrypt".into())
}

fn algorithm(iv: &[u8; IV_BYTES], form: u8, store: &str, id: &str) -> Object {
    let bound = [store.as_bytes(), b"/", id.as_bytes(), b"/", &[form]].concat();
    let how = Object::new();
    idb::set(&how, "name", &"AES-GCM".into());
    idb::set(&how, "iv", &Uint8Array::from(&iv[..]));
    idb::set(&how, "additionalData", &Uint8Array::from(&*bound));
    how
}

fn failed(_: impl Into<JsValue>) -> StoreError {
    StoreError::Failed
}
