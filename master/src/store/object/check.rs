//! What the last check of an object found. A change of where the object is makes it void.

use std::collections::BTreeMap;

use nim_shared::id::ObjectName;
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{query, query_as};
use time::OffsetDateTime;

use super::Stored;
use crate::store::commit::{Txn, Writing};
use crate::store::{Error, Store, bigint};

/// A check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// When.
    pub at: Timestamp,
    /// What is wrong, where something is.
    pub problem: Option<String>,
}

impl Store {
    /// Keeps what a check of `seen` found. `false`, and nothing is kept, when the object is another by now.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn checked(&self, seen: &Stored, problem: Option<&str>) -> Result<bool, Error> {
        let mut txn = self.begin(Writing::Checked).await?;
        let done = query(
            "INSERT INTO nim_check (object_id, problem)
             SELECT id, $3 FROM nim_object WHERE name = $1 AND version = $2
             ON CONFLICT (object_id) DO UPDATE SET checked_at = now(), problem = excluded.problem",
        )
        .bind(seen.object.name.as_str())
        .bind(bigint(seen.version))
        .bind(problem)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// The last check of each of `names` that was checked.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn checks(
        &self,
        names: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, Check>, Error> {
        let rows: Vec<(String, OffsetDateTime, Option<String>)> = query_as(
            "SELECT o.name, c.checked_at, c.problem FROM nim_check c JOIN nim_object o ON o.id = c.object_id
             WHERE o.name = ANY($1)",
        )
        .bind(names.iter().map(|name| name.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what checks found", cause))?;
        let check = |(name, at, problem): (String, _, _)| {
            let name = name.parse().map_err(|cause: nim_shared::id::BadName| {
                Error::unreadable("the name of an object", cause)
            })?;
            Ok((name, Check { at: Timestamp::new(at), problem }))
        };
        rows.into_iter().map(check).collect()
    }
}

/// Forgets what was found of objects that are somewhere else now: their ids.
pub(super) async fn forget(txn: &mut Txn, moved: &[i64]) -> Result<(), Error> {
    query("DELETE FROM nim_check WHERE object_id = ANY($1)")
        .bind(moved)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
    Ok(())
}
