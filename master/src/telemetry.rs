//! Logging: one line reads on its own **and** has the same identifiers as fields.
//!
//! | level | means |
//! | --- | --- |
//! | `error` | somebody should act |
//! | `warn` | we coped |
//! | `info` | an operation moved, the inventory changed, nimd started or ended |
//! | `debug` | for us |
//!
//! A failure is logged once, where it is handled. A secret is a type whose `Debug` prints `***` and which has no `Display`,
//! so that it cannot get here by accident; a database URL is one of them.

use std::io::IsTerminal as _;

use nim_shared::id::printable;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::settings::LogFormat;

/// The names of fields, so that one thing has one name in all lines. `tests` reads the sources and refuses any other.
pub const FIELDS: &[&str] = &[
    // What an operation is.
    "operation.id",
    "operation.fence",
    "operation.state",
    "operation.stage",
    "operation.phase",
    "operation.epoch",
    "operation.seq",
    "batch.id",
    "rollout.id",
    // A message to a receiver.
    "notice.id",
    // What it is about.
    "lpar.name",
    "frame.name",
    "hmc.name",
    "object.name",
    "object.type",
    "secret.name",
    // Who.
    "master.id",
    "peer.uid",
    "peer.pid",
    // Where.
    "host.name",
    "host.address",
    "path",
    // HTTP.
    "http.method",
    "http.path",
    "http.status",
    // What came of it.
    "count",
    "elapsed_ms",
    "skew_milliseconds",
    "error",
    "error.code",
];

/// The environment variable that says which lines are written, in the syntax of `tracing_subscriber::EnvFilter`.
pub const VARIABLE: &str = "NIMD_LOG";

/// What is written when nobody says otherwise. The database layer logs every statement at `info`.
const DEFAULT: &str = "info,sqlx=warn,sea_orm=warn,sea_orm_migration=warn,russh=warn";

/// The value of [`VARIABLE`] cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no filter.
    #[error("{VARIABLE} is not a log filter such as `info,nim_master::engine=debug`")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Something else set a subscriber first.
    #[error("logging is set up already")]
    Twice(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// `error` and what is under it, in one line: outermost first, without what only repeats the link before it.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    causes(Some(error)).join(": ")
}

/// The texts of `cause` and what is under it, outermost first, without control characters. A link that only repeats the end of
/// the one before it is left out.
#[must_use]
pub fn causes(cause: Option<&dyn std::error::Error>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut next = cause;
    while let Some(error) = next {
        let text = printable(&error.to_string());
        if !text.is_empty() && !texts.last().is_some_and(|last| last.ends_with(text.as_str())) {
            texts.push(text);
        }
        next = error.source();
    }
    texts
}

/// Begins logging to standard error, where systemd and a terminal expect it.
///
/// # Errors
/// [`Error::Filter`] when [`VARIABLE`] cannot be read; [`Error::Twice`] when it was begun before.
pub fn start(format: LogFormat) -> Result<(), Error> {
    let filter = match std::env::var(VARIABLE) {
        Ok(text) => EnvFilter::try_new(text).map_err(Error::Filter)?,
        Err(_) => EnvFilter::new(DEFAULT),
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE)
        // A line that cannot be written is lost. To say so it would write to the same place, and panic where that fails again: a full
        // disk under the log would end whatever logs.
        .log_internal_errors(false)
        .with_target(false);
    match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(Error::Twice)
}

#[cfg(test)]
mod tests;
