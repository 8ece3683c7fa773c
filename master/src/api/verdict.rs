//! What is wrong with an operation that failed or is stuck, and what to do about it.

use nim_shared::api::{Failure, FailureKind};
use nim_shared::code::{Knowledge, Meaning, Retry};
use nim_shared::id::{OperationId, printable};
use nim_shared::operation::{Outcome, Report, Software, StuckReason};
use nim_shared::request::Kind;

use crate::engine::operation::State;
use crate::store::operation::Record;

/// For `failed` and `stuck`; `None` for every other state.
pub(super) fn failure(record: &Record, knowledge: &Knowledge) -> Option<Failure> {
    let Said { code, message, hint } = said(record)?;
    let report = record.report.as_ref();
    let mut causes: Vec<String> = report.iter().map(|report| printable(&report.summary)).collect();
    causes.extend(report.iter().flat_map(|report| because(report, knowledge)));
    let known = report.map(|report| knowledge.of_codes(&report.codes, &report.messages));
    Some(Failure {
        code: code.to_owned(),
        message,
        causes,
        hint: Some(to_do(&known.unwrap_or_default(), hint)),
        faults: Vec::new(),
        kind: FailureKind::Refused,
    })
}

/// What did not come about, in a sentence; `None` for every other state.
pub(super) fn message(record: &Record) -> Option<String> {
    Some(said(record)?.message)
}

/// What the codes of a report mean, one line each; the line itself where that is not known.
fn because(report: &Report, knowledge: &Knowledge) -> Vec<String> {
    let of = |code: &String| {
        let code_said = printable(code);
        match knowledge.of_code(code, &report.messages) {
            Some(known) => format!("{code_said}: {}: {}", known.title, known.cause),
            None => match report.messages.iter().find(|message| message.code == *code) {
                Some(message) if message.text.contains(code.as_str()) => printable(&message.text),
                Some(message) => format!("{code_said}: {}", printable(&message.text)),
                None => code_said,
            },
        }
    };
    report.codes.iter().map(of).collect()
}

/// What we say ourselves.
struct Said {
    code: &'static str,
    message: String,
    hint: String,
}

fn said(record: &Record) -> Option<Said> {
    let lpar = &record.lpar;
    let (code, message, hint) = match &record.operation.state {
        State::Ended { outcome: Outcome::Failed { software } } => (
            failed_code(*software),
            failed_message(record, *software),
            failed_hint(*software, record),
        ),
        State::Stuck { reason, .. } => (
            stuck_code(*reason),
            format!("the operation on {lpar} needs a person: {}", what_is_stuck(*reason)),
            stuck_hint(*reason, record),
        ),
        State::Queued
        | State::Dispatching { .. }
        | State::Running(_)
        | State::Ended {
            outcome:
                Outcome::Succeeded { .. }
                | Outcome::Unchanged
                | Outcome::Cancelled
                | Outcome::Stuck { .. },
        } => return None,
    };
    Some(Said { code, message, hint })
}

/// What to do: the remedy of the code that is nearest to the cause comes before our `hint`, unless it says the same without names.
fn to_do(known: &[Meaning], hint: String) -> String {
    let telling: Vec<Meaning> = known
        .iter()
        .filter(|one| one.code != CLEAN_UP_NEEDS_A_PERSON && one.retry != Retry::NotNeeded)
        .cloned()
        .collect();
    match Meaning::nearest(&telling) {
        Some(one) => format!("{}; then: {hint}", one.remedy.trim_end_matches('.')),
        None => hint,
    }
}

/// The code of every clean-up that did not come to its end.
const CLEAN_UP_NEEDS_A_PERSON: &str = "NLU-0179";

/// The code of a failure.
const fn failed_code(software: Software) -> &'static str {
    match software {
        Software::Unchanged => "NLU-0160",
        Software::PartlyApplied => "NLU-0161",
        Software::AppliedNotLive => "NLU-0162",
        Software::Applied => "NLU-0163",
    }
}

