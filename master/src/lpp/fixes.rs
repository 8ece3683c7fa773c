//! Which filesets of a folder of packages a fix is in, by what the packages say of themselves. Read when it is asked: of a technology level
//! there are some ten thousand fixes, and few are ever asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use nim_shared::lpp::{Content, base};

use super::folder::{TABLE, text};
use super::{Error, backup, toc};

/// The filesets in `folder`, which holds `content`, by the keywords of `wanted` that they name. A file that cannot be read says nothing; the
/// index has its fault.
#[must_use]
pub fn filesets(
    folder: &Path,
    content: &Content,
    wanted: &BTreeSet<String>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let mut listed = BTreeSet::new();
    for file in content.files.iter().filter(|file| base(&file.path) == TABLE) {
        let entries = text(&folder.join(&file.path)).and_then(|text| toc::entries(&text));
        let beside = &file.path[..file.path.len() - TABLE.len()];
        for entry in entries.into_iter().flatten() {
            listed.insert(format!("{beside}{}", entry.file.trim_start_matches("./")));
            entry.package.into_iter().for_each(|package| take(package, wanted, &mut found));
        }
    }
    let images: BTreeSet<_> = content.filesets.iter().map(|one| one.file.as_str()).collect();
    for image in images.into_iter().filter(|image| !listed.contains(*image)) {
        if let Ok(package) = header(&folder.join(image)) {
            take(package, wanted, &mut found);
        }
    }
    found
}

fn header(path: &Path) -> Result<toc::Package, Error> {
    toc::lpp_name(&backup::lpp_name(BufReader::new(File::open(path)?))?)
}

fn take(
    package: toc::Package,
    wanted: &BTreeSet<String>,
    found: &mut BTreeMap<String, BTreeSet<String>>,
) {
    for toc::PackageFileset { name, fixes, .. } in package.filesets {
        for fix in fixes.into_iter().filter(|fix| wanted.contains(fix)) {
            found.entry(fix).or_default().insert(name.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use nim_shared::id::Digest;
    use nim_shared::lpp::SourceFile;

    use super::*;

    fn lpp_name(filesets: &[(&str, &str)]) -> String {
        let of = |(name, fixes): &(&str, &str)| {
            format!("{name} 7.3.3.1 1 N U en_US Text\n[\n%\n%\n%\n%\n{fixes}]\n")
        };
        format!("4 R S pack {{\n{}}}\n", filesets.iter().map(of).collect::<String>())
    }

    #[test]
    fn a_fix_is_in_the_filesets_that_name_it_in_a_table_or_in_their_own_header() {
        let folder = tempfile::tempdir().unwrap();
        let listed =
            lpp_name(&[("a.rte", "IJ1 1 crash\nIJ2 1 hang\n"), ("a.lib", "IJ1 1 crash\n")]);
        let alone = lpp_name(&[("b.rte", "IJ2 1 hang\nIJ3 1 other\n")]);
        let image = |text: &str| backup::tests::image(&[("./lpp_name", text.as_bytes())]);
        let mut files = Vec::new();
        for (path, bytes) in [
            ("ppc/.toc", format!("0 1 2\na.bff {listed}").into_bytes()),
            ("ppc/a.bff", image(&listed)),
            ("b.bff", image(&alone)),
        ] {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, &bytes).unwrap();
            let digest = Digest::of(&bytes);
            files.push(SourceFile { path: path.to_owned(), bytes: bytes.len() as u64, digest });
        }
        let content =
            crate::lpp::folder::read(folder.path(), files, &AtomicBool::new(false)).unwrap();
        assert_eq!(content.faults, []);
        let wanted = ["IJ1", "IJ2", "IJ9"].map(str::to_owned).into();
        let found = filesets(folder.path(), &content, &wanted);
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(
            found,
            [
                ("IJ1".to_owned(), set(&["a.lib", "a.rte"])),
                ("IJ2".to_owned(), set(&["a.rte", "b.rte"])),
            ]
            .into()
        );
    }
}
