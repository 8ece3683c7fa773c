//! `disks` and `release-disks`: what operations left on disks, and freeing those that nothing needs.

use nim_shared::api::{
    Accepted, DiskList, LookAtDisks, ProposedRelease, ReleaseDisks as Body, ReleaseProposal,
};
use nim_shared::disks::Standing;
use nim_shared::id::{ClientToken, DiskName};
use serde::Serialize;
use uuid::Uuid;

use crate::cli::{Disks, ReleaseDisks};
use crate::client::Target;
use crate::command::{Context, ask, cust};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, Layout, NONE, Piece};
use crate::output::text::{Paint, clean, count};
use crate::output::{Style, View};

pub(super) async fn list(args: &Disks, context: &Context) -> Result<Exit, Error> {
    let target = Target::new(&["disks", args.lpar.as_str()]);
    let found: DiskList = context.client.get(target).await?;
    if found.disks.is_empty() {
        context.printer.note(&format!("no operation has left anything on a disk of {}", args.lpar));
    }
    context.printer.show(&Listed(found))?;
    Ok(Exit::Done)
}

pub(super) async fn release(args: &ReleaseDisks, context: &Context) -> Result<Exit, Error> {
    let (lpar, disks) = (args.lpar.as_str(), args.disks.clone());
    let look = LookAtDisks { disks: disks.clone(), give_up: args.give_up };
    let client = context.client.with_limit(cust::LOOK);
    let proposal: ReleaseProposal =
        client.post(Target::new(&["disks", lpar, "look"]), &look).await?;
    let free: Vec<DiskName> = proposal.disks.iter().filter_map(is_free).collect();
    let is_kept = free.len() < proposal.disks.len();
    // What was asked for by name and cannot be is refused by nimd, which says why; so it is where nobody has to be asked.
    let refused = !disks.is_empty() && is_kept;
    if !refused && !args.yes || free.is_empty() {
        context.printer.show(&Proposed(proposal))?;
    }
    if free.is_empty() && !refused {
        context.printer.note(&format!("nothing on {lpar} is to be released"));
        return Ok(Exit::Done);
    }
    if !refused && !args.yes {
        let question = format!("Release {} of {lpar}?", count(free.len(), "disk"));
        let what = format!("the release of {}", names(&free));
        ask::confirm(&question, &what, "say --yes to release them", context)?;
    }
    // By name, so that what changes meanwhile is refused and not taken along.
    let named = if disks.is_empty() { free } else { disks };
    let token = ClientToken(Uuid::new_v4());
    let body = Body { token, disks: named, give_up: args.give_up };
    let target = Target::new(&["disks", lpar, "release"]);
    let accepted: Accepted = cust::ask_patiently(target, &body, Some(cust::LOOK), context).await?;
    cust::follow(accepted, args.detach, context).await
}

fn is_free(one: &ProposedRelease) -> Option<DiskName> {
    one.now.clone().filter(|_| one.against.is_none())
}

fn names(disks: &[DiskName]) -> String {
    disks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The disks as they are on record.
#[derive(Serialize)]
#[serde(transparent)]
struct Listed(DiskList);

impl View for Listed {
    fn table(&self, style: Style) -> String {
        if self.0.disks.is_empty() {
            return String::new();
        }
        let layout = Layout::of(style);
        let headings: &[&str] = if layout == Layout::Below {
            &["DISK, PVID", "USED AS", "GROUP, LEVEL", "GOOD FOR", "UNTIL"]
        } else {
            &["DISK", "PVID", "USED AS", "VOLUME GROUP", "LEVEL", "GOOD FOR", "UNTIL"]
        };
        let mut columns = Columns::new(headings, style);
        for one in &self.0.disks {
            let paint = match one.need {
                Some(_) => Paint::Care,
                None => Paint::Good,
            };
            let disk = [one.disk.name.to_string(), pvid(one)];
            let group = [&one.disk.volume_group, &one.disk.level]
                .map(|value| value.clone().unwrap_or_else(|| NONE.to_owned()));
            let mut row = layout.pieces(disk);
            row.push(one.disk.role.to_string().into());
            row.extend(layout.pieces(group));
            row.push(Piece::painted(one.disk.good_for.to_string(), paint));
            row.push(one.until.as_str().into());
            columns.row(row);
        }
        columns.text()
    }
}

/// What can be released.
#[derive(Serialize)]
#[serde(transparent)]
struct Proposed(ReleaseProposal);

impl View for Proposed {
    fn table(&self, style: Style) -> String {
        let layout = Layout::of(style);
        let headings: &[&str] = if layout == Layout::Below {
            &["DISK, PVID", "USED AS, LEVEL", "RELEASED BY", "KEPT BECAUSE"]
        } else {
            &["DISK", "PVID", "USED AS", "LEVEL", "RELEASED BY", "KEPT BECAUSE"]
        };
        let mut columns = Columns::new(headings, style);
        for one in &self.0.disks {
            let by = match (&one.against, &one.command) {
                (Some(_), _) => NONE,
                (None, Some(command)) => command,
                (None, None) => "the record alone",
            };
            let why = one.against.as_ref().map_or(NONE.to_owned(), |why| clean(&why.text));
            let name = one.now.as_ref().unwrap_or(&one.standing.disk.name);
            let disk = &one.standing.disk;
            let level = disk.level.clone().unwrap_or_else(|| NONE.to_owned());
            let mut row = layout.pieces([name.to_string(), pvid(&one.standing)]);
            row.extend(layout.pieces([disk.role.to_string(), level]));
            row.extend([Piece::from(by), Piece::from(why.as_str())]);
            columns.row(row);
        }
        columns.text()
    }
}

fn pvid(one: &Standing) -> String {
    one.disk.pvid.as_ref().map_or(NONE.to_owned(), ToString::to_string)
}
