//! Hosts that answer from inside this process with a recorded agent session: for load tests, where starting a real agent for each
//! of thousands of hosts would measure the machine and not the master.
//!
//! What a host says is a [`Script`]; identifiers that the other side chooses come back in it by placeholders. SSH is as real as for a
//! site's hosts: same server, same key exchange.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use anyhow::Context as _;
use russh::Channel;
use russh::keys::PublicKey;
use russh::server::Msg;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::task::JoinSet;

use crate::ssh::keys::{self, Authorized};
use crate::ssh::{Backend, Execution, Gate, Login, Output, Promise, listen, serve};

/// What a host says to whoever starts `serve` on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    steps: Vec<Step>,
}

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Says a line. `${NAME}` in it stands for the field NAME of a line that was heard, `${host}` for the host's name.
    Say(String),
    /// Waits for a frame of this kind (the field `frame` of a line), and remembers its fields. Others are skipped.
    Hear(String),
    /// Waits for a frame of any of these kinds, and plays what stands beside it.
    Choose(Vec<(String, Script)>),
    /// Says nothing for this time.
    Pause(Duration),
}

impl Script {
    /// A script of these steps.
    pub fn new(steps: Vec<Step>) -> Self {
        Self { steps }
    }
}

/// How many hosts there are to be, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Number of hosts, called `host00001` and so on.
    pub count: u32,
    /// Address of the first; the others follow. In 127.0.0.0/8.
    pub first: Ipv4Addr,
    /// TCP port of all; 0 gives each one of its own.
    pub port: u16,
    /// Where keys and `known_hosts` are written.
    pub directory: PathBuf,
    /// What they say.
    pub script: Script,
}

/// Running hosts. They end when this is dropped.
#[derive(Debug)]
pub struct Replay {
    hosts: Vec<(String, SocketAddr)>,
    directory: PathBuf,
    tally: Arc<Tally>,
    _tasks: JoinSet<()>,
}

/// How many frames of each kind were heard by all hosts, and when the last one.
type Tally = Mutex<BTreeMap<String, (usize, SystemTime)>>;

impl Replay {
    /// Starts the hosts. All have one host key, which lies in `known_hosts` for each address; the user is root with
    /// `keys/id_ed25519`. The process needs a descriptor for each host and each connection.
    pub fn start(settings: &Settings) -> anyhow::Result<Self> {
        let directory = &settings.directory;
        let key = keys::load_or_create(&directory.join("hosts/ssh_host_ed25519_key"), "replay")?;
        let user = keys::load_or_create(&directory.join("keys/id_ed25519"), "nimd@lab")?;
        let (mut hosts, mut tasks, mut known) = (Vec::new(), JoinSet::new(), String::new());
        let (script, tally) = (Arc::new(settings.script.clone()), Arc::default());
        for number in 0..settings.count {
            let ip = Ipv4Addr::from(u32::from(settings.first) + number);
            let listener = listen(SocketAddr::from((ip, settings.port)))
                .with_context(|| format!("cannot listen on {ip}:{}", settings.port))?;
            let address = listener.local_addr().context("a port without an address")?;
            let name = format!("host{:05}", number + 1);
            known.push_str(&keys::known_host(&ip.to_string(), address.port(), key.public_key())?);
            known.push('\n');
            let player = Arc::new(Player::new(&name, Arc::clone(&script), Arc::clone(&tally)));
            let backend = Arc::new(Host { user: user.public_key().clone(), player });
            tasks.spawn(serve(listener, key.clone(), Gate::default(), backend));
            hosts.push((name, address));
        }
        fs::write(directory.join("known_hosts"), known).context("cannot write known_hosts")?;
        Ok(Self { hosts, directory: directory.clone(), tally, _tasks: tasks })
    }

    /// Names and addresses.
    pub fn hosts(&self) -> &[(String, SocketAddr)] {
        &self.hosts
    }

    /// The private key that logs in.
    pub fn key(&self) -> PathBuf {
        self.directory.join("keys/id_ed25519")
    }

    /// Host keys of all.
    pub fn known_hosts(&self) -> PathBuf {
        Path::new(&self.directory).join("known_hosts")
    }

    /// How many frames of this kind the hosts have heard, and when the last one.
    pub fn heard(&self, kind: &str) -> Option<(usize, SystemTime)> {
        lock(&self.tally).get(kind).copied()
    }
}

/// Plays a script on the connections of one host: what was heard on one is remembered on the next.
#[derive(Debug)]
pub struct Player {
    script: Arc<Script>,
    heard: Mutex<BTreeMap<String, String>>,
    tally: Arc<Tally>,
}

struct Host {
    user: PublicKey,
    player: Arc<Player>,
}

impl Backend for Host {
    fn key<'a>(&'a self, user: &'a str, key: &'a PublicKey) -> Promise<'a, Option<Authorized>> {
        let known = user == "root" && key.key_data() == self.user.key_data();
        Box::pin(async move { known.then_some(Authorized::Free) })
    }

    fn password<'a>(&'a self, _: &'a str, _: &'a str) -> Promise<'a, Result<bool, String>> {
        Box::pin(async { Ok(false) })
    }

    fn run<'a>(&'a self, _: &'a Login, command: &'a str) -> Promise<'a, io::Result<Execution>> {
        Box::pin(async move {
            // For the other tools of a comparison, which run `echo`.
            if let Some(text) = command.strip_prefix("echo ") {
                let stdout = format!("{text}\n").into_bytes();
                return Ok(Execution::Answered(Output { stdout, ..Output::default() }));
            }
            if !command.ends_with("serve") {
                let stderr = b"this host knows only `serve` and `echo`\n".to_vec();
                return Ok(Execution::Answered(Output {
                    stderr,
                    status: 127,
                    ..Output::default()
                }));
            }
            let player = Arc::clone(&self.player);
            Ok(Execution::Talk(Box::new(move |channel| Box::pin(talk(channel, player)))))
        })
    }
}

