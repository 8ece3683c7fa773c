//! Commands on operations.

use clap::{Args, ValueEnum};
use nim_shared::id::{BatchId, ObjectName};
use nim_shared::operation::StateName;

use super::super::pair::Assignment;

/// Update LPARs, by Live Update or without it, or preview that. Everything is checked before anything starts.
#[derive(Debug, Args)]
#[command(after_help = "\
Attributes, as NIM has them:
  live_update=yes|no        yes: by Live Update; no, as without it: software is installed and nothing is moved
  lpp_source=NAME           where the packages are; with live_update and without it the kernel moves as it is
  fixes=update_all|all      every update, or every update and every interim fix
  fixes=\"IJ52421 …\"       what the packages say these fixes are in, where it is installed
  fix_bundle=NAME           the fixes that the file of this object names; repeat it for more
  filesets=\"A B …\"          filesets and interim fixes by name
  installp_bundle=NAME      those that the file of this object names; repeat it for more
  script=NAME               run this object's file on the LPAR once all else has succeeded; repeat it for more; also alone
  strategy=one-step|split   split: install and commit the updates first, then move the kernel, with the interim fixes; where it is
                            not said the level of the LPAR decides
  hook=POINT:NAME[:MEANING] run this object's file on the LPAR at POINT: pre, prep, before-update, post or on-failure; where
                            it does not succeed the operation fails (fail, as without MEANING before the update), its report
                            says so (warn, as without it after that), or nothing follows (ignore); repeat it for more
  master_hook=POINT:NAME[:MEANING]
                            have nimd run this program of its own folder (hooks.folder) at POINT: pre, prep, before-update, post
                            or on-failure; after the update a failure is warn or ignore; repeat it for more
  live_update_data=NAME     for live_update: the object with lvupdate.data; {lpar} in it stands for the LPAR's name;
                            auto: disks are chosen and the file is written, as nimctl live-update-data generate shows
  accept_licenses=yes|no    agree to licences
  installp_flags=FLAGS      p: preview, Y: agree to licences; without live_update also those of acgNQXqwvV, agQX where none are given
  concurrent=N              of several LPARs at most N at a time
  time_limit=HOURS          start no further LPAR after that
  async=yes|no              yes: as --detach

Example:
  nimctl cust -a live_update=yes -a lpp_source=7300-03-01 -a fixes=update_all -a live_update_data=lud_lpar01 lpar01")]
pub(crate) struct Cust {
    /// What to do; see below.
    #[arg(short = 'a', long = "attribute", value_name = "ATTRIBUTE=VALUE", required = true)]
    pub(crate) attributes: Vec<Assignment>,
    /// Look only: geninstall's own checks and estimates.
    #[arg(long)]
    pub(crate) preview: bool,
    /// Return once it is accepted.
    #[arg(long)]
    pub(crate) detach: bool,
    /// LPARs and groups: names, patterns with *, ? and `[1-9]`, ranges such as `lpar[1:12]`.
    #[arg(required = true, value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
}

/// Show operations: all that are open, or one with its details.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Also those that have ended.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only those of one request.
    #[arg(long, value_name = "ID")]
    pub(crate) batch: Option<BatchId>,
    /// Only those in this state. Repeat it for more.
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Vec<StateName>,
    /// At most so many, the newest first.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    pub(crate) limit: usize,
    /// One operation: its id or the beginning of it, or an LPAR, whose newest one is meant.
    #[arg(value_name = "ID|LPAR", conflicts_with_all = ["all", "batch", "state"])]
    pub(crate) operation: Option<String>,
}

/// Follow operations until they end.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// All of one request, as `cust` said.
    #[arg(long, value_name = "ID", conflicts_with = "operations")]
    pub(crate) batch: Option<BatchId>,
    /// Operations: ids or the beginning of them, or LPARs, whose newest one is meant. None: all that are open.
    #[arg(value_name = "ID|LPAR")]
    pub(crate) operations: Vec<String>,
}

/// Print what geninstall and other programs wrote during an operation.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Go on until the operation ends.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only this line of history. The first is 1; another one begins where the LPAR was booted from an older copy.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) epoch: Option<u64>,
    /// In place of what was printed, a log of the LPAR that was fetched when the operation failed: lvupdlog, emgr.log, …; or
    /// snap: what snap -U collects there for IBM's support, as an archive (tar), fetched when it is first asked for.
    #[arg(long, value_name = "NAME", conflicts_with = "follow")]
    pub(crate) file: Option<String>,
    /// Its id or the beginning of it, or an LPAR, whose newest one is meant.
    #[arg(value_name = "ID|LPAR")]
    pub(crate) operation: String,
}

