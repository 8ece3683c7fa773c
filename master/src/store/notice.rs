//! Messages to receivers, from the transaction that keeps what they tell of until each was sent or given up.
//!
//! Those to one receiver go in their order, one at a time. A message that was sent, and whose master died before that was stored, is sent
//! again, with the same id: at least once.

use std::time::Duration;

use nim_shared::api::ReceiverDeliveries;
use nim_shared::id::{MasterId, ObjectName, RolloutId};
use nim_shared::notice::{Message, Subject};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::types::Json;
use sea_orm::sqlx::{query, query_as, query_scalar};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::commit::{Txn, Writing};
use super::event::without_nul;
use super::{Error, Store, batch};

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotice {
    /// To whom.
    pub receiver: ObjectName,
    /// What.
    pub message: Message,
}

/// A message that was taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its number: the order of those to one receiver.
    pub number: i64,
    /// Its id: the same each time it is sent.
    pub id: Uuid,
    /// To whom.
    pub receiver: ObjectName,
    /// What.
    pub message: Message,
    /// When that was.
    pub created_at: Timestamp,
    /// How often it was taken up, this time among them.
    pub attempts: u32,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver has it.
    Sent,
    /// It is tried again after this time.
    Again(Duration, String),
    /// It is not tried again.
    GivenUp(String),
}

/// Number, id, receiver, message, since when, attempts.
type Row = (i64, Uuid, String, Json<Message>, OffsetDateTime, i32);

impl Store {
    /// Takes up messages that are due, of each receiver the first that is not done.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn claim_notices(&self, owner: MasterId, most: u32) -> Result<Vec<Notice>, Error> {
        let due: bool = query_scalar(
            "SELECT EXISTS (SELECT FROM notice WHERE done_at IS NULL AND due_at <= clock_timestamp())",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look for messages to receivers", cause))?;
        if !due {
            return Ok(Vec::new());
        }
        let mut txn = self.begin(Writing::ClaimNotices).await?;
        let rows: Vec<Row> = query_as(
            "WITH due AS (
                SELECT n.number FROM notice n LEFT JOIN master m ON m.id = n.owner
                WHERE n.done_at IS NULL AND n.due_at <= clock_timestamp()
                  AND (n.owner IS NULL OR m.lease_until IS NULL OR m.lease_until < clock_timestamp())
                  AND NOT EXISTS (SELECT FROM notice o
                                  WHERE o.receiver = n.receiver AND o.done_at IS NULL AND o.number < n.number)
                ORDER BY n.number LIMIT $2 FOR UPDATE OF n SKIP LOCKED)
             UPDATE notice n SET owner = $1, attempts = n.attempts + 1 FROM due WHERE n.number = due.number
             RETURNING n.number, n.id, n.receiver, n.message, n.created_at, n.attempts",
        )
        .bind(owner.0)
        .bind(i64::from(most))
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        txn.commit().await?;
        rows.into_iter()
            .map(|(number, id, receiver, Json(message), created_at, attempts)| {
                Ok(Notice {
                    number,
                    id,
                    receiver: batch::name(&receiver)?,
                    message,
                    created_at: Timestamp::new(created_at),
                    attempts: u32::try_from(attempts).unwrap_or_default(),
                })
            })
            .collect()
    }

    /// Keeps what became of messages that `owner` had taken up, by number. What is given up is told with the rollout too.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn notices_done(
        &self,
        owner: MasterId,
        done: &[(i64, Delivery)],
    ) -> Result<(), Error> {
        let mut txn = self.begin(Writing::NoticesDone).await?;
        let numbers: Vec<i64> = done.iter().map(|(number, _)| *number).collect();
        let after = |one: &Delivery| match one {
            Delivery::Sent | Delivery::GivenUp(_) => None,
            Delivery::Again(span, _) => Some(span.as_secs_f64()),
        };
        let failure = |one: &Delivery| match one {
            Delivery::Sent => None,
            Delivery::Again(_, why) | Delivery::GivenUp(why) => Some(why.replace('\0', "")),
        };
        query(
            "WITH done AS (
                UPDATE notice n SET
                    done_at = CASE WHEN x.after IS NULL THEN now() END,
                    due_at = coalesce(now() + x.after * interval '1 second', n.due_at),
                    failure = x.failure, owner = NULL
                FROM unnest($1::bigint[], $3::float8[], $4::text[]) AS x (number, after, failure)
                WHERE n.number = x.number AND n.owner = $2 AND n.done_at IS NULL
                RETURNING n.number, n.rollout_id, n.receiver, n.subject, n.attempts, n.failure, n.done_at)
             INSERT INTO rollout_event (rollout_id, what)
             SELECT rollout_id, receiver || ' was not told of \"' || subject || '\", given up after ' || attempts
                || CASE attempts WHEN 1 THEN ' try: ' ELSE ' tries: ' END || failure
             FROM done WHERE done_at IS NOT NULL AND failure IS NOT NULL ORDER BY number",
        )
        .bind(numbers)
        .bind(owner.0)
        .bind(done.iter().map(|(_, one)| after(one)).collect::<Vec<_>>())
        .bind(done.iter().map(|(_, one)| failure(one)).collect::<Vec<_>>())
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await
    }

    /// How receivers were told of a rollout.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn deliveries(&self, rollout: RolloutId) -> Result<Vec<ReceiverDeliveries>, Error> {
        let rows: Vec<(String, i64, i64, i64, Option<String>)> = query_as(
            "SELECT receiver,
                count(*) FILTER (WHERE done_at IS NOT NULL AND failure IS NULL),
                count(*) FILTER (WHERE done_at IS NULL),
                count(*) FILTER (WHERE done_at IS NOT NULL AND failure IS NOT NULL),
                (array_agg(failure ORDER BY number DESC) FILTER (WHERE failure IS NOT NULL))[1]
             FROM notice WHERE rollout_id = $1 GROUP BY receiver ORDER BY receiver",
        )
        .bind(rollout.0)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read how receivers were told", cause))?;
        let count = |count: i64| u64::try_from(count).unwrap_or_default();
        rows.into_iter()
            .map(|(receiver, sent, waiting, given_up, failure)| {
                Ok(ReceiverDeliveries {
                    receiver: batch::name(&receiver)?,
                    sent: count(sent),
                    waiting: count(waiting),
                    given_up: count(given_up),
                    failure,
                })
            })
            .collect()
    }
}

