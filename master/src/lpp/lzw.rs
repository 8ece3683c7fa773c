//! What `compress` made: adaptive Lempel-Ziv codes of 9 bits up to 16. Source: the format of `compress` 4.0, which AIX has too
//! ("a 16-bit compressed file", `emgr`).
//!
//! Tables have a fixed size, so a hostile file costs time in proportion to what is read, and no memory.

use std::io::{self, Read};

/// Reads what was compressed.
#[derive(Debug)]
pub struct Decoder<R> {
    inner: R,
    /// Whether code 256 empties the table.
    block: bool,
    /// Most bits of a code.
    most: u32,
    /// Bits of a code now.
    width: u32,
    /// The next code that gets a meaning.
    free: usize,
    prefix: Vec<u16>,
    suffix: Vec<u8>,
    /// The code before, and the first byte that it means.
    before: Option<(u16, u8)>,
    /// What is decoded and not yet read, the last byte first.
    stack: Vec<u8>,
    /// Codes come in groups of eight: as many bytes as a code has bits.
    group: [u8; 16],
    filled: usize,
    bit: usize,
}

const CLEAR: usize = 256;

impl<R: Read> Decoder<R> {
    /// Reads the first three bytes.
    ///
    /// # Errors
    /// Where `inner` is not what `compress` made, or cannot be read.
    pub fn new(mut inner: R) -> io::Result<Self> {
        let mut head = [0; 3];
        inner.read_exact(&mut head).map_err(|cause| match cause.kind() {
            io::ErrorKind::UnexpectedEof => bad("it ends before its first code"),
            _ => cause,
        })?;
        let most = u32::from(head[2] & 0x1f);
        if head[..2] != [0x1f, 0x9d] || head[2] & 0x60 != 0 {
            return Err(bad("it was not made by compress"));
        }
        // With 9 programs differ in what they write.
        if !(10..=16).contains(&most) {
            return Err(bad("its codes are not of 10 to 16 bits"));
        }
        let block = head[2] & 0x80 != 0;
        Ok(Self {
            inner,
            block,
            most,
            width: 9,
            free: if block { CLEAR + 1 } else { CLEAR },
            prefix: vec![0; 1 << most],
            suffix: vec![0; 1 << most],
            before: None,
            stack: Vec::new(),
            group: [0; 16],
            filled: 0,
            bit: 0,
        })
    }

    /// The next code; `None` at the end. A few bits that are left over are padding.
    fn code(&mut self) -> io::Result<Option<usize>> {
        let width = self.width as usize;
        if self.bit + width > self.filled * 8 {
            self.refill(width)?;
            if self.filled * 8 < width {
                return Ok(None);
            }
        }
        let (first, shift) = (self.bit / 8, self.bit % 8);
        let byte = |at: usize| u32::from(self.group.get(at).copied().unwrap_or(0));
        let bits = byte(first) | byte(first + 1) << 8 | byte(first + 2) << 16;
        self.bit += width;
        Ok(Some(((bits >> shift) & ((1 << width) - 1)) as usize))
    }

