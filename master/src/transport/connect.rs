//! From an endpoint to a logged-in connection.
//!
//! Addresses are tried in order. A connection that is closed before the login is the mark of an
//! overloaded sshd (`MaxStartups`), so it is tried again after a pause, with fewer logins at a
//! time at that hop, until the deadline. Everything else is reported at once: the engine knows
//! whether the operation can wait.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use russh::client::connect_stream;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::authenticate::{self, Login};
use super::client::{self, Check, Client, Early, End};
use super::connection::{Connection, Opened};
use super::endpoint::{Address, Endpoint, Host, HostId};
use super::error::{Error, Fault, OfferedKey, Stage};
use super::host_key::{HostKey, Refused};
use super::limit::{Gates, pause};
use super::login::LoginLedger;
use super::settings::Settings;
use super::user_key::KeyRing;
use super::via::{Fresh, Lease, NoChannel, Pool};
use super::wire::Wire;

/// What all connections of one master share.
pub(super) struct Core {
    settings: Arc<Settings>,
    keys: KeyRing,
    ledger: Arc<dyn LoginLedger>,
    hops: Gates<Hop>,
    bastions: Gates<Vec<Address>>,
    logins: Semaphore,
    pool: Pool,
    keepers: TaskTracker,
}

/// Where logins are counted: the sshd that answers at one address, on one way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Hop {
    via: Vec<HostId>,
    address: Option<Address>,
    port: u16,
}

/// How one attempt ended without a connection.
pub(super) enum Failed {
    /// Closed before the login: worth another try.
    Early(Fault),
    /// Anything else.
    For(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::For(error)
    }
}

/// What the attempt is doing, for the error when its deadline passes.
struct Progress {
    stage: Mutex<Stage>,
    early: Mutex<Option<(u32, Fault)>>,
}

impl Core {
    pub(super) fn new(settings: Settings, ledger: Arc<dyn LoginLedger>) -> Self {
        Self {
            keys: KeyRing::default(),
            ledger,
            hops: Gates::new(settings.logins_per_hop, settings.connects_per_second),
            bastions: Gates::new(settings.logins_through_bastion, settings.connects_per_second),
            logins: Semaphore::new(settings.logins_in_all.max(1)),
            pool: Pool::default(),
            keepers: TaskTracker::new(),
            settings: Arc::new(settings),
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Waits until no connection is open any more.
    pub(super) async fn drained(&self) {
        self.keepers.close();
        self.keepers.wait().await;
    }

    /// Connects and logs in to `host` through `via`, within the deadline of the settings.
    pub(super) fn connect<'a>(
        self: &'a Arc<Self>,
        host: &'a Host,
        via: &'a [Host],
    ) -> BoxFuture<'a, Result<Connection, Error>> {
        // Boxed: the way to a bastion is a connection like any other.
        Box::pin(async move {
            let progress = Progress::new();
            let begun = Instant::now();
            let deadline = self.settings.connect_deadline;
            let whole = self.connect_until_done(host, via, &progress);
            match timeout(deadline, whole).await {
                Ok(done) => done,
                Err(_) => Err(progress.deadline(host, deadline, begun)),
            }
        })
    }

    async fn connect_until_done(
        self: &Arc<Self>,
        host: &Host,
        via: &[Host],
        progress: &Progress,
    ) -> Result<Connection, Error> {
        let credential = authenticate::credential(host, &self.keys, &self.ledger).await?;
        let login = Login { host, credential: &credential, limit: self.settings.login_timeout };
        let mut tries = 0;
        loop {
            match self.attempt(host, via, progress, Purpose::LogIn(&login)).await {
                Ok(Reached::Connection(connection)) => return Ok(connection),
                Ok(Reached::Key(_)) => unreachable!("only a scan looks at keys"),
                Err(Failed::For(error)) => return Err(error),
                Err(Failed::Early(fault)) => tries = self.pause_after(fault, tries, progress).await,
            }
        }
    }

