//! Where nothing new is started.

use serde::{Deserialize, Serialize};

use crate::id::ObjectName;
use crate::stamp::Timestamp;

/// Says that nothing new is to be started on a frame, by an HMC or behind a VIOS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetMaintenance {
    /// Why: it is shown to whoever waits.
    pub reason: String,
}

/// A frame, VIOS or HMC on which nothing new is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MaintenanceView {
    /// Its name.
    pub name: ObjectName,
    /// `cec`, `vios` or `hmc`.
    #[serde(rename = "type")]
    pub of: String,
    /// Why.
    pub reason: String,
    /// Who said so, as uid on the master.
    pub by: u32,
    /// Since when.
    pub since: Timestamp,
    /// How many operations run there and go on.
    pub running: usize,
}
