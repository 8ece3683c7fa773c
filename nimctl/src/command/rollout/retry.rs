//! `rollout retry`: what is to be tried again is shown, and then asked about.

use std::collections::BTreeSet;

use nim_shared::api::{RolloutStatus, RolloutView, TargetView, TryAgain, TurnRollout};
use nim_shared::id::ObjectName;
use serde::Serialize;

use super::status::row;
use super::turn;
use crate::cli::RetryRollout;
use crate::client::Target;
use crate::command::{Context, ask};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, Piece};
use crate::output::text::{Paint, clean, count};
use crate::output::{Style, View};

pub(super) async fn run(args: &RetryRollout, context: &Context) -> Result<Exit, Error> {
    let target = Target::new(&["rollouts", &args.rollout]);
    let status: RolloutStatus = context.client.get(target).await?;
    let chosen = Chosen::of(status, args)?;
    let again: Vec<ObjectName> = chosen.again.iter().map(|one| one.lpar.clone()).collect();
    if again.is_empty() {
        context.printer.show(&chosen)?;
        return Ok(Exit::Refused);
    }
    if !args.yes {
        let printer = context.printer;
        if printer.format().is_for_people() {
            printer.show(&chosen)?;
        } else {
            printer.on_stderr(&chosen.table(printer.style_of_stderr()));
        }
        let lpars = count(again.len(), "LPAR");
        let question = format!("Try {lpars} again?");
        let what = format!("{lpars} would be tried again");
        ask::confirm(&question, &what, "`--yes` tries them without a question", context)?;
    }
    // By its id: another one of the name may have begun meanwhile.
    let id = chosen.rollout.id.to_string();
    let retry = TurnRollout::Retry { lpars: again, remedied: args.remedied };
    turn(&id, retry, args.ticket.clone(), context).await
}

/// Who would be tried again.
#[derive(Serialize)]
struct Chosen {
    rollout: RolloutView,
    /// They are tried again.
    again: Vec<TargetView>,
    /// They stay as they are.
    stay: Vec<Stay>,
    /// How its LPARs stand, each state once.
    #[serde(skip)]
    states: BTreeSet<String>,
}

/// Somebody who stays as it is.
#[derive(Serialize)]
struct Stay {
    lpar: ObjectName,
    why: String,
}

impl Chosen {
    fn of(status: RolloutStatus, args: &RetryRollout) -> Result<Self, Error> {
        let RolloutStatus { view, targets, .. } = status;
        let is_there = |lpar: &&ObjectName| targets.iter().any(|one| one.lpar == **lpar);
        let strangers: Vec<&str> =
            args.lpars.iter().filter(|lpar| !is_there(lpar)).map(ObjectName::as_str).collect();
        if !strangers.is_empty() {
            let what = format!("no LPAR of rollout {}: {}", view.name, strangers.join(" "));
            let hint = Some(format!("nimctl rollout status {} lists them", view.name));
            return Err(Error::Usage { what, faults: Vec::new(), hint });
        }
        let states = targets.iter().map(|one| one.state.clone()).collect();
        let mut chosen = Self { rollout: view, again: Vec::new(), stay: Vec::new(), states };
        for one in targets {
            let named = args.lpars.contains(&one.lpar);
            if !named && !args.classes.iter().any(|class| class.state() == one.state) {
                continue;
            }
            let why = match &one.retry {
                TryAgain::Now => None,
                TryAgain::AfterRemedy { .. } if args.remedied => None,
                TryAgain::AfterRemedy { remedy } => {
                    Some(format!("{remedy} When that is done: --remedied"))
                }
                TryAgain::Not { why } => Some(why.clone()),
            };
            match why {
                None => chosen.again.push(one),
                Some(why) => chosen.stay.push(Stay { lpar: one.lpar, why }),
            }
        }
        Ok(chosen)
    }
}

impl View for Chosen {
    fn table(&self, style: Style) -> String {
        let Self { rollout, again, stay, .. } = self;
        let mut text = String::new();
        if again.is_empty() && stay.is_empty() {
            let states: Vec<&str> = self.states.iter().map(String::as_str).collect();
            let there = states.join(", ");
            text +=
                &format!("nobody of rollout {} ended so; its LPARs are: {there}\n", rollout.name);
        }
        if !again.is_empty() {
            let headings = ["TRIED AGAIN", "WAVE", "STATE", "TRY", "SINCE", "WHY"];
            let mut columns = Columns::new(&headings, style);
            again.iter().for_each(|one| columns.row(row(one)));
            text += &columns.text();
        }
        if !stay.is_empty() {
            let mut columns = Columns::new(&["STAYS AS IT IS", "WHY"], style);
            for one in stay {
                columns.row([Piece::from(one.lpar.as_str()), clean(&one.why).into()]);
            }
            text += &columns.text();
        }
        if matches!(rollout.phase.as_str(), "stopped" | "paused") && !again.is_empty() {
            let what = format!(
                "it is {}: nothing starts before nimctl rollout resume {}",
                rollout.phase, rollout.name
            );
            text += &format!("{}\n", Paint::Care.paint(&what, style));
        }
        text
    }
}
