//! What follows from an event.

use std::collections::BTreeSet;

use nim_shared::code::Retry as Sense;
use nim_shared::id::Digest;

use crate::site::Tick;

use super::pass::entrance;
use super::{
    Action, Counts, End, Event, Gate, Is, Orders, Phase, Refused, Running, Standing, State, Step,
    TargetNumber,
};

impl State {
    /// A run that nobody has started.
    #[must_use]
    pub fn planned(orders: &Orders) -> Self {
        let targets = orders.targets.iter().map(|target| Standing {
            is: Is::Waiting { from: 0 },
            attempt: 0,
            withdrawn: 0,
            held: target.held.clone(),
            asks: target.asks.clone(),
            drifted: None,
            doubts: BTreeSet::new(),
            trusted: BTreeSet::new(),
            since: (target.held.is_some() || target.asks.is_some()).then_some(0),
        });
        Self {
            phase: Phase::Planned,
            wave: 0,
            gate: Gate::Open,
            targets: targets.collect(),
            last_starts: vec![None; orders.site.gaps.len()],
            capacities: vec![None; orders.site.resources.len()],
            forgiven: vec![Counts::default(); orders.waves.len() + 1],
        }
    }

    /// The state after `event` at `now`, seconds since the begin of the plan, and what to do about it. Time that has passed is always
    /// looked at too. `Err` leaves everything as it was.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub fn after(
        mut self,
        orders: &Orders,
        event: Event,
        now: Tick,
    ) -> Result<(Self, Vec<Action>), Refused> {
        let mut actions = Vec::new();
        self.happened(orders, event, now, &mut actions)?;
        self.pass(orders, now, &mut actions);
        Ok((self, actions))
    }

    /// The state after `event` alone: what follows from it is for whoever looks next.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub fn noted(mut self, orders: &Orders, event: Event, now: Tick) -> Result<Self, Refused> {
        self.happened(orders, event, now, &mut Vec::new())?;
        Ok(self)
    }

    /// The state after all of `events`, which are known at the same time: nothing is started until the last of them has been looked at. What
    /// makes no sense is left out, such as what is told twice.
    #[must_use]
    pub fn after_all(self, orders: &Orders, events: Vec<Event>, now: Tick) -> (Self, Vec<Action>) {
        let (state, actions, _) = self.stepped(orders, Step::looked(events, now));
        (state, actions)
    }

    /// What an event changes by itself.
    pub(super) fn happened(
        &mut self,
        orders: &Orders,
        event: Event,
        now: Tick,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refused> {
        match event {
            Event::Tick => {}
            Event::Start { by: _, fingerprint } => self.start(orders, fingerprint)?,
            Event::Approve { by, fingerprint } => {
                if by == orders.requester {
                    return Err(Refused::SamePerson);
                }
                same_plan(orders, fingerprint)?;
                match self.gate {
                    Gate::Approval if self.is_under_way() => self.gate = Gate::Open,
                    Gate::Approval | Gate::Open | Gate::Soaking { .. } | Gate::Promotion => {
                        return Err(Refused::NotNow("waits for no approval of a wave"));
                    }
                }
            }
            Event::ApproveTargets { by, targets } => {
                if by == orders.requester {
                    return Err(Refused::SamePerson);
                }
                targets.iter().try_for_each(|at| self.standing(*at).map(|_| ()))?;
                for at in targets {
                    self.targets[at as usize].asks = None;
                    self.targets[at as usize].kept_since(now);
                }
            }
            Event::Promote => match self.gate {
                Gate::Soaking { .. } | Gate::Promotion if self.is_under_way() => {
                    self.next_wave(orders);
                }
                Gate::Open if self.is_under_way() && self.is_kept_by_others(orders) => {
                    self.next_wave(orders);
                }
                Gate::Soaking { .. } | Gate::Promotion | Gate::Approval | Gate::Open => {
                    return Err(Refused::NotNow("has no wave that waits to be promoted"));
                }
            },
            Event::Trust { targets } => self.trust(orders, &targets)?,
            Event::Pause => match self.phase {
                Phase::Running => self.phase = Phase::Paused,
                Phase::Planned
                | Phase::Paused
                | Phase::Stopped { .. }
                | Phase::Aborting
                | Phase::Ended => return Err(Refused::NotNow("does not start anything")),
            },
            Event::Resume => match self.phase {
                Phase::Paused | Phase::Stopped { .. } => {
                    self.forgive(orders);
                    self.phase = Phase::Running;
                }
                Phase::Planned | Phase::Running | Phase::Aborting | Phase::Ended => {
                    return Err(Refused::NotNow("is neither paused nor stopped"));
                }
            },
            Event::Abort { running } => self.abort(running, actions)?,
            Event::Retry { targets } => self.retry(orders, &targets, now)?,
            Event::Taken { target, attempt } => {
                let one = self.of_attempt(target, attempt)?;
                match one.is {
                    Is::Starting { .. } => one.is = Is::Running { since: now },
                    // Told twice, or after its end.
                    Is::Running { .. }
                    | Is::Recalled { .. }
                    | Is::Releasing { .. }
                    | Is::Ended { .. } => {}
                    Is::Waiting { .. } => return Err(Refused::NotOfTarget(target)),
                }
            }
            Event::WaitsForCapacity { target, attempt, since } => {
                let one = self.of_attempt(target, attempt)?;
                if let Is::Running { since: taken } = one.is
                    && orders.is_too_late(target, taken, now.saturating_sub(since))
                {
                    one.is = Is::Recalled { since: taken };
                    actions.push(Action::Cancel { target, attempt });
                }
            }
            Event::Over { target, attempt, end } => {
                let one = self.of_attempt(target, attempt)?;
                match &one.is {
                    Is::Starting { .. } | Is::Running { .. } | Is::Recalled { .. } => {
                        one.is = Is::Releasing { since: now, end };
                    }
                    // What is learned late is what was.
                    Is::Ended { end: End::Stuck | End::Unreachable, keeps_capacity: true } => {
                        one.is = Is::Ended { end, keeps_capacity: true };
                    }
                    Is::Releasing { end: End::Stuck | End::Unreachable, since } => {
                        one.is = Is::Releasing { since: *since, end };
                    }
                    Is::Releasing { .. } | Is::Ended { .. } => {}
                    Is::Waiting { .. } => return Err(Refused::NotOfTarget(target)),
                }
            }
            Event::NotBegun { target, attempt } => {
                let is_over = matches!(self.phase, Phase::Aborting | Phase::Ended);
                let one = self.of_attempt(target, attempt)?;
                match one.is {
                    Is::Starting { .. } | Is::Recalled { .. } if is_over => {
                        let end = End::NotStarted { why: ABORTED.to_owned() };
                        one.is = Is::Ended { end, keeps_capacity: false };
                        one.withdrawn += 1;
                    }
                    Is::Starting { .. } | Is::Recalled { .. } => {
                        one.is = Is::Waiting { from: now };
                        one.withdrawn += 1;
                    }
                    // Told twice.
                    Is::Waiting { .. } => {}
                    Is::Running { .. } | Is::Releasing { .. } | Is::Ended { .. } => {
                        return Err(Refused::NotOfTarget(target));
                    }
                }
            }
            Event::Released { target, attempt } => {
                let one = self.of_attempt(target, attempt)?;
                match &one.is {
                    Is::Releasing { end, .. } => {
                        let end = end.clone();
                        self.finish(orders, target, end, now);
                    }
                    Is::Ended { end, keeps_capacity: true } => {
                        one.is = Is::Ended { end: end.clone(), keeps_capacity: false };
                    }
                    Is::Ended { .. } => {}
                    // An HMC that shows nothing of an update that runs shows it too early, or too late.
                    Is::Waiting { .. }
                    | Is::Starting { .. }
                    | Is::Running { .. }
                    | Is::Recalled { .. } => {
                        return Err(Refused::NotOfTarget(target));
                    }
                }
            }
            Event::DoneAgain { target, attempt, end } => {
                self.done_again(orders, target, attempt, end)?;
            }
            Event::Doubted { target, attempt, doubts } => {
                self.doubted(orders, target, attempt, doubts)?;
            }
            Event::Looked { target, held } => {
                self.standing(target)?;
                self.targets[target as usize].held = held;
                self.targets[target as usize].kept_since(now);
            }
            Event::Drifted { target, why, to } => {
                let is_waiting = matches!(self.standing(target)?.is, Is::Waiting { .. });
                let one = &mut self.targets[target as usize];
                if is_waiting && one.drifted != Some(to) {
                    one.drifted = Some(to);
                    // What else is asked about it stays to be approved with it.
                    one.asks = Some(match one.asks.take() {
                        Some(asks) if !asks.ends_with(&why) => format!("{asks}; {why}"),
                        Some(_) | None => why,
                    });
                    one.kept_since(now);
                }
            }
            Event::DroppedOut { target, why } => {
                if let Is::Waiting { .. } = self.standing(target)?.is {
                    let end = End::Skipped { why };
                    self.targets[target as usize].is = Is::Ended { end, keeps_capacity: false };
                }
            }
            Event::Capacity { resource, capacity } => {
                let known = self.capacities.get_mut(resource as usize);
                *known.ok_or(Refused::NotNow("has no such resource"))? = Some(capacity);
            }
        }
        Ok(())
    }

    /// Orders whose outcome is not known: whoever takes over gives them again.
    #[must_use]
    pub fn open_actions(&self) -> Vec<Action> {
        let open = (0..).zip(&self.targets).filter_map(|(target, one)| match one.is {
            Is::Starting { .. } => Some(Action::Start { target, attempt: one.attempt }),
            Is::Recalled { .. } => Some(Action::Cancel { target, attempt: one.attempt }),
            Is::Waiting { .. } | Is::Running { .. } | Is::Releasing { .. } | Is::Ended { .. } => {
                None
            }
        });
        open.collect()
    }

    /// What has gone wrong so far, in one wave or in all. What is tried again by itself has not, before the last try.
    #[must_use]
    pub fn counts(&self, orders: &Orders, wave: Option<usize>) -> Counts {
        let mut counts = Counts::default();
        for (number, (one, target)) in (0..).zip(self.targets.iter().zip(&orders.targets)) {
            if wave.is_some_and(|wave| wave != target.wave) {
                continue;
            }
            let end = match &one.is {
                Is::Ended { end, .. } => end,
                Is::Releasing { end, .. } if self.again(orders, number, end).is_none() => end,
                Is::Releasing { .. }
                | Is::Waiting { .. }
                | Is::Starting { .. }
                | Is::Running { .. }
                | Is::Recalled { .. } => continue,
            };
            match end {
                End::Failed { .. } | End::Stuck => counts.failed += 1,
                End::Unreachable => counts.unreachable += 1,
                End::Skipped { .. } => counts.skipped += 1,
                End::Updated | End::Unchanged | End::Cancelled | End::NotStarted { .. } => {}
            }
        }
        counts
    }

    pub(super) const fn is_under_way(&self) -> bool {
        match self.phase {
            Phase::Running | Phase::Paused | Phase::Stopped { .. } => true,
            Phase::Planned | Phase::Aborting | Phase::Ended => false,
        }
    }

    pub(super) fn standing(&self, target: TargetNumber) -> Result<&Standing, Refused> {
        self.targets.get(target as usize).ok_or(Refused::NoTarget(target))
    }

    pub(super) fn of_attempt(
        &mut self,
        target: TargetNumber,
        attempt: u32,
    ) -> Result<&mut Standing, Refused> {
        let one = self.targets.get_mut(target as usize).ok_or(Refused::NoTarget(target))?;
        // What is told of an attempt before, or of none, changes nothing.
        if one.attempt == attempt { Ok(one) } else { Err(Refused::NotOfTarget(target)) }
    }

    fn start(&mut self, orders: &Orders, fingerprint: Digest) -> Result<(), Refused> {
        same_plan(orders, fingerprint)?;
        if self.phase != Phase::Planned {
            return Err(Refused::NotNow("was started before"));
        }
        self.phase = Phase::Running;
        self.gate = entrance(orders, 0);
        Ok(())
    }

    fn abort(&mut self, running: Running, actions: &mut Vec<Action>) -> Result<(), Refused> {
        if matches!(self.phase, Phase::Ended) {
            return Err(Refused::NotNow("has ended"));
        }
        self.phase = Phase::Aborting;
        self.give_up(ABORTED);
        if running == Running::Cancel {
            actions.extend((0..).zip(&self.targets).filter_map(|(target, one)| match one.is {
                Is::Starting { .. } | Is::Running { .. } | Is::Recalled { .. } => {
                    Some(Action::Cancel { target, attempt: one.attempt })
                }
                Is::Waiting { .. } | Is::Releasing { .. } | Is::Ended { .. } => None,
            }));
        }
        Ok(())
    }

    /// Nothing that waits is started any more.
    pub(super) fn give_up(&mut self, why: &str) {
        for one in &mut self.targets {
            if let Is::Waiting { .. } = one.is {
                let end = End::NotStarted { why: why.to_owned() };
                one.is = Is::Ended { end, keeps_capacity: false };
            }
        }
    }

    fn retry(
        &mut self,
        orders: &Orders,
        targets: &[TargetNumber],
        now: Tick,
    ) -> Result<(), Refused> {
        if !self.is_under_way() && self.phase != Phase::Ended {
            return Err(Refused::NotNow("is not under way"));
        }
        if now >= orders.deadlines.whole.get() {
            return Err(Refused::NotNow("is past its deadline"));
        }
        for &target in targets {
            if let Some(why) = self.standing(target)?.no_retry() {
                return Err(Refused::NoRetry { target, why });
            }
        }
        for &target in targets {
            self.targets[target as usize].is = Is::Waiting { from: now };
        }
        let in_wave = |target: &TargetNumber| orders.targets[*target as usize].wave == self.wave;
        match self.gate {
            // The wave is not over any more: how healthy it is shows when they are.
            Gate::Soaking { .. } | Gate::Promotion if targets.iter().any(in_wave) => {
                self.gate = Gate::Open;
            }
            Gate::Soaking { .. } | Gate::Promotion | Gate::Open | Gate::Approval => {}
        }
        if self.phase == Phase::Ended && !targets.is_empty() {
            self.forgive(orders);
            self.phase = Phase::Running;
        }
        Ok(())
    }

    /// A target that went wrong was updated by somebody else: it is not tried again, and what stops the run counts it no more.
    fn done_again(
        &mut self,
        orders: &Orders,
        target: TargetNumber,
        attempt: u32,
        end: End,
    ) -> Result<(), Refused> {
        let one = self.of_attempt(target, attempt)?;
        let keeps_capacity = match &one.is {
            // It was to be tried again.
            Is::Waiting { .. } if attempt > 0 => false,
            Is::Ended { end: End::Updated | End::Unchanged, .. } => return Ok(()),
            Is::Ended { keeps_capacity, .. } => *keeps_capacity,
            // What the run has started itself is waited for.
            Is::Waiting { .. }
            | Is::Starting { .. }
            | Is::Running { .. }
            | Is::Recalled { .. }
            | Is::Releasing { .. } => {
                return Err(Refused::NotOfTarget(target));
            }
        };
        one.is = Is::Ended { end, keeps_capacity };
        // What is in doubt of it now is looked at anew.
        one.doubts.clear();
        one.trusted.clear();
        let wave = orders.targets[target as usize].wave;
        // Else as many more could go wrong as were forgiven.
        self.forgiven[wave] = self.forgiven[wave].at_most(self.counts(orders, Some(wave)));
        let whole = orders.waves.len();
        self.forgiven[whole] = self.forgiven[whole].at_most(self.counts(orders, None));
        self.judge_again(orders, target);
        Ok(())
    }

    /// How healthy the wave is now is looked at again, where it waits for that and `target` is of it.
    pub(super) fn judge_again(&mut self, orders: &Orders, target: TargetNumber) {
        if self.gate == Gate::Promotion && orders.targets[target as usize].wave == self.wave {
            self.gate = Gate::Open;
        }
    }

    /// What has gone wrong until now does not stop the run again.
    fn forgive(&mut self, orders: &Orders) {
        for wave in 0..orders.waves.len() {
            self.forgiven[wave] = self.counts(orders, Some(wave));
        }
        self.forgiven[orders.waves.len()] = self.counts(orders, None);
    }
}

