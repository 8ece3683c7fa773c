//! `rollback`: has an LPAR booted from the copy of rootvg that holds the level before.

use nim_shared::api::{Accepted, LookAtRollback, RollBack as Body, RollbackProposal};
use nim_shared::disks::RunDisk;
use nim_shared::id::ClientToken;
use nim_shared::policy::BeforeReboot;
use serde::Serialize;
use uuid::Uuid;

use crate::cli::Rollback;
use crate::client::Target;
use crate::command::{Context, ask, cust};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::NONE;
use crate::output::text::clean;
use crate::output::{Style, View};

pub(super) async fn run(args: &Rollback, context: &Context) -> Result<Exit, Error> {
    let lpar = args.lpar.as_str();
    if !args.yes {
        let look = LookAtRollback { disk: args.disk.clone() };
        let client = context.client.with_limit(cust::LOOK);
        let found: RollbackProposal =
            client.post(Target::new(&["rollback", lpar, "look"]), &look).await?;
        let level = found.rollback.to.level.clone();
        context.printer.show(&Proposed(found))?;
        let question = format!("Boot {lpar} into {level}?");
        let what = format!("the rollback of {lpar}");
        ask::confirm(&question, &what, "say --yes to have it booted", context)?;
    }
    let body = Body {
        token: ClientToken(Uuid::new_v4()),
        disk: args.disk.clone(),
        hooks: args.hooks.clone(),
        master_hooks: args.master_hooks.clone(),
    };
    let target = Target::new(&["rollback", lpar]);
    let accepted: Accepted = cust::ask_patiently(target, &body, Some(cust::LOOK), context).await?;
    cust::follow(accepted, args.detach, context).await
}

/// Where it would go.
#[derive(Serialize)]
#[serde(transparent)]
struct Proposed(RollbackProposal);

impl View for Proposed {
    fn table(&self, _: Style) -> String {
        let RollbackProposal { lpar, rollback, level, lost, before_reboot, .. } = &self.0;
        let mut text = format!("{lpar}\n");
        let from = level.as_deref().unwrap_or(NONE);
        text += &format!("  from: {}, at {}\n", disks(&rollback.from), clean(from));
        text += &format!("  to: {}, at {}\n", disks(&rollback.to.disks), clean(&rollback.to.level));
        text += &format!("  made by: operation {}\n", rollback.to.made_by);
        text += &stops(before_reboot, "  runs first: ");
        for one in lost {
            text += &format!("  lost: {}\n", clean(one));
        }
        text
    }
}

/// What the policy has run before a boot, in its order, a line each.
pub(super) fn stops(before_reboot: &BeforeReboot, lead: &str) -> String {
    let BeforeReboot { master_hooks, hooks } = before_reboot;
    let on_master = master_hooks.iter().map(|name| format!("{lead}{name}, by nimd itself\n"));
    let on_lpar = hooks.iter().map(|name| format!("{lead}{name}, on the LPAR\n"));
    on_master.chain(on_lpar).collect()
}

fn disks(disks: &[RunDisk]) -> String {
    let one = |disk: &RunDisk| match (&disk.pvid, &disk.volume_group) {
        (Some(pvid), Some(group)) => format!("{} (PVID {pvid}, {})", disk.name, clean(group)),
        (Some(pvid), None) => format!("{} (PVID {pvid})", disk.name),
        (None, _) => disk.name.to_string(),
    };
    disks.iter().map(one).collect::<Vec<_>>().join(" ")
}
