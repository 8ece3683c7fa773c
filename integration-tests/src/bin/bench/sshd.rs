//! (b) Whole operations on hosts behind one OpenSSH `sshd`, beside what others take for an `echo` there.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use integration_tests::wait_until;
use nim_lab::replay::Player;
use tokio::io::BufReader;

use crate::clients::{self, By};
use crate::hosts::{self, Hosts, Site};
use crate::report::{Row, step};
use crate::{session, whole};

/// Number of hosts.
const HOSTS: usize = 100;

/// The argument by which `sshd` starts this program for a session.
pub(crate) const ANSWER: &str = "answer";

/// Measures the row.
pub(crate) fn measure() -> Result<Row> {
    let folder = hosts::folder()?;
    let (_sshd, hosts) = Sshd::start(&folder.path().join("sshd"))?;
    let site = Site::start(folder, hosts)?;
    let mut row = Row::new(format!(
        "(b) the same with {HOSTS} hosts on one OpenSSH sshd, 64 logins at a time, by client CPU"
    ));
    step(&format!("nimd, {HOSTS} hosts behind one sshd"));
    let ours = whole::round(&site)?;
    row.figure("nimd", ours.of(HOSTS));
    clients::beside(&mut row, &site, ours, By::Cpu)?;
    Ok(row)
}

/// An `sshd` on a loopback port with a configuration of its own.
struct Sshd(Child);

impl Drop for Sshd {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Sshd {
    fn start(folder: &Path) -> Result<(Self, Hosts)> {
        fs::create_dir_all(folder.join("home"))?;
        let path = |name: &str| folder.join(name).display().to_string();
        for name in ["host_key", "id_ed25519"] {
            let arguments = ["-q", "-t", "ed25519", "-N", "", "-f", &path(name)];
            let made = Command::new("ssh-keygen").args(arguments).status()?;
            ensure!(made.success(), "ssh-keygen ended with {made}");
        }
        // As root, sshd wants this folder, which the system's service makes at its start.
        if fs::metadata("/proc/self")
            .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
        {
            fs::create_dir_all("/run/sshd")?;
        }
        let public = |name: &str| fs::read_to_string(path(&format!("{name}.pub")));
        let this = std::env::current_exe()?;
        // A terminal only because Ansible asks for one.
        let login = format!(
            "restrict,pty,command=\"{} {ANSWER}\" {}",
            this.display(),
            public("id_ed25519")?
        );
        fs::write(path("authorized_keys"), login)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\n\
             UsePAM no\nStrictModes no\nPidFile none\nPermitRootLogin prohibit-password\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 1000\n\
             SetEnv HOME={}\n",
            path("host_key"),
            path("authorized_keys"),
            // What root's shell reads at each login is this machine's business: some start-up files wait for each other.
            path("home")
        );
        fs::write(path("config"), config)?;
        let key = public("host_key")?;
        let mut words = key.split_whitespace();
        let (kind, data) = (words.next().context("no key")?, words.next().context("no key")?);
        fs::write(path("known_hosts"), format!("[127.0.0.1]:{port} {kind} {data}\n"))?;
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f", &path("config")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(path("log"))?)
            .spawn()
            .context("/usr/sbin/sshd does not start")?;
        let mut sshd = Self(child);
        let at = SocketAddr::from(([127, 0, 0, 1], port));
        sshd.wait_until_it_listens(at, &folder.join("log"))?;
        let hosts = Hosts {
            at: (1..=HOSTS).map(|number| (format!("host{number:05}"), at)).collect(),
            key: folder.join("id_ed25519"),
            known_hosts: folder.join("known_hosts"),
            // As many as the others have, where nimd would be polite.
            logins: Some((64, 1000)),
        };
        Ok((sshd, hosts))
    }

    fn wait_until_it_listens(&mut self, at: SocketAddr, log: &Path) -> Result<()> {
        wait_until("sshd to listen", || {
            let refused = match TcpStream::connect(at) {
                Ok(_) => return Ok(Ok(())),
                Err(refused) => refused,
            };
            if let Some(ended) = self.0.try_wait()? {
                bail!("sshd does not listen ({ended}): {}", fs::read_to_string(log)?);
            }
            Ok(Err(refused.to_string()))
        })
    }
}

/// What `sshd` starts for a session: the agent's part from the recorded session, or the command that the client asked for.
pub(crate) async fn answer() -> Result<()> {
    let asked = std::env::var("SSH_ORIGINAL_COMMAND").unwrap_or_default();
    if !asked.ends_with("serve") {
        let status = Command::new("/bin/sh").args(["-c", &asked]).status()?;
        ensure!(status.success(), "{asked} ended with {status}");
        return Ok(());
    }
    let player = Player::alone("behind-sshd", session::whole()?);
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let [input, output] = [input, output].map(tokio::fs::File::from_std);
    match player.play(BufReader::new(input), output).await {
        // The master closes when it has all that it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        played => Ok(played?),
    }
}
