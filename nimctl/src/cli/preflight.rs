//! The command `preflight`.

use clap::Args;

use crate::pair::Assignment;

/// Look at LPARs, live, for what would stop a Live Update, and say what to do about it. Nothing is changed.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing blocks, 3 something does, 4 an LPAR could not be looked at.\n\n\
    Examples:\n  nimctl preflight lpar01\n  nimctl preflight 'db*' -o wide\n  nimctl preflight -l env=prod -o json\n  nimctl preflight --with-preview -a 'live_update_data=lud_{lpar}' lpar01\n  nimctl preflight --explain S26"
)]
pub(crate) struct Preflight {
    /// Only LPARs with such labels, as for `nimctl list`; LPAR then stands for names and patterns, not for groups.
    #[arg(short = 'l', long = "label", visible_alias = "selector", value_name = "SELECTOR")]
    pub(crate) labels: Vec<String>,
    /// Run the preview of geninstall too, on all LPARs at a time, and merge what it says. It writes lvupdate.data, and puts it back.
    #[arg(long)]
    pub(crate) with_preview: bool,
    /// What is to be previewed, with --with-preview, as for `nimctl cust`: live_update_data=NAME, lpp_source=NAME, fixes=update_all.
    #[arg(
        short = 'a',
        long = "attribute",
        value_name = "ATTRIBUTE=VALUE",
        requires = "with_preview"
    )]
    pub(crate) attributes: Vec<Assignment>,
    /// Also show what holds and what does not apply.
    #[arg(long)]
    pub(crate) all: bool,
    /// Explain a check, such as S26, or a workload, such as db2, and look at nothing.
    #[arg(long, value_name = "CHECK", conflicts_with_all = ["labels", "all", "targets", "with_preview"])]
    pub(crate) explain: Option<String>,
    /// LPARs and groups; * and ? in names of LPARs stand for others. None: all LPARs.
    #[arg(value_name = "LPAR")]
    pub(crate) targets: Vec<String>,
}
