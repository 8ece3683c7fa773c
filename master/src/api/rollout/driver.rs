//! Drives rollouts: asks the pure decision what follows, keeps that, and does it through the same path as `cust`.
//!
//! What is kept comes first: a target is being started in the database before anything is asked for it, under a token that is made of
//! rollout, LPAR and attempt. An operation is accepted once for its token, in one transaction with it. So whoever drives next gives the
//! same orders again, and nothing starts twice: `docs/decisions/0016-a-start-is-one-token.md`.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use nim_rollout::file::Rollout as File;
use nim_rollout::plan::present;
use nim_rollout::run::{Action, End, Event, Gate, Is, Orders, Phase, State, TargetNumber};
use nim_rollout::site::Tick;
use nim_shared::api::FailureKind;
use nim_shared::code::{self, Retry as Sense};
use nim_shared::id::{ClientToken, Digest, MasterId, ObjectName, RolloutId};
use nim_shared::operation::{Outcome, Report, Software, StateName};
use nim_shared::stamp::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::read_file;
use super::site::gather;
use crate::api::Api;
use crate::api::apply::blocking;
use crate::api::cust;
use crate::api::error::{Answer, Refusal};
use crate::engine::lease::Guard;
use crate::store::maintenance::Maintenance;
use crate::store::notify::Topic;
use crate::store::rollout::{Rollout, Started, Turn};

/// Longest time between two looks without a hint.
const LOOK: Duration = Duration::from_millis(500);

/// How old what is known around LPARs may be when one is started, in seconds.
const FRESH: Tick = 10;

/// How many starts are asked for at a time.
const TOGETHER: usize = 8;

/// Drives the rollouts of this master.
pub struct Driver {
    api: Api,
    master: MasterId,
    lease: Guard,
    known: HashMap<RolloutId, Known>,
    /// What was said last of each rollout that could not be looked at: once is enough.
    said: HashMap<RolloutId, String>,
}

/// What does not change of a rollout, and when what is around it was looked at.
struct Known {
    rollout: Arc<Rollout>,
    file: Arc<File>,
    looked: Option<Tick>,
    /// Where there was maintenance then.
    maintained: Vec<Maintenance>,
}

impl Driver {
    /// Of the rollouts that fall to `master` while its lease is good.
    #[must_use]
    pub fn new(api: Api, master: MasterId, lease: Guard) -> Self {
        Self { api, master, lease, known: HashMap::new(), said: HashMap::new() }
    }

