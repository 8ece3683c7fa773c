//! A plan: who is updated when, who waits for what, who is left out and why, and when it stops.
//!
//! A plan is a function of the file, what was read of the site, what is known of earlier updates, the seed, and the time at which it begins:
//! [`make()`] looks at nothing else. Its [`fingerprint`](Plan::fingerprint) stands for all of these.

pub(crate) mod excluded;
mod make;
mod numbers;
mod propose;
mod what_if;

#[cfg(test)]
mod tests;

use nim_shared::id::{Digest, ObjectName};
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;
use serde::{Deserialize, Serialize};

use crate::facts::{Past, Snapshot};
use crate::file::{Approval, Rollout};
use crate::predict::Basis;

pub use excluded::{Excluded, Why};
pub use make::{Prepared, make, prepare};
pub use numbers::StopNumbers;
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

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the rollout.
    pub name: ObjectName,
    /// What it was made from, in one number.
    pub fingerprint: Digest,
    /// The seed of what chance decided.
    pub seed: u64,
    /// When it begins at the earliest.
    pub begin: Timestamp,
    /// When the last one is over, if each takes its usual time.
    pub usual_end: Timestamp,
    /// When the last one is over, if each takes longer than 95 of 100.
    pub end: Timestamp,
    /// Before this no plan could be done that takes the same times.
    pub bound: Timestamp,
    /// Its waves.
    pub waves: Vec<PlannedWave>,
    /// Who is updated, in the order of their starts.
    pub targets: Vec<Planned>,
    /// Who would be updated but is held back now.
    pub held: Vec<Held>,
    /// Who is left out.
    pub excluded: Vec<Excluded>,
    /// What the classes have in common, by their numbers.
    pub classes: Vec<String>,
    /// How many stop the whole.
    pub stop: StopNumbers,
}

/// A wave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedWave {
    /// Its name.
    pub name: ObjectName,
    /// How many LPARs are in it, those held back included.
    pub members: usize,
    /// When it begins.
    pub begin: Timestamp,
    /// When it is over, if each takes its usual time.
    pub usual_end: Timestamp,
    /// When it is over, if each takes longer than 95 of 100.
    pub end: Timestamp,
    /// Before this it could not be over.
    pub bound: Timestamp,
    /// How long is waited after it.
    pub soak: Seconds,
    /// Whether somebody has to approve before it.
    pub approval: Approval,
    /// How many of it have to be updated before the next begins.
    pub healthy: Option<usize>,
    /// Most in flight at a time.
    pub in_flight: usize,
    /// How many stop it.
    pub stop: StopNumbers,
    /// How many can have failed at worst when everything has come to rest after a stop: those in flight then fail too.
    pub worst_failed: Option<usize>,
}

/// An LPAR that is updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Its name.
    pub lpar: ObjectName,
    /// Number of its wave, from 0.
    pub wave: usize,
    /// Its frame.
    pub frame: Option<ObjectName>,
    /// Number of its class.
    pub class: u32,
    /// When it starts.
    pub begin: Timestamp,
    /// When it is over usually.
    pub usual_end: Timestamp,
    /// When it is over, if it takes longer than 95 of 100.
    pub end: Timestamp,
    /// How long its workload stands still, longer than 95 of 100.
    pub blackout: Option<Seconds>,
    /// What the times rest on.
    pub basis: Basis,
    /// What it waits for before it starts, beside its wave.
    pub waits_for: Option<String>,
    /// Why somebody has to approve it.
    pub approval: Option<String>,
    /// What was known of it, in one number.
    pub fingerprint: Digest,
}

/// An LPAR that is held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its name.
    pub lpar: ObjectName,
    /// Number of its wave, from 0.
    pub wave: usize,
    /// Why; looked at again just before it would start.
    pub reasons: Vec<String>,
    /// What was known of it, in one number.
    pub fingerprint: Digest,
}
