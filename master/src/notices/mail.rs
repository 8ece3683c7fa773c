//! Messages to people, given to a program that sends mail: called as sendmail is, with `-i -t` and the mail on its standard input.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nim_shared::id::printable;
use nim_shared::notice::{MailAddress, Message};
use nim_shared::stamp::Timestamp;
use time::format_description::well_known::Rfc2822;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::os;
use crate::program::{self, Ended, Limits};

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program could not be started.
    #[error("{} cannot be started", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// It failed.
    #[error("{} ended with {how}{}", program.display(), said(.output))]
    Failed {
        /// The program.
        program: PathBuf,
        /// Its status, or what ended it.
        how: String,
        /// What it printed.
        output: String,
    },
    /// It took too long.
    #[error("{} took longer than {} s and was ended", program.display(), after.as_secs())]
    TooLong {
        /// The program.
        program: PathBuf,
        /// After this time.
        after: Duration,
    },
}

/// The last line of what a program printed.
fn said(output: &str) -> String {
    let line = output.lines().rfind(|line| !line.trim().is_empty());
    line.map(|line| format!(": {}", printable(line.trim()))).unwrap_or_default()
}

/// Bytes of a program's output that are kept.
const OUTPUT: usize = 4096;

/// Gives a mail to `program`.
///
/// # Errors
/// Why it did not take it.
pub(super) async fn give(
    program: &Path,
    mail: &str,
    within: Duration,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let limits = Limits { time: within, output: OUTPUT };
    let program = program.to_owned();
    let ended = program::run(Command::new(&program).args(["-i", "-t"]), mail, limits, stop).await;
    match ended {
        Ended::Exited(status, _) if status.success() => Ok(()),
        Ended::Exited(status, output) => {
            Err(Error::Failed { program, how: status.to_string(), output })
        }
        Ended::Stopped(output) => {
            Err(Error::Failed { program, how: "nimd stopped".to_owned(), output })
        }
        Ended::Broken(cause, output) => {
            Err(Error::Failed { program, how: cause.to_string(), output })
        }
        Ended::NotStarted(cause) => Err(Error::NotStarted { program, cause }),
        Ended::TooLong(_) => Err(Error::TooLong { program, after: within }),
    }
}

/// The mail, with its headers.
pub(super) fn text(to: &[MailAddress], id: Uuid, at: Timestamp, message: &Message) -> String {
    let to: Vec<String> = to.iter().map(ToString::to_string).collect();
    let host: String = os::host_name()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c))
        .collect();
    let date = at.get().format(&Rfc2822).unwrap_or_default();
    let data = &message.data;
    let mut text = format!(
        "To: {}\nSubject: [nimd] {}\nDate: {date}\nMessage-ID: <{}@{host}>\nAuto-Submitted: auto-generated\n\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n",
        to.join(",\n "),
        subject(&data.text),
        id.simple(),
    );
    let mut line = |what: &str| {
        text.push_str(&printable(what));
        text.push('\n');
    };
    line(&data.text);
    if !data.lpars.is_empty() {
        line("");
    }
    for lpar in &data.lpars {
        let why = lpar.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        line(&format!("  {} is {}{why}", lpar.name, lpar.state));
    }
    if data.more_lpars > 0 {
        line(&format!("  and {} more", data.more_lpars));
    }
    if let Some(rollout) = &data.rollout {
        let counts = &rollout.counts;
        line("");
        line(&format!(
            "Rollout {} is {}, wave {}: {} waiting, {} in flight, {} done, {} failed, {} unreachable, {} left out.",
            rollout.name,
            rollout.phase,
            rollout.wave,
            counts.waiting,
            counts.in_flight,
            counts.done,
            counts.failed,
            counts.unreachable,
            counts.left_out
        ));
        rollout.ticket.iter().for_each(|ticket| line(&format!("Ticket: {ticket}")));
        line(&format!("More: nimctl rollout status {}", rollout.name));
    }
    text
}

/// A header of one line of ASCII.
fn subject(text: &str) -> String {
    let plain = |c: char| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' };
    text.chars().take(SUBJECT).map(plain).collect()
}

/// Longest subject, well below the 998 characters that a line may have. Source: RFC 5322 §2.1.1.
const SUBJECT: usize = 200;
