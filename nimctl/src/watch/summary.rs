//! What came of it: a row an LPAR, and for what did not succeed the code, what it means, and what to do.

use nim_shared::api::OperationView;
use nim_shared::code::Retry;
use nim_shared::id::BatchId;
use nim_shared::operation::{Blackout, Kernel, OnDisk, Outcome, Snapshot, Software, StateName};
use nim_shared::request::Kind;
use serde::Serialize;

use super::Subject;
use super::sentence::{or_unknown, tenths};
use crate::output::fold::folded;
use crate::output::table::{Columns, NONE, Piece};
use crate::output::text::{Paint, clean, clock, clock_seconds};
use crate::output::{Style, View};

/// All operations that were followed.
#[derive(Serialize)]
pub(crate) struct Summary {
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<BatchId>,
    operations: Vec<OperationView>,
}

impl Summary {
    pub(super) const fn new(subject: &Subject, operations: Vec<OperationView>) -> Self {
        let batch = match subject {
            Subject::Batch(batch) => Some(*batch),
            Subject::Operations(_) => None,
        };
        Self { batch, operations }
    }
}

impl View for Summary {
    fn table(&self, style: Style) -> String {
        let previews = self.operations.iter().all(|view| view.kind.is_preview());
        let mut text = if previews {
            previewed(&self.operations, style)
        } else {
            updated(&self.operations, style)
        };
        for view in &self.operations {
            let ending = ending(view, style);
            if !ending.is_empty() {
                text += &format!("\n{}:\n", view.lpar);
                text += &ending;
            }
        }
        text
    }
}

/// Rows of updates.
fn updated(operations: &[OperationView], style: Style) -> String {
    let headings = ["LPAR", "OUTCOME", "LEVEL", "LPAR ID", "BLACKOUT", "TIME"];
    let mut columns = Columns::new(&headings, style);
    let narrow = style.is_narrow();
    for view in operations {
        let report = view.report.as_ref();
        let level = change(view, narrow, |at| at.level.clone());
        let id = change(view, narrow, |at| at.lpar_id.map(|id| id.to_string()));
        let blackout = report
            .map_or_else(|| vec![NONE.to_owned()], |report| blackout(&report.blackout, narrow));
        columns.row([
            Piece::from(view.lpar.as_str()),
            Piece::painted(view.state.name(), paint_of(view.state)),
            Piece::lines(level),
            Piece::lines(id),
            Piece::lines(blackout),
            Piece::from(duration(view)),
        ]);
    }
    let mut text = columns.text();
    if operations.iter().any(|view| {
        view.report.as_ref().is_some_and(|report| report.blackout != Blackout::default())
    }) {
        text += "blackout: estimated (preview), reported (geninstall), measured (agent)\n";
    }
    text
}

/// Rows of previews: what they are asked for is an estimate.
fn previewed(operations: &[OperationView], style: Style) -> String {
    let mut columns = Columns::new(&["LPAR", "PREVIEW", "BLACKOUT", "WHOLE UPDATE", "TIME"], style);
    for view in operations {
        let report = view.report.as_ref();
        let blackout =
            report.and_then(|report| report.blackout.estimated).or(view.estimated_blackout);
        let total = report.and_then(|report| report.estimated_total).or(view.estimated_total);
        let state = match view.state {
            StateName::Succeeded => "passed",
            other => other.name(),
        };
        let estimate =
            |text: String| if text == "unknown" { NONE.to_owned() } else { format!("~{text}") };
        columns.row([
            Piece::from(view.lpar.as_str()),
            Piece::painted(state, paint_of(view.state)),
            Piece::from(estimate(or_unknown(blackout))),
            Piece::from(estimate(total.map_or_else(|| "unknown".to_owned(), clock_seconds))),
            Piece::from(duration(view)),
        ]);
    }
    columns.text()
}

/// A value before and after, in one line or two.
fn change(
    view: &OperationView,
    narrow: bool,
    of: impl Fn(&Snapshot) -> Option<String>,
) -> Vec<String> {
    let report = view.report.as_ref();
    let before = report.and_then(|report| report.before.as_ref()).and_then(&of);
    let after = report.and_then(|report| report.after.as_ref()).and_then(&of);
    match (before, after) {
        (None, None) => vec![NONE.to_owned()],
        (Some(before), Some(after)) if before == after => vec![before],
        // Nobody looks again where nothing of it was touched.
        (Some(before), None) if is_as_before(view) => vec![before],
        (before, after) => {
            let before = before.unwrap_or_else(|| "unknown".to_owned());
            let after = after.unwrap_or_else(|| "unknown".to_owned());
            if narrow {
                vec![before, format!("-> {after}")]
            } else {
                vec![format!("{before} -> {after}")]
            }
        }
    }
}

