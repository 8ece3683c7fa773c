//! `installp -c`, `-r`, `-u` and `-C`, with `-p` for a look: updates are committed or rejected, filesets removed, an interrupted installation
//! cleaned up (LU §5.2: `all` and a table at the end). The sentences where nothing can be done are not known: the lab's own.

use std::io::Write;

use super::{Context, Options};
use crate::fault::Fault;
use crate::world::lpar::Software;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "eV");
    let actions: Vec<char> = "cruC".chars().filter(|action| options.has(*action)).collect();
    let [action] = actions[..] else {
        writeln!(out, "installp: the lab knows exactly one of -c, -r, -u and -C")?;
        return Ok(1);
    };
    let lpar = context.lpar()?;
    let mut software = lpar.software.clone();
    let chosen = match choose(&software, action, &options.words) {
        Ok(chosen) => chosen,
        Err(text) => {
            writeln!(out, "installp: {text}")?;
            return Ok(1);
        }
    };
    if action == 'u' && lpar.has(Fault::FilesetRequired) {
        // Whether a look refuses too is as the seed has it.
        if !options.has('p') || lpar.variation.look_refuses_removal {
            writeln!(out, "installp: other software requires what is to be removed.")?;
            summary(&chosen, action, "FAILED", out)?;
            return Ok(1);
        }
    }
    if options.has('p') {
        for (name, level) in &chosen {
            writeln!(out, "  {name} {level}    # {}", event(action))?;
        }
        writeln!(out, "RESULTS\n-------\n  {} filesets would be processed.", chosen.len())?;
        return Ok(0);
    }
    if lpar.has(Fault::InstallFails) {
        writeln!(out, "installp: it failed.")?;
        summary(&chosen, action, "FAILED", out)?;
        return Ok(1);
    }
    for (name, _) in &chosen {
        change(&mut software, action, name);
    }
    context.change(|lpar| {
        lpar.software = software;
        Ok(())
    })?;
    if chosen.is_empty() {
        writeln!(out, "installp: there is nothing to {}.", event(action).to_lowercase())?;
        return Ok(0);
    }
    summary(&chosen, action, "SUCCESS", out)?;
    Ok(0)
}

/// The filesets that are meant, with their levels; or why none are.
fn choose(
    software: &Software,
    action: char,
    words: &[String],
) -> Result<Vec<(String, String)>, String> {
    let level = |name: &String| software.filesets.get(name).cloned().unwrap_or_default();
    match (action, words) {
        ('C', []) => Ok(Vec::new()),
        ('C', [word, ..]) => Err(format!("{word} is not wanted with -C")),
        (_, []) => Err("no fileset is named".to_owned()),
        ('c', [all]) if all.eq_ignore_ascii_case("all") => {
            let applied = software.applied.filesets.keys();
            Ok(applied.map(|name| (name.clone(), level(name))).collect())
        }
        ('c' | 'r', names) => names
            .iter()
            .map(|name| match software.applied.filesets.contains_key(name) {
                true => Ok((name.clone(), level(name))),
                false => Err(format!("{name} has no update that is applied and not committed")),
            })
            .collect(),
        (_, names) => names
            .iter()
            .map(|name| match software.filesets.contains_key(name) {
                true => Ok((name.clone(), level(name))),
                false => Err(format!("{name} is not installed")),
            })
            .collect(),
    }
}

fn change(software: &mut Software, action: char, name: &str) {
    let before = software.applied.filesets.remove(name);
    match (action, before) {
        ('r', Some(before)) => {
            software.filesets.insert(name.to_owned(), before);
            // A service pack without one of its filesets is none.
            if let Some(level) = software.applied.level.clone() {
                software.level = level;
            }
        }
        ('u', _) => drop(software.filesets.remove(name)),
        _ => {}
    }
    if software.applied.filesets.is_empty() {
        software.applied.level = None;
    }
}

fn event(action: char) -> &'static str {
    match action {
        'c' => "COMMIT",
        'r' => "REJECT",
        'u' => "DEINSTALL",
        _ => "CLEANUP",
    }
}

fn summary(
    chosen: &[(String, String)],
    action: char,
    result: &str,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    writeln!(out, "\nInstallation Summary\n--------------------")?;
    writeln!(out, "{:<28}{:<16}{:<12}{:<12}Result", "Name", "Level", "Part", "Event")?;
    writeln!(out, "{}", "-".repeat(79))?;
    for (name, level) in chosen {
        writeln!(out, "{name:<28}{level:<16}{:<12}{:<12}{result}", "USR", event(action))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::lpar::Applied;

    #[test]
    fn what_is_applied_can_be_rejected_or_committed_and_then_no_more() {
        let filesets = [("bos.mp64", "7.3.3.1"), ("bos.rte", "7.3.3.1")];
        let before = [("bos.mp64", "7.3.3.0"), ("bos.rte", "7.3.3.0")];
        let map = |pairs: [(&str, &str); 2]| {
            pairs.map(|(name, level)| (name.to_owned(), level.to_owned())).into()
        };
        let applied = Applied { level: Some("7300-03-00-2446".to_owned()), filesets: map(before) };
        let mut software = Software {
            level: "7300-03-01-2520".to_owned(),
            filesets: map(filesets),
            ifixes: Vec::new(),
            fixes: std::collections::BTreeSet::new(),
            applied,
        };
        let words =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(choose(&software, 'r', &words(&["bos.net"])).is_err());
        assert_eq!(choose(&software, 'c', &words(&["ALL"])).map(|all| all.len()), Ok(2));
        change(&mut software, 'r', "bos.mp64");
        assert_eq!(software.filesets["bos.mp64"], "7.3.3.0");
        assert_eq!(software.level, "7300-03-00-2446");
        change(&mut software, 'c', "bos.rte");
        assert!(choose(&software, 'r', &words(&["bos.rte"])).is_err());
        assert_eq!(software.applied, Applied::default());
        change(&mut software, 'u', "bos.rte");
        assert!(!software.filesets.contains_key("bos.rte"));
    }
}
