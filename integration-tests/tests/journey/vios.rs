//! Which LPAR gets what from which VIOS, asked of the VIOS or through an HMC, and what is seen when it cannot be.

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, wait_until};
use nim_lab::clock::Mode;
use nim_lab::fault::ConsoleFault;
use nim_lab::site;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn adapters_are_known_by_either_way_and_a_vios_answers_lslpp() -> Result<()> {
    let text = include_str!("../../../examples/site-small.yaml");
    let mut file = site::parse("site-small.yaml", text)?;
    let lpar = file.lpars.iter_mut().find(|lpar| lpar.name == "lpar01").context("no lpar01")?;
    lpar.npiv = true;
    let mut site = Harness::with(file, Mode::Auto { speed: 100 }).await?;
    restart_with_quick_readings(&mut site)?;

    // Over the VIOS's own SSH.
    let shown = wait_until("both VIOSes of frame1 to be read", || {
        let shown = site.nimctl(["show", "lpar01"]).succeeded()?;
        let read = ["vios1a vfchost0", "vios1b vfchost0"];
        let read = read.iter().all(|adapter| shown.stdout.contains(adapter));
        Ok(if read { Ok(shown) } else { Err(shown.to_string()) })
    })?;
    for line in [
        "served_by     = vios1a vios1b",
        "= vios1a vhost0 SCSI lpar01_hdisk0 lpar01_hdisk1 lpar01_hdisk2",
        "= vios1a vfchost0 FC fcs0 to fcs0 LOGGED_IN",
    ] {
        ensure!(shown.stdout.contains(line), "{line}: {shown}");
    }
    let vios = site.nimctl(["show", "vios1a", "--output", "json"]).succeeded()?.json()?;
    ensure!(vios[0]["vios"]["level"] == "3.1.4.21" && vios[0]["vios"]["by"].is_null(), "{vios:#}");
    let client = |adapters: &Value| adapters.as_array().map(|all| all[0]["client"].clone());
    ensure!(client(&vios[0]["adapters"]) == Some(Value::from("lpar01")), "{vios:#}");
    let tree = site.nimctl(["tree", "frame1", "-o", "wide"]).succeeded()?;
    ensure!(tree.stdout.contains("vios1b vhost1 SCSI lpar02_hdisk0"), "{tree}");
    let narrow = site.nimctl(["tree", "frame1"]).succeeded()?;
    ensure!(!narrow.stdout.contains("vhost1"), "{narrow}");

    // What is installed, as NIM's users ask for it; of anything else, why not.
    let lslpp = ["nim", "-o", "lslpp", "-a", "lslpp_flags=-Lc", "-a", "filesets=bos.rte", "vios1a"];
    let listed = site.nimctl(lslpp).succeeded()?;
    ensure!(listed.stdout.contains("\nbos.rte:bos.rte:7.2.5.200:"), "{listed}");
    let missing = site.nimctl(["nim", "-o", "lslpp", "-a", "filesets=bos.none", "vios1a"]);
    ensure!(missing.code != Some(0) && missing.stderr.contains("0504-132"), "{missing}");
    ensure!(site.nimctl(["nim", "-o", "lppchk", "vios1a"]).code != Some(0));

    // Without a host key on record: through the HMC.
    site.nimctl(["hostkey", "remove", "vios1a"]).succeeded()?;
    wait_until("vios1a to be read through its HMC", || {
        let vios = site.nimctl(["show", "vios1a", "--output", "json"]).succeeded()?.json()?;
        Ok(if vios[0]["vios"]["by"] == "hmc01" { Ok(()) } else { Err(format!("{vios:#}")) })
    })?;
    let listed = site.nimctl(lslpp).succeeded()?;
    ensure!(listed.stdout.contains("\nbos.rte:bos.rte:7.2.5.200:"), "{listed}");

    // A VIOS that does not answer: what is known stays, and why there is nothing younger is said.
    site.lab().set_console_fault("vios1b", ConsoleFault::ViosUnreadable, true)?;
    wait_until("vios1b to be seen as unreadable", || {
        let vios = site.nimctl(["show", "vios1b"]).succeeded()?;
        let told = vios.stdout.contains("not since: ") && vios.stdout.contains("ioslevel` failed");
        Ok(if told { Ok(()) } else { Err(vios.to_string()) })
    })?;
    let shown = site.nimctl(["show", "lpar01"]).succeeded()?;
    ensure!(shown.stdout.contains("served_by     = vios1a vios1b"), "{shown}");
    let refused = site.nimctl(lslpp.map(|word| if word == "vios1a" { "vios1b" } else { word }));
    ensure!(refused.code != Some(0), "{refused}");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hmc_whose_lists_break_off_is_said_to_and_the_other_one_is_asked() -> Result<()> {
    let site = Harness::small(100).await?;
    site.lab().set_console_fault("hmc01", ConsoleFault::FeedGarbage, true)?;
    let asked = site.nimctl(["nimquery", "-a", "hmc=hmc01"]);
    ensure!(asked.code != Some(0) && asked.stderr.contains("is no table"), "{asked}");
    ensure!(!asked.to_string().contains('\u{1b}'), "an escape got through: {asked}");
    let found = site.nimctl(["discover", "--dry-run"]).ended_with(4)?;
    ensure!(found.stdout.contains("nothing to change by the HMCs that answered"), "{found}");
    let partitions = site.nimctl(["nimquery", "-a", "cec=frame1"]).succeeded()?;
    ensure!(partitions.stdout.contains("name=lpar01,"), "{partitions}");
    site.end().await
}

/// Has nimd read frames and VIOSes as often as its settings allow.
fn restart_with_quick_readings(site: &mut Harness) -> Result<()> {
    site.master().settle("inventory: {refresh: 1s}\n")
}
