//! A process that a test did not start itself, and its end.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process, held so that its number cannot become another's.
#[derive(Debug)]
pub(crate) struct Process(OwnedFd);

impl Process {
    /// The process with this number; `None` when it has ended.
    pub(crate) fn open(pid: u32) -> Option<Self> {
        let pid = Pid::from_raw(pid.try_into().unwrap())?;
        pidfd_open(pid, PidfdFlags::empty()).ok().map(Self)
    }

    /// Ends it with SIGKILL. One that is gone by then is as good.
    pub(crate) fn kill(&self) {
        pidfd_send_signal(&self.0, Signal::KILL).unwrap_or_default();
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&self) {
        poll(&mut [PollFd::new(&self.0, PollFlags::IN)], None).unwrap();
    }
}
