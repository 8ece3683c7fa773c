//! What is known of a site when a rollout is planned: one reading, which no decision goes behind.

use std::collections::{BTreeMap, BTreeSet};

use nim_shared::id::ObjectName;
use nim_shared::level::Level;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::{Megabytes, ProcessorUnits, Seconds};
use serde::{Deserialize, Serialize};

/// A site at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was read.
    pub at: Timestamp,
    /// What nimd allows in any case.
    pub allowed: Allowed,
    /// Its frames.
    pub frames: Vec<Frame>,
    /// Its LPARs.
    pub lpars: Vec<Lpar>,
    /// Where nothing new is to be started.
    #[serde(default)]
    pub maintenance: Vec<Maintenance>,
}

/// What nimd allows in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// Updates in total (`limits.in_flight`).
    pub in_flight: u32,
    /// Updates on a frame (`limits.per_frame`).
    pub per_frame: u32,
    /// Updates at an HMC (`limits.per_hmc`).
    pub per_hmc: u32,
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Its name.
    pub name: ObjectName,
    /// Its HMC, of several the one that is preferred.
    pub hmc: Option<ObjectName>,
    /// Most updates on it, where its object says so: goes before what is allowed in general.
    #[serde(default)]
    pub limit: Option<u32>,
    /// Most updates at its HMC, where that one's object says so.
    #[serde(default)]
    pub hmc_limit: Option<u32>,
    /// State, as the HMC shows it; `None` where it is not known.
    pub state: Option<String>,
    /// What is free; `None` where nothing is known: then only the number of updates counts.
    pub free: Option<Free>,
    /// What is free in its pools of processors, by their number; those without limit are left out.
    #[serde(default)]
    pub pools: BTreeMap<u32, ProcessorUnits>,
    /// Partition ids that are taken.
    #[serde(default)]
    pub ids: BTreeSet<u32>,
}

/// What is free on a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Free {
    /// Memory, less what is promised to others.
    pub memory: Megabytes,
    /// Processors, less what is promised to others.
    pub processors: ProcessorUnits,
    /// Memory is handed out in these.
    pub region: Megabytes,
    /// All memory that can be handed out.
    pub configurable: Megabytes,
    /// Partitions that may still be made; `None` where it is not known.
    pub partitions: Option<u32>,
}

/// An LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lpar {
    /// Its name.
    pub name: ObjectName,
    /// Its frame; `None` where it is not known.
    pub frame: Option<ObjectName>,
    /// VIOSes that serve it.
    #[serde(default)]
    pub vioses: BTreeSet<ObjectName>,
    /// Groups that it is in.
    #[serde(default)]
    pub groups: BTreeSet<ObjectName>,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its level.
    pub level: Option<Level>,
    /// Its interim fixes.
    #[serde(default)]
    pub fixes: BTreeSet<String>,
    /// How it gets its disks: `vscsi`, `npiv`.
    #[serde(default)]
    pub storage: BTreeSet<String>,
    /// Kernel extensions that somebody has registered with Live Update: those of AIX itself are in none of the lists that it keeps.
    #[serde(default)]
    pub extensions: BTreeSet<String>,
    /// Clusters that it is a node of.
    #[serde(default)]
    pub clusters: BTreeSet<Cluster>,
    /// What else is there for high availability: ids of workloads, such as `dataguard`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub availability: BTreeSet<String>,
    /// What it takes; `None` where it is not known: then only the number of updates counts.
    pub shape: Option<Shape>,
    /// The partition id that is asked for.
    #[serde(default)]
    pub wanted_id: Option<u32>,
    /// What a preview estimated.
    #[serde(default)]
    pub estimate: Estimate,
    /// What rules a Live Update out, such as findings of the preflight that block.
    #[serde(default)]
    pub blocked: Vec<String>,
    /// What holds it back for now: an operation that is open, a path that is lost, a migration, a VIOS that is down.
    #[serde(default)]
    pub held: Vec<String>,
}

impl Lpar {
    /// One of which nothing but its name is known.
    #[must_use]
    pub const fn named(name: ObjectName) -> Self {
        Self {
            name,
            frame: None,
            vioses: BTreeSet::new(),
            groups: BTreeSet::new(),
            labels: BTreeMap::new(),
            level: None,
            fixes: BTreeSet::new(),
            storage: BTreeSet::new(),
            extensions: BTreeSet::new(),
            clusters: BTreeSet::new(),
            availability: BTreeSet::new(),
            shape: None,
            wanted_id: None,
            estimate: Estimate { total: None, blackout: None },
            blocked: Vec::new(),
            held: Vec::new(),
        }
    }
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cluster {
    /// Of which software.
    pub software: ClusterSoftware,
    /// Its name.
    pub name: String,
}

/// Software of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterSoftware {
    /// `PowerHA`: one node at a time. Source: IBM's documentation of it; the reference on Live Update, §8.3.
    PowerHa,
    /// Oracle RAC: not updated in a rollout.
    OracleRac,
    /// Db2 pureScale: not updated in a rollout.
    PureScale,
}

/// What an LPAR takes of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Memory.
    pub memory: Megabytes,
    /// Least memory that it may have.
    pub min_memory: Megabytes,
    /// Most memory that it may have.
    pub max_memory: Megabytes,
    /// The *d* of the page table ratio `1:d`.
    pub hpt_ratio: Option<u64>,
    /// Entitlement, or whole processors.
    pub processors: ProcessorUnits,
    /// The least of it that it may have.
    pub min_processors: ProcessorUnits,
    /// Its pool of processors, where that has a limit.
    pub pool: Option<u32>,
    /// Whether its `lvupdate.data` says `cpu_reduction = yes`.
    #[serde(default)]
    pub cpu_reduction: CpuReduction,
}

/// Whether processors are taken from the LPAR when they are short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CpuReduction {
    /// They are not.
    #[default]
    No,
    /// They are.
    Yes,
}

/// What a preview estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// The whole update.
    pub total: Option<Seconds>,
    /// How long the workload stands still.
    pub blackout: Option<Seconds>,
}

/// Where nothing new is to be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// The frame, VIOS or HMC.
    pub on: ObjectName,
    /// Why.
    pub reason: String,
}

/// An update that is over, of which it is known how long it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Of which LPAR.
    pub lpar: ObjectName,
    /// What was estimated before.
    #[serde(default)]
    pub estimate: Estimate,
    /// How long it took.
    pub took: Seconds,
    /// How long the workload stood still, where that was measured.
    pub blackout: Option<Seconds>,
}
