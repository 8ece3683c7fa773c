//! What is in an `lpp_source`: filesets, interim fixes and files, as the master found them in the folder.

mod bundle;
mod fix;

pub use bundle::{BadLine, bundle, is_fileset, is_interim_fix, is_package, label_of};
pub use fix::{fixes, is_keyword};

use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::level::FilesetLevel;
use crate::stage::names;

/// The content of a folder of packages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Content {
    /// The AIX level that its updates lead to; `None` where its files do not tell.
    pub level: Option<Leads>,
    /// Filesets, by name and level.
    pub filesets: Vec<Fileset>,
    /// Interim fixes, by file.
    pub ifixes: Vec<Ifix>,
    /// All files, by path.
    pub files: Vec<SourceFile>,
    /// What is wrong, by file.
    pub faults: Vec<BadFile>,
}

/// An AIX level, and what says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Leads {
    /// The level: `7300-03-01-2520`, or a technology level such as `7300-03` where the service pack is not told.
    pub to: String,
    /// What it was read from.
    pub by: String,
}

/// A fileset that can be installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fileset {
    /// Its name.
    pub name: String,
    /// Its level.
    pub level: FilesetLevel,
    /// The package that it belongs to.
    pub package: String,
    /// A first installation or an update.
    pub kind: ImageKind,
    /// What it is.
    pub description: String,
    /// What it requires: `prereq bos.rte 7.3.0.0`.
    pub requisites: Vec<String>,
    /// The file, from the folder on.
    pub file: String,
}

names! {
    /// What an image does.
    ImageKind, "kind of image" {
        /// Installs.
        Install = "install",
        /// Updates what is installed.
        Update = "update",
    }
}

/// An interim fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ifix {
    /// Its label.
    pub label: String,
    /// What it is.
    pub description: String,
    /// Whether a Live Update can install it; `None` where the package does not say.
    pub live_update: Option<bool>,
    /// Whether it takes effect with a reboot only; `None` where the package does not say.
    pub reboot: Option<bool>,
    /// What it requires, in the words of the package.
    pub requisites: Vec<String>,
    /// The file, from the folder on.
    pub file: String,
}

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceFile {
    /// Its path from the folder on.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub digest: Digest,
}

/// A file that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BadFile {
    /// Its path from the folder on.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What an order that names packages finds in a folder, or why it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package<'a> {
    /// A fileset, or all of a package: some of the folder's filesets.
    Filesets,
    /// An interim fix.
    Ifix(&'a Ifix),
    /// Another file, such as an RPM.
    File(&'a SourceFile),
}

impl Content {
    /// What `name` means here: a fileset, a package of filesets, or a file of an interim fix or an RPM; `I:`, `R:` and `E:` before it are NIM's.
    #[must_use]
    pub fn package(&self, name: &str) -> Option<Package<'_>> {
        let bare = ["I:", "R:", "E:"].iter().find_map(|kind| name.strip_prefix(kind));
        let bare = bare.unwrap_or(name);
        if let Some(ifix) = self.ifixes.iter().find(|ifix| base(&ifix.file) == bare) {
            return Some(Package::Ifix(ifix));
        }
        if self.filesets.iter().any(|one| one.name == bare || one.package == bare) {
            return Some(Package::Filesets);
        }
        // geninstall takes an RPM by its file name or the beginning of it.
        let named = |file: &&SourceFile| {
            let base = base(&file.path);
            base == bare || base.ends_with(".rpm") && base.starts_with(bare)
        };
        self.files.iter().find(named).map(Package::File)
    }
}

/// The last part of a path.
#[must_use]
pub fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_a_fileset_a_package_or_a_file() {
        let file =
            |path: &str| SourceFile { path: path.to_owned(), bytes: 1, digest: Digest::ZERO };
        let content = Content {
            filesets: vec![Fileset {
                name: "bos.rte.libc".to_owned(),
                level: "7.3.3.1".parse().unwrap(),
                package: "bos.rte".to_owned(),
                kind: ImageKind::Update,
                description: String::new(),
                requisites: Vec::new(),
                file: "installp/ppc/bos.rte.U".to_owned(),
            }],
            ifixes: vec![Ifix {
                label: "IJ1".to_owned(),
                description: String::new(),
                live_update: Some(true),
                reboot: None,
                requisites: Vec::new(),
                file: "emgr/ppc/IJ1.241031.epkg.Z".to_owned(),
            }],
            files: vec![
                file("RPMS/ppc/bash-5.2-1.aix7.2.ppc.rpm"),
                file("emgr/ppc/IJ1.241031.epkg.Z"),
            ],
            ..Content::default()
        };
        for name in ["bos.rte.libc", "bos.rte", "I:bos.rte"] {
            assert_eq!(content.package(name), Some(Package::Filesets), "{name}");
        }
        for name in ["IJ1.241031.epkg.Z", "E:IJ1.241031.epkg.Z"] {
            assert!(matches!(content.package(name), Some(Package::Ifix(_))), "{name}");
        }
        assert!(matches!(content.package("R:bash-5.2"), Some(Package::File(_))));
        for name in ["bos.rte.lib", "IJ1", "E:IJ2.241031.epkg.Z"] {
            assert_eq!(content.package(name), None, "{name}");
        }
    }
}
