//! `apply`: a whole fleet from files. What would change is shown before anything does.

use std::io::Read;
use std::path::{Path, PathBuf};

use nim_shared::api::{Action, Applied, Apply as Body, AttributeChange, File};
use serde::Serialize;

use crate::cli::{Apply, Format};
use crate::client::Target;
use crate::command::{Context, ask};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::{Paint, clean, count};
use crate::output::{Style, View};

pub(super) async fn run(args: &Apply, context: &Context) -> Result<Exit, Error> {
    let files = args.files.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let mut body = Body { files, dry_run: true };
    let target = Target::new(&["apply"]);
    let planned: Applied = context.client.post(target.clone(), &body).await?;
    if args.dry_run || planned.changes.is_empty() {
        context.printer.show(&Difference(planned))?;
        return Ok(Exit::Done);
    }
    let people = context.printer.format() == Format::Table;
    if people && !args.yes {
        context.printer.show(&Difference(planned.clone()))?;
    }
    if !args.yes {
        if !people {
            context
                .printer
                .on_stderr(&Difference(planned.clone()).table(context.printer.style_of_stderr()));
        }
        let objects = count(planned.changes.len(), "object");
        let question = format!("Apply this to {objects}?");
        ask::confirm(
            &question,
            &format!("{objects} would change"),
            "`--yes` applies without a question, `--dry-run` only shows",
            context,
        )?;
    }
    body.dry_run = false;
    let applied: Applied = context.client.post(target, &body).await?;
    if people && !args.yes {
        context.printer.done(&sentence(&applied))?;
    } else {
        context.printer.show(&Difference(applied))?;
    }
    Ok(Exit::Done)
}

/// Reads a file; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<File, Error> {
    let fault = |cause| Error::File { what: "read", path: PathBuf::from(path), cause };
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map_err(fault)?;
        return Ok(File { name: "standard input".to_owned(), text });
    }
    let text = std::fs::read_to_string(path).map_err(fault)?;
    Ok(File { name: path.display().to_string(), text })
}

/// What changes, object by object.
#[derive(Serialize)]
#[serde(transparent)]
struct Difference(Applied);

impl View for Difference {
    fn table(&self, style: Style) -> String {
        let mut text = String::new();
        for change in &self.0.changes {
            let (sign, paint) = match change.action {
                Action::Create => ("+", Paint::Good),
                Action::Change => ("~", Paint::Care),
            };
            let head = format!("{sign} {} {}", change.object_type, change.name);
            text += &format!("{}\n", paint.paint(&head, style));
            for attribute in &change.attributes {
                text += &row(attribute);
            }
        }
        text += &format!("{}\n", sentence(&self.0));
        text
    }
}

/// One attribute before and after. What has several lines is told by their number: `--output yaml` has all of it.
fn row(change: &AttributeChange) -> String {
    let shown = |value: &str| match value.lines().count() {
        0 | 1 => clean(value.trim_end()),
        lines => format!("({lines} lines)"),
    };
    let value = match (&change.before, &change.after) {
        (None, Some(after)) => shown(after),
        (Some(before), Some(after)) => format!("{} -> {}", shown(before), shown(after)),
        (Some(before), None) => format!("{} -> (not set)", shown(before)),
        (None, None) => "(not set)".to_owned(),
    };
    format!("    {}: {value}\n", clean(&change.attribute))
}

fn sentence(applied: &Applied) -> String {
    let of = |action| applied.changes.iter().filter(|change| change.action == action).count();
    let (new, changed) = (of(Action::Create), of(Action::Change));
    let verb = if applied.applied { "" } else { "would be " };
    if applied.changes.is_empty() {
        return format!("nothing to change: {} as the files say", are(applied.unchanged));
    }
    format!("{verb}created: {new}, {verb}changed: {changed}, as they were: {}", applied.unchanged)
}

fn are(unchanged: u64) -> String {
    if unchanged == 1 { "1 object is".to_owned() } else { format!("{unchanged} objects are") }
}
