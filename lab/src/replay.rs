//! Hosts that answer from inside this process with a recorded agent session: for load tests, where starting a real agent for each
//! of thousands of hosts would measure the machine and not the master.
//!
//! What a host says is a [`Script`]; identifiers that the other side chooses come back in it by placeholders. SSH is as real as for a
//! site's hosts: same server, same key exchange.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use anyhow::Context as _;
use russh::keys::PublicKey;
use russh::server::Msg;
use russh::{Channel, ChannelMsg};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::ssh::keys::{self, Authorized};
use crate::ssh::{Backend, Execution, Gate, Login, Output, Promise, listen, serve};

/// What a host says to whoever starts `serve` on it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    _tasks: JoinSet<()>,
}

impl Replay {
    /// Starts the hosts. All have one host key, which lies in `known_hosts` for each address; the user is root with
    /// `keys/id_ed25519`. The process needs a descriptor for each host and each connection.
    pub fn start(settings: &Settings) -> anyhow::Result<Self> {
        let directory = &settings.directory;
        let key = keys::load_or_create(&directory.join("hosts/ssh_host_ed25519_key"), "replay")?;
        let user = keys::load_or_create(&directory.join("keys/id_ed25519"), "nimd@lab")?;
        let (mut hosts, mut tasks, mut known) = (Vec::new(), JoinSet::new(), String::new());
        for number in 0..settings.count {
            let ip = Ipv4Addr::from(u32::from(settings.first) + number);
            let listener = listen(SocketAddr::from((ip, settings.port)))
                .with_context(|| format!("cannot listen on {ip}:{}", settings.port))?;
            let address = listener.local_addr().context("a port without an address")?;
            let name = format!("host{:05}", number + 1);
            known.push_str(&keys::known_host(&ip.to_string(), address.port(), key.public_key())?);
            known.push('\n');
            let backend = Arc::new(Host {
                name: name.clone(),
                user: user.public_key().clone(),
                script: Arc::new(settings.script.clone()),
            });
            tasks.spawn(serve(listener, key.clone(), Gate::default(), backend));
            hosts.push((name, address));
        }
        fs::write(directory.join("known_hosts"), known).context("cannot write known_hosts")?;
        Ok(Self { hosts, directory: directory.clone(), _tasks: tasks })
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
}

struct Host {
    name: String,
    user: PublicKey,
    script: Arc<Script>,
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
            let (script, name) = (Arc::clone(&self.script), self.name.clone());
            Ok(Execution::Talk(Box::new(move |channel| Box::pin(talk(channel, script, name)))))
        })
    }
}

/// Plays the script. Ends with the other side, whenever that goes.
async fn talk(mut channel: Channel<Msg>, script: Arc<Script>, host: String) {
    let mut heard = BTreeMap::from([("host".to_owned(), host)]);
    let mut bytes = Vec::new();
    for step in &script.steps {
        match step {
            Step::Say(line) => {
                let line = format!("{}\n", fill(line, &heard));
                if channel.data_bytes(line.into_bytes()).await.is_err() {
                    return;
                }
            }
            Step::Hear(kind) => {
                if !hear(&mut channel, &mut bytes, kind, &mut heard).await {
                    break;
                }
            }
        }
    }
    crate::ssh::exec::answer(channel, Output::default()).await;
}

/// Whether a frame of that kind came before the other side went.
async fn hear(
    channel: &mut Channel<Msg>,
    bytes: &mut Vec<u8>,
    kind: &str,
    heard: &mut BTreeMap<String, String>,
) -> bool {
    loop {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = bytes.drain(..=end).collect();
            let Ok(Value::Object(fields)) = serde_json::from_slice(&line) else { continue };
            let is_it = fields.get("frame").and_then(Value::as_str) == Some(kind);
            heard.extend(fields.into_iter().map(|(name, value)| match value {
                Value::String(text) => (name, text),
                other => (name, other.to_string()),
            }));
            if is_it {
                return true;
            }
        }
        match channel.wait().await {
            Some(ChannelMsg::Data { data }) => bytes.extend_from_slice(&data),
            Some(ChannelMsg::Eof | ChannelMsg::Close) | None => return false,
            Some(_) => {}
        }
    }
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

    #[test]
    fn placeholders_are_what_was_heard() {
        let heard = BTreeMap::from([("operation".to_owned(), "0192".to_owned())]);
        assert_eq!(fill(r#"{"o":"${operation}","x":"${y}"}"#, &heard), r#"{"o":"0192","x":""}"#);
        assert_eq!(fill("no ${end", &heard), "no ${end");
    }
}
