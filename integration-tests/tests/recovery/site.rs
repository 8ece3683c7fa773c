//! A site whose LPARs behave alike, so that an update that was disturbed can be compared with one that was not.

use anyhow::{Context as _, Result};
use integration_tests::Harness;
use integration_tests::switched::switch_on;
use nim_lab::clock::Mode;
use nim_lab::site;

/// The small site of the examples, with every unclear fact read the same on each LPAR, and frames that take six updates at a
/// time.
pub(crate) async fn start(clock: Mode) -> Result<Harness> {
    let site = Harness::with(alike()?, clock).await?;
    for frame in ["frame1", "frame2"] {
        site.nimctl(["change", "-a", "limit=6", frame]).succeeded()?;
    }
    Ok(site)
}

/// The same, with processors for one surrogate at a time on frame2.
pub(crate) async fn tight(clock: Mode) -> Result<Harness> {
    let mut file = alike()?;
    let frame = file.frames.iter_mut().find(|frame| frame.name == "frame2").context("no frame2")?;
    // Each of its six LPARs has half a unit, and a surrogate takes as much.
    frame.processors = "3.7".parse().map_err(anyhow::Error::msg)?;
    let site = Harness::with(file, clock).await?;
    site.nimctl(["change", "-a", "limit=6", "frame2"]).succeeded()?;
    Ok(site)
}

/// A site with LPARs of these names beside those of the small site, on one frame or the other, all alike, whose frames take as
/// many updates at a time as anybody asks for.
pub(crate) async fn with(lpars: &[(&str, Frame)], clock: Mode) -> Result<Harness> {
    many(lpars, clock, |_| ()).await
}

/// The same, with everything on that a step of prep switches off, and a policy that has all of them.
pub(crate) async fn all_on(lpars: &[(&str, Frame)], clock: Mode) -> Result<Harness> {
    let site = many(lpars, clock, switch_on).await?;
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/policy.yaml");
    site.nimctl(["policy", "set", policy]).succeeded()?;
    Ok(site)
}

async fn many(
    lpars: &[(&str, Frame)],
    clock: Mode,
    change: impl Fn(&mut site::LparEntry),
) -> Result<Harness> {
    let mut file = alike()?;
    let template = file.lpars.iter().find(|lpar| lpar.name == "lpar07").context("no lpar07")?;
    let mut template = template.clone();
    change(&mut template);
    file.lpars.clear();
    for (number, (name, frame)) in (1..).zip(lpars) {
        file.lpars.push(site::LparEntry {
            name: (*name).to_owned(),
            frame: frame.name().to_owned(),
            address: format!("127.77.4.{number}"),
            id: 10 + number,
            ..template.clone()
        });
    }
    for frame in &mut file.frames {
        frame.memory_mb = 1 << 20;
        frame.processors = "400.0".parse().map_err(anyhow::Error::msg)?;
    }
    let mut site = Harness::with(file, clock).await?;
    site.master().settle("limits:\n  per_hmc: 200\n")?;
    for frame in [Frame::Roomy, Frame::Full] {
        site.nimctl(["change", "-a", "limit=200", frame.name()]).succeeded()?;
    }
    Ok(site)
}

/// On which frame an LPAR is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// One with room for everybody.
    Roomy,
    /// One that a test may fill.
    Full,
}

impl Frame {
    const fn name(self) -> &'static str {
        match self {
            Self::Roomy => "frame2",
            Self::Full => "frame1",
        }
    }
}

/// The small site of the examples, with every unclear fact read the same on each LPAR.
fn alike() -> Result<site::File> {
    let text = include_str!("../../../examples/site-small.yaml");
    let mut file = site::parse("site-small.yaml", text)?;
    file.read_alike();
    Ok(file)
}
