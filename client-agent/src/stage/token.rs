//! The token for the management console: fetched when there is none or it runs out too early; one that was not there is given back in the
//! end.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Instant;

use nim_shared::frame::{ChangeClass, Effect, SecretText};
use nim_shared::request::{Console, Limits};
use nim_shared::unit::Seconds;

use super::Stop;
use crate::disk;
use crate::pty::{self, Held};
use crate::serve::{SECRET_LIMIT, SecretAnswer};
use crate::slot::Durability;
use crate::supervisor::{CONTROL_PACE, Supervisor};
use crate::system;
use crate::text::chain;

/// Sees that there is a token for the console of the order that outlives the run. One that is there and does not is replaced, and stays in the
/// end as it was there before.
pub(crate) fn fetch(supervisor: &mut Supervisor) -> Result<(), Stop> {
    let Some(console) = supervisor.request.console.clone() else { return Ok(()) };
    let needed = whole_run(&supervisor.request.limits);
    let held = |supervisor: &Supervisor| {
        let tokens =
            pty::tokens(&supervisor.commands).map_err(|error| Stop::failed(chain(&error)))?;
        Ok::<_, Stop>(pty::held(&tokens, &console, needed))
    };
    supervisor.change(
        ChangeClass::Always,
        |supervisor| {
            let present_before = match held(supervisor)? {
                Held::Enough => return Ok(None),
                Held::Short(_) => true,
                Held::Nothing => false,
            };
            let (address, user) = (console.address.clone(), console.user.clone());
            Ok(Some(Effect::ConsoleToken { address, user, present_before }))
        },
        |supervisor, _| {
            if held(supervisor)? == Held::Enough {
                return Ok(());
            }
            let secret = ask(supervisor, &console)?;
            pty::fetch(&supervisor.commands, &console, &secret)
                .map_err(|error| refused(&error))?;
            if let Held::Short(life) = held(supervisor)? {
                let (life, needed) = (life.0 / 60, needed.0 / 60);
                supervisor.note(format!(
                    "the token of {} at {} was just fetched and runs out in {life} minutes; the limits of this operation come to {needed}",
                    console.user, console.address
                ))?;
            }
            Ok(())
        },
    )
}

/// Until when the token may be needed: what follows may make a backup, wait to be let on, and then run up to its limit. Immediately before
/// geninstall nothing is left to be renewed then.
fn whole_run(limits: &Limits) -> Seconds {
    let Limits { stage, proceed, update, .. } = *limits;
    Seconds(stage.0.saturating_add(proceed.0).saturating_add(update.0))
}

fn refused(error: &pty::Error) -> Stop {
    let text = chain(error);
    let mut codes: Vec<String> = nim_shared::code::scan(&text).map(|found| found.code).collect();
    if codes.is_empty() && matches!(error, pty::Error::Refused { .. }) {
        codes.push(NO_WORD.to_owned());
    }
    failed(&text, codes)
}

fn failed(text: &str, codes: Vec<String>) -> Stop {
    let mut stop = Stop::failed(text);
    if let Stop::Decided(verdict) = &mut stop {
        verdict.codes = codes;
    }
    stop
}

/// The code of the knowledge base for a login that failed without a code of the HMC's own.
const NO_WORD: &str = "NLU-0256";

/// The same for a secret that the master does not give.
const NO_SECRET: &str = "NLU-0257";

/// Asks the master for the console's password. It arrives through a named pipe that is there only while it is waited for.
fn ask(supervisor: &mut Supervisor, console: &Console) -> Result<SecretText, Stop> {
    let path = supervisor.operation.secret();
    let pipe = open_pipe(&supervisor.operation.file("secret.new"), &path)?;
    let wanted = supervisor.operation.secrets_wanted()?;
    let before = wanted.get()?.unwrap_or_default();
    wanted.set(&(before + 1), Durability::Loose)?;
    let answered = wait(supervisor, console, &pipe);
    disk::remove_file(&path)?;
    answered
}

/// Makes the pipe `path` under the name `new`, so that it never stands there without somebody who reads it.
fn open_pipe(new: &Path, path: &Path) -> Result<File, disk::Error> {
    disk::remove_file(new)?;
    disk::doing("make the pipe", new, system::make_fifo(new))?;
    // Open for writing too: so it does not end between two who answer.
    let opened = disk::private().custom_flags(system::NO_WAIT | system::NO_FOLLOW).open(new);
    let pipe = disk::doing("open", new, opened)?;
    disk::doing("rename to", path, fs::rename(new, path))?;
    Ok(pipe)
}

fn wait(
    supervisor: &mut Supervisor,
    console: &Console,
    mut pipe: &File,
) -> Result<SecretText, Stop> {
    let limit = supervisor.request.limits.answer.duration();
    let since = Instant::now();
    let mut text = Vec::new();
    let mut part = [0; SECRET_LIMIT];
    loop {
        match pipe.read(&mut part) {
            Ok(count) => text.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => {
                let path = supervisor.operation.secret();
                disk::doing::<()>("read", &path, Err(error))?;
            }
        }
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            if let Ok(SecretAnswer { name, value }) = serde_json::from_slice(&line)
                && name == console.secret
            {
                let missing = || {
                    let text =
                        format!("the master has no secret called {name}, or may not use it now");
                    failed(&text, vec![NO_SECRET.to_owned()])
                };
                return value.ok_or_else(missing);
            }
        }
        supervisor.check_cancel()?;
        if since.elapsed() >= limit || text.len() > 16 * SECRET_LIMIT {
            let text = format!(
                "no answer to need_secret {} within {} seconds",
                console.secret,
                limit.as_secs()
            );
            return Err(Stop::failed(text));
        }
        supervisor.pause(CONTROL_PACE)?;
    }
}
