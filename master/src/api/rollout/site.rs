//! The site as a plan sees it: one reading of what is on record.

mod console;
mod frames;
mod held;
mod looked;
mod note;
mod partner;
mod watched;

pub(super) use watched::watched_frames;

use std::collections::{BTreeMap, BTreeSet};

use nim_rollout::choose::{choose, names};
use nim_rollout::facts::{
    Allowed, CpuReduction, Estimate, Lpar, Maintenance, Past, Shape, Snapshot,
};
use nim_rollout::file::Rollout;
use nim_rollout::reach::{OnRecord, strangers};
use nim_shared::api::{AdapterKind, FileFault, PlannedFrame};
use nim_shared::id::{LparId, ObjectName, OperationId};
use nim_shared::lvupdate::Data;
use nim_shared::operation::StateName;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;

use crate::api::Api;
use crate::api::apply::blocking;
use crate::api::error::Answer;
use crate::store::open_item::Left;
use crate::store::rollout::{Candidate, PastUpdate};
use frames::Around;
use looked::{Looked, Workloads, clusters, is_lonely};
use partner::Busy;

/// What a plan is made from, with what is to be said of it.
pub(super) struct Site {
    pub(super) snapshot: Snapshot,
    pub(super) history: Vec<Past>,
    pub(super) frames: Vec<PlannedFrame>,
    /// Nodes of PowerHA of which nobody said who their partners are.
    lonely: BTreeSet<ObjectName>,
    /// LPARs of which a preflight is on record.
    looked_at: BTreeSet<ObjectName>,
    /// Names of the file that are not on record, where they have to be.
    strangers: Vec<FileFault>,
}

/// Newest updates that count for what is predicted.
const UPDATES: u32 = 20_000;

/// LPARs of which preflights are read at a time: each is as long as what was found.
const PREFLIGHTS: usize = 1000;

/// Reads what is on record of the LPARs that `file` names.
pub(super) async fn gather(api: &Api, file: Rollout) -> Answer<(Site, Rollout)> {
    gather_beside(api, file, BTreeSet::new()).await
}

/// The same beside the operations that are the rollout's `own`.
pub(super) async fn gather_beside(
    api: &Api,
    file: Rollout,
    own: BTreeSet<OperationId>,
) -> Answer<(Site, Rollout)> {
    let store = &api.store;
    let at = store.now().await?;
    let candidates = store.rollout_candidates().await?;
    let groups = store.group_names().await?;
    let changes = store.open_changes().await?;
    let (file, strangers, named, others) = blocking(move || {
        let strangers = strangers(
            &file,
            &OnRecord {
                lpars: candidates.iter().map(|one| one.name.as_str()).collect(),
                groups: groups.iter().map(String::as_str).collect(),
            },
        );
        let all = candidates.into_iter().map(|one| (lpar(&one), one));
        let (named, others): (Vec<_>, Vec<_>) =
            all.partition(|(lpar, _)| names(&file.targets.chosen, lpar));
        let others: Vec<Lpar> = others.into_iter().map(|(lpar, _)| lpar).collect();
        (file, strangers, named, others)
    })
    .await?;
    let lpars: Vec<&ObjectName> = named.iter().map(|(lpar, _)| &lpar.name).collect();
    let frames: BTreeSet<&ObjectName> =
        named.iter().filter_map(|(lpar, _)| lpar.frame.as_ref()).collect();
    let frames: Vec<&ObjectName> = frames.into_iter().collect();
    let mut preflights = BTreeMap::new();
    for lpars in lpars.chunks(PREFLIGHTS) {
        let found = store.last_preflights(lpars).await?;
        preflights.extend(found.into_iter().map(|(name, report)| (name, Looked::of(report))));
    }
    let nodes: BTreeSet<&ObjectName> =
        preflights.iter().filter(|(_, one)| one.is_node()).map(|(name, _)| name).collect();
    let is_node = |lpar: &&Lpar| nodes.contains(&lpar.name);
    let of_nodes =
        partner::groups_of(&file.apart, named.iter().map(|(lpar, _)| lpar).filter(is_node));
    let mut others = others;
    others.retain(|one| {
        changes.contains_key(&one.name) || partner::is_in(&file.apart, one, &of_nodes)
    });
    let mut workloads = Workloads::new();
    let names: Vec<&ObjectName> = others.iter().map(|lpar| &lpar.name).collect();
    for lpars in names.chunks(PREFLIGHTS) {
        workloads.extend(store.last_workloads(lpars).await?);
    }
    let nodes = others.iter().filter(|one| workloads.get(&one.name).is_some_and(looked::is_node));
    let nodes = named.iter().map(|(lpar, _)| lpar).filter(is_node).chain(nodes);
    let partners = partner::named(&file.apart, nodes);
    others.retain(|one| changes.contains_key(&one.name));
    for lpar in &mut others {
        if let Some(workloads) = workloads.get(&lpar.name) {
            lpar.clusters = clusters(workloads, &lpar.name, &partners);
        }
    }
    let beside = Beside { changes, own, lpars: others };
    let around = Around {
        consoles: store.frames(Some(&frames)).await?,
        hmc_limits: store.hmc_limits().await?,
        readings: store.frame_readings(&frames).await?,
        shapes: store.frame_shapes(&frames).await?,
        pools: store.frame_pools(&frames).await?,
        promises: store.promises(&frames).await?,
        limits: api.limits,
    };
    let known = store.vioses_on(&frames).await?;
    let mut served = Served::default();
    for ((frame, id), vios) in store.vios_partitions(&frames).await? {
        served.add(&frame, id, &vios, known.get(&vios).and_then(|one| one.reading.as_ref()));
    }
    let open = store.open_operations(&lpars).await?;
    let left = store.open_items(&lpars).await?;
    let kept_out = console::held(api, &file, &lpars).await?;
    let estimates = store.estimates(&lpars).await?;
    let history = store.past_updates(UPDATES).await?.into_iter().map(past).collect();
    drop((lpars, frames));
    let maintenance = store.maintenance().await?.into_iter();
    let maintenance = maintenance.map(|one| Maintenance { on: one.on, reason: one.reason });
    let maintenance = maintenance.collect();
    let facts = Facts {
        preflights,
        partners,
        around,
        served,
        open,
        left,
        kept_out,
        estimates,
        maintenance,
        beside,
    };
    blocking(move || {
        let site = facts.site(named, history, at, &file);
        (Site { strangers, ..site }, file)
    })
    .await
}

