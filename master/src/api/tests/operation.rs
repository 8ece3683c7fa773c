//! Operations: listed, cancelled, resolved, their events and output.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use nim_shared::id::{Epoch, MasterId, OperationId};
use serde_json::{Value, json};

use super::client::{self, Fixture};
use super::cust::{ready, request, send};
use crate::store::event::Batched;
use crate::store::operation::Step;
use crate::store::output::Chunk;

async fn accepted(nimd: &Fixture, targets: &[&str]) -> Vec<String> {
    let (status, accepted) = send(nimd, &request(targets)).await;
    assert_eq!(status, 200, "{accepted}");
    accepted["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn operations_are_listed_the_newest_first_and_by_filter() {
    let nimd = ready().await;
    let ids = accepted(&nimd, &["lpar01", "lpar02"]).await;
    let (_, all) = nimd.get("/v1/operations").await;
    let found: Vec<_> =
        all["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(found, [ids[1].as_str(), ids[0].as_str()]);
    let first = &all["items"][1];
    assert_eq!(
        (&first["state"], &first["lpar"], &first["requested_by"]),
        (&json!("queued"), &json!("lpar01"), &json!(client::own_uid()))
    );
    let batch = first["batch"].as_str().unwrap();
    for (query, count) in [
        ("state=queued".to_owned(), 2),
        ("state=running".to_owned(), 0),
        ("state=running&state=queued".to_owned(), 2),
        ("lpar=lpar01".to_owned(), 1),
        (format!("batch={batch}"), 2),
        (
            format!("id={}", &ids[0][..ids[0].len() - 1]),
            if ids[0][..35] == ids[1][..35] { 2 } else { 1 },
        ),
        (format!("id={}", ids[0]), 1),
        ("id=ffffffff".to_owned(), 0),
    ] {
        let (_, page) = nimd.get(&format!("/v1/operations?{query}")).await;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(count), "{query}: {page}");
    }
    let (_, page) = nimd.get("/v1/operations?limit=1").await;
    let next = page["next"].as_str().unwrap();
    let (_, page) = nimd.get(&format!("/v1/operations?limit=1&after={next}")).await;
    assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!(ids[0]), &Value::Null));
}

#[tokio::test]
async fn what_waits_is_cancelled_at_once_and_twice_is_the_same() {
    let nimd = ready().await;
    let ids = accepted(&nimd, &["lpar01"]).await;
    for _ in 0..2 {
        let (status, view) =
            nimd.send("POST", &format!("/v1/operations/{}/cancel", ids[0]), "").await;
        assert_eq!((status, &view["state"]), (200, &json!("cancelled")), "{view}");
    }
    let (_, lpar) = nimd.get("/v1/objects/lpar01").await;
    assert!(lpar["derived"].to_string().contains("failure"), "{lpar}");
}

#[tokio::test]
async fn only_what_is_stuck_is_resolved_and_only_with_a_reason_and_as_an_end() {
    let nimd = ready().await;
    let ids = accepted(&nimd, &["lpar01"]).await;
    let path = format!("/v1/operations/{}/resolve", ids[0]);
    for (body, status, code) in [
        (json!({"state": "failed", "reason": "seen by hand", "seen": null}), 409, "NLU-0327"),
        (json!({"state": "running", "reason": "x", "seen": null}), 400, "NLU-0131"),
        (json!({"state": "failed", "reason": " ", "seen": null}), 400, "NLU-0132"),
    ] {
        let (found, failure) = nimd.post(&path, &body).await;
        assert_eq!((found, failure["code"].as_str()), (status, Some(code)), "{failure}");
    }
}

#[tokio::test]
async fn an_open_operation_is_seen_in_the_state_of_its_lpar() {
    let nimd = ready().await;
    accepted(&nimd, &["lpar01"]).await;
    let (_, lpar) = nimd.get("/v1/objects/lpar01").await;
    assert!(lpar["derived"].to_string().contains("customization is being performed"), "{lpar}");
    let (status, failure) = nimd.send("DELETE", "/v1/objects/lpar01", "").await;
    assert_eq!(status, 409, "{failure}");
}

#[tokio::test]
async fn nothing_is_cleaned_up_while_something_runs_there() {
    let nimd = ready().await;
    let ids = accepted(&nimd, &["lpar01"]).await;
    let body = json!({"token": uuid::Uuid::from_u128(9), "flags": []});
    let looked = nimd.get("/v1/clean-up/lpar01").await;
    for (status, failure) in [looked, nimd.post("/v1/clean-up/lpar01", &body).await] {
        assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0320")), "{failure}");
        let message = failure["message"].as_str().unwrap();
        assert!(message.starts_with("lpar01 has an open operation (preview):"), "{failure}");
        assert_eq!(failure["hint"], format!("nimctl watch {}", ids[0]));
    }
}

#[tokio::test]
async fn output_and_events_are_read_in_parts() {
    let nimd = ready().await;
    let ids = accepted(&nimd, &["lpar01"]).await;
    let id: OperationId = ids[0].parse().unwrap();
    super::watch::work(&nimd, id, MasterId(uuid::Uuid::now_v7()), 5).await;
    let (_, page) = nimd.get(&format!("/v1/operations/{id}/events?limit=2")).await;
    let seqs = |page: &Value| -> Vec<u64> {
        page["items"].as_array().unwrap().iter().map(|one| one["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!((seqs(&page), page["next"].as_str()), (vec![1, 2], Some("1.2")), "{page}");
    let (_, rest) = nimd.get(&format!("/v1/operations/{id}/events?after=1.2")).await;
    assert_eq!((seqs(&rest), &rest["next"]), (vec![3, 4, 5], &Value::Null));
    let (_, output) = nimd.get(&format!("/v1/operations/{id}/output")).await;
    let text = BASE64.decode(output["data"].as_str().unwrap()).unwrap();
    assert_eq!((output["offset"].as_u64(), &output["cut"]), (Some(0), &json!(false)));
    assert_eq!(String::from_utf8(text).unwrap(), "line 1\nline 2\nline 3\nline 4\nline 5\n");
    let (_, end) = nimd.get(&format!("/v1/operations/{id}/output?from=28")).await;
    assert_eq!(BASE64.decode(end["data"].as_str().unwrap()).unwrap(), b"line 5\n");
}

#[tokio::test]
async fn the_output_of_one_line_of_history_is_read_alone() {
    let nimd = ready().await;
    let id: OperationId = accepted(&nimd, &["lpar01"]).await[0].parse().unwrap();
    let record = super::watch::work(&nimd, id, MasterId(uuid::Uuid::now_v7()), 2).await;
    let again = Chunk { epoch: Epoch(2), offset: 0, data: b"once more\n".to_vec() };
    let (operation, fence) = (record.id, record.fence);
    let part = Batched {
        operation,
        fence,
        events: Vec::new(),
        output: vec![again],
        step: Step::default(),
    };
    nimd.store.append(vec![part]).await.unwrap().remove(0).unwrap();
    let read = async |query: &str| {
        let (_, output) = nimd.get(&format!("/v1/operations/{id}/output{query}")).await;
        let text = BASE64.decode(output["data"].as_str().unwrap()).unwrap();
        (String::from_utf8(text).unwrap(), output["next"].is_null())
    };
    let first = "line 1\nline 2\n".to_owned();
    assert_eq!(read("").await, (first.clone(), false), "another one follows");
    assert_eq!(read("?epoch=1").await, (first, true));
    assert_eq!(read("?epoch=2").await, ("once more\n".to_owned(), true));
    assert_eq!(read("?epoch=3").await, (String::new(), true));
}
