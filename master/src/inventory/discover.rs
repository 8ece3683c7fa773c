//! From what HMCs show to what changes in the inventory. Pure: who asks is the API.
//!
//! A frame is named by machine type, model and serial number, whatever it is called and whichever HMC shows it. A partition is named
//! by its frame and its name; its id changes with every Live Update and is no identity. Where a partition moved to another frame or
//! was renamed, only its system together with the frame can say so: then [`plan`] asks for the system's word ([`Plan::ask`]) and
//! is called again with it. Names that people chose are kept, and nothing is removed.

use std::collections::{BTreeMap, BTreeSet};

use nim_shared::api::{Finding, FindingKind, PartitionView, SystemView};
use nim_shared::frame::Identity;
use nim_shared::id::ObjectName;
use nim_shared::object::{Draft, Object, ObjectType, Spec};

use super::hmc::{OPERATING, ORIGINAL};
use crate::store::object::Change;

/// `lpar_env` of a VIOS. Source: HMC reference §2.2.
const VIOS: &str = "vioserver";

/// A frame with all that is known of it from the HMCs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFrame {
    /// The frame, as the best of its HMCs shows it.
    pub system: SystemView,
    /// The HMCs that show it, in the order in which they were asked.
    pub hmcs: Vec<ObjectName>,
    /// Its partitions; `None` where no HMC can list them now.
    pub partitions: Option<Vec<PartitionView>>,
}

/// What is on record.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// Every object with its version.
    pub objects: Vec<(Object, u64)>,
    /// LPARs on which an operation is open: what an update leaves in the middle is not told of.
    pub busy: BTreeSet<ObjectName>,
}

/// What the system of an LPAR says it is; `None` when it could not be asked.
pub type Answers = BTreeMap<ObjectName, Option<Identity>>;

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Changes, frames before what is on them.
    pub changes: Vec<Change>,
    /// What a person should know of.
    pub findings: Vec<Finding>,
    /// LPARs whose systems have to be asked before anything is decided.
    pub ask: BTreeSet<ObjectName>,
}

/// Compares `found` with `inventory`.
#[must_use]
pub fn plan(found: &[FoundFrame], inventory: &Inventory, answers: &Answers) -> Plan {
    let mut planner = Planner::new(inventory, answers);
    let frames: Vec<_> = found.iter().map(|frame| (planner.frame(frame), frame)).collect();
    let mut listed = Vec::new();
    for (name, frame) in &frames {
        match &frame.partitions {
            Some(partitions) => listed.push(Listed::new(name.clone(), partitions)),
            None => planner.find(
                FindingKind::Unseen,
                &frame.system.name,
                Some(name),
                format!(
                    "its partitions cannot be listed: its HMC shows it in state {}",
                    nim_shared::id::printable(&frame.system.state)
                ),
            ),
        }
    }
    planner.partitions(&mut listed);
    planner.plan
}

/// The partitions of one frame, and which of them belong to an object.
struct Listed<'a> {
    frame: ObjectName,
    partitions: Vec<(&'a PartitionView, Taken)>,
}

/// Whether a partition belongs to an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    No,
    Yes,
}

impl<'a> Listed<'a> {
    fn new(frame: ObjectName, partitions: &'a [PartitionView]) -> Self {
        Self { frame, partitions: partitions.iter().map(|one| (one, Taken::No)).collect() }
    }

    fn has(&self, name: &str) -> bool {
        self.partitions.iter().any(|(one, _)| one.name == name)
    }

    /// Marks the partition that `is` means, where there is exactly one that nobody has.
    fn take(&mut self, is: impl Fn(&PartitionView) -> bool) -> Option<&'a PartitionView> {
        let mut free =
            self.partitions.iter_mut().filter(|(one, taken)| *taken == Taken::No && is(one));
        let (one, taken) = free.next()?;
        if free.next().is_some() {
            return None;
        }
        *taken = Taken::Yes;
        Some(one)
    }
}

