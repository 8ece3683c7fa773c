//! The server: who may log in, and which command goes where.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{PrivateKey, PublicKey};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

use super::exec;
use super::gate::{Gate, Gated};
use super::keys::Authorized;
use super::wire::Tap;
use crate::lpar::Started;

/// Who is logged in.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// User name.
    pub(crate) user: String,
    /// What the key is bound to.
    pub(crate) authorized: Authorized,
}

/// All that a command said, when it is a function of the lab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// Standard output.
    pub(crate) stdout: Vec<u8>,
    /// Standard error.
    pub(crate) stderr: Vec<u8>,
    /// Exit status.
    pub(crate) status: u8,
}

/// What a command became.
pub(crate) enum Execution {
    /// Processes on an LPAR, and what befalls what goes to them and what comes from them.
    Process(Started, [Option<Tap>; 2]),
    /// A function that has already answered.
    Answered(Output),
    /// A conversation on the channel, within this process.
    Talk(Talk),
}

/// A conversation that takes the channel.
pub(crate) type Talk =
    Box<dyn FnOnce(Channel<Msg>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// A future of a backend.
pub(crate) type Promise<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is behind one host's server.
pub(crate) trait Backend: Send + Sync + 'static {
    /// Whether a new connection gets in at all.
    fn admits(&self) -> bool {
        true
    }

    /// Whether `user` may come in with `key`, and what for.
    fn key<'a>(&'a self, user: &'a str, key: &'a PublicKey) -> Promise<'a, Option<Authorized>>;

    /// Whether `user` may come in with `password`. `Err` is a banner to show.
    fn password<'a>(
        &'a self,
        user: &'a str,
        password: &'a str,
    ) -> Promise<'a, Result<bool, String>>;

    /// Runs `command`.
    fn run<'a>(&'a self, login: &'a Login, command: &'a str) -> Promise<'a, io::Result<Execution>>;
}

/// Opens the host's port. The address is bound at once, so that two sites on one address are noticed.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A site started again finds its ports in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Serves a host until this future is dropped; its connections end with it.
pub(crate) async fn serve<B: Backend>(
    listener: TcpListener,
    key: PrivateKey,
    gate: Gate,
    backend: Arc<B>,
) {
    let config = Arc::new(Config {
        keys: vec![key],
        auth_rejection_time: Duration::from_millis(100),
        auth_rejection_time_initial: Some(Duration::ZERO),
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // A host that is off lets the connection go at once.
                    if let Some(gated) = gate.pass(stream).filter(|_| backend.admits()) {
                        connections.spawn(connection(Arc::clone(&config), gated, Arc::clone(&backend)));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection<B: Backend>(config: Arc<Config>, stream: Gated, backend: Arc<B>) {
    let peer = Peer { backend, login: None, banner: None, channels: HashMap::new() };
    let ended = match run_stream(config, stream, peer).await {
        Ok(session) => {
            // When this task is dropped with the site, the session must not live on in the background.
            let guard = Disconnect(session.handle());
            let ended = session.await;
            drop(guard);
            ended
        }
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an SSH session ended");
    }
}

struct Disconnect(russh::server::Handle);

impl Drop for Disconnect {
    fn drop(&mut self) {
        let handle = self.0.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                handle
                    .disconnect(russh::Disconnect::ByApplication, String::new(), String::new())
                    .await
                    .ok();
            });
        }
    }
}

struct Peer<B> {
    backend: Arc<B>,
    login: Option<Login>,
    banner: Option<String>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl<B: Backend> Handler for Peer<B> {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: russh::server::PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        let known = self.backend.key(user, offer.public_key).await;
        Ok(if known.is_some() { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(match self.backend.key(user, key.public_key).await {
            Some(authorized) => {
                self.login = Some(Login { user: user.to_owned(), authorized });
                Auth::Accept
            }
            None => Auth::reject(),
        })
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(match self.backend.password(user, password).await {
            Ok(true) => {
                self.login = Some(Login { user: user.to_owned(), authorized: Authorized::Free });
                Auth::Accept
            }
            Ok(false) => Auth::reject(),
            Err(banner) => {
                self.banner = Some(banner);
                Auth::reject()
            }
        })
    }

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(self.banner.take())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.channels.remove(&id);
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let (Some(channel), Some(login)) = (self.channels.remove(&id), self.login.clone()) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        let command = String::from_utf8_lossy(data).into_owned();
        let (backend, handle) = (Arc::clone(&self.backend), session.handle());
        // In a task of its own: a slow command must not hold up the other channels.
        tokio::spawn(async move { execute(&*backend, handle, channel, &login, &command).await });
        Ok(())
    }
}

async fn execute<B: Backend>(
    backend: &B,
    handle: russh::server::Handle,
    channel: Channel<Msg>,
    login: &Login,
    command: &str,
) {
    match backend.run(login, command).await {
        Ok(Execution::Process(started, taps)) => {
            exec::bridge(handle, channel, started, taps).await;
        }
        Ok(Execution::Answered(output)) => exec::answer(channel, output).await,
        Ok(Execution::Talk(talk)) => talk(channel).await,
        Err(error) => {
            let stderr = format!("nim-lab: {error}\n").into_bytes();
            exec::answer(channel, Output { stderr, status: 126, ..Output::default() }).await;
        }
    }
}
