//! Disks of earlier runs are released: the definition of a copy of rootvg is dropped with `alt_rootvg_op -X`, never with `exportvg`, which
//! would delete live stanzas of /etc/filesystems.
//!
//! Each disk is looked at right before: it has to be what is on record, needed by nothing, and not in the boot list. What has no volume
//! group needs nothing done: it is released by being on record as such. Source: LU §4.4a (D12, D13), §5.3, §6.2.

use nim_shared::disks::{self, Live, Said, SeenDisk, Standing};
use nim_shared::frame::{ChangeClass, Effect};
use nim_shared::operation::Outcome;

use super::Stop;
use super::prep::copy_name::PROGRAM;
use crate::operation::Verdict;
use crate::supervisor::Supervisor;
use crate::text::chain;

/// What stands against it now: all of it.
pub(crate) fn faults(supervisor: &Supervisor) -> Vec<String> {
    let asked = &supervisor.request.release;
    if asked.is_empty() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    if asked.iter().any(|one| one.disk.volume_group.is_some())
        && supervisor.root.command(PROGRAM).is_none()
    {
        faults.push(format!("there is no {PROGRAM}: bos.alt_disk_install.rte is not installed"));
    }
    faults.extend(unfit(supervisor, &asked.iter().collect::<Vec<_>>()).err().unwrap_or_default());
    faults
}

/// Releases them, one volume group after the other.
pub(crate) fn run(supervisor: &mut Supervisor) -> Result<Verdict, Stop> {
    let asked = supervisor.request.release.clone();
    let mut groups: Vec<&str> = Vec::new();
    for group in asked.iter().filter_map(|one| one.disk.volume_group.as_deref()) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    for group in groups {
        let of: Vec<&Standing> =
            asked.iter().filter(|one| one.disk.volume_group.as_deref() == Some(group)).collect();
        drop_copy(supervisor, group, &of)?;
    }
    let bare: Vec<&Standing> = asked.iter().filter(|one| one.disk.volume_group.is_none()).collect();
    if !bare.is_empty() {
        unfit(supervisor, &bare).map_err(|faults| Stop::failed(faults.join("; ")))?;
    }
    let names: Vec<String> = asked.iter().map(|one| one.disk.name.to_string()).collect();
    let outcome = Outcome::Succeeded { follow_up: vec![] };
    let are = if names.len() == 1 { "is" } else { "are" };
    Ok(Verdict::of(outcome, format!("{} {are} released", names.join(", "))))
}

/// Drops the definition of `group`, which is on the disks of `of`.
fn drop_copy(supervisor: &mut Supervisor, group: &str, of: &[&Standing]) -> Result<(), Stop> {
    supervisor.change(
        ChangeClass::Permanent,
        |supervisor| {
            let now = unfit(supervisor, of).map_err(|faults| Stop::failed(faults.join("; ")))?;
            let disks = now.into_iter().map(|disk| disk.name).collect();
            Ok(Some(Effect::CopyDropped { name: group.to_owned(), disks }))
        },
        |supervisor, _| {
            let failed = |why: String| Stop::failed(format!("{group} was not dropped: {why}"));
            let in_it = |supervisor: &Supervisor| {
                let now = super::disks::seen(&supervisor.commands).map_err(failed)?;
                let mut all = now.into_iter();
                Ok::<_, Stop>(all.any(|disk| disk.volume_group.as_deref() == Some(group)))
            };
            // A predecessor may have been here.
            if !in_it(supervisor)? {
                return Ok(());
            }
            unfit(supervisor, of).map_err(|faults| failed(faults.join("; ")))?;
            let asked = supervisor.commands.ask(PROGRAM, &["-X", group], LIMIT);
            asked.map_err(|error| failed(chain(&error)))?;
            if in_it(supervisor)? {
                return Err(failed(format!("lspv still shows it after {PROGRAM} -X {group}")));
            }
            Ok(())
        },
    )
}

/// The disks of `wanted` as they are now, or everything that stands against releasing them.
fn unfit(supervisor: &Supervisor, wanted: &[&Standing]) -> Result<Vec<SeenDisk>, Vec<String>> {
    let now = super::disks::seen(&supervisor.commands).map_err(|why| vec![why])?;
    let boots = super::backup::bootlist(&supervisor.commands).map_err(|stop| match stop {
        Stop::Decided(verdict) => vec![verdict.summary],
        Stop::Broken(error) => vec![chain(&error)],
    })?;
    let boot = supervisor.facts.boot();
    // Where the error log cannot be read it is not known whether a Live Update came in between.
    let log = supervisor.facts.error_log().map_err(|error| vec![chain(&error)])?;
    let newest = log.first().map(String::as_str);
    let live =
        Live { booted_at: boot.booted_at.as_deref(), disks: &now, last_update: Some(newest) };
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for one in wanted {
        // A person was asked: what ends by that has ended.
        match disks::releasable(one, &live, Said::GivenUp) {
            Err(why) => faults.push(format!("{}: {why}", one.disk.name)),
            Ok(free) if boots.iter().any(|name| *name == free.now.name.as_str()) => {
                faults.push(format!(
                    "{} is in the boot list: `bootlist -m normal` sets another one",
                    free.now.name
                ));
            }
            Ok(free) => found.push(free.now.clone()),
        }
    }
    // The command drops the whole volume group.
    for disk in &now {
        let group = wanted.iter().filter_map(|one| one.disk.volume_group.as_ref());
        let is_in =
            disk.volume_group.as_ref().filter(|in_it| group.clone().any(|one| one == *in_it));
        if let Some(group) = is_in
            && !wanted.iter().any(|one| one.disk.is_one_of(disk.pvid.as_ref(), disk.udid.as_ref()))
        {
            faults.push(format!("{group} is on {} too, which is not to be released", disk.name));
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

const LIMIT: std::time::Duration = std::time::Duration::from_secs(300);
