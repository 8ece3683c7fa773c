//! Logins at HMCs, one at a time for each, and none with a secret that was refused.

use std::time::Duration;

use nim_shared::id::{ObjectName, OperationId};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{query, query_as, query_scalar};
use time::OffsetDateTime;

use crate::store::commit::Writing;
use crate::store::{Error, Store};

/// A login that an operation needs.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The operation.
    pub operation: OperationId,
    /// Where.
    pub hmc: &'a ObjectName,
    /// With what.
    pub secret: &'a ObjectName,
}

/// Whether a login may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Now, and only this one. To be ended with [`Store::login_end`].
    Yours,
    /// Another login at this HMC is under way; it ends or lapses at this time at the latest.
    Wait(Timestamp),
    /// An HMC refused the secret: nobody uses it until it is changed.
    Refused {
        /// The HMC that refused it.
        by: String,
        /// When.
        at: Timestamp,
    },
}

/// How a login went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginOutcome {
    /// It was accepted.
    Accepted,
    /// User or password were refused: the secret is stopped.
    Refused,
    /// The HMC did not answer, or nothing is known: not the secret's fault.
    Unknown,
}

/// What is known of the logins with the present version of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logins {
    /// In a row, and never answered, the one under way included.
    pub unanswered: u8,
    /// A host refused the secret.
    pub is_refused: bool,
}

/// What becomes of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is this from now on.
    Store(Logins),
    /// It stays.
    Leave,
}

impl Store {
    /// What is known of the logins with `version` of `secret`.
    ///
    /// # Errors
    /// [`Error::NoSuchSecret`], also when it was changed since.
    pub async fn logins(&self, secret: &ObjectName, version: i64) -> Result<Logins, Error> {
        let found: Option<(i16, bool)> = query_as(
            "SELECT unanswered, refused_at IS NOT NULL FROM secret WHERE name = $1 AND version = $2",
        )
        .bind(secret.as_str())
        .bind(version)
        .fetch_optional(&self.pool)
        .await
        .map_err(|cause| Error::sqlx(format!("look up logins with the secret {secret}"), cause))?;
        found.map(logins).ok_or_else(|| Error::NoSuchSecret { name: secret.clone() })
    }

    /// Changes what is known of the logins with `version` of `secret` as `decide` says, while nobody else does. Says what was
    /// known before; a refusal is noted as `host`'s.
    ///
    /// # Errors
    /// [`Error::NoSuchSecret`], also when it was changed since.
    pub async fn change_logins(
        &self,
        secret: &ObjectName,
        version: i64,
        host: &str,
        decide: impl FnOnce(Logins) -> Admission + Send,
    ) -> Result<Logins, Error> {
        let mut txn = self.begin(Writing::LoginBegin).await?;
        let found: Option<(i16, bool)> = query_as(
            "SELECT unanswered, refused_at IS NOT NULL FROM secret
             WHERE name = $1 AND version = $2 FOR UPDATE",
        )
        .bind(secret.as_str())
        .bind(version)
        .fetch_optional(txn.connection())
        .await
        .map_err(txn.failed())?;
        let before =
            found.map(logins).ok_or_else(|| Error::NoSuchSecret { name: secret.clone() })?;
        let Admission::Store(after) = decide(before) else { return Ok(before) };
        query(
            "UPDATE secret SET unanswered = $2,
                refused_at = CASE WHEN $3 THEN coalesce(refused_at, now()) END,
                refused_by = CASE WHEN $3 THEN coalesce(refused_by, $4) END
             WHERE name = $1",
        )
        .bind(secret.as_str())
        .bind(i16::from(after.unanswered))
        .bind(after.is_refused)
        .bind(host)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await?;
        Ok(before)
    }

