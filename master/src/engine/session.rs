//! The session: the one task that works on one operation for as long as this master owns it.
//!
//! It holds nothing that Postgres and the agent's journal do not have. What it read is stored before it is acknowledged or
//! acted on; what it is about to command is stored before it is sent; and nothing is commanded past the lease. It ends when the
//! operation needs no session, when another master took over, or when nimd stops; the next owner goes on from what is stored.

mod act;
mod channel;
mod files;
mod hook;
mod keep;
mod past;
mod proof;
mod push;
mod silence;
mod step;

pub use channel::{Agent, Lost};

use std::sync::Arc;
use std::time::Duration;

use nim_shared::frame::OpenOperation;
use nim_shared::id::{BatchId, ObjectName};
use nim_shared::operation::StuckReason;
use nim_shared::request::{Kind, Request};
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Megabytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::dialogue::{Dialogue, Order, compare};
use super::journal::Progress;
use super::operation::{Action, Event, Start, State};
use super::shared::Shared;
use crate::crash;
use crate::store::life::Life;
use crate::store::operation::Record;
use crate::transport::{Endpoint, Patience};
use push::Wanted;

/// Most frames that are taken in before they are stored.
const TOGETHER: usize = 500;

/// First pause after a lost connection; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// How long an agent of an operation that only a person can end is listened to.
const IDLE: Duration = Duration::from_secs(10);

/// Pause between looks at an operation that only a person can end.
const STUCK_PAUSE: Duration = Duration::from_secs(300);

/// What the dispatcher tells a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Somebody asked for a cancel.
    CancelAsked,
}

/// Why a session is over. None of them is an error of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The operation needs no session any more.
    Done,
    /// Another master owns the operation, or a person decided about it.
    NotOurs,
    /// nimd stops.
    Stopped,
    /// What came cannot be stored; the operation is taken up again later.
    Failed,
}

/// One operation that this master owns.
pub struct Session {
    shared: Arc<Shared>,
    lpar: ObjectName,
    /// How to reach it, for the first connection.
    way: Option<Box<Endpoint>>,
    frame: Option<ObjectName>,
    kind: Kind,
    order: Order,
    dialogue: Dialogue,
    /// Where the operation is, as it is stored.
    at: keep::Place,
    /// When it came there.
    entered: Instant,
    deadline: Option<Instant>,
    /// Whether it is stored that there is no contact.
    contact_lost: bool,
    /// When to look for capacity again.
    look_at: Option<Instant>,
    /// When the LPAR was last knocked at beside a silent connection.
    knocked: Option<Instant>,
    /// The trial of IP filters that is to be proven, and when to open a connection for that.
    trial: proof::Trial,
    /// A conversation that was opened beside another one.
    spare: Option<Agent>,
    /// What it was asked for together with.
    batch: BatchId,
    /// Whether nimd runs hooks for it.
    has_hooks: bool,
    /// Files that the LPAR needs, until it has them.
    files: Vec<Wanted>,
    /// Free space that must stay where they go.
    keep_free: Megabytes,
    /// The console that the order names, and the secret for it.
    console: Option<(ObjectName, ObjectName)>,
    /// Whether a login at that console may be under way, for which the operation has the turn.
    login: keep::Logon,
    /// When to look again whether a secret may be used, and which.
    ask_at: Option<(Instant, ObjectName)>,
    /// What the LPAR has of an operation of which the database knows nothing.
    unknown: Option<OpenOperation>,
    /// The life of the database in which the agent that is spoken with was asked.
    life: Option<Life>,
    /// Connections lost in a row without an answer between them.
    losses: u32,
    hints: mpsc::Receiver<Hint>,
    stop: CancellationToken,
}

