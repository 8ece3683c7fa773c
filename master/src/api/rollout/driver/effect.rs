//! What outlives `nimd` of what is done about a rollout: before and after each of these a test ends it (`crate::crash`).

use nim_rollout::run::{Gate, Is, Phase, State};
use nim_shared::id::ObjectName;
use nim_shared::ticket::Deed;

use crate::crash;

/// Something about a rollout that takes effect. Each may be done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// What somebody does with it is stored.
    Heed(Deed),
    /// A decision is stored that says this, among other things: a place for each of these.
    Keep(Fact),
    /// The update of a target is asked for.
    AskStart,
    /// A start that was decided is given up: nothing is accepted under its token any more.
    CloseStart,
    /// Operations are taken out of the queue.
    Withdraw,
    /// A cancel of an operation is asked for.
    AskCancel,
    /// A receiver is told of it.
    Tell,
}

/// What a decision says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Targets are to be started.
    Starts,
    /// Agents have taken updates.
    Taken,
    /// Updates are over.
    Over,
    /// What updates took of their frames is back.
    Released,
    /// Starts that were decided are taken back, and come again.
    TakenBack,
    /// The next wave waits: until the one before has soaked, or for somebody.
    Waits,
    /// The next wave is the one that runs.
    Wave,
    /// Too much went wrong.
    Stopped,
    /// All targets have their end.
    Ended,
}

impl Effect {
    /// All of them: the kill test of rollouts derives its points from this.
    pub const ALL: &'static [Self] = &[
        Self::Heed(Deed::Start),
        Self::Heed(Deed::Pause),
        Self::Heed(Deed::Resume),
        Self::Heed(Deed::Promote),
        Self::Heed(Deed::Approve),
        Self::Heed(Deed::Retry),
        Self::Heed(Deed::Abort),
        Self::Keep(Fact::Starts),
        Self::Keep(Fact::Taken),
        Self::Keep(Fact::Over),
        Self::Keep(Fact::Released),
        Self::Keep(Fact::TakenBack),
        Self::Keep(Fact::Waits),
        Self::Keep(Fact::Wave),
        Self::Keep(Fact::Stopped),
        Self::Keep(Fact::Ended),
        Self::AskStart,
        Self::CloseStart,
        Self::Withdraw,
        Self::AskCancel,
        Self::Tell,
    ];
}

/// Right before a decision is stored that leads from one state to another.
pub(super) fn before_keeping(states: (&State, &State), rollout: &ObjectName) {
    for_each_fact(states, |fact| crash::before(Effect::Keep(fact), rollout));
}

/// Right after it was.
pub(super) fn after_keeping(states: (&State, &State), rollout: &ObjectName) {
    for_each_fact(states, |fact| crash::after(Effect::Keep(fact), rollout));
}

fn for_each_fact(states: (&State, &State), strike: impl Fn(Fact)) {
    if cfg!(feature = "crash-points") {
        facts(states).into_iter().for_each(strike);
    }
}

/// What a decision says that leads from one state to another.
fn facts((was, is): (&State, &State)) -> Vec<Fact> {
    let targets = || was.targets.iter().zip(&is.targets).map(|(was, is)| (&was.is, &is.is));
    let any = |says: fn(&Is, &Is) -> bool| targets().any(|(was, is)| says(was, is));
    let says = |fact| match fact {
        Fact::Starts => any(|was, is| was != is && matches!(is, Is::Starting { .. })),
        Fact::Taken => {
            any(|was, is| matches!(was, Is::Starting { .. }) && matches!(is, Is::Running { .. }))
        }
        Fact::Over => any(|was, is| is_under_way(was) && !is_under_way(is) && !waits(is)),
        Fact::Released => any(|was, is| holds(was) && !holds(is) && !waits(is)),
        Fact::TakenBack => any(|was, is| is_under_way(was) && waits(is)),
        Fact::Waits => was.gate != is.gate && is.gate != Gate::Open,
        Fact::Wave => was.wave != is.wave,
        Fact::Stopped => was.phase != is.phase && matches!(is.phase, Phase::Stopped { .. }),
        Fact::Ended => was.phase != is.phase && is.phase == Phase::Ended,
    };
    let all = Effect::ALL.iter().filter_map(|effect| match effect {
        Effect::Keep(fact) => Some(*fact),
        Effect::Heed(_)
        | Effect::AskStart
        | Effect::CloseStart
        | Effect::Withdraw
        | Effect::AskCancel
        | Effect::Tell => None,
    });
    all.filter(|fact| says(*fact)).collect()
}

const fn waits(is: &Is) -> bool {
    matches!(is, Is::Waiting { .. })
}

/// Whether its update may still do something.
const fn is_under_way(is: &Is) -> bool {
    matches!(is, Is::Starting { .. } | Is::Running { .. } | Is::Recalled { .. })
}

/// Whether it may have something of its frame.
const fn holds(is: &Is) -> bool {
    is_under_way(is) || matches!(is, Is::Releasing { .. } | Is::Ended { keeps_capacity: true, .. })
}
