//! Durable, deduplicated events per second, beside COPY of the same rows.

use std::time::{Duration, Instant};

use nim_shared::frame::{Event, Known};
use nim_shared::id::{BatchId, ClientToken, Digest, Epoch, MasterId, OperationId, Seq};
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;
use sea_orm::sqlx::Executor as _;
use sea_orm::sqlx::postgres::PgPoolCopyExt as _;
use uuid::Uuid;

use crate::store::event::Batched;
use crate::store::object::{Change, Mode};
use crate::store::operation::{Limits, Step};
use crate::store::{NewBatch, NewOperation, Store, Who};

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct EventBench {
    /// Rows stored each way.
    pub rows: u64,
    /// Through [`Store::append`]: fenced, deduplicated, with the operations' positions, durable as the server is.
    pub append: Duration,
    /// By COPY into a table of the same shape, each batch a transaction.
    pub copy: Duration,
}

impl EventBench {
    /// Rows a second through [`Store::append`].
    #[must_use]
    pub fn append_per_second(&self) -> f64 {
        self.per_second(self.append)
    }

    /// Rows a second by COPY.
    #[must_use]
    pub fn copy_per_second(&self) -> f64 {
        self.per_second(self.copy)
    }

    fn per_second(&self, took: Duration) -> f64 {
        f64::from(u32::try_from(self.rows).unwrap_or(u32::MAX)) / took.as_secs_f64().max(1e-9)
    }
}

/// Stores `each` events of each of `operations` operations in batches of `batch` rows, both ways, on an empty database.
///
/// # Panics
/// When the store refuses.
pub async fn bench_events(store: &Store, operations: u32, each: u64, batch: usize) -> EventBench {
    let fences = accept(store, operations).await;
    let rows = u64::from(operations) * each;
    let mut batches: Vec<Vec<Batched>> = Vec::new();
    let per_batch = usize::try_from(each).expect("a count of events").max(1);
    for chunk in fences.chunks((batch / per_batch).max(1)) {
        batches.push(
            chunk
                .iter()
                .map(|(id, fence)| Batched {
                    operation: *id,
                    fence: *fence,
                    events: (1..=each).map(|seq| event(*id, seq)).collect(),
                    output: Vec::new(),
                    step: Step::default(),
                })
                .collect(),
        );
    }
    // Both begin with the same events: what it takes to write them down counts on both sides.
    let again = batches.clone();
    let begun = Instant::now();
    for batch in batches {
        for stored in store.append(batch).await.expect("store a batch") {
            stored.expect("store the events of an operation");
        }
    }
    let append = begun.elapsed();
    store
        .pool
        .execute("CREATE TABLE bench_copy (LIKE event INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)")
        .await
        .expect("make a table to copy to");
    let begun = Instant::now();
    for batch in again {
        let mut copy = store
            .pool
            .copy_in_raw("COPY bench_copy (operation_id, epoch, seq, hash, at, body) FROM STDIN")
            .await
            .expect("begin to copy");
        copy.send(copy_text(&batch).into_bytes()).await.expect("copy");
        copy.finish().await.expect("end the copy");
    }
    EventBench { rows, append, copy: begun.elapsed() }
}

/// Operations that run, on LPARs made for it.
async fn accept(store: &Store, many: u32) -> Vec<(OperationId, nim_shared::id::Fence)> {
    let who = Who { uid: 0 };
    let names: Vec<nim_shared::id::ObjectName> =
        (0..many).map(|number| format!("bench{number:06}").parse().expect("a name")).collect();
    let lpar = |name: &nim_shared::id::ObjectName| {
        let mut draft = nim_shared::object::Draft::new(nim_shared::object::ObjectType::Standalone);
        draft.set("if1", &format!("find_net {name} 0"));
        Change::Define(draft.finish(name.clone()).expect("an LPAR"))
    };
    store.apply(names.iter().map(lpar).collect(), Mode::Store, who).await.expect("define LPARs");
    let batch = NewBatch {
        id: BatchId(Uuid::now_v7()),
        requested_by: who,
        concurrent: None,
        time_limit: None,
        again_of: None,
        queued: Seconds(3600),
        request: serde_json::Value::Null,
    };
    let new = |name: nim_shared::id::ObjectName| NewOperation {
        id: OperationId(Uuid::now_v7()),
        lpar: name,
        frame: None,
        hmc: None,
        kind: nim_shared::request::Kind::Preview,
        request: "{}".to_owned(),
        digest: Digest::of(b"{}"),
        hooks: Vec::new(),
    };
    let operations: Vec<_> = names.into_iter().map(new).collect();
    store.accept(ClientToken(Uuid::now_v7()), &batch, &operations).await.expect("accept");
    let limits = Limits {
        global: many,
        per_frame: many,
        per_hmc: many,
        deadlines: crate::engine::deadline::Deadlines::default(),
    };
    let master = MasterId(Uuid::now_v7());
    let claimed = store.claim(master, &limits, many).await.expect("claim");
    claimed.iter().map(|one| (one.id, one.fence)).collect()
}

/// An event of the usual size.
fn event(operation: OperationId, seq: u64) -> Event {
    let text = format!(
        "event {seq}: a line of about as much text as geninstall prints in one go on its output"
    );
    Event {
        operation,
        epoch: Epoch(1),
        seq: Seq(seq),
        hash: Digest::of(text.as_bytes()),
        at: Timestamp::from_unix_micros(1_700_000_000_000_000),
        body: Known::Note { text }.into(),
    }
}

/// The same rows in COPY's text format.
fn copy_text(batch: &[Batched]) -> String {
    let mut text = String::new();
    for event in batch.iter().flat_map(|part| &part.events) {
        let body =
            serde_json::to_string(&event.body).expect("a body is JSON").replace('\\', "\\\\");
        text.push_str(&format!(
            "{}\t{}\t{}\t\\\\x{}\t{}\t{body}\n",
            event.operation, event.epoch, event.seq, event.hash, event.at
        ));
    }
    text
}
