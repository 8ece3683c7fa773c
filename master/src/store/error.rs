//! Why the store did not do what it was asked for. Each error names the object, has a code that stays, and a hint; the
//! engine reads [`Error::retry`], never the text.

use std::time::Duration;

use nim_shared::id::{BatchId, ClientToken, Fence, MasterId, ObjectName, OperationId};
use nim_shared::operation::StateName;
use sea_orm::{DbErr, RuntimeErr, SqlxError};

use super::object::Fault;

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same will come out.
    Never,
    /// After this time, the same call may succeed. It is safe to repeat.
    After(Duration),
}

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL of the database cannot be read. The URL itself may hold a password and is not shown.
    #[error("the URL of the database cannot be read")]
    BadUrl(#[source] SqlxError),
    /// No connection: Postgres is down, fails over, or has no slot left.
    #[error("cannot {doing}: the database does not answer")]
    Unreachable {
        /// What was tried, on which object.
        doing: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection was lost, and it is known that nothing was stored.
    #[error("cannot {doing}: the connection to the database was lost, nothing was stored")]
    Lost {
        /// What was tried.
        doing: String,
        /// Why.
        #[source]
        cause: SqlxError,
    },
    /// The connection was lost during COMMIT, and the database did not come back in time to ask what became of it.
    #[error(
        "cannot say whether \"{doing}\" was stored: the connection to the database was lost during COMMIT"
    )]
    Undecided {
        /// What was tried.
        doing: String,
        /// Why.
        #[source]
        cause: SqlxError,
    },
    /// The database has no room for what it has to write, or for what it needs to answer at all.
    #[error("cannot {doing}: the database has no room left")]
    Full {
        /// What was tried.
        doing: String,
        /// Why.
        #[source]
        cause: Box<DbErr>,
    },
    /// Another transaction was in the way: deadlock, lock or statement time limit.
    #[error("cannot {doing}: other work on the database is in the way")]
    Busy {
        /// What was tried.
        doing: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Postgres refused a statement.
    #[error("cannot {doing}: the database refused")]
    Database {
        /// What was tried.
        doing: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The schema was made by a newer `nimd` and no longer serves this one.
    #[error(
        "the database has schema level {level}, which wants a nimd of level {wants} or later; this one has {own}"
    )]
    SchemaTooNew {
        /// Level of the schema.
        level: i32,
        /// Lowest level of a binary that may use it.
        wants: i32,
        /// Level of this binary.
        own: i32,
    },
    /// A row holds something that this version cannot read.
    #[error("{object} cannot be read from the database")]
    Unreadable {
        /// Which object.
        object: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No object of that name.
    #[error("there is no object \"{name}\"")]
    NoSuchObject {
        /// The name.
        name: ObjectName,
    },
    /// One or more objects cannot be stored as asked for; nothing was.
    #[error("{} cannot be stored as asked for", objects(faults))]
    Faults {
        /// All of them.
        faults: Vec<Fault>,
    },
    /// One or more LPARs have an open operation.
    #[error("{} already {} an open operation", list(open.iter().map(|(lpar, _)| lpar)), if open.len() == 1 { "has" } else { "have" })]
    OpenOperation {
        /// LPAR and its open operation.
        open: Vec<(ObjectName, OperationId)>,
    },
    /// One or more names are no LPAR.
    #[error("no LPAR of the name {}", list(names.iter()))]
    NoSuchLpar {
        /// The names.
        names: Vec<String>,
    },
    /// A list of which another page is asked for is no longer kept.
    #[error("the list that this page belongs to is no longer kept")]
    NoSuchList,
    /// A group has members on which nothing can be updated.
    #[error("{group} has members that are no LPARs: {}", list(members.iter()))]
    NotLpars {
        /// The group.
        group: ObjectName,
        /// The members.
        members: Vec<ObjectName>,
    },
    /// A client token was used for another request before.
    #[error("the client token {token} was used for another request, batch {batch}")]
    TokenReused {
        /// The token.
        token: ClientToken,
        /// The batch that it made.
        batch: BatchId,
    },
    /// No operation of that id.
    #[error("there is no operation {id}")]
    NoSuchOperation {
        /// The id.
        id: OperationId,
    },
    /// No batch of that id.
    #[error("there is no batch {id}")]
    NoSuchBatch {
        /// The id.
        id: BatchId,
    },
    /// No rollout of that name or id.
    #[error("there is no rollout \"{}\"", nim_shared::id::printable(called))]
    NoSuchRollout {
        /// The name or id.
        called: String,
    },
    /// Another master owns the operation now.
    #[error("operation {operation} is commanded by another master now: its fence is above {fence}")]
    Fenced {
        /// The operation.
        operation: OperationId,
        /// The fence that is no longer enough.
        fence: Fence,
    },
    /// Events do not follow the last one that is stored, or belong to an older line of history.
    #[error("operation {operation}: the events do not follow the last one that is stored")]
    Gap {
        /// The operation.
        operation: OperationId,
    },
    /// A number that a host sent, above what can be stored.
    #[error("operation {operation}: {what} is beyond all measure")]
    BadNumber {
        /// The operation.
        operation: OperationId,
        /// Which number.
        what: &'static str,
    },
    /// Not in the state that this needs.
    #[error("operation {operation} is {state}")]
    WrongState {
        /// The operation.
        operation: OperationId,
        /// Its state.
        state: StateName,
    },
    /// A successor at the same place ended this master's lease.
    #[error("the lease of master {master} was ended: another nimd runs on its data folder")]
    LeaseEnded {
        /// The master.
        master: MasterId,
    },
    /// No secret of that name.
    #[error("there is no secret \"{name}\"")]
    NoSuchSecret {
        /// The name.
        name: ObjectName,
    },
    /// A secret that HMCs or receivers of the policy refer to.
    #[error("the secret \"{name}\" is used by {}", list(by.iter()))]
    SecretInUse {
        /// The secret.
        name: ObjectName,
        /// Who refers to it; at least one.
        by: Vec<SecretUser>,
    },
    /// The key file.
    #[error(transparent)]
    KeyFile(#[from] super::secret::KeyError),
    /// Another key is on record for a host.
    #[error("another {algorithm} key is on record for {holder}; nothing was stored")]
    OtherHostKey {
        /// Whose key.
        holder: String,
        /// Which of its keys.
        algorithm: String,
    },
    /// The key on this master is not the one that a secret was sealed with.
    #[error(
        "the secret \"{name}\" was sealed with the key {key_id}, which is not in the key file of this master"
    )]
    WrongKey {
        /// The secret.
        name: ObjectName,
        /// The key that it needs.
        key_id: String,
    },
    /// The stored secret does not open: it was altered.
    #[error("the secret \"{name}\" does not open: what is stored was altered")]
    Tampered {
        /// The secret.
        name: ObjectName,
    },
}

