//! Rollouts: planned, run, watched, explained, reported and rehearsed.

mod lab;
mod plan;
mod rehearsal;
mod report;
mod run;
mod watch;
mod why;

pub use lab::{CopyForLab, LabCopy, LabFrame, LabHmc, LabLimits, LabLpar, LabMedia, LabVios};
pub use plan::{
    Approval, Basis, HeldLpar, LeftOut, PlanRollout, PlannedFrame, PlannedLpar, PlannedWave,
    RolloutPlan, RolloutPlanned, StopNumbers, Tried,
};
pub use rehearsal::{
    RehearseRollout, RehearsedBlackout, RehearsedFailure, RehearsedFault, RehearsedLate,
    RehearsedLeftOut, RehearsedPast, RehearsedRate, RehearsedStop, RehearsedTimes,
    RehearsedTimesOf, RolloutRehearsed, RolloutReplayed,
};
pub use report::{FailureGroup, ReportedLpar, RolloutReport};
pub use run::{
    AskTurn, ReceiverDeliveries, ReceiverTold, RolloutCounts, RolloutEvent, RolloutStatus,
    RolloutView, StartRollout, TargetView, TryAgain, TurnRollout,
};
pub use watch::{
    RolloutOutlook, WatchedFrame, WatchedLpar, WatchedRollout, WatchedUpdate, WatchedWave,
};
pub use why::{WaitsFor, Why};
