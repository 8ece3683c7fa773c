//! The previews that a preflight asks for: those of `cust`, on all LPARs at a time, waited for and read.

use std::collections::BTreeMap;
use std::time::Duration;

use nim_shared::api::OperationView;
use nim_shared::id::{ClientToken, ObjectName};
use nim_shared::transcript::{self, Understanding};
use uuid::Uuid;

use crate::cli::Cust;
use crate::command::Context;
use crate::command::cust::{self, attributes};
use crate::command::log;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::output::text::count;
use crate::pair::Assignment;
use crate::watch::is_over;

/// What the preview of each LPAR says, or why it says nothing.
pub(super) type Previews = BTreeMap<ObjectName, Result<Understanding, String>>;

/// How often it is asked whether they are over.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs previews with the attributes of `cust`; `None` when a person does not wait for them. They go on then.
pub(super) async fn run(
    given: &[Assignment],
    targets: &[String],
    context: &Context,
) -> Result<Option<Previews>, Error> {
    let live_update = Assignment { attribute: "live_update".to_owned(), value: "yes".to_owned() };
    let all = vec!["*".to_owned()];
    let order = Cust {
        attributes: std::iter::once(live_update).chain(given.iter().cloned()).collect(),
        preview: true,
        detach: false,
        targets: if targets.is_empty() { all } else { targets.to_vec() },
    };
    let body = attributes::order(&order, ClientToken(Uuid::new_v4()))?.body;
    let mut interrupt = Interrupt::listen()?;
    let accepted = cust::ask(&body, context).await?;
    let printer = context.printer;
    printer.warnings(&accepted.warnings);
    let number = count(accepted.operations.len(), "preview");
    printer.note(&format!("{number} under way: nimctl watch --batch {}", accepted.batch));
    let done = async {
        loop {
            let views = cust::views(&accepted, context).await?;
            if views.iter().all(|view| is_over(view.state)) {
                return read(views, context).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match interrupt.before(std::pin::pin!(done)).await {
        Some(previews) => previews.map(Some),
        None => {
            printer.note(&format!("the previews go on: nimctl watch --batch {}", accepted.batch));
            Ok(None)
        }
    }
}

/// What they wrote.
async fn read(views: Vec<OperationView>, context: &Context) -> Result<Previews, Error> {
    let mut previews = Previews::new();
    for view in views {
        let text = log::text(view.id, None, context).await?;
        let found = match text.trim().is_empty() {
            true => Err(format!("the preview wrote nothing: it is {}", view.state)),
            false => Ok(transcript::explain(text.as_bytes())),
        };
        previews.insert(view.lpar, found);
    }
    Ok(previews)
}
