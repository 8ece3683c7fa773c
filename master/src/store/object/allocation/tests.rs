use nim_shared::id::{ClientToken, ObjectName, OperationId};
use nim_shared::object::{Object, ObjectType};
use serde_json::json;

use super::super::*;
use crate::store::testing;
use crate::store::testing::world::{SOMEBODY, name, object, request, site};
use crate::store::{Error, Store};

/// Two LPARs, and a resource or two of some types.
async fn world() -> Store {
    let store = testing::store().await;
    site(&store, 2).await;
    let resources = [
        (ObjectType::Spot, "spot_a"),
        (ObjectType::Spot, "spot_b"),
        (ObjectType::Script, "script_a"),
        (ObjectType::Script, "script_b"),
        (ObjectType::LppSource, "lpp"),
        (ObjectType::LiveUpdateData, "lud_lpar01"),
        (ObjectType::LiveUpdateData, "lud_lpar02"),
        (ObjectType::InstallpBundle, "bundle"),
    ];
    for (of, called) in resources {
        let location = format!("/export/{called}");
        store.define(&object(of, called, &[("location", &location)]), SOMEBODY).await.unwrap();
    }
    store
}

/// Has `machine` hold `resources`, and nothing else.
async fn hold(store: &Store, machine: &str, resources: &[&str]) -> Result<(), Error> {
    let edit = |mut objects: Vec<Object>| {
        for object in &mut objects {
            *object.spec.allocated_mut().unwrap() =
                resources.iter().map(|text| name(text)).collect();
        }
        Ok(objects)
    };
    store.edit::<Error>(&[name(machine)], SOMEBODY, edit).await.map(drop)
}

/// Accepts a `cust` of both LPARs.
async fn cust(store: &Store) -> Vec<OperationId> {
    let (token, mut batch, operations) = request(&["lpar01", "lpar02"]);
    batch.request = json!({
        "token": ClientToken(uuid::Uuid::nil()), "targets": ["lpar*"], "kind": "preview", "lpp_source": "lpp",
        "install": {"list": []}, "bundles": ["bundle"], "accept_licenses": true, "live_update_data": "lud_{lpar}",
        "concurrent": null, "time_limit": null,
    });
    let accepted = store.accept(token, &batch, &operations).await.unwrap();
    accepted.operations.into_iter().map(|(id, _)| id).collect()
}

async fn counts(store: &Store) -> Vec<(String, u64)> {
    let all: Vec<ObjectName> =
        ["spot_a", "script_a", "lpp", "lud_lpar01", "lud_lpar02", "bundle"].map(name).into();
    let counts = store.alloc_counts(&all.iter().collect::<Vec<_>>()).await.unwrap();
    counts.into_iter().map(|(name, count)| (name.to_string(), count)).collect()
}

fn row(name: &str, count: u64) -> (String, u64) {
    (name.to_owned(), count)
}

fn faults<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    match result {
        Err(Error::Faults { faults }) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("no faults but {other:?}"),
    }
}

#[tokio::test]
async fn what_is_allocated_is_counted_read_back_and_goes_with_its_machine() {
    let store = world().await;
    hold(&store, "lpar01", &["script_b", "script_a", "spot_a"]).await.unwrap();
    hold(&store, "lpar02", &["spot_a"]).await.unwrap();
    assert_eq!(counts(&store).await, [row("script_a", 1), row("spot_a", 2)]);
    let stored = store.object(&name("lpar01")).await.unwrap();
    assert_eq!(stored.object.spec.allocated(), ["script_b", "script_a", "spot_a"].map(name));
    let types = store.allocated_types(&[&name("lpar01")]).await.unwrap();
    assert_eq!((types.len(), types[&name("spot_a")]), (3, ObjectType::Spot));
    hold(&store, "lpar01", &["script_b"]).await.unwrap();
    assert_eq!(counts(&store).await, [row("spot_a", 1)]);
    store.remove(&name("lpar02"), SOMEBODY).await.unwrap();
    assert_eq!(counts(&store).await, []);
    store.remove(&name("spot_a"), SOMEBODY).await.unwrap();
}

#[tokio::test]
async fn a_machine_holds_one_resource_of_a_type_but_for_scripts() {
    let store = world().await;
    assert_eq!(
        faults(hold(&store, "lpar01", &["spot_a", "script_a", "script_b", "spot_b"]).await),
        ["lpar01: spot_b cannot be allocated to it: it holds the spot spot_a"]
    );
    assert_eq!(
        faults(hold(&store, "lpar01", &["p10a"]).await),
        ["lpar01: allocated names \"p10a\", which is of type cec"]
    );
    assert_eq!(counts(&store).await, []);
}

