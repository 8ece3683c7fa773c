//! The key file, and sealing with it.
//!
//! One key a line: `nimd-key-1 KEY-ID BASE64`. The last one seals, all of them open. An exchange ([`Store::secret_rotate`]) adds a line,
//! seals all secrets anew, and leaves the line before it for backups of the database. AES-256-GCM; name and version of a secret are
//! authenticated with it.
//!
//! [`Store::secret_rotate`]: crate::store::Store::secret_rotate

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nim_shared::frame::SecretText;
use nim_shared::id::{Digest, ObjectName};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::store::Error;

/// What a line begins with.
const MARK: &str = "nimd-key-1";

/// Length of a key in bytes.
const KEY_LENGTH: usize = 32;

/// How many keys stay after an exchange: the new one, and that of the latest backups.
const KEPT: usize = 2;

/// The keys of this master. Cheap to clone; clones see an exchange.
#[derive(Clone)]
pub struct KeyFile {
    path: Arc<Path>,
    keys: Arc<RwLock<Vec<Arc<Key>>>>,
}

struct Key {
    id: String,
    /// Its line in the file.
    line: String,
    key: LessSafeKey,
}

/// A sealed secret.
pub(super) struct Sealed {
    pub(super) key_id: String,
    pub(super) nonce: [u8; NONCE_LEN],
    pub(super) ciphertext: Vec<u8>,
}

/// Why the key file is not used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read or made.
    #[error("cannot use the key file {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Others may read or write it.
    #[error("the key file {} may be used by others (mode {mode:o}); it is refused until that is put right", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A line is no key.
    #[error("line {line} of the key file {} is no key", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// No key at all.
    #[error("the key file {} holds no key", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a new key")]
    Random,
}

impl KeyError {
    /// The code, which stays the same for years.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "NLU-0335",
            Self::Open { .. } => "NLU-0336",
            Self::Line { .. } | Self::Empty { .. } => "NLU-0337",
            Self::Random => "NLU-0338",
        }
    }

    /// What to type now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Open { path, .. } => Some(format!(
                "find out who could read it; then chmod 600 {}, and set all secrets again if somebody could",
                path.display()
            )),
            Self::Line { path, .. } | Self::Empty { path } => Some(format!(
                "put {} back from a backup, or copy it from another master",
                path.display()
            )),
            Self::Io { .. } | Self::Random => None,
        }
    }
}

/// Keys are never shown.
impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys().iter().map(|key| &key.id)).finish()
    }
}

impl KeyFile {
    /// Reads the key file, or makes one with a new key where there is none. It appears whole or not at all.
    ///
    /// # Errors
    /// [`KeyError`]; a file that others may read is refused.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyError> {
        let keys = match read(path) {
            Err(KeyError::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
                create(path)?;
                read(path)?
            }
            other => other?,
        };
        Ok(Self { path: path.into(), keys: Arc::new(RwLock::new(keys)) })
    }

    fn keys(&self) -> Vec<Arc<Key>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds a new key, which seals from now on. It is in the file before this returns.
    ///
    /// # Errors
    /// [`KeyError`]; then nothing has changed.
    pub(super) fn add(&self) -> Result<(), KeyError> {
        // What is in the file counts, not what was read at the start: a person may have added a key of another master.
        let mut keys = read(&self.path)?;
        keys.push(Arc::new(new_key()?));
        self.put(keys)
    }

    /// Takes keys out that were replaced before the last exchange.
    ///
    /// # Errors
    /// [`KeyError`]; then they are still there.
    pub(super) fn forget_replaced(&self) -> Result<(), KeyError> {
        let mut keys = self.keys();
        keys.drain(..keys.len().saturating_sub(KEPT));
        self.put(keys)
    }

    /// Has the file hold `keys`, all at once.
    fn put(&self, keys: Vec<Arc<Key>>) -> Result<(), KeyError> {
        let text: String = keys.iter().map(|key| format!("{}\n", key.line)).collect();
        write(&self.path, &text, |new, path| fs::rename(new, path))?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// The name of the key that seals.
    pub(super) fn sealing(&self) -> String {
        self.last().id.clone()
    }

    fn last(&self) -> Arc<Key> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keys.last().expect("a key file without a key is refused when it is read"))
    }

    /// Seals `value` as this version of the secret `name`.
    pub(super) fn seal(&self, name: &ObjectName, version: u64, value: &SecretText) -> Sealed {
        let key = self.last();
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .expect("the system gives random bytes once it gave some");
        let mut ciphertext = value.reveal().as_bytes().to_vec();
        key.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound_to(name, version)),
                &mut ciphertext,
            )
            .expect("a secret is far smaller than what the cipher takes");
        Sealed { key_id: key.id.clone(), nonce, ciphertext }
    }

    /// Opens what [`KeyFile::seal`] sealed for the same name and version.
    pub(super) fn open(
        &self,
        name: &ObjectName,
        version: u64,
        key_id: &str,
        nonce: &[u8],
        ciphertext: &[u8],
    ) -> Result<SecretText, Error> {
        let tampered = || Error::Tampered { name: name.clone() };
        let key = self
            .keys()
            .into_iter()
            .find(|key| key.id == key_id)
            .ok_or_else(|| Error::WrongKey { name: name.clone(), key_id: key_id.to_owned() })?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| tampered())?;
        let mut text = ciphertext.to_vec();
        let length = key
            .key
            .open_in_place(nonce, Aad::from(bound_to(name, version)), &mut text)
            .map_err(|_| tampered())?
            .len();
        text.truncate(length);
        String::from_utf8(text).map(SecretText::new).map_err(|_| tampered())
    }
}

