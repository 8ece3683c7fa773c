//! Subsystems that are started anew after an update, as the site's policy has it: those that run on libraries that were replaced, one after
//! the other.
//!
//! Each is a change like those of prep, stopped and put back: its intent is stored by the master before, so that it is started again
//! whoever dies in between. A master that hears that sshd is back logs in anew before it hears how the operation ended.

use std::time::Duration;

use nim_shared::aix;
use nim_shared::frame::ChangeClass;
use nim_shared::prep::Subsystem;

use super::Stop;
use super::prep::services;
use crate::supervisor::{Error, Supervisor};
use crate::text::chain;

/// Those of the order that run on libraries that were replaced. What is not known is noted, and left as it is.
pub(crate) fn due(supervisor: &mut Supervisor) -> Result<Vec<Subsystem>, Error> {
    let mut wanted = supervisor.request.restart.clone();
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let asked = |command, arguments: &[&str]| supervisor.commands.ask(command, arguments, LIMIT);
    let found = asked("genld", &["-u"]).and_then(|old| Ok((old, asked("lssrc", &["-a"])?)));
    let (old, running) = match found {
        Ok((old, running)) => (aix::genld(&old).rows, aix::lssrc(&running).rows),
        Err(error) => {
            supervisor.note(format!("nothing is started anew: {}", chain(&error)))?;
            return Ok(Vec::new());
        }
    };
    let is_old = |pid: u64| old.iter().any(|process| process.pid == pid);
    wanted.retain(|subsystem| {
        // What others stand on is left alone here too, whatever was ordered.
        subsystem.never_anew().is_none()
            && running
                .iter()
                .filter(|one| one.name == subsystem.as_str() && one.is_active())
                .any(|one| one.pid.is_some_and(is_old))
    });
    Ok(wanted)
}

/// Stops `subsystem`, to be put back at once. Where it cannot be stopped it is left as it is.
pub(crate) fn stop(supervisor: &mut Supervisor, subsystem: &Subsystem) -> Result<(), Error> {
    supervisor.count_behind_all();
    match services::run(supervisor, ChangeClass::Always, subsystem) {
        Ok(()) => Ok(()),
        Err(Stop::Decided(verdict)) => {
            supervisor.note(format!("{subsystem} was not started anew: {}", verdict.summary))
        }
        Err(Stop::Broken(error)) => Err(error),
    }
}

/// Time that any one of these commands may take.
const LIMIT: Duration = Duration::from_secs(120);