    async fn pause_after(&self, fault: Fault, tries: u32, progress: &Progress) -> u32 {
        let tries = tries.saturating_add(1);
        progress.closed_early(tries, fault);
        let Settings { first_pause, longest_pause, .. } = *self.settings;
        tokio::time::sleep(pause(first_pause, longest_pause, tries, rand::random())).await;
        tries
    }

    /// The keys that a host shows, one per algorithm it has. Nothing but key exchanges happens.
    pub(super) async fn scan(self: &Arc<Self>, endpoint: &Endpoint) -> Result<Vec<HostKey>, Error> {
        let Endpoint { host, via } = endpoint;
        let progress = Progress::new();
        let begun = Instant::now();
        let deadline = self.settings.connect_deadline;
        let whole = async {
            let mut keys: Vec<HostKey> = Vec::new();
            for algorithms in super::host_key::kinds() {
                if let Some(key) = self.look_at(host, via, &algorithms, &progress).await?
                    && !keys.contains(&key)
                {
                    keys.push(key);
                }
            }
            Ok(keys)
        };
        match timeout(deadline, whole).await {
            Ok(done) => done,
            Err(_) => Err(progress.deadline(host, deadline, begun)),
        }
    }

    async fn look_at(
        self: &Arc<Self>,
        host: &Host,
        via: &[Host],
        algorithms: &[russh::keys::Algorithm],
        progress: &Progress,
    ) -> Result<Option<HostKey>, Error> {
        let mut tries = 0;
        loop {
            match self.attempt(host, via, progress, Purpose::LookAtKey(algorithms)).await {
                Ok(Reached::Key(key)) => return Ok(key),
                Ok(Reached::Connection(_)) => unreachable!("a scan does not log in"),
                Err(Failed::For(error)) => return Err(error),
                Err(Failed::Early(fault)) => tries = self.pause_after(fault, tries, progress).await,
            }
        }
    }

    /// One attempt: a place on the bastion, a place in the queues, one connection.
    async fn attempt(
        self: &Arc<Self>,
        host: &Host,
        via: &[Host],
        progress: &Progress,
        purpose: Purpose<'_>,
    ) -> Result<Reached, Failed> {
        let through = if via.is_empty() {
            None
        } else {
            progress.at(Stage::Bastion);
            Some(self.lease(host, via, Fresh::No).await?)
        };
        progress.at(Stage::Waiting);
        // The right to log in at an HMC comes before a place at its sshd, which is to be had
        // again sooner.
        let _turn = purpose.turn(&self.ledger).await?;
        let _through_bastion = match via.first() {
            Some(first) => Some(self.bastions.at(first.addresses.clone()).enter().await),
            None => None,
        };
        let pass = self.hops.at(Hop::of(host, via)).enter().await;
        let _place = self.logins.acquire().await.expect("never closed");
        progress.at(Stage::Connecting);
        let reached = match through {
            None => self.reach_directly(host, progress, purpose).await,
            Some(lease) => self.reach_through(host, via, lease, progress, purpose).await,
        };
        match &reached {
            Ok(_) => pass.success(),
            Err(Failed::Early(_)) => pass.reset(),
            Err(Failed::For(_)) => {}
        }
        reached
    }

    async fn lease(
        self: &Arc<Self>,
        host: &Host,
        via: &[Host],
        fresh: Fresh,
    ) -> Result<Lease, Error> {
        let bastion = via.last().expect("asked only when there is a bastion");
        self.pool.lease(self, via, fresh).await.map_err(|cause| Error::Bastion {
            host: host.name.clone(),
            via: bastion.name.clone(),
            cause,
        })
    }

