//! What the console's Overview shows, kept up to date a record at a time, in constant time and memory.
//!
//! In: records as they come (history first, if it is fed in order) and the clock. Out: rates a second
//! and a minute, recent delays, current causes. Counts are exact except where this page says bounded.

use super::causes::{Cause, of_reject, of_text};
use super::delays::DelayParts;
use super::message::{Key, origin};
use crate::logparse::event::{Event, Status, Verdict, Warning};
use crate::logparse::{Record, Stamp};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// Seconds kept one by one.
pub const SECONDS: usize = 120;
/// Minutes kept one by one.
pub const MINUTES: usize = 120;
/// Delays are kept for an hour in slices of so many seconds.
const SLICE: i64 = 300;
/// Slices of an hour.
const SLICES: u16 = 12;
/// Ids whose `queue active` line is waited for, in each of two generations.
const WAITING: usize = 20_000;
/// How far ahead of the told time a record's stamp is believed, in seconds: a zone mistaken for another.
const FUTURE: i64 = 86_400;
/// Distinct causes kept a table; the rarest go when there are twice as many.
const CAUSES: usize = 500;

/// What happened in one second or minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    /// Messages received.
    pub received: u64,
    /// Recipients delivered, forwards included.
    pub sent: u64,
    /// Attempts deferred.
    pub deferred: u64,
    /// Recipients bounced.
    pub bounced: u64,
    /// Rejects.
    pub rejected: u64,
}

impl std::ops::AddAssign for Flow {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.sent += other.sent;
        self.deferred += other.deferred;
        self.bounced += other.bounced;
        self.rejected += other.rejected;
    }
}

/// The last so many spans of time, one slot each.
#[derive(Debug, Clone)]
pub struct Ring {
    /// Length of a span in seconds.
    width: i64,
    slots: Vec<Flow>,
    /// The number of the newest span (time / width).
    newest: Option<i64>,
}

impl Ring {
    fn new(width: i64, slots: usize) -> Self {
        Self {
            width,
            slots: vec![Flow::default(); slots],
            newest: None,
        }
    }

    fn length(&self) -> i64 {
        i64::try_from(self.slots.len()).unwrap_or(i64::MAX)
    }

    /// Moves on to the span of `now` (seconds since the epoch), emptying what is skipped.
    fn advance(&mut self, now: i64) {
        let span = now.div_euclid(self.width);
        let length = self.length();
        let newest = *self.newest.get_or_insert(span);
        for skipped in (newest + 1..=span).rev().take(self.slots.len()) {
            let at = usize::try_from(skipped.rem_euclid(length)).unwrap_or(0);
            self.slots[at] = Flow::default();
        }
        self.newest = Some(newest.max(span));
    }

    /// The slot of a point in time, unless it is too old or no span has begun.
    fn slot(&mut self, time: i64) -> Option<&mut Flow> {
        let span = time.div_euclid(self.width);
        let length = self.length();
        let age = self.newest? - span;
        (0..length).contains(&age).then(|| {
            let at = usize::try_from(span.rem_euclid(length)).unwrap_or(0);
            &mut self.slots[at]
        })
    }

    /// The last `n` spans up to that of `now`, the oldest first; spans that have not begun are empty.
    pub fn last(&self, n: usize, now: i64) -> Vec<Flow> {
        let span = now.div_euclid(self.width);
        let length = self.length();
        let n = i64::try_from(n).unwrap_or(i64::MAX).min(length);
        (span - n + 1..=span)
            .map(|s| match self.newest {
                Some(newest) if (0..length).contains(&(newest - s)) => {
                    self.slots[usize::try_from(s.rem_euclid(length)).unwrap_or(0)]
                }
                _ => Flow::default(),
            })
            .collect()
    }
}

/// Percentiles of the last hour's delays, in hundredths of a second.
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

/// A table of causes or subjects, bounded: the rarest are dropped and counted together.
#[derive(Debug, Clone, Default)]
pub struct Bounded {
    rows: FxHashMap<Box<[u8]>, Cause>,
    dropped: u64,
}

impl Bounded {
    pub(super) fn add(&mut self, name: &[u8], example: &[u8], time: Stamp, times: u64) {
        if let Some(row) = self.rows.get_mut(name) {
            row.count += times;
            row.last = row.last.max(time);
            if let Some(shown) = row.examples.first_mut()
                && **shown != *example
            {
                *shown = example.into();
            }
            return;
        }
        let row = Cause {
            count: times,
            examples: vec![example.into()],
            first: time,
            last: time,
        };
        self.rows.insert(name.into(), row);
        if self.rows.len() > 2 * CAUSES {
            self.drop_rarest();
        }
    }

