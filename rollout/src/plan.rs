//! A plan: who is updated when, who waits for what, who is left out and why, and when it stops.
//!
//! A plan is a function of the file, what was read of the site, what is known of earlier updates, the seed, and the time at which it begins:
//! [`make()`] looks at nothing else. Its [`fingerprint`](Plan::fingerprint) stands for all of these.

pub(crate) mod excluded;
mod late;
mod make;
mod numbers;
mod propose;
mod what_if;

#[cfg(test)]
mod tests;

use nim_shared::stamp::Timestamp;

use crate::facts::{Past, Snapshot};
use crate::file::Rollout;

pub use excluded::Why;
pub use make::{Prepared, Present, make, prepare, present};
pub use nim_shared::api::{
    HeldLpar as Held, LeftOut as Excluded, PlannedLpar as Planned, PlannedWave,
    RolloutPlan as Plan, StopNumbers,
};
pub use propose::{Proposal, propose};
pub use what_if::{BadChange, WhatIf};

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The rollout.
    pub file: &'a Rollout,
    /// The site.
    pub snapshot: &'a Snapshot,
    /// Earlier updates.
    pub history: &'a [Past],
    /// When it begins at the earliest.
    pub begin: Timestamp,
}
