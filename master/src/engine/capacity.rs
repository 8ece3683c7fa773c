//! Whether a frame has room for one more surrogate.
//!
//! Capacity is reserved before it is used. What the HMC showed at a time T counts, less what we promised and what was not yet
//! visible at T. Where nothing is known of a frame or an LPAR no figure is invented: then only the number of updates counts.
//! Source of the rules: the HMC reference, §4.3 and §4.4.

pub use nim_shared::capacity::{Need, Reduction, need};

use std::collections::BTreeMap;

use nim_shared::capacity::{MARGIN_PERCENT, margin};
use nim_shared::id::OperationId;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::{Megabytes, ProcessorUnits, Seconds};
use serde::{Deserialize, Serialize};

/// What an HMC showed of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// When it was read, by the database's clock.
    pub read_at: Timestamp,
    /// `curr_avail_sys_mem`.
    pub free_memory: Megabytes,
    /// `curr_avail_sys_proc_units`.
    pub free_processors: ProcessorUnits,
    /// `mem_region_size`: memory is handed out in these.
    pub region: Megabytes,
    /// `configurable_sys_mem`.
    pub configurable_memory: Megabytes,
    /// Partitions that exist, where it was read.
    pub partitions: Option<u32>,
    /// `max_lpars`, where it was read.
    pub max_partitions: Option<u32>,
}

/// Capacity promised to an operation and not yet released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The operation.
    pub operation: OperationId,
    /// What it takes; `None` where nothing was known of the LPAR.
    pub need: Option<Need>,
    /// When an HMC first showed its surrogate: readings from then on have it subtracted already.
    pub seen_at: Option<Timestamp>,
    /// Processors that the last reading shows it to have, in both partitions together.
    pub shown: Option<ProcessorUnits>,
}

impl Reservation {
    /// Whether `reading` has its surrogate subtracted.
    #[must_use]
    pub fn is_seen(&self, reading: &Reading) -> bool {
        self.seen_at.is_some_and(|at| at <= reading.read_at)
    }

    /// What of it `reading` does not have subtracted, and nobody else may have; `None` where nothing was known of the LPAR, or nothing
    /// is left.
    ///
    /// An LPAR that gives up processors gets them back when the original is gone: until then they are free at the HMC, and are kept for
    /// it all the same, up to what was promised beside its own.
    #[must_use]
    pub fn outstanding(&self, reading: &Reading) -> Option<Need> {
        let need = self.need?;
        if !self.is_seen(reading) {
            return Some(need);
        }
        let Reduction { own, .. } = need.reduction?;
        let hundredths = match self.shown {
            Some(shown) => (own + need.processors).hundredths.saturating_sub(shown.hundredths),
            None => need.processors.hundredths,
        };
        Some(Need { memory: Megabytes(0), processors: ProcessorUnits { hundredths }, ..need })
    }
}

/// All that is known of a frame at the moment of the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameLedger {
    /// The last reading; `None` where there is none.
    pub reading: Option<Reading>,
    /// What was free then in its shared pools of processors that have a limit, by their number.
    pub pools: BTreeMap<u32, ProcessorUnits>,
    /// What is promised and not released.
    pub reservations: Vec<Reservation>,
    /// Most updates at a time on this frame.
    pub limit: u32,
}

/// What may be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Reserve this, and go on.
    Granted(Option<Need>),
    /// The frame's reading is too old, or older than a reservation that could not be seen yet: read it again first.
    ReadAgain,
    /// Not now.
    Wait(Shortage),
}

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shortage {
    /// As many updates run on the frame as may.
    #[error("{running} of at most {limit} updates run on the frame")]
    Slots {
        /// Running, with those promised.
        running: u32,
        /// Most at a time.
        limit: u32,
    },
    /// Memory.
    #[error(
        "needs {needed} of memory, {free} are free on the frame beyond what is promised and the margin"
    )]
    Memory {
        /// What the surrogate takes.
        needed: Megabytes,
        /// What is free.
        free: Megabytes,
    },
    /// Processors.
    #[error("needs {needed} processor units, {free} are free on the frame beyond what is promised")]
    Processors {
        /// What the surrogate takes.
        needed: ProcessorUnits,
        /// What is free.
        free: ProcessorUnits,
    },
    /// Processors of a shared pool.
    #[error(
        "needs {needed} processor units, {free} are free in pool {pool} of the frame beyond what is promised"
    )]
    Pool {
        /// Its number.
        pool: u32,
        /// What the surrogate takes.
        needed: ProcessorUnits,
        /// What is free.
        free: ProcessorUnits,
    },
    /// Processors, and it can do with less while nothing else takes any.
    #[error(
        "needs {needed} processor units, {free} are free on the frame beyond what is promised; with cpu_reduction it takes what there is \
         when no other update runs on the frame"
    )]
    NotAlone {
        /// What the surrogate takes.
        needed: ProcessorUnits,
        /// What is free.
        free: ProcessorUnits,
    },
    /// Processors, of which another one takes all.
    #[error("an update with cpu_reduction takes all processors that are free on the frame")]
    Reduced,
    /// Partition slots.
    #[error("the frame has {partitions} of at most {max} partitions")]
    Partitions {
        /// Existing and promised.
        partitions: u32,
        /// Most at a time.
        max: u32,
    },
}

