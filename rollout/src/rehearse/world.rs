//! A world that is drawn: agents that work or fail, HMCs that show memory back, and people who approve at once and do nothing else.

use std::collections::BTreeMap;

use nim_shared::api::StopNumbers;
use nim_shared::code::Retry as Sense;
use nim_shared::unit::Seconds;

use crate::run::{
    Action, End, Event, Gate, Is, Orders, Phase, RELEASE, Standing, State, Step, TargetNumber,
};
use crate::seed::Seeded;
use crate::site::Tick;

use super::fault::{Cause, Place, Placed};
use super::past::Odds;
use super::play::World;
use super::{Known, begin};

/// How long it takes until an agent has taken an update that was ordered. Between nimd's look, a login and the agent's first words lie seconds.
const TAKEN: Tick = 5;

/// What happens in one run.
pub(super) struct Drawn<'r> {
    orders: &'r Orders,
    known: &'r [Known<'r>],
    odds: &'r Odds<'r>,
    /// Faults that somebody named, with whom each meets in this run.
    named: Vec<(&'r Cause, Meets)>,
    random: Seeded,
    has_begun: bool,
    /// What happens when; a number keeps the order of what happens at the same time.
    to_come: BTreeMap<(Tick, u64), Event>,
    number: u64,
    /// Updates, in the order of their starts.
    pub(super) updates: Vec<Update<'r>>,
    /// What stopped the run, and when.
    pub(super) stopped: Option<(Tick, Stop)>,
}

/// Whom a fault meets.
#[derive(Clone, Copy)]
enum Meets {
    Target(TargetNumber),
    Percent(u8),
}

/// What a run stands still for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    /// So much went wrong in all waves together.
    Whole(String),
    /// So much went wrong in this wave.
    Wave(usize, String),
    /// Fewer of this wave are updated than the next one needs.
    Promotion(usize, usize),
}

/// One update.
pub(super) struct Update<'r> {
    pub(super) target: TargetNumber,
    /// What goes wrong with it.
    pub(super) cause: Option<&'r Cause>,
    /// When it was ordered.
    pub(super) start: Tick,
    /// When it is over; `None` of one that nobody hears of.
    pub(super) over: Option<Tick>,
    /// How long its workload stands still, where that is known and it gets so far.
    pub(super) blackout: Option<Seconds>,
}

