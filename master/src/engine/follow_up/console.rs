//! What an HMC shows of an LPAR after an update, and should not.

use nim_shared::aftercare::{OnConsole, Seen};
use nim_shared::preflight::Fact;
use tracing::{info, warn};

use crate::engine::shared::Shared;
use crate::store;
use crate::store::notify::Topic;
use crate::store::operation::FollowUpAction;

/// Keeps what is left to do by what was `found`, and notes what is gone since the look before.
pub(super) async fn keep(
    shared: &Shared,
    action: &FollowUpAction,
    found: &OnConsole,
) -> Result<(), store::Error> {
    let (store, lpar) = (&shared.store, &action.lpar);
    let items = found.items();
    let is_new = !items.is_empty() && store.add_open_items(action.operation, &items).await?;
    if is_new {
        for item in &items {
            warn!(operation.id = %action.operation, lpar.name = %lpar, "left to do on {lpar}: {item}");
        }
        shared.store.hint(Topic::Events).await;
    }
    let console: Fact<OnConsole> = Ok(found.clone());
    let seen = Seen { probed: &[], console: &console };
    let mut left = store.open_items(&[lpar]).await?.remove(lpar).unwrap_or_default();
    left.retain(|one| one.item.asks_console() && one.item.is_open(&seen) == Ok(false));
    for one in &left {
        info!(operation.id = %one.operation, lpar.name = %lpar, "left to do on {lpar} no longer: {}", one.item);
    }
    store.close_items(&left.iter().map(|one| one.id).collect::<Vec<_>>()).await
}
