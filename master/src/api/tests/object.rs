//! Objects, one by one and as a fleet.

use std::fmt::Write as _;
use std::time::Instant;

use serde_json::{Value, json};

use super::client::{self, Fixture};

#[tokio::test]
async fn an_object_is_defined_shown_changed_and_removed() {
    let nimd = Fixture::start().await;
    let define = json!({"type": "standalone", "name": "aix01", "attributes": [
        {"attribute": "if1", "value": "find_net aix01 0"}, {"attribute": "ssh_address", "value": "10.0.0.1"},
        {"attribute": "label.env", "value": "test"}]});
    let (status, made) = nimd.post("/v1/objects", &define).await;
    assert_eq!(
        (status, &made["version"], &made["class"]),
        (201, &json!(1), &json!("machines")),
        "{made}"
    );
    let edit = json!({"set": [{"attribute": "ssh_port", "value": "2222"}],
        "add": [{"attribute": "ssh_address", "value": "10.0.0.2"}], "version": 1});
    let (status, changed) = nimd.send("PATCH", "/v1/objects/aix01", &edit.to_string()).await;
    assert_eq!((status, &changed["version"]), (200, &json!(2)), "{changed}");
    assert_eq!(changed["ssh_address"], json!(["10.0.0.1", "10.0.0.2"]));
    assert_eq!(changed["labels"], json!({"env": "test"}));
    let (status, failure) = nimd.send("PATCH", "/v1/objects/aix01", &edit.to_string()).await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0311")), "{failure}");
    assert_eq!(nimd.send("DELETE", "/v1/objects/aix01", "").await.0, 204);
    assert_eq!(nimd.get("/v1/objects/aix01").await.0, 404);
    let history = nimd.store.history(&"aix01".parse().unwrap(), 10).await.unwrap();
    assert!(
        history.len() == 3 && history.iter().all(|entry| entry.by.uid == client::own_uid()),
        "{history:?}"
    );
}

#[tokio::test]
async fn all_faults_of_an_object_are_said_at_once() {
    let nimd = Fixture::start().await;
    let define = json!({"type": "cec", "name": "frame01", "attributes": [
        {"attribute": "hw_type", "value": "91"}, {"attribute": "colour", "value": "red"}]});
    let (status, failure) = nimd.post("/v1/objects", &define).await;
    assert_eq!((status, failure["code"].as_str()), (400, Some("NLU-0110")));
    let paths: Vec<_> =
        failure["faults"].as_array().unwrap().iter().map(|fault| &fault["path"]).collect();
    assert_eq!(paths, ["hw_type", "hw_model", "hw_serial", "colour"], "{failure}");
    let define = json!({"type": "cec", "name": "frame01", "attributes": [
        {"attribute": "hw_type", "value": "9105"}, {"attribute": "hw_model", "value": "42A"},
        {"attribute": "hw_serial", "value": "78ABCDE"}, {"attribute": "mgmt_source", "value": "hmc09"}]});
    let (status, failure) = nimd.post("/v1/objects", &define).await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0311")), "{failure}");
    assert!(failure["faults"][0]["message"].as_str().unwrap().contains("hmc09"), "{failure}");
}

#[tokio::test]
async fn what_is_mentioned_is_not_removed() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let (status, failure) = nimd.send("DELETE", "/v1/objects/frame01", "").await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0112")), "{failure}");
    assert_eq!(failure["message"], "frame01 cannot be removed");
    let text = failure["faults"].to_string();
    assert!(text.contains("lpar01") && text.contains("lpar02"), "{failure}");
}

