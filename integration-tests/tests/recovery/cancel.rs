//! Cancels at several points, and a person who goes away.

use anyhow::{Result, ensure};
use integration_tests::{SOURCE, cust, wait_until};
use nim_lab::Phase;
use nim_lab::clock::Mode;

use crate::two_masters::beside;
use crate::{site, update};

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_is_heeded_as_long_as_it_can_be_and_the_answer_is_true() -> Result<()> {
    let site = site::start(Mode::Explicit).await?;

    // In the queue behind another one: nothing of it is ever begun.
    let both = ["-a", "concurrent=1", "lpar08", "--detach"];
    site.nimctl(cust(SOURCE, &["lpar07"]).into_iter().chain(both)).succeeded()?;
    update::step_to(&site, "lpar07", Phase::Install).await?;
    update::until(&site, "lpar08", "queued", |view| view["state"] == "queued")?;
    site.nimctl(["cancel", "lpar08"]).succeeded()?;
    update::until(&site, "lpar08", "cancelled", |view| view["state"] == "cancelled")?;

    // Past the countdown it is not interruptible: the update goes on and its outcome says so.
    update::step_to(&site, "lpar07", Phase::Clone).await?;
    update::until(&site, "lpar07", "in the phase clone", |view| view["phase"] == "clone")?;
    let late = site.nimctl(["cancel", "lpar07"]).ended_with(3)?;
    ensure!(late.stderr.contains("cannot be interrupted"), "{late}");
    update::step_to_end(&site, &["lpar07"])?;
    let view = update::view(&site, "lpar07")?;
    ensure!(view["state"] == "succeeded" && view["cancel_asked"] == false, "{view:#}");

    // It has ended: there is nothing to cancel.
    site.nimctl(["cancel", "lpar07"]).ended_with(3)?;
    ensure!(site.updates_started("lpar07")? == 1);
    ensure!(site.updates_started("lpar08")? == 0);
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_comes_while_the_start_is_about_to_leave_ends_it_there() -> Result<()> {
    let mut site = site::start(Mode::Explicit).await?;
    let folder = site.master().folder().to_owned();
    site.master().stop()?;
    site.master().launch_until("stop before CommitStart lpar07")?;
    update::ask(&site, "lpar07")?;
    site.master().stopped()?;
    // Asked of another master, for the one whose it is does nothing now.
    let other = beside(&folder, "second", "postgres", "")?;
    other.nimctl(["cancel", "lpar07"], None).succeeded()?;
    site.master().resume()?;
    update::until(&site, "lpar07", "cancelled", |view| view["state"] == "cancelled")?;
    ensure!(site.updates_started("lpar07")? == 0);
    drop(other);
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_the_update_running_and_watch_picks_it_up() -> Result<()> {
    let mut site = site::start(Mode::Explicit).await?;
    let cust = site.master().nimctl_started(cust(SOURCE, &["lpar07"]))?;
    update::step_to(&site, "lpar07", Phase::Clone).await?;
    // By then it listens for Ctrl-C.
    wait_until("nimctl to tell of the phase", || {
        let said = cust.said();
        Ok(if said.contains("clone") { Ok(()) } else { Err(said) })
    })?;
    let run = cust.interrupt()?.ended_with(130)?;
    ensure!(run.stderr.contains("nimctl watch"), "{run}");

    let view = update::view(&site, "lpar07")?;
    ensure!(view["state"] == "running" && view["cancel_asked"] == false, "{view:#}");
    let watch = site.master().nimctl_started(["watch", "lpar07"])?;
    update::step_to_end(&site, &["lpar07"])?;
    let watched = watch.end()?.succeeded()?;
    ensure!(watched.stdout.contains("succeeded"), "{watched}");
    ensure!(site.updates_started("lpar07")? == 1);
    site.end().await
}
