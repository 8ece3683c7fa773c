//! Logging in: one key, or one password, once.
//!
//! Offering everything one has is how accounts get locked and how `MaxAuthTries` is reached; here
//! a login is one proof of one kind, and an answer to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Reply, Prompt};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg};
use tokio::time::timeout;

use super::client::{Client, End};
use super::connect::Failed;
use super::endpoint::{self, Host, SecretId};
use super::error::{Error, Fault, Stage, clean};
use super::login::{LoginLedger, LoginOutcome, NotAdmitted, Turn};
use super::secret::Secret;
use super::user_key::{KeyRing, NotSigned, RsaSigner, UserKey};

/// What is shown to the host, at hand.
pub(super) enum Credential {
    Key { file: PathBuf, key: UserKey },
    Password { secret: SecretId, value: Secret, ledger: Arc<dyn LoginLedger> },
}

/// A login that is to be performed.
pub(super) struct Login<'a> {
    pub(super) host: &'a Host,
    pub(super) credential: &'a Credential,
    pub(super) limit: Duration,
}

/// Gets the credential ready before anything is connected: a key file that cannot be used, or a
/// secret that is stopped, is known at once.
pub(super) async fn credential(
    host: &Host,
    keys: &KeyRing,
    ledger: &Arc<dyn LoginLedger>,
) -> Result<Credential, Error> {
    match &host.login {
        endpoint::Login::Key(file) => {
            Ok(Credential::Key { file: file.clone(), key: keys.get(file).await? })
        }
        endpoint::Login::Password { secret, value } => {
            let record = ledger.record(secret).await.map_err(|cause| Error::LoginRecord {
                host: host.name.clone(),
                secret: secret.clone(),
                cause,
            })?;
            record.begin().map_err(|cause| Error::LoginStopped {
                host: host.name.clone(),
                secret: secret.clone(),
                cause,
            })?;
            Ok(Credential::Password {
                secret: secret.clone(),
                value: value.clone(),
                ledger: Arc::clone(ledger),
            })
        }
    }
}

