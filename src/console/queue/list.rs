//! The rows of the queue screen: what was read, filtered, grouped and ordered.
//!
//! In: entries and what the user asked for. Out: places of entries in order, or groups of them. A message is
//! known by id, arrival and sender ([`Ident`]), never by its row.

use super::{Grouping, QueueView, Sort};
use crate::console::pattern::Pattern;
use crate::queue::Entry;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Who a message is, whichever queue it lies in: ids are used again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ident {
    /// Queue id.
    pub id: String,
    arrival: i64,
    sender: String,
}

impl Ident {
    /// The message of an entry.
    pub fn of(entry: &Entry) -> Self {
        Self {
            id: entry.queue_id.clone(),
            arrival: entry.arrival_time,
            sender: entry.sender.clone(),
        }
    }

    /// Whether the entry is this message.
    pub fn is(&self, entry: &Entry) -> bool {
        self.id == entry.queue_id
            && self.arrival == entry.arrival_time
            && self.sender == entry.sender
    }
}

/// Chosen messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    by_id: HashMap<String, Ident>,
}

impl Marks {
    /// How many.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether a message is marked.
    pub fn contains(&self, entry: &Entry) -> bool {
        self.by_id
            .get(&entry.queue_id)
            .is_some_and(|ident| ident.is(entry))
    }

    /// Marks a message.
    pub fn add(&mut self, entry: &Entry) {
        self.by_id.insert(entry.queue_id.clone(), Ident::of(entry));
    }

    /// Unmarks a message.
    pub fn remove(&mut self, entry: &Entry) {
        self.by_id.remove(&entry.queue_id);
    }

    /// Keeps the marks of messages that are still there.
    fn retain(&mut self, entries: &[Entry]) {
        if self.by_id.is_empty() {
            return;
        }
        let mut there = Self::default();
        for entry in entries.iter().filter(|e| self.contains(e)) {
            there.add(entry);
        }
        *self = there;
    }
}

/// Upper bounds of qshape's ages, minutes.
const AGES: [i64; 9] = [5, 10, 20, 40, 80, 160, 320, 640, 1280];

/// What the messages of a group have in common, and their figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// The destination domain, cause, sender or age.
    pub key: String,
    /// How many.
    pub count: usize,
    /// Bytes of all.
    pub size: u64,
    /// Arrival of the oldest.
    pub oldest: i64,
    /// Messages by age, as qshape counts them; the last are older than all of [`AGES`].
    pub ages: [usize; 10],
}

/// The queue and its rows.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// What was read.
    pub entries: Vec<Entry>,
    /// The messages that pass, by their place in `entries`, in order.
    pub rows: Vec<usize>,
    /// The groups, in order; empty when the list is not grouped.
    pub groups: Vec<Group>,
}

impl List {
    /// Takes a new reading; true when it differs.
    pub fn take(&mut self, entries: Vec<Entry>, marks: &mut Marks) -> bool {
        if self.entries == entries {
            return false;
        }
        marks.retain(&entries);
        self.entries = entries;
        true
    }

    /// Filters, groups and orders anew.
    pub fn arrange(&mut self, view: &QueueView, filter: Option<&Pattern>, now: i64) {
        let entries = &self.entries;
        self.rows = (0..entries.len())
            .filter(|at| passes(&entries[*at], view, filter, now))
            .collect();
        order(&mut self.rows, entries, view.sort);
        self.groups = match view.group {
            Grouping::None => Vec::new(),
            by => groups(entries, &self.rows, by, view.sort, now),
        };
    }

    /// The entry on a row of the ungrouped list.
    pub fn entry(&self, row: usize) -> Option<&Entry> {
        self.entries.get(*self.rows.get(row)?)
    }

    /// The entries that pass, in order.
    pub fn shown(&self) -> impl Iterator<Item = &Entry> {
        self.rows.iter().filter_map(|at| self.entries.get(*at))
    }

    /// The members of a group.
    pub fn members<'a>(
        &'a self,
        by: Grouping,
        key: &'a str,
        now: i64,
    ) -> impl Iterator<Item = &'a Entry> {
        self.shown()
            .filter(move |e| keys(e, by, now).iter().any(|k| k == key))
    }

    /// The message, if it is still there.
    pub fn find(&self, ident: &Ident) -> Option<&Entry> {
        self.entries.iter().find(|e| ident.is(e))
    }
}

/// Whether an entry is within what was drilled into and matches the filter.
fn passes(entry: &Entry, view: &QueueView, filter: Option<&Pattern>, now: i64) -> bool {
    let within = view
        .within
        .iter()
        .all(|(by, key)| keys(entry, *by, now).iter().any(|k| k == key));
    within && filter.is_none_or(|f| matches(entry, f))
}

