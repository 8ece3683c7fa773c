//! Plans of small rollouts by chance, held against the file and the facts by a checker that knows nothing of the scheduler; and of fleets,
//! held against the time that no plan can beat. Seeds are printed with what fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::tz::TimeZone;
use nim_rollout::facts::{ClusterSoftware, CpuReduction, Frame, Lpar};
use nim_rollout::plan::{Input, Plan, Planned, make};
use nim_rollout::testing::small::{Case, Small};
use nim_rollout::testing::{Fleet, Processors, each_seed, fleet, rollout};

/// Cases of a test run.
const CASES: u64 = 100_000;

#[test]
fn no_plan_breaks_what_the_file_or_the_frames_say() {
    let small = Small::default();
    let (planned, waited) = (AtomicU64::new(0), AtomicU64::new(0));
    each_seed(CASES, |seed| {
        let case = small.case(seed);
        let plan = make(&case.input());
        let wrong = violations(&case, &plan);
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}\n{plan:#?}");
        assert_eq!(make(&case.input()), plan, "seed {seed}: another plan");
        let count = |of: usize| u64::try_from(of).unwrap();
        planned.fetch_add(count(plan.targets.len()), Ordering::Relaxed);
        let waits = plan.targets.iter().filter(|one| one.waits_for.is_some()).count();
        waited.fetch_add(count(waits), Ordering::Relaxed);
    });
    // What is never met proves nothing.
    let (planned, waited) = (planned.into_inner(), waited.into_inner());
    assert!(planned > 2 * CASES && waited > CASES, "{planned} planned, {waited} waited");
}

#[test]
fn fleets_are_packed_near_to_what_is_possible() {
    let of = Fleet {
        frames: 20,
        lpars: (5, 60),
        frames_per_hmc: 10,
        processors: Processors::FollowMemory,
    };
    let mut ratios: Vec<(f64, u64)> = (0..15).map(|seed| (ratio(of, seed), seed)).collect();
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (median, worst) = (ratios[7].0, ratios[14]);
    println!("makespan over bound: median {median:.3}, worst {:.3} of seed {}", worst.0, worst.1);
    assert!(median <= 1.05, "{ratios:?}");
}

/// How long a plan of a fleet takes, over what it takes at least.
fn ratio(of: Fleet, seed: u64) -> f64 {
    let snapshot = fleet(of, seed);
    let mut file = rollout("limits: {per_vios_pair: 1000}\n");
    file.seed = seed;
    let plan = make(&Input { file: &file, snapshot: &snapshot, history: &[], begin: snapshot.at });
    assert_eq!(plan.targets.len() + plan.excluded.len(), snapshot.lpars.len(), "seed {seed}");
    assert!(plan.excluded.is_empty(), "seed {seed}: {:?}", plan.excluded);
    let seconds = |of: nim_shared::stamp::Timestamp| of.since(plan.begin).as_seconds_f64();
    seconds(plan.end) / seconds(plan.bound)
}

/// From when to when how much is taken.
type Taken = (i64, i64, u64);

