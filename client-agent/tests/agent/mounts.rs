//! File systems of a test's own: mounted where nobody else sees them, gone with the process.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `act`, the body of the test `name`, in a process with mounts of its own. Without root it is root there, and there only.
pub(crate) fn in_own_mounts(name: &str, act: impl FnOnce()) {
    const INSIDE: &str = "NIM_AGENT_TEST_MOUNTS";
    if std::env::var_os(INSIDE).is_some() {
        return act();
    }
    let owner = std::fs::metadata("/proc/self").unwrap();
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount");
    if std::os::unix::fs::MetadataExt::uid(&owner) != 0 {
        unshare.arg("--map-root-user");
    }
    let test = std::env::current_exe().unwrap();
    let ran = unshare.arg(test).args(["--exact", name]).env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("1 passed"), "no test is called {name}: {said}");
}

/// A small file system in memory that can be filled up.
pub(crate) struct Small {
    folder: PathBuf,
}

impl Small {
    /// Mounts one of so many kilobytes at `folder`.
    pub(crate) fn mount(folder: &Path, kilobytes: u64) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let options = format!("size={kilobytes}k,mode=700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "small"]).arg(folder);
        assert!(mount.status().unwrap().success(), "cannot mount {}", folder.display());
        Self { folder: folder.to_owned() }
    }

    /// Fills it until nothing more is taken, and then frees so many kilobytes.
    pub(crate) fn fill(&self, left: u64) {
        let path = self.folder.join(FILLER);
        let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
        for size in [64 << 10, 1 << 10, 1] {
            let bytes = vec![b'x'; size];
            let end = loop {
                if let Err(error) = file.write_all(&bytes) {
                    break error;
                }
            };
            assert_eq!(end.kind(), std::io::ErrorKind::StorageFull, "{end}");
        }
        let size = file.metadata().unwrap().len();
        file.set_len(size.saturating_sub(left << 10)).unwrap();
    }

    /// Frees what was filled.
    pub(crate) fn free(&self) {
        std::fs::remove_file(self.folder.join(FILLER)).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Whatever still runs there keeps it for itself; the process's own mounts go with it anyway.
        drop(Command::new("umount").arg("--lazy").arg(&self.folder).status());
    }
}

const FILLER: &str = "filler";
