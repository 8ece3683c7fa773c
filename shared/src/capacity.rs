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
    /// Entitlement of a shared LPAR, or whole processors of a dedicated one.
    pub processors: ProcessorUnits,
    /// The shared pool that these come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<u32>,
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
    /// Entitlement of a shared LPAR, or whole processors of a dedicated one.
    pub processors: ProcessorUnits,
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
    Need { memory: Megabytes(up(memory.0).saturating_add(overhead)), processors, pool: None }
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
}
