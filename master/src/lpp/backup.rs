//! Images in AIX's backup format, of which only the member `lpp_name` is read.
//!
//! A file begins with a volume header; then comes for each member a header, its name, its access list and its content. Lengths
//! are in words of eight bytes, numbers begin with their lowest byte. Checksums are not verified: nobody has published how they
//! are made.

use std::io::{Read, Seek, SeekFrom};

use super::{Error, form, pack};

/// The first bytes of an image: length and type of the volume header, and the magic number.
pub const BEGINNING: [u8; 4] = [9, VOLUME, 0x6b, 0xea];

const VOLUME: u8 = 0;
const END: u8 = 7;
/// A header with a name, which a volume "by name" has for each member.
const NAMED: u8 = 11;

const PLAIN: [u8; 2] = [0x6b, 0xea];
const PACKED: [u8; 2] = [0x6c, 0xea];

/// The text of the member `lpp_name`.
///
/// # Errors
/// [`Error`] when there is none among the first members, or something before it cannot be read.
pub fn lpp_name(mut image: impl Read + Seek) -> Result<String, Error> {
    let mut begin = [0; 4];
    exact(&mut image, &mut begin)?;
    if begin != BEGINNING {
        return form("it is no image in backup format");
    }
    skip(&mut image, u64::from(begin[0]) * 8 - 4)?;
    for _ in 0..MEMBERS {
        let Some(member) = member(&mut image)? else {
            return form("it holds no lpp_name");
        };
        if matches!(&*member.name, "./lpp_name" | "lpp_name") {
            return content(&mut image, &member);
        }
        skip(&mut image, member.stored.next_multiple_of(8))?;
    }
    form(format!("there is no lpp_name among its first {MEMBERS} members"))
}

struct Member {
    name: String,
    /// Size of the content, unpacked.
    size: u64,
    /// How long the content is in the file.
    stored: u64,
    packed: bool,
}

/// The next member, up to its content. `None` after the last.
fn member(image: &mut (impl Read + Seek)) -> Result<Option<Member>, Error> {
    let mut header = [0; 64];
    exact(image, &mut header[..4])?;
    let (words, kind) = (header[0], header[1]);
    let packed = header[2..4] == PACKED;
    if !packed && header[2..4] != PLAIN {
        // A magic number more is seen in the wild, for files above 2 GiB it seems; a damaged file has any.
        return match header[2..4] {
            [0x6d, 0xea] => Err(Error::Unknown(
                "a member before its lpp_name has a header that this version cannot read"
                    .to_owned(),
            )),
            _ => form("it is damaged: where a member should begin there is none"),
        };
    }
    if kind == END {
        return Ok(None);
    }
    if kind != NAMED || words <= 8 {
        return Err(Error::Unknown(format!("a member before its lpp_name is of type {kind}")));
    }
    exact(image, &mut header[4..])?;
    let number = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let (mode, size, stored) = (number(12), u64::from(number(24)), u64::from(number(56)));
    let mut name = vec![0; usize::from(words) * 8 - header.len()];
    exact(image, &mut name)?;
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    let name = String::from_utf8_lossy(&name[..end]).into_owned();
    // A symbolic link has no access list.
    if mode & 0o170_000 != 0o120_000 {
        let mut lists = [0; 8];
        exact(image, &mut lists)?;
        let words = |at: usize| {
            u64::from(u32::from_le_bytes([lists[at], lists[at + 1], lists[at + 2], lists[at + 3]]))
        };
        skip(image, (words(0) + words(4)) * 8)?;
    }
    let stored = if packed { stored } else { size };
    Ok(Some(Member { name, size, stored, packed }))
}

