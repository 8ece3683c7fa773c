//! What went wrong in a rollout and is done again outside of it, by `nimctl retry`, counts for the rollout.

use anyhow::{Context as _, Result, ensure};
use integration_tests::Harness;
use nim_lab::fault::Fault;
use serde_json::Value;

use crate::rollout::{stopped_by, target, until};

/// Moves the workload of an LPAR on which only that failed; the operation that did.
fn moved(site: &Harness, lpar: &str) -> Result<String> {
    site.lab().clear_fault(lpar, Fault::MoveWorkload)?;
    let words = ["retry", "--move-only", "--remedied", lpar, "--output", "json"];
    let moved = site.nimctl(words).succeeded()?.json()?;
    ensure!(moved["operations"][0]["state"] == "succeeded", "{moved:#}");
    Ok(moved["operations"][0]["id"].as_str().context("an id")?.to_owned())
}

/// The LPAR as the status of the rollout has it.
fn one<'s>(status: &'s Value, lpar: &str) -> Option<&'s Value> {
    status["targets"].as_array()?.iter().find(|one| one["lpar"] == lpar)
}

/// An LPAR that `operation` updated in place of the one of the rollout.
fn is_updated_by(status: &Value, lpar: &str, operation: &str) -> bool {
    one(status, lpar).is_some_and(|one| {
        let why = one["why"].as_str().unwrap_or_default();
        one["state"] == "updated"
            && one["operation"] == operation
            && one["attempt"] == 1
            && why == format!("done again by operation {operation}")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_moved_by_hand_counts_for_its_rollout_while_that_runs_and_after_its_end()
-> Result<()> {
    let (site, stopped) = stopped_by(Fault::MoveWorkload).await?;
    let canary = target(&stopped, "failed").context("the canary")?;
    let name = canary["lpar"].as_str().context("its name")?;
    ensure!(canary["retry"]["may"] == "not", "{canary:#}");
    ensure!(canary["retry"]["why"].to_string().contains("--move-only"), "{canary:#}");

    let operation = moved(&site, name)?;
    let told = format!("{name} is updated: done again by operation {operation}");
    // Whoever looks sees it at once; it is on record with the next look of nimd.
    let counted = until(&site, "it counts as updated", |status| {
        is_updated_by(status, name, &operation) && status["events"].to_string().contains(&told)
    })?;
    ensure!(counted["counts"]["failed"] == 0 && counted["counts"]["done"] == 1, "{counted:#}");
    let again = ["rollout", "retry", "lab", name, "--yes"];
    let done = site.nimctl(again).ended_with(3)?;
    ensure!(done.stdout.contains("it is done"), "{done}");

    // The wave is healthy by that; the next one fails as it did.
    site.nimctl(["rollout", "resume", "lab"]).succeeded()?;
    until(&site, "another has failed", |status| {
        status["wave"] == "rest" && status["phase"] == "stopped"
    })?;
    site.nimctl(["rollout", "abort", "lab"]).succeeded()?;
    let ended = until(&site, "the rollout ends", |status| status["phase"] == "ended")?;
    let failed = ended["counts"]["failed"].as_u64().context("a count")?;
    let late = target(&ended, "failed").and_then(|one| one["lpar"].as_str());
    let late = late.context("one that failed")?;
    let operation = moved(&site, late)?;
    let status = site.nimctl(["rollout", "status", "lab", "-o", "json"]).succeeded()?.json()?;
    ensure!(is_updated_by(&status, late, &operation), "{status:#}");
    ensure!(status["counts"]["failed"] == failed - 1, "{status:#}");
    let report = site.nimctl(["rollout", "report", "lab", "-o", "json"]).succeeded()?.json()?;
    let lpars = report["lpars"].as_array().context("LPARs")?;
    for lpar in [name, late] {
        let one = lpars.iter().find(|one| one["lpar"] == lpar).context("it is in the report")?;
        ensure!(one["state"] == "updated" && one["blackout"].is_u64(), "{one:#}");
    }
    let done = site.nimctl(["rollout", "retry", "lab", late, "--yes"]).ended_with(3)?;
    ensure!(done.stdout.contains("it is done"), "{done}");
    // Each was started by the rollout once, and once by hand.
    assert_eq!((site.updates_started(name)?, site.updates_started(late)?), (2, 2));
    let replayed = site.nimctl(["rollout", "replay", "lab"]).succeeded()?;
    ensure!(replayed.stdout.contains("the same decisions"), "{replayed}");
    site.end().await
}
