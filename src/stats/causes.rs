//! Causes: reason texts made comparable and counted, with examples.

use super::joined::joined;
use super::names::Table;
use crate::logparse::Stamp;
use crate::logparse::event::{Reject, Verdict};
use crate::logparse::normalise;
use rustc_hash::FxHashMap;

/// How many distinct causes are kept apart. Normalised texts are few; a site whose texts are not
/// normalised well gets the rest counted together under [`OTHERS`].
const MOST: usize = 20_000;

/// How many examples a cause keeps.
const EXAMPLES: usize = 3;

/// The name under which causes beyond the bound are counted.
pub const OTHERS: &[u8] = b"(other reasons)";

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cause {
    /// How often it occurred.
    pub count: u64,
    /// The first texts as they were logged.
    pub examples: Vec<Box<[u8]>>,
    /// When it occurred first.
    pub first: Stamp,
    /// When it occurred last.
    pub last: Stamp,
}

impl Cause {
    fn add(&mut self, text: &[u8], time: Stamp, times: u64) {
        self.seen(times, time, time);
        if self.examples.len() < EXAMPLES && !self.examples.iter().any(|e| **e == *text) {
            self.examples.push(text.into());
        }
    }

    fn seen(&mut self, times: u64, first: Stamp, last: Stamp) {
        self.first = if self.count == 0 {
            first
        } else {
            self.first.min(first)
        };
        self.last = self.last.max(last);
        self.count += times;
    }

    fn merge(&mut self, other: Self) {
        if other.count > 0 {
            self.seen(other.count, other.first, other.last);
        }
        for example in other.examples {
            if self.examples.len() < EXAMPLES && !self.examples.contains(&example) {
                self.examples.push(example);
            }
        }
    }
}

/// What stands before a block list's name in its cause's.
const BLOCKED: &[u8] = b"blocked using ";

/// How many texts are remembered with the cause they normalise to: a dead destination gives the same
/// text thousands of times.
const REMEMBERED: usize = 4096;

/// Causes by their normalised text.
#[derive(Debug, Clone, Default)]
pub struct Causes {
    table: Table<Cause>,
    /// The rows of texts seen before.
    memory: FxHashMap<Box<[u8]>, u32>,
}

impl Causes {
    /// Counts `text` under `name`. Answers, as the others do, with the number of the cause's row.
    pub fn add(&mut self, name: &[u8], text: &[u8], time: Stamp, times: u64) -> u32 {
        let row = self.row(name);
        self.table.at_mut(row).add(text, time, times);
        row
    }

    /// Counts `text` under its normalised form.
    pub fn add_text(&mut self, text: &[u8], time: Stamp, times: u64) -> u32 {
        self.add_known(text, || of_text(text), text, time, times)
    }

    /// Counts a reject's line, `text`, under its cause.
    pub fn add_reject(&mut self, reject: &Reject<'_>, text: &[u8], time: Stamp, times: u64) -> u32 {
        if is_told_by_reason(reject) {
            return self.add_known(reject.reason, || of_reject(reject), text, time, times);
        }
        if let Some(zone) = reject.category.zone() {
            let mut buffer = [0; 320];
            let name = joined(&[BLOCKED, zone], &mut buffer);
            return self.add(&name, text, time, times);
        }
        self.add(&of_reject(reject), text, time, times)
    }

    /// Counts `text` under the name that is made from `key`, and made only for a key not seen lately.
    pub fn add_known(
        &mut self,
        key: &[u8],
        name: impl FnOnce() -> Vec<u8>,
        text: &[u8],
        time: Stamp,
        times: u64,
    ) -> u32 {
        let row = if let Some(row) = self.memory.get(key) {
            *row
        } else {
            let row = self.row(&name());
            if self.memory.len() >= REMEMBERED {
                self.memory.clear();
            }
            self.memory.insert(key.into(), row);
            row
        };
        self.table.at_mut(row).add(text, time, times);
        row
    }

