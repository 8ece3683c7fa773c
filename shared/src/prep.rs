//! What is changed on an LPAR before its update and put back after it: the settings, and the steps of an order.
//!
//! A setting has a state that can be read and written, as text in AIX's own words. A step says which settings are brought to which
//! state; what is there already is not touched, so that it is not switched on afterwards either. Source: LU §4.0, §4.4, §4.4a.

mod filter;
mod unsupported;

pub use filter::{BadFilterState, FilterState, IpVersion, Listed};
pub use unsupported::{RemovedFileset, Unsupported, listed};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::frame::ChangeClass;
use crate::id::{DiskName, ObjectName};
use crate::stage::names;

/// Something of the system that has a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Setting {
    /// Trusted Execution: `on` or `off`.
    TrustedExecution,
    /// Where the database of Trusted Execution is looked up, such as `LDAP,files`: `secorder` of `tsddat` in `/etc/nscontrol.conf`.
    Secorder,
    /// Workload Manager: `active`, `passive` or `stopped`.
    WorkloadManager,
    /// The entry of `/etc/inittab` that starts Workload Manager: the whole line.
    WorkloadManagerEntry,
    /// A subsystem of the system resource controller: `active` or `inoperative`.
    Subsystem {
        /// Its name.
        subsystem: Subsystem,
    },
    /// Auditing: `on` or `off`.
    Auditing,
    /// The script of autofs that Live Update notifies first: its priority with its command; empty where none is registered.
    AutofsScript,
    /// IP filters of one version: a [`FilterState`].
    IpFilters {
        /// Which.
        version: IpVersion,
    },
    /// Name of the copy of rootvg on a disk.
    CopyName {
        /// Physical volume id of the disk.
        pvid: String,
    },
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrustedExecution => f.write_str("Trusted Execution"),
            Self::Secorder => f.write_str("secorder of tsddat"),
            Self::WorkloadManager => f.write_str("Workload Manager"),
            Self::WorkloadManagerEntry => f.write_str("entry rcnetwlm of inittab"),
            Self::Subsystem { subsystem } => write!(f, "subsystem {subsystem}"),
            Self::Auditing => f.write_str("auditing"),
            Self::AutofsScript => f.write_str("registration of AUTOFS_UMOUNT"),
            Self::IpFilters { version } => write!(f, "IP filters of version {version}"),
            Self::CopyName { pvid } => {
                write!(f, "name of the copy of rootvg on {}", crate::id::printable(pvid))
            }
        }
    }
}

/// Name of a subsystem: 1 to 30 characters without white space, not an option.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
pub struct Subsystem(String);

impl Subsystem {
    /// As AIX takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Subsystem {
    type Error = BadSubsystem;

    fn try_from(text: String) -> Result<Self, BadSubsystem> {
        let is_name = (1..=30).contains(&text.len())
            && !text.starts_with('-')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c));
        if is_name { Ok(Self(text)) } else { Err(BadSubsystem(text)) }
    }
}

impl From<Subsystem> for String {
    fn from(subsystem: Subsystem) -> Self {
        subsystem.0
    }
}

impl fmt::Display for Subsystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Subsystem {
    /// Why it is never started anew by itself, whatever a policy says; `None` where it may be. What a cluster stands on takes the node
    /// with it, the controller all its subsystems, and a listener the connections of a database. Whether an LPAR is in a cluster no
    /// policy can know, so RSCT is left alone everywhere. Source: LU §4.4a M05, §6.2 row 6.
    #[must_use]
    pub fn never_anew(&self) -> Option<&'static str> {
        let name = self.0.to_ascii_lowercase();
        let is_listener = ["lsnr", "listener"].iter().any(|part| name.contains(part));
        if name == "srcmstr" {
            Some("all subsystems are its children")
        } else if GROUND.contains(&&*name) || name.starts_with("ibm.") {
            Some("a cluster may stand on it")
        } else if is_listener || DATABASES.iter().any(|part| name.starts_with(part)) {
            Some("a database is reached through it")
        } else {
            None
        }
    }
}

