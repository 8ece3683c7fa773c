//! The commands of `rollout`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use nim_shared::id::{Digest, ObjectName};
use nim_shared::stamp::Timestamp;
use nim_shared::ticket::Ticket;

/// Rollouts: updates of many LPARs, planned against what their frames have.
#[derive(Debug, Subcommand)]
pub(crate) enum Rollout {
    /// Show who would be updated when, who waits for what and who is left out; nothing is changed
    Plan(PlanRollout),
    /// Plan a rollout and start it
    Start(StartRollout),
    /// List rollouts, the newest first
    List,
    /// Show where a rollout and each of its LPARs stands
    Status(OneRollout),
    /// Follow a rollout on one screen until it is over
    Watch(WatchRollout),
    /// Start nothing new; what runs goes on
    Pause(TurnRollout),
    /// Go on after a pause or a stop
    Resume(TurnRollout),
    /// End a rollout; what runs finishes, or is cancelled
    Abort(AbortRollout),
    /// Approve the wave that waits for it, or single LPARs
    Approve(ApproveRollout),
    /// Let the next wave begin although the one before has not soaked, is not healthy, or waits for who is held back; or take LPARs for healthy
    Promote(PromoteRollout),
    /// Try again LPARs that failed, could not be reached or were left out
    Retry(RetryRollout),
    /// Show what became of a rollout, for those who let it happen
    Report(ReportRollout),
    /// Feed the decisions of a rollout again what it was told, and compare
    Replay(OneRollout),
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

/// Plan a rollout and start it: nimd updates its LPARs, wave by wave, within what the file says.
#[derive(Debug, Args)]
#[command(
    after_help = "It goes on without nimctl, and over restarts of nimd. Whoever wants to be sure that what starts is what was seen plans with --begin, and \
    gives the same --begin and the fingerprint of that plan here.\n\n\
    Examples:\n  nimctl rollout start rollout.yaml\n  nimctl rollout plan rollout.yaml --begin 2026-12-01T20:00:00Z\n  \
    nimctl rollout start rollout.yaml --begin 2026-12-01T20:00:00Z --fingerprint 5f0c…"
)]
pub(crate) struct StartRollout {
    /// The rollout in YAML; - is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// When it begins at the earliest. Default: now.
    #[arg(long, value_name = "TIME")]
    pub(crate) begin: Option<Timestamp>,
    /// The plan that was seen: another one is not started.
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) fingerprint: Option<Digest>,
    /// The ticket under which that is done. The policy of the site may want one.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<Ticket>,
}

/// A rollout by its name.
#[derive(Debug, Args)]
pub(crate) struct OneRollout {
    /// Its name, or its id; of several of one name the one that was started last.
    #[arg(value_name = "ROLLOUT")]
    pub(crate) rollout: String,
}

/// A rollout by its name, and what is done with it.
#[derive(Debug, Args)]
pub(crate) struct TurnRollout {
    /// Its name, or its id; of several of one name the one that was started last.
    #[arg(value_name = "ROLLOUT")]
    pub(crate) rollout: String,
    /// The ticket under which that is done. The policy of the site may want one.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<Ticket>,
}

/// Let the next wave begin although the one before has not soaked, is not healthy enough, or waits only for LPARs that are held back.
///
/// With LPARs: take those for healthy that are updated and not known to be, so that their partners may start and their wave counts them.
/// What is found of them later counts again.
#[derive(Debug, Args)]
#[command(
    after_help = "Why an LPAR is not known to be healthy says nimctl rollout status; nimctl aftercare looks whether it still is so.\n\n\
    Examples:\n  nimctl rollout promote spring\n  nimctl rollout promote spring lpar07"
)]
pub(crate) struct PromoteRollout {
    /// Its name, or its id.
    #[arg(value_name = "ROLLOUT")]
    pub(crate) rollout: String,
    /// LPARs that are updated and not known to be healthy. None: the next wave.
    #[arg(value_name = "LPAR")]
    pub(crate) lpars: Vec<ObjectName>,
    /// The ticket under which that is done. The policy of the site may want one.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<Ticket>,
}

