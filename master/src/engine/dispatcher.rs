//! The dispatcher: takes operations for this master, gives each a session, and tells sessions what others asked for.
//!
//! It looks at what is stored, woken by a hint or by time; a hint carries no data, so a lost one costs a second and nothing
//! else. Work is taken only while the lease is good: a master that cannot keep its lease must not gather operations.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nim_shared::id::{ObjectName, OperationId};
use nim_shared::request::Kind;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::operation::Event;
use super::session::{Hint, Over, Session};
use super::shared::Shared;
use crate::store;
use crate::store::life::Life;
use crate::store::notify::Topic;
use crate::store::operation::{Change, Record, Step};
use crate::transport::Endpoint;

/// Most operations that are taken in one go.
const TOGETHER: u32 = 64;

/// Longest time between two looks without a hint.
const LOOK: Duration = Duration::from_secs(1);

/// Pause before an operation is taken up again whose session broke off.
const AGAIN: Duration = Duration::from_secs(30);

/// Most hints that wait for one session: there is one kind, and it counts once.
const HINTS: usize = 1;

/// How long the ends of sessions are gathered before the next look: where hundreds end in a second, a look for each would be most
/// of what this master does.
const GATHER: Duration = Duration::from_millis(20);

/// What a look looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Everything: when somebody gave a hint, and from time to time.
    Everything,
    /// What may be taken since sessions have ended.
    Queue,
}

/// A session as the dispatcher knows it.
struct Running {
    lpar: ObjectName,
    kind: Kind,
    hints: mpsc::Sender<Hint>,
}

/// Takes operations and looks after their sessions.
pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    sessions: JoinSet<(OperationId, Over)>,
    running: HashMap<OperationId, Running>,
    /// Operations whose session broke off, and when to take them up again.
    again: Vec<(Instant, OperationId)>,
    /// The life of the database in which these sessions began.
    life: Option<Life>,
    stop: CancellationToken,
}

impl Dispatcher {
    /// A dispatcher without sessions.
    pub(super) fn new(shared: Arc<Shared>, stop: CancellationToken) -> Self {
        let (sessions, running, again) = (JoinSet::new(), HashMap::new(), Vec::new());
        Self { shared, sessions, running, again, life: None, stop }
    }

