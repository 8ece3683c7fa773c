//! `rehearse`.

use std::path::PathBuf;

use clap::Args;
use nim_shared::stamp::Timestamp;

/// Run a rollout many times before it runs once: the same plan, the same decisions, with times and faults drawn from what is on record of
/// earlier updates, or with faults that you name. Shows when it ends, what would stop it, and what most likely goes wrong. Nothing is
/// changed and no host is asked. With --in-lab the rollout is also run once by the real programs, in a simulated copy of the site.
#[derive(Debug, Args)]
#[command(
    after_help = "A fault is CODE, CODE=LPAR or CODE=5%: with one LPAR, in each run another; with that LPAR; with so many of 100 updates. The code is one that \
    nimctl explain knows, or unreachable, or stuck. Faults of the past are drawn from the updates of an LPAR, of its class and of the site, the nearer the more of \
    them there are; without any, none is drawn, and that is said. Whoever has to approve does so at once, and nobody resumes what has stopped.\n\n\
    The same file, site, history and seed have the same answer. Times are UTC.\n\n\
    With --in-lab nim-lab, nimd and nim-agent have to be beside nimctl. The frames of the rollout are copied as nimd knows them, with all their LPARs; what it does not \
    know, and what differs on purpose (times are divided by the speed; windows, approvals, receivers and programs of the site are left out), is listed. Set in the lab \
    are the faults that you name and those that the first of the runs met, as far as the lab has such. A fault may also be NAME=LPAR with a name of nim-lab fault --list. \
    DIR is kept: site.yaml, rollout.yaml, differences.txt, report.json, logs. Ctrl-C ends the lab.\n\n\
    Exit codes: 0 rehearsed, 1 the plan updates nobody or the rollout in the lab was stopped, 2 a fault that is none, 3 the file has faults or cannot be asked for, or DIR is \
    not empty, 130 interrupted.\n\n\
    Examples:\n  nimctl rehearse rollout.yaml\n  nimctl rehearse rollout.yaml --fault 1020-311=lpar07 --fault unreachable=2%\n  \
    nimctl rehearse rollout.yaml --begin 2026-12-01T20:00:00Z --runs 1000 -o json\n  \
    nimctl rehearse rollout.yaml --in-lab /tmp/rehearsal --fault procfs-open=lpar07"
)]
pub(crate) struct Rehearse {
    /// The rollout in YAML, as schemas/rollout.schema.json describes it; - is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// When it begins at the earliest, such as 2026-12-01T20:00:00Z. Default: now.
    #[arg(long, value_name = "TIME")]
    pub(crate) begin: Option<Timestamp>,
    /// How often it is run. Default: up to 400 times, less often with many LPARs.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) runs: Option<u32>,
    /// Seed of what is drawn. Default: that of the file.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Something that goes wrong beside what history says; may be given several times.
    #[arg(long = "fault", value_name = "FAULT")]
    pub(crate) faults: Vec<String>,
    /// Copy the site into a lab in this folder, and run the rollout there once. The folder is made; it has to be empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) in_lab: Option<PathBuf>,
    /// How many times faster than life the lab runs. Default: 100.
    #[arg(long, value_name = "NUMBER", requires = "in_lab")]
    pub(crate) speed: Option<u32>,
}