impl<'r> Drawn<'r> {
    pub(super) fn new(
        orders: &'r Orders,
        known: &'r [Known<'r>],
        odds: &'r Odds<'r>,
        faults: &'r [Placed<'r>],
        mut random: Seeded,
    ) -> Self {
        let named = faults.iter().map(|fault| {
            let at = match fault.at {
                Place::One => {
                    let one = random.below(orders.targets.len());
                    Meets::Target(TargetNumber::try_from(one).unwrap_or(TargetNumber::MAX))
                }
                Place::Target(one) => Meets::Target(one),
                Place::Percent(part) => Meets::Percent(part),
            };
            (fault.cause, at)
        });
        let named = named.collect();
        Self {
            orders,
            known,
            odds,
            named,
            random,
            has_begun: false,
            to_come: BTreeMap::new(),
            number: 0,
            updates: Vec::with_capacity(orders.targets.len()),
            stopped: None,
        }
    }

    fn later(&mut self, at: Tick, event: Event) {
        self.to_come.insert((at, self.number), event);
        self.number += 1;
    }

    /// What somebody approves who is there and says yes to everything.
    fn approvals(&self, state: &State) -> Vec<Event> {
        // Who asked for it does not approve it.
        let by = self.orders.requester.wrapping_add(1);
        let mut events = Vec::new();
        if state.gate == Gate::Approval {
            events.push(Event::Approve { by, fingerprint: self.orders.fingerprint });
        }
        let asks = (0..).zip(&state.targets).filter(|(_, one)| one.asks.is_some());
        let targets: Vec<TargetNumber> = asks.map(|(at, _)| at).collect();
        if !targets.is_empty() {
            events.push(Event::ApproveTargets { by, targets });
        }
        events
    }

    /// What goes wrong with the next update of a target, if anything does, and after how long where the past says it.
    fn fault(
        &mut self,
        target: TargetNumber,
        attempt: u32,
    ) -> Option<(&'r Cause, Option<Seconds>)> {
        let random = &mut self.random;
        let met = self.named.iter().find(|(cause, at)| match *at {
            // What may pass by itself has passed the next time.
            Meets::Target(one) => {
                let passes = matches!(cause.end(), End::Failed { sense: Sense::Later });
                one == target && (attempt == 1 || !passes)
            }
            Meets::Percent(part) => random.below(100) < usize::from(part),
        });
        if let Some((cause, _)) = met {
            return Some((cause, self.odds.after(cause, random)));
        }
        let known = self.known.get(target as usize)?;
        let (cause, took) = self.odds.draw(known, &mut self.random)?;
        Some((cause, Some(took)))
    }

    /// An update is ordered: what comes of it, and when.
    fn begin(&mut self, target: TargetNumber, attempt: u32, now: Tick) {
        let fault = self.fault(target, attempt);
        let Some(known) = self.known.get(target as usize) else { return };
        let time = ticks(known.expected.time.draw(&mut self.random)).max(1);
        let blackout = known.expected.blackout.map(|of| of.draw(&mut self.random));
        let (cause, after) = match fault {
            None => (None, time),
            // Of what was never seen nobody knows when it comes: at worst at the end.
            Some((cause, after)) => (Some(cause), after.map_or(time, ticks).max(1)),
        };
        let taken = now.saturating_add(TAKEN);
        let end = cause.map_or(End::Updated, Cause::end);
        let over = match (cause, fault.and_then(|(_, after)| after)) {
            // Nobody hears of it until it is given up; that it never begins is known then.
            (Some(Cause::Unreachable), None) => {
                let limit = now.saturating_add(self.orders.deadlines.start.get());
                self.later(limit.saturating_add(1), Event::Released { target, attempt });
                None
            }
            (Some(Cause::Unreachable), Some(_)) => Some(now.saturating_add(after)),
            (Some(Cause::Failed { .. } | Cause::Stuck { .. }) | None, _) => {
                self.later(taken, Event::Taken { target, attempt });
                Some(taken.saturating_add(after))
            }
        };
        if let Some(over) = over {
            self.later(over, Event::Over { target, attempt, end });
            // Who is stuck keeps what it has until a person has looked.
            if !matches!(cause, Some(Cause::Stuck { .. })) {
                self.later(over.saturating_add(RELEASE), Event::Released { target, attempt });
            }
        }
        let blackout = blackout.filter(|_| cause.is_none());
        self.updates.push(Update { target, cause, start: now, over, blackout });
    }

    /// Whether the run stands still unless somebody does something, and why.
    fn stands(&self, state: &State) -> Option<Stop> {
        match (&state.phase, state.gate) {
            (Phase::Stopped { .. }, _) => rule(self.orders, state),
            (Phase::Running, Gate::Promotion) => {
                let healthy = self.orders.waves.get(state.wave).map_or(0, |wave| wave.healthy);
                Some(Stop::Promotion(state.wave, healthy))
            }
            _ => None,
        }
    }
}

impl World for Drawn<'_> {
    fn next(&mut self, state: &State, now: Tick) -> Option<Step> {
        if !std::mem::replace(&mut self.has_begun, true) {
            return Some(begin(self.orders));
        }
        if state.phase == Phase::Ended {
            return None;
        }
        let approvals = self.approvals(state);
        if !approvals.is_empty() {
            return Some(Step::looked(approvals, now));
        }
        let in_flight = |one: &Standing| match one.is {
            Is::Starting { .. }
            | Is::Running { .. }
            | Is::Recalled { .. }
            | Is::Releasing { .. } => true,
            Is::Waiting { .. } | Is::Ended { .. } => false,
        };
        if self.stopped.is_some() && !state.targets.iter().any(in_flight) {
            return None;
        }
        let next = self.to_come.keys().next().map(|(at, _)| *at);
        let at = state.wake(self.orders, now).into_iter().chain(next).min()?;
        let later = self.to_come.split_off(&(at.saturating_add(1), 0));
        let due = std::mem::replace(&mut self.to_come, later);
        Some(Step::looked(due.into_values().collect(), at))
    }

    fn decided(&mut self, step: &Step, state: &State, actions: &[Action]) {
        for action in actions {
            match *action {
                Action::Start { target, attempt } => self.begin(target, attempt, step.now),
                // Nobody aborts a rehearsal.
                Action::Cancel { .. } => {}
            }
        }
        if self.stopped.is_none() {
            self.stopped = self.stands(state).map(|why| (step.now, why));
        }
    }
}

/// Which number stopped a run: the whole's comes first, as the decision looks at them.
fn rule(orders: &Orders, state: &State) -> Option<Stop> {
    let reached = |stop: &StopNumbers, wave: Option<usize>| {
        let counts = state.counts(orders, wave);
        stop.rule(counts.failed, counts.unreachable, counts.skipped)
    };
    let whole = reached(&orders.stop, None).map(Stop::Whole);
    whole.or_else(|| {
        let stop = &orders.waves.get(state.wave)?.stop;
        Some(Stop::Wave(state.wave, reached(stop, Some(state.wave))?))
    })
}

fn ticks(of: Seconds) -> Tick {
    Tick::try_from(of.0).unwrap_or(Tick::MAX)
}
