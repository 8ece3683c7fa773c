//! A copy of rootvg on other disks: what has to be there, what it is asked for with, and whether it came about.
//!
//! The copy is `altinst_rootvg` afterwards, varied off. What a failed one left is not removed: only a person can tell it from somebody's
//! fallback. The LPAR is never rebooted. Source: AIX's description of `alt_disk_install`, and LU §5.3.

use nim_shared::id::DiskName;
use nim_shared::operation::Snapshot;
use nim_shared::request::{AltDisk, Install, Request};

use crate::disk;
use crate::operation::Operation;
use crate::root::Root;
use crate::supervisor::Supervisor;

/// What stands against the copy on this LPAR.
pub(crate) fn faults(supervisor: &Supervisor, before: &Snapshot) -> Vec<String> {
    let Some(copy) = &supervisor.request.alt_disk else { return Vec::new() };
    let mut faults = Vec::new();
    if supervisor.root.command(PROGRAM).is_none() {
        faults.push(format!("there is no {PROGRAM}: bos.alt_disk_install.rte is not installed"));
    }
    faults.extend(disk_faults(copy, before));
    faults
}

/// Whether the disks are as they have to be, as far as lspv tells.
fn disk_faults(copy: &AltDisk, before: &Snapshot) -> Vec<String> {
    if before.disks.is_empty() {
        // lspv gave no answer, which the journal says. The command looks itself.
        return Vec::new();
    }
    let mut faults = Vec::new();
    for name in &copy.disks {
        let found = before.disks.iter().find(|disk| disk.name == *name);
        match found.map(|disk| disk.volume_group.as_deref()) {
            None => faults.push(format!("lspv shows no disk {name}")),
            Some(Some(COPY)) if !copy.begins() => {}
            Some(None) if copy.begins() => {}
            Some(Some(group)) => faults.push(format!("{name} is in {group}")),
            Some(None) => faults.push(format!("{name} is not in {COPY}: phase 1 comes first")),
        }
    }
    let others = before.disks.iter().filter(|disk| disk.volume_group.as_deref() == Some(COPY));
    let others: Vec<_> = others.map(|disk| disk.name.to_string()).collect();
    if copy.begins() && !others.is_empty() {
        faults.push(format!(
            "{COPY} is there, on {}: keep it under another name with `alt_rootvg_op -v NAME -d {}`, or drop its definition with `alt_rootvg_op -X {COPY}`",
            others.join(" "),
            others[0]
        ));
    }
    faults
}

/// Arguments of the program. The filesets are in a file, in the folder of the operation.
pub(crate) fn arguments(
    operation: &Operation,
    root: &Root,
    request: &Request,
    copy: &AltDisk,
    images: Option<String>,
) -> Vec<String> {
    let disks: Vec<_> = copy.disks.iter().map(ToString::to_string).collect();
    let mut arguments = vec!["-d".to_owned(), disks.join(" ")];
    if !copy.set_bootlist {
        arguments.push("-B".to_owned());
    }
    if let Some(phase) = copy.phase {
        arguments.extend(["-P".to_owned(), phase.to_string()]);
    }
    if let (Some(images), true) = (images, request.install != Install::Nothing) {
        arguments.extend(["-l".to_owned(), images]);
        arguments.extend(["-b".to_owned(), root.as_seen(&operation.file(BUNDLE))]);
        let licences = if request.accept_licenses { "Y" } else { "" };
        if let Some(flags) = &request.installp_flags {
            arguments.extend(["-I".to_owned(), format!("-{flags}{licences}")]);
        }
    }
    arguments
}

/// Writes the list of filesets where the program reads it. Before it is asked for.
pub(crate) fn write_list(operation: &Operation, names: &[String]) -> Result<(), disk::Error> {
    let text: String = names.iter().map(|name| format!("{name}\n")).collect();
    disk::replace(&operation.file(BUNDLE), text.as_bytes(), 0o600)
}

/// Whether the disks hold a copy; `None` where lspv does not tell. An LPAR that was booted from it shows it as its rootvg.
pub(crate) fn is_made(supervisor: &Supervisor) -> Option<bool> {
    let copy = supervisor.request.alt_disk.as_ref()?;
    let (now, _) = supervisor.facts.snapshot();
    if now.disks.is_empty() {
        return None;
    }
    let holds = |name: &DiskName| {
        let disk = now.disks.iter().find(|disk| disk.name == *name);
        matches!(disk.and_then(|disk| disk.volume_group.as_deref()), Some(COPY | "rootvg"))
    };
    Some(copy.disks.iter().all(holds))
}

const PROGRAM: &str = "alt_disk_copy";

/// The volume group of a copy.
const COPY: &str = "altinst_rootvg";

const BUNDLE: &str = "filesets.bnd";
