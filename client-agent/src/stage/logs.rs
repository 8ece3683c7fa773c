//! Logs of Live Update and of the installation, kept with an operation that did not go well: for whoever looks at it later the LPAR's
//! own may be rotated, or the LPAR gone.
//!
//! Each is the part that tells: from somewhat before the first line with ERROR, or else the end, with a mark for what is left out. It goes
//! behind what the programs wrote, with a record of where, and so to the master like any output: at least once, resumed, and within the same
//! limit. Nothing is read while geninstall or a Live Update may be there. Sources: LU §2.8, §7.3.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::time::SystemTime;

use nim_shared::code::{Knowledge, Retry};
use nim_shared::frame::{KeptLog, Known};
use nim_shared::operation::{FollowUp, Message, Outcome, Report, StuckReason};

use crate::alive;
use crate::disk;
use crate::progress::{LONGEST_LINE, Progress};
use crate::run::Run;
use crate::supervisor::{Error, Supervisor};
use crate::system;
use crate::text::chain;

mod excerpt;

/// Keeps the logs of what came to `software`, and names them in the report. That one cannot be read is noted, and changes nothing.
pub(crate) fn keep(
    supervisor: &mut Supervisor,
    software: &Outcome,
    mut report: Report,
) -> Result<Report, Error> {
    if is_wanted(software) && is_over(supervisor)? {
        let begun = std::fs::metadata(supervisor.operation.file(super::update::BASELINE))
            .and_then(|file| file.modified());
        // Without it what a file says may be of an earlier run.
        if let Ok(begun) = begun {
            for text in all(supervisor, begun)? {
                supervisor.note(text)?;
            }
        }
    }
    let Progress { logs, codes, messages, .. } = &supervisor.progress;
    report.logs = logs.iter().map(|log| log.name.clone()).collect();
    let new: Vec<_> = codes.iter().filter(|code| !report.codes.contains(code)).cloned().collect();
    report.codes.extend(new);
    report.messages.clone_from(messages);
    Ok(report)
}

/// Keeps all logs that were written since `begun`; what is to be said of those that could not be kept.
pub(crate) fn all(supervisor: &mut Supervisor, begun: SystemTime) -> Result<Vec<String>, Error> {
    let mut failed = Vec::new();
    for (name, path) in LOGS {
        match one(supervisor, name, path, begun) {
            Ok(None) => {}
            Ok(Some(text)) => failed.push(text),
            Err(Error::Disk(error)) => failed.push(format!("{name}: {}", chain(&error))),
            Err(error) => return Err(error),
        }
    }
    Ok(failed)
}

/// Whether a person will want to see them.
fn is_wanted(software: &Outcome) -> bool {
    match software {
        Outcome::Failed { .. } => true,
        Outcome::Stuck { reason } => *reason != StuckReason::DeadlinePassed,
        Outcome::Succeeded { follow_up } => follow_up.contains(&FollowUp::PostProcessing),
        Outcome::Unchanged | Outcome::Cancelled => false,
    }
}

/// Whether the program ran and has ended, so that no workload is being moved.
fn is_over(supervisor: &Supervisor) -> Result<bool, Error> {
    let over = match supervisor.slots.run.get()? {
        Some(Run::Exited { .. }) => true,
        Some(Run::Asked | Run::Starting | Run::Started { .. } | Run::TooLong) => {
            !alive::live_update_lock(&supervisor.root).is_there()
        }
        Some(Run::NotStarted) => false,
        // Of an update in parts, one before the move has failed.
        None => supervisor.has_begun()?,
    };
    Ok(over && !alive::run(&supervisor.operation, &supervisor.commands)?.is_there())
}

