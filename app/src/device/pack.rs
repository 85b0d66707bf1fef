//! Fewer bytes for the same content, before it is sealed: what is sealed cannot be made smaller by the browser's own store,
//! and every field of a case names the change that wrote it. It knows bytes, not what they say.
//!
//! The form is LZ4's block format (<https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>) behind a head of five
//! bytes: [`PACKED`] and the length of the content, little-endian. It is written in one pass, as a cheap phone needs it, in a
//! few hundred bytes of program; the browser's own way has no such speed on the thread that draws.

/// Begins what is packed. No text begins so: content that lies there from before is told by it.
const PACKED: u8 = 1;
const HEAD_BYTES: usize = 5;
/// The shortest repetition that is worth naming.
const LEAST: usize = 4;
/// The last bytes are always written out, and no repetition begins in the last twelve: so the format wants it.
const TAIL: usize = 5;
const NO_START: usize = 12;
/// How far back a repetition may lie.
const REACH: usize = 65_535;
/// Places remembered, by a hash of four bytes.
const PLACES_BITS: u32 = 12;
/// Four bits of a token say a length; this one goes on in the bytes behind it.
const GOES_ON: usize = 15;
/// No content of one row is longer, whatever its head says.
const LONGEST: usize = 64 * 1024 * 1024;

/// Packs `plain`; [`open`] gives it back.
#[must_use]
pub fn pack(plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(HEAD_BYTES + plain.len() / 2);
    packed.push(PACKED);
    packed.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    let mut places = [0_u32; 1 << PLACES_BITS];
    // Everything before `said` is written already.
    let (mut said, mut at, mut misses) = (0, 0, 0);
    while at + NO_START <= plain.len() {
        let four = four_at(plain, at);
        let place = &mut places[(four.wrapping_mul(2_654_435_761) >> (32 - PLACES_BITS)) as usize];
        // Places are counted from one, so that nought is none.
        let before = (*place as usize).wrapping_sub(1);
        *place = at as u32 + 1;
        if before >= at || at - before > REACH || four_at(plain, before) != four {
            // Where nothing repeats, steps grow.
            at += 1 + (misses >> 5);
            misses += 1;
            continue;
        }
        misses = 0;
        let most = plain.len() - TAIL - at;
        let same = plain[at..at + most].iter().zip(&plain[before..]).take_while(|(a, b)| a == b).count();
        put(&mut packed, &plain[said..at], Some((at - before, same)));
        at += same;
        said = at;
    }
    put(&mut packed, &plain[said..], None);
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
    let mut plain = Vec::with_capacity(length);
    let mut rest = &bytes[HEAD_BYTES..];
    loop {
        let token = usize::from(take(&mut rest, 1)?[0]);
        let spoken = length_of(token >> 4, &mut rest)?;
        plain.extend_from_slice(take(&mut rest, spoken)?);
        if rest.is_empty() {
            break;
        }
        let back = take(&mut rest, 2)?;
        let back = usize::from(u16::from_le_bytes([back[0], back[1]]));
        let same = length_of(token & 15, &mut rest)? + LEAST;
        let from = plain.len().checked_sub(back).filter(|_| back > 0)?;
        if plain.len() + same > length {
            return None;
        }
        if back >= same {
            plain.extend_from_within(from..from + same);
        } else {
            // It repeats what it is just writing.
            for i in from..from + same {
                plain.push(plain[i]);
            }
        }
    }
    (plain.len() == length).then_some(plain)
}

fn four_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Writes out `spoken`, and what is to be repeated behind it: how far back, how much.
fn put(packed: &mut Vec<u8>, spoken: &[u8], repeated: Option<(usize, usize)>) {
    let same = repeated.map_or(0, |(_, same)| same - LEAST);
    packed.push(((spoken.len().min(GOES_ON) << 4) | same.min(GOES_ON)) as u8);
    put_rest(packed, spoken.len());
    packed.extend_from_slice(spoken);
    if let Some((back, _)) = repeated {
        packed.extend_from_slice(&(back as u16).to_le_bytes());
        put_rest(packed, same);
    }
}

/// What of a length its four bits could not say.
fn put_rest(packed: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(GOES_ON) else { return };
    while rest >= 255 {
        packed.push(255);
        rest -= 255;
    }
    packed.push(rest as u8);
}

fn length_of(bits: usize, rest: &mut &[u8]) -> Option<usize> {
    let mut length = bits;
    if bits == GOES_ON {
        loop {
            let more = take(rest, 1)?[0];
            length += usize::from(more);
            if more < 255 {
                break;
            }
        }
    }
    Some(length)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
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