    /// Works until it is told to stop; then waits until every session has ended.
    pub(super) async fn run(mut self) {
        let mut hints = self.shared.store.hints(&[Topic::Work]);
        // When to look at everything again.
        let mut due = Instant::now();
        loop {
            let scope = if due <= Instant::now() {
                due = Instant::now() + LOOK;
                Scope::Everything
            } else {
                Scope::Queue
            };
            let more = match self.look(scope).await {
                Ok(more) => more,
                Err(error) => {
                    warn!(error = %crate::telemetry::chain(&error), "cannot look for work: {}", crate::telemetry::chain(&error));
                    false
                }
            };
            let longest = due.saturating_duration_since(Instant::now());
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(ended) = self.sessions.join_next() => {
                    self.ended(ended);
                    tokio::time::sleep(GATHER).await;
                    while let Some(ended) = self.sessions.try_join_next() {
                        self.ended(ended);
                    }
                }
                () = std::future::ready(()), if more => due = Instant::now(),
                () = hints.wait(longest) => due = Instant::now(),
            }
        }
        while let Some(ended) = self.sessions.join_next().await {
            self.ended(ended);
        }
    }

    /// One look at what is to be done. Whether there may be more of it right away.
    async fn look(&mut self, scope: Scope) -> Result<bool, store::Error> {
        let shared = Arc::clone(&self.shared);
        if !shared.lease.may_command() {
            return Ok(false);
        }
        self.ask_anew();
        let mut most = 0;
        if scope == Scope::Everything {
            let taken = shared.store.take_over(shared.master, TOGETHER).await?;
            most = taken.len();
            for record in &taken {
                info!(operation.id = %record.id, lpar.name = %record.lpar,
                    "took over the operation on {}, which is {}", record.lpar, record.operation.name());
            }
            self.start_all(taken).await;
        }
        let claimed = shared.store.claim(shared.master, &shared.settings.limits, TOGETHER).await?;
        most = most.max(claimed.len());
        self.start_all(claimed).await;
        self.take_up_again().await?;
        if scope == Scope::Everything {
            for id in shared.store.asked_cancels(shared.master).await? {
                self.tell(id, Hint::CancelAsked);
            }
            self.overdue().await?;
        }
        Ok(most == TOGETHER as usize)
    }

    /// Ends every session when the database may have lost commits: what they remember may be more than it knows. Each operation
    /// is claimed again as it is stored, under a higher fence, and its agent is asked from there on.
    fn ask_anew(&mut self) {
        let life = *self.shared.life.borrow();
        if self.life.is_some_and(|known| Some(known) != life) {
            // A session without its hints has lost its operation.
            self.running.clear();
        }
        self.life = life;
    }

    /// Gives operations a new session whose session broke off while they are still this master's.
    async fn take_up_again(&mut self) -> Result<(), store::Error> {
        let (mut due, later): (Vec<_>, Vec<_>) =
            self.again.drain(..).partition(|(at, _)| *at <= Instant::now());
        self.again = later;
        while let Some((at, id)) = due.pop() {
            if self.running.contains_key(&id) {
                continue;
            }
            match self.shared.store.claim_again(self.shared.master, id).await {
                Ok(Some(record)) => self.start(record, None),
                Ok(None) => {}
                Err(error) => {
                    // Nobody else would take them up: this master owns them.
                    self.again.push((at, id));
                    self.again.append(&mut due);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Ends what waited in the queue past its deadline; sessions see to their own.
    async fn overdue(&mut self) -> Result<(), store::Error> {
        let shared = Arc::clone(&self.shared);
        for record in shared.store.overdue(shared.master, TOGETHER).await? {
            if self.running.contains_key(&record.id) {
                continue;
            }
            let Ok((operation, actions)) = record.operation.after(Event::DeadlinePassed) else {
                continue;
            };
            let step = Step {
                operation: Some(operation),
                actions,
                deadline: Change::Clear,
                ..Step::default()
            };
            match shared.store.transition(record.id, record.fence, &step).await {
                Ok(()) => warn!(operation.id = %record.id, lpar.name = %record.lpar,
                    "the operation on {} waited past its deadline", record.lpar),
                Err(store::Error::Fenced { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Gives each of these operations, which were taken a moment ago, a session, with the way to its LPAR: asked for all at once.
    /// Nothing that fails here may keep one from its session, for nobody else takes it up.
    async fn start_all(&mut self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        let lpars: Vec<ObjectName> = records.iter().map(|record| record.lpar.clone()).collect();
        let mut ways = self.shared.ways(&lpars).await;
        for record in records {
            let way = ways.remove(&record.lpar).map(Box::new);
            self.start(record, way);
        }
    }

    fn start(&mut self, record: Record, way: Option<Box<Endpoint>>) {
        let id = record.id;
        let (lpar, kind, owner) = (record.lpar.clone(), record.kind, Arc::clone(&self.shared));
        let (hints, receiver) = mpsc::channel(HINTS);
        match Session::new(owner, record, way, receiver, self.stop.child_token()) {
            Ok(session) => {
                // A session that worked under an older fence loses its hints, and with them the operation.
                self.running.insert(id, Running { lpar, kind, hints });
                self.sessions.spawn(async move { (id, session.run().await) });
            }
            Err(cause) => error!(operation.id = %id, lpar.name = %lpar, error = %cause,
                "the request of the operation on {lpar} cannot be read; resolve it with `nimctl resolve {id}`"),
        }
    }

    fn tell(&self, id: OperationId, hint: Hint) {
        if let Some(session) = self.running.get(&id) {
            hint_at(&session.hints, hint);
        }
    }

    fn ended(&mut self, ended: Result<(OperationId, Over), tokio::task::JoinError>) {
        let (id, over) = match ended {
            Ok(ended) => ended,
            Err(panic) => {
                error!(error = %panic, "a session ended in a panic: {panic}");
                let is_lost = |session: &Running| session.hints.is_closed();
                let lost =
                    self.running.iter().filter(|(_, session)| is_lost(session)).map(|(id, _)| *id);
                let at = Instant::now() + AGAIN;
                self.again.extend(lost.map(|id| (at, id)));
                self.running.retain(|_, session| !is_lost(session));
                return;
            }
        };
        let is_over = self.running.get(&id).is_some_and(|session| session.hints.is_closed());
        if let Some(session) = is_over.then(|| self.running.remove(&id)).flatten()
            && session.kind.looks_after()
        {
            // What it looked after is asked at once, not when its session would look again: that one has lost its hints, and is replaced.
            self.running.retain(|_, other| other.lpar != session.lpar);
        }
        match over {
            Over::Failed => self.again.push((Instant::now() + AGAIN, id)),
            // Ours all the same, where only the agent knew a higher fence: a database that lost its last commits gave it away.
            Over::NotOurs => self.again.push((Instant::now(), id)),
            Over::Done | Over::Stopped => {}
        }
    }
}

/// Leaves a hint. Where there is no room the session has the same hint already; where it has ended it needs none.
fn hint_at(session: &mpsc::Sender<Hint>, hint: Hint) {
    if let Err(error) = session.try_send(hint) {
        tracing::trace!("a hint was not needed: {error}");
    }
}
