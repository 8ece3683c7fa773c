//! Between `backup` and `update`: the last moment that is still free. The agent says `ready` and waits for `proceed`.

use std::time::Instant;

use nim_shared::stage::{Point, Stage};

use super::Stop;
use crate::supervisor::{CONTROL_PACE, Supervisor};

/// Waits for `proceed`, and enters the stage `update` when it is there.
pub(crate) fn wait(supervisor: &mut Supervisor) -> Result<(), Stop> {
    supervisor.point(Point::Ready)?;
    let limit = supervisor.request.limits.proceed.duration();
    let since = Instant::now();
    loop {
        {
            // `proceed` and `cancel` are accepted under the same lock: each is either seen here or refused there.
            let control = supervisor.operation.control()?;
            supervisor.check_cancel()?;
            if supervisor.slots.proceed.get()?.is_some() {
                supervisor.enter(Stage::Update)?;
                return Ok(());
            }
            if since.elapsed() >= limit {
                let text =
                    format!("no proceed came within {} seconds after ready", limit.as_secs());
                let stop = Stop::cancelled(text);
                if let Stop::Decided(verdict) = &stop {
                    supervisor.decide(verdict)?;
                }
                drop(control);
                return Err(stop);
            }
        }
        supervisor.pause(CONTROL_PACE)?;
    }
}
