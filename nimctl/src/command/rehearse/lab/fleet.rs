//! The objects for the nimd of the rehearsal: those that the lab wrote, which know addresses, ports and keys, with the labels, groups and limits
//! of the real ones.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use nim_shared::api::{File, LabCopy};
use nim_shared::id::ObjectName;
use nim_shared::object::{MacGroup, Object, PasswordFile, Spec};
use nim_shared::yaml::{self, Fleet};

use crate::error::Error;

/// Objects, and the secrets that they name.
#[derive(Debug)]
pub(super) struct Objects {
    /// As a fleet file.
    pub(super) text: String,
    /// Where the passwords of the HMCs belong.
    pub(super) passwords: Vec<PasswordFile>,
}

/// The objects of `written`, the lab's fleet file, as `copy` has them.
pub(super) fn objects(written: File, copy: &LabCopy) -> Result<Objects, Error> {
    let name = written.name.clone();
    let all = Fleet::read(&[written]).check(|_| None);
    let all = all.map_err(|faults| Error::Usage {
        what: format!("the lab's {name} cannot be read"),
        faults,
        hint: Some("see whether nim-lab and nimctl are of the same release".to_owned()),
    })?;
    // The lab's only group is one that no real site has.
    let mut objects: Vec<Object> = all
        .into_iter()
        .map(|(object, _)| object)
        .filter(|object| !matches!(object.spec, Spec::MacGroup(_)))
        .collect();
    let lpars: BTreeMap<&ObjectName, _> = copy.lpars.iter().map(|one| (&one.name, one)).collect();
    let hmcs: BTreeMap<&ObjectName, _> = copy.hmcs.iter().map(|one| (&one.name, one)).collect();
    let frames: BTreeMap<&ObjectName, _> = copy.frames.iter().map(|one| (&one.name, one)).collect();
    let mut passwords = Vec::new();
    for object in &mut objects {
        match &mut object.spec {
            Spec::Standalone(_) => {
                if let Some(lpar) = lpars.get(&object.name) {
                    object.labels.clone_from(&lpar.labels);
                }
            }
            Spec::Hmc(hmc) => {
                let limit = hmcs.get(&object.name).and_then(|one| one.limit);
                hmc.limit = limit.and_then(NonZeroU32::new);
                passwords.extend(hmc.passwd_file.clone());
            }
            Spec::Cec(cec) => {
                let limit = frames.get(&object.name).and_then(|one| one.limit);
                cec.limit = limit.and_then(NonZeroU32::new);
            }
            _ => {}
        }
    }
    objects.extend(groups(copy));
    let text = yaml::render_fleet(&objects)
        .map_err(|cause| Error::Format { format: "YAML", cause: Box::new(cause) })?;
    Ok(Objects { text, passwords })
}

/// The groups of the LPARs that are there.
fn groups(copy: &LabCopy) -> impl Iterator<Item = Object> {
    let mut groups: BTreeMap<&ObjectName, Vec<ObjectName>> = BTreeMap::new();
    for lpar in &copy.lpars {
        for group in &lpar.groups {
            groups.entry(group).or_default().push(lpar.name.clone());
        }
    }
    groups.into_iter().map(|(name, member)| Object {
        name: name.clone(),
        spec: Spec::MacGroup(MacGroup { member, excluded: Vec::new(), kept: BTreeMap::new() }),
        comments: None,
        labels: BTreeMap::new(),
    })
}

#[cfg(test)]
mod tests;
