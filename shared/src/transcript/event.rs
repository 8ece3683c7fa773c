//! What the reader makes of a transcript.

use serde::{Deserialize, Serialize};

use super::local_time::LocalTime;
use super::outcome::Ending;
use crate::frame::Verdict;
use crate::stage::{Phase, Point};
use crate::unit::Megabytes;

/// One thing that a transcript says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The time stamp of the line, on the clock of the LPAR; `None` where the line has none, as everywhere in 7.2.
    pub at: Option<LocalTime>,
    /// What it says.
    pub what: What,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Another run of geninstall begins in the same text: what was said before is about an earlier one.
    NewRun,
    /// A phase begins. [`Phase::Blackout`] is the line `Blackout Time started.`; [`Phase::Countdown`] the last moment at
    /// which the run can still be interrupted.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// A point is passed: [`Point::Committed`] once the countdown is over, [`Point::Moved`] once the workload runs on the
    /// surrogate. Each is said once in a run, before the event that proves it.
    Point {
        /// Which.
        point: Point,
    },
    /// `Blackout Time end.`
    BlackoutEnded {
        /// How long it took, where both lines have a time.
        seconds: Option<u64>,
    },
    /// Something inside a phase, printed by 7.3 only.
    Step {
        /// What was done.
        step: Step,
    },
    /// What the preview expects; comes again, more complete, with each figure.
    Estimate(Estimate),
    /// What the preview found out about a disk.
    Size {
        /// Which disks.
        device: Option<Device>,
        /// Whether this much is needed or there.
        kind: SizeKind,
        /// How much.
        size: Megabytes,
    },
    /// One line of the preview with a verdict, or the same later.
    Check(Check),
    /// A message number, and the message.
    Code(CodeMention),
    /// The part before Live Update, in which software is installed.
    Install {
        /// What it says.
        install: Install,
        /// The sentence.
        text: &'static str,
    },
    /// `The live update preview succeeded.`: the end of a preview, or the beginning of the real run.
    PreviewSucceeded,
    /// Logs are being collected, which happens after failures.
    LogCapture,
    /// Files that belong to the administrator were changed by the installation; `/var/adm/ras/config.diff` says how.
    ConfigurationChanged {
        /// The file, where one is named.
        file: Option<String>,
    },
    /// The run is over, and how.
    Ended {
        /// How.
        ending: Ending,
        /// How long it took by its own count. Source: `Live AIX update completed in 0h 10m 58s.`
        seconds: Option<u64>,
    },
    /// A line was longer than the reader keeps; what was behind is lost.
    LineShortened,
    /// More events of this kind follow than any real run has: they are no longer reported.
    Capped {
        /// Which kind.
        kind: CappedKind,
    },
}

impl What {
    /// Which limit counts for it.
    pub(super) const fn kind(&self) -> CappedKind {
        match self {
            Self::NewRun
            | Self::Phase { .. }
            | Self::Point { .. }
            | Self::BlackoutEnded { .. }
            | Self::Step { .. }
            | Self::PreviewSucceeded
            | Self::Ended { .. } => CappedKind::Progress,
            Self::Estimate(_)
            | Self::Size { .. }
            | Self::Check(_)
            | Self::Code(_)
            | Self::Install { .. }
            | Self::LogCapture
            | Self::ConfigurationChanged { .. }
            | Self::LineShortened
            | Self::Capped { .. } => CappedKind::Detail,
        }
    }
}

/// Kinds of events with a limit of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CappedKind {
    /// Phases, steps and endings.
    Progress,
    /// Checks, codes, sizes, notes.
    Detail,
}

/// What happens inside a phase. Source: LU §2.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// `Starting alt_disk_copy.`
    CopyStarted,
    /// `Completed alt_disk_copy.`
    CopyCompleted,
    /// `Rootvg for the surrogate is ready.`
    RootvgReady,
    /// `Surrogate AIX boot started.`
    BootStarted,
    /// `Surrogate AIX reboot started.`
    RebootStarted,
    /// `Surrogate LPAR AIX is running.`
    SurrogateRunning,
    /// `Original rootvg mirror is active.`
    MirrorActive,
}

/// How long a preview thinks that the update takes: upper guesses, no limits (LU §2.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Estimate {
    /// How long the workload stands still. Source: `Blackout_time(s): 77`.
    pub blackout_seconds: Option<u64>,
    /// How long the whole run takes. Source: `Global_time(s): 624`.
    pub total_seconds: Option<u64>,
}

/// What sizes are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Device {
    /// `mhdisk`.
    Mirror,
    /// `nhdisk`.
    NewRootvg,
    /// Temporary paging space in `tohdisk` and `tshdisk`.
    Paging,
    /// Temporary dump space in `tohdisk` and `tshdisk`.
    Dump,
}

/// Whether a size is needed or there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SizeKind {
    /// `Required device size:`
    Required,
    /// `Given device size:`
    Given,
}

/// One line with a verdict. Source: LU §2.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What Live Update thinks of it.
    pub verdict: Verdict,
    /// The message number before the verdict, as in `1430-246 FAILED: …`.
    pub code: Option<String>,
    /// The sentence behind the verdict.
    pub text: String,
}

/// A message number in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeMention {
    /// The number in its full form, such as `1430-249` also where the text has lost the first digit.
    pub code: String,
    /// The sentence it stands in.
    pub text: String,
}

/// What the install part says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Install {
    /// `install_all_updates: Result = SUCCESS`
    Succeeded,
    /// `install_all_updates: Result = FAILURE`
    Failed,
    /// `install_all_updates: ATTENTION, a higher level of install utilities is available.`
    HigherUtilities,
    /// Interim fixes lock filesets of the update.
    EfixLocks,
    /// The build date check misses APARs for interim fixes that would have to go.
    MissingApars,
    /// `Either the software is already at the same level as on the media, or`
    NothingToInstall,
}
