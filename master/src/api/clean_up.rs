//! Cleaning up after a Live Update that could not do so itself: who runs where is looked at, `clvupdate` is run by an operation of its
//! own, beside the one that is stuck. Nothing is ever removed on an HMC.

mod advice;

use axum::Json;
use axum::extract::State;
use nim_shared::api::{self, Advice, CleanUp, CleanUpView, FailureKind, FlagView};
use nim_shared::frame::{Body as EventBody, Boot, Known};
use nim_shared::id::{ClientToken, ObjectName, OperationId};
use nim_shared::operation::StateName;
use nim_shared::request::{CleanUpFlag, Console, Expected, Kind, Request};

use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named};
use super::look::Silence;
use super::{Api, cust};
use crate::inventory::frame::Seen;
use crate::inventory::hmc::ORIGINAL;
use crate::store::Who;
use crate::store::event::Cursor;
use crate::store::object::{NamePattern, Target, Targets};
use crate::store::operation::{OperationFilter, Record};
use advice::{Found, Place};

/// `GET /v1/clean-up/{lpar}`
pub(super) async fn look(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
) -> Answer<Json<CleanUpView>> {
    let target = target(&api, &name).await?;
    let before = before(&api, &name).await?;
    refuse_open(&name, &before)?;
    Ok(Json(view(&api, &target, &before).await?))
}

/// `POST /v1/clean-up/{lpar}`
pub(super) async fn start(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
    Body(body): Body<CleanUp>,
) -> Answer<Json<api::Accepted>> {
    let written = serde_json::json!({ "clean_up": &name, "flags": &body.flags });
    // The same request again, because its answer was lost: by now the clean-up itself is open.
    if let Some(accepted) = api.store.accepted(body.token, &written).await? {
        return Ok(Json(cust::answer(accepted)));
    }
    let target = target(&api, &name).await?;
    let before = before(&api, &name).await?;
    refuse_open(&name, &before)?;
    let found = view(&api, &target, &before).await?;
    refuse_company(&name, &body.flags)?;
    for flag in &body.flags {
        refuse(&name, found.flags.iter().find(|one| one.flag == *flag))?;
    }
    let request = order(&api, Kind::CleanUp, &target);
    // The console that the Live Update used: clvupdate speaks with it too.
    // The lock is on the LPAR alone.
    let console = before.console.filter(|_| !body.flags.contains(&CleanUpFlag::OnlyLock));
    let request = Request { console, clean_up: body.flags, ..request };
    Ok(Json(accept(&api, who, target, &request, (body.token, written)).await?))
}

/// An order that looks after what a Live Update has left.
pub(super) fn order(api: &Api, kind: Kind, target: &Target) -> Request {
    let bare = cust::bare(api, target, kind);
    // The HMC may call it by the name of an original, and it itself by its own.
    Request { expected: Expected { partition_name: None, ..bare.expected }, ..bare }
}

/// Accepts it, once for its token. It takes no place on the frame: what is stuck there may hold the last one.
pub(super) async fn accept(
    api: &Api,
    who: Who,
    target: Target,
    request: &Request,
    written: (ClientToken, serde_json::Value),
) -> Answer<api::Accepted> {
    cust::accept_one(api, who, written, &Target { frame: None, ..target }, request).await
}

/// Refuses where something runs on it: who runs where is about to change, and `clvupdate` would be run into it.
fn refuse_open(name: &ObjectName, before: &Before) -> Answer<()> {
    match before.open {
        Some((id, kind)) => Err(Refusal::refused(
            "NLU-0320",
            format!(
                "{name} has an open operation ({}): what there is to clean up is seen when that is over",
                kind.words()
            ),
        )
        .hint(format!("nimctl watch {id}"))),
        None => Ok(()),
    }
}

/// Refuses a lock that is released beside other things: clvupdate takes that alone. Source: LU §5.1.
fn refuse_company(name: &ObjectName, flags: &[CleanUpFlag]) -> Answer<()> {
    if flags.contains(&CleanUpFlag::OnlyLock) && flags.len() > 1 {
        let flag = CleanUpFlag::OnlyLock;
        let text =
            format!("clvupdate is not run on {name} with -{flag} and others: -{flag} goes alone");
        return Err(Refusal::refused("NLU-0189", text)
            .hint(format!("nimctl cleanup {name} shows what is found")));
    }
    Ok(())
}

/// Refuses what the evidence stands against.
fn refuse(name: &ObjectName, flag: Option<&FlagView>) -> Answer<()> {
    match flag {
        Some(FlagView { flag, advice: Advice::Refused, because }) => Err(Refusal::refused(
            "NLU-0189",
            format!("clvupdate is not run with -{flag} on {name}: {because}"),
        )
        .hint(format!("nimctl cleanup {name} shows what is found; what you know better you can do on the LPAR itself"))),
        Some(_) | None => Ok(()),
    }
}