    /// Drives until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut hints = self.api.store.hints(&[Topic::Work]);
        loop {
            // A master that cannot keep its lease starts nothing.
            if self.lease.may_command()
                && let Err(refusal) = self.look().await
            {
                let failure = refusal.failure();
                warn!(error.code = %failure.code, "rollouts cannot be looked at: {}", failure.message);
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = hints.wait(LOOK) => {}
            }
        }
    }

    async fn look(&mut self) -> Answer<()> {
        let ids = self.api.store.rollouts_to_drive(self.master).await?;
        self.known.retain(|id, _| ids.contains(id));
        self.said.retain(|id, _| ids.contains(id));
        for id in ids {
            match self.drive(id).await {
                Ok(()) => drop(self.said.remove(&id)),
                Err(refusal) => {
                    let failure = refusal.failure();
                    let last = self.said.insert(id, failure.message.clone());
                    if last.as_ref() != Some(&failure.message) {
                        warn!(rollout.id = %id, error.code = %failure.code, "rollout {id} waits: {}", failure.message);
                    }
                }
            }
        }
        Ok(())
    }

    /// One look at a rollout.
    async fn drive(&mut self, id: RolloutId) -> Answer<()> {
        let store = self.api.store.clone();
        let known = match self.known.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let rollout = store.rollout(&id.to_string()).await?;
                let (name, text) = (rollout.file_name.clone(), rollout.file.clone());
                let file = Arc::new(read_file(&nim_shared::api::File { name, text })?);
                place.insert(Known {
                    rollout: Arc::new(rollout),
                    file,
                    looked: None,
                    maintained: Vec::new(),
                })
            }
        };
        let (rollout, file) = (Arc::clone(&known.rollout), Arc::clone(&known.file));
        let orders = &rollout.orders;
        let (state, version, cancels) = store.rollout_state(id).await?;
        let at = store.now().await?;
        // Before its time nothing follows but from an abort.
        if at < rollout.begin && state.phase != Phase::Aborting {
            return Ok(());
        }
        let now = tick(rollout.begin, at);

        let mut events = Vec::new();
        // Maintenance that was said to begin is seen before anything else is started.
        let maintained = store.maintenance().await?;
        let is_old =
            |at| now.saturating_sub(at) >= FRESH || !is_same(&maintained, &known.maintained);
        if is_fresh_needed(&state, now) && known.looked.is_none_or(is_old) {
            events.extend(around(&self.api, &file, &rollout, &state).await?);
            known.looked = Some(now);
            known.maintained = maintained;
        }
        let open = attempts(&state);
        let tokens: Vec<ClientToken> =
            open.iter().map(|(target, attempt)| token(id, orders, *target, *attempt)).collect();
        let started = store.started(&tokens).await?;
        for ((target, attempt), found) in open.iter().zip(&started) {
            events.extend(happened(&state, *target, *attempt, found.as_ref()));
        }
        let (next, _) = state.clone().after_all(orders, events, now);
        if next != state {
            let happened = told(&state, &next, &rollout);
            happened.iter().for_each(|(_, what)| {
                info!(rollout.id = %id, "rollout {}: {what}", rollout.name);
            });
            let turn = Turn { state: &next, cancels, happened };
            if !store.rollout_turn(id, version, &turn).await? {
                // Somebody else changed it: at the next look it is seen as it is then.
                return Ok(());
            }
        }
        for (target, attempt) in given_up(&next, &open, &started) {
            let token = token(id, orders, target, attempt);
            store.close_token(token, OVERDUE, rollout.requested_by).await?;
        }
        let asked: HashMap<(TargetNumber, u32), &Result<Started, String>> = open
            .into_iter()
            .zip(&started)
            .filter_map(|(one, found)| Some((one, found.as_ref()?)))
            .collect();
        self.cancel(&next, cancels, &asked, &rollout).await?;
        self.start(&next, &asked, &rollout, &file).await
    }

    /// Asks for the cancels that are due: of an abort, and of those that were given up before they were taken.
    async fn cancel(
        &self,
        state: &State,
        cancels: bool,
        asked: &HashMap<(TargetNumber, u32), &Result<Started, String>>,
        rollout: &Rollout,
    ) -> Answer<()> {
        for ((target, _), found) in asked {
            let Ok(one) = found else { continue };
            let is = &state.targets[*target as usize].is;
            let given_up = matches!(is, Is::Ended { end: End::Unreachable, .. });
            let aborted = cancels && matches!(is, Is::Starting { .. } | Is::Running { .. });
            if (given_up || aborted) && !one.cancel_asked && !one.state.is_terminal() {
                self.api.store.ask_cancel(one.id, rollout.requested_by).await?;
            }
        }
        Ok(())
    }

    /// Gives the orders to start that are open and were not given yet.
    async fn start(
        &self,
        state: &State,
        asked: &HashMap<(TargetNumber, u32), &Result<Started, String>>,
        rollout: &Rollout,
        file: &File,
    ) -> Answer<()> {
        let open = state.open_actions().into_iter().filter_map(|action| match action {
            Action::Start { target, attempt } if !asked.contains_key(&(target, attempt)) => {
                Some((target, attempt))
            }
            Action::Start { .. } | Action::Cancel { .. } => None,
        });
        let aborting = state.phase == Phase::Aborting;
        let starts: Vec<BoxFuture<'_, Answer<()>>> = open
            .map(|(target, attempt)| self.begin(target, attempt, rollout, file, aborting).boxed())
            .collect();
        let done: Vec<Answer<()>> = stream::iter(starts).buffer_unordered(TOGETHER).collect().await;
        done.into_iter().collect()
    }

    /// Asks for the update of one target, or sees to it that nobody ever does.
    async fn begin(
        &self,
        target: TargetNumber,
        attempt: u32,
        rollout: &Rollout,
        file: &File,
        aborting: bool,
    ) -> Answer<()> {
        let store = &self.api.store;
        let token = token(rollout.id, &rollout.orders, target, attempt);
        let lpar = &rollout.orders.targets[target as usize].lpar;
        let who = rollout.requested_by;
        if aborting {
            store.close_token(token, ABORTED, who).await?;
            return Ok(());
        }
        let cust = file.operation.cust(vec![lpar.to_string()], token);
        let cust = cust.map_err(|faults| super::refused("the operation", faults))?;
        let refusal = match cust::start(&self.api, who, cust).await {
            Ok(_) => return Ok(()),
            Err(refusal) => refusal.failure(),
        };
        match refusal.kind {
            FailureKind::Refused | FailureKind::NotFound | FailureKind::Usage => {
                let faults = refusal.faults.iter().map(|fault| fault.message.clone());
                let why: Vec<String> =
                    std::iter::once(refusal.message.clone()).chain(faults).collect();
                store.close_token(token, &why.join(": "), who).await?;
                Ok(())
            }
            // Until the deadline of a start it is tried again.
            FailureKind::Unreachable | FailureKind::Forbidden | FailureKind::Internal => {
                Err(Refusal::from(refusal))
            }
        }
    }
}

