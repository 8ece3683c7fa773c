//! What machines hold, and whether objects are as they should be.

use serde_json::{Value, json};

use super::client::Fixture;
use super::cust;

/// A fleet with a spot and two scripts.
async fn fleet() -> Fixture {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    for (of, name) in [("spot", "spot_a"), ("spot", "spot_b"), ("script", "one"), ("script", "two")]
    {
        let location = nimd.folder().join(name).display().to_string();
        define(&nimd, of, name, &location).await;
    }
    nimd
}

async fn define(nimd: &Fixture, of: &str, name: &str, location: &str) {
    let body = json!({"type": of, "name": name,
        "attributes": [{"attribute": "location", "value": location}]});
    let (status, made) = nimd.post("/v1/objects", &body).await;
    assert_eq!(status, 201, "{made}");
}

fn resources(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(of, name)| json!({"attribute": of, "value": name})).collect()
}

async fn allocate(nimd: &Fixture, machines: &[&str], pairs: &[(&str, &str)]) -> (u16, Value) {
    let body = json!({"machines": machines, "resources": resources(pairs)});
    nimd.post("/v1/allocate", &body).await
}

async fn deallocate(
    nimd: &Fixture,
    machines: &[&str],
    pairs: &[(&str, &str)],
    force: bool,
) -> (u16, Value) {
    let body = json!({"machines": machines, "resources": resources(pairs), "all": pairs.is_empty(), "force": force});
    nimd.post("/v1/deallocate", &body).await
}

/// The derived attribute of an object; all of them of that name, where they are numbered.
async fn derived(nimd: &Fixture, name: &str, attribute: &str) -> Vec<String> {
    let (_, object) = nimd.get(&format!("/v1/objects/{name}")).await;
    let rows = object["derived"].as_array().unwrap().iter();
    rows.filter(|row| row["attribute"].as_str().unwrap().starts_with(attribute))
        .map(|row| row["value"].as_str().unwrap().to_owned())
        .collect()
}

