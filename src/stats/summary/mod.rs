//! The exact aggregate of a log: what the report prints.
//!
//! In: records in the order of their lines ([`Summary::observe`]). Out: public counts and tables. Two
//! summaries of consecutive parts of a log merge into exactly what one pass over both gives; the second
//! must have been made with [`Summary::continuing`]. Call [`Summary::settle`] once at the end: only then
//! is it known which messages a content filter brought back.
//!
//! `docs/counting.md` has each rule in words, and where other programs differ.

mod connections;
mod detail;
mod hosts;
mod limits;
mod merge;
pub(super) mod messages;
mod observe;
mod overlap;
mod reinjection;
mod sections;
mod surges;
#[cfg(test)]
mod tests;
mod tls;

use super::causes::Causes;
use super::delays::DelayParts;
use super::histogram::PartHistograms;
use super::message::Messages;
use super::names::Table;
use super::series::{Counts, Series};
use crate::logparse::Stamp;
use crate::logparse::event::PostscreenKind;
pub use connections::{ConnectionTime, Connections};
pub use detail::{Group, Outcome};
pub(crate) use hosts::lookup_zone;
pub use limits::{Limit, Limits};
pub use messages::{Fate, MessageRow};
pub use observe::Scope;
pub use overlap::{Catch, Overlap};
use reinjection::Reinjection;
pub(crate) use reinjection::is_conventional;
use rustc_hash::FxHashMap;
pub use sections::{Section, Sections};
pub use surges::{Surge, Who};
pub use tls::{Direction, TlsCount, TlsRow, TlsStats};

/// How many lines were read, and what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct LineCounts {
    /// All lines.
    pub read: u64,
    /// Postfix lines that were understood.
    pub parsed: u64,
    /// Postfix lines that were not understood, and lines without a header that could be read.
    pub unparsed: u64,
    /// Lines of other programs, of other instances when one was asked for, and empty ones.
    pub other: u64,
}

/// What is known about an address or a client by messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Messages (senders, clients) or deliveries (recipients).
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Tally {
    fn add(&mut self, bytes: u64, times: u64) {
        self.count += times;
        self.bytes += bytes * times;
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.bytes += other.bytes;
    }
}

/// Deliveries by the recipient's domain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Destination {
    /// Recipients delivered to.
    pub delivered: u64,
    /// Bytes delivered.
    pub bytes: u64,
    /// Attempts deferred.
    pub deferrals: u64,
    /// Recipients bounced.
    pub bounced: u64,
    /// The sum of the delays of deliveries, in hundredths of a second.
    pub delay_sum: u64,
    /// The longest delay of a delivery or a deferral, in hundredths of a second.
    pub delay_max: u64,
    /// The delays of deliveries and their four parts ([`Section::DestinationDelays`]).
    pub delays: PartHistograms,
}

/// What one DNS block list did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zone {
    /// Rejects that name it.
    pub rejects: u64,
    /// Reject warnings that name it.
    pub warnings: u64,
    /// Clients listed, as dnsblog(8) logs for postscreen(8).
    pub listed: u64,
    /// Lookups that failed.
    pub errors: u64,
}

/// Authentication.
#[derive(Debug, Clone, Default)]
pub struct Sasl {
    /// By user name, as far as it was logged.
    pub users: Table<SaslUser>,
    /// Failed attempts, by client address.
    pub failures: Table<u64>,
    /// Failed attempts, by why: the server's words, which name no user.
    pub reasons: Causes,
}

/// What one user did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SaslUser {
    /// Messages of clients that had authenticated.
    pub messages: u64,
    /// Failed attempts; Postfix logs their user names since version 3.5, where the mechanism tells them.
    pub failures: u64,
}

