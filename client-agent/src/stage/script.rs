//! Scripts of the site, once all else has succeeded: one after the other, each once. How one is run, hooks too ([`super::hook`]).
//!
//! Each is a copy of its content in the operation's folder, run as root in a session of its own below a shim, with its output behind
//! geninstall's. That it begins is on the disk before it is started; one that was running when its shim was killed is not run again,
//! and how it ended is then not known. The first that does not succeed ends the operation as failed.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nim_shared::frame::{Known, ScriptMoment, ScriptStep};
use nim_shared::hook::HookPoint;
use nim_shared::id::{Digest, ObjectName};
use nim_shared::operation::{Named, Outcome, Software};
use nim_shared::request::{Install, LARGEST_SCRIPT, Request, Script};

use super::Stop;
use crate::alive;
use crate::disk;
use crate::images::Store;
use crate::operation::{Operation, Verdict};
use crate::run::{Run, Standing, Step, Watch};
use crate::slot::{Durability, Slot};
use crate::supervisor::{CONTROL_PACE, Error, Supervisor, start};
use crate::system;

/// Puts copies of scripts and hooks into the operation's folder, where they can be run.
pub(crate) fn place(supervisor: &Supervisor) -> Result<(), Stop> {
    let Supervisor { state, operation, request, .. } = supervisor;
    if request.programs().next().is_none() || request.kind.is_preview() {
        return Ok(());
    }
    let store = Store::open(state)?;
    disk::ensure_folder(&operation.file(FOLDER))?;
    for (number, Script { name, content }) in (1..).zip(request.programs()) {
        let found = disk::read(&store.whole(content.digest), LARGEST_SCRIPT)?;
        match found.filter(|found| Digest::of(found) == content.digest) {
            Some(found) => disk::replace(&file(operation, number), &found, 0o700)?,
            None => {
                return Err(Stop::failed(format!("the content of the script {name} is not here")));
            }
        }
    }
    Ok(())
}

/// Whether [`place`] has come by: an operation may end before it does.
pub(crate) fn is_placed(operation: &Operation, number: usize) -> bool {
    file(operation, number).exists()
}

/// Records that a program cannot be started.
pub(crate) fn not_started(
    supervisor: &mut Supervisor,
    program: &Program<'_>,
) -> Result<ScriptStep, Error> {
    record(supervisor, program, ScriptMoment::NotStarted, None)
}

/// The file of the script with this number.
pub(crate) fn file(operation: &Operation, number: usize) -> PathBuf {
    operation.file(FOLDER).join(number.to_string())
}

/// The file that the program with this number reads as its standard input, where it is a hook.
pub(crate) fn input(operation: &Operation, number: usize) -> PathBuf {
    operation.file(FOLDER).join(format!("{number}.json"))
}

/// What the program with this number reads; `None` where it is no hook.
pub(crate) fn open_input(
    operation: &Operation,
    request: &Request,
    number: usize,
) -> Result<Option<File>, disk::Error> {
    if number <= request.scripts.len() {
        return Ok(None);
    }
    let path = input(operation, number);
    disk::doing("open", &path, File::open(&path)).map(Some)
}

/// How long the program with this number may take.
pub(crate) fn limit(request: &Request, number: usize) -> Duration {
    match &request.hooks {
        Some(hooks) if number > request.scripts.len() => {
            let hook = hooks.list.get(number - request.scripts.len() - 1);
            match hook {
                // It may take as long as a copy of rootvg.
                Some(hook) if hook.at == HookPoint::Backup => request.limits.stage.duration(),
                Some(_) | None => hooks.limit.duration(),
            }
        }
        Some(_) | None => request.limits.script.duration(),
    }
}

/// A script or a hook of the order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program<'a> {
    /// Its number in the order, from 1.
    pub(crate) number: usize,
    /// Name of its object.
    pub(crate) name: &'a ObjectName,
    /// Of a hook, where it is run.
    pub(crate) hook: Option<HookPoint>,
}

/// Runs the scripts where `verdict` lets them, or reads what a predecessor has made of them; what all of it comes to.
pub(crate) fn run(supervisor: &mut Supervisor, verdict: Verdict) -> Result<Verdict, Error> {
    let scripts = supervisor.request.scripts.clone();
    if scripts.is_empty()
        || !matches!(verdict.outcome, Outcome::Succeeded { .. } | Outcome::Unchanged)
    {
        return Ok(verdict);
    }
    if supervisor.request.kind.is_preview() {
        let names: Vec<_> = scripts.iter().map(|script| script.name.as_str()).collect();
        let summary =
            format!("{}; a preview runs no script: {}", verdict.summary, names.join(", "));
        return Ok(Verdict { summary, ..verdict });
    }
    for (number, script) in (1..).zip(&scripts) {
        let end = one(supervisor, &Program { number, name: &script.name, hook: None })?;
        if end.moment != Named::Known(ScriptMoment::Succeeded) {
            return Ok(failed(&supervisor.request, verdict, &end));
        }
    }
    let ran = if scripts.len() == 1 { "the script ran" } else { "the scripts ran" };
    let outcome = match verdict.outcome {
        Outcome::Unchanged => Outcome::Succeeded { follow_up: vec![] },
        other => other,
    };
    Ok(Verdict { outcome, summary: format!("{}; {ran}", verdict.summary), ..verdict })
}

