//! The flash-cache daemon: it has to run when Live Update has it stopped, and must not hang. Source: LU S23, §4.5 pitfall 3.

use nim_shared::frame::ChangeClass;
use nim_shared::prep::{Setting, Subsystem};

use super::super::Stop;
use super::services::{ACTIVE, INOPERATIVE, is_on_file};
use super::setting;
use crate::supervisor::Supervisor;

/// Starts it, where it is on file and does not run.
pub(super) fn run(supervisor: &mut Supervisor, class: ChangeClass) -> Result<(), Stop> {
    let Ok(subsystem) = Subsystem::try_from(NAME.to_owned()) else { return Ok(()) };
    let setting = Setting::Subsystem { subsystem };
    if let Ok(state) = setting::lpar(supervisor).read(&setting)
        && is_on_file(&state)
        && ![ACTIVE, INOPERATIVE].contains(&&*state)
    {
        return Err(Stop::failed(format!(
            "the LPAR could not be made ready: {setting} is {state}, and Live Update would wait for it in vain"
        )));
    }
    setting::change(supervisor, class, setting, |before| {
        (before == INOPERATIVE).then(|| ACTIVE.to_owned())
    })
}

/// Its name. Source: LU §5.4.
pub(super) const NAME: &str = "pfcdaemon";
