//! How a run ended, by evidence: what geninstall printed, what the error log says, whether a lock is left, what is installed.
//!
//! No single witness is believed alone. The text may be cut off, the exit status is documented nowhere, the error log
//! may not be readable. Where they contradict each other a person has to look. Source: LU §2.7, §6.4.

use nim_shared::operation::{FollowUp, Found, Kernel, OnDisk, Outcome, Software, StuckReason};
use nim_shared::request::Kind;
use nim_shared::stage::Phase;
use nim_shared::transcript::{Ending, Outcome as Text};

use crate::operation::Verdict;

/// What is known after a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// What was asked for.
    pub(crate) kind: Kind,
    /// How the text ends.
    pub(crate) ending: Ending,
    /// How far the text came.
    pub(crate) phase: Option<Phase>,
    /// Whether the text says that there was nothing to install.
    pub(crate) nothing_to_install: bool,
    /// Whether the text says that software was installed before the move.
    pub(crate) installed: bool,
    /// What the error log has that it did not have before.
    pub(crate) log: Log,
    /// Whether the Live Update lock is there.
    pub(crate) locked: bool,
    /// Whether the list of filesets and interim fixes is another one than before.
    pub(crate) changed: Option<bool>,
    /// Exit status; a hint for a person, nothing is decided by it alone.
    pub(crate) status: Option<i32>,
    /// Whether the disks of a copy of rootvg hold it; where it is about one.
    pub(crate) copied: Option<bool>,
}

/// What Live Update wrote into the error log during the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// It began and completed: `12295E0B` after the last `9A74C7AB`.
    Completed,
    /// It began: `9A74C7AB` only.
    Started,
    /// Nothing.
    Silent,
    /// It could not be read, or does not contain what it had before.
    Unknown,
}

impl Log {
    /// From the entries before and after the run, newest first.
    pub(crate) fn between(before: &[String], after: &[String]) -> Self {
        let Some(new) = after.strip_suffix(before) else { return Self::Unknown };
        match new.iter().find(|line| line.starts_with(COMPLETED) || line.starts_with(STARTED)) {
            Some(line) if line.starts_with(COMPLETED) => Self::Completed,
            Some(_) => Self::Started,
            None => Self::Silent,
        }
    }
}

/// Identifier of `Live AIX update completed successfully`. Source: LU §2.8.
const COMPLETED: &str = "12295E0B";

/// Identifier of `Live AIX update started`. Source: LU §2.8.
const STARTED: &str = "9A74C7AB";

/// What the evidence adds up to.
pub(crate) fn judge(evidence: &Evidence) -> Verdict {
    if evidence.nothing_to_install && !has_counted_down(evidence) && evidence.changed != Some(true)
    {
        return verdict(
            Outcome::Unchanged,
            "geninstall found nothing to install".to_owned(),
            evidence,
        );
    }
    match evidence.kind {
        Kind::Preview => judge_preview(evidence),
        Kind::Update => judge_update(evidence),
        // Nothing of software runs for the last two: they decide by themselves.
        Kind::InstallPreview
        | Kind::Install
        | Kind::MaintPreview
        | Kind::Maint
        | Kind::ReleaseDisks
        | Kind::Rollback => judge_install(evidence),
        Kind::AltDisk => judge_copy(evidence),
        Kind::CleanUp => judge_clean_up(evidence),
        Kind::Snap => judge_snap(evidence),
    }
}

fn judge_preview(evidence: &Evidence) -> Verdict {
    let failed = Outcome::Failed { software: software(evidence) };
    let (outcome, summary) = match evidence.ending.outcome() {
        Text::PreviewPassed => {
            (Outcome::Succeeded { follow_up: vec![] }, "the preview passed".to_owned())
        }
        Text::PreviewFailed => (failed, "the preview found what forbids the update".to_owned()),
        Text::InstallFailed => (failed, "the preview of the installation failed".to_owned()),
        Text::Failed => (failed, "the preview failed".to_owned()),
        Text::Unfinished => {
            (failed, format!("the preview ended without a result{}", hint(evidence)))
        }
        Text::Succeeded | Text::SucceededWithFollowUp => {
            let text = "a preview was asked for, and the text says that an update took place";
            (Outcome::Stuck { reason: StuckReason::Ambiguous }, text.to_owned())
        }
    };
    verdict(outcome, summary, evidence)
}

