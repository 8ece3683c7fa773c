//! A rollout of the small site, rehearsed, then run, and its decisions taken again from what it was told.

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, wait_until};
use nim_lab::fault::Fault;
use serde_json::Value;

use crate::rollout::ready;

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_is_rehearsed_run_and_decided_again() -> Result<()> {
    let (mut site, file) = ready().await?;

    // Nothing is on record of earlier updates, and none is invented.
    let begin = ["--begin", "2027-03-01T20:00:00Z", "-o", "json"];
    let words = [&["rehearse", file.as_str()][..], &begin[..]].concat();
    let first = site.nimctl(words.clone()).succeeded()?.json()?;
    ensure!(first["targets"] == 6 && first["runs"] == 400, "{first:#}");
    ensure!(first["all_updated"] == 400 && first["failures"] == Value::Array(vec![]), "{first:#}");
    let notes = first["notes"].to_string();
    ensure!(notes.contains("no earlier update is on record"), "{first:#}");
    let again = site.nimctl(words.clone()).succeeded()?.json()?;
    ensure!(first == again, "the same has the same answer: {again:#}");

    // A fault that is named stops what one failure stops.
    let fault = ["--fault", "1020-311", "--runs", "50"];
    let stopped = site.nimctl([&words[..], &fault[..]].concat()).succeeded()?.json()?;
    ensure!(stopped["runs"] == 50 && stopped["failures"][0]["runs"] == 50, "{stopped:#}");
    ensure!(stopped["failures"][0]["code"] == "1020-311", "{stopped:#}");
    let rules = stopped["stops"].to_string();
    ensure!(rules.contains("1 failed in wave canary"), "{stopped:#}");
    for (fault, why) in [
        ("nonsense", "is no fault"),
        ("1430-094", "the update is in effect"),
        ("stuck=lpar01", "not among those whom the plan updates"),
    ] {
        let bad = site.nimctl(["rehearse", file.as_str(), "--fault", fault]).ended_with(2)?;
        ensure!(bad.stderr.contains("NLU-0228") && bad.stderr.contains(why), "{bad}");
    }
    let shown = site.nimctl(["rehearse", file.as_str(), "--fault", "stuck=10%"]).succeeded()?;
    for part in ["rehearsal of rollout lab: 6 LPARs, 400 runs", "WENT WRONG", "planned", "NOTE"] {
        ensure!(shown.stdout.contains(part), "{part}: {shown}");
    }

    // The same rollout runs, is stopped by the same rule, paused, resumed, loses its master and ends.
    site.lab().set_fault("lpar12", Fault::ProcfsOpen).await?;
    site.nimctl(["rollout", "start", &file]).succeeded()?;
    site.nimctl(["rollout", "pause", "lab"]).succeeded()?;
    site.nimctl(["rollout", "resume", "lab"]).succeeded()?;
    let status = |site: &Harness| {
        site.nimctl(["rollout", "status", "lab", "-o", "json"]).succeeded()?.json()
    };
    wait_until("an LPAR is in flight", || {
        let status = status(&site)?;
        let flies = status["counts"]["in_flight"].as_u64() > Some(0);
        Ok(if flies { Ok(()) } else { Err(format!("{status:#}")) })
    })?;
    site.master().kill()?;
    site.master().launch()?;
    let ended = wait_until("the rollout ends", || {
        let status = status(&site)?;
        if status["phase"] == "stopped" {
            site.nimctl(["rollout", "resume", "lab"]).succeeded()?;
        } else if status["waits_for"].as_str().is_some_and(|why| why.contains("promote")) {
            site.nimctl(["rollout", "promote", "lab"]).succeeded()?;
        }
        Ok(if status["phase"] == "ended" { Ok(status) } else { Err(format!("{status:#}")) })
    })?;
    ensure!(ended["counts"]["done"] == 5 && ended["counts"]["failed"] == 1, "{ended:#}");

    // What it was told leads to the same orders and the same states, one by one.
    let replayed = site.nimctl(["rollout", "replay", "lab", "-o", "json"]).succeeded()?.json()?;
    ensure!(replayed["differs"].is_null() && replayed["complete"] == true, "{replayed:#}");
    ensure!(replayed["starts"] == 6, "each was started once: {replayed:#}");
    let events = replayed["events"].as_u64().context("a number")?;
    // Start, pause, resume; of each LPAR at least that it was taken, was over, and has given its memory back.
    ensure!((21..200).contains(&events), "{replayed:#}");
    let shown = site.nimctl(["rollout", "replay", "lab"]).succeeded()?;
    ensure!(shown.stdout.contains("the same decisions and states"), "{shown}");
    site.end().await
}
