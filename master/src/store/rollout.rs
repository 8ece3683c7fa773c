//! What a rollout is planned with: LPARs, what frames have promised, how earlier updates came out. A few queries, whatever the
//! number of LPARs.

mod fixed;
mod past;
mod run;
mod stands;
mod started;
mod step;
mod watch;

pub(in crate::store) use fixed::Lately;
pub use past::PastEnd;
pub use run::{Happened, NewRollout, Rollout, Turn};
pub use started::{Asked, Closed, Last, Reports, Started};
pub use watch::Watched;

use std::collections::{BTreeMap, BTreeSet};

use nim_shared::capacity::Shape;
use nim_shared::id::{LparId, ObjectName, OperationId};
use nim_shared::level::Level;
use nim_shared::operation::{Blackout, StateName};
use nim_shared::unit::{ProcessorUnits, Seconds};
use sea_orm::sqlx::{query_as, types::Json};
use serde_json::Value;
use uuid::Uuid;

use super::{Error, Store, batch};

/// An LPAR as far as the targets of a rollout say something of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: ObjectName,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Groups that it is in; one that leaves it out does not count.
    pub groups: BTreeSet<ObjectName>,
    /// Its frame.
    pub frame: Option<ObjectName>,
    /// Name of its partition.
    pub partition: String,
    /// Id of its partition.
    pub identity: Option<LparId>,
    /// Its level, as its HMC showed it last.
    pub level: Option<Level>,
}

/// An update that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastUpdate {
    /// Of this LPAR.
    pub lpar: ObjectName,
    /// What was estimated for the whole.
    pub estimated: Option<Seconds>,
    /// How long it took from when the agent took it.
    pub took: Seconds,
    /// How long the workload stood still, and what was estimated for that.
    pub blackout: Blackout,
}

/// Name, labels, frame, partition, its id, level, groups.
type CandidateRow = (
    String,
    Json<BTreeMap<String, String>>,
    Option<String>,
    String,
    Option<i64>,
    Option<i64>,
    Vec<String>,
);