/// Whether level and partition are what they were, as the outcome has it.
fn is_as_before(view: &OperationView) -> bool {
    let outcome = view.report.as_ref().map(|report| &report.outcome);
    match outcome {
        Some(Outcome::Failed { software: Software::Unchanged })
        | Some(Outcome::Unchanged | Outcome::Cancelled) => true,
        // Disks are freed beside the system that runs.
        Some(Outcome::Succeeded { .. }) => view.kind == Kind::ReleaseDisks,
        Some(Outcome::Failed { .. } | Outcome::Stuck { .. }) | None => false,
    }
}

/// The three figures, or that there was none.
fn blackout(times: &Blackout, narrow: bool) -> Vec<String> {
    let Blackout { estimated, reported, measured } = times;
    if *times == Blackout::default() {
        return vec![NONE.to_owned()];
    }
    let estimated = estimated.map_or_else(|| "unknown".to_owned(), |time| format!("~{time}"));
    let reported = or_unknown(*reported);
    let measured = measured.map_or_else(|| "unknown".to_owned(), tenths);
    if narrow {
        vec![estimated, reported, measured]
    } else {
        vec![format!("{estimated} / {reported} / {measured}")]
    }
}

/// How long it took, once it began.
fn duration(view: &OperationView) -> String {
    let begun = view.started_at.unwrap_or(view.created_at);
    view.ended_at.map_or_else(|| NONE.to_owned(), |ended| clock(ended.since(begun)))
}

/// What is to be said of an operation that did not simply succeed: indented lines, or nothing.
pub(crate) fn ending(view: &OperationView, style: Style) -> String {
    let mut text = String::new();
    let mut line = |what: &str, value: &str| {
        text += &folded(&format!("   {what:9} = "), &clean(value), style);
    };
    if let Some(report) = &view.report {
        line(
            "outcome",
            &format!("{}: {}", outcome_word(&report.outcome, view.kind), report.summary),
        );
        if let Some(found) = &report.found {
            line("software", software_found(found.software));
            line("kernel", kernel_found(found.kernel));
        }
        if let Outcome::Succeeded { follow_up } = &report.outcome {
            for open in follow_up {
                line("open", &format!("{open}: {}", meaning(*open)));
            }
            for item in report.open_items.iter().take(MOST_ITEMS) {
                line("to do", &item.to_string());
            }
            let more = report.open_items.len().saturating_sub(MOST_ITEMS);
            if more > 0 {
                line("to do", &format!("{more} more: nimctl aftercare {}", view.lpar));
            }
        }
        // A failure tells them again, with their causes.
        let told = view.failure.iter().flat_map(|failure| &failure.causes);
        let told = |code: &str| told.clone().any(|cause| cause.starts_with(code));
        for code in report.codes.iter().filter(|code| !told(code)) {
            let meaning = view.meanings.iter().find(|one| one.code == *code);
            let title = meaning.map(|one| format!(": {}", one.title));
            line("code", &format!("{code}{}", title.unwrap_or_default()));
        }
        if let [name, ..] = &report.logs[..] {
            let names = report.logs.join(", ");
            line("logs", &format!("{names}: nimctl log {} --file {name}", view.id));
        }
    }
    if let Some(failure) = &view.failure {
        line("code", &failure.code);
        line("means", &failure.message);
        let summary = view.report.as_ref().map(|report| &report.summary);
        let new = failure.causes.iter().filter(|cause| Some(*cause) != summary);
        new.for_each(|cause| line("because", cause));
    }
    if let Some(hint) = to_do(view) {
        line("to do", &hint);
    }
    // What became of which disk, or of the partitions, is in the summary alone.
    let tells = matches!(view.kind, Kind::ReleaseDisks | Kind::CleanUp);
    let calm = view.failure.is_none()
        && !tells
        && view.report.as_ref().is_none_or(|report| match &report.outcome {
            Outcome::Succeeded { follow_up } => follow_up.is_empty() && report.codes.is_empty(),
            Outcome::Unchanged => true,
            Outcome::Failed { .. } | Outcome::Cancelled | Outcome::Stuck { .. } => false,
        });
    if calm { String::new() } else { text }
}

