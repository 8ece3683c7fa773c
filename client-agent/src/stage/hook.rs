//! Hooks of the site: scripts that run at points of an operation, each once, with what is known of it on standard input.
//!
//! They are run as the scripts at the end of an order are ([`super::script`]), and what holds for those holds for them: that one begins is
//! on the disk before it is started, and one whose end is not known is not run again. Here it is decided where they run, and what it
//! means when one does not succeed. A preview runs none.

use nim_shared::frame::{ScriptMoment, ScriptStep};
use nim_shared::hook::{HOOK_INPUT, Hook, HookExit, HookInput, HookPoint, HookResult, Hooks};
use nim_shared::operation::{FollowUp, Named, Outcome, Report, Software};
use nim_shared::request::{Install, Request};

use super::script::{self, Program};
use super::{Stop, post, step};
use crate::disk;
use crate::operation::Verdict;
use crate::run::Step;
use crate::supervisor::{Error, Supervisor};

/// Runs the hooks of a point before the update, the master's first, or finds how they ended. One that has to succeed and does not ends the
/// operation.
pub(crate) fn before(supervisor: &mut Supervisor, at: HookPoint) -> Result<(), Stop> {
    // What geninstall was asked to do came after them.
    if supervisor.has_begun()? {
        return Ok(());
    }
    step::hooks(supervisor, at)?;
    for (number, hook) in at_point(&supervisor.request, at) {
        supervisor.check_cancel()?;
        supervisor.must_be_the_same_boot()?;
        let end = run(supervisor, number, &hook, None)?;
        if hook.exit == HookExit::Fail && !has_succeeded(&end) {
            let (code, text) = told(&supervisor.request, &hook, &end);
            let outcome = Outcome::Failed { software: Software::Unchanged };
            let codes = vec![code.to_owned()];
            return Err(Stop::Decided(Verdict { codes, ..Verdict::of(outcome, text) }));
        }
    }
    Ok(())
}

/// Runs the hooks after the update, or finds how they ended; what all of it comes to.
pub(crate) fn after(supervisor: &mut Supervisor, mut report: Report) -> Result<Report, Error> {
    if supervisor.request.hooks().is_empty() || supervisor.request.kind.is_preview() {
        return Ok(report);
    }
    warnings(supervisor, HookPoint::is_before, &mut report);
    let due = match report.outcome {
        Outcome::Succeeded { .. } => true,
        // Where nothing was to be done nothing was begun either, and there is nothing to come after.
        Outcome::Unchanged => has_begun(supervisor)?,
        Outcome::Failed { .. } | Outcome::Cancelled | Outcome::Stuck { .. } => false,
    };
    if due {
        for (number, hook) in at_point(&supervisor.request, HookPoint::Post) {
            let end = run(supervisor, number, &hook, Some(HookResult::from(&report)))?;
            if hook.exit == HookExit::Fail && !has_succeeded(&end) {
                let (code, text) = told(&supervisor.request, &hook, &end);
                fail(&supervisor.request, &mut report, code, &text);
                break;
            }
        }
        warnings(supervisor, |at| at == HookPoint::Post, &mut report);
    }
    if !matches!(report.outcome, Outcome::Succeeded { .. } | Outcome::Unchanged) {
        let result = HookResult::from(&report);
        for (number, hook) in at_point(&supervisor.request, HookPoint::OnFailure) {
            // While geninstall or a Live Update is there nothing else is started.
            if post::may_undo(supervisor)? {
                run(supervisor, number, &hook, Some(result.clone()))?;
            } else {
                script::leave_out(supervisor, &program(number, &hook))?;
            }
        }
        warnings(supervisor, |at| at == HookPoint::OnFailure, &mut report);
    }
    Ok(report)
}

/// Whether something of the operation was begun that the LPAR may have noticed.
fn has_begun(supervisor: &Supervisor) -> Result<bool, Error> {
    Ok(supervisor.has_begun()? || !supervisor.progress.scripts.is_empty())
}

/// The hooks of a point, each with its number in the order.
fn at_point(request: &Request, at: HookPoint) -> Vec<(usize, Hook)> {
    if request.kind.is_preview() {
        return Vec::new();
    }
    numbered(request).filter(|(_, hook)| hook.at == at).map(|(n, hook)| (n, hook.clone())).collect()
}

fn numbered(request: &Request) -> impl Iterator<Item = (usize, &Hook)> {
    (request.scripts.len() + 1..).zip(request.hooks())
}

fn program(number: usize, hook: &Hook) -> Program<'_> {
    Program { number, name: &hook.script.name, hook: Some(hook.at) }
}

