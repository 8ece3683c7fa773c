//! What follows from the time, and from how targets stand: ends of what takes too long, stops, gates of waves.

use nim_shared::code::Retry as Sense;

use crate::file::{Again, Approval, KeepPlace, Span};
use crate::plan::StopNumbers;
use crate::site::Tick;

use super::{Action, Counts, End, Gate, Is, Orders, Phase, Standing, State, Target, TargetNumber};

impl State {
    /// What follows from the time, until nothing follows any more.
    pub(super) fn pass(&mut self, orders: &Orders, now: Tick, actions: &mut Vec<Action>) {
        self.overdue(orders, now);
        self.partners(orders);
        if now >= orders.deadlines.whole.get() && self.phase != Phase::Ended {
            self.give_up("the rollout's deadline passed");
        }
        self.stop_if_too_much(orders);
        if self.is_under_way() {
            self.gates(orders, now);
        }
        if self.phase == Phase::Running && now < orders.deadlines.whole.get() {
            self.fill(orders, now, actions);
        }
        let over = |one: &Standing| matches!(one.is, Is::Ended { .. });
        if self.phase != Phase::Planned && self.targets.iter().all(over) {
            self.phase = Phase::Ended;
        }
    }

    /// Puts an end to what has taken too long.
    fn overdue(&mut self, orders: &Orders, now: Tick) {
        let late = |since: Tick, limit: Span| now.saturating_sub(since) >= limit.get();
        let limits = &orders.deadlines;
        for one in &mut self.targets {
            // One may follow from the other.
            if let Is::Starting { since } = one.is
                && late(since, limits.start)
            {
                // Whether it will still begin is not known: what it may take stays taken until the HMC shows it free.
                one.is = Is::Ended { end: End::Unreachable, keeps_capacity: true };
            }
            if let Is::Running { since } | Is::Recalled { since } = one.is
                && late(since, limits.update)
            {
                one.is = Is::Ended { end: End::Stuck, keeps_capacity: true };
            }
            if let Is::Releasing { since, end } = &one.is
                && late(*since, limits.release)
            {
                one.is = Is::Ended { end: end.clone(), keeps_capacity: true };
            }
        }
    }

    /// A target is over and its memory back: it ends, or is tried again.
    pub(super) fn finish(&mut self, orders: &Orders, target: TargetNumber, end: End, now: Tick) {
        let again = self.again(orders, target, &end);
        self.targets[target as usize].is = match again {
            Some(again) => Is::Waiting { from: now.saturating_add(again.after.get()) },
            None => Is::Ended { end, keeps_capacity: false },
        };
    }

    /// Whether a target that ends so is tried again by itself.
    pub(super) fn again(&self, orders: &Orders, target: TargetNumber, end: &End) -> Option<Again> {
        let again: Option<Again> = match end {
            End::Failed { sense: Sense::Later } => orders.retry.later,
            End::Unreachable => orders.retry.unreachable,
            End::Failed { .. }
            | End::Updated
            | End::Unchanged
            | End::Stuck
            | End::Cancelled
            | End::Skipped { .. }
            | End::NotStarted { .. } => None,
        };
        let goes_on = !matches!(self.phase, Phase::Aborting | Phase::Ended);
        let tries = self.targets[target as usize].tries();
        again.filter(|again| goes_on && tries <= again.times)
    }

    /// Whoever has a partner that is not healthy is not started.
    fn partners(&mut self, orders: &Orders) {
        if self.phase == Phase::Planned {
            return;
        }
        let mut sick = vec![false; orders.site.resources.len()];
        for (one, target) in self.targets.iter().zip(&orders.targets) {
            if let Is::Ended { end, .. } = &one.is
                && !end.is_healthy()
            {
                orders.partners(target).for_each(|at| sick[at] = true);
            }
        }
        for (one, target) in self.targets.iter_mut().zip(&orders.targets) {
            if let Is::Waiting { .. } = one.is
                && orders.partners(target).any(|at| sick[at])
            {
                let why = "a partner is not known to be healthy".to_owned();
                one.is = Is::Ended { end: End::Skipped { why }, keeps_capacity: false };
            }
        }
    }

