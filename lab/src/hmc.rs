//! The command line of an HMC, as far as nimd asks it.
//!
//! Grammar, literals and exit codes: HV §1.6, §2.1. Errors come on standard output with status 1.

mod lshmc;
mod lshwres;
mod lssyscfg;
mod table;
mod user;
mod viosvrcmd;

use std::collections::BTreeSet;

use crate::fault::ConsoleFault;
use crate::shell::{self, After};
use crate::ssh::Output;
use crate::world::{Frame, World};

/// Text shown to a user whose account is locked (HV §1.1).
pub(crate) fn locked(minutes: u64) -> String {
    format!("The account is locked due to 3 failed logins. ({minutes} minutes left to unlock)\n")
}

/// What a command that reads from a pipe makes of `piped`: `grep` of a plain text (HV §1.4: published one-liners use it).
fn filter(words: &[String], piped: &[u8]) -> Result<Vec<u8>, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (inverted, wanted) = match words[..] {
        ["grep", "-v", wanted] => (true, wanted),
        ["grep", wanted] if !wanted.starts_with('-') => (false, wanted),
        _ => {
            return Err(format!(
                "the lab's HMC has no {:?} that reads from a pipe",
                words.join(" ")
            ));
        }
    };
    let text = String::from_utf8_lossy(piped);
    let kept = text.lines().filter(|line| line.contains(wanted) != inverted);
    Ok(kept.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes())
}

/// Whether a command line changes the world: then the world has to be kept after it ran.
pub(crate) fn changes(line: &str) -> bool {
    let commands = shell::split(line).unwrap_or_default();
    commands.iter().any(|one| one.words.first().is_some_and(|name| user::changes(name)))
}

/// The frames that a command line which changes nothing asks about, as it names them; `None` where that may be any.
pub(crate) fn frames_asked(line: &str) -> Option<BTreeSet<String>> {
    let commands = shell::split(line).ok()?;
    let asking = commands.iter().map(|one| one.words.as_slice()).filter(|words| {
        words
            .first()
            .is_some_and(|name| ["lssyscfg", "lshwres", "viosvrcmd"].contains(&name.as_str()))
    });
    asking
        .map(|words| Some(words.get(words.iter().position(|word| word == "-m")? + 1)?.clone()))
        .collect()
}

/// Runs a command line as `user`.
pub(crate) fn run(world: &mut World, hmc: &str, user: &str, line: &str) -> Output {
    let commands = match shell::split(line) {
        Ok(commands) => commands,
        Err(text) => {
            return Output {
                stderr: format!("bash: {text}\n").into_bytes(),
                status: 2,
                stdout: Vec::new(),
            };
        }
    };
    let garbles =
        world.hmcs.get(hmc).is_some_and(|hmc| hmc.faults.contains(&ConsoleFault::FeedGarbage));
    let mut all = Output::default();
    // Where the output of the last command begins.
    let mut last = 0;
    for command in commands {
        match command.after {
            After::Success if all.status != 0 => continue,
            After::Output => {
                let piped = all.stdout.split_off(last);
                match filter(&command.words, &piped) {
                    Ok(kept) => {
                        all.status = u8::from(kept.is_empty());
                        all.stdout.extend(kept);
                    }
                    Err(text) => {
                        all.stderr.extend(format!("bash: {text}\n").into_bytes());
                        all.status = 127;
                    }
                }
                continue;
            }
            After::Any | After::Success => last = all.stdout.len(),
        }
        let is_list = command.words.first().is_some_and(|name| name.starts_with("ls"));
        match one(world, hmc, user, &command.words) {
            Ok(text) => {
                let text = if is_list && garbles { garbage(&text) } else { text.into_bytes() };
                all.stdout.extend(text);
                all.status = 0;
            }
            Err(Failure::Command(text)) => {
                all.stdout.extend(format!("{text}\n").into_bytes());
                all.status = 1;
            }
            Err(Failure::Shell(text)) => {
                all.stderr.extend(format!("bash: {text}\n").into_bytes());
                all.status = 127;
            }
        }
    }
    all
}

/// Why a command did not succeed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The command says why on standard output; status 1.
    Command(String),
    /// The shell says why on standard error.
    Shell(String),
}

fn one(world: &mut World, hmc: &str, by: &str, words: &[String]) -> Result<String, Failure> {
    let faults = world.hmcs.get(hmc).map(|hmc| &hmc.faults);
    if faults.is_some_and(|faults| faults.contains(&ConsoleFault::HmcRole)) {
        return Err(not_allowed());
    }
    let (name, arguments) = words.split_first().map_or(("", &[][..]), |(n, a)| (n.as_str(), a));
    match name {
        "lshmc" => lshmc::run(world, hmc, arguments),
        "lssyscfg" => lssyscfg::run(world, hmc, arguments),
        "lshwres" => lshwres::run(world, hmc, arguments),
        "lshmcusr" => user::list(world, hmc, arguments),
        // No site of the lab has an Enterprise Pool.
        "lscodpool" => Ok("No results were found.\n".to_owned()),
        "viosvrcmd" => viosvrcmd::run(world, hmc, arguments),
        name if user::changes(name) => user::change(world, hmc, by, name, arguments),
        "true" => Ok(String::new()),
        "echo" => Ok(format!("{}\n", arguments.join(" "))),
        "cd" => Err(Failure::Shell("cd: restricted".to_owned())),
        path if path.contains('/') => {
            Err(Failure::Shell(format!("{path}: restricted: cannot specify `/' in command names")))
        }
        unknown => Err(Failure::Shell(format!("{unknown}: command not found"))),
    }
}

/// Frames this HMC manages.
fn frames<'a>(world: &'a World, hmc: &'a str) -> impl Iterator<Item = (&'a String, &'a Frame)> {
    world.frames.iter().filter(move |(_, frame)| frame.hmcs.iter().any(|name| name == hmc))
}

/// The frame that `-m` names, by its name or by type, model and serial.
fn frame_named<'a>(
    world: &'a World,
    hmc: &'a str,
    wanted: Option<&str>,
) -> Result<&'a Frame, Failure> {
    let wanted = wanted.ok_or_else(|| missing("-m"))?;
    frames(world, hmc)
        .find(|(name, frame)| *name == wanted || frame.mtms() == wanted)
        .map(|(_, frame)| frame)
        .ok_or_else(|| {
            Failure::Command(format!(
                "HSCL7002 The managed system named {wanted} was not found.  Please check your entry and retry the command."
            ))
        })
}

/// A list that breaks off: inside quotes, after an escape and bytes that are no UTF-8.
fn garbage(text: &str) -> Vec<u8> {
    let kept = text.chars().count() / 2;
    let kept: String = text.chars().take(kept).collect();
    [kept.as_bytes(), b"\x1b[2J\xff\xfe,\""].concat()
}

/// Text for a user whose role is too small (HV §1.6).
fn not_allowed() -> Failure {
    Failure::Command("HSCL350B The user does not have the appropriate authority.".to_owned())
}

/// Text for a missing option (HV §1.6).
fn missing(option: &str) -> Failure {
    Failure::Command(format!(
        "The command entered is either missing a required parameter or a parameter value is invalid. \
         The parameters that are missing or have an invalid value are {option}. \
         Please check your entry and retry the command."
    ))
}

#[cfg(test)]
mod tests;
