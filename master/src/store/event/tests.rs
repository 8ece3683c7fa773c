use nim_shared::frame::{Body, Change, ChangeClass, ChangeMoment, Effect, Known};
use nim_shared::id::{Epoch, Fence, OperationId, Seq};
use nim_shared::operation::Named;
use uuid::Uuid;

use super::*;
use crate::store::operation::{Record, Step};
use crate::store::output::{Chunk, OutputCursor};
use crate::store::testing::world::{batched, claimed, event, master, site};
use crate::store::{ConnectOptions, testing};

async fn stored_events(store: &Store, operation: OperationId) -> Vec<Event> {
    let page = store.events(operation, Cursor::default(), 1000).await.unwrap();
    page.items.into_iter().map(|one| one.event).collect()
}

fn events(record: &Record, seqs: std::ops::RangeInclusive<u64>) -> Vec<Event> {
    seqs.map(|seq| event(record.id, 1, seq)).collect()
}

/// What became of one part stored alone.
async fn append(store: &Store, part: Batched) -> Stored {
    let mut answers = store.append(vec![part]).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

#[tokio::test]
async fn what_comes_twice_is_stored_once_and_the_position_moves_forward_only() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    append(&store, batched(&one, events(&one, 1..=3))).await.unwrap();
    append(&store, batched(&one, events(&one, 2..=5))).await.unwrap();
    append(&store, batched(&one, events(&one, 1..=2))).await.unwrap();
    assert_eq!(stored_events(&store, one.id).await, events(&one, 1..=5));
    let position = store.operation(one.id).await.unwrap().position;
    assert_eq!((position.epoch, position.seq), (Epoch(1), Seq(5)));
    assert_eq!(position.hash, event(one.id, 1, 5).hash);
}

#[tokio::test]
async fn a_gap_an_older_line_of_history_and_foreign_events_are_refused() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let (two, _) = claimed(&store, "lpar02").await;
    append(&store, batched(&one, events(&one, 1..=2))).await.unwrap();
    let gap = |result: Stored| assert!(matches!(result, Err(Error::Gap { .. })), "{result:?}");
    gap(append(&store, batched(&one, events(&one, 4..=5))).await);
    gap(append(&store, batched(&one, vec![event(one.id, 1, 3), event(one.id, 1, 5)])).await);
    gap(append(&store, batched(&one, vec![event(two.id, 1, 3)])).await);
    append(&store, batched(&one, vec![event(one.id, 2, 2)])).await.unwrap();
    gap(append(&store, batched(&one, events(&one, 3..=3))).await);
    assert_eq!(stored_events(&store, one.id).await.len(), 3);
    assert_eq!(stored_events(&store, two.id).await, []);
    let position = store.operation(one.id).await.unwrap().position;
    assert_eq!((position.epoch, position.seq), (Epoch(2), Seq(2)));
}

#[tokio::test]
async fn one_refused_part_does_not_hold_up_the_others() {
    let store = testing::store().await;
    site(&store, 3).await;
    let (fresh, _) = claimed(&store, "lpar01").await;
    let (taken, former) = claimed(&store, "lpar02").await;
    let (huge, _) = claimed(&store, "lpar03").await;
    store.resign(former).await.unwrap();
    store.take_over(master(&store).await, 10).await.unwrap();
    let unknown = Record { id: OperationId(Uuid::now_v7()), ..fresh.clone() };
    let answers = store
        .append(vec![
            batched(&taken, events(&taken, 1..=1)),
            batched(&huge, vec![event(huge.id, 1, u64::MAX)]),
            batched(&fresh, events(&fresh, 1..=1)),
            batched(&unknown, events(&unknown, 1..=1)),
            batched(&fresh, events(&fresh, 2..=2)),
        ])
        .await
        .unwrap();
    let kinds: Vec<_> = answers.iter().map(|one| one.as_ref().err().map(Error::code)).collect();
    assert_eq!(kinds, [Some("NLU-0324"), Some("NLU-0326"), None, Some("NLU-0322"), None]);
    assert_eq!(stored_events(&store, taken.id).await, []);
    assert_eq!(stored_events(&store, fresh.id).await, events(&fresh, 1..=2));
}

#[tokio::test]
async fn of_two_fences_in_one_batch_the_lower_is_refused() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let older = Record { fence: Fence(0), ..one.clone() };
    let answers = store
        .append(vec![batched(&older, events(&one, 1..=1)), batched(&one, events(&one, 1..=1))])
        .await
        .unwrap();
    assert!(matches!(answers[..], [Err(Error::Fenced { fence: Fence(0), .. }), Ok(())]));
}

