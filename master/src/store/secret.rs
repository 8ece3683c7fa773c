//! Secrets: ciphertext in the database, the key in a file on each master.
//!
//! A secret is bound to its name and version: a row that is copied over another, or an old one put back, does not open; versions go on
//! rising when a secret is removed and set again. A
//! login that an HMC refused stops the secret until it is changed, because three refusals lock the account; and logins at one
//! HMC are made one at a time, whichever master or LPAR makes them.

mod key;
mod login;

pub use key::{KeyError, KeyFile};
pub use login::{Admission, Login, LoginOutcome, Logins, Turn};

use nim_shared::frame::SecretText;
use nim_shared::id::ObjectName;
use nim_shared::object::PasswordFile;
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{query, query_as, query_scalar};
use sea_orm::{EntityTrait as _, QueryOrder as _};

use super::commit::Writing;
use super::entity::secret::{Column, Entity, Model};
use super::{Error, SecretUser, Store, Who, unsigned};

/// A secret, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretInfo {
    /// Its name.
    pub name: ObjectName,
    /// Rises each time it is set.
    pub version: u64,
    /// The user whose password it is, where that was said.
    pub login: Option<String>,
    /// Who set it.
    pub changed_by: Who,
    /// When.
    pub changed_at: Timestamp,
    /// The HMC that refused it, and when: it is not used until it is changed.
    pub refused: Option<(String, Timestamp)>,
}

/// A secret that is to be set.
#[derive(Clone, Copy, Debug)]
pub struct NewSecret<'a> {
    /// Its content.
    pub value: &'a SecretText,
    /// The user whose password it is; `None` leaves what was said before.
    pub login: Option<&'a str>,
}

impl<'a> From<&'a SecretText> for NewSecret<'a> {
    fn from(value: &'a SecretText) -> Self {
        Self { value, login: None }
    }
}

/// Name, version, key, nonce and ciphertext.
type SealedRow = (String, i64, String, Vec<u8>, Vec<u8>);