    fn stop_if_too_much(&mut self, orders: &Orders) {
        if !matches!(self.phase, Phase::Running | Phase::Paused) {
            return;
        }
        let reached = |stop: StopNumbers, counts: Counts, forgiven: Counts| {
            // What was forgiven counts no more; the numbers stay.
            let more = |now: usize, before: usize| now.saturating_sub(before);
            stop.reached(
                more(counts.failed, forgiven.failed),
                more(counts.unreachable, forgiven.unreachable),
                more(counts.skipped, forgiven.skipped),
            )
        };
        let whole =
            reached(orders.stop, self.counts(orders, None), self.forgiven[orders.waves.len()]);
        // Of a wave before this one some may still come.
        let mut waves = orders.waves.iter().enumerate().take(self.wave + 1);
        let wave = waves.find_map(|(number, wave)| {
            reached(wave.stop, self.counts(orders, Some(number)), self.forgiven[number])
        });
        if let Some(why) = whole.or(wave) {
            self.phase = Phase::Stopped { why };
        }
    }

    /// Goes from wave to wave as far as it may.
    fn gates(&mut self, orders: &Orders, now: Tick) {
        loop {
            match self.gate {
                Gate::Open if self.wave_is_over(orders) && self.wave + 1 < orders.waves.len() => {
                    let members = orders.targets.iter().any(|one| one.wave == self.wave);
                    let wave = &orders.waves[self.wave];
                    if !members {
                        self.next_wave(orders);
                    } else if self.healthy(orders) < wave.healthy {
                        self.gate = Gate::Promotion;
                    } else {
                        self.gate = Gate::Soaking { until: now.saturating_add(wave.soak) };
                    }
                }
                // That is what it was watched for.
                Gate::Soaking { until }
                    if until <= now && self.healthy(orders) < orders.waves[self.wave].healthy =>
                {
                    self.gate = Gate::Promotion;
                }
                Gate::Soaking { until } if until <= now => self.next_wave(orders),
                Gate::Open | Gate::Approval | Gate::Soaking { .. } | Gate::Promotion => return,
            }
        }
    }

    pub(super) fn next_wave(&mut self, orders: &Orders) {
        self.wave += 1;
        self.gate = entrance(orders, self.wave);
    }

    fn wave_is_over(&self, orders: &Orders) -> bool {
        let over = |(one, target): (&Standing, &Target)| {
            target.wave != self.wave || matches!(one.is, Is::Ended { .. })
        };
        self.targets.iter().zip(&orders.targets).all(over)
    }

    /// Whether all that is left of the wave is held back, or waits for somebody to approve it, and another wave waits for that.
    #[must_use]
    pub fn is_kept_by_others(&self, orders: &Orders) -> bool {
        let of_wave = self.targets.iter().zip(&orders.targets);
        let mut left = of_wave
            .filter(|(one, target)| target.wave == self.wave && !matches!(one.is, Is::Ended { .. }))
            .map(|(one, _)| {
                matches!(one.is, Is::Waiting { .. }) && (one.held.is_some() || one.asks.is_some())
            })
            .peekable();
        self.wave + 1 < orders.waves.len() && left.peek().is_some() && left.all(|is_kept| is_kept)
    }

    /// How many of the wave are done and known to be healthy.
    fn healthy(&self, orders: &Orders) -> usize {
        let done = |(one, target): &(&Standing, &Target)| {
            let good = matches!(one.is, Is::Ended { end: End::Updated | End::Unchanged, .. });
            target.wave == self.wave && good && !one.is_doubted()
        };
        self.targets.iter().zip(&orders.targets).filter(done).count()
    }
}

impl Standing {
    /// What of its resources a target holds: all, those that are counted only, or none.
    pub(super) fn holds(&self, keep: KeepPlace) -> Holds {
        match &self.is {
            Is::Waiting { .. } => Holds::Nothing,
            Is::Starting { .. }
            | Is::Running { .. }
            | Is::Recalled { .. }
            | Is::Releasing { .. } => Holds::All,
            Is::Ended { keeps_capacity: true, .. } => Holds::All,
            Is::Ended { end: End::Failed { .. } | End::Stuck, .. } if keep == KeepPlace::Yes => {
                Holds::Places
            }
            Is::Ended { .. } => Holds::Nothing,
        }
    }
}

/// What a target holds of what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Everything.
    All,
    /// Its places among those in flight.
    Places,
    /// Nothing.
    Nothing,
}

/// Whether a wave needs an approval: one in which nobody is needs none.
pub(super) fn entrance(orders: &Orders, wave: usize) -> Gate {
    let members = orders.targets.iter().any(|target| target.wave == wave);
    match orders.waves.get(wave).map(|wave| wave.approval) {
        Some(Approval::Yes) if members => Gate::Approval,
        Some(Approval::Yes | Approval::No) | None => Gate::Open,
    }
}
