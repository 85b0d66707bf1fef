//! Letters as this phone makes them: a change sealed to the office and signed by this device, all by WebCrypto. It knows
//! keys and bytes, not where letters lie or how they travel.

use domain::{Bytes, Change, Inside, Letter, OfficeKey, StoreError, WorkerId, json::Raw};
use js_sys::{Array, ArrayBuffer, Object, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};

use super::{idb, vault::subtle};

const POINT_BYTES: usize = Letter::POINT_BYTES;

/// The key by which one person's notebook signs its letters. Its private half cannot be taken out of the browser.
#[derive(Debug, Clone)]
pub struct Signer {
    pair: JsValue,
    public: [u8; POINT_BYTES],
}

impl Signer {
    /// A new key of ECDSA, P-256.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where the browser gives no WebCrypto.
    pub async fn new() -> Result<Self, StoreError> {
        let uses = Array::of2(&"sign".into(), &"verify".into());
        let made = subtle()?.generate_key_with_object(&curve("ECDSA"), false, &uses).map_err(failed)?;
        let pair = JsFuture::from(made).await.map_err(failed)?;
        Self::stored(&pair).await.ok_or(StoreError::Failed)
    }
    /// The pair that `stored` is, as a database keeps it.
    pub async fn stored(stored: &JsValue) -> Option<Self> {
        idb::get(stored, "privateKey").dyn_ref::<CryptoKey>()?;
        let public = point(&subtle().ok()?, &half(stored, "publicKey")?).await.ok()?;
        Some(Self { pair: stored.clone(), public })
    }
    /// The pair as a database may keep it: references, never bytes.
    #[must_use]
    pub fn pair(&self) -> &JsValue {
        &self.pair
    }
    /// What the office knows this device by: an uncompressed point.
    #[must_use]
    pub fn public(&self) -> [u8; POINT_BYTES] {
        self.public
    }

    async fn sign(&self, text: &[u8]) -> Result<Vec<u8>, StoreError> {
        let key = half(&self.pair, "privateKey").ok_or(StoreError::Failed)?;
        let how = named("ECDSA");
        idb::set(&how, "hash", &"SHA-256".into());
        let made = subtle()?.sign_with_object_and_u8_array(&how, &key, text).map_err(failed)?;
        bytes(made).await
    }
}

/// Seals `change`, just as it will be pushed, to the office, and signs it.
///
/// # Errors
/// [`StoreError::Failed`]; what it was to save must be saved without.
pub async fn write(
    office: &OfficeKey,
    signer: &Signer,
    worker: WorkerId,
    ahead_ms: Option<i64>,
    change: &Change,
) -> Result<Letter, StoreError> {
    let raw = Raw::of(change).map_err(|_| StoreError::Failed)?;
    let plain = Letter::fill(&Inside { worker, ahead_ms, change: raw }).map_err(|_| StoreError::Failed)?;
    let about = Letter::about(Letter::V, change.id, &office.id, change.device);
    let ephemeral = new_ephemeral().await?;
    let (enc, ct) = seal(Suite::Aes256, &office.letters.0, &ephemeral, Letter::INFO, about.as_bytes(), &plain).await?;
    let mut letter = Letter {
        v: Letter::V,
        id: change.id,
        key: office.id.clone(),
        device: change.device,
        enc: Bytes(enc),
        ct: Bytes(ct),
        sig: Bytes::default(),
    };
    letter.sig = Bytes(signer.sign(&letter.signed()).await?);
    Ok(letter)
}

/// The last step of the sealing. Letters use the larger key; the vectors of the RFC know the smaller one only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    Aes128,
    Aes256,
}

impl Suite {
    fn key_bytes(self) -> usize {
        if self == Self::Aes128 { 16 } else { 32 }
    }
    /// KEM 0x0010, KDF 0x0001, AEAD 0x0001 or 0x0002 (RFC 9180, 7).
    fn id(self) -> [u8; 10] {
        *if self == Self::Aes128 { b"HPKE\0\x10\0\x01\0\x01" } else { b"HPKE\0\x10\0\x01\0\x02" }
    }
}

const KEM_ID: &[u8] = b"KEM\0\x10";
const NONCE_BYTES: usize = 12;

/// A key pair for one letter.
///
/// # Errors
/// [`StoreError::Failed`].
pub async fn new_ephemeral() -> Result<JsValue, StoreError> {
    let uses = Array::of1(&"deriveBits".into());
    let made = subtle()?.generate_key_with_object(&curve("ECDH"), false, &uses).map_err(failed)?;
    JsFuture::from(made).await.map_err(failed)
}

