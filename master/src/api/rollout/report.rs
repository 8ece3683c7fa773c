//! `GET /v1/rollouts/{name}/report`: what became of a rollout.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::State as Given;
use nim_rollout::run::Is;
use nim_shared::api::{FailureGroup, PlannedLpar, ReportedLpar, RolloutEvent, RolloutReport};
use nim_shared::code::{Knowledge, Meaning};
use nim_shared::id::{ObjectName, OperationId, printable};
use nim_shared::operation::{Report, StateName};
use nim_shared::unit::Seconds;

use super::outside::{self, both, lasts, said, seen};
use super::read_kept;
use super::run::{standing, summary, view};
use super::watch::event;
use crate::api::Api;
use crate::api::error::Answer;
use crate::api::extract::Named;
use crate::store::operation::Record;
use crate::store::rollout::Reports;

/// Of how many operations the times are read at a time.
const AT_A_TIME: usize = 10_000;

/// How many of the newest events are in it.
const EVENTS: u32 = 10_000;

/// `GET /v1/rollouts/{name}/report`
pub(in crate::api) async fn report(
    Given(api): Given<Api>,
    Named(name): Named<String>,
) -> Answer<Json<RolloutReport>> {
    let store = &api.store;
    let rollout = store.rollout(&name).await?;
    let of = (rollout.id, &*rollout.orders, &rollout.state);
    let lasts = lasts(store, of, Reports::With, |_, _| true).await?;
    let rollout = seen(rollout, &lasts);
    let ids: Vec<OperationId> = lasts.values().map(|last| last.of.id).collect();
    let mut records: HashMap<OperationId, Record> = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(AT_A_TIME) {
        let found = store.operations_of(ids).await?;
        records.extend(found.into_iter().map(|record| (record.id, record)));
    }
    let mut events: Vec<RolloutEvent> =
        store.rollout_events(rollout.id, EVENTS).await?.into_iter().map(event).collect();
    events.reverse();
    // What became of a rollout is told also where a later nimd refuses what its file says.
    let operation = read_kept(&rollout).map(|file| file.operation.0).unwrap_or_default();
    let planned: HashMap<&ObjectName, &PlannedLpar> =
        rollout.plan.targets.iter().map(|one| (&one.lpar, one)).collect();
    let knowledge = api.knowledge().await;
    let mut groups = Groups::default();
    let targets = (0..).zip(rollout.orders.targets.iter().zip(&rollout.state.targets));
    let lpars = targets.map(|(number, (target, one))| {
        let last = lasts.get(&number);
        let found = last.map(|last| &last.of);
        let (state, _, why) = standing(one, rollout.begin);
        let why = match one.is {
            Is::Waiting { .. } => None,
            _ => both(why.or_else(|| summary(&one.is, found)), said(last)),
        };
        let record = found.and_then(|found| records.get(&found.id));
        let report = found.and_then(|found| found.report.as_ref());
        if one.is.end().is_some_and(|end| !is_good(end)) {
            let cause = report.and_then(|report| nearest(report, &knowledge));
            groups.add(state, cause, why.as_deref(), &target.lpar);
        }
        let planned = planned.get(&target.lpar);
        let wave = rollout.plan.waves.get(target.wave);
        let level = |snapshot: Option<&nim_shared::operation::Snapshot>| {
            snapshot.and_then(|found| found.level.as_deref()).map(printable)
        };
        let fixes = |snapshot: Option<&nim_shared::operation::Snapshot>| -> Option<Vec<String>> {
            let labels = snapshot.and_then(|found| found.interim_fixes.as_ref());
            labels.map(|labels| labels.iter().map(|label| printable(label)).collect())
        };
        ReportedLpar {
            lpar: target.lpar.clone(),
            wave: wave.map_or_else(|| rollout.name.clone(), |wave| wave.name.clone()),
            frame: planned.and_then(|one| one.frame.clone()),
            state: state.to_owned(),
            attempt: one.tries(),
            why,
            planned_begin: planned.map(|one| one.begin),
            planned_end: planned.map(|one| one.end),
            began: record.and_then(|record| record.started_at),
            ended: record.and_then(|record| record.ended_at),
            planned_blackout: planned.and_then(|one| one.blackout),
            blackout: report.and_then(blackout),
            level_before: level(report.and_then(|report| report.before.as_ref())),
            level_after: level(report.and_then(|report| report.after.as_ref())),
            fixes_before: fixes(report.and_then(|report| report.before.as_ref())),
            fixes_after: fixes(report.and_then(|report| report.after.as_ref())),
            codes: report.map(|report| report.codes.clone()).unwrap_or_default(),
            operation: found.map(|found| found.id),
        }
    });
    let lpars = lpars.collect();
    let mut earlier = Groups::default();
    let of = (rollout.id, &*rollout.orders, &rollout.state);
    for (number, one) in outside::earlier(store, of, &lasts).await? {
        if matches!(one.state, StateName::Succeeded | StateName::Unchanged) {
            continue;
        }
        let report = one.report.as_ref();
        let cause = report.and_then(|report| nearest(report, &knowledge));
        let why = report.map(|report| printable(&report.summary));
        let lpar = &rollout.orders.targets[number as usize].lpar;
        earlier.add_earlier(&one.state.to_string(), cause, why.as_deref(), lpar);
    }
    Ok(Json(RolloutReport {
        view: view(&rollout),
        at: store.now().await?,
        operation,
        stop: rollout.orders.stop,
        lpars,
        failures: groups.sorted(),
        earlier: earlier.sorted(),
        left_out: rollout.plan.excluded.clone(),
        events,
    }))
}

