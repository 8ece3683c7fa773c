//! What can go wrong between us and a host, in words for a person and in kinds for the engine.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::endpoint::{HostId, SecretId, UserName};
use super::host_key::{CertificateFault, Fingerprint};
use super::login::Stopped;
use super::user_key::KeyFault;

/// Why a connection to a host could not be opened, or went on no further.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No address of the host took the connection.
    #[error("cannot reach {host} at {at}")]
    Unreachable {
        /// The object.
        host: HostId,
        /// The addresses tried, with their port.
        at: String,
        /// What the last of them said.
        #[source]
        cause: io::Error,
    },
    /// The host shows a key, and not one that is on record.
    #[error("{host} offers another host key than the one on record: {offered}, known {}", Listed(.known))]
    HostKeyChanged {
        /// The object.
        host: HostId,
        /// What it showed.
        offered: OfferedKey,
        /// What is on record.
        known: Vec<Fingerprint>,
    },
    /// Nothing is on record for this host.
    #[error("the host key of {host} is not known yet: it offers {offered}")]
    HostKeyUnknown {
        /// The object.
        host: HostId,
        /// What it showed.
        offered: OfferedKey,
    },
    /// The host shows a key that was revoked.
    #[error("{host} offers a host key that was revoked: {offered}")]
    HostKeyRevoked {
        /// The object.
        host: HostId,
        /// What it showed.
        offered: OfferedKey,
    },
    /// The host shows a certificate that does not count.
    #[error("{host} offers a host certificate that does not count, for key {offered}")]
    HostCertificate {
        /// The object.
        host: HostId,
        /// The key inside the certificate.
        offered: OfferedKey,
        /// Why it does not count.
        #[source]
        cause: CertificateFault,
    },
    /// The host took the connection and closed it before the login, each time until the deadline.
    #[error("{host} closed the connection before the login, {tries} times in {}", Seconds(.after))]
    ClosedEarly {
        /// The object.
        host: HostId,
        /// How often it was tried.
        tries: u32,
        /// The time spent.
        after: Duration,
        /// What the last attempt ended with.
        #[source]
        cause: Fault,
    },
    /// The deadline of the whole attempt passed.
    #[error("no connection to {host} within {}: still {stage}", Seconds(.after))]
    Deadline {
        /// The object.
        host: HostId,
        /// What was under way.
        stage: Stage,
        /// The deadline.
        after: Duration,
    },
    /// The host speaks, and the two of us find no common ground.
    #[error("cannot agree with {host} on a secure connection")]
    Handshake {
        /// The object.
        host: HostId,
        /// Where it failed.
        #[source]
        cause: Fault,
    },
    /// The host does not accept this key for this user.
    #[error("{host} does not let {user} in with key {} ({fingerprint})", .key.display())]
    KeyRefused {
        /// The object.
        host: HostId,
        /// The user there.
        user: UserName,
        /// The file of our key.
        key: PathBuf,
        /// Its fingerprint.
        fingerprint: Fingerprint,
    },
    /// The host takes RSA keys only with SHA-1 signatures, which we do not make.
    #[error("{host} accepts RSA keys only with SHA-1 signatures")]
    OnlySha1 {
        /// The object.
        host: HostId,
        /// The file of our key.
        key: PathBuf,
    },
    /// The host does not accept this password for this user.
    #[error("{host} does not let {user} in with secret {secret}")]
    PasswordRefused {
        /// The object.
        host: HostId,
        /// The user there.
        user: UserName,
        /// Which secret.
        secret: SecretId,
    },
    /// The connection ended after the password was sent and before the host said what it thinks.
    #[error("{host} did not say whether it accepts secret {secret}")]
    PasswordUnanswered {
        /// The object.
        host: HostId,
        /// Which secret.
        secret: SecretId,
        /// How the connection ended.
        #[source]
        cause: Fault,
    },
    /// The host wants an answer that a program cannot give, such as a new password.
    #[error("{host} asks {user} for more than a password: {prompt:?}")]
    PasswordPrompt {
        /// The object.
        host: HostId,
        /// The user there.
        user: UserName,
        /// The first line of the question, cleaned.
        prompt: String,
    },
    /// Logins with this secret are stopped, so that the account is not locked.
    #[error("no login to {host}: secret {secret} is stopped")]
    LoginStopped {
        /// The object.
        host: HostId,
        /// Which secret.
        secret: SecretId,
        /// Since what.
        #[source]
        cause: Stopped,
    },
    /// The record of logins could not be read or written; no password was sent.
    #[error("no login to {host}: the record of logins with secret {secret} is not available")]
    LoginRecord {
        /// The object.
        host: HostId,
        /// Which secret.
        secret: SecretId,
        /// Why.
        #[source]
        cause: Fault,
    },
    /// The file of a key cannot be used.
    #[error("cannot use the private key {}", .path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: KeyFault,
    },
    /// The connection ended, or fell silent for too long.
    #[error("lost the connection to {host}")]
    Lost {
        /// The object.
        host: HostId,
        /// How.
        #[source]
        cause: Fault,
    },
    /// The host opens no further channel on this connection.
    #[error("{host} opens no further session on this connection")]
    ChannelRefused {
        /// The object.
        host: HostId,
        /// What it said.
        #[source]
        cause: Fault,
    },
    /// The host does not run the command at all.
    #[error("{host} refuses to run {command}")]
    CommandRefused {
        /// The object.
        host: HostId,
        /// The command.
        command: String,
    },
    /// A line exceeds the limit; what follows is not read.
    #[error("{host} sent a line longer than {limit} bytes")]
    LineTooLong {
        /// The object.
        host: HostId,
        /// The limit, bytes.
        limit: usize,
    },
    /// A command wrote more than the caller takes.
    #[error("{host} sent more than {limit} bytes in answer to {command}")]
    OutputTooLong {
        /// The object.
        host: HostId,
        /// The command.
        command: String,
        /// The limit, bytes.
        limit: usize,
    },
    /// A command did not end in time.
    #[error("{command} on {host} did not end within {}", Seconds(.after))]
    CommandTimeout {
        /// The object.
        host: HostId,
        /// The command.
        command: String,
        /// The limit.
        after: Duration,
    },
    /// A bastion on the way could not be used.
    #[error("cannot reach {host}: the way leads through {via}")]
    Bastion {
        /// The object.
        host: HostId,
        /// The bastion.
        via: HostId,
        /// What is wrong with the bastion. Shared: all who waited for it get the same answer.
        #[source]
        cause: Arc<Error>,
    },
    /// The bastion cannot or will not connect to the host.
    #[error("{via} does not connect to {host} at {at}")]
    ForwardRefused {
        /// The object.
        host: HostId,
        /// The bastion.
        via: HostId,
        /// The addresses tried.
        at: String,
        /// What the bastion said.
        #[source]
        cause: Fault,
    },
}

