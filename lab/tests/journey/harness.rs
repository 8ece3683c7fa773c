//! A small site in a folder of its own, and SSH clients to it.

use std::sync::Arc;

use nim_lab::clock::Mode;
use nim_lab::{Faketime, Lab, Settings, Site, site};
use russh::client::{AuthResult, Config, Handle, Handler, connect};
use russh::keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use russh::{Channel, ChannelMsg};
use tempfile::TempDir;

/// A running site.
pub(crate) struct Harness {
    pub(crate) lab: Lab,
    pub(crate) directory: TempDir,
}

/// What a command said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) errors: String,
    pub(crate) status: Option<u32>,
}

/// The site of the example with every reading of an unclear fact as in the table of LU, each host on a port of its own.
pub(crate) fn small(port: u16) -> site::File {
    let mut file =
        site::parse("site-small.yaml", include_str!("../../../examples/site-small.yaml")).unwrap();
    file.port = port;
    file.read_alike();
    file
}

impl Harness {
    /// A site with time running this fast.
    pub(crate) async fn fast(speed: u32) -> Self {
        Self::start(small(0), Mode::Auto { speed }, tempfile::tempdir().unwrap()).await
    }

    /// A site that goes step by step.
    pub(crate) async fn step_by_step() -> Self {
        Self::start(small(0), Mode::Explicit, tempfile::tempdir().unwrap()).await
    }

    /// The site kept in `directory`.
    pub(crate) async fn start(site: site::File, clock: Mode, directory: TempDir) -> Self {
        let agent = directory.path().join("agent.sh");
        if !agent.exists() {
            std::fs::write(&agent, "#!/bin/sh\necho \"$1: $SSH_ORIGINAL_COMMAND\"\n").unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&agent, mode).unwrap();
        }
        let settings = Settings {
            site,
            directory: directory.path().join("site"),
            clock,
            agent,
            lab: env!("CARGO_BIN_EXE_nim-lab").into(),
            faketime: Faketime::Off,
        };
        Self { lab: Site::start(settings).await.unwrap(), directory }
    }

    /// Logs in with one of the site's keys.
    pub(crate) async fn log_in(&self, host: &str, user: &str, key: &str) -> Login {
        let key = load_secret_key(self.lab.directory().join("keys").join(key), None).unwrap();
        let mut session = self.connect(host).await;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
        let answer = session.authenticate_publickey(user, key).await.unwrap();
        assert!(matches!(answer, AuthResult::Success), "{host} refuses {user}");
        Login { session }
    }

    /// Tries a password. Whether it was right.
    pub(crate) async fn try_password(&self, host: &str, user: &str, password: &str) -> bool {
        let mut session = self.connect(host).await;
        let answer = session.authenticate_password(user, password).await.unwrap();
        matches!(answer, AuthResult::Success)
    }

    /// Runs one command as the administrator of an LPAR.
    pub(crate) async fn run(&self, lpar: &str, command: &str) -> Said {
        self.log_in(lpar, "root", "admin_ed25519").await.run(command).await
    }

    /// Makes the LPAR ready for an update: a token and `lvupdate.data` with two free disks.
    pub(crate) async fn prepare(&self, lpar: &str) {
        let hmc = self.lab.world().unwrap().frame_of(lpar).unwrap().hmcs[0].clone();
        let command = format!(
            "hmcauth -a {hmc} -u liveupdate -p live4update && printf 'disks:\\n\\tnhdisk = hdisk1\\n\\tmhdisk = hdisk2\\nhmc:\\n\\tmanagement_console = {hmc}\\n\\tuser = liveupdate\\n' > $NIM_AGENT_ROOT/var/adm/ras/liveupdate/lvupdate.data"
        );
        let said = self.run(lpar, &command).await;
        assert_eq!(said.status, Some(0), "{said:?}");
    }

    async fn connect(&self, host: &str) -> Handle<AnyKey> {
        let config = Arc::new(Config { nodelay: true, ..Config::default() });
        connect(config, self.lab.address(host).unwrap(), AnyKey).await.unwrap()
    }
}

/// A session.
pub(crate) struct Login {
    pub(crate) session: Handle<AnyKey>,
}

impl Login {
    /// Runs a command to its end.
    pub(crate) async fn run(&self, command: &str) -> Said {
        let channel = self.start(command).await;
        collect(channel).await
    }

    /// Starts a command.
    pub(crate) async fn start(&self, command: &str) -> Channel<russh::client::Msg> {
        let channel = self.session.channel_open_session().await.unwrap();
        channel.exec(true, command).await.unwrap();
        channel
    }
}

/// What comes on a channel until it ends.
pub(crate) async fn collect(mut channel: Channel<russh::client::Msg>) -> Said {
    let (mut text, mut errors, mut status) = (Vec::new(), Vec::new(), None);
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => text.extend_from_slice(&data),
            ChannelMsg::ExtendedData { data, .. } => errors.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
            _ => {}
        }
    }
    let read = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { text: read(text), errors: read(errors), status }
}

/// Host keys are not what is tested here.
pub(crate) struct AnyKey;

impl Handler for AnyKey {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}
