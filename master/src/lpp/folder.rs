//! What a folder of packages holds, from its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nim_shared::level::{FilesetLevel, Level};
use nim_shared::lpp::{BadFile, Content, Fileset, Leads, SourceFile, base};

use super::{Error, backup, epkg, toc};

/// Reads the headers of `files`, which lie in `folder`. Ends early, with `None`, once `stop` is set.
///
/// Where a `.toc` has an entry for an image, that counts, as it does for installp; the header is still looked at, and a
/// difference is a fault.
#[must_use]
pub fn read(folder: &Path, files: Vec<SourceFile>, stop: &AtomicBool) -> Option<Content> {
    let mut reader = Reader::new(folder);
    reader.tables(&files);
    for file in &files {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        if let Err(error) = reader.file(&file.path) {
            reader.fault(&file.path, &error.to_string());
        }
    }
    Some(reader.finish(files))
}

/// The folder of a path, with the slash at its end; empty for the folder itself.
fn folder_of(path: &str) -> &str {
    &path[..path.len() - base(path).len()]
}

struct Reader<'a> {
    folder: &'a Path,
    /// Images by their paths, as the `.toc` beside them has them.
    listed: BTreeMap<String, Result<toc::Package, Error>>,
    /// Folders with a `.toc` that could be read.
    tables: BTreeSet<String>,
    content: Content,
    levels: Vec<(Level, String)>,
}

impl<'a> Reader<'a> {
    fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            listed: BTreeMap::new(),
            tables: BTreeSet::new(),
            content: Content::default(),
            levels: Vec::new(),
        }
    }

    fn fault(&mut self, path: &str, reason: &str) {
        let reason = nim_shared::id::printable(reason);
        self.content.faults.push(BadFile { path: path.to_owned(), reason });
    }

    /// Reads every `.toc`.
    fn tables(&mut self, files: &[SourceFile]) {
        let there: BTreeSet<&str> = files.iter().map(|file| &*file.path).collect();
        for file in files.iter().filter(|file| base(&file.path) == TABLE) {
            let entries = text(&self.folder.join(&file.path)).and_then(|text| toc::entries(&text));
            let entries = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    self.fault(&file.path, &error.to_string());
                    continue;
                }
            };
            self.tables.insert(folder_of(&file.path).to_owned());
            for entry in entries {
                let name = entry.file.trim_start_matches("./");
                let path = format!("{}{name}", folder_of(&file.path));
                if !there.contains(&*path) {
                    self.fault(&file.path, &format!("it lists {}, which is not there", entry.file));
                } else if self.listed.insert(path, entry.package).is_some() {
                    self.fault(&file.path, &format!("it lists {} twice", entry.file));
                }
            }
        }
    }

    /// Reads one file by what it is.
    fn file(&mut self, path: &str) -> Result<(), Error> {
        // What a change of packages that was broken off left; the next one writes it anew.
        if base(path).starts_with('.') && path.ends_with(".nimd") {
            return Ok(());
        }
        let mut file = File::open(self.folder.join(path))?;
        if path.ends_with(".epkg.Z") {
            self.content.ifixes.push(epkg::read(BufReader::new(file), path)?);
            return Ok(());
        }
        let mut beginning = Vec::new();
        (&mut file).take(backup::BEGINNING.len() as u64).read_to_end(&mut beginning)?;
        file.rewind()?;
        let is_image = beginning == backup::BEGINNING;
        let listed = self.listed.remove(path);
        if !is_image && !is_named(path) && !matches!(listed, Some(Ok(_))) {
            // Licences, RPMs, scripts: in the list of files only.
            return Ok(());
        }
        let header = backup::lpp_name(BufReader::new(file)).and_then(|text| toc::lpp_name(&text));
        let package = match (listed, header) {
            (Some(Ok(listed)), Ok(header)) => {
                if rows(&listed) != rows(&header) {
                    let table = format!("{}{TABLE}", folder_of(path));
                    self.fault(
                        path,
                        &format!(
                            "{table} says that it holds {}; it holds {}",
                            say(&listed),
                            say(&header)
                        ),
                    );
                }
                listed
            }
            // Of what this version cannot read the table tells.
            (Some(Ok(listed)), Err(Error::Unknown(_))) => listed,
            (Some(Ok(_)) | None, Err(error)) | (Some(Err(_)), Err(error)) => return Err(error),
            (Some(Err(error)), Ok(header)) => {
                let table = format!("{}{TABLE}", folder_of(path));
                self.fault(&table, &format!("{}: {error}", base(path)));
                header
            }
            (None, Ok(header)) => {
                if self.tables.contains(folder_of(path)) {
                    let table = format!("{}{TABLE}", folder_of(path));
                    self.fault(
                        path,
                        &format!("{table} does not list it, so installp does not see it"),
                    );
                }
                header
            }
        };
        self.package(path, package);
        Ok(())
    }

    fn package(&mut self, path: &str, package: toc::Package) {
        let toc::Package { name, kind, filesets, levels } = package;
        self.levels.extend(levels.into_iter().map(|level| (level, path.to_owned())));
        self.content.filesets.extend(filesets.into_iter().map(|one| Fileset {
            name: one.name,
            level: one.level,
            package: name.clone(),
            kind,
            description: one.description,
            requisites: one.requisites,
            file: path.to_owned(),
        }));
    }

    fn finish(mut self, files: Vec<SourceFile>) -> Content {
        self.content
            .filesets
            .sort_by(|a, b| (&a.name, a.level, &a.file).cmp(&(&b.name, b.level, &b.file)));
        self.content.faults.sort();
        self.content.level = level(&self.levels, &self.content.filesets);
        self.content.files = files;
        self.content
    }
}

