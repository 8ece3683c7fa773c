//! What a session stores: what it read, what it learned about the contact, how it gave up.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use nim_shared::frame::MasterFrame;
use nim_shared::id::ObjectName;
use nim_shared::operation::{Outcome, Report, StateName};
use nim_shared::stage::{Phase, Point, Stage};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{Agent, Event, Lost, Over, Session, State};
use crate::engine::dialogue::{self, Answered, Batch};
use crate::engine::login::{self, Answer};
use crate::store::event::Batched;
use crate::store::operation::{Change, Step};
use crate::store::output::Chunk;
use crate::store::secret::{Login, LoginOutcome};
use crate::store::writer::WriteError;
use crate::store::{self, Retry};

/// A clock that differs by more than this is worth a warning, in milliseconds. Half a minute is
/// more than any network time leaves.
const SKEW: i128 = 30_000;

impl Session {
    /// Stores a batch with the state that it leads to. Returns when it is committed.
    pub(super) async fn keep(&mut self, batch: Batch) -> Result<(), Over> {
        if let Some(answered) = batch.answered {
            self.promise(answered).await?;
        }
        let mut step = self.step(&batch);
        Box::pin(self.amend(&mut step)).await?;
        let chunk =
            |one: dialogue::Chunk| Chunk { epoch: one.epoch, offset: one.offset, data: one.bytes };
        let batched = Batched {
            operation: self.order.operation,
            fence: self.order.fence,
            events: batch.events,
            output: batch.output.into_iter().map(chunk).collect(),
            step,
        };
        if batched.events.is_empty() && batched.output.is_empty() && batched.step == Step::default()
        {
            return Ok(());
        }
        if let Some(outcome) = batched.events.iter().find_map(login::outcome) {
            self.end_login(outcome).await?;
        }
        let shared = Arc::clone(&self.shared);
        self.insist(|| shared.writer.store(batched.clone())).await?;
        if batched.step.known_in.is_some() {
            // Others may wait until this LPAR has answered.
            shared.freed.send_replace(());
        }
        Ok(())
    }

    /// Notes the capacity that an operation uses which was told to proceed, where the database lost the promise.
    async fn promise(&self, answered: Answered) -> Result<(), Over> {
        let Some(frame) = &self.frame else { return Ok(()) };
        if !self.kind.moves() || answered == Answered::NotProceeding {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        self.insist(|| shared.promise(&self.order, &self.lpar, frame)).await
    }

    /// What changes in the operation's row.
    fn step(&mut self, batch: &Batch) -> Step {
        let stored = batch.actions.iter().copied().filter(|action| action.is_stored()).collect();
        let known_in = batch.answered.and(self.life);
        let mut step = Step { actions: stored, known_in, ..Step::default() };
        if !batch.changed {
            return step;
        }
        let operation = self.dialogue.operation().clone();
        let progress = self.dialogue.progress();
        let estimate = progress.estimated_blackout;
        step.estimate = (estimate.is_some() || progress.estimated_total.is_some())
            .then_some((estimate, progress.estimated_total));
        step.report.clone_from(&progress.report);
        if self.at != place(&operation.state) {
            let limit = self.shared.settings.deadlines.of(&operation.state, estimate);
            let was = std::mem::replace(&mut self.at, place(&operation.state));
            self.entered = Instant::now();
            self.deadline = limit.map(|limit| self.entered + limit);
            step.deadline = limit.map_or(Change::Clear, Change::Set);
            step.waits_for = Change::Clear;
            let (was, is) = (word(&was), word(&self.at));
            if was != is {
                info!(operation.id = %self.order.operation, lpar.name = %self.lpar,
                    "operation on {} entered {is}", self.lpar);
            }
        }
        step.operation = Some(operation);
        step
    }

    /// Asks the database until it answers. A refusal because of the fence ends the session.
    pub(super) async fn insist<T, E, F>(&self, ask: impl Fn() -> F) -> Result<T, Over>
    where
        E: Into<NotStored>,
        F: Future<Output = Result<T, E>>,
    {
        loop {
            let (again, reason) = match ask().await.map_err(Into::into) {
                Ok(answer) => return Ok(answer),
                Err(NotStored::Fenced) => return Err(Over::NotOurs),
                Err(NotStored::Ended) => return Err(Over::Stopped),
                Err(NotStored::Failed { again, reason }) => (again, reason),
            };
            warn!(operation.id = %self.order.operation, lpar.name = %self.lpar, error = %reason,
                "cannot store what happened on {}: {reason}", self.lpar);
            // What the session cannot mend is taken up again later, slowly enough to be read in the log.
            let pause = again.ok_or(Over::Failed)?;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return Err(Over::Stopped),
            }
        }
    }

