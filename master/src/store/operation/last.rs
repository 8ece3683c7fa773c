//! The last operation of each LPAR: what NIM calls the state of a machine follows from it.

use std::collections::BTreeMap;

use nim_shared::id::ObjectName;
use sea_orm::sqlx::query;

use super::Record;
use super::record::record;
use crate::store::entity::{self, operation::Model};
use crate::store::{Error, Store};

impl Store {
    /// The last operation of each of `lpars` that ever had one.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn last_operations(
        &self,
        lpars: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, Record>, Error> {
        let names: Vec<_> = lpars.iter().map(|name| name.as_str()).collect();
        let rows = query(
            "SELECT o.* FROM unnest($1::text[]) AS x (name)
             CROSS JOIN LATERAL (SELECT * FROM operation WHERE lpar = x.name COLLATE \"C\" ORDER BY id DESC LIMIT 1) o",
        )
        .bind(names)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read the last operation of each LPAR", cause))?;
        let rows: Vec<Model> = entity::read("an operation", rows)?;
        rows.into_iter()
            .map(|row| record(row).map(|record| (record.lpar.clone(), record)))
            .collect()
    }
}
