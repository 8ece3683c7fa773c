//! The agent's installer.

use super::client::{Fixture, PUBLIC_KEY};
use serde_json::json;

#[tokio::test]
async fn an_installer_lets_in_the_key_that_the_lpar_is_logged_in_to_with() {
    let nimd = Fixture::start().await;
    nimd.fleet().await;
    let folder = nimd.folder().join("agents/chrp");
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
