//! How frames stand now, for whoever watches a rollout.

use std::collections::BTreeMap;

use nim_shared::api::WatchedFrame;
use nim_shared::id::ObjectName;

use super::Around;
use crate::api::Api;
use crate::api::error::Answer;
use crate::store::maintenance::Maintenance;

/// How these frames stand now.
pub(in crate::api::rollout) async fn watched_frames(
    api: &Api,
    names: &[&ObjectName],
) -> Answer<Vec<WatchedFrame>> {
    let store = &api.store;
    let maintained = store.maintenance().await?;
    let mut vioses: BTreeMap<ObjectName, Vec<ObjectName>> = BTreeMap::new();
    if !maintained.is_empty() {
        for ((frame, _), vios) in store.vios_partitions(names).await? {
            vioses.entry(frame).or_default().push(vios);
        }
    }
    let around = Around {
        consoles: store.frames(Some(names)).await?,
        hmc_limits: BTreeMap::new(),
        readings: store.frame_readings(names).await?,
        shapes: BTreeMap::new(),
        pools: BTreeMap::new(),
        promises: store.promises(names).await?,
        limits: api.limits,
    };
    let (_, shown) = around.frames();
    let shown = shown.into_iter().map(|frame| {
        let name = &frame.name;
        let on =
            std::iter::once(name).chain(&frame.hmc).chain(vioses.get(name).into_iter().flatten());
        WatchedFrame {
            memory: around.readings.get(name).map(|(reading, _)| reading.configurable_memory),
            updates: around.promises.get(name).map_or(0, Vec::len),
            maintenance: why(on, &maintained),
            frame,
        }
    });
    Ok(shown.collect())
}

/// The maintenance of these places, all of it.
fn why<'a>(
    places: impl Iterator<Item = &'a ObjectName>,
    maintained: &[Maintenance],
) -> Option<String> {
    let of = |place: &ObjectName| maintained.iter().find(|one| one.on == *place);
    let all: Vec<String> =
        places.filter_map(of).map(|one| format!("{}: {}", one.on, one.reason)).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

#[cfg(test)]
mod tests {
    use nim_shared::stamp::Timestamp;

    use super::*;
    use crate::store::Who;

    #[test]
    fn all_maintenance_that_holds_updates_on_a_frame_is_said() {
        let name = |text: &str| text.parse::<ObjectName>().unwrap();
        let maintained = [("frame1", "firmware"), ("vios1b", "4.1.1"), ("vios2a", "4.1.1")];
        let maintained = maintained.map(|(on, reason)| Maintenance {
            on: name(on),
            of: String::new(),
            reason: reason.to_owned(),
            by: Who { uid: 0 },
            since: Timestamp::from_unix_micros(0),
        });
        let of = |places: &[&str]| {
            let places: Vec<ObjectName> = places.iter().map(|one| name(one)).collect();
            why(places.iter(), &maintained)
        };
        assert_eq!(of(&["frame2", "hmc1", "vios2b"]), None);
        assert_eq!(of(&["frame2", "hmc1", "vios2a", "vios2b"]).as_deref(), Some("vios2a: 4.1.1"));
        let both = of(&["frame1", "hmc1", "vios1a", "vios1b"]);
        assert_eq!(both.as_deref(), Some("frame1: firmware; vios1b: 4.1.1"));
    }
}
