use std::time::Duration;

use sea_orm::sqlx::query;

use super::*;
use crate::store::rollout::Turn;
use crate::store::testing;
use crate::store::testing::rollout::begun;
use crate::store::testing::world::{master, name, notice};

/// A change of the rollout `test` with messages.
async fn told(store: &Store, notices: Vec<NewNotice>) {
    let kept = store.rollout("test").await.unwrap();
    let recorded = testing::rollout::told(&kept.state);
    let turn = Turn {
        state: &kept.state,
        recorded: &recorded,
        cancels: false,
        ticket: None,
        happened: vec![],
        notices,
    };
    assert!(store.rollout_turn(kept.id, kept.version, &turn).await.unwrap());
}

fn texts(notices: &[Notice]) -> Vec<(&str, &str, u32)> {
    fn text(one: &Notice) -> (&str, &str, u32) {
        (one.receiver.as_str(), one.message.data.text.as_str(), one.attempts)
    }
    let mut all: Vec<_> = notices.iter().map(text).collect();
    all.sort_unstable();
    all
}

async fn whats(store: &Store) -> Vec<String> {
    let id = store.rollout("test").await.unwrap().id;
    let events = store.rollout_events(id, 10).await.unwrap();
    events.into_iter().map(|one| one.what).filter(|what| !what.starts_with("planned")).collect()
}

#[tokio::test]
async fn messages_to_a_receiver_go_one_by_one_in_their_order_until_they_are_sent_or_given_up() {
    let store = testing::store().await;
    begun(&store, "test", Uuid::now_v7()).await.unwrap();
    let (first, second) = (master(&store).await, master(&store).await);
    assert_eq!(store.claim_notices(first, 10).await.unwrap(), []);
    told(&store, vec![notice("a", "one"), notice("b", "one"), notice("a", "two")]).await;
    told(&store, vec![notice("a", "three\u{0}")]).await;

    let taken = store.claim_notices(first, 10).await.unwrap();
    assert_eq!(texts(&taken), [("a", "one", 1), ("b", "one", 1)]);
    assert_eq!(store.claim_notices(second, 10).await.unwrap(), [], "they are the first one's");
    let of = |taken: &[Notice], receiver: &str| {
        taken.iter().find(|one| one.receiver.as_str() == receiver).unwrap().number
    };
    let (a, b) = (of(&taken, "a"), of(&taken, "b"));
    let later = Delivery::Again(Duration::from_secs(3600), "refused".to_owned());
    store.notices_done(first, &[(a, Delivery::Sent), (b, later)]).await.unwrap();
    assert_eq!(whats(&store).await, [""; 0]);

    let next = store.claim_notices(second, 10).await.unwrap();
    assert_eq!(texts(&next), [("a", "two", 1)], "the other is not due");
    // What somebody else has sent meanwhile is theirs to note.
    store.notices_done(first, &[(next[0].number, Delivery::Sent)]).await.unwrap();
    assert_eq!(store.claim_notices(first, 10).await.unwrap(), []);
    // A master that is gone leaves what it took up, with the same id.
    store.resign(second).await.unwrap();
    let again = store.claim_notices(first, 10).await.unwrap();
    assert_eq!((texts(&again), again[0].id), (vec![("a", "two", 2)], next[0].id));
    let gone = Delivery::GivenUp("it is \u{0}gone".to_owned());
    store.notices_done(first, &[(again[0].number, gone)]).await.unwrap();
    assert_eq!(
        whats(&store).await,
        ["a was not told of \"stopped\", given up after 2 tries: it is gone"]
    );
    assert_eq!(texts(&store.claim_notices(first, 1).await.unwrap()), [("a", "three\u{fffd}", 1)]);

    let id = store.rollout("test").await.unwrap().id;
    let seen = |receiver: &str, sent, waiting, given_up, failure: &str| ReceiverDeliveries {
        receiver: name(receiver),
        sent,
        waiting,
        given_up,
        failure: Some(failure.to_owned()),
    };
    let expected = [seen("a", 1, 1, 1, "it is gone"), seen("b", 0, 1, 0, "refused")];
    assert_eq!(store.deliveries(id).await.unwrap(), expected);
}

#[tokio::test]
async fn a_receiver_for_whom_too_many_wait_gets_no_more_and_that_is_told() {
    let store = testing::store().await;
    begun(&store, "test", Uuid::now_v7()).await.unwrap();
    told(&store, vec![notice("a", "first")]).await;
    query(
        "INSERT INTO notice (id, rollout_id, receiver, subject, message)
         SELECT gen_random_uuid(), rollout_id, receiver, subject, message
         FROM notice, generate_series(1, $1 - 2)",
    )
    .bind(MOST)
    .execute(&store.pool)
    .await
    .unwrap();
    told(&store, vec![notice("a", "last"), notice("a", "late"), notice("b", "other")]).await;
    assert_eq!(
        whats(&store).await,
        ["a is not told of \"stopped\": too many messages wait for it"]
    );
    let id = store.rollout("test").await.unwrap().id;
    let found = store.deliveries(id).await.unwrap();
    let counts: Vec<_> = found.iter().map(|one| (one.waiting, one.given_up)).collect();
    assert_eq!(counts, [(u64::try_from(MOST).unwrap(), 1), (1, 0)]);
}
