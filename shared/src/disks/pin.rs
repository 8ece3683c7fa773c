//! Which disks earlier runs still need.

use super::{Pvid, Role, Udid};
use crate::id::OperationId;

/// A disk that was used: what for, its physical volume id and its unique id.
pub type Used = (Role, Option<Pvid>, Option<Udid>);

/// A Live Update that got as far as the disks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The operation.
    pub operation: OperationId,
    /// Whether the workload was moved.
    pub moved: bool,
    /// Its disks.
    pub disks: Vec<Used>,
}

/// A disk that holds what a run left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The run.
    pub by: OperationId,
    /// What the disk was for.
    pub role: Role,
    /// Its physical volume id.
    pub pvid: Option<Pvid>,
    /// Its unique id.
    pub udid: Option<Udid>,
}

/// The disks that `runs`, the newest first, still hold: those of the last one that moved the workload, which are the way back and
/// what the running kernel was booted from, and those of every run after it, which may wait for a clean-up. What was before it is
/// needed by nothing any more. Source: LU §4.4a (D12, D13), §6.2.
#[must_use]
pub fn pins(runs: &[Run]) -> Vec<Pin> {
    let mut pins = Vec::new();
    for run in runs {
        pins.extend(run.disks.iter().map(|(role, pvid, udid)| Pin {
            by: run.operation,
            role: *role,
            pvid: pvid.clone(),
            udid: udid.clone(),
        }));
        if run.moved {
            break;
        }
    }
    pins
}
