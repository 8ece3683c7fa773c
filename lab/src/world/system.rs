//! How an AIX is set up beside its disks, its software and what an administrator switches on: workload, configuration, hardware.
//!
//! What is as after the installation is not written down: a big site stays a small file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What is not as after the installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct System {
    /// Devices beside disks and the usual virtual adapters.
    pub devices: Vec<Device>,
    /// Processes of the workload.
    pub processes: Vec<Process>,
    /// Workload partitions with their state: `A` active, `D` defined.
    pub workload_partitions: BTreeMap<String, char>,
    /// The NIS domain; empty for none.
    pub nis_domain: String,
    /// Network interfaces beside Ethernet and loopback.
    pub interfaces: BTreeSet<String>,
    /// Regions of 16 MB pages.
    pub large_pages: u64,
    /// What `lparstat` calls the mode of memory that is not dedicated.
    pub memory_mode: Option<String>,
    /// Memory of the profile's minimum in MB, where it is not the usual one.
    pub minimum_memory_mb: Option<u64>,
    /// What drives the disks, where it is not what comes with AIX.
    pub path_control: Option<String>,
    /// Stale physical partitions of rootvg.
    pub stale_partitions: u64,
    /// What `lsvg` says of snapshots of rootvg.
    pub snapshot: Option<String>,
    /// Logical volumes of rootvg beside the usual ones.
    pub volumes: BTreeSet<String>,
    /// Copies of logical volumes of rootvg that have another number than the rest.
    pub copies: BTreeMap<String, u64>,
    /// Whether RMC has lost its management consoles.
    pub rmc_lost: bool,
    /// Whether there is a Trusted Computing Base.
    pub trusted_base: bool,
    /// The security profile that is applied.
    pub security_profile: Option<String>,
    /// IP filters by version, `4` and `6`: the table outlives its device.
    pub filters: BTreeMap<String, Filters>,
    /// The cluster that this LPAR is a node of.
    pub cluster: Option<Cluster>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// `rmt0`.
    pub name: String,
    /// `tape`.
    pub class: String,
    /// `Available`, `Defined`.
    pub status: String,
    /// One line.
    pub text: String,
}

/// IP filters of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filters {
    /// The table, one rule a line.
    pub rules: Vec<String>,
    /// What is in force.
    pub active: Vec<String>,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its program.
    pub program: String,
}

/// A cluster whose ground is RSCT and AHAFS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// The command that took its ground away, if one did. Nothing mends it.
    pub broken_by: Option<String>,
}

impl System {
    /// Whether everything is as after the installation.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// The device of IP Security of that version is available, with the table that there is.
    pub fn secure(&mut self, version: &str) {
        let name = format!("ipsec_v{version}");
        self.devices.retain(|device| device.name != name);
        let text = format!("IP Version {version} Security Extension");
        let (class, status) = ("ipsec".to_owned(), "Available".to_owned());
        self.devices.push(Device { name, class, status, text });
        self.filters.entry(version.to_owned()).or_default();
    }

    /// Whether a device is there and can be used.
    #[must_use]
    pub fn has_available(&self, name: &str) -> bool {
        self.devices.iter().any(|device| device.name == name && device.status == "Available")
    }
}
