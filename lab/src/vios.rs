//! The command line of a VIO server, as far as nimd asks it (HV §3).

mod ioslevel;
mod lsmap;
mod root;

use crate::fault::ConsoleFault;
use crate::shell::{self, After};
use crate::ssh::Output;
use crate::world::World;
use crate::world::frame::{Frame, Vios};

/// Who runs a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum As {
    /// The restricted user.
    Padmin,
    /// Root, by way of an HMC.
    Root,
}

/// Runs a command line on the VIO server `vios`.
pub(crate) fn run(world: &World, vios: &str, line: &str, by: As) -> Output {
    let found = world
        .frames
        .values()
        .find_map(|frame| frame.vioses.get_key_value(vios).map(|(name, vios)| (frame, name, vios)));
    let Some((frame, name, server)) = found else {
        return failed(&format!("no VIO server is called {vios}"), 1);
    };
    let silent = [ConsoleFault::ViosUnreadable, ConsoleFault::ViosDown];
    if silent.iter().any(|fault| server.faults.contains(fault)) {
        // HV §3.1: 4 is "did not complete"; the text is ours.
        return failed("The command did not complete.", 4);
    }
    if by == As::Root {
        return root::run(server, line);
    }
    let commands = match shell::split(line) {
        Ok(commands) => commands,
        Err(_) if line.contains(['<', '>']) => return refused(line),
        Err(text) => return failed(&format!("rksh: {text}"), 2),
    };
    let mut all = Output::default();
    for command in commands {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        // Over SSH without a profile the aliases are missing: `ioscli lsmap` (HV §3.1, inferred). Both work here.
        let words = words.strip_prefix(&["ioscli"]).unwrap_or(&words);
        let said = match (command.after, words) {
            (After::Success, _) if all.status != 0 => continue,
            // `echo "cmd" | oem_setup_env` (HV §3.1).
            (After::Output, ["oem_setup_env"]) => {
                let input = std::mem::take(&mut all.stdout);
                root::run(server, &String::from_utf8_lossy(&input))
            }
            (After::Output, [other, ..]) => {
                failed(&format!("{other}: reads no pipe in the lab"), 1)
            }
            (After::Output, []) => failed("rksh: syntax error", 2),
            (After::Any | After::Success, words) => one(frame, name, server, words),
        };
        all.stdout.extend(said.stdout);
        all.stderr.extend(said.stderr);
        all.status = said.status;
    }
    all
}

fn one(frame: &Frame, name: &str, server: &Vios, words: &[&str]) -> Output {
    match words {
        ["ioslevel"] => ioslevel::run(server),
        ["lsmap", options @ ..] => lsmap::run(frame, name, server, options),
        ["echo", rest @ ..] => said(format!("{}\n", rest.join(" "))),
        ["cd", ..] => refused("cd"),
        [path, ..] if path.contains('/') => refused(path),
        [unknown, ..] => failed(&format!("rksh: {unknown}:  not found."), 127),
        [] => Output::default(),
    }
}

/// What a restricted shell does not do (HV §3.1, inferred from AIX's ksh).
fn refused(what: &str) -> Output {
    failed(
        &format!("rksh: {what}: 0403-019 The operation is not allowed in a restricted shell."),
        1,
    )
}

fn said(text: String) -> Output {
    Output { stdout: text.into_bytes(), ..Output::default() }
}

fn failed(text: &str, status: u8) -> Output {
    Output { stdout: Vec::new(), stderr: format!("{text}\n").into_bytes(), status }
}

#[cfg(test)]
mod tests;
