//! What HMCs show, and the inventory brought up to it.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use futures::future::join_all;
use nim_shared::api::{
    Discover, Discovered, ExchangeKey, FailedHmc, KeyExchanged, PartitionView, SystemView,
};
use nim_shared::id::ObjectName;
use nim_shared::object::{Cec, ObjectType, Spec};
use nim_shared::operation::StateName;
use tracing::info;

use super::Api;
use super::apply::{all_stored, applied};
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named};
use crate::inventory::discover::{Answers, FoundFrame, Inventory, Plan, can_be_listed, plan};
use crate::store::object::{Fault, Mode, ObjectFilter, Problem, Sighting};
use crate::store::operation::OperationFilter;
use crate::store::{self, Store};

/// How often a site is looked at whose objects change meanwhile.
const TRIES: u32 = 3;

/// Most systems of LPARs that are asked who they are in one go.
const ASK: usize = 32;

/// `GET /v1/hmcs/{hmc}/systems`: the frames that an HMC shows.
pub(super) async fn systems(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
) -> Answer<Json<Vec<SystemView>>> {
    hmc(&api.store, &name).await?;
    Ok(Json(api.hosts.systems(name).await.map_err(Refusal::from)?))
}

/// `POST /v1/hmcs/{hmc}/key`: the HMC lets this master in with its key from then on.
pub(super) async fn exchange_key(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
    Body(ask): Body<ExchangeKey>,
) -> Answer<Json<KeyExchanged>> {
    hmc(&api.store, &name).await?;
    let done = api.hosts.exchange_key(name, ask.secret).await.map_err(Refusal::from)?;
    info!(
        hmc.name = %done.hmc, peer.uid = who.uid,
        "uid {} had {} let this master in as {}", who.uid, done.hmc, done.user
    );
    Ok(Json(done))
}

/// `GET /v1/frames/{cec}/partitions`: the partitions of a frame, as the first of its HMCs shows them that can.
pub(super) async fn partitions(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
) -> Answer<Json<Vec<PartitionView>>> {
    let cec = frame(&api.store, &name).await?;
    let mtms = cec.mtms();
    let mut last = Refusal::refused("NLU-0196", format!("{name} is managed by no HMC"))
        .hint(format!("nimctl change -a mgmt_source=HMC {name}"));
    let listed = api.hosts.partitions(cec.mgmt_source, mtms).await;
    if let Some(found) = listed.partitions {
        return Ok(Json(found));
    }
    if let Some((_, failure)) = listed.failed.into_iter().next_back() {
        last = failure.into();
    }
    Err(last)
}

/// `POST /v1/discover`: all or nothing, in one transaction. What changed while the HMCs were asked is not overwritten: they are asked
/// again.
pub(super) async fn discover(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(ask): Body<Discover>,
) -> Answer<Json<Discovered>> {
    let mode = if ask.dry_run { Mode::DryRun } else { Mode::Store };
    let mut tries = 0;
    let (hmcs, survey, findings, differences) = loop {
        let inventory = inventory(&api.store).await?;
        let hmcs = consoles(&api.store, &inventory, ask.hmcs.clone()).await?;
        let survey = survey(&api, &inventory, &hmcs).await?;
        let plan = decide(&api, &survey.frames, &inventory).await;
        tries += 1;
        match api.store.apply(plan.changes, mode, who).await {
            // An update has ended, or somebody has changed something: what was seen before that is no longer what is so.
            Err(store::Error::Faults { faults }) if tries < TRIES && are_stale(&faults) => {}
            done => break (hmcs, survey, plan.findings, done?),
        }
    };
    let applied = applied(differences, !ask.dry_run);
    if !ask.dry_run {
        let seen: Vec<_> = survey
            .states
            .iter()
            .map(|(hmc, one)| Sighting { hmc, mtms: one.mtms(), state: &one.state })
            .collect();
        api.store.hmc_states(&seen).await?;
        info!(
            count = applied.changes.len(),
            peer.uid = who.uid,
            "uid {} looked at {} HMCs: {} objects were created or changed",
            who.uid,
            hmcs.len(),
            applied.changes.len()
        );
    }
    Ok(Json(Discovered { applied, findings, failed: survey.failed }))
}

/// Whether all that is wrong is that something was changed meanwhile.
fn are_stale(faults: &[Fault]) -> bool {
    faults.iter().all(|fault| {
        matches!(fault.problem, Problem::Stale { .. } | Problem::Missing | Problem::Exists(_))
    })
}

/// Plans; asks the systems of LPARs that may be another partition than before, and plans again.
async fn decide(api: &Api, frames: &[FoundFrame], inventory: &Inventory) -> Plan {
    let mut answers = Answers::new();
    loop {
        let plan = plan(frames, inventory, &answers);
        let open: Vec<_> =
            plan.ask.iter().filter(|name| !answers.contains_key(*name)).cloned().collect();
        if open.is_empty() {
            return plan;
        }
        for some in open.chunks(ASK) {
            let asked = some.iter().map(|name| async {
                let status = api.hosts.agent_status(name.clone()).await;
                (name.clone(), status.hello.map(|hello| hello.identity))
            });
            answers.extend(join_all(asked).await);
        }
    }
}

/// What the HMCs showed.
struct Survey {
    frames: Vec<FoundFrame>,
    /// Which HMC showed which frame in which state.
    states: Vec<(ObjectName, SystemView)>,
    failed: Vec<FailedHmc>,
}

