//! `nimd` from start to end: folder, keys, database, engine, API, and the way back.
//!
//! Nothing is announced before it holds: readiness is said when the API answers. On the way down the API goes first, then
//! the sessions, then the lease is given back, then the database: what is in flight on LPARs goes on there and is taken up by the
//! next nimd.

use std::io;
use std::num::NonZeroU32;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use nim_shared::id::MasterId;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::api::{self, Api, Socket, SocketError};
use crate::clock::Clock;
use crate::engine;
use crate::engine::deadline::Deadlines;
use crate::engine::lease::{Ended, Guard};
use crate::engine::login::Turns;
use crate::engine::shared::{Settings as EngineSettings, Shared};
use crate::hooks::{self, Hooks};
use crate::hosts::SshHosts;
use crate::images::Images;
use crate::inventory::console::{Consoles, Spared};
use crate::inventory::frame::Frames;
use crate::inventory::ledger::DatabaseLedger;
use crate::inventory::refresh;
use crate::inventory::silent;
use crate::inventory::vios::Vioses;
use crate::notices::{self, Sender};
use crate::settings::{self, Configuration, Size};
use crate::store::cluster::{self, ClusterError, ClusterHandle, ClusterOptions, FolderLock};
use crate::store::lease::LeaseTimes;
use crate::store::operation::Limits;
use crate::store::secret::{KeyError, KeyFile};
use crate::store::writer::{Writer, WriterSettings};
use crate::store::{self, ConnectOptions, Store, Who};
use crate::transport::{self, Command, Transport};
use crate::{housekeeping, os};

/// Why nimd did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder or a signal that the system refuses.
    #[error("cannot {doing}")]
    System {
        /// What was tried, on which file.
        doing: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The data folder or the private cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The file with the key for secrets.
    #[error(transparent)]
    SecretKey(#[from] KeyError),
    /// The master's own private key.
    #[error("cannot use the master's private key {}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: transport::KeyFault,
    },
    /// The socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The group of the socket.
    #[error("there is no group {name}, which socket.group names")]
    NoGroup {
        /// As it is written.
        name: String,
    },
    /// The engine ended by a fault.
    #[error("the engine ended by a fault")]
    Engine(#[source] tokio::task::JoinError),
    /// Another nimd took over on the same data folder.
    #[error("another nimd took over with the same data folder")]
    Superseded,
}

impl Error {
    /// The code, which stays the same for years.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::System { .. } => "NLU-0010",
            Self::Key { .. } => "NLU-0011",
            Self::Socket(SocketError::Taken { .. }) => "NLU-0012",
            Self::Socket(SocketError::NoSocket { .. }) => "NLU-0013",
            Self::Socket(SocketError::Refused { .. }) => "NLU-0014",
            Self::NoGroup { .. } => "NLU-0015",
            Self::Superseded => "NLU-0016",
            Self::Engine(_) => "NLU-0017",
            Self::Cluster(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::SecretKey(error) => error.code(),
        }
    }

    /// What to type now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Cluster(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::SecretKey(error) => error.hint(),
            Self::Key { path, cause } => Some(cause.hint(path)),
            Self::Socket(SocketError::Taken { path }) => Some(format!(
                "nimctl --server {} server; set socket.path for a second nimd",
                path.display()
            )),
            Self::Socket(SocketError::NoSocket { path }) => {
                Some(format!("see `ls -l {}`, and move it away", path.display()))
            }
            Self::NoGroup { name } => {
                Some(format!("groupadd --system {name}, or correct socket.group"))
            }
            Self::System { .. }
            | Self::Socket(SocketError::Refused { .. })
            | Self::Superseded
            | Self::Engine(_) => None,
        }
    }

    /// Whether nothing answers (4) or nothing was changed because something forbids it (3): the exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Store(
                store::Error::Unreachable { .. }
                | store::Error::Lost { .. }
                | store::Error::Undecided { .. }
                | store::Error::Busy { .. }
                | store::Error::Full { .. },
            ) => 4,
            Self::System { .. }
            | Self::Cluster(_)
            | Self::Store(_)
            | Self::SecretKey(_)
            | Self::Key { .. }
            | Self::Socket(_)
            | Self::NoGroup { .. }
            | Self::Superseded => 3,
            Self::Engine(_) => 1,
        }
    }
}

