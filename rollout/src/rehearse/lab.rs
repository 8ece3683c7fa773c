//! A rollout as a lab plays it: the same decisions about the same LPARs in the same waves, in the time of the lab, and without what
//! would reach people or programs of the site.
//!
//! Who goes in which wave is what the plan of the real site says. Chosen anew they could be others: chance and classes rest on facts that a lab
//! does not have.

use std::collections::BTreeSet;

use nim_shared::id::ObjectName;

use crate::file::{
    Again, Approval, Assume, Blackout, Chosen, Deadlines, Exclusion, Limits, Operation, Retry,
    Rollout, Span, Targets, Wave,
};
use crate::plan::Plan;
use crate::run::Orders;

/// What a rollout for a lab is made from.
#[derive(Clone, Copy, Debug)]
pub struct ForLab<'a> {
    /// The rollout as it is written.
    pub file: &'a Rollout,
    /// Its plan.
    pub plan: &'a Plan,
    /// What a run of the plan keeps to.
    pub orders: &'a Orders,
    /// The LPARs that the lab has.
    pub there: &'a BTreeSet<ObjectName>,
    /// Nodes of `PowerHA` of which nobody said who their partners are.
    pub lonely: &'a BTreeSet<ObjectName>,
    /// What of the software the lab installs.
    pub installs: Installs,
    /// How many times faster than life the lab is; at least 1.
    pub speed: u32,
}

/// What a lab installs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installs {
    /// Nothing: the LPARs only move.
    Nothing,
    /// All updates of its media.
    Updates,
}

/// A rollout for a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// The rollout.
    pub rollout: Rollout,
    /// Who is updated, each with the number of its wave, by name.
    pub members: Vec<(ObjectName, usize)>,
    /// How it differs from what is written, one sentence each.
    pub differs: Vec<String>,
}

/// Key of the label that says which wave an LPAR is in.
pub const WAVE: &str = "rehearsal-wave";

/// Object of the `lvupdate.data` of an LPAR in a lab, as `nim-lab` calls it.
const LIVE_UPDATE_DATA: &str = "lud_{lpar}";

/// Deadlines are no shorter in a lab, in seconds: programs, logins and looks take as long there as anywhere.
const LEAST_DEADLINE: u32 = 300;

/// The rollout as the lab plays it.
#[must_use]
pub fn for_lab(of: &ForLab<'_>) -> Played {
    let ForLab { file, orders, there, speed, .. } = *of;
    let targets = orders.targets.iter().filter(|one| there.contains(&one.lpar));
    let mut members: Vec<(ObjectName, usize)> =
        targets.map(|one| (one.lpar.clone(), one.wave)).collect();
    members.sort_unstable();
    let mut differs = left_out(file);
    if speed > 1 {
        differs.push(format!(
            "soak, stagger, pauses before a retry, deadlines and what is assumed are divided by {speed}; no deadline is below {}",
            Span::seconds(LEAST_DEADLINE)
        ));
    }
    let mut apart = file.apart.clone();
    // A name that is not on record is refused, and on record there is who is in the lab.
    apart.lists.iter_mut().for_each(|list| list.retain(|one| there.contains(one)));
    apart.lists.retain(|list| list.len() > 1);
    let lonely: Vec<ObjectName> = members
        .iter()
        .map(|(lpar, _)| lpar)
        .filter(|one| of.lonely.contains(*one))
        .cloned()
        .collect();
    if lonely.len() > 1 {
        differs.push(format!(
            "no cluster software runs; its {} nodes of PowerHA are updated one after the other by a list of the file",
            lonely.len()
        ));
        apart.lists.push(lonely);
    }
    let rollout = Rollout {
        name: file.name.clone(),
        targets: named(&members),
        operation: operation(&file.operation, of.installs, &mut differs),
        waves: waves(of),
        limits: Limits {
            stagger_hmc: shorter(file.limits.stagger_hmc, speed),
            stagger_vios: shorter(file.limits.stagger_vios, speed),
            ..file.limits.clone()
        },
        apart,
        stop: file.stop.clone(),
        windows: Vec::new(),
        freezes: Vec::new(),
        blackout: Blackout::default(),
        retry: retry(file.retry, speed),
        deadlines: deadlines(file.deadlines, speed),
        assume: Assume { duration: shorter(file.assume.duration, speed) },
        notify: Vec::new(),
        seed: file.seed,
    };
    Played { rollout, members, differs }
}

