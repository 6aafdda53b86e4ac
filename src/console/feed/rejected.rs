//! Rejects one by one, the newest some ten thousand, so that they can be counted by anything within anything.
//!
//! The groups of all rejects ever read are [`stats::rejects`](crate::stats::rejects)'s; they answer as long as
//! nothing is fixed. A question within a value is answered from the single rejects kept here.

use super::{Grouping, RejectAnswer, RejectQuery, RejectRow};
use crate::logparse::Record;
use crate::logparse::event::{Event, Verdict};
use crate::stats::names::Table;
use crate::stats::rejects::Rejects;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Single rejects kept: 60 bytes each.
const KEPT: usize = 20_000;
/// Distinct names kept; when there are more, the single rejects start afresh.
const NAMES: usize = 60_000;
/// A name longer than this is cut: it is only shown, and what is kept must not depend on it.
const LONGEST: usize = 256;
/// Rows of an answer.
const ROWS: usize = 1_000;

/// The rejects.
#[derive(Debug, Default)]
pub(super) struct Rejected {
    all: Rejects,
    names: Table<()>,
    single: VecDeque<Single>,
    /// Rejects of the last days by hour (seconds since the epoch / 3600).
    hours: VecDeque<(i64, u64)>,
}

/// One reject: the number of its value in each grouping; 0 where it has none.
#[derive(Debug)]
struct Single {
    time: i64,
    times: u32,
    values: [u32; Grouping::ALL.len()],
}

impl Rejected {
    /// Takes a record in; other events than rejects are ignored.
    pub fn observe(&mut self, record: &Record<'_>) {
        let Event::Reject(reject) = &record.event else {
            return;
        };
        if !matches!(
            reject.verdict,
            Verdict::Reject | Verdict::MilterReject | Verdict::ProxyReject
        ) {
            return;
        }
        self.all.observe(record);
        if self.names.len() > NAMES {
            self.names = Table::default();
            self.single.clear();
        }
        // Row 0 is "none".
        self.names.number(b"");
        let values = Grouping::ALL.map(|by| {
            by.of(record, reject).map_or(0, |name| {
                self.names.number(&name[..name.len().min(LONGEST)])
            })
        });
        let time = record.time.seconds();
        if self.single.len() == KEPT {
            self.single.pop_front();
        }
        self.single.push_back(Single {
            time,
            times: record.repeat,
            values,
        });
        self.count_hour(time.div_euclid(3_600), u64::from(record.repeat));
    }

    fn count_hour(&mut self, hour: i64, times: u64) {
        match self.hours.binary_search_by_key(&hour, |(h, _)| *h) {
            Ok(at) => self.hours[at].1 += times,
            Err(at) => self.hours.insert(at, (hour, times)),
        }
        // Two days: the day shown, and room for hours that come out of order.
        while self.hours.len() > 48 {
            self.hours.pop_front();
        }
    }

    /// Puts the rejects of an older stretch of the log before these.
    pub fn prepend(&mut self, older: Self) {
        self.all.merge(older.all);
        for (hour, times) in older.hours {
            self.count_hour(hour, times);
        }
        // The newest are kept, as many as there is room for.
        let room = KEPT.saturating_sub(self.single.len());
        for single in older.single.into_iter().rev().take(room) {
            if self.names.len() > NAMES {
                return;
            }
            self.names.number(b"");
            let values = single.values.map(|at| match at {
                0 => 0,
                _ => self.names.number(older.names.name(at)),
            });
            self.single.push_front(Single { values, ..single });
        }
    }

    /// Counts; `to` is the end of the day that is shown (seconds since the epoch).
    pub fn answer(&self, ticket: u64, query: &RejectQuery, to: i64) -> RejectAnswer {
        if query.within.is_empty() {
            return RejectAnswer {
                ticket,
                rows: self.groups(query.by),
                error: self.all.error(query.by),
                total: self.all.total,
                of: self.all.total,
                hours: day(to, |hour| {
                    self.hours
                        .iter()
                        .find(|(h, _)| *h == hour)
                        .map_or(0, |(_, n)| *n)
                }),
            };
        }
        self.within(ticket, query, to)
    }

