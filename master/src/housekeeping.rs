//! What has to be done from time to time so that the database stays as it should: partitions ahead, old ones gone, marks swept.
//!
//! Any number of masters may do it at once; what one has done the next finds done.

use std::time::Duration;

use nim_shared::stamp::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::store::{Error, Store};
use crate::telemetry::chain;

/// Keeps house until `stop`. Events and output older than `retention` go.
pub async fn run(store: Store, retention: Duration, stop: CancellationToken) {
    loop {
        match once(&store, retention).await {
            Ok(dropped) if dropped.is_empty() => {}
            Ok(dropped) => {
                info!(count = dropped.len(), "old events are gone: {}", dropped.join(", "))
            }
            Err(error) => {
                warn!(error = %chain(&error), "the database could not be tidied up; tried again later")
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// All of it, once; the partitions that went.
async fn once(store: &Store, retention: Duration) -> Result<Vec<String>, Error> {
    let now = store.now().await?;
    store.make_partitions(now).await?;
    store.sweep().await?;
    store.drop_partitions(before(now, retention)).await
}

/// The time `span` before `now`.
fn before(now: Timestamp, span: Duration) -> Timestamp {
    let span = time::Duration::try_from(span).unwrap_or(time::Duration::MAX);
    Timestamp::new(now.get().saturating_sub(span))
}

/// How often.
const PAUSE: Duration = Duration::from_secs(3600);
