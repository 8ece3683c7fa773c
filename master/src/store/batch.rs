//! Accepting: the operations of one request, all or none, and once however often the request is sent.

use nim_shared::hook::NamedHook;
use nim_shared::id::{BatchId, ClientToken, Digest, ObjectName, OperationId};
use nim_shared::request::Kind;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;
use sea_orm::sqlx::{AssertSqlSafe, query_as, query_scalar};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::Value;
use uuid::Uuid;

use super::commit::{Txn, Writing};
use super::entity::batch::{Column, Entity, Model};
use super::notify::Topic;
use super::{Error, Store, Who, bigint, unsigned};
use crate::engine::operation::Operation;

/// What one request asks for, beside the operations themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct NewBatch {
    /// Its id, made by this master.
    pub id: BatchId,
    /// Who asks.
    pub requested_by: Who,
    /// Of the operations at most this many at a time.
    pub concurrent: Option<u32>,
    /// None is started later than this after it was accepted.
    pub time_limit: Option<Seconds>,
    /// How long an operation may wait in the queue.
    pub queued: Seconds,
    /// The operation that is done again.
    pub again_of: Option<OperationId>,
    /// The request as it came. The same token with another request is refused.
    pub request: Value,
}

/// One operation of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperation {
    /// Its id, made by this master: a UUIDv7.
    pub id: OperationId,
    /// The LPAR.
    pub lpar: ObjectName,
    /// The frame that the LPAR is on, for limits and capacity.
    pub frame: Option<ObjectName>,
    /// The HMC that counts for limits.
    pub hmc: Option<ObjectName>,
    /// Look only, or do it.
    pub kind: Kind,
    /// A [`nim_shared::request::Request`] as JSON text: what `start` will carry.
    pub request: String,
    /// Digest of that text.
    pub digest: Digest,
    /// Hooks that masters run themselves for it.
    pub hooks: Vec<NamedHook>,
}

/// What was accepted, now or when the token came first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The batch.
    pub batch: BatchId,
    /// Its operations, in the order of their ids.
    pub operations: Vec<(OperationId, ObjectName)>,
}

/// What one request asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// Who asked.
    pub requested_by: Who,
    /// Of the operations at most this many at a time.
    pub concurrent: Option<u32>,
    /// None is started later than this after it was accepted.
    pub time_limit: Option<Seconds>,
    /// The request as it came.
    pub request: Value,
    /// When it was accepted.
    pub created_at: Timestamp,
}

impl Store {
    /// Accepts all `operations`, or none. Committed when it returns: none is ever forgotten. The same `token` with the same
    /// request gets the first answer again.
    ///
    /// # Errors
    /// [`Error::OpenOperation`] when an operation is open on one of the LPARs (all are named), [`Error::NoSuchLpar`],
    /// [`Error::TokenReused`].
    pub async fn accept(
        &self,
        token: ClientToken,
        batch: &NewBatch,
        operations: &[NewOperation],
    ) -> Result<Accepted, Error> {
        let mut txn = self.begin(Writing::Accept).await?;
        let digest = Digest::of(batch.request.to_string().as_bytes());
        if !insert_batch(&mut txn, token, batch, digest).await? {
            return accepted_before(&mut txn, token, digest).await;
        }
        lock_lpars(&mut txn, operations).await?;
        insert_operations(&mut txn, batch, operations).await?;
        super::hook::insert(&mut txn, operations).await?;
        txn.commit().await?;
        self.hint(Topic::Work).await;
        let mut operations: Vec<_> =
            operations.iter().map(|new| (new.id, new.lpar.clone())).collect();
        operations.sort_unstable();
        Ok(Accepted { batch: batch.id, operations })
    }

