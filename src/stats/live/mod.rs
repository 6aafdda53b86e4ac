//! What the console's Overview shows, kept up to date a record at a time, in constant time and bounded memory.
//!
//! In: records in the order of their lines, and the clock; an older stretch of the same log may be put before
//! what is known ([`Live::prepend`]), since a console begins with the end. Out: rates a second and a minute,
//! recent delays, current causes. Counts of what happened are exact; the tables of causes are exact as long as
//! they have fewer names than [`frequent::CAPACITY`](super::frequent::CAPACITY), and say by how much they may err
//! beyond that; percentiles are kept to two digits.

mod delays;
mod ring;
mod waiting;

use super::causes::{of_reject, of_text};
use super::frequent::Frequent;
use crate::logparse::event::{Delivery, Event, Status, Verdict, Warning};
use crate::logparse::{Record, Stamp};
pub use delays::{Percentiles, RecentDelays};
pub use ring::Ring;

/// Seconds kept one by one.
pub const SECONDS: usize = 120;
/// Minutes kept one by one.
pub const MINUTES: usize = 120;
/// How far ahead of the told time a record's stamp is believed, in seconds: a zone mistaken for another.
const FUTURE: i64 = 86_400;

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
    pub deferrals: Frequent,
    /// Why recipients bounced.
    pub bounces: Frequent,
    /// Why clients were rejected.
    pub rejects: Frequent,
    /// Warnings, as `service: text`.
    pub warnings: Frequent,
    /// Failed authentications by client address.
    pub sasl_failures: Frequent,
    /// Failed block list lookups by zone.
    pub rbl_errors: Frequent,
    /// Rejects by block list zone.
    pub rbl_hits: Frequent,
    /// Failed TLS handshakes and certificate problems by peer.
    pub tls_failures: Frequent,
    /// What master(8) and others said about processes that died, missing storage and the like.
    pub failures: Frequent,
    delays: delays::Slices,
    waiting: waiting::Waiting,
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
            deferrals: Frequent::default(),
            bounces: Frequent::default(),
            rejects: Frequent::default(),
            warnings: Frequent::default(),
            sasl_failures: Frequent::default(),
            rbl_errors: Frequent::default(),
            rbl_hits: Frequent::default(),
            tls_failures: Frequent::default(),
            failures: Frequent::default(),
            delays: delays::Slices::default(),
            waiting: waiting::Waiting::default(),
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
        self.delays.forget(now);
    }

    /// Puts an older stretch of the same log before what is known. Both may have been read at the same time.
    pub fn prepend(&mut self, older: Self) {
        self.lines += older.lines;
        self.last = self.last.max(older.last);
        self.total += older.total;
        self.seconds.merge(&older.seconds);
        self.minutes.merge(&older.minutes);
        for (mine, theirs) in [
            (&mut self.deferrals, older.deferrals),
            (&mut self.bounces, older.bounces),
            (&mut self.rejects, older.rejects),
            (&mut self.warnings, older.warnings),
            (&mut self.sasl_failures, older.sasl_failures),
            (&mut self.rbl_errors, older.rbl_errors),
            (&mut self.rbl_hits, older.rbl_hits),
            (&mut self.tls_failures, older.tls_failures),
            (&mut self.failures, older.failures),
        ] {
            mine.merge(theirs);
        }
        self.delays.merge(older.delays);
        let joined = self.waiting.join(older.waiting);
        for time in joined.received {
            self.total.received += 1;
            self.at(time, |flow| flow.received += 1);
        }
        for time in joined.taken_back {
            self.take_back(time);
        }
    }

    /// Changes the slots of a point in time, where they are still kept.
    fn at(&mut self, seconds: i64, change: impl Fn(&mut Flow)) {
        for ring in [&mut self.seconds, &mut self.minutes] {
            if let Some(slot) = ring.slot(seconds) {
                change(slot);
            }
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
            self.at(seconds, |slot| *slot += flow);
        }
    }

    /// The percentiles of the last hour before `now` (seconds since the epoch).
    pub fn delays(&self, now: i64) -> RecentDelays {
        self.delays.recent(now)
    }

    /// Counts a record's causes and says what it adds to the flow.
    fn flow(&mut self, record: &Record<'_>) -> Flow {
        let times = u64::from(record.repeat);
        let mut flow = Flow::default();
        match &record.event {
            Event::Client(line) => self.waiting.client(record, line),
            Event::Pickup { .. } => self.waiting.pickup(record),
            Event::MessageId { message_id, .. } => self.waiting.message_id(record, message_id),
            Event::QueueActive { .. } if self.waiting.active(record) => flow.received = 1,
            Event::Delivery(delivery) => match delivery.status {
                Status::Sent => {
                    flow.sent = times;
                    self.delays
                        .add(record.time.seconds(), delivery, record.repeat);
                    self.brought_back(record, delivery);
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

    /// What a content filter on this machine queued again was not received: it takes that back.
    fn brought_back(&mut self, record: &Record<'_>, delivery: &Delivery<'_>) {
        let counted = is_on_loopback(delivery.relay)
            .then(|| delivery.queued_as())
            .flatten()
            .and_then(|id| self.waiting.queued_as(record, id));
        if let Some(time) = counted {
            self.take_back(time);
        }
    }

    /// What was counted as received at this time (seconds since the epoch) was not.
    fn take_back(&mut self, time: i64) {
        self.total.received = self.total.received.saturating_sub(1);
        self.at(time, |flow| flow.received = flow.received.saturating_sub(1));
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

/// Whether a relay, `name[address]:port`, is on this machine.
fn is_on_loopback(relay: &[u8]) -> bool {
    memchr::memchr(b'[', relay).is_some_and(|open| {
        let address = &relay[open + 1..];
        address.starts_with(b"127.") || address.starts_with(b"::1]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logparse::{Line, Parser, Reference};
    use std::io::Read as _;

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
        assert_eq!(live.deferrals.top(1)[0].count, 1);
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

    /// The real log as one stretch, and cut at every tenth of its lines with the later part read first.
    #[test]
    fn what_lies_before_can_be_read_later() {
        let zipped = include_bytes!("../../../tests/data/postfix-3.7.11.log.gz");
        let mut log = Vec::new();
        flate2::read::MultiGzDecoder::new(&zipped[..])
            .read_to_end(&mut log)
            .unwrap();
        let lines: Vec<&[u8]> = log.split_inclusive(|b| *b == b'\n').collect();
        let read = |lines: &[&[u8]]| {
            let mut live = Live::new();
            let mut parser = Parser::new(Reference::at(1_795_400_000));
            for line in lines {
                if let Line::Postfix(record) = parser.line(line) {
                    live.observe(&record);
                }
            }
            live
        };
        let whole = read(&lines);
        // As the report counts it: without the 116 that a content filter brought back.
        assert_eq!(whole.total.received, 2985);
        let now = whole.last.unwrap().seconds();
        for tenth in 1..10 {
            let (before, after) = lines.split_at(lines.len() * tenth / 10);
            let mut live = read(after);
            live.prepend(read(before));
            assert_eq!(live.total, whole.total, "{tenth}");
            assert_eq!(
                live.minutes.last(MINUTES, now),
                whole.minutes.last(MINUTES, now)
            );
            assert_eq!(live.delays(now), whole.delays(now));
            let counts = |l: &Live| -> Vec<(Vec<u8>, u64)> {
                let rows = l.deferrals.top(usize::MAX);
                rows.iter().map(|r| (r.name.to_vec(), r.count)).collect()
            };
            assert_eq!(counts(&live), counts(&whole));
        }
    }

    #[test]
    fn what_a_content_filter_brings_back_is_not_received() {
        let mut live = Live::new();
        feed(
            &mut live,
            "\
2026-11-22T08:48:35+00:00 mx postfix/smtpd[1]: 8921054E113: client=a.example[192.0.2.1]
2026-11-22T08:48:35+00:00 mx postfix/qmgr[2]: 8921054E113: from=<a@a.example>, size=500, nrcpt=1 (queue active)
2026-11-22T08:48:36+00:00 mx postfix/smtpd[1]: 9921054E113: client=localhost[127.0.0.1]
2026-11-22T08:48:36+00:00 mx postfix/qmgr[2]: 9921054E113: from=<a@a.example>, size=900, nrcpt=1 (queue active)
2026-11-22T08:48:36+00:00 mx postfix/smtp[3]: 8921054E113: to=<b@b.example>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0.1/0/0.1/0.8, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9921054E113)
",
        );
        assert_eq!((live.total.received, live.total.sent), (1, 1));
        let now = live.last.unwrap().seconds();
        assert_eq!(live.minutes.last(1, now)[0].received, 1);
    }
}
