//! `mkhmcusr`, `mkauthkeys`, `lshmcusr`: users of an HMC and their keys (HV §1.2, §1.3).
//!
//! A real `mkhmcusr` without `--passwd` asks for the password; nobody can be asked here, so such a user has none and logs in with
//! a key alone.

use super::table::{Options, Row, print};
use super::{Failure, missing, not_allowed};
use crate::world::{HmcUser, World};

/// The only task role that may make users and keys of others (HV §1.2).
const ADMINISTRATOR: &str = "hmcsuperadmin";

/// Whether a command of this name changes users.
pub(super) fn changes(name: &str) -> bool {
    matches!(name, "mkhmcusr" | "mkauthkeys")
}

/// Runs `name`, one of the commands that change users, as the user `by`.
pub(super) fn change(
    world: &mut World,
    hmc: &str,
    by: &str,
    name: &str,
    arguments: &[String],
) -> Result<String, Failure> {
    let users = world.hmcs.get_mut(hmc).map(|hmc| &mut hmc.users);
    let users = users.ok_or_else(|| Failure::Command("this HMC is not there".to_owned()))?;
    let administrates = users.get(by).is_some_and(|user| user.role == ADMINISTRATOR);
    if name == "mkhmcusr" {
        if !administrates {
            return Err(not_allowed());
        }
        let user = value(arguments, "-u")?;
        if users.contains_key(user) {
            return Err(Failure::Command(format!("The user {user} exists already.")));
        }
        let role = value(arguments, "-a")?.to_owned();
        let password = value(arguments, "--passwd").unwrap_or_default().to_owned();
        let made =
            HmcUser { role, password, keys: Vec::new(), failed_logins: 0, locked_until: None };
        users.insert(user.to_owned(), made);
    } else {
        let key = value(arguments, "-a")?.to_owned();
        let user = value(arguments, "-u").unwrap_or(by);
        if user != by && !administrates {
            return Err(not_allowed());
        }
        let unknown = || Failure::Command(format!("The user {user} does not exist."));
        users.get_mut(user).ok_or_else(unknown)?.keys.push(key);
    }
    Ok(String::new())
}

/// `lshmcusr`: name, description, task role and resource role of each user, in the form of the other lists.
pub(super) fn list(world: &World, hmc: &str, arguments: &[String]) -> Result<String, Failure> {
    let users = world.hmcs.get(hmc).map(|hmc| &hmc.users);
    let users = users.ok_or_else(|| Failure::Command("this HMC is not there".to_owned()))?;
    let row = |(name, user): (&String, &HmcUser)| -> Row {
        vec![
            ("name", name.clone()),
            ("taskrole", user.role.clone()),
            ("resourcerole", "ALL:".to_owned()),
        ]
    };
    print(&users.iter().map(row).collect::<Vec<_>>(), &Options::read(arguments)?)
}

/// What stands after `option`.
fn value<'a>(arguments: &'a [String], option: &str) -> Result<&'a str, Failure> {
    let at = arguments.iter().position(|word| word == option);
    at.and_then(|at| arguments.get(at + 1)).map(String::as_str).ok_or_else(|| missing(option))
}
