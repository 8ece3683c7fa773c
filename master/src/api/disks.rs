//! The disks that operations used: `GET /v1/disks/{lpar}` as they are on record, `…/look` with what the LPAR shows now, and `…/release`.
//!
//! What is released is decided twice by the same function: here, so that a person sees it first, and by the agent right before.

use axum::Json;
use axum::extract::State;
use nim_shared::api::{
    Accepted, Against, DiskList, FileFault, LookAtDisks, ProposedRelease, ReleaseDisks,
    ReleaseProposal,
};
use nim_shared::disks::{self, GoodFor, Live, RunDisk, Said, SeenDisk, Standing};
use nim_shared::id::{DiskName, ObjectName};
use nim_shared::request::{Kind, Request};

use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named};
use super::look::Silence;
use super::{Api, DiskLook, Looked, cust, live_update_data};
use crate::store::object::{NamePattern, Target};

/// `GET /v1/disks/{lpar}`
pub(super) async fn list(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
) -> Answer<Json<DiskList>> {
    let target = target(&api, &name).await?;
    Ok(Json(DiskList { disks: recorded(&api, &target.name).await?, lpar: target.name }))
}

/// `POST /v1/disks/{lpar}/look`
pub(super) async fn look(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
    Body(asked): Body<LookAtDisks>,
) -> Answer<Json<ReleaseProposal>> {
    let target = target(&api, &name).await?;
    Ok(Json(proposal(&api, &target, &asked).await?))
}

/// `POST /v1/disks/{lpar}/release`
pub(super) async fn release(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
    Body(asked): Body<ReleaseDisks>,
) -> Answer<Json<Accepted>> {
    let written = cust::written(&asked)?;
    // The same request again, because its answer was lost.
    if let Some(before) = cust::accepted(&api, asked.token, &written).await? {
        return Ok(Json(before));
    }
    let target = target(&api, &name).await?;
    if let Some(open) = target.open {
        return Err(Refusal::refused("NLU-0241", format!("operation {open} is open on {name}"))
            .hint(format!("nimctl status {open}; release disks when it is over")));
    }
    let look = LookAtDisks { disks: asked.disks.clone(), give_up: asked.give_up };
    let proposal = proposal(&api, &target, &look).await?;
    let is_kept = |one: &&ProposedRelease| one.against.is_some();
    let faults: Vec<FileFault> = proposal.disks.iter().filter(is_kept).map(fault).collect();
    let free: Vec<Standing> = proposal
        .disks
        .iter()
        .filter(|one| one.against.is_none())
        .map(|one| one.standing.clone())
        .collect();
    if free.is_empty() || !asked.disks.is_empty() && !faults.is_empty() {
        return Err(Refusal::refused("NLU-0240", format!("no disk of {name} was released"))
            .hint(format!("nimctl disks {name} shows what each is needed for"))
            .faults(faults));
    }
    let order = Request { release: free, ..cust::bare(&api, &target, Kind::ReleaseDisks) };
    Ok(Json(cust::accept_one(&api, who, (asked.token, written), &target, &order).await?))
}

/// The LPAR `name`.
pub(super) async fn target(api: &Api, name: &ObjectName) -> Answer<Target> {
    let targets = api.store.expand_targets(&[NamePattern::from(name)]).await?;
    let mut lpars = targets.lpars.into_iter();
    match (lpars.next(), lpars.next()) {
        (Some(target), None) if target.name == *name => Ok(target),
        _ => Err(Refusal::usage("NLU-0180", format!("{name} is no LPAR: disks are one LPAR's"))),
    }
}

/// The disks of an LPAR's operations, as they stand.
pub(super) async fn recorded(api: &Api, lpar: &ObjectName) -> Answer<Vec<Standing>> {
    Ok(disks::standing(&api.store.runs_on_disks(lpar).await?))
}

/// The LPAR and its disks as they are now.
pub(super) async fn seen(api: &Api, lpar: &ObjectName) -> Answer<(Looked, Vec<SeenDisk>)> {
    let looked = live_update_data::look(api, &Silence::new(api), lpar, DiskLook::Names).await;
    let looked = looked.map_err(Refusal::from)?;
    let Some(seen) = live_update_data::named(&looked) else {
        return Err(Refusal::refused(
            "NLU-0242",
            format!("what lspv -u says on {lpar} cannot be read"),
        )
        .hint(format!("look at it yourself: nimctl c_rsh {lpar} lspv")));
    };
    Ok((looked, seen))
}

/// What is on record, held against what the LPAR shows now.
async fn proposal(api: &Api, target: &Target, asked: &LookAtDisks) -> Answer<ReleaseProposal> {
    let lpar = &target.name;
    let recorded = recorded(api, lpar).await?;
    let (looked, seen) = seen(api, lpar).await?;
    let now = |disk: &RunDisk| {
        seen.iter().find(|now| disk.is_one_of(now.pvid.as_ref(), now.udid.as_ref()))
    };
    let name = |one: &Standing| now(&one.disk).map_or(&one.disk.name, |now| &now.name).clone();
    let unknown: Vec<&DiskName> = asked
        .disks
        .iter()
        .filter(|wanted| !recorded.iter().any(|one| name(one) == **wanted))
        .collect();
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.iter().map(ToString::to_string).collect();
        let text = format!("no operation on {lpar} has used {}", names.join(", "));
        return Err(Refusal::refused("NLU-0243", text)
            .hint(format!("nimctl disks {lpar} lists those that one has used")));
    }
    let live =
        Live { booted_at: looked.boot.booted_at.as_deref(), disks: &seen, last_update: None };
    // What was released before is no news where nothing is named.
    let is_news = |one: &Standing| one.disk.good_for.known() != Some(GoodFor::Released);
    let wanted = |one: &&Standing| match asked.disks.is_empty() {
        true => is_news(one),
        false => asked.disks.contains(&name(one)),
    };
    let propose = |one: &Standing| {
        let said = match (asked.disks.is_empty(), asked.give_up) {
            (true, _) => Said::Nothing,
            (false, false) => Said::Named,
            (false, true) => Said::GivenUp,
        };
        let (command, against) = match disks::releasable(one, &live, said) {
            Ok(free) => (free.group.map(|group| format!("alt_rootvg_op -X {group}")), None),
            Err(keep) => {
                let (reason, text) = (keep.name().to_owned(), keep.to_string());
                (None, Some(Against { reason, text }))
            }
        };
        let now = now(&one.disk).map(|now: &SeenDisk| now.name.clone());
        ProposedRelease { standing: one.clone(), now, command, against }
    };
    Ok(ReleaseProposal {
        lpar: lpar.clone(),
        at: api.clock.now(),
        disks: recorded.iter().filter(wanted).map(propose).collect(),
    })
}

/// Why one is not released.
fn fault(one: &ProposedRelease) -> FileFault {
    let name = one.now.as_ref().unwrap_or(&one.standing.disk.name);
    let message = one.against.as_ref().map_or(String::new(), |against| against.text.clone());
    FileFault { file: None, line: None, path: name.to_string(), message }
}
