//! Objects as rows of chosen columns.

use nim_shared::api::{Cell, Row};
use nim_shared::object::ObjectType;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Found, Wanted};
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::output::stream::Items;
use crate::output::table::{NONE, Piece, Rows};

/// The columns that a wide table has.
pub(super) const fn wide(kind: Wanted) -> &'static str {
    match kind {
        Wanted::Type(ObjectType::Standalone) => {
            "name,hostname,hmc,frame,identity,oslevel,state,rmc,operation,labels,seen"
        }
        Wanted::Type(ObjectType::Vios) => {
            "name,hostname,hmc,frame,identity,ioslevel,state,rmc,labels,seen"
        }
        Wanted::Type(ObjectType::Cec) => "name,mtms,hmc,labels,changed,version,comments",
        Wanted::Type(ObjectType::Hmc | ObjectType::Master) => {
            "name,hostname,labels,changed,version,comments"
        }
        Wanted::Type(
            ObjectType::LiveUpdateData
            | ObjectType::LppSource
            | ObjectType::Script
            | ObjectType::FbScript
            | ObjectType::InstallpBundle
            | ObjectType::FixBundle
            | ObjectType::ExcludeFiles
            | ObjectType::ResolvConf
            | ObjectType::ImageData
            | ObjectType::Mksysb
            | ObjectType::Spot,
        ) => "name,server,location,labels,changed,version,comments",
        Wanted::Type(ObjectType::Ent | ObjectType::MacGroup | ObjectType::ResGroup) => {
            "name,labels,changed,version,comments"
        }
        Wanted::Class(_) | Wanted::All => {
            "name,type,class,hostname,frame,location,labels,changed,version,comments"
        }
    }
}

/// Shows the rows that `target` lists.
pub(super) async fn show(
    columns: &str,
    target: Target,
    found: &mut Found<'_>,
    context: &Context,
) -> Result<(), Error> {
    let names: Vec<&str> = columns.split(',').map(str::trim).collect();
    // What was named is looked for by name, also where that is no column.
    let hidden = !names.contains(&"name");
    let asked = if hidden { format!("{columns},name") } else { columns.to_owned() };
    let at = names.iter().position(|name| *name == "name").unwrap_or(names.len());
    let mut lines = context.client.lines::<Row>(target.with("columns", asked)).await?;
    let printer = context.printer;
    let headings = names.iter().map(|name| name.to_uppercase());
    let mut table = Rows::new(headings.collect(), printer.style_of_stdout());
    let mut items = Items::new(printer);
    while let Some(mut row) = lines.next().await? {
        if let Some(Cell::Text(name)) = row.get(at) {
            found.note(name);
        }
        row.truncate(names.len());
        if printer.format().is_for_people() {
            if let Some(text) = table.row(row.iter().map(piece).collect()) {
                printer.raw(text.as_bytes())?;
            }
        } else {
            items.item(&Named { names: &names, row: &row })?;
        }
    }
    if printer.format().is_for_people() { printer.raw(table.end().as_bytes()) } else { items.end() }
}

/// A row with the names of its columns.
struct Named<'a> {
    names: &'a [&'a str],
    row: &'a Row,
}

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.names.len()))?;
        for (name, cell) in self.names.iter().zip(self.row) {
            map.serialize_entry(name, cell)?;
        }
        map.end()
    }
}

fn piece(cell: &Cell) -> Piece {
    match cell {
        Cell::None => NONE.into(),
        Cell::Number(number) => number.to_string().into(),
        Cell::Text(text) => text.into(),
    }
}
