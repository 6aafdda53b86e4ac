//! Reasons: why mail was deferred, bounced, rejected, held or discarded, and what Postfix complained of.

use crate::report::figures::share;
use crate::report::input::{Input, shown};
use crate::report::section::{
    Cell, Column, Group, Limit, Row, Rows, Shape, Shown, Spec, Unit, col,
};
use crate::stats::causes::{Cause, Causes};
use crate::stats::summary::Outcome;

/// How many of those behind a reason are named with it.
const MEMBERS: usize = 5;

const COLUMNS: &[Column] = &[
    col(
        "reason",
        "reason",
        Unit::Text,
        "The reason, normalised: numbers, addresses and names are left out.",
    ),
    col("count", "count", Unit::Count, "How often."),
    col(
        "percent",
        "share",
        Unit::Percent,
        "The share of all of this section, 0 to 100.",
    ),
    col("first", "first", Unit::Time, "When it was logged first."),
    col("last", "last", Unit::Time, "When it was logged last."),
    col(
        "by",
        "by",
        Unit::Texts,
        "Whom it concerns most: domains of recipients, hosts, addresses.",
    ),
    col(
        "examples",
        "e.g.",
        Unit::Texts,
        "Up to three texts as they were logged.",
    ),
];

macro_rules! outcome {
    ($name:ident, $key:literal, $title:literal, $about:literal, $limit:ident, $outcome:ident) => {
        pub(super) static $name: Spec = Spec {
            key: $key,
            title: $title,
            about: $about,
            group: Group::Problems,
            shape: Shape::Causes,
            shown: Shown::Usually,
            limit: Some(Limit::$limit),
            columns: COLUMNS,
            rows: |input| outcome(input, Limit::$limit, Outcome::$outcome),
        };
    };
}

outcome!(
    DEFERRALS,
    "deferrals",
    "Message Deferral Detail",
    "Why delivery attempts were deferred.",
    Deferrals,
    Deferral
);
outcome!(
    BOUNCES,
    "bounces",
    "Message Bounce Detail",
    "Why recipients bounced.",
    Bounces,
    Bounce
);
outcome!(
    REJECTS,
    "rejects",
    "Message Reject Detail",
    "Why clients were rejected.",
    Rejects,
    Reject
);
outcome!(
    REJECT_WARNINGS,
    "reject_warnings",
    "Message Reject Warning Detail",
    "What warn_if_reject and WARN checks would have rejected.",
    Rejects,
    RejectWarning
);
outcome!(
    HOLDS,
    "holds",
    "Message Hold Detail",
    "Why messages were put on hold.",
    Rejects,
    Hold
);
outcome!(
    DISCARDS,
    "discards",
    "Message Discard Detail",
    "Why messages were discarded.",
    Rejects,
    Discard
);

fn outcome(input: &Input<'_>, limit: Limit, outcome: Outcome) -> Rows {
    let causes = input.summary.causes(outcome);
    let total = causes.total();
    let groups = input
        .summary
        .detail(outcome, input.options.limit(limit), MEMBERS);
    let rows = groups.iter().map(|group| {
        let mut by: Vec<String> = group
            .members
            .iter()
            .map(|(name, count)| format!("{} ({count})", shown(name)))
            .collect();
        if group.distinct > by.len() {
            by.push(format!("{} more", group.distinct - by.len()));
        }
        row(group.reason, group.cause, total, by)
    });
    Rows {
        rows: rows.collect(),
        all: causes.len(),
    }
}

pub(super) static LIFECYCLE: Spec = Spec {
    key: "lifecycle",
    title: "Master Daemon Messages",
    about: "Starts, stops and reloads, as master(8) and postfix-script say.",
    group: Group::Services,
    shape: Shape::Causes,
    shown: Shown::Usually,
    limit: Some(Limit::Warnings),
    columns: COLUMNS,
    rows: |input| plain(input, &input.summary.lifecycle),
};

fn plain(input: &Input<'_>, causes: &Causes) -> Rows {
    let total = causes.total();
    let top = causes.top(input.options.limit(Limit::Warnings));
    Rows {
        rows: top
            .into_iter()
            .map(|(name, cause)| row(name, cause, total, Vec::new()))
            .collect(),
        all: causes.len(),
    }
}

pub(super) static WARNINGS: Spec = Spec {
    key: "warnings",
    title: "Panics, Fatal Errors, Errors and Warnings",
    about: "Lines marked panic, fatal, error or warning, the gravest first.",
    group: Group::Problems,
    shape: Shape::Causes,
    shown: Shown::Usually,
    limit: Some(Limit::Warnings),
    columns: COLUMNS,
    rows: warnings,
};

/// Each level has its own limit, so that a flood of warnings hides no panic, nor the reverse.
fn warnings(input: &Input<'_>) -> Rows {
    let summary = input.summary;
    let levels = [
        &summary.panics,
        &summary.fatals,
        &summary.errors,
        &summary.warnings,
    ];
    let total = levels.iter().map(|causes| causes.total()).sum();
    let limit = input.options.limit(Limit::Warnings);
    let rows = levels.iter().flat_map(|causes| causes.top(limit));
    Rows {
        rows: rows
            .map(|(name, cause)| row(name, cause, total, Vec::new()))
            .collect(),
        all: levels.iter().map(|causes| causes.len()).sum(),
    }
}

fn row(name: &[u8], cause: &Cause, total: u64, by: Vec<String>) -> Row {
    vec![
        Cell::Text(shown(name)),
        Cell::Count(cause.count),
        Cell::Real(share(cause.count, total)),
        Cell::Time(cause.first),
        Cell::Time(cause.last),
        Cell::Texts(by),
        Cell::Texts(cause.examples.iter().map(|e| shown(e)).collect()),
    ]
}
