//! One command on one host: its input, its output line by line, and how it ended.
//!
//! What a host sends is bounded here: a line has a limit, standard error is capped, and nothing is
//! read from the network while what was read before is not taken. In the other direction a write
//! returns when the host has room for the bytes; a host that does not read slows its writer down.
//!
//! The end of a command says little about what it did: a channel may close early, with or without
//! a status. A protocol over it needs a last record of its own.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::error::{Error, Fault, clean};
use super::quote::Command;

/// A running command. Take it apart to read and write at the same time.
pub struct Exec {
    /// Its standard input.
    pub input: Input,
    /// Its standard output and error, and its end.
    pub output: Output,
}

/// The standard input of a command. The host sees its end when this is dropped or
/// [`finish`](Self::finish)ed.
pub struct Input {
    channel: Arc<Half>,
    connection: Connection,
    over: CancellationToken,
}

/// The output of a command. When it is dropped before the command ended, the channel is closed;
/// what the host does with the command then is the host's business.
pub struct Output {
    lines: LineBuffer,
    stderr: Stderr,
    exit: Exit,
    channel: ChannelReadHalf,
    closer: Closer,
    connection: Connection,
    command: Command,
}

/// How a command ended, as the host says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It returned this status. A shell reports a signal as 128 and its number.
    Status(u32),
    /// A signal ended it; the name without `SIG`, such as `KILL`.
    Signal(String),
    /// The host closed the channel without a word about it.
    Unknown,
}

/// The end of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub exit: Exit,
    /// What it wrote to standard error.
    pub stderr: Stderr,
    /// Bytes after the last line end: part of a line whose rest never came.
    pub unfinished: Vec<u8>,
}

/// Standard error, up to the limit of the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stderr {
    /// The first bytes.
    pub bytes: Vec<u8>,
    /// How many bytes came after them and were not kept.
    pub dropped: u64,
}

/// What to run in one go, and how much of it to take. For short commands, such as those of an HMC.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Written to standard input, which ends after it.
    pub stdin: Vec<u8>,
    /// Most bytes of standard output; more is an error.
    pub stdout_limit: usize,
    /// Longest time from the request to the end.
    pub time_limit: Duration,
}

/// What a command answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub exit: Exit,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Stderr,
}

impl Connection {
    /// Starts a command. Returns when it was asked for; whether the host runs it shows in the
    /// output.
    ///
    /// # Errors
    /// [`Error::ChannelRefused`] when the host allows no more at a time, [`Error::Lost`].
    pub async fn exec(&self, command: &Command) -> Result<Exec, Error> {
        let refused = |cause| Error::ChannelRefused { host: self.host().clone(), cause };
        let limit = self.settings().channel_timeout;
        let opened = tokio::time::timeout(limit, self.handle().channel_open_session()).await;
        let channel = match opened {
            Ok(Ok(channel)) => channel,
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => {
                return Err(refused(Fault::new(format!("{reason:?}"))));
            }
            Ok(Err(_)) => return Err(self.lost().await),
            Err(_) => {
                return Err(refused(Fault::new(format!("no answer in {} s", limit.as_secs()))));
            }
        };
        if channel.exec(true, command.as_str()).await.is_err() {
            return Err(self.lost().await);
        }
        let (read, write) = channel.split();
        let write = Arc::new(write);
        let over = CancellationToken::new();
        Ok(Exec {
            input: Input {
                channel: Arc::clone(&write),
                connection: self.clone(),
                over: over.clone(),
            },
            output: Output {
                lines: LineBuffer::new(self.settings().line_limit),
                stderr: Stderr::default(),
                exit: Exit::Unknown,
                channel: read,
                closer: Closer { channel: write, over },
                connection: self.clone(),
                command: command.clone(),
            },
        })
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// As [`exec`](Self::exec), and [`Error::OutputTooLong`], [`Error::CommandTimeout`],
    /// [`Error::CommandRefused`]. A command that fails is not an error: see [`Answer::exit`].
    pub async fn run(&self, command: &Command, ask: Ask) -> Result<Answer, Error> {
        let Ask { stdin, stdout_limit, time_limit } = ask;
        let whole = async {
            let Exec { mut input, output } = self.exec(command).await?;
            let feed = async {
                // A command may end without having read its input: its output tells.
                drop(input.write(stdin).await);
                input.finish().await;
            };
            tokio::join!(feed, output.gather(stdout_limit)).1
        };
        tokio::time::timeout(time_limit, whole).await.unwrap_or_else(|_| {
            Err(Error::CommandTimeout {
                host: self.host().clone(),
                command: command.to_string(),
                after: time_limit,
            })
        })
    }
}

impl Input {
    /// Sends bytes; returns when the host had room for all of them. Something must read the
    /// output meanwhile, or both sides may wait for each other.
    ///
    /// # Errors
    /// [`Error::Lost`] when the connection or the command is gone.
    pub async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        let sent = tokio::select! {
            biased;
            () = self.over.cancelled() => false,
            () = self.connection.end().reached() => false,
            sent = self.channel.data_bytes(bytes) => sent.is_ok(),
        };
        if sent {
            Ok(())
        } else if self.connection.end().is_reached() {
            Err(self.connection.lost().await)
        } else {
            let cause = Fault::new("the command ended before it had read its input");
            Err(Error::Lost { host: self.connection.host().clone(), cause })
        }
    }

