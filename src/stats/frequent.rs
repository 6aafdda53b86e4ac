//! The most frequent names of a stream, in bounded memory whatever is in the stream.
//!
//! In: names with an example and a time. Out: the frequent ones with their counts. As long as there are fewer
//! than [`CAPACITY`] distinct names every count is exact; beyond that the rarest are let go, a count is a little
//! too high at most ([`Frequent::error`]), and no name is missing that occurred more often than that. The sketch
//! is Apache DataSketches' (Anderson et al., "A High-Performance Algorithm for Identifying Frequent Items in
//! Data Streams", 2017); the examples beside it are ours.

use crate::logparse::Stamp;
use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use rustc_hash::FxHashMap;

/// Slots of the sketch: a power of two.
const SLOTS: usize = 1024;

/// How many distinct names are kept at most; until then counts are exact.
pub const CAPACITY: usize = SLOTS / 4 * 3;

/// Names and examples are cut after so many bytes: a log's lines may be very long, and they are only shown.
const LONGEST: usize = 512;

/// A table of frequent names.
#[derive(Debug, Clone)]
pub struct Frequent {
    sketch: FrequentItemsSketch<Vec<u8>>,
    /// What is known of the names that the sketch holds, and of some that it has let go.
    seen: FxHashMap<Box<[u8]>, Seen>,
}

#[derive(Debug, Clone)]
struct Seen {
    last: Stamp,
    example: Box<[u8]>,
}

/// A frequent name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// The name.
    pub name: &'a [u8],
    /// How often it occurred, at most [`Frequent::error`] too high.
    pub count: u64,
    /// When it occurred last.
    pub last: Stamp,
    /// One of the texts that it stands for. Hostile, as all text of logs.
    pub example: &'a [u8],
}

impl Default for Frequent {
    fn default() -> Self {
        #[allow(
            clippy::expect_used,
            reason = "the size is a constant power of two, which is all that is asked of it"
        )]
        let sketch = FrequentItemsSketch::new(SLOTS).expect("a power of two");
        Self {
            sketch,
            seen: FxHashMap::default(),
        }
    }
}

impl Frequent {
    /// Counts a name.
    pub fn add(&mut self, name: &[u8], example: &[u8], time: Stamp, times: u64) {
        let name = cut(name);
        self.sketch.update_with_count_ref(name, times);
        if let Some(seen) = self.seen.get_mut(name) {
            seen.last = seen.last.max(time);
            if *seen.example != *cut(example) {
                seen.example = cut(example).into();
            }
            return;
        }
        self.remember(
            name.into(),
            Seen {
                last: time,
                example: cut(example).into(),
            },
        );
    }

    /// Adds what another counted of an older or a newer stretch of the same stream.
    pub fn merge(&mut self, other: Self) {
        self.sketch.merge(&other.sketch);
        for (name, theirs) in other.seen {
            match self.seen.get_mut(&name) {
                Some(mine) if mine.last < theirs.last => *mine = theirs,
                Some(_) => {}
                None => self.remember(name, theirs),
            }
        }
    }

    /// The `n` most frequent names, the most frequent first.
    pub fn top(&self, n: usize) -> Vec<Named<'_>> {
        let rows = self.sketch.frequent_items(ErrorType::NoFalseNegatives);
        let mut rows: Vec<_> = rows
            .iter()
            .filter_map(|row| {
                let (name, seen) = self.seen.get_key_value(row.item().as_slice())?;
                Some(Named {
                    name,
                    count: row.estimate(),
                    last: seen.last,
                    example: &seen.example,
                })
            })
            .collect();
        rows.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(b.name)));
        rows.truncate(n);
        rows
    }

    /// How much too high a count may be; 0 as long as counts are exact.
    pub fn error(&self) -> u64 {
        self.sketch.maximum_error()
    }

    /// All occurrences, of whatever name: exact.
    pub fn total(&self) -> u64 {
        self.sketch.total_weight()
    }

    /// How many names are kept.
    pub fn len(&self) -> usize {
        self.sketch.num_active_items()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.sketch.is_empty()
    }

    fn remember(&mut self, name: Box<[u8]>, seen: Seen) {
        self.seen.insert(name, seen);
        // Twice the sketch's room, so that the sweep is rare.
        if self.seen.len() > 2 * SLOTS {
            let sketch = &self.sketch;
            self.seen.retain(|name, _| sketch.lower_bound(&**name) > 0);
        }
    }
}

fn cut(text: &[u8]) -> &[u8] {
    &text[..text.len().min(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Stamp {
        Stamp {
            micros: seconds * 1_000_000,
            offset: 0,
        }
    }

    fn counted(names: impl Iterator<Item = u64>) -> Frequent {
        let mut table = Frequent::default();
        for (i, name) in (0..).zip(names) {
            let text = format!("text {i}");
            table.add(format!("name {name}").as_bytes(), text.as_bytes(), at(i), 1);
        }
        table
    }

    #[test]
    fn few_names_are_counted_exactly() {
        let table = counted((0..5000).map(|i| i % 700));
        assert_eq!((table.error(), table.len(), table.total()), (0, 700, 5000));
        let top = table.top(1)[0];
        assert_eq!((top.name, top.count), (&b"name 0"[..], 8));
        assert_eq!((top.last, top.example), (at(4900), &b"text 4900"[..]));
    }

    #[test]
    fn many_names_stay_bounded_and_the_frequent_one_is_found_within_the_error() {
        let table = counted((0..100_000).map(|i| if i % 10 == 0 { 0 } else { i }));
        assert!(table.len() <= SLOTS && table.seen.len() <= 2 * SLOTS + 1);
        assert!(table.error() > 0);
        let top = table.top(1)[0];
        assert_eq!(top.name, b"name 0");
        assert!((10_000..=10_000 + table.error()).contains(&top.count));
        assert_eq!(table.total(), 100_000);
    }

    #[test]
    fn halves_merge_into_the_whole() {
        let whole = counted((0..4000).map(|i| i % 600));
        let mut half = counted((0..1800).map(|i| i % 600));
        half.merge(counted((1800..4000).map(|i| i % 600)));
        let counts = |t: &Frequent| -> Vec<(Vec<u8>, u64)> {
            let rows = t.top(usize::MAX);
            rows.iter().map(|r| (r.name.to_vec(), r.count)).collect()
        };
        assert_eq!(counts(&half), counts(&whole));
    }

    #[test]
    fn what_is_very_long_is_cut() {
        let mut table = Frequent::default();
        table.add(&vec![b'x'; 70_000], &vec![b'y'; 70_000], at(0), 1);
        let top = table.top(1)[0];
        assert_eq!((top.name.len(), top.example.len()), (LONGEST, LONGEST));
    }
}
