//! A rollout that is aborted with a cancel of what runs: who can still go back does, who cannot goes on, and nobody else begins.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use integration_tests::switched::{Switched, switch_on};
use integration_tests::{Harness, wait_until};
use nim_lab::Phase;
use nim_lab::clock::Mode;
use nim_lab::fault::Fault;
use nim_lab::site;
use nim_lab::world::running::WorkloadManager;
use serde_json::Value;

use crate::rollout::until;
use crate::split::{held_in_prep, waits};

const LPARS: [&str; 3] = ["lpar08", "lpar09", "lpar10"];

/// Two at a time, each of which stops in `prep` until it is let on.
const LIMITS: &str = "limits: {in_flight: 2, stagger_hmc: 0s, stagger_vios: 0s}\n";

/// Several steps, and all of them are of the kind that is put back.
const POLICY: &str = "prep:
  trusted_execution: always
  secorder: always
  workload_manager: always
  other_copy: always
  services: {dsmcad: always, nimon: always}
backup: {waived: a test}
";

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_with_cancel_puts_back_all_of_prep_and_lets_what_cannot_go_back_finish()
-> Result<()> {
    let site = site().await?;
    let file = site.site_folder().join("rollout.yaml");
    std::fs::write(&file, held_in_prep(&LPARS, LIMITS))?;
    let file = file.to_str().context("a path")?;
    site.wait_for_frames(file)?;
    let world = site.lab().world()?;
    let mut before = BTreeMap::new();
    for lpar in LPARS {
        before.insert(lpar, (Switched::of(site.lab(), lpar)?, world.lpar(lpar)?.clone()));
    }

    site.nimctl(["rollout", "start", file]).succeeded()?;
    let begun = until(&site, "two run", |status| in_state(status, "running").len() == 2)?;
    let (running, waiting) = (in_state(&begun, "running"), in_state(&begun, "waiting"));
    let ([ahead, held], [waiting]) = (&running[..], &waiting[..]) else {
        anyhow::bail!("{begun:#}");
    };
    // The first gets past its point of no return; the second has done all of prep by then, and there is no room for it.
    go(&site, ahead)?;
    while site.lab().clock().until_pending(ahead).await.phase != Phase::Clone {
        site.lab().advance(ahead);
    }
    wait_until("it to be past its point of no return", || {
        let view = view(&site, ahead)?;
        Ok(if view["phase"] == "clone" { Ok(()) } else { Err(view.to_string()) })
    })?;
    site.lab().set_fault(held, Fault::FrameFull).await?;
    go(&site, held)?;
    wait_until("the second to wait for room", || {
        let view = view(&site, held)?;
        let waits = view["waits_for"].as_str().is_some_and(|what| what.contains("memory"));
        Ok(if waits { Ok(()) } else { Err(view.to_string()) })
    })?;
    let (was, lpar) = &before[held.as_str()];
    let prepared = Switched::of(site.lab(), held)?;
    ensure!(was.running.workload_manager == WorkloadManager::Active, "{was:#?}");
    ensure!(prepared.running.workload_manager != WorkloadManager::Active, "{prepared:#?}");
    let steps = site.nimctl(["status", held]).succeeded()?.stdout;
    for step in ["Trusted Execution off", "subsystem dsmcad stopped", "subsystem nimon stopped"] {
        ensure!(steps.contains(step), "{step}: {steps}");
    }
    let changed = was.files.iter().filter(|(file, text)| prepared.files[*file] != **text).count();
    ensure!(changed > 1, "{prepared:#?}");

    site.nimctl(["rollout", "abort", "lab", "--cancel"]).succeeded()?;
    let aborted = until(&site, "the second is cancelled", |status| {
        in_state(status, "cancelled") == [held.clone()]
    })?;
    // What is past its point of no return is waited for.
    ensure!(aborted["phase"] == "aborting", "{aborted:#}");
    ensure!(in_state(&aborted, "running") == [ahead.clone()], "{aborted:#}");
    ensure!(Switched::of(site.lab(), held)? == *was, "{:#?}", Switched::of(site.lab(), held)?);
    site.lab().clear_fault(held, Fault::FrameFull)?;
    let ended = wait_until("the rollout to end", || {
        site.lab().advance(ahead);
        let status = site.nimctl(["rollout", "status", "lab", "-o", "json"]).succeeded()?.json()?;
        Ok(if status["phase"] == "ended" { Ok(status) } else { Err(format!("{status:#}")) })
    })?;

    // All that the lab has of the two, field by field, is as it was.
    let world = site.lab().world()?;
    ensure!(world.lpar(held)? == lpar, "{:#?}\ninstead of {lpar:#?}", world.lpar(held)?);
    let untouched = &before[waiting.as_str()].1;
    ensure!(world.lpar(waiting)? == untouched, "{:#?}", world.lpar(waiting)?);
    for (lpar, updates) in [(ahead, 1), (held, 0), (waiting, 0)] {
        assert_eq!(site.updates_started(lpar)?, updates, "{lpar}");
    }
    let counts = &ended["counts"];
    ensure!(counts["done"] == 1 && counts["left_out"] == 2, "{ended:#}");
    let by_somebody = ended["events"].as_array().into_iter().flatten().any(|event| {
        event["what"] == "aborted (what runs is cancelled where it can be)" && event["by"].is_u64()
    });
    ensure!(by_somebody, "{ended:#}");
    let report = site.nimctl(["rollout", "report", "lab", "-o", "json"]).succeeded()?.json()?;
    for (lpar, state) in [(ahead, "updated"), (held, "cancelled"), (waiting, "not_started")] {
        let all = report["lpars"].as_array().context("LPARs")?;
        let one = all.iter().find(|one| one["lpar"] == **lpar).context("it is in the report")?;
        ensure!(one["state"] == state, "{one:#}");
    }
    let shown = site.nimctl(["rollout", "report", "lab"]).succeeded()?;
    for part in ["1 updated", "aborted (what runs is cancelled where it can be)"] {
        ensure!(shown.stdout.contains(part), "{part}: {shown}");
    }
    site.end().await
}

/// The small site, with everything on on those that are updated, and a script there that waits.
async fn site() -> Result<Harness> {
    let text = include_str!("../../../examples/site-small.yaml");
    let mut file = site::parse("site-small.yaml", text)?;
    for lpar in file.lpars.iter_mut().filter(|lpar| LPARS.contains(&&*lpar.name)) {
        switch_on(lpar);
    }
    let site = Harness::with(file, Mode::Explicit).await?;
    site.set_policy(POLICY)?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    waits(&site)?;
    for lpar in LPARS {
        std::fs::write(site.lab().root(lpar).join("etc/nim-agent.policy"), "scripts = on\n")?;
    }
    Ok(site)
}

/// Lets on what waits on an LPAR.
fn go(site: &Harness, lpar: &str) -> Result<()> {
    std::fs::write(site.lab().root(lpar).join("go"), "").context("the script is not let on")
}

/// The LPARs of a rollout in a state.
fn in_state(status: &Value, state: &str) -> Vec<String> {
    let targets = status["targets"].as_array().into_iter().flatten();
    let of = targets.filter(|one| one["state"] == state);
    of.filter_map(|one| one["lpar"].as_str().map(ToOwned::to_owned)).collect()
}

fn view(site: &Harness, lpar: &str) -> Result<Value> {
    site.nimctl(["status", lpar, "-o", "json"]).succeeded()?.json()
}