/// Without Live Update there is neither a text that ends in a known sentence nor an entry in the error log: the exit status decides,
/// together with what is on the disk.
fn judge_install(evidence: &Evidence) -> Verdict {
    let (preview, program) = (evidence.kind.is_preview(), evidence.kind.program());
    let failed = Outcome::Failed { software: install_software(evidence) };
    let (outcome, summary) = match (evidence.status, evidence.changed) {
        (Some(0), _) if preview => {
            (Outcome::Succeeded { follow_up: vec![] }, "the preview passed".to_owned())
        }
        (Some(0), Some(false)) => {
            (Outcome::Unchanged, format!("{program} succeeded, and nothing on disk is different"))
        }
        (Some(0), Some(true) | None) => {
            (Outcome::Succeeded { follow_up: vec![] }, format!("{program} reports success"))
        }
        (Some(status), _) if preview => {
            (failed, format!("the preview failed with exit status {status}"))
        }
        (Some(status), _) => (failed, format!("{program} failed with exit status {status}")),
        (None, Some(false)) => {
            (failed, format!("{program} ended without a result; nothing on disk is different"))
        }
        (None, Some(true) | None) => (
            Outcome::Stuck { reason: StuckReason::Ambiguous },
            format!(
                "{program} ended without a result: see which filesets are not committed or applied (lppchk -v)"
            ),
        ),
    };
    verdict(outcome, summary, evidence)
}

/// The exit status of a copy of rootvg decides, together with what the disks hold. The running system is untouched either way.
fn judge_copy(evidence: &Evidence) -> Verdict {
    let failed = Outcome::Failed { software: Software::Unchanged };
    let ambiguous = Outcome::Stuck { reason: StuckReason::Ambiguous };
    const LEFT: &str =
        "what is left of it on its disks is dropped with `alt_rootvg_op -X altinst_rootvg`";
    let (outcome, summary) = match (evidence.status, evidence.copied) {
        (Some(0), Some(true) | None) => {
            (Outcome::Succeeded { follow_up: vec![] }, "the copy of rootvg is made".to_owned())
        }
        (Some(0), Some(false)) => (
            ambiguous,
            "alt_disk_copy reports success, and its disks hold no copy: see lspv".to_owned(),
        ),
        (Some(status), Some(false)) => {
            (failed, format!("alt_disk_copy failed with exit status {status}"))
        }
        (Some(status), Some(true) | None) => {
            (failed, format!("alt_disk_copy failed with exit status {status}; {LEFT}"))
        }
        (None, Some(false)) => {
            (failed, "alt_disk_copy ended without a result; its disks hold no copy".to_owned())
        }
        (None, Some(true) | None) => {
            (ambiguous, format!("alt_disk_copy ended without a result: see lspv; {LEFT}"))
        }
    };
    verdict(outcome, summary, evidence)
}

/// The exit status decides, together with the lock: what the kernel knows nobody else is told. Whatever it could not do, it can be run
/// again once a person has done what it asks for.
fn judge_clean_up(evidence: &Evidence) -> Verdict {
    let failed = Outcome::Failed { software: Software::Unchanged };
    let (outcome, summary) = match (evidence.status, evidence.locked) {
        (Some(0), false) => {
            (Outcome::Succeeded { follow_up: vec![] }, "clvupdate reports success".to_owned())
        }
        (Some(0), true) => (failed, "clvupdate reports success, and did not clean up".to_owned()),
        (Some(status), _) => (failed, format!("clvupdate ended with exit status {status}")),
        (None, _) => (failed, "clvupdate ended without a result".to_owned()),
    };
    verdict(outcome, summary, evidence)
}

/// The exit status decides; what it has collected is looked at when it is kept.
fn judge_snap(evidence: &Evidence) -> Verdict {
    let failed = Outcome::Failed { software: Software::Unchanged };
    let (outcome, summary) = match evidence.status {
        Some(0) => (Outcome::Succeeded { follow_up: vec![] }, "snap reports success".to_owned()),
        Some(status) => (failed, format!("snap ended with exit status {status}")),
        None => (failed, "snap ended without a result".to_owned()),
    };
    verdict(outcome, summary, evidence)
}

/// What is on disk after an installation that failed.
fn install_software(evidence: &Evidence) -> Software {
    match evidence.changed {
        Some(true) => Software::PartlyApplied,
        Some(false) | None => Software::Unchanged,
    }
}

