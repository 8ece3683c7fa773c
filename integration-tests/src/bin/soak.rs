//! `make soak`: a thousand LPARs on forty frames in one rollout, with faults on 3 % of them, while nimd is killed ten times.
//!
//! `soak SEED` draws other faults.

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use integration_tests::soak::{self, Size};

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
    for (lpar, (state, fault)) in &outcome.others {
        say(&format!("{lpar}: {state} ({})", fault.map_or("no fault", |fault| fault.name())));
    }
    Ok(())
}

/// One line, now.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever reads no further does not want the rest.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
