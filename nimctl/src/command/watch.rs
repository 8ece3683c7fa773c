//! `watch`: follows operations that run already.

use nim_shared::api::OperationView;
use nim_shared::operation::StateName;

use crate::cli::Watch;
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::operation::find_all;
use crate::watch::{self, Subject};

pub(super) async fn run(args: &Watch, context: &Context) -> Result<Exit, Error> {
    let mut interrupt = Interrupt::listen()?;
    let Some(wanted) = interrupt.before(wanted(args, context)).await else {
        return Ok(Exit::Interrupted);
    };
    let (subject, operations) = wanted?;
    if operations.is_empty() {
        context.printer.note("nothing is running: `nimctl status --all` lists what ran");
        return Ok(Exit::Done);
    }
    watch::follow(&subject, operations, watch::Shown::AsItGoes, &mut interrupt, context).await
}

/// What is meant, as it stands.
async fn wanted(args: &Watch, context: &Context) -> Result<(Subject, Vec<OperationView>), Error> {
    let all = Target::new(&["operations"]);
    Ok(if let Some(batch) = args.batch {
        let target = all.with("batch", batch.to_string());
        let mut operations: Vec<OperationView> = context.client.pages(target, None).await?;
        // The newest comes first in listings; people think in the order in which they asked.
        operations.reverse();
        (Subject::Batch(batch), operations)
    } else if args.operations.is_empty() {
        let open = StateName::ALL.iter().filter(|state| !watch::is_over(**state));
        let target = all.with_each("state", open.map(|state| state.name()));
        let mut operations: Vec<OperationView> = context.client.pages(target, None).await?;
        operations.reverse();
        (Subject::Operations(operations.iter().map(|view| view.id).collect()), operations)
    } else {
        let mut operations: Vec<OperationView> = Vec::new();
        for found in find_all(&args.operations, &context.client).await? {
            if operations.iter().all(|other| other.id != found.id) {
                operations.push(found);
            }
        }
        (Subject::Operations(operations.iter().map(|view| view.id).collect()), operations)
    })
}