fn judge_update(evidence: &Evidence) -> Verdict {
    let succeeded = |open: bool| Outcome::Succeeded {
        follow_up: if open || evidence.locked { vec![FollowUp::PostProcessing] } else { vec![] },
    };
    let failed = || {
        if evidence.locked {
            Outcome::Stuck { reason: StuckReason::CleanUpOpen }
        } else {
            Outcome::Failed { software: software(evidence) }
        }
    };
    let ambiguous = || Outcome::Stuck { reason: StuckReason::Ambiguous };
    let (outcome, summary): (_, &str) = match (evidence.ending.outcome(), evidence.log) {
        (Text::Succeeded, Log::Completed) => {
            (succeeded(false), "geninstall and the error log report success")
        }
        (Text::Succeeded, Log::Unknown) => {
            (succeeded(false), "geninstall reports success; the error log could not be read")
        }
        (Text::Succeeded, Log::Started | Log::Silent) => (
            ambiguous(),
            "geninstall reports success, and the error log shows no completed Live Update",
        ),
        (Text::SucceededWithFollowUp, _) => {
            (succeeded(true), "the workload was moved; errors occurred in post-processing")
        }
        (Text::Failed | Text::InstallFailed | Text::PreviewFailed, Log::Completed) => (
            ambiguous(),
            "geninstall reports a failure, and the error log shows a completed Live Update",
        ),
        (Text::Failed, _) if evidence.phase > Some(Phase::Blackout) => {
            (ambiguous(), "geninstall reports a failure after the workload was moved")
        }
        (Text::Failed, _) => {
            (failed(), "the Live Update failed; the workload stayed on the original")
        }
        (Text::InstallFailed, _) => {
            (failed(), "the installation failed; the Live Update did not begin")
        }
        (Text::PreviewFailed, _) => (failed(), "a check failed; the Live Update did not begin"),
        (Text::PreviewPassed, _)
            if evidence.log != Log::Completed && !has_counted_down(evidence) =>
        {
            (failed(), "geninstall ended after its checks; the Live Update did not begin")
        }
        // The text does not say how it ended: what is on the LPAR does.
        (Text::Unfinished | Text::PreviewPassed, Log::Completed) => (
            succeeded(false),
            "the error log shows a completed Live Update; geninstall's last lines are missing",
        ),
        (Text::Unfinished | Text::PreviewPassed, Log::Started | Log::Unknown)
            if evidence.phase > Some(Phase::Blackout) =>
        {
            (succeeded(true), "the workload was moved; what came after is not known")
        }
        (Text::Unfinished | Text::PreviewPassed, Log::Started) => {
            (failed(), "the error log shows a Live Update that did not complete")
        }
        (Text::Unfinished | Text::PreviewPassed, Log::Silent) => {
            (failed(), "geninstall ended without a result; the error log shows no Live Update")
        }
        (Text::Unfinished | Text::PreviewPassed, Log::Unknown) => {
            (ambiguous(), "geninstall ended without a result, and the error log could not be read")
        }
    };
    let unfinished = matches!(evidence.ending.outcome(), Text::Unfinished);
    let hint = if unfinished { hint(evidence) } else { String::new() };
    verdict(outcome, format!("{summary}{hint}"), evidence)
}

/// What is on disk after a move that did not happen. TL and SP updates are committed on the original first; an interim
/// fix goes to the clone only. Source: LU §0.
fn software(evidence: &Evidence) -> Software {
    let went_on = evidence.installed || has_counted_down(evidence);
    match evidence.changed {
        Some(false) => Software::Unchanged,
        Some(true) if went_on => Software::AppliedNotLive,
        Some(true) => Software::PartlyApplied,
        None if evidence.installed => Software::AppliedNotLive,
        None if evidence.phase == Some(Phase::Install) => Software::PartlyApplied,
        None => Software::Unchanged,
    }
}

fn has_counted_down(evidence: &Evidence) -> bool {
    evidence.phase >= Some(Phase::Countdown)
}

fn hint(evidence: &Evidence) -> String {
    match evidence.status {
        Some(status) => format!(" (exit status {status})"),
        None => " (no exit status is known)".to_owned(),
    }
}

fn verdict(outcome: Outcome, summary: String, evidence: &Evidence) -> Verdict {
    let summary = match (&outcome, evidence.locked) {
        (Outcome::Stuck { reason: StuckReason::CleanUpOpen }, _) => format!(
            "{summary}; {} is there: see /var/adm/ras/liveupdate/logs and run clvupdate",
            crate::alive::LIVE_UPDATE_LOCK
        ),
        (_, true) => format!("{summary}; {} is there", crate::alive::LIVE_UPDATE_LOCK),
        (_, false) => summary,
    };
    Verdict { found: found(&outcome, evidence), ..Verdict::of(outcome, summary) }
}

/// What is on the LPAR: the software by the list of it, the kernel by how the run ended. The partition id says nothing of it: it may be
/// the same before and after. Source: LU §6.1, §6.4.
fn found(outcome: &Outcome, evidence: &Evidence) -> Found {
    let moves = evidence.kind.moves();
    let installed = match (evidence.changed, evidence.installed) {
        (Some(true), _) | (None, true) => Some(OnDisk::Applied),
        (Some(false), _) => Some(OnDisk::Unchanged),
        (None, false) => None,
    };
    match outcome {
        Outcome::Succeeded { .. } => {
            let kernel = if moves { Kernel::New } else { Kernel::Old };
            Found { software: installed, kernel: Some(kernel) }
        }
        Outcome::Stuck { reason: StuckReason::CleanUpOpen } => {
            Found::by(&Outcome::Failed { software: software(evidence) })
        }
        Outcome::Stuck { .. } => {
            let software = installed.filter(|found| *found == OnDisk::Unchanged);
            Found { software, kernel: (!moves).then_some(Kernel::Old) }
        }
        Outcome::Unchanged | Outcome::Failed { .. } | Outcome::Cancelled => Found::by(outcome),
    }
}

#[cfg(test)]
mod tests;
