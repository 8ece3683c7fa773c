//! The site file of the lab: what nimd knows of frames and LPARs, in the form of `nim-lab` (`examples/site-small.yaml` explains it).
//!
//! What nobody knows has the lab's default, and each such default is said.

use std::collections::{BTreeMap, BTreeSet};

use nim_shared::api::{LabCopy, LabFrame, LabLpar, LabMedia};
use nim_shared::level::Level;
use nim_shared::unit::ProcessorUnits;
use serde::Serialize;

/// A site file.
#[derive(Debug, Serialize)]
pub(super) struct Site {
    /// What unclear facts are drawn from.
    seed: u64,
    /// 0: each host has a port of its own, so that several labs run side by side.
    port: u16,
    hmcs: Vec<Hmc>,
    frames: Vec<Frame>,
    lpars: Vec<Lpar>,
    lpp_sources: Vec<Source>,
}

#[derive(Debug, Serialize)]
struct Hmc {
    name: String,
    address: String,
    users: Vec<User>,
}

#[derive(Debug, Serialize)]
struct User {
    name: &'static str,
    role: &'static str,
    password: &'static str,
}

#[derive(Debug, Serialize)]
struct Frame {
    name: String,
    type_model: String,
    serial: String,
    hmcs: Vec<String>,
    memory_mb: u64,
    /// The hypervisor's, and that of all partitions that are not copied.
    firmware_mb: u64,
    region_mb: u64,
    processors: ProcessorUnits,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pools: Vec<Pool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_lpars: Option<u32>,
    vios: Vec<Vios>,
}

/// A shared pool of processors.
#[derive(Debug, Serialize)]
struct Pool {
    id: u32,
    name: String,
    /// What its LPARs of the lab have, and what is free: others of it are not there.
    processors: ProcessorUnits,
}

#[derive(Debug, Serialize)]
struct Vios {
    name: String,
    address: String,
    id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<String>,
}

#[derive(Debug, Serialize)]
struct Lpar {
    name: String,
    frame: String,
    address: String,
    id: u32,
    level: String,
    memory_mb: u64,
    processors: ProcessorUnits,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_processors: Option<ProcessorUnits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    npiv: bool,
}

#[derive(Debug, Serialize)]
struct Source {
    name: String,
    level: String,
    filesets: BTreeMap<&'static str, String>,
}

/// Password of every user of every HMC of the lab.
pub(super) const PASSWORD: &str = "rehearsal";

/// Users of an HMC of the lab, with their roles: the one of Live Updates, and one who only looks (HMC reference, §1.2).
const USERS: [(&str, &str); 2] = [("liveupdate", "hmcclientliveupdate"), ("viewer", "hmcviewer")];

/// VIOSes that a frame has at least: half of the paths of an LPAR move before the other half.
const PAIR: usize = 2;

/// What a lab's media updates. The lab's LPARs have these filesets.
const FILESETS: [&str; 4] = ["bos.rte", "bos.mp64", "bos.rte.libc", "bos.liveupdate.rte"];

/// The site for `copy`, and how it differs from what is known, one sentence each.
pub(super) fn site(copy: &LabCopy) -> (Site, Vec<String>) {
    let mut hosts = Hosts::default();
    let mut differs = Vec::new();
    let hmcs = copy.hmcs.iter().map(|hmc| Hmc {
        name: hmc.name.to_string(),
        address: hosts.next(),
        users: USERS.map(|(name, role)| User { name, role, password: PASSWORD }).into(),
    });
    let hmcs = hmcs.collect();
    let mut made = Vec::new();
    let mut levels = 0;
    let frames = copy.frames.iter().map(|frame| {
        let on = || copy.lpars.iter().filter(|lpar| lpar.frame == frame.name);
        levels += frame.vioses.iter().filter(|vios| vios.level.is_none()).count();
        let vios = vioses(frame, on().map(|lpar| lpar.id.0.get()), &mut made, &mut hosts);
        of_frame(frame, on(), vios)
    });
    let frames = frames.collect();
    let lpars = copy.lpars.iter().map(|lpar| Lpar {
        name: lpar.name.to_string(),
        frame: lpar.frame.to_string(),
        address: hosts.next(),
        id: lpar.id.0.get(),
        level: lpar.level.clone(),
        memory_mb: lpar.memory.0,
        processors: lpar.processors,
        // One that has less than it may run with was changed by hand: the lab would not have it.
        min_processors: lpar.min_processors.filter(|least| *least <= lpar.processors),
        pool: lpar.pool.filter(|_| is_pooled(copy, lpar)),
        npiv: lpar.npiv,
    });
    let lpars = lpars.collect();
    if !made.is_empty() {
        differs.push(format!("VIOSes made up, for a frame has two at least: {}", made.join(", ")));
    }
    if levels > 0 {
        differs.push(format!(
            "{levels} of the VIOSes have the level of the lab: theirs was never read"
        ));
    }
    differs.extend(UNKNOWN.map(str::to_owned));
    let lpp_sources = copy.media.iter().filter_map(source).collect();
    (Site { seed: 1, port: 0, hmcs, frames, lpars, lpp_sources }, differs)
}

