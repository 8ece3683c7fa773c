//! Objects in columns that fit their type.

use nim_shared::api::ObjectView;
use nim_shared::id::ObjectName;
use nim_shared::object::{LiveUpdateData, MASTER, ObjectType, Spec};
use nim_shared::stamp::Timestamp;
use time::OffsetDateTime;

use super::{Found, Wanted};
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::output::stream::Items;
use crate::output::table::{BATCH, NONE, Piece, Rows, or_none};
use crate::output::text::ago;

/// Shows the objects that `target` lists.
pub(super) async fn show(
    kind: Wanted,
    target: Target,
    found: &mut Found<'_>,
    context: &Context,
) -> Result<(), Error> {
    let printer = context.printer;
    let mut lines = context.client.lines::<ObjectView>(target).await?;
    if !printer.format().is_for_people() {
        let mut items = Items::new(printer);
        while let Some(view) = lines.next().await? {
            found.note(view.object.name.as_str());
            items.item(&view)?;
        }
        return items.end();
    }
    let now = Timestamp::new(OffsetDateTime::now_utc());
    let mut first = Vec::new();
    let mut table: Option<(Layout, Rows)> = None;
    while let Some(view) = lines.next().await? {
        found.note(view.object.name.as_str());
        if table.is_none() && first.len() == BATCH {
            // What is still to come may have what these have not.
            let of = match kind {
                Wanted::Type(of) => Some(of),
                Wanted::Class(_) | Wanted::All => None,
            };
            let layout = Layout { of, labels: true, seen: true };
            let mut rows = Rows::new(layout.headings(), printer.style_of_stdout());
            for view in first.drain(..) {
                rows.row(layout.row(&view, now))
                    .map_or(Ok(()), |text| printer.raw(text.as_bytes()))?;
            }
            table = Some((layout, rows));
        }
        match &mut table {
            Some((layout, rows)) => {
                if let Some(text) = rows.row(layout.row(&view, now)) {
                    printer.raw(text.as_bytes())?;
                }
            }
            None => first.push(view),
        }
    }
    let rows = match table {
        Some((_, rows)) => rows,
        None if first.is_empty() => return Ok(()),
        None => {
            let layout = Layout::of(&first);
            let mut rows = Rows::new(layout.headings(), printer.style_of_stdout());
            for view in &first {
                rows.row(layout.row(view, now))
                    .map_or(Ok(()), |text| printer.raw(text.as_bytes()))?;
            }
            rows
        }
    };
    printer.raw(rows.end().as_bytes())
}

/// Which columns there are.
struct Layout {
    /// The type that all have.
    of: Option<ObjectType>,
    labels: bool,
    seen: bool,
}

impl Layout {
    /// For these and no others.
    fn of(views: &[ObjectView]) -> Self {
        let mut types = views.iter().map(|view| view.object.spec.object_type());
        let first = types.next();
        Self {
            of: first.filter(|first| types.all(|of| of == *first)),
            labels: views.iter().any(|view| !view.object.labels.is_empty()),
            seen: views.iter().any(|view| view.last_seen.is_some()),
        }
    }

    fn headings(&self) -> Vec<String> {
        let own = self.of.map_or(&["TYPE", "WHERE"][..], headings);
        let all = std::iter::once("NAME")
            .chain(own.iter().copied())
            .chain(self.labels.then_some("LABELS"))
            .chain(self.seen.then_some("LAST SEEN"));
        all.map(ToOwned::to_owned).collect()
    }

    fn row(&self, view: &ObjectView, now: Timestamp) -> Vec<Piece> {
        let object = &view.object;
        let mut row: Vec<Piece> = vec![object.name.as_str().into()];
        if self.of.is_some() {
            row.extend(fields(&object.spec).into_iter().map(Piece::from));
        } else {
            row.push(object.spec.object_type().name().into());
            row.push(place(&object.spec).into());
        }
        if self.labels {
            let pairs: Vec<_> =
                object.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            row.push(pairs.join(" ").into());
        }
        if self.seen {
            let is_host = object.spec.object_type() == ObjectType::Standalone;
            row.push(match view.last_seen {
                Some(at) => ago(at, now).into(),
                None if is_host => "never".into(),
                // Nobody talks with an agent there.
                None => NONE.into(),
            });
        }
        row
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
