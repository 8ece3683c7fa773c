//! Rules between keys.

use std::os::unix::ffi::OsStrExt as _;

use nim_shared::hook::MOST_HOOKS_AT;

use super::Configuration;
use super::file::{Error, Sheet};
use super::table::Settings;
use super::value::Value as _;

/// Notes what is wrong with keys that are right each for itself.
pub(super) fn rules(settings: &Settings, sheet: &mut Sheet) {
    let mut refuse = |keys: [&str; 2], message: String| {
        // The fault is shown where something was written, also when that is the other key.
        let key = keys.into_iter().find(|key| sheet.line(key).is_some()).unwrap_or(keys[0]);
        sheet.refuse(sheet.line(key), key, message);
    };

    let limits = &settings.limits;
    for (key, limit) in
        [("limits.per_frame", limits.per_frame.0), ("limits.per_hmc", limits.per_hmc.0)]
    {
        if limit > limits.global.0 {
            refuse(
                [key, "limits.global"],
                format!(
                    "{key} ({limit}) is more than limits.global ({}) lets run",
                    limits.global.0
                ),
            );
        }
    }

    let lease = &settings.lease;
    let live = lease.length.duration().saturating_sub(lease.margin.duration());
    if live < lease.length.duration() * 3 / 5 {
        refuse(
            ["lease.margin", "lease.length"],
            format!(
                "lease.margin ({}) must be at most two fifths of lease.length ({}), or one lost heartbeat stops a master",
                lease.margin.show(),
                lease.length.show()
            ),
        );
    }

    if settings.agent.push_rate.bytes() < 1 << 20 {
        refuse(
            ["agent.push_rate", "agent.push_rate"],
            format!("agent.push_rate ({}) must be at least 1 MiB", settings.agent.push_rate.show()),
        );
    }

    // The agent ends by itself and says why; a master that gives up before it makes a person look for nothing.
    let (agent, master) = (&settings.agent, &settings.deadlines);
    for (own, limit, theirs, patience) in [
        ("agent.stage", agent.stage, "deadlines.stage", master.stage),
        ("agent.post", agent.post, "deadlines.post", master.post),
    ] {
        if limit >= patience {
            refuse(
                [own, theirs],
                format!(
                    "{own} ({}) must be shorter than {theirs} ({})",
                    limit.show(),
                    patience.show()
                ),
            );
        }
    }
    hooks(settings, &mut refuse);
    if settings.notify.mail.as_ref().is_some_and(|path| path.is_relative()) {
        refuse(["notify.mail"; 2], "notify.mail takes the whole path of a program".to_owned());
    }
}

/// Whether the hooks of one point, each as long as it may be, end before the master gives up.
fn hooks(settings: &Settings, refuse: &mut impl FnMut([&str; 2], String)) {
    let (agent, master) = (&settings.agent, &settings.deadlines);
    let most = u32::try_from(MOST_HOOKS_AT).unwrap_or(u32::MAX);
    for (key, patience) in [("deadlines.stage", master.stage), ("deadlines.post", master.post)] {
        if agent.hook.duration().saturating_mul(most) >= patience.duration() {
            refuse(
                ["agent.hook", key],
                format!(
                    "{most} times agent.hook ({}) must be shorter than {key} ({})",
                    agent.hook.show(),
                    patience.show()
                ),
            );
        }
    }
}

/// What depends on where the data folder is.
pub(super) fn paths(configuration: &Configuration) -> Result<(), Error> {
    let path = configuration.socket();
    // Source: unix(7): sun_path has 108 bytes, the last of them zero.
    match path.as_os_str().as_bytes().len() {
        0..=107 => Ok(()),
        found => Err(Error::SocketPath { path, found }),
    }
}
