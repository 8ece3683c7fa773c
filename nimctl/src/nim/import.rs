//! `import nim`: the objects of an existing master, from its own listings. All or nothing, and only after it was shown.

use std::collections::BTreeMap;

use nim_shared::api::{File, ObjectView};
use nim_shared::id::ObjectName;
use nim_shared::nim::dump;
use nim_shared::nim::taken::{self, Taken};
use nim_shared::object::Object;
use nim_shared::yaml::render_fleet;

use crate::cli::Import;
use crate::client::Target;
use crate::command::Context;
use crate::command::apply::{self, Asked};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::{clean, count};

/// Takes over what `args` names.
///
/// # Errors
/// Files that cannot be read, conflicts, or what nimd refuses: nothing was changed.
pub(crate) async fn run(args: &Import, context: &Context) -> Result<Exit, Error> {
    let Import::Nim(args) = args;
    let files = args.files.iter().map(|path| apply::read(path)).collect::<Result<Vec<_>, _>>()?;
    let (dumped, mut faults) = dump::read(&files);
    let here: Vec<ObjectView> = context.client.pages(Target::new(&["objects"]), None).await?;
    let here: BTreeMap<ObjectName, Object> =
        here.into_iter().map(|view| (view.object.name.clone(), view.object)).collect();
    let mut taken = taken::take(&dumped, &here);
    faults.append(&mut taken.faults);
    if !faults.is_empty() {
        return Err(Error::Usage {
            what: "the listings cannot be taken over as they are; nothing was changed".to_owned(),
            faults,
            hint: Some("write them anew with `lsnim -l` on the NIM master".to_owned()),
        });
    }
    told(&taken, context);
    if !taken.conflicts.is_empty() {
        if !args.skip_conflicts {
            return Err(super::say::conflicts(std::mem::take(&mut taken.conflicts)));
        }
        for conflict in &taken.conflicts {
            let line = clean(&conflict.to_string());
            context.printer.note(&format!("left as it is here: {line}"));
        }
    }
    let asked = Asked { dry_run: args.dry_run, yes: args.yes };
    apply::files(vec![fleet(&taken.objects)?], asked, context).await
}

/// Says what is not taken over.
fn told(taken: &Taken, context: &Context) {
    if context.printer.format().is_for_people() {
        for line in &taken.left_out {
            context.printer.note(&format!("left out: {}", clean(line)));
        }
        if taken.same > 0 {
            context.printer.note(&format!("{} here already", count(taken.same, "object")));
        }
    }
}

/// The objects as a fleet file, which makes them in this order.
fn fleet(objects: &[Object]) -> Result<File, Error> {
    let text = render_fleet(objects)
        .map_err(|cause| Error::Format { format: "YAML", cause: Box::new(cause) })?;
    Ok(File { name: "import".to_owned(), text })
}
