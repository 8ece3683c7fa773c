//! What the master does in the midst of an operation, while the agent waits for it.

use serde::{Deserialize, Serialize};

use crate::hook::HookPoint;
use crate::stage::Stage;

/// What is asked of the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum MasterStep {
    /// To look whether the frame still has room for the second partition.
    Capacity,
    /// To run its own hooks of this point, or to say how they ended.
    Hooks {
        /// Where the operation stands.
        at: HookPoint,
    },
}

impl MasterStep {
    /// The stage in which it is asked for.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::Capacity => Stage::Update,
            Self::Hooks { at } => at.stage(),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum StepAnswer {
    /// Nothing stands against going on.
    GoOn,
    /// Something does.
    Against {
        /// What, for a person.
        text: String,
    },
    /// The master cannot tell.
    Unknown {
        /// Why, for a person.
        text: String,
    },
}
