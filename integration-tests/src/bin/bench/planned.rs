//! (l) Plans of rollouts: how long they take to make, and how near they come to what no plan can beat. (q) Rehearsals: how long a run of
//! them takes. On one core: neither has threads.

use std::time::Instant;

use anyhow::{Result, ensure};
use nim_rollout::plan::{Input, Plan, make};
use nim_rollout::rehearse::{Named, Rehearsal, rehearse};
use nim_rollout::run::Orders;
use nim_rollout::testing::{Fleet, Processors, fleet, rollout};
use nim_shared::stamp::Timestamp;

use crate::report::{Gate, Row, number, step};

/// Seeds of the fleets by which plans are judged: printed, so that each can be made again.
const SEEDS: u64 = 21;

/// In most fleets of this row VIOSes limit nothing, so that frames alone decide how long a plan has to be.
const WIDE: &str = "limits: {per_vios_pair: 1000}\n";

/// What a site would write: the usual limits and own ones, waves and windows.
const NARROW: &str = "limits: {in_flight: 400, per_hmc: 20, per_frame: 4}
waves: [{name: canary, canary: one-per-class, soak: 1h}, {name: some, take: 20%, soak: 1d}, {name: rest}]
windows: [{name: nights, zone: Europe/Berlin, days: [fri, sat], from: '22:00', to: '04:00'}]
deadlines: {whole: 90d}
";

/// Measures the row.
pub(crate) fn measure() -> Result<Row> {
    let mut row = Row::new("(l) plans of rollouts");
    let fleets = [
        (500, 10_000, "", WIDE, 2.0),
        (500, 10_000, ", waves, windows and limits", NARROW, 2.0),
        (5000, 100_000, "", WIDE, 30.0),
    ];
    for (frames, lpars, with, more, most) in fleets {
        step(&format!("a plan of {lpars} LPARs{with}"));
        let of = Fleet {
            frames,
            lpars: (20, 20),
            frames_per_hmc: 10,
            processors: Processors::FollowMemory,
        };
        let (plan, seconds) = planned(of, 1, more)?;
        ensure!(plan.targets.len() == lpars, "{} are planned", plan.targets.len());
        row.figure(
            &format!("{lpars} LPARs on {frames} frames{with}"),
            format!("{:.3} of the bound, seed 1", ratio(&plan)),
        );
        row.at_most(
            &format!("seconds, {lpars} LPARs on {frames} frames{with}"),
            seconds,
            most,
            Gate::Yes,
        );
    }
    for (what, processors, gate) in [
        ("processors follow memory", Processors::FollowMemory, Gate::Yes),
        ("processors are independent of memory", Processors::Independent, Gate::No),
    ] {
        step(&format!("plans of {SEEDS} fleets of which {what}"));
        let of = Fleet { frames: 40, lpars: (5, 60), frames_per_hmc: 10, processors };
        let mut ratios = Vec::new();
        for seed in 0..SEEDS {
            ratios.push((ratio(&planned(of, seed, WIDE)?.0), seed));
        }
        ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (median, worst) = (ratios[ratios.len() / 2].0, ratios[ratios.len() - 1]);
        row.figure(
            what,
            format!(
                "median {median:.3}, worst {:.3} of seed {}; seeds 0 to {}",
                worst.0,
                worst.1,
                SEEDS - 1
            ),
        );
        row.at_most(&format!("time over bound, {what}"), median, 1.05, gate);
    }
    row.figure("sizes", "5 to 60 LPARs a frame, 3 to 70 % of what is free, 10 % partners");
    Ok(row)
}

/// Runs of a rehearsal, of which each has its share of what is wanted for all.
const RUNS: u32 = 5;

/// Measures the row of rehearsals.
pub(crate) fn rehearsed() -> Result<Row> {
    let mut row = Row::new("(q) rehearsals of rollouts, 3 % of the updates fail");
    let fails: Named = "1020-311=3%".parse().map_err(|why| anyhow::anyhow!("{why}"))?;
    for (frames, lpars) in [(50, 1000), (500, 10_000)] {
        step(&format!("a rehearsal of {lpars} LPARs"));
        let snapshot = fleet(
            Fleet {
                frames,
                lpars: (20, 20),
                frames_per_hmc: 10,
                processors: Processors::FollowMemory,
            },
            1,
        );
        let file = rollout("limits: {per_vios_pair: 1000}\nassume: {duration: 20m}\n");
        let input = Input { file: &file, snapshot: &snapshot, history: &[], begin: snapshot.at };
        let plan = make(&input);
        let orders = Orders::new(&input, &plan, 0);
        let of = Rehearsal {
            input,
            plan: &plan,
            orders: &orders,
            past: &[],
            faults: std::slice::from_ref(&fails),
            runs: Some(RUNS),
            seed: 1,
        };
        let begun = Instant::now();
        let found = rehearse(&of, || true).map_err(|why| anyhow::anyhow!("{why}"))?;
        let each = begun.elapsed().as_secs_f64() / f64::from(found.runs);
        ensure!(found.runs == RUNS && found.targets == lpars, "{found:?}");
        row.figure(&format!("a run, {lpars} LPARs"), format!("{} s", number(each)));
    }
    Ok(row)
}

/// The plan of a fleet by a file with `more` in it, and how many seconds it took.
fn planned(of: Fleet, seed: u64, more: &str) -> Result<(Plan, f64)> {
    let snapshot = fleet(of, seed);
    let mut file = rollout(more);
    file.seed = seed;
    let begun = Instant::now();
    let plan = make(&Input { file: &file, snapshot: &snapshot, history: &[], begin: snapshot.at });
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(plan.excluded.is_empty(), "seed {seed}: {} are left out", plan.excluded.len());
    Ok((plan, seconds))
}

/// How long a plan takes over how long it takes at least.
fn ratio(plan: &Plan) -> f64 {
    let seconds = |of: Timestamp| of.since(plan.begin).as_seconds_f64();
    seconds(plan.end) / seconds(plan.bound)
}
