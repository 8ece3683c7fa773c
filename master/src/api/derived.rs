//! What of an object is not stored with it: attributes that NIM shows and that follow from others, and states.
//!
//! `mgmt_profile1` follows from frame, HMC and partition id; `Cstate`, `Rstate` and their like from operations. They are
//! computed for a page of objects in a few queries. Source of names and texts: the NIM reference (§1.5, §1.6).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use nim_shared::api::Pair;
use nim_shared::id::{ObjectName, printable};
use nim_shared::object::{Object, ObjectClass, ObjectType, Spec};
use nim_shared::operation::StateName;
use nim_shared::request::Kind;
use nim_shared::stamp::Timestamp;

use super::{Api, verdict};
use crate::store::lpp::LppSummary;
use crate::store::object::{Check, InUse, Stored};
use crate::store::operation::Record;
use crate::store::output::OutputCursor;
use crate::store::{Error, Store};

/// What is derived for a page of objects.
#[derive(Debug, Default)]
pub(super) struct Derived {
    /// The preferred HMC of each frame.
    hmcs: BTreeMap<ObjectName, ObjectName>,
    /// The last operation of each LPAR.
    last: BTreeMap<ObjectName, Record>,
    /// What the program that works on a machine printed last, where that is its progress.
    said: BTreeMap<ObjectName, String>,
    /// What is in each `lpp_source` that was looked into.
    sources: BTreeMap<ObjectName, LppSummary>,
    /// The types of what is allocated to machines.
    allocated: HashMap<ObjectName, ObjectType>,
    /// What open operations use on each machine.
    used: BTreeMap<ObjectName, Vec<(ObjectType, ObjectName)>>,
    /// How many machines hold each resource that is held.
    counts: BTreeMap<ObjectName, u64>,
    /// What the last check of each object found.
    checks: BTreeMap<ObjectName, Check>,
}

impl Derived {
    /// For `objects`.
    pub(super) async fn of(api: &Api, objects: &[Stored]) -> Result<Self, Error> {
        let (store, mut derived) = (&api.store, Self::default());
        let frames: BTreeSet<&ObjectName> =
            objects.iter().filter_map(|one| Some(one.object.spec.frame()?.0)).collect();
        if !frames.is_empty() {
            derived.hmcs = store.preferred_hmcs(&frames.into_iter().collect::<Vec<_>>()).await?;
        }
        let lpars: Vec<_> = objects
            .iter()
            .filter(|one| one.object.spec.object_type() == ObjectType::Standalone)
            .map(|one| &one.object.name)
            .collect();
        if !lpars.is_empty() {
            derived.last = store.last_operations(&lpars).await?;
            api.say_what_holds(derived.last.values_mut()).await?;
            derived.said = said(store, &derived.last).await?;
        }
        let sources = objects.iter().map(|one| &one.object);
        let sources: Vec<_> = sources
            .filter(|object| object.spec.object_type() == ObjectType::LppSource)
            .map(|object| &object.name)
            .collect();
        if !sources.is_empty() {
            derived.sources = store.lpp_summaries(&sources).await?;
        }
        derived.holdings(store, objects).await?;
        Ok(derived)
    }

    /// Looks up what machines hold and what checks found.
    async fn holdings(&mut self, store: &Store, objects: &[Stored]) -> Result<(), Error> {
        let of = |wanted: fn(&Spec) -> bool| {
            let those = objects.iter().filter(move |one| wanted(&one.object.spec));
            those.map(|one| &one.object.name).collect::<Vec<_>>()
        };
        let holders = of(|spec| !spec.allocated().is_empty());
        if !holders.is_empty() {
            self.allocated = store.allocated_types(&holders).await?;
        }
        let lpars = of(|spec| spec.object_type() == ObjectType::Standalone);
        if !lpars.is_empty() {
            for InUse { machine, of, resource, .. } in store.in_use(Some(&lpars)).await? {
                self.used.entry(machine).or_default().push((of, resource));
            }
        }
        let resources = of(|spec| spec.object_type().class() == ObjectClass::Resources);
        if !resources.is_empty() {
            self.counts = store.alloc_counts(&resources).await?;
        }
        let checked: Vec<_> = lpars.into_iter().chain(resources).collect();
        if !checked.is_empty() {
            self.checks = store.checks(&checked).await?;
        }
        Ok(())
    }

