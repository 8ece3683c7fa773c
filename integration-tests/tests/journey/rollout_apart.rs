//! LPARs of a rollout that are never updated together: partners, and those that share a pool of processors with room for one surrogate.

use anyhow::{Context as _, Result, ensure};
use integration_tests::Harness;
use nim_lab::clock::Mode;
use nim_lab::fault::Fault;
use nim_lab::site::{self, PoolEntry};
use nim_shared::stamp::Timestamp;
use serde_json::Value;

use crate::rollout::until;

/// Of these LPARs, with these `apart` and limits.
pub(crate) fn file(site: &Harness, names: &str, more: &str) -> Result<String> {
    let text = format!(
        "name: lab\ntargets:\n  names: [{names}]\noperation:\n  live_update: yes\n  live_update_data: lud_{{lpar}}\n  \
         lpp_source: 7300-03-01\n  fixes: update_all\n  accept_licenses: yes\n\
         limits: {{in_flight: 2, stagger_hmc: 0s, stagger_vios: 0s}}\nassume: {{duration: 20m}}\n{more}"
    );
    let path = site.site_folder().join("rollout.yaml");
    std::fs::write(&path, text)?;
    let path = path.to_str().context("a path")?.to_owned();
    site.wait_for_frames(&path)?;
    Ok(path)
}

/// Runs it to its end.
fn ended(site: &Harness, file: &str) -> Result<Value> {
    site.nimctl(["rollout", "start", file]).succeeded()?;
    until(site, "the rollout ends", |status| status["phase"] == "ended")
}

/// When the update of `lpar` began and ended.
fn span(site: &Harness, lpar: &str) -> Result<(Timestamp, Timestamp)> {
    let view = site.nimctl(["status", lpar, "-o", "json"]).succeeded()?.json()?;
    let at = |key: &str| {
        let text = view[key].as_str().context(format!("{key}: {view:#}"))?;
        text.parse().map_err(anyhow::Error::msg)
    };
    Ok((at("started_at")?, at("ended_at")?))
}

fn is_one_after_the_other(site: &Harness, one: &str, other: &str) -> Result<()> {
    let (one, other) = (span(site, one)?, span(site, other)?);
    ensure!(one.1 <= other.0 || other.1 <= one.0, "together: {one:?} and {other:?}");
    Ok(())
}

fn states(status: &Value) -> Vec<&str> {
    let targets = status["targets"].as_array().into_iter().flatten();
    targets.filter_map(|one| one["state"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_comes_when_the_other_is_healthy_and_never_when_it_is_not() -> Result<()> {
    let site = Harness::small(100).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    // Each is updated, and has a path less than before: 1430-094.
    for lpar in ["lpar07", "lpar08"] {
        site.lab().set_fault(lpar, Fault::PostProcessing).await?;
    }
    let healthy = file(&site, "lpar07, lpar08", "apart: {lists: [[lpar07, lpar08]]}\n")?;
    site.nimctl(["rollout", "start", &healthy]).succeeded()?;
    let status = until(&site, "one to be updated", |status| status["counts"]["done"] == 1)?;
    let named = |state: &str| {
        let of = status["targets"].as_array()?.iter().find(|one| one["state"] == state)?;
        Some((of["lpar"].as_str()?, of["why"].as_str().unwrap_or_default()))
    };
    let (first, why) = named("updated").context("one that is updated")?;
    ensure!(why.starts_with("not known to be healthy: 1430-094: errors"), "{status:#}");
    let (second, _) = named("waiting").context("its partner, which waits")?;
    let why = site.nimctl(["why", second]).succeeded()?;
    let way_on = format!("nimctl rollout promote lab {first}");
    ensure!(why.stdout.contains(&way_on) && why.stdout.contains("1430-094"), "{why}");
    let refused = site.nimctl(["rollout", "promote", "lab", second]).ended_with(3)?;
    ensure!(refused.stderr.contains("is not among those that are updated"), "{refused}");
    assert_eq!(site.updates_started(second)?, 0);
    site.nimctl(["rollout", "promote", "lab", first]).succeeded()?;
    let status = until(&site, "the rollout ends", |status| status["phase"] == "ended")?;
    ensure!(status["counts"]["done"] == 2, "{status:#}");
    is_one_after_the_other(&site, "lpar07", "lpar08")?;

    for lpar in ["lpar09", "lpar10"] {
        site.lab().set_fault(lpar, Fault::CloneFails).await?;
    }
    let sick = file(&site, "lpar09, lpar10", "apart: {lists: [[lpar09, lpar10]]}\n")?;
    let status = ended(&site, &sick)?;
    let mut states = states(&status);
    states.sort_unstable();
    ensure!(states == ["failed", "skipped"], "{status:#}");
    let why = status["targets"].as_array().into_iter().flatten();
    let why = why.filter_map(|one| one["why"].as_str()).collect::<String>();
    ensure!(why.contains("a partner is not known to be healthy"), "{status:#}");
    let tried = site.updates_started("lpar09")? + site.updates_started("lpar10")?;
    ensure!(tried == 1, "{tried} updates were started");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn lpars_of_a_pool_with_room_for_one_more_are_updated_one_after_the_other() -> Result<()> {
    let text = include_str!("../../../examples/site-small.yaml");
    let mut file_of_site = site::parse("site-small.yaml", text)?;
    file_of_site.read_alike();
    let frames = &mut file_of_site.frames;
    let frame = frames.iter_mut().find(|frame| frame.name == "frame2").context("no frame2")?;
    // Each of its LPARs has half a unit.
    let processors = "1.5".parse().map_err(anyhow::Error::msg)?;
    let reserved = "0".parse().map_err(anyhow::Error::msg)?;
    frame.pools = vec![PoolEntry { id: 1, name: "SharedPool01".to_owned(), processors, reserved }];
    let pooled = |lpar: &&mut site::LparEntry| ["lpar07", "lpar08"].contains(&lpar.name.as_str());
    file_of_site.lpars.iter_mut().filter(pooled).for_each(|lpar| lpar.pool = 1);
    let site = Harness::with(file_of_site, Mode::Auto { speed: 100 }).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    let path = file(&site, "lpar07, lpar08", "")?;
    let plan = site.nimctl(["rollout", "plan", &path, "-o", "json"]).succeeded()?.json()?;
    let begins = plan["targets"].as_array().context("targets")?;
    let waits = begins.iter().filter_map(|one| one["waits_for"].as_str());
    ensure!(waits.clone().any(|what| what.contains("pool")), "{plan:#}");
    let status = ended(&site, &path)?;
    ensure!(status["counts"]["done"] == 2, "{status:#}");
    is_one_after_the_other(&site, "lpar07", "lpar08")?;
    site.end().await
}