/// Asks all HMCs for their frames, and for the partitions of each frame one of them: the preferred one first.
async fn survey(api: &Api, inventory: &Inventory, hmcs: &[ObjectName]) -> Answer<Survey> {
    let asked = hmcs.iter().map(|hmc| async move { (hmc, api.hosts.systems(hmc.clone()).await) });
    let (mut states, mut failed) = (Vec::new(), Vec::new());
    for (hmc, answer) in join_all(asked).await {
        match answer {
            Ok(systems) => states.extend(systems.into_iter().map(|one| (hmc.clone(), one))),
            Err(failure) => failed.push(FailedHmc { hmc: hmc.clone(), failure }),
        }
    }
    if failed.len() == hmcs.len() {
        // Nothing is known of anything: the first reason stands for all.
        let first = failed.swap_remove(0);
        return Err(first.failure.into());
    }
    let mut shown: BTreeMap<String, Vec<(ObjectName, SystemView)>> = BTreeMap::new();
    for (hmc, system) in &states {
        shown.entry(system.mtms()).or_default().push((hmc.clone(), system.clone()));
    }
    let listed = shown.into_iter().map(|(mtms, by)| list(api, inventory, mtms, by));
    let listed = join_all(listed).await;
    let mut frames = Vec::new();
    for (frame, failures) in listed {
        frames.push(frame);
        failed.extend(failures);
    }
    Ok(Survey { frames, states, failed })
}

/// Lists the partitions of one frame, by the first of its HMCs that can.
async fn list(
    api: &Api,
    inventory: &Inventory,
    mtms: String,
    mut by: Vec<(ObjectName, SystemView)>,
) -> (FoundFrame, Vec<FailedHmc>) {
    let preferred = preference(inventory, &mtms);
    // A stable sort: the HMCs that nobody prefers stay in the order in which they were asked.
    by.sort_by_key(|(hmc, system)| {
        let place = preferred.iter().position(|one| one == hmc).unwrap_or(usize::MAX);
        (!can_be_listed(&system.state), place)
    });
    let hmcs: Vec<_> = by.iter().map(|(hmc, _)| hmc.clone()).collect();
    let system = by[0].1.clone();
    let can_list = by.into_iter().filter(|(_, system)| can_be_listed(&system.state));
    let can_list = can_list.map(|(hmc, _)| hmc).collect();
    let listed = api.hosts.partitions(can_list, mtms).await;
    let failed = listed.failed.into_iter().map(|(hmc, failure)| FailedHmc { hmc, failure });
    (FoundFrame { system, hmcs, partitions: listed.partitions }, failed.collect())
}

/// The HMCs of a frame on record, the preferred one first.
fn preference(inventory: &Inventory, mtms: &str) -> Vec<ObjectName> {
    let of = |cec: &Cec| cec.mtms();
    let found = inventory.objects.iter().find_map(|(object, _)| match &object.spec {
        Spec::Cec(cec) if of(cec) == mtms => Some(cec.mgmt_source.clone()),
        _ => None,
    });
    found.unwrap_or_default()
}

/// What is on record.
async fn inventory(store: &Store) -> Result<Inventory, store::Error> {
    let filter = ObjectFilter::default();
    let stored = all_stored(store, &filter).await?;
    let objects = stored.into_iter().map(|one| (one.object, one.version)).collect();
    let open =
        vec![StateName::Queued, StateName::Dispatching, StateName::Running, StateName::Stuck];
    let filter = OperationFilter { states: open, ..OperationFilter::default() };
    let mut busy = BTreeSet::new();
    let mut after = None;
    loop {
        let page = store.operations(&filter, after, nim_shared::api::PAGE_LIMIT).await?;
        busy.extend(page.items.into_iter().map(|one| one.lpar));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(Inventory { objects, busy })
}

/// The HMCs that are to be asked.
async fn consoles(
    store: &Store,
    inventory: &Inventory,
    named: Vec<ObjectName>,
) -> Answer<Vec<ObjectName>> {
    for name in &named {
        hmc(store, name).await?;
    }
    if !named.is_empty() {
        let mut seen = BTreeSet::new();
        return Ok(named.into_iter().filter(|name| seen.insert(name.clone())).collect());
    }
    let all: Vec<_> = inventory
        .objects
        .iter()
        .filter(|(object, _)| object.spec.object_type() == ObjectType::Hmc)
        .map(|(object, _)| object.name.clone())
        .collect();
    if all.is_empty() {
        return Err(Refusal::refused("NLU-0195", "no HMC is defined")
            .hint("nimctl define -t hmc -a if1=\"find_net HOST 0\" -a login=USER NAME"));
    }
    Ok(all)
}

/// That `name` is an HMC.
async fn hmc(store: &Store, name: &ObjectName) -> Answer<()> {
    match store.object(name).await?.object.spec {
        Spec::Hmc(_) => Ok(()),
        other => Err(wrong_type(name, other.object_type(), "hmc")),
    }
}

/// The frame `name`.
async fn frame(store: &Store, name: &ObjectName) -> Answer<Cec> {
    match store.object(name).await?.object.spec {
        Spec::Cec(cec) => Ok(cec),
        other => Err(wrong_type(name, other.object_type(), "cec")),
    }
}

fn wrong_type(name: &ObjectName, found: ObjectType, wanted: &str) -> Refusal {
    Refusal::usage("NLU-0197", format!("{name} is of type {found}, not {wanted}"))
        .hint(format!("nimctl list {wanted}"))
}