/// Whether the name says that it is an image.
fn is_named(path: &str) -> bool {
    path.ends_with(".bff")
}

/// The highest service pack that a fix names; else the technology level of the kernel's fileset.
fn level(levels: &[(Level, String)], filesets: &[Fileset]) -> Option<Leads> {
    if let Some((level, file)) = levels.iter().max_by_key(|(level, _)| level.to_string()) {
        return Some(Leads { to: level.to_string(), by: format!("a fix that {file} names") });
    }
    let kernel = KERNEL.iter().find_map(|name| {
        let levels = filesets.iter().filter(|one| one.name == *name).map(|one| one.level);
        levels.max().map(|level| (*name, level))
    });
    kernel.and_then(|(name, level)| {
        Some(Leads { to: technology_level(level)?, by: format!("{name} {level}") })
    })
}

/// `7300-03` of `7.3.3.1`: version, release and modification are those of the system (inferred, from filesets and levels that
/// were shown together).
fn technology_level(level: FilesetLevel) -> Option<String> {
    let text = level.to_string();
    let mut parts = text.split('.').map(str::parse::<u8>);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(version @ 0..=9)), Some(Ok(release @ 0..=9)), Some(Ok(modification @ 0..=99))) => {
            Some(format!("{version}{release}00-{modification:02}"))
        }
        _ => None,
    }
}

/// Names and levels.
fn rows(package: &toc::Package) -> BTreeSet<(&str, FilesetLevel)> {
    package.filesets.iter().map(|one| (&*one.name, one.level)).collect()
}

/// The first fileset, and how many there are.
fn say(package: &toc::Package) -> String {
    let first = package.filesets.first().map(|one| format!("{} {}", one.name, one.level));
    match package.filesets.len() {
        0 | 1 => first.unwrap_or_default(),
        count => format!("{} and {} more", first.unwrap_or_default(), count - 1),
    }
}

