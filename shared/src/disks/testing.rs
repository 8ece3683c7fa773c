//! Disks of a run for tests, and how an LPAR shows them.

use super::{DiskUse, GoodFor, RunDisk, SeenDisk};
use crate::operation::Named;

/// `hdiskN`, as a run left it.
pub(super) fn disk(number: u32, role: DiskUse, group: Option<&str>, good_for: GoodFor) -> RunDisk {
    RunDisk {
        name: format!("hdisk{number}").parse().unwrap(),
        pvid: format!("00fa343b8f05{number:04}").parse().ok(),
        udid: format!("332136005076{number:04}").parse().ok(),
        role: Named::Known(role),
        volume_group: group.map(str::to_owned),
        level: None,
        good_for: Named::Known(good_for),
    }
}

/// As the LPAR shows what is on record.
pub(super) fn seen(disk: &RunDisk) -> SeenDisk {
    SeenDisk {
        name: disk.name.clone(),
        pvid: disk.pvid.clone(),
        udid: disk.udid.clone(),
        volume_group: disk.volume_group.clone(),
        state: None,
        lun: None,
    }
}