struct Planner<'a> {
    inventory: &'a Inventory,
    answers: &'a Answers,
    /// Names that are taken, with those that are about to be.
    names: BTreeSet<ObjectName>,
    plan: Plan,
}

/// An LPAR on record whose partition is not where it was.
struct Missing<'a> {
    object: &'a Object,
    version: u64,
    /// The frame that it was on.
    frame: ObjectName,
}

impl<'a> Planner<'a> {
    fn new(inventory: &'a Inventory, answers: &'a Answers) -> Self {
        let names = inventory.objects.iter().map(|(object, _)| object.name.clone()).collect();
        Self { inventory, answers, names, plan: Plan::default() }
    }

    fn find(&mut self, kind: FindingKind, name: &str, frame: Option<&ObjectName>, text: String) {
        let name = nim_shared::id::printable(name);
        self.plan.findings.push(Finding { kind, name, frame: frame.cloned(), text });
    }

    /// The object of a frame: the one on record, brought up to date, or a new one.
    fn frame(&mut self, found: &FoundFrame) -> ObjectName {
        let known =
            self.inventory.objects.iter().find_map(|(object, version)| match &object.spec {
                Spec::Cec(cec) if cec.mtms() == found.system.mtms() => {
                    Some((object, cec, *version))
                }
                _ => None,
            });
        let Some((object, cec, version)) = known else { return self.new_frame(found) };
        let mut cec = cec.clone();
        let new = found.hmcs.iter().filter(|hmc| !cec.mgmt_source.contains(hmc)).cloned();
        let new: Vec<_> = new.collect();
        cec.mgmt_source.extend(new);
        let called = &found.system.name;
        if cec.system_name.is_some() || called != object.name.as_str() {
            cec.system_name = Some(called.clone());
        }
        self.change(object, Spec::Cec(cec), version);
        object.name.clone()
    }

    /// NIM's name for a frame is made of type, model and serial number. Source: NIM reference §5.1.
    fn new_frame(&mut self, found: &FoundFrame) -> ObjectName {
        let system = &found.system;
        let (hw_type, hw_model) = system.type_model.split_once('-').unwrap_or_default();
        let mut draft = Draft::new(ObjectType::Cec);
        draft.add("hw_type", hw_type);
        draft.add("hw_model", hw_model);
        draft.add("hw_serial", &system.serial_num);
        draft.add("system_name", &system.name);
        found.hmcs.iter().for_each(|hmc| draft.add("mgmt_source", hmc.as_str()));
        let wanted = format!("{}_{}", system.type_model, system.serial_num);
        self.define(&wanted, "frame", draft)
            // Never looked at: a frame that cannot be defined has no partitions on record.
            .unwrap_or_else(|| found.hmcs[0].clone())
    }

    /// Defines an object under a free name like `wanted`, with `suffix` where that one is taken.
    fn define(&mut self, wanted: &str, suffix: &str, draft: Draft) -> Option<ObjectName> {
        let names = [wanted.to_owned(), format!("{wanted}_{suffix}")];
        let name = names
            .iter()
            .filter_map(|name| name.parse::<ObjectName>().ok())
            .find(|name| !self.names.contains(name));
        let Some(name) = name else {
            let text = "no name is free for it: define it under a name of your own".to_owned();
            self.find(FindingKind::LeftOut, wanted, None, text);
            return None;
        };
        match draft.finish(name.clone()) {
            Ok(object) => {
                self.names.insert(name.clone());
                self.plan.changes.push(Change::Define(object));
                Some(name)
            }
            Err(faults) => {
                let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
                self.find(FindingKind::LeftOut, wanted, None, faults.join("; "));
                None
            }
        }
    }

    /// Changes an object, where that changes anything.
    fn change(&mut self, object: &Object, spec: Spec, version: u64) {
        if object.spec != spec {
            let object = Object { spec, ..object.clone() };
            self.plan.changes.push(Change::Change { object, version: Some(version) });
        }
    }

