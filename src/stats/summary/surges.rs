//! Hours in which a user or a client sent far more than usual.
//!
//! A stolen password shows as a user who writes to five people an hour and now to five thousand. Everyone
//! is measured against their own hours.

use super::Summary;
use crate::stats::series::Hour;
use rustc_hash::{FxHashMap, FxHashSet};

/// Below this many recipients an hour is no surge.
pub const LEAST: u64 = 50;

/// A surge has at least so many times the recipients of the median hour.
pub const TIMES: u64 = 5;

/// So many of one's own other hours are looked at at least; where there are fewer, hours without mail count.
const HOURS: usize = 3;

/// The bit that tells users' numbers from clients'.
const USER: u32 = 1 << 31;

/// What everyone sent by hour: 16 bytes for each hour of each sender.
#[derive(Debug, Clone, Default)]
pub struct Surges {
    sent: FxHashMap<(u32, u32), Sent>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sent {
    messages: u32,
    recipients: u32,
}

/// Who sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who<'a> {
    /// A user name of SASL.
    User(&'a [u8]),
    /// A client that did not authenticate, `name[address]`.
    Client(&'a [u8]),
}

/// One hour that stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surge<'a> {
    /// Who sent.
    pub who: Who<'a>,
    /// When.
    pub hour: Hour,
    /// Messages received from them in this hour.
    pub messages: u64,
    /// Recipients of these messages.
    pub recipients: u64,
    /// Recipients in the median of their other hours; 0 when they hardly sent before.
    pub median: u64,
}

/// The number under which a sender's mail is counted.
pub(super) fn number(user: Option<u32>, client: u32) -> u32 {
    user.map_or(client & !USER, |user| user | USER)
}

impl Surges {
    pub(super) fn add(&mut self, who: u32, hour: u32, recipients: u32) {
        let sent = self.sent.entry((who, hour)).or_default();
        sent.messages = sent.messages.saturating_add(1);
        sent.recipients = sent.recipients.saturating_add(recipients);
    }

    pub(super) fn merge(&mut self, other: Self, users: &[u32], clients: &[u32], hours: &[u32]) {
        self.sent.reserve(other.sent.len());
        for ((who, hour), sent) in other.sent {
            let who = if who & USER != 0 {
                users[(who & !USER) as usize] | USER
            } else {
                clients[who as usize]
            };
            let mine = self.sent.entry((who, hours[hour as usize])).or_default();
            mine.messages = mine.messages.saturating_add(sent.messages);
            mine.recipients = mine.recipients.saturating_add(sent.recipients);
        }
    }
}

impl Summary {
    /// The hours in which users and clients sent at least [`LEAST`] recipients and [`TIMES`] times their
    /// median hour; the largest first.
    pub fn surges(&self) -> Vec<Surge<'_>> {
        let mut by: FxHashMap<u32, Vec<(u32, Sent)>> = FxHashMap::default();
        let suspects: FxHashSet<u32> = self
            .surges
            .sent
            .iter()
            .filter(|(_, sent)| u64::from(sent.recipients) >= LEAST)
            .map(|((who, _), _)| *who)
            .collect();
        for ((who, hour), sent) in &self.surges.sent {
            if suspects.contains(who) {
                by.entry(*who).or_default().push((*hour, *sent));
            }
        }
        let hours: Vec<Hour> = self.series.numbered().map(|(_, hour)| hour).collect();
        let mut surges = Vec::new();
        for (who, sent) in &by {
            for (hour, one) in sent {
                let median = median_of_others(sent, *hour, hours.len());
                let recipients = u64::from(one.recipients);
                // Without another hour in the log there is nothing to measure against.
                if hours.len() > 1 && recipients >= LEAST.max(TIMES * median) {
                    surges.push(Surge {
                        who: self.who(*who),
                        hour: hours[*hour as usize],
                        messages: u64::from(one.messages),
                        recipients,
                        median,
                    });
                }
            }
        }
        surges.sort_by(|a, b| {
            b.recipients
                .cmp(&a.recipients)
                .then_with(|| (a.hour, a.who).cmp(&(b.hour, b.who)))
        });
        surges
    }

    #[cfg(test)]
    pub(super) fn sent_by_hour(&self) -> Vec<(Who<'_>, Hour, u32, u32)> {
        let hours: Vec<Hour> = self.series.numbered().map(|(_, hour)| hour).collect();
        let sent = self.surges.sent.iter();
        let mut rows: Vec<_> = sent
            .map(|((who, hour), sent)| {
                let hour = hours[*hour as usize];
                (self.who(*who), hour, sent.messages, sent.recipients)
            })
            .collect();
        rows.sort_unstable_by_key(|row| (row.0, row.1));
        rows
    }

    fn who(&self, number: u32) -> Who<'_> {
        if number & USER == 0 {
            Who::Client(self.clients.name(number))
        } else {
            Who::User(self.sasl.users.name(number & !USER))
        }
    }
}

/// The median of the recipients in the other hours, the lower one of two; `logged` is the number of hours
/// in the log.
fn median_of_others(sent: &[(u32, Sent)], hour: u32, logged: usize) -> u64 {
    let mut others: Vec<u32> = sent
        .iter()
        .filter(|(h, _)| *h != hour)
        .map(|(_, sent)| sent.recipients)
        .collect();
    let missing = HOURS.min(logged.saturating_sub(1));
    if others.len() < missing {
        others.resize(missing, 0);
    }
    others.sort_unstable();
    others
        .get(others.len().saturating_sub(1) / 2)
        .map_or(0, |n| u64::from(*n))
}
