//! Whether a host is the one we mean.
//!
//! A host key is bound to an object of the inventory by the object's name, not to an address:
//! an LPAR keeps its name when it moves, and an address may be given to another machine. Before a
//! host has shown a key that is on record for this object nothing is sent to it that it could use:
//! no user name, no key, no password, no command.
//!
//! Three ways lead to a known key: pinned keys (imported from `known_hosts`, or scanned and
//! confirmed by a person), a host CA that signs OpenSSH host certificates, and nothing else. There
//! is no "accept new": trust on first use of 20,000 hosts is trust in whoever answers.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, EcdsaCurve, HashAlg, PublicKey, PublicKeyOrCertificate};

/// A public key that identifies a host or a host CA, without its comment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostKey(PublicKey);

/// Why a text is not a host key that we can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHostKey {
    /// The text is not `algorithm base64 [comment]`.
    #[error("not a public key in OpenSSH's form")]
    Malformed,
    /// A kind of key that no login should rest on (DSA) or that hosts do not have (FIDO).
    #[error("keys of type {algorithm} are not supported")]
    Unsupported {
        /// As the text names it.
        algorithm: String,
    },
}

impl HostKey {
    /// Takes a key that a host offered.
    pub(super) fn offered(key: &PublicKey) -> Self {
        Self(PublicKey::new(key.key_data().clone(), ""))
    }

    /// The kind of key as OpenSSH calls it in a `known_hosts` file, such as `ssh-ed25519`.
    pub fn algorithm(&self) -> String {
        self.0.algorithm().to_string()
    }

    /// The fingerprint as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.0.fingerprint(HashAlg::Sha256).to_string())
    }

    /// The algorithms under which a host proves that it holds this key, best first. RSA keys sign
    /// with SHA-2; plain `ssh-rsa`, which is SHA-1, is not among them.
    fn proofs(&self) -> Vec<Algorithm> {
        match self.0.algorithm() {
            Algorithm::Rsa { .. } => {
                ALL_PROOFS.into_iter().filter(|a| matches!(a, Algorithm::Rsa { .. })).collect()
            }
            other => vec![other],
        }
    }
}

impl FromStr for HostKey {
    type Err = BadHostKey;
    fn from_str(text: &str) -> Result<Self, BadHostKey> {
        let key = PublicKey::from_openssh(text.trim()).map_err(|_| BadHostKey::Malformed)?;
        match key.algorithm() {
            Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::Rsa { .. } => {
                Ok(Self::offered(&key))
            }
            other => Err(BadHostKey::Unsupported { algorithm: other.to_string() }),
        }
    }
}

/// `algorithm base64`, one line, as in a `known_hosts` file.
impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_openssh().map_err(|_| fmt::Error)?.trim_end())
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({} {})", self.algorithm(), self.fingerprint())
    }
}

/// A SHA-256 fingerprint in the form of `ssh-keygen -l`: `SHA256:` and base64 without padding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is on record for one host. Empty means that nobody has said yet how to know this host:
/// it is then refused with what it offered, so that a person can decide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HostKeyPolicy {
    /// Keys of the host itself.
    pub pinned: Vec<HostKey>,
    /// Host CAs: a valid certificate of theirs that names this host is as good as a pinned key.
    pub authorities: Vec<HostKey>,
    /// Keys that must never be accepted, neither as host key nor as CA.
    pub revoked: Vec<HostKey>,
}

impl HostKeyPolicy {
    /// A policy of pinned keys alone.
    pub fn pinned(keys: impl IntoIterator<Item = HostKey>) -> Self {
        Self { pinned: keys.into_iter().collect(), ..Self::default() }
    }

    /// Decides about what a host offered. `names` are what the host may be called in a
    /// certificate: its object name and its addresses.
    pub(super) fn judge(
        &self,
        offered: &Offered,
        names: &[String],
        now: SystemTime,
    ) -> Result<(), Box<Refused>> {
        let key = match offered {
            Offered::Key(key) => key,
            Offered::Certificate { key, .. } => key,
        };
        if self.revoked.contains(key) {
            return Err(Box::new(Refused::Revoked { offered: key.clone() }));
        }
        if self.pinned.contains(key) {
            return Ok(());
        }
        match offered {
            Offered::Certificate { certificate, .. } => self
                .judge_certificate(certificate, names, now)
                .map_err(|fault| Box::new(Refused::Certificate { offered: key.clone(), fault })),
            Offered::Key(_) if self.pinned.is_empty() => {
                Err(Box::new(Refused::Unknown { offered: key.clone() }))
            }
            Offered::Key(_) => {
                let known = self.pinned.iter().map(HostKey::fingerprint).collect();
                Err(Box::new(Refused::Changed { offered: key.clone(), known }))
            }
        }
    }

