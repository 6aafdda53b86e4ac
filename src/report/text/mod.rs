//! The report for people: pflogsumm's names, 80 columns, fit for cron's mail and for a terminal.
//!
//! Nothing here knows what a section means: it lays out records, tables and reasons.

mod messages;
mod page;
mod table;
mod totals;

use super::figures::{self, count};
use super::section::{Cell, Column, Row, Section, Shape, Unit};
use super::wrap;
use super::{Empty, Report};
pub use page::Colour;
use page::{Ink, Page};
use std::fmt::Write as _;

/// Whether long texts are shown whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Messages {
    /// An example is cut after two lines, a reason after three.
    #[default]
    Short,
    /// The same, but an example is whole: a reject's sender and recipient stand at its end.
    WholeExample,
    /// Everything is wrapped, and every example is shown.
    Full,
}

/// How the text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextStyle {
    /// Columns of the terminal or the mail.
    pub width: usize,
    /// Whether it goes to a terminal.
    pub colour: Colour,
    /// How much of long texts is shown.
    pub messages: Messages,
}

impl Default for TextStyle {
    fn default() -> Self {
        Self {
            width: wrap::WIDTH,
            colour: Colour::Never,
            messages: Messages::Short,
        }
    }
}

/// Where the text of a reason begins.
const INDENT: usize = 18;

impl Report {
    /// The whole report.
    pub fn text(&self, style: &TextStyle) -> String {
        let mut page = Page::new(*style);
        self.head(&mut page);
        for section in self.shown() {
            page.title(&title(section));
            match section.spec.shape {
                Shape::Record if section.spec.key == "totals" => totals::write(section, &mut page),
                Shape::Record => record(section, self.options.empty, &mut page),
                Shape::List => table::write(section, &mut page),
                Shape::Causes => causes(section, &mut page),
                Shape::Messages => messages::write(section, &mut page),
            }
        }
        page.finish()
    }

    /// What it is of: the period, the logs, and what could not be read.
    fn head(&self, page: &mut Page) {
        page.line("Postfix log report", Ink::Bold);
        match self.period {
            Some((from, to)) => page.line(&figures::span(from, to), Ink::Plain),
            None => page.line("No Postfix line in the period.", Ink::Bad),
        }
        match (self.origin.compared, self.period_before) {
            (_, Some((from, to))) => {
                let before = figures::span(from, to);
                page.line(&format!("compared with {before}"), Ink::Plain);
            }
            (Some(_), None) => page.line("No Postfix line in the period before.", Ink::Bad),
            (None, None) => {}
        }
        if !self.origin.logs.is_empty() {
            page.wrapped(
                &format!("of {}", self.origin.logs.join(", ")),
                3,
                Ink::Plain,
            );
        }
        let unparsed = self.count("lines", "unparsed");
        if unparsed > 0 {
            let of = self.count("lines", "read");
            page.wrapped(
                &format!(
                    "{} of {} lines could not be read; mailtop parse --unparsed FILE shows them.",
                    count(unparsed),
                    count(of)
                ),
                0,
                Ink::Bad,
            );
        }
        for remark in &self.origin.remarks {
            page.wrapped(remark, 0, Ink::Plain);
        }
    }
}

fn title(section: &Section) -> String {
    let title = section.spec.title;
    if section.is_cut() && !section.rows.is_empty() {
        format!(
            "{title} (top {} of {})",
            count(section.rows.len() as u64),
            count(section.all as u64)
        )
    } else {
        title.to_owned()
    }
}

/// A figure a line.
fn record(section: &Section, empty: Empty, page: &mut Page) {
    let cells = section.rows.iter().flatten();
    for (column, cell) in section.spec.columns.iter().zip(cells) {
        if column.head.is_empty() || (empty == Empty::Omitted && is_zero(cell)) {
            continue;
        }
        page.line(&figure(cell, column), Ink::Plain);
    }
}

fn is_zero(cell: &Cell) -> bool {
    match cell {
        Cell::Time(_) => false,
        cell => cell.number() == 0.0,
    }
}

fn figure(cell: &Cell, column: &Column) -> String {
    let value = figures::shown(cell, column.unit);
    format!("{value:>11}   {}", column.head)
}

/// Reasons: count and share before the wrapped text, then when, whom it concerns, and an example.
fn causes(section: &Section, page: &mut Page) {
    if section.rows.is_empty() {
        page.line(&format!("{:>11}", "none"), Ink::Dim);
    }
    for row in &section.rows {
        let cell = |key: &str| section.cell(row, key);
        let counted = figures::shown(cell("count"), Unit::Count);
        let share = figures::shown(cell("percent"), Unit::Percent);
        let reason = cell("reason").text();
        let before = format!("{counted:>9} {share:>6}  ");
        page.hanging(&before, reason, page.most(3), Ink::Plain);
        remarks(section, row, page);
    }
}

fn remarks(section: &Section, row: &Row, page: &mut Page) {
    let indent = " ".repeat(INDENT);
    let mut when = String::new();
    if let (Cell::Time(first), Cell::Time(last)) =
        (section.cell(row, "first"), section.cell(row, "last"))
    {
        when = figures::span(*first, *last);
    }
    if let Cell::Texts(by) = section.cell(row, "by")
        && !by.is_empty()
    {
        let _ = write!(when, "; {}", by.join(", "));
    }
    page.hanging(&indent, &when, page.most(2), Ink::Dim);
    if let Cell::Texts(examples) = section.cell(row, "examples") {
        let reason = section.cell(row, "reason").text();
        let shown = page.most(1).min(examples.len());
        for example in examples.iter().take(shown).filter(|e| *e != reason) {
            let lines = page.example_lines();
            page.hanging(&format!("{indent}e.g. "), example, lines, Ink::Dim);
        }
    }
}