impl Login<'_> {
    /// Waits for the right to log in, where logins run one at a time.
    pub(super) async fn turn(&self, ledger: &Arc<dyn LoginLedger>) -> Result<Option<Turn>, Error> {
        match self.credential {
            Credential::Key { .. } => Ok(None),
            Credential::Password { secret, .. } => {
                let turn = ledger.turn(&self.host.name).await;
                turn.map(Some).map_err(|cause| self.no_record(secret, cause))
            }
        }
    }

    /// Logs in on a connection whose host key was believed.
    pub(super) async fn perform(&self, ssh: &mut Handle<Client>, end: &End) -> Result<(), Failed> {
        match self.credential {
            Credential::Key { file, key } => timeout(self.limit, self.by_key(ssh, end, file, key))
                .await
                .unwrap_or_else(|_| Err(Failed::For(self.too_slow()))),
            Credential::Password { secret, value, ledger } => {
                self.by_password(ssh, end, secret, value, &**ledger).await.map_err(Failed::For)
            }
        }
    }

    async fn by_key(
        &self,
        ssh: &mut Handle<Client>,
        end: &End,
        file: &Path,
        key: &UserKey,
    ) -> Result<(), Failed> {
        let user = self.host.user.as_str();
        let answer = match key {
            UserKey::Curve(key) => {
                let proof = PrivateKeyWithHashAlg::new(Arc::clone(key), None);
                ssh.authenticate_publickey(user, proof).await
            }
            UserKey::Rsa(key) => {
                let hash = self.rsa_hash(ssh, end, file).await?;
                let (public, mut signer) = (key.public().clone(), RsaSigner(key));
                ssh.authenticate_publickey_with(user, public, Some(hash), &mut signer)
                    .await
                    .map_err(|NotSigned| russh::Error::SendError)
            }
        };
        match self.understand(answer, end).await {
            Said::Yes => Ok(()),
            Said::No => Err(Failed::For(Error::KeyRefused {
                host: self.host.name.clone(),
                user: self.host.user.clone(),
                key: file.to_owned(),
                fingerprint: key.fingerprint(),
            })),
            Said::More => Err(Failed::For(self.wants_more())),
            Said::Nothing(fault) => Err(Failed::Early(fault)),
        }
    }

    /// The hash for an RSA signature: SHA-512 or SHA-256, as the host says; never SHA-1. A host
    /// that does not say gets SHA-256, the one that RFC 8332 §3 recommends.
    async fn rsa_hash(
        &self,
        ssh: &Handle<Client>,
        end: &End,
        file: &Path,
    ) -> Result<HashAlg, Failed> {
        match ssh.best_supported_rsa_hash().await {
            Ok(Some(Some(hash))) => Ok(hash),
            Ok(Some(None)) => Err(Failed::For(Error::OnlySha1 {
                host: self.host.name.clone(),
                key: file.to_owned(),
            })),
            Ok(None) => Ok(HashAlg::Sha256),
            Err(_) => {
                end.reached().await;
                Err(Failed::Early(end.reason()))
            }
        }
    }

    async fn by_password(
        &self,
        ssh: &mut Handle<Client>,
        end: &End,
        secret: &SecretId,
        value: &Secret,
        ledger: &dyn LoginLedger,
    ) -> Result<(), Error> {
        let user = self.host.user.as_str();
        // "none" is not counted as a failed login; it makes the host say which ways it has.
        let probe = timeout(self.limit, ssh.authenticate_none(user)).await;
        let way = match probe.map_err(|_| self.too_slow())? {
            Ok(AuthResult::Success) => return Ok(()),
            Ok(AuthResult::Failure { remaining_methods, .. }) => Way::among(&remaining_methods),
            Err(_) => None,
        };
        let Some(way) = way else {
            let cause = if end.is_reached() {
                end.reason()
            } else {
                Fault::new("it offers no login by password")
            };
            return Err(Error::Handshake { host: self.host.name.clone(), cause });
        };
        ledger.begin(secret).await.map_err(|refused| match refused {
            NotAdmitted::Stopped(cause) => {
                Error::LoginStopped { host: self.host.name.clone(), secret: secret.clone(), cause }
            }
            NotAdmitted::Unavailable(cause) => self.no_record(secret, cause),
        })?;
        let said = timeout(self.limit, self.send_password(ssh, end, way, value)).await;
        let said = said.unwrap_or_else(|_| Password::Sent(Said::Nothing(Fault::new("timed out"))));
        let outcome = said.outcome();
        let stored = ledger.end(&self.host.name, secret, outcome).await;
        match said {
            Password::Sent(Said::Yes) => stored.map_err(|cause| self.no_record(secret, cause)),
            Password::Sent(Said::No) => Err(Error::PasswordRefused {
                host: self.host.name.clone(),
                user: self.host.user.clone(),
                secret: secret.clone(),
            }),
            Password::Sent(Said::More) => Err(self.wants_more()),
            Password::Sent(Said::Nothing(cause)) => Err(Error::PasswordUnanswered {
                host: self.host.name.clone(),
                secret: secret.clone(),
                cause,
            }),
            Password::NotSent(cause) => {
                Err(Error::Handshake { host: self.host.name.clone(), cause })
            }
            Password::Asked { prompt, .. } => Err(Error::PasswordPrompt {
                host: self.host.name.clone(),
                user: self.host.user.clone(),
                prompt,
            }),
        }
    }

    async fn send_password(
        &self,
        ssh: &mut Handle<Client>,
        end: &End,
        way: Way,
        value: &Secret,
    ) -> Password {
        let user = self.host.user.as_str();
        match way {
            Way::Password => {
                let answer = ssh.authenticate_password(user, value.reveal()).await;
                Password::Sent(self.understand(answer, end).await)
            }
            Way::KeyboardInteractive => self.answer_prompts(ssh, end, value).await,
        }
    }

    /// Answers one hidden prompt with the password. A second one would be the same question again
    /// after a wrong answer, or a request for a new password: neither is ours to answer.
    async fn answer_prompts(
        &self,
        ssh: &mut Handle<Client>,
        end: &End,
        value: &Secret,
    ) -> Password {
        let user = self.host.user.as_str();
        let mut sent = false;
        let mut reply = ssh.authenticate_keyboard_interactive_start(user, None::<String>).await;
        for _ in 0..ROUNDS {
            let answers = match reply {
                Ok(Reply::Success) => return Password::Sent(Said::Yes),
                Ok(Reply::Failure { partial_success: true, .. }) => {
                    return Password::Sent(Said::More);
                }
                Ok(Reply::Failure { .. }) if sent => return Password::Sent(Said::No),
                // Nothing was sent yet, so that the other way is no second try.
                Ok(Reply::Failure { remaining_methods, .. })
                    if remaining_methods.contains(&MethodKind::Password) =>
                {
                    let answer = ssh.authenticate_password(user, value.reveal()).await;
                    return Password::Sent(self.understand(answer, end).await);
                }
                Ok(Reply::Failure { .. }) => {
                    return Password::NotSent(Fault::new("it refuses without asking a password"));
                }
                Ok(Reply::InfoRequest { prompts, instructions, .. }) => match &prompts[..] {
                    [] => Vec::new(),
                    [Prompt { echo: false, .. }] if !sent => {
                        sent = true;
                        vec![value.reveal().to_owned()]
                    }
                    [first, ..] => {
                        let asked = format!("{instructions} {}", first.prompt);
                        return Password::Asked { prompt: clean(&asked), sent };
                    }
                },
                Err(_) => {
                    end.reached().await;
                    return if sent {
                        Password::Sent(Said::Nothing(end.reason()))
                    } else {
                        Password::NotSent(end.reason())
                    };
                }
            };
            reply = ssh.authenticate_keyboard_interactive_respond(answers).await;
        }
        Password::Asked { prompt: "the same questions over and over".to_owned(), sent }
    }

    async fn understand(&self, answer: Result<AuthResult, russh::Error>, end: &End) -> Said {
        match answer {
            Ok(AuthResult::Success) => Said::Yes,
            Ok(AuthResult::Failure { partial_success: true, .. }) => Said::More,
            Ok(AuthResult::Failure { remaining_methods, .. }) if !remaining_methods.is_empty() => {
                Said::No
            }
            // russh says the same for "no, and nothing else would do" and for "the connection
            // is gone"; in both cases the connection ends, and tells which it was.
            Ok(AuthResult::Failure { .. }) | Err(_) => {
                end.reached().await;
                if end.turned_down() { Said::No } else { Said::Nothing(end.reason()) }
            }
        }
    }

    fn no_record(&self, secret: &SecretId, cause: Fault) -> Error {
        Error::LoginRecord { host: self.host.name.clone(), secret: secret.clone(), cause }
    }

    fn too_slow(&self) -> Error {
        Error::Deadline { host: self.host.name.clone(), stage: Stage::LoggingIn, after: self.limit }
    }

    fn wants_more(&self) -> Error {
        let cause = Fault::new("it wants a second proof after the first one");
        Error::Handshake { host: self.host.name.clone(), cause }
    }
}

