//! What something waits for, and who decides.

use serde::{Deserialize, Serialize};

use crate::stamp::Timestamp;
use crate::ticket::Ticket;

/// What something waits for: since when, until when, and who decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Why {
    /// What it is about: `rollout spring`, `lpar07 in rollout spring`.
    pub about: String,
    /// Where it stands.
    pub stands: String,
    /// The ticket under which its rollout was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What it waits for; nothing where it waits for nothing.
    pub waits: Vec<WaitsFor>,
    /// When it is given up, whatever it waits for.
    pub given_up_at: Option<Timestamp>,
    /// What somebody can type.
    pub hint: Option<String>,
}

/// Something that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WaitsFor {
    /// What.
    pub what: String,
    /// By how many LPARs, of a rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lpars: Option<usize>,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// Until when, where a time ends it.
    pub until: Option<Timestamp>,
    /// Who or what decides.
    pub decides: String,
    /// What somebody can type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
