//! Drives rollouts: asks the pure decision what follows, keeps that, and does it through the same path as `cust`.
//!
//! What is kept comes first: a target is being started in the database before anything is asked for it, under a token that is made of
//! rollout, LPAR and attempt. An operation is accepted once for its token, in one transaction with it. So whoever drives next gives the
//! same orders again, and nothing starts twice: `docs/decisions/0016-a-start-is-one-token.md`.

mod around;
pub(super) mod doubt;
mod effect;
pub(super) mod found;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use nim_rollout::file::Rollout as File;
use nim_rollout::run::{
    Action, End, Event, Is, Orders, Phase, Recorded, Standing, State, Step, TargetNumber,
};
use nim_rollout::site::Tick;
use nim_shared::api::FailureKind;
use nim_shared::id::{ClientToken, Digest, MasterId, RolloutId};
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::outside::{self, Lasts};
use super::read_kept;
use super::tell::{Change, Of, notices};
use crate::api::Api;
use crate::api::cust;
use crate::api::error::{Answer, Refusal};
use crate::api::live_update_data::Sharers;
use crate::crash;
use crate::engine::lease::Guard;
use crate::store::maintenance::Maintenance;
use crate::store::notify::Topic;
use crate::store::rollout::{Asked, Closed, Reports, Rollout, Started, Turn};
use around::{around, is_fresh_needed, is_same};
use effect::{after_keeping, before_keeping};
use found::{
    Withdrawn, attempts, ended, given_up, happened, left, may_ask, promised, put_back, waits,
};

pub use effect::{Effect, Fact};

/// Longest time between two looks without a hint.
const LOOK: Duration = Duration::from_millis(500);

/// Shortest time between two looks: a thousand LPARs in flight hint all the time, and one look sees what all of them hint at.
const BREATH: Duration = Duration::from_millis(50);

/// How old what is known around LPARs may be when one is started, in seconds.
const FRESH: Tick = 10;

/// How many starts are asked for at a time.
const TOGETHER: usize = 8;

/// How many rollouts are looked at at a time.
const AT_A_TIME: usize = 4;

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
    /// When those were looked at who are done.
    doubted: Option<Tick>,
}

