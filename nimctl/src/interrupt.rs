//! Ctrl-C: a person who presses it wants the prompt back, and nothing of what runs to end by it.
//!
//! Who listens does so from the first moment: a signal that comes before anybody awaits it counts when somebody does. Until
//! then it would end the process without a word on how to go on.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;

/// Hears of Ctrl-C, from [`Interrupt::listen`] on.
pub(crate) struct Interrupt(Signal);

impl Interrupt {
    /// From now on Ctrl-C no longer ends the process; whoever holds this answers it.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn listen() -> Result<Self, Error> {
        signal(SignalKind::interrupt()).map(Self).map_err(Error::Signal)
    }

    /// Waits until it is pressed. What was pressed since the last answer counts. May be dropped while it waits.
    pub(crate) async fn pressed(&mut self) {
        // `None` would mean that the process takes no signals any more: then none comes.
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }

    /// What `work` came to; `None` when Ctrl-C came first.
    pub(crate) async fn before<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.pressed() => None,
            done = work => Some(done),
        }
    }
}
