//! The delays of the last hour's deliveries, in slices of five minutes.
//!
//! Histograms of HdrHistogram's kind: values are kept to within 1 %, in memory that does not depend on how many
//! or what they are. Postfix logs two significant digits, so what is shown is what was logged.

use crate::logparse::event::{Delays, Delivery};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Length of a slice in seconds.
const SLICE: i64 = 300;
/// Slices of an hour.
const SLICES: i64 = 12;
/// Longer delays, in hundredths of a second, count as this: a year, where Postfix gives up after days.
const LONGEST: u64 = 366 * 86_400 * 100;
/// Significant digits: an error of at most 1 %.
const DIGITS: u8 = 2;

/// Percentiles of the last hour's delays, in hundredths of a second, within 1 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Percentiles {
    /// Half of the deliveries took no longer.
    pub p50: u64,
    /// 95 of a hundred took no longer.
    pub p95: u64,
    /// 99 of a hundred took no longer.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

/// The last hour's delays: the whole and the four parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecentDelays {
    /// Deliveries in the hour.
    pub count: u64,
    /// `delay=`
    pub total: Percentiles,
    /// Before the queue manager.
    pub before_qmgr: Percentiles,
    /// In the queue manager.
    pub in_qmgr: Percentiles,
    /// Connection setup.
    pub conn_setup: Percentiles,
    /// Transmission.
    pub transmission: Percentiles,
}

/// The slices.
#[derive(Debug, Clone, Default)]
pub(super) struct Slices {
    /// By the slice's number (time / [`SLICE`]).
    slices: BTreeMap<i64, Slice>,
}

/// The whole delay, and its four parts in the order of `delays=`.
#[derive(Debug, Clone)]
struct Slice {
    parts: [Histogram<u32>; 5],
}

impl Slice {
    fn new() -> Self {
        let empty = || {
            #[allow(
                clippy::expect_used,
                reason = "the digits are a constant between 0 and 5, which is all that is asked of them"
            )]
            Histogram::new(DIGITS).expect("two digits")
        };
        Self {
            parts: [empty(), empty(), empty(), empty(), empty()],
        }
    }

    fn add(&mut self, total: u64, delays: Delays, times: u32) {
        let values = [
            total,
            delays.before_qmgr,
            delays.in_qmgr,
            delays.conn_setup,
            delays.transmission,
        ];
        for (part, value) in self.parts.iter_mut().zip(values) {
            // It grows up to LONGEST by itself: nothing can fail below.
            let _ = part.record_n(value.min(LONGEST), times);
        }
    }

    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.parts.iter_mut().zip(&other.parts) {
            let _ = mine.add(theirs);
        }
    }
}

impl Slices {
    /// Counts a delivery.
    pub fn add(&mut self, time: i64, delivery: &Delivery<'_>, times: u32) {
        let slice = time.div_euclid(SLICE);
        let newest = self.slices.last_key_value().map_or(slice, |(n, _)| *n);
        if slice <= newest - SLICES {
            return;
        }
        self.slices.entry(slice).or_insert_with(Slice::new).add(
            delivery.delay,
            delivery.delays,
            times,
        );
        self.forget(newest.max(slice) * SLICE);
    }

    /// Forgets what is more than an hour before `now` (seconds since the epoch).
    pub fn forget(&mut self, now: i64) {
        let oldest = now.div_euclid(SLICE) - SLICES;
        while self
            .slices
            .first_key_value()
            .is_some_and(|(slice, _)| *slice <= oldest)
        {
            self.slices.pop_first();
        }
    }

    /// Adds an older stretch's.
    pub fn merge(&mut self, older: Self) {
        let newest = self.slices.last_key_value().map(|(slice, _)| *slice);
        for (number, slice) in older.slices {
            self.slices
                .entry(number)
                .or_insert_with(Slice::new)
                .merge(&slice);
        }
        if let Some(newest) = newest {
            self.forget(newest * SLICE);
        }
    }

    /// The percentiles of the hour before `now` (seconds since the epoch).
    pub fn recent(&self, now: i64) -> RecentDelays {
        let oldest = now.div_euclid(SLICE) - SLICES;
        let mut all = Slice::new();
        for (_, slice) in self.slices.range(oldest + 1..) {
            all.merge(slice);
        }
        let of = |part: &Histogram<u32>| Percentiles {
            p50: logged(part.value_at_quantile(0.50)),
            p95: logged(part.value_at_quantile(0.95)),
            p99: logged(part.value_at_quantile(0.99)),
            max: logged(part.max()),
        };
        let [total, before_qmgr, in_qmgr, conn_setup, transmission] = &all.parts;
        RecentDelays {
            count: total.len(),
            total: of(total),
            before_qmgr: of(before_qmgr),
            in_qmgr: of(in_qmgr),
            conn_setup: of(conn_setup),
            transmission: of(transmission),
        }
    }
}

/// The value of two significant digits next to a histogram's: what Postfix logged.
fn logged(value: u64) -> u64 {
    let mut unit = 1;
    while value / unit >= 100 {
        unit *= 10;
    }
    // A histogram answers with the highest value that it cannot tell from the one recorded.
    value / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_come_back_as_they_were_logged() {
        for value in (0..100).chain([660, 6600, 99_000, 4_300_000, 43_000_000]) {
            let mut slice = Slice::new();
            slice.add(value, Delays::default(), 3);
            assert_eq!(logged(slice.parts[0].value_at_quantile(0.5)), value);
        }
    }

    #[test]
    fn a_delay_beyond_all_bounds_takes_no_memory() {
        let mut slice = Slice::new();
        slice.add(u64::MAX, Delays::default(), u32::MAX);
        assert!(slice.parts[0].distinct_values() < 10_000);
        assert_eq!(slice.parts[0].len(), u64::from(u32::MAX));
    }
}
