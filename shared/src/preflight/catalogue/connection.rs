//! The connection to the management console.

use super::super::advice::{Danger, Remedy};
use super::super::facts::Seen;
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, get, not_looked_at, of_ibms_master};
use crate::level::TechnologyLevel;

const ALL: Levels = Levels::All;

/// Makes a new RSCT node id: LU §4.4a.
const REPAIR_RMC: Remedy = Remedy::command(
    "rmcctrl -z; /usr/sbin/rsct/install/bin/uncfgct -n; /usr/sbin/rsct/install/bin/recfgct; rmcctrl -p",
    Danger::Cluster,
)
.after("ports 657 TCP and UDP are open between the LPAR and the HMC, and the LPAR is in no cluster");

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "M01",
        title: "the LPAR has a token for its management console",
        looks_at: "hmcauth -l",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::command("hmcauth -a HMC -u USER", Danger::None)
            .after("nimd makes one itself where the hmc has a passwd_file; without, a person types the password")
            .applied_by_us(),
        source: "LU §4.2 M01",
        rule: token,
    },
    Check {
        id: "M02",
        title: "the token is for the console and the user of lvupdate.data",
        looks_at: "hmcauth -l, lvupdate.data",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence("name the same console and user in both", Danger::None),
        source: "LU §4.2 M02",
        rule: same_console,
    },
    Check {
        id: "M03",
        title: "the token is valid for longer than the update takes",
        looks_at: "hmcauth -l",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::command("hmcauth -a HMC -u USER", Danger::None).applied_by_us(),
        source: "LU §4.2 M03",
        rule: life,
    },
    Check {
        id: "M04",
        title: "the LPAR has a token for PowerVC",
        looks_at: "pvcauth -l",
        severity: Severity::Block,
        levels: Levels::From(TechnologyLevel { release: 7200, number: 2 }),
        remedy: Remedy::command("pvcauth -a POWERVC -u USER", Danger::None),
        source: "LU §4.2 M04",
        rule: |seen| match get(&seen.facts.data)? {
            Some(data) if data.pvc.is_some() => not_looked_at(seen),
            Some(_) | None => Ok(Judged::not_applicable("lvupdate.data names no PowerVC")),
        },
    },
    Check {
        id: "M05",
        title: "RMC is connected to a management console",
        looks_at: "rmcdomainstatus -s ctrmc",
        severity: Severity::Block,
        levels: ALL,
        remedy: REPAIR_RMC,
        source: "LU §4.2 M05, §4.5 pitfall 8",
        rule: |seen| {
            let all = get(&seen.facts.control_points)?;
            let (up, down): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.is_up);
            let names = |list: &[&crate::aix::ControlPoint]| {
                list.iter().map(|one| one.address.clone()).collect::<Vec<_>>()
            };
            Ok(match (up.is_empty(), down.is_empty()) {
                (true, _) => Judged::block("RMC is connected to no management console", names(&down)),
                (false, true) => Judged::pass(names(&up).join(", ")),
                (false, false) => {
                    Judged::warn("RMC is not connected to every management console", names(&down))
                }
            })
        },
    },
    Check {
        id: "M06",
        title: "the RSCT daemon runs",
        looks_at: "lssrc -a, ctrmc",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::command("startsrc -s ctrmc", Danger::Cluster),
        source: "LU §4.2 M06",
        rule: |seen| {
            let found = get(&seen.facts.subsystems)?.iter().find(|one| one.name == "ctrmc");
            Ok(match found {
                Some(one) if one.is_active() => Judged::pass("ctrmc is active"),
                Some(one) => {
                    Judged::block("ctrmc does not run", vec![format!("ctrmc is {}", one.status)])
                }
                None => Judged::block("ctrmc is no subsystem here", vec!["lssrc lists it not".into()]),
            })
        },
    },
    Check {
        id: "M07",
        title: "the HMC sees the LPAR over RMC",
        looks_at: "HMC: lssyscfg -r lpar, as it was read last",
        severity: Severity::Block,
        levels: ALL,
        remedy: REPAIR_RMC,
        source: "LU §4.2 M07",
        rule: |seen| {
            let state = get(&seen.around.rmc_state)?;
            Ok(match state.as_str() {
                "active" => Judged::pass("RMC is active"),
                other => Judged::block("the HMC has no RMC to it", vec![format!("RMC is {other}")]),
            })
        },
    },
    Check {
        id: "M08",
        title: "the user on the HMC may do a Live Update, on all frames",
        looks_at: "HMC: lshmcusr; hmcauth -l, lvupdate.data",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence("give the user the role hmcclientliveupdate", Danger::None),
        source: "LU §4.2 M08, §4.5 pitfall 8, HV §1.2",
        rule: authority,
    },
    Check {
        id: "M09",
        title: "the LPAR reaches port 12443 of the HMC",
        looks_at: "a connection from the LPAR",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence("open the firewall, or have hmcauth go through a tunnel", Danger::None),
        source: "LU §4.2 M09",
        rule: not_looked_at,
    },
    Check {
        id: "M10",
        title: "the LPAR is not remote restart capable",
        looks_at: "HMC: lssyscfg -r lpar, simplified_remote_restart_capable",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::sentence("turn the attribute off", Danger::None),
        source: "LU §4.2 M10, HV §2.2",
        rule: |seen| {
            let value = get(&seen.around.remote_restart)?;
            let text = format!("simplified_remote_restart_capable is {value}");
            match value.as_str() {
                "0" => Ok(Judged::pass(text)),
                "1" => Ok(Judged::block("remote restart capable", vec![text])),
                _ => Err(text),
            }
        },
    },
    Check {
        id: "M11",
        title: "the NIM client names the current LPAR id",
        looks_at: "the NIM master of IBM",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.2 M11",
        rule: of_ibms_master,
    },
    Check {
        id: "M12",
        title: "the NIM master has CEC and VIOS objects for NPIV",
        looks_at: "the NIM master of IBM",
        severity: Severity::Block,
        levels: ALL,
        remedy: Remedy::NONE,
        source: "LU §4.2 M12",
        rule: of_ibms_master,
    },
];

