//! What all sessions of this master work with.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use governor::DefaultDirectRateLimiter;
use nim_shared::frame::StepAnswer;
use nim_shared::id::{MasterId, ObjectName};
use nim_shared::object::Spec;
use nim_shared::stamp::Timestamp;
use tokio::sync::watch;

use super::capacity::{Decision, FrameLedger};
use super::deadline::Deadlines;
use super::dialogue::Order;
use super::lease::Guard;
use super::login::Turns;
use super::session::{Agent, Lost};
use crate::clock::Clock;
use crate::hooks::Hooks;
use crate::inventory::console::Consoles;
use crate::inventory::endpoint::{self, NoEndpoint};
use crate::inventory::frame::{Frames, Seen};
use crate::inventory::vios::Vioses;
use crate::store::life::Life;
use crate::store::operation::Limits;
use crate::store::reservation::{Proceeding, Wish};
use crate::store::secret::KeyFile;
use crate::store::writer::WriterHandle;
use crate::store::{self, Store, Who};
use crate::transport::{Command, Endpoint, Transport};

/// How long before capacity that was missing is looked at again without a hint.
const CAPACITY_AGAIN: Duration = Duration::from_secs(5);

/// How often a frame is read for one look whether it has room.
const READINGS: usize = 3;

/// What the engine may do and how long it may take. Settings of `nimd`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Most operations in flight.
    pub limits: Limits,
    /// How long each state and phase may last.
    pub deadlines: Deadlines,
    /// What is run on an LPAR to speak with its agent.
    pub agent: Command,
    /// What is run on an LPAR to send files to it.
    pub receive: Command,
    /// The master's own private key.
    pub key: PathBuf,
    /// How long an LPAR keeps what it has of an operation that has ended.
    pub on_lpar: Duration,
}

/// What all sessions of this master work with. Nothing in it belongs to one operation.
#[derive(Debug)]
pub struct Shared {
    /// Which run of which master.
    pub master: MasterId,
    /// In whose name the inventory is changed.
    pub who: Who,
    /// The database.
    pub store: Store,
    /// Group commit.
    pub writer: WriterHandle,
    /// The way to hosts.
    pub transport: Transport,
    /// The way to HMCs.
    pub consoles: Consoles,
    /// The way to frames.
    pub frames: Frames,
    /// The way to VIOSes.
    pub vioses: Vioses,
    /// Whether commands may be sent.
    pub lease: Guard,
    /// In which life the database is, by the last heartbeat.
    pub life: watch::Sender<Option<Life>>,
    /// Changes when capacity was given back, and wakes the sessions that wait for some. What another master gives back is noticed
    /// by looking again, within [`CAPACITY_AGAIN`].
    pub freed: watch::Sender<()>,
    /// The time.
    pub clock: Clock,
    /// How many kilobytes of files may leave in a second, to all LPARs together.
    pub push_rate: DefaultDirectRateLimiter,
    /// Who asks for turns to log in.
    pub turns: Turns,
    /// Programs of the site that nimd runs itself.
    pub hooks: Arc<Hooks>,
    /// What secrets are encrypted with.
    pub secrets: KeyFile,
    /// What may be done.
    pub settings: Settings,
}

/// What became of the wish for capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// It is reserved, and it is stored that `proceed` is about to leave.
    Reserved,
    /// Somebody asked for a cancel in the meantime.
    CancelAsked,
    /// Not now.
    Wait {
        /// What is missing, for a person.
        reason: String,
        /// How long to wait before the next look without a hint.
        look_again: Duration,
    },
}

impl Shared {
    /// Opens a conversation with the agent on `lpar`.
    ///
    /// # Errors
    /// [`Lost`] says what was in the way.
    pub async fn open_agent(self: &Arc<Self>, lpar: &ObjectName) -> Result<Agent, Lost> {
        self.open_agent_by(lpar, None).await
    }

