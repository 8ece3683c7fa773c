//! Back to the level before: from an update with a backup by a boot from the copy, with what prep had changed in it put back, and forward
//! again; and everything that is no way back.

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, cust};
use nim_lab::clock::Mode;
use nim_lab::site::{self, DiskEntry, SwitchedOn};

use crate::master_hook::{folder, program};

const SOURCE: &str = "lpp_source=7200-05-04";
const OLD: &str = "7200-05-03-2148";
const NEW: &str = "7200-05-04";

/// Where Trusted Execution is switched on.
const POLICIES: &str = "etc/security/tsd/tepolicies.dat";

/// The small site, with spare disks and Trusted Execution on lpar01.
async fn site() -> Result<Harness> {
    let text = include_str!("../../../examples/site-small.yaml");
    let mut file = site::parse("site-small.yaml", text)?;
    for lpar in file.lpars.iter_mut().filter(|lpar| ["lpar01", "lpar02"].contains(&&*lpar.name)) {
        lpar.on = [SwitchedOn::TrustedExecution].into();
        lpar.disks = DiskEntry::row(&[Some("rootvg"), None, None, None, None]);
    }
    let site = Harness::with(file, Mode::Auto { speed: 200 }).await?;
    site.set_policy("prep: {trusted_execution: always}\nbackup: {copy_to: [hdisk3]}\n")?;
    Ok(site)
}

fn policies(site: &Harness) -> Result<String> {
    Ok(std::fs::read_to_string(site.lab().root("lpar01").join(POLICIES))?)
}

/// The same in the copy of rootvg.
fn copied(site: &Harness) -> Result<String> {
    let world = site.lab().world()?;
    let copy = world.lpar("lpar01")?.disk("hdisk3").context("no hdisk3")?;
    let pvid = copy.pvid.as_deref().context("the copy has a PVID")?;
    let home = site.lab().root("lpar01").with_file_name("disks");
    Ok(std::fs::read_to_string(home.join(pvid).join(POLICIES))?)
}

