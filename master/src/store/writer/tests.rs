use super::*;
use crate::store::event::Cursor;
use crate::store::testing;
use crate::store::testing::world::{batched, claimed, event, site};

#[tokio::test]
async fn each_submitter_hears_of_its_own_part_after_it_is_stored() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let (two, _) = claimed(&store, "lpar02").await;
    let (writer, handle) = Writer::new(store.clone(), WriterSettings::default());
    let running = tokio::spawn(writer.run());
    let mut stale = batched(&two, vec![event(two.id, 1, 1)]);
    stale.fence = nim_shared::id::Fence(0);
    let (a, b) =
        tokio::join!(handle.store(batched(&one, vec![event(one.id, 1, 1)])), handle.store(stale));
    a.unwrap();
    assert!(
        matches!(b, Err(WriteError::Store(ref cause)) if matches!(**cause, Error::Fenced { .. }))
    );
    assert_eq!(store.events(one.id, Cursor::default(), 10).await.unwrap().items.len(), 1);
    drop(handle);
    running.await.unwrap();
}

#[tokio::test]
async fn what_was_submitted_before_the_end_is_stored() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let (writer, handle) =
        Writer::new(store.clone(), WriterSettings { rows: 1, ..WriterSettings::default() });
    let submit = |seq| {
        let handle = handle.clone();
        let part = batched(&one, vec![event(one.id, 1, seq)]);
        tokio::spawn(async move { handle.store(part).await })
    };
    let first = submit(1);
    drop(handle);
    writer.run().await;
    first.await.unwrap().unwrap();
    assert_eq!(store.events(one.id, Cursor::default(), 10).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn once_the_writer_has_ended_nothing_is_promised() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let (writer, handle) = Writer::new(store, WriterSettings::default());
    drop(writer);
    assert!(matches!(handle.store(batched(&one, vec![])).await, Err(WriteError::Ended)));
}
