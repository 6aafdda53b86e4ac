//! A list as a table: figures to the right, then the names, the last of which takes what room there is.

use super::page::{Ink, Page};
use crate::report::figures;
use crate::report::section::{Column, Section, Unit};
use crate::report::wrap::cut;
use unicode_width::UnicodeWidthStr as _;

/// Names before the last one are cut after so many columns.
const NAME: usize = 26;

/// Writes the table.
pub(super) fn write(section: &Section, page: &mut Page) {
    let columns = order(section.spec.columns);
    let cells: Vec<Vec<String>> = section
        .rows
        .iter()
        .map(|row| {
            columns
                .iter()
                .map(|(at, column)| figures::shown(&row[*at], column.unit))
                .collect()
        })
        .collect();
    let mut widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, (_, column))| {
            let widest = cells.iter().map(|row| row[at].width()).max().unwrap_or(0);
            let most = if is_name(column) { NAME } else { usize::MAX };
            widest.max(column.head.width()).min(most)
        })
        .collect();
    if let Some((last, others)) = widths.split_last_mut() {
        let used: usize = others.iter().map(|width| width + 2).sum();
        *last = (*last).min(page.width().saturating_sub(used + 1));
    }
    let heads: Vec<String> = columns.iter().map(|(_, c)| c.head.to_owned()).collect();
    page.line(&line(&columns, &widths, &heads), Ink::Bold);
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    page.line(&line(&columns, &widths, &rules), Ink::Dim);
    for row in &cells {
        page.line(&line(&columns, &widths, row), Ink::Plain);
    }
    if cells.is_empty() {
        page.line(" none", Ink::Dim);
    }
}

/// The columns that are shown, figures first.
fn order(columns: &'static [Column]) -> Vec<(usize, &'static Column)> {
    let shown = || {
        columns
            .iter()
            .enumerate()
            .filter(|(_, column)| !column.head.is_empty())
    };
    let mut out: Vec<_> = shown().filter(|(_, column)| !is_name(column)).collect();
    out.extend(shown().filter(|(_, column)| is_name(column)));
    out
}

fn is_name(column: &Column) -> bool {
    matches!(column.unit, Unit::Text | Unit::Texts)
}

fn line(columns: &[(usize, &Column)], widths: &[usize], cells: &[String]) -> String {
    let mut out = String::new();
    let last = columns.len().saturating_sub(1);
    for (at, (((_, column), width), cell)) in columns.iter().zip(widths).zip(cells).enumerate() {
        out.push_str(if at == 0 { " " } else { "  " });
        let pad = " ".repeat(width.saturating_sub(cell.width()));
        if !is_name(column) {
            out.push_str(&pad);
            out.push_str(cell);
        } else if at == last {
            out.push_str(cell);
        } else {
            out.push_str(&cut(cell, *width));
            out.push_str(&pad);
        }
    }
    out
}
