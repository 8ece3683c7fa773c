//! What a lab needs to play a rollout: the site as it is known, and the rollout as it is played there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::LeftOut;
use crate::api::File;
use crate::id::{Digest, LparId, ObjectName};
use crate::unit::{Megabytes, ProcessorUnits};

/// Asks what a lab needs to play a rollout. Nothing is changed, and no host is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CopyForLab {
    /// The rollout: `schemas/rollout.schema.json` has its form.
    pub file: File,
    /// How many times faster than life the lab runs: the rollout's own times are divided by it.
    pub speed: u32,
}

/// The site of a rollout for a lab. Frames of the LPARs that the file names are there with all of their LPARs of which enough is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LabCopy {
    /// Name of the rollout.
    pub name: ObjectName,
    /// The plan that it was made from, in one number.
    pub fingerprint: Digest,
    /// The rollout as the lab plays it, in YAML.
    pub rollout: String,
    /// Who is updated there.
    pub targets: Vec<ObjectName>,
    /// What nimd allows at a time.
    pub limits: LabLimits,
    /// The HMCs of the frames.
    pub hmcs: Vec<LabHmc>,
    /// The frames.
    pub frames: Vec<LabFrame>,
    /// The LPARs on them.
    pub lpars: Vec<LabLpar>,
    /// What is installed from; nothing where the rollout installs nothing, or where nobody knows what.
    pub media: Option<LabMedia>,
    /// Frames and LPARs of which too little is known.
    pub left_out: Vec<LeftOut>,
    /// How else the copy differs from what is known, one sentence each.
    pub differs: Vec<String>,
}

/// How many operations nimd lets run at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LabLimits {
    /// On all frames together.
    pub global: u32,
    /// On a frame whose object says nothing.
    pub per_frame: u32,
    /// At an HMC whose object says nothing.
    pub per_hmc: u32,
}

/// An HMC to be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LabHmc {
    /// Its name.
    pub name: ObjectName,
    /// Most updates at a time on its frames, where its object says so.
    pub limit: Option<u32>,
}

/// A frame to be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LabFrame {
    /// Its name.
    pub name: ObjectName,
    /// Machine type and model: `9105-42A`.
    pub type_model: String,
    /// Serial number.
    pub serial: String,
    /// Its HMCs, the preferred one first.
    pub hmcs: Vec<ObjectName>,
    /// Most updates at a time on it, where its object says so.
    pub limit: Option<u32>,
    /// Memory that partitions can hold.
    pub memory: Megabytes,
    /// Memory that no partition holds and nobody is promised.
    pub free_memory: Megabytes,
    /// Memory is handed out in these.
    pub region: Megabytes,
    /// Processors that no partition holds and nobody is promised.
    pub free_processors: ProcessorUnits,
    /// What is free in its shared pools of processors that have a limit, by their numbers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pools: BTreeMap<u32, ProcessorUnits>,
    /// Partitions that it can have, where that was read.
    pub max_partitions: Option<u32>,
    /// Its VIOSes, by partition id.
    pub vioses: Vec<LabVios>,
}

/// A VIOS to be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LabVios {
    /// Its name.
    pub name: ObjectName,
    /// Its partition id.
    pub id: LparId,
    /// Its level, where it was read.
    pub level: Option<String>,
}

/// An LPAR to be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LabLpar {
    /// Its name.
    pub name: ObjectName,
    /// Its frame.
    pub frame: ObjectName,
    /// Its partition id.
    pub id: LparId,
    /// Its level, as `oslevel -s` prints it.
    pub level: String,
    /// Its memory.
    pub memory: Megabytes,
    /// Entitlement, or whole processors.
    pub processors: ProcessorUnits,
    /// The least of that it may run with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_processors: Option<ProcessorUnits>,
    /// Number of its shared pool of processors, where that has a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<u32>,
    /// Whether it gets disks by virtual Fibre Channel.
    pub npiv: bool,
    /// Its labels, and one that says its wave.
    pub labels: BTreeMap<String, String>,
    /// Groups that it is in.
    pub groups: BTreeSet<ObjectName>,
}

/// What a rollout installs from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LabMedia {
    /// Name of the `lpp_source`.
    pub name: ObjectName,
    /// The level that its updates lead to, as `oslevel -s` prints it.
    pub level: String,
}