/// What did not come about, and what is on disk.
fn failed_message(record: &Record, software: Software) -> String {
    let (lpar, found) = (&record.lpar, on_disk(software));
    match record.kind {
        Kind::Preview | Kind::Update if software != Software::Applied => {
            format!("the Live Update of {lpar} did not happen: {found}")
        }
        Kind::Preview | Kind::Update => {
            format!("the Live Update of {lpar} was not completed: {found}")
        }
        Kind::InstallPreview | Kind::Install => {
            format!("the installation on {lpar} failed: {found}")
        }
        Kind::AltDisk => {
            format!("the copy of rootvg on {lpar} was not made: the running system is as it was")
        }
        Kind::Rollback => {
            format!("{lpar} was not booted from the copy")
        }
        Kind::ReleaseDisks => {
            format!("disks of {lpar} were not released, or not all of them")
        }
        Kind::CleanUp => format!("the clean-up of {lpar} did not come to its end"),
        Kind::Snap => format!("what snap collects on {lpar} is not kept"),
        Kind::MaintPreview | Kind::Maint => {
            let found = match software {
                Software::Unchanged => "nothing was changed",
                Software::PartlyApplied => "a part of it was done before an error",
                Software::AppliedNotLive | Software::Applied => found,
            };
            format!("the maintenance of {lpar} failed: {found}")
        }
    }
}

/// What is on disk after a failure.
const fn on_disk(software: Software) -> &'static str {
    match software {
        Software::Unchanged => "nothing was installed",
        Software::PartlyApplied => "a part of the software was installed before an error",
        Software::AppliedNotLive => "the software is installed, the old kernel still runs",
        Software::Applied => "everything is installed, and what was to follow failed",
    }
}

/// What to do after a failure.
fn failed_hint(software: Software, record: &Record) -> String {
    let (id, lpar) = (record.id, &record.lpar);
    match software {
        Software::Unchanged if record.kind == Kind::CleanUp => format!(
            "nimctl log {id} shows what clvupdate printed; once what it asks for is done: nimctl cleanup {lpar}"
        ),
        // No code says why: it ended before geninstall ran, or geninstall said it in words.
        Software::Unchanged
            if matches!(record.kind, Kind::Preview | Kind::Update)
                && record.report.as_ref().is_none_or(|report| report.codes.is_empty()) =>
        {
            format!("nimctl preflight {lpar} shows what stands against it; nimctl log {id}")
        }
        Software::Unchanged | Software::Applied => format!("nimctl log {id}"),
        Software::PartlyApplied => {
            format!("nimctl log {id} shows what failed; `lppchk -v` on the LPAR what is incomplete")
        }
        Software::AppliedNotLive => {
            format!(
                "nimctl log {id} says why; what is installed stays: when the cause is gone, or the workload that caused it is stopped, nimctl retry --move-only {id}; or reboot {lpar}"
            )
        }
    }
}

/// The code of being stuck.
const fn stuck_code(reason: StuckReason) -> &'static str {
    match reason {
        StuckReason::UndoFailed => "NLU-0170",
        StuckReason::CleanUpOpen => "NLU-0171",
        StuckReason::JournalLost => "NLU-0172",
        StuckReason::JournalDamaged => "NLU-0173",
        StuckReason::DeadlinePassed => "NLU-0174",
        StuckReason::Ambiguous => "NLU-0175",
        StuckReason::AnotherMachine => "NLU-0176",
    }
}

/// Why it is stuck, in a sentence.
const fn what_is_stuck(reason: StuckReason) -> &'static str {
    match reason {
        StuckReason::UndoFailed => "something that was prepared could not be put back",
        StuckReason::CleanUpOpen => "a failed Live Update left its lock or its surrogate behind",
        StuckReason::JournalLost => "the agent no longer has the journal of it",
        StuckReason::JournalDamaged => "its journal on the LPAR is damaged",
        StuckReason::DeadlinePassed => {
            "it took longer than it may, and what became of it is not known"
        }
        StuckReason::Ambiguous => "what is found on the LPAR contradicts itself",
        StuckReason::AnotherMachine => "the LPAR that answers is not the one that took it",
    }
}

