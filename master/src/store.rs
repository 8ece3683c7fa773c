//! What is kept: everything in PostgreSQL, and nothing of it anywhere else.
//!
//! Functions take and return domain types; no row and no SQL leaves this module. Each is one transaction and waits for
//! nothing but the database. What only the owner of an operation may write says `WHERE fence = …` in the statement itself.
//! A connection that is lost during COMMIT leaves no doubt: each writing transaction carries a mark by which the next
//! connection sees what became of it (`commit.rs`).
//!
//! The database is any PostgreSQL from 14 on; without one `nimd` runs its own ([`cluster`]). Connections, migrations and
//! reading are sea-orm's; statements that its entities cannot express (`unnest`, `SKIP LOCKED` with a raised fence) go
//! through the driver under it.

mod batch;
pub mod cluster;
mod commit;
mod disk;
mod entity;
mod error;
pub mod event;
mod found;
mod history;
pub mod hook;
pub mod hostkey;
pub mod lease;
pub mod life;
pub mod lpp;
pub mod maintenance;
mod migration;
pub mod notice;
pub mod notify;
pub mod object;
pub mod open_item;
pub mod operation;
pub mod output;
pub mod policy;
mod preflight;
pub mod reservation;
pub mod rollout;
pub mod secret;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod vios;
pub mod writer;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sea_orm::sqlx::{ConnectOptions as _, Connection as _};
use sea_orm::{DatabaseConnection, SqlxError, SqlxPostgresConnector};

pub use batch::{Accepted, Batch, NewBatch, NewOperation};
pub use commit::Writing;
pub use error::{Error, Retry, SecretUser};
pub use history::HistoryEntry;

/// How to reach the database.
#[derive(Clone)]
pub struct ConnectOptions {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, or with `?host=/FOLDER` for a Unix socket.
    pub url: String,
    /// Most connections at a time.
    pub connections: u32,
    /// How long a call waits for a free connection, and a new connection for its answer.
    pub acquire: Duration,
    /// How long one statement may run before Postgres ends it.
    pub statement: Duration,
    /// How long to go on asking what became of a COMMIT whose answer was lost: as long as a failover takes.
    pub decide: Duration,
    /// How many bytes of raw output are kept of one operation; what comes after is cut off, and said to be.
    pub output_limit: u64,
}

impl ConnectOptions {
    /// The usual settings for `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            connections: 16,
            acquire: Duration::from_secs(10),
            statement: Duration::from_secs(30),
            decide: Duration::from_secs(60),
            output_limit: 64 << 20,
        }
    }
}

/// The URL may hold a password.
impl std::fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// The way to the database. Cheap to clone; all clones share the connections.
#[derive(Clone, Debug)]
pub struct Store {
    db: DatabaseConnection,
    pool: PgPool,
    decide: Duration,
    output_limit: u64,
    /// What does not change of rollouts.
    lately: Arc<rollout::Lately>,
}

/// Who changes something: the user on the other end of the API's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    /// User id that the kernel says the peer has.
    pub uid: u32,
}

/// A part of a list, in the order in which things came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, C> {
    /// What is in this part.
    pub items: Vec<T>,
    /// Where the next part begins; `None` after the last.
    pub next: Option<C>,
}

impl Store {
    /// Connects, brings the schema up to date, and sees to the partitions for the time ahead.
    ///
    /// # Errors
    /// [`Error::BadUrl`], [`Error::Unreachable`], [`Error::SchemaTooNew`], or what a migration failed on.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, Error> {
        let store = Self::open(options).await?;
        migration::run(&store.db).await?;
        store.make_partitions(store.now().await?).await?;
        Ok(store)
    }

    /// Connects, and leaves the schema as it is.
    async fn open(options: &ConnectOptions) -> Result<Self, Error> {
        let pool = pool(options).await?;
        let db = SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone());
        let (decide, output_limit) = (options.decide, options.output_limit);
        Ok(Self { db, pool, decide, output_limit, lately: Arc::default() })
    }

    /// The database's clock, which all leases and deadlines are judged by.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn now(&self) -> Result<Timestamp, Error> {
        let now: time::OffsetDateTime = sea_orm::sqlx::query_scalar("SELECT clock_timestamp()")
            .fetch_one(&self.pool)
            .await
            .map_err(|cause| Error::sqlx("ask the database for the time", cause))?;
        Ok(Timestamp::new(now))
    }

    /// Closes all connections; calls that are under way end first.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// How long a connection may lie unused before it is asked whether it is still good.
const IDLE: Duration = Duration::from_secs(1);

/// Connections as this program needs them: none that is read-only (a standby after a failover), each with limits of time.
async fn pool(options: &ConnectOptions) -> Result<PgPool, Error> {
    let milliseconds = options.statement.as_millis().to_string();
    let connect = PgConnectOptions::from_str(&options.url)
        .map_err(Error::BadUrl)?
        .application_name("nimd")
        .options([
            ("statement_timeout", milliseconds.as_str()),
            ("lock_timeout", milliseconds.as_str()),
            ("idle_in_transaction_session_timeout", milliseconds.as_str()),
            ("timezone", "UTC"),
            // A commit that a crash can undo is a promise that we could not keep, whatever the server's default.
            ("synchronous_commit", "on"),
        ])
        .disable_statement_logging();
    PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(options.acquire)
        // A question before each use costs a round trip as long as the statement itself. What was in use a moment ago is taken as
        // it is: whoever uses a connection that is lost hears of it either way.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move {
                let row: String = sea_orm::sqlx::query_scalar("SHOW transaction_read_only")
                    .fetch_one(&mut *connection)
                    .await?;
                if row == "on" {
                    return Err(SqlxError::Protocol(
                        "this is a standby, which takes no changes".to_owned(),
                    ));
                }
                Ok(())
            })
        })
        .connect_with(connect)
        .await
        .map_err(|cause| Error::sqlx("connect to the database", cause))
}

/// What Postgres keeps as `bigint`. `None` above its largest.
fn bigint(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}

/// What a `bigint` column holds that we only ever write from unsigned numbers.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The first `limit` of `items`, of which one more was asked for, and where the next part begins.
fn page<T, C>(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> C) -> Page<T, C> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(cursor) } else { None };
    Page { items, next }
}
