//! Rollouts that are carried out: started, looked at, held, ended.

use axum::Json;
use axum::extract::State as Given;
use nim_rollout::file::Rollout as File;
use nim_rollout::plan::{Input, Plan};
use nim_rollout::run::{
    End, Event, Follows, Gate, Is, Orders, Phase, Recorded, Running, Standing, State, Step,
    TargetNumber,
};
use nim_shared::api::{
    AskTurn, RolloutCounts, RolloutStatus, RolloutView, StartRollout, TargetView, TryAgain,
    TurnRollout,
};
use nim_shared::id::{ObjectName, RolloutId};
use nim_shared::stamp::Timestamp;
use nim_shared::ticket::{Deed, Ticket};
use time::macros::format_description;
use tracing::info;
use uuid::Uuid;

use super::again::again;
use super::driver::{Effect, doubt, tick};
use super::outside::{self, Lasts, after_its_end, both, lasts, may_be_done_again, seen};
use super::tell::{Change, Of, notices};
use super::watch::event as event_view;
use super::{Made, made, read_kept};
use crate::api::Api;
use crate::api::apply::blocking;
use crate::api::error::{Answer, Refusal};
use crate::api::extract::{Asker, Body, Named};
use crate::api::policy::current;
use crate::crash;
use crate::store::Who;
use crate::store::notice::NewNotice;
use crate::store::rollout::{NewRollout, Reports, Rollout, Started, Turn};

/// `POST /v1/rollouts`: plans and starts.
pub(in crate::api) async fn start(
    Given(api): Given<Api>,
    Asker(who): Asker,
    Body(asked): Body<StartRollout>,
) -> Answer<Json<RolloutView>> {
    let StartRollout { token, file, begin, fingerprint, ticket } = asked;
    under(&api, Deed::Start, ticket.as_ref()).await?;
    let text = file.clone();
    let made = made(&api, file, begin).await?;
    let now = api.store.now().await?;
    let id = RolloutId(Uuid::now_v7());
    let (file, plan, orders, state, recorded) =
        blocking(move || prepared(made, who, now)).await??;
    if let Some(seen) = fingerprint.filter(|seen| *seen != plan.fingerprint) {
        return Err(Refusal::refused(
            "NLU-0136",
            format!(
                "the plan is not the one that was seen: its fingerprint is {}, not {seen}",
                plan.fingerprint
            ),
        )
        .hint("nimctl rollout plan --begin TIME, and the same --begin here"));
    }
    let of = Of { id, plan: &plan, orders: &orders, ticket: ticket.as_ref() };
    let planned = State::planned(&orders);
    let change = Change { before: &planned, after: &state, by: Some(who), at: now };
    let new = NewRollout {
        id,
        token,
        name: &plan.name,
        file_name: &text.name,
        file: &text.text,
        plan: &plan,
        orders: &orders,
        state: &state,
        recorded: &recorded,
        who,
        ticket: ticket.as_ref(),
        notices: notices(&of, &file.notify, &change, |_| None),
    };
    crash::before(Effect::Heed(Deed::Start), &plan.name);
    let started = api.store.rollout_start(&new).await?;
    crash::after(Effect::Heed(Deed::Start), &plan.name);
    let Some(id) = started else {
        return Err(open(&plan.name));
    };
    info!(
        rollout.id = %id, count = plan.targets.len(), peer.uid = who.uid,
        "rollout {} of {} LPARs was started by uid {}", plan.name, plan.targets.len(), who.uid
    );
    Ok(Json(view(&api.store.rollout(&id.to_string()).await?)))
}