/// What is said of a target whose start was ordered before an abort and never asked for.
const ABORTED: &str = "the rollout was aborted before it began";

/// What is said of a target whose start could not be asked for in time.
const OVERDUE: &str = "its start could not be asked for before the deadline of starts";

/// The starts that are waited for no more and were never asked for: their tokens are closed, so that nobody asks for them late, and what
/// they would have taken is free.
fn given_up(
    next: &State,
    open: &[(TargetNumber, u32)],
    started: &[Option<Result<Started, String>>],
) -> Vec<(TargetNumber, u32)> {
    let over = |target: TargetNumber| {
        matches!(next.targets[target as usize].is, Is::Ended { end: End::Unreachable, .. })
    };
    let unasked = open.iter().zip(started).filter(|(_, found)| found.is_none());
    unasked.map(|(one, _)| *one).filter(|(target, _)| over(*target)).collect()
}

/// Seconds since the begin of the plan.
pub(super) fn tick(begin: Timestamp, now: Timestamp) -> Tick {
    Tick::try_from(now.since(begin).whole_seconds().max(0)).unwrap_or(Tick::MAX)
}

/// The token of a start: the same whoever makes it.
pub(super) fn token(
    id: RolloutId,
    orders: &Orders,
    target: TargetNumber,
    attempt: u32,
) -> ClientToken {
    let lpar = &orders.targets[target as usize].lpar;
    let digest = Digest::of(format!("{id}/{lpar}/{attempt}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.0[..16]);
    ClientToken(Uuid::from_bytes(bytes))
}

/// Whether there is maintenance of the same for the same reasons.
fn is_same(one: &[Maintenance], other: &[Maintenance]) -> bool {
    let said = |one: &Maintenance| (one.on.clone(), one.reason.clone());
    one.iter().map(said).eq(other.iter().map(said))
}

/// Whether something could start soon of which the surroundings have to be known.
fn is_fresh_needed(state: &State, now: Tick) -> bool {
    let soon = match state.gate {
        Gate::Open => true,
        Gate::Soaking { until } => until <= now.saturating_add(2 * FRESH),
        Gate::Approval | Gate::Promotion => false,
    };
    state.phase == Phase::Running
        && soon
        && state.targets.iter().any(|one| matches!(one.is, Is::Waiting { .. }))
}

/// The attempts whose operations say something.
fn attempts(state: &State) -> Vec<(TargetNumber, u32)> {
    let open = (0..).zip(&state.targets).filter(|(_, one)| match one.is {
        Is::Starting { .. } | Is::Running { .. } | Is::Releasing { .. } => true,
        Is::Ended { keeps_capacity, .. } => keeps_capacity,
        Is::Waiting { .. } => false,
    });
    open.map(|(target, one)| (target, one.attempt)).collect()
}

/// What became of the operation of a target.
fn happened(
    state: &State,
    target: TargetNumber,
    attempt: u32,
    found: Option<&Result<Started, String>>,
) -> Vec<Event> {
    let mut events = Vec::new();
    let over = |end| Event::Over { target, attempt, end };
    let released = Event::Released { target, attempt };
    match found {
        None => {}
        // It was given up, and how it counts is settled.
        Some(Err(_)) if matches!(state.targets[target as usize].is, Is::Ended { .. }) => {
            events.push(released);
        }
        Some(Err(why)) => {
            let why = why.clone();
            let end = if state.phase == Phase::Aborting {
                End::NotStarted { why }
            } else {
                End::Skipped { why }
            };
            events.extend([over(end), released]);
        }
        Some(Ok(one)) => {
            if one.taken {
                events.push(Event::Taken { target, attempt });
            }
            if one.state == StateName::Stuck {
                events.push(over(End::Stuck));
            }
            if one.state.is_terminal() {
                events.push(over(end(one)));
                if one.released {
                    events.push(released);
                }
            }
        }
    }
    events
}

/// How an operation that is over counts.
fn end(one: &Started) -> End {
    match one.state {
        StateName::Succeeded => End::Updated,
        StateName::Unchanged => End::Unchanged,
        StateName::Cancelled => End::Cancelled,
        // The agent never took it, and never will: it was not reached.
        StateName::Failed if !one.taken => End::Unreachable,
        StateName::Failed => End::Failed { sense: sense(one.report.as_ref()) },
        StateName::Queued | StateName::Dispatching | StateName::Running | StateName::Stuck => {
            End::Stuck
        }
    }
}

/// Whether doing it again makes sense, by what the knowledge base says of the codes, and by what is on disk.
fn sense(report: Option<&Report>) -> Sense {
    let Some(report) = report else { return Sense::SeeOthers };
    match report.outcome {
        Outcome::Failed { software: Software::Applied } => return Sense::Never,
        // The whole request again would be refused: only the kernel is to be moved.
        Outcome::Failed { software: Software::AppliedNotLive } => return Sense::AfterRemedy,
        _ => {}
    }
    let known: Vec<Sense> =
        report.codes.iter().filter_map(|code| Some(code::find(code)?.retry)).collect();
    [Sense::Never, Sense::AfterRemedy, Sense::Later]
        .into_iter()
        .find(|sense| known.contains(sense))
        .unwrap_or(Sense::SeeOthers)
}

/// What is so of the LPARs that wait.
async fn around(api: &Api, file: &File, rollout: &Rollout, state: &State) -> Answer<Vec<Event>> {
    let orders = &rollout.orders;
    // Who was held back when it was planned has no place in the plan: where it was then is part of its fingerprint.
    let frames: HashMap<&ObjectName, Option<&ObjectName>> =
        rollout.plan.targets.iter().map(|one| (&one.lpar, one.frame.as_ref())).collect();
    let (site, file) = gather(api, file.clone()).await?;
    let (present, excluded, silent) = blocking(move || {
        let (present, excluded) = present(&file, &site.snapshot);
        let silent = site.snapshot.lpars.into_iter().filter(|one| one.level.is_none());
        let silent: HashSet<ObjectName> = silent.map(|one| one.name).collect();
        (present, excluded, silent)
    })
    .await?;
    let present: HashMap<ObjectName, _> =
        present.into_iter().map(|one| (one.lpar.clone(), one)).collect();
    let excluded: HashMap<String, String> =
        excluded.into_iter().map(|one| (one.name, one.why)).collect();
    let mut events = Vec::new();
    for (number, (one, target)) in (0..).zip(state.targets.iter().zip(&orders.targets)) {
        if !matches!(one.is, Is::Waiting { .. }) || target.wave > state.wave + 1 {
            continue;
        }
        let now = present.get(&target.lpar);
        let is_other = now.is_none_or(|now| now.fingerprint != target.fingerprint);
        // An HMC that does not reach it over RMC shows no level: that passes, and says nothing of what it is.
        if is_other && silent.contains(&target.lpar) {
            let held = Some("its level is not known at the moment".to_owned());
            if held != one.held {
                events.push(Event::Looked { target: number, held });
            }
            continue;
        }
        let Some(now) = now else {
            let gone = || "it is on record no more".to_owned();
            let why = excluded.get(target.lpar.as_str()).cloned().unwrap_or_else(gone);
            events.push(Event::DroppedOut { target: number, why });
            continue;
        };
        if let Some(planned) = frames.get(&target.lpar).copied()
            && now.frame.as_ref() != planned
        {
            let place = |frame: Option<&ObjectName>| {
                frame.map_or_else(|| "no frame that is known".to_owned(), ToString::to_string)
            };
            let why = format!(
                "it was planned on {} and is on {}",
                place(planned),
                place(now.frame.as_ref())
            );
            events.push(Event::DroppedOut { target: number, why });
            continue;
        }
        let held = (!now.held.is_empty()).then(|| now.held.join("; "));
        if held != one.held {
            events.push(Event::Looked { target: number, held });
        }
        if is_other && one.asks.is_none() && one.attempt == 0 {
            let why = "what is known of it is other than it was planned with".to_owned();
            events.push(Event::Drifted { target: number, why });
        }
    }
    Ok(events)
}

/// What a person is told of a change.
fn told(
    before: &State,
    after: &State,
    rollout: &Rollout,
) -> Vec<(Option<crate::store::Who>, String)> {
    let mut told = Vec::new();
    for (target, (was, is)) in
        rollout.orders.targets.iter().zip(before.targets.iter().zip(&after.targets))
    {
        if was.is == is.is {
            continue;
        }
        match &is.is {
            Is::Starting { .. } => told.push(format!("{} starts", target.lpar)),
            Is::Ended { end, keeps_capacity } => {
                let (state, why) = super::run::ended(end);
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                let kept = if *keeps_capacity { "; what it takes is not free" } else { "" };
                told.push(format!("{} is {state}{why}{kept}", target.lpar));
            }
            Is::Waiting { .. } | Is::Running { .. } | Is::Releasing { .. } => {}
        }
    }
    if before.wave != after.wave
        && let Some(wave) = rollout.plan.waves.get(after.wave)
    {
        told.push(format!("wave {} is next", wave.name));
    }
    if before.gate != after.gate {
        told.extend(super::run::gate(after, rollout.begin));
    }
    if before.phase != after.phase {
        let why = match &after.phase {
            Phase::Stopped { why } => format!(": {why}"),
            _ => String::new(),
        };
        told.push(format!("{}{why}", after.phase.name()));
    }
    told.into_iter().map(|what| (None, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(state: StateName, taken: bool, report: Option<Report>) -> Started {
        let id = nim_shared::id::OperationId(Uuid::nil());
        Started { id, state, taken, cancel_asked: false, report, released: true }
    }

    fn failed(software: Software, codes: &[&str]) -> Report {
        Report {
            codes: codes.iter().map(|code| (*code).to_owned()).collect(),
            ..Report::of(Outcome::Failed { software }, "")
        }
    }

    #[test]
    fn an_end_counts_by_whether_it_was_taken_and_by_what_is_known_of_it() {
        use Software::{Applied, AppliedNotLive, Unchanged};
        let of = |state, taken, report| end(&started(state, taken, report));
        assert_eq!(of(StateName::Succeeded, true, None), End::Updated);
        assert_eq!(of(StateName::Failed, false, None), End::Unreachable);
        assert_eq!(of(StateName::Cancelled, false, None), End::Cancelled);
        let rows = [
            (failed(Applied, &[]), Sense::Never),
            (failed(AppliedNotLive, &[]), Sense::AfterRemedy),
            // Open files in /proc; and a partial success, which is in effect.
            (failed(Unchanged, &["1020-311"]), code::find("1020-311").unwrap().retry),
            (failed(Unchanged, &["1020-311", "1430-094"]), Sense::Never),
            (failed(Unchanged, &["0000-000"]), Sense::SeeOthers),
        ];
        for (report, sense) in rows {
            let codes = report.codes.clone();
            let found = of(StateName::Failed, true, Some(report));
            assert_eq!(found, End::Failed { sense }, "{codes:?}");
        }
    }

    /// A run of two LPARs that has begun.
    fn begun() -> (Orders, State) {
        let fleet = nim_rollout::testing::Fleet {
            frames: 2,
            lpars: (1, 1),
            frames_per_hmc: 1,
            processors: nim_rollout::testing::Processors::FollowMemory,
        };
        let snapshot = nim_rollout::testing::fleet(fleet, 1);
        let file = nim_rollout::testing::rollout("deadlines: {start: 10m}\n");
        let input = nim_rollout::plan::Input {
            file: &file,
            snapshot: &snapshot,
            history: &[],
            begin: snapshot.at,
        };
        let plan = nim_rollout::plan::make(&input);
        let orders = Orders::new(&input, &plan, 1000);
        let start = Event::Start { by: 1000, fingerprint: orders.fingerprint };
        let (state, starts) = State::planned(&orders).after(&orders, start, 0).unwrap();
        assert_eq!(starts.len(), 2, "{starts:?}");
        (orders, state)
    }

    #[test]
    fn a_start_that_nobody_could_ask_for_in_time_is_given_up_and_holds_nothing() {
        let (orders, state) = begun();
        let open = attempts(&state);
        assert_eq!(open, [(0, 1), (1, 1)]);
        // The first was asked for and waits for its agent, the second was not.
        let found = [Some(Ok(started(StateName::Queued, false, None))), None];
        assert_eq!(given_up(&state, &open, &found), []);
        let (state, _) = state.after_all(&orders, Vec::new(), 600);
        let unreachable = |keeps_capacity| Is::Ended { end: End::Unreachable, keeps_capacity };
        assert_eq!(state.targets[1].is, unreachable(true));
        assert_eq!(given_up(&state, &open, &found), [(1, 1)]);
        // Its token is closed then: nothing will ever be begun, and what it would have taken is free.
        let closed = Err(OVERDUE.to_owned());
        let events = happened(&state, 1, 1, Some(&closed));
        let (state, _) = state.after_all(&orders, events, 601);
        assert_eq!(state.targets[1].is, unreachable(false));
        assert_eq!(state.targets[0].is, unreachable(true), "it may still begin");
    }

    #[test]
    fn what_was_refused_is_left_out_and_an_abort_leaves_what_never_began() {
        let (orders, state) = begun();
        let closed = Err("no lpp_source".to_owned());
        let events = happened(&state, 0, 1, Some(&closed));
        let (state, _) = state.after_all(&orders, events, 5);
        let end = End::Skipped { why: "no lpp_source".to_owned() };
        assert_eq!(state.targets[0].is, Is::Ended { end, keeps_capacity: false });
        let abort = Event::Abort { running: nim_rollout::run::Running::Drain };
        let state = state.noted(&orders, abort, 6).unwrap();
        let closed = Err(ABORTED.to_owned());
        let events = happened(&state, 1, 1, Some(&closed));
        let (state, _) = state.after_all(&orders, events, 7);
        let end = End::NotStarted { why: ABORTED.to_owned() };
        assert_eq!(state.targets[1].is, Is::Ended { end, keeps_capacity: false });
        assert_eq!(state.phase, Phase::Ended);
    }

    #[test]
    fn an_operation_is_over_for_the_rollout_when_its_memory_is_back() {
        let (orders, state) = begun();
        let mut one = started(StateName::Succeeded, true, None);
        one.released = false;
        let (state, _) =
            state.clone().after_all(&orders, happened(&state, 0, 1, Some(&Ok(one.clone()))), 60);
        assert!(
            matches!(state.targets[0].is, Is::Releasing { end: End::Updated, .. }),
            "{state:?}"
        );
        one.released = true;
        let (state, _) =
            state.clone().after_all(&orders, happened(&state, 0, 1, Some(&Ok(one))), 61);
        let over = Is::Ended { end: End::Updated, keeps_capacity: false };
        assert_eq!(state.targets[0].is, over);
        // What is stuck keeps what it has, until a person has looked.
        let stuck = started(StateName::Stuck, true, None);
        let (state, _) =
            state.clone().after_all(&orders, happened(&state, 1, 1, Some(&Ok(stuck))), 62);
        assert!(matches!(state.targets[1].is, Is::Releasing { end: End::Stuck, .. }), "{state:?}");
    }
}