/// HPKE in base mode (RFC 9180, 5.1.1 and 6.1): the encapsulated key, and cipher text with tag.
///
/// # Errors
/// [`StoreError::Failed`], as when `to` is no point of the curve.
pub async fn seal(
    suite: Suite,
    to: &[u8],
    ephemeral: &JsValue,
    info: &[u8],
    about: &[u8],
    plain: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
    let subtle = subtle()?;
    let private = half(ephemeral, "privateKey").ok_or(StoreError::Failed)?;
    let enc = point(&subtle, &half(ephemeral, "publicKey").ok_or(StoreError::Failed)?).await?;
    let theirs = import(&subtle, "raw", to, &curve("ECDH"), &Array::new()).await?;
    let how = named("ECDH");
    idb::set(&how, "public", &theirs);
    let shared = bytes(subtle.derive_bits_with_object(&how, &private, 256).map_err(failed)?).await?;

    let context = [&enc[..], to].concat();
    let prk = extract(&subtle, KEM_ID, &[], "eae_prk", &shared).await?;
    let secret = expand(&subtle, KEM_ID, &prk, "shared_secret", &context, 32).await?;

    let id = suite.id();
    let nobody = extract(&subtle, &id, &[], "psk_id_hash", &[]).await?;
    let about_what = extract(&subtle, &id, &[], "info_hash", info).await?;
    let schedule = [&[0], &nobody[..], &about_what].concat();
    let secret = extract(&subtle, &id, &secret, "secret", &[]).await?;
    let key = expand(&subtle, &id, &secret, "key", &schedule, suite.key_bytes()).await?;
    let nonce = expand(&subtle, &id, &secret, "base_nonce", &schedule, NONCE_BYTES).await?;

    let key = import(&subtle, "raw", &key, &named("AES-GCM"), &Array::of1(&"encrypt".into())).await?;
    let how = named("AES-GCM");
    idb::set(&how, "iv", &Uint8Array::from(&*nonce));
    idb::set(&how, "additionalData", &Uint8Array::from(about));
    let made = subtle.encrypt_with_object_and_u8_array(&how, &key, plain).map_err(failed)?;
    Ok((enc.to_vec(), bytes(made).await?))
}

/// `LabeledExtract` (RFC 9180, 4).
async fn extract(
    subtle: &SubtleCrypto,
    suite: &[u8],
    salt: &[u8],
    label: &str,
    ikm: &[u8],
) -> Result<Vec<u8>, StoreError> {
    // WebCrypto takes no empty key; HMAC fills a short one up with zeros anyhow.
    let salt = if salt.is_empty() { &[0; 32] } else { salt };
    hmac(subtle, salt, &[b"HPKE-v1", suite, label.as_bytes(), ikm].concat()).await
}

/// `LabeledExpand` (RFC 9180, 4) of at most 32 bytes, which is one round of HKDF.
async fn expand(
    subtle: &SubtleCrypto,
    suite: &[u8],
    prk: &[u8],
    label: &str,
    info: &[u8],
    length: usize,
) -> Result<Vec<u8>, StoreError> {
    let text = [&[0, length as u8], &b"HPKE-v1"[..], suite, label.as_bytes(), info, &[1]].concat();
    let mut out = hmac(subtle, prk, &text).await?;
    out.truncate(length);
    Ok(out)
}

async fn hmac(subtle: &SubtleCrypto, key: &[u8], text: &[u8]) -> Result<Vec<u8>, StoreError> {
    let kind = named("HMAC");
    idb::set(&kind, "hash", &"SHA-256".into());
    let key = import(subtle, "raw", key, &kind, &Array::of1(&"sign".into())).await?;
    bytes(subtle.sign_with_str_and_u8_array("HMAC", &key, text).map_err(failed)?).await
}

async fn import(
    subtle: &SubtleCrypto,
    form: &str,
    key: &[u8],
    kind: &Object,
    uses: &Array,
) -> Result<CryptoKey, StoreError> {
    let key = Uint8Array::from(key);
    let made = subtle.import_key_with_object(form, &key, kind, false, uses).map_err(failed)?;
    JsFuture::from(made).await.map(JsCast::unchecked_into).map_err(failed)
}

async fn point(subtle: &SubtleCrypto, key: &CryptoKey) -> Result<[u8; POINT_BYTES], StoreError> {
    let raw = bytes(subtle.export_key("raw", key).map_err(failed)?).await?;
    raw.try_into().map_err(|_| StoreError::Failed)
}

async fn bytes(promised: js_sys::Promise) -> Result<Vec<u8>, StoreError> {
    let buffer: ArrayBuffer = JsFuture::from(promised).await.map_err(failed)?.unchecked_into();
    Ok(Uint8Array::new(&buffer).to_vec())
}

fn half(pair: &JsValue, which: &str) -> Option<CryptoKey> {
    idb::get(pair, which).dyn_into().ok()
}

fn named(name: &str) -> Object {
    let kind = Object::new();
    idb::set(&kind, "name", &name.into());
    kind
}

fn curve(name: &str) -> Object {
    let kind = named(name);
    idb::set(&kind, "namedCurve", &"P-256".into());
    kind
}

fn failed(_: impl Into<JsValue>) -> StoreError {
    StoreError::Failed
}
