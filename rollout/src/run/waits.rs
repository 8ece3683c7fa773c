//! What a target waits for: every condition that has to change before it starts. It says of each what [`State::fill`] asks for.

use super::{End, Gate, Is, Orders, Phase, State, Target, TargetNumber};
use crate::site::{Tick, What};

/// What a target waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Somebody has to let the run go on: it is paused, stopped, or was not started.
    Resume,
    /// Waves before its own run.
    Waves {
        /// How many of their LPARs are not over.
        open: usize,
    },
    /// A wave has to be approved.
    Approval {
        /// Which.
        wave: usize,
    },
    /// Too few of a wave are updated and healthy: somebody has to promote the next.
    Promotion {
        /// Which.
        wave: usize,
    },
    /// A wave is watched.
    Soak {
        /// Which.
        wave: usize,
        /// Until then.
        until: Tick,
    },
    /// It is tried again later.
    Again {
        /// Not before.
        until: Tick,
    },
    /// Something around it holds it back.
    Held {
        /// What.
        why: String,
    },
    /// Somebody has to approve it alone.
    Asks {
        /// Why.
        why: String,
    },
    /// A window that is long enough.
    Window {
        /// When the next one begins; `None` where the calendar has none any more.
        until: Option<Tick>,
    },
    /// The distance to the start before it.
    Distance {
        /// When it is kept.
        until: Tick,
    },
    /// A partner that was started is yet to be verified.
    Partner,
    /// Partners are done and not known to be healthy.
    Doubt {
        /// Who.
        of: Vec<TargetNumber>,
    },
    /// Others have what it needs.
    Room {
        /// Of what.
        what: What,
        /// Who.
        with: Vec<TargetNumber>,
    },
}

impl State {
    /// What `target` waits for at `now`, all of it; nothing where it does not wait, or where it starts with the next look.
    #[must_use]
    pub fn waits(&self, orders: &Orders, target: TargetNumber, now: Tick) -> Vec<Wait> {
        let at = target as usize;
        let (Some(one), Some(target)) = (self.targets.get(at), orders.targets.get(at)) else {
            return Vec::new();
        };
        let Is::Waiting { from } = one.is else { return Vec::new() };
        let mut waits = Vec::new();
        match self.phase {
            Phase::Planned | Phase::Paused | Phase::Stopped { .. } => waits.push(Wait::Resume),
            Phase::Running | Phase::Aborting | Phase::Ended => {}
        }
        waits.extend(self.gate_before(orders, target));
        if from > now {
            waits.push(Wait::Again { until: from });
        }
        waits.extend(one.held.clone().map(|why| Wait::Held { why }));
        waits.extend(one.asks.clone().map(|why| Wait::Asks { why }));
        let calendar = &orders.site.calendars[target.job.calendar as usize];
        match calendar.next_start(now, target.job.long) {
            Some(open) if open == now => {}
            until => waits.push(Wait::Window { until }),
        }
        if let Some(until) = self.distance(orders, target).filter(|free| *free > now) {
            waits.push(Wait::Distance { until });
        }
        let unverified = self.unverified(orders);
        if one.tries() == 0 && orders.partners(target).any(|group| unverified[group] > 0) {
            waits.push(Wait::Partner);
        }
        let doubted = self.doubted_partners(orders);
        let mut of: Vec<TargetNumber> =
            orders.partners(target).flat_map(|group| doubted[group].clone()).collect();
        of.sort_unstable();
        of.dedup();
        if !of.is_empty() {
            waits.push(Wait::Doubt { of });
        }
        let used = self.used(orders);
        for need in &target.job.uses {
            let resource = need.resource;
            if self.has_room(orders, *need, &used) {
                continue;
            }
            let has = |other: &Target| other.job.uses.iter().any(|one| one.resource == resource);
            let what = orders.site.resources[resource as usize].what;
            let with = (0..).zip(self.targets.iter().zip(&orders.targets));
            let with = with.filter(|(_, (one, other))| {
                has(other) && one.holds(orders.failed_keep_place).counts(what)
            });
            waits.push(Wait::Room { what, with: with.map(|(number, _)| number).collect() });
        }
        waits
    }

    /// What of waves a target waits for.
    fn gate_before(&self, orders: &Orders, target: &Target) -> Option<Wait> {
        let wave = self.wave;
        if target.wave < wave {
            return None;
        }
        match self.gate {
            Gate::Open if target.wave == wave => None,
            Gate::Open => {
                let is_open = |(one, before): &(&super::Standing, &Target)| {
                    before.wave < target.wave && !matches!(one.is, Is::Ended { .. })
                };
                let open = self.targets.iter().zip(&orders.targets).filter(is_open).count();
                Some(Wait::Waves { open })
            }
            Gate::Approval => Some(Wait::Approval { wave }),
            Gate::Promotion => Some(Wait::Promotion { wave }),
            Gate::Soaking { until } => Some(Wait::Soak { wave, until }),
        }
    }

    /// When a target is counted as stuck or unreachable, or its memory as lost, if nothing is heard until then.
    #[must_use]
    pub fn given_up_at(&self, orders: &Orders, target: TargetNumber) -> Option<Tick> {
        let limits = &orders.deadlines;
        let (since, limit) = match self.targets.get(target as usize)?.is {
            Is::Waiting { .. } => (0, limits.whole),
            Is::Starting { since } => (since, limits.start),
            Is::Running { since } | Is::Recalled { since } => (since, limits.update),
            Is::Releasing { since, .. } => (since, limits.release),
            Is::Ended { .. } => return None,
        };
        Some(since.saturating_add(limit.get()))
    }
}

impl Is {
    /// How it ended, or is about to.
    #[must_use]
    pub const fn end(&self) -> Option<&End> {
        match self {
            Self::Releasing { end, .. } | Self::Ended { end, .. } => Some(end),
            Self::Waiting { .. }
            | Self::Starting { .. }
            | Self::Running { .. }
            | Self::Recalled { .. } => None,
        }
    }
}
