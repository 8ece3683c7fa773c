//! (i) Discovery of a site from nothing in one command.

use std::time::Instant;

use anyhow::{Result, ensure};
use integration_tests::{Harness, big};
use nim_lab::clock::Mode;

use crate::report::{Gate, Row, number};

/// How many times faster than life the HMCs are.
const SPEED: u32 = 100;

/// Seconds that it may take.
const LIMIT: f64 = 10.0;

/// Measures the row: HMCs are on record, and nothing else.
pub(crate) async fn measure() -> Result<Row> {
    let site = Harness::with(big::site()?, Mode::Auto { speed: SPEED }).await?;
    for kind in ["mac_group", "standalone", "vios", "cec"] {
        let listed = site.nimctl(["list", kind, "--output", "json"]).succeeded()?.json()?;
        let names = listed.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str());
        let names: Vec<_> = names.collect();
        if !names.is_empty() {
            site.nimctl(["remove"].into_iter().chain(names)).succeeded()?;
        }
    }
    let begun = Instant::now();
    let found = site.nimctl(["discover", "--yes", "--output", "json"]).succeeded()?.json()?;
    let seconds = begun.elapsed().as_secs_f64();
    let count = found["changes"].as_array().map_or(0, Vec::len);
    let all = usize::try_from(big::FRAMES * 3 + big::LPARS)?;
    ensure!(count == all, "{count} objects of {all}");
    let mut row = Row::new(format!(
        "(i) a site of 2 HMCs, {} frames and {} LPARs discovered from nothing in one command",
        big::FRAMES,
        big::LPARS
    ));
    row.figure("nimctl discover, whole process", format!("{} s", number(seconds)));
    row.at_most("seconds", seconds, LIMIT, Gate::Yes);
    site.end().await?;
    Ok(row)
}
