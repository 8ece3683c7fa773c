//! What a session does about the hooks that nimd runs itself: before `start` leaves, and before `proceed` does.

use std::pin::pin;
use std::sync::Arc;

use nim_shared::api::HookState;
use nim_shared::hook::HookPoint;

use super::{Event, Over, Session, State};
use crate::engine::hook;
use crate::engine::operation::Operation;
use crate::store::hook::{StoredHook, Warning};
use crate::store::operation::{Change, Step};

/// Whether an operation may go on.
pub(super) enum Cleared {
    /// As it was about to.
    GoOn,
    /// A hook that had to succeed did not.
    Refused(Warning),
    /// Something else happened meanwhile, which has been taken in.
    NotAnyMore,
}

impl Session {
    /// Runs the hooks of `at`, or finds how they ended, while hints and the deadline are heeded.
    pub(super) async fn clear(&mut self, at: HookPoint) -> Result<Cleared, Over> {
        if !self.has_hooks {
            return Ok(Cleared::GoOn);
        }
        let (operation, fence) = (self.order.operation, self.order.fence);
        let mut was: Operation = self.dialogue.operation().clone();
        let says = self.say_what_runs(at).await?;
        let mut hooks = pin!(hook::before(Arc::clone(&self.shared), operation, fence, at));
        let mut is_ending = false;
        let cleared = loop {
            tokio::select! {
                refused = &mut hooks => {
                    break match refused {
                        _ if is_ending => Cleared::NotAnyMore,
                        Some(warning) => Cleared::Refused(warning),
                        None => Cleared::GoOn,
                    };
                }
                event = self.next_event() => {
                    let event = event?;
                    self.happened(event);
                    let is = self.dialogue.operation();
                    if *is == was {
                        continue;
                    }
                    // What was changed is not put back under something that still runs.
                    is_ending = is.cancel_asked && self.shared.hooks.end(operation);
                    if !is_ending {
                        break Cleared::NotAnyMore;
                    }
                    was = is.clone();
                }
            }
        };
        if says {
            self.put(Step { waits_for: Change::Clear, ..Step::default() }).await?;
        }
        Ok(cleared)
    }

    /// Says which hooks of `at` are waited for. Whether there are any.
    async fn say_what_runs(&mut self, at: HookPoint) -> Result<bool, Over> {
        let shared = Arc::clone(&self.shared);
        let id = self.order.operation;
        let hooks = self.insist(|| shared.store.hooks(id)).await?;
        let open = |one: &&StoredHook| {
            one.hook.at == at
                && matches!(one.hook.state.known(), Some(HookState::Due | HookState::Begun))
        };
        let names: Vec<&str> =
            hooks.iter().filter(open).map(|one| one.hook.name.as_str()).collect();
        if names.is_empty() {
            return Ok(false);
        }
        let what =
            format!("what nimd runs itself at {at}: {}; nimctl hooks {id}", names.join(", "));
        self.say_waits_for(what).await?;
        Ok(true)
    }

    /// Whether `proceed` may leave. Where a hook stands against it the agent is asked to stop: it puts back what it has changed.
    pub(super) async fn may_proceed(&mut self) -> Result<bool, Over> {
        match self.clear(HookPoint::BeforeUpdate).await? {
            Cleared::GoOn => Ok(true),
            Cleared::NotAnyMore => Ok(false),
            Cleared::Refused(_) => {
                self.happened(Event::CancelAsked);
                Ok(false)
            }
        }
    }

    /// Adds to what is stored at the end of an operation what its hooks came to.
    pub(super) async fn amend(&self, step: &mut Step) -> Result<(), Over> {
        if !self.has_hooks {
            return Ok(());
        }
        let Step { report: Some(report), operation: Some(operation), .. } = step else {
            return Ok(());
        };
        let State::Ended { outcome } = &mut operation.state else { return Ok(()) };
        let shared = Arc::clone(&self.shared);
        let id = self.order.operation;
        let hooks = self.insist(|| shared.store.hooks(id)).await?;
        hook::amend(report, &hooks);
        outcome.clone_from(&report.outcome);
        Ok(())
    }
}
