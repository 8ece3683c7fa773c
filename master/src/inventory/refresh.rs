//! Reads every frame and every VIOS from time to time, so that people and plans see what is not old.
//!
//! Any number of masters may do it: what one has read young enough the others leave alone. What is new is read at once. A frame that
//! cannot be read is tried again soon and then ever later, at the latest when it would have been read anyway: somebody may just have
//! put the key of its HMC on record. What a VIOS has against being read is rarely over as soon.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use nim_shared::id::ObjectName;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::frame::{Frames, Seen};
use super::vios::Vioses;
use crate::store::{Error, Store};
use crate::telemetry::chain;

/// Frames that are read at a time, and VIOSes. Each HMC has its own limit beside.
const AT_A_TIME: usize = 8;

/// Pause between two looks for frames that are due.
const LOOK: Duration = Duration::from_secs(5);

/// The last look at a frame, or at an HMC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tried {
    at: Instant,
    /// How many looks in a row showed nothing.
    in_vain: u32,
}

impl Tried {
    /// Before the first one.
    pub(super) const fn first(at: Instant) -> Self {
        Self { at, in_vain: 0 }
    }

    /// Another one began at `at`; `shown` says whether it showed anything.
    pub(super) const fn again(&mut self, at: Instant, shown: bool) {
        self.at = at;
        self.in_vain = if shown { 0 } else { self.in_vain.saturating_add(1) };
    }

    /// Whether it is looked at again at `now`.
    pub(super) fn is_due(&self, now: Instant, every: Duration) -> bool {
        now.duration_since(self.at) >= pause(self.in_vain, every)
    }
}

/// How long to leave a frame alone that was looked at `in_vain` times.
fn pause(in_vain: u32, every: Duration) -> Duration {
    match in_vain {
        0 => every,
        _ => LOOK.saturating_mul(2_u32.saturating_pow(in_vain - 1)).min(every),
    }
}

/// Reads until `stop`, each frame once in `every`.
pub async fn run(
    store: Store,
    frames: Frames,
    vioses: Vioses,
    every: Duration,
    stop: CancellationToken,
) {
    let mut tried = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = async {
                // A VIOS that is slow holds up no frame.
                let both = tokio::join!(
                    once(&store, &frames, every, &mut tried),
                    each_vios(&store, &vioses, every),
                );
                for error in [both.0, both.1].into_iter().filter_map(Result::err) {
                    warn!(error = %chain(&error), "the frames could not be read; tried again later");
                }
            } => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK.min(every)) => {}
        }
    }
}

/// Reads what is due and was not tried lately.
async fn once(
    store: &Store,
    frames: &Frames,
    every: Duration,
    tried: &mut HashMap<ObjectName, Tried>,
) -> Result<(), Error> {
    let now = Instant::now();
    // Twice the longest pause after the last look its failures are forgotten: it is there no more, or was read by another master.
    tried.retain(|_, last| now.duration_since(last.at) < every.saturating_mul(2));
    let mut due = store.frames_not_read_for(every).await?;
    due.retain(|frame| tried.get(frame).is_none_or(|last| last.is_due(now, every)));
    let looks = futures::stream::iter(due).map(async |frame| {
        let shown = match frames.look(&frame).await {
            Seen::View(_) => true,
            Seen::NoConsole => false,
            Seen::Unreachable(reason) => {
                debug!(frame.name = %frame, "no HMC shows {frame}: {reason}");
                false
            }
        };
        (frame, shown)
    });
    let mut looks = looks.buffer_unordered(AT_A_TIME);
    while let Some((frame, shown)) = looks.next().await {
        tried.entry(frame).or_insert_with(|| Tried::first(now)).again(now, shown);
    }
    Ok(())
}

/// Reads the VIOSes that are due. One that could not be read is noted as tried.
async fn each_vios(store: &Store, vioses: &Vioses, every: Duration) -> Result<(), Error> {
    let due = store.vioses_not_read_for(every).await?;
    futures::stream::iter(due)
        .for_each_concurrent(AT_A_TIME, async |vios| {
            if let Err(error) = vioses.look(&vios).await {
                warn!(object.name = %vios, error = %chain(&error), "what was read of {vios} is not kept");
            }
        })
        .await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_looked_at_soon_and_then_ever_later() {
        let every = Duration::from_secs(300);
        let seconds: Vec<u64> = (0..9).map(|times| pause(times, every).as_secs()).collect();
        assert_eq!(seconds, [300, 5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(pause(u32::MAX, every), every);
        assert_eq!(pause(1, Duration::from_secs(2)), Duration::from_secs(2), "never later");
    }
}
