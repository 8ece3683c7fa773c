//! Security: Trusted Execution, filters, auditing.

use super::super::advice::{Danger, Remedy};
use super::super::facts::Seen;
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, get, has_wpars, none};
use crate::level::TechnologyLevel;
use crate::prep::StepKind;

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
        ).undone_by(StepKind::TrustedExecution),
        source: "LU §4.4 S08, §4.4a",
        rule: |seen| {
            let all = get(&seen.facts.trust)?;
            let is_on = |name: &str| all.get(name).copied().unwrap_or(false);
            Ok(if is_on("TE") && is_on("LOCK_KERN_POLICIES") {
                // What is to be typed would be refused.
                Judged::not_applicable("it is locked on: F07")
            } else if is_on("TE") {
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
        .after("for the time of the update; LDAP may hold the old hashes afterwards").undone_by(StepKind::Secorder),
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
        rule: |seen| {
            let state = get(&seen.facts.trusted_base)?;
            match state.as_str() {
                "tcb_disabled" => Ok(Judged::pass(state.clone())),
                "tcb_enabled" => {
                    Ok(Judged::block("a Trusted Computing Base", vec![format!("TCB_STATE is {state}")]))
                }
                _ => Err(format!("TCB_STATE is {state}")),
            }
        },
    },
    Check {
        id: "S12",
        title: "no security profile of those that exclude Live Update is applied",
        looks_at: "aixpert -t",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("Live Update is not supported with it", Danger::None),
        source: "LU §4.4 S12",
        rule: |seen| {
            let text = get(&seen.facts.security_profile)?;
            let lower = text.to_ascii_lowercase();
            let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            let excluded = ["high", "hls", "mls", "sox-cobit", "pci", "database", "dod"];
            match words.clone().find(|word| excluded.contains(word)) {
                Some(word) => Ok(Judged::block(format!("the security profile {word}"), vec![text.clone()])),
                // Any other answer may name one of a site, or one that is new.
                None if words.any(|word| ["none", "low"].contains(&word)) => Ok(Judged::pass(text.clone())),
                None => Err(format!("aixpert -t says \"{text}\"")),
            }
        },
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
            "a policy with prep: ip_filters: always has them off for the update and back after it; by hand, where no tunnel is active: save \
             the rules with lsfilt, then rmdev -dl ipsec_v4 -R and the same for v6; the host is open until they are back",
            Danger::Reversible,
        ).undone_by(StepKind::IpFilters),
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
        ).undone_by(StepKind::AuditStream),
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
];

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

fn stopped_or_none(seen: &Seen<'_>) -> Result<Option<String>, String> {
    if !has_wpars(seen)? {
        return Ok(None);
    }
    let stopped = get(&seen.facts.workload_partitions)?.iter().find(|one| one.state != "A");
    Ok(stopped.map(|one| one.name.clone()))
}