#[tokio::test]
async fn objects_are_listed_in_pages_and_by_filter() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let names = |page: &Value| -> Vec<String> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let (_, first) = nimd.get("/v1/objects?type=standalone&limit=3").await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = nimd.get(&format!("/v1/objects?type=standalone&limit=3&after={next}")).await;
    assert_eq!((names(&first).len(), names(&second).len(), &second["next"]), (3, 1, &Value::Null));
    for (query, expected) in [
        ("name=lpar*", vec!["lpar01", "lpar02"]),
        ("name=lpar01&name=hmc*", vec!["hmc01", "lpar01"]),
        ("class=groups", vec!["pair"]),
        ("label=nhdisk%3Dhdisk4", vec!["lpar02"]),
        ("name=nobody", vec![]),
    ] {
        let (_, page) = nimd.get(&format!("/v1/objects?{query}")).await;
        let mut found = names(&page);
        found.sort();
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn what_nim_derives_is_shown() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let (_, lpar) = nimd.get("/v1/objects/lpar01").await;
    let derived = lpar["derived"].to_string();
    assert!(
        derived.contains(r#"{"attribute":"mgmt_profile1","value":"hmc01 7 frame01"}"#),
        "{derived}"
    );
    assert!(derived.contains("ready for a NIM operation"), "{derived}");
    let (_, frame) = nimd.get("/v1/objects/frame01").await;
    assert!(frame["derived"].to_string().contains("9105-42A*78ABCDE"), "{frame}");
}

#[tokio::test]
async fn a_fleet_is_shown_before_it_is_applied_and_comes_back_by_export() {
    let nimd = Fixture::start().await;
    let (status, plan) = nimd.apply(client::FLEET, true).await;
    assert_eq!((status, &plan["applied"]), (200, &json!(false)), "{plan}");
    assert_eq!(nimd.get("/v1/objects").await.1["items"], json!([]));
    let (_, done) = nimd.apply(client::FLEET, false).await;
    assert_eq!(done["changes"], plan["changes"]);
    let (_, again) = nimd.apply(client::FLEET, false).await;
    assert_eq!(
        (&again["changes"], again["unchanged"].as_u64()),
        (&json!([]), Some(done["changes"].as_array().unwrap().len() as u64))
    );
    let (status, text) = nimd.text("GET", "/v1/export").await;
    assert_eq!(status, 200);
    let (_, same) = nimd.apply(&text, false).await;
    assert_eq!(same["changes"], json!([]), "{same}");
    let (_, part) = nimd.text("GET", "/v1/export?name=lpar*").await;
    assert!(part.contains("lpar02") && !part.contains("hmc_pw"), "{part}");
    let (_, changed) =
        nimd.apply(&client::FLEET.replace("identity: 7", "identity: 8"), false).await;
    assert_eq!(
        changed["changes"],
        json!([{"name": "lpar01", "type": "standalone", "action": "change", "attributes": [
            {"attribute": "identity", "before": "7", "after": "8"}]}])
    );
}

#[tokio::test]
async fn all_faults_of_a_fleet_are_said_with_file_and_line_and_nothing_is_changed() {
    let nimd = Fixture::start().await;
    let text = "cec:\n- name: frame01\n  hw_type: 9105\n  hw_model: 42\n  hw_serial: 78ABCDE\n  mgmt_source: hmc09\n\
                standalone:\n- name: lpar01\n  colour: red\n";
    let (status, failure) = nimd.apply(text, false).await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0111")), "{failure}");
    let rows: Vec<_> = failure["faults"].as_array().unwrap().iter().collect();
    assert!(rows.len() >= 3, "{failure}");
    assert!(
        rows.iter().all(|row| row["file"] == "fleet.yaml" && row["line"].as_u64() > Some(0)),
        "{failure}"
    );
    assert_eq!(nimd.get("/v1/objects").await.1["items"], json!([]));
}

#[tokio::test]
async fn what_only_the_database_knows_is_said_with_its_place_too() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let (status, failure) =
        nimd.apply("mac_group:\n- name: lpar01\n  member: lpar02\n", false).await;
    assert_eq!(status, 409, "{failure}");
    assert_eq!(
        (&failure["faults"][0]["file"], &failure["faults"][0]["line"]),
        (&json!("fleet.yaml"), &json!(2)),
        "{failure}"
    );
}

#[tokio::test]
async fn ten_thousand_objects_are_applied_at_once() {
    let nimd = Fixture::start().await;
    let mut text = String::from("standalone:\n");
    for number in 0..10_000 {
        writeln!(
            text,
            "- {{name: lpar{number:05}, if1: find_net 10.{}.{}.1 0}}",
            number / 250,
            number % 250
        )
        .unwrap();
    }
    let start = Instant::now();
    let (status, applied) = nimd.apply(&text, false).await;
    assert_eq!((status, applied["changes"].as_array().map(Vec::len)), (200, Some(10_000)));
    println!("10,000 objects applied in {:?}", start.elapsed());
    let (_, again) = nimd.apply(&text, false).await;
    assert_eq!(again["unchanged"], 10_000);
    let (_, page) = nimd.get("/v1/objects?limit=5000").await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1000), "a page is cut to its limit");
}

