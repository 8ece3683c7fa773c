use super::*;
use crate::engine::operation::{Gate, Run, Start, State};
use nim_shared::frame::{Boot, ChangeClass, ClockReading, Position, Record};
use nim_shared::id::{InstallationId, Seq};
use nim_shared::operation::{Outcome, Report, StateName, StuckReason};
use nim_shared::prep::Subsystem;
use nim_shared::stage::{Point, Stage};
use nim_shared::stamp::Timestamp;
use uuid::Uuid;

fn id(number: u128) -> OperationId {
    OperationId(Uuid::from_u128(number))
}

fn order() -> Order {
    Order {
        rollback: None,
        operation: id(1),
        fence: Fence(7),
        digest: Digest::of(b"{}"),
        request: "{}".to_owned(),
        expected: Expected {
            machine_serial: Some("00C2FC0000".to_owned()),
            partition_name: Some("lpar01".to_owned()),
            installation: None,
        },
    }
}

fn dialogue(state: State) -> Dialogue {
    Dialogue::new(order(), Operation { state, cancel_asked: false }, Progress::START, 0)
}

fn running() -> Dialogue {
    dialogue(State::Running(Run::NEW))
}

fn hello(partition_name: &str) -> AgentHello {
    AgentHello {
        protocol: 1,
        version: "0".to_owned(),
        identity: Identity {
            machine_serial: Some("00C2FC0000".to_owned()),
            partition_name: Some(partition_name.to_owned()),
            lpar_id: None,
            hostname: None,
            installation: InstallationId(Uuid::nil()),
        },
        boot: Boot::default(),
        clock: ClockReading {
            now: Timestamp::from_unix_micros(0),
            utc_offset_minutes: 0,
            zone: None,
        },
        level: None,
        operations: vec![],
        live_update_lock: None,
    }
}

/// An event after one with the hash `before`.
fn event_after(before: Digest, operation: u128, seq: u64, body: Known) -> AgentFrame {
    let at = Timestamp::from_unix_micros(0);
    let record = Record { epoch: Epoch(1), seq: Seq(seq), at, rootvg: vec![], body: body.into() };
    AgentFrame::Event(Box::new(Recorded::after(before, id(operation), record).unwrap()))
}

fn event(operation: u128, seq: u64, body: Known) -> AgentFrame {
    event_after(Digest::ZERO, operation, seq, body)
}

fn point(point: Point) -> Known {
    Known::Point { point: Named::Known(point) }
}

fn output(offset: u64, text: &str) -> AgentFrame {
    AgentFrame::Output { operation: id(1), epoch: Epoch(1), offset, data: BASE64.encode(text) }
}

#[test]
fn start_leaves_only_after_it_was_committed() {
    let mut talk = dialogue(State::Dispatching { start: Start::NotSent });
    talk.hello(&hello("lpar01")).unwrap();
    assert_eq!(talk.take().actions, [Action::CommitStart]);
    talk.happened(Event::StartCommitted).unwrap();
    let batch = talk.take();
    assert!(batch.changed);
    assert_eq!(batch.actions, [Action::SendStart]);
    let Some(MasterFrame::Start { command, request }) = talk.frame(Action::SendStart) else {
        panic!()
    };
    assert_eq!((command.fence, Digest::of(request.as_bytes())), (Fence(7), command.digest));
}

#[test]
fn another_machine_gets_nothing() {
    let mut talk = dialogue(State::Dispatching { start: Start::NotSent });
    talk.hello(&hello("lpar02")).unwrap();
    let batch = talk.take();
    assert_eq!(batch.actions, [Action::Notify, Action::CloseSession]);
    assert!(batch.actions.iter().all(|action| talk.frame(*action).is_none()));
    assert_eq!(talk.operation().name(), StateName::Failed);
    let mut talk = running();
    talk.hello(&hello("lpar02")).unwrap();
    let expected = State::Stuck { reason: StuckReason::AnotherMachine, run: Some(Run::NEW) };
    assert_eq!(talk.operation().state, expected);
    assert!(talk.take().actions.iter().all(|action| talk.frame(*action).is_none()));
}

#[test]
fn events_move_state_and_position_and_ask_for_what_is_due() {
    let mut talk = running();
    let entered = Known::Stage { stage: Named::Known(Stage::Backup) };
    talk.receive(event(1, 1, entered)).unwrap();
    let at = talk.progress().position;
    talk.receive(event_after(at.hash, 1, 2, point(Point::Ready))).unwrap();
    talk.receive(event(1, 1, Known::Note { text: "again".to_owned() })).unwrap();
    let batch = talk.take();
    assert_eq!((batch.events.len(), batch.actions.as_slice()), (2, &[Action::Reserve][..]));
    let MasterFrame::Ack { upto, .. } = talk.acknowledgement() else { panic!() };
    assert_eq!(upto.seq, Seq(2));
    talk.happened(Event::ProceedCommitted).unwrap();
    assert_eq!(talk.take().actions, [Action::SendProceed]);
    assert!(matches!(talk.operation().state, State::Running(Run { gate: Gate::Open, .. })));
}

