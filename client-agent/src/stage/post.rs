//! `post`: puts back what prep changed, in reverse order, and looks at what came out.

use std::collections::BTreeSet;

use nim_shared::aftercare::OpenItem;
use nim_shared::frame::{Change, ChangeClass, ChangeMoment, Effect, Known, Moment};
use nim_shared::operation::{Blackout, Outcome, Report, StuckReason};
use nim_shared::prep::Setting;
use nim_shared::request::Kind;
use nim_shared::stage::{Point, Stage};

use crate::alive;
use crate::operation::Verdict;
use crate::stage::content::Wanted;
use crate::stage::prep::ip_filters::{self, Failed};
use crate::stage::prep::{setting, unsupported};
use crate::supervisor::{Error, Supervisor};
use crate::text::chain;
use crate::ticker;
use crate::undo::Undo;

/// Ends the operation as `verdict` says, or as stuck when something cannot be put back. `software` is what the software alone came
/// to: by that it is put back.
pub(crate) fn run(
    supervisor: &mut Supervisor,
    software: &Outcome,
    verdict: Verdict,
) -> Result<Report, Error> {
    supervisor.enter(Stage::Post)?;
    let Verdict { mut outcome, found, mut summary, follow_up, codes } = verdict;
    // The images go with what is put back.
    let wanted = match &outcome {
        Outcome::Succeeded { .. } if supervisor.request.kind.moves() => {
            super::content::wanted(supervisor)?
        }
        _ => Wanted::default(),
    };
    if may_undo(supervisor)? {
        let mut failures = undo_all(supervisor, software)?;
        let updated = matches!(outcome, Outcome::Succeeded { .. });
        if failures.is_empty() && updated && supervisor.request.kind.moves() {
            for subsystem in super::restart::due(supervisor)? {
                super::restart::stop(supervisor, &subsystem)?;
                failures.extend(undo_all(supervisor, software)?);
            }
        }
        if !failures.is_empty() {
            summary = format!("{summary}; not put back: {}", failures.join("; "));
            outcome = Outcome::Stuck { reason: StuckReason::UndoFailed };
        }
    } else if supervisor.progress.has_open_changes() {
        summary = format!("{summary}; what prep changed is not put back yet");
        if !matches!(outcome, Outcome::Stuck { .. }) {
            outcome = Outcome::Stuck { reason: StuckReason::CleanUpOpen };
        }
    }
    let mut items = Vec::new();
    for exposed in supervisor.progress.exposed.iter().filter(|one| one.to.is_none()) {
        summary = format!("{summary}; {exposed}");
    }
    if let Some(lost) = unsupported::lost(supervisor) {
        summary = format!("{summary}; {lost}");
    }
    if supervisor.has_begun()? || !supervisor.progress.scripts.is_empty() {
        look(supervisor)?;
        let kind = supervisor.request.kind;
        if !kind.is_preview()
            && let Outcome::Succeeded { follow_up: open } = &mut outcome
        {
            open.extend(follow_up);
            if kind.moves() {
                items = super::aftercare::look(supervisor, open, wanted)?;
                open.extend(items.iter().filter_map(OpenItem::follow_up));
            }
            let mut told = Vec::new();
            for one in open.drain(..) {
                if !told.contains(&one) {
                    told.push(one);
                }
            }
            *open = told;
        }
    }
    let found = matches!(supervisor.request.kind, Kind::Update | Kind::Install).then_some(found);
    let disks = super::left::on_disks(supervisor, &outcome)?;
    let site_backup = super::backup::by_site(supervisor)?;
    let report = report(supervisor, outcome, summary, codes);
    Ok(Report { found, open_items: items, disks, site_backup, ..report })
}

/// Nothing is undone while geninstall or a Live Update is there, or the LPAR may be on its way down.
pub(crate) fn may_undo(supervisor: &Supervisor) -> Result<bool, Error> {
    let running = alive::run(&supervisor.operation, &supervisor.commands)?.is_there();
    // What a clean-up has changed itself does not wait for what it could not clean up.
    let locked = !supervisor.request.kind.looks_after()
        && alive::live_update_lock(&supervisor.root).is_there();
    Ok(!running && !locked && !super::rollback::is_under_way(supervisor)?)
}

