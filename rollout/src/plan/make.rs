//! Makes a plan.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use nim_shared::id::{Digest, ObjectName};
use nim_shared::unit::Seconds;
use serde::Serialize;

use crate::bound::lower_bound;
use crate::calendar::Calendars;
use crate::choose::choose;
use crate::class::classes;
use crate::compile::{Compiler, Names};
use crate::facts::{CpuReduction, Estimate, Lpar, Snapshot};
use crate::file::{Above, Approval, Rollout};
use crate::pack::{Length, Schedule, Waiting, pack, simulate};
use crate::predict::{Experience, Forecast};
use crate::site::{Job, Site, Tick};
use crate::wave::{Candidate, assign};

use super::excluded::left_out;
use super::late::{self, Late, Moved};
use super::numbers::{numbers, worst_failed};
use super::{Excluded, Held, Input, Plan, Planned, PlannedWave, Why, propose};

/// A rollout whose targets are known, before it is packed.
#[derive(Debug)]
pub struct Prepared<'a> {
    /// What has to be kept to.
    pub site: Site,
    /// One for each row.
    pub jobs: Vec<Job>,
    /// Names of what has numbers in the site.
    pub names: Names,
    /// Who takes part, by name.
    pub rows: Vec<Row<'a>>,
    /// Who does not.
    pub excluded: Vec<Excluded>,
    /// What the classes have in common.
    pub classes: Vec<String>,
}

/// An LPAR that takes part.
#[derive(Debug)]
pub struct Row<'a> {
    /// The LPAR.
    pub lpar: &'a Lpar,
    /// Number of its class.
    pub class: u32,
    /// What is to be expected of it.
    pub forecast: Forecast,
    /// Number of its wave.
    pub wave: usize,
    /// Why somebody has to approve it.
    pub approval: Option<String>,
    /// Why it is held back.
    pub held: Vec<String>,
    /// What is known of it, in one number.
    pub fingerprint: Digest,
}

/// Finds out who takes part, and what each of them needs.
#[must_use]
pub fn prepare<'a>(input: &Input<'a>) -> Prepared<'a> {
    prepared(input, None)
}

fn prepared<'a>(input: &Input<'a>, moved: Moved<'_>) -> Prepared<'a> {
    let Input { file, snapshot, history, begin } = *input;
    let choice = choose(file, snapshot);
    let mut excluded = choice.excluded;
    let (classes, class_of) = classes(snapshot);
    let experience = Experience::new(history, &class_of);
    let known = choice.chosen.iter().map(|at| {
        let lpar = &snapshot.lpars[*at];
        let class = class_of.get(&lpar.name).copied().unwrap_or_default();
        (lpar, class, experience.forecast(lpar, class, &file.assume))
    });
    let mut known: Vec<_> = known.collect();
    let approvals = budget(file, &mut known, &mut excluded);

    let members: Vec<&Lpar> = known.iter().map(|(lpar, ..)| *lpar).collect();
    let calendars = Calendars::new(file, begin, file.deadlines.whole.get());
    let mut compiler = Compiler::new(file, snapshot, &members, calendars);
    known.retain(|(lpar, _, forecast)| match compiler.job(lpar, forecast) {
        Ok(()) => true,
        Err(why) => {
            let mut one = left_out(lpar.name.as_str(), &why);
            let proposals = propose(input, lpar, forecast, &why);
            one.proposals = proposals.iter().map(ToString::to_string).collect();
            excluded.push(one);
            false
        }
    });
    let (site, jobs, names) = compiler.finish();

    let holds = Holds::new(snapshot);
    let held: Vec<Vec<String>> = known.iter().map(|(lpar, ..)| holds.of(lpar)).collect();
    let candidates: Vec<Candidate<'_>> = known
        .iter()
        .zip(&held)
        .map(|((lpar, class, forecast), held)| {
            let memory = lpar.shape.map_or(u64::from(u32::MAX), |shape| shape.memory.0);
            let cost = memory.saturating_mul(forecast.long.0);
            Candidate { lpar, class: *class, cost, is_held: !held.is_empty() }
        })
        .collect();
    let waves = assign(file, &candidates);
    let mut rows = Vec::with_capacity(known.len());
    let mut kept = Vec::with_capacity(known.len());
    let placed = known.into_iter().zip(waves).zip(held).zip(jobs);
    for ((((lpar, class, forecast), wave), held), job) in placed {
        let wave = moved.filter(|(name, _)| **name == lpar.name).map(|(_, wave)| wave).or(wave);
        match wave {
            Some(wave) => {
                kept.push(job);
                rows.push(Row {
                    lpar,
                    class,
                    forecast,
                    wave,
                    approval: approvals.get(&lpar.name).cloned(),
                    held,
                    fingerprint: fingerprint(lpar),
                });
            }
            None => excluded.push(left_out(lpar.name.as_str(), &Why::NoWave)),
        }
    }
    excluded.sort_by(|a, b| a.name.cmp(&b.name));
    Prepared { site, jobs: kept, names, rows, excluded, classes: classes.names }
}

