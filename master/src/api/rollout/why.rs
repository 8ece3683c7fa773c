//! `GET /v1/why/{name}`: what a rollout or an LPAR waits for, since when, until when, and who decides.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State as Given;
use nim_rollout::run::{End, Is, Phase, TargetNumber, Wait};
use nim_rollout::site::{Tick, What};
use nim_shared::api::{OperationView, TryAgain, WaitsFor, Why};
use nim_shared::code::Knowledge;
use nim_shared::id::{Digest, ObjectName};
use nim_shared::object::Spec;
use nim_shared::operation::StateName;
use nim_shared::stamp::Timestamp;

use super::again::again;
use super::driver::tick;
use super::outside::{self, both, lasts, seen};
use super::run::{ended, in_doubt, standing, summary, time};
use crate::api::Api;
use crate::api::error::{Answer, Refusal};
use crate::api::extract::Named;
use crate::store;
use crate::store::object::NamePattern;
use crate::store::operation::OperationFilter;
use crate::store::rollout::{Last, Reports, Rollout};

/// `GET /v1/why/{name}`
pub(in crate::api) async fn why(
    Given(api): Given<Api>,
    Named(name): Named<String>,
) -> Answer<Json<Vec<Why>>> {
    let mut found = Vec::new();
    match api.store.rollout(&name).await {
        Ok(rollout) => {
            found.push(of_rollout(&rollout, api.store.now().await?));
        }
        Err(store::Error::NoSuchRollout { .. }) => {}
        Err(other) => return Err(other.into()),
    }
    let lpar = name.parse::<ObjectName>().ok();
    let object = match &lpar {
        Some(lpar) => match api.store.object(lpar).await {
            Ok(found) => Some(found.object),
            Err(store::Error::NoSuchObject { .. }) => None,
            Err(other) => return Err(other.into()),
        },
        None => None,
    };
    if let Some(object) = object.filter(|object| matches!(object.spec, Spec::Standalone(_))) {
        found.push(of_lpar(&api, &object.name).await?);
    }
    if found.is_empty() {
        let text = format!("neither a rollout nor an LPAR is called {name}");
        return Err(Refusal::new(nim_shared::api::FailureKind::NotFound, "NLU-0118", text)
            .hint("nimctl rollout list, nimctl list standalone"));
    }
    Ok(Json(found))
}

/// Of an LPAR: of the rollout that it is in, and of the operation on it.
async fn of_lpar(api: &Api, lpar: &ObjectName) -> Answer<Why> {
    let filter =
        OperationFilter { lpars: vec![NamePattern::from(lpar)], ..OperationFilter::default() };
    let mut last = api.store.operations(&filter, None, 1).await?.items;
    last.retain(|one| !one.operation.state.name().is_terminal());
    api.say_what_holds(&mut last).await?;
    let knowledge = api.knowledge().await;
    let open = last.pop().map(|record| crate::api::operation::view(record, &knowledge));
    let rollout = api.store.rollout_of(lpar).await?;
    let Some((rollout, number)) = rollout.and_then(|rollout| {
        let found = (0..).zip(&rollout.orders.targets).find(|(_, one)| one.lpar == *lpar);
        let number = found.map(|(number, _)| number)?;
        Some((rollout, number))
    }) else {
        return Ok(match open {
            Some(operation) => of_operation(lpar.to_string(), &operation),
            None => nothing(lpar.to_string(), "nothing is under way on it".to_owned()),
        });
    };
    let of = (rollout.id, &*rollout.orders, &rollout.state);
    let lasts = lasts(&api.store, of, Reports::With, |at, _| at == number).await?;
    let rollout = seen(rollout, &lasts);
    let one = &rollout.state.targets[number as usize];
    if let (Is::Ended { .. }, Some(operation)) = (&one.is, &open) {
        // Whatever it was in the rollout, this is what is under way.
        return Ok(of_operation(lpar.to_string(), operation));
    }
    let at = api.store.now().await?;
    Ok(of_target(&rollout, number, lasts.get(&number), open.as_ref(), at))
}

fn nothing(about: String, stands: String) -> Why {
    Why {
        about,
        stands,
        ticket: None,
        since: None,
        waits: Vec::new(),
        given_up_at: None,
        hint: None,
    }
}

/// Of an operation that nobody's rollout started.
fn of_operation(about: String, operation: &OperationView) -> Why {
    let id = operation.id;
    let (kind, state) = (operation.kind.words(), operation.state);
    let stands = format!("operation {id} ({kind}) is {state} on it");
    Why {
        since: Some(operation.entered_at.unwrap_or(operation.created_at)),
        waits: vec![its_end(operation)],
        given_up_at: operation.deadline,
        ..nothing(about, stands)
    }
}

