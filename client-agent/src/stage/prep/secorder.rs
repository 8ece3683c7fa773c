//! Where the database of Trusted Execution is looked up: in files, while an update writes it there. Source: LU S10, §4.4a.

use nim_shared::aix;
use nim_shared::frame::ChangeClass;
use nim_shared::prep::Setting;

use super::super::Stop;
use super::setting::{self, Error, LIMIT, Lpar};
use super::verification;
use crate::disk;
use crate::supervisor::Supervisor;
use crate::undo::FILE_LIMIT;

/// Has it looked up in files, where it is looked up in LDAP.
pub(super) fn run(supervisor: &mut Supervisor, class: ChangeClass) -> Result<(), Stop> {
    verification::remember(supervisor)?;
    setting::change(supervisor, class, Setting::Secorder, wanted)
}

/// What it has to become.
pub(super) fn wanted(before: &str) -> Option<String> {
    let is_list = before.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ',' | '_'));
    (is_list && before.to_ascii_uppercase().contains("LDAP")).then(|| FILES.to_owned())
}

/// Where nothing is said it is looked up in files.
pub(super) fn read(lpar: Lpar<'_>) -> Result<String, Error> {
    let text = disk::read(&lpar.root.at(FILE), FILE_LIMIT)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let order = aix::stanza_value(&text, STANZA, "secorder").filter(|order| !order.is_empty());
    Ok(order.unwrap_or(FILES).to_owned())
}

pub(super) fn write(lpar: Lpar<'_>, wanted: &str) -> Result<(), Error> {
    let value = format!("secorder={wanted}");
    lpar.commands.ask("chsec", &["-f", FILE, "-s", STANZA, "-a", &value], LIMIT)?;
    Ok(())
}

const FILE: &str = "/etc/nscontrol.conf";
const STANZA: &str = "tsddat";
const FILES: &str = "files";
