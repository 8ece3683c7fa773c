//! What is left to do on an LPAR after an update that succeeded: found at its end, and open until a later look finds it gone.
//!
//! Each item is something that a look can decide: most are looked at on the LPAR, a few are what an HMC shows. What could not be looked
//! at stays open: nothing is taken for done because nobody could tell. Source: LU §6.1, §6.2.

mod look;
mod profile;

pub use look::{OnConsole, Seen, probes};
pub use profile::{Profile, differences};

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{DiskName, printable};
use crate::operation::FollowUp;

/// One thing that is left to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "open", rename_all = "snake_case")]
pub enum OpenItem {
    /// A process runs on libraries that were replaced.
    OldLibraries {
        /// Its id.
        pid: u64,
        /// Its name.
        name: String,
        /// The user that it runs as, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// The fileset that its program belongs to, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fileset: Option<String>,
    },
    /// A disk has fewer paths that are enabled than before, or more that are not.
    Paths {
        /// The disk.
        disk: DiskName,
        /// How many were enabled before.
        enabled: u32,
        /// How many were not.
        others: u32,
    },
    /// The disk that is booted first is none of rootvg.
    BootList {
        /// The disk.
        disk: DiskName,
    },
    /// RMC on the LPAR shows no management console as connected.
    ManagementLink,
    /// An interim fix that was asked for is not installed.
    InterimFix {
        /// Its label.
        label: String,
    },
    /// The system shows a lower level than before.
    Level {
        /// The level before, as `oslevel -s` printed it.
        before: String,
    },
    /// A fileset is at a lower level than the one in the images of the update.
    Fileset {
        /// The fileset.
        name: String,
        /// Its level in the images.
        wanted: String,
    },
    /// The error log has entries that were written since the update began.
    ErrorLog {
        /// Eight hexadecimal digits that name the kind of entry.
        identifier: String,
        /// Who wrote them.
        resource: String,
        /// What they say.
        description: String,
        /// The minute of the first of them, by the LPAR's clock: `2026-11-12T09:14`.
        since: String,
    },
    /// The host has another name than before.
    HostName {
        /// The name before.
        before: String,
    },
    /// `uname -m` shows another machine than before.
    MachineId {
        /// What it showed before.
        before: String,
    },
    /// The token for a management console is gone.
    ConsoleToken {
        /// Address of the console, as `hmcauth` has it.
        address: String,
        /// The user on it.
        user: String,
    },
    /// geninstall reported errors after the move (1430-094), or the lock of the Live Update is still there.
    PostProcessing {
        /// How many paths to all disks were not enabled before.
        others: u32,
    },
    /// An HMC still shows the partition that was replaced.
    Surrogate,
    /// An HMC shows no RMC connection to the LPAR.
    Rmc,
    /// An HMC shows a profile of the LPAR otherwise than before the update.
    Profile {
        /// Its name.
        profile: String,
        /// The attribute; `name` where the profile is gone.
        attribute: String,
        /// What it was before.
        before: String,
        /// What it was when that was found; absent where the profile is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// What another version found. It stays until that version looks.
    #[serde(untagged)]
    Other(Value),
}

impl OpenItem {
    /// The follow-up of an operation that it belongs to; `None` where it is found after the operation.
    #[must_use]
    pub const fn follow_up(&self) -> Option<FollowUp> {
        match self {
            Self::OldLibraries { .. } => Some(FollowUp::OldLibraries),
            Self::Paths { .. } => Some(FollowUp::Paths),
            Self::BootList { .. } => Some(FollowUp::BootList),
            Self::ManagementLink => Some(FollowUp::ManagementLink),
            Self::InterimFix { .. } => Some(FollowUp::InterimFix),
            Self::Level { .. } | Self::Fileset { .. } => Some(FollowUp::Level),
            Self::ErrorLog { .. } => Some(FollowUp::ErrorLog),
            Self::HostName { .. } | Self::MachineId { .. } => Some(FollowUp::Identity),
            Self::ConsoleToken { .. } => Some(FollowUp::ConsoleToken),
            Self::PostProcessing { .. } => Some(FollowUp::PostProcessing),
            Self::Surrogate | Self::Rmc | Self::Profile { .. } | Self::Other(_) => None,
        }
    }

