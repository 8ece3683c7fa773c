//! What the steps of prep change: an LPAR that has everything on, and how it stands.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use nim_lab::Lab;
use nim_lab::site::{DiskEntry, LparEntry, SwitchedOn};
use nim_lab::world::lpar::Subsystem;
use nim_lab::world::running::Running;

/// Files of an LPAR that steps change.
const FILES: [&str; 4] = [
    "etc/security/tsd/tepolicies.dat",
    "etc/nscontrol.conf",
    "etc/inittab",
    "etc/security/audit/config",
];

/// What steps change, as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Switched {
    /// What runs.
    pub running: Running,
    subsystems: BTreeMap<String, Subsystem>,
    /// Whether the script of autofs is registered no more.
    autofs_gone: bool,
    /// Text of the files by their path.
    pub files: BTreeMap<&'static str, String>,
}

impl Switched {
    /// How `lpar` stands.
    ///
    /// # Errors
    /// When the lab has no such LPAR.
    pub fn of(lab: &Lab, lpar: &str) -> Result<Self> {
        let root = lab.root(lpar);
        let files =
            FILES.map(|file| (file, std::fs::read_to_string(root.join(file)).unwrap_or_default()));
        let lpar = lab.world()?.lpars.remove(lpar).context("no such LPAR")?;
        Ok(Self {
            running: lpar.running,
            subsystems: lpar.subsystems,
            autofs_gone: lpar.autofs_gone,
            files: files.into(),
        })
    }
}

/// Switches everything on on an LPAR, with somebody's copy of rootvg on its last disk.
pub fn switch_on(lpar: &mut LparEntry) {
    lpar.on = [
        SwitchedOn::TrustedExecution,
        SwitchedOn::Ldap,
        SwitchedOn::WorkloadManager,
        SwitchedOn::AuditStream,
    ]
    .into();
    lpar.disks = DiskEntry::row(&[Some("rootvg"), None, None, None, Some("altinst_rootvg")]);
    lpar.subsystems = vec!["dsmcad".to_owned(), "nimon".to_owned()];
}
