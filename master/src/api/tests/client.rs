//! A nimd without engine, and a client that speaks HTTP by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use nim_shared::api::{AgentStatus, Failure, FailureKind, KeyExchanged, QueryAnswer, SystemView};
use nim_shared::id::{MasterId, ObjectName};
use nim_shared::object::{Object, Spec};
use nim_shared::query::Query;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::api::{Api, ConsoleSeen, HostKeys, Hosts, Listed, Offered, Parts, Socket};
use crate::clock::Clock;
use crate::inventory::details::Details;
use crate::settings::Configuration;
use crate::store::secret::KeyFile;
use crate::store::testing::world::no_limits;
use crate::store::{Store, testing};

pub(super) const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB nimd@master";

/// A nimd that answers on a socket.
pub(super) struct Fixture {
    pub(super) store: Store,
    pub(super) hosts: Arc<FakeHosts>,
    api: Api,
    socket: PathBuf,
    folder: TempDir,
    serving: JoinHandle<()>,
}

impl Fixture {
    /// With the settings that hold when nobody says otherwise.
    pub(super) async fn start() -> Self {
        Self::with("").await
    }

    /// With settings.
    pub(super) async fn with(settings: &str) -> Self {
        Self::on(testing::store().await, settings).await
    }

    /// On a database that there is already.
    pub(super) async fn on(store: Store, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("nimd");
        for made in [data.join("keys"), data.join("run")] {
            std::fs::create_dir_all(made).unwrap();
        }
        std::fs::write(data.join("nimd.yaml"), settings).unwrap();
        let configuration = Configuration::load(&data, None).unwrap();
        let hosts = Arc::new(FakeHosts::default());
        let clock = Clock::real();
        let mode = configuration.settings.socket.mode.0;
        let socket = Socket::bind(&configuration.socket(), mode, None).await.unwrap();
        let path = socket.path().to_owned();
        let secrets = KeyFile::open_or_create(&configuration.secret_key()).unwrap();
        let end = tokio_util::sync::CancellationToken::new();
        let sending = crate::notices::Settings {
            mail: configuration.settings.notify.mail.clone(),
            time: configuration.settings.notify.time.duration(),
            give_up: configuration.settings.notify.give_up.duration(),
        };
        let sender =
            crate::notices::Sender::new(store.clone(), secrets.clone(), sending, end.clone());
        let api = Api::new(Parts {
            store: store.clone(),
            sender,
            limits: no_limits(),
            hosts: Arc::clone(&hosts) as Arc<dyn Hosts>,
            master: MasterId(uuid::Uuid::now_v7()),
            public_key: PUBLIC_KEY.to_owned(),
            key: configuration.ssh_key(),
            secrets,
            images: crate::images::Images::default(),
            ready_at: clock.now(),
            clock,
            end,
            watchers: Arc::new(tokio::sync::Semaphore::new(
                configuration.settings.api.watchers.size(),
            )),
            configuration,
        });
        let serving = tokio::spawn(api.clone().run(socket));
        Self { store, hosts, api, socket: path, folder, serving }
    }

    pub(super) fn path(&self) -> &Path {
        &self.socket
    }

    /// A folder for files of the test.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of `nimd` itself.
    pub(super) fn data(&self) -> &Path {
        &self.api.configuration.data_dir
    }

    /// Ends it as nimd ends.
    pub(super) async fn stop(self) {
        self.api.end.cancel();
        self.serving.await.unwrap();
    }

