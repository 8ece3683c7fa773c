use super::*;
use nim_shared::stage::{Phase, Point, Stage};
use {Action as A, Event as E};

const RUN: Run = Run::NEW;
const READY: Run = Run { stage: Stage::Backup, point: Some(Point::Ready), ..Run::NEW };
const OPEN: Run = Run { gate: Gate::Open, ..READY };
const FAILED: Outcome = NOT_STARTED;

fn queued() -> State {
    State::Queued
}

fn dispatching(start: Start) -> State {
    State::Dispatching { start }
}

fn deadline(run: Option<Run>) -> State {
    stuck(StuckReason::DeadlinePassed, run)
}

/// One row: state, event, state after, actions.
type Row = (State, Event, State, &'static [Action]);

fn check(rows: Vec<Row>, cancel_asked: bool) {
    for (state, event, expected, actions) in rows {
        let before = Operation { state, cancel_asked };
        let (after, todo) = before.after(event.clone()).unwrap();
        assert_eq!(after.state, expected, "{before:?} after {event:?}");
        assert_eq!(todo, actions, "{before:?} after {event:?}");
    }
}

#[test]
fn the_way_of_an_update() {
    use Start::{NotSent, Sent};
    check(
        vec![
            (queued(), E::Claimed, dispatching(NotSent), &[A::OpenSession]),
            (dispatching(NotSent), E::StartCommitted, dispatching(Sent), &[A::SendStart]),
            (dispatching(Sent), E::Taken, State::Running(RUN), &[]),
            (
                State::Running(RUN),
                E::Entered(Stage::Update),
                State::Running(Run { stage: Stage::Update, ..RUN }),
                &[],
            ),
            (
                State::Running(RUN),
                E::Passed(Point::Ready),
                State::Running(Run { point: Some(Point::Ready), ..RUN }),
                &[A::Reserve],
            ),
            (State::Running(READY), E::ProceedCommitted, State::Running(OPEN), &[A::SendProceed]),
            (
                State::Running(OPEN),
                E::EnteredPhase(Phase::Move),
                State::Running(Run { phase: Some(Phase::Move), ..OPEN }),
                &[],
            ),
            (
                State::Running(OPEN),
                E::Finished(Outcome::Succeeded { follow_up: vec![] }),
                ended(Outcome::Succeeded { follow_up: vec![] }),
                &[A::RefreshInventory, A::Notify, A::WatchCapacity, A::CloseSession],
            ),
        ],
        false,
    );
}

#[test]
fn a_takeover_never_sends_start_where_one_may_have_left() {
    let asks = |state: State| Operation { state, cancel_asked: false }.on_session();
    assert_eq!(asks(dispatching(Start::NotSent)), Some(A::CommitStart));
    for state in
        [dispatching(Start::Sent), State::Running(RUN), State::Running(OPEN), deadline(None)]
    {
        assert_eq!(asks(state.clone()), Some(A::Attach), "{state:?}");
    }
    for state in [queued(), ended(FAILED)] {
        assert_eq!(asks(state.clone()), None, "{state:?}");
    }
}

#[test]
fn what_was_owed_is_sent_again_after_an_attach() {
    check(
        vec![
            (State::Running(RUN), E::Taken, State::Running(RUN), &[]),
            (State::Running(READY), E::Taken, State::Running(READY), &[A::Reserve]),
            (State::Running(OPEN), E::Taken, State::Running(OPEN), &[A::SendProceed]),
            (deadline(Some(OPEN)), E::Taken, State::Running(OPEN), &[A::SendProceed]),
        ],
        false,
    );
    check(vec![(State::Running(OPEN), E::Taken, State::Running(OPEN), &[A::SendCancel])], true);
}

#[test]
fn a_tombstone_leads_back_to_the_queue_or_to_cancelled() {
    let tombstoned = [E::Tombstoned, E::StartRefused(Refusal::Tombstoned)];
    for event in tombstoned {
        check(vec![(dispatching(Start::Sent), event.clone(), queued(), &[A::CloseSession])], false);
        check(
            vec![(
                dispatching(Start::Sent),
                event,
                ended(Outcome::Cancelled),
                &[A::Notify, A::CloseSession],
            )],
            true,
        );
    }
    check(
        vec![(
            State::Running(OPEN),
            E::Tombstoned,
            stuck(StuckReason::JournalLost, Some(OPEN)),
            &[A::Notify, A::CloseSession],
        )],
        false,
    );
}

#[test]
fn a_cancel_is_immediate_only_while_nothing_left_the_master() {
    check(
        vec![
            (queued(), E::CancelAsked, ended(Outcome::Cancelled), &[A::Notify, A::CloseSession]),
            (
                dispatching(Start::NotSent),
                E::CancelAsked,
                ended(Outcome::Cancelled),
                &[A::Notify, A::CloseSession],
            ),
            (dispatching(Start::Sent), E::CancelAsked, dispatching(Start::Sent), &[]),
            (State::Running(RUN), E::CancelAsked, State::Running(RUN), &[A::SendCancel]),
        ],
        false,
    );
    check(vec![(dispatching(Start::Sent), E::Taken, State::Running(RUN), &[A::SendCancel])], true);
    let ready = Operation { state: State::Running(READY), cancel_asked: true };
    assert!(ready.after(E::ProceedCommitted).is_err(), "proceed after a cancel");
}

#[test]
fn a_deadline_makes_stuck_only_where_the_lpar_may_have_been_touched() {
    check(
        vec![
            (queued(), E::DeadlinePassed, ended(Outcome::Cancelled), &[A::Notify]),
            (
                dispatching(Start::NotSent),
                E::DeadlinePassed,
                ended(FAILED),
                &[A::Notify, A::CloseSession],
            ),
            (dispatching(Start::NotSent), E::GaveUp, ended(FAILED), &[A::Notify, A::CloseSession]),
            (
                dispatching(Start::NotSent),
                E::AnotherMachine,
                ended(FAILED),
                &[A::Notify, A::CloseSession],
            ),
            (dispatching(Start::Sent), E::GaveUp, dispatching(Start::Sent), &[]),
            (dispatching(Start::Sent), E::DeadlinePassed, deadline(None), &[A::Notify]),
            (State::Running(OPEN), E::DeadlinePassed, deadline(Some(OPEN)), &[A::Notify]),
        ],
        false,
    );
}

#[test]
fn a_refused_start_ends_the_operation_and_a_stale_fence_only_the_session() {
    let sent = || dispatching(Start::Sent);
    check(vec![(sent(), E::StartRefused(Refusal::StaleFence), sent(), &[A::CloseSession])], false);
    let others =
        Refusal::ALL.iter().filter(|r| !matches!(r, Refusal::StaleFence | Refusal::Tombstoned));
    for refusal in others {
        let row =
            (sent(), E::StartRefused(*refusal), ended(FAILED), &[A::Notify, A::CloseSession][..]);
        check(vec![row], false);
    }
}

#[test]
fn stuck_is_left_by_the_journal_or_by_a_person_only() {
    let success = Outcome::Succeeded { follow_up: vec![] };
    for state in [deadline(Some(OPEN)), stuck(StuckReason::UndoFailed, Some(OPEN))] {
        for event in [E::Finished(success.clone()), E::Resolved(success.clone())] {
            check(vec![(state.clone(), event, ended(success.clone()), AT_THE_END)], false);
        }
        for event in [E::CancelAsked, E::DeadlinePassed, E::GaveUp] {
            check(vec![(state.clone(), event, state.clone(), &[])], false);
        }
    }
    let not_stuck = Operation { state: State::Running(OPEN), cancel_asked: false };
    assert!(not_stuck.after(E::Resolved(success)).is_err());
}

#[test]
fn nothing_leads_out_of_an_end() {
    let over = Operation { state: ended(FAILED), cancel_asked: false };
    let events = [
        E::Claimed,
        E::StartCommitted,
        E::Taken,
        E::Tombstoned,
        E::StartRefused(Refusal::Busy),
        E::GaveUp,
        E::Entered(Stage::Update),
        E::EnteredPhase(Phase::Move),
        E::Passed(Point::Moved),
        E::ProceedCommitted,
        E::CancelAsked,
        E::Finished(Outcome::Unchanged),
        E::JournalLost,
        E::AnotherMachine,
        E::DeadlinePassed,
        E::Resolved(Outcome::Unchanged),
    ];
    for event in events {
        if let Ok((after, actions)) = over.after(event.clone()) {
            assert_eq!((after.state, actions), (ended(FAILED), vec![]), "{event:?}");
        }
    }
}

#[test]
fn a_state_reads_back_from_what_is_stored() {
    for state in
        [queued(), dispatching(Start::Sent), State::Running(OPEN), deadline(None), ended(FAILED)]
    {
        let operation = Operation { state, cancel_asked: true };
        let stored = serde_json::to_value(&operation).unwrap();
        assert_eq!(serde_json::from_value::<Operation>(stored).unwrap(), operation);
    }
}
