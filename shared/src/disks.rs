//! Which disks of an LPAR a Live Update can have: what is seen of them, what speaks against each, and the choice among the rest.
//!
//! `None` in `lspv` does not mean that a disk is free: raw devices of a database, disks of a cluster file system, a split-off copy of
//! an earlier run and a volume group that is varied off show the same (LU §4.4a, D01). So a disk is taken only if the site's pool
//! names it and everything that can be looked at speaks for it; what cannot be known speaks against it. All of it is decided here,
//! of values: nobody is asked and nothing is changed.
//!
//! Numbers of disks change, so a disk that was chosen is kept by what does not: physical volume id and unique id. The agent finds
//! its name with [`resolve`](fn@resolve), right before it is used.

mod choose;
mod facts;
mod header;
mod identity;
mod paths;
mod pin;
mod pool;
mod proposal;
mod reason;
mod record;
mod resolve;
mod standing;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod way_back;

pub use choose::{Choice, Judged, Others, Picked, Site, choose};
pub use facts::{Closer, DiskFacts, RootGroup, closer, first};
pub use header::{Content, Header, header};
pub use identity::{BadIdentity, Pvid, Udid};
pub use pin::{Pin, Run, Used, pins};
pub use pool::{BadPoolEntry, PoolEntry};
pub use proposal::{Around, ConsoleFacts, Proposal, propose};
pub use reason::Reason;
pub use record::{
    BACKUP, Copied, DiskUse, Ended, GoodFor, RENAMED, RunDisk, RunDisks, SURROGATE, is_copy, record,
};
pub use resolve::{
    ChosenDisk, Unresolved, backup_faults, fault, fault_of_named, resolve, with_keys, with_names,
};
pub use standing::{
    Free, Keep, Live, Need, PastRun, Said, Standing, as_recorded, releasable, standing,
};
pub use way_back::{NoWayBack, Rollback, WayBack, way_back};

use serde::{Deserialize, Serialize};

use crate::id::DiskName;
use crate::stage::names;

names! {
    /// What a disk is for. Source: LU §1.3.
    Role, "use of a disk" {
        /// Becomes the copy of rootvg from which the surrogate boots.
        Nhdisk = "nhdisk",
        /// Becomes the mirror of rootvg that moves to the surrogate.
        Mhdisk = "mhdisk",
        /// Temporary paging and dump space of the original.
        Tohdisk = "tohdisk",
        /// Temporary paging and dump space of the surrogate.
        Tshdisk = "tshdisk",
    }
}

/// A disk as its LPAR shows it: one row of `lspv -u`, and the name that its storage gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SeenDisk {
    /// Name on the LPAR, at the time of the look.
    pub name: DiskName,
    /// Physical volume id; `None` where it has none.
    pub pvid: Option<Pvid>,
    /// Unique id of the LUN; `None` where AIX shows none.
    pub udid: Option<Udid>,
    /// Volume group, or the label of a lock; `None` where `lspv` shows none.
    pub volume_group: Option<String>,
    /// `active`, `concurrent`, `locked`.
    pub state: Option<String>,
    /// Name of the LUN, where the driver tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lun: Option<String>,
}