/// What RSCT, CAA and PowerHA stand on. Source: LU §4.4a M05.
const GROUND: [&str; 8] =
    ["clstrmgres", "ctrmc", "ctcas", "cthags", "cthats", "clcomd", "clconfd", "clinfoes"];

/// How the names of databases' own subsystems begin.
const DATABASES: [&str; 4] = ["db2", "ora", "tns", "hdb"];

/// A text that is no name of a subsystem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no name of a subsystem: 1 to 30 letters, digits and . _ - +", crate::id::printable(.0))]
pub struct BadSubsystem(String);

/// What one can go back to after an update of a TL or SP, which is committed first and cannot be rejected. Source: LU S37.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Backup {
    /// A copy of rootvg on these disks of the LPAR, made before the update.
    CopyTo(Vec<DiskName>),
    /// What the site's own script of this name makes on the LPAR, an object of type `script`. Nothing is booted from that here.
    Hook(ObjectName),
    /// What a program of this name makes that nimd runs itself, of the folder of its settings. Nothing is booted from that here.
    MasterHook(ObjectName),
    /// None is made, for this reason.
    Waived(String),
}

impl fmt::Display for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CopyTo(disks) => {
                let disks: Vec<_> = disks.iter().map(ToString::to_string).collect();
                write!(f, "copy of rootvg to {}; it stays", disks.join(" "))
            }
            Self::Hook(name) => {
                write!(f, "backup by the hook {name} of the site, instead of a copy of rootvg")
            }
            Self::MasterHook(name) => {
                write!(f, "backup by nimd's own hook {name}, instead of a copy of rootvg")
            }
            Self::Waived(reason) => {
                write!(f, "no copy of rootvg: {}", crate::id::printable(reason))
            }
        }
    }
}

/// A backup that a hook of the site made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SiteBackup {
    /// Name of the hook.
    pub hook: ObjectName,
    /// What it said of what it made: the last line that it printed, where it printed one. For a person; nothing is done by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

impl SiteBackup {
    /// What the hook `hook` made, which printed `output`.
    #[must_use]
    pub fn by(hook: &ObjectName, output: &str) -> Self {
        let last = output.lines().map(str::trim).rfind(|line| !line.is_empty());
        let said = last.map(|line| crate::id::printable(line).chars().take(SAID).collect());
        Self { hook: hook.clone(), said }
    }
}

/// Most characters that are kept of what a hook said.
const SAID: usize = 200;

impl fmt::Display for SiteBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hook, said } = self;
        match said {
            Some(said) => {
                write!(f, "the hook {hook} made one and says: {}", crate::id::printable(said))
            }
            None => write!(f, "the hook {hook} made one and says nothing of it"),
        }
    }
}

/// One step, with when it is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrepStep {
    /// What is done.
    #[serde(flatten)]
    pub step: Step,
    /// When it is undone.
    pub class: ChangeClass,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Trusted Execution is switched off. It goes on again only once the filesets that changed were verified. Source: LU S08.
    TrustedExecution,
    /// The database of Trusted Execution is looked up in files, where it is looked up in LDAP. Source: LU S10.
    Secorder,
    /// An `altinst_rootvg` that is there gets another name. Source: LU D12, §4.4a.
    OtherCopy,
    /// Workload Manager is stopped, and its entry in inittab switched off: the surrogate reads it. Source: LU S22.
    WorkloadManager,
    /// A subsystem is stopped. Source: LU S29.
    Service {
        /// Its name.
        subsystem: Subsystem,
    },
    /// Auditing goes on without streaming, where the level does not let Live Update carry it over. Source: LU S16.
    AuditStream,
    /// The flash-cache daemon is started, where it is on file and does not run. Source: LU S23.
    Pfcdaemon,
    /// The registration of the script of autofs goes, where its program is not there. Source: LU S25.
    StaleAutofs,
    /// Interim fixes that lock filesets of the update and that installp will not remove itself are removed. Source: LU S01.
    InterimFixes,
    /// Those of these filesets that are installed are removed: no Live Update goes with them. Source: LU S06, S07.
    UnsupportedFilesets {
        /// Which, as the policy names them.
        filesets: Vec<Unsupported>,
    },
    /// The rules of IP filters are saved, the filters are taken off and their devices removed: the host is open until they are back.
    /// They come back only while a fresh connection of the master is proven under them. Source: LU S15, §4.4a.
    IpFilters {
        /// Why active IPsec tunnels may be cut by that; where nothing is said they may not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cut_tunnels: Option<String>,
    },
}

