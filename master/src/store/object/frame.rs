//! Frames with their HMCs: which is preferred, and in what state each was seen last.

use nim_shared::id::{ObjectName, printable};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{query, query_as};
use time::OffsetDateTime;

use crate::store::commit::Writing;
use crate::store::{Error, Store};

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
    /// All frames with their HMCs.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn frames(&self) -> Result<Vec<Frame>, Error> {
        let rows: Vec<HmcRow> = query_as(
            "SELECT f.name, c.update_limit, h.name, l.last_state, l.last_state_at
             FROM nim_cec c JOIN nim_object f ON f.id = c.object_id
                  LEFT JOIN nim_cec_hmc l ON l.cec_id = c.object_id
                  LEFT JOIN nim_object h ON h.id = l.hmc_id
             ORDER BY f.id, l.preference",
        )
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
