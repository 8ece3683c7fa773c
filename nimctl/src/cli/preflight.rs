//! The command `preflight`.

use clap::Args;

/// Look at LPARs, live, for what would stop a Live Update, and say what to do about it. Nothing is changed.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing blocks, 3 something does, 4 an LPAR could not be looked at.\n\n\
    Examples:\n  nimctl preflight lpar01\n  nimctl preflight 'db*' -o wide\n  nimctl preflight -l env=prod -o json\n  nimctl preflight --explain S26"
)]
pub(crate) struct Preflight {
    /// Only LPARs with such labels, as for `nimctl list`; LPAR then stands for names and patterns, not for groups.
    #[arg(short = 'l', long = "label", visible_alias = "selector", value_name = "SELECTOR")]
    pub(crate) labels: Vec<String>,
    /// Also show what holds and what does not apply.
    #[arg(long)]
    pub(crate) all: bool,
    /// Explain a check, such as S26, and look at nothing.
    #[arg(long, value_name = "CHECK", conflicts_with_all = ["labels", "all", "targets"])]
    pub(crate) explain: Option<String>,
    /// LPARs and groups; * and ? in names of LPARs stand for others. None: all LPARs.
    #[arg(value_name = "LPAR")]
    pub(crate) targets: Vec<String>,
}
