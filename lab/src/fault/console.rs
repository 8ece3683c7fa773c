//! Faults of an HMC or of a VIO server. Each holds until it is cleared.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What can be wrong with an HMC or a VIO server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsoleFault {
    /// Every command takes long.
    HmcSlow,
    /// No password is taken.
    HmcLocked,
    /// It restarts: nothing of it answers.
    HmcReboot,
    /// No user may do anything.
    HmcRole,
    /// What it lists breaks off.
    FeedGarbage,
    /// No command of a VIO server completes.
    ViosUnreadable,
    /// A VIO server is switched off.
    ViosDown,
}

/// How much longer something takes on a slow HMC, in milliseconds by the site's clock.
pub const SLOW_MILLISECONDS: u64 = 30_000;

/// What has a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultyHost {
    /// An HMC.
    Hmc,
    /// A VIO server.
    Vios,
}

impl ConsoleFault {
    /// Every fault.
    pub const ALL: [Self; 7] = [
        Self::HmcSlow,
        Self::HmcLocked,
        Self::HmcReboot,
        Self::HmcRole,
        Self::FeedGarbage,
        Self::ViosUnreadable,
        Self::ViosDown,
    ];

    /// Its name on the command line and in the site file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmcSlow => "hmc-slow",
            Self::HmcLocked => "hmc-locked",
            Self::HmcReboot => "hmc-reboot",
            Self::HmcRole => "hmc-role",
            Self::FeedGarbage => "feed-garbage",
            Self::ViosUnreadable => "vios-unreadable",
            Self::ViosDown => "vios-down",
        }
    }

    /// What can have it.
    #[must_use]
    pub const fn host(self) -> FaultyHost {
        match self {
            Self::HmcSlow
            | Self::HmcLocked
            | Self::HmcReboot
            | Self::HmcRole
            | Self::FeedGarbage => FaultyHost::Hmc,
            Self::ViosUnreadable | Self::ViosDown => FaultyHost::Vios,
        }
    }

    /// What it does, in one sentence.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::HmcSlow => {
                "each command of the HMC and each login of an LPAR takes half a minute more"
            }
            Self::HmcLocked => {
                "all accounts of the HMC are locked for passwords, as after three wrong ones"
            }
            Self::HmcReboot => "the HMC restarts: connections are cut, new ones are not taken",
            Self::HmcRole => {
                "each command fails with HSCL350B: the role of the user does not allow it"
            }
            Self::FeedGarbage => {
                "lists of the HMC break off inside quotes, with bytes that are no text"
            }
            Self::ViosUnreadable => {
                "no command on the VIO server completes, whether by its own SSH or by viosvrcmd"
            }
            Self::ViosDown => {
                "the VIO server is switched off: the HMC shows it, and no command completes"
            }
        }
    }
}

impl fmt::Display for ConsoleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for FaultyHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hmc => "an HMC",
            Self::Vios => "a VIOS",
        })
    }
}

impl FromStr for ConsoleFault {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|fault| fault.name() == text).ok_or_else(|| {
            format!(
                "no fault of an HMC or a VIOS is called {text:?}; `nim-lab fault --list` shows them"
            )
        })
    }
}