    /// Tells the host that nothing more follows. As with [`write`](Self::write), something must read the output meanwhile.
    pub async fn finish(self) {
        // Whoever is not there any more does not need to be told.
        tokio::select! {
            () = self.connection.end().reached() => {}
            _ = self.channel.eof() => {}
        }
    }
}

impl Output {
    /// The next whole line without its end; `None` when the command ended. Cancel safe: a line is
    /// returned once, and none is lost when the future is dropped.
    ///
    /// # Errors
    /// [`Error::LineTooLong`], [`Error::Lost`], [`Error::CommandRefused`]. After an error the rest
    /// is not worth reading: the next call says the same.
    pub async fn line(&mut self) -> Result<Option<&[u8]>, Error> {
        let found = loop {
            match self.next_buffered()? {
                Some(found) => break found,
                None if self.receive(Wanted::Lines).await? => {}
                None => return Ok(None),
            }
        };
        Ok(Some(&self.lines.bytes[found]))
    }

    /// A line that has already arrived, without waiting: for taking what there is in one batch.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn buffered_line(&mut self) -> Result<Option<&[u8]>, Error> {
        let found = loop {
            if let Some(found) = self.next_buffered()? {
                break found;
            }
            // Each line may have come in a message of its own.
            match self.receive(Wanted::Lines).now_or_never().transpose()? {
                Some(true) => {}
                Some(false) | None => return Ok(None),
            }
        };
        Ok(Some(&self.lines.bytes[found]))
    }

    /// Reads and drops what is left of the output, and says how the command ended.
    ///
    /// # Errors
    /// [`Error::Lost`], [`Error::CommandRefused`].
    pub async fn ended(mut self) -> Result<Ended, Error> {
        while self.receive(Wanted::Nothing).await? {}
        let unfinished = self.lines.unfinished().to_vec();
        Ok(Ended { exit: self.exit.clone(), stderr: std::mem::take(&mut self.stderr), unfinished })
    }

    /// Reads and drops what still comes until `done` is, with which the command or its connection is taken leave of. A host that
    /// does not stop sending would otherwise fill the way on which the end of the connection is told, and `done` would wait for good.
    pub async fn unread_until(self, done: impl Future<Output = ()>) {
        tokio::pin!(done);
        tokio::select! {
            () = &mut done => {}
            // How it ended is of no interest any more.
            _ = self.ended() => done.await,
        }
    }

    /// Whether the host has closed the channel, as far as was read.
    pub fn is_over(&self) -> bool {
        self.closer.over.is_cancelled()
    }

    async fn gather(mut self, limit: usize) -> Result<Answer, Error> {
        while self.receive(Wanted::All).await? {
            if self.lines.bytes.len() > limit {
                return Err(Error::OutputTooLong {
                    host: self.connection.host().clone(),
                    command: self.command.to_string(),
                    limit,
                });
            }
        }
        Ok(Answer {
            exit: self.exit.clone(),
            stdout: std::mem::take(&mut self.lines.bytes),
            stderr: std::mem::take(&mut self.stderr),
        })
    }

    fn next_buffered(&mut self) -> Result<Option<std::ops::Range<usize>>, Error> {
        self.lines.next().map_err(|TooLong| Error::LineTooLong {
            host: self.connection.host().clone(),
            limit: self.lines.limit,
        })
    }

    /// Takes one message from the host. `false` when there is none left.
    async fn receive(&mut self, wanted: Wanted) -> Result<bool, Error> {
        if self.closer.over.is_cancelled() {
            return Ok(false);
        }
        match self.channel.wait().await {
            Some(ChannelMsg::Data { data }) => match wanted {
                Wanted::Lines | Wanted::All => self.lines.push(&data),
                Wanted::Nothing => {}
            },
            Some(ChannelMsg::ExtendedData { data, ext: STDERR }) => {
                self.stderr.push(&data, self.connection.settings().stderr_limit);
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => self.exit = Exit::Status(exit_status),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                self.exit = Exit::Signal(signal(&signal_name));
            }
            Some(ChannelMsg::Failure) => {
                return Err(Error::CommandRefused {
                    host: self.connection.host().clone(),
                    command: self.command.to_string(),
                });
            }
            Some(ChannelMsg::Close) => {
                self.closer.over.cancel();
                return Ok(false);
            }
            // Without a close the connection is gone. What the host had said until then counts.
            None if self.exit == Exit::Unknown => return Err(self.connection.lost().await),
            None => return Ok(false),
            // Acknowledgements, flow control, and the end of one of the two streams.
            Some(_) => {}
        }
        Ok(true)
    }
}

