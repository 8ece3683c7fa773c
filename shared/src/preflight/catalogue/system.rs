//! What is mounted, memory, tunnels and dumps.

use super::super::advice::{Danger, Remedy};
use super::super::facts::Seen;
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, for_information, get, none};
use crate::level::TechnologyLevel;

const ALL: Levels = Levels::All;
const BLOCK: Severity = Severity::Block;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "D20",
        title: "only file systems of supported types are mounted",
        looks_at: "mount",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("umount them for the update", Danger::Reversible),
        source: "LU §4.3 D20, §4.4a, §4.7",
        rule: mounts,
    },
    Check {
        id: "D21",
        title: "no program runs from NFS",
        looks_at: "mount",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("stop what runs from NFS", Danger::Outage),
        source: "LU §4.3 D21",
        rule: |seen| {
            let mut nfs = get(&seen.facts.mounts)?.iter().filter(|one| one.kind.starts_with("nfs"));
            match nfs.next() {
                None => Ok(Judged::not_applicable("nothing is mounted over NFS")),
                Some(one) => Err(format!("which programs run from {} is not looked at", one.over)),
            }
        },
    },
    Check {
        id: "D22",
        title: "no NFS mount uses Kerberos",
        looks_at: "mount",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("mount it again without sec=krb5", Danger::Reversible),
        source: "LU §4.3 D22",
        rule: |seen| {
            let with =
                get(&seen.facts.mounts)?.iter().filter(|one| one.options.contains("sec=krb5"));
            let with = with.map(|one| format!("{}: {}", one.over, one.options)).collect();
            Ok(none("NFS mounts with Kerberos", with, "no mount has sec=krb5"))
        },
    },
    Check {
        id: "D23",
        title: "no space management (DMAPI) is active",
        looks_at: "ps",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "stop the space management of Spectrum Protect",
            Danger::Reversible,
        ),
        source: "LU §4.3 D23",
        rule: |seen| {
            let names = ["dsmrecalld", "dsmmonitord", "dsmscoutd", "dsmwatchd"];
            let all = get(&seen.facts.processes)?.iter();
            let run = all.filter(|one| names.contains(&one.name()));
            let run = run.map(|one| format!("{} {}", one.pid, one.name())).collect();
            Ok(none("space management runs", run, "no daemon of it runs"))
        },
    },
    Check {
        id: "D24",
        title: "there is no pool of 16 MB pages",
        looks_at: "vmo -o lgpg_regions",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("vmo -r -o lgpg_regions=0, bosboot, and a reboot", Danger::Outage),
        source: "LU §4.3 D24",
        rule: |seen| {
            let regions = *get(&seen.facts.large_pages)?;
            let text = format!("lgpg_regions = {regions}");
            Ok(if regions == 0 {
                Judged::pass(text)
            } else {
                Judged::block("a pool of 16 MB pages", vec![text])
            })
        },
    },
    Check {
        id: "D25",
        title: "memory is dedicated, not shared between partitions",
        looks_at: "lparstat -i",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("give it dedicated memory in the profile", Danger::Outage),
        source: "LU §4.3 D25",
        rule: |seen| {
            let mode = get(&seen.facts.partition)?.memory_mode();
            let mode = mode.ok_or("lparstat -i shows no memory mode")?;
            Ok(if mode.starts_with("Dedicated") {
                Judged::pass(mode)
            } else {
                Judged::block("shared memory", vec![format!("Memory Mode: {mode}")])
            })
        },
    },
    Check {
        id: "D26",
        title: "there is no GRE tunnel",
        looks_at: "ifconfig -a",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("remove the tunnel", Danger::Reversible),
        source: "LU §4.3 D26",
        rule: |seen| {
            let all = get(&seen.facts.interfaces)?.iter();
            let tunnels = all.filter(|name| name.starts_with("gre")).cloned().collect();
            Ok(none("GRE tunnels", tunnels, "no interface is one"))
        },
    },
    Check {
        id: "D27",
        title: "a system dump in rootvg is not needed any more: it is gone afterwards",
        looks_at: "sysdumpdev -L",
        severity: Severity::Info,
        levels: ALL,
        remedy: Remedy::sentence("copy the dump away first", Danger::None),
        source: "LU §4.3 D27",
        rule: for_information,
    },
    Check {
        id: "D28",
        title: "disks, volumes and targets are on record for the comparison afterwards",
        looks_at: "lspv",
        severity: Severity::Info,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.3 D28",
        rule: for_information,
    },
];

fn mounts(seen: &Seen<'_>) -> Result<Judged, String> {
    let all = get(&seen.facts.mounts)?;
    let level = get(&seen.facts.level)?;
    let since = TechnologyLevel { release: 7200, number: 4 };
    let bad: Vec<_> = all
        .iter()
        .filter(|one| match one.kind.as_str() {
            "jfs2" | "procfs" => false,
            "autofs" => level.technology < since,
            kind => !kind.starts_with("nfs"),
        })
        .collect();
    let mut kinds: Vec<&str> = bad.iter().map(|one| one.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let found = format!("file systems of the type {}", kinds.join(", "));
    let shown = bad.iter().map(|one| format!("{} ({})", one.over, one.kind)).collect();
    let judged = none(&found, shown, "jfs2, nfs and procfs");
    Ok(Judged { touches_cluster: kinds.contains(&"ahafs"), ..judged })
}
