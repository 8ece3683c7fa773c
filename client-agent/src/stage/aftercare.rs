//! What is left to do once the workload was moved: each finding by name, with what belongs to it. Source: LU §6.1, §6.2.

use std::collections::BTreeMap;
use std::time::Duration;

use nim_shared::aftercare::{MOST_ITEMS, OpenItem};
use nim_shared::aix;
use nim_shared::frame::Effect;
use nim_shared::id::DiskName;
use nim_shared::lpp::label_of;
use nim_shared::operation::{FollowUp, PathCount, Snapshot};
use nim_shared::request::Install;

use super::content::{Lagging, Wanted};
use super::update;
use crate::pty;
use crate::supervisor::{Error, Supervisor};
use crate::text::chain;

/// Looks for all of it; `follow_up` is what the run itself left, `wanted` what the images should have brought. What cannot be looked at
/// is noted: it is neither open nor in order.
pub(crate) fn look(
    supervisor: &mut Supervisor,
    follow_up: &[FollowUp],
    wanted: Wanted,
) -> Result<Vec<OpenItem>, Error> {
    let mut look = Look { supervisor, unknown: Vec::new(), items: Vec::new() };
    if follow_up.contains(&FollowUp::PostProcessing) {
        look.post_processing();
    }
    look.level(wanted.lagging);
    look.interim_fixes(wanted.fixes);
    look.paths();
    look.boot_list();
    look.error_log()?;
    look.identity();
    look.management_link();
    look.console_token();
    look.old_libraries();
    let Look { unknown, mut items, .. } = look;
    for text in unknown {
        supervisor.note(format!("not known after the update: {text}"))?;
    }
    let more = items.len().saturating_sub(MOST_ITEMS);
    items.truncate(MOST_ITEMS);
    // One event for each but for processes, of which there are many and which are as one to whoever reads.
    let (old, others): (Vec<_>, Vec<_>) =
        items.iter().partition(|item| matches!(item, OpenItem::OldLibraries { .. }));
    for item in others {
        supervisor.note(format!("left to do: {item}"))?;
    }
    if !old.is_empty() {
        let names = old.iter().filter_map(|item| match item {
            OpenItem::OldLibraries { name, pid, .. } => Some(format!("{name} ({pid})")),
            _ => None,
        });
        let names: Vec<_> = names.collect();
        supervisor.note(format!("processes on replaced libraries: {}", names.join(" ")))?;
    }
    if more > 0 {
        supervisor.note(format!("{more} more things are left to do, and are not listed"))?;
    }
    Ok(items)
}

struct Look<'a> {
    supervisor: &'a Supervisor,
    unknown: Vec<String>,
    items: Vec<OpenItem>,
}

