//! What is rolled out where: the site, its faults, and the file of the rollout.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use nim_lab::fault::{Armed, Fault, Kind};
use nim_lab::{Lab, site};
use nim_rollout::seed::Seeded;

use super::{Size, Wrong, room};
use crate::big::{self, Extent};

/// Level to which all are updated.
pub(super) const TO: &str = "7300-03-01-2520";

/// The label that all LPARs have, and how many values of it there are.
pub(super) const LABEL: &str = "app";
const VALUES: u32 = 5;

/// Limits that the rollout has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// In the whole.
    pub(super) in_flight: usize,
    /// Of one HMC.
    pub(super) per_hmc: usize,
    /// On one frame, and with one pair of VIO servers.
    pub(super) per_frame: usize,
    /// With one value of [`LABEL`].
    pub(super) per_label: usize,
}

impl Limits {
    /// For this many frames: the hardware is wanted, and yet each limit holds somebody up.
    pub(super) const fn of(frames: usize) -> Self {
        let in_flight = 2 * frames - frames / 8 - 1;
        Self { in_flight, per_hmc: frames + 1, per_frame: 3, per_label: in_flight.div_ceil(4) }
    }
}

/// The site, all of whose LPARs are a level behind. Of some frames little is there.
pub(super) fn site(size: &Size) -> Result<site::File> {
    // So much that a frame holds its LPARs, its VIOSes and some three more.
    let each = size.lpars.div_ceil(size.frames);
    let frame_mb = (each + 12) * 2048;
    let extent = Extent {
        frames: size.frames,
        lpars: size.lpars,
        level: "7300-03-00-2446",
        frame_mb,
        media: big::MEDIA,
    };
    let mut file = big::of(&extent)?;
    file.seed = size.seed;
    room::shape(&mut file, &faults(size))?;
    for (number, lpar) in (1..).zip(&mut file.lpars) {
        lpar.labels.insert(LABEL.to_owned(), label(number));
    }
    Ok(file)
}

/// The value of [`LABEL`] of each LPAR.
pub(super) fn labels(size: &Size) -> BTreeMap<String, String> {
    (1..=size.lpars).map(|number| (name(number), label(number))).collect()
}

/// The value of [`LABEL`] that the LPAR of this number has: each frame has LPARs with each.
fn label(number: u32) -> String {
    format!("app{}", number % VALUES)
}

/// Which fault is on which LPAR, drawn by the seed: no two on one, nor on one frame as long as there is another. Some faults leave memory or a place
/// of the frame taken, and two of them may leave nothing for the others of it.
pub(super) fn faults(size: &Size) -> Vec<(String, Fault)> {
    let mut seeded = Seeded::new(size.seed);
    let mut lpars: Vec<u32> = (1..=size.lpars).collect();
    seeded.shuffle(&mut lpars);
    // LPARs are dealt out to the frames. Those that come first of theirs go before those that come second.
    let mut met = BTreeMap::<u32, usize>::new();
    let turns = lpars.iter().map(|lpar| {
        let turn = met.entry(lpar % size.frames).or_default();
        *turn += 1;
        (*turn, *lpar)
    });
    let mut turns: Vec<(usize, u32)> = turns.collect();
    turns.sort_by_key(|(turn, _)| *turn);
    let kinds: Vec<Fault> = match size.wrong {
        Wrong::Named(faults) => faults.to_vec(),
        Wrong::Drawn(count) => {
            // A full frame is no matter of one LPAR: it comes and goes in the course.
            let kinds = Fault::ALL.iter().copied().filter(|fault| *fault != Fault::FrameFull);
            let mut kinds: Vec<Fault> = kinds.collect();
            seeded.shuffle(&mut kinds);
            kinds.into_iter().cycle().take(count).collect()
        }
    };
    let each = turns.into_iter().zip(kinds);
    each.map(|((_, lpar), fault)| (name(lpar), fault)).collect()
}

/// Sets the faults: conditions hold from now on, events strike in their phase.
pub(super) async fn set(lab: &Lab, faults: &[(String, Fault)]) -> Result<()> {
    for (lpar, fault) in faults {
        let armed = match fault.kind() {
            Kind::Condition => Armed::Always,
            Kind::Event => Armed::At(fault.phase()),
        };
        lab.arm_fault(lpar, *fault, armed).await?;
    }
    Ok(())
}

/// The first LPARs of two neighbouring frames are partners: they never run together.
pub(super) fn partners(size: &Size) -> Vec<[String; 2]> {
    (1..size.frames).step_by(2).map(|first| [name(first), name(first + 1)]).collect()
}

/// The file of the rollout.
pub(super) fn rollout(size: &Size, limits: &Limits) -> Result<String> {
    ensure!(size.frames >= 2, "partners are on two frames");
    let apart: Vec<String> =
        partners(size).iter().map(|[one, two]| format!("  - [{one}, {two}]")).collect();
    let rest = format!(
        "waves:
- {{name: first, take: 5%}}
- {{name: second, take: 30%}}
- {{name: rest}}
limits:
  in_flight: {}
  per_hmc: {}
  per_frame: {}
  per_vios_pair: {}
  per_label: {{{LABEL}: {}}}
  reserve_memory: {}%
  reserve_processors: {}%
  stagger_hmc: 0s
  stagger_vios: 0s
apart:
  lists:
{}
deadlines: {{start: 6h, update: 4m, release: 30s, whole: 48h}}
assume: {{duration: 20m}}
retry: {{later: {{times: 3, after: 10s}}}}
",
        limits.in_flight,
        limits.per_hmc,
        limits.per_frame,
        limits.per_frame,
        limits.per_label,
        room::RESERVE_MEMORY,
        room::RESERVE_PROCESSORS,
        apart.join("\n"),
    );
    Ok(big::rollout("soak", &rest))
}

/// The name of the frame of this number, from 1.
pub(super) fn frame(number: u32) -> String {
    format!("frame{number}")
}

/// The name of the LPAR of this number, from 1.
pub(super) fn name(number: u32) -> String {
    format!("lpar{number:03}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_has_an_lpar_and_a_frame_of_its_own() {
        for seed in 1..50 {
            let size = Size { seed, ..Size::LONG };
            let faults = faults(&size);
            let frame = |lpar: &str| lpar["lpar".len()..].parse::<u32>().unwrap() % size.frames;
            let frames: BTreeSet<u32> = faults.iter().map(|(lpar, _)| frame(lpar)).collect();
            assert_eq!((faults.len(), frames.len()), (30, 30), "seed {seed}: {faults:?}");
        }
    }
}