    /// Matches the partitions of all frames with the objects on record, then decides about the rest.
    fn partitions(&mut self, listed: &mut [Listed<'a>]) {
        let mut missing = Vec::new();
        let objects = &self.inventory.objects;
        for (object, version) in objects {
            let Some((frame, name)) = on_frame(object) else { continue };
            let Some(list) = listed.iter_mut().find(|list| list.frame == *frame) else { continue };
            let is_vios = matches!(object.spec, Spec::Vios(_));
            let identity = object.spec.frame().and_then(|(_, identity)| identity);
            // No Live Update changes the id of a VIOS: it has the name that its people gave its object.
            let same_vios = |one: &PartitionView| {
                is_vios && one.lpar_env == VIOS && Some(one.lpar_id) == identity
            };
            let found =
                list.take(|one| one.name == name).or_else(|| list.take(|one| same_vios(one)));
            match found {
                Some(partition) => {
                    self.seen(object, *version, partition, list.has(&original(name)))
                }
                None if list.has(&original(name)) => self.only_original(object, list),
                None => missing.push(Missing { object, version: *version, frame: frame.clone() }),
            }
        }
        for one in missing {
            self.missing(&one, listed);
        }
        for (object, version) in objects {
            self.without_frame(object, *version, listed);
        }
        for list in listed.iter() {
            for (partition, taken) in &list.partitions {
                if *taken == Taken::No {
                    self.new_partition(list, partition);
                }
            }
        }
    }

    /// An object whose partition is there under its name.
    fn seen(
        &mut self,
        object: &Object,
        version: u64,
        partition: &PartitionView,
        has_original: bool,
    ) {
        if has_original {
            if !self.inventory.busy.contains(&object.name) {
                let text = format!(
                    "{} is beside it and no update runs here: what is left of an update, which holds memory of the frame; look at both \
                     on the HMC, and on the LPAR whether clvupdate has to run",
                    original(&partition.name)
                );
                let frame = on_frame(object).map(|(frame, _)| frame.clone());
                self.find(FindingKind::Leftover, object.name.as_str(), frame.as_ref(), text);
            }
            // In the middle of an update the id is about to change or not to.
            return;
        }
        let mut spec = object.spec.clone();
        match &mut spec {
            Spec::Standalone(lpar) => lpar.identity = Some(partition.lpar_id),
            Spec::Vios(vios) => vios.identity = partition.lpar_id,
            _ => {}
        }
        self.change(object, spec, version);
    }

    /// Only the partition that an update replaces is there: the rename back did not happen.
    fn only_original(&mut self, object: &Object, list: &Listed<'_>) {
        if self.inventory.busy.contains(&object.name) {
            return;
        }
        let text = "only the partition that an update renamed is there, and no update runs here: the workload is that one; see the \
                    HMC and clvupdate on the LPAR"
            .to_owned();
        self.find(FindingKind::Leftover, object.name.as_str(), Some(&list.frame), text);
    }

    /// An object whose partition is not on its frame any more: moved, renamed, or gone.
    fn missing(&mut self, missing: &Missing<'_>, listed: &mut [Listed<'a>]) {
        let name = &missing.object.name;
        if let Spec::Standalone(lpar) = &missing.object.spec {
            let partition_name = lpar.partition(name);
            let moved = candidates(listed, |_, one| one.name == partition_name);
            let renamed = candidates(listed, |frame, one| {
                *frame == missing.frame && Some(one.lpar_id) == lpar.identity
            });
            let candidates: Vec<_> = moved.into_iter().chain(renamed).collect();
            if !candidates.is_empty() {
                let Some(answer) = self.answers.get(name) else {
                    self.plan.ask.insert(name.clone());
                    return;
                };
                let is_it = |(frame, one): &&(ObjectName, &PartitionView)| {
                    answer.as_ref().is_some_and(|said| {
                        let same_place = *frame == missing.frame;
                        says(said, one, lpar.installation.is_some() && same_place)
                            && lpar.installation.is_none_or(|id| id == said.installation)
                    })
                };
                let confirmed: Vec<_> = candidates.iter().filter(is_it).collect();
                if let [(frame, partition)] = confirmed[..] {
                    let (frame, partition) = (frame.clone(), *partition);
                    self.follow(missing.object, missing.version, &frame, partition, listed);
                    return;
                }
                if answer.is_none() {
                    let places: Vec<_> = candidates
                        .iter()
                        .map(|(frame, one)| format!("{} on {frame}", one.name))
                        .collect();
                    let text = format!(
                        "its partition is gone from {}; it may be {}, and its agent could not be asked: see `nimctl agent status {name}`, \
                         then discover again",
                        missing.frame,
                        places.join(" or ")
                    );
                    self.find(FindingKind::Unsure, name.as_str(), Some(&missing.frame), text);
                    for (frame, one) in &candidates {
                        keep_out(listed, frame, one);
                    }
                    return;
                }
            }
        }
        let text = format!(
            "no HMC shows its partition on {} any more; the object stays until `nimctl remove {name}`",
            missing.frame
        );
        self.find(FindingKind::Vanished, name.as_str(), Some(&missing.frame), text);
    }