/// How old a reading may be.
pub const FRESH: Seconds = Seconds(60);

impl FrameLedger {
    /// Whether `need` fits at `now`. `need` is `None` where nothing is known of the LPAR.
    #[must_use]
    pub fn decide(&self, need: Option<Need>, now: Timestamp) -> Decision {
        let running = u32::try_from(self.reservations.len()).unwrap_or(u32::MAX);
        if running >= self.limit {
            return Decision::Wait(Shortage::Slots { running, limit: self.limit });
        }
        match (self.reading, need) {
            (Some(reading), Some(need)) => self.fits(reading, need, now),
            // Nothing is known: one slot of the limit, which there is.
            (None, _) | (_, None) => Decision::Granted(need),
        }
    }

    fn fits(&self, reading: Reading, need: Need, now: Timestamp) -> Decision {
        if now.since(reading.read_at) > time::Duration::seconds(FRESH.0.cast_signed()) {
            return Decision::ReadAgain;
        }
        let outstanding = || self.reservations.iter().filter_map(|r| r.outstanding(&reading));
        let promised: Megabytes = outstanding().map(|n| n.memory).sum();
        let units: ProcessorUnits = outstanding().map(|n| n.processors).sum();
        let of_pool = need.pool.and_then(|pool| {
            let of_pool = outstanding().filter(|n| n.pool == Some(pool));
            let promised: ProcessorUnits = of_pool.map(|n| n.processors).sum();
            let free = self.pools.get(&pool)?.hundredths.saturating_sub(promised.hundredths);
            Some((pool, ProcessorUnits { hundredths: free }))
        });
        let margin = margin(reading.region, reading.configurable_memory, MARGIN_PERCENT);
        let free =
            Megabytes(reading.free_memory.0.saturating_sub(promised.0).saturating_sub(margin.0));
        let free_units = ProcessorUnits {
            hundredths: reading.free_processors.hundredths.saturating_sub(units.hundredths),
        };
        let waiting = self.reservations.iter().filter(|r| !r.is_seen(&reading)).count();
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        let partitions = reading.partitions.map(|there| there.saturating_add(waiting));
        if need.memory > free {
            return Decision::Wait(Shortage::Memory { needed: need.memory, free });
        }
        let processors = match self.processors(need, free_units, of_pool) {
            Ok(processors) => processors,
            Err(shortage) => return Decision::Wait(shortage),
        };
        if let (Some(partitions), Some(max)) = (partitions, reading.max_partitions)
            && partitions >= max
        {
            Decision::Wait(Shortage::Partitions { partitions, max })
        } else {
            Decision::Granted(Some(Need { processors, ..need }))
        }
    }

