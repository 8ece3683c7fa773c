use std::time::Duration;

use nim_shared::stage::{Point, Stage};
use nim_shared::unit::{Megabytes, ProcessorUnits};

use super::*;
use crate::engine::capacity::Shortage;
use crate::engine::operation::{Gate, Run, State};
use crate::store::operation::Record;
use crate::store::testing;
use crate::store::testing::world::{self, SOMEBODY, claimed, name, nobody, site};

fn wish(partition: &str, megabytes: u64) -> Wish {
    let need = Need {
        memory: Megabytes(megabytes),
        processors: ProcessorUnits { hundredths: 100 },
        pool: None,
        reduction: None,
    };
    Wish {
        need: Some(need),
        partition: partition.to_owned(),
        limit: 4,
        profiles: None,
        deadline: Some(Duration::from_secs(60)),
    }
}

fn reading(read_at: Timestamp, free: u64, surrogates: &[&str]) -> FrameReading {
    let surrogates = surrogates.iter().map(|name| (*name).to_owned()).collect();
    FrameReading { surrogates, ..world::reading(read_at, free) }
}

/// An operation on `lpar` that waits for `proceed`.
async fn ready(store: &Store, lpar: &str) -> Record {
    let (one, _) = claimed(store, lpar).await;
    let run =
        Run { stage: Stage::Backup, phase: None, point: Some(Point::Ready), gate: Gate::Closed };
    let operation = Operation { state: State::Running(run), cancel_asked: false };
    store.transition(one.id, one.fence, &Step::new(operation, vec![])).await.unwrap();
    store.operation(one.id).await.unwrap()
}

async fn proceed(store: &Store, one: &Record, megabytes: u64) -> Proceeding {
    let wish = wish(one.lpar.as_str(), megabytes);
    let need = wish.need;
    store
        .reserve_and_proceed(one.id, one.fence, &wish, |ledger, now| ledger.decide(need, now))
        .await
        .unwrap()
}

async fn open(store: &Store) -> Vec<OperationId> {
    let (ledger, _) = store.ledger(&name("p10a"), nobody(), 4).await.unwrap();
    ledger.reservations.iter().map(|one| one.operation).collect()
}

#[tokio::test]
async fn two_that_want_the_same_room_at_once_do_not_both_get_it() {
    let store = testing::store().await;
    site(&store, 2).await;
    let one = ready(&store, "lpar01").await;
    let two = ready(&store, "lpar02").await;
    store
        .record_reading(&name("p10a"), &reading(store.now().await.unwrap(), 1500, &[]))
        .await
        .unwrap();
    let (a, b) = tokio::join!(proceed(&store, &one, 1000), proceed(&store, &two, 1000));
    let granted = |answer: &Proceeding| matches!(answer, Proceeding::Granted(_));
    let short = |answer: &Proceeding| {
        matches!(answer, Proceeding::NotNow(Decision::Wait(Shortage::Memory { .. })))
    };
    assert!(granted(&a) && short(&b) || short(&a) && granted(&b), "{a:?} {b:?}");
    assert_eq!(open(&store).await.len(), 1);
}

#[tokio::test]
async fn what_is_granted_is_stored_with_the_state_and_asking_again_changes_nothing() {
    let store = testing::store().await;
    site(&store, 1).await;
    let one = ready(&store, "lpar01").await;
    let Proceeding::Granted(operation) = proceed(&store, &one, 1).await else { panic!() };
    assert_eq!(store.operation(one.id).await.unwrap().operation, operation);
    assert_eq!(operation.state.run().unwrap().gate, Gate::Open);
    assert_eq!(open(&store).await, [one.id]);
    assert!(matches!(proceed(&store, &one, 1).await, Proceeding::Granted(_)));
    assert_eq!(open(&store).await, [one.id]);
}