impl Error {
    /// The code under which `nimctl explain` and the documentation know this error.
    pub const fn code(&self) -> Code {
        Code(match self {
            Self::Unreachable { .. } => 201,
            Self::HostKeyChanged { .. } => 202,
            Self::HostKeyUnknown { .. } => 203,
            Self::HostKeyRevoked { .. } => 204,
            Self::HostCertificate { .. } => 205,
            Self::ClosedEarly { .. } => 206,
            Self::Deadline { .. } => 207,
            Self::Handshake { .. } => 208,
            Self::KeyRefused { .. } => 209,
            Self::OnlySha1 { .. } => 210,
            Self::PasswordRefused { .. } => 211,
            Self::PasswordUnanswered { .. } => 212,
            Self::PasswordPrompt { .. } => 213,
            Self::LoginStopped { .. } => 214,
            Self::LoginRecord { .. } => 215,
            Self::KeyFile { .. } => 216,
            Self::Lost { .. } => 217,
            Self::ChannelRefused { .. } => 218,
            Self::CommandRefused { .. } => 219,
            Self::LineTooLong { .. } => 220,
            Self::OutputTooLong { .. } => 221,
            Self::CommandTimeout { .. } => 222,
            Self::Bastion { .. } => 223,
            Self::ForwardRefused { .. } => 224,
        })
    }

