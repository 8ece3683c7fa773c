//! The database is put back to a state from before an update: the LPAR knows of an operation that the database does not.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, SOURCE, cust, wait_until};
use nim_lab::Phase;
use nim_lab::clock::Mode;

use crate::{site, update};

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_the_database_forgot_is_taken_in_and_what_it_knows_is_forgotten_in_time()
-> Result<()> {
    let mut site = site::start(Mode::Explicit).await?;
    back_up(&mut site)?;
    update::ask(&site, "lpar07")?;
    // It may go on, and the HMC shows nothing of a surrogate yet.
    update::step_to(&site, "lpar07", Phase::Install).await?;
    let view =
        update::until(&site, "lpar07", "in the phase install", |view| view["phase"] == "install")?;
    let id = view["id"].as_str().context("an operation without an id")?.to_owned();

    put_back(&mut site)?;
    site.nimctl(["status", &id]).ended_with(3)?;

    // The LPAR tells of it when it is spoken to; what was asked for meanwhile is refused, and not begun.
    let other = site.nimctl(cust(SOURCE, &["lpar07"])).ended_with(1)?;
    ensure!(other.to_string().contains(&id), "{other}");
    until_known(&site, &id)?;
    let state = |wanted: &'static str| {
        wait_until(&format!("operation {id} to have {wanted}"), || {
            site.lab().advance("lpar07");
            let view = site.nimctl(["status", &id, "--output", "json"]).succeeded()?.json()?;
            Ok(if view["state"] == wanted { Ok(view) } else { Err(format!("{view:#}")) })
        })
    };
    state("succeeded")?;
    ensure!(site.updates_started("lpar07")? == 1);
    let disks = kept(&site, "lpar07")?;
    ensure!(disks.iter().all(|kept| kept.contains(&id)), "it is forgotten too early: {disks:?}");

    // Nothing has to be kept any more: the next conversation deletes it there, and the database still has it. The preview itself
    // fails: the spare disk holds the system from before the update.
    site.master().settle("retention:\n  on_lpar: 1ms\n")?;
    site.nimctl(cust(SOURCE, &["lpar07"]).into_iter().chain(["--preview"])).ended_with(1)?;
    wait_until("the LPAR to forget", || {
        // The disk with the system from before the update has its copy for good.
        let disks = kept(&site, "lpar07")?;
        let forgot = disks.iter().any(|kept| !kept.contains(&id) && !kept.is_empty());
        Ok(if forgot { Ok(()) } else { Err(format!("{disks:?}")) })
    })?;
    site.nimctl(["log", &id]).succeeded()?;
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn capacity_that_the_database_forgot_is_promised_to_nobody_else() -> Result<()> {
    let mut site = site::tight(Mode::Explicit).await?;
    back_up(&mut site)?;
    update::ask(&site, "lpar07")?;
    update::step_to(&site, "lpar07", Phase::Clone).await?;
    let view =
        update::until(&site, "lpar07", "in the phase clone", |view| view["phase"] == "clone")?;
    let id = view["id"].as_str().context("an operation without an id")?.to_owned();

    put_back(&mut site)?;

    // The LPAR is spoken to, and tells of its update: that has the frame's processors, though the database knew nothing of it.
    site.nimctl(cust(SOURCE, &["lpar07"])).ended_with(1)?;
    until_known(&site, &id)?;
    update::ask(&site, "lpar08")?;
    update::until(&site, "lpar08", "waiting for processors", |view| {
        view["waits_for"].as_str().is_some_and(|reason| reason.contains("processor units"))
    })?;
    ensure!(site.updates_started("lpar08")? == 0);
    wait_until("the update that was forgotten to succeed", || {
        site.lab().advance("lpar07");
        let view = site.nimctl(["status", &id, "--output", "json"]).succeeded()?.json()?;
        Ok(if view["state"] == "succeeded" { Ok(()) } else { Err(format!("{view:#}")) })
    })?;
    let states = update::step_to_end(&site, &["lpar08"])?;
    ensure!(states.values().all(|state| state == "succeeded"), "{states:?}");
    for lpar in ["lpar07", "lpar08"] {
        ensure!(site.updates_started(lpar)? == 1, "{lpar}");
    }
    site.end().await
}

/// Where the database is kept.
fn backup(site: &mut Harness) -> String {
    site.master().folder().join("before.dump").display().to_string()
}

/// Keeps the database as it is.
fn back_up(site: &mut Harness) -> Result<()> {
    let backup = backup(site);
    nimd(site, &["backup", &backup])
}

/// Starts the master again on the database as it was kept.
fn put_back(site: &mut Harness) -> Result<()> {
    site.master().stop()?;
    let folder = site.master().folder().to_owned();
    fs::rename(folder.join("postgres"), folder.join("postgres.lost"))?;
    let backup = backup(site);
    nimd(site, &["restore", &backup])?;
    site.master().launch()
}

/// Waits until the operation is on record again.
fn until_known(site: &Harness, id: &str) -> Result<()> {
    wait_until("the update to be known again", || {
        let run = site.nimctl(["status", id]);
        Ok(if run.code == Some(0) { Ok(()) } else { Err(run.to_string()) })
    })
}

/// Runs `nimd` for something else than serving.
fn nimd(site: &mut Harness, arguments: &[&str]) -> Result<()> {
    let program = Harness::program("nimd")?;
    let output = Command::new(program)
        .arg("--data-dir")
        .arg(site.master().folder())
        .args(arguments)
        .output()
        .context("nimd cannot be run")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The operations of which there are files, for each disk of `lpar` that has an agent's.
fn kept(site: &Harness, lpar: &str) -> Result<Vec<Vec<String>>> {
    let disks = site.site_folder().join("lpars").join(lpar).join("disks");
    let mut all = Vec::new();
    for disk in fs::read_dir(&disks).with_context(|| format!("no {}", disks.display()))? {
        let operations = disk?.path().join("var/adm/nim-agent/operations");
        let Ok(found) = fs::read_dir(operations) else { continue };
        let name = |one: std::io::Result<fs::DirEntry>| Ok(one?.file_name().display().to_string());
        all.push(found.map(name).collect::<Result<Vec<_>>>()?);
    }
    Ok(all)
}