    async fn reach_directly(
        &self,
        host: &Host,
        progress: &Progress,
        purpose: Purpose<'_>,
    ) -> Result<Reached, Failed> {
        let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "it has no address");
        for address in &host.addresses {
            let places = match resolve(address, host.port).await {
                Ok(places) => places,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            for place in places {
                progress.at(Stage::Connecting);
                match timeout(self.settings.address_timeout, TcpStream::connect(place)).await {
                    Err(_) => last = io::ErrorKind::TimedOut.into(),
                    Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
                        return Err(Failed::Early(Fault::from(&error)));
                    }
                    Ok(Err(error)) => last = error,
                    Ok(Ok(stream)) => match Wire::tcp(stream, self.settings.silence_limit()) {
                        Err(error) => last = error,
                        Ok(wire) => {
                            progress.at(Stage::LoggingIn);
                            return self.speak(host, wire, None, purpose).await;
                        }
                    },
                }
            }
        }
        Err(Failed::For(Error::Unreachable {
            host: host.name.clone(),
            at: host.places(),
            cause: last,
        }))
    }

    async fn reach_through(
        self: &Arc<Self>,
        host: &Host,
        via: &[Host],
        mut lease: Lease,
        progress: &Progress,
        purpose: Purpose<'_>,
    ) -> Result<Reached, Failed> {
        let limit = self.settings.address_timeout;
        let mut last = Fault::new("it has no address");
        for address in &host.addresses {
            let mut opened = lease.open(address, host.port, limit).await;
            if matches!(opened, Err(NoChannel::Refused(_))) && lease.is_shared() {
                // Perhaps too many channels are open on that connection: see whether one of its
                // own fares better.
                let fresh = self.lease(host, via, Fresh::Yes).await?;
                opened = fresh.open(address, host.port, limit).await;
                if opened.is_ok() {
                    lease.is_full();
                }
                lease = fresh;
            }
            match opened {
                Ok(channel) => {
                    progress.at(Stage::LoggingIn);
                    return self.speak(host, Wire::channel(channel), Some(lease), purpose).await;
                }
                Err(NoChannel::Target(fault) | NoChannel::Refused(fault)) => last = fault,
                Err(NoChannel::Lost(error)) => {
                    return Err(Failed::For(Error::Bastion {
                        host: host.name.clone(),
                        via: lease.bastion().clone(),
                        cause: Arc::new(error),
                    }));
                }
            }
        }
        Err(Failed::For(Error::ForwardRefused {
            host: host.name.clone(),
            via: lease.bastion().clone(),
            at: host.places(),
            cause: last,
        }))
    }

    /// Key exchange, host key check and login on an open stream.
    async fn speak(
        &self,
        host: &Host,
        wire: Wire,
        through: Option<Lease>,
        purpose: Purpose<'_>,
    ) -> Result<Reached, Failed> {
        let check = match purpose {
            Purpose::LogIn(_) => {
                Check::Against { policy: host.host_keys.clone(), names: host.names() }
            }
            Purpose::LookAtKey(algorithms) => Check::Note(algorithms.to_vec()),
        };
        let config = Arc::new(client::config(&check));
        let pulse = wire.pulse();
        let (client, end) = Client::new(check);
        let limit = self.settings.login_timeout;
        let greeted = timeout(limit, connect_stream(config, wire, client)).await;
        let mut ssh = match (greeted, purpose) {
            (Err(_), _) => {
                return Err(Failed::For(Error::Deadline {
                    host: host.name.clone(),
                    stage: Stage::LoggingIn,
                    after: limit,
                }));
            }
            (Ok(Ok(ssh)), _) => ssh,
            (Ok(Err(Early::Noted(key))), Purpose::LookAtKey(_)) => {
                return Ok(Reached::Key(Some(key)));
            }
            (Ok(Err(Early::Ssh(error))), Purpose::LookAtKey(_)) if is_about_keys(&error) => {
                return Ok(Reached::Key(None));
            }
            (Ok(Err(Early::HostKey(refused))), _) => {
                return Err(Failed::For(not_believed(host, *refused)));
            }
            (Ok(Err(Early::Ssh(error))), _) => return Err(not_agreed(host, &error, &end)),
            (Ok(Err(Early::Noted(_))), Purpose::LogIn(_)) => unreachable!("only a scan notes keys"),
        };
        let Purpose::LogIn(login) = purpose else { unreachable!("a scan ends at the host key") };
        login.perform(&mut ssh, &end).await?;
        let opened = Opened { host: host.name.clone(), ssh, end, pulse, through };
        Ok(Reached::Connection(Connection::new(opened, &self.settings, &self.keepers)))
    }
}