/// What to do now: as `nimd` says, or else as the first code has it that decides.
fn to_do(view: &OperationView) -> Option<String> {
    let said = view.failure.as_ref().and_then(|failure| failure.hint.clone());
    let decides = |retry: Retry| !matches!(retry, Retry::SeeOthers | Retry::NotNeeded);
    let first = || view.meanings.iter().find(|one| decides(one.retry));
    said.or_else(|| first().map(|one| one.remedy.clone()))
}

/// The outcome in a line, and its colour.
pub(super) fn outcome(view: &OperationView) -> (String, Paint) {
    let word = match &view.report {
        Some(report) => outcome_word(&report.outcome, view.kind),
        None => view.state.to_string(),
    };
    let why = match (&view.failure, &view.report) {
        // The message says in a sentence what the outcome says; the summary says why.
        (Some(failure), Some(report)) if matches!(report.outcome, Outcome::Failed { .. }) => {
            format!(": {} [{}]", report.summary, failure.code)
        }
        (Some(failure), _) => format!(": {} [{}]", failure.message, failure.code),
        (None, Some(report))
            if !matches!(report.outcome, Outcome::Succeeded { .. } | Outcome::Unchanged) =>
        {
            format!(": {}", report.summary)
        }
        (None, _) => String::new(),
    };
    (format!("{word}{why}"), paint_of(view.state))
}

/// The outcome of an operation of this kind in a few words.
pub(crate) fn outcome_word(outcome: &Outcome, kind: Kind) -> String {
    match outcome {
        Outcome::Succeeded { follow_up } if follow_up.is_empty() => "succeeded".to_owned(),
        Outcome::Succeeded { .. } => "succeeded, with something left to do".to_owned(),
        Outcome::Unchanged => "unchanged, there was nothing to do".to_owned(),
        Outcome::Failed { software } => format!("failed, {}", failed_word(*software, kind)),
        Outcome::Cancelled => "cancelled, everything is as it was".to_owned(),
        Outcome::Stuck { reason } => format!("stuck, a person is needed ({reason})"),
    }
}

/// What a failure of an operation of this kind means for the LPAR.
const fn failed_word(software: Software, kind: Kind) -> &'static str {
    match (kind, software) {
        (Kind::Rollback, _) => "the LPAR was not booted from the copy",
        (Kind::CleanUp, _) => "it did not come to its end",
        (Kind::ReleaseDisks, _) => "disks were not released, or not all of them",
        (Kind::AltDisk, _) => "the running system is as it was",
        (Kind::Snap, _) => "what it collects is not kept",
        (Kind::MaintPreview | Kind::Maint, Software::Unchanged) => "nothing was changed",
        (Kind::MaintPreview | Kind::Maint, Software::PartlyApplied) => "a part of it was done",
        (
            Kind::Preview
            | Kind::Update
            | Kind::InstallPreview
            | Kind::Install
            | Kind::MaintPreview
            | Kind::Maint,
            software,
        ) => match software {
            Software::Unchanged => "nothing was installed",
            Software::PartlyApplied => "some of the software was installed",
            Software::AppliedNotLive => "the software is installed, the old kernel runs",
            Software::Applied => "everything is installed; what was to follow failed",
        },
    }
}

/// What of the software is on the disk.
const fn software_found(found: Option<OnDisk>) -> &'static str {
    match found {
        Some(OnDisk::Unchanged) => "unchanged",
        Some(OnDisk::PartlyApplied) => "partly applied",
        Some(OnDisk::Applied) => "applied",
        None => "not known",
    }
}

/// Which kernel runs.
const fn kernel_found(found: Option<Kernel>) -> &'static str {
    match found {
        Some(Kernel::Old) => "old: as before, until it is moved or the LPAR is rebooted",
        Some(Kernel::New) => "new",
        None => "not known",
    }
}

/// How many things that are left to do are listed.
const MOST_ITEMS: usize = 20;

