//! A split update: the updates are installed and committed by programs of their own, and then the kernel is moved.
//!
//! Each program is run at most once, as geninstall is: that it begins is in the journal and on the disk before it is started, and a
//! successor follows the one that runs. Between them a cancel is heeded, and a reboot ends the operation: what is installed then stays, and
//! the report says so. Source: LU §4.5, "split".

use std::time::{Duration, Instant};

use nim_shared::aix;
use nim_shared::frame::{Known, PartStep, ScriptMoment};
use nim_shared::lpp::is_interim_fix;
use nim_shared::operation::{Named, OnDisk, Outcome, Software, StuckReason};
use nim_shared::request::{DEFAULT_INSTALLP_FLAGS, Install, Request};
use nim_shared::stage::Point;
use nim_shared::strategy::Part;

use super::{Baseline, Follower, Stop, images_folder, look_again};
use crate::disk;
use crate::facts::Facts;
use crate::operation::{Divided, Operation, Verdict};
use crate::root::Root;
use crate::run::{Run, Step};
use crate::slot::Durability;
use crate::supervisor::{Error, Supervisor};

/// Keeps what is installed before the move and what goes with it. The images are there by now.
pub(crate) fn divide(supervisor: &Supervisor) -> Result<(), Stop> {
    let Supervisor { operation, root, request, .. } = supervisor;
    if !request.is_split() {
        return Ok(());
    }
    let update_all = || vec!["update_all".to_owned()];
    let divided = match &request.install {
        Install::Nothing => Divided::default(),
        Install::UpdateAll => Divided { updates: update_all(), fixes: Vec::new() },
        Install::All => {
            let folder = images_folder(operation, root, request).unwrap_or_default();
            Divided { updates: update_all(), fixes: fixes_in(root, &folder)? }
        }
        Install::List(names) => {
            let names = if request.installed_only { operation.chosen()? } else { names.clone() };
            let (fixes, updates) = names.into_iter().partition(|name| is_interim_fix(name));
            Divided { updates, fixes }
        }
    };
    Ok(operation.divide(&divided)?)
}

