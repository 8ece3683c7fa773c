//! Who is in which wave.

use std::collections::BTreeMap;

use crate::facts::Lpar;
use crate::file::{Canary, Rollout, Wave};
use crate::seed::Seeded;

/// Somebody to be put in a wave.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The LPAR.
    pub lpar: &'a Lpar,
    /// Number of its class.
    pub class: u32,
    /// Memory × time: what makes a canary cheap.
    pub cost: u64,
    /// Whether something holds it back for now: a canary that does not come keeps its wave, and all after it.
    pub is_held: bool,
}

/// The wave of each candidate, by its number; `None` where no wave takes it. Without waves all are in the first.
#[must_use]
pub fn assign(file: &Rollout, candidates: &[Candidate<'_>]) -> Vec<Option<usize>> {
    if file.waves.is_empty() {
        return vec![Some(0); candidates.len()];
    }
    let mut random = Seeded::new(file.seed ^ SALT);
    let mut waves: Vec<Option<usize>> = vec![None; candidates.len()];
    for (number, wave) in file.waves.iter().enumerate() {
        let fitting = (0..candidates.len())
            .filter(|at| waves[*at].is_none() && fits(wave, candidates[*at].lpar));
        let mut fitting: Vec<usize> = fitting.collect();
        match (wave.canary, wave.take) {
            (Some(Canary::OnePerClass), _) => {
                // Chance decides among those that cost the same.
                random.shuffle(&mut fitting);
                let price = |at: usize| (candidates[at].is_held, candidates[at].cost);
                let mut cheapest: BTreeMap<u32, usize> = BTreeMap::new();
                for at in fitting {
                    let best = cheapest.entry(candidates[at].class).or_insert(at);
                    if price(at) < price(*best) {
                        *best = at;
                    }
                }
                fitting = cheapest.into_values().collect();
            }
            (None, Some(take)) => {
                random.shuffle(&mut fitting);
                fitting.truncate(take.of(candidates.len()));
            }
            (None, None) => {}
        }
        fitting.into_iter().for_each(|at| waves[at] = Some(number));
    }
    waves
}

/// Chance in waves is not that of the scheduler.
const SALT: u64 = 0x7761_7665;

fn fits(wave: &Wave, lpar: &Lpar) -> bool {
    let on_frame = |frame: &str| wave.frames.iter().any(|pattern| pattern.matches(frame));
    wave.labels.as_ref().is_none_or(|labels| labels.0.matches(&lpar.labels))
        && (wave.frames.is_empty()
            || lpar.frame.as_ref().is_some_and(|frame| on_frame(frame.as_str())))
}
