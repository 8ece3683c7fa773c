//! Small rollouts by chance, in which every kind of limit is met again and again.

use std::collections::BTreeSet;

use nim_shared::stamp::Timestamp;
use nim_shared::unit::{Megabytes, ProcessorUnits, Seconds};

use super::{lpar, name, rollout};
use crate::facts::{
    Allowed, Cluster, ClusterSoftware, CpuReduction, Frame, Free, Lpar, Maintenance, Past, Shape,
    Snapshot,
};
use crate::file::{Approval, KeepPlace, Rollout, Span};
use crate::plan::Input;
use crate::seed::Seeded;

/// A rollout with all that it is planned from.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file.
    pub file: Rollout,
    /// The site.
    pub snapshot: Snapshot,
    /// Earlier updates.
    pub history: Vec<Past>,
    /// When it begins.
    pub begin: Timestamp,
}

impl Case {
    /// What a plan of it is made from.
    #[must_use]
    pub fn input(&self) -> Input<'_> {
        let Self { file, snapshot, history, begin } = self;
        Input { file, snapshot, history, begin: *begin }
    }
}

/// Files that cases are made of. Reading them is what takes longest, so that they are read once.
#[derive(Debug)]
pub struct Small(Vec<Rollout>);

const TIMINGS: [&str; 5] = [
    "deadlines: {whole: 20d}",
    "windows: [{name: n, zone: Europe/Berlin, from: '22:00', to: '04:00'}]\ndeadlines: {whole: 10d}",
    "windows:\n- {name: e, zone: America/New_York, days: [sat, sun], from: '00:00', to: '09:30', names: [l0, l5], labels: site=a}\n\
     - {name: f, zone: Asia/Kolkata, days: [mon, wed, fri], from: '13:00', to: '15:00'}\ndeadlines: {whole: 20d}",
    "windows: [{name: n, zone: Europe/Berlin, days: [sat, sun], from: '01:00', to: '05:00'}]\n\
     freezes: [{name: f, zone: Europe/Berlin, from: 2026-03-26, to: 2026-03-28}]\ndeadlines: {whole: 20d}",
    "freezes: [{name: f, zone: UTC, from: 2026-10-24, to: 2026-10-25, names: l3, labels: site=b}]\ndeadlines: {whole: 8d}",
];

const WAVES: [&str; 4] = [
    "",
    "waves: [{name: first, canary: one-per-class, soak: 2h}, {name: rest}]",
    "waves: [{name: a, labels: site=a, take: 50%}, {name: b, frames: [f0], soak: 10m, approval: yes}, {name: c, healthy: 50%}]",
    "waves: [{name: few, take: 2}]",
];

impl Default for Small {
    fn default() -> Self {
        let texts = TIMINGS
            .iter()
            .flat_map(|timing| WAVES.iter().map(move |waves| format!("{timing}\n{waves}\n")));
        Self(texts.map(|text| rollout(&text)).collect())
    }
}

impl Small {
    /// The case of a seed.
    #[must_use]
    pub fn case(&self, seed: u64) -> Case {
        let mut random = Seeded::new(seed);
        let mut file = self.0[random.below(self.0.len())].clone();
        file.seed = seed;
        chance_limits(&mut file, &mut random);
        // Days around both changes of the clock, and others.
        let begins = [1_774_569_600, 1_792_800_000, 1_768_000_000];
        let begin = begins[random.below(3)] + i64::try_from(random.below(86_400)).unwrap_or(0);
        let begin = Timestamp::from_unix_micros(begin * 1_000_000);
        let frames: Vec<Frame> = (0..=random.below(3)).map(|at| frame(at, &mut random)).collect();
        let count = 1 + random.below(12);
        let lpars: Vec<Lpar> =
            (0..count).map(|at| one_lpar(at, frames.len(), &mut random)).collect();
        let history = lpars
            .iter()
            .flat_map(|lpar| {
                let times = random.below(5);
                (0..times).map(|_| past(lpar, &mut random)).collect::<Vec<_>>()
            })
            .collect();
        let mut maintenance = Vec::new();
        if one_in(20, &mut random) {
            let on = ["f0", "hmc0", "v01"][random.below(3)];
            maintenance.push(Maintenance { on: name(on), reason: "new firmware".to_owned() });
        }
        let allowed = Allowed {
            in_flight: number(2, 20, &mut random),
            per_frame: number(1, 4, &mut random),
            per_hmc: number(1, 6, &mut random),
        };
        let snapshot = Snapshot { at: begin, allowed, frames, lpars, maintenance };
        Case { file, snapshot, history, begin }
    }
}

fn one_in(count: usize, random: &mut Seeded) -> bool {
    random.below(count) == 0
}

fn number(least: usize, most: usize, random: &mut Seeded) -> u32 {
    u32::try_from(least + random.below(most - least + 1)).unwrap_or(1)
}

fn some(chance: usize, least: usize, most: usize, random: &mut Seeded) -> Option<u32> {
    one_in(chance, random).then(|| number(least, most, random))
}

