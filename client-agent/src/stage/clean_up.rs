//! A clean-up after a Live Update that could not do so itself: what is looked at before, what `clvupdate` is told, what it said last.
//!
//! The logs of the Live Update are kept first: who knows what it does to them. Its questions are not answered: its standard input is
//! empty, and it has no terminal. What it prints is kept like any output, so a question is there to be read. Source: LU §5.1.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::SystemTime;

use nim_shared::request::{Kind, Request};

use super::{Stop, logs};
use crate::alive;
use crate::disk;
use crate::operation::Verdict;
use crate::supervisor::Supervisor;

/// Looks whether it can be run, and keeps the logs.
pub(crate) fn prepare(supervisor: &mut Supervisor) -> Result<(), Stop> {
    if supervisor.request.kind != Kind::CleanUp {
        return Ok(());
    }
    let program = Kind::CleanUp.program();
    if supervisor.root.command(program).is_none() {
        return Err(Stop::failed(format!(
            "there is no {program}: bos.liveupdate.rte is not installed"
        )));
    }
    if let Some(process) = alive::installer(&supervisor.commands) {
        return Err(Stop::failed(format!(
            "nothing is cleaned up while this runs on the LPAR: {process}"
        )));
    }
    // Of whichever run they are: the one that failed may have been another's.
    let failed = logs::all(supervisor, SystemTime::UNIX_EPOCH)?;
    if failed.is_empty() {
        return Ok(());
    }
    Err(Stop::failed(format!(
        "nothing was cleaned up, because not all logs could be kept: {}",
        failed.join("; ")
    )))
}

/// Arguments of `clvupdate`.
pub(crate) fn arguments(request: &Request) -> Vec<String> {
    request.clean_up.iter().map(|flag| format!("-{flag}")).collect()
}

/// Adds to a verdict what the program said last, where it did not come to its end: that may be a question, which is for a person.
pub(crate) fn last_words(supervisor: &Supervisor, verdict: &mut Verdict) -> Result<(), Stop> {
    let path = supervisor.operation.output();
    let file = disk::doing("open", &path, File::open(&path))?;
    let size = disk::doing("look at", &path, file.metadata())?.len();
    let begin = size.saturating_sub(TAIL).max(supervisor.progress.output_before);
    let mut tail = vec![0; usize::try_from(size.saturating_sub(begin)).unwrap_or_default()];
    disk::doing("read", &path, file.read_exact_at(&mut tail, begin))?;
    let text = String::from_utf8_lossy(&tail);
    let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    if let Some(last) = last {
        let shown: String = nim_shared::id::printable(last).chars().take(LONGEST).collect();
        verdict.summary = format!("{}; it said last: {shown}", verdict.summary);
    }
    verdict.codes.push(CODE.to_owned());
    Ok(())
}

/// Code of the knowledge base in `shared`: a person is needed.
const CODE: &str = "NLU-0179";

/// How much of the end of the output is looked at, in bytes.
const TAIL: u64 = 4096;

/// Most characters of the last line.
const LONGEST: usize = 300;
