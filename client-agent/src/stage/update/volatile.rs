//! What may have changed since `pre` looked, asked once more immediately before the workload is to be moved.
//!
//! Only what speaks against the move counts; what nobody can tell is noted. Nothing stays open in /proc: one process that has a file open
//! there keeps the whole LPAR from being frozen, and the agent's own must not be it. Source: LU §4.4 S26 and S28, §4.3 D04, §4.2 M01.

use std::time::Duration;

use nim_shared::aix;
use nim_shared::frame::{MasterStep, StepAnswer};

use super::super::{Stop, pre, step};
use crate::alive;
use crate::command;
use crate::facts;
use crate::pty;
use crate::supervisor::Supervisor;
use crate::text::chain;

/// What stands against a move at this moment; empty where nothing does.
pub(super) fn faults(supervisor: &mut Supervisor) -> Result<Vec<String>, Stop> {
    let mut found = Found::default();
    found.faults.extend(pre::alone(supervisor));
    token(supervisor, &mut found);
    paths(supervisor, &mut found);
    open_files(supervisor, &mut found);
    if supervisor.request.is_split() {
        capacity(supervisor, &mut found)?;
    }
    for text in found.unknown {
        supervisor.note(format!("not known before the move: {text}"))?;
    }
    Ok(found.faults)
}

/// The code of the knowledge base for an update that was not begun because of them.
pub(super) const CODE: &str = "NLU-0159";

#[derive(Default)]
struct Found {
    faults: Vec<String>,
    unknown: Vec<String>,
}

/// Whether the frame still has room: installing takes long enough for somebody else to take what was free at `ready`. The HMC shows it to
/// the master alone.
fn capacity(supervisor: &mut Supervisor, found: &mut Found) -> Result<(), Stop> {
    // A cancel is heeded right after, where it is known what is installed by now.
    match step::ask(supervisor, MasterStep::Capacity, LIMIT, |_| Ok(()))? {
        Some(StepAnswer::GoOn) => {}
        Some(StepAnswer::Against { text }) => found.faults.push(text),
        Some(StepAnswer::Unknown { text }) => found.unknown.push(text),
        None => {
            let text =
                format!("whether the frame has room: no master said within {} s", LIMIT.as_secs());
            found.unknown.push(text);
        }
    }
    Ok(())
}

/// Whether the console's token is there.
fn token(supervisor: &Supervisor, found: &mut Found) {
    let Some(console) = &supervisor.request.console else { return };
    match pty::tokens(&supervisor.commands) {
        Ok(tokens) if pty::has_token(&tokens, console) => {}
        Ok(_) => found
            .faults
            .push(format!("hmcauth -l shows no token of {} at {}", console.user, console.address)),
        Err(error) => found.unknown.push(chain(&error)),
    }
}

/// Whether disks have lost paths since they were looked at: half of them go to the surrogate.
fn paths(supervisor: &Supervisor, found: &mut Found) {
    let before = supervisor.progress.before.as_ref().map(|before| before.paths.as_slice());
    let Some(before) = before.filter(|before| !before.is_empty()) else { return };
    match supervisor.commands.ask("lspath", &[], LIMIT) {
        Ok(text) => {
            let now = aix::path_counts(&aix::lspath(&text).rows);
            let lost = facts::lost_paths(before, &now).into_iter();
            found.faults.extend(lost.map(|text| format!("paths: {text}")));
        }
        Err(error) => found.unknown.push(chain(&error)),
    }
}

/// Whether a process has a file in /proc open.
fn open_files(supervisor: &Supervisor, found: &mut Found) {
    let answer = match supervisor.commands.run("fuser", &["-c", "/proc"], LIMIT) {
        Ok(answer) => answer,
        Err(error @ command::Error::Missing { .. }) => {
            return found.unknown.push(format!("who has files in /proc open: {}", chain(&error)));
        }
        Err(error) => return found.unknown.push(chain(&error)),
    };
    let users = aix::fuser(&answer.text);
    // With nobody there it says nothing, and with which status is not known.
    if users.rows.is_empty() && (answer.status > 1 || !users.unread.is_empty()) {
        let text = nim_shared::id::printable(answer.text.trim());
        found.unknown.push(format!("fuser -c /proc ended with {}: {text}", answer.status));
    }
    if users.rows.is_empty() {
        return;
    }
    let running = alive::processes(&supervisor.commands).unwrap_or_default();
    let name = |pid: &u64| {
        let one = running.iter().find(|(found, _)| u64::from(*found) == *pid);
        let name = one.map(|(_, arguments)| alive::program(arguments));
        name.map_or_else(|| pid.to_string(), |name| format!("{name} ({pid})"))
    };
    let names: Vec<_> = users.rows.iter().take(MOST_NAMES).map(name).collect();
    let more = match users.rows.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    found.faults.push(format!(
        "files in /proc are open, which keeps the LPAR from being frozen (1020-311): {}{more}",
        names.join(", ")
    ));
}

/// Time that any one of these commands may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Most processes that are named.
const MOST_NAMES: usize = 10;
