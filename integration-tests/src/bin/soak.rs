//! `make soak`: a thousand LPARs on forty frames in one rollout, with faults on 3 % of them, while nimd is killed ten times.
//!
//! `soak SEED` draws other faults.

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use integration_tests::soak::{self, Other, Size};

#[tokio::main]
async fn main() -> Result<()> {
    nim_master::os::raise_open_files()?;
    let mut size = Size::LONG;
    if let Some(seed) = std::env::args().nth(1) {
        size.seed = seed.parse().with_context(|| format!("{seed:?} is no seed: a number"))?;
    }
    let begun = Instant::now();
    let outcome =
        soak::run(size, |line| say(&format!("{:>6} s  {line}", begun.elapsed().as_secs()))).await?;
    say(&format!(
        "{} of {} updated, each at most once, {} at a time at most; seed {}, {} s",
        outcome.updated,
        size.lpars,
        outcome.at_a_time,
        size.seed,
        begun.elapsed().as_secs()
    ));
    for (short, frames) in &outcome.bound {
        say(&format!("{short:?}: on {frames} frames somebody waited for it"));
    }
    for (lpar, Other { state, why, fault }) in &outcome.others {
        let fault = fault.map_or("no fault of its own", |fault| fault.name());
        say(&format!("{lpar}: {state} ({fault}): {why}"));
    }
    Ok(())
}

/// One line, now.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever reads no further does not want the rest.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