/// What is waited for while an operation is open.
fn its_end(operation: &OperationView) -> WaitsFor {
    let (id, kind) = (operation.id, operation.kind.words());
    let place = match (&operation.stage, &operation.phase) {
        (_, Some(phase)) => format!("the {kind}, which is at {phase}"),
        (Some(stage), None) => format!("the {kind}, which is at {stage}"),
        (None, None) => format!("the {kind} to begin"),
    };
    let since = Some(operation.entered_at.unwrap_or(operation.created_at));
    let (what, decides, hint) = match operation.state {
        StateName::Stuck => (
            "a person to look at it".to_owned(),
            "a person: the operation is stuck",
            format!("nimctl status {id}"),
        ),
        _ => (
            operation.waits_for.clone().unwrap_or(place),
            "what runs on the LPAR, or the limit that is named",
            format!("nimctl watch {id}"),
        ),
    };
    WaitsFor { since, hint: Some(hint), ..waits(what, decides) }
}

fn waits(what: impl Into<String>, decides: impl Into<String>) -> WaitsFor {
    WaitsFor {
        what: what.into(),
        lpars: None,
        since: None,
        until: None,
        decides: decides.into(),
        hint: None,
    }
}

/// Of a target of a rollout.
fn of_target(
    rollout: &Rollout,
    number: TargetNumber,
    last: Option<&Last>,
    open: Option<&OperationView>,
    at: Timestamp,
) -> Why {
    let started = last.map(|last| &last.of);
    let now = tick(rollout.begin, at);
    let (state, orders) = (&rollout.state, &rollout.orders);
    let one = &state.targets[number as usize];
    let target = &orders.targets[number as usize];
    let about = format!("{} in rollout {}", target.lpar, rollout.name);
    let (name, since, _) = standing(one, rollout.begin);
    let wave = rollout.plan.waves.get(target.wave);
    let wave = wave.map(|wave| format!(" in wave {}", wave.name)).unwrap_or_default();
    let given_up_at = state.given_up_at(orders, number).map(|at| time(rollout.begin, at));
    let ticket = rollout.ticket.clone();
    let mut why = Why { ticket, given_up_at, ..nothing(about, format!("{name}{wave}")) };
    match &one.is {
        Is::Waiting { .. } => {
            why.waits = beginning(rollout, at).into_iter().collect();
            let all = state.waits(orders, number, now);
            why.waits.extend(all.iter().map(|wait| said(rollout, wait, Some(number))));
            if why.waits.is_empty() {
                why.waits.push(waits("the next look of nimd", "nimd: it may start"));
            }
            // Somebody else has it under way.
            why.waits.extend(open.map(its_end));
        }
        Is::Starting { .. } | Is::Running { .. } | Is::Recalled { .. } => {
            why.since = since;
            why.waits.push(match open {
                Some(operation) => its_end(operation),
                None => waits("its start to be accepted", "nimd"),
            });
        }
        Is::Releasing { .. } => {
            why.since = since;
            // One that is stuck keeps its memory until a person was there.
            why.waits.extend(open.map(its_end));
            why.waits.push(waits("its memory to be shown as free", "the HMC, which nimd reads"));
        }
        Is::Ended { end, keeps_capacity } => {
            let (_, reason) = ended(end);
            let reason = both(reason, in_doubt(one));
            let reason = both(reason.or_else(|| summary(&one.is, started)), outside::said(last));
            why.stands += &reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let look = started.map(|one| format!("nimctl status {}", one.id));
            if *keeps_capacity {
                let what = "somebody to look: what it takes of its frame is not shown as free";
                why.waits.push(WaitsFor { hint: look, ..waits(what, "a person, or the HMC") });
            } else if let TryAgain::Now | TryAgain::AfterRemedy { .. } =
                // Whether it needs something first makes no difference here.
                again(one, started, &Knowledge::default())
            {
                let command = format!("nimctl rollout retry {} {}", rollout.name, target.lpar);
                why.hint = Some(command);
            }
        }
    }
    why
}