#[test]
fn what_comes_after_sshd_was_started_anew_counts_over_a_new_connection_only() {
    let sshd = |moment| {
        let subsystem = Subsystem::try_from("sshd".to_owned()).unwrap();
        Known::Change(Change {
            number: 1,
            moment: Named::Known(moment),
            class: Named::Known(ChangeClass::Always),
            effect: Effect::Setting {
                setting: Setting::Subsystem { subsystem },
                before: "active".to_owned(),
                after: "inoperative".to_owned(),
            },
            error: None,
        })
    };
    let mut talk = running();
    talk.receive(event(1, 1, sshd(ChangeMoment::Done))).unwrap();
    let at = talk.progress().position;
    talk.receive(event_after(at.hash, 1, 2, sshd(ChangeMoment::Undone))).unwrap();
    let at = talk.progress().position;
    let next = || event_after(at.hash, 1, 3, Known::Note { text: "later".to_owned() });
    assert_eq!(talk.receive(next()), Err(Broken::LoginDue));
    let stored: Vec<_> = talk.take().events.iter().map(|event| event.seq).collect();
    assert_eq!(stored, [Seq(1), Seq(2)]);
    talk.hello(&hello("lpar01")).unwrap();
    talk.receive(next()).unwrap();
    assert_eq!(talk.progress().position.seq, Seq(3));
}

#[test]
fn what_does_not_belong_here_breaks_the_session_and_changes_nothing() {
    let report = Report::of(Outcome::Unchanged, "");
    let hostile = [
        event(2, 1, Known::Finished(Box::new(report))),
        event(1, 5, point(Point::Moved)),
        event_after(Digest::of(b"another journal"), 1, 1, point(Point::Moved)),
        AgentFrame::Hello(Box::new(hello("lpar01"))),
        AgentFrame::Taken {
            operation: id(2),
            digest: order().digest,
            at: Position::START,
            proceeded: false,
        },
        AgentFrame::Taken {
            operation: id(1),
            digest: Digest::ZERO,
            at: Position::START,
            proceeded: false,
        },
        AgentFrame::Tombstoned { operation: id(2), fence: Fence(9) },
        output(5, "jump"),
        AgentFrame::Output { operation: id(1), epoch: Epoch(1), offset: 0, data: "*".to_owned() },
        AgentFrame::Output {
            operation: id(1),
            epoch: Epoch(4),
            offset: 0,
            data: BASE64.encode("x"),
        },
        output(0, &"x".repeat(OUTPUT_CHUNK + 1)),
    ];
    for frame in hostile {
        let mut talk = running();
        assert!(talk.receive(frame.clone()).is_err(), "{frame:?}");
        assert!(talk.take().is_empty(), "{frame:?}");
        assert_eq!(talk.operation().name(), StateName::Running);
    }
}

#[test]
fn output_is_taken_once_and_without_gaps() {
    let mut talk = running();
    talk.receive(output(0, "abc")).unwrap();
    talk.receive(output(0, "abc")).unwrap();
    talk.receive(output(3, "de")).unwrap();
    let bytes: Vec<_> =
        talk.take().output.into_iter().map(|chunk| (chunk.offset, chunk.bytes)).collect();
    assert_eq!(bytes, [(0, b"abc".to_vec()), (3, b"de".to_vec())]);
    assert_eq!(talk.output(), 5);
}

#[test]
fn refusals_of_start_count_and_refusals_of_repeated_commands_do_not() {
    let refuse = |refused: &str, why| AgentFrame::Refused {
        operation: Some(id(1)),
        refused: refused.to_owned(),
        why: Named::Known(why),
        text: "a Live Update runs".to_owned(),
    };
    let mut talk = dialogue(State::Dispatching { start: Start::Sent });
    talk.receive(refuse("start", Refusal::Busy)).unwrap();
    assert_eq!(talk.operation().name(), StateName::Failed);
    let report = talk.progress().report.as_ref().unwrap();
    assert_eq!(report.summary, "the agent refused: a Live Update runs");
    let mut talk = running();
    talk.receive(refuse("proceed", Refusal::WrongMoment)).unwrap();
    assert!(talk.take().is_empty());
    talk.receive(refuse("attach", Refusal::StaleFence)).unwrap();
    assert_eq!(talk.take().actions, [Action::CloseSession]);
}

#[test]
fn a_trial_of_ip_filters_is_handed_on_and_its_proof_commands() {
    let mut talk = running();
    let trial = Digest::of(b"trial");
    talk.receive(AgentFrame::NeedProof { operation: id(1), trial }).unwrap();
    assert_eq!(talk.take().trial, Some(trial));
    let MasterFrame::Proof { command, trial: proven } = talk.proof(trial) else { panic!() };
    assert_eq!((command.operation, command.fence, proven), (id(1), order().fence, trial));
    let other = talk.receive(AgentFrame::NeedProof { operation: id(2), trial });
    assert!(matches!(other, Err(Broken::AnotherOperation { .. })));
    assert_eq!(talk.take().trial, None);
}

#[test]
fn a_step_of_the_masters_is_handed_on_and_its_answer_commands() {
    let mut talk = running();
    let (asking, step) = (Digest::of(b"asking"), MasterStep::Capacity);
    talk.receive(AgentFrame::NeedStep { operation: id(1), asking, step }).unwrap();
    assert_eq!(talk.take().step, Some((asking, step)));
    let MasterFrame::Step { command, asking: answered, .. } = talk.step(asking, StepAnswer::GoOn)
    else {
        panic!()
    };
    assert_eq!((command.operation, command.fence, answered), (id(1), order().fence, asking));
    let other = talk.receive(AgentFrame::NeedStep { operation: id(2), asking, step });
    assert!(matches!(other, Err(Broken::AnotherOperation { .. })));
    assert_eq!(talk.take().step, None);
}

#[test]
fn an_agent_that_speaks_no_common_protocol_is_left() {
    let old = AgentHello { protocol: 0, ..hello("lpar01") };
    assert_eq!(running().hello(&old), Err(Broken::Protocol { theirs: 0 }));
}
