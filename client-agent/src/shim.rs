//! `run`: the process around geninstall, or around a script. It starts it once, waits, and writes down how it ended. It does nothing
//! else, so that it has no reason to fail while the workload is moved.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, ExitCode};
use std::time::Duration;

use nim_shared::id::OperationId;
use nim_shared::request::Request;

use crate::command::{self, Commands};
use crate::crash;
use crate::disk;
use crate::operation::Operation;
use crate::root::Root;
use crate::run::{Run, Step};
use crate::slot::{Durability, Slot};
use crate::stage::prep::unsupported;
use crate::stage::update::split;
use crate::stage::{backup, script, update};
use crate::state::State;
use crate::system;
use crate::text::chain;

/// Why a program was not run.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Disk(#[from] disk::Error),
    #[error(transparent)]
    Command(#[from] command::Error),
}

/// Runs the program of `step` for `id`, unless it was started before.
pub(crate) fn run(root: &Root, id: OperationId, step: Step) -> ExitCode {
    match start(root, id, step) {
        Ok(Some(running)) => running.wait(),
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            crate::tell(&format!("nim-agent: {step:?} of operation {id}: {}", chain(&error)));
            ExitCode::FAILURE
        }
    }
}

/// A program on its way, with everything that its end needs open already.
struct Running {
    child: Child,
    /// How long it may take; geninstall as long as it wants.
    limit: Option<Duration>,
    run: Slot<Run>,
    _lock: File,
}

fn start(root: &Root, id: OperationId, step: Step) -> Result<Option<Running>, Error> {
    let operation = State::open(root)?.operation(id);
    let path = operation.shim();
    let lock = disk::doing("open", &path, disk::private().open(&path))?;
    // Another shim has it: it starts the program, or has.
    if !disk::doing("lock", &path, system::try_lock(&lock))? {
        return Ok(None);
    }
    let run = operation.run(step)?;
    if run.get()? != Some(Run::Asked) {
        return Ok(None);
    }
    let request = operation.request()?;
    let output = open_output(&match step {
        Step::Backup | Step::Removal => operation.backup_output(),
        Step::Software | Step::Part(_) | Step::Script(_) => operation.output(),
    })?;
    // From here on nobody starts it again, whatever happens.
    run.set(&Run::Starting, Durability::Synced)?;
    crash::point("shim.starting");
    match spawn(root, &operation, &request, step, output) {
        Ok(child) => {
            crash::point("shim.spawned");
            run.set(&Run::Started { pid: child.id() }, Durability::Synced)?;
            crash::point("shim.started");
            let limit = match step {
                // What changes software is never ended.
                Step::Software | Step::Removal | Step::Part(_) => None,
                Step::Backup => Some(request.limits.stage.duration()),
                Step::Script(number) => Some(script::limit(&request, number)),
            };
            Ok(Some(Running { child, limit, run, _lock: lock }))
        }
        Err(error) => {
            run.set(&Run::NotStarted, Durability::Synced)?;
            Err(error)
        }
    }
}

fn spawn(
    root: &Root,
    operation: &Operation,
    request: &Request,
    step: Step,
    output: File,
) -> Result<Child, Error> {
    let commands = Commands::new(root.clone());
    match step {
        Step::Software => {
            let arguments = update::arguments(operation, root, request)?;
            Ok(commands.installer(request.kind.program(), &arguments, output)?)
        }
        Step::Part(part) => {
            let (program, arguments) = split::program(operation, root, request, part)?;
            Ok(commands.installer(program, &arguments, output)?)
        }
        Step::Script(number) => {
            let input = script::open_input(operation, request, number)?;
            Ok(commands.script(&script::file(operation, number), input, output)?)
        }
        Step::Removal => {
            let arguments = unsupported::arguments(operation)?;
            Ok(commands.installer(unsupported::PROGRAM, &arguments, output)?)
        }
        Step::Backup => {
            let arguments = backup::arguments(request.backup.as_ref());
            Ok(commands.installer(backup::PROGRAM, &arguments, output)?)
        }
    }
}

fn open_output(path: &Path) -> Result<File, disk::Error> {
    disk::doing(
        "open",
        path,
        OpenOptions::new().append(true).custom_flags(system::NO_FOLLOW).open(path),
    )
}

impl Running {
    fn wait(mut self) -> ExitCode {
        let waited = match self.limit {
            None => self.child.wait().map(Some),
            Some(limit) => command::wait(&mut self.child, limit),
        };
        let end = match waited {
            Ok(Some(status)) => Run::Exited { status: status.code() },
            Ok(None) => Run::TooLong,
            Err(error) => {
                crate::tell(&format!("nim-agent: cannot wait for a program: {error}"));
                return ExitCode::FAILURE;
            }
        };
        crash::point("shim.waited");
        match self.run.set(&end, Durability::Synced) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                crate::tell(&format!("nim-agent: {}", chain(&error)));
                ExitCode::FAILURE
            }
        }
    }
}