/// What is known of an LPAR and decides about its update. What changes by itself is not part of it, nor what is asked for: an id, and
/// whether it gives up processors, down to which least.
fn fingerprint(lpar: &Lpar) -> Digest {
    let mut still =
        Lpar { estimate: Estimate::default(), held: Vec::new(), wanted_id: None, ..lpar.clone() };
    if let Some(shape) = &mut still.shape {
        (shape.min_processors, shape.cpu_reduction) = (shape.processors, CpuReduction::No);
    }
    json(Digest::ZERO, &still)
}

/// The digest of what comes after `before`.
fn json(before: Digest, value: &impl Serialize) -> Digest {
    // Types of this crate and of shared, none of which fails or has a key that is no text.
    before.chain(&serde_json::to_vec(value).unwrap_or_default())
}

/// Takes out who is above the budget; or says, by name, why somebody has to approve.
fn budget<'a>(
    file: &Rollout,
    known: &mut Vec<(&'a Lpar, u32, Forecast)>,
    excluded: &mut Vec<Excluded>,
) -> HashMap<&'a ObjectName, String> {
    let mut above: HashMap<&'a ObjectName, Why> = HashMap::new();
    if let Some(budget) = file.blackout.per_lpar {
        let budget = Seconds(budget.get().into());
        for (lpar, _, forecast) in known.iter() {
            let why = match forecast.blackout {
                Some(predicted) if predicted > budget => Why::Blackout { predicted, budget },
                Some(_) => continue,
                None => Why::BlackoutUnknown,
            };
            above.insert(&lpar.name, why);
        }
    }
    if let Some(service) = &file.blackout.per_service {
        let mut services: BTreeMap<&str, Vec<(Option<Seconds>, &'a ObjectName)>> = BTreeMap::new();
        for (lpar, _, forecast) in known.iter() {
            if let Some(name) = lpar.labels.get(&service.label) {
                services.entry(name).or_default().push((forecast.blackout, &lpar.name));
            }
        }
        for (name, mut lpars) in services {
            let Some(budget) = service.of.get(name).copied().or(service.budget) else { continue };
            let budget = Seconds(budget.get().into());
            // The short ones first: so most of them fit.
            lpars.sort_unstable();
            let mut sum = Seconds(0);
            for (blackout, lpar) in lpars {
                let why = match blackout {
                    None => Why::BlackoutUnknown,
                    Some(blackout) if sum + blackout > budget => {
                        Why::Service { service: name.to_owned(), predicted: sum + blackout, budget }
                    }
                    Some(blackout) => {
                        sum = sum + blackout;
                        continue;
                    }
                };
                above.entry(lpar).or_insert(why);
            }
        }
    }
    match file.blackout.above {
        Above::Approval => above.into_iter().map(|(name, why)| (name, why.to_string())).collect(),
        Above::Refuse => {
            known.retain(|(lpar, ..)| match above.remove(&lpar.name) {
                None => true,
                Some(why) => {
                    excluded.push(left_out(lpar.name.as_str(), &why));
                    false
                }
            });
            HashMap::new()
        }
    }
}

/// What holds LPARs back.
struct Holds<'a> {
    maintenance: HashMap<&'a ObjectName, &'a str>,
    frames: HashMap<&'a ObjectName, &'a crate::facts::Frame>,
}

impl<'a> Holds<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let maintenance = snapshot.maintenance.iter();
        Self {
            maintenance: maintenance.map(|one| (&one.on, one.reason.as_str())).collect(),
            frames: snapshot.frames.iter().map(|frame| (&frame.name, frame)).collect(),
        }
    }

    fn of(&self, lpar: &Lpar) -> Vec<String> {
        let mut reasons = lpar.held.clone();
        let frame = lpar.frame.as_ref().and_then(|name| self.frames.get(name));
        // Source: the HMC reference, §2.2: in every other state there is no LPAR work.
        if let Some(state) = frame.and_then(|frame| frame.state.as_ref())
            && state != "Operating"
        {
            let name = lpar.frame.as_ref().map_or("", ObjectName::as_str);
            reasons.push(format!("{name} is {}", nim_shared::id::printable(state)));
        }
        let hmc = frame.and_then(|frame| frame.hmc.as_ref());
        for place in lpar.frame.iter().chain(hmc).chain(&lpar.vioses) {
            if let Some(reason) = self.maintenance.get(place) {
                let reason = nim_shared::id::printable(reason);
                reasons.push(format!("maintenance of {place}: {reason}"));
            }
        }
        reasons
    }
}

