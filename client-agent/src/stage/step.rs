//! What the master does in the midst of an operation: the agent asks for it, waits, and heeds a cancel meanwhile.
//!
//! A question is on the disk while it is waited for, so that every connection asks it anew, and gone after that: nothing is asked for by
//! an operation that has gone on. A supervisor that is killed meanwhile has its successor ask again, which begins nothing twice: what the
//! master has begun is on record there.

use std::time::{Duration, Instant};

use nim_shared::frame::{MasterStep, StepAnswer};
use nim_shared::hook::HookPoint;
use nim_shared::id::Digest;

use super::Stop;
use crate::crash;
use crate::facts;
use crate::operation::{Answered, Asking};
use crate::slot::Durability;
use crate::supervisor::{CONTROL_PACE, Supervisor};

/// Has the master run its hooks of `at`, where the order has any.
pub(crate) fn hooks(supervisor: &mut Supervisor, at: HookPoint) -> Result<(), Stop> {
    let has_any = supervisor.request.master_hooks.iter().any(|hook| hook.at == at);
    if !at.is_asked_for() || !has_any || supervisor.request.kind.is_preview() {
        return Ok(());
    }
    let limit = supervisor.request.limits.stage.duration();
    match ask(supervisor, MasterStep::Hooks { at }, limit, Supervisor::check_cancel)? {
        Some(StepAnswer::GoOn) => Ok(()),
        Some(StepAnswer::Against { text } | StepAnswer::Unknown { text }) => {
            Err(Stop::failed(text))
        }
        None => Err(Stop::failed(format!(
            "the master did not say within {} seconds how its hooks at {at} ended",
            limit.as_secs()
        ))),
    }
}

/// Asks for `step` and waits for the answer, or until `heed` says that it is not waited for any more. `None`: none came within `limit`.
pub(super) fn ask(
    supervisor: &mut Supervisor,
    step: MasterStep,
    limit: Duration,
    heed: impl Fn(&mut Supervisor) -> Result<(), Stop>,
) -> Result<Option<StepAnswer>, Stop> {
    // One of its own for each time: what was answered before may be otherwise by now.
    let which =
        format!("{} {step:?} {} {}", supervisor.operation.id, facts::now(), std::process::id());
    let asking = Digest::of(which.as_bytes());
    let Some(asked) = supervisor.operation.asking()? else { return Ok(None) };
    let answered = supervisor.operation.answered()?;
    asked.set(&Some(Asking { asking, step }), Durability::Synced)?;
    crash::point("step.asked");
    let since = Instant::now();
    let answer = loop {
        if let Some(Answered { answer, .. }) =
            answered.get()?.filter(|answered| answered.asking == asking)
        {
            break Ok(Some(answer));
        }
        if let Err(stop) = heed(supervisor) {
            break Err(stop);
        }
        if since.elapsed() >= limit {
            break Ok(None);
        }
        supervisor.pause(CONTROL_PACE)?;
    };
    asked.set(&None, Durability::Synced)?;
    crash::point("step.answered");
    answer
}
