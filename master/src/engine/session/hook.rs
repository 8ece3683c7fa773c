//! What a session does about the hooks that nimd runs itself: before `start` leaves, and before `proceed` does.

use std::pin::pin;
use std::sync::Arc;

use nim_shared::hook::HookPoint;

use super::{Event, Over, Session, State};
use crate::engine::hook;
use crate::engine::operation::Operation;
use crate::store::hook::Warning;
use crate::store::operation::Step;

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
        let was: Operation = self.dialogue.operation().clone();
        let mut hooks = pin!(hook::before(Arc::clone(&self.shared), operation, fence, at));
        loop {
            tokio::select! {
                refused = &mut hooks => {
                    return Ok(refused.map_or(Cleared::GoOn, Cleared::Refused));
                }
                event = self.next_event() => {
                    let event = event?;
                    self.happened(event);
                    if *self.dialogue.operation() != was {
                        return Ok(Cleared::NotAnyMore);
                    }
                }
            }
        }
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
