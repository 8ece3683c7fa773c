use super::*;
use crate::store::testing;
use crate::store::testing::world::{SOMEBODY, claimed, name, request, site};

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
