//! What the sections are made from: the summary, the one of the period before, the queue, and what the
//! user wants to see of them.

use super::fold::Fold;
use super::section::{Limit, Shown, Spec};
use super::sections;
use crate::queue::Entry;
use crate::sanitize;
use crate::stats::names::Table;
use crate::stats::summary::{Sections, Summary, Tally};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The longest text that is shown, in bytes: a log line may be much longer.
const LONGEST: usize = 400;

/// How many rows lists have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Of every list.
    pub usual: usize,
    /// Of some lists.
    pub of: BTreeMap<Limit, usize>,
}

impl Default for Limits {
    /// Twenty rows: what fits on a screen.
    fn default() -> Self {
        Self {
            usual: 20,
            of: BTreeMap::new(),
        }
    }
}

/// What to do with sections, days and hours that are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Empty {
    /// Leave them out.
    #[default]
    Omitted,
    /// Show them.
    Shown,
}

/// The order of the sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Totals, traffic, problems, hosts and users, services.
    #[default]
    Usual,
    /// Problems right behind the totals.
    ProblemsFirst,
}

/// What the user wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Rows of lists.
    pub limits: Limits,
    /// Sections left out everywhere, by name.
    pub without: Vec<&'static str>,
    /// Sections shown to people only on request, by name.
    pub extra: Vec<&'static str>,
    /// Empty sections, days and hours.
    pub empty: Empty,
    /// The order for people.
    pub order: Order,
    /// How addresses are joined.
    pub fold: Fold,
}

impl Options {
    /// Every row of every list.
    pub fn unlimited() -> Self {
        Self {
            limits: Limits {
                usual: usize::MAX,
                of: BTreeMap::new(),
            },
            ..Self::default()
        }
    }

    /// Which parts of a summary the sections need that people are shown.
    pub fn needed(&self) -> Sections {
        let shown = sections::ALL
            .iter()
            .copied()
            .filter(|spec| match spec.shown {
                Shown::Usually => true,
                Shown::OnRequest | Shown::Demanded => self.extra.contains(&spec.key),
                Shown::AsData => false,
            });
        sections::needed(self, shown)
    }

    /// Whether the report has a section at all, shown or not.
    pub fn has(&self, spec: &Spec) -> bool {
        let given = spec.shown != Shown::Demanded || self.extra.contains(&spec.key);
        given && !self.without.contains(&spec.key)
    }

    /// How many rows a section may have.
    pub fn rows(&self, spec: &Spec) -> usize {
        spec.limit.map_or(usize::MAX, |limit| self.limit(limit))
    }

    /// How many rows the lists of a kind may have.
    pub fn limit(&self, limit: Limit) -> usize {
        let own = self.limits.of.get(&limit);
        own.copied().unwrap_or(self.limits.usual)
    }
}

/// What the sections read.
#[derive(Debug)]
pub struct Input<'a> {
    /// The settled summary.
    pub summary: &'a Summary,
    /// The settled summary of the period before, when they are to be compared.
    pub before: Option<&'a Summary>,
    /// The queue, when it was asked for.
    pub queue: Option<&'a [Entry]>,
    /// What the user wants.
    pub options: &'a Options,
    /// Senders, folded as the user wants.
    pub senders: Cow<'a, Table<Tally>>,
    /// Recipients, likewise.
    pub recipients: Cow<'a, Table<Tally>>,
}

impl<'a> Input<'a> {
    /// For one summary.
    pub fn new(summary: &'a Summary, options: &'a Options) -> Self {
        Self {
            summary,
            before: None,
            queue: None,
            options,
            senders: options.fold.senders(&summary.senders),
            recipients: options.fold.recipients(&summary.recipients),
        }
    }
}

/// Makes text of the log fit to be shown: sanitised, and not longer than anybody reads.
pub(super) fn shown(text: &[u8]) -> String {
    // What is cut off is not worth sanitising; a multi-byte character at the cut becomes U+FFFD.
    let text = sanitize::line(&text[..text.len().min(4 * LONGEST)]);
    if text.len() <= LONGEST {
        return text.into_owned();
    }
    let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at));
    format!("{}...", &text[..end.unwrap_or(0)])
}

/// An address; the null sender is `<>`.
pub(super) fn address(text: &[u8]) -> String {
    if text.is_empty() {
        "<>".to_owned()
    } else {
        shown(text)
    }
}
