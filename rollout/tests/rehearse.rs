//! Rehearsals of small rollouts by chance: each has an answer that adds up, and the same one again.

use std::sync::atomic::{AtomicU64, Ordering};

use nim_rollout::plan::make;
use nim_rollout::rehearse::{Came, Cause, Named, PastRun, Rehearsal, rehearse};
use nim_rollout::run::Orders;
use nim_rollout::testing::each_seed;
use nim_rollout::testing::small::Small;
use nim_shared::code::Retry as Sense;
use nim_shared::unit::Seconds;

/// Cases of a test run.
const CASES: u64 = 4000;

/// Runs of each.
const RUNS: u32 = 4;

#[test]
fn every_rehearsal_adds_up_and_has_the_same_answer_again() {
    let small = Small::default();
    let faults: [Named; 2] = ["unreachable=10%", "1020-311"].map(|text| text.parse().unwrap());
    let past: Vec<PastRun> = (0..40_u64)
        .map(|at| {
            let came = match at % 8 {
                0 => Came::Bad(Cause::Failed { code: None, sense: Sense::Later }),
                1 => Came::Bad(Cause::Unreachable),
                2 => Came::Bad(Cause::Stuck { code: None }),
                _ => Came::Well,
            };
            let lpar = format!("l{}", at % 12).parse().unwrap();
            PastRun { lpar, came, took: Seconds(60 * at) }
        })
        .collect();
    let (stops, ends, failures) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    each_seed(CASES, |seed| {
        let case = small.case(seed);
        let input = case.input();
        let plan = make(&input);
        let orders = Orders::new(&input, &plan, 1000);
        let of = Rehearsal {
            input,
            plan: &plan,
            orders: &orders,
            past: &past,
            faults: &faults,
            runs: Some(RUNS),
            seed,
        };
        let found = rehearse(&of, || true).unwrap();
        assert_eq!(rehearse(&of, || true).unwrap(), found, "seed {seed}");
        let stopped: u32 = found.stops.iter().map(|one| one.runs).sum();
        assert_eq!((found.runs, found.ended + stopped), (RUNS, RUNS), "seed {seed}: {found:#?}");
        assert!(found.all_updated <= found.ended, "seed {seed}: {found:#?}");
        if let Some(end) = found.end {
            assert!(case.begin <= end.p5 && end.p5 <= end.p50, "seed {seed}: {end:?}");
            assert!(end.p50 <= end.p95 && end.p95 <= end.worst, "seed {seed}: {end:?}");
        }
        for one in &found.failures {
            let named: u64 = one.lpars.iter().map(|one| one.times).sum();
            assert!(one.runs <= RUNS && u64::from(one.runs) <= one.times, "seed {seed}: {one:?}");
            assert!(one.more > 0 || named == one.times, "seed {seed}: {one:?}");
        }
        // A shorter one is the beginning of a longer one.
        let one = rehearse(&Rehearsal { runs: Some(1), ..of }, || true).unwrap();
        let cut = rehearse(&of, || false).unwrap();
        assert_eq!((one.end, one.stops, one.failures), (cut.end, cut.stops, cut.failures));
        stops.fetch_add(u64::from(stopped), Ordering::Relaxed);
        ends.fetch_add(u64::from(found.ended), Ordering::Relaxed);
        failures.fetch_add(found.failures.iter().map(|one| one.times).sum(), Ordering::Relaxed);
    });
    // What is never met proves nothing.
    let found = (stops.into_inner(), ends.into_inner(), failures.into_inner());
    assert!(found.0 > CASES / 10 && found.1 > CASES && found.2 > CASES, "{found:?}");
}
