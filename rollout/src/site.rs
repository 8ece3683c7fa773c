//! A rollout as the scheduler sees it: work that takes amounts of things there is only so much of.
//!
//! Memory of a frame, its processors, a pool, places for partitions, a partition id, updates in flight in total, per HMC, frame,
//! pair of VIOSes and label, partners that never run together: all are a [`Resource`] with a capacity, of which a [`Job`] takes an
//! amount while it runs. What comes one after the other at a distance is a [`Gap`], when a job may run a [`Calendar`]. One rule for all of them
//! cannot be right for some and wrong for others.

use serde::{Deserialize, Serialize};

/// Seconds since the begin of the plan.
pub type Tick = u32;

/// A time that never comes.
pub const NEVER: Tick = Tick::MAX;

/// What is shared out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// What it is, for whoever waits for it.
    pub what: What,
    /// How much there is.
    pub capacity: u64,
}

/// What somebody can wait for. Numbers are those of the tables that the site was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum What {
    /// Updates in flight in total.
    InFlight,
    /// Updates in flight at an HMC.
    Hmc(u32),
    /// Updates in flight on a frame.
    FrameSlots(u32),
    /// Updates in flight with the same VIOSes.
    VioPair(u32),
    /// Updates in flight with the same value of a label.
    Label(u32),
    /// Partners, of which one at a time runs.
    Apart(u32),
    /// Memory of a frame.
    Memory(u32),
    /// Processors of a frame.
    Processors(u32),
    /// Processors of a pool.
    Pool(u32),
    /// Places for partitions on a frame.
    Partitions(u32),
    /// A partition id that is asked for.
    PartitionId(u32),
}

/// How much of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Index of the resource.
    pub resource: u32,
    /// Amount of it.
    pub amount: u64,
}

/// The update of one LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Index of its frame.
    pub frame: u32,
    /// What it takes while it runs, no resource twice.
    pub uses: Vec<Use>,
    /// Indices of the gaps that its start keeps.
    pub gaps: Vec<u32>,
    /// Index of its calendar.
    pub calendar: u32,
    /// How long it takes at most: what has to fit.
    pub long: Tick,
    /// How long it takes usually.
    pub usual: Tick,
}

/// Starts that keep a distance from each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Of what the starts are: an HMC or a pair of VIOSes.
    pub what: What,
    /// Least seconds between two.
    pub least: Tick,
}

/// When something may run: spans that do not touch, in order; the end is not part of a span.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Calendar(pub Vec<(Tick, Tick)>);

impl Calendar {
    /// At any time.
    #[must_use]
    pub fn always() -> Self {
        Self(vec![(0, NEVER)])
    }

    /// The first time from `from` on at which something of `length` can start and is over before its span ends.
    #[must_use]
    pub fn next_start(&self, from: Tick, length: Tick) -> Option<Tick> {
        let first = self.0.partition_point(|(_, end)| *end <= from);
        self.0[first..].iter().find_map(|(begin, end)| {
            let start = from.max(*begin);
            (start.checked_add(length)? <= *end).then_some(start)
        })
    }

    /// Until when something of `length` may still start that may start at `at`; `None` where it may not.
    #[must_use]
    pub fn last_start(&self, at: Tick, length: Tick) -> Option<Tick> {
        let span = self.0.iter().find(|(begin, end)| *begin <= at && at < *end)?;
        span.1.checked_sub(length).filter(|last| at <= *last)
    }

    /// When `work` seconds of open time have passed since `from`, where there are so many.
    #[must_use]
    pub fn after_open(&self, from: Tick, work: u64) -> Option<Tick> {
        let mut left = work;
        for (begin, end) in &self.0 {
            let begin = from.max(*begin);
            let open = u64::from(end.saturating_sub(begin));
            if open >= left {
                return u64::from(begin).checked_add(left)?.try_into().ok();
            }
            left -= open;
        }
        None
    }
}

/// All that a scheduler has to keep to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// What is shared out.
    pub resources: Vec<Resource>,
    /// Distances of starts.
    pub gaps: Vec<Gap>,
    /// Calendars.
    pub calendars: Vec<Calendar>,
    /// Number of frames; the last one stands for LPARs of which no frame is known.
    pub frames: u32,
}
