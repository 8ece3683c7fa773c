//! How long silence is expected, and when to knock. Pure.
//!
//! From `Moving workload` until twice the estimate, at least a minute, silence is only noted and no login is tried; then one
//! try in a quarter of a minute, beside the old connection, which may be the one that comes back. Source: DESIGN §4; Live Update
//! reference §7.2, §7.3.

use std::time::Duration;

use nim_shared::stage::Phase;
use nim_shared::unit::Seconds;

use crate::engine::operation::State;

/// Pause between two tries to reach an LPAR.
pub(super) const BETWEEN_TRIES: Duration = Duration::from_secs(15);

/// Shortest time for which an LPAR in a silent phase is left alone.
const AT_LEAST: Duration = Duration::from_secs(60);

/// How long after the silent phases began an operation in `state` is left alone; `None` outside of them.
#[must_use]
pub(super) fn peace(state: &State, estimate: Option<Seconds>) -> Option<Duration> {
    let silent = state.run().and_then(|run| run.phase).is_some_and(Phase::is_silent);
    let twice = Duration::from_secs(estimate.map_or(0, |estimate| estimate.0.saturating_mul(2)));
    silent.then(|| twice.max(AT_LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::operation::Run;
    use nim_shared::stage::Stage;

    fn at(phase: Phase) -> State {
        State::Running(Run { stage: Stage::Update, phase: Some(phase), ..Run::NEW })
    }

    #[test]
    fn only_the_silent_phases_are_left_alone_and_for_at_least_a_minute() {
        let seconds = |phase, estimate: Option<u64>| {
            peace(&at(phase), estimate.map(Seconds)).map(|d| d.as_secs())
        };
        assert_eq!(seconds(Phase::Mirror, Some(77)), None);
        assert_eq!(seconds(Phase::Move, None), Some(60));
        assert_eq!(seconds(Phase::Blackout, Some(20)), Some(60));
        assert_eq!(seconds(Phase::Blackout, Some(77)), Some(154));
        assert_eq!(seconds(Phase::Running, Some(77)), Some(154));
        assert_eq!(seconds(Phase::Transfer, Some(77)), None);
        assert_eq!(peace(&State::Queued, None), None);
    }
}