/// What is kept of a plan that is started.
fn prepared(made: Made, who: Who, now: Timestamp) -> Answer<(File, Plan, Orders, State, Recorded)> {
    let Made { file, site, plan, begin, .. } = made;
    if plan.targets.is_empty() && plan.held.is_empty() {
        return Err(Refusal::refused(
            "NLU-0143",
            format!("rollout {} would update nobody", plan.name),
        )
        .hint("nimctl rollout plan says who is left out and why"));
    }
    let input = Input { file: &file, snapshot: &site.snapshot, history: &site.history, begin };
    let orders = Orders::new(&input, &plan, who.uid);
    let event = Event::Start { by: who.uid, fingerprint: plan.fingerprint };
    // Nothing is started here: the driver's first look does that, once this is kept.
    let before = tick(begin, now);
    let state = State::planned(&orders).noted(&orders, event.clone(), before);
    let state = state.map_err(|why| refused(&plan.name, &why))?;
    let recorded = Recorded::new(Step::noted(event, before), Vec::new(), &state);
    Ok((file, plan, orders, state, recorded))
}

/// `GET /v1/rollouts`
pub(in crate::api) async fn list(Given(api): Given<Api>) -> Answer<Json<Vec<RolloutView>>> {
    let mut shown = Vec::new();
    for rollout in api.store.rollouts(LISTED).await? {
        shown.push(view(&after_its_end(&api.store, rollout).await?));
    }
    Ok(Json(shown))
}

/// How many of the newest are listed.
const LISTED: u32 = 50;

/// How many of the newest events are shown.
const EVENTS: u32 = 30;

/// `GET /v1/rollouts/{name}`
pub(in crate::api) async fn show(
    Given(api): Given<Api>,
    Named(name): Named<String>,
) -> Answer<Json<RolloutStatus>> {
    let rollout = api.store.rollout(&name).await?;
    let of = (rollout.id, &*rollout.orders, &rollout.state);
    let mut lasts = lasts(&api.store, of, Reports::With, |_, _| true).await?;
    let rollout = seen(rollout, &lasts);
    let knowledge = api.knowledge().await;
    let targets = (0..).zip(rollout.orders.targets.iter().zip(&rollout.state.targets));
    let targets = targets.map(|(number, (target, one))| {
        let last = lasts.remove(&number);
        let done_again = outside::said(last.as_ref());
        let found = last.map(|last| last.of);
        let (state, at, why) = standing(one, rollout.begin);
        let waits =
            || one.asks.as_ref().map(|asks| format!("approval: {asks}")).or(one.held.clone());
        let wave = rollout.plan.waves.get(target.wave);
        TargetView {
            lpar: target.lpar.clone(),
            wave: wave.map_or_else(|| rollout.name.clone(), |wave| wave.name.clone()),
            state: state.to_owned(),
            attempt: one.tries(),
            at,
            why: match one.is {
                Is::Waiting { .. } => both(waits(), done_again),
                _ => both(why.or_else(|| summary(&one.is, found.as_ref())), done_again),
            },
            retry: again(one, found.as_ref(), &knowledge),
            operation: found.map(|found| found.id),
        }
    });
    let targets = targets.collect();
    let events = api.store.rollout_events(rollout.id, EVENTS).await?.into_iter();
    let events = events.map(event_view);
    let told = api.store.deliveries(rollout.id).await?;
    Ok(Json(RolloutStatus { view: view(&rollout), targets, events: events.collect(), told }))
}

