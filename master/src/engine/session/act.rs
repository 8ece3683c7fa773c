//! What a session does: it stores what was taken in, acknowledges it, and does what the engine ordered.

use std::sync::Arc;

use nim_shared::frame::Change;
use nim_shared::hook::HookPoint;
use tokio::time::Instant;

use super::hook::Cleared;
use super::{Agent, Lost, Over, Session};
use crate::crash;
use crate::engine::dialogue::Batch;
use crate::engine::operation::{Action, Event, Start, State};
use crate::engine::shared::Capacity;
use crate::store::operation::{Go, Starting};

impl Session {
    /// Stores what was taken in, acknowledges it and acts on it, until nothing is left. An end is the session's only once it is stored:
    /// nobody else would take the operation up.
    pub(super) async fn settle(&mut self, agent: &mut Agent) -> Result<Result<(), Lost>, Over> {
        loop {
            let mut batch = self.dialogue.take();
            if batch.is_empty() {
                return if self.needs_nothing() { Err(Over::Done) } else { Ok(Ok(())) };
            }
            self.proceed_without_capacity(&mut batch);
            let acknowledge = !batch.events.is_empty() || !batch.output.is_empty();
            let (secrets, actions) = (batch.secrets.clone(), batch.actions.clone());
            let (trial, step) = (batch.trial, batch.step);
            self.keep(batch).await?;
            let mut said = Ok(());
            if acknowledge {
                said = agent.queue(&self.dialogue.acknowledgement());
            }
            // It leaves with what is commanded next, unless something is waited for before.
            if !secrets.is_empty()
                || self.has_hooks
                || !actions.first().is_some_and(|first| first.sends())
            {
                said = said.and(agent.flush().await);
            }
            for name in secrets {
                said = said.and(self.answer_secret(agent, name).await?);
            }
            if let Some(trial) = trial {
                said = said.and(self.prove(agent, trial).await);
            }
            if let Some((asking, step)) = step {
                said = said.and(Box::pin(self.do_step(agent, asking, step)).await?);
            }
            for action in actions {
                said = said.and(self.act(agent, action).await?);
            }
            said = said.and(agent.flush().await);
            match said {
                // What was acted on may have ended it: that is stored with the next turn.
                Err(lost) if !self.needs_nothing() => return Ok(Err(lost)),
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Where no surrogate is made there is nothing to reserve: that it may proceed is stored with what made it ready.
    fn proceed_without_capacity(&mut self, batch: &mut Batch) {
        if self.kind.moves() {
            return;
        }
        for action in std::mem::take(&mut batch.actions) {
            if action != Action::Reserve {
                batch.actions.push(action);
                continue;
            }
            crash::before(action, &self.lpar);
            self.happened(Event::ProceedCommitted);
            crash::after(action, &self.lpar);
            let follows = self.dialogue.take();
            batch.changed |= follows.changed;
            batch.actions.extend(follows.actions);
        }
    }

    /// Does what the engine ordered.
    async fn act(&mut self, agent: &mut Agent, action: Action) -> Result<Result<(), Lost>, Over> {
        match action {
            Action::CommitStart => {
                match Box::pin(self.clear(HookPoint::Pre)).await? {
                    Cleared::GoOn => {}
                    Cleared::NotAnyMore => return Ok(Ok(())),
                    Cleared::Refused((code, text)) => {
                        self.end_unstarted(text, code.to_owned()).await?;
                        return Ok(Ok(()));
                    }
                }
                if let Err(lost) = self.push(agent).await? {
                    return Ok(Err(lost));
                }
                let deadline = self
                    .shared
                    .settings
                    .deadlines
                    .of(&State::Dispatching { start: Start::Sent }, None);
                let starting = Starting {
                    operation: self.order.operation,
                    fence: self.order.fence,
                    deadline: deadline.unwrap_or_default(),
                };
                let shared = Arc::clone(&self.shared);
                let commit = || shared.writer.start(starting);
                crash::before(action, &self.lpar);
                let go = self.insist(commit).await?;
                crash::after(action, &self.lpar);
                match go {
                    Go::Ahead(_) => self.stored_with(Event::StartCommitted, deadline),
                    Go::CancelAsked => self.happened(Event::CancelAsked),
                }
            }
            // Where the journal went on meanwhile, another master had reserved; it was noted with the agent's answer.
            Action::Reserve if !self.dialogue.operation().state.is_ready() => {}
            Action::Reserve => {
                crash::before(action, &self.lpar);
                self.reserve().await?;
                crash::after(action, &self.lpar);
            }
            Action::SendStart | Action::SendProceed | Action::SendCancel | Action::Attach => {
                if action == Action::SendProceed && !Box::pin(self.may_proceed()).await? {
                    return Ok(Ok(()));
                }
                if !self.shared.lease.may_command() {
                    return Ok(Err(Lost::LeaseLapsed { host: self.lpar.clone() }));
                }
                if action == Action::Attach {
                    let shared = Arc::clone(&self.shared);
                    let operation = self.order.operation;
                    let mut changes = self.insist(|| shared.store.change_list(operation)).await?;
                    changes.retain(Change::is_open);
                    self.dialogue.tell_changes(changes);
                }
                let frame = self.dialogue.frame(action).expect("these four send a frame");
                crash::before(action, &self.lpar);
                let said = agent.send(&frame).await;
                crash::after(action, &self.lpar);
                return Ok(said);
            }
            Action::CloseSession => {
                if !self.needs_nothing() {
                    return Err(Over::NotOurs);
                }
            }
            // Open already, or stored with the transition and done by whoever takes it up.
            Action::OpenSession
            | Action::RefreshInventory
            | Action::Notify
            | Action::WatchCapacity => {}
        }
        Ok(Ok(()))
    }

    /// Reserves capacity, or says what is missing and when to look again.
    async fn reserve(&mut self) -> Result<(), Over> {
        let shared = Arc::clone(&self.shared);
        let (lpar, frame, order) = (self.lpar.clone(), self.frame.clone(), self.order.clone());
        let deadline = shared.settings.deadlines.install.duration();
        let reserve = || shared.reserve(&order, &lpar, frame.as_ref(), deadline);
        match self.insist(reserve).await? {
            Capacity::Reserved => self.stored_with(Event::ProceedCommitted, Some(deadline)),
            Capacity::CancelAsked => self.happened(Event::CancelAsked),
            Capacity::Wait { reason, look_again } => {
                self.say_waits_for(reason).await?;
                self.look_at = Some(Instant::now() + look_again);
            }
        }
        Ok(())
    }
}
