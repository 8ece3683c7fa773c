//! Logins at an HMC: one at a time, and who waits for another one says so.

use anyhow::{Result, ensure};
use nim_lab::clock::Mode;
use nim_lab::fault::ConsoleFault;
use serde_json::Value;

use crate::{site, update};

#[tokio::test(flavor = "multi_thread")]
async fn one_lpar_logs_in_at_a_time_and_the_other_says_what_it_waits_for() -> Result<()> {
    let site = site::start(Mode::Explicit).await?;
    let set = |set| site.lab().set_console_fault(HMC, ConsoleFault::HmcSlow, set);
    set(true)?;
    update::ask(&site, "lpar07")?;
    // It stands in its login, and has the turn.
    site.lab().clock().until_pending("lpar07").await;
    update::ask(&site, "lpar08")?;
    let turn = |view: &Value| view["waits_for"].as_str().is_some_and(|what| what.contains(HMC));
    update::until(&site, "lpar08", "waiting for its turn", turn)?;
    let listed = site.nimctl(["status", "lpar08"]).succeeded()?;
    ensure!(listed.stdout.contains("its turn to log in at hmc02"), "{listed}");
    ensure!(!turn(&update::view(&site, "lpar07")?), "lpar07 waits for itself");

    site.lab().advance("lpar07");
    // The turn is handed on: now the other one stands in its login, and waits for nobody.
    site.lab().clock().until_pending("lpar08").await;
    update::until(&site, "lpar08", "in its login", |view| !turn(view))?;
    set(false)?;
    site.lab().advance(HMC);
    update::step_to_end(&site, &["lpar07", "lpar08"])?;
    for lpar in ["lpar07", "lpar08"] {
        let view = update::view(&site, lpar)?;
        ensure!(view["state"] == "succeeded", "{view:#}");
    }
    site.end().await
}

/// The HMC at which both log in.
const HMC: &str = "hmc02";
