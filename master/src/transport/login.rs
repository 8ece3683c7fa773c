//! When a password may be sent to an HMC.
//!
//! An HMC locks an account after three refused logins, and each try while it is locked starts the
//! clock anew (hmc-vios §1.1). A fleet of jobs with one mistyped password would lock the account
//! on every HMC within a second. So: logins at one HMC run one at a time, and the first refused
//! one stops all others with the same version of that secret, wherever they were going, until the
//! secret is changed.
//!
//! A login that was sent and not answered (the connection dropped, we were killed) may have been
//! counted by the HMC. It is therefore recorded *before* the password leaves, as unanswered, and
//! two unanswered ones in a row stop the secret too: the third would lock.
//!
//! [`LoginRecord`] decides and does nothing else; [`LoginLedger`] is where records are kept. With
//! several masters the ledger must be the database, and its `turn` must let one master at a time
//! through per HMC.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::endpoint::{HostId, SecretId};
use super::error::Fault;

/// What is known of the logins with one version of one secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginRecord {
    /// Logins in a row whose outcome nobody learned, the one under way included.
    pub unanswered: u8,
    /// Why no more logins are tried. Never cleared: a changed secret has a record of its own.
    pub stopped: Option<Stopped>,
}

/// Why logins with a secret are stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// A host said no.
    #[error("a login with it was refused, and three refused logins lock the account")]
    Refused,
    /// Twice no answer: the next could be the third failed one.
    #[error("two logins with it were never answered, and three failed ones lock the account")]
    Unanswered,
}

/// How a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginOutcome {
    /// The user is in.
    Accepted,
    /// The host said no, or asked for something else than the password.
    Refused,
    /// The password was sent and nothing came back.
    Unanswered,
    /// The connection ended before the password was sent.
    NotSent,
}

impl LoginRecord {
    /// Whether the password may be sent once more, and the record to store before it is.
    ///
    /// # Errors
    /// [`Stopped`] when it may not.
    pub fn begin(self) -> Result<Self, Stopped> {
        match self.stopped {
            Some(stopped) => Err(stopped),
            None if self.unanswered >= UNANSWERED_LIMIT => Err(Stopped::Unanswered),
            None => Ok(Self { unanswered: self.unanswered + 1, stopped: None }),
        }
    }

    /// The record after a login that [`begin`](Self::begin) admitted.
    #[must_use]
    pub fn ended(self, outcome: LoginOutcome) -> Self {
        match outcome {
            LoginOutcome::Accepted => Self { unanswered: 0, ..self },
            LoginOutcome::Refused => Self { stopped: Some(Stopped::Refused), ..self },
            LoginOutcome::NotSent => Self { unanswered: self.unanswered.saturating_sub(1), ..self },
            LoginOutcome::Unanswered if self.unanswered >= UNANSWERED_LIMIT => {
                Self { stopped: self.stopped.or(Some(Stopped::Unanswered)), ..self }
            }
            LoginOutcome::Unanswered => self,
        }
    }
}

/// Three failed logins lock an account; two may have failed without our knowing.
const UNANSWERED_LIMIT: u8 = 2;

/// Where login records are kept.
pub trait LoginLedger: Send + Sync {
    /// Waits until no other login runs at `hmc`, and holds that place until the turn is dropped.
    fn turn<'a>(&'a self, hmc: &'a HostId) -> BoxFuture<'a, Result<Turn, Fault>>;

    /// The record of `secret` as it stands.
    fn record<'a>(&'a self, secret: &'a SecretId) -> BoxFuture<'a, Result<LoginRecord, Fault>>;

    /// Takes the record of `secret` through [`LoginRecord::begin`] and stores the result before it
    /// returns. The password is sent next.
    fn begin<'a>(&'a self, secret: &'a SecretId) -> BoxFuture<'a, Result<(), NotAdmitted>>;

    /// Takes the record of `secret` through [`LoginRecord::ended`] and stores the result, with the host that it comes from.
    fn end<'a>(
        &'a self,
        host: &'a HostId,
        secret: &'a SecretId,
        outcome: LoginOutcome,
    ) -> BoxFuture<'a, Result<(), Fault>>;
}

