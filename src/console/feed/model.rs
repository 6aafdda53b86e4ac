//! What the log's task knows: every aggregate, fed line by line, and the answers made from them.

use super::rejected::Rejected;
use super::stories::Stories;
use super::{
    About, DelayFigures, Figures, Finding, Found, Life, QueueAges, Rates, Reading, RejectAnswer,
    RejectQuery,
};
use crate::logparse::Line;
use crate::logparse::event::Event;
use crate::queue::{Entry, QueueName};
use crate::stats::diagnoses::{self, Diagnosis, Evidence, Severity, Subject};
use crate::stats::live::{Flow, Live};
use std::collections::VecDeque;
use std::sync::Arc;

/// A log whose last line is older than this is a record of the past: its own last hour is shown.
const STALE: i64 = 3_600;
/// The queue's depth is compared with what it was so many seconds ago.
const HOUR: i64 = 3_600;
/// Reasons and causes shown: more than a tall terminal has rows for.
const TOP: usize = 30;

/// The aggregates.
#[derive(Debug, Default)]
pub(super) struct Model {
    reading: Reading,
    offset: i32,
    live: Live,
    rejected: Rejected,
    stories: Stories,
    queue: Option<Arc<Vec<Entry>>>,
    /// How many messages the queue held when it was looked at, oldest first, back to an hour ago: seconds since
    /// the epoch and messages.
    depths: VecDeque<(i64, u64)>,
}

impl Model {
    /// Takes a line in.
    pub fn line(&mut self, line: &Line<'_>) {
        if matches!(line, Line::Partial) {
            return;
        }
        self.reading.lines += 1;
        let Line::Postfix(record) = line else {
            return;
        };
        let time = record.time.seconds();
        self.offset = record.time.offset;
        let (from, to) = self.reading.span.unwrap_or((time, time));
        self.reading.span = Some((from.min(time), to.max(time)));
        if matches!(record.event, Event::Unparsed(_)) {
            self.reading.unparsed += 1;
        }
        self.live.observe(record);
        self.rejected.observe(record);
        self.stories.observe(record);
    }

    /// Puts what an older stretch of the log told before what is known.
    pub fn prepend(&mut self, older: Self) {
        self.reading.lines += older.reading.lines;
        self.reading.unparsed += older.reading.unparsed;
        self.reading.span = match (self.reading.span, older.reading.span) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        self.live.prepend(older.live);
        self.rejected.prepend(older.rejected);
        self.stories.prepend(older.stories);
    }

    /// What lies in the queue at this time (seconds since the epoch).
    pub fn queue(&mut self, entries: Arc<Vec<Entry>>, now: i64) {
        // One reading a minute says enough of an hour.
        if self.depths.back().is_none_or(|(at, _)| now - at >= 60) {
            self.depths.push_back((now, entries.len() as u64));
        }
        while self.depths.get(1).is_some_and(|(at, _)| now - at >= HOUR) {
            self.depths.pop_front();
        }
        self.queue = Some(entries);
    }

    /// How many messages the queue held an hour before `now`, when it was known then.
    fn queue_an_hour_ago(&self, now: i64) -> Option<u64> {
        let (at, depth) = self.depths.front()?;
        (now - at >= HOUR).then_some(*depth)
    }