/// Plays the script on a channel.
async fn talk(channel: Channel<Msg>, player: Arc<Player>) {
    let (mut from, to) = channel.split();
    let played = player.play(BufReader::new(from.make_reader()), to.make_writer()).await;
    let ended = async {
        to.exit_status(u32::from(played.is_err())).await?;
        to.eof().await?;
        to.close().await
    };
    if let Err(error) = ended.await {
        tracing::debug!(%error, "the end of a script found no listener");
    }
}

impl Player {
    /// For a host that is not served by [`Replay`], but by whoever has its connections.
    pub fn alone(host: &str, script: Script) -> Self {
        Self::new(host, Arc::new(script), Arc::default())
    }

    fn new(host: &str, script: Arc<Script>, tally: Arc<Tally>) -> Self {
        let heard = BTreeMap::from([("host".to_owned(), host.to_owned())]);
        Self { script, heard: Mutex::new(heard), tally }
    }

    /// Plays the script to its end, or until the other side goes.
    pub async fn play(
        &self,
        mut from: impl AsyncBufRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let mut steps: VecDeque<&Step> = self.script.steps.iter().collect();
        while let Some(step) = steps.pop_front() {
            match step {
                Step::Say(line) => {
                    let line = format!("{}\n", fill(line, &lock(&self.heard)));
                    to.write_all(line.as_bytes()).await?;
                    to.flush().await?;
                }
                Step::Hear(kind) => {
                    if self.hear(&mut from, |heard| heard == kind).await?.is_none() {
                        break;
                    }
                }
                Step::Choose(scripts) => {
                    let known = |heard: &str| scripts.iter().position(|(kind, _)| kind == heard);
                    let heard = self.hear(&mut from, |heard| known(heard).is_some()).await?;
                    let Some(index) = heard.and_then(|heard| known(&heard)) else { break };
                    for step in scripts[index].1.steps.iter().rev() {
                        steps.push_front(step);
                    }
                }
                Step::Pause(span) => tokio::time::sleep(*span).await,
            }
        }
        Ok(())
    }

    /// The first frame of a kind that is wanted; `None` when the other side went before.
    async fn hear(
        &self,
        from: &mut (impl AsyncBufRead + Unpin),
        wanted: impl Fn(&str) -> bool,
    ) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if from.read_until(b'\n', &mut line).await? == 0 {
                return Ok(None);
            }
            let Ok(Value::Object(fields)) = serde_json::from_slice(&line) else { continue };
            let Some(kind) = fields.get("frame").and_then(Value::as_str) else { continue };
            let kind = kind.to_owned();
            {
                let mut tally = lock(&self.tally);
                let count = tally.get(&kind).map_or(0, |(count, _)| *count);
                tally.insert(kind.clone(), (count + 1, SystemTime::now()));
            }
            lock(&self.heard).extend(fields.into_iter().map(|(name, value)| match value {
                Value::String(text) => (name, text),
                other => (name, other.to_string()),
            }));
            if wanted(&kind) {
                return Ok(Some(kind));
            }
        }
    }
}

/// What is behind these locks is whole after every statement.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fill(line: &str, heard: &BTreeMap<String, String>) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        match after.split_once('}') {
            Some((name, after)) => {
                text.push_str(heard.get(name).map_or("", String::as_str));
                rest = after;
            }
            None => {
                text.push_str("${");
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_script_goes_the_way_that_it_hears_and_remembers_it_on_the_next_connection() {
        let way = |kind: &str, line: &str| {
            (kind.to_owned(), Script::new(vec![Step::Say(line.to_owned())]))
        };
        let script = Script::new(vec![
            Step::Choose(vec![
                way("start", "taken ${digest}"),
                way("attach", "attached ${digest}"),
            ]),
            Step::Say("end".to_owned()),
        ]);
        let player = Player::alone("host", script);
        for (said, expected) in [
            (r#"{"frame":"start","digest":"abc"}"#, "taken abc\nend\n"),
            ("{\"frame\":\"x\"}\nnothing\n{\"frame\":\"attach\"}", "attached abc\nend\n"),
            ("", ""),
        ] {
            let mut answered = Vec::new();
            player.play(said.as_bytes(), &mut answered).await.unwrap();
            assert_eq!(String::from_utf8(answered).unwrap(), expected, "{said}");
        }
        assert_eq!(lock(&player.tally)["start"].0, 1);
    }

    #[test]
    fn placeholders_are_what_was_heard() {
        let heard = BTreeMap::from([("operation".to_owned(), "0192".to_owned())]);
        assert_eq!(fill(r#"{"o":"${operation}","x":"${y}"}"#, &heard), r#"{"o":"0192","x":""}"#);
        assert_eq!(fill("no ${end", &heard), "no ${end");
    }
}
