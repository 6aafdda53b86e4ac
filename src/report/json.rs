//! The report for programs: one JSON object.

use super::Report;

impl Report {
    /// One JSON object, indented, with a line end. Its members are those of [`Report`] and their order
    /// does not change.
    pub fn json(&self) -> serde_json::Result<String> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}
