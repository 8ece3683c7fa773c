//! Hooks that nimd runs itself: before an operation starts and before it may proceed for its session, after its end by whichever master is
//! there. Which are due and what became of them is in the database; a few run at a time (`crate::hooks`).

use std::sync::Arc;
use std::time::Duration;

use nim_shared::api::{HookState, MasterHook};
use nim_shared::hook::{HOOK_INPUT, HookExit, HookInput, HookPoint, HookResult};
use nim_shared::id::{Fence, OperationId};
use nim_shared::operation::{FollowUp, Outcome, Report, Software};
use nim_shared::prep::SiteBackup;
use nim_shared::request::Request;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::shared::Shared;
use crate::hooks::Place;
use crate::store::hook::{BegunHook, HookEnd, StoredHook, Warning};
use crate::store::notify::Topic;
use crate::telemetry::chain;

/// Longest time between two looks without a hint.
const LOOK: Duration = Duration::from_secs(2);

/// Runs the hooks of `at` for an operation that this master holds under `fence`, one after the other. Returns what is to be said of the
/// first that had to succeed and did not; `None` when the operation may go on. It waits as long as that takes: whoever waits for it looks
/// after hints and the deadline. When it is dropped, a hook that runs goes on to its end.
pub(super) async fn before(
    shared: Arc<Shared>,
    operation: OperationId,
    fence: Fence,
    at: HookPoint,
) -> Option<Warning> {
    loop {
        let hooks = match shared.store.hooks(operation).await {
            Ok(hooks) => hooks,
            Err(error) => {
                warn!(operation.id = %operation, error = %chain(&error), "cannot look for hooks");
                tokio::time::sleep(LOOK).await;
                continue;
            }
        };
        let mut open = None;
        for StoredHook { hook, .. } in hooks.into_iter().filter(|one| one.hook.at == at) {
            match hook.state.known() {
                Some(HookState::Succeeded) => {}
                // Nothing of the operation is run any more.
                Some(HookState::Cancelled) => return None,
                Some(HookState::Due | HookState::Begun) => {
                    open = Some(hook);
                    break;
                }
                _ if hook.exit == HookExit::Fail => return Some(warning(&hook)),
                _ => {}
            }
        }
        let hook = open?;
        let runs = hook.state.known() == Some(HookState::Due)
            && run(&shared, operation, fence, hook.number).await;
        if !runs {
            // It runs for a session before this one, or was begun by a master that is gone: that is noted elsewhere.
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Waits for a place and runs one hook to its end. Whether it was this that ran it.
async fn run(shared: &Arc<Shared>, operation: OperationId, fence: Fence, number: u32) -> bool {
    let Some(place) = shared.hooks.place(operation, number).await else { return false };
    let own = Arc::clone(shared);
    let task = shared.hooks.tasks.spawn(async move {
        if !own.lease.may_command() {
            return false;
        }
        match own.store.begin_hook(own.master, operation, fence, number).await {
            Ok(Some(begun)) => {
                carry_out(&own, begun, place).await;
                true
            }
            Ok(None) => false,
            Err(error) => {
                warn!(operation.id = %operation, error = %chain(&error), "cannot begin a hook");
                false
            }
        }
    });
    task.await.unwrap_or(false)
}

/// Runs what is due after the end of operations, and notes what nobody will tell, until `stop`.
pub(super) async fn after(shared: Arc<Shared>, stop: CancellationToken) {
    let mut hints = shared.store.hints(&[Topic::Events]);
    loop {
        if shared.lease.may_command()
            && let Err(error) = look(&shared).await
        {
            warn!(error = %chain(&error), "cannot look for hooks");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = hints.wait(LOOK) => {}
            () = shared.hooks.given_back() => {}
        }
    }
}

async fn look(shared: &Arc<Shared>) -> Result<(), crate::store::Error> {
    // In this order: a hook has its place before it is begun, and keeps it until its end is on record. One that is begun and has none will
    // never be told of; asked the other way round, one that was begun in between would count as lost.
    let begun = shared.store.begun_hooks(shared.master).await?;
    let running = shared.hooks.running();
    let lost: Vec<_> = begun.into_iter().filter(|one| !running.contains(one)).collect();
    for (operation, hook) in shared.store.settle_hooks(&lost).await? {
        let (_, text) = warning(&hook);
        warn!(operation.id = %operation, "{text}");
        if !hook.at.is_before() && hook.exit == HookExit::Warn {
            shared.store.warn_of_hook(operation, &warning(&hook)).await?;
        }
    }
    while let Some(permit) = shared.hooks.free() {
        let Some(begun) = shared.store.begin_late_hook(shared.master).await? else { return Ok(()) };
        let place = shared.hooks.held(permit, begun.operation, begun.number);
        let own = Arc::clone(shared);
        shared.hooks.tasks.spawn(async move { carry_out(&own, begun, place).await });
    }
    Ok(())
}

/// Runs a hook that was begun, and notes how it ended. `place` is held until that is stored.
async fn carry_out(shared: &Shared, begun: BegunHook, place: Place) {
    let (operation, number, named) = (begun.operation, begun.number, begun.hook.clone());
    let end = match input(&begun) {
        Ok((input, limit)) => shared.hooks.run(&named.name, &input, limit, &place).await,
        Err(cause) => HookEnd {
            state: HookState::NotStarted,
            status: None,
            output: format!("the order cannot be read: {cause}"),
        },
    };
    let shown = MasterHook {
        number,
        at: named.at,
        name: named.name,
        exit: named.exit,
        state: nim_shared::operation::Named::Known(end.state),
        status: end.status,
        begun_at: None,
        ended_at: None,
        output: String::new(),
    };
    let (code, text) = warning(&shown);
    if end.state == HookState::Succeeded {
        info!(operation.id = %operation, lpar.name = %begun.lpar, "{text}");
    } else {
        warn!(operation.id = %operation, lpar.name = %begun.lpar, "{text}");
    }
    let late =
        !named.at.is_before() && named.exit == HookExit::Warn && end.state != HookState::Succeeded;
    let warning = (code, text);
    let mut ours = None;
    loop {
        let note = async {
            if ours.is_none() {
                let ended = shared.store.end_hook(shared.master, operation, number, &end).await?;
                ours = Some(ended);
            }
            match ours {
                Some(true) if late => shared.store.warn_of_hook(operation, &warning).await,
                _ => Ok::<_, crate::store::Error>(()),
            }
        };
        match note.await {
            Ok(()) => break,
            // Past the lease its end is unknown for ever.
            Err(error) if !shared.lease.may_command() => {
                warn!(operation.id = %operation, error = %chain(&error), "the end of a hook is not on record");
                break;
            }
            Err(error) => {
                warn!(operation.id = %operation, error = %chain(&error), "cannot note how a hook ended");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
    shared.store.hint(Topic::Events).await;
}

/// What a hook is told, one line, and how long it may take where that is not what the settings say of hooks: a backup has what the LPAR has
/// for its stage.
fn input(begun: &BegunHook) -> Result<(String, Option<Duration>), serde_json::Error> {
    let BegunHook {
        operation, hook, lpar, request, lpp_source, state, report, shown_level, ..
    } = begun;
    let request: Request = serde_json::from_str(request)?;
    let limit = (hook.at == HookPoint::Backup).then(|| request.limits.stage.duration());
    let said = report.as_ref().and_then(|report| report.before.as_ref()?.level.clone());
    let level = said.or_else(|| shown_level.map(|level| level.to_string()));
    let input = HookInput {
        version: HOOK_INPUT,
        hook: hook.at,
        name: hook.name.clone(),
        operation: *operation,
        lpar: lpar.clone(),
        stage: hook.at.stage(),
        kind: request.kind,
        lpp_source: lpp_source.clone(),
        install: request.install,
        level,
        result: (!hook.at.is_before()).then(|| match report {
            Some(report) => HookResult::from(report),
            // It was cancelled before an agent heard of it, or no agent has said what became of it.
            None => HookResult::without_report(*state),
        }),
    };
    Ok((serde_json::to_string(&input)? + "\n", limit))
}

/// What is said of a hook: a code and a sentence.
pub(super) fn warning(hook: &MasterHook) -> Warning {
    let name = format!("the master's hook {} at {}", hook.name, hook.at);
    match (hook.state.known(), hook.status) {
        (Some(HookState::Succeeded), _) => (FAILED, format!("{name} succeeded")),
        (Some(HookState::Failed), Some(status)) => {
            (FAILED, format!("{name} failed with exit status {status}"))
        }
        (Some(HookState::Failed), None) => (FAILED, format!("{name} was ended by a signal")),
        (Some(HookState::TooLong), _) => {
            (FAILED, format!("{name} did not end in time, and was ended"))
        }
        (Some(HookState::NotStarted), _) => (FAILED, format!("{name} could not be started")),
        (Some(HookState::Cancelled), _) => {
            (FAILED, format!("{name} was ended, because the operation was cancelled"))
        }
        (
            Some(HookState::Due | HookState::Begun | HookState::LeftOut | HookState::Unknown)
            | None,
            _,
        ) => (UNKNOWN, format!("how {name} ended is not known; it is not run again")),
    }
}

/// Adds to the report of an operation what its hooks before the update came to.
pub(super) fn amend(report: &mut Report, hooks: &[StoredHook]) {
    for StoredHook { hook, .. } in hooks.iter().filter(|one| one.hook.at.is_before()) {
        let is_over = !matches!(
            hook.state.known(),
            Some(HookState::Due | HookState::LeftOut | HookState::Succeeded)
        );
        if hook.at == HookPoint::Backup && hook.state.known() == Some(HookState::Succeeded) {
            report.site_backup = Some(SiteBackup::by(&hook.name, &hook.output));
        }
        if !is_over {
            continue;
        }
        let (code, text) = warning(hook);
        if hook.state.known() == Some(HookState::Cancelled) {
            report.summary = format!("{}; {text}", report.summary);
            continue;
        }
        match (hook.exit, &mut report.outcome) {
            (HookExit::Ignore, _) => continue,
            // The agent was asked to stop because of it.
            (HookExit::Fail, Outcome::Cancelled) => {
                report.outcome = Outcome::Failed { software: Software::Unchanged };
                report.summary = text;
            }
            (HookExit::Warn, Outcome::Succeeded { follow_up }) => {
                if !follow_up.contains(&FollowUp::Hook) {
                    follow_up.push(FollowUp::Hook);
                }
                report.summary = format!("{}; {text}", report.summary);
            }
            // The agent has stopped by itself, and says why.
            (HookExit::Fail, _) if report.summary.contains(&text) => {}
            (HookExit::Fail | HookExit::Warn, _) => {
                report.summary = format!("{}; {text}", report.summary);
            }
        }
        report.codes.push(code.to_owned());
    }
}

/// Codes of the knowledge base in `shared`.
const FAILED: &str = "NLU-0252";
const UNKNOWN: &str = "NLU-0253";