#[tokio::test]
async fn a_nul_from_a_hostile_host_stops_nobody() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let (two, _) = claimed(&store, "lpar02").await;
    let mut hostile = event(one.id, 1, 1);
    hostile.body = Body::Other(serde_json::json!({ "kind": "no\0ne", "k\0": ["\0", "\\u0000"] }));
    let answers = store
        .append(vec![batched(&one, vec![hostile]), batched(&two, events(&two, 1..=1))])
        .await
        .unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let expected =
        serde_json::json!({ "kind": "no\u{fffd}ne", "k\u{fffd}": ["\u{fffd}", "\\u0000"] });
    assert_eq!(stored_events(&store, one.id).await[0].body, Body::Other(expected));
}

#[tokio::test]
async fn a_cursor_goes_on_after_the_last_event_over_lines_of_history() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    append(&store, batched(&one, events(&one, 1..=4))).await.unwrap();
    append(&store, batched(&one, vec![event(one.id, 2, 3), event(one.id, 2, 4)])).await.unwrap();
    let mut after = Cursor::default();
    let mut seen = Vec::new();
    loop {
        let page = store.events(one.id, after, 2).await.unwrap();
        seen.extend(page.items.iter().map(|one| (one.event.epoch.0, one.event.seq.0)));
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(seen, [(1, 1), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4)]);
}

#[tokio::test]
async fn the_events_of_many_operations_are_read_at_once_each_between_its_places() {
    let store = testing::store().await;
    site(&store, 3).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let (two, _) = claimed(&store, "lpar02").await;
    let (three, _) = claimed(&store, "lpar03").await;
    append(&store, batched(&one, events(&one, 1..=4))).await.unwrap();
    append(&store, batched(&one, vec![event(one.id, 2, 3), event(one.id, 2, 4)])).await.unwrap();
    append(&store, batched(&two, events(&two, 1..=5))).await.unwrap();
    let at = |epoch, seq| Cursor { epoch: Epoch(epoch), seq: Seq(seq) };
    let read = async |limit| {
        let wanted = [
            (two.id, at(1, 1), at(1, 4)),
            (one.id, at(1, 3), at(2, 3)),
            (three.id, Cursor::default(), at(9, 9)),
        ];
        let found = store.events_between(&wanted, limit).await.unwrap();
        let of = |id| {
            let its = found.iter().filter(move |one| one.event.operation == id);
            its.map(|one| (one.event.epoch.0, one.event.seq.0)).collect::<Vec<_>>()
        };
        (of(one.id), of(two.id), of(three.id))
    };
    assert_eq!(read(10).await, (vec![(1, 4), (2, 3)], vec![(1, 2), (1, 3), (1, 4)], vec![]));
    assert_eq!(read(1).await, (vec![(1, 4)], vec![(1, 2)], vec![]));
    assert!(store.events_between(&[], 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_list_of_changes_says_where_each_stands() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let change = |number, moment| Change {
        number,
        moment: Named::Known(moment),
        class: Named::Known(ChangeClass::Always),
        effect: Effect::Folder { path: format!("/tmp/{number}") },
        error: None,
    };
    let changed = |seq, number, moment| Event {
        body: Known::Change(change(number, moment)).into(),
        ..event(one.id, 1, seq)
    };
    let first = vec![
        changed(1, 1, ChangeMoment::Intent),
        changed(2, 1, ChangeMoment::Done),
        changed(3, 2, ChangeMoment::Intent),
    ];
    append(&store, batched(&one, first.clone())).await.unwrap();
    append(&store, batched(&one, vec![changed(4, 1, ChangeMoment::Undone)])).await.unwrap();
    append(&store, batched(&one, first)).await.unwrap();
    let list = store.change_list(one.id).await.unwrap();
    assert_eq!(list, [change(1, ChangeMoment::Undone), change(2, ChangeMoment::Intent)]);
}

#[tokio::test]
async fn output_reads_back_whole_when_it_came_in_overlapping_pieces() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let text: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    let piece = |from: usize, to: usize| Chunk {
        epoch: Epoch(1),
        offset: from as u64,
        data: text[from..to].to_vec(),
    };
    for pieces in [
        vec![piece(0, 70_000), piece(70_000, 70_010)],
        vec![piece(60_000, 150_000)],
        vec![piece(150_000, 200_000)],
    ] {
        let part = Batched { output: pieces, ..batched(&one, vec![]) };
        append(&store, part).await.unwrap();
    }
    let mut from = OutputCursor { epoch: Epoch(1), offset: 0 };
    let mut read = Vec::new();
    loop {
        let part = store.output(one.id, from, 50_000).await.unwrap();
        for chunk in &part.chunks {
            assert_eq!(chunk.offset, read.len() as u64);
            read.extend_from_slice(&chunk.data);
        }
        from = part.next;
        if part.complete {
            break;
        }
    }
    assert!(read == text);
    let record = store.operation(one.id).await.unwrap();
    assert_eq!((record.output_offset, record.output_cut), (200_000, false));
}

#[tokio::test]
async fn output_beyond_the_limit_is_cut_with_a_mark() {
    let database = testing::TestDatabase::migrated().await;
    let options = ConnectOptions { output_limit: 10, ..database.options() };
    let store = Store::open(&options).await.unwrap();
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    for (offset, data) in [(0, b"12345678".to_vec()), (8, b"90abc".to_vec()), (13, b"def".to_vec())]
    {
        let chunk = Chunk { epoch: Epoch(1), offset, data };
        append(&store, Batched { output: vec![chunk], ..batched(&one, vec![]) }).await.unwrap();
    }
    let part =
        store.output(one.id, OutputCursor { epoch: Epoch(1), offset: 0 }, 100).await.unwrap();
    let read: Vec<u8> = part.chunks.iter().flat_map(|chunk| chunk.data.clone()).collect();
    assert_eq!((read.as_slice(), part.cut, part.complete), (b"1234567890".as_slice(), true, true));
    assert_eq!(
        store.operation(one.id).await.unwrap().output_offset,
        16,
        "what was received counts"
    );
}

#[tokio::test]
async fn the_steps_of_a_batch_are_stored_with_its_events() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    let (running, actions) = one.operation.after(crate::engine::operation::Event::Taken).unwrap();
    let part =
        Batched { step: Step::new(running.clone(), actions), ..batched(&one, events(&one, 1..=1)) };
    append(&store, part).await.unwrap();
    let after = store.operation(one.id).await.unwrap();
    assert_eq!(after.operation, running);
    assert!(after.started_at.is_some());
}