/// What is authenticated with a secret. A name holds no NUL.
fn bound_to(name: &ObjectName, version: u64) -> Vec<u8> {
    format!("nimd secret\0{name}\0{version}").into_bytes()
}

/// The keys in the file.
fn read(path: &Path) -> Result<Vec<Arc<Key>>, KeyError> {
    let io = |cause| KeyError::Io { path: path.to_owned(), cause };
    let file = fs::File::open(path).map_err(io)?;
    // Of the open file, not of the name: nobody exchanges it in between.
    let mode = file.metadata().map_err(io)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Open { path: path.to_owned(), mode });
    }
    let text = io::read_to_string(file).map_err(io)?;
    let mut keys = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            let bad = || KeyError::Line { path: path.to_owned(), line: index + 1 };
            keys.push(Arc::new(key(line).ok_or_else(bad)?));
        }
    }
    if keys.is_empty() { Err(KeyError::Empty { path: path.to_owned() }) } else { Ok(keys) }
}

/// The key of one line.
fn key(line: &str) -> Option<Key> {
    let [mark, id, text] = line.split_ascii_whitespace().collect::<Vec<_>>()[..] else {
        return None;
    };
    let bytes = STANDARD.decode(text).ok().filter(|bytes| bytes.len() == KEY_LENGTH)?;
    if mark != MARK || id != key_id(&bytes) {
        return None;
    }
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?);
    Some(Key { id: id.to_owned(), line: line.to_owned(), key })
}

/// A key that nobody has yet.
fn new_key() -> Result<Key, KeyError> {
    let mut bytes = [0; KEY_LENGTH];
    SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::Random)?;
    let line = format!("{MARK} {} {}", key_id(&bytes), STANDARD.encode(bytes));
    key(&line).ok_or(KeyError::Random)
}

/// The name of a key: tells keys apart and catches a damaged line.
fn key_id(bytes: &[u8]) -> String {
    let mut named = b"nimd key id\0".to_vec();
    named.extend_from_slice(bytes);
    Digest::of(&named).to_string()[..12].to_owned()
}

/// Makes a file with a new key. When two do so at once, the first one's stays.
fn create(path: &Path) -> Result<(), KeyError> {
    write(path, &format!("{}\n", new_key()?.line), |new, path| {
        let linked = match fs::hard_link(new, path) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        };
        let removed = fs::remove_file(new);
        linked.and(removed)
    })
}

/// Writes `text` into a new file that the owner alone may read, and has `place` put it where it belongs. All of it is on disk before
/// this returns.
fn write(
    path: &Path,
    text: &str,
    place: impl FnOnce(&Path, &Path) -> io::Result<()>,
) -> Result<(), KeyError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let new = folder.join(format!(".secret.key.{}", uuid::Uuid::now_v7()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    })();
    let placed = match written {
        Ok(()) => place(&new, path),
        Err(cause) => {
            // What is half written is of no use; that it cannot be removed changes nothing about the cause.
            drop(fs::remove_file(&new));
            Err(cause)
        }
    };
    placed
        .and_then(|()| fs::File::open(folder)?.sync_all())
        .map_err(|cause| KeyError::Io { path: path.to_owned(), cause })
}
