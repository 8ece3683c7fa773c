//! How many more operations may be taken at this moment, and which limit holds one that may not.
//!
//! A claim asks it under its lock, and whoever shows an operation of the queue asks it again: what holds an operation is never
//! stored, because it changes with every other one that begins or ends.

use std::collections::HashMap;
use std::fmt;

use nim_shared::operation::StateName;
use sea_orm::sqlx::{PgConnection, query_as};
use uuid::Uuid;

use super::Record;
use super::claim::Limits;
use crate::store::maintenance::Maintained;
use crate::store::{Error, Store};

/// An operation in the queue, with what it counts against.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) id: Uuid,
    pub(super) lpar: String,
    pub(super) frame: Option<String>,
    pub(super) hmc: Option<String>,
    pub(super) batch: Uuid,
    pub(super) concurrent: Option<i64>,
}

/// The limit that holds an operation in the queue. Of several the one that is nearest to who asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing new is started on its frame, by its HMC or behind its VIOS.
    Maintenance { of: String, reason: String },
    /// So many of the same request run.
    Batch { most: i64 },
    /// So many are open on its frame.
    Frame { name: String, most: i64, stuck: i64 },
    /// So many run by its HMC.
    Hmc { name: String, most: i64 },
    /// So many run in all.
    Global { most: i64 },
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Maintenance { of, reason } => write!(f, "maintenance of {of}: {reason}"),
            Self::Batch { most } => write!(f, "limit: {most} of this request at a time"),
            Self::Frame { name, most, stuck } => {
                write!(f, "limit: {most} at a time on frame {name}")?;
                match stuck {
                    0 => Ok(()),
                    1 => f.write_str(", where one is stuck"),
                    stuck => write!(f, ", where {stuck} are stuck"),
                }
            }
            Self::Hmc { name, most } => write!(f, "limit: {most} at a time by HMC {name}"),
            Self::Global { most } => write!(f, "limit: {most} at a time in all"),
        }
    }
}

/// Frame, HMC, batch, state, and how many there are of these.
type BusyRow = (Option<String>, Option<String>, Uuid, String, i64);

/// How many more may be taken.
pub(super) struct Room {
    most: i64,
    busy: i64,
    frames: Counter,
    hmcs: Counter,
    batches: HashMap<Uuid, i64>,
    /// Operations that are stuck, by frame: a person may make room there.
    stuck: HashMap<String, i64>,
    maintained: Maintained,
}

/// Room by frame or by HMC.
struct Counter {
    general: i64,
    own: HashMap<String, i64>,
    busy: HashMap<String, i64>,
}

impl Counter {
    /// The name and its limit, where that is reached.
    fn full<'a>(&self, name: Option<&'a str>) -> Option<(&'a str, i64)> {
        let name = name?;
        let limit = self.own.get(name).copied().unwrap_or(self.general);
        (self.busy.get(name).copied().unwrap_or(0) >= limit).then_some((name, limit))
    }

    fn add(&mut self, name: Option<&str>, many: i64) {
        if let Some(name) = name {
            *self.busy.entry(name.to_owned()).or_default() += many;
        }
    }
}

impl Room {
    /// What the limits leave at this moment to `queued`, which are in the queue or were a moment ago: none holds itself.
    pub(super) async fn of(
        connection: &mut PgConnection,
        limits: &Limits,
        queued: &[Uuid],
    ) -> Result<Self, sea_orm::sqlx::Error> {
        let busy: Vec<BusyRow> = query_as(
            "SELECT frame, hmc, batch_id, state, count(*) FROM operation
             WHERE state IN ('dispatching', 'running', 'stuck') AND id <> ALL($1)
             GROUP BY 1, 2, 3, 4",
        )
        .bind(queued)
        .fetch_all(&mut *connection)
        .await?;
        let own: Vec<(String, i64)> = query_as(
            "SELECT o.name, t.update_limit FROM nim_object o JOIN
                (SELECT object_id, update_limit FROM nim_cec UNION ALL
                 SELECT object_id, update_limit FROM nim_hmc) t ON t.object_id = o.id
             WHERE t.update_limit IS NOT NULL",
        )
        .fetch_all(&mut *connection)
        .await?;
        // Names are unique over all types, so one map of own limits serves both.
        let mut room = Self::new(limits, &own.into_iter().collect());
        room.maintained = Maintained::read(connection).await?;
        for (frame, hmc, batch, state, many) in busy {
            room.frames.add(frame.as_deref(), many);
            if state == StateName::Stuck.name() {
                frame.into_iter().for_each(|frame| *room.stuck.entry(frame).or_default() += many);
            } else {
                room.busy += many;
                room.hmcs.add(hmc.as_deref(), many);
                *room.batches.entry(batch).or_default() += many;
            }
        }
        Ok(room)
    }

