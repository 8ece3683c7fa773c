//! What an LPAR is asked about its disks, and the typed values of what came back.

use std::collections::BTreeMap;

use super::header::{Header, header};
use super::{PoolEntry, SeenDisk, paths};
use crate::aix::{self, DiskPath};
use crate::id::{DiskName, ObjectName};
use crate::operation::Named;
use crate::preflight::Fact;
use crate::preflight::facts::{Answers, rows};
use crate::preflight::probe::{Answer, Probe, ProbeId, Probed};
use crate::unit::Megabytes;

/// The disks of an LPAR, as far as they were looked at. What could not be read carries the reason in its place.
#[derive(Clone, Debug)]
pub struct DiskFacts {
    /// Every disk.
    pub disks: Fact<Vec<SeenDisk>>,
    /// Paths.
    pub paths: Fact<Vec<DiskPath>>,
    /// rootvg.
    pub root: Fact<RootGroup>,
    /// How much paging space lies outside rootvg.
    pub paging: Fact<Megabytes>,
    /// Dump devices outside rootvg.
    pub dumps: Fact<Vec<String>>,
    /// What was looked at closely.
    pub closer: BTreeMap<DiskName, Closer>,
}

/// A disk that was looked at closely.
#[derive(Clone, Debug)]
pub struct Closer {
    /// Its size.
    pub size: Fact<Megabytes>,
    /// What is on it.
    pub header: Fact<Header>,
    /// Processes that have it open.
    pub holders: Fact<Vec<u64>>,
}

/// rootvg, as far as it decides about disks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootGroup {
    /// How many copies of each logical volume there are at most.
    pub copies: u64,
    /// What its logical volumes take, once.
    pub used: Megabytes,
    /// What its disks have, for one copy.
    pub whole: Megabytes,
}

/// What is asked first.
#[must_use]
pub fn first() -> Vec<Probe> {
    use ProbeId as P;
    let all = [
        P::DiskIdentities,
        P::LunNames,
        P::Paths,
        P::RootGroup,
        P::RootVolumes,
        P::PagingSpaces,
        P::DumpDevices,
    ];
    all.map(Probe::of).to_vec()
}

/// What is asked after that: the sizes of rootvg's disks, and everything of those that the first look leaves. Of what is in use
/// already nothing is read.
#[must_use]
pub fn closer(facts: &DiskFacts, pool: &[PoolEntry], lpar: &ObjectName) -> Vec<Probe> {
    let Ok(disks) = &facts.disks else { return Vec::new() };
    let root = disks.iter().filter(|disk| disk.volume_group.as_deref() == Some("rootvg"));
    let mut probes: Vec<Probe> = root
        .take(MOST_OF_ROOT)
        .map(|disk| Probe::of_disk(ProbeId::DiskSize, disk.name.clone()))
        .collect();
    for disk in candidates(disks, facts, pool, lpar) {
        for id in [ProbeId::DiskSize, ProbeId::DiskHeader, ProbeId::DiskHolders] {
            probes.push(Probe::of_disk(id, disk.name.clone()));
        }
    }
    probes
}

/// The disks that may come into question.
fn candidates<'a>(
    disks: &'a [SeenDisk],
    facts: &DiskFacts,
    pool: &[PoolEntry],
    lpar: &ObjectName,
) -> Vec<&'a SeenDisk> {
    let over = facts.paths.as_ref().map(|all| paths::adapters(all)).unwrap_or_default();
    disks
        .iter()
        .filter(|disk| disk.volume_group.is_none() && disk.state.is_none())
        .filter(|disk| pool.is_empty() || pool.iter().any(|entry| entry.names(disk, lpar)))
        .filter(|disk| over.get(&disk.name).is_some_and(|adapters| adapters.len() > 1))
        .take(MOST_CLOSELY)
        .collect()
}

/// Most disks that are looked at closely: each costs three processes.
pub(super) const MOST_CLOSELY: usize = 12;

/// Most disks of rootvg whose size is asked for.
const MOST_OF_ROOT: usize = 6;

