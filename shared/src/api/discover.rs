//! What HMCs show of a site, and the inventory brought up to it.

use serde::{Deserialize, Serialize};

use super::{AdapterView, Applied, Failure, ViosStatus};
use crate::id::{LparId, ObjectName};
use crate::level::Level;
use crate::stage::names;
use crate::stamp::Timestamp;
use crate::unit::{Megabytes, ProcessorUnits};

/// A frame as an HMC shows it. Source of the names: `lssyscfg -r sys` (HMC reference §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SystemView {
    /// Its name on the HMC.
    pub name: String,
    /// Machine type and model: `9105-42A`.
    pub type_model: String,
    /// Serial number.
    pub serial_num: String,
    /// Address of its service processor as the HMC has it.
    pub ipaddr: String,
    /// Kind of its service processor; `None` where the HMC's level does not know of kinds.
    pub sp_type: Option<String>,
    /// How the HMC stands to it: `Operating`, `No Connection`, …
    pub state: String,
}

impl SystemView {
    /// What names it on every HMC: machine type, model and serial number.
    #[must_use]
    pub fn mtms(&self) -> String {
        format!("{}*{}", self.type_model, self.serial_num)
    }
}

/// A partition as an HMC shows it. Source of the names: `lssyscfg -r lpar` (HMC reference §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PartitionView {
    /// Its name.
    pub name: String,
    /// Its id on the frame.
    pub lpar_id: LparId,
    /// `aixlinux`, `vioserver`, `os400`.
    pub lpar_env: String,
    /// `Running`, `Not Activated`, …
    pub state: String,
    /// `active`, `inactive`, …
    pub rmc_state: String,
    /// Its address in the RMC domain; empty where there is none.
    pub rmc_ipaddr: String,
    /// System and level as RMC tells them: `AIX 7.2 7200-04-02-2028`, `Unknown`.
    pub os_version: String,
}

impl PartitionView {
    /// Its level, where it runs AIX and RMC tells the whole of it.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        let mut words = self.os_version.split_ascii_whitespace();
        let is_aix = words.next() == Some("AIX");
        words.nth(1).filter(|_| is_aix)?.parse().ok()
    }
}

/// A frame with what is known of it. Whose view that is and how old stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FrameStatus {
    /// Its object.
    pub name: ObjectName,
    /// Machine type, model and serial number: `9105-42A*78ABCD1`.
    pub mtms: String,
    /// Its HMCs, the preferred one first.
    pub hmcs: Vec<FrameConsole>,
    /// What was read last; `None` where no HMC showed anything yet.
    pub reading: Option<FrameFigures>,
    /// Its VIOSes and LPARs on record, and partitions without an object.
    pub partitions: Vec<FramePartition>,
}

/// An HMC of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FrameConsole {
    /// Its object.
    pub name: ObjectName,
    /// How it showed the frame last: `Operating`, `No Connection`, …
    pub state: Option<String>,
    /// When.
    pub state_at: Option<Timestamp>,
}

/// Capacity of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FrameFigures {
    /// When it was read.
    pub read_at: Timestamp,
    /// Memory that no partition holds.
    pub free_memory: Megabytes,
    /// Memory that partitions can hold.
    pub memory: Megabytes,
    /// Processors that no partition holds.
    pub free_processors: ProcessorUnits,
    /// Partitions that exist.
    pub partitions: Option<u32>,
    /// Partitions that can.
    pub max_partitions: Option<u32>,
}

/// A partition of a frame, or an object that says it is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FramePartition {
    /// Its object, where it has one.
    pub object: Option<ObjectName>,
    /// What the HMC showed; `None` where it showed no such partition, or nothing yet.
    pub seen: Option<PartitionView>,
    /// Of a VIOS, how it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vios: Option<ViosStatus>,
    /// Of an LPAR, the virtual adapters that serve it, of all VIOSes of the frame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adapters: Vec<AdapterView>,
}

/// How many LPARs have a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LevelCount {
    /// As `oslevel -s` prints it; `None` where none is known.
    pub level: Option<String>,
    /// How many.
    pub lpars: u64,
    /// Some of them.
    pub examples: Vec<ObjectName>,
    /// When the oldest of the readings was made that this counts.
    pub oldest_reading: Option<Timestamp>,
}

/// Brings the inventory up to what HMCs show. Nothing is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Discover {
    /// The HMCs that are asked; all that are defined where none is named.
    #[serde(default)]
    pub hmcs: Vec<ObjectName>,
    /// Show the differences, change nothing.
    pub dry_run: bool,
}

/// What was found, and what it changed or would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Discovered {
    /// The differences.
    #[serde(flatten)]
    pub applied: Applied,
    /// What a person should know of and nothing is changed for.
    pub findings: Vec<Finding>,
    /// HMCs that did not answer.
    pub failed: Vec<FailedHmc>,
}

/// Something that a person should know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// Name of the object, or of the partition on the HMC.
    pub name: String,
    /// Name of the frame, where it is about one.
    pub frame: Option<ObjectName>,
    /// One sentence, with what to do where something can be done.
    pub text: String,
}

names! {
    /// What kind of thing was found.
    FindingKind, "kind of finding" {
        /// A partition that a Live Update should have removed.
        Leftover = "leftover",
        /// An object whose partition no HMC shows.
        Vanished = "vanished",
        /// An object may be another partition than before, and its system could not be asked.
        Unsure = "unsure",
        /// A partition that is not taken in.
        LeftOut = "left_out",
        /// A frame whose partitions are not to be seen.
        Unseen = "unseen",
    }
}

/// An HMC that did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailedHmc {
    /// Its name.
    pub hmc: ObjectName,
    /// Why.
    pub failure: Failure,
}
