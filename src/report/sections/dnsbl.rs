//! DNS block lists: what each did, and what each alone would have done.

use crate::report::figures::share;
use crate::report::input::shown;
use crate::report::section::{
    Cell, Column, Group, Limit, Row, Rows, Shape, Shown, Spec, Unit, col,
};
use crate::stats::summary::Catch;

pub(super) static DNSBL: Spec = Spec {
    key: "dnsbl",
    title: "DNS Block Lists",
    about: "Block lists by what the log says they did.",
    group: Group::Problems,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Others),
    columns: &[
        col("zone", "zone", Unit::Text, "The list's zone."),
        col(
            "count",
            "",
            Unit::Count,
            "Rejects and reject warnings that name it.",
        ),
        col("rejects", "rejects", Unit::Count, "The rejects among them."),
        col(
            "percent",
            "share",
            Unit::Percent,
            "Its share of the rejects that name a list, 0 to 100.",
        ),
        col(
            "reject_warnings",
            "warnings",
            Unit::Count,
            "The reject warnings among them.",
        ),
        col(
            "listed",
            "listed",
            Unit::Count,
            "Times that dnsblog(8) found a client listed.",
        ),
        col("errors", "errors", Unit::Count, "Lookups that failed."),
    ],
    rows: |input| {
        let zones = &input.summary.zones;
        let total = zones.iter().map(|(_, z)| z.rejects).sum();
        let rows = zones.top(input.options.limit(Limit::Others), |z| {
            z.rejects + z.warnings + z.listed + z.errors
        });
        Rows {
            rows: rows
                .into_iter()
                .map(|(name, z)| {
                    vec![
                        Cell::Text(shown(name)),
                        Cell::Count(z.rejects + z.warnings),
                        Cell::Count(z.rejects),
                        Cell::Real(share(z.rejects, total)),
                        Cell::Count(z.warnings),
                        Cell::Count(z.listed),
                        Cell::Count(z.errors),
                    ]
                })
                .collect(),
            all: zones.len(),
        }
    },
};

pub(super) static OVERLAP: Spec = Spec {
    key: "dnsbl_overlap",
    title: "DNS Block Lists of postscreen: Together and Alone",
    about: "Of postscreen(8)'s clients, which list had whom, and whom no other list had. smtpd(8) names only the list that answered first, so that its rejects tell nothing of this.",
    group: Group::Problems,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Others),
    columns: OVERLAPS,
    rows: |input| {
        let overlap = &input.summary.overlap;
        let (lists, together) = overlap.catches();
        if lists.is_empty() {
            return Rows::default();
        }
        let all = lists.len();
        let limit = input.options.limit(Limit::Others);
        let connections = overlap.connections();
        let mut rows: Vec<Row> = lists
            .into_iter()
            .take(limit)
            .map(|(name, catch)| row(shown(name), &catch, connections))
            .collect();
        if !rows.is_empty() && all > 1 {
            rows.push(row(
                "(all lists together)".to_owned(),
                &together,
                connections,
            ));
        }
        Rows {
            all: rows.len() + all.saturating_sub(limit),
            rows,
        }
    },
};

const OVERLAPS: &[Column] = &[
    col(
        "zone",
        "zone",
        Unit::Text,
        "The list's zone, and `(all lists together)`.",
    ),
    col("clients", "clients", Unit::Count, "Addresses listed."),
    col(
        "clients_alone",
        "alone",
        Unit::Count,
        "Addresses that no other list has.",
    ),
    col(
        "connections",
        "",
        Unit::Count,
        "Connections from the addresses listed.",
    ),
    col(
        "percent",
        "hit rate",
        Unit::Percent,
        "The share of all connections to postscreen, 0 to 100.",
    ),
    col(
        "connections_alone",
        "",
        Unit::Count,
        "Connections from addresses that no other list has.",
    ),
    col(
        "condemned",
        "rejected",
        Unit::Count,
        "Connections whose rank reached the threshold.",
    ),
    col(
        "condemned_alone",
        "alone",
        Unit::Count,
        "Those that would have passed without this list.",
    ),
];

fn row(zone: String, catch: &Catch, connections: u64) -> Row {
    vec![
        Cell::Text(zone),
        Cell::Count(catch.clients),
        Cell::Count(catch.clients_alone),
        Cell::Count(catch.connections),
        Cell::Real(share(catch.connections, connections)),
        Cell::Count(catch.connections_alone),
        Cell::Count(catch.condemned),
        Cell::Count(catch.condemned_alone),
    ]
}
