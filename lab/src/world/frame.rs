//! A frame as its HMC sees it: memory, processors, partitions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::fault::ConsoleFault;
use crate::record::Left;

/// One Power server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// `9009-42A`.
    pub type_model: String,
    /// `7812345`.
    pub serial: String,
    /// HMCs that manage it.
    pub hmcs: Vec<String>,
    /// `Operating` and others (HV §2.2).
    pub state: String,
    /// Address of the service processor.
    pub ipaddr: String,
    /// Licensed memory in MB.
    pub configurable_mb: u64,
    /// Memory of the hypervisor in MB.
    pub firmware_mb: u64,
    /// Grain of allocation in MB.
    pub region_mb: u64,
    /// Whether the hypervisor takes memory for the page table of each partition, beside its own (HV §4.4).
    #[serde(default)]
    pub page_tables: bool,
    /// Licensed processors, in hundredths of a unit.
    pub configurable_hundredths: u64,
    /// Highest number of partitions, and highest id.
    pub max_lpars: u32,
    /// Level of its firmware.
    #[serde(default = "usual_firmware")]
    pub firmware: String,
    /// VIO servers by name.
    pub vioses: BTreeMap<String, Vios>,
    /// All partitions, VIO servers included.
    pub partitions: Vec<Partition>,
    /// Shared pools of processors beside the default one, which has no limit.
    #[serde(default)]
    pub pools: Vec<Pool>,
}

/// A shared pool of processors (HV §2.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Its number; 0 is the default pool.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Most that its partitions may have together, in hundredths of a unit.
    pub most_hundredths: u64,
    /// What of that is kept for none of them, in hundredths of a unit.
    pub reserved_hundredths: u64,
}

/// The least entitlement of a partition of which none is said, in hundredths of a unit.
pub(crate) const USUAL_LEAST: u64 = 10;

const fn usual_least() -> u64 {
    USUAL_LEAST
}

/// Name of the partition that takes a frame's memory while `frame-full` is set on one of its LPARs.
pub const FILLER: &str = "filler";

/// What each virtual processor needs, in hundredths of a unit (HV §2.3).
pub(crate) const PER_PROCESSOR: u64 = 5;

/// The *d* of `1:d`, the part of its most memory that a partition's page table is (HV §4.4).
pub(crate) const HPT_RATIO: u64 = 128;

/// `there - held`, below 0 where that is more.
fn less(there: u64, held: u64) -> i64 {
    i64::try_from(there).unwrap_or(i64::MAX).saturating_sub_unsigned(held)
}

/// What can be given away where so much is left.
fn none_below(left: i64) -> u64 {
    u64::try_from(left).unwrap_or(0)
}

impl Partition {
    /// Most memory that it may have, in MB.
    pub const fn most_mb(&self) -> u64 {
        self.memory_mb * 2
    }

    /// Least entitlement that it may run with all its virtual processors, in hundredths of a unit.
    pub fn least_hundredths(&self) -> u64 {
        self.min_hundredths.max(u64::from(self.procs) * PER_PROCESSOR)
    }
}

/// The level of a frame of which none is said.
pub(crate) fn usual_firmware() -> String {
    "VL950_105".to_owned()
}

/// A VIO server: what it serves to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vios {
    /// Loopback address of its SSH server.
    pub address: String,
    /// `3.1.4.21`.
    pub level: String,
    /// One server adapter for each client LPAR.
    pub vhosts: Vec<Vhost>,
    /// One virtual Fibre Channel server adapter for each client LPAR that has one.
    #[serde(default)]
    pub vfchosts: Vec<Vfchost>,
    /// What is wrong with it.
    #[serde(default)]
    pub faults: BTreeSet<ConsoleFault>,
}

/// A virtual SCSI server adapter. It stays where it is; only its client changes (HV §3.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vhost {
    /// `vhost3`.
    pub name: String,
    /// Virtual slot.
    pub slot: u32,
    /// Id of the client partition now.
    pub client_id: u32,
    /// The LPAR it was made for.
    pub lpar: String,
    /// Disks behind it, in the order of their LUNs.
    pub backing: Vec<String>,
    /// Whether its profile names no client, so that any may use it.
    #[serde(default)]
    pub open: bool,
}

/// A virtual Fibre Channel server adapter (NPIV). As a [`Vhost`] it stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vfchost {
    /// `vfchost0`.
    pub name: String,
    /// Virtual slot.
    pub slot: u32,
    /// Id of the client partition now.
    pub client_id: u32,
    /// Virtual slot of the client adapter.
    pub client_slot: u32,
    /// The LPAR it was made for.
    pub lpar: String,
}

/// State of a partition in the spelling of the HMC's command line (HV §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartitionState {
    /// It runs.
    Running,
    /// Switched off; may still hold resources.
    NotActivated,
    /// On its way up.
    Starting,
    /// On its way down.
    ShuttingDown,
    /// In firmware: nothing to boot from was found.
    OpenFirmware,
}

