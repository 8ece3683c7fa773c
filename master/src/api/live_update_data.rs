//! `POST /v1/live-update-data`, and what `live_update_data=auto` is made of: LPARs looked at live, their disks judged with what is known
//! of all others, and the whole file with a reason for each value.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use nim_shared::aix;
use nim_shared::api::{
    Against, DataProposal, Failure, Generate, Generated, JudgedDisk, ProposalState, ProposedValue,
};
use nim_shared::disks::{
    self, Around, Choice, ChosenDisk, ConsoleFacts, DiskFacts, Others, PoolEntry, Proposal,
    SeenDisk, Site,
};
use nim_shared::id::ObjectName;
use nim_shared::object::{Object, Spec};
use nim_shared::operation::Named;
use nim_shared::preflight::Fact;
use nim_shared::preflight::probe::{Answer as Found, ProbeId};
use nim_shared::stamp::Timestamp;
use nim_shared::unit::ProcessorUnits;
use tokio::time::{Instant, timeout_at};

use super::error::Answer;
use super::extract::Body;
use super::look::{AT_A_TIME, Silence, named_or_all};
use super::{Api, DiskLook, Looked};
use crate::inventory::frame::Seen as Frame;
use crate::store::object::Target;

/// `POST /v1/live-update-data`
pub(super) async fn generate(
    State(api): State<Api>,
    Body(asked): Body<Generate>,
) -> Answer<Json<Generated>> {
    let targets = named_or_all(&api, &asked.targets).await?;
    let lpars =
        written(&api, &targets, Sharers::Now).await?.into_iter().map(|one| one.view).collect();
    Ok(Json(Generated { lpars }))
}

/// What would be written for one LPAR.
pub(super) struct Written {
    /// As it is shown.
    pub(super) view: DataProposal,
    /// The file, as far as it goes.
    pub(super) proposal: Proposal,
    /// The disks that were chosen.
    pub(super) disks: Vec<ChosenDisk>,
}

/// When the LPARs that might see the same disk were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharers {
    /// They are looked at for this: somebody waits for the answer.
    Now,
    /// A while ago will do. A rollout asks for each of its starts, and each would have all LPARs of the site looked at.
    Lately,
}

impl Sharers {
    /// How long ago at most an LPAR was seen that is not looked at for this.
    const fn age(self) -> Duration {
        match self {
            Self::Now => Duration::ZERO,
            Self::Lately => Duration::from_secs(600),
        }
    }
}

