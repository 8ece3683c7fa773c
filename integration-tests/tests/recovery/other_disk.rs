//! The LPAR is booted from another disk in the middle of an update, and one that is slow.

use std::fs;

use anyhow::{Result, ensure};
use integration_tests::wait_until;
use nim_lab::Phase;
use nim_lab::clock::Mode;
use nim_lab::fault::Fault;

use crate::{site, update};

/// What is booted holds the system of the moment at which the workload moved, with the agent's journal as it was then.
#[tokio::test(flavor = "multi_thread")]
async fn an_lpar_that_boots_its_copy_waits_for_a_person_and_then_puts_back_what_prep_changed()
-> Result<()> {
    boots_its_copy(Phase::Transfer).await
}

/// What is booted was copied for the surrogate, with the agent's journal as it was then: the move had not begun.
#[tokio::test(flavor = "multi_thread")]
async fn an_lpar_that_boots_the_copy_meant_for_the_surrogate_does_the_same() -> Result<()> {
    boots_its_copy(Phase::Mirror).await
}

/// The LPAR boots the other disk that can be booted, while it stands in `phase`.
async fn boots_its_copy(phase: Phase) -> Result<()> {
    let mut site = site::start(Mode::Explicit).await?;
    update::ask(&site, "lpar07")?;
    update::step_to(&site, "lpar07", phase).await?;
    let name = phase.name();
    update::until(&site, "lpar07", &format!("in the phase {name}"), |view| view["phase"] == name)?;
    let before = site.lab().world()?.lpar("lpar07")?.booted_from.clone();
    site.lab().set_fault("lpar07", Fault::BootOtherDisk).await?;
    let view = update::end(&site, "lpar07")?;
    ensure!(view["state"] == "stuck", "{view:#}");
    ensure!(view["report"]["reason"] == "clean_up_open", "{view:#}");
    ensure!(site.lab().world()?.lpar("lpar07")?.booted_from != before, "it booted the same disk");
    ensure!(site.updates_started("lpar07")? == 1);
    let other_line = |events: &[serde_json::Value]| events.iter().any(|event| event["epoch"] == 2);
    ensure!(other_line(&update::events(&site, "lpar07")?), "no other line of history");
    ensure!(site.lab().root("lpar07").join(DATA).exists(), "put back while it is locked");

    // The person cleans up, as the report says; the next conversation goes on from there.
    fs::remove_file(site.lab().root("lpar07").join("usr/lpp/.genlib.lock.check"))?;
    site.master().kill()?;
    site.master().launch()?;
    wait_until("prep to be undone on the copy", || {
        let events = update::events(&site, "lpar07")?;
        let undone = update::sequence(&events).iter().any(|line| line.ends_with(" undone"));
        Ok(if undone { Ok(()) } else { Err(format!("{:?}", events.last())) })
    })?;
    wait_until("lvupdate.data to be gone", || {
        let there = site.lab().root("lpar07").join(DATA).exists();
        Ok(if there { Err("it is there".to_owned()) } else { Ok(()) })
    })?;
    ensure!(site.updates_started("lpar07")? == 1);
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_lpar_that_is_slow_goes_the_same_way() -> Result<()> {
    let site = site::start(Mode::Explicit).await?;
    update::ask(&site, "lpar07")?;
    update::step_to_end(&site, &["lpar07"])?;
    let usual = update::sequence(&update::events(&site, "lpar07")?);
    site.lab().set_fault("lpar08", Fault::Slow).await?;
    update::ask(&site, "lpar08")?;
    update::step_to_end(&site, &["lpar08"])?;
    update::equals(&site, "lpar08", &usual)?;
    site.end().await
}

/// What prep writes, for geninstall to read.
const DATA: &str = "var/adm/ras/liveupdate/lvupdate.data";
