//! `lpp_name`, which every image holds, and `.toc`, which holds those of all images of a folder, each with the name of its file
//! before it. Source: "Packaging software for installation" and `gen_toc_entry` of IBM's documentation.
//!
//! ```text
//! bos.rte.7.3.3.1.U 4 R S bos.rte {
//! bos.rte.libc 07.03.0003.0001 1 b U en_US libc Library
//! [
//! *prereq bos.rte 7.3.3.0
//! %
//! /usr/lib 8
//! %
//! %
//! %
//! IJ52421 1 system crash in …
//! ]
//! }
//! ```

use nim_shared::level::{FilesetLevel, Level};
use nim_shared::lpp::{ImageKind, is_keyword};

use super::{Error, form};

/// What one image holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// What it does.
    pub kind: ImageKind,
    /// Its filesets.
    pub filesets: Vec<PackageFileset>,
    /// The service packs that its fixes name; each as `oslevel -s` prints it. (The form of the keyword is inferred; one of
    /// another form is no level.)
    pub levels: Vec<Level>,
}

/// A fileset of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageFileset {
    /// Its name.
    pub name: String,
    /// Its level.
    pub level: FilesetLevel,
    /// What it is.
    pub description: String,
    /// What it requires, without the star.
    pub requisites: Vec<String>,
    /// Keywords of the fixes that are in it.
    pub fixes: Vec<String>,
}

/// One entry of a `.toc`.
#[derive(Debug)]
pub struct Entry {
    /// The file, from the folder of the `.toc` on.
    pub file: String,
    /// What it holds, or why that cannot be read.
    pub package: Result<Package, Error>,
}

/// The entries of a `.toc`.
///
/// # Errors
/// [`Error`] when an entry does not end.
pub fn entries(text: &str) -> Result<Vec<Entry>, Error> {
    let blocks = blocks(text)?;
    Ok(blocks
        .iter()
        .map(|block| {
            let (file, header) = block.header();
            let lines = std::iter::once(header).chain(block.lines[1..].iter().copied());
            Entry { file: file.to_owned(), package: package(lines) }
        })
        .collect())
}

/// `text` without the entries of `removed`, with entries for `added`: files and the text of their `lpp_name`.
///
/// # Errors
/// [`Error`] when an entry does not end.
pub fn edited(text: &str, removed: &[&str], added: &[(&str, &str)]) -> Result<String, Error> {
    let mut new = String::new();
    let mut lines = text.lines();
    if let Some(first) = lines.next().filter(|first| !is_header(first)) {
        new += first;
        new.push('\n');
    }
    for block in blocks(text)? {
        let file = block.header().0;
        if !removed.contains(&file) && !added.iter().any(|(other, _)| *other == file) {
            block.lines.iter().for_each(|line| {
                new += line;
                new.push('\n');
            });
        }
    }
    for (file, lpp_name) in added {
        new += &format!("{file} {}\n", lpp_name.trim());
    }
    Ok(new)
}

/// The content of an `lpp_name`.
///
/// # Errors
/// [`Error`] with the line that cannot be read.
pub fn lpp_name(text: &str) -> Result<Package, Error> {
    package(text.lines().filter(|line| !line.trim().is_empty()))
}

/// The lines of one entry.
struct Block<'a> {
    lines: Vec<&'a str>,
}

impl<'a> Block<'a> {
    /// The file, and the rest of the first line.
    fn header(&self) -> (&'a str, &'a str) {
        let first = self.lines[0].trim();
        first.split_once(char::is_whitespace).unwrap_or((first, ""))
    }
}

/// Whether an entry begins with `line`.
fn is_header(line: &str) -> bool {
    line.trim_end().ends_with('{')
}

/// The entries, line by line. What stands outside of them, such as the first line with the date, is left out.
fn blocks(text: &str) -> Result<Vec<Block<'_>>, Error> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let (mut open, mut inside) = (false, false);
    for line in text.lines() {
        match (open, line.trim()) {
            (_, "") => continue,
            (false, _) if is_header(line) => {
                blocks.push(Block { lines: Vec::new() });
                open = true;
            }
            (false, _) => continue,
            (true, "[") => inside = true,
            (true, "]") => inside = false,
            // Requisites in groups have braces too.
            (true, "}") => open = inside,
            (true, _) => {}
        }
        if let Some(block) = blocks.last_mut() {
            block.lines.push(line);
        }
    }
    match blocks.last() {
        Some(last) if open => form(format!("it ends within the entry of {}", last.header().0)),
        _ => Ok(blocks),
    }
}

