//! Places at which a test ends or stops `nimd`: before and after each action of the engine takes effect. Compiled out unless the
//! feature `crash-points` is on, which no release has.

use nim_shared::id::ObjectName;

use crate::engine::operation::Action;

/// Right before `action` takes effect for an operation on `lpar`, past everything that is looked at first.
pub(crate) fn before(action: Action, lpar: &ObjectName) {
    point("before", action, lpar);
}

/// Right after `action` took effect for an operation on `lpar`, before anything else is done about it.
pub(crate) fn after(action: Action, lpar: &ObjectName) {
    point("after", action, lpar);
}

#[cfg(not(feature = "crash-points"))]
const fn point(_: &str, _: Action, _: &ObjectName) {}

#[cfg(feature = "crash-points")]
use enabled::point;

#[cfg(feature = "crash-points")]
mod enabled {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{Action, ObjectName};

    /// Names the place as `kill before SendStart lpar07` or `stop after Reserve lpar07`.
    const WHERE: &str = "NIMD_CRASH_POINT";

    /// File to which the place is added when it is reached.
    const LOG: &str = "NIMD_CRASH_LOG";

    /// A place strikes once: who was stopped goes on.
    static STRUCK: AtomicBool = AtomicBool::new(false);

    pub(super) fn point(side: &str, action: Action, lpar: &ObjectName) {
        let Ok(wanted) = std::env::var(WHERE) else { return };
        let here = format!("{side} {action:?} {lpar}");
        let signal = match wanted.split_once(' ') {
            Some(("kill", place)) if place == here => libc::SIGKILL,
            Some(("stop", place)) if place == here => libc::SIGSTOP,
            _ => return,
        };
        if STRUCK.swap(true, Ordering::SeqCst) {
            return;
        }
        let log = std::env::var_os(LOG).expect("whoever names a place names a log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
        let noted = file.and_then(|mut file| writeln!(file, "{here}"));
        noted.expect("a test can read where nimd was struck");
        strike(signal);
    }

    #[expect(unsafe_code, reason = "raise(3): the signal has to be there before this returns")]
    fn strike(signal: libc::c_int) {
        // SAFETY: no memory is touched.
        let done = unsafe { libc::raise(signal) };
        assert_eq!(done, 0, "a process may signal itself");
    }
}