    fn row(&mut self, name: &[u8]) -> u32 {
        let full = self.table.len() >= MOST && self.table.get(name).is_none();
        self.table.number(if full { OTHERS } else { name })
    }

    /// Adds another's causes; answers with the numbers that the other's rows have here.
    pub fn merge(&mut self, other: Self) -> Vec<u32> {
        self.table.merge(other.table, Cause::merge)
    }

    /// The `n` most frequent with the numbers of their rows, the most frequent first.
    pub fn numbered(&self, n: usize) -> Vec<(u32, &[u8], &Cause)> {
        let mut rows: Vec<_> = (0u32..)
            .zip(self.table.iter())
            .map(|(number, (name, cause))| (number, name, cause))
            .collect();
        rows.sort_unstable_by(|a, b| b.2.count.cmp(&a.2.count).then_with(|| a.1.cmp(b.1)));
        rows.truncate(n);
        rows
    }

    /// All occurrences together: what a cause's share is of.
    pub fn total(&self) -> u64 {
        self.table.iter().map(|(_, cause)| cause.count).sum()
    }

    /// The cause of this name.
    pub fn get(&self, name: &[u8]) -> Option<&Cause> {
        self.table.get(name)
    }

    /// Names and causes in the order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Cause)> {
        self.table.iter()
    }

    /// The `n` most frequent, the most frequent first.
    pub fn top(&self, n: usize) -> Vec<(&[u8], &Cause)> {
        self.table.top(n, |cause| cause.count)
    }

    /// How many distinct causes there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

/// Whether [`of_reject`] looks at nothing but the reason.
fn is_told_by_reason(reject: &Reject<'_>) -> bool {
    reject.matched.is_none()
        && reject.category.zone().is_none()
        && matches!(reject.verdict, Verdict::Reject | Verdict::RejectWarning)
}

/// The name of a reject's cause: its normalised text, but with the block list's own name, which is the
/// cause, and with the content check's stage.
pub fn of_reject(reject: &Reject<'_>) -> Vec<u8> {
    if let Some(zone) = reject.category.zone() {
        return [BLOCKED, zone].concat();
    }
    if reject.matched.is_some() {
        let mut name = reject.stage.to_vec();
        name.extend_from_slice(b" check");
        if !reject.reason.is_empty() {
            name.extend_from_slice(b": ");
            name.extend_from_slice(normalise::reason(reject.reason).as_bytes());
        }
        return name;
    }
    let mut name = match reject.verdict {
        Verdict::MilterReject | Verdict::MilterHold | Verdict::MilterDiscard => {
            b"milter: ".to_vec()
        }
        _ => Vec::new(),
    };
    name.extend_from_slice(normalise::reason(reject.reason).as_bytes());
    name
}

/// The normalised text of a delivery's reason or a warning.
pub fn of_text(text: &[u8]) -> Vec<u8> {
    normalise::reason(text).into_bytes()
}

/// The domain of an address in lower case, or `None` when it has none.
pub fn domain(address: &[u8]) -> Option<&[u8]> {
    let at = memchr::memrchr(b'@', address)?;
    let domain = &address[at + 1..];
    (!domain.is_empty()).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_few_and_distinct() {
        let mut causes = Causes::default();
        for i in [1, 1, 2, 3, 4] {
            let text = format!("connect to host{i}");
            causes.add(b"connect to host", text.as_bytes(), Stamp::default(), 1);
        }
        let top = causes.top(5);
        assert_eq!((top.len(), top[0].1.count), (1, 5));
        assert_eq!(top[0].1.examples.len(), EXAMPLES);
    }

    #[test]
    fn a_domain_stands_behind_the_last_at() {
        assert_eq!(domain(b"\"a@b\"@c.example"), Some(&b"c.example"[..]));
        assert_eq!(domain(b"root"), None);
        assert_eq!(domain(b"root@"), None);
    }
}
