//! `agent`: how it comes to the LPARs, and who it says it is.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::Path;

use nim_shared::api::{AgentStatus, ObjectView};
use nim_shared::id::ObjectName;
use serde::Serialize;
use tokio::task::{JoinError, JoinSet};

use crate::cli::Agent;
use crate::client::Target;
use crate::command::{Context, each, show};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::file;
use crate::output::table::{Columns, NONE, Piece, or_none};
use crate::output::text::{Paint, count};
use crate::output::{Style, View};

/// How many agents are asked at a time. `nimd` has its own limits; this one keeps its queue short.
const AT_A_TIME: usize = 16;

/// Beyond this, in milliseconds, an LPAR's clock is worth a warning.
const SKEW: u64 = 30_000;

pub(super) async fn run(args: &Agent, context: &Context) -> Result<Exit, Error> {
    match args {
        Agent::Bundle { directory, lpars } => bundle(directory.as_deref(), lpars, context).await,
        Agent::Status { lpars } => status(lpars, context).await,
    }
}

async fn bundle(
    directory: Option<&Path>,
    lpars: &[ObjectName],
    context: &Context,
) -> Result<Exit, Error> {
    let usage = |what: &str, hint: &str| Error::Usage {
        what: what.to_owned(),
        faults: Vec::new(),
        hint: Some(hint.to_owned()),
    };
    match directory {
        None if lpars.len() > 1 => {
            return Err(usage(
                "each LPAR has its own installer, and standard output takes one",
                "`--directory FOLDER` writes one file for each",
            ));
        }
        None if io::stdout().is_terminal() => {
            return Err(usage(
                "the installer is no text for a terminal",
                "nimctl agent bundle LPAR | ssh root@LPAR sh -s",
            ));
        }
        Some(_) | None => {}
    }
    each(lpars, context, async |lpar| {
        let target = Target::new(&["agent", lpar.as_str(), "bundle"]);
        let script = context.client.get_text(target).await?;
        let Some(directory) = directory else {
            return context.printer.raw(&script);
        };
        let path = directory.join(format!("{lpar}.sh"));
        file::write(&path, script)?;
        context.printer.done(&path.display().to_string())
    })
    .await
}

async fn status(lpars: &[String], context: &Context) -> Result<Exit, Error> {
    let mut asked = JoinSet::new();
    let mut answers = BTreeMap::new();
    // A task that panicked has said so itself.
    let mut note = |joined: Option<Result<Answer, JoinError>>| {
        if let Some(Ok((index, answer))) = joined {
            answers.insert(index, answer);
        }
    };
    for (index, name) in names(lpars, context).await?.into_iter().enumerate() {
        if asked.len() >= AT_A_TIME {
            note(asked.join_next().await);
        }
        let client = context.client.clone();
        let target = Target::new(&["agent", &name, "status"]);
        asked.spawn(async move { (index, client.get::<AgentStatus>(target).await) });
    }
    while let Some(joined) = asked.join_next().await {
        note(Some(joined));
    }
    let mut statuses = Vec::new();
    let mut failures = Vec::new();
    let mut exit = Exit::Done;
    for answer in answers.into_values() {
        match answer {
            Ok(status) => {
                failures.extend(status.failure.clone());
                statuses.push(status);
            }
            Err(error @ Error::NoServer { .. }) => return Err(error),
            Err(error) => failures.push(error.failure()),
        }
    }
    context.printer.show(&Statuses(statuses))?;
    for failure in &failures {
        context.printer.failure(failure);
        exit = exit.max(failure.kind.into());
    }
    Ok(exit)
}

/// The number of a question, and what came of it.
type Answer = (usize, Result<AgentStatus, Error>);

/// The LPARs that are meant.
async fn names(wanted: &[String], context: &Context) -> Result<Vec<String>, Error> {
    let all = Target::new(&["objects"]).with("type", "standalone");
    let mut names = Vec::new();
    let patterns = if wanted.is_empty() { vec!["*".to_owned()] } else { wanted.to_vec() };
    for pattern in patterns {
        if !pattern.contains(['*', '?']) {
            names.push(pattern);
            continue;
        }
        let target = if pattern == "*" { all.clone() } else { all.clone().with("name", &pattern) };
        let found: Vec<ObjectView> = context.client.pages(target, None).await?;
        if found.is_empty() && !wanted.is_empty() {
            return Err(show::none_matches(&pattern));
        }
        names.extend(found.into_iter().map(|view| view.object.name.to_string()));
    }
    Ok(names)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Statuses(Vec<AgentStatus>);

impl View for Statuses {
    fn table(&self, style: Style) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let headings = ["LPAR", "AGENT", "LEVEL", "SERIAL", "LPAR ID", "CLOCK", "OPEN"];
        let mut columns = Columns::new(&headings, style);
        for status in &self.0 {
            let lpar = Piece::from(status.lpar.as_str());
            let Some(hello) = &status.hello else {
                let why = status.failure.as_ref().map_or("no answer", |failure| &failure.code);
                let nothing = [NONE; 5].map(Piece::from);
                columns.row([lpar, Piece::painted(why, Paint::Bad)].into_iter().chain(nothing));
                continue;
            };
            let open = hello.operations.iter().filter(|one| !one.finished).count();
            columns.row([
                lpar,
                Piece::from(&hello.version),
                or_none(hello.level.as_ref()).into(),
                or_none(hello.identity.machine_serial.as_ref()).into(),
                or_none(hello.identity.lpar_id).into(),
                skew(status.skew_milliseconds),
                count(open, "operation").into(),
            ]);
        }
        columns.text()
    }
}

/// How far an LPAR's clock is off.
fn skew(milliseconds: Option<i64>) -> Piece {
    match milliseconds {
        None => NONE.into(),
        Some(skew) => {
            let text = format!("{:+.1} s", seconds(skew));
            if skew.unsigned_abs() > SKEW { Piece::painted(text, Paint::Care) } else { text.into() }
        }
    }
}

/// For display: tenths are enough, so that what a float cannot hold does not matter.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
