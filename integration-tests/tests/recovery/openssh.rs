//! Updates through Debian's OpenSSH: the restricted key that the installer writes, a login that is not root's, `sudo -n` on the one
//! program; and a network that really drops packets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use integration_tests::Harness;
use nim_lab::Phase;
use nim_lab::clock::Mode;
use tempfile::TempDir;

use crate::end::End;
use crate::site::{self, Frame};
use crate::update;
use integration_tests::namespaces::{add_line, block_on, cover, in_own_namespaces, run};

#[test]
fn an_update_through_openssh_and_sudo_ends_as_any_other() -> Result<()> {
    in_own_namespaces("openssh::an_update_through_openssh_and_sudo_ends_as_any_other", || {
        block_on(async {
            let mut site = site().await?;
            let undisturbed = undisturbed(&site)?;
            let sshd = Sshd::start(&mut site, "127.77.9.1", &[])?;
            // What the key reaches is the gate, and nothing else.
            let refused = sshd.log_in("id")?;
            ensure!(refused.contains("this key is for `serve` and `receive` only"), "{refused}");
            let by_hand = Command::new("sudo")
                .args(["-n", "-u", USER, "sudo", "-n", "/bin/sh", "-c", "id"])
                .output()
                .context("sudo does not start")?;
            ensure!(!by_hand.status.success(), "sudo admits more than the agent");

            update::ask(&site, LPAR)?;
            update::step_to_end(&site, &[LPAR])?;
            let end = End::of(&site, LPAR)?;
            ensure!(end == undisturbed, "{end:#?}\ninstead of {undisturbed:#?}");
            drop(sshd);
            site.end().await
        })
    })
}

#[test]
fn an_lpar_whose_packets_are_dropped_is_missed_and_attached_again() -> Result<()> {
    in_own_namespaces(
        "openssh::an_lpar_whose_packets_are_dropped_is_missed_and_attached_again",
        || {
            block_on(async {
                let mut site = site().await?;
                let undisturbed = undisturbed(&site)?;
                // The LPAR has a network of its own, and a cable between that and the master's.
                cover("/run")?;
                for command in [
                    "netns add lpar",
                    "link add master0 type veth peer name lpar0 netns lpar",
                    "address add 10.77.0.1/24 dev master0",
                    "link set master0 up",
                    "-n lpar address add 10.77.0.2/24 dev lpar0",
                    "-n lpar link set lpar0 up",
                    "-n lpar link set lo up",
                ] {
                    run("ip", command.split(' '))?;
                }
                let sshd = Sshd::start(&mut site, "10.77.0.2", &["ip", "netns", "exec", "lpar"])?;
                update::ask(&site, LPAR)?;
                update::step_to(&site, LPAR, Phase::Install).await?;
                update::until(&site, LPAR, "in the phase install", |view| {
                    view["phase"] == "install"
                })?;

                run("ip", ["link", "set", "master0", "down"])?;
                let lost = update::until(&site, LPAR, "missed", |view| {
                    !view["lost_contact_since"].is_null()
                })?;
                ensure!(lost["state"] == "running" && lost["failure"].is_null(), "{lost:#}");
                // It goes on, stands still and moves, and nobody hears of it.
                update::step_to(&site, LPAR, Phase::Blackout).await?;
                update::step_to(&site, LPAR, Phase::Cleanup).await?;
                let view = update::view(&site, LPAR)?;
                ensure!(view["state"] == "running" && view["phase"] == "install", "{view:#}");

                run("ip", ["link", "set", "master0", "up"])?;
                update::until(&site, LPAR, "heard of again", |view| {
                    view["lost_contact_since"].is_null()
                })?;
                update::step_to_end(&site, &[LPAR])?;
                let end = End::of(&site, LPAR)?;
                ensure!(end == undisturbed, "{end:#?}\ninstead of {undisturbed:#?}");
                drop(sshd);
                site.end().await
            })
        },
    )
}

/// The LPAR behind OpenSSH.
const LPAR: &str = "openssh";

/// Whom the master logs in as.
const USER: &str = "nimsvc";

const PORT: u16 = 22022;

async fn site() -> Result<Harness> {
    let lpars = [("updated", Frame::Roomy), (LPAR, Frame::Roomy)];
    let mut site = site::with(&lpars, Mode::Explicit).await?;
    site.master().settle("ssh:\n  keepalive: 1s\n  keepalive_limit: 3\n")?;
    Ok(site)
}

/// The end of an update through the lab's own SSH.
fn undisturbed(site: &Harness) -> Result<End> {
    update::ask(site, "updated")?;
    update::step_to_end(site, &["updated"])?;
    let end = End::of(site, "updated")?;
    end.is("succeeded", 1)?;
    Ok(end)
}

