//! What a supervisor waits for: a master that stores, a cancel, another line of history.

use std::time::{Duration, Instant};

use nim_shared::frame::{Known, Position};
use nim_shared::stage::Stage;

use super::{Error, Supervisor};
use crate::crash;
use crate::operation::Stored;
use crate::stage::Stop;

impl Supervisor {
    /// Sleeps. What a master wants of the journal is looked for meanwhile.
    pub(crate) fn pause(&mut self, duration: Duration) -> Result<(), Error> {
        std::thread::sleep(crash::pace(duration));
        self.look_for_reopen()?;
        Ok(())
    }

    /// Ends the stages when a cancel was accepted.
    pub(crate) fn check_cancel(&mut self) -> Result<(), Stop> {
        let Some(fence) = self.slots.cancel.get()? else { return Ok(()) };
        if !self.progress.cancelled {
            self.record(Known::CancelAccepted { fence })?;
        }
        Err(Stop::cancelled("cancelled before the update began"))
    }

    /// Waits until the master has stored everything up to the last record.
    pub(crate) fn wait_until_stored(&mut self) -> Result<(), Stop> {
        let wanted = self.journal.position();
        let limit = self.request.limits.answer.duration();
        let since = Instant::now();
        while !self.has_stored(wanted)? {
            // What is done is not cancelled any more.
            if self.progress.stage < Some(Stage::Post) {
                self.check_cancel()?;
            }
            if since.elapsed() >= limit {
                let text = format!(
                    "the master did not store what is to be undone within {} seconds",
                    limit.as_secs()
                );
                return Err(Stop::failed(text));
            }
            self.pause(CONTROL_PACE)?;
        }
        Ok(())
    }

    /// Whether a master is there that stores everything up to the last record within `limit`. Also after a cancel: what is put back then needs it too.
    pub(crate) fn is_heard(&mut self, limit: Duration) -> Result<bool, Error> {
        let wanted = self.journal.position();
        let since = Instant::now();
        while !self.has_stored(wanted)? {
            if since.elapsed() >= limit {
                return Ok(false);
            }
            self.pause(CONTROL_PACE)?;
        }
        Ok(true)
    }

    fn has_stored(&self, wanted: Position) -> Result<bool, Error> {
        let stored = self.slots.stored.get()?;
        Ok(stored
            .is_some_and(|Stored { upto }| (upto.epoch, upto.seq) >= (wanted.epoch, wanted.seq)))
    }
}

/// How often files that `serve` writes are looked at.
pub(crate) const CONTROL_PACE: Duration = Duration::from_millis(100);
