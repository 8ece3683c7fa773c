//! Operations: who works on which, where each stands, and what follows from a transition.
//!
//! The state is the engine's, kept whole as `jsonb`; what lists and limits ask for stands beside it in plain columns, written
//! in the same statement. Whoever writes names the fence that it holds: `WHERE fence = …` is part of the statement.

mod action;
mod blackout;
mod claim;
mod decide;
mod last;
mod past;
mod record;
mod room;
mod start;
mod step;

pub use action::{FollowUpAction, NextTry};
pub use claim::Limits;
pub(super) use claim::lock_claims;
pub(super) use decide::held;
pub use decide::{CancelAnswer, Verdict};
pub use past::{Adopted, Past};
pub use record::{Asked, OperationFilter, Record, Resolution};
pub use start::{Go, Starting};
pub use step::{Change, Step};
pub(super) use step::{Moved, Outcome, transition, write_moves};

#[cfg(test)]
mod tests;
