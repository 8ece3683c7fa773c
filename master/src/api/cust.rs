//! `cust`: everything is looked at before anything is accepted, and all that is wrong is said at once.

mod bundle;
pub(super) mod fix;
pub(super) mod hook;
mod packages;
mod plan;
pub(super) mod script;
mod source;

pub(super) use source::kept_back;

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use nim_shared::api::{Accepted, AcceptedOperation, Cust, FileFault, PAGE_LIMIT};
use nim_shared::id::{BatchId, ClientToken, Digest, LparId, ObjectName, OperationId};
use nim_shared::lvupdate::Data;
use nim_shared::object::{MASTER, Object, Spec};
use nim_shared::policy::Policy;
use nim_shared::prep::Backup;
use nim_shared::request::{Install, Kind, Limits, Request, Script};
use tracing::info;
use uuid::Uuid;

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body};
use super::live_update_data::{self, Sharers, Written};
use crate::render;
use crate::store::hostkey::KeyHolder;
use crate::store::object::{NamePattern, ObjectFilter, Target, Targets};
use crate::store::{self, NewBatch, NewOperation, Store, Who};
use plan::{Known, Planned};

/// `POST /v1/cust`
pub(super) async fn cust(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(cust): Body<Cust>,
) -> Answer<Json<Accepted>> {
    // The same request again, because its answer was lost: by now its LPARs have an open operation, its own.
    match before(&api, &cust).await? {
        Some(before) => Ok(Json(before)),
        None => Ok(Json(start(&api, who, cust, None, Sharers::Now).await?)),
    }
}

/// What came of the same request, where it was accepted before.
pub(super) async fn before(api: &Api, cust: &Cust) -> Answer<Option<Accepted>> {
    accepted(api, cust.token, &written(cust)?).await
}

/// The same for any request that counts once for its token.
pub(super) async fn accepted(
    api: &Api,
    token: ClientToken,
    asked: &serde_json::Value,
) -> Answer<Option<Accepted>> {
    Ok(api.store.accepted(token, asked).await?.map(answer))
}

/// The request as it is stored.
pub(super) fn written(cust: &impl serde::Serialize) -> Answer<serde_json::Value> {
    serde_json::to_value(cust).map_err(|cause| {
        Refusal::internal("NLU-0199", "the request cannot be written down", &cause)
    })
}

/// Looks at everything, and accepts the request when nothing is wrong. `again_of` is the operation that it does again, where it does.
pub(super) async fn start(
    api: &Api,
    who: Who,
    cust: Cust,
    again_of: Option<OperationId>,
    sharers: Sharers,
) -> Answer<Accepted> {
    let request = written(&cust)?;
    let (token, concurrent, time_limit) = (cust.token, cust.concurrent, cust.time_limit);
    let Looked { planned, mut faults, not_now, warnings, foreseen: _ } =
        look(api, cust, Depth::Whole(sharers)).await?;
    let code = if faults.is_empty() { NOT_NOW } else { "NLU-0120" };
    faults.extend(not_now);
    if !faults.is_empty() {
        let what = if faults.len() == 1 {
            "1 reason".to_owned()
        } else {
            format!("{} reasons", faults.len())
        };
        return Err(
            Refusal::refused(code, format!("nothing was started, for {what}")).faults(faults)
        );
    }
    let batch = NewBatch {
        id: BatchId(Uuid::now_v7()),
        requested_by: who,
        concurrent,
        time_limit,
        again_of,
        queued: api.configuration.settings.deadlines.queued.seconds(),
        request,
    };
    let operations: Vec<_> = planned.into_iter().map(operation).collect();
    let accepted = api.store.accept(token, &batch, &operations).await?;
    info!(
        batch.id = %accepted.batch, count = accepted.operations.len(), peer.uid = who.uid,
        "{} operations were accepted from uid {}, batch {}", accepted.operations.len(), who.uid, accepted.batch
    );
    Ok(Accepted { warnings, ..answer(accepted) })
}

/// The code of a refusal of what is right, and cannot be started until somebody has seen to something else.
pub(super) const NOT_NOW: &str = "NLU-0255";

