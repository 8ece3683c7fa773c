use std::time::Duration;

use nim_shared::object::ObjectType;
use nim_shared::unit::{Megabytes, ProcessorUnits};
use sea_orm::sqlx::query;

use super::*;
use crate::store::object::{Change, Mode};
use crate::store::reservation::FrameReading;
use crate::store::testing;
use crate::store::testing::world::{SOMEBODY, accepted, name, object, reading, site};

#[tokio::test]
async fn lpars_are_read_with_groups_that_do_not_leave_them_out() {
    let store = testing::store().await;
    site(&store, 3).await;
    let group = [("member", "lpar01,lpar02"), ("excluded", "lpar02")];
    let group = object(ObjectType::MacGroup, "web", &group);
    store.apply(vec![Change::Define(group)], Mode::Store, SOMEBODY).await.unwrap();
    let found = store.rollout_candidates().await.unwrap();
    let groups: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.groups.len())).collect();
    assert_eq!(groups, [("lpar01", 1), ("lpar02", 0), ("lpar03", 0)]);
    assert_eq!(found[0].frame, Some(name("p10a")));
    assert_eq!((found[0].partition.as_str(), found[0].level), ("lpar01", None));
    assert_eq!(found[0].labels["env"], "test");
}

#[tokio::test]
async fn what_partitions_have_is_kept_with_the_reading_of_their_frame() {
    let store = testing::store().await;
    site(&store, 1).await;
    let frame = name("p10a");
    let shape = Shape {
        memory: Megabytes(8192),
        min_memory: Megabytes(2048),
        max_memory: Megabytes(16_384),
        processors: ProcessorUnits { hundredths: 150 },
    };
    let read_at = store.now().await.unwrap();
    let read = |read_at, shapes: &[(&str, Shape)]| FrameReading {
        shapes: shapes.iter().map(|(name, shape)| ((*name).to_owned(), *shape)).collect(),
        ..reading(read_at, 1)
    };
    store.record_reading(&frame, &read(read_at, &[("lpar01", shape)])).await.unwrap();
    assert_eq!(store.frame_shapes(&[&frame]).await.unwrap()[&frame]["lpar01"], shape);
    let later = read_at.plus(Duration::from_secs(1));
    store.record_reading(&frame, &read(later, &[])).await.unwrap();
    assert!(store.frame_shapes(&[&frame]).await.unwrap()[&frame].is_empty());
    assert!(store.promises(&[&frame]).await.unwrap().is_empty());
}

#[tokio::test]
async fn estimates_and_earlier_updates_are_the_newest() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (one, two) = (name("lpar01"), name("lpar02"));
    for (total, blackout, took) in [(600, 77, 700), (900, 60, 1000)] {
        let id = accepted(&store, &["lpar01"]).await[0];
        let open = store.open_operations(&[&one, &two]).await.unwrap();
        assert_eq!(open[&one], (id, StateName::Queued));
        query(
            "UPDATE operation SET state = 'succeeded', estimated_total_seconds = $2, estimated_blackout_seconds = $3,
                started_at = now() - $4 * interval '1 second', ended_at = now(),
                report = jsonb_build_object('blackout', jsonb_build_object('estimated', $3, 'measured', 20500),
                                            'estimated_total', $2)
             WHERE id = $1",
        )
        .bind(id.0)
        .bind(total)
        .bind(blackout)
        .bind(took)
        .execute(&store.pool)
        .await
        .unwrap();
    }
    let estimates = store.estimates(&[&one, &two]).await.unwrap();
    assert_eq!(estimates.len(), 1);
    assert_eq!(estimates[&one], (Some(Seconds(900)), Some(Seconds(60))));
    let past = store.past_updates(10).await.unwrap();
    let figures: Vec<_> = past.iter().map(|one| (one.took.0, one.estimated)).collect();
    assert_eq!(figures, [(1000, Some(Seconds(900))), (700, Some(Seconds(600)))]);
    assert_eq!(past[0].blackout.measured.map(|time| time.0), Some(20_500));
    assert_eq!(store.past_updates(1).await.unwrap().len(), 1);
    assert!(store.open_operations(&[&one]).await.unwrap().is_empty());
}
