//! Operations on machines in NIM's words: asked for, and on stdout what NIM's users read there: for one machine what its installer says, line
//! by line; for a group which machines were begun, and what became of them.

use nim_shared::api::{Accepted, Cust, Failure, FailureKind, ObjectView, OperationView};
use nim_shared::nim::message::{Code, Message};
use nim_shared::nim::order::Order;
use nim_shared::object::{ObjectType, Spec};
use nim_shared::operation::StateName;

use crate::client::Target;
use crate::command::Context;
use crate::command::{cust, log};
use crate::error::Error;
use crate::exit::Exit;
use crate::interrupt::Interrupt;

use super::object::{Found, find};
use super::say;

/// The name that messages have.
const PROGRAM: &str = "nim";

/// The machines and groups that an operation is for.
pub(super) struct Targets(Vec<ObjectView>);

impl Targets {
    /// Those that `given` names, each a standalone machine or a group of them; or the exit code where one is missing, which was said.
    ///
    /// # Errors
    /// One is something else.
    pub(super) async fn find(
        given: &Order,
        context: &Context,
    ) -> Result<Result<Self, Exit>, Error> {
        let Found { views, exit } =
            find(PROGRAM, Target::new(&["objects"]), &given.targets, context).await?;
        if exit != Exit::Done {
            return Ok(Err(exit));
        }
        for view in &views {
            let of = view.object.spec.object_type();
            if !matches!(of, ObjectType::Standalone | ObjectType::MacGroup) {
                return Err(say::refused(
                    "NLU-0523",
                    format!(
                        "{} is for standalone machines and their groups, and {} is of type {of}",
                        given.operation, view.object.name
                    ),
                    "lsnim -t standalone and lsnim -t mac_group list them",
                ));
            }
        }
        Ok(Ok(Self(views)))
    }

    /// Their names.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.iter().map(|view| view.object.name.to_string()).collect()
    }

    /// Whether a group is among them.
    pub(super) fn is_group(&self) -> bool {
        self.0.iter().any(|view| matches!(view.object.spec, Spec::MacGroup(_)))
    }
}

/// Asks for `body`, in NIM `operation`, and waits for its end unless it is to be left alone.
///
/// # Errors
/// What nimd refuses: nothing was started.
pub(super) async fn run(
    operation: &str,
    mut body: Cust,
    detach: bool,
    targets: &Targets,
    context: &Context,
) -> Result<Exit, Error> {
    let is_group = targets.is_group();
    if !detach && targets.0.len() + usize::from(is_group) > 1 {
        // One after the other, in their order.
        body.concurrent = body.concurrent.or(Some(1));
    }
    let mut interrupt = Interrupt::listen()?;
    let Some(accepted) = interrupt.before(cust::ask(&body, context)).await else {
        return Ok(interrupted("what was accepted goes on: nimctl status", context));
    };
    let accepted = accepted?;
    for warning in &accepted.warnings {
        say::warning("NLU-0548", PROGRAM, &warning.to_string(), context);
    }
    if is_group {
        context.printer.raw(begun(operation, &accepted).as_bytes())?;
    }
    if detach {
        if is_group {
            let rows: Vec<_> =
                accepted.operations.iter().map(|one| (one.lpar.to_string(), "INITIATED")).collect();
            context.printer.raw(summary(operation, &rows, true).as_bytes())?;
        }
        return Ok(Exit::Done);
    }
    let again = format!("what runs goes on: nimctl watch --batch {}", accepted.batch);
    interrupt
        .before(wait(operation, &accepted, is_group, context))
        .await
        .unwrap_or_else(|| Ok(interrupted(&again, context)))
}

/// Writes what the LPARs say, one after the other, and reports what failed.
async fn wait(
    operation: &str,
    accepted: &Accepted,
    is_group: bool,
    context: &Context,
) -> Result<Exit, Error> {
    let mut exit = Exit::Done;
    let mut rows = Vec::new();
    for one in &accepted.operations {
        let view = log::follow(one.id, context).await?;
        let good = matches!(view.state, StateName::Succeeded | StateName::Unchanged);
        rows.push((view.lpar.to_string(), if good { "SUCCESS" } else { "FAILURE" }));
        if !good {
            failed(&view, context);
            exit = Exit::Nim(Code::Processing.exit());
        }
    }
    if is_group {
        context.printer.raw(summary(operation, &rows, false).as_bytes())?;
    }
    Ok(exit)
}

/// Reports an operation that came to no good end: the cause, what became of it, and NIM's envelope with the machine.
fn failed(view: &OperationView, context: &Context) {
    let failure = view.failure.clone().unwrap_or_else(|| Failure {
        code: "NLU-0525".to_owned(),
        message: format!("the operation on {} was {}", view.lpar, view.state),
        causes: Vec::new(),
        hint: Some(format!("nimctl status {}", view.id)),
        faults: Vec::new(),
        kind: FailureKind::Refused,
    });
    let envelope = format!(
        "{} {PROGRAM}: processing error encountered on \"{}\"",
        Code::Processing,
        view.lpar
    );
    say::message(&Message::of(&failure, PROGRAM).and(envelope), Exit::DidNotSucceed, context);
}

fn interrupted(next: &str, context: &Context) -> Exit {
    let message = Message::new(Code::Interrupted, PROGRAM, "interrupt signal received");
    say::message(&message.then(next), Exit::Interrupted, context)
}

const RULE: &str =
    "+-----------------------------------------------------------------------------+";

/// What NIM shows when it begins with a group. Source: the NIM reference, §3.3 (layout inferred there).
fn begun(operation: &str, accepted: &Accepted) -> String {
    let number = accepted.operations.len();
    let lines = accepted.operations.iter().enumerate().map(|(at, one)| {
        format!(
            " Initiating the {operation} operation on machine {} of {number}: {} ...\n",
            at + 1,
            one.lpar
        )
    });
    format!(
        "{RULE}\n                      Initiating \"{operation}\" Operation\n{RULE}\n Allocating resources ...\n{}",
        lines.collect::<String>()
    )
}

/// What NIM shows at its end with a group. Source: as [`begun`].
fn summary(operation: &str, rows: &[(String, &str)], initiated: bool) -> String {
    let width = rows.iter().map(|(name, _)| name.len() + 1).max().unwrap_or(0).max(24);
    let mut text =
        format!("{RULE}\n                      \"{operation}\" Operation Summary\n{RULE}\n");
    text += &format!(" {:width$}Result\n {:width$}------\n", "Target", "------");
    for (name, result) in rows {
        text += &format!(" {name:width$}{result}\n");
    }
    if initiated {
        text += " Note: Use the lsnim command to monitor progress of \"INITIATED\"\n";
        text += "       targets by viewing their NIM database definition.\n";
    }
    text
}
