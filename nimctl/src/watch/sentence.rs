//! Journalled events as sentences.

use nim_shared::frame::found::Found;
use nim_shared::frame::{
    Body, Change, ChangeMoment, Effect, KeptLog, Known, PartStep, ScriptMoment, ScriptStep, Verdict,
};
use nim_shared::id::printable;
use nim_shared::operation::Named;
use nim_shared::prep::listed;
use nim_shared::request::Kind;
use nim_shared::stage::Point;
use nim_shared::strategy::Part;
use nim_shared::unit::{Milliseconds, Seconds};

use super::summary::outcome_word;
use crate::output::text::Paint;

/// What happened in an operation of this kind, in one sentence.
pub(crate) fn of(body: &Body, kind: Kind) -> String {
    match body {
        Body::Known(known) => known_event(known, kind),
        Body::Other(value) => {
            let what = value.get("kind").and_then(serde_json::Value::as_str).unwrap_or("event");
            format!("{what}: this nimctl is too old to know what that is")
        }
    }
}

/// How an event that is worth a line in every display is painted; `None` for the rest.
pub(super) fn paint(known: &Known) -> Option<Paint> {
    match known {
        Known::Point { .. } | Known::Estimate { .. } | Known::BlackoutEnded { .. } => {
            Some(Paint::Good)
        }
        Known::Check { verdict, .. } => match verdict.known() {
            Some(Verdict::Failed) => Some(Paint::Bad),
            Some(Verdict::Warning) => Some(Paint::Care),
            Some(Verdict::Passed | Verdict::Info) | None => None,
        },
        Known::Code { .. } => Some(Paint::Bad),
        Known::Log(log) if log.messages.is_empty() => None,
        Known::Log(_) => Some(Paint::Care),
        Known::Change(change) if change.error.is_some() => Some(Paint::Bad),
        Known::Part(PartStep { moment, .. }) | Known::Script(ScriptStep { moment, .. }) => {
            match moment.known() {
                Some(ScriptMoment::Begun) | None => None,
                Some(ScriptMoment::Succeeded) => Some(Paint::Good),
                Some(
                    ScriptMoment::Failed
                    | ScriptMoment::TooLong
                    | ScriptMoment::NotStarted
                    | ScriptMoment::Unknown
                    | ScriptMoment::LeftOut,
                ) => Some(Paint::Bad),
            }
        }
        Known::CancelAccepted { .. }
        | Known::EpochOpened { .. }
        | Known::Adopted { .. }
        | Known::Exposed(_) => Some(Paint::Care),
        Known::Found(Found::Left { .. } | Found::ProfilesUnknown { .. }) => Some(Paint::Care),
        Known::Found(Found::Gone { .. } | Found::ProfilesAsBefore) => Some(Paint::Good),
        Known::Found(Found::CapacityFree { .. })
        | Known::Taken { .. }
        | Known::Stage { .. }
        | Known::Phase { .. }
        | Known::Freeze(_)
        | Known::Change(_)
        | Known::Snapshot { .. }
        | Known::FenceRaised { .. }
        | Known::Note { .. }
        | Known::Finished(_) => None,
    }
}

fn known_event(known: &Known, kind: Kind) -> String {
    match known {
        Known::Taken { identity, .. } => {
            let host = identity.hostname.as_deref().unwrap_or("the LPAR");
            format!("taken by the agent on {host}")
        }
        Known::Stage { stage } => format!("stage {stage}"),
        Known::Phase { phase, printed_at: None } => format!("phase {phase}"),
        Known::Phase { phase, printed_at: Some(at) } => format!("phase {phase} (printed at {at})"),
        Known::Point { point } => point_passed(point),
        Known::Check { verdict, code, text } => {
            let code = code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
            format!("check {verdict}{code}: {text}")
        }
        Known::Estimate { blackout, total } => {
            let blackout = blackout.map(|time| format!("{time} of blackout"));
            let total = total.map(|time| format!("{time} in all"));
            let parts: Vec<_> = blackout.into_iter().chain(total).collect();
            format!("estimate: {}", parts.join(", "))
        }
        Known::BlackoutEnded { reported: Some(time) } => {
            format!("blackout over after {time}, as geninstall reports it")
        }
        Known::BlackoutEnded { reported: None } => "blackout over".to_owned(),
        Known::Freeze(gap) => {
            format!(
                "longest freeze: {} by the wall clock, {} by the monotonic one",
                tenths(gap.wall),
                tenths(gap.monotonic)
            )
        }
        Known::Code { code, text } => format!("{code}: {text}"),
        Known::Change(change) => change_made(change),
        Known::Exposed(exposed) => exposed.to_string(),
        Known::Part(step) => part(step),
        Known::Script(step) => script(step),
        Known::Log(KeptLog { name, bytes, size, messages, .. }) => {
            let codes: Vec<_> = messages.iter().map(|message| message.code.as_str()).collect();
            let said =
                if codes.is_empty() { String::new() } else { format!(": {}", codes.join(" ")) };
            format!("log {name} kept, {bytes} bytes of {size}{said}")
        }
        Known::Snapshot { moment, snapshot } => {
            let level = snapshot.level.as_deref().unwrap_or("unknown");
            format!("state {moment}: level {level}")
        }
        Known::CancelAccepted { .. } => {
            "cancel accepted; it takes effect between two steps".to_owned()
        }
        Known::FenceRaised { fence } => format!("another master took over (fence {fence})"),
        Known::EpochOpened { claimed, found } => format!(
            "booted from an older copy: the journal is at {}, the master had stored {}",
            found.seq, claimed.seq
        ),
        Known::Adopted { evidence } => format!("taken up by another supervisor: {evidence}"),
        Known::Note { text } => text.clone(),
        Known::Finished(report) => {
            format!("{}: {}", outcome_word(&report.outcome, kind), report.summary)
        }
        Known::Found(found) => found.to_string(),
    }
}

