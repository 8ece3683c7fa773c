//! `nim -o check`: an `lpp_source` is looked into, a machine is asked, any other resource is looked for at its place.

use nim_shared::api::{Check, Checked, ObjectView};
use nim_shared::nim::order::Order;
use nim_shared::object::{ObjectClass, Spec};

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;

use super::machine::{self, Machines};
use super::{lpp, say};

/// The name that messages have.
const PROGRAM: &str = "nim";

/// Checks each of `views`; what is not as it should be is said.
///
/// # Errors
/// What is neither a machine nor a resource, or a command line that cannot be meant.
pub(super) async fn run(
    order: &Order,
    views: Vec<ObjectView>,
    context: &Context,
) -> Result<Exit, Error> {
    say::only(order, &["verbose", "debug"])?;
    let mut sources = Vec::new();
    let (mut resources, mut machines) = (Vec::new(), Vec::new());
    for view in views {
        match view.object.spec {
            Spec::LppSource(_) => sources.push(view.object.name.to_string()),
            _ if view.class == ObjectClass::Resources => resources.push(view),
            _ => machines.push(view),
        }
    }
    let mut exit = Exit::Done;
    if !sources.is_empty() {
        exit = exit.max(lpp::check(sources, context).await?);
    }
    let machines = machine::expanded(PROGRAM, machines, Machines::Lpars, context).await?;
    let all: Vec<_> = resources.into_iter().chain(machines).collect();
    let body = Check { force: order.force };
    let checked = machine::at_a_time(&all, context, move |name, context| async move {
        let target = Target::new(&["objects", name.as_str(), "check"]);
        context.client.post::<Checked>(target, &body).await
    });
    for (_, checked) in checked.await {
        let error = match checked {
            Ok(Checked { failure: None, .. }) => continue,
            Ok(Checked { failure: Some(failure), .. }) => Error::Server(Box::new(failure)),
            Err(error @ Error::Server(_)) => error,
            Err(other) => return Err(other),
        };
        exit = exit.max(say::report(PROGRAM, &error, context));
    }
    Ok(exit)
}
