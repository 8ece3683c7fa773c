//! Objects and operations for tests.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use nim_shared::api::PartitionView;
use nim_shared::frame::{Event, Known};
use nim_shared::id::{
    BatchId, ClientToken, Digest, Epoch, Fence, LparId, MasterId, ObjectName, OperationId, Seq,
};
use nim_shared::notice::{Message, Subject, Told};
use nim_shared::object::{Draft, Object, ObjectType};
use nim_shared::request::{Kind, Request};
use nim_shared::stamp::Timestamp;
use nim_shared::unit::{Megabytes, ProcessorUnits, Seconds};
use uuid::Uuid;

use crate::engine::capacity::Reading;
use crate::engine::deadline::Deadlines;
use crate::store::event::Batched;
use crate::store::lease::LeaseTimes;
use crate::store::notice::NewNotice;
use crate::store::object::{Change, Mode};
use crate::store::operation::{Adopted, Limits, Record, Step};
use crate::store::reservation::FrameReading;
use crate::store::{NewBatch, NewOperation, Store, Who};

/// Somebody.
pub const SOMEBODY: Who = Who { uid: 1000 };

/// Limits that do not limit.
#[must_use]
pub fn no_limits() -> Limits {
    Limits { global: 1000, per_frame: 1000, per_hmc: 1000, deadlines: Deadlines::default() }
}

/// A partition as an HMC lists it, with RMC.
///
/// # Panics
/// When `id` is 0.
#[must_use]
pub fn partition(name: &str, id: u32, state: &str) -> PartitionView {
    PartitionView {
        name: name.to_owned(),
        lpar_id: LparId(NonZeroU32::new(id).expect("an id is not 0")),
        lpar_env: "aixlinux".to_owned(),
        state: state.to_owned(),
        rmc_state: "active".to_owned(),
        rmc_ipaddr: String::new(),
        os_version: String::new(),
    }
}

/// A name.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn name(text: &str) -> ObjectName {
    text.parse().expect("a name")
}

/// An object from its attributes as text.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn object(of: ObjectType, called: &str, attributes: &[(&str, &str)]) -> Object {
    let mut draft = Draft::new(of);
    for (attribute, value) in attributes {
        draft.add(attribute, value);
    }
    draft.finish(name(called)).expect("an object")
}

/// Two HMCs, the frame `p10a` that both manage, and `lpars` LPARs `lpar01` … on it.
///
/// # Panics
/// When the store refuses.
pub async fn site(store: &Store, lpars: u32) {
    let mut objects = vec![
        object(ObjectType::Hmc, "hmc01", &[("if1", "find_net hmc01 0")]),
        object(ObjectType::Hmc, "hmc02", &[("if1", "find_net hmc02 0")]),
        object(
            ObjectType::Cec,
            "p10a",
            &[
                ("hw_type", "9105"),
                ("hw_model", "42A"),
                ("hw_serial", "78ABCDE"),
                ("mgmt_source", "hmc01,hmc02"),
            ],
        ),
    ];
    for number in 1..=lpars {
        let called = format!("lpar{number:02}");
        let if1 = format!("find_net {called} 0");
        let attributes = [("if1", if1.as_str()), ("mgmt_source", "p10a"), ("label.env", "test")];
        objects.push(object(ObjectType::Standalone, &called, &attributes));
    }
    let changes = objects.into_iter().map(Change::Define).collect();
    store.apply(changes, Mode::Store, SOMEBODY).await.expect("define the site");
}

