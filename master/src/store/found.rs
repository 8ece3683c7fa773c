//! What masters find by themselves once an operation has ended: events in a line of history of their own, behind those of the agent.
//!
//! Each is stored in the transaction that keeps what it tells of, or only where it is not stored yet: whoever finds it again after a master was
//! killed tells nothing twice. The row of the operation is held meanwhile, so that they are numbered without gaps.

use nim_shared::frame::{Known, found::Found};
use nim_shared::id::{Digest, Epoch, OperationId};
use sea_orm::sqlx::{query, query_scalar};
use serde_json::{Value, json};
use uuid::Uuid;

use super::commit::{Txn, Writing};
use super::event::without_nul;
use super::notify::Topic;
use super::{Error, Store, bigint};

impl Store {
    /// Tells what was found about an operation that has ended, unless that was told of it before.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn tell_once(&self, operation: OperationId, found: Found) -> Result<(), Error> {
        let mut txn = self.begin(Writing::OpenItems).await?;
        hold(&mut txn, &[operation.0]).await?;
        let is_told: bool = query_scalar(
            "SELECT EXISTS (SELECT FROM event WHERE operation_id = $1 AND epoch = $2 AND body = $3)",
        )
        .bind(operation.0)
        .bind(bigint(Epoch::OF_MASTERS.0))
        .bind(body(&found))
        .fetch_one(txn.connection())
        .await
        .map_err(txn.failed())?;
        if is_told {
            return Ok(());
        }
        tell(&mut txn, &[(operation, found)]).await?;
        txn.commit().await?;
        self.hint(Topic::Events).await;
        Ok(())
    }
}

/// Tells what was found, in this order. Of an operation that is no longer on record nothing is.
pub(super) async fn tell(txn: &mut Txn, found: &[(OperationId, Found)]) -> Result<(), Error> {
    if found.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = found.iter().map(|(id, _)| id.0).collect();
    hold(txn, &ids).await?;
    let bodies: Vec<Value> = found.iter().map(|(_, found)| body(found)).collect();
    // No journal stands behind them: the digest is that of the text alone.
    let hashes: Vec<Vec<u8>> =
        bodies.iter().map(|body| Digest::of(body.to_string().as_bytes()).0.to_vec()).collect();
    query(
        "INSERT INTO event (operation_id, epoch, seq, hash, at, body)
         SELECT x.id, $4, last.seq + row_number() OVER (PARTITION BY x.id ORDER BY x.place),
                x.hash, now(), x.body
         FROM unnest($1::uuid[], $2::jsonb[], $3::bytea[]) WITH ORDINALITY AS x (id, body, hash, place)
         JOIN operation o ON o.id = x.id
         CROSS JOIN LATERAL (SELECT coalesce(max(e.seq), 0) AS seq FROM event e
                             WHERE e.operation_id = x.id AND e.epoch = $4) last",
    )
    .bind(ids)
    .bind(bodies)
    .bind(hashes)
    .bind(bigint(Epoch::OF_MASTERS.0))
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}

/// Holds the rows of operations until the end of the transaction, in one order for all.
async fn hold(txn: &mut Txn, ids: &[Uuid]) -> Result<(), Error> {
    let _: Vec<Uuid> =
        query_scalar("SELECT id FROM operation WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE")
            .bind(ids)
            .fetch_all(txn.connection())
            .await
            .map_err(txn.failed())?;
    Ok(())
}

fn body(found: &Found) -> Value {
    without_nul(json!(Known::Found(found.clone())))
}
