//! A site's policy: what may be done to which LPARs around an update.
//!
//! One document for the whole site, kept by `nimd` in its database. What stands at its top holds for every LPAR; each rule changes
//! that for the LPARs that it names, a later one what an earlier one says. What nothing is said of is off.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::frame::ChangeClass;
use crate::hook::{HookPoint, MOST_HOOKS_AT, NamedHook};
use crate::id::{ObjectName, printable};
use crate::notice::Receiver;
use crate::prep::{Backup, PrepStep, Step, Subsystem, Unsupported};
use crate::ticket::Rollouts;

/// A site's policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What is changed on an LPAR before an update and put back after it.
    #[serde(default)]
    pub prep: Prep,
    /// What one can go back to after an update of a TL or SP. A policy has to say it for every LPAR that gets one.
    #[serde(default)]
    pub backup: Option<Backup>,
    /// Subsystems that are started anew after an update, where they run on libraries that were replaced.
    #[serde(default)]
    pub restart: BTreeMap<Subsystem, Restart>,
    /// What stops the workload before `nimctl rollback` has an LPAR booted.
    #[serde(default)]
    pub before_reboot: Option<BeforeReboot>,
    /// Under what rollouts are started, approved, held and ended.
    #[serde(default)]
    pub rollouts: Rollouts,
    /// Who can be told of rollouts, by the names that rollouts use.
    #[serde(default)]
    pub receivers: BTreeMap<ObjectName, Receiver>,
    /// Exceptions.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// An exception for some LPARs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Labels that an LPAR has to have, all of them.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Names of LPARs, of which one has to be its own.
    #[serde(default)]
    pub lpars: Vec<ObjectName>,
    /// What is different for them.
    #[serde(default)]
    pub prep: Prep,
    /// What they can go back to.
    #[serde(default)]
    pub backup: Option<Backup>,
    /// What is different of the subsystems that are started anew.
    #[serde(default)]
    pub restart: BTreeMap<Subsystem, Restart>,
    /// What stops their workload before a boot, in place of what is said before.
    #[serde(default)]
    pub before_reboot: Option<BeforeReboot>,
}

/// Hooks that run whenever an LPAR is about to be booted from another disk, in this order. One that fails leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BeforeReboot {
    /// Programs of a folder of the master that `nimd` runs itself, before those on the LPAR.
    #[serde(default)]
    pub master_hooks: Vec<ObjectName>,
    /// Objects of type `script`, which are run on the LPAR.
    #[serde(default)]
    pub hooks: Vec<ObjectName>,
}

impl BeforeReboot {
    /// What is wrong with it.
    fn faults<'p>(&'p self, place: &'p str) -> impl Iterator<Item = (String, String)> + 'p {
        let lists = [("hooks", &self.hooks), ("master_hooks", &self.master_hooks)];
        lists.into_iter().flat_map(move |(key, names)| {
            let path = format!("{place}before_reboot.{key}");
            let many = (names.len() > MOST_HOOKS_AT)
                .then(|| format!("names {}, and at most {MOST_HOOKS_AT} can be", names.len()));
            let twice = names.iter().enumerate().filter(|(at, name)| names[..*at].contains(name));
            let twice = twice.map(|(_, name)| format!("names {name} twice"));
            many.into_iter().chain(twice).map(move |why| (path.clone(), why))
        })
    }

    /// As they are asked for.
    #[must_use]
    pub fn named(names: &[ObjectName]) -> Vec<NamedHook> {
        let at = HookPoint::BeforeReboot;
        names
            .iter()
            .map(|name| NamedHook { at, name: name.clone(), exit: at.default_exit() })
            .collect()
    }
}

/// Whether a subsystem is started anew after an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// It is, where it runs on libraries that were replaced.
    #[serde(rename = "on")]
    Anew,
    /// It is left as it is.
    #[serde(rename = "off")]
    LeftAlone,
}

/// Whether a step is done, and when it is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// It is not done.
    #[serde(rename = "off")]
    LeftOut,
    /// It is undone whatever the outcome.
    Always,
    /// It is undone unless the LPAR was updated.
    UnlessUpdated,
    /// It is not undone.
    Permanent,
}

