//! Connections to smtpd(8) and postscreen(8).

use super::surges::beginning;
use crate::report::input::shown;
use crate::report::section::{Cell, Column, Group, Limit, Rows, Shape, Shown, Spec, Unit, col};
use crate::stats::summary::ConnectionTime;

pub(super) static CONNECTIONS: Spec = Spec {
    key: "connections",
    title: "Connections",
    about: "Connections of clients, and how long those to smtpd(8) lasted.",
    group: Group::Services,
    shape: Shape::Record,
    shown: Shown::Usually,
    limit: None,
    columns: &[
        col(
            "connections",
            "connections to smtpd and postscreen",
            Unit::Count,
            "Connections to smtpd(8) and postscreen(8).",
        ),
        col(
            "ended",
            "connections to smtpd that ended",
            Unit::Count,
            "Connections to smtpd(8) whose end is in the log.",
        ),
        col(
            "hosts",
            "distinct hosts of these",
            Unit::Count,
            "Distinct hosts among them.",
        ),
        col(
            "time_avg",
            "average time of a connection",
            Unit::Seconds,
            "Their average time, in seconds.",
        ),
        col(
            "time_max",
            "longest connection",
            Unit::Seconds,
            "The longest time, in seconds.",
        ),
        col(
            "time_total",
            "all of them together",
            Unit::Seconds,
            "The sum of their times, in seconds.",
        ),
    ],
    rows: |input| {
        let smtpd = &input.summary.smtpd;
        let [_, average, max, total] = times(&smtpd.all);
        Rows::one(vec![
            Cell::Count(input.summary.connections),
            Cell::Count(smtpd.all.count),
            Cell::Count(smtpd.hosts() as u64),
            average,
            max,
            total,
        ])
    },
};

macro_rules! columns {
    ($first:expr) => {
        &[
            $first,
            col("count", "connects", Unit::Count, "Connections that ended."),
            col(
                "time_avg",
                "avg time",
                Unit::Seconds,
                "Their average time, in seconds.",
            ),
            col(
                "time_max",
                "max time",
                Unit::Seconds,
                "The longest, in seconds.",
            ),
            col(
                "time_total",
                "total time",
                Unit::Seconds,
                "The sum of their times, in seconds.",
            ),
        ]
    };
}

pub(super) static BY_HOUR: Spec = Spec {
    key: "smtpd_by_hour",
    title: "smtpd Connections by Hour",
    about: "smtpd(8)'s connections by the hour in which they ended.",
    group: Group::Services,
    shape: Shape::List,
    shown: Shown::OnRequest,
    limit: None,
    columns: HOUR,
    rows: |input| {
        let hours = input.summary.smtpd.by_hour(&input.summary.series);
        let rows = hours.into_iter().map(|(hour, time)| {
            let mut row = vec![Cell::Time(beginning(hour))];
            row.extend(times(&time));
            row
        });
        Rows::all(rows.collect())
    },
};

const HOUR: &[Column] = columns!(col("hour", "hour", Unit::Time, "The hour's beginning."));

pub(super) static BY_HOST: Spec = Spec {
    key: "smtpd_by_host",
    title: "smtpd Connections by Host",
    about: "smtpd(8)'s connections by the client's verified name, or its address when it has none.",
    group: Group::Services,
    shape: Shape::List,
    shown: Shown::OnRequest,
    limit: Some(Limit::Hosts),
    columns: HOST,
    rows: |input| {
        let hosts = &input.summary.smtpd.by_host;
        let top = hosts.top(input.options.limit(Limit::Hosts), |t| t.count);
        Rows {
            rows: top
                .into_iter()
                .map(|(name, time)| {
                    let mut row = vec![Cell::Text(shown(name))];
                    row.extend(times(time));
                    row
                })
                .collect(),
            all: input.summary.smtpd.hosts(),
        }
    },
};

const HOST: &[Column] = columns!(col("host", "host", Unit::Text, "The host."));

/// Count, average, maximum and sum in seconds.
fn times(time: &ConnectionTime) -> [Cell; 4] {
    let seconds = |micros: u64| Cell::Real((micros as f64 / 10_000.0).round() / 100.0);
    [
        Cell::Count(time.count),
        seconds(time.average()),
        seconds(time.max),
        seconds(time.sum),
    ]
}
