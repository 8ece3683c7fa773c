//! Subsystems: stopped for the update, started again after it. Source: LU S29, §5.4.

use std::time::{Duration, Instant};

use nim_shared::aix;
use nim_shared::frame::ChangeClass;
use nim_shared::prep::{Setting, Subsystem};

use super::super::Stop;
use super::setting::{self, Error, LIMIT, Lpar};
use crate::supervisor::Supervisor;

/// Stops it, where it runs.
pub(crate) fn run(
    supervisor: &mut Supervisor,
    class: ChangeClass,
    subsystem: &Subsystem,
) -> Result<(), Stop> {
    let setting = Setting::Subsystem { subsystem: subsystem.clone() };
    setting::change(supervisor, class, setting, |before| {
        (before == ACTIVE).then(|| INOPERATIVE.to_owned())
    })
}

/// Its status; [`ABSENT`] where it is not on file.
pub(super) fn read(lpar: Lpar<'_>, subsystem: &Subsystem) -> Result<String, Error> {
    let answer = lpar.commands.run("lssrc", &["-s", subsystem.as_str()], LIMIT)?;
    let rows = aix::lssrc(&answer.text).rows;
    if let Some(row) = rows.iter().find(|row| row.name == subsystem.as_str()) {
        return Ok(row.status.clone());
    }
    if answer.text.contains(NOT_ON_FILE) {
        return Ok(ABSENT.to_owned());
    }
    let setting = Setting::Subsystem { subsystem: subsystem.clone() };
    Err(Error::Unreadable { setting, text: answer.text.trim().to_owned() })
}

/// Both commands return before it has stopped or started: it is looked at until it has.
pub(super) fn write(lpar: Lpar<'_>, subsystem: &Subsystem, wanted: &str) -> Result<(), Error> {
    let (command, opposite) = match wanted {
        ACTIVE => ("startsrc", INOPERATIVE),
        INOPERATIVE => ("stopsrc", ACTIVE),
        other => {
            let setting = Setting::Subsystem { subsystem: subsystem.clone() };
            return Err(Error::Impossible { setting, wanted: other.to_owned() });
        }
    };
    let since = Instant::now();
    let mut asked = false;
    loop {
        let now = read(lpar, subsystem)?;
        if now == wanted || now == ABSENT || since.elapsed() >= PATIENCE {
            return Ok(());
        }
        if now == opposite && !asked {
            lpar.commands.ask(command, &["-s", subsystem.as_str()], LIMIT)?;
            asked = true;
        } else {
            std::thread::sleep(PACE);
        }
    }
}

pub(super) const ACTIVE: &str = "active";
pub(super) const INOPERATIVE: &str = "inoperative";

/// Whether `state` is one of a subsystem that is on file.
pub(super) fn is_on_file(state: &str) -> bool {
    state != ABSENT
}

/// Ours, for one that is not there.
const ABSENT: &str = "not on file";

/// Source: LU §3.2.
const NOT_ON_FILE: &str = "0513-085";

/// How long a subsystem may take to stop or to start.
const PATIENCE: Duration = Duration::from_secs(120);

const PACE: Duration = Duration::from_millis(200);
