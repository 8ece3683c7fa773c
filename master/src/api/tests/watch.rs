//! Following operations, and going on where one was.

use nim_shared::frame::{Event, Known};
use nim_shared::id::{Digest, Epoch, MasterId, OperationId, Seq};
use nim_shared::operation::Outcome;
use nim_shared::unit::Seconds;
use serde_json::Value;

use super::client::{Fixture, Watch};
use super::cust::{ready, request, send};
use crate::engine::deadline::Deadlines;
use crate::engine::operation::{Operation, State};
use crate::store::Store;
use crate::store::event::Batched;
use crate::store::operation::{Limits, Record, Step};
use crate::store::output::Chunk;

/// Claims the operation and stores `count` events and lines of output of it, as its owner does.
pub(super) async fn work(nimd: &Fixture, id: OperationId, master: MasterId, count: u64) -> Record {
    let record = claim(&nimd.store, id, master).await;
    append(&nimd.store, &record, 1, count, Step::default()).await;
    record
}

/// Takes the operation for `master`.
async fn claim(store: &Store, id: OperationId, master: MasterId) -> Record {
    let times = crate::store::lease::LeaseTimes::default();
    store.register(master, "here", times).await.unwrap();
    store.heartbeat(master, times).await.unwrap();
    let limits =
        Limits { global: 100, per_frame: 100, per_hmc: 100, deadlines: Deadlines::default() };
    let claimed = store.claim(master, &limits, 100).await.unwrap();
    claimed.into_iter().find(|record| record.id == id).expect("the operation is claimed")
}

/// Stores the events `first` to `last`, each with a line of output.
async fn append(store: &Store, record: &Record, first: u64, last: u64, step: Step) {
    let mut hash = Digest::ZERO;
    let mut offset = 0;
    let (mut events, mut output) = (Vec::new(), Vec::new());
    for seq in 1..=last {
        hash = hash.chain(&seq.to_be_bytes());
        let data = format!("line {seq}\n").into_bytes();
        let end = offset + data.len() as u64;
        if seq >= first {
            events.push(Event {
                operation: record.id,
                epoch: Epoch(1),
                seq: Seq(seq),
                hash,
                at: "2026-11-21T12:00:00Z".parse().unwrap(),
                body: Known::Note { text: format!("event {seq}") }.into(),
            });
            output.push(Chunk { epoch: Epoch(1), offset, data });
        }
        offset = end;
    }
    let part = Batched { operation: record.id, fence: record.fence, events, output, step };
    store.append(vec![part]).await.unwrap().remove(0).unwrap();
    store.hint(crate::store::notify::Topic::Events).await;
}

/// Ends the operation.
async fn finish(store: &Store, record: &Record, seq: u64) {
    let running =
        Operation { state: State::Ended { outcome: Outcome::Unchanged }, cancel_asked: false };
    let step = Step { operation: Some(running), ..Step::default() };
    append(store, record, seq, seq, step).await;
}

/// The events that come until one has the number `last`.
async fn until(watch: &mut Watch, last: u64) -> (Vec<u64>, Option<String>) {
    let mut seqs = Vec::new();
    let mut place = None;
    loop {
        let (id, message) = watch.next().await.expect("the stream goes on");
        place = id.or(place);
        if message["watched"] == "event" {
            let seq = message["seq"].as_u64().unwrap();
            seqs.push(seq);
            if seq == last {
                return (seqs, place);
            }
        }
    }
}

