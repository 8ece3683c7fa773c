//! An SSH server inside the test process, which can misbehave and remembers what it was shown.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKey};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Response, Session,
    VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId, ChannelMsg, MethodKind, MethodSet};
use tokio::io::{AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// How the server behaves.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) host_keys: Vec<PrivateKey>,
    pub(super) certificates: Vec<Certificate>,
    pub(super) authorized: Vec<PublicKey>,
    pub(super) password: Option<&'static str>,
    pub(super) methods: Vec<MethodKind>,
    /// The prompts of keyboard-interactive, one round each.
    pub(super) prompts: Vec<&'static str>,
    /// How many connections are closed right after they were accepted.
    pub(super) closed_early: usize,
    /// Closes connections above so many logins under way, as `MaxStartups n:100:n` does.
    pub(super) max_startups: usize,
    /// Ends the connection when it sees a password, without an answer.
    pub(super) dies_on_password: bool,
    /// Channels to other hosts per connection.
    pub(super) forwards: usize,
}

impl Plan {
    pub(super) fn new(host_key: &PrivateKey, authorized: &PrivateKey) -> Self {
        Self {
            host_keys: vec![host_key.clone()],
            certificates: Vec::new(),
            authorized: vec![authorized.public_key().clone()],
            password: None,
            methods: vec![MethodKind::PublicKey],
            prompts: vec!["Password: "],
            closed_early: 0,
            max_startups: usize::MAX,
            dies_on_password: false,
            forwards: usize::MAX,
        }
    }
}

/// What the server was shown.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) connections: AtomicUsize,
    pub(super) closed_early: AtomicUsize,
    /// Logins tried, by whatever method, and with what.
    pub(super) logins: Mutex<Vec<String>>,
    pub(super) commands: Mutex<Vec<String>>,
    pub(super) forwards: AtomicUsize,
    starting: AtomicUsize,
    /// Most logins under way at a time.
    pub(super) most_starting: AtomicUsize,
    /// Bytes that commands have written, and read.
    pub(super) written: AtomicUsize,
    pub(super) read: AtomicUsize,
}

pub(super) struct Server {
    pub(super) port: u16,
    pub(super) seen: Arc<Seen>,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    plan: Plan,
    seen: Arc<Seen>,
    config: Arc<Config>,
    /// While `true`, no byte passes in either direction, and no connection is refused or ended.
    frozen: watch::Sender<bool>,
    cut: Notify,
    /// Lets commands that wait for it go on.
    go_on: watch::Sender<bool>,
}

impl Server {
    pub(super) async fn start(plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen::default());
        let config = Arc::new(Config {
            keys: plan.host_keys.clone(),
            certificates: plan.certificates.clone(),
            methods: MethodSet::from(&plan.methods[..]),
            auth_rejection_time: Duration::ZERO,
            nodelay: true,
            ..Config::default()
        });
        let shared = Arc::new(Shared {
            plan,
            seen: Arc::clone(&seen),
            config,
            frozen: watch::Sender::new(false),
            cut: Notify::new(),
            go_on: watch::Sender::new(false),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Self { port, seen, shared, _tasks: tasks }
    }

    pub(super) fn freeze(&self) {
        self.shared.frozen.send_replace(true);
    }

    pub(super) fn thaw(&self) {
        self.shared.frozen.send_replace(false);
    }

    /// Resets every open connection.
    pub(super) fn cut(&self) {
        self.shared.cut.notify_waiters();
    }

    /// Lets `read-later` read.
    pub(super) fn go_on(&self) {
        self.shared.go_on.send_replace(true);
    }
}

impl Seen {
    pub(super) fn logins(&self) -> Vec<String> {
        self.logins.lock().unwrap().clone()
    }

    pub(super) fn commands(&self) -> Vec<String> {
        self.commands.lock().unwrap().clone()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let seen = &shared.seen;
        let before = seen.connections.fetch_add(1, Ordering::SeqCst);
        let starting = seen.starting.load(Ordering::SeqCst);
        if before < shared.plan.closed_early || starting >= shared.plan.max_startups {
            seen.closed_early.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let now = seen.starting.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_starting.fetch_max(now, Ordering::SeqCst);
        connections.spawn(serve(stream, Arc::clone(&shared)));
    }
}

/// Serves one connection over a pipe that can be frozen and cut.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    stream.set_nodelay(true).unwrap();
    let (mut near, far) = tokio::io::duplex(64 << 10);
    let handler = Connection {
        shared: Arc::clone(&shared),
        starting: Some(Starting(Arc::clone(&shared.seen))),
        rounds: 0,
        forwards: 0,
        channels: HashMap::new(),
    };
    let config = Arc::clone(&shared.config);
    let mut session = tokio::spawn(async move {
        if let Ok(running) = run_stream(config, far, handler).await {
            drop(running.await);
        }
    });
    let cut = shared.cut.notified();
    tokio::pin!(cut);
    let mut frozen = shared.frozen.subscribe();
    loop {
        frozen.wait_for(|frozen| !frozen).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut stream, &mut near) => break,
            () = &mut cut => {
                socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                break;
            }
            changed = frozen.wait_for(|frozen| *frozen) => { changed.unwrap(); }
        }
    }
    drop(near);
    drop(stream);
    drop((&mut session).await);
}