impl Error {
    /// The code, which stays the same for years.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadUrl(_) => "NLU-0300",
            Self::Unreachable { .. } => "NLU-0301",
            Self::Lost { .. } => "NLU-0302",
            Self::Undecided { .. } => "NLU-0303",
            Self::Busy { .. } => "NLU-0304",
            Self::Database { .. } => "NLU-0305",
            Self::SchemaTooNew { .. } => "NLU-0306",
            Self::Unreadable { .. } => "NLU-0307",
            Self::Full { .. } => "NLU-0308",
            Self::NoSuchObject { .. } => "NLU-0310",
            Self::Faults { .. } => "NLU-0311",
            Self::NoSuchLpar { .. } => "NLU-0312",
            Self::NotLpars { .. } => "NLU-0313",
            Self::NoSuchList => "NLU-0314",
            Self::OpenOperation { .. } => "NLU-0320",
            Self::TokenReused { .. } => "NLU-0321",
            Self::NoSuchOperation { .. } => "NLU-0322",
            Self::NoSuchBatch { .. } => "NLU-0323",
            Self::NoSuchRollout { .. } => "NLU-0329",
            Self::Fenced { .. } => "NLU-0324",
            Self::Gap { .. } => "NLU-0325",
            Self::BadNumber { .. } => "NLU-0326",
            Self::WrongState { .. } => "NLU-0327",
            Self::LeaseEnded { .. } => "NLU-0328",
            Self::NoSuchSecret { .. } => "NLU-0330",
            Self::SecretInUse { .. } => "NLU-0331",
            Self::WrongKey { .. } => "NLU-0332",
            Self::Tampered { .. } => "NLU-0333",
            Self::OtherHostKey { .. } => "NLU-0334",
            Self::KeyFile(error) => error.code(),
        }
    }

    /// Whether the same call may succeed later. Every writing function may be repeated: it is idempotent, fenced, or
    /// refuses what is there already.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Unreachable { .. } | Self::Undecided { .. } => {
                Retry::After(Duration::from_secs(1))
            }
            Self::Lost { .. } | Self::Busy { .. } => Retry::After(Duration::from_millis(100)),
            // Until somebody makes room; nothing is given up for it.
            Self::Full { .. } => Retry::After(Duration::from_secs(5)),
            Self::BadUrl(_)
            | Self::Database { .. }
            | Self::SchemaTooNew { .. }
            | Self::Unreadable { .. }
            | Self::NoSuchObject { .. }
            | Self::Faults { .. }
            | Self::NoSuchLpar { .. }
            | Self::NoSuchList
            | Self::NotLpars { .. }
            | Self::OpenOperation { .. }
            | Self::TokenReused { .. }
            | Self::NoSuchOperation { .. }
            | Self::NoSuchBatch { .. }
            | Self::NoSuchRollout { .. }
            | Self::Fenced { .. }
            | Self::Gap { .. }
            | Self::BadNumber { .. }
            | Self::WrongState { .. }
            | Self::LeaseEnded { .. }
            | Self::NoSuchSecret { .. }
            | Self::SecretInUse { .. }
            | Self::KeyFile(_)
            | Self::OtherHostKey { .. }
            | Self::WrongKey { .. }
            | Self::Tampered { .. } => Retry::Never,
        }
    }

    /// What to type now, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::BadUrl(_) => {
                "a URL reads postgres://USER@HOST:PORT/DATABASE; see the key database.url of nimd's settings"
                    .to_owned()
            }
            Self::Unreachable { .. } => {
                "see whether PostgreSQL runs and takes connections, with the URL of nimd's settings: psql URL -c 'select 1'"
                    .to_owned()
            }
            Self::Full { .. } => {
                "make room on the disk of the database: nimd's data folder, where no database.url is set; nimd goes on by itself"
                    .to_owned()
            }
            Self::Undecided { .. } => "look whether it is there before you do it again".to_owned(),
            Self::SchemaTooNew { .. } => "install the release of nimd that made the schema, or a later one".to_owned(),
            Self::NoSuchObject { .. } | Self::NoSuchLpar { .. } => "nimctl list".to_owned(),
            Self::NoSuchList => "ask for its first page again".to_owned(),
            Self::OpenOperation { open } => {
                open.first().map(|(_, id)| format!("nimctl status {id}"))?
            }
            Self::TokenReused { batch, .. } => format!("nimctl status --batch {batch}"),
            Self::NoSuchOperation { .. } | Self::NoSuchBatch { .. } => "nimctl status".to_owned(),
            Self::NoSuchRollout { .. } => "nimctl rollout list".to_owned(),
            Self::NoSuchSecret { name } => format!("nimctl secret set {name}"),
            Self::WrongKey { .. } => {
                "copy the file secret.key from the master on which the secret was set, or set the secret again".to_owned()
            }
            Self::OtherHostKey { holder, .. } => {
                format!("find out whether {holder} was installed anew; only then: nimctl hostkey scan --replace {holder}")
            }
            Self::Tampered { name } => format!("find out who wrote to the database, then: nimctl secret set {name}"),
            Self::Faults { faults } => faults.iter().find_map(|fault| fault.problem.hint())?.to_owned(),
            Self::Lost { .. }
            | Self::Busy { .. }
            | Self::Database { .. }
            | Self::Unreadable { .. }
            | Self::NotLpars { .. }
            | Self::Fenced { .. }
            | Self::Gap { .. }
            | Self::BadNumber { .. }
            | Self::WrongState { .. }
            | Self::LeaseEnded { .. } => return None,
            Self::SecretInUse { by, .. } => by.first()?.hint(),
            Self::KeyFile(error) => error.hint()?,
        })
    }

    /// Sorts what the database client said. `doing` reads after "cannot".
    pub(super) fn database(doing: impl Into<String>, cause: impl Into<DbErr>) -> Self {
        let (doing, cause) = (doing.into(), cause.into());
        let kind = match &cause {
            DbErr::ConnectionAcquire(_) => Kind::Away,
            other => sqlx_error(other).map_or(Kind::Refused, Kind::of),
        };
        let cause = Box::new(cause);
        match kind {
            Kind::Away => Self::Unreachable { doing, cause },
            Kind::InTheWay => Self::Busy { doing, cause },
            Kind::NoRoom => Self::Full { doing, cause },
            Kind::Refused => Self::Database { doing, cause },
        }
    }

    /// As [`Error::database`], for what the driver said.
    pub(super) fn sqlx(doing: impl Into<String>, cause: SqlxError) -> Self {
        Self::database(doing, DbErr::Exec(RuntimeErr::SqlxError(cause.into())))
    }

    /// A row that cannot be read.
    pub(super) fn unreadable(
        object: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unreadable { object: object.into(), cause: cause.into() }
    }
}

