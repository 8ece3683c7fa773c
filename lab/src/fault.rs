//! Faults that a site owner or a test sets on an LPAR: what goes wrong, and in which phase.
//!
//! Two kinds. A *condition* holds until it is cleared, and the simulated commands find it (an open file in /proc makes every freeze
//! fail). An *event* strikes once: at once when it is set at run time, or when an update enters the phase it is armed for.
//! Each row of LU §3.1 that has a phase has at least one fault here.

mod console;

pub use console::{ConsoleFault, FaultyHost, SLOW_MILLISECONDS};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Phase;
use crate::state::State;

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Armed {
    /// A condition: it is there until it is cleared.
    Always,
    /// When an update enters this phase.
    At(Phase),
}

macro_rules! faults {
    ($($variant:ident $name:literal $kind:ident $phase:ident $code:literal $text:literal;)*) => {
        /// What can go wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Fault {
            $(#[doc = $text] #[serde(rename = $name)] $variant,)*
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name on the command line and in the site file.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it does, in one sentence.
            pub const fn explain(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Whether it holds until cleared or strikes once.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// The phase in which it shows.
            pub const fn phase(self) -> Phase {
                match self { $(Self::$variant => Phase::$phase,)* }
            }

            /// Message numbers it leads to, the first one first; empty when there are none.
            pub const fn codes(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

/// Whether a fault stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Stays until cleared.
    Condition,
    /// Strikes once.
    Event,
}

faults! {
    NotifyScript "notify-script" Condition Notify "1430-134 1430-025 1430-045" "a registered LVUP_CHECK script ends with status 1";
    Pfcdaemon "pfcdaemon" Condition Notify "1430-134 1430-025 1430-045" "the flash-cache daemon does not stop: its notification script ends with status 1";
    PfcdaemonSlow "pfcdaemon-slow" Condition Notify "1430-134 1430-025 1430-045" "an installation of updates leaves the flash-cache daemon stopped, and once started it takes five minutes: until then its notification script fails";
    AutofsMissing "autofs-missing" Condition Notify "1430-134 1430-025 1430-045" "the autofs script is registered but its file is gone (status 127)";
    MoveWorkload "move-workload" Condition Move "1430-030 1430-045" "the workload cannot be moved, before anything was frozen";
    CloneFails "clone-fails" Condition Clone "1430-045" "alt_disk_copy to nhdisk fails";
    BootFails "boot-fails" Condition Boot "1430-045" "the surrogate does not boot";
    MirrorFails "mirror-fails" Condition Mirror "1430-045" "rootvg cannot be mirrored to mhdisk";
    Shlib "shlib" Condition Blackout "1020-007 1430-030 1430-045" "shared library state cannot be collected (error 50)";
    ShlibStale "shlib-stale" Condition Blackout "1020-007 1430-030 1430-045" "the kernel does not release shared libraries of other users (error 52)";
    DeviceOpen "device-open" Condition Blackout "1020-154 1020-089 1430-030 1430-045" "a process holds a device that cannot be checkpointed; in truth the HMC was lost";
    ProcfsOpen "procfs-open" Condition Blackout "1020-311 1430-030 1430-045" "a process has a file in /proc open";
    IpsecRestart "ipsec-restart" Condition Blackout "0973-006 1430-030 1430-045" "IP filters are active and the checkpoint cannot be restarted";
    PostProcessing "post-processing" Condition Cleanup "1430-249 1430-094" "updated, but one path is lost again while the original is tidied up";
    PartialSuccess "partial-success" Condition Delete "1430-249 1430-094" "updated, but the original stays on the HMC as NAME_lku0 and keeps its memory, its paths stay away";
    ProfileChanged "profile-changed" Condition Delete "" "updated, but the HMC has another amount of memory in the LPAR's profile afterwards";
    ClvupdateAsks "clvupdate-asks" Condition Cleanup "" "clvupdate asks whether to go on, and gives up where nobody answers";
    MobileCod "mobile-cod" Condition Cleanup "1430-187" "borrowed Capacity on Demand is not handed back: a warning";
    AuditStream "audit-stream" Condition Preview "1430-143" "auditing runs in stream mode (refused below 7.3 TL3)";
    NoManagementConsole "no-management-console" Condition Preview "1430-237" "lvupdate.data is read as if it named no management console";
    UnsupportedFs "unsupported-fs" Condition Preview "1430-244" "a file system of another type than jfs2 and nfs is mounted";
    NoToken "no-token" Condition Preview "1430-246" "no HMC token is present, and a new one does not stay";
    TokenExpires "token-expires" Condition Resources "1430-045" "the token runs out between the preview and the first request to the HMC";
    AsmDisk "asm-disk" Condition Preview "" "a database has taken the last free disk: lspv shows None, its header says ORCLDISK, a process has it open";
    SharedLun "shared-lun" Condition Preview "" "the last free disk is mapped to the next LPAR by name as well";
    RenumberedHdisk "renumbered-hdisk" Event Preview "" "the free disks change numbers with each other";
    DiskTooSmall "disk-too-small" Condition Preview "" "nhdisk is smaller than what rootvg uses";
    HmcAuthority "hmc-authority" Condition Resources "1430-045" "the HMC user may not read the Enterprise Pool: the console is given up, and only the logs say why";
    FrameFull "frame-full" Condition Resources "1430-045" "something else took the frame's memory before the surrogate was made";
    DiskFull "disk-full" Condition Preview "" "/var has no space left, for the preview, df and the logs";
    BosbootFails "bosboot-fails" Condition Install "0503-409 0503-497" "the boot image cannot be built: installp stops before it installs";
    MissingApars "missing-apars" Condition Install "" "the updates lack APARs of interim fixes that are installed: installp removes none of them and fails";
    HigherUtilities "higher-utilities" Condition Install "" "the media has newer install utilities, without which a preview is incomplete";
    FilesetRequired "fileset-required" Condition Preview "" "other software requires the filesets that are installed: installp removes none";
    InstallFails "install-fails" Condition Install "" "installp ends with FAILURE: the live update does not start";
    Slow "slow" Condition Preview "" "every phase takes five times as long";
    IpTunnel "ip-tunnel" Condition Preview "" "an IPsec tunnel is active";
    FiltersLockOut "filters-lock-out" Condition Cleanup "" "IP filters that are activated let no new connection in, and those that are there live on";
    GarbageOutput "garbage-output" Condition Preview "" "broadcasts, escapes and bytes that are not UTF-8 between the lines of geninstall";
    SshDrop "ssh-drop" Event Clone "" "all SSH connections to the LPAR are cut";
    SshDropInBlackout "ssh-drop-in-blackout" Event Blackout "" "all SSH connections to the LPAR are cut while it stands still";
    AgentKilled "agent-killed" Event Clone "" "the agent's processes on SSH channels are killed";
    SupervisorKilled "supervisor-killed" Event Clone "" "the agent's detached supervisor is killed";
    GeninstallKilled "geninstall-killed" Event Clone "" "geninstall itself is killed and leaves everything as it is";
    Reboot "reboot" Event Clone "" "the LPAR is booted again from its boot list";
    BootOtherDisk "boot-other-disk" Event Clone "" "the LPAR is booted from another bootable disk";
    CloneOfAnotherLpar "clone-of-another-lpar" Event Preview "" "the LPAR gets host name and agent state of another one, as after a careless restore of its backup";
}

impl Fault {
    /// The state that an LPAR is in by this fault, where it is one that commands show.
    pub const fn state(self) -> Option<State> {
        match self {
            Self::AuditStream => Some(State::AuditStream),
            Self::IpsecRestart => Some(State::IpFilters),
            _ => None,
        }
    }

    /// When it strikes if nobody says so: conditions always, events in their phase.
    pub const fn armed(self) -> Armed {
        match self.kind() {
            Kind::Condition => Armed::Always,
            Kind::Event => Armed::At(self.phase()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|fault| fault.name() == text).ok_or_else(|| {
            format!("no fault is called {text:?}; `nim-lab fault --list` shows them")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LU §3.1, rows with a phase. 1430-045 closes every failed run.
    const ROWS: [&str; 15] = [
        "1430-025", "1430-030", "1430-045", "1430-094", "1430-134", "1430-143", "1430-187",
        "1430-237", "1430-244", "1430-246", "1430-249", "1020-007", "1020-089", "1020-154",
        "1020-311",
    ];

    #[test]
    fn every_message_with_a_phase_has_a_fault_that_leads_to_it() {
        for row in ROWS.into_iter().chain(["0973-006"]) {
            assert!(Fault::ALL.iter().any(|fault| fault.codes().contains(row)), "{row}");
        }
    }

    #[test]
    fn names_are_unique_and_read_back() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse::<Fault>().as_ref(), Ok(fault));
        }
        assert!("rain".parse::<Fault>().is_err());
    }
}
