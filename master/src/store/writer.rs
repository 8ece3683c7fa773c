//! Group commit: what the sessions of this master want stored, gathered for a moment and stored in one transaction.
//!
//! A submitter is answered after COMMIT, so that what it acknowledges to an agent is stored. While a batch is being stored the
//! next one gathers; the queue has a length, and a full one holds the submitters up, not the memory.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::event::Batched;
use super::notify::Topic;
use super::operation::{Go, Starting};
use super::{Error, Store};

/// How batches are gathered.
#[derive(Clone, Copy, Debug)]
pub struct WriterSettings {
    /// How long the first part of a batch waits for others.
    pub gather: Duration,
    /// How many events and pieces of output make a batch full.
    pub rows: usize,
    /// How many parts may wait.
    pub queue: usize,
}

impl Default for WriterSettings {
    fn default() -> Self {
        Self { gather: Duration::from_millis(10), rows: 1000, queue: 4096 }
    }
}

/// Gathers and stores. Ends when all handles are gone and everything is stored.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    settings: WriterSettings,
    waiting: mpsc::Receiver<Waiting>,
}

/// The way to the writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WriterHandle {
    to: mpsc::Sender<Waiting>,
}

/// Why something was not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The store refused this part, or the whole batch failed: then everyone in it gets the same error.
    #[error(transparent)]
    Store(std::sync::Arc<Error>),
    /// The writer has ended: this master is shutting down.
    #[error("nothing is stored any more: this nimd is shutting down")]
    Ended,
}

/// What is to be stored, and who waits for it.
#[derive(Debug)]
enum Waiting {
    /// What happened to an operation.
    Part(Box<Batched>, Answer<()>),
    /// That its `start` is about to leave.
    Start(Starting, Answer<Go>),
}

type Answer<T> = oneshot::Sender<Result<T, WriteError>>;

impl Writer {
    /// A writer and the way to it.
    #[must_use]
    pub fn new(store: Store, settings: WriterSettings) -> (Self, WriterHandle) {
        let (to, waiting) = mpsc::channel(settings.queue);
        (Self { store, settings, waiting }, WriterHandle { to })
    }

    /// Stores until all handles are gone.
    pub async fn run(mut self) {
        while let Some(batch) = self.gather().await {
            self.write(batch).await;
        }
    }

    /// The next batch; `None` when nobody can submit any more and nothing waits.
    async fn gather(&mut self) -> Option<Vec<Waiting>> {
        let first = self.waiting.recv().await?;
        let full = Instant::now() + self.settings.gather;
        let mut rows = first.weight();
        let mut batch = vec![first];
        while rows < self.settings.rows {
            match timeout_at(full, self.waiting.recv()).await {
                Ok(Some(next)) => {
                    rows += next.weight();
                    batch.push(next);
                }
                Ok(None) | Err(_) => break,
            }
        }
        Some(batch)
    }

    async fn write(&self, batch: Vec<Waiting>) {
        let (mut parts, mut part_answers) = (Vec::new(), Vec::new());
        let (mut starts, mut start_answers) = (Vec::new(), Vec::new());
        for waiting in batch {
            match waiting {
                Waiting::Part(part, answer) => {
                    parts.push(*part);
                    part_answers.push(answer);
                }
                Waiting::Start(start, answer) => {
                    starts.push(start);
                    start_answers.push(answer);
                }
            }
        }
        if !starts.is_empty() {
            answer(start_answers, self.store.commit_starts(&starts).await);
        }
        if !parts.is_empty() {
            let stored = self.store.append(parts).await;
            let hint = stored.is_ok();
            answer(part_answers, stored);
            if hint {
                self.store.hint(Topic::Events).await;
            }
        }
    }
}

impl WriterHandle {
    /// Stores `part` with whatever else comes at the moment. Returns when it is committed.
    ///
    /// # Errors
    /// What [`Store::append`] says of it.
    pub async fn store(&self, part: Batched) -> Result<(), WriteError> {
        self.submit(|answer| Waiting::Part(Box::new(part), answer)).await
    }

    /// Stores that `start` is about to leave for an operation, with whatever else comes at the moment. Returns when it is
    /// committed: only after [`Go::Ahead`] may it leave.
    ///
    /// # Errors
    /// What [`Store::commit_starts`] says of it.
    pub async fn start(&self, starting: Starting) -> Result<Go, WriteError> {
        self.submit(|answer| Waiting::Start(starting, answer)).await
    }

    async fn submit<T>(&self, waiting: impl FnOnce(Answer<T>) -> Waiting) -> Result<T, WriteError> {
        let (answer, answered) = oneshot::channel();
        self.to.send(waiting(answer)).await.map_err(|_| WriteError::Ended)?;
        answered.await.map_err(|_| WriteError::Ended)?
    }
}

impl Waiting {
    /// How much of a batch it fills.
    fn weight(&self) -> usize {
        match self {
            Self::Part(part, _) => 1 + part.events.len() + part.output.len(),
            Self::Start(..) => 1,
        }
    }
}

/// Answers everyone in a batch: each with its own result, or all with the error of the whole.
fn answer<T>(answers: Vec<Answer<T>>, results: Result<Vec<Result<T, Error>>, Error>) {
    match results {
        Ok(results) => {
            for (answer, result) in answers.into_iter().zip(results) {
                tell(answer, result.map_err(|error| WriteError::Store(error.into())));
            }
        }
        Err(error) => {
            let error = std::sync::Arc::new(error);
            for answer in answers {
                tell(answer, Err(WriteError::Store(error.clone())));
            }
        }
    }
}

/// Answers, unless the submitter has gone: what it wanted stored is stored all the same.
fn tell<T>(to: Answer<T>, result: Result<T, WriteError>) {
    if to.send(result).is_err() {
        tracing::debug!("nobody waits any more for what was stored");
    }
}

#[cfg(test)]
mod tests;
