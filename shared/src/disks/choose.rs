//! The choice: every reason against each disk, and the smallest disks among those against which nothing speaks.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{DiskFacts, MOST_CLOSELY, RootGroup};
use super::{Content, Pin, PoolEntry, Reason, Role, SeenDisk, paths};
use crate::id::{DiskName, ObjectName};
use crate::unit::Megabytes;

/// What is known around the disks of an LPAR.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The LPAR.
    pub lpar: &'a ObjectName,
    /// What the site gives Live Updates of it.
    pub pool: &'a [PoolEntry],
    /// What other LPARs see.
    pub others: &'a Others,
    /// What earlier runs hold.
    pub pins: &'a [Pin],
}

/// The disks of all LPARs, as they were seen last.
#[derive(Clone, Debug, Default)]
pub struct Others {
    seen: BTreeMap<String, BTreeSet<ObjectName>>,
    unseen: BTreeSet<ObjectName>,
}

impl Others {
    /// Notes the disks that `lpar` shows.
    pub fn sees(&mut self, lpar: &ObjectName, disks: &[SeenDisk]) {
        for udid in disks.iter().filter_map(|disk| disk.udid.as_ref()) {
            self.seen.entry(udid.lun().to_owned()).or_default().insert(lpar.clone());
        }
    }

    /// Notes that the disks of `lpar` were never seen.
    pub fn never_seen(&mut self, lpar: ObjectName) {
        self.unseen.insert(lpar);
    }

    /// What speaks against `disk` of `lpar`.
    fn against(&self, disk: &SeenDisk, lpar: &ObjectName) -> Option<Reason> {
        let Some(udid) = &disk.udid else { return Some(Reason::NoUdid) };
        let mut sharers =
            self.seen.get(udid.lun()).into_iter().flatten().filter(|one| *one != lpar);
        if let Some(first) = sharers.next() {
            return Some(Reason::Shared(first.clone(), sharers.count()));
        }
        let mut unseen = self.unseen.iter().filter(|one| *one != lpar);
        unseen.next().map(|first| Reason::SharingUnknown(first.clone(), unseen.count()))
    }
}

/// A disk with what was decided about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The disk.
    pub disk: SeenDisk,
    /// Its size, where it was looked at.
    pub size: Option<Megabytes>,
    /// What it was chosen for.
    pub role: Option<Role>,
    /// What speaks against it; empty for one that could be taken.
    pub against: Vec<Reason>,
}

/// A disk that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// What for.
    pub role: Role,
    /// The disk.
    pub disk: SeenDisk,
    /// Its size.
    pub size: Megabytes,
    /// What is needed of it.
    pub needed: Megabytes,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Every disk, in the order of `lspv`.
    pub disks: Vec<Judged>,
    /// Those that were chosen, by what for.
    pub picked: Vec<Picked>,
    /// Why there are not enough; empty where there are.
    pub missing: Vec<String>,
    /// rootvg, where it is known.
    pub root: Option<RootGroup>,
}

impl Choice {
    /// Of an LPAR that could not be looked at.
    #[must_use]
    pub fn none() -> Self {
        let missing = vec!["the LPAR could not be looked at".to_owned()];
        Self { disks: Vec::new(), picked: Vec::new(), missing, root: None }
    }
}

/// How large a disk may be.
#[derive(Clone, Copy)]
struct Sizes {
    least: Megabytes,
    most: Megabytes,
}

impl Sizes {
    /// What a copy of rootvg needs, up to one and a half times what its disks have: a LUN of that size is what is ordered for it.
    /// Source: LU §1.3.
    fn of(root: &RootGroup) -> Self {
        let most = root.used.max(root.whole).0;
        Self { least: root.used, most: Megabytes(most.saturating_add(most / 2)) }
    }

    /// For paging and dump space as large as that outside rootvg.
    fn of_space(space: Megabytes) -> Self {
        Self { least: space, most: Megabytes(space.0.saturating_add(space.0 / 2)) }
    }

    fn against(self, size: Megabytes) -> Option<Reason> {
        if size < self.least {
            Some(Reason::TooSmall(size, self.least))
        } else if size > self.most {
            Some(Reason::TooLarge(size, self.most))
        } else {
            None
        }
    }
}

