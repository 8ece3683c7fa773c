//! What is in the images, by their table of contents, before geninstall runs: another version and a downgrade are refused, and where
//! everything is installed already there is nothing to do.
//!
//! The table is the file `.toc` that `inutoc` writes (its form is inferred: `FILESET 07.03.0003.0001 …`, one line for each fileset). Where
//! a folder has none, geninstall makes it and finds out itself; a line that is not understood decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use nim_shared::aix;
use nim_shared::level::FilesetLevel;
use nim_shared::request::Install;

use super::{Stop, prep};
use crate::disk;
use crate::supervisor::Supervisor;
use crate::text::chain;

/// Keeps which filesets of the order are meant: where only those are that are installed here, one for another machine is left out.
pub(crate) fn choose(supervisor: &mut Supervisor) -> Result<(), Stop> {
    let Install::List(names) = supervisor.request.install.clone() else { return Ok(()) };
    if !supervisor.request.installed_only {
        return list(supervisor, &names);
    }
    let installed = supervisor.facts.filesets().map_err(|error| {
        Stop::failed(format!("not known: which filesets are installed: {}", chain(&error)))
    })?;
    let rows = aix::lslpp_q(&installed).rows;
    let is_here = |name: &String| rows.iter().any(|row| row.name == *name);
    let (here, left): (Vec<_>, Vec<_>) = names.into_iter().partition(is_here);
    supervisor.operation.choose(&here)?;
    list(supervisor, &here)?;
    if left.is_empty() {
        return Ok(());
    }
    Ok(supervisor.note(format!("not installed here, and left out: {}", left.join(", ")))?)
}

/// Where they are read from a file, writes it.
fn list(supervisor: &Supervisor, names: &[String]) -> Result<(), Stop> {
    if supervisor.request.alt_disk.is_some() {
        super::alt_disk::write_list(&supervisor.operation, names)?;
    }
    Ok(())
}

/// Looks at the images of the order, which are mounted or linked by now.
pub(crate) fn check(supervisor: &mut Supervisor) -> Result<(), Stop> {
    match nothing_new(supervisor)? {
        // Scripts follow what is installed already too, and nothing of them before all has agreed.
        Some(text) if supervisor.request.scripts.is_empty() => Err(Stop::unchanged(text)),
        Some(_) | None => Ok(()),
    }
}

/// Why there is nothing to do, where that is so.
pub(crate) fn nothing_new(supervisor: &mut Supervisor) -> Result<Option<String>, Stop> {
    let (Some(folder), false) =
        (prep::folder(supervisor), supervisor.request.install == Install::Nothing)
    else {
        return Ok(None);
    };
    if supervisor.request.installed_only && supervisor.operation.chosen()?.is_empty() {
        return Ok(Some("none of the filesets is installed here".to_owned()));
    }
    let Some(text) = disk::read(&supervisor.root.at(&folder).join(".toc"), TABLE_LIMIT)? else {
        let text = format!("{folder} has no table of contents: geninstall will tell what is in it");
        supervisor.note(text)?;
        return Ok(None);
    };
    let Ok(installed) = supervisor.facts.filesets() else {
        supervisor.note("not known: which filesets are installed")?;
        return Ok(None);
    };
    let rows = aix::lslpp_q(&installed).rows;
    let installed = highest(rows.iter().map(|row| (row.name.as_str(), row.level.as_str())));
    let text = String::from_utf8_lossy(&text);
    let offered = table(&text);
    let finding = compare(&supervisor.request.install, &offered, &installed);
    match finding {
        // Whether installp can do what no Live Update does is for installp to say.
        Finding::Refuse(_) if !supervisor.request.kind.is_live_update() => Ok(None),
        Finding::Go => Ok(None),
        Finding::NothingNew => {
            Ok(Some(format!("everything in {folder} is installed at its level or a later one")))
        }
        Finding::Refuse(text) => Err(Stop::failed(text)),
    }
}

/// What an update brings, as the table of its images has it.
pub(crate) struct Update {
    /// Filesets that are installed at a lower level.
    pub(crate) filesets: BTreeSet<String>,
    /// First words of all lines: keywords of fixes are among them.
    pub(crate) fixes: BTreeSet<String>,
}

/// What the order's update brings; `None` where the images have no table, or the LPAR does not tell what is installed.
pub(crate) fn update(supervisor: &Supervisor) -> Result<Option<Update>, Stop> {
    let newer = newer(supervisor)?.map(|Newer { table, filesets }| {
        let words = table.lines().filter_map(|line| line.split_whitespace().next());
        Update {
            filesets: filesets.into_iter().map(|(name, _)| name).collect(),
            fixes: words.map(str::to_owned).collect(),
        }
    });
    Ok(newer)
}

/// What the images of an order have above what is installed.
struct Newer {
    /// Their table.
    table: String,
    /// The filesets that are meant and installed at a lower level, with their level in the images.
    filesets: Vec<(String, FilesetLevel)>,
}