/// The content of `member`, as text.
fn content(image: &mut impl Read, member: &Member) -> Result<String, Error> {
    if member.size.max(member.stored) > LONGEST {
        return form(format!("its lpp_name is larger than {LONGEST} bytes"));
    }
    let mut bytes = Vec::new();
    image.take(member.stored).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != member.stored {
        return cut();
    }
    if member.packed {
        let size = usize::try_from(member.size).unwrap_or(usize::MAX);
        bytes = pack::unpack(&bytes, size)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn exact(image: &mut impl Read, into: &mut [u8]) -> Result<(), Error> {
    match image.read_exact(into) {
        Ok(()) => Ok(()),
        Err(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => cut(),
        Err(cause) => Err(cause.into()),
    }
}

fn cut<T>() -> Result<T, Error> {
    form("it is cut off")
}

/// Moves on, perhaps beyond the end: the next read tells.
fn skip(image: &mut impl Seek, bytes: u64) -> Result<(), Error> {
    let Ok(bytes) = i64::try_from(bytes) else { return cut() };
    image.seek(SeekFrom::Current(bytes))?;
    Ok(())
}

/// How far `lpp_name` may be from the beginning. In an installation image it comes first.
const MEMBERS: usize = 64;

/// Longest `lpp_name`, in bytes: that of a technology level's largest package lists thousands of fixes.
const LONGEST: u64 = 16 << 20;

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    /// An image with these files; the names of packed ones begin with `packed:`.
    pub(crate) fn image(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut image = BEGINNING.to_vec();
        image.resize(20, 0);
        image.extend(b"by name\0");
        image.resize(72, 0);
        for (name, content) in files {
            let (packed, name) = match name.strip_prefix("packed:") {
                Some(name) => (true, name),
                None => (false, *name),
            };
            let stored = if packed { pack::tests::pack(content) } else { content.to_vec() };
            let words = 8 + (name.len() + 1).div_ceil(8);
            let begin = image.len();
            image.extend([u8::try_from(words).unwrap(), NAMED]);
            image.extend(if packed { PACKED } else { PLAIN });
            image.resize(begin + 12, 0);
            image.extend(0o100_644_u32.to_le_bytes());
            image.resize(begin + 24, 0);
            image.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
            image.resize(begin + 56, 0);
            image.extend(u32::try_from(stored.len()).unwrap().to_le_bytes());
            image.resize(begin + 64, 0);
            image.extend(name.as_bytes());
            image.resize(begin + words * 8, 0);
            image.extend([2, 0, 0, 0, 2, 0, 0, 0]);
            image.extend([0; 32]);
            image.extend(&stored);
            image.resize(image.len().next_multiple_of(8), 0);
        }
        image.extend([1, END]);
        image.extend(PLAIN);
        image.extend([0; 4]);
        image.resize(image.len().next_multiple_of(512), 0);
        image
    }

    fn read(bytes: &[u8]) -> Result<String, Error> {
        lpp_name(Cursor::new(bytes))
    }

    #[test]
    fn lpp_name_is_found_plain_and_packed() {
        for name in ["./lpp_name", "packed:./lpp_name", "lpp_name"] {
            let bytes = image(&[(name, b"4 R S bos.rte {\n}\n"), ("./usr/lpp/bos/liblpp.a", b"x")]);
            assert_eq!(read(&bytes).unwrap(), "4 R S bos.rte {\n}\n", "{name}");
        }
        let second = image(&[("./a", b"abc"), ("packed:./b", b"abc"), ("./lpp_name", b"here")]);
        assert_eq!(read(&second).unwrap(), "here");
    }

    /// Header and first members of a backup that AIX wrote (`resources/test/test.bff` of bffextract).
    #[test]
    fn members_lie_as_aix_lays_them() {
        let mut header = [0; 0x50];
        header[..4].copy_from_slice(&[0x0a, 0x0b, 0x6b, 0xea]);
        header[12..16].copy_from_slice(&[0xa4, 0x81, 0, 0]);
        header[24] = 3;
        header[56] = 3;
        header[64..79].copy_from_slice(b"backup/file.txt");
        let mut bytes = header.to_vec();
        bytes.extend([2, 0, 0, 0, 2, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([
            0, 0xf1, 6, 0, 4, 0, 4, 0, 0x10, 0, 0, 0, 0xa4, 0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]);
        bytes.extend(b"abc\0\0\0\0\0");
        let mut image = Cursor::new(&bytes);
        let found = member(&mut image).unwrap().unwrap();
        assert_eq!((&*found.name, found.size, found.packed), ("backup/file.txt", 3, false));
        assert_eq!(content(&mut image, &found).unwrap(), "abc");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let good = image(&[("./lpp_name", &[b'x'; 100])]);
        let text = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert_eq!(text(b"07070100"), "it is no image in backup format");
        assert_eq!(text(&good[..2]), "it is cut off");
        assert_eq!(text(&good[..200]), "it is cut off");
        assert_eq!(text(&image(&[("./a", b"")])), "it holds no lpp_name");
        let mut damaged = good.clone();
        damaged[74] = 0;
        assert_eq!(text(&damaged), "it is damaged: where a member should begin there is none");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0_usize..400, byte: u8) {
            let mut good = image(&[("./a", b"abc"), ("packed:./lpp_name", b"some text")]);
            good[at] = byte;
            drop(read(&good).map(|text| text.len()));
            let mut begun = BEGINNING.to_vec();
            begun.resize(72, 0);
            begun.extend(&bytes);
            drop(read(&begun).map(|text| text.len()));
        }
    }
}