/// The same for what has to be undone in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Passing {
    /// It is not done.
    #[serde(rename = "off")]
    LeftOut,
    /// It is undone whatever the outcome.
    Always,
}

/// The same for what cannot be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Lasting {
    /// It is not done.
    #[serde(rename = "off")]
    LeftOut,
    /// It is not undone.
    Permanent,
}

/// What becomes of active IPsec tunnels where IP filters are taken off: both go with the same devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Tunnels {
    /// One that is or may be active ends the update before anything is taken off.
    Block,
    /// They may be cut, for this reason.
    Waived(String),
}

/// Which steps are done. What is not named is as the rule before says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Prep {
    /// Trusted Execution is switched off; before it goes on again the filesets that changed are verified.
    pub trusted_execution: Option<Passing>,
    /// The database of Trusted Execution is looked up in files instead of LDAP.
    pub secorder: Option<Passing>,
    /// An `altinst_rootvg` that is there gets another name for the time of the update; it is never removed.
    pub other_copy: Option<Passing>,
    /// Workload Manager is stopped, and its entry in inittab switched off.
    pub workload_manager: Option<Wish>,
    /// Auditing goes on without streaming, below 7300-03.
    pub audit_stream: Option<Wish>,
    /// The flash-cache daemon is started where it does not run: Live Update stops it itself, and fails where it cannot.
    pub pfcdaemon: Option<Wish>,
    /// A registered script of autofs that is no longer there is registered no more.
    pub stale_autofs: Option<Wish>,
    /// Interim fixes that lock filesets of the update and that installp will not remove itself are removed.
    pub interim_fixes: Option<Lasting>,
    /// Filesets that are removed where they are installed, because no Live Update goes with them. Only media bring them back.
    #[serde(default)]
    pub unsupported_filesets: BTreeMap<Unsupported, Lasting>,
    /// IP filters are taken off and their devices removed, with their rules saved; they come back only while a fresh connection of the
    /// master is proven under them. The host is open meanwhile.
    pub ip_filters: Option<Passing>,
    /// Whether active IPsec tunnels stand against that.
    pub tunnels: Option<Tunnels>,
    /// Subsystems that are stopped: backup agents, monitors, schedulers.
    #[serde(default)]
    pub services: BTreeMap<Subsystem, Wish>,
}

impl Wish {
    const fn class(self) -> Option<ChangeClass> {
        match self {
            Self::LeftOut => None,
            Self::Always => Some(ChangeClass::Always),
            Self::UnlessUpdated => Some(ChangeClass::UnlessUpdated),
            Self::Permanent => Some(ChangeClass::Permanent),
        }
    }
}

impl Passing {
    const fn class(self) -> Option<ChangeClass> {
        match self {
            Self::LeftOut => None,
            Self::Always => Some(ChangeClass::Always),
        }
    }
}

impl Lasting {
    const fn class(self) -> Option<ChangeClass> {
        match self {
            Self::LeftOut => None,
            Self::Permanent => Some(ChangeClass::Permanent),
        }
    }
}

impl Rule {
    /// Whether it is about the LPAR `name` with `labels`.
    fn concerns(&self, name: &ObjectName, labels: &BTreeMap<String, String>) -> bool {
        let has = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        (self.lpars.is_empty() || self.lpars.contains(name)) && self.labels.iter().all(has)
    }
}

/// What is wrong with what is said of a backup.
fn backup_fault(place: &str, backup: Option<&Backup>) -> Option<(String, String)> {
    match backup {
        Some(Backup::CopyTo(disks)) if disks.is_empty() => {
            Some((format!("{place}backup.copy_to"), "names no disk".to_owned()))
        }
        Some(Backup::Waived(reason)) if reason.trim().is_empty() => {
            Some((format!("{place}backup.waived"), "gives no reason".to_owned()))
        }
        Some(Backup::CopyTo(_) | Backup::Hook(_) | Backup::MasterHook(_) | Backup::Waived(_))
        | None => None,
    }
}

