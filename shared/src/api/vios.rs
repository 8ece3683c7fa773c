//! What VIOSes serve to whom.

use serde::{Deserialize, Serialize};

use crate::id::{LparId, ObjectName};
use crate::stamp::Timestamp;

/// A VIOS as it showed itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ViosReading {
    /// When it was read, before the first question.
    pub read_at: Timestamp,
    /// The HMC through which it was asked; `None` where it was asked itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ObjectName>,
    /// Its level, as `ioslevel` prints it: `3.1.4.21`.
    pub level: String,
    /// Its virtual adapters for clients.
    pub adapters: Vec<ServerAdapter>,
}

/// A virtual adapter of a VIOS for one client. Source of the fields: `lsmap` (HMC reference §3.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerAdapter {
    /// Its name on the VIOS: `vhost3`, `vfchost0`.
    pub name: String,
    /// Its location code: frame, partition of the VIOS, slot.
    pub location: String,
    /// The client partition; `None` where it has none.
    pub client_id: Option<LparId>,
    /// What goes through it.
    #[serde(flatten)]
    pub kind: AdapterKind,
}

/// What goes through a virtual adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AdapterKind {
    /// Virtual SCSI: disks that the VIOS has.
    Scsi {
        /// Its targets, in the order of the VIOS.
        targets: Vec<ScsiTarget>,
    },
    /// NPIV: a port of the VIOS, through which the client sees disks of its own.
    Fc {
        /// `LOGGED_IN`, `NOT_LOGGED_IN`.
        status: String,
        /// The port of the VIOS; `None` where none is mapped.
        port: Option<String>,
        /// The client's adapter, as the client calls it; `None` while it is down.
        client_adapter: Option<String>,
        /// Where that is.
        client_location: Option<String>,
    },
}

/// A disk behind a virtual SCSI adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScsiTarget {
    /// The virtual target device.
    pub vtd: String,
    /// `Available`, `Defined`.
    pub status: String,
    /// Its LUN, as the client sees it.
    pub lun: String,
    /// The disk or volume of the VIOS behind it.
    pub backing: String,
    /// Where that is in the machine; empty for what is nowhere, such as a volume. Absent where it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// How a VIOS is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ViosStatus {
    /// Its level; `None` where it was never read.
    pub level: Option<String>,
    /// When it was read last.
    pub read_at: Option<Timestamp>,
    /// The HMC through which it was; `None` where it was asked itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ObjectName>,
    /// Why it could not be read later than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
}

/// A virtual adapter with its two ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdapterView {
    /// The VIOS.
    pub vios: ObjectName,
    /// The LPAR that it serves, where that is on record.
    pub client: Option<ObjectName>,
    /// When the VIOS showed it.
    pub read_at: Timestamp,
    /// The adapter.
    #[serde(flatten)]
    pub adapter: ServerAdapter,
}

/// The virtual adapters of one machine: of a VIOS those that it has, of an LPAR those that serve it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MachineAdapters {
    /// The machine.
    pub name: ObjectName,
    /// Of a VIOS, how it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vios: Option<ViosStatus>,
    /// The adapters.
    pub adapters: Vec<AdapterView>,
}