/// Show what happened in an operation, in order.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Its id or the beginning of it, or an LPAR, whose newest one is meant.
    #[arg(value_name = "ID|LPAR")]
    pub(crate) operation: String,
}

/// Show the hooks that nimd runs itself for an operation, and what they printed. Those of its LPAR are in `events` and `log`.
#[derive(Debug, Args)]
pub(crate) struct Hooks {
    /// Its id or the beginning of it, or an LPAR, whose newest one is meant.
    #[arg(value_name = "ID|LPAR")]
    pub(crate) operation: String,
}

/// Cancel an operation, as long as that is possible. geninstall is never killed: it acts at the next step between.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// Its id or the beginning of it, or an LPAR, whose newest one is meant.
    #[arg(value_name = "ID|LPAR")]
    pub(crate) operation: String,
}

/// Do again what failed: the same request, for this LPAR alone. Refused where it makes no sense, such as after a partial success, which
/// is in effect; what the codes of the failure ask for has to be done first.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// Move the kernel alone: the software is installed, and the old kernel still runs (applied_not_live).
    #[arg(long)]
    pub(crate) move_only: bool,
    /// What the codes of the failure ask for is done. Else it is asked.
    #[arg(long)]
    pub(crate) remedied: bool,
    /// Do not wait for the end.
    #[arg(long)]
    pub(crate) detach: bool,
    /// Its id or the beginning of it, or an LPAR, whose newest one is meant.
    #[arg(value_name = "ID|LPAR")]
    pub(crate) operation: String,
}

/// Clean up after a Live Update that could not do so itself: shows who runs where by the ids that the HMC and the LPAR show, keeps the
/// logs, and runs clvupdate. Each flag is asked for with what was found. What clvupdate asks is shown and never answered; nothing is
/// removed on an HMC.
#[derive(Debug, Args)]
pub(crate) struct Cleanup {
    /// `clvupdate -l`: nothing but the lock of a Live Update is left, and it is released.
    #[arg(long, conflicts_with_all = ["after_reboot", "force_original", "ignore_processes"])]
    pub(crate) only_lock: bool,
    /// `clvupdate -e`: the LPAR was booted since, and what its kernel knows is ignored.
    #[arg(long)]
    pub(crate) after_reboot: bool,
    /// `clvupdate -o`: the workload runs on the surrogate, and the original is forced down.
    #[arg(long)]
    pub(crate) force_original: bool,
    /// `clvupdate -u`: it is ignored that processes may still run.
    #[arg(long)]
    pub(crate) ignore_processes: bool,
    /// Ask nothing: clvupdate is told what is named here, and nothing else.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Do not wait for the end.
    #[arg(long)]
    pub(crate) detach: bool,
    /// The LPAR.
    #[arg(value_name = "LPAR")]
    pub(crate) lpar: ObjectName,
}

/// End a stuck operation, on your word. It frees the LPAR and its capacity.
#[derive(Debug, Args)]
pub(crate) struct Resolve {
    /// What it is to count as.
    #[arg(long = "as", value_enum, value_name = "STATE")]
    pub(crate) verdict: Verdict,
    /// What you saw on the LPAR; kept with the operation.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Its id or the beginning of it, or an LPAR, whose newest one is meant.
    #[arg(value_name = "ID|LPAR")]
    pub(crate) operation: String,
}

/// Explain a code, a log or transcript, or what went wrong in an operation. Codes and files need no nimd.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nimctl explain 1430-030\n  nimctl explain pitfall-6\n  nimctl explain NLU-0201\n  nimctl explain lvupdlog\n  nimctl explain lpar01"
)]
pub(crate) struct Explain {
    /// A code or pitfall; a file, - for standard input; or an operation: its id or the beginning of it, or an LPAR, whose newest
    /// one is meant. What is a file is taken as one.
    #[arg(value_name = "CODE|FILE|-|ID|LPAR")]
    pub(crate) what: String,
}

/// What a person may end an operation as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verdict {
    /// The LPAR is updated.
    Succeeded,
    /// It is not.
    Failed,
    /// It was never begun.
    Cancelled,
}

impl From<Verdict> for StateName {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Succeeded => Self::Succeeded,
            Verdict::Failed => Self::Failed,
            Verdict::Cancelled => Self::Cancelled,
        }
    }
}