/// Sender, any recipient or its reason, id or queue.
pub(crate) fn matches(entry: &Entry, filter: &Pattern) -> bool {
    filter.matches(sender(entry).as_bytes())
        || filter.matches(entry.queue_id.as_bytes())
        || filter.matches(entry.queue_name.as_str().as_bytes())
        || entry.recipients.iter().any(|r| {
            filter.matches(r.address.as_bytes())
                || r.delay_reason
                    .as_ref()
                    .is_some_and(|reason| filter.matches(reason.as_bytes()))
        })
}

/// The sender as postqueue shows it.
pub(crate) fn sender(entry: &Entry) -> &str {
    match entry.sender.as_str() {
        "" => "MAILER-DAEMON",
        sender => sender,
    }
}

/// The first reason there is.
pub(crate) fn reason(entry: &Entry) -> &str {
    entry
        .recipients
        .iter()
        .find_map(|r| r.delay_reason.as_deref())
        .unwrap_or_default()
}

/// The domain of an address, in lower case; the address itself when it has none.
pub(crate) fn domain(address: &str) -> String {
    let domain = address.rsplit_once('@').map_or(address, |(_, d)| d);
    domain.to_lowercase()
}

/// The groups an entry belongs to: one for each of its recipients' domains or causes.
fn keys(entry: &Entry, by: Grouping, now: i64) -> Vec<Cow<'_, str>> {
    let mut keys: Vec<Cow<'_, str>> = match by {
        Grouping::None => Vec::new(),
        Grouping::Domain => entry
            .recipients
            .iter()
            .map(|r| Cow::Owned(domain(&r.address)))
            .collect(),
        Grouping::Cause => entry
            .recipients
            .iter()
            .filter_map(|r| r.delay_reason.as_ref())
            .map(|r| Cow::Owned(crate::logparse::normalise::reason(r.as_bytes())))
            .collect(),
        Grouping::Sender => vec![Cow::Borrowed(sender(entry))],
        Grouping::Age => vec![Cow::Borrowed(AGE_NAMES[age_class(entry, now)])],
    };
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        keys.push(Cow::Borrowed("(none yet)"));
    }
    keys
}

const AGE_NAMES: [&str; 10] = [
    "less than 5 minutes",
    "5 to 10 minutes",
    "10 to 20 minutes",
    "20 to 40 minutes",
    "40 to 80 minutes",
    "80 to 160 minutes",
    "160 to 320 minutes",
    "5 to 11 hours",
    "11 to 21 hours",
    "more than 21 hours",
];

fn age_class(entry: &Entry, now: i64) -> usize {
    let minutes = (now - entry.arrival_time) / 60;
    AGES.iter()
        .position(|bound| minutes < *bound)
        .unwrap_or(AGES.len())
}

fn groups(entries: &[Entry], rows: &[usize], by: Grouping, sort: Sort, now: i64) -> Vec<Group> {
    let mut found: HashMap<String, Group> = HashMap::new();
    for entry in rows.iter().map(|at| &entries[*at]) {
        for key in keys(entry, by, now) {
            let key = key.into_owned();
            let group = found.entry(key.clone()).or_insert(Group {
                key,
                count: 0,
                size: 0,
                oldest: i64::MAX,
                ages: [0; 10],
            });
            group.count += 1;
            group.size += entry.message_size;
            group.oldest = group.oldest.min(entry.arrival_time);
            group.ages[age_class(entry, now)] += 1;
        }
    }
    let mut groups: Vec<Group> = found.into_values().collect();
    groups.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    match (by, sort) {
        // Ages are a scale: their own order says more than their counts.
        (Grouping::Age, _) => groups.sort_by_key(|g| g.oldest),
        (_, Sort::Oldest | Sort::NextTry) => groups.sort_by_key(|g| Reverse(g.count)),
        (_, Sort::Newest) => groups.sort_by_key(|g| g.oldest),
        (_, Sort::Size) => groups.sort_by_key(|g| Reverse(g.size)),
        _ => {}
    }
    groups
}

fn order(rows: &mut [usize], entries: &[Entry], sort: Sort) {
    // The reader gives them oldest first; a stable sort keeps that among equals.
    let of = |at: &usize| &entries[*at];
    match sort {
        Sort::Oldest => rows.sort_by_key(|at| of(at).arrival_time),
        Sort::Newest => rows.sort_by_key(|at| Reverse(of(at).arrival_time)),
        Sort::Size => rows.sort_by_key(|at| Reverse(of(at).message_size)),
        Sort::Sender => rows.sort_by(|a, b| sender(of(a)).cmp(sender(of(b)))),
        Sort::Recipient => rows.sort_by_cached_key(|at| {
            let first = of(at).recipients.first();
            first.map(|r| (domain(&r.address), r.address.clone()))
        }),
        Sort::Reason => rows.sort_by(|a, b| reason(of(a)).cmp(reason(of(b)))),
        Sort::NextTry => rows.sort_by_key(|at| of(at).next_try.unwrap_or(i64::MAX)),
    }
}