    /// Whether trying again can help. The engine reads this, never the text.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unreachable { .. }
            | Self::ForwardRefused { .. }
            | Self::Lost { .. }
            | Self::LoginRecord { .. } => Retry::After(Duration::from_secs(5)),
            Self::ClosedEarly { .. } | Self::Deadline { .. } | Self::ChannelRefused { .. } => {
                Retry::After(Duration::from_secs(15))
            }
            Self::CommandTimeout { .. } | Self::PasswordUnanswered { .. } => {
                Retry::After(Duration::from_secs(60))
            }
            Self::Bastion { cause, .. } => cause.retry(),
            Self::HostKeyChanged { .. }
            | Self::HostKeyUnknown { .. }
            | Self::HostKeyRevoked { .. }
            | Self::HostCertificate { .. }
            | Self::Handshake { .. }
            | Self::KeyRefused { .. }
            | Self::OnlySha1 { .. }
            | Self::PasswordRefused { .. }
            | Self::PasswordPrompt { .. }
            | Self::LoginStopped { .. }
            | Self::KeyFile { .. }
            | Self::CommandRefused { .. }
            | Self::LineTooLong { .. }
            | Self::OutputTooLong { .. } => Retry::Never,
        }
    }

    /// What to do or type now.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreachable { host, .. } => {
                format!("on {host}, see whether sshd runs: `lssrc -s sshd`")
            }
            Self::HostKeyChanged { host, .. } => format!(
                "nothing was sent to it. If {host} was installed anew, compare the fingerprint on \
                 its console and record it: `nimctl hostkey scan --replace {host}`; if not, find \
                 out who answers"
            ),
            Self::HostKeyUnknown { host, .. } => format!(
                "compare the fingerprint on the console of {host}, then `nimctl hostkey scan \
                 {host}`, or `nimctl hostkey import known_hosts`"
            ),
            Self::HostKeyRevoked { host, .. } => {
                format!(
                    "give {host} new host keys and record them: `nimctl hostkey scan --replace {host}`"
                )
            }
            Self::HostCertificate { host, .. } => {
                format!("sign a host certificate for {host} with the CA on record")
            }
            Self::ClosedEarly { host, .. } => format!(
                "on the sshd that answers for {host}: `MaxStartups`, `PerSourcePenalties`, TCP \
                 wrappers, and its log"
            ),
            Self::Deadline { host, .. } => {
                format!("try `ssh -v` to {host} from the master; see the load there")
            }
            Self::Handshake { host, .. } => {
                format!("compare `Ciphers`, `KexAlgorithms`, `HostKeyAlgorithms` of sshd on {host}")
            }
            Self::KeyRefused { host, user, .. } => format!(
                "on {host}, see ~{user}/.ssh/authorized_keys (owner, mode, `from=`); `nimctl agent \
                 bundle {host}` prints the line that belongs there"
            ),
            Self::OnlySha1 { host, .. } => {
                format!("use an Ed25519 or ECDSA key for {host}, or a newer OpenSSH there")
            }
            Self::PasswordRefused { secret, .. } | Self::LoginStopped { secret, .. } => {
                format!("set the right password: `nimctl secret set {}`", secret.name)
            }
            Self::PasswordUnanswered { host, .. } => {
                format!("see whether the account is locked on {host} before trying again")
            }
            Self::PasswordPrompt { host, user, .. } => {
                format!("log in to {host} as {user} by hand: the password may have expired")
            }
            Self::LoginRecord { .. } => "see whether the database answers".to_owned(),
            Self::KeyFile { path, cause, .. } => cause.hint(path),
            Self::Lost { host, .. } => {
                format!("nothing to do: the session with {host} is opened again and goes on")
            }
            Self::ChannelRefused { host, .. } => format!("on {host}, see `MaxSessions` of sshd"),
            Self::CommandRefused { host, .. } => {
                format!("on {host}, see `ForceCommand` and the `command=` of the key")
            }
            Self::LineTooLong { host, .. } | Self::OutputTooLong { host, .. } => {
                format!("see what the login shell or the agent on {host} prints")
            }
            Self::CommandTimeout { host, command, .. } => {
                format!("run it by hand on {host}: {command}")
            }
            Self::Bastion { cause, .. } => cause.hint(),
            Self::ForwardRefused { via, at, .. } => {
                format!("on {via}: does it reach {at}, and does sshd allow it (`PermitOpen`)?")
            }
        }
    }
}

