//! Rollouts: the plan from what is on record, for which nothing is changed and no host is asked; and what is done with it.

mod again;
mod driver;
mod lab;
mod outside;
mod rehearse;
mod report;
mod run;
mod site;
mod tell;
mod watch;
mod why;

pub use driver::{Driver, Effect, Fact};
pub(super) use lab::lab;
pub(super) use rehearse::{rehearse, replay};
pub(super) use report::report;
pub(super) use run::{list, show, start, turn};
pub(super) use watch::watch;
pub(super) use why::why;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use nim_rollout::file::{Rollout, read};
use nim_rollout::plan::{Input, Plan, WhatIf, make};
use nim_shared::api::{File, FileFault, PlanRollout, RolloutPlanned, Tried};
use nim_shared::id::{ClientToken, ObjectName};
use nim_shared::stamp::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tracing::info;
use uuid::Uuid;

use super::Api;
use super::apply::blocking;
use super::cust::{Depth, look};
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body};
use crate::store::rollout::Rollout as Kept;
use site::{Site, gather};

/// `POST /v1/rollout/plan`
pub(super) async fn plan(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(asked): Body<PlanRollout>,
) -> Answer<Json<RolloutPlanned>> {
    let PlanRollout { file, what_if, begin } = asked;
    let changes = what_if.as_deref().map(str::parse::<WhatIf>).transpose();
    let changes = changes.map_err(|bad| Refusal::usage("NLU-0157", bad.to_string()))?;
    let ready = ready(&api, file, begin).await?;
    let changed = what_if.zip(changes);
    let planned = blocking(move || planned(ready, changed)).await?;
    // Nothing of it is kept: what is started is planned anew, by whoever starts it.
    let Plan { name, fingerprint, targets, .. } = &planned.plan;
    info!(
        peer.uid = who.uid,
        count = targets.len(),
        "rollout {name} of {} LPARs was planned by uid {}, with fingerprint {fingerprint}",
        targets.len(),
        who.uid
    );
    Ok(Json(planned))
}

/// All that a plan is made from.
struct Ready {
    file: Rollout,
    site: Site,
    warnings: Vec<FileFault>,
    begin: Timestamp,
    /// Held until the plan is made: one at a time, for what it is made from may be as large as the fleet.
    _turn: OwnedSemaphorePermit,
}

async fn ready(api: &Api, file: File, begin: Option<Timestamp>) -> Answer<Ready> {
    let name = file.name.clone();
    let file = blocking(move || read_file(&file)).await??;
    tell::check(api, &file).await?;
    let turn = Arc::clone(&api.planning).acquire_owned().await.map_err(|cause| {
        Refusal::internal("NLU-0199", "a fault in nimd ended the request", &cause)
    })?;
    let (site, file) = gather(api, file).await?;
    if !site.strangers().is_empty() {
        return Err(strangers(&name, &site));
    }
    let (site, warnings) = checked(api, &file, site).await?;
    let begin = begin.unwrap_or_else(|| whole_second(api.clock.now()));
    Ok(Ready { file, site, warnings, begin, _turn: turn })
}

/// A plan with all that it was made from.
struct Made {
    file: Rollout,
    site: Site,
    plan: Plan,
    begin: Timestamp,
}

/// Makes the plan of a rollout.
async fn made(api: &Api, file: File, begin: Option<Timestamp>) -> Answer<Made> {
    let ready = ready(api, file, begin).await?;
    blocking(move || {
        let Ready { file, site, begin, .. } = ready;
        let input = Input { file: &file, snapshot: &site.snapshot, history: &site.history, begin };
        let plan = make(&input);
        Made { file, site, plan, begin }
    })
    .await
}

