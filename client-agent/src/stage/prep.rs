//! `prep`: makes the LPAR ready. Each change is journalled before and after, and can be put back.
//!
//! What the site's policy wants is in the order, step by step. Trusted Execution comes first, because nothing can be updated under it, not
//! even a copy; then what the order itself needs; and, after a copy of rootvg was made, all the rest.

mod audit;
mod autofs;
pub(crate) mod copy_name;
mod interim_fixes;
pub(crate) mod ip_filters;
mod pfcdaemon;
mod secorder;
pub(crate) mod services;
pub(crate) mod setting;
mod trusted_execution;
pub(crate) mod unsupported;
mod verification;
mod workload_manager;

use std::fs;

use nim_shared::frame::{ChangeClass, Effect};
use nim_shared::id::Digest;
use nim_shared::lvupdate;
use nim_shared::prep::{PrepStep, Step};
use nim_shared::request::{Images, Kind, PushedFile, Request};

use super::{Stop, token, update};
use crate::disk;
use crate::images::{LINKED, MOUNT, Store};
use crate::supervisor::Supervisor;
use crate::undo::{self, FILE_LIMIT, MOUNT_LIMIT};

/// Makes what comes before a copy of rootvg, in the order in which a failure costs least. A successor goes through it again: what was
/// done is not done twice.
pub(crate) fn run(supervisor: &mut Supervisor) -> Result<(), Stop> {
    steps(supervisor, Step::is_before_backup)?;
    let live_update = supervisor.request.kind.is_live_update();
    if live_update {
        write_data(supervisor)?;
        save_configuration(supervisor)?;
    }
    match supervisor.request.images.clone() {
        Some(Images::Nfs { server, export }) => mount(supervisor, &format!("{server}:{export}"))?,
        Some(Images::Pushed { files }) => link(supervisor, &files)?,
        Some(Images::Folder { .. }) | None => {}
    }
    if live_update || supervisor.request.kind == Kind::CleanUp {
        token::fetch(supervisor)?;
    }
    super::content::choose(supervisor)?;
    update::split::divide(supervisor)?;
    super::content::check(supervisor)?;
    super::fixes::check(supervisor)
}

/// Makes what comes after it.
pub(crate) fn rest(supervisor: &mut Supervisor) -> Result<(), Stop> {
    steps(supervisor, |step| !step.is_before_backup())
}

/// Makes those steps of the order that `are_meant`.
fn steps(supervisor: &mut Supervisor, are_meant: impl Fn(&Step) -> bool) -> Result<(), Stop> {
    if !supervisor.request.kind.moves() {
        return Ok(());
    }
    let steps: Vec<PrepStep> = supervisor.request.prep.clone();
    for PrepStep { step, class } in steps.iter().filter(|one| are_meant(&one.step)) {
        supervisor.check_cancel()?;
        match step {
            Step::TrustedExecution => trusted_execution::run(supervisor, *class)?,
            Step::Secorder => secorder::run(supervisor, *class)?,
            Step::WorkloadManager => workload_manager::run(supervisor, *class)?,
            Step::Service { subsystem } => services::run(supervisor, *class, subsystem)?,
            Step::AuditStream => audit::run(supervisor, *class)?,
            Step::OtherCopy => copy_name::run(supervisor, *class)?,
            Step::Pfcdaemon => pfcdaemon::run(supervisor, *class)?,
            Step::StaleAutofs => autofs::run(supervisor, *class)?,
            Step::InterimFixes => interim_fixes::run(supervisor, *class)?,
            Step::UnsupportedFilesets { filesets } => {
                unsupported::run(supervisor, *class, filesets)?;
            }
            Step::IpFilters { cut_tunnels } => {
                ip_filters::run(supervisor, *class, cut_tunnels.as_deref())?;
            }
        }
    }
    Ok(())
}

/// Gives the LPAR our `lvupdate.data`; the site's own is kept.
fn write_data(supervisor: &mut Supervisor) -> Result<(), Stop> {
    let content = super::disks::data(supervisor)?.into_bytes();
    let after = Digest::of(&content);
    supervisor.change(
        ChangeClass::Always,
        |supervisor| save(supervisor, lvupdate::PATH, Some(after)).map(Some),
        |supervisor, effect| {
            let is_meant =
                matches!(effect, Effect::File { after: meant, .. } if *meant == Some(after));
            if !is_meant {
                // A predecessor had found the disks under other names.
                return Err(Stop::failed("the chosen disks were renumbered meanwhile"));
            }
            write(supervisor, effect, &content)
        },
    )
}

/// Gives the file of `effect` its new content, as long as nobody else has written it.
fn write(supervisor: &Supervisor, effect: &Effect, content: &[u8]) -> Result<(), Stop> {
    let Effect::File { path, before, after, saved_as } = effect else { return Ok(()) };
    let file = supervisor.root.at(path);
    let now = undo::digest(&file)?;
    if now == *after {
        return Ok(());
    }
    if now != *before {
        return Err(Stop::failed(format!("{path} was changed by somebody else meanwhile")));
    }
    if let Some(folder) = file.parent() {
        // Part of bos.liveupdate; without it geninstall says so itself.
        disk::doing("make the folder", folder, fs::create_dir_all(folder))?;
    }
    let mode = if before.is_some() { 0o600 } else { 0o644 };
    disk::replace(&file, content, mode)?;
    match saved_as {
        Some(name) => Ok(undo::copy_owner(&supervisor.operation.file(name), &file)?),
        None => Ok(()),
    }
}