    /// As [`open_agent`](Self::open_agent), by a way that was read a moment ago.
    ///
    /// # Errors
    /// [`Lost`] says what was in the way.
    pub async fn open_agent_by(
        self: &Arc<Self>,
        lpar: &ObjectName,
        way: Option<Box<Endpoint>>,
    ) -> Result<Agent, Lost> {
        // Boxed: a session holds its place for as long as it lasts, and needs this for a moment only.
        Box::pin(async {
            let endpoint = match way {
                Some(way) => *way,
                None => self.endpoint(lpar).await?,
            };
            let (transport, agent) = (&self.transport, &self.settings.agent);
            Agent::open(transport, lpar, &endpoint, agent, self.master, self.clock.now()).await
        })
        .await
    }

    /// The way to the host of an object, with the host keys on record.
    ///
    /// # Errors
    /// When the database does not answer, or the object's attributes or keys on record cannot be used.
    pub async fn endpoint(&self, name: &ObjectName) -> Result<Endpoint, NoEndpoint> {
        endpoint::stored(&self.store, name, &self.settings.key).await
    }

    /// The ways to the hosts of these LPARs, for whom there is one. Who is not among them asks again, and hears why.
    pub async fn ways(&self, lpars: &[ObjectName]) -> HashMap<ObjectName, Endpoint> {
        match endpoint::stored_of(&self.store, lpars, &self.settings.key).await {
            Ok(found) => {
                found.into_iter().filter_map(|(name, way)| Some((name, way.ok()?))).collect()
            }
            Err(error) => {
                tracing::debug!(error = %crate::telemetry::chain(&error), "each session asks for its way by itself");
                HashMap::new()
            }
        }
    }

    /// Waits until `bytes` of files may leave.
    pub(super) async fn spend(&self, bytes: u32) {
        let Some(kilobytes) = NonZeroU32::new(bytes.div_ceil(1024)) else { return };
        // More than a second's worth at once is never asked for: the smallest rate holds a whole chunk.
        if let Err(error) = self.push_rate.until_n_ready(kilobytes).await {
            tracing::debug!("a chunk larger than the rate allows at once: {error}");
        }
    }

    /// Reserves capacity for an operation that is `ready`, on fresh figures of its frame where an HMC shows them; not while that shows
    /// something around the LPAR that is in the way.
    ///
    /// # Errors
    /// [`store::Error::Fenced`] and what else the database says.
    pub async fn reserve(
        &self,
        order: &Order,
        lpar: &ObjectName,
        frame: Option<&ObjectName>,
        deadline: Duration,
    ) -> Result<Capacity, store::Error> {
        let wait = |reason| Capacity::Wait { reason, look_again: CAPACITY_AGAIN };
        let wish = match self.wish(order, lpar, frame).await? {
            Ok((_, in_the_way)) if !in_the_way.is_empty() => {
                return Ok(wait(in_the_way.join("; ")));
            }
            Ok((wish, _)) => Wish { deadline: Some(deadline), ..wish },
            Err(reason) => return Ok(wait(reason)),
        };
        let decide = |ledger: &FrameLedger, now: Timestamp| ledger.decide(wish.need, now);
        Ok(
            match self
                .store
                .reserve_and_proceed(order.operation, order.fence, &wish, decide)
                .await?
            {
                Proceeding::Granted(_) => Capacity::Reserved,
                Proceeding::CancelAsked => Capacity::CancelAsked,
                Proceeding::NotAsked(other) => wait(format!(
                    "capacity: {other} was in flight when the database may have lost its last commits, \
                     and has not answered since"
                )),
                Proceeding::NotNow(Decision::Wait(shortage)) => {
                    wait(format!("capacity: {shortage}"))
                }
                Proceeding::NotNow(Decision::ReadAgain | Decision::Granted(_)) => Capacity::Wait {
                    reason: "a fresh reading of the frame".to_owned(),
                    look_again: Duration::ZERO,
                },
            },
        )
    }