    fn new(limits: &Limits, own: &HashMap<String, i64>) -> Self {
        let counter = |general: u32| Counter {
            general: i64::from(general),
            own: own.clone(),
            busy: HashMap::new(),
        };
        Self {
            most: i64::from(limits.global),
            busy: 0,
            frames: counter(limits.per_frame),
            hmcs: counter(limits.per_hmc),
            batches: HashMap::new(),
            stuck: HashMap::new(),
            maintained: Maintained::default(),
        }
    }

    /// Whether nothing more may be taken, whatever it is.
    pub(super) const fn is_full(&self) -> bool {
        self.busy >= self.most
    }

    /// What holds `one`; `None` where it may be taken.
    pub(super) fn holds(&self, one: &Waiting) -> Option<Held> {
        let maintained = &self.maintained;
        let place = maintained.holds(&one.lpar, one.frame.as_deref(), one.hmc.as_deref());
        if let Some((of, reason)) = place {
            return Some(Held::Maintenance { of, reason });
        }
        let of_batch = self.batches.get(&one.batch).copied().unwrap_or(0);
        if let Some(most) = one.concurrent.filter(|most| of_batch >= *most) {
            return Some(Held::Batch { most });
        }
        if let Some((name, most)) = self.frames.full(one.frame.as_deref()) {
            let stuck = self.stuck.get(name).copied().unwrap_or(0);
            return Some(Held::Frame { name: name.to_owned(), most, stuck });
        }
        if let Some((name, most)) = self.hmcs.full(one.hmc.as_deref()) {
            return Some(Held::Hmc { name: name.to_owned(), most });
        }
        self.is_full().then_some(Held::Global { most: self.most })
    }

    /// Takes one place everywhere, if there is one everywhere.
    pub(super) fn take(&mut self, one: &Waiting) -> bool {
        let fits = self.holds(one).is_none();
        if fits {
            self.add(one);
        }
        fits
    }

    fn add(&mut self, one: &Waiting) {
        self.busy += 1;
        self.frames.add(one.frame.as_deref(), 1);
        self.hmcs.add(one.hmc.as_deref(), 1);
        *self.batches.entry(one.batch).or_default() += 1;
    }
}

