//! What changed against the period before.

use super::totals;
use crate::report::input::{Input, shown};
use crate::report::section::{
    Cell, Column, Group, Limit, Row, Rows, Shape, Shown, Spec, Unit, col,
};
use crate::stats::causes::Causes;
use std::collections::BTreeMap;

pub(super) static CHANGES: Spec = Spec {
    key: "changes",
    title: "What Changed",
    about: "The grand totals of this period and of the equal period before it (with --compare).",
    group: Group::Changes,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: None,
    columns: &[
        col(
            "figure",
            "",
            Unit::Text,
            "The member of `totals`, or delay_p50, delay_p95.",
        ),
        BEFORE,
        NOW,
        CHANGE,
        PERCENT,
        col("what", "what", Unit::Text, "The same in words."),
    ],
    rows: |input| {
        input.before.map_or_else(Rows::default, |before| {
            let (then, now) = (before.totals(), input.summary.totals());
            let pairs = totals::pairs(&then, &now)
                .filter(|(_, before, now)| *before > 0 || *now > 0)
                .map(|(column, before, now)| {
                    let mut row = vec![Cell::Text(column.key.to_owned())];
                    row.extend(difference(before, now));
                    row.push(Cell::Text(column.head.to_owned()));
                    row
                });
            Rows::all(pairs.collect())
        })
    },
};

const BEFORE: Column = col("before", "before", Unit::Count, "In the period before.");
const NOW: Column = col("now", "now", Unit::Count, "In this period.");
const CHANGE: Column = col("change", "change", Unit::Change, "The difference.");
const PERCENT: Column = col(
    "percent",
    "in percent",
    Unit::Change,
    "The difference in percent of the period before; null when there was nothing before.",
);

/// Reasons whose count changed by less are no news.
const LEAST: u64 = 5;

/// At most so many, whatever the limits say: the news, not the table.
const NEWS: usize = 10;

pub(super) static CHANGED_CAUSES: Spec = Spec {
    key: "changed_causes",
    title: "What Changed: Reasons",
    about: "Reasons whose number changed most against the period before (with --compare).",
    group: Group::Changes,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Others),
    columns: &[
        BEFORE,
        NOW,
        CHANGE,
        PERCENT,
        col(
            "kind",
            "kind",
            Unit::Text,
            "deferral, bounce, reject, warning or error.",
        ),
        col("reason", "reason", Unit::Text, "The reason, normalised."),
    ],
    rows: causes,
};

fn causes(input: &Input<'_>) -> Rows {
    let Some(before) = input.before else {
        return Rows::default();
    };
    let now = input.summary;
    let kinds = [
        ("deferral", &before.deferrals, &now.deferrals),
        ("bounce", &before.bounces, &now.bounces),
        ("reject", &before.rejects, &now.rejects),
        ("warning", &before.warnings, &now.warnings),
        ("error", &before.errors, &now.errors),
        ("fatal", &before.fatals, &now.fatals),
        ("panic", &before.panics, &now.panics),
    ];
    let mut found: Vec<(u64, Row)> = Vec::new();
    for (kind, before, now) in kinds {
        for (name, (before, now)) in both(before, now) {
            // A panic is news however rare it is.
            let grave = matches!(kind, "fatal" | "panic") && now > before;
            if before.abs_diff(now) >= LEAST || grave {
                let mut row: Row = difference(before, now).into();
                row.push(Cell::Text(kind.to_owned()));
                row.push(Cell::Text(shown(name)));
                found.push((before.abs_diff(now), row));
            }
        }
    }
    found.sort_by_key(|(difference, _)| std::cmp::Reverse(*difference));
    let all = found.len();
    found.truncate(input.options.limit(Limit::Others).min(NEWS));
    Rows {
        rows: found.into_iter().map(|(_, row)| row).collect(),
        all,
    }
}

/// The counts of every cause of either.
fn both<'a>(before: &'a Causes, now: &'a Causes) -> BTreeMap<&'a [u8], (u64, u64)> {
    let mut all = BTreeMap::<&[u8], (u64, u64)>::new();
    for (name, cause) in before.iter() {
        all.entry(name).or_default().0 = cause.count;
    }
    for (name, cause) in now.iter() {
        all.entry(name).or_default().1 = cause.count;
    }
    all
}

fn difference(before: u64, now: u64) -> [Cell; 4] {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let change = signed(now) - signed(before);
    let percent = if before == 0 {
        Cell::None
    } else {
        Cell::Real((change as f64 * 1000.0 / before as f64).round() / 10.0)
    };
    [
        Cell::Count(before),
        Cell::Count(now),
        Cell::Change(change),
        percent,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_a_sign_and_no_percent_of_nothing() {
        assert_eq!(
            difference(200, 50),
            [
                Cell::Count(200),
                Cell::Count(50),
                Cell::Change(-150),
                Cell::Real(-75.0)
            ]
        );
        assert_eq!(difference(0, 3)[3], Cell::None);
    }
}
