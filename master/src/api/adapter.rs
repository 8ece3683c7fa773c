//! Virtual adapters: which LPAR gets what from which VIOS.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use nim_shared::api::{AdapterView, MachineAdapters, PartitionView, ViosStatus};
use nim_shared::id::ObjectName;
use nim_shared::object::{Object, ObjectType, Spec};
use nim_shared::select::{Direction, Field, Sort};

use super::Api;
use super::error::Answer;
use super::extract::Query;
use super::lines::{Source, stream};
use super::list::Cursor;
use crate::inventory::discover::on_frame;
use crate::inventory::vios::clients;
use crate::store::object::ObjectFilter;
use crate::store::vios::KnownVios;

/// `GET /v1/adapters`: of the VIOSes and LPARs that are named, those of one frame together.
pub(super) async fn list(State(api): State<Api>, mut query: Query) -> Answer<Response> {
    let names = query.names("name")?;
    query.end()?;
    // In this order few frames are looked at for each part.
    let sort = Sort(vec![(Field::Frame, Direction::Up)]);
    let types = vec![ObjectType::Vios, ObjectType::Standalone];
    let filter = ObjectFilter { types, names, sort, ..ObjectFilter::default() };
    stream(&api, Machines { api: api.clone(), cursor: Cursor::new(filter, u32::MAX) }).await
}

/// The machines that are still to come.
struct Machines {
    api: Api,
    cursor: Cursor,
}

impl Source for Machines {
    type Item = MachineAdapters;

    async fn next(&mut self) -> Answer<Option<Vec<MachineAdapters>>> {
        let Some((place, limit)) = self.cursor.part() else { return Ok(None) };
        let store = &self.api.store;
        let page = store.objects(&self.cursor.filter, place, limit).await?;
        self.cursor.read(page.items.len(), page.next);
        let wanted: Vec<Object> = page.items.into_iter().map(|one| one.object).collect();
        let mut frames: Vec<_> = wanted.iter().filter_map(on_frame).map(|(f, _)| f).collect();
        frames.sort();
        frames.dedup();
        let known = store.vioses_on(&frames).await?;
        let mut readings = store.frame_readings(&frames).await?;
        // A VIOS tells clients by id: whose that is takes all machines of its frame.
        let machines = store.objects_on(&frames).await?;
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
        Ok(Some(rows.collect()))
    }
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