    /// Sets the signal to end, and goes on.
    pub(super) fn end(&self) {
        self.api.end.cancel();
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, "").await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send("POST", path, &body.to_string()).await
    }

    /// Status and body, which is JSON or empty.
    pub(super) async fn send(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, text) = self.request(method, path, body).await;
        let value =
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect(&text) };
        (status, value)
    }

    /// Status and body as text.
    pub(super) async fn text(&self, method: &str, path: &str) -> (u16, String) {
        self.request(method, path, "").await
    }

    async fn request(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = UnixStream::connect(&self.socket).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: nimd\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // A refused body is not read to its end.
        drop(stream.write_all(body.as_bytes()).await);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// Begins to watch, after `last` where given.
    pub(super) async fn watch(&self, query: &str, last: Option<&str>) -> Watch {
        let mut stream = UnixStream::connect(&self.socket).await.unwrap();
        let last = last.map(|last| format!("last-event-id: {last}\r\n")).unwrap_or_default();
        let head = format!("GET /v1/watch?{query} HTTP/1.0\r\nhost: nimd\r\n{last}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream);
        let mut status = String::new();
        lines.read_line(&mut status).await.unwrap();
        assert!(status.contains(" 200 "), "{status}");
        let mut line = String::new();
        while {
            line.clear();
            lines.read_line(&mut line).await.unwrap();
            line.trim() != ""
        } {}
        Watch { lines }
    }

    /// Asks for something, and reads no more than that it comes.
    pub(super) async fn begin(&self, path: &str) -> Begun {
        let mut stream = UnixStream::connect(&self.socket).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: nimd\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        Begun(stream)
    }

    /// A fleet with a frame, its HMC, and some LPARs.
    pub(super) async fn fleet(&self) {
        let (status, applied) = self.apply(FLEET, false).await;
        assert_eq!(status, 200, "{applied}");
    }

    pub(super) async fn apply(&self, text: &str, dry_run: bool) -> (u16, Value) {
        let body = json!({"files": [{"name": "fleet.yaml", "text": text}], "dry_run": dry_run});
        self.post("/v1/apply", &body).await
    }
}

/// An answer of which the rest is not read yet.
pub(super) struct Begun(UnixStream);

impl Begun {
    /// What comes until the connection ends.
    pub(super) async fn rest(mut self) -> String {
        let mut rest = Vec::new();
        // A connection may be cut.
        drop(self.0.read_to_end(&mut rest).await);
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// A stream of server-sent events.
pub(super) struct Watch {
    lines: BufReader<UnixStream>,
}

impl Watch {
    /// The next message with its id; `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> Option<(Option<String>, Value)> {
        let (mut id, mut data) = (None, None);
        loop {
            let mut line = String::new();
            let read =
                tokio::time::timeout(Duration::from_secs(60), self.lines.read_line(&mut line));
            if read.await.expect("a message within a minute").unwrap() == 0 {
                return None;
            }
            let line = line.trim_end();
            if let Some(text) = line.strip_prefix("id: ") {
                id = Some(text.to_owned());
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = Some(serde_json::from_str(text).unwrap());
            } else if line.is_empty()
                && let Some(data) = data.take()
            {
                return Some((id, data));
            }
        }
    }
}

/// Hosts that show a key each: `down…` do not answer, `slow…` take for ever.
#[derive(Default)]
pub(super) struct FakeHosts {
    changed: Mutex<BTreeMap<String, u8>>,
}

impl FakeHosts {
    /// Gives a host another key.
    pub(super) fn change_key(&self, name: &str) {
        *self.changed.lock().unwrap().entry(name.to_owned()).or_default() += 1;
    }

    /// The key of a host.
    pub(super) fn key(&self, name: &str) -> Offered {
        use base64::Engine as _;
        let times = self.changed.lock().unwrap().get(name).copied().unwrap_or_default();
        let mut seed = [times; 32];
        seed[..name.len()].copy_from_slice(name.as_bytes());
        let mut blob = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20".to_vec();
        blob.extend_from_slice(&seed);
        let key = base64::engine::general_purpose::STANDARD.encode(blob);
        let read: crate::inventory::host_key::HostKey =
            format!("ssh-ed25519 {key}").parse().unwrap();
        Offered {
            holder: name.to_owned(),
            algorithm: read.algorithm(),
            fingerprint: read.fingerprint().to_string(),
            key,
        }
    }
}

impl Hosts for FakeHosts {
    fn silent(&self) -> BTreeSet<ObjectName> {
        BTreeSet::new()
    }

    fn host_keys(&self, object: Object) -> BoxFuture<'_, HostKeys> {
        let name = object.name.to_string();
        assert!(matches!(object.spec, Spec::Standalone(_) | Spec::Hmc(_) | Spec::Vios(_)));
        async move {
            if name.starts_with("slow") {
                futures::future::pending::<()>().await;
            }
            let mut keys = HostKeys::default();
            if name.starts_with("down") {
                keys.failed.push(unreachable(&name));
            } else {
                keys.offered.push(self.key(&name));
            }
            keys
        }
        .boxed()
    }

    fn agent_status(&self, lpar: ObjectName) -> BoxFuture<'_, AgentStatus> {
        let failure = Some(unreachable(lpar.as_str()));
        async move { AgentStatus { lpar, hello: None, skew_milliseconds: None, failure } }.boxed()
    }

    fn query(&self, lpar: ObjectName, query: Query) -> BoxFuture<'_, Result<QueryAnswer, Failure>> {
        async move {
            if lpar.as_str().starts_with("down") {
                return Err(unreachable(lpar.as_str()));
            }
            let run = query.invocation().unwrap();
            let stdout = format!("{} {}\n", run.program, run.arguments.join(" "));
            Ok(QueryAnswer { lpar, status: 0, stdout, stderr: String::new() })
        }
        .boxed()
    }

    fn probe(
        &self,
        lpar: ObjectName,
        _: Vec<nim_shared::preflight::probe::Probe>,
    ) -> BoxFuture<'_, Result<crate::api::Looked, Failure>> {
        self.look(lpar)
    }

    fn look(&self, lpar: ObjectName) -> BoxFuture<'_, Result<crate::api::Looked, Failure>> {
        async move {
            if lpar.as_str().starts_with("down") {
                return Err(unreachable(lpar.as_str()));
            }
            let level = Some("7300-03-01-2520".to_owned());
            Ok(crate::api::Looked { level, ..crate::api::Looked::default() })
        }
        .boxed()
    }

    fn disks(
        &self,
        lpar: ObjectName,
        wanted: crate::api::DiskLook,
    ) -> BoxFuture<'_, Result<crate::api::Looked, Failure>> {
        async move {
            if lpar.as_str().starts_with("down") {
                return Err(unreachable(lpar.as_str()));
            }
            let level = Some("7300-03-01-2520".to_owned());
            let boot = nim_shared::frame::Boot {
                booted_at: Some("Nov 12 09:14".to_owned()),
                ..Default::default()
            };
            let probed = super::live_update_data::shown(&lpar, &wanted);
            Ok(crate::api::Looked { level, boot, probed })
        }
        .boxed()
    }

    fn frame(&self, _: ObjectName, _: Vec<String>) -> BoxFuture<'_, crate::inventory::frame::Seen> {
        async { crate::inventory::frame::Seen::NoConsole }.boxed()
    }

    fn frame_details(&self, _: ObjectName) -> BoxFuture<'_, Result<Details, String>> {
        async { Err("no HMC".to_owned()) }.boxed()
    }

    fn console(&self, hmc: ObjectName) -> BoxFuture<'_, ConsoleSeen> {
        let why = format!("cannot reach {hmc}");
        async { ConsoleSeen { level: Err(why.clone()), users: Err(why) } }.boxed()
    }

    fn public_key(&self, path: &Path) -> Result<String, Box<Failure>> {
        Ok(format!("ssh-rsa AAAA{} nimd", path.file_name().unwrap().display()))
    }

    fn exchange_key(
        &self,
        hmc: ObjectName,
        secret: Option<ObjectName>,
    ) -> BoxFuture<'_, Result<KeyExchanged, Failure>> {
        let user = secret.map_or_else(|| "nobody".to_owned(), |secret| secret.to_string());
        async move { Ok(KeyExchanged { hmc, user, was_there: false }) }.boxed()
    }

    fn systems(&self, hmc: ObjectName) -> BoxFuture<'_, Result<Vec<SystemView>, Failure>> {
        async move { Err(unreachable(hmc.as_str())) }.boxed()
    }

    fn partitions(&self, hmcs: Vec<ObjectName>, _mtms: String) -> BoxFuture<'_, Listed> {
        async move {
            let failed = hmcs.into_iter().map(|hmc| (hmc.clone(), unreachable(hmc.as_str())));
            Listed { partitions: None, failed: failed.collect() }
        }
        .boxed()
    }
}