/// Chooses disks.
#[must_use]
pub fn choose(facts: &DiskFacts, site: &Site<'_>) -> Choice {
    let (disks, root) = match (&facts.disks, &facts.root) {
        (Ok(disks), root) => (disks.as_slice(), root),
        (Err(why), _) => {
            let missing = vec![format!("the disks are not known: {why}")];
            return Choice { disks: Vec::new(), picked: Vec::new(), missing, root: None };
        }
    };
    let mut missing = Vec::new();
    let copies = match root {
        Ok(root) if root.copies > 2 => {
            missing.push("rootvg is mirrored three times: mirrorvg knows three copies, and Live Update needs one of them".to_owned());
            None
        }
        Ok(root) => Some((Sizes::of(root), root.copies)),
        Err(why) => {
            missing.push(format!("what rootvg needs is not known: {why}"));
            None
        }
    };
    let space = space(facts, &mut missing);
    let mut judged: Vec<Judged> =
        disks.iter().map(|disk| judge(disk, disks, facts, site)).collect();
    undivided(&mut judged, facts);
    let mut picked = Vec::new();
    // Two disks for each list where rootvg is mirrored: each has to hold a copy. Source: LU §1.3.
    let wanted = copies
        .into_iter()
        .flat_map(|(sizes, copies)| [Role::Nhdisk, Role::Mhdisk].map(|role| (role, copies, sizes)));
    let wanted: Vec<(Role, u64, Sizes)> = wanted
        .chain(
            space
                .into_iter()
                .flat_map(|sizes| [Role::Tohdisk, Role::Tshdisk].map(|role| (role, 1, sizes))),
        )
        .collect();
    for (role, count, sizes) in &wanted {
        let mut fit: Vec<usize> = (0..judged.len())
            .filter(|at| {
                let one = &judged[*at];
                let fits = one.size.is_some_and(|size| sizes.against(size).is_none());
                one.against.is_empty() && one.role.is_none() && fits
            })
            .collect();
        fit.sort_by_key(|at| (judged[*at].size, number(&judged[*at].disk.name)));
        for at in fit.into_iter().take(usize::try_from(*count).unwrap_or(usize::MAX)) {
            judged[at].role = Some(*role);
            picked.push(Picked {
                role: *role,
                disk: judged[at].disk.clone(),
                size: judged[at].size.unwrap_or_default(),
                needed: sizes.least,
            });
        }
        let found = picked.iter().filter(|one| one.role == *role).count() as u64;
        if found < *count {
            missing.push(match (count, found) {
                (1, _) => format!("no disk is left for {role}"),
                (count, found) => format!("{found} of {count} disks are there for {role}"),
            });
        }
    }
    // Of a disk that nothing else is said against it is said how its size is wrong for all.
    for one in judged.iter_mut().filter(|one| one.role.is_none() && one.against.is_empty()) {
        let Some(size) = one.size else { continue };
        let wrong: Vec<Reason> =
            wanted.iter().filter_map(|(_, _, sizes)| sizes.against(size)).collect();
        if wrong.len() == wanted.len() {
            one.against.extend(wrong.into_iter().next());
        }
    }
    Choice { disks: judged, picked, missing, root: root.as_ref().ok().cloned() }
}

/// How much paging space is outside rootvg and has to go somewhere meanwhile; `None` where there is none. Source: LU §1.3 (inferred).
fn space(facts: &DiskFacts, missing: &mut Vec<String>) -> Option<Sizes> {
    match &facts.dumps {
        Ok(dumps) if !dumps.is_empty() => missing.push(format!(
            "the dump device {} is outside rootvg, and how large tohdisk and tshdisk have to be for it is not documented",
            dumps.join(", ")
        )),
        Ok(_) => {}
        Err(why) => missing.push(format!("where dumps go is not known: {why}")),
    }
    match &facts.paging {
        Ok(Megabytes(0)) => None,
        Ok(space) => Some(Sizes::of_space(*space)),
        Err(why) => {
            missing.push(format!("where paging space is is not known: {why}"));
            None
        }
    }
}