impl Counts {
    /// The lower number of each.
    fn at_most(self, most: Self) -> Self {
        Self {
            failed: self.failed.min(most.failed),
            unreachable: self.unreachable.min(most.unreachable),
            skipped: self.skipped.min(most.skipped),
        }
    }
}

impl Standing {
    /// How often it was tried: what was withdrawn before anything was begun is none.
    #[must_use]
    pub const fn tries(&self) -> u32 {
        self.attempt.saturating_sub(self.withdrawn)
    }

    /// Something of what keeps it has changed: it is kept since then, or since before, or not at all.
    fn kept_since(&mut self, now: Tick) {
        let is_kept = self.held.is_some() || self.asks.is_some();
        self.since = if is_kept { self.since.or(Some(now)) } else { None };
    }

    /// Why it cannot be tried again; `None` where it can.
    #[must_use]
    pub const fn no_retry(&self) -> Option<&'static str> {
        match &self.is {
            Is::Waiting { .. }
            | Is::Starting { .. }
            | Is::Running { .. }
            | Is::Recalled { .. }
            | Is::Releasing { .. } => Some("it has not ended"),
            Is::Ended { keeps_capacity: true, .. } => {
                Some("its memory is not back; somebody has to look at it first")
            }
            Is::Ended { end, .. } => match end {
                End::Updated | End::Unchanged => Some("it is done"),
                End::Stuck => Some("somebody has to look at it first"),
                End::Failed { sense: Sense::Never } => Some("the update is in effect"),
                End::Failed { .. }
                | End::Unreachable
                | End::Cancelled
                | End::Skipped { .. }
                | End::NotStarted { .. } => None,
            },
        }
    }
}

/// Why nothing that waits is started after an abort.
const ABORTED: &str = "the rollout was aborted";

fn same_plan(orders: &Orders, seen: Digest) -> Result<(), Refused> {
    if seen == orders.fingerprint { Ok(()) } else { Err(Refused::OtherPlan(orders.fingerprint)) }
}