    /// The next group of eight codes, or what there is of it.
    fn refill(&mut self, width: usize) -> io::Result<()> {
        (self.filled, self.bit) = (0, 0);
        while self.filled < width {
            match self.inner.read(&mut self.group[self.filled..width]) {
                Ok(0) => break,
                Ok(read) => self.filled += read,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(())
    }

    /// Codes of another width begin with a new group.
    fn resize(&mut self, width: u32) {
        self.width = width;
        (self.filled, self.bit) = (0, 0);
    }

    /// Decodes one code onto the stack. `false` at the end.
    fn step(&mut self) -> io::Result<bool> {
        if self.free == 1 << self.width && self.width < self.most {
            self.resize(self.width + 1);
        }
        let Some(code) = self.code()? else { return Ok(false) };
        if self.block && code == CLEAR {
            self.free = CLEAR + 1;
            self.before = None;
            self.resize(9);
            return Ok(true);
        }
        let Some((before, first)) = self.before else {
            let byte = u8::try_from(code).map_err(|_| bad("its first code is none"))?;
            self.stack.push(byte);
            self.before = Some((u16::from(byte), byte));
            return Ok(true);
        };
        let mut at = code;
        if code > self.free || code == self.free && self.free >= self.prefix.len() {
            return Err(bad("a code in it means nothing"));
        }
        if code == self.free {
            // The sequence that this very step gives a code.
            self.stack.push(first);
            at = usize::from(before);
        }
        while at > 255 {
            // A code means an earlier one and a byte, so this ends.
            self.stack.push(self.suffix[at]);
            at = usize::from(self.prefix[at]);
        }
        let first = u8::try_from(at).unwrap_or_default();
        self.stack.push(first);
        if self.free < self.prefix.len() {
            self.prefix[self.free] = before;
            self.suffix[self.free] = first;
            self.free += 1;
        }
        self.before = Some((u16::try_from(code).unwrap_or_default(), first));
        Ok(true)
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < into.len() {
            match self.stack.pop() {
                Some(byte) => {
                    into[done] = byte;
                    done += 1;
                }
                // What is decoded already is handed out before an error is.
                None if done > 0 => break,
                None => {
                    if !self.step()? {
                        break;
                    }
                }
            }
        }
        Ok(done)
    }
}

fn bad(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Compresses as `compress -b BITS` does, but empties the table only when `clear` codes are used up.
    pub(crate) fn compress(bytes: &[u8], most: u32, clear: Option<usize>) -> Vec<u8> {
        let mut out = vec![0x1f, 0x9d, 0x80 | u8::try_from(most).unwrap()];
        let (mut table, mut free, mut width) = (HashMap::new(), CLEAR + 1, 9);
        let (mut group, mut codes): (u128, u32) = (0, 0);
        let flush =
            |out: &mut Vec<u8>, group: &mut u128, codes: &mut u32, width: u32, whole: bool| {
                if *codes > 0 {
                    let bytes = if whole { width } else { (*codes * width).div_ceil(8) } as usize;
                    out.extend_from_slice(&group.to_le_bytes()[..bytes]);
                }
                (*group, *codes) = (0, 0);
            };
        let mut now: Option<usize> = None;
        // `None` at the end ends the last sequence.
        for byte in bytes.iter().copied().map(Some).chain([None]) {
            let Some(code) = now else {
                now = byte.map(usize::from);
                continue;
            };
            if let Some(byte) = byte
                && let Some(known) = table.get(&(code, byte))
            {
                now = Some(*known);
                continue;
            }
            group |= (code as u128) << (codes * width);
            codes += 1;
            if codes == 8 {
                flush(&mut out, &mut group, &mut codes, width, true);
            }
            let Some(byte) = byte else { break };
            // The decoder is one code behind: it widens before the code after the one that fills its table.
            if free < 1 << most {
                table.insert((code, byte), free);
                free += 1;
                if free > 1 << width && width < most {
                    flush(&mut out, &mut group, &mut codes, width, true);
                    width += 1;
                }
            }
            if clear.is_some_and(|clear| table.len() >= clear) {
                group |= (CLEAR as u128) << (codes * width);
                codes += 1;
                flush(&mut out, &mut group, &mut codes, width, true);
                table.clear();
                (free, width) = (CLEAR + 1, 9);
            }
            now = Some(usize::from(byte));
        }
        flush(&mut out, &mut group, &mut codes, width, false);
        out
    }

    fn expand(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Decoder::new(bytes)?.take(1 << 20).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn a_file_that_compress_wrote_is_read() {
        // What gzip, which reads the format too, makes the same of.
        let file = [0x1f, 0x9d, 0x90, 0x61, 0xc4, 0x04, 0x1c, 0x28, 0xb0, 0x20, 0x41, 0x05];
        assert_eq!(String::from_utf8_lossy(&expand(&file).unwrap()), "abababababababab\n");
    }

    proptest! {
        #[test]
        fn what_was_compressed_is_found_again(
            bytes in proptest::collection::vec(0_u8..6, 0..6000),
            most in 10_u32..=16,
            clear in proptest::option::of(1_usize..2000),
        ) {
            let file = compress(&bytes, most, clear);
            prop_assert_eq!(expand(&file).unwrap(), bytes);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..3000), most in 0_u8..=255) {
            let mut file = vec![0x1f, 0x9d, most];
            file.extend(&bytes);
            drop(expand(&file).map(|read| read.len()));
            drop(expand(&bytes).map(|read| read.len()));
        }
    }
}
