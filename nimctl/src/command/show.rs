//! `show`: objects with everything that is known of them, laid out as `lsnim -l` does.

use std::collections::BTreeMap;

use nim_shared::api::{AdapterView, Failure, FailureKind, MachineAdapters, ObjectView, ViosStatus};
use nim_shared::id::{ObjectName, printable};
use nim_shared::stamp::Timestamp;
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::Show;
use crate::client::Target;
use crate::command::{Context, adapter, each};
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
        let now = Timestamp::new(OffsetDateTime::now_utc());
        let shown = with_adapters(objects, args, context).await?;
        context.printer.show(&Stanzas { shown, now })?;
    }
    Ok(exit)
}

/// The objects, machines on frames with their virtual adapters.
async fn with_adapters(
    objects: Vec<ObjectView>,
    args: &Show,
    context: &Context,
) -> Result<Vec<Shown>, Error> {
    let mut of: BTreeMap<ObjectName, MachineAdapters> = BTreeMap::new();
    if objects.iter().any(|view| view.object.spec.frame().is_some()) {
        let target = Target::new(&["adapters"]).with_each("name", &args.names);
        let all = context.client.lines::<MachineAdapters>(target).await?.all().await?;
        of.extend(all.into_iter().map(|one| (one.name.clone(), one)));
    }
    let shown = objects.into_iter().map(|view| {
        let found = of.get(&view.object.name).cloned();
        let (vios, adapters) = found.map(|one| (one.vios, one.adapters)).unwrap_or_default();
        Shown { view, vios, adapters }
    });
    Ok(shown.collect())
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

/// An object with its virtual adapters, where it is a machine on a frame.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    view: ObjectView,
    #[serde(skip_serializing_if = "Option::is_none")]
    vios: Option<ViosStatus>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    adapters: Vec<AdapterView>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Stanzas {
    shown: Vec<Shown>,
    #[serde(skip)]
    now: Timestamp,
}

impl View for Stanzas {
    fn table(&self, _: Style) -> String {
        let stanzas: Vec<_> = self.shown.iter().map(|one| stanza(one, self.now)).collect();
        stanzas.join("\n")
    }
}

fn stanza(shown: &Shown, now: Timestamp) -> String {
    let Shown { view, vios, adapters } = shown;
    let object = &view.object;
    let mut rows = vec![
        ("class".to_owned(), view.class.to_string()),
        ("type".to_owned(), object.spec.object_type().to_string()),
    ];
    rows.extend(object.attributes());
    rows.extend(view.derived.iter().map(|pair| (pair.attribute.clone(), pair.value.clone())));
    rows.extend(vios.iter().map(|status| ("ioslevel".to_owned(), adapter::vios(status, now))));
    if vios.is_none() && !adapters.is_empty() {
        rows.push(("served_by".to_owned(), adapter::halves(adapters)));
    }
    for (at, view) in adapters.iter().enumerate() {
        let client = match (&view.client, &view.adapter.client_id) {
            _ if vios.is_none() => String::new(),
            (Some(client), _) => format!("{client}: "),
            (None, Some(id)) => format!("partition {id}: "),
            (None, None) => "nobody: ".to_owned(),
        };
        rows.push((format!("adapter{}", at + 1), format!("{client}{}", adapter::line(view))));
    }
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
