use nim_shared::disks::WayBack;
use nim_shared::frame::{Boot, ClockReading, Identity, PROTOCOL, Position};
use nim_shared::id::{Digest, Fence, InstallationId};
use uuid::Uuid;

use super::*;
use crate::engine::operation::Run;

const OLD: &str = "7300-03-00-2446";
const COPY: &str = "00fa343b8f050003";

fn id(number: u128) -> OperationId {
    OperationId(Uuid::from_u128(number))
}

fn disk(number: u32, good_for: GoodFor) -> RunDisk {
    RunDisk {
        name: format!("hdisk{number}").parse().unwrap(),
        pvid: format!("00fa343b8f05{number:04}").parse().ok(),
        udid: None,
        role: Named::Known(DiskUse::Backup),
        volume_group: None,
        level: Some(OLD.to_owned()),
        good_for: Named::Known(good_for),
    }
}

fn order() -> Rollback {
    let to =
        WayBack { made_by: id(1), disks: vec![disk(3, GoodFor::WayBack)], level: OLD.to_owned() };
    Rollback { to, from: vec![disk(0, GoodFor::Running)] }
}

/// The agent of the copy, which has the operation that made it.
fn hello(rootvg: &str, level: Option<&str>, has: &[(u128, bool, bool)]) -> AgentHello {
    let operation = |&(number, finished, open_changes): &(u128, bool, bool)| OpenOperation {
        operation: id(number),
        digest: Digest::ZERO,
        fence: Fence(1),
        at: Position::START,
        stage: None,
        finished,
        open_changes,
    };
    AgentHello {
        protocol: PROTOCOL,
        version: "test".to_owned(),
        identity: Identity {
            machine_serial: None,
            partition_name: None,
            lpar_id: None,
            hostname: None,
            installation: InstallationId(Uuid::nil()),
        },
        boot: Boot { booted_at: Some("Nov 13 10:00".to_owned()), rootvg: vec![rootvg.to_owned()] },
        clock: ClockReading {
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
            utc_offset_minutes: 0,
            zone: None,
        },
        level: level.map(str::to_owned),
        operations: has.iter().map(operation).collect(),
        live_update_lock: None,
    }
}

#[test]
fn a_rollback_ends_by_where_the_lpar_came_up() {
    let running = |stage| State::Running(Run { stage, ..Run::NEW });
    let (prep, update) = (running(Stage::Prep), running(Stage::Update));
    let stuck = State::Stuck {
        reason: StuckReason::DeadlinePassed,
        run: Some(Run { stage: Stage::Update, ..Run::NEW }),
    };
    let other = "00fa343b8f050000";
    let made = [(1, true, false)];
    let cases: Vec<(&str, &State, AgentHello, &str)> = vec![
        ("the copy", &update, hello(COPY, Some(OLD), &made), "succeeded"),
        ("the copy, late", &stuck, hello(COPY, Some(OLD), &made), "succeeded"),
        ("an empty agent", &update, hello(COPY, Some(OLD), &[]), "succeeded"),
        ("before the boot list was set", &prep, hello(COPY, Some(OLD), &made), "no"),
        ("where it was", &update, hello(other, Some("7300-03-01-2520"), &[(9, false, true)]), "no"),
        ("elsewhere", &update, hello(other, Some(OLD), &made), "no"),
        ("its journal is there", &update, hello(COPY, Some(OLD), &[(9, false, true)]), "no"),
        (
            "in the middle of another",
            &update,
            hello(COPY, Some(OLD), &[(1, false, true)]),
            "unsettled",
        ),
        (
            "nobody knows where it runs",
            &update,
            hello(other, None, &[(1, false, true)]),
            "unsettled",
        ),
        (
            "something is not put back",
            &update,
            hello(COPY, Some(OLD), &[(1, true, true)]),
            "stuck undo_failed",
        ),
        ("another level", &update, hello(COPY, Some("7300-03-01-2520"), &made), "stuck ambiguous"),
        ("no level", &update, hello(COPY, None, &made), "stuck ambiguous"),
    ];
    for (case, state, hello, wanted) in cases {
        let found = match arrived(id(9), state, &order(), &hello) {
            Arrived::No => "no".to_owned(),
            Arrived::Unsettled(operation) => {
                assert_eq!(operation, id(1), "{case}");
                "unsettled".to_owned()
            }
            Arrived::Yes(report) => match report.outcome {
                Outcome::Stuck { reason } => format!("stuck {reason}"),
                outcome => outcome.state().to_string(),
            },
        };
        assert_eq!(found, wanted, "{case}");
    }
}

#[test]
fn the_copy_runs_now_and_what_ran_before_is_the_way_forward() {
    let state = State::Running(Run { stage: Stage::Update, ..Run::NEW });
    let hello = hello(COPY, Some(OLD), &[]);
    let Arrived::Yes(report) = arrived(id(9), &state, &order(), &hello) else { panic!("it did") };
    let left = report.disks.unwrap();
    assert_eq!(left.booted_at.as_deref(), Some("Nov 13 10:00"));
    let shown: Vec<_> = left
        .disks
        .iter()
        .map(|disk| (disk.name.as_str(), disk.good_for.known(), disk.volume_group.as_deref()))
        .collect();
    let wanted = [
        ("hdisk3", Some(GoodFor::Running), Some("rootvg")),
        ("hdisk0", Some(GoodFor::WayBack), None),
    ];
    assert_eq!(shown, wanted);
}