    /// The derived attributes of `object`, in NIM's order.
    pub(super) fn pairs(&self, object: &Object) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let mut add = |attribute: &str, value: String| {
            pairs.push(Pair { attribute: attribute.to_owned(), value });
        };
        match &object.spec {
            Spec::Ent(_) => {
                add("Nstate", READY.to_owned());
                add("prev_state", READY.to_owned());
            }
            Spec::Cec(cec) => {
                add("serial", cec.mtms());
                add("Cstate", READY_FOR.to_owned());
                add("prev_state", String::new());
            }
            Spec::Hmc(_) => {
                add("Cstate", READY_FOR.to_owned());
                add("prev_state", String::new());
                add("Mstate", RUNNING.to_owned());
            }
            Spec::Master(_) => {
                add("Cstate", READY_FOR.to_owned());
                add("prev_state", READY_FOR.to_owned());
                add("Mstate", RUNNING.to_owned());
            }
            Spec::Vios(_) | Spec::Standalone(_) => {
                if let Some(profile) = self.profile(&object.spec) {
                    add("mgmt_profile1", profile);
                }
                let last = self.last.get(&object.name);
                let open = last.is_some_and(|last| !last.operation.name().is_terminal());
                let at_work = last.map_or(AT_WORK, at_work);
                add("Cstate", if open { at_work } else { READY_FOR }.to_owned());
                // The state before: at work where an operation has ended, ready in every other case.
                let before = if last.is_some() && !open { at_work } else { READY_FOR };
                add("prev_state", before.to_owned());
                add("Mstate", self.machine_state(&object.name).to_owned());
                for (attribute, resource) in self.held(object) {
                    add(&attribute, resource.to_string());
                }
                let said = self.said.get(&object.name).cloned();
                if let Some(info) = said.or_else(|| last.and_then(info)) {
                    add("info", info);
                }
                if let Some(result) = last.and_then(|last| result(last.operation.name())) {
                    add("Cstate_result", result.to_owned());
                }
            }
            other if other.object_type().class() == ObjectClass::Resources => {
                let is_there =
                    self.checks.get(&object.name).is_none_or(|one| one.problem.is_none());
                let (now, before) =
                    if is_there { (READY, UNAVAILABLE) } else { (UNAVAILABLE, READY) };
                add("Rstate", now.to_owned());
                add("prev_state", before.to_owned());
                let count = self.counts.get(&object.name).copied().unwrap_or_default();
                add("alloc_count", count.to_string());
                if let Some(source) = self.sources.get(&object.name) {
                    add("content", content(source));
                    source.level.iter().for_each(|level| add("leads_to", level.clone()));
                }
            }
            // Groups have no state.
            _ => {}
        }
        pairs
    }

    /// When nimd last spoke with `name`, where it has.
    pub(super) fn last_seen(&self, name: &ObjectName) -> Option<Timestamp> {
        let spoken = self.last.get(name).and_then(|last| last.ended_at.or(last.started_at));
        let checked = self.checks.get(name).filter(|check| check.problem.is_none());
        spoken.max(checked.map(|check| check.at))
    }

    /// What a machine holds: what was allocated to it, and what an open operation uses beside that. NIM has a line for each, under
    /// its type; of what there may be several they are numbered.
    fn held(&self, object: &Object) -> Vec<(String, &ObjectName)> {
        let given = object.spec.allocated().iter();
        let given: Vec<_> = given
            .filter_map(|name| self.allocated.get_key_value(name))
            .map(|(name, of)| (*of, name))
            .collect();
        let used = self.used.get(&object.name).into_iter().flatten();
        let used = used.map(|(of, name)| (*of, name)).filter(|one| !given.contains(one));
        let mut numbers: BTreeMap<ObjectType, usize> = BTreeMap::new();
        let all: Vec<_> = given.iter().copied().chain(used).collect();
        all.into_iter()
            .map(|(of, name)| {
                let number = numbers.entry(of).or_default();
                *number += 1;
                match of.is_repeated() {
                    true => (format!("{of}{number}"), name),
                    false => (of.to_string(), name),
                }
            })
            .collect()
    }

    /// `Mstate`: what the last check found, unless the machine was heard of since.
    fn machine_state(&self, name: &ObjectName) -> &'static str {
        let Some(check) = self.checks.get(name).filter(|check| check.problem.is_some()) else {
            return RUNNING;
        };
        let last = self.last.get(name);
        let since =
            last.and_then(|last| last.started_at.map(|began| last.ended_at.unwrap_or(began)));
        let speaks = last.is_some_and(|last| {
            last.operation.name() == StateName::Running && last.lost_contact_since.is_none()
        });
        if speaks || since > Some(check.at) { RUNNING } else { NOT_RUNNING }
    }

    /// `HMC ID FRAME`, where all of them are known.
    fn profile(&self, spec: &Spec) -> Option<String> {
        let (frame, identity) = spec.frame()?;
        Some(format!("{} {} {frame}", self.hmcs.get(frame)?, identity?))
    }
}