names! {
    /// The kinds of steps, by the keys that a policy has for them.
    StepKind, "step of prep" {
        /// [`Step::TrustedExecution`].
        TrustedExecution = "trusted_execution",
        /// [`Step::Secorder`].
        Secorder = "secorder",
        /// [`Step::OtherCopy`].
        OtherCopy = "other_copy",
        /// [`Step::WorkloadManager`].
        WorkloadManager = "workload_manager",
        /// [`Step::Service`].
        Service = "services",
        /// [`Step::AuditStream`].
        AuditStream = "audit_stream",
        /// [`Step::Pfcdaemon`].
        Pfcdaemon = "pfcdaemon",
        /// [`Step::StaleAutofs`].
        StaleAutofs = "stale_autofs",
        /// [`Step::InterimFixes`].
        InterimFixes = "interim_fixes",
        /// [`Step::UnsupportedFilesets`].
        UnsupportedFilesets = "unsupported_filesets",
        /// [`Step::IpFilters`].
        IpFilters = "ip_filters",
    }
}

impl Step {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> StepKind {
        match self {
            Self::TrustedExecution => StepKind::TrustedExecution,
            Self::Secorder => StepKind::Secorder,
            Self::OtherCopy => StepKind::OtherCopy,
            Self::WorkloadManager => StepKind::WorkloadManager,
            Self::Service { .. } => StepKind::Service,
            Self::AuditStream => StepKind::AuditStream,
            Self::Pfcdaemon => StepKind::Pfcdaemon,
            Self::StaleAutofs => StepKind::StaleAutofs,
            Self::InterimFixes => StepKind::InterimFixes,
            Self::UnsupportedFilesets { .. } => StepKind::UnsupportedFilesets,
            Self::IpFilters { .. } => StepKind::IpFilters,
        }
    }

    /// Whether it comes before the copy of rootvg is made, so that the copy can be updated itself.
    #[must_use]
    pub const fn is_before_backup(&self) -> bool {
        match self {
            Self::TrustedExecution | Self::Secorder | Self::OtherCopy => true,
            Self::WorkloadManager
            | Self::Service { .. }
            | Self::AuditStream
            | Self::Pfcdaemon
            | Self::StaleAutofs
            | Self::InterimFixes
            | Self::UnsupportedFilesets { .. }
            | Self::IpFilters { .. } => false,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrustedExecution => f.write_str("Trusted Execution off"),
            Self::Secorder => f.write_str("secorder of tsddat to files"),
            Self::WorkloadManager => f.write_str("Workload Manager stopped and off in inittab"),
            Self::Service { subsystem } => write!(f, "subsystem {subsystem} stopped"),
            Self::AuditStream => f.write_str("audit stream off"),
            Self::OtherCopy => f.write_str("an altinst_rootvg renamed"),
            Self::Pfcdaemon => f.write_str("subsystem pfcdaemon started"),
            Self::StaleAutofs => f.write_str("a stale registration of AUTOFS_UMOUNT removed"),
            Self::InterimFixes => {
                f.write_str("interim fixes that lock filesets of the update removed")
            }
            Self::UnsupportedFilesets { filesets } => {
                let names: Vec<_> = filesets.iter().map(|one| one.name()).collect();
                write!(f, "{} removed, where installed", names.join(" and "))
            }
            Self::IpFilters { cut_tunnels: None } => f.write_str("IP filters off"),
            Self::IpFilters { cut_tunnels: Some(reason) } => {
                write!(f, "IP filters off, active tunnels cut ({})", crate::id::printable(reason))
            }
        }
    }
}

impl fmt::Display for PrepStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, class } = self;
        match class {
            ChangeClass::Always => write!(f, "{step}; put back in any case"),
            ChangeClass::UnlessUpdated => write!(f, "{step}; put back unless it was updated"),
            ChangeClass::Permanent => write!(f, "{step}; not put back"),
        }
    }
}
