//! Lives of the database: from one moment at which commits may have been lost to the next.
//!
//! PostgreSQL empties an unlogged table when a server that crashed comes up and when a standby is promoted, and keeps it over a
//! stop in order. So the one row in `database_life` is there as long as nothing can have been lost, and a master that finds none
//! makes the next. What was known of an operation in an earlier life counts as doubtful until its agent was asked again.

use sea_orm::sqlx::{query, query_scalar};
use uuid::Uuid;

use super::Error;
use super::commit::Txn;

/// One life of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life(pub Uuid);

/// The present life; begins one where none is known.
pub(super) async fn begun(txn: &mut Txn) -> Result<Life, Error> {
    loop {
        if let Some(life) = present(txn).await? {
            return Ok(life);
        }
        // Another master may do the same: then its row is seen in the next turn.
        query("INSERT INTO database_life DEFAULT VALUES ON CONFLICT DO NOTHING")
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
    }
}

/// The present life; `None` until a master has begun one.
pub(super) async fn present(txn: &mut Txn) -> Result<Option<Life>, Error> {
    let id: Option<Uuid> = query_scalar("SELECT id FROM database_life")
        .fetch_optional(txn.connection())
        .await
        .map_err(txn.failed())?;
    Ok(id.map(Life))
}