/// Reads a package from the lines of its `lpp_name`.
fn package<'a>(mut lines: impl Iterator<Item = &'a str>) -> Result<Package, Error> {
    let header = lines.next().unwrap_or_default();
    let words: Vec<_> = header.split_whitespace().collect();
    let (kind, name) = match words[..] {
        ["4", _, kind, name, "{"] => (kind, name),
        [other, _, _, _, "{"] if other != "4" => {
            return Err(Error::Unknown(format!(
                "its lpp_name has format {other}, and 4 is what this version reads"
            )));
        }
        _ => return form(format!("its lpp_name begins with \"{}\"", short(header))),
    };
    // I installs; the others (S, SR, SF, ML, …) update.
    let kind = if kind == "I" { ImageKind::Install } else { ImageKind::Update };
    let mut package =
        Package { name: name.to_owned(), kind, filesets: Vec::new(), levels: Vec::new() };
    loop {
        let Some(line) = lines.next() else { return form("its lpp_name ends too early") };
        match line.trim() {
            "}" => break,
            "[" => {
                let Some(fileset) = package.filesets.last_mut() else {
                    return form("its lpp_name has no fileset before \"[\"");
                };
                sections(&mut lines, fileset, &mut package.levels)?;
            }
            row => package.filesets.push(fileset(row)?),
        }
    }
    if package.filesets.is_empty() {
        return form("its lpp_name has no fileset");
    }
    Ok(package)
}

/// `NAME LEVEL VOLUME BOSBOOT CONTENT LANGUAGE DESCRIPTION…`
fn fileset(row: &str) -> Result<PackageFileset, Error> {
    let mut words = row.split_whitespace();
    let (Some(name), Some(level)) = (words.next(), words.next()) else {
        return form(format!("its lpp_name has \"{}\" where a fileset should be", short(row)));
    };
    let Ok(level) = level.parse() else {
        return form(format!("its lpp_name gives {} the level \"{}\"", short(name), short(level)));
    };
    let description = words.skip(4).collect::<Vec<_>>().join(" ");
    Ok(PackageFileset {
        name: nim_shared::id::printable(name),
        level,
        description: nim_shared::id::printable(&description),
        requisites: Vec::new(),
        fixes: Vec::new(),
    })
}

/// What stands between `[` and `]`: requisites, sizes and more, each part ended by `%`.
fn sections<'a>(
    lines: &mut impl Iterator<Item = &'a str>,
    fileset: &mut PackageFileset,
    levels: &mut Vec<Level>,
) -> Result<(), Error> {
    let mut part = 0;
    for line in lines {
        match line.trim() {
            "]" => return Ok(()),
            "%" => part += 1,
            // `>1 {` and `}` group what one of is enough; what the group holds is kept.
            row if part == 0 && (row.starts_with('>') || row == "}") => {}
            row if part == 0 && fileset.requisites.len() < MOST => {
                let row = row.trim_start_matches('*');
                fileset.requisites.push(nim_shared::id::printable(row));
            }
            row if part >= 2 => {
                let word = row.split_whitespace().next().unwrap_or_default();
                let level = word.strip_suffix("_SP").unwrap_or(word);
                if levels.len() < MOST {
                    levels.extend(level.parse::<Level>().ok());
                }
                // What is superseded is named there too: filesets, with dots.
                if fileset.fixes.len() < MOST && is_keyword(word) && !word.contains('.') {
                    fileset.fixes.push(word.to_owned());
                }
            }
            _ => {}
        }
    }
    form("its lpp_name ends within \"[\"")
}

/// The beginning of something that may be long and strange.
fn short(text: &str) -> String {
    nim_shared::id::printable(&text.chars().take(60).collect::<String>())
}

/// Most requisites and fixes of one fileset, and most levels of one image, that are kept.
const MOST: usize = 4000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An installation image as described in public, and an update with groups of requisites and fixes.
    const TOC: &str = "0 110520151606 2