/// Everything that speaks against one disk by itself.
fn judge(disk: &SeenDisk, all: &[SeenDisk], facts: &DiskFacts, site: &Site<'_>) -> Judged {
    let mut against = Vec::new();
    let mut judged = Judged { disk: disk.clone(), size: None, role: None, against: Vec::new() };
    match (&disk.volume_group, disk.state.as_deref()) {
        (Some(label), Some("locked")) => against.push(Reason::Locked(label.clone())),
        (Some(group), _) => against.push(Reason::VolumeGroup(group.clone())),
        (None, Some(state)) => against.push(Reason::Locked(state.to_owned())),
        (None, None) => {}
    }
    if !against.is_empty() {
        // What it is in says enough, and nothing more was looked at.
        return Judged { against, ..judged };
    }
    if !site.pool.is_empty() && !site.pool.iter().any(|entry| entry.names(disk, site.lpar)) {
        return Judged { against: vec![Reason::NotInPool], ..judged };
    }
    if disk.pvid.is_none() && disk.udid.is_none() {
        against.push(Reason::NoIdentity);
    }
    let same = |other: &&SeenDisk| {
        other.name != disk.name
            && (disk.pvid.is_some() && disk.pvid == other.pvid
                || disk.udid.is_some() && disk.udid == other.udid)
    };
    against.extend(all.iter().find(same).map(|other| Reason::Twice(other.name.clone())));
    against.extend(site.others.against(disk, site.lpar));
    // One that was emptied and got another physical volume id since holds nothing of that run.
    let pin = site.pins.iter().find(|pin| match &pin.pvid {
        Some(_) => pin.pvid == disk.pvid,
        None => pin.udid.is_some() && pin.udid == disk.udid,
    });
    against.extend(pin.map(|pin| Reason::Pinned(pin.by, pin.role)));
    match &facts.paths {
        Err(why) => against.push(Reason::PathsUnknown(why.clone())),
        Ok(all) => {
            let over = paths::adapters(all).remove(&disk.name).unwrap_or_default();
            if over.len() < 2 {
                against.push(Reason::Adapters(over.into_iter().map(str::to_owned).collect()));
                // Without paths nothing was read of it.
                return Judged { against, ..judged };
            }
        }
    }
    match facts.closer.get(&disk.name) {
        None => against.push(Reason::NotLookedAt(MOST_CLOSELY)),
        Some(closer) => {
            match &closer.size {
                Ok(size) => judged.size = Some(*size),
                Err(why) => against.push(Reason::SizeUnknown(why.clone())),
            }
            match &closer.header {
                Err(why) => against.push(Reason::HeaderUnknown(why.clone())),
                Ok(header) => {
                    if header.content != Content::Empty {
                        against.push(Reason::Holds(header.content));
                    } else if header.pvid != disk.pvid {
                        against.push(Reason::OtherPvid(header.pvid.clone()));
                    }
                }
            }
            match &closer.holders {
                Ok(holders) if holders.is_empty() => {}
                Ok(holders) => against.push(Reason::Held(holders.clone())),
                Err(why) => against.push(Reason::HoldersUnknown(why.clone())),
            }
        }
    }
    Judged { against, ..judged }
}

/// Says it of each disk that the best division of the adapters does not serve.
fn undivided(judged: &mut [Judged], facts: &DiskFacts) {
    let Ok(all) = &facts.paths else { return };
    let over = paths::adapters(all);
    let needed: Vec<&DiskName> = judged
        .iter()
        .filter(|one| one.disk.volume_group.as_deref() == Some("rootvg"))
        .map(|one| &one.disk.name)
        .collect();
    let wanted: Vec<&DiskName> =
        judged.iter().filter(|one| one.against.is_empty()).map(|one| &one.disk.name).collect();
    let served = paths::served(&over, &needed, &wanted).unwrap_or_default();
    let served: Vec<DiskName> = served.into_iter().cloned().collect();
    for one in judged.iter_mut().filter(|one| one.against.is_empty()) {
        if !served.contains(&one.disk.name) {
            one.against.push(Reason::NoDivision);
        }
    }
}

/// `hdisk2` stands before `hdisk10`.
fn number(name: &DiskName) -> (u64, &DiskName) {
    let digits = name.as_str().trim_start_matches(|c: char| !c.is_ascii_digit());
    (digits.parse().unwrap_or(u64::MAX), name)
}
