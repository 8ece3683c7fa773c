//! Members of a tar archive, one after the other. Source: POSIX `ustar` and the older form, in the fields that both have.

use std::io::{self, Read};

use super::{Error, form};

/// A member.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    /// Its content where it is a file that is not longer than was asked for.
    pub(super) content: Option<Vec<u8>>,
}

/// Calls `each` for the members of `archive`, with the content of those that have at most `longest` bytes.
///
/// # Errors
/// [`Error`] when it is no archive or ends within a member.
pub(super) fn members(
    mut archive: impl Read,
    longest: u64,
    mut each: impl FnMut(Member),
) -> Result<(), Error> {
    let mut block = [0; 512];
    for number in 0..MOST {
        // The end is two empty blocks; some archives just end.
        match fill(&mut archive, &mut block)? {
            512 if block != [0; 512] => {}
            0 | 512 if number > 0 => return Ok(()),
            _ if number == 0 => return form("it holds no tar archive"),
            _ => return form("it ends between two members of its tar archive"),
        }
        if checksum(&block) != octal(&block[148..156]) {
            return form("it holds no tar archive, or a damaged one");
        }
        let Some(size) = octal(&block[124..136]) else {
            return form("a member of its tar archive has no size");
        };
        let name = text(&block[..100]);
        let is_file = matches!(block[156], 0 | b'0');
        let content = if is_file && size <= longest {
            let mut content = Vec::new();
            archive.by_ref().take(size).read_to_end(&mut content)?;
            (content.len() as u64 == size).then_some(content)
        } else {
            let skipped = io::copy(&mut archive.by_ref().take(size), &mut io::sink())?;
            if skipped < size {
                return form(format!("it ends within {name} of its tar archive"));
            }
            None
        };
        if is_file && size <= longest && content.is_none() {
            return form(format!("it ends within {name} of its tar archive"));
        }
        io::copy(&mut archive.by_ref().take((512 - size % 512) % 512), &mut io::sink())?;
        each(Member { name, content });
    }
    form("its tar archive has more members than an interim fix has")
}

/// Fills `block` as far as there is something; how far that is.
fn fill(archive: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match archive.read(&mut block[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// The sum of the bytes of a header, those of the sum itself as blanks.
fn checksum(block: &[u8; 512]) -> Option<u64> {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    Some(sum(&block[..148]) + 8 * u64::from(b' ') + sum(&block[156..]))
}

/// A number in octal digits.
fn octal(field: &[u8]) -> Option<u64> {
    let digits: Vec<u8> = field
        .iter()
        .copied()
        .skip_while(|byte| *byte == b' ')
        .take_while(u8::is_ascii_digit)
        .collect();
    u64::from_str_radix(std::str::from_utf8(&digits).ok()?, 8).ok()
}

/// Text up to the first zero.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    nim_shared::id::printable(&String::from_utf8_lossy(&field[..end]))
}

/// Most members: an interim fix has up to 200 files ("Interim fix file components"), and a few of its own.
const MOST: usize = 10_000;

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An archive of files.
    pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = Vec::new();
        for (name, content) in files {
            let mut block = [0; 512];
            block[..name.len()].copy_from_slice(name.as_bytes());
            block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
            block[156] = b'0';
            let sum = checksum(&block).unwrap();
            block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            archive.extend(block);
            archive.extend(*content);
            archive.resize(archive.len().next_multiple_of(512), 0);
        }
        archive.extend([0; 1024]);
        archive
    }

    fn read(bytes: &[u8], longest: u64) -> Result<Vec<Member>, Error> {
        let mut all = Vec::new();
        members(bytes, longest, |member| all.push(member))?;
        Ok(all)
    }

    #[test]
    fn small_members_come_with_their_content_and_others_without() {
        let bytes = archive(&[("./a", b"one"), ("b", &[7; 600]), ("c", b"")]);
        let all = read(&bytes, 100).unwrap();
        let rows: Vec<_> =
            all.iter().map(|one| (one.name.as_str(), one.content.as_deref())).collect();
        assert_eq!(rows, [("./a", Some(&b"one"[..])), ("b", None), ("c", Some(&b""[..]))]);
        let cut = |at: usize| read(&bytes[..at], 100).unwrap_err().to_string();
        assert_eq!(cut(1200), "it ends between two members of its tar archive");
        assert_eq!(cut(1700), "it ends within b of its tar archive");
        assert_eq!(cut(514), "it ends within ./a of its tar archive");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            drop(read(&bytes, 100).map(|all| all.len()));
        }
    }
}
