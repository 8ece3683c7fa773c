//! Logins at HMCs, one at a time for each, and none with a secret that was refused.

use std::time::Duration;

use nim_shared::id::{ObjectName, OperationId};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{query, query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

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

/// The right to log in at one HMC now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginTurn {
    /// The HMC.
    pub hmc: ObjectName,
    /// The secret that it is for.
    pub secret: ObjectName,
    turn: Uuid,
    version: i64,
}

/// Whether a login may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Now, and only this one. To be ended with [`Store::login_end`].
    Yours(LoginTurn),
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

impl Store {
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
            "INSERT INTO login_turn AS t (hmc, turn, secret, until)
             VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 second')
             ON CONFLICT (hmc) DO UPDATE SET turn = excluded.turn, secret = excluded.secret,
                until = excluded.until
             WHERE t.until < clock_timestamp() OR t.turn = excluded.turn",
        )
        .bind(hmc.as_str())
        .bind(turn)
        .bind(secret.as_str())
        .bind(lasts.as_secs_f64())
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
        Ok(Turn::Yours(LoginTurn { hmc: hmc.clone(), secret: secret.clone(), turn, version }))
    }

    /// Ends a turn. A refusal stops the secret, unless it was changed since the turn began.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn login_end(&self, turn: &LoginTurn, outcome: LoginOutcome) -> Result<(), Error> {
        let mut txn = self.begin(Writing::LoginEnd).await?;
        if outcome == LoginOutcome::Refused {
            query(
                "UPDATE secret SET refused_at = now(), refused_by = $3
                 WHERE name = $1 AND version = $2 AND refused_at IS NULL",
            )
            .bind(turn.secret.as_str())
            .bind(turn.version)
            .bind(turn.hmc.as_str())
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        }
        query("DELETE FROM login_turn WHERE hmc = $1 AND turn = $2")
            .bind(turn.hmc.as_str())
            .bind(turn.turn)
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        txn.commit().await
    }
}
