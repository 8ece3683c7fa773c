//! `explain`: what a code means, what a text of geninstall or a log says, and what went wrong in an operation. Codes and texts need no
//! `nimd`: where one answers, what the site knows is told too.

mod text;

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use nim_shared::api::{EventView, FailureKind, OperationView, SiteEntry};
use nim_shared::code::{self, Knowledge, Matched, Meaning};
use nim_shared::frame::{Body, Known};
use nim_shared::near::closest;
use nim_shared::stamp::Timestamp;
use nim_shared::transcript::{self, Understanding};
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::Explain;
use crate::client::Target;
use crate::command::{Context, log, status};
use crate::error::Error;
use crate::exit::Exit;
use crate::operation::find;
use crate::output::{Style, View};

/// Longest text that is read, in bytes. A run of geninstall prints some hundred kilobytes.
const LIMIT: u64 = 256 << 20;

/// How long what the site knows is waited for: what is built in does not need it.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn run(args: &Explain, context: &Context) -> Result<Exit, Error> {
    let path = Path::new(&args.what);
    if args.what == "-" || path.exists() {
        let text = read(path)?;
        let knowledge = knowledge(context).await;
        context.printer.show(&Explained::of(&text, &knowledge))?;
        return Ok(Exit::Done);
    }
    let knowledge = knowledge(context).await;
    if let Some(meaning) = knowledge.explain(&args.what, "") {
        context.printer.show(&One(meaning))?;
        return Ok(Exit::Done);
    }
    let is_code = code::normal(&args.what).is_some()
        || args.what.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("NLU-"));
    if is_code {
        return Err(unknown(args, &knowledge));
    }
    match find(&args.what, &context.client).await {
        Ok(found) => {
            context.printer.show(&OfOperation::read(found, &knowledge, context).await?)?;
            Ok(Exit::Done)
        }
        Err(Error::NoOperation { .. } | Error::NoServer { .. }) => Err(unknown(args, &knowledge)),
        Err(error) => Err(error),
    }
}

fn unknown(args: &Explain, knowledge: &Knowledge) -> Error {
    let meant =
        closest(&args.what, knowledge.codes()).map(|code| format!("; did you mean {code}?"));
    Error::Unknown {
        typed: args.what.clone(),
        hint: format!(
            "a code is such as 1430-030, HSCL350B, pitfall-1 or NLU-0201; nimctl status --all lists operations{}",
            meant.unwrap_or_default()
        ),
    }
}

/// What is built in, and what the site has added where nimd answers.
async fn knowledge(context: &Context) -> Knowledge {
    let client = context.client.with_limit(PATIENCE);
    match client.get::<Vec<SiteEntry>>(Target::new(&["codes"])).await {
        Ok(site) => Knowledge::with(site),
        Err(Error::NoServer { .. }) => Knowledge::default(),
        // A nimd that knows of no such thing.
        Err(Error::Server(failure)) if failure.kind == FailureKind::NotFound => {
            Knowledge::default()
        }
        // What is built in is told all the same.
        Err(error) => {
            context.printer.failure(&error.failure());
            Knowledge::default()
        }
    }
}

/// The text; `-` is standard input.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let fault = |cause| Error::File { what: "read", path: path.to_owned(), cause };
    let mut text = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(LIMIT).read_to_end(&mut text).map_err(fault)?;
    } else {
        let file = std::fs::File::open(path).map_err(fault)?;
        file.take(LIMIT).read_to_end(&mut text).map_err(fault)?;
    }
    Ok(text)
}

/// What a code means.
#[derive(Serialize)]
#[serde(transparent)]
struct One(Meaning);

impl View for One {
    fn table(&self, _: Style) -> String {
        text::meaning(&self.0, None)
    }
}

/// What was understood of a text.
#[derive(Serialize)]
struct Explained {
    #[serde(flatten)]
    understanding: Understanding,
    #[serde(flatten)]
    matched: Matched,
}

impl Explained {
    fn of(text: &[u8], knowledge: &Knowledge) -> Self {
        Self {
            understanding: transcript::explain(text),
            matched: knowledge.matched(&String::from_utf8_lossy(text)),
        }
    }
}

impl View for Explained {
    fn table(&self, style: Style) -> String {
        let text = text::understanding(&self.understanding, style) + &text::matched(&self.matched);
        if text.is_empty() {
            return "nothing in it is known to be a message, and it is no transcript\n".to_owned();
        }
        text.trim_start_matches('\n').to_owned()
    }
}

/// What an operation came to, and what all that `nimd` keeps of it says.
#[derive(Serialize)]
struct OfOperation {
    operation: OperationView,
    #[serde(flatten)]
    matched: Matched,
    #[serde(skip)]
    now: Timestamp,
}

impl OfOperation {
    async fn read(
        operation: OperationView,
        knowledge: &Knowledge,
        context: &Context,
    ) -> Result<Self, Error> {
        let id = operation.id.to_string();
        let events: Vec<EventView> =
            context.client.pages(Target::new(&["operations", &id, "events"]), None).await?;
        let mut text = log::text(operation.id, None, context).await?;
        for name in operation.report.iter().flat_map(|report| &report.logs) {
            text.push('\n');
            text += &log::text(operation.id, Some(name), context).await?;
        }
        // The output may have been cut; the agent has told its lines besides.
        for line in events.iter().filter_map(reported) {
            if !text.contains(line) {
                text += &format!("\n{line}");
            }
        }
        let mut matched = knowledge.matched(&text);
        for code in operation.report.iter().flat_map(|report| &report.codes) {
            matched.mention(code, knowledge);
        }
        let now = Timestamp::new(OffsetDateTime::now_utc());
        Ok(Self { operation, matched, now })
    }
}

/// The line in which the agent met a code.
fn reported(view: &EventView) -> Option<&str> {
    match &view.event.body {
        Body::Known(known) => match &**known {
            Known::Code { text, .. } => Some(text),
            _ => None,
        },
        Body::Other(_) => None,
    }
}

impl View for OfOperation {
    fn table(&self, style: Style) -> String {
        let one = status::One { view: self.operation.clone(), now: self.now };
        let matched = text::matched(&self.matched);
        let nothing = "\nnothing that is kept of it is known to be a message\n".to_owned();
        one.table(style) + if matched.is_empty() { &nothing } else { &matched }
    }
}
