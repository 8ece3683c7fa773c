//! What all runs of a rehearsal came to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nim_shared::api::{
    RehearsedBlackout, RehearsedFailure, RehearsedFault, RehearsedLate, RehearsedLeftOut,
    RehearsedStop, RehearsedTimes, RehearsedTimesOf, RolloutRehearsed,
};
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;

use crate::plan::Plan;
use crate::predict::rank;
use crate::run::{End, Is, Orders, Phase, State, TargetNumber};
use crate::site::Tick;

use super::fault::Cause;
use super::play::Ended;
use super::world::{Drawn, Stop, Update};

/// What runs came to so far.
pub(super) struct Tally<'r> {
    orders: &'r Orders,
    plan: &'r Plan,
    runs: u32,
    all_updated: u32,
    ends: Vec<u64>,
    stops: BTreeMap<Stop, Stops>,
    /// By state and code, with what it is in a few words.
    failures: BTreeMap<(&'static str, Option<String>), (String, Often)>,
    first_run: Vec<RehearsedFault>,
    left_out: BTreeMap<(&'static str, String), Often>,
    late: Often,
    longest_late: Tick,
    /// Seconds of all workloads of a run together.
    blackouts: Vec<u64>,
    longest: Option<(Seconds, TargetNumber)>,
    unknown: usize,
}

/// Runs that were stopped by the same.
#[derive(Default)]
struct Stops {
    at: Vec<u64>,
    updated: Vec<u64>,
    waiting: Vec<u64>,
}

/// In how many runs something was, how often at most in one, and with whom.
#[derive(Default)]
struct Often {
    runs: u32,
    most: usize,
    with: BTreeMap<TargetNumber, u64>,
}

impl Often {
    /// In one run more.
    fn add(&mut self, with: &[TargetNumber]) {
        if with.is_empty() {
            return;
        }
        self.runs += 1;
        self.most = self.most.max(with.len());
        with.iter().for_each(|one| *self.with.entry(*one).or_default() += 1);
    }
}

impl<'r> Tally<'r> {
    pub(super) fn new(orders: &'r Orders, plan: &'r Plan) -> Self {
        Self {
            orders,
            plan,
            runs: 0,
            all_updated: 0,
            ends: Vec::new(),
            stops: BTreeMap::new(),
            failures: BTreeMap::new(),
            first_run: Vec::new(),
            left_out: BTreeMap::new(),
            late: Often::default(),
            longest_late: 0,
            blackouts: Vec::new(),
            longest: None,
            unknown: 0,
        }
    }

    /// Adds a run.
    pub(super) fn add(&mut self, ended: &Ended, world: &Drawn<'_>) {
        let state = &ended.state;
        if self.runs == 0 {
            self.first_run = self.faults(&world.updates);
        }
        self.runs += 1;
        let updated =
            count(state, |is| matches!(is, Is::Ended { end: End::Updated | End::Unchanged, .. }));
        self.all_updated += u32::from(updated == state.targets.len());
        if state.phase == Phase::Ended {
            self.ends.push(ended.at.into());
        } else if let Some((at, stop)) = &world.stopped {
            let waiting = count(state, |is| matches!(is, Is::Waiting { .. }));
            let stops = self.stops.entry(stop.clone()).or_default();
            stops.at.push((*at).into());
            stops.updated.push(number(updated));
            stops.waiting.push(number(waiting));
        }
        self.add_failures(state, &world.updates);
        self.add_left_out(state);
        self.add_late(&world.updates);
        self.add_blackouts(&world.updates);
    }

    /// What went wrong with whom, of each LPAR the first.
    fn faults(&self, updates: &[Update<'_>]) -> Vec<RehearsedFault> {
        let mut seen = BTreeSet::new();
        let faults = updates.iter().filter_map(|one| Some((one.target, one.cause?)));
        faults
            .filter(|(target, _)| seen.insert(*target))
            .map(|(target, cause)| RehearsedFault {
                lpar: self.orders.targets[target as usize].lpar.clone(),
                state: cause.state().to_owned(),
                code: cause.code().map(str::to_owned),
            })
            .collect()
    }

    fn add_failures(&mut self, state: &State, updates: &[Update<'_>]) {
        let late = Cause::Stuck { code: None };
        let mut causes: Vec<(&Cause, Vec<TargetNumber>)> = Vec::new();
        let mut add =
            |cause, target| match causes.iter_mut().find(|(one, _)| Cause::is_as(one, cause)) {
                Some((_, with)) => with.push(target),
                None => causes.push((cause, vec![target])),
            };
        let mut last: BTreeMap<TargetNumber, Option<&Cause>> = BTreeMap::new();
        for update in updates {
            last.insert(update.target, update.cause);
            if let Some(cause) = update.cause {
                add(cause, update.target);
            }
        }
        // Nothing went wrong with it but that it took longer than it may.
        for (target, _) in last.into_iter().filter(|(_, cause)| cause.is_none()) {
            if matches!(state.targets[target as usize].is.end(), Some(End::Stuck)) {
                add(&late, target);
            }
        }
        for (cause, with) in causes {
            let key = (cause.state(), cause.code().map(str::to_owned));
            let (_, often) =
                self.failures.entry(key).or_insert_with(|| (cause.title(), Often::default()));
            often.add(&with);
        }
    }

    fn add_left_out(&mut self, state: &State) {
        let mut reasons: BTreeMap<(&'static str, &String), Vec<TargetNumber>> = BTreeMap::new();
        for (target, one) in (0..).zip(&state.targets) {
            let reason = match one.is.end() {
                Some(End::Skipped { why }) => ("skipped", why),
                Some(End::NotStarted { why }) => ("not_started", why),
                _ => continue,
            };
            reasons.entry(reason).or_default().push(target);
        }
        for ((state, why), with) in reasons {
            self.left_out.entry((state, why.clone())).or_default().add(&with);
        }
    }

    /// Who was still at work when the window of its start had ended.
    fn add_late(&mut self, updates: &[Update<'_>]) {
        let mut with = Vec::new();
        for update in updates.iter().filter(|one| one.cause != Some(&Cause::Unreachable)) {
            let calendar = self.orders.targets[update.target as usize].job.calendar;
            let spans = &self.orders.site.calendars[calendar as usize].0;
            let open = spans.iter().find(|(from, to)| (*from..*to).contains(&update.start));
            let Some((over, (_, to))) = update.over.zip(open) else { continue };
            if over > *to {
                with.push(update.target);
                self.longest_late = self.longest_late.max(over - to);
            }
        }
        self.late.add(&with);
    }

    fn add_blackouts(&mut self, updates: &[Update<'_>]) {
        let known = || updates.iter().filter_map(|one| Some((one.blackout?, one.target)));
        let longest = known().max_by_key(|(blackout, _)| *blackout);
        if longest.map(|one| one.0) > self.longest.map(|one| one.0) {
            self.longest = longest;
        }
        self.blackouts.push(known().map(|(blackout, _)| blackout.0).sum());
        let is_unknown = |one: &&Update<'_>| one.cause.is_none() && one.blackout.is_none();
        self.unknown = self.unknown.max(updates.iter().filter(is_unknown).count());
    }

    /// All of it. What it rests on is added by whoever knows it.
    pub(super) fn finish(mut self, seed: u64, asked: u32) -> RolloutRehearsed {
        let plan = self.plan;
        let end = self.times(&self.ends);
        let mut stops: Vec<RehearsedStop> = std::mem::take(&mut self.stops)
            .into_iter()
            .filter_map(|(stop, mut of)| {
                let median = |of: &mut Vec<u64>| {
                    of.sort_unstable();
                    usize::try_from(rank(of, 50)).unwrap_or(usize::MAX)
                };
                Some(RehearsedStop {
                    rule: self.words(&stop),
                    runs: u32::try_from(of.at.len()).unwrap_or(u32::MAX),
                    updated: median(&mut of.updated),
                    waiting: median(&mut of.waiting),
                    at: self.times(&of.at)?.1,
                })
            })
            .collect();
        stops.sort_by_key(|one| std::cmp::Reverse(one.runs));
        let mut failures: Vec<RehearsedFailure> = self
            .failures
            .iter()
            .map(|((state, code), (title, often))| {
                let (lpars, more) = self.most(often);
                RehearsedFailure {
                    state: (*state).to_owned(),
                    code: code.clone(),
                    title: title.clone(),
                    runs: often.runs,
                    times: often.with.values().sum(),
                    lpars,
                    more,
                }
            })
            .collect();
        failures.sort_by_key(|one| std::cmp::Reverse((one.runs, one.times)));
        let mut left_out: Vec<RehearsedLeftOut> = self
            .left_out
            .iter()
            .map(|((state, why), often)| {
                let (lpars, more) = self.most(often);
                RehearsedLeftOut {
                    state: (*state).to_owned(),
                    why: why.clone(),
                    runs: often.runs,
                    most: often.most,
                    lpars,
                    more,
                }
            })
            .collect();
        left_out.sort_by_key(|one| std::cmp::Reverse(one.runs));
        let past_window = (self.late.runs > 0).then(|| {
            let (lpars, more) = self.most(&self.late);
            RehearsedLate {
                runs: self.late.runs,
                most: self.late.most,
                longest: Seconds(self.longest_late.into()),
                lpars,
                more,
            }
        });
        RolloutRehearsed {
            name: plan.name.clone(),
            fingerprint: plan.fingerprint,
            begin: plan.begin,
            planned_usual_end: plan.usual_end,
            planned_end: plan.end,
            targets: self.orders.targets.len(),
            seed,
            runs: self.runs,
            runs_asked: asked,
            all_updated: self.all_updated,
            ended: end.map_or(0, |(runs, _)| runs),
            end: end.map(|(_, times)| times),
            stops,
            failures,
            first_run: self.first_run.clone(),
            left_out,
            past_window,
            blackout: self.blackout(),
            history: Vec::new(),
            notes: Vec::new(),
            plan_notes: Vec::new(),
        }
    }

    fn blackout(&mut self) -> Option<RehearsedBlackout> {
        let (longest, target) = self.longest?;
        let mut sums = std::mem::take(&mut self.blackouts);
        sums.sort_unstable();
        let part = |percent| Seconds(rank(&sums, percent));
        Some(RehearsedBlackout {
            p50: part(50),
            p95: part(95),
            worst: part(100),
            longest,
            longest_of: self.orders.targets[target as usize].lpar.clone(),
            unknown: self.unknown,
        })
    }

    /// Of how many runs, and when; `None` of none.
    fn times(&self, at: &[u64]) -> Option<(u32, RehearsedTimes)> {
        if at.is_empty() {
            return None;
        }
        let mut sorted = at.to_vec();
        sorted.sort_unstable();
        let time = |percent| -> Timestamp {
            self.plan.begin.plus(Duration::from_secs(rank(&sorted, percent)))
        };
        let times = RehearsedTimes { p5: time(5), p50: time(50), p95: time(95), worst: time(100) };
        Some((u32::try_from(at.len()).unwrap_or(u32::MAX), times))
    }

    /// With whom most often, and with how many more.
    fn most(&self, often: &Often) -> (Vec<RehearsedTimesOf>, usize) {
        let mut all: Vec<(TargetNumber, u64)> =
            often.with.iter().map(|(target, times)| (*target, *times)).collect();
        all.sort_by_key(|(target, times)| (std::cmp::Reverse(*times), *target));
        let of = |(target, times): &(TargetNumber, u64)| RehearsedTimesOf {
            lpar: self.orders.targets[*target as usize].lpar.clone(),
            times: *times,
        };
        (all.iter().take(NAMED).map(of).collect(), all.len().saturating_sub(NAMED))
    }

    fn words(&self, stop: &Stop) -> String {
        let wave = |at: usize| {
            self.plan.waves.get(at).map_or(self.plan.name.as_str(), |wave| wave.name.as_str())
        };
        match stop {
            Stop::Whole(rule) => format!("{rule} in the whole"),
            Stop::Wave(at, rule) => format!("{rule} in wave {}", wave(*at)),
            Stop::Promotion(at, healthy) => {
                format!("fewer than {healthy} updated in wave {}", wave(*at))
            }
        }
    }
}

/// How many LPARs are named for one thing.
const NAMED: usize = 10;

fn count(state: &State, is: impl Fn(&Is) -> bool) -> usize {
    state.targets.iter().filter(|one| is(&one.is)).count()
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
