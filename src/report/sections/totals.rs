//! The grand totals, under pflogsumm's names.

use crate::report::section::{Cell, Column, Group, Rows, Shape, Shown, Spec, Unit, col};
use crate::stats::names::Table;
use crate::stats::summary::{Tally, Totals};

pub(super) static TOTALS: Spec = Spec {
    key: "totals",
    title: "Grand Totals",
    about: "What came of the mail in the period; docs/counting.md has the rule of each figure.",
    group: Group::Totals,
    shape: Shape::Record,
    shown: Shown::Usually,
    limit: None,
    columns: COLUMNS,
    rows: |input| {
        let mut totals = input.summary.totals();
        let used = |table: &Table<Tally>| table.iter().filter(|(_, t)| t.count > 0).count() as u64;
        totals.senders = used(&input.senders);
        totals.recipients = used(&input.recipients);
        let mut row: Vec<Cell> = figures(&totals).map(Cell::Count).to_vec();
        row.push(Cell::Count(input.summary.reinjected));
        row.push(Cell::Count(input.summary.probes));
        row.push(Cell::Count(input.summary.unsized_messages));
        Rows::one(row)
    },
};

const COLUMNS: &[Column] = &[
    col("received", "received", Unit::Count, "Messages received."),
    col(
        "delivered",
        "delivered",
        Unit::Count,
        "Recipients delivered to.",
    ),
    col(
        "forwarded",
        "forwarded",
        Unit::Count,
        "Recipients forwarded by local(8).",
    ),
    col(
        "deferred",
        "deferred",
        Unit::Count,
        "Messages deferred at least once.",
    ),
    col(
        "deferrals",
        "deferrals",
        Unit::Count,
        "Delivery attempts deferred.",
    ),
    col("bounced", "bounced", Unit::Count, "Recipients bounced."),
    col(
        "rejected",
        "rejected",
        Unit::Count,
        "Commands, connections and messages rejected.",
    ),
    col(
        "reject_warnings",
        "reject warnings",
        Unit::Count,
        "What warn_if_reject would have rejected.",
    ),
    col("held", "held", Unit::Count, "Messages put on hold."),
    col("discarded", "discarded", Unit::Count, "Messages discarded."),
    col(
        "expired",
        "expired",
        Unit::Count,
        "Messages returned because they were too old.",
    ),
    col(
        "bytes_received",
        "bytes received",
        Unit::Bytes,
        "Bytes of the messages received.",
    ),
    col(
        "bytes_delivered",
        "bytes delivered",
        Unit::Bytes,
        "Bytes delivered, once a recipient.",
    ),
    col(
        "senders",
        "senders",
        Unit::Count,
        "Distinct envelope senders.",
    ),
    col(
        "sending_hosts",
        "sending hosts/domains",
        Unit::Count,
        "Distinct domains of senders.",
    ),
    col(
        "recipients",
        "recipients",
        Unit::Count,
        "Distinct recipients delivered to.",
    ),
    col(
        "recipient_hosts",
        "recipient hosts/domains",
        Unit::Count,
        "Distinct domains delivered to.",
    ),
    col(
        "reinjected",
        "brought back by a content filter (not received again)",
        Unit::Count,
        "Messages that a content filter brought back; not received again.",
    ),
    col(
        "probes",
        "address probes (not mail)",
        Unit::Count,
        "Deliveries of address probes; not mail.",
    ),
    col(
        "unsized",
        "messages with no size data",
        Unit::Count,
        "Messages delivered whose size no line tells.",
    ),
];

/// The figures in the order of the columns.
pub(super) fn figures(t: &Totals) -> [u64; 17] {
    [
        t.received,
        t.delivered,
        t.forwarded,
        t.deferred,
        t.deferrals,
        t.bounced,
        t.rejected,
        t.reject_warnings,
        t.held,
        t.discarded,
        t.expired,
        t.bytes_received,
        t.bytes_delivered,
        t.senders,
        t.sending_hosts,
        t.recipients,
        t.recipient_hosts,
    ]
}

/// Names, units and figures of two totals side by side.
pub(super) fn pairs(
    before: &Totals,
    now: &Totals,
) -> impl Iterator<Item = (&'static Column, u64, u64)> {
    let both = figures(before).into_iter().zip(figures(now));
    COLUMNS
        .iter()
        .zip(both)
        .map(|(column, (b, n))| (column, b, n))
}
