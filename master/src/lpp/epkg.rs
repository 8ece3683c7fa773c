//! Interim fixes: a tar archive that was compressed (`epkg` command of IBM's documentation), with a control file in it.
//!
//! Neither the names of the archive's members nor whether emgr adds to the control file is published. So it is known by
//! what it says: `ABSTRACT=` and `EFIX_FILES=` ("epkg Command", the example of a control file). A file of prerequisites is
//! known by its lines, which end in `PREREQ`, `XREQ` or the like.

use std::io::Read;

use nim_shared::lpp::{Ifix, base};

use super::{Error, form, lzw, tar};

/// Reads the package in `file`, whose path from the folder on is `path`.
///
/// # Errors
/// [`Error`] when it is no such package, or its control file is not found.
pub fn read(file: impl Read, path: &str) -> Result<Ifix, Error> {
    let whole = lzw::Decoder::new(file)?.take(MOST);
    let mut control = None;
    let mut requisites = Vec::new();
    tar::members(whole, LONGEST, |member| {
        let Some(text) = member.content.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return;
        };
        if control.is_none() && is_control(&text) {
            control = Some(text);
        } else if let Some(found) = prerequisites(&text) {
            requisites.extend(found);
            requisites.truncate(KEPT);
        }
    })?;
    let Some(control) = control else { return form("no control file is in it") };
    let value = |key: &str| value(&control, key).filter(|value| !value.is_empty() && *value != ".");
    let answer = |key: &str| value(key).and_then(yes);
    // Where the control file does not have it, the label is the first part of the name that epkg gives the file.
    let named = base(path).split('.').next().unwrap_or_default();
    let label = value("LABEL").unwrap_or(named);
    Ok(Ifix {
        label: nim_shared::id::printable(label),
        description: nim_shared::id::printable(value("ABSTRACT").unwrap_or_default()),
        live_update: answer("LKU_CAPABLE"),
        reboot: answer("REBOOT"),
        requisites,
        file: path.to_owned(),
    })
}

fn is_control(text: &str) -> bool {
    value(text, "ABSTRACT").is_some() && value(text, "EFIX_FILES").is_some()
}

/// The value of `key`; those of single files, which are indented, count no less.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once('=')?;
        (found.trim() == key).then(|| value.trim())
    })
}

/// Yes or no; `None` for any other word.
fn yes(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "yes" | "y" => Some(true),
        "no" | "n" => Some(false),
        _ => None,
    }
}

/// The lines of a file of prerequisites; `None` where `text` is none.
fn prerequisites(text: &str) -> Option<Vec<String>> {
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let fits = |line: &&str| {
        let words = line.split_whitespace();
        words.clone().count() >= 2 && words.skip(1).any(|word| KINDS.contains(&word))
    };
    (!lines.is_empty() && lines.iter().all(fits))
        .then(|| lines.into_iter().map(nim_shared::id::printable).collect())
}

/// Kinds of requisites ("Interim fix user-specified package components").
const KINDS: [&str; 4] = ["PREREQ", "XREQ", "COREQ", "IFREQ"];

/// Longest member that can be a control file or one of prerequisites.
const LONGEST: u64 = 256 << 10;

/// Most requisites that are kept.
const KEPT: usize = 1000;

/// Most that is read of an archive. An interim fix is a few files.
const MOST: u64 = 1 << 30;

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// After the example of "epkg Command".
    const CONTROL: &str = "# interim fix control file complete example
ABSTRACT=This is a test of epkg.
PRE_INSTALL=/tmp/pre_install
REBOOT=yes
PREREQ=.
EFIX_FILES=1
LKU_CAPABLE=no
EFIX_FILE:
EFIX_FILE_NUM=1
SHIP_FILE=/home/test/ls
TARGET_FILE=/usr/bin/ls
";

    pub(crate) fn package(members: &[(&str, &[u8])]) -> Vec<u8> {
        lzw::tests::compress(&tar::tests::archive(members), 16, None)
    }

    #[test]
    fn a_package_is_read() {
        let requisites = "# fileset minimum maximum kind\nbos.rte.lvm 7.3.0.0 7.3.3.9 PREREQ\n";
        let file = package(&[
            ("payload/ls", &[1; 5000]),
            ("prereq", requisites.as_bytes()),
            ("control", CONTROL.as_bytes()),
        ]);
        let ifix = read(&file[..], "emgr/ppc/IJ52421s2a.241031.epkg.Z").unwrap();
        assert_eq!((&*ifix.label, &*ifix.description), ("IJ52421s2a", "This is a test of epkg."));
        assert_eq!((ifix.live_update, ifix.reboot), (Some(false), Some(true)));
        assert_eq!(ifix.requisites, ["bos.rte.lvm 7.3.0.0 7.3.3.9 PREREQ"]);
    }

    #[test]
    fn what_the_control_file_does_not_say_is_not_known() {
        let control = "LABEL=other\nABSTRACT=x\nEFIX_FILES=1\nREBOOT=o\n";
        let file = package(&[("x", control.as_bytes())]);
        let ifix = read(&file[..], "name.epkg.Z").unwrap();
        assert_eq!((&*ifix.label, ifix.live_update, ifix.reboot), ("other", None, None));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let text = |bytes: &[u8]| read(bytes, "x.epkg.Z").unwrap_err().to_string();
        assert_eq!(text(b"{}{}"), "it cannot be read: it was not made by compress");
        assert_eq!(text(&lzw::tests::compress(b"hello", 16, None)), "it holds no tar archive");
        assert_eq!(text(&package(&[("a", b"text")])), "no control file is in it");
        let good = package(&[("a", CONTROL.as_bytes())]);
        assert!(
            text(&good[..good.len() / 2]).starts_with("it ends within a"),
            "{}",
            text(&good[..good.len() / 2])
        );
    }

    proptest! {
        #[test]
        fn a_damaged_package_is_read_or_refused(at in 3_usize..300, byte: u8) {
            let mut file = package(&[("a", CONTROL.as_bytes()), ("b", b"bos.rte 1 PREREQ")]);
            let at = at % file.len();
            file[at] = byte;
            drop(read(&file[..], "x.epkg.Z").map(|ifix| ifix.label));
        }
    }
}
