//! A VIOS that goes down between the last reading of its frame and the start of a rollout.

use anyhow::{Result, ensure};
use integration_tests::{Harness, wait_until};
use nim_lab::fault::ConsoleFault;

use crate::rollout::until;
use crate::rollout_apart::file;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_installed_while_a_vios_is_down_that_no_reading_has_shown() -> Result<()> {
    let site = Harness::small(100).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    let path = file(&site, "lpar07", "")?;
    let set = |set| site.lab().set_console_fault("vios2a", ConsoleFault::ViosDown, set);
    set(true)?;
    site.nimctl(["rollout", "start", &path]).succeeded()?;
    wait_until("the update to wait for the VIOS", || {
        let view = site.nimctl(["status", "-o", "json"]).succeeded()?.json()?;
        let waits = view[0]["waits_for"] == "its VIOS vios2a is Not Activated";
        Ok(if waits { Ok(()) } else { Err(format!("{view:#}")) })
    })?;
    assert_eq!(site.updates_started("lpar07")?, 0);
    set(false)?;
    let ended = until(&site, "the rollout ends", |status| status["phase"] == "ended")?;
    ensure!(ended["counts"]["done"] == 1, "{ended:#}");
    assert_eq!(site.updates_started("lpar07")?, 1);
    site.end().await
}
