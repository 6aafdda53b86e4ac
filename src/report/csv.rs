//! One section as CSV (RFC 4180), for spreadsheets: heads are the JSON's members.
//!
//! Spreadsheets run a cell that begins with `=`, `+`, `-` or `@` as a formula, and log text is written by
//! strangers: such a text gets an apostrophe in front, which makes it text for all of them. Numbers are
//! ours and stay numbers.

use super::Report;
use super::figures::rfc3339;
use super::section::{Cell, Spec};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Why a section could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// No section has this name.
    #[error("\"{0}\": no such section (try: --csv list)")]
    NoSuchSection(String),
    /// The section was left out with `--no-...`.
    #[error("{key}: left out by --{option} (try: without it)")]
    LeftOut {
        /// Its name.
        key: &'static str,
        /// The option that leaves it out.
        option: String,
    },
    /// The writer failed.
    #[error("writing CSV: {0}")]
    Csv(#[from] csv::Error),
}

impl Report {
    /// The section of this name, with a head line.
    pub fn csv(&self, spec: &'static Spec) -> Result<String, CsvError> {
        let section = self.section(spec.key).ok_or_else(|| CsvError::LeftOut {
            key: spec.key,
            option: spec.option(),
        })?;
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(spec.columns.iter().map(|column| column.key))?;
        for row in &section.rows {
            writer.write_record(row.iter().map(|cell| field(cell).into_owned()))?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| csv::Error::from(error.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The names of all sections and what they say, for `--csv list`.
pub fn list() -> String {
    let width = super::sections::ALL
        .iter()
        .map(|spec| spec.key.len())
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for spec in super::sections::ALL {
        let _ = writeln!(out, "{:width$}  {}", spec.key, spec.title);
    }
    out
}

fn field(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Count(n) => n.to_string().into(),
        Cell::Change(n) => n.to_string().into(),
        Cell::Real(n) => n.to_string().into(),
        Cell::Time(stamp) => rfc3339(*stamp).into(),
        Cell::Text(text) => harmless(text),
        Cell::Texts(texts) => harmless(&texts.join(" | ")).into_owned().into(),
        Cell::None => "".into(),
    }
}

/// The text, with an apostrophe in front when a spreadsheet would take it for a formula. Blanks before
/// the sign, and the signs' full-width forms, deceive some.
fn harmless(text: &str) -> Cow<'_, str> {
    let formula = text.trim_start().starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    if formula {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_made_text() {
        for text in ["=1+1", "+1", "-1", "@x", "  =x", "\u{ff1d}x"] {
            assert!(harmless(text).starts_with('\''), "{text}");
        }
        assert_eq!(harmless("a=b"), "a=b");
        assert_eq!(field(&Cell::Change(-5)), "-5");
    }
}
