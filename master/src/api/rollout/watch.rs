//! `GET /v1/rollouts/{name}/watch`: how a rollout stands and what happened since, for whoever asks every second. So many queries, however
//! many LPARs there are.

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use axum::extract::State as Given;
use nim_rollout::run::{End, Gate, Is, Outlook, Phase, Standing};
use nim_shared::api::{
    Approval, RolloutEvent, RolloutOutlook, WatchedLpar, WatchedRollout, WatchedWave,
};
use nim_shared::code::{Knowledge, Meaning};
use nim_shared::id::{ClientToken, ObjectName};
use nim_shared::stamp::Timestamp;

use super::driver::{tick, token};
use super::outside::after_its_end;
use super::run::{standing, time, view};
use super::site::watched_frames;
use crate::api::Api;
use crate::api::apply::blocking;
use crate::api::error::Answer;
use crate::api::extract::{Named, Query};
use crate::store::rollout::{Happened, Rollout, Watched};

/// How many of the newest events come first.
const NEWEST: u32 = 30;

/// How many events come at a time.
const EVENTS: u32 = 1000;

/// `GET /v1/rollouts/{name}/watch`
pub(in crate::api) async fn watch(
    Given(api): Given<Api>,
    Named(name): Named<String>,
    mut query: Query,
) -> Answer<Json<WatchedRollout>> {
    let after = query.one::<i64>("after")?;
    query.end()?;
    let store = &api.store;
    let rollout = after_its_end(store, store.rollout(&name).await?).await?;
    // After the state: what led to it is among them.
    let (events, last_event) = match after {
        Some(after) => store.rollout_events_after(rollout.id, after, EVENTS).await?,
        None => store.rollout_events_newest(rollout.id, NEWEST).await?,
    };
    let tokens: Vec<ClientToken> = (0..)
        .zip(&rollout.state.targets)
        .filter(|(_, one)| is_looked_at(one))
        .map(|(number, one)| token(rollout.id, &rollout.orders, number, one.attempt))
        .collect();
    let updates = store.watched(&tokens).await?;
    let at = store.now().await?;
    let frames = frames_of(&rollout);
    let names: BTreeSet<&ObjectName> = frames.iter().flatten().collect();
    let names: Vec<&ObjectName> = names.into_iter().collect();
    let shown = watched_frames(&api, &names).await?;
    let knowledge = api.knowledge().await;
    drop(names);
    blocking(move || {
        let outlook = rollout.state.outlook(&rollout.orders, tick(rollout.begin, at));
        Json(WatchedRollout {
            view: view(&rollout),
            at,
            waves: waves(&rollout),
            frames: shown,
            targets: targets(&rollout, &frames, updates, (outlook.as_ref(), &knowledge)),
            outlook: outlook.map(|outlook| expected(&rollout, &outlook)),
            events: events.into_iter().map(event).collect(),
            last_event,
        })
    })
    .await
}

pub(super) fn event(one: Happened) -> RolloutEvent {
    let Happened { at, by, what, ticket } = one;
    RolloutEvent { at, by: by.map(|who| who.uid), what, ticket }
}

/// Whether something is to be said of its update: it is under way, or did not end well.
fn is_looked_at(one: &Standing) -> bool {
    match &one.is {
        Is::Waiting { .. } => false,
        Is::Starting { .. } | Is::Running { .. } | Is::Recalled { .. } | Is::Releasing { .. } => {
            true
        }
        Is::Ended { end, .. } => match end {
            End::Failed { .. } | End::Stuck | End::Unreachable | End::Cancelled => true,
            End::Updated | End::Unchanged | End::Skipped { .. } | End::NotStarted { .. } => false,
        },
    }
}

/// The frame of each target when it was planned. One that was held back then has the frame of those that were planned on the same.
fn frames_of(rollout: &Rollout) -> Vec<Option<ObjectName>> {
    let planned: HashMap<&ObjectName, &ObjectName> = rollout
        .plan
        .targets
        .iter()
        .filter_map(|one| Some((&one.lpar, one.frame.as_ref()?)))
        .collect();
    let targets = &rollout.orders.targets;
    let numbers: HashMap<u32, &ObjectName> =
        targets.iter().filter_map(|one| Some((one.job.frame, *planned.get(&one.lpar)?))).collect();
    targets.iter().map(|one| numbers.get(&one.job.frame).map(|name| (*name).clone())).collect()
}

