//! Rollouts that were started: each with its orders and where it stands. Whoever changes one names the version that it has seen: of two
//! that change it at once, one looks again.

use std::sync::Arc;

use nim_rollout::plan::Plan;
use nim_rollout::run::{Orders, Phase, Recorded, State};
use nim_shared::id::{ClientToken, MasterId, ObjectName, RolloutId};
use nim_shared::stamp::Timestamp;
use nim_shared::ticket::Ticket;
use sea_orm::sqlx::types::Json;
use sea_orm::sqlx::{AssertSqlSafe, query, query_as, query_scalar};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::store::commit::{Txn, Writing};
use crate::store::notice::{self, NewNotice};
use crate::store::notify::Topic;
use crate::store::{Error, Store, Who, batch};

use super::fixed::Fixed;
use super::step;

/// A rollout that is to run.
#[derive(Debug)]
pub struct NewRollout<'a> {
    /// Its id.
    pub id: RolloutId,
    /// Chosen by the client.
    pub token: ClientToken,
    /// Its name: one at a time.
    pub name: &'a ObjectName,
    /// Name of its file.
    pub file_name: &'a str,
    /// The file.
    pub file: &'a str,
    /// The plan.
    pub plan: &'a Plan,
    /// What it keeps to.
    pub orders: &'a Orders,
    /// Where it stands.
    pub state: &'a State,
    /// What led there.
    pub recorded: &'a Recorded,
    /// Who started it.
    pub who: Who,
    /// The ticket under which that is done.
    pub ticket: Option<&'a Ticket>,
    /// Who is told of it.
    pub notices: Vec<NewNotice>,
}

/// A rollout as it is kept.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// Its id.
    pub id: RolloutId,
    /// Its name.
    pub name: ObjectName,
    /// Name of its file.
    pub file_name: String,
    /// The file.
    pub file: Arc<str>,
    /// The plan.
    pub plan: Arc<Plan>,
    /// What it keeps to.
    pub orders: Arc<Orders>,
    /// When its plan begins: what it counts its seconds from.
    pub begin: Timestamp,
    /// Where it stands.
    pub state: State,
    /// Since when it is in this phase, at this wave and its gate.
    pub since: Timestamp,
    /// Rises with each change.
    pub version: i64,
    /// Whether those that run are cancelled, since it was aborted so.
    pub cancels: bool,
    /// Who started it.
    pub requested_by: Who,
    /// Under which ticket.
    pub ticket: Option<Ticket>,
    /// When.
    pub created_at: Timestamp,
    /// When all of its targets had their end.
    pub ended_at: Option<Timestamp>,
}

/// Something that was done with a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// By whom; `None` for nimd itself.
    pub by: Option<Who>,
    /// What, in a sentence.
    pub what: String,
    /// Under which ticket.
    pub ticket: Option<Ticket>,
}

/// A change of a rollout.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Where it stands now.
    pub state: &'a State,
    /// What led there.
    pub recorded: &'a Recorded,
    /// Whether those that run are cancelled from now on.
    pub cancels: bool,
    /// The ticket under which that is done.
    pub ticket: Option<Ticket>,
    /// Whoever did it, and what.
    pub happened: Vec<(Option<Who>, String)>,
    /// Who is told of it.
    pub notices: Vec<NewNotice>,
}

/// Columns of a rollout that are read each time.
const COLUMNS: &str = "id, name, file_name, begin_at, state, stands_since, version, cancels, requested_by, ticket, created_at, ended_at";

/// Those.
#[derive(sea_orm::FromQueryResult)]
struct Row {
    id: Uuid,
    name: String,
    file_name: String,
    begin_at: OffsetDateTime,
    state: Value,
    stands_since: OffsetDateTime,
    version: i64,
    cancels: bool,
    requested_by: i64,
    ticket: Option<String>,
    created_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
}

