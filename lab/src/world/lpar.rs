//! An AIX LPAR from inside: disks, paths, software, error log.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::running::Running;
use super::system::System;
use super::update::Update;
use super::vary::Variation;
use crate::fault::{Armed, Fault};

/// What an LPAR is and has. Memory and processors belong to its partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lpar {
    /// Its frame.
    pub frame: String,
    /// Loopback address of its SSH server.
    pub address: String,
    /// What `hostname` says.
    pub hostname: String,
    /// Value of `LANG` in its environment.
    pub locale: String,
    /// How geninstall prints its progress.
    pub style: Style,
    /// Id of the partition that runs the workload now.
    pub partition_id: u32,
    /// Client adapters; the second half moves first in an update.
    pub adapters: Vec<String>,
    /// Disks in the order of `lspv`.
    pub disks: Vec<Disk>,
    /// Paths in the order of `lspath`.
    pub paths: Vec<DiskPath>,
    /// PVID of the disk the running system was booted from.
    pub booted_from: String,
    /// Site time in milliseconds of the last boot.
    pub booted_at: u64,
    /// Disks in the normal boot list.
    pub bootlist: Vec<String>,
    /// Mounted local file systems.
    pub filesystems: Vec<FileSystem>,
    /// Mounted remote ones.
    pub mounts: Vec<Mount>,
    /// What is on the active rootvg.
    pub software: Software,
    /// Level of the running kernel, which a plain update does not change.
    pub kernel: String,
    /// Error log, newest last.
    pub errors: Vec<ErrorEntry>,
    /// Tokens of `hmcauth`. They live in the kernel: a boot loses them.
    pub tokens: Vec<Token>,
    /// Processes that `genld -u` finds with old libraries.
    pub outdated: Vec<OldProcess>,
    /// What runs beside the workload.
    #[serde(default)]
    pub running: Running,
    /// Whether the script of autofs was taken off the list of what is notified.
    #[serde(default)]
    pub autofs_gone: bool,
    /// Subsystems on file beside the usual ones.
    #[serde(default)]
    pub more_subsystems: BTreeSet<String>,
    /// Users beside root.
    pub users: Vec<String>,
    /// Subsystems that do not simply run.
    #[serde(default)]
    pub subsystems: BTreeMap<String, Subsystem>,
    /// The update under way, or left behind by one that died.
    pub update: Option<Update>,
    /// Faults, and when each strikes.
    pub faults: BTreeMap<Fault, Armed>,
    /// Readings of unclear facts that hold for this LPAR.
    pub variation: Variation,
    /// Exit status of a partial success (LU §2.7 has no value).
    pub partial_success_status: u8,
    /// How many times longer than the sample its phases take, in tenths (LU §8.4: 10 small, 25 large).
    pub size_tenths: u32,
    /// Whether the agent is installed; without it only the administrator's key gets in.
    pub agent: AgentInstalled,
    /// What runs and is configured, where it is not as after the installation.
    #[serde(default, skip_serializing_if = "System::is_usual")]
    pub system: System,
}

/// A subsystem that does not simply run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Subsystem {
    /// It was stopped.
    Stopped,
    /// It was started, and runs from this moment of the site's time on, in milliseconds.
    Starting {
        /// When it is there.
        ready: u64,
    },
}

/// Whether an LPAR has the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentInstalled {
    /// In place, with the restricted key.
    Installed,
    /// Not there yet.
    Absent,
}

/// How `geninstall -k` shows progress (LU §2.4, §2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Style {
    /// Dots, no times: 7.2.
    A,
    /// A time in front of each sentence: 7.3.
    B,
}

/// One disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// `hdisk2`.
    pub name: String,
    /// 16 hex digits, or none for a disk never used.
    pub pvid: Option<String>,
    /// Unique id of the LUN; the same wherever the LUN is seen.
    pub udid: String,
    /// Size in MB.
    pub size_mb: u64,
    /// Volume group; none prints as `None`.
    pub vg: Option<String>,
    /// A system that can be booted from here.
    pub image: Option<Software>,
    /// Name that its storage gave the LUN.
    #[serde(default)]
    pub lun: Option<String>,
    /// Whether a database has it as one of its disks.
    #[serde(default)]
    pub asm: bool,
}

/// What `lspath` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskPath {
    /// Disk.
    pub disk: String,
    /// Client adapter.
    pub parent: String,
    /// Path id.
    pub id: u32,
    /// `Enabled`, `Missing` …
    pub status: String,
}

/// A local file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystem {
    /// `/dev/hd4`.
    pub device: String,
    /// `/`.
    pub mounted_on: String,
    /// `jfs2`.
    pub kind: String,
    /// Size in MB.
    pub size_mb: u64,
    /// Used in MB.
    pub used_mb: u64,
}

