//! The master's own private keys.
//!
//! A login names the file of its key. A file is read when it is first needed and again when it was replaced, so that a key can be exchanged under a running
//! master. A file that others may read is refused: whoever read it can log in everywhere.
//!
//! RSA keys sign by `ring`, in constant time and blinded, and not by the `rsa` crate, whose private
//! operations leak through their duration (RUSTSEC-2023-0071, docs/decisions/0003).

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair};
use russh::keys::agent::AgentIdentity;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PublicKey};

use super::error::Error;
use super::host_key::{Fingerprint, HostKey};

/// Why the file of a private key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// It cannot be opened or read.
    #[error("cannot read it")]
    Read(#[source] io::Error),
    /// It is a folder, a pipe or the like.
    #[error("it is not a regular file")]
    NotAFile,
    /// Group or others have some right to it.
    #[error("its mode is {mode:03o}: others than its owner may use it")]
    TooOpen {
        /// The permission bits.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("it belongs to user id {owner}")]
    NotOurs {
        /// That user.
        owner: u32,
    },
    /// Larger than any key.
    #[error("it is larger than {KEY_FILE_LIMIT} bytes")]
    TooLarge,
    /// It has a passphrase, and nobody is there to type it.
    #[error("it is encrypted with a passphrase")]
    Encrypted,
    /// It is neither in OpenSSH's form nor in PEM, or damaged.
    #[error("it is not a private key in OpenSSH or PEM form")]
    Malformed,
    /// DSA, FIDO and the like.
    #[error("keys of type {algorithm} are not supported")]
    Unsupported {
        /// What it is.
        algorithm: String,
    },
    /// An RSA key that is too short to be safe, too long, or unsound.
    #[error("RSA keys must be sound and have 2048 to 4096 bits")]
    RsaSize,
}

impl KeyFault {
    /// What to type now, about the key in `path`.
    pub fn hint(&self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Read(_) | Self::NotAFile => format!("see `ls -l {path}` as the user of nimd"),
            Self::TooOpen { .. } => format!("`chmod 600 {path}`, and see who could read it so far"),
            Self::NotOurs { .. } => format!("`chown` {path} to the user of nimd"),
            Self::Encrypted => {
                format!("make a key without passphrase for nimd, or `ssh-keygen -p -f {path}`")
            }
            Self::TooLarge | Self::Malformed | Self::Unsupported { .. } | Self::RsaSize => {
                format!("make a key: `ssh-keygen -t ed25519 -N '' -f {path}`")
            }
        }
    }
}

/// A private key, ready to sign.
#[derive(Clone)]
pub(super) enum UserKey {
    Rsa(Arc<RsaKey>),
    /// Ed25519 or ECDSA.
    Curve(Arc<PrivateKey>),
}

/// An RSA key in the form that `ring` signs with.
pub(super) struct RsaKey {
    public: PublicKey,
    pair: RsaKeyPair,
}

impl UserKey {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        HostKey::offered(match self {
            Self::Rsa(key) => &key.public,
            Self::Curve(key) => key.public_key(),
        })
        .fingerprint()
    }
}

impl RsaKey {
    fn new(key: &PrivateKey) -> Result<Self, KeyFault> {
        let der = russh::keys::pkcs8::encode_pkcs8(key).map_err(|_| KeyFault::RsaSize)?;
        let der = zeroize::Zeroizing::new(der);
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| KeyFault::RsaSize)?;
        Ok(Self { public: key.public_key().clone(), pair })
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of `message` in SSH's form: the name of the algorithm and the signature, as
    /// one string. Source: RFC 8332 §3.
    fn sign(&self, hash: HashAlg, message: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let (name, scheme): (&[u8], &dyn RsaEncoding) = match hash {
            HashAlg::Sha256 => (b"rsa-sha2-256", &RSA_PKCS1_SHA256),
            _ => (b"rsa-sha2-512", &RSA_PKCS1_SHA512),
        };
        let mut raw = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(scheme, &SystemRandom::new(), message, &mut raw)?;
        let mut inner = Vec::new();
        push_string(&mut inner, name)?;
        push_string(&mut inner, &raw)?;
        let mut outer = Vec::new();
        push_string(&mut outer, &inner)?;
        Ok(outer)
    }
}

/// An SSH string: its length in four bytes, then its bytes. Source: RFC 4251 §5.
fn push_string(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), ring::error::Unspecified> {
    let length = u32::try_from(bytes.len()).map_err(|_| ring::error::Unspecified)?;
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(bytes);
    Ok(())
}