impl Store {
    /// All LPARs.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn rollout_candidates(&self) -> Result<Vec<Candidate>, Error> {
        let rows: Vec<CandidateRow> = query_as(
            "SELECT o.name, o.labels, f.name, coalesce(s.partition, o.name), s.identity, p.level,
                ARRAY(SELECT g.name FROM nim_mac_group_member l JOIN nim_object g ON g.id = l.group_id
                      WHERE l.member_id = o.id AND NOT l.excluded)
             FROM nim_object o JOIN nim_standalone s ON s.object_id = o.id
                  LEFT JOIN nim_object f ON f.id = s.cec_id
                  LEFT JOIN frame_partition p ON p.cec_id = s.cec_id AND p.name = coalesce(s.partition, o.name)
             ORDER BY o.name",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read the LPARs", cause))?;
        rows.into_iter()
            .map(|(name, Json(labels), frame, partition, identity, level, groups)| {
                let identity = identity.map(|id| id.to_string().parse()).transpose();
                Ok(Candidate {
                    identity: identity.map_err(|cause| {
                        Error::unreadable(format!("the partition id of {name}"), cause)
                    })?,
                    name: batch::name(&name)?,
                    labels,
                    groups: groups.iter().map(|one| batch::name(one)).collect::<Result<_, _>>()?,
                    frame: frame.as_deref().map(batch::name).transpose()?,
                    partition,
                    level: level.and_then(Level::of_number),
                })
            })
            .collect()
    }

    /// The names of all groups of machines, those without members among them.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn group_names(&self) -> Result<BTreeSet<String>, Error> {
        let rows: Vec<(String,)> =
            query_as("SELECT o.name FROM nim_mac_group g JOIN nim_object o ON o.id = g.object_id")
                .fetch_all(&self.pool)
                .await
                .map_err(|cause| Error::sqlx("read the groups", cause))?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }

    /// The operations that are open on these LPARs.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn open_operations(
        &self,
        lpars: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, (OperationId, StateName)>, Error> {
        let rows: Vec<(String, Uuid, String)> = query_as(
            "SELECT lpar, id, state FROM operation
             WHERE lpar = ANY($1) AND state IN ('queued', 'dispatching', 'running', 'stuck')",
        )
        .bind(texts(lpars))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look for open operations", cause))?;
        open(rows)
    }

    /// The operations that are open on LPARs and change them: not those that only look.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn open_changes(
        &self,
    ) -> Result<BTreeMap<ObjectName, (OperationId, StateName)>, Error> {
        let rows: Vec<(String, Uuid, String)> = query_as(
            "SELECT lpar, id, state FROM operation
             WHERE state IN ('queued', 'dispatching', 'running', 'stuck')
               AND kind NOT IN ('preview', 'install_preview', 'maint_preview', 'snap')",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look for what is being changed", cause))?;
        open(rows)
    }

    /// What the partitions of these frames have, by the partition's name, as it was read last.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn frame_shapes(
        &self,
        frames: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, BTreeMap<String, Shape>>, Error> {
        let rows: Vec<(String, Json<BTreeMap<String, Shape>>)> = query_as(
            "SELECT o.name, coalesce(r.reading->'shapes', '{}') FROM frame_reading r JOIN nim_object o ON o.id = r.cec_id
             WHERE o.name = ANY($1)",
        )
        .bind(texts(frames))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what partitions have", cause))?;
        rows.into_iter().map(|(name, Json(shapes))| Ok((batch::name(&name)?, shapes))).collect()
    }

    /// What is free in the shared pools of processors of those of these frames that have some with a limit, by frame and number.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn frame_pools(
        &self,
        frames: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, BTreeMap<u32, ProcessorUnits>>, Error> {
        let rows: Vec<(String, Json<BTreeMap<u32, ProcessorUnits>>)> = query_as(
            "SELECT o.name, r.reading->'pools' FROM frame_reading r JOIN nim_object o ON o.id = r.cec_id
             WHERE o.name = ANY($1) AND r.reading->'pools' <> '{}'",
        )
        .bind(texts(frames))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what pools of frames have", cause))?;
        rows.into_iter().map(|(name, Json(pools))| Ok((batch::name(&name)?, pools))).collect()
    }

    /// The HMCs whose objects say how many updates may run at a time.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn hmc_limits(&self) -> Result<BTreeMap<ObjectName, u32>, Error> {
        let rows: Vec<(String, i64)> = query_as(
            "SELECT o.name, h.update_limit FROM nim_hmc h JOIN nim_object o ON o.id = h.object_id
             WHERE h.update_limit IS NOT NULL",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read the limits of HMCs", cause))?;
        rows.into_iter()
            .map(|(name, limit)| {
                Ok((batch::name(&name)?, u32::try_from(limit).unwrap_or(u32::MAX)))
            })
            .collect()
    }

    /// What was estimated last on each of these LPARs: for the whole, and for the standstill.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn estimates(
        &self,
        lpars: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, (Option<Seconds>, Option<Seconds>)>, Error> {
        let rows: Vec<(String, Option<i64>, Option<i64>)> = query_as(
            "SELECT DISTINCT ON (lpar) lpar, estimated_total_seconds, estimated_blackout_seconds FROM operation
             WHERE lpar = ANY($1)
               AND (estimated_total_seconds IS NOT NULL OR estimated_blackout_seconds IS NOT NULL)
             ORDER BY lpar, id DESC",
        )
        .bind(texts(lpars))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what was estimated last", cause))?;
        let seconds = |found: Option<i64>| Some(Seconds(u64::try_from(found?).ok()?));
        rows.into_iter()
            .map(|(lpar, total, blackout)| {
                Ok((batch::name(&lpar)?, (seconds(total), seconds(blackout))))
            })
            .collect()
    }

    /// The newest updates that succeeded, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn past_updates(&self, limit: u32) -> Result<Vec<PastUpdate>, Error> {
        let rows: Vec<(String, i64, Option<Value>, Option<Value>)> = query_as(
            "SELECT lpar, extract(epoch FROM ended_at - started_at)::bigint, report->'blackout',
                report->'estimated_total' FROM operation
             WHERE kind = 'update' AND state = 'succeeded' AND ended_at > started_at
             ORDER BY id DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read how earlier updates came out", cause))?;
        rows.into_iter()
            .map(|(lpar, took, blackout, estimated)| {
                let unreadable =
                    |cause| Error::unreadable(format!("the report of an update of {lpar}"), cause);
                let blackout = blackout.map(serde_json::from_value).transpose();
                let estimated = estimated.map(serde_json::from_value).transpose();
                Ok(PastUpdate {
                    lpar: batch::name(&lpar)?,
                    estimated: estimated.map_err(unreadable)?.flatten(),
                    took: Seconds(u64::try_from(took).unwrap_or(0)),
                    blackout: blackout.map_err(unreadable)?.unwrap_or_default(),
                })
            })
            .collect()
    }
}

fn texts<'a>(names: &[&'a ObjectName]) -> Vec<&'a str> {
    names.iter().map(|name| name.as_str()).collect()
}

/// LPARs with an operation and its state.
fn open(
    rows: Vec<(String, Uuid, String)>,
) -> Result<BTreeMap<ObjectName, (OperationId, StateName)>, Error> {
    rows.into_iter()
        .map(|(lpar, id, state)| {
            let state = state
                .parse()
                .map_err(|cause| Error::unreadable(format!("operation {id}"), cause))?;
            Ok((batch::name(&lpar)?, (OperationId(id), state)))
        })
        .collect()
}

#[cfg(test)]
mod tests;