/// What VIOSes serve to partitions.
#[derive(Default)]
struct Served {
    /// VIOSes and kinds of storage, by frame and partition.
    of: BTreeMap<(ObjectName, LparId), (BTreeSet<ObjectName>, BTreeSet<String>)>,
    /// VIOSes with their partition, by frame.
    on: BTreeMap<ObjectName, Vec<(LparId, ObjectName)>>,
}

impl Served {
    fn add(
        &mut self,
        frame: &ObjectName,
        id: LparId,
        vios: &ObjectName,
        reading: Option<&nim_shared::api::ViosReading>,
    ) {
        self.on.entry(frame.clone()).or_default().push((id, vios.clone()));
        for adapter in reading.iter().flat_map(|reading| &reading.adapters) {
            let Some(client) = adapter.client_id else { continue };
            let (vioses, storage) = self.of.entry((frame.clone(), client)).or_default();
            vioses.insert(vios.clone());
            let kind = match &adapter.kind {
                AdapterKind::Scsi { .. } => "vscsi",
                AdapterKind::Fc { .. } => "npiv",
            };
            storage.insert(kind.to_owned());
        }
    }
}

/// All that is on record.
struct Facts {
    preflights: BTreeMap<ObjectName, Looked>,
    /// Nodes of PowerHA of which the file says who their partners are.
    partners: BTreeSet<ObjectName>,
    around: Around,
    served: Served,
    open: BTreeMap<ObjectName, (OperationId, StateName)>,
    left: BTreeMap<ObjectName, Vec<Left>>,
    /// Why its HMC lets an LPAR not log in for now.
    kept_out: BTreeMap<ObjectName, String>,
    estimates: BTreeMap<ObjectName, (Option<Seconds>, Option<Seconds>)>,
    maintenance: Vec<Maintenance>,
    beside: Beside,
}

/// What is being changed at the moment.
struct Beside {
    /// By which operations.
    changes: BTreeMap<ObjectName, (OperationId, StateName)>,
    /// Those of them that are the rollout's own.
    own: BTreeSet<OperationId>,
    /// The LPARs among them that the file does not name.
    lpars: Vec<Lpar>,
}

