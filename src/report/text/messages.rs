//! Messages: size, queue id and sender in a line, and a line for each recipient below.

use super::page::{Ink, Page};
use crate::report::figures;
use crate::report::section::{Cell, Section, Unit};

/// Where the words for recipients begin: below the queue id.
const INDENT: usize = 8;

/// Writes them.
pub(super) fn write(section: &Section, page: &mut Page) {
    if section.rows.is_empty() {
        page.line(" none", Ink::Dim);
    }
    for row in &section.rows {
        let cell = |key: &str| section.cell(row, key);
        let size = figures::shown(cell("size"), Unit::Bytes);
        let sender = match cell("sender") {
            Cell::Text(sender) => sender,
            _ => "(sender not in the log)",
        };
        let before = format!("{size:>6}  {}  ", cell("id").text());
        page.hanging(&before, sender, usize::MAX, Ink::Plain);
        // Whatever became of recipients is a column of several texts.
        for (column, cell) in section.spec.columns.iter().zip(row) {
            if let Cell::Texts(recipients) = cell {
                let before = format!("{:INDENT$}{:10} ", "", column.head);
                for recipient in recipients {
                    page.hanging(&before, recipient, usize::MAX, Ink::Dim);
                }
            }
        }
    }
}