/// A text that is not longer than a table of contents.
pub(super) fn text(path: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return super::form(format!("it is larger than {LONGEST} bytes"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The file with a folder's table of contents.
pub const TABLE: &str = ".toc";

/// Filesets that stand for the system, the first one that is there.
const KERNEL: [&str; 3] = ["bos.mp64", "bos.rte", "bos.rte.install"];

/// Longest `.toc`, in bytes.
const LONGEST: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use nim_shared::id::Digest;

    use super::*;

    fn lpp_name(fileset: &str, level: &str) -> String {
        format!(
            "4 R S {fileset} {{\n{fileset} {level} 1 N U en_US Some text\n[\n*prereq bos.rte 7.3.0.0\n%\n%\n%\n]\n}}\n"
        )
    }

    fn image(fileset: &str, level: &str) -> Vec<u8> {
        backup::tests::image(&[("./lpp_name", lpp_name(fileset, level).as_bytes())])
    }

    /// The content of a folder with these files.
    fn content(files: &[(&str, &[u8])]) -> Content {
        let folder = tempfile::tempdir().unwrap();
        let mut list = Vec::new();
        for (path, bytes) in files {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
            let digest = Digest::of(bytes);
            list.push(SourceFile { path: (*path).to_owned(), bytes: bytes.len() as u64, digest });
        }
        read(folder.path(), list, &AtomicBool::new(false)).unwrap()
    }

    fn faults(content: &Content) -> Vec<String> {
        content.faults.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect()
    }

    #[test]
    fn images_and_interim_fixes_are_found_wherever_they_lie() {
        let fix = epkg::tests::package(&[("c", b"ABSTRACT=x\nEFIX_FILES=1\nLKU_CAPABLE=yes\n")]);
        let all = content(&[
            ("installp/ppc/U_bos.mp64.bff", &image("bos.mp64", "7.3.3.1")),
            ("installp/ppc/bos.rte.7.3.3.1.U", &image("bos.rte.libc", "7.3.3.1")),
            ("emgr/ppc/IJ1.241031.epkg.Z", &fix),
            ("README", b"read me"),
        ]);
        assert_eq!(faults(&all), Vec::<String>::new());
        let names: Vec<_> = all.filesets.iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["bos.mp64", "bos.rte.libc"]);
        assert_eq!((&*all.ifixes[0].label, all.ifixes[0].live_update), ("IJ1", Some(true)));
        assert_eq!(all.files.len(), 4);
        let level = all.level.unwrap();
        assert_eq!((&*level.to, &*level.by), ("7300-03", "bos.mp64 7.3.3.1"));
    }

    #[test]
    fn broken_files_are_named_and_the_others_are_there() {
        let good = image("bos.mp64", "7.3.3.1");
        let all = content(&[
            ("a.bff", &good),
            ("b.bff", b"{}"),
            ("c.bff", &good[..100]),
            ("d.epkg.Z", b"PK"),
        ]);
        assert_eq!(
            faults(&all),
            [
                "b.bff: it is cut off",
                "c.bff: it is cut off",
                "d.epkg.Z: it cannot be read: it ends before its first code",
            ]
        );
        assert_eq!(all.filesets.len(), 1);
    }

    #[test]
    fn a_table_of_contents_that_does_not_fit_is_a_fault() {
        let table = format!(
            "0 110520151606 2\na.U {}gone.U {}other.U {}",
            lpp_name("bos.a", "1.0.0.1"),
            lpp_name("bos.gone", "1.0.0.1"),
            lpp_name("bos.other", "1.0.0.1")
        );
        let all = content(&[
            (".toc", table.as_bytes()),
            ("a.U", &image("bos.a", "1.0.0.1")),
            ("new.bff", &image("bos.new", "1.0.0.1")),
            ("other.U", &image("bos.other", "1.0.0.2")),
        ]);
        assert_eq!(
            faults(&all),
            [
                ".toc: it lists gone.U, which is not there",
                "new.bff: .toc does not list it, so installp does not see it",
                "other.U: .toc says that it holds bos.other 1.0.0.1; it holds bos.other 1.0.0.2",
            ]
        );
        let names: Vec<_> = all.filesets.iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["bos.a", "bos.new", "bos.other"]);
    }
}
