//! Security, services, processes, clusters.

use super::super::advice::{Danger, Remedy};
use super::super::facts::Seen;
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, for_information, get, none, of_the_update};
use crate::level::TechnologyLevel;

const ALL: Levels = Levels::All;
const BLOCK: Severity = Severity::Block;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "S08",
        title: "Trusted Execution is off while updates are installed",
        looks_at: "trustchk -p",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::command("trustchk -p te=off", Danger::Reversible).after(
            "LOCK_KERN_POLICIES is off; before te=on the changed files are verified with trustchk -n",
        ),
        source: "LU §4.4 S08, §4.4a",
        rule: |seen| {
            let on = get(&seen.facts.trust)?.get("TE").copied().unwrap_or(false);
            Ok(if on {
                Judged::block("Trusted Execution is on", vec!["TE=ON".to_owned()])
            } else {
                Judged::pass("TE=OFF")
            })
        },
    },
    Check {
        id: "S09",
        title: "with Trusted Execution on, its policies let an interim fix through",
        looks_at: "trustchk -p",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "switch off TEP, TLP and TSD_FILES_LOCK, and CHKSHLIB or STOP_UNTRUSTD",
            Danger::Reversible,
        ),
        source: "LU §4.4 S09",
        rule: policies,
    },
    Check {
        id: "S10",
        title: "the database of Trusted Execution is not looked up in LDAP",
        looks_at: "/etc/nscontrol.conf",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::command(
            "chsec -f /etc/nscontrol.conf -s tsddat -a secorder=files",
            Danger::Reversible,
        )
        .after("for the time of the update; LDAP may hold the old hashes afterwards"),
        source: "LU §4.4 S10, §4.4a",
        rule: |seen| {
            let order = get(&seen.facts.trust_order)?;
            Ok(if order.to_ascii_uppercase().contains("LDAP") {
                let evidence = vec![format!("tsddat: secorder = {order}")];
                Judged::warn("the database of Trusted Execution is in LDAP", evidence)
            } else {
                Judged::pass(if order.is_empty() { "files" } else { order })
            })
        },
    },
    Check {
        id: "S11",
        title: "there is no Trusted Computing Base",
        looks_at: "odmget -q attribute=TCB_STATE PdAt",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("Live Update is not supported with it", Danger::None),
        source: "LU §4.4 S11",
        rule: |_| Err("not looked at: geninstall -p does".to_owned()),
    },
    Check {
        id: "S12",
        title: "no security profile of those that exclude Live Update is applied",
        looks_at: "aixpert -t",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("Live Update is not supported with it", Danger::None),
        source: "LU §4.4 S12",
        rule: |_| Err("not looked at: geninstall -p does".to_owned()),
    },
    Check {
        id: "S13",
        title: "Kerberos is not configured",
        looks_at: "/etc/krb5/krb5.conf",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("take the configuration away for the update", Danger::Reversible),
        source: "LU §4.4 S13",
        rule: |seen| {
            let found = get(&seen.facts.kerberos)?.then(|| "/etc/krb5/krb5.conf".to_owned());
            Ok(none("Kerberos is configured", found.into_iter().collect(), "no /etc/krb5/krb5.conf"))
        },
    },
    Check {
        id: "S14",
        title: "there is no virtual log of PowerSC",
        looks_at: "lsdev -C",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("remove the virtual log", Danger::Reversible),
        source: "LU §4.4 S14",
        rule: |seen| {
            let all = get(&seen.facts.devices)?.iter().filter(|one| one.name.starts_with("vlog"));
            let all = all.map(|one| format!("{} {}", one.name, one.status)).collect();
            Ok(none("virtual logs", all, "none"))
        },
    },
    Check {
        id: "S15",
        title: "no IP filter device is available",
        looks_at: "lsdev -C, class ipsec",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "where no tunnel is active: save the rules with lsfilt, then rmdev -dl ipsec_v4 -R and the same for v6; the host is open until \
             they are back",
            Danger::Reversible,
        ),
        source: "LU §4.4 S15, §4.4a",
        rule: |seen| {
            let all = get(&seen.facts.devices)?.iter();
            let on = all.filter(|one| one.class == "ipsec" && one.status == "Available");
            let on: Vec<_> = on.map(|one| format!("{} Available", one.name)).collect();
            let level = get(&seen.facts.level)?;
            let found = "IP filters are active";
            Ok(if !on.is_empty() && level.technology >= TechnologyLevel::TL_7300_03 {
                Judged::warn(found, on)
            } else {
                none(found, on, "no device of the class ipsec is available")
            })
        },
    },
    Check {
        id: "S16",
        title: "auditing does not stream",
        looks_at: "/etc/security/audit/config, audit query",
        severity: BLOCK,
        levels: Levels::Below(TechnologyLevel::TL_7300_03),
        remedy: Remedy::sentence(
            "audit shutdown, streammode = off in /etc/security/audit/config, audit start",
            Danger::Reversible,
        ),
        source: "LU §4.4 S16",
        rule: |seen| {
            if !*get(&seen.facts.audit_streams)? {
                return Ok(Judged::pass("streammode is not on"));
            }
            let state = get(&seen.facts.audit)?;
            Ok(if state.to_ascii_lowercase().contains("off") {
                Judged::pass("streammode is on, auditing is off")
            } else {
                Judged::block("auditing streams", vec!["streammode = on".to_owned(), state.clone()])
            })
        },
    },
    Check {
        id: "S17",
        title: "no stopped workload partition is audited",
        looks_at: "lswpar",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("switch its auditing off", Danger::Reversible),
        source: "LU §4.4 S17",
        rule: |seen| match stopped_or_none(seen)? {
            None => Ok(Judged::not_applicable("no workload partition is stopped")),
            Some(name) => Err(format!("whether {name} is audited is not looked at")),
        },
    },
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
        ),
        source: "LU §4.4 S22, §4.5 pitfall 2",
        rule: workload_manager,
    },
    Check {
        id: "S23",
        title: "the flash-cache daemon does not hang",
        looks_at: "lssrc -a, pfcdaemon",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::command("startsrc -s pfcdaemon", Danger::Reversible),
        source: "LU §4.4 S23, §4.5 pitfall 3",
        rule: |seen| {
            let found = get(&seen.facts.subsystems)?.iter().find(|one| one.name == "pfcdaemon");
            Ok(match found {
                None => Judged::pass("pfcdaemon is no subsystem here"),
                Some(one) if one.is_active() => Judged::pass("pfcdaemon is active"),
                Some(one) => {
                    Judged::warn("pfcdaemon is not active", vec![format!("pfcdaemon is {}", one.status)])
                }
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
                Judged::block("a NIS client without domain", vec!["domainname prints nothing".into()])
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
        ),
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
            Ok(none("the registered autofs script is missing", gone, "it is there, or not registered"))
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
            let mut names: Vec<_> =
                run.iter().filter_map(|text| text.split(' ').nth(1)).collect();
            names.sort_unstable();
            names.dedup();
            let found = format!("runs: {}", names.join(", "));
            Ok(if run.is_empty() { Judged::pass("none of those known") } else { Judged::warn(found, run) })
        },
    },
    Check {
        id: "S30",
        title: "all kernel extensions are known to be safe",
        looks_at: "lvupdate.data",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("have the vendor register it, or set kext_check = no", Danger::None),
        source: "LU §4.4 S30",
        rule: |seen| match get(&seen.facts.data)? {
            Some(data) if data.general.kext_check == Some(false) => {
                Ok(Judged::not_applicable("lvupdate.data says kext_check = no"))
            }
            Some(_) | None => Err("not looked at: geninstall -p does".to_owned()),
        },
    },
    Check {
        id: "S31",
        title: "a PowerHA node is unmanaged, its partner stable, GLVM synchronous",
        looks_at: "lssrc -a, clstrmgrES",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("one node at a time, with whoever runs the cluster", Danger::Cluster),
        source: "LU §4.4 S31",
        rule: |seen| {
            let mut all = get(&seen.facts.subsystems)?.iter();
            if all.any(|one| one.name == "clstrmgrES" && one.is_active()) {
                return Err("PowerHA runs here; the state of its nodes is not looked at".to_owned());
            }
            Ok(Judged::not_applicable("PowerHA does not run"))
        },
    },
    Check {
        id: "S32",
        title: "the LPAR is no node of Oracle RAC or Db2 pureScale",
        looks_at: "ps",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("maintain the nodes one after the other, with a reboot", Danger::Outage),
        source: "LU §4.4 S32",
        rule: |seen| {
            let clusterware = processes(seen, &["crsd.bin"])?;
            if !clusterware.is_empty() {
                return Ok(Judged::block("Oracle Clusterware runs", clusterware));
            }
            // pureScale needs Spectrum Scale below it.
            let scale = !processes(seen, &["mmfsd"])?.is_empty();
            if scale && !processes(seen, &["db2sysc"])?.is_empty() {
                return Err("Db2 runs above Spectrum Scale: whether as pureScale is not looked at".into());
            }
            Ok(Judged::pass("neither crsd.bin runs, nor db2sysc above mmfsd"))
        },
    },
    Check {
        id: "S33",
        title: "time-outs of databases are longer than the standstill",
        looks_at: "ps",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::sentence("raise them", Danger::Reversible),
        source: "LU §4.4 S33",
        rule: |seen| {
            let all = get(&seen.facts.processes)?.iter();
            let mut databases = all.filter(|one| {
                one.name() == "db2sysc" || one.name().starts_with("ora_pmon")
            });
            match databases.next() {
                None => Ok(Judged::not_applicable("no Oracle and no Db2 instance runs")),
                Some(one) => Err(format!("the time-outs of {} are not looked at", one.name())),
            }
        },
    },
    Check {
        id: "S34",
        title: "the dynamic system optimizer may run; it starts from the beginning afterwards",
        looks_at: "nothing",
        severity: Severity::Info,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.4 S34",
        rule: for_information,
    },
    Check {
        id: "S35",
        title: "tunables that would need a reboot can be set with -K",
        looks_at: "nothing",
        severity: Severity::Info,
        levels: Levels::From(TechnologyLevel { release: 7300, number: 0 }),
        remedy: Remedy::NONE,
        source: "LU §4.4 S35",
        rule: for_information,
    },
    Check {
        id: "S36",
        title: "no tunable is changed during the update",
        looks_at: "nothing",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.4 S36",
        rule: of_the_update,
    },
    Check {
        id: "S37",
        title: "there is a recent copy of rootvg",
        looks_at: "lspv",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::sentence(
            "make one before a TL or SP, and rename its volume group: alt_disk_copy -B -d DISK, alt_rootvg_op -v NAME -d DISK",
            Danger::None,
        ),
        source: "LU §4.4 S37",
        rule: |seen| {
            let disks = get(&seen.facts.disks)?.iter();
            let copies: Vec<_> = disks
                .filter_map(|disk| disk.volume_group.as_ref().map(|group| (disk, group)))
                .filter(|(_, group)| group.as_str() != "rootvg" && group.contains("rootvg"))
                .filter(|(_, group)| group.as_str() != "lvup_rootvg")
                .map(|(disk, group)| format!("{} is {group}", disk.name))
                .collect();
            Ok(if copies.is_empty() {
                let text = "no volume group is one; an mksysb elsewhere is not seen".to_owned();
                Judged::warn("no copy of rootvg is seen", vec![text])
            } else {
                Judged::pass(copies.join(", "))
            })
        },
    },
];

