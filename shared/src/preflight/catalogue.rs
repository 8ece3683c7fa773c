//! Every check, as data with its rule: the rows of the reference on levels and sizes, the management connection, disks, software, and
//! what the published pitfalls and faults of single levels add.

mod connection;
mod disk;
mod known;
mod level;
mod more;
mod registered;
mod rootvg;
mod security;
mod service;
mod software;
mod system;
mod workload;

pub use registered::OF_THE_SITE;

use super::advice::Remedy;
use super::facts::{Fact, Seen};
use super::judged::Judged;
use super::{Levels, Severity};

/// One thing that has to hold for a Live Update.
pub struct Check {
    /// `S26`: stays the same for years.
    pub id: &'static str,
    /// What has to hold.
    pub title: &'static str,
    /// What is looked at.
    pub looks_at: &'static str,
    /// How bad it is when it does not hold.
    pub severity: Severity,
    /// The levels that it concerns.
    pub levels: Levels,
    /// What to do then.
    pub remedy: Remedy,
    /// Where it is from.
    pub source: &'static str,
    /// Judges. `Err` is why it cannot be known.
    pub(super) rule: Rule,
}

/// Judges one check; `Err` is why that cannot be known.
pub(super) type Rule = fn(&Seen<'_>) -> Result<Judged, String>;

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("id", &self.id).finish_non_exhaustive()
    }
}

/// All checks, in the order of the reference.
pub fn catalogue() -> impl Iterator<Item = &'static Check> {
    [
        level::CHECKS,
        connection::CHECKS,
        disk::CHECKS,
        rootvg::CHECKS,
        system::CHECKS,
        software::CHECKS,
        security::CHECKS,
        service::CHECKS,
        workload::CHECKS,
        known::CHECKS,
        more::CHECKS,
        registered::CHECKS,
    ]
    .into_iter()
    .flatten()
}

/// The check of that id, in whatever case.
#[must_use]
pub fn check(id: &str) -> Option<&'static Check> {
    catalogue().find(|check| check.id.eq_ignore_ascii_case(id))
}

/// The value of a fact; its reason as the reason of the check.
fn get<T>(fact: &Fact<T>) -> Result<&T, String> {
    fact.as_ref().map_err(Clone::clone)
}

/// What only an HMC, a VIOS or the storage could tell and nobody asks them.
fn not_looked_at(_: &Seen<'_>) -> Result<Judged, String> {
    Err("not looked at".to_owned())
}

/// What concerns IBM's own NIM master.
fn of_ibms_master(_: &Seen<'_>) -> Result<Judged, String> {
    Ok(Judged::not_applicable("concerns IBM's NIM master, which is not asked here"))
}

/// What depends on the fixes of an update, which is not named here.
fn of_the_update(_: &Seen<'_>) -> Result<Judged, String> {
    Ok(Judged::not_applicable("is judged with what is to be installed"))
}

/// What is for information and has nothing to be judged.
fn for_information(_: &Seen<'_>) -> Result<Judged, String> {
    Ok(Judged::not_applicable("for information"))
}

/// Passes when nothing was found, else blocks with what was.
fn none(found: &str, evidence: Vec<String>, otherwise: &str) -> Judged {
    if evidence.is_empty() { Judged::pass(otherwise) } else { Judged::block(found, evidence) }
}

/// Processes with one of these names: id and name.
fn processes(seen: &Seen<'_>, names: &[&str]) -> Result<Vec<String>, String> {
    let all = get(&seen.facts.processes)?.iter().filter(|one| names.contains(&one.name()));
    Ok(all.map(|one| format!("{} {}", one.pid, one.name())).collect())
}

fn has_wpars(seen: &Seen<'_>) -> Result<bool, String> {
    Ok(get(&seen.facts.filesets)?.iter().any(|one| one.name == "bos.wpars"))
}
