use super::*;
use crate::engine::operation::State;
use crate::store::operation::Step;
use crate::store::testing;
use crate::store::testing::world::{SOMEBODY, claimed, master, name, no_limits, request, site};
use nim_shared::operation::StuckReason;

#[tokio::test]
async fn a_request_that_is_sent_twice_is_accepted_once() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (token, batch, operations) = request(&["lpar02", "lpar01"]);
    let first = store.accept(token, &batch, &operations).await.unwrap();
    let (_, mut again, others) = request(&["lpar02", "lpar01"]);
    again.request = batch.request.clone();
    assert_eq!(store.accept(token, &again, &others).await.unwrap(), first);
    assert_eq!(store.batch(batch.id).await.unwrap().requested_by, SOMEBODY);
    again.request = serde_json::json!("something else");
    match store.accept(token, &again, &others).await {
        Err(Error::TokenReused { batch: before, .. }) => assert_eq!(before, batch.id),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_same_request_sent_twice_at_once_is_accepted_once() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (token, batch, operations) = request(&["lpar01"]);
    let (_, mut other, others) = request(&["lpar01"]);
    other.request = batch.request.clone();
    let (a, b) = tokio::join!(
        store.accept(token, &batch, &operations),
        store.accept(token, &other, &others)
    );
    assert_eq!(a.unwrap(), b.unwrap());
}

#[tokio::test]
async fn one_operation_per_lpar_whoever_asks_and_all_or_nothing() {
    let store = testing::store().await;
    site(&store, 3).await;
    let (record, _) = claimed(&store, "lpar02").await;
    let (token, batch, operations) = request(&["lpar01", "lpar02", "lpar03"]);
    match store.accept(token, &batch, &operations).await {
        Err(Error::OpenOperation { open }) => assert_eq!(open, [(name("lpar02"), record.id)]),
        other => panic!("{other:?}"),
    }
    let (token, batch, operations) = request(&["lpar01", "lpar03"]);
    store.accept(token, &batch, &operations).await.expect("nothing of the refused request is left");
}

#[tokio::test]
async fn what_is_no_lpar_gets_no_operation() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (token, batch, operations) = request(&["lpar01", "p10a", "nobody"]);
    match store.accept(token, &batch, &operations).await {
        Err(Error::NoSuchLpar { names }) => assert_eq!(names, ["p10a", "nobody"]),
        other => panic!("{other:?}"),
    }
}

/// A clean-up of `lpar`.
fn clean_up(lpar: &str) -> (ClientToken, NewBatch, Vec<NewOperation>) {
    let (token, batch, mut operations) = request(&[lpar]);
    operations[0].kind = Kind::CleanUp;
    (token, batch, operations)
}

#[tokio::test]
async fn a_clean_up_is_open_beside_what_is_stuck_and_beside_nothing_else() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (record, _) = claimed(&store, "lpar01").await;
    let (token, batch, operations) = clean_up("lpar01");
    match store.accept(token, &batch, &operations).await {
        Err(Error::OpenOperation { open }) => assert_eq!(open, [(name("lpar01"), record.id)]),
        other => panic!("{other:?}"),
    }
    let reason = StuckReason::CleanUpOpen;
    let stuck = Operation { state: State::Stuck { reason, run: None }, cancel_asked: false };
    let step = Step { operation: Some(stuck), ..Step::default() };
    store.transition(record.id, record.fence, &step).await.unwrap();
    let accepted = store.accept(token, &batch, &operations).await.unwrap();
    // Another one of the same LPAR, and an update, have to wait for it.
    let (token, batch, operations) = clean_up("lpar01");
    let update = request(&["lpar01"]);
    for (token, batch, operations) in [(token, batch, operations), update] {
        match store.accept(token, &batch, &operations).await {
            Err(Error::OpenOperation { open }) => assert_eq!(open.len(), 2, "{open:?}"),
            other => panic!("{other:?}"),
        }
    }
    let owner = master(&store).await;
    let claimed = store.claim(owner, &no_limits(), 1).await.unwrap();
    assert_eq!(claimed[0].id, accepted.operations[0].0);
    // Where nothing is stuck it is alone, too.
    let (token, batch, operations) = clean_up("lpar02");
    store.accept(token, &batch, &operations).await.unwrap();
    let (token, batch, operations) = request(&["lpar02"]);
    let refused = store.accept(token, &batch, &operations).await;
    assert!(matches!(refused, Err(Error::OpenOperation { .. })), "{refused:?}");
}
