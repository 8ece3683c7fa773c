//! A rollout while the HMC that its LPARs log in at lets nobody in: it waits, says why, and goes on by itself.

use anyhow::{Result, ensure};
use integration_tests::{Harness, SOURCE, cust};
use nim_lab::fault::ConsoleFault;

use crate::rollout::until;
use crate::rollout_apart::file;

#[tokio::test(flavor = "multi_thread")]
async fn lpars_are_held_back_while_their_hmc_lets_nobody_in() -> Result<()> {
    let site = Harness::small(100).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    let set = |fault, set| site.lab().set_console_fault("hmc02", fault, set);

    // It refuses a password, which is not used from then on.
    set(ConsoleFault::HmcLocked, true)?;
    let refused = site.nimctl(cust(SOURCE, &["lpar12"]));
    ensure!(refused.code == Some(1), "{refused}");
    held(&site, "lpar07", "the secret hmc02_password was refused by hmc02")?;
    set(ConsoleFault::HmcLocked, false)?;
    site.set_password("hmc02")?;
    goes_on(&site, "lpar07")?;

    // It does not answer: another question tells so.
    set(ConsoleFault::HmcReboot, true)?;
    site.nimctl(["nimquery", "-a", "hmc=hmc02"]);
    held(&site, "lpar08", "its HMC hmc02 does not answer")?;
    set(ConsoleFault::HmcReboot, false)?;
    goes_on(&site, "lpar08")?;
    site.end().await
}

/// Starts a rollout of `lpar`, in which nothing is begun for this reason.
fn held(site: &Harness, lpar: &str, why: &str) -> Result<()> {
    let path = file(site, lpar, "")?;
    site.nimctl(["rollout", "start", &path]).succeeded()?;
    let status = until(site, "it is held back", |status| {
        status["targets"][0]["why"].as_str().is_some_and(|said| said.contains(why))
    })?;
    ensure!(status["counts"]["waiting"] == 1, "{status:#}");
    assert_eq!(site.updates_started(lpar)?, 0);
    Ok(())
}

/// The rollout comes to its end by itself.
fn goes_on(site: &Harness, lpar: &str) -> Result<()> {
    let ended = until(site, "the rollout ends", |status| status["phase"] == "ended")?;
    ensure!(ended["counts"]["done"] == 1, "{ended:#}");
    assert_eq!(site.updates_started(lpar)?, 1);
    Ok(())
}