async fn one(nimd: &Fixture) -> OperationId {
    let (status, accepted) = send(nimd, &request(&["lpar01"])).await;
    assert_eq!(status, 200, "{accepted}");
    accepted["operations"][0]["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_operation_is_followed_from_its_row_to_its_end() {
    let nimd = ready().await;
    let id = one(&nimd).await;
    let mut watch = nimd.watch(&format!("operation={id}"), None).await;
    let (_, first) = watch.next().await.unwrap();
    assert_eq!(
        (first["watched"].as_str(), first["state"].as_str()),
        (Some("operation"), Some("queued"))
    );
    let record = work(&nimd, id, MasterId(uuid::Uuid::now_v7()), 3).await;
    let (seqs, _) = until(&mut watch, 3).await;
    assert_eq!(seqs, [1, 2, 3]);
    finish(&nimd.store, &record, 4).await;
    let (seqs, _) = until(&mut watch, 4).await;
    assert_eq!(seqs, [4]);
    let mut rest: Vec<Value> = Vec::new();
    while let Some((_, message)) = watch.next().await {
        rest.push(message);
    }
    assert_eq!(rest.last().unwrap()["watched"], "end", "{rest:?}");
    assert_eq!(rest[rest.len() - 2]["state"], "unchanged", "{rest:?}");
}

#[tokio::test]
async fn of_an_operation_that_is_over_the_outcome_comes_last() {
    let nimd = ready().await;
    let id = one(&nimd).await;
    let record = work(&nimd, id, MasterId(uuid::Uuid::now_v7()), 2).await;
    finish(&nimd.store, &record, 3).await;
    let mut watch = nimd.watch(&format!("operation={id}"), None).await;
    let mut came = Vec::new();
    while let Some((_, message)) = watch.next().await {
        came.push(message["watched"].as_str().unwrap().to_owned());
    }
    assert_eq!(came, ["event", "event", "event", "operation", "end"]);
}

#[tokio::test]
async fn who_comes_back_gets_what_came_meanwhile_once() {
    let nimd = ready().await;
    let id = one(&nimd).await;
    let record = work(&nimd, id, MasterId(uuid::Uuid::now_v7()), 5).await;
    let query = format!("operation={id}");
    let mut watch = nimd.watch(&query, None).await;
    // The connection is cut after any event: each of them has a place to go on from.
    let (seqs, place) = until(&mut watch, 2).await;
    assert_eq!(seqs, [1, 2]);
    drop(watch);
    append(&nimd.store, &record, 6, 7, Step::default()).await;
    let mut watch = nimd.watch(&query, place.as_deref()).await;
    let (seqs, place) = until(&mut watch, 7).await;
    assert_eq!(seqs, [3, 4, 5, 6, 7]);
    drop(watch);
    finish(&nimd.store, &record, 8).await;
    // Another nimd on the same database goes on at the same place.
    let other = Fixture::on(nimd.store.clone(), "").await;
    let mut watch = other.watch(&query, place.as_deref()).await;
    assert_eq!(until(&mut watch, 8).await.0, [8]);
}

#[tokio::test]
async fn a_batch_is_followed_as_a_whole() {
    let nimd = ready().await;
    let (_, accepted) = send(&nimd, &request(&["pair"])).await;
    let batch = accepted["batch"].as_str().unwrap();
    let ids: Vec<_> =
        accepted["operations"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    let mut watch = nimd.watch(&format!("batch={batch}"), None).await;
    for id in &ids {
        let (_, message) = watch.next().await.unwrap();
        assert_eq!((&message["id"], message["watched"].as_str()), (id, Some("operation")));
    }
    for id in &ids {
        nimd.send("POST", &format!("/v1/operations/{}/cancel", id.as_str().unwrap()), "").await;
    }
    let mut ended = Vec::new();
    while let Some((_, message)) = watch.next().await {
        match message["watched"].as_str() {
            Some("operation") if message["state"] == "cancelled" => {
                ended.push(message["id"].clone())
            }
            Some("operation" | "end") => {}
            other => panic!("{other:?}"),
        }
    }
    ended.sort_by_key(ToString::to_string);
    assert_eq!(ended, ids);
}

#[tokio::test]
async fn a_nimd_that_ends_lets_its_watchers_go_without_an_end() {
    let nimd = ready().await;
    let id = one(&nimd).await;
    let mut watch = nimd.watch(&format!("operation={id}"), None).await;
    watch.next().await.unwrap();
    nimd.end();
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn only_so_many_may_watch() {
    let nimd = Fixture::with("api: {watchers: 1}\n").await;
    nimd.fleet().await;
    super::cust::make_ready(&nimd).await;
    let id = one(&nimd).await;
    let mut watch = nimd.watch(&format!("operation={id}"), None).await;
    watch.next().await.unwrap();
    let (status, failure) = nimd.get(&format!("/v1/watch?operation={id}")).await;
    assert_eq!((status, failure["code"].as_str()), (503, Some("NLU-0133")), "{failure}");
}

#[tokio::test]
async fn an_estimate_is_shown_as_soon_as_it_is_known() {
    let nimd = ready().await;
    let id = one(&nimd).await;
    let record = claim(&nimd.store, id, MasterId(uuid::Uuid::now_v7())).await;
    let step = Step { estimate: Some((Some(Seconds(21)), Some(Seconds(658)))), ..Step::default() };
    append(&nimd.store, &record, 1, 1, step).await;
    let (_, view) = nimd.get(&format!("/v1/operations/{id}")).await;
    assert_eq!(
        (view["estimated_blackout"].as_u64(), view["estimated_total"].as_u64()),
        (Some(21), Some(658))
    );
}