/// A running OpenSSH server in front of the files of [`LPAR`], on which the agent was installed as on a real one.
struct Sshd {
    child: Child,
    folder: TempDir,
    address: String,
    /// The master's.
    key: PathBuf,
}

impl Sshd {
    /// Makes the user, runs the installer as root, and starts the server by `wrapper`.
    fn start(site: &mut Harness, address: &str, wrapper: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("nimt").tempdir().context("no folder")?;
        let work = folder.path();
        for covered in ["/run", "/opt", "/home", "/etc/sudoers.d"] {
            if wrapper.is_empty() || covered != "/run" {
                cover(covered)?;
            }
        }
        fs::create_dir_all("/run/sshd").context("no /run/sshd")?;
        let home = format!("/home/{USER}");
        fs::create_dir(&home).context("no home")?;
        add_line("/etc/passwd", &format!("{USER}:x:64321:64321::{home}:/bin/sh"), work)?;
        add_line("/etc/group", &format!("{USER}:x:64321:"), work)?;
        add_line("/etc/shadow", &format!("{USER}:*:19000:0:99999:7:::"), work)?;
        run("chown", [&format!("{USER}:{USER}"), home.as_str()])?;
        let root = site.lab().root(LPAR);
        // A simulated LPAR is known by this variable; a real one has no need of it.
        fs::write("/etc/sudoers.d/lab", "Defaults env_keep += \"NIM_AGENT_ROOT\"\n")
            .context("no rule for sudo")?;

        let agents = site.master().folder().join("agents/chrp");
        fs::create_dir_all(&agents).context("no folder for agents")?;
        fs::copy(Harness::program("nim-agent")?, agents.join("nim-agent")).context("no copy")?;
        let interface = format!("if1=lab_net {address} 0");
        let (user, port) = (format!("ssh_user={USER}"), format!("ssh_port={PORT}"));
        let own_key = site.master().folder().join("keys/id_ed25519");
        let key = format!("ssh_key={}", own_key.display());
        let attributes = [&interface, &user, &port, &key];
        let attributes = attributes.into_iter().flat_map(|attribute| ["-a", attribute]);
        site.nimctl(["change"].into_iter().chain(attributes).chain([LPAR])).succeeded()?;
        let installer = site.nimctl(["agent", "bundle", LPAR]).succeeded()?.stdout;
        let script = work.join("install.sh");
        fs::write(&script, installer).context("no installer")?;
        let shell = Command::new("sh")
            .arg("-s")
            .stdin(fs::File::open(&script).context("no installer")?)
            .output()
            .context("no shell")?;
        ensure!(
            shell.status.success(),
            "the installer: {}{}",
            String::from_utf8_lossy(&shell.stdout),
            String::from_utf8_lossy(&shell.stderr)
        );

        // The key that is on record for this LPAR, whatever answers there.
        let key = work.join("host_key");
        let kept = site.site_folder().join("hosts").join(LPAR).join("ssh_host_ed25519_key");
        fs::copy(kept, &key).context("no host key")?;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).context("no mode")?;
        let configuration = work.join("sshd_config");
        fs::write(
            &configuration,
            format!(
                "ListenAddress {address}:{PORT}\nHostKey {}\nPidFile none\nUsePAM no\n\
                 PasswordAuthentication no\nPermitRootLogin no\nSetEnv NIM_AGENT_ROOT={}\n",
                key.display(),
                root.display()
            ),
        )
        .context("no configuration")?;
        let mut words = wrapper.iter().copied().chain(["/usr/sbin/sshd", "-D", "-e", "-f"]);
        let child = Command::new(words.next().unwrap_or_default())
            .args(words)
            .arg(&configuration)
            .stdin(Stdio::null())
            .stderr(fs::File::create(work.join("log")).context("no log")?)
            .spawn()
            .context("sshd does not start")?;
        let sshd = Self { child, folder, address: address.to_owned(), key: own_key };
        integration_tests::wait_until("sshd to listen", || {
            let said = fs::read_to_string(sshd.log()).unwrap_or_default();
            Ok(if said.contains("listening") { Ok(()) } else { Err(said) })
        })?;
        Ok(sshd)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What the master's key gets that asks for `command`.
    fn log_in(&self, command: &str) -> Result<String> {
        let output = Command::new("ssh")
            .args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"])
            .args(["-o", "UserKnownHostsFile=/dev/null", "-p", &PORT.to_string(), "-i"])
            .arg(&self.key)
            .args([&format!("{USER}@{}", self.address), command])
            .output()
            .context("ssh does not start")?;
        let said = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&said).into_owned())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // Its sessions end with the connections of nimd.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
