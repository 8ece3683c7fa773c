//! What a finished operation tells about its LPAR: the partition id that the HMC gave it.
//!
//! A Live Update usually changes the id, and whoever asks the HMC by id needs the present one. The id is never identity.

use nim_shared::id::{LparId, ObjectName};
use nim_shared::object::Spec;
use tracing::info;

use crate::store::{Error, Store, Who};

/// Puts the partition id of `lpar` into the inventory, in the name of `who`. Somebody else's change in the meantime goes before;
/// the next operation tells again.
///
/// # Errors
/// What the store says.
pub async fn learn(store: &Store, who: Who, lpar: &ObjectName, id: LparId) -> Result<(), Error> {
    let stored = match store.object(lpar).await {
        Ok(stored) => stored,
        // It was removed since.
        Err(Error::NoSuchObject { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut object = stored.object;
    let Spec::Standalone(spec) = &mut object.spec else { return Ok(()) };
    if spec.identity == Some(id) {
        return Ok(());
    }
    let before = spec.identity.map_or_else(|| "unknown".to_owned(), |before| before.to_string());
    spec.identity = Some(id);
    match store.change(&object, Some(stored.version), who).await {
        Ok(()) => {
            info!(lpar.name = %lpar, "the partition id of {lpar} was {before} and is {id} now");
            Ok(())
        }
        Err(Error::Faults { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
