//! Reports from a [`crate::stats::Summary`], in every format: text and HTML for people; JSON, CSV and
//! Prometheus' exposition format for programs.
//!
//! In: a settled summary (and, to compare, that of the period before; and the queue), and what the user
//! wants to see of it ([`Options`]). Out: a [`Report`], whose texts are sanitised, and its forms, each in
//! a file of its own. What a report says is defined in [`sections`], once for all formats. It reads no
//! logs and knows no terminal.

mod csv;
pub mod figures;
pub mod fold;
mod html;
mod input;
mod json;
pub mod looks;
mod prometheus;
pub mod section;
pub mod sections;
mod text;
pub mod when;
pub(crate) mod wrap;

use crate::queue::Entry;
use crate::stats::summary::Summary;
pub use csv::{CsvError, list as csv_list};
pub use input::{Empty, Input, Limits, Options, Order};
pub use prometheus::METRICS;
use section::{Group, Section, Shown};
pub use text::{Colour, Messages, TextStyle};
use when::Span;

/// Where a report comes from: what its head says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The logs that were read, oldest first, sanitised.
    pub logs: Vec<String>,
    /// The period that was asked for.
    pub asked: Span,
    /// The period that it is compared with.
    pub compared: Option<Span>,
    /// What the reader must know of it, a sentence each: that only the live log was read, that nothing in
    /// it was Postfix's and what it looks like.
    pub remarks: Vec<String>,
}

/// Everything a report says, ready to be printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Where it comes from.
    pub origin: Origin,
    /// First and last stamp of the lines that were counted.
    pub period: Option<(crate::logparse::Stamp, crate::logparse::Stamp)>,
    /// The same of the period before.
    pub period_before: Option<(crate::logparse::Stamp, crate::logparse::Stamp)>,
    /// All sections but those left out, in the order for people.
    pub sections: Vec<Section>,
    options: Options,
}

/// What a report is made from, besides the summary itself.
#[derive(Debug, Default, Clone)]
pub struct Sources<'a> {
    /// Where it comes from.
    pub origin: Origin,
    /// The settled summary of the period before.
    pub before: Option<&'a Summary>,
    /// The queue, oldest first.
    pub queue: Option<&'a [Entry]>,
}

impl Report {
    /// The report of a settled summary.
    pub fn new(summary: &Summary, options: &Options) -> Self {
        Self::with(summary, options, Sources::default())
    }

    /// The same with all there is.
    pub fn with(summary: &Summary, options: &Options, sources: Sources<'_>) -> Self {
        let mut input = Input::new(summary, options);
        input.before = sources.before;
        input.queue = sources.queue;
        let mut sections: Vec<Section> = sections::ALL
            .iter()
            .filter(|spec| options.has(spec))
            .map(|spec| {
                let rows = (spec.rows)(&input);
                Section {
                    spec,
                    rows: rows.rows,
                    all: rows.all,
                }
            })
            .collect();
        if options.order == Order::ProblemsFirst {
            // Stable: within the problems, and within the rest, the order stays.
            sections.sort_by_key(|section| match section.spec.group {
                Group::Changes => 0,
                Group::Totals => 1,
                Group::Problems => 2,
                _ => 3,
            });
        }
        Self {
            origin: sources.origin,
            period: summary.period,
            period_before: sources.before.and_then(|before| before.period),
            sections,
            options: options.clone(),
        }
    }

    /// A section by its name; `None` when it was left out or there is none of this name.
    pub fn section(&self, key: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.spec.key == key)
    }

    /// A count of the section `totals` or of another record.
    pub(crate) fn count(&self, section: &str, column: &str) -> u64 {
        self.section(section)
            .map_or(0, |section| section.value(column).count())
    }

    /// The sections that people are shown.
    fn shown(&self) -> impl Iterator<Item = &Section> {
        let options = &self.options;
        self.sections.iter().filter(move |section| {
            let spec = section.spec;
            let wanted = match spec.shown {
                Shown::Usually => true,
                Shown::OnRequest | Shown::Demanded => options.extra.contains(&spec.key),
                Shown::AsData => false,
            };
            // A list that the user set to no rows is off, not empty.
            let off = options.rows(spec) == 0;
            let news = spec.group != Group::Changes || self.origin.compared.is_some();
            // One day is the totals once more.
            let days = spec.key != "by_day" || section.rows.len() > 1;
            let queue = !spec.key.starts_with("queue") || !section.rows.is_empty();
            wanted
                && !off
                && news
                && queue
                && (days || options.empty == Empty::Shown)
                && (options.empty == Empty::Shown || !section.is_empty())
        })
    }

    /// Whether nothing of Postfix was in the period.
    pub fn is_empty(&self) -> bool {
        self.period.is_none()
    }
}
