//! Readers of AIX command output.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use nim_shared::id::{DiskName, LparId};
use nim_shared::operation::{Disk, PathCount};

/// `who -b`: `   .        system boot  Nov 12 09:14`.
pub(super) fn boot_time(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.contains("boot"))?;
    let words: Vec<&str> =
        line.split_whitespace().skip_while(|word| *word != "boot").skip(1).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// `lspv`: name, PVID or `none`, volume group or `None`, state.
pub(super) fn disks(text: &str) -> Vec<Disk> {
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let name: DiskName = words.next()?.parse().ok()?;
        let pvid = words.next().filter(|word| *word != "none").map(str::to_owned);
        let volume_group = words.next().filter(|word| *word != "None").map(str::to_owned);
        Some(Disk { name, pvid, volume_group, active: words.next().is_some() })
    };
    text.lines().filter_map(row).collect()
}

/// `lspath`: status, disk, parent.
pub(super) fn paths(text: &str) -> Vec<PathCount> {
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let (Some(status), Some(Ok(disk))) =
            (words.next(), words.next().map(str::parse::<DiskName>))
        {
            *counts.entry((disk, status.to_owned())).or_insert(0) += 1;
        }
    }
    counts.into_iter().map(|((disk, status), count)| PathCount { disk, status, count }).collect()
}

/// `emgr -l`: labels in the third column, below a line of `=`.
pub(super) fn fixes(text: &str) -> Vec<String> {
    let rows = text.lines().skip_while(|line| !line.starts_with("===")).skip(1);
    let rows = rows.take_while(|line| !line.trim().is_empty() && !line.starts_with("STATE codes"));
    rows.filter_map(|line| line.split_whitespace().nth(2).map(str::to_owned)).collect()
}

/// `uname -L`: partition id, a blank, partition name.
pub(super) fn partition(text: &str) -> (Option<LparId>, Option<String>) {
    let Some((id, name)) = text.trim().split_once(' ') else { return (None, None) };
    let id = id.parse::<NonZeroU32>().ok().map(LparId);
    (id, Some(name.trim().to_owned()).filter(|name| !name.is_empty()))
}

/// `df -m DIR`: the third column from the beginning, counted from the end because the first may wrap.
pub(super) fn free_megabytes(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.lines().last()?.split_whitespace().collect();
    let free = words.len().checked_sub(5).and_then(|at| words.get(at))?;
    free.split('.').next()?.parse().ok()
}
