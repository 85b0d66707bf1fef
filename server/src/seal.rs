//! Sealing what is written down: knows the office's key; refuses to know what it seals.

use crate::database::{Connection, Pool};
use std::fmt;
use std::io::Write as _;
use std::path::Path;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use anyhow::{Context, Result, bail};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// First byte of everything sealed: which form it has, so that another may follow.
const FORM: u8 = 1;
const NONCE_BYTES: usize = 12;

/// AES-256-GCM for bodies, HMAC-SHA-256 for hashes, and what key pairs are made from: three keys made from the office's
/// one.
pub struct Seal {
    cipher: Aes256Gcm,
    hashing: [u8; 32],
    deriving: [u8; 32],
}

/// Sealed with another key, about something else, or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is stored cannot be opened with this key")]
pub struct Damaged;

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Seal {
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        let sealing = hmac(&key, &[b"seal"]);
        let cipher = Aes256Gcm::new(&sealing.into());
        Self { cipher, hashing: hmac(&key, &[b"hash"]), deriving: hmac(&key, &[b"derive"]) }
    }

    /// 32 bytes for the one purpose that `label` names, the same on every server of this office.
    #[must_use]
    pub fn derive(&self, label: &str) -> [u8; 32] {
        crate::keys::derive(&self.deriving, label)
    }

    /// Seals `plain`; `about` (table and id) must be the same to open it, so that rows cannot be exchanged.
    ///
    /// # Errors
    /// Only when the system gives no randomness.
    pub fn seal(&self, about: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).context("the system gives no randomness")?;
        let payload = Payload { msg: plain, aad: about.as_bytes() };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| Damaged)?;
        let mut whole = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        whole.push(FORM);
        whole.extend_from_slice(&nonce);
        whole.extend_from_slice(&sealed);
        Ok(whole)
    }

    /// # Errors
    /// [`Damaged`].
    pub fn open(&self, about: &str, sealed: &[u8]) -> Result<Vec<u8>, Damaged> {
        let (form, rest) = sealed.split_first().ok_or(Damaged)?;
        if *form != FORM || rest.len() < NONCE_BYTES {
            return Err(Damaged);
        }
        let (nonce, sealed) = rest.split_at(NONCE_BYTES);
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| Damaged)?;
        self.cipher.decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad: about.as_bytes() }).map_err(|_| Damaged)
    }

    /// Seals a value as JSON.
    ///
    /// # Errors
    /// As [`Seal::seal`].
    pub fn seal_json(&self, about: &str, value: &impl serde::Serialize) -> Result<Vec<u8>> {
        self.seal(about, &serde_json::to_vec(value)?)
    }

    /// # Errors
    /// [`Damaged`].
    pub fn open_json<T: serde::de::DeserializeOwned>(&self, about: &str, sealed: &[u8]) -> Result<T, Damaged> {
        domain::json::read(&self.open(about, sealed)?).map_err(|_| Damaged)
    }

    /// A hash that nobody without the key can compute or guess at. Parts are told apart by their length.
    #[must_use]
    pub fn hash(&self, parts: &[&[u8]]) -> Vec<u8> {
        hmac(&self.hashing, parts).to_vec()
    }

    /// Whether a database belongs to a key already.
    ///
    /// # Errors
    /// The database.
    pub async fn has_sealed(pool: &Pool) -> Result<bool> {
        let known = sqlx::query_scalar::<_, String>("select value from office where name = 'key_check'")
            .fetch_optional(pool)
            .await?;
        Ok(known.is_some())
    }

    /// Makes sure that this key belongs to this database, or that the database is new.
    ///
    /// # Errors
    /// Another key sealed what is in it.
    pub async fn belongs_to(&self, connection: &mut Connection) -> Result<()> {
        let check = hex(&self.hash(&[b"key check"]));
        sqlx::query("insert into office (name, value) values ('key_check', $1) on conflict do nothing")
            .bind(&check)
            .execute(&mut *connection)
            .await?;
        let known = sqlx::query_scalar::<_, String>("select value from office where name = 'key_check'")
            .fetch_one(connection)
            .await?;
        if known != check {
            bail!("this key did not seal this database: give the key that belongs to it");
        }
        Ok(())
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// Reads a key as 64 hexadecimal digits.
///
/// # Errors
/// Anything else.
pub fn parse_key(text: &str) -> Result<[u8; 32]> {
    let text = text.trim();
    let mut key = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        bail!("a key is 64 hexadecimal digits");
    }
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).context("a key is 64 hexadecimal digits")?;
    }
    Ok(key)
}

/// The key in `file`; when there is none and `may_make`, a new one that only its owner may read.
///
/// # Errors
/// No file and not `may_make`, or a file that holds something else.
pub fn load_key(file: &Path, may_make: bool) -> Result<[u8; 32]> {
    if may_make && !file.exists() {
        let mut key = [0; 32];
        getrandom::fill(&mut key).context("the system gives no randomness")?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut made = options.open(file).with_context(|| format!("cannot write the key to {}", file.display()))?;
        made.write_all(hex(&key).as_bytes()).and_then(|()| made.sync_all())?;
        return Ok(key);
    }
    let text = std::fs::read_to_string(file).with_context(|| {
        format!("cannot read the key {}: without it nothing in the database can be opened", file.display())
    })?;
    parse_key(&text).with_context(|| format!("the key {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_only_with_its_key_and_about_the_same_thing() {
        let seal = Seal::new([7; 32]);
        let sealed = seal.seal("part:1", "Hoàng Thị Mỷ".as_bytes()).expect("sealed");
        assert!(!sealed.windows(4).any(|w| w == b"Ho\xc3\xa0"), "no plain text inside");
        assert_eq!(seal.open("part:1", &sealed).expect("opened"), "Hoàng Thị Mỷ".as_bytes());
        assert_eq!(seal.open("part:2", &sealed), Err(Damaged));
        assert_eq!(Seal::new([8; 32]).open("part:1", &sealed), Err(Damaged));
        let mut cut = sealed.clone();
        cut.pop();
        assert_eq!(seal.open("part:1", &cut), Err(Damaged));
        assert_ne!(sealed, seal.seal("part:1", "Hoàng Thị Mỷ".as_bytes()).expect("sealed"), "never twice the same");
    }

    #[test]
    fn a_hash_tells_its_parts_apart() {
        let seal = Seal::new([7; 32]);
        assert_ne!(seal.hash(&[b"ab", b"c"]), seal.hash(&[b"a", b"bc"]));
        assert_eq!(seal.hash(&[b"ab"]).len(), 32);
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        assert!(parse_key(&"0f".repeat(32)).is_ok());
        assert!(parse_key("0f").is_err());
        assert!(parse_key(&"0g".repeat(32)).is_err());
    }
}