/// Keeps one log, unless it is kept or has nothing of this run. What is to be said where there is no room for it.
fn one(
    supervisor: &mut Supervisor,
    name: &str,
    path: &str,
    begun: SystemTime,
) -> Result<Option<String>, Error> {
    let known = supervisor.progress.logs.iter().find(|log| log.name == name).cloned();
    let Some((text, size)) = read(supervisor, path, begun)? else { return Ok(None) };
    let mut output = open(supervisor)?;
    let here = supervisor.operation.output();
    let end = disk::doing("look at", &here, output.seek(SeekFrom::End(0)))?;
    let missing = match known {
        // What a predecessor that was killed has not added.
        Some(log)
            if log.bytes == text.len() as u64
                && (log.output..log.output + log.bytes).contains(&end) =>
        {
            usize::try_from(end - log.output).unwrap_or(usize::MAX)
        }
        Some(_) => return Ok(None),
        None => {
            let limit = supervisor.request.limits.output.0.saturating_mul(1 << 20);
            if end.saturating_add(text.len() as u64) > limit {
                return Ok(Some(format!("{name} is not kept: the output is at its limit")));
            }
            let log = KeptLog {
                name: name.to_owned(),
                path: path.to_owned(),
                size,
                output: end,
                bytes: text.len() as u64,
                messages: messages(&text),
            };
            supervisor.record_detail(Known::Log(log))?;
            if !supervisor.progress.logs.iter().any(|log| log.name == name) {
                return Ok(Some(format!(
                    "{name} is not kept: the journal has no room for details"
                )));
            }
            0
        }
    };
    crate::crash::point("logs.recorded");
    disk::doing("write", &here, output.write_all(&text[missing..]))?;
    crate::crash::point("logs.added");
    Ok(None)
}

/// What is kept of a file, and the size of the file; `None` where it is not there or nothing was written to it in this run.
fn read(
    supervisor: &Supervisor,
    path: &str,
    begun: SystemTime,
) -> Result<Option<(Vec<u8>, u64)>, Error> {
    let path = supervisor.root.at(path);
    let opened =
        OpenOptions::new().read(true).custom_flags(system::NO_FOLLOW | system::NO_WAIT).open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Ok(disk::doing("open", &path, Err(error))?),
    };
    let about = disk::doing("look at", &path, file.metadata())?;
    let written = disk::doing("look at", &path, about.modified())?;
    if !about.is_file() || about.len() == 0 || written < begun {
        return Ok(None);
    }
    let (size, begin) = (about.len(), about.len().saturating_sub(WINDOW));
    let mut window = vec![0; usize::try_from(size - begin).unwrap_or_default()];
    disk::doing("read", &path, file.read_exact_at(&mut window, begin))?;
    Ok(Some((excerpt::of(&window, begin), size)))
}

fn open(supervisor: &Supervisor) -> Result<File, disk::Error> {
    let path = supervisor.operation.output();
    let options = OpenOptions::new().append(true).custom_flags(system::NO_FOLLOW).open(&path);
    disk::doing("open", &path, options)
}

/// What a log says that a person should know of.
fn messages(text: &[u8]) -> Vec<Message> {
    let matched = Knowledge::default().matched(&String::from_utf8_lossy(text));
    let message = |code: &str, line: &str| Message {
        code: code.to_owned(),
        text: line.chars().take(LONGEST_LINE).collect(),
    };
    let known = matched.messages.iter().filter(|hit| hit.meaning.retry != Retry::NotNeeded);
    let known = known.map(|hit| message(&hit.meaning.code, &hit.line));
    // Other numbers of that form stand in logs too.
    let unknown = matched.unknown.iter().filter(|one| one.line.contains("ERROR"));
    known.chain(unknown.map(|one| message(&one.code, &one.line))).take(MOST_MESSAGES).collect()
}

/// What is looked for, with the names by which it is asked for. Source: LU §2.8.
const LOGS: [(&str, &str); 6] = [
    ("lvupdlog", "/var/adm/ras/liveupdate/logs/lvupdlog"),
    ("olhmclog", "/var/adm/ras/liveupdate/logs/olhmclog"),
    ("oplhmclog", "/var/adm/ras/liveupdate/logs/oplhmclog"),
    ("emgr.log", "/var/adm/ras/emgr.log"),
    ("install_all_updates.log", "/var/adm/ras/install_all_updates.log"),
    ("config.diff", "/var/adm/ras/config.diff"),
];

/// How much of the end of a file is looked at, in bytes.
const WINDOW: u64 = 1 << 20;

/// Most messages of one log.
const MOST_MESSAGES: usize = 16;
