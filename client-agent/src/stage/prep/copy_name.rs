//! An `altinst_rootvg` that somebody else has made: it gets another name for the time of the update, and is never removed. Source: LU D12,
//! §4.4a.

use nim_shared::aix;
use nim_shared::disks::RENAMED;
use nim_shared::frame::ChangeClass;
use nim_shared::operation::Disk;
use nim_shared::prep::Setting;

use super::super::Stop;
use super::setting::{self, Error, LIMIT, Lpar};
use crate::operation::Operation;
use crate::supervisor::Supervisor;

/// Renames it, where there is one.
pub(super) fn run(supervisor: &mut Supervisor, class: ChangeClass) -> Result<(), Stop> {
    let number = supervisor.next_change();
    let known = supervisor.progress.changes.get(&number).map(|change| change.effect.clone());
    let setting = match known {
        Some(nim_shared::frame::Effect::Setting { setting, .. }) => setting,
        _ => {
            let disks =
                disks(setting::lpar(supervisor)).map_err(|error| setting::failed(&error))?;
            let held = disks.into_iter().find(|disk| disk.volume_group.as_deref() == Some(COPY));
            // Without one there is nothing to be read either.
            Setting::CopyName { pvid: held.and_then(|disk| disk.pvid).unwrap_or_default() }
        }
    };
    let name = name(&supervisor.operation, RENAMED);
    setting::change(supervisor, class, setting, |before| (before == COPY).then_some(name))
}

/// Name of a volume group of this operation: at most 15 characters, the id's last ones, which are random.
pub(crate) fn name(operation: &Operation, begin: &str) -> String {
    let id = operation.id.to_string();
    format!("{begin}{}", &id[id.len().saturating_sub(8)..])
}

/// The volume group that the disk is in; empty where it is in none, or is not there.
pub(super) fn read(lpar: Lpar<'_>, pvid: &str) -> Result<String, Error> {
    Ok(disk(lpar, pvid)?.and_then(|disk| disk.volume_group).unwrap_or_default())
}

pub(super) fn write(lpar: Lpar<'_>, pvid: &str, wanted: &str) -> Result<(), Error> {
    if let Some(disk) = disk(lpar, pvid)? {
        lpar.commands.ask(PROGRAM, &["-v", wanted, "-d", disk.name.as_str()], LIMIT)?;
    }
    Ok(())
}

fn disk(lpar: Lpar<'_>, pvid: &str) -> Result<Option<Disk>, Error> {
    let is_it = |disk: &Disk| !pvid.is_empty() && disk.pvid.as_deref() == Some(pvid);
    Ok(disks(lpar)?.into_iter().find(is_it))
}

fn disks(lpar: Lpar<'_>) -> Result<Vec<Disk>, Error> {
    Ok(aix::lspv(&lpar.commands.ask("lspv", &[], LIMIT)?).rows)
}

/// What renames a copy of rootvg. Source: LU §5.3.
pub(crate) const PROGRAM: &str = "alt_rootvg_op";

/// The name that every copy has when it is made.
pub(crate) const COPY: &str = "altinst_rootvg";