#[tokio::test]
async fn what_machines_hold_is_neither_changed_nor_removed_unless_a_change_is_forced() {
    let store = world().await;
    hold(&store, "lpar02", &["spot_a"]).await.unwrap();
    hold(&store, "lpar01", &["spot_a"]).await.unwrap();
    let held = ["spot_a: it is allocated to lpar01, lpar02"];
    let other = object(ObjectType::Spot, "spot_a", &[("location", "/elsewhere")]);
    let change = || vec![Change::Change { object: other.clone(), version: None }];
    assert_eq!(faults(store.apply(change(), Mode::Store, SOMEBODY).await), held);
    assert_eq!(faults(store.apply(change(), Mode::DryRun, SOMEBODY).await), held);
    assert_eq!(faults(store.remove(&name("spot_a"), SOMEBODY).await), held);
    let remove = vec![Change::Remove(name("spot_a"))];
    assert_eq!(faults(store.apply(remove, Mode::Force, SOMEBODY).await), held);
    store.apply(change(), Mode::Force, SOMEBODY).await.unwrap();
    // What is as it should be is no change.
    store.apply(vec![Change::Put(other)], Mode::Store, SOMEBODY).await.unwrap();
    // It goes with those that hold it, or when they let go of it in the same request.
    let mut lpar = store.object(&name("lpar01")).await.unwrap().object;
    lpar.spec.allocated_mut().unwrap().clear();
    let changes =
        vec![Change::Remove(name("spot_a")), Change::Put(lpar), Change::Remove(name("lpar02"))];
    store.apply(changes, Mode::Store, SOMEBODY).await.unwrap();
}

#[tokio::test]
async fn what_an_open_operation_uses_is_held_until_it_ends() {
    let store = world().await;
    // What is allocated too counts once, and stays.
    hold(&store, "lpar01", &["lpp"]).await.unwrap();
    let ids = cust(&store).await;
    assert_eq!(
        counts(&store).await,
        [row("bundle", 2), row("lpp", 2), row("lud_lpar01", 1), row("lud_lpar02", 1)]
    );
    let used = store.in_use(Some(&[&name("lpar02")])).await.unwrap();
    let used: Vec<_> =
        used.iter().map(|one| (one.of, one.resource.as_str(), one.operation)).collect();
    assert_eq!(
        used,
        [
            (ObjectType::LppSource, "lpp", ids[1]),
            (ObjectType::LiveUpdateData, "lud_lpar02", ids[1]),
            (ObjectType::InstallpBundle, "bundle", ids[1]),
        ]
    );
    assert_eq!(
        faults(store.remove(&name("lud_lpar02"), SOMEBODY).await),
        ["lud_lpar02: it is allocated to lpar02"]
    );
    for id in ids {
        store.ask_cancel(id, SOMEBODY).await.unwrap();
    }
    assert_eq!(counts(&store).await, [row("lpp", 1)]);
    store.remove(&name("lud_lpar02"), SOMEBODY).await.unwrap();
}

#[tokio::test]
async fn an_operation_that_was_found_on_an_lpar_uses_nothing_that_is_known() {
    let store = world().await;
    testing::world::accepted(&store, &["lpar01"]).await;
    assert_eq!(store.in_use(None).await.unwrap(), []);
}

#[tokio::test]
async fn a_check_is_kept_until_the_object_is_somewhere_else() {
    let store = world().await;
    let spot = store.object(&name("spot_a")).await.unwrap();
    assert!(store.checked(&spot, Some("not there")).await.unwrap());
    let found = async || {
        let checks = store.checks(&[&name("spot_a")]).await.unwrap();
        checks.into_values().map(|check| check.problem).collect::<Vec<_>>()
    };
    assert_eq!(found().await, [Some("not there".to_owned())]);
    let mut object = spot.object.clone();
    object.comments = Some("a spot".to_owned());
    store.change(&object, None, SOMEBODY).await.unwrap();
    assert!(!store.checked(&spot, None).await.unwrap(), "it is another by now");
    assert_eq!(found().await, [Some("not there".to_owned())]);
    let elsewhere = self::object(ObjectType::Spot, "spot_a", &[("location", "/elsewhere")]);
    store.change(&elsewhere, None, SOMEBODY).await.unwrap();
    assert_eq!(found().await, []);
}
