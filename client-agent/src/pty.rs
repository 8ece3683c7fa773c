//! `hmcauth`: fetches the token that Live Update needs. The password goes through a pseudo terminal, at the password prompt only, so
//! that it stands in no argument list, no environment and no file. Source: LU §5.1 (hmcauth), §7.3 rule 13.

use std::io::{Read, Write};
use std::net::{IpAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use nim_shared::aix::{self, Token};
use nim_shared::frame::SecretText;
use nim_shared::request::Console;
use nim_shared::unit::Seconds;

use crate::command::{self, Commands};
use crate::system::{self, Pty};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Command(#[from] command::Error),
    #[error("cannot use a pseudo terminal")]
    Terminal(#[from] std::io::Error),
    /// hmcauth ended with an error, or was ended. The text is without the secret.
    #[error("hmcauth to {address} as {user} failed: {text}")]
    Refused { address: String, user: String, text: String },
    /// It ended well, and the token is not there.
    #[error(
        "hmcauth to {address} as {user} reported success, and `hmcauth -l` shows no such token"
    )]
    NotThere { address: String, user: String },
}

/// The tokens that the kernel holds.
pub(crate) fn tokens(commands: &Commands) -> Result<Vec<Token>, command::Error> {
    Ok(aix::hmcauth(&commands.ask("hmcauth", &["-l"], LIMIT)?).rows)
}

/// Whether one of `tokens` is for `console` and its user. A name in one and an address in the other is the same console when the
/// name resolves to that address.
pub(crate) fn has_token(tokens: &[Token], console: &Console) -> bool {
    tokens.iter().any(|token| is_for(token, &console.address, &console.user))
}

/// What the kernel holds for a console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// No token.
    Nothing,
    /// One that runs out before it is over, after so long.
    Short(Seconds),
    /// One that lasts, or does not say how long: only some levels do (LU §4.2 M01, M03).
    Enough,
}

/// What of `tokens` is for `console` and its user, where one is `needed` for so long.
pub(crate) fn held(tokens: &[Token], console: &Console, needed: Seconds) -> Held {
    let ours = tokens.iter().filter(|token| is_for(token, &console.address, &console.user));
    let lives: Vec<Option<Seconds>> = ours.map(|token| token.life).collect();
    match lives.iter().map(|life| life.unwrap_or(Seconds(u64::MAX))).max() {
        None => Held::Nothing,
        Some(life) if life < needed => Held::Short(life),
        Some(_) => Held::Enough,
    }
}

fn is_for(token: &Token, address: &str, user: &str) -> bool {
    token.user.as_deref() == Some(user)
        && (token.address.eq_ignore_ascii_case(address) || same_host(&token.address, address))
}

/// Fetches a token with `secret`, and sees that it is there.
pub(crate) fn fetch(
    commands: &Commands,
    console: &Console,
    secret: &SecretText,
) -> Result<(), Error> {
    let Console { address, user, port, .. } = console;
    let port = port.to_string();
    let mut arguments = vec!["-a", address, "-u", user];
    if port != DEFAULT_PORT {
        arguments.extend(["-P", &port]);
    }
    let pty = Pty::open()?;
    let mut child = commands.on_terminal("hmcauth", &arguments, &pty)?;
    let since = Instant::now();
    let conversation = converse(&pty, &mut child, secret, since);
    let left = LIMIT.saturating_sub(since.elapsed());
    let limit = if conversation.is_ok() { left } else { Duration::ZERO };
    let status = command::wait(&mut child, limit)?;
    drop(pty);
    let text = conversation?;
    if !status.is_some_and(|status| status.success()) {
        let text = scrub(&text, secret);
        let text = if text.is_empty() { "it said nothing".to_owned() } else { text };
        return Err(Error::Refused { address: address.clone(), user: user.clone(), text });
    }
    if has_token(&tokens(commands)?, console) {
        return Ok(());
    }
    Err(Error::NotThere { address: address.clone(), user: user.clone() })
}

/// Gives a token back; one that is gone already is no error.
pub(crate) fn release(commands: &Commands, address: &str, user: &str) -> Result<(), Error> {
    let is_there = |tokens: &[Token]| tokens.iter().any(|token| is_for(token, address, user));
    if !is_there(&tokens(commands)?) {
        return Ok(());
    }
    commands.ask("hmcauth", &["-r", "-a", address, "-u", user], LIMIT)?;
    if is_there(&tokens(commands)?) {
        let (address, user) = (address.to_owned(), user.to_owned());
        return Err(Error::Refused { address, user, text: "the token is still there".to_owned() });
    }
    Ok(())
}

