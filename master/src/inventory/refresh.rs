//! Reads every frame and every VIOS from time to time, so that people and plans see what is not old.
//!
//! Any number of masters may do it: what one has read young enough the others leave alone. What cannot be read is tried again as late
//! as what was read; what is new is read at once.

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
    tried: &mut HashMap<ObjectName, Instant>,
) -> Result<(), Error> {
    let now = Instant::now();
    tried.retain(|_, at| now.duration_since(*at) < every);
    let mut due = store.frames_not_read_for(every).await?;
    due.retain(|frame| !tried.contains_key(frame));
    tried.extend(due.iter().map(|frame| (frame.clone(), now)));
    futures::stream::iter(due)
        .for_each_concurrent(AT_A_TIME, async |frame| {
            if let Seen::Unreachable(reason) = frames.look(&frame).await {
                debug!(frame.name = %frame, "no HMC shows {frame}: {reason}");
            }
        })
        .await;
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
