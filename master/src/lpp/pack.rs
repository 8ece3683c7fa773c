//! What `pack` made: Huffman codes, as the members of a packed backup have them. Source: bffextract, which reads files that AIX
//! packed; the same as `pack` of System V without its first bytes.

use super::{Error, form};

/// Unpacks `packed` to the `size` bytes that it holds.
///
/// # Errors
/// [`Error`] when the codes do not make them.
pub(super) fn unpack(packed: &[u8], size: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = packed.iter().copied();
    let mut next = || bytes.next().map(usize::from);
    let ended = || Error::Form("its packed lpp_name ends too early".to_owned());
    let levels = next().ok_or_else(ended)?;
    if !(1..=24).contains(&levels) {
        return form("its packed lpp_name has no table of codes");
    }
    // How many codes of each length mean a byte. The last length has two more than is written: one is a byte, one the end.
    let mut leaves = (0..levels).map(|_| next()).collect::<Option<Vec<_>>>().ok_or_else(ended)?;
    leaves[levels - 1] += 1;
    let mut symbols = Vec::new();
    for count in &leaves {
        let level: Option<Vec<_>> = (0..*count).map(|_| next()).collect();
        symbols.push(level.ok_or_else(ended)?);
    }
    leaves[levels - 1] += 1;
    // How many codes of each length are the beginning of longer ones; those come first in the order of codes.
    let mut inner = vec![0_usize; levels];
    for level in (0..levels - 1).rev() {
        inner[level] = (inner[level + 1] + leaves[level + 1]) / 2;
    }
    let mut out = Vec::with_capacity(size.min(LONGEST));
    let (mut code, mut level) = (0_usize, 0);
    let bits = bytes.flat_map(|byte| (0..8).rev().map(move |bit| usize::from(byte >> bit & 1)));
    for bit in bits {
        if out.len() >= size {
            break;
        }
        code = code << 1 | bit;
        if code < inner[level] {
            level += 1;
            if level == levels {
                return form("a code in its packed lpp_name means nothing");
            }
            continue;
        }
        let at = code - inner[level];
        match symbols[level].get(at) {
            Some(byte) => out.push(u8::try_from(*byte).unwrap_or_default()),
            // The end.
            None if at < leaves[level] => break,
            None => return form("a code in its packed lpp_name means nothing"),
        }
        (code, level) = (0, 0);
    }
    if out.len() == size { Ok(out) } else { Err(ended()) }
}

/// What is set aside before anything is unpacked.
const LONGEST: usize = 64 << 10;

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Packs with codes of eight bits for up to 255 bytes and the end: no good codes, but codes.
    pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
        // Seven lengths without leaves, and the eighth with all 256: 255 bytes and the end.
        let mut out = vec![8, 0, 0, 0, 0, 0, 0, 0, 254];
        out.extend(0..=254);
        out.extend(bytes);
        out.push(255);
        out
    }

    #[test]
    fn codes_of_different_lengths_are_read() {
        // `1` is a, `00` is b, `01` the end.
        let packed = [2, 1, 0, b'a', b'b', 0b1001_0010, 0b1000_0000];
        assert_eq!(unpack(&packed, 5).unwrap(), b"ababa");
        assert!(unpack(&packed, 6).is_err());
    }

    proptest! {
        #[test]
        fn what_was_packed_is_found_again(bytes in proptest::collection::vec(0_u8..255, 0..500)) {
            prop_assert_eq!(unpack(&pack(&bytes), bytes.len()).unwrap(), bytes);
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..500), size in 0_usize..100_000,
        ) {
            drop(unpack(&bytes, size).map(|read| read.len()));
        }
    }
}
