//! What a run is told, step by step. With its orders that is all that a decision ever sees: whoever feeds the same steps again, in a rehearsal
//! or years later, takes the same decisions.

use nim_shared::id::Digest;
use serde::{Deserialize, Serialize};

use crate::site::Tick;

use super::{Action, Event, Orders, Standing, State, TargetNumber};

/// What a run is told at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub now: Tick,
    /// Who decides what follows.
    pub follows: Follows,
    /// What happened, in this order.
    pub events: Vec<Event>,
}

/// Who decides what follows from a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follows {
    /// It is decided at once, with the time that has passed.
    Now,
    /// Whoever looks next.
    Later,
}

/// A step that was taken, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// What the run was told, as far as it changed anything.
    pub step: Step,
    /// What was to be done about it.
    pub actions: Vec<Action>,
    /// The state after it, in one number.
    pub state: Digest,
}

impl Step {
    /// All that is known at one look.
    #[must_use]
    pub const fn looked(events: Vec<Event>, now: Tick) -> Self {
        Self { now, follows: Follows::Now, events }
    }

    /// Something that is kept until the next look.
    #[must_use]
    pub fn noted(event: Event, now: Tick) -> Self {
        Self { now, follows: Follows::Later, events: vec![event] }
    }
}

impl State {
    /// The state after a step, what to do about it, and what has to be kept of the step to come to the same again. What makes no sense is
    /// left out, such as what is told twice.
    #[must_use]
    pub fn stepped(mut self, orders: &Orders, step: Step) -> (Self, Vec<Action>, Step) {
        let Step { now, follows, mut events } = step;
        let mut actions = Vec::new();
        events.retain(|event| self.is_changed_by(orders, event, now, &mut actions));
        match follows {
            Follows::Now => self.pass(orders, now, &mut actions),
            Follows::Later => actions.clear(),
        }
        (self, actions, Step { now, follows, events })
    }

    /// Lets an event happen. Whether anything is other than before: of a target that is told the same at each look nothing is.
    fn is_changed_by(
        &mut self,
        orders: &Orders,
        event: &Event,
        now: Tick,
        actions: &mut Vec<Action>,
    ) -> bool {
        let about = event.about();
        let before = self.part(about);
        // Each looks before it changes anything: what is refused has changed nothing.
        let has_happened = self.happened(orders, event.clone(), now, actions).is_ok();
        has_happened && (about == About::Run || before != self.part(about))
    }

    /// What an event about something may change.
    fn part(&self, about: About) -> (Option<Standing>, Option<Option<u64>>) {
        match about {
            About::Target(at) => (self.targets.get(at as usize).cloned(), None),
            About::Resource(at) => (None, self.capacities.get(at as usize).copied()),
            About::Run => (None, None),
        }
    }
}

impl Recorded {
    /// Of a step that led to `state`.
    #[must_use]
    pub fn new(step: Step, actions: Vec<Action>, state: &State) -> Self {
        // Types of this crate and of shared, none of which fails or has a key that is no text.
        let state = Digest::of(&serde_json::to_vec(state).unwrap_or_default());
        Self { step, actions, state }
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// One target.
    Target(TargetNumber),
    /// How much there is of a resource, by its index.
    Resource(u32),
    /// The run, or several targets.
    Run,
}

impl Event {
    const fn about(&self) -> About {
        match self {
            Self::Taken { target, .. }
            | Self::WaitsForCapacity { target, .. }
            | Self::Over { target, .. }
            | Self::NotBegun { target, .. }
            | Self::Released { target, .. }
            | Self::DoneAgain { target, .. }
            | Self::Doubted { target, .. }
            | Self::Looked { target, .. }
            | Self::Drifted { target, .. }
            | Self::DroppedOut { target, .. } => About::Target(*target),
            Self::Capacity { resource, .. } => About::Resource(*resource),
            Self::Tick
            | Self::Start { .. }
            | Self::Approve { .. }
            | Self::ApproveTargets { .. }
            | Self::Promote
            | Self::Trust { .. }
            | Self::Pause
            | Self::Resume
            | Self::Abort { .. }
            | Self::Retry { .. } => About::Run,
        }
    }
}
