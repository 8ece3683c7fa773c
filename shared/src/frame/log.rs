//! Logs of the LPAR that are kept with an operation which did not go well.

use serde::{Deserialize, Serialize};

use crate::operation::Message;

/// A part of a log file that the agent keeps behind what the programs of the operation wrote. Recorded before it is added: what is there
/// is in the range that is named here, and may be shorter where the agent was killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeptLog {
    /// Name by which it is asked for, such as `lvupdlog`.
    pub name: String,
    /// Absolute path on the LPAR.
    pub path: String,
    /// Size of the file, in bytes. What is left out is said in the text.
    pub size: u64,
    /// Where it begins in the operation's output, in bytes.
    pub output: u64,
    /// How long it is there, in bytes.
    pub bytes: u64,
    /// What it says of what is known, and errors with numbers that are not: the first of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
}
