//! Packages are copied into an `lpp_source`, or removed from it: `nim -o update`.
//!
//! Each file is written beside its place and renamed into it, and a `.toc` that a folder has is brought along; so whoever reads sees
//! a file whole or not at all, and the same request again goes on where one was broken off.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use nim_shared::api::{ChangePackages, ChangedPackages, FileFault};
use nim_shared::id::{Digest, ObjectName};
use nim_shared::lpp::{Content, Package, SourceFile, base};
use ring::digest::{Context, SHA256};
use tracing::info;

use super::{Source, WAIT, look_into};
use crate::api::Api;
use crate::api::error::{Answer, Refusal};
use crate::api::extract::{Asker, Body, Named};
use crate::lpp::folder::TABLE;
use crate::lpp::{backup, toc};

/// `POST /v1/lpp_sources/{name}/packages`
pub(in crate::api) async fn packages(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
    Body(change): Body<ChangePackages>,
) -> Answer<Json<ChangedPackages>> {
    let target = Source::find(&api, &name).await?;
    let folder = match target.folder() {
        Ok(folder) => folder.to_owned(),
        Err(reason) => return Err(refused(&name, vec![reason])),
    };
    if let Some(operation) = api.store.open_with_source(&name).await? {
        return Err(refused(&name, vec![format!("operation {operation} uses it")]));
    }
    // NIM makes the folder of a new source.
    let is_there = tokio::fs::try_exists(&folder).await.unwrap_or(true);
    let there = if is_there {
        look_into(&api, &folder, WAIT).await?.map_err(|reason| refused(&name, vec![reason]))?
    } else {
        Content::default()
    };
    let plan = match &change.source {
        Some(from) => {
            let from = from_where(&api, from).await?;
            let content = look_into(&api, &from, WAIT).await?;
            let content = content.map_err(|reason| refused(&name, vec![reason]))?;
            addition(&change.packages, &from, &content, &folder, &there)
        }
        None => removal(&change.packages, &there),
    };
    let plan = plan.map_err(|faults| refused(&name, faults))?;
    let done = crate::api::apply::blocking({
        let folder = folder.clone();
        move || plan.carry_out(&folder)
    })
    .await?;
    let done = done.map_err(|fault| refused(&name, vec![fault]))?;
    info!(
        object.name = %name, peer.uid = who.uid,
        "{} files were added to {name} and {} removed by uid {}", done.added.len(), done.removed.len(), who.uid
    );
    let now = target.look_again(&api, WAIT).await?;
    let Done { added, removed, unchanged } = done;
    Ok(Json(ChangedPackages { added, removed, unchanged, now }))
}

/// Why the packages stay as they are.
fn refused(name: &ObjectName, faults: Vec<String>) -> Refusal {
    let row = |message| FileFault { file: None, line: None, path: String::new(), message };
    Refusal::refused("NLU-0116", format!("the packages of {name} cannot be changed"))
        .faults(faults.into_iter().map(row).collect())
}

/// The folder that `text` means: a path, or an `lpp_source`.
async fn from_where(api: &Api, text: &str) -> Answer<PathBuf> {
    if text.starts_with('/') {
        return Ok(PathBuf::from(text));
    }
    let bad = |why: String| {
        Refusal::usage(
            "NLU-0117",
            format!(
                "source={text} is neither an absolute path nor an lpp_source on this master: {why}"
            ),
        )
    };
    let name: ObjectName = text.parse().map_err(|cause| bad(format!("{cause}")))?;
    let source = Source::find(api, &name).await?;
    source.folder().map(Path::to_owned).map_err(bad)
}

/// What is to be done with files.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    /// Where each new file comes from, its digest, and its place.
    copy: Vec<(PathBuf, Digest, String)>,
    remove: Vec<String>,
    unchanged: Vec<String>,
}

/// What was done.
#[derive(Debug, Default)]
struct Done {
    added: Vec<String>,
    removed: Vec<String>,
    unchanged: Vec<String>,
}

/// The files that `packages` name in `content`, or the names that mean nothing there.
fn named<'a>(
    packages: &[String],
    content: &'a Content,
) -> Result<Vec<&'a SourceFile>, Vec<String>> {
    let mut paths: BTreeSet<&str> = BTreeSet::new();
    let mut faults = Vec::new();
    for name in packages {
        if name == "all" {
            paths.extend(content.filesets.iter().map(|one| &*one.file));
            paths.extend(content.ifixes.iter().map(|one| &*one.file));
            let rpms = content.files.iter().filter(|file| file.path.ends_with(".rpm"));
            paths.extend(rpms.map(|file| &*file.path));
            continue;
        }
        match content.package(name) {
            Some(Package::Filesets) => {
                let bare = name.strip_prefix("I:").unwrap_or(name);
                let of =
                    content.filesets.iter().filter(|one| one.name == bare || one.package == bare);
                paths.extend(of.map(|one| &*one.file));
            }
            Some(Package::Ifix(ifix)) => drop(paths.insert(&ifix.file)),
            Some(Package::File(file)) => drop(paths.insert(&file.path)),
            None => faults.push(format!("{name} is not there")),
        }
    }
    if packages.is_empty() {
        faults.push("no package is named".to_owned());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(content.files.iter().filter(|file| paths.contains(&*file.path)).collect())
}