fn waves(rollout: &Rollout) -> Vec<WatchedWave> {
    let waves = rollout.plan.waves.iter().map(|wave| WatchedWave {
        name: wave.name.clone(),
        planned_begin: wave.begin,
        planned_end: wave.end,
    });
    waves.collect()
}

fn targets(
    rollout: &Rollout,
    frames: &[Option<ObjectName>],
    mut updates: HashMap<ClientToken, Watched>,
    (outlook, knowledge): (Option<&Outlook>, &Knowledge),
) -> Vec<WatchedLpar> {
    let starts: HashMap<u32, Timestamp> = outlook
        .iter()
        .flat_map(|outlook| &outlook.starts)
        .map(|(number, at)| (*number, time(rollout.begin, *at)))
        .collect();
    let all = rollout.orders.targets.iter().zip(&rollout.state.targets).zip(frames);
    let made = (0..).zip(all).map(|(number, ((target, one), frame))| {
        let (state, since, why) = standing(one, rollout.begin);
        let found = is_looked_at(one)
            .then(|| updates.remove(&token(rollout.id, &rollout.orders, number, one.attempt)))
            .flatten();
        let is_bad = one.is.end().is_some_and(|end| !matches!(end, End::Updated | End::Unchanged));
        let said = found.as_ref().filter(|_| is_bad);
        let summary = said.and_then(|found| found.summary.clone()).filter(|text| !text.is_empty());
        let known = said.map(|found| knowledge.of_codes(&found.codes, &found.messages));
        let known = known.as_deref().and_then(Meaning::nearest);
        let waits =
            || one.asks.as_ref().map(|asks| format!("approval: {asks}")).or(one.held.clone());
        WatchedLpar {
            lpar: target.lpar.clone(),
            wave: target.wave,
            frame: frame.clone(),
            state: state.to_owned(),
            attempt: one.tries(),
            since: since.filter(|_| !matches!(one.is, Is::Waiting { .. })),
            starts: starts.get(&number).copied(),
            why: match one.is {
                Is::Waiting { .. } => waits(),
                _ => why.or(summary),
            },
            code: known.map(|known| known.code.to_string()),
            remedy: known.map(|known| known.remedy.to_string()),
            update: found.map(|found| found.update),
        }
    });
    made.collect()
}

/// What is to be expected, and what has to be so for that.
fn expected(rollout: &Rollout, outlook: &Outlook) -> RolloutOutlook {
    let state = &rollout.state;
    let waiting = |is: fn(&Standing) -> bool| {
        state.targets.iter().filter(|one| matches!(one.is, Is::Waiting { .. }) && is(one)).count()
    };
    let mut provided = Vec::new();
    if let Phase::Paused | Phase::Stopped { .. } = state.phase {
        provided.push("it is resumed".to_owned());
    }
    let waves = rollout.plan.waves.iter().enumerate();
    let is_asked = |at: usize, approval: Approval| {
        approval == Approval::Yes
            && (at > state.wave || (at == state.wave && state.gate == Gate::Approval))
    };
    if state.gate == Gate::Promotion {
        provided.push("the next wave is promoted".to_owned());
    }
    let asked = waves.filter(|(at, wave)| is_asked(*at, wave.approval));
    provided.extend(asked.map(|(_, wave)| format!("wave {} is approved", wave.name)));
    let lpars =
        |number: usize| if number == 1 { "1 LPAR".to_owned() } else { format!("{number} LPARs") };
    match waiting(|one| one.asks.is_some()) {
        0 => {}
        number => provided.push(format!(
            "{} approved that ask for it",
            if number == 1 { "1 LPAR is".to_owned() } else { format!("{number} LPARs are") }
        )),
    }
    match waiting(|one| one.held.is_some()) {
        0 => {}
        number => provided.push(format!("what holds back {} ends", lpars(number))),
    }
    if !outlook.never.is_empty() {
        provided.push(format!("a window is made for {}", lpars(outlook.never.len())));
    }
    RolloutOutlook {
        usual_end: time(rollout.begin, outlook.usual_end),
        end: time(rollout.begin, outlook.end),
        provided,
    }
}
