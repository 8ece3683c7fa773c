//! The agent's installer.

use super::client::{Fixture, PUBLIC_KEY};
use serde_json::json;

#[tokio::test]
async fn an_installer_lets_in_the_key_that_the_lpar_is_logged_in_to_with() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let folder = nimd.data().join("agents/chrp");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("nim-agent"), "a program").unwrap();
    let (status, script) = nimd.text("GET", "/v1/agent/lpar01/bundle").await;
    let own = PUBLIC_KEY.split(' ').nth(1).unwrap();
    assert!(status == 200 && script.contains(own), "{status} {script}");
    let edit = json!({ "set": [{ "attribute": "ssh_key", "value": "/keys/other" }] });
    let (status, answer) = nimd.send("PATCH", "/v1/objects/lpar01", &edit.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let (status, script) = nimd.text("GET", "/v1/agent/lpar01/bundle").await;
    assert!(status == 200 && script.contains("AAAAother") && !script.contains(own), "{script}");
    let (status, refused) = nimd.text("GET", "/v1/agent/hmc01/bundle").await;
    assert!(status == 400 && refused.contains("NLU-0180"), "{status} {refused}");
}

#[tokio::test]
async fn an_lpar_is_asked_what_is_on_the_list_and_nothing_else() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let ask = async |lpar: &str, body: serde_json::Value| {
        nimd.send("POST", &format!("/v1/agent/{lpar}/query"), &body.to_string()).await
    };
    let lslpp = json!({"id": "lslpp", "options": ["L", "c"], "operands": ["bos.rte"]});
    let (status, answer) = ask("lpar01", lslpp.clone()).await;
    assert_eq!((status, &answer["stdout"]), (200, &json!("lslpp -L -c bos.rte\n")), "{answer}");
    for (lpar, body, expected) in [
        ("lpar01", json!({"id": "reboot"}), (400, "NLU-0186")),
        ("lpar01", json!({"id": "instfix", "operands": ["-d"]}), (400, "NLU-0186")),
        ("hmc01", lslpp.clone(), (400, "NLU-0180")),
        ("nobody", lslpp.clone(), (404, "NLU-0310")),
        ("down01", lslpp, (503, "NLU-0201")),
    ] {
        let (status, failure) = ask(lpar, body).await;
        assert_eq!((status, failure["code"].as_str()), (expected.0, Some(expected.1)), "{failure}");
    }
}