    /// What was accepted under `token` before, where it was.
    ///
    /// # Errors
    /// [`Error::TokenReused`] when it was used for another request.
    pub async fn accepted(
        &self,
        token: ClientToken,
        request: &Value,
    ) -> Result<Option<Accepted>, Error> {
        let used = Entity::find()
            .filter(Column::Token.eq(token.0))
            .one(&self.db)
            .await
            .map_err(|cause| Error::database("look up a client token", cause))?;
        if used.is_none() {
            return Ok(None);
        }
        let mut txn = self.begin(Writing::Accept).await?;
        let digest = Digest::of(request.to_string().as_bytes());
        accepted_before(&mut txn, token, digest).await.map(Some)
    }

    /// One batch.
    ///
    /// # Errors
    /// [`Error::NoSuchBatch`].
    pub async fn batch(&self, id: BatchId) -> Result<Batch, Error> {
        let row = Entity::find_by_id(id.0)
            .one(&self.db)
            .await
            .map_err(|cause| Error::database(format!("read batch {id}"), cause))?;
        row.map(batch).ok_or(Error::NoSuchBatch { id })
    }
}

/// Whether the token is new. Waits for another request with the same token to come to its end.
async fn insert_batch(
    txn: &mut Txn,
    token: ClientToken,
    batch: &NewBatch,
    digest: Digest,
) -> Result<bool, Error> {
    let id: Option<Uuid> = query_scalar(
        "INSERT INTO batch (id, token, digest, requested_by, concurrent, time_limit_seconds, request, again_of)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (token) DO NOTHING RETURNING id",
    )
    .bind(batch.id.0)
    .bind(token.0)
    .bind(digest.0.as_slice())
    .bind(i64::from(batch.requested_by.uid))
    .bind(batch.concurrent.map(i64::from))
    .bind(batch.time_limit.and_then(|limit| bigint(limit.0)))
    .bind(&batch.request)
    .bind(batch.again_of.map(|id| id.0))
    .fetch_optional(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(id.is_some())
}

/// The answer that this token got before.
async fn accepted_before(
    txn: &mut Txn,
    token: ClientToken,
    digest: Digest,
) -> Result<Accepted, Error> {
    let (id, stored): (Uuid, Vec<u8>) = query_as("SELECT id, digest FROM batch WHERE token = $1")
        .bind(token.0)
        .fetch_one(txn.connection())
        .await
        .map_err(txn.failed())?;
    let batch = BatchId(id);
    if stored != digest.0 {
        return Err(Error::TokenReused { token, batch });
    }
    let rows: Vec<(Uuid, String)> =
        query_as("SELECT id, lpar FROM operation WHERE batch_id = $1 ORDER BY id")
            .bind(id)
            .fetch_all(txn.connection())
            .await
            .map_err(txn.failed())?;
    let operations = rows
        .into_iter()
        .map(|(id, lpar)| Ok((OperationId(id), name(&lpar)?)))
        .collect::<Result<_, Error>>()?;
    Ok(Accepted { batch, operations })
}

/// Holds the LPARs, so that none is removed while it is being given an operation.
async fn lock_lpars(txn: &mut Txn, operations: &[NewOperation]) -> Result<(), Error> {
    let names: Vec<_> = operations.iter().map(|new| new.lpar.as_str()).collect();
    // What may be open beside a clean-up no index says: it is alone while it is accepted.
    let lock = match operations.iter().any(|new| new.kind.looks_after()) {
        true => "FOR UPDATE",
        false => "FOR KEY SHARE",
    };
    let found: Vec<String> = query_scalar(AssertSqlSafe(format!(
        "SELECT name FROM nim_object WHERE name = ANY($1) AND type = 'standalone' ORDER BY id {lock}"
    )))
    .bind(&names)
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())?;
    let found: std::collections::HashSet<_> = found.iter().map(String::as_str).collect();
    let missing: Vec<_> =
        names.into_iter().filter(|name| !found.contains(name)).map(ToOwned::to_owned).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::NoSuchLpar { names: missing }) }
}

