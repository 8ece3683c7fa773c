//! The command `aftercare`.

use clap::Args;

/// Show what updates have left to do on LPARs, looked at live; what is found gone is closed. Nothing is changed on an LPAR.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all that has something open was looked at, 4 an LPAR could not be.\n\n\
    Examples:\n  nimctl aftercare\n  nimctl aftercare lpar07 -o json"
)]
pub(crate) struct Aftercare {
    /// LPARs and groups; * and ? in names of LPARs stand for others. None: all LPARs.
    #[arg(value_name = "LPAR")]
    pub(crate) targets: Vec<String>,
}
