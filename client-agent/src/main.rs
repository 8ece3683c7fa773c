//! `nim-agent`: the part of the system that runs on an AIX LPAR.
//!
//! One small binary without a daemon, a port or a configuration. sshd starts it for the master (`gate`, which admits `serve` and
//! `receive`); `serve` starts one detached `supervise` for each operation, which owns it until its end. Everything that must
//! survive is in `/var/adm/nim-agent`. Threads block; there is no async runtime.

use std::io::Write;
use std::process::ExitCode;

use nim_shared::VERSION;
use nim_shared::id::OperationId;

mod alive;
mod command;
mod crash;
mod disk;
mod facts;
mod gate;
mod images;
mod journal;
mod line;
mod operation;
mod policy;
mod progress;
mod pty;
mod receive;
mod root;
mod run;
mod serve;
mod shim;
mod slot;
mod stage;
mod state;
mod supervisor;
mod system;
mod text;
mod ticker;
mod undo;
mod verify;

use command::Commands;
use root::Root;
use run::Step;

fn main() -> ExitCode {
    let root = Root::from_environment();
    system::set_umask();
    facts::adopt_time_zone(&root);
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["gate"] => gate::run(&root),
        ["serve"] => serve::run(&root),
        ["receive"] => receive::run(&root),
        ["supervise", id] => with_operation(id, |id| supervisor::run(&root, id)),
        ["run", id, ref step @ ..] if let Some(step) = Step::read(step) => {
            with_operation(id, |id| shim::run(&root, id, step))
        }
        ["detach", ref program @ ..] if matches!(program, ["supervise" | "run", _, ..]) => {
            match Commands::new(root).leave_behind(program) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    tell(&format!("nim-agent: cannot start {}: {error}", program.join(" ")));
                    ExitCode::FAILURE
                }
            }
        }
        ["version" | "--version" | "-V"] => say(&format!("nim-agent {VERSION}")),
        _ => {
            tell(USAGE);
            ExitCode::from(2)
        }
    }
}

fn with_operation(id: &str, then: impl FnOnce(OperationId) -> ExitCode) -> ExitCode {
    match id.parse() {
        Ok(id) => then(id),
        Err(error) => {
            tell(&format!(
                "nim-agent: \"{}\" is no operation: {error}",
                nim_shared::id::printable(id)
            ));
            ExitCode::from(2)
        }
    }
}

/// Writes a line for a person on standard error. Nobody may be listening, and nothing depends on it.
fn tell(text: &str) {
    writeln!(std::io::stderr(), "{text}").unwrap_or_default();
}

fn say(text: &str) -> ExitCode {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

const USAGE: &str = "\
usage: nim-agent gate       what sshd runs for the master's key: admits serve and receive
       nim-agent serve      frames on standard input and output
       nim-agent receive    files on standard input
       nim-agent supervise ID   owns one operation; started by serve
       nim-agent run ID         runs geninstall for one operation; started by supervise
       nim-agent version";
