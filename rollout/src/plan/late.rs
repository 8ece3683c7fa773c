//! What would bring LPARs to their turn for which there is no time: a larger limit, a longer or another window, an earlier wave. Each is tried by a whole
//! plan before it is said. Where it costs somebody else his turn it is no help, and not said.

use std::collections::BTreeSet;

use nim_shared::id::ObjectName;
use nim_shared::unit::Seconds;

use crate::file::Rollout;

use super::make::made;
use super::propose::opened;
use super::{Input, Plan, Proposal, WhatIf};

/// Somebody for whom there is no time.
pub(super) struct Late {
    /// The LPAR.
    pub(super) lpar: ObjectName,
    /// The number of its wave.
    pub(super) wave: usize,
    /// How long it may take.
    pub(super) long: Seconds,
}

/// Another wave for an LPAR than its file gives it.
pub(super) type Moved<'a> = Option<(&'a ObjectName, usize)>;

/// What brings those who are `late` in `plan` to their turn, said with each of them.
pub(super) fn propose(input: &Input<'_>, plan: &mut Plan, late: &[Late]) {
    let mut trials = Trials::new(input, plan);
    let mut found: Vec<(&ObjectName, Proposal)> = Vec::new();
    let file = input.file;
    for change in WhatIf::of_twice(file) {
        let planned = trials.planned(&change.applied(file), None);
        let helped = late.iter().filter(|one| planned.contains(&one.lpar));
        found.extend(helped.map(|one| (&one.lpar, Proposal::Limit(change.clone()))));
    }
    let longest = late.iter().map(|one| one.long).max().unwrap_or_default();
    for (at, window) in file.windows.iter().enumerate() {
        let minutes = window.from.minutes_to(window.to) + longest.0.div_ceil(60);
        let Some(to) = window.from.plus_minutes(minutes) else { continue };
        let mut longer = file.clone();
        longer.windows[at].to = to;
        let planned = trials.planned(&longer, None);
        let helped = late.iter().filter(|one| planned.contains(&one.lpar));
        let proposal =
            || Proposal::LaterEnd { name: window.name.to_string(), from: window.from, to };
        found.extend(helped.map(|one| (&one.lpar, proposal())));
    }
    for one in late {
        // A canary goes first to be watched, and not to have more time.
        let others = file.waves.iter().enumerate().take(one.wave).rev();
        let wave = others
            .filter(|(_, wave)| wave.canary.is_none())
            .find(|(at, _)| trials.planned(file, Some((&one.lpar, *at))).contains(&one.lpar));
        found.extend(wave.map(|(_, wave)| (&one.lpar, Proposal::Wave(wave.name.to_string()))));
        let Some(lpar) = input.snapshot.lpars.iter().find(|lpar| lpar.name == one.lpar) else {
            continue;
        };
        for (name, file) in opened(file, lpar) {
            if trials.planned(&file, None).contains(&one.lpar) {
                found.push((&one.lpar, Proposal::TurnInWindow(name)));
            }
        }
    }
    for (lpar, proposal) in found {
        if let Some(one) = plan.excluded.iter_mut().find(|one| one.name == lpar.as_str()) {
            one.proposals.push(proposal.to_string());
        }
    }
}

/// Plans that are made again, with a change.
struct Trials<'a> {
    input: &'a Input<'a>,
    /// Who has his turn without a change.
    before: BTreeSet<ObjectName>,
    left: usize,
}

impl<'a> Trials<'a> {
    fn new(input: &'a Input<'a>, plan: &Plan) -> Self {
        let before: BTreeSet<ObjectName> =
            plan.targets.iter().map(|one| one.lpar.clone()).collect();
        let left = (EFFORT / (before.len() + 1)).min(MOST);
        Self { input, before, left }
    }

    /// Who has his turn with these changes; nobody where one of those before has none, or too much was tried.
    fn planned(&mut self, file: &Rollout, moved: Moved<'_>) -> BTreeSet<ObjectName> {
        if self.left == 0 {
            return BTreeSet::new();
        }
        self.left -= 1;
        let (plan, _) = made(&Input { file, ..*self.input }, moved);
        let now: BTreeSet<ObjectName> = plan.targets.into_iter().map(|one| one.lpar).collect();
        if self.before.is_subset(&now) { now } else { BTreeSet::new() }
    }
}

/// LPARs that may be planned again, together: a large plan is made once.
const EFFORT: usize = 4000;

/// Most plans.
const MOST: usize = 8;