/// Who refers to a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretUser {
    /// An HMC, as its `passwd_file`.
    Hmc(ObjectName),
    /// A receiver of the site's policy, whose messages are signed with it.
    Receiver(ObjectName),
}

impl std::fmt::Display for SecretUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hmc(hmc) => hmc.fmt(f),
            Self::Receiver(receiver) => write!(f, "the receiver {receiver} of the policy"),
        }
    }
}

impl SecretUser {
    /// What frees the secret of it.
    fn hint(&self) -> String {
        match self {
            Self::Hmc(hmc) => format!("nimctl change -a passwd_file=OTHER {hmc}"),
            Self::Receiver(receiver) => format!(
                "leave receivers.{receiver} out of the policy, or name another secret there: nimctl policy show, nimctl policy set FILE"
            ),
        }
    }
}

/// What kind of refusal it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// No connection, or none any more.
    Away,
    /// Another transaction.
    InTheWay,
    /// The database's disk or memory.
    NoRoom,
    /// The statement itself.
    Refused,
}

impl Kind {
    /// By the driver's error; SQLSTATE classes are those of the PostgreSQL manual, appendix A.
    pub(super) fn of(error: &SqlxError) -> Self {
        match error {
            SqlxError::Database(cause) => match cause.code().as_deref() {
                // Deadlock, serialization, lock not available, statement cancelled by its time limit.
                Some("40001" | "40P01" | "55P03" | "57014") => Self::InTheWay,
                // Disk full, out of memory.
                Some("53100" | "53200") => Self::NoRoom,
                // The first connection after a start writes a cache (relcache.c), and says of a full disk no more than this.
                Some("XX000") if cause.message() == "could not write init file" => Self::NoRoom,
                // Shutdown, crash, not yet up, too many connections, connection exceptions, a standby.
                Some(code)
                    if code.starts_with("08")
                        || matches!(
                            code,
                            "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25006" | "25P03"
                        ) =>
                {
                    Self::Away
                }
                _ => Self::Refused,
            },
            SqlxError::Io(_)
            | SqlxError::Tls(_)
            | SqlxError::Protocol(_)
            | SqlxError::PoolTimedOut
            | SqlxError::PoolClosed
            | SqlxError::WorkerCrashed
            | SqlxError::BeginFailed => Self::Away,
            _ => Self::Refused,
        }
    }
}

/// The driver's error inside sea-orm's.
pub(super) fn sqlx_error(error: &DbErr) -> Option<&SqlxError> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => Some(cause),
        _ => None,
    }
}

/// The objects that have faults, in a sentence.
fn objects(faults: &[Fault]) -> String {
    let names: std::collections::BTreeSet<_> = faults.iter().map(|fault| &fault.object).collect();
    list(names.into_iter())
}

/// Names in a sentence; the first few of many.
fn list<T: std::fmt::Display>(names: impl Iterator<Item = T>) -> String {
    let mut names: Vec<_> =
        names.map(|name| nim_shared::id::printable(&name.to_string())).collect();
    let more = names.len().saturating_sub(5);
    names.truncate(5);
    let names = names.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}
