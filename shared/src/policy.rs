//! A site's policy: what may be done to which LPARs around an update.
//!
//! One document for the whole site, kept by `nimd` in its database. What stands at its top holds for every LPAR; each rule changes
//! that for the LPARs that it names, a later one what an earlier one says. What nothing is said of is off.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::frame::ChangeClass;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn steps(policy: &Policy, name: &str, of: &[(&str, &str)]) -> Vec<String> {
        let steps = policy.prep_of(&name.parse().unwrap(), &labels(of)).steps();
        steps.iter().map(ToString::to_string).collect()
    }

    fn policy() -> Policy {
        let name = |text: &str| Subsystem::try_from(text.to_owned()).unwrap();
        Policy {
            prep: Prep {
                trusted_execution: Some(Passing::Always),
                services: [(name("dsmcad"), Wish::Always), (name("nimon"), Wish::Permanent)].into(),
                ..Prep::default()
            },
            backup: Some(Backup::Waived("mksysb every night".to_owned())),
            restart: [(name("sshd"), Restart::Anew), (name("syslogd"), Restart::Anew)].into(),
            rollouts: Rollouts::default(),
            receivers: BTreeMap::new(),
            rules: vec![
                Rule {
                    labels: labels(&[("env", "test")]),
                    prep: Prep {
                        trusted_execution: Some(Passing::LeftOut),
                        workload_manager: Some(Wish::UnlessUpdated),
                        ..Prep::default()
                    },
                    ..Rule::default()
                },
                Rule {
                    lpars: vec!["lpar02".parse().unwrap()],
                    restart: [(name("sshd"), Restart::LeftAlone)].into(),
                    backup: Some(Backup::CopyTo(vec!["hdisk3".parse().unwrap()])),
                    prep: Prep {
                        services: [(name("nimon"), Wish::LeftOut)].into(),
                        ip_filters: Some(Passing::Always),
                        tunnels: Some(Tunnels::Waived("down on Sundays".to_owned())),
                        ..Prep::default()
                    },
                    ..Rule::default()
                },
            ],
        }
    }

    #[test]
    fn a_later_rule_changes_what_an_earlier_one_says_for_the_lpars_that_it_names() {
        let all = "Trusted Execution off; put back in any case";
        let agent = "subsystem dsmcad stopped; put back in any case";
        let monitor = "subsystem nimon stopped; not put back";
        let manager = "Workload Manager stopped and off in inittab; put back unless it was updated";
        assert_eq!(steps(&policy(), "lpar01", &[]), [all, agent, monitor]);
        assert_eq!(steps(&policy(), "lpar01", &[("env", "test")]), [agent, monitor, manager]);
        let filters = "IP filters off, active tunnels cut (down on Sundays); put back in any case";
        assert_eq!(steps(&policy(), "lpar02", &[("env", "prod")]), [all, agent, filters]);
        assert_eq!(steps(&Policy::default(), "lpar01", &[]), [""; 0]);
    }

    #[test]
    fn filesets_are_removed_in_one_step_for_good_where_a_rule_does_not_leave_one() {
        use Lasting::{LeftOut, Permanent};
        use Unsupported::{CasAgent, Pkcs11};
        let prep = |pairs: &[(Unsupported, Lasting)]| Prep {
            unsupported_filesets: pairs.iter().copied().collect(),
            ..Prep::default()
        };
        let rule = |lpar: &str, pairs: &[(Unsupported, Lasting)]| Rule {
            lpars: vec![lpar.parse().unwrap()],
            prep: prep(pairs),
            ..Rule::default()
        };
        let policy = Policy {
            prep: prep(&[(CasAgent, Permanent), (Pkcs11, Permanent)]),
            rules: vec![
                rule("lpar02", &[(Pkcs11, LeftOut)]),
                rule("lpar03", &[(CasAgent, LeftOut), (Pkcs11, LeftOut)]),
            ],
            ..Policy::default()
        };
        let both = "security.pkcs11 and cas.agent removed, where installed; not put back";
        assert_eq!(steps(&policy, "lpar01", &[]), [both]);
        let one = "cas.agent removed, where installed; not put back";
        assert_eq!(steps(&policy, "lpar02", &[]), [one]);
        assert_eq!(steps(&policy, "lpar03", &[]), [""; 0]);
        assert!("cas.server".parse::<Unsupported>().is_err());
    }

    #[test]
    fn what_one_goes_back_to_is_said_for_all_and_for_some() {
        let backup = |name: &str| {
            policy().backup_of(&name.parse().unwrap(), &BTreeMap::new()).map(ToString::to_string)
        };
        assert_eq!(backup("lpar01").as_deref(), Some("no copy of rootvg: mksysb every night"));
        assert_eq!(backup("lpar02").as_deref(), Some("copy of rootvg to hdisk3; it stays"));
        let none = Policy { backup: Some(Backup::Waived(" ".to_owned())), ..Policy::default() };
        assert_eq!(none.faults()[0].0, "backup.waived");
        let hook = Backup::Hook("rootvg_backup".parse().unwrap());
        let by_hook = Policy { backup: Some(hook), ..Policy::default() };
        assert_eq!(by_hook.faults(), []);
        let backup = by_hook.backup_of(&"lpar01".parse().unwrap(), &BTreeMap::new()).unwrap();
        let text = "backup by the hook rootvg_backup of the site, instead of a copy of rootvg";
        assert_eq!(backup.to_string(), text);
        let tunnels = Some(Tunnels::Waived(String::new()));
        let none = Policy { prep: Prep { tunnels, ..Prep::default() }, ..Policy::default() };
        assert_eq!(none.faults()[0].0, "prep.tunnels.waived");
    }

    #[test]
    fn what_is_started_anew_is_said_for_all_and_for_some_and_never_of_what_others_stand_on() {
        let restart = |name: &str| {
            let all = policy().restart_of(&name.parse().unwrap(), &BTreeMap::new());
            all.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(restart("lpar01"), ["sshd", "syslogd"]);
        assert_eq!(restart("lpar02"), ["syslogd"]);
        for (name, refused) in [
            ("srcmstr", true),
            ("clstrmgrES", true),
            ("ctrmc", true),
            ("clcomd", true),
            ("IBM.DRM", true),
            ("tnslsnr", true),
            ("LISTENER_PROD", true),
            ("db2fmcd", true),
            ("sshd", false),
            ("syslogd", false),
        ] {
            let subsystem = Subsystem::try_from(name.to_owned()).unwrap();
            let rule = Rule {
                lpars: vec!["lpar02".parse().unwrap()],
                restart: [(subsystem.clone(), Restart::Anew)].into(),
                ..Rule::default()
            };
            let off = [(subsystem, Restart::LeftAlone)].into();
            let policy = Policy { rules: vec![rule], restart: off, ..Policy::default() };
            let faults: Vec<_> = policy.faults().into_iter().map(|(place, _)| place).collect();
            let wanted = refused.then(|| format!("rules[0].restart.{name}"));
            assert_eq!(faults, wanted.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_rule_that_would_be_about_all_is_a_fault() {
        let mut policy = policy();
        assert_eq!(policy.faults(), []);
        policy.rules.push(Rule::default());
        assert_eq!(policy.faults()[0].0, "rules[2]");
    }

    #[test]
    fn a_subsystem_is_no_option_and_no_list() {
        for bad in ["", "-a", "a b", "a;b", "a/b"] {
            assert!(Subsystem::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert!(Subsystem::try_from("IBM.DRM".to_owned()).is_ok());
    }
}