impl Store {
    /// Keeps a rollout, once for its token. `None` when another one of this name is under way.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollout_start(&self, new: &NewRollout<'_>) -> Result<Option<RolloutId>, Error> {
        let mut txn = self.begin(Writing::RolloutStart).await?;
        let before: Option<Uuid> = query_scalar("SELECT id FROM rollout WHERE token = $1")
            .bind(new.token.0)
            .fetch_optional(txn.connection())
            .await
            .map_err(txn.failed())?;
        if let Some(before) = before {
            return Ok(Some(RolloutId(before)));
        }
        let made: Option<Uuid> = query_scalar(
            "INSERT INTO rollout (id, token, name, file_name, file, plan, orders, fingerprint, begin_at, state, phase,
                requested_by, ticket)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (name) WHERE ended_at IS NULL DO NOTHING RETURNING id",
        )
        .bind(new.id.0)
        .bind(new.token.0)
        .bind(new.name.as_str())
        .bind(new.file_name)
        .bind(new.file)
        .bind(json!(new.plan))
        .bind(json!(new.orders))
        .bind(new.plan.fingerprint.0.as_slice())
        .bind(new.plan.begin.get())
        .bind(json!(new.state))
        .bind(new.state.phase.name())
        .bind(i64::from(new.who.uid))
        .bind(new.ticket.map(Ticket::as_str))
        .fetch_optional(txn.connection())
        .await
        .map_err(txn.failed())?;
        let Some(made) = made else { return Ok(None) };
        let happened = [(Some(new.who), "planned and started".to_owned())];
        note(&mut txn, new.id, new.ticket, &happened).await?;
        notice::keep(&mut txn, new.id, &new.notices).await?;
        step::keep(&mut txn, new.id, 1, new.recorded).await?;
        txn.commit().await?;
        self.hint(Topic::Work).await;
        Ok(Some(RolloutId(made)))
    }

    /// A rollout: the one that is called so and has not ended, or was started last; or the one with this id.
    ///
    /// # Errors
    /// [`Error::NoSuchRollout`].
    pub async fn rollout(&self, called: &str) -> Result<Rollout, Error> {
        let rows = query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM rollout WHERE name = $1 OR id::text = $1
             ORDER BY ended_at IS NULL DESC, id DESC LIMIT 1"
        )))
        .bind(called)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read a rollout", cause))?;
        let rows: Vec<Row> = crate::store::entity::read("a rollout", rows)?;
        let row = rows.into_iter().next();
        self.read(row.ok_or_else(|| Error::NoSuchRollout { called: called.to_owned() })?).await
    }

    /// The rollout that has this LPAR among its targets: the one that has not ended, or was started last.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollout_of(&self, lpar: &ObjectName) -> Result<Option<Rollout>, Error> {
        let rows = query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM rollout
             WHERE orders->'targets' @> jsonb_build_array(jsonb_build_object('lpar', $1::text))
             ORDER BY ended_at IS NULL DESC, id DESC LIMIT 1"
        )))
        .bind(lpar.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look for the rollout of an LPAR", cause))?;
        let rows: Vec<Row> = crate::store::entity::read("a rollout", rows)?;
        match rows.into_iter().next() {
            Some(row) => self.read(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The rollout of this name that has not ended.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollout_open(&self, name: &ObjectName) -> Result<Option<RolloutId>, Error> {
        let id: Option<Uuid> =
            query_scalar("SELECT id FROM rollout WHERE name = $1 AND ended_at IS NULL")
                .bind(name.as_str())
                .fetch_optional(&self.pool)
                .await
                .map_err(|cause| Error::sqlx("look for a rollout", cause))?;
        Ok(id.map(RolloutId))
    }

    /// Whether a rollout starts what may be started, as it stands now.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollout_starts(&self, id: RolloutId) -> Result<bool, Error> {
        query_scalar("SELECT phase = $2 FROM rollout WHERE id = $1")
            .bind(id.0)
            .bind(Phase::Running.name())
            .fetch_one(&self.pool)
            .await
            .map_err(|cause| Error::sqlx("look whether a rollout starts anything", cause))
    }

    /// Where a rollout stands now, its version, and whether those that run are cancelled.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollout_state(&self, id: RolloutId) -> Result<(State, i64, bool), Error> {
        let (state, version, cancels): (Json<State>, i64, bool) =
            query_as("SELECT state, version, cancels FROM rollout WHERE id = $1")
                .bind(id.0)
                .fetch_one(&self.pool)
                .await
                .map_err(|cause| Error::sqlx("read where a rollout stands", cause))?;
        Ok((state.0, version, cancels))
    }

    /// The newest rollouts.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollouts(&self, limit: u32) -> Result<Vec<Rollout>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM rollout ORDER BY id DESC LIMIT $1");
        let rows = query(AssertSqlSafe(sql))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(|cause| Error::sqlx("list the rollouts", cause))?;
        let rows: Vec<Row> = crate::store::entity::read("a rollout", rows)?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            all.push(self.read(row).await?);
        }
        Ok(all)
    }

    /// The rollout of a row, with what does not change of it.
    async fn read(&self, row: Row) -> Result<Rollout, Error> {
        let fixed = self.fixed(RolloutId(row.id)).await?;
        read(row, fixed)
    }

    /// The rollouts that are `owner`'s to drive: those that nobody drives whose lease is good become its own.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollouts_to_drive(&self, owner: MasterId) -> Result<Vec<RolloutId>, Error> {
        let failed = |cause| Error::sqlx("look for rollouts", cause);
        let lapsed: bool = query_scalar(
            "SELECT EXISTS (SELECT FROM rollout r WHERE ended_at IS NULL AND owner IS DISTINCT FROM $1 AND NOT EXISTS
                (SELECT FROM master m WHERE m.id = r.owner AND m.lease_until >= clock_timestamp()))",
        )
        .bind(owner.0)
        .fetch_one(&self.pool)
        .await
        .map_err(failed)?;
        if lapsed {
            let mut txn = self.begin(Writing::RolloutDrive).await?;
            query(
                "UPDATE rollout r SET owner = $1 WHERE ended_at IS NULL AND owner IS DISTINCT FROM $1 AND NOT EXISTS
                    (SELECT FROM master m WHERE m.id = r.owner AND m.lease_until >= clock_timestamp())",
            )
            .bind(owner.0)
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
            txn.commit().await?;
        }
        let ids: Vec<Uuid> = query_scalar(
            "SELECT id FROM rollout WHERE ended_at IS NULL AND owner = $1 ORDER BY id",
        )
        .bind(owner.0)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        Ok(ids.into_iter().map(RolloutId).collect())
    }

    /// Keeps what became of a rollout. Whether it was still as it was at `version`; if not, nothing is kept. Nor does one that has ended go
    /// on while another of its name does.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollout_turn(
        &self,
        id: RolloutId,
        version: i64,
        turn: &Turn<'_>,
    ) -> Result<bool, Error> {
        let mut txn = self.begin(Writing::RolloutTurn).await?;
        let ended = turn.state.phase == Phase::Ended;
        let done = query(
            "UPDATE rollout SET state = $3, phase = $4, cancels = $5, version = version + 1, changed_at = now(),
                stands_since = CASE WHEN (state->'phase', state->'wave', state->'gate') IS NOT DISTINCT FROM
                    ($3->'phase', $3->'wave', $3->'gate') THEN stands_since ELSE now() END,
                ended_at = CASE WHEN $6 THEN coalesce(ended_at, now()) END
             WHERE id = $1 AND version = $2 AND ($6 OR ended_at IS NULL OR NOT EXISTS
                (SELECT FROM rollout o WHERE o.name = rollout.name AND o.ended_at IS NULL))",
        )
        .bind(id.0)
        .bind(version)
        .bind(json!(turn.state))
        .bind(turn.state.phase.name())
        .bind(turn.cancels)
        .bind(ended)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        note(&mut txn, id, turn.ticket.as_ref(), &turn.happened).await?;
        notice::keep(&mut txn, id, &turn.notices).await?;
        step::keep(&mut txn, id, version + 1, turn.recorded).await?;
        txn.commit().await?;
        self.hint(Topic::Work).await;
        Ok(true)
    }

    /// The newest of what was done with a rollout.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollout_events(&self, id: RolloutId, limit: u32) -> Result<Vec<Happened>, Error> {
        let rows: Vec<HappenedRow> = query_as(
            "SELECT number, at, by_uid, what, ticket FROM rollout_event WHERE rollout_id = $1 ORDER BY number DESC LIMIT $2",
        )
        .bind(id.0)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what was done with a rollout", cause))?;
        rows.into_iter().map(happened).collect()
    }
}