    fn drop_rarest(&mut self) {
        let mut keys: Vec<(u64, Stamp)> = self.rows.values().map(|c| (c.count, c.last)).collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        let least = keys[CAUSES];
        let dropped = &mut self.dropped;
        self.rows.retain(|_, cause| {
            let keep = (cause.count, cause.last) > least;
            if !keep {
                *dropped += cause.count;
            }
            keep
        });
    }

    /// The `n` most frequent, the most frequent first; each with its newest example.
    pub fn top(&self, n: usize) -> Vec<(&[u8], &Cause)> {
        let mut rows: Vec<_> = self.rows.iter().map(|(k, v)| (&**k, v)).collect();
        rows.sort_by(|a, b| b.1.count.cmp(&a.1.count).then_with(|| a.0.cmp(b.0)));
        rows.truncate(n);
        rows
    }

    /// Occurrences of names that were dropped because they were rare.
    pub fn others(&self) -> u64 {
        self.dropped
    }

    /// How many names are kept.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// The live aggregate.
#[derive(Debug, Clone)]
pub struct Live {
    /// A slot a second.
    pub seconds: Ring,
    /// A slot a minute.
    pub minutes: Ring,
    /// Everything since the start.
    pub total: Flow,
    /// Lines seen since the start.
    pub lines: u64,
    /// The stamp of the newest record.
    pub last: Option<Stamp>,
    /// Why attempts were deferred.
    pub deferrals: Bounded,
    /// Why recipients bounced.
    pub bounces: Bounded,
    /// Why clients were rejected.
    pub rejects: Bounded,
    /// Warnings, as `service: text`.
    pub warnings: Bounded,
    /// Failed authentications by client address.
    pub sasl_failures: Bounded,
    /// Failed block list lookups by zone.
    pub rbl_errors: Bounded,
    /// Rejects by block list zone.
    pub rbl_hits: Bounded,
    /// Failed TLS handshakes and certificate problems by peer.
    pub tls_failures: Bounded,
    /// What master(8) and others said about processes that died, missing storage and the like.
    pub failures: Bounded,
    delays: VecDeque<(i64, DelayParts)>,
    waiting: Waiting,
    /// The latest time that [`Live::advance`] was told.
    told: Option<i64>,
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Live {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self {
            seconds: Ring::new(1, SECONDS),
            minutes: Ring::new(60, MINUTES),
            total: Flow::default(),
            lines: 0,
            last: None,
            deferrals: Bounded::default(),
            bounces: Bounded::default(),
            rejects: Bounded::default(),
            warnings: Bounded::default(),
            sasl_failures: Bounded::default(),
            rbl_errors: Bounded::default(),
            rbl_hits: Bounded::default(),
            tls_failures: Bounded::default(),
            failures: Bounded::default(),
            delays: VecDeque::new(),
            waiting: Waiting::default(),
            told: None,
        }
    }

    /// Tells what time it is (seconds since the epoch), so that old slots empty while nothing happens.
    pub fn advance(&mut self, now: i64) {
        self.told = Some(self.told.map_or(now, |told| told.max(now)));
        self.move_on(now);
    }

    fn move_on(&mut self, now: i64) {
        self.seconds.advance(now);
        self.minutes.advance(now);
        let oldest = now.div_euclid(SLICE) - i64::from(SLICES);
        while self
            .delays
            .front()
            .is_some_and(|(slice, _)| *slice <= oldest)
        {
            self.delays.pop_front();
        }
    }

    /// Takes in one record.
    pub fn observe(&mut self, record: &Record<'_>) {
        self.lines += 1;
        self.last = Some(self.last.map_or(record.time, |last| last.max(record.time)));
        let flow = self.flow(record);
        if flow != Flow::default() {
            let seconds = record.time.seconds();
            self.total += flow;
            // A stamp from a wrong clock far ahead must not push everything else out of the rings.
            if self.told.is_some_and(|told| seconds > told + FUTURE) {
                return;
            }
            self.move_on(seconds);
            for ring in [&mut self.seconds, &mut self.minutes] {
                if let Some(slot) = ring.slot(seconds) {
                    *slot += flow;
                }
            }
        }
    }

