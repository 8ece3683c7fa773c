//! `cust`: asks for Live Updates, and follows them.

pub(crate) mod alt_disk;
pub(crate) mod attributes;
pub(crate) mod maint;

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use nim_shared::api::{Accepted, Cust as Body, OperationView};
use nim_shared::given::Given;
use nim_shared::id::ClientToken;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::cli::Cust;
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output::text::count;
use crate::watch::{self, Shown, Subject};

pub(super) async fn run(args: &Cust, context: &Context) -> Result<Exit, Error> {
    let token = ClientToken(Uuid::new_v4());
    let attributes::Order { body, detach } = attributes::order(args, token)?;
    let mut interrupt = Interrupt::listen()?;
    let printer = context.printer;
    let mut asking = pin!(ask(&body, context));
    let (accepted, interrupted) = match interrupt.before(asking.as_mut()).await {
        Some(answer) => (answer?, false),
        None => {
            printer.note("interrupted: waiting for nimd to say whether it was accepted; Ctrl-C once more ends this");
            let Some(answer) = interrupt.before(asking).await else {
                printer.note("what was accepted goes on: `nimctl status` lists it");
                return Ok(Exit::Interrupted);
            };
            (answer?, true)
        }
    };
    show(accepted, detach, interrupted, &mut interrupt, context).await
}

/// Follows what was accepted to its end, unless that is not wanted.
pub(super) async fn follow(
    accepted: Accepted,
    detach: bool,
    context: &Context,
) -> Result<Exit, Error> {
    let mut interrupt = Interrupt::listen()?;
    show(accepted, detach, false, &mut interrupt, context).await
}

async fn show(
    accepted: Accepted,
    detach: bool,
    interrupted: bool,
    interrupt: &mut Interrupt,
    context: &Context,
) -> Result<Exit, Error> {
    let printer = context.printer;
    printer.warnings(&accepted.warnings);
    if detach {
        if printer.format().is_for_people() {
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
    let subject = Subject::Batch(accepted.batch);
    let operations = match interrupted {
        true => None,
        false => interrupt.before(views(&accepted, context)).await,
    };
    let Some(operations) = operations else {
        return Ok(watch::detached(&subject, context));
    };
    watch::follow(&subject, operations?, Shown::AtTheEnd, interrupt, context).await
}

/// The operations as they stand, in the order in which they were accepted: one request a page, however many they are.
pub(crate) async fn views(
    accepted: &Accepted,
    context: &Context,
) -> Result<Vec<OperationView>, Error> {
    let target = Target::new(&["operations"]).with("batch", accepted.batch.to_string());
    let mut views: Vec<OperationView> = context.client.pages(target, None).await?;
    let places: HashMap<_, _> =
        accepted.operations.iter().enumerate().map(|(place, one)| (one.id, place)).collect();
    views.sort_by_key(|view| places.get(&view.id).copied());
    Ok(views)
}

/// Asks until there is an answer, a few times: the token makes the same request count once, so that an answer that was lost with
/// its connection is given again.
pub(crate) async fn ask(body: &Body, context: &Context) -> Result<Accepted, Error> {
    // Its file may ask for disks to be chosen: then LPARs are looked at before it is answered.
    let limit = body.live_update_data.as_ref().map(|_| LOOK);
    ask_patiently(Target::new(&["cust"]), body, limit, context).await
}

/// As [`ask`], for whatever is accepted once for its token.
pub(super) async fn ask_patiently<T: DeserializeOwned>(
    target: Target,
    body: &impl Serialize,
    limit: Option<Duration>,
    context: &Context,
) -> Result<T, Error> {
    let client =
        &limit.map_or_else(|| context.client.clone(), |limit| context.client.with_limit(limit));
    match client.post(target.clone(), body).await {
        Err(Error::Lost { .. }) => {
            context.printer.note("nimd went away before it answered; asking again, it counts once");
            client.post_patiently(target, body).await
        }
        answer => answer,
    }
}

/// All that is wrong with what was given, with where to look.
fn finish(given: Given, hint: &str) -> Result<(), Error> {
    let faults = given.faults();
    if faults.is_empty() {
        return Ok(());
    }
    let what = "this cannot be asked for".to_owned();
    Err(Error::Usage { what, faults, hint: Some(hint.to_owned()) })
}

/// How long LPARs may be looked at before an order for them is accepted or refused.
pub(super) const LOOK: Duration = Duration::from_secs(1800);
