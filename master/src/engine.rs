//! The operation engine: pure decisions in `operation`, `capacity` and `deadline`; the rest acts on them.
//!
//! Decisions see values and return values, so that each is tested as a table and checked by the model in `integration-tests`.
//! What acts (dispatcher, session, lease) holds no state that Postgres and the agent's journal do not have: it may be killed
//! at any instant and started anywhere else.

mod around;
mod arrived;
pub mod capacity;
pub mod deadline;
pub mod dialogue;
mod dispatcher;
mod follow_up;
mod hook;
pub mod journal;
pub mod lease;
pub mod login;
pub mod operation;
mod past;
pub mod session;
pub mod shared;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use self::dispatcher::Dispatcher;
use self::lease::Ended;
use self::shared::Shared;

/// Works on operations until `stop`, or until a successor on the same data folder takes over. Sessions have ended and the lease
/// is given back when it returns.
pub async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Ended {
    // Sessions first, the lease last: what ends must still be allowed to store and to say good-bye.
    let lease_stop = CancellationToken::new();
    let work = stop.child_token();
    let dispatcher = tokio::spawn(Dispatcher::new(Arc::clone(&shared), work.clone()).run());
    let follow_up = tokio::spawn(follow_up::run(Arc::clone(&shared), work.clone()));
    let hooks = tokio::spawn(hook::after(Arc::clone(&shared), work.clone()));
    let keeping =
        lease::keep(&shared.store, shared.master, &shared.lease, &shared.life, lease_stop.clone());
    tokio::pin!(keeping);
    let ended = tokio::select! {
        ended = &mut keeping => Some(ended),
        () = stop.cancelled() => None,
    };
    work.cancel();
    for (what, task) in [("dispatcher", dispatcher), ("follow-up", follow_up), ("hooks", hooks)] {
        if let Err(panic) = task.await {
            tracing::error!(error = %panic, "the {what} ended in a panic: {panic}");
        }
    }
    shared.hooks.stop().await;
    lease_stop.cancel();
    let ended = match ended {
        Some(ended) => ended,
        None => keeping.await,
    };
    if ended == Ended::Stopped
        && let Err(error) = shared.store.resign(shared.master).await
    {
        tracing::warn!(error = %crate::telemetry::chain(&error), "the lease could not be given back");
    }
    ended
}