/// What is wrong with a plan.
fn violations(case: &Case, plan: &Plan) -> Vec<String> {
    let mut wrong = everybody_is_somewhere(case, plan);
    let lpars: HashMap<&str, &Lpar> =
        case.snapshot.lpars.iter().map(|one| (one.name.as_str(), one)).collect();
    let frames: HashMap<&str, &Frame> =
        case.snapshot.frames.iter().map(|one| (one.name.as_str(), one)).collect();
    // By what is limited: its limit, and when how much of it is taken.
    let mut limits: BTreeMap<String, (u64, Vec<Taken>)> = BTreeMap::new();
    let mut starts: BTreeMap<(String, u32), Vec<i64>> = BTreeMap::new();
    let second = |at: nim_shared::stamp::Timestamp| at.get().unix_timestamp();
    for one in &plan.targets {
        let lpar = lpars[one.lpar.as_str()];
        let frame = lpar.frame.as_ref().and_then(|name| frames.get(name.as_str())).copied();
        let (begin, end) = (second(one.begin), second(one.end));
        if begin >= end || begin < second(case.begin) {
            wrong.push(format!("{} runs from {} to {}", one.lpar, one.begin, one.end));
        }
        for (what, limit, amount) in takes(case, lpar, frame) {
            limits.entry(what).or_insert((limit, Vec::new())).1.push((begin, end, amount));
        }
        let own = &case.file.limits;
        if let Some(hmc) = frame.and_then(|frame| frame.hmc.as_ref()) {
            starts.entry((hmc.to_string(), own.stagger_hmc.get())).or_default().push(begin);
        }
        if !lpar.vioses.is_empty() {
            let pair = format!("{:?}", lpar.vioses);
            starts.entry((pair, own.stagger_vios.get())).or_default().push(begin);
        }
        wrong.extend(outside(case, lpar, one));
    }
    for (what, (limit, uses)) in limits {
        let most = peak(uses);
        if most > limit {
            wrong.push(format!("{what}: {most} of {limit}"));
        }
    }
    for ((what, least), mut starts) in starts {
        starts.sort_unstable();
        if starts.windows(2).any(|two| two[1] - two[0] < i64::from(least)) {
            wrong.push(format!("starts at {what} are nearer than {least} s: {starts:?}"));
        }
    }
    for (number, two) in plan.waves.windows(2).enumerate() {
        let last = plan.targets.iter().filter(|one| one.wave == number).map(|one| one.end).max();
        let first = plan.targets.iter().filter(|one| one.wave > number).map(|one| one.begin).min();
        if let (Some(last), Some(first)) = (last, first)
            && second(first) < second(last) + i64::try_from(two[0].soak.0).unwrap()
        {
            wrong.push(format!("a wave after {number} begins before it has soaked"));
        }
    }
    let end = plan.targets.iter().map(|one| one.end).max();
    if end.is_some_and(|end| end < plan.bound || end > plan.end) {
        wrong.push(format!("ends {end:?}, bound {}, said {}", plan.bound, plan.end));
    }
    wrong
}

fn everybody_is_somewhere(case: &Case, plan: &Plan) -> Vec<String> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let planned = plan.targets.iter().map(|one| one.lpar.as_str());
    let held = plan.held.iter().map(|one| one.lpar.as_str());
    let excluded = plan.excluded.iter().map(|one| one.name.as_str());
    planned.chain(held).chain(excluded).for_each(|name| *places.entry(name).or_default() += 1);
    let all: BTreeSet<&str> = case.snapshot.lpars.iter().map(|one| one.name.as_str()).collect();
    let fine = places.len() == all.len()
        && places.iter().all(|(name, count)| *count == 1 && all.contains(name));
    if fine { Vec::new() } else { vec![format!("not everybody once: {places:?}")] }
}

/// What an LPAR takes: of what, how much there is, how much it takes. Written down from the reference, not from the scheduler.
fn takes(case: &Case, lpar: &Lpar, frame: Option<&Frame>) -> Vec<(String, u64, u64)> {
    let limits = &case.file.limits;
    let allowed = case.snapshot.allowed;
    let lower =
        |own: Option<u32>, allowed: u32| u64::from(own.map_or(allowed, |own| own.min(allowed)));
    let mut takes = Vec::new();
    takes.push(("in flight".to_owned(), lower(limits.in_flight, allowed.in_flight), 1));
    if let Some(hmc) = frame.and_then(|frame| frame.hmc.as_ref()) {
        let own = frame.and_then(|frame| frame.hmc_limit).unwrap_or(allowed.per_hmc);
        takes.push((format!("hmc {hmc}"), lower(limits.per_hmc, own), 1));
    }
    let place = lpar.frame.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    let own = frame.and_then(|frame| frame.limit).unwrap_or(allowed.per_frame);
    takes.push((format!("frame {place}"), lower(limits.per_frame, own), 1));
    if !lpar.vioses.is_empty() {
        takes.push((format!("{:?}", lpar.vioses), u64::from(limits.per_vios_pair), 1));
    }
    for (key, most) in &limits.per_label {
        if let Some(value) = lpar.labels.get(key) {
            takes.push((format!("label {key}={value}"), u64::from(*most), 1));
        }
    }
    for cluster in &lpar.clusters {
        assert_eq!(cluster.software, ClusterSoftware::PowerHa, "{} is planned", lpar.name);
        takes.push((format!("cluster {}", cluster.name), 1, 1));
    }
    for key in &case.file.apart.labels {
        if let Some(value) = lpar.labels.get(key) {
            takes.push((format!("apart {key}={value}"), 1, 1));
        }
    }
    for (at, list) in case.file.apart.lists.iter().enumerate() {
        if list.contains(&lpar.name) {
            takes.push((format!("apart list {at}"), 1, 1));
        }
    }
    let Some(frame) = frame else { return takes };
    if let Some(id) = lpar.wanted_id {
        takes.push((format!("id {id} of {place}"), u64::from(!frame.ids.contains(&id)), 1));
    }
    let Some(free) = frame.free else { return takes };
    if let Some(partitions) = free.partitions {
        takes.push((format!("partitions of {place}"), u64::from(partitions), 1));
    }
    let Some(shape) = lpar.shape else { return takes };
    let up = |mb: u64| mb.div_ceil(free.region.0) * free.region.0;
    let table = (up(shape.max_memory.0) / shape.hpt_ratio.unwrap_or(64)).next_power_of_two();
    let memory = up(shape.memory.0) + (up(table) + free.region.0).max(512);
    let percent = u64::from(limits.reserve_memory.get());
    let margin = free.region.0 + free.configurable.0 * percent / 100;
    takes.push((format!("memory of {place}"), free.memory.0.saturating_sub(margin), memory));
    let (units, least) = (shape.processors.hundredths, shape.min_processors.hundredths);
    let there = free.processors.hundredths;
    let pool = shape.pool.and_then(|pool| Some((pool, frame.pools.get(&pool)?.hundredths)));
    // Who gives up processors, because there are too few, has what is there for itself; both partitions need their least.
    let most = pool.map_or(there, |(_, has)| has.min(there));
    let reduced = shape.cpu_reduction == CpuReduction::Yes
        && units > most
        && most + units >= 2 * least.min(units);
    takes.push((format!("processors of {place}"), there, if reduced { there } else { units }));
    if let Some((pool, has)) = pool {
        takes.push((format!("pool {pool} of {place}"), has, if reduced { has } else { units }));
    }
    takes
}