/// Runs one to its end, or finds how it ended.
fn run(
    supervisor: &mut Supervisor,
    number: usize,
    hook: &Hook,
    result: Option<HookResult>,
) -> Result<ScriptStep, Error> {
    // An operation that ends before its programs were put where they are run has hooks for that end too.
    let known = supervisor.progress.scripts.contains_key(&script::number_of(number));
    if !known && !script::is_placed(&supervisor.operation, number) {
        match script::place(supervisor) {
            Ok(()) => {}
            Err(Stop::Decided(_)) => {
                return script::not_started(supervisor, &program(number, hook));
            }
            Err(Stop::Broken(error)) => return Err(error),
        }
    }
    let Supervisor { operation, request, progress, .. } = &*supervisor;
    if operation.run(Step::Script(number))?.get()?.is_none()
        && let Some(Hooks { lpar, lpp_source, .. }) = &request.hooks
    {
        let input = HookInput {
            version: HOOK_INPUT,
            hook: hook.at,
            name: hook.script.name.clone(),
            operation: operation.id,
            lpar: lpar.clone(),
            stage: hook.at.stage(),
            kind: request.kind,
            lpp_source: lpp_source.clone(),
            install: request.install.clone(),
            level: progress.before.as_ref().and_then(|before| before.level.clone()),
            result,
        };
        let path = script::input(operation, number);
        let text = serde_json::to_vec(&input).map_err(std::io::Error::other);
        disk::replace(&path, &disk::doing("write", &path, text)?, 0o600)?;
    }
    script::one(supervisor, &program(number, hook))
}

fn has_succeeded(step: &ScriptStep) -> bool {
    step.moment == Named::Known(ScriptMoment::Succeeded)
}

/// What a person is told of a hook that did not succeed.
fn told(request: &Request, hook: &Hook, end: &ScriptStep) -> (&'static str, String) {
    let Hook { at, script, .. } = hook;
    let name = format!("the hook {} at {at}", script.name);
    match (end.moment.known(), end.status) {
        (Some(ScriptMoment::Failed), Some(status)) => {
            (FAILED, format!("{name} failed with exit status {status}"))
        }
        (Some(ScriptMoment::Failed), None) => (FAILED, format!("{name} was ended by a signal")),
        (Some(ScriptMoment::TooLong), _) => {
            let limit = script::limit(request, usize::try_from(end.number).unwrap_or(0)).as_secs();
            (FAILED, format!("{name} did not end within {limit} seconds, and was ended"))
        }
        (Some(ScriptMoment::NotStarted), _) => (FAILED, format!("{name} could not be started")),
        (Some(ScriptMoment::LeftOut), _) => {
            (UNKNOWN, format!("{name} was not run: the LPAR was rebooted, or a person was needed"))
        }
        (Some(ScriptMoment::Begun | ScriptMoment::Succeeded | ScriptMoment::Unknown) | None, _) => {
            (UNKNOWN, format!("how {name} ended is not known; it is not run again"))
        }
    }
}

/// Adds to the report what the journal says of hooks whose failure is a warning.
fn warnings(supervisor: &Supervisor, at: impl Fn(HookPoint) -> bool, report: &mut Report) {
    let request = &supervisor.request;
    for (number, hook) in numbered(request) {
        if hook.exit != HookExit::Warn || !at(hook.at) {
            continue;
        }
        let step = supervisor.progress.scripts.get(&script::number_of(number));
        let Some(end) = step.filter(|step| !has_succeeded(step)) else { continue };
        let (code, text) = told(request, hook, end);
        report.summary = format!("{}; {text}", report.summary);
        // What comes after a failure is no cause of it.
        if hook.at != HookPoint::OnFailure {
            report.codes.push(code.to_owned());
        }
        if let Outcome::Succeeded { follow_up } = &mut report.outcome
            && !follow_up.contains(&FollowUp::Hook)
        {
            follow_up.push(FollowUp::Hook);
        }
    }
}

/// Turns a success into a failure: a hook after it had to succeed.
fn fail(request: &Request, report: &mut Report, code: &str, text: &str) {
    let touched = request.install != Install::Nothing || request.kind.moves();
    let software = match report.outcome {
        Outcome::Succeeded { .. } if touched => Software::Applied,
        _ => Software::Unchanged,
    };
    report.outcome = Outcome::Failed { software };
    report.summary = format!("{}; {text}", report.summary);
    report.codes.push(code.to_owned());
}

/// Codes of the knowledge base in `shared`.
const FAILED: &str = "NLU-0168";
const UNKNOWN: &str = "NLU-0169";
