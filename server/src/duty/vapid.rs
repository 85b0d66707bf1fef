//! Who calls a phone: the office's name towards push services (VAPID, RFC 8292). It knows one key and how a token is
//! signed; refuses to know whom it calls.

use anyhow::{Context, Result};
use base64ct::{Base64UrlUnpadded, Encoding};
use domain::Timestamp;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

use crate::seal::Seal;

/// How long a token holds: RFC 8292 allows a day; half of it lets clocks differ.
const HOLDS_S: i64 = 12 * 3_600;

/// The office's P-256 pair, made from its key: the same on every server, and after a restored backup.
pub struct Vapid {
    key: SigningKey,
    public: String,
}

impl std::fmt::Debug for Vapid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vapid").field("public", &self.public).finish_non_exhaustive()
    }
}

impl Vapid {
    /// # Panics
    /// Never: of four billion derivations one is not a scalar of the curve, and then the next is taken.
    #[must_use]
    pub fn of(seal: &Seal) -> Self {
        let key = (0..8_u8)
            .find_map(|n| SigningKey::from_slice(&seal.derive(&format!("push: VAPID P-256 {n}"))).ok())
            .expect("one of eight derivations lies below the order of the curve");
        let public = Base64UrlUnpadded::encode_string(key.verifying_key().to_sec1_point(false).as_bytes());
        Self { key, public }
    }

    /// What a browser is told to listen to: the point, uncompressed, 65 bytes as base64url.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The header `Authorization` of a call to the push service at `endpoint`.
    ///
    /// # Errors
    /// An address without an origin.
    pub fn authorization(&self, endpoint: &str, contact: Option<&str>, now: Timestamp) -> Result<String> {
        let mut claims = serde_json::json!({ "aud": origin(endpoint)?, "exp": now.0 / 1000 + HOLDS_S });
        if let Some(contact) = contact {
            claims["sub"] = contact.into();
        }
        let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let said = format!("{}.{}", encode(br#"{"typ":"JWT","alg":"ES256"}"#), encode(claims.to_string().as_bytes()));
        let signature: Signature = self.key.sign(said.as_bytes());
        Ok(format!("vapid t={said}.{}, k={}", encode(&signature.to_bytes()), self.public))
    }
}

/// Scheme, host and port (RFC 6454), as the push service knows itself.
fn origin(endpoint: &str) -> Result<String> {
    let (scheme, rest) = endpoint.split_once("://").context("an address without a scheme")?;
    let host =
        rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty()).context("an address without a host")?;
    Ok(format!("{scheme}://{}", host.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier;

    use super::*;

    /// RFC 6979, A.2.5: P-256 with SHA-256, the message "sample".
    #[test]
    fn the_vector_of_rfc_6979_is_signed() {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
        };
        let key = SigningKey::from_slice(&bytes("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"));
        let signature: Signature = key.unwrap().sign(b"sample");
        let expected = concat!(
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
        );
        assert_eq!(signature.to_bytes().to_vec(), bytes(expected));
    }

    /// RFC 8292, 2.4: the token of the example holds under the key beside it, read as ours are written.
    #[test]
    fn the_example_of_rfc_8292_holds() {
        let said = concat!(
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3Njgs",
            "InN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0"
        );
        let signature = "i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
        let key = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
        let key = VerifyingKey::from_sec1_bytes(&Base64UrlUnpadded::decode_vec(key).unwrap()).unwrap();
        let signature = Signature::from_slice(&Base64UrlUnpadded::decode_vec(signature).unwrap()).unwrap();
        key.verify(said.as_bytes(), &signature).unwrap();
        key.verify(&said.as_bytes()[1..], &signature).unwrap_err();
        let (head, claims) = said.split_once('.').unwrap();
        let text = |part: &str| String::from_utf8(Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap();
        assert_eq!(text(head), r#"{"typ":"JWT","alg":"ES256"}"#);
        assert_eq!(
            text(claims),
            r#"{"aud":"https://push.example.net","exp":1453523768,"sub":"mailto:push@example.com"}"#
        );
    }

    #[test]
    fn a_token_names_the_origin_it_is_for_and_ends_after_half_a_day() {
        let vapid = Vapid::of(&Seal::new([7; 32]));
        let said = vapid.authorization("https://Push.Example:8443/a/b?c", None, Timestamp(1_773_018_000_000)).unwrap();
        let (token, key) = said.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!((key, key.len()), (vapid.public(), 87));
        let claims = Base64UrlUnpadded::decode_vec(token.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims, serde_json::json!({ "aud": "https://push.example:8443", "exp": 1_773_061_200 }));
        assert!(vapid.authorization("push.example", None, Timestamp(0)).is_err());
    }

    /// A promise: a browser listens to the key that it was given, and to no other.
    #[test]
    fn the_key_of_an_office_never_changes() {
        assert_eq!(Vapid::of(&Seal::new([7; 32])).public(), Vapid::of(&Seal::new([7; 32])).public());
        let computed_by_hand =
            "BCPeaYdUjIlCRTjQQpo7eRy0kNqtHBJSMAxb-sO8DxfWiW04o2bsG63l3WCZLstKiUyzWNLPjh6mcb1imNwskIQ";
        assert_eq!(Vapid::of(&Seal::new([7; 32])).public(), computed_by_hand);
    }
}
