//! Places at which a test ends or stops `nimd`: before and after each action of the engine, and each effect of what drives rollouts, takes
//! effect. Compiled out unless the feature `crash-points` is on, which no release has.

use std::fmt::Debug;

use nim_shared::id::ObjectName;

use crate::api::RolloutEffect;
use crate::engine::operation::Action;

/// What has a place before it and one after it.
pub(crate) trait Struck: Copy + Debug {}

/// Of an operation on an LPAR.
impl Struck for Action {}

/// Of a rollout.
impl Struck for RolloutEffect {}

/// Right before `what` takes effect for `whom`, past everything that is looked at first.
pub(crate) fn before(what: impl Struck, whom: &ObjectName) {
    point("before", what, whom);
}

/// Right after `what` took effect for `whom`, before anything else is done about it.
pub(crate) fn after(what: impl Struck, whom: &ObjectName) {
    point("after", what, whom);
}

#[cfg(not(feature = "crash-points"))]
const fn point(_: &str, _: impl Struck, _: &ObjectName) {}

#[cfg(feature = "crash-points")]
use enabled::point;

#[cfg(feature = "crash-points")]
mod enabled {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{ObjectName, Struck};

    /// Names the place as `kill before SendStart lpar07` or `stop after Keep(Starts) spring`.
    const WHERE: &str = "NIMD_CRASH_POINT";

    /// File to which the place is added when it is reached.
    const LOG: &str = "NIMD_CRASH_LOG";

    /// A place strikes once: who was stopped goes on.
    static STRUCK: AtomicBool = AtomicBool::new(false);

    pub(super) fn point(side: &str, what: impl Struck, whom: &ObjectName) {
        let Ok(wanted) = std::env::var(WHERE) else { return };
        let here = format!("{side} {what:?} {whom}");
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
