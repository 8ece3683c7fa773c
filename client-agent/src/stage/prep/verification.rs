//! Before Trusted Execution enforces anything again, what the update installed is verified against its database: with another hash
//! there than on disk, programs would no longer start. Nothing is ever corrected here. Source: LU §4.4a.
//!
//! What changed is known by a list of everything that was installed, taken before. Where that is lost, everything is verified.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use nim_shared::aix;

use super::super::Stop;
use super::setting::LIMIT;
use crate::command::{self, Commands};
use crate::disk;
use crate::operation::Operation;
use crate::supervisor::Supervisor;
use crate::text::chain;
use crate::undo::{self, Undo};

/// What was installed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Installed {
    /// Filesets, each with its level.
    filesets: BTreeSet<(String, String)>,
    /// What interim fixes lock, each with the label of its fix.
    locks: BTreeSet<(String, String)>,
}

impl Installed {
    fn now(commands: &Commands) -> Result<Self, command::Error> {
        let filesets = commands.ask("lslpp", &["-Lqc", "all"], LIMIT)?;
        let locks = commands.ask("emgr", &["-P"], LIMIT)?;
        let filesets = aix::lslpp_q(&filesets).rows.into_iter();
        let locks = aix::emgr_p(&locks).rows.into_iter();
        Ok(Self {
            filesets: filesets.map(|row| (row.name, row.level)).collect(),
            locks: locks.map(|row| (row.fileset, row.label)).collect(),
        })
    }

    /// Filesets that are another, or locked by another fix.
    fn differing<'a>(&'a self, before: &'a Self) -> BTreeSet<&'a str> {
        let filesets = self.filesets.difference(&before.filesets);
        let locks = self.locks.difference(&before.locks);
        filesets.chain(locks).map(|(name, _)| name.as_str()).collect()
    }
}

/// Keeps what is installed, once.
pub(super) fn remember(supervisor: &Supervisor) -> Result<(), Stop> {
    let path = supervisor.operation.file(INSTALLED);
    if path.exists() {
        return Ok(());
    }
    let installed = Installed::now(&supervisor.commands).map_err(|error| {
        Stop::failed(format!("not known: what is installed before the update: {}", chain(&error)))
    })?;
    let text = serde_json::to_vec(&installed).map_err(std::io::Error::other);
    disk::replace(&path, &disk::doing("write", &path, text)?, 0o600)?;
    Ok(())
}

fn remembered(operation: &Operation) -> Result<Option<Installed>, disk::Error> {
    let text = disk::read(&operation.file(INSTALLED), INSTALLED_LIMIT)?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
}

/// Verifies what is another than before, against the source that is active now.
pub(super) fn check(undo: &Undo<'_>) -> Result<(), undo::Error> {
    let Some(before) = remembered(undo.operation)? else {
        return verify(undo.commands, &["ALL".to_owned()]);
    };
    let now = Installed::now(undo.commands)?;
    let differing = now.differing(&before);
    if differing.is_empty() {
        return Ok(());
    }
    let known = disk::read(&undo.root.at(DATABASE), DATABASE_LIMIT)?.unwrap_or_default();
    let known = String::from_utf8_lossy(&known);
    let known: BTreeSet<&str> = aix::stanzas(&known).collect();
    let mut arguments = vec!["-fqc"];
    arguments.extend(differing);
    let listed = undo.commands.ask("lslpp", &arguments, LONG)?;
    let files: BTreeSet<&str> =
        listed.lines().filter_map(file_of).filter(|file| known.contains(file)).collect();
    let files: Vec<String> = files.into_iter().map(str::to_owned).collect();
    files.chunks(TOGETHER).try_for_each(|files| verify(undo.commands, files))
}

/// The file in a row of `lslpp -fqc`: the last field, without where it links to (inferred).
fn file_of(line: &str) -> Option<&str> {
    let (_, file) = line.rsplit_once(':')?;
    let file = file.split(" -> ").next().unwrap_or(file).trim();
    file.starts_with('/').then_some(file)
}

/// `trustchk -n` reports and changes nothing. Whatever it says is taken for a mismatch: it is silent otherwise (inferred).
fn verify(commands: &Commands, files: &[String]) -> Result<(), undo::Error> {
    let mut arguments = vec!["-n"];
    arguments.extend(files.iter().map(String::as_str));
    let answer = commands.run("trustchk", &arguments, LONG)?;
    let text = answer.text.trim();
    if answer.status == 0 && text.is_empty() {
        return Ok(());
    }
    let text = nim_shared::id::printable(text).chars().take(TEXT_IN_ERRORS).collect();
    Err(undo::Error::NotVerified { status: answer.status, text })
}

const INSTALLED: &str = "installed.before";
const INSTALLED_LIMIT: u64 = 4 << 20;

/// The local database. Source: LU S10 and the cookbook.
const DATABASE: &str = "/etc/security/tsd/tsd.dat";
const DATABASE_LIMIT: u64 = 256 << 20;

/// Files that are verified by one command.
const TOGETHER: usize = 100;

/// A whole database takes its time.
const LONG: Duration = Duration::from_secs(1200);

const TEXT_IN_ERRORS: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_what_is_new_at_another_level_or_fixed() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let before = Installed {
            filesets: [pair("bos.a", "7.3.3.0"), pair("bos.b", "7.3.3.0")].into(),
            locks: [pair("bos.b", "IJ1")].into(),
        };
        let now = Installed {
            filesets: [pair("bos.a", "7.3.3.1"), pair("bos.b", "7.3.3.0")].into(),
            locks: [pair("bos.b", "IJ1"), pair("bos.c", "IJ2")].into(),
        };
        assert_eq!(now.differing(&before).into_iter().collect::<Vec<_>>(), ["bos.a", "bos.c"]);
        assert!(before.differing(&before).is_empty());
    }

    #[test]
    fn a_file_is_the_last_field_without_its_link() {
        let row = "/usr/lib/objrepos:bos.rte.libc 7.3.3.1:/usr/lib/libc.a -> /usr/ccs/lib/libc.a";
        assert_eq!(file_of(row), Some("/usr/lib/libc.a"));
        assert_eq!(file_of("nothing"), None);
    }
}
