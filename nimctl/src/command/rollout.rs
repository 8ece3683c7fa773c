//! `rollout`: updates of many LPARs.

mod axis;
mod gantt;
mod picture;
mod plan;
mod replay;
mod report;
mod retry;
mod status;
#[cfg(test)]
mod tests;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use nim_shared::api::{AskTurn, PlanRollout as Body, RolloutPlanned, RolloutView, TurnRollout};
use nim_shared::id::ClientToken;
use nim_shared::ticket::Ticket;
use uuid::Uuid;

use crate::cli::{PlanRollout, Rollout, StartRollout};
use crate::client::Target;
use crate::command::{Context, apply, cust};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::file;
use crate::output::text::count;
use plan::Plan;
pub(super) use plan::{long, short};
use status::{List, Status};
pub(super) use watch::{Heard, Poll, counts, line, standing};

/// How long `nimd` may take: it plans one rollout after the other, and a large one takes a minute.
pub(super) const LIMIT: Duration = Duration::from_secs(1800);

pub(super) async fn run(args: &Rollout, context: &Context) -> Result<Exit, Error> {
    match args {
        Rollout::Plan(args) => plan(args, context).await,
        Rollout::Start(args) => start(args, context).await,
        Rollout::List => {
            let all = context.client.get(Target::new(&["rollouts"])).await?;
            context.printer.show(&List(all))?;
            Ok(Exit::Done)
        }
        Rollout::Status(args) => {
            let target = Target::new(&["rollouts", &args.rollout]);
            context.printer.show(&Status(context.client.get(target).await?))?;
            Ok(Exit::Done)
        }
        Rollout::Watch(args) => watch::run(args, context).await,
        Rollout::Pause(args) => {
            turn(&args.rollout, TurnRollout::Pause, args.ticket.clone(), context).await
        }
        Rollout::Resume(args) => {
            turn(&args.rollout, TurnRollout::Resume, args.ticket.clone(), context).await
        }
        Rollout::Abort(args) => {
            let abort = TurnRollout::Abort { cancel: args.cancel };
            turn(&args.rollout, abort, args.ticket.clone(), context).await
        }
        Rollout::Approve(args) => {
            let (fingerprint, lpars) = (args.fingerprint, args.lpars.clone());
            let approve = TurnRollout::Approve { fingerprint, lpars };
            turn(&args.rollout, approve, args.ticket.clone(), context).await
        }
        Rollout::Promote(args) => {
            let promote = TurnRollout::Promote { lpars: args.lpars.clone() };
            turn(&args.rollout, promote, args.ticket.clone(), context).await
        }
        Rollout::Retry(args) => retry::run(args, context).await,
        Rollout::Report(args) => report::run(args, context).await,
        Rollout::Replay(args) => replay::run(&args.rollout, context).await,
    }
}

async fn start(args: &StartRollout, context: &Context) -> Result<Exit, Error> {
    let file = apply::read(&args.file)?;
    let token = ClientToken(Uuid::new_v4());
    let body = nim_shared::api::StartRollout {
        token,
        file,
        begin: args.begin,
        fingerprint: args.fingerprint,
        ticket: args.ticket.clone(),
    };
    let target = Target::new(&["rollouts"]);
    let view: RolloutView = cust::ask_patiently(target, &body, Some(LIMIT), context).await?;
    let (name, excluded) = (view.name.clone(), view.excluded);
    context.printer.show(&List(vec![view]))?;
    if context.printer.format().is_for_people() {
        if excluded > 0 {
            let lpars = count(excluded, "LPAR");
            let which = format!("`nimctl rollout report {name}` names them and says why");
            context.printer.note(&format!("left out by the plan: {lpars}; {which}"));
        }
        context.printer.note(&format!("follow: nimctl rollout watch {name}"));
    }
    Ok(Exit::Done)
}

/// Does something with a rollout that was started, and shows how it stands then.
async fn turn(
    rollout: &str,
    turn: TurnRollout,
    ticket: Option<Ticket>,
    context: &Context,
) -> Result<Exit, Error> {
    let target = Target::new(&["rollouts", rollout, "turn"]);
    let view: RolloutView = context.client.post(target, &AskTurn { turn, ticket }).await?;
    context.printer.show(&List(vec![view]))?;
    Ok(Exit::Done)
}

async fn plan(args: &PlanRollout, context: &Context) -> Result<Exit, Error> {
    let picture = args.picture.as_deref().map(Picture::of).transpose()?;
    let file = apply::read(&args.file)?;
    let body = Body { file, what_if: args.what_if.clone(), begin: args.begin };
    let client = context.client.with_limit(LIMIT);
    let planned: RolloutPlanned = client.post(Target::new(&["rollout", "plan"]), &body).await?;
    let late = planned.what_if.as_ref().is_some_and(|tried| !tried.late.is_empty());
    let exit =
        if late || planned.plan.targets.is_empty() { Exit::DidNotSucceed } else { Exit::Done };
    let view = Plan(planned);
    context.printer.show_end(&view, exit)?;
    context.printer.warnings(&view.0.warnings);
    if let Some(Picture { path, kind }) = picture {
        let text = match kind {
            Kind::Svg => picture::svg(&view.0),
            Kind::Html => picture::html(&view.0),
        };
        file::write(&path, text)?;
        context.printer.note(&format!("the picture is in {}", path.display()));
    }
    Ok(exit)
}

/// A picture that is wanted.
struct Picture {
    path: PathBuf,
    kind: Kind,
}

/// What it is written as.
enum Kind {
    Svg,
    Html,
}

impl Picture {
    /// By the end of its name.
    fn of(path: &Path) -> Result<Self, Error> {
        let kind = match path.extension().and_then(|end| end.to_str()) {
            Some("svg") => Kind::Svg,
            Some("html") => Kind::Html,
            _ => {
                return Err(Error::Usage {
                    what: format!("{} is no name for a picture", path.display()),
                    faults: Vec::new(),
                    hint: Some("it ends in .svg or .html".to_owned()),
                });
            }
        };
        Ok(Self { path: path.to_owned(), kind })
    }
}