/// What is wrong with what is to be started anew.
fn restart_faults(
    place: &str,
    restart: &BTreeMap<Subsystem, Restart>,
) -> impl Iterator<Item = (String, String)> {
    let anew = restart.iter().filter(|(_, wish)| **wish == Restart::Anew);
    anew.filter_map(move |(name, _)| {
        let why = name.never_anew()?;
        Some((format!("{place}restart.{name}"), format!("is never started anew by itself: {why}")))
    })
}

/// What is wrong with what is said of tunnels.
fn tunnels_fault(place: &str, prep: &Prep) -> Option<(String, String)> {
    match &prep.tunnels {
        Some(Tunnels::Waived(reason)) if reason.trim().is_empty() => {
            Some((format!("{place}prep.tunnels.waived"), "gives no reason".to_owned()))
        }
        Some(Tunnels::Block | Tunnels::Waived(_)) | None => None,
    }
}

impl Policy {
    /// What is wrong with it: a rule that names no LPAR would be about all of them.
    #[must_use]
    pub fn faults(&self) -> Vec<(String, String)> {
        let mut faults: Vec<_> = backup_fault("", self.backup.as_ref()).into_iter().collect();
        faults.extend(restart_faults("", &self.restart));
        faults.extend(tunnels_fault("", &self.prep));
        faults.extend(self.before_reboot.iter().flat_map(|one| one.faults("")));
        let of_rollouts = self.rollouts.faults().into_iter();
        faults.extend(of_rollouts.map(|(key, why)| (format!("rollouts.{key}"), why.to_owned())));
        let receivers = self.receivers.iter();
        faults.extend(receivers.filter_map(|(name, one)| {
            Some((format!("receivers.{name}"), one.way().err()?.to_owned()))
        }));
        for (at, rule) in self.rules.iter().enumerate() {
            if rule.labels.is_empty() && rule.lpars.is_empty() {
                let what = "says neither by labels nor by lpars which LPARs it is about";
                faults.push((format!("rules[{at}]"), what.to_owned()));
            }
            faults.extend(backup_fault(&format!("rules[{at}]."), rule.backup.as_ref()));
            faults.extend(restart_faults(&format!("rules[{at}]."), &rule.restart));
            faults.extend(tunnels_fault(&format!("rules[{at}]."), &rule.prep));
            let place = format!("rules[{at}].");
            faults.extend(rule.before_reboot.iter().flat_map(|one| one.faults(&place)));
            for key in rule.labels.keys().filter(|key| !crate::object::is_label_key(key)) {
                faults.push((
                    format!("rules[{at}].labels.{}", printable(key)),
                    "is no key of a label".to_owned(),
                ));
            }
        }
        faults
    }

    /// What holds for the LPAR `name` with `labels`.
    #[must_use]
    pub fn prep_of(&self, name: &ObjectName, labels: &BTreeMap<String, String>) -> Prep {
        let mut prep = self.prep.clone();
        for rule in self.rules.iter().filter(|rule| rule.concerns(name, labels)) {
            prep.change(&rule.prep);
        }
        prep
    }

    /// What is started anew after an update of the LPAR `name` with `labels`, where it runs on libraries that were replaced.
    #[must_use]
    pub fn restart_of(
        &self,
        name: &ObjectName,
        labels: &BTreeMap<String, String>,
    ) -> Vec<Subsystem> {
        let mut restart = self.restart.clone();
        for rule in self.rules.iter().filter(|rule| rule.concerns(name, labels)) {
            restart.extend(rule.restart.clone());
        }
        restart.retain(|_, wish| *wish == Restart::Anew);
        restart.into_keys().collect()
    }

    /// What the LPAR `name` with `labels` can go back to; `None` where nothing is said.
    #[must_use]
    pub fn backup_of(
        &self,
        name: &ObjectName,
        labels: &BTreeMap<String, String>,
    ) -> Option<&Backup> {
        let rules = self.rules.iter().rev().filter(|rule| rule.concerns(name, labels));
        rules.filter_map(|rule| rule.backup.as_ref()).next().or(self.backup.as_ref())
    }

