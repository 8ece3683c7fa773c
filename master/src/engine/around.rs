//! What is around an LPAR right before anything of it is touched: a VIOS that is down, a migration that is under way.

use nim_shared::id::ObjectName;

use super::shared::Shared;
use crate::inventory::around::in_the_way;
use crate::inventory::hmc::FrameView;
use crate::store;

impl Shared {
    /// Why the LPAR with this `partition` is not to be updated now, by what an HMC shows of its `frame` at this moment.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn in_the_way(
        &self,
        partition: &str,
        frame: &ObjectName,
        view: &FrameView,
    ) -> Result<Vec<String>, store::Error> {
        let vioses = match view.id_of(partition) {
            Some(id) => self.store.vioses_of(frame, id).await?,
            None => Vec::new(),
        };
        let partitions: Vec<_> = view.partitions.iter().map(|one| one.view.clone()).collect();
        Ok(in_the_way(partition, vioses.iter(), &partitions))
    }
}