/// What is in an `lpp_source`, in a line.
fn content(source: &LppSummary) -> String {
    let LppSummary { not_indexed, filesets, ifixes, faults, .. } = source;
    match not_indexed {
        Some(reason) => format!("not known: {reason}"),
        None => format!("{filesets} filesets, {ifixes} interim fixes, {faults} faults"),
    }
}

/// One line on an operation, as NIM's `info` has it: where it stands, or why it ended. `None` where there is nothing to say.
fn info(last: &Record) -> Option<String> {
    let why = || verdict::message(last);
    match last.operation.name() {
        StateName::Succeeded | StateName::Unchanged | StateName::Cancelled => None,
        StateName::Failed | StateName::Stuck => why(),
        StateName::Queued | StateName::Dispatching => {
            last.waits_for.as_ref().map(|what| format!("waits for {what}"))
        }
        StateName::Running => {
            let run = last.operation.state.run()?;
            Some(match run.phase {
                Some(phase) => format!("{}: {phase}", run.stage),
                None => run.stage.to_string(),
            })
        }
    }
}

/// The last line that each copy of rootvg under way printed, which NIM's `info` has too. Source: the NIM reference, §1.6.
async fn said(
    store: &Store,
    last: &BTreeMap<ObjectName, Record>,
) -> Result<BTreeMap<ObjectName, String>, Error> {
    let mut said = BTreeMap::new();
    let is_copy =
        |one: &&Record| one.kind == Kind::AltDisk && one.operation.name() == StateName::Running;
    for record in last.values().filter(is_copy) {
        let offset = record.output_offset.saturating_sub(TAIL);
        let from = OutputCursor { epoch: record.position.epoch, offset };
        let part =
            store.output(record.id, from, usize::try_from(TAIL).unwrap_or(usize::MAX)).await?;
        let bytes: Vec<u8> = part.chunks.into_iter().flat_map(|chunk| chunk.data).collect();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines().rev().map(str::trim);
        if let Some(line) = lines.find(|line| !line.is_empty()) {
            said.insert(record.lpar.clone(), printable(line));
        }
    }
    Ok(said)
}

/// How much of the end of an output is looked at, in bytes.
const TAIL: u64 = 4096;

/// `Cstate` of a machine that `last` works on.
const fn at_work(last: &Record) -> &'static str {
    match last.kind {
        Kind::AltDisk => COPYING,
        Kind::Preview
        | Kind::Update
        | Kind::InstallPreview
        | Kind::Install
        | Kind::MaintPreview
        | Kind::Maint
        | Kind::ReleaseDisks
        | Kind::Rollback
        | Kind::CleanUp
        | Kind::Snap => AT_WORK,
    }
}

/// NIM's word for how an operation ended; `None` while it has not.
const fn result(state: StateName) -> Option<&'static str> {
    match state {
        StateName::Succeeded | StateName::Unchanged => Some("success"),
        StateName::Failed | StateName::Cancelled => Some("failure"),
        StateName::Queued | StateName::Dispatching | StateName::Running | StateName::Stuck => None,
    }
}

/// `Nstate` and `Rstate` of what can be used.
const READY: &str = "ready for use";

/// `Rstate` of what is not at its place.
const UNAVAILABLE: &str = "unavailable for use";

/// `Mstate` of a machine that did not answer when it was asked (recalled in the reference).
const NOT_RUNNING: &str = "not running";

/// `Mstate` of every other: NIM notes it when the object is made and when the machine boots over the network.
const RUNNING: &str = "currently running";

/// `Cstate` of a machine on which nothing is open.
const READY_FOR: &str = "ready for a NIM operation";

/// `Cstate` of a machine on which an operation is open.
const AT_WORK: &str = "customization is being performed";

/// The same where rootvg is copied.
const COPYING: &str = "alt_disk_install operation is being performed";
