//! What is around an LPAR as the master knows it: its frame, the VIOSes, the consoles. What is not known carries the reason in its place.

use std::collections::BTreeMap;

use super::facts::Fact;
use super::workload::SiteTimeouts;
use crate::prep::{Backup, PrepStep};
use crate::unit::{Megabytes, ProcessorUnits, Seconds};

/// What is around an LPAR.
#[derive(Clone, Debug)]
pub struct Around {
    /// The partition's name on the HMC.
    pub partition_name: Fact<String>,
    /// Whether `nimd` makes a token with the console itself before an update, by a password that is stored.
    pub makes_tokens: Fact<bool>,
    /// The consoles of the frame, by name.
    pub consoles: Fact<BTreeMap<String, Console>>,
    /// How the HMC stands to it over RMC: `active`.
    pub rmc_state: Fact<String>,
    /// Memory and processors that no partition of the frame has.
    pub free: Fact<(Megabytes, ProcessorUnits)>,
    /// What the LPAR's copy needs of it.
    pub need: Fact<(Megabytes, ProcessorUnits)>,
    /// Partitions that the frame has, and may have.
    pub partitions: Fact<(u32, u32)>,
    /// The VIOSes of the frame, by the names of their partitions.
    pub vioses: Fact<BTreeMap<String, Vios>>,
    /// Names of all partitions of the frame.
    pub names: Fact<Vec<String>>,
    /// `simplified_remote_restart_capable` of the partition: `0`.
    pub remote_restart: Fact<String>,
    /// `sync_curr_profile` of the partition: `0` off, `1` on, `2` suspended until the next activation.
    pub profile_sync: Fact<String>,
    /// `migration_state` of the partition: `Not Migrating`.
    pub migration: Fact<String>,
    /// Its virtual slots.
    pub virtual_slots: Fact<VirtualSlots>,
    /// The virtual SCSI adapters of VIOSes that its own are for.
    pub scsi_servers: Fact<Vec<ScsiServer>>,
    /// What stands in the physical slots that it has.
    pub physical_slots: Fact<Vec<String>>,
    /// Whether the HMC manages an Enterprise Pool.
    pub has_pool: Fact<bool>,
    /// What the last preview on the LPAR estimated for the standstill.
    pub estimate: Fact<Seconds>,
    /// What the site's policy has changed on it before an update.
    pub prep: Fact<Vec<PrepStep>>,
    /// What the site's policy has made of its rootvg before an update, where it says something.
    pub backup: Fact<Option<Backup>>,
    /// The time-outs of its workloads, as the site names them.
    pub timeouts: SiteTimeouts,
}

/// A management console.
#[derive(Clone, Debug)]
pub struct Console {
    /// Names and addresses under which LPARs may know it.
    pub addresses: Vec<String>,
    /// Its level: `V10R3`.
    pub level: Fact<String>,
    /// Its users.
    pub users: Fact<Vec<ConsoleUser>>,
}

/// A user of a management console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleUser {
    /// Its name.
    pub name: String,
    /// What it may do: `hmcclientliveupdate`.
    pub task_role: String,
    /// On what: `ALL:` is everything.
    pub resource_role: String,
}

/// A VIOS.
#[derive(Clone, Debug)]
pub struct Vios {
    /// State of its partition: `Running`.
    pub state: String,
    /// How the HMC stands to it over RMC: `active`.
    pub rmc_state: String,
    /// Its level: `3.1.4.21`.
    pub level: Fact<String>,
    /// What it serves to the LPAR over virtual SCSI.
    pub targets: Fact<Vec<Target>>,
    /// Why nothing new is started behind it, where somebody said so: as while it is updated.
    pub maintenance: Option<String>,
}

/// Something behind a virtual SCSI adapter of a VIOS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The virtual target device: `vtscsi0`.
    pub device: String,
    /// What is behind it: `hdisk7`, the name of a volume, the path of a file; empty for nothing.
    pub backing: String,
    /// Where that is in the machine; empty where it is nowhere, as volumes and files are. `None` where that was not read.
    pub location: Option<String>,
}

/// Virtual slots of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualSlots {
    /// How many there may be, from 0.
    pub most: String,
    /// The next one that is free.
    pub next: String,
}

/// A virtual SCSI adapter of a VIOS, and for whom it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScsiServer {
    /// Id of the VIOS' partition.
    pub partition: String,
    /// Its slot.
    pub slot: String,
    /// Partition and slot that it is for, `any` where it is for all; `None` where the HMC does not list it.
    pub is_for: Option<(String, String)>,
}

impl Around {
    /// Where nothing is known, and why.
    #[must_use]
    pub fn unknown(why: &str) -> Self {
        fn no<T>(why: &str) -> Fact<T> {
            Err(why.to_owned())
        }
        Self {
            partition_name: no(why),
            makes_tokens: no(why),
            consoles: no(why),
            rmc_state: no(why),
            free: no(why),
            need: no(why),
            partitions: no(why),
            vioses: no(why),
            names: no(why),
            remote_restart: no(why),
            profile_sync: no(why),
            migration: no(why),
            virtual_slots: no(why),
            scsi_servers: no(why),
            physical_slots: no(why),
            has_pool: no(why),
            estimate: no(why),
            prep: no(why),
            backup: no(why),
            timeouts: SiteTimeouts::new(),
        }
    }
}