    /// How many processors it is promised. Who gives some up is alone on the frame: how many AIX takes then is not known, and it knows
    /// nothing of what is promised to others.
    fn processors(
        &self,
        need: Need,
        free: ProcessorUnits,
        of_pool: Option<(u32, ProcessorUnits)>,
    ) -> Result<ProcessorUnits, Shortage> {
        let mut others = self.reservations.iter().filter_map(|r| r.need);
        if others.clone().any(|other| other.is_reduced()) {
            return Err(Shortage::Reduced);
        }
        let needed = need.processors;
        let there = of_pool.map_or(free, |(_, of_pool)| of_pool.min(free));
        match need.takes_of(there) {
            Some(all) if all == needed => Ok(all),
            Some(less) if others.next().is_none() => Ok(less),
            Some(free) => Err(Shortage::NotAlone { needed, free }),
            None => Err(match of_pool.filter(|_| needed <= free) {
                Some((pool, free)) => Shortage::Pool { pool, needed, free },
                None => Shortage::Processors { needed, free },
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nim_shared::id::OperationId;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_micros(second * 1_000_000)
    }

    fn units(text: &str) -> ProcessorUnits {
        text.parse().unwrap()
    }

    /// The worked example of the HMC reference: 25344 MB and 1.8 units free, regions of 256 MB.
    fn reading(read_at: i64) -> Reading {
        Reading {
            read_at: at(read_at),
            free_memory: Megabytes(25_344),
            free_processors: units("1.8"),
            region: Megabytes(256),
            configurable_memory: Megabytes(0),
            partitions: Some(10),
            max_partitions: Some(12),
        }
    }

    fn reservation(number: u128, need: Option<Need>, seen_at: Option<i64>) -> Reservation {
        let operation = OperationId(uuid::Uuid::from_u128(number));
        Reservation { operation, need, seen_at: seen_at.map(at), shown: None }
    }

    fn a() -> Need {
        need(Megabytes(8192), Megabytes(16_384), Some(128), Megabytes(256), units("1.0"))
    }

    fn b() -> Need {
        need(Megabytes(12_288), Megabytes(24_576), Some(128), Megabytes(256), units("0.8"))
    }

    fn ledger(reservations: Vec<Reservation>) -> FrameLedger {
        FrameLedger { reading: Some(reading(100)), pools: BTreeMap::new(), reservations, limit: 4 }
    }

    #[test]
    fn the_worked_example_holds() {
        assert_eq!((a().memory, b().memory), (Megabytes(8704), Megabytes(12_800)));
        let with_a = ledger(vec![reservation(1, Some(a()), None)]);
        assert_eq!(with_a.decide(Some(b()), at(110)), Decision::Granted(Some(b())));
        let both = ledger(vec![reservation(1, Some(a()), None), reservation(2, Some(b()), None)]);
        let c = need(Megabytes(1024), Megabytes(2048), None, Megabytes(256), units("0.2"));
        assert!(matches!(
            both.decide(Some(c), at(110)),
            Decision::Wait(Shortage::Processors { .. })
        ));
    }

    #[test]
    fn a_surrogate_that_the_reading_shows_is_not_subtracted_twice() {
        let seen =
            ledger(vec![reservation(1, Some(b()), Some(90)), reservation(2, None, Some(90))]);
        assert_eq!(seen.decide(Some(b()), at(110)), Decision::Granted(Some(b())));
        let later = ledger(vec![reservation(1, Some(b()), Some(101))]);
        assert!(matches!(
            later.decide(Some(b()), at(110)),
            Decision::Wait(Shortage::Memory { .. })
        ));
    }

    #[test]
    fn a_pool_holds_those_that_are_in_it_and_nobody_else() {
        let small = |pool| Need {
            pool,
            ..need(Megabytes(256), Megabytes(256), None, Megabytes(256), units("0.2"))
        };
        let with = |free: &str, reservations| FrameLedger {
            pools: BTreeMap::from([(3, units(free))]),
            ..ledger(reservations)
        };
        let decide = |of: FrameLedger, pool| of.decide(Some(small(pool)), at(110));
        let full =
            Decision::Wait(Shortage::Pool { pool: 3, needed: units("0.2"), free: units("0.1") });
        assert_eq!(decide(with("0.1", vec![]), Some(3)), full);
        let granted = [(None, "0.1"), (Some(4), "0.1"), (Some(3), "0.2")];
        for (pool, free) in granted {
            let granted = Decision::Granted(Some(small(pool)));
            assert_eq!(decide(with(free, vec![]), pool), granted, "{pool:?}");
        }
        // What is promised of it and cannot be seen yet is taken; what the reading shows is not taken twice.
        let promised = |pool, seen_at| vec![reservation(1, Some(small(pool)), seen_at)];
        assert_eq!(decide(with("0.3", promised(Some(3), None)), Some(3)), full);
        let granted = Decision::Granted(Some(small(Some(3))));
        assert_eq!(decide(with("0.3", promised(Some(3), Some(90))), Some(3)), granted);
        assert_eq!(decide(with("0.3", promised(Some(4), None)), Some(3)), granted);
    }

    /// 2.0 units, of which each partition needs `least`.
    fn reducing(least: &str) -> Need {
        need(Megabytes(256), Megabytes(256), None, Megabytes(256), units("2.0"))
            .reducing(units(least))
    }

    #[test]
    fn who_gives_up_processors_gets_what_is_free_when_nobody_else_was_promised_any() {
        let decide = |of: &FrameLedger, need| of.decide(Some(need), at(110));
        let alone = ledger(vec![]);
        let full = Need { reduction: None, ..reducing("0.5") };
        let (needed, free) = (units("2.0"), units("1.8"));
        assert_eq!(decide(&alone, full), Decision::Wait(Shortage::Processors { needed, free }));
        let less = Need { processors: units("1.8"), ..reducing("0.5") };
        assert_eq!(decide(&alone, reducing("0.5")), Decision::Granted(Some(less)));
        assert_eq!(
            decide(&alone, reducing("1.91")),
            Decision::Wait(Shortage::Processors { needed, free }),
            "3.8 in all are less than two of 1.91"
        );
        let small = need(Megabytes(256), Megabytes(256), None, Megabytes(256), units("0.1"));
        for (seen_at, free) in [(None, "1.7"), (Some(90), "1.8")] {
            let beside = ledger(vec![reservation(1, Some(small), seen_at)]);
            let (needed, free) = (units("2.0"), units(free));
            let waits = Decision::Wait(Shortage::NotAlone { needed, free });
            assert_eq!(decide(&beside, reducing("0.5")), waits);
        }
        let unknown = ledger(vec![reservation(1, None, None)]);
        assert_eq!(decide(&unknown, reducing("0.5")), Decision::Granted(Some(less)));
        for seen_at in [None, Some(90)] {
            let behind = ledger(vec![reservation(1, Some(less), seen_at)]);
            assert_eq!(decide(&behind, small), Decision::Wait(Shortage::Reduced), "{seen_at:?}");
        }
        // The pool has less than the frame.
        let pooled = Need { pool: Some(3), ..reducing("0.5") };
        let with = |free: &str| FrameLedger {
            pools: BTreeMap::from([(3, units(free))]),
            ..ledger(vec![])
        };
        let less = Need { processors: units("0.3"), ..pooled };
        assert_eq!(decide(&with("0.3"), pooled), Decision::Granted(Some(less)));
    }

    #[test]
    fn what_is_given_up_for_the_time_of_an_update_is_promised_to_nobody_else() {
        let own = need(Megabytes(256), Megabytes(256), None, Megabytes(256), units("1.0"));
        let own = own.reducing(units("0.2"));
        let small = need(Megabytes(256), Megabytes(256), None, Megabytes(256), units("0.9"));
        // Two of 0.5 have 1.0 together: of the 1.8 that are free at the HMC, 1.0 go back to the one that stays.
        let decide = |shown: Option<&str>, of| {
            let shown = shown.map(units);
            let one = Reservation { shown, ..reservation(1, Some(of), Some(90)) };
            ledger(vec![one]).decide(Some(small), at(110))
        };
        let short = |free: &str| {
            Decision::Wait(Shortage::Processors { needed: units("0.9"), free: units(free) })
        };
        assert_eq!(decide(Some("1.0"), own), short("0.8"));
        assert_eq!(decide(None, own), short("0.8"), "nobody knows how many it has now");
        assert_eq!(decide(Some("2.0"), own), Decision::Granted(Some(small)), "it gave up none");
        let plain = Need { reduction: None, ..own };
        assert_eq!(decide(Some("1.0"), plain), Decision::Granted(Some(small)));
    }

    #[test]
    fn an_old_reading_is_read_again() {
        assert_eq!(ledger(vec![]).decide(Some(a()), at(161)), Decision::ReadAgain);
    }

    #[test]
    fn where_nothing_is_known_one_slot_of_the_limit_counts() {
        let unknown = |running: u128| FrameLedger {
            reading: None,
            pools: BTreeMap::new(),
            reservations: (0..running).map(|n| reservation(n, None, None)).collect(),
            limit: 2,
        };
        assert_eq!(unknown(1).decide(None, at(0)), Decision::Granted(None));
        assert!(matches!(unknown(2).decide(None, at(0)), Decision::Wait(Shortage::Slots { .. })));
        assert!(matches!(
            unknown(2).decide(Some(a()), at(0)),
            Decision::Wait(Shortage::Slots { .. })
        ));
    }

    #[test]
    fn a_frame_without_a_free_partition_waits() {
        let small = need(Megabytes(256), Megabytes(256), None, Megabytes(256), units("0.1"));
        let full =
            ledger(vec![reservation(1, Some(small), None), reservation(2, Some(small), None)]);
        assert_eq!(
            full.decide(Some(small), at(110)),
            Decision::Wait(Shortage::Partitions { partitions: 12, max: 12 })
        );
    }
}
