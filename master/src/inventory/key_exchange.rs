//! The master's public key goes onto an HMC: a login with a password, `mkauthkeys`, and a login with the key to see that it works.
//! Source: HMC reference §1.2, §1.3.

use std::path::Path;
use std::time::Duration;

use nim_shared::api::KeyExchanged;
use nim_shared::id::{ObjectName, printable};
use nim_shared::object::Spec;

use super::endpoint::{self, NoEndpoint};
use crate::store::secret::KeyFile;
use crate::store::{self, Store};
use crate::transport::{
    self, Ask, BadUserName, Command, Endpoint, Exit, Host, KeyFault, Login, Secret, SecretId,
    Transport, UserName,
};

/// How long `mkauthkeys` may take: each command of an HMC starts a large program.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Most output of it.
const OUTPUT_LIMIT: usize = 64 << 10;

/// Why an HMC does not let this master in with its key. Each says which of reach, host key, password, role or key it is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is on record does not say how to reach it.
    #[error(transparent)]
    NoWay(#[from] NoEndpoint),
    /// The secret, or the database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Nobody said whose password it is.
    #[error("it is not said whose password {secret} is, with which {hmc} would be logged in to")]
    NoUser {
        /// The HMC.
        hmc: ObjectName,
        /// The secret.
        secret: ObjectName,
    },
    /// The HMC names no secret.
    #[error("{0} has no passwd_file, and no other secret is said")]
    NoSecret(ObjectName),
    /// A user cannot be one.
    #[error("{user} cannot be a user of {hmc}")]
    User {
        /// The HMC.
        hmc: ObjectName,
        /// The user.
        user: String,
        /// What is wrong.
        #[source]
        cause: BadUserName,
    },
    /// The master's own key cannot be used.
    #[error("the key of this master cannot be used")]
    OwnKey(#[from] KeyFault),
    /// Reach, host key or password.
    #[error(transparent)]
    Transport(#[from] transport::Error),
    /// The role of the user does not allow it, or the HMC does not take the key.
    #[error("{hmc} let {user} in and did not take the key: {said}")]
    Refused {
        /// The HMC.
        hmc: ObjectName,
        /// The user that logged in.
        user: String,
        /// What it said, made printable.
        said: String,
    },
    /// The key was taken, and a login with it fails.
    #[error("{hmc} took the key for {user} and does not let it in")]
    NotLetIn {
        /// The HMC.
        hmc: ObjectName,
        /// The user whose key it is.
        user: String,
        /// What it said.
        #[source]
        cause: transport::Error,
    },
}

/// Sees to it that `hmc` lets this master in with `key`. Where it does so already, no password is sent.
///
/// # Errors
/// [`Error`].
pub async fn exchange(
    store: &Store,
    transport: &Transport,
    keys: &KeyFile,
    key: &Path,
    hmc: &ObjectName,
    secret: Option<ObjectName>,
) -> Result<KeyExchanged, Error> {
    let by_key = endpoint::stored(store, hmc, key).await?;
    let whose = by_key.host.user.to_string();
    let done = |was_there| KeyExchanged { hmc: hmc.clone(), user: whose.clone(), was_there };
    match transport.connect(&by_key).await {
        Ok(connection) => {
            connection.close().await;
            return Ok(done(true));
        }
        Err(transport::Error::KeyRefused { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let Login::Key(key) = &by_key.host.login else { return Ok(done(true)) };
    // The comment says to whom it belongs; an HMC removes keys by it.
    let line = transport::public_key(key, "nimd")?;
    let (by_password, login) = by_password(store, keys, hmc, &by_key, secret).await?;
    let connection = transport.connect(&by_password).await?;
    let mut words = vec!["mkauthkeys"];
    if login != whose {
        words.extend(["-u", &whose]);
    }
    words.extend(["-a", &line]);
    let refused = |said: &str| Error::Refused {
        hmc: hmc.clone(),
        user: login.clone(),
        said: printable(said.trim()),
    };
    let command = Command::restricted(words).map_err(|bad| refused(&bad.to_string()))?;
    let ask = Ask { stdin: Vec::new(), stdout_limit: OUTPUT_LIMIT, time_limit: TIME_LIMIT };
    let answer = connection.run(&command, ask).await;
    connection.close().await;
    let answer = answer?;
    if answer.exit != Exit::Status(0) {
        // Errors stand on stdout on most levels, on stderr on some.
        let said = [answer.stdout, answer.stderr.bytes].concat();
        return Err(refused(&String::from_utf8_lossy(&said)));
    }
    let not_let_in = |cause| Error::NotLetIn { hmc: hmc.clone(), user: whose.clone(), cause };
    transport.connect(&by_key).await.map_err(not_let_in)?.close().await;
    Ok(done(false))
}

/// The way to the HMC with a password, and whose that is.
async fn by_password(
    store: &Store,
    keys: &KeyFile,
    hmc: &ObjectName,
    by_key: &Endpoint,
    secret: Option<ObjectName>,
) -> Result<(Endpoint, String), Error> {
    let Spec::Hmc(attributes) = store.object(hmc).await?.object.spec else {
        return Err(Error::NoSecret(hmc.clone()));
    };
    let named = attributes.passwd_file.map(|file| file.secret().clone());
    let name = secret.or(named).ok_or_else(|| Error::NoSecret(hmc.clone()))?;
    let info = store.secret_info(&name).await?;
    let user = info.login.or(attributes.login);
    let user = user.ok_or_else(|| Error::NoUser { hmc: hmc.clone(), secret: name.clone() })?;
    let login: UserName = user.parse().map_err(|cause| Error::User {
        hmc: hmc.clone(),
        user: printable(&user),
        cause,
    })?;
    let value = store.secret_open(keys, &name).await?;
    let version = i64::try_from(info.version).unwrap_or(i64::MAX);
    let password = Login::Password {
        secret: SecretId { name, version },
        value: Secret::new(value.reveal().to_owned()),
    };
    let host = Host { user: login, login: password, ..by_key.host.clone() };
    Ok((Endpoint { host, via: by_key.via.clone() }, user))
}