impl Facts {
    fn site(
        mut self,
        named: Vec<(Lpar, Candidate)>,
        history: Vec<Past>,
        at: Timestamp,
        file: &Rollout,
    ) -> Site {
        let (frames, shown) = self.around.frames();
        let mut lonely = BTreeSet::new();
        let lpars = named.into_iter().map(|(lpar, candidate)| {
            let lpar = self.lpar(lpar, &candidate);
            if is_lonely(&lpar) {
                lonely.insert(lpar.name.clone());
            }
            lpar
        });
        let mut lpars: Vec<Lpar> = lpars.collect();
        let Beside { changes, own, lpars: others } = &self.beside;
        let known: BTreeMap<&ObjectName, &Lpar> =
            lpars.iter().chain(others).map(|one| (&one.name, one)).collect();
        let busy = Busy::new(&file.apart, changes, own, |name| known.get(name).copied());
        for lpar in &mut lpars {
            lpar.held.extend(busy.holds(&file.apart, lpar));
        }
        let limits = &self.around.limits;
        let allowed = Allowed {
            in_flight: limits.global,
            per_frame: limits.per_frame,
            per_hmc: limits.per_hmc,
        };
        let looked_at = std::mem::take(&mut self.preflights).into_keys().collect();
        let snapshot = Snapshot { at, allowed, frames, lpars, maintenance: self.maintenance };
        Site { snapshot, history, frames: shown, lonely, looked_at, strangers: Vec::new() }
    }

    fn lpar(&self, mut lpar: Lpar, candidate: &Candidate) -> Lpar {
        if let Some(looked) = self.preflights.get(&lpar.name) {
            looked.tell(&mut lpar, &self.partners);
        }
        if let Some((id, state)) = self.open.get(&lpar.name) {
            lpar.held.push(format!("operation {id} is {state} on it"));
        }
        lpar.held.extend(
            self.left.get(&lpar.name).into_iter().flat_map(|left| held::by_what_is_left(left)),
        );
        lpar.held.extend(self.kept_out.get(&lpar.name).cloned());
        if let Some((total, blackout)) = self.estimates.get(&lpar.name) {
            lpar.estimate = Estimate { total: *total, blackout: *blackout };
        }
        let Some(frame) = &lpar.frame else { return lpar };
        let shape = self.around.shapes.get(frame).and_then(|all| all.get(&candidate.partition));
        lpar.shape = shape.map(|shape| Shape {
            memory: shape.memory,
            min_memory: shape.min_memory,
            max_memory: shape.max_memory,
            hpt_ratio: shape.hpt_ratio,
            processors: shape.processors,
            // Of what is not shown nothing can be given up.
            min_processors: shape.min_processors.unwrap_or(shape.processors),
            pool: shape.pool,
            cpu_reduction: CpuReduction::No,
        });
        let place = candidate.identity.map(|id| (frame.clone(), id));
        if let Some((vioses, storage)) = place.and_then(|place| self.served.of.get(&place)) {
            lpar.vioses.clone_from(vioses);
            lpar.storage.clone_from(storage);
        }
        let on = self.served.on.get(frame).map_or(&[][..], Vec::as_slice);
        let serve = on.iter().filter(|(_, vios)| lpar.vioses.contains(vios));
        let partitions = self.around.readings.get(frame).map(|(_, partitions)| partitions);
        let held = partitions.map(|all| held::by_partitions(&candidate.partition, serve, all));
        lpar.held.extend(held.into_iter().flatten());
        lpar
    }
}

/// What is known of an LPAR before anything else was looked up.
fn lpar(candidate: &Candidate) -> Lpar {
    Lpar {
        frame: candidate.frame.clone(),
        groups: candidate.groups.clone(),
        labels: candidate.labels.clone(),
        level: candidate.level,
        ..Lpar::named(candidate.name.clone())
    }
}

fn past(update: PastUpdate) -> Past {
    let PastUpdate { lpar, estimated, took, blackout } = update;
    let measured = blackout.measured.map(|time| Seconds(time.0.div_ceil(1000)));
    Past {
        lpar,
        estimate: Estimate { total: estimated, blackout: blackout.estimated },
        took,
        blackout: measured.or(blackout.reported),
    }
}

