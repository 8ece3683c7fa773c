//! `nim -o allocate` and `nim -o deallocate`: which resources machines hold. Success is silent.

use nim_shared::api::{Allocate, AllocationChange, Deallocate, ObjectView, Pair};
use nim_shared::id::{ObjectName, printable};
use nim_shared::nim::order::Order;

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;

use super::object::find;
use super::{cust, machine, say};

/// The name that messages have.
const PROGRAM: &str = "nim";

/// Allocates what is named to each machine, or nothing to any.
///
/// # Errors
/// What nimd refuses: nothing was allocated.
pub(super) async fn allocate(
    order: &Order,
    views: Vec<ObjectView>,
    context: &Context,
) -> Result<Exit, Error> {
    let resources = cust::expanded(order, context).await?;
    if resources.is_empty() {
        return Err(say::usage(
            "what is to be allocated is not said: give -a TYPE=RESOURCE",
            Some("lsnim -c resources lists them".to_owned()),
        ));
    }
    if !are_known(&resources, context).await? {
        return Ok(say::exit(nim_shared::nim::message::Code::NoObject));
    }
    let machines = machines(views, context).await?;
    if machines.is_empty() {
        return Ok(Exit::Done);
    }
    let body = Allocate { machines, resources };
    context.client.post::<AllocationChange>(Target::new(&["allocate"]), &body).await?;
    Ok(Exit::Done)
}

/// Takes back what is named from the machines that hold it.
///
/// # Errors
/// What nimd refuses: nothing was taken back.
pub(super) async fn deallocate(
    order: &Order,
    views: Vec<ObjectView>,
    context: &Context,
) -> Result<Exit, Error> {
    let mut resources = cust::expanded(order, context).await?;
    let all = match order.value("subclass") {
        None => false,
        Some("all") => true,
        Some(other) => {
            return Err(say::usage(
                format!("there is no subclass {} here", printable(other)),
                Some("subclass=all means everything that a machine holds".to_owned()),
            ));
        }
    };
    resources.retain(|pair| pair.attribute != "subclass");
    if all != resources.is_empty() {
        return Err(say::usage("give either -a TYPE=RESOURCE or -a subclass=all", None));
    }
    if !are_known(&resources, context).await? {
        return Ok(say::exit(nim_shared::nim::message::Code::NoObject));
    }
    let machines = machines(views, context).await?;
    if machines.is_empty() {
        return Ok(Exit::Done);
    }
    let body = Deallocate { machines, resources, all, force: order.force };
    let done: AllocationChange = context.client.post(Target::new(&["deallocate"]), &body).await?;
    for warning in &done.warnings {
        say::warning("NLU-0548", PROGRAM, &warning.to_string(), context);
    }
    Ok(Exit::Done)
}

/// Whether there are objects of the names that are given; those that are none are said.
async fn are_known(resources: &[Pair], context: &Context) -> Result<bool, Error> {
    let names: Vec<_> = resources.iter().map(|pair| pair.value.clone()).collect();
    if names.is_empty() {
        return Ok(true);
    }
    Ok(find(PROGRAM, Target::new(&["objects"]), &names, context).await?.exit == Exit::Done)
}

/// The machines that are meant.
async fn machines(views: Vec<ObjectView>, context: &Context) -> Result<Vec<ObjectName>, Error> {
    let views = machine::members(PROGRAM, views, context).await?;
    Ok(views.into_iter().map(|view| view.object.name).collect())
}