/// Whether nobody has to know why.
fn is_good(end: &nim_rollout::run::End) -> bool {
    use nim_rollout::run::End;
    match end {
        End::Updated | End::Unchanged => true,
        End::Failed { .. }
        | End::Unreachable
        | End::Stuck
        | End::Cancelled
        | End::Skipped { .. }
        | End::NotStarted { .. } => false,
    }
}

/// How long the workload stood still.
fn blackout(report: &Report) -> Option<Seconds> {
    let measured = report.blackout.measured.map(|time| Seconds(time.0.div_ceil(1000)));
    measured.or(report.blackout.reported)
}

/// What went wrong, by how it ended and its cause.
#[derive(Default)]
struct Groups(BTreeMap<(String, Option<String>, String), FailureGroup>);

impl Groups {
    /// The group of a failure, with `lpar` among its members.
    fn add(
        &mut self,
        state: &str,
        known: Option<Meaning>,
        why: Option<&str>,
        lpar: &ObjectName,
    ) -> &mut FailureGroup {
        let code = known.as_ref().map(|known| known.code.to_string());
        let cause = match (&known, why) {
            (Some(known), _) => format!("{}: {}", known.title, known.cause),
            (None, Some(why)) => why.to_owned(),
            (None, None) => no_cause(state).to_owned(),
        };
        let key = (state.to_owned(), code.clone(), cause.clone());
        let group = self.0.entry(key).or_insert_with(|| FailureGroup {
            state: state.to_owned(),
            code,
            cause,
            remedy: known.map(|known| known.remedy.into_owned()),
            lpars: Vec::new(),
            said: Vec::new(),
        });
        group.lpars.push(lpar.clone());
        group
    }

    /// The same of an attempt that was not the last, of which nothing else has what was said.
    fn add_earlier(
        &mut self,
        state: &str,
        known: Option<Meaning>,
        why: Option<&str>,
        lpar: &ObjectName,
    ) {
        let group = self.add(state, known, why, lpar);
        if let Some(why) = why
            && group.cause != why
            && !group.said.iter().any(|one| one == why)
        {
            group.said.push(why.to_owned());
        }
    }

    fn sorted(self) -> Vec<FailureGroup> {
        let mut groups: Vec<FailureGroup> = self.0.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.lpars.len()));
        groups
    }
}

/// What is nearest to the cause of a failure.
pub(super) fn nearest(report: &Report, knowledge: &Knowledge) -> Option<Meaning> {
    Meaning::nearest(&knowledge.of_codes(&report.codes, &report.messages)).cloned()
}

/// What is said where nothing is known.
fn no_cause(state: &str) -> &'static str {
    match state {
        "unreachable" => "the LPAR could not be reached",
        "cancelled" => "it was cancelled",
        _ => "nothing is known of the cause",
    }
}

#[cfg(test)]
mod tests {
    use nim_shared::code;
    use nim_shared::operation::{Outcome, Software};

    use super::*;

    #[test]
    fn failures_are_grouped_by_what_is_nearest_to_their_cause() {
        let cause = |codes: &[&str]| {
            let report = Report {
                codes: codes.iter().map(|code| (*code).to_owned()).collect(),
                ..Report::of(Outcome::Failed { software: Software::Unchanged }, "it failed")
            };
            nearest(&report, &Knowledge::default())
        };
        let name = |text: &str| text.parse::<ObjectName>().unwrap();
        let mut groups = Groups::default();
        groups.add("unreachable", None, None, &name("lpar01"));
        // The closing line of every failure says nothing; the line before it does.
        let procfs = cause(&["1430-045", "1020-311"]);
        groups.add("failed", procfs, Some("it failed"), &name("lpar02"));
        groups.add("failed", cause(&["1020-311"]), Some("other words"), &name("lpar03"));
        groups.add("failed", cause(&["1430-045"]), None, &name("lpar04"));
        groups.add("skipped", None, Some("it moved"), &name("lpar05"));
        let groups = groups.sorted();
        let of = |at: usize| {
            let names: Vec<&str> = groups[at].lpars.iter().map(ObjectName::as_str).collect();
            (groups[at].code.as_deref(), names.join(" "))
        };
        assert_eq!(of(0), (Some("1020-311"), "lpar02 lpar03".to_owned()));
        assert_eq!(groups[0].remedy.as_deref(), code::find("1020-311").map(|entry| entry.remedy));
        assert_eq!(of(1), (Some("1430-045"), "lpar04".to_owned()));
        assert_eq!(of(2), (None, "lpar05".to_owned()));
        assert_eq!((of(3).1.as_str(), groups[3].remedy.as_deref()), ("lpar01", None));
    }

    #[test]
    fn a_blackout_is_the_measured_one_where_there_is_one() {
        let mut report = Report::of(Outcome::Unchanged, "");
        assert_eq!(blackout(&report), None);
        report.blackout.reported = Some(Seconds(25));
        assert_eq!(blackout(&report), Some(Seconds(25)));
        report.blackout.measured = Some(nim_shared::unit::Milliseconds(20_400));
        assert_eq!(blackout(&report), Some(Seconds(21)));
    }
}
