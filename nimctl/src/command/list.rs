//! `list`: objects in columns that fit their type.

use nim_shared::api::ObjectView;
use nim_shared::id::ObjectName;
use nim_shared::object::{LiveUpdateData, MASTER, ObjectClass, ObjectType, Spec};
use nim_shared::stamp::Timestamp;
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::List;
use crate::client::Target;
use crate::command::show::none_matches;
use crate::command::{Context, each};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, NONE, Piece, or_none};
use crate::output::text::ago;
use crate::output::{Style, View};

pub(super) async fn run(args: &List, context: &Context) -> Result<Exit, Error> {
    let mut target = Target::new(&["objects"]);
    let names = match args.wanted.split_first() {
        Some((first, names)) if first.parse::<ObjectType>().is_ok() => {
            target = target.with("type", first);
            names
        }
        Some((first, names)) if first.parse::<ObjectClass>().is_ok() => {
            target = target.with("class", first);
            names
        }
        _ => &args.wanted[..],
    };
    let target = target.with_each("name", names).with_each("label", &args.labels);
    let objects: Vec<ObjectView> = context.client.pages(target, args.limit).await?;
    // A label or a limit leaves out what is there.
    let missing = match (&args.labels[..], args.limit) {
        ([], None) => missing(names, &objects),
        _ => Vec::new(),
    };
    if objects.is_empty() && missing.is_empty() && context.printer.format().is_for_people() {
        context.printer.note("there is no such object");
    }
    context.printer.show(&Objects { objects, now: Timestamp::new(OffsetDateTime::now_utc()) })?;
    each(&missing, context, async |name| Err(none_matches(name))).await
}

/// What was named and is not there: a name that is none, and a pattern when nothing at all was found.
fn missing<'a>(names: &'a [String], found: &[ObjectView]) -> Vec<&'a String> {
    let there = |name: &String| found.iter().any(|one| one.object.name.as_str() == name);
    let pattern = |name: &String| name.contains(['*', '?']);
    let missing = |name: &&String| if pattern(name) { found.is_empty() } else { !there(name) };
    names.iter().filter(missing).collect()
}

/// Objects, and when they were asked for.
#[derive(Serialize)]
#[serde(transparent)]
struct Objects {
    objects: Vec<ObjectView>,
    #[serde(skip)]
    now: Timestamp,
}

impl View for Objects {
    fn table(&self, style: Style) -> String {
        let Some(first) = self.objects.first() else {
            return String::new();
        };
        let of = first.object.spec.object_type();
        let one_type = self.objects.iter().all(|one| one.object.spec.object_type() == of);
        let own = if one_type { headings(of) } else { &["TYPE", "WHERE"][..] };
        let seen = self.objects.iter().any(|one| one.last_seen.is_some());
        let labels = self.objects.iter().any(|one| !one.object.labels.is_empty());
        let headings = std::iter::once("NAME")
            .chain(own.iter().copied())
            .chain(labels.then_some("LABELS"))
            .chain(seen.then_some("LAST SEEN"));
        let mut columns = Columns::new(&headings.collect::<Vec<_>>(), style);
        for view in &self.objects {
            let object = &view.object;
            let mut row: Vec<Piece> = vec![object.name.as_str().into()];
            if one_type {
                row.extend(fields(&object.spec).into_iter().map(Piece::from));
            } else {
                row.push(object.spec.object_type().name().into());
                row.push(place(&object.spec).into());
            }
            if labels {
                let pairs: Vec<_> =
                    object.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                row.push(pairs.join(" ").into());
            }
            if seen {
                let ago = view.last_seen.map(|at| ago(at, self.now));
                row.push(ago.unwrap_or_else(|| "never".to_owned()).into());
            }
            columns.row(row);
        }
        columns.text()
    }
}

/// Headings of the columns that objects of one type have beside their name.
const fn headings(of: ObjectType) -> &'static [&'static str] {
    match of {
        ObjectType::Ent => &["NETWORK", "MASK"],
        ObjectType::Hmc => &["ADDRESS", "LOGIN"],
        ObjectType::Cec => &["MACHINE", "HMCS"],
        ObjectType::Master => &["ADDRESS"],
        ObjectType::Vios | ObjectType::Standalone => &["ADDRESS", "FRAME", "LPAR ID"],
        ObjectType::LiveUpdateData => &["CONTENT"],
        ObjectType::LppSource => &["SERVER", "LOCATION", "ACCESS"],
        ObjectType::Script
        | ObjectType::FbScript
        | ObjectType::InstallpBundle
        | ObjectType::FixBundle
        | ObjectType::ExcludeFiles
        | ObjectType::ResolvConf
        | ObjectType::ImageData
        | ObjectType::Mksysb
        | ObjectType::Spot => &["SERVER", "LOCATION"],
        ObjectType::MacGroup | ObjectType::ResGroup => &["MEMBERS"],
    }
}

/// The values in those columns.
fn fields(spec: &Spec) -> Vec<String> {
    match spec {
        Spec::Ent(ent) => vec![ent.net_addr.to_string(), ent.snm.to_string()],
        Spec::Hmc(hmc) => vec![hmc.if1.hostname.clone(), or_none(hmc.login.as_ref())],
        Spec::Cec(cec) => vec![cec.mtms(), joined(&cec.mgmt_source)],
        Spec::Vios(vios) => {
            vec![vios.if1.hostname.clone(), vios.mgmt_source.to_string(), vios.identity.to_string()]
        }
        Spec::Standalone(lpar) => vec![
            lpar.if1.hostname.clone(),
            or_none(lpar.mgmt_source.as_ref()),
            or_none(lpar.identity.as_ref()),
        ],
        Spec::LiveUpdateData(_) => vec![place(spec)],
        Spec::LppSource(source) => {
            let server = source.server.clone().unwrap_or_else(|| MASTER.to_owned());
            vec![server, source.location.clone(), or_none(source.access)]
        }
        Spec::MacGroup(group) => vec![joined(&group.member)],
        Spec::ResGroup(_) => vec![joined(&members(spec))],
        other => match (other.place(), other.interface()) {
            (Some((server, location)), _) => vec![server.to_owned(), location.to_owned()],
            (None, Some(if1)) => vec![if1.hostname.clone()],
            (None, None) => vec![NONE.to_owned()],
        },
    }
}

/// Where an object is, in one value.
fn place(spec: &Spec) -> String {
    match spec {
        Spec::Ent(ent) => ent.net_addr.to_string(),
        Spec::Cec(cec) => cec.mtms(),
        Spec::LiveUpdateData(LiveUpdateData { content: Some(content), location: None, .. }) => {
            format!("{} lines", content.lines().count())
        }
        Spec::MacGroup(group) => format!("{} members", group.member.len()),
        Spec::ResGroup(_) => format!("{} members", members(spec).len()),
        other => match (other.interface(), other.place()) {
            (Some(if1), _) => if1.hostname.clone(),
            (None, Some((_, location))) => location.to_owned(),
            (None, None) => NONE.to_owned(),
        },
    }
}

/// The resources of a group.
fn members(spec: &Spec) -> Vec<ObjectName> {
    spec.references().into_iter().map(|reference| reference.name).collect()
}

fn joined(names: &[ObjectName]) -> String {
    let names: Vec<_> = names.iter().map(ObjectName::as_str).collect();
    if names.is_empty() { NONE.to_owned() } else { names.join(" ") }
}
