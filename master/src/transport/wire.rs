//! The bytes under an SSH connection: TCP, or a channel through a bastion.
//!
//! A wire notes when the other end was last heard, which is how silence is measured, and can be
//! cut from outside, which is how a connection ends whose other end no longer answers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use russh::ChannelStream;
use russh::client::Msg;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A stream to the next hop, with a [`Pulse`].
pub(super) struct Wire {
    pipe: Pipe,
    pulse: Arc<Pulse>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

enum Pipe {
    Tcp(Arc<TcpStream>),
    Channel(Box<ChannelStream<Msg>>),
}

/// What can be seen and done on a wire while SSH owns its bytes.
pub(super) struct Pulse {
    born: Instant,
    /// Milliseconds after `born`.
    heard: AtomicU64,
    /// Whether the reader waits for the other end. While it does not, silence is ours: we are the
    /// slow ones, and must not blame the host for it.
    listening: AtomicBool,
    cut: CancellationToken,
    socket: Option<Arc<TcpStream>>,
}

impl Wire {
    /// Takes over a TCP connection, with the options that a session needs.
    pub(super) fn tcp(stream: TcpStream, silence_limit: Duration) -> io::Result<Self> {
        // Without it the first command waits 40 ms for a delayed acknowledgement.
        stream.set_nodelay(true)?;
        let stream = Arc::new(stream);
        let wire = Self::new(Pipe::Tcp(Arc::clone(&stream)), Some(stream));
        wire.pulse.set_user_timeout(silence_limit);
        Ok(wire)
    }

    /// Takes over a channel through a bastion.
    pub(super) fn channel(stream: ChannelStream<Msg>) -> Self {
        Self::new(Pipe::Channel(Box::new(stream)), None)
    }

    fn new(pipe: Pipe, socket: Option<Arc<TcpStream>>) -> Self {
        let cut = CancellationToken::new();
        let pulse = Arc::new(Pulse {
            born: Instant::now(),
            heard: AtomicU64::new(0),
            listening: AtomicBool::new(false),
            cut: cut.clone(),
            socket,
        });
        Self { pipe, pulse, cut: Box::pin(cut.cancelled_owned()) }
    }

    pub(super) fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "given up")),
            Poll::Pending => Ok(()),
        }
    }
}

impl Pulse {
    /// When the other end was last heard, or the connection began.
    pub(super) fn heard(&self) -> Instant {
        self.born + Duration::from_millis(self.heard.load(Ordering::Relaxed))
    }

    /// Whether we wait for the other end, and it may speak.
    pub(super) fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    /// Ends the connection: every read and write fails from now on.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }

    /// How long sent bytes may stay unacknowledged before the kernel gives the connection up. Only
    /// a direct connection has such a limit of its own.
    pub(super) fn set_user_timeout(&self, limit: Duration) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = SockRef::from(&**socket).set_tcp_user_timeout(Some(limit)) {
            // It only shortens how long a dead connection stays: the keepalive finds it too.
            tracing::debug!(%error, "cannot set TCP_USER_TIMEOUT");
        }
    }

    fn hear(&self) {
        let millis = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(millis, Ordering::Relaxed);
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        let before = buf.filled().len();
        let read = match &mut self.pipe {
            Pipe::Tcp(stream) => poll_read_tcp(stream, cx, buf),
            Pipe::Channel(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        self.pulse.listening.store(read.is_pending(), Ordering::Relaxed);
        if buf.filled().len() > before {
            self.pulse.hear();
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(cx)?;
        match &mut self.pipe {
            Pipe::Tcp(stream) => poll_write_tcp(stream, cx, buf),
            Pipe::Channel(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.pipe {
            Pipe::Tcp(_) => Poll::Ready(Ok(())),
            Pipe::Channel(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    /// Never fails: russh reports how a session ended only if the shutdown of its stream went well.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let cut = self.poll_cut(cx).is_err();
        match &mut self.pipe {
            _ if cut => {}
            Pipe::Tcp(stream) => {
                // An error means that there is no connection left to shut down.
                drop(SockRef::from(&**stream).shutdown(std::net::Shutdown::Write));
            }
            Pipe::Channel(stream) => drop(ready!(Pin::new(stream).poll_shutdown(cx))),
        }
        Poll::Ready(Ok(()))
    }
}

// The socket is shared with its `Pulse`, so it is read and written through `&TcpStream`.

fn poll_read_tcp(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    loop {
        ready!(stream.poll_read_ready(cx))?;
        match stream.try_read(buf.initialize_unfilled()) {
            Ok(read) => {
                buf.advance(read);
                return Poll::Ready(Ok(()));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}

fn poll_write_tcp(stream: &TcpStream, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_write_ready(cx))?;
        match stream.try_write(buf) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            written => return Poll::Ready(written),
        }
    }
}