/// The points that matter, with what is no longer possible after them.
fn point_passed(point: &Named<Point>) -> String {
    match point.known() {
        Some(Point::Ready) => "ready: nothing of the update is touched yet".to_owned(),
        Some(Point::InstallBegun) => {
            "installp runs: geninstall is not interrupted from here".to_owned()
        }
        Some(Point::Committed) => "committed: not interruptible from here".to_owned(),
        Some(Point::Moved) => "moved: the workload runs on the surrogate, forward only".to_owned(),
        None => format!("point {point}"),
    }
}

fn part(step: &PartStep) -> String {
    let PartStep { part, moment, status, .. } = step;
    let what = match part.known() {
        Some(Part::Apply) => "installation of the updates".to_owned(),
        Some(Part::Commit) => "commit of the updates (installp -c all)".to_owned(),
        Some(Part::Daemon) => "start of pfcdaemon".to_owned(),
        None => format!("part {part}"),
    };
    format!("{what} {}", ran(moment, *status))
}

fn script(step: &ScriptStep) -> String {
    let ScriptStep { name, hook, moment, status, .. } = step;
    let what = ran(moment, *status);
    match hook {
        Some(at) => format!("hook {name} at {at} {what}"),
        None => format!("script {name} {what}"),
    }
}

/// What became of a program.
fn ran(moment: &Named<ScriptMoment>, status: Option<i32>) -> String {
    match (moment.known(), status) {
        (Some(ScriptMoment::Begun), _) => "begins".to_owned(),
        (Some(ScriptMoment::Succeeded), _) => "succeeded".to_owned(),
        (Some(ScriptMoment::Failed), Some(status)) => format!("failed with exit status {status}"),
        (Some(ScriptMoment::Failed), None) => "was ended by a signal".to_owned(),
        (Some(ScriptMoment::TooLong), _) => "was ended at its time limit".to_owned(),
        (Some(ScriptMoment::NotStarted), _) => "could not be started".to_owned(),
        (Some(ScriptMoment::Unknown), _) => {
            "was running when the agent was killed: how it ended is not known".to_owned()
        }
        (Some(ScriptMoment::LeftOut), _) => "was not run".to_owned(),
        (None, _) => "is in a moment that this nimctl does not know".to_owned(),
    }
}

fn change_made(change: &Change) -> String {
    let what = match &change.effect {
        Effect::File { path, .. } => format!("file {path}"),
        Effect::Folder { path } => format!("folder {path}"),
        Effect::Mount { source, on } => format!("mount of {source} on {on}"),
        Effect::ConsoleToken { address, user, .. } => format!("token of {user} at {address}"),
        Effect::Images { path } => format!("images in {path}"),
        Effect::InterimFixes { labels } => {
            format!("interim fixes removed: {}", printable(&labels.join(", ")))
        }
        Effect::FilesetsRemoved { filesets } => {
            format!("filesets removed: {}", listed(filesets))
        }
        Effect::RootvgCopy { disks, name, level, .. } => {
            let disks: Vec<_> = disks.iter().map(ToString::to_string).collect();
            let level = level.as_deref().unwrap_or("an unknown level");
            let (name, level) = (printable(name), printable(level));
            format!("copy of rootvg on {} as {name}, at {level}", disks.join(" "))
        }
        Effect::Bootlist { before, after } => {
            let (before, after) = (before.join(" "), after.join(" "));
            format!("boot list from {} to {}", printable(&before), printable(&after))
        }
        Effect::CopyDropped { name, disks } => {
            let disks: Vec<_> = disks.iter().map(ToString::to_string).collect();
            format!("copy of rootvg {} on {} dropped", printable(name), disks.join(" "))
        }
        Effect::Setting { setting, before, after } => {
            format!("{setting} from {} to {}", printable(before), printable(after))
        }
    };
    let moment = match change.moment.known() {
        Some(ChangeMoment::Intent) => "about to be made",
        Some(ChangeMoment::Done) => "made",
        Some(ChangeMoment::Undone) => "undone",
        Some(ChangeMoment::Kept) => "kept",
        Some(ChangeMoment::UndoFailed) => "could not be undone",
        None => "in a moment that this nimctl does not know",
    };
    let error = change.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("change {}: {what}: {moment}{error}", change.number)
}

/// Milliseconds as seconds with one decimal.
pub(super) fn tenths(time: Milliseconds) -> String {
    format!("{}.{} s", time.0 / 1000, time.0 / 100 % 10)
}

/// Seconds, or that they are not known.
pub(super) fn or_unknown(time: Option<Seconds>) -> String {
    time.map_or_else(|| "unknown".to_owned(), |time| time.to_string())
}