/// A number that stays the same for years; printed as `NLU-0201`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NLU-{:04}", self.0)
    }
}

/// Whether the same call may do better later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It may, not before this time.
    After(Duration),
    /// Not before somebody changed something.
    Never,
}

/// What a connection attempt was doing when its deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Others were logging in there, or the rate was used up.
    Waiting,
    /// A bastion on the way.
    Bastion,
    /// TCP, or a channel through the bastion.
    Connecting,
    /// Key exchange and login.
    LoggingIn,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting for its turn",
            Self::Bastion => "connecting to the bastion",
            Self::Connecting => "connecting",
            Self::LoggingIn => "logging in",
        })
    }
}

/// A key as it is shown to a person: kind and fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedKey {
    /// Such as `ssh-ed25519`.
    pub algorithm: String,
    /// As `ssh-keygen -l` prints it.
    pub fingerprint: Fingerprint,
}

impl fmt::Display for OfferedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.fingerprint)
    }
}

/// The reason at the bottom of an error, as one line of clean text. What a host or a library said
/// is in it only without control characters and cut to a readable length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// Takes a text from wherever it comes.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(clean(text.as_ref()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl From<&russh::Error> for Fault {
    fn from(error: &russh::Error) -> Self {
        use russh::Error as E;
        match error {
            E::Disconnect | E::HUP | E::SendError | E::RecvError => {
                Self::new("the other end closed the connection")
            }
            E::NoCommonAlgo { kind, theirs, .. } => {
                let what = match kind {
                    russh::AlgorithmKind::Kex => "key exchange",
                    russh::AlgorithmKind::Key => "host key type",
                    russh::AlgorithmKind::Cipher => "cipher",
                    russh::AlgorithmKind::Compression => "compression",
                    russh::AlgorithmKind::Mac => "message authentication",
                };
                Self::new(format!("no common {what}; it has {}", theirs.join(", ")))
            }
            E::Version => Self::new("it does not speak SSH 2"),
            E::WrongServerSig => Self::new("its signature does not fit its host key"),
            E::NoAuthMethod => Self::new("it offers no way to log in that we know"),
            E::IO(error) => Self::from(error),
            other => Self::new(other.to_string()),
        }
    }
}

impl From<&io::Error> for Fault {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset => Self::new("connection reset"),
            io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                Self::new("the other end closed the connection")
            }
            io::ErrorKind::TimedOut => Self::new("timed out"),
            _ => Self::new(error.to_string()),
        }
    }
}

/// One line without control characters, at most 200 characters.
pub(super) fn clean(text: &str) -> String {
    const LIMIT: usize = 200;
    let mut words = String::new();
    let spaced = text.chars().map(|c| if c.is_control() || is_directional(c) { ' ' } else { c });
    for c in spaced {
        if !(c == ' ' && (words.is_empty() || words.ends_with(' '))) {
            words.push(c);
        }
    }
    let words = words.trim_end();
    match words.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.to_owned(),
    }
}

/// Characters that make a terminal show a text in another order than it has.
fn is_directional(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

struct Seconds<'a>(&'a Duration);

impl fmt::Display for Seconds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_secs())
    }
}

struct Listed<'a>(&'a [Fingerprint]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fingerprint) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            fingerprint.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_hosts_lose_what_a_terminal_would_obey() {
        for (text, cleaned) in [
            ("plain", "plain"),
            ("\u{1b}[2Jred\u{7}alert", "[2Jred alert"),
            ("two\r\nlines\n", "two lines"),
            ("\u{202e}txet", "txet"),
        ] {
            assert_eq!(Fault::new(text).to_string(), cleaned);
        }
        assert_eq!(Fault::new("x".repeat(1000)).to_string().chars().count(), 201);
    }

    #[test]
    fn codes_are_printed_with_four_digits() {
        assert_eq!(Code(201).to_string(), "NLU-0201");
    }
}
