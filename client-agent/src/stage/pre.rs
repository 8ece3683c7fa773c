//! `pre`: looks whether everything is there. Changes nothing. All faults are said at once.

use nim_shared::frame::{Known, Moment};
use nim_shared::lvupdate;
use nim_shared::operation::Snapshot;
use nim_shared::preflight::workload::{self, Found};
use nim_shared::request::{Content, Images, Install, Request};

use super::Stop;
use crate::alive;
use crate::images::Store;
use crate::supervisor::Supervisor;

/// Runs all checks; ends the operation when one fails, or when there is nothing to do.
pub(crate) fn run(supervisor: &mut Supervisor) -> Result<(), Stop> {
    let before = match supervisor.progress.before.clone() {
        Some(before) => before,
        None => {
            let (snapshot, missing) = supervisor.facts.snapshot();
            for text in missing {
                supervisor.note(format!("not known: {text}"))?;
            }
            supervisor.record(Known::Snapshot {
                moment: Moment::Before,
                snapshot: Box::new(snapshot.clone()),
            })?;
            snapshot
        }
    };
    let mut faults = Vec::new();
    faults.extend(alone(supervisor));
    if supervisor.request.kind.is_live_update() {
        faults.extend(disks(&supervisor.request, &before));
        faults.extend(super::disks::faults(supervisor));
        faults.extend(space(supervisor)?);
        faults.extend(file(supervisor));
    }
    if supervisor.request.kind.moves() {
        faults.extend(workloads(supervisor)?);
    }
    faults.extend(super::alt_disk::faults(supervisor, &before));
    faults.extend(super::backup::faults(supervisor, &before));
    faults.extend(super::prep::ip_filters::faults(supervisor));
    faults.extend(super::release::faults(supervisor));
    faults.extend(super::rollback::faults(supervisor));
    faults.extend(images(supervisor)?);
    if !faults.is_empty() {
        return Err(Stop::failed(faults.join("; ")));
    }
    match is_installed(&supervisor.request, &before) {
        // Scripts follow what is installed already too, and nothing of them before all has agreed.
        Some(text) if supervisor.request.scripts.is_empty() => Err(Stop::unchanged(text)),
        Some(_) | None => Ok(()),
    }
}

/// Whether something else installs or updates. It was asked before the operation was taken, and is asked again.
pub(crate) fn alone(supervisor: &Supervisor) -> Option<String> {
    if alive::live_update_lock(&supervisor.root).is_there()
        && !supervisor.request.kind.looks_after()
    {
        let lock = alive::LIVE_UPDATE_LOCK;
        return Some(format!(
            "{lock} is there: a Live Update runs, or a failed one awaits clean-up by clvupdate"
        ));
    }
    alive::installer(&supervisor.commands)
        .map(|process| format!("this runs on the LPAR: {process}"))
}

/// Whether the disks that `lvupdate.data` names are there and free; those that were chosen it does not name. Source: LU §1.3.
fn disks(request: &Request, before: &Snapshot) -> Vec<String> {
    if before.disks.is_empty() {
        // lspv gave no answer, which the journal says. Live Update looks itself.
        return Vec::new();
    }
    let data = lvupdate::parse(&request.lvupdate_data).data();
    let wanted = [
        ("nhdisk", &data.disks.nhdisk),
        ("mhdisk", &data.disks.mhdisk),
        ("tohdisk", &data.disks.tohdisk),
        ("tshdisk", &data.disks.tshdisk),
    ];
    let mut faults = Vec::new();
    for (key, names) in wanted {
        for name in names {
            match before.disks.iter().find(|disk| disk.name == *name) {
                None => faults.push(format!("{key} names {name}, and lspv shows no such disk")),
                Some(disk) => faults.extend(
                    disk.volume_group
                        .as_ref()
                        .map(|group| format!("{key} names {name}, which is in {group}")),
                ),
            }
        }
    }
    faults
}

/// Whether Live Update has the space that it needs at least. Source: LU §4.1, L14 and L15.
fn space(supervisor: &mut Supervisor) -> Result<Vec<String>, Stop> {
    let mut faults = Vec::new();
    for folder in ["/var", "/"] {
        match supervisor.facts.free_megabytes(folder) {
            Some(free) if free < LEAST_FREE => {
                faults.push(format!(
                    "{folder} has {free} MB free, and Live Update needs {LEAST_FREE} MB"
                ));
            }
            Some(_) => {}
            None => supervisor.note(format!("not known: the free space of {folder}"))?,
        }
    }
    Ok(faults)
}

/// Whether a workload runs that is not moved while it runs. Source: LU §4.4, S32.
fn workloads(supervisor: &mut Supervisor) -> Result<Vec<String>, Stop> {
    let Some(running) = alive::processes(&supervisor.commands) else {
        supervisor.note("not known: whether a workload runs that no Live Update is made of")?;
        return Ok(Vec::new());
    };
    let programs = running.iter().map(|(_, arguments)| alive::program(arguments));
    let refused = workload::refused(&programs.collect::<Vec<_>>());
    let fault = |found: Found| {
        let (title, evidence) = (found.profile.title, found.evidence.join(", "));
        format!(
            "{title}: {evidence}; no Live Update is made of it (nimctl preflight --explain S32)"
        )
    };
    Ok(refused.into_iter().map(fault).collect())
}

/// Whether the images are there, as far as that shows before anything is mounted or linked.
fn images(supervisor: &Supervisor) -> Result<Vec<String>, Stop> {
    match &supervisor.request.images {
        Some(Images::Folder { path }) if !supervisor.root.at(path).is_dir() => {
            Ok(vec![format!("{path} is no folder on this LPAR")])
        }
        Some(Images::Folder { .. } | Images::Nfs { .. } | Images::Pushed { .. }) | None => {
            let contents: Vec<_> = supervisor.request.contents().collect();
            if contents.is_empty() {
                return Ok(Vec::new());
            }
            let store = Store::open(&supervisor.state)?;
            let is_there = |content: &&Content| {
                let found = store.whole(content.digest).metadata();
                found.is_ok_and(|found| found.len() == content.bytes)
            };
            let missing = contents.iter().filter(|content| !is_there(content)).count();
            let text = format!("{missing} of {} pushed files are not on this LPAR", contents.len());
            Ok(if missing == 0 { Vec::new() } else { vec![text] })
        }
    }
}

/// Whether `lvupdate.data` can be put back as it is: a link would be lost.
fn file(supervisor: &Supervisor) -> Option<String> {
    let found = supervisor.root.at(lvupdate::PATH).symlink_metadata().ok()?;
    (!found.is_file())
        .then(|| format!("{} is a link or no file, and could not be put back", lvupdate::PATH))
}

/// Whether everything that is named is an interim fix that is installed. The label is the name of the file up to its first
/// dot: `IJ52421s2a.241031.epkg.Z`.
pub(crate) fn is_installed(request: &Request, before: &Snapshot) -> Option<String> {
    let Install::List(names) = &request.install else { return None };
    let label = |name: &String| {
        name.ends_with(".epkg.Z").then(|| name.split('.').next().unwrap_or_default().to_owned())
    };
    let labels: Vec<String> = names.iter().map(label).collect::<Option<_>>()?;
    let all = labels.iter().all(|label| before.has_fix(label));
    let is = if request.kind.is_preview() { "would be" } else { "is" };
    all.then(|| format!("nothing {is} installed: {} are there already", labels.join(", ")))
}

/// Free megabytes below which Live Update refuses.
const LEAST_FREE: u64 = 100;
