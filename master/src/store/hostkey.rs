//! Host keys on record: one for each holder and algorithm. A host that shows another gets nothing.

use std::fmt;

use nim_shared::api::KeySource;
use nim_shared::id::ObjectName;
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::query;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::commit::Writing;
use super::entity::{
    self,
    host_key::{Column, Entity, Model},
};
use super::{Error, Store, Who};

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyHolder {
    /// An object, whatever its addresses are at the moment.
    Object(ObjectName),
    /// A host that connections go through.
    Hop {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
}

impl fmt::Display for KeyHolder {
    /// The name of an object, which holds no colon; `host:port` of a hop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(name) => name.fmt(f),
            Self::Hop { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

impl KeyHolder {
    /// Reads what `Display` writes.
    fn read(text: &str) -> Result<Self, Error> {
        match text.rsplit_once(':') {
            Some((host, port)) => {
                let port = port
                    .parse()
                    .map_err(|cause| Error::unreadable("the holder of a host key", cause))?;
                Ok(Self::Hop { host: host.to_owned(), port })
            }
            None => super::batch::name(text).map(Self::Object),
        }
    }
}

/// A host key on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// Whose.
    pub holder: KeyHolder,
    /// As in `authorized_keys`: `ssh-ed25519`, …
    pub algorithm: String,
    /// The key in base64.
    pub key: String,
    /// How it came here.
    pub source: KeySource,
    /// Who put it on record.
    pub confirmed_by: Who,
    /// When.
    pub added_at: Timestamp,
}

/// A key to put on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHostKey {
    /// Whose.
    pub holder: KeyHolder,
    /// As in `authorized_keys`.
    pub algorithm: String,
    /// The key in base64.
    pub key: String,
    /// How it came here.
    pub source: KeySource,
}

/// What becomes of a key that differs from the one on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// It takes its place.
    Yes,
    /// Nothing is stored.
    No,
}

/// What was put on record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// New.
    pub added: u64,
    /// In place of another.
    pub replaced: u64,
    /// There before, the same.
    pub known: u64,
}

impl Store {
    /// The keys of one holder; of all with `None`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn host_keys(&self, holder: Option<&KeyHolder>) -> Result<Vec<HostKey>, Error> {
        let mut find = Entity::find();
        if let Some(holder) = holder {
            find = find.filter(Column::Holder.eq(holder.to_string()));
        }
        find.order_by_asc(Column::Holder)
            .order_by_asc(Column::Algorithm)
            .all(&self.db)
            .await
            .map_err(|cause| Error::database("read the host keys", cause))?
            .into_iter()
            .map(host_key)
            .collect()
    }

    /// The keys of all these holders.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn host_keys_of(&self, holders: &[KeyHolder]) -> Result<Vec<HostKey>, Error> {
        let holders: Vec<String> = holders.iter().map(ToString::to_string).collect();
        let rows =
            query("SELECT * FROM host_key WHERE holder = ANY($1) ORDER BY holder, algorithm")
                .bind(holders)
                .fetch_all(&self.pool)
                .await
                .map_err(|cause| Error::sqlx("read host keys", cause))?;
        entity::read("a host key", rows)?.into_iter().map(host_key).collect()
    }

    /// Puts keys on record, all or none.
    ///
    /// # Errors
    /// [`Error::OtherHostKey`] with [`Replace::No`] when another key is on record for a holder and algorithm.
    pub async fn host_keys_add(
        &self,
        keys: &[NewHostKey],
        replace: Replace,
        who: Who,
    ) -> Result<Recorded, Error> {
        let mut txn = self.begin(Writing::HostKeysAdd).await?;
        let mut recorded = Recorded::default();
        let mut sorted: Vec<_> = keys.iter().collect();
        sorted.sort_by_key(|key| (&key.holder, &key.algorithm));
        for new in sorted {
            let before: Option<String> = sea_orm::sqlx::query_scalar(
                "SELECT key FROM host_key WHERE holder = $1 AND algorithm = $2 FOR UPDATE",
            )
            .bind(new.holder.to_string())
            .bind(&new.algorithm)
            .fetch_optional(txn.connection())
            .await
            .map_err(txn.failed())?;
            match before {
                Some(before) if before == new.key => recorded.known += 1,
                Some(_) if replace == Replace::No => {
                    return Err(Error::OtherHostKey {
                        holder: new.holder.to_string(),
                        algorithm: new.algorithm.clone(),
                    });
                }
                Some(_) => recorded.replaced += 1,
                None => recorded.added += 1,
            }
            query(
                "INSERT INTO host_key AS k (holder, algorithm, key, source, confirmed_by)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (holder, algorithm) DO UPDATE SET key = excluded.key,
                    source = excluded.source, confirmed_by = excluded.confirmed_by, added_at = now()
                 WHERE k.key <> excluded.key",
            )
            .bind(new.holder.to_string())
            .bind(&new.algorithm)
            .bind(&new.key)
            .bind(new.source.name())
            .bind(i64::from(who.uid))
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        }
        txn.commit().await?;
        Ok(recorded)
    }

    /// Forgets all keys of one holder; how many there were.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn host_keys_remove(&self, holder: &KeyHolder) -> Result<u64, Error> {
        let mut txn = self.begin(Writing::HostKeysRemove).await?;
        let done = query("DELETE FROM host_key WHERE holder = $1")
            .bind(holder.to_string())
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        txn.commit().await?;
        Ok(done.rows_affected())
    }
}

/// The domain's key of a row.
fn host_key(row: Model) -> Result<HostKey, Error> {
    let source = row
        .source
        .parse()
        .map_err(|cause: nim_shared::stage::UnknownName| Error::unreadable("a host key", cause))?;
    Ok(HostKey {
        holder: KeyHolder::read(&row.holder)?,
        algorithm: row.algorithm,
        key: row.key,
        source,
        confirmed_by: Who { uid: u32::try_from(row.confirmed_by).unwrap_or(u32::MAX) },
        added_at: Timestamp::new(row.added_at),
    })
}

#[cfg(test)]
mod tests;