struct Starting(Arc<Seen>);

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.starting.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Connection {
    shared: Arc<Shared>,
    starting: Option<Starting>,
    rounds: usize,
    forwards: usize,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl Connection {
    fn note(&self, login: String) {
        self.shared.seen.logins.lock().unwrap().push(login);
    }

    fn judge(&mut self, good: bool) -> Result<Auth, russh::Error> {
        if self.shared.plan.dies_on_password {
            return Err(russh::Error::Disconnect);
        }
        Ok(if good { Auth::Accept } else { Auth::reject() })
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_none(&mut self, user: &str) -> Result<Auth, russh::Error> {
        self.note(format!("{user} none"));
        Ok(Auth::reject())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        self.note(format!("{user} password {password}"));
        let good = self.shared.plan.password == Some(password);
        self.judge(good)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let mut good = true;
        if let Some(mut response) = response {
            let answer = response.next().unwrap_or_default();
            let answer = String::from_utf8_lossy(&answer).into_owned();
            self.note(format!("{user} answer {answer}"));
            good = self.shared.plan.password == Some(answer.as_str());
            if self.rounds == self.shared.plan.prompts.len() {
                return self.judge(good);
            }
        }
        let prompts = &self.shared.plan.prompts;
        if !good || prompts.is_empty() {
            return self.judge(false);
        }
        let prompt = prompts[self.rounds];
        self.rounds += 1;
        Ok(Auth::Partial {
            name: Cow::Borrowed(""),
            instructions: Cow::Borrowed(""),
            prompts: Cow::Owned(vec![(Cow::Borrowed(prompt), false)]),
        })
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        self.note(format!("{user} offers {}", offer.algorithm));
        let known = |key: &PublicKey| key.key_data() == offer.public_key.key_data();
        let good = self.shared.plan.authorized.iter().any(known);
        Ok(if good { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        self.note(format!("{user} signs {}", key.algorithm));
        // SHA-1 would mean that we fell back to it.
        assert_ne!(*key.algorithm, Algorithm::Rsa { hash: None });
        Ok(Auth::Accept)
    }

    async fn auth_succeeded(&mut self, _: &mut Session) -> Result<(), russh::Error> {
        self.starting = None;
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        address: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.forwards == self.shared.plan.forwards {
            reply.reject(russh::ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        match TcpStream::connect((address, u16::try_from(port).unwrap())).await {
            Err(_) => reply.reject(russh::ChannelOpenFailure::ConnectFailed).await,
            Ok(mut target) => {
                self.forwards += 1;
                self.shared.seen.forwards.fetch_add(1, Ordering::SeqCst);
                reply.accept().await;
                tokio::spawn(async move {
                    drop(copy_bidirectional(&mut channel.into_stream(), &mut target).await);
                });
            }
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let command = String::from_utf8(command.to_vec()).unwrap();
        self.shared.seen.commands.lock().unwrap().push(command.clone());
        if command == "refuse" {
            return session.channel_failure(id);
        }
        session.channel_success(id)?;
        let channel = self.channels.remove(&id).unwrap();
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move { run(channel, &command, &shared).await });
        Ok(())
    }
}

/// The commands the server has.
async fn run(mut channel: Channel<Msg>, command: &str, shared: &Shared) {
    let seen = &shared.seen;
    let words: Vec<&str> = command.split(' ').collect();
    let mut status = 0;
    // A client that has gone away ends a command, as SIGPIPE would.
    let done: Result<(), russh::Error> = async {
        match words[..] {
            ["echo", text] => channel.data(format!("{text}\n").as_bytes()).await?,
            ["fail", text, code] => {
                channel.extended_data(1, text.as_bytes()).await?;
                status = code.parse().unwrap();
            }
            ["cat"] => {
                while let Some(message) = channel.wait().await {
                    match message {
                        ChannelMsg::Data { data } => {
                            seen.read.fetch_add(data.len(), Ordering::SeqCst);
                            channel.data(&data[..]).await?;
                        }
                        ChannelMsg::Eof => break,
                        _ => {}
                    }
                }
            }
            // Reads its input only when it is told to, and says how much there was.
            ["read-later"] => {
                let mut go_on = shared.go_on.subscribe();
                go_on.wait_for(|go| *go).await.unwrap();
                let mut read = 0;
                while let Some(message) = channel.wait().await {
                    match message {
                        ChannelMsg::Data { data } => read += data.len(),
                        ChannelMsg::Eof => break,
                        _ => {}
                    }
                }
                channel.data(format!("{read}\n").as_bytes()).await?;
            }
            // So many bytes, without a line end or in lines of 64 bytes.
            ["flood", count] | ["lines", count] => {
                let mut block = vec![b'x'; 16 << 10];
                if words[0] == "lines" {
                    block.chunks_mut(64).for_each(|line| line[63] = b'\n');
                }
                let mut writer = channel.make_writer();
                for _ in 0..count.parse::<usize>().unwrap() / block.len() {
                    writer.write_all(&block).await?;
                    seen.written.fetch_add(block.len(), Ordering::SeqCst);
                }
            }
            // A whole line, half a line, and then nothing any more.
            ["hang"] => {
                channel.data(&b"whole\nhal"[..]).await?;
                while channel.wait().await.is_some() {}
            }
            ["close"] => {
                channel.data(&b"whole\nhal"[..]).await?;
                channel.close().await?;
            }
            _ => panic!("no command {command:?}"),
        }
        Ok(())
    }
    .await;
    if done.is_ok() && command != "close" {
        drop(channel.exit_status(status).await);
        drop(channel.eof().await);
        drop(channel.close().await);
    }
}
