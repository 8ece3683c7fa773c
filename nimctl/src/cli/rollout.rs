//! The commands of `rollout`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use nim_shared::stamp::Timestamp;

/// Rollouts: updates of many LPARs, planned against what their frames have.
#[derive(Debug, Subcommand)]
pub(crate) enum Rollout {
    /// Show who would be updated when, who waits for what and who is left out; nothing is changed
    Plan(PlanRollout),
}

/// Show who would be updated when, who waits for what, who is left out and why, and at which numbers the rollout would stop. Nothing is
/// changed and no host is asked: what is on record counts.
#[derive(Debug, Args)]
#[command(
    after_help = "Times are UTC. Of each LPAR there are two ends: the usual one, and one that 95 of 100 do not exceed. The same file, site and \
    history make the same plan; its fingerprint stands for all of them.\n\n\
    Exit codes: 0 planned, 1 nobody is updated or finish_by is not kept, 3 the file has faults or cannot be asked for.\n\n\
    Examples:\n  nimctl rollout plan rollout.yaml\n  nimctl rollout plan rollout.yaml --what-if max_in_flight=20,finish_by=2026-12-01T06:00:00Z\n  \
    nimctl rollout plan rollout.yaml --picture plan.html\n  nimctl rollout plan rollout.yaml -o json"
)]
pub(crate) struct PlanRollout {
    /// The rollout in YAML, as schemas/rollout.schema.json describes it; - is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Try other limits: max_in_flight, per_hmc, per_frame, per_vios_pair, each with a number; or say by when all has to be done.
    #[arg(long, value_name = "KEY=VALUE,...")]
    pub(crate) what_if: Option<String>,
    /// When it begins at the earliest, such as 2026-12-01T20:00:00Z. Default: now.
    #[arg(long, value_name = "TIME")]
    pub(crate) begin: Option<Timestamp>,
    /// Also write a picture that needs nothing else: FILE.svg, or FILE.html with all that is said here.
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
}
