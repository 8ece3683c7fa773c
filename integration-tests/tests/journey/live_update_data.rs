//! Disks that are chosen: which, why not the others, and that they stay the same whatever their numbers are.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, SOURCE};
use nim_lab::fault::Fault;
use nim_lab::world::lpar::Disk;
use nim_lab::world::update::all_paths;
use serde_json::Value;

/// Gives an LPAR of the small site three free disks more, for five.
fn more_disks(site: &Harness, lpar: &str) -> Result<()> {
    site.lab().change(|world| {
        let entry = world.lpar_mut(lpar)?;
        for number in 3..6_u32 {
            let like = entry.disks.last().context("it has disks")?.clone();
            entry.disks.push(Disk {
                name: format!("hdisk{number}"),
                pvid: Some(format!("00fa343b{number:08x}")),
                udid: format!("33213{lpar}hdisk{number}04214503IBMfcp"),
                ..like
            });
        }
        entry.paths = all_paths(entry);
        Ok(())
    })
}

/// The disks of an LPAR in the lab's own record.
fn disks(site: &Harness, lpar: &str) -> Result<Vec<Disk>> {
    Ok(site.lab().world()?.lpar(lpar)?.disks.clone())
}

/// Sets the pool of an LPAR to the disks that now have these names.
fn give(site: &Harness, lpar: &str, names: &[&str]) -> Result<()> {
    let disks = disks(site, lpar)?;
    let of = |name: &&str| disks.iter().find(|disk| disk.name == **name);
    let entries: Vec<String> = names
        .iter()
        .map(|name| Ok(format!("udid:{}", of(name).context("no such disk")?.udid)))
        .collect::<Result<_>>()?;
    let pool = format!("disk_pool={}", entries.join(","));
    site.nimctl(["change", "-a", &pool, lpar]).succeeded()?;
    Ok(())
}

/// Ids of what speaks against a disk.
fn against(lpar: &Value, disk: &str) -> Vec<String> {
    let disks = lpar["disks"].as_array().into_iter().flatten();
    let found = disks.filter(|one| one["name"] == disk).flat_map(|one| {
        one["against"].as_array().into_iter().flatten().map(|why| why["reason"].clone())
    });
    found.map(|reason| reason.as_str().unwrap_or_default().to_owned()).collect()
}

