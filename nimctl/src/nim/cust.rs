//! `nim -o cust …`: asks for Live Updates, or for installations without one, and writes on stdout what NIM's users read there: for one machine what
//! geninstall says, line by line; for a group which machines were begun, and what became of them.

use nim_shared::api::{Accepted, Failure, FailureKind, ObjectView, OperationView, Pair};
use nim_shared::id::ClientToken;
use nim_shared::nim::message::{Code, Message};
use nim_shared::nim::order::Order;
use nim_shared::object::{ObjectType, Spec};
use nim_shared::operation::StateName;
use uuid::Uuid;

use crate::cli::Cust;
use crate::client::Target;
use crate::command::Context;
use crate::command::cust::attributes::{self, order};
use crate::command::{cust, log};
use crate::error::Error;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::pair::Assignment;

use super::object::{Found, find};
use super::say;

/// The name that messages have.
const PROGRAM: &str = "nim";

/// Does what `given` asks for.
///
/// # Errors
/// What cannot be asked for, and what nimd refuses: nothing was started.
pub(super) async fn run(given: &Order, context: &Context) -> Result<Exit, Error> {
    let Found { views, exit } =
        find(PROGRAM, Target::new(&["objects"]), &given.targets, context).await?;
    if exit != Exit::Done {
        return Ok(exit);
    }
    for view in &views {
        let of = view.object.spec.object_type();
        if !matches!(of, ObjectType::Standalone | ObjectType::MacGroup) {
            return Err(say::refused(
                "NLU-0523",
                format!(
                    "cust is for standalone machines and their groups, and {} is of type {of}",
                    view.object.name
                ),
                "lsnim -t standalone and lsnim -t mac_group list them",
            ));
        }
    }
    let given = expanded(given, context).await?;
    // NIM waits for one machine, and does not for a group; async= says otherwise.
    let is_group = views.iter().any(|view| matches!(view.object.spec, Spec::MacGroup(_)));
    let mut args = Cust {
        attributes: given
            .iter()
            .map(|pair| Assignment { attribute: pair.attribute.clone(), value: pair.value.clone() })
            .collect(),
        preview: false,
        detach: false,
        targets: views.iter().map(|view| view.object.name.to_string()).collect(),
    };
    let has = |attribute: &str| given.iter().any(|pair| pair.attribute == attribute);
    let detach = if has("async") { None } else { Some(is_group) };
    let live_update =
        given.iter().any(|pair| pair.attribute == "live_update" && pair.value == "yes");
    let names_none = !["fixes", "filesets", "installp_bundle"].into_iter().any(has);
    if live_update && names_none && has("lpp_source") {
        // As NIM: then the source is named for nothing, and the kernel moves as it is.
        args.attributes.retain(|assignment| assignment.attribute != "lpp_source");
        let text =
            "nothing is installed from lpp_source: no fixes, filesets or installp_bundle are given";
        say::warning("NLU-0524", PROGRAM, text, context);
    }
    let attributes::Order { mut body, detach: asked } = order(&args, ClientToken(Uuid::new_v4()))?;
    let detach = detach.unwrap_or(asked);
    if !detach && views.len() + usize::from(is_group) > 1 {
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
        context.printer.raw(begun(&accepted).as_bytes())?;
    }
    if detach {
        if is_group {
            let rows: Vec<_> =
                accepted.operations.iter().map(|one| (one.lpar.to_string(), "INITIATED")).collect();
            context.printer.raw(summary(&rows, true).as_bytes())?;
        }
        return Ok(Exit::Done);
    }
    let again = format!("what runs goes on: nimctl watch --batch {}", accepted.batch);
    interrupt
        .before(wait(&accepted, is_group, context))
        .await
        .unwrap_or_else(|| Ok(interrupted(&again, context)))
}

/// Writes what the LPARs say, one after the other, and reports what failed.
async fn wait(accepted: &Accepted, is_group: bool, context: &Context) -> Result<Exit, Error> {
    let mut exit = Exit::Done;
    let mut rows = Vec::new();
    for operation in &accepted.operations {
        let view = log::follow(operation.id, context).await?;
        let good = matches!(view.state, StateName::Succeeded | StateName::Unchanged);
        rows.push((view.lpar.to_string(), if good { "SUCCESS" } else { "FAILURE" }));
        if !good {
            failed(&view, context);
            exit = Exit::Nim(Code::Processing.exit());
        }
    }
    if is_group {
        context.printer.raw(summary(&rows, false).as_bytes())?;
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

/// The attributes, with those that a group of resources stands for, without those that only ask NIM to talk.
pub(super) async fn expanded(given: &Order, context: &Context) -> Result<Vec<Pair>, Error> {
    let mut attributes: Vec<Pair> = Vec::new();
    let mut more = Vec::new();
    for pair in &given.attributes {
        match pair.attribute.as_str() {
            "show_progress" | "verbose" => {}
            "group" => {
                let target = Target::new(&["objects", &pair.value]);
                let view: ObjectView = context.client.get(target).await?;
                let Spec::ResGroup(group) = &view.object.spec else {
                    let of = view.object.spec.object_type();
                    return Err(say::usage(
                        format!(
                            "group takes a group of resources, and {} is of type {of}",
                            pair.value
                        ),
                        None,
                    ));
                };
                let rows = view.object.spec.attributes().into_iter();
                more.extend(rows.filter(|(attribute, _)| !group.kept.contains_key(attribute)));
            }
            _ => attributes.push(pair.clone()),
        }
    }
    for (attribute, value) in more {
        let attribute = attribute.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        // What was given by name counts.
        if !given.attributes.iter().any(|pair| pair.attribute == attribute) {
            attributes.push(Pair { attribute, value });
        }
    }
    Ok(attributes)
}

const RULE: &str =
    "+-----------------------------------------------------------------------------+";

/// What NIM shows when it begins with a group. Source: the NIM reference, §3.3 (layout inferred there).
fn begun(accepted: &Accepted) -> String {
    let number = accepted.operations.len();
    let lines = accepted.operations.iter().enumerate().map(|(at, one)| {
        format!(
            " Initiating the cust operation on machine {} of {number}: {} ...\n",
            at + 1,
            one.lpar
        )
    });
    format!(
        "{RULE}\n                      Initiating \"cust\" Operation\n{RULE}\n Allocating resources ...\n{}",
        lines.collect::<String>()
    )
}

/// What NIM shows at its end with a group. Source: as [`begun`].
fn summary(rows: &[(String, &str)], initiated: bool) -> String {
    let width = rows.iter().map(|(name, _)| name.len() + 1).max().unwrap_or(0).max(24);
    let mut text = format!("{RULE}\n                      \"cust\" Operation Summary\n{RULE}\n");
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
