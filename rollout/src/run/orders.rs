//! What a run has to keep to: all of it was in the plan that was approved.

use std::collections::HashMap;

use nim_shared::id::{Digest, ObjectName};
use serde::{Deserialize, Serialize};

use crate::file::{Approval, Deadlines, KeepPlace, Retry};
use crate::plan::{Input, Plan, StopNumbers, prepare};
use crate::site::{Job, Site, Tick};

use super::{Known, RELEASE, State, TargetNumber, known};

/// What a run has to keep to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// The plan, in one number.
    pub fingerprint: Digest,
    /// Peer uid of who asked for it.
    pub requester: u32,
    /// Who is updated, in the order in which they are to start.
    pub targets: Vec<Target>,
    /// The waves.
    pub waves: Vec<WaveOrders>,
    /// How many stop the whole.
    pub stop: StopNumbers,
    /// Whether one that failed keeps its place.
    pub failed_keep_place: KeepPlace,
    /// What is tried again.
    pub retry: Retry,
    /// How long something may take.
    pub deadlines: Deadlines,
    /// What is shared out.
    pub site: Site,
}

/// A target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The LPAR.
    pub lpar: ObjectName,
    /// Its wave.
    pub wave: usize,
    /// What it takes while it runs.
    pub job: Job,
    /// What somebody has to approve of it.
    pub asks: Option<String>,
    /// What held it back when it was planned.
    pub held: Option<String>,
    /// What was known of it, in one number.
    pub fingerprint: Digest,
    /// The same as people read it; nothing where an older nimd has planned it.
    #[serde(default, skip_serializing_if = "Known::is_empty")]
    pub known: Known,
    /// The partition id that it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted_id: Option<u32>,
}

/// A wave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveOrders {
    /// Whether somebody has to approve before it begins.
    pub approval: Approval,
    /// How long is waited after it.
    pub soak: Tick,
    /// How many of it have to be updated before the next begins.
    pub healthy: usize,
    /// How many stop it.
    pub stop: StopNumbers,
}

impl Orders {
    /// Of a plan that was made from `input`, asked for by `requester`.
    #[must_use]
    pub fn new(input: &Input<'_>, plan: &Plan, requester: u32) -> Self {
        let Input { file, .. } = *input;
        let prepared = prepare(input);
        let turns: HashMap<&ObjectName, usize> =
            plan.targets.iter().enumerate().map(|(at, one)| (&one.lpar, at)).collect();
        // Who is held back has no turn: it comes when it may, after the others of its wave.
        let turn = |lpar: &ObjectName| turns.get(lpar).copied().unwrap_or(usize::MAX);
        let mut targets: Vec<(usize, Target)> = Vec::with_capacity(prepared.rows.len());
        for (row, job) in prepared.rows.iter().zip(&prepared.jobs) {
            // Who has no place in the plan was not approved.
            if row.held.is_empty() && !turns.contains_key(&row.lpar.name) {
                continue;
            }
            let held = (!row.held.is_empty()).then(|| row.held.join("; "));
            let target = Target {
                lpar: row.lpar.name.clone(),
                wave: row.wave,
                job: job.clone(),
                asks: row.approval.clone(),
                held,
                fingerprint: row.fingerprint,
                known: known(row.lpar),
                wanted_id: row.lpar.wanted_id,
            };
            targets.push((turn(&row.lpar.name), target));
        }
        targets.sort_by(|a, b| (a.1.wave, a.0, &a.1.lpar).cmp(&(b.1.wave, b.0, &b.1.lpar)));
        Self {
            fingerprint: plan.fingerprint,
            requester,
            targets: targets.into_iter().map(|(_, target)| target).collect(),
            waves: waves(plan),
            stop: plan.stop,
            failed_keep_place: file.stop.failed_keep_place,
            retry: file.retry,
            deadlines: file.deadlines,
            site: prepared.site,
        }
    }

    /// What stands for what is asked of `targets`: the plan, and with those that are other than they were planned what they are now. Who has
    /// seen another one has seen other LPARs.
    #[must_use]
    pub fn asked(&self, state: &State, targets: &[TargetNumber]) -> Digest {
        let mut targets = targets.to_vec();
        targets.sort_unstable();
        targets.dedup();
        let asking = targets.iter().filter_map(|at| state.targets.get(*at as usize));
        let drifted = asking.filter(|one| one.asks.is_some()).filter_map(|one| one.drifted);
        drifted.fold(self.fingerprint, |digest, to| digest.chain(&to.0))
    }

    /// Whether a target whose update was taken at `taken`, and has `waited` seconds for capacity since, is carried past the end of its
    /// window by that.
    pub(super) fn is_too_late(&self, target: TargetNumber, taken: Tick, waited: Tick) -> bool {
        let job = &self.targets[target as usize].job;
        let last = self.site.calendars[job.calendar as usize].last_start(taken, job.long);
        // Until the memory of the one before it is shown as free is part of what was predicted.
        waited > last.map_or(0, |last| last - taken).max(RELEASE)
    }
}

fn waves(plan: &Plan) -> Vec<WaveOrders> {
    let one = |wave: &crate::plan::PlannedWave| WaveOrders {
        approval: wave.approval,
        soak: Tick::try_from(wave.soak.0).unwrap_or(Tick::MAX),
        healthy: wave.healthy.unwrap_or(0),
        stop: wave.stop,
    };
    plan.waves.iter().map(one).collect()
}
