//! What changed against the period before.

use super::totals;
use crate::report::input::{Input, shown};
use crate::report::section::{
    Cell, Column, Group, Limit, Row, Rows, Shape, Shown, Spec, Unit, col,
};
use crate::stats::compare::{CauseChange, Difference, Kind, Of, compare};
use crate::stats::summary::Outcome;

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
                    row.extend(difference(Difference { before, now }));
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

/// At most so many, whatever the limits say: the news, not the table.
const NEWS: usize = 10;

pub(super) static CHANGED_CAUSES: Spec = Spec {
    key: "changed_causes",
    title: "What Changed: Reasons",
    about: "Reasons that are new or gone, or whose number changed by more than chance explains (with --compare): panics and fatal errors first, then what changed most.",
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
            "deferral, bounce, reject, reject warning, hold, discard, warning, error, fatal or panic.",
        ),
        col("reason", "reason", Unit::Text, "The reason, normalised."),
        col("news", "", Unit::Text, "new, grown, shrunk or gone."),
    ],
    rows: causes,
};

fn causes(input: &Input<'_>) -> Rows {
    let Some(before) = input.before else {
        return Rows::default();
    };
    let changes = compare(before, input.summary).causes;
    let most = input.options.limit(Limit::Others).min(NEWS);
    Rows {
        rows: changes.iter().take(most).map(row).collect(),
        all: changes.len(),
    }
}

fn row(change: &CauseChange<'_>) -> Row {
    let kind = match change.of {
        Of::Mail(Outcome::Deferral) => "deferral",
        Of::Mail(Outcome::Bounce) => "bounce",
        Of::Mail(Outcome::Reject) => "reject",
        Of::Mail(Outcome::RejectWarning) => "reject warning",
        Of::Mail(Outcome::Hold) => "hold",
        Of::Mail(Outcome::Discard) => "discard",
        Of::Warning => "warning",
        Of::Error => "error",
        Of::Fatal => "fatal",
        Of::Panic => "panic",
    };
    let news = match change.kind {
        Kind::New => "new",
        Kind::Grown => "grown",
        Kind::Shrunk => "shrunk",
        Kind::Gone => "gone",
    };
    let mut row: Row = difference(change.count).into();
    row.extend([kind, &shown(change.reason), news].map(|text| Cell::Text(text.to_owned())));
    row
}

fn difference(of: Difference) -> [Cell; 4] {
    let percent = of.relative().map_or(Cell::None, |part| {
        Cell::Real((part * 1000.0).round() / 10.0)
    });
    [
        Cell::Count(of.before),
        Cell::Count(of.now),
        Cell::Change(of.absolute()),
        percent,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_a_sign_and_no_percent_of_nothing() {
        assert_eq!(
            difference(Difference {
                before: 200,
                now: 50
            }),
            [
                Cell::Count(200),
                Cell::Count(50),
                Cell::Change(-150),
                Cell::Real(-75.0)
            ]
        );
        assert_eq!(difference(Difference { before: 0, now: 3 })[3], Cell::None);
    }
}
