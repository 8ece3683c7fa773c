//! `why`.

use clap::Args;

/// What a rollout or an LPAR waits for: since when, until when, who decides, and what can be typed. One screen.
#[derive(Debug, Args)]
#[command(after_help = "Times are UTC.\n\nExamples:\n  nimctl why spring\n  nimctl why lpar07")]
pub(crate) struct Why {
    /// A rollout or an LPAR.
    #[arg(value_name = "LPAR|ROLLOUT")]
    pub(crate) name: String,
}
