//! The last so many seconds or minutes, one slot each.

use super::Flow;

/// The last so many spans of time, one slot each.
#[derive(Debug, Clone)]
pub struct Ring {
    /// Length of a span in seconds.
    width: i64,
    slots: Vec<Flow>,
    /// The number of the newest span (time / width).
    newest: Option<i64>,
}

impl Ring {
    pub(super) fn new(width: i64, slots: usize) -> Self {
        Self {
            width,
            slots: vec![Flow::default(); slots],
            newest: None,
        }
    }

    fn length(&self) -> i64 {
        i64::try_from(self.slots.len()).unwrap_or(i64::MAX)
    }

    /// Moves on to the span of `now` (seconds since the epoch), emptying what is skipped.
    pub(super) fn advance(&mut self, now: i64) {
        let span = now.div_euclid(self.width);
        let length = self.length();
        let newest = *self.newest.get_or_insert(span);
        for skipped in (newest + 1..=span).rev().take(self.slots.len()) {
            let at = usize::try_from(skipped.rem_euclid(length)).unwrap_or(0);
            self.slots[at] = Flow::default();
        }
        self.newest = Some(newest.max(span));
    }

    /// The slot of a point in time, unless it is too old or no span has begun.
    pub(super) fn slot(&mut self, time: i64) -> Option<&mut Flow> {
        let span = time.div_euclid(self.width);
        let length = self.length();
        let age = self.newest? - span;
        (0..length).contains(&age).then(|| {
            let at = usize::try_from(span.rem_euclid(length)).unwrap_or(0);
            &mut self.slots[at]
        })
    }

    /// The last `n` spans up to that of `now`, the oldest first; spans that have not begun are empty.
    pub fn last(&self, n: usize, now: i64) -> Vec<Flow> {
        let span = now.div_euclid(self.width);
        let length = self.length();
        let n = i64::try_from(n).unwrap_or(i64::MAX).min(length);
        (span - n + 1..=span)
            .map(|s| match self.newest {
                Some(newest) if (0..length).contains(&(newest - s)) => {
                    self.slots[usize::try_from(s.rem_euclid(length)).unwrap_or(0)]
                }
                _ => Flow::default(),
            })
            .collect()
    }

    /// Adds what an older ring of the same width knows of the spans that this one still has.
    pub(super) fn merge(&mut self, older: &Self) {
        let Some(newest) = older.newest else { return };
        self.advance(newest * self.width);
        let length = older.length();
        for span in newest - length + 1..=newest {
            let at = usize::try_from(span.rem_euclid(length)).unwrap_or(0);
            let flow = older.slots[at];
            if let Some(slot) = self.slot(span * self.width) {
                *slot += flow;
            }
        }
    }
}
