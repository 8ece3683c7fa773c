//! `POST /v1/rollback/{lpar}/look` and `POST /v1/rollback/{lpar}`: an LPAR goes back to the level before its update, by a boot from the copy
//! of rootvg that is on record as holding it.

use axum::Json;
use axum::extract::State;
use nim_shared::api::{Accepted, FileFault, LookAtRollback, RollBack, RollbackProposal};
use nim_shared::disks::{self, DiskUse, GoodFor, NoWayBack, Rollback, RunDisk, SeenDisk};
use nim_shared::hook::{HookPoint, Hooks, MOST_HOOKS_AT, NamedHook};
use nim_shared::id::{DiskName, ObjectName, OperationId};
use nim_shared::operation::Named as Name;
use nim_shared::policy::BeforeReboot;
use nim_shared::prep::SiteBackup;
use nim_shared::request::{Kind, Request};

use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named};
use super::policy::current;
use super::{Api, cust, disks as recorded};
use crate::store::object::Target;

/// `POST /v1/rollback/{lpar}/look`
pub(super) async fn look(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
    Body(asked): Body<LookAtRollback>,
) -> Answer<Json<RollbackProposal>> {
    let target = recorded::target(&api, &name).await?;
    let before_reboot = stops(&api, &target).await?;
    Ok(Json(proposal(&api, &target, asked.disk.as_ref(), before_reboot).await?))
}

/// `POST /v1/rollback/{lpar}`
pub(super) async fn start(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
    Body(asked): Body<RollBack>,
) -> Answer<Json<Accepted>> {
    let written = cust::written(&asked)?;
    // The same request again, because its answer was lost.
    if let Some(before) = cust::accepted(&api, asked.token, &written).await? {
        return Ok(Json(before));
    }
    let target = recorded::target(&api, &name).await?;
    if let Some(open) = target.open {
        return Err(Refusal::refused("NLU-0241", format!("operation {open} is open on {name}"))
            .hint(format!("nimctl status {open}; go back when it is over")));
    }
    let mut faults = Vec::new();
    for (path, hooks) in [("hook", &asked.hooks), ("master_hook", &asked.master_hooks)] {
        for hook in hooks.iter().filter(|hook| hook.at != HookPoint::BeforeReboot) {
            let message =
                format!("{} at {}: a rollback runs hooks at before-reboot", hook.name, hook.at);
            faults.push(FileFault { file: None, line: None, path: path.to_owned(), message });
        }
    }
    let before_reboot = stops(&api, &target).await?;
    let named = both(&before_reboot.hooks, &asked.hooks);
    let master_hooks = both(&before_reboot.master_hooks, &asked.master_hooks);
    for (path, hooks) in [("hook", &named), ("master_hook", &master_hooks)] {
        if hooks.len() > MOST_HOOKS_AT {
            let message = format!("at most {MOST_HOOKS_AT} can be named, with those of the policy");
            faults.push(FileFault { file: None, line: None, path: path.to_owned(), message });
        }
    }
    let hooks = cust::script::named_hooks(&api, &named, &mut faults).await?;
    let programs = master_hooks.iter().map(|hook| hook.name.clone()).collect();
    cust::hook::look_for(&api, "master_hook", programs, &mut faults).await?;
    if !faults.is_empty() {
        return Err(
            Refusal::refused("NLU-0245", format!("{name} was not rolled back")).faults(faults)
        );
    }
    let proposal = proposal(&api, &target, asked.disk.as_ref(), before_reboot).await?;
    let hooks = (!hooks.is_empty()).then(|| Hooks {
        lpar: target.name.clone(),
        lpp_source: None,
        limit: api.configuration.settings.agent.hook.seconds(),
        list: hooks,
    });
    let order = Request {
        rollback: Some(proposal.rollback),
        hooks,
        master_hooks,
        ..cust::bare(&api, &target, Kind::Rollback)
    };
    Ok(Json(cust::accept_one(&api, who, (asked.token, written), &target, &order).await?))
}

/// What the policy has run before the LPAR is booted.
async fn stops(api: &Api, target: &Target) -> Answer<BeforeReboot> {
    let policy = current(&api.store).await?.unwrap_or_default();
    Ok(policy.before_reboot_of(&target.name, &target.labels))
}

/// Those of the policy, then those that are asked for. One that is both has to succeed as the policy has it, whatever was asked for.
fn both(policy: &[ObjectName], asked: &[NamedHook]) -> Vec<NamedHook> {
    let more = asked.iter().filter(|one| !policy.contains(&one.name)).cloned();
    BeforeReboot::named(policy).into_iter().chain(more).collect()
}

/// Where the LPAR would go back to, by the record and by what it shows now.
async fn proposal(
    api: &Api,
    target: &Target,
    wanted: Option<&DiskName>,
    before_reboot: BeforeReboot,
) -> Answer<RollbackProposal> {
    let lpar = &target.name;
    let standing = recorded::recorded(api, lpar).await?;
    let (looked, seen) = recorded::seen(api, lpar).await?;
    let mut to = match disks::way_back(&standing, wanted, &seen) {
        Ok(to) => to,
        Err(why) => {
            let by_site = api.store.last_site_backup(lpar).await?;
            return Err(refused(lpar, &why, by_site.as_ref()));
        }
    };
    // For people: as they are called now.
    for disk in &mut to.disks {
        if let Ok(now) = disks::as_recorded(disk, &seen) {
            disk.name.clone_from(&now.name);
        }
    }
    let from: Vec<RunDisk> = seen
        .iter()
        .filter(|disk| disk.volume_group.as_deref() == Some("rootvg"))
        .map(|disk| running(disk, looked.level.clone()))
        .collect();
    let names: Vec<&str> = from.iter().map(|disk| disk.name.as_str()).collect();
    let lost = vec![
        "everything that runs on the LPAR ends, until it has booted: a real outage".to_owned(),
        format!(
            "what was written to rootvg since operation {} made the copy: it stays on {}, and is not in the copy",
            to.made_by,
            names.join(" ")
        ),
    ];
    Ok(RollbackProposal {
        lpar: lpar.clone(),
        at: api.clock.now(),
        rollback: Rollback { to, from },
        level: looked.level,
        lost,
        before_reboot,
    })
}

fn running(disk: &SeenDisk, level: Option<String>) -> RunDisk {
    RunDisk {
        name: disk.name.clone(),
        pvid: disk.pvid.clone(),
        udid: disk.udid.clone(),
        role: Name::Known(DiskUse::Rootvg),
        volume_group: disk.volume_group.clone(),
        level,
        good_for: Name::Known(GoodFor::Running),
    }
}

fn refused(
    lpar: &ObjectName,
    why: &NoWayBack,
    by_site: Option<&(OperationId, SiteBackup)>,
) -> Refusal {
    let mut hint = match why {
        NoWayBack::Several(_) => format!("name the disk: nimctl rollback --disk DISK {lpar}"),
        _ => format!("nimctl disks {lpar} shows what each disk holds"),
    };
    if let Some((operation, backup)) = by_site {
        // What a hook says of it is no evidence of a disk.
        hint += &format!(
            "; of the backup before operation {operation} {backup}: nothing is booted from that here, whoever made it restores it"
        );
    }
    Refusal::refused("NLU-0244", format!("{lpar} is not booted from another disk: {why}"))
        .hint(hint)
}