impl Session {
    /// A session for an operation as it was claimed a moment ago: its record was changed last by the claim. `way` is how to reach
    /// its LPAR, where that was read since. Dropping the sender of `hints` takes the operation away from it.
    ///
    /// # Errors
    /// When the stored request cannot be read: another version wrote it.
    pub fn new(
        shared: Arc<Shared>,
        record: Record,
        way: Option<Box<Endpoint>>,
        hints: mpsc::Receiver<Hint>,
        stop: CancellationToken,
    ) -> Result<Self, serde_json::Error> {
        let request: Request = serde_json::from_str(&record.request)?;
        let now = record.changed_at;
        let files = Wanted::of(&request);
        let order = Order {
            operation: record.id,
            fence: record.fence,
            digest: record.digest,
            request: record.request,
            expected: request.expected,
            rollback: request.rollback,
        };
        let progress = Progress {
            position: record.position,
            estimated_blackout: record.estimated_blackout,
            estimated_total: record.estimated_total,
            report: record.report,
        };
        let span =
            |from: Timestamp, to: Timestamp| to.since(from).try_into().unwrap_or(Duration::ZERO);
        let instant = Instant::now();
        Ok(Self {
            shared,
            lpar: record.lpar,
            way,
            frame: record.frame,
            kind: record.kind,
            at: keep::place(&record.operation.state),
            dialogue: Dialogue::new(
                order.clone(),
                record.operation,
                progress,
                record.output_offset,
            ),
            order,
            entered: instant.checked_sub(span(record.entered_at, now)).unwrap_or(instant),
            deadline: record.deadline.map(|at| instant + span(now, at)),
            contact_lost: record.lost_contact_since.is_some(),
            look_at: None,
            knocked: None,
            trial: proof::Trial::default(),
            spare: None,
            batch: record.batch,
            files,
            has_hooks: !request.master_hooks.is_empty(),
            keep_free: request.limits.keep_free,
            console: record.hmc.zip(request.console.map(|console| console.secret)),
            login: keep::Logon::MayBeUnderWay,
            ask_at: None,
            unknown: None,
            life: None,
            losses: 0,
            hints,
            stop,
        })
    }

    /// Works until the session is over.
    ///
    /// Most of its time it waits for its LPAR, and thousands do. So what is done between is boxed: its room is given back when it is
    /// done.
    pub async fn run(mut self) -> Over {
        loop {
            let worked = match self.connection().await {
                Ok(lost) => Box::pin(self.after_loss(lost)).await,
                Err(over) => Err(over),
            };
            if let Err(over) = worked {
                if over == Over::NotOurs {
                    Box::pin(self.look_whether_forgotten()).await;
                }
                if matches!(over, Over::Done | Over::NotOurs) {
                    Box::pin(self.adopt()).await;
                }
                return over;
            }
        }
    }

    /// One connection from its opening to its loss.
    async fn connection(&mut self) -> Result<Lost, Over> {
        Box::pin(self.leave_alone()).await?;
        // Before anything is asked: what is stored of the answer counts for the life in which the question was put.
        self.life = *self.shared.life.borrow();
        while !self.shared.lease.may_command() {
            Box::pin(self.pause(FIRST_PAUSE)).await?;
        }
        let mut agent = match self.spare.take() {
            Some(agent) => agent,
            None => {
                crash::before(Action::OpenSession, &self.lpar);
                let opened = Box::pin(self.open()).await?;
                crash::after(Action::OpenSession, &self.lpar);
                match opened {
                    Ok(agent) => agent,
                    Err(lost) => return Ok(lost),
                }
            }
        };
        let end = self.converse(&mut agent).await;
        crash::before(Action::CloseSession, &self.lpar);
        Box::pin(agent.close()).await;
        crash::after(Action::CloseSession, &self.lpar);
        end
    }

    /// Leaves an LPAR alone that was last seen in a silent phase.
    async fn leave_alone(&mut self) -> Result<(), Over> {
        while self.spare.is_none()
            && let Some(until) = self.alone_until()
            && until > Instant::now()
        {
            self.pause(until - Instant::now()).await?;
        }
        Ok(())
    }

    fn alone_until(&self) -> Option<Instant> {
        let estimate = self.dialogue.progress().estimated_blackout;
        silence::peace(&self.dialogue.operation().state, estimate).map(|peace| self.entered + peace)
    }