/// What ends nimd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// SIGTERM or SIGINT.
    ASignal,
    /// One of these, or the end of standard input: whoever holds the other end is gone, also where nothing could be said any more.
    InputEnds,
}

/// Runs nimd until it is told to end. `ready` is called once, when the API answers.
///
/// # Errors
/// [`Error`] when it does not start, or must not go on.
pub async fn run(
    configuration: Configuration,
    until: Until,
    ready: impl FnOnce(&Configuration),
) -> Result<(), Error> {
    let signals = Signals::new(until)?;
    let files = os::raise_open_files().map_err(system("raise the number of open files"))?;
    if files < FEW_FILES {
        warn!(
            count = files,
            "this process may open {files} files only; each session with an LPAR takes one"
        );
    }
    let who = Who { uid: os::own_user().map_err(system("find out who runs nimd"))? };
    let clock = Clock::real();
    let lock = blocking({
        let folder = configuration.data_dir.clone();
        move || FolderLock::take(&folder)
    })
    .await?;
    let configuration = Configuration { data_dir: lock.folder().to_owned(), ..configuration };
    folder(&configuration, "run", 0o711)?;
    folder(&configuration, "keys", 0o700)?;
    let secrets = KeyFile::open_or_create(&configuration.secret_key())?;
    let host = os::host_name();
    let key = configuration.ssh_key();
    let public_key = transport::own_key(&key, &format!("nimd@{host}"))
        .map_err(|cause| Error::Key { path: key.clone(), cause })?;

    let Database { store, cluster, lock } = database(&configuration, lock).await?;
    let master = MasterId(Uuid::now_v7());
    let times = LeaseTimes {
        lasts: configuration.settings.lease.length.duration(),
        margin: configuration.settings.lease.margin.duration(),
    };
    let place = format!("{host}:{}", configuration.data_dir.display());
    store.register(master, &place, times).await?;

    let Engine { shared, writer } = engine(
        &configuration,
        EngineParts {
            store: store.clone(),
            master,
            who,
            times,
            secrets: secrets.clone(),
            key: key.clone(),
            clock: clock.clone(),
        },
    );
    let stop = CancellationToken::new();
    let sender = Sender::new(
        store.clone(),
        secrets.clone(),
        sending(&configuration.settings.notify),
        stop.clone(),
    );
    let api = Api::new(api::Parts {
        store: store.clone(),
        sender: sender.clone(),
        limits: shared.settings.limits,
        hosts: Arc::new(SshHosts::new(Arc::clone(&shared))),
        master,
        public_key,
        key,
        secrets,
        images: Images::default(),
        ready_at: clock.now(),
        clock,
        end: CancellationToken::new(),
        watchers: Arc::new(Semaphore::new(configuration.settings.api.watchers.size())),
        configuration: configuration.clone(),
    });
    let socket = socket(&configuration).await?;
    let end = api.end.clone();
    let telling = tokio::spawn(sender.run(master, shared.lease.clone()));
    let driver = api::Driver::new(api.clone(), master, shared.lease.clone());
    let driving = tokio::spawn(driver.run(stop.clone()));
    let serving = tokio::spawn(api.run(socket));
    let retention = configuration.settings.retention.events.duration();
    let house = tokio::spawn(housekeeping::run(store.clone(), retention, stop.clone()));
    let refresh = tokio::spawn(refresh::run(
        store.clone(),
        shared.frames.clone(),
        shared.vioses.clone(),
        configuration.settings.inventory.refresh.duration(),
        stop.clone(),
    ));
    let again = tokio::spawn(silent::run(shared.consoles.clone(), stop.clone()));
    let writing = tokio::spawn(writer.run());
    let transport = shared.transport.clone();
    let mut working = tokio::spawn(engine::run(shared, stop.clone()));

    ready(&configuration);
    if let Err(cause) = os::notify("READY=1") {
        warn!(error = %cause, "the service manager could not be told that nimd is ready: {cause}");
    }
    info!(master.id = %master, path = %configuration.socket().display(), "nimd is ready on {}", configuration.socket().display());

    // Taken over on the same data folder, or ended by a fault: what a successor does must not be disturbed.
    let early = tokio::select! {
        name = signals.first() => {
            info!("nimd ends: {name}");
            None
        }
        ended = &mut working => Some(ended),
    };
    if let Err(cause) = os::notify("STOPPING=1") {
        warn!(error = %cause, "the service manager could not be told that nimd ends: {cause}");
    }
    end.cancel();
    joined("the API", serving.await);
    stop.cancel();
    let ended = match early {
        Some(ended) => ended,
        None => working.await,
    };
    joined("housekeeping", house.await);
    joined("the rollouts' driver", driving.await);
    joined("the sending of messages", telling.await);
    joined("the reading of frames", refresh.await);
    joined("the asking of silent HMCs", again.await);
    transport.drained().await;
    drop(transport);
    // Ends when nobody can write any more, and everything that was handed to it is stored.
    joined("the writer", writing.await);
    store.close().await;
    if let Some(cluster) = cluster {
        blocking(move || cluster.stop()).await;
    }
    drop(lock);
    match ended {
        Ok(Ended::Stopped) => Ok(()),
        Ok(Ended::Superseded) => Err(Error::Superseded),
        Err(cause) => Err(Error::Engine(cause)),
    }
}