/// Why a host is connected to.
#[derive(Clone, Copy)]
enum Purpose<'a> {
    LogIn(&'a Login<'a>),
    LookAtKey(&'a [russh::keys::Algorithm]),
}

impl Purpose<'_> {
    async fn turn(
        self,
        ledger: &Arc<dyn LoginLedger>,
    ) -> Result<Option<super::login::Turn>, Error> {
        match self {
            Self::LogIn(login) => login.turn(ledger).await,
            Self::LookAtKey(_) => Ok(None),
        }
    }
}

/// What came of it.
enum Reached {
    Connection(Connection),
    /// `None`: the host has no key of that kind.
    Key(Option<HostKey>),
}

impl Hop {
    fn of(host: &Host, via: &[Host]) -> Self {
        Self {
            via: via.iter().map(|bastion| bastion.name.clone()).collect(),
            address: host.addresses.first().cloned(),
            port: host.port,
        }
    }
}

impl Progress {
    fn new() -> Self {
        Self { stage: Mutex::new(Stage::Waiting), early: Mutex::new(None) }
    }

    fn at(&self, stage: Stage) {
        *self.stage.lock().expect(POISON) = stage;
    }

    fn closed_early(&self, tries: u32, fault: Fault) {
        *self.early.lock().expect(POISON) = Some((tries, fault));
    }

    fn deadline(&self, host: &Host, deadline: std::time::Duration, begun: Instant) -> Error {
        let host = host.name.clone();
        match self.early.lock().expect(POISON).take() {
            Some((tries, cause)) => {
                Error::ClosedEarly { host, tries, after: begun.elapsed(), cause }
            }
            None => {
                Error::Deadline { host, stage: *self.stage.lock().expect(POISON), after: deadline }
            }
        }
    }
}

async fn resolve(address: &Address, port: u16) -> io::Result<Vec<SocketAddr>> {
    match address {
        Address::Ip(ip) => Ok(vec![SocketAddr::new(*ip, port)]),
        Address::Name(name) => Ok(lookup_host((name.as_str(), port)).await?.collect()),
    }
}

fn not_believed(host: &Host, refused: Refused) -> Error {
    let shown =
        |key: &HostKey| OfferedKey { algorithm: key.algorithm(), fingerprint: key.fingerprint() };
    let host = host.name.clone();
    match refused {
        Refused::Unknown { offered } => Error::HostKeyUnknown { host, offered: shown(&offered) },
        Refused::Changed { offered, known } => {
            Error::HostKeyChanged { host, offered: shown(&offered), known }
        }
        Refused::Revoked { offered } => Error::HostKeyRevoked { host, offered: shown(&offered) },
        Refused::Certificate { offered, fault } => {
            Error::HostCertificate { host, offered: shown(&offered), cause: fault }
        }
    }
}

/// Whether the host has no key of the kind that was asked for.
fn is_about_keys(error: &russh::Error) -> bool {
    matches!(error, russh::Error::NoCommonAlgo { kind: russh::AlgorithmKind::Key, .. })
}

/// A stream that just ends says "too many"; one that ends with a reason says what it says.
fn not_agreed(host: &Host, error: &russh::Error, end: &End) -> Failed {
    use io::ErrorKind as Kind;
    let fault = end.told().unwrap_or_else(|| Fault::from(error));
    let ended = match error {
        russh::Error::Disconnect | russh::Error::HUP => true,
        russh::Error::IO(error) => matches!(
            error.kind(),
            Kind::ConnectionReset
                | Kind::BrokenPipe
                | Kind::UnexpectedEof
                | Kind::ConnectionAborted
        ),
        _ => false,
    };
    if ended {
        Failed::Early(fault)
    } else {
        Failed::For(Error::Handshake { host: host.name.clone(), cause: fault })
    }
}

const POISON: &str = "nothing panics while it holds this lock";
