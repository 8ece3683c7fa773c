//! A rollout's update that waits for capacity until its window is too short.

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, wait_until};
use nim_lab::fault::Fault;

use crate::rollout::until;
use crate::split::{held_in_prep, waits};

/// One LPAR, whose update stops in `prep` until it is let on: the room that the rollout has seen is gone by then.
const TIMES: &str = "deadlines: {whole: 45s}\nassume: {duration: 10s}\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_capacity_past_its_last_start_is_put_back_and_installs_nothing() -> Result<()>
{
    let site = Harness::small(100).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    let go = waits(&site)?;
    let file = site.site_folder().join("rollout.yaml");
    std::fs::write(&file, held_in_prep(&["lpar08"], TIMES))?;
    let file = file.to_str().context("a path")?;
    site.wait_for_frames(file)?;
    site.nimctl(["rollout", "start", file]).succeeded()?;
    until(&site, "its hook to run", |status| status["targets"][0]["state"] == "running")?;
    site.lab().set_fault("lpar08", Fault::FrameFull).await?;
    std::fs::write(go, "")?;

    let ended = until(&site, "the rollout to end", |status| status["phase"] == "ended")?;
    let one = &ended["targets"][0];
    ensure!(one["state"] == "not_started", "{ended:#}");
    let happened = ended["events"].as_array().into_iter().flatten();
    let back = "lpar08 is put back: it waited for capacity of its frame";
    let told = |event: &serde_json::Value| {
        event["what"].as_str().is_some_and(|what| what.starts_with(back))
    };
    ensure!(happened.clone().any(told), "{ended:#}");
    assert_eq!(site.updates_started("lpar08")?, 0);
    let state = wait_until("the update to be over", || {
        let view = site.nimctl(["status", "lpar08", "-o", "json"]).succeeded()?.json()?;
        Ok(if view["ended_at"].is_null() {
            Err(view.to_string())
        } else {
            Ok(view["state"].clone())
        })
    })?;
    ensure!(state == "cancelled", "{state}");
    site.lab().clear_fault("lpar08", Fault::FrameFull)?;
    site.end().await
}
