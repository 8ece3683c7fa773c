//! Commands on HMCs: a few at a time and not too often, for each starts a large program there. Source: HMC reference §1.7.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use nim_shared::id::ObjectName;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::endpoint::{self, NoEndpoint};
use super::failover::{Health, Heard};
use crate::store::Store;
use crate::transport::{self, Ask, Command, Connection, Exit, Transport};

/// How long one command may take: seconds as a rule, tens of them on a big frame.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Most output of one command: a thousand partitions have some 100 KB.
const OUTPUT_LIMIT: usize = 4 << 20;

/// How much one HMC is asked. Source: HMC reference §1.7.
#[derive(Clone, Copy, Debug)]
pub struct Spared {
    /// Commands at a time.
    pub concurrent: NonZeroU32,
    /// Commands in a second.
    pub rate: NonZeroU32,
}

/// Opens HMCs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Consoles {
    store: Store,
    transport: Transport,
    key: PathBuf,
    spared: Spared,
    limits: Arc<Mutex<HashMap<ObjectName, Arc<Limit>>>>,
    health: Health,
}

/// The queue of one HMC.
#[derive(Debug)]
struct Limit {
    places: Semaphore,
    rate: DefaultDirectRateLimiter,
}

/// A connection to one HMC.
pub struct Console {
    hmc: ObjectName,
    connection: Connection,
    limit: Arc<Limit>,
    /// Who is told how far a question is, where another HMC could be asked beside.
    heard: Option<Heard>,
}

/// The turn to put one question to an HMC.
pub struct Question<'c> {
    console: &'c Console,
    _place: SemaphorePermit<'c>,
}

/// Why one HMC did not answer a question.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is on record does not say how to reach it.
    #[error(transparent)]
    NoWay(#[from] NoEndpoint),
    /// It cannot be reached, or does not let us in.
    #[error(transparent)]
    Transport(#[from] transport::Error),
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
}

impl Error {
    /// Whether the HMC said nothing to the question: it cannot be reached, or its connection was lost.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Transport(error) if !matches!(error, transport::Error::HostKeyUnknown { .. }))
    }

    /// Whether a command failed without one of the HMC's own codes: what it does not know at all, such as an attribute of a
    /// later level, it says so in words of its language.
    #[must_use]
    pub fn is_without_code(&self) -> bool {
        matches!(self, Self::Failed { said, .. } if !said.contains("HSC"))
    }
}

impl Consoles {
    /// Asks over `transport` with the master's own key where an object names no other, each HMC no more than `spared` says.
    #[must_use]
    pub fn new(store: Store, transport: Transport, key: PathBuf, spared: Spared) -> Self {
        Self { store, transport, key, spared, limits: Arc::default(), health: Health::default() }
    }

    /// Which HMCs answered when they were asked last.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// Connects to `hmc`.
    ///
    /// # Errors
    /// [`Error`]; never [`Error::Failed`].
    pub async fn open(&self, hmc: &ObjectName) -> Result<Console, Error> {
        let endpoint = endpoint::stored(&self.store, hmc, &self.key).await?;
        let connection = self.transport.connect(&endpoint).await?;
        Ok(Console { hmc: hmc.clone(), connection, limit: self.limit(hmc), heard: None })
    }

    /// Whether `hmc`, which was silent, lets somebody in; what came out is noted. One that cannot be asked at all is no longer silent.
    pub async fn answers(&self, hmc: &ObjectName) -> bool {
        match self.open(hmc).await {
            Ok(console) => {
                self.health.answered(hmc);
                console.close().await;
                true
            }
            Err(error) if error.is_silence() => {
                self.health.was_silent(hmc);
                false
            }
            Err(_) => {
                self.health.answered(hmc);
                false
            }
        }
    }

    fn limit(&self, hmc: &ObjectName) -> Arc<Limit> {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let Spared { concurrent, rate } = self.spared;
            let places = Semaphore::new(usize::try_from(concurrent.get()).unwrap_or(usize::MAX));
            Arc::new(Limit { places, rate: RateLimiter::direct(Quota::per_second(rate)) })
        };
        Arc::clone(limits.entry(hmc.clone()).or_insert_with(new))
    }
}

impl Console {
    /// The same, telling `heard` of each question whether it waits here for its turn, was put, or was answered.
    #[must_use]
    pub fn telling(self, heard: Heard) -> Self {
        Self { heard: Some(heard), ..self }
    }

    /// Waits for the turn to put one question.
    pub async fn turn(&self) -> Question<'_> {
        self.tell(Heard::queued);
        let place = self.limit.places.acquire().await.expect("never closed");
        self.limit.rate.until_ready().await;
        self.tell(Heard::asked);
        Question { console: self, _place: place }
    }

    /// Runs one command, when its turn has come, and returns what it printed.
    ///
    /// # Errors
    /// [`Error::Transport`], [`Error::Failed`].
    pub async fn ask(&self, words: &[String]) -> Result<String, Error> {
        self.turn().await.ask(words).await
    }

    fn tell(&self, what: impl FnOnce(&Heard)) {
        if let Some(heard) = &self.heard {
            what(heard);
        }
    }

    /// Ends the connection.
    pub async fn close(self) {
        self.connection.close().await;
    }
}

impl Question<'_> {
    /// Runs one command, and returns what it printed.
    ///
    /// # Errors
    /// [`Error::Transport`], [`Error::Failed`].
    pub async fn ask(self, words: &[String]) -> Result<String, Error> {
        let Console { hmc, connection, .. } = self.console;
        let failed =
            |said: String| Error::Failed { hmc: hmc.clone(), command: words.join(" "), said };
        let command = Command::restricted(words).map_err(|bad| failed(bad.to_string()))?;
        let ask = Ask { stdin: Vec::new(), stdout_limit: OUTPUT_LIMIT, time_limit: TIME_LIMIT };
        let answer = connection.run(&command, ask).await?;
        self.console.tell(Heard::yes);
        let stdout = String::from_utf8_lossy(&answer.stdout).into_owned();
        if answer.exit == Exit::Status(0) {
            return Ok(stdout);
        }
        // Errors stand on stdout on most levels, on stderr on some.
        let said = stdout + &String::from_utf8_lossy(&answer.stderr.bytes);
        Err(failed(nim_shared::id::printable(said.trim())))
    }
}
