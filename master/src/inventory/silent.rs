//! Asks HMCs that did not answer again: nobody else would, as long as what needs them waits for them.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use nim_shared::id::ObjectName;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::console::Consoles;
use super::refresh::Tried;

/// HMCs that are tried at a time.
const AT_A_TIME: usize = 8;

/// Pause between two looks for those that are due.
const LOOK: Duration = Duration::from_secs(5);

/// Longest pause before one is tried again.
const MOST: Duration = Duration::from_secs(60);

/// Tries each that is silent, soon and then ever later, until `stop`. To be let in is an answer.
pub async fn run(consoles: Consoles, stop: CancellationToken) {
    let mut tried: HashMap<ObjectName, Tried> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let silent = consoles.health().silent();
        tried.retain(|hmc, _| silent.contains(hmc));
        let now = Instant::now();
        let is_due = |hmc: &ObjectName| tried.get(hmc).is_none_or(|last| last.is_due(now, MOST));
        let due: Vec<ObjectName> = silent.into_iter().filter(is_due).collect();
        let asked = futures::stream::iter(due).map(async |hmc| {
            let answers = consoles.answers(&hmc).await;
            (hmc, answers)
        });
        let mut asked = asked.buffer_unordered(AT_A_TIME);
        loop {
            let (hmc, answers) = tokio::select! {
                () = stop.cancelled() => return,
                next = asked.next() => match next {
                    Some(one) => one,
                    None => break,
                },
            };
            if answers {
                info!(hmc.name = %hmc, "{hmc} answers again");
            }
            let last = tried.entry(hmc).or_insert_with(|| Tried::first(now));
            last.again(now, answers);
        }
    }
}