#[tokio::test]
async fn the_profiles_before_are_those_of_the_moment_of_the_promise() {
    let store = testing::TestDatabase::migrated().await.store().await;
    site(&store, 1).await;
    let one = ready(&store, "lpar01").await;
    assert_eq!(store.profiles_before(one.id).await.unwrap(), None);
    let attributes = [("desired_mem", "4096"), ("description", "a\0b")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let shown = Profile { name: "default_profile".to_owned(), attributes };
    for profiles in [Ok(vec![shown]), Err("it does not answer".to_owned())] {
        // The second is not asked for: what was promised is not promised again.
        let wish = Wish { profiles: Some(profiles), ..wish("lpar01", 1) };
        let granted = |_: &FrameLedger, _| Decision::Granted(None);
        store.reserve_and_proceed(one.id, one.fence, &wish, granted).await.unwrap();
    }
    let kept = store.profiles_before(one.id).await.unwrap().unwrap().unwrap();
    assert_eq!(kept[0].attributes["desired_mem"], "4096");
    assert_eq!(kept[0].attributes["description"], "a\u{fffd}b");
}

#[tokio::test]
async fn neither_a_fenced_master_nor_a_cancelled_operation_gets_capacity() {
    let store = testing::store().await;
    site(&store, 2).await;
    let one = ready(&store, "lpar01").await;
    let stale = store
        .reserve_and_proceed(one.id, Fence(0), &wish("lpar01", 1), |_, _| Decision::Granted(None))
        .await;
    assert!(matches!(stale, Err(Error::Fenced { .. })), "{stale:?}");
    store.ask_cancel(one.id, SOMEBODY).await.unwrap();
    assert_eq!(proceed(&store, &one, 1).await, Proceeding::CancelAsked);
    assert_eq!(open(&store).await, []);
    let (two, _) = claimed(&store, "lpar02").await;
    let early = store
        .reserve_and_proceed(two.id, two.fence, &wish("lpar02", 1), |_, _| Decision::Granted(None))
        .await;
    assert!(matches!(early, Err(Error::WrongState { .. })), "{early:?}");
    assert_eq!(open(&store).await, []);
}

#[tokio::test]
async fn capacity_comes_back_when_the_surrogate_was_seen_and_is_gone() {
    let store = testing::store().await;
    site(&store, 1).await;
    let frame = name("p10a");
    let one = ready(&store, "lpar01").await;
    assert!(matches!(proceed(&store, &one, 1).await, Proceeding::Granted(_)));
    let at = |second: u64| one.created_at.plus(Duration::from_secs(3600 + second));
    let read = async |second, surrogates: &[&str]| {
        store.record_reading(&frame, &reading(at(second), 1, surrogates)).await.unwrap()
    };
    assert_eq!(read(1, &[]).await, [], "it has not come yet");
    assert_eq!(read(3, &["lpar01"]).await, []);
    let (seen, _) = store.ledger(&frame, nobody(), 4).await.unwrap();
    assert_eq!(seen.reservations[0].seen_at, Some(at(3)));
    assert_eq!(read(2, &[]).await, [], "an older reading says nothing");
    assert_eq!(seen.reading.unwrap().read_at, at(3));
    assert_eq!(read(4, &["other"]).await, [one.id]);
    assert_eq!(open(&store).await, []);
}

#[tokio::test]
async fn capacity_that_was_never_used_comes_back_after_the_end() {
    let store = testing::store().await;
    site(&store, 1).await;
    let one = ready(&store, "lpar01").await;
    assert!(matches!(proceed(&store, &one, 1).await, Proceeding::Granted(_)));
    let failed = nim_shared::operation::Outcome::Failed {
        software: nim_shared::operation::Software::Unchanged,
    };
    let state = State::Ended { outcome: failed };
    let before = store.now().await.unwrap();
    let step = Step::new(Operation { state, cancel_asked: false }, vec![]);
    store.transition(one.id, one.fence, &step).await.unwrap();
    let read = async |at| store.record_reading(&name("p10a"), &reading(at, 1, &[])).await.unwrap();
    assert_eq!(read(before).await, [], "read before the end");
    assert_eq!(open(&store).await, [one.id]);
    assert_eq!(read(store.now().await.unwrap()).await, [one.id]);
    store.release(one.id, "again").await.unwrap();
}

/// The database loses what it had of `one` after it was dispatched, as a standby that is promoted does: the reservation is gone,
/// and so is what an unlogged table held.
async fn forget(store: &Store, one: &Record) {
    let operation = Operation { state: State::Running(Run::NEW), cancel_asked: false };
    store.transition(one.id, one.fence, &Step::new(operation, vec![])).await.unwrap();
    for statement in ["DELETE FROM reservation", "DELETE FROM database_life"] {
        query(statement).execute(&store.pool).await.unwrap();
    }
}

#[tokio::test]
async fn after_commits_may_be_lost_nothing_is_promised_before_those_in_flight_were_asked() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (one, two) = (ready(&store, "lpar01").await, ready(&store, "lpar02").await);
    assert!(matches!(proceed(&store, &one, 1000).await, Proceeding::Granted(_)));
    forget(&store, &one).await;
    let waits = Proceeding::NotAsked(name("lpar01"));
    assert_eq!(proceed(&store, &two, 1000).await, waits);
    let owner = world::master(&store).await;
    let life = store.heartbeat(owner, crate::store::lease::LeaseTimes::default()).await.unwrap();
    assert_eq!(proceed(&store, &two, 1000).await, waits);

    // Its agent says that it was told to proceed: the promise is known again, though nobody asks whether there is room.
    store
        .record_reading(&name("p10a"), &reading(store.now().await.unwrap(), 1500, &[]))
        .await
        .unwrap();
    store.promise(one.id, one.fence, &wish("lpar01", 1000)).await.unwrap();
    store.promise(one.id, one.fence, &wish("lpar01", 1000)).await.unwrap();
    let asked = Step { known_in: Some(life), ..Step::default() };
    store.transition(one.id, one.fence, &asked).await.unwrap();
    assert_eq!(open(&store).await, [one.id]);
    let answer = proceed(&store, &two, 1000).await;
    assert!(
        matches!(answer, Proceeding::NotNow(Decision::Wait(Shortage::Memory { .. }))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn whoever_was_asked_and_had_not_proceeded_holds_nobody_up() {
    let store = testing::store().await;
    site(&store, 3).await;
    let (one, two) = (ready(&store, "lpar01").await, ready(&store, "lpar02").await);
    forget(&store, &one).await;
    let owner = world::master(&store).await;
    let life = store.heartbeat(owner, crate::store::lease::LeaseTimes::default()).await.unwrap();
    for record in [&one, &two] {
        let asked = Step { known_in: Some(life), ..Step::default() };
        store.transition(record.id, record.fence, &asked).await.unwrap();
    }
    // One that is accepted from now on has nothing that could be lost.
    let three = ready(&store, "lpar03").await;
    assert!(matches!(proceed(&store, &two, 1000).await, Proceeding::Granted(_)));
    assert!(matches!(proceed(&store, &three, 1000).await, Proceeding::Granted(_)));
}

#[tokio::test]
async fn what_was_promised_is_not_asked_for_again() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (one, two) = (ready(&store, "lpar01").await, ready(&store, "lpar02").await);
    store.promise(one.id, one.fence, &wish("lpar01", 1000)).await.unwrap();
    forget(&store, &two).await;
    store.promise(one.id, one.fence, &wish("lpar01", 1000)).await.unwrap();
    let answer = store
        .reserve_and_proceed(one.id, one.fence, &wish("lpar01", 1000), |_, _| {
            panic!("it is promised")
        })
        .await
        .unwrap();
    assert!(matches!(answer, Proceeding::Granted(_)), "{answer:?}");
}

/// What an HMC shows of the frame with so many processors free, and of lpar01 and its surrogate.
fn processors(read_at: Timestamp, free: u64, surrogate: &[&str], own: u64) -> FrameReading {
    let mut found = reading(read_at, 10_000, surrogate);
    found.reading.free_processors = ProcessorUnits { hundredths: free };
    found.processors = [("lpar01".to_owned(), ProcessorUnits { hundredths: own })].into();
    found
}

#[tokio::test]
async fn who_fits_only_by_giving_up_processors_is_promised_all_until_it_has_them_back() {
    let store = testing::store().await;
    site(&store, 2).await;
    let one = ready(&store, "lpar01").await;
    let two = ready(&store, "lpar02").await;
    let frame = name("p10a");
    let at = store.now().await.unwrap();
    let later = |seconds| at.plus(Duration::from_secs(seconds));
    store.record_reading(&frame, &processors(at, 60, &[], 100)).await.unwrap();
    let ask = async |one: &Record, need: Need| {
        let wish = Wish { need: Some(need), ..wish(one.lpar.as_str(), 1) };
        let decide = |ledger: &FrameLedger, now| ledger.decide(wish.need, now);
        store.reserve_and_proceed(one.id, one.fence, &wish, decide).await.unwrap()
    };
    let full = wish("lpar01", 1).need.unwrap();
    let short = ask(&one, full).await;
    assert!(
        matches!(short, Proceeding::NotNow(Decision::Wait(Shortage::Processors { .. }))),
        "{short:?}"
    );
    let reducing = full.reducing(ProcessorUnits { hundredths: 80 });
    assert!(matches!(ask(&one, reducing).await, Proceeding::Granted(_)));
    let promised = |of: &FrameLedger| of.reservations[0].need.unwrap().processors.hundredths;
    let ledger = async || store.ledger(&frame, two.id, 4).await.unwrap().0;
    assert_eq!(promised(&ledger().await), 60, "what there was");
    let small = Need { processors: ProcessorUnits { hundredths: 10 }, ..full };
    let behind = ask(&two, small).await;
    assert!(matches!(behind, Proceeding::NotNow(Decision::Wait(Shortage::Reduced))), "{behind:?}");
    // Both partitions have 0.8; then the original is gone and the other one has not got the rest back.
    store.record_reading(&frame, &processors(later(1), 0, &["lpar01"], 160)).await.unwrap();
    assert_eq!(ledger().await.reservations[0].shown.unwrap().hundredths, 160);
    let gone = processors(later(2), 80, &[], 80);
    assert_eq!(store.record_reading(&frame, &gone).await.unwrap(), []);
    let back = processors(later(3), 60, &[], 100);
    assert_eq!(store.record_reading(&frame, &back).await.unwrap(), [one.id]);
}

#[tokio::test]
async fn a_promise_is_given_back_after_the_end_though_not_all_processors_are_back() {
    let store = testing::store().await;
    site(&store, 1).await;
    let one = ready(&store, "lpar01").await;
    let frame = name("p10a");
    let at = store.now().await.unwrap();
    let need = wish("lpar01", 1).need.unwrap().reducing(ProcessorUnits { hundredths: 10 });
    let wish = Wish { need: Some(need), ..wish("lpar01", 1) };
    let granted = |_: &FrameLedger, _| Decision::Granted(wish.need);
    store.reserve_and_proceed(one.id, one.fence, &wish, granted).await.unwrap();
    let seen = processors(at, 0, &["lpar01"], 160);
    store.record_reading(&frame, &seen).await.unwrap();
    let later = at.plus(Duration::from_secs(1));
    let gone = processors(later, 80, &[], 80);
    assert_eq!(store.record_reading(&frame, &gone).await.unwrap(), []);
    query("UPDATE operation SET ended_at = $2, state = 'succeeded' WHERE id = $1")
        .bind(one.id.0)
        .bind(later.get())
        .execute(&store.pool)
        .await
        .unwrap();
    let still = processors(at.plus(Duration::from_secs(2)), 80, &[], 80);
    assert_eq!(store.record_reading(&frame, &still).await.unwrap(), [one.id]);
}
