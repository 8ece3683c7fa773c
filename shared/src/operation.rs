//! What an operation came to: states by name, outcomes, and the report that the agent makes at the end.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::aftercare::OpenItem;
use crate::disks::RunDisks;
use crate::frame::Exposed;
use crate::id::{DiskName, LparId};
use crate::prep::SiteBackup;
use crate::stage::{UnknownName, names};
use crate::unit::{Milliseconds, Seconds};

names! {
    /// State of an operation. What leads from one to the next is decided in one place, `nimd`'s engine.
    StateName, "state" {
        /// The request was committed; no master works on it.
        Queued = "queued",
        /// A master holds the lease; the session is being opened; `start` may be under way.
        Dispatching = "dispatching",
        /// The agent acknowledged that it took the id.
        Running = "running",
        /// The agent reported success and what it verified.
        Succeeded = "succeeded",
        /// There was nothing to do.
        Unchanged = "unchanged",
        /// The move did not happen, or what was to follow it failed.
        Failed = "failed",
        /// Cancelled before it could not be; everything is restored.
        Cancelled = "cancelled",
        /// A person is needed. Keeps the LPAR and its capacity until it is resolved.
        Stuck = "stuck",
    }
}

impl StateName {
    /// Whether nothing follows by itself and the LPAR is free for another operation.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Succeeded | Self::Unchanged | Self::Failed | Self::Cancelled => true,
            Self::Queued | Self::Dispatching | Self::Running | Self::Stuck => false,
        }
    }
}

names! {
    /// What is on disk after an operation that failed.
    Software, "software state" {
        /// Nothing was installed.
        Unchanged = "unchanged",
        /// Some of it was installed before an error.
        PartlyApplied = "partly_applied",
        /// Everything is installed on the original; the old kernel runs. TL and SP updates are committed first.
        AppliedNotLive = "applied_not_live",
        /// Everything that was asked for is installed, and live where a Live Update was asked for: what failed came after it.
        Applied = "applied",
    }
}

names! {
    /// What of the software that was asked for is on the disk.
    OnDisk, "state of the software" {
        /// Nothing of it.
        Unchanged = "unchanged",
        /// A part of it.
        PartlyApplied = "partly_applied",
        /// All of it.
        Applied = "applied",
    }
}

names! {
    /// Which kernel runs.
    Kernel, "state of the kernel" {
        /// The one that ran before.
        Old = "old",
        /// One that was moved to, or booted, since.
        New = "new",
    }
}

/// What is on an LPAR in the end, as it was read there: two things, which need not go together. `None` where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Found {
    /// The software on the disk.
    pub software: Option<OnDisk>,
    /// The kernel.
    pub kernel: Option<Kernel>,
}

impl Found {
    /// As an `outcome` alone says it.
    #[must_use]
    pub const fn by(outcome: &Outcome) -> Self {
        let (software, kernel) = match outcome {
            Outcome::Unchanged
            | Outcome::Cancelled
            | Outcome::Failed { software: Software::Unchanged } => (OnDisk::Unchanged, Kernel::Old),
            Outcome::Failed { software: Software::PartlyApplied } => {
                (OnDisk::PartlyApplied, Kernel::Old)
            }
            Outcome::Failed { software: Software::AppliedNotLive } => {
                (OnDisk::Applied, Kernel::Old)
            }
            Outcome::Failed { software: Software::Applied } => (OnDisk::Applied, Kernel::New),
            Outcome::Succeeded { .. } | Outcome::Stuck { .. } => {
                return Self { software: None, kernel: None };
            }
        };
        Self { software: Some(software), kernel: Some(kernel) }
    }
}