/// Inserts the operations. Two on one LPAR there are only where one is stuck and the other looks after it. In the order of their LPARs, so that two requests never wait for each other in a circle.
async fn insert_operations(
    txn: &mut Txn,
    batch: &NewBatch,
    operations: &[NewOperation],
) -> Result<(), Error> {
    let queued = batch.time_limit.map_or(batch.queued, |limit| limit.min(batch.queued));
    let column = |of: fn(&NewOperation) -> &str| operations.iter().map(of).collect::<Vec<_>>();
    let done = sea_orm::sqlx::query(
        "INSERT INTO operation (id, batch_id, requested_by, lpar, frame, hmc, kind, request, digest, hash,
                                state, detail, deadline, known_in)
         SELECT x.id, $1, $2, x.lpar, x.frame, x.hmc, x.kind, x.request, x.digest, $3,
                $4, $5, now() + $6 * interval '1 second', (SELECT id FROM database_life)
         FROM unnest($7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bytea[])
              AS x (id, lpar, frame, hmc, kind, request, digest)
         WHERE NOT EXISTS (
             SELECT FROM operation o WHERE o.lpar = x.lpar AND o.state IN ('queued', 'dispatching', 'running', 'stuck')
               AND (o.kind IN ('clean_up', 'snap') OR x.kind IN ('clean_up', 'snap') AND o.state <> 'stuck'))
         ORDER BY x.lpar COLLATE \"C\"
         ON CONFLICT DO NOTHING",
    )
    .bind(batch.id.0)
    .bind(i64::from(batch.requested_by.uid))
    .bind(Digest::ZERO.0.as_slice())
    .bind(Operation::NEW.name().name())
    .bind(serde_json::json!(Operation::NEW))
    .bind(seconds(queued))
    .bind(operations.iter().map(|new| new.id.0).collect::<Vec<_>>())
    .bind(column(|new| new.lpar.as_str()))
    .bind(operations.iter().map(|new| new.frame.as_ref().map(ObjectName::as_str)).collect::<Vec<_>>())
    .bind(operations.iter().map(|new| new.hmc.as_ref().map(ObjectName::as_str)).collect::<Vec<_>>())
    .bind(column(|new| new.kind.name()))
    .bind(column(|new| &new.request))
    .bind(operations.iter().map(|new| new.digest.0.as_slice()).collect::<Vec<_>>())
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    if done.rows_affected() == operations.len() as u64 {
        return Ok(());
    }
    let open: Vec<(String, Uuid)> = query_as(
        "SELECT lpar, id FROM operation
         WHERE lpar = ANY($1) AND batch_id <> $2 AND state IN ('queued', 'dispatching', 'running', 'stuck')
         ORDER BY lpar",
    )
    .bind(column(|new| new.lpar.as_str()))
    .bind(batch.id.0)
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())?;
    let open = open
        .into_iter()
        .map(|(lpar, id)| Ok((name(&lpar)?, OperationId(id))))
        .collect::<Result<_, Error>>()?;
    Err(Error::OpenOperation { open })
}

/// Whole seconds for Postgres, which has no more than some 290,000 years.
pub(super) fn seconds(span: Seconds) -> f64 {
    span.duration().as_secs_f64().min(3.0e9)
}

/// A name out of a row.
pub(super) fn name(text: &str) -> Result<ObjectName, Error> {
    text.parse()
        .map_err(|cause: nim_shared::id::BadName| Error::unreadable("the name of an LPAR", cause))
}

/// The domain's batch of a row.
fn batch(row: Model) -> Batch {
    Batch {
        id: BatchId(row.id),
        requested_by: Who { uid: u32::try_from(row.requested_by).unwrap_or(u32::MAX) },
        concurrent: row.concurrent.and_then(|many| u32::try_from(many).ok()),
        time_limit: row.time_limit_seconds.map(|seconds| Seconds(unsigned(seconds))),
        request: row.request,
        created_at: Timestamp::new(row.created_at),
    }
}

#[cfg(test)]
mod tests;
