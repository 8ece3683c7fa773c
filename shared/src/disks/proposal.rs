//! A whole `lvupdate.data`: the disks that were chosen, and each other value with the reason for it.

use super::{Choice, Picked, Role};
use crate::id::DiskName;
use crate::level::{Level, TechnologyLevel};
use crate::lvupdate::{Data, Disks, Document, General, Hmc};
use crate::preflight::Fact;
use crate::unit::ProcessorUnits;

/// What is known beside the disks.
#[derive(Clone, Debug)]
pub struct Around {
    /// The level of the LPAR.
    pub level: Fact<Level>,
    /// The console of its frame.
    pub console: Fact<ConsoleFacts>,
    /// Processors that no partition of the frame has, and what the surrogate takes.
    pub processors: Fact<(ProcessorUnits, ProcessorUnits)>,
}

/// A management console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleFacts {
    /// Name of the object.
    pub name: String,
    /// How the LPAR reaches it.
    pub address: String,
    /// The user for Live Update; `None` where nobody said.
    pub user: Option<String>,
}

/// A file, as far as it can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Each value: stanza, key, value, why.
    pub values: Vec<(&'static str, &'static str, String, String)>,
    /// What it says.
    pub data: Data,
    /// What is missing for it; empty where nothing is.
    pub missing: Vec<String>,
}

impl Proposal {
    /// The file.
    #[must_use]
    pub fn text(&self) -> String {
        Document::from(&self.data).render()
    }
}

/// Writes the file for what was chosen.
#[must_use]
pub fn propose(choice: &Choice, around: &Around) -> Proposal {
    let mut missing = choice.missing.clone();
    let mut values = Vec::new();
    let mut say = |stanza, key, value: &str, why: &str| {
        values.push((stanza, key, value.to_owned(), why.to_owned()));
    };
    let why = "an extension that is not known to be safe stops the update: the default of AIX";
    say("general", "kext_check", "yes", why);
    let (reduction, why) = reduction(around);
    if let Some(value) = reduction {
        say("general", "cpu_reduction", if value { "yes" } else { "no" }, &why);
    }
    let list = |role| -> Vec<DiskName> {
        let of = choice.picked.iter().filter(|one| one.role == role);
        of.map(|one| one.disk.name.clone()).collect()
    };
    let disks = Disks {
        nhdisk: list(Role::Nhdisk),
        mhdisk: list(Role::Mhdisk),
        tohdisk: list(Role::Tohdisk),
        tshdisk: list(Role::Tshdisk),
    };
    for role in Role::ALL {
        let picked: Vec<&Picked> = choice.picked.iter().filter(|one| one.role == *role).collect();
        let names: Vec<&str> = picked.iter().map(|one| one.disk.name.as_str()).collect();
        match (role, picked.first()) {
            (_, Some(_)) => {
                let why: Vec<String> = picked.iter().map(|one| why_picked(one)).collect();
                say("disks", role.name(), &names.join(","), &why.join("; "));
            }
            (Role::Tohdisk | Role::Tshdisk, None) => {
                say("disks", role.name(), "", "paging and dump space are in rootvg");
            }
            (Role::Nhdisk | Role::Mhdisk, None) => {}
        }
    }
    say("hmc", "lpar_id", "", "the HMC chooses a free one");
    let hmc = match &around.console {
        Ok(console) => {
            let from = format!("{}, the preferred console of its frame", console.name);
            say("hmc", "management_console", &console.address, &from);
            match &console.user {
                Some(user) => {
                    say("hmc", "user", user, &format!("login of {}", console.name));
                }
                None => missing.push(format!(
                    "{0} names no user for Live Update: nimctl change -a login=USER {0}",
                    console.name
                )),
            }
            Some(Hmc {
                lpar_id: None,
                management_console: Some(console.address.clone()),
                user: console.user.clone(),
                clone_from_hmc_profile: None,
            })
        }
        Err(why) => {
            missing.push(format!("the management console is not known: {why}"));
            None
        }
    };
    let general =
        General { kext_check: Some(true), cpu_reduction: reduction, ..General::default() };
    Proposal { values, data: Data { general, disks, hmc, ..Data::default() }, missing }
}

/// Whether processors have to be taken from the original, and why; only for levels that know the attribute, and only where it is
/// needed: from 7.3 on it always costs blackout. Source: LU §1.2.
fn reduction(around: &Around) -> (Option<bool>, String) {
    let Ok(level) = around.level else { return (None, String::new()) };
    if level.technology < TechnologyLevel::CPU_REDUCTION {
        return (None, String::new());
    }
    match around.processors {
        Ok((free, need)) if free < need => {
            let why =
                format!("the frame has {free} processors free, and the surrogate takes {need}");
            (Some(true), why)
        }
        Ok(_) | Err(_) => (None, String::new()),
    }
}

fn why_picked(one: &Picked) -> String {
    let id = match (&one.disk.pvid, &one.disk.udid) {
        (Some(pvid), _) => format!("PVID {pvid}"),
        (None, Some(udid)) => format!("UDID {udid}"),
        (None, None) => "no id".to_owned(),
    };
    let what = match one.role {
        Role::Nhdisk | Role::Mhdisk => "a copy of rootvg",
        Role::Tohdisk | Role::Tshdisk => "the paging space outside rootvg",
    };
    format!(
        "{id}: empty, open nowhere, of this LPAR alone; {} for {what} of {}",
        one.size, one.needed
    )
}