/// What nimd does not keep of any site.
const UNKNOWN: [&str; 5] = [
    "HMCs have the lab's level and users, frames its firmware",
    "disks are three of 50 GB for each LPAR, one in rootvg and two free; volume groups and file systems are the usual ones",
    "filesets, users and what runs on LPARs are those of a fresh installation",
    "memory and processors that other partitions hold are taken, and those partitions are not there",
    "the policy of the site, hooks of every operation and maintenance are not in force; backups are waived",
];

fn of_frame<'a>(
    frame: &LabFrame,
    on: impl Iterator<Item = &'a LabLpar> + Clone,
    vios: Vec<Vios>,
) -> Frame {
    let held: u64 = on.clone().map(|lpar| lpar.memory.0).sum();
    let pools = frame.pools.iter().map(|(id, free)| {
        let members = on.clone().filter(|lpar| lpar.pool == Some(*id));
        let held: ProcessorUnits = members.map(|lpar| lpar.processors).sum();
        Pool { id: *id, name: format!("pool{id}"), processors: held + *free }
    });
    let pools = pools.collect();
    let processors: ProcessorUnits = on.map(|lpar| lpar.processors).sum();
    // What is free has to come out the same, also where readings are of different times.
    let seen = held.saturating_add(frame.free_memory.0);
    let memory = frame.memory.0.max(seen);
    let least = vios.iter().map(|one| one.id).max().unwrap_or(0);
    Frame {
        name: frame.name.to_string(),
        type_model: frame.type_model.clone(),
        serial: frame.serial.clone(),
        hmcs: frame.hmcs.iter().map(ToString::to_string).collect(),
        memory_mb: memory,
        firmware_mb: memory - seen,
        region_mb: frame.region.0,
        processors: processors + frame.free_processors,
        pools,
        max_lpars: frame.max_partitions.map(|most| most.max(least)),
        vios,
    }
}

/// Whether the pool of an LPAR is copied with its frame.
fn is_pooled(copy: &LabCopy, lpar: &LabLpar) -> bool {
    let frame = copy.frames.iter().find(|one| one.name == lpar.frame);
    frame.zip(lpar.pool).is_some_and(|(frame, pool)| frame.pools.contains_key(&pool))
}

/// The VIOSes of a frame, as many as it needs; who was made up is added to `made`.
fn vioses(
    frame: &LabFrame,
    lpars: impl Iterator<Item = u32>,
    made: &mut Vec<String>,
    hosts: &mut Hosts,
) -> Vec<Vios> {
    let known = frame.vioses.iter().map(|vios| Vios {
        name: vios.name.to_string(),
        address: hosts.next(),
        id: vios.id.0.get(),
        level: vios.level.clone(),
    });
    let mut all: Vec<Vios> = known.collect();
    let mut taken: BTreeSet<u32> = lpars.chain(all.iter().map(|vios| vios.id)).collect();
    while all.len() < PAIR {
        let name = format!("rehearsal-vios{}", made.len() + 1);
        let Some(id) = (1..).find(|id| !taken.contains(id)) else { break };
        taken.insert(id);
        made.push(format!("{name} on {}", frame.name));
        all.push(Vios { name, address: hosts.next(), id, level: None });
    }
    all
}

/// Media that lead to the level that the rollout's do.
fn source(media: &LabMedia) -> Option<Source> {
    let Level { technology, service_pack, .. } = media.level.parse().ok()?;
    let (version, release) = (technology.release / 1000, technology.release / 100 % 10);
    let fileset = format!("{version}.{release}.{}.{service_pack}", technology.number);
    Some(Source {
        name: media.name.to_string(),
        level: media.level.clone(),
        filesets: FILESETS.iter().map(|name| (*name, fileset.clone())).collect(),
    })
}

/// Gives out loopback addresses, one a host.
#[derive(Debug, Default)]
struct Hosts(u32);

impl Hosts {
    /// The next of 127.80.0.1, 127.80.0.2 and so on, without the 0 and 255 that some read as a network's own.
    fn next(&mut self) -> String {
        let (above, last) = (self.0 / 254, self.0 % 254 + 1);
        self.0 += 1;
        format!("127.{}.{}.{last}", 80 + above / 256, above % 256)
    }
}

#[cfg(test)]
mod tests;
