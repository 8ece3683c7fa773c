//! Processes of another user that do not outlive this one. The only unsafe code of the store.
#![expect(
    unsafe_code,
    reason = "prctl between fork and exec, kill and getpwnam_r have no safe form in std"
)]

use std::ffi::{CString, OsStr};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ClusterError;

/// A user of this system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl User {
    /// As whom the server runs: `None` for the user that we are, `postgres` or `nimd` when that is root. Never `nobody`, who
    /// owns what NFS squashes. A cluster that is there belongs to whom it belongs.
    pub(super) fn of_server(folder: &Path) -> Result<Option<Self>, ClusterError> {
        if effective_uid() != 0 {
            return Ok(None);
        }
        let owner =
            fs::metadata(folder.join("postgres").join("data")).ok().map(|found| found.uid());
        let users: Vec<_> = ["postgres", "nimd"].into_iter().filter_map(Self::named).collect();
        let of_owner = users.iter().find(|user| Some(user.uid) == owner).cloned();
        of_owner.or_else(|| users.into_iter().next()).map(Some).ok_or(ClusterError::NoUser)
    }

    /// The user of this name.
    fn named(name: &str) -> Option<Self> {
        let text = CString::new(name).ok()?;
        let mut buffer = vec![0; 16 << 10];
        // SAFETY: all zeros is a value of this struct of integers and pointers; it is only read after it was filled.
        let mut found: libc::passwd = unsafe { std::mem::zeroed() };
        let mut result = std::ptr::null_mut();
        // SAFETY: every pointer is to a live value of ours, and the length is that of the buffer.
        let code = unsafe {
            libc::getpwnam_r(
                text.as_ptr(),
                &raw mut found,
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut result,
            )
        };
        (code == 0 && !result.is_null() && found.pw_uid != 0).then(|| Self {
            name: name.to_owned(),
            uid: found.pw_uid,
            gid: found.pw_gid,
        })
    }
}

/// The user that we are.
pub(super) fn effective_uid() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// The name of the user that we are, or of `user`.
pub(super) fn name_of(user: Option<&User>) -> String {
    user.map_or_else(|| format!("with uid {}", effective_uid()), |user| user.name.clone())
}

/// A program run as `user`, in a clean environment, that gets SIGINT when the thread that starts it ends. The thread matters:
/// the kernel counts the parent by thread, so what is to live long is started by a thread that does.
pub(super) fn command(program: &OsStr, user: Option<&User>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .current_dir("/")
        .stdin(Stdio::null());
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    let parent = std::process::id();
    // SAFETY: between fork and exec only calls that are safe there (prctl, getppid), and no allocation.
    unsafe {
        command.pre_exec(move || {
            // After the change of user, which would clear it. std changes the user before it calls this.
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have died before we asked.
            if libc::getppid().cast_unsigned() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            // What a shell that runs us in the background ignores would be ignored by the server too.
            for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
                libc::signal(signal, libc::SIG_DFL);
            }
            Ok(())
        });
    }
    command
}

/// How a server is told to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    /// Ends transactions and writes what is in memory ("fast").
    Interrupt,
    /// At once; the next start recovers ("immediate").
    Quit,
}

/// Sends a signal to a process that was made sure to be a server of ours.
pub(super) fn send(pid: u32, signal: Signal) {
    let number = match signal {
        Signal::Interrupt => libc::SIGINT,
        Signal::Quit => libc::SIGQUIT,
    };
    // SAFETY: kill has no memory to get wrong. That the process may be gone already is fine.
    unsafe {
        libc::kill(pid.cast_signed(), number);
    }
}

/// Runs one of PostgreSQL's programs to its end.
pub(super) fn run(command: &mut Command) -> Result<(), ClusterError> {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .map_err(ClusterError::io(format!("run {program}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ClusterError::Program { program, said })
}
