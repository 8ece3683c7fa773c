//! What an agent waits for this master to do in the midst of an operation.
//!
//! Nothing of it is kept here: an agent asks anew on each connection, and what was begun for it is in the database.

use std::sync::Arc;

use nim_shared::frame::{MasterStep, StepAnswer};
use nim_shared::hook::HookPoint;
use nim_shared::id::Digest;

use super::hook::Cleared;
use super::{Agent, Lost, Over, Session};
use crate::engine::operation::State;

impl Session {
    /// Does `step` and says what came of it. An agent that has gone on meanwhile is told nothing, and nothing is done for one that, by what
    /// is stored, stands elsewhere.
    pub(super) async fn do_step(
        &mut self,
        agent: &mut Agent,
        asking: Digest,
        step: MasterStep,
    ) -> Result<Result<(), Lost>, Over> {
        let operation = self.dialogue.operation();
        let stands_there =
            matches!(operation.state, State::Running(run) if run.stage == step.stage());
        if !stands_there || operation.cancel_asked {
            return Ok(Ok(()));
        }
        let answer = match step {
            MasterStep::Capacity => Some(self.has_room().await?),
            MasterStep::Hooks { at } => self.run_hooks(at).await?,
        };
        let Some(answer) = answer else { return Ok(Ok(())) };
        if !self.shared.lease.may_command() {
            return Ok(Err(Lost::LeaseLapsed { host: self.lpar.clone() }));
        }
        Ok(agent.send(&self.dialogue.step(asking, answer)).await)
    }

    /// Whether what is reserved is still free on the frame.
    async fn has_room(&mut self) -> Result<StepAnswer, Over> {
        let shared = Arc::clone(&self.shared);
        let (lpar, frame, order) = (self.lpar.clone(), self.frame.clone(), self.order.clone());
        self.insist(|| shared.has_room(&order, &lpar, frame.as_ref())).await
    }

    /// Runs the hooks of `at`.
    async fn run_hooks(&mut self, at: HookPoint) -> Result<Option<StepAnswer>, Over> {
        if !at.is_asked_for() {
            return Ok(None);
        }
        Ok(match self.clear(at).await? {
            Cleared::GoOn => Some(StepAnswer::GoOn),
            Cleared::Refused((_, text)) => Some(StepAnswer::Against { text }),
            Cleared::NotAnyMore => None,
        })
    }
}
