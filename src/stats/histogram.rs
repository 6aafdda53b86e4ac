//! Delays in logarithmic buckets: small enough to keep one for every destination.
//!
//! A bucket is an eighth of an octave, so a percentile is at most an eighth above the true value; the
//! longest delay is exact. [`super::delays::Distribution`] is exact throughout and larger.

use crate::logparse::event::Delays;

/// Which part of a delivery's delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// `delay=`
    Total,
    /// Before the queue manager, message reception included.
    BeforeQmgr,
    /// In the queue manager.
    InQmgr,
    /// Connection setup, with DNS, HELO and TLS.
    ConnSetup,
    /// Transmission.
    Transmission,
}

impl Part {
    /// All of them, as `delay=` and `delays=` have them.
    pub const ALL: [Self; 5] = [
        Self::Total,
        Self::BeforeQmgr,
        Self::InQmgr,
        Self::ConnSetup,
        Self::Transmission,
    ];
}

/// What a histogram knows of one part, in hundredths of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quantiles {
    /// Half of the deliveries did not take longer.
    pub p50: u64,
    /// 95 of a hundred did not take longer.
    pub p95: u64,
    /// 98 of a hundred did not take longer.
    pub p98: u64,
    /// The longest, exactly.
    pub max: u64,
}

/// Histograms of the whole delay and of its four parts. Most destinations have few deliveries, and most
/// parts few distinct values: only buckets that were hit are there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartHistograms {
    /// Part and bucket, ascending, and how often it was hit.
    buckets: Vec<(u16, u32)>,
    max: [u32; Part::ALL.len()],
    count: u32,
}

impl PartHistograms {
    /// Counts one delivery's delays `times` times.
    pub fn add(&mut self, total: u64, parts: Delays, times: u64) {
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        self.count = self.count.saturating_add(times);
        let values = [
            total,
            parts.before_qmgr,
            parts.in_qmgr,
            parts.conn_setup,
            parts.transmission,
        ];
        for (part, value) in Part::ALL.into_iter().zip(values) {
            let value = u32::try_from(value).unwrap_or(u32::MAX);
            let max = &mut self.max[part as usize];
            *max = (*max).max(value);
            self.hit(key(part, value), times);
        }
    }

    fn hit(&mut self, key: u16, times: u32) {
        match self.buckets.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(at) => self.buckets[at].1 = self.buckets[at].1.saturating_add(times),
            Err(at) => self.buckets.insert(at, (key, times)),
        }
    }

    /// How many deliveries were counted.
    pub fn count(&self) -> u64 {
        u64::from(self.count)
    }

    /// The delay in hundredths of a second that `percent` of a hundred deliveries do not exceed (nearest
    /// rank), at most an eighth too large; 0 when nothing was counted.
    pub fn percentile(&self, part: Part, percent: u64) -> u64 {
        let rank = (self.count() * percent.min(100)).div_ceil(100).max(1);
        let max = u64::from(self.max[part as usize]);
        let mut seen = 0;
        let from = self.buckets.partition_point(|(k, _)| *k < key(part, 0));
        for (key, times) in &self.buckets[from..] {
            if key >> 8 != part as u16 {
                break;
            }
            seen += u64::from(*times);
            if seen >= rank {
                return highest(key & 0xff).min(max);
            }
        }
        max
    }

    /// The usual percentiles of a part.
    pub fn quantiles(&self, part: Part) -> Quantiles {
        Quantiles {
            p50: self.percentile(part, 50),
            p95: self.percentile(part, 95),
            p98: self.percentile(part, 98),
            max: u64::from(self.max[part as usize]),
        }
    }

    /// Adds another's deliveries.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        for (mine, theirs) in self.max.iter_mut().zip(other.max) {
            *mine = (*mine).max(theirs);
        }
        for (key, times) in &other.buckets {
            self.hit(*key, *times);
        }
    }
}

fn key(part: Part, value: u32) -> u16 {
    (part as u16) << 8 | bucket(value)
}

/// The bucket of a value: itself below 8, then the exponent and three bits after the leading one. The
/// largest value has bucket 239.
fn bucket(value: u32) -> u16 {
    let bucket = if value < 8 {
        value
    } else {
        let exponent = value.ilog2();
        let eighth = (value >> (exponent - 3)) & 7;
        (exponent - 2) * 8 + eighth
    };
    u16::try_from(bucket).unwrap_or(u16::MAX)
}

/// The highest value of a bucket.
fn highest(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    if bucket < 8 {
        return bucket;
    }
    let shift = bucket / 8 - 1;
    ((8 + bucket % 8 + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn delays(before_qmgr: u64) -> Delays {
        Delays {
            before_qmgr,
            ..Delays::default()
        }
    }

    proptest! {
        #[test]
        fn a_bucket_holds_its_values(value: u32) {
            let top = highest(bucket(value));
            prop_assert!(u64::from(value) <= top);
            prop_assert!(top <= u64::from(value) + u64::from(value) / 8);
            prop_assert!(value == u32::MAX || bucket(value + 1) >= bucket(value));
        }

        #[test]
        fn a_percentile_is_at_most_an_eighth_too_large(
            mut values in prop::collection::vec(0u64..100_000, 1..60),
            percent in 1usize..100,
        ) {
            let mut all = PartHistograms::default();
            let mut halves = [PartHistograms::default(), PartHistograms::default()];
            for (i, value) in values.iter().enumerate() {
                all.add(*value, delays(value / 2), 1);
                halves[i % 2].add(*value, delays(value / 2), 1);
            }
            let [mut merged, other] = halves;
            merged.merge(&other);
            prop_assert_eq!(&merged, &all);
            values.sort_unstable();
            let rank = (values.len() * percent).div_ceil(100).max(1);
            let percent = percent as u64;
            let exact = values[rank - 1];
            for (part, exact) in [(Part::Total, exact), (Part::BeforeQmgr, exact / 2)] {
                let found = all.percentile(part, percent);
                prop_assert!(exact <= found && found <= exact + exact / 8);
            }
            prop_assert_eq!(all.quantiles(Part::Total).max, *values.last().unwrap());
            prop_assert_eq!(all.percentile(Part::Transmission, percent), 0);
        }
    }

    #[test]
    fn nothing_counted_is_nothing() {
        let none = PartHistograms::default();
        assert_eq!(none.quantiles(Part::Total), Quantiles::default());
    }
}