    /// The percentiles of the last hour before `now` (seconds since the epoch).
    pub fn delays(&self, now: i64) -> RecentDelays {
        let mut all = DelayParts::default();
        let oldest = now.div_euclid(SLICE) - i64::from(SLICES);
        for (_, part) in self.delays.iter().filter(|(slice, _)| *slice > oldest) {
            all.merge(part);
        }
        let of = |d: &super::delays::Distribution| Percentiles {
            p50: d.percentile(50).unwrap_or(0),
            p95: d.percentile(95).unwrap_or(0),
            p99: d.percentile(99).unwrap_or(0),
            max: d.max().unwrap_or(0),
        };
        RecentDelays {
            count: all.total.count(),
            total: of(&all.total),
            before_qmgr: of(&all.before_qmgr),
            in_qmgr: of(&all.in_qmgr),
            conn_setup: of(&all.conn_setup),
            transmission: of(&all.transmission),
        }
    }

    /// Counts a record's causes and says what it adds to the flow.
    fn flow(&mut self, record: &Record<'_>) -> Flow {
        let times = u64::from(record.repeat);
        let mut flow = Flow::default();
        match &record.event {
            Event::Client(line) if line.orig_queue_id.is_none() && line.orig_client.is_none() => {
                self.waiting.source(record);
            }
            Event::Pickup { .. } => self.waiting.source(record),
            Event::QueueActive { .. } if self.waiting.first_active(record) => flow.received = 1,
            Event::Delivery(delivery) => match delivery.status {
                Status::Sent => {
                    flow.sent = times;
                    self.delay(record, delivery, times);
                }
                Status::Deferred | Status::SoftBounce => {
                    flow.deferred = times;
                    let name = of_text(delivery.reason);
                    self.deferrals
                        .add(&name, delivery.reason, record.time, times);
                    self.tls_trouble(delivery.relay, delivery.reason, record.time, times);
                }
                Status::Bounced => {
                    flow.bounced = times;
                    let name = of_text(delivery.reason);
                    self.bounces.add(&name, delivery.reason, record.time, times);
                }
                _ => {}
            },
            Event::Reject(reject) => {
                if matches!(
                    reject.verdict,
                    Verdict::Reject | Verdict::MilterReject | Verdict::ProxyReject
                ) {
                    flow.rejected = times;
                    let name = of_reject(reject);
                    self.rejects.add(&name, record.text, record.time, times);
                    if let Some(zone) = reject.category.zone() {
                        self.rbl_hits.add(zone, record.text, record.time, times);
                    }
                }
            }
            Event::Warning(warning) => self.warning(record, warning, times),
            Event::TlsFailed { peer, why, .. } => {
                let name = if peer.ip.is_empty() {
                    peer.name
                } else {
                    peer.ip
                };
                self.tls_failures.add(name, why, record.time, times);
            }
            Event::Failure(text) => {
                let name = [record.service, b": ", &of_text(text)].concat();
                self.failures.add(&name, text, record.time, times);
            }
            _ => {}
        }
        flow
    }

    fn delay(
        &mut self,
        record: &Record<'_>,
        delivery: &crate::logparse::event::Delivery<'_>,
        times: u64,
    ) {
        let slice = record.time.seconds().div_euclid(SLICE);
        if self.delays.back().is_none_or(|(last, _)| *last < slice) {
            self.delays.push_back((slice, DelayParts::default()));
            if self.delays.len() > usize::from(SLICES) {
                self.delays.pop_front();
            }
        }
        if let Some((_, parts)) = self.delays.back_mut() {
            parts.add(delivery.delay, delivery.delays, times);
        }
    }

    /// Deferrals whose reason is TLS or a certificate (smtp_tls_proto.c's texts).
    fn tls_trouble(&mut self, relay: &[u8], reason: &[u8], time: Stamp, times: u64) {
        let texts: [&[u8]; 4] = [
            b"Cannot start TLS",
            b"TLS is required",
            b"Server certificate not",
            b"certificate verification failed",
        ];
        if texts
            .iter()
            .any(|text| memchr::memmem::find(reason, text).is_some())
        {
            self.tls_failures.add(relay, reason, time, times);
        }
    }