/// Answers the password prompt, once, and collects what is printed.
fn converse(
    pty: &Pty,
    child: &mut std::process::Child,
    secret: &SecretText,
    since: Instant,
) -> Result<String, std::io::Error> {
    let mut ours = &pty.ours;
    let mut text = Vec::new();
    let mut given = false;
    while since.elapsed() < LIMIT {
        // Whether it has ended is asked before reading, so that nothing it printed is missed.
        let ended = child.try_wait()?.is_some();
        if !system::wait_readable(&pty.ours, if ended { Duration::ZERO } else { STEP })? {
            if ended {
                break;
            }
            continue;
        }
        let mut part = [0; 1024];
        match ours.read(&mut part) {
            Ok(0) => break,
            Ok(count) if text.len() < MOST_TEXT => text.extend_from_slice(&part[..count]),
            Ok(_) => {}
            // The other side was closed.
            Err(_) => break,
        }
        if !given && is_password_prompt(&text) {
            given = true;
            let mut line = secret.reveal().as_bytes().to_vec();
            line.push(b'\n');
            ours.write_all(&line)?;
            line.fill(0);
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `Enter HMC password:` at the end of what was printed. Source: LU §5.1.
fn is_password_prompt(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let line = text.trim_end_matches(' ').rsplit(['\n', '\r']).next().unwrap_or_default();
    line.contains("password") && line.ends_with(':')
}

/// What was printed, in one line, without the secret and without prompts.
fn scrub(text: &str, secret: &SecretText) -> String {
    let hidden = if secret.reveal().is_empty() {
        text.to_owned()
    } else {
        text.replace(secret.reveal(), "***")
    };
    let lines = hidden
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.ends_with("password:"));
    let line = lines.collect::<Vec<_>>().join(" ");
    nim_shared::id::printable(&line).chars().take(600).collect()
}

fn same_host(one: &str, other: &str) -> bool {
    let other = addresses(other);
    addresses(one).iter().any(|address| other.contains(address))
}

fn addresses(host: &str) -> Vec<IpAddr> {
    (host, 0).to_socket_addrs().map(|found| found.map(|at| at.ip()).collect()).unwrap_or_default()
}

/// hmcauth's own. Source: LU §5.1.
const DEFAULT_PORT: &str = "12443";

/// Time that a logon at a console may take.
const LIMIT: Duration = Duration::from_secs(300);

/// How long one look for output lasts.
const STEP: Duration = Duration::from_millis(200);

const MOST_TEXT: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_given_at_its_prompt_only() {
        for (text, prompt) in [
            ("Enter HMC password:", true),
            ("Enter HMC URI: hmc01\r\nenter hmc PASSWORD: ", true),
            ("Enter HMC user name:", false),
            ("Enter HMC password:\r\n", false),
            ("the password was wrong", false),
        ] {
            assert_eq!(is_password_prompt(text.as_bytes()), prompt, "{text:?}");
        }
    }

    #[test]
    fn a_name_and_its_address_are_the_same_console() {
        let console = Console {
            address: "localhost".to_owned(),
            port: 12443,
            user: "lu".to_owned(),
            secret: "hmc01".parse().unwrap(),
        };
        let token = |address: &str, user: &str| Token {
            address: address.to_owned(),
            user: Some(user.to_owned()),
            port: None,
            life: None,
        };
        assert!(has_token(&[token("LOCALHOST", "lu")], &console));
        assert!(has_token(&[token("127.0.0.1", "lu")], &console));
        assert!(!has_token(&[token("127.0.0.1", "other")], &console));
        assert!(!has_token(&[token("192.0.2.1", "lu")], &console));
    }

    #[test]
    fn a_token_that_runs_out_too_early_is_told_from_one_that_lasts() {
        let console = Console {
            address: "hmc01".to_owned(),
            port: 12443,
            user: "lu".to_owned(),
            secret: "hmc01".parse().unwrap(),
        };
        let token = |user: &str, life: Option<u64>| Token {
            address: "HMC01".to_owned(),
            user: Some(user.to_owned()),
            port: None,
            life: life.map(Seconds),
        };
        let of = |tokens: &[Token]| held(tokens, &console, Seconds(3600));
        assert_eq!(of(&[token("other", None)]), Held::Nothing);
        assert_eq!(of(&[token("lu", Some(3599))]), Held::Short(Seconds(3599)));
        assert_eq!(of(&[token("lu", Some(10)), token("lu", Some(3600))]), Held::Enough);
        assert_eq!(of(&[token("lu", None)]), Held::Enough);
    }

    #[test]
    fn a_secret_that_was_printed_is_not_told() {
        let secret = SecretText::new("tiger".to_owned());
        let text = scrub("Enter HMC password:\r\nLogon with tiger was denied\x1b[2J\n", &secret);
        assert_eq!(text, "Logon with *** was denied\u{fffd}[2J");
    }
}
