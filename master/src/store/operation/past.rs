//! Operations that an LPAR still has: what the database knows of them, and taking in one of which it knows nothing.
//!
//! A database that lost its last commits, or was restored from a backup, may lack an operation that an LPAR runs or ran. Its
//! journal is whole, so it is taken in as one that runs, and the next owner reads it from the first record on.

use nim_shared::frame::Position;
use nim_shared::id::{BatchId, Digest, Epoch, Fence, ObjectName, OperationId, Seq};
use nim_shared::request::Request;
use nim_shared::unit::Seconds;
use sea_orm::sqlx::{query, query_as};
use serde_json::json;
use uuid::Uuid;

use crate::engine::operation::{Event, Operation};
use crate::store::batch::seconds;
use crate::store::commit::Writing;
use crate::store::notify::Topic;
use crate::store::{Error, Store, Who, batch, bigint, unsigned};

/// What is known of an operation that an LPAR still has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The operation.
    pub id: OperationId,
    /// The LPAR that it is for.
    pub lpar: ObjectName,
    /// Digest of its request.
    pub digest: Digest,
    /// The fence under which it was commanded last.
    pub fence: Fence,
    /// The last event that is stored.
    pub position: Position,
    /// How long ago it ended, by the database's clock; `None` while it is open.
    pub ended: Option<Seconds>,
}

/// An operation that an LPAR has and the database does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Its id.
    pub id: OperationId,
    /// The LPAR that has it.
    pub lpar: ObjectName,
    /// The request as the agent took it.
    pub text: String,
    /// The same, read.
    pub request: Request,
    /// A fence that the agent has accepted.
    pub fence: Fence,
    /// How long it may stay where it is before somebody has read more of it.
    pub deadline: Seconds,
}

/// Id, LPAR, digest, fence, epoch, seq, hash, seconds since its end.
type Row = (Uuid, String, Vec<u8>, i64, i64, i64, Vec<u8>, Option<f64>);

impl Store {
    /// What is known of `ids`; those of which nothing is known are left out.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn past(&self, ids: &[OperationId]) -> Result<Vec<Past>, Error> {
        let rows: Vec<Row> = query_as(
            "SELECT id, lpar, digest, fence, epoch, seq, hash,
                CASE WHEN state NOT IN ('queued', 'dispatching', 'running', 'stuck')
                     THEN extract(epoch FROM clock_timestamp() - ended_at)::float8 END
             FROM operation WHERE id = ANY($1)",
        )
        .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look up what an LPAR still has", cause))?;
        rows.into_iter().map(read).collect()
    }

    /// Takes in an operation of which nothing is known, as one that runs and that nobody owns. Whether it was: not while another
    /// one is open on that LPAR, and not when it is known by now.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn adopt(&self, new: &Adopted, who: Who) -> Result<bool, Error> {
        let pattern = new.lpar.as_str().parse().map_err(|cause| {
            Error::unreadable(format!("the name {} as a pattern", new.lpar), cause)
        })?;
        let target = self.expand_targets(&[pattern]).await?.lpars.into_iter().next();
        let (frame, hmc) = target.map(|target| (target.frame, target.hmc)).unwrap_or_default();
        let operation = as_taken();
        let mut txn = self.begin(Writing::Adopt).await?;
        query(
            "INSERT INTO batch (id, token, digest, requested_by, request) VALUES ($1, $1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        // One batch for one adopted operation, whoever adopts it.
        .bind(BatchId(new.id.0).0)
        .bind(Digest::of(new.text.as_bytes()).0.as_slice())
        .bind(i64::from(who.uid))
        .bind(json!({ "adopted": new.id }))
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        let done = query(
            "INSERT INTO operation (id, batch_id, requested_by, lpar, frame, hmc, kind, request, digest, hash,
                                    state, detail, stage, fence, deadline, started_at)
             VALUES ($1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
                     now() + $14 * interval '1 second', now())
             ON CONFLICT DO NOTHING",
        )
        .bind(new.id.0)
        .bind(i64::from(who.uid))
        .bind(new.lpar.as_str())
        .bind(frame.as_ref().map(ObjectName::as_str))
        .bind(hmc.as_ref().map(ObjectName::as_str))
        .bind(new.request.kind.name())
        .bind(&new.text)
        .bind(Digest::of(new.text.as_bytes()).0.as_slice())
        .bind(Digest::ZERO.0.as_slice())
        .bind(operation.name().name())
        .bind(json!(operation))
        .bind(operation.state.run().map(|run| run.stage.name()))
        .bind(bigint(new.fence.0).unwrap_or(i64::MAX))
        .bind(seconds(new.deadline))
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        txn.commit().await?;
        self.hint(Topic::Work).await;
        Ok(true)
    }
}

/// The state of an operation that an agent has and of which nothing was read yet. Never one in which `start` is sent.
fn as_taken() -> Operation {
    [Event::Claimed, Event::StartCommitted, Event::Taken]
        .into_iter()
        .fold(Operation::NEW, |operation, event| {
            operation.after(event).expect("the way of every operation").0
        })
}

fn read((id, lpar, digest, fence, epoch, seq, hash, ended): Row) -> Result<Past, Error> {
    let id = OperationId(id);
    let digest_of = |bytes: Vec<u8>| {
        <[u8; 32]>::try_from(bytes)
            .map(Digest)
            .map_err(|_| Error::unreadable(format!("operation {id}"), "a digest has 32 bytes"))
    };
    Ok(Past {
        id,
        lpar: batch::name(&lpar)?,
        digest: digest_of(digest)?,
        fence: Fence(unsigned(fence)),
        position: Position {
            epoch: Epoch(unsigned(epoch)),
            seq: Seq(unsigned(seq)),
            hash: digest_of(hash)?,
        },
        ended: ended.map(whole),
    })
}

/// Whole seconds; none for a clock that was set back.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest number that there is, none below zero"
)]
fn whole(seconds: f64) -> Seconds {
    Seconds(seconds.max(0.0) as u64)
}