async fn note(
    txn: &mut Txn,
    id: RolloutId,
    ticket: Option<&Ticket>,
    happened: &[(Option<Who>, String)],
) -> Result<(), Error> {
    if happened.is_empty() {
        return Ok(());
    }
    query(
        "INSERT INTO rollout_event (rollout_id, by_uid, what, ticket)
         SELECT $1, x.by_uid, x.what, $4 FROM unnest($2::bigint[], $3::text[]) AS x (by_uid, what)",
    )
    .bind(id.0)
    .bind(happened.iter().map(|(by, _)| by.map(|who| i64::from(who.uid))).collect::<Vec<_>>())
    .bind(happened.iter().map(|(_, what)| what.as_str()).collect::<Vec<_>>())
    .bind(ticket.map(Ticket::as_str))
    .execute(txn.connection())
    .await
    .map(drop)
    .map_err(txn.failed())
}

/// Number, when, by whom, what, and the ticket.
pub(super) type HappenedRow = (i64, OffsetDateTime, Option<i64>, String, Option<String>);

pub(super) fn happened((_, at, by, what, under): HappenedRow) -> Result<Happened, Error> {
    let ticket = under.as_deref().map(ticket).transpose()?;
    Ok(Happened { at: Timestamp::new(at), by: by.map(who), what, ticket })
}

fn ticket(text: &str) -> Result<Ticket, Error> {
    text.parse().map_err(|cause| Error::unreadable("a ticket", cause))
}

fn who(uid: i64) -> Who {
    Who { uid: u32::try_from(uid).unwrap_or(u32::MAX) }
}

fn read(row: Row, Fixed { file, plan, orders }: Fixed) -> Result<Rollout, Error> {
    let id = RolloutId(row.id);
    let unreadable = |cause| Error::unreadable(format!("the rollout {id}"), cause);
    Ok(Rollout {
        id,
        name: batch::name(&row.name)?,
        file_name: row.file_name,
        file,
        plan,
        orders,
        begin: Timestamp::new(row.begin_at),
        state: serde_json::from_value(row.state).map_err(unreadable)?,
        since: Timestamp::new(row.stands_since),
        version: row.version,
        cancels: row.cancels,
        requested_by: who(row.requested_by),
        ticket: row.ticket.as_deref().map(ticket).transpose()?,
        created_at: Timestamp::new(row.created_at),
        ended_at: row.ended_at.map(Timestamp::new),
    })
}