impl Store {
    /// Sets a secret, new or in place of the one before. Clears that it was refused.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn secret_set(
        &self,
        keys: &KeyFile,
        name: &ObjectName,
        new: impl Into<NewSecret<'_>>,
        who: Who,
    ) -> Result<SecretInfo, Error> {
        let new = new.into();
        let mut txn = self.begin(Writing::SecretSet).await?;
        // Held even while there is no row yet: two that set it at once must not seal the same version.
        query("SELECT pg_advisory_xact_lock(hashtextextended($1, 7))")
            .bind(name.as_str())
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        let version: i64 = query_scalar(
            "SELECT greatest(0, (SELECT version FROM secret WHERE name = $1),
                    (SELECT version FROM secret_removed WHERE name = $1)) + 1",
        )
        .bind(name.as_str())
        .fetch_one(txn.connection())
        .await
        .map_err(txn.failed())?;
        let sealed = keys.seal(name, unsigned(version), new.value);
        query(
            "INSERT INTO secret (name, version, key_id, nonce, ciphertext, changed_by, login)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (name) DO UPDATE SET version = excluded.version, key_id = excluded.key_id,
                nonce = excluded.nonce, ciphertext = excluded.ciphertext,
                login = coalesce(excluded.login, secret.login),
                changed_by = excluded.changed_by, changed_at = now(),
                refused_at = NULL, refused_by = NULL, unanswered = 0",
        )
        .bind(name.as_str())
        .bind(version)
        .bind(&sealed.key_id)
        .bind(sealed.nonce.as_slice())
        .bind(&sealed.ciphertext)
        .bind(i64::from(who.uid))
        .bind(new.login)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await?;
        self.secret_info(name).await
    }

    /// All secrets, without their content, by name.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn secret_list(&self) -> Result<Vec<SecretInfo>, Error> {
        Entity::find()
            .order_by_asc(Column::Name)
            .all(&self.db)
            .await
            .map_err(|cause| Error::database("list the secrets", cause))?
            .iter()
            .map(info)
            .collect()
    }

    /// Makes a new key and seals all secrets with it, in one transaction: their values and versions stay. Returns how many there are.
    ///
    /// # Errors
    /// [`Error::WrongKey`] and [`Error::Tampered`] with the first secret that does not open: then nothing has changed.
    /// [`Error::KeyFile`] when the file cannot be written.
    pub async fn secret_rotate(&self, keys: &KeyFile) -> Result<usize, Error> {
        let mut txn = self.begin(Writing::SecretRotate).await?;
        // One that is set at this moment is sealed with whichever key seals then, and both stay in the file.
        query("LOCK TABLE secret IN SHARE ROW EXCLUSIVE MODE")
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        let rows: Vec<SealedRow> =
            query_as("SELECT name, version, key_id, nonce, ciphertext FROM secret ORDER BY name")
                .fetch_all(txn.connection())
                .await
                .map_err(txn.failed())?;
        let mut open = Vec::with_capacity(rows.len());
        for (name, version, key_id, nonce, ciphertext) in rows {
            let name = super::batch::name(&name)?;
            let version = unsigned(version);
            let value = keys.open(&name, version, &key_id, &nonce, &ciphertext)?;
            open.push((name, version, value));
        }
        keys.add()?;
        let (mut names, mut nonces, mut ciphertexts) = (Vec::new(), Vec::new(), Vec::new());
        for (name, version, value) in &open {
            let sealed = keys.seal(name, *version, value);
            names.push(name.as_str());
            nonces.push(sealed.nonce.to_vec());
            ciphertexts.push(sealed.ciphertext);
        }
        query(
            "UPDATE secret s SET key_id = $1, nonce = x.nonce, ciphertext = x.ciphertext
             FROM unnest($2::text[], $3::bytea[], $4::bytea[]) AS x (name, nonce, ciphertext) WHERE s.name = x.name",
        )
        .bind(keys.sealing())
        .bind(names)
        .bind(nonces)
        .bind(ciphertexts)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        txn.commit().await?;
        keys.forget_replaced()?;
        Ok(open.len())
    }

    /// Removes a secret, which `receivers` of the policy name.
    ///
    /// # Errors
    /// [`Error::NoSuchSecret`]; [`Error::SecretInUse`] while one of them does, or an HMC names it as its `passwd_file`.
    pub async fn secret_remove(
        &self,
        name: &ObjectName,
        receivers: Vec<ObjectName>,
    ) -> Result<(), Error> {
        let mut txn = self.begin(Writing::SecretRemove).await?;
        let named: Vec<(String, String)> = query_as(
            "SELECT o.name, h.attributes->>'passwd_file' FROM nim_hmc h
             JOIN nim_object o ON o.id = h.object_id
             WHERE h.attributes->>'passwd_file' IS NOT NULL ORDER BY o.id",
        )
        .fetch_all(txn.connection())
        .await
        .map_err(txn.failed())?;
        // A path stands for the secret that it names.
        let means =
            |file: &str| file.parse::<PasswordFile>().is_ok_and(|file| file.secret() == name);
        let hmcs = named.iter().filter(|(_, file)| means(file));
        let hmcs = hmcs.map(|(hmc, _)| super::batch::name(hmc).map(SecretUser::Hmc));
        let mut by = hmcs.collect::<Result<Vec<_>, _>>()?;
        by.extend(receivers.into_iter().map(SecretUser::Receiver));
        if !by.is_empty() {
            return Err(Error::SecretInUse { name: name.clone(), by });
        }
        let done = query(
            "WITH removed AS (DELETE FROM secret WHERE name = $1 RETURNING name, version)
             INSERT INTO secret_removed (name, version) SELECT name, version FROM removed
             ON CONFLICT (name) DO UPDATE SET version = excluded.version",
        )
        .bind(name.as_str())
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        if done.rows_affected() == 0 {
            return Err(Error::NoSuchSecret { name: name.clone() });
        }
        txn.commit().await
    }

    /// Opens a secret, for the one use that it is meant for. Whether it may be used for a login is [`Store::login_begin`]'s
    /// to say.
    ///
    /// # Errors
    /// [`Error::NoSuchSecret`], [`Error::WrongKey`], [`Error::Tampered`].
    pub async fn secret_open(
        &self,
        keys: &KeyFile,
        name: &ObjectName,
    ) -> Result<SecretText, Error> {
        let row = self.secret_row(name).await?;
        keys.open(name, unsigned(row.version), &row.key_id, &row.nonce, &row.ciphertext)
    }

    /// What is known of a secret.
    ///
    /// # Errors
    /// [`Error::NoSuchSecret`].
    pub async fn secret_info(&self, name: &ObjectName) -> Result<SecretInfo, Error> {
        info(&self.secret_row(name).await?)
    }

    async fn secret_row(&self, name: &ObjectName) -> Result<Model, Error> {
        Entity::find_by_id(name.as_str().to_owned())
            .one(&self.db)
            .await
            .map_err(|cause| Error::database(format!("read the secret {name}"), cause))?
            .ok_or_else(|| Error::NoSuchSecret { name: name.clone() })
    }
}

/// What may be shown of a row.
fn info(row: &Model) -> Result<SecretInfo, Error> {
    Ok(SecretInfo {
        name: super::batch::name(&row.name)?,
        version: unsigned(row.version),
        login: row.login.clone(),
        changed_by: Who { uid: u32::try_from(row.changed_by).unwrap_or(u32::MAX) },
        changed_at: Timestamp::new(row.changed_at),
        refused: row.refused_by.clone().zip(row.refused_at.map(Timestamp::new)),
    })
}

#[cfg(test)]
mod tests;
