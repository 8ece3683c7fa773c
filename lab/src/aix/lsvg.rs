//! `lsvg`, `lsvg VG`, `-p`, `-l`, `-o` (LU §5.3).

use std::collections::BTreeSet;
use std::io::Write;

use super::{Context, Options};
use crate::world::lpar::{DUMP_MB, Disk, PAGING_MB};

/// Size of a physical partition in MB, as in the captured listing.
const PARTITION_MB: u64 = 256;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    let lpar = context.lpar()?;
    let Some(vg) = options.words.first() else {
        let mut names: BTreeSet<&str> =
            lpar.disks.iter().filter_map(|disk| disk.vg.as_deref()).collect();
        if options.has('o') {
            names.retain(|name| *name == "rootvg" || name.ends_with("datavg"));
        }
        for name in names {
            writeln!(out, "{name}")?;
        }
        return Ok(0);
    };
    let disks: Vec<&Disk> = lpar.disks.iter().filter(|disk| disk.vg.as_ref() == Some(vg)).collect();
    if disks.is_empty() {
        writeln!(
            std::io::stderr(),
            "0516-306 lsvg: Unable to find volume group {vg} in the Device Configuration Database."
        )?;
        return Ok(1);
    }
    let total: u64 = disks.iter().map(|disk| disk.size_mb / PARTITION_MB).sum();
    let used = lpar.rootvg_used_mb().div_ceil(PARTITION_MB).min(total);
    let mirrored = disks.len() > 1 && vg == "rootvg";
    if options.has('p') {
        writeln!(out, "{vg}:")?;
        writeln!(
            out,
            "PV_NAME           PV STATE          TOTAL PPs   FREE PPs    FREE DISTRIBUTION"
        )?;
        for disk in disks {
            let all = disk.size_mb / PARTITION_MB;
            let free = all.saturating_sub(used);
            writeln!(
                out,
                "{:<17} active            {all:<11} {free:<11} 111..80..00..01..112",
                disk.name
            )?;
        }
    } else if options.has('l') {
        writeln!(out, "{vg}:")?;
        writeln!(
            out,
            "LV NAME             TYPE       LPs     PPs     PVs  LV STATE      MOUNT POINT"
        )?;
        let copies = if mirrored { 2 } else { 1 };
        let is_root = vg == "rootvg";
        let standby = lpar.system.volumes.iter().filter(|_| is_root).map(String::as_str);
        for name in ["hd5"].into_iter().chain(standby) {
            writeln!(
                out,
                "{name:<19} {:<10} {:<7} {:<7} {copies:<4} {:<13} N/A",
                "boot", 1, copies, "closed/syncd"
            )?;
        }
        let space = [("hd6", "paging", PAGING_MB), ("lg_dumplv", "sysdump", DUMP_MB)];
        for (name, kind, size) in space.into_iter().filter(|_| vg == "rootvg") {
            let parts = size.div_ceil(PARTITION_MB);
            writeln!(
                out,
                "{name:<19} {kind:<10} {parts:<7} {:<7} {copies:<4} {:<13} N/A",
                parts * copies,
                "open/syncd"
            )?;
        }
        let local = lpar.filesystems.iter().filter(|fs| fs.device.starts_with("/dev/"));
        for fs in local.filter(|_| is_root) {
            let parts = fs.size_mb.div_ceil(PARTITION_MB);
            let name = fs.device.trim_start_matches("/dev/");
            let copies = lpar.system.copies.get(name).copied().unwrap_or(copies);
            writeln!(
                out,
                "{name:<19} {:<10} {parts:<7} {:<7} {copies:<4} {:<13} {}",
                "jfs2",
                parts * copies,
                "open/syncd",
                fs.mounted_on
            )?;
        }
    } else {
        let id = "00f60e5900004c0000000147afa9411f";
        let megabytes = total * PARTITION_MB;
        writeln!(out, "VOLUME GROUP:       {vg:<24} VG IDENTIFIER:  {id}")?;
        writeln!(
            out,
            "VG STATE:           {:<24} PP SIZE:        {PARTITION_MB} megabyte(s)",
            "active"
        )?;
        writeln!(
            out,
            "VG PERMISSION:      {:<24} TOTAL PPs:      {total} ({megabytes} megabytes)",
            "read/write"
        )?;
        let free = total - used;
        writeln!(
            out,
            "MAX LVs:            {:<24} FREE PPs:       {free} ({} megabytes)",
            256,
            free * PARTITION_MB
        )?;
        let stale = if vg == "rootvg" { lpar.system.stale_partitions } else { 0 };
        let disks = u64::from(stale > 0);
        writeln!(out, "STALE PVs:          {disks:<24} STALE PPs:      {stale}")?;
        if let Some(line) = lpar.system.snapshot.as_ref().filter(|_| vg == "rootvg") {
            writeln!(out, "{line}")?;
        }
    }
    Ok(0)
}