impl DiskFacts {
    /// Of what came back. What is not among it was not looked at for the reason `otherwise`.
    #[must_use]
    pub fn read(probed: &[Probed], otherwise: &str) -> Self {
        let all = Answers { probed, otherwise };
        use ProbeId as P;
        // Not every driver tells names: then no name fits a pattern, and nothing else follows from it.
        let luns: BTreeMap<DiskName, String> =
            all.rows(P::LunNames, aix::lsmpio_q).unwrap_or_default().into_iter().collect();
        let disks = all.some(P::DiskIdentities, aix::lspv_u).map(|mut disks| {
            for disk in &mut disks {
                disk.lun = luns.get(&disk.name).cloned();
            }
            disks
        });
        let volumes = all.some(P::RootVolumes, aix::lsvg_l);
        let own: Vec<String> = volumes.iter().flatten().map(|volume| volume.name.clone()).collect();
        let root = disks.clone().and_then(|disks| root(&all, &disks));
        Self {
            root,
            paths: all.some(P::Paths, aix::lspath_fields),
            paging: all.some(P::PagingSpaces, aix::lsps_a).map(|spaces| {
                let outside = spaces.iter().filter(|space| space.group != "rootvg");
                outside.map(|space| space.size).sum()
            }),
            dumps: volumes.and_then(|_| {
                let all = all.rows(P::DumpDevices, aix::sysdumpdev_l)?;
                Ok(all.into_iter().filter(|device| !own.contains(device)).collect())
            }),
            closer: closely(probed),
            disks,
        }
    }
}

fn root(all: &Answers<'_>, disks: &[SeenDisk]) -> Fact<RootGroup> {
    let (text, _) = all.printed(ProbeId::RootGroup)?;
    let part: u64 = text
        .split_once("PP SIZE:")
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok())
        .ok_or("lsvg rootvg shows no size of its partitions")?;
    let volumes = all.some(ProbeId::RootVolumes, aix::lsvg_l)?;
    let copies = volumes.iter().map(|one| one.physical.div_ceil(one.logical.max(1)));
    let copies = copies.max().unwrap_or(1).max(1);
    let logical: u64 = volumes.iter().map(|one| one.logical).fold(0, u64::saturating_add);
    let mut whole = 0_u64;
    for disk in disks.iter().filter(|disk| disk.volume_group.as_deref() == Some("rootvg")) {
        let size = closely_asked(all.probed, ProbeId::DiskSize, &disk.name);
        let size = size.and_then(|answer| size_of(answer).ok());
        let Megabytes(size) =
            size.ok_or_else(|| format!("the size of {} is not known", disk.name))?;
        whole = whole.saturating_add(size);
    }
    let used = Megabytes(logical.saturating_mul(part));
    Ok(RootGroup { copies, used, whole: Megabytes(whole / copies) })
}

/// The answer about one disk.
fn closely_asked<'a>(probed: &'a [Probed], id: ProbeId, disk: &DiskName) -> Option<&'a Answer> {
    let asked = Probe::of_disk(id, disk.clone());
    probed.iter().find(|one| one.probe == asked).map(|one| &one.answer)
}

fn closely(probed: &[Probed]) -> BTreeMap<DiskName, Closer> {
    let asked = probed.iter().filter(|one| one.probe.id == Named::Known(ProbeId::DiskHeader));
    let disks = asked.filter_map(|one| one.probe.disk.clone());
    let one = |disk: &DiskName, id| {
        closely_asked(probed, id, disk).ok_or_else(|| "it was not looked at".to_owned())
    };
    disks
        .map(|disk| {
            let closer = Closer {
                size: one(&disk, ProbeId::DiskSize).and_then(size_of),
                header: one(&disk, ProbeId::DiskHeader).and_then(|answer| {
                    let (status, text) = ended(answer)?;
                    if status == 0 {
                        header(text)
                    } else {
                        Err(format!("lquerypv ended with {status}"))
                    }
                }),
                holders: one(&disk, ProbeId::DiskHolders).and_then(holders),
            };
            (disk, closer)
        })
        .collect()
}

fn size_of(answer: &Answer) -> Fact<Megabytes> {
    match ended(answer)? {
        (0, text) => aix::disk_size(text).map_err(|bad| bad.to_string()),
        (status, _) => Err(format!("getconf DISK_SIZE ended with {status}")),
    }
}

/// Who has a disk open. With nobody there `fuser` says nothing, and with which status is not known.
pub(super) fn holders_of(status: i32, text: &str) -> Fact<Vec<u64>> {
    match rows(ProbeId::DiskHolders, aix::fuser(text))? {
        found if found.is_empty() && !(0..=1).contains(&status) => {
            Err(format!("fuser ended with {status}"))
        }
        found => Ok(found),
    }
}

fn holders(answer: &Answer) -> Fact<Vec<u64>> {
    let (status, text) = ended(answer)?;
    holders_of(status, text)
}

fn ended(answer: &Answer) -> Fact<(i32, &str)> {
    match answer {
        Answer::Printed { status, stdout, .. } => Ok((*status, stdout)),
        Answer::Failed { why } => Err(crate::id::printable(why)),
        Answer::File { .. } | Answer::NoFile => {
            Err("the agent answers with something else".to_owned())
        }
    }
}
