//! What runs on an LPAR beside the workload and an administrator switches on and off (LU §4.4): a boot starts it as the files of the
//! system say.

use serde::{Deserialize, Serialize};

/// State of a running system that its files do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Workload Manager.
    pub workload_manager: WorkloadManager,
    /// Whether auditing is on.
    pub auditing: bool,
}

/// How Workload Manager runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkloadManager {
    /// Not at all.
    #[default]
    Stopped,
    /// It regulates.
    Active,
    /// It watches.
    Passive,
}

impl Running {
    /// What a boot with this inittab starts: entries whose action is not `off`.
    pub fn after_boot(inittab: &str) -> Self {
        let starts = |id: &str| {
            inittab.lines().any(|line| {
                let mut fields = line.split(':');
                fields.next() == Some(id) && fields.nth(1).is_some_and(|action| action != "off")
            })
        };
        let manager = starts(WLM_ENTRY);
        Self {
            workload_manager: if manager {
                WorkloadManager::Active
            } else {
                WorkloadManager::Stopped
            },
            auditing: starts(AUDIT_ENTRY),
        }
    }
}

/// Entries of inittab (LU S22; that of auditing is inferred).
pub const WLM_ENTRY: &str = "rcnetwlm";
/// See [`WLM_ENTRY`].
pub const AUDIT_ENTRY: &str = "audit";
