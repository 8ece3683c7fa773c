//! Keys of the site: one per host, and two users: the one that nimd logs in with, and an administrator.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, PublicKey, load_secret_key};

/// The private key in `file`, made there when it is missing, with its public half in `file.pub`.
pub(crate) fn load_or_create(file: &Path, comment: &str) -> anyhow::Result<PrivateKey> {
    if file.exists() {
        return load_secret_key(file, None)
            .with_context(|| format!("cannot read {}", file.display()));
    }
    let mut key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519)
        .with_context(|| format!("cannot make a key for {comment}"))?;
    key.set_comment(comment);
    let text = key.to_openssh(LineEnding::LF).context("cannot write a key as text")?;
    write_private(file, text.as_bytes())?;
    let public = key.public_key().to_openssh().context("cannot write a key as text")?;
    let beside = file.with_extension("pub");
    fs::write(&beside, format!("{public}\n"))
        .with_context(|| format!("cannot write {}", beside.display()))?;
    Ok(key)
}

/// Line of `known_hosts` for a host.
pub(crate) fn known_host(address: &str, port: u16, key: &PublicKey) -> anyhow::Result<String> {
    let key = key.to_openssh().context("cannot write a key as text")?;
    // OpenSSH writes a port other than 22 in brackets.
    let host = if port == 22 { address.to_owned() } else { format!("[{address}]:{port}") };
    let mut words = key.split(' ');
    let (kind, data) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Ok(format!("{host} {kind} {data}"))
}

/// What an `authorized_keys` file says of a key: the command it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Authorized {
    /// Any command.
    Free,
    /// This command, whatever is asked for.
    Forced(String),
}

/// Looks for `key` in the text of an `authorized_keys` file. Of the options only `command="…"` matters here: the lab's server never
/// forwards, so `restrict` and its parts hold anyway.
pub(crate) fn authorized(text: &str, key: &PublicKey) -> Option<Authorized> {
    text.lines().map(str::trim).filter(|line| !line.starts_with('#')).find_map(|line| {
        let (options, rest) = split_options(line);
        let known = PublicKey::from_openssh(rest).ok()?;
        (known.key_data() == key.key_data())
            .then(|| forced(options).map_or(Authorized::Free, Authorized::Forced))
    })
}

/// Options end at the first blank outside quotes; a line without options begins with the key type.
fn split_options(line: &str) -> (&str, &str) {
    if PublicKey::from_openssh(line).is_ok() {
        return ("", line);
    }
    let (mut quoted, mut escaped) = (false, false);
    for (index, c) in line.char_indices() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\t' if !quoted => return (&line[..index], line[index..].trim_start()),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    (line, "")
}

/// The value of `command="…"`, where `\"` stands for a quote.
fn forced(options: &str) -> Option<String> {
    let at = options.find("command=\"").filter(|at| *at == 0 || options[..*at].ends_with(','))?;
    let mut value = String::new();
    let mut rest = options[at + "command=\"".len()..].chars();
    loop {
        match rest.next()? {
            '"' => return Some(value),
            '\\' => match rest.next()? {
                '"' => value.push('"'),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
}

fn write_private(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, bytes)?;
        fs::set_permissions(file, Permissions::from_mode(0o600))
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PublicKey {
        PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap().public_key().clone()
    }

    #[test]
    fn a_forced_command_is_read_with_its_quotes() {
        let (mine, other) = (key(), key());
        let line = mine.to_openssh().unwrap();
        let text = format!(
            "# comment\n{}\nrestrict,command=\"sh -c \\\"exec x gate\\\"\" {line} nimd@master\n",
            other.to_openssh().unwrap()
        );
        assert_eq!(
            authorized(&text, &mine),
            Some(Authorized::Forced("sh -c \"exec x gate\"".to_owned()))
        );
        assert_eq!(authorized(&text, &other), Some(Authorized::Free));
        assert_eq!(authorized(&text, &key()), None);
    }

    #[test]
    fn a_key_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/id_ed25519");
        let made = load_or_create(&file, "test").unwrap();
        let read = load_or_create(&file, "test").unwrap();
        assert_eq!(made.public_key().key_data(), read.public_key().key_data());
    }
}