/// `POST /v1/rollouts/{name}/turn`
pub(in crate::api) async fn turn(
    Given(api): Given<Api>,
    Asker(who): Asker,
    Named(name): Named<String>,
    Body(AskTurn { turn: asked, ticket }): Body<AskTurn>,
) -> Answer<Json<RolloutView>> {
    under(&api, asked.deed(), ticket.as_ref()).await?;
    // Somebody else may change it at the same time, most often the driver: then it is looked at again.
    for _ in 0..TRIES {
        let mut rollout = api.store.rollout(&name).await?;
        let at = api.store.now().await?;
        let now = tick(rollout.begin, at);
        let (event, what) = event(&asked, &rollout, who)?;
        let cancels = match &asked {
            TurnRollout::Abort { cancel } => rollout.cancels || *cancel,
            // What is tried again after an abort is not what was aborted.
            TurnRollout::Retry { .. } => rollout.cancels && rollout.ended_at.is_none(),
            TurnRollout::Pause
            | TurnRollout::Resume
            | TurnRollout::Promote { .. }
            | TurnRollout::Approve { .. } => rollout.cancels,
        };
        let mut step = Step { now, follows: Follows::Later, events: Vec::new() };
        let mut happened = Vec::new();
        if let (TurnRollout::Retry { remedied, .. }, Event::Retry { targets }) = (&asked, &event) {
            // What was done again outside of it is not started a second time.
            let of = (rollout.id, &*rollout.orders, &rollout.state);
            let lasts =
                lasts(&api.store, of, Reports::With, |_, one| may_be_done_again(one)).await?;
            step.events = outside::happened(&rollout.state, &lasts);
            let reports = lasts.iter().map(|(at, last)| (*at, last.of.report.as_ref())).collect();
            let of = (&*rollout.orders, &rollout.state);
            let doubts =
                doubt::look(&api.store, of, &step.events, &reports, doubt::Who::JustDone).await?;
            step.events.extend(doubts);
            (rollout.state, _, step) = rollout.state.stepped(&rollout.orders, step);
            happened.extend(done_again(&rollout, &step, &lasts));
            may_retry(&api, &rollout, targets, (*remedied, &lasts)).await?;
        }
        let state = rollout.state.clone().noted(&rollout.orders, event.clone(), now);
        let state = state.map_err(|why| refused(&rollout.name, &why))?;
        step.events.push(event);
        happened.push((Some(who), what));
        let recorded = Recorded::new(step, Vec::new(), &state);
        let turn = Turn {
            state: &state,
            recorded: &recorded,
            cancels,
            ticket: ticket.clone(),
            happened,
            notices: told_by(&rollout, &state, who, at)?,
        };
        let effect = Effect::Heed(asked.deed());
        crash::before(effect, &rollout.name);
        let is_stored = api.store.rollout_turn(rollout.id, rollout.version, &turn).await?;
        crash::after(effect, &rollout.name);
        if is_stored {
            return Ok(Json(view(&api.store.rollout(&rollout.id.to_string()).await?)));
        }
    }
    Err(Refusal::new(
        nim_shared::api::FailureKind::Unreachable,
        "NLU-0149",
        format!("rollout {name} changes all the time"),
    )
    .hint(format!("nimctl rollout status {name}")))
}

/// What receivers are told of what somebody did.
fn told_by(rollout: &Rollout, after: &State, who: Who, at: Timestamp) -> Answer<Vec<NewNotice>> {
    let file = read_kept(rollout)?;
    let change = Change { before: &rollout.state, after, by: Some(who), at };
    Ok(notices(&Of::kept(rollout), &file.notify, &change, |_| None))
}

/// Whether the site lets that be done under this ticket, or under none.
async fn under(api: &Api, deed: Deed, ticket: Option<&Ticket>) -> Answer<()> {
    let rule = current(&api.store).await?.unwrap_or_default().rollouts;
    rule.may(deed, ticket).map_err(|why| {
        Refusal::refused("NLU-0225", why.to_string())
            .hint("give it with --ticket TICKET; nimctl policy show has what is wanted")
    })
}

/// How often a change is tried.
const TRIES: usize = 20;