impl Look<'_> {
    /// What a command prints; `None` where it does not answer, which is noted.
    fn ask(&mut self, command: &str, arguments: &[&str]) -> Option<String> {
        let answer = self.supervisor.commands.ask(command, arguments, LIMIT);
        answer.map_err(|error| self.unknown.push(chain(&error))).ok()
    }

    fn after(&self) -> Option<&Snapshot> {
        self.supervisor.progress.after.as_ref()
    }

    fn before(&self) -> Option<&Snapshot> {
        self.supervisor.progress.before.as_ref()
    }

    fn post_processing(&mut self) {
        let Some(before) = self.before() else { return };
        let others = before.paths.iter().filter(|path| path.status != ENABLED);
        let others = others.map(|path| path.count).fold(0, u32::saturating_add);
        self.items.push(OpenItem::PostProcessing { others });
    }

    /// That it is lower than before is wrong for certain; which level it should be only the images say, fileset by fileset.
    fn level(&mut self, lagging: Option<Vec<Lagging>>) {
        let levels = |snapshot: Option<&Snapshot>| {
            let text = snapshot?.level.clone()?;
            Some((aix::oslevel(&text).ok()?, text))
        };
        if let (Some((old, before)), Some((new, _))) = (levels(self.before()), levels(self.after()))
            && new < old
        {
            self.items.push(OpenItem::Level { before });
        }
        match lagging {
            Some(lagging) => {
                let item = |one: Lagging| OpenItem::Fileset { name: one.name, wanted: one.wanted };
                self.items.extend(lagging.into_iter().map(item));
            }
            None if self.supervisor.request.install == Install::Nothing => {}
            None => self.unknown.push("whether all of the images is installed".to_owned()),
        }
    }

    /// A fix is known by the name of its file.
    fn interim_fixes(&mut self, files: Option<Vec<String>>) {
        let Some(files) = files else {
            self.unknown.push("which interim fixes the images have".to_owned());
            return;
        };
        let Some(after) = self.after() else { return };
        if after.interim_fixes.is_none() {
            self.unknown.push("which interim fixes are installed".to_owned());
            return;
        }
        let labels = files.iter().map(|file| label_of(file).to_owned());
        let missing = labels.filter(|label| !after.has_fix(label));
        let missing: Vec<_> = missing.map(|label| OpenItem::InterimFix { label }).collect();
        self.items.extend(missing);
    }

    fn paths(&mut self) {
        let (Some(before), Some(after)) = (self.before(), self.after()) else { return };
        if after.paths.is_empty() {
            // lspath gave no answer, which is noted with the snapshot.
            return;
        }
        let (before, after) = (counts(&before.paths), counts(&after.paths));
        let worse = before.into_iter().filter_map(|(disk, (enabled, others))| {
            let now = after.get(disk).copied().unwrap_or_default();
            let disk = disk.clone();
            (now.0 < enabled || now.1 > others).then_some(OpenItem::Paths { disk, enabled, others })
        });
        let worse: Vec<_> = worse.collect();
        self.items.extend(worse);
    }

    fn boot_list(&mut self) {
        let Some(text) = self.ask("bootlist", &["-m", "normal", "-o"]) else { return };
        let Some(first) = aix::bootlist(&text).rows.into_iter().next() else {
            return self.unknown.push("bootlist names no disk".to_owned());
        };
        // It may be a network adapter, which is for whoever chose it.
        let (true, Ok(disk)) = (first.device.starts_with("hdisk"), first.device.parse()) else {
            return;
        };
        let is_root = |after: &Snapshot| {
            let mut root =
                after.disks.iter().filter(|one| one.volume_group.as_deref() == Some("rootvg"));
            (!after.disks.is_empty()).then(|| root.any(|one| one.name == disk))
        };
        if self.after().and_then(is_root) == Some(false) {
            self.items.push(OpenItem::BootList { disk });
        }
    }

    /// What was written since the update began, but for what each Live Update writes.
    fn error_log(&mut self) -> Result<(), Error> {
        let Some(before) = update::errors_before(&self.supervisor.operation)? else {
            self.unknown.push("the error log before it".to_owned());
            return Ok(());
        };
        let now = match self.supervisor.facts.errors() {
            Ok(now) => now,
            Err(error) => {
                self.unknown.push(chain(&error));
                return Ok(());
            }
        };
        let Some(new) = since(&before, &now) else {
            self.unknown.push("what is new in the error log: it was cleared".to_owned());
            return Ok(());
        };
        let mut first = BTreeMap::new();
        for entry in aix::errpt(&new.join("\n")).rows {
            if entry.resource == LIVE_UPDATE || entry.identifier == LOGGING_ON {
                continue;
            }
            // Newest first: the last one that is seen is the oldest.
            let key = (entry.identifier.clone(), entry.resource.clone());
            first.entry(key).and_modify(|at| *at = entry.at.min(*at)).or_insert(entry.at);
            let known = |item: &OpenItem| {
                matches!(item, OpenItem::ErrorLog { identifier, resource, .. }
                    if *identifier == entry.identifier && *resource == entry.resource)
            };
            if !self.items.iter().any(known) {
                self.items.push(OpenItem::ErrorLog {
                    identifier: entry.identifier,
                    resource: entry.resource,
                    description: entry.description,
                    since: String::new(),
                });
            }
        }
        for item in &mut self.items {
            if let OpenItem::ErrorLog { identifier, resource, since, .. } = item
                && let Some(at) = first.get(&(identifier.clone(), resource.clone()))
            {
                *since = at.to_string();
            }
        }
        Ok(())
    }

    /// The partition's own id may change; name and machine stay. Source: LU §6.1.
    fn identity(&mut self) {
        let Some(before) = self.supervisor.progress.identity.clone() else { return };
        if let Some(before) = before.hostname
            && let Some(now) = self.ask("uname", &["-n"])
            && now.trim() != before
        {
            self.items.push(OpenItem::HostName { before });
        }
        if let Some(before) = before.machine_serial
            && let Some(now) = self.ask("uname", &["-m"])
            && now.trim() != before
        {
            self.items.push(OpenItem::MachineId { before });
        }
    }

    fn management_link(&mut self) {
        let Some(text) = self.ask("rsct/bin/rmcdomainstatus", &["-s", "ctrmc"]) else { return };
        if !aix::rmcdomainstatus(&text).rows.iter().any(|console| console.is_up) {
            self.items.push(OpenItem::ManagementLink);
        }
    }

    /// A token that we fetched is given back; one that was there before should still be.
    fn console_token(&mut self) {
        let Some(console) = &self.supervisor.request.console else { return };
        let mut changes = self.supervisor.progress.changes.values();
        if changes.any(|change| {
            matches!(change.effect, Effect::ConsoleToken { present_before: false, .. })
        }) {
            return;
        }
        match pty::tokens(&self.supervisor.commands) {
            Ok(tokens) if pty::has_token(&tokens, console) => {}
            Ok(_) => self.items.push(OpenItem::ConsoleToken {
                address: console.address.clone(),
                user: console.user.clone(),
            }),
            Err(error) => self.unknown.push(chain(&error)),
        }
    }

    fn old_libraries(&mut self) {
        let Some(text) = self.ask("genld", &["-u"]) else { return };
        let mut old = aix::genld(&text).rows;
        // This process ends with the operation, and the next one is another.
        old.retain(|one| one.name != OWN_NAME);
        if old.is_empty() {
            return;
        }
        // With one process for all of them: who they belong to, and which files their programs are.
        let text = self.ask("ps", &["-e", "-o", "pid,user,args"]).unwrap_or_default();
        let running: BTreeMap<u64, Running<'_>> = text.lines().filter_map(process).collect();
        let program = |pid: u64| running.get(&pid).map(|one| one.program);
        let files = old.iter().filter_map(|one| program(one.pid));
        let mut files: Vec<&str> = files.filter(|file| file.starts_with('/')).collect();
        files.sort_unstable();
        files.dedup();
        files.truncate(MOST_ITEMS);
        let owners = if files.is_empty() {
            String::new()
        } else {
            // It fails where one of the files belongs to nothing, and still tells of the others.
            let arguments = [&["-w"], &files[..]].concat();
            let answer = self.supervisor.commands.run("lslpp", &arguments, LIMIT);
            answer.map(|answer| answer.text).unwrap_or_default()
        };
        for one in old {
            let fileset = program(one.pid).and_then(|file| aix::fileset_of(&owners, file));
            self.items.push(OpenItem::OldLibraries {
                owner: running.get(&one.pid).map(|found| found.user.to_owned()),
                fileset: fileset.map(str::to_owned),
                pid: one.pid,
                name: one.name,
            });
        }
    }
}