/// A preview writes `liveupdate.cf` too. An update needs it afterwards: `clvupdate` reads it when a run has failed.
fn save_configuration(supervisor: &mut Supervisor) -> Result<(), Stop> {
    supervisor.change(
        ChangeClass::Always,
        |supervisor| match supervisor.request.kind {
            Kind::Preview => save(supervisor, CONFIGURATION, None).map(Some),
            Kind::Update
            | Kind::InstallPreview
            | Kind::Install
            | Kind::MaintPreview
            | Kind::Maint
            | Kind::AltDisk
            | Kind::ReleaseDisks
            | Kind::Rollback
            | Kind::CleanUp
            | Kind::Snap => Ok(None),
        },
        |_, _| Ok(()),
    )
}

/// Keeps the content that `path` has now, and says what will be changed.
fn save(supervisor: &Supervisor, path: &str, after: Option<Digest>) -> Result<Effect, Stop> {
    let file = supervisor.root.at(path);
    let content = disk::read(&file, FILE_LIMIT)?;
    let name = saved_name(path);
    if let Some(content) = &content {
        let saved = supervisor.operation.file(&name);
        disk::replace(&saved, content, 0o600)?;
        undo::copy_owner(&file, &saved)?;
    }
    Ok(Effect::File {
        path: path.to_owned(),
        before: content.as_deref().map(Digest::of),
        after,
        saved_as: content.is_some().then_some(name),
    })
}

fn mount(supervisor: &mut Supervisor, source: &str) -> Result<(), Stop> {
    let folder = supervisor.operation.file(MOUNT);
    let on = supervisor.root.as_seen(&folder);
    supervisor.change(
        ChangeClass::Always,
        |_| Ok(Some(Effect::Mount { source: source.to_owned(), on: on.clone() })),
        |supervisor, _| {
            disk::ensure_folder(&folder)?;
            if undo::is_mounted(&supervisor.commands, &on)
                .map_err(|error| Stop::failed(crate::text::chain(&error)))?
            {
                return Ok(());
            }
            let mounted = supervisor.commands.ask("mount", &["-r", source, &on], MOUNT_LIMIT);
            mounted.map(drop).map_err(|error| Stop::failed(crate::text::chain(&error)))
        },
    )
}

/// Gives pushed contents their names, by links in a folder of the operation.
fn link(supervisor: &mut Supervisor, files: &[PushedFile]) -> Result<(), Stop> {
    let folder = supervisor.operation.file(LINKED);
    let path = supervisor.root.as_seen(&folder);
    supervisor.change(
        ChangeClass::Always,
        |_| Ok(Some(Effect::Images { path })),
        |supervisor, _| {
            let store = Store::open(&supervisor.state)?;
            disk::ensure_folder(&folder)?;
            for file in files {
                let name = folder.join(&file.path);
                if let Some(parent) = name.parent() {
                    disk::doing("make the folder", parent, fs::create_dir_all(parent))?;
                }
                disk::remove_file(&name)?;
                disk::doing("link", &name, fs::hard_link(store.whole(file.digest), &name))?;
            }
            Ok(())
        },
    )
}

/// Whether `effect` is one that prep of this order makes.
pub(crate) fn makes(supervisor: &Supervisor, effect: &Effect) -> bool {
    let request = &supervisor.request;
    match effect {
        Effect::File { path, saved_as, .. } => {
            let streams = || request.prep.iter().any(|one| one.step == Step::AuditStream);
            let ours = path == lvupdate::PATH
                || path == CONFIGURATION && request.kind == Kind::Preview
                || path == audit::CONFIG && streams();
            ours && saved_as.as_ref().is_none_or(|name| *name == saved_name(path))
        }
        Effect::Mount { on, .. } => {
            matches!(request.images, Some(Images::Nfs { .. }))
                && folder(supervisor).as_ref() == Some(on)
        }
        Effect::Images { path } => {
            matches!(request.images, Some(Images::Pushed { .. }))
                && folder(supervisor).as_ref() == Some(path)
        }
        Effect::ConsoleToken { address, user, .. } => request
            .console
            .as_ref()
            .is_some_and(|console| console.address == *address && console.user == *user),
        Effect::Setting { setting, before, after } => {
            setting::makes(supervisor, setting, before, after)
        }
        // Nothing is ever done about these: their class says so.
        Effect::InterimFixes { .. }
        | Effect::FilesetsRemoved { .. }
        | Effect::RootvgCopy { .. }
        | Effect::CopyDropped { .. }
        | Effect::Bootlist { .. }
        | Effect::Folder { .. } => false,
    }
}

/// Whether an `altinst_rootvg` of somebody else gets another name.
pub(crate) fn renames_copies(request: &Request) -> bool {
    request.prep.iter().any(|one| one.step == Step::OtherCopy)
}

/// Name under which the content of `path` before is kept.
fn saved_name(path: &str) -> String {
    format!("saved.{}", path.rsplit('/').next().unwrap_or_default())
}

/// The folder of the images as AIX sees it.
pub(crate) fn folder(supervisor: &Supervisor) -> Option<String> {
    update::images_folder(&supervisor.operation, &supervisor.root, &supervisor.request)
}

/// What each attempt writes, previews too. Source: LU §1.1.
const CONFIGURATION: &str = "/var/adm/ras/liveupdate/liveupdate.cf";
