//! Looking at many LPARs: which are meant, how many at a time, and which are left alone.

use std::collections::BTreeMap;
use std::time::Duration;

use nim_shared::api::FailureKind;
use nim_shared::id::{ObjectName, OperationId};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Api;
use super::error::{Answer, Refusal};
use crate::store::object::{NamePattern, Target};

/// How many LPARs are looked at a time: each holds a connection for as long as it takes.
pub(super) const AT_A_TIME: usize = 64;

/// The pattern of all names.
const EVERY: &str = "*";

/// The LPARs that `targets` names by name, pattern or group; without any name, all.
pub(super) async fn named_or_all(api: &Api, targets: &[String]) -> Answer<Vec<Target>> {
    let every = [EVERY.to_owned()];
    let targets = if targets.is_empty() { &every[..] } else { targets };
    let mut names = Vec::new();
    for text in targets {
        let read = NamePattern::read(text);
        names.extend(read.map_err(|cause| Refusal::usage("NLU-0235", cause.to_string()))?);
    }
    Ok(api.store.expand_targets(&names).await?.lpars)
}

/// LPARs to which no login is tried, because their workload is being moved. Of however many LPARs it is asked: the database is asked
/// once in [`FRESH`].
pub(super) struct Silence {
    api: Api,
    last: Mutex<Option<(Instant, BTreeMap<ObjectName, OperationId>)>>,
}

/// How long what was seen is taken for what is.
const FRESH: Duration = Duration::from_secs(1);

impl Silence {
    pub(super) fn new(api: &Api) -> Self {
        Self { api: api.clone(), last: Mutex::new(None) }
    }

    /// Refuses where the workload of the LPAR `name`, of which `what` is wanted, is being moved.
    pub(super) async fn refuse(&self, name: &ObjectName, what: &str) -> Answer<()> {
        let mut last = self.last.lock().await;
        let seen = last.take().filter(|(at, _)| at.elapsed() < FRESH);
        let seen = match seen {
            Some(seen) => seen,
            None => (Instant::now(), self.api.store.moving().await?),
        };
        let (_, moving) = last.insert(seen);
        match moving.get(name).copied() {
            None => Ok(()),
            Some(operation) => Err(Refusal::new(
                FailureKind::Unreachable,
                "NLU-0187",
                format!("{name} was not asked: {what}"),
            )
            .because(Some(&Moved { operation }))
            .hint(format!("nimctl watch {operation}; ask again after the move"))),
        }
    }
}

/// Why an LPAR is left alone.
#[derive(Debug, thiserror::Error)]
#[error("operation {operation} is moving its workload: no login is tried")]
struct Moved {
    operation: OperationId,
}