fn unreachable(name: &str) -> Failure {
    Failure {
        code: "NLU-0201".to_owned(),
        message: format!("cannot reach {name}"),
        causes: vec![],
        hint: None,
        faults: vec![],
        kind: FailureKind::Unreachable,
    }
}

/// The user that the tests run as.
pub(super) fn own_uid() -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid()
}

pub(super) const FLEET: &str = "\
hmc:
- name: hmc01
  if1: find_net 10.1.0.1 0
  login: liveupdate
  passwd_file: hmc_pw
cec:
- name: frame01
  hw_type: 9105
  hw_model: 42A
  hw_serial: 78ABCDE
  mgmt_source: [hmc01]
standalone:
- name: lpar01
  if1: find_net 10.1.1.1 0
  mgmt_source: frame01
  identity: 7
  labels: {nhdisk: hdisk2}
- name: lpar02
  if1: find_net 10.1.1.2 0
  mgmt_source: frame01
  via: [nim@bastion:2222]
  labels: {nhdisk: hdisk4}
- name: down01
  if1: find_net 10.1.1.3 0
- name: slow01
  if1: find_net 10.1.1.4 0
mac_group:
- name: pair
  member: [lpar01, lpar02]
live_update_data:
- name: lud
  content: |
    disks:
    \tnhdisk = {{labels.nhdisk}}
    \tmhdisk = hdisk3
    hmc:
    \tlpar_id =
    \tmanagement_console = {{hmc.address}}
    \tuser = liveupdate
- name: lud_lpar01
  content: \"disks:\\n\\tnhdisk = hdisk2\\n\\tmhdisk = hdisk2\\nhmc:\\n\\tmanagement_console = hmc09\\n\\tuser = x\\n\"
lpp_source:
- name: tl3
  location: /export/tl3
  server: nim01
- name: here
  location: /no/such/folder
- name: seen
  location: /usr/sys/inst.images
  access: local
";
