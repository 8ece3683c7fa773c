//! Frames with their HMCs: which is preferred, and in what state each was seen last.

use std::collections::BTreeMap;

use nim_shared::id::{ObjectName, printable};
use nim_shared::object::Object;
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{AssertSqlSafe, query, query_as, query_scalar};
use time::OffsetDateTime;

use super::stored;
use crate::store::commit::Writing;
use crate::store::entity::{self, object::Model};
use crate::store::{Error, Store, batch};

/// A frame, as far as limits and HMCs go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The frame.
    pub name: ObjectName,
    /// Most Live Updates at a time on it, where its object says so.
    pub limit: Option<u32>,
    /// Its HMCs, the preferred one first.
    pub hmcs: Vec<FrameHmc>,
}

/// An HMC of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameHmc {
    /// The HMC.
    pub name: ObjectName,
    /// The connection state that it showed last for this frame, such as `Operating`; `None` when it was never asked.
    pub last_state: Option<String>,
    /// When that was.
    pub last_state_at: Option<Timestamp>,
}

/// A frame as an HMC has just shown it.
#[derive(Clone, Debug)]
pub struct Sighting<'a> {
    /// The HMC.
    pub hmc: &'a ObjectName,
    /// The frame: machine type, model and serial number, `9105-42A*78ABCDE`.
    pub mtms: String,
    /// How the HMC stands to it: `Operating`, `No Connection`, …
    pub state: &'a str,
}

/// HMC, its state, and when it had it.
type HmcRow = (String, Option<i64>, Option<String>, Option<String>, Option<OffsetDateTime>);

impl Store {
    /// Frames with their HMCs: all of them, or those of these names.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn frames(&self, names: Option<&[&ObjectName]>) -> Result<Vec<Frame>, Error> {
        let names: Option<Vec<&str>> =
            names.map(|names| names.iter().map(|name| name.as_str()).collect());
        let rows: Vec<HmcRow> = query_as(
            "SELECT f.name, c.update_limit, h.name, l.last_state, l.last_state_at
             FROM nim_cec c JOIN nim_object f ON f.id = c.object_id
                  LEFT JOIN nim_cec_hmc l ON l.cec_id = c.object_id
                  LEFT JOIN nim_object h ON h.id = l.hmc_id
             WHERE $1::text[] IS NULL OR f.name = ANY($1)
             ORDER BY f.id, l.preference",
        )
        .bind(names)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("list the frames", cause))?;
        let read = |text: &str| {
            text.parse::<ObjectName>()
                .map_err(|cause| Error::unreadable("the name of a frame or an HMC", cause))
        };
        let mut frames: Vec<Frame> = Vec::new();
        for (frame, limit, hmc, last_state, last_state_at) in rows {
            if frames.last().is_none_or(|last| last.name.as_str() != frame) {
                let limit = limit.and_then(|limit| u32::try_from(limit).ok());
                frames.push(Frame { name: read(&frame)?, limit, hmcs: Vec::new() });
            }
            if let (Some(frame), Some(hmc)) = (frames.last_mut(), hmc) {
                frame.hmcs.push(FrameHmc {
                    name: read(&hmc)?,
                    last_state,
                    last_state_at: last_state_at.map(Timestamp::new),
                });
            }
        }
        Ok(frames)
    }

    /// The names of the frames that are called so or have an HMC that is, all where there are no names: those of one preferred HMC
    /// together, those without one last.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn frames_by_hmc(&self, names: &[ObjectName]) -> Result<Vec<ObjectName>, Error> {
        let found: Vec<String> = query_scalar(
            "SELECT f.name FROM nim_cec c JOIN nim_object f ON f.id = c.object_id
             WHERE cardinality($1::text[]) = 0 OR f.name = ANY($1) OR EXISTS (
                SELECT FROM nim_cec_hmc l JOIN nim_object h ON h.id = l.hmc_id
                WHERE l.cec_id = c.object_id AND h.name = ANY($1))
             ORDER BY (SELECT l.hmc_id FROM nim_cec_hmc l WHERE l.cec_id = c.object_id
                       ORDER BY l.preference LIMIT 1) NULLS LAST, f.id",
        )
        .bind(names.iter().map(ObjectName::as_str).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("list the frames", cause))?;
        found.iter().map(|name| batch::name(name)).collect()
    }

    /// The frames of these names, with the VIOSes and LPARs on them, in the order in which they were made.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn objects_on(&self, frames: &[&ObjectName]) -> Result<Vec<Object>, Error> {
        let ids = "ARRAY(SELECT id FROM nim_object WHERE name = ANY($1))";
        let sql = format!(
            "SELECT * FROM nim_object_spec WHERE id = ANY(ARRAY(
                SELECT object_id FROM nim_standalone WHERE cec_id = ANY({ids})
                UNION ALL SELECT object_id FROM nim_vios WHERE cec_id = ANY({ids})
                UNION ALL SELECT object_id FROM nim_cec WHERE object_id = ANY({ids})))
             ORDER BY id"
        );
        let rows = query(AssertSqlSafe(sql))
            .bind(frames.iter().map(|frame| frame.as_str()).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await
            .map_err(|cause| Error::sqlx("read what is on frames", cause))?;
        let rows: Vec<Model> = entity::read("an object", rows)?;
        rows.into_iter().map(|row| Ok(stored(row)?.object)).collect()
    }

    /// The preferred HMC of each of these frames that has one.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn preferred_hmcs(
        &self,
        frames: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, ObjectName>, Error> {
        let frames = self.frames(Some(frames)).await?.into_iter();
        Ok(frames.filter_map(|one| Some((one.name, one.hmcs.into_iter().next()?.name))).collect())
    }

    /// Notes in which states HMCs showed frames. What is not on record (any more) is left out.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn hmc_states(&self, seen: &[Sighting<'_>]) -> Result<(), Error> {
        let mut txn = self.begin(Writing::HmcState).await?;
        query(
            "UPDATE nim_cec_hmc l SET last_state = x.state, last_state_at = now()
             FROM unnest($1::text[], $2::text[], $3::text[]) AS x (hmc, mtms, state), nim_cec c, nim_object h
             WHERE c.hw_type || '-' || c.hw_model || '*' || c.hw_serial = x.mtms AND h.name = x.hmc
               AND l.cec_id = c.object_id AND l.hmc_id = h.id",
        )
        .bind(seen.iter().map(|one| one.hmc.as_str()).collect::<Vec<_>>())
        .bind(seen.iter().map(|one| one.mtms.as_str()).collect::<Vec<_>>())
        .bind(seen.iter().map(|one| printable(one.state)).collect::<Vec<_>>())
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await
    }
}