/// What is asked for, as the decision takes it, and in words.
fn event(asked: &TurnRollout, rollout: &Rollout, who: Who) -> Answer<(Event, String)> {
    Ok(match asked {
        TurnRollout::Pause => (Event::Pause, "paused".to_owned()),
        TurnRollout::Resume => (Event::Resume, "resumed".to_owned()),
        TurnRollout::Abort { cancel: false } => {
            (Event::Abort { running: Running::Drain }, "aborted (what runs finishes)".to_owned())
        }
        TurnRollout::Abort { cancel: true } => (
            Event::Abort { running: Running::Cancel },
            "aborted (what runs is cancelled where it can be)".to_owned(),
        ),
        TurnRollout::Promote { lpars } if lpars.is_empty() => {
            (Event::Promote, "the next wave was let begin".to_owned())
        }
        TurnRollout::Promote { lpars } => {
            let targets = numbers(lpars, rollout)?;
            for (lpar, &target) in lpars.iter().zip(&targets) {
                let one = &rollout.state.targets[target as usize];
                if !(one.is_doubted() && matches!(one.is, Is::Ended { .. })) {
                    let why = if one.is_doubted() {
                        format!(
                            "{lpar} is updated, and its place on the frame is not free yet: take it for healthy when it is"
                        )
                    } else {
                        format!(
                            "{lpar} is not among those that are updated and not known to be healthy"
                        )
                    };
                    return Err(Refusal::refused("NLU-0142", why)
                        .hint(format!("nimctl rollout status {}", rollout.name)));
                }
            }
            let names: Vec<&str> = lpars.iter().map(ObjectName::as_str).collect();
            (Event::Trust { targets }, format!("taken for healthy: {}", names.join(" ")))
        }
        TurnRollout::Approve { fingerprint, lpars } if lpars.is_empty() => (
            Event::Approve { by: who.uid, fingerprint: *fingerprint },
            "the wave was approved".to_owned(),
        ),
        TurnRollout::Approve { fingerprint, lpars } => {
            let targets = numbers(lpars, rollout)?;
            let names: Vec<&str> = lpars.iter().map(ObjectName::as_str).collect();
            let asks = |at: &TargetNumber| rollout.state.targets[*at as usize].asks.is_some();
            if let Some((lpar, _)) = lpars.iter().zip(&targets).find(|(_, at)| !asks(at)) {
                let why = format!("{lpar} waits for no approval of its own");
                let hint = format!(
                    "nimctl why {0} has what it waits for; a wave is approved without names",
                    rollout.name
                );
                return Err(Refusal::refused("NLU-0142", why).hint(hint));
            }
            let asked = rollout.orders.asked(&rollout.state, &targets);
            if *fingerprint != asked {
                let asks = lpars.iter().zip(&targets).filter_map(|(lpar, at)| {
                    let asks = rollout.state.targets[*at as usize].asks.as_ref()?;
                    Some(format!("{lpar}: {asks}"))
                });
                let asks: Vec<String> = asks.collect();
                let why = format!(
                    "rollout {}: what is asked of {} is not what was seen: {}",
                    rollout.name,
                    names.join(" "),
                    asks.join("; ")
                );
                let hint = format!(
                    "if that is to be approved: nimctl rollout approve {} --fingerprint {asked} {}",
                    rollout.name,
                    names.join(" ")
                );
                return Err(Refusal::refused("NLU-0142", why).hint(hint));
            }
            (
                Event::ApproveTargets { by: who.uid, targets },
                format!("approved: {}", names.join(" ")),
            )
        }
        TurnRollout::Retry { lpars, remedied } => {
            let targets = numbers(lpars, rollout)?;
            let names: Vec<&str> = lpars.iter().map(ObjectName::as_str).collect();
            let first = if *remedied { "what it asks for was done; " } else { "" };
            (Event::Retry { targets }, format!("{first}tried again: {}", names.join(" ")))
        }
    })
}

/// The numbers of LPARs among the targets.
fn numbers(lpars: &[ObjectName], rollout: &Rollout) -> Answer<Vec<TargetNumber>> {
    let number = |lpar: &ObjectName| {
        let found = (0..).zip(&rollout.orders.targets).find(|(_, one)| one.lpar == *lpar);
        found.map(|(number, _)| number).ok_or_else(|| {
            Refusal::usage("NLU-0142", format!("{lpar} is no target of rollout {}", rollout.name))
        })
    };
    lpars.iter().map(number).collect()
}