    /// Takes the turn at `hmc` for a login of this master itself. Whether it was free. It lapses after `lasts`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn turn_begin(
        &self,
        hmc: &str,
        turn: OperationId,
        lasts: Duration,
    ) -> Result<bool, Error> {
        let mut txn = self.begin(Writing::LoginBegin).await?;
        let taken = query(
            "INSERT INTO login_turn AS t (hmc, turn, secret, until)
             VALUES ($1, $2, '', clock_timestamp() + $3 * interval '1 second')
             ON CONFLICT (hmc) DO UPDATE SET turn = excluded.turn, secret = excluded.secret,
                until = excluded.until, version = excluded.version
             WHERE t.until < clock_timestamp() OR t.turn = excluded.turn",
        )
        .bind(hmc)
        .bind(turn.0)
        .bind(lasts.as_secs_f64())
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        let is_taken = taken.rows_affected() > 0;
        if is_taken {
            txn.commit().await?;
        }
        Ok(is_taken)
    }

    /// Gives a turn of [`turn_begin`](Self::turn_begin) back.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn turn_end(&self, hmc: &str, turn: OperationId) -> Result<(), Error> {
        let mut txn = self.begin(Writing::LoginEnd).await?;
        query("DELETE FROM login_turn WHERE hmc = $1 AND turn = $2")
            .bind(hmc)
            .bind(turn.0)
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        txn.commit().await
    }

    /// Asks for the turn for `login`. It lapses after `lasts`, by the database's clock, should its holder vanish. An operation
    /// that has the turn already gets it again: the secret was lost on its way, or the master that had sent it.
    ///
    /// # Errors
    /// [`Error::NoSuchSecret`].
    pub async fn login_begin(&self, login: Login<'_>, lasts: Duration) -> Result<Turn, Error> {
        let Login { operation, hmc, secret } = login;
        let mut txn = self.begin(Writing::LoginBegin).await?;
        let found: Option<(i64, Option<OffsetDateTime>, Option<String>)> = query_as(
            "SELECT version, refused_at, refused_by FROM secret WHERE name = $1 FOR SHARE",
        )
        .bind(secret.as_str())
        .fetch_optional(txn.connection())
        .await
        .map_err(txn.failed())?;
        let Some((version, refused_at, refused_by)) = found else {
            return Err(Error::NoSuchSecret { name: secret.clone() });
        };
        if let (Some(at), Some(by)) = (refused_at, refused_by) {
            return Ok(Turn::Refused { by, at: Timestamp::new(at) });
        }
        let turn = operation.0;
        let taken = query(
            "INSERT INTO login_turn AS t (hmc, turn, secret, until, version)
             VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 second', $5)
             ON CONFLICT (hmc) DO UPDATE SET turn = excluded.turn, secret = excluded.secret,
                until = excluded.until, version = excluded.version
             WHERE t.until < clock_timestamp() OR t.turn = excluded.turn",
        )
        .bind(hmc.as_str())
        .bind(turn)
        .bind(secret.as_str())
        .bind(lasts.as_secs_f64())
        .bind(version)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        if taken.rows_affected() == 0 {
            let until: OffsetDateTime = query_scalar("SELECT until FROM login_turn WHERE hmc = $1")
                .bind(hmc.as_str())
                .fetch_one(txn.connection())
                .await
                .map_err(txn.failed())?;
            return Ok(Turn::Wait(Timestamp::new(until)));
        }
        txn.commit().await?;
        Ok(Turn::Yours)
    }

    /// Ends the turn of an operation, where it has one. A refusal stops the secret, unless it was changed since the turn began.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn login_end(&self, login: Login<'_>, outcome: LoginOutcome) -> Result<(), Error> {
        let Login { operation, hmc, secret } = login;
        let mut txn = self.begin(Writing::LoginEnd).await?;
        let version: Option<i64> = query_scalar(
            "DELETE FROM login_turn WHERE hmc = $1 AND turn = $2 AND secret = $3 RETURNING version",
        )
        .bind(hmc.as_str())
        .bind(operation.0)
        .bind(secret.as_str())
        .fetch_optional(txn.connection())
        .await
        .map_err(txn.failed())?;
        if outcome == LoginOutcome::Refused {
            // A turn that lapsed in the meantime does not say of which version it was: then the present one is stopped, for
            // three refusals lock the account.
            query(
                "UPDATE secret SET refused_at = now(), refused_by = $3
                 WHERE name = $1 AND version = coalesce($2, version) AND refused_at IS NULL",
            )
            .bind(secret.as_str())
            .bind(version)
            .bind(hmc.as_str())
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        }
        txn.commit().await
    }
}

fn logins((unanswered, is_refused): (i16, bool)) -> Logins {
    Logins { unanswered: u8::try_from(unanswered).unwrap_or(u8::MAX), is_refused }
}
