//! The commands of `live-update-data`.

use clap::{Args, Subcommand};

/// lvupdate.data: what would be written for LPARs, and why.
#[derive(Debug, Subcommand)]
pub(crate) enum LiveUpdateData {
    /// Look at LPARs, live, choose disks for a Live Update and write lvupdate.data; nothing is changed
    Generate(Generate),
}

/// Look at LPARs, live, choose disks for a Live Update and write lvupdate.data. Nothing is changed: `cust -a live_update_data=auto` does
/// the same and goes on with it.
#[derive(Debug, Args)]
#[command(
    after_help = "A disk is chosen only if the attribute disk_pool of the LPAR or its frame names it (udid:ID, pvid:ID, lun:PATTERN), \
    nothing has it open, nothing is on it, no other LPAR sees it, no earlier run needs it, and its size fits. Without a pool this \
    proposes, and auto refuses.\n\n\
    Exit codes: 0 auto would take all, 3 it would refuse one, 4 an LPAR could not be looked at.\n\n\
    Examples:\n  nimctl live-update-data generate lpar01\n  nimctl live-update-data generate 'db*' -o wide\n  \
    nimctl change -a disk_pool=lun:{lpar}_lku* lpar01"
)]
pub(crate) struct Generate {
    /// LPARs and groups; * and ? in names of LPARs stand for others. None: all LPARs.
    #[arg(value_name = "LPAR")]
    pub(crate) targets: Vec<String>,
}