impl Site {
    /// Nodes of PowerHA of which nobody said who their partners are.
    pub(super) const fn lonely(&self) -> &BTreeSet<ObjectName> {
        &self.lonely
    }

    /// The LPARs of which `file` lets each take part, as far as that is known by now.
    pub(super) fn taking_part(&self, file: &Rollout) -> Vec<ObjectName> {
        let chosen = choose(file, &self.snapshot).chosen;
        chosen.into_iter().map(|at| self.snapshot.lpars[at].name.clone()).collect()
    }

    /// Whether it is one of the LPARs that the file names.
    pub(super) fn is_lpar(&self, name: &str) -> bool {
        self.snapshot.lpars.binary_search_by(|lpar| lpar.name.as_str().cmp(name)).is_ok()
    }

    /// Notes the partition ids that LPARs ask for.
    pub(super) fn want<'a>(&mut self, ids: impl Iterator<Item = (&'a ObjectName, LparId)>) {
        let lpars = &mut self.snapshot.lpars;
        for (lpar, id) in ids {
            if let Ok(at) = lpars.binary_search_by(|one| one.name.cmp(lpar)) {
                lpars[at].wanted_id = Some(id.0.get());
            }
        }
    }

    /// Notes the LPARs that give up processors where they are short.
    pub(super) fn reduce<'a>(
        &mut self,
        reducing: impl Iterator<Item = (&'a ObjectName, &'a Data)>,
    ) {
        let lpars = &mut self.snapshot.lpars;
        for (lpar, data) in reducing {
            if let Ok(at) = lpars.binary_search_by(|one| one.name.cmp(lpar))
                && let one = &mut lpars[at]
                && data.reduces_processors(one.level)
                && let Some(shape) = &mut one.shape
            {
                shape.cpu_reduction = CpuReduction::Yes;
            }
        }
    }

    /// Rules out LPARs with which something is wrong; what is no LPAR's comes back.
    pub(super) fn rule_out(&mut self, faults: Vec<FileFault>) -> Vec<FileFault> {
        let mut rest = Vec::new();
        for fault in faults {
            let lpars = &mut self.snapshot.lpars;
            match lpars.binary_search_by(|lpar| lpar.name.as_str().cmp(&fault.path)) {
                Ok(at) => lpars[at].blocked.push(fault.message),
                Err(_) => rest.push(fault),
            }
        }
        rest
    }

    /// The names of the file that are not on record, where they have to be.
    pub(super) fn strangers(&self) -> &[FileFault] {
        &self.strangers
    }
}

#[cfg(test)]
mod tests {
    use nim_rollout::testing::one_each;
    use nim_shared::lvupdate;
    use nim_shared::unit::{Megabytes, ProcessorUnits};

    use super::*;

    #[test]
    fn who_gives_up_processors_asks_for_it_and_has_a_level_that_knows_it() {
        let mut snapshot = one_each(4);
        for one in &mut snapshot.lpars {
            one.shape = Some(Shape {
                memory: Megabytes(4096),
                min_memory: Megabytes(2048),
                max_memory: Megabytes(8192),
                hpt_ratio: None,
                processors: ProcessorUnits { hundredths: 50 },
                min_processors: ProcessorUnits { hundredths: 10 },
                pool: None,
                cpu_reduction: CpuReduction::No,
            });
        }
        snapshot.lpars[1].level = "7200-02-02-1810".parse().ok();
        snapshot.lpars[2].level = None;
        let names: Vec<ObjectName> = snapshot.lpars.iter().map(|one| one.name.clone()).collect();
        let (history, frames) = (Vec::new(), Vec::new());
        let (lonely, looked_at) = (BTreeSet::new(), BTreeSet::new());
        let strangers = Vec::new();
        let mut site = Site { snapshot, history, frames, lonely, looked_at, strangers };
        let data =
            |value| lvupdate::parse(&format!("general:\n\tcpu_reduction = {value}\n")).data();
        let (yes, no) = (data("yes"), data("no"));
        site.reduce(names.iter().zip([&yes, &yes, &yes, &no]));
        let reduces = |one: &Lpar| one.shape.unwrap().cpu_reduction == CpuReduction::Yes;
        let found: Vec<bool> = site.snapshot.lpars.iter().map(reduces).collect();
        assert_eq!(found, [true, false, false, false]);
    }
}