/// Of a rollout as a whole.
fn of_rollout(rollout: &Rollout, at: Timestamp) -> Why {
    let now = tick(rollout.begin, at);
    let (state, orders) = (&rollout.state, &rollout.orders);
    let about = format!("rollout {}", rollout.name);
    let wave = rollout.plan.waves.get(state.wave);
    let wave = wave.map(|wave| format!(", at wave {}", wave.name)).unwrap_or_default();
    let mut why = nothing(about, state.phase.name().to_owned());
    why.ticket.clone_from(&rollout.ticket);
    why.since = Some(rollout.ended_at.unwrap_or(rollout.since));
    if state.phase == Phase::Ended {
        return why;
    }
    why.stands += &wave;
    why.hint = Some(format!("nimctl rollout status {}", rollout.name));
    why.given_up_at = Some(time(rollout.begin, orders.deadlines.whole.get()));
    let mut in_flight = 0;
    // What several wait for is said once.
    let mut all: BTreeMap<(usize, String), (WaitsFor, usize)> = BTreeMap::new();
    let first = beginning(rollout, at).into_iter().map(|one| (0, one));
    for (order, one) in first {
        all.insert((order, one.what.clone()), (one, 0));
    }
    for (number, one) in (0..).zip(&state.targets) {
        match &one.is {
            Is::Releasing { end: End::Stuck, .. } => {
                let what = "somebody to look at what is stuck";
                let look = || WaitsFor {
                    hint: Some(format!("nimctl status {}", orders.targets[number as usize].lpar)),
                    ..waits(what, "a person")
                };
                all.entry((1, what.to_owned())).or_insert_with(|| (look(), 0)).1 += 1;
            }
            Is::Starting { .. }
            | Is::Running { .. }
            | Is::Recalled { .. }
            | Is::Releasing { .. } => in_flight += 1,
            Is::Ended { keeps_capacity: true, .. } => {
                let what = "somebody to look: what they take of their frame is not shown as free";
                let key = (7, what.to_owned());
                all.entry(key).or_insert_with(|| (waits(what, "a person, or the HMC"), 0)).1 += 1;
            }
            Is::Ended { .. } => {}
            Is::Waiting { .. } => {
                for wait in state.waits(orders, number, now) {
                    let said = said(rollout, &wait, None);
                    let key = (rank(&wait), said.what.clone());
                    let (kept, count) = all.entry(key).or_insert((said.clone(), 0));
                    // The first of them is over first.
                    kept.until = kept.until.min(said.until).or(kept.until).or(said.until);
                    kept.since = kept.since.min(said.since).or(kept.since).or(said.since);
                    *count += 1;
                }
            }
        }
    }
    if in_flight > 0 {
        let what = "those in flight to be over";
        all.insert((1, what.to_owned()), (waits(what, "what runs on them"), in_flight));
    }
    let waits = all
        .into_values()
        .map(|(one, count)| WaitsFor { lpars: (count > 0).then_some(count), ..one });
    why.waits = waits.collect();
    why
}

/// Before its time a rollout waits for that.
fn beginning(rollout: &Rollout, at: Timestamp) -> Option<WaitsFor> {
    let is_early = at < rollout.begin && rollout.state.phase == Phase::Running;
    let waits = waits("its beginning", "the time that was given to start");
    is_early.then_some(WaitsFor { until: Some(rollout.begin), ..waits })
}

/// What comes first: what holds all of them, and what a person decides.
const fn rank(wait: &Wait) -> usize {
    match wait {
        Wait::Resume => 0,
        Wait::Approval { .. } | Wait::Promotion { .. } | Wait::Soak { .. } => 2,
        Wait::Asks { .. } => 3,
        Wait::Held { .. } => 4,
        Wait::Window { .. } | Wait::Distance { .. } | Wait::Again { .. } => 5,
        Wait::Room { .. } | Wait::Partner | Wait::Doubt { .. } => 6,
        Wait::Waves { .. } => 8,
    }
}

