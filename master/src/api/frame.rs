//! Frames with what HMCs showed of them last.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use nim_shared::api::{FrameConsole, FrameFigures, FramePartition, FrameStatus, PartitionView};
use nim_shared::id::ObjectName;
use nim_shared::object::{Object, ObjectType, Spec};

use super::Api;
use super::adapter::{Served, status};
use super::apply::all;
use super::error::Answer;
use crate::engine::capacity::Reading;
use crate::inventory::discover::on_frame;
use crate::store::object::ObjectFilter;
use crate::store::vios::KnownVios;

/// `GET /v1/frames`: all frames in the order in which they were made, each with its HMCs, figures and partitions.
pub(super) async fn list(State(api): State<Api>) -> Answer<Json<Vec<FrameStatus>>> {
    let types = vec![ObjectType::Cec, ObjectType::Vios, ObjectType::Standalone];
    let filter = ObjectFilter { types, ..ObjectFilter::default() };
    let objects = all(&api.store, &filter).await?;
    let mut readings = api.store.frame_readings().await?;
    let mut consoles: BTreeMap<_, _> =
        api.store.frames().await?.into_iter().map(|frame| (frame.name, frame.hmcs)).collect();
    let names: Vec<_> = consoles.keys().collect();
    let known = api.store.vioses_on(&names).await?;
    let mut on: BTreeMap<&ObjectName, Vec<&Object>> = BTreeMap::new();
    for object in &objects {
        if let Some((frame, _)) = on_frame(object) {
            on.entry(frame).or_default().push(object);
        }
    }
    let frames = objects.iter().filter_map(|object| {
        let Spec::Cec(cec) = &object.spec else { return None };
        let hmcs = consoles.remove(&object.name).unwrap_or_default().into_iter();
        let (reading, seen) = readings.remove(&object.name).unzip();
        Some(FrameStatus {
            name: object.name.clone(),
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
                &on.remove(&object.name).unwrap_or_default(),
                seen.unwrap_or_default(),
                &known,
            ),
        })
    });
    Ok(Json(frames.collect()))
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
