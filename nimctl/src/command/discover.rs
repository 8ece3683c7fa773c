//! `discover`: what HMCs show becomes the inventory. What would change is shown before anything does.

use std::time::Duration;

use nim_shared::api::{Applied, Discover as Body, Discovered};
use serde::Serialize;

use crate::cli::Discover;
use crate::client::Target;
use crate::command::Context;
use crate::command::difference::{self, Consent, Differences};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::{Paint, clean};
use crate::output::{Style, View};

/// Longest wait for a survey of a whole site: HMCs take seconds for each frame.
const LIMIT: Duration = Duration::from_secs(600);

pub(super) async fn run(args: &Discover, context: &Context) -> Result<Exit, Error> {
    let target = Target::new(&["discover"]);
    let client = context.client.with_limit(LIMIT);
    let body = |dry_run| Body { hmcs: args.hmcs.clone(), dry_run };
    let consent = Consent::of(args.dry_run, args.yes);
    // With nobody to ask one look is enough: each costs every HMC a listing of all its frames.
    let first = body(consent != Consent::Given);
    let found = Found(client.post(target.clone(), &first).await?);
    let found = match consent {
        Consent::Given => {
            context.printer.show(&found)?;
            found
        }
        Consent::ShowOnly | Consent::Asked => {
            difference::settle(found, consent, context, async || {
                Ok(Found(client.post(target, &body(false)).await?))
            })
            .await?
        }
    };
    for failed in &found.0.failed {
        context.printer.failure(&failed.failure);
    }
    Ok(found.0.failed.iter().map(|one| Exit::from(one.failure.kind)).max().unwrap_or(Exit::Done))
}

/// What was found.
#[derive(Serialize)]
#[serde(transparent)]
struct Found(Discovered);

impl Differences for Found {
    fn applied(&self) -> &Applied {
        &self.0.applied
    }
}

impl View for Found {
    fn table(&self, style: Style) -> String {
        let applied = &self.0.applied;
        let mut text = difference::list(applied, style);
        text += &match (applied.changes.is_empty(), self.0.failed.is_empty()) {
            (false, _) => format!("{}\n", difference::counts(applied)),
            (true, true) => "nothing to change: the inventory is as the HMCs show it\n".to_owned(),
            (true, false) => "nothing to change by the HMCs that answered\n".to_owned(),
        };
        for finding in &self.0.findings {
            let place =
                finding.frame.as_ref().map(|frame| format!(" on {frame}")).unwrap_or_default();
            let head = format!("! {}{place}", clean(&finding.name));
            text += &format!("{}: {}\n", Paint::Care.paint(&head, style), clean(&finding.text));
        }
        text
    }
}
