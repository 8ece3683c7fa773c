//! `rollout`: updates of many LPARs.

mod axis;
mod gantt;
mod picture;
mod plan;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use nim_shared::api::{PlanRollout as Body, RolloutPlanned};

use crate::cli::{PlanRollout, Rollout};
use crate::client::Target;
use crate::command::{Context, apply};
use crate::error::Error;
use crate::exit::Exit;
use plan::Plan;

/// How long `nimd` may take: it plans one rollout after the other, and a large one takes a minute.
const LIMIT: Duration = Duration::from_secs(1800);

pub(super) async fn run(args: &Rollout, context: &Context) -> Result<Exit, Error> {
    let Rollout::Plan(args) = args;
    plan(args, context).await
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
    context.printer.show(&view)?;
    context.printer.warnings(&view.0.warnings);
    if let Some(Picture { path, kind }) = picture {
        let text = match kind {
            Kind::Svg => picture::svg(&view.0),
            Kind::Html => picture::html(&view.0),
        };
        std::fs::write(&path, text).map_err(|cause| Error::File {
            what: "write",
            path: path.clone(),
            cause,
        })?;
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