fn newer(supervisor: &Supervisor) -> Result<Option<Newer>, disk::Error> {
    let Some(folder) = prep::folder(supervisor) else { return Ok(None) };
    let text = disk::read(&supervisor.root.at(&folder).join(".toc"), TABLE_LIMIT)?;
    let (Some(text), Ok(installed)) = (text, supervisor.facts.filesets()) else { return Ok(None) };
    let rows = aix::lslpp_q(&installed).rows;
    let installed = highest(rows.iter().map(|row| (row.name.as_str(), row.level.as_str())));
    let table = String::from_utf8_lossy(&text).into_owned();
    let filesets = above(&supervisor.request.install, &table, &installed);
    Ok(Some(Newer { table, filesets }))
}

/// A fileset that is installed at a lower level than the images have.
pub(crate) struct Lagging {
    /// The fileset.
    pub(crate) name: String,
    /// Its level in the images.
    pub(crate) wanted: String,
}

/// What the images of an order should have brought, as far as that is known.
#[derive(Default)]
pub(crate) struct Wanted {
    /// Filesets that are lower; `None` where the images have no table or are gone, or the LPAR does not tell what is installed.
    pub(crate) lagging: Option<Vec<Lagging>>,
    /// Files of interim fixes; `None` where the images are gone.
    pub(crate) fixes: Option<Vec<String>>,
}

/// What the order's update should have brought.
pub(crate) fn wanted(supervisor: &Supervisor) -> Result<Wanted, disk::Error> {
    Ok(Wanted { lagging: lagging(supervisor)?, fixes: super::fixes::files(supervisor)? })
}

fn lagging(supervisor: &Supervisor) -> Result<Option<Vec<Lagging>>, disk::Error> {
    let lagging =
        |(name, level): (String, FilesetLevel)| Lagging { name, wanted: level.to_string() };
    Ok(newer(supervisor)?.map(|newer| newer.filesets.into_iter().map(lagging).collect()))
}

/// The filesets of a table that are meant and installed at a lower level.
fn above(
    install: &Install,
    table_text: &str,
    installed: &Levels<'_>,
) -> Vec<(String, FilesetLevel)> {
    let is_meant = |name: &str| match install {
        Install::List(names) => names.iter().any(|one| one == name),
        Install::Nothing => false,
        Install::UpdateAll | Install::All => true,
    };
    let is_above = |(name, level): &(&str, FilesetLevel)| {
        is_meant(name) && installed.get(name).is_some_and(|old| level > old)
    };
    let above = table(table_text).into_iter().filter(is_above);
    above.map(|(name, level)| (name.to_owned(), level)).collect()
}

type Levels<'a> = BTreeMap<&'a str, FilesetLevel>;

#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Go,
    NothingNew,
    Refuse(String),
}

fn compare(install: &Install, offered: &Levels<'_>, installed: &Levels<'_>) -> Finding {
    if let (Some(new), Some(old)) = (offered.get(KERNEL), installed.get(KERNEL)) {
        if release(*new) != release(*old) {
            return Finding::Refuse(format!(
                "the images hold {KERNEL} {new} and {old} is installed: another version is no Live Update"
            ));
        }
        if new < old {
            return Finding::Refuse(format!(
                "the images hold {KERNEL} {new}, below the {old} that is installed"
            ));
        }
    }
    let is_new =
        |(name, level): (&&str, &FilesetLevel)| installed.get(name).is_some_and(|old| level > old);
    match install {
        Install::UpdateAll if !offered.is_empty() && !offered.iter().any(is_new) => {
            Finding::NothingNew
        }
        Install::UpdateAll | Install::All | Install::List(_) | Install::Nothing => Finding::Go,
    }
}

fn table(text: &str) -> Levels<'_> {
    highest(text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?))
    }))
}

fn highest<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> Levels<'a> {
    let mut levels = Levels::new();
    for (name, level) in rows {
        if let Ok(level) = level.parse::<FilesetLevel>() {
            let known = levels.entry(name).or_insert(level);
            *known = level.max(*known);
        }
    }
    levels
}

/// Version and release.
fn release(level: FilesetLevel) -> String {
    level.to_string().split('.').take(2).collect::<Vec<_>>().join(".")
}

/// The fileset whose level is that of the system.
const KERNEL: &str = "bos.mp64";

const TABLE_LIMIT: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const TOC: &str = "0 110520151606 2\nbos.mp64.7.3.3.1.U 4 S bos.mp64 {\nbos.mp64 07.03.0003.0001 1 b S En_US Base\n}\n";

    fn finding(install: &Install, installed: &str) -> Finding {
        compare(install, &table(TOC), &highest([("bos.mp64", installed)].into_iter()))
    }

    #[test]
    fn another_version_and_a_downgrade_are_refused_and_nothing_new_is_nothing_to_do() {
        assert_eq!(finding(&Install::UpdateAll, "7.3.3.0"), Finding::Go);
        assert_eq!(finding(&Install::UpdateAll, "7.3.3.1"), Finding::NothingNew);
        assert_eq!(finding(&Install::All, "7.3.3.1"), Finding::Go);
        assert!(matches!(finding(&Install::UpdateAll, "7.3.3.2"), Finding::Refuse(_)));
        assert!(matches!(finding(&Install::All, "7.2.5.9"), Finding::Refuse(_)));
    }
}
