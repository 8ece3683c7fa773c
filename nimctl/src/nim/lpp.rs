//! `nim -o showres`, `lslpp`, `check` and `update` on an `lpp_source`.
//!
//! The layouts of `showres` and `lslpp` are our own: no listing of NIM's was found in public. `lslpp_flags` with a `c` gives the fields of
//! `lslpp -Lc` in their places.

use nim_shared::api::{ChangePackages, ChangedPackages, LppSourceView, Pair};
use nim_shared::id::ObjectName;
use nim_shared::lpp::{Content, Fileset, ImageKind, base};
use nim_shared::nim::message::Message;
use nim_shared::nim::order::Order;

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::clean;
use crate::output::{Style, View};

use super::say;

/// The name that messages have.
const PROGRAM: &str = "nim";

/// Shows what is in each of the sources, in files and fixes.
pub(super) async fn showres(order: &Order, context: &Context) -> Result<Exit, Error> {
    known(order, &["installp_flags"])?;
    listed(order, context, showres_text).await
}

/// Shows the filesets of each of the sources.
pub(super) async fn lslpp(
    order: &Order,
    sources: Vec<String>,
    context: &Context,
) -> Result<Exit, Error> {
    let order = &Order { targets: sources, ..order.clone() };
    known(order, &["lslpp_flags", "filesets"])?;
    let flags = order.value("lslpp_flags").unwrap_or_default().to_owned();
    let only: Vec<String> = words(order.value("filesets"));
    let colons = flags.contains('c');
    listed(order, context, |content| {
        let mut all = content.filesets.iter().filter(|one| matches(&only, &one.name)).peekable();
        if colons {
            return all.map(colon_row).collect();
        }
        if all.peek().is_none() { String::new() } else { table(all) }
    })
    .await
}

/// Looks into each of the sources again; what is wrong is said, file by file.
pub(super) async fn check(sources: Vec<String>, context: &Context) -> Result<Exit, Error> {
    each(&sources, context, async |name| {
        let target = Target::new(&["lpp_sources", name, "check"]);
        let view: LppSourceView = context.client.post(target, &()).await?;
        Ok(faults(&view, context))
    })
    .await
}

/// Adds packages to a source, or removes them.
pub(super) async fn update(order: &Order, context: &Context) -> Result<Exit, Error> {
    known(order, &["packages", "source", "rm_images", "show_progress", "gencopy_flags"])?;
    let wrong = |what: &str| Err(say::usage(what, None));
    let packages = words(order.value("packages"));
    if packages.is_empty() {
        return wrong(
            "which packages is not said: give -a packages=\"NAME...\" or -a packages=all",
        );
    }
    if order.value("gencopy_flags").is_some() {
        return Err(say::refused(
            "NLU-0521",
            "nothing is changed: of gencopy_flags this master makes nothing",
            "name the packages, and leave the attribute out",
        ));
    }
    let remove = match order.value("rm_images") {
        None | Some("no") => false,
        Some("yes") => true,
        Some(_) => return wrong("rm_images is yes or no"),
    };
    let source = order.value("source").map(str::to_owned);
    if source.is_some() == remove {
        return wrong("give either -a source=PATH|LPP_SOURCE or -a rm_images=yes");
    }
    let body = ChangePackages { source, packages };
    each(&order.targets, context, async |name| {
        let target = Target::new(&["lpp_sources", name, "packages"]);
        let done: ChangedPackages = context.client.post(target, &body).await?;
        context.printer.show(&Changed(&done))?;
        Ok(faults(&done.now, context))
    })
    .await
}

/// Takes out of the attributes of a new source what is to be copied into it; all of it where no packages are named.
pub(super) fn copied(given: &mut Vec<Pair>) -> Option<ChangePackages> {
    let value = |name: &str| {
        let mut found = given.iter().rev();
        found.find(|pair| pair.attribute == name).map(|pair| pair.value.clone())
    };
    let source = value("source")?;
    let mut packages = words(value("packages").as_deref());
    if packages.is_empty() {
        packages.push("all".to_owned());
    }
    given.retain(|pair| !matches!(pair.attribute.as_str(), "source" | "packages"));
    Some(ChangePackages { source: Some(source), packages })
}

/// Copies packages into a source that was just defined.
pub(super) async fn copy(
    name: &ObjectName,
    packages: &ChangePackages,
    context: &Context,
) -> Result<Exit, Error> {
    let target = Target::new(&["lpp_sources", name.as_str(), "packages"]);
    let done: ChangedPackages = context.client.post(target, packages).await?;
    Ok(faults(&done.now, context))
}

/// Refuses attributes that mean nothing here.
fn known(order: &Order, names: &[&str]) -> Result<(), Error> {
    let other = order.attributes.iter().find(|pair| !names.contains(&pair.attribute.as_str()));
    match other {
        None => Ok(()),
        Some(pair) => Err(say::usage(
            format!(
                "{} takes no attribute \"{}\" on an lpp_source",
                order.operation,
                nim_shared::id::printable(&pair.attribute)
            ),
            None,
        )),
    }
}

/// Does `act` for each name; what goes wrong with one is said, and the others go on.
async fn each(
    names: &[String],
    context: &Context,
    act: impl AsyncFn(&str) -> Result<Exit, Error>,
) -> Result<Exit, Error> {
    let mut exit = Exit::Done;
    for name in names {
        if name.parse::<ObjectName>().is_err() {
            exit = exit.max(say::no_object(PROGRAM, name, context));
            continue;
        }
        exit = exit.max(match act(name).await {
            Ok(exit) => exit,
            Err(error) if say::is_missing(&error) => say::no_object(PROGRAM, name, context),
            Err(error @ Error::Server(_)) => say::report(PROGRAM, &error, context),
            Err(other) => return Err(other),
        });
    }
    Ok(exit)
}

