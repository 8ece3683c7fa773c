//! `cust` without Live Update: from NIM's words to AIX and back, in one go and through the death of a master.

use anyhow::{Result, ensure};
use integration_tests::{Harness, wait_until};

const SOURCE: [&str; 6] =
    ["-a", "lpp_source=7300-03-01", "-a", "fixes=update_all", "-a", "accept_licenses=yes"];

#[tokio::test(flavor = "multi_thread")]
async fn software_is_installed_first_and_the_kernel_moved_afterwards() -> Result<()> {
    let site = Harness::small(100).await?;
    let cust = |more: &[&'static str]| {
        let line = ["nim", "-o", "cust"].into_iter().chain(more.iter().copied());
        site.nimctl(line.chain(["lpar07"]).collect::<Vec<_>>())
    };
    let before = site.nimctl(["c_rsh", "lpar07", "oslevel -s"]).ended_with(0)?;
    cust(&[&SOURCE[..], &["-a", "installp_flags=-p"]].concat()).ended_with(0)?;
    ensure!(site.updates_started("lpar07")? == 0);
    let installed = cust(&SOURCE).ended_with(0)?;
    ensure!(installed.stdout.contains("install_all_updates: Result = SUCCESS"), "{installed}");
    ensure!(!installed.stdout.contains("Blackout"), "{installed}");
    ensure!(site.updates_started("lpar07")? == 1);
    let after = site.nimctl(["c_rsh", "lpar07", "oslevel -s"]).ended_with(0)?;
    ensure!(before.stdout != after.stdout && after.stdout.starts_with("7300-03-01"), "{after}");
    // Once more: there is nothing to do, and that is no failure.
    cust(&SOURCE).ended_with(0)?;
    let moved = cust(&["-a", "live_update=yes", "-a", "live_update_data=lud_lpar07"]);
    ensure!(moved.ended_with(0)?.stdout.contains("Blackout Time end"));
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_goes_on_when_its_master_is_killed() -> Result<()> {
    let mut site = Harness::small(60).await?;
    let line = ["cust"].into_iter().chain(SOURCE).chain(["--detach", "lpar07"]);
    site.nimctl(line.collect::<Vec<_>>()).ended_with(0)?;
    let state = |site: &Harness| -> Result<String> {
        let status = site.nimctl(["-o", "json", "status", "--all"]).ended_with(0)?.json()?;
        let text = |key: &str| status[0][key].as_str().unwrap_or_default().to_owned();
        Ok(format!("{} {}", text("state"), text("stage")))
    };
    wait_until("the installation runs", || {
        let now = state(&site)?;
        Ok(if now == "running update" { Ok(()) } else { Err(now) })
    })?;
    site.master().kill()?;
    site.master().launch()?;
    wait_until("the installation is done", || {
        let now = state(&site)?;
        Ok(if now.starts_with("succeeded") { Ok(()) } else { Err(now) })
    })?;
    ensure!(site.updates_started("lpar07")? == 1, "geninstall was started more than once");
    site.end().await
}
