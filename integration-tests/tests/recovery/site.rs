//! A site whose LPARs behave alike, so that an update that was disturbed can be compared with one that was not.

use anyhow::{Context as _, Result};
use integration_tests::{Harness, Master};
use nim_lab::clock::Mode;
use nim_lab::site;

/// The small site of the examples, with every unclear fact read the same on each LPAR, and frames that take six updates at a
/// time.
pub(crate) async fn start(clock: Mode) -> Result<Harness> {
    let text = include_str!("../../../examples/site-small.yaml");
    let mut file = site::parse("site-small.yaml", text)?;
    for lpar in &mut file.lpars {
        for reading in READINGS {
            lpar.vary.insert((*reading).to_owned(), false);
        }
    }
    let site = Harness::with(file, clock).await?;
    for frame in ["frame1", "frame2"] {
        site.nimctl(["change", "-a", "limit=6", frame]).succeeded()?;
    }
    Ok(site)
}

/// Starts `nimd` again with other settings.
pub(crate) fn settle(master: &mut Master, settings: &str) -> Result<()> {
    master.stop()?;
    std::fs::write(master.folder().join("nimd.yaml"), settings).context("no settings file")?;
    master.launch()
}

/// Facts on which the sources disagree; see the lab's `world::Variation`.
const READINGS: &[&str] = &[
    "same_lpar_id",
    "altinst_refused",
    "leftover_refused",
    "disks_swapped",
    "token_lost",
    "capacity_in_preview",
    "clock_steps",
];
