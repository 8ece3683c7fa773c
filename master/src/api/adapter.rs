//! Virtual adapters: which LPAR gets what from which VIOS.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use nim_shared::api::{AdapterView, MachineAdapters, PartitionView, ViosStatus};
use nim_shared::id::ObjectName;
use nim_shared::object::{Object, ObjectType, Spec};

use super::Api;
use super::apply::all;
use super::error::Answer;
use super::extract::Query;
use crate::inventory::discover::on_frame;
use crate::inventory::vios::clients;
use crate::store::object::ObjectFilter;
use crate::store::vios::KnownVios;

/// `GET /v1/adapters`: of the VIOSes and LPARs that are named, in the order in which they were made.
pub(super) async fn list(
    State(api): State<Api>,
    mut query: Query,
) -> Answer<Json<Vec<MachineAdapters>>> {
    let names = query.names("name")?;
    query.end()?;
    let types = vec![ObjectType::Vios, ObjectType::Standalone];
    let wanted = ObjectFilter { types: types.clone(), names, ..ObjectFilter::default() };
    let wanted = all(&api.store, &wanted).await?;
    let mut frames: Vec<_> =
        wanted.iter().filter_map(|one| on_frame(one)).map(|(f, _)| f).collect();
    frames.sort();
    frames.dedup();
    let known = api.store.vioses_on(&frames).await?;
    let mut readings = api.store.frame_readings().await?;
    // A VIOS tells clients by id: whose that is takes all machines of its frame.
    let filter = ObjectFilter { types, ..ObjectFilter::default() };
    let machines = all(&api.store, &filter).await?;
    let mut on: BTreeMap<&ObjectName, Vec<&Object>> = BTreeMap::new();
    for object in &machines {
        if let Some((frame, _)) = on_frame(object) {
            on.entry(frame).or_default().push(object);
        }
    }
    let served: BTreeMap<_, _> = frames
        .into_iter()
        .map(|frame| {
            let seen = readings.remove(frame).map(|(_, seen)| seen).unwrap_or_default();
            let objects = on.remove(frame).unwrap_or_default();
            (frame, Served::of(&objects, &seen, &known))
        })
        .collect();
    let rows = wanted.iter().map(|object| {
        let on = on_frame(object).and_then(|(frame, _)| served.get(frame));
        MachineAdapters {
            name: object.name.clone(),
            vios: matches!(object.spec, Spec::Vios(_)).then(|| status(known.get(&object.name))),
            adapters: on.map(|served| served.machine(&object.name)).unwrap_or_default(),
        }
    });
    Ok(Json(rows.collect()))
}

/// The virtual adapters of a frame, in the order of its VIOSes.
pub(super) struct Served(Vec<AdapterView>);

impl Served {
    /// Of the machines of one frame, what its HMC showed of partitions, and what is known of VIOSes.
    pub(super) fn of(
        objects: &[&Object],
        seen: &[PartitionView],
        known: &BTreeMap<ObjectName, KnownVios>,
    ) -> Self {
        let clients = clients(objects, seen);
        let vioses = objects.iter().filter(|one| matches!(one.spec, Spec::Vios(_)));
        let read =
            vioses.filter_map(|one| Some((&one.name, known.get(&one.name)?.reading.as_ref()?)));
        let views = read.flat_map(|(vios, reading)| {
            reading.adapters.iter().map(|adapter| AdapterView {
                vios: vios.clone(),
                client: adapter
                    .client_id
                    .and_then(|id| clients.get(&id))
                    .map(|name| (*name).clone()),
                read_at: reading.read_at,
                adapter: adapter.clone(),
            })
        });
        Self(views.collect())
    }

    /// Those of one machine: of a VIOS what it has, of an LPAR what serves it.
    pub(super) fn machine(&self, name: &ObjectName) -> Vec<AdapterView> {
        let is_of = |one: &&AdapterView| one.vios == *name || one.client.as_ref() == Some(name);
        self.0.iter().filter(is_of).cloned().collect()
    }
}

/// How a VIOS is known.
pub(super) fn status(known: Option<&KnownVios>) -> ViosStatus {
    let reading = known.and_then(|known| known.reading.as_ref());
    let failure = known.and_then(|known| known.failure.as_ref());
    ViosStatus {
        level: reading.map(|reading| reading.level.clone()),
        read_at: reading.map(|reading| reading.read_at),
        by: reading.and_then(|reading| reading.by.clone()),
        failure: failure.map(|(_, why)| why.clone()),
        failed_at: failure.map(|(at, _)| *at),
    }
}
