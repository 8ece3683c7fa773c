//! The record of logins with passwords, in the database: for all masters, and over restarts.

use std::time::Duration;

use futures::future::BoxFuture;
use nim_shared::id::OperationId;
use uuid::Uuid;

use crate::store::Store;
use crate::store::secret::{self, Admission};
use crate::telemetry;
use crate::transport::{
    Fault, HostId, LoginLedger, LoginOutcome, LoginRecord, NotAdmitted, SecretId, Stopped, Turn,
};

/// How long one login may take before others may try: what a connection is given, and more.
const LASTS: Duration = Duration::from_secs(120);

/// Pause before the turn is asked for again.
const AGAIN: Duration = Duration::from_millis(200);

/// Keeps the record where operations keep theirs: what a host refused to one, nobody tries again.
#[derive(Clone, Debug)]
pub struct DatabaseLedger {
    store: Store,
}

impl DatabaseLedger {
    /// A ledger in the database of `store`.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

/// A turn that is given back when it is dropped. Should this process vanish, it lapses.
struct Held {
    store: Store,
    hmc: String,
    turn: OperationId,
}

impl Drop for Held {
    fn drop(&mut self) {
        let (store, hmc, turn) = (self.store.clone(), std::mem::take(&mut self.hmc), self.turn);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = store.turn_end(&hmc, turn).await {
                tracing::warn!(error = %telemetry::chain(&error), "the turn at {hmc} lapses by itself");
            }
        });
    }
}

impl LoginLedger for DatabaseLedger {
    fn turn<'a>(&'a self, hmc: &'a HostId) -> BoxFuture<'a, Result<Turn, Fault>> {
        Box::pin(async move {
            let (hmc, turn) = (hmc.to_string(), OperationId(Uuid::now_v7()));
            // Made before it is asked for: an answer that is lost must not leave a turn that nobody gives back.
            let held = Held { store: self.store.clone(), hmc, turn };
            while !self
                .store
                .turn_begin(&held.hmc, turn, LASTS)
                .await
                .map_err(|error| fault(&error))?
            {
                tokio::time::sleep(AGAIN).await;
            }
            Ok(Turn::new(held))
        })
    }

    fn record<'a>(&'a self, secret: &'a SecretId) -> BoxFuture<'a, Result<LoginRecord, Fault>> {
        Box::pin(async move {
            let found = self.store.logins(&secret.name, secret.version).await;
            found.map(record).map_err(|error| fault(&error))
        })
    }

    fn begin<'a>(&'a self, secret: &'a SecretId) -> BoxFuture<'a, Result<(), NotAdmitted>> {
        Box::pin(async move {
            let decide = |logins| match record(logins).begin() {
                Ok(begun) => Admission::Store(logins_of(begun, &logins)),
                Err(_) => Admission::Leave,
            };
            let found = self.store.change_logins(&secret.name, secret.version, "", decide).await;
            let before = found.map_err(|error| NotAdmitted::Unavailable(fault(&error)))?;
            record(before).begin()?;
            Ok(())
        })
    }

    fn end<'a>(
        &'a self,
        host: &'a HostId,
        secret: &'a SecretId,
        outcome: LoginOutcome,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let decide =
                |logins| Admission::Store(logins_of(record(logins).ended(outcome), &logins));
            let host = host.to_string();
            let done = self.store.change_logins(&secret.name, secret.version, &host, decide).await;
            done.map(drop).map_err(|error| fault(&error))
        })
    }
}

/// What is stored, in the words of whoever decides.
fn record(logins: secret::Logins) -> LoginRecord {
    let stopped = logins.is_refused.then_some(Stopped::Refused);
    LoginRecord { unanswered: logins.unanswered, stopped }
}

/// What is decided, as it is stored. That two were not answered is told by their number.
fn logins_of(record: LoginRecord, before: &secret::Logins) -> secret::Logins {
    let is_refused = before.is_refused || record.stopped == Some(Stopped::Refused);
    secret::Logins { unanswered: record.unanswered, is_refused }
}

fn fault(error: &crate::store::Error) -> Fault {
    Fault::new(telemetry::chain(error))
}

#[cfg(test)]
mod tests {
    use nim_shared::frame::SecretText;

    use super::*;
    use crate::store::secret::KeyFile;
    use crate::store::testing;
    use crate::store::testing::world::{SOMEBODY, name};

    async fn set(store: &Store, value: &str) -> SecretId {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFile::open_or_create(&folder.path().join("secret.key")).unwrap();
        let value = SecretText::new(value.to_owned());
        let info = store.secret_set(&keys, &name("live"), &value, SOMEBODY).await.unwrap();
        SecretId { name: info.name, version: info.version.try_into().unwrap() }
    }

    fn hmc(called: &str) -> HostId {
        HostId::Object(name(called))
    }

    #[tokio::test]
    async fn the_first_refusal_stops_every_master_until_the_secret_is_changed() {
        let database = testing::TestDatabase::migrated().await;
        let (one, other) = (database.store().await, database.store().await);
        let secret = set(&one, "x").await;
        let (first, second) = (DatabaseLedger::new(one.clone()), DatabaseLedger::new(other));
        first.begin(&secret).await.unwrap();
        first.end(&hmc("hmc01"), &secret, LoginOutcome::Refused).await.unwrap();
        // Also one that starts now, and an operation's agent.
        let restarted = DatabaseLedger::new(database.store().await);
        for ledger in [&first, &second, &restarted] {
            assert_eq!(ledger.begin(&secret).await, Err(NotAdmitted::Stopped(Stopped::Refused)));
            assert_eq!(ledger.record(&secret).await.unwrap().stopped, Some(Stopped::Refused));
        }
        let (console, called) = (name("hmc02"), name("live"));
        let login = secret::Login {
            operation: OperationId(Uuid::now_v7()),
            hmc: &console,
            secret: &called,
        };
        let turn = one.login_begin(login, LASTS).await.unwrap();
        assert!(matches!(turn, secret::Turn::Refused { ref by, .. } if by == "hmc01"), "{turn:?}");
        let changed = set(&one, "y").await;
        second.begin(&changed).await.unwrap();
        assert!(
            matches!(second.begin(&secret).await, Err(NotAdmitted::Unavailable(_))),
            "the old one is not the secret any more"
        );
    }

    #[tokio::test]
    async fn what_a_dead_master_sent_counts_as_unanswered() {
        let database = testing::TestDatabase::migrated().await;
        let secret = set(&database.store().await, "x").await;
        for _ in 0..2 {
            DatabaseLedger::new(database.store().await).begin(&secret).await.unwrap();
        }
        let ledger = DatabaseLedger::new(database.store().await);
        assert_eq!(ledger.begin(&secret).await, Err(NotAdmitted::Stopped(Stopped::Unanswered)));
        ledger.end(&hmc("hmc01"), &secret, LoginOutcome::Accepted).await.unwrap();
        assert_eq!(ledger.begin(&secret).await, Ok(()));
    }

    #[tokio::test]
    async fn logins_at_one_hmc_wait_for_each_other_over_masters() {
        let database = testing::TestDatabase::migrated().await;
        let first = DatabaseLedger::new(database.store().await);
        let second = DatabaseLedger::new(database.store().await);
        let held = first.turn(&hmc("hmc01")).await.unwrap();
        let there = hmc("hmc01");
        let mut waiting = second.turn(&there);
        let soon = tokio::time::timeout(Duration::from_millis(50), &mut waiting).await;
        assert!(soon.is_err(), "two at a time");
        drop(second.turn(&hmc("hmc02")).await.unwrap());
        drop(held);
        waiting.await.unwrap();
    }
}
