//! Filesets that no Live Update goes with, where the policy names them and they are installed: removed, for good. Source: LU S06, S07, §4.4a.
//!
//! What installp prints when it looks, removes or refuses is not known in detail. Its exit status decides whether the step goes on, and what
//! `lslpp` lists afterwards whether they are gone. It is not told to take dependents along (`-g`): nobody named those. All of them are looked
//! at by one `installp -p` before the first one goes, so that a refusal leaves everything as it was.

use nim_shared::aix;
use nim_shared::frame::{ChangeClass, Effect};
use nim_shared::prep::{RemovedFileset, Unsupported, listed};

use super::super::{Stop, once};
use super::setting::LIMIT;
use crate::command::Commands;
use crate::disk;
use crate::operation::Operation;
use crate::run::{Run, Step};
use crate::supervisor::Supervisor;
use crate::text::chain;

/// Removes those of `filesets` that are installed.
pub(super) fn run(
    supervisor: &mut Supervisor,
    class: ChangeClass,
    filesets: &[Unsupported],
) -> Result<(), Stop> {
    supervisor.change(
        class,
        |supervisor| {
            let names: Vec<&str> = filesets.iter().map(|one| one.name()).collect();
            let filesets = installed(&supervisor.commands, &names).map_err(failed)?;
            Ok((!filesets.is_empty()).then_some(Effect::FilesetsRemoved { filesets }))
        },
        |supervisor, effect| {
            let Effect::FilesetsRemoved { filesets } = effect else { return Ok(()) };
            remove(supervisor, filesets)
        },
    )
}

/// Removes them, or finds what came of it, and looks whether they are gone.
fn remove(supervisor: &mut Supervisor, filesets: &[RemovedFileset]) -> Result<(), Stop> {
    if !once::is_asked(supervisor, Step::Removal)? {
        let there = those(&supervisor.commands, filesets).map_err(failed)?;
        if there.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = there.into_iter().map(|one| one.name).collect();
        let mut looks = vec!["-upw"];
        looks.extend(names.iter().map(String::as_str));
        supervisor.commands.ask(PROGRAM, &looks, LIMIT).map_err(|error| {
            let text = format!("{PROGRAM} would not remove {}: ", names.join(" and "));
            failed(text + &chain(&error))
        })?;
        supervisor.operation.keep_removed(&names)?;
    }
    let end = once::follow(supervisor, Step::Removal)?;
    let left = those(&supervisor.commands, filesets).map_err(failed)?;
    if left.is_empty() && end == (Run::Exited { status: Some(0) }) {
        return Ok(());
    }
    let mut text = once::told(&format!("{PROGRAM} -uw {}", name_all(filesets)), end);
    text += &once::last_lines(supervisor)?;
    if !left.is_empty() {
        text += &format!("; still installed: {}", listed(&left));
    }
    Err(failed(text))
}

/// Arguments of the program, for those that were chosen.
pub(crate) fn arguments(operation: &Operation) -> Result<Vec<String>, disk::Error> {
    let mut arguments = vec!["-uw".to_owned()];
    arguments.extend(operation.removed()?);
    Ok(arguments)
}

/// What the operation has removed for good, as it is now, and what brings it back; `None` where that is nothing.
pub(crate) fn lost(supervisor: &Supervisor) -> Option<String> {
    let changes = supervisor.progress.changes.values();
    let filesets = changes.filter_map(|change| match &change.effect {
        Effect::FilesetsRemoved { filesets } => Some(filesets.as_slice()),
        _ => None,
    });
    let filesets: Vec<RemovedFileset> = filesets.flatten().cloned().collect();
    if filesets.is_empty() {
        return None;
    }
    let left = match those(&supervisor.commands, &filesets) {
        Ok(left) => left,
        Err(why) => {
            let text = format!("whether {} is still installed is not known: ", listed(&filesets));
            return Some(text + &why);
        }
    };
    let is_left = |one: &RemovedFileset| left.iter().any(|left| left.name == one.name);
    let gone: Vec<RemovedFileset> = filesets.into_iter().filter(|one| !is_left(one)).collect();
    (!gone.is_empty()).then(|| {
        format!(
            "removed for good: {}; from media `installp -acgXd MEDIA {}` installs it again, which stands against the next Live Update",
            listed(&gone),
            name_all(&gone)
        )
    })
}

fn name_all(filesets: &[RemovedFileset]) -> String {
    filesets.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// Those of `filesets` that are installed, at whatever level.
fn those(commands: &Commands, filesets: &[RemovedFileset]) -> Result<Vec<RemovedFileset>, String> {
    installed(commands, &filesets.iter().map(|one| one.name.as_str()).collect::<Vec<_>>())
}

/// Those of `names` that are installed, with their levels; or why that is not known.
fn installed(commands: &Commands, names: &[&str]) -> Result<Vec<RemovedFileset>, String> {
    let text = commands.ask("lslpp", &["-Lqc", "all"], LIMIT).map_err(|error| chain(&error))?;
    among(&text, names)
}

/// Nothing counts as absent by a list that could not be read.
fn among(text: &str, names: &[&str]) -> Result<Vec<RemovedFileset>, String> {
    let read = aix::lslpp_q(text);
    let unread = read.unread.iter().find(|line| names.iter().any(|name| line.text.contains(name)));
    if let Some(line) = unread {
        return Err(format!("lslpp says \"{}\"", line.text));
    }
    if read.rows.is_empty() || read.omitted > 0 {
        return Err("lslpp does not list what is installed".to_owned());
    }
    let mut found: Vec<RemovedFileset> = Vec::new();
    for row in read.rows.into_iter().filter(|row| names.contains(&&*row.name)) {
        // A fileset with parts in /usr and / may be listed twice.
        if !found.iter().any(|one| one.name == row.name) {
            found.push(row.into());
        }
    }
    Ok(found)
}

fn failed(why: impl Into<String>) -> Stop {
    Stop::failed(format!("the LPAR could not be made ready: {}", why.into()))
}

/// What removes filesets.
pub(crate) const PROGRAM: &str = "installp";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_is_only_what_a_list_that_was_read_does_not_have() {
        let row = |name: &str| format!("{name}:{name}:7.2.5.0: : :C: :Text: : : : : :\n");
        let base = row("bos.rte");
        let twice = format!("{base}{0}{0}", row("cas.agent"));
        for (text, found) in [
            (base.clone(), Ok(String::new())),
            (twice, Ok("cas.agent 7.2.5.0".to_owned())),
            (base.clone() + &row("cas.agent.more"), Ok(String::new())),
            (base + "cas.agent 7.2.5.0\n", Err("lslpp says \"cas.agent 7.2.5.0\"".to_owned())),
            (String::new(), Err("lslpp does not list what is installed".to_owned())),
        ] {
            assert_eq!(among(&text, &["cas.agent"]).map(|found| listed(&found)), found, "{text}");
        }
    }
}