/// Looks at `targets` and writes the file of each, in their order.
pub(super) async fn written(
    api: &Api,
    targets: &[Target],
    sharers: Sharers,
) -> Answer<Vec<Written>> {
    let pools = pools(api, targets).await?;
    let silence = Silence::new(api);
    let looks: Vec<BoxFuture<'_, Result<Looked, Failure>>> = targets
        .iter()
        .zip(&pools)
        .map(|(target, pool)| {
            look(api, &silence, &target.name, DiskLook::Closely(pool.clone())).boxed()
        })
        .collect();
    // In the order in which they were named, whoever answers first.
    let looked: Vec<Result<Looked, Failure>> =
        stream::iter(looks).buffered(AT_A_TIME).collect().await;
    let facts: Vec<Option<DiskFacts>> = looked
        .iter()
        .map(|looked| Some(DiskFacts::read(&looked.as_ref().ok()?.probed, "it was not looked at")))
        .collect();
    let now = api.clock.now();
    let seen = targets.iter().zip(&facts).filter_map(|(target, facts)| {
        Some((target.name.clone(), now, facts.as_ref()?.disks.as_ref().ok()?.clone()))
    });
    api.store.record_disks(&seen.collect::<Vec<_>>()).await?;
    // Those that were asked a moment ago are not asked once more.
    let asked: BTreeSet<&ObjectName> = targets.iter().map(|target| &target.name).collect();
    let others = others(api, &silence, &asked, sharers).await?;
    let names: Vec<&ObjectName> = targets.iter().map(|target| &target.name).collect();
    let runs = api.store.live_updates_of(&names).await?;
    let frames = processors(api, targets).await;
    let consoles = consoles(api, targets).await?;
    let names: Vec<ObjectName> = targets.iter().filter_map(|target| own(&target.name)).collect();
    let there = super::cust::objects(&api.store, &names).await?;
    let mut all = Vec::new();
    for (((target, pool), looked), facts) in targets.iter().zip(pools).zip(looked).zip(facts) {
        let pins = disks::pins(runs.get(&target.name).map_or(&[], Vec::as_slice));
        let site = Site { lpar: &target.name, pool: &pool, others: &others, pins: &pins };
        let (level, failure) = match looked {
            Ok(looked) => (looked.level, None),
            Err(failure) => (None, Some(failure)),
        };
        let choice = facts.as_ref().map_or_else(Choice::none, |facts| disks::choose(facts, &site));
        let around = Around {
            level: level
                .as_deref()
                .ok_or_else(|| "it was not looked at".to_owned())
                .and_then(|text| aix::oslevel(text).map_err(|bad| bad.to_string())),
            console: consoles.get(&target.name).cloned().unwrap_or_else(|| {
                Err(format!("{} names no frame that has one: mgmt_source", target.name))
            }),
            processors: frames.get(&target.name).copied().ok_or_else(String::new),
        };
        let proposal = disks::propose(&choice, &around);
        let disks = chosen(&choice);
        let name_disks = match own(&target.name).filter(|own| there.contains_key(own)) {
            Some(own) => format!(
                "nimctl change -a ATTRIBUTE=VALUE {own}, which is there already (nimctl show {own})"
            ),
            None => format!("nimctl define -t live_update_data lud_{}", target.name),
        };
        let looked = Shown { target, pool, level, failure, name_disks, at: now };
        let view = looked.view(&choice, &proposal);
        all.push(Written { view, proposal, disks });
    }
    Ok(all)
}

/// How long LPARs are looked at together that are not asked for themselves, and whose disks were never seen.
const UNSEEN: Duration = Duration::from_secs(120);

/// How long LPARs are looked at together that were seen before.
const OUTDATED: Duration = Duration::from_secs(20);

/// Most LPARs that were seen before and are looked at again for one answer.
const AGAIN: usize = 1000;

/// Looks at the disks of an LPAR, unless its workload is being moved.
pub(super) async fn look(
    api: &Api,
    silence: &Silence,
    lpar: &ObjectName,
    wanted: DiskLook,
) -> Result<Looked, Failure> {
    match silence.refuse(lpar, "lspv").await {
        Ok(()) => api.hosts.disks(lpar.clone(), wanted).await,
        Err(refusal) => Err(refusal.failure()),
    }
}

/// The pool of each: its own, and that of its frame.
async fn pools(api: &Api, targets: &[Target]) -> Answer<Vec<Vec<PoolEntry>>> {
    let frames: BTreeSet<ObjectName> =
        targets.iter().filter_map(|target| target.frame.clone()).collect();
    let frames = super::cust::objects(&api.store, &frames.into_iter().collect::<Vec<_>>()).await?;
    let of = |target: &Target| {
        let frame = target.frame.as_ref().and_then(|name| match frames.get(name) {
            Some(Object { spec: Spec::Cec(cec), .. }) => Some(cec.disk_pool.as_slice()),
            _ => None,
        });
        target.lpar.disk_pool.iter().chain(frame.unwrap_or_default()).cloned().collect()
    };
    Ok(targets.iter().map(of).collect())
}

