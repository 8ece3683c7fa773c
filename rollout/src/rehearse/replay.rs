//! A run of the past, looked at again: fed what it was told, does the decision come to the same?

use std::slice;

use crate::run::{Action, Orders, Recorded, State, Step};
use crate::site::Tick;

use super::play::{Ended, World, play};

/// Where a run decided otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Differs {
    /// Other orders.
    #[error(
        "step {step}, at second {now}, led to {found} orders that are not the {before} of then"
    )]
    Actions {
        /// Which step, from 1.
        step: usize,
        /// When it was.
        now: Tick,
        /// How many orders there were then.
        before: usize,
        /// How many there are now.
        found: usize,
    },
    /// Another state.
    #[error("step {step}, at second {now}, led to another state than then")]
    State {
        /// Which step, from 1.
        step: usize,
        /// When it was.
        now: Tick,
    },
}

/// What a run was told.
struct Past<'r> {
    left: slice::Iter<'r, Recorded>,
    now: Option<&'r Recorded>,
    number: usize,
    differs: Option<Differs>,
}

/// Feeds `recorded` to a run that nobody has started, and says where it first decides otherwise.
#[must_use]
pub fn replay(orders: &Orders, recorded: &[Recorded]) -> (Ended, Option<Differs>) {
    let mut past = Past { left: recorded.iter(), now: None, number: 0, differs: None };
    let ended = play(orders, State::planned(orders), &mut past);
    (ended, past.differs)
}

impl World for Past<'_> {
    fn next(&mut self, _state: &State, _now: Tick) -> Option<Step> {
        // What comes after a difference would only follow from it.
        if self.differs.is_some() {
            return None;
        }
        self.now = self.left.next();
        self.number += 1;
        self.now.map(|recorded| recorded.step.clone())
    }

    fn decided(&mut self, step: &Step, state: &State, actions: &[Action]) {
        let Some(before) = self.now else { return };
        let (number, now) = (self.number, step.now);
        if before.actions != actions {
            let (before, found) = (before.actions.len(), actions.len());
            self.differs = Some(Differs::Actions { step: number, now, before, found });
        } else if Recorded::new(step.clone(), Vec::new(), state).state != before.state {
            self.differs = Some(Differs::State { step: number, now });
        }
    }
}