    /// Takes in an event that was stored in a transaction of its own.
    pub(super) fn stored_with(&mut self, event: Event, deadline: Option<Duration>) {
        if self.dialogue.stored_with(event).is_ok() {
            self.at = place(&self.dialogue.operation().state);
            self.entered = Instant::now();
            self.deadline = deadline.map(|limit| self.entered + limit);
        }
    }

    /// Notes that the agent answered.
    pub(super) async fn greeted(&mut self, agent: &Agent) -> Result<(), Over> {
        self.losses = 0;
        let ours = self.shared.clock.now();
        let skew = agent.hello().clock.now.since(ours).whole_milliseconds();
        if skew.abs() > SKEW {
            warn!(lpar.name = %self.lpar, skew_milliseconds = skew,
                "the clock of {} differs from ours by {} s", self.lpar, skew / 1000);
        }
        if !self.contact_lost {
            return Ok(());
        }
        self.contact_lost = false;
        info!(operation.id = %self.order.operation, lpar.name = %self.lpar, "{} answers again", self.lpar);
        self.put(Step {
            lost_contact_since: Change::Clear,
            waits_for: Change::Clear,
            ..Step::default()
        })
        .await
    }

    /// Notes that there is no contact, once. No failure: the update goes on without us.
    pub(super) async fn note_loss(&mut self, lost: &Lost) -> Result<(), Over> {
        let since = Change::Set(self.shared.clock.now());
        let lost_contact_since = if self.contact_lost { Change::Keep } else { since };
        self.contact_lost = true;
        if self.login == Logon::Queued {
            self.login = Logon::MayBeUnderWay;
        }
        let waits_for = Change::Set(format!("contact: {}", lost.chain()));
        self.put(Step { lost_contact_since, waits_for, ..Step::default() }).await
    }

    /// Says what the operation waits for.
    pub(super) async fn say_waits_for(&mut self, reason: String) -> Result<(), Over> {
        self.put(Step { waits_for: Change::Set(reason), ..Step::default() }).await
    }

    /// Ends an operation whose `start` never left, with the reason.
    pub(super) async fn give_up(&mut self, lost: &Lost) -> Result<(), Over> {
        self.end_unstarted(lost.chain(), lost.code()).await
    }

    /// Ends an operation whose `start` never left, as `why` and a code say.
    pub(super) async fn end_unstarted(&mut self, why: String, code: String) -> Result<(), Over> {
        self.happened(Event::GaveUp);
        let batch = self.dialogue.take();
        let mut step = self.step(&batch);
        warn!(operation.id = %self.order.operation, lpar.name = %self.lpar, error = %why,
            "the operation on {} was not started: {why}", self.lpar);
        if let State::Ended { outcome } = &self.dialogue.operation().state {
            step.report = Some(unstarted(outcome.clone(), why, code));
        }
        self.put(step).await?;
        if self.needs_nothing() { Err(Over::Done) } else { Ok(()) }
    }

