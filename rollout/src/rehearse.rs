//! Rehearsals: a plan is run again and again, with times and faults drawn by chance, by the very decisions that a real run takes.
//!
//! What happens around a run is a [`World`]: [`play()`] asks it what the run is told next, and tells it what was decided. In a rehearsal the
//! world is drawn; where a run of the past is looked at again it is what that run was told, step by step ([`replay()`]). Both feed the one
//! decision function that nimd feeds. Why there is a second way, in the lab:
//! `docs/decisions/0020-a-rehearsal-is-the-decision-fed-with-chance.md`.

mod fault;
mod lab;
mod past;
mod play;
mod replay;
mod tally;
mod world;

#[cfg(test)]
mod tests;

use nim_shared::api::{Basis, RolloutRehearsed};
use nim_shared::id::ObjectName;

use crate::class::classes;
use crate::plan::{Input, Plan, prepare};
use crate::predict::{Expected, Experience};
use crate::run::{Orders, State, Step};
use crate::seed::Seeded;

pub use fault::{BadFault, Cause, Named, Where};
pub use lab::{ForLab, Installs, Played, WAVE, for_lab};
pub use past::{Came, PastRun};
pub use play::{Ended, World, play};
pub use replay::{Differs, replay};

use past::Odds;
use tally::Tally;
use world::Drawn;

/// What is rehearsed.
#[derive(Clone, Copy, Debug)]
pub struct Rehearsal<'a> {
    /// What the plan was made from.
    pub input: Input<'a>,
    /// The plan.
    pub plan: &'a Plan,
    /// What a run of it keeps to.
    pub orders: &'a Orders,
    /// How earlier updates came out, the good and the bad.
    pub past: &'a [PastRun],
    /// Faults beside those.
    pub faults: &'a [Named],
    /// How often it is run; `None` for as often as is quick.
    pub runs: Option<u32>,
    /// Seed of what is drawn.
    pub seed: u64,
}

/// What is known of a target beside its orders.
#[derive(Debug)]
struct Known<'a> {
    lpar: &'a ObjectName,
    class: u32,
    expected: Expected<'a>,
}

/// Rehearses. The same rehearsal has the same answer; before each run but the first `go_on` is asked whether there is time for it, and a
/// shorter answer is that of so many runs.
///
/// # Errors
/// [`BadFault::NoTarget`] when a fault is for an LPAR that the plan does not update.
pub fn rehearse(
    of: &Rehearsal<'_>,
    mut go_on: impl FnMut() -> bool,
) -> Result<RolloutRehearsed, BadFault> {
    let Rehearsal { input, plan, orders, past, faults, seed, .. } = *of;
    let faults = fault::placed(faults, orders)?;
    let prepared = prepare(&input);
    let (names, class_of) = classes(input.snapshot);
    let experience = Experience::new(input.history, &class_of);
    let odds = Odds::new(past, &class_of);
    let known: Vec<Known<'_>> = orders
        .targets
        .iter()
        .filter_map(|target| {
            let at = prepared.rows.binary_search_by(|row| row.lpar.name.cmp(&target.lpar)).ok()?;
            let row = &prepared.rows[at];
            let expected = experience.expected(row.lpar, row.class, &input.file.assume);
            Some(Known { lpar: &row.lpar.name, class: row.class, expected })
        })
        .collect();
    let asked = of.runs.unwrap_or_else(|| usual_runs(orders.targets.len())).max(1);
    let mut tally = Tally::new(orders, plan);
    for run in 0..asked {
        if run > 0 && !go_on() {
            break;
        }
        // Each run has a seed of its own, so that it comes out the same however many there are.
        let seed = Seeded::new(seed ^ (u64::from(run) << 32)).next();
        let mut world = Drawn::new(orders, &known, &odds, &faults, Seeded::new(seed));
        let ended = play(orders, State::planned(orders), &mut world);
        tally.add(&ended, &world);
    }
    let mut rehearsed = tally.finish(seed, asked);
    rehearsed.history = odds.shown(&known, &names.names);
    rehearsed.notes = notes(&known, orders, &odds);
    Ok(rehearsed)
}

/// How often a rollout of so many LPARs is run where nobody says: a run of many takes long.
fn usual_runs(targets: usize) -> u32 {
    let targets = u64::try_from(targets).unwrap_or(u64::MAX).max(1);
    let quick = WORK / targets.saturating_mul(targets);
    u32::try_from(quick).unwrap_or(u32::MAX).clamp(LEAST_RUNS, MOST_RUNS)
}

/// A run of twice as many takes four times as long.
const WORK: u64 = 200_000_000;

/// Runs at least, and at most, where nobody says.
const LEAST_RUNS: u32 = 20;
const MOST_RUNS: u32 = 400;

/// What was taken for granted.
fn notes(known: &[Known<'_>], orders: &Orders, odds: &Odds<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if !odds.is_enough() {
        notes.push(match odds.updates() {
            0 => "no earlier update is on record: no fault was drawn from the past".to_owned(),
            few => format!(
                "only {few} earlier updates are on record, and {} are needed for a rate: no fault was drawn from the past",
                past::ENOUGH
            ),
        });
    }
    let assumed = |basis: Basis| known.iter().filter(|one| one.expected.basis == basis).count();
    let guesses = [
        (Basis::Assumed, "assumed by the file"),
        (Basis::Estimate, "estimated by a preview, and too few ends were seen to correct that"),
    ];
    for (basis, how) in guesses {
        let many = assumed(basis);
        if many > 0 {
            notes.push(format!("how long it takes is {how} for {many} of the LPARs"));
        }
    }
    let count =
        |is: fn(&crate::run::Target) -> bool| orders.targets.iter().filter(|one| is(one)).count();
    let held = count(|one| one.held.is_some());
    if held > 0 {
        notes.push(format!("what holds back {held} of the LPARs now was taken as over"));
    }
    let asks = count(|one| one.asks.is_some());
    let waves = orders.waves.iter().filter(|one| one.approval == crate::file::Approval::Yes);
    let waves = waves.count();
    if asks + waves > 0 {
        notes.push(format!(
            "whoever has to approve was taken to do so at once: {waves} waves and {asks} single LPARs"
        ));
    }
    notes
}

/// The first step of every run.
fn begin(orders: &Orders) -> Step {
    use crate::run::Event;
    let start = Event::Start { by: orders.requester, fingerprint: orders.fingerprint };
    let held = (0..).zip(&orders.targets).filter(|(_, one)| one.held.is_some());
    let free = held.map(|(target, _)| Event::Looked { target, held: None });
    Step::looked(std::iter::once(start).chain(free).collect(), 0)
}
