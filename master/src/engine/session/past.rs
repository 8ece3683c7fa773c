//! What the LPAR still has of other operations: it is told to forget what is old, and what the database does not know is taken
//! in once this session's own operation has ended, for an LPAR has one open operation at a time.

use std::sync::Arc;
use std::time::Duration;

use nim_shared::frame::{AgentFrame, MasterFrame, OpenOperation, Position};
use nim_shared::id::Fence;
use nim_shared::request::Request;
use nim_shared::unit::Seconds;
use tokio::time::timeout;
use tracing::{info, warn};

use super::{Agent, Lost, Over, Session};
use crate::engine::operation::{Run, State};
use crate::engine::past::{Fate, fate};
use crate::store::operation::Adopted;

/// How long an agent may take to say what it has of an operation.
const ANSWER: Duration = Duration::from_secs(60);

impl Session {
    /// Looks at what else the agent has.
    pub(super) async fn look_back(&mut self, agent: &mut Agent) -> Result<Result<(), Lost>, Over> {
        let own = self.order.operation;
        let others: Vec<OpenOperation> =
            agent.hello().operations.iter().filter(|one| one.operation != own).cloned().collect();
        if others.is_empty() {
            return Ok(Ok(()));
        }
        let shared = Arc::clone(&self.shared);
        let ids: Vec<_> = others.iter().map(|one| one.operation).collect();
        let known = self.insist(|| shared.store.past(&ids)).await?;
        let on_lpar = Seconds(shared.settings.on_lpar.as_secs());
        for told in others {
            let known = known.iter().find(|one| one.id == told.operation);
            match fate(&self.lpar, &told, known, on_lpar) {
                Fate::Forget(command) if shared.lease.may_command() => {
                    if let Err(lost) = agent.send(&MasterFrame::Forget { command }).await {
                        return Ok(Err(lost));
                    }
                }
                Fate::Forget(_) | Fate::Keep => {}
                Fate::Adopt => self.unknown = Some(told),
            }
        }
        Ok(Ok(()))
    }

    /// An operation that was this master's and of which the database knows nothing any more: its LPAR has it all the same.
    pub(super) async fn look_whether_forgotten(&mut self) {
        let (operation, digest, fence) =
            (self.order.operation, self.order.digest, self.order.fence);
        match self.shared.store.past(&[operation]).await {
            Ok(known) if known.is_empty() => {
                let at = self.dialogue.progress().position;
                self.unknown = Some(OpenOperation {
                    operation,
                    digest,
                    fence,
                    at,
                    stage: None,
                    finished: false,
                    open_changes: false,
                });
            }
            Ok(_) => {}
            Err(error) => {
                warn!(operation.id = %operation, lpar.name = %self.lpar, error = %crate::telemetry::chain(&error),
                "cannot look up whether the operation on {} is still known", self.lpar);
            }
        }
    }

    /// Takes in an operation of which the database knows nothing. What fails is tried again by the next session.
    pub(super) async fn adopt(&mut self) {
        let Some(told) = self.unknown.take() else { return };
        let (id, lpar) = (told.operation, self.lpar.clone());
        match timeout(ANSWER, self.adopt_told(&told)).await {
            Ok(Ok(true)) => warn!(operation.id = %id, lpar.name = %lpar,
                "the database knew nothing of an operation that {lpar} has: it is read from its journal"),
            Ok(Ok(false)) => info!(operation.id = %id, lpar.name = %lpar,
                "an operation that {lpar} has is not taken in now: another one is open on it"),
            Ok(Err(reason)) => warn!(operation.id = %id, lpar.name = %lpar, error = %reason,
                "an operation that {lpar} has and the database does not cannot be taken in: {reason}"),
            Err(_) => warn!(operation.id = %id, lpar.name = %lpar,
                "{lpar} did not say within {} s what it has of an operation", ANSWER.as_secs()),
        }
    }

    async fn adopt_told(&self, told: &OpenOperation) -> Result<bool, String> {
        let shared = Arc::clone(&self.shared);
        if !shared.lease.may_command() {
            return Err("the lease of this master lapsed".to_owned());
        }
        let now = shared.store.now().await.map_err(|error| crate::telemetry::chain(&error))?;
        // Above all that the agent has seen, and of the same kind as those of the database.
        let clock = now.get().unix_timestamp_nanos() / 1_000_000;
        let clock = u64::try_from(clock).unwrap_or_default();
        let fence = Fence(told.fence.0.saturating_add(1).max(clock));
        let mut agent = shared.open_agent(&self.lpar).await.map_err(|lost| lost.chain())?;
        let asked = ask(&mut agent, told, fence).await;
        agent.close().await;
        let text = asked?;
        let request: Request = serde_json::from_str(&text)
            .map_err(|cause| format!("its request cannot be read: {cause}"))?;
        let deadline = shared.settings.deadlines.of(&State::Running(Run::NEW), None);
        let adopted = Adopted {
            id: told.operation,
            lpar: self.lpar.clone(),
            text,
            request,
            fence,
            deadline: Seconds(deadline.unwrap_or_default().as_secs()),
        };
        let done = shared.store.adopt(&adopted, shared.who).await;
        done.map_err(|error| crate::telemetry::chain(&error))
    }
}

/// The request of the operation, to the byte, from the agent that has it.
async fn ask(agent: &mut Agent, told: &OpenOperation, fence: Fence) -> Result<String, String> {
    let operation = told.operation;
    let after = Position::START;
    let changes = Vec::new();
    let attach = MasterFrame::Attach { operation, fence, after, output_offset: 0, changes };
    agent.send(&attach).await.map_err(|lost| lost.chain())?;
    loop {
        match agent.next().await.map_err(|lost| lost.chain())? {
            AgentFrame::Attached { operation: found, digest, request, .. }
                if found == operation =>
            {
                let text = request.ok_or("its agent is too old to tell the request")?;
                return if nim_shared::id::Digest::of(text.as_bytes()) == digest {
                    Ok(text)
                } else {
                    Err("the agent tells another request than it took".to_owned())
                };
            }
            AgentFrame::Refused { text, .. } => return Err(nim_shared::id::printable(&text)),
            AgentFrame::Tombstoned { .. } => return Err("the agent has it no longer".to_owned()),
            _ => {}
        }
    }
}
