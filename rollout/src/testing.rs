//! Sites by chance, from seeds: for properties, and for `make bench`.

pub mod small;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use nim_shared::api::File;
use nim_shared::id::ObjectName;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::{Megabytes, ProcessorUnits, Seconds};

use crate::facts::{
    Allowed, Cluster, ClusterSoftware, CpuReduction, Frame, Free, Lpar, Shape, Snapshot,
};
use crate::file::{Rollout, read};
use crate::seed::Seeded;

/// Calls `case` with each seed below `cases`, on two threads: each takes the next as it gets ready.
pub fn each_seed(cases: u64, case: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    let seeds = || {
        std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed))
            .take_while(|one| *one < cases)
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| seeds().for_each(&case));
        }
    });
}

/// Size of a fleet.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// Number of frames.
    pub frames: usize,
    /// LPARs of a frame, at least and at most.
    pub lpars: (usize, usize),
    /// Frames of an HMC.
    pub frames_per_hmc: usize,
    /// How processors follow memory.
    pub processors: Processors,
}

/// How much of the free processors an LPAR takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processors {
    /// From half to all of its part of the memory: large LPARs have many.
    FollowMemory,
    /// Any part, whatever its memory.
    Independent,
}

/// Free memory of each frame of a fleet, in MB.
const FREE: u64 = 1 << 20;

/// Free processors of each frame of a fleet, in hundredths.
const UNITS: u64 = 10_000;

fn name(text: &str) -> ObjectName {
    text.parse().expect("made of letters and digits")
}

/// So many LPARs of which nothing is known but their names and frames: each is on a frame of its own, `lpar0` on `frame0000`.
#[must_use]
pub fn one_each(count: usize) -> Snapshot {
    let of = Fleet {
        frames: count,
        lpars: (0, 0),
        frames_per_hmc: 1,
        processors: Processors::FollowMemory,
    };
    let mut site = fleet(of, 1);
    site.lpars =
        (0..count).map(|at| lpar(&format!("lpar{at}"), &format!("frame{at:04}"))).collect();
    site
}

/// A fleet: each LPAR takes from 3 % to 70 % of what is free on its frame, for 15 to 60 minutes; of ten one has a partner, usually on another
/// frame.
#[must_use]
pub fn fleet(of: Fleet, seed: u64) -> Snapshot {
    let mut random = Seeded::new(seed);
    let mut lpars = Vec::new();
    let mut frames = Vec::with_capacity(of.frames);
    for at in 0..of.frames {
        let frame = name(&format!("frame{at:04}"));
        let hmc = name(&format!("hmc{:03}", at / of.frames_per_hmc.max(1)));
        let vioses: BTreeSet<ObjectName> =
            [1, 2].iter().map(|which| name(&format!("vio{at:04}{which}"))).collect();
        let (least, most) = of.lpars;
        for number in 0..least + random.below(most - least + 1) {
            let part = 30 + u64::try_from(random.below(671)).unwrap_or(0);
            let units = match of.processors {
                Processors::FollowMemory => {
                    (part * (50 + u64::try_from(random.below(51)).unwrap_or(0)) / 100).max(30)
                }
                Processors::Independent => 30 + u64::try_from(random.below(671)).unwrap_or(0),
            };
            let total = 900 + u64::try_from(random.below(2701)).unwrap_or(0);
            // What is left of its part when the overhead, which depends on the most it may have, is taken off.
            let memory = (FREE * part / 1000 * 63 / 64).saturating_sub(512) / 256 * 256;
            let mut one = lpar(&format!("lpar{at:04}n{number:03}"), frame.as_str());
            one.vioses.clone_from(&vioses);
            one.estimate.total = Some(Seconds(total * 2 / 3));
            one.shape = Some(Shape {
                memory: Megabytes(memory.max(256)),
                min_memory: Megabytes(256),
                max_memory: Megabytes(memory.max(256)),
                hpt_ratio: Some(128),
                processors: ProcessorUnits { hundredths: UNITS * units / 1000 },
                min_processors: ProcessorUnits { hundredths: 10 },
                pool: None,
                cpu_reduction: CpuReduction::No,
            });
            lpars.push(one);
        }
        frames.push(Frame {
            name: frame,
            hmc: Some(hmc),
            limit: None,
            hmc_limit: None,
            state: Some("Operating".to_owned()),
            free: Some(Free {
                memory: Megabytes(FREE + 256),
                processors: ProcessorUnits { hundredths: UNITS },
                region: Megabytes(256),
                configurable: Megabytes(0),
                partitions: Some(1000),
            }),
            pools: BTreeMap::new(),
            ids: BTreeSet::new(),
        });
    }
    let mut partners: Vec<usize> = (0..lpars.len()).collect();
    random.shuffle(&mut partners);
    let count = lpars.len() / 10;
    for (number, pair) in partners[..count].chunks_exact(2).enumerate() {
        for &at in pair {
            let cluster =
                Cluster { software: ClusterSoftware::PowerHa, name: format!("cluster{number}") };
            lpars[at].clusters.insert(cluster);
        }
    }
    Snapshot {
        at: Timestamp::from_unix_micros(1_768_000_000_000_000),
        allowed: Allowed { in_flight: u32::MAX, per_frame: 1000, per_hmc: 100_000 },
        frames,
        lpars,
        maintenance: Vec::new(),
    }
}

/// A rollout of all LPARs. What stands in `more` is added to the file.
///
/// # Panics
/// When that is no part of a rollout.
#[must_use]
pub fn rollout(more: &str) -> Rollout {
    let text = format!(
        "name: test\ntargets: {{names: '*'}}\noperation: {{live_update: yes, live_update_data: '{{lpar}}_lu'}}\n{more}"
    );
    read(&File { name: "rollout.yaml".to_owned(), text }).unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

/// An LPAR of which nothing but its place is known.
#[must_use]
pub fn lpar(called: &str, frame: &str) -> Lpar {
    Lpar {
        frame: Some(name(frame)),
        level: "7300-03-01-2520".parse().ok(),
        storage: BTreeSet::from(["vscsi".to_owned()]),
        ..Lpar::named(name(called))
    }
}
