//! Everything that is not in `std`: the one file with `unsafe` code and the only user of `libc`. Each name used here exists in
//! that crate's AIX module or in what it shares between all Unix systems; a test looks.
//!
//! What is avoided because AIX has it not, or not in that crate: `flock`, `TIOCSCTTY`, `openpty`, `/proc`.

#![expect(unsafe_code, reason = "system calls that std does not offer")]

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Whether a process with this id exists. One that belongs to somebody else exists too.
pub(crate) fn process_exists(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: signal 0 is delivered to nobody.
    pid > 0 && (unsafe { libc::kill(pid, 0) } == 0 || last_error() != Some(libc::ESRCH))
}

/// Ends the process group that `leader` leads, for a command that ran past its limit. Never used for geninstall.
pub(crate) fn kill_group(leader: u32) {
    if let Ok(group @ 2..) = libc::pid_t::try_from(leader) {
        // SAFETY: the group is that of a child of ours that was not yet waited for, so its number is not reused.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

/// Makes `command` start in a session of its own, without a controlling terminal.
pub(crate) fn in_own_session(command: &mut Command) {
    // SAFETY: setsid is async-signal-safe and the closure touches nothing else.
    unsafe {
        command
            .pre_exec(|| if libc::setsid() < 0 { Err(io::Error::last_os_error()) } else { Ok(()) });
    }
}

/// Files that this process makes are for their owner to write and for others to read at most.
pub(crate) fn set_umask() {
    // SAFETY: always succeeds.
    unsafe { libc::umask(0o022) };
}

/// The user that this process acts as.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: always succeeds.
    unsafe { libc::geteuid() }
}

/// Takes a lock on the whole of `file` for this process; `false` when another process has it. It ends with the process, or when
/// the process closes any descriptor of that file.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    let mut lock = whole_file();
    // SAFETY: the descriptor is open and the structure is initialised.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw mut lock) } == 0 {
        return Ok(true);
    }
    match last_error() {
        Some(libc::EACCES | libc::EAGAIN) => Ok(false),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Takes the lock as [`try_lock`] does, and waits for it.
pub(crate) fn lock(file: &File) -> io::Result<()> {
    let mut lock = whole_file();
    // SAFETY: as in `try_lock`.
    while unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLKW, &raw mut lock) } != 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(())
}

/// Whether another process holds the lock of `file`.
pub(crate) fn is_locked(file: &File) -> io::Result<bool> {
    let mut lock = whole_file();
    // SAFETY: as in `try_lock`.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut lock) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(lock.l_type != short(libc::F_UNLCK.into()))
}

/// Bytes that root may still write in the file system of `path`.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let path = c_path(path)?;
    let mut found = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends with NUL, and the structure is as large as the call expects.
    if unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: filled by the call, and valid when all zeros.
    let found = unsafe { found.assume_init() };
    Ok(found.f_bfree.saturating_mul(found.f_frsize))
}

/// Makes a named pipe that only its owner can use.
pub(crate) fn make_fifo(path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: the path ends with NUL.
    if unsafe { libc::mkfifo(path.as_ptr(), 0o600) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Flags for opening: do not follow a link at the end of the path.
pub(crate) const NO_FOLLOW: i32 = libc::O_NOFOLLOW;

/// Flags for opening: do not wait, neither in opening nor in reading or writing.
pub(crate) const NO_WAIT: i32 = libc::O_NONBLOCK;

/// How far local time is ahead of UTC at `unix` seconds, in minutes.
pub(crate) fn utc_offset_minutes(unix: i64) -> i32 {
    let mut local = MaybeUninit::<libc::tm>::zeroed();
    let moment: libc::time_t = unix;
    // SAFETY: both pointers are valid for the call.
    let local = unsafe {
        if libc::localtime_r(&raw const moment, local.as_mut_ptr()).is_null() {
            return 0;
        }
        local.assume_init()
    };
    let shown = civil_seconds(&local);
    i32::try_from((shown - unix) / 60).unwrap_or(0)
}

/// What a broken-down time would be if it were UTC.
fn civil_seconds(tm: &libc::tm) -> i64 {
    let (year, day) = (i64::from(tm.tm_year) + 1900, i64::from(tm.tm_yday));
    let leaps = |y: i64| y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400);
    let days = (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + day;
    ((days * 24 + i64::from(tm.tm_hour)) * 60 + i64::from(tm.tm_min)) * 60 + i64::from(tm.tm_sec)
}

/// Name of this host.
pub(crate) fn host_name() -> Option<String> {
    let mut name = [0_u8; 256];
    // SAFETY: one byte less than there is, so that the text ends with NUL whatever the system does.
    if unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) } != 0 {
        return None;
    }
    let name = CStr::from_bytes_until_nul(&name).ok()?.to_string_lossy().into_owned();
    (!name.is_empty()).then_some(name)
}

