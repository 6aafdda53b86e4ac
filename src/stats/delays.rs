//! Distributions of delays, exact: Postfix logs two significant digits, so there are few distinct values.

use crate::logparse::event::Delays;
use std::collections::BTreeMap;

/// Values below this many hundredths of a second are counted in an array.
const SMALL: usize = 1000;

/// How often each delay occurred.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Distribution {
    small: Vec<u64>,
    large: BTreeMap<u64, u64>,
    count: u64,
}

impl Distribution {
    /// Counts a delay in hundredths of a second `times` times.
    pub fn add(&mut self, hundredths: u64, times: u64) {
        self.count += times;
        match usize::try_from(hundredths) {
            Ok(small) if small < SMALL => {
                if self.small.is_empty() {
                    self.small = vec![0; SMALL];
                }
                self.small[small] += times;
            }
            _ => *self.large.entry(hundredths).or_default() += times,
        }
    }

    /// How many delays were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The delay, in hundredths of a second, that `percent` of a hundred do not exceed (nearest rank).
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.count * percent.min(100)).div_ceil(100).max(1);
        let mut seen = 0;
        self.values().find_map(|(value, times)| {
            seen += times;
            (seen >= rank).then_some(value)
        })
    }

    /// All delays together, in hundredths of a second: exact, unless broken clocks fill 64 bits.
    pub fn sum(&self) -> u64 {
        self.values()
            .map(|(value, times)| value.saturating_mul(times))
            .fold(0, u64::saturating_add)
    }

    /// The longest delay, in hundredths of a second.
    pub fn max(&self) -> Option<u64> {
        self.values().last().map(|(value, _)| value)
    }

    /// Adds another's delays.
    pub fn merge(&mut self, other: &Self) {
        for (value, times) in other.values() {
            self.add(value, times);
        }
    }

    /// Values and how often they occurred, ascending.
    pub fn values(&self) -> impl Iterator<Item = (u64, u64)> {
        let small = self.small.iter().enumerate();
        small
            .filter(|(_, times)| **times > 0)
            .map(|(value, times)| (value as u64, *times))
            .chain(self.large.iter().map(|(value, times)| (*value, *times)))
    }
}

/// The distributions of a delivery's whole delay and of its four parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DelayParts {
    /// `delay=`
    pub total: Distribution,
    /// Before the queue manager.
    pub before_qmgr: Distribution,
    /// In the queue manager.
    pub in_qmgr: Distribution,
    /// Connection setup.
    pub conn_setup: Distribution,
    /// Transmission.
    pub transmission: Distribution,
}

impl DelayParts {
    /// Counts one delivery's delays.
    pub fn add(&mut self, total: u64, parts: Delays, times: u64) {
        self.total.add(total, times);
        self.before_qmgr.add(parts.before_qmgr, times);
        self.in_qmgr.add(parts.in_qmgr, times);
        self.conn_setup.add(parts.conn_setup, times);
        self.transmission.add(parts.transmission, times);
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.total.merge(&other.total);
        self.before_qmgr.merge(&other.before_qmgr);
        self.in_qmgr.merge(&other.in_qmgr);
        self.conn_setup.merge(&other.conn_setup);
        self.transmission.merge(&other.transmission);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut d = Distribution::default();
        assert_eq!(d.percentile(50), None);
        for value in 1..=100 {
            d.add(value * 100, 1);
        }
        assert_eq!(d.percentile(50), Some(5000));
        assert_eq!(d.percentile(95), Some(9500));
        assert_eq!(d.percentile(99), Some(9900));
        assert_eq!(d.percentile(100), Some(10_000));
        assert_eq!(d.max(), Some(10_000));
        assert_eq!(d.sum(), 505_000);
        let mut twice = d.clone();
        twice.merge(&d);
        assert_eq!((twice.count(), twice.percentile(50)), (200, Some(5000)));
    }
}
