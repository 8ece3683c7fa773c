//! `retry`: does again what failed, where that makes sense.

use nim_shared::api::{Accepted, Failure, Retry as Body};
use nim_shared::id::ClientToken;
use uuid::Uuid;

use crate::cli::Retry;
use crate::client::Target;
use crate::command::{Context, ask, cust};
use crate::error::Error;
use crate::exit::Exit;
use crate::operation::find;

pub(super) async fn run(args: &Retry, context: &Context) -> Result<Exit, Error> {
    let found = find(&args.operation, &context.client).await?;
    let target = Target::new(&["operations", &found.id.to_string(), "retry"]);
    let mut body = Body {
        token: ClientToken(Uuid::new_v4()),
        move_only: args.move_only,
        remedied: args.remedied,
    };
    let accepted = match once(&target, &body, context).await {
        Err(Error::Server(failure)) if failure.code == REMEDY_FIRST => {
            done(*failure, context)?;
            body.remedied = true;
            once(&target, &body, context).await?
        }
        answer => answer?,
    };
    cust::follow(accepted, args.detach, context).await
}

async fn once(target: &Target, body: &Body, context: &Context) -> Result<Accepted, Error> {
    cust::ask_patiently(target.clone(), body, Some(cust::LOOK), context).await
}

/// Shows what has to be done first, and asks whether it was.
fn done(failure: Failure, context: &Context) -> Result<(), Error> {
    if !ask::is_anybody_there() {
        return Err(Error::Server(Box::new(failure)));
    }
    context.printer.failure(&failure);
    let hint = "say --remedied once it is done";
    ask::confirm("Is that done?", "the update is run again", hint, context)
}

/// The code of a refusal because of what has to be done first.
const REMEDY_FIRST: &str = "NLU-0156";