    /// Lets an object follow its partition.
    fn follow(
        &mut self,
        object: &Object,
        version: u64,
        frame: &ObjectName,
        partition: &PartitionView,
        listed: &mut [Listed<'a>],
    ) {
        keep_out(listed, frame, partition);
        let mut spec = object.spec.clone();
        if let Spec::Standalone(lpar) = &mut spec {
            lpar.mgmt_source = Some(frame.clone());
            lpar.identity = Some(partition.lpar_id);
            lpar.partition_name = (partition.name != object.name.as_str()
                || lpar.partition_name.is_some())
            .then(|| partition.name.clone());
        }
        self.change(object, spec, version);
    }

    /// An LPAR on record of which nobody said on which frame it is.
    fn without_frame(&mut self, object: &Object, version: u64, listed: &mut [Listed<'a>]) {
        let Spec::Standalone(lpar) = &object.spec else { return };
        if lpar.mgmt_source.is_some() {
            return;
        }
        let name = lpar.partition(&object.name);
        let candidates = candidates(listed, |_, one| one.name == name);
        let [(frame, partition)] = &candidates[..] else { return };
        let (frame, partition) = (frame.clone(), *partition);
        let by_address = partition.rmc_ipaddr == lpar.if1.hostname;
        if !by_address {
            match self.answers.get(&object.name) {
                None => {
                    self.plan.ask.insert(object.name.clone());
                    return;
                }
                Some(Some(said)) if says(said, partition, false) => {}
                Some(_) => {
                    let text = format!(
                        "it may be the partition {name} of {frame}; its agent does not say so: set mgmt_source and identity if it is"
                    );
                    self.find(FindingKind::Unsure, object.name.as_str(), Some(&frame), text);
                    keep_out(listed, &frame, partition);
                    return;
                }
            }
        }
        self.follow(object, version, &frame, partition, listed);
    }

    /// A partition that belongs to no object.
    fn new_partition(&mut self, list: &Listed<'_>, partition: &PartitionView) {
        let left_out = |planner: &mut Self, text: String| {
            planner.find(FindingKind::LeftOut, &partition.name, Some(&list.frame), text);
        };
        if let Some(name) = partition.name.strip_suffix(ORIGINAL) {
            // Told of with the object that it belongs to, where there is one.
            let told = self.inventory.objects.iter().any(|(object, _)| {
                on_frame(object).is_some_and(|(frame, own)| *frame == list.frame && own == name)
            });
            if !told {
                let text =
                    format!("what a Live Update of {name} left; {name} is not on record here");
                self.find(FindingKind::Leftover, &partition.name, Some(&list.frame), text);
            }
            return;
        }
        let object_type = match partition.lpar_env.as_str() {
            VIOS => ObjectType::Vios,
            "aixlinux" if partition.os_version.starts_with("AIX") => ObjectType::Standalone,
            "aixlinux" if is_unknown(&partition.os_version) => {
                return left_out(
                    self,
                    format!(
                        "which system it runs is not known (it is {}, RMC is {}): discover again when it runs, or define it",
                        nim_shared::id::printable(&partition.state),
                        nim_shared::id::printable(&partition.rmc_state)
                    ),
                );
            }
            _ => {
                return left_out(
                    self,
                    format!(
                        "it runs no AIX ({}, {})",
                        nim_shared::id::printable(&partition.lpar_env),
                        nim_shared::id::printable(&partition.os_version)
                    ),
                );
            }
        };
        let address = match partition.rmc_ipaddr.as_str() {
            "" => &partition.name,
            address => address,
        };
        let mut draft = Draft::new(object_type);
        draft.add("if1", &format!("find_net {address} 0"));
        draft.add("mgmt_source", list.frame.as_str());
        draft.add("identity", &partition.lpar_id.to_string());
        let is_taken = |name: &str| self.names.iter().any(|taken| taken.as_str() == name);
        let own_name = partition.name.parse::<ObjectName>().is_ok() && !is_taken(&partition.name);
        if !own_name && object_type == ObjectType::Standalone {
            draft.add("partition_name", &partition.name);
        }
        self.define(&partition.name, list.frame.as_str(), draft);
    }
}

/// The frame of an object, and the name of its partition there.
pub(crate) fn on_frame(object: &Object) -> Option<(&ObjectName, &str)> {
    let (frame, _) = object.spec.frame()?;
    let name = match &object.spec {
        Spec::Standalone(lpar) => lpar.partition(&object.name),
        _ => object.name.as_str(),
    };
    Some((frame, name))
}

/// Name of the partition that an update replaces.
fn original(name: &str) -> String {
    format!("{name}{ORIGINAL}")
}

/// The partitions that nobody has and that `is` means.
fn candidates<'a>(
    listed: &[Listed<'a>],
    is: impl Fn(&ObjectName, &PartitionView) -> bool,
) -> Vec<(ObjectName, &'a PartitionView)> {
    let free = listed.iter().flat_map(|list| {
        let free = list.partitions.iter().filter(|(_, taken)| *taken == Taken::No);
        free.map(|(one, _)| (list.frame.clone(), *one))
    });
    free.filter(|(frame, one)| !one.name.ends_with(ORIGINAL) && is(frame, one)).collect()
}

/// Marks a partition: nothing more is made of it.
fn keep_out(listed: &mut [Listed<'_>], frame: &ObjectName, partition: &PartitionView) {
    for list in listed.iter_mut().filter(|list| list.frame == *frame) {
        for (one, taken) in &mut list.partitions {
            if one.name == partition.name {
                *taken = Taken::Yes;
            }
        }
    }
}

/// Whether a system says that it is this partition. Its word on the name may be older than a rename; then the id has to do,
/// on the frame where it was before.
fn says(said: &Identity, partition: &PartitionView, name_may_differ: bool) -> bool {
    let name = said.partition_name.as_deref() == Some(partition.name.as_str());
    said.lpar_id == Some(partition.lpar_id) && (name || name_may_differ)
}

/// What HMCs print for a system that RMC does not tell them of. Source: HMC reference §2.1, §2.2.
fn is_unknown(os_version: &str) -> bool {
    matches!(os_version, "" | "Unknown" | "unknown" | "unavailable" | "null" | "none")
}

/// Whether the partitions of a frame in this state can be listed.
#[must_use]
pub fn can_be_listed(state: &str) -> bool {
    state == OPERATING
}

#[cfg(test)]
mod tests;