/// Shows each source in the words of `text`.
async fn listed(
    order: &Order,
    context: &Context,
    text: impl Fn(&Content) -> String,
) -> Result<Exit, Error> {
    each(&order.targets, context, async |name| {
        let view: LppSourceView = context.client.get(Target::new(&["lpp_sources", name])).await?;
        if context.printer.format().is_for_people() {
            context.printer.raw(text(&view.content).as_bytes())?;
        } else {
            context.printer.show(&Whole(&view))?;
        }
        Ok(match &view.not_indexed {
            Some(reason) => unknown(&view, reason, context),
            None => Exit::Done,
        })
    })
    .await
}

/// Says that nothing is known of a source.
fn unknown(view: &LppSourceView, reason: &str, context: &Context) -> Exit {
    let text = format!("what is in {} is not known: {}", view.name, clean(reason));
    let message = Message::new("NLU-0551", PROGRAM, text).then(format!(
        "make {} readable for nimd on this master, or list it where it lies",
        view.location
    ));
    say::message(&message, Exit::Refused, context)
}

/// Says what is wrong with files of a source.
fn faults(view: &LppSourceView, context: &Context) -> Exit {
    if let Some(reason) = &view.not_indexed {
        return unknown(view, reason, context);
    }
    let mut exit = Exit::Done;
    for fault in &view.content.faults {
        let text = format!("{}: {}", clean(&fault.path), clean(&fault.reason));
        let message = Message::new("NLU-0552", PROGRAM, text)
            .and(format!("in {}, {}", view.name, view.location));
        exit = exit.max(say::message(&message, Exit::DidNotSucceed, context));
    }
    exit
}

/// Words between blanks or commas.
fn words(text: Option<&str>) -> Vec<String> {
    let split = |c: char| c.is_whitespace() || c == ',';
    text.unwrap_or_default()
        .split(split)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether `name` is one of `wanted`; `*` at the end stands for more. Nothing wanted means all.
fn matches(wanted: &[String], name: &str) -> bool {
    wanted.is_empty()
        || wanted.iter().any(|one| match one.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => one == name || one == "all",
        })
}

/// `package:fileset:level: : :state: :description: …`, as `lslpp -Lc` prints it: what is not installed has no state. Source: LU §5.2.
fn colon_row(one: &Fileset) -> String {
    let text = clean(&one.description).replace(':', " ");
    format!(
        "{}:{}:{}: : : : :{text}: : : : : : :0:0:/:\n",
        clean(&one.package),
        clean(&one.name),
        one.level
    )
}

/// Filesets in columns.
fn table<'a>(filesets: impl Iterator<Item = &'a Fileset>) -> String {
    let rows = filesets.map(|one| {
        let kind = match one.kind {
            ImageKind::Install => "I",
            ImageKind::Update => "U",
        };
        [clean(&one.name), one.level.to_string(), kind.to_owned(), clean(&one.description)]
    });
    columns(["Fileset", "Level", "Type", "Description"], &rows.collect::<Vec<_>>())
}

/// Everything that can be installed from it, and the level that it leads to.
fn showres_text(content: &Content) -> String {
    let mut text = String::new();
    if let Some(level) = &content.level {
        text += &format!("Leads to {} ({}).\n\n", clean(&level.to), clean(&level.by));
    }
    if !content.filesets.is_empty() {
        text += &table(content.filesets.iter());
    }
    if !content.ifixes.is_empty() {
        if !content.filesets.is_empty() {
            text.push('\n');
        }
        let said = |answer: Option<bool>| match answer {
            Some(true) => "yes".to_owned(),
            Some(false) => "no".to_owned(),
            None => "not said".to_owned(),
        };
        let rows = content.ifixes.iter().map(|one| {
            [
                clean(base(&one.file)),
                clean(&one.label),
                said(one.live_update),
                clean(&one.description),
            ]
        });
        text +=
            &columns(["Interim fix", "Label", "LU CAPABLE", "Abstract"], &rows.collect::<Vec<_>>());
    }
    text
}

/// Columns as wide as what is in them, with a heading and a rule.
fn columns(heading: [&str; 4], rows: &[[String; 4]]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.chain([heading[at].chars().count()]).max().unwrap_or(0)
    };
    let widths = [0, 1, 2].map(width);
    let line = |row: [&str; 4]| {
        let [a, b, c] = widths;
        let text = format!("{:a$}  {:b$}  {:c$}  {}", row[0], row[1], row[2], row[3]);
        text.trim_end().to_owned() + "\n"
    };
    let mut text = line(heading);
    text += &format!("{}\n", "-".repeat(text.len() - 1));
    rows.iter().for_each(|row| text += &line([&row[0], &row[1], &row[2], &row[3]]));
    text
}

/// A source in the forms for programs.
#[derive(serde::Serialize)]
#[serde(transparent)]
struct Whole<'a>(&'a LppSourceView);

impl View for Whole<'_> {
    fn table(&self, _: Style) -> String {
        showres_text(&self.0.content)
    }
}

/// What an update did, file by file.
#[derive(serde::Serialize)]
#[serde(transparent)]
struct Changed<'a>(&'a ChangedPackages);

impl View for Changed<'_> {
    fn table(&self, _: Style) -> String {
        let rows = |what: &str, files: &[String]| {
            files.iter().map(|file| format!("{what} {}\n", clean(file))).collect::<String>()
        };
        let done = self.0;
        rows("added", &done.added)
            + &rows("removed", &done.removed)
            + &rows("unchanged", &done.unchanged)
    }
}