/// What is so of an LPAR at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// The LPAR.
    pub lpar: ObjectName,
    /// Its frame.
    pub frame: Option<ObjectName>,
    /// What is known of it, in one number.
    pub fingerprint: Digest,
    /// What holds it back.
    pub held: Vec<String>,
}

/// What is so of the LPARs that `file` means at the moment, and who is none of them any more. How much is free is not looked at: a rollout
/// that runs takes of it.
#[must_use]
pub fn present(file: &Rollout, snapshot: &Snapshot) -> (Vec<Present>, Vec<Excluded>) {
    let choice = choose(file, snapshot);
    let holds = Holds::new(snapshot);
    let present = choice.chosen.iter().map(|at| {
        let lpar = &snapshot.lpars[*at];
        Present {
            lpar: lpar.name.clone(),
            frame: lpar.frame.clone(),
            fingerprint: fingerprint(lpar),
            held: holds.of(lpar),
        }
    });
    (present.collect(), choice.excluded)
}

/// Makes the plan.
#[must_use]
pub fn make(input: &Input<'_>) -> Plan {
    let (mut plan, late) = made(input, None);
    if !late.is_empty() {
        late::propose(input, &mut plan, &late);
    }
    plan
}

/// The plan without what would help those who are late, and these.
pub(super) fn made(input: &Input<'_>, moved: Moved<'_>) -> (Plan, Vec<Late>) {
    let Input { file, snapshot, begin, .. } = *input;
    let mut prepared = prepared(input, moved);
    let count = file.waves.len().max(1);
    let horizon = file.deadlines.whole.get();
    let time = |tick: Tick| begin.plus(Duration::from_secs(tick.into()));
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); count];
    let mut free: Vec<Vec<u32>> = vec![Vec::new(); count];
    for (at, row) in (0..).zip(&prepared.rows) {
        members[row.wave].push(at);
        if row.held.is_empty() {
            free[row.wave].push(at);
        }
    }
    let mut starts: Vec<Option<(Tick, Tick)>> = vec![None; prepared.rows.len()];
    let mut waits: Vec<Option<Waiting>> = vec![None; prepared.rows.len()];
    let mut waves = Vec::with_capacity(count);
    // When the wave begins: at last, usually, and at best.
    let (mut next, mut usual_next, mut best_next): (Tick, Tick, Tick) = (0, 0, 0);
    let (mut end, mut usual_end, mut bound) = (0, 0, 0);
    for (number, chosen) in free.iter().enumerate() {
        let (site, jobs) = (&prepared.site, &prepared.jobs);
        let members = &members[number];
        let seed = file.seed.wrapping_add(u64::try_from(number).unwrap_or_default());
        let packed = pack(site, jobs, chosen, next, seed);
        let usual = usually(site, jobs, chosen, &packed, usual_next);
        for &at in chosen {
            let at = at as usize;
            let begins = packed.starts[at];
            starts[at] = begins.map(|begins| (begins, begins.saturating_add(jobs[at].usual)));
            waits[at] = packed.waits[at];
        }
        // Who does not come to its turn takes no time.
        let placed = chosen.iter().copied().filter(|at| packed.starts[*at as usize].is_some());
        let placed: Vec<u32> = placed.collect();
        let best = lower_bound(site, jobs, &placed, best_next);
        let wave = file.waves.get(number);
        let soak = wave.and_then(|wave| wave.soak).map_or(0, crate::file::Span::get);
        let stop = numbers(&file.stop.wave, members.len());
        let in_flight = most_at_a_time(jobs, chosen, &packed);
        let planned = placed.len();
        waves.push(PlannedWave {
            name: wave.map_or_else(all, |wave| wave.name.clone()),
            members: members.len(),
            begin: time(next),
            usual_end: time(usual.end),
            end: time(packed.end),
            bound: time(lower_bound(site, jobs, &placed, next)),
            soak: Seconds(soak.into()),
            approval: wave.map_or(Approval::No, |wave| wave.approval),
            healthy: wave.and_then(|wave| Some(wave.healthy?.of(members.len()))),
            in_flight,
            // Who is held back comes when he may.
            worst_failed: worst_failed(stop, site, jobs, members),
            stop,
        });
        // Of a wave in which nobody is, nothing is to be watched.
        if planned > 0 {
            (end, usual_end, bound) = (packed.end, usual.end, best);
            next = end.saturating_add(soak).max(far(site, &packed)).min(horizon);
            usual_next = usual_end.saturating_add(soak).max(far(site, &usual)).min(horizon);
            best_next = bound.saturating_add(soak).min(horizon);
        }
    }
    let (mut targets, mut held, mut late) = (Vec::new(), Vec::new(), Vec::new());
    for (at, row) in prepared.rows.iter().enumerate() {
        let lpar = row.lpar.name.clone();
        let (wave, fingerprint) = (row.wave, row.fingerprint);
        if !row.held.is_empty() {
            held.push(Held { lpar, wave, reasons: row.held.clone(), fingerprint });
            continue;
        }
        let Some((begins, usual)) = starts[at] else {
            prepared.excluded.push(left_out(lpar.as_str(), &Why::NoTime));
            late.push(Late { lpar, wave, long: row.forecast.long });
            continue;
        };
        targets.push(Planned {
            lpar,
            wave,
            frame: row.lpar.frame.clone(),
            class: row.class,
            begin: time(begins),
            usual_end: time(usual),
            end: time(begins.saturating_add(prepared.jobs[at].long)),
            blackout: row.forecast.blackout,
            basis: row.forecast.basis,
            waits_for: waits[at].map(|waiting| said(&prepared, waiting)),
            approval: row.approval.clone(),
            fingerprint,
        });
    }
    targets.sort_by(|a, b| (a.wave, a.begin, &a.lpar).cmp(&(b.wave, b.begin, &b.lpar)));
    let stop = numbers(&file.stop.whole, targets.len() + held.len());
    let worst_failed = worst_failed(stop, &prepared.site, &prepared.jobs, &members.concat());
    let plan = Plan {
        name: file.name.clone(),
        fingerprint: whole_fingerprint(input, &prepared, snapshot),
        seed: file.seed,
        begin,
        usual_end: time(usual_end),
        end: time(end),
        bound: time(bound),
        waves,
        targets,
        held,
        excluded: prepared.excluded,
        classes: prepared.classes,
        stop,
        worst_failed,
    };
    (plan, late)
}

