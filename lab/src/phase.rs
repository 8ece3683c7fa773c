//! The phases of a Live Update as the simulated geninstall goes through them, with the time each takes.
//!
//! Source of order, texts and durations: LU §2.6, sample column of the 7.3 TL3 transcript (a small LPAR).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One phase. The order is that of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// installp or emgr on the original; only with software.
    Install,
    /// The checks.
    Preview,
    /// Ten seconds in which Ctrl-C still helps.
    Countdown,
    /// Lock, log rotation, token.
    Init,
    /// Validation of the original.
    Validate,
    /// Begin on the original.
    Begin,
    /// The HMC gives memory, processors, an LPAR id.
    Resources,
    /// `LVUP_CHECK` scripts.
    Notify,
    /// rootvg is copied to nhdisk.
    Clone,
    /// The surrogate boots, twice.
    Boot,
    /// rootvg is mirrored to mhdisk.
    Mirror,
    /// Memory is copied ahead.
    Move,
    /// Everything stands still.
    Blackout,
    /// The workload runs on the surrogate.
    Running,
    /// The other half of the adapters follows.
    Transfer,
    /// The original is tidied up.
    Cleanup,
    /// The original is shut down.
    Shutdown,
    /// The original is deleted.
    Delete,
    /// Over, with success.
    Done,
}

impl Phase {
    /// All phases in order.
    pub const ALL: [Self; 19] = [
        Self::Install,
        Self::Preview,
        Self::Countdown,
        Self::Init,
        Self::Validate,
        Self::Begin,
        Self::Resources,
        Self::Notify,
        Self::Clone,
        Self::Boot,
        Self::Mirror,
        Self::Move,
        Self::Blackout,
        Self::Running,
        Self::Transfer,
        Self::Cleanup,
        Self::Shutdown,
        Self::Delete,
        Self::Done,
    ];

    /// The name used in the site file and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Preview => "preview",
            Self::Countdown => "countdown",
            Self::Init => "init",
            Self::Validate => "validate",
            Self::Begin => "begin",
            Self::Resources => "resources",
            Self::Notify => "notify",
            Self::Clone => "clone",
            Self::Boot => "boot",
            Self::Mirror => "mirror",
            Self::Move => "move",
            Self::Blackout => "blackout",
            Self::Running => "running",
            Self::Transfer => "transfer",
            Self::Cleanup => "cleanup",
            Self::Shutdown => "shutdown",
            Self::Delete => "delete",
            Self::Done => "done",
        }
    }

    /// Seconds this phase takes on a small LPAR (LU §2.6). Blackout is computed from the LPAR; install and preview are inferred there.
    pub const fn sample_seconds(self) -> u32 {
        match self {
            Self::Install => 600,
            Self::Preview => 60,
            Self::Countdown | Self::Init | Self::Begin | Self::Shutdown => 10,
            Self::Resources => 80,
            Self::Clone => 140,
            Self::Boot => 150,
            Self::Mirror => 50,
            Self::Move => 37,
            Self::Transfer | Self::Cleanup => 40,
            Self::Delete => 70,
            Self::Validate | Self::Notify | Self::Blackout | Self::Running | Self::Done => 0,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Phase {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.name() == text)
            .ok_or_else(|| format!("no phase is called {text:?}"))
    }
}