/// The LPAR.
pub(super) async fn target(api: &Api, name: &ObjectName) -> Answer<Target> {
    let Targets { lpars, .. } = api.store.expand_targets(&[NamePattern::from(name)]).await?;
    lpars.into_iter().find(|one| one.name == *name).ok_or_else(|| {
        Refusal::new(FailureKind::NotFound, "NLU-0177", format!("{name} is no LPAR"))
            .hint("one LPAR at a time is cleaned up, by its name: nimctl list standalone")
    })
}

/// What is on record of the Live Update that has to be cleaned up after.
#[derive(Default)]
struct Before {
    /// The operation that is stuck, where one is.
    stuck: Option<OperationId>,
    /// What is open beside it, with what it is.
    open: Option<(OperationId, Kind)>,
    console: Option<Console>,
    /// The boot in which the agent took it.
    boot: Option<Boot>,
}

/// The newest operation that moved the workload, or was to.
async fn before(api: &Api, name: &ObjectName) -> Answer<Before> {
    let filter =
        OperationFilter { lpars: vec![NamePattern::from(name)], ..OperationFilter::default() };
    let newest = api.store.operations(&filter, None, LOOK_BACK).await?.items;
    let is_stuck = |one: &&Record| one.operation.name() == StateName::Stuck;
    let stuck = newest.iter().find(is_stuck).map(|one| one.id);
    let is_open = |one: &&Record| !one.operation.name().is_terminal() && !is_stuck(one);
    let open = newest.iter().find(is_open).map(|one| (one.id, one.kind));
    let Some(moved) = newest.iter().find(|one| one.kind.moves()) else {
        return Ok(Before { stuck, open, ..Before::default() });
    };
    let request: Option<Request> = serde_json::from_str(&moved.request).ok();
    let first = api.store.events(moved.id, Cursor::default(), FIRST_EVENTS).await?.items;
    let boot = first.into_iter().find_map(|stored| match stored.event.body {
        EventBody::Known(known) => match *known {
            Known::Taken { boot, .. } => Some(boot),
            _ => None,
        },
        EventBody::Other(_) => None,
    });
    Ok(Before { stuck, open, console: request.and_then(|request| request.console), boot })
}

/// What is found now.
async fn view(api: &Api, target: &Target, before: &Before) -> Answer<CleanUpView> {
    let name = &target.name;
    Silence::new(api).refuse(name, Kind::CleanUp.program()).await?;
    let frame = async {
        match &target.frame {
            Some(frame) => api.hosts.frame(frame.clone(), Vec::new()).await,
            None => Seen::NoConsole,
        }
    };
    let (status, seen) = tokio::join!(api.hosts.agent_status(name.clone()), frame);
    let hello = match (status.hello, status.failure) {
        (Some(hello), _) => hello,
        (None, Some(failure)) => return Err(Refusal::from(failure)),
        (None, None) => {
            let text = format!("the agent on {name} says nothing");
            return Err(Refusal::new(FailureKind::Unreachable, "NLU-0194", text));
        }
    };
    let partition = target.lpar.partition(name);
    let original = format!("{partition}{ORIGINAL}");
    let (partitions, not_seen) = match seen {
        Seen::View(view) => {
            let rows = view.partitions.iter().map(|one| one.view.clone());
            let ours = rows.filter(|row| row.name == partition || row.name == original);
            (ours.collect(), None)
        }
        Seen::NoConsole => (Vec::new(), Some("no HMC of its frame can be asked".to_owned())),
        Seen::Unreachable(why) => (Vec::new(), Some(why)),
    };
    let found = Found {
        partition,
        original: &original,
        own: hello.identity.lpar_id,
        rows: not_seen.is_none().then_some(&partitions),
        booted_at: hello.boot.booted_at.as_deref(),
        booted_before: before.boot.as_ref().and_then(|boot| boot.booted_at.as_deref()),
        locked: hello.live_update_lock,
        is_stuck: before.stuck.is_some(),
    };
    let place = found.place();
    let flags = found.flags(&place);
    let is_locked = hello.live_update_lock == Some(true);
    let nothing_left = before.stuck.is_none() && matches!(place, Place::Alone { .. }) && !is_locked;
    let place = place.to_string();
    Ok(CleanUpView {
        lpar: name.clone(),
        operation: before.stuck,
        lpar_id: hello.identity.lpar_id,
        booted_at: hello.boot.booted_at.clone(),
        place,
        nothing_left,
        flags,
        partitions,
        not_seen,
    })
}

/// How many operations of the LPAR are looked through for the last Live Update.
const LOOK_BACK: u32 = 100;

/// Among how many of its first events the one is that says in which boot it was taken.
const FIRST_EVENTS: u32 = 4;
