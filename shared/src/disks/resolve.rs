//! From the disks that were chosen to the names that they have now, on the LPAR, right before they are used.

use serde::{Deserialize, Serialize};

use super::facts::holders_of;
use super::header::header;
use super::{Content, Pvid, Reason, Role, SeenDisk, Udid};
use crate::aix;
use crate::id::DiskName;
use crate::lvupdate::Document;
use crate::operation::Disk;
use crate::unit::Megabytes;

/// A disk that was chosen, as it travels: what names it whatever its number is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChosenDisk {
    /// What it is for.
    pub role: Role,
    /// The name that it had when it was chosen: for people.
    pub name: DiskName,
    /// Its physical volume id.
    pub pvid: Option<Pvid>,
    /// Its unique id.
    pub udid: Option<Udid>,
    /// What is needed of it.
    pub needed: Megabytes,
}

impl ChosenDisk {
    /// What stands for it in `lvupdate.data` until its name is known: no name of any disk.
    #[must_use]
    pub fn key(&self) -> String {
        match (&self.pvid, &self.udid) {
            (Some(pvid), _) => format!("pvid:{pvid}"),
            (None, Some(udid)) => format!("udid:{udid}"),
            (None, None) => "none".to_owned(),
        }
    }
}

/// Why a disk that was chosen cannot be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// No disk has these ids.
    #[error("{role}: no disk has {ids}; it was {name}", role = .0.role, ids = ids(.0), name = .0.name)]
    Gone(Box<ChosenDisk>),
    /// A disk has one of them, and another one in the place of the other.
    #[error("{role}: {now} has one id of {ids} and not the other: it was written to, or mapped anew", role = .0.role, now = .1, ids = ids(.0))]
    Changed(Box<ChosenDisk>, DiskName),
    /// Several disks have them.
    #[error("{role}: {first} and {second} both have {ids}", role = .0.role, first = .1, second = .2, ids = ids(.0))]
    Several(Box<ChosenDisk>, DiskName, DiskName),
}

/// The disk among `disks` that was chosen: every id that was known then has to be there, and no other disk may have one of them.
///
/// # Errors
/// [`Unresolved`].
pub fn resolve<'a>(chosen: &ChosenDisk, disks: &'a [SeenDisk]) -> Result<&'a SeenDisk, Unresolved> {
    let boxed = || Box::new(chosen.clone());
    by_ids(chosen.pvid.as_ref(), chosen.udid.as_ref(), disks).map_err(|lookup| match lookup {
        Lookup::Gone => Unresolved::Gone(boxed()),
        Lookup::Changed(now) => Unresolved::Changed(boxed(), now),
        Lookup::Several(first, second) => Unresolved::Several(boxed(), first, second),
    })
}

/// Why no disk has certain ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// None has one of them.
    Gone,
    /// This one has one of them, and another one in the place of the other.
    Changed(DiskName),
    /// Several have them.
    Several(DiskName, DiskName),
}

/// The disk among `disks` that has both ids, as far as they are known: no other disk may have one of them.
pub(super) fn by_ids<'a>(
    pvid: Option<&Pvid>,
    udid: Option<&Udid>,
    disks: &'a [SeenDisk],
) -> Result<&'a SeenDisk, Lookup> {
    let same_pvid = |disk: &SeenDisk| pvid.is_some() && pvid == disk.pvid.as_ref();
    let same_udid = |disk: &SeenDisk| udid.is_some() && udid == disk.udid.as_ref();
    let mut found = disks.iter().filter(|disk| same_pvid(disk) || same_udid(disk));
    let Some(first) = found.next() else { return Err(Lookup::Gone) };
    if let Some(second) = found.next() {
        return Err(Lookup::Several(first.name.clone(), second.name.clone()));
    }
    if pvid == first.pvid.as_ref() && udid == first.udid.as_ref() {
        Ok(first)
    } else {
        Err(Lookup::Changed(first.name.clone()))
    }
}

fn ids(chosen: &ChosenDisk) -> String {
    let pvid = chosen.pvid.as_ref().map(|id| format!("PVID {id}"));
    let udid = chosen.udid.as_ref().map(|id| format!("UDID {id}"));
    let all: Vec<String> = pvid.into_iter().chain(udid).collect();
    if all.is_empty() { "any id".to_owned() } else { all.join(" and ") }
}