/// What a reader does with standard output.
#[derive(Clone, Copy)]
enum Wanted {
    Lines,
    All,
    Nothing,
}

type Half = ChannelWriteHalf<Msg>;

/// Closes a channel that nobody listens to any more.
struct Closer {
    channel: Arc<Half>,
    /// Cancelled when the host has closed the channel.
    over: CancellationToken,
}

impl Drop for Closer {
    fn drop(&mut self) {
        if self.over.is_cancelled() {
            return;
        }
        self.over.cancel();
        let channel = Arc::clone(&self.channel);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // If the connection takes no more messages it is about to end, and all its channels.
            runtime.spawn(tokio::time::timeout(CLOSE_LIMIT, async move { channel.close().await }));
        }
    }
}

impl Stderr {
    fn push(&mut self, bytes: &[u8], limit: usize) {
        let kept = bytes.len().min(limit.saturating_sub(self.bytes.len()));
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.dropped += (bytes.len() - kept) as u64;
    }
}

fn signal(name: &russh::Sig) -> String {
    match name {
        russh::Sig::Custom(name) => clean(name),
        known => format!("{known:?}"),
    }
}

/// Cuts a stream of bytes into lines, keeping at most one line and one packet.
struct LineBuffer {
    bytes: Vec<u8>,
    /// The first byte not yet returned.
    start: usize,
    /// Up to here there is no line end after `start`.
    scanned: usize,
    limit: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct TooLong;

impl LineBuffer {
    fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, scanned: 0, limit }
    }

    fn push(&mut self, more: &[u8]) {
        self.bytes.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(more);
    }

    fn next(&mut self) -> Result<Option<std::ops::Range<usize>>, TooLong> {
        let found = self.bytes[self.scanned..].iter().position(|byte| *byte == b'\n');
        let end = found.map_or(self.bytes.len(), |at| self.scanned + at);
        // The line end counts, and an unfinished line needs at least one more byte.
        if end - self.start >= self.limit {
            return Err(TooLong);
        }
        let line = self.start..end;
        self.scanned = end;
        if found.is_none() {
            if self.start == end {
                // Nothing is left of it: most connections are silent most of the time.
                *self = Self::new(self.limit);
            }
            return Ok(None);
        }
        self.start = end + 1;
        self.scanned = self.start;
        Ok(Some(line))
    }

    fn unfinished(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// The stream number of standard error. Source: RFC 4254 §5.2.
const STDERR: u32 = 1;
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(limit: usize, packets: &[&[u8]]) -> Result<(Vec<Vec<u8>>, Vec<u8>), TooLong> {
        let mut buffer = LineBuffer::new(limit);
        let mut lines = Vec::new();
        for packet in packets {
            buffer.push(packet);
            while let Some(found) = buffer.next()? {
                lines.push(buffer.bytes[found].to_vec());
            }
        }
        Ok((lines, buffer.unfinished().to_vec()))
    }

    #[test]
    fn lines_are_put_together_from_packets() {
        let (whole, rest) = lines(99, &[b"one\ntw", b"o", b"\n\nthree\nfo"]).unwrap();
        assert_eq!(whole, [&b"one"[..], b"two", b"", b"three"]);
        assert_eq!(rest, b"fo");
    }

    #[test]
    fn the_limit_counts_the_line_end() {
        assert!(lines(4, &[b"abc\nabc\n"]).is_ok());
        assert_eq!(lines(4, &[b"abcd\n"]), Err(TooLong));
        assert_eq!(lines(4, &[b"ab", b"cd"]), Err(TooLong), "it can only grow");
        assert_eq!(lines(4, &[b"abc"]).unwrap().1, b"abc");
    }

    proptest! {
        #[test]
        fn packets_make_no_difference(
            text in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
            size in 1_usize..50,
        ) {
            let packets: Vec<&[u8]> = text.chunks(size).collect();
            let (whole, rest) = lines(1000, &packets).unwrap();
            let mut expected: Vec<Vec<u8>> =
                text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            prop_assert_eq!(rest, expected.pop().unwrap());
            prop_assert_eq!(whole, expected);
        }
    }

    #[test]
    fn standard_error_is_capped_and_counted() {
        let mut stderr = Stderr::default();
        stderr.push(b"abc", 4);
        stderr.push(b"def", 4);
        assert_eq!(stderr, Stderr { bytes: b"abcd".to_vec(), dropped: 2 });
    }
}