/// What of the targets was done again outside of the rollout, in words.
fn done_again(rollout: &Rollout, step: &Step, lasts: &Lasts) -> Vec<(Option<Who>, String)> {
    let told = step.events.iter().filter_map(|event| {
        let Event::DoneAgain { target, end, .. } = event else { return None };
        let lpar = &rollout.orders.targets[*target as usize].lpar;
        let text = format!("{lpar} is {}: {}", ended(end).0, outside::said(lasts.get(target))?);
        Some((None, text))
    });
    told.collect()
}

/// Refuses what cannot be tried again, and what would fail again.
async fn may_retry(
    api: &Api,
    rollout: &Rollout,
    targets: &[TargetNumber],
    (remedied, lasts): (bool, &Lasts),
) -> Answer<()> {
    if rollout.ended_at.is_some() && api.store.rollout_open(&rollout.name).await?.is_some() {
        return Err(open(&rollout.name));
    }
    let knowledge = api.knowledge().await;
    for &number in targets {
        let lpar = &rollout.orders.targets[number as usize].lpar;
        let one = &rollout.state.targets[number as usize];
        match again(one, lasts.get(&number).map(|last| &last.of), &knowledge) {
            TryAgain::Now => {}
            TryAgain::AfterRemedy { .. } if remedied => {}
            TryAgain::AfterRemedy { remedy } => {
                let why = format!("{lpar} would fail again: {remedy}");
                return Err(Refusal::refused("NLU-0156", why).hint(format!(
                    "do that, then nimctl rollout retry --remedied {}",
                    rollout.name
                )));
            }
            TryAgain::Not { why } => {
                let why = format!("{lpar} cannot be tried again: {why}");
                return Err(Refusal::refused("NLU-0142", why)
                    .hint(format!("nimctl rollout status {}", rollout.name)));
            }
        }
    }
    Ok(())
}

/// One of this name runs.
fn open(name: &ObjectName) -> Refusal {
    Refusal::refused("NLU-0137", format!("a rollout called {name} is under way"))
        .hint(format!("nimctl rollout status {name}"))
}

fn refused(name: &ObjectName, why: &nim_rollout::run::Refused) -> Refusal {
    Refusal::refused("NLU-0142", format!("rollout {name}: {why}"))
        .hint(format!("nimctl rollout status {name}"))
}

pub(super) fn view(rollout: &Rollout) -> RolloutView {
    let state = &rollout.state;
    let waits_for = match &state.phase {
        Phase::Stopped { why } => Some(format!("somebody to resume or abort it: {why}")),
        Phase::Paused => Some("somebody to resume it".to_owned()),
        Phase::Running => gate(state, rollout.begin).or_else(|| {
            let last = "what holds back the last of the wave, or somebody to promote the next";
            state.is_kept_by_others(&rollout.orders).then(|| last.to_owned())
        }),
        Phase::Planned | Phase::Aborting | Phase::Ended => None,
    };
    let wave = rollout.plan.waves.get(state.wave);
    RolloutView {
        id: rollout.id,
        name: rollout.name.clone(),
        phase: state.phase.name().to_owned(),
        waits_for,
        wave: wave.map_or_else(|| rollout.name.clone(), |wave| wave.name.clone()),
        fingerprint: rollout.plan.fingerprint,
        begin: rollout.begin,
        planned_end: rollout.plan.end,
        requested_by: rollout.requested_by.uid,
        ticket: rollout.ticket.clone(),
        created_at: rollout.created_at,
        ended_at: rollout.ended_at,
        counts: counts(state),
        excluded: rollout.plan.excluded.len(),
    }
}

/// How many targets stand where.
pub(super) fn counts(state: &State) -> RolloutCounts {
    let mut counts = RolloutCounts::default();
    for one in &state.targets {
        let of = match &one.is {
            Is::Waiting { .. } => &mut counts.waiting,
            Is::Starting { .. }
            | Is::Running { .. }
            | Is::Recalled { .. }
            | Is::Releasing { .. } => &mut counts.in_flight,
            Is::Ended { end, .. } => match end {
                End::Updated | End::Unchanged => &mut counts.done,
                End::Failed { .. } | End::Stuck => &mut counts.failed,
                End::Unreachable => &mut counts.unreachable,
                End::Cancelled | End::Skipped { .. } | End::NotStarted { .. } => {
                    &mut counts.left_out
                }
            },
        };
        *of += 1;
    }
    counts
}