    fn warning(&mut self, record: &Record<'_>, warning: &Warning<'_>, times: u64) {
        let name = [record.service, b": ", &of_text(record.text)].concat();
        self.warnings.add(&name, record.text, record.time, times);
        match warning {
            Warning::SaslFailed { client, .. } => {
                self.sasl_failures
                    .add(client.ip, record.text, record.time, times);
            }
            Warning::RblLookup { name, .. } => {
                let zone = super::summary::lookup_zone(name);
                self.rbl_errors.add(zone, record.text, record.time, times);
            }
            _ => {}
        }
    }
}

/// Ids with a source whose first `queue active` line has not come. Two generations bound it: an id whose
/// message was aborted is forgotten after between 20,000 and 40,000 others.
#[derive(Debug, Clone, Default)]
struct Waiting {
    young: FxHashSet<Key>,
    old: FxHashSet<Key>,
}

impl Waiting {
    fn source(&mut self, record: &Record<'_>) {
        let Some(key) = key(record) else { return };
        if self.young.len() >= WAITING {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key);
    }

    fn first_active(&mut self, record: &Record<'_>) -> bool {
        key(record).is_some_and(|key| self.young.remove(&key) || self.old.remove(&key))
    }
}

fn key(record: &Record<'_>) -> Option<Key> {
    let id = record.queue_id?;
    Some(Key::new(origin(record.host, record.instance), id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logparse::{Line, Parser, Reference};

    fn feed(live: &mut Live, text: &str) {
        let mut parser = Parser::new(Reference::at(1_795_400_000));
        for line in text.lines() {
            if let Line::Postfix(record) = parser.line(line.as_bytes()) {
                live.observe(&record);
            }
        }
    }

    const LIFE: &str = "\
2026-11-22T08:48:35+00:00 mx postfix/smtpd[1]: 8921054E113: client=a.example[192.0.2.1]
2026-11-22T08:48:35+00:00 mx postfix/qmgr[2]: 8921054E113: from=<a@a.example>, size=500, nrcpt=1 (queue active)
2026-11-22T08:48:36+00:00 mx postfix/smtp[3]: 8921054E113: to=<b@b.example>, relay=none, delay=1, delays=0.1/0/0.9/0, dsn=4.4.1, status=deferred (connect to b.example[192.0.2.9]:25: Connection refused)
2026-11-22T08:49:40+00:00 mx postfix/qmgr[2]: 8921054E113: from=<a@a.example>, size=500, nrcpt=1 (queue active)
2026-11-22T08:49:41+00:00 mx postfix/smtp[3]: 8921054E113: to=<b@b.example>, relay=b.example[192.0.2.9]:25, delay=66, delays=65/0/0.5/0.5, dsn=2.0.0, status=sent (250 ok)
2026-11-22T08:49:41+00:00 mx postfix/qmgr[2]: 8921054E113: removed
";

    #[test]
    fn a_message_is_received_once_and_shown_in_its_minutes() {
        let mut live = Live::new();
        feed(&mut live, LIFE);
        assert_eq!(
            live.total,
            Flow {
                received: 1,
                sent: 1,
                deferred: 1,
                ..Flow::default()
            }
        );
        let now = live.last.unwrap().seconds();
        let minutes = live.minutes.last(3, now);
        assert_eq!(
            minutes
                .iter()
                .map(|f| (f.received, f.deferred, f.sent))
                .collect::<Vec<_>>(),
            [(0, 0, 0), (1, 1, 0), (0, 0, 1)]
        );
        assert_eq!(live.seconds.last(1, now)[0].sent, 1);
        let delays = live.delays(now);
        assert_eq!(
            (delays.count, delays.total.p50, delays.before_qmgr.max),
            (1, 6600, 6500)
        );
        assert_eq!(live.deferrals.top(1)[0].1.count, 1);
    }

    #[test]
    fn time_empties_the_rings() {
        let mut live = Live::new();
        feed(&mut live, LIFE);
        let now = live.last.unwrap().seconds();
        live.advance(now + 30);
        assert_eq!(live.seconds.last(10, now + 30), vec![Flow::default(); 10]);
        live.advance(now + 86_400);
        assert_eq!(
            live.minutes.last(MINUTES, now + 86_400),
            vec![Flow::default(); MINUTES]
        );
        assert_eq!(live.delays(now + 86_400).count, 0);
    }

    #[test]
    fn a_bounded_table_keeps_the_frequent() {
        let mut table = Bounded::default();
        for _ in 0..5 {
            table.add(b"often", b"", Stamp::default(), 1);
        }
        for i in 0..10 * CAUSES {
            table.add(i.to_string().as_bytes(), b"", Stamp::default(), 1);
        }
        assert!(table.len() <= 2 * CAUSES);
        assert_eq!(table.top(1)[0].0, b"often");
        let kept: u64 = table.top(usize::MAX).iter().map(|(_, c)| c.count).sum();
        assert_eq!(kept + table.others(), 5 + 10 * CAUSES as u64);
    }
}