names! {
    /// What is still open after a success.
    FollowUp, "follow-up" {
        /// geninstall reported errors in post-processing (1430-094): paths, the old LPAR, resources.
        PostProcessing = "post_processing",
        /// Fewer paths to disks than before, or paths that are not enabled.
        Paths = "paths",
        /// Processes run on libraries that were replaced.
        OldLibraries = "old_libraries",
        /// Files of the configuration were rewritten by the update (`config.diff`).
        ConfigurationChanged = "configuration_changed",
        /// The console's token was not found in the new kernel.
        ConsoleToken = "console_token",
        /// What is booted first is none of rootvg's disks.
        BootList = "boot_list",
        /// RMC shows no management console as connected.
        ManagementLink = "management_link",
        /// An interim fix that was asked for is not installed.
        InterimFix = "interim_fix",
        /// The system, or a fileset, is at a lower level than it should be.
        Level = "level",
        /// The error log has entries that were written since the update began.
        ErrorLog = "error_log",
        /// Host name or machine id are others than before.
        Identity = "identity",
        /// A hook of the site did not succeed, whose failure is declared to be a warning.
        Hook = "hook",
    }
}

names! {
    /// Why a person is needed.
    StuckReason, "reason" {
        /// Something that prep changed could not be put back.
        UndoFailed = "undo_failed",
        /// A failed Live Update left its lock or its surrogate behind.
        CleanUpOpen = "clean_up_open",
        /// The agent no longer has the journal of an operation that it had taken.
        JournalLost = "journal_lost",
        /// The journal on the LPAR is damaged elsewhere than in its last record.
        JournalDamaged = "journal_damaged",
        /// A deadline passed and the LPAR's state is unknown.
        DeadlinePassed = "deadline_passed",
        /// Evidence on the LPAR contradicts itself.
        Ambiguous = "ambiguous",
        /// The LPAR is not the one that it was: serial, name or installation changed.
        AnotherMachine = "another_machine",
    }
}

/// How an operation ended, with what belongs to that end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Done and verified.
    Succeeded {
        /// What is still open; empty when nothing is.
        #[serde(default)]
        follow_up: Vec<FollowUp>,
    },
    /// There was nothing to do.
    Unchanged,
    /// The move did not happen, or what was to follow failed; what its class says is restored.
    Failed {
        /// What is on disk now.
        software: Software,
    },
    /// Cancelled in time; everything is restored.
    Cancelled,
    /// A person is needed.
    Stuck {
        /// Why.
        reason: StuckReason,
    },
}

impl Outcome {
    /// The state that an operation with this outcome is in.
    #[must_use]
    pub const fn state(&self) -> StateName {
        match self {
            Self::Succeeded { .. } => StateName::Succeeded,
            Self::Unchanged => StateName::Unchanged,
            Self::Failed { .. } => StateName::Failed,
            Self::Cancelled => StateName::Cancelled,
            Self::Stuck { .. } => StateName::Stuck,
        }
    }
}

/// How long the workload stood still, from three sources that are independent of each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Blackout {
    /// What the preview estimated.
    pub estimated: Option<Seconds>,
    /// From geninstall's own two lines; `None` where the text has no time.
    pub reported: Option<Seconds>,
    /// The largest gap of the agent's ticker during the silent phases. `None` when wall and monotonic clock disagree.
    pub measured: Option<Milliseconds>,
}

/// State of an LPAR as the agent found it, before or after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Snapshot {
    /// `oslevel -s`, such as `7300-03-01-2520`.
    pub level: Option<String>,
    /// Partition id.
    pub lpar_id: Option<LparId>,
    /// Partition name.
    pub partition_name: Option<String>,
    /// Labels of the interim fixes that are installed; `None` where they could not be read.
    #[serde(default)]
    pub interim_fixes: Option<Vec<String>>,
    /// Disks with what they hold.
    #[serde(default)]
    pub disks: Vec<Disk>,
    /// Number of paths by disk and status, such as `hdisk0` → `Enabled` → 2.
    #[serde(default)]
    pub paths: Vec<PathCount>,
}

impl Snapshot {
    /// Whether an interim fix is known to be installed.
    #[must_use]
    pub fn has_fix(&self, label: &str) -> bool {
        self.interim_fixes.iter().flatten().any(|one| one == label)
    }
}