/// A remote file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Server.
    pub node: String,
    /// Exported path.
    pub remote: String,
    /// Where it is mounted, as the LPAR names it.
    pub over: String,
    /// `nfs3`.
    pub kind: String,
    /// Options beside the usual ones, each with a comma before it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub options: String,
}

/// What is installed on one copy of rootvg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Software {
    /// `7200-05-03-2148`.
    pub level: String,
    /// Fileset to level.
    pub filesets: BTreeMap<String, String>,
    /// Interim fixes.
    pub ifixes: Vec<Ifix>,
    /// Keywords of the fixes that updates brought.
    #[serde(default)]
    pub fixes: BTreeSet<String>,
    /// Updates that are applied and not committed.
    #[serde(default)]
    pub applied: Applied,
}

/// Updates that can be rejected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Level of the system before the first of them.
    pub level: Option<String>,
    /// Fileset to its level before.
    pub filesets: BTreeMap<String, String>,
}

/// An installed interim fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ifix {
    /// `IJ41685m3a`.
    pub label: String,
    /// `S`, `*Q*`, `ST` (LU §5.2).
    pub state: String,
    /// `09/14/15 09:38:56`.
    pub installed: String,
    /// One line.
    pub text: String,
    /// Filesets it locks.
    pub packages: BTreeSet<String>,
}

/// One line of `errpt`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEntry {
    /// `9A74C7AB`.
    pub identifier: String,
    /// `MMDDhhmmYY`.
    pub timestamp: String,
    /// Type.
    pub kind: char,
    /// Class.
    pub class: char,
    /// Resource.
    pub resource: String,
    /// Text.
    pub text: String,
}

/// A token of `hmcauth`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// HMC as it was named.
    pub address: String,
    /// HMC user.
    pub user: String,
    /// Port.
    pub port: u16,
    /// Site time in milliseconds at which it runs out.
    pub expires: u64,
}

/// A process with old libraries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldProcess {
    /// Process id.
    pub pid: u32,
    /// Name.
    pub name: String,
    /// Path of its program.
    #[serde(default)]
    pub program: String,
}

impl Lpar {
    /// The disk of that name.
    pub fn disk(&self, name: &str) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.name == name)
    }

    /// The disk of that name, to be changed.
    pub fn disk_mut(&mut self, name: &str) -> Option<&mut Disk> {
        self.disks.iter_mut().find(|disk| disk.name == name)
    }

    /// The disk with the running rootvg.
    pub fn boot_disk(&self) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.pvid.as_deref() == Some(self.booted_from.as_str()))
    }

    /// What rootvg holds, in MB: what clone and mirror disks must hold.
    pub fn rootvg_used_mb(&self) -> u64 {
        self.filesystems.iter().map(|fs| fs.used_mb).sum::<u64>() + PAGING_MB + DUMP_MB
    }

    /// Size of a disk in MB, as everything on the LPAR sees it.
    pub fn size_of(&self, disk: &Disk) -> u64 {
        let small = self.has(Fault::DiskTooSmall) && disk.vg.is_none();
        if small { self.rootvg_used_mb() / 2 } else { disk.size_mb }
    }

    /// The local file system in which an LPAR's path lies.
    pub fn filesystem_of(&self, path: &str) -> Option<&FileSystem> {
        self.filesystems
            .iter()
            .filter(|fs| {
                fs.mounted_on == "/"
                    || path == fs.mounted_on
                    || path.strip_prefix(&fs.mounted_on).is_some_and(|rest| rest.starts_with('/'))
            })
            .max_by_key(|fs| fs.mounted_on.len())
    }

    /// Whether the fault is set and strikes without waiting for a phase.
    pub fn has(&self, fault: Fault) -> bool {
        // One that is armed for a phase becomes this when that phase is entered.
        self.faults.get(&fault) == Some(&Armed::Always)
    }

    /// Whether a management console reaches it over RMC.
    pub fn has_rmc(&self) -> bool {
        !self.system.rmc_lost && self.subsystems.get("ctrmc") != Some(&Subsystem::Stopped)
    }

    /// Whether a subsystem runs.
    pub fn runs(&self, subsystem: &str, now: u64) -> bool {
        match self.subsystems.get(subsystem) {
            None => true,
            Some(Subsystem::Stopped) => false,
            Some(Subsystem::Starting { ready }) => now >= *ready,
        }
    }

    /// `7200` as a number.
    pub fn release(&self) -> u32 {
        self.software.level.split('-').next().and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// The process that has /proc open where a fault says so: its id and its program (LU §4.5 pitfall 1).
pub const MONITOR: (u32, &str) = (9_306_218, "nmon");

/// Temporary paging and dump space (LU §1.3: 512 MB and 100 MB on a 2 GB LPAR).
pub const PAGING_MB: u64 = 512;
/// See [`PAGING_MB`].
pub const DUMP_MB: u64 = 100;
