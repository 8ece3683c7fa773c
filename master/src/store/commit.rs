//! Transactions whose outcome is always known.
//!
//! When a connection is lost during COMMIT, the transaction may or may not have taken effect. So each writing transaction
//! begins by inserting a mark of its own into `commit_mark`, in the same round trip as BEGIN. After a loss the next
//! connection inserts the same mark: if it is there, the transaction had committed; if the insert goes through, it had not,
//! and never can any more, because a server process that still tries would collide with our mark. A transaction that is still
//! under way holds the unique key, and the insert waits for its end. This also holds after a failover to a server that never
//! received the commit, where a look at the transaction's number would lie.

use std::time::Duration;

use sea_orm::SqlxError;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::postgres::{PgConnection, PgPool};
use sea_orm::sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, query, query_scalar, raw_sql};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::warn;
use uuid::Uuid;

use super::error::Kind;
use super::{Error, Store};

/// Every function that writes. The tests cut the connection at the COMMIT of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the name of the function")]
pub enum Writing {
    Apply,
    Checked,
    LppIndex,
    Accept,
    Adopt,
    Claim,
    TakeOver,
    Append,
    CommitStarts,
    Transition,
    AskCancel,
    Resolve,
    ClaimActions,
    ActionDone,
    Register,
    Heartbeat,
    Resign,
    ReserveAndProceed,
    Release,
    RecordReading,
    ViosReading,
    Preflights,
    Disks,
    OpenItems,
    HmcState,
    SecretSet,
    SecretRotate,
    SecretRemove,
    PolicySet,
    LoginBegin,
    LoginEnd,
    HostKeysAdd,
    HostKeysRemove,
    Partitions,
    FreezeList,
    Sweep,
    RolloutStart,
    RolloutDrive,
    RolloutTurn,
    RolloutClose,
    RolloutWithdraw,
    ClaimNotices,
    NoticesDone,
    Maintenance,
}

impl Writing {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Apply,
        Self::Checked,
        Self::LppIndex,
        Self::Accept,
        Self::Adopt,
        Self::Claim,
        Self::TakeOver,
        Self::Append,
        Self::CommitStarts,
        Self::Transition,
        Self::AskCancel,
        Self::Resolve,
        Self::ClaimActions,
        Self::ActionDone,
        Self::Register,
        Self::Heartbeat,
        Self::Resign,
        Self::ReserveAndProceed,
        Self::Release,
        Self::RecordReading,
        Self::ViosReading,
        Self::Preflights,
        Self::Disks,
        Self::OpenItems,
        Self::HmcState,
        Self::SecretSet,
        Self::SecretRotate,
        Self::SecretRemove,
        Self::PolicySet,
        Self::LoginBegin,
        Self::LoginEnd,
        Self::HostKeysAdd,
        Self::HostKeysRemove,
        Self::Partitions,
        Self::FreezeList,
        Self::Sweep,
        Self::RolloutStart,
        Self::RolloutDrive,
        Self::RolloutTurn,
        Self::RolloutClose,
        Self::RolloutWithdraw,
        Self::ClaimNotices,
        Self::NoticesDone,
        Self::Maintenance,
    ];

    /// What it does, after "cannot".
    const fn doing(self) -> &'static str {
        match self {
            Self::Apply => "store the objects",
            Self::Checked => "store what a check found",
            Self::LppIndex => "store what is in an lpp_source",
            Self::Accept => "accept the operations",
            Self::Adopt => "take in an operation that an LPAR has",
            Self::Claim => "claim operations",
            Self::TakeOver => "take over operations",
            Self::Append => "store events",
            Self::CommitStarts => "store that operations are about to start",
            Self::Transition => "store the state of an operation",
            Self::AskCancel => "store that a cancel is asked for",
            Self::Resolve => "resolve an operation",
            Self::ClaimActions => "claim follow-up actions",
            Self::ActionDone => "store that a follow-up action is done",
            Self::Register => "register this master",
            Self::Heartbeat => "renew the lease of this master",
            Self::Resign => "end the lease of this master",
            Self::ReserveAndProceed => "reserve capacity",
            Self::Release => "release a reservation",
            Self::RecordReading => "store what was read of a frame",
            Self::ViosReading => "store what was read of a VIOS",
            Self::Preflights => "store what preflights found",
            Self::Disks => "store what disks LPARs show",
            Self::OpenItems => "note what is left to do on LPARs",
            Self::HmcState => "store the state of an HMC",
            Self::SecretSet => "store a secret",
            Self::SecretRotate => "seal the secrets with a new key",
            Self::SecretRemove => "remove a secret",
            Self::PolicySet => "store the policy",
            Self::LoginBegin => "take a turn at an HMC",
            Self::LoginEnd => "end a turn at an HMC",
            Self::HostKeysAdd => "store host keys",
            Self::HostKeysRemove => "remove host keys",
            Self::Partitions => "see to the partitions",
            Self::FreezeList => "keep a list for its next page",
            Self::Sweep => "sweep what is no longer needed",
            Self::RolloutStart => "start a rollout",
            Self::RolloutDrive => "take rollouts to drive them",
            Self::RolloutTurn => "store where a rollout stands",
            Self::RolloutClose => "give up a start of a rollout",
            Self::RolloutWithdraw => "take starts of a rollout out of the queue",
            Self::ClaimNotices => "take up messages to receivers",
            Self::NoticesDone => "store what became of messages to receivers",
            Self::Maintenance => "note where there is maintenance",
        }
    }
}

