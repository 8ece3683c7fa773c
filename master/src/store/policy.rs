//! The site's policy: every version of its text, of which the last one counts.

use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{query, query_as};

use super::commit::Writing;
use super::{Error, Store, Who, unsigned};

/// A policy as it was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Its text.
    pub text: String,
    /// Rises each time.
    pub version: u64,
    /// Who set it.
    pub changed_by: Who,
    /// When.
    pub changed_at: Timestamp,
}

type Row = (i64, String, time::OffsetDateTime, i64);

impl Store {
    /// Sets the policy.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn policy_set(&self, text: &str, who: Who) -> Result<StoredPolicy, Error> {
        let mut txn = self.begin(Writing::PolicySet).await?;
        // Two that set it at once become two versions. A statement of its own: one that waits in itself still sees the versions
        // of before it waited.
        query("SELECT pg_advisory_xact_lock(hashtextextended('policy', 7))")
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        let row: Row = query_as(
            "INSERT INTO policy (version, text, changed_by)
             SELECT coalesce((SELECT max(version) FROM policy), 0) + 1, $1, $2
             RETURNING version, text, changed_at, changed_by",
        )
        .bind(text)
        .bind(i64::from(who.uid))
        .fetch_one(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await?;
        Ok(policy(row))
    }

    /// The policy; `None` where none was set.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn policy(&self) -> Result<Option<StoredPolicy>, Error> {
        let row: Option<Row> = query_as(
            "SELECT version, text, changed_at, changed_by FROM policy ORDER BY version DESC LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read the policy", cause))?;
        Ok(row.map(policy))
    }
}

fn policy((version, text, changed_at, changed_by): Row) -> StoredPolicy {
    let changed_by = Who { uid: u32::try_from(changed_by).unwrap_or(u32::MAX) };
    StoredPolicy {
        text,
        version: unsigned(version),
        changed_by,
        changed_at: Timestamp::new(changed_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestDatabase;

    #[tokio::test]
    async fn the_last_version_counts_and_none_is_lost() {
        let store = TestDatabase::migrated().await.store().await;
        assert_eq!(store.policy().await.unwrap(), None);
        let (one, two) = tokio::join!(
            store.policy_set("a", Who { uid: 1 }),
            store.policy_set("b", Who { uid: 2 })
        );
        let mut set = [one.unwrap(), two.unwrap()];
        set.sort_by_key(|one| one.version);
        assert_eq!([set[0].version, set[1].version], [1, 2]);
        assert_eq!(store.policy().await.unwrap().as_ref(), Some(&set[1]));
    }
}
