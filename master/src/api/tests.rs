//! The API as a client sees it: over the real socket, on a real database. Hosts alone are not real.

mod agent;
mod allocation;
mod client;
mod cust;
mod list;
mod live_update_data;
mod lpp;
mod object;
mod operation;
mod routes;
mod watch;

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};

use nim_shared::api::FailureKind;
use serde_json::json;

use super::socket::{Error as SocketError, Socket};
use client::Fixture;

#[tokio::test]
async fn the_server_says_who_it_is() {
    let nimd = Fixture::start().await;
    let (status, server) = nimd.get("/v1/server").await;
    assert_eq!(status, 200);
    assert_eq!(server["version"], nim_shared::VERSION);
    assert_eq!(server["masters"], json!([]));
    assert_eq!(server["public_key"], client::PUBLIC_KEY);
}

#[tokio::test]
async fn every_wrong_request_is_answered_by_a_failure_with_its_status() {
    let nimd = Fixture::start().await;
    let rows = [
        ("GET", "/v1/nothing", None, 404, "NLU-0101", FailureKind::NotFound),
        ("GET", "/", None, 404, "NLU-0101", FailureKind::NotFound),
        ("PUT", "/v1/server", None, 400, "NLU-0102", FailureKind::Usage),
        ("POST", "/v1/objects", Some("{"), 400, "NLU-0105", FailureKind::Usage),
        ("POST", "/v1/objects", Some("{\"type\":\"lpar\"}"), 400, "NLU-0105", FailureKind::Usage),
        ("GET", "/v1/objects/a%20b", None, 400, "NLU-0106", FailureKind::Usage),
        ("GET", "/v1/operations/17", None, 400, "NLU-0106", FailureKind::Usage),
        ("GET", "/v1/objects?type=lpar", None, 400, "NLU-0107", FailureKind::Usage),
        ("GET", "/v1/objects?limit=x", None, 400, "NLU-0107", FailureKind::Usage),
        ("GET", "/v1/objects?colour=red", None, 400, "NLU-0107", FailureKind::Usage),
        ("GET", "/v1/objects/nobody", None, 404, "NLU-0310", FailureKind::NotFound),
        ("DELETE", "/v1/objects/nobody", None, 404, "NLU-0310", FailureKind::NotFound),
        ("DELETE", "/v1/secrets/nobody", None, 404, "NLU-0330", FailureKind::NotFound),
        ("DELETE", "/v1/hostkeys/nobody", None, 404, "NLU-0152", FailureKind::NotFound),
        ("GET", "/v1/watch", None, 400, "NLU-0134", FailureKind::Usage),
        (
            "GET",
            "/v1/watch?batch=01990000-0000-7000-8000-000000000000",
            None,
            404,
            "NLU-0323",
            FailureKind::NotFound,
        ),
        (
            "GET",
            "/v1/operations/01990000-0000-7000-8000-000000000000",
            None,
            404,
            "NLU-0322",
            FailureKind::NotFound,
        ),
        (
            "PUT",
            "/v1/secrets/pw",
            Some("{\"value\":\"two\\nlines\"}"),
            400,
            "NLU-0140",
            FailureKind::Usage,
        ),
        (
            "POST",
            "/v1/hostkeys/scan",
            Some("{\"targets\":[]}"),
            400,
            "NLU-0153",
            FailureKind::Usage,
        ),
    ];
    for (method, path, body, status, code, kind) in rows {
        let (found, failure) = nimd.send(method, path, body.unwrap_or("")).await;
        assert_eq!(found, status, "{method} {path}: {failure}");
        assert_eq!(failure["code"], code, "{method} {path}: {failure}");
        assert_eq!(failure["kind"], kind.name(), "{method} {path}: {failure}");
        assert!(failure["message"].as_str().is_some_and(|text| !text.is_empty()), "{failure}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_its_limit_named() {
    let nimd = Fixture::with("api: {body: 1KiB}\n").await;
    let body = json!({"value": "x".repeat(2000)}).to_string();
    let (status, failure) = nimd.send("PUT", "/v1/secrets/pw", &body).await;
    assert_eq!((status, failure["code"].as_str()), (400, Some("NLU-0103")), "{failure}");
    assert!(failure["hint"].as_str().unwrap().contains("api.body"), "{failure}");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    let patient = Fixture::start().await;
    patient.fleet().await;
    let nimd = Fixture::on(patient.store.clone(), "api: {request: 50ms}\n").await;
    let body = json!({"targets": ["slow01"]}).to_string();
    let (status, failure) = nimd.send("POST", "/v1/hostkeys/scan", &body).await;
    assert_eq!((status, failure["code"].as_str()), (503, Some("NLU-0109")), "{failure}");
}

#[tokio::test]
async fn a_database_that_is_gone_is_said_to_be() {
    let nimd = Fixture::start().await;
    nimd.store.close().await;
    let (status, failure) = nimd.get("/v1/objects").await;
    assert_eq!((status, failure["kind"].as_str()), (503, Some("unreachable")), "{failure}");
    assert_eq!(failure["code"], "NLU-0301");
    assert!(!failure["causes"].as_array().unwrap().is_empty(), "{failure}");
}

#[tokio::test]
async fn the_socket_has_its_mode_and_is_gone_at_the_end() {
    let nimd = Fixture::with("socket: {mode: 0600}\n").await;
    let found = std::fs::symlink_metadata(nimd.path()).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let path = nimd.path().to_owned();
    nimd.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_that_somebody_answers_on_is_not_taken() {
    let nimd = Fixture::start().await;
    let error = Socket::bind(nimd.path(), 0o600, None).await.unwrap_err();
    assert!(matches!(error, SocketError::Taken { .. }), "{error:?}");
    assert_eq!(nimd.get("/v1/server").await.0, 200);
}

#[tokio::test]
async fn a_socket_that_was_left_behind_is_replaced_and_a_file_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nimd.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let socket = Socket::bind(&path, 0o660, None).await.unwrap();
    tokio::net::UnixStream::connect(&path).await.unwrap();
    drop(socket);
    assert!(!path.exists());
    std::fs::write(&path, "precious").unwrap();
    let error = Socket::bind(&path, 0o660, None).await.unwrap_err();
    assert!(matches!(error, SocketError::NoSocket { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn a_secret_is_set_listed_without_its_content_and_removed() {
    let nimd = Fixture::start().await;
    let body = json!({"value": "canary-4711"}).to_string();
    let (status, first) = nimd.send("PUT", "/v1/secrets/hmc_pw", &body).await;
    assert_eq!((status, &first["version"]), (200, &json!(1)));
    assert_eq!(first["set_by"], json!(client::own_uid()));
    nimd.send("PUT", "/v1/secrets/hmc_pw", &body).await;
    let (_, list) = nimd.get("/v1/secrets").await;
    assert_eq!(list["items"][0]["version"], 2);
    assert!(!list.to_string().contains("canary"), "{list}");
    assert_eq!(nimd.send("DELETE", "/v1/secrets/hmc_pw", "").await.0, 204);
    assert_eq!(nimd.get("/v1/secrets").await.1["items"], json!([]));
}

#[tokio::test]
async fn host_keys_are_scanned_confirmed_and_a_changed_one_is_seen() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let scan = json!({"targets": ["lpar0*", "hmc01", "down01"]}).to_string();
    let (status, scanned) = nimd.send("POST", "/v1/hostkeys/scan", &scan).await;
    assert_eq!(status, 200, "{scanned}");
    let new = scanned["new"].as_array().unwrap();
    assert!(new.iter().any(|key| key["name"] == "lpar01"), "{scanned}");
    assert_eq!(scanned["failed"][0]["code"], "NLU-0201", "{scanned}");
    let trust = json!({"keys": new, "replace": false}).to_string();
    let (status, trusted) = nimd.send("POST", "/v1/hostkeys", &trust).await;
    assert_eq!((status, &trusted["added"]), (200, &json!(new.len())), "{trusted}");
    nimd.hosts.change_key("lpar01");
    let (_, scanned) = nimd.send("POST", "/v1/hostkeys/scan", &scan).await;
    assert_eq!(scanned["changed"][0]["name"], "lpar01", "{scanned}");
    assert_eq!(scanned["new"], json!([]));
    let trust = json!({"keys": scanned["changed"], "replace": false}).to_string();
    let (status, failure) = nimd.send("POST", "/v1/hostkeys", &trust).await;
    assert_eq!((status, failure["kind"].as_str()), (409, Some("refused")), "{failure}");
    let trust = json!({"keys": scanned["changed"], "replace": true}).to_string();
    assert_eq!(nimd.send("POST", "/v1/hostkeys", &trust).await.1["replaced"], 1);
    let (_, list) = nimd.get("/v1/hostkeys?name=lpar01").await;
    assert_eq!(list["items"][0]["fingerprint"], scanned["changed"][0]["fingerprint"]);
}

#[tokio::test]
async fn a_confirmed_key_must_be_the_one_that_was_shown() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let mut key = nimd.hosts.key("lpar01");
    key.fingerprint = "SHA256:somethingelse".to_owned();
    let body = json!({"keys": [{"name": "lpar01", "algorithm": key.algorithm, "fingerprint": key.fingerprint, "key": key.key,
        "source": null}], "replace": false});
    let (status, failure) = nimd.send("POST", "/v1/hostkeys", &body.to_string()).await;
    assert_eq!((status, failure["code"].as_str()), (400, Some("NLU-0150")), "{failure}");
}

#[tokio::test]
async fn known_hosts_are_imported_for_the_objects_that_they_name() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let key = nimd.hosts.key("lpar01");
    let text = format!(
        "10.1.1.1 {0} {1}\n[bastion]:2222 {0} {1}\nunknown {0} {1}\n",
        key.algorithm, key.key
    );
    let body = json!({"file": {"name": "known_hosts", "text": text}, "replace": false}).to_string();
    let (status, trusted) = nimd.send("POST", "/v1/hostkeys/import", &body).await;
    assert_eq!((status, &trusted["added"]), (200, &json!(2)), "{trusted}");
    let (_, list) = nimd.get("/v1/hostkeys").await;
    let names: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|key| key["name"].clone()).collect();
    assert_eq!(names, [json!("bastion:2222"), json!("lpar01")]);
    let body =
        json!({"file": {"name": "known_hosts", "text": "a b\n"}, "replace": false}).to_string();
    let (status, failure) = nimd.send("POST", "/v1/hostkeys/import", &body).await;
    assert_eq!((status, &failure["faults"][0]["line"]), (400, &json!(1)), "{failure}");
}

#[tokio::test]
async fn the_agents_installer_is_given_for_an_lpar_and_for_nothing_else() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let (status, failure) = nimd.get("/v1/agent/lpar01/bundle").await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0181")), "{failure}");
    let folder = nimd.data().join("agents/chrp");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("nim-agent"), "binary").unwrap();
    let (status, script) = nimd.text("GET", "/v1/agent/lpar01/bundle").await;
    assert_eq!(status, 200);
    assert!(script.starts_with("#!/bin/sh\n") && script.contains(client::PUBLIC_KEY), "{script}");
    assert_eq!(nimd.get("/v1/agent/hmc01/bundle").await.1["code"], "NLU-0180");
    let (_, status) = nimd.get("/v1/agent/lpar01/status").await;
    assert_eq!(status["failure"]["code"], "NLU-0201", "{status}");
}