/// Undoes by class, in reverse order; what could not be. Also what a master tells of meanwhile.
fn undo_all(supervisor: &mut Supervisor, outcome: &Outcome) -> Result<Vec<String>, Error> {
    let mut undoing = Undoing::default();
    loop {
        let mut changes = supervisor.progress.open_changes();
        changes.retain(|change| undoing.tried.insert(change.number));
        if changes.is_empty() {
            return Ok(undoing.failures);
        }
        undo_these(supervisor, outcome, changes, &mut undoing)?;
    }
}

/// What undoing has come to.
#[derive(Default)]
struct Undoing {
    /// Numbers of changes, each of which is tried once.
    tried: BTreeSet<u32>,
    /// What is not put back.
    failed: Vec<Effect>,
    /// Why.
    failures: Vec<String>,
}

fn undo_these(
    supervisor: &mut Supervisor,
    outcome: &Outcome,
    mut changes: Vec<Change>,
    undoing: &mut Undoing,
) -> Result<(), Error> {
    let updated = matches!(outcome, Outcome::Succeeded { .. }) && supervisor.request.kind.moves();
    let updated = updated || supervisor.progress.has_passed(Point::Moved);
    let needs_a_master = |change: &Change| {
        matches!(&change.effect, Effect::Setting { setting: Setting::IpFilters { .. }, .. })
    };
    if changes.iter().any(needs_a_master) && !ip_filters::is_master_there(supervisor)? {
        // They wait for one. Nothing else has to.
        changes.sort_by_key(needs_a_master);
    }
    for change in changes {
        let class = change.class.known().unwrap_or(ChangeClass::Always);
        let keep = match class {
            ChangeClass::Always => false,
            ChangeClass::UnlessUpdated => updated,
            ChangeClass::Permanent => true,
        };
        let (moment, error) = if keep {
            (ChangeMoment::Kept, None)
        } else if setting::is_held_by(&change.effect, &undoing.failed) {
            let text = "it stays off: where its database is looked up could not be put back";
            (ChangeMoment::UndoFailed, Some(format!("Trusted Execution: {text}")))
        } else {
            crate::crash::point("undo.before");
            let undone = undo(supervisor, &change.effect)?;
            crate::crash::point("undo.after");
            match undone {
                Ok(()) => (ChangeMoment::Undone, None),
                Err(error) => (ChangeMoment::UndoFailed, Some(error)),
            }
        };
        if let Some(error) = &error {
            undoing.failures.push(error.clone());
            undoing.failed.push(change.effect.clone());
        }
        supervisor.record_change(change.number, moment, class, change.effect, error)?;
    }
    Ok(())
}

/// Puts one change back; or why it is not.
fn undo(supervisor: &mut Supervisor, effect: &Effect) -> Result<Result<(), String>, Error> {
    if let Effect::Setting { setting: Setting::IpFilters { version }, before, .. } = effect {
        return match ip_filters::restore(supervisor, *version, before) {
            Ok(()) => Ok(Ok(())),
            Err(Failed::Not(error)) => Ok(Err(chain(&error))),
            Err(Failed::Broken(error)) => Err(error),
        };
    }
    let Supervisor { root, operation, commands, .. } = &*supervisor;
    let undone = Undo { root, operation, commands }.undo(effect);
    Ok(undone.map_err(|error| chain(&error)))
}

/// Takes the state at the end, once.
fn look(supervisor: &mut Supervisor) -> Result<(), Error> {
    if supervisor.progress.after.is_some() {
        return Ok(());
    }
    let (snapshot, missing) = supervisor.facts.snapshot();
    for text in missing {
        supervisor.note(format!("not known: {text}"))?;
    }
    supervisor.record(Known::Snapshot { moment: Moment::After, snapshot: Box::new(snapshot) })
}

fn report(
    supervisor: &Supervisor,
    outcome: Outcome,
    summary: String,
    codes: Vec<String>,
) -> Report {
    let progress = &supervisor.progress;
    let mut all = progress.codes.clone();
    all.extend(codes.into_iter().filter(|code| !progress.codes.contains(code)));
    Report {
        codes: all,
        messages: progress.messages.clone(),
        before: progress.before.clone(),
        after: progress.after.clone(),
        blackout: Blackout {
            estimated: progress.estimated_blackout,
            reported: progress.reported_blackout,
            measured: progress.freeze.and_then(ticker::measured),
        },
        estimated_total: progress.estimated_total,
        exposed: progress.exposed.clone(),
        ..Report::of(outcome, summary)
    }
}