/// What is open after a success.
const fn meaning(open: nim_shared::operation::FollowUp) -> &'static str {
    use nim_shared::operation::FollowUp;
    match open {
        FollowUp::PostProcessing => {
            "errors after the move: look at paths, at the old LPAR and at resources"
        }
        FollowUp::Paths => "disks have fewer paths than before, or paths that are not enabled",
        FollowUp::OldLibraries => {
            "processes still run on libraries that were replaced; restart them"
        }
        FollowUp::ConfigurationChanged => "the update rewrote configuration files; see config.diff",
        FollowUp::Hook => "a hook of the site did not succeed; see nimctl events",
        FollowUp::BootList => "the LPAR would boot from another disk than rootvg's",
        FollowUp::ManagementLink => "RMC shows no management console as connected",
        FollowUp::Level => "the system or a fileset is at a lower level than it should be",
        FollowUp::ErrorLog => "the error log has new entries beside those of the update",
        FollowUp::Identity => "the host name or the machine id is another one than before",
        FollowUp::InterimFix => "an interim fix that was asked for is not installed",
        FollowUp::ConsoleToken => {
            "the console's token is not in the new kernel; the next update fetches it again"
        }
    }
}

/// The colour of a state.
pub(crate) const fn paint_of(state: StateName) -> Paint {
    match state {
        StateName::Succeeded | StateName::Unchanged => Paint::Good,
        StateName::Failed | StateName::Stuck => Paint::Bad,
        StateName::Cancelled => Paint::Care,
        StateName::Queued | StateName::Dispatching | StateName::Running => Paint::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The end of an operation on lpar01 with id 4 at TL2, and what was seen after it.
    fn ended(kind: &str, outcome: &Value, after: &Value) -> OperationView {
        let mut report = outcome.clone();
        report["summary"] = json!("hdisk2 is released");
        report["before"] = json!({"level": "7300-02", "lpar_id": 4, "partition_name": "lpar01"});
        report["after"] = after.clone();
        report["estimated_total"] = Value::Null;
        let id = "0193a2b4-5c6d-7001-8def-0123456789ab";
        let at = "2025-01-29T10:00:00Z";
        serde_json::from_value(json!({
            "id": id, "batch": id, "lpar": "lpar01", "kind": kind, "state": outcome["outcome"],
            "entered_at": at, "cancel_asked": false, "created_at": at, "requested_by": 0, "report": report,
        }))
        .unwrap()
    }

    #[test]
    fn a_level_is_unknown_only_where_something_may_have_changed_it() {
        let failed = |software: &str| json!({"outcome": "failed", "software": software});
        let succeeded = json!({"outcome": "succeeded", "follow_up": []});
        let none = Value::Null;
        for (kind, outcome, after, level) in [
            ("update", failed("unchanged"), &none, "7300-02"),
            ("update", failed("partly_applied"), &none, "7300-02 -> unknown"),
            ("update", json!({"outcome": "cancelled"}), &none, "7300-02"),
            (
                "update",
                json!({"outcome": "stuck", "reason": "ambiguous"}),
                &none,
                "7300-02 -> unknown",
            ),
            ("update", succeeded.clone(), &none, "7300-02 -> unknown"),
            ("update", succeeded.clone(), &json!({"level": "7300-03"}), "7300-02 -> 7300-03"),
            ("release_disks", succeeded.clone(), &none, "7300-02"),
        ] {
            let view = ended(kind, &outcome, after);
            assert_eq!(change(&view, false, |at| at.level.clone()), [level], "{kind} {outcome}");
        }
    }

    #[test]
    fn a_failure_speaks_of_what_was_to_be_done() {
        let said = |kind| {
            let failed = json!({"outcome": "failed", "software": "unchanged"});
            outcome(&ended(kind, &failed, &Value::Null)).0
        };
        for (kind, wanted) in [
            ("update", "failed, nothing was installed: hdisk2 is released"),
            ("rollback", "failed, the LPAR was not booted from the copy: hdisk2 is released"),
            ("clean_up", "failed, it did not come to its end: hdisk2 is released"),
            ("maint", "failed, nothing was changed: hdisk2 is released"),
        ] {
            assert_eq!(said(kind), wanted);
        }
    }

    #[test]
    fn what_was_released_is_said() {
        let succeeded = json!({"outcome": "succeeded", "follow_up": []});
        let style = Style { color: false, width: None, wide: false };
        let text = |kind| ending(&ended(kind, &succeeded, &Value::Null), style);
        assert_eq!(text("release_disks"), "   outcome   = succeeded: hdisk2 is released\n");
        assert_eq!(text("update"), "");
    }
}
