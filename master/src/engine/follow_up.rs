//! Does what follows from the end of an operation and outlives its session: stored with the transition, taken up by whichever
//! master is there, again if that one dies. Each action looks at the present and may be done twice.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::operation::Action;
use super::shared::Shared;
use crate::inventory::frame::Seen;
use crate::inventory::lpar;
use crate::store::notify::Topic;
use crate::store::operation::{FollowUpAction, NextTry};
use crate::{store, telemetry};

/// Most actions under way.
const TOGETHER: u32 = 16;

/// Longest time between two looks without a hint.
const LOOK: Duration = Duration::from_secs(2);

/// Pause before the HMC is asked again whether a surrogate is gone: the interval at which a frame may be polled.
/// Source: HMC reference §4.2.
const AGAIN: Duration = Duration::from_secs(10);

/// Does what is stored until `stop`; then waits until what is under way has ended.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut hints = shared.store.hints(&[Topic::Work]);
    let mut under_way = JoinSet::new();
    loop {
        let room = TOGETHER.saturating_sub(u32::try_from(under_way.len()).unwrap_or(TOGETHER));
        if room > 0 && shared.lease.may_command() {
            match shared.store.claim_actions(shared.master, room).await {
                Ok(actions) => actions.into_iter().for_each(|action| {
                    under_way.spawn(carry_out(Arc::clone(&shared), action));
                }),
                Err(error) => {
                    warn!(error = %telemetry::chain(&error), "cannot look for what follows")
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = under_way.join_next() => if let Err(panic) = ended {
                tracing::error!(error = %panic, "what follows from an operation ended in a panic: {panic}");
            },
            () = hints.wait(LOOK) => {}
        }
    }
    while under_way.join_next().await.is_some() {}
}

async fn carry_out(shared: Arc<Shared>, action: FollowUpAction) {
    let next = match act(&shared, &action).await {
        Ok(next) => next,
        Err(error) => {
            debug!(operation.id = %action.operation, error = %telemetry::chain(&error), "will be tried again");
            NextTry::After(AGAIN)
        }
    };
    if let Err(error) = shared.store.action_done(shared.master, action.id, next).await {
        // It is done again: each action may be.
        warn!(operation.id = %action.operation, error = %telemetry::chain(&error), "cannot note what was done");
    }
}

async fn act(shared: &Shared, action: &FollowUpAction) -> Result<NextTry, store::Error> {
    match action.action {
        Action::RefreshInventory => {
            let record = shared.store.operation(action.operation).await?;
            if let Some(after) = record.report.and_then(|report| report.after) {
                lpar::learn(&shared.store, shared.who, &action.lpar, &after).await?;
            }
            Ok(NextTry::None)
        }
        Action::Notify => {
            shared.store.hint(Topic::Events).await;
            Ok(NextTry::None)
        }
        Action::WatchCapacity => watch_capacity(shared, action).await,
        // These belong to a session and are never stored.
        Action::OpenSession
        | Action::CommitStart
        | Action::SendStart
        | Action::Attach
        | Action::Reserve
        | Action::SendProceed
        | Action::SendCancel
        | Action::CloseSession => Ok(NextTry::None),
    }
}

/// Looks at the frame until its surrogate is gone: reading the frame gives back what is no longer used.
async fn watch_capacity(shared: &Shared, action: &FollowUpAction) -> Result<NextTry, store::Error> {
    let Some(frame) = &action.frame else { return Ok(NextTry::None) };
    let because = match shared.frames.look(frame).await {
        Seen::View(view) if view.has_surrogate(action.lpar.as_str()) => {
            return Ok(NextTry::After(AGAIN));
        }
        Seen::View(_) => "an HMC shows no surrogate of it",
        // Nothing will ever be seen of this frame: the agent's word has to do, and it has given one.
        Seen::NoConsole => "no HMC of the frame can be asked",
        Seen::Unreachable(reason) => {
            debug!(frame.name = %frame, "no HMC of {frame} answers: {reason}");
            return Ok(NextTry::After(AGAIN));
        }
    };
    shared.store.release(action.operation, because).await?;
    info!(operation.id = %action.operation, frame.name = %frame, "capacity on {frame} is free again: {because}");
    Ok(NextTry::None)
}