/// What a host said about a proof.
enum Said {
    Yes,
    No,
    /// Yes, and now another one.
    More,
    /// The connection ended instead.
    Nothing(Fault),
}

/// What became of a password.
enum Password {
    Sent(Said),
    /// The host did not ask for it.
    NotSent(Fault),
    /// The host asked for something else.
    Asked {
        prompt: String,
        sent: bool,
    },
}

impl Password {
    fn outcome(&self) -> LoginOutcome {
        match self {
            Self::Sent(Said::Yes) => LoginOutcome::Accepted,
            // Whatever follows a right password is nothing that trying again would change.
            Self::Sent(Said::No | Said::More) | Self::Asked { sent: true, .. } => {
                LoginOutcome::Refused
            }
            Self::Sent(Said::Nothing(_)) => LoginOutcome::Unanswered,
            Self::NotSent(_) | Self::Asked { sent: false, .. } => LoginOutcome::NotSent,
        }
    }
}

/// How a password is sent. One way only: a wrong password sent in both counts twice.
#[derive(Clone, Copy)]
enum Way {
    KeyboardInteractive,
    Password,
}

impl Way {
    fn among(methods: &[MethodKind]) -> Option<Self> {
        if methods.contains(&MethodKind::KeyboardInteractive) {
            Some(Self::KeyboardInteractive)
        } else if methods.contains(&MethodKind::Password) {
            Some(Self::Password)
        } else {
            None
        }
    }
}

/// PAM asks once; a notice or two may come before and after.
const ROUNDS: usize = 6;