/// Signs for russh, which appends nothing itself.
pub(super) struct RsaSigner<'a>(pub(super) &'a RsaKey);

/// Why a signature could not be made or handed over.
pub(super) struct NotSigned;

impl From<russh::SendError> for NotSigned {
    fn from(_: russh::SendError) -> Self {
        Self
    }
}

impl From<ring::error::Unspecified> for NotSigned {
    fn from(_: ring::error::Unspecified) -> Self {
        Self
    }
}

impl russh::Signer for RsaSigner<'_> {
    type Error = NotSigned;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash: Option<HashAlg>,
        mut message: Vec<u8>,
    ) -> Result<Vec<u8>, NotSigned> {
        let signature = self.0.sign(hash.ok_or(NotSigned)?, &message)?;
        message.extend_from_slice(&signature);
        Ok(message)
    }
}

/// The keys that were needed so far, by their files.
#[derive(Default)]
pub(super) struct KeyRing {
    read: Mutex<HashMap<PathBuf, (Identity, UserKey)>>,
}

/// What changes when a file is replaced or rewritten.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl KeyRing {
    /// The key in this file, from memory if the file is still the one that was read.
    pub(super) async fn get(&self, path: &Path) -> Result<UserKey, Error> {
        let known = self.read.lock().expect(POISON).get(path).cloned();
        let file = path.to_owned();
        // A key may lie on a slow file system, and parsing RSA costs milliseconds.
        let loaded = tokio::task::spawn_blocking(move || load_unless_known(&file, known))
            .await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let (identity, key) =
            loaded.map_err(|cause| Error::KeyFile { path: path.to_owned(), cause })?;
        self.read.lock().expect(POISON).insert(path.to_owned(), (identity, key.clone()));
        Ok(key)
    }
}

/// The key in this file.
pub(super) fn load(path: &Path) -> Result<UserKey, KeyFault> {
    load_unless_known(path, None).map(|(_, key)| key)
}

fn load_unless_known(
    path: &Path,
    known: Option<(Identity, UserKey)>,
) -> Result<(Identity, UserKey), KeyFault> {
    // Judged on the open file, so that it cannot be exchanged between the look and the reading.
    let file = File::open(path).map_err(KeyFault::Read)?;
    let meta = file.metadata().map_err(KeyFault::Read)?;
    if !meta.is_file() {
        return Err(KeyFault::NotAFile);
    }
    if meta.mode() & 0o077 != 0 {
        return Err(KeyFault::TooOpen { mode: meta.mode() & 0o777 });
    }
    if meta.uid() != 0 && meta.uid() != own_uid() {
        return Err(KeyFault::NotOurs { owner: meta.uid() });
    }
    let identity = Identity {
        device: meta.dev(),
        inode: meta.ino(),
        length: meta.len(),
        changed: (meta.ctime(), meta.ctime_nsec()),
    };
    match known {
        Some((before, key)) if before == identity => Ok((identity, key)),
        Some(_) | None => Ok((identity, parse(file)?)),
    }
}

fn parse(file: File) -> Result<UserKey, KeyFault> {
    let mut text = zeroize::Zeroizing::new(String::with_capacity(4096));
    file.take(KEY_FILE_LIMIT + 1).read_to_string(&mut text).map_err(|error| {
        match error.kind() {
            io::ErrorKind::InvalidData => KeyFault::Malformed,
            _ => KeyFault::Read(error),
        }
    })?;
    if text.len() as u64 > KEY_FILE_LIMIT {
        return Err(KeyFault::TooLarge);
    }
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(KeyFault::Encrypted);
    }
    let key = russh::keys::decode_secret_key(&text, None).map_err(|error| match error {
        russh::keys::Error::KeyIsEncrypted => KeyFault::Encrypted,
        _ => KeyFault::Malformed,
    })?;
    match key.algorithm() {
        _ if key.is_encrypted() => Err(KeyFault::Encrypted),
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } => Ok(UserKey::Curve(Arc::new(key))),
        Algorithm::Rsa { .. } => Ok(UserKey::Rsa(Arc::new(RsaKey::new(&key)?))),
        other => Err(KeyFault::Unsupported { algorithm: other.to_string() }),
    }
}

fn own_uid() -> u32 {
    // The owner of our own process entry; `getuid` would need unsafe code.
    std::fs::metadata("/proc/self").map_or(0, |meta| meta.uid())
}

const KEY_FILE_LIMIT: u64 = 64 << 10;
const POISON: &str = "nothing panics while it holds this lock";