/// The aggregate.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// What was read.
    pub lines: LineCounts,
    /// The first and the last stamp of the Postfix lines.
    pub period: Option<(Stamp, Stamp)>,
    /// Counts by hour; their sum is the grand totals.
    pub series: Series,
    /// Distinct messages that were deferred at least once.
    pub deferred: u64,
    /// Messages that a content filter brought back: not counted as received again. Complete once settled.
    pub reinjected: u64,
    /// Deliveries of address probes (`deliverable`, `undeliverable`): not mail.
    pub probes: u64,
    /// Messages by envelope sender, the null sender as an empty name. Rows may have a count of 0.
    pub senders: Table<Tally>,
    /// Messages by the sender's domain, or the client where the sender has none.
    pub sending_hosts: Table<Tally>,
    /// Messages by client, `name[address]`; those of pickup(8) as `local submission`.
    pub clients: Table<Tally>,
    /// Deliveries by recipient. Rows may have a count of 0.
    pub recipients: Table<Tally>,
    /// Deliveries by the recipient's domain.
    pub destinations: Table<Destination>,
    /// Why attempts were deferred.
    pub deferrals: Causes,
    /// Why recipients bounced.
    pub bounces: Causes,
    /// Why clients were rejected.
    pub rejects: Causes,
    /// The same for reject warnings.
    pub reject_warnings: Causes,
    /// Why messages were held.
    pub holds: Causes,
    /// Why messages were discarded.
    pub discards: Causes,
    /// Warnings, as `service: text`.
    pub warnings: Causes,
    /// Lines marked error, as `service: error: text`.
    pub errors: Causes,
    /// Lines marked fatal, likewise.
    pub fatals: Causes,
    /// Lines marked panic, likewise.
    pub panics: Causes,
    /// What master(8) and postfix-script said: starts, stops, reloads.
    pub lifecycle: Causes,
    /// Block lists.
    pub zones: Table<Zone>,
    /// Delays of what was delivered.
    pub delays: DelayParts,
    /// Connections to smtpd(8) and postscreen(8).
    pub connections: u64,
    /// smtpd(8)'s connections and their times ([`Section::Connections`]).
    pub smtpd: Connections,
    /// What postscreen(8) did.
    pub postscreen: FxHashMap<PostscreenKind, u64>,
    /// What block lists would have caught alone ([`Section::Overlap`]).
    pub overlap: Overlap,
    /// TLS sessions and handshakes.
    pub tls: TlsStats,
    /// What anvil(8) saw at most, and who went over a limit.
    pub limits: Limits,
    /// Authentication.
    pub sasl: Sasl,
    /// The last [`UNPARSED_KEPT`] lines that were not understood.
    pub unparsed: Vec<Box<[u8]>>,
    /// Messages that something was delivered of and whose size and sender no line tells. Complete once settled.
    pub unsized_messages: u64,
    sections: Sections,
    details: detail::Details,
    surges: surges::Surges,
    messages: Messages,
    reinjection: Reinjection,
    /// The row in `destinations` of each row in `recipients`, where it was looked up.
    destination_of: Vec<u32>,
    /// The row in `sending_hosts` of each row in `senders`, where it was looked up.
    sending_host_of: Vec<u32>,
    /// The time of the last line and its hour's row.
    last: Option<(Stamp, u32)>,
    /// The host and instance of the last line and their number: lines come in runs.
    origin: (Vec<u8>, Vec<u8>, u32),
}

/// How many lines that were not understood are kept for listing.
pub const UNPARSED_KEPT: usize = 100;

/// The grand totals under pflogsumm's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[allow(missing_docs, reason = "as in Counts and Summary")]
pub struct Totals {
    pub received: u64,
    pub delivered: u64,
    pub forwarded: u64,
    pub deferred: u64,
    pub deferrals: u64,
    pub bounced: u64,
    pub rejected: u64,
    pub reject_warnings: u64,
    pub held: u64,
    pub discarded: u64,
    pub expired: u64,
    pub bytes_received: u64,
    pub bytes_delivered: u64,
    pub senders: u64,
    pub sending_hosts: u64,
    pub recipients: u64,
    pub recipient_hosts: u64,
}

impl Totals {
    /// Names and values in the order of the members.
    pub fn named(&self) -> [(&'static str, u64); 17] {
        [
            ("received", self.received),
            ("delivered", self.delivered),
            ("forwarded", self.forwarded),
            ("deferred", self.deferred),
            ("deferrals", self.deferrals),
            ("bounced", self.bounced),
            ("rejected", self.rejected),
            ("reject_warnings", self.reject_warnings),
            ("held", self.held),
            ("discarded", self.discarded),
            ("expired", self.expired),
            ("bytes_received", self.bytes_received),
            ("bytes_delivered", self.bytes_delivered),
            ("senders", self.senders),
            ("sending_hosts", self.sending_hosts),
            ("recipients", self.recipients),
            ("recipient_hosts", self.recipient_hosts),
        ]
    }
}

impl Summary {
    /// For a log from its beginning.
    pub fn new() -> Self {
        Self::default()
    }

    /// For a part of a log that follows another part, to be merged into that one's summary.
    pub fn continuing() -> Self {
        Self {
            messages: Messages {
                carried: Some(super::message::Carried::default()),
                ..Messages::default()
            },
            smtpd: Connections::continuing(),
            ..Self::default()
        }
    }

    /// The same, filled with these sections only. To be called before the first line; every part of a log
    /// needs the same.
    #[must_use]
    pub fn wanting(self, sections: Sections) -> Self {
        Self { sections, ..self }
    }

    /// The grand totals; exact once settled.
    pub fn totals(&self) -> Totals {
        let Counts {
            received,
            delivered,
            forwarded,
            deferrals,
            bounced,
            rejected,
            reject_warnings,
            held,
            discarded,
            expired,
            bytes_received,
            bytes_delivered,
        } = self.series.total();
        let used = |table: &Table<Tally>| table.iter().filter(|(_, t)| t.count > 0).count() as u64;
        let hosts = self.destinations.iter();
        Totals {
            received,
            delivered,
            forwarded,
            deferred: self.deferred,
            deferrals,
            bounced,
            rejected,
            reject_warnings,
            held,
            discarded,
            expired,
            bytes_received,
            bytes_delivered,
            senders: used(&self.senders),
            sending_hosts: used(&self.sending_hosts),
            recipients: used(&self.recipients),
            recipient_hosts: hosts.filter(|(_, d)| d.delivered > 0).count() as u64,
        }
    }
}