    fn groups(&self, by: Grouping) -> Vec<RejectRow> {
        self.all
            .top(by, ROWS)
            .into_iter()
            .map(|row| RejectRow {
                value: String::from_utf8_lossy(row.name).into_owned(),
                count: row.count,
                last: row.last.seconds(),
                sample: String::from_utf8_lossy(row.example).into_owned(),
            })
            .collect()
    }

    fn within(&self, ticket: u64, query: &RejectQuery, to: i64) -> RejectAnswer {
        let fixed: Vec<_> = query
            .within
            .iter()
            .map(|(by, value)| (place(*by), value.as_bytes()))
            .collect();
        let matches = |single: &&Single| {
            fixed
                .iter()
                .all(|(at, value)| self.names.name(single.values[*at]) == *value)
        };
        let mut rows: FxHashMap<u32, (u64, i64)> = FxHashMap::default();
        let mut hours: FxHashMap<i64, u64> = FxHashMap::default();
        let mut total = 0;
        let by = place(query.by);
        for single in self.single.iter().filter(matches) {
            let times = u64::from(single.times);
            total += times;
            *hours.entry(single.time.div_euclid(3_600)).or_default() += times;
            let row = rows.entry(single.values[by]).or_default();
            row.0 += times;
            row.1 = row.1.max(single.time);
        }
        let rows = rows
            .into_iter()
            .filter(|(number, _)| *number != 0)
            .map(|(number, (count, last))| RejectRow {
                value: String::from_utf8_lossy(self.names.name(number)).into_owned(),
                count,
                last,
                sample: String::new(),
            })
            .collect();
        RejectAnswer {
            ticket,
            rows,
            error: 0,
            total,
            of: self.single.iter().map(|s| u64::from(s.times)).sum(),
            hours: day(to, |hour| hours.get(&hour).copied().unwrap_or(0)),
        }
    }
}

/// The last 24 hours, oldest first.
fn day(to: i64, count: impl Fn(i64) -> u64) -> Vec<u64> {
    let last = to.div_euclid(3_600);
    (last - 23..=last).map(count).collect()
}

fn place(by: Grouping) -> usize {
    Grouping::ALL.iter().position(|g| *g == by).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logparse::{Line, Parser, Reference};

    fn seeded() -> Rejected {
        let mut rejected = Rejected::default();
        let mut parser = Parser::new(Reference::at(1_795_000_000));
        for (client, to, times) in [
            ("192.0.2.9", "a", 3),
            ("192.0.2.10", "b", 2),
            ("2001:db8::1", "b", 1),
        ] {
            for _ in 0..times {
                let raw = format!(
                    "Nov 22 08:48:35 fire postfix/smtpd[331]: NOQUEUE: reject: RCPT from unknown[{client}]: 554 5.7.1 <{to}@y.example>: Relay access denied; from=<s@b.example> to=<{to}@y.example> proto=ESMTP helo=<c>"
                );
                let Line::Postfix(record) = parser.line(raw.as_bytes()) else {
                    panic!("{raw}")
                };
                rejected.observe(&record);
            }
        }
        rejected
    }

    #[test]
    fn every_grouping_agrees_with_the_groups_of_all_rejects() {
        let rejected = seeded();
        let reason = rejected.groups(Grouping::Reason)[0].value.clone();
        for by in Grouping::ALL {
            let query = RejectQuery {
                by,
                within: vec![(Grouping::Reason, reason.clone())],
            };
            let key = |rows: Vec<RejectRow>| {
                let mut rows: Vec<_> = rows
                    .into_iter()
                    .map(|r| (r.value, r.count, r.last))
                    .collect();
                rows.sort();
                rows
            };
            let within = rejected.answer(1, &query, 0);
            assert_eq!(key(within.rows), key(rejected.groups(by)), "{by:?}");
            assert_eq!(within.total, 6);
        }
    }

    #[test]
    fn one_value_narrows_the_others() {
        let rejected = seeded();
        let query = RejectQuery {
            by: Grouping::Recipient,
            within: vec![(Grouping::Network, "192.0.2.0/24".to_owned())],
        };
        let answer = rejected.answer(7, &query, 0);
        assert_eq!((answer.ticket, answer.total, answer.of), (7, 5, 6));
        let a = answer
            .rows
            .iter()
            .find(|r| r.value == "a@y.example")
            .unwrap();
        assert_eq!(a.count, 3);
    }
}
