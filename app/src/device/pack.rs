//! Fewer bytes for the same content, before it is sealed: what is sealed cannot be made smaller by the browser's own store,
//! and every field of a case names the change that wrote it. It knows bytes, not what they say.
//!
//! The form is LZ4's block format (<https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>) behind a head of five
//! bytes: [`PACKED`] and the length of the content, little-endian. It takes one pass, as a cheap phone needs it, and little
//! program; the browser's own way has no such speed on the thread that draws.

use lz4_flex::block;

/// Begins what is packed. No text begins so: content that lies there from before is told by it.
const PACKED: u8 = 1;
const HEAD_BYTES: usize = 5;
/// No content of one row is longer, whatever its head says.
const LONGEST: usize = 64 * 1024 * 1024;

/// Packs `plain`; [`open`] gives it back.
#[must_use]
pub fn pack(plain: &[u8]) -> Vec<u8> {
    let mut packed = vec![0; HEAD_BYTES + block::get_maximum_output_size(plain.len())];
    packed[0] = PACKED;
    packed[1..HEAD_BYTES].copy_from_slice(&(plain.len() as u32).to_le_bytes());
    match block::compress_into(plain, &mut packed[HEAD_BYTES..]) {
        Ok(length) => packed.truncate(HEAD_BYTES + length),
        // Only where there is too little room, and there is enough; what is not packed is read too.
        Err(_) => return plain.to_vec(),
    }
    packed
}

/// The content of what [`pack`] made, or of what was never packed, as it is; `None` when it is neither.
#[must_use]
pub fn open(bytes: Vec<u8>) -> Option<Vec<u8>> {
    if bytes.first() != Some(&PACKED) {
        return Some(bytes);
    }
    let head = bytes.get(1..HEAD_BYTES)?.try_into().ok()?;
    let length = u32::from_le_bytes(head) as usize;
    if length > LONGEST {
        return None;
    }
    block::decompress(&bytes[HEAD_BYTES..], length).ok().filter(|plain| plain.len() == length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    /// Numbers that follow from each other (xorshift).
    fn noise(seed: u32, count: usize) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 24) as u8
        };
        (0..count).map(|_| next()).collect()
    }

    #[wasm_bindgen_test]
    fn what_was_packed_opens_as_it_was() {
        let text = "Bà sống một mình ở đầu bản, ngã hai lần trong tháng. ";
        let mut contents = vec![vec![], b"a".to_vec(), text.as_bytes().to_vec(), text.repeat(3_000).into_bytes()];
        contents.extend((0..64).map(|n| vec![b'x'; n]));
        contents.extend((1..40).map(|seed| noise(seed, seed as usize * 37)));
        // Longer than a repetition may reach back.
        contents.push([noise(1, 500), noise(2, 70_000), noise(1, 500)].concat());
        // Letters of few kinds: short repetitions, near and far.
        contents.extend((1..20).map(|seed| noise(seed, 5_000).into_iter().map(|b| b'a' + b % 3).collect()));
        for content in contents {
            assert_eq!(open(pack(&content)).as_ref(), Some(&content), "{} bytes", content.len());
        }
    }

    #[wasm_bindgen_test]
    fn what_repeats_becomes_a_fraction() {
        let field = r#""home":[{"change":"019c2f3a-4b00-7003-8e70-0531e4b0a7ea","received_at":1770100999000,"value":"#;
        assert!(pack(field.repeat(100).as_bytes()).len() < 300);
    }

    #[wasm_bindgen_test]
    fn a_block_of_the_format_by_another_hand_is_read() {
        // Eight letters, then twelve bytes that lie eight back, then five to the end.
        let by_hand = [&[1, 25, 0, 0, 0, 0x88][..], b"abcdefgh", &[8, 0, 0x50], b"12345"].concat();
        assert_eq!(open(by_hand).as_deref(), Some(&b"abcdefghabcdefghabcd12345"[..]));
    }

    #[wasm_bindgen_test]
    fn content_from_before_is_given_as_it_is() {
        assert_eq!(open(b"{\"v\":2}".to_vec()).as_deref(), Some(&b"{\"v\":2}"[..]));
        assert_eq!(open(vec![]), Some(vec![]));
    }

    #[wasm_bindgen_test]
    fn damage_is_noticed_and_never_more_than_that() {
        let packed = pack("một mình, một mình, một mình, một mình và xa".as_bytes());
        for end in 1..packed.len() {
            assert_eq!(open(packed[..end].to_vec()), None, "cut at {end}");
        }
        for at in 1..packed.len() {
            for bit in 0..8 {
                let mut other = packed.clone();
                other[at] ^= 1 << bit;
                // Another text or nothing; it ends, and takes no room that its head does not say.
                if let Some(plain) = open(other) {
                    assert!(plain.len() == 57 || at < HEAD_BYTES, "{} bytes", plain.len());
                }
            }
        }
        assert_eq!(open(vec![PACKED, 255, 255, 255, 255, 0]), None, "a length that nothing has");
    }
}
