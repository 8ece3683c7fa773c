//! The files of an LPAR: one tree for each copy of rootvg, and `root`, a link to the one that runs.
//!
//! `DIR/lpars/NAME/disks/PVID` holds what is on that disk; a boot from another disk moves the link, so that the agent finds what was on
//! that copy when it was made: its own journal among it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::aix::inittab::INITTAB as INITTAB_PATH;
use crate::aix::trustchk::{DATABASE, POLICIES};
use crate::site::SwitchedOn;
use crate::world::running::Running;

/// Where the files of an LPAR are.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    home: PathBuf,
}

/// Folders of a fresh system.
const FOLDERS: [&str; 16] = [
    "usr/bin",
    "usr/sbin",
    "usr/sbin/rsct/bin",
    "usr/sbin/rsct/install/bin",
    "usr/lpp",
    "usr/lib/objrepos",
    "var/adm/ras/liveupdate/logs",
    "var/adm/sw",
    "etc/liveupdate",
    "home",
    "tmp",
    "opt/nim-agent",
    "admin",
    "mnt",
    ".ssh",
    "dev",
];

impl Files {
    /// The files of `lpar` in the site's directory.
    pub(crate) fn of(directory: &Path, lpar: &str) -> Self {
        Self { home: directory.join("lpars").join(lpar) }
    }

    /// The files of the LPAR whose root is `root`: what a command on that LPAR knows.
    pub(crate) fn from_root(root: &Path) -> Option<(PathBuf, String, Self)> {
        let home = root.parent()?;
        let name = home.file_name()?.to_str()?.to_owned();
        let directory = home.parent()?.parent()?;
        Some((directory.to_owned(), name, Self { home: home.to_owned() }))
    }

    /// The running system's root: `NIM_AGENT_ROOT`.
    pub(crate) fn root(&self) -> PathBuf {
        self.home.join("root")
    }

    /// Socket of the root process.
    pub(crate) fn socket(&self) -> PathBuf {
        self.home.join("init.sock")
    }

    /// From now on no new connection gets in, or each that may.
    pub(crate) fn lock_out(&self, locked_out: bool) -> io::Result<()> {
        if locked_out {
            return fs::write(self.lock(), "");
        }
        match fs::remove_file(self.lock()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The file that is there while no new connection gets in.
    pub(crate) fn lock(&self) -> PathBuf {
        self.home.join("locked-out")
    }

    /// Tree of one disk.
    pub(crate) fn disk(&self, pvid: &str) -> PathBuf {
        self.home.join("disks").join(pvid)
    }

    /// Makes the tree of a system that was just installed, with the lab's binary under the name of each AIX command.
    pub(crate) fn install(
        &self,
        pvid: &str,
        lab: &Path,
        commands: &[(&str, &str)],
    ) -> io::Result<()> {
        let tree = self.disk(pvid);
        for folder in FOLDERS {
            fs::create_dir_all(tree.join(folder))?;
        }
        for (folder, name) in commands {
            link(lab, &tree.join(folder).join(name))?;
        }
        fs::write(tree.join("etc/inittab"), INITTAB)?;
        fs::write(tree.join("etc/check_config.files"), "d /etc/inittab\n")
    }

    /// Writes down in a tree that was just made what is switched on.
    pub(crate) fn switch_on(&self, pvid: &str, on: &BTreeSet<SwitchedOn>) -> io::Result<()> {
        let tree = self.disk(pvid);
        let path = |absolute: &str| tree.join(absolute.trim_start_matches('/'));
        for one in on {
            let (file, text) = match one {
                SwitchedOn::TrustedExecution => {
                    fs::create_dir_all(tree.join("etc/security/tsd"))?;
                    fs::write(path(DATABASE), "/usr/sbin/bos.rte:\n\towner = root\n")?;
                    (POLICIES, "TE=ON\n")
                }
                SwitchedOn::Ldap => ("/etc/nscontrol.conf", "tsddat:\n\tsecorder = LDAP,files\n"),
                SwitchedOn::WorkloadManager => (
                    INITTAB_PATH,
                    "rcnetwlm:23456789:wait:/etc/rc.netwlm start> /dev/console 2>&1 # Start netwlm\n",
                ),
                SwitchedOn::AuditStream => {
                    fs::create_dir_all(tree.join("etc/security/audit"))?;
                    let config = "start:\n\tbinmode = on\n\tstreammode = on\n";
                    fs::write(path("/etc/security/audit/config"), config)?;
                    (INITTAB_PATH, "audit:2:boot:audit start > /dev/console 2>&1\n")
                }
            };
            let before = fs::read_to_string(path(file)).unwrap_or_default();
            fs::write(path(file), before + text)?;
        }
        Ok(())
    }

    /// What a boot of the system that `root` points at starts.
    pub(crate) fn after_boot(&self) -> Running {
        let path = self.root().join(INITTAB_PATH.trim_start_matches('/'));
        Running::after_boot(&fs::read_to_string(path).unwrap_or_default())
    }

    /// Points `root` at the disk the system was booted from.
    pub(crate) fn boot(&self, pvid: &str) -> io::Result<()> {
        let fresh = self.home.join("root.new");
        link(&Path::new("disks").join(pvid), &fresh)?;
        fs::rename(fresh, self.root())
    }

    /// Copies the running system to another disk, whatever was there before.
    pub(crate) fn copy_running_to(&self, pvid: &str) -> io::Result<()> {
        let (from, to) = (fs::canonicalize(self.root())?, self.disk(pvid));
        if to.exists() {
            fs::remove_dir_all(&to)?;
        }
        copy(&from, &to)
    }
}

/// Links, replacing what is there.
pub(crate) fn link(target: &Path, at: &Path) -> io::Result<()> {
    match fs::remove_file(at) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => symlink(target, at),
    }
}

/// Copies a tree: links stay links, sockets and the like are left out. A file that vanishes meanwhile was not there.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        let copied = if kind.is_dir() {
            copy(&source, &target)
        } else if kind.is_symlink() {
            fs::read_link(&source).and_then(|points_to| link(&points_to, &target))
        } else if kind.is_file() {
            fs::copy(&source, &target).map(drop)
        } else {
            Ok(())
        };
        match copied {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    fs::set_permissions(to, fs::metadata(from)?.permissions())
}

/// Entries that concern Live Update (LU §5.4, S22).
const INITTAB: &str = "\
init:2:initdefault:
brc::sysinit:/sbin/rc.boot 3 >/dev/console 2>&1 # Phase 3 of system boot
tunables:23456789:wait:/usr/sbin/tunrestore -R > /dev/console 2>&1 # Set tunables
artex:2:wait:/usr/sbin/artexset -c -R /etc/security/artex/config/master_profile.xml > /dev/console 2>&1
pfcdaemon:2345:respawn:/usr/lib/perf/pfcdaemon
ctrmc:2:once:/usr/bin/startsrc -s ctrmc > /dev/console 2>&1
cons:0123456789:respawn:/usr/sbin/getty /dev/console
";
