//! Limits on clients: what anvil(8) saw at most, and who went over.

use crate::logparse::event::Client;
use crate::stats::names::Table;

/// One kind of limit for one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// Times that it was exceeded.
    pub exceeded: u64,
    /// The largest rate or count logged, by a warning.
    pub max: u64,
}

/// Limits (smtpd_client_connection_rate_limit and its kin, postconf(5)).
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// By what was limited, as `Connection rate`, and service, as `Connection rate for service smtp`.
    pub exceeded: Table<Limit>,
    /// Times that clients went over any limit, by address.
    pub clients: Table<u64>,
    /// The largest value of each of anvil's statistics, as `connection rate`.
    pub peaks: Table<u64>,
}

impl Limits {
    pub(super) fn exceeded(
        &mut self,
        what: &[u8],
        service: &[u8],
        count: u64,
        client: &Client<'_>,
        times: u64,
    ) {
        let name = [what, b" for service ", service].concat();
        let row = self.exceeded.row(&name);
        row.exceeded += times;
        row.max = row.max.max(count);
        *self.clients.row(client.ip) += times;
    }

    pub(super) fn peak(&mut self, what: &[u8], value: u64) {
        let peak = self.peaks.row(what);
        *peak = (*peak).max(value);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.exceeded.merge(other.exceeded, |mine, theirs| {
            mine.exceeded += theirs.exceeded;
            mine.max = mine.max.max(theirs.max);
        });
        self.clients.merge(other.clients, |a, b| *a += b);
        self.peaks.merge(other.peaks, |a, b| *a = (*a).max(b));
    }
}