    /// Opens a conversation, while hints and the deadline are heeded.
    async fn open(&mut self) -> Result<Result<Agent, Lost>, Over> {
        let shared = Arc::clone(&self.shared);
        let lpar = self.lpar.clone();
        let known = self.trial.asked();
        let opening = shared.open_agent_by(&lpar, self.way.take());
        tokio::pin!(opening);
        loop {
            tokio::select! {
                opened = &mut opening => return Ok(opened.map(|agent| agent.opened_for(known))),
                event = self.next_event() => self.apart(event?).await?,
            }
        }
    }

    /// Speaks with the agent until the connection is lost or the session is over.
    async fn converse(&mut self, agent: &mut Agent) -> Result<Lost, Over> {
        Box::pin(self.greeted(agent)).await?;
        if let Err(cause) = self.dialogue.hello(agent.hello()) {
            return Ok(self.broken(cause));
        }
        if compare(&agent.hello().identity, &self.order.expected).is_ok()
            && let Err(lost) = Box::pin(self.look_back(agent)).await?
        {
            return Ok(lost);
        }
        let shared = Arc::clone(&self.shared);
        let lpar = self.lpar.clone();
        let mut knocking = None;
        let mut known = None;
        let mut freed = shared.freed.subscribe();
        loop {
            if let Err(lost) = Box::pin(self.settle(agent)).await? {
                return Ok(lost);
            }
            agent.set_patience(self.patience());
            let knock_at = self.knock_at(agent).into_iter().chain(self.trial.open_at()).min();
            let knock_at = knock_at.filter(|_| knocking.is_none());
            let idle_until = Instant::now() + IDLE;
            let (look_at, needs_a_person) = (self.look_at, self.needs_a_person());
            let ask_at = self.ask_at.as_ref().map(|(at, _)| *at);
            tokio::select! {
                frame = agent.next() => {
                    if let Err(lost) = frame.and_then(|frame| self.take_in(agent, frame)) {
                        // What came before is good: it is stored before the connection is given up.
                        return Ok(Box::pin(self.settle(agent)).await?.err().unwrap_or(lost));
                    }
                }
                event = self.next_event() => {
                    let event = event?;
                    self.happened(event);
                }
                () = sleep_until(knock_at.unwrap_or(idle_until)), if knock_at.is_some() => {
                    self.knocked = Some(Instant::now());
                    known = self.trial.begin();
                    knocking = Some(Box::pin(shared.open_agent(&lpar)));
                }
                opened = async { knocking.as_mut().expect("guarded").await }, if knocking.is_some() => {
                    knocking = None;
                    if let Ok(other) = opened {
                        self.trial.came_through();
                        self.spare = Some(other.opened_for(known));
                        return Ok(Lost::Replaced { host: lpar.clone() });
                    }
                }
                () = async {
                    tokio::select! {
                        () = sleep_until(look_at.unwrap_or(idle_until)) => {}
                        // Also for what was given back since the last look, while this task was busy.
                        _ = freed.changed() => {}
                    }
                }, if look_at.is_some() => {
                    self.look_at = None;
                    self.dialogue.owe(Action::Reserve);
                }
                () = sleep_until(ask_at.unwrap_or(idle_until)), if ask_at.is_some() => {
                    let due = self.ask_at.take();
                    due.into_iter().for_each(|(_, name)| self.dialogue.wants(name));
                }
                () = sleep_until(idle_until), if needs_a_person => {
                    return Ok(Lost::Idle { host: lpar.clone() });
                }
            }
        }
    }

    /// Takes in a frame and what has arrived behind it.
    fn take_in(
        &mut self,
        agent: &mut Agent,
        first: nim_shared::frame::AgentFrame,
    ) -> Result<(), Lost> {
        let mut next = Some(first);
        for _ in 0..TOGETHER {
            let Some(frame) = next else { break };
            self.dialogue.receive(frame).map_err(|cause| self.broken(cause))?;
            next = agent.buffered()?;
        }
        match next {
            Some(last) => self.dialogue.receive(last).map_err(|cause| self.broken(cause)),
            None => Ok(()),
        }
    }

