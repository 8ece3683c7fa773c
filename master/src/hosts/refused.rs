//! What is said where an agent answers nothing that was asked for: it refuses, or it is silent.

use std::time::Duration;

use nim_shared::api::{Failure, FailureKind};
use nim_shared::frame::Refusal;
use nim_shared::id::{ObjectName, printable};
use nim_shared::operation::Named;

/// The agent on `lpar` refuses; `message` says what was not done.
pub(super) fn refused(
    lpar: &ObjectName,
    message: String,
    why: &Named<Refusal>,
    text: &str,
) -> Failure {
    let (kind, hint) = match why.known() {
        Some(Refusal::Policy) => {
            (FailureKind::Refused, Some(format!("root on {lpar} decides that, in the policy file")))
        }
        Some(Refusal::WrongMoment) => (
            FailureKind::Unreachable,
            Some(format!("nimctl status {lpar}; ask again after the move")),
        ),
        Some(Refusal::UnknownFrame | Refusal::BadRequest) => (
            FailureKind::Refused,
            Some(format!(
                "nimctl agent status {lpar} shows its version; nimctl agent bundle installs ours"
            )),
        ),
        _ => (FailureKind::Refused, None),
    };
    let causes = vec![printable(text)];
    Failure { code: "NLU-0187".to_owned(), message, causes, hint, faults: Vec::new(), kind }
}

/// `what` on `lpar` did not answer within `limit`.
pub(super) fn late(lpar: &ObjectName, what: &str, limit: Duration) -> Failure {
    Failure {
        code: "NLU-0188".to_owned(),
        message: format!("{what} on {lpar} did not answer within {} s", limit.as_secs()),
        causes: Vec::new(),
        hint: Some("during the standstill of a Live Update that is so: nimctl status".to_owned()),
        faults: Vec::new(),
        kind: FailureKind::Unreachable,
    }
}
