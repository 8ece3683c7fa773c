//! (m) A preflight of a thousand LPARs of the lab in one command: every one of them looked at live, by the real agent over real SSH.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use integration_tests::big::{self, Extent};
use integration_tests::{Harness, Run};
use nim_lab::clock::Mode;
use nim_shared::api::Preflighted;

use crate::report::{Gate, Row, number, step};

/// How many times faster than life the site is: its commands take no time of their own.
const SPEED: u32 = 400;

/// LPARs, and the frames that they are on.
const LPARS: u32 = 1000;
const FRAMES: u32 = 40;

/// Seconds that it may take.
const LIMIT: f64 = 60.0;

/// Measures the row.
pub(crate) async fn measure() -> Result<Row> {
    step(&format!("a lab of {LPARS} LPARs"));
    let extent = Extent {
        frames: FRAMES,
        lpars: LPARS,
        level: "7300-03-00-2446",
        frame_mb: 262_144,
        media: "",
    };
    let site = Harness::with(big::of(&extent)?, Mode::Auto { speed: SPEED }).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    step(&format!("a preflight of {LPARS} LPARs"));
    let begun = Instant::now();
    let run = site.nimctl(["preflight", "--output", "json"]);
    let seconds = begun.elapsed().as_secs_f64();
    let found = looked_at(&run)?;
    let mut row = Row::new(format!(
        "(m) {LPARS} LPARs of a lab on {FRAMES} frames preflighted in one command, live, by their agents"
    ));
    row.figure("nimctl preflight, whole process", format!("{} s", number(seconds)));
    row.figure("LPARs a second", number(f64::from(LPARS) / seconds));
    row.figure("checks that were judged", found);
    row.at_most("seconds", seconds, LIMIT, Gate::Yes);
    site.end().await?;
    Ok(row)
}

/// How many checks were judged of LPARs that all have answered. What was found on them does not matter here.
fn looked_at(run: &Run) -> Result<usize> {
    ensure!(matches!(run.code, Some(0 | 3)), "{run}");
    let found: Preflighted = serde_json::from_str(&run.stdout).context("no report")?;
    let count = found.lpars.len();
    ensure!(count == usize::try_from(LPARS)?, "{count} LPARs");
    if let Some(silent) = found.lpars.iter().find(|one| one.failure.is_some()) {
        anyhow::bail!("{}: {:?}", silent.lpar, silent.failure);
    }
    let each =
        found.lpars.iter().map(|one| usize::try_from(one.passed).unwrap_or(0) + one.findings.len());
    Ok(each.sum())
}
