//! What is kept of IP filters, in the folder of the operation: what `expfilt` writes, and both listings for a person.

use std::fs::{self, File};
use std::path::PathBuf;

use nim_shared::prep::IpVersion;

use super::super::super::Stop;
use super::super::setting::{self, LIMIT};
use crate::disk;
use crate::operation::Operation;
use crate::supervisor::Supervisor;

/// Keeps the rules. Source: `expfilt` (inferred) writes them into files of a folder, from which `impfilt` reads them.
pub(super) fn save(supervisor: &Supervisor, version: IpVersion) -> Result<(), Stop> {
    let folder = folder(&supervisor.operation, version);
    disk::remove_folder(&folder)?;
    disk::ensure_folder(&folder)?;
    let lpar = setting::lpar(supervisor);
    let failed = |error: setting::Error| setting::failed(&error);
    let path = supervisor.root.as_seen(&folder);
    let arguments = ["-v", version.number(), "-f", &path];
    let asked = lpar.commands.ask("expfilt", &arguments, LIMIT);
    asked.map_err(|error| failed(error.into()))?;
    let mut written = 0;
    for entry in disk::doing("list", &folder, fs::read_dir(&folder))? {
        let file = disk::doing("list", &folder, entry)?.path();
        let open = disk::doing("open", &file, File::open(&file))?;
        disk::doing("sync", &file, open.sync_all())?;
        written += disk::doing("look at", &file, open.metadata())?.len();
        disk::sync_parent(&file)?;
    }
    if written == 0 {
        let text = format!("expfilt has written nothing of the IP filters of version {version}");
        return Err(Stop::failed(text));
    }
    let table = super::table(lpar, version).map_err(failed)?;
    let in_force = super::in_force(lpar, version).map_err(failed)?;
    for (name, text) in [("rules", table), ("active", in_force)] {
        let file = supervisor.operation.file(&format!("filters.v{version}.{name}"));
        disk::replace(&file, text.as_bytes(), 0o600)?;
    }
    Ok(())
}

/// Whether rules were kept, on this copy of the system.
pub(super) fn are_there(operation: &Operation, version: IpVersion) -> bool {
    let entries = fs::read_dir(folder(operation, version));
    entries.is_ok_and(|mut entries| entries.next().is_some())
}

/// The folder with what `expfilt` has written.
pub(super) fn folder(operation: &Operation, version: IpVersion) -> PathBuf {
    operation.file(&format!("filters.v{version}"))
}
