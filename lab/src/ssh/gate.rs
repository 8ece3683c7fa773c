//! A host that stands still, is off, or has lost its connections, seen from the network.
//!
//! A frozen AIX drops packets, while the kernel under a stopped Linux process still acknowledges them. So a frozen host's server neither
//! reads nor writes: the client sees a peer that says nothing, and what was sent arrives when the host goes on.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// State of one host's network. Clones are the same host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    frozen: bool,
    off: bool,
    /// Rises with each cut: connections of an older generation are gone.
    generation: u64,
    wakers: Vec<Waker>,
}

impl Gate {
    /// Neither reads nor writes from now on.
    pub(crate) fn freeze(&self) {
        self.change(|state| state.frozen = true);
    }

    /// Goes on.
    pub(crate) fn thaw(&self) {
        self.change(|state| state.frozen = false);
    }

    /// Cuts all connections; new ones are welcome.
    pub(crate) fn cut(&self) {
        self.change(|state| state.generation += 1);
    }

    /// Switched off: connections are cut, new ones refused.
    pub(crate) fn switch_off(&self) {
        self.change(|state| {
            state.generation += 1;
            state.off = true;
            state.frozen = false;
        });
    }

    /// Switched on.
    pub(crate) fn switch_on(&self) {
        self.change(|state| state.off = false);
    }

    /// A connection through the gate; `None` while the host is off.
    pub(crate) fn pass(&self, stream: TcpStream) -> Option<Gated> {
        self.state(|state| (!state.off).then_some(state.generation)).map(|generation| Gated {
            gate: self.clone(),
            generation,
            stream,
        })
    }

    fn change(&self, act: impl FnOnce(&mut State)) {
        let wakers = self.state(|state| {
            act(state);
            std::mem::take(&mut state.wakers)
        });
        wakers.into_iter().for_each(Waker::wake);
    }

    fn state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ready when bytes of this generation may flow. Always leaves its waker: a change must wake who waits for the socket, too.
    fn poll_open(&self, generation: u64, context: &Context<'_>) -> Poll<io::Result<()>> {
        self.state(|state| {
            if state.generation != generation {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                state.wakers.push(context.waker().clone());
            }
            if state.frozen { Poll::Pending } else { Poll::Ready(Ok(())) }
        })
    }
}

/// A connection that flows only while the gate is open.
#[derive(Debug)]
pub(crate) struct Gated {
    gate: Gate,
    generation: u64,
    stream: TcpStream,
}

impl AsyncRead for Gated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.gate.poll_open(self.generation, context))?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Gated {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.gate.poll_open(self.generation, context))?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.gate.poll_open(self.generation, context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (near, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_frozen_host_is_silent_and_goes_on_where_it_stopped() {
        let (mut near, far) = pair().await;
        let gate = Gate::default();
        let mut far = gate.pass(far).unwrap();
        near.write_all(b"x").await.unwrap();
        gate.freeze();
        let mut byte = [0];
        assert!(far.read_exact(&mut byte).now_or_never().is_none());
        assert!(far.write_all(b"y").now_or_never().is_none());
        gate.thaw();
        far.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, *b"x");
    }

    #[tokio::test]
    async fn a_cut_wakes_and_ends_who_waits() {
        let (_near, far) = pair().await;
        let gate = Gate::default();
        let mut far = gate.pass(far).unwrap();
        let waiting = tokio::spawn(async move { far.read_u8().await });
        tokio::task::yield_now().await;
        gate.cut();
        assert_eq!(waiting.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn a_host_that_is_off_takes_nobody() {
        let (_near, far) = pair().await;
        let gate = Gate::default();
        gate.switch_off();
        assert!(gate.pass(far).is_none());
    }
}
