//! Asks HMCs about frames: which one, how often, and what is kept of the answer.
//!
//! A frame is often on two HMCs: the preferred one is asked first, then the others. Commands of one HMC run a few at a time and
//! not too often: each starts a large program there. Source: HMC reference §1.7.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use nim_shared::id::ObjectName;
use nim_shared::object::{Cec, Spec};
use tokio::sync::Semaphore;
use tracing::debug;

use super::endpoint::{self, NoEndpoint};
use super::hmc::{self, BadAnswer, FrameView, OPERATING};
use crate::store::reservation::FrameReading;
use crate::store::{self, Store};
use crate::transport::{self, Ask, Command, Exit, Transport};

/// Commands of one HMC at a time. Source: HMC reference §1.7, "2–4 concurrent commands".
const AT_A_TIME: usize = 3;

/// Commands of one HMC in a second.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(6).expect("6 is not zero");

/// How long one command may take: seconds as a rule, tens of them on a big frame.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Most output of one command: a thousand partitions have some 100 KB.
const OUTPUT_LIMIT: usize = 4 << 20;

/// Asks HMCs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Frames {
    store: Store,
    transport: Transport,
    key: PathBuf,
    limits: Arc<Mutex<HashMap<ObjectName, Arc<Limit>>>>,
}

/// What one HMC is spared.
#[derive(Debug)]
struct Limit {
    places: Semaphore,
    rate: DefaultDirectRateLimiter,
}

/// What was seen of a frame.
#[derive(Debug)]
pub enum Seen {
    /// What an HMC shows.
    View(FrameView),
    /// No HMC is known for it, or none with a host key on record: nothing can ever be seen.
    NoConsole,
    /// No HMC of it answers at this moment.
    Unreachable(String),
}

/// Why one HMC did not say.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is on record does not say how to reach it.
    #[error(transparent)]
    NoWay(#[from] NoEndpoint),
    /// It cannot be reached, or does not let us in.
    #[error(transparent)]
    Transport(#[from] transport::Error),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A command failed there.
    #[error("`{command}` failed on {hmc}: {said}")]
    Failed {
        /// The HMC.
        hmc: ObjectName,
        /// The command.
        command: String,
        /// What it said, made printable.
        said: String,
    },
    /// An answer cannot be read.
    #[error("{hmc} does not answer as an HMC does")]
    Answer {
        /// The HMC.
        hmc: ObjectName,
        /// What is wrong.
        #[source]
        cause: BadAnswer,
    },
    /// It shows the frame in a state in which nothing can be planned.
    #[error("{hmc} shows {frame} in state {state}")]
    NotOperating {
        /// The HMC.
        hmc: ObjectName,
        /// The frame.
        frame: ObjectName,
        /// The state as the HMC spells it.
        state: String,
    },
}

impl Frames {
    /// Asks over `transport` with the master's own key where an object names no other.
    #[must_use]
    pub fn new(store: Store, transport: Transport, key: PathBuf) -> Self {
        Self { store, transport, key, limits: Arc::default() }
    }

    /// Reads `frame` from the first of its HMCs that shows it, and keeps the reading.
    pub async fn look(&self, frame: &ObjectName) -> Seen {
        let cec = match self.store.object(frame).await {
            Ok(stored) => match stored.object.spec {
                Spec::Cec(cec) => cec,
                _ => return Seen::NoConsole,
            },
            Err(error) => return Seen::Unreachable(crate::telemetry::chain(&error)),
        };
        let mut last = None;
        for hmc in &cec.mgmt_source {
            match self.ask(hmc, frame, &cec).await {
                Ok(view) => return Seen::View(view),
                Err(Error::Transport(transport::Error::HostKeyUnknown { .. })) => {}
                Err(error) => {
                    debug!(frame.name = %frame, hmc.name = %hmc, "{}", crate::telemetry::chain(&error));
                    last = Some(crate::telemetry::chain(&error));
                }
            }
        }
        last.map_or(Seen::NoConsole, Seen::Unreachable)
    }

    /// Reads `frame` from one HMC, and keeps the reading with the time before the first question.
    async fn ask(
        &self,
        hmc: &ObjectName,
        frame: &ObjectName,
        cec: &Cec,
    ) -> Result<FrameView, Error> {
        let limit = self.limit(hmc);
        let endpoint = endpoint::stored(&self.store, hmc, &self.key).await?;
        let read_at = self.store.now().await?;
        let connection = self.transport.connect(&endpoint).await?;
        let mut answers: hmc::FrameAnswers = Default::default();
        for (words, answer) in hmc::questions(cec).iter().zip(&mut answers) {
            let _place = limit.places.acquire().await.expect("never closed");
            limit.rate.until_ready().await;
            *answer = run(&connection, hmc, words).await?;
        }
        connection.close().await;
        let view = FrameView::read(cec, &answers, read_at)
            .map_err(|cause| Error::Answer { hmc: hmc.clone(), cause })?;
        self.store.hmc_state(frame, hmc, &view.state).await?;
        if let Some(reading) = view.reading {
            let surrogates = view.surrogates().map(ToOwned::to_owned).collect();
            self.store.record_reading(frame, &FrameReading { reading, surrogates }).await?;
        }
        if view.state == OPERATING {
            Ok(view)
        } else {
            Err(Error::NotOperating { hmc: hmc.clone(), frame: frame.clone(), state: view.state })
        }
    }

    fn limit(&self, hmc: &ObjectName) -> Arc<Limit> {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let rate = RateLimiter::direct(Quota::per_second(PER_SECOND));
            Arc::new(Limit { places: Semaphore::new(AT_A_TIME), rate })
        };
        Arc::clone(limits.entry(hmc.clone()).or_insert_with(new))
    }
}

/// Runs one command on an HMC.
async fn run(
    connection: &transport::Connection,
    hmc: &ObjectName,
    words: &[String],
) -> Result<String, Error> {
    let failed = |said: String| Error::Failed { hmc: hmc.clone(), command: words.join(" "), said };
    let command = Command::restricted(words).map_err(|bad| failed(bad.to_string()))?;
    let ask = Ask { stdin: Vec::new(), stdout_limit: OUTPUT_LIMIT, time_limit: TIME_LIMIT };
    let answer = connection.run(&command, ask).await?;
    let stdout = String::from_utf8_lossy(&answer.stdout).into_owned();
    if answer.exit == Exit::Status(0) {
        return Ok(stdout);
    }
    // Errors stand on stdout on most levels, on stderr on some.
    let said = stdout + &String::from_utf8_lossy(&answer.stderr.bytes);
    Err(failed(nim_shared::id::printable(said.trim())))
}
