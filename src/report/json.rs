//! The report for programs: one JSON object.
//!
//! Members: `schema` (1), `logs`, `asked`, `period`, then a member a section: an object for a record, an
//! array of objects for a list. Their order does not change, and members are only ever added. Every text is
//! sanitised, so that nothing comes alive in whatever decodes it.

use super::Report;
use super::figures::rfc3339;
use super::section::{Cell, Row, Section, Shape};
use crate::logparse::Stamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// The version of the object's form: raised when a member is renamed or removed.
const SCHEMA: u32 = 1;

impl Report {
    /// One JSON object, indented, with a line end.
    pub fn json(&self) -> serde_json::Result<String> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", &SCHEMA)?;
        map.serialize_entry("logs", &self.origin.logs)?;
        map.serialize_entry("remarks", &self.origin.remarks)?;
        map.serialize_entry("asked", &Asked(self.origin.asked))?;
        map.serialize_entry("period", &Period(self.period))?;
        if let Some(compared) = self.origin.compared {
            map.serialize_entry("compared", &Asked(compared))?;
            map.serialize_entry("period_before", &Period(self.period_before))?;
        }
        for section in &self.sections {
            map.serialize_entry(section.spec.key, &Rows(section))?;
        }
        map.end()
    }
}

/// A span of time as it was asked for, in UTC; `null` where it is open.
struct Asked(super::when::Span);

impl Serialize for Asked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = |micros: Option<i64>| micros.map(|micros| rfc3339(Stamp { micros, offset: 0 }));
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("since", &time(self.0.since))?;
        map.serialize_entry("until", &time(self.0.until))?;
        map.end()
    }
}

/// First and last stamp, RFC 3339 with the log's own offset; `null` when no line was counted.
struct Period(Option<(Stamp, Stamp)>);

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("from", &self.0.map(|(from, _)| rfc3339(from)))?;
        map.serialize_entry("to", &self.0.map(|(_, to)| rfc3339(to)))?;
        map.end()
    }
}

struct Rows<'a>(&'a Section);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let section = self.0;
        match (section.spec.shape, section.rows.first()) {
            (Shape::Record, Some(row)) => Object(section, row).serialize(serializer),
            (Shape::Record, None) => serializer.serialize_none(),
            (Shape::List | Shape::Causes | Shape::Messages, _) => {
                serializer.collect_seq(section.rows.iter().map(|row| Object(section, row)))
            }
        }
    }
}

struct Object<'a>(&'a Section, &'a Row);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(section, row) = self;
        serializer.collect_map(
            section
                .spec
                .columns
                .iter()
                .map(|column| column.key)
                .zip(row.iter()),
        )
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(n) => serializer.serialize_u64(*n),
            Self::Change(n) => serializer.serialize_i64(*n),
            Self::Real(n) => serializer.serialize_f64(*n),
            Self::Time(stamp) => serializer.serialize_str(&rfc3339(*stamp)),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Texts(texts) => texts.serialize(serializer),
            Self::None => serializer.serialize_none(),
        }
    }
}
