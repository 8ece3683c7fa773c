//! The few system calls for which std has no safe form. Everything unsafe of the lab is in this file.
#![expect(
    unsafe_code,
    reason = "prctl, waitpid, kill, setsid and termios have no safe form in std"
)]

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// How a child ended, as `waitpid` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It left with this status.
    Exit(u8),
    /// A signal ended it.
    Signal(i32),
}

/// Makes orphans below this process its children, so that nobody leaves the LPAR's tree.
pub(crate) fn become_subreaper() -> io::Result<()> {
    // SAFETY: PR_SET_CHILD_SUBREAPER takes one integer and touches no memory.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }).map(drop)
}

/// Sends a signal. A process that is gone is no error: it ended before us.
pub(crate) fn signal(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill takes two integers.
    match check(unsafe { libc::kill(pid, signal) }) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        other => other.map(drop),
    }
}

/// Waits until some child has ended, without taking it.
pub(crate) fn await_ended_child() -> io::Result<()> {
    // SAFETY: an all-zero siginfo_t is a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: info is a valid place for one siginfo_t.
    check(unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, libc::WEXITED | libc::WNOWAIT) })
        .map(drop)
}

/// Takes a child that has ended, if there is one.
pub(crate) fn reap_now() -> io::Result<Option<(i32, Ended)>> {
    let mut status = 0;
    // SAFETY: status is a valid place for one int.
    match check(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) })? {
        0 => Ok(None),
        pid if libc::WIFEXITED(status) => {
            let code = u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX);
            Ok(Some((pid, Ended::Exit(code))))
        }
        pid => Ok(Some((pid, Ended::Signal(libc::WTERMSIG(status))))),
    }
}

/// The child will lead a session of its own, as sshd starts commands.
pub(crate) fn in_new_session(command: &mut Command) {
    // SAFETY: setsid is async-signal-safe and allocates nothing.
    unsafe {
        command.pre_exec(|| check(libc::setsid()).map(drop));
    }
}

/// Switches the echo of a terminal off, and back on when dropped.
pub(crate) struct EchoOff<'a> {
    terminal: BorrowedFd<'a>,
    before: libc::termios,
}

impl<'a> EchoOff<'a> {
    /// Echo stays off as long as the value lives.
    pub(crate) fn on(terminal: BorrowedFd<'a>) -> io::Result<Self> {
        // SAFETY: an all-zero termios is a valid value, filled by tcgetattr.
        let mut before: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: the descriptor is open as long as it is borrowed, before is a valid place.
        check(unsafe { libc::tcgetattr(terminal.as_raw_fd(), &raw mut before) })?;
        let mut silent = before;
        silent.c_lflag &= !libc::ECHO;
        // TCSANOW keeps what was typed ahead: an answer written early must not be lost.
        // SAFETY: as above.
        check(unsafe { libc::tcsetattr(terminal.as_raw_fd(), libc::TCSANOW, &raw const silent) })?;
        Ok(Self { terminal, before })
    }
}

impl Drop for EchoOff<'_> {
    fn drop(&mut self) {
        // SAFETY: as in `on`. A terminal that is gone needs no echo.
        unsafe {
            libc::tcsetattr(self.terminal.as_raw_fd(), libc::TCSANOW, &raw const self.before)
        };
    }
}

fn check(answer: i32) -> io::Result<i32> {
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}