/// What is to be copied from `from` into `folder`.
fn addition(
    packages: &[String],
    from: &Path,
    content: &Content,
    folder: &Path,
    there: &Content,
) -> Result<Plan, Vec<String>> {
    let mut plan = Plan::default();
    let mut faults = Vec::new();
    for file in named(packages, content)? {
        let place = place(&file.path, content, folder);
        match there.files.iter().find(|other| other.path == place) {
            Some(other) if other.digest == file.digest => plan.unchanged.push(place),
            Some(_) => faults
                .push(format!("{place} is there already, with another content: remove it first")),
            None => plan.copy.push((from.join(&file.path), file.digest, place)),
        }
    }
    if faults.is_empty() { Ok(plan) } else { Err(faults) }
}

/// Where a file goes: into NIM's folder for its kind where there is one, else where it was. Source: the NIM reference, §1.4.
fn place(path: &str, content: &Content, folder: &Path) -> String {
    let kind = if content.ifixes.iter().any(|one| one.file == path) {
        "emgr/ppc"
    } else if path.ends_with(".rpm") {
        "RPMS/ppc"
    } else {
        "installp/ppc"
    };
    if folder.join(kind).is_dir() { format!("{kind}/{}", base(path)) } else { path.to_owned() }
}

/// What is to be removed.
fn removal(packages: &[String], there: &Content) -> Result<Plan, Vec<String>> {
    let files = named(packages, there)?;
    let mut faults = Vec::new();
    let wanted = |name: &str, package: &str| {
        packages.iter().any(|one| {
            let bare = one.strip_prefix("I:").unwrap_or(one);
            one == "all" || bare == name || bare == package
        })
    };
    for file in &files {
        let others = there.filesets.iter().filter(|one| one.file == file.path);
        for other in others.filter(|one| !wanted(&one.name, &one.package)) {
            faults.push(format!(
                "{} holds {} too: name it as well, or keep both",
                file.path, other.name
            ));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let remove = files.into_iter().map(|file| file.path.clone()).collect();
    Ok(Plan { remove, ..Plan::default() })
}

impl Plan {
    /// Copies and removes, file by file. What was done stays done when the rest fails.
    fn carry_out(self, folder: &Path) -> Result<Done, String> {
        let mut done = Done { unchanged: self.unchanged, ..Done::default() };
        let failed = |path: &Path, cause: &io::Error| format!("{}: {cause}", path.display());
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        let of = |path: &str| path[..path.len() - base(path).len()].to_owned();
        for (from, digest, place) in self.copy {
            let to = folder.join(&place);
            copy(&from, digest, &to).map_err(|cause| failed(&from, &cause))?;
            let image = File::open(&to).map_err(|cause| failed(&to, &cause))?;
            // What is no image has no entry.
            if let Ok(text) = backup::lpp_name(io::BufReader::new(image)) {
                tables.entry(of(&place)).or_default().added.push((base(&place).to_owned(), text));
            }
            done.added.push(place);
        }
        for place in &self.remove {
            tables.entry(of(place)).or_default().removed.push(base(place).to_owned());
        }
        // Before the files: installp meets none that its table lists and the folder has not.
        for (at, table) in &tables {
            let path = folder.join(at).join(TABLE);
            table.write(&path).map_err(|cause| failed(&path, &cause))?;
        }
        for place in self.remove {
            let path = folder.join(&place);
            fs::remove_file(&path).map_err(|cause| failed(&path, &cause))?;
            done.removed.push(place);
        }
        Ok(done)
    }
}

/// What changes in a folder's table of contents.
#[derive(Default)]
struct Table {
    removed: Vec<String>,
    added: Vec<(String, String)>,
}

impl Table {
    /// Brings the file up to date, where there is one.
    fn write(&self, path: &Path) -> io::Result<()> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(cause) => return Err(cause),
        };
        let removed: Vec<_> = self.removed.iter().map(String::as_str).collect();
        let added: Vec<_> =
            self.added.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
        let text = toc::edited(&String::from_utf8_lossy(&bytes), &removed, &added)
            .map_err(|cause| io::Error::new(io::ErrorKind::InvalidData, cause.to_string()))?;
        replace(path, |file| file.write_all(text.as_bytes()))
    }
}

/// Copies a file whose content has the digest `expected`.
fn copy(from: &Path, expected: Digest, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    replace(to, |file| {
        let mut context = Context::new(&SHA256);
        let mut buffer = vec![0; 1 << 20];
        loop {
            match source.read(&mut buffer)? {
                0 => break,
                read => {
                    context.update(&buffer[..read]);
                    file.write_all(&buffer[..read])?;
                }
            }
        }
        if context.finish().as_ref() == expected.0 {
            Ok(())
        } else {
            Err(io::Error::other("it changes while it is copied"))
        }
    })
}

/// Writes a file beside `path`, syncs it, and puts it into its place.
fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".nimd");
    let beside = folder.join(name);
    let made = File::create(&beside).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    let placed = made.and_then(|()| fs::rename(&beside, path));
    if placed.is_err() {
        // It is nobody's any more; the next attempt writes it anew where it stays.
        drop(fs::remove_file(&beside));
    }
    placed?;
    File::open(folder)?.sync_all()
}
