//! The command line of a VIO server, as far as nimd asks it (HV §3).

mod ioslevel;
mod lsmap;

use crate::shell;
use crate::ssh::Output;
use crate::world::World;
use crate::world::frame::{Frame, Vios};

/// Runs a command line as `padmin`.
pub(crate) fn run(world: &World, vios: &str, line: &str) -> Output {
    let found = world
        .frames
        .values()
        .find_map(|frame| frame.vioses.get_key_value(vios).map(|(name, vios)| (frame, name, vios)));
    let Some((frame, name, server)) = found else {
        return failed(&format!("no VIO server is called {vios}"), 1);
    };
    let commands = match shell::split(line) {
        Ok(commands) => commands,
        Err(text) => return failed(&format!("rksh: {text}"), 2),
    };
    let mut all = Output::default();
    for command in commands {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        // Over SSH without a profile the aliases are missing: `ioscli lsmap` (HV §3.1, inferred). Both work here.
        let words = words.strip_prefix(&["ioscli"]).unwrap_or(&words);
        let said = one(frame, name, server, words);
        all.stdout.extend(said.stdout);
        all.stderr.extend(said.stderr);
        all.status = said.status;
    }
    all
}

fn one(frame: &Frame, name: &str, server: &Vios, words: &[&str]) -> Output {
    match words {
        ["ioslevel", ..] => ioslevel::run(server),
        ["lsmap", options @ ..] => lsmap::run(frame, name, server, options),
        [path, ..] if path.contains('/') => failed(
            &format!("rksh: {path}: 0403-019 The operation is not allowed in a restricted shell."),
            1,
        ),
        [unknown, ..] => failed(&format!("rksh: {unknown}:  not found."), 127),
        [] => Output::default(),
    }
}

fn failed(text: &str, status: u8) -> Output {
    Output { stdout: Vec::new(), stderr: format!("{text}\n").into_bytes(), status }
}
