//! Updates in parts: what is installed first stays, whatever becomes of the move.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use integration_tests::{Harness, SOURCE, cust, wait_until};
use nim_lab::Phase;
use nim_lab::clock::Mode;
use nim_lab::fault::Fault;
use nim_lab::site;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_slow_to_start_fails_an_update_in_one_step_and_not_one_in_parts()
-> Result<()> {
    let site = Harness::small(200).await?;
    for lpar in ["lpar07", "lpar08"] {
        site.lab().set_fault(lpar, Fault::PfcdaemonSlow).await?;
    }
    let one_step = site.nimctl(cust(SOURCE, &["lpar07"])).ended_with(1)?;
    ensure!(one_step.stdout.contains("1430-134"), "{one_step}");
    ensure!(status(&site, "lpar07")?["report"]["software"] == "applied_not_live");

    let words = cust(SOURCE, &["lpar08"]).into_iter().chain(["-a", "strategy=split"]);
    let split = site.nimctl(words).succeeded()?;
    ensure!(site.updates_started("lpar08")? == 2, "{split}");
    let shown = status(&site, "lpar08")?;
    ensure!(shown["way"]["strategy"] == "split" && shown["state"] == "succeeded", "{shown:#}");
    let events = site.nimctl(["events", "lpar08"]).succeeded()?.stdout;
    for part in ["installation of the updates", "(installp -c all)", "start of pfcdaemon"] {
        ensure!(events.contains(&format!("{part} succeeded")), "{events}");
    }
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_that_keeps_libraries_is_updated_in_parts_by_itself_and_moved_later() -> Result<()>
{
    let mut file =
        site::parse("site-small.yaml", include_str!("../../../examples/site-small.yaml"))?;
    let entry = file.lpars.iter_mut().find(|entry| entry.name == "lpar01");
    "7200-05-01-2038".clone_into(&mut entry.expect("the site has it").level);
    let site = Harness::with(file, Mode::Auto { speed: 200 }).await?;
    site.lab().set_fault("lpar01", Fault::ShlibStale).await?;
    wait_until("the level of lpar01 to be known", || {
        let list = site.nimctl(["list", "standalone", "--columns", "name,oslevel"]).succeeded()?;
        let known = list.stdout.contains("7200-05-01-2038");
        Ok(if known { Ok(()) } else { Err(list.to_string()) })
    })?;
    let run = site.nimctl(cust("lpp_source=7200-05-04", &["lpar01"])).ended_with(1)?;
    ensure!(run.stderr.contains("pitfall 6"), "{run}");
    let shown = status(&site, "lpar01")?;
    ensure!(shown["way"]["strategy"] == "split", "{shown:#}");
    ensure!(shown["report"]["software"] == "applied_not_live", "{shown:#}");
    ensure!(shown["report"]["after"]["level"] == "7200-05-04-2220", "{shown:#}");
    let world = site.lab().world()?;
    ensure!(world.lpars["lpar01"].software.applied.filesets.is_empty(), "not committed");
    ensure!(world.lpars["lpar01"].kernel != world.lpars["lpar01"].software.level);

    // The workload that holds them is stopped: only the move is left.
    site.lab().clear_fault("lpar01", Fault::ShlibStale)?;
    let only_move = ["-a", "live_update=yes", "-a", "live_update_data=lud_lpar01", "lpar01"];
    site.nimctl(["cust"].into_iter().chain(only_move)).succeeded()?;
    let world = site.lab().world()?;
    ensure!(world.lpars["lpar01"].kernel == world.lpars["lpar01"].software.level);
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn interim_fixes_go_with_the_move_also_where_that_alone_is_done_again() -> Result<()> {
    let site = Harness::small(200).await?;
    let folder = site.site_folder().join("lpp_source");
    let fix = "IJ52421s2a.241031.epkg.Z";
    std::fs::copy(folder.join("ifix-2026").join(fix), folder.join("7300-03-01").join(fix))?;
    site.nimctl(["nim", "-o", "check", "7300-03-01"]).ended_with(0)?;
    site.lab().set_fault("lpar08", Fault::MoveWorkload).await?;
    let all = cust(SOURCE, &["lpar08"]).into_iter().map(|word| match word {
        "fixes=update_all" => "fixes=all",
        other => other,
    });
    let failed = site.nimctl(all.chain(["-a", "strategy=split"])).ended_with(1)?;
    ensure!(failed.stdout.contains("the interim fixes"), "{failed}");
    ensure!(status(&site, "lpar08")?["report"]["software"] == "applied_not_live");

    site.lab().clear_fault("lpar08", Fault::MoveWorkload)?;
    site.nimctl(["retry", "--move-only", "--remedied", "lpar08"]).succeeded()?;
    let shown = status(&site, "lpar08")?;
    let installed = &shown["report"]["after"]["interim_fixes"];
    ensure!(*installed == serde_json::json!(["IJ52421s2a"]), "{shown:#}");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_was_taken_since_ready_is_missed_before_anything_is_installed() -> Result<()> {
    let site = Harness::small(200).await?;
    let go = waits(&site)?;
    let order = |more: &[&'static str]| {
        let words = cust(SOURCE, &["lpar08"]).into_iter();
        let hook = ["-a", "strategy=split", "-a", "hook=before-update:waits"];
        words.chain(hook).chain(more.iter().copied()).collect::<Vec<_>>()
    };
    site.nimctl(order(&["--detach"])).succeeded()?;
    // It was let on, and has not begun.
    wait_until("the hook to run", || {
        let view = status(&site, "lpar08")?;
        Ok(if view["stage"] == "update" { Ok(()) } else { Err(view.to_string()) })
    })?;
    site.lab().set_fault("lpar08", Fault::FrameFull).await?;
    std::fs::write(go, "")?;
    let view = wait_until("the update to fail", || {
        let view = status(&site, "lpar08")?;
        Ok(if view["state"] == "failed" { Ok(view) } else { Err(view.to_string()) })
    })?;
    let summary = view["report"]["summary"].as_str().unwrap_or_default();
    ensure!(summary.contains("capacity: needs"), "{view:#}");
    ensure!(view["report"]["software"] == "unchanged", "{view:#}");
    ensure!(site.updates_started("lpar08")? == 0);
    site.lab().clear_fault("lpar08", Fault::FrameFull)?;
    site.nimctl(order(&[])).succeeded()?;
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_is_taken_between_the_parts_keeps_the_kernel_and_what_is_installed_stays()
-> Result<()> {
    let file = site::parse("site-small.yaml", include_str!("../../../examples/site-small.yaml"))?;
    let site = Harness::with(file, Mode::Explicit).await?;
    let words = cust(SOURCE, &["lpar08"]).into_iter().chain(["-a", "strategy=split", "--detach"]);
    site.nimctl(words).succeeded()?;
    while site.lab().clock().until_pending("lpar08").await.phase != Phase::Install {
        site.lab().advance("lpar08");
    }
    site.lab().set_fault("lpar08", Fault::FrameFull).await?;
    let over = |what: &str| {
        wait_until(what, || {
            site.lab().advance("lpar08");
            let view = status(&site, "lpar08")?;
            Ok(if view["ended_at"].is_null() { Err(view.to_string()) } else { Ok(view) })
        })
    };
    let view = over("the update to fail")?;
    let summary = view["report"]["summary"].as_str().unwrap_or_default();
    ensure!(view["state"] == "failed" && summary.contains("capacity: needs"), "{view:#}");
    ensure!(view["report"]["software"] == "applied_not_live", "{view:#}");
    ensure!(site.updates_started("lpar08")? == 1, "the kernel was moved: {view:#}");

    site.lab().clear_fault("lpar08", Fault::FrameFull)?;
    site.nimctl(["retry", "--move-only", "--remedied", "--detach", "lpar08"]).succeeded()?;
    let view = over("the kernel to be moved")?;
    ensure!(view["state"] == "succeeded" && site.updates_started("lpar08")? == 2, "{view:#}");
    let lpar = site.lab().world()?.lpar("lpar08")?.clone();
    ensure!(lpar.kernel == lpar.software.level, "{lpar:#?}");
    site.end().await
}

/// A rollout called `lab` of these LPARs, each of which runs the script `waits` in `prep`, with `more` in its file.
pub(crate) fn held_in_prep(lpars: &[&str], more: &str) -> String {
    format!(
        "name: lab
targets:
  names: [{}]
operation:
  live_update: yes
  live_update_data: lud_{{lpar}}
  lpp_source: 7300-03-01
  fixes: update_all
  accept_licenses: yes
  hook: prep:waits
{more}",
        lpars.join(", ")
    )
}

/// Defines the script `waits`, which ends when the file that is returned is there, and lets lpar08 run it.
pub(crate) fn waits(site: &Harness) -> Result<PathBuf> {
    let script = site.site_folder().join("waits");
    std::fs::write(&script, "#!/bin/sh\nuntil [ -e $NIM_AGENT_ROOT/go ]; do sleep 0.1; done\n")?;
    let location = format!("location={}", script.display());
    site.nimctl(["define", "-t", "script", "-a", "server=master", "-a", &location, "waits"])
        .succeeded()?;
    let root = site.lab().root("lpar08");
    std::fs::write(root.join("etc/nim-agent.policy"), "scripts = on\n")?;
    Ok(root.join("go"))
}

fn status(site: &Harness, lpar: &str) -> Result<Value> {
    site.nimctl(["status", lpar, "--output", "json"]).succeeded()?.json()
}
