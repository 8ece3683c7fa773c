//! What updates leave on disks: it is on record, and what nothing needs is released; what something needs, or is not what it was, is not.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, cust, wait_until};
use nim_lab::clock::Mode;
use nim_lab::site::{self, DiskEntry};
use nim_lab::world::lpar::Disk;
use serde_json::Value;

const SOURCE: &str = "lpp_source=7200-05-04";
const OLD: &str = "7200-05-03-2148";

/// The small site, with a spare disk on lpar01 and lpar02, which differ in which disk holds what after an update.
async fn site() -> Result<Harness> {
    let text = include_str!("../../../examples/site-small.yaml");
    let mut file = site::parse("site-small.yaml", text)?;
    for (name, swapped) in [("lpar01", false), ("lpar02", true)] {
        let lpar = file.lpars.iter_mut().find(|lpar| lpar.name == name).context(name)?;
        lpar.vary.insert("disks_swapped".to_owned(), swapped);
        lpar.disks = DiskEntry::row(&[Some("rootvg"), None, None, None]);
    }
    let site = Harness::with(file, Mode::Auto { speed: 200 }).await?;
    site.set_policy("backup: {copy_to: [hdisk3]}\n")?;
    Ok(site)
}

/// What a disk is good for, what needs it, and all that is shown of it.
type Recorded = (String, Option<String>, Value);

/// What is on record of each disk.
fn recorded(site: &Harness, lpar: &str) -> Result<BTreeMap<String, Recorded>> {
    let found = site.nimctl(["-o", "json", "disks", lpar]).succeeded()?.json()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let disks = found["disks"].as_array().cloned().unwrap_or_default().into_iter();
    let row = |disk: Value| {
        let good_for = text(&disk["good_for"]).context("good for what?")?;
        Ok((text(&disk["name"]).context("no name")?, (good_for, text(&disk["need"]), disk)))
    };
    disks.map(row).collect()
}

fn disk(site: &Harness, lpar: &str, name: &str) -> Result<Disk> {
    site.lab().world()?.lpar(lpar)?.disk(name).cloned().context("no such disk")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_disk_of_an_update_is_on_record_and_what_nothing_needs_is_released() -> Result<()> {
    let site = site().await?;
    site.nimctl(cust(SOURCE, &["lpar01", "lpar02"])).succeeded()?;
    for (lpar, kernel, split) in [("lpar01", "hdisk1", "hdisk2"), ("lpar02", "hdisk2", "hdisk1")] {
        let all = recorded(&site, lpar)?;
        let needs = |disk: &str| {
            all.get(disk).map(|(good_for, need, _)| (good_for.as_str(), need.as_deref()))
        };
        ensure!(needs("hdisk0") == Some(("running", Some("running"))), "{all:#?}");
        ensure!(needs(kernel) == Some(("booted_kernel", Some("booted_kernel"))), "{all:#?}");
        ensure!(needs(split) == Some(("copy", None)), "{all:#?}");
        ensure!(needs("hdisk3") == Some(("way_back", Some("way_back"))), "{all:#?}");
        for (name, (.., shown)) in &all {
            let is = disk(&site, lpar, name)?;
            ensure!(shown["pvid"].as_str() == is.pvid.as_deref(), "{name}: {shown:#}");
            ensure!(shown["udid"] == is.udid.as_str(), "{name}: {shown:#}");
            ensure!(shown["volume_group"].as_str() == is.vg.as_deref(), "{name}: {shown:#}");
        }
        ensure!(all["hdisk3"].2["level"] == OLD && all[kernel].2["level"].is_null(), "{all:#?}");
    }
    let table = site.nimctl(["disks", "lpar01"]).succeeded()?;
    ensure!(table.stdout.contains("a later update that leaves a way back of its own"), "{table}");

    // It proposes, and without an answer nothing is done.
    let before = site.lab().world()?.lpars["lpar01"].disks.clone();
    let asked = site.nimctl(["release-disks", "lpar01"]).ended_with(2)?;
    ensure!(asked.stdout.contains("it is the way back, until"), "{asked}");
    ensure!(asked.stdout.contains("it booted the running kernel"), "{asked}");
    for (words, why) in [
        (&["release-disks", "--yes", "lpar01", "hdisk3"][..], "hdisk3: it is the way back"),
        (
            &["release-disks", "--yes", "--give-up", "lpar01", "hdisk1"],
            "it booted the running kernel",
        ),
        (&["release-disks", "--yes", "--give-up", "lpar01", "hdisk0"], "the LPAR runs from it"),
        (&["release-disks", "--yes", "lpar01", "hdisk9"], "no operation on lpar01 has used hdisk9"),
    ] {
        let refused = site.nimctl(words.iter().copied()).ended_with(3)?;
        ensure!(refused.stderr.contains(why), "{refused}");
    }
    // Only what nothing needs: of it there is no definition to drop.
    site.nimctl(["release-disks", "--yes", "lpar01"]).succeeded()?;
    ensure!(site.lab().world()?.lpars["lpar01"].disks == before);
    ensure!(recorded(&site, "lpar01")?["hdisk2"].0 == "released");
    let nothing = site.nimctl(["release-disks", "--yes", "lpar01"]).succeeded()?;
    ensure!(nothing.stderr.contains("nothing on lpar01 is to be released"), "{nothing}");

    // Somebody has given the copy a name of his own: it is no longer what is on record.
    let ours = disk(&site, "lpar01", "hdisk3")?.vg.context("the copy has a name")?;
    let rename = |to: String| {
        site.lab().change(|world| {
            world.lpar_mut("lpar01")?.disk_mut("hdisk3").context("no hdisk3")?.vg = Some(to);
            Ok(())
        })
    };
    rename("theirs".to_owned())?;
    let give_up = ["release-disks", "--yes", "--give-up", "lpar01", "hdisk3"];
    let refused = site.nimctl(give_up).ended_with(3)?;
    ensure!(refused.stderr.contains("is in theirs now"), "{refused}");
    rename(ours.clone())?;
    let done = site.nimctl(give_up).succeeded()?;
    ensure!(disk(&site, "lpar01", "hdisk3")?.vg.is_none(), "{done}");
    let events = site.nimctl(["events", "lpar01"]).succeeded()?;
    ensure!(
        events.stdout.contains(&format!("copy of rootvg {ours} on hdisk3 dropped")),
        "{events}"
    );

    // After a reboot nothing runs that was booted from the surrogate's disk.
    site.lab().reboot("lpar01", None).await?;
    wait_until("lpar01 to answer", || {
        let asked = site.nimctl(["-o", "json", "agent", "status", "lpar01"]);
        Ok(if asked.code == Some(0) { Ok(()) } else { Err(asked.to_string()) })
    })?;
    site.nimctl(["release-disks", "--yes", "lpar01"]).succeeded()?;
    ensure!(disk(&site, "lpar01", "hdisk1")?.vg.is_none());
    let retried = site.nimctl(["retry", "lpar01"]).ended_with(3)?;
    ensure!(retried.stderr.contains("nimctl release-disks lpar01"), "{retried}");
    site.end().await
}
