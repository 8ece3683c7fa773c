//! `run`: the process around geninstall. It starts it once, waits, and writes down how it ended. It does nothing else, so that it has
//! no reason to fail while the workload is moved.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, ExitCode};

use nim_shared::id::OperationId;

use crate::command::{self, Commands};
use crate::crash;
use crate::disk;
use crate::operation::{Operation, Run};
use crate::root::Root;
use crate::slot::{Durability, Slot};
use crate::stage::update;
use crate::state::State;
use crate::system;
use crate::text::chain;

/// Why geninstall was not run.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Disk(#[from] disk::Error),
    #[error(transparent)]
    Command(#[from] command::Error),
}

/// Runs geninstall for `id`, unless it was started before.
pub(crate) fn run(root: &Root, id: OperationId) -> ExitCode {
    match start(root, id) {
        Ok(Some(running)) => running.wait(),
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            crate::tell(&format!("nim-agent: geninstall of operation {id}: {}", chain(&error)));
            ExitCode::FAILURE
        }
    }
}

/// Geninstall on its way, with everything that its end needs open already.
struct Running {
    child: Child,
    run: Slot<Run>,
    _lock: File,
}

fn start(root: &Root, id: OperationId) -> Result<Option<Running>, Error> {
    let operation = State::open(root)?.operation(id);
    let path = operation.shim();
    let lock = disk::doing("open", &path, disk::private().open(&path))?;
    // Another shim has it: it starts geninstall, or has.
    if !disk::doing("lock", &path, system::try_lock(&lock))? {
        return Ok(None);
    }
    let run = operation.run()?;
    if run.get()? != Some(Run::Asked) {
        return Ok(None);
    }
    let request = operation.request()?;
    let output = open_output(&operation)?;
    // From here on nobody starts it again, whatever happens.
    run.set(&Run::Starting, Durability::Synced)?;
    crash::point("shim.starting");
    match Commands::new(root.clone())
        .geninstall(&update::arguments(&operation, root, &request), output)
    {
        Ok(child) => {
            crash::point("shim.spawned");
            run.set(&Run::Started { pid: child.id() }, Durability::Synced)?;
            crash::point("shim.started");
            Ok(Some(Running { child, run, _lock: lock }))
        }
        Err(error) => {
            run.set(&Run::NotStarted, Durability::Synced)?;
            Err(error.into())
        }
    }
}

fn open_output(operation: &Operation) -> Result<File, disk::Error> {
    let path = operation.output();
    disk::doing(
        "open",
        &path,
        OpenOptions::new().append(true).custom_flags(system::NO_FOLLOW).open(&path),
    )
}

impl Running {
    fn wait(mut self) -> ExitCode {
        let status = match self.child.wait() {
            Ok(status) => status.code(),
            Err(error) => {
                crate::tell(&format!("nim-agent: cannot wait for geninstall: {error}"));
                return ExitCode::FAILURE;
            }
        };
        crash::point("shim.waited");
        match self.run.set(&Run::Exited { status }, Durability::Synced) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                crate::tell(&format!("nim-agent: {}", chain(&error)));
                ExitCode::FAILURE
            }
        }
    }
}