/// Reads the file, with all that is wrong.
fn read_file(file: &File) -> Answer<Rollout> {
    read(file).map_err(|faults| {
        let what = if faults.len() == 1 { "1 fault" } else { &format!("{} faults", faults.len()) };
        let text = format!("{what} in {}; nothing was planned", file.name);
        Refusal::refused("NLU-0158", text)
            .hint("the form is in schemas/rollout.schema.json, with examples in examples/")
            .faults(faults)
    })
}

/// Reads the file of a rollout that was started.
fn read_kept(rollout: &Kept) -> Answer<Rollout> {
    let (name, text) = (rollout.file_name.clone(), rollout.file.to_string());
    read_file(&File { name, text })
}

/// Looks at what `cust` would say of each LPAR that takes part. What is wrong with one rules it out; what is wrong with the request
/// itself refuses the plan.
async fn checked(api: &Api, file: &Rollout, mut site: Site) -> Answer<(Site, Vec<FileFault>)> {
    let mut warnings: Vec<FileFault> = Vec::new();
    let names: Vec<String> = site.taking_part(file).iter().map(ToString::to_string).collect();
    for names in names.chunks(AT_A_TIME) {
        let token = ClientToken(Uuid::nil());
        let cust = file.operation.cust(names.to_vec(), token);
        let cust = cust.map_err(|faults| refused("the operation", faults))?;
        let looked = look(api, cust, Depth::OnRecord).await?;
        site.want(looked.wanted_ids());
        site.reduce(looked.data());
        let rest = site.rule_out(looked.faults);
        if !rest.is_empty() {
            return Err(refused("the operation", rest));
        }
        let more = looked.warnings.into_iter().filter(|one| !site.is_lpar(&one.path));
        for warning in more {
            if warnings.len() < MOST_WARNINGS && !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    Ok((site, warnings))
}

/// How many LPARs are looked at together: of each the whole order is made, to see whether it can be.
const AT_A_TIME: usize = 1000;

/// How many warnings are answered.
const MOST_WARNINGS: usize = 50;

/// Refuses a file that leaves out or keeps apart who is not on record: somebody else is meant, and would be updated.
fn strangers(file: &str, site: &Site) -> Refusal {
    let at = |fault: &FileFault| FileFault { file: Some(file.to_owned()), ..fault.clone() };
    let text = format!("{file} names what is not on record; nothing was planned");
    Refusal::refused("NLU-0227", text)
        .hint("nimctl list standalone; nimctl list mac_group")
        .faults(site.strangers().iter().map(at).collect())
}

fn refused(what: &str, faults: Vec<FileFault>) -> Refusal {
    let text = format!("{what} of the rollout cannot be asked for; nothing was planned");
    Refusal::refused("NLU-0178", text)
        .hint("the same attributes with nimctl cust --preview on one LPAR")
        .faults(faults)
}

/// The plan, and how it compares with the one without changes.
fn planned(ready: Ready, changed: Option<(String, WhatIf)>) -> RolloutPlanned {
    let Ready { file, site, warnings, begin, .. } = ready;
    let file = &file;
    let of = |file: &Rollout| {
        make(&Input { file, snapshot: &site.snapshot, history: &site.history, begin })
    };
    let (plan, what_if) = match changed {
        None => (of(file), None),
        Some((text, changes)) => {
            let plan = of(&changes.applied(file));
            let tried = tried(text, &changes, &plan, &of(file));
            (plan, Some(tried))
        }
    };
    let notes = site.notes(file, &plan);
    RolloutPlanned { plan, frames: site.frames, what_if, notes, warnings }
}

fn tried(text: String, changes: &WhatIf, plan: &Plan, without: &Plan) -> Tried {
    let mut late: Vec<ObjectName> = changes.late(plan).into_iter().cloned().collect();
    late.sort();
    Tried {
        changes: text,
        usual_end_without: without.usual_end,
        end_without: without.end,
        targets_without: without.targets.len(),
        finish_by: changes.finish_by,
        late,
    }
}

/// Times of a plan are whole seconds.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::new(at.get().replace_nanosecond(0).unwrap_or(at.get()))
}