/// What to look at, and what to type then.
fn stuck_hint(reason: StuckReason, record: &Record) -> String {
    let (id, lpar) = (record.id, &record.lpar);
    let look = match reason {
        StuckReason::CleanUpOpen => {
            return format!(
                "nimctl cleanup {lpar} shows who runs where, and runs clvupdate; when that has cleaned up, the operation comes to its end by itself; \
                 `nimctl log {id}` has the output"
            );
        }
        StuckReason::UndoFailed => {
            "the last events say what could not be put back; put it back by hand"
        }
        StuckReason::JournalLost => return format!("{}; {}", lost(record.kind), verdict(id)),
        StuckReason::JournalDamaged => {
            "on the LPAR: the folder /var/adm/nim-agent, `oslevel -s` and `errpt -N LVUPDATE`"
        }
        StuckReason::DeadlinePassed => {
            "see whether the LPAR answers (`nimctl agent status`) and what the HMC shows of it; when it speaks again, it goes on by itself"
        }
        StuckReason::Ambiguous => {
            "on the LPAR: `oslevel -s`, `lspv`, `bootlist -m normal -o` and `errpt -N LVUPDATE`"
        }
        StuckReason::AnotherMachine => {
            "`nimctl agent status` says which machine answers; correct the address or the attributes of the object"
        }
    };
    format!("{look}; {}", verdict(id))
}

/// Where it is seen what became of an operation of this kind.
fn lost(kind: Kind) -> String {
    let look = match kind {
        Kind::Rollback => "`oslevel -s`, `bootlist -m normal -o` and `lspv`",
        _ => "`oslevel -s`, `lspv` and `errpt -N LVUPDATE`",
    };
    format!("on the LPAR: {look} say whether the {} happened", kind.words())
}

/// How a person ends what is stuck.
fn verdict(id: OperationId) -> String {
    format!(
        "`nimctl log {id}` has the output; when you know: nimctl resolve {id} --as STATE --reason TEXT"
    )
}

#[cfg(test)]
mod tests {
    use nim_shared::code;
    use nim_shared::operation::Message;

    use super::*;

    #[test]
    fn what_is_looked_at_is_of_what_was_done() {
        assert!(lost(Kind::Rollback).ends_with("and `lspv` say whether the rollback happened"));
        assert!(lost(Kind::Update).ends_with("LVUPDATE` say whether the update happened"));
    }

    #[test]
    fn what_to_do_is_said_once() {
        let of = |codes: &[&str]| {
            let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
            let known = Knowledge::default().of_codes(&codes, &[]);
            assert_eq!(known.len(), codes.len());
            to_do(&known, "ours".to_owned())
        };
        let procfs = code::find("1020-311").unwrap().remedy.trim_end_matches('.');
        assert_eq!(of(&[]), "ours");
        assert_eq!(of(&["1020-311"]), format!("{procfs}; then: ours"));
        // What a clean-up ends with has no other remedy than what is said of that clean-up.
        assert_eq!(of(&[CLEAN_UP_NEEDS_A_PERSON]), "ours");
        assert_eq!(of(&["1020-311", CLEAN_UP_NEEDS_A_PERSON]), format!("{procfs}; then: ours"));
        // Neither the closing line of every failure nor what is no fault is what to do.
        assert_eq!(of(&["0503-409", "1430-045", "1020-311"]), format!("{procfs}; then: ours"));
        assert_eq!(of(&["0503-409"]), "ours");
    }

    #[test]
    fn a_cause_is_told_by_its_line_and_a_number_that_is_not_known_keeps_its_own() {
        let message =
            |code: &str, text: &str| Message { code: code.to_owned(), text: text.to_owned() };
        let report = Report {
            codes: ["1430-134", "1430-998", "HSCL1234", "9999-001"].map(Into::into).into(),
            messages: vec![
                message("1430-134", "script '/usr/lpp/nfs/autofs/autofs_lku orig' failed"),
                message("1430-998", "ERROR 1430-998 what nobody has seen"),
                message("9999-001", "a check said so"),
            ],
            ..Report::of(Outcome::Failed { software: Software::Unchanged }, "it failed")
        };
        let because = because(&report, &Knowledge::default());
        let autofs = code::explain("1430-134", "/usr/lpp/nfs/autofs/").unwrap();
        assert_eq!(because[0], format!("1430-134: {}: {}", autofs.title, autofs.cause));
        assert_eq!(because[1], "ERROR 1430-998 what nobody has seen");
        assert!(because[2].starts_with("HSCL1234: "), "{because:?}");
        assert_eq!(because[3], "9999-001: a check said so");
    }
}