    /// What to do after a connection was lost, or none was had.
    async fn after_loss(&mut self, lost: Lost) -> Result<(), Over> {
        match lost {
            Lost::Replaced { .. } => return Ok(()),
            // Nothing is lost by it; an agent that says it again and again is not run after.
            Lost::LoginDue { .. } => return self.pause(FIRST_PAUSE).await,
            Lost::Idle { .. } => return self.pause(STUCK_PAUSE).await,
            _ => {}
        }
        let not_sent =
            matches!(self.dialogue.operation().state, State::Dispatching { start: Start::NotSent });
        if not_sent && !lost.may_pass() {
            return self.give_up(&lost).await;
        }
        warn!(operation.id = %self.order.operation, lpar.name = %self.lpar, error = %lost.chain(),
            "no conversation with the agent on {}: {}", self.lpar, lost.chain());
        self.note_loss(&lost).await?;
        let pause =
            FIRST_PAUSE.saturating_mul(1 << self.losses.min(10)).min(silence::BETWEEN_TRIES);
        self.losses += 1;
        self.pause(pause).await
    }

    /// Waits, while hints and the deadline are heeded.
    async fn pause(&mut self, span: Duration) -> Result<(), Over> {
        // What was read of it may be another's by then.
        self.way = None;
        let until = Instant::now() + span;
        loop {
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                event = self.next_event() => self.apart(event?).await?,
            }
        }
    }

    /// The next thing that happens without the agent. Cancel safe.
    async fn next_event(&mut self) -> Result<Event, Over> {
        let deadline = self.deadline;
        tokio::select! {
            () = self.stop.cancelled() => Err(Over::Stopped),
            hint = self.hints.recv() => match hint {
                Some(Hint::CancelAsked) => Ok(Event::CancelAsked),
                None => Err(Over::NotOurs),
            },
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                self.deadline = None;
                Ok(Event::DeadlinePassed)
            }
        }
    }

    /// Takes in an event while there is no conversation. What it orders is owed to the next one.
    async fn apart(&mut self, event: Event) -> Result<(), Over> {
        self.happened(event);
        let batch = self.dialogue.take();
        if !batch.is_empty() {
            self.keep(batch).await?;
        }
        if self.needs_nothing() { Err(Over::Done) } else { Ok(()) }
    }

    /// Takes in an event. One that no longer fits changes nothing.
    fn happened(&mut self, event: Event) {
        if let Err(refused) = self.dialogue.happened(event) {
            tracing::debug!(operation.id = %self.order.operation, "left out: {refused}");
        }
    }

    fn broken(&self, cause: super::dialogue::Broken) -> Lost {
        let host = self.lpar.clone();
        match cause {
            super::dialogue::Broken::LoginDue => Lost::LoginDue { host },
            cause => Lost::Broken { host, cause },
        }
    }

    /// Whether the operation needs no session.
    fn needs_nothing(&self) -> bool {
        matches!(self.dialogue.operation().state, State::Queued | State::Ended { .. })
    }

    /// Whether nothing is expected of the agent until a person decides.
    fn needs_a_person(&self) -> bool {
        matches!(
            self.dialogue.operation().state,
            State::Stuck { reason, .. } if reason != StuckReason::DeadlinePassed
        )
    }

    /// How much silence is borne.
    fn patience(&self) -> Patience {
        match self.alone_until() {
            Some(until) if until > Instant::now() => Patience::Blackout { until },
            Some(_) | None => Patience::Normal,
        }
    }

    /// When to try another connection beside this one, which was silent beyond what was expected.
    fn knock_at(&self, agent: &Agent) -> Option<Instant> {
        let peace = self.alone_until()?;
        let heard = Instant::now().checked_sub(agent.silent_for())?;
        let next = self.knocked.map_or(heard, |at| at.max(heard)) + silence::BETWEEN_TRIES;
        Some(next.max(peace))
    }
}

#[cfg(test)]
mod tests {
    use super::Session;

    #[test]
    fn a_session_that_waits_takes_little_room() {
        fn returned<A, F>(_: impl FnOnce(A) -> F) -> usize {
            size_of::<F>()
        }
        let room = returned(Session::run);
        assert!(room <= 8 << 10, "{room} bytes for each of thousands of sessions");
    }
}
