//! Of which changes of a run people are told.

use nim_shared::notice::Subject;

use super::{End, Gate, Is, Orders, Phase, State, TargetNumber};

impl State {
    /// What people are told of that has changed since `before`, with the targets that it is about: what went wrong first, then what
    /// follows from it.
    #[must_use]
    pub fn tells(&self, before: &Self, orders: &Orders) -> Vec<(Subject, Vec<TargetNumber>)> {
        let mut told = Vec::new();
        let pairs = || (0..).zip(before.targets.iter().zip(&self.targets));
        let failed: Vec<TargetNumber> = pairs()
            .map(|(target, _)| target)
            .filter(|at| self.went_wrong(orders, *at) && !before.went_wrong(orders, *at))
            .collect();
        if !failed.is_empty() {
            told.push((Subject::Failed, failed));
        }
        if self.wave != before.wave {
            told.push((Subject::Wave, Vec::new()));
        }
        // Before what somebody is asked for: that waits until the rollout goes on.
        if self.phase != before.phase {
            told.extend(self.phase_told(before).map(|subject| (subject, Vec::new())));
        }
        let asks: Vec<TargetNumber> = pairs()
            .filter(|(_, (was, is))| is.asks.is_some() && was.asks != is.asks)
            .map(|(target, _)| target)
            .collect();
        let waits = matches!(self.gate, Gate::Approval | Gate::Promotion);
        let is_new = self.gate != before.gate || self.wave != before.wave;
        if !asks.is_empty() || (waits && is_new) {
            told.push((Subject::Approval, asks));
        }
        told
    }

    /// What is told of a phase that was another before.
    fn phase_told(&self, before: &Self) -> Option<Subject> {
        match (&before.phase, &self.phase) {
            (Phase::Planned, Phase::Running) => Some(Subject::Started),
            // After its end it goes on with what is tried again.
            (_, Phase::Running) => Some(Subject::Resumed),
            (_, Phase::Paused) => Some(Subject::Paused),
            (_, Phase::Stopped { .. }) => Some(Subject::Stopped),
            (_, Phase::Aborting) => Some(Subject::Aborted),
            (_, Phase::Ended) => Some(Subject::Ended),
            (_, Phase::Planned) => None,
        }
    }

    /// Whether a target has gone wrong, and is not tried again by itself.
    fn went_wrong(&self, orders: &Orders, target: TargetNumber) -> bool {
        let (end, is_over) = match &self.targets[target as usize].is {
            Is::Releasing { end, .. } => (end, false),
            Is::Ended { end, .. } => (end, true),
            Is::Waiting { .. } | Is::Starting { .. } | Is::Running { .. } | Is::Recalled { .. } => {
                return false;
            }
        };
        match end {
            End::Failed { .. } | End::Unreachable | End::Stuck => {
                is_over || self.again(orders, target, end).is_none()
            }
            End::Updated
            | End::Unchanged
            | End::Cancelled
            | End::Skipped { .. }
            | End::NotStarted { .. } => false,
        }
    }
}
