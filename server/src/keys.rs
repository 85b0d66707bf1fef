//! The office's key pairs, all made from its one key: for letters, for receipts, and a door for others. It knows how a key
//! is derived, not what is sealed or signed with it.
//!
//! Nothing of this is stored: every server with the same key has the same pairs, and whoever restores a backup with its key
//! can still open every letter and stands by every receipt.

use std::fmt;

use domain::{Bytes, OfficeKey};
use ed25519_dalek::{Signer, SigningKey, Verifier, VerifyingKey};
use hkdf::Hkdf;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, Serializable};
use sha2::{Digest, Sha256};

use crate::seal::{Damaged, Seal};

/// What all labels have in common: another program that derives from the same key gets other bytes.
const SALT: &[u8] = b"cau noi office keys 1";
/// Long enough that nobody meets another office's by chance, short enough to be read aloud.
const ID_BYTES: usize = 8;

type LetterKey = <DhP256HkdfSha256 as Kem>::PrivateKey;

/// The key pairs of an office.
pub struct OfficeKeys {
    id: String,
    letters: LetterKey,
    letters_public: Vec<u8>,
    receipts: SigningKey,
}

impl fmt::Debug for OfficeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfficeKeys").field("id", &self.id).finish_non_exhaustive()
    }
}

/// 32 bytes for one purpose, from the office's key: HKDF-SHA-256 (RFC 5869) with the label as its info. Labels are never
/// used twice and never change.
#[must_use]
pub fn derive(key: &[u8; 32], label: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    Hkdf::<Sha256>::new(Some(SALT), key).expand(label.as_bytes(), &mut bytes).expect("HKDF gives 32 bytes");
    bytes
}

impl OfficeKeys {
    #[must_use]
    pub fn of(seal: &Seal) -> Self {
        // RFC 9180, 7.1.3: a P-256 pair from bytes that nobody can guess.
        let (letters, public) = DhP256HkdfSha256::derive_keypair(&seal.derive("letters: HPKE P-256"));
        let letters_public = public.to_bytes().to_vec();
        let receipts = SigningKey::from_bytes(&seal.derive("receipts: Ed25519"));
        let mut id = Sha256::digest([&letters_public[..], receipts.verifying_key().as_bytes()].concat()).to_vec();
        id.truncate(ID_BYTES);
        Self { id: crate::seal::hex(&id), letters, letters_public, receipts }
    }

    /// Names these pairs; who has another office's key has another name for it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
    /// To which letters are sealed: a point of P-256, uncompressed, 65 bytes.
    #[must_use]
    pub fn letters_public(&self) -> &[u8] {
        &self.letters_public
    }
    /// By which receipts are verified: Ed25519, 32 bytes.
    #[must_use]
    pub fn receipts_public(&self) -> [u8; 32] {
        self.receipts.verifying_key().to_bytes()
    }

    /// The public halves, as phones get them.
    #[must_use]
    pub fn public(&self) -> OfficeKey {
        OfficeKey {
            id: self.id.clone(),
            letters: Bytes(self.letters_public.clone()),
            receipts: Bytes(self.receipts_public().to_vec()),
        }
    }

    /// Opens what was sealed to this office by HPKE (RFC 9180) in base mode: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256,
    /// AES-256-GCM.
    ///
    /// # Errors
    /// [`Damaged`]: sealed to somebody else, about something else, or altered.
    pub fn open(&self, enc: &[u8], info: &[u8], about: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Damaged> {
        let enc = <DhP256HkdfSha256 as Kem>::EncappedKey::from_bytes(enc).map_err(|_| Damaged)?;
        hpke::single_shot_open::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
            &OpModeR::Base,
            &self.letters,
            &enc,
            info,
            sealed,
            about,
        )
        .map_err(|_| Damaged)
    }

    /// The office's word for `text`: 64 bytes.
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.receipts.sign(text).to_bytes()
    }
    /// Whether this office signed `text`.
    #[must_use]
    pub fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        has_signed(&self.receipts.verifying_key(), text, signature)
    }
}

fn has_signed(by: &VerifyingKey, text: &[u8], signature: &[u8]) -> bool {
    ed25519_dalek::Signature::from_slice(signature).is_ok_and(|signature| by.verify(text, &signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal")).collect()
    }

    #[test]
    fn each_label_has_its_own_bytes_and_the_same_key_gives_them_again() {
        assert_eq!(derive(&[7; 32], "a"), derive(&[7; 32], "a"));
        assert_ne!(derive(&[7; 32], "a"), derive(&[7; 32], "b"));
        assert_ne!(derive(&[7; 32], "a"), derive(&[8; 32], "a"));
        let (one, again, other) = (Seal::new([7; 32]), Seal::new([7; 32]), Seal::new([8; 32]));
        assert_eq!(OfficeKeys::of(&one).id(), OfficeKeys::of(&again).id());
        assert_eq!(OfficeKeys::of(&one).receipts_public(), OfficeKeys::of(&again).receipts_public());
        assert_ne!(OfficeKeys::of(&one).id(), OfficeKeys::of(&other).id());
    }

    /// The bytes of these pairs are promises: a server of tomorrow that makes others opens no letter of today.
    #[test]
    fn the_pairs_of_a_key_never_change() {
        let keys = OfficeKeys::of(&Seal::new([7; 32]));
        assert_eq!(keys.id(), "9831a6f56e115025");
    }

    /// RFC 9180, A.3.1: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, base mode, first message. The RFC has no vector of this
    /// suite with AES-256-GCM; only the last step differs.
    #[test]
    fn the_vectors_of_rfc_9180_are_opened() {
        let ikm = bytes("668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550");
        let (private, public) = DhP256HkdfSha256::derive_keypair(&ikm);
        assert_eq!(
            private.to_bytes().to_vec(),
            bytes("f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2")
        );
        assert_eq!(
            public.to_bytes().to_vec(),
            bytes(concat!(
                "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a82",
                "6a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0"
            ))
        );
        let enc = bytes(concat!(
            "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac9",
            "8536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4"
        ));
        let opened = hpke::single_shot_open::<hpke::aead::AesGcm128, HkdfSha256, DhP256HkdfSha256>(
            &OpModeR::Base,
            &private,
            &<DhP256HkdfSha256 as Kem>::EncappedKey::from_bytes(&enc).expect("a point"),
            &bytes("4f6465206f6e2061204772656369616e2055726e"),
            &bytes("5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434"),
            &bytes("436f756e742d30"),
        );
        assert_eq!(opened.expect("opened"), b"Beauty is truth, truth beauty");
    }

    #[test]
    fn a_signature_is_of_this_office_and_of_these_words() {
        let (ours, theirs) = (OfficeKeys::of(&Seal::new([7; 32])), OfficeKeys::of(&Seal::new([8; 32])));
        let signed = ours.sign(b"received");
        assert!(ours.has_signed(b"received", &signed));
        assert!(!ours.has_signed(b"Received", &signed));
        assert!(!theirs.has_signed(b"received", &signed));
        assert!(!ours.has_signed(b"received", &signed[1..]));
    }
}