    fn judge_certificate(
        &self,
        certificate: &Certificate,
        names: &[String],
        now: SystemTime,
    ) -> Result<(), CertificateFault> {
        let authority = HostKey(PublicKey::new(certificate.signature_key().clone(), String::new()));
        if certificate.cert_type() != CertType::Host {
            return Err(CertificateFault::NotForHosts);
        }
        if self.revoked.contains(&authority) {
            return Err(CertificateFault::AuthorityRevoked);
        }
        if !self.authorities.contains(&authority) {
            return Err(CertificateFault::OtherAuthority { found: authority.fingerprint() });
        }
        certificate.verify_signature().map_err(|_| CertificateFault::BadSignature)?;
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if seconds < certificate.valid_after() || seconds >= certificate.valid_before() {
            return Err(CertificateFault::NotValidNow);
        }
        // OpenSSH defines no critical option for hosts; one that we do not understand must not
        // be passed over (PROTOCOL.certkeys, "critical options").
        if certificate.critical_options().iter().next().is_some() {
            return Err(CertificateFault::CriticalOption);
        }
        // A certificate without principals is good for any host: it does not say who this is.
        if certificate.valid_principals().iter().any(|p| names.contains(p)) {
            Ok(())
        } else {
            Err(CertificateFault::OtherName {
                found: certificate.valid_principals().iter().take(8).cloned().collect(),
            })
        }
    }

    /// The algorithms to ask for, those of known keys first: a host that has several keys then
    /// shows the one on record, and one that shows another has lost it.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let mut order: Vec<Algorithm> = Vec::new();
        for algorithm in self.pinned.iter().flat_map(HostKey::proofs).chain(ALL_PROOFS) {
            if !order.contains(&algorithm) {
                order.push(algorithm);
            }
        }
        order
    }

    /// The certificate algorithms to ask for: none without a CA, since a host would then prove
    /// itself by something we cannot judge.
    pub(super) fn certificate_algorithms(&self) -> Vec<Algorithm> {
        if self.authorities.is_empty() { Vec::new() } else { ALL_PROOFS.to_vec() }
    }
}

/// What a host showed in the key exchange.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
pub(super) enum Offered {
    Key(HostKey),
    Certificate { key: HostKey, certificate: Certificate },
}

impl From<&PublicKeyOrCertificate> for Offered {
    fn from(offered: &PublicKeyOrCertificate) -> Self {
        let key = HostKey::offered(&offered.public_key());
        match offered.certificate() {
            Some(certificate) => Self::Certificate { key, certificate: certificate.clone() },
            None => Self::Key(key),
        }
    }
}

/// Why a host was not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    Unknown { offered: HostKey },
    Changed { offered: HostKey, known: Vec<Fingerprint> },
    Revoked { offered: HostKey },
    Certificate { offered: HostKey, fault: CertificateFault },
}

/// Why a host certificate does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// A user certificate.
    #[error("it is not a host certificate")]
    NotForHosts,
    /// Signed by a CA that is not on record for this host.
    #[error("it is signed by another CA: {found}")]
    OtherAuthority {
        /// The CA's fingerprint.
        found: Fingerprint,
    },
    /// Signed by a CA that was revoked.
    #[error("it is signed by a revoked CA")]
    AuthorityRevoked,
    /// The CA did not sign this.
    #[error("its signature is wrong")]
    BadSignature,
    /// Not yet, or no longer.
    #[error("it is not valid at this time")]
    NotValidNow,
    /// It carries a condition that we do not know.
    #[error("it carries a critical option that is not known")]
    CriticalOption,
    /// Good for other hosts, or for any.
    #[error("it does not name this host, but {found:?}")]
    OtherName {
        /// The principals, at most eight.
        found: Vec<String>,
    },
}

/// The kinds of keys a host may have, each with the ways to prove it.
pub(super) fn kinds() -> Vec<Vec<Algorithm>> {
    let (rsa, others): (Vec<_>, Vec<_>) =
        ALL_PROOFS.into_iter().partition(|a| matches!(a, Algorithm::Rsa { .. }));
    others.into_iter().map(|algorithm| vec![algorithm]).chain([rsa]).collect()
}

/// Every way a host may prove a key, in the order in which we like them.
pub(super) const ALL_PROOFS: [Algorithm; 6] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];