/// How many paths of each disk are enabled, and how many are not.
fn counts(paths: &[PathCount]) -> BTreeMap<&DiskName, (u32, u32)> {
    let mut counts: BTreeMap<&DiskName, (u32, u32)> = BTreeMap::new();
    for path in paths {
        let (enabled, others) = counts.entry(&path.disk).or_default();
        *(if path.status == ENABLED { enabled } else { others }) += path.count;
    }
    counts
}

/// The lines of `now` above those of `before`, newest first; `None` where none of those is left.
fn since<'a>(before: &[String], now: &'a [String]) -> Option<&'a [String]> {
    let is_old = |line: &String| before.contains(line);
    match now.iter().position(is_old) {
        Some(end) => now.get(..end),
        None => before.is_empty().then_some(now),
    }
}

/// A line of `ps`.
struct Running<'a> {
    user: &'a str,
    program: &'a str,
}

fn process(line: &str) -> Option<(u64, Running<'_>)> {
    let mut words = line.split_whitespace();
    let pid = words.next()?.parse().ok()?;
    Some((pid, Running { user: words.next()?, program: words.next()? }))
}

/// As `lspath` prints it.
const ENABLED: &str = "Enabled";

/// Who writes of Live Update's start and end. Source: LU §2.8.
const LIVE_UPDATE: &str = "LVUPDATE";

/// `ERROR LOGGING TURNED ON`: the error daemon starts anew at each switch. Source: LU §2.8.
const LOGGING_ON: &str = "9DBCFDEE";

/// The agent, as `genld` shows it.
const OWN_NAME: &str = "nim-agent";

/// Time that any one of these commands may take.
const LIMIT: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_in_the_error_log_is_above_what_was_there() {
        let lines = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for (before, now, new) in [
            ("", "", Some("")),
            ("", "b a", Some("b a")),
            ("b a", "d c b a", Some("d c")),
            ("b a", "b a", Some("")),
            // One that comes again may take the place of the one before.
            ("b a", "c a", Some("c")),
            ("b a", "d c", None),
            ("b a", "", None),
        ] {
            let (before, now) = (lines(before), lines(now));
            assert_eq!(since(&before, &now), new.map(lines).as_deref(), "{before:?} {now:?}");
        }
    }
}
