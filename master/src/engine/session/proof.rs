//! Proving that this master gets through IP filters that were put back on trial: with a connection that was opened after they were.
//!
//! The connection that is there proves nothing, for rules may let it live that would not let it in. So another is opened beside it,
//! which takes its place; the agent asks on that one again, and there it is answered.

use std::time::Duration;

use nim_shared::id::Digest;
use tokio::time::Instant;

use super::{Agent, Lost, Session};

/// Pause between two tries to come through.
const BETWEEN: Duration = Duration::from_secs(2);

/// What an agent asked to have proven.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trial {
    asked: Option<Digest>,
    open_at: Option<Instant>,
}

impl Trial {
    /// What was asked last.
    pub(super) const fn asked(&self) -> Option<Digest> {
        self.asked
    }

    /// When to open a connection for it.
    pub(super) const fn open_at(&self) -> Option<Instant> {
        self.open_at
    }

    /// A connection is being opened. What is known before it is; one more is opened should it not come through.
    pub(super) fn begin(&mut self) -> Option<Digest> {
        self.open_at = self.open_at.map(|_| Instant::now() + BETWEEN);
        self.asked
    }

    /// A connection is there: what is still asked is asked on it.
    pub(super) const fn came_through(&mut self) {
        self.open_at = None;
    }
}

impl Session {
    /// Proves `trial` on a connection that was opened for it, else has one opened.
    pub(super) async fn prove(&mut self, agent: &mut Agent, trial: Digest) -> Result<(), Lost> {
        if agent.trial() != Some(trial) {
            self.trial = Trial { asked: Some(trial), open_at: Some(Instant::now()) };
            return Ok(());
        }
        self.trial.came_through();
        if !self.shared.lease.may_command() {
            return Err(Lost::LeaseLapsed { host: self.lpar.clone() });
        }
        agent.send(&self.dialogue.proof(trial)).await
    }
}
