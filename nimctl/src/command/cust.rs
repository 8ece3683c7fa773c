//! `cust`: asks for Live Updates, and follows them.

mod attributes;

use nim_shared::api::{Accepted, Cust as Body, OperationView};
use nim_shared::id::ClientToken;
use uuid::Uuid;

use crate::cli::{Cust, Format};
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::count;
use crate::watch::{self, Shown, Subject};

pub(super) async fn run(args: &Cust, context: &Context) -> Result<Exit, Error> {
    let token = ClientToken(Uuid::new_v4());
    let attributes::Order { body, detach } = attributes::order(args, token)?;
    let accepted = ask(&body, context).await?;
    let printer = context.printer;
    if detach {
        if printer.format() == Format::Table {
            let number = count(accepted.operations.len(), "operation");
            printer.done(&format!("accepted: {number}, batch {}", accepted.batch))?;
            for operation in &accepted.operations {
                printer.done(&format!("  {} {}", operation.id, operation.lpar))?;
            }
            printer.note(&format!("follow: nimctl watch --batch {}", accepted.batch));
        } else {
            printer.data(&accepted)?;
        }
        return Ok(Exit::Done);
    }
    let mut operations = Vec::new();
    for operation in &accepted.operations {
        let target = Target::new(&["operations", &operation.id.to_string()]);
        operations.push(context.client.get::<OperationView>(target).await?);
    }
    watch::follow(&Subject::Batch(accepted.batch), operations, Shown::AtTheEnd, context).await
}

/// Asks until there is an answer, a few times: the token makes the same request count once, so that an answer that was lost with
/// its connection is given again.
async fn ask(body: &Body, context: &Context) -> Result<Accepted, Error> {
    let target = Target::new(&["cust"]);
    match context.client.post(target.clone(), body).await {
        Err(Error::Lost { .. }) => {
            context.printer.note("nimd went away before it answered; asking again, it counts once");
            context.client.post_patiently(target, body).await
        }
        answer => answer,
    }
}
