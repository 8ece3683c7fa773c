//! Virtual adapters and VIOSes in a line each, for people.

use nim_shared::api::{AdapterKind, AdapterView, ScsiTarget, ViosStatus};
use nim_shared::stamp::Timestamp;

use crate::output::text::{ago, clean};

/// What goes through one adapter: `vios1a vhost3 SCSI hdisk7 hdisk8`.
pub(crate) fn line(view: &AdapterView) -> String {
    let (vios, name) = (&view.vios, clean(&view.adapter.name));
    match &view.adapter.kind {
        AdapterKind::Scsi { targets } if targets.is_empty() => {
            format!("{vios} {name} SCSI without a disk")
        }
        AdapterKind::Scsi { targets } => {
            let disks: Vec<_> = targets.iter().map(target).collect();
            format!("{vios} {name} SCSI {}", disks.join(" "))
        }
        AdapterKind::Fc { status, port, client_adapter, .. } => {
            let port = port.as_deref().unwrap_or("no port");
            let to = client_adapter.as_deref().map(|to| format!(" to {to}")).unwrap_or_default();
            clean(&format!("{vios} {name} FC {port}{to} {status}"))
        }
    }
}

/// A disk, with its state where that is not the good one.
fn target(target: &ScsiTarget) -> String {
    match target.status.as_str() {
        "Available" => clean(&target.backing),
        other => clean(&format!("{} ({other})", target.backing)),
    }
}

/// How a VIOS is known.
pub(crate) fn vios(status: &ViosStatus, now: Timestamp) -> String {
    let level = status.level.as_deref().unwrap_or("level not known");
    let read = status.read_at.map_or_else(
        || "never read".to_owned(),
        |at| {
            let by = status.by.as_ref().map(|hmc| format!(" through {hmc}")).unwrap_or_default();
            format!("read {}{by}", ago(at, now))
        },
    );
    let failed = status.failure.as_deref().map(|why| format!("; not since: {why}"));
    clean(&format!("{level}  {read}{}", failed.unwrap_or_default()))
}

/// Which VIOSes an LPAR gets its disks from: a Live Update moves one half of the adapters before the other, and each half has to
/// reach all disks. Source: HMC reference §3.5.
pub(crate) fn halves(adapters: &[AdapterView]) -> String {
    let mut vioses: Vec<_> = adapters.iter().map(|view| view.vios.as_str()).collect();
    vioses.dedup();
    match vioses[..] {
        [] => "no VIOS shows an adapter for it".to_owned(),
        [one] => format!("{one} alone: no other VIOS showed an adapter for it"),
        _ => vioses.join(" "),
    }
}