/// Follow a rollout on one screen until it is over: who is in flight and where, blackouts with their seconds, who is not updated and why,
/// frames with what is used and free, waves, who starts next, and when all of it is over. Where there is no terminal, a line is written for
/// each change.
#[derive(Debug, Args)]
#[command(
    after_help = "Keys: q leaves, and the rollout goes on; p pauses and r resumes it, once you have said yes; / shows those LPARs of which name, frame, wave, \
    state, phase or code have what you type; up, down and Enter open one: where it is, since when, and what it waits for; Esc goes back.\n\n\
    Exit codes: 0 all are updated, 1 it is over and some are not, 3 there is no such rollout, 4 nimd cannot be reached, 130 left before the end. Times are UTC.\n\n\
    Examples:\n  nimctl rollout watch spring\n  nimctl rollout watch spring >spring.log\n  nimctl rollout watch spring -o json"
)]
pub(crate) struct WatchRollout {
    /// Its name, or its id; of several of one name the one that was started last.
    #[arg(value_name = "ROLLOUT")]
    pub(crate) rollout: String,
    /// The ticket under which it is paused and resumed from here. The policy of the site may want one.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<Ticket>,
}

/// End a rollout: nothing new is started. What runs finishes, or is cancelled where it still can be.
#[derive(Debug, Args)]
pub(crate) struct AbortRollout {
    /// Its name, or its id.
    #[arg(value_name = "ROLLOUT")]
    pub(crate) rollout: String,
    /// Cancel those that run, as long as they can be; what was changed on them is put back.
    #[arg(long)]
    pub(crate) cancel: bool,
    /// The ticket under which that is done. The policy of the site may want one.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<Ticket>,
}

/// Approve the wave that waits for it, or single LPARs. Whoever started a rollout does not approve it.
#[derive(Debug, Args)]
pub(crate) struct ApproveRollout {
    /// Its name, or its id.
    #[arg(value_name = "ROLLOUT")]
    pub(crate) rollout: String,
    /// The fingerprint of the plan that is approved, as status shows it; for LPARs that are other than they were planned, the one that why shows.
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) fingerprint: Digest,
    /// The ticket under which that is done. The policy of the site may want one.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<Ticket>,
    /// LPARs that wait for an approval of their own. None: the wave.
    #[arg(value_name = "LPAR")]
    pub(crate) lpars: Vec<ObjectName>,
}

/// Try again LPARs that failed, could not be reached or were left out: all of a class, or those that are named. They are shown first, with
/// what would have to be done before, and those that cannot be tried again with the reason.
#[derive(Debug, Args)]
#[command(
    after_help = "A rollout that has ended goes on. One that is stopped or paused starts nothing until it is resumed.\n\n\
    Examples:\n  nimctl rollout retry spring --class unreachable\n  nimctl rollout retry spring --class failed --remedied --yes\n  \
    nimctl rollout retry spring lpar07"
)]
pub(crate) struct RetryRollout {
    /// Its name, or its id.
    #[arg(value_name = "ROLLOUT")]
    pub(crate) rollout: String,
    /// LPARs of it.
    #[arg(value_name = "LPAR", required_unless_present = "classes")]
    pub(crate) lpars: Vec<ObjectName>,
    /// All that ended so.
    #[arg(long = "class", value_name = "CLASS", value_enum, value_delimiter = ',')]
    pub(crate) classes: Vec<Class>,
    /// What their failures ask for is done.
    #[arg(long)]
    pub(crate) remedied: bool,
    /// The ticket under which that is done. The policy of the site may want one.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<Ticket>,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// How LPARs ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Class {
    /// The update failed.
    Failed,
    /// They could not be reached.
    Unreachable,
    /// They were left out on the way.
    Skipped,
    /// They were cancelled.
    Cancelled,
    /// Their turn did not come.
    #[value(name = "not_started")]
    NotStarted,
}

impl Class {
    /// The state as nimd calls it.
    pub(crate) const fn state(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::NotStarted => "not_started",
        }
    }
}

/// Show what became of a rollout, for those who let it happen: a timeline of each frame, how long workloads stood still, what went wrong by
/// cause and what to do about it, and levels before and after.
#[derive(Debug, Args)]
#[command(
    after_help = "Times are UTC. Of an LPAR that was tried again the last attempt counts.\n\n\
    Examples:\n  nimctl rollout report spring\n  nimctl rollout report spring --file spring.html\n  \
    nimctl rollout report spring --file spring.csv\n  nimctl rollout report spring -o json"
)]
pub(crate) struct ReportRollout {
    /// Its name, or its id.
    #[arg(value_name = "ROLLOUT")]
    pub(crate) rollout: String,
    /// Write it there instead: FILE.html, a page that needs nothing else, or FILE.csv, with a line for each LPAR.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}
