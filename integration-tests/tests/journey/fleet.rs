//! The short form of `make soak`: a rollout over frames with faults, and a master that is killed on the way.

use std::time::Instant;

use anyhow::{Result, ensure};
use integration_tests::soak::{self, Size};

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_with_faults_and_kills_updates_each_once_within_its_limits() -> Result<()> {
    let begun = Instant::now();
    let outcome = soak::run(Size::SHORT, |line| eprintln!("{:?} {line}", begun.elapsed())).await?;
    // One fails, and its partner, if it has one, is held back. A killed agent stops nothing, and a partial success is one.
    let most = outcome.others.len();
    ensure!((1..=2).contains(&most) && outcome.at_a_time > 1, "{outcome:#?}");
    eprintln!("{:?} {outcome:?}", begun.elapsed());
    Ok(())
}