/// Runs one program to its end, or finds how it ended.
pub(crate) fn one(supervisor: &mut Supervisor, program: &Program<'_>) -> Result<ScriptStep, Error> {
    let number = program.number;
    let known = supervisor.progress.scripts.get(&number_of(number)).cloned();
    if let Some(end) = known.clone().filter(|step| step.moment != Named::Known(ScriptMoment::Begun))
    {
        return Ok(end);
    }
    let slot = supervisor.operation.run(Step::Script(number))?;
    if slot.get()?.is_none() {
        // After a reboot, and after a person was needed, nobody waits for it any longer.
        if supervisor.was_rebooted() || supervisor.progress.finished.is_some() {
            return record(supervisor, program, ScriptMoment::LeftOut, None);
        }
        if known.is_none() {
            record(supervisor, program, ScriptMoment::Begun, None)?;
        }
        slot.set(&Run::Asked, Durability::Synced)?;
        crate::crash::point("script.asked");
    }
    follow(supervisor, number, &slot)?;
    let (moment, status) = match slot.get()? {
        Some(Run::Exited { status: Some(0) }) => (ScriptMoment::Succeeded, Some(0)),
        Some(Run::Exited { status }) => (ScriptMoment::Failed, status),
        Some(Run::TooLong) => (ScriptMoment::TooLong, None),
        Some(Run::NotStarted) => (ScriptMoment::NotStarted, None),
        Some(Run::Asked | Run::Starting | Run::Started { .. }) | None => {
            (ScriptMoment::Unknown, None)
        }
    };
    record(supervisor, program, moment, status)
}

/// Records that a program is not run, unless it was begun before.
pub(crate) fn leave_out(supervisor: &mut Supervisor, program: &Program<'_>) -> Result<(), Error> {
    if !supervisor.progress.scripts.contains_key(&number_of(program.number)) {
        record(supervisor, program, ScriptMoment::LeftOut, None)?;
    }
    Ok(())
}

/// Waits for the end of a program. Its shim sees to the limit; where that was killed, this does.
fn follow(supervisor: &mut Supervisor, number: usize, slot: &Slot<Run>) -> Result<(), Error> {
    let watch = Watch::open(&supervisor.operation)?;
    let foreign = match slot.get()? {
        Some(Run::Started { pid })
            if !alive::is_of(pid, supervisor.operation.id, &supervisor.commands) =>
        {
            Some(pid)
        }
        Some(_) | None => None,
    };
    let limit = limit(&supervisor.request, number) + SHIMS_OWN;
    let since = Instant::now();
    loop {
        match watch.look(slot, foreign)? {
            Standing::Over => return Ok(()),
            Standing::Wanted => {
                start::run(&supervisor.commands, &supervisor.operation, Step::Script(number))?;
            }
            Standing::Runs => {}
        }
        if since.elapsed() >= limit
            && let Some(Run::Started { pid }) = slot.get()?
            && foreign != Some(pid)
        {
            system::kill_group(pid);
        }
        supervisor.pause(CONTROL_PACE)?;
    }
}

/// Writes down where a program stands.
fn record(
    supervisor: &mut Supervisor,
    program: &Program<'_>,
    moment: ScriptMoment,
    status: Option<i32>,
) -> Result<ScriptStep, Error> {
    let output = supervisor.operation.output();
    let output = disk::doing("look at", &output, output.metadata())?.len();
    let (number, name) = (number_of(program.number), program.name.clone());
    let hook = program.hook.map(Named::Known);
    let step = ScriptStep { number, name, hook, moment: Named::Known(moment), status, output };
    supervisor.record(Known::Script(step.clone()))?;
    Ok(step)
}

/// What an operation comes to whose script came to such an `end`.
fn failed(request: &Request, mut verdict: Verdict, end: &ScriptStep) -> Verdict {
    let ScriptStep { name, status, .. } = end;
    let (code, what) = match (end.moment.known(), status) {
        (Some(ScriptMoment::Failed), Some(status)) => {
            (FAILED, format!("the script {name} failed with exit status {status}"))
        }
        (Some(ScriptMoment::Failed), None) => {
            (FAILED, format!("the script {name} was ended by a signal"))
        }
        (Some(ScriptMoment::TooLong), _) => (
            TOO_LONG,
            format!(
                "the script {name} did not end within {} seconds, and was ended",
                request.limits.script.0
            ),
        ),
        (Some(ScriptMoment::NotStarted), _) => {
            (NOT_STARTED, format!("the script {name} could not be started"))
        }
        (Some(ScriptMoment::LeftOut), _) => (
            NOT_STARTED,
            format!("the script {name} was not run: the LPAR was rebooted, or a person was needed"),
        ),
        (Some(ScriptMoment::Begun | ScriptMoment::Succeeded | ScriptMoment::Unknown) | None, _) => {
            (UNKNOWN, format!("how the script {name} ended is not known; it is not run again"))
        }
    };
    let left = usize::try_from(end.number).map_or(0, |number| request.scripts.len() - number);
    let rest = match left {
        0 => String::new(),
        1 => "; one more was not run".to_owned(),
        more => format!("; {more} more were not run"),
    };
    let touched = request.install != Install::Nothing || request.kind.moves();
    let software = match verdict.outcome {
        Outcome::Succeeded { .. } if touched => Software::Applied,
        _ => Software::Unchanged,
    };
    verdict.codes.push(code.to_owned());
    verdict.summary = format!("{}; {what}{rest}", verdict.summary);
    Verdict { outcome: Outcome::Failed { software }, ..verdict }
}

/// A number as the journal has it.
pub(crate) fn number_of(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

const FOLDER: &str = "scripts";

/// Codes of the knowledge base in `shared`.
const FAILED: &str = "NLU-0164";
const TOO_LONG: &str = "NLU-0165";
const NOT_STARTED: &str = "NLU-0166";
const UNKNOWN: &str = "NLU-0167";

/// How much longer a script may be there than its limit, before it counts as one whose shim is gone.
const SHIMS_OWN: Duration = Duration::from_secs(60);
