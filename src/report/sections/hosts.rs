//! Hosts and domains: where mail went, whose it was, who brought it.

use super::addresses::{COLUMNS, by_count};
use crate::report::figures::share;
use crate::report::input::shown;
use crate::report::section::{Cell, Column, Group, Limit, Rows, Shape, Shown, Spec, Unit, col};

pub(super) static DOMAINS: Spec = Spec {
    key: "domains",
    title: "Host/Domain Summary: Message Delivery",
    about: "Recipients' domains.",
    group: Group::Parties,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Hosts),
    columns: DOMAIN,
    rows: |input| {
        let table = &input.summary.destinations;
        let total = table.iter().map(|(_, d)| d.delivered).sum();
        let key = |d: &crate::stats::summary::Destination| (d.delivered, d.deferrals, d.bounced);
        let rows = table.top(input.options.limit(Limit::Hosts), key);
        Rows {
            rows: rows
                .into_iter()
                .map(|(name, d)| {
                    vec![
                        Cell::Text(shown(name)),
                        Cell::Count(d.delivered),
                        Cell::Real(share(d.delivered, total)),
                        Cell::Count(d.bytes),
                        Cell::Count(d.deferrals),
                        Cell::Count(d.bounced),
                        Cell::Real(average(d.delay_sum, d.delivered)),
                        Cell::Real(d.delay_max as f64 / 100.0),
                        Cell::Real(d.delay_sum as f64 / 100.0),
                    ]
                })
                .collect(),
            all: table.iter().filter(|(_, d)| key(d) > (0, 0, 0)).count(),
        }
    },
};

const DOMAIN: &[Column] = &[
    col(
        "domain",
        "host/domain",
        Unit::Text,
        "The domain, or the name where a recipient has none.",
    ),
    col("count", "sent", Unit::Count, "Recipients delivered to."),
    col(
        "percent",
        "share",
        Unit::Percent,
        "The share of all deliveries, 0 to 100.",
    ),
    col("bytes", "bytes", Unit::Bytes, "Bytes delivered."),
    col("deferrals", "defers", Unit::Count, "Attempts deferred."),
    col("bounced", "bounced", Unit::Count, "Recipients bounced."),
    col(
        "delay_avg",
        "avg dly",
        Unit::Seconds,
        "The average delay of deliveries, in seconds.",
    ),
    col(
        "delay_max",
        "max dly",
        Unit::Seconds,
        "The longest delay of a delivery or deferral, in seconds.",
    ),
    col(
        "delay_sum",
        "",
        Unit::Seconds,
        "The delays of deliveries together, in seconds.",
    ),
];

/// Hundredths of a second, averaged, in seconds.
fn average(sum: u64, count: u64) -> f64 {
    if count == 0 {
        return 0.0;
    }
    (sum as f64 / count as f64).round() / 100.0
}

pub(super) static SENDING_HOSTS: Spec = Spec {
    key: "sending_hosts",
    title: "Host/Domain Summary: Messages Received",
    about: "Senders' domains, or the client where a sender has none, by messages received.",
    group: Group::Parties,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Hosts),
    columns: COLUMNS,
    rows: |input| by_count(input, &input.summary.sending_hosts, Limit::Hosts),
};

pub(super) static CLIENTS: Spec = Spec {
    key: "clients",
    title: "Clients by message count",
    about: "Clients as `name[address]`, by messages received from them.",
    group: Group::Parties,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Hosts),
    columns: COLUMNS,
    rows: |input| by_count(input, &input.summary.clients, Limit::Hosts),
};