/// What tells nimd to end.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    /// Told when standard input has ended; never, where that ends nothing.
    input: CancellationToken,
}

impl Signals {
    fn new(until: Until) -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(system("listen to signals"));
        let input = CancellationToken::new();
        if until == Until::InputEnds {
            let ended = input.clone();
            // A thread that nobody waits for: at the end of nimd it may still read.
            std::thread::spawn(move || {
                // That it cannot be read ends it as well.
                drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
                ended.cancel();
            });
        }
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            input,
        })
    }

    /// The name of the first one that comes.
    async fn first(mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            () = self.input.cancelled() => "its input has ended",
        }
    }
}

/// The database, with what keeps it.
struct Database {
    store: Store,
    /// The private cluster, where there is one.
    cluster: Option<ClusterHandle>,
    /// Proof that the data folder is ours.
    lock: FolderLock,
}

/// The database: the one that the settings name, or the private cluster.
async fn database(configuration: &Configuration, lock: FolderLock) -> Result<Database, Error> {
    let settings = &configuration.settings;
    let connect = |url: &str| ConnectOptions {
        connections: settings.database.connections.0,
        output_limit: settings.agent.output.bytes() as u64,
        ..ConnectOptions::new(url)
    };
    if let Some(url) = &settings.database.url {
        let store = Store::connect(&connect(url.reveal())).await?;
        return Ok(Database { store, cluster: None, lock });
    }
    let (cluster, lock) = blocking(move || {
        let cluster = cluster::open(&lock, &ClusterOptions::default());
        cluster.map(|cluster| (cluster, lock))
    })
    .await?;
    let store = Store::connect(&connect(cluster.url())).await?;
    Ok(Database { store, cluster: Some(cluster), lock })
}

/// The engine, before it runs.
struct Engine {
    shared: Arc<Shared>,
    writer: Writer,
}

/// What the engine works with, from the settings.
fn engine(configuration: &Configuration, parts: EngineParts) -> Engine {
    let settings = &configuration.settings;
    let limits = &settings.deadlines;
    let deadlines = Deadlines {
        queued: limits.queued.seconds(),
        connect: limits.connect.seconds(),
        start: limits.start.seconds(),
        stage: limits.stage.seconds(),
        capacity: limits.capacity.seconds(),
        install: limits.install.seconds(),
        phase: limits.phase.seconds(),
        silent: limits.silent.seconds(),
        post: limits.post.seconds(),
    };
    let gather = WriterSettings {
        gather: settings.events.flush.duration(),
        rows: settings.events.batch.size(),
        ..WriterSettings::default()
    };
    let EngineParts { store, master, who, times, secrets, key, clock } = parts;
    let (writer, handle) = Writer::new(store.clone(), gather);
    let ledger = Arc::new(DatabaseLedger::new(store.clone()));
    let transport = Transport::new(ssh(configuration), ledger);
    let spared = Spared {
        concurrent: NonZeroU32::new(settings.hmc.concurrent.0).unwrap_or(NonZeroU32::MIN),
        rate: NonZeroU32::new(settings.hmc.rate.0).unwrap_or(NonZeroU32::MIN),
    };
    let consoles = Consoles::new(store.clone(), transport.clone(), key.clone(), spared);
    let shared = Shared {
        master,
        who,
        writer: handle,
        frames: Frames::new(store.clone(), consoles.clone()),
        vioses: Vioses::new(store.clone(), transport.clone(), consoles.clone(), key.clone()),
        consoles,
        store,
        transport,
        lease: Guard::new(times),
        life: watch::Sender::new(None),
        freed: watch::Sender::new(()),
        clock,
        secrets,
        turns: Turns::default(),
        hooks: own_hooks(&settings.hooks),
        push_rate: push_rate(settings.agent.push_rate),
        settings: EngineSettings {
            limits: Limits {
                global: settings.limits.global.0,
                per_frame: settings.limits.per_frame.0,
                per_hmc: settings.limits.per_hmc.0,
                deadlines,
            },
            deadlines,
            agent: Command::new(["nim-agent", "serve"]).expect("two words that no shell reads"),
            receive: Command::new(["nim-agent", "receive"]).expect("two words that no shell reads"),
            key,
            on_lpar: settings.retention.on_lpar.duration(),
        },
    };
    Engine { shared: Arc::new(shared), writer }
}