    /// What stops the workload of the LPAR `name` with `labels` before a boot.
    #[must_use]
    pub fn before_reboot_of(
        &self,
        name: &ObjectName,
        labels: &BTreeMap<String, String>,
    ) -> BeforeReboot {
        let rules = self.rules.iter().rev().filter(|rule| rule.concerns(name, labels));
        let ruled = rules.filter_map(|rule| rule.before_reboot.as_ref()).next();
        ruled.or(self.before_reboot.as_ref()).cloned().unwrap_or_default()
    }
}

impl Prep {
    /// Takes over what `other` says.
    fn change(&mut self, other: &Self) {
        // Every field by name: a new one does not compile until it is taken over too.
        let Self {
            trusted_execution,
            secorder,
            other_copy,
            workload_manager,
            audit_stream,
            pfcdaemon,
            stale_autofs,
            interim_fixes,
            unsupported_filesets,
            ip_filters,
            tunnels,
            services,
        } = other;
        self.ip_filters = ip_filters.or(self.ip_filters);
        self.tunnels = tunnels.clone().or_else(|| self.tunnels.take());
        self.other_copy = other_copy.or(self.other_copy);
        self.pfcdaemon = pfcdaemon.or(self.pfcdaemon);
        self.stale_autofs = stale_autofs.or(self.stale_autofs);
        self.interim_fixes = interim_fixes.or(self.interim_fixes);
        self.trusted_execution = trusted_execution.or(self.trusted_execution);
        self.secorder = secorder.or(self.secorder);
        self.workload_manager = workload_manager.or(self.workload_manager);
        self.audit_stream = audit_stream.or(self.audit_stream);
        self.unsupported_filesets.extend(unsupported_filesets);
        self.services.extend(services.iter().map(|(name, wish)| (name.clone(), *wish)));
    }

    /// Filesets that are removed where they are installed.
    #[must_use]
    pub fn removed_filesets(&self) -> Vec<Unsupported> {
        let removed = self.unsupported_filesets.iter();
        let removed = removed.filter(|(_, wish)| **wish == Lasting::Permanent);
        removed.map(|(name, _)| *name).collect()
    }

    /// The steps of an order, in the order in which they are done.
    #[must_use]
    pub fn steps(&self) -> Vec<PrepStep> {
        let Self {
            trusted_execution,
            secorder,
            other_copy,
            workload_manager,
            audit_stream,
            pfcdaemon,
            stale_autofs,
            interim_fixes,
            unsupported_filesets: _,
            ip_filters,
            tunnels,
            services,
        } = self;
        let one =
            |step: Step, class: Option<ChangeClass>| class.map(|class| PrepStep { step, class });
        let mut steps = Vec::new();
        steps.extend(one(Step::TrustedExecution, trusted_execution.and_then(Passing::class)));
        steps.extend(one(Step::Secorder, secorder.and_then(Passing::class)));
        steps.extend(one(Step::OtherCopy, other_copy.and_then(Passing::class)));
        for (subsystem, wish) in services {
            steps.extend(one(Step::Service { subsystem: subsystem.clone() }, wish.class()));
        }
        steps.extend(one(Step::WorkloadManager, workload_manager.and_then(Wish::class)));
        steps.extend(one(Step::AuditStream, audit_stream.and_then(Wish::class)));
        steps.extend(one(Step::Pfcdaemon, pfcdaemon.and_then(Wish::class)));
        steps.extend(one(Step::StaleAutofs, stale_autofs.and_then(Wish::class)));
        steps.extend(one(Step::InterimFixes, interim_fixes.and_then(Lasting::class)));
        let filesets = self.removed_filesets();
        if !filesets.is_empty() {
            // Behind the interim fixes, which may lock them.
            let step = Step::UnsupportedFilesets { filesets };
            steps.push(PrepStep { step, class: ChangeClass::Permanent });
        }
        let cut_tunnels = match tunnels {
            Some(Tunnels::Waived(reason)) => Some(reason.clone()),
            Some(Tunnels::Block) | None => None,
        };
        // Last, and so first to be put back: the host is open meanwhile.
        steps.extend(one(Step::IpFilters { cut_tunnels }, ip_filters.and_then(Passing::class)));
        steps
    }
}
