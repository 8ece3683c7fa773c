//! The first 4 KB of a disk, as `lquerypv -h /dev/hdiskN 0 1000` prints them: what has been written there, and by whom.
//!
//! Only a disk on which nothing is but what AIX writes on a new one passes for empty: the mark of its first sector and a physical
//! volume id. What is recognised beyond that is named; what is not is no less a reason to leave the disk alone.
//!
//! | at | what | source |
//! | --- | --- | --- |
//! | 0 | `C9C2D4C1`, the mark of AIX | IBM, "AIX LVM PVID Sources"; dumps of disks |
//! | 80 | physical volume id | the same |
//! | 20 | `ORCLDISK`: Oracle ASM | dumps of ASM disks |
//! | 200 | `EFI PART`: a partition table, as cluster file systems write it too | UEFI specification |
//! | 400 | anything: sector two, where Storage Scale (GPFS) keeps the id of its disk | IBM, "NSD disk discovery" |
//! | E00 | `_LVM`: a volume group | Linux, `block/partitions/aix.c` |

use super::Pvid;
use crate::id::printable;
use crate::preflight::Fact;
use crate::stage::names;

names! {
    /// What is on a disk.
    Content, "content of a disk" {
        /// Nothing.
        Empty = "empty",
        /// A volume group, also one that is varied off, and a copy that was split off.
        VolumeGroup = "volume_group",
        /// A disk of Oracle ASM.
        Asm = "asm",
        /// A disk of Storage Scale (GPFS).
        Gpfs = "gpfs",
        /// A partition table.
        PartitionTable = "partition_table",
        /// Something.
        Something = "something",
    }
}

/// The beginning of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The physical volume id that is written there.
    pub pvid: Option<Pvid>,
    /// What else is.
    pub content: Content,
}

/// How many bytes are looked at.
pub(super) const BYTES: usize = 0x1000;

/// Reads a dump.
///
/// # Errors
/// It is not a dump of all of these bytes: then nothing is known of the disk.
pub fn header(text: &str) -> Fact<Header> {
    let bytes = dump(text)?;
    let id = &bytes[0x80..0x90];
    let pvid = if id[..8].iter().all(|byte| *byte == 0) {
        None
    } else {
        let digits: String = id[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        digits.parse().ok()
    };
    let at = |place: usize, mark: &[u8]| bytes[place..].starts_with(mark);
    let zero = |from: usize, to: usize| bytes[from..to].iter().all(|byte| *byte == 0);
    let content = if at(0x20, b"ORCLDISK") {
        Content::Asm
    } else if at(0xE00, b"_LVM") {
        Content::VolumeGroup
    } else if at(0x200, b"EFI PART") {
        Content::PartitionTable
    } else if !zero(0x400, 0x600) {
        Content::Gpfs
    } else if (zero(0, 4) || at(0, &[0xC9, 0xC2, 0xD4, 0xC1])) && zero(4, 0x80) && zero(0x88, BYTES)
    {
        Content::Empty
    } else {
        Content::Something
    };
    Ok(Header { pvid, content })
}

/// `00000080   00C64C57 FB8F263B 00000000 00000000  |..LW..&;........|`, line by line.
fn dump(text: &str) -> Fact<Vec<u8>> {
    let mut bytes = Vec::with_capacity(BYTES);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let bad = || {
            let shown: String = line.chars().take(80).collect();
            format!("lquerypv -h cannot be read: \"{}\"", printable(&shown))
        };
        let digits = line.split_once('|').map_or(line, |(digits, _)| digits);
        let mut words = digits.split_whitespace();
        let place = words.next().and_then(|word| usize::from_str_radix(word, 16).ok());
        if place != Some(bytes.len()) {
            return Err(bad());
        }
        let before = bytes.len();
        for word in words {
            let value = u32::from_str_radix(word, 16).ok().filter(|_| word.len() == 8);
            bytes.extend(value.ok_or_else(bad)?.to_be_bytes());
        }
        if bytes.len() != before + 16 {
            return Err(bad());
        }
    }
    if bytes.len() < BYTES {
        return Err(format!("lquerypv -h showed {} of {BYTES} bytes", bytes.len()));
    }
    bytes.truncate(BYTES);
    Ok(bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    /// A dump as AIX prints it.
    pub(in crate::disks) fn dumped(marks: &[(usize, &[u8])]) -> String {
        let mut bytes = vec![0_u8; BYTES];
        for (place, mark) in marks {
            bytes[*place..*place + mark.len()].copy_from_slice(mark);
        }
        let mut text = String::new();
        for (line, row) in bytes.chunks(16).enumerate() {
            write!(text, "{:08X}  ", line * 16).unwrap();
            for word in row.chunks(4) {
                write!(text, " {:02X}{:02X}{:02X}{:02X}", word[0], word[1], word[2], word[3])
                    .unwrap();
            }
            text.push_str("  |................|\n");
        }
        text
    }

    const MARK: (usize, &[u8]) = (0, &[0xC9, 0xC2, 0xD4, 0xC1]);
    const PVID: (usize, &[u8]) = (0x80, &[0x00, 0xC6, 0x4C, 0x57, 0xFB, 0x8F, 0x26, 0x3B]);

    #[test]
    fn only_what_aix_writes_on_a_new_disk_passes_for_empty() {
        let content = |marks: &[(usize, &[u8])]| header(&dumped(marks)).unwrap().content;
        assert_eq!(content(&[]), Content::Empty);
        assert_eq!(content(&[MARK, PVID]), Content::Empty);
        assert_eq!(content(&[MARK, PVID, (0xE00, b"_LVM")]), Content::VolumeGroup);
        assert_eq!(content(&[(0x20, b"ORCLDISK"), (0x400, b"x")]), Content::Asm);
        assert_eq!(content(&[(0x200, b"EFI PART")]), Content::PartitionTable);
        assert_eq!(content(&[MARK, (0x410, b"\x01")]), Content::Gpfs);
        for place in [4, 0x90, 0x1F0, 0x600, 0xFFF] {
            assert_eq!(content(&[MARK, (place, b"\x01")]), Content::Something, "{place:x}");
        }
        assert_eq!(content(&[(0, b"abcd")]), Content::Something);
    }

    #[test]
    fn the_id_on_the_disk_is_read() {
        let found = header(&dumped(&[MARK, PVID])).unwrap();
        assert_eq!(found.pvid, Some("00c64c57fb8f263b".parse().unwrap()));
        assert_eq!(header(&dumped(&[MARK])).unwrap().pvid, None);
    }

    #[test]
    fn half_a_dump_says_nothing() {
        let whole = dumped(&[MARK]);
        assert!(header(&whole[..whole.len() / 2]).is_err());
        assert!(header("").is_err());
        assert!(header("lquerypv: 0516-024 unable to open physical volume\n").is_err());
        let gap = whole.replacen("00000010", "00000020", 1);
        assert!(header(&gap).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            drop(header(&text));
        }
    }
}