/// How closely a request is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// As for one that is about to start.
    Whole(Sharers),
    /// As for one that is to start some other time: no LPAR is asked, and an operation that is open now says nothing, nor a secret that is
    /// refused now. LPARs whose disks are chosen live are left out.
    OnRecord,
}

/// What became of looking.
pub(super) struct Looked {
    /// One operation an LPAR, of those with which nothing is wrong.
    planned: Vec<Planned>,
    /// What is known before of the `lvupdate.data` of those that were left out.
    foreseen: Vec<(ObjectName, Data)>,
    /// All that is wrong: with the request, or with an LPAR, which the path names then.
    pub(super) faults: Vec<FileFault>,
    /// What keeps LPARs from being started now, and passes when somebody has seen to it.
    not_now: Vec<FileFault>,
    /// What somebody should look at all the same.
    pub(super) warnings: Vec<FileFault>,
}

impl Looked {
    /// The ids that second partitions are to have, of the LPARs whose `lvupdate.data` says so.
    pub(super) fn wanted_ids(&self) -> impl Iterator<Item = (&ObjectName, LparId)> {
        self.planned.iter().filter_map(|one| Some((&one.lpar, one.wanted_id()?)))
    }

    /// What the `lvupdate.data` of each LPAR says, also of one whose disks are chosen when its turn comes.
    pub(super) fn data(&self) -> impl Iterator<Item = (&ObjectName, &Data)> {
        let planned = self.planned.iter().filter_map(|one| Some((&one.lpar, one.data.as_ref()?)));
        planned.chain(self.foreseen.iter().map(|(lpar, data)| (lpar, data)))
    }
}