/// The disks of all LPARs but those `asked` already. Who was never seen is looked at now, and who was seen too long ago: a LUN may have
/// been mapped to it since. Who gives no answer counts as it was seen last.
async fn others(
    api: &Api,
    silence: &Silence,
    asked: &BTreeSet<&ObjectName>,
    sharers: Sharers,
) -> Answer<Others> {
    let (mut others, now) = (Others::default(), api.clock.now());
    let mut unseen: BTreeSet<ObjectName> = BTreeSet::new();
    let mut outdated: Vec<(Timestamp, ObjectName, Vec<SeenDisk>)> = Vec::new();
    for (lpar, last) in api.store.disks_of_all().await? {
        match last {
            Some(last) if !asked.contains(&lpar) && now.since(last.at) >= sharers.age() => {
                outdated.push((last.at, lpar, last.disks));
            }
            Some(last) => others.sees(&lpar, &last.disks),
            None => drop(unseen.insert(lpar)),
        }
    }
    let never: Vec<ObjectName> =
        unseen.iter().filter(|lpar| !asked.contains(lpar)).cloned().collect();
    let mut found = looked_at(api, silence, never, UNSEEN).await;
    // The oldest first: of a large site the next look takes the others.
    outdated.sort_by_key(|(at, ..)| *at);
    let again = outdated.iter().take(AGAIN).map(|(_, lpar, _)| lpar.clone()).collect();
    found.extend(looked_at(api, silence, again, OUTDATED).await);
    for (lpar, _, disks) in &found {
        others.sees(lpar, disks);
        unseen.remove(lpar);
    }
    let answered: BTreeSet<&ObjectName> = found.iter().map(|(lpar, ..)| lpar).collect();
    for (_, lpar, disks) in outdated.iter().filter(|(_, lpar, _)| !answered.contains(lpar)) {
        others.sees(lpar, disks);
    }
    api.store.record_disks(&found).await?;
    unseen.into_iter().for_each(|lpar| others.never_seen(lpar));
    Ok(others)
}

/// The disks of those of `lpars` that answer within `limit`.
async fn looked_at(
    api: &Api,
    silence: &Silence,
    lpars: Vec<ObjectName>,
    limit: Duration,
) -> Vec<(ObjectName, Timestamp, Vec<SeenDisk>)> {
    let looks = lpars.into_iter().map(|lpar| {
        async move { (look(api, silence, &lpar, DiskLook::Names).await, lpar) }.boxed()
    });
    let looks: Vec<BoxFuture<'_, (Result<Looked, Failure>, ObjectName)>> = looks.collect();
    let mut looks = stream::iter(looks).buffer_unordered(AT_A_TIME);
    let end = Instant::now() + limit;
    let mut found = Vec::new();
    while let Ok(Some((looked, lpar))) = timeout_at(end, looks.next()).await {
        if let Some(disks) = looked.ok().and_then(|looked| named(&looked)) {
            found.push((lpar, api.clock.now(), disks));
        }
    }
    found
}

/// The disks in a look at their names alone.
pub(super) fn named(looked: &Looked) -> Option<Vec<SeenDisk>> {
    looked.probed.iter().find_map(|one| match (&one.probe.id, &one.answer) {
        (Named::Known(ProbeId::DiskIdentities), Found::Printed { status: 0, stdout, .. }) => {
            let all = aix::lspv_u(stdout);
            // A line that cannot be read may be of the disk that matters.
            (all.unread.is_empty() && all.omitted == 0).then_some(all.rows)
        }
        _ => None,
    })
}

/// Of each LPAR the processors that its frame has free, and those that its surrogate takes; without those of which they are not known.
async fn processors(
    api: &Api,
    targets: &[Target],
) -> BTreeMap<ObjectName, (ProcessorUnits, ProcessorUnits)> {
    let frames: BTreeSet<&ObjectName> =
        targets.iter().filter_map(|target| target.frame.as_ref()).collect();
    let looks: Vec<BoxFuture<'_, (&ObjectName, Frame)>> = frames
        .into_iter()
        .map(|name| async move { (name, api.hosts.frame(name.clone(), Vec::new()).await) }.boxed())
        .collect();
    let frames: BTreeMap<&ObjectName, Frame> =
        stream::iter(looks).buffer_unordered(AT_A_TIME).collect().await;
    let known = targets.iter().filter_map(|target| {
        let Some(Frame::View(view)) = frames.get(target.frame.as_ref()?) else { return None };
        let partition = target.lpar.partition(&target.name);
        let own = view.partitions.iter().find(|one| one.view.name == partition)?;
        let need = own.need?.processors;
        Some((target.name.clone(), (view.reading?.free_processors, need)))
    });
    known.collect()
}

