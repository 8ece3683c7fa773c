use nim_shared::object::ObjectType;
use sea_orm::sqlx::query;

use super::*;
use crate::store::object::{Change, Mode};
use crate::store::testing;
use crate::store::testing::world::{SOMEBODY, accepted, master, name, no_limits, object, site};

#[tokio::test]
async fn nothing_new_is_taken_where_there_is_maintenance_and_what_runs_goes_on() {
    let store = testing::store().await;
    site(&store, 2).await;
    let owner = master(&store).await;
    accepted(&store, &["lpar01"]).await;
    let running = store.claim(owner, &no_limits(), 9).await.unwrap();
    assert_eq!(running.len(), 1);
    let frame = name("p10a");
    store.maintenance_on(&frame, "new \u{1b}firmware", SOMEBODY).await.unwrap();
    let waiting = accepted(&store, &["lpar02"]).await;
    assert!(store.claim(owner, &no_limits(), 9).await.unwrap().is_empty());
    let mut record = [store.operation(waiting[0]).await.unwrap()];
    store.say_what_holds(&no_limits(), &mut record).await.unwrap();
    let why = record[0].waits_for.clone();
    assert_eq!(why.as_deref(), Some("maintenance of p10a: new \u{fffd}firmware"));
    let found = store.maintenance().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].of.as_str(), found[0].by), ("cec", SOMEBODY));
    assert_eq!(store.running_under_maintenance().await.unwrap()[&frame], 1);
    // Said again, it is so since before.
    store.maintenance_on(&frame, "still", SOMEBODY).await.unwrap();
    let again = store.maintenance().await.unwrap();
    assert_eq!((again[0].reason.as_str(), again[0].since), ("still", found[0].since));
    assert!(store.maintenance_off(&frame).await.unwrap());
    assert!(!store.maintenance_off(&frame).await.unwrap());
    assert_eq!(store.claim(owner, &no_limits(), 9).await.unwrap().len(), 1);
    let nobody = store.maintenance_on(&name("p10z"), "x", SOMEBODY).await.unwrap_err();
    assert!(matches!(nobody, Error::NoSuchObject { .. }), "{nobody}");
}

#[tokio::test]
async fn maintenance_of_a_vios_holds_those_that_it_serves() {
    let store = testing::store().await;
    site(&store, 2).await;
    let vios = [("if1", "find_net vios1a 0"), ("identity", "1"), ("mgmt_source", "p10a")];
    let vios = object(ObjectType::Vios, "vios1a", &vios);
    store.apply(vec![Change::Define(vios)], Mode::Store, SOMEBODY).await.unwrap();
    for (lpar, identity) in [("lpar01", 11), ("lpar02", 12)] {
        query("UPDATE nim_standalone SET identity = $2 WHERE object_id = (SELECT id FROM nim_object WHERE name = $1)")
            .bind(lpar)
            .bind(identity)
            .execute(&store.pool)
            .await
            .unwrap();
    }
    query(
        "INSERT INTO vios_reading (vios_id, read_at, reading) SELECT id, now(), $1 FROM nim_object WHERE name = 'vios1a'",
    )
    .bind(serde_json::json!({"adapters": [{"client_id": 11}, {"client_id": null}]}))
    .execute(&store.pool)
    .await
    .unwrap();
    let owner = master(&store).await;
    let on = name("vios1a");
    accepted(&store, &["lpar01", "lpar02"]).await;
    store.maintenance_on(&on, "3.1.4.40", SOMEBODY).await.unwrap();
    let taken = store.claim(owner, &no_limits(), 9).await.unwrap();
    let taken: Vec<_> = taken.iter().map(|one| one.lpar.as_str()).collect();
    assert_eq!(taken, ["lpar02"]);
    assert_eq!(store.running_under_maintenance().await.unwrap()[&on], 0, "it serves another");
    store.maintenance_off(&on).await.unwrap();
    assert_eq!(store.claim(owner, &no_limits(), 9).await.unwrap().len(), 1);
    store.maintenance_on(&on, "3.1.4.40", SOMEBODY).await.unwrap();
    assert_eq!(store.running_under_maintenance().await.unwrap()[&on], 1);
}
