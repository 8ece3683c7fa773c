//! The short form of `make soak`: a rollout over frames with faults, and a master that is killed on the way.

use std::time::Instant;

use anyhow::{Result, ensure};
use integration_tests::soak::{self, Size};
use nim_lab::fault::Fault;

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_with_faults_and_kills_updates_each_once_within_its_limits() -> Result<()> {
    let begun = Instant::now();
    let outcome = soak::run(Size::SHORT, |line| eprintln!("{:?} {line}", begun.elapsed())).await?;
    // A killed agent stops nothing, and a partial success is one. Who else is not updated was struck by what went wrong around it, or its
    // partner was.
    let failed = outcome.others.values().filter(|one| one.fault == Some(Fault::InstallFails));
    ensure!(failed.count() == 1, "{outcome:#?}");
    ensure!(outcome.updated > outcome.others.len() && outcome.at_a_time > 1, "{outcome:#?}");
    eprintln!("{:?} {outcome:?}", begun.elapsed());
    Ok(())
}
