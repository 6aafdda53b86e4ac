//! Senders and recipients, by count and by bytes.

use crate::report::figures::share;
use crate::report::input::{Input, address};
use crate::report::section::{
    Cell, Column, Group, Limit, Row, Rows, Shape, Shown, Spec, Unit, col,
};
use crate::stats::names::Table;
use crate::stats::summary::Tally;

macro_rules! columns {
    ($count:literal, $bytes:literal) => {
        &[
            col(
                "address",
                "address",
                Unit::Text,
                "The address; the null sender is `<>`.",
            ),
            col(
                "count",
                $count,
                Unit::Count,
                "Messages of a sender or client, deliveries to a recipient.",
            ),
            col(
                "percent",
                "share",
                Unit::Percent,
                "The share of all, 0 to 100; of the bytes where the list is by bytes.",
            ),
            col("bytes", $bytes, Unit::Bytes, "Their bytes."),
        ]
    };
}

/// Columns of lists of hosts too.
pub(super) const COLUMNS: &[Column] = columns!("count", "bytes");

macro_rules! addresses {
    ($name:ident, $key:literal, $title:literal, $about:literal, $table:ident, $rows:ident) => {
        pub(super) static $name: Spec = Spec {
            key: $key,
            title: $title,
            about: $about,
            group: Group::Parties,
            shape: Shape::List,
            shown: Shown::Usually,
            limit: Some(Limit::Users),
            columns: COLUMNS,
            rows: |input| $rows(input, &input.$table, Limit::Users),
        };
    };
}

addresses!(
    SENDERS,
    "senders",
    "Senders by message count",
    "Envelope senders by messages received.",
    senders,
    by_count
);
addresses!(
    RECIPIENTS,
    "recipients",
    "Recipients by message count",
    "Recipients by deliveries.",
    recipients,
    by_count
);
addresses!(
    SENDERS_BY_BYTES,
    "senders_by_bytes",
    "Senders by message size",
    "Envelope senders by bytes received.",
    senders,
    by_bytes
);
addresses!(
    RECIPIENTS_BY_BYTES,
    "recipients_by_bytes",
    "Recipients by message size",
    "Recipients by bytes delivered.",
    recipients,
    by_bytes
);

/// The rows by count. Those largest by bytes have a list of their own.
pub(super) fn by_count(input: &Input<'_>, table: &Table<Tally>, limit: Limit) -> Rows {
    let total = table.iter().map(|(_, t)| t.count).sum();
    let rows = table.top(input.options.limit(limit), |t| t.count);
    Rows {
        rows: rows
            .into_iter()
            .map(|(name, t)| row(name, t, share(t.count, total)))
            .collect(),
        all: table.iter().filter(|(_, t)| t.count > 0).count(),
    }
}

fn by_bytes(input: &Input<'_>, table: &Table<Tally>, limit: Limit) -> Rows {
    let total = table.iter().map(|(_, t)| t.bytes).sum();
    let rows = table.top(input.options.limit(limit), |t| t.bytes);
    Rows {
        rows: rows
            .into_iter()
            .map(|(name, t)| row(name, t, share(t.bytes, total)))
            .collect(),
        all: table.iter().filter(|(_, t)| t.bytes > 0).count(),
    }
}

fn row(name: &[u8], tally: &Tally, share: f64) -> Row {
    vec![
        Cell::Text(address(name)),
        Cell::Count(tally.count),
        Cell::Real(share),
        Cell::Count(tally.bytes),
    ]
}
