//! Frames with what HMCs showed of them last.

use std::collections::BTreeMap;
use std::vec::IntoIter;

use axum::extract::State;
use axum::response::Response;
use nim_shared::api::{FrameConsole, FrameFigures, FramePartition, FrameStatus, PartitionView};
use nim_shared::id::ObjectName;
use nim_shared::object::{Object, Spec};

use super::Api;
use super::adapter::{Served, status};
use super::error::Answer;
use super::extract::Query;
use super::lines::{Source, stream};
use crate::engine::capacity::Reading;
use crate::inventory::discover::on_frame;
use crate::store::vios::KnownVios;

/// `GET /v1/frames`: the frames, those of one preferred HMC together, each with its HMCs, figures and partitions. Of the names, which
/// are those of frames and HMCs, none means all.
pub(super) async fn list(State(api): State<Api>, mut query: Query) -> Answer<Response> {
    let names = query.all::<ObjectName>("name")?;
    query.end()?;
    let frames = api.store.frames_by_hmc(&names).await?.into_iter();
    stream(&api, Frames { api: api.clone(), frames, size: 1 }).await
}

/// Frames of a part: with some fifty partitions each as much as any other list has.
const FRAMES: usize = 20;

/// The frames that are still to come.
struct Frames {
    api: Api,
    frames: IntoIter<ObjectName>,
    /// How many are read now: one at first, so that it is there soon.
    size: usize,
}

impl Source for Frames {
    type Item = FrameStatus;

    async fn next(&mut self) -> Answer<Option<Vec<FrameStatus>>> {
        let names: Vec<ObjectName> = self.frames.by_ref().take(self.size).collect();
        self.size = FRAMES;
        if names.is_empty() {
            return Ok(None);
        }
        let names: Vec<&ObjectName> = names.iter().collect();
        Ok(Some(frames(&self.api, &names).await?))
    }
}

/// What is known of some frames, in this order.
async fn frames(api: &Api, names: &[&ObjectName]) -> Answer<Vec<FrameStatus>> {
    let store = &api.store;
    let objects = store.objects_on(names).await?;
    let mut readings = store.frame_readings(names).await?;
    let mut consoles: BTreeMap<_, _> = store
        .frames(Some(names))
        .await?
        .into_iter()
        .map(|frame| (frame.name, frame.hmcs))
        .collect();
    let known = store.vioses_on(names).await?;
    let mut on: BTreeMap<&ObjectName, Vec<&Object>> = BTreeMap::new();
    let mut cecs = BTreeMap::new();
    for object in &objects {
        match &object.spec {
            Spec::Cec(cec) => drop(cecs.insert(&object.name, cec)),
            _ => {
                if let Some((frame, _)) = on_frame(object) {
                    on.entry(frame).or_default().push(object);
                }
            }
        }
    }
    let frames = names.iter().filter_map(|name| {
        // One that was removed meanwhile is left out.
        let cec = cecs.get(name)?;
        let hmcs = consoles.remove(*name).unwrap_or_default().into_iter();
        let (reading, seen) = readings.remove(*name).unzip();
        Some(FrameStatus {
            name: (*name).clone(),
            mtms: cec.mtms(),
            hmcs: hmcs
                .map(|hmc| FrameConsole {
                    name: hmc.name,
                    state: hmc.last_state,
                    state_at: hmc.last_state_at,
                })
                .collect(),
            reading: reading.map(figures),
            partitions: partitions(
                &on.remove(*name).unwrap_or_default(),
                seen.unwrap_or_default(),
                &known,
            ),
        })
    });
    Ok(frames.collect())
}

fn figures(reading: Reading) -> FrameFigures {
    FrameFigures {
        read_at: reading.read_at,
        free_memory: reading.free_memory,
        memory: reading.configurable_memory,
        free_processors: reading.free_processors,
        partitions: reading.partitions,
        max_partitions: reading.max_partitions,
    }
}

/// The objects of a frame, each with its partition and its adapters, then the partitions that are no object's.
fn partitions(
    objects: &[&Object],
    mut seen: Vec<PartitionView>,
    known: &BTreeMap<ObjectName, KnownVios>,
) -> Vec<FramePartition> {
    let served = Served::of(objects, &seen, known);
    let mut rows: Vec<_> = objects
        .iter()
        .map(|object| {
            let name = on_frame(object).map(|(_, name)| name);
            let at = seen.iter().position(|one| Some(one.name.as_str()) == name);
            let is_vios = matches!(object.spec, Spec::Vios(_));
            FramePartition {
                object: Some(object.name.clone()),
                seen: at.map(|at| seen.remove(at)),
                vios: is_vios.then(|| status(known.get(&object.name))),
                adapters: if is_vios { Vec::new() } else { served.machine(&object.name) },
            }
        })
        .collect();
    let alone =
        |one| FramePartition { object: None, seen: Some(one), vios: None, adapters: Vec::new() };
    rows.extend(seen.into_iter().map(alone));
    rows
}
