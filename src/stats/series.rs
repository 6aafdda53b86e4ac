//! What is counted, by the hour of the log's own clock.

use crate::logparse::Stamp;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// The counts of one span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Messages received: each once, re-injections by a content filter not again.
    pub received: u64,
    /// Recipients delivered to.
    pub delivered: u64,
    /// Recipients forwarded by local(8): attempts that succeeded without a mailbox.
    pub forwarded: u64,
    /// Delivery attempts that were deferred.
    pub deferrals: u64,
    /// Recipients bounced.
    pub bounced: u64,
    /// Commands, connections or messages rejected.
    pub rejected: u64,
    /// `reject_warning:` of smtpd, `warning:` of header and body checks.
    pub reject_warnings: u64,
    /// Messages put on hold by an access table, a check or a milter.
    pub held: u64,
    /// Messages discarded by an access table, a check or a milter.
    pub discarded: u64,
    /// Messages returned because they were too old, or expired by hand.
    pub expired: u64,
    /// Bytes of the messages received.
    pub bytes_received: u64,
    /// Bytes delivered, the message's size once a recipient.
    pub bytes_delivered: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.delivered += other.delivered;
        self.forwarded += other.forwarded;
        self.deferrals += other.deferrals;
        self.bounced += other.bounced;
        self.rejected += other.rejected;
        self.reject_warnings += other.reject_warnings;
        self.held += other.held;
        self.discarded += other.discarded;
        self.expired += other.expired;
        self.bytes_received += other.bytes_received;
        self.bytes_delivered += other.bytes_delivered;
    }
}

/// An hour of the log's own clock: hours since 1970-01-01T00:00 local time, and the offset in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hour {
    /// Hours since the epoch, local time.
    pub local: i64,
    /// Seconds east of UTC: the hour that a daylight-saving step repeats is two hours.
    pub offset: i32,
}

impl Hour {
    /// The hour a stamp lies in.
    pub fn of(stamp: Stamp) -> Self {
        Self {
            local: (stamp.seconds() + i64::from(stamp.offset)).div_euclid(3600),
            offset: stamp.offset,
        }
    }

    /// The hour of the day, 0 to 23.
    pub fn of_day(self) -> usize {
        usize::try_from(self.local.rem_euclid(24)).unwrap_or(0)
    }

    /// Days since 1970-01-01, local time.
    pub fn day(self) -> i64 {
        self.local.div_euclid(24)
    }
}

/// Counts by hour; only hours with lines are there.
#[derive(Debug, Clone, Default)]
pub struct Series {
    index: FxHashMap<Hour, u32>,
    rows: Vec<(Hour, Counts)>,
    /// The row that was asked for last: lines come in order.
    last: Option<(Hour, u32)>,
}

impl Series {
    /// The number of an hour's row, made when it is new.
    pub fn number(&mut self, hour: Hour) -> u32 {
        if let Some((last, number)) = self.last
            && last == hour
        {
            return number;
        }
        let rows = &mut self.rows;
        let number = *self.index.entry(hour).or_insert_with(|| {
            rows.push((hour, Counts::default()));
            u32::try_from(rows.len() - 1).unwrap_or(u32::MAX)
        });
        self.last = Some((hour, number));
        number
    }

    /// The counts of a row.
    pub fn at_mut(&mut self, number: u32) -> &mut Counts {
        &mut self.rows[number as usize].1
    }

    /// The hours in order.
    pub fn hours(&self) -> Vec<(Hour, Counts)> {
        let mut hours = self.rows.clone();
        hours.sort_by_key(|(hour, _)| *hour);
        hours
    }

    /// The hours in the order of their rows' numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, Hour)> {
        self.rows.iter().map(|(hour, _)| *hour).enumerate()
    }

    /// The days with lines, in order: days since 1970-01-01 of the log's own clock. A day with a
    /// daylight-saving step is one day of 23 or 25 hours.
    pub fn days(&self) -> Vec<(i64, Counts)> {
        let mut days = BTreeMap::<i64, Counts>::new();
        for (hour, counts) in &self.rows {
            *days.entry(hour.day()).or_default() += *counts;
        }
        days.into_iter().collect()
    }

    /// The hours of the day, 0 to 23 of the log's own clock, over all days together.
    pub fn hours_of_day(&self) -> [Counts; 24] {
        let mut hours = [Counts::default(); 24];
        for (hour, counts) in &self.rows {
            hours[hour.of_day()] += *counts;
        }
        hours
    }

    /// Everything together.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        for (_, counts) in &self.rows {
            total += *counts;
        }
        total
    }

    /// Adds another's counts; answers with the numbers that the other's rows have here.
    pub fn merge(&mut self, other: &Self) -> Vec<u32> {
        other
            .rows
            .iter()
            .map(|(hour, counts)| {
                let number = self.number(*hour);
                *self.at_mut(number) += *counts;
                number
            })
            .collect()
    }
}

impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        self.hours() == other.hours()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_of_the_logs_own_clock() {
        let hour = Hour::of(Stamp {
            micros: (23 * 3600 + 1800) * 1_000_000,
            offset: 3600,
        });
        assert_eq!((hour.of_day(), hour.day()), (0, 1));
    }
}
