//! Rollouts: the file, the plan, and every decision of a run.
//!
//! Nothing here acts. There is no IO, no clock and no chance but that of a seed: a plan is a function of what it was given, so that the same
//! input gives the same plan wherever it is made, and so that hundred thousands of cases are tried in a test run. Why this is a crate of
//! its own: `docs/decisions/0010-rollouts-are-planned-in-a-crate-of-their-own.md`.

pub mod bound;
pub mod calendar;
pub mod choose;
pub mod class;
pub mod compile;
pub mod facts;
pub mod file;
pub mod pack;
pub mod plan;
pub mod predict;
pub mod reach;
pub mod rehearse;
pub mod run;
pub mod seed;
pub mod site;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod wave;