/// What speaks against a disk that was chosen before, by what `lspv -u`, `getconf DISK_SIZE`, `lquerypv -h` and `fuser` say of it
/// now: the first thing.
#[must_use]
pub fn fault(
    chosen: &ChosenDisk,
    now: &SeenDisk,
    size: &str,
    dump: &str,
    (status, open): (i32, &str),
) -> Option<Reason> {
    match (&now.volume_group, now.state.as_deref()) {
        (Some(label), Some("locked")) => return Some(Reason::Locked(label.clone())),
        (Some(group), _) => return Some(Reason::VolumeGroup(group.clone())),
        (None, Some(state)) => return Some(Reason::Locked(state.to_owned())),
        (None, None) => {}
    }
    match aix::disk_size(size) {
        Ok(size) if size < chosen.needed => return Some(Reason::TooSmall(size, chosen.needed)),
        Ok(_) => {}
        Err(bad) => return Some(Reason::SizeUnknown(bad.to_string())),
    }
    match header(dump) {
        Err(why) => return Some(Reason::HeaderUnknown(why)),
        Ok(header) if header.content != Content::Empty => {
            return Some(Reason::Holds(header.content));
        }
        Ok(header) if header.pvid != now.pvid => return Some(Reason::OtherPvid(header.pvid)),
        Ok(_) => {}
    }
    held(status, open)
}

/// What `lspv` says against a copy of rootvg on disks that somebody has named for it. Source: LU §5.3.
#[must_use]
pub fn backup_faults(wanted: &[DiskName], disks: &[Disk]) -> Vec<String> {
    let fault = |name: &DiskName| match disks.iter().find(|disk| disk.name == *name) {
        None => Some(format!("the backup goes to {name}, and lspv shows no such disk")),
        Some(disk) => {
            let group = disk.volume_group.as_ref()?;
            Some(format!("the backup goes to {name}, which is in {group}"))
        }
    };
    wanted.iter().filter_map(fault).collect()
}

/// What speaks against a copy of rootvg on a disk that somebody has named for it, by what `lquerypv -h` and `fuser` say of it. That `lspv`
/// shows it in no volume group holds for a raw disk of a database too, which may have its number by now. The signature of a volume
/// group is what the copy before has left there, once it was released: by that alone it is not refused. Source: LU §4.4a D01.
#[must_use]
pub fn fault_of_named(dump: &str, (status, open): (i32, &str)) -> Option<Reason> {
    match header(dump) {
        Err(why) => return Some(Reason::HeaderUnknown(why)),
        Ok(header) => match header.content {
            Content::Empty | Content::VolumeGroup => {}
            foreign @ (Content::Asm
            | Content::Gpfs
            | Content::PartitionTable
            | Content::Something) => return Some(Reason::Holds(foreign)),
        },
    }
    held(status, open)
}

/// Who has it open.
fn held(status: i32, open: &str) -> Option<Reason> {
    match holders_of(status, open) {
        Ok(holders) if holders.is_empty() => None,
        Ok(holders) => Some(Reason::Held(holders)),
        Err(why) => Some(Reason::HoldersUnknown(why)),
    }
}

/// `lvupdate.data` with the names that its disks have now, in the places of their keys.
#[must_use]
pub fn with_names(document: Document, now: &[(ChosenDisk, DiskName)]) -> Document {
    replaced(document, |_, text| {
        now.iter().find(|(chosen, _)| chosen.key() == text).map(|(_, now)| now.to_string())
    })
}

/// `lvupdate.data` with the keys of the chosen disks in the places of the names that they had when they were chosen.
#[must_use]
pub fn with_keys(document: Document, chosen: &[ChosenDisk]) -> Document {
    replaced(document, |role, text| {
        let of = |one: &&ChosenDisk| one.role == role && one.name.as_str() == text;
        chosen.iter().find(of).map(ChosenDisk::key)
    })
}

/// With something else for each entry of the lists of disks that `with` knows. All of a list at once: two disks may have changed their
/// numbers with each other.
fn replaced(mut document: Document, with: impl Fn(Role, &str) -> Option<String>) -> Document {
    for role in Role::ALL {
        let Some(list) = document.get("disks", role.name()) else { continue };
        let entries = list.value.split(',').map(str::trim);
        let entries: Vec<String> =
            entries.map(|text| with(*role, text).unwrap_or_else(|| text.to_owned())).collect();
        document.set("disks", role.name(), &entries.join(","));
    }
    document
}