bos.dosutil 4 R I bos.dosutil {
bos.dosutil 04.01.0003.0000 1 N U En_US DOS Utilities
[
%
/usr/bin 144
INSTWORK 56 16
%
bosext2.dosutil.obj 4.1.0.0
%
%
]
}
bos.rte.7.3.3.1.U 4 R S bos.rte {
bos.rte.libc 07.03.0003.0001 1 b U en_US libc Library
[
*ifreq bos.mp64 (7.3.3.0) 7.3.3.1
>1 {
*prereq a.b 1.0.0.0
*prereq c.d 1.0.0.0
}
%
/usr/lib 8
%
%
%
IJ52421 1 system crash
7300-03-01-2520_SP 1 Service pack
]
bos.rte.security 7.3.3.1 1 N U en_US
[
%
%
%
%
]
}
";

    #[test]
    fn entries_are_read() {
        let all = entries(TOC).unwrap();
        assert_eq!(
            all.iter().map(|one| &*one.file).collect::<Vec<_>>(),
            ["bos.dosutil", "bos.rte.7.3.3.1.U"]
        );
        let dos = all[0].package.as_ref().unwrap();
        assert_eq!((&*dos.name, dos.kind), ("bos.dosutil", ImageKind::Install));
        assert_eq!(dos.filesets[0].description, "DOS Utilities");
        assert_eq!(dos.filesets[0].level, "4.1.3.0".parse().unwrap());
        let rte = all[1].package.as_ref().unwrap();
        assert_eq!(rte.kind, ImageKind::Update);
        let names: Vec<_> = rte.filesets.iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["bos.rte.libc", "bos.rte.security"]);
        assert_eq!(
            rte.filesets[0].requisites,
            ["ifreq bos.mp64 (7.3.3.0) 7.3.3.1", "prereq a.b 1.0.0.0", "prereq c.d 1.0.0.0"]
        );
        assert_eq!(rte.levels, ["7300-03-01-2520".parse().unwrap()]);
    }

    #[test]
    fn an_entry_goes_and_another_comes_and_the_rest_stays() {
        let new = "4 R S x.y {\nx.y 1.0.0.1 1 N U en_US Why\n[\n%\n]\n}\n";
        let text = edited(TOC, &["bos.dosutil"], &[("x.y.U", new)]).unwrap();
        assert!(
            text.starts_with("0 110520151606 2\nbos.rte.7.3.3.1.U 4 R S bos.rte {\n"),
            "{text}"
        );
        assert!(text.ends_with("x.y.U 4 R S x.y {\nx.y 1.0.0.1 1 N U en_US Why\n[\n%\n]\n}\n"));
        assert_eq!(edited(TOC, &[], &[]).unwrap(), TOC);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let text = |lpp_name_text: &str| lpp_name(lpp_name_text).unwrap_err().to_string();
        assert_eq!(
            text("3 R I x {\n}\n"),
            "its lpp_name has format 3, and 4 is what this version reads"
        );
        assert_eq!(text("hello"), "its lpp_name begins with \"hello\"");
        assert_eq!(text("4 R I x {\nx one\n}\n"), "its lpp_name gives x the level \"one\"");
        assert_eq!(text("4 R I x {\nx 1.0.0.0 1\n[\n%\n"), "its lpp_name ends within \"[\"");
        assert_eq!(text("4 R I x {\n}\n"), "its lpp_name has no fileset");
        let cut = &TOC[..TOC.len() - 3];
        assert_eq!(
            entries(cut).unwrap_err().to_string(),
            "it ends within the entry of bos.rte.7.3.3.1.U"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(lines in proptest::collection::vec(
            prop_oneof!["[a-z]{1,4} 4 R S x \\{", "x 1.0.0.1 1 N U en_US X", "\\[", "\\]", "%", "\\}", "\\PC{0,20}"], 0..40)
        ) {
            let text = lines.join("\n");
            drop(entries(&text).map(|all| all.len()));
            drop(lpp_name(&text).map(|one| one.filesets.len()));
            drop(edited(&text, &["a"], &[("b", &text)]).map(|text| text.len()));
        }
    }
}
