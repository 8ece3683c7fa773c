//! The end of a rollback, as the master sees it.
//!
//! The copy that is booted is older than the operation: nobody on it knows of it, and its journal stays on the disks that the LPAR came
//! from. So what ends it is evidence of the boot: rootvg is on the disks that the order names, and the agent there does not have the
//! operation. What the copy itself has open, for it was made in the middle of another one, is ended by its agent first. Where the
//! operation is there, the LPAR came up from where it was, and the agent's journal tells the end. Source: LU §6.3.

use nim_shared::disks::{DiskUse, GoodFor, Rollback, RunDisk, RunDisks};
use nim_shared::frame::{AgentHello, OpenOperation};
use nim_shared::id::OperationId;
use nim_shared::operation::{Named, Outcome, Report, Snapshot, StuckReason};
use nim_shared::stage::Stage;

use super::operation::State;

/// What a `hello` says of a rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    /// Nothing: the journal tells.
    No,
    /// The copy was booted, and what it has open is not ended yet.
    Unsettled(OperationId),
    /// The copy was booted.
    Yes(Box<Report>),
}

/// Looks at where the LPAR of `operation` came up.
pub(super) fn arrived(
    operation: OperationId,
    state: &State,
    order: &Rollback,
    hello: &AgentHello,
) -> Arrived {
    // Before the stage `update` the boot list is as it was; what booted the LPAR then was somebody else.
    let may_have_booted = state.run().is_some_and(|run| run.stage >= Stage::Update);
    let is_here = hello.operations.iter().any(|one| one.operation == operation);
    if !may_have_booted || is_here {
        return Arrived::No;
    }
    // One that the copy was made in the middle of. While it seems to move the workload, AIX is not even asked where it runs.
    if let Some(open) = hello.operations.iter().find(|one| !one.finished) {
        return Arrived::Unsettled(open.operation);
    }
    if !order.is_on(&hello.boot.rootvg) {
        return Arrived::No;
    }
    Arrived::Yes(Box::new(report(order, hello)))
}

fn report(order: &Rollback, hello: &AgentHello) -> Report {
    let names: Vec<&str> = order.to.disks.iter().map(|disk| disk.name.as_str()).collect();
    let names = names.join(" ");
    let level = &order.to.level;
    let not_undone = hello.operations.iter().find(|one| one.open_changes);
    let ambiguous = Outcome::Stuck { reason: StuckReason::Ambiguous };
    let (outcome, summary) = match (&hello.level, not_undone) {
        (_, Some(OpenOperation { operation, .. })) => (
            Outcome::Stuck { reason: StuckReason::UndoFailed },
            format!(
                "the LPAR runs from {names}, and what operation {operation} had changed in that copy is not put back"
            ),
        ),
        (Some(now), None) if now == level => (
            Outcome::Succeeded { follow_up: vec![] },
            format!("the LPAR runs from {names}, at {now}"),
        ),
        (Some(now), None) => {
            (ambiguous, format!("the LPAR runs from {names}, at {now}; on record was {level}"))
        }
        (None, None) => {
            (ambiguous, format!("the LPAR runs from {names}, and does not say at which level"))
        }
    };
    let running = order.to.disks.iter().map(|disk| RunDisk {
        role: Named::Known(DiskUse::Rootvg),
        volume_group: Some("rootvg".to_owned()),
        level: hello.level.clone(),
        good_for: Named::Known(GoodFor::Running),
        ..disk.clone()
    });
    // The former rootvg shows no volume group any more: the next look says whether that is so.
    let left = order.from.iter().map(|disk| RunDisk {
        role: Named::Known(DiskUse::Rootvg),
        volume_group: None,
        good_for: Named::Known(GoodFor::WayBack),
        ..disk.clone()
    });
    Report {
        before: Some(at(order.from.iter().find_map(|disk| disk.level.clone()))),
        after: Some(at(hello.level.clone())),
        disks: Some(RunDisks {
            booted_at: hello.boot.booted_at.clone(),
            last_update: None,
            disks: running.chain(left).collect(),
        }),
        ..Report::of(outcome, summary)
    }
}

fn at(level: Option<String>) -> Snapshot {
    Snapshot { level, ..Snapshot::default() }
}

#[cfg(test)]
mod tests;