/// The preferred console of each LPAR's frame.
async fn consoles(
    api: &Api,
    targets: &[Target],
) -> Answer<BTreeMap<ObjectName, Fact<ConsoleFacts>>> {
    let names: BTreeSet<ObjectName> =
        targets.iter().filter_map(|target| target.hmc.clone()).collect();
    let hmcs = super::cust::objects(&api.store, &names.into_iter().collect::<Vec<_>>()).await?;
    let of = targets.iter().filter_map(|target| {
        let Some(Object { name, spec: Spec::Hmc(hmc), .. }) = hmcs.get(target.hmc.as_ref()?) else {
            return None;
        };
        let console = ConsoleFacts {
            name: name.to_string(),
            address: hmc.lpar_address.clone().unwrap_or_else(|| hmc.if1.hostname.clone()),
            user: hmc.login.clone(),
        };
        Some((target.name.clone(), Ok(console)))
    });
    Ok(of.collect())
}

/// The disks as an order carries them.
fn chosen(choice: &Choice) -> Vec<ChosenDisk> {
    let one = |picked: &disks::Picked| ChosenDisk {
        role: picked.role,
        name: picked.disk.name.clone(),
        pvid: picked.disk.pvid.clone(),
        udid: picked.disk.udid.clone(),
        needed: picked.needed,
    };
    choice.picked.iter().map(one).collect()
}

/// What is shown beside what was decided.
struct Shown<'a> {
    target: &'a Target,
    pool: Vec<PoolEntry>,
    level: Option<String>,
    failure: Option<Failure>,
    /// What is typed to name the disks oneself.
    name_disks: String,
    at: Timestamp,
}

/// The name that its own `live_update_data` has by custom.
fn own(lpar: &ObjectName) -> Option<ObjectName> {
    format!("lud_{lpar}").parse().ok()
}

impl Shown<'_> {
    /// The proposal as it is shown.
    fn view(self, choice: &Choice, proposal: &Proposal) -> DataProposal {
        let Self { target, pool, level, failure, name_disks, at } = self;
        let lpar = &target.name;
        let is_whole = failure.is_none() && proposal.missing.is_empty();
        let state = match (is_whole, pool.is_empty()) {
            (false, _) => ProposalState::Incomplete,
            (true, true) => ProposalState::Proposed,
            (true, false) => ProposalState::Ready,
        };
        let next = match state {
            ProposalState::Ready => None,
            ProposalState::Proposed => {
                let entries = choice.picked.iter().map(|picked| {
                    match (&picked.disk.pvid, &picked.disk.udid) {
                        (_, Some(udid)) => format!("udid:{udid}"),
                        (Some(pvid), None) => format!("pvid:{pvid}"),
                        (None, None) => String::new(),
                    }
                });
                let entries: Vec<String> = entries.collect();
                let text = format!(
                    "nimctl change -a disk_pool={} {lpar}, once you know that nobody else uses these disks",
                    entries.join(",")
                );
                Some(text)
            }
            ProposalState::Incomplete if failure.is_some() => None,
            ProposalState::Incomplete => {
                Some(format!("mend what is missing, or name the disks yourself: {name_disks}"))
            }
        };
        DataProposal {
            lpar: lpar.clone(),
            at,
            level,
            state: Named::Known(state),
            pool,
            values: proposal
                .values
                .iter()
                .map(|(stanza, key, value, why)| ProposedValue {
                    stanza: (*stanza).to_owned(),
                    key: (*key).to_owned(),
                    value: value.clone(),
                    why: why.clone(),
                })
                .collect(),
            text: is_whole.then(|| proposal.text()),
            disks: choice
                .disks
                .iter()
                .map(|one| JudgedDisk {
                    disk: one.disk.clone(),
                    size: one.size,
                    role: one.role.map(Named::Known),
                    against: one
                        .against
                        .iter()
                        .map(|reason| Against {
                            reason: reason.name().to_owned(),
                            text: reason.to_string(),
                        })
                        .collect(),
                })
                .collect(),
            missing: proposal.missing.clone(),
            next,
            failure,
        }
    }
}