/// A pseudo terminal: our side of it, and the name of the other.
pub(crate) struct Pty {
    /// What we read and write.
    pub(crate) ours: File,
    /// The terminal that a program sees. Held so that reading from our side waits before the program has opened it.
    _theirs: File,
    name: CString,
}

impl Pty {
    /// A new one that echoes nothing.
    pub(crate) fn open() -> io::Result<Self> {
        // SAFETY: plain calls; the descriptor is owned by exactly one `File` from the first line on.
        unsafe {
            let ours = owned(libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY))?;
            if libc::grantpt(ours.as_raw_fd()) != 0 || libc::unlockpt(ours.as_raw_fd()) != 0 {
                return Err(io::Error::last_os_error());
            }
            let name = libc::ptsname(ours.as_raw_fd());
            if name.is_null() {
                return Err(io::Error::last_os_error());
            }
            let name = CStr::from_ptr(name).to_owned();
            let theirs = owned(libc::open(name.as_ptr(), libc::O_RDWR | libc::O_NOCTTY))?;
            close_on_exec(ours.as_raw_fd())?;
            close_on_exec(theirs.as_raw_fd())?;
            let mut modes = MaybeUninit::<libc::termios>::zeroed();
            if libc::tcgetattr(theirs.as_raw_fd(), modes.as_mut_ptr()) != 0 {
                return Err(io::Error::last_os_error());
            }
            let mut modes = modes.assume_init();
            modes.c_lflag &= !libc::ECHO;
            if libc::tcsetattr(theirs.as_raw_fd(), libc::TCSANOW, &raw const modes) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Self { ours, _theirs: theirs, name })
        }
    }

    /// Makes `command` start as leader of a session whose terminal this is.
    pub(crate) fn attach(&self, command: &mut Command) {
        let name = self.name.clone();
        // SAFETY: setsid, open and dup2 are async-signal-safe, and the name was made before. Opening a terminal without
        // O_NOCTTY makes it the controlling one of a session leader that has none, on AIX and on Linux.
        unsafe {
            command.pre_exec(move || {
                if libc::setsid() < 0 {
                    return Err(io::Error::last_os_error());
                }
                let terminal = libc::open(name.as_ptr(), libc::O_RDWR);
                if terminal < 0 {
                    return Err(io::Error::last_os_error());
                }
                for standard in 0..=2 {
                    if libc::dup2(terminal, standard) < 0 {
                        return Err(io::Error::last_os_error());
                    }
                }
                Ok(())
            });
        }
    }
}

/// Waits until `file` has something to read or has ended; `false` when neither happens within `limit`.
pub(crate) fn wait_readable(file: &File, limit: Duration) -> io::Result<bool> {
    let mut one = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one valid structure.
    match unsafe { libc::poll(&raw mut one, 1, limit) } {
        0 => Ok(false),
        1.. => Ok(true),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
    }
}

/// Sets `TZ` of this process.
///
/// To be called before there is a second thread.
pub(crate) fn set_time_zone(zone: &str) {
    // SAFETY: `main` calls this first, when there is one thread.
    unsafe { std::env::set_var("TZ", zone) };
}

fn whole_file() -> libc::flock {
    // SAFETY: all zeros is a valid value: from the beginning, to the end.
    let mut lock = unsafe { MaybeUninit::<libc::flock>::zeroed().assume_init() };
    lock.l_type = short(libc::F_WRLCK.into());
    lock.l_whence = short(libc::SEEK_SET.into());
    lock
}

/// These constants are of one type on AIX and of another elsewhere; the fields are short everywhere.
fn short(constant: i64) -> libc::c_short {
    libc::c_short::try_from(constant).unwrap_or_default()
}

/// Owns a descriptor that a call has returned.
///
/// # Safety
/// `fd` must be the result of a call that opens, used nowhere else.
unsafe fn owned(fd: RawFd) -> io::Result<File> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { File::from_raw_fd(fd) })
}

fn close_on_exec(fd: RawFd) -> io::Result<()> {
    // SAFETY: sets a flag of an open descriptor.
    if unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

fn last_error() -> Option<i32> {
    io::Error::last_os_error().raw_os_error()
}

/// The file of this program.
pub(crate) fn own_program() -> io::Result<PathBuf> {
    std::env::current_exe()?.canonicalize()
}

#[cfg(test)]
mod tests;
