//! Workload Manager: stopped, and off in inittab, which the surrogate reads. Source: LU S22, §4.5 pitfall 2.

use nim_shared::frame::ChangeClass;
use nim_shared::prep::Setting;

use super::super::Stop;
use super::setting::{self, Error, LIMIT, Lpar};
use crate::supervisor::Supervisor;

/// Switches the entry off first: so nothing starts it again.
pub(super) fn run(supervisor: &mut Supervisor, class: ChangeClass) -> Result<(), Stop> {
    setting::change(supervisor, class, Setting::WorkloadManagerEntry, entry_off)?;
    setting::change(supervisor, class, Setting::WorkloadManager, wanted)
}

/// What it has to become.
pub(super) fn wanted(before: &str) -> Option<String> {
    matches!(before, ACTIVE | PASSIVE).then(|| STOPPED.to_owned())
}

/// The entry with its action off; `None` where it is off, or is none.
pub(super) fn entry_off(before: &str) -> Option<String> {
    let mut fields: Vec<&str> = before.splitn(4, ':').collect();
    match fields[..] {
        [ENTRY, _, action, _] if action != OFF && !before.contains(char::is_control) => {
            fields[2] = OFF;
            Some(fields.join(":"))
        }
        _ => None,
    }
}

/// Source: LU §5.4, and AIX's description of `wlmcntrl`: it is started in active or in passive mode, which the status of `-q` tells
/// (inferred). In a mode that is not known it could not be started again as it was.
pub(super) fn read(lpar: Lpar<'_>) -> Result<String, Error> {
    let answer = lpar.commands.run("wlmcntrl", &["-q"], LIMIT)?;
    Ok(match answer.status {
        0 => ACTIVE,
        1 => STOPPED,
        2 => PASSIVE,
        other => {
            let text = format!("wlmcntrl -q ended with {other}: {}", answer.text.trim());
            return Err(Error::Unreadable { setting: Setting::WorkloadManager, text });
        }
    }
    .to_owned())
}

pub(super) fn write(lpar: Lpar<'_>, wanted: &str) -> Result<(), Error> {
    let flag = match wanted {
        ACTIVE => "-a",
        PASSIVE => "-p",
        STOPPED => "-o",
        other => {
            let (setting, wanted) = (Setting::WorkloadManager, other.to_owned());
            return Err(Error::Impossible { setting, wanted });
        }
    };
    lpar.commands.ask("wlmcntrl", &[flag], LIMIT)?;
    Ok(())
}

/// The line; empty where there is none. Source: LU §5.4 (inferred): status 1 without output.
pub(super) fn read_entry(lpar: Lpar<'_>) -> Result<String, Error> {
    let answer = lpar.commands.run("lsitab", &[ENTRY], LIMIT)?;
    let line = answer.text.lines().next().unwrap_or_default().trim_end();
    match answer.status {
        0 if line.split(':').next() == Some(ENTRY) => Ok(line.to_owned()),
        1 if answer.text.trim().is_empty() => Ok(String::new()),
        status => {
            let text = format!("lsitab ended with {status}: {}", answer.text.trim());
            Err(Error::Unreadable { setting: Setting::WorkloadManagerEntry, text })
        }
    }
}

pub(super) fn write_entry(lpar: Lpar<'_>, wanted: &str) -> Result<(), Error> {
    lpar.commands.ask("chitab", &[wanted], LIMIT)?;
    Ok(())
}

const ACTIVE: &str = "active";
const PASSIVE: &str = "passive";
const STOPPED: &str = "stopped";

/// Identifier of the entry.
const ENTRY: &str = "rcnetwlm";

const OFF: &str = "off";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_alone_is_switched_off() {
        let entry =
            "rcnetwlm:23456789:wait:/etc/rc.netwlm start> /dev/console 2>&1 # Start: netwlm";
        let off = "rcnetwlm:23456789:off:/etc/rc.netwlm start> /dev/console 2>&1 # Start: netwlm";
        assert_eq!(entry_off(entry).as_deref(), Some(off));
        for same in [off, "", "rcnetwlm", "other:2:wait:/bin/true", "rcnetwlm:2:wait:a\nb:2:wait:c"]
        {
            assert_eq!(entry_off(same), None, "{same}");
        }
    }
}