/// What of the file no lab plays.
fn left_out(file: &Rollout) -> Vec<String> {
    let approvals = file.waves.iter().any(|wave| wave.approval == Approval::Yes);
    let said = [
        (!file.windows.is_empty(), "windows are left out: it begins now"),
        (!file.freezes.is_empty(), "freezes are left out: it begins now"),
        (approvals, "no wave waits for an approval"),
        (
            file.blackout != Blackout::default(),
            "budgets of blackouts are left out: whom they rule out the plan has left out, and nobody waits for an approval",
        ),
        (!file.notify.is_empty(), "no receiver is told"),
    ];
    said.into_iter().filter(|(is_so, _)| *is_so).map(|(_, text)| text.to_owned()).collect()
}

/// Exactly these LPARs.
fn named(members: &[(ObjectName, usize)]) -> Targets {
    // A name is a pattern that stands for itself.
    let names = members.iter().filter_map(|(lpar, _)| lpar.as_str().parse().ok()).collect();
    Targets {
        chosen: Chosen { names, ..Chosen::default() },
        levels: Vec::new(),
        exclude: Exclusion::default(),
    }
}

/// The waves, each with those whom the plan has in it.
fn waves(of: &ForLab<'_>) -> Vec<Wave> {
    let wave = |(number, wave): (usize, &Wave)| Wave {
        name: wave.name.clone(),
        labels: format!("{WAVE}={number}").parse().ok(),
        frames: Vec::new(),
        take: None,
        canary: None,
        soak: wave.soak.map(|soak| shorter(soak, of.speed)),
        approval: Approval::No,
        healthy: wave.healthy,
    };
    of.file.waves.iter().enumerate().map(wave).collect()
}

/// What is done to each LPAR, as far as a lab can.
fn operation(written: &Operation, installs: Installs, differs: &mut Vec<String>) -> Operation {
    let mut attributes = written.0.clone();
    attributes.insert("live_update_data".to_owned(), LIVE_UPDATE_DATA.to_owned());
    for (of_site, what) in [("script", "script"), ("hook", "hook"), ("master_hook", "hook of nimd")]
    {
        if let Some(names) = attributes.remove(of_site) {
            differs.push(format!("no {what} of the site runs: {names}"));
        }
    }
    let mut kept = Vec::new();
    for one in SOFTWARE {
        kept.extend(attributes.remove(*one).map(|value| (*one, value)));
    }
    let source = kept.iter().find(|(one, _)| *one == "lpp_source");
    match (installs, source) {
        (Installs::Updates, Some((_, source))) => {
            attributes.insert("lpp_source".to_owned(), source.clone());
            attributes.insert("fixes".to_owned(), "update_all".to_owned());
        }
        (Installs::Updates | Installs::Nothing, _) => {
            // There is nothing that could go before the move.
            attributes.remove("strategy");
        }
    }
    let others = kept.iter().filter(|(one, value)| match installs {
        Installs::Nothing => true,
        Installs::Updates => {
            *one != "lpp_source" && (*one, value.as_str()) != ("fixes", "update_all")
        }
    });
    let others: Vec<String> = others.map(|(one, value)| format!("{one}={value}")).collect();
    if !others.is_empty() {
        let instead = match installs {
            Installs::Nothing => "nothing is installed, the LPARs only move",
            Installs::Updates => "all updates of the media are installed",
        };
        differs.push(format!("{instead}, instead of {}", others.join(" ")));
    }
    Operation(attributes)
}

/// Attributes that say what is installed.
const SOFTWARE: &[&str] = &["lpp_source", "fixes", "filesets", "installp_bundle", "fix_bundle"];

fn retry(written: Retry, speed: u32) -> Retry {
    let again = |one: Again| Again { after: shorter(one.after, speed), ..one };
    Retry { later: written.later.map(again), unreachable: written.unreachable.map(again) }
}

fn deadlines(written: Deadlines, speed: u32) -> Deadlines {
    let least = |span: Span| {
        let short = shorter(span, speed).get().max(LEAST_DEADLINE);
        Span::seconds(short.min(span.get()))
    };
    let Deadlines { start, update, release, whole } = written;
    Deadlines {
        start: least(start),
        update: least(update),
        release: least(release),
        whole: least(whole),
    }
}

/// The part of a time that it takes in the lab, in whole seconds, rounded up: what takes time goes on taking some.
fn shorter(span: Span, speed: u32) -> Span {
    Span::seconds(span.get().div_ceil(speed.max(1)))
}

#[cfg(test)]
mod tests;
