//! How LPARs stand that a rollout has updated.

use std::collections::BTreeMap;

use nim_shared::id::ObjectName;
use sea_orm::sqlx::query_as;

use super::texts;
use crate::store::{Error, Store, batch};

impl Store {
    /// The state of the partition of each of these LPARs, as an HMC spells it and as it was read last. Of whom no HMC shows one nothing is said.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn partition_states(
        &self,
        lpars: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, String>, Error> {
        let rows: Vec<(String, String)> = query_as(
            "SELECT o.name, p.state FROM nim_object o JOIN nim_standalone s ON s.object_id = o.id
                JOIN frame_partition p ON p.cec_id = s.cec_id AND p.name = coalesce(s.partition, o.name)
             WHERE o.name = ANY($1)",
        )
        .bind(texts(lpars))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read where partitions stand", cause))?;
        rows.into_iter().map(|(name, state)| Ok((batch::name(&name)?, state))).collect()
    }
}
