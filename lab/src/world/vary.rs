//! Facts that are inferred or on which the sources disagree. Each LPAR draws its own readings from the site's seed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which reading of an unclear fact holds. The site file may fix any of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Variation {
    /// After the update the LPAR has its old id again (LU §6.1: one transcript shows 26 before and after).
    pub same_lpar_id: bool,
    /// An `altinst_rootvg` fails the preview (LU D12: the 2015 check; a later transcript runs with one present).
    pub altinst_refused: bool,
    /// A `lvup_rootvg` of an earlier run fails the preview (LU D13), instead of being freed by this run (Gibson 2015).
    pub leftover_refused: bool,
    /// `lvup_rootvg` is on mhdisk and the old system on nhdisk afterwards (LU §6.3: seeds 000 and 002 disagree).
    pub disks_swapped: bool,
    /// The token of `hmcauth` is gone after the move (LU §6.1: new kernel, inferred).
    pub token_lost: bool,
    /// The preview looks at the frame's free capacity (HV §8: "in preview or at requesting resources").
    pub capacity_in_preview: bool,
    /// The clock is stepped forward at the end of the freeze (LU §9: behaviour across the freeze unknown). Needs libfaketime.
    pub clock_steps: bool,
    /// `rmdev` refuses the devices of IP Security as long as there are rules (LU S15: the cookbook deletes them first, why is unknown).
    pub rules_hold_device: bool,
    /// `installp -p -u` refuses where `installp -u` would (what its look covers is unknown).
    pub look_refuses_removal: bool,
    /// Processors given up for the time of the update come back after the original is gone, in a step of their own (HV §4.3: "once the
    /// original is deleted"), instead of with it. Free at the HMC meanwhile, they are nobody else's.
    pub processors_back_later: bool,
}

impl Variation {
    /// The readings for one LPAR: the same for the same seed and name, on every machine.
    pub fn draw(seed: u64, lpar: &str) -> Self {
        let mut bits = lpar.bytes().fold(mix(seed), |state, byte| mix(state ^ u64::from(byte)));
        let mut flip = || {
            bits = mix(bits);
            bits >> 63 == 1
        };
        Self {
            same_lpar_id: flip(),
            altinst_refused: flip(),
            leftover_refused: flip(),
            disks_swapped: flip(),
            token_lost: flip(),
            capacity_in_preview: flip(),
            clock_steps: flip(),
            rules_hold_device: flip(),
            look_refuses_removal: flip(),
            processors_back_later: flip(),
        }
    }

    /// The readings by their names in a site file.
    pub fn by_name(self) -> BTreeMap<String, bool> {
        let Self {
            same_lpar_id,
            altinst_refused,
            leftover_refused,
            disks_swapped,
            token_lost,
            capacity_in_preview,
            clock_steps,
            rules_hold_device,
            look_refuses_removal,
            processors_back_later,
        } = self;
        [
            ("same_lpar_id", same_lpar_id),
            ("altinst_refused", altinst_refused),
            ("leftover_refused", leftover_refused),
            ("disks_swapped", disks_swapped),
            ("token_lost", token_lost),
            ("capacity_in_preview", capacity_in_preview),
            ("clock_steps", clock_steps),
            ("rules_hold_device", rules_hold_device),
            ("look_refuses_removal", look_refuses_removal),
            ("processors_back_later", processors_back_later),
        ]
        .map(|(name, reading)| (name.to_owned(), reading))
        .into()
    }
}

/// The finaliser of splitmix64: every input bit moves every output bit.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_readings_and_seeds_give_both() {
        assert_eq!(Variation::draw(7, "lpar01"), Variation::draw(7, "lpar01"));
        let readings: Vec<Variation> =
            (0..64).map(|seed| Variation::draw(seed, "lpar01")).collect();
        let both = |which: fn(&Variation) -> bool| {
            readings.iter().any(which) && !readings.iter().all(which)
        };
        assert!(both(|v| v.same_lpar_id));
        assert!(both(|v| v.altinst_refused));
        assert!(both(|v| v.leftover_refused));
        assert!(both(|v| v.disks_swapped));
        assert!(both(|v| v.token_lost));
        assert!(both(|v| v.capacity_in_preview));
        assert!(both(|v| v.clock_steps));
        assert!(both(|v| v.rules_hold_device));
        assert!(both(|v| v.look_refuses_removal));
        assert!(both(|v| v.processors_back_later));
    }
}