/// What the engine gets from elsewhere.
struct EngineParts {
    store: Store,
    master: MasterId,
    who: Who,
    times: LeaseTimes,
    secrets: KeyFile,
    key: PathBuf,
    clock: Clock,
}

/// How receivers are told of rollouts.
fn sending(settings: &settings::Notify) -> notices::Settings {
    notices::Settings {
        mail: settings.mail.clone(),
        time: settings.time.duration(),
        give_up: settings.give_up.duration(),
    }
}

/// Programs of the site that nimd runs itself.
fn own_hooks(settings: &settings::Hooks) -> Arc<Hooks> {
    Hooks::new(hooks::Settings {
        folder: settings.folder.clone(),
        concurrent: settings.concurrent.size(),
        limit: settings.limit.duration(),
        output: settings.output.bytes(),
    })
}

/// A limit for files on their way to LPARs, in kilobytes a second.
fn push_rate(rate: Size) -> DefaultDirectRateLimiter {
    let kilobytes = u32::try_from(rate.bytes() / 1024).unwrap_or(u32::MAX);
    RateLimiter::direct(Quota::per_second(NonZeroU32::new(kilobytes).unwrap_or(NonZeroU32::MIN)))
}

/// Settings of connections.
fn ssh(configuration: &Configuration) -> transport::Settings {
    let ssh = &configuration.settings.ssh;
    transport::Settings {
        connect_deadline: ssh.connect.duration(),
        address_timeout: ssh.address.duration(),
        login_timeout: ssh.login.duration(),
        logins_per_hop: ssh.logins_per_host.size(),
        logins_through_bastion: ssh.logins_per_bastion.size(),
        logins_in_all: ssh.logins.size(),
        connects_per_second: NonZeroU32::new(ssh.rate.0).unwrap_or(NonZeroU32::MIN),
        targets_per_bastion: ssh.targets_per_bastion.size(),
        keepalive: ssh.keepalive.duration(),
        keepalive_limit: ssh.keepalive_limit.0,
        ..transport::Settings::default()
    }
}

/// The socket, as the settings want it.
async fn socket(configuration: &Configuration) -> Result<Socket, Error> {
    let settings = &configuration.settings.socket;
    let gid = match &settings.group {
        None => None,
        Some(name) => Some(
            os::group_id(&name.0)
                .map_err(system(format!("look up the group {}", name.0)))?
                .ok_or_else(|| Error::NoGroup { name: name.0.clone() })?,
        ),
    };
    Ok(Socket::bind(&configuration.socket(), settings.mode.0, gid).await?)
}

/// Makes a folder in the data folder. Others may go through it where there is something in it for them.
fn folder(configuration: &Configuration, name: &str, mode: u32) -> Result<(), Error> {
    let path = configuration.data_dir.join(name);
    match std::fs::DirBuilder::new().mode(mode).create(&path) {
        Ok(()) => Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(cause) => Err(system(format!("make the folder {}", path.display()))(cause)),
    }
}

/// Runs what waits on a thread for such things.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
    }
}

/// Says when a task ended by a fault.
fn joined(what: &str, ended: Result<(), tokio::task::JoinError>) {
    if let Err(cause) = ended {
        error!(error = %cause, "{what} ended by a fault: {cause}");
    }
}

/// An error of the system with what was tried.
fn system(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let doing = doing.into();
    |cause| Error::System { doing, cause }
}

/// Fewer open files than this are worth a warning: a plain login has 1,024.
const FEW_FILES: u64 = 4096;