/// Most that is taken at a time.
fn peak(uses: Vec<Taken>) -> u64 {
    let mut steps: Vec<(i64, bool, u64)> = Vec::new();
    for (begin, end, amount) in uses {
        steps.push((begin, true, amount));
        steps.push((end, false, amount));
    }
    steps.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, begins, amount) in steps {
        if begins {
            now += amount;
        } else {
            now -= amount;
        }
        most = most.max(now);
    }
    most
}

/// When it would run outside of its windows or in a freeze, by the clocks on the walls.
fn outside(case: &Case, lpar: &Lpar, one: &Planned) -> Option<String> {
    let file = &case.file;
    let concerns = |only: &nim_rollout::file::Chosen| {
        let called = |one: &nim_rollout::file::Pattern| one.to_string() == lpar.name.as_str();
        only.is_empty()
            || only.names.iter().any(called)
            || only.groups.iter().any(|group| lpar.groups.contains(group))
            || only.labels.as_ref().is_some_and(|labels| labels.0.matches(&lpar.labels))
    };
    let zone = |name: &nim_rollout::file::Zone| TimeZone::get(&name.to_string()).unwrap();
    let windows: Vec<_> = file
        .windows
        .iter()
        .filter(|window| concerns(&window.only))
        .map(|window| (zone(&window.zone), window))
        .collect();
    let freezes: Vec<_> = file
        .freezes
        .iter()
        .filter(|freeze| concerns(&freeze.only))
        .map(|freeze| (zone(&freeze.zone), freeze))
        .collect();
    let (begin, end) = (one.begin.get().unix_timestamp(), one.end.get().unix_timestamp());
    let mut at = begin;
    loop {
        let time = jiff::Timestamp::from_second(at).unwrap();
        let open = file.windows.is_empty()
            || windows.iter().any(|(zone, window)| {
                let local = zone.to_datetime(time);
                let clock = local.strftime("%H:%M").to_string();
                let (from, to) = (window.from.to_string(), window.to.to_string());
                let day = |date: jiff::civil::Date| {
                    let called = date.strftime("%a").to_string().to_lowercase();
                    window.days.is_empty()
                        || window.days.iter().any(|day| format!("{day:?}").to_lowercase() == called)
                };
                let today = local.date();
                if to > from {
                    day(today) && clock >= from && clock < to
                } else {
                    (day(today) && clock >= from) || (day(today.yesterday().unwrap()) && clock < to)
                }
            });
        let frozen = freezes.iter().any(|(zone, freeze)| {
            let date = zone.to_datetime(time).date().to_string();
            date >= freeze.from.to_string() && date <= freeze.to.to_string()
        });
        if !open || frozen {
            return Some(format!("{} runs at {time}, which is not allowed", one.lpar));
        }
        if at == end - 1 {
            return None;
        }
        at = (at + 900).min(end - 1);
    }
}
