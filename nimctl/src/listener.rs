//! A task that tells what it hears, as long as somebody listens.

use std::future::Future;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::Error;

/// What the task tells, and the task. It ends with this value.
pub(crate) struct Listener<T> {
    heard: mpsc::Receiver<T>,
    task: JoinHandle<()>,
}

impl<T: Send + 'static> Listener<T> {
    /// Begins `listen`, which may be `ahead` messages ahead of who takes them. The error that ends it is told last, as `failed` has it.
    pub(crate) fn begin<F>(
        ahead: usize,
        failed: fn(Error) -> T,
        listen: impl FnOnce(mpsc::Sender<T>) -> F,
    ) -> Self
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let (sender, heard) = mpsc::channel(ahead);
        let listening = listen(sender.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = listening.await {
                // Nobody listens any more: then nobody wants to know.
                drop(sender.send(failed(error)).await);
            }
        });
        Self { heard, task }
    }

    /// What comes next. May be dropped while it waits. At the end it waits for ever: whoever asks knows from what was told.
    pub(crate) async fn next(&mut self) -> T {
        match self.heard.recv().await {
            Some(heard) => heard,
            None => std::future::pending().await,
        }
    }
}

impl<T> Drop for Listener<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
