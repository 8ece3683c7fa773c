//! `list`: objects in columns that fit their type, or in columns that were chosen.
//!
//! What is listed comes as a stream and is written as it comes, however long it is. A table is laid out by its first rows; what comes
//! after them makes a column wider, never narrower.

mod objects;
mod rows;

use nim_shared::object::{ObjectClass, ObjectType};

use crate::cli::{Format, List};
use crate::client::Target;
use crate::command::show::none_matches;
use crate::command::{Context, each};
use crate::error::Error;
use crate::exit::Exit;

pub(super) async fn run(args: &List, context: &Context) -> Result<Exit, Error> {
    let (kind, names) = Wanted::of(args);
    let columns = match (&args.columns, context.printer.format()) {
        (Some(columns), _) => Some(columns.clone()),
        (None, Format::Wide) => Some(rows::wide(kind).to_owned()),
        (None, Format::Table | Format::Json | Format::Yaml) => None,
    };
    let target = Target::new(&[if columns.is_some() { "rows" } else { "list" }]);
    let target = match kind {
        Wanted::Type(of) => target.with("type", of.name()),
        Wanted::Class(class) => target.with("class", class.name()),
        Wanted::All => target,
    };
    let target = target
        .with_each("name", names)
        .with_each("label", &args.labels)
        .with_each("where", &args.fields)
        .with_each("sort", &args.sort)
        .with_each("limit", args.limit.map(|limit| limit.to_string()));
    let mut found = Found::new(names);
    match columns {
        Some(columns) => rows::show(&columns, target, &mut found, context).await?,
        None => objects::show(kind, target, &mut found, context).await?,
    }
    // What is chosen further, and a limit, leave out what is there.
    let is_chosen = !args.labels.is_empty() || args.fields.is_some() || args.limit.is_some();
    let missing = if is_chosen { Vec::new() } else { found.missing() };
    if found.items == 0 && missing.is_empty() && context.printer.format().is_for_people() {
        context.printer.note("there is no such object");
    }
    each(&missing, context, async |name| Err(none_matches(name))).await
}

/// What the first word asks for.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Type(ObjectType),
    Class(ObjectClass),
    All,
}

impl Wanted {
    /// A type or a class, and the names that follow.
    fn of(args: &List) -> (Self, &[String]) {
        match args.wanted.split_first() {
            Some((first, names)) => match (first.parse(), first.parse()) {
                (Ok(of), _) => (Self::Type(of), names),
                (Err(_), Ok(class)) => (Self::Class(class), names),
                (Err(_), Err(_)) => (Self::All, &args.wanted),
            },
            None => (Self::All, &args.wanted),
        }
    }
}

/// What came of what was named.
struct Found<'a> {
    names: &'a [String],
    /// Whether each of them is there.
    there: Vec<bool>,
    items: usize,
}

impl<'a> Found<'a> {
    fn new(names: &'a [String]) -> Self {
        Self { names, there: vec![false; names.len()], items: 0 }
    }

    /// Notes an object.
    fn note(&mut self, name: &str) {
        self.items += 1;
        for (there, wanted) in self.there.iter_mut().zip(self.names) {
            *there |= wanted == name;
        }
    }

    /// What was named and is not there: a name that is none, and a pattern when nothing at all was found.
    fn missing(&self) -> Vec<&'a String> {
        let pattern = |name: &str| name.contains(['*', '?']);
        let named = self.names.iter().zip(&self.there);
        let missing = named.filter(|(name, there)| !**there && (!pattern(name) || self.items == 0));
        missing.map(|(name, _)| name).collect()
    }
}