fn faults(failure: &Value) -> Vec<String> {
    let text = |fault: &Value| {
        format!("{}: {}", fault["path"].as_str().unwrap(), fault["message"].as_str().unwrap())
    };
    failure["faults"].as_array().unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn resources_are_allocated_shown_counted_and_taken_back() {
    let nimd = fleet().await;
    let pairs = [("spot", "spot_a"), ("script", "two"), ("script", "one")];
    let (status, done) = allocate(&nimd, &["lpar01", "lpar02"], &pairs).await;
    assert_eq!((status, &done["machines"]), (200, &json!(["lpar01", "lpar02"])), "{done}");
    assert_eq!(derived(&nimd, "lpar01", "spot").await, ["spot_a"]);
    assert_eq!(derived(&nimd, "lpar01", "script").await, ["two", "one"]);
    assert_eq!(derived(&nimd, "spot_a", "alloc_count").await, ["2"]);
    // Once more changes nothing.
    assert_eq!(allocate(&nimd, &["lpar01"], &pairs).await.1["machines"], json!([]));

    let (status, failure) = nimd.send("DELETE", "/v1/objects/spot_a", "").await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0112")), "{failure}");
    assert_eq!(faults(&failure), [": it is allocated to lpar01, lpar02"]);
    assert!(failure["hint"].as_str().unwrap().starts_with("nim -o deallocate"), "{failure}");
    let mut edit = json!({"set": [{"attribute": "comments", "value": "x"}]});
    let (status, failure) = nimd.send("PATCH", "/v1/objects/spot_a", &edit.to_string()).await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0311")), "{failure}");
    edit["force"] = json!(true);
    assert_eq!(nimd.send("PATCH", "/v1/objects/spot_a", &edit.to_string()).await.0, 200);

    let (status, done) =
        deallocate(&nimd, &["lpar01", "lpar02"], &[("script", "two")], false).await;
    assert_eq!((status, &done["machines"]), (200, &json!(["lpar01", "lpar02"])), "{done}");
    let (status, failure) = deallocate(&nimd, &["lpar01"], &[("script", "two")], false).await;
    assert_eq!(
        (status, faults(&failure)),
        (409, vec!["two: none of the machines holds it".to_owned()])
    );
    assert_eq!(deallocate(&nimd, &["lpar01"], &[("script", "two")], true).await.0, 200);
    for _ in 0..2 {
        assert_eq!(deallocate(&nimd, &["lpar01", "lpar02"], &[], true).await.0, 200);
    }
    assert_eq!(derived(&nimd, "spot_a", "alloc_count").await, ["0"]);
    assert_eq!(nimd.send("DELETE", "/v1/objects/spot_a", "").await.0, 204);
}

#[tokio::test]
async fn all_that_stands_against_an_allocation_is_said_and_nothing_is_done() {
    let nimd = fleet().await;
    allocate(&nimd, &["lpar02"], &[("spot", "spot_b")]).await;
    let (status, failure) =
        allocate(&nimd, &["lpar01"], &[("spot", "one"), ("hmc", "hmc01"), ("script", "none")])
            .await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0121")), "{failure}");
    assert_eq!(
        faults(&failure),
        [
            "hmc: is no type of resources",
            "spot: one is of type script",
            "script: there is no object \"none\"",
        ]
    );
    let (_, failure) = allocate(&nimd, &["lpar01", "hmc01", "nobody"], &[("spot", "spot_a")]).await;
    assert_eq!(
        faults(&failure),
        [
            "nobody: there is no such machine",
            "hmc01: is of type hmc: resources are allocated to machines",
        ]
    );
    let (status, failure) = allocate(&nimd, &["lpar01", "lpar02"], &[("spot", "spot_a")]).await;
    assert_eq!(status, 409);
    assert_eq!(
        faults(&failure),
        ["lpar02: spot_a cannot be allocated to it: it holds the spot spot_b"]
    );
    assert_eq!(derived(&nimd, "spot_a", "alloc_count").await, ["0"]);
}

#[tokio::test]
async fn what_a_cust_uses_comes_back_when_it_ends_and_not_before() {
    let nimd = cust::ready().await;
    let (_, accepted) = cust::send(&nimd, &cust::request(&["pair"])).await;
    assert_eq!(derived(&nimd, "tl3", "alloc_count").await, ["2"]);
    assert_eq!(derived(&nimd, "lpar01", "lpp_source").await, ["tl3"]);
    assert_eq!(derived(&nimd, "lpar01", "live_update_data").await, ["lud"]);
    let (status, failure) = nimd.send("DELETE", "/v1/objects/tl3", "").await;
    assert_eq!(
        (status, faults(&failure)),
        (409, vec![": it is allocated to lpar01, lpar02".to_owned()])
    );
    let (status, failure) = deallocate(&nimd, &["lpar01"], &[], false).await;
    assert_eq!((status, faults(&failure).len()), (409, 2), "{failure}");
    let (status, done) = deallocate(&nimd, &["lpar01"], &[], true).await;
    assert_eq!((status, done["warnings"].as_array().unwrap().len()), (200, 2), "{done}");
    assert_eq!(derived(&nimd, "lpar01", "lpp_source").await, ["tl3"]);
    for operation in accepted["operations"].as_array().unwrap() {
        let id = operation["id"].as_str().unwrap();
        assert_eq!(nimd.post(&format!("/v1/operations/{id}/cancel"), &json!({})).await.0, 200);
    }
    assert_eq!(derived(&nimd, "tl3", "alloc_count").await, ["0"]);
    assert_eq!(derived(&nimd, "lpar01", "lpp_source").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_fleet_comes_back_with_what_machines_hold_and_groups_leave_out() {
    let nimd = fleet().await;
    allocate(&nimd, &["lpar01"], &[("spot", "spot_a"), ("script", "two"), ("script", "one")]).await;
    let edit = json!({"add": [{"attribute": "excluded", "value": "lpar02"}]});
    assert_eq!(nimd.send("PATCH", "/v1/objects/pair", &edit.to_string()).await.0, 200);
    let (_, text) = nimd.text("GET", "/v1/export").await;
    let (_, again) = nimd.apply(&text, false).await;
    assert_eq!(again["changes"], json!([]), "{again}");
    let empty = Fixture::start().await;
    let (status, done) = empty.apply(&text, false).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(empty.text("GET", "/v1/export").await.1, text);
    assert_eq!(derived(&empty, "spot_a", "alloc_count").await, ["1"]);
    assert_eq!(derived(&empty, "lpar01", "script").await, ["two", "one"]);
    // Who leaves the group is no longer left out.
    let edit = json!({"remove": [{"attribute": "member", "value": "lpar02"}]});
    let (status, group) = nimd.send("PATCH", "/v1/objects/pair", &edit.to_string()).await;
    assert_eq!((status, &group["excluded"]), (200, &Value::Null), "{group}");
}

#[tokio::test]
async fn a_cust_of_a_group_leaves_excluded_members_alone_and_says_so() {
    let nimd = cust::ready().await;
    let exclude = async |name: &str| {
        let edit = json!({"add": [{"attribute": "excluded", "value": name}]});
        assert_eq!(nimd.send("PATCH", "/v1/objects/pair", &edit.to_string()).await.0, 200);
    };
    exclude("lpar02").await;
    let (status, accepted) = cust::send(&nimd, &cust::request(&["pair"])).await;
    assert_eq!(status, 200, "{accepted}");
    assert_eq!(accepted["operations"].as_array().unwrap().len(), 1);
    assert_eq!(
        accepted["warnings"][0],
        json!({"file": null, "line": null, "path": "lpar02",
            "message": "left alone: it is excluded from pair"})
    );
    exclude("lpar01").await;
    let token = nim_shared::id::ClientToken(uuid::Uuid::from_u128(2));
    let again = nim_shared::api::Cust { token, ..cust::request(&["pair"]) };
    let (status, failure) = cust::send(&nimd, &again).await;
    assert_eq!(status, 409);
    assert_eq!(
        faults(&failure),
        [
            "lpar01: left alone: it is excluded from pair",
            "lpar02: left alone: it is excluded from pair",
        ]
    );
}

#[tokio::test]
async fn a_resource_is_ready_for_use_when_it_is_at_its_place() {
    let nimd = fleet().await;
    let check =
        async |name: &str| nimd.post(&format!("/v1/objects/{name}/check"), &json!({})).await;
    let state = async |name: &str| derived(&nimd, name, "Rstate").await.remove(0);
    assert_eq!(state("one").await, "ready for use");
    let (status, checked) = check("one").await;
    assert_eq!((status, &checked["failure"]["code"]), (200, &json!("NLU-0124")), "{checked}");
    assert_eq!(
        (state("one").await, derived(&nimd, "one", "prev_state").await.remove(0)),
        ("unavailable for use".to_owned(), "ready for use".to_owned())
    );
    std::fs::write(nimd.folder().join("one"), "echo").unwrap();
    assert_eq!(check("one").await.1["failure"], Value::Null);
    assert_eq!(state("one").await, "ready for use");
    std::fs::write(nimd.folder().join("spot_a"), "a file").unwrap();
    std::fs::create_dir(nimd.folder().join("spot_b")).unwrap();
    assert_eq!(check("spot_a").await.1["failure"]["causes"], json!(["it is no folder"]));
    assert_eq!(check("spot_b").await.1["failure"], Value::Null);
    // What has its content in itself is there.
    assert_eq!(check("lud").await.1["failure"], Value::Null);
    assert_eq!(check("tl3").await.1["code"], "NLU-0123");
    assert_eq!(check("hmc01").await.1["code"], "NLU-0123");
    let edit = json!({"set": [{"attribute": "server", "value": "nim02"}]});
    nimd.send("PATCH", "/v1/objects/two", &edit.to_string()).await;
    assert_eq!(check("two").await.1["code"], "NLU-0125");
}

#[tokio::test]
async fn a_machine_that_does_not_answer_is_not_running_until_it_is_heard_of() {
    let nimd = cust::ready().await;
    let check =
        async |force: bool| nimd.post("/v1/objects/lpar01/check", &json!({"force": force})).await.1;
    let state = async || derived(&nimd, "lpar01", "Mstate").await.remove(0);
    assert_eq!(state().await, "currently running");
    // While an operation is open nobody is asked, unless that is forced.
    let (_, accepted) = cust::send(&nimd, &cust::request(&["lpar01"])).await;
    assert_eq!(check(false).await["failure"], Value::Null);
    assert_eq!(state().await, "currently running");
    let checked = check(true).await;
    assert_eq!(checked["failure"]["code"], "NLU-0201", "{checked}");
    assert_eq!(state().await, "not running");
    let id = accepted["operations"][0]["id"].as_str().unwrap();
    nimd.post(&format!("/v1/operations/{id}/cancel"), &json!({})).await;
    assert_eq!(check(false).await["failure"]["code"], "NLU-0201");
    assert_eq!(derived(&nimd, "lpar01", "Cstate").await[0], "ready for a NIM operation");
    let edit = json!({"set": [{"attribute": "ssh_port", "value": "2222"}]});
    nimd.send("PATCH", "/v1/objects/lpar01", &edit.to_string()).await;
    assert_eq!(state().await, "currently running");
}
