//! What speaks against a disk.

use std::fmt;

use super::{Content, Pvid, Role};
use crate::id::{DiskName, ObjectName, OperationId};
use crate::unit::Megabytes;

/// Why a disk is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `lspv` shows a volume group.
    VolumeGroup(String),
    /// It is locked (`lkdev`), under a label.
    Locked(String),
    /// It has neither a physical volume id nor a unique id.
    NoIdentity,
    /// Another disk of the LPAR has the same id.
    Twice(DiskName),
    /// The pool does not name it.
    NotInPool,
    /// Other LPARs see the same LUN: one of them, and how many more.
    Shared(ObjectName, usize),
    /// It is not known whether other LPARs do: one whose disks were never seen, and how many more.
    SharingUnknown(ObjectName, usize),
    /// Its unique id is not known, so nobody can tell who else sees it.
    NoUdid,
    /// It holds what an earlier run left.
    Pinned(OperationId, Role),
    /// Enabled paths over fewer than two adapters.
    Adapters(Vec<String>),
    /// The paths are not known.
    PathsUnknown(String),
    /// No division of the adapters serves it together with rootvg and the other disks.
    NoDivision,
    /// More disks came into question than are looked at closely.
    NotLookedAt(usize),
    /// Smaller than what is needed.
    TooSmall(Megabytes, Megabytes),
    /// Larger than what a Live Update has any use for.
    TooLarge(Megabytes, Megabytes),
    /// The size is not known.
    SizeUnknown(String),
    /// Something is on it.
    Holds(Content),
    /// What is on it is not known.
    HeaderUnknown(String),
    /// The physical volume id on it is another one than AIX remembers.
    OtherPvid(Option<Pvid>),
    /// Processes have it open.
    Held(Vec<u64>),
    /// Whether a process has it open is not known.
    HoldersUnknown(String),
}

impl Reason {
    /// Its name, which stays the same for years.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::VolumeGroup(_) => "volume_group",
            Self::Locked(_) => "locked",
            Self::NoIdentity => "no_identity",
            Self::Twice(_) => "twice",
            Self::NotInPool => "not_in_pool",
            Self::Shared(..) => "shared",
            Self::SharingUnknown(..) => "sharing_unknown",
            Self::NoUdid => "no_udid",
            Self::Pinned(..) => "pinned",
            Self::Adapters(_) => "adapters",
            Self::PathsUnknown(_) => "paths_unknown",
            Self::NoDivision => "no_division",
            Self::NotLookedAt(_) => "not_looked_at",
            Self::TooSmall(..) => "too_small",
            Self::TooLarge(..) => "too_large",
            Self::SizeUnknown(_) => "size_unknown",
            Self::Holds(_) => "holds",
            Self::HeaderUnknown(_) => "header_unknown",
            Self::OtherPvid(_) => "other_pvid",
            Self::Held(_) => "held",
            Self::HoldersUnknown(_) => "holders_unknown",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = |f: &mut fmt::Formatter<'_>, more: &usize| match more {
            0 => Ok(()),
            1 => write!(f, " and 1 other LPAR"),
            more => write!(f, " and {more} other LPARs"),
        };
        match self {
            Self::VolumeGroup(group) => write!(f, "it is in the volume group {group}"),
            Self::Locked(label) => write!(f, "it is locked with lkdev, label {label}"),
            Self::NoIdentity => {
                write!(f, "it has neither PVID nor UDID: nothing names it for sure")
            }
            Self::Twice(other) => write!(f, "{other} has the same id"),
            Self::NotInPool => write!(f, "the pool does not name it"),
            Self::Shared(lpar, others) => {
                write!(f, "{lpar}")?;
                more(f, others)?;
                write!(f, " {} it too", if *others == 0 { "sees" } else { "see" })
            }
            Self::SharingUnknown(lpar, others) => {
                write!(f, "whether another LPAR sees it is not known: the disks of {lpar}")?;
                more(f, others)?;
                write!(f, " were never seen")
            }
            Self::NoUdid => {
                write!(f, "whether another LPAR sees it is not known: AIX shows no UDID")
            }
            Self::Pinned(by, role) => {
                write!(f, "it was {role} of operation {by}, and holds what that left")
            }
            Self::Adapters(over) if over.is_empty() => write!(f, "it has no enabled path"),
            Self::Adapters(over) => {
                write!(f, "it has enabled paths over {} only", over.join(", "))
            }
            Self::PathsUnknown(why) => write!(f, "its paths are not known: {why}"),
            Self::NoDivision => write!(
                f,
                "the adapters cannot be divided so that both halves reach it, rootvg and the other disks"
            ),
            Self::NotLookedAt(most) => {
                write!(f, "at most {most} disks are looked at closely, and others came first")
            }
            Self::TooSmall(size, least) => {
                write!(f, "it has {size}, and {least} are needed")
            }
            Self::TooLarge(size, most) => {
                write!(f, "it has {size}, and more than {most} are for something else")
            }
            Self::SizeUnknown(why) => write!(f, "its size is not known: {why}"),
            Self::Holds(content) => f.write_str(match content {
                Content::Empty => "it is empty",
                Content::VolumeGroup => {
                    "it holds a volume group: one that is varied off, or a copy that was split off"
                }
                Content::Asm => "it holds a disk of Oracle ASM",
                Content::Gpfs => "it holds data where Storage Scale (GPFS) marks its disks",
                Content::PartitionTable => "it holds a partition table",
                Content::Something => "something was written on it",
            }),
            Self::HeaderUnknown(why) => write!(f, "what is on it is not known: {why}"),
            Self::OtherPvid(Some(on)) => {
                write!(f, "the PVID on it is {on}, and AIX remembers another one")
            }
            Self::OtherPvid(None) => write!(f, "no PVID is on it, and AIX remembers one"),
            Self::Held(processes) => {
                let ids: Vec<String> = processes.iter().map(u64::to_string).collect();
                write!(f, "open in process {}", ids.join(", "))
            }
            Self::HoldersUnknown(why) => {
                write!(f, "whether a process has it open is not known: {why}")
            }
        }
    }
}