fn level(site: &Harness) -> Result<String> {
    Ok(site.lab().world()?.lpar("lpar01")?.software.level.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_taken_back_by_a_boot_from_its_copy_and_forward_again() -> Result<()> {
    let mut site = site().await?;
    let before = policies(&site)?;
    let none = site.nimctl(["rollback", "--yes", "lpar01"]).ended_with(3)?;
    ensure!(
        none.stderr.contains("NLU-0244") && none.stderr.contains("no disk is on record"),
        "{none}"
    );

    site.nimctl(cust(SOURCE, &["lpar01"])).succeeded()?;
    ensure!(level(&site)?.starts_with(NEW));

    // It says what it leads to and what is lost, and without an answer nothing is done.
    let asked = site.nimctl(["rollback", "lpar01"]).ended_with(2)?;
    for part in ["to: hdisk3", OLD, "a real outage", "is not in the copy"] {
        ensure!(asked.stdout.contains(part), "{part}: {asked}");
    }
    ensure!(site.lab().world()?.lpar("lpar01")?.bootlist == ["hdisk0"]);
    let kernel = site.lab().world()?.lpar("lpar01")?.disks.clone();
    let kernel = kernel.iter().find(|disk| disk.vg.as_deref() == Some("lvup_rootvg"));
    let kernel = kernel.context("no surrogate's disk")?.name.clone();
    for (disk, why) in [
        (kernel.as_str(), "nobody boots it"),
        ("hdisk0", "it is running"),
        ("hdisk4", "no operation has used hdisk4"),
    ] {
        let refused = site.nimctl(["rollback", "--yes", "--disk", disk, "lpar01"]).ended_with(3)?;
        ensure!(refused.stderr.contains(why), "{refused}");
    }
    let hook = ["rollback", "--yes", "--hook", "pre:stop", "lpar01"];
    let refused = site.nimctl(hook).ended_with(3)?;
    ensure!(refused.stderr.contains("a rollback runs hooks at before-reboot"), "{refused}");

    // The copy was made while Trusted Execution was off: after the boot it is on again.
    ensure!(policies(&site)? == before && copied(&site)? != before);
    let done = site.nimctl(["rollback", "--yes", "lpar01"]).succeeded()?;
    let lpar = site.lab().world()?.lpar("lpar01")?.clone();
    ensure!(lpar.software.level == OLD && lpar.kernel == OLD, "{lpar:#?} {done}");
    let root = lpar.disk("hdisk3").context("no hdisk3")?;
    ensure!(
        root.vg.as_deref() == Some("rootvg") && root.pvid.as_deref() == Some(&*lpar.booted_from)
    );
    ensure!(lpar.bootlist == ["hdisk3"], "{:?}", lpar.bootlist);
    ensure!(policies(&site)? == before, "{done}");
    let status = site.nimctl(["-o", "json", "status", "lpar01"]).succeeded()?.json()?;
    let told = format!("the LPAR runs from hdisk3, at {OLD}");
    ensure!(status["report"]["summary"] == told, "{status:#}");
    ensure!(done.stdout.contains(&format!("-> {OLD}")), "{done}");

    // What ran before is the way forward; what booted the kernel of then is needed by nothing.
    let disks = site.nimctl(["-o", "json", "disks", "lpar01"]).succeeded()?.json()?;
    let of = |name: &str| {
        let all = disks["disks"].as_array().into_iter().flatten();
        all.clone().find(|disk| disk["name"] == name).cloned().unwrap_or_default()
    };
    ensure!(of("hdisk3")["good_for"] == "running" && of("hdisk3")["level"] == OLD, "{disks:#}");
    ensure!(of("hdisk0")["good_for"] == "way_back", "{disks:#}");
    ensure!(
        of("hdisk0")["level"].as_str().is_some_and(|level| level.starts_with(NEW)),
        "{disks:#}"
    );
    let retried = site.nimctl(["retry", "lpar01"]).ended_with(3)?;
    ensure!(retried.stderr.contains("nimctl rollback lpar01"), "{retried}");

    // What stops the workload may be a program of nimd's: where it does not succeed nothing is booted.
    let hooks = folder(&mut site, "")?;
    program(
        &hooks,
        "stop",
        "#!/bin/sh\n[ -e $0.may ] && sed 's/.*\"stage\"/\"stage\"/' > $0.told\n",
    )?;
    let booted = |site: &Harness| -> Result<String> {
        Ok(site.lab().world()?.lpar("lpar01")?.booted_from.clone())
    };
    let before = booted(&site)?;
    let words = ["rollback", "--yes", "--master-hook", "before-reboot:stop", "lpar01"];
    let refused = site.nimctl(words).ended_with(1)?;
    let said = "the master's hook stop at before-reboot failed with exit status 1";
    ensure!(refused.to_string().contains(said), "{refused}");
    ensure!(booted(&site)? == before && level(&site)? == OLD, "{refused}");
    std::fs::write(hooks.join("stop.may"), "")?;
    let done = site.nimctl(words).succeeded()?;
    ensure!(level(&site)?.starts_with(NEW) && booted(&site)? != before, "{done}");
    let told = std::fs::read_to_string(hooks.join("stop.told"))?;
    ensure!(told.contains(&format!("\"level\":\"{OLD}\"")), "{told}");

    // What the policy names runs in any case, and is shown before anything is asked.
    site.set_policy(
        "backup: {copy_to: [hdisk3]}\nbefore_reboot: {master_hooks: [stop], hooks: [gone]}\n",
    )?;
    let shown = site.nimctl(["policy", "show", "lpar01"]).succeeded()?;
    for text in ["boots it: stop, by nimd itself\n", "boots it: gone, on the LPAR\n"] {
        ensure!(shown.stdout.contains(text), "{text}: {shown}");
    }
    let proposed = site.nimctl(["rollback", "lpar01"]).ended_with(2)?;
    ensure!(proposed.stdout.contains("runs first: stop, by nimd itself\n"), "{proposed}");
    let refused = site.nimctl(["rollback", "--yes", "lpar01"]).ended_with(3)?;
    ensure!(refused.stderr.contains("gone"), "{refused}");
    site.set_policy("backup: {copy_to: [hdisk3]}\nbefore_reboot: {master_hooks: [stop]}\n")?;
    std::fs::remove_file(hooks.join("stop.may"))?;
    // What is asked for takes nothing from it.
    for words in [&["lpar01"][..], &["--master-hook", "before-reboot:stop:ignore", "lpar01"]] {
        let refused = site.nimctl([&["rollback", "--yes"], words].concat()).ended_with(1)?;
        ensure!(refused.to_string().contains(said), "{refused}");
        ensure!(level(&site)?.starts_with(NEW), "{refused}");
    }
    std::fs::write(hooks.join("stop.may"), "")?;
    let done = site.nimctl(["rollback", "--yes", "lpar01"]).succeeded()?;
    ensure!(level(&site)? == OLD, "{done}");
    site.end().await
}
