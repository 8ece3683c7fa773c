//! How many logins are under way at one place, and what happens when that place says "too many".
//!
//! A freshly installed sshd drops connections at random once ten logins are under way
//! (`MaxStartups 10:30:100`), and it drops them without a word: the client sees a reset or an end
//! of file before the login. Bastions, address translation and test rigs put hundreds of hosts
//! behind one such sshd. So logins under way are limited per first hop, connects are paced, and a
//! connection that is closed before the login means: fewer at a time, and again after a pause.
//!
//! [`Allowance`] and [`pause`] decide; [`Gate`] and [`Gates`] act.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use governor::{DefaultDirectRateLimiter, Jitter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many logins may be under way at one hop right now: halved by a reset, grown by one after
/// as many successes as it allows, as TCP does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Allowance {
    ceiling: usize,
    now: usize,
    /// Successes since the last change.
    streak: usize,
    /// Raised by each halving. Resets of attempts that began before the last one say nothing new.
    epoch: u64,
}

impl Allowance {
    fn new(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1);
        Self { ceiling, now: ceiling, streak: 0, epoch: 0 }
    }

    /// After an attempt that began in `epoch` was closed before the login.
    fn after_reset(self, epoch: u64) -> Self {
        if epoch < self.epoch {
            return self;
        }
        Self { now: (self.now / 2).max(1), streak: 0, epoch: self.epoch + 1, ..self }
    }

    /// After a login that went through.
    fn after_success(self) -> Self {
        let streak = self.streak + 1;
        if streak < self.now {
            Self { streak, ..self }
        } else {
            Self { now: (self.now + 1).min(self.ceiling), streak: 0, ..self }
        }
    }
}

