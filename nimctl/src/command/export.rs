//! `export`: the fleet as `apply` reads it.

use crate::cli::{Export, Format};
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;

pub(super) async fn run(args: &Export, context: &Context) -> Result<Exit, Error> {
    let target = Target::new(&["export"]).with_each("name", &args.names);
    let text = context.client.get_text(target).await?;
    match context.printer.format() {
        Format::Table | Format::Wide | Format::Yaml => context.printer.raw(&text)?,
        Format::Json => {
            // The fleet is YAML whoever asks; in JSON it is the objects that it is made of.
            let target = Target::new(&["objects"]).with_each("name", &args.names);
            let objects: Vec<nim_shared::api::ObjectView> =
                context.client.pages(target, None).await?;
            let objects: Vec<_> = objects.into_iter().map(|view| view.object).collect();
            context.printer.data(&objects)?;
        }
    }
    Ok(Exit::Done)
}