/// A request, and an operation on each of `lpars`.
#[must_use]
pub fn request(lpars: &[&str]) -> (ClientToken, NewBatch, Vec<NewOperation>) {
    let batch = NewBatch {
        id: BatchId(Uuid::now_v7()),
        requested_by: SOMEBODY,
        concurrent: None,
        time_limit: None,
        queued: Seconds(3600),
        again_of: None,
        request: serde_json::json!({ "targets": lpars }),
    };
    let operation = |lpar: &&str| NewOperation {
        id: OperationId(Uuid::now_v7()),
        lpar: name(lpar),
        frame: Some(name("p10a")),
        hmc: Some(name("hmc01")),
        kind: Kind::Update,
        request: "{}".to_owned(),
        digest: Digest::of(b"{}"),
        hooks: Vec::new(),
    };
    (ClientToken(Uuid::now_v7()), batch, lpars.iter().map(operation).collect())
}

/// An operation that there is not.
#[must_use]
pub const fn nobody() -> OperationId {
    OperationId(Uuid::nil())
}

/// Accepts an operation on each of `lpars`.
///
/// # Panics
/// When the store refuses.
pub async fn accepted(store: &Store, lpars: &[&str]) -> Vec<OperationId> {
    let (token, batch, operations) = request(lpars);
    let accepted = store.accept(token, &batch, &operations).await.expect("accept");
    accepted.operations.into_iter().map(|(id, _)| id).collect()
}

/// What an HMC showed of a frame with this much memory free and without any partition.
#[must_use]
pub fn reading(read_at: Timestamp, free: u64) -> FrameReading {
    let reading = Reading {
        read_at,
        free_memory: Megabytes(free),
        free_processors: ProcessorUnits { hundredths: 1000 },
        region: Megabytes(0),
        configurable_memory: Megabytes(0),
        partitions: None,
        max_partitions: None,
    };
    FrameReading {
        reading,
        surrogates: vec![],
        partitions: vec![],
        shapes: BTreeMap::new(),
        processors: BTreeMap::new(),
        pools: BTreeMap::new(),
    }
}

/// An operation that `lpar` has, and of which the database knows nothing.
#[must_use]
pub fn adopted(lpar: &str) -> Adopted {
    let request = Request::of(Kind::Update);
    Adopted {
        id: OperationId(Uuid::now_v7()),
        lpar: name(lpar),
        text: serde_json::to_string(&request).expect("a request is JSON"),
        request,
        fence: Fence(7),
        deadline: Seconds(3600),
    }
}

/// A master with a lease.
///
/// # Panics
/// When the store refuses.
pub async fn master(store: &Store) -> MasterId {
    let id = MasterId(Uuid::now_v7());
    store.register(id, &format!("place of {id}"), LeaseTimes::default()).await.expect("register");
    id
}

/// A claimed operation on `lpar`, and its owner.
///
/// # Panics
/// When the store refuses.
pub async fn claimed(store: &Store, lpar: &str) -> (Record, MasterId) {
    accepted(store, &[lpar]).await;
    let owner = master(store).await;
    let record =
        store.claim(owner, &no_limits(), 1).await.expect("claim").pop().expect("one in the queue");
    (record, owner)
}

/// An event that says little.
#[must_use]
pub fn event(operation: OperationId, epoch: u64, seq: u64) -> Event {
    let text = format!("event {epoch}/{seq}");
    Event {
        operation,
        epoch: Epoch(epoch),
        seq: Seq(seq),
        hash: Digest::of(text.as_bytes()),
        at: Timestamp::from_unix_micros(1_700_000_000_000_000),
        body: Known::Note { text }.into(),
    }
}

/// Events of an operation as its owner stores them.
#[must_use]
pub fn batched(record: &Record, events: Vec<Event>) -> Batched {
    Batched {
        operation: record.id,
        fence: record.fence,
        events,
        output: Vec::new(),
        step: Step::default(),
    }
}

/// A message to a receiver.
#[must_use]
pub fn notice(receiver: &str, text: &str) -> NewNotice {
    let data = Told { text: text.to_owned(), rollout: None, lpars: Vec::new(), more_lpars: 0 };
    let timestamp = Timestamp::from_unix_micros(0);
    let message = Message { subject: Subject::Stopped, timestamp, data };
    NewNotice { receiver: name(receiver), message }
}