/// A rollout, what is known of it, and how a look at it went.
type Looked = (RolloutId, Option<Known>, Answer<()>);

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
            let hinted = async {
                tokio::time::sleep(BREATH).await;
                hints.wait(LOOK).await;
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = hinted => {}
            }
        }
    }

    async fn look(&mut self) -> Answer<()> {
        let ids = self.api.store.rollouts_to_drive(self.master).await?;
        self.known.retain(|id, _| ids.contains(id));
        self.said.retain(|id, _| ids.contains(id));
        // One that takes long to look at keeps no other one from being stopped.
        let mut known = std::mem::take(&mut self.known);
        let driver = &*self;
        let look = |id| {
            let mut own = known.remove(&id);
            async move {
                let done = driver.drive(id, &mut own).await;
                (id, own, done)
            }
            .boxed()
        };
        let looks: Vec<BoxFuture<'_, Looked>> = ids.into_iter().map(look).collect();
        let looked: Vec<Looked> = stream::iter(looks).buffer_unordered(AT_A_TIME).collect().await;
        for (id, own, done) in looked {
            self.known.extend(own.map(|own| (id, own)));
            match done {
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
    async fn drive(&self, id: RolloutId, known: &mut Option<Known>) -> Answer<()> {
        let store = self.api.store.clone();
        let known = match known {
            Some(known) => known,
            None => {
                let rollout = store.rollout(&id.to_string()).await?;
                let file = Arc::new(read_kept(&rollout)?);
                known.insert(Known {
                    rollout: Arc::new(rollout),
                    file,
                    looked: None,
                    maintained: Vec::new(),
                    doubted: None,
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
        let open = attempts(&state);
        let tokens: Vec<ClientToken> =
            open.iter().map(|(target, attempt)| token(id, orders, *target, *attempt)).collect();
        let mut started = store.started(&tokens).await?;
        let put_back = put_back(&open, &started);
        let is_needed = is_fresh_needed(&state, now) || !put_back.is_empty();
        if is_needed && known.looked.is_none_or(is_old) {
            let operations = started.iter().flatten().flatten().map(|one| one.id).collect();
            let own = (promised(&open, &started), operations);
            events.extend(around(&self.api, &file, &rollout, &state, own, &put_back).await?);
            known.looked = Some(now);
            known.maintained = maintained;
            // That may have taken long, and what went wrong meanwhile may stop the run.
            started = store.started(&tokens).await?;
        }
        let since = |at| tick(rollout.begin, at);
        let knowledge = self.api.knowledge().await;
        for ((target, attempt), found) in open.iter().zip(&started) {
            events.extend(waits(*target, *attempt, found.as_ref(), since));
            events.extend(happened(&state, *target, *attempt, (found.as_ref(), &knowledge)));
        }
        let may_be = |_, one: &Standing| outside::may_be_done_again(one);
        let lasts = outside::lasts(&store, (id, orders, &state), Reports::Without, may_be).await?;
        let again = outside::happened(&state, &lasts);
        let is_again = |at: TargetNumber| {
            again.iter().any(|one| matches!(one, Event::DoneAgain { target, .. } if *target == at))
        };
        let reports =
            outside::lasts(&store, (id, orders, &state), Reports::With, |at, _| is_again(at))
                .await?;
        events.extend(again);
        let reports = ended(&open, &started)
            .chain(reports.iter().map(|(at, last)| (*at, last.of.report.as_ref())))
            .collect();
        let who = doubt::Who::due(&state, known.doubted, now);
        let doubts = doubt::look(&store, (orders, &state), &events, &reports, who).await?;
        events.extend(doubts);
        if who == doubt::Who::All {
            known.doubted = Some(now);
        }
        let (next, actions, step) = state.clone().stepped(orders, Step::looked(events, now));
        if next != state {
            let ends: HashMap<TargetNumber, &Started> = open
                .iter()
                .zip(&started)
                .filter_map(|((target, _), found)| Some((*target, found.as_ref()?.as_ref().ok()?)))
                .collect();
            let happened = told(&state, &next, &rollout, (&ends, &lasts));
            happened.iter().for_each(|(_, what)| {
                info!(rollout.id = %id, "rollout {}: {what}", rollout.name);
            });
            let recorded = Recorded::new(step, actions, &next);
            let change = Change { before: &state, after: &next, by: None, at };
            let why = |target: TargetNumber| {
                let is = &next.targets[target as usize].is;
                super::run::summary(is, ends.get(&target).copied())
            };
            let notices = notices(&Of::kept(&rollout), &file.notify, &change, why);
            let turn = Turn {
                state: &next,
                recorded: &recorded,
                cancels,
                ticket: None,
                happened,
                notices,
            };
            before_keeping((&state, &next), &rollout.name);
            if !store.rollout_turn(id, version, &turn).await? {
                // Somebody else changed it: at the next look it is seen as it is then.
                return Ok(());
            }
            after_keeping((&state, &next), &rollout.name);
        }
        for one in given_up(&next, &open, &started) {
            self.close(one, &Closed::For(OVERDUE.to_owned()), &rollout).await?;
        }
        let withdrawn = Withdrawn::of(orders, &next, &open, &started, now);
        for one in withdrawn.unasked {
            self.close(one, &Closed::Withdrawn, &rollout).await?;
        }
        if !withdrawn.queued.is_empty() {
            crash::before(Effect::Withdraw, &rollout.name);
            store.withdraw(&withdrawn.queued).await?;
            crash::after(Effect::Withdraw, &rollout.name);
        }
        let asked: HashMap<(TargetNumber, u32), &Asked> = open
            .into_iter()
            .zip(&started)
            .filter_map(|(one, found)| Some((one, found.as_ref()?)))
            .collect();
        self.cancel(&next, cancels, &asked, &rollout).await?;
        let started = self.start(&next, &asked, &rollout, &file, now).await?;
        if started.contains(&Begun::NotNow) {
            // What is in the way is looked at before anything else is started.
            known.looked = None;
        }
        Ok(())
    }

    /// Asks for the cancels that are due: of an abort, of those that were given up before they were taken, and of those that waited for
    /// capacity until it was too late.
    async fn cancel(
        &self,
        state: &State,
        cancels: bool,
        asked: &HashMap<(TargetNumber, u32), &Asked>,
        rollout: &Rollout,
    ) -> Answer<()> {
        for ((target, _), found) in asked {
            let Ok(one) = found else { continue };
            let is = &state.targets[*target as usize].is;
            let given_up = matches!(is, Is::Ended { end: End::Unreachable, .. });
            let recalled = matches!(is, Is::Recalled { .. });
            let aborted = cancels && matches!(is, Is::Starting { .. } | Is::Running { .. });
            if (given_up || recalled || aborted) && !one.cancel_asked && !one.state.is_terminal() {
                crash::before(Effect::AskCancel, &rollout.name);
                self.api.store.ask_cancel(one.id, rollout.requested_by).await?;
                crash::after(Effect::AskCancel, &rollout.name);
            }
        }
        Ok(())
    }

    /// Sees to it that nothing is ever accepted for a start.
    async fn close(
        &self,
        (target, attempt): (TargetNumber, u32),
        why: &Closed,
        rollout: &Rollout,
    ) -> Answer<()> {
        let token = token(rollout.id, &rollout.orders, target, attempt);
        crash::before(Effect::CloseStart, &rollout.name);
        self.api.store.close_token(token, why, rollout.requested_by).await?;
        crash::after(Effect::CloseStart, &rollout.name);
        Ok(())
    }

    /// Gives the orders to start that are open and were not given yet.
    async fn start(
        &self,
        state: &State,
        asked: &HashMap<(TargetNumber, u32), &Asked>,
        rollout: &Rollout,
        file: &File,
        now: Tick,
    ) -> Answer<Vec<Begun>> {
        let orders = &rollout.orders;
        let open = state.open_actions().into_iter().filter_map(|action| match action {
            Action::Start { target, attempt }
                if !asked.contains_key(&(target, attempt))
                    && may_ask(orders, state, target, now) =>
            {
                Some((target, attempt))
            }
            Action::Start { .. } | Action::Cancel { .. } => None,
        });
        let aborting = state.phase == Phase::Aborting;
        let begin = |(target, attempt)| {
            let until = if aborting { None } else { left(orders, target, now) };
            self.begin((target, attempt), until, rollout, file).boxed()
        };
        let starts: Vec<BoxFuture<'_, Answer<Begun>>> = open.map(begin).collect();
        let done: Vec<Answer<Begun>> =
            stream::iter(starts).buffer_unordered(TOGETHER).collect().await;
        done.into_iter().collect()
    }

    /// Asks for the update of one target, which may still be started for so many seconds; or sees to it that nobody ever does.
    async fn begin(
        &self,
        (target, attempt): (TargetNumber, u32),
        left: Option<Tick>,
        rollout: &Rollout,
        file: &File,
    ) -> Answer<Begun> {
        let one = (target, attempt);
        let Some(left) = left else {
            self.close(one, &Closed::For(ABORTED.to_owned()), rollout).await?;
            return Ok(Begun::Settled);
        };
        // Those before it may have taken long: what is paused or stopped meanwhile starts nothing, and the next look takes this one back.
        if !self.api.store.rollout_starts(rollout.id).await? {
            return Ok(Begun::Settled);
        }
        let token = token(rollout.id, &rollout.orders, target, attempt);
        let lpar = &rollout.orders.targets[target as usize].lpar;
        let cust = file.operation.cust(vec![lpar.to_string()], token);
        let mut cust = cust.map_err(|faults| super::refused("the operation", faults))?;
        // It may wait for others in nimd's queue: what is not taken while its window is long enough comes in the next one.
        if left < rollout.orders.deadlines.start.get() {
            cust.time_limit = Some(Seconds(left.max(1).into()));
        }
        crash::before(Effect::AskStart, &rollout.name);
        let who = rollout.requested_by;
        let asked = cust::start(&self.api, who, cust, None, Sharers::Lately).await;
        crash::after(Effect::AskStart, &rollout.name);
        let refusal = match asked {
            Ok(_) => return Ok(Begun::Settled),
            Err(refusal) => refusal.failure(),
        };
        match refusal.kind {
            FailureKind::Refused if refusal.code == cust::NOT_NOW => {
                self.close(one, &Closed::Withdrawn, rollout).await?;
                Ok(Begun::NotNow)
            }
            FailureKind::Refused | FailureKind::NotFound | FailureKind::Usage => {
                let faults = refusal.faults.iter().map(|fault| fault.message.clone());
                let why: Vec<String> =
                    std::iter::once(refusal.message.clone()).chain(faults).collect();
                self.close(one, &Closed::For(why.join(": ")), rollout).await?;
                Ok(Begun::Settled)
            }
            // Until the deadline of a start it is tried again.
            FailureKind::Unreachable | FailureKind::Forbidden | FailureKind::Internal => {
                Err(Refusal::from(refusal))
            }
        }
    }
}

/// What came of asking for a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    /// It was accepted, or never will be.
    Settled,
    /// Nothing is wrong with it, and something keeps it from being started now: it waits for its turn again.
    NotNow,
}

/// What is said of a target whose start was ordered before an abort and never asked for.
const ABORTED: &str = "the rollout was aborted before it began";

/// What is said of a target whose start could not be asked for in time.
const OVERDUE: &str = "its start could not be asked for before the deadline of starts";

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

/// What a person is told of a change.
fn told(
    before: &State,
    after: &State,
    rollout: &Rollout,
    (ends, lasts): (&HashMap<TargetNumber, &Started>, &Lasts),
) -> Vec<(Option<crate::store::Who>, String)> {
    let (mut told, mut starts) = (Vec::new(), Vec::new());
    let targets = rollout.orders.targets.iter().zip(before.targets.iter().zip(&after.targets));
    for (number, (target, (was, is))) in (0..).zip(targets) {
        if let Some(doubts) = super::run::in_doubt(is).filter(|_| was.doubts != is.doubts) {
            told.push(format!("{} is {doubts}", target.lpar));
        } else if was.is_doubted() && !is.is_doubted() && was.trusted == is.trusted {
            told.push(format!("{} is known to be healthy", target.lpar));
        }
        if was.is == is.is {
            continue;
        }
        match &is.is {
            Is::Starting { .. } => starts.push(format!("{} starts", target.lpar)),
            Is::Ended { end, keeps_capacity } => {
                let (state, why) = super::run::ended(end);
                let why = why.or_else(|| super::run::summary(&is.is, ends.get(&number).copied()));
                let why = why.or_else(|| outside::said(lasts.get(&number)));
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                let kept = if *keeps_capacity { "; what it takes is not free" } else { "" };
                told.push(format!("{} is {state}{why}{kept}", target.lpar));
            }
            Is::Recalled { .. } => {
                told.push(format!("{} is put back: {}", target.lpar, super::run::RECALLED));
            }
            Is::Waiting { .. } if matches!(was.is, Is::Starting { .. } | Is::Recalled { .. }) => {
                told.push(format!("{} was not begun, and waits for its turn again", target.lpar));
            }
            Is::Waiting { .. } | Is::Running { .. } | Is::Releasing { .. } => {}
        }
    }
    if before.wave != after.wave
        && let Some(wave) = rollout.plan.waves.get(after.wave)
    {
        told.push(format!("wave {} is next", wave.name));
    }
    if before.phase != after.phase {
        let why = match &after.phase {
            Phase::Stopped { why } => format!(": {why}"),
            _ => String::new(),
        };
        told.push(format!("{}{why}", after.phase.name()));
    }
    if before.gate != after.gate {
        told.extend(super::run::gate(after, rollout.begin).map(|what| format!("waits for {what}")));
    }
    // What is over lets a wave begin, and that lets others start.
    told.append(&mut starts);
    told.into_iter().map(|what| (None, what)).collect()
}
