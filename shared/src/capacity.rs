//! What one more surrogate takes from its frame. Ledger and planner have to agree about it, so it stands here.
//!
//! Source of the formula: the HMC reference, §4.3 and §4.4.

use serde::{Deserialize, Serialize};

use crate::unit::{Megabytes, ProcessorUnits};

/// Share of the configurable memory that stays free, in percent. Source: HMC reference §4.4, "margin".
pub const MARGIN_PERCENT: u64 = 5;

/// What a surrogate takes from its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The LPAR's memory, rounded up to whole regions, and the hypervisor's overhead for it.
    pub memory: Megabytes,
    /// Entitlement of a shared LPAR, or whole processors of a dedicated one. Once it is promised: what of it was there.
    pub processors: ProcessorUnits,
    /// The shared pool that these come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<u32>,
    /// Where `cpu_reduction = yes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduction: Option<Reduction>,
}

/// An LPAR that gives up processors for as long as there are two partitions of it. How they are shared out in that time, and whether
/// they are given up where there are enough, depends on the level and is not known. Source: HMC reference §4.3; LU §1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reduction {
    /// What the LPAR has before, and gets back.
    pub own: ProcessorUnits,
    /// What each of the two partitions has to have.
    pub least: ProcessorUnits,
}

impl Need {
    /// The same of an LPAR that may give up processors, down to `least`.
    #[must_use]
    pub fn reducing(self, least: ProcessorUnits) -> Self {
        let reduction = Reduction { own: self.processors, least: least.min(self.processors) };
        Self { reduction: Some(reduction), ..self }
    }

    /// How many processors it takes where `free` are free and nothing else takes any: its own, or all of them where it gives up the
    /// rest. `None` where that is not enough: of the two partitions each needs the least, and the LPAR has some already. Source: HMC
    /// reference §4.3, `curr_avail + curr ≥ 2 × curr_min`.
    #[must_use]
    pub fn takes_of(&self, free: ProcessorUnits) -> Option<ProcessorUnits> {
        if self.processors <= free {
            return Some(self.processors);
        }
        let Reduction { own, least } = self.reduction?;
        (free + own >= least + least).then_some(free)
    }

    /// Whether it was promised less than the LPAR has.
    #[must_use]
    pub fn is_reduced(&self) -> bool {
        self.reduction.is_some_and(|reduction| self.processors < reduction.own)
    }
}

/// What a partition has of its frame, as an HMC shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Memory.
    pub memory: Megabytes,
    /// Least memory that it may have; all of it where that is not shown.
    pub min_memory: Megabytes,
    /// Most memory that it may have.
    pub max_memory: Megabytes,
    /// The *d* of the page table ratio `1:d`; `None` where that is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hpt_ratio: Option<u64>,
    /// Entitlement of a shared LPAR, or whole processors of a dedicated one.
    pub processors: ProcessorUnits,
    /// Least of these that it may run with; `None` where that is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_processors: Option<ProcessorUnits>,
    /// The shared pool that these come from; none of a dedicated LPAR, and of one in the default pool, which has no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<u32>,
}

/// Memory of a frame that is left alone: a region, and `percent` of what is configurable. Source: HMC reference §4.4, "margin".
#[must_use]
pub const fn margin(region: Megabytes, configurable: Megabytes, percent: u64) -> Megabytes {
    Megabytes(region.0.saturating_add(configurable.0.saturating_mul(percent) / 100))
}

/// What an LPAR with these figures takes from a frame whose memory comes in regions of `region`.
///
/// `hpt_ratio` is the *d* of the page table ratio `1:d`; `None` takes 64, the larger table. The overhead is an estimate that
/// errs upwards: at least 512 MB. Source: HMC reference §4.4. Of which pool the processors are is not its matter.
#[must_use]
pub fn need(
    memory: Megabytes,
    max_memory: Megabytes,
    hpt_ratio: Option<u64>,
    region: Megabytes,
    processors: ProcessorUnits,
) -> Need {
    let region = region.0.max(1);
    let up = |mb: u64| mb.div_ceil(region).saturating_mul(region);
    let ratio = hpt_ratio.filter(|d| *d > 0).unwrap_or(64);
    let table = (up(max_memory.0) / ratio).next_power_of_two();
    let overhead = up(table).saturating_add(region).max(512);
    let memory = Megabytes(up(memory.0).saturating_add(overhead));
    Need { memory, processors, pool: None, reduction: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_holds() {
        let of = |memory, max, ratio| {
            let units = ProcessorUnits { hundredths: 100 };
            need(Megabytes(memory), Megabytes(max), ratio, Megabytes(256), units).memory
        };
        // Source: HMC reference §4.4: A and B.
        assert_eq!(of(8192, 16_384, Some(128)), Megabytes(8704));
        assert_eq!(of(12_288, 24_576, Some(128)), Megabytes(12_800));
        // The same without a ratio: the larger table.
        assert_eq!(of(12_288, 65_536, None), Megabytes(12_288 + 1024 + 256));
        assert_eq!(margin(Megabytes(256), Megabytes(131_072), 5), Megabytes(256 + 6553));
    }

    #[test]
    fn who_gives_up_processors_takes_what_is_there_if_both_partitions_have_their_least() {
        let units = |hundredths| ProcessorUnits { hundredths };
        let plain = need(Megabytes(256), Megabytes(256), None, Megabytes(256), units(200));
        let takes = |of: Need, free| of.takes_of(units(free)).map(|one| one.hundredths);
        assert_eq!(
            [300, 200, 199, 0].map(|free| takes(plain, free)),
            [Some(200), Some(200), None, None]
        );
        // Of 2.0 with 1.2 at least, 0.4 have to be free: 2.4 in all.
        let reducing = plain.reducing(units(120));
        assert_eq!(
            [200, 199, 40, 39].map(|free| takes(reducing, free)),
            [Some(200), Some(199), Some(40), None]
        );
        assert_eq!(
            takes(plain.reducing(units(100)), 0),
            Some(0),
            "half of its own is enough for each"
        );
        assert_eq!(takes(plain.reducing(units(500)), 199), None, "no least is more than it has");
        assert!(!reducing.is_reduced() && Need { processors: units(199), ..reducing }.is_reduced());
        assert!(!Need { processors: units(199), ..plain }.is_reduced());
    }
}