fn chance_limits(file: &mut Rollout, random: &mut Seeded) {
    let limits = &mut file.limits;
    limits.in_flight = some(2, 1, 5, random);
    limits.per_hmc = some(3, 1, 4, random);
    limits.per_frame = some(3, 1, 3, random);
    limits.per_vios_pair = number(1, 4, random);
    limits.stagger_hmc = Span::seconds([0, 60, 600][random.below(3)]);
    limits.stagger_vios = Span::seconds([0, 60, 900][random.below(3)]);
    if one_in(3, random) {
        limits.per_label.insert("app".to_owned(), number(1, 2, random));
    }
    if one_in(3, random) {
        file.apart.labels.push("pair".to_owned());
    }
    if one_in(4, random) {
        file.apart.lists.push(vec![name("l0"), name("l1"), name("l2")]);
    }
    if one_in(4, random) {
        file.blackout.per_lpar = Some(Span::seconds(number(10, 90, random)));
    }
    if one_in(2, random) {
        file.stop.wave.failed = ["1", "2", "30%"][random.below(3)].parse().ok();
        file.stop.whole.failed =
            [None, Some("3"), Some("40%")][random.below(3)].and_then(|of| of.parse().ok());
        file.stop.whole.unreachable = ["2", "50%"][random.below(2)].parse().ok();
        file.stop.whole.skipped = ["3", "60%"][random.below(2)].parse().ok();
    }
    if one_in(3, random) {
        file.stop.failed_keep_place = KeepPlace::Yes;
    }
    if one_in(3, random) {
        let again = crate::file::Again { times: number(1, 2, random), after: Span::seconds(600) };
        file.retry.later = Some(again);
        file.retry.unreachable = Some(again);
    }
    if file.waves.len() > 1 && one_in(2, random) {
        file.waves[1].approval = Approval::Yes;
    }
}

fn frame(at: usize, random: &mut Seeded) -> Frame {
    let free = Free {
        memory: Megabytes(u64::from(number(8, 64, random)) * 1024),
        processors: ProcessorUnits { hundredths: u64::from(number(50, 800, random)) },
        region: Megabytes([256, 1024][random.below(2)]),
        configurable: Megabytes(65_536),
        partitions: some(2, 1, 4, random),
    };
    let mut frame = Frame {
        name: name(&format!("f{at}")),
        hmc: (!one_in(10, random)).then(|| name(&format!("hmc{}", at / 2))),
        limit: some(4, 1, 3, random),
        // Of one HMC it is the same on all of its frames.
        hmc_limit: (at / 2 == 1).then_some(2),
        state: Some("Operating".to_owned()),
        free: (!one_in(10, random)).then_some(free),
        pools: [(1, ProcessorUnits { hundredths: u64::from(number(50, 300, random)) })].into(),
        ids: BTreeSet::from([1, 2, 3]),
    };
    if one_in(30, random) {
        frame.state = Some("No Connection".to_owned());
    }
    frame
}

fn one_lpar(at: usize, frames: usize, random: &mut Seeded) -> Lpar {
    let on = random.below(frames);
    let mut one = lpar(&format!("l{at}"), &format!("f{on}"));
    if one_in(20, random) {
        one.frame = None;
    }
    if !one_in(5, random) {
        one.vioses = [0, 1].iter().map(|which| name(&format!("v{on}{which}"))).collect();
    }
    let label = |key: &str, values: &[&str], one: &mut Lpar, random: &mut Seeded| {
        if let Some(value) = values.get(random.below(values.len() + 1)) {
            one.labels.insert(key.to_owned(), (*value).to_owned());
        }
    };
    label("site", &["a", "b"], &mut one, random);
    label("app", &["x", "y"], &mut one, random);
    label("pair", &["p", "q", "r"], &mut one, random);
    if one_in(5, random) {
        let software = match random.below(8) {
            0 => ClusterSoftware::OracleRac,
            1 => ClusterSoftware::PureScale,
            _ => ClusterSoftware::PowerHa,
        };
        let name = format!("c{}", random.below(2));
        one.clusters.insert(Cluster { software, name });
    }
    if !one_in(8, random) {
        let memory = u64::from(number(1, 40, random)) * 512;
        let units = u64::from(number(5, 400, random));
        let min = units / u64::from(number(1, 3, random));
        one.shape = Some(Shape {
            memory: Megabytes(memory),
            min_memory: Megabytes(memory / 2),
            max_memory: Megabytes(memory * u64::from(number(1, 4, random))),
            hpt_ratio: Some([64, 128][random.below(2)]),
            processors: ProcessorUnits { hundredths: units },
            min_processors: ProcessorUnits { hundredths: min },
            pool: some(4, 1, 1, random),
            cpu_reduction: if one_in(6, random) { CpuReduction::Yes } else { CpuReduction::No },
        });
    }
    one.wanted_id = some(6, 3, 5, random);
    if !one_in(4, random) {
        one.estimate.total = Some(Seconds(u64::from(number(300, 5400, random))));
    }
    if !one_in(4, random) {
        one.estimate.blackout = Some(Seconds(u64::from(number(5, 120, random))));
    }
    if one_in(30, random) {
        one.blocked.push("an NFS mount".to_owned());
    }
    if one_in(20, random) {
        one.held.push("a path of hdisk0 is lost".to_owned());
    }
    one
}

fn past(lpar: &Lpar, random: &mut Seeded) -> Past {
    Past {
        lpar: lpar.name.clone(),
        estimate: lpar.estimate,
        took: Seconds(u64::from(number(300, 6000, random))),
        blackout: some(2, 5, 100, random).map(|seconds| Seconds(seconds.into())),
    }
}
