//! Hosts that answer with a recorded session, and a master that knows them.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use integration_tests::Master;
use nim_lab::replay::{Replay, Script, Settings};
use tempfile::TempDir;

/// Port of the hosts of [`replay`].
const PORT: u16 = 22_022;

/// What a master and the other clients have to know of hosts.
pub(crate) struct Hosts {
    /// Names and addresses.
    pub(crate) at: Vec<(String, SocketAddr)>,
    /// The private key that logs in.
    pub(crate) key: PathBuf,
    /// The keys of all.
    pub(crate) known_hosts: PathBuf,
    /// Logins at one address at a time, and new connections to it in a second.
    pub(crate) logins: Option<(u32, u32)>,
}

/// A master, and hosts on its record. Everything ends when this is dropped.
pub(crate) struct Site {
    pub(crate) master: Master,
    pub(crate) hosts: Hosts,
    pub(crate) folder: TempDir,
}

/// A folder for all that a row needs.
pub(crate) fn folder() -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("nimb").tempdir()?;
    // The database runs as another user when this runs as root; it has to get through.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
    Ok(folder)
}

/// `count` hosts in this process, from the address `first` on, that play `script`.
pub(crate) fn replay(
    folder: &Path,
    count: u32,
    first: Ipv4Addr,
    script: Script,
) -> Result<(Replay, Hosts)> {
    let directory = folder.join("hosts");
    fs::create_dir_all(&directory)?;
    let replay = Replay::start(&Settings { count, first, port: PORT, directory, script })?;
    let hosts = Hosts {
        at: replay.hosts().to_vec(),
        key: replay.key(),
        known_hosts: replay.known_hosts(),
        logins: None,
    };
    Ok((replay, hosts))
}

impl Site {
    /// A master that has these hosts and their keys on record.
    pub(crate) fn start(folder: TempDir, hosts: Hosts) -> Result<Self> {
        let data = folder.path().join("nimd");
        fs::create_dir_all(&data)?;
        let mut settings = format!(
            "limits:\n  global: 100000\napi:\n  request: 10m\nssh:\n  key: {}\n",
            hosts.key.display()
        );
        if let Some((logins, rate)) = hosts.logins {
            write!(settings, "  logins_per_host: {logins}\n  rate: {rate}\n  connect: 10m\n")?;
        }
        fs::write(data.join("nimd.yaml"), settings)?;
        let site = Self { master: Master::start(&data)?, hosts, folder };
        site.apply("hosts.yaml", &site.fleet())?;
        site.import(&site.hosts.known_hosts)?;
        Ok(site)
    }

    /// The fleet file of the hosts.
    fn fleet(&self) -> String {
        let mut text = String::from(
            "live_update_data:\n- name: bench\n  content: |\n    general:\n    \tkext_check = yes\n    disks:\n    \tnhdisk = hdisk2\n    \tmhdisk = hdisk10\n    hmc:\n    \tmanagement_console = bench_hmc\n    \tuser = liveupdate\nhmc:\n- name: bench_hmc\n  if1: find_net bench_hmc 0\n  login: liveupdate\nstandalone:\n",
        );
        for (name, at) in &self.hosts.at {
            let (address, port) = (at.ip(), at.port());
            text.push_str(&format!(
                "- name: {name}\n  if1: find_net {address} 0\n  ssh_port: {port}\n"
            ));
        }
        text
    }

    /// Applies a fleet file.
    pub(crate) fn apply(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.path().join(name);
        fs::write(&path, text)?;
        self.nimctl(&["apply", "--yes", "-f", plain(&path)?])?;
        Ok(())
    }

    /// Puts the host keys of a file on record.
    pub(crate) fn import(&self, known_hosts: &Path) -> Result<()> {
        self.nimctl(&["hostkey", "import", plain(known_hosts)?])?;
        Ok(())
    }

    /// Runs `nimctl` and gives what it printed.
    pub(crate) fn nimctl(&self, arguments: &[&str]) -> Result<String> {
        Ok(self.master.nimctl(arguments.iter().copied(), None).succeeded()?.stdout)
    }

    /// Process id of the master.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.master.pid().context("nimd does not run")
    }

    /// Asks for a preview on every host. Returns the batch when it is accepted.
    pub(crate) fn submit(&self) -> Result<String> {
        self.preview(&["-a", "live_update_data=bench", "host*"])
    }

    /// Asks for a preview with these further arguments. Returns the batch when it is accepted.
    pub(crate) fn preview(&self, arguments: &[&str]) -> Result<String> {
        let mut all =
            vec!["cust", "-a", "live_update=yes", "--preview", "--detach", "--output", "json"];
        all.extend(arguments);
        let said: serde_json::Value = serde_json::from_str(&self.nimctl(&all)?)?;
        Ok(said["batch"].as_str().context("no batch")?.to_owned())
    }

    /// Addresses of the first `count` hosts, one a line.
    pub(crate) fn addresses(&self, count: usize) -> Result<String> {
        let mut text = String::new();
        for (_, at) in self.hosts.at.iter().take(count) {
            writeln!(text, "{}", at.ip())?;
        }
        Ok(text)
    }
}

fn plain(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}
