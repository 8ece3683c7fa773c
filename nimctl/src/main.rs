//! `nimctl`: the command line of the Live Update orchestrator. It speaks with `nimd`'s API and with nothing else.

mod cli;
mod client;
mod command;
mod error;
mod exit;
mod interrupt;
mod listener;
mod nim;
mod operation;
mod output;
mod pair;
mod terminal;
mod watch;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Color, Format};
use crate::client::{Address, Client, VARIABLE};
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Printer;

fn main() -> ExitCode {
    let line: Vec<_> = std::env::args_os().collect();
    let exit = match nim::command_line(&line).unwrap_or_else(|| Cli::try_parse_from(&line)) {
        Ok(cli) => run(&cli),
        Err(said) => usage(&said, &line),
    };
    ExitCode::from(exit.code())
}

fn run(cli: &Cli) -> Exit {
    let printer = Printer::new(cli.output, cli.color);
    let server = match cli.server.clone().map_or_else(Address::of_environment, Ok) {
        Ok(server) => server,
        Err(bad) => {
            let what = format!("{VARIABLE} in the environment: {bad}");
            let hint = Some(format!("unset {VARIABLE}, or say --server ADDRESS"));
            return ended(printer, Err(Error::Usage { what, faults: Vec::new(), hint }));
        }
    };
    // One thread: a command waits for one socket, and a process that starts none ends sooner.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => {
            let context = Context { client: Client::new(server.clone()), printer };
            runtime.block_on(command::run(&cli.command, &context))
        }
        Err(cause) => Err(Error::NoServer { at: server.socket.clone(), cause }),
    };
    ended(printer, done)
}

/// How it ended; a failure is reported.
fn ended(printer: Printer, done: Result<Exit, Error>) -> Exit {
    match done {
        Ok(exit) => exit,
        Err(Error::PipeClosed) => Exit::Done,
        Err(error) => {
            printer.failure(&error.failure());
            error.exit()
        }
    }
}

/// What clap has to say: help and version are data, the rest is wrong usage.
fn usage(said: &clap::Error, line: &[OsString]) -> Exit {
    let printer = Printer::new(Format::among(line), Color::Auto);
    let text = said.render();
    if said.use_stderr() && !printer.format().is_for_people() {
        let error = Error::usage(&text.to_string());
        printer.failure(&error.failure());
        return error.exit();
    }
    if said.use_stderr() {
        let colored = io::stderr().is_terminal() && printer.style_of_stderr().color;
        printer.on_stderr(&if colored { text.ansi().to_string() } else { text.to_string() });
        return Exit::Usage;
    }
    ended(printer, printer.raw(text.to_string().as_bytes()).map(|()| Exit::Done))
}
