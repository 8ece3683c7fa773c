//! What a master finds by itself about an LPAR once an operation on it has ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::aftercare::OpenItem;
use crate::id::printable;

/// One finding. Masters write these behind what the agent has told, in a line of history of their own; no agent does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Found {
    /// Something is left to do.
    Left {
        /// What.
        item: OpenItem,
    },
    /// Something that was left to do is gone.
    Gone {
        /// What.
        item: OpenItem,
    },
    /// An HMC shows the profiles of the LPAR as they were before.
    ProfilesAsBefore,
    /// Whether they are as before could not be found out.
    ProfilesUnknown {
        /// Why.
        why: String,
    },
    /// The frame has the capacity again that the update took.
    CapacityFree {
        /// By what that is known.
        because: String,
    },
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left { item } => write!(f, "left to do: {item}"),
            Self::Gone { item } => write!(f, "left to do no longer: {item}"),
            Self::ProfilesAsBefore => f.write_str("the HMC shows the profile as before the update"),
            Self::ProfilesUnknown { why } => {
                write!(f, "whether the HMC profile is as before is not known: {}", printable(why))
            }
            Self::CapacityFree { because } => {
                write!(f, "the frame has the capacity again: {}", printable(because))
            }
        }
    }
}