/// One row of `lspv`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Disk {
    /// Name on this LPAR, at this time.
    pub name: DiskName,
    /// Physical volume id; `None` when it has none.
    pub pvid: Option<String>,
    /// Volume group; `None` when `lspv` shows none, which does not mean that the disk is free.
    pub volume_group: Option<String>,
    /// Whether its volume group is varied on.
    pub active: bool,
}

/// How many paths of one disk have one status.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PathCount {
    /// The disk.
    pub disk: DiskName,
    /// As `lspath` prints it: `Enabled`, `Failed`, `Missing`, `Defined`, …
    pub status: String,
    /// Number of such paths.
    pub count: u32,
}

/// A line that has a code: what the code means may depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message {
    /// Number or name.
    pub code: String,
    /// The line, as it came from the LPAR.
    pub text: String,
}

/// What the agent reports at the end of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What is on the LPAR, of an update or an installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// One sentence for a person: what decided the outcome.
    pub summary: String,
    /// Error codes in the order in which they appeared, such as `1430-030`.
    #[serde(default)]
    pub codes: Vec<String>,
    /// The first line of each of them of which one is at hand. Empty from an older agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// State before anything was touched.
    pub before: Option<Snapshot>,
    /// State at the end.
    pub after: Option<Snapshot>,
    /// How long the workload stood still.
    #[serde(default)]
    pub blackout: Blackout,
    /// What the preview estimated for the whole update.
    pub estimated_total: Option<Seconds>,
    /// Names of the logs that are kept with the operation, such as `lvupdlog`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<String>,
    /// What is left to do, one by one, as far as a later look can tell that it is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_items: Vec<OpenItem>,
    /// The backup that the site's own hook made before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_backup: Option<SiteBackup>,
    /// Times without IP filters that the LPAR had before; one without an end lasts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exposed: Vec<Exposed>,
    /// What it left on its disks; `None` where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disks: Option<RunDisks>,
}

impl Report {
    /// One that says how it ended and nothing else.
    #[must_use]
    pub fn of(outcome: Outcome, summary: impl Into<String>) -> Self {
        Self {
            outcome,
            found: None,
            summary: summary.into(),
            codes: Vec::new(),
            messages: Vec::new(),
            before: None,
            after: None,
            blackout: Blackout::default(),
            estimated_total: None,
            logs: Vec::new(),
            open_items: Vec::new(),
            site_backup: None,
            exposed: Vec::new(),
            disks: None,
        }
    }
}

/// Names that a newer version knows and this one does not are kept as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Named<T> {
    /// One of ours.
    Known(T),
    /// What another version wrote.
    Other(String),
}

impl<T: FromStr<Err = UnknownName>> Named<T> {
    /// Reads `text`; never fails.
    #[must_use]
    pub fn read(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Other(text.to_owned()), Self::Known)
    }
}

impl<T: Copy> Named<T> {
    /// The value, where this version knows it.
    #[must_use]
    pub const fn known(&self) -> Option<T> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Other(_) => None,
        }
    }
}

impl<T: fmt::Display> fmt::Display for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => value.fmt(f),
            Self::Other(text) => f.pad(&crate::id::printable(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Phase;

    #[test]
    fn an_outcome_is_one_object_with_its_details() {
        let outcome = Outcome::Failed { software: Software::AppliedNotLive };
        assert_eq!(
            serde_json::to_string(&outcome).unwrap(),
            r#"{"outcome":"failed","software":"applied_not_live"}"#
        );
    }

    #[test]
    fn only_stuck_keeps_its_lpar_among_the_ends() {
        let open: Vec<_> =
            StateName::ALL.iter().filter(|s| !s.is_terminal()).map(|s| s.name()).collect();
        assert_eq!(open, ["queued", "dispatching", "running", "stuck"]);
    }

    #[test]
    fn a_phase_of_a_newer_version_is_kept_as_text() {
        let read: Named<Phase> = serde_json::from_str("\"teleport\"").unwrap();
        assert_eq!((read.known(), read.to_string().as_str()), (None, "teleport"));
    }
}