/// All facts that were used, in one number.
fn whole_fingerprint(input: &Input<'_>, prepared: &Prepared<'_>, snapshot: &Snapshot) -> Digest {
    let mut digest = json(Digest::ZERO, input.file);
    digest = json(digest, &(input.begin, snapshot.allowed, &snapshot.maintenance));
    digest = json(digest, &snapshot.frames);
    for row in &prepared.rows {
        digest = digest.chain(&row.fingerprint.0);
        let reduction = row.lpar.shape.map(|shape| (shape.min_processors, shape.cpu_reduction));
        digest = json(digest, &(row.wave, row.forecast, &row.held, row.lpar.wanted_id, reduction));
    }
    json(digest, &prepared.excluded)
}

/// The same order with usual times.
fn usually(site: &Site, jobs: &[Job], chosen: &[u32], packed: &Schedule, begin: Tick) -> Schedule {
    let mut queues: Vec<Vec<u32>> = vec![Vec::new(); site.frames as usize];
    let placed = chosen.iter().filter(|at| packed.starts[**at as usize].is_some());
    placed.for_each(|at| queues[jobs[*at as usize].frame as usize].push(*at));
    queues.iter_mut().for_each(|queue| queue.sort_by_key(|at| packed.starts[*at as usize]));
    simulate(site, jobs, &queues, begin, Length::Usual, None)
}

/// When every distance to the last start is kept: the next wave knows nothing of this one's.
fn far(site: &Site, schedule: &Schedule) -> Tick {
    let last = schedule.starts.iter().flatten().max().copied().unwrap_or(0);
    last.saturating_add(site.gaps.iter().map(|gap| gap.least).max().unwrap_or(0))
}

/// How many run at a time at most.
fn most_at_a_time(jobs: &[Job], chosen: &[u32], packed: &Schedule) -> usize {
    let mut steps: Vec<(Tick, i8)> = Vec::with_capacity(2 * chosen.len());
    for &at in chosen {
        if let Some(begins) = packed.starts[at as usize] {
            steps.push((begins, 1));
            steps.push((begins.saturating_add(jobs[at as usize].long), -1));
        }
    }
    // At the same time those that end come first.
    steps.sort_unstable();
    let (mut now, mut most) = (0_isize, 0);
    for (_, step) in steps {
        now += isize::from(step);
        most = now.max(most);
    }
    usize::try_from(most).unwrap_or(0)
}

fn said(prepared: &Prepared<'_>, waiting: Waiting) -> String {
    match waiting {
        Waiting::Resource(at) => prepared.names.say(prepared.site.resources[at as usize].what),
        Waiting::Gap(at) => {
            let gap = &prepared.site.gaps[at as usize];
            let place = prepared.names.say(gap.what);
            format!("{} s between starts {}", gap.least, place.trim_start_matches("a place "))
        }
        Waiting::Calendar => "a window that is long enough".to_owned(),
        Waiting::Turn => "its turn on the frame".to_owned(),
    }
}

/// The name of the wave where the file has none.
fn all() -> ObjectName {
    "all".parse().expect("three letters are a name")
}