impl Store {
    /// Says of those of `records` that are in the queue which limit holds them, as a claim would find it now. One that no limit
    /// holds waits for nothing but a master's next look.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn say_what_holds<'a>(
        &self,
        limits: &Limits,
        records: impl IntoIterator<Item = &'a mut Record>,
    ) -> Result<(), Error> {
        let mut queued: Vec<&mut Record> = records
            .into_iter()
            .filter(|one| one.operation.name() == StateName::Queued && one.waits_for.is_none())
            .collect();
        if queued.is_empty() {
            return Ok(());
        }
        let failed = |cause| Error::sqlx("look what holds operations in the queue", cause);
        let mut batches: Vec<Uuid> = queued.iter().map(|one| one.batch.0).collect();
        batches.sort_unstable();
        batches.dedup();
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        let concurrent: Vec<(Uuid, Option<i64>)> =
            query_as("SELECT id, concurrent FROM batch WHERE id = ANY($1)")
                .bind(batches)
                .fetch_all(&mut *connection)
                .await
                .map_err(failed)?;
        let concurrent: HashMap<_, _> = concurrent.into_iter().collect();
        let ids: Vec<Uuid> = queued.iter().map(|one| one.id.0).collect();
        let room = Room::of(&mut connection, limits, &ids).await.map_err(failed)?;
        for one in &mut queued {
            let waiting = Waiting {
                id: one.id.0,
                lpar: one.lpar.to_string(),
                frame: one.frame.as_ref().map(ToString::to_string),
                hmc: one.hmc.as_ref().map(ToString::to_string),
                batch: one.batch.0,
                concurrent: concurrent.get(&one.batch.0).copied().flatten(),
            };
            one.waits_for = room.holds(&waiting).map(|held| held.to_string());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::deadline::Deadlines;

    fn room(global: u32, own: &[(&str, i64)]) -> Room {
        let limits = Limits { global, per_frame: 2, per_hmc: 3, deadlines: Deadlines::default() };
        let own = own.iter().map(|(name, limit)| ((*name).to_owned(), *limit)).collect();
        Room::new(&limits, &own)
    }

    /// An operation of batch 1, at most two of which may run at a time.
    fn one(frame: &str, hmc: &str) -> Waiting {
        let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let id = Uuid::from_u128(1);
        let (lpar, concurrent) = ("lpar01".to_owned(), Some(2));
        Waiting { id, lpar, frame: name(frame), hmc: name(hmc), batch: id, concurrent }
    }

    fn other(frame: &str, hmc: &str) -> Waiting {
        Waiting { batch: Uuid::from_u128(2), concurrent: None, ..one(frame, hmc) }
    }

    #[test]
    fn where_there_is_maintenance_nothing_is_taken_and_elsewhere_it_is() {
        for place in ["p10a", "hmc01"] {
            let mut room = room(9, &[]);
            room.maintained = Maintained::of(place, "new firmware");
            let held = room.holds(&one("p10a", "hmc01")).map(|held| held.to_string());
            assert_eq!(held, Some(format!("maintenance of {place}: new firmware")));
            assert!(!room.take(&one("p10a", "hmc01")) && room.take(&other("p10b", "hmc02")));
        }
    }

    #[test]
    fn what_is_held_says_by_which_limit_and_nothing_else_is_held() {
        let held = |global, own: &[(&str, i64)], busy: &[Waiting], stuck: &[(&str, i64)]| {
            let mut room = room(global, own);
            busy.iter().for_each(|one| room.add(one));
            for (frame, many) in stuck {
                room.frames.add(Some(frame), *many);
                room.stuck.insert((*frame).to_owned(), *many);
            }
            let held = room.holds(&one("p10a", "hmc01"));
            assert_eq!(room.take(&one("p10a", "hmc01")), held.is_none(), "a claim finds the same");
            held.map_or_else(|| "free".to_owned(), |held| held.to_string())
        };
        let there = other("p10a", "hmc01");
        let elsewhere = other("p10b", "hmc01");
        let unknown = other("", "");
        for (expected, held) in [
            ("free", held(9, &[], &[], &[])),
            ("free", held(9, &[], &[there.clone(), elsewhere.clone()], &[])),
            ("free", held(9, &[], &vec![unknown.clone(); 8], &[])),
            ("limit: 9 at a time in all", held(9, &[], &vec![unknown.clone(); 9], &[])),
            (
                "limit: 2 of this request at a time",
                held(9, &[], &vec![one("p10a", "hmc01"); 2], &[("p10a", 5)]),
            ),
            (
                "limit: 2 at a time on frame p10a",
                held(2, &[], &vec![there.clone(); 2], &[("p10b", 1)]),
            ),
            ("free", held(9, &[("p10a", 3)], &vec![there.clone(); 2], &[])),
            (
                "limit: 2 at a time on frame p10a, where one is stuck",
                held(9, &[], std::slice::from_ref(&there), &[("p10a", 1)]),
            ),
            (
                "limit: 1 at a time on frame p10a, where 2 are stuck",
                held(9, &[("p10a", 1)], &[], &[("p10a", 2)]),
            ),
            ("limit: 3 at a time by HMC hmc01", held(9, &[], &vec![elsewhere.clone(); 3], &[])),
            ("limit: 1 at a time by HMC hmc01", held(9, &[("hmc01", 1)], &[elsewhere], &[])),
        ] {
            assert_eq!(held, expected);
        }
    }
}