#[tokio::test]
async fn partitions_are_made_ahead_take_over_what_came_early_and_are_dropped_when_old() {
    let store = testing::store().await;
    let late: Timestamp = "2031-05-04T03:02:01Z".parse().unwrap();
    let id = |at: &str| {
        let at: Timestamp = at.parse().unwrap();
        let milliseconds = u128::try_from(at.get().unix_timestamp_nanos() / 1_000_000).unwrap();
        OperationId(Uuid::from_u128(milliseconds << 80 | 7 << 76 | 2 << 62 | 1))
    };
    let early = id("2031-06-01T00:00:00Z");
    let insert = "INSERT INTO event (operation_id, epoch, seq, hash, at, body) VALUES ($1, 1, 1, '', now(), '{}')";
    sea_orm::sqlx::query(insert).bind(early.0).execute(&store.pool).await.unwrap();
    let in_table = async |table: &'static str| -> i64 {
        let count = format!("SELECT count(*) FROM {table} WHERE operation_id = '{early}'");
        query_scalar(sea_orm::sqlx::AssertSqlSafe(count)).fetch_one(&store.pool).await.unwrap()
    };
    assert_eq!(in_table("event_default").await, 1);
    store.make_partitions(late).await.unwrap();
    store.make_partitions(late).await.unwrap();
    assert_eq!((in_table("event_default").await, in_table("event_2031_06").await), (0, 1));
    let dropped = store.drop_partitions("2031-07-15T00:00:00Z".parse().unwrap()).await.unwrap();
    assert!(dropped.contains(&"event_2031_06".to_owned()), "{dropped:?}");
    assert!(!dropped.contains(&"event_2031_07".to_owned()), "{dropped:?}");
    assert_eq!(in_table("event").await, 0);
}

#[tokio::test]
async fn a_month_with_an_open_operation_is_kept() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (one, _) = claimed(&store, "lpar01").await;
    append(&store, batched(&one, events(&one, 1..=1))).await.unwrap();
    let next_year = one.created_at.plus(std::time::Duration::from_secs(366 * 86_400));
    store.drop_partitions(next_year).await.unwrap();
    assert_eq!(stored_events(&store, one.id).await.len(), 1);
}

#[tokio::test]
async fn the_bench_stores_the_same_rows_both_ways() {
    let store = testing::store().await;
    let bench = testing::bench_events(&store, 10, 7, 20).await;
    assert_eq!(bench.rows, 70);
    let count = async |sql: &'static str| -> i64 {
        query_scalar(sql).fetch_one(&store.pool).await.unwrap()
    };
    let both = "SELECT count(*) FROM event JOIN bench_copy USING (operation_id, epoch, seq, hash, at, body)";
    assert_eq!(count(both).await, 70);
    assert_eq!(count("SELECT count(*) FROM event").await, 70);
}
