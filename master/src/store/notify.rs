//! Hints that something changed, by LISTEN and NOTIFY. A hint carries no data and may be lost: who listens also looks from
//! time to time.

use std::time::Duration;

use sea_orm::sqlx::postgres::{PgListener, PgPool};
use sea_orm::sqlx::query;
use tracing::debug;

use super::Store;

/// What kind of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Operations were accepted, or a cancel asked for.
    Work,
    /// Events, output or states of operations.
    Events,
}

impl Topic {
    /// The channel in Postgres.
    const fn channel(self) -> &'static str {
        match self {
            Self::Work => "nimd_work",
            Self::Events => "nimd_events",
        }
    }
}

/// A stream of hints.
#[derive(Debug)]
pub struct Hints {
    pool: PgPool,
    topics: Vec<Topic>,
    listener: Option<PgListener>,
}

impl Store {
    /// Listens for changes of these kinds. Connects with the first [`Hints::wait`].
    #[must_use]
    pub fn hints(&self, topics: &[Topic]) -> Hints {
        Hints { pool: self.pool.clone(), topics: topics.to_vec(), listener: None }
    }

    /// Sends a hint, outside of every transaction. That it could not be sent costs others some seconds, nothing else.
    pub async fn hint(&self, topic: Topic) {
        let sent =
            query("SELECT pg_notify($1, '')").bind(topic.channel()).execute(&self.pool).await;
        if let Err(cause) = sent {
            debug!("a hint was not sent: {cause}");
        }
    }
}

impl Hints {
    /// Waits for a hint, at most for `longest`: then it is time to look anyway. Also returns at once when the connection was
    /// lost, because hints may have been lost with it. May be dropped at any await: what is lost is a hint.
    pub async fn wait(&mut self, longest: Duration) {
        if tokio::time::timeout(longest, self.next()).await.is_err() {
            debug!("no hint for {longest:?}");
        }
    }

    /// The next hint. While the database is away this waits; the caller limits that.
    async fn next(&mut self) {
        match &mut self.listener {
            Some(listener) => match listener.try_recv().await {
                Ok(Some(_)) => while listener.next_buffered().is_some() {},
                // It connects again by itself, but what came meanwhile is lost.
                Ok(None) => (),
                Err(cause) => {
                    debug!("no longer listening: {cause}");
                    self.listener = None;
                }
            },
            None => match self.listen().await {
                // What came before we listened is unknown: look.
                Ok(listener) => self.listener = Some(listener),
                Err(cause) => {
                    debug!("cannot listen: {cause}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            },
        }
    }

    async fn listen(&self) -> Result<PgListener, sea_orm::SqlxError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen_all(self.topics.iter().map(|topic| topic.channel())).await?;
        Ok(listener)
    }
}