    /// The overview's figures at this time (seconds since the epoch).
    pub fn figures(&mut self, now: i64) -> Figures {
        let last = self.live.last.map(crate::logparse::Stamp::seconds);
        let live = last.is_none_or(|last| now - last < STALE);
        let hour_to = match last {
            Some(last) if !live => last,
            Some(_) => {
                self.live.advance(now);
                now
            }
            // Not yet: a log of the past would find its hours already over.
            None => now,
        };
        let minutes = self.live.minutes.last(60, hour_to);
        let total = self.live.total;
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let top = |table: &crate::stats::frequent::Frequent| {
            let rows = table.top(TOP);
            rows.iter().map(|r| (text(r.name), r.count)).collect()
        };
        Figures {
            offset: self.offset,
            hour_to,
            live,
            rates: rates(|part| minutes.iter().map(part).collect()),
            totals: rates(|part| part(&total)),
            delays: self.delays(hour_to),
            rejects: top(&self.live.rejects),
            deferrals: top(&self.live.deferrals),
            errors: [self.live.rejects.error(), self.live.deferrals.error()],
            diagnoses: self.diagnoses(hour_to),
            reading: self.reading.clone(),
            waiting: self.queue.as_ref().map(|entries| ages(entries, now)),
        }
    }

    fn delays(&self, now: i64) -> Option<DelayFigures> {
        let recent = self.live.delays(now);
        let seconds = |hundredths: u64| hundredths as f64 / 100.0;
        (recent.count > 0).then(|| DelayFigures {
            p50: seconds(recent.total.p50),
            p95: seconds(recent.total.p95),
            p99: seconds(recent.total.p99),
            parts: [
                recent.before_qmgr,
                recent.in_qmgr,
                recent.conn_setup,
                recent.transmission,
            ]
            .map(|part| seconds(part.p95)),
        })
    }

    fn diagnoses(&self, now: i64) -> Vec<Finding> {
        let entries = self.queue.as_ref().map_or(&[][..], |entries| entries);
        let zones = self.live.rbl_hits.top(TOP);
        let bad: Vec<_> = zones
            .iter()
            .filter_map(|row| std::str::from_utf8(row.name).ok())
            .filter(|zone| crate::rbl::dead(zone).is_some())
            .collect();
        let evidence = Evidence {
            live: &self.live,
            queue: entries,
            queue_an_hour_ago: self.queue_an_hour_ago(now),
            now,
            bad_zones: &bad,
        };
        diagnoses::diagnose(&evidence)
            .into_iter()
            .map(finding)
            .collect()
    }

    /// Messages that match.
    pub fn find(&self, ticket: u64, text: &str) -> Found {
        self.stories.find(ticket, text)
    }

    /// The life of a message.
    pub fn life(&self, queue_id: &str) -> Life {
        self.stories.life(queue_id)
    }

    /// Rejects, counted.
    pub fn rejects(&self, ticket: u64, query: &RejectQuery, now: i64) -> RejectAnswer {
        let last = self.live.last.map_or(now, crate::logparse::Stamp::seconds);
        let to = if now - last < STALE { now } else { last };
        self.rejected.answer(ticket, query, to)
    }
}

fn rates<T>(make: impl Fn(fn(&Flow) -> u64) -> T) -> Rates<T> {
    Rates {
        received: make(|f| f.received),
        sent: make(|f| f.sent),
        deferred: make(|f| f.deferred),
        bounced: make(|f| f.bounced),
        rejected: make(|f| f.rejected),
    }
}

fn finding(diagnosis: Diagnosis) -> Finding {
    Finding {
        text: diagnosis.text,
        remedy: diagnosis.remedy,
        grave: diagnosis.severity == Severity::Critical,
        about: match diagnosis.subject {
            Subject::Domain(name) => About::Domain(name),
            Subject::Client(address) => About::Client(address),
            Subject::Zone(zone) => About::Zone(zone),
            Subject::Queue => About::Queue,
            Subject::Log => About::Log,
        },
    }
}

fn ages(entries: &[Entry], now: i64) -> QueueAges {
    let mut ages = QueueAges::default();
    for entry in entries {
        let age = (now - entry.arrival_time).max(0);
        if entry.queue_name == QueueName::Hold {
            ages.held += 1;
        }
        ages.oldest = ages.oldest.max(age);
        let slot = QueueAges::ENDS.iter().position(|end| age < *end);
        ages.counts[slot.unwrap_or(QueueAges::ENDS.len() - 1)] += 1;
    }
    ages
}