/// Looks at everything that a request needs. Nothing is changed.
pub(super) async fn look(api: &Api, cust: Cust, depth: Depth) -> Answer<Looked> {
    let mut faults = plan::request_faults(&cust);
    faults.extend(fix::request_faults(&cust));
    faults.extend(script::hook_faults(&cust));
    let cust = bundle::resolved(api, cust, &mut faults).await?;
    let cust = fix::resolved(api, cust, &mut faults).await?;
    let updates_only = cust.alt_disk.is_some() && cust.install == Install::UpdateAll;
    let cust = fix::all_updates(api, cust, &mut faults).await?;
    let Targets { lpars: mut targets, excluded } = targets(&api.store, &cust, &mut faults).await?;
    let scripts = script::read(api, &cust, &mut faults).await?;
    let hooks = script::hooks(api, &cust, &mut faults).await?;
    let policy = match cust.kind.is_live_update() {
        true => super::policy::current(&api.store).await?,
        false => None,
    };
    let (scripts_of_backups, programs_of_backups) = backups(&cust, &targets, policy.as_ref());
    let backup_hooks = script::backup_hooks(api, &scripts_of_backups, &mut faults).await?;
    hook::look_for(api, "backup", programs_of_backups, &mut faults).await?;
    let mut known = known(api, &cust, &targets, scripts).await?;
    let mut foreseen = Vec::new();
    let written = match depth {
        Depth::Whole(sharers) => chosen(api, &cust, &targets, &known, sharers).await?,
        Depth::OnRecord => {
            let asks = targets.iter().filter(|target| asks_for_choice(&cust, target, &known));
            let data = |one: &Target| Some((one.name.clone(), plan::foreseen(&cust, one, &known)?));
            foreseen.extend(asks.filter_map(data));
            targets.retain(|target| !asks_for_choice(&cust, target, &known));
            targets.iter_mut().for_each(|target| target.open = None);
            known.secrets.values_mut().for_each(|secret| secret.refused = None);
            BTreeMap::new()
        }
    };
    let master_hooks = hook::of(api, &cust, &mut faults).await?;
    let no_way_back = policy.is_none() && cust.kind.is_live_update() && cust.install.updates();
    let known = Known { updates_only, hooks, backup_hooks, policy, written, master_hooks, ..known };
    let plan::Orders { planned, faults: more, not_now } = super::apply::blocking({
        let cust = cust.clone();
        move || plan::plan(&cust, &targets, &known)
    })
    .await?;
    faults.extend(more);
    // One object serves many LPARs: what is to be said of it is said once.
    let mut warnings: Vec<FileFault> = excluded.iter().map(left_out).collect();
    warnings.extend(script::not_run(&cust));
    if cust.alt_disk.as_ref().is_some_and(|copy| !copy.set_bootlist) {
        let text = "the bootlist stays as it is: set_bootlist=yes has the LPAR boot from the copy";
        warnings.push(plan::fault("set_bootlist", text.to_owned()));
    }
    if no_way_back {
        let text = format!("no policy was set, and {}: nimctl policy set FILE", plan::NO_WAY_BACK);
        let fault = plan::fault("backup", text);
        if cust.kind.moves() { faults.push(fault) } else { warnings.push(fault) }
    }
    warnings
        .extend(super::policy::announced(planned.iter().map(|one| (&one.lpar, one.announced()))));
    for warning in planned.iter().flat_map(|one| &one.warnings) {
        if warnings.last() != Some(warning) && !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    Ok(Looked { planned, foreseen, faults, not_now, warnings })
}

pub(super) use plan::console::refused_secret;

/// The HMC that each target of `cust` logs in at, by what is on record.
pub(super) async fn consoles(api: &Api, cust: Cust) -> Answer<BTreeMap<ObjectName, ObjectName>> {
    let Targets { lpars, .. } = targets(&api.store, &cust, &mut Vec::new()).await?;
    let known = known(api, &cust, &lpars, Vec::new()).await?;
    super::apply::blocking(move || plan::console::consoles(&cust, &lpars, &known)).await
}

/// What makes backups of `targets`, as `policy` says, each once: scripts on the LPARs, and programs of nimd's.
fn backups(
    cust: &Cust,
    targets: &[Target],
    policy: Option<&Policy>,
) -> (Vec<ObjectName>, Vec<ObjectName>) {
    let (mut scripts, mut programs) = (BTreeSet::new(), BTreeSet::new());
    let Some(policy) = policy.filter(|_| cust.install.updates()) else {
        return (Vec::new(), Vec::new());
    };
    for target in targets {
        match policy.backup_of(&target.name, &target.labels) {
            Some(Backup::Hook(name)) => drop(scripts.insert(name.clone())),
            Some(Backup::MasterHook(name)) => drop(programs.insert(name.clone())),
            Some(Backup::CopyTo(_) | Backup::Waived(_)) | None => {}
        }
    }
    (Vec::from_iter(scripts), Vec::from_iter(programs))
}

/// One operation as it is stored.
fn operation(planned: Planned) -> NewOperation {
    NewOperation {
        id: OperationId(Uuid::now_v7()),
        lpar: planned.lpar,
        frame: planned.frame,
        hmc: planned.hmc,
        kind: planned.kind,
        digest: Digest::of(planned.request.as_bytes()),
        request: planned.request,
        hooks: planned.master_hooks,
    }
}

/// What was accepted, as it is shown.
pub(super) fn answer(accepted: store::Accepted) -> Accepted {
    let operations = accepted.operations.into_iter();
    Accepted {
        batch: accepted.batch,
        operations: operations.map(|(id, lpar)| AcceptedOperation { id, lpar }).collect(),
        warnings: Vec::new(),
    }
}

/// The LPARs that are meant.
async fn targets(store: &Store, cust: &Cust, faults: &mut Vec<FileFault>) -> Answer<Targets> {
    let mut patterns = Vec::new();
    for target in &cust.targets {
        match NamePattern::read(target) {
            Ok(read) => patterns.extend(read),
            Err(cause) => faults.push(plan::fault("targets", cause.to_string())),
        }
    }
    match store.expand_targets(&patterns).await {
        Ok(targets) => {
            if targets.lpars.is_empty() && faults.is_empty() {
                match targets.excluded.is_empty() {
                    true => faults.push(plan::fault("targets", "no LPAR is named".to_owned())),
                    false => faults.extend(targets.excluded.iter().map(left_out)),
                }
            }
            Ok(targets)
        }
        Err(store::Error::NoSuchLpar { names }) => {
            faults.extend(names.into_iter().map(|name| {
                plan::fault(
                    "targets",
                    format!("\"{name}\" names no LPAR and no group: nimctl list standalone"),
                )
            }));
            Ok(Targets::default())
        }
        Err(error @ store::Error::NotLpars { .. }) => {
            faults.push(plan::fault("targets", error.to_string()));
            Ok(Targets::default())
        }
        Err(other) => Err(other.into()),
    }
}

/// Says that a member of a group is left alone.
fn left_out((group, member): &(ObjectName, ObjectName)) -> FileFault {
    plan::fault(member.as_str(), format!("left alone: it is excluded from {group}"))
}

/// Everything that the plan has to know, in a few queries however many LPARs there are.
async fn known(api: &Api, cust: &Cust, targets: &[Target], scripts: Vec<Script>) -> Answer<Known> {
    let mut wanted: BTreeSet<ObjectName> = cust.lpp_source.iter().cloned().collect();
    let master = MASTER.parse::<ObjectName>().ok();
    wanted.extend(master.clone());
    for target in targets {
        wanted.extend(target.frame.iter().chain(&target.hmc).cloned());
        // A name that is none is said by the plan.
        wanted.extend(cust.data_of(&target.name).and_then(Result::ok));
    }
    let wanted: Vec<_> = wanted.into_iter().collect();
    let objects = objects(&api.store, &wanted).await?;
    let filter = ObjectFilter {
        types: vec![nim_shared::object::ObjectType::Hmc],
        ..ObjectFilter::default()
    };
    let hmcs = super::apply::all(&api.store, &filter).await?.into_iter();
    let hmcs = hmcs.filter_map(|object| match object.spec {
        Spec::Hmc(hmc) => Some((object.name, hmc)),
        _ => None,
    });
    let master = master.and_then(|name| objects.get(&name)?.spec.interface());
    let images = match cust.lpp_source.as_ref().and_then(|name| objects.get(name)) {
        Some(Object { name, spec: Spec::LppSource(source), .. }) => {
            Some(source::images(api, name, source, master).await)
        }
        Some(_) | None => None,
    };
    let content = match &cust.lpp_source {
        Some(name) => api.store.lpp_index(name).await?,
        None => None,
    };
    // What was found in another folder, or long ago in none, is no reason to refuse anything.
    let content = content.filter(|index| index.current).and_then(|index| index.found.ok());
    let files = source::data_files(api, &objects).await?;
    let secrets = api.store.secret_list().await?;
    let settings = &api.configuration.settings.agent;
    Ok(Known {
        secrets: secrets.into_iter().map(|info| (info.name.clone(), info)).collect(),
        host_keys: host_keys(&api.store, targets).await?,
        key: api.key.clone(),
        images,
        content,
        files,
        scripts,
        hooks: Vec::new(),
        backup_hooks: Vec::new(),
        master_hooks: Vec::new(),
        hook_limit: settings.hook.seconds(),
        updates_only: false,
        policy: None,
        written: BTreeMap::new(),
        hmcs: hmcs.collect(),
        objects,
        limits: limits(api),
    })
}

/// The limits that the agent keeps.
fn limits(api: &Api) -> Limits {
    let settings = &api.configuration.settings.agent;
    Limits {
        stage: settings.stage.seconds(),
        proceed: api.configuration.settings.deadlines.capacity.seconds(),
        update: settings.update.seconds(),
        post: settings.post.seconds(),
        script: settings.script.seconds(),
        answer: settings.answer.seconds(),
        output: settings.output.megabytes(),
        keep_free: settings.keep_free.megabytes(),
    }
}

/// An order for `target` that installs, runs and changes nothing yet.
pub(super) fn bare(api: &Api, target: &Target, kind: Kind) -> Request {
    Request { expected: plan::expected(target), limits: limits(api), ..Request::of(kind) }
}

/// Accepts one order for one LPAR. `asked` is the request as it came.
pub(super) async fn accept_one(
    api: &Api,
    who: Who,
    (token, asked): (ClientToken, serde_json::Value),
    target: &Target,
    order: &Request,
) -> Answer<Accepted> {
    let batch = NewBatch {
        id: BatchId(Uuid::now_v7()),
        requested_by: who,
        concurrent: None,
        time_limit: None,
        queued: api.configuration.settings.deadlines.queued.seconds(),
        request: asked,
        again_of: None,
    };
    let planned = Planned {
        lpar: target.name.clone(),
        frame: target.frame.clone(),
        hmc: target.hmc.clone(),
        kind: order.kind,
        prep: Vec::new(),
        restart: Vec::new(),
        backup: None,
        request: serde_json::to_string(order).expect("an order is JSON"),
        data: None,
        master_hooks: order.master_hooks.clone(),
        warnings: Vec::new(),
    };
    let accepted = api.store.accept(token, &batch, &[operation(planned)]).await?;
    info!(
        batch.id = %accepted.batch, lpar.name = %target.name, peer.uid = who.uid,
        "a {} on {} was accepted from uid {}, batch {}", order.kind, target.name, who.uid, accepted.batch
    );
    Ok(answer(accepted))
}

/// What is chosen for those LPARs whose `lvupdate.data` asks for that: they are looked at now.
async fn chosen(
    api: &Api,
    cust: &Cust,
    targets: &[Target],
    known: &Known,
    sharers: Sharers,
) -> Answer<BTreeMap<ObjectName, Written>> {
    let asks = |target: &&Target| asks_for_choice(cust, target, known);
    let targets: Vec<Target> = targets.iter().filter(asks).cloned().collect();
    if targets.is_empty() {
        return Ok(BTreeMap::new());
    }
    let written = live_update_data::written(api, &targets, sharers).await?;
    Ok(written.into_iter().map(|one| (one.view.lpar.clone(), one)).collect())
}

/// Whether the `lvupdate.data` of an LPAR asks for disks to be chosen.
fn asks_for_choice(cust: &Cust, target: &Target, known: &Known) -> bool {
    cust.kind.is_live_update()
        && (cust.writes_data()
            || cust.data_of(&target.name).and_then(Result::ok).is_some_and(|name| {
                let file = known.files.get(&name).and_then(|file| file.as_ref().ok());
                file.is_some_and(|template| render::asks_for_choice(template))
            }))
}

/// Those of `names` that are defined: one query for each thousand.
pub(super) async fn objects(
    store: &Store,
    names: &[ObjectName],
) -> Result<BTreeMap<ObjectName, Object>, store::Error> {
    let mut found = BTreeMap::new();
    let most = usize::try_from(PAGE_LIMIT).unwrap_or(usize::MAX);
    for names in names.chunks(most) {
        let names = names.iter().map(NamePattern::from).collect();
        let filter = ObjectFilter { names, ..ObjectFilter::default() };
        let page = store.objects(&filter, None, PAGE_LIMIT).await?;
        found.extend(page.items.into_iter().map(|one| (one.object.name.clone(), one.object)));
    }
    Ok(found)
}

/// Whose host keys are on record: asked for one by one where few LPARs are meant, else all of them at once.
async fn host_keys(store: &Store, targets: &[Target]) -> Result<BTreeSet<KeyHolder>, store::Error> {
    let mut holders = BTreeSet::new();
    if targets.len() > FEW {
        holders.extend(store.host_keys(None).await?.into_iter().map(|key| key.holder));
        return Ok(holders);
    }
    for target in targets {
        let hops = target.lpar.via.iter().map(crate::inventory::endpoint::hop_holder);
        for holder in std::iter::once(KeyHolder::Object(target.name.clone())).chain(hops) {
            if !holders.contains(&holder) && !store.host_keys(Some(&holder)).await?.is_empty() {
                holders.insert(holder);
            }
        }
    }
    Ok(holders)
}

/// Up to how many LPARs host keys are asked for one by one.
const FEW: usize = 16;
