//! Asks HMCs about frames: which one, and what is kept of the answer.
//!
//! A frame is often on two HMCs: [`failover`](super::failover) says which one is asked. Many may want to know of it at the same time, who
//! are told together: [`rounds`](super::rounds).

use std::sync::Arc;

use nim_shared::id::{LparId, ObjectName};
use nim_shared::object::{Cec, Spec};
use tracing::debug;

use super::console::{self, Console, Consoles, Question};
use super::details::Details;
use super::failover::Heard;
use super::hmc::{self, BadAnswer, FrameView, OPERATING};
use super::profile;
use super::rounds::Rounds;
use crate::store::object::Sighting;
use crate::store::reservation::FrameReading;
use crate::store::{self, Store};
use crate::transport;

/// Asks HMCs about frames. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Frames {
    store: Store,
    consoles: Consoles,
    rounds: Rounds<Seen>,
}

/// What was seen of a frame.
#[derive(Clone, Debug)]
pub enum Seen {
    /// What an HMC shows.
    View(Arc<FrameView>),
    /// No HMC is known for it, or none with a host key on record: nothing can ever be seen.
    NoConsole,
    /// No HMC of it answers at this moment.
    Unreachable(String),
}

/// Why one HMC did not say.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be asked, or refuses.
    #[error(transparent)]
    Console(#[from] console::Error),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
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
    /// Asks by way of `consoles`.
    #[must_use]
    pub fn new(store: Store, consoles: Consoles) -> Self {
        Self { store, consoles, rounds: Rounds::default() }
    }

    /// Reads `frame` from the first of its HMCs that shows it, and keeps the reading.
    pub async fn look(&self, frame: &ObjectName) -> Seen {
        self.look_at(frame, &[]).await
    }

    /// As [`look`](Self::look), and asks for the profiles of the partitions that are called so. What keeps an HMC from showing those
    /// takes nothing from the rest.
    pub async fn look_at(&self, frame: &ObjectName, partitions: &[String]) -> Seen {
        let (frames, name) = (self.clone(), frame.clone());
        let read = |partitions: Vec<String>| async move { frames.read(&name, &partitions).await };
        self.rounds.join(frame, partitions, read).await
    }

    async fn read(&self, frame: &ObjectName, partitions: &[String]) -> Seen {
        let cec = match self.store.object(frame).await {
            Ok(stored) => match stored.object.spec {
                Spec::Cec(cec) => cec,
                _ => return Seen::NoConsole,
            },
            Err(error) => return Seen::Unreachable(crate::telemetry::chain(&error)),
        };
        let health = self.consoles.health();
        let asked = health.first(
            &cec.mgmt_source,
            |hmc, heard| self.ask(hmc, frame, &cec, partitions, heard),
            |error| matches!(error, Error::Console(error) if error.is_silence()),
        );
        let (seen, failed) = match asked.await {
            Ok(answered) => (Some(answered.answer), answered.failed),
            Err(failed) => (None, failed),
        };
        let mut last = None;
        for (hmc, error) in failed {
            let not_set_up = matches!(
                error,
                Error::Console(console::Error::Transport(transport::Error::HostKeyUnknown { .. }))
            );
            if !not_set_up {
                let text = crate::telemetry::chain(&error);
                debug!(frame.name = %frame, hmc.name = %hmc, "{text}");
                last = Some(text);
            }
        }
        match seen {
            Some(view) => Seen::View(Arc::new(view)),
            None => last.map_or(Seen::NoConsole, Seen::Unreachable),
        }
    }

    /// What an HMC shows of `frame` beside, or why none does. Nothing of it is kept.
    ///
    /// # Errors
    /// The text says why.
    pub async fn details(&self, frame: &ObjectName) -> Result<Details, String> {
        let stored = self.store.object(frame).await;
        let cec = match stored.map(|stored| stored.object.spec) {
            Ok(Spec::Cec(cec)) => cec,
            Ok(_) => return Err(format!("{frame} is no frame")),
            Err(error) => return Err(crate::telemetry::chain(&error)),
        };
        let mtms = cec.mtms();
        let ask = async |hmc: ObjectName, heard: Heard| {
            let console = self.consoles.open(&hmc).await?.telling(heard);
            let details = Details::ask(&console, &mtms).await;
            console.close().await;
            details
        };
        let asked = self.consoles.health().first(&cec.mgmt_source, ask, console::Error::is_silence);
        match asked.await {
            Ok(answered) => Ok(answered.answer),
            Err(failed) => Err(failed.last().map_or_else(
                || format!("{frame} names no HMC"),
                |(_, error)| crate::telemetry::chain(error),
            )),
        }
    }

    /// Reads `frame` from one HMC, and keeps the reading with the time of the first question.
    async fn ask(
        &self,
        hmc: ObjectName,
        frame: &ObjectName,
        cec: &Cec,
        profiles_of: &[String],
        heard: Heard,
    ) -> Result<FrameView, Error> {
        let hmc = &hmc;
        let console = self.consoles.open(hmc).await?.telling(heard);
        let turn = console.turn().await;
        // However long it had to wait for its turn: what it reads is as it is from now on.
        let read_at = self.store.now().await?;
        let answers = answers(&console, turn, cec).await?;
        let mut view = FrameView::read(cec, &answers, read_at)
            .map_err(|cause| Error::Answer { hmc: hmc.clone(), cause })?;
        if view.has_pools() {
            // An HMC that does not show them keeps nobody from the rest: then they limit nobody, as what was never read.
            let words = hmc::pool_question(cec);
            let read = match console.ask(&words).await {
                Ok(answer) => {
                    view.read_pools(cec, &answer).map_err(|bad| crate::telemetry::chain(&bad))
                }
                Err(error) => Err(crate::telemetry::chain(&error)),
            };
            if let Err(why) = read {
                debug!(frame.name = %frame, hmc.name = %hmc, "pools of processors of {frame} are not known: {why}");
            }
        }
        let ids: Vec<LparId> = profiles_of.iter().filter_map(|name| view.id_of(name)).collect();
        if !ids.is_empty() {
            let words = profile::question(&cec.mtms(), &ids);
            view.profiles = match console.ask(&words).await {
                Ok(answer) => profile::read(&answer)
                    .map_err(|bad| format!("the answer of {hmc} to `{}`: {bad}", words.join(" "))),
                Err(error) => Err(crate::telemetry::chain(&error)),
            };
        }
        console.close().await;
        let seen = Sighting { hmc, mtms: cec.mtms(), state: &view.state };
        self.store.hmc_states(&[seen]).await?;
        if let Some(reading) = view.reading {
            let surrogates = view.surrogates().map(ToOwned::to_owned).collect();
            let partitions = view.partitions.iter().map(|one| one.view.clone()).collect();
            let shape = |one: &hmc::Partition| Some((one.view.name.clone(), one.shape?));
            let shapes = view.partitions.iter().filter_map(shape).collect();
            let (processors, pools) = (view.processors(), view.pools.clone());
            let found = FrameReading { reading, surrogates, partitions, shapes, processors, pools };
            self.store.record_reading(frame, &found).await?;
        }
        if view.state == OPERATING {
            Ok(view)
        } else {
            Err(Error::NotOperating { hmc: hmc.clone(), frame: frame.clone(), state: view.state })
        }
    }
}

/// What an HMC answers of a frame, whose `first` question has its turn.
async fn answers(
    console: &Console,
    first: Question<'_>,
    cec: &Cec,
) -> Result<hmc::FrameAnswers, console::Error> {
    let mut first = Some(first);
    let mut answers: hmc::FrameAnswers = Default::default();
    for (words, answer) in hmc::questions(cec).iter().zip(&mut answers) {
        let turn = match first.take() {
            Some(turn) => turn,
            None => console.turn().await,
        };
        *answer = match (turn.ask(words).await, hmc::older(words)) {
            // What an older HMC does not know costs its whole answer.
            (Err(error), Some(fewer)) if error.is_without_code() => console.ask(&fewer).await?,
            (said, _) => said?,
        };
    }
    Ok(answers)
}