impl PartitionState {
    /// As `lssyscfg` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::NotActivated => "Not Activated",
            Self::Starting => "Starting",
            Self::ShuttingDown => "Shutting Down",
            Self::OpenFirmware => "Open Firmware",
        }
    }
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Name; unique in its frame.
    pub name: String,
    /// Id; 1 to `max_lpars`.
    pub id: u32,
    /// `aixlinux` or `vioserver`.
    pub env: String,
    /// Its state.
    pub state: PartitionState,
    /// Memory it holds, in MB.
    pub memory_mb: u64,
    /// Entitlement it holds, in hundredths of a unit.
    pub hundredths: u64,
    /// What its profile gives it, in hundredths of a unit: a Live Update that gives up processors does not change that.
    pub desired_hundredths: u64,
    /// Least entitlement that it may run with, in hundredths of a unit.
    #[serde(default = "usual_least")]
    pub min_hundredths: u64,
    /// Virtual processors.
    pub procs: u32,
    /// Number of its pool of processors.
    #[serde(default)]
    pub pool: u32,
    /// Upper case, as the HMC prints it for partitions.
    pub uuid: String,
    /// What RMC last said of its system.
    pub os_version: String,
    /// Reference code on its panel; empty while all is quiet.
    pub refcode: String,
    /// Address that RMC knows.
    pub rmc_ipaddr: String,
    /// What is not as usual.
    #[serde(default, skip_serializing_if = "Odd::is_usual")]
    pub odd: Odd,
}

/// What a partition has that Live Update does not take (HV §2.2, §2.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Odd {
    /// Its profile is written whenever something changes.
    pub profile_synced: bool,
    /// It can be restarted on another frame.
    pub remote_restart: bool,
    /// It is being moved to another frame.
    pub migrating: bool,
    /// All its virtual slots are in use.
    pub no_virtual_slot: bool,
    /// Hardware in slots of its own.
    pub physical_slots: BTreeSet<String>,
    /// Attributes of its profile that have other values than at first.
    pub profile: BTreeMap<String, String>,
}

impl Odd {
    /// Whether everything is as usual.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Frame {
    /// Memory that can still be given away, in MB.
    pub fn free_mb(&self) -> u64 {
        none_below(self.left().free_mb)
    }

    /// Entitlement that can still be given away, in hundredths of a unit.
    pub fn free_hundredths(&self) -> u64 {
        none_below(self.left().free_hundredths)
    }

    /// What a pool has left, in hundredths of a unit; `None` where it has no limit.
    pub fn free_of_pool(&self, id: u32) -> Option<u64> {
        self.left().free_of_pools.get(&id).copied().map(none_below)
    }

    /// Memory that the frame has less for a partition: its own in whole regions, and its page table.
    pub fn held_mb(&self, partition: &Partition) -> u64 {
        partition.memory_mb.next_multiple_of(self.region_mb.max(1)) + self.table_mb(partition)
    }

    /// Memory of the hypervisor, with what it takes for partitions, in MB.
    pub fn hypervisor_mb(&self) -> u64 {
        let tables: u64 = self.partitions.iter().map(|one| self.table_mb(one)).sum();
        self.firmware_mb + tables
    }

    /// The page table of a partition: the 128th part of the most memory that it may have, as a power of two, in whole regions (HV §4.4).
    fn table_mb(&self, partition: &Partition) -> u64 {
        if !self.page_tables || partition.memory_mb == 0 {
            return 0;
        }
        let table = (partition.most_mb() / HPT_RATIO).next_power_of_two();
        table.next_multiple_of(self.region_mb.max(1))
    }

    /// What can still be given away of everything.
    pub fn left(&self) -> Left {
        let held = |of: fn(&Partition) -> u64, pool: Option<u32>| -> u64 {
            let held = self.partitions.iter().filter(|one| pool.is_none_or(|id| one.pool == id));
            held.map(of).sum()
        };
        let memory: u64 = self.partitions.iter().map(|one| self.held_mb(one)).sum();
        let processors = |one: &Partition| one.hundredths;
        let of_pool = |pool: &Pool| {
            let held = pool.reserved_hundredths + held(processors, Some(pool.id));
            (pool.id, less(pool.most_hundredths, held))
        };
        Left {
            free_mb: less(self.configurable_mb, self.firmware_mb + memory),
            free_hundredths: less(self.configurable_hundredths, held(processors, None)),
            free_of_pools: self.pools.iter().map(of_pool).collect(),
            free_partitions: i64::from(self.max_lpars)
                - i64::try_from(self.partitions.len()).unwrap_or(i64::MAX),
        }
    }

    /// The partition with that id.
    pub fn partition(&self, id: u32) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.id == id)
    }

    /// The partition with that id, to be changed.
    pub fn partition_mut(&mut self, id: u32) -> Option<&mut Partition> {
        self.partitions.iter_mut().find(|partition| partition.id == id)
    }

    /// The partition of that name.
    pub fn named(&self, name: &str) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.name == name)
    }

    /// The lowest id nobody has.
    pub fn free_id(&self) -> Option<u32> {
        (1..=self.max_lpars).find(|id| self.partition(*id).is_none())
    }

    /// `8286-42A*214F58V`.
    pub fn mtms(&self) -> String {
        format!("{}*{}", self.type_model, self.serial)
    }
}