/// How long to wait after the `tries`-th reset in a row (counted from 1): doubled each time up to
/// `longest`, and spread over the upper half of that by `chance` in `0.0..1.0`, so that those who
/// were turned away together do not come back together.
pub(super) fn pause(first: Duration, longest: Duration, tries: u32, chance: f64) -> Duration {
    let doubled = first.saturating_mul(1 << tries.saturating_sub(1).min(20)).min(longest);
    doubled.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// The entrance to one hop.
pub(super) struct Gate {
    places: Arc<Semaphore>,
    state: Mutex<State>,
    rate: DefaultDirectRateLimiter,
}

#[derive(Debug)]
struct State {
    allowance: Allowance,
    /// Places that exist but are no longer allowed; they vanish when they are given back.
    debt: usize,
    last_used: Instant,
}

impl Gate {
    fn new(ceiling: usize, per_second: NonZeroU32) -> Self {
        let allowance = Allowance::new(ceiling);
        Self {
            places: Arc::new(Semaphore::new(allowance.now)),
            state: Mutex::new(State { allowance, debt: 0, last_used: Instant::now() }),
            rate: RateLimiter::direct(Quota::per_second(per_second)),
        }
    }

    /// Waits for a place, then for its turn in the rate.
    pub(super) async fn enter(self: &Arc<Self>) -> Pass {
        let place = Arc::clone(&self.places).acquire_owned().await.expect("never closed");
        let epoch = self.lock().allowance.epoch;
        let pass = Pass { gate: Arc::clone(self), place: Some(place), epoch };
        self.rate.until_ready_with_jitter(Jitter::up_to(JITTER)).await;
        pass
    }

    fn change(&self, next: impl FnOnce(Allowance) -> Allowance) {
        let mut state = self.lock();
        let before = state.allowance.now;
        state.allowance = next(state.allowance);
        let after = state.allowance.now;
        if after > before {
            let grown = after - before;
            let forgiven = grown.min(state.debt);
            state.debt -= forgiven;
            self.places.add_permits(grown - forgiven);
        } else {
            let shrunk = before - after;
            state.debt += shrunk - self.places.forget_permits(shrunk);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

/// A place in a [`Gate`]. Given back when dropped; say first what came of it.
pub(super) struct Pass {
    gate: Arc<Gate>,
    place: Option<OwnedSemaphorePermit>,
    epoch: u64,
}

impl Pass {
    /// The login went through.
    pub(super) fn success(self) {
        self.gate.change(Allowance::after_success);
    }

    /// The connection was closed before the login.
    pub(super) fn reset(self) {
        let epoch = self.epoch;
        self.gate.change(|allowance| allowance.after_reset(epoch));
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.last_used = Instant::now();
        if let Some(place) = self.place.take()
            && state.debt > 0
        {
            state.debt -= 1;
            place.forget();
        }
    }
}

/// One [`Gate`] per hop. Gates that were not used for a while are forgotten, so that a master that
/// has talked to 100,000 hosts does not keep 100,000 of them.
pub(super) struct Gates<K> {
    ceiling: usize,
    per_second: NonZeroU32,
    gates: Mutex<(HashMap<K, Arc<Gate>>, usize)>,
}

impl<K: Hash + Eq> Gates<K> {
    pub(super) fn new(ceiling: usize, per_second: NonZeroU32) -> Self {
        Self { ceiling, per_second, gates: Mutex::new((HashMap::new(), FIRST_SWEEP)) }
    }

    pub(super) fn at(&self, key: K) -> Arc<Gate> {
        let mut guard = self.gates.lock().expect("nothing panics while it holds this lock");
        let (gates, sweep_at) = &mut *guard;
        if gates.len() >= *sweep_at {
            gates.retain(|_, gate| {
                Arc::strong_count(gate) > 1 || gate.lock().last_used.elapsed() < KEPT
            });
            *sweep_at = (gates.len() * 2).max(FIRST_SWEEP);
        }
        let gate =
            gates.entry(key).or_insert_with(|| Arc::new(Gate::new(self.ceiling, self.per_second)));
        Arc::clone(gate)
    }
}

/// Spread of those who wait for the rate.
const JITTER: Duration = Duration::from_millis(20);
/// How long an unused gate remembers that its hop was overloaded.
const KEPT: Duration = Duration::from_secs(60);
const FIRST_SWEEP: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_halve_and_successes_grow_back() {
        let mut allowance = Allowance::new(8);
        allowance = allowance.after_reset(0);
        assert_eq!((allowance.now, allowance.epoch), (4, 1));
        // The other attempts of the same burst report the same thing once more.
        assert_eq!(allowance.after_reset(0), allowance);
        allowance = allowance.after_reset(1).after_reset(2).after_reset(3);
        assert_eq!(allowance.now, 1, "one is always allowed");
        allowance = allowance.after_success();
        assert_eq!(allowance.now, 2);
        allowance = allowance.after_success();
        assert_eq!(allowance.now, 2);
        for _ in 0..100 {
            allowance = allowance.after_success();
        }
        assert_eq!(allowance.now, 8, "not above the ceiling");
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_are_spread() {
        let (first, longest) = (Duration::from_millis(200), Duration::from_secs(5));
        for (tries, chance, expected) in [
            (1, 0.0, 100),
            (1, 1.0, 200),
            (2, 1.0, 400),
            (3, 0.5, 600),
            (6, 1.0, 5000),
            (4_000_000_000, 1.0, 5000),
        ] {
            let expected = Duration::from_millis(expected);
            assert_eq!(pause(first, longest, tries, chance), expected, "{tries} {chance}");
        }
    }

    #[tokio::test]
    async fn a_gate_shrinks_while_its_places_are_taken() {
        let gate = Arc::new(Gate::new(4, NonZeroU32::new(1000).unwrap()));
        let mut passes = Vec::new();
        for _ in 0..4 {
            passes.push(gate.enter().await);
        }
        passes.pop().unwrap().reset();
        assert_eq!(gate.places.available_permits(), 0);
        passes.pop();
        assert_eq!(gate.places.available_permits(), 0, "two are allowed, two are taken");
        passes.pop();
        assert_eq!(gate.places.available_permits(), 1);
        passes.pop().unwrap().success();
        assert_eq!(gate.places.available_permits(), 2);
        gate.enter().await.success();
        assert_eq!(gate.places.available_permits(), 3);
    }

    #[test]
    fn unused_gates_are_forgotten() {
        let gates = Gates::new(8, NonZeroU32::new(50).unwrap());
        let held = gates.at(0);
        for key in 1..FIRST_SWEEP {
            gates.at(key).lock().last_used = Instant::now().checked_sub(KEPT).unwrap();
        }
        held.lock().last_used = Instant::now().checked_sub(KEPT).unwrap();
        gates.at(FIRST_SWEEP);
        assert_eq!(gates.gates.lock().unwrap().0.len(), 2);
        assert!(Arc::ptr_eq(&held, &gates.at(0)));
    }
}
