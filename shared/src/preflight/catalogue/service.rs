//! Services and processes that stop a Live Update.

use super::super::advice::{Danger, Remedy};
use super::super::facts::Seen;
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, get, has_wpars, none, processes};
use crate::level::TechnologyLevel;
use crate::prep::StepKind;

const ALL: Levels = Levels::All;
const BLOCK: Severity = Severity::Block;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "S18",
        title: "no workload partition is active",
        looks_at: "lswpar",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("stopwpar NAME", Danger::Outage),
        source: "LU §4.4 S18",
        rule: |seen| {
            if !has_wpars(seen)? {
                return Ok(Judged::pass("bos.wpars is not installed"));
            }
            let all = get(&seen.facts.workload_partitions)?.iter();
            let active = all.filter(|one| one.state == "A").map(|one| one.name.clone()).collect();
            Ok(none("active workload partitions", active, "none is active"))
        },
    },
    Check {
        id: "S19",
        title: "no ProbeVue session runs",
        looks_at: "ps",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("end the session", Danger::None),
        source: "LU §4.4 S19",
        rule: |seen| {
            let run = processes(seen, &["probevue"])?;
            Ok(none("ProbeVue sessions", run, "no probevue runs"))
        },
    },
    Check {
        id: "S20",
        title: "trace channel 0 is free where lvupdate.data asks for a trace",
        looks_at: "lvupdate.data",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::command("trcstop", Danger::Reversible),
        source: "LU §4.4 S20",
        rule: |seen| match get(&seen.facts.data)? {
            Some(data) if data.trace.is_some() => Err("not looked at".to_owned()),
            Some(_) | None => Ok(Judged::not_applicable("no trace is asked for")),
        },
    },
    Check {
        id: "S21",
        title: "no program uses storage keys",
        looks_at: "the programs",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("stop it for the update", Danger::Outage),
        source: "LU §4.4 S21",
        rule: |_| Err("not looked at: nothing of AIX lists them".to_owned()),
    },
    Check {
        id: "S22",
        title: "Workload Manager is stopped and stays so",
        looks_at: "wlmcntrl -q, /etc/inittab",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::command(
            "wlmcntrl -o; chitab \"rcnetwlm:23456789:off:/etc/rc.netwlm start> /dev/console 2>&1 # disable netwlm\"",
            Danger::Reversible,
        ).undone_by(StepKind::WorkloadManager),
        source: "LU §4.4 S22, §4.5 pitfall 2",
        rule: workload_manager,
    },
    Check {
        id: "S23",
        title: "the flash-cache daemon does not hang",
        looks_at: "lssrc -a, pfcdaemon",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::command("startsrc -s pfcdaemon", Danger::Reversible).undone_by(StepKind::Pfcdaemon),
        source: "LU §4.4 S23, §4.5 pitfall 3",
        rule: |seen| {
            let found = get(&seen.facts.subsystems)?.iter().find(|one| one.name == "pfcdaemon");
            Ok(match found {
                None => Judged::pass("pfcdaemon is no subsystem here"),
                Some(one) if one.is_active() => Judged::pass("pfcdaemon is active"),
                Some(one) => Judged::warn(
                    "pfcdaemon is not active",
                    vec![format!("pfcdaemon is {}", one.status)],
                ),
            })
        },
    },
    Check {
        id: "S24",
        title: "the NIS client has a domain, or is not installed",
        looks_at: "lslpp -Lqc, domainname",
        severity: BLOCK,
        levels: Levels::Below(TechnologyLevel { release: 7300, number: 0 }),
        remedy: Remedy::sentence("set a domain, or remove bos.net.nis.client", Danger::Reversible),
        source: "LU §4.4 S24, §4.5 pitfall 7",
        rule: |seen| {
            let mut all = get(&seen.facts.filesets)?.iter();
            if !all.any(|one| one.name == "bos.net.nis.client") {
                return Ok(Judged::pass("bos.net.nis.client is not installed"));
            }
            let domain = get(&seen.facts.nis_domain)?;
            Ok(if domain.is_empty() {
                Judged::block(
                    "a NIS client without domain",
                    vec!["domainname prints nothing".into()],
                )
            } else {
                Judged::pass(domain.clone())
            })
        },
    },
    Check {
        id: "S25",
        title: "the autofs script that Live Update notifies is there, where it is registered",
        looks_at: "lvupdateRegScript -l, and the file that it names",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "take the registration away: lvupdateRegScript -r -n AUTOFS_UMOUNT -d PLACE -P PHASE",
            Danger::Reversible,
        ).undone_by(StepKind::StaleAutofs),
        source: "LU §4.4 S25, §4.5 pitfall 5",
        rule: |seen| {
            let missing = get(&seen.facts.missing_scripts)?;
            let program = |command: &str| command.split_whitespace().next().map(str::to_owned);
            // Many more are registered by IBM, of which some are for what need not be installed.
            let all = get(&seen.facts.scripts)?.iter().filter(|one| one.label == "AUTOFS_UMOUNT");
            let gone = all
                .filter(|one| program(&one.command).is_some_and(|file| missing.contains(&file)))
                .map(|one| format!("{}: {}", one.place, one.command))
                .collect();
            Ok(none(
                "the registered autofs script is missing",
                gone,
                "it is there, or not registered",
            ))
        },
    },
    Check {
        id: "S26",
        title: "no process has /proc open",
        looks_at: "fuser -c /proc, ps",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "stop it for the update: truss, debuggers, nmon, lpar2rrd, agents of monitoring",
            Danger::Reversible,
        ),
        source: "LU §4.4 S26, §4.4a, §4.5 pitfall 1",
        rule: proc_users,
    },
    Check {
        id: "S27",
        title: "the update is not started from the console",
        looks_at: "the agent",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.4 S27",
        rule: |_| Ok(Judged::pass("the agent starts it without a terminal")),
    },
    Check {
        id: "S28",
        title: "no other Live Update runs, and none left its lock",
        looks_at: "/usr/lpp/.genlib.lock.check, ps",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::command("clvupdate -l", Danger::Permanent)
            .after("no Live Update and no geninstall runs: wait for one that does"),
        source: "LU §4.4 S28",
        rule: |seen| {
            let mut found = processes(seen, &["geninstall", "lvupdate"])?;
            if *get(&seen.facts.lock)? {
                found.push("/usr/lpp/.genlib.lock.check is there".to_owned());
            }
            Ok(none("another Live Update, or its lock", found, "no lock, and none runs"))
        },
    },
    Check {
        id: "S29",
        title: "backup and monitoring are idle",
        looks_at: "ps",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::sentence("stop them for the update", Danger::Reversible),
        source: "LU §4.4 S29",
        rule: |seen| {
            let run = processes(seen, &["dsmc", "dsmcad", "nmon", "topas_nmon", "truss", "dbx"])?;
            let mut names: Vec<_> = run.iter().filter_map(|text| text.split(' ').nth(1)).collect();
            names.sort_unstable();
            names.dedup();
            let found = format!("runs: {}", names.join(", "));
            Ok(if run.is_empty() {
                Judged::pass("none of those known")
            } else {
                Judged::warn(found, run)
            })
        },
    },
    Check {
        id: "S30",
        title: "all kernel extensions are known to be safe",
        looks_at: "lvupdate.data",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "have the vendor register it, or set kext_check = no",
            Danger::None,
        ),
        source: "LU §4.4 S30",
        rule: |seen| match get(&seen.facts.data)? {
            Some(data) if data.general.kext_check == Some(false) => {
                Ok(Judged::not_applicable("lvupdate.data says kext_check = no"))
            }
            Some(_) | None => Err("not looked at: geninstall -p does".to_owned()),
        },
    },
];