/// Disks of the proposal by what they are for.
fn chosen(lpar: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let disks = lpar["disks"].as_array().into_iter().flatten();
    disks
        .filter(|one| !one["role"].is_null())
        .map(|one| (text(&one["role"]), text(&one["name"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_disks_are_chosen_and_stay_the_right_ones() -> Result<()> {
    let site = Harness::small(200).await?;
    more_disks(&site, "lpar07")?;
    site.lab().set_fault("lpar07", Fault::AsmDisk).await?;
    let json = ["-o", "json", "live-update-data", "generate", "lpar07"];
    let before = site.nimctl(json).ended_with(3)?.json()?["lpars"][0].clone();
    ensure!(!against(&before, "hdisk4").contains(&"shared".to_owned()), "{before:#}");
    // All LPARs have been seen by now: what is mapped to one of them since is found all the same.
    site.lab().set_fault("lpar07", Fault::SharedLun).await?;

    // Nobody has said which disks are free: it proposes, and says against each other one what it is.
    let first = site.nimctl(json).ended_with(3)?.json()?["lpars"][0].clone();
    ensure!(first["state"] == "proposed", "{first:#}");
    ensure!(against(&first, "hdisk0") == ["volume_group"], "{first:#}");
    ensure!(against(&first, "hdisk4") == ["shared"], "{first:#}");
    ensure!(against(&first, "hdisk5") == ["holds", "held"], "{first:#}");
    let update = ["cust", "-a", "live_update=yes", "-a", SOURCE, "-a", "fixes=update_all"];
    let auto = ["-a", "accept_licenses=yes", "-a", "live_update_data=auto"];
    let update: Vec<&str> = update.into_iter().chain(auto).collect();
    let refused = site.nimctl(update.iter().copied().chain(["lpar07"])).ended_with(3)?;
    for part in ["no disk_pool", "nhdisk hdisk1, mhdisk hdisk2", "nimctl change -a disk_pool=udid:"]
    {
        ensure!(refused.stderr.contains(part), "{part}: {refused}");
    }
    ensure!(site.updates_started("lpar07")? == 0);

    // The pool leaves one of its own disks out, and names two that it should not have named.
    give(&site, "lpar07", &["hdisk2", "hdisk3", "hdisk4", "hdisk5"])?;
    give(&site, "lpar08", &["hdisk1", "hdisk2"])?;
    give(&site, "lpar09", &["hdisk1", "hdisk2"])?;
    let found = site.nimctl(json).ended_with(0)?.json()?["lpars"][0].clone();
    ensure!(found["state"] == "ready", "{found:#}");
    let roles = [("nhdisk", "hdisk2"), ("mhdisk", "hdisk3")];
    let roles = roles.map(|(role, disk)| (role.to_owned(), disk.to_owned()));
    ensure!(chosen(&found) == roles, "{found:#}");
    ensure!(against(&found, "hdisk1") == ["not_in_pool"], "{found:#}");
    ensure!(found["values"].as_array().is_some_and(|all| all.iter().all(|one| one["why"] != "")));
    let table = site.nimctl(["live-update-data", "generate", "lpar07"]).ended_with(0)?;
    ensure!(table.stdout.contains("not hdisk4: lpar08 sees it too"), "{table}");
    ensure!(table.stdout.contains("not hdisk5: it holds a disk of Oracle ASM"), "{table}");

    // Accepted in this order, one at a time: the second and the third wait until the first is through, and their disks change
    // meanwhile. Those of the second get other numbers; a database takes one of the third.
    let before = disks(&site, "lpar07")?;
    let one_by_one = ["-a", "concurrent=1", "-o", "json", "--detach", "lpar08", "lpar07", "lpar09"];
    let accepted = site.nimctl(update.iter().copied().chain(one_by_one)).succeeded()?.json()?;
    site.lab().set_fault("lpar07", Fault::RenumberedHdisk).await?;
    site.lab().set_fault("lpar09", Fault::AsmDisk).await?;
    let batch = accepted["batch"].as_str().context("no batch")?.to_owned();
    let ended = site.nimctl(["watch", "--batch", &batch]).ended_with(1)?;
    ensure!(ended.stdout.contains("Oracle ASM") || ended.stderr.contains("Oracle ASM"), "{ended}");

    let after = disks(&site, "lpar07")?;
    let pvid = |name: &str| {
        before.iter().find(|disk| disk.name == name).and_then(|disk| disk.pvid.clone())
    };
    let wanted: BTreeSet<_> = [pvid("hdisk2"), pvid("hdisk3")].into();
    let is_used = |disk: &&Disk| {
        disk.vg.as_deref() == Some("lvup_rootvg") || disk.image.is_some() && disk.vg.is_none()
    };
    let used: BTreeSet<_> = after.iter().filter(is_used).map(|disk| disk.pvid.clone()).collect();
    ensure!(used == wanted, "{before:#?}\n{after:#?}");
    let renamed =
        after.iter().filter(is_used).any(|disk| disk.name != "hdisk2" && disk.name != "hdisk3");
    ensure!(renamed, "their numbers did not change: {after:#?}");
    ensure!(after.iter().any(|disk| disk.asm), "the database lost its disk: {after:#?}");
    ensure!(site.updates_started("lpar07")? == 1 && site.updates_started("lpar08")? == 1);
    ensure!(site.updates_started("lpar09")? == 0, "an update began on a disk of a database");

    // What the run left is not taken again.
    let again = site.nimctl(json).ended_with(3)?.json()?["lpars"][0].clone();
    ensure!(again["state"] == "incomplete", "{again:#}");
    let reasons: BTreeSet<String> =
        after.iter().filter(is_used).flat_map(|disk| against(&again, &disk.name)).collect();
    for reason in ["volume_group", "pinned", "holds"] {
        ensure!(reasons.contains(reason), "{reason}: {again:#}");
    }
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_lpar_that_cannot_be_looked_at_keeps_others_from_disks_that_may_be_its_own() -> Result<()>
{
    let site = Harness::small(100).await?;
    give(&site, "lpar01", &["hdisk1", "hdisk2"])?;
    site.lab().freeze("lpar05").await?;
    let json = ["-o", "json", "live-update-data", "generate", "lpar01"];
    let found = site.nimctl(json).ended_with(3)?.json()?["lpars"][0].clone();
    ensure!(against(&found, "hdisk1") == ["sharing_unknown"], "{found:#}");
    site.lab().thaw("lpar05").await?;
    let found = site.nimctl(json).ended_with(0)?.json()?["lpars"][0].clone();
    ensure!(found["state"] == "ready", "{found:#}");
    // Seen once, it may be silent: what it showed then counts.
    site.lab().freeze("lpar05").await?;
    site.nimctl(json).ended_with(0)?;
    site.lab().thaw("lpar05").await?;
    let yaml =
        site.nimctl(["-o", "yaml", "live-update-data", "generate", "lpar01"]).ended_with(0)?;
    ensure!(yaml.stdout.contains("state: ready"), "{yaml}");
    site.nimctl(["live-update-data", "generate", "nobody"]).ended_with(3)?;
    site.end().await
}
