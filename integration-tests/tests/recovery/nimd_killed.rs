//! `nimd` is killed (SIGKILL) while updates stand in each of their places, and started again.

use anyhow::{Result, ensure};
use integration_tests::{Harness, wait_until};
use nim_lab::Phase;
use nim_lab::clock::Mode;
use nim_lab::fault::Fault;
use nim_lab::record::Deed;

use crate::{site, update};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_nimd_goes_on_with_every_update_where_it_stands() -> Result<()> {
    let mut site = site::start(Mode::Explicit).await?;
    update::ask(&site, "lpar07")?;
    update::step_to_end(&site, &["lpar07"])?;
    let undisturbed = update::sequence(&update::events(&site, "lpar07")?);
    update::equals(&site, "lpar07", &undisturbed)?;

    for (lpar, phase) in
        [("lpar09", Phase::Install), ("lpar10", Phase::Move), ("lpar11", Phase::Blackout)]
    {
        update::ask(&site, lpar)?;
        update::step_to(&site, lpar, phase).await?;
    }
    // An LPAR that stands still answers no login: its update stays in `dispatching`.
    site.lab().freeze("lpar08").await?;
    update::ask(&site, "lpar08")?;
    update::until(&site, "lpar08", "dispatching", |view| view["state"] == "dispatching")?;

    site.master().kill()?;
    site.lab().thaw("lpar08").await?;
    site.master().launch()?;

    let lpars = ["lpar08", "lpar09", "lpar10", "lpar11"];
    update::step_to_end(&site, &lpars)?;
    for lpar in lpars {
        update::equals(&site, lpar, &undisturbed)?;
    }
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_nimd_goes_on_with_what_waits_for_its_word_and_learns_what_ended_meanwhile()
-> Result<()> {
    let mut site = site::start(Mode::Explicit).await?;
    update::ask(&site, "lpar07")?;
    update::step_to_end(&site, &["lpar07"])?;
    let undisturbed = update::sequence(&update::events(&site, "lpar07")?);

    update::ask(&site, "lpar10")?;
    update::step_to(&site, "lpar10", Phase::Delete).await?;
    // Without room on the frame an update waits in `ready`: nothing of it is touched yet.
    site.lab().set_fault("lpar08", Fault::FrameFull).await?;
    for lpar in ["lpar08", "lpar09"] {
        update::ask(&site, lpar)?;
        until_ready(&site, lpar)?;
    }

    site.master().kill()?;
    wait_until("the end of geninstall on lpar10", || {
        site.lab().advance("lpar10");
        let mut record = site.lab().record()?.into_iter();
        let ended = record.any(|entry| {
            entry.lpar == "lpar10" && matches!(entry.deed, Deed::GeninstallEnded { .. })
        });
        Ok(if ended { Ok(()) } else { Err(format!("{:?}", site.lab().status()?.pending)) })
    })?;
    site.master().launch()?;

    // It still can be had back: what was prepared is undone, and nothing was ever started.
    until_ready(&site, "lpar09")?;
    site.nimctl(["cancel", "lpar09"]).succeeded()?;
    update::until(&site, "lpar09", "cancelled", |view| view["state"] == "cancelled")?;
    update::events(&site, "lpar09")?;
    ensure!(site.updates_started("lpar09")? == 0);

    site.lab().clear_fault("lpar08", Fault::FrameFull)?;
    update::step_to_end(&site, &["lpar08", "lpar10"])?;
    for lpar in ["lpar08", "lpar10"] {
        update::equals(&site, lpar, &undisturbed)?;
    }
    site.end().await
}

fn until_ready(site: &Harness, lpar: &str) -> Result<()> {
    update::until(site, lpar, "waiting for room on its frame", |view| {
        view["state"] == "running" && !view["waits_for"].is_null()
    })?;
    let went = update::sequence(&update::events(site, lpar)?);
    ensure!(went.iter().any(|step| step == "point ready"), "{lpar} waits elsewhere: {went:?}");
    Ok(())
}