/// The files of interim fixes in `folder`.
pub(crate) fn fixes_in(root: &Root, folder: &str) -> Result<Vec<String>, disk::Error> {
    let path = root.at(folder);
    let mut names = Vec::new();
    for entry in disk::doing("list", &path, path.read_dir())? {
        let name = disk::doing("list", &path, entry)?.file_name();
        names.extend(name.to_str().filter(|name| is_interim_fix(name)).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The program of `part`.
pub(crate) const fn program_of(part: Part) -> &'static str {
    match part {
        Part::Apply => "geninstall",
        Part::Commit => "installp",
        Part::Daemon => "startsrc",
    }
}

/// The program of `part`, with its arguments.
pub(crate) fn program(
    operation: &Operation,
    root: &Root,
    request: &Request,
    part: Part,
) -> Result<(&'static str, Vec<String>), disk::Error> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let arguments = match part {
        Part::Apply => {
            let mut arguments = words(&["-I", &format!("-{DEFAULT_INSTALLP_FLAGS}")]);
            arguments.extend(source(operation, root, request));
            arguments.extend(operation.divided()?.updates);
            arguments
        }
        Part::Commit => words(&["-c", "all"]),
        Part::Daemon => words(&["-s", DAEMON]),
    };
    Ok((program_of(part), arguments))
}

/// Arguments of the move: the kernel, with the interim fixes.
pub(super) fn move_arguments(
    operation: &Operation,
    root: &Root,
    request: &Request,
) -> Result<Vec<String>, disk::Error> {
    let fixes = operation.divided()?.fixes;
    let mut arguments = vec!["-k".to_owned()];
    if !fixes.is_empty() {
        arguments.extend(source(operation, root, request));
    }
    arguments.extend(fixes);
    Ok(arguments)
}

/// Agreement to licences, and where the packages are.
fn source(operation: &Operation, root: &Root, request: &Request) -> Vec<String> {
    let mut arguments = Vec::new();
    if request.accept_licenses {
        arguments.push("-Y".to_owned());
    }
    if let Some(folder) = images_folder(operation, root, request) {
        arguments.extend(["-d".to_owned(), folder]);
    }
    arguments
}

/// Runs what comes before the move, or finds what came of it.
pub(super) fn run(supervisor: &mut Supervisor, follower: &mut Follower) -> Result<(), Stop> {
    if supervisor.operation.divided()?.updates.is_empty() {
        return Ok(());
    }
    let applied = part(supervisor, follower, Part::Apply)?;
    if let Some(stop) = not_applied(supervisor, follower, &applied)? {
        return Err(stop);
    }
    let committed = part(supervisor, follower, Part::Commit)?;
    if committed.status != Some(0) {
        let text = format!("the updates are installed; installp -c all {}", ended(&committed));
        return Err(installed(text));
    }
    start_daemon(supervisor, follower)?;
    must_go_on(supervisor)?;
    look_again(supervisor, |summary| {
        installed(format!("the updates are installed; the kernel was not moved: {summary}"))
    })
}

/// Runs one part to its end, or finds how it ended.
fn part(
    supervisor: &mut Supervisor,
    follower: &mut Follower,
    part: Part,
) -> Result<PartStep, Stop> {
    let known = supervisor.progress.parts.get(&part).cloned();
    if let Some(end) = known.clone().filter(|step| step.moment != Named::Known(ScriptMoment::Begun))
    {
        return Ok(end);
    }
    let slot = supervisor.operation.run(Step::Part(part))?;
    if slot.get()?.is_none() {
        must_go_on(supervisor)?;
        if part == Part::Apply {
            supervisor.point(Point::InstallBegun)?;
        }
        if known.is_none() {
            record(supervisor, part, ScriptMoment::Begun, None)?;
        }
        slot.set(&Run::Asked, Durability::Synced)?;
        crate::crash::point("part.asked");
    }
    follower.follow(supervisor, Step::Part(part), &slot)?;
    let (moment, status) = match slot.get()? {
        Some(Run::Exited { status: Some(0) }) => (ScriptMoment::Succeeded, Some(0)),
        Some(Run::Exited { status }) => (ScriptMoment::Failed, status),
        Some(Run::NotStarted) => (ScriptMoment::NotStarted, None),
        Some(Run::Asked | Run::Starting | Run::Started { .. } | Run::TooLong) | None => {
            (ScriptMoment::Unknown, None)
        }
    };
    record(supervisor, part, moment, status)
}

fn record(
    supervisor: &mut Supervisor,
    part: Part,
    moment: ScriptMoment,
    status: Option<i32>,
) -> Result<PartStep, Stop> {
    let output = supervisor.operation.output();
    let output = disk::doing("look at", &output, output.metadata())?.len();
    let (part, moment) = (Named::Known(part), Named::Known(moment));
    let step = PartStep { part, moment, status, output };
    supervisor.record(Known::Part(step.clone()))?;
    Ok(step)
}

/// Ends the operation between two programs where a cancel was accepted or the LPAR was rebooted.
fn must_go_on(supervisor: &mut Supervisor) -> Result<(), Stop> {
    check_cancel(supervisor)?;
    if supervisor.was_rebooted() {
        return Err(rebooted(supervisor)?);
    }
    Ok(())
}

/// Ends the operation where a cancel was accepted. What is installed stays.
pub(super) fn check_cancel(supervisor: &mut Supervisor) -> Result<(), Stop> {
    let applied = supervisor.progress.parts.get(&Part::Apply);
    let applied = applied.is_some_and(|step| step.moment == Named::Known(ScriptMoment::Succeeded));
    match supervisor.check_cancel() {
        Err(Stop::Decided(_)) if applied => {
            Err(installed("cancelled after the updates were installed; the kernel was not moved"))
        }
        answer => answer,
    }
}

/// What comes of a reboot between two programs: what runs is what was booted.
fn rebooted(supervisor: &Supervisor) -> Result<Stop, Error> {
    let changed = Baseline::read(&supervisor.operation)?.changed(&supervisor.facts);
    let (software, what) = match changed {
        Some(false) => (Software::Unchanged, "what it runs is as it was before"),
        Some(true) | None => (Software::Applied, "it runs what was installed"),
    };
    let text = format!("the LPAR was rebooted before the kernel was moved: {what}");
    Ok(Stop::decided(Outcome::Failed { software }, text))
}

/// Why the operation ends after the first part, where it does. Where there was nothing to install the kernel is moved nevertheless, as
/// geninstall does in one step: the updates may be there already, and wait for it.
fn not_applied(
    supervisor: &Supervisor,
    follower: &Follower,
    step: &PartStep,
) -> Result<Option<Stop>, Stop> {
    let changed = Baseline::read(&supervisor.operation)?.changed(&supervisor.facts);
    if changed != Some(true) && follower.told.summary().nothing_to_install {
        return Ok(None);
    }
    Ok(match (step.status, changed) {
        (Some(0), _) => None,
        (None, None | Some(true)) => Some(Stop::stuck(
            StuckReason::Ambiguous,
            "the installation ended without a result: see which filesets are not committed or applied (lppchk -v); the kernel was not moved",
        )),
        (Some(_), Some(true)) => {
            let software = Software::PartlyApplied;
            let text = format!("the installation {}; the kernel was not moved", ended(step));
            Some(Stop::decided(Outcome::Failed { software }, text))
        }
        (Some(_), None | Some(false)) | (None, Some(false)) => Some(Stop::failed(format!(
            "the installation {}; nothing on disk is different",
            ended(step)
        ))),
    })
}

/// How a program ended that did not succeed.
fn ended(step: &PartStep) -> String {
    match (step.status, step.moment.known()) {
        (Some(status), _) => format!("failed with exit status {status}"),
        (None, Some(ScriptMoment::NotStarted)) => "could not be started".to_owned(),
        (None, _) => "ended without a result".to_owned(),
    }
}

/// The updates are installed, and the old kernel runs.
pub(super) fn installed(summary: impl Into<String>) -> Stop {
    Stop::decided(Outcome::Failed { software: Software::AppliedNotLive }, summary)
}

/// What `stop` says, without the interim fixes of the order.
pub(super) fn without_fixes(operation: &Operation, stop: Stop) -> Stop {
    match stop {
        Stop::Decided(mut verdict) => match note_fixes(operation, &mut verdict) {
            Ok(()) => Stop::Decided(verdict),
            Err(error) => error.into(),
        },
        broken @ Stop::Broken(_) => broken,
    }
}

/// Where the move did not happen the interim fixes, which go with it, are not installed.
pub(super) fn note_fixes(operation: &Operation, verdict: &mut Verdict) -> Result<(), disk::Error> {
    let lacks = matches!(verdict.outcome, Outcome::Failed { .. })
        && verdict.found.software == Some(OnDisk::Applied)
        && !operation.divided()?.fixes.is_empty();
    if lacks {
        verdict.found.software = Some(OnDisk::PartlyApplied);
        verdict.summary += "; the interim fixes, which go with the move, are not installed";
    }
    Ok(())
}

/// Starts the flash-cache daemon where the update has stopped it, and waits until it runs. Source: LU §4.5, pitfall 3.
fn start_daemon(supervisor: &mut Supervisor, follower: &mut Follower) -> Result<(), Stop> {
    if Baseline::read(&supervisor.operation)?.daemon != Some(true) {
        return Ok(());
    }
    if !supervisor.progress.parts.contains_key(&Part::Daemon)
        && daemon_runs(&supervisor.facts) == Some(true)
    {
        return Ok(());
    }
    let started = part(supervisor, follower, Part::Daemon)?;
    let since = Instant::now();
    loop {
        must_go_on(supervisor)?;
        if daemon_runs(&supervisor.facts) == Some(true) {
            return Ok(());
        }
        if since.elapsed() >= START_LIMIT || started.status != Some(0) {
            let text = format!(
                "the updates are installed, and {DAEMON} does not run as it did before: startsrc {}: without it the move fails (1430-134)",
                if started.status == Some(0) {
                    format!("succeeded {} seconds ago", since.elapsed().as_secs())
                } else {
                    ended(&started)
                }
            );
            return Err(installed(text));
        }
        supervisor.pause(START_PACE)?;
    }
}

/// Whether the flash-cache daemon is active; `None` where it is not installed or nobody knows.
pub(super) fn daemon_runs(facts: &Facts) -> Option<bool> {
    let text = facts.subsystem(DAEMON)?;
    let rows = aix::lssrc(&text).rows;
    rows.iter().find(|one| one.name == DAEMON).map(aix::Subsystem::is_active)
}

/// Decides again about one that ended as stuck before its move.
pub(super) fn judge_anew(supervisor: &Supervisor) -> Result<Verdict, Stop> {
    let changed = Baseline::read(&supervisor.operation)?.changed(&supervisor.facts);
    let applied = supervisor.operation.run(Step::Part(Part::Apply))?.get()?;
    Err(match (changed, applied) {
        (Some(false), _) => {
            Stop::failed("the installation did not end in time; nothing on disk is different")
        }
        (_, Some(Run::Exited { status: Some(0) })) => {
            installed("the updates are installed; it took too long, and the kernel was not moved")
        }
        (_, _) => Stop::stuck(
            StuckReason::Ambiguous,
            "the installation did not end well: see which filesets are not committed or applied (lppchk -v); the kernel was not moved",
        ),
    })
}

/// The flash-cache daemon. Source: LU §4.4 S23.
const DAEMON: &str = "pfcdaemon";

/// How long it may take to start: twice what was seen. Source: LU §3.1, 1430-134.
const START_LIMIT: Duration = Duration::from_secs(600);

const START_PACE: Duration = Duration::from_secs(1);
