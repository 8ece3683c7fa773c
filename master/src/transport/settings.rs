//! The knobs of the transport, with the values that hold when nobody turns them.

use std::num::NonZeroU32;
use std::time::Duration;

use nim_shared::frame::FRAME_LIMIT;

/// How connections are opened and watched. The defaults stay below what a freshly installed
/// OpenSSH allows (`MaxStartups 10:30:100`, `MaxSessions 10`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The whole of one [`connect`](super::Transport::connect), waiting for a place and repeats
    /// included. Default 120 s.
    pub connect_deadline: Duration,
    /// TCP connect to one address, before the next one is tried. Default 10 s.
    pub address_timeout: Duration,
    /// From the open TCP connection to the accepted login. Default 30 s: sshd looks names up and
    /// starts a process first, and gives a client 120 s itself.
    pub login_timeout: Duration,
    /// The answer to a request for a channel. Default 30 s.
    pub channel_timeout: Duration,
    /// Logins under way at one first hop. Default 8: two below the point where sshd starts to
    /// drop connections at random. It is halved when they are dropped all the same, and grows back.
    pub logins_per_hop: usize,
    /// Logins under way through one bastion, to whatever hosts lie behind it. Default 32.
    pub logins_through_bastion: usize,
    /// Logins under way in all. Default 256.
    pub logins_in_all: usize,
    /// New connections per second to one first hop, after a burst of the same number. Default 50.
    pub connects_per_second: NonZeroU32,
    /// First pause after a connection that was closed before the login; doubled each time, with
    /// jitter. Default 200 ms.
    pub first_pause: Duration,
    /// Longest such pause. Default 5 s.
    pub longest_pause: Duration,
    /// Targets that share one connection to a bastion. Default 10, as `MaxSessions` has it.
    pub targets_per_bastion: usize,
    /// Silence after which the other end is asked for a sign of life. Default 15 s.
    pub keepalive: Duration,
    /// How many times `keepalive` the other end may be silent before the connection counts as
    /// lost. Default 4.
    pub keepalive_limit: u32,
    /// Longest line a host may send, bytes with its line end. Default: the limit of a frame.
    pub line_limit: usize,
    /// How much of a command's standard error is kept. Default 64 KiB; the rest is counted.
    pub stderr_limit: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_deadline: Duration::from_secs(120),
            address_timeout: Duration::from_secs(10),
            login_timeout: Duration::from_secs(30),
            channel_timeout: Duration::from_secs(30),
            logins_per_hop: 8,
            logins_through_bastion: 32,
            logins_in_all: 256,
            connects_per_second: NonZeroU32::new(50).expect("50 is not zero"),
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
            targets_per_bastion: 10,
            keepalive: Duration::from_secs(15),
            keepalive_limit: 4,
            line_limit: FRAME_LIMIT,
            stderr_limit: 64 << 10,
        }
    }
}

impl Settings {
    /// How long the other end may be silent before the connection counts as lost.
    pub fn silence_limit(&self) -> Duration {
        self.keepalive.saturating_mul(self.keepalive_limit)
    }
}