    /// Answers an agent that asked for a secret: with the one that its order names, and no other.
    pub(super) async fn answer_secret(
        &mut self,
        agent: &mut Agent,
        name: ObjectName,
    ) -> Result<Result<(), Lost>, Over> {
        if self.login == Logon::Over {
            // Asked before the journal told how the login went, and heard after it: the turn would wait for an end that never comes.
            return Ok(Ok(()));
        }
        let shared = Arc::clone(&self.shared);
        let allowed = self.console.as_ref().filter(|(_, secret)| *secret == name).cloned();
        let value = match allowed {
            None => {
                warn!(operation.id = %self.order.operation, lpar.name = %self.lpar,
                    "{} asked for the secret {name}, which its order does not name", self.lpar);
                None
            }
            Some((console, secret)) => {
                let operation = self.order.operation;
                let login = Login { operation, hmc: &console, secret: &secret };
                let may_ask = self.login != Logon::Queued || shared.turns.may_ask(&console);
                let answer = if may_ask {
                    self.insist(|| login::answer(&shared, login)).await?
                } else {
                    Answer::Later
                };
                match answer {
                    Answer::Secret(value) => {
                        if self.login == Logon::Queued {
                            self.put(Step { waits_for: Change::Clear, ..Step::default() }).await?;
                        }
                        self.login = Logon::MayBeUnderWay;
                        Some(value)
                    }
                    Answer::Nothing(reason) => {
                        warn!(operation.id = %self.order.operation, lpar.name = %self.lpar, "{reason}");
                        None
                    }
                    Answer::Later => {
                        self.ask_at = Some((Instant::now() + login::AGAIN, name));
                        if self.login != Logon::Queued {
                            self.login = Logon::Queued;
                            let turn = format!("its turn to log in at {console}");
                            self.say_waits_for(turn).await?;
                        }
                        return Ok(Ok(()));
                    }
                }
            }
        };
        let (operation, fence) = (self.order.operation, self.order.fence);
        Ok(agent.send(&MasterFrame::Secret { operation, fence, name, value }).await)
    }

    async fn end_login(&mut self, outcome: LoginOutcome) -> Result<(), Over> {
        let Some((hmc, secret)) = self.console.clone() else { return Ok(()) };
        if self.login == Logon::Over {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let login = Login { operation: self.order.operation, hmc: &hmc, secret: &secret };
        self.insist(|| shared.store.login_end(login, outcome)).await?;
        shared.turns.given_back(&hmc);
        self.login = Logon::Over;
        Ok(())
    }

    pub(super) async fn put(&mut self, step: Step) -> Result<(), Over> {
        let shared = Arc::clone(&self.shared);
        let (operation, fence) = (self.order.operation, self.order.fence);
        self.insist(|| shared.store.transition(operation, fence, &step)).await
    }
}

/// How a session stands to the login that its operation makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logon {
    /// It may be under way: the secret was sent, by this session or by one before it, or will be asked for.
    MayBeUnderWay,
    /// Another login at that console is under way, and it is said that this one waits for it.
    Queued,
    /// The journal told how it went, and the turn was given back.
    Over,
}

/// Why something was not stored.
pub(super) enum NotStored {
    /// Another master owns the operation, or a person decided about it.
    Fenced,
    /// nimd stops.
    Ended,
    /// The database did not take it.
    Failed {
        /// When to try again; `None` when the same would come out.
        again: Option<Duration>,
        /// Why, as one line.
        reason: String,
    },
}

impl From<&store::Error> for NotStored {
    fn from(error: &store::Error) -> Self {
        let again = match error.retry() {
            Retry::After(pause) => Some(pause),
            Retry::Never => None,
        };
        match error {
            // A gap, or nothing of it: the database lost commits, and its row says from where this goes on.
            store::Error::Fenced { .. }
            | store::Error::Gap { .. }
            | store::Error::NoSuchOperation { .. } => Self::Fenced,
            other => Self::Failed { again, reason: crate::telemetry::chain(other) },
        }
    }
}

impl From<store::Error> for NotStored {
    fn from(error: store::Error) -> Self {
        Self::from(&error)
    }
}

impl From<WriteError> for NotStored {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Store(error) => Self::from(&*error),
            WriteError::Ended => Self::Ended,
        }
    }
}

/// What tells one place in an operation's life from another.
pub(super) fn place(state: &State) -> Place {
    let run = state.run();
    (
        state.name(),
        run.map(|run| run.stage),
        run.and_then(|run| run.phase),
        run.and_then(|run| run.point),
    )
}

/// What the log calls a place.
fn word(&(state, stage, phase, point): &Place) -> String {
    let Some(stage) = stage.filter(|_| state == StateName::Running) else {
        return state.to_string();
    };
    match (stage, phase, point) {
        (_, Some(phase), _) => phase.to_string(),
        (Stage::Pre | Stage::Prep | Stage::Backup, None, Some(Point::Ready)) => {
            Point::Ready.to_string()
        }
        (stage, None, _) => stage.to_string(),
    }
}

/// State, stage, phase, point.
pub(super) type Place = (StateName, Option<Stage>, Option<Phase>, Option<Point>);

/// The report of an operation that never reached its LPAR.
fn unstarted(outcome: Outcome, summary: String, code: String) -> Report {
    Report { codes: vec![code], ..Report::of(outcome, summary) }
}