/// The right to log in at one HMC: whatever the ledger needs to hold meanwhile, such as a lock.
pub struct Turn(#[expect(dead_code, reason = "held for its Drop")] Box<dyn Send>);

impl Turn {
    /// Wraps what has to live for as long as the login does.
    pub fn new(held: impl Send + 'static) -> Self {
        Self(Box::new(held))
    }
}

/// Why a login may not begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// The record says no.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The record could not be read or written.
    #[error("the login record is not available")]
    Unavailable(#[source] Fault),
}

/// A ledger in memory, for a single master that never restarts: tests, and tools that log in once.
#[derive(Default)]
pub struct MemoryLedger {
    records: std::sync::Mutex<HashMap<SecretId, LoginRecord>>,
    turns: std::sync::Mutex<HashMap<HostId, Arc<Mutex<()>>>>,
}

impl MemoryLedger {
    /// The record of a secret as it stands.
    pub fn recorded(&self, secret: &SecretId) -> LoginRecord {
        self.records.lock().expect(POISON).get(secret).copied().unwrap_or_default()
    }
}

impl LoginLedger for MemoryLedger {
    fn turn<'a>(&'a self, hmc: &'a HostId) -> BoxFuture<'a, Result<Turn, Fault>> {
        Box::pin(async move {
            let turn = Arc::clone(self.turns.lock().expect(POISON).entry(hmc.clone()).or_default());
            Ok(Turn::new(turn.lock_owned().await))
        })
    }

    fn record<'a>(&'a self, secret: &'a SecretId) -> BoxFuture<'a, Result<LoginRecord, Fault>> {
        Box::pin(async move { Ok(self.recorded(secret)) })
    }

    fn begin<'a>(&'a self, secret: &'a SecretId) -> BoxFuture<'a, Result<(), NotAdmitted>> {
        Box::pin(async move {
            let mut records = self.records.lock().expect(POISON);
            let record = records.entry(secret.clone()).or_default();
            *record = record.begin()?;
            Ok(())
        })
    }

    fn end<'a>(
        &'a self,
        _host: &'a HostId,
        secret: &'a SecretId,
        outcome: LoginOutcome,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let mut records = self.records.lock().expect(POISON);
            let record = records.entry(secret.clone()).or_default();
            *record = record.ended(outcome);
            Ok(())
        })
    }
}

const POISON: &str = "nothing panics while it holds this lock";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(outcomes: &[LoginOutcome]) -> Result<LoginRecord, Stopped> {
        let mut record = LoginRecord::default();
        for outcome in outcomes {
            record = record.begin()?.ended(*outcome);
        }
        Ok(record)
    }

    #[test]
    fn the_decision_table() {
        use LoginOutcome::{Accepted, NotSent, Refused, Unanswered};
        for (outcomes, next) in [
            (&[][..], Ok(())),
            (&[Accepted, Accepted], Ok(())),
            (&[Refused], Err(Stopped::Refused)),
            (&[Accepted, Refused], Err(Stopped::Refused)),
            (&[Unanswered], Ok(())),
            (&[Unanswered, Unanswered], Err(Stopped::Unanswered)),
            (&[Unanswered, Accepted, Unanswered], Ok(())),
            (&[Unanswered, Refused], Err(Stopped::Refused)),
            (&[NotSent, NotSent, NotSent], Ok(())),
            (&[Unanswered, NotSent, Unanswered], Err(Stopped::Unanswered)),
        ] {
            let record = after(outcomes).unwrap();
            assert_eq!(record.begin().map(drop), next, "{outcomes:?}");
        }
    }

    #[test]
    fn a_kill_between_begin_and_end_counts_as_unanswered() {
        let record = LoginRecord::default().begin().unwrap().begin().unwrap();
        assert_eq!(record.begin(), Err(Stopped::Unanswered));
    }

    fn outcome() -> impl Strategy<Value = LoginOutcome> {
        prop_oneof![
            Just(LoginOutcome::Accepted),
            Just(LoginOutcome::Refused),
            Just(LoginOutcome::Unanswered),
            Just(LoginOutcome::NotSent),
        ]
    }

    proptest! {
        /// Whatever happens, an HMC never counts three failures in a row with one secret.
        #[test]
        fn an_account_is_never_locked(outcomes in prop::collection::vec(outcome(), 0..40)) {
            let mut record = LoginRecord::default();
            let mut failures = 0;
            for outcome in outcomes {
                let Ok(begun) = record.begin() else { break };
                record = begun.ended(outcome);
                match outcome {
                    LoginOutcome::Accepted => failures = 0,
                    // An unanswered login is one that the HMC refused, for all we know.
                    LoginOutcome::Refused | LoginOutcome::Unanswered => failures += 1,
                    LoginOutcome::NotSent => {}
                }
                prop_assert!(failures < 3 || record.begin().is_err());
            }
            prop_assert!(failures <= 3);
        }
    }

    #[tokio::test]
    async fn logins_at_one_hmc_wait_for_each_other() {
        let ledger = MemoryLedger::default();
        let name = |name: &str| HostId::Object(name.parse().unwrap());
        let (hmc1, hmc2) = (name("hmc1"), name("hmc2"));
        let first = ledger.turn(&hmc1).await.unwrap();
        let mut second = ledger.turn(&hmc1);
        assert!(futures::poll!(&mut second).is_pending());
        ledger.turn(&hmc2).await.unwrap();
        drop(first);
        second.await.unwrap();
    }

    #[tokio::test]
    async fn a_refusal_stops_the_secret_until_it_is_changed() {
        let ledger = MemoryLedger::default();
        let secret = SecretId { name: "live".parse().unwrap(), version: 1 };
        ledger.begin(&secret).await.unwrap();
        let hmc = HostId::Object("hmc1".parse().unwrap());
        ledger.end(&hmc, &secret, LoginOutcome::Refused).await.unwrap();
        assert_eq!(ledger.begin(&secret).await, Err(NotAdmitted::Stopped(Stopped::Refused)));
        let changed = SecretId { version: 2, ..secret };
        assert_eq!(ledger.begin(&changed).await, Ok(()));
    }
}
