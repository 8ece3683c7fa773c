//! Software of the lab: installp images and ifix packages in their own forms, with the little that the lab's commands install.

mod format;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::site::SourceEntry;
use crate::world::World;
use crate::world::lpar::Ifix;

/// What one file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "package", rename_all = "snake_case")]
pub(crate) enum Package {
    /// Filesets that together make a service pack.
    Updates {
        /// Level of the system once they are applied.
        level: Option<String>,
        /// Fileset to level.
        filesets: BTreeMap<String, String>,
        /// Keywords of the fixes in them.
        #[serde(default)]
        fixes: BTreeSet<String>,
    },
    /// An interim fix.
    Ifix(IfixPackage),
}

/// An interim fix on media.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IfixPackage {
    pub(crate) label: String,
    pub(crate) text: String,
    pub(crate) packages: BTreeSet<String>,
    pub(crate) live_update: bool,
    /// Filesets that have to be there, and at which level at least.
    #[serde(default)]
    pub(crate) requires: BTreeMap<String, String>,
}

impl IfixPackage {
    /// The fix as it is listed once it is installed.
    pub(crate) fn installed(&self, state: &str, at: String) -> Ifix {
        Ifix {
            label: self.label.clone(),
            state: state.to_owned(),
            installed: at,
            text: self.text.clone(),
            packages: self.packages.clone(),
        }
    }
}

/// The name by which LPARs mount what lies on the machine of the site.
pub(crate) const SERVER: &str = "nim";

/// Where the packages of a source lie, and the path under which they are exported.
pub(crate) fn folder(directory: &Path, source: &str) -> PathBuf {
    directory.join("lpp_source").join(source)
}

/// Writes the sources of a site to `DIR/lpp_source` and exports them.
pub(crate) fn write(
    directory: &Path,
    sources: &[SourceEntry],
    world: &mut World,
) -> anyhow::Result<()> {
    for source in sources {
        let folder = folder(directory, &source.name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        if !source.filesets.is_empty() {
            let mut table = "0 112120260000 2\n".to_owned();
            for (number, (name, level)) in (FIRST_FIX..).zip(&source.filesets) {
                let fix = format!("IJ{number}");
                let one = Package::Updates {
                    level: source.level.clone(),
                    filesets: BTreeMap::from([(name.clone(), level.clone())]),
                    fixes: BTreeSet::from([fix.clone()]),
                };
                let file = format!("U_{name}.{level}.bff");
                let lpp_name = lpp_name(name, level, source.level.as_deref(), &fix);
                put(&folder.join(&file), &format::image(&lpp_name, &serde_json::to_vec(&one)?))?;
                table += &format!("{file} {lpp_name}");
            }
            put(&folder.join(".toc"), table.as_bytes())?;
        }
        for ifix in &source.ifixes {
            let package = Package::Ifix(IfixPackage {
                label: ifix.label.clone(),
                text: ifix.text.clone(),
                packages: ifix.packages.iter().cloned().collect(),
                live_update: ifix.live_update,
                requires: ifix.requires.clone(),
            });
            let capable = if ifix.live_update { "yes" } else { "no" };
            let control = format!(
                "ABSTRACT={}\nREBOOT=no\nPREREQ=.\nEFIX_FILES=1\nLKU_CAPABLE={capable}\n",
                ifix.text
            );
            let file = format::ifix(&control, &serde_json::to_vec(&package)?);
            put(&folder.join(format!("{}.{}.epkg.Z", ifix.label, ifix.built)), &file)?;
        }
        let export = format!("{SERVER}:{}", folder.display());
        world.exports.insert(export, folder.display().to_string());
    }
    Ok(())
}

/// The `lpp_name` of an update of one fileset, as `.toc` has it too. The keyword of the service pack is inferred.
fn lpp_name(fileset: &str, level: &str, leads_to: Option<&str>, fix: &str) -> String {
    let keyword = leads_to.map(|level| format!("{level}_SP 1 Service Pack\n")).unwrap_or_default();
    let digits: Vec<u32> = level.split('.').filter_map(|part| part.parse().ok()).collect();
    let level = match digits[..] {
        [v, r, m, f] => format!("{v:02}.{r:02}.{m:04}.{f:04}"),
        _ => level.to_owned(),
    };
    format!(
        "4 R S {fileset} {{\n{fileset} {level} 1 N U en_US Update of {fileset}\n[\n%\n%\n%\n%\n{fix} 1 a fix in {fileset}\n{keyword}]\n}}\n"
    )
}

/// Reads one package.
pub(crate) fn read(file: &Path) -> anyhow::Result<Package> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let is_ifix = file.to_string_lossy().ends_with(".epkg.Z");
    let text = if is_ifix { format::of_ifix(&bytes) } else { format::of_image(&bytes) };
    serde_json::from_slice(&text.with_context(|| format!("cannot read {}", file.display()))?)
        .with_context(|| format!("{} is no package of the lab", file.display()))
}

/// What is to be installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Level of the system afterwards.
    pub(crate) level: Option<String>,
    /// Filesets and their levels.
    pub(crate) filesets: BTreeMap<String, String>,
    /// Interim fixes.
    pub(crate) ifixes: Vec<IfixPackage>,
    /// Keywords of the fixes in the filesets.
    pub(crate) fixes: BTreeSet<String>,
}

/// The number of the first fix that a source of the lab has: each of its filesets has one.
const FIRST_FIX: u32 = 60_001;

/// Chooses from a folder by what geninstall was asked for: `all`, `update_all`, or names of filesets and ifix files (LU §2.1).
pub(crate) fn select(folder: &Path, wanted: &[String]) -> anyhow::Result<Selection> {
    let mut selection = Selection::default();
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    files.sort();
    let has = |word: &str| wanted.iter().any(|name| name == word);
    let (all, update_all) = (has("all"), has("update_all"));
    let mut missing: BTreeSet<&String> =
        wanted.iter().filter(|name| !matches!(name.as_str(), "all" | "update_all")).collect();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ends_with = |end: &str| name.ends_with(end);
        if ends_with(".epkg.Z") {
            if all || has(&name) {
                missing.retain(|wanted| **wanted != name);
                if let Package::Ifix(ifix) = read(&file)? {
                    selection.ifixes.push(ifix);
                }
            }
        } else if ends_with(".bff")
            && let Package::Updates { level, filesets, fixes } = read(&file)?
        {
            for (fileset, version) in filesets {
                if all || update_all || has(&fileset) {
                    missing.retain(|wanted| **wanted != fileset);
                    selection.level.clone_from(&level);
                    selection.fixes.extend(fixes.iter().cloned());
                    selection.filesets.insert(fileset, version);
                }
            }
        }
    }
    if let Some(name) = missing.first() {
        bail!("{name} is not on the media");
    }
    Ok(selection)
}

fn put(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))
}
