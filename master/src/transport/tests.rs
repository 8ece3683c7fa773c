//! The transport against servers: one inside the test process that can misbehave, and OpenSSH.

mod bastion;
mod flow;
mod host_key;
mod keys;
mod password;
mod resets;
mod server;
mod silence;
mod sshd;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey};

use super::*;

/// A new key of this kind.
fn new_key(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::random(&mut rand::rng(), algorithm).unwrap()
}

fn ed25519() -> PrivateKey {
    new_key(Algorithm::Ed25519)
}

fn ecdsa(curve: EcdsaCurve) -> PrivateKey {
    new_key(Algorithm::Ecdsa { curve })
}

/// Made by OpenSSH: without optimisation, ours takes minutes to find the primes.
fn rsa() -> PrivateKey {
    static KEY: std::sync::OnceLock<PrivateKey> = std::sync::OnceLock::new();
    KEY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rsa");
        keygen(&["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", file.to_str().unwrap()]);
        PrivateKey::from_openssh(std::fs::read(file).unwrap()).unwrap()
    })
    .clone()
}

fn keygen(arguments: &[&str]) -> String {
    let output = std::process::Command::new("ssh-keygen").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The public half, as it would be on record.
fn public(key: &PrivateKey) -> HostKey {
    HostKey::offered(key.public_key())
}

/// A transport, and a private key file for it.
struct Client {
    transport: Transport,
    ledger: Arc<MemoryLedger>,
    key: PathBuf,
    _folder: tempfile::TempDir,
}

impl Client {
    fn new(key: &PrivateKey) -> Self {
        Self::with(key, Settings::default())
    }

    fn with(key: &PrivateKey, settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = write_key(folder.path(), &key.to_openssh(LineEnding::LF).unwrap(), 0o600);
        let ledger = Arc::new(MemoryLedger::default());
        let transport = Transport::new(settings, Arc::clone(&ledger) as Arc<dyn LoginLedger>);
        Self { transport, ledger, key, _folder: folder }
    }

    /// Logs in with its key, whatever login was planned.
    async fn connect(&self, endpoint: &Endpoint) -> Result<Connection, Error> {
        let mut endpoint = endpoint.clone();
        for host in endpoint.via.iter_mut().chain([&mut endpoint.host]) {
            if let Login::Key(key) = &mut host.login {
                key.clone_from(&self.key);
            }
        }
        self.transport.connect(&endpoint).await
    }

    async fn scan(&self, endpoint: &Endpoint) -> Result<Vec<HostKey>, Error> {
        let mut endpoint = endpoint.clone();
        for bastion in &mut endpoint.via {
            bastion.login = Login::Key(self.key.clone());
        }
        self.transport.scan(&endpoint).await
    }
}

fn write_key(folder: &Path, text: &str, mode: u32) -> PathBuf {
    let path = folder.join("key");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// A host at a loopback port, known by `keys`.
fn host(name: &str, port: u16, keys: impl IntoIterator<Item = HostKey>) -> Host {
    Host {
        name: HostId::Object(name.parse().unwrap()),
        addresses: vec!["127.0.0.1".parse().unwrap()],
        port,
        user: "nim".parse().unwrap(),
        login: Login::Key(PathBuf::new()),
        host_keys: HostKeyPolicy::pinned(keys),
    }
}

fn direct(host: Host) -> Endpoint {
    Endpoint { host, via: Vec::new() }
}

fn ask() -> Ask {
    Ask { stdin: Vec::new(), stdout_limit: 1 << 20, time_limit: Duration::from_secs(60) }
}

fn words<const N: usize>(words: [&str; N]) -> Command {
    Command::new(words).unwrap()
}

/// Waits for a condition, and says what it saw last when it does not come.
async fn wait_until<T: std::fmt::Debug>(
    what: &str,
    mut look: impl FnMut() -> T,
    done: impl Fn(&T) -> bool,
) -> T {
    let limit = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let seen = look();
        if done(&seen) {
            return seen;
        }
        assert!(tokio::time::Instant::now() < limit, "{what} did not come; last seen: {seen:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The whole chain of an error, as a person reads it.
fn told(error: &Error) -> String {
    let mut text = format!("{error}  [{}]", error.code());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!("\n  cause: {error}"));
        cause = error.source();
    }
    text.push_str(&format!("\n  hint: {}", error.hint()));
    text
}
