//! How much, by day and by hour of the log's own clock.

use crate::logparse::Stamp;
use crate::report::figures::rfc3339;
use crate::report::input::{Empty, Input};
use crate::report::section::{Cell, Column, Group, Row, Rows, Shape, Shown, Spec, Unit, col};
use crate::stats::series::{Counts, Hour};

/// Days and hours without a line that are filled in at most: a wrong clock's one line must not make
/// a report of centuries.
const FILLED: i64 = 24 * 400;

macro_rules! counts {
    ($first:expr) => {
        &[
            $first,
            col("received", "received", Unit::Count, "Messages received."),
            col(
                "delivered",
                "delivered",
                Unit::Count,
                "Recipients delivered to.",
            ),
            col(
                "forwarded",
                "",
                Unit::Count,
                "Recipients forwarded by local(8).",
            ),
            col(
                "deferrals",
                "deferred",
                Unit::Count,
                "Delivery attempts deferred.",
            ),
            col("bounced", "bounced", Unit::Count, "Recipients bounced."),
            col("rejected", "rejected", Unit::Count, "Rejects."),
            col("reject_warnings", "", Unit::Count, "Reject warnings."),
            col("held", "", Unit::Count, "Messages put on hold."),
            col("discarded", "", Unit::Count, "Messages discarded."),
            col("expired", "", Unit::Count, "Messages expired."),
            col("bytes_received", "", Unit::Bytes, "Bytes received."),
            col("bytes_delivered", "", Unit::Bytes, "Bytes delivered."),
        ]
    };
}

pub(super) static BY_DAY: Spec = Spec {
    key: "by_day",
    title: "Per-Day Traffic Summary",
    about: "Every day with lines, of the log's own clock.",
    group: Group::Traffic,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: None,
    columns: DAY,
    rows: |input| {
        let mut days = input.summary.series.days();
        if input.options.empty == Empty::Shown {
            days = filled(days, |day| day, |day| day);
        }
        Rows::all(
            days.into_iter()
                .map(|(day, counts)| row(Cell::Text(date(day)), counts))
                .collect(),
        )
    },
};

const DAY: &[Column] = counts!(col("day", "day", Unit::Text, "The day, as `2026-11-22`."));

pub(super) static HOURS_OF_DAY: Spec = Spec {
    key: "hours_of_day",
    title: "Per-Hour Traffic Summary (all days together)",
    about: "The hours of the day, all days together.",
    group: Group::Traffic,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: None,
    columns: HOUR_OF_DAY,
    rows: |input| {
        let hours = input.summary.series.hours_of_day();
        let fill = input.options.empty == Empty::Shown;
        Rows::all(
            hours
                .into_iter()
                .enumerate()
                .filter(|(_, counts)| fill || *counts != Counts::default())
                .map(|(hour, counts)| {
                    row(
                        Cell::Text(format!("{hour:02}:00-{:02}:00", hour + 1)),
                        counts,
                    )
                })
                .collect(),
        )
    },
};

const HOUR_OF_DAY: &[Column] = counts!(col(
    "hour",
    "hour",
    Unit::Text,
    "The hour, as `08:00-09:00`."
));

pub(super) static BY_HOUR: Spec = Spec {
    key: "by_hour",
    title: "Traffic by hour",
    about: "Every hour with lines, in order.",
    group: Group::Traffic,
    shape: Shape::List,
    shown: Shown::AsData,
    limit: None,
    columns: HOUR,
    rows: by_hour,
};

const HOUR: &[Column] = counts!(col(
    "hour",
    "hour",
    Unit::Text,
    "The hour's beginning, RFC 3339 with the log's own offset."
));

fn by_hour(input: &Input<'_>) -> Rows {
    let mut hours = input.summary.series.hours();
    if input.options.empty == Empty::Shown {
        hours = filled_hours(hours);
    }
    let rows = hours.into_iter().map(|(hour, counts)| {
        let start = Stamp {
            micros: (hour.local * 3600 - i64::from(hour.offset)) * 1_000_000,
            offset: hour.offset,
        };
        row(Cell::Text(rfc3339(start)), counts)
    });
    Rows::all(rows.collect())
}

/// Hours without lines get the offset of the hour before them.
fn filled_hours(hours: Vec<(Hour, Counts)>) -> Vec<(Hour, Counts)> {
    let mut out: Vec<(Hour, Counts)> = Vec::with_capacity(hours.len());
    for (hour, counts) in hours {
        if let Some((last, _)) = out.last().copied() {
            let gap = hour.local - last.local;
            if gap <= FILLED {
                out.extend((last.local + 1..hour.local).map(|local| {
                    let empty = Hour {
                        local,
                        offset: last.offset,
                    };
                    (empty, Counts::default())
                }));
            }
        }
        out.push((hour, counts));
    }
    out
}

/// Rows with the missing ones between them.
fn filled<K: Copy>(
    rows: Vec<(K, Counts)>,
    number: fn(K) -> i64,
    key: fn(i64) -> K,
) -> Vec<(K, Counts)> {
    let mut out: Vec<(K, Counts)> = Vec::with_capacity(rows.len());
    for (at, counts) in rows {
        if let Some((last, _)) = out.last().copied()
            && number(at) - number(last) <= FILLED
        {
            out.extend((number(last) + 1..number(at)).map(|n| (key(n), Counts::default())));
        }
        out.push((at, counts));
    }
    out
}

fn row(first: Cell, c: Counts) -> Row {
    let figures = [
        c.received,
        c.delivered,
        c.forwarded,
        c.deferrals,
        c.bounced,
        c.rejected,
        c.reject_warnings,
        c.held,
        c.discarded,
        c.expired,
        c.bytes_received,
        c.bytes_delivered,
    ];
    std::iter::once(first)
        .chain(figures.map(Cell::Count))
        .collect()
}

fn date(day: i64) -> String {
    chrono::DateTime::from_timestamp(day.saturating_mul(86_400), 0)
        .map(|d| d.format("%Y-%m-%d").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_but_not_those_of_a_broken_clock() {
        let counts = Counts {
            received: 1,
            ..Counts::default()
        };
        let days = filled(
            vec![(5, counts), (8, counts), (900_000, counts)],
            |d| d,
            |d| d,
        );
        let numbers: Vec<i64> = days.iter().map(|(day, _)| *day).collect();
        assert_eq!(numbers, [5, 6, 7, 8, 900_000]);
        assert_eq!(days[1].1, Counts::default());
        let hour = |local| Hour {
            local,
            offset: 3600,
        };
        let hours = filled_hours(vec![(hour(1), counts), (hour(3), counts)]);
        assert_eq!(hours.len(), 3);
        assert_eq!(hours[1].0, hour(2));
        assert_eq!(date(20_779), "2026-11-22");
    }
}
