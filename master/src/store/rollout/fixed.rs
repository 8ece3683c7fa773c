//! What does not change of a rollout: its file, its plan and its orders. Of many LPARs these are megabytes, and whoever watches one asks each
//! second how it stands: those of the rollouts that were asked for last are kept in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use nim_rollout::plan::Plan;
use nim_rollout::run::Orders;
use nim_shared::id::RolloutId;
use sea_orm::sqlx::query_as;
use sea_orm::sqlx::types::Json;

use crate::store::{Error, Store};

/// Of how many rollouts it is kept: few are under way at a time, and more than these are not watched.
pub(super) const KEPT: usize = 4;

/// What does not change of a rollout.
#[derive(Clone, Debug)]
pub(super) struct Fixed {
    pub(super) file: Arc<str>,
    pub(super) plan: Arc<Plan>,
    pub(super) orders: Arc<Orders>,
}

/// Those of the rollouts that were asked for last, the last one at the end.
#[derive(Debug, Default)]
pub(in crate::store) struct Lately(Mutex<VecDeque<(RolloutId, Fixed)>>);

impl Lately {
    fn get(&self, id: RolloutId) -> Option<Fixed> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(of, _)| *of == id)?;
        let found = kept.remove(at)?;
        kept.push_back(found.clone());
        Some(found.1)
    }

    fn keep(&self, id: RolloutId, fixed: &Fixed) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, _)| *of != id);
        kept.push_back((id, fixed.clone()));
        while kept.len() > KEPT {
            kept.pop_front();
        }
    }
}

impl Store {
    /// What does not change of the rollout of this id, which is there.
    pub(super) async fn fixed(&self, id: RolloutId) -> Result<Fixed, Error> {
        if let Some(fixed) = self.lately.get(id) {
            return Ok(fixed);
        }
        let (file, Json(plan), Json(orders)): (String, Json<Plan>, Json<Orders>) =
            query_as("SELECT file, plan, orders FROM rollout WHERE id = $1")
                .bind(id.0)
                .fetch_one(&self.pool)
                .await
                .map_err(|cause| Error::sqlx("read the plan of a rollout", cause))?;
        let fixed = Fixed { file: file.into(), plan: Arc::new(plan), orders: Arc::new(orders) };
        self.lately.keep(id, &fixed);
        Ok(fixed)
    }
}