fn workload_manager(seen: &Seen<'_>) -> Result<Judged, String> {
    let mut found = Vec::new();
    if *get(&seen.facts.workload_manager)? {
        found.push("wlmcntrl -q: it runs".to_owned());
    }
    let lines = get(&seen.facts.inittab)?.iter();
    // id:runlevel:action:command
    let starts = lines.filter(|line| {
        let mut fields = line.split(':');
        fields.next() == Some("rcnetwlm") && fields.nth(1) != Some("off")
    });
    found.extend(starts.cloned());
    Ok(none("Workload Manager runs or would be started", found, "stopped, and not in the inittab"))
}

fn proc_users(seen: &Seen<'_>) -> Result<Judged, String> {
    let users = seen.facts.proc_users.as_ref().map_err(|why| {
        // By name alone nobody is acquitted.
        let known = processes(seen, &["truss", "dbx", "nmon", "topas_nmon"]).unwrap_or_default();
        let known =
            if known.is_empty() { String::new() } else { format!("; runs: {}", known.join(", ")) };
        format!("{why}{known}")
    })?;
    if users.is_empty() {
        return Ok(Judged::pass("fuser finds none"));
    }
    let all = seen.facts.processes.as_deref().unwrap_or_default();
    let name = |pid: u64| {
        let found = all.iter().find(|one| one.pid == pid).map(|one| one.name().to_owned());
        found.filter(|name| !name.is_empty()).unwrap_or_else(|| "an unknown process".to_owned())
    };
    let mut names: Vec<_> = users.iter().map(|pid| name(*pid)).collect();
    names.sort_unstable();
    names.dedup();
    let evidence = users.iter().map(|pid| format!("process {pid}, {}", name(*pid))).collect();
    Ok(Judged::block(format!("open files in /proc by {}", names.join(", ")), evidence))
}