#[tokio::test]
async fn what_nim_users_give_becomes_what_nim_shows() {
    let nimd = Fixture::start().await;
    let define = async |of: &str, name: &str, attributes: &[(&str, &str)]| {
        let attributes: Vec<_> = attributes
            .iter()
            .map(|(attribute, value)| json!({"attribute": attribute, "value": value}))
            .collect();
        nimd.post("/v1/objects", &json!({"type": of, "name": name, "attributes": attributes})).await
    };
    // The network of the first is made, the second is found on it.
    let (status, hmc) = define(
        "hmc",
        "hmc01",
        &[
            ("if1", "find_net 10.1.0.5 0"),
            ("net_definition", "ent 255.255.255.0 10.1.0.1"),
            ("passwd_file", "/export/nim/hmc_liveupdate_passwd"),
        ],
    )
    .await;
    assert_eq!((status, &hmc["if1"]), (201, &json!("net_10_1_0_0 10.1.0.5 0")), "{hmc}");
    let (_, network) = nimd.get("/v1/objects/net_10_1_0_0").await;
    assert_eq!(
        (&network["snm"], &network["routing"]),
        (&json!("255.255.255.0"), &json!(["default 10.1.0.1"]))
    );
    let frame = [
        ("hw_type", "9080"),
        ("hw_model", "M9S"),
        ("hw_serial", "78ABCDE"),
        ("mgmt_source", "hmc01"),
    ];
    assert_eq!(define("cec", "p1020", &frame).await.0, 201);
    assert_eq!(define("mac_group", "prod", &[]).await.0, 201);
    let profile = [
        ("if1", "find_net 10.1.0.7 0 ent0"),
        ("mgmt_profile1", "hmc01 26 p1020 vios1"),
        ("group", "prod"),
    ];
    let (status, lpar) = define("standalone", "aix01", &profile).await;
    assert_eq!((status, &lpar["if1"]), (201, &json!("net_10_1_0_0 10.1.0.7 0 ent0")), "{lpar}");
    assert_eq!((&lpar["mgmt_source"], &lpar["identity"]), (&json!("p1020"), &json!(26)));
    assert_eq!(nimd.get("/v1/objects/prod").await.1["member"], json!(["aix01"]));
    // What is wrong is said, and nothing is made.
    for (attributes, path, text) in [
        (
            [("if1", "find_net 10.9.0.7 0"), ("net_definition", "tok 255.0.0.0")],
            "net_definition",
            "ent <mask>",
        ),
        ([("if1", "find_net x.invalid 0"), ("net_definition", "ent 255.0.0.0")], "if1", "look up"),
        (
            [("if1", "x 10.1.0.8 0"), ("mgmt_profile1", "hmc09 26 p1020")],
            "mgmt_profile1",
            "does not manage",
        ),
        ([("if1", "find_net 10.1.0.8 0"), ("group", "p1020")], "group", "not mac_group"),
    ] {
        let (status, failure) = define("standalone", "aix02", &attributes).await;
        let fault = &failure["faults"][0];
        assert_eq!((status, fault["path"].as_str()), (400, Some(path)), "{failure}");
        assert!(fault["message"].as_str().unwrap().contains(text), "{failure}");
    }
    assert_eq!(nimd.get("/v1/objects/aix02").await.0, 404);
    let edit = json!({"set": [{"attribute": "mgmt_profile1", "value": ""}]});
    let (_, lpar) = nimd.send("PATCH", "/v1/objects/aix01", &edit.to_string()).await;
    assert_eq!((&lpar["mgmt_source"], &lpar["identity"]), (&Value::Null, &Value::Null), "{lpar}");
    // The secret goes by the path that the HMC has.
    let secret = "hmc_liveupdate_passwd-";
    let file: nim_shared::object::PasswordFile =
        "/export/nim/hmc_liveupdate_passwd".parse().unwrap();
    assert!(file.secret().as_str().starts_with(secret));
    let path = format!("/v1/secrets/{}", file.secret());
    assert_eq!(nimd.send("PUT", &path, r#"{"value": "x"}"#).await.0, 200);
    assert_eq!(nimd.send("DELETE", &path, "").await.0, 409);
}

#[tokio::test]
async fn a_secret_that_a_receiver_of_the_policy_names_is_not_removed() {
    let nimd = Fixture::start().await;
    let set = async |text: &str| {
        let body = json!({"file": {"name": "policy.yaml", "text": text}});
        let (status, answer) = nimd.send("PUT", "/v1/policy", &body.to_string()).await;
        assert_eq!(status, 200, "{answer}");
    };
    assert_eq!(nimd.send("PUT", "/v1/secrets/hook", r#"{"value": "x"}"#).await.0, 200);
    set("receivers: {oncall: {webhook: 'https://h/x', secret: hook}, board: {mail: [a@b.example]}}\n")
        .await;
    let (status, failure) = nimd.send("DELETE", "/v1/secrets/hook", "").await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0331")), "{failure}");
    let said = ["\"hook\"", "the receiver oncall of the policy"];
    let message = failure["message"].as_str().unwrap();
    assert!(said.iter().all(|part| message.contains(part)), "{failure}");
    assert!(failure["hint"].as_str().unwrap().contains("nimctl policy set"), "{failure}");
    set("receivers: {}\n").await;
    assert_eq!(nimd.send("DELETE", "/v1/secrets/hook", "").await.0, 204);
}
