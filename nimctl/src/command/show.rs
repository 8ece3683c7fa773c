//! `show`: objects with everything that is known of them, laid out as `lsnim -l` does.

use nim_shared::api::{Failure, FailureKind, ObjectView};
use nim_shared::id::printable;
use serde::Serialize;

use crate::cli::Show;
use crate::client::Target;
use crate::command::{Context, each};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::{clean, moment};
use crate::output::{Style, View};

pub(super) async fn run(args: &Show, context: &Context) -> Result<Exit, Error> {
    let mut objects = Vec::new();
    let exit = each(&args.names, context, async |name| {
        if name.contains(['*', '?']) {
            let target = Target::new(&["objects"]).with("name", name);
            let found: Vec<ObjectView> = context.client.pages(target, None).await?;
            if found.is_empty() {
                return Err(none_matches(name));
            }
            objects.extend(found);
        } else {
            objects.push(context.client.get(Target::new(&["objects", name])).await?);
        }
        Ok(())
    })
    .await?;
    if !objects.is_empty() {
        context.printer.show(&Stanzas(objects))?;
    }
    Ok(exit)
}

/// A pattern that nothing matches is a mistake where something was named.
pub(super) fn none_matches(pattern: &str) -> Error {
    Error::Server(Box::new(Failure {
        code: "NLU-0513".to_owned(),
        message: format!("no object matches \"{}\"", printable(pattern)),
        causes: Vec::new(),
        hint: Some("`nimctl list` shows all".to_owned()),
        faults: Vec::new(),
        kind: FailureKind::NotFound,
    }))
}

#[derive(Serialize)]
#[serde(transparent)]
struct Stanzas(Vec<ObjectView>);

impl View for Stanzas {
    fn table(&self, _: Style) -> String {
        let stanzas: Vec<_> = self.0.iter().map(stanza).collect();
        stanzas.join("\n")
    }
}

fn stanza(view: &ObjectView) -> String {
    let object = &view.object;
    let mut rows = vec![
        ("class".to_owned(), view.class.to_string()),
        ("type".to_owned(), object.spec.object_type().to_string()),
    ];
    rows.extend(object.attributes());
    rows.extend(view.derived.iter().map(|pair| (pair.attribute.clone(), pair.value.clone())));
    if let Some(at) = view.last_seen {
        rows.push(("last_seen".to_owned(), moment(at)));
    }
    rows.push(("created".to_owned(), moment(view.created_at)));
    rows.push((
        "changed".to_owned(),
        format!("{}, version {}", moment(view.changed_at), view.version),
    ));
    let widest = rows.iter().map(|(attribute, _)| attribute.chars().count()).max().unwrap_or(0);
    let mut text = format!("{}:\n", object.name);
    for (attribute, value) in &rows {
        let attribute = clean(attribute);
        let mut lines = value.lines();
        let first = clean(lines.next().unwrap_or_default());
        text += &format!("   {attribute:widest$} = {first}\n");
        for line in lines {
            text += &format!("   {:widest$}   {}\n", "", clean(line));
        }
    }
    text
}
