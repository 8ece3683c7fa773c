//! `nim -o showlog` and `nim -o reset`: what the last operation on a machine wrote, and whether one is still open.
//!
//! NIM keeps a state that a crash leaves behind, and `reset` puts it right. Here the state of a machine is that of its operations,
//! so there is nothing to put right where none is open; where one is, it is ended by its own means and not by its word.

use nim_shared::api::{ObjectView, OperationView, Page};
use nim_shared::id::{ObjectName, printable};
use nim_shared::nim::order::Order;
use nim_shared::operation::StateName;

use crate::client::Target;
use crate::command::{Context, log};
use crate::error::Error;
use crate::exit::Exit;

use super::machine::{self, Machines};
use super::say;

/// The name that messages have.
const PROGRAM: &str = "nim";

/// Shows the log of the last operation on each machine, with `full_log=yes` of all of them, the oldest first.
///
/// # Errors
/// What is no machine, or a log that this master does not keep.
pub(super) async fn showlog(
    order: &Order,
    views: Vec<ObjectView>,
    context: &Context,
) -> Result<Exit, Error> {
    say::only(order, &["log_type", "full_log", "verbose"])?;
    let kind = order.value("log_type").unwrap_or(INSTALLATION);
    if ![INSTALLATION, SCRIPT].contains(&kind) {
        return Err(say::refused(
            "NLU-0543",
            format!("this master keeps no log of type {}", printable(kind)),
            "log_type=niminst is all that an operation wrote, log_type=script what its scripts did; the others lie on the machine, in /var/adm/ras",
        ));
    }
    let mut exit = Exit::Done;
    let machines = machine::expanded(PROGRAM, views, Machines::Lpars, context).await?;
    for view in &machines {
        let name = &view.object.name;
        let mut operations = match order.value("full_log") {
            Some("yes") => context.client.pages(of(name), None).await?,
            Some("no") | None => {
                context.client.get::<Page<OperationView>>(of(name).with("limit", "1")).await?.items
            }
            Some(other) => {
                return Err(say::usage(
                    format!("full_log is yes or no, not {}", printable(other)),
                    None,
                ));
            }
        };
        if operations.is_empty() {
            let error = say::refused(
                "NLU-0544",
                format!("nothing was done on {name}: there is no log"),
                "a cust makes one",
            );
            exit = exit.max(say::report(PROGRAM, &error, context));
            continue;
        }
        if machines.len() > 1 {
            context.printer.raw(format!("{name}:\n").as_bytes())?;
        }
        // They come with the newest first.
        operations.reverse();
        let mut any = false;
        for operation in operations {
            if kind == INSTALLATION {
                log::whole(operation.id, context).await?;
                any = true;
            } else {
                any |= log::scripts(operation.id, context).await?;
            }
        }
        if !any {
            let error = say::refused(
                "NLU-0544",
                format!("the last operation on {name} ran no script: there is no log"),
                "full_log=yes shows what scripts of all operations wrote",
            );
            exit = exit.max(say::report(PROGRAM, &error, context));
        }
    }
    Ok(exit)
}

/// Sees that no operation is open on the machines.
///
/// # Errors
/// What is no machine.
pub(super) async fn reset(
    order: &Order,
    views: Vec<ObjectView>,
    context: &Context,
) -> Result<Exit, Error> {
    say::only(order, &["verbose"])?;
    let open = StateName::ALL.iter().filter(|state| !state.is_terminal());
    let open: Vec<_> = open.map(|state| state.name()).collect();
    let mut exit = Exit::Done;
    for view in machine::expanded(PROGRAM, views, Machines::Lpars, context).await? {
        let name = &view.object.name;
        let target = of(name).with_each("state", &open).with("limit", "1");
        let found = context.client.get::<Page<OperationView>>(target).await?;
        if let Some(operation) = found.items.first() {
            let error = still_open(operation);
            exit = exit.max(say::report(PROGRAM, &error, context));
        }
    }
    Ok(exit)
}

/// The operations on a machine.
fn of(name: &ObjectName) -> Target {
    Target::new(&["operations"]).with("lpar", name.as_str())
}

fn still_open(operation: &OperationView) -> Error {
    let OperationView { id, lpar, state, .. } = operation;
    let next = match state {
        StateName::Stuck => {
            format!("nimctl status {id} says what to look at; nimctl resolve ends it")
        }
        _ => format!("nimctl cancel {id} ends it as long as that is possible"),
    };
    say::refused("NLU-0545", format!("{lpar} is not reset: operation {id} is {state} on it"), next)
}

/// NIM's name for the log of what was installed.
const INSTALLATION: &str = "niminst";

/// NIM's name for the log of scripts.
const SCRIPT: &str = "script";
