//! What is known around LPARs: each frame and each console asked once, whatever number of LPARs is on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use nim_shared::api::{AdapterKind, ViosReading};
use nim_shared::id::{LparId, ObjectName};
use nim_shared::object::{Hmc, Spec, Standalone};
use nim_shared::policy::Policy;
use nim_shared::preflight::Around;
use nim_shared::preflight::around::{Console, Target as ScsiTarget, Vios};
use nim_shared::unit::Seconds;

use super::AT_A_TIME;
use crate::api::Api;
use crate::api::error::Answer;
use crate::api::policy;
use crate::inventory::details::Details;
use crate::inventory::frame::Seen;
use crate::inventory::hmc::FrameView;
use crate::store::object::Target;
use crate::store::vios::KnownVios;

/// What is known around some LPARs.
pub(super) struct Site {
    frames: BTreeMap<ObjectName, FrameSeen>,
    consoles: BTreeMap<ObjectName, Console>,
    /// HMCs that LPARs get a token of without a person.
    makes_tokens: BTreeSet<ObjectName>,
    /// VIOSes on record, by frame and partition, and what was read of them.
    vioses: BTreeMap<(ObjectName, LparId), ObjectName>,
    readings: BTreeMap<ObjectName, KnownVios>,
    /// Why nothing new is started behind VIOSes, where that is so.
    maintenance: BTreeMap<ObjectName, String>,
    /// What was estimated last for the standstill.
    estimates: BTreeMap<ObjectName, Seconds>,
    /// The site's policy, or why it is not known.
    policy: Result<Policy, String>,
}

/// A frame as an HMC showed it just now, or why none did.
struct FrameSeen {
    hmcs: Vec<ObjectName>,
    view: Result<Arc<FrameView>, String>,
    details: Result<Details, String>,
}

impl Site {
    /// Looks around `targets`.
    pub(super) async fn look(api: &Api, targets: &[Target]) -> Answer<Self> {
        let names: BTreeSet<ObjectName> =
            targets.iter().filter_map(|target| target.frame.clone()).collect();
        let mut hmcs_of = BTreeMap::new();
        for name in &names {
            if let Spec::Cec(cec) = api.store.object(name).await?.object.spec {
                hmcs_of.insert(name.clone(), cec.mgmt_source);
            }
        }
        let hmcs: BTreeSet<ObjectName> = hmcs_of.values().flatten().cloned().collect();
        let mut specs = BTreeMap::new();
        for hmc in hmcs {
            if let Spec::Hmc(spec) = api.store.object(&hmc).await?.object.spec {
                specs.insert(hmc, spec);
            }
        }
        let makes_tokens = specs.iter().filter(|(_, spec)| spec.passwd_file.is_some());
        let makes_tokens = makes_tokens.map(|(hmc, _)| hmc.clone()).collect();
        let names: Vec<&ObjectName> = names.iter().collect();
        let vioses = api.store.vios_partitions(&names).await?;
        let readings = api.store.vioses_on(&names).await?;
        let maintenance = api.store.maintenance().await?.into_iter();
        let maintenance = maintenance.map(|one| (one.on, one.reason)).collect();
        let lpars: Vec<&ObjectName> = targets.iter().map(|target| &target.name).collect();
        let estimates = api.store.last_estimates(&lpars).await?;
        // One that cannot be read stops an update, and says so there.
        let policy = match policy::current(&api.store).await {
            Ok(policy) => Ok(policy.unwrap_or_default()),
            Err(refusal) => Err(refusal.failure().message),
        };
        let (consoles, frames) = tokio::join!(consoles(api, specs), frames(api, hmcs_of));
        Ok(Self {
            frames,
            consoles,
            makes_tokens,
            vioses,
            readings,
            maintenance,
            estimates,
            policy,
        })
    }

    /// What is known around one LPAR.
    pub(super) fn around(&self, target: &Target) -> Around {
        let estimate = self.estimates.get(&target.name).copied();
        let estimate = estimate.ok_or_else(|| "no preview estimated the standstill yet".to_owned());
        let policy = self.policy.as_ref().map_err(Clone::clone);
        let prep =
            policy.clone().map(|policy| policy.prep_of(&target.name, &target.labels).steps());
        let backup = policy.map(|policy| policy.backup_of(&target.name, &target.labels).cloned());
        Around { estimate, prep, backup, ..self.seen(target) }
    }

