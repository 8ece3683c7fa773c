//! Chance that is the same for the same seed: a plan has to come out the same wherever and whenever it is made.

/// A generator that is started by a seed. The algorithm is `SplitMix64`: of public domain, a few lines, and none of a crate whose next
/// version might draw other numbers, which would change every plan.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// Started by `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        // The upper half of a product: no division, and the bias is below 2^-32 for what is counted here.
        let drawn = (u128::from(self.next()) * u128::from(end)) >> 64;
        usize::try_from(drawn).unwrap_or(0)
    }

    /// Brings `items` into an order by chance.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same() {
        // The first numbers of the published algorithm for seed 0.
        let mut drawn = Seeded::new(0);
        assert_eq!((drawn.next(), drawn.next()), (0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4));
        let mut items: Vec<u32> = (0..20).collect();
        Seeded::new(7).shuffle(&mut items);
        let mut again: Vec<u32> = (0..20).collect();
        Seeded::new(7).shuffle(&mut again);
        assert_eq!(items, again);
        assert_ne!(items, (0..20).collect::<Vec<_>>());
        assert!((0..1000).all(|_| Seeded::new(3).below(3) < 3));
    }
}
