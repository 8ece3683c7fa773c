//! `POST /v1/aftercare`: what updates have left to do, looked at live; what is gone is closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use nim_shared::aftercare::{self, OnConsole, OpenItem, Seen};
use nim_shared::api::{Aftercare, Failure, GoneItem, LeftToDo, LparAftercare, StillOpen};
use nim_shared::id::ObjectName;
use nim_shared::object::Standalone;
use nim_shared::preflight::Fact;
use nim_shared::preflight::probe::Probed;

use super::Api;
use super::error::Answer;
use super::extract::Body;
use super::look::{AT_A_TIME, Silence, named_or_all};
use crate::inventory::frame::Seen as Frame;
use crate::inventory::hmc::FrameView;
use crate::store::object::Target;
use crate::store::open_item::Left;

/// `POST /v1/aftercare`
pub(super) async fn aftercare(
    State(api): State<Api>,
    Body(asked): Body<Aftercare>,
) -> Answer<Json<LeftToDo>> {
    let targets = named_or_all(&api, &asked.targets).await?;
    let names: Vec<&ObjectName> = targets.iter().map(|target| &target.name).collect();
    let mut left = api.store.open_items(&names).await?;
    let open: Vec<(Target, Vec<Left>)> = targets
        .into_iter()
        .filter_map(|target| left.remove(&target.name).map(|left| (target, left)))
        .collect();
    let silence = Arc::new(Silence::new(&api));
    let looks: Vec<BoxFuture<'static, Result<Vec<Probed>, Failure>>> = open
        .iter()
        .map(|(target, left)| {
            let probes = aftercare::probes(left.iter().map(|one| &one.item));
            let (api, lpar) = (api.clone(), target.name.clone());
            let silence = Arc::clone(&silence);
            async move {
                if probes.is_empty() {
                    return Ok(Vec::new());
                }
                let silent = silence.refuse(&lpar, "aftercare").await;
                silent.map_err(|refusal| refusal.failure())?;
                Ok(api.hosts.probe(lpar, probes).await?.probed)
            }
            .boxed()
        })
        .collect();
    // In the order in which they were named, whoever answers first; the frames are asked meanwhile, each once.
    let looks = stream::iter(looks).buffered(AT_A_TIME).collect::<Vec<_>>();
    let (frames, looks) = tokio::join!(frames(&api, &open), looks);
    let (mut lpars, mut closed) = (Vec::new(), Vec::new());
    for ((target, left), looked) in open.into_iter().zip(looks) {
        let console = on_console(&target, &frames);
        lpars.push(judge(target.name, left, looked, &console, &mut closed));
    }
    api.store.close_items(&closed).await?;
    Ok(Json(LeftToDo { lpars }))
}

/// What is still open of what an LPAR had, and what is gone, whose numbers go to `closed`.
fn judge(
    lpar: ObjectName,
    left: Vec<Left>,
    looked: Result<Vec<Probed>, Failure>,
    console: &Fact<OnConsole>,
    closed: &mut Vec<i64>,
) -> LparAftercare {
    let (probed, failure) = match looked {
        Ok(probed) => (probed, None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    let seen = Seen { probed: &probed, console };
    let (mut open, mut gone) = (Vec::new(), Vec::new());
    for Left { id, operation, found_at: since, item } in left {
        let text = item.to_string();
        let not_known = match item.is_open(&seen) {
            Ok(false) => {
                closed.push(id);
                gone.push(GoneItem { item, operation, text });
                continue;
            }
            Ok(true) => None,
            // Why nobody could look there is said once, of the LPAR.
            Err(_) if failure.is_some() && !item.probes().is_empty() => {
                Some("the LPAR could not be looked at".to_owned())
            }
            Err(why) => Some(why),
        };
        let remedy = item.remedy();
        open.push(StillOpen { item, operation, since, text, remedy, not_known });
    }
    LparAftercare { lpar, open, gone, failure }
}

/// The frames of those LPARs of which an HMC has to tell something.
async fn frames(
    api: &Api,
    open: &[(Target, Vec<Left>)],
) -> BTreeMap<ObjectName, Fact<Arc<FrameView>>> {
    // Of each frame, the partitions whose profiles are asked for.
    let mut asked: BTreeMap<ObjectName, Vec<String>> = BTreeMap::new();
    for (target, left) in open {
        let Some(frame) = &target.frame else { continue };
        if left.iter().any(|one| one.item.asks_console()) {
            let profiles = asked.entry(frame.clone()).or_default();
            if left.iter().any(|one| matches!(one.item, OpenItem::Profile { .. })) {
                profiles.push(Standalone::partition(&target.lpar, &target.name).to_owned());
            }
        }
    }
    let looks: Vec<BoxFuture<'static, (ObjectName, Fact<Arc<FrameView>>)>> = asked
        .into_iter()
        .map(|(name, profiles_of)| {
            let api = api.clone();
            async move {
                let view = match api.hosts.frame(name.clone(), profiles_of).await {
                    Frame::View(view) => Ok(view),
                    Frame::NoConsole => Err(format!("no HMC of {name} can be asked")),
                    Frame::Unreachable(why) => Err(format!("an HMC of {name}: {why}")),
                };
                (name, view)
            }
            .boxed()
        })
        .collect();
    stream::iter(looks).buffer_unordered(AT_A_TIME).collect().await
}

/// What an HMC shows of an LPAR, where one was asked.
fn on_console(
    target: &Target,
    frames: &BTreeMap<ObjectName, Fact<Arc<FrameView>>>,
) -> Fact<OnConsole> {
    let frame = target.frame.as_ref().ok_or("the LPAR names no frame: mgmt_source")?;
    let view = frames.get(frame).ok_or("no HMC was asked")?.as_ref().map_err(Clone::clone)?;
    Ok(view.of_partition(Standalone::partition(&target.lpar, &target.name)))
}
