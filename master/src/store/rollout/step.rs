//! What rollouts were told: a row for each change, in the transaction of that change. With its orders that is all that a rollout was ever
//! decided by.

use nim_rollout::run::{Action, Recorded, Step};
use nim_shared::id::{Digest, RolloutId};
use sea_orm::sqlx::types::Json;
use sea_orm::sqlx::{query, query_as};
use serde_json::json;

use crate::store::commit::Txn;
use crate::store::{Error, Store};

/// How many changes of a rollout are kept: more than ten thousand LPARs make. What comes after is not.
const MOST: i64 = 100_000;

/// Version, what was told, what was to be done, and the state in one number.
type Row = (i64, Json<Step>, Json<Vec<Action>>, Vec<u8>);

/// Keeps what led to `version`.
pub(super) async fn keep(
    txn: &mut Txn,
    id: RolloutId,
    version: i64,
    recorded: &Recorded,
) -> Result<(), Error> {
    if version > MOST {
        return Ok(());
    }
    query(
        "INSERT INTO rollout_step (rollout_id, version, step, actions, state) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id.0)
    .bind(version)
    .bind(json!(recorded.step))
    .bind(json!(recorded.actions))
    .bind(recorded.state.0.as_slice())
    .execute(txn.connection())
    .await
    .map(drop)
    .map_err(txn.failed())
}

impl Store {
    /// What a rollout was told from its begin on, as far as nothing is missing.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollout_steps(&self, id: RolloutId) -> Result<Vec<Recorded>, Error> {
        let rows: Vec<Row> = query_as(
            "SELECT version, step, actions, state FROM rollout_step WHERE rollout_id = $1 ORDER BY version",
        )
        .bind(id.0)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what a rollout was told", cause))?;
        (1..)
            .zip(rows)
            .take_while(|(number, (version, ..))| number == version)
            .map(|(_, (_, Json(step), Json(actions), state))| {
                let state = <[u8; 32]>::try_from(state.as_slice());
                let state = state.map_err(|cause| {
                    Error::unreadable(format!("what the rollout {id} was told"), cause)
                })?;
                Ok(Recorded { step, actions, state: Digest(state) })
            })
            .collect()
    }
}