/// Keeps messages about a rollout with what they tell of. Where more than [`MOST`] wait for a receiver, the new ones are given up at once,
/// and that is told with the rollout.
pub(super) async fn keep(
    txn: &mut Txn,
    rollout: RolloutId,
    notices: &[NewNotice],
) -> Result<(), Error> {
    if notices.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = notices.iter().map(|_| Uuid::now_v7()).collect();
    let receivers: Vec<&str> = notices.iter().map(|one| one.receiver.as_str()).collect();
    let subjects: Vec<&str> =
        notices.iter().map(|one| Subject::word(one.message.subject)).collect();
    let messages: Vec<Value> =
        notices.iter().map(|one| without_nul(serde_json::json!(one.message))).collect();
    query(
        "WITH new AS (
            SELECT x.*, row_number() OVER (PARTITION BY x.receiver ORDER BY x.place)
                + (SELECT count(*) FROM notice o WHERE o.receiver = x.receiver AND o.done_at IS NULL) > $6 AS is_late
            FROM unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[])
                WITH ORDINALITY AS x (id, receiver, subject, message, place)),
         kept AS (
            INSERT INTO notice (id, rollout_id, receiver, subject, message, failure, done_at)
            SELECT id, $1, receiver, subject, message,
                CASE WHEN is_late THEN 'too many messages wait for it' END, CASE WHEN is_late THEN now() END
            FROM new ORDER BY place)
         INSERT INTO rollout_event (rollout_id, what)
         SELECT $1, receiver || ' is not told of \"' || subject || '\": too many messages wait for it'
         FROM new WHERE is_late ORDER BY place",
    )
    .bind(rollout.0)
    .bind(ids)
    .bind(receivers)
    .bind(subjects)
    .bind(messages)
    .bind(MOST)
    .execute(txn.connection())
    .await
    .map(drop)
    .map_err(txn.failed())
}

/// How many messages wait for a receiver at most.
const MOST: i64 = 1000;

#[cfg(test)]
mod tests;