/// In words; of one target, or of all of them that wait for it.
fn said(rollout: &Rollout, wait: &Wait, target: Option<TargetNumber>) -> WaitsFor {
    let (state, orders) = (&rollout.state, &rollout.orders);
    let name = &rollout.name;
    let wave = |at: usize| {
        rollout.plan.waves.get(at).map_or_else(|| name.to_string(), |wave| wave.name.to_string())
    };
    let standing = target.and_then(|at| state.targets.get(at as usize));
    let kept_since = standing.and_then(|one| one.since).map(|at| time(rollout.begin, at));
    let stands_since = Some(rollout.since);
    let others = format!("anybody but uid {}, who started it", orders.requester);
    // What was started under a ticket goes on under one.
    let ticket = if rollout.ticket.is_some() { " --ticket TICKET" } else { "" };
    let approve =
        |print: Digest| format!("nimctl rollout approve {name} --fingerprint {print}{ticket}");
    let until = |at: Tick| Some(time(rollout.begin, at));
    match wait {
        Wait::Resume => WaitsFor {
            since: stands_since,
            hint: Some(format!("nimctl rollout resume {name}{ticket}")),
            ..match &state.phase {
                Phase::Stopped { why } => {
                    waits(format!("somebody to resume or abort it: {why}"), "anybody")
                }
                _ => waits("somebody to resume it", "anybody"),
            }
        },
        Wait::Approval { wave: at } => WaitsFor {
            since: stands_since,
            hint: Some(approve(orders.fingerprint)),
            ..waits(format!("wave {} to be approved", wave(*at)), others)
        },
        Wait::Promotion { wave: at } => WaitsFor {
            since: stands_since,
            hint: Some(format!(
                "nimctl rollout promote {name}{ticket}, or nimctl rollout retry {name}{ticket}"
            )),
            ..waits(
                format!(
                    "somebody to promote the wave after {}: too few of it are updated and known to be healthy",
                    wave(*at)
                ),
                "anybody",
            )
        },
        Wait::Soak { wave: at, until: end } => WaitsFor {
            since: stands_since,
            until: until(*end),
            hint: Some(format!("nimctl rollout promote {name}{ticket}")),
            ..waits(format!("wave {} to soak", wave(*at)), "time, or anybody")
        },
        Wait::Waves { open } => WaitsFor {
            hint: state
                .is_kept_by_others(orders)
                .then(|| format!("nimctl rollout promote {name}{ticket}: they come when they may")),
            ..waits(
                match target {
                    Some(_) => {
                        format!("the waves before its own, of which {open} LPARs are not over")
                    }
                    None => "the waves before their own".to_owned(),
                },
                "those who are in them",
            )
        },
        Wait::Again { until: at } => WaitsFor {
            until: until(*at),
            ..waits("its time to be tried again", "retry of the file")
        },
        Wait::Held { why } => WaitsFor {
            since: kept_since,
            ..waits(
                format!("what holds it back to end: {why}"),
                "whoever can end that, maintenance by nimctl maintenance off; nimd looks again",
            )
        },
        Wait::Asks { why } => WaitsFor {
            since: kept_since,
            hint: Some(match target {
                Some(at) => {
                    let asked = approve(orders.asked(state, &[at]));
                    format!("{asked} {}", orders.targets[at as usize].lpar)
                }
                None => "nimctl why LPAR, which says how each is approved".to_owned(),
            }),
            ..waits(format!("an approval of its own: {why}"), others)
        },
        Wait::Window { until: Some(at) } => WaitsFor {
            until: until(*at),
            ..waits("a window that is long enough", "windows and freezes of the file")
        },
        Wait::Window { until: None } => {
            waits("a window that is long enough, and none comes", "windows and freezes of the file")
        }
        Wait::Distance { until: at } => WaitsFor {
            until: until(*at),
            ..waits("the distance to the start before it", "limits of the file")
        },
        Wait::Partner => waits("a partner that is tried again first", "that partner's update"),
        Wait::Doubt { of } => {
            let first = of.first().map(|at| orders.targets[*at as usize].lpar.as_str());
            let first = first.unwrap_or("LPAR");
            WaitsFor {
                hint: Some(format!(
                    "nimctl aftercare {first}, or nimctl rollout promote {name} {first}{ticket}"
                )),
                ..waits(
                    match target {
                        Some(_) => {
                            let why =
                                of.iter().find_map(|at| in_doubt(&state.targets[*at as usize]));
                            let why = why.unwrap_or_default();
                            format!(
                                "its partner {} to be healthy, which is updated and {why}",
                                names(rollout, of)
                            )
                        }
                        None => "a partner to be healthy, which is updated".to_owned(),
                    },
                    "a look that finds that gone, or anybody who says that it is healthy",
                )
            }
        }
        Wait::Room { what, with } => {
            let room = room(*what);
            match target {
                Some(_) => {
                    waits(format!("{room}, taken by {}", names(rollout, with)), "their updates")
                }
                None => waits(room, "the updates of those who have it"),
            }
        }
    }
}

/// What there is not enough of.
const fn room(what: What) -> &'static str {
    match what {
        What::InFlight => "a place in flight",
        What::Hmc(_) => "a place at its HMC",
        What::FrameSlots(_) => "a place on its frame",
        What::VioPair(_) => "a place at its VIOSes",
        What::Label(_) => "a place of its label",
        What::Apart(_) => "the place of a partner",
        What::Memory(_) => "memory of its frame",
        What::Processors(_) => "processors of its frame",
        What::Pool(_) => "processors of its pool",
        What::Partitions(_) => "a partition more on its frame",
        What::PartitionId(_) => "the partition id that it asks for",
    }
}

/// The first few of some targets.
fn names(rollout: &Rollout, numbers: &[TargetNumber]) -> String {
    const SHOWN: usize = 4;
    let name = |at: &TargetNumber| rollout.orders.targets[*at as usize].lpar.to_string();
    let shown: Vec<String> = numbers.iter().take(SHOWN).map(name).collect();
    match numbers.len() {
        0 => "others than this rollout".to_owned(),
        many if many > SHOWN => format!("{} and {} more", shown.join(", "), many - SHOWN),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests;