/// Processes with one of these names: id and name.
fn processes(seen: &Seen<'_>, names: &[&str]) -> Result<Vec<String>, String> {
    let all = get(&seen.facts.processes)?.iter().filter(|one| names.contains(&one.name()));
    Ok(all.map(|one| format!("{} {}", one.pid, one.name())).collect())
}

fn policies(seen: &Seen<'_>) -> Result<Judged, String> {
    let all = get(&seen.facts.trust)?;
    let is_on = |name: &str| all.get(name).copied().unwrap_or(false);
    if !is_on("TE") {
        return Ok(Judged::not_applicable("TE=OFF"));
    }
    let mut on: Vec<_> = ["TEP", "TLP", "TSD_FILES_LOCK"]
        .into_iter()
        .filter(|name| is_on(name))
        .map(|name| format!("{name}=ON"))
        .collect();
    if is_on("CHKSHLIB") && is_on("STOP_UNTRUSTD") {
        on.push("CHKSHLIB=ON and STOP_UNTRUSTD=ON".to_owned());
    }
    Ok(none("policies of Trusted Execution that stop an update", on, "they let a fix through"))
}

fn has_wpars(seen: &Seen<'_>) -> Result<bool, String> {
    Ok(get(&seen.facts.filesets)?.iter().any(|one| one.name == "bos.wpars"))
}

fn stopped_or_none(seen: &Seen<'_>) -> Result<Option<String>, String> {
    if !has_wpars(seen)? {
        return Ok(None);
    }
    let stopped = get(&seen.facts.workload_partitions)?.iter().find(|one| one.state != "A");
    Ok(stopped.map(|one| one.name.clone()))
}

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
