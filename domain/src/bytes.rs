//! Bytes as they stand in JSON: base64url without padding (RFC 4648 §5). It knows letters and bits, not what they are for.

use std::{fmt, str::FromStr};

use crate::id::{BadName, text_serde};

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Bytes whose form on the wire is a text. Each has one such text and no other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.0.len().div_ceil(3) * 4);
        for three in self.0.chunks(3) {
            let bits = three.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - three.len()));
            for at in 0..=three.len() {
                text.push(char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]));
            }
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for Bytes {
    /// They may be sealed, and are many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

impl FromStr for Bytes {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
        for four in text.as_bytes().chunks(4) {
            let mut bits = 0_u32;
            for letter in four {
                let value = match letter {
                    b'A'..=b'Z' => letter - b'A',
                    b'a'..=b'z' => letter - b'a' + 26,
                    b'0'..=b'9' => letter - b'0' + 52,
                    b'-' => 62,
                    b'_' => 63,
                    _ => return Err(BadName),
                };
                bits = bits << 6 | u32::from(value);
            }
            bits <<= 6 * (4 - four.len());
            let whole = four.len() * 6 / 8;
            // One letter alone is not a byte, and bits that are thrown away must not tell two texts apart.
            if whole == 0 || bits & (0x00ff_ffff >> (8 * whole)) != 0 {
                return Err(BadName);
            }
            bytes.extend_from_slice(&bits.to_be_bytes()[1..=whole]);
        }
        Ok(Self(bytes))
    }
}

text_serde!(Bytes);

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10, in the letters of §5 and without padding.
    #[test]
    fn the_texts_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(Bytes(bytes.into()).to_string(), text);
            assert_eq!(text.parse(), Ok(Bytes(bytes.into())));
        }
        assert_eq!(Bytes(vec![0xfb, 0xff, 0xbf]).to_string(), "-_-_");
    }

    #[test]
    fn every_byte_comes_back_and_no_second_text_is_read() {
        let all = Bytes((0..=255).collect());
        assert_eq!(all.to_string().parse(), Ok(all));
        for wrong in ["Z", "Zg==", "Zh", "Zm9", "Z+", "Zm9vY", "Zm 9v", "é"] {
            assert_eq!(wrong.parse::<Bytes>(), Err(BadName), "{wrong}");
        }
    }
}