    /// Whether an LPAR that has it is not known to carry its workload as before: its partner in a cluster should not be touched, nor others
    /// of its class. What most updates leave for a quiet moment, and what passes by itself, is nothing of that.
    #[must_use]
    pub const fn casts_doubt(&self) -> bool {
        match self {
            Self::Paths { .. }
            | Self::BootList { .. }
            | Self::Level { .. }
            | Self::HostName { .. }
            | Self::MachineId { .. }
            | Self::PostProcessing { .. }
            | Self::Surrogate
            // Nobody here knows what it is.
            | Self::Other(_) => true,
            Self::OldLibraries { .. }
            | Self::ManagementLink
            | Self::InterimFix { .. }
            | Self::Fileset { .. }
            | Self::ErrorLog { .. }
            | Self::ConsoleToken { .. }
            | Self::Rmc
            | Self::Profile { .. } => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::OldLibraries { name, .. } if RESPAWNED.contains(&name.as_str()) => {
                "end it in a quiet moment: init starts it again; not on a node of a cluster".to_owned()
            }
            Self::OldLibraries { .. } => "start it again".to_owned(),
            Self::Paths { disk, .. } => {
                format!("cfgmgr, then lspath -l {disk}; see the adapters on the VIOSes")
            }
            Self::BootList { .. } => {
                "bootlist -m normal, with the disks that lspv shows in rootvg".to_owned()
            }
            Self::ManagementLink | Self::Rmc => {
                "see /usr/sbin/rsct/bin/rmcdomainstatus -s ctrmc; on a node of a cluster call support before anything of RSCT is touched"
                    .to_owned()
            }
            Self::InterimFix { .. } => "see /var/adm/ras/emgr.log".to_owned(),
            Self::Level { .. } => "see lppchk -v, and nimctl log of the update".to_owned(),
            Self::Fileset { .. } => {
                "see nimctl log of the update for why it was left out: requisites, or an interim fix that locks it"
                    .to_owned()
            }
            Self::ErrorLog { identifier, .. } => {
                format!("errpt -a -j {}; it is gone once the entries are cleared", printable(identifier))
            }
            Self::HostName { before } => format!("find out who changed it from {}", printable(before)),
            Self::MachineId { .. } => "renew licences that are bound to it".to_owned(),
            Self::ConsoleToken { .. } => "the next update fetches it; hmcauth -l shows it".to_owned(),
            Self::PostProcessing { .. } => {
                "nimctl explain 1430-094; the update is not run again for it".to_owned()
            }
            Self::Surrogate => {
                "see that the LPAR runs the workload, then have the HMC's administrator remove what is left over"
                    .to_owned()
            }
            Self::Profile { profile, after: Some(_), .. } => format!(
                "find out who changed it; chsyscfg -r prof with name={} puts it back on the HMC",
                printable(profile)
            ),
            Self::Profile { .. } => {
                "find out who removed it; mksyscfg -r prof makes it anew on the HMC".to_owned()
            }
            Self::Other(_) => "ask a nimd of the version that found it".to_owned(),
        }
    }
}

impl fmt::Display for OpenItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OldLibraries { pid, name, owner, fileset } => {
                write!(f, "{} ({pid})", printable(name))?;
                if let Some(owner) = owner {
                    write!(f, " of {}", printable(owner))?;
                }
                if let Some(fileset) = fileset {
                    write!(f, ", {}", printable(fileset))?;
                }
                f.write_str(": runs on libraries that were replaced")
            }
            Self::Paths { disk, enabled, others: 0 } => {
                write!(f, "{disk}: not just the {enabled} enabled paths that it had before")
            }
            Self::Paths { disk, enabled, others } => {
                write!(
                    f,
                    "{disk}: not just the {enabled} enabled and {others} other paths that it had before"
                )
            }
            Self::BootList { disk } => {
                write!(f, "{disk} is booted first, and is none of rootvg's disks")
            }
            Self::ManagementLink => f.write_str("RMC shows no management console as connected"),
            Self::InterimFix { label } => {
                write!(f, "the interim fix {} is not installed", printable(label))
            }
            Self::Level { before } => {
                write!(f, "oslevel -s shows less than {}, the level before", printable(before))
            }
            Self::Fileset { name, wanted } => write!(
                f,
                "{} is not at {}, which the images of the update have",
                printable(name),
                printable(wanted)
            ),
            Self::ErrorLog { identifier, resource, description, since } => write!(
                f,
                "error log since {}: {} of {}: {}",
                printable(since),
                printable(identifier),
                printable(resource),
                printable(description)
            ),
            Self::HostName { before } => {
                write!(f, "the host is not called {} any more", printable(before))
            }
            Self::MachineId { before } => {
                write!(f, "uname -m does not show {} any more", printable(before))
            }
            Self::ConsoleToken { address, user } => write!(
                f,
                "the token of {} for {} is not in the new kernel",
                printable(user),
                printable(address)
            ),
            Self::PostProcessing { .. } => {
                f.write_str("1430-094: errors after the move, which succeeded")
            }
            Self::Surrogate => f.write_str(
                "the HMC still shows the partition that was replaced, with _lku0 at its name",
            ),
            Self::Rmc => f.write_str("the HMC shows no RMC connection to the LPAR"),
            Self::Profile { profile, attribute, before, after: Some(after) } => write!(
                f,
                "HMC profile {}: {} was {} before the update and is {}",
                printable(profile),
                printable(attribute),
                short(before),
                short(after)
            ),
            Self::Profile { profile, .. } => {
                write!(f, "HMC profile {}: the HMC does not show it any more", printable(profile))
            }
            Self::Other(value) => {
                write!(f, "found by another version: {}", printable(&value.to_string()))
            }
        }
    }
}

/// A value of a profile, which may be a list of all its adapters, in the length of a sentence.
fn short(value: &str) -> String {
    match value.char_indices().nth(SENTENCE) {
        Some((end, _)) => format!("{}…", printable(&value[..end])),
        None if value.is_empty() => "empty".to_owned(),
        None => printable(value),
    }
}

/// Most characters of a value in a sentence.
const SENTENCE: usize = 160;

/// Source: LU §6.2.
const RESPAWNED: [&str; 1] = ["srcmstr"];

/// Most items that the agent lists of one update: a report has to fit a record.
pub const MOST_ITEMS: usize = 200;
