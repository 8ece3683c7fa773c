//! The lab of the README: started by the script behind `make lab`, in a folder that stands for the one somebody works in.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::programs;
use crate::workspace;

/// A folder with a lab in `.lab`. What runs in it is ended when this is dropped.
pub(crate) struct Place {
    folder: TempDir,
}

/// What a command came to.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("nimc").tempdir().unwrap();
        // The database runs as another user when the tests run as root; it has to get through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let place = Self { folder };
        // A port of its own for each host: other labs may run meanwhile.
        let site = crate::text("examples/site-small.yaml").replace("port: 2222", "port: 0");
        fs::write(place.path("site.yaml"), site).unwrap();
        fs::create_dir(place.path("bin")).unwrap();
        std::os::unix::fs::symlink(workspace().join("examples"), place.path("examples")).unwrap();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `scripts/lab up` or `down`, as `make lab` and `make lab-down` call it.
    pub(crate) fn lab(&self, what: &str) -> Said {
        let mut command = Command::new(workspace().join("scripts/lab"));
        command.arg(what);
        self.run(command, "")
    }

    /// A line as somebody types it, with the two `export` lines that `make lab` prints.
    pub(crate) fn types(&self, line: &str, input: &str) -> Said {
        let mut command = Command::new("bash");
        command.args(["-o", "pipefail", "-c", line]);
        self.run(command, input)
    }

    /// Runs a program in the folder. What goes on behind its back writes to the same file, which nobody waits for.
    fn run(&self, mut command: Command, input: &str) -> Said {
        let path = format!(
            "{}:{}:{}",
            self.path("bin").display(),
            programs::folder().display(),
            std::env::var("PATH").unwrap()
        );
        let (output, stdin) = (self.path("output"), self.path("input"));
        fs::write(&stdin, input).unwrap();
        let file = File::create(&output).unwrap();
        let status = command
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("NIM_LAB_DIR", self.path(".lab"))
            .env("NIM_LAB_SITE", self.path("site.yaml"))
            .env("NIM_LAB_BIN", programs::folder())
            .env("NIM_LAB_SPEED", "200")
            .env("NIMD_SERVER", format!("unix:{}", self.path(".lab/nimd/run/nimd.sock").display()))
            .stdin(Stdio::from(File::open(&stdin).unwrap()))
            .stdout(Stdio::from(file.try_clone().unwrap()))
            .stderr(Stdio::from(file))
            .status()
            .unwrap();
        Said { code: status.code(), text: fs::read_to_string(output).unwrap() }
    }

    /// Waits until a command succeeds. Where it does not, what nimd has logged is told with it.
    pub(crate) fn wait_for(&self, line: &str) {
        integration_tests::wait_until(line, || {
            let said = self.types(line, "");
            let log = || fs::read_to_string(self.path(".lab/nimd.log")).unwrap_or_default();
            Ok(if said.code == Some(0) { Ok(()) } else { Err(said.text + &log()) })
        })
        .unwrap();
    }

    /// Waits until nobody holds the lock on a file.
    pub(crate) fn wait_until_unlocked(&self, file: &str) {
        let lock = File::open(self.path(file)).unwrap();
        integration_tests::wait_until("nobody to hold the lock", || {
            Ok(lock.try_lock().map_err(|error| error.to_string()))
        })
        .unwrap();
    }

    /// From now on `ssh HOST` in this folder reaches the hosts of the lab by their names, with an administrator's key.
    pub(crate) fn names_hosts(&self) {
        let mut config = format!(
            "UserKnownHostsFile {}\nIdentitiesOnly yes\nBatchMode yes\n",
            self.path(".lab/site/known_hosts").display()
        );
        let key = self.path(".lab/site/keys/admin_ed25519");
        for of in ["hmc", "standalone"] {
            let listed = self.types(&format!("nimctl list {of} -o json"), "");
            let listed: Vec<serde_json::Value> = serde_json::from_str(&listed.text).unwrap();
            for host in listed {
                let text = |key: &str| host[key].as_str().unwrap().to_owned();
                let (name, address) = (text("name"), text("if1"));
                let address = address.split(' ').nth(1).unwrap();
                let (port, key) = (&host["ssh_port"], key.display());
                writeln!(
                    config,
                    "Host {name}\n  HostName {address}\n  Port {port}\n  IdentityFile {key}"
                )
                .unwrap();
            }
        }
        fs::write(self.path("ssh_config"), config).unwrap();
        let ssh = format!(
            "#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n",
            self.path("ssh_config").display()
        );
        fs::write(self.path("bin/ssh"), ssh).unwrap();
        fs::set_permissions(self.path("bin/ssh"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Processes that work in this folder, or were told of it.
    pub(crate) fn processes(&self) -> Vec<String> {
        let folder = self.folder.path();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let path = entry.path();
            // A process that ends just now is none of those that stay.
            let told = fs::read(path.join("cmdline")).unwrap_or_default();
            let told = String::from_utf8_lossy(&told).replace('\0', " ");
            let there = fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
            if there || told.contains(&*folder.to_string_lossy()) {
                found.push(format!("{}: {told}", entry.file_name().to_string_lossy()));
            }
        }
        found
    }

    /// Text in which the paths of a real master are those of this folder.
    pub(crate) fn here(&self, line: &str) -> String {
        let at = |path: &Path| path.display().to_string();
        line.replace("/var/lib/nimd", &at(&self.path(".lab/nimd")))
            .replace("/usr/local/bin", &at(&self.path("usr/local/bin")))
            .replace("target/release", &at(&programs::folder()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.path(".lab/lab.pid").exists() {
            // A test that failed: nothing of it may stay behind.
            drop(self.lab("down"));
        }
    }
}
