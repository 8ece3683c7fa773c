//! Counts over the fleet.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use nim_shared::api::{LevelCount, PartitionView};
use nim_shared::id::ObjectName;
use nim_shared::level::Level;
use nim_shared::object::ObjectType;
use nim_shared::stamp::Timestamp;

use super::Api;
use super::apply::all;
use super::error::Answer;
use crate::inventory::discover::on_frame;
use crate::store::object::ObjectFilter;

/// Most names beside a count.
const EXAMPLES: usize = 5;

/// `GET /v1/report/levels`: LPARs by the level that their HMC showed last, the oldest first; last those of which none is known.
pub(super) async fn levels(State(api): State<Api>) -> Answer<Json<Vec<LevelCount>>> {
    let filter = ObjectFilter { types: vec![ObjectType::Standalone], ..ObjectFilter::default() };
    let lpars = all(&api.store, &filter).await?;
    let readings = api.store.frame_readings().await?;
    let mut seen: BTreeMap<(&ObjectName, &str), (&PartitionView, Timestamp)> = BTreeMap::new();
    for (frame, (reading, partitions)) in &readings {
        for one in partitions {
            seen.insert((frame, one.name.as_str()), (one, reading.read_at));
        }
    }
    let lpars = lpars.iter().map(|lpar| {
        let shown = on_frame(lpar).and_then(|place| seen.get(&place));
        let level = shown.and_then(|(one, _)| level(&one.os_version));
        (lpar.name.clone(), level, shown.map(|(_, at)| *at))
    });
    Ok(Json(count(lpars)))
}

/// The level in what RMC tells of a system: `AIX 7.2 7200-04-02-2028`. Source: HMC reference §2.2.
fn level(os_version: &str) -> Option<Level> {
    let mut words = os_version.split_whitespace();
    (words.next() == Some("AIX")).then(|| words.nth(1)?.parse().ok())?
}

/// Counts by level.
fn count(
    lpars: impl Iterator<Item = (ObjectName, Option<Level>, Option<Timestamp>)>,
) -> Vec<LevelCount> {
    // None sorts first, and stands last.
    let mut counts: BTreeMap<(bool, Option<Level>), LevelCount> = BTreeMap::new();
    for (name, level, read_at) in lpars {
        let row = counts.entry((level.is_none(), level)).or_insert_with(|| LevelCount {
            level: level.map(|level| level.to_string()),
            lpars: 0,
            examples: Vec::new(),
            oldest_reading: None,
        });
        row.lpars += 1;
        if row.examples.len() < EXAMPLES {
            row.examples.push(name);
        }
        // Whose view it is and how old: as old as the oldest reading that it counts.
        row.oldest_reading = match (row.oldest_reading, read_at.filter(|_| level.is_some())) {
            (Some(old), Some(at)) => Some(old.min(at)),
            (old, at) => old.or(at),
        };
    }
    counts.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_as_levels_and_what_is_unknown_comes_last() {
        let at = |second: i64| Some(Timestamp::from_unix_micros(second * 1_000_000));
        let lpars = [
            ("a", "AIX 7.3 7300-03-01-2520", at(5)),
            ("b", "AIX 7.2 7200-05-10-2420", at(3)),
            ("c", "Unknown", at(1)),
            ("d", "AIX 7.3 7300-03-01-2520", at(2)),
            ("e", "AIX 7.2 7200-05-03-2148", at(4)),
            ("f", "", None),
            ("g", "Linux/RedHat 5.14 9.4", at(4)),
        ];
        let rows = count(
            lpars.into_iter().map(|(name, os, read)| (name.parse().unwrap(), level(os), read)),
        );
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.level.as_deref(), row.lpars, row.examples.len(), row.oldest_reading))
            .collect();
        assert_eq!(
            shown,
            [
                (Some("7200-05-03-2148"), 1, 1, at(4)),
                (Some("7200-05-10-2420"), 1, 1, at(3)),
                (Some("7300-03-01-2520"), 2, 2, at(2)),
                (None, 3, 3, None),
            ]
        );
    }
}