    fn seen(&self, target: &Target) -> Around {
        let Some(frame) = &target.frame else {
            return Around::unknown("the LPAR names no frame: mgmt_source");
        };
        let Some(seen) = self.frames.get(frame) else { return Around::unknown("not looked at") };
        let name = Standalone::partition(&target.lpar, &target.name).to_owned();
        let own = seen.view.as_ref().map_err(Clone::clone).and_then(|view| {
            let own = view.partitions.iter().find(|one| one.view.name == name);
            own.ok_or_else(|| format!("the HMC shows no partition {name} on {frame}"))
        });
        let details = own
            .clone()
            .and_then(|own| Ok((own.view.lpar_id, seen.details.as_ref().map_err(Clone::clone)?)));
        let mut around = match &details {
            Ok(_) => Around::unknown("not looked at"),
            Err(why) => Around::unknown(why),
        };
        if let Ok((id, details)) = details {
            details.fill(id, &mut around);
        }
        around.partition_name = Ok(name);
        around.makes_tokens =
            Ok(target.hmc.as_ref().is_some_and(|hmc| self.makes_tokens.contains(hmc)));
        let consoles = seen
            .hmcs
            .iter()
            .filter_map(|hmc| Some((hmc.to_string(), self.consoles.get(hmc)?.clone())));
        around.consoles = Ok(consoles.collect());
        let view = match &seen.view {
            Ok(view) => view,
            Err(why) => return Around { rmc_state: Err(why.clone()), ..around },
        };
        let unshown = || "the HMC does not show it".to_owned();
        let servers = view.partitions.iter().filter(|one| one.view.lpar_env == "vioserver");
        let vioses = servers.map(|one| {
            let known = self.known(frame, one.view.lpar_id);
            let targets = own.clone().and_then(|own| targets(known.clone()?, own.view.lpar_id));
            let vios = Vios {
                state: one.view.state.clone(),
                rmc_state: one.view.rmc_state.clone(),
                level: known.map(|reading| reading.level.clone()),
                targets,
                maintenance: self.maintenance(frame, one.view.lpar_id),
            };
            (one.view.name.clone(), vios)
        });
        let reading = view.reading.ok_or_else(unshown);
        Around {
            rmc_state: own.clone().map(|one| one.view.rmc_state.clone()),
            free: reading.clone().map(|all| (all.free_memory, all.free_processors)),
            need: own.clone().and_then(|one| {
                one.need.map(|need| (need.memory, need.processors)).ok_or_else(unshown)
            }),
            partitions: reading
                .and_then(|all| all.partitions.zip(all.max_partitions).ok_or_else(unshown)),
            vioses: Ok(vioses.collect()),
            names: Ok(view.partitions.iter().map(|one| one.view.name.clone()).collect()),
            ..around
        }
    }

    /// Why nothing new is started behind the VIOS that is this partition of this frame.
    fn maintenance(&self, frame: &ObjectName, id: LparId) -> Option<String> {
        let vios = self.vioses.get(&(frame.clone(), id))?;
        self.maintenance.get(vios).cloned()
    }

    /// What was read of the VIOS that is this partition of this frame, or why nothing was.
    fn known(&self, frame: &ObjectName, id: LparId) -> Result<&ViosReading, String> {
        let vios = self.vioses.get(&(frame.clone(), id));
        let vios = vios.ok_or("it is not on record: nimctl discover")?;
        let never = || "it was never read".to_owned();
        let known = self.readings.get(vios).ok_or_else(never)?;
        let why = known.failure.as_ref().map(|(_, why)| why.clone());
        known.reading.as_ref().ok_or_else(|| why.unwrap_or_else(never))
    }
}

/// What a VIOS serves to the partition `id` over virtual SCSI.
fn targets(reading: &ViosReading, id: LparId) -> Result<Vec<ScsiTarget>, String> {
    let own = reading.adapters.iter().filter(|one| one.client_id == Some(id));
    let targets = own.filter_map(|one| match &one.kind {
        AdapterKind::Scsi { targets } => Some(targets),
        AdapterKind::Fc { .. } => None,
    });
    let targets = targets.flatten().map(|one| ScsiTarget {
        device: one.vtd.clone(),
        backing: one.backing.clone(),
        location: one.location.clone(),
    });
    Ok(targets.collect())
}

/// Each HMC, once.
async fn consoles(api: &Api, specs: BTreeMap<ObjectName, Hmc>) -> BTreeMap<ObjectName, Console> {
    let looks: Vec<BoxFuture<'static, (ObjectName, Console)>> = specs
        .into_iter()
        .map(|(name, spec)| {
            let api = api.clone();
            async move {
                let seen = api.hosts.console(name.clone()).await;
                let addresses =
                    [Some(name.to_string()), Some(spec.if1.hostname), spec.lpar_address];
                let addresses = addresses.into_iter().flatten().collect();
                (name, Console { addresses, level: seen.level, users: seen.users })
            }
            .boxed()
        })
        .collect();
    stream::iter(looks).buffer_unordered(AT_A_TIME).collect().await
}

/// Each frame, once.
async fn frames(
    api: &Api,
    hmcs_of: BTreeMap<ObjectName, Vec<ObjectName>>,
) -> BTreeMap<ObjectName, FrameSeen> {
    let looks: Vec<BoxFuture<'static, (ObjectName, FrameSeen)>> = hmcs_of
        .into_iter()
        .map(|(name, hmcs)| {
            let api = api.clone();
            async move {
                let (view, details) = tokio::join!(
                    api.hosts.frame(name.clone(), Vec::new()),
                    api.hosts.frame_details(name.clone())
                );
                let view = match view {
                    Seen::View(view) => Ok(view),
                    Seen::NoConsole => Err(format!("no HMC of {name} can be asked")),
                    Seen::Unreachable(why) => Err(format!("an HMC of {name}: {why}")),
                };
                (name, FrameSeen { hmcs, view, details })
            }
            .boxed()
        })
        .collect();
    stream::iter(looks).buffer_unordered(AT_A_TIME).collect().await
}
