//! What was read, and what could not be.

use crate::report::input::shown;
use crate::report::section::{Cell, Group, Limit, Rows, Shape, Shown, Spec, Unit, col};

pub(super) static LINES: Spec = Spec {
    key: "lines",
    title: "Lines",
    about: "How many lines were read, and what they were.",
    group: Group::Remarks,
    shape: Shape::Record,
    shown: Shown::Usually,
    limit: None,
    columns: &[
        col("read", "read", Unit::Count, "All lines."),
        col(
            "parsed",
            "understood",
            Unit::Count,
            "Postfix lines that were understood.",
        ),
        col(
            "unparsed",
            "not understood (mailtop parse --unparsed FILE shows them)",
            Unit::Count,
            "Postfix lines that were not understood, and lines without a header that could be read.",
        ),
        col(
            "other",
            "of other programs or instances, or empty",
            Unit::Count,
            "Lines of other programs, of other instances when one was asked for, and empty ones.",
        ),
    ],
    rows: |input| {
        let lines = input.summary.lines;
        let figures = [lines.read, lines.parsed, lines.unparsed, lines.other];
        Rows::one(figures.map(Cell::Count).to_vec())
    },
};

pub(super) static UNPARSED: Spec = Spec {
    key: "unparsed",
    title: "Lines Not Understood",
    about: "The first lines of Postfix that were not understood, without their header.",
    group: Group::Remarks,
    shape: Shape::List,
    shown: Shown::OnRequest,
    limit: Some(Limit::Others),
    columns: &[col("text", "text", Unit::Text, "The line's text.")],
    rows: |input| {
        let lines = &input.summary.unparsed;
        let limit = input.options.limit(Limit::Others);
        Rows {
            rows: lines
                .iter()
                .take(limit)
                .map(|line| vec![Cell::Text(shown(line))])
                .collect(),
            all: lines.len(),
        }
    },
};
