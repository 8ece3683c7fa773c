//! Interim fixes that lock filesets of this update and that installp will not remove itself: removed, for good. Source: LU S01, §4.4a.
//!
//! installp removes a fix by itself where the update holds each APAR that the fix was made for. Source: IBM's "Understanding interim fix
//! integration with installp update images"; what a fix was made for shows `emgr -l -L LABEL -v 3`.

use std::collections::BTreeSet;

use nim_shared::aix;
use nim_shared::frame::{ChangeClass, Effect};

use super::super::{Stop, content};
use super::setting::LIMIT;
use crate::command::{self, Commands};
use crate::supervisor::Supervisor;
use crate::text::chain;

/// Removes them. Never for an order of interim fixes alone: they lock nothing that it updates.
pub(super) fn run(supervisor: &mut Supervisor, class: ChangeClass) -> Result<(), Stop> {
    supervisor.change(
        class,
        |supervisor| {
            let labels = in_the_way(supervisor)?;
            Ok((!labels.is_empty()).then_some(Effect::InterimFixes { labels }))
        },
        |supervisor, effect| {
            let Effect::InterimFixes { labels } = effect else { return Ok(()) };
            labels
                .iter()
                .try_for_each(|label| remove(&supervisor.commands, label))
                .map_err(|error| failed(&error))
        },
    )
}

/// Labels of those that have to go.
fn in_the_way(supervisor: &mut Supervisor) -> Result<Vec<String>, Stop> {
    if !supervisor.request.install.updates() {
        return Ok(Vec::new());
    }
    let Some(update) = content::update(supervisor)? else {
        supervisor.note("not known: which filesets are updated; no interim fix is removed")?;
        return Ok(Vec::new());
    };
    let locks = supervisor.commands.ask("emgr", &["-P"], LIMIT);
    let locks = aix::emgr_p(&locks.map_err(|error| failed(&error))?).rows;
    let locking = locks.into_iter().filter(|lock| update.filesets.contains(&lock.fileset));
    let locking: BTreeSet<String> = locking.map(|lock| lock.label).collect();
    let mut labels = Vec::new();
    for label in locking {
        let text = supervisor.commands.ask("emgr", &["-l", "-L", &label, "-v", "3"], LIMIT);
        let text = text.map_err(|error| failed(&error))?;
        let made_for: Vec<&str> = apars(&text).collect();
        if !made_for.is_empty() && made_for.iter().all(|apar| update.fixes.contains(*apar)) {
            supervisor.note(format!("{label} stays: installp removes it with the update"))?;
        } else {
            labels.push(label);
        }
    }
    Ok(labels)
}

/// `APAR number: IJ50424`.
fn apars(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| Some(line.trim().strip_prefix("APAR number:")?.trim()))
}

/// Removes one, without a reboot, and looks whether it is gone.
fn remove(commands: &Commands, label: &str) -> Result<(), command::Error> {
    if !is_there(commands, label)? {
        return Ok(());
    }
    let said = commands.ask("emgr", &["-r", "-L", label], REMOVAL_LIMIT)?;
    if is_there(commands, label)? {
        let text = format!("{label} is still there: {}", nim_shared::id::printable(said.trim()));
        return Err(command::Error::Failed { command: "emgr".to_owned(), status: 0, text });
    }
    Ok(())
}

fn is_there(commands: &Commands, label: &str) -> Result<bool, command::Error> {
    let text = commands.ask("emgr", &["-l"], LIMIT)?;
    Ok(aix::emgr_l(&text).rows.iter().any(|fix| fix.label == label))
}

fn failed(error: &command::Error) -> Stop {
    Stop::failed(format!("the LPAR could not be made ready: {}", chain(error)))
}

/// A fix may have files in the boot image.
const REMOVAL_LIMIT: std::time::Duration = std::time::Duration::from_secs(1800);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_fix_was_made_for_is_listed_or_is_not() {
        let text =
            "APAR information:\n=================\nAPAR number: IJ50424\nAPAR abstract: sendmail\n";
        assert_eq!(apars(text).collect::<Vec<_>>(), ["IJ50424"]);
        assert_eq!(apars("No APAR numbers listed.\n").count(), 0);
    }
}