    /// Whether the frame still has room for the second partition of an operation that has its promise: on fresh figures, less what is
    /// promised to others.
    ///
    /// # Errors
    /// What the database says.
    pub async fn has_room(
        &self,
        order: &Order,
        lpar: &ObjectName,
        frame: Option<&ObjectName>,
    ) -> Result<StepAnswer, store::Error> {
        let unknown = |text: String| StepAnswer::Unknown { text };
        let Some(frame) = frame else {
            return Ok(unknown(format!("{lpar} has no mgmt_profile1: nobody knows its frame")));
        };
        // Others may be promised room between the reading and the decision.
        for _ in 0..READINGS {
            let wish = match self.wish(order, lpar, Some(frame)).await? {
                Ok((Wish { need: None, .. }, _)) => {
                    let text =
                        format!("no HMC on record shows {frame} and what {lpar} takes of it");
                    return Ok(unknown(text));
                }
                Ok((wish, _)) => wish,
                Err(reason) => return Ok(unknown(reason)),
            };
            let (ledger, now) = self.store.ledger(frame, order.operation, wish.limit).await?;
            match ledger.decide(wish.need, now) {
                Decision::Granted(_) => return Ok(StepAnswer::GoOn),
                Decision::Wait(shortage) => {
                    return Ok(StepAnswer::Against { text: format!("capacity: {shortage}") });
                }
                Decision::ReadAgain => {}
            }
        }
        Ok(unknown(format!("what an HMC shows of {frame} is too old")))
    }

    /// Notes what an operation uses whose agent was told to proceed before.
    ///
    /// # Errors
    /// As [`reserve`](Self::reserve).
    pub async fn promise(
        &self,
        order: &Order,
        lpar: &ObjectName,
        frame: &ObjectName,
    ) -> Result<(), store::Error> {
        let wish = match self.wish(order, lpar, Some(frame)).await? {
            Ok((wish, _)) => wish,
            // Its slot counts at least, and on old figures nobody else is promised anything.
            Err(_) => self.slot(self.partition(lpar).await?),
        };
        self.store.promise(order.operation, order.fence, &wish).await
    }

    /// What an operation asks for, and what is in its way. The inner error: an HMC should say, and does not at the moment.
    async fn wish(
        &self,
        order: &Order,
        lpar: &ObjectName,
        frame: Option<&ObjectName>,
    ) -> Result<Result<(Wish, Vec<String>), String>, store::Error> {
        let partition = self.partition(lpar).await?;
        let Some(frame) = frame else { return Ok(Ok((self.slot(partition), Vec::new()))) };
        Ok(match self.frames.look_at(frame, std::slice::from_ref(&partition)).await {
            Seen::View(view) => {
                let own = view.partitions.iter().find(|one| one.view.name == partition);
                let need =
                    own.and_then(|one| one.need_with(|level| order.reduces_processors(level)));
                let profiles = Some(view.of_partition(&partition).profiles);
                let in_the_way = self.in_the_way(&partition, frame, &view).await?;
                Ok((Wish { need, profiles, ..self.slot(partition) }, in_the_way))
            }
            // Nothing can ever be seen: one of the frame's slots has to do.
            Seen::NoConsole => Ok((self.slot(partition), Vec::new())),
            // One should say what it takes: nothing is started on old figures.
            Seen::Unreachable(reason) => Err(format!("an HMC of {frame}: {reason}")),
        })
    }

    /// A wish for one of the frame's slots.
    const fn slot(&self, partition: String) -> Wish {
        let limit = self.settings.limits.per_frame;
        Wish { need: None, partition, limit, profiles: None, deadline: None }
    }

    /// Name of an LPAR's partition on the HMC.
    async fn partition(&self, lpar: &ObjectName) -> Result<String, store::Error> {
        let stored = self.store.object(lpar).await?;
        Ok(match &stored.object.spec {
            Spec::Standalone(spec) => spec.partition(lpar).to_owned(),
            _ => lpar.to_string(),
        })
    }
}