fn token(seen: &Seen<'_>) -> Result<Judged, String> {
    let all = get(&seen.facts.tokens)?;
    let consoles: Vec<_> = all.iter().map(|token| token.address.clone()).collect();
    if !consoles.is_empty() {
        return Ok(Judged::pass(consoles.join(", ")));
    }
    let evidence = vec!["hmcauth -l lists none".to_owned()];
    Ok(match seen.around.makes_tokens {
        Ok(true) => Judged::warn("no token yet: nimd makes one before an update", evidence),
        Ok(false) | Err(_) => Judged::block("no token for a management console", evidence),
    })
}

fn same_console(seen: &Seen<'_>) -> Result<Judged, String> {
    let Some(hmc) = get(&seen.facts.data)?.as_ref().and_then(|data| data.hmc.as_ref()) else {
        return Ok(Judged::not_applicable("no lvupdate.data on the LPAR names a console"));
    };
    let Some(console) = &hmc.management_console else {
        return Ok(Judged::not_applicable("lvupdate.data names no console"));
    };
    let tokens = get(&seen.facts.tokens)?;
    if tokens.is_empty() {
        return Ok(Judged::not_applicable("there is no token: M01"));
    }
    let is_same = |token: &&crate::aix::Token| {
        let user = hmc.user.as_ref().is_none_or(|user| token.user.as_ref() == Some(user));
        token.address.eq_ignore_ascii_case(console) && user
    };
    let user = hmc.user.as_deref().unwrap_or("any user");
    let wanted = format!("lvupdate.data names {console} and {user}");
    Ok(match tokens.iter().find(is_same) {
        Some(_) => Judged::pass(wanted),
        None => {
            let tokens: Vec<_> = tokens.iter().map(|token| token.address.as_str()).collect();
            let shown = format!("hmcauth -l lists {}", tokens.join(", "));
            // One console has a name and addresses.
            Judged::warn(
                "the token is for another console or user than lvupdate.data names",
                vec![wanted, shown],
            )
        }
    })
}

/// Whose token there is, or who is named where there is none yet: what that user may do, as the console that it is for says.
fn authority(seen: &Seen<'_>) -> Result<Judged, String> {
    let mut wanted: Vec<(&str, &str)> = get(&seen.facts.tokens)?
        .iter()
        .filter_map(|token| Some((token.address.as_str(), token.user.as_deref()?)))
        .collect();
    if wanted.is_empty() {
        let hmc = get(&seen.facts.data)?.as_ref().and_then(|data| data.hmc.as_ref());
        let named = hmc.and_then(|hmc| hmc.management_console.as_deref().zip(hmc.user.as_deref()));
        wanted.extend(named);
    }
    if wanted.is_empty() {
        return Ok(Judged::not_applicable("neither a token nor lvupdate.data names a user: M01"));
    }
    let consoles = get(&seen.around.consoles)?;
    let (mut weak, mut narrow, mut fit) = (Vec::new(), Vec::new(), Vec::new());
    for (address, user) in wanted {
        let known = |one: &&super::super::around::Console| {
            one.addresses.iter().any(|known| known.eq_ignore_ascii_case(address))
        };
        let console = consoles.values().find(known);
        let console = console.ok_or_else(|| {
            format!("{address} is none of the HMCs of the frame as nimd knows them")
        })?;
        let found = get(&console.users)?.iter().find(|one| one.name == user);
        let found = found.ok_or_else(|| format!("lshmcusr on {address} lists no user {user}"))?;
        let text = format!(
            "{user} on {address} has the role {} on {}",
            found.task_role, found.resource_role
        );
        match found.task_role.as_str() {
            "hmcclientliveupdate" | "hmcsuperadmin" if found.resource_role == "ALL:" => {
                fit.push(text)
            }
            "hmcclientliveupdate" | "hmcsuperadmin" => narrow.push(text),
            "hmcviewer" => weak.push(text),
            // What a role of the site or of a wider one may do is not published.
            _ => return Err(text),
        }
    }
    Ok(match (weak.is_empty(), narrow.is_empty()) {
        (false, _) => Judged::block("a user that may not do a Live Update", weak),
        (true, false) => Judged::warn("a user that may not see all frames", narrow),
        (true, true) => Judged::pass(fit.join(", ")),
    })
}

fn life(seen: &Seen<'_>) -> Result<Judged, String> {
    let tokens = get(&seen.facts.tokens)?;
    if tokens.is_empty() {
        return Ok(Judged::not_applicable("there is no token: M01"));
    }
    let Some(life) = tokens.iter().filter_map(|token| token.life).max() else {
        return Ok(Judged::not_applicable("hmcauth of this level does not say how long"));
    };
    let evidence = format!("{} minutes are left", life.0 / 60);
    Ok(if life.0 < TWO_HOURS {
        Judged::warn("the token runs out within two hours", vec![evidence])
    } else {
        Judged::pass(evidence)
    })
}

/// Longer than most updates take, with what comes before them.
const TWO_HOURS: u64 = 7200;
