//! The commands on disks that operations used.

use clap::Args;
use nim_shared::hook::{BadHook, HookPlace, NamedHook};
use nim_shared::id::{DiskName, ObjectName};

/// Show the disks that operations on an LPAR used, as each left them: volume group, level, what it is good for and until when.
#[derive(Debug, Args)]
pub(crate) struct Disks {
    /// The LPAR.
    #[arg(value_name = "LPAR")]
    pub(crate) lpar: ObjectName,
}

/// Free disks that operations used and nothing needs. The LPAR is looked at first, and you are asked; a disk that is not what is on record,
/// or that something needs, stays as it is. Copies of rootvg are dropped with alt_rootvg_op -X.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 released, or nothing was to be, 1 it did not succeed, 2 nobody can be asked (--yes), 3 refused.

Examples:
  nimctl release-disks lpar07
  nimctl release-disks --give-up lpar07 hdisk3")]
pub(crate) struct ReleaseDisks {
    /// A disk that is named need be no way back any more.
    #[arg(long, requires = "disks")]
    pub(crate) give_up: bool,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Do not wait for the end.
    #[arg(long)]
    pub(crate) detach: bool,
    /// The LPAR.
    #[arg(value_name = "LPAR")]
    pub(crate) lpar: ObjectName,
    /// Disks by the names that they have now. None: all that nothing needs.
    #[arg(value_name = "DISK")]
    pub(crate) disks: Vec<DiskName>,
}

/// Boot an LPAR from the copy of rootvg that is on record as holding the level before its update. It says what that leads to and what is lost,
/// and asks first: it is a real outage. What the copy had prepared for the update is put back after the boot.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 the LPAR runs from the copy, at its level, 1 it does not, 2 nobody can be asked (--yes), 3 refused.

Examples:
  nimctl rollback lpar07
  nimctl rollback --hook before-reboot:stop_db lpar07")]
pub(crate) struct Rollback {
    /// Where several copies hold an old level: a disk of the one that is meant, by the name that it has now.
    #[arg(long, value_name = "DISK")]
    pub(crate) disk: Option<DiskName>,
    /// A script that stops the workload before the boot: before-reboot:NAME. Repeat it for more. Those of the policy run in any case.
    #[arg(long = "hook", value_name = "POINT:NAME[:MEANING]", value_parser = hook)]
    pub(crate) hooks: Vec<NamedHook>,
    /// The same as a program of nimd's folder of hooks, which nimd runs itself, before those on the LPAR.
    #[arg(long = "master-hook", value_name = "POINT:NAME[:MEANING]", value_parser = hook)]
    pub(crate) master_hooks: Vec<NamedHook>,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Do not wait for the end.
    #[arg(long)]
    pub(crate) detach: bool,
    /// The LPAR.
    #[arg(value_name = "LPAR")]
    pub(crate) lpar: ObjectName,
}

/// A hook of a rollback.
fn hook(text: &str) -> Result<NamedHook, BadHook> {
    NamedHook::read(text, HookPlace::Rollback)
}
