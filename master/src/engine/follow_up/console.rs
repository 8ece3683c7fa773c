//! What an HMC shows of an LPAR after an update, and should not.

use nim_shared::aftercare::{OnConsole, OpenItem, Seen};
use nim_shared::frame::found::Found;
use nim_shared::id::ObjectName;
use nim_shared::preflight::Fact;
use tracing::{info, warn};

use super::MOST_LOOKS;
use crate::engine::shared::Shared;
use crate::store;
use crate::store::notify::Topic;
use crate::store::open_item::Left;
use crate::store::operation::FollowUpAction;

/// Keeps what is left to do by what was `found`, and notes what is gone since the look before. Whether a later look may find something
/// else by itself.
pub(super) async fn keep(
    shared: &Shared,
    action: &FollowUpAction,
    found: &OnConsole,
) -> Result<bool, store::Error> {
    let (store, lpar) = (&shared.store, &action.lpar);
    let passing = found.items();
    let mut items = passing.clone();
    let mut may_change = !passing.is_empty();
    match profiles(store, action, found).await? {
        Ok(differences) => {
            if differences.is_empty() {
                store.tell_once(action.operation, Found::ProfilesAsBefore).await?;
            }
            let left = open_on(shared, lpar).await?;
            items.extend(differences.into_iter().filter(|new| !is_told(&left, new)));
        }
        Err(Unknown { why, may_change: later }) => {
            may_change |= later;
            let is_last = !later || action.attempts >= MOST_LOOKS;
            if is_last && !found.has_surrogate {
                warn!(operation.id = %action.operation, lpar.name = %lpar,
                    "whether the HMC profile of {lpar} is as before is not known: {why}");
                store.tell_once(action.operation, Found::ProfilesUnknown { why }).await?;
            }
        }
    }
    let is_new = !items.is_empty() && store.add_open_items(action.operation, &items).await?;
    if is_new {
        for item in &items {
            warn!(operation.id = %action.operation, lpar.name = %lpar, "left to do on {lpar}: {item}");
        }
        shared.store.hint(Topic::Events).await;
    }
    let console: Fact<OnConsole> = Ok(found.clone());
    let seen = Seen { probed: &[], console: &console };
    let mut left = open_on(shared, lpar).await?;
    left.retain(|one| one.item.asks_console() && one.item.is_open(&seen) == Ok(false));
    for one in &left {
        info!(operation.id = %one.operation, lpar.name = %lpar, "left to do on {lpar} no longer: {}", one.item);
    }
    store.close_items(&left.iter().map(|one| one.id).collect::<Vec<_>>()).await?;
    Ok(may_change)
}

async fn open_on(shared: &Shared, lpar: &ObjectName) -> Result<Vec<Left>, store::Error> {
    Ok(shared.store.open_items(&[lpar]).await?.remove(lpar).unwrap_or_default())
}

/// Why nobody can tell whether profiles are as before.
struct Unknown {
    why: String,
    /// Whether a later look may tell.
    may_change: bool,
}

/// What the profiles of the LPAR do not show as before the update.
async fn profiles(
    store: &store::Store,
    action: &FollowUpAction,
    found: &OnConsole,
) -> Result<Result<Vec<OpenItem>, Unknown>, store::Error> {
    let before = store.profiles_before(action.operation).await?;
    let before = before.unwrap_or_else(|| Err("nothing is on record".to_owned()));
    let unknown = |why| Unknown { why, may_change: before.is_ok() };
    Ok(found.profile_items(&before).map_err(unknown))
}

/// Whether what is open says the same of a profile already: its value may be yet another now, and what counts is the one before.
fn is_told(open: &[Left], new: &OpenItem) -> bool {
    let OpenItem::Profile { profile, attribute, before, .. } = new else { return false };
    open.iter().any(|left| {
        matches!(&left.item, OpenItem::Profile { profile: p, attribute: a, before: b, .. }
            if (p, a, b) == (profile, attribute, before))
    })
}