/// A writing transaction. Dropped without [`Txn::commit`] it is rolled back.
pub(super) struct Txn {
    held: Held,
    mark: Uuid,
    writing: Writing,
    pool: PgPool,
    decide: Duration,
}

/// A connection in a transaction, which is rolled back when this is dropped.
///
/// Not the driver's own: that one gives a connection back as it is when a statement that begins with it fails, as the mark does on a
/// full disk, or when whoever waits for it goes away; and the next user finds itself in a transaction that another one began.
pub(super) struct Held {
    /// Taken at the end.
    connection: Option<PoolConnection<Postgres>>,
    /// The database said that it has begun.
    begun: bool,
}

impl Held {
    /// Begins a transaction by `statements`, the first of which is BEGIN.
    pub(super) async fn begin(
        pool: &PgPool,
        statements: impl SqlSafeStr,
    ) -> Result<Self, SqlxError> {
        let mut held = Self { connection: Some(pool.acquire().await?), begun: false };
        raw_sql(statements).execute(held.connection()).await?;
        held.begun = true;
        Ok(held)
    }

    /// The connection, for statements.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        self.connection.as_deref_mut().expect("it is taken at the end only")
    }

    async fn commit(&mut self) -> Result<(), SqlxError> {
        raw_sql("COMMIT").execute(self.connection()).await?;
        drop(self.connection.take());
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match Handle::try_current() {
            Ok(runtime) if self.begun => drop(runtime.spawn(async move {
                if raw_sql("ROLLBACK").execute(&mut *connection).await.is_err() {
                    connection.close_on_drop();
                }
            })),
            // How far it came is not known: with its connection it ends in any case.
            Ok(_) | Err(_) => connection.close_on_drop(),
        }
    }
}

impl Store {
    /// Begins a writing transaction.
    pub(super) async fn begin(&self, writing: Writing) -> Result<Txn, Error> {
        let mark = Uuid::now_v7();
        // One round trip: both in one message. The mark is ours, hexadecimal digits and hyphens.
        let begin = format!("BEGIN; INSERT INTO commit_mark (token) VALUES ('{mark}')");
        let failed = |cause| Error::sqlx(writing.doing(), cause);
        let held = Held::begin(&self.pool, AssertSqlSafe(begin)).await.map_err(failed)?;
        Ok(Txn { held, mark, writing, pool: self.pool.clone(), decide: self.decide })
    }

    /// Deletes marks and lists that nobody can ask for any more.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn sweep(&self) -> Result<(), Error> {
        let mut txn = self.begin(Writing::Sweep).await?;
        query("DELETE FROM commit_mark WHERE made_at < now() - interval '1 day'")
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        super::object::forget_lists(&mut txn).await?;
        query(
            "DELETE FROM master WHERE lease_until < now() - interval '7 days' AND NOT EXISTS
                   (SELECT FROM operation o WHERE o.owner = master.id)",
        )
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await
    }
}

impl Txn {
    /// The connection, for statements.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        self.held.connection()
    }

    /// Turns what the driver said into our error.
    pub(super) fn failed(&self) -> impl Fn(SqlxError) -> Error + use<> {
        let writing = self.writing;
        move |cause| Error::sqlx(writing.doing(), cause)
    }

    /// Commits. `Ok` means stored; [`Error::Lost`] and every error but [`Error::Undecided`] mean not stored.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        let (doing, mark, decide) = (self.writing.doing(), self.mark, self.decide);
        match self.held.commit().await {
            Ok(()) => Ok(()),
            Err(cause) if Kind::of(&cause) == Kind::Away => {
                warn!(
                    "the connection was lost during the COMMIT of \"{doing}\"; asking what became of it"
                );
                match ask(&self.pool, mark, decide).await {
                    Ok(Became::Committed) => Ok(()),
                    Ok(Became::Nothing) => Err(Error::Lost { doing: doing.to_owned(), cause }),
                    Err(_) => Err(Error::Undecided { doing: doing.to_owned(), cause }),
                }
            }
            Err(cause) => Err(Error::sqlx(doing, cause)),
        }
    }
}

/// What became of a transaction.
enum Became {
    Committed,
    Nothing,
}

/// Asks until the database answers, at most for `limit`.
async fn ask(pool: &PgPool, mark: Uuid, limit: Duration) -> Result<Became, SqlxError> {
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(20);
    loop {
        // The mark says who made it, so that an insert of ours whose own answer was lost is not taken for the transaction's.
        let asked = query_scalar(
            "INSERT INTO commit_mark AS m (token, asked) VALUES ($1, true)
             ON CONFLICT (token) DO UPDATE SET asked = m.asked RETURNING asked",
        )
        .bind(mark)
        .fetch_one(pool)
        .await;
        match asked {
            Ok(true) => return Ok(Became::Nothing),
            Ok(false) => return Ok(Became::Committed),
            Err(cause) if Instant::now() + pause > end => return Err(cause),
            Err(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}
