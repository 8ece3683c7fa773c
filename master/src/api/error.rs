//! Failures as the API answers them: stable code, what was tried, causes walked from the error's chain, a hint.
//!
//! Codes by origin: 00xx starting nimd, 01xx this API, 02xx connections to hosts, 03xx the database, 04xx the engine.

use std::collections::BTreeMap;
use std::error::Error as StdError;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use nim_shared::api::{Failure, FailureKind, FileFault};
use nim_shared::id::{ObjectName, OperationId, printable};
use tracing::error;

use crate::store;
use crate::telemetry::causes;

/// An answer that is a failure.
#[derive(Debug)]
pub(crate) struct Refusal(Box<Failure>);

/// What handlers return.
pub(crate) type Answer<T> = Result<T, Refusal>;

impl Refusal {
    /// A failure of the API itself.
    pub(crate) fn new(kind: FailureKind, code: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            code: code.to_owned(),
            message: printable(&message.into()),
            causes: Vec::new(),
            hint: None,
            faults: Vec::new(),
            kind,
        }))
    }

    /// The request is wrong.
    pub(crate) fn usage(code: &str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, code, message)
    }

    /// Nothing was done, for a reason that is not in the request alone.
    pub(crate) fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Refused, code, message)
    }

    /// A fault of ours, which the log tells more about.
    pub(crate) fn internal(code: &str, message: impl Into<String>, cause: &dyn StdError) -> Self {
        Self::new(FailureKind::Internal, code, message).because(Some(cause))
    }

    /// What to type or to look at now.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(printable(&hint.into()));
        self
    }

    /// All that is wrong with an input that has several faults.
    pub(crate) fn faults(mut self, faults: Vec<FileFault>) -> Self {
        self.0.faults = faults;
        self
    }

    /// Adds what is known of the cause, in words of others.
    pub(crate) fn caused_by(mut self, causes: impl IntoIterator<Item = String>) -> Self {
        self.0.causes.extend(causes.into_iter().map(|cause| printable(&cause)));
        self
    }

    /// Adds the chain of causes that begins with `cause`.
    pub(crate) fn because(mut self, cause: Option<&dyn StdError>) -> Self {
        self.0.causes = causes(cause);
        self
    }

    /// The failure as it is sent.
    pub(crate) fn failure(self) -> Failure {
        *self.0
    }
}

impl Refusal {
    /// The failure as it is sent. Our own faults are logged where they become an answer; all others are the asker's to read.
    pub(crate) fn logged(self) -> Failure {
        if self.0.kind == FailureKind::Internal {
            error!(error.code = %self.0.code, error = %self.0.causes.join(": "), "{}", self.0.message);
        }
        *self.0
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let failure = self.logged();
        let status = StatusCode::from_u16(failure.kind.status())
            .expect("every kind of failure has a status that HTTP knows");
        (status, Json(failure)).into_response()
    }
}

impl From<Failure> for Refusal {
    /// What a host answered, or why it did not.
    fn from(failure: Failure) -> Self {
        Self::from(Box::new(failure))
    }
}

impl From<Box<Failure>> for Refusal {
    fn from(failure: Box<Failure>) -> Self {
        Self(failure)
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        use store::Error as E;
        let error = match error {
            E::OpenOperation { open } => E::OpenOperation { open: newest_of_each(open) },
            other => other,
        };
        let kind = match &error {
            E::NoSuchObject { .. }
            | E::NoSuchLpar { .. }
            | E::NoSuchList
            | E::NoSuchOperation { .. }
            | E::NoSuchBatch { .. }
            | E::NoSuchRollout { .. }
            | E::NoSuchSecret { .. } => FailureKind::NotFound,
            E::Faults { faults } if faults.iter().all(|f| is_missing(&f.problem)) => {
                FailureKind::NotFound
            }
            E::Faults { .. }
            | E::NotLpars { .. }
            | E::OpenOperation { .. }
            | E::TokenReused { .. }
            | E::Fenced { .. }
            | E::Gap { .. }
            | E::BadNumber { .. }
            | E::WrongState { .. }
            | E::SecretInUse { .. }
            | E::WrongKey { .. }
            | E::OtherHostKey { .. } => FailureKind::Refused,
            E::Unreachable { .. }
            | E::Lost { .. }
            | E::Undecided { .. }
            | E::Busy { .. }
            | E::Full { .. } => FailureKind::Unreachable,
            E::BadUrl(_)
            | E::Database { .. }
            | E::SchemaTooNew { .. }
            | E::Unreadable { .. }
            | E::Tampered { .. }
            | E::KeyFile(_)
            | E::LeaseEnded { .. } => FailureKind::Internal,
        };
        let faults = match &error {
            E::Faults { faults } => faults.iter().map(fault).collect(),
            _ => Vec::new(),
        };
        let refusal =
            Self::new(kind, error.code(), error.to_string()).because(error.source()).faults(faults);
        match error.hint() {
            Some(hint) => refusal.hint(hint),
            None => refusal,
        }
    }
}

/// The newest open operation of each LPAR: beside one that is stuck there may be what looks after it, and that is what runs.
fn newest_of_each(open: Vec<(ObjectName, OperationId)>) -> Vec<(ObjectName, OperationId)> {
    let mut newest: BTreeMap<ObjectName, OperationId> = BTreeMap::new();
    for (lpar, id) in open {
        newest.entry(lpar).and_modify(|known| *known = id.max(*known)).or_insert(id);
    }
    newest.into_iter().collect()
}

/// A fault of one object, without a file: the path is the object's name.
fn fault(fault: &store::object::Fault) -> FileFault {
    FileFault {
        file: None,
        line: None,
        path: fault.object.to_string(),
        message: fault.problem.to_string(),
    }
}

/// Whether it says that there is no such object.
const fn is_missing(problem: &store::object::Problem) -> bool {
    matches!(problem, store::object::Problem::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_lpar_with_two_open_operations_is_named_once_with_the_one_that_runs() {
        let open = |lpar: &str, number: u128| {
            (lpar.parse().unwrap(), OperationId(uuid::Uuid::from_u128(number)))
        };
        let open = vec![open("lpar08", 1), open("lpar08", 2), open("lpar09", 3)];
        let newest = open[1].1;
        let failure = Refusal::from(store::Error::OpenOperation { open }).failure();
        assert_eq!(failure.message, "lpar08, lpar09 already have an open operation");
        assert_eq!(failure.hint, Some(format!("nimctl status {newest}")));
    }

    #[test]
    fn control_characters_of_a_host_do_not_reach_the_answer() {
        let failure = Refusal::usage("NLU-0100", "a\u{1b}[2Jb").hint("c\nd").failure();
        assert_eq!(
            (&*failure.message, failure.hint.as_deref()),
            ("a\u{fffd}[2Jb", Some("c\u{fffd}d"))
        );
    }
}