/// What the next wave waits for.
pub(super) fn gate(state: &State, begin: Timestamp) -> Option<String> {
    match state.gate {
        Gate::Open => None,
        Gate::Approval => Some("somebody who has not started it to approve the wave".to_owned()),
        Gate::Soaking { until } => {
            Some(format!("the wave before it to soak until {}", said(time(begin, until))))
        }
        Gate::Promotion => {
            let few = "too few of this one are updated and known to be healthy";
            Some(format!("somebody to promote the next wave: {few}"))
        }
    }
}

/// A time as people are told it.
fn said(at: Timestamp) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    at.get().format(form).unwrap_or_else(|_| at.to_string())
}

pub(super) fn time(begin: Timestamp, at: nim_rollout::site::Tick) -> Timestamp {
    begin.plus(std::time::Duration::from_secs(at.into()))
}

/// What is said of a target that is called back.
pub(super) const RECALLED: &str =
    "it waited for capacity of its frame until its window was too short; it comes in the next";

/// State, time and reason of a target.
pub(super) fn standing(
    one: &Standing,
    begin: Timestamp,
) -> (&'static str, Option<Timestamp>, Option<String>) {
    let at = |tick| Some(time(begin, tick));
    match &one.is {
        Is::Waiting { from } => ("waiting", at(*from), None),
        Is::Starting { since } => ("starting", at(*since), None),
        Is::Running { since } => ("running", at(*since), None),
        Is::Recalled { since } => ("recalled", at(*since), Some(RECALLED.to_owned())),
        Is::Releasing { since, .. } => ("releasing", at(*since), in_doubt(one)),
        Is::Ended { end, keeps_capacity } => {
            let (state, why) = ended(end);
            let why = both(why, in_doubt(one));
            let kept = "what it takes of its frame is not free";
            let why = match (why, keeps_capacity) {
                (Some(why), true) => Some(format!("{why}; {kept}")),
                (None, true) => Some(kept.to_owned()),
                (why, false) => why,
            };
            (state, None, why)
        }
    }
}

/// That a target is done and not known to be healthy, and why.
pub(super) fn in_doubt(one: &Standing) -> Option<String> {
    let doubts: Vec<String> =
        one.doubts.difference(&one.trusted).map(ToString::to_string).collect();
    one.is_doubted().then(|| format!("not known to be healthy: {}", doubts.join("; ")))
}

/// What decided how the operation of a target ended, where that is no good end.
pub(super) fn summary(is: &Is, found: Option<&Started>) -> Option<String> {
    match is {
        Is::Ended { end: End::Failed { .. } | End::Stuck | End::Cancelled, .. }
        | Is::Releasing { end: End::Failed { .. } | End::Stuck | End::Cancelled, .. } => {}
        Is::Waiting { .. }
        | Is::Starting { .. }
        | Is::Running { .. }
        | Is::Recalled { .. }
        | Is::Releasing { .. }
        | Is::Ended { .. } => return None,
    }
    let summary = &found?.report.as_ref()?.summary;
    (!summary.is_empty()).then(|| summary.clone())
}

/// How a target ended, and why.
pub(super) fn ended(end: &End) -> (&'static str, Option<String>) {
    match end {
        End::Updated => ("updated", None),
        End::Unchanged => ("unchanged", None),
        End::Failed { .. } => ("failed", None),
        End::Unreachable => ("unreachable", None),
        End::Stuck => ("stuck", None),
        End::Cancelled => ("cancelled", None),
        End::Skipped { why } => ("skipped", Some(why.clone())),
        End::NotStarted { why } => ("not_started", Some(why.clone())),
    }
}
