//! Chance: a small generator of numbers for the mixture of traffic.
//!
//! SplitMix64 (Steele, Lea, Flood 2014): a few lines, good enough to choose who writes to whom, and repeatable
//! from its seed. Nothing secret comes from it.

/// The generator.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another one for every moment.
    pub(super) fn of_now() -> Self {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Self::new(now.as_secs() ^ u64::from(now.subsec_nanos()) << 32)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `below` - 1; 0 when `below` is 0.
    pub(super) fn below(&mut self, below: u64) -> u64 {
        self.next().checked_rem(below).unwrap_or(0)
    }

    /// One of `low..=high`.
    pub(super) fn octet(&mut self, low: u8, high: u8) -> u8 {
        let span = u64::from(high.saturating_sub(low)) + 1;
        low.saturating_add(u8::try_from(self.below(span)).unwrap_or(0))
    }

    /// One of these; the first of an empty choice does not exist, so the choice must not be empty.
    pub(super) fn one<'a>(&mut self, choice: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(choice.len() as u64)).unwrap_or(0);
        choice.get(index).copied().unwrap_or_default()
    }

    /// Whether something of `percent` probability happens.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_repeatable_and_spread() {
        let mut a = Chance::new(7);
        let mut b = Chance::new(7);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            let number = a.below(10);
            assert_eq!(number, b.below(10));
            seen[usize::try_from(number).unwrap()] += 1;
        }
        assert!(seen.iter().all(|n| (800..1200).contains(n)), "{seen:?}");
        assert_eq!(a.below(0), 0);
        assert_eq!(a.octet(5, 5), 5);
    }
}
