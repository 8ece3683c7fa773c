//! The master's own key: made at the first start, shown as the line that hosts get.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};

use super::user_key::{KeyFault, UserKey, load};

/// The public half of the key in `path` as a line of `authorized_keys`, with `comment`. Makes an Ed25519 key where there is no
/// file: it appears whole, readable by its owner alone, or not at all.
///
/// # Errors
/// [`KeyFault`]; a file that others may use is refused.
pub fn own_key(path: &Path, comment: &str) -> Result<String, KeyFault> {
    match load(path) {
        Err(KeyFault::Read(cause)) if cause.kind() == io::ErrorKind::NotFound => {
            make(path, comment)?;
        }
        other => drop(other?),
    }
    public_key(path, comment)
}

/// The public half of the key in `path` as a line of `authorized_keys`, with `comment`.
///
/// # Errors
/// [`KeyFault`], also where there is no file.
pub fn public_key(path: &Path, comment: &str) -> Result<String, KeyFault> {
    let key = load(path)?;
    let public = match &key {
        UserKey::Rsa(key) => key.public().clone(),
        UserKey::Curve(key) => key.public_key().clone(),
    };
    let line = public.to_openssh().map_err(|_| KeyFault::Malformed)?;
    let mut words = line.split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some(algorithm), Some(blob)) => Ok(format!("{algorithm} {blob} {comment}")),
        _ => Err(KeyFault::Malformed),
    }
}

/// Makes a key.
fn make(path: &Path, comment: &str) -> Result<(), KeyFault> {
    let mut key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519)
        .map_err(|_| KeyFault::Malformed)?;
    key.set_comment(comment);
    let text = key.to_openssh(LineEnding::LF).map_err(|_| KeyFault::Malformed)?;
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}.new", std::process::id()));
    let new = Path::new(&new);
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(new)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        // A link, not a rename: a key that somebody made in the meantime is never replaced.
        .and_then(|()| std::fs::hard_link(new, path));
    let removed = std::fs::remove_file(new);
    written.and(removed).map_err(KeyFault::Read)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_then_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id_ed25519");
        let line = own_key(&path, "nimd@master").unwrap();
        assert!(line.starts_with("ssh-ed25519 AAAA") && line.ends_with(" nimd@master"), "{line}");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(own_key(&path, "nimd@master").unwrap(), line);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id_ed25519");
        own_key(&path, "nimd@master").unwrap();
        let before = std::fs::read(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(own_key(&path, "x"), Err(KeyFault::TooOpen { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
