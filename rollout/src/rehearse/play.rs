//! The loop of a rehearsal: what happens is told to the decision, what is decided to the world.

use crate::run::{Action, Orders, State, Step};
use crate::site::Tick;

/// What happens around a run.
pub trait World {
    /// What the run is told next, when it is so at `now`. `None` when nothing comes any more unless somebody does something.
    fn next(&mut self, state: &State, now: Tick) -> Option<Step>;

    /// What became of that: the state, and what is to be done.
    fn decided(&mut self, step: &Step, state: &State, actions: &[Action]);
}

/// How a run came to rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its state.
    pub state: State,
    /// When.
    pub at: Tick,
}

/// Plays a run in `world` until nothing comes any more.
pub fn play(orders: &Orders, mut state: State, world: &mut impl World) -> Ended {
    let mut at = 0;
    while let Some(step) = world.next(&state, at) {
        let (next, actions, step) = state.stepped(orders, step);
        (state, at) = (next, step.now);
        world.decided(&step, &state, &actions);
    }
    Ended { state, at }
}
